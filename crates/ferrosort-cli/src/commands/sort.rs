//! `ferrosort sort`: a recording in, a sorting out.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use ferrosort::job::{self, Job};
use ferrosort::pipeline::Draws;
use ferrosort::run_folder::RunFolder;
use ferrosort::settings::Settings;
use ferrosort_core::{Error, Observer, Result};
use ferrosort_kernels::{SimdLevel, limit_simd_level};
use ndarray::{Array1, Array2};
use ndarray_npy::{NpzReader, ReadNpzError};

use super::usage::Usage;
use super::{finished, input};
use crate::args::{AlgorithmName, SimdName, SortArgs};
use crate::progress::Progress;

/// Checks every input, then sorts.
pub fn run(args: &SortArgs, progress: &Progress) -> Result<()> {
    let algorithm = algorithm(args)?;
    let checkpoint_interval = checkpoint_interval(args.checkpoint_seconds)?;
    if let Some(most) = args.simd {
        use_simd(most)?;
    }
    let resolved = Settings::resolve(
        algorithm.into(),
        args.compat.as_deref(),
        args.params.as_deref(),
        &args.set,
    )?;
    let input = input::open(&args.recording, &args.probe, &resolved.recording)?;
    resolved.settings.check_rate(input.recording.sample_rate())?;
    let draws = args.draws.as_deref().map(read_draws).transpose()?.unwrap_or_default();
    let inputs = input::paths(&args.recording, &[&args.probe.probe, &args.params, &args.draws]);
    let folder = RunFolder::create(&args.output, args.overwrite, &inputs)?;
    if args.restart {
        folder.remove_checkpoints()?;
    }
    let warnings = [resolved.warnings, input.warnings.clone()].concat();
    for warning in &warnings {
        progress.warning(warning);
    }
    let job = Job {
        recording: &*input.recording,
        probe: &input.probe,
        settings: &resolved.settings,
        draws,
        folder,
        keep_processed: args.keep_processed,
        threads: args.threads,
        checkpoint_interval,
        warnings,
    };
    let done = job::run(job, progress)?;
    if let Some(path) = &args.usage {
        Usage::of_this_process().write(path)?;
    }
    let summary = finished::summary(&done, &*input.recording, &args.output);
    progress.finished(&summary, &finished::report(&done));
    Ok(())
}

fn checkpoint_interval(seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        Error::input(format!(
            "--checkpoint-seconds is {seconds}; give a number of seconds from 0"
        ))
    })
}

/// Limits the vector instructions; a level that the processor does not have is refused, since it would prove nothing.
fn use_simd(most: SimdName) -> Result<()> {
    let wanted = match most {
        SimdName::Baseline => SimdLevel::Baseline,
        SimdName::Avx2 => SimdLevel::Avx2,
        SimdName::Avx512 => SimdLevel::Avx512,
    };
    match limit_simd_level(wanted) {
        level if level == wanted => Ok(()),
        level => Err(Error::input(format!(
            "--simd {wanted:?}: this processor has at most {level:?}; choose that, or leave the option out"
        ))),
    }
}

/// The sorter that is asked for, by name or by an option that only one has.
fn algorithm(args: &SortArgs) -> Result<AlgorithmName> {
    let only = [
        (
            "--compat",
            args.compat.as_deref().is_some_and(|preset| preset != "none"),
        ),
        ("--draws", args.draws.is_some()),
        ("--keep-processed", args.keep_processed),
    ];
    let given = only.iter().find(|(_, given)| *given).map(|(name, _)| name);
    match (args.algorithm, given) {
        (Some(AlgorithmName::Auto), Some(option)) => Err(Error::input(format!(
            "{option} is for the Kilosort algorithms and has no meaning for auto; leave it out, or add --algorithm kilosort2"
        ))),
        (Some(name), _) => Ok(name),
        (None, Some(_)) => Ok(AlgorithmName::Kilosort2),
        (None, None) => Ok(AlgorithmName::Auto),
    }
}

/// Reads the draws that are in the file. Negative entries of `km_start` fill up rows of batches with fewer clusters.
fn read_draws(path: &Path) -> Result<Draws> {
    let bad = |e: &dyn std::fmt::Display| Error::input(format!("--draws {}: {e}", path.display()));
    let file = File::open(path).map_err(|e| bad(&e))?;
    let mut npz = NpzReader::new(file).map_err(|e| bad(&e))?;
    let names = npz.names().map_err(|e| bad(&e))?;
    let has = |name: &str| names.iter().any(|n| n.trim_end_matches(".npy") == name);
    let indices = |values: &mut dyn Iterator<Item = &i32>| -> Vec<usize> {
        values.filter_map(|&v| usize::try_from(v).ok()).collect()
    };
    let mut draws = Draws::default();
    if has("km_start") {
        let starts: Array2<i32> = npz.by_name("km_start").map_err(|e: ReadNpzError| bad(&e))?;
        draws.cluster_starts = Some(starts.rows().into_iter().map(|row| indices(&mut row.iter())).collect());
    }
    if has("proto_start") {
        let starts: Array1<i32> = npz.by_name("proto_start").map_err(|e: ReadNpzError| bad(&e))?;
        draws.prototype_starts = Some(indices(&mut starts.iter()));
    }
    if has("embed_x0") {
        let start: Array1<f64> = npz.by_name("embed_x0").map_err(|e: ReadNpzError| bad(&e))?;
        draws.embedding_start = Some(start.to_vec());
    }
    Ok(draws)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ndarray::array;
    use ndarray_npy::NpzWriter;

    use super::*;

    #[test]
    fn draws_are_read_as_far_as_they_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("draws.npz");
        let mut npz = NpzWriter::new(File::create(&path).unwrap());
        npz.add_array("km_start", &array![[4, 0, 7], [1, -1, -1]]).unwrap();
        npz.add_array("embed_x0", &array![0.5, -0.25]).unwrap();
        npz.finish().unwrap();
        let draws = read_draws(&path).unwrap();
        assert_eq!(draws.cluster_starts, Some(vec![vec![4, 0, 7], vec![1]]));
        assert_eq!(draws.prototype_starts, None);
        assert_eq!(draws.embedding_start, Some(vec![0.5, -0.25]));
    }

    #[test]
    fn draws_of_another_type_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("draws.npz");
        let mut npz = NpzWriter::new(File::create(&path).unwrap());
        npz.add_array("proto_start", &array![1.0, 2.0]).unwrap();
        npz.finish().unwrap();
        let error = read_draws(&path).unwrap_err();
        assert!(
            error.exit_code() == 2 && error.to_string().contains("draws.npz"),
            "{error}"
        );
        assert_eq!(read_draws(&folder.path().join("none.npz")).unwrap_err().exit_code(), 2);
    }
}
