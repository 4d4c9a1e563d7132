//! Noise that is white in time.

use super::Source;
use super::prediction::{Prediction, exponential, predictions};
use crate::geometry::SimContact;
use crate::random::{Key, Stream};

/// Independent on every contact.
#[derive(Debug)]
pub(super) struct White {
    channels: Vec<(f32, Key)>,
}

impl White {
    /// `levels_uv`: rms of each contact.
    pub(super) fn new(levels_uv: Vec<f64>, seed: u64) -> Self {
        let channel = |(i, level): (usize, f64)| (level as f32, Key::new(seed, Stream::White, i as u64));
        Self {
            channels: levels_uv.into_iter().enumerate().map(channel).collect(),
        }
    }
}

impl Source for White {
    fn add(&self, start: u64, n: usize, tile: &mut [f32]) {
        let mut noise = vec![0f32; n];
        for ((level, key), row) in self.channels.iter().zip(tile.chunks_exact_mut(n)) {
            key.fill_normals(start, &mut noise);
            for (v, e) in row.iter_mut().zip(&noise) {
                *v += level * e;
            }
        }
    }
}

/// Contacts that predict the next one.
const NEIGHBOURS: usize = 8;

/// Correlated between contacts as exp(-distance / length).
#[derive(Debug)]
pub(super) struct Correlated {
    channels: Vec<(f32, Key)>,
    predictions: Vec<Prediction>,
}

impl Correlated {
    pub(super) fn new(contacts: &[SimContact], levels_uv: Vec<f64>, length_um: f64, seed: u64) -> Self {
        Self {
            channels: White::new(levels_uv, seed).channels,
            predictions: predictions(contacts.len(), NEIGHBOURS, exponential(contacts, length_um)),
        }
    }
}

impl Source for Correlated {
    fn add(&self, start: u64, n: usize, tile: &mut [f32]) {
        let mut values = vec![0f32; self.channels.len() * n];
        for (i, ((level, key), prediction)) in self.channels.iter().zip(&self.predictions).enumerate() {
            let (earlier, rest) = values.split_at_mut(i * n);
            let row = &mut rest[..n];
            key.fill_normals(start, row);
            correlate(row, earlier, prediction);
            for (v, e) in tile[i * n..(i + 1) * n].iter_mut().zip(row.iter()) {
                *v += level * e;
            }
        }
    }
}

/// Turns independent numbers into those of a contact, given the rows of the earlier ones.
pub(super) fn correlate(row: &mut [f32], earlier: &[f32], prediction: &Prediction) {
    let n = row.len();
    for v in row.iter_mut() {
        *v *= prediction.rest;
    }
    for &(j, weight) in &prediction.terms {
        for (v, o) in row.iter_mut().zip(&earlier[j * n..(j + 1) * n]) {
            *v += weight * o;
        }
    }
}
