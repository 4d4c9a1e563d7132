//! Ranges of all settings.

use ferrosort_core::{Error, Result};

use super::{Course, FiringModel, Noise, Placement, Profile, Rates, Settings, Target, Variation};

/// A value with its name and range.
type Check = (&'static str, f64, f64, f64);

/// Largest length of time or space that a setting can have, in its unit.
const LARGE: f64 = 1e9;

impl Settings {
    /// Checks every value.
    ///
    /// # Errors
    /// A value outside its range, with its name.
    pub fn validate(&self) -> Result<()> {
        let mut checks = self.general();
        checks.extend(self.of_units());
        checks.extend(self.of_firing());
        checks.extend(self.of_noise());
        for component in &self.drift.components {
            checks.extend(of_course(&component.course));
            checks.extend(of_profile(component.profile));
        }
        for (name, value, low, high) in checks {
            if !(low..=high).contains(&value) {
                return Err(Error::input(format!(
                    "simulation setting {name} is {value}; it must be between {low} and {high}"
                )));
            }
        }
        if let Target::Snr { quantiles } = &self.units.target {
            check_quantiles(quantiles)?;
        }
        Ok(())
    }

    fn general(&self) -> Vec<Check> {
        let recovery = &self.amplitude.recovery;
        let sd = match self.amplitude.variation {
            Variation::None => 0.0,
            Variation::Gamma { sd } | Variation::Normal { sd } => sd,
        };
        vec![
            ("duration_s", self.duration_s, 0.01, 1e7),
            ("sample_rate_hz", self.sample_rate_hz, 5e3, 2e5),
            ("converter.counts_per_uv", self.converter.counts_per_uv, 0.0, 1e3),
            ("converter.bits", f64::from(self.converter.bits), 0.0, 16.0),
            ("converter.gain_sd", self.converter.gain_sd, 0.0, 0.5),
            ("probe.n_channels", self.probe.n_channels as f64, 0.0, 1e5),
            ("amplitude.variation.sd", sd, 0.0, 2.0),
            ("amplitude.walk_sd_10min", self.amplitude.walk_sd_10min, 0.0, 1.0),
            ("amplitude.recovery.loss", recovery.loss, 0.0, 1.0),
            ("amplitude.recovery.tau_s", recovery.tau_s, 1e-4, LARGE),
            ("amplitude.recovery.floor", recovery.floor, 0.01, 1.0),
            ("amplitude.recovery.widening", recovery.widening, 0.0, 2.0),
            ("drift.grid_um", self.drift.grid_um, 0.05, 20.0),
        ]
    }

    fn of_units(&self) -> Vec<Check> {
        let u = &self.units;
        let b = &self.background;
        let mut checks = vec![
            ("units.n", u.n as f64, 0.0, 1e5),
            ("units.density", u.density, 0.0, 100.0),
            ("units.copies", u.copies as f64, 1.0, 1e3),
            ("units.template_scale", u.template_scale, 0.0, 1e3),
            ("units.least_ptp_uv", u.least_ptp_uv, 0.0, LARGE),
            ("units.class_shares", u.class_shares.iter().sum(), 1e-9, LARGE),
            ("background.n_hash", b.n_hash as f64, 0.0, 1e5),
            ("background.n_mua", b.n_mua as f64, 0.0, 1e5),
            ("background.distance_um", b.distance_um[0], 1.0, b.distance_um[1]),
            ("background.distance_um", b.distance_um[1], 1.0, LARGE),
            ("background.rate_hz", b.rate_hz, 0.0, 100.0),
            ("background.rms_uv", b.rms_uv, 0.0, 1e4),
            ("background.mua_snr", b.mua_snr[0], 0.0, b.mua_snr[1]),
        ];
        checks.extend(u.class_shares.map(|share| ("units.class_shares", share, 0.0, LARGE)));
        let [z_low, z_high] = match u.placement {
            Placement::Uniform { z_um, .. }
            | Placement::MidLine { z_um }
            | Placement::Pairs { z_um, .. }
            | Placement::Layers { z_um, .. } => z_um,
        };
        checks.push(("units.placement.z_um", z_low, 1.0, z_high));
        checks.push(("units.placement.z_um", z_high, 1.0, LARGE));
        match u.target {
            Target::AsGenerated | Target::Snr { .. } => {}
            Target::Footprint { ptp_uv } => checks.push(("units.target.ptp_uv", ptp_uv, 0.0, LARGE)),
            Target::OnProbe {
                median_uv,
                log_sd,
                range_uv,
            } => checks.extend([
                ("units.target.median_uv", median_uv, 0.0, LARGE),
                ("units.target.log_sd", log_sd, 0.0, 10.0),
                ("units.target.range_uv", range_uv[0], 0.0, range_uv[1]),
            ]),
            Target::Norm { base, scale } => checks.extend([
                ("units.target.base", base, 0.0, LARGE),
                ("units.target.scale", scale, 0.0, LARGE),
            ]),
        }
        checks
    }

    fn of_firing(&self) -> Vec<Check> {
        let f = &self.firing;
        let mut checks = vec![
            ("firing.refractory_ms", f.refractory_ms, 0.0, 100.0),
            ("firing.refractory_fs_ms", f.refractory_fs_ms, 0.0, 100.0),
            ("firing.burst_share", f.burst_share, 0.0, 1.0),
            (
                "firing.burst_probability",
                f.burst_probability[0],
                0.0,
                f.burst_probability[1],
            ),
            ("firing.burst_probability", f.burst_probability[1], 0.0, 1.0),
            ("firing.burst_mean", f.burst_mean, 2.0, 10.0),
            ("firing.burst_interval_ms", f.burst_interval_ms, 0.1, 100.0),
            ("firing.modulation_sd", f.modulation_sd, 0.0, 3.0),
            ("firing.modulation_s", f.modulation_s, 0.1, LARGE),
            ("firing.presence.transient_share", f.presence.transient_share, 0.0, 1.0),
            (
                "firing.presence.window",
                f.presence.window[0],
                0.0,
                f.presence.window[1],
            ),
            ("firing.presence.window", f.presence.window[1], 0.0, 1.0),
            ("firing.presence.ramp_s", f.presence.ramp_s, 0.0, LARGE),
            ("firing.presence.silent_share", f.presence.silent_share, 0.0, 1.0),
            (
                "firing.overlaps.synchronous_share",
                f.overlaps.synchronous_share,
                0.0,
                1.0,
            ),
            ("firing.overlaps.pair_share", f.overlaps.pair_share, 0.0, 0.9),
            ("firing.overlaps.pair_jitter_ms", f.overlaps.pair_jitter_ms, 0.0, 10.0),
            ("firing.overlaps.lag_sweep_ms", f.overlaps.lag_sweep_ms, 0.0, 100.0),
        ];
        match f.model {
            FiringModel::Emouse | FiringModel::Poisson => {}
            FiringModel::Gamma { shape } => checks.push(("firing.model.shape", shape, 0.05, 100.0)),
            FiringModel::LogNormal { log_sd } => checks.push(("firing.model.log_sd", log_sd, 0.0, 3.0)),
        }
        match f.rates {
            Rates::ExcitatoryInhibitory => {}
            Rates::Uniform { low_hz, high_hz } => checks.extend([
                ("firing.rates.low_hz", low_hz, 0.0, high_hz),
                ("firing.rates.high_hz", high_hz, 1e-3, 300.0),
            ]),
            Rates::LogNormal { median_hz, log_sd } => checks.extend([
                ("firing.rates.median_hz", median_hz, 1e-3, 60.0),
                ("firing.rates.log_sd", log_sd, 0.0, 3.0),
            ]),
        }
        checks
    }

    fn of_noise(&self) -> Vec<Check> {
        let a = &self.additions;
        let mut checks = vec![
            ("additions.common_uv", a.common_uv, 0.0, 1e5),
            ("additions.line_uv", a.line_uv, 0.0, 1e5),
            ("additions.line_hz", a.line_hz, 1.0, 1e3),
            ("additions.lfp_uv", a.lfp_uv, 0.0, 1e5),
            ("additions.movement.per_minute", a.movement.per_minute, 0.0, 1e4),
            (
                "additions.movement.duration_ms",
                a.movement.duration_ms[0],
                0.1,
                a.movement.duration_ms[1],
            ),
        ];
        for stretch in a.saturation_s.iter().chain(&a.gaps_s) {
            checks.push(("additions: beginning of a stretch", stretch[0], 0.0, stretch[1]));
        }
        let levels = |name, [low, high]: [f64; 2]| [(name, low, 0.0, high), (name, high, 0.0, 1e4)];
        match &self.noise {
            Noise::None => {}
            Noise::Thermal { rms_uv } => checks.extend(levels("noise.rms_uv", *rms_uv)),
            Noise::Smoothed {
                rms_uv,
                time_sd,
                channel_sd,
            } => checks.extend([
                ("noise.rms_uv", *rms_uv, 0.0, 1e4),
                ("noise.time_sd", *time_sd, 0.0, 50.0),
                ("noise.channel_sd", *channel_sd, 0.0, 50.0),
            ]),
            Noise::DistanceCorrelated { rms_uv, length_um, .. } => {
                checks.extend(levels("noise.rms_uv", *rms_uv));
                checks.push(("noise.length_um", *length_um, 0.1, LARGE));
            }
            Noise::Coloured(n) => checks.extend([
                ("noise.white_uv", n.white_uv, 0.0, 1e4),
                ("noise.hash_uv", n.hash_uv, 0.0, 1e4),
                ("noise.hash_cutoff_hz", n.hash_cutoff_hz, 10.0, 1e5),
                ("noise.hash_length_um", n.hash_length_um, 0.1, LARGE),
                ("noise.common_uv", n.common_uv, 0.0, 1e4),
                ("noise.level_log_sd", n.level_log_sd, 0.0, 1.0),
            ]),
            Noise::OneOverF {
                rms_uv,
                from_hz,
                length_um,
            } => checks.extend([
                ("noise.rms_uv", *rms_uv, 0.0, 1e4),
                ("noise.from_hz", *from_hz, 1.0, self.sample_rate_hz / 2.5),
                ("noise.length_um", *length_um, 0.1, LARGE),
            ]),
            Noise::Resonance {
                rms_uv,
                peak_hz,
                q,
                length_um,
            } => checks.extend([
                ("noise.rms_uv", *rms_uv, 0.0, 1e4),
                ("noise.peak_hz", *peak_hz, 1.0, self.sample_rate_hz / 2.0),
                ("noise.q", *q, 0.1, 100.0),
                ("noise.length_um", *length_um, 0.1, LARGE),
            ]),
            Noise::Measured { scale, .. } => checks.push(("noise.scale", *scale, 0.0, 100.0)),
        }
        checks
    }
}

fn of_course(course: &Course) -> Vec<Check> {
    const UM: f64 = 1000.0;
    let amplitude = |v: f64| ("drift amplitude", v, -UM, UM);
    let period = |v: f64| ("drift period_s", v, 1e-3, LARGE);
    match course {
        Course::Linear { um_per_hour } => vec![("drift um_per_hour", *um_per_hour, -1e5, 1e5)],
        Course::Sine { amplitude_um, period_s } | Course::Triangle { amplitude_um, period_s } => {
            vec![amplitude(*amplitude_um), period(*period_s)]
        }
        Course::Relaxation {
            amplitude_um,
            period_s,
            decay_s,
        } => vec![
            amplitude(*amplitude_um),
            period(*period_s),
            ("drift decay_s", *decay_s, 1e-3, LARGE),
        ],
        Course::Step {
            amplitude_um,
            remaining,
            decay_s,
            ..
        } => vec![
            amplitude(*amplitude_um),
            ("drift remaining", *remaining, 0.0, 1.0),
            ("drift decay_s", *decay_s, 1e-3, LARGE),
        ],
        Course::RandomWalk {
            um_per_sqrt_s,
            limit_um,
        } => vec![
            ("drift um_per_sqrt_s", *um_per_sqrt_s, 0.0, UM),
            ("drift limit_um", *limit_um, 1e-3, UM),
        ],
        Course::SmoothNoise { range_um, smooth_s } => {
            vec![
                ("drift range_um", *range_um, 0.0, UM),
                ("drift smooth_s", *smooth_s, 0.05, 1e5),
            ]
        }
        Course::Pulsation {
            amplitude_um,
            frequency_hz,
        } => vec![
            amplitude(*amplitude_um),
            ("drift frequency_hz", *frequency_hz, 0.0, 50.0),
        ],
        Course::Bumps {
            amplitude_um,
            interval_s,
        } => vec![
            amplitude(*amplitude_um),
            ("drift interval_s", interval_s[0], 0.1, interval_s[1]),
        ],
        Course::Jumps {
            size_um,
            interval_s,
            limit_um,
        } => vec![
            ("drift size_um", size_um[0], 0.0, size_um[1]),
            ("drift interval_s", *interval_s, 0.1, LARGE),
            ("drift limit_um", *limit_um, 1e-3, UM),
        ],
        Course::Kilosort4 {
            range_um,
            smooth_batches,
            step_um,
        } => vec![
            ("drift range_um", *range_um, 0.0, 40.0),
            ("drift smooth_batches", *smooth_batches, 0.1, 1e5),
            ("drift step_um", *step_um, -UM, UM),
        ],
        Course::Table { .. } => Vec::new(),
    }
}

fn of_profile(profile: Profile) -> Vec<Check> {
    match profile {
        Profile::Rigid | Profile::Blocks { .. } => Vec::new(),
        Profile::Exponential { length_um, .. } => vec![("drift length_um", length_um, 1e-3, LARGE)],
        Profile::Gradient { least } => vec![("drift least", least, -1.0, 1.0)],
        Profile::Knots { n, smooth } => {
            vec![
                ("drift knots n", n as f64, 2.0, 1000.0),
                ("drift knots smooth", smooth, 0.0, 100.0),
            ]
        }
    }
}

fn check_quantiles(q: &[[f64; 2]]) -> Result<()> {
    let ends = q.first().is_some_and(|f| f[0] == 0.0 && f[1] > 0.0) && q.last().is_some_and(|l| l[0] == 1.0);
    let rising = q.windows(2).all(|w| w[0][0] < w[1][0] && w[0][1] <= w[1][1]);
    if ends && rising && q.iter().all(|p| p[1].is_finite()) {
        return Ok(());
    }
    Err(Error::input(format!(
        "simulation setting units.target.quantiles is {q:?}; give [probability, SNR] pairs with probabilities rising \
         from 0 to 1 and positive SNRs that do not fall"
    )))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn wrong_values_are_named() {
        let message = |change: &str| {
            let mut s = Settings::preset("demo").unwrap();
            s.set(change).unwrap();
            s.validate().unwrap_err().to_string()
        };
        for (change, name) in [
            ("duration_s=nan", "duration_s is NaN"),
            ("converter.bits=20", "converter.bits"),
            ("drift.components.0.course.range_um=-1", "range_um"),
            ("units.target.quantiles=[[0.0, 3.0], [0.9, 5.0]]", "quantiles"),
            ("noise={kind=\"thermal\", rms_uv=[5.0, 4.0]}", "noise.rms_uv"),
            ("firing.burst_share=2", "burst_share"),
        ] {
            assert!(message(change).contains(name), "{}", message(change));
        }
    }
}
