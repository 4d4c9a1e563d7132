//! What is the same for all runs, and what one source tells that another does not.

use ferrosort_core::SortingRun;

use super::{ASSUMED_RATE_HZ, Signal};
use crate::quality::QualityTable;
use crate::waveforms::{Measured, ValueUnit};

/// Gives runs of one name different ones.
pub(super) fn distinct_names(runs: &mut [SortingRun]) {
    for place in 1..runs.len() {
        let taken = |name: &str, runs: &[SortingRun]| runs[..place].iter().any(|run| run.name == name);
        let base = runs[place].name.clone();
        let mut k = 2;
        while taken(&runs[place].name, runs) {
            runs[place].name = format!("{base} ({k})");
            k += 1;
        }
    }
}

/// The rate of the first source that says one; runs without one get it.
pub(super) fn sample_rate(runs: &mut [SortingRun], signal: Option<Signal>, warnings: &mut Vec<String>) -> f64 {
    let known = runs
        .iter()
        .find_map(|run| run.sample_rate)
        .or_else(|| signal.map(|signal| signal.recording.sample_rate()));
    let rate = known.unwrap_or_else(|| {
        warnings.push(format!(
            "no result says its sample rate: {ASSUMED_RATE_HZ} Hz is taken; give the true one with --sample-rate"
        ));
        ASSUMED_RATE_HZ
    });
    for run in runs {
        run.sample_rate.get_or_insert(rate);
    }
    rate
}

/// Length of the recording, as the recording or the longest run says, else up to the last spike.
pub(super) fn n_samples(runs: &[SortingRun], signal: Option<Signal>, warnings: &mut Vec<String>) -> u64 {
    let known = signal
        .map(|signal| signal.recording.n_samples())
        .or_else(|| runs.iter().filter_map(|run| run.n_samples).max());
    let last = runs.iter().filter_map(|run| run.spikes.samples.last()).max();
    known.unwrap_or_else(|| {
        let up_to_last = last.map_or(0, |&sample| sample.max(0) as u64 + 1);
        warnings.push(
            "no result says how long the recording is: it is taken to end with the last spike; give it with --recording"
                .to_string(),
        );
        up_to_last
    })
}

/// Small background units of a truth are nobody's to find: their spikes become the background.
pub(super) fn set_background_apart(truth: &mut SortingRun) {
    if !truth.units.iter().any(|unit| unit.is_background) {
        return;
    }
    let kept: Vec<usize> = (0..truth.units.len())
        .filter(|&u| !truth.units[u].is_background)
        .collect();
    let mut place = vec![None; truth.units.len()];
    for (new, &old) in kept.iter().enumerate() {
        place[old] = Some(new as u32);
    }
    let new_place = |unit: u32| place.get(unit as usize).copied().flatten();
    let rows: Vec<usize> = (0..truth.spikes.len())
        .filter(|&i| new_place(truth.spikes.units[i]).is_some())
        .collect();
    let mut details = truth.truth.take().unwrap_or_default();
    let background = (0..truth.spikes.len()).filter(|&i| new_place(truth.spikes.units[i]).is_none());
    details
        .background_samples
        .extend(background.map(|i| truth.spikes.samples[i]));
    details.background_samples.sort_unstable();
    details.overlap = details.overlap.map(|overlap| select(&overlap, &rows));
    details.unit_displacement_um = details
        .unit_displacement_um
        .map(|displacement| displacement.select(ndarray::Axis(1), &kept));
    truth.truth = Some(details);

    let spikes = &mut truth.spikes;
    spikes.units = rows.iter().filter_map(|&i| new_place(spikes.units[i])).collect();
    spikes.samples = select(&spikes.samples, &rows);
    for column in [&mut spikes.amplitudes, &mut spikes.depths_um, &mut spikes.scores] {
        *column = column.take().map(|values| select(&values, &rows));
    }
    truth.units = kept.iter().map(|&u| truth.units[u].clone()).collect();
    for templates in [&mut truth.templates, &mut truth.physical_templates]
        .into_iter()
        .flatten()
    {
        templates.waveforms = templates.waveforms.select(ndarray::Axis(0), &kept);
    }
}

fn select<T: Copy>(values: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().filter_map(|&i| values.get(i).copied()).collect()
}

/// Puts what was measured where the source says nothing.
pub(super) fn fill_in(run: &mut SortingRun, measured: Option<&Measured>, quality: &QualityTable) {
    let Some(measured) = measured else {
        return;
    };
    if run.spikes.depths_um.is_none() {
        run.spikes.depths_um = Some(measured.depths_um.clone());
    }
    for (place, unit) in run.units.iter_mut().enumerate() {
        let Some(found) = measured.units.get(place) else {
            continue;
        };
        if let Some([x, y]) = found.position_um {
            unit.position_um.get_or_insert([x, y, 0.0]);
        }
        if let Some(snr) = Some(quality.value(place, "snr")).filter(|snr| snr.is_finite()) {
            unit.snr.get_or_insert(snr);
        }
        if measured.unit == ValueUnit::Microvolts
            && let Some(main) = found.channels.iter().position(|&c| Some(c) == found.main_channel)
        {
            let row = found.template.row(main);
            let (low, high) = row
                .iter()
                .fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
            unit.ptp_uv.get_or_insert(f64::from(high - low));
        }
    }
}

#[cfg(test)]
mod tests {
    use ferrosort_core::{RunKind, RunUnit, SpikeTable, TruthDetails};

    use super::*;

    fn run(name: &str) -> SortingRun {
        SortingRun::new(name, name, RunKind::Table)
    }

    #[test]
    fn runs_of_one_name_are_told_apart() {
        let mut runs = [run("sorting"), run("sorting"), run("other"), run("sorting")];
        distinct_names(&mut runs);
        let names: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
        assert_eq!(names, ["sorting", "sorting (2)", "other", "sorting (3)"]);
    }

    #[test]
    fn an_unknown_rate_is_that_of_the_other_run_or_an_assumption_that_is_said() {
        let mut warnings = Vec::new();
        let mut runs = [run("a"), run("b")];
        runs[1].sample_rate = Some(20_000.0);
        assert_eq!(sample_rate(&mut runs, None, &mut warnings), 20_000.0);
        assert!(runs[0].sample_rate == Some(20_000.0) && warnings.is_empty());
        assert_eq!(sample_rate(&mut [run("a")], None, &mut warnings), 30_000.0);
        assert!(warnings[0].contains("--sample-rate"));
    }

    #[test]
    fn background_units_leave_the_truth_and_become_its_background() {
        let mut truth = run("truth");
        truth.units = vec![RunUnit::default(); 3];
        truth.units[1].is_background = true;
        truth.units[2].id = "c".into();
        truth.spikes = SpikeTable {
            samples: vec![1, 2, 3, 4],
            units: vec![0, 1, 2, 1],
            amplitudes: Some(vec![0.1, 0.2, 0.3, 0.4]),
            ..SpikeTable::default()
        };
        truth.truth = Some(TruthDetails {
            overlap: Some(vec![0, 1, 2, 0]),
            background_samples: vec![9],
            ..TruthDetails::default()
        });
        set_background_apart(&mut truth);
        assert_eq!(truth.units.len(), 2);
        assert_eq!((truth.spikes.samples, truth.spikes.units), (vec![1, 3], vec![0, 1]));
        assert_eq!(truth.spikes.amplitudes, Some(vec![0.1, 0.3]));
        let details = truth.truth.unwrap_or_default();
        assert_eq!(details.background_samples, [2, 4, 9]);
        assert_eq!(details.overlap, Some(vec![0, 2]));
    }
}
