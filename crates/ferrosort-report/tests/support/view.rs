//! A run of the page from the result of a sorter.

use ferrosort_core::{RunKind, SortingRun, TemplateSet, TemplateUnit};
use ndarray::ArrayView2;

use super::trains::{correlogram, even_choice, interval_histogram, presence, rate_over_time};
use ferrosort_report::model::{Array, Kept, Part, Raster, Role, Run, SimilarUnit, SpikeSample, Unit, UnitWaveforms};

/// Sizes of what the page keeps of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunViewOptions {
    /// Samples per second, for runs that do not tell.
    pub sample_rate_hz: f64,
    /// Length of the recording, s.
    pub duration_s: f64,
    /// Most spikes kept of all units together; each unit gets an even share, between 100 and 2000.
    pub most_spikes: usize,
    /// Similar units listed per unit.
    pub most_similar: usize,
    /// Similarity from which another unit is listed.
    pub least_similarity: f64,
    /// Window of the raster, s.
    pub raster_window_s: [f64; 2],
}

impl Default for RunViewOptions {
    /// 30 kHz, 120 000 spikes, four similar units of 0.2 or more, a raster of the first two seconds.
    fn default() -> Self {
        Self {
            sample_rate_hz: 30_000.0,
            duration_s: 0.0,
            most_spikes: 120_000,
            most_similar: 4,
            least_similarity: 0.2,
            raster_window_s: [0.0, 2.0],
        }
    }
}

/// What the page shows of a run: its units with waveforms, correlograms, intervals, some spikes, rates and similar units,
/// a raster and a presence map. Metrics, features, individual waveforms and verdicts are left to the caller.
pub fn run_view(run: &SortingRun, options: &RunViewOptions) -> Run {
    let rate_hz = run.sample_rate.unwrap_or(options.sample_rate_hz);
    let view = View {
        run,
        options,
        rate_hz,
        trains: run.trains(),
        places: spike_places(run),
    };
    let is_truth = run.kind == RunKind::Truth;
    Run {
        name: run.name.clone(),
        role: if is_truth { Role::Truth } else { Role::Sorting },
        program: run.program.clone().unwrap_or_default(),
        source: run.source.display().to_string(),
        run_time_s: run.run_time_s,
        n_spikes: run.spikes.len() as u64,
        amplitude_unit: run.amplitude_unit.clone(),
        waveform_unit: waveform_unit(run).into(),
        units: (0..run.units.len()).map(|unit| view.unit(unit)).collect(),
        raster: Part::Available(view.raster()),
        presence: Part::Available(presence(&view.trains, rate_hz, options.duration_s, 300)),
        ..Run::default()
    }
}

struct View<'a> {
    run: &'a SortingRun,
    options: &'a RunViewOptions,
    rate_hz: f64,
    trains: Vec<Vec<i64>>,
    /// Places in the spike table of each unit's spikes.
    places: Vec<Vec<usize>>,
}

fn spike_places(run: &SortingRun) -> Vec<Vec<usize>> {
    let mut places = vec![Vec::new(); run.units.len()];
    for (place, &unit) in run.spikes.units.iter().enumerate() {
        if let Some(list) = places.get_mut(unit as usize) {
            list.push(place);
        }
    }
    places
}

fn templates(run: &SortingRun) -> Option<&TemplateSet> {
    run.physical_templates.as_ref().or(run.templates.as_ref())
}

fn waveform_unit(run: &SortingRun) -> &'static str {
    match templates(run).map(|t| t.unit) {
        Some(TemplateUnit::Microvolts) => "µV",
        Some(TemplateUnit::Counts) => "counts",
        Some(TemplateUnit::Whitened) => "whitened",
        None => "",
    }
}

impl View<'_> {
    fn unit(&self, unit: usize) -> Unit {
        let source = &self.run.units[unit];
        let train = &self.trains[unit];
        let waveforms = templates(self.run).and_then(|t| unit_waveforms(t, unit));
        let best = waveforms.as_ref().map(|w| w.1);
        let [x_um, y_um] = self.position(unit, source.best_channel.or(best));
        let seconds = self.options.duration_s;
        Unit {
            id: source.id.clone(),
            label: source.label.clone().unwrap_or_default(),
            class: source.class.clone().unwrap_or_default(),
            n_spikes: train.len() as u64,
            rate_hz: (seconds > 0.0).then(|| train.len() as f64 / seconds),
            x_um,
            y_um,
            main_channel: source.best_channel.or(best),
            amplitude_uv: source.ptp_uv,
            snr: source.snr,
            contamination_pct: source.contamination_pct,
            waveforms: waveforms.map_or_else(|| Part::missing("the run has no templates"), |w| Part::Available(w.0)),
            autocorrelogram: Part::Available(correlogram(train, train, true, self.rate_hz, seconds, 100.0, 1.0)),
            isi: Part::Available(interval_histogram(train, self.rate_hz)),
            spikes: Part::Available(self.spike_sample(unit)),
            rate_over_time: Part::Available(rate_over_time(train, self.rate_hz, seconds, rate_bin_s(seconds))),
            similar: self.similar(unit),
            features: Part::missing("the run has no features"),
        }
    }

    fn position(&self, unit: usize, best: Option<usize>) -> [Option<f64>; 2] {
        if let Some([x, y, _]) = self.run.units[unit].position_um {
            return [Some(x), Some(y)];
        }
        let contact = self.run.probe.as_ref().zip(best).and_then(|(p, c)| p.contacts.get(c));
        [contact.map(|c| c.x_um), contact.map(|c| c.y_um)]
    }

    fn spike_sample(&self, unit: usize) -> SpikeSample {
        let share = self.options.most_spikes / self.run.units.len().max(1);
        let places = &self.places[unit];
        let chosen: Vec<usize> = even_choice(places.len(), share.clamp(100, 2000))
            .into_iter()
            .map(|i| places[i])
            .collect();
        let spikes = &self.run.spikes;
        let column = |values: &Option<Vec<f32>>| {
            values.as_ref().map_or_else(Array::default, |v| {
                Array::points(chosen.iter().map(|&p| v.get(p).map_or(f64::NAN, |&x| f64::from(x))))
                    .kept_as(Kept::Levels8)
            })
        };
        SpikeSample {
            times_s: Array::points(chosen.iter().map(|&p| spikes.samples[p] as f64 / self.rate_hz)),
            amplitudes: column(&spikes.amplitudes),
            depths_um: column(&spikes.depths_um),
            verdicts: Array::default(),
        }
    }

    fn similar(&self, unit: usize) -> Vec<SimilarUnit> {
        let Some(matrix) = &self.run.similarity else {
            return Vec::new();
        };
        let Some(row) = matrix.outer_iter().nth(unit) else {
            return Vec::new();
        };
        let mut others: Vec<(usize, f64)> = row
            .iter()
            .map(|&s| f64::from(s))
            .enumerate()
            .filter(|&(other, s)| other != unit && other < self.trains.len() && s >= self.options.least_similarity)
            .collect();
        others.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        others.truncate(self.options.most_similar);
        others
            .into_iter()
            .map(|(other, similarity)| self.similar_unit(unit, other, similarity))
            .collect()
    }

    fn similar_unit(&self, unit: usize, other: usize, similarity: f64) -> SimilarUnit {
        let (a, b) = (&self.trains[other], &self.trains[unit]);
        let cross = correlogram(a, b, false, self.rate_hz, self.options.duration_s, 100.0, 1.0);
        let counts = cross.counts.values();
        let middle = counts.len() / 2;
        let centre = f64::midpoint(counts[middle - 1], counts[middle]);
        let expected = cross.baseline.unwrap_or(0.0);
        SimilarUnit {
            unit: other,
            similarity,
            // Two bins of 1 ms around zero against what independent trains would have.
            merge_suggested: similarity > 0.7 && expected >= 3.0 && centre < 0.3 * expected,
            correlogram: Part::Available(cross),
        }
    }

    fn raster(&self) -> Raster {
        let [from, to] = self.options.raster_window_s;
        let spikes = &self.run.spikes;
        let inside = |sample: i64| (from..to).contains(&(sample as f64 / self.rate_hz));
        let chosen: Vec<usize> = (0..spikes.len()).filter(|&p| inside(spikes.samples[p])).collect();
        Raster {
            window_s: [from, to],
            times_s: Array::points(chosen.iter().map(|&p| spikes.samples[p] as f64 / self.rate_hz)),
            units: Array::integers(chosen.iter().map(|&p| i64::from(spikes.units[p]))),
        }
    }
}

/// Ten seconds, or a tenth of a short recording, or so long that there are 400 bins.
fn rate_bin_s(duration_s: f64) -> f64 {
    (duration_s / 400.0).max((duration_s / 10.0).clamp(0.1, 10.0))
}

/// Channels with more than a tenth of the largest peak to peak (24 at most, in channel order), and the best channel.
fn unit_waveforms(templates: &TemplateSet, unit: usize) -> Option<(UnitWaveforms, usize)> {
    let wave = templates.waveforms.outer_iter().nth(unit)?;
    let sizes = peak_to_peak(wave);
    let best = (0..sizes.len()).rev().max_by(|&a, &b| sizes[a].total_cmp(&sizes[b]))?;
    let mut channels: Vec<usize> = (0..sizes.len())
        .filter(|&c| sizes[c] > 0.1 * sizes[best] || c == best)
        .collect();
    channels.sort_by(|&a, &b| sizes[b].total_cmp(&sizes[a]).then(a.cmp(&b)));
    channels.truncate(24);
    channels.sort_unstable();
    let values = channels
        .iter()
        .flat_map(|&c| wave.column(c).into_iter().map(|&v| f64::from(v)))
        .collect();
    let waveforms = UnitWaveforms {
        spike_at: templates.spike_at,
        mean: Array::new(&[channels.len(), wave.nrows()], values, Kept::Levels16),
        channels,
        ..UnitWaveforms::default()
    };
    Some((waveforms, best))
}

fn peak_to_peak(wave: ArrayView2<'_, f32>) -> Vec<f64> {
    let size = |column: ndarray::ArrayView1<'_, f32>| {
        let high = column.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let low = column.iter().copied().fold(f32::INFINITY, f32::min);
        if high >= low { f64::from(high - low) } else { 0.0 }
    };
    wave.columns().into_iter().map(size).collect()
}
