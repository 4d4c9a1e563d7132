//! What a run has done so far, on the disk: the output of each stage under a key of everything that it depends on
//! (docs/guarantees.md).
//!
//! A file is complete or absent: it is written beside its place, flushed, and renamed. One that is damaged, or of other inputs,
//! parameters or another version, is as good as absent.

use std::fs::{self, File};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ferrosort_core::{Error, Recording, Result, segments};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Changes with the layout of what is stored.
const MAGIC: &[u8; 8] = b"ferrock1";
/// Bytes before the payload: magic, key, hash of the payload.
const HEADER: usize = 8 + 32 + 32;
/// Bytes that are encoded before they are hashed and written.
const BUFFER_BYTES: usize = 1 << 16;
/// Stretches of the recording that its key is of, and their length in samples.
const STRETCHES: u64 = 64;
const STRETCH_SAMPLES: u64 = 256;

/// Everything that a stage's output depends on, as a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl Key {
    /// The key of what depends on nothing but these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The key of what depends on this and on `more`.
    #[must_use]
    pub fn and(self, more: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0).update(more);
        Self(*hasher.finalize().as_bytes())
    }

    /// The key of a recording: its format, and samples from all over it.
    ///
    /// # Errors
    /// Those of reading.
    pub fn of_recording(recording: &dyn Recording) -> Result<Self> {
        let (samples, channels) = (recording.n_samples(), recording.n_channels());
        let mut key = Self::of(&samples.to_le_bytes())
            .and(&(channels as u64).to_le_bytes())
            .and(&recording.sample_rate().to_le_bytes());
        for segment in segments(recording) {
            key = key.and(&segment.start.to_le_bytes());
        }
        let length = STRETCH_SAMPLES.min(samples);
        let last = samples - length;
        let mut frames = vec![0.0f32; length as usize * channels];
        for i in 0..STRETCHES {
            let start = (u128::from(last) * u128::from(i) / u128::from(STRETCHES - 1)) as u64;
            recording.read(start, &mut frames)?;
            let bytes: Vec<u8> = frames.iter().flat_map(|v| v.to_le_bytes()).collect();
            key = key.and(&bytes);
        }
        Ok(key)
    }
}

/// A folder of checkpoints.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    folder: PathBuf,
    /// Time between two checkpoints within a stage.
    pub interval: Duration,
}

impl Checkpoints {
    /// Checkpoints in a folder, which is made when the first is saved.
    pub fn new(folder: PathBuf, interval: Duration) -> Self {
        Self { folder, interval }
    }

    /// A file of a stage's own beside the checkpoints, in a folder that exists when this returns.
    ///
    /// # Errors
    /// I/O, with the path.
    pub fn file(&self, name: &str) -> Result<PathBuf> {
        fs::create_dir_all(&self.folder).map_err(|e| Error::io("create", &self.folder, e))?;
        Ok(self.folder.join(name))
    }

    /// What was saved under this name for this key.
    pub fn load<T: DeserializeOwned>(&self, name: &str, key: Key) -> Option<T> {
        let bytes = fs::read(self.path(name)).ok()?;
        let (header, payload) = bytes.split_at_checked(HEADER)?;
        let is_whole = header[..8] == *MAGIC && header[40..] == *blake3::hash(payload).as_bytes();
        if !is_whole || header[8..40] != key.0 {
            return None;
        }
        postcard::from_bytes(payload).ok()
    }

    /// Saves a value in the place of an earlier one of this name.
    ///
    /// # Errors
    /// I/O, with the path.
    pub fn save<T: Serialize>(&self, name: &str, key: Key, value: &T) -> Result<()> {
        let path = self.path(name);
        let temporary = path.with_extension("new");
        let fail = |e: std::io::Error| Error::io("write", &path, e);
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            let mut file = File::create(&temporary)?;
            file.write_all(MAGIC)?;
            file.write_all(&key.0)?;
            file.write_all(&[0; 32])?;
            let hash = Hashed::write(value, &file)?;
            file.seek(SeekFrom::Start((HEADER - 32) as u64))?;
            file.write_all(hash.as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, &path)
        };
        write().map_err(|e| {
            // Half a file only takes room from others.
            let _ = fs::remove_file(&temporary);
            fail(e)
        })
    }

    /// Removes what was saved under this name; what cannot be removed is only in the way of room.
    pub fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.path(name));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}.checkpoint", name.replace(' ', "-")))
    }
}

/// A file that is hashed while it is written: the whole payload in memory would be as large as what is saved.
struct Hashed<'a> {
    file: &'a File,
    hasher: blake3::Hasher,
    /// What the operating system said last; the encoder does not tell.
    refused: Option<std::io::Error>,
}

impl<'a> Hashed<'a> {
    /// Writes a value; gives the hash of its bytes.
    fn write<T: Serialize>(value: &T, file: &'a File) -> std::io::Result<blake3::Hash> {
        let mut hashed = Self {
            file,
            hasher: blake3::Hasher::new(),
            refused: None,
        };
        // The encoder writes number by number.
        let mut buffered = BufWriter::with_capacity(BUFFER_BYTES, &mut hashed);
        let encoded = postcard::to_io(value, &mut buffered).map(|_| ());
        let flushed = buffered.flush();
        drop(buffered);
        match (hashed.refused.take(), encoded) {
            (Some(refused), _) => Err(refused),
            (None, Err(e)) => Err(std::io::Error::other(e)),
            (None, Ok(())) => flushed.map(|()| hashed.hasher.finalize()),
        }
    }
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.file.write_all(bytes) {
            Ok(()) => {
                self.hasher.update(bytes);
                Ok(bytes.len())
            }
            Err(e) => {
                let kind = e.kind();
                self.refused = Some(e);
                Err(kind.into())
            }
        }
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// True for a folder that holds a checkpoint.
pub fn any_in(folder: &Path) -> bool {
    let is_checkpoint = |path: PathBuf| path.extension().is_some_and(|e| e == "checkpoint");
    fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(|e| is_checkpoint(e.path())))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ferrosort_core::MemoryRecording;

    use super::*;

    fn checkpoints() -> (tempfile::TempDir, Checkpoints) {
        let folder = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::new(folder.path().join("checkpoints"), Duration::ZERO);
        (folder, checkpoints)
    }

    #[test]
    fn a_checkpoint_is_found_under_its_key_only() {
        let (_folder, checkpoints) = checkpoints();
        let (key, value) = (Key::of(b"inputs"), vec![1.5f32, f32::NAN, -0.0]);
        assert_eq!(checkpoints.load::<Vec<f32>>("a stage", key), None);
        checkpoints.save("a stage", key, &value).unwrap();
        let bits = |v: Vec<f32>| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(checkpoints.load("a stage", key).map(bits), Some(bits(value)));
        assert_eq!(checkpoints.load::<Vec<f32>>("a stage", key.and(b"a parameter")), None);
        assert_eq!(checkpoints.load::<Vec<f32>>("another stage", key), None);
        checkpoints.remove("a stage");
        assert_eq!(checkpoints.load::<Vec<f32>>("a stage", key), None);
    }

    #[test]
    fn a_damaged_checkpoint_is_as_good_as_absent() {
        let (folder, checkpoints) = checkpoints();
        let key = Key::of(b"inputs");
        checkpoints.save("stage", key, &vec![7u64; 100]).unwrap();
        let path = folder.path().join("checkpoints/stage.checkpoint");
        assert!(any_in(path.parent().unwrap()));
        let whole = fs::read(&path).unwrap();
        for length in [0, 8, HEADER, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(checkpoints.load::<Vec<u64>>("stage", key), None, "{length} bytes");
        }
        for at in [0, 20, 50, HEADER + 3] {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            assert_eq!(checkpoints.load::<Vec<u64>>("stage", key), None, "byte {at}");
        }
        fs::write(&path, &whole).unwrap();
        assert_eq!(checkpoints.load("stage", key), Some(vec![7u64; 100]));
    }

    #[test]
    fn the_key_of_a_recording_is_of_its_samples() {
        let recording = |change: f32| {
            let mut samples: Vec<f32> = (0..2000).map(|i| i as f32).collect();
            samples[1000] += change;
            MemoryRecording::new(30000.0, 2, samples, None).unwrap()
        };
        let key = |change| Key::of_recording(&recording(change)).unwrap();
        assert_eq!(key(0.0), key(0.0));
        assert_ne!(key(0.0), key(1.0));
    }
}
