//! The benchmark of Kilosort 1 to 3: the best cluster of each true unit, and the merges that would improve it.

use rayon::prelude::*;
use serde::Serialize;

use crate::merged::{MergedSpike, NearStarts, for_each_near, merge};
use crate::statistics::{mean, median};

/// Parameters of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct KsParams {
    /// A test spike belongs to a true spike `t` when it lies in `(t - reach, t + reach]`, samples: 6 with Kilosort2 and
    /// later, 12 with Kilosort1.
    pub reach: i64,
    /// A merge must improve the score by more than this.
    pub least_gain: f64,
    /// Above this score no merge is tried.
    pub good_enough: f64,
}

impl Default for KsParams {
    fn default() -> Self {
        Self {
            reach: 6,
            least_gain: 0.01,
            good_enough: 0.99,
        }
    }
}

/// History of one true unit: first entry the best single cluster, last entry after all merges that help.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KsUnit {
    /// Place of the true unit.
    pub gt_unit: usize,
    /// Spikes of the true unit.
    pub n_spikes: usize,
    /// Clusters (places of tested units) in the order in which they were taken.
    pub merges: Vec<usize>,
    /// `1 - fp - miss` after each.
    pub scores: Vec<f64>,
    /// Part of the clusters' spikes that are no hits, after each.
    pub fp: Vec<f64>,
    /// Part of the true spikes without a hit, after each.
    pub miss: Vec<f64>,
    /// Part of the true spikes without a spike of any cluster.
    pub undetected: f64,
    /// Part of the true spikes with spikes of more than one cluster.
    pub overdetected: f64,
}

impl KsUnit {
    /// Score of the best single cluster, 0 without clusters.
    pub fn initial_score(&self) -> f64 {
        self.scores.first().copied().unwrap_or(0.0)
    }

    /// Score after the merges.
    pub fn final_score(&self) -> f64 {
        self.scores.last().copied().unwrap_or(0.0)
    }
}

/// All true units in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct KsSummary {
    /// Units whose best cluster scores above 0.8.
    pub n_good_initial: usize,
    /// Units that score above 0.8 after merges.
    pub n_good_final: usize,
    /// Merges of the units that are good after merges, on average; not a number without such units.
    pub mean_merges_of_good: f64,
    /// Median score of the best clusters.
    pub median_initial: f64,
    /// Median score after merges.
    pub median_final: f64,
    /// Merges of all units.
    pub total_merges: usize,
}

/// The benchmark of all true units.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KsBenchmark {
    /// One entry for each true unit.
    pub units: Vec<KsUnit>,
    /// Numbers over all.
    pub summary: KsSummary,
}

/// Runs the benchmark on the truth `a` and the tested sorting `b`, ascending trains.
///
/// Every test spike is credited to the earliest true spike whose window has not passed. A cluster's hits are the true spikes
/// credited with it; `miss = 1 - hits / n_true`, `fp = 1 - hits / n_cluster`. While the score is above 0, the last step
/// gained enough and it is not good enough yet, the cluster that is best together with those taken joins them; a last
/// step that gained too little is undone. Ties go to the first cluster. A true unit without spikes scores 0.
pub fn kilosort_benchmark(a: &[Vec<i64>], b: &[Vec<i64>], params: KsParams) -> KsBenchmark {
    let (merged_a, merged_b) = (merge(a), merge(b));
    let starts = NearStarts::new(a, &merged_a, &merged_b, params.reach);
    let sizes: Vec<usize> = b.iter().map(|train| train.len().max(1)).collect();
    let units: Vec<KsUnit> = (0..a.len())
        .into_par_iter()
        .map(|unit| {
            let credits = Credits::new(&a[unit], starts.of_unit(unit), &merged_b, b.len(), params.reach);
            history(unit, &credits, &sizes, params)
        })
        .collect();
    KsBenchmark {
        summary: summarize(&units),
        units,
    }
}

/// For each cluster the true spikes credited with it.
struct Credits {
    n_spikes: usize,
    /// Ascending places of true spikes, for each cluster.
    of_cluster: Vec<Vec<u32>>,
}

impl Credits {
    fn new(train: &[i64], starts: &[u32], others: &[MergedSpike], n_clusters: usize, reach: i64) -> Self {
        let mut of_cluster: Vec<Vec<u32>> = vec![Vec::new(); n_clusters];
        for_each_near(train, starts, others, reach, |p, _, other| {
            let passed_on = p > 0 && other.sample <= train[p - 1] + reach;
            if other.sample > train[p] - reach && !passed_on {
                let spikes = &mut of_cluster[other.unit as usize];
                if spikes.last() != Some(&(p as u32)) {
                    spikes.push(p as u32);
                }
            }
        });
        Self {
            n_spikes: train.len(),
            of_cluster,
        }
    }

    /// Parts of the true spikes credited with no cluster, and with more than one.
    fn undetected_and_overdetected(&self) -> (f64, f64) {
        let mut clusters = vec![0_u32; self.n_spikes];
        for &p in self.of_cluster.iter().flatten() {
            clusters[p as usize] += 1;
        }
        let part = |keep: fn(&u32) -> bool| clusters.iter().filter(|n| keep(n)).count() as f64 / self.n_spikes as f64;
        (part(|&n| n == 0), part(|&n| n > 1))
    }
}

/// Score of a cluster together with those already taken.
#[derive(Clone, Copy)]
struct Step {
    cluster: usize,
    score: f64,
    fp: f64,
    miss: f64,
}

fn history(unit: usize, credits: &Credits, sizes: &[usize], params: KsParams) -> KsUnit {
    let mut steps: Vec<Step> = Vec::new();
    let mut undetected = (0.0, 0.0);
    if credits.n_spikes > 0 {
        undetected = credits.undetected_and_overdetected();
        steps = merge_steps(credits, sizes, params);
    }
    KsUnit {
        gt_unit: unit,
        n_spikes: credits.n_spikes,
        merges: steps.iter().map(|step| step.cluster).collect(),
        scores: steps.iter().map(|step| step.score).collect(),
        fp: steps.iter().map(|step| step.fp).collect(),
        miss: steps.iter().map(|step| step.miss).collect(),
        undetected: undetected.0,
        overdetected: undetected.1,
    }
}

fn merge_steps(credits: &Credits, sizes: &[usize], params: KsParams) -> Vec<Step> {
    let mut covered = vec![false; credits.n_spikes];
    let mut taken_size = 0;
    let mut steps: Vec<Step> = Vec::new();
    let gain = |steps: &[Step]| match steps {
        [.., before, last] => last.score - before.score,
        _ => f64::INFINITY,
    };
    while let Some(step) = best_step(credits, sizes, &covered, taken_size) {
        steps.push(step);
        // Compared as the reference does, so that rounding decides alike.
        let improved = match steps.as_slice() {
            [.., before, last] => last.score > before.score + params.least_gain && last.score <= params.good_enough,
            _ => true,
        };
        if step.score <= 0.0 || !improved {
            break;
        }
        for &p in &credits.of_cluster[step.cluster] {
            covered[p as usize] = true;
        }
        taken_size += sizes[step.cluster];
    }
    if steps.len() > 1 && gain(&steps) <= params.least_gain {
        steps.pop();
    }
    steps
}

/// The cluster with the largest score together with those whose hits are `covered`, of `taken_size` spikes.
fn best_step(credits: &Credits, sizes: &[usize], covered: &[bool], taken_size: usize) -> Option<Step> {
    let n_true = credits.n_spikes as f64;
    let n_covered = covered.iter().filter(|&&hit| hit).count();
    let mut best: Option<Step> = None;
    for (cluster, spikes) in credits.of_cluster.iter().enumerate() {
        let hits = (n_covered + spikes.iter().filter(|&&p| !covered[p as usize]).count()) as f64;
        let size = (sizes[cluster] + taken_size) as f64;
        let (fp, miss) = ((size - hits) / size, (n_true - hits) / n_true);
        let score = 1.0 - fp - miss;
        if best.is_none_or(|best| score > best.score) {
            best = Some(Step {
                cluster,
                score,
                fp,
                miss,
            });
        }
    }
    best
}

fn summarize(units: &[KsUnit]) -> KsSummary {
    let initial: Vec<f64> = units.iter().map(KsUnit::initial_score).collect();
    let last: Vec<f64> = units.iter().map(KsUnit::final_score).collect();
    let good = |score: f64| score > 0.8;
    let merges = |unit: &KsUnit| unit.merges.len().saturating_sub(1);
    let of_good: Vec<f64> = units
        .iter()
        .filter(|unit| good(unit.final_score()))
        .map(|unit| merges(unit) as f64)
        .collect();
    KsSummary {
        n_good_initial: initial.iter().filter(|score| good(**score)).count(),
        n_good_final: of_good.len(),
        mean_merges_of_good: mean(&of_good),
        median_initial: median(&initial),
        median_final: median(&last),
        total_merges: units.iter().map(merges).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn the_fixture_has_the_scores_of_the_kilosort_benchmark() {
        let benchmark = kilosort_benchmark(&fixture::truth(), &fixture::tested(), KsParams::default());
        let expected: [(&[usize], &[f64], [f64; 4]); 6] = [
            (&[0], &[0.963964], [0.0, 0.036036, 0.0, 0.441441]),
            (&[1, 2], &[0.604278, 1.0], [0.0, 0.0, 0.0, 0.016043]),
            (&[3], &[0.379167], [0.551867, 0.068966, 0.064655, 0.017241]),
            (&[3], &[0.505272], [0.448133, 0.046595, 0.046595, 0.014337]),
            (&[4], &[-0.170984], [0.585492, 0.585492, 0.580311, 0.002591]),
            (&[7], &[0.75], [0.25, 0.0, 0.0, 0.014778]),
        ];
        for (unit, (merges, scores, rates)) in benchmark.units.iter().zip(expected) {
            assert_eq!(unit.merges, merges, "unit {}", unit.gt_unit);
            let close = |found: f64, expected: f64| (found - expected).abs() < 5e-7;
            assert!(unit.scores.iter().zip(scores).all(|(f, e)| close(*f, *e)), "{unit:?}");
            let last = unit.fp.len() - 1;
            let found = [unit.fp[last], unit.miss[last], unit.undetected, unit.overdetected];
            assert!(found.iter().zip(rates).all(|(f, e)| close(*f, e)), "{unit:?}");
        }
        assert_eq!(
            (benchmark.summary.n_good_initial, benchmark.summary.n_good_final),
            (1, 2)
        );
        assert_eq!(benchmark.summary.total_merges, 1);
        assert_eq!(benchmark.summary.mean_merges_of_good, 0.5);
    }

    #[test]
    fn windows_are_open_before_and_closed_after_the_true_spike() {
        let score = |t: i64| kilosort_benchmark(&[vec![100]], &[vec![t]], KsParams::default()).units[0].initial_score();
        assert_eq!([94, 95, 106, 107].map(score), [-1.0, 1.0, 1.0, -1.0]);
    }

    #[test]
    fn a_test_spike_is_credited_to_the_earliest_open_window() {
        let unit = &kilosort_benchmark(&[vec![100, 104]], &[vec![105]], KsParams::default()).units[0];
        assert_eq!((unit.miss[0], unit.undetected), (0.5, 0.5));
    }

    #[test]
    fn units_and_sortings_without_spikes_are_no_hits() {
        let benchmark = kilosort_benchmark(&[vec![], vec![5]], &[vec![]], KsParams::default());
        assert_eq!(benchmark.units[0].final_score(), 0.0);
        assert_eq!(benchmark.units[1].scores, [-1.0]);
        let benchmark = kilosort_benchmark(&[vec![5]], &[], KsParams::default());
        assert_eq!(
            (benchmark.units[0].merges.len(), benchmark.units[0].undetected),
            (0, 1.0)
        );
    }
}
