//! A made-up truth and what two sorters make of it.

use ferrosort_core::{RunKind, RunUnit, SortingRun, SpikeTable, TemplateSet, TemplateUnit};
use ferrosort_report::model::{Array, Features, Kept, MetricColumn, Part, Run, Truth};
use ndarray::{Array2, Array3};

use super::{Draws, RATE_HZ, Size, probe};

/// Truth and sortings; `origin_*` tells which truth unit each sorted unit is made of.
pub struct World {
    pub truth: SortingRun,
    pub a: SortingRun,
    pub b: SortingRun,
    pub origin_a: Vec<Option<usize>>,
    pub origin_b: Vec<Option<usize>>,
}

impl World {
    pub fn new(size: &Size) -> Self {
        let mut draws = Draws::new(42);
        let mut trains = Vec::new();
        for _ in 0..size.units {
            let rate = size.mean_rate_hz * (0.2 + 1.6 * draws.uniform());
            let (mut t, mut train) = (0.0, Vec::new());
            loop {
                t += 0.003 - draws.uniform().max(1e-9).ln() / rate;
                if t >= size.duration_s {
                    break;
                }
                train.push((t * RATE_HZ) as i64);
            }
            trains.push(train);
        }
        let amplitudes: Vec<f64> = (0..size.units)
            .map(|_| 30.0 + 220.0 * draws.uniform().powi(2))
            .collect();
        let height = (size.channels / 2) as f64 * 20.0;
        let places: Vec<[f64; 2]> = (0..size.units)
            .map(|_| [32.0 * draws.uniform(), height * draws.uniform()])
            .collect();
        let ids: Vec<String> = (0..size.units).map(|u| format!("t{u}")).collect();
        let truth = assemble(
            "truth",
            RunKind::Truth,
            size,
            &ids,
            &trains,
            &amplitudes,
            &places,
            &mut draws,
        );
        let (a, origin_a) = sort("kilosort2", size, &trains, &amplitudes, &places, 0.0, &mut draws);
        let (b, origin_b) = sort("pykilosort", size, &trains, &amplitudes, &places, 0.07, &mut draws);
        Self {
            truth,
            a,
            b,
            origin_a,
            origin_b,
        }
    }
}

fn sort(
    name: &str,
    size: &Size,
    trains: &[Vec<i64>],
    amplitudes: &[f64],
    places: &[[f64; 2]],
    worse: f64,
    draws: &mut Draws,
) -> (SortingRun, Vec<Option<usize>>) {
    let (mut found, mut sizes, mut at, mut origins) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for u in 0..trains.len() {
        let easy = 1.0 / (1.0 + (-(amplitudes[u] - 55.0) / 12.0).exp());
        if draws.uniform() > easy + 0.15 {
            continue;
        }
        let keep = (0.55 + 0.45 * easy - worse).min(0.995);
        let mut train: Vec<i64> = Vec::new();
        for &t in &trains[u] {
            if draws.uniform() < keep {
                train.push((t + draws.below(5) as i64 - 2).max(0));
            }
        }
        let foreign = (train.len() as f64 * 0.3 * (1.0 - easy)) as usize;
        train.extend((0..foreign).map(|_| (draws.uniform() * size.duration_s * RATE_HZ) as i64));
        if u % 13 == 5 && u + 1 < trains.len() {
            train.extend(&trains[u + 1]);
        }
        train.sort_unstable();
        found.push(train);
        sizes.push(amplitudes[u] * (0.95 + 0.1 * draws.uniform()));
        at.push([places[u][0] + 3.0 * draws.normal(), places[u][1] + 3.0 * draws.normal()]);
        origins.push(Some(u));
    }
    for _ in 0..2 {
        let n = 300 + draws.below(600);
        let mut train: Vec<i64> = (0..n)
            .map(|_| (draws.uniform() * size.duration_s * RATE_HZ) as i64)
            .collect();
        train.sort_unstable();
        found.push(train);
        sizes.push(35.0);
        at.push([10.0, draws.uniform() * 400.0]);
        origins.push(None);
    }
    let ids: Vec<String> = (0..found.len()).map(|u| u.to_string()).collect();
    let mut run = assemble(name, RunKind::Phy, size, &ids, &found, &sizes, &at, draws);
    run.program = Some(format!("{name} 2.0"));
    (run, origins)
}

#[allow(clippy::too_many_arguments)]
fn assemble(
    name: &str,
    kind: RunKind,
    size: &Size,
    ids: &[String],
    trains: &[Vec<i64>],
    amplitudes: &[f64],
    places: &[[f64; 2]],
    draws: &mut Draws,
) -> SortingRun {
    let mut run = SortingRun::new(name, format!("/data/{name}"), kind);
    let probe = probe(size.channels);
    let n = trains.len();
    let mut waveforms = Array3::<f32>::zeros((n, 61, size.channels));
    let mut similarity = Array2::<f32>::zeros((n, n));
    for u in 0..n {
        for (c, contact) in probe.contacts.iter().enumerate() {
            let distance = ((contact.x_um - places[u][0]).powi(2) + (contact.y_um - places[u][1]).powi(2)).sqrt();
            let scale = amplitudes[u] * (-distance / 28.0).exp();
            if scale < 0.02 * amplitudes[u] {
                continue;
            }
            let (width, late) = (3.0 + (u % 4) as f64, 20.0 + distance / 40.0);
            for t in 0..61 {
                let x = (t as f64 - late) / width;
                let y = (t as f64 - late - 2.6 * width) / (2.2 * width);
                waveforms[[u, t, c]] = (scale * (-(-x * x).exp() + 0.42 * (-y * y).exp())) as f32;
            }
        }
        for v in 0..n {
            let d = (places[u][0] - places[v][0]).hypot(places[u][1] - places[v][1]);
            similarity[[u, v]] = ((-d / 40.0).exp() * if (u % 4) == (v % 4) { 1.0 } else { 0.9 }) as f32;
        }
    }
    let mut spikes: Vec<(i64, u32)> = trains
        .iter()
        .enumerate()
        .flat_map(|(u, t)| t.iter().map(move |&s| (s, u as u32)))
        .collect();
    spikes.sort_unstable();
    let drift = |s: i64| 12.0 * (s as f64 / RATE_HZ / size.duration_s * 7.0).sin();
    run.spikes = SpikeTable {
        samples: spikes.iter().map(|s| s.0).collect(),
        units: spikes.iter().map(|s| s.1).collect(),
        amplitudes: Some(
            spikes
                .iter()
                .map(|s| (amplitudes[s.1 as usize] * (1.0 + 0.09 * draws.normal())) as f32)
                .collect(),
        ),
        depths_um: Some(
            spikes
                .iter()
                .map(|s| (places[s.1 as usize][1] + drift(s.0) + 4.0 * draws.normal()) as f32)
                .collect(),
        ),
        scores: None,
    };
    run.units = (0..n)
        .map(|u| {
            let contamination = (60.0 * (-amplitudes[u] / 40.0).exp() * draws.uniform()).max(0.0);
            RunUnit {
                id: ids[u].clone(),
                label: (kind != RunKind::Truth).then(|| if contamination < 8.0 { "good" } else { "mua" }.into()),
                contamination_pct: Some(contamination),
                position_um: Some([places[u][0], places[u][1], 0.0]),
                snr: Some(amplitudes[u] / 14.0),
                ptp_uv: Some(amplitudes[u] * 1.4),
                best_channel: None,
                class: None,
                is_background: false,
            }
        })
        .collect();
    run.probe = Some(probe);
    run.sample_rate = Some(RATE_HZ);
    run.templates = Some(TemplateSet {
        waveforms,
        spike_at: 20,
        unit: TemplateUnit::Microvolts,
    });
    run.similarity = Some(similarity);
    run.amplitude_unit = "µV".into();
    run
}

/// Metrics, individual waveforms, densities and features.
pub fn decorate(view: &mut Run, run: &SortingRun, world: &World) {
    let mut draws = Draws::new(view.units.len() as u64 + 3);
    let n = view.units.len();
    let column = |name: &str, label: &str, unit: &str, values: Vec<f64>| MetricColumn {
        name: name.into(),
        label: label.into(),
        unit: unit.into(),
        values: Array::list(values),
        ..MetricColumn::default()
    };
    view.metrics = vec![
        column(
            "firing_rate",
            "rate",
            "Hz",
            view.units.iter().map(|u| u.rate_hz.unwrap_or(f64::NAN)).collect(),
        ),
        MetricColumn {
            suspicious_below: Some(0.9),
            meaning: "it is silent for long".into(),
            ..column(
                "presence_ratio",
                "presence",
                "",
                (0..n).map(|_| (0.7 + draws.uniform() * 0.5).min(1.0)).collect(),
            )
        },
        MetricColumn {
            suspicious_above: Some(0.5),
            meaning: "too many intervals are shorter than a neuron can fire".into(),
            ..column(
                "isi_violations_ratio",
                "ISI violations",
                "",
                (0..n).map(|_| draws.uniform().powi(4)).collect(),
            )
        },
        MetricColumn {
            suspicious_above: Some(0.1),
            meaning: "its smallest spikes seem to be missing".into(),
            ..column(
                "amplitude_cutoff",
                "amplitude cutoff",
                "",
                (0..n).map(|_| draws.uniform().powi(3) * 0.3).collect(),
            )
        },
        column(
            "snr",
            "SNR",
            "",
            view.units.iter().map(|u| u.snr.unwrap_or(f64::NAN)).collect(),
        ),
        column(
            "sliding_rp_violation",
            "sliding RP",
            "",
            (0..n)
                .map(|u| if u % 3 == 0 { f64::NAN } else { 0.3 * draws.uniform() })
                .collect(),
        ),
    ];
    if run.kind != RunKind::Truth && !world.truth.units.is_empty() {
        for unit in view.units.iter_mut().take(60) {
            let Part::Available(waves) = &mut unit.waveforms else {
                continue;
            };
            let best = unit
                .main_channel
                .and_then(|c| waves.channels.iter().position(|&x| x == c))
                .unwrap_or(0);
            let mean: Vec<f64> = waves.mean.values()[best * 61..(best + 1) * 61].to_vec();
            let mut all = Vec::new();
            for _ in 0..60 {
                let scale = 1.0 + 0.09 * draws.normal();
                all.extend(mean.iter().map(|v| v * scale + 7.0 * draws.normal()));
            }
            let low = all.iter().copied().fold(f64::INFINITY, f64::min);
            let high = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mut density = vec![0.0; 40 * 61];
            for (i, v) in all.iter().enumerate() {
                density[(((v - low) / (high - low) * 39.0) as usize) * 61 + i % 61] += 1.0;
            }
            waves.individual = Array::new(&[60, 61], all, Kept::Levels8);
            waves.density = Array::new(&[40, 61], density, Kept::Levels8);
            waves.density_range = [low, high];
            let mut cloud = |cx: f64, cy: f64, n: usize| {
                let values = (0..n * 2)
                    .map(|i| if i % 2 == 0 { cx } else { cy } + draws.normal())
                    .collect();
                Array::new(&[n, 2], values, Kept::Levels8)
            };
            unit.features = Part::Available(Features {
                x_label: "PC1 of the best channel".into(),
                y_label: "PC1 of the second channel".into(),
                own: cloud(4.0, 3.0, 200),
                background: cloud(0.0, 0.0, 300),
            });
        }
    }
}

/// Verdicts of sampled spikes, drawn to fit precision and recall.
pub fn verdicts(views: &mut [Run], truth: &Truth) {
    let mut draws = Draws::new(5);
    for comparison in &truth.comparisons {
        for (i, tested) in comparison.tested.iter().enumerate() {
            let Some(unit) = *tested else { continue };
            let precision = comparison.precision.values()[i];
            if let Part::Available(spikes) = &mut views[comparison.run].units[unit].spikes {
                let n = spikes.times_s.len();
                let verdicts = (0..n)
                    .map(|_| f64::from(u8::from(draws.uniform() < precision)))
                    .collect();
                spikes.verdicts = Array::new(&[n], verdicts, Kept::Levels8);
            }
        }
    }
}
