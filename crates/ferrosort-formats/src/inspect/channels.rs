//! Are single channels dead, clipped or copies of each other?

use super::list_channels;
use super::sample::Samples;

/// Frames that a flat start must last to be worth a word, s.
const FLAT_START_S: f64 = 0.02;
/// Window in which the beginning is looked at, s.
const WINDOW_S: f64 = 0.005;
/// Share of a channel's samples at its extreme value from which on it counts as clipped.
const CLIPPED_SHARE: f64 = 2e-4;
/// Range of values below which the extreme value says nothing about clipping: few levels are all visited often.
const CLIPPED_RANGE: f32 = 64.0;

/// Sentences about constant, saturated and identical neural channels and about a flat start.
pub(super) fn check(samples: &Samples) -> Vec<String> {
    let mut stats: Vec<Stats> = samples.neural.iter().map(|&channel| Stats::of(channel)).collect();
    for frame in samples.frames() {
        for stat in &mut stats {
            stat.add(frame[stat.channel]);
        }
    }
    let constant: Vec<usize> = stats.iter().filter(|s| s.is_constant()).map(|s| s.channel).collect();
    let mut warnings = Vec::new();
    if constant.len() == stats.len() {
        warnings.push("all channels are constant in the samples looked at; check the file and --dtype".to_owned());
        return warnings;
    }
    if !constant.is_empty() {
        warnings.push(format!(
            "{} {} constant; leave dead channels out of the probe",
            list_channels(&constant),
            is_are(&constant)
        ));
    }
    warnings.extend(flat_start(samples));
    warnings.extend(saturated(&stats));
    warnings.extend(identical(&stats));
    warnings
}

fn is_are(channels: &[usize]) -> &'static str {
    if channels.len() == 1 { "is" } else { "are" }
}

/// An extreme value, how often it occurs, and how often the next most extreme one does.
#[derive(Debug, Clone, Copy)]
struct Extreme {
    value: f32,
    count: u64,
    runner_up: f32,
    runner_up_count: u64,
}

impl Extreme {
    const NONE: Self = Self {
        value: f32::NEG_INFINITY,
        count: 0,
        runner_up: f32::NEG_INFINITY,
        runner_up_count: 0,
    };

    fn add(&mut self, value: f32) {
        if value > self.value {
            (self.runner_up, self.runner_up_count) = (self.value, self.count);
            (self.value, self.count) = (value, 1);
        } else if value == self.value {
            self.count += 1;
        } else if value > self.runner_up {
            (self.runner_up, self.runner_up_count) = (value, 1);
        } else if value == self.runner_up {
            self.runner_up_count += 1;
        }
    }

    /// Tails of a distribution thin out; a clipped signal piles up at its extreme value.
    fn is_clipped(&self, samples: u64) -> bool {
        self.count >= 10 && self.count as f64 > CLIPPED_SHARE * samples as f64 && self.count > 3 * self.runner_up_count
    }
}

/// What is kept of one channel.
#[derive(Debug, Clone)]
struct Stats {
    channel: usize,
    samples: u64,
    high: Extreme,
    /// Of the values with their sign changed.
    low: Extreme,
    /// FNV-1a hash of the values in order.
    hash: u64,
}

impl Stats {
    fn of(channel: usize) -> Self {
        Self {
            channel,
            samples: 0,
            high: Extreme::NONE,
            low: Extreme::NONE,
            hash: 0xcbf2_9ce4_8422_2325,
        }
    }

    fn add(&mut self, value: f32) {
        self.samples += 1;
        self.high.add(value);
        self.low.add(-value);
        self.hash = (self.hash ^ u64::from(value.to_bits())).wrapping_mul(0x100_0000_01b3);
    }

    fn is_constant(&self) -> bool {
        self.high.value == -self.low.value
    }

    fn range(&self) -> f32 {
        self.high.value + self.low.value
    }
}

fn saturated(stats: &[Stats]) -> Vec<String> {
    let describe = |stat: &Stats| {
        let ends = [(stat.high, stat.high.value), (stat.low, -stat.low.value)];
        let (count, values) = ends.iter().filter(|(end, _)| end.is_clipped(stat.samples)).fold(
            (0, Vec::new()),
            |(count, mut values), (end, value)| {
                values.push(value.to_string());
                (count + end.count, values)
            },
        );
        if values.is_empty() || stat.range() < CLIPPED_RANGE {
            return None;
        }
        Some(format!(
            "channel {} (0-based) saturates: {:.2} % of its samples are exactly {}; check the gain, and leave the \
             channel or that time out if it is an artefact",
            stat.channel,
            100.0 * count as f64 / stat.samples as f64,
            values.join(" or ")
        ))
    };
    let mut sentences: Vec<String> = stats.iter().filter_map(describe).collect();
    let more = sentences.len().saturating_sub(5);
    sentences.truncate(5);
    if more > 0 {
        sentences.push(format!("{more} more channels saturate"));
    }
    sentences
}

/// Groups of channels that hold the same values. Constant channels are told elsewhere.
fn identical(stats: &[Stats]) -> Vec<String> {
    let mut order: Vec<usize> = (0..stats.len()).filter(|&i| !stats[i].is_constant()).collect();
    order.sort_by_key(|&i| (stats[i].hash, i));
    let mut groups: Vec<&[usize]> = order
        .chunk_by(|&a, &b| stats[a].hash == stats[b].hash && stats[a].high.value == stats[b].high.value)
        .filter(|group| group.len() > 1)
        .collect();
    groups.sort_by_key(|group| group[0]);
    let sentence = |group: &&[usize]| {
        format!(
            "{} hold the same samples; keep one of them in the probe",
            list_channels(&group.iter().map(|&i| stats[i].channel).collect::<Vec<_>>())
        )
    };
    groups.iter().map(sentence).collect()
}

/// How long the recording is nearly flat at its beginning, as before the amplifier was switched on: in windows of
/// [`WINDOW_S`], the mean step from frame to frame is below a quarter of what it usually is.
fn flat_start(samples: &Samples) -> Option<String> {
    // A header can claim any rate: no window fits then.
    let window = ((WINDOW_S * samples.sample_rate).ceil() as usize).saturating_mul(samples.n_channels);
    let roughness = |values: &[f32]| -> f64 {
        let steps = values.iter().zip(&values[samples.n_channels..]);
        steps.map(|(a, b)| f64::from((b - a).abs())).sum()
    };
    let first = samples.pieces.first().filter(|piece| piece.start == 0)?;
    let mut usual: Vec<f64> = samples
        .pieces
        .iter()
        .flat_map(|piece| piece.values.chunks_exact(window).map(roughness))
        .collect();
    usual.sort_by(f64::total_cmp);
    let limit = 0.25 * usual.get(usual.len() / 2)?;
    let starts = first
        .values
        .chunks_exact(window)
        .take_while(|values| roughness(values) < limit);
    let seconds = (starts.count() * window / samples.n_channels) as f64 / samples.sample_rate;
    (seconds >= FLAT_START_S).then(|| {
        format!(
            "the first {seconds:.3} s are nearly flat on all channels, as before switching on; leave them (and the \
             transient after them) out with --time-range {:.2}..",
            seconds + 0.05
        )
    })
}
