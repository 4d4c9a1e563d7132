//! White noise of the electronics, noise of distant neurons, noise common to all channels.
//!
//! The distant neurons are an autoregressive process of first order in time, x_t = a x_(t-1) + sqrt(1 - a²) e_t with
//! a = exp(-2 pi f_c / f_s), whose innovations e_t have the correlation exp(-d_ij / L) between contacts.

use super::Source;
use super::prediction::{Prediction, exponential, predictions};
use super::white::correlate;
use crate::geometry::SimContact;
use crate::random::{Key, Stream};
use crate::settings::ColouredNoise;

/// Contacts that predict the next one.
const NEIGHBOURS: usize = 8;
/// The memory of the autoregression at which a start from zero no longer shows in `f32`: a^n = exp(-20).
const FORGOTTEN: f64 = 20.0;

#[derive(Debug)]
struct Channel {
    white_uv: f32,
    hash_uv: f32,
    white_key: Key,
    hash_key: Key,
}

/// The noise of a recording.
#[derive(Debug)]
pub(super) struct Coloured {
    channels: Vec<Channel>,
    predictions: Vec<Prediction>,
    common_uv: f32,
    common_key: Key,
    memory: f32,
    /// Samples before a block from which the autoregression is started.
    lead: usize,
}

impl Coloured {
    pub(super) fn new(p: &ColouredNoise, contacts: &[SimContact], sample_rate: f64, seed: u64) -> Self {
        let memory = libm::exp(-std::f64::consts::TAU * p.hash_cutoff_hz / sample_rate);
        let channel = |i: usize| {
            let level = Key::new(seed, Stream::Level, i as u64)
                .draws()
                .log_normal(1.0, p.level_log_sd);
            Channel {
                white_uv: (level * p.white_uv) as f32,
                hash_uv: (level * p.hash_uv * (1.0 - memory * memory).sqrt()) as f32,
                white_key: Key::new(seed, Stream::White, i as u64),
                hash_key: Key::new(seed, Stream::Hash, i as u64),
            }
        };
        Self {
            channels: (0..contacts.len()).map(channel).collect(),
            predictions: predictions(contacts.len(), NEIGHBOURS, exponential(contacts, p.hash_length_um)),
            common_uv: p.common_uv as f32,
            common_key: Key::new(seed, Stream::Common, 0),
            memory: memory as f32,
            lead: (FORGOTTEN / -libm::log(memory)).ceil() as usize,
        }
    }
}

impl Source for Coloured {
    fn add(&self, start: u64, n: usize, tile: &mut [f32]) {
        let width = self.lead + n;
        let mut innovations = vec![0f32; self.channels.len() * width];
        let mut common = vec![0f32; n];
        self.common_key.fill_normals(start, &mut common);
        let mut white = vec![0f32; n];
        for (i, (channel, prediction)) in self.channels.iter().zip(&self.predictions).enumerate() {
            let (earlier, rest) = innovations.split_at_mut(i * width);
            let row = &mut rest[..width];
            // Counters are samples plus the lead: they start at 0 for the first block.
            channel.hash_key.fill_normals(start, row);
            correlate(row, earlier, prediction);
            channel.white_key.fill_normals(start, &mut white);
            let step = |state: f32, e: f32| self.memory * state + e;
            let mut state = row[..self.lead].iter().fold(0f32, |s, &e| step(s, e));
            let values = row[self.lead..].iter().zip(&white).zip(&common);
            for (v, ((&e, w), c)) in tile[i * n..(i + 1) * n].iter_mut().zip(values) {
                state = step(state, e);
                *v += channel.white_uv * w + channel.hash_uv * state + self.common_uv * c;
            }
        }
    }
}
