//! A made-up report of realistic size: a truth, two sortings of it, everything the page can show.
#![allow(clippy::unwrap_used, dead_code)]

mod compared;
mod intermediates;
mod runs;
mod trains;
mod view;

use self::view::{RunViewOptions, run_view};
use ferrosort_core::{Probe, SortingRun};
use ferrosort_report::Report;
use ferrosort_report::model::{Array, Kept};
use ferrosort_report::model::{
    Fact, FileRow, ParameterRow, Part, Quality, Roc, RuleCount, Stage, TracePanel, TraceSpike, Traces,
};

/// Samples per second.
pub const RATE_HZ: f64 = 30_000.0;

/// Random numbers that are the same everywhere.
pub struct Draws(u64);

impl Draws {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(3_037_000_493))
    }

    /// Between 0 and 1.
    pub fn uniform(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Nearly normal.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }
}

/// Sizes of a made-up report.
pub struct Size {
    pub units: usize,
    pub channels: usize,
    pub duration_s: f64,
    pub mean_rate_hz: f64,
}

/// Forty units on 64 channels, two minutes.
pub const SMALL: Size = Size {
    units: 40,
    channels: 64,
    duration_s: 120.0,
    mean_rate_hz: 6.0,
};

/// As much as every section needs, and no more.
pub const TINY: Size = Size {
    units: 6,
    channels: 16,
    duration_s: 20.0,
    mean_rate_hz: 6.0,
};

/// 400 units on 384 channels, a million spikes in the truth and each sorting.
pub const LARGE: Size = Size {
    units: 400,
    channels: 384,
    duration_s: 600.0,
    mean_rate_hz: 4.2,
};

/// Two columns of contacts, 20 µm apart.
pub fn probe(channels: usize) -> Probe {
    let mut probe = Probe::line(channels, 20.0);
    probe.name = "two staggered columns".into();
    for (c, contact) in probe.contacts.iter_mut().enumerate() {
        contact.x_um = if c % 2 == 0 { 0.0 } else { 32.0 };
        contact.y_um = (c / 2) as f64 * 20.0 + if c % 4 < 2 { 0.0 } else { 2.0 };
    }
    probe
}

/// Everything.
pub fn report(size: &Size) -> Report {
    let world = runs::World::new(size);
    let runs = [&world.truth, &world.a, &world.b];
    let options = RunViewOptions {
        duration_s: size.duration_s,
        ..RunViewOptions::default()
    };
    let mut views: Vec<_> = runs.iter().map(|run| run_view(run, &options)).collect();
    for (view, run) in views.iter_mut().zip(runs) {
        runs::decorate(view, run, &world);
    }
    views[1].run_time_s = Some(84.2);
    views[2].run_time_s = Some(131.5);
    for (view, scale) in views[1..].iter_mut().zip([1.0, 1.6]) {
        let stages = [
            ("preprocess", 12.1),
            ("order batches", 20.4),
            ("learn templates", 31.0),
            ("final pass", 15.2),
            ("curate", 5.5),
        ];
        view.stages = stages
            .map(|(name, seconds)| Stage {
                name: name.into(),
                seconds: seconds * scale,
            })
            .to_vec();
    }
    let truth = compared::truth(&world);
    runs::verdicts(&mut views, &truth);
    Report {
        title: "Simulated recording, two staggered columns".into(),
        generator: "ferrosort 0.1.0".into(),
        sample_rate_hz: Some(RATE_HZ),
        duration_s: Some(size.duration_s),
        warnings: vec!["Parameter Th is [10, 4] in kilosort2 and [6, 2] in pykilosort.".into()],
        probe: Part::Available((&probe(size.channels)).into()),
        parameters: parameters(),
        files: files(),
        intermediates: Part::Available(intermediates::intermediates(size)),
        outputs: Part::Available(compared::outputs(&world, &views)),
        agreement: Part::Available(compared::agreement(&world)),
        truth: Part::Available(truth),
        quality: Part::Available(quality()),
        drift: Part::Available(intermediates::drift(&world, size)),
        traces: Part::Available(traces(&world.a, size)),
        runs: views,
        ..Report::default()
    }
}

fn parameters() -> Vec<ParameterRow> {
    let row = |name: &str, values: [Option<&str>; 3], differs| ParameterRow {
        name: name.into(),
        values: values.iter().map(|v| v.map(String::from)).collect(),
        differs,
    };
    vec![
        row("fs", [Some("30000"), Some("30000"), Some("30000")], false),
        row("NT", [None, Some("65600"), Some("65600")], false),
        row("Th", [None, Some("[10, 4]"), Some("[6, 2]")], true),
        row("lam", [None, Some("10"), Some("10")], false),
        row("minFR", [None, Some("0.02"), None], false),
    ]
}

fn files() -> Vec<FileRow> {
    let row = |run, name: &str, bytes, dtype: &str, shape: &str| FileRow {
        run,
        name: name.into(),
        bytes: Some(bytes),
        dtype: dtype.into(),
        shape: shape.into(),
    };
    vec![
        row(1, "spike_times.npy", 240_128, "int64", "29 984"),
        row(1, "templates.npy", 1_234_432, "float32", "40 × 61 × 64"),
        row(2, "spike_times.npy", 251_208, "int64", "31 385"),
    ]
}

fn quality() -> Quality {
    let rule = |name: &str, rule: &str, units: [usize; 3]| RuleCount {
        name: name.into(),
        rule: rule.into(),
        units: units.map(Some).to_vec(),
    };
    let curve = |run, metric: &str, power: f64| Roc {
        run,
        metric: metric.into(),
        area: Some(1.0 - power / (power + 1.0)),
        false_positive_rate: Array::list((0..=20).map(|i| f64::from(i) / 20.0).collect()),
        true_positive_rate: Array::list((0..=20).map(|i| (f64::from(i) / 20.0).powf(power)).collect()),
    };
    Quality {
        rules: vec![
            rule(
                "good",
                "presence > 0.9, ISI violations < 0.5, amplitude cutoff < 0.1, SNR > 3, at least 50 spikes",
                [38, 27, 25],
            ),
            rule("low contamination", "contamination < 10 %", [40, 31, 29]),
        ],
        roc: vec![
            curve(1, "snr", 0.2),
            curve(1, "isi_violations_ratio", 0.5),
            curve(2, "snr", 0.3),
        ],
    }
}

fn traces(run: &SortingRun, size: &Size) -> Traces {
    let samples = 1500;
    let channels: Vec<usize> = (0..16).map(|c| c * 2 % size.channels).collect();
    let mut draws = Draws::new(7);
    let templates = run.templates.as_ref().unwrap();
    let spikes: Vec<(i64, usize)> = run
        .spikes
        .samples
        .iter()
        .zip(&run.spikes.units)
        .filter(|(s, _)| **s < samples as i64)
        .map(|(&s, &u)| (s, u as usize))
        .collect();
    let mut panel = |title: &str, noise: f64, with_spikes: f64| {
        let mut values: Vec<f64> = (0..channels.len() * samples).map(|_| draws.normal() * noise).collect();
        for &(at, unit) in &spikes {
            for (row, &channel) in channels.iter().enumerate() {
                for t in 0..61 {
                    let place = at + t as i64 - 20;
                    if (0..samples as i64).contains(&place) {
                        values[row * samples + place as usize] +=
                            with_spikes * f64::from(templates.waveforms[[unit, t, channel]]);
                    }
                }
            }
        }
        TracePanel {
            title: title.into(),
            unit: "µV".into(),
            values: Array::new(&[channels.len(), samples], values, Kept::Levels16),
        }
    };
    let panels = vec![
        panel("raw", 8.0, 1.0),
        panel("processed", 5.0, 1.0),
        panel("residual", 5.0, 0.1),
    ];
    Traces {
        start_sample: 0,
        panels,
        spikes: spikes
            .iter()
            .enumerate()
            .map(|(i, &(sample, unit))| TraceSpike {
                sample,
                run: 1,
                unit,
                channel: channels[unit % channels.len()],
                verdict: ["TP", "TP", "FP", "FN"][i % 4].into(),
            })
            .collect(),
        channels,
        facts: vec![Fact::number("peaks left above 6 sd", 3.0, "")],
    }
}
