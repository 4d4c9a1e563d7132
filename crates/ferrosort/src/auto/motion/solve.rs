//! One displacement for every time bin and window that agrees with the pairs: least squares, with outliers weighed down.

use super::pairs::Pair;

/// Weight of the square of a change from a bin to the next, per µm², where a perfect pair has 1.
const SMOOTH_TIME: f64 = 0.5;
/// The same from a window to the next.
const SMOOTH_DEPTH: f64 = 0.2;
/// Weight of the square of the displacement: decides only what nothing else does.
const RIDGE: f64 = 1e-5;
/// Rounds of weighing.
const ROUNDS: usize = 8;
/// Of these, the first with weights of a convex loss.
const CONVEX_ROUNDS: usize = 4;

/// An equation between two unknowns: `x[b] - x[a] = shift`.
struct Link {
    a: usize,
    b: usize,
    shift: f64,
    weight: f64,
}

/// Displacements `[bins, windows]`, µm.
pub(super) fn solve(pairs: &[Pair], bins: usize, windows: usize) -> Vec<f64> {
    let at = |bin: usize, window: usize| bin * windows + window;
    let mut links: Vec<Link> = pairs
        .iter()
        .map(|pair| Link {
            a: at(pair.from, pair.window),
            b: at(pair.to, pair.window),
            shift: pair.shift_um,
            weight: pair.weight,
        })
        .collect();
    let smooth = |a: usize, b: usize, weight: f64| Link {
        a,
        b,
        shift: 0.0,
        weight,
    };
    for t in 0..bins {
        for w in 0..windows {
            if t + 1 < bins {
                links.push(smooth(at(t, w), at(t + 1, w), SMOOTH_TIME));
            }
            if w + 1 < windows {
                links.push(smooth(at(t, w), at(t, w + 1), SMOOTH_DEPTH));
            }
        }
    }
    let mut x = vec![0.0; bins * windows];
    let mut weights: Vec<f64> = links.iter().map(|l| l.weight).collect();
    for round in 0..ROUNDS {
        conjugate_gradient(&links, &weights, &mut x);
        let errors: Vec<f64> = links[..pairs.len()]
            .iter()
            .map(|l| (x[l.b] - x[l.a] - l.shift).abs())
            .collect();
        // Twice the standard deviation by the median; errors below 1 µm are nobody's fault.
        let scale = (2.0 * 1.4826 * median(&mut errors.clone())).max(1.0);
        for ((weight, link), error) in weights.iter_mut().zip(&links).zip(&errors) {
            let share = error / scale;
            let trust = if round < CONVEX_ROUNDS {
                1.0 / share.max(1.0)
            } else {
                1.0 / (1.0 + share * share)
            };
            *weight = link.weight * trust;
        }
    }
    x
}

/// Minimises the weighted squares from `x`, with the diagonal as preconditioner.
fn conjugate_gradient(links: &[Link], weights: &[f64], x: &mut [f64]) {
    let n = x.len();
    let mut diagonal = vec![RIDGE; n];
    let mut r: Vec<f64> = x.iter().map(|v| -RIDGE * v).collect();
    for (link, &w) in links.iter().zip(weights) {
        diagonal[link.a] += w;
        diagonal[link.b] += w;
        let pull = w * (link.shift - (x[link.b] - x[link.a]));
        r[link.b] += pull;
        r[link.a] -= pull;
    }
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let scaled = |r: &[f64]| r.iter().zip(&diagonal).map(|(r, d)| r / d).collect::<Vec<f64>>();
    let mut z = scaled(&r);
    let mut direction = z.clone();
    let mut rz = product(&r, &z);
    // In units of weight times µm²: 1e-4 µm for each unknown.
    let enough = 1e-8 * n as f64;
    for _ in 0..500 {
        if rz.is_nan() || rz <= enough {
            break;
        }
        let mut image: Vec<f64> = direction.iter().map(|v| RIDGE * v).collect();
        for (link, &w) in links.iter().zip(weights) {
            let pull = w * (direction[link.b] - direction[link.a]);
            image[link.b] += pull;
            image[link.a] -= pull;
        }
        let bend = product(&direction, &image);
        if bend.is_nan() || bend <= 0.0 {
            break;
        }
        let step = rz / bend;
        for k in 0..n {
            x[k] += step * direction[k];
            r[k] -= step * image[k];
        }
        z = scaled(&r);
        let next = product(&r, &z);
        let keep = next / rz;
        rz = next;
        direction.iter_mut().zip(&z).for_each(|(d, z)| *d = z + keep * *d);
    }
}

/// The middle value (the lower of two), 0 for none. Sorts.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or(0.0)
}
