//! Matching pursuit on synthetic templates: what holds whatever the numbers are (docs/kilosort2.md 4.5).
#![allow(clippy::unwrap_used)]

mod support;

use ferrosort::matching::TemplateSet;
use ferrosort::matching::accumulate::{pc_features, waveform_sums};
use ferrosort::matching::pursuit::{Pursued, PursuitParams, pursue};
use ferrosort::neighbours::Neighbours;
use ferrosort::templates::Templates;
use ferrosort_kernels::ChannelMajor;
use ndarray::{Array2, Array3};
use proptest::prelude::*;
use support::Noise;

const LENGTH: usize = 61;
const TROUGH: f64 = 19.0;
const CHANNELS: usize = 24;
const LOCKOUT: usize = 60;
const THRESHOLD: f64 = 4.0;
const LAM: f64 = 10.0;

/// Rank-3 templates of norm 1 around these sites of a line of channels; each sees six channels.
struct Bank {
    main: Vec<usize>,
    mu: Vec<f64>,
    near: Neighbours,
    set: TemplateSet,
    /// The templates' values in full, `[templates, channels, samples]`, as f32 holds their factors.
    full: Array3<f64>,
}

/// One spike of a pursuit in f64.
#[derive(Debug)]
struct Expected {
    start: usize,
    template: usize,
    amplitude: f64,
    score: f64,
}

/// Three orthonormal pulses about the trough: Hermite functions with a slow wave that ends abruptly, so that templates 60 samples apart
/// still interact, made exactly orthonormal on the samples.
fn pulses(width: f64) -> [Vec<f64>; 3] {
    let mut out: [Vec<f64>; 3] = std::array::from_fn(|q| {
        (0..LENGTH)
            .map(|t| {
                let x = (t as f64 - TROUGH) / width;
                let wave = 0.1 * (std::f64::consts::PI * t as f64 / 60.0).cos();
                wave - [1.0, x, x * x][q] * (-x * x / 2.0).exp()
            })
            .collect()
    });
    for q in 0..3 {
        let (done, rest) = out.split_at_mut(q);
        let v = &mut rest[0];
        for d in done.iter() {
            let overlap: f64 = d.iter().zip(v.iter()).map(|(a, b)| a * b).sum();
            v.iter_mut().zip(d).for_each(|(v, d)| *v -= overlap * d);
        }
        let norm = v.iter().map(|a| a * a).sum::<f64>().sqrt();
        for v in v.iter_mut() {
            *v /= norm;
        }
    }
    out
}

impl Bank {
    fn new(sites: &[usize], mu: &[f64]) -> Self {
        let positions: Vec<[f64; 2]> = (0..CHANNELS).map(|c| [0.0, 20.0 * c as f64]).collect();
        let near = Neighbours::nearest(&positions, 6);
        let mut w = Array3::zeros((sites.len(), 3, LENGTH));
        let mut u = Array3::zeros((sites.len(), 3, CHANNELS));
        for (n, &site) in sites.iter().enumerate() {
            for (q, pulse) in pulses(2.5 + 0.7 * (n % 3) as f64).iter().enumerate() {
                for (t, v) in pulse.iter().enumerate() {
                    w[[n, q, t]] = f64::from(*v as f32);
                }
            }
            for &c in near.of(site) {
                let d = f64::from(c) - site as f64;
                let fall = (-d.abs() / 1.5).exp();
                u[[n, 0, c as usize]] = fall;
                u[[n, 1, c as usize]] = 0.3 * fall * d;
                u[[n, 2, c as usize]] = 0.15 * fall * (d + 1.0);
            }
            let mut own = u.index_axis_mut(ndarray::Axis(0), n);
            let norm = own.iter().map(|v: &f64| v * v).sum::<f64>().sqrt();
            own.mapv_inplace(|v| f64::from((v / norm) as f32));
        }
        let full = Array3::from_shape_fn((sites.len(), CHANNELS, LENGTH), |(n, c, t)| {
            (0..3).map(|q| w[[n, q, t]] * u[[n, q, c]]).sum()
        });
        let templates = Templates { w, u, mu: mu.to_vec() };
        Self {
            set: TemplateSet::new(&templates, sites, &near),
            main: sites.to_vec(),
            mu: mu.to_vec(),
            near,
            full,
        }
    }

    /// Adds `amplitude` times template `n` to `x`, `[channels, samples]`.
    fn add(&self, x: &mut Array2<f64>, start: usize, n: usize, amplitude: f64) {
        for ((c, t), v) in self.full.index_axis(ndarray::Axis(0), n).indexed_iter() {
            x[[c, start + t]] += amplitude * v;
        }
    }

    /// Best score and its template at every searched start, each projection computed anew from the signal.
    fn scores(&self, x: &Array2<f64>) -> Vec<(f64, usize, f64)> {
        (0..x.ncols() - LENGTH)
            .map(|t| {
                let mut best = (0.0, 0, 0.0);
                for (n, &mu) in self.mu.iter().enumerate() {
                    let mut y = 0.0;
                    for &c in self.near.of(self.main[n]) {
                        for i in 0..LENGTH {
                            y += self.full[[n, c as usize, i]] * x[[c as usize, t + i]];
                        }
                    }
                    let score = (y.max(0.0) + LAM * mu).powi(2) / (1.0 + LAM) - LAM * mu * mu;
                    if score > best.0 + 1e-6 {
                        best = (score, n, y);
                    }
                }
                best
            })
            .collect()
    }

    /// Pursuit with all projections recomputed from the residual in every round.
    fn brute_force(&self, mut x: Array2<f64>) -> Vec<Expected> {
        let mut spikes = Vec::new();
        for _ in 0..60 {
            let scores = self.scores(&x);
            let largest = |t: usize| {
                let around = &scores[t.saturating_sub(LOCKOUT)..(t + LOCKOUT + 1).min(scores.len())];
                around.iter().all(|s| s.0 <= scores[t].0)
            };
            let found: Vec<usize> = (0..scores.len())
                .filter(|&t| scores[t].0 > THRESHOLD.powi(2) && largest(t))
                .collect();
            for t in found {
                let (score, template, amplitude) = scores[t];
                self.add(&mut x, t, template, -amplitude);
                spikes.push(Expected {
                    start: t,
                    template,
                    amplitude,
                    score: score.sqrt(),
                });
            }
        }
        spikes.sort_by_key(|s: &Expected| (s.start, s.template));
        spikes
    }

    fn pursue(&self, x: &Array2<f64>, stale_row: bool) -> Pursued {
        let block = ChannelMajor::from_fn(CHANNELS, x.ncols(), |t, c| x[[c, t]] as f32);
        let searched = 0..x.ncols() - LENGTH;
        let params = PursuitParams {
            threshold: THRESHOLD as f32,
            amplitude_prior: LAM as f32,
            correlated: searched.end,
            peaks: searched.clone(),
            searched,
            stale_row,
        };
        let similar = Array2::from_shape_fn((self.mu.len(), 4), |(n, j)| ((n + j) % self.mu.len()) as u32);
        pursue(block, &self.set, Some(similar.view()), &params)
    }
}

/// Templates some of which share channels, and some of which do not.
fn crowded() -> Bank {
    let sites = [2, 3, 6, 8, 12, 13, 16, 20, 21];
    Bank::new(&sites, &[15.0, 40.0, 22.0, 12.0, 30.0, 18.0, 60.0, 14.0, 25.0])
}

/// Noise, and a spike of a random template about every `spacing` samples.
fn dense(bank: &Bank, seed: u64, samples: usize, spacing: usize) -> Array2<f64> {
    let mut noise = Noise(seed);
    let mut x = Array2::from_shape_simple_fn((CHANNELS, samples), || noise.normal());
    for t in (0..samples - LENGTH).step_by(spacing) {
        let start = (t + (noise.uniform() * spacing as f64) as usize).min(samples - LENGTH - 1);
        let n = (noise.uniform() * bank.mu.len() as f64) as usize;
        let amplitude = bank.mu[n] * (0.8 + 0.4 * noise.uniform());
        bank.add(&mut x, start, n, amplitude);
    }
    x
}

/// The same spikes, and the same amplitudes and scores but for rounding.
fn assert_same(pursued: &Pursued, expected: &[Expected]) {
    let found = pursued.spikes.iter().map(|s| (s.start as usize, s.template as usize));
    let planted = expected.iter().map(|e| (e.start, e.template));
    assert_eq!(found.collect::<Vec<_>>(), planted.collect::<Vec<_>>());
    for (spike, e) in pursued.spikes.iter().zip(expected) {
        for (got, exact) in [(spike.amplitude, e.amplitude), (spike.score, e.score)] {
            assert!(
                (f64::from(got) - exact).abs() < 1e-4 * exact.max(1.0),
                "{spike:?}, {e:?}"
            );
        }
    }
}

#[test]
fn correlations_give_what_recomputing_every_projection_gives() {
    let bank = crowded();
    for seed in 0..3 {
        let x = dense(&bank, seed, 700, 25);
        let expected = bank.brute_force(x.clone());
        let pursued = bank.pursue(&x, false);
        assert_same(&pursued, &expected);
        assert!(expected.len() > 25 && pursued.spikes.iter().any(|s| s.round > 2));
    }
}

#[test]
fn the_last_sample_of_a_spike_is_taken_out_too() {
    let bank = crowded();
    for gap in 58..63 {
        let mut x = Array2::zeros((CHANNELS, 400));
        bank.add(&mut x, 150, 6, 66.0);
        bank.add(&mut x, 150 + gap, 6, 60.0);
        let expected = bank.brute_force(x.clone());
        assert_same(&bank.pursue(&x, false), &expected);
        // The original leaves the signal 60 samples on as it was, for every window that holds that sample.
        let stale = bank.pursue(&x, true);
        let second = stale.spikes.iter().find(|s| s.start as usize == 150 + gap).unwrap();
        let exact = expected.iter().find(|e| e.start == 150 + gap).unwrap().amplitude;
        let apart = (f64::from(second.amplitude) - exact).abs();
        assert_eq!(apart > 0.05, gap <= 60, "gap {gap}: {apart} sd apart");
    }
}

#[test]
fn nothing_above_the_threshold_is_left() {
    let bank = crowded();
    for seed in 10..13 {
        let pursued = bank.pursue(&dense(&bank, seed, 1500, 20), false);
        assert!(pursued.spikes.iter().all(|s| s.round < 59), "rounds are left over");
        assert!(pursued.spikes.len() > 60);
        let residual = Array2::from_shape_fn((CHANNELS, 1500), |(c, t)| f64::from(pursued.residual.row(c)[t]));
        for (t, score) in bank.scores(&residual).iter().enumerate() {
            assert!(score.0 <= THRESHOLD.powi(2) * (1.0 + 1e-4), "{} at {t}", score.0);
        }
    }
}

#[test]
fn threads_change_nothing() {
    let bank = crowded();
    let x = dense(&bank, 20, 3000, 30);
    let mut basis = Array2::<f32>::zeros((3, LENGTH));
    for (mut row, pulse) in basis.rows_mut().into_iter().zip(pulses(3.0)) {
        row.iter_mut().zip(pulse).for_each(|(b, v)| *b = v as f32);
    }
    for stale_row in [false, true] {
        let [one, three] = [1, 3].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let p = bank.pursue(&x, stale_row);
                let sums = waveform_sums(&p.residual, &p.spikes, &bank.set, 10.0);
                let features = pc_features(&p.residual, &p.spikes, &bank.set, &bank.main, &bank.near, &basis);
                (p.spikes, p.residual, p.template_features, sums, features)
            })
        });
        assert!(!one.0.is_empty());
        assert!(one == three, "stale_row {stale_row}");
    }
}

/// For each of three groups of templates that share no channel, spikes whose windows do not overlap within the group:
/// `(start, template, amplitude relative to mu)`.
fn separate_spikes(samples: usize) -> impl Strategy<Value = Vec<(usize, usize, f64)>> {
    let group = proptest::collection::vec((0usize..2, 0usize..90, 0.9..1.1f64), 0..12);
    proptest::array::uniform3(group).prop_map(move |groups| {
        let mut spikes = Vec::new();
        for (g, group) in groups.into_iter().enumerate() {
            let mut next = 0;
            for (which, gap, factor) in group {
                let start = next + gap;
                if start >= samples - LENGTH {
                    break;
                }
                spikes.push((start, 2 * g + which, factor));
                next = start + LENGTH;
            }
        }
        spikes.sort_by_key(|s| (s.0, s.1));
        spikes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_sum_of_templates_is_taken_apart(spikes in separate_spikes(1000)) {
        let bank = Bank::new(&[2, 3, 12, 13, 20, 21], &[15.0, 40.0, 30.0, 18.0, 60.0, 25.0]);
        let mut x = Array2::zeros((CHANNELS, 1000));
        for &(t, n, factor) in &spikes {
            bank.add(&mut x, t, n, factor * bank.mu[n]);
        }
        let pursued = bank.pursue(&x, false);
        let found: Vec<_> = pursued.spikes.iter().map(|s| (s.start as usize, s.template as usize)).collect();
        let planted: Vec<_> = spikes.iter().map(|s| (s.0, s.1)).collect();
        prop_assert_eq!(found, planted);
        for (spike, &(_, n, factor)) in pursued.spikes.iter().zip(&spikes) {
            let relative = f64::from(spike.amplitude) / (factor * bank.mu[n]) - 1.0;
            prop_assert!(relative.abs() < 1e-3, "{} relative {}", n, relative);
        }
        let largest = pursued.residual.as_slice().iter().fold(0.0f32, |m, v| m.max(v.abs()));
        prop_assert!(largest < 1e-3, "{} sd are left", largest);
    }
}
