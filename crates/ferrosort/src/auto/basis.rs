//! Temporal shapes of whitened spikes: a basis for all of them, and prototypes to look for (docs/algorithm.md 3).

use ferrosort_core::Result;
use ferrosort_kernels::{ChannelMajor, linalg};
use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::geometry::Geometry;
use super::memory::Memory;
use super::signal::Signal;

/// Components of the basis.
pub const COMPONENTS: usize = 6;
/// Prototypes.
const PROTOTYPES: usize = 6;
/// Window of a spike before and after its peak, ms.
const WINDOW_MS: (f64, f64) = (0.5, 1.0);
/// Peaks that teach the shapes exceed this, sd.
const CLIP_SD: f32 = 6.5;
/// Most clips, and fewest: with fewer, shapes come from a formula.
const CLIPS: (usize, usize) = (8000, 60);
/// Stretches of half a second that are searched for clips.
const STRETCHES: i64 = 30;
/// Rounds of the prototypes' clustering.
const ROUNDS: usize = 20;

/// Times between samples that are told apart: quarters.
pub const PER_SAMPLE: i64 = 4;
/// Phases are from minus to plus a half of a sample.
const MOST_PHASE: i64 = PER_SAMPLE / 2;
const PHASES: usize = 2 * MOST_PHASE as usize + 1;
/// Samples on each side that a value between samples is interpolated from.
const REACH: usize = 3;

/// Weights of samples `-REACH ..= REACH` for the value at `phase` quarters of a sample (Lagrange).
pub fn interpolation(phase: i64) -> [f32; 2 * REACH + 1] {
    let at = phase as f64 / PER_SAMPLE as f64;
    std::array::from_fn(|k| {
        let node = k as f64 - REACH as f64;
        let others = (0..=2 * REACH).filter(|&o| o != k).map(|o| o as f64 - REACH as f64);
        others.map(|o| (at - o) / (node - o)).product::<f64>() as f32
    })
}

/// Quarters of a sample, `-2 ..= 2`, from the middle of three values to the peak of the parabola through them, and its height.
pub fn parabola(left: f32, middle: f32, right: f32) -> (i64, f32) {
    let curvature = 2.0 * middle - left - right;
    if curvature <= 0.0 {
        return (0, middle);
    }
    let at = (0.5 * (right - left) / curvature).clamp(-0.5, 0.5);
    let phase = (at * PER_SAMPLE as f32).round() as i64;
    (phase, middle + 0.25 * (right - left) * at)
}

/// Temporal basis and prototypes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Basis {
    /// `[COMPONENTS][samples]`, orthonormal.
    pub components: Vec<Vec<f32>>,
    /// Samples before the peak.
    pub before: usize,
    /// Prototypes in the basis, unit norm.
    pub prototypes: Vec<[f32; COMPONENTS]>,
    /// `[phase][p][q][lag + samples - 1]`: inner product of component `p` with component `q` moved later by `lag` less the phase.
    lagged: Vec<f32>,
    /// The components tap by tap.
    pub by_tap: Vec<[f32; COMPONENTS]>,
    /// The components at each phase.
    shifted: Vec<Shifted>,
}

/// Components between samples, tap by tap, `[length + 2 REACH]`, with two zeros each.
type Shifted = Vec<[f32; 8]>;

impl Basis {
    /// Learns the shapes from isolated peaks, or makes them where there are too few.
    ///
    /// # Errors
    /// Those of reading.
    pub fn learn(signal: &Signal, geometry: &Geometry, memory: &Memory) -> Result<Self> {
        let ms = signal.sample_rate() / 1000.0;
        let before = (WINDOW_MS.0 * ms).round() as usize;
        let length = before + (WINDOW_MS.1 * ms).round() as usize + 1;
        let stretch = (0.5 * signal.sample_rate()) as usize;
        let total = signal.n_samples() as i64;
        let count = STRETCHES.min(total / stretch as i64).max(1);
        let starts: Vec<i64> = (0..count)
            .map(|i| i * (total - stretch as i64) / (count - 1).max(1))
            .map(|start| if count > 1 { start } else { 0 })
            .collect();
        let mut found: Vec<Vec<Vec<f32>>> = Vec::new();
        for starts in starts.chunks(memory.at_once(memory.window(), 0)?) {
            let clips_at = |&start: &i64| {
                let y = signal.tile(start, stretch)?;
                Ok(clips(&y, geometry, before, length))
            };
            found.extend(starts.par_iter().map(clips_at).collect::<Result<Vec<_>>>()?);
        }
        let mut all: Vec<Vec<f32>> = found.into_iter().flatten().collect();
        if all.len() > CLIPS.0 {
            let n = all.len();
            all = (0..CLIPS.0).map(|i| all[i * n / CLIPS.0].clone()).collect();
        }
        if all.len() < CLIPS.1 {
            all.extend(invented(before, length, ms));
        }
        Ok(Self::from_clips(&all, before))
    }

    fn from_clips(clips: &[Vec<f32>], before: usize) -> Self {
        let length = clips[0].len();
        let mut moments = Array2::<f64>::zeros((length, length));
        for clip in clips {
            for i in 0..length {
                for j in 0..=i {
                    moments[[i, j]] += f64::from(clip[i] * clip[j]);
                }
            }
        }
        let components = match linalg::symmetric_eigen(moments.view()) {
            Ok((_, vectors)) => (0..COMPONENTS)
                .map(|p| {
                    let mut v: Vec<f64> = (0..length).map(|i| vectors[[i, p.min(length - 1)]]).collect();
                    linalg::fix_sign(&mut v);
                    v.iter().map(|&x| x as f32).collect()
                })
                .collect(),
            Err(_) => vec![vec![0.0; length]; COMPONENTS],
        };
        let mut basis = Self {
            components,
            before,
            prototypes: Vec::new(),
            lagged: Vec::new(),
            by_tap: Vec::new(),
            shifted: Vec::new(),
        };
        basis.by_tap = (0..length)
            .map(|i| std::array::from_fn(|p| basis.components[p][i]))
            .collect();
        basis.shifted = basis.shifted_components();
        basis.prototypes = prototypes(&clips.iter().map(|c| basis.project(c)).collect::<Vec<_>>());
        basis.lagged = basis.lagged_products();
        basis
    }

    /// Samples of a spike.
    pub fn length(&self) -> usize {
        self.components[0].len()
    }

    fn project(&self, clip: &[f32]) -> [f32; COMPONENTS] {
        std::array::from_fn(|p| self.components[p].iter().zip(clip).map(|(a, b)| a * b).sum())
    }

    fn lagged_products(&self) -> Vec<f32> {
        let n = self.length() as i64;
        let lags = 2 * n - 1;
        let mut out = vec![0.0f32; PHASES * COMPONENTS * COMPONENTS * lags as usize];
        for (pair, (p, q)) in (0..COMPONENTS)
            .flat_map(|p| (0..COMPONENTS).map(move |q| (p, q)))
            .enumerate()
        {
            let (p, q) = (&self.components[p], &self.components[q]);
            let whole: Vec<f32> = (1 - n..n)
                .map(|lag| {
                    // q delayed by `lag` has its sample i at i + lag.
                    let (from, to) = (lag.max(0), (n + lag).min(n));
                    (from..to).map(|i| p[i as usize] * q[(i - lag) as usize]).sum()
                })
                .collect();
            for phase in 0..PHASES {
                let weights = interpolation(MOST_PHASE - phase as i64);
                for lag in 0..lags {
                    let at = |k: usize| {
                        whole
                            .get((lag + k as i64 - REACH as i64) as usize)
                            .copied()
                            .unwrap_or(0.0)
                    };
                    out[(phase * COMPONENTS * COMPONENTS + pair) * lags as usize + lag as usize] =
                        weights.iter().enumerate().map(|(k, w)| w * at(k)).sum();
                }
            }
        }
        out
    }

    /// Products of component `p` with component `q` at lags `1 - length .. length`, less `phase` quarters of a sample.
    ///
    /// A spike of component `p` at `phase` quarters after sample 0 has this correlation with component `q` at samples
    /// `1 - length .. length`.
    pub fn lagged(&self, p: usize, q: usize, phase: i64) -> &[f32] {
        let lags = 2 * self.length() - 1;
        let phase = (phase + MOST_PHASE) as usize;
        &self.lagged[((phase * COMPONENTS + p) * COMPONENTS + q) * lags..][..lags]
    }

    /// Correlation with component `q` of a spike of component `p`, `quarters` of a sample after it.
    pub fn lagged_at(&self, p: usize, q: usize, quarters: i64) -> f32 {
        let whole = (quarters + MOST_PHASE).div_euclid(PER_SAMPLE);
        let at = whole + self.length() as i64 - 1;
        let row = self.lagged(p, q, whole * PER_SAMPLE - quarters);
        row.get(at as usize).copied().unwrap_or(0.0)
    }

    /// The components between samples: sample `i` is that of a spike whose peak is `phase` quarters of a sample after `before + REACH`.
    fn shifted_components(&self) -> Vec<Shifted> {
        (-MOST_PHASE..=MOST_PHASE)
            .map(|phase| {
                let weights = interpolation(phase);
                let rows: Vec<Vec<f32>> = self
                    .components
                    .iter()
                    .map(|component| {
                        let mut row = vec![0.0f32; component.len() + 2 * REACH];
                        for (k, w) in weights.iter().enumerate() {
                            for (r, c) in row[k..].iter_mut().zip(component) {
                                *r += w * c;
                            }
                        }
                        row
                    })
                    .collect();
                (0..rows[0].len())
                    .map(|i| std::array::from_fn(|p| rows.get(p).map_or(0.0, |r| r[i])))
                    .collect()
            })
            .collect()
    }

    /// The components at a phase, and by how many samples they begin earlier than those at phase 0.
    pub fn shifted(&self, phase: i64) -> (&[[f32; 8]], usize) {
        (&self.shifted[(phase + MOST_PHASE) as usize], REACH)
    }
}

/// Unit-norm clips around the peaks of both signs that are the largest in their neighbourhood.
fn clips(y: &ChannelMajor, geometry: &Geometry, before: usize, length: usize) -> Vec<Vec<f32>> {
    let mut out = Vec::new();
    for c in 0..y.channels() {
        let row = y.row(c);
        for t in before..(row.len() + before).saturating_sub(length) {
            let v = row[t].abs();
            if v <= CLIP_SD
                || row[t - before.min(8)..=(t + 8).min(row.len() - 1)]
                    .iter()
                    .any(|x| x.abs() > v)
            {
                continue;
            }
            let larger = |&o: &usize| {
                o != c
                    && y.row(o)[t - 4..=(t + 4).min(row.len() - 1)]
                        .iter()
                        .any(|x| x.abs() >= v)
            };
            if geometry.narrow[c].iter().any(larger) {
                continue;
            }
            let clip = &row[t - before..t - before + length];
            let norm = clip.iter().map(|x| x * x).sum::<f32>().sqrt();
            out.push(clip.iter().map(|x| x / norm).collect());
        }
    }
    out
}

/// Waveforms of a formula: a trough and a slower return, of the widths that neurons have.
fn invented(before: usize, length: usize, samples_per_ms: f64) -> Vec<Vec<f32>> {
    let mut out = Vec::new();
    for width_ms in [0.1, 0.15, 0.2, 0.27] {
        for delay_ms in [0.2, 0.35, 0.55, 0.8] {
            for ratio in [0.0, 0.2, 0.4, 0.6] {
                let sd = width_ms / 2.355;
                let clip: Vec<f64> = (0..length)
                    .map(|i| {
                        let t = (i as f64 - before as f64) / samples_per_ms;
                        let late = (t - delay_ms) / (2.5 * sd);
                        ratio * (-0.5 * late * late).exp() - (-0.5 * (t / sd).powi(2)).exp()
                    })
                    .collect();
                let norm = clip.iter().map(|v| v * v).sum::<f64>().sqrt();
                out.push(clip.iter().map(|v| (v / norm) as f32).collect());
            }
        }
    }
    out
}

/// Spherical k-means from starts far apart.
fn prototypes(points: &[[f32; COMPONENTS]]) -> Vec<[f32; COMPONENTS]> {
    let dot = |a: &[f32; COMPONENTS], b: &[f32; COMPONENTS]| -> f32 { a.iter().zip(b).map(|(x, y)| x * y).sum() };
    let mut centres = vec![normalised(
        &points
            .iter()
            .fold([0.0; COMPONENTS], |s, p| std::array::from_fn(|i| s[i] + p[i])),
    )];
    let mut best: Vec<f32> = points.iter().map(|p| dot(p, &centres[0])).collect();
    while centres.len() < PROTOTYPES {
        // The worst five per cent are artefacts and overlaps: start from the best of them.
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.sort_by(|&a, &b| best[a].total_cmp(&best[b]).then(a.cmp(&b)));
        let next = normalised(&points[order[points.len() / 20]]);
        for (b, p) in best.iter_mut().zip(points) {
            *b = b.max(dot(p, &next));
        }
        centres.push(next);
    }
    for _ in 0..ROUNDS {
        let mut sums = vec![[0.0f32; COMPONENTS]; centres.len()];
        for p in points {
            let scores = centres.iter().map(|c| dot(p, c));
            let (winner, _) = scores
                .enumerate()
                .fold((0, f32::NEG_INFINITY), |b, s| if s.1 > b.1 { s } else { b });
            for i in 0..COMPONENTS {
                sums[winner][i] += p[i];
            }
        }
        for (c, s) in centres.iter_mut().zip(&sums) {
            if s.iter().any(|v| *v != 0.0) {
                *c = normalised(s);
            }
        }
    }
    centres
}

fn normalised(v: &[f32; COMPONENTS]) -> [f32; COMPONENTS] {
    let norm = v.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    v.map(|x| x / norm)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A basis of waveforms of a formula, at 30 kHz.
    pub fn example() -> Basis {
        let (before, length) = (15, 46);
        Basis::from_clips(&invented(before, length, 30.0), before)
    }

    #[test]
    fn lagged_products_are_those_of_shifted_components() {
        let basis = example();
        for (p, q, quarters) in [(0, 0, 0), (1, 2, 13), (3, 0, -22), (2, 2, 5)] {
            let whole = i64::div_euclid(quarters + 2, 4);
            let shifted = basis.shifted(whole * 4 - quarters).0;
            // A spike of component p, `phase` late, seen by component q `whole` samples later.
            let expected: f32 = basis.components[q]
                .iter()
                .enumerate()
                .filter_map(|(i, w)| {
                    let at = i as i64 + whole + REACH as i64;
                    Some(w * shifted.get(usize::try_from(at).ok()?)?[p])
                })
                .sum();
            let got = basis.lagged_at(p, q, quarters);
            assert!((got - expected).abs() < 1e-4, "{p} {q} {quarters}: {got} {expected}");
        }
        assert_eq!(basis.lagged_at(0, 0, 4 * 500), 0.0);
    }

    #[test]
    fn a_parabola_has_its_peak_where_it_was_put() {
        let f = |x: f32| 3.0 - 2.0 * (x - 0.25).powi(2);
        let (phase, peak) = parabola(f(-1.0), f(0.0), f(1.0));
        assert_eq!(phase, 1);
        assert!((peak - 3.0).abs() < 1e-5);
        assert_eq!(parabola(1.0, 1.0, 1.0), (0, 1.0));
        assert!((interpolation(1).iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
}
