//! Similarity of templates at the best lag.

use ferrosort_core::{Error, Result};
use ndarray::{Array2, ArrayView2, ArrayView3, Axis, Zip};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::windows::{ChannelTraces, common_channels, sum_over};
use crate::json;

/// How two windows are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SimilarityMethod {
    /// Cosine of the angle between them.
    #[default]
    Cosine,
    /// `1 - |a - b| / (|a| + |b|)` with sums of absolute values.
    L1,
    /// The same with Euclidean norms.
    L2,
}

/// On which channels two templates are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelSupport {
    /// On all.
    #[default]
    Dense,
    /// On the channels of either unit; 0 if they share none.
    Union,
    /// On the channels of both; 0 if they share none.
    Intersection,
}

/// How templates are compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SimilarityParams {
    /// The measure.
    pub method: SimilarityMethod,
    /// The channels.
    pub support: ChannelSupport,
    /// Longest lag, samples. The windows are shorter than the templates by twice this.
    pub max_lag_samples: usize,
}

impl Default for SimilarityParams {
    fn default() -> Self {
        Self {
            method: SimilarityMethod::Cosine,
            support: ChannelSupport::Dense,
            max_lag_samples: 0,
        }
    }
}

/// Similarities of all pairs of templates.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TemplateSimilarity {
    /// `[units of a, units of b]`, at most 1.
    #[serde(serialize_with = "json::rows")]
    pub similarity: Array2<f64>,
    /// Lag of the largest similarity, samples; positive when the template of b is later.
    #[serde(serialize_with = "json::rows")]
    pub lag: Array2<i32>,
}

/// Similarity of all pairs of `a` and `b`, `[units, samples, channels]`, on the same channels.
///
/// The window of `a` is its middle; that of `b` moves over all lags, and the largest similarity counts (the first from the
/// most negative lag). A window of zeros is similar to nothing (0). `masks`, `[units, channels]`, name the channels of each
/// unit; without them these are the channels with a value other than 0. The definition is SpikeInterface's
/// (`compute_template_similarity`).
///
/// # Errors
/// Numbers of samples or channels differ, or the lag leaves no window.
pub fn template_similarity(
    a: ArrayView3<f32>,
    b: ArrayView3<f32>,
    masks: Option<(ArrayView2<bool>, ArrayView2<bool>)>,
    params: SimilarityParams,
) -> Result<TemplateSimilarity> {
    check_shapes(a, b)?;
    let n_lags = 2 * params.max_lag_samples + 1;
    if n_lags > a.len_of(Axis(1)) {
        return Err(Error::input(format!(
            "a lag of {} samples leaves nothing of templates of {} samples; give a shorter lag",
            params.max_lag_samples,
            a.len_of(Axis(1))
        )));
    }
    let (masks_a, masks_b) = match masks {
        Some((of_a, of_b)) => (of_a.to_owned(), of_b.to_owned()),
        None => (channels_with_values(a), channels_with_values(b)),
    };
    if (masks_a.nrows(), masks_a.ncols()) != (a.len_of(Axis(0)), a.len_of(Axis(2)))
        || (masks_b.nrows(), masks_b.ncols()) != (b.len_of(Axis(0)), b.len_of(Axis(2)))
    {
        return Err(Error::input(
            "the masks of the templates have not one flag for each unit and channel; make them anew",
        ));
    }
    let comparison = Comparison {
        a: ChannelTraces::all(a, n_lags),
        b: ChannelTraces::all(b, n_lags),
        masks_a,
        masks_b,
        params,
    };
    let shape = (a.len_of(Axis(0)), b.len_of(Axis(0)));
    let (mut similarity, mut lag) = (Array2::zeros(shape), Array2::zeros(shape));
    let rows = similarity
        .axis_iter_mut(Axis(0))
        .into_par_iter()
        .zip(lag.axis_iter_mut(Axis(0)));
    rows.enumerate().for_each(|(i, (similarity, lag))| {
        Zip::indexed(similarity).and(lag).for_each(|j, similarity, lag| {
            (*similarity, *lag) = comparison.best(i, j);
        });
    });
    Ok(TemplateSimilarity { similarity, lag })
}

/// Plain dot products of all pairs of templates, `[units of a, units of b]`, without lag and norm.
///
/// # Errors
/// Numbers of samples or channels differ.
pub fn template_dot_products(a: ArrayView3<f32>, b: ArrayView3<f32>) -> Result<Array2<f64>> {
    check_shapes(a, b)?;
    let (a, b) = (ChannelTraces::all(a, 1), ChannelTraces::all(b, 1));
    let mut products = Array2::zeros((a.len(), b.len()));
    products
        .axis_iter_mut(Axis(0))
        .into_par_iter()
        .zip(&a)
        .for_each(|(mut row, a)| {
            for (product, b) in row.iter_mut().zip(&b) {
                let common = common_channels(a, b);
                *product = common
                    .iter()
                    .map(|&(c, d)| sum_over(a.window(c, 0), b.window(d, 0), |a, b| a * b))
                    .sum();
            }
        });
    Ok(products)
}

fn check_shapes(a: ArrayView3<f32>, b: ArrayView3<f32>) -> Result<()> {
    let ((_, samples_a, channels_a), (_, samples_b, channels_b)) = (a.dim(), b.dim());
    if samples_a != samples_b || channels_a != channels_b {
        return Err(Error::input(format!(
            "templates of {samples_a} samples on {channels_a} channels cannot be compared with templates of {samples_b} samples on {channels_b} channels; bring them to common samples and channels"
        )));
    }
    Ok(())
}

fn channels_with_values(templates: ArrayView3<f32>) -> Array2<bool> {
    Array2::from_shape_fn(
        (templates.len_of(Axis(0)), templates.len_of(Axis(2))),
        |(unit, channel)| {
            let template = templates.index_axis(Axis(0), unit);
            template.column(channel).iter().any(|&value| value != 0.0)
        },
    )
}

struct Comparison {
    a: Vec<ChannelTraces>,
    b: Vec<ChannelTraces>,
    masks_a: Array2<bool>,
    masks_b: Array2<bool>,
    params: SimilarityParams,
}

impl Comparison {
    /// Largest similarity of templates `i` and `j`, and its lag.
    fn best(&self, i: usize, j: usize) -> (f64, i32) {
        let Some(is_used) = self.used_channels(i, j) else {
            return (0.0, 0);
        };
        let (a, b) = (&self.a[i], &self.b[j]);
        let common: Vec<(usize, usize)> = common_channels(a, b)
            .into_iter()
            .filter(|&(place, _)| is_used(a.channels[place]))
            .collect();
        let used = |traces: &ChannelTraces| -> Vec<usize> {
            (0..traces.channels.len())
                .filter(|&place| is_used(traces.channels[place]))
                .collect()
        };
        let pair = Pair {
            a,
            b,
            used_a: used(a),
            used_b: used(b),
            common,
            middle: self.params.max_lag_samples,
        };
        let mut best = (f64::NEG_INFINITY, 0);
        for lag in 0..=2 * self.params.max_lag_samples {
            let similarity = pair.similarity(self.params.method, lag);
            if similarity > best.0 {
                best = (similarity, lag as i32 - self.params.max_lag_samples as i32);
            }
        }
        best
    }

    /// Which channels count for a pair; `None` if the units share no channel of their supports.
    fn used_channels(&self, i: usize, j: usize) -> Option<impl Fn(usize) -> bool> {
        let (of_a, of_b) = (self.masks_a.row(i), self.masks_b.row(j));
        let support = self.params.support;
        let share = support == ChannelSupport::Dense || of_a.iter().zip(of_b).any(|(&a, &b)| a && b);
        share.then_some(move |channel: usize| match support {
            ChannelSupport::Dense => true,
            ChannelSupport::Union => of_a[channel] || of_b[channel],
            ChannelSupport::Intersection => of_a[channel] && of_b[channel],
        })
    }
}

/// Two templates, with the places of the channels that count, and of those that both have.
struct Pair<'a> {
    a: &'a ChannelTraces,
    b: &'a ChannelTraces,
    used_a: Vec<usize>,
    used_b: Vec<usize>,
    common: Vec<(usize, usize)>,
    /// Where the window of `a` begins.
    middle: usize,
}

impl Pair<'_> {
    fn similarity(&self, method: SimilarityMethod, lag: usize) -> f64 {
        match method {
            SimilarityMethod::Cosine => {
                let (a, b) = self.sums(lag, ChannelTraces::squares);
                let dot = self.over_common(lag, |a, b| a * b);
                ratio(dot, a.sqrt() * b.sqrt())
            }
            SimilarityMethod::L1 => {
                let (a, b) = self.sums(lag, ChannelTraces::absolute);
                // Where only one of the two has values, the difference is that one.
                let shared = self.over_common(lag, |a, b| a.abs() + b.abs() - (a - b).abs());
                ratio(shared, a + b)
            }
            SimilarityMethod::L2 => {
                let (a, b) = self.sums(lag, ChannelTraces::squares);
                let norms = a.sqrt() + b.sqrt();
                ratio(norms - self.difference(lag, a + b), norms)
            }
        }
    }

    /// Euclidean norm of the difference. On the common channels term by term, because a difference of sums would lose the
    /// digits of templates that are nearly equal.
    fn difference(&self, lag: usize, squares: f64) -> f64 {
        let apart = self.over_common(lag, |a, b| (a - b) * (a - b));
        if self.common.len() == self.used_a.len() && self.common.len() == self.used_b.len() {
            return apart.sqrt();
        }
        let on_common = self.over_common(lag, |a, b| a * a + b * b);
        ((squares - on_common).max(0.0) + apart).sqrt()
    }

    /// Sums over the channels that count: of `a` in its middle window, of `b` in the window at `lag`.
    fn sums(&self, lag: usize, sum: fn(&ChannelTraces, usize, usize) -> f64) -> (f64, f64) {
        let of_a = self.used_a.iter().map(|&place| sum(self.a, place, self.middle)).sum();
        let of_b = self.used_b.iter().map(|&place| sum(self.b, place, lag)).sum();
        (of_a, of_b)
    }

    fn over_common(&self, lag: usize, term: impl Fn(f64, f64) -> f64) -> f64 {
        let windows = self
            .common
            .iter()
            .map(|&(a, b)| (self.a.window(a, self.middle), self.b.window(b, lag)));
        windows.map(|(a, b)| sum_over(a, b, &term)).sum()
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[allow(clippy::unwrap_used)]
#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;
    use crate::fixture;

    fn random(lcg: &mut fixture::Lcg, n_units: usize) -> Array3<f32> {
        Array3::from_shape_simple_fn((n_units, 12, 5), || (lcg.below(2001) - 1000) as f32 / 1000.0)
    }

    /// Three templates and four, the first of which is the second of the three, two samples later.
    fn templates() -> (Array3<f32>, Array3<f32>) {
        let mut lcg = fixture::Lcg::new(99);
        let a = random(&mut lcg, 3);
        let mut b = random(&mut lcg, 4);
        for sample in 0..12 {
            let from = a.index_axis(Axis(0), 1).row((sample + 10) % 12).to_owned();
            b.index_axis_mut(Axis(0), 0).row_mut(sample).assign(&from);
        }
        (a, b)
    }

    fn row(method: SimilarityMethod, max_lag_samples: usize) -> (Vec<f64>, Vec<i32>) {
        let (a, b) = templates();
        let params = SimilarityParams {
            method,
            support: ChannelSupport::Dense,
            max_lag_samples,
        };
        let found = template_similarity(a.view(), b.view(), None, params).unwrap();
        (found.similarity.row(1).to_vec(), found.lag.row(1).to_vec())
    }

    fn assert_close(found: &[f64], expected: [f64; 4]) {
        let close = found
            .iter()
            .zip(expected)
            .all(|(found, expected)| (found - expected).abs() < 1e-6);
        assert!(close, "{found:?} instead of {expected:?}");
    }

    #[test]
    fn the_fixture_has_the_similarities_of_spikeinterface() {
        let (a, b) = templates();
        let dot = template_dot_products(a.view(), b.view()).unwrap();
        assert_close(&dot.row(1).to_vec(), [0.025331, 2.907261, 1.137967, 2.252867]);
        let (cosine, lag) = row(SimilarityMethod::Cosine, 0);
        assert_close(&cosine, [0.001412, 0.153934, 0.066675, 0.112022]);
        assert_eq!(lag, [0; 4]);
        let (cosine, lag) = row(SimilarityMethod::Cosine, 3);
        assert_close(&cosine, [1.0, 0.232805, 0.299020, 0.145428]);
        assert_eq!(lag, [2, 0, 2, 0]);
        let (l1, lag) = row(SimilarityMethod::L1, 3);
        assert_close(&l1, [1.0, 0.432365, 0.477979, 0.397473]);
        assert_eq!(lag, [2, -3, 2, 1]);
        let (l2, lag) = row(SimilarityMethod::L2, 3);
        assert_close(&l2, [1.0, 0.380068, 0.407976, 0.342581]);
        assert_eq!(lag, [2, 0, 2, 0]);
    }

    #[test]
    fn a_sorting_is_similar_to_itself_on_the_diagonal_and_symmetric() {
        let (a, _) = templates();
        for method in [SimilarityMethod::Cosine, SimilarityMethod::L1, SimilarityMethod::L2] {
            let params = SimilarityParams {
                method,
                ..SimilarityParams::default()
            };
            let own = template_similarity(a.view(), a.view(), None, params)
                .unwrap()
                .similarity;
            assert!((0..3).all(|i| (own[[i, i]] - 1.0).abs() < 1e-12));
            assert!((&own - &own.t()).iter().all(|difference| difference.abs() < 1e-12));
        }
    }

    #[test]
    fn channels_outside_the_support_do_not_count() {
        // Units on channels 0, 1 and on 1, 2: equal on channel 1.
        let a = Array3::from_shape_vec((1, 2, 3), vec![3.0, 1.0, 0.0, 3.0, 1.0, 0.0]).unwrap();
        let b = Array3::from_shape_vec((1, 2, 3), vec![0.0, 1.0, 2.0, 0.0, 1.0, 2.0]).unwrap();
        let similarity = |method, support| {
            let params = SimilarityParams {
                method,
                support,
                max_lag_samples: 0,
            };
            template_similarity(a.view(), b.view(), None, params)
                .unwrap()
                .similarity[[0, 0]]
        };
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} {expected}");
        let cosine = 2.0 / (20.0_f64.sqrt() * 10.0_f64.sqrt());
        close(similarity(SimilarityMethod::Cosine, ChannelSupport::Dense), cosine);
        close(similarity(SimilarityMethod::Cosine, ChannelSupport::Union), cosine);
        close(similarity(SimilarityMethod::Cosine, ChannelSupport::Intersection), 1.0);
        close(
            similarity(SimilarityMethod::L1, ChannelSupport::Union),
            1.0 - 10.0 / 14.0,
        );
        let norms = 20.0_f64.sqrt() + 10.0_f64.sqrt();
        close(
            similarity(SimilarityMethod::L2, ChannelSupport::Union),
            1.0 - 26.0_f64.sqrt() / norms,
        );
        close(similarity(SimilarityMethod::L2, ChannelSupport::Intersection), 1.0);
    }

    #[test]
    fn zeros_and_units_apart_are_similar_to_nothing() {
        let a = Array3::from_shape_vec((2, 1, 2), vec![1.0, 0.0, 0.0, 0.0]).unwrap();
        let b = Array3::from_shape_vec((1, 1, 2), vec![0.0, 1.0]).unwrap();
        for support in [
            ChannelSupport::Dense,
            ChannelSupport::Union,
            ChannelSupport::Intersection,
        ] {
            let params = SimilarityParams {
                support,
                ..SimilarityParams::default()
            };
            let found = template_similarity(a.view(), b.view(), None, params).unwrap();
            assert_eq!(found.similarity, ndarray::array![[0.0], [0.0]]);
        }
    }

    #[test]
    fn templates_of_different_shapes_and_too_long_lags_are_refused() {
        let (a, b) = templates();
        let short = b.slice_axis(Axis(1), ndarray::Slice::from(0..11));
        assert!(template_similarity(a.view(), short, None, SimilarityParams::default()).is_err());
        let params = SimilarityParams {
            max_lag_samples: 6,
            ..SimilarityParams::default()
        };
        assert!(template_similarity(a.view(), b.view(), None, params).is_err());
    }
}
