//! How many frames a flat file holds, and what to say when it is not a whole number.

use std::path::Path;

use ferrosort_core::{Error, Result, SampleType};

/// Channel counts of common devices, with and without sync words.
const COMMON: [usize; 21] = [
    1, 2, 4, 8, 16, 24, 25, 32, 35, 60, 64, 67, 72, 96, 128, 256, 277, 384, 385, 512, 1024,
];

/// Frames after `offset` bytes in a file of `size` bytes.
///
/// # Errors
/// No samples, or an incomplete last frame; the message lists channel counts that would fit.
pub(super) fn count(path: &Path, size: u64, offset: u64, n_channels: usize, sample_type: SampleType) -> Result<u64> {
    let payload = size.saturating_sub(offset);
    if payload == 0 {
        return Err(Error::input(format!(
            "{} holds no samples: its size is {size} bytes and the offset {offset} bytes; check the file and --offset",
            path.display()
        )));
    }
    let width = sample_type.bytes() as u64;
    let frame = n_channels as u64 * width;
    let remainder = payload % frame;
    if remainder == 0 {
        return Ok(payload / frame);
    }
    let after = if offset == 0 {
        String::new()
    } else {
        format!(" after an offset of {offset}")
    };
    Err(Error::input(format!(
        "{} has {payload} bytes of samples{after}, which is not a whole number of frames of {frame} bytes \
         ({n_channels} channels of {}): {remainder} bytes remain; {}",
        path.display(),
        sample_type.numpy_name(),
        remedy(payload, width, n_channels)
    )))
}

fn remedy(payload: u64, width: u64, n_channels: usize) -> String {
    let fitting = fitting_channel_counts(payload, width, n_channels);
    if fitting.is_empty() {
        return "no usual channel count fits either, so check --dtype and --offset, or cut the incomplete last frame \
                off if the copy was interrupted"
            .to_owned();
    }
    let list: Vec<String> = fitting.iter().map(ToString::to_string).collect();
    format!(
        "check --channels ({} would fit), --dtype and --offset, or cut the incomplete last frame off",
        list.join(", ")
    )
}

/// Up to six channel counts for which the size is a whole number of frames: near `n_channels` or common, nearest first.
fn fitting_channel_counts(payload: u64, width: u64, n_channels: usize) -> Vec<usize> {
    let near = n_channels.saturating_sub(8).max(2)..=n_channels.saturating_add(8);
    let mut counts: Vec<usize> = near.chain(COMMON).filter(|&n| n > 1 || n_channels <= 2).collect();
    counts.sort_by_key(|&n| (n.abs_diff(n_channels), n));
    counts.dedup();
    counts.retain(|&n| payload.is_multiple_of(n as u64 * width));
    counts.truncate(6);
    counts
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn error(size: u64, offset: u64, n_channels: usize, sample_type: SampleType) -> String {
        count(Path::new("r.bin"), size, offset, n_channels, sample_type)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn whole_frames_are_counted_after_the_offset() {
        assert_eq!(count(Path::new("r"), 10 + 6 * 4, 10, 3, SampleType::Int16).unwrap(), 4);
        assert_eq!(
            count(Path::new("r"), 100_000_000_000, 0, 250, SampleType::Float32).unwrap(),
            100_000_000
        );
    }

    #[test]
    fn a_remainder_names_file_size_frame_remainder_and_counts_that_fit() {
        let message = error(385 * 2 * 101, 0, 384, SampleType::Int16);
        for part in [
            "r.bin",
            "77770 bytes",
            "768 bytes",
            "202 bytes remain",
            "385, 35 would fit",
        ] {
            assert!(message.contains(part), "{part} in {message}");
        }
    }

    #[test]
    fn nothing_that_fits_is_said() {
        let message = error(7, 0, 4, SampleType::Int16);
        assert!(message.contains("no usual channel count"), "{message}");
        assert!(error(0, 0, 4, SampleType::Int16).contains("no samples"));
        assert!(error(8, 12, 4, SampleType::Int16).contains("offset 12"));
    }
}
