//! How fast a folder is written and read.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use ferrosort_core::{Error, Result};
use serde::Serialize;

/// Bytes that are written and read at once, and how often.
const PIECE: usize = 1 << 20;
const PIECES: usize = 64;

/// What the disk of a folder does.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Disk {
    /// Bytes written and flushed in a second.
    pub written_per_s: f64,
    /// Bytes read again in a second; often they come from memory.
    pub read_per_s: f64,
    /// Bytes that are free; `None` where nobody tells.
    pub free: Option<u64>,
}

/// Writes a file of 64 MiB, flushes it to the disk and reads it again.
///
/// # Errors
/// I/O; other bytes come back than were written.
pub fn measure(folder: &Path) -> Result<Disk> {
    let path = folder.join("speed");
    // Bytes that no file system compresses away: the low bits of a sequence without a short period.
    let mut state = 1u64;
    let piece: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u8
    })
    .take(PIECE)
    .collect();
    let started = Instant::now();
    let write = || {
        let mut file = File::create(&path)?;
        for _ in 0..PIECES {
            file.write_all(&piece)?;
        }
        file.sync_all()
    };
    write().map_err(|e| Error::io("write", &path, e))?;
    let written = started.elapsed();
    let started = Instant::now();
    let mut back = vec![0; PIECE];
    let mut read = || {
        let mut file = File::open(&path)?;
        for _ in 0..PIECES {
            file.read_exact(&mut back)?;
            if back != piece {
                return Err(std::io::Error::other("other bytes come back than were written"));
            }
        }
        Ok(())
    };
    read().map_err(|e| Error::io("read", &path, e))?;
    let bytes = (PIECE * PIECES) as f64;
    Ok(Disk {
        written_per_s: bytes / written.as_secs_f64(),
        read_per_s: bytes / started.elapsed().as_secs_f64(),
        free: free(folder),
    })
}

/// As `df` counts it.
fn free(folder: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(folder).output().ok()?;
    of_df(&String::from_utf8(output.stdout).ok()?)
}

/// The fourth column of the second line, KiB.
fn of_df(text: &str) -> Option<u64> {
    let kib: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    kib.checked_mul(1024)
}

impl Disk {
    /// For people.
    pub fn line(&self, folder: &Path) -> String {
        let free = self
            .free
            .map_or("unknown".into(), |bytes| format!("{:.1} GB", bytes as f64 / 1e9));
        format!(
            "disk        {}: {:.0} MB/s written, {:.0} MB/s read again (maybe from memory), {free} free",
            folder.display(),
            self.written_per_s / 1e6,
            self.read_per_s / 1e6
        )
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_written_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let disk = measure(folder.path()).unwrap();
        assert!(disk.written_per_s > 0.0 && disk.read_per_s > 0.0);
        let error = measure(&folder.path().join("none")).unwrap_err();
        assert_eq!(error.exit_code(), 3);
    }

    #[test]
    fn free_bytes_stand_in_the_fourth_column() {
        let text = "Filesystem 1024-blocks Used Available Capacity Mounted on\noverlay 100 40 60 40% /\n";
        assert_eq!(of_df(text), Some(60 * 1024));
        assert_eq!(of_df(""), None);
    }
}
