//! Random numbers by position: the value is a function of (seed, stream, index, counter) and of nothing else, so a
//! recording does not depend on the order or the number of threads in which it is made.
//!
//! SplitMix64 (Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014) with random
//! access: number n of a stream is `mix(key + n * GAMMA)`.

/// What a stream of numbers is used for; each use has its own streams, so that changing one leaves the others as
/// they are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    /// Unit positions.
    Placement = 1,
    /// Waveform and footprint parameters of a unit.
    Shape = 2,
    /// Firing rate and spike times of a unit.
    Train = 3,
    /// Amplitude factors of a unit's spikes.
    Amplitude = 4,
    /// Displacement of the tissue.
    Drift = 5,
    /// Which unit gets which SNR.
    Snr = 6,
    /// Noise level of each channel.
    Level = 7,
    /// White noise of a channel.
    White = 8,
    /// Innovations of the correlated noise of a channel.
    Hash = 9,
    /// Noise that all channels share.
    Common = 10,
    /// Classes, rates and waveform targets of all units.
    Units = 11,
    /// Bursts, presence and silence of a unit.
    Habits = 12,
    /// Shared modulation of the rates.
    Modulation = 13,
    /// Coincidences that are added or removed.
    Overlap = 14,
    /// Places and waveforms of background units.
    Background = 15,
    /// Spectral noise of a channel.
    Spectral = 17,
    /// Disturbances.
    Addition = 18,
    /// Slow potentials of a channel.
    Slow = 19,
    /// Gains of the channels.
    Gain = 20,
}

const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The place of one stream in the sequence of SplitMix64.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key(u64);

impl Key {
    /// The stream for this use; `index` tells units or channels apart.
    pub(crate) fn new(seed: u64, stream: Stream, index: u64) -> Self {
        let s = mix(seed.wrapping_add(GAMMA)).wrapping_add(stream as u64);
        Self(mix(mix(s.wrapping_mul(GAMMA)).wrapping_add(index.wrapping_mul(GAMMA))))
    }

    fn bits(self, counter: u64) -> u64 {
        mix(self.0.wrapping_add(counter.wrapping_mul(GAMMA)))
    }

    /// Fills `out` with standard normal numbers; `out[i]` belongs to counter `first + i`, so overlapping calls agree.
    pub(crate) fn fill_normals(self, first: u64, out: &mut [f32]) {
        const PAIRS: usize = 64;
        let mut bits = [0u64; PAIRS];
        let mut pairs = [[0f32; 2]; PAIRS];
        let end = first + out.len() as u64;
        let mut pair = first / 2;
        while pair * 2 < end {
            let n = PAIRS.min((end.div_ceil(2) - pair) as usize);
            for (i, b) in bits[..n].iter_mut().enumerate() {
                *b = self.bits(pair + i as u64);
            }
            for (p, &b) in pairs[..n].iter_mut().zip(&bits[..n]) {
                *p = normal_pair(b);
            }
            let values = pairs[..n].as_flattened();
            let start = pair * 2;
            let skip = first.saturating_sub(start) as usize;
            let to = (start + skip as u64 - first) as usize;
            let take = (values.len() - skip).min(out.len() - to);
            out[to..to + take].copy_from_slice(&values[skip..skip + take]);
            pair += n as u64;
        }
    }

    /// The stream as a sequence of draws.
    pub(crate) fn draws(self) -> Draws {
        Draws { key: self, counter: 0 }
    }
}

/// Two independent standard normal numbers from 64 random bits (Box & Muller 1958), branch-free and in basic `f32`
/// operations only, so that it vectorises and gives the same bits everywhere. Largest possible value 6.8.
#[inline]
fn normal_pair(bits: u64) -> [f32; 2] {
    const SCALE: f32 = 1.0 / 4_294_967_296.0;
    let uniform = ((bits >> 32) as u32 as f32 + 0.5) * SCALE;
    let radius = (-2.0 * ln(uniform.min(1.0 - f32::EPSILON / 2.0))).sqrt();
    // Thirty bits make an angle in [-pi/4, pi/4); the other two choose the quadrant.
    let low = bits as u32;
    let angle = ((low >> 2) as f32 * (1.0 / 1_073_741_824.0) - 0.5) * std::f32::consts::FRAC_PI_2;
    let a2 = angle * angle;
    let sin = angle * (1.0 + a2 * (-1.0 / 6.0 + a2 * (1.0 / 120.0 - a2 * (1.0 / 5040.0))));
    let cos = 1.0 + a2 * (-0.5 + a2 * (1.0 / 24.0 + a2 * (-1.0 / 720.0 + a2 * (1.0 / 40320.0))));
    let signed = if low & 2 == 0 { radius } else { -radius };
    let (x, y) = if low & 1 == 0 { (cos, sin) } else { (sin, cos) };
    [signed * x, signed * y]
}

/// Natural logarithm of a normal positive number: exponent plus a series in atanh on the mantissa in
/// [sqrt(1/2), sqrt(2)), error below 1e-6.
#[inline]
fn ln(x: f32) -> f32 {
    let bits = x.to_bits();
    let shifted = bits.wrapping_sub(0x3F35_04F3);
    let exponent = (shifted as i32 >> 23) as f32;
    let mantissa = f32::from_bits((shifted & 0x007F_FFFF).wrapping_add(0x3F35_04F3));
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let s2 = s * s;
    let series = 1.0 + s2 * (1.0 / 3.0 + s2 * (0.2 + s2 * (1.0 / 7.0 + s2 * (1.0 / 9.0))));
    exponent * std::f32::consts::LN_2 + 2.0 * s * series
}

/// Draws from one stream, one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Draws {
    key: Key,
    counter: u64,
}

impl Draws {
    /// Uniform on (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        let bits = self.key.bits(self.counter);
        self.counter += 1;
        ((bits >> 11) as f64 + 0.5) * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Uniform on (low, high).
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Uniform on 0..n; n must be positive.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((self.uniform() * n as f64) as usize).min(n - 1)
    }

    /// Standard normal (Box & Muller 1958, one of the two).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(self.uniform())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.uniform())
    }

    /// Log-normal with this median; `log_sd` is the standard deviation of the logarithm.
    pub(crate) fn log_normal(&mut self, median: f64, log_sd: f64) -> f64 {
        median * libm::exp(log_sd * self.normal())
    }

    /// Gamma with this shape and mean 1 (Marsaglia & Tsang, ACM TOMS 26:363, 2000).
    pub(crate) fn gamma(&mut self, shape: f64) -> f64 {
        // Shapes below one: a draw of shape + 1 times a power of a uniform number.
        let (k, boost) = if shape < 1.0 {
            (shape + 1.0, libm::pow(self.uniform(), 1.0 / shape))
        } else {
            (shape, 1.0)
        };
        let d = k - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let x = self.normal();
            let root = 1.0 + c * x;
            let v = root * root * root;
            if v > 0.0 && libm::log(self.uniform()) < 0.5 * x * x + d * (1.0 - v + libm::log(v)) {
                return boost * d * v / shape;
            }
        }
    }

    /// Exponential with mean 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        -libm::log(self.uniform())
    }

    /// Number of failures before the first success, each with probability `p` in (0, 1].
    pub(crate) fn geometric(&mut self, p: f64) -> u64 {
        let u = self.uniform();
        if p >= 1.0 {
            return 0;
        }
        (libm::log(u) / libm::log1p(-p)).min(1e18) as u64
    }

    /// Fisher-Yates shuffle.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(x: &[f64]) -> (f64, f64, f64) {
        let n = x.len() as f64;
        let mean = x.iter().sum::<f64>() / n;
        let var = x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n;
        let kurtosis = x.iter().map(|v| (v - mean).powi(4)).sum::<f64>() / n / (var * var);
        (mean, var, kurtosis)
    }

    #[test]
    fn bulk_normals_have_normal_moments_and_tails() {
        let mut out = vec![0f32; 400_000];
        Key::new(1, Stream::White, 3).fill_normals(0, &mut out);
        let wide: Vec<f64> = out.iter().map(|&v| v as f64).collect();
        let (mean, var, kurtosis) = moments(&wide);
        assert!(mean.abs() < 0.006 && (var - 1.0).abs() < 0.01 && (kurtosis - 3.0).abs() < 0.05);
        // P(|x| > 3) = 0.0027: 1080 expected, sd 33.
        let tail = out.iter().filter(|v| v.abs() > 3.0).count();
        assert!((950..1210).contains(&tail), "{tail}");
        let lag: f64 = wide.windows(2).map(|w| w[0] * w[1]).sum::<f64>() / wide.len() as f64;
        assert!(lag.abs() < 0.006, "{lag}");
    }

    #[test]
    fn any_piece_of_a_stream_equals_the_whole() {
        let key = Key::new(9, Stream::Hash, 0);
        let mut whole = vec![0f32; 1000];
        key.fill_normals(100, &mut whole);
        for (start, len) in [(0, 1), (1, 1), (0, 7), (3, 300), (129, 128), (500, 500), (999, 1)] {
            let mut piece = vec![0f32; len];
            key.fill_normals(100 + start as u64, &mut piece);
            assert_eq!(piece, whole[start..start + len], "start {start} length {len}");
        }
    }

    #[test]
    fn the_fast_logarithm_is_close_to_the_exact_one() {
        for x in [1e-10f32, 1e-3, 0.3, 0.5, 0.70, 0.71, 0.9999, 1.0 - f32::EPSILON / 2.0] {
            let exact = (x as f64).ln();
            assert!(
                (ln(x) as f64 - exact).abs() < 2e-6 * exact.abs().max(0.1),
                "ln {x}: {}",
                ln(x)
            );
        }
    }

    #[test]
    fn gamma_draws_have_mean_one_and_variance_one_over_shape() {
        for shape in [0.5, 1.0, 3.0] {
            let mut draws = Key::new(4, Stream::Train, shape as u64).draws();
            let x: Vec<f64> = (0..100_000).map(|_| draws.gamma(shape)).collect();
            let (mean, var, _) = moments(&x);
            assert!((mean - 1.0).abs() < 0.02, "shape {shape}: mean {mean}");
            assert!((var * shape - 1.0).abs() < 0.06, "shape {shape}: variance {var}");
        }
    }

    #[test]
    fn exponential_and_geometric_draws_have_their_means() {
        let mut draws = Key::new(4, Stream::Train, 9).draws();
        let n = 100_000;
        let mean = (0..n).map(|_| draws.exponential()).sum::<f64>() / f64::from(n);
        assert!((mean - 1.0).abs() < 0.015, "{mean}");
        let mean = (0..n).map(|_| draws.geometric(0.1) as f64).sum::<f64>() / f64::from(n);
        assert!((mean - 9.0).abs() < 0.15, "{mean}");
        assert_eq!(draws.geometric(1.0), 0);
    }

    #[test]
    fn streams_differ_by_seed_use_and_index() {
        let first = |seed, stream, index| Key::new(seed, stream, index).draws().uniform();
        let a = first(1, Stream::Drift, 0);
        assert!(a != first(2, Stream::Drift, 0));
        assert!(a != first(1, Stream::Snr, 0));
        assert!(a != first(1, Stream::Drift, 1));
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<usize> = (0..50).collect();
        Key::new(1, Stream::Snr, 0).draws().shuffle(&mut items);
        assert!(items != (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
