//! A short stretch of the recording as it is measured, and what the templates of a run leave of it.

use std::ops::Range;

use ferrosort_core::{Probe, Recording, Result, SortingRun};
use ndarray::{Array2, Axis};

use super::condition::Conditioner;
use super::measured::Measured;
use super::params::MeasureParams;
use super::pieces::Reader;

/// Filter's memory on both sides of a stretch, s.
const MARGIN_S: f64 = 0.02;

/// Samples `range` of the recording after the filter of the measurements, `[channels of the probe, samples]`, µV where the gain is
/// known and counts elsewhere. The range is cut to the recording.
///
/// # Errors
/// I/O of the recording; a probe that does not fit it.
pub fn filtered_stretch(
    recording: &dyn Recording,
    probe: &Probe,
    range: Range<u64>,
    params: &MeasureParams,
) -> Result<Array2<f32>> {
    params.validate(recording.sample_rate())?;
    probe.validate(recording.n_channels(), "of the stretch")?;
    let end = range.end.min(recording.n_samples());
    let start = range.start.min(end);
    let conditioner = Conditioner::new(probe, recording.sample_rate(), params);
    let mut reader = Reader::new(recording, &conditioner);
    reader.read(start, end, (MARGIN_S * recording.sample_rate()) as u64)?;
    let mut values = Array2::zeros((probe.len(), (end - start) as usize));
    for (channel, mut out) in values.axis_iter_mut(Axis(0)).enumerate() {
        let column = probe.contacts[channel].channel;
        let gain = recording
            .gain_uv()
            .and_then(|gains| gains.get(column))
            .map_or(1.0, |&g| g as f32);
        let row = reader
            .block
            .window(conditioner.row_of(channel), start as i64, end as i64);
        for (value, &count) in out.iter_mut().zip(row.unwrap_or(&[])) {
            *value = count * gain;
        }
    }
    Ok(values)
}

/// Takes the mean waveform of every spike of the run out of a stretch that begins at sample `start`, each scaled to the spike's
/// amplitude over that of the mean. `values` and `measured` must come from the same recording and probe.
pub fn subtract_spikes(values: &mut Array2<f32>, start: i64, run: &SortingRun, measured: &Measured) {
    let samples = values.ncols() as i64;
    let spikes = run
        .spikes
        .samples
        .iter()
        .zip(&run.spikes.units)
        .zip(&measured.amplitudes);
    for ((&at, &unit), &amplitude) in spikes {
        let first = at - measured.spike_at as i64 - start;
        let Some(unit) = measured.units.get(unit as usize) else {
            continue;
        };
        if first >= samples || first + measured.waveform_samples as i64 <= 0 {
            continue;
        }
        let factor = scale(unit, amplitude, measured.spike_at);
        for (row, &channel) in unit.template.rows().into_iter().zip(&unit.channels) {
            for (k, &value) in row.iter().enumerate() {
                let place = first + k as i64;
                if (0..samples).contains(&place) && channel < values.nrows() {
                    values[[channel, place as usize]] -= factor * value;
                }
            }
        }
    }
}

/// The spike's amplitude over that of the mean waveform, within bounds: noise must not turn a waveform over.
fn scale(unit: &super::MeasuredUnit, amplitude: f32, spike_at: usize) -> f32 {
    let main = unit.channels.iter().position(|&c| Some(c) == unit.main_channel);
    let at = usize::try_from(spike_at as i64 + unit.peak_offset).ok();
    let mean = main
        .zip(at)
        .and_then(|place| unit.template.get(place))
        .copied()
        .unwrap_or(0.0);
    let factor = amplitude / mean;
    if factor.is_finite() {
        factor.clamp(0.3, 3.0)
    } else {
        1.0
    }
}
