//! Joining units between which a drifting neuron was handed over (docs/kilosort2.md 6.2).
//!
//! The correlogram test of the merges asks for a gap in the spikes that two units fire together, and needs many of them to be sure. Two
//! templates of one neuron that drifts from one to the other fire together rarely or never. Here the evidence is their waveforms, taken
//! from spikes of the same batches: where they take turns along the sorted order, at the place where one takes over; else in the batches
//! in which both fire, together with a gap that would be too weak evidence alone.

use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;

use super::ccg::{Binning, Correlogram, RefractoryTest};
use crate::matching::extract::Extracted;

/// Fewest spikes of a unit that takes part.
const FEWEST_SPIKES: usize = 50;
/// Largest part of the smaller unit's spikes in batches in which the other fires as well, and on the other's side of the handover.
const LARGEST_OVERLAP: f64 = 0.2;
/// Spikes on each side of the handover whose waveforms are compared.
const COMPARED_SPIKES: usize = 60;
/// Smallest correlation of the two waveforms at the handover.
const SMALLEST_CORRELATION: f64 = 0.9;
/// Largest ratio of their norms.
const LARGEST_NORM_RATIO: f64 = 1.3;
/// Largest shift between the two waveforms, samples.
const LARGEST_SHIFT: usize = 3;
/// Largest violation rate between units that fire in the same batches, as for merges.
const LARGEST_Q: f64 = 0.2;
/// Largest probability that their gap is chance; merges, which compare no spikes, ask for 0.05.
const LARGEST_R: f64 = 0.25;
/// Two spikes of one neuron are at least this far apart, bins of 1 ms.
const REFRACTORY_BINS: i64 = 2;

/// Two units, the one with fewer spikes first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Handover {
    /// The smaller unit.
    pub from: usize,
    /// The larger unit that would receive its spikes.
    pub into: usize,
    /// Correlation of the waveforms at the handover.
    pub correlation: f64,
}

/// What a handover is judged by.
pub struct Evidence<'a> {
    /// Spikes with their PC features.
    pub spikes: &'a Extracted,
    /// Unit of each spike.
    pub labels: &'a [u32],
    /// Channels behind each unit's PC features, `[units, slots]`.
    pub channels: ArrayView2<'a, u32>,
    /// Temporal basis, `[3, samples]`.
    pub basis: ArrayView2<'a, f64>,
    /// Samples per second.
    pub sample_rate: f64,
}

/// Joins units that were handed over, the pairs of highest correlation first; each unit is joined to another at most once, and a unit that
/// received spikes is not compared again until the next round. Gives the new unit of each spike and the pairs that were joined.
pub fn join_handovers(evidence: &Evidence) -> (Vec<u32>, Vec<Handover>) {
    let mut labels = evidence.labels.to_vec();
    let mut joined = Vec::new();
    loop {
        let round = one_round(&Evidence {
            labels: &labels,
            ..*evidence
        });
        if round.is_empty() {
            return (labels, joined);
        }
        for label in &mut labels {
            if let Some(h) = round.iter().find(|h| h.from == *label as usize) {
                *label = h.into as u32;
            }
        }
        joined.extend(round);
    }
}

fn one_round(evidence: &Evidence) -> Vec<Handover> {
    let units = evidence.channels.nrows();
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); units];
    for (i, &l) in evidence.labels.iter().enumerate() {
        rows[l as usize].push(i);
    }
    for own in &mut rows {
        own.sort_by_key(|&i| (evidence.spikes.positions[i], evidence.spikes.times[i]));
    }
    let pairs: Vec<(usize, usize)> = (0..units)
        .flat_map(|a| (a + 1..units).map(move |b| (a, b)))
        .filter(|&(a, b)| rows[a].len().min(rows[b].len()) >= FEWEST_SPIKES)
        .collect();
    let mut found: Vec<Handover> = pairs
        .into_par_iter()
        .filter_map(|(a, b)| {
            let (from, into) = if rows[a].len() < rows[b].len() { (a, b) } else { (b, a) };
            judge(evidence, from, &rows[from], into, &rows[into])
        })
        .collect();
    found.sort_by(|a, b| b.correlation.total_cmp(&a.correlation).then(a.from.cmp(&b.from)));
    let mut used = vec![false; units];
    found.retain(|h| {
        let free = !used[h.from] && !used[h.into];
        if free {
            used[h.from] = true;
            used[h.into] = true;
        }
        free
    });
    found
}

/// Compares two units; `rows` are their spikes by place in the sorted order.
fn judge(evidence: &Evidence, from: usize, from_rows: &[usize], into: usize, into_rows: &[usize]) -> Option<Handover> {
    let shared = shared_slots(evidence.channels.row(from), evidence.channels.row(into));
    if 2 * shared.len() < evidence.channels.ncols() {
        return None;
    }
    let (a, b) = if took_turns(evidence, from_rows, into_rows) {
        if collides(evidence, from_rows, into_rows) {
            return None;
        }
        around_the_border(evidence, from_rows, into_rows)?
    } else {
        let (from_train, into_train) = (train(evidence, from_rows), train(evidence, into_rows));
        let test = RefractoryTest::between(&from_train, &into_train, evidence.sample_rate, Binning::Samples);
        if !test.is_refractory(LARGEST_Q, LARGEST_R) {
            return None;
        }
        in_common_batches(evidence, from_rows, into_rows)
    };
    let (from_slots, into_slots): (Vec<usize>, Vec<usize>) = shared.into_iter().unzip();
    let a = mean_waveform(evidence, &a, &from_slots);
    let b = mean_waveform(evidence, &b, &into_slots);
    let correlation = best_correlation(&a, &b);
    let ratio = norm(&a) / norm(&b);
    let similar = correlation > SMALLEST_CORRELATION && (1.0 / LARGEST_NORM_RATIO..LARGEST_NORM_RATIO).contains(&ratio);
    similar.then_some(Handover {
        from,
        into,
        correlation,
    })
}

fn places(evidence: &Evidence, rows: &[usize]) -> Vec<u32> {
    rows.iter().map(|&i| evidence.spikes.positions[i]).collect()
}

fn train(evidence: &Evidence, rows: &[usize]) -> Vec<i64> {
    rows.iter().map(|&i| evidence.spikes.times[i]).collect()
}

/// True when the smaller unit hardly fires in batches in which the other does.
fn took_turns(evidence: &Evidence, from_rows: &[usize], into_rows: &[usize]) -> bool {
    let overlap = together(&places(evidence, from_rows), &places(evidence, into_rows));
    overlap <= LARGEST_OVERLAP * from_rows.len() as f64
}

/// Spikes of the two units next to the place where one takes over; `None` when there is no such place.
fn around_the_border(evidence: &Evidence, a: &[usize], b: &[usize]) -> Option<(Vec<usize>, Vec<usize>)> {
    let (a_places, b_places) = (places(evidence, a), places(evidence, b));
    let middle = |p: &[u32]| p[p.len() / 2];
    let a_first = middle(&a_places) < middle(&b_places);
    let (low, high) = if a_first {
        (&a_places, &b_places)
    } else {
        (&b_places, &a_places)
    };
    let border = handover_place(low, high)?;
    let end = low.partition_point(|&p| p < border);
    let start = high.partition_point(|&p| p < border);
    let (low_rows, high_rows) = if a_first { (a, b) } else { (b, a) };
    let before = low_rows[end.saturating_sub(COMPARED_SPIKES)..end].to_vec();
    let after = high_rows[start..(start + COMPARED_SPIKES).min(high_rows.len())].to_vec();
    Some(if a_first { (before, after) } else { (after, before) })
}

/// Spikes of the two units in the batches in which both fire, as many of one as of the other in each.
fn in_common_batches(evidence: &Evidence, a: &[usize], b: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let (a_places, b_places) = (places(evidence, a), places(evidence, b));
    let of = |places: &[u32], p: u32| places.partition_point(|&x| x < p)..places.partition_point(|&x| x <= p);
    let mut distinct = a_places.clone();
    distinct.dedup();
    let (mut from_a, mut from_b) = (Vec::new(), Vec::new());
    for place in distinct {
        let (own, other) = (of(&a_places, place), of(&b_places, place));
        let n = own.len().min(other.len());
        from_a.extend_from_slice(&a[own][..n]);
        from_b.extend_from_slice(&b[other][..n]);
    }
    (from_a, from_b)
}

/// Channels that are in both lists, as the slot in each.
fn shared_slots(a: ArrayView1<u32>, b: ArrayView1<u32>) -> Vec<(usize, usize)> {
    let slot = |channel: &u32| b.iter().position(|c| c == channel);
    a.iter().enumerate().filter_map(|(i, c)| Some((i, slot(c)?))).collect()
}

/// The first place of the second unit: where the fewest spikes lie on the wrong side. `None` when too many do.
fn handover_place(low: &[u32], high: &[u32]) -> Option<u32> {
    let mut places: Vec<u32> = low.iter().chain(high).copied().collect();
    places.sort_unstable();
    places.dedup();
    let wrong = |place: u32| {
        let late = low.len() - low.partition_point(|&p| p < place);
        let early = high.partition_point(|&p| p < place);
        (late as f64 / low.len() as f64, early as f64 / high.len() as f64)
    };
    let best = places.into_iter().min_by(|&a, &b| {
        let total = |(x, y): (f64, f64)| x + y;
        total(wrong(a)).total_cmp(&total(wrong(b)))
    })?;
    let (late, early) = wrong(best);
    (late <= LARGEST_OVERLAP && early <= LARGEST_OVERLAP).then_some(best)
}

/// Spikes that the two units have in the same batches: the sum of the smaller counts.
fn together(a: &[u32], b: &[u32]) -> f64 {
    let count =
        |places: &[u32], place: u32| places.partition_point(|&p| p <= place) - places.partition_point(|&p| p < place);
    let mut distinct = a.to_vec();
    distinct.dedup();
    distinct.iter().map(|&p| count(a, p).min(count(b, p)) as f64).sum()
}

/// Mean waveform of these spikes on these slots, `[slots, samples]`, from their PC features.
fn mean_waveform(evidence: &Evidence, rows: &[usize], slots: &[usize]) -> Array2<f64> {
    let (components, samples) = evidence.basis.dim();
    let mut out = Array2::zeros((slots.len(), samples));
    for (mut waveform, &slot) in out.outer_iter_mut().zip(slots) {
        for k in 0..components {
            let sum: f64 = rows
                .iter()
                .map(|&i| f64::from(evidence.spikes.pc_features[[i, k, slot]]))
                .sum();
            waveform.scaled_add(sum / rows.len().max(1) as f64, &evidence.basis.row(k));
        }
    }
    out
}

fn norm(a: &Array2<f64>) -> f64 {
    a.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// Largest normalised inner product over small shifts of one against the other.
fn best_correlation(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    let samples = a.ncols();
    let product = |shift: usize, early: &Array2<f64>, late: &Array2<f64>| -> f64 {
        let pairs = early.outer_iter().zip(late.outer_iter());
        pairs
            .map(|(e, l)| (0..samples - shift).map(|t| e[t] * l[t + shift]).sum::<f64>())
            .sum()
    };
    let best = (0..=LARGEST_SHIFT)
        .flat_map(|s| [product(s, a, b), product(s, b, a)])
        .fold(f64::MIN, f64::max);
    best / (norm(a) * norm(b)).max(f64::MIN_POSITIVE)
}

/// True when the two trains have as many spikes within a refractory period of each other as neighbouring lags lead one to expect.
fn collides(evidence: &Evidence, a: &[usize], b: &[usize]) -> bool {
    let correlogram = Correlogram::new(
        &train(evidence, a),
        &train(evidence, b),
        evidence.sample_rate,
        Binning::Samples,
    );
    let centre = correlogram.sum(-REFRACTORY_BINS..=REFRACTORY_BINS);
    let around = correlogram.sum(-50..=-11) + correlogram.sum(11..=50);
    let expected = around / 80.0 * (2 * REFRACTORY_BINS + 1) as f64;
    centre >= 3.0 && centre > 0.5 * expected
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, array};

    /// Units on two channels, one spike a batch: unit `u` fires in the batches `[first, last)`, with this amplitude on the first channel.
    fn evidence(units: &[(u32, u32, f32)]) -> (Extracted, Vec<u32>) {
        let mut spikes = Extracted {
            times: Vec::new(),
            labels: Vec::new(),
            amplitudes: Vec::new(),
            scores: Vec::new(),
            positions: Vec::new(),
            template_features: Array2::zeros((0, 0)),
            pc_features: Array3::zeros((0, 3, 2)),
            mu_by_batch: Array2::zeros((0, 0)),
            main_channels: Vec::new(),
        };
        let mut features = Vec::new();
        for (u, &(first, last, amplitude)) in units.iter().enumerate() {
            for place in first..last {
                spikes.times.push(i64::from(place) * 30_000 + 7 * u as i64);
                spikes.positions.push(place);
                spikes.labels.push(u as u32);
                features.extend([amplitude, 1.0, 0.0, 0.0, 0.0, 0.0]);
            }
        }
        let n = spikes.times.len();
        spikes.pc_features = Array3::from_shape_vec((n, 3, 2), features).expect("six values a spike");
        let labels = spikes.labels.clone();
        (spikes, labels)
    }

    fn joined(units: &[(u32, u32, f32)]) -> Vec<(usize, usize)> {
        let (spikes, labels) = evidence(units);
        let channels = Array2::from_shape_fn((units.len(), 2), |(_, j)| j as u32);
        let basis = array![
            [0.0, 0.6, 0.8, 0.0, 0.0],
            [1.0, 0.0, 0.0, 0.0, 0.0],
            [0.0, 0.0, 0.0, 0.0, 1.0]
        ];
        let (_, joined) = join_handovers(&Evidence {
            spikes: &spikes,
            labels: &labels,
            channels: channels.view(),
            basis: basis.view(),
            sample_rate: 30000.0,
        });
        joined.iter().map(|h| (h.from, h.into)).collect()
    }

    #[test]
    fn a_neuron_in_two_pieces_is_joined() {
        assert_eq!(joined(&[(0, 60, 20.0), (60, 160, 20.0)]), [(0, 1)]);
        assert_eq!(joined(&[(60, 160, 20.0), (0, 60, 20.0)]), [(1, 0)]);
        assert_eq!(
            joined(&[(0, 60, 20.0), (60, 130, 20.0), (130, 300, 20.0)]).len(),
            2,
            "three pieces"
        );
    }

    #[test]
    fn other_waveforms_companions_and_rare_units_are_not() {
        assert!(
            joined(&[(0, 60, 20.0), (60, 160, 40.0)]).is_empty(),
            "another amplitude"
        );
        assert!(joined(&[(0, 60, 20.0), (60, 160, -20.0)]).is_empty(), "another shape");
        assert!(joined(&[(0, 100, 20.0), (0, 160, 20.0)]).is_empty(), "both at once");
        assert!(joined(&[(0, 100, 20.0), (60, 200, 20.0)]).is_empty(), "long together");
        assert!(joined(&[(0, 40, 20.0), (60, 160, 20.0)]).is_empty(), "too few spikes");
    }
}
