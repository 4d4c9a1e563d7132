//! Features of every spike for phy's feature view: correlations with the first components of the basis on the channels around its unit
//! (docs/algorithm.md 12).
//!
//! They are seven times the size of everything else about a spike, so they wait in a file until the order of the result is known.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ferrosort_core::{Error, Result};
use ferrosort_formats::phy::PcFeatureWriter;
use ndarray::Array2;

use super::basis::COMPONENTS;
use super::geometry::{Geometry, distance};
use super::tile::Tile;
use super::units::Unit;

/// Components that are kept.
const KEPT: usize = 3;
/// Most channels of a unit.
const MOST_CHANNELS: usize = 12;

/// The channels of a unit whose largest channel is `home`: the nearest of its shank, then of others, as many for every unit.
fn channels(geometry: &Geometry, home: usize) -> Vec<usize> {
    let count = geometry.positions_um.len();
    let mut all: Vec<usize> = (0..count).collect();
    let key = |c: usize| {
        let away = distance(geometry.positions_um[home], geometry.positions_um[c]);
        (geometry.shank[c] != geometry.shank[home], c != home, away)
    };
    all.sort_by(|&a, &b| {
        let (a, b) = (key(a), key(b));
        (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2))
    });
    all.truncate(MOST_CHANNELS);
    all
}

/// Features of one spike, `[KEPT, channels]`.
pub fn of_spike<'a>(
    tile: &'a Tile,
    channels: &'a [usize],
    time: usize,
    phase: i64,
) -> impl Iterator<Item = f32> + use<'a> {
    let features: Vec<[f32; COMPONENTS]> = channels.iter().map(|&c| tile.features(c, time, phase)).collect();
    (0..KEPT).flat_map(move |p| features.iter().map(move |f| f[p]).collect::<Vec<_>>())
}

/// Rows of features on the disk, in the order in which the last pass finds the spikes.
#[derive(Debug)]
pub struct FeatureFile {
    path: PathBuf,
    file: Mutex<File>,
    /// Channels of each unit of the pass.
    pub channels: Vec<Vec<usize>>,
    /// Values of a row.
    width: usize,
}

impl FeatureFile {
    /// Opens the file for a pass with these units, or makes it. Rows that an interrupted run left are still there.
    ///
    /// # Errors
    /// I/O, with the path.
    pub fn open(path: &Path, geometry: &Geometry, units: &[Unit]) -> Result<Self> {
        let options = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        Ok(Self {
            file: Mutex::new(options.map_err(|e| Error::io("create", path, e))?),
            path: path.to_path_buf(),
            channels: units.iter().map(|u| channels(geometry, u.seed.home)).collect(),
            width: KEPT * geometry.positions_um.len().min(MOST_CHANNELS),
        })
    }

    /// Writes rows at their place, from row `first` on.
    ///
    /// # Errors
    /// I/O, with the path.
    pub fn write(&self, first: usize, values: &[f32]) -> Result<()> {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let mut file = self.at(first)?;
        file.write_all(&bytes).map_err(|e| self.failed("write", e))
    }

    /// What was written is on the disk when this returns.
    ///
    /// # Errors
    /// I/O, with the path.
    pub fn sync(&self) -> Result<()> {
        self.locked().sync_data().map_err(|e| self.failed("write", e))
    }

    fn read(&self, row: usize, out: &mut [f32]) -> Result<()> {
        let mut bytes = vec![0u8; 4 * self.width];
        let mut file = self.at(row)?;
        file.read_exact(&mut bytes).map_err(|e| self.failed("read", e))?;
        for (o, b) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *o = f32::from_le_bytes(*b);
        }
        Ok(())
    }

    fn at(&self, row: usize) -> Result<MutexGuard<'_, File>> {
        let mut file = self.locked();
        let offset = (row * self.width * 4) as u64;
        file.seek(SeekFrom::Start(offset)).map_err(|e| self.failed("read", e))?;
        Ok(file)
    }

    fn locked(&self) -> MutexGuard<'_, File> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, what: &'static str, error: std::io::Error) -> Error {
        Error::io(what, &self.path, error)
    }

    /// Writes phy's files: the rows of these spikes, each with the channels that it has and those that its unit shows. What a unit shows and
    /// a spike does not have is zero.
    ///
    /// # Errors
    /// I/O, with the path.
    pub fn write_phy<'a>(
        &self,
        folder: &Path,
        shown: impl Iterator<Item = Shown<'a>>,
        units: &[Vec<usize>],
    ) -> Result<()> {
        let slots = self.width / KEPT;
        let mut writer = PcFeatureWriter::create(folder, [KEPT, slots])?;
        let (mut row, mut out) = (vec![0.0f32; self.width], vec![0.0f32; self.width]);
        for spike in shown {
            self.read(spike.row, &mut row)?;
            for (slot, c) in units[spike.unit].iter().enumerate() {
                let from = spike.channels.iter().position(|o| o == c);
                for p in 0..KEPT {
                    out[p * slots + slot] = from.map_or(0.0, |i| row[p * slots + i]);
                }
            }
            writer.append(&out)?;
        }
        let channels = Array2::from_shape_fn((units.len(), slots), |(u, slot)| units[u][slot] as u32);
        writer.finish(&channels)
    }
}

/// A spike of the result, and where its features are.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// Row of the file.
    pub row: usize,
    /// Channels of the row.
    pub channels: &'a [usize],
    /// Unit of the result.
    pub unit: usize,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ferrosort_core::Probe;
    use ferrosort_formats::npy::read_npy;

    use super::*;

    fn geometry(channels: usize) -> Geometry {
        Geometry::new(&Probe::line(channels, 20.0))
    }

    #[test]
    fn every_unit_has_as_many_channels_its_own_first() {
        let geometry = geometry(32);
        for home in [0, 15, 31] {
            let channels = channels(&geometry, home);
            assert_eq!((channels.len(), channels[0]), (MOST_CHANNELS, home));
            assert!(channels.iter().all(|c| c.abs_diff(home) <= MOST_CHANNELS));
        }
        assert_eq!(channels(&geometry, 15)[1..3], [14, 16]);
    }

    #[test]
    fn rows_are_written_in_the_order_of_the_result_on_the_channels_of_their_unit() {
        let (folder, geometry) = (tempfile::tempdir().unwrap(), geometry(3));
        let file = FeatureFile::open(&folder.path().join("features"), &geometry, &[]).unwrap();
        let values = |row: usize| (0..9).map(move |i| (100 * row + i) as f32);
        file.write(1, &values(1).chain(values(2)).collect::<Vec<_>>()).unwrap();
        file.write(0, &values(0).collect::<Vec<_>>()).unwrap();
        let own = [0usize, 1, 2];
        let shown = [(2, 0), (0, 1), (1, 0)].map(|(row, unit)| Shown {
            row,
            channels: &own,
            unit,
        });
        file.write_phy(folder.path(), shown.into_iter(), &[vec![0, 1, 2], vec![2, 1, 0]])
            .unwrap();
        let written = read_npy(&folder.path().join("pc_features.npy")).unwrap();
        assert_eq!(written.shape, [3, 3, 3]);
        let written = written.into_f64().unwrap();
        assert_eq!(written[..3], [200.0, 201.0, 202.0]);
        assert_eq!(written[9..12], [2.0, 1.0, 0.0], "on the channels of the unit");
    }
}
