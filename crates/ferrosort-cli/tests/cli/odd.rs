//! Long and odd recordings: several segments, a channel that dies, silence but for some seconds, files far beyond 4 GiB.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{CHANNELS, RATE, SMALL_BATCHES, array, ferrosort, manifest, path, recording, samples, stderr};

/// Largest distance of a spike from the true one, samples: 0.5 ms.
const TOLERANCE: i64 = 15;
/// Accuracy that an oddity may cost at most.
const COST: f64 = 0.1;

/// Sample and unit of each spike, in order of time.
type Spikes = Vec<(i64, i64)>;

fn spikes(times: &Path, units: &Path) -> Spikes {
    let integers = |path| array(path).into_iter().map(|v| v as i64);
    let mut all: Spikes = integers(times).zip(integers(units)).collect();
    all.sort_unstable();
    all
}

fn truth() -> Spikes {
    let at = |name: &str| recording().join("truth").join(name);
    spikes(&at("spike_samples.npy"), &at("spike_units.npy"))
}

fn sorted(folder: &Path) -> Spikes {
    spikes(&folder.join("spike_times.npy"), &folder.join("spike_clusters.npy"))
}

/// Spikes that a true unit and one of the sorting have in common.
fn matches(truth: &Spikes, sorting: &Spikes) -> BTreeMap<(i64, i64), usize> {
    let mut matches: BTreeMap<(i64, i64), usize> = BTreeMap::new();
    for &(time, unit) in truth {
        let from = sorting.partition_point(|s| s.0 < time - TOLERANCE);
        let near = sorting[from..].iter().take_while(|s| s.0 <= time + TOLERANCE);
        let near: BTreeSet<i64> = near.map(|s| s.1).collect();
        for other in near {
            *matches.entry((unit, other)).or_default() += 1;
        }
    }
    matches
}

/// The sorting with the parts of a true unit, of which each has more than of any other, as one unit.
fn parts_joined(truth: &Spikes, sorting: &Spikes) -> Spikes {
    let mut best: BTreeMap<i64, (usize, i64)> = BTreeMap::new();
    for ((unit, other), n) in matches(truth, sorting) {
        let most = best.entry(other).or_default();
        *most = (*most).max((n, unit));
    }
    let counted = |other: i64| sorting.iter().filter(|s| s.1 == other).count();
    let name: BTreeMap<i64, i64> = best
        .into_iter()
        .filter(|&(other, (n, _))| 2 * n > counted(other))
        .map(|(other, (_, unit))| (other, unit))
        .collect();
    let renamed = |&(time, other): &(i64, i64)| (time, name.get(&other).map_or(-1 - other, |&unit| unit));
    sorting.iter().map(renamed).collect()
}

/// Mean over true spikes of the accuracy with which their unit was found: matches by all spikes of it and of the unit that fits best.
fn accuracy(truth: &Spikes, sorting: &Spikes) -> f64 {
    let counts = |spikes: &Spikes| {
        let mut counts: BTreeMap<i64, usize> = BTreeMap::new();
        for (_, unit) in spikes {
            *counts.entry(*unit).or_default() += 1;
        }
        counts
    };
    let matches = matches(truth, sorting);
    let (true_counts, counts) = (counts(truth), counts(sorting));
    let best = |(unit, n): (&i64, &usize)| {
        let of = |(other, m): (&i64, &usize)| {
            let both = matches.get(&(*unit, *other)).copied().unwrap_or(0);
            both as f64 / (n + m - both) as f64
        };
        *n as f64 * counts.iter().map(of).fold(0.0, f64::max)
    };
    true_counts.iter().map(best).sum::<f64>() / truth.len() as f64
}

/// Accuracy of a sorter on [`recording`] as it is.
fn undisturbed(scratch: &TempDir, name: &str, options: &[&str]) -> f64 {
    let accuracy = accuracy(
        &truth(),
        &sort_flat(
            &[samples()],
            &scratch.path().join(format!("{name}-undisturbed")),
            options,
        ),
    );
    assert!(accuracy > 0.7, "{name}: {accuracy}");
    accuracy
}

/// The samples of [`recording`], `[samples, channels]`.
fn frames() -> Vec<[i16; CHANNELS]> {
    let bytes = fs::read(samples()).unwrap();
    let frame = |b: &[u8]| std::array::from_fn(|c| i16::from_le_bytes([b[2 * c], b[2 * c + 1]]));
    bytes.chunks_exact(2 * CHANNELS).map(frame).collect()
}

fn write(path: &Path, frames: &[[i16; CHANNELS]]) -> PathBuf {
    let bytes: Vec<u8> = frames.iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
    fs::write(path, bytes).unwrap();
    path.to_path_buf()
}

/// What describes flat files with the channels of [`recording`].
fn described() -> [String; 6] {
    let probe = recording().join("probe.json");
    let (channels, rate) = (CHANNELS.to_string(), RATE.to_string());
    ["--channels", &channels, "--sample-rate", &rate, "--probe", path(&probe)].map(String::from)
}

/// Sorts flat files.
fn sort_flat(files: &[PathBuf], output: &Path, options: &[&str]) -> Spikes {
    let mut args: Vec<String> = vec!["sort".to_string(), "--quiet".to_string()];
    args.extend(files.iter().map(|file| path(file).to_string()));
    args.extend(described());
    args.extend(["--output", path(output)].map(String::from));
    args.extend(options.iter().map(ToString::to_string));
    let done = ferrosort(&args);
    assert!(done.status.success(), "{}", stderr(&done));
    sorted(output)
}

/// Options of each sorter.
fn sorters() -> [(&'static str, Vec<&'static str>); 2] {
    let kilosort2 = vec!["--algorithm", "kilosort2", "--set", SMALL_BATCHES];
    [("auto", vec!["--algorithm", "auto"]), ("kilosort2", kilosort2)]
}

#[test]
fn segments_are_sorted_as_one_without_spikes_at_their_borders() {
    let scratch = TempDir::new().unwrap();
    let all = frames();
    // Half a second and then a fifth of one was not saved.
    let kept = [0..120_000usize, 135_000..240_000, 246_000..360_000];
    let mut files = Vec::new();
    let (mut expected, mut starts): (Spikes, Vec<i64>) = (Vec::new(), vec![0]);
    for (i, range) in kept.iter().enumerate() {
        let mut segment = all[range.clone()].to_vec();
        for frame in &mut segment {
            // Amplifiers settle anew after a pause.
            for (c, v) in frame.iter_mut().enumerate() {
                *v = v.saturating_add(3000 * (i as i16) * (c as i16 % 3 - 1));
            }
        }
        files.push(write(&scratch.path().join(format!("{i}.bin")), &segment));
        let start = starts[i];
        let inside = truth().into_iter().filter(|s| range.contains(&(s.0 as usize)));
        expected.extend(inside.map(|(t, unit)| (t - range.start as i64 + start, unit)));
        starts.push(start + range.len() as i64);
    }
    for (name, options) in sorters() {
        let output = scratch.path().join(name);
        let found = sort_flat(&files, &output, &options);
        let run = manifest(&output);
        let segments: Vec<[i64; 2]> = run["recording"]["segments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| ["first_sample", "n_samples"].map(|key| s[key].as_i64().unwrap()))
            .collect();
        let lengths = starts.windows(2).map(|pair| [pair[0], pair[1] - pair[0]]);
        assert_eq!(segments, lengths.collect::<Vec<_>>());
        assert!(
            run["choices"].to_string().contains("3 segments are sorted as one"),
            "{run}"
        );
        for &border in &starts[1..3] {
            let near = |spikes: &Spikes| spikes.iter().filter(|s| s.0.abs_diff(border) < 60).count();
            assert!(
                near(&found) <= near(&expected) + 1,
                "{name}: {} at {border}",
                near(&found)
            );
        }
        let (found, expected) = (accuracy(&expected, &found), undisturbed(&scratch, name, &options));
        assert!(found >= expected - COST, "{name}: {found} instead of {expected}");
    }
}

#[test]
fn a_channel_that_dies_midway_takes_no_other_with_it() {
    let scratch = TempDir::new().unwrap();
    let (dead, from) = (5, 200_000);
    let mut all = frames();
    let last = all[from][dead];
    for frame in &mut all[from..] {
        frame[dead] = last;
    }
    let file = write(&scratch.path().join("dies.bin"), &all);
    for (name, options) in sorters() {
        let found = sort_flat(std::slice::from_ref(&file), &scratch.path().join(name), &options);
        let near = found.iter().filter(|s| s.0.abs_diff(from as i64) < 30).count();
        assert!(near <= 3, "{name}: {near} spikes where the channel dies");
        // A unit that was seen on the channel looks different afterwards and may be two.
        let joined = parts_joined(&truth(), &found);
        let (found, expected) = (accuracy(&truth(), &joined), undisturbed(&scratch, name, &options));
        assert!(found >= expected - COST, "{name}: {found} instead of {expected}");
    }
}

#[test]
fn some_seconds_of_spikes_are_found_in_silence_and_in_noise() {
    let scratch = TempDir::new().unwrap();
    let (before, after) = (600_000usize, 450_000usize);
    // Noise of the simulation's strength; a small generator is enough.
    let mut state = 1u64;
    let mut noise = |sd: f64| -> [i16; CHANNELS] {
        std::array::from_fn(|_| {
            let uniform = |_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) as f64 / f64::from(1u32 << 31)
            };
            (sd * ((0..12).map(uniform).sum::<f64>() - 6.0)).round() as i16
        })
    };
    let active = frames();
    // From the median: spikes do not count.
    let mut sizes: Vec<i16> = active.iter().take(30_000).flatten().map(|v| v.abs()).collect();
    sizes.sort_unstable();
    let sd = f64::from(sizes[sizes.len() / 2]) / 0.6745;
    let expected: Spikes = truth().into_iter().map(|(t, unit)| (t + before as i64, unit)).collect();
    let spikes_are_at = before as i64 - 30..(before + active.len()) as i64 + 30;
    let alone: BTreeMap<&str, f64> = sorters()
        .iter()
        .map(|(name, options)| (*name, undisturbed(&scratch, name, options)))
        .collect();
    for (kind, sd) in [("silence", 0.0), ("noise", sd)] {
        let mut all: Vec<[i16; CHANNELS]> = (0..before).map(|_| noise(sd)).collect();
        all.extend(&active);
        all.extend((0..after).map(|_| noise(sd)));
        let file = write(&scratch.path().join(format!("{kind}.bin")), &all);
        for (name, options) in sorters() {
            let output = scratch.path().join(format!("{kind}-{name}"));
            let found = sort_flat(std::slice::from_ref(&file), &output, &options);
            let outside = found.iter().filter(|s| !spikes_are_at.contains(&s.0)).count();
            let accuracy = accuracy(&expected, &found);
            assert!(
                accuracy >= alone[name] - COST,
                "{name} in {kind}: {accuracy} instead of {}",
                alone[name]
            );
            assert!(
                outside * 40 <= found.len(),
                "{name} in {kind}: {outside} of {} outside",
                found.len()
            );
        }
    }
}

#[test]
#[cfg(unix)]
fn a_hundred_gigabytes_are_planned_and_their_end_is_sorted_as_by_itself() {
    let scratch = TempDir::new().unwrap();
    let long = scratch.path().join("long.bin");
    let all = fs::read(samples()).unwrap();
    // A file with a hole: more than 2^31 samples, and more than 2^32 bytes, before those that are there.
    let first = 3_210_000_000u64;
    let mut file = File::create(&long).unwrap();
    file.seek(SeekFrom::Start(first * 2 * CHANNELS as u64)).unwrap();
    file.write_all(&all).unwrap();
    drop(file);
    assert!(fs::metadata(&long).unwrap().len() > 100_000_000_000);

    for algorithm in ["auto", "kilosort2"] {
        let mut args = vec!["plan", path(&long), "--json", "--quiet", "--algorithm", algorithm];
        let described = described();
        args.extend(described.iter().map(String::as_str));
        let done = ferrosort(&args);
        assert!(done.status.success(), "{}", stderr(&done));
        let plan: Value = serde_json::from_slice(&done.stdout).unwrap();
        assert!(plan["seconds"].as_f64().unwrap() > 0.0 && !plan["stages"].as_array().unwrap().is_empty());
    }

    let range = format!("{}..", first as f64 / RATE);
    for (name, options) in sorters() {
        let at_the_end = [options.clone(), vec!["--time-range", &range]].concat();
        let (at_the_end, whole) = (
            sort_flat(std::slice::from_ref(&long), &scratch.path().join(name), &at_the_end),
            sort_flat(&[samples()], &scratch.path().join(format!("{name}-short")), &options),
        );
        assert!(whole.len() > 100, "{name}");
        let moved: Spikes = whole.into_iter().map(|(t, unit)| (t + first as i64, unit)).collect();
        assert_eq!(at_the_end, moved, "{name}");
    }
}
