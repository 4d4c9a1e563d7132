//! Linear interpolation between scattered positions, over their Delaunay triangulation.

/// Most positions: the search for triangles tries all triples.
const MAX_POINTS: usize = 100;

/// Triangles whose circumcircle holds no other point.
#[derive(Debug, Clone)]
pub(super) struct Triangles {
    points: Vec<[f64; 2]>,
    /// Counter-clockwise.
    triangles: Vec<[usize; 3]>,
}

impl Triangles {
    /// Points on a common circle give triangles that overlap; the first that holds a place is used.
    pub(super) fn new(points: Vec<[f64; 2]>) -> Result<Self, String> {
        let n = points.len();
        if n > MAX_POINTS {
            return Err(format!(
                "its {n} positions do not form a grid, and at most {MAX_POINTS} scattered ones are possible"
            ));
        }
        if (0..n).any(|i| points[..i].contains(&points[i])) {
            return Err("two of its positions are the same".to_owned());
        }
        let mut triangles = Vec::new();
        for i in 0..n {
            for j in i + 1..n {
                for k in j + 1..n {
                    let area = doubled_area(points[i], points[j], points[k]);
                    let corners = if area > 0.0 { [i, j, k] } else { [i, k, j] };
                    if area.abs() > 1e-9 && points.iter().all(|p| !in_circle(corners.map(|c| points[c]), *p)) {
                        triangles.push(corners);
                    }
                }
            }
        }
        Ok(Self { points, triangles })
    }

    /// Points and their weights at a place: the corners of its triangle, or outside of all the nearest point.
    pub(super) fn weights(&self, place: [f64; 2]) -> Vec<(usize, f64)> {
        for corners in &self.triangles {
            let [a, b, c] = corners.map(|i| self.points[i]);
            let area = doubled_area(a, b, c);
            let parts = [
                doubled_area(place, b, c) / area,
                doubled_area(a, place, c) / area,
                doubled_area(a, b, place) / area,
            ];
            if parts.iter().all(|w| *w >= -1e-12) {
                return corners.iter().copied().zip(parts).collect();
            }
        }
        let distance2 = |p: &[f64; 2]| (p[0] - place[0]).powi(2) + (p[1] - place[1]).powi(2);
        let nearest =
            (0..self.points.len()).min_by(|&i, &j| distance2(&self.points[i]).total_cmp(&distance2(&self.points[j])));
        nearest.map(|i| (i, 1.0)).into_iter().collect()
    }
}

/// Twice the area of a triangle, positive when its corners run counter-clockwise.
fn doubled_area(a: [f64; 2], b: [f64; 2], c: [f64; 2]) -> f64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
}

/// Strictly inside the circle through three counter-clockwise corners.
fn in_circle(corners: [[f64; 2]; 3], p: [f64; 2]) -> bool {
    let [a, b, c] = corners.map(|q| {
        let (x, y) = (q[0] - p[0], q[1] - p[1]);
        [x, y, x * x + y * y]
    });
    let determinant =
        a[0] * (b[1] * c[2] - c[1] * b[2]) - a[1] * (b[0] * c[2] - c[0] * b[2]) + a[2] * (b[0] * c[1] - c[0] * b[1]);
    // Relative to its terms, so that corners themselves and points on the circle are outside.
    determinant > 1e-9 * a[2].max(b[2]).max(c[2]).powi(2)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_is_interpolated_exactly_inside_and_by_the_nearest_point_outside() {
        // A staggered piece of a probe.
        let points: Vec<[f64; 2]> = (0..12)
            .map(|i| [[-24.0, 8.0, -8.0, 24.0][i % 4], 20.0 * (i / 2) as f64])
            .collect();
        let plane = |p: [f64; 2]| 3.0 + 0.5 * p[0] - 0.25 * p[1];
        let triangles = Triangles::new(points.clone()).unwrap();
        let value = |p| -> f64 { triangles.weights(p).iter().map(|&(i, w)| w * plane(points[i])).sum() };
        for p in [[0.0, 50.0], [-10.0, 33.0], [8.0, 40.0], [15.0, 90.0], [-8.0, 1.0]] {
            assert!((value(p) - plane(p)).abs() < 1e-9, "{p:?}: {}", value(p));
        }
        assert_eq!(value([24.0, 0.0]), plane([8.0, 0.0]));
        assert!(triangles.triangles.iter().all(|t| t.iter().all(|&i| i < 12)));
    }

    #[test]
    fn four_points_on_a_circle_do() {
        let square = vec![[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]];
        let triangles = Triangles::new(square).unwrap();
        let sum: f64 = triangles.weights([0.25, 0.5]).iter().map(|w| w.1).sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }

    #[test]
    fn too_many_or_equal_points_are_refused() {
        let many = (0..101).map(|i| [f64::from(i), f64::from(i * i)]).collect();
        assert!(Triangles::new(many).unwrap_err().contains("at most 100"));
        assert!(Triangles::new(vec![[0.0, 1.0]; 2]).unwrap_err().contains("same"));
    }
}
