//! All templates of a run, each on its own best channel and with the trough at 0.

use ferrosort_core::TemplateSet;
use serde::Serialize;

use super::pairs::peak_to_peak;

/// The waveform of a unit on the channel with its largest peak-to-peak.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BestChannelWaveform {
    /// Place of the unit.
    pub unit: usize,
    /// Its best channel, the first of equals.
    pub channel: usize,
    /// Sample of the first value, counted from the trough (the first smallest value).
    pub first_sample: i64,
    /// The template on that channel.
    pub values: Vec<f32>,
}

/// Waveforms of all units whose template is not zero.
pub fn best_channel_waveforms(templates: &TemplateSet) -> Vec<BestChannelWaveform> {
    let outer = templates.waveforms.outer_iter().enumerate();
    outer
        .filter_map(|(unit, template)| {
            let mut best = (0, 0.0_f32);
            for channel in 0..template.ncols() {
                let height = peak_to_peak(template, channel);
                if height > best.1 {
                    best = (channel, height);
                }
            }
            (best.1 > 0.0).then(|| on_channel(unit, best.0, template.column(best.0).to_vec()))
        })
        .collect()
}

/// Waveforms of all units on one channel, as the notebook shows them, from the first sample of the template; empty without that channel.
pub fn waveforms_on_channel(templates: &TemplateSet, channel: usize) -> Vec<Vec<f32>> {
    if channel >= templates.waveforms.dim().2 {
        return Vec::new();
    }
    templates
        .waveforms
        .outer_iter()
        .map(|template| template.column(channel).to_vec())
        .collect()
}

fn on_channel(unit: usize, channel: usize, values: Vec<f32>) -> BestChannelWaveform {
    let mut trough = 0;
    for (t, value) in values.iter().enumerate() {
        if *value < values[trough] {
            trough = t;
        }
    }
    BestChannelWaveform {
        unit,
        channel,
        first_sample: -(trough as i64),
        values,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ferrosort_core::TemplateUnit;
    use ndarray::Array3;

    #[test]
    fn every_unit_is_shown_on_its_best_channel_from_the_trough() {
        let values = vec![1.0, 0.0, -1.0, -5.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let templates = TemplateSet {
            waveforms: Array3::from_shape_vec((2, 3, 2), values).unwrap(),
            spike_at: 1,
            unit: TemplateUnit::Whitened,
        };
        let found = best_channel_waveforms(&templates);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].channel, found[0].first_sample), (1, -1));
        assert_eq!(found[0].values, [0.0, -5.0, 4.0]);
        assert_eq!(waveforms_on_channel(&templates, 0), [[1.0, -1.0, 0.0], [0.0, 0.0, 0.0]]);
        assert!(waveforms_on_channel(&templates, 2).is_empty());
    }
}
