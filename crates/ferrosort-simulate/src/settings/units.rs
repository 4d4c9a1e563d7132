//! Units: how many, where, of which waveforms and how large.

use serde::{Deserialize, Serialize};

/// Units to be found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UnitSettings {
    /// Units; 0 = `density` times the connected contacts. Default 0.
    pub n: usize,
    /// Units for each connected contact. Default 0.75.
    pub density: f64,
    /// Where waveforms come from. Default: biophysical.
    pub generator: Generator,
    /// Shares of regular-spiking, fast-spiking and axonal units. Default 0.78, 0.2, 0.02.
    pub class_shares: [f64; 3],
    /// Files of measured waveforms (`.mat` with `uColl`); with any, the generator is `library`.
    pub libraries: Vec<String>,
    /// How often each library unit is used. Default 2.
    pub copies: usize,
    /// Library waveforms as they are: no taper at the edge, no averaging over the contact. Default false.
    pub library_exact: bool,
    /// Where units lie. Default: uniform around the contacts.
    pub placement: Placement,
    /// How large they are. Default: as the generator makes them.
    pub target: Target,
    /// Factor on every waveform. Default 1.
    pub template_scale: f64,
    /// Units with a smaller peak-to-peak on the probe go to the background, µV. Default 0.
    pub least_ptp_uv: f64,
}

impl Default for UnitSettings {
    fn default() -> Self {
        Self {
            n: 0,
            density: 0.75,
            generator: Generator::Biophysical,
            class_shares: [0.78, 0.20, 0.02],
            libraries: Vec::new(),
            copies: 2,
            library_exact: false,
            placement: Placement::default(),
            target: Target::AsGenerated,
            template_scale: 1.0,
            least_ptp_uv: 0.0,
        }
    }
}

/// Where waveforms come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Generator {
    /// Passive dendrites driven by a somatic spike (docs/waveforms.md).
    Biophysical,
    /// A shape times a decay with a delay (SpikeInterface's formula).
    Parametric,
    /// Files of measured waveforms.
    Library,
}

/// Where units lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Placement {
    /// Uniform in the bounding box of each shank's contacts enlarged by the margin, redrawn up to 100 times until
    /// every two units are far enough apart.
    Uniform {
        /// µm, across the shank.
        margin_x_um: f64,
        /// µm, along the shank.
        margin_y_um: f64,
        /// Distance in front of the probe, µm.
        z_um: [f64; 2],
        /// Least distance of two units, µm.
        spacing_um: f64,
    },
    /// On the probe's mid-line, uniform along it: the eMouse simulators.
    MidLine {
        /// Distance in front of the probe for generators that need one, µm.
        z_um: [f64; 2],
    },
    /// Pairs of units on the mid-line, equally spaced: eMouse's `bPair`.
    Pairs {
        /// Distance within a pair, µm.
        distance_um: f64,
        /// Distance in front of the probe for generators that need one, µm.
        z_um: [f64; 2],
    },
    /// Gaussian layers, equally spaced along the shank, otherwise as `uniform`.
    Layers {
        /// Number of layers.
        n: usize,
        /// µm, across the shank.
        margin_x_um: f64,
        /// Distance in front of the probe, µm.
        z_um: [f64; 2],
        /// Least distance of two units, µm.
        spacing_um: f64,
    },
}

impl Default for Placement {
    fn default() -> Self {
        Self::Uniform {
            margin_x_um: 5.0,
            margin_y_um: 20.0,
            z_um: [10.0, 45.0],
            spacing_um: 18.0,
        }
    }
}

/// How large a unit's waveform is, at zero displacement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Target {
    /// As the generator makes it.
    AsGenerated,
    /// Largest minus smallest value of a library unit's whole footprint, µV (eMouse's `norm_amp` times the noise). For
    /// generated waveforms the same on the probe's contacts.
    Footprint {
        /// µV.
        ptp_uv: f64,
    },
    /// Peak-to-peak of the largest contact, log-normal and clipped.
    OnProbe {
        /// µV.
        median_uv: f64,
        /// Standard deviation of the logarithm.
        log_sd: f64,
        /// Clipped to this range, µV.
        range_uv: [f64; 2],
    },
    /// Trough of the largest contact over that contact's noise: `[probability, SNR]` quantiles, linear in between; unit
    /// i of n gets the quantile (i + 1/2) / n, in random order.
    Snr {
        /// Probabilities rising from 0 to 1.
        quantiles: Vec<[f64; 2]>,
    },
    /// Root of the sum of squares over all contacts and samples, over the noise: base + scale Exp(1) (Kilosort4's
    /// amplitudes in units of the whitened noise).
    Norm {
        /// Least value.
        base: f64,
        /// Mean excess.
        scale: f64,
    },
}

/// Small units that a sorter is not expected to find. Their spikes are in `truth/background_*.npy`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Background {
    /// Distant units that make the "hash". Default 0.
    pub n_hash: usize,
    /// Their distance from the shank's axis, µm. Default 60 to 180.
    pub distance_um: [f64; 2],
    /// Median of their rates, Hz; the logarithm's standard deviation is 0.9. Default 4.
    pub rate_hz: f64,
    /// Level of the hash, µV rms averaged over channels; 0 = as generated. Default 0.
    pub rms_uv: f64,
    /// Multi-unit activity: units as large as this many noise levels, uniform. Default 0 units.
    pub n_mua: usize,
    /// Least and largest SNR of multi-unit activity. Default 0.5 to 2.
    pub mua_snr: [f64; 2],
}

impl Default for Background {
    fn default() -> Self {
        Self {
            n_hash: 0,
            distance_um: [60.0, 180.0],
            rate_hz: 4.0,
            rms_uv: 0.0,
            n_mua: 0,
            mua_snr: [0.5, 2.0],
        }
    }
}
