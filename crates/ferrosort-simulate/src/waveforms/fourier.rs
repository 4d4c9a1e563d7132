//! Discrete Fourier transforms with the same bits on every machine: angles from libm, one order of operations.
//!
//! The fast libraries choose their algorithm by the processor, so that a seed would mean other bytes elsewhere.

use std::f64::consts::TAU;

use realfft::num_complex::Complex64;

/// exp(2 pi i k / n) for k in 0..n.
fn roots(n: usize) -> Vec<Complex64> {
    let angle = |k: usize| TAU * k as f64 / n as f64;
    (0..n)
        .map(|k| Complex64::new(libm::cos(angle(k)), libm::sin(angle(k))))
        .collect()
}

/// Transforms of one length, a power of two (Cooley & Tukey, Math Comput 19:297, 1965).
#[derive(Debug, Clone)]
pub(super) struct Fourier {
    roots: Vec<Complex64>,
}

impl Fourier {
    /// For at least `n` values: the length is the next power of two.
    pub(super) fn at_least(n: usize) -> Self {
        Self {
            roots: roots(n.next_power_of_two()),
        }
    }

    /// Number of values.
    pub(super) fn len(&self) -> usize {
        self.roots.len()
    }

    /// x_k -> sum over t of x_t exp(-2 pi i k t / n).
    pub(super) fn forward(&self, data: &mut [Complex64]) {
        self.transform(data, true);
    }

    /// x_t -> sum over k of x_k exp(2 pi i k t / n); no division by n.
    pub(super) fn inverse(&self, data: &mut [Complex64]) {
        self.transform(data, false);
    }

    fn transform(&self, data: &mut [Complex64], conjugate: bool) {
        let n = self.len();
        let bits = n.trailing_zeros();
        for i in 0..n {
            let j = if bits == 0 {
                0
            } else {
                i.reverse_bits() >> (usize::BITS - bits)
            };
            if i < j {
                data.swap(i, j);
            }
        }
        let mut half = 1;
        while half < n {
            let stride = n / (2 * half);
            for block in data.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                for (k, (a, b)) in low.iter_mut().zip(high).enumerate() {
                    let root = self.roots[k * stride];
                    let turned = *b * if conjugate { root.conj() } else { root };
                    (*a, *b) = (*a + turned, *a - turned);
                }
            }
            half *= 2;
        }
    }
}

/// The spectrum of a real signal of any length, for delays that are no whole number of samples.
#[derive(Debug, Clone)]
pub(super) struct Spectrum {
    /// Bins 0 to n / 2.
    bins: Vec<Complex64>,
    roots: Vec<Complex64>,
}

impl Spectrum {
    /// By definition, term by term: signals are short, and transformed once.
    pub(super) fn of(signal: &[f64]) -> Self {
        let n = signal.len();
        let roots = roots(n);
        let bin = |k: usize| {
            let terms = signal.iter().enumerate().map(|(t, &x)| roots[k * t % n].conj() * x);
            terms.fold(Complex64::ZERO, |sum, term| sum + term)
        };
        Self {
            bins: (0..=n / 2).map(bin).collect(),
            roots,
        }
    }

    /// The signal `shift` samples later, what leaves at one end comes back at the other, times `gain`.
    pub(super) fn shifted_circularly(&self, shift: f64, gain: f64, out: &mut [f64]) {
        let n = self.roots.len();
        let turned: Vec<Complex64> = (self.bins.iter().enumerate())
            .map(|(k, &bin)| {
                let angle = TAU * k as f64 / n as f64 * shift;
                let both_sides = if k == 0 || 2 * k == n { 1.0 } else { 2.0 };
                bin * Complex64::new(libm::cos(angle), -libm::sin(angle)) * both_sides
            })
            .collect();
        for (t, value) in out.iter_mut().enumerate() {
            let terms = turned
                .iter()
                .enumerate()
                .map(|(k, &bin)| (bin * self.roots[k * t % n]).re);
            *value = gain * terms.sum::<f64>() / n as f64;
        }
    }
}

/// A signal that can be delayed by parts of a sample; what is pushed over an end is gone, zeros follow.
#[derive(Debug, Clone)]
pub(super) struct Delayable {
    fourier: Fourier,
    bins: Vec<Complex64>,
    n: usize,
}

impl Delayable {
    /// Padded with zeros to at least twice its length.
    pub(super) fn new(signal: &[f64]) -> Self {
        let fourier = Fourier::at_least(2 * signal.len());
        let mut bins = vec![Complex64::ZERO; fourier.len()];
        for (bin, &x) in bins.iter_mut().zip(signal) {
            bin.re = x;
        }
        fourier.forward(&mut bins);
        Self {
            fourier,
            bins,
            n: signal.len(),
        }
    }

    /// The signal `shift` samples later (earlier when negative), times `gain`.
    pub(super) fn delayed(&self, shift: f64, gain: f64, out: &mut [f64]) {
        let len = self.fourier.len();
        if shift.abs() >= self.n as f64 {
            out.fill(0.0);
            return;
        }
        let mut bins = vec![Complex64::ZERO; len];
        for k in 0..=len / 2 {
            let angle = TAU * k as f64 / len as f64 * shift;
            let turned = self.bins[k] * Complex64::new(libm::cos(angle), -libm::sin(angle));
            if 2 * k == len {
                bins[k] = Complex64::new(turned.re, 0.0);
            } else {
                bins[k] = turned;
                bins[(len - k) % len] = turned.conj();
            }
        }
        self.fourier.inverse(&mut bins);
        for (value, x) in out.iter_mut().zip(&bins) {
            *value = gain * x.re / len as f64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bell(n: usize, centre: f64) -> Vec<f64> {
        (0..n)
            .map(|t| libm::exp(-0.5 * ((t as f64 - centre) / 3.0).powi(2)))
            .collect()
    }

    #[test]
    fn the_fast_transform_equals_the_definition_and_comes_back() {
        let signal: Vec<f64> = (0..16).map(|t| ((t * t * 7 + 3) % 11) as f64 - 5.0).collect();
        let fourier = Fourier::at_least(16);
        let mut fast: Vec<Complex64> = signal.iter().map(|&x| Complex64::new(x, 0.0)).collect();
        fourier.forward(&mut fast);
        for (k, bin) in Spectrum::of(&signal).bins.iter().enumerate() {
            assert!((fast[k] - bin).norm() < 1e-12, "bin {k}");
        }
        fourier.inverse(&mut fast);
        for (x, back) in signal.iter().zip(&fast) {
            assert!((back / 16.0 - x).norm() < 1e-13);
        }
    }

    #[test]
    fn delays_of_parts_of_a_sample_move_a_smooth_signal() {
        for n in [60, 61] {
            let signal = bell(n, 25.0);
            let mut out = vec![0.0; n];
            for shift in [0.0, 0.4, 3.7, -2.2] {
                let expected = bell(n, 25.0 + shift);
                Delayable::new(&signal).delayed(shift, 2.0, &mut out);
                assert!(
                    out.iter().zip(&expected).all(|(a, b)| (a - 2.0 * b).abs() < 1e-8),
                    "{shift}"
                );
                Spectrum::of(&signal).shifted_circularly(shift, 2.0, &mut out);
                assert!(
                    out.iter().zip(&expected).all(|(a, b)| (a - 2.0 * b).abs() < 1e-8),
                    "{shift}"
                );
            }
        }
    }

    #[test]
    fn what_leaves_the_window_comes_back_only_when_it_is_circular() {
        let signal = bell(60, 45.0);
        let mut out = vec![0.0; 60];
        Spectrum::of(&signal).shifted_circularly(20.0, 1.0, &mut out);
        assert!((out[5] - 1.0).abs() < 1e-4);
        Delayable::new(&signal).delayed(20.0, 1.0, &mut out);
        assert!(out[..40].iter().all(|v| v.abs() < 1e-4));
        Delayable::new(&signal).delayed(1e9, 1.0, &mut out);
        assert!(out.iter().all(|&v| v == 0.0));
    }
}
