//! The truth as the eMouse simulators keep it, in MATLAB files.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

use ferrosort_core::{Error, Observer, Result};
use ferrosort_formats::matlab::{MatVariable, write_mat};

use crate::simulation::Simulation;

/// Samples of the window of a spike.
const WINDOW: usize = 81;
/// Frames that are read at a time.
const FRAMES: usize = 1 << 14;

impl Simulation {
    /// `eMouseGroundTruth.mat`: `gtRes` (int64, 1-based sample of the template's centre) and `gtClu` (double, 1-based
    /// unit). `eMouseSimRecord.mat`: `yDriftRec`, a row a spike: time of the window's start (s), y of the unit (µm),
    /// unit, peak to peak of its waveform and of the data at its monitor site (µV). `chanMap.mat`.
    pub(super) fn write_emouse(&self, folder: &Path, observer: &dyn Observer) -> Result<()> {
        let times: Vec<i64> = self.spikes.iter().map(|s| s.sample.round() as i64 + 1).collect();
        let units: Vec<f64> = self.spikes.iter().map(|s| f64::from(s.source) + 1.0).collect();
        write_mat(
            &folder.join("eMouseGroundTruth.mat"),
            &[
                MatVariable::int64_column("gtRes", &times),
                MatVariable::column("gtClu", &units),
            ],
        )?;
        let rate = self.settings.sample_rate_hz;
        let n = self.spikes.len();
        let mut record = vec![0.0; 5 * n];
        let in_data = self.data_ranges(&folder.join("recording.bin"), observer)?;
        for (i, spike) in self.spikes.iter().enumerate() {
            let unit = &self.units[spike.source as usize];
            let start_s = (spike.sample - self.lead) / rate;
            let displacement = self.motion.at(unit.position_um[1], start_s);
            let row = [
                start_s,
                unit.position_um[1] + self.motion.vector(displacement)[1],
                units[i],
                f64::from(unit.bank.peak_to_peak_on(unit.best_contact, displacement)),
                in_data[i],
            ];
            for (column, value) in row.into_iter().enumerate() {
                record[column * n + i] = value;
            }
        }
        let record = MatVariable {
            shape: [n, 5],
            ..MatVariable::column("yDriftRec", &record)
        };
        write_mat(&folder.join("eMouseSimRecord.mat"), &[record])?;
        self.probe.write_channel_map(&folder.join("chanMap.mat"), rate)
    }

    /// Peak to peak of the written data over the window of each spike on its unit's monitor site, µV. (The original
    /// takes it before rounding, and before spikes that come later are added.)
    fn data_ranges(&self, path: &Path, observer: &dyn Observer) -> Result<Vec<f64>> {
        let columns = self.n_channels();
        let fail = |e| Error::io("read", path, e);
        let mut file = BufReader::new(File::open(path).map_err(fail)?);
        let n_samples = self.settings.n_samples() as usize;
        let mut ranges = vec![0.0; self.spikes.len()];
        // Frames from `first` on; the window of a spike may begin in one piece and end in the next.
        let (mut first, mut held) = (0usize, Vec::<i16>::new());
        let mut next = 0;
        while first < n_samples && next < self.spikes.len() {
            if observer.cancelled() {
                return Err(Error::Interrupted);
            }
            let have = held.len() / columns;
            let wanted = (FRAMES + WINDOW - have).min(n_samples - first - have);
            let mut bytes = vec![0u8; 2 * wanted * columns];
            file.read_exact(&mut bytes).map_err(fail)?;
            held.extend(bytes.as_chunks::<2>().0.iter().map(|b| i16::from_le_bytes(*b)));
            let frames = held.len() / columns;
            let last = first + frames >= n_samples;
            while let Some(spike) = self.spikes.get(next) {
                let unit = &self.units[spike.source as usize];
                let start = (spike.sample - unit.alignment as f64).max(0.0) as usize;
                if start + WINDOW > first + frames && !last {
                    break;
                }
                let channel = self.probe.contacts[unit.best_contact].channel;
                let window = (start.max(first)..(start + WINDOW).min(first + frames))
                    .map(|t| held[(t - first) * columns + channel]);
                let (low, high) = window.fold((i16::MAX, i16::MIN), |(l, h), v| (l.min(v), h.max(v)));
                ranges[next] = (f64::from(high) - f64::from(low)).max(0.0) / self.counts_per_uv;
                next += 1;
            }
            let keep_from = frames.saturating_sub(WINDOW);
            held.drain(..keep_from * columns);
            first += keep_from;
            if last {
                break;
            }
        }
        Ok(ranges)
    }
}
