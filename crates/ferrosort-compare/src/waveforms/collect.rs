//! What is gathered of one unit while the recording streams by.

use ferrosort_core::Probe;
use ndarray::Array2;

use super::condition::{Block, Conditioner};
use super::guess::{Candidate, Guess, Timing, UnitSpikes, nearest_channels};
use super::params::MeasureParams;
use super::random::SplitMix;

/// Samples around the expected peak of which one becomes the amplitude, on both sides.
const SLACK: i64 = 2;
/// Values kept of each spike on each candidate channel.
pub(crate) const LAGS: usize = 2 * SLACK as usize + 1;

/// A channel that may turn out to be the main channel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Watched {
    pub candidate: Candidate,
    /// Place among the near channels.
    pub near: usize,
    row: usize,
}

/// Everything gathered of one unit. All values are counts.
pub(crate) struct Collector<'a> {
    pub spikes: &'a UnitSpikes,
    next: usize,
    /// Places (among the unit's spikes) of the spikes that are averaged.
    selected: Vec<usize>,
    next_selected: usize,
    /// Places of the spikes whose depth is measured.
    located: Vec<usize>,
    next_located: usize,
    /// Nearest first.
    pub near: Vec<usize>,
    rows: Vec<usize>,
    pub watched: Vec<Watched>,
    /// Near channels within the radius of positions.
    pub n_position: usize,
    /// Near channels with features.
    pub n_feature: usize,
    /// Spikes averaged so far: places.
    pub averaged: Vec<usize>,
    /// `[near, samples]`.
    pub sums: Vec<f64>,
    /// `[near, samples]`.
    pub squares: Vec<f64>,
    /// `[averaged, watched, samples]`.
    pub snippets: Vec<f32>,
    /// `[averaged, components, feature channels]`.
    pub features: Vec<f32>,
    /// `[spikes, watched, LAGS]`; NaN for spikes outside the recording.
    pub values: Vec<f32>,
    /// Depth of each located spike, µm; NaN where the window is not inside the recording.
    pub depths_um: Vec<(usize, f32)>,
}

/// What all units have in common.
pub(crate) struct Shared<'a> {
    pub probe: &'a Probe,
    pub gains: &'a [f64],
    pub timing: Timing,
    /// `[components, 2 * before]`, when features are computed.
    pub basis: Option<Array2<f32>>,
    pub n_samples: i64,
}

impl<'a> Collector<'a> {
    /// `None` for a unit of which nothing was found.
    pub(crate) fn new(
        spikes: &'a UnitSpikes,
        guess: Option<&Guess>,
        shared: &Shared,
        conditioner: &Conditioner,
        params: &MeasureParams,
        unit: usize,
    ) -> Option<Self> {
        let guess = guess?;
        let probe = shared.probe;
        let centre = guess.candidates.first()?.channel;
        let near = nearest_channels(probe, centre, params.max_channels);
        let rows: Vec<usize> = near.iter().map(|&c| conditioner.row_of(c)).collect();
        let watched: Vec<Watched> = guess
            .candidates
            .iter()
            .filter_map(|&candidate| {
                let place = near.iter().position(|&c| c == candidate.channel)?;
                Some(Watched {
                    candidate,
                    near: place,
                    row: rows[place],
                })
            })
            .collect();
        let distance = |c: usize| {
            let (a, b) = (&probe.contacts[c], &probe.contacts[centre]);
            f64::hypot(a.x_um - b.x_um, a.y_um - b.y_um)
        };
        let n = spikes.samples.len();
        let length = near.len() * shared.timing.samples();
        let mut random = SplitMix::new(params.seed, 1_000_000 + unit as u64);
        Some(Self {
            spikes,
            next: 0,
            selected: random.spread(n, params.max_template_spikes),
            next_selected: 0,
            located: random.spread(n, params.max_depth_spikes),
            next_located: 0,
            n_position: near
                .iter()
                .take_while(|&&c| distance(c) <= params.position_radius_um)
                .count(),
            n_feature: near.len().min(params.feature_channels),
            near,
            rows,
            averaged: Vec::new(),
            sums: vec![0.0; length],
            squares: vec![0.0; length],
            snippets: Vec::new(),
            features: Vec::new(),
            values: vec![f32::NAN; n * watched.len() * LAGS],
            depths_um: Vec::new(),
            watched,
        })
    }

    /// Takes in the unit's spikes before sample `end`.
    pub(crate) fn collect(&mut self, block: &Block, end: i64, shared: &Shared) {
        while let Some(&t) = self.spikes.samples.get(self.next).filter(|&&t| t < end) {
            let spike = self.next;
            self.next += 1;
            let is_selected = self.selected.get(self.next_selected) == Some(&spike);
            self.next_selected += usize::from(is_selected);
            let is_located = self.located.get(self.next_located) == Some(&spike);
            self.next_located += usize::from(is_located);
            if !(0..shared.n_samples).contains(&t) {
                continue;
            }
            self.take_values(block, spike, t, shared.n_samples);
            if is_located {
                self.depths_um.push((spike, self.depth(block, t, shared)));
            }
            if is_selected {
                self.average(block, spike, t, shared);
            }
        }
    }

    /// Values around the expected peak; beyond the ends of the recording the nearest sample counts.
    fn take_values(&mut self, block: &Block, spike: usize, t: i64, n_samples: i64) {
        let width = self.watched.len() * LAGS;
        let values = &mut self.values[spike * width..(spike + 1) * width];
        for (watched, values) in self.watched.iter().zip(values.chunks_exact_mut(LAGS)) {
            let row = block.row(watched.row);
            let peak = t + watched.candidate.offset - SLACK;
            for (k, value) in values.iter_mut().enumerate() {
                let at = (peak + k as i64).clamp(0, n_samples - 1) - block.start;
                if let Some(&v) = usize::try_from(at).ok().and_then(|at| row.get(at)) {
                    *value = v;
                }
            }
        }
    }

    fn depth(&self, block: &Block, t: i64, shared: &Shared) -> f32 {
        let (from, to) = (t - shared.timing.near, t + shared.timing.near);
        let channels = self.near.iter().zip(&self.rows).take(self.n_position);
        let ptps = channels.map(|(&c, &row)| {
            let window = block.window(row, from, to)?;
            let (low, high) = window
                .iter()
                .fold((f32::MAX, f32::MIN), |(l, h), &v| (l.min(v), h.max(v)));
            Some((c, f64::from(high - low) * shared.gains[c].abs()))
        });
        let (mut weighted, mut total) = (0.0, 0.0);
        for item in ptps {
            let Some((c, ptp)) = item else { return f32::NAN };
            weighted += ptp * shared.probe.contacts[c].y_um;
            total += ptp;
        }
        (weighted / total) as f32
    }

    fn average(&mut self, block: &Block, spike: usize, t: i64, shared: &Shared) {
        let timing = shared.timing;
        let (from, to) = (t - timing.before, t + timing.after);
        if self
            .rows
            .first()
            .is_none_or(|&row| block.window(row, from, to).is_none())
        {
            return;
        }
        let length = timing.samples();
        let sums = self
            .sums
            .chunks_exact_mut(length)
            .zip(self.squares.chunks_exact_mut(length));
        for (&row, (sums, squares)) in self.rows.iter().zip(sums) {
            let window = block.window(row, from, to).unwrap_or_default();
            for ((s, q), &v) in sums.iter_mut().zip(squares).zip(window) {
                let v = f64::from(v);
                *s += v;
                *q += v * v;
            }
        }
        for watched in &self.watched {
            self.snippets
                .extend_from_slice(block.window(watched.row, from, to).unwrap_or_default());
        }
        if let Some(basis) = &shared.basis {
            for shape in basis.rows() {
                for (&c, &row) in self.near.iter().zip(&self.rows).take(self.n_feature) {
                    let window = block.window(row, from, t + timing.before).unwrap_or_default();
                    let projection: f32 = shape.iter().zip(window).map(|(a, b)| a * b).sum();
                    self.features.push(projection * shared.gains[c] as f32);
                }
            }
        }
        self.averaged.push(spike);
    }
}
