//! Analogue-to-digital converters: how many counts a microvolt is.

/// A converter with a fixed gain before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adc {
    /// Device, for people and files.
    pub name: &'static str,
    /// Resolution, bits.
    pub bits: u32,
    /// Counts per µV at the input of the amplifier.
    pub counts_per_uv: f64,
}

/// A converter of `bits` bits over `range_v` V peak to peak behind an amplifier of this gain.
const fn converter(name: &'static str, bits: u32, range_v: f64, gain: f64) -> Adc {
    Adc {
        name,
        bits,
        counts_per_uv: (1u64 << bits) as f64 * gain / (range_v * 1e6),
    }
}

impl Adc {
    /// Neuropixels 1.0 (also phases 3A and 3B) at gain 500 of the action potential band: 2.34375 µV a count.
    pub const NEUROPIXELS_1: Self = converter("Neuropixels 1.0", 10, 1.2, 500.0);
    /// Neuropixels 2.0 of the first series, 14 bits: 0.762939 µV a count.
    pub const NEUROPIXELS_2_14_BIT: Self = converter("Neuropixels 2.0, 14 bit", 14, 1.0, 80.0);
    /// Neuropixels 2.0 as sold (2003, 2013), 12 bits: 3.027344 µV a count.
    pub const NEUROPIXELS_2: Self = converter("Neuropixels 2.0", 12, 1.24, 100.0);
    /// Intan RHD amplifier chips: 0.195 µV a count.
    pub const INTAN: Self = Self {
        name: "Intan RHD",
        bits: 16,
        counts_per_uv: 1.0 / 0.195,
    };
    /// The eMouse simulator of Kilosort2: Neuropixels 2.0 with 14 bits, rounded to 1.3107 counts a µV.
    pub const EMOUSE: Self = Self {
        name: "eMouse",
        bits: 16,
        counts_per_uv: 1.3107,
    };

    /// µV of one count.
    pub fn uv_per_count(self) -> f64 {
        1.0 / self.counts_per_uv
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_per_microvolt_are_those_of_the_data_sheets() {
        for (adc, counts, uv) in [
            (Adc::NEUROPIXELS_1, 0.426667, 2.34375),
            (Adc::NEUROPIXELS_2_14_BIT, 1.310720, 0.762939),
            (Adc::NEUROPIXELS_2, 0.330323, 3.027344),
            (Adc::INTAN, 5.128205, 0.195),
        ] {
            assert!((adc.counts_per_uv - counts).abs() < 5e-7, "{}", adc.name);
            assert!((adc.uv_per_count() - uv).abs() < 5e-7, "{}", adc.name);
        }
    }
}
