//! Passive dendrites as sealed cables (docs/waveforms.md 1.2).

use realfft::num_complex::Complex64;

/// Axial resistivity R_a, ohm m.
const AXIAL_OHM_M: f64 = 1.5;
/// Membrane resistance R_m of an area, ohm m² (30 kohm cm²).
const MEMBRANE_OHM_M2: f64 = 3.0;
/// Membrane capacitance C_m of an area, F/m².
const CAPACITANCE_F_M2: f64 = 0.01;
/// Longest compartment, µm.
const COMPARTMENT_UM: f64 = 15.0;

/// A dendrite's membrane as a cable.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cable {
    pub(super) diameter_um: f64,
    pub(super) length_um: f64,
}

impl Cable {
    /// Equal compartments, at most 15 µm long.
    pub(super) fn n_compartments(self) -> usize {
        ((self.length_um / COMPARTMENT_UM).ceil() as usize).max(1)
    }

    /// Length constant at 0 Hz: sqrt(d R_m / (4 R_a)), m.
    fn lambda_m(self) -> f64 {
        (self.diameter_um * 1e-6 * MEMBRANE_OHM_M2 / (4.0 * AXIAL_OHM_M)).sqrt()
    }

    /// Axial resistance of a length: 4 R_a / (pi d²), ohm/m.
    fn axial_ohm_per_m(self) -> f64 {
        4.0 * AXIAL_OHM_M / (std::f64::consts::PI * (self.diameter_um * 1e-6).powi(2))
    }

    /// Adds the outward membrane current of each compartment at each frequency to `compartments`, and the current
    /// that enters the dendrite at the soma to `entering`, nA.
    ///
    /// `drive_mv` is the spectrum of the soma, `q` is [`admittance_roots`] at the same frequencies.
    ///
    /// The axial current at x of a sealed cable of length l is V (alpha / r_a) exp(-alpha x)
    /// (1 - exp(-2 alpha (l - x))) / (1 + exp(-2 alpha l)), alpha = q / lambda: all exponentials are powers of the one
    /// of a compartment, none of which overflows.
    pub(super) fn currents_na(
        self,
        drive_mv: &[Complex64],
        q: &[Complex64],
        compartments: &mut [Vec<Complex64>],
        entering: &mut [Complex64],
    ) {
        let n = self.n_compartments();
        let step_m = self.length_um * 1e-6 / n as f64;
        let (lambda, r_a) = (self.lambda_m(), self.axial_ohm_per_m());
        let mut powers = vec![Complex64::ONE; 2 * n + 1];
        for (k, (&v, &q)) in drive_mv.iter().zip(q).enumerate() {
            let alpha = q / lambda;
            let one = exp(-alpha * step_m);
            for j in 1..=2 * n {
                powers[j] = powers[j - 1] * one;
            }
            // mV over ohm is mA; in nA.
            let gain = v * alpha / r_a * 1e6 / (Complex64::ONE + powers[2 * n]);
            let axial = |j: usize| gain * (powers[j] - powers[2 * n - j]);
            entering[k] += axial(0);
            for (j, compartment) in compartments.iter_mut().enumerate() {
                compartment[k] = axial(j) - axial(j + 1);
            }
        }
    }
}

/// sqrt(1 + j omega tau_m) at these angular frequencies (rad/s).
pub(super) fn admittance_roots(angular: &[f64]) -> Vec<Complex64> {
    let tau_s = MEMBRANE_OHM_M2 * CAPACITANCE_F_M2;
    angular.iter().map(|w| sqrt(Complex64::new(1.0, w * tau_s))).collect()
}

/// Square root with a positive real part, of a number with a positive one.
fn sqrt(z: Complex64) -> Complex64 {
    let size = (z.re * z.re + z.im * z.im).sqrt();
    let re = (0.5 * (size + z.re)).sqrt();
    Complex64::new(re, 0.5 * z.im / re)
}

/// The exponential, with the same bits on every machine.
pub(super) fn exp(z: Complex64) -> Complex64 {
    let size = libm::exp(z.re);
    Complex64::new(size * libm::cos(z.im), size * libm::sin(z.im))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CABLE: Cable = Cable {
        diameter_um: 2.0,
        length_um: 200.0,
    };

    #[test]
    fn ac_length_constants_are_the_published_ones() {
        assert!((CABLE.lambda_m() - 1e-3).abs() < 1e-12);
        // Length over which the amplitude falls by e: lambda over the real part of q (Pettersen & Einevoll 2008).
        for (hz, um) in [(100.0, 317.0), (500.0, 145.0), (1000.0, 103.0), (1500.0, 84.0)] {
            let q = admittance_roots(&[std::f64::consts::TAU * hz])[0];
            let length_um = CABLE.lambda_m() / q.re * 1e6;
            assert!((length_um - um).abs() < 0.6, "{hz} Hz: {length_um} µm");
        }
    }

    #[test]
    fn what_enters_a_dendrite_leaves_through_its_membrane() {
        let q = admittance_roots(&[0.0, 1e3, 1e5]);
        let drive = [Complex64::new(3.0, 1.0); 3];
        let n = CABLE.n_compartments();
        assert_eq!(n, 14);
        let mut compartments = vec![vec![Complex64::ZERO; 3]; n];
        let mut entering = vec![Complex64::ZERO; 3];
        CABLE.currents_na(&drive, &q, &mut compartments, &mut entering);
        for k in 0..3 {
            let leaving: Complex64 = compartments.iter().map(|c| c[k]).sum();
            assert!((leaving - entering[k]).norm() < 1e-12 * entering[k].norm());
        }
        // At 0 Hz the input conductance of a sealed cable is tanh(l / lambda) / (lambda r_a).
        let conductance = (0.2f64).tanh() / (1e-3 * CABLE.axial_ohm_per_m());
        assert!((entering[0] - drive[0] * conductance * 1e6).norm() < 1e-12 * entering[0].norm());
    }

    #[test]
    fn the_root_and_the_exponential_are_right() {
        let z = Complex64::new(1.0, 7.0);
        assert!((sqrt(z) * sqrt(z) - z).norm() < 1e-14);
        assert!((exp(Complex64::new(0.5, 2.0)) - Complex64::new(0.5, 2.0).exp()).norm() < 1e-14);
    }
}
