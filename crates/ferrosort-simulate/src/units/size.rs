//! How large units are: the factor on each waveform that makes it what the settings want.

use super::Unit;
use crate::random::{Key, Stream};
use crate::settings::Target;

/// Factor of each unit. `norms_uv`: root of the sum of squares of each waveform as it is now.
pub(crate) fn factors(target: &Target, units: &[Unit], norms_uv: &[f64], noise_uv: &[f64], seed: u64) -> Vec<f64> {
    let over = |wanted: f64, found: f64| if found > 0.0 { wanted / found } else { 1.0 };
    let noise = |u: &Unit| noise_uv[u.best_contact];
    match target {
        Target::AsGenerated => vec![1.0; units.len()],
        Target::Footprint { ptp_uv } => units.iter().map(|u| over(*ptp_uv, u.ptp_footprint_uv)).collect(),
        Target::OnProbe {
            median_uv,
            log_sd,
            range_uv,
        } => units
            .iter()
            .enumerate()
            .map(|(i, u)| {
                let mut draws = Key::new(seed, Stream::Snr, i as u64).draws();
                let wanted = draws.log_normal(*median_uv, *log_sd).clamp(range_uv[0], range_uv[1]);
                over(wanted, u.ptp_uv)
            })
            .collect(),
        Target::Snr { quantiles } => {
            let n = units.len();
            let mut snrs: Vec<f64> = (0..n)
                .map(|i| quantile(quantiles, (i as f64 + 0.5) / n as f64))
                .collect();
            Key::new(seed, Stream::Snr, 0).draws().shuffle(&mut snrs);
            let wanted = units.iter().zip(&snrs);
            wanted.map(|(u, snr)| over(snr * noise(u), u.trough_uv)).collect()
        }
        Target::Norm { base, scale } => units
            .iter()
            .zip(norms_uv)
            .enumerate()
            .map(|(i, (u, norm))| {
                let mut draws = Key::new(seed, Stream::Snr, i as u64).draws();
                over((base + scale * draws.exponential()) * noise(u), *norm)
            })
            .collect(),
    }
}

/// Value at a probability, linear between the points.
fn quantile(points: &[[f64; 2]], probability: f64) -> f64 {
    let upper = points
        .partition_point(|p| p[0] < probability)
        .clamp(1, points.len().max(2) - 1);
    let (a, b) = (points[upper - 1], points[upper]);
    a[1] + (b[1] - a[1]) * (probability - a[0]) / (b[0] - a[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        let points = [[0.0, 4.0], [0.5, 8.0], [1.0, 20.0]];
        assert_eq!(
            [0.0, 0.25, 0.5, 0.75, 1.0].map(|p| quantile(&points, p)),
            [4.0, 6.0, 8.0, 14.0, 20.0]
        );
    }
}
