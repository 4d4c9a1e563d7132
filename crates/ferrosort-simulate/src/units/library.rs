//! Units with measured waveforms.

use std::path::PathBuf;

use ferrosort_core::{Error, Observer, Result};
use rayon::prelude::*;

use super::{Maker, Unit};
use crate::settings::UnitSettings;
use crate::waveforms::{Library, LibraryKind, LibraryOptions, MeasuredUnit, Neuron, WaveformLibrary};

/// Samples that a measured waveform must have.
const SAMPLES: usize = 81;

/// The measured waveforms of a simulation, in the order in which units take them.
pub(crate) struct Libraries {
    list: Vec<WaveformLibrary>,
    copies: usize,
    options: LibraryOptions,
    sample_rate: f64,
}

impl Libraries {
    /// Reads the files of the settings; those that do not fit are skipped with a warning. Ultra-dense ones come first,
    /// as in the eMouse simulators, and of two files with the same units the one on a full grid is used.
    ///
    /// # Errors
    /// No file, a file that cannot be read, or none that fits.
    pub(crate) fn read(settings: &UnitSettings, sample_rate: f64, observer: &dyn Observer) -> Result<Self> {
        if settings.libraries.is_empty() {
            return Err(Error::input(
                "units.generator is library but there is no waveform file; give some with --waveforms or units.libraries",
            ));
        }
        let paths: Vec<PathBuf> = settings.libraries.iter().map(PathBuf::from).collect();
        let mut list = WaveformLibrary::read_all(&paths, sample_rate, SAMPLES, observer)?;
        list.sort_by_key(|l| (l.kind != LibraryKind::UltraDense, !on_grids(l)));
        let mut kept: Vec<WaveformLibrary> = Vec::new();
        for library in list {
            match kept.iter().find(|k| same_units(k, &library)) {
                Some(other) => observer.note(&format!(
                    "waveform file {} has the same units as {}, which is used",
                    library.path.display(),
                    other.path.display()
                )),
                None => kept.push(library),
            }
        }
        Ok(Self {
            list: kept,
            copies: settings.copies,
            options: if settings.library_exact {
                LibraryOptions::EMOUSE
            } else {
                LibraryOptions::default()
            },
            sample_rate,
        })
    }

    /// Units in all copies.
    pub(crate) fn len(&self) -> usize {
        self.copies * self.list.iter().map(|l| l.units.len()).sum::<usize>()
    }

    /// The files and their hashes.
    ///
    /// # Errors
    /// A file that cannot be read any more.
    pub(crate) fn files(&self) -> Result<Vec<(String, String)>> {
        self.list
            .iter()
            .map(|l| {
                let bytes = std::fs::read(&l.path).map_err(|e| Error::io("read", &l.path, e))?;
                Ok((l.path.display().to_string(), blake3::hash(&bytes).to_hex().to_string()))
            })
            .collect()
    }

    /// A unit for each place: all units of the first file, of the second, ..., then again.
    ///
    /// # Errors
    /// A unit whose footprint misses all contacts.
    pub(crate) fn units(&self, maker: &Maker, places_um: &[[f64; 3]]) -> Result<Vec<Unit>> {
        let all: Vec<(&WaveformLibrary, &MeasuredUnit)> = self
            .list
            .iter()
            .flat_map(|library| library.units.iter().map(move |unit| (library, unit)))
            .collect();
        places_um
            .par_iter()
            .enumerate()
            .map(|(i, &place)| {
                let (library, measured) = all[i % all.len()];
                let contacts = &maker.probe.contacts;
                let neuron = Library::new(measured, place, self.options, self.sample_rate, contacts)?;
                let name = library.path.file_name().unwrap_or_default().to_string_lossy();
                let source = format!("{name}, label {}", measured.label);
                maker.unit(Neuron::Library(neuron), source, i as u64)
            })
            .collect()
    }
}

/// True when the positions of every unit are a full grid.
fn on_grids(library: &WaveformLibrary) -> bool {
    let distinct = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted.dedup();
        sorted.len()
    };
    library
        .units
        .iter()
        .all(|u| distinct(&u.x_um) * distinct(&u.y_um) == u.x_um.len())
}

fn same_units(a: &WaveformLibrary, b: &WaveformLibrary) -> bool {
    let labels = |l: &WaveformLibrary| -> Vec<i64> { l.units.iter().map(|u| u.label).collect() };
    a.kind == b.kind && labels(a) == labels(b)
}
