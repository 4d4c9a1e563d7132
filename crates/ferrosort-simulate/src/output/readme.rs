//! `README.md` of a simulated folder.

use std::path::Path;

use ferrosort_core::Result;

use super::GENERATOR;
use super::arrays::write_text;
use crate::simulation::Simulation;

impl Simulation {
    pub(super) fn write_readme(&self, folder: &Path) -> Result<()> {
        let s = &self.settings;
        let mut more = String::new();
        if s.files.emouse {
            more += "| `eMouseGroundTruth.mat`, `eMouseSimRecord.mat`, `chanMap.mat` | truth and channel map in the layout of the \
                     eMouse simulators (1-based) |\n";
        }
        if s.files.kilosort4 {
            more += "| `kilosort4_params.npz` | truth in the layout of Kilosort4's simulator |\n";
        }
        let text = format!(
            "# Simulated recording\n\n\
             Made by {GENERATOR} from the preset `{}`: {} s at {} Hz, {} channels ({}), {} units, {} small background \
             units. All settings are in `truth/sim.json` under `parameters`; the same settings give the same bytes.\n\n\
             | file | content |\n| --- | --- |\n\
             | `recording.bin` | int16, little-endian, all channels of sample 0, then of sample 1; {} µV per count |\n\
             | `meta.json` | sample rate, channels, samples, gain |\n\
             | `probe.json` | contacts in the probeinterface format; -1 = not connected, zero in the recording |\n\
             | `truth/spike_samples.npy` | sample of each spike's trough on its largest contact, 0-based, ascending |\n\
             | `truth/spike_times_exact.npy` | the same with fractions of a sample |\n\
             | `truth/spike_units.npy` | row of `units.csv`, 0-based |\n\
             | `truth/spike_amplitudes.npy` | factor on the unit's waveform |\n\
             | `truth/spike_depths.npy`, `spike_ptp_uV.npy` | place of the unit along the probe (µm) and peak to peak (µV) at that moment |\n\
             | `truth/spike_overlap.npy` | 0 alone, 1 another unit within 1 ms, 2 such a unit at the same place |\n\
             | `truth/units.csv` | class, position (µm), rate (Hz), sizes (µV), best channel, SNR of each unit |\n\
             | `truth/templates.npy` | units x samples x connected channels, µV, at zero displacement; trough on sample `n0` of `sim.json` |\n\
             | `truth/displacement.npy` | times x depths, µm; see `displacement_times.npy` (s), `displacement_depths.npy` (µm) |\n\
             | `truth/unit_displacements.npy` | times x units, µm |\n\
             | `truth/background_*.npy`, `background_units.csv` | spikes and units of the background, not to be found |\n\
             | `truth/sorting.npz` | the true sorting for SpikeInterface's `read_npz_sorting` |\n\
             | `truth/bad_channels.csv`, `artifacts.csv` | disturbances, when there are any |\n{more}",
            s.preset,
            s.duration_s,
            s.sample_rate_hz,
            self.n_channels(),
            self.probe.name,
            self.units.len(),
            self.background.len(),
            self.gain_uv(),
        );
        write_text(&folder.join("README.md"), &text)
    }
}
