//! A noise model estimated from a recording: a power spectrum for each contact and coherences between contacts in
//! eleven bands. One matrix for the whole spectrum is not enough: low frequencies are much more coherent than high
//! ones.

use std::fs::File;
use std::path::Path;

use ferrosort_core::{Error, Probe, Recording, Result};
use ferrosort_formats::npy::Npz;
use ferrosort_formats::{OpenOptions, open_recording};
use ndarray::{Array1, Array2, Array3};
use ndarray_npy::{NpzWriter, WriteNpzError};
use rustfft::FftPlannerScalar;
use rustfft::num_complex::Complex32;

use super::prediction::{distance_um, predictions};
use super::spectral::{FRAME, Model};
use crate::geometry::SimContact;

/// Upper edges of the bands, Hz; the last band ends at half the sample rate.
const EDGES_HZ: [f64; 10] = [
    150.0, 300.0, 600.0, 1000.0, 1500.0, 2200.0, 3200.0, 4800.0, 7000.0, 10_000.0,
];
/// Pieces of the recording that are read, and their length, s.
const PIECES: u64 = 40;
const PIECE_S: f64 = 1.5;
/// Samples beyond this many standard deviations are pulled back to it: spikes are not noise.
const WINSOR: f32 = 4.0;
/// Contacts that predict the next one.
const NEIGHBOURS: usize = 24;
/// Positions closer than this are the same contact, µm.
const SAME_UM: f64 = 0.5;

/// Noise of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct NoiseModel {
    /// Hz.
    pub sample_rate_hz: f64,
    /// Positions `[x, y]` of the contacts, µm.
    pub positions_um: Vec<[f64; 2]>,
    /// Shank of each contact.
    pub shanks: Vec<i64>,
    /// `[contacts, bins]` one-sided power, µV²/Hz; bin k lies at k / (2 (bins - 1)) of the sample rate.
    pub power: Array2<f32>,
    /// `[bands, contacts, contacts]` real part of the coherence.
    pub coherence: Array3<f32>,
}

impl NoiseModel {
    /// Reads a model (`.npz`), or estimates one from a recording folder.
    ///
    /// # Errors
    /// An unreadable file, or a recording without probe or gain.
    pub fn from_path(path: &Path) -> Result<Self> {
        if path.extension().is_some_and(|e| e == "npz") {
            return Self::read(path);
        }
        let recording = open_recording(&[path.to_path_buf()], &OpenOptions::default())?;
        let probe = recording.probe().cloned().ok_or_else(|| {
            Error::input(format!(
                "recording {} has no probe.json, and a noise model needs the positions of its contacts",
                path.display()
            ))
        })?;
        Self::estimate(&*recording, &probe)
    }

    /// Estimates the noise of the probe's contacts from 60 s of the recording (all of a shorter one).
    ///
    /// # Errors
    /// A recording shorter than two seconds, or one that cannot be read. Without gain, counts are taken as µV.
    pub fn estimate(recording: &dyn Recording, probe: &Probe) -> Result<Self> {
        let rate = recording.sample_rate();
        let piece = ((PIECE_S * rate) as u64).min(recording.n_samples() / 2);
        if (piece as usize) < FRAME {
            return Err(Error::input(format!(
                "recording {} is too short for a noise model; at least 2 s are needed",
                recording.name()
            )));
        }
        let n = PIECES.min(recording.n_samples() / piece);
        let mut sums = Sums::new(probe.len(), rate);
        for p in 0..n {
            let start = (recording.n_samples() - piece) * p / (n - 1).max(1);
            sums.add(&read_piece(recording, probe, start, piece as usize)?);
        }
        Ok(Self {
            sample_rate_hz: rate,
            positions_um: probe.positions_um(),
            shanks: probe.contacts.iter().map(|c| c.shank).collect(),
            power: sums.power(rate),
            coherence: sums.coherence(),
        })
    }

    /// Writes the model as `.npz`: `sample_rate`, `positions_um`, `shanks`, `power`, `coherence`.
    ///
    /// # Errors
    /// I/O, with the path.
    pub fn write(&self, path: &Path) -> Result<()> {
        let file = File::create(path).map_err(|e| Error::io("create", path, e))?;
        let fail = |e: WriteNpzError| Error::io("write", path, std::io::Error::other(e));
        let mut npz = NpzWriter::new(file);
        let positions = Array2::from_shape_fn((self.positions_um.len(), 2), |(i, k)| self.positions_um[i][k]);
        npz.add_array("sample_rate", &Array1::from_elem(1, self.sample_rate_hz))
            .map_err(fail)?;
        npz.add_array("positions_um", &positions).map_err(fail)?;
        npz.add_array("shanks", &Array1::from(self.shanks.clone()))
            .map_err(fail)?;
        npz.add_array("power", &self.power).map_err(fail)?;
        npz.add_array("coherence", &self.coherence).map_err(fail)?;
        npz.finish().map_err(fail)?;
        Ok(())
    }

    /// Reads a model that [`NoiseModel::write`] wrote.
    ///
    /// # Errors
    /// A file that cannot be read or has other arrays.
    pub fn read(path: &Path) -> Result<Self> {
        let fail = |name: &str| {
            Error::input(format!(
                "{} is not a noise model: {name} is not as it should be",
                path.display()
            ))
        };
        let mut npz = Npz::open(path)?;
        let mut array = |name: &'static str| npz.require(name).map(|array| (name, array));
        let (name, rate) = array("sample_rate")?;
        let rate = rate.into_f64().ok_or_else(|| fail(name))?;
        let (name, positions) = array("positions_um")?;
        let positions = positions.into_matrix().ok_or_else(|| fail(name))?;
        let (name, shanks) = array("shanks")?;
        let shanks = shanks.into_i64().ok_or_else(|| fail(name))?;
        let (name, power) = array("power")?;
        let power = power.into_matrix().ok_or_else(|| fail(name))?.mapv(|v| v as f32);
        let (name, coherence) = array("coherence")?;
        let coherence = coherence.into_cube().ok_or_else(|| fail(name))?;
        let n = shanks.len();
        let finite = power.iter().chain(&coherence).all(|v| v.is_finite()) && positions.iter().all(|v| v.is_finite());
        let fits = rate.len() == 1
            && (rate[0].is_finite() && rate[0] > 0.0 && finite)
            && positions.dim() == (n, 2)
            && power.nrows() == n
            && (power.ncols().max(2) - 1).is_power_of_two()
            && coherence.dim() == (EDGES_HZ.len() + 1, n, n);
        if !fits {
            return Err(Error::input(format!(
                "{} is not a noise model: its arrays do not fit each other, or hold values that are not finite",
                path.display()
            )));
        }
        Ok(Self {
            sample_rate_hz: rate[0],
            positions_um: positions.outer_iter().map(|p| [p[0], p[1]]).collect(),
            shanks,
            power,
            coherence,
        })
    }

    /// The model for these contacts: the same ones, found by position, or others, for which the coherences are fitted
    /// as (1 - n) exp(-distance / L) in each band and the power is the mean.
    pub(super) fn on(&self, contacts: &[SimContact], sample_rate: f64, scale: f64) -> Result<Model> {
        if (sample_rate / self.sample_rate_hz - 1.0).abs() > 1e-3 {
            return Err(Error::input(format!(
                "the noise model is for {} Hz, the simulation has {sample_rate} Hz; set sample_rate_hz to the model's",
                self.sample_rate_hz
            )));
        }
        let places: Vec<Option<usize>> = contacts.iter().map(|c| self.place(c)).collect();
        let known = contacts.iter().zip(&places).all(|(c, p)| p.is_some() || !c.connected);
        let bins = self.power.ncols();
        let mean: Vec<f64> = (0..bins)
            .map(|k| self.power.column(k).iter().map(|&p| p as f64).sum::<f64>() / self.power.nrows() as f64)
            .collect();
        let power = contacts
            .iter()
            .zip(&places)
            .map(|(contact, place)| {
                let row: Vec<f64> = match place {
                    _ if !contact.connected => vec![0.0; bins],
                    Some(p) if known => self.power.row(*p).iter().map(|&v| v as f64).collect(),
                    _ => mean.clone(),
                };
                row.into_iter().map(|v| v * scale * scale).collect()
            })
            .collect();
        let step_hz = self.sample_rate_hz / (2 * (bins - 1)) as f64;
        let bands = (0..=EDGES_HZ.len())
            .map(|b| {
                let first = if b == 0 {
                    0
                } else {
                    (EDGES_HZ[b - 1] / step_hz).ceil() as usize
                };
                let (level, length_um) = self.fit(b);
                let correlation = |i: usize, j: usize| match (places[i], places[j]) {
                    (Some(p), Some(q)) if known => self.coherence[[b, p, q]] as f64,
                    _ => distance_um(&contacts[i], &contacts[j]).map_or(0.0, |d| level * libm::exp(-d / length_um)),
                };
                (first, predictions(contacts.len(), NEIGHBOURS, correlation))
            })
            .collect();
        Ok(Model {
            frame: 2 * (bins - 1),
            power,
            bands,
        })
    }

    fn place(&self, contact: &SimContact) -> Option<usize> {
        (0..self.shanks.len()).find(|&i| {
            let [x, y] = self.positions_um[i];
            (x - contact.x_um).abs() < SAME_UM && (y - contact.y_um).abs() < SAME_UM
        })
    }

    /// Level and length of exp(-distance / length) times level in a band: a line through the logarithms.
    fn fit(&self, band: usize) -> (f64, f64) {
        const LEAST: f32 = 0.03;
        let mut sums = [0f64; 5];
        for i in 0..self.shanks.len() {
            for j in 0..i {
                let g = self.coherence[[band, i, j]];
                if self.shanks[i] != self.shanks[j] || g < LEAST {
                    continue;
                }
                let ([xi, yi], [xj, yj]) = (self.positions_um[i], self.positions_um[j]);
                let (d, v) = (libm::hypot(xi - xj, yi - yj), libm::log(g as f64));
                for (sum, term) in sums.iter_mut().zip([1.0, d, v, d * d, d * v]) {
                    *sum += term;
                }
            }
        }
        let [n, d, v, dd, dv] = sums;
        let spread = n * dd - d * d;
        if n < 2.0 || spread <= 0.0 {
            return (0.0, 1.0);
        }
        let slope = ((n * dv - d * v) / spread).min(-1e-4);
        (libm::exp((v - slope * d) / n).min(0.98), -1.0 / slope)
    }
}

/// Samples `[contacts, n]` in µV, median 0, large values pulled back.
fn read_piece(recording: &dyn Recording, probe: &Probe, start: u64, n: usize) -> Result<Vec<Vec<f32>>> {
    let columns = recording.n_channels();
    let mut frames = vec![0f32; n * columns];
    recording.read(start, &mut frames)?;
    let gains = recording.gain_uv();
    let contact = |channel: usize| {
        let gain = gains.map_or(1.0, |g| if g.len() == 1 { g[0] } else { g[channel] }) as f32;
        let mut row: Vec<f32> = (0..n).map(|t| gain * frames[t * columns + channel]).collect();
        let median = median(&row);
        for v in &mut row {
            *v -= median;
        }
        let limit = WINSOR * crate::snr::mad_sigma(&row) as f32;
        for v in &mut row {
            *v = v.clamp(-limit, limit);
        }
        row
    };
    Ok(probe.contacts.iter().map(|c| contact(c.channel)).collect())
}

fn median(values: &[f32]) -> f32 {
    let mut sorted = values.to_vec();
    let middle = sorted.len() / 2;
    *sorted.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// Sums over segments.
struct Sums {
    window: Vec<f32>,
    /// `[contacts, bins]` sums of |F|².
    power: Vec<Vec<f64>>,
    /// `[bands][contacts, contacts]` sums of the real part of F_i conj(F_j).
    cross: Vec<Array2<f64>>,
    band_of_bin: Vec<usize>,
    segments: usize,
}

impl Sums {
    fn new(n_contacts: usize, rate: f64) -> Self {
        let bins = FRAME / 2 + 1;
        let hann = |n: usize| {
            let phase = std::f64::consts::TAU * (n as f64 + 0.5) / FRAME as f64;
            (0.5 - 0.5 * libm::cos(phase)) as f32
        };
        let band = |k: usize| {
            EDGES_HZ
                .iter()
                .filter(|&&e| k as f64 * rate / FRAME as f64 >= e)
                .count()
        };
        Self {
            window: (0..FRAME).map(hann).collect(),
            power: vec![vec![0.0; bins]; n_contacts],
            cross: vec![Array2::zeros((n_contacts, n_contacts)); EDGES_HZ.len() + 1],
            band_of_bin: (0..bins).map(band).collect(),
            segments: 0,
        }
    }

    fn add(&mut self, rows: &[Vec<f32>]) {
        let fft = FftPlannerScalar::<f32>::new().plan_fft_forward(FRAME);
        let n = rows.first().map_or(0, Vec::len);
        for start in (0..(n + 1).saturating_sub(FRAME)).step_by(FRAME / 2) {
            let spectra: Vec<Vec<Complex32>> = rows
                .iter()
                .map(|row| {
                    let mut x: Vec<Complex32> = row[start..start + FRAME]
                        .iter()
                        .zip(&self.window)
                        .map(|(v, w)| Complex32::new(v * w, 0.0))
                        .collect();
                    fft.process(&mut x);
                    x.truncate(FRAME / 2 + 1);
                    x
                })
                .collect();
            for (sum, spectrum) in self.power.iter_mut().zip(&spectra) {
                sum.iter_mut()
                    .zip(spectrum)
                    .for_each(|(s, x)| *s += x.norm_sqr() as f64);
            }
            // Bin 0 is the mean, which was taken out.
            for (i, a) in spectra.iter().enumerate() {
                for (j, b) in spectra[..=i].iter().enumerate() {
                    for (k, band) in self.band_of_bin.iter().enumerate().skip(1) {
                        self.cross[*band][[i, j]] += (a[k].re * b[k].re + a[k].im * b[k].im) as f64;
                    }
                }
            }
            self.segments += 1;
        }
    }

    fn power(&self, rate: f64) -> Array2<f32> {
        let energy: f64 = self.window.iter().map(|&w| (w as f64).powi(2)).sum();
        let scale = 2.0 / (rate * energy * self.segments.max(1) as f64);
        Array2::from_shape_fn((self.power.len(), FRAME / 2 + 1), |(c, k)| {
            (self.power[c][k] * scale) as f32
        })
    }

    fn coherence(&self) -> Array3<f32> {
        let n = self.power.len();
        Array3::from_shape_fn((self.cross.len(), n, n), |(b, i, j)| {
            let g = &self.cross[b];
            let norm = (g[[i, i]] * g[[j, j]]).sqrt();
            let value = g[[i.max(j), i.min(j)]];
            if i == j {
                1.0
            } else if norm > 0.0 {
                (value / norm) as f32
            } else {
                0.0
            }
        })
    }
}
