//! Complete settings by name.

use super::{
    Background, Component, Converter, Course, DriftSettings, Files, FiringModel, FiringSettings, Generator, Noise,
    Placement, Profile, Rates, Recovery, Settings, Target, UnitSettings, Variation,
};

/// A named set of settings.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Name on the command line.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    make: fn() -> Settings,
}

impl Preset {
    /// The settings.
    pub fn settings(&self) -> Settings {
        let mut settings = (self.make)();
        settings.preset = self.name.into();
        settings
    }
}

/// All presets.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "neuropixels-1",
        about: "384 channels of Neuropixels 1.0, 0.75 units per site, hash and thermal noise, non-rigid drift",
        make: neuropixels_1,
    },
    Preset {
        name: "neuropixels-2-4shank",
        about: "384 channels on the four shanks of Neuropixels 2.0, otherwise like neuropixels-1",
        make: neuropixels_2,
    },
    Preset {
        name: "emouse-drift",
        about: "Kilosort2's eMouse_drift: 64 sites, 74 units of 167 µV, sine drift of 10 µm, 1200 s",
        make: emouse_drift,
    },
    Preset {
        name: "emouse-ks3",
        about: "eMouse_drift of Kilosort2.5 and 3: units of 250 µV, sine drift of 5 µm",
        make: emouse_ks3,
    },
    Preset {
        name: "emouse",
        about: "Kilosort1's eMouse: 34 channels at 25 kHz, 30 units, no drift, 1000 s",
        make: emouse,
    },
    Preset {
        name: "kilosort4-drift",
        about: "after Kilosort4's simulations: 384 channels, 150 units and 1000 small ones, non-rigid drift of 10 µm",
        make: kilosort4_drift,
    },
    Preset {
        name: "tetrode",
        about: "one tetrode, 8 units, hash and thermal noise",
        make: tetrode,
    },
    Preset {
        name: "linear-32",
        about: "32 contacts on a line 20 µm apart, 24 units, slow drift",
        make: linear_32,
    },
    Preset {
        name: "mea",
        about: "planar array of 32 x 32 contacts at 17.5 µm, 400 units, no drift",
        make: mea,
    },
    Preset {
        name: "easy",
        about: "64 channels, 20 units with SNR 8 to 20, no drift",
        make: easy,
    },
    Preset {
        name: "demo",
        about: "64 channels, 20 units with SNR 5 to 25, drift of 30 µm, 60 s: what `ferrosort demo` sorts",
        make: demo,
    },
    Preset {
        name: "drift-step",
        about: "64 channels, a jump of 20 µm in the middle",
        make: drift_step,
    },
    Preset {
        name: "drift-fast",
        about: "64 channels, jumps of 5 to 20 µm every 10 s",
        make: drift_fast,
    },
    Preset {
        name: "dense",
        about: "64 channels with 1.5 units per site",
        make: dense,
    },
    Preset {
        name: "bursting",
        about: "64 channels, most units burst, amplitudes fall within bursts",
        make: bursting,
    },
    Preset {
        name: "low-snr",
        about: "64 channels, 40 units with SNR 2 to 6",
        make: low_snr,
    },
    Preset {
        name: "chronic-transient",
        about: "64 channels, half of the units come and go, amplitudes wander",
        make: chronic,
    },
];

/// Bits of a converter that uses the whole range of `int16`.
const WIDE: u32 = 16;

fn smooth_knots(range_um: f64) -> Component {
    Component {
        course: Course::SmoothNoise {
            range_um,
            smooth_s: 20.0,
        },
        profile: Profile::Knots { n: 5, smooth: 1.0 },
    }
}

fn breathing() -> Component {
    Component {
        course: Course::Pulsation {
            amplitude_um: 1.0,
            frequency_hz: 2.0,
        },
        profile: Profile::Rigid,
    }
}

fn rigid(course: Course) -> Component {
    Component {
        course,
        profile: Profile::Rigid,
    }
}

fn drift(components: Vec<Component>) -> DriftSettings {
    DriftSettings {
        components,
        ..DriftSettings::default()
    }
}

fn neuropixels_1() -> Settings {
    Settings {
        background: Background {
            n_hash: 250,
            ..Background::default()
        },
        units: UnitSettings {
            least_ptp_uv: 25.0,
            ..UnitSettings::default()
        },
        drift: drift(vec![smooth_knots(20.0), breathing()]),
        ..Settings::default()
    }
}

fn neuropixels_2() -> Settings {
    let mut s = neuropixels_1();
    s.probe.name = "np2-4shank".into();
    s.noise = Noise::Thermal { rms_uv: [6.0, 7.0] };
    s.background.n_hash = 400;
    s
}

fn emouse_drift() -> Settings {
    let mut s = Settings {
        duration_s: 1200.0,
        units: UnitSettings {
            n: 74,
            library_exact: true,
            copies: 2,
            class_shares: [0.78, 0.22, 0.0],
            placement: Placement::MidLine { z_um: [15.0, 40.0] },
            target: Target::Footprint { ptp_uv: 167.0 },
            ..UnitSettings::default()
        },
        firing: emouse_firing(),
        drift: DriftSettings {
            grid_um: 0.5,
            components: vec![rigid(Course::Sine {
                amplitude_um: 10.0,
                period_s: 600.0,
            })],
            ..DriftSettings::default()
        },
        noise: Noise::Smoothed {
            rms_uv: 10.0,
            time_sd: 0.5,
            channel_sd: 0.5,
        },
        files: Files {
            emouse: true,
            ..Files::default()
        },
        ..Settings::default()
    };
    s.probe.name = "emouse-3b".into();
    s.probe.n_channels = 64;
    s.converter = Converter {
        counts_per_uv: 1.3107,
        bits: WIDE,
        gain_sd: 0.0,
    };
    s.amplitude.variation = Variation::Gamma { sd: 0.1 };
    s.amplitude.recovery.loss = 0.0;
    s
}

fn emouse_firing() -> FiringSettings {
    FiringSettings {
        model: FiringModel::Emouse,
        rates: Rates::Uniform {
            low_hz: 1.0,
            high_hz: 10.0,
        },
        refractory_fs_ms: 2.0,
        burst_share: 0.0,
        jitter: false,
        ..FiringSettings::default()
    }
}

fn emouse_ks3() -> Settings {
    let mut s = emouse_drift();
    s.units.target = Target::Footprint { ptp_uv: 250.5 };
    s.drift.components = vec![rigid(Course::Sine {
        amplitude_um: 5.0,
        period_s: 600.0,
    })];
    s
}

fn emouse() -> Settings {
    let mut s = emouse_drift();
    s.duration_s = 1000.0;
    s.sample_rate_hz = 25_000.0;
    s.probe.name = "emouse-k1".into();
    s.probe.n_channels = 0;
    s.units.n = 30;
    s.units.target = Target::Snr {
        quantiles: vec![[0.0, 3.0], [1.0, 8.0]],
    };
    s.noise = Noise::Smoothed {
        rms_uv: 10.0,
        time_sd: 3.0,
        channel_sd: 1.0,
    };
    s.drift = DriftSettings::default();
    // 200 counts for each standard deviation of the noise, which is 10 µV here.
    s.converter.counts_per_uv = 20.0;
    s.amplitude.variation = Variation::Gamma { sd: 0.25 };
    s
}

fn kilosort4_drift() -> Settings {
    let mut s = Settings {
        units: UnitSettings {
            n: 150,
            target: Target::Norm { base: 10.0, scale: 7.0 },
            ..UnitSettings::default()
        },
        noise: Noise::OneOverF {
            rms_uv: 10.0,
            from_hz: 300.0,
            length_um: 30.0,
        },
        background: Background {
            n_mua: 1000,
            mua_snr: [0.8, 2.0],
            rate_hz: 2.0,
            ..Background::default()
        },
        drift: DriftSettings {
            components: vec![rigid(Course::Kilosort4 {
                range_um: 10.0,
                smooth_batches: 50.0,
                step_um: 0.0,
            })],
            ..DriftSettings::default()
        },
        files: Files {
            kilosort4: true,
            ..Files::default()
        },
        ..Settings::default()
    };
    s.amplitude.variation = Variation::None;
    s.amplitude.recovery = Recovery {
        loss: 0.0,
        ..Recovery::default()
    };
    s
}

fn small_probe(name: &str, n_units: usize, n_hash: usize) -> Settings {
    let mut s = neuropixels_1();
    s.probe.name = name.into();
    s.units.n = n_units;
    s.units.least_ptp_uv = 0.0;
    s.background.n_hash = n_hash;
    s
}

fn tetrode() -> Settings {
    let mut s = small_probe("tetrode", 8, 60);
    s.units.placement = Placement::Uniform {
        margin_x_um: 20.0,
        margin_y_um: 20.0,
        z_um: [10.0, 45.0],
        spacing_um: 18.0,
    };
    s.drift.components = Vec::new();
    s
}

fn linear_32() -> Settings {
    let mut s = small_probe("linear-32", 24, 120);
    s.units.placement = Placement::Uniform {
        margin_x_um: 15.0,
        margin_y_um: 20.0,
        z_um: [10.0, 45.0],
        spacing_um: 18.0,
    };
    s.drift.components = vec![rigid(Course::SmoothNoise {
        range_um: 15.0,
        smooth_s: 20.0,
    })];
    s
}

fn mea() -> Settings {
    let mut s = small_probe("mea-32x32", 400, 400);
    s.sample_rate_hz = 20_000.0;
    s.duration_s = 120.0;
    s.units.placement = Placement::Uniform {
        margin_x_um: 5.0,
        margin_y_um: 5.0,
        z_um: [8.0, 30.0],
        spacing_um: 15.0,
    };
    s.noise = Noise::Thermal { rms_uv: [6.0, 8.0] };
    s.drift.components = Vec::new();
    s
}

fn short_probe() -> Settings {
    let mut s = neuropixels_1();
    s.probe.n_channels = 64;
    s.units.n = 40;
    s.units.least_ptp_uv = 0.0;
    s.background.n_hash = 60;
    s
}

fn with_snr(mut s: Settings, n: usize, quantiles: &[[f64; 2]]) -> Settings {
    s.units.n = n;
    s.units.target = Target::Snr {
        quantiles: quantiles.to_vec(),
    };
    s
}

fn easy() -> Settings {
    let mut s = with_snr(short_probe(), 20, &[[0.0, 8.0], [1.0, 20.0]]);
    s.drift.components = Vec::new();
    s
}

fn demo() -> Settings {
    let mut s = with_snr(short_probe(), 20, &[[0.0, 5.0], [0.5, 10.0], [1.0, 25.0]]);
    s.duration_s = 60.0;
    s.units.generator = Generator::Biophysical;
    s.firing.rates = Rates::LogNormal {
        median_hz: 5.0,
        log_sd: 0.75,
    };
    s.drift.components = vec![rigid(Course::SmoothNoise {
        range_um: 30.0,
        smooth_s: 2.0,
    })];
    s
}

fn drift_step() -> Settings {
    let mut s = short_probe();
    s.drift.components = vec![rigid(Course::Step {
        amplitude_um: 20.0,
        times_s: vec![150.0],
        remaining: 1.0,
        decay_s: 30.0,
    })];
    s
}

fn drift_fast() -> Settings {
    let mut s = short_probe();
    s.drift.components = vec![rigid(Course::Jumps {
        size_um: [5.0, 20.0],
        interval_s: 10.0,
        limit_um: 20.0,
    })];
    s
}

fn dense() -> Settings {
    let mut s = short_probe();
    s.units.n = 0;
    s.units.density = 1.5;
    s
}

fn bursting() -> Settings {
    let mut s = short_probe();
    s.firing.burst_share = 0.9;
    s.firing.burst_probability = [0.3, 0.5];
    s
}

fn low_snr() -> Settings {
    with_snr(short_probe(), 40, &[[0.0, 2.0], [1.0, 6.0]])
}

fn chronic() -> Settings {
    let mut s = short_probe();
    s.firing.presence.transient_share = 0.5;
    s.firing.presence.silent_share = 0.2;
    s.amplitude.walk_sd_10min = 0.05;
    s
}
