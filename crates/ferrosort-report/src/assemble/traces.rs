//! A short piece of the recording with the spikes of all runs: as it is, filtered, and what the templates leave.

use ferrosort_compare::SpikeLabel;
use ferrosort_compare::analysis::{Analysis, RunAnalysis, Signal};
use ferrosort_compare::waveforms::{MeasureParams, filtered_stretch, subtract_spikes};
use ferrosort_core::Result;
use ndarray::{Array2, Axis};

use crate::model::{Array, Fact, Kept, Part, TracePanel, TraceSpike, Traces};

/// Length of the piece, s, and channels of it.
const LENGTH_S: f64 = 0.1;
const CHANNELS: usize = 12;
/// Peaks of the residual that count, in noise levels, and the samples around a peak that belong to it.
const PEAK_SD: f32 = 6.0;
const PEAK_REACH: usize = 15;

pub(super) fn traces(analysis: &Analysis, signal: Signal) -> Result<Part<Traces>> {
    let Some(first) = analysis.runs.get(analysis.sortings().start) else {
        return Ok(Part::missing("there is no sorting"));
    };
    let Some(measured) = first.measured.available() else {
        return Ok(Part::missing(
            "the units of the first sorting could not be measured in the recording",
        ));
    };
    let length = ((LENGTH_S * analysis.sample_rate) as u64).min(analysis.n_samples);
    let Some((start, centre)) = busiest(first, length as i64) else {
        return Ok(Part::missing("no unit has spikes"));
    };
    let channels = around(signal, centre);
    let range = start as u64..start as u64 + length;
    let filtered = filtered_stretch(signal.recording, signal.probe, range.clone(), &MeasureParams::default())?;
    let mut residual = filtered.clone();
    subtract_spikes(&mut residual, start, &first.run, measured);
    let unit = measured.unit.as_str();
    let panel = |title: &str, values: &Array2<f32>| TracePanel {
        title: title.to_string(),
        unit: unit.to_string(),
        values: super::matrix(&values.select(Axis(0), &channels), Kept::Levels16),
    };
    let panels = vec![
        TracePanel {
            title: "recording".to_string(),
            unit: unit.to_string(),
            values: raw(signal, range, &channels)?,
        },
        panel("filtered", &filtered),
        panel(
            &format!("filtered, without the spikes of {}", first.run.name),
            &residual,
        ),
    ];
    let peaks = |values: &Array2<f32>| count_peaks(values, &channels, &measured.noise_mad) as f64;
    Ok(Part::Available(Traces {
        start_sample: start,
        panels,
        spikes: spikes(analysis, start..start + length as i64, &channels),
        facts: vec![
            Fact::number("peaks above 6 noise levels", peaks(&filtered), ""),
            Fact::number("peaks left in the residual", peaks(&residual), ""),
        ],
        channels,
    }))
}

/// The stretch in which most spikes fall near the middle of the recording, and the main channel of the largest unit in it.
fn busiest(run: &RunAnalysis, length: i64) -> Option<(i64, usize)> {
    let samples = &run.run.spikes.samples;
    let middle = samples.len() / 2;
    let (from, to) = (middle.saturating_sub(2000), (middle + 2000).min(samples.len()));
    let near = samples.get(from..to)?;
    let count = |i: usize| near[i..].partition_point(|&s| s < near[i] + length);
    let best = (0..near.len()).max_by_key(|&i| (count(i), std::cmp::Reverse(i)))?;
    let start = near[best].max(0);
    let measured = run.measured.available()?;
    let inside = from + best..from + best + count(best);
    let largest = inside.max_by(|&i, &j| {
        let size = |k: usize| {
            measured
                .amplitudes
                .get(k)
                .map_or(0.0, |a| if a.is_finite() { a.abs() } else { 0.0 })
        };
        size(i).total_cmp(&size(j)).then(j.cmp(&i))
    })?;
    let unit = *run.run.spikes.units.get(largest)? as usize;
    Some((start, measured.units.get(unit)?.main_channel?))
}

/// The channels nearest to one, by depth.
fn around(signal: Signal, centre: usize) -> Vec<usize> {
    let contacts = &signal.probe.contacts;
    let here = &contacts[centre];
    let distance = |c: usize| {
        let contact = &contacts[c];
        let across_shanks = if contact.shank == here.shank {
            0.0
        } else {
            f64::INFINITY
        };
        (contact.x_um - here.x_um).hypot(contact.y_um - here.y_um) + across_shanks
    };
    let mut nearest: Vec<usize> = (0..contacts.len()).filter(|&c| distance(c).is_finite()).collect();
    nearest.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)).then(a.cmp(&b)));
    nearest.truncate(CHANNELS);
    nearest.sort_by(|&a, &b| contacts[a].y_um.total_cmp(&contacts[b].y_um).then(a.cmp(&b)));
    nearest
}

/// The samples as they are, less each channel's mean.
fn raw(signal: Signal, range: std::ops::Range<u64>, channels: &[usize]) -> Result<Array> {
    let width = signal.recording.n_channels();
    let samples = (range.end - range.start) as usize;
    let mut frames = vec![0.0; samples * width];
    signal.recording.read(range.start, &mut frames)?;
    let mut values = Vec::with_capacity(channels.len() * samples);
    for &channel in channels {
        let column = signal.probe.contacts[channel].channel;
        let gain = signal
            .recording
            .gain_uv()
            .and_then(|gains| gains.get(column))
            .copied()
            .unwrap_or(1.0);
        let row: Vec<f64> = frames
            .iter()
            .skip(column)
            .step_by(width)
            .map(|&v| f64::from(v) * gain)
            .collect();
        let mean = row.iter().sum::<f64>() / row.len().max(1) as f64;
        values.extend(row.into_iter().map(|v| v - mean));
    }
    Ok(Array::new(&[channels.len(), samples], values, Kept::Levels16))
}

fn spikes(analysis: &Analysis, range: std::ops::Range<i64>, channels: &[usize]) -> Vec<TraceSpike> {
    let mut found = Vec::new();
    for (place, run) in analysis.runs.iter().enumerate() {
        let is_truth = analysis.params.truth && place == 0;
        let labels = (analysis.params.truth)
            .then(|| analysis.pair(0, place.max(1))?.spikes.available()?.truth.as_ref())
            .flatten()
            .map(|truth| {
                if is_truth {
                    &truth.labels.labels_a
                } else {
                    &truth.labels.labels_b
                }
            });
        let main = |unit: usize| run.measured.available()?.units.get(unit)?.main_channel;
        let mut seen = vec![0usize; run.run.units.len()];
        for (&sample, &unit) in run.run.spikes.samples.iter().zip(&run.run.spikes.units) {
            let unit = unit as usize;
            let Some(count) = seen.get_mut(unit) else {
                continue;
            };
            let nth = *count;
            *count += 1;
            let channel = main(unit).filter(|channel| channels.contains(channel));
            let (true, Some(channel)) = (range.contains(&sample), channel) else {
                continue;
            };
            let label = labels.and_then(|labels| labels.get(unit)?.get(nth));
            found.push(TraceSpike {
                sample,
                run: place,
                unit,
                channel,
                verdict: label.map_or("", |label| verdict(*label, is_truth)).to_string(),
            });
        }
    }
    found
}

fn verdict(label: SpikeLabel, of_truth: bool) -> &'static str {
    match (label, of_truth) {
        (SpikeLabel::Matched, _) => "TP",
        (_, true) => "FN",
        (_, false) => "FP",
    }
}

/// Local minima and maxima beyond the limit, each with its neighbourhood counted once.
fn count_peaks(values: &Array2<f32>, channels: &[usize], noise: &[f64]) -> usize {
    channels
        .iter()
        .map(|&channel| {
            let limit = PEAK_SD * noise.get(channel).map_or(f32::INFINITY, |&n| n as f32);
            let (mut peaks, mut free_from) = (0, 0);
            for (t, v) in values.row(channel).iter().enumerate() {
                if v.abs() > limit {
                    peaks += usize::from(t >= free_from);
                    free_from = t + PEAK_REACH;
                }
            }
            peaks
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_counts_once() {
        let mut values = Array2::zeros((2, 100));
        for t in [10, 11, 12, 60] {
            values[[1, t]] = -10.0;
        }
        assert_eq!(count_peaks(&values, &[1], &[1.0, 1.0]), 2);
        assert_eq!(count_peaks(&values, &[1], &[1.0, 2.0]), 0);
        assert_eq!(count_peaks(&values, &[0], &[1.0, 1.0]), 0);
    }
}
