//! Correlated normal numbers, contact by contact.
//!
//! Given the earlier contacts, a contact is a weighted sum of its most correlated ones plus an independent rest
//! (Vecchia, J R Stat Soc B 50:297, 1988). That costs some multiplications a value for any geometry instead of a dense
//! matrix.

use crate::geometry::SimContact;

/// One contact's number as a weighted sum of earlier ones plus a rest.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Prediction {
    /// Earlier contacts and their weights.
    pub(crate) terms: Vec<(usize, f32)>,
    /// Standard deviation of what they do not predict.
    pub(crate) rest: f32,
}

/// Added to the diagonal, so that an estimated matrix has no direction without variance.
const FLOOR: f64 = 1e-4;
/// Correlations below this are left out.
const LEAST: f64 = 0.01;

/// Predictions for all `n` contacts with this correlation matrix, each from at most `most` earlier contacts.
pub(crate) fn predictions(n: usize, most: usize, correlation: impl Fn(usize, usize) -> f64) -> Vec<Prediction> {
    (0..n).map(|i| predict(i, most, &correlation)).collect()
}

fn predict(i: usize, most: usize, correlation: &impl Fn(usize, usize) -> f64) -> Prediction {
    let mut near: Vec<(f64, usize)> = (0..i)
        .map(|j| (correlation(i, j), j))
        .filter(|&(r, _)| r.abs() > LEAST)
        .collect();
    near.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()).then(a.1.cmp(&b.1)));
    near.truncate(most);
    let n = near.len();
    // Augmented system: correlations among the neighbours | correlations with contact i. The matrix is positive
    // definite thanks to the floor, so elimination needs no pivots.
    let mut rows: Vec<Vec<f64>> = (0..n)
        .map(|a| {
            let among = (0..n).map(|b| {
                if a == b {
                    1.0 + FLOOR
                } else {
                    correlation(near[a].1, near[b].1)
                }
            });
            among.chain([near[a].0]).collect()
        })
        .collect();
    for k in 0..n {
        let pivot = rows[k].clone();
        for (_, row) in rows.iter_mut().enumerate().filter(|&(r, _)| r != k) {
            let factor = row[k] / pivot[k];
            row.iter_mut().zip(&pivot).for_each(|(v, p)| *v -= factor * p);
        }
    }
    let weights: Vec<f64> = (0..n).map(|k| rows[k][n] / rows[k][k]).collect();
    let explained: f64 = weights.iter().zip(&near).map(|(w, &(r, _))| w * r).sum();
    Prediction {
        terms: near.iter().zip(&weights).map(|(&(_, j), &w)| (j, w as f32)).collect(),
        rest: (1.0 - explained).max(0.0).sqrt() as f32,
    }
}

/// Distance of two contacts of one shank, µm; shanks do not share noise.
pub(crate) fn distance_um(a: &SimContact, b: &SimContact) -> Option<f64> {
    // libm rather than the platform's hypot: the same bits everywhere.
    (a.shank == b.shank).then(|| libm::hypot(a.x_um - b.x_um, a.y_um - b.y_um))
}

/// exp(-distance / length), 0 between shanks.
pub(crate) fn exponential(contacts: &[SimContact], length_um: f64) -> impl Fn(usize, usize) -> f64 {
    move |i, j| distance_um(&contacts[i], &contacts[j]).map_or(0.0, |d| libm::exp(-d / length_um))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::geometry::SimProbe;

    #[test]
    fn contacts_have_unit_variance_and_exponential_correlations() {
        let contacts = SimProbe::by_name("emouse-3b-48").unwrap().contacts;
        let wanted = exponential(&contacts, 65.0);
        let all = predictions(48, 8, &wanted);
        // Covariance implied by the predictions: row i = weighted earlier rows, plus the rest on the diagonal.
        let mut cov = vec![vec![0f64; 48]; 48];
        for i in 0..48 {
            for j in 0..i {
                cov[i][j] = all[i].terms.iter().map(|&(k, w)| w as f64 * cov[k][j]).sum();
                cov[j][i] = cov[i][j];
            }
            let own: f64 = all[i].terms.iter().map(|&(k, w)| w as f64 * cov[i][k]).sum();
            cov[i][i] = (all[i].rest as f64).powi(2) + own;
        }
        for i in 0..48 {
            assert!((cov[i][i] - 1.0).abs() < 1e-3, "variance of {i}: {}", cov[i][i]);
            for j in 0..i {
                assert!(
                    (cov[i][j] - wanted(i, j)).abs() < 0.03,
                    "{i} {j}: {} for {}",
                    cov[i][j],
                    wanted(i, j)
                );
            }
        }
    }

    #[test]
    fn shanks_are_independent() {
        let mut contacts = SimProbe::by_name("linear-2").unwrap().contacts;
        contacts[1].shank = 1;
        let all = predictions(2, 8, exponential(&contacts, 65.0));
        assert_eq!((all[1].terms.len(), all[1].rest), (0, 1.0));
    }
}
