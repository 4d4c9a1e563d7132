//! The pass over the recording.

use std::time::Instant;

use ferrosort_core::{Error, Observer, Probe, Recording, Result, SortingRun};
use rayon::prelude::*;

use super::collect::{Collector, Shared};
use super::condition::{Block, Conditioner};
use super::guess::{Timing, UnitSpikes, first_look, temporal_basis};
use super::measured::{Measured, ValueUnit};
use super::params::MeasureParams;
use super::pieces::Reader;

/// Samples of a chunk: sixteen channels of it, in f64, stay in the cache of a core while the filter runs over them twice.
const CHUNK_SAMPLES: u64 = 6000;
/// Principal components of the features.
const COMPONENTS: usize = 3;

/// Measures the units of a run in its recording: mean waveforms, the amplitude of every spike, depths, features, and the noise.
///
/// Channels are those of `probe`, in its order; the recording must have their columns. The recording is filtered with a zero-phase
/// high-pass. Values are in µV when the recording knows its gains, else in counts. The amplitude of a spike is the value on the
/// unit's main channel at the sample where the unit's mean waveform is largest in absolute value, with its sign. Depths are centres of
/// mass of the peaks to peak around the main channel. Spikes near the ends of the recording count with their amplitude only; spikes
/// outside of it, and units without spikes, stay empty. Best channels that the run knows are used as a start.
///
/// Memory: two chunks of the recording, and for each unit the waveforms that are averaged on up to three channels.
///
/// # Errors
/// Settings out of range, a probe that does not fit the recording, spike columns of different length, a failing read, or interruption
/// by the observer.
pub fn measure(
    recording: &dyn Recording,
    probe: &Probe,
    run: &SortingRun,
    params: &MeasureParams,
    observer: &dyn Observer,
) -> Result<Measured> {
    let sample_rate = recording.sample_rate();
    params.validate(sample_rate)?;
    probe.validate(recording.n_channels(), "of the measurement")?;
    let spikes = spikes_by_unit(run)?;
    let began = Instant::now();
    let n_samples = recording.n_samples();
    observer.stage_started(
        "waveforms",
        n_samples + piece_samples(n_samples, sample_rate, params),
        "samples",
    );
    let (gains, unit) = gains_of(recording, probe);
    let conditioner = Conditioner::new(probe, sample_rate, params);
    let timing = Timing::new(sample_rate, params);
    let known = known_channels(run, probe);
    let mut reader = Reader::new(recording, &conditioner);
    let (noise, guesses) = first_look(&mut reader, probe, &spikes, &known, (timing, &gains, params), observer)?;
    drop(reader);
    let shared = Shared {
        probe,
        gains: &gains,
        timing,
        basis: params.features.then(|| temporal_basis(&guesses, COMPONENTS)).flatten(),
        n_samples: n_samples as i64,
    };
    let mut collectors: Vec<Option<Collector>> = spikes
        .iter()
        .zip(&guesses)
        .enumerate()
        .map(|(unit, (spikes, guess))| Collector::new(spikes, guess.as_ref(), &shared, &conditioner, params, unit))
        .collect();
    stream(recording, &conditioner, &mut collectors, &shared, observer)?;
    let of_channels = |rows: &[f64]| {
        (0..probe.len())
            .map(|c| rows[conditioner.row_of(c)])
            .collect::<Vec<f64>>()
    };
    let noise = (of_channels(&noise.mad), of_channels(&noise.sd));
    let measured = Measured::assemble(
        collectors,
        &shared,
        noise,
        (unit, sample_rate, run.spikes.len()),
        params,
    );
    observer.stage_finished("waveforms", began.elapsed().as_secs_f64());
    Ok(measured)
}

/// Samples in the pieces of the first look.
fn piece_samples(n_samples: u64, sample_rate: f64, params: &MeasureParams) -> u64 {
    ((params.noise_piece_s * sample_rate) as u64).clamp(1, n_samples.max(1)) * params.noise_pieces as u64
}

/// Reads the recording chunk by chunk, one ahead of the one at work.
fn stream(
    recording: &dyn Recording,
    conditioner: &Conditioner,
    collectors: &mut [Option<Collector>],
    shared: &Shared,
    observer: &dyn Observer,
) -> Result<()> {
    let (n_samples, width) = (recording.n_samples(), recording.n_channels());
    let margin = shared.timing.margin;
    // Not much shorter than the margins, or most samples would be filtered twice.
    let length = CHUNK_SAMPLES.max(4 * margin).min(n_samples.max(1));
    let read = |start: u64, frames: &mut Vec<f32>| -> Result<()> {
        let first = start.saturating_sub(margin);
        let last = (start + length + margin).min(n_samples);
        frames.resize((last - first) as usize * width, 0.0);
        recording.read(first, frames)
    };
    let (mut current, mut ahead, mut block) = (Vec::new(), Vec::new(), Block::default());
    if n_samples > 0 {
        read(0, &mut current)?;
    }
    for start in (0..n_samples).step_by(length as usize) {
        if observer.cancelled() {
            return Err(Error::Interrupted);
        }
        let (next, end) = (start + length, (start + length).min(n_samples));
        let (was_read, ()) = rayon::join(
            || {
                if next < n_samples {
                    read(next, &mut ahead)
                } else {
                    Ok(())
                }
            },
            || {
                let first = start.saturating_sub(margin);
                conditioner.apply(&current, width, first as i64, &mut block);
                collectors
                    .par_iter_mut()
                    .flatten()
                    .for_each(|collector| collector.collect(&block, end as i64, shared));
            },
        );
        was_read?;
        std::mem::swap(&mut current, &mut ahead);
        observer.advanced(end - start);
    }
    Ok(())
}

/// Factors from counts to the unit of the result, one for each channel of the probe.
fn gains_of(recording: &dyn Recording, probe: &Probe) -> (Vec<f64>, ValueUnit) {
    let gains = recording.gain_uv().and_then(|gains| {
        probe
            .contacts
            .iter()
            .map(|c| gains.get(c.channel).copied().filter(|g| g.is_finite() && *g != 0.0))
            .collect::<Option<Vec<f64>>>()
    });
    match gains {
        Some(gains) => (gains, ValueUnit::Microvolts),
        None => (vec![1.0; probe.len()], ValueUnit::Counts),
    }
}

/// Spikes of each unit in ascending order, with their places in the table.
fn spikes_by_unit(run: &SortingRun) -> Result<Vec<UnitSpikes>> {
    let table = &run.spikes;
    if table.samples.len() != table.units.len() {
        return Err(Error::input(format!(
            "run {} has {} spike times but {} unit numbers; give one unit for each spike",
            run.name,
            table.samples.len(),
            table.units.len()
        )));
    }
    let mut units = vec![UnitSpikes::default(); run.units.len()];
    for (place, (&sample, &unit)) in table.samples.iter().zip(&table.units).enumerate() {
        let Some(spikes) = units.get_mut(unit as usize) else {
            return Err(Error::input(format!(
                "run {} has a spike of unit {unit}, but only {} units; list every unit",
                run.name,
                run.units.len()
            )));
        };
        spikes.samples.push(sample);
        spikes.places.push(place as u32);
    }
    units
        .par_iter_mut()
        .filter(|u| !u.samples.is_sorted())
        .for_each(|unit| {
            let mut pairs: Vec<(i64, u32)> = unit.samples.iter().copied().zip(unit.places.iter().copied()).collect();
            pairs.sort_unstable();
            (unit.samples, unit.places) = pairs.into_iter().unzip();
        });
    Ok(units)
}

/// Best channel of each unit as the run knows it, as a place in `probe`: matched by the column of the recording.
fn known_channels(run: &SortingRun, probe: &Probe) -> Vec<Option<usize>> {
    run.units
        .iter()
        .map(|unit| {
            let contact = run.probe.as_ref()?.contacts.get(unit.best_channel?)?;
            probe.contacts.iter().position(|c| c.channel == contact.channel)
        })
        .collect()
}
