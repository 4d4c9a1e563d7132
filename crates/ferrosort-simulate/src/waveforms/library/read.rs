//! Files of measured footprints, as the eMouse simulators use them (docs/waveforms.md 4.1).

use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Observer, Result};
use ferrosort_formats::matlab::{MatFile, Structs};

/// Where the footprints of a file were measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LibraryKind {
    /// Ultra-dense survey, sites 6 µm apart (`UD`).
    UltraDense,
    /// Neuropixels phase 3A (`3A`).
    Phase3A,
}

impl LibraryKind {
    fn from_code(code: &str) -> Option<Self> {
        match code {
            "UD" => Some(Self::UltraDense),
            "3A" => Some(Self::Phase3A),
            _ => None,
        }
    }
}

/// A measured mean waveform at several positions.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredUnit {
    /// Number in the sorting from which it comes; not unique.
    pub label: i64,
    /// Where it was measured.
    pub kind: LibraryKind,
    /// Positions relative to the unit, `[positions]`, µm.
    pub x_um: Vec<f64>,
    /// Positions relative to the unit, towards the base, `[positions]`, µm.
    pub y_um: Vec<f64>,
    /// `[positions, samples]`, row by row, µV.
    pub waves_uv: Vec<f64>,
}

impl MeasuredUnit {
    /// Samples of a waveform.
    pub fn n_samples(&self) -> usize {
        self.waves_uv.len() / self.x_um.len()
    }

    /// Largest minus smallest value over all positions and samples, µV. They may be at different positions, so that no
    /// channel need ever show this range.
    pub fn range_uv(&self) -> f64 {
        let high = self.waves_uv.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        high - self.waves_uv.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// The measured units of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct WaveformLibrary {
    /// The file.
    pub path: PathBuf,
    /// Hz.
    pub sample_rate_hz: f64,
    /// Where the units were measured.
    pub kind: LibraryKind,
    /// In file order.
    pub units: Vec<MeasuredUnit>,
}

/// Largest relative difference of the sampling rates of a file and a recording.
const RATE_TOLERANCE: f64 = 1e-4;

impl WaveformLibrary {
    /// Reads one file for a recording at `sample_rate_hz` and waveforms of `n_samples` samples. `Ok(Err(reason))` is a
    /// sound file that does not fit: another rate, another length or an unknown kind.
    ///
    /// # Errors
    /// A file that cannot be read or that lacks what a library has.
    pub fn read(path: &Path, sample_rate_hz: f64, n_samples: usize) -> Result<std::result::Result<Self, String>> {
        let file = MatFile::open(path, &[])?;
        let scalar = |name: &str| {
            let number = file.numbers(name)?.scalar();
            number.ok_or_else(|| Error::input(format!("{}: '{name}' is not one number", path.display())))
        };
        let (rate, nt) = (scalar("fs")?, scalar("nt")?);
        let code = file.numbers("dataType")?.text().unwrap_or_default();
        // Written so that a rate that is no number does not fit either.
        let rate_fits = (rate - sample_rate_hz).abs() / sample_rate_hz <= RATE_TOLERANCE;
        if !rate_fits || nt != n_samples as f64 {
            return Ok(Err(format!(
                "it has {nt} samples at {rate} Hz, not {n_samples} at {sample_rate_hz} Hz"
            )));
        }
        let Some(kind) = LibraryKind::from_code(&code) else {
            return Ok(Err(format!("its dataType is '{code}', not UD or 3A")));
        };
        let structs = file.structs("uColl")?;
        let units = (0..structs.len())
            .map(|i| {
                unit(structs, i, kind, n_samples)
                    .map_err(|reason| Error::input(format!("{}: unit {} {reason}", path.display(), i + 1)))
            })
            .collect::<Result<_>>()?;
        Ok(Ok(Self {
            path: path.to_owned(),
            sample_rate_hz: rate,
            kind,
            units,
        }))
    }

    /// Reads several files; those that do not fit are skipped with a warning to `observer`.
    ///
    /// # Errors
    /// A file that cannot be read, or none that fits.
    pub fn read_all(
        paths: &[PathBuf],
        sample_rate_hz: f64,
        n_samples: usize,
        observer: &dyn Observer,
    ) -> Result<Vec<Self>> {
        let mut libraries = Vec::new();
        for path in paths {
            match Self::read(path, sample_rate_hz, n_samples)? {
                Ok(library) => libraries.push(library),
                Err(reason) => observer.warning(&format!("waveform file {} is skipped: {reason}", path.display())),
            }
        }
        if libraries.is_empty() {
            return Err(Error::input(
                "no waveform file fits the simulation; see the warnings, or give other files",
            ));
        }
        Ok(libraries)
    }
}

fn unit(structs: &Structs, i: usize, kind: LibraryKind, n_samples: usize) -> std::result::Result<MeasuredUnit, String> {
    let values = |field: &str| {
        let numbers = structs.numbers(i, field).map(|n| n.values.as_slice());
        numbers.ok_or_else(|| format!("has no field '{field}' with numbers"))
    };
    let (x_um, y_um, waves) = (values("xC")?, values("yC")?, values("waves")?);
    let label = values("label")?.first().copied().unwrap_or(0.0) as i64;
    let n = x_um.len();
    if n == 0 || y_um.len() != n || waves.len() != n * n_samples {
        return Err(format!(
            "has {n} x, {} y and {} values of waveforms of {n_samples} samples, which do not fit each other",
            y_um.len(),
            waves.len()
        ));
    }
    if !x_um.iter().chain(y_um).chain(waves).all(|v| v.is_finite()) {
        return Err("has a position or a value that is not finite".to_owned());
    }
    Ok(MeasuredUnit {
        label,
        kind,
        x_um: x_um.to_vec(),
        y_um: y_um.to_vec(),
        // MATLAB's columns are samples.
        waves_uv: (0..n * n_samples)
            .map(|j| waves[j / n_samples + n * (j % n_samples)])
            .collect(),
    })
}
