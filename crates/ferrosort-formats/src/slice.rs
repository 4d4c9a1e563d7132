//! A stretch of a recording: what `--time-range A..B` selects.

use ferrosort_core::{Error, Probe, RawFile, Recording, Result, SampleType};

use crate::binary::check_range;

/// A stretch of time in seconds from the start of a recording.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeRange {
    /// Start, s; at least 0.
    pub start_s: f64,
    /// End, s, exclusive; the end of the recording when absent.
    pub end_s: Option<f64>,
}

/// Reads `10..20`, `10..` or `..20`, in seconds.
///
/// # Errors
/// Anything else, a negative or infinite time, or an end that is not after the start.
pub fn parse_time_range(text: &str) -> Result<TimeRange> {
    let (start, end) = text.split_once("..").ok_or_else(|| {
        Error::input(format!(
            "time range '{text}' has no '..'; write it in seconds as 10..20, 10.. or ..20"
        ))
    })?;
    let start_s = parse_seconds(start, text)?.unwrap_or(0.0);
    let end_s = parse_seconds(end, text)?;
    match end_s {
        Some(end_s) if end_s <= start_s => Err(Error::input(format!(
            "time range '{text}' is empty: its end is not after its start"
        ))),
        _ => Ok(TimeRange { start_s, end_s }),
    }
}

fn parse_seconds(text: &str, whole: &str) -> Result<Option<f64>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse::<f64>() {
        Ok(s) if s.is_finite() && s >= 0.0 => Ok(Some(s)),
        _ => Err(Error::input(format!(
            "time range '{whole}': '{text}' is not a time in seconds from 0 on; write for example 10..20, 10.. or ..20"
        ))),
    }
}

/// The samples `[ceil(start · rate), ceil(end · rate))` of another recording, counted from 0.
pub struct TimeSlice {
    inner: Box<dyn Recording>,
    start: u64,
    n_samples: u64,
    raw: Option<RawFile>,
}

impl TimeSlice {
    /// Selects the range; an end after the recording's end is the recording's end.
    ///
    /// # Errors
    /// A range that holds no sample.
    pub fn new(inner: Box<dyn Recording>, range: TimeRange) -> Result<Self> {
        let n = inner.n_samples();
        let start = sample_at(range.start_s, inner.sample_rate());
        let end = range.end_s.map_or(n, |s| sample_at(s, inner.sample_rate()).min(n));
        if start >= end {
            return Err(Error::input(format!(
                "the time range from {} s{} holds no sample of {}, which lasts {} s",
                range.start_s,
                range.end_s.map_or_else(String::new, |s| format!(" to {s} s")),
                inner.name(),
                n as f64 / inner.sample_rate()
            )));
        }
        let raw = inner.raw_file().map(|raw| RawFile {
            first_sample: raw.first_sample + start,
            ..raw.clone()
        });
        Ok(Self {
            inner,
            start,
            n_samples: end - start,
            raw,
        })
    }
}

/// First sample at or after a time. A product within a millionth of a sample of a whole number is that number:
/// decimal fractions of a second are not exact in binary.
fn sample_at(seconds: f64, sample_rate: f64) -> u64 {
    let exact = seconds * sample_rate;
    let nearest = exact.round();
    if (exact - nearest).abs() < 1e-6 {
        nearest as u64
    } else {
        exact.ceil() as u64
    }
}

impl Recording for TimeSlice {
    fn sample_rate(&self) -> f64 {
        self.inner.sample_rate()
    }
    fn n_channels(&self) -> usize {
        self.inner.n_channels()
    }
    fn n_samples(&self) -> u64 {
        self.n_samples
    }
    fn gain_uv(&self) -> Option<&[f64]> {
        self.inner.gain_uv()
    }
    fn probe(&self) -> Option<&Probe> {
        self.inner.probe()
    }
    fn raw_file(&self) -> Option<&RawFile> {
        self.raw.as_ref()
    }
    fn sample_type(&self) -> Option<SampleType> {
        self.inner.sample_type()
    }
    fn neural_channels(&self) -> Option<&[usize]> {
        self.inner.neural_channels()
    }
    fn notes(&self) -> &[String] {
        self.inner.notes()
    }
    fn segment_starts(&self) -> Vec<u64> {
        let inside = |start: &u64| (self.start + 1..self.start + self.n_samples).contains(start);
        let later = self.inner.segment_starts().into_iter().filter(inside);
        std::iter::once(0)
            .chain(later.map(|start| start - self.start))
            .collect()
    }
    fn name(&self) -> &str {
        self.inner.name()
    }
    fn read(&self, start: u64, out: &mut [f32]) -> Result<()> {
        check_range(self, start, out.len())?;
        self.inner.read(self.start + start, out)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ferrosort_core::MemoryRecording;

    use super::*;

    fn ramp(rate: f64, n: usize) -> Box<dyn Recording> {
        Box::new(MemoryRecording::new(rate, 1, (0..n).map(|v| v as f32).collect(), None).unwrap())
    }

    #[test]
    fn ranges_parse() {
        let range = |start_s, end_s| TimeRange { start_s, end_s };
        assert_eq!(parse_time_range("10..20").unwrap(), range(10.0, Some(20.0)));
        assert_eq!(parse_time_range("10..").unwrap(), range(10.0, None));
        assert_eq!(parse_time_range(" ..1e1").unwrap(), range(0.0, Some(10.0)));
        assert_eq!(parse_time_range("0.5..1.25").unwrap(), range(0.5, Some(1.25)));
    }

    #[test]
    fn mistakes_in_ranges_are_named() {
        for (text, part) in [
            ("10-20", "no '..'"),
            ("20..10", "empty"),
            ("1..1", "empty"),
            ("-1..2", "'-1'"),
            ("a..2", "'a'"),
            ("1..inf", "'inf'"),
            ("NaN..2", "'NaN'"),
        ] {
            let message = parse_time_range(text).unwrap_err().to_string();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn bounds_are_rounded_up_and_clipped() {
        let slice = TimeSlice::new(ramp(10.0, 30), parse_time_range("0.11..0.75").unwrap()).unwrap();
        assert_eq!((slice.start, slice.n_samples()), (2, 6));
        let mut out = [0.0; 6];
        slice.read(0, &mut out).unwrap();
        assert_eq!(out, [2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        assert!(slice.read(1, &mut out).is_err(), "a slice ends before the recording");
        let tail = TimeSlice::new(ramp(10.0, 30), parse_time_range("2.5..99").unwrap()).unwrap();
        assert_eq!((tail.start, tail.n_samples()), (25, 5));
    }

    #[test]
    fn decimal_seconds_give_whole_samples() {
        for tenths in 1..100u32 {
            let seconds: f64 = format!("{}.{}", tenths / 10, tenths % 10).parse().unwrap();
            assert_eq!(sample_at(seconds, 30000.0), u64::from(tenths) * 3000);
        }
    }

    #[test]
    fn a_range_after_the_end_is_refused() {
        let error = TimeSlice::new(ramp(10.0, 30), parse_time_range("3..4").unwrap())
            .err()
            .unwrap();
        assert!(error.to_string().contains("lasts 3 s"), "{error}");
    }
}
