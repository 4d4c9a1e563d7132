//! Golden arrays for tests: found, read, and reported as absent when they are.
//!
//! A golden file is looked for in `../shared/golden` beside the project (numbers made by the original programs), and, when
//! that folder is absent, in `tests/data/golden` (small files, see `tests/data/README.md`). Both use the same names,
//! so the same test runs on either.
#![forbid(unsafe_code)]

use std::fs::File;
use std::path::{Path, PathBuf};

use ferrosort_core::{Contact, MemoryRecording, Probe};
use ndarray::{Array, ArrayD, Dimension, IxDyn};
use ndarray_npy::{NpzReader, ReadNpyError, ReadNpzError, ReadableElement};

/// One `.npz` file of golden arrays.
pub struct Golden {
    path: PathBuf,
    npz: NpzReader<File>,
}

/// The project's root folder.
pub fn project_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folder of golden numbers beside the project, if it is there.
pub fn shared_golden() -> Option<PathBuf> {
    let dir = project_root().join("../shared/golden");
    dir.is_dir().then_some(dir)
}

/// Opens `relative` (for example `kilosort2/stage3_kernels.npz`) in the shared golden folder, else in the small one.
/// Says so on standard error and gives `None` when neither has it: the test then ends early, visibly.
#[allow(clippy::print_stderr)]
pub fn open(relative: &str) -> Option<Golden> {
    let small = project_root().join("tests/data/golden");
    for dir in shared_golden().into_iter().chain([small]) {
        let path = dir.join(relative);
        if path.is_file() {
            return Some(Golden::open(path));
        }
    }
    eprintln!("SKIPPED: no golden file {relative} (neither in ../shared/golden nor in tests/data/golden)");
    None
}

/// Opens `relative` in the shared golden folder and in the small one: for tests that run on every file there is.
/// Says so on standard error when neither has it: the test then passes without a check, visibly.
#[allow(clippy::print_stderr)]
pub fn open_all(relative: &str) -> Vec<Golden> {
    let small = project_root().join("tests/data/golden");
    let paths = shared_golden().into_iter().chain([small]).map(|dir| dir.join(relative));
    let found: Vec<Golden> = paths.filter(|path| path.is_file()).map(Golden::open).collect();
    if found.is_empty() {
        eprintln!("SKIPPED: no golden file {relative} (neither in ../shared/golden nor in tests/data/golden)");
    }
    found
}

/// As [`open`], but only from `../shared/golden`: for whole-run arrays that have no small counterpart.
#[allow(clippy::print_stderr)]
pub fn open_shared(relative: &str) -> Option<Golden> {
    let path = shared_golden().map(|d| d.join(relative)).filter(|p| p.is_file());
    if path.is_none() {
        eprintln!("SKIPPED: no golden file {relative} in ../shared/golden");
    }
    path.map(Golden::open)
}

impl Golden {
    /// Opens this file.
    ///
    /// # Panics
    /// When the file cannot be opened: test support fails loudly.
    pub fn open(path: PathBuf) -> Self {
        let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let npz = NpzReader::new(file).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Self { path, npz }
    }

    /// Where the file is: for messages of failing assertions.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// True when the file has an array of this name.
    pub fn has(&mut self, name: &str) -> bool {
        self.npz
            .names()
            .is_ok_and(|names| names.iter().any(|n| n.trim_end_matches(".npy") == name))
    }

    fn read<T: ReadableElement>(&mut self, name: &str) -> Result<ArrayD<T>, ReadNpzError> {
        self.npz.by_name::<ndarray::OwnedRepr<T>, IxDyn>(name)
    }

    /// The array `name`, whose stored type must be `T`, in C order.
    ///
    /// # Panics
    /// When it is absent, of another type or of another dimension.
    pub fn array<T: ReadableElement + Clone, D: Dimension>(&mut self, name: &str) -> Array<T, D> {
        let a = self
            .read::<T>(name)
            .unwrap_or_else(|e| panic!("{} {name}: {e}", self.path.display()));
        a.as_standard_layout()
            .into_owned()
            .into_dimensionality()
            .unwrap_or_else(|e| panic!("{} {name}: {e}", self.path.display()))
    }

    /// The array `name` as `f64`, whatever numeric or boolean type is stored.
    ///
    /// # Panics
    /// When it is absent or not numeric.
    pub fn f64<D: Dimension>(&mut self, name: &str) -> Array<f64, D> {
        macro_rules! attempt {
            ($($t:ty => $f:expr),*) => {$(
                match self.read::<$t>(name) {
                    Ok(a) => {
                        let f: fn($t) -> f64 = $f;
                        return a.mapv(f).as_standard_layout().into_owned().into_dimensionality().expect(name);
                    }
                    Err(ReadNpzError::Npy(ReadNpyError::WrongDescriptor(_))) => {}
                    Err(e) => panic!("{} {name}: {e}", self.path.display()),
                }
            )*};
        }
        attempt!(f64 => |v| v, f32 => f64::from, i32 => f64::from, i64 => |v| v as f64, i16 => f64::from,
            u32 => f64::from, u64 => |v| v as f64, i8 => f64::from, u8 => f64::from, u16 => f64::from, bool => |v| f64::from(u8::from(v)));
        panic!("{} {name}: not a numeric array", self.path.display())
    }

    /// The array `name` as `f32`.
    ///
    /// # Panics
    /// As [`Golden::f64`].
    pub fn f32<D: Dimension>(&mut self, name: &str) -> Array<f32, D> {
        self.f64::<D>(name).mapv(|v| v as f32)
    }

    /// The flat values of `name` as indices.
    ///
    /// # Panics
    /// As [`Golden::f64`].
    pub fn usize(&mut self, name: &str) -> Vec<usize> {
        self.f64::<IxDyn>(name).iter().map(|&v| v as usize).collect()
    }

    /// The single value `name`.
    ///
    /// # Panics
    /// As [`Golden::f64`].
    pub fn scalar(&mut self, name: &str) -> f64 {
        *self.f64::<IxDyn>(name).first().expect("a scalar has one value")
    }
}

/// The golden recording of 40 s and 64 channels with its probe (channel `i` is column `i`), or `None`, visibly, when it is absent.
///
/// # Panics
/// When the file is damaged.
#[allow(clippy::print_stderr)]
pub fn recording_40s() -> Option<(MemoryRecording, Probe)> {
    let path = shared_golden()
        .map(|d| d.join("pykilosort/recording.bin.zst"))
        .filter(|p| p.is_file());
    let Some(path) = path else {
        eprintln!("SKIPPED: no golden recording pykilosort/recording.bin.zst in ../shared/golden");
        return None;
    };
    let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut decoder =
        ruzstd::decoding::StreamingDecoder::new(file).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut decoder, &mut bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let samples = bytes
        .chunks_exact(2)
        .map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])));
    // Four columns of a staggered probe: x repeats 43, 11, 59, 27 µm, rows of two are 20 µm apart.
    let contact = |channel: usize| Contact {
        channel,
        x_um: [43.0, 11.0, 59.0, 27.0][channel % 4],
        y_um: (channel / 2) as f64 * 20.0,
        shank: 0,
    };
    let probe = Probe {
        name: "golden".to_string(),
        contacts: (0..64).map(contact).collect(),
    };
    let recording = MemoryRecording::new(30000.0, 64, samples.collect(), None).expect("whole frames");
    Some((recording, probe))
}

/// Largest absolute difference of two arrays of one length.
///
/// # Panics
/// When the lengths differ.
pub fn max_abs_difference<'a>(a: impl IntoIterator<Item = &'a f64>, b: impl IntoIterator<Item = &'a f64>) -> f64 {
    let (a, b): (Vec<_>, Vec<_>) = (a.into_iter().collect(), b.into_iter().collect());
    assert_eq!(a.len(), b.len(), "lengths differ");
    a.iter().zip(&b).map(|(x, y)| (*x - *y).abs()).fold(0.0, f64::max)
}
