//! Is the channel count right? A value resembles the value one frame later on the same channel more than any other, so
//! the mean difference of values `lag` places apart in the interleaved stream is smallest at the true channel count.

use super::sample::Samples;

/// Largest channel count looked for: a Neuropixels quad-base probe with its sync words has 1540.
const MAX_LAG: usize = 1600;
/// Stretches of the recording that are averaged, and the values compared in each.
const STRETCHES: usize = 8;
const STRETCH: usize = 1 << 14;

/// One sentence when another channel count explains the stream much better.
pub(super) fn check(samples: &Samples) -> Option<String> {
    let given = samples.n_channels;
    let difference = mean_differences(samples)?;
    let at = |lag: usize| difference.get(lag).copied().unwrap_or(f64::INFINITY);
    // Lag 1 is left out: a single channel given as two is rare, two similar channels are not.
    let best = (2..difference.len()).min_by(|&a, &b| at(a).total_cmp(&at(b)))?;
    let dip = at(best) < 0.8 * at(best - 1).min(at(best + 1));
    // A multiple of the true count compares a channel with itself too, only later; its difference is little larger.
    let limit = if given.is_multiple_of(best) {
        0.95
    } else if best.is_multiple_of(given) {
        0.6
    } else {
        0.8
    };
    (best != given && dip && at(best) < limit * at(given)).then(|| {
        format!(
            "the samples look like {best} channels rather than {given}: values {best} places apart differ by {:.3} on \
             average, {given} places apart by {:.3}; check --channels",
            at(best),
            at(given)
        )
    })
}

/// Mean absolute difference at each lag from 0 to `MAX_LAG`, or to the given count if that is larger; `None` when the
/// recording is too short or constant.
fn mean_differences(samples: &Samples) -> Option<Vec<f64>> {
    let last = MAX_LAG.max(samples.n_channels + 1);
    let long_enough = |values: &&[f32]| values.len() >= 2 * last + 2;
    let pieces: Vec<&[f32]> = samples
        .pieces
        .iter()
        .map(|p| p.values.as_slice())
        .filter(long_enough)
        .collect();
    let step = pieces.len().div_ceil(STRETCHES).max(1);
    let mut sums = vec![0.0; last + 1];
    let mut n = 0;
    for values in pieces.into_iter().step_by(step) {
        let compared = STRETCH.min(values.len() - last);
        for (lag, sum) in sums.iter_mut().enumerate().skip(1) {
            let pairs = values[..compared].iter().zip(&values[lag..]);
            *sum += pairs.map(|(a, b)| f64::from((b - a).abs())).sum::<f64>();
        }
        n += compared;
    }
    let difference: Vec<f64> = sums.iter().map(|sum| sum / n.max(1) as f64).collect();
    (n > 0 && difference[samples.n_channels] > 0.0).then_some(difference)
}
