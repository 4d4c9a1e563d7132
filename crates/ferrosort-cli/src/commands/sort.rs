//! `ferrosort sort`: a recording in, a sorting out.

use std::path::Path;
use std::time::Duration;

use ferrosort::job::{self, Job};
use ferrosort::pipeline::{Draws, Limits};
use ferrosort::run_folder::RunFolder;
use ferrosort::settings::Settings;
use ferrosort_core::{Error, Observer, Result};
use ferrosort_formats::npy::Npz;
use ferrosort_kernels::{SimdLevel, limit_simd_level};

use super::usage::Usage;
use super::{finished, input};
use crate::args::{AlgorithmName, SimdName, SortArgs};
use crate::progress::Progress;

/// Checks every input, then sorts.
pub fn run(args: &SortArgs, progress: &Progress) -> Result<()> {
    let algorithm = algorithm(args)?;
    let limits = limits(args)?;
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
        limits,
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

fn limits(args: &SortArgs) -> Result<Limits> {
    match args.chunk_seconds {
        Some(seconds) if !(seconds > 0.0 && seconds.is_finite()) => Err(Error::input(format!(
            "--chunk-seconds is {seconds}; give a number of seconds greater than 0"
        ))),
        chunk_s => Ok(Limits {
            memory: args.memory,
            chunk_s,
        }),
    }
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
    let bad = |reason: &str| Error::input(format!("--draws {}: {reason}", path.display()));
    let mut npz = Npz::open(path)?;
    let mut integers = |name: &str| -> Result<Option<(Vec<usize>, Vec<i64>)>> {
        let Some(array) = npz.read(name)? else {
            return Ok(None);
        };
        let shape = array.shape.clone();
        let values = array.into_i64();
        let values = values.ok_or_else(|| bad(&format!("{name} does not hold whole numbers")))?;
        Ok(Some((shape, values)))
    };
    let indices = |values: &[i64]| -> Vec<usize> { values.iter().filter_map(|&v| usize::try_from(v).ok()).collect() };
    let cluster_starts = match integers("km_start")? {
        None => None,
        Some((shape, values)) => match *shape.as_slice() {
            [_, columns] if columns > 0 => Some(values.chunks(columns).map(indices).collect()),
            _ => return Err(bad("km_start is no matrix of batches and clusters")),
        },
    };
    let prototype_starts = integers("proto_start")?.map(|(_, values)| indices(&values));
    let embedding_start = match npz.read("embed_x0")? {
        None => None,
        Some(array) => Some(array.into_f64().ok_or_else(|| bad("embed_x0 does not hold numbers"))?),
    };
    Ok(Draws {
        cluster_starts,
        prototype_starts,
        embedding_start,
        ..Draws::default()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::File;

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
        npz.add_array("proto_start", &array![1.5, 2.0]).unwrap();
        npz.finish().unwrap();
        let error = read_draws(&path).unwrap_err();
        assert!(
            error.exit_code() == 2 && error.to_string().contains("draws.npz"),
            "{error}"
        );
        assert_eq!(read_draws(&folder.path().join("none.npz")).unwrap_err().exit_code(), 2);
    }
}
