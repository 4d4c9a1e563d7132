//! Modified Akima interpolation ("makima"): cubic Hermite pieces whose slopes do not overshoot flat stretches (Akima,
//! J ACM 17:589, 1970, with the weights of MATLAB's makima; docs/waveforms.md 4.2).

/// The piece of a curve that holds a place, and the weights of its ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Piece {
    /// Knot at the left end of the piece.
    pub(super) left: usize,
    /// Weights of the value and of the slope at the left end, of the value and of the slope at the right end.
    weights: [f64; 4],
}

impl Piece {
    /// The piece that holds `x`, which lies within the knots (ascending, at least two).
    pub(super) fn at(knots: &[f64], x: f64) -> Self {
        let left = knots
            .partition_point(|&k| k <= x)
            .saturating_sub(1)
            .min(knots.len() - 2);
        let h = knots[left + 1] - knots[left];
        let r = (x - knots[left]) / h;
        let (r2, r3) = (r * r, r * r * r);
        Self {
            left,
            weights: [
                2.0 * r3 - 3.0 * r2 + 1.0,
                (r3 - 2.0 * r2 + r) * h,
                3.0 * r2 - 2.0 * r3,
                (r3 - r2) * h,
            ],
        }
    }

    /// The curve through these values with these slopes, at the left and right end.
    pub(super) fn value(&self, values: [f64; 2], slopes: [f64; 2]) -> f64 {
        let [v0, s0, v1, s1] = self.weights;
        v0 * values[0] + s0 * slopes[0] + v1 * values[1] + s1 * slopes[1]
    }
}

/// Slope at knot `i` of the curve through `value(0), value(1), …` at the knots (ascending, at least two).
pub(super) fn slope(knots: &[f64], value: impl Fn(usize) -> f64, i: usize) -> f64 {
    let last = knots.len() as isize - 2;
    let inside = |k: isize| {
        let k = k as usize;
        (value(k + 1) - value(k)) / (knots[k + 1] - knots[k])
    };
    if last == 0 {
        return inside(0);
    }
    // Beyond either end the differences go on in a straight line.
    let delta = |k: isize| match k {
        _ if k < 0 => inside(0) + k as f64 * (inside(1) - inside(0)),
        _ if k > last => inside(last) + (k - last) as f64 * (inside(last) - inside(last - 1)),
        _ => inside(k),
    };
    let i = i as isize;
    let [before2, before, after, after2] = [i - 2, i - 1, i, i + 1].map(delta);
    let w1 = (after2 - after).abs() + (after2 + after).abs() / 2.0;
    let w2 = (before - before2).abs() + (before + before2).abs() / 2.0;
    if w1 + w2 == 0.0 {
        return 0.0;
    }
    (w1 * before + w2 * after) / (w1 + w2)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn curve(knots: &[f64], values: &[f64], x: f64) -> f64 {
        let piece = Piece::at(knots, x);
        let slopes = [piece.left, piece.left + 1].map(|i| slope(knots, |k| values[k], i));
        piece.value([values[piece.left], values[piece.left + 1]], slopes)
    }

    /// Golden numbers from `tests/data/make_makima.py` (SciPy's `Akima1DInterpolator`).
    #[test]
    fn curves_equal_scipy_s() {
        let golden: serde_json::Value = serde_json::from_str(include_str!("../../../tests/data/makima.json")).unwrap();
        let numbers = |v: &serde_json::Value| -> Vec<f64> {
            let items = v.as_array().unwrap().iter();
            items.map(|x| x.as_f64().unwrap()).collect()
        };
        let cases = golden.as_array().unwrap();
        assert!(cases.len() >= 5);
        for case in cases {
            let (knots, values) = (numbers(&case["knots"]), numbers(&case["values"]));
            for (x, expected) in numbers(&case["x"]).into_iter().zip(numbers(&case["y"])) {
                let y = curve(&knots, &values, x);
                assert!(
                    (y - expected).abs() < 1e-12,
                    "{y} instead of {expected} at {x} of {knots:?}"
                );
            }
        }
    }

    #[test]
    fn curves_pass_through_their_knots_and_two_knots_are_a_line() {
        let (knots, values) = ([-24.0, -8.0, 8.0, 24.0], [1.0, -7.0, 3.0, 2.0]);
        for (k, v) in knots.into_iter().zip(values) {
            assert_eq!(curve(&knots, &values, k), v);
        }
        assert!((curve(&[0.0, 20.0], &[1.0, 3.0], 5.0) - 1.5).abs() < 1e-15);
    }
}
