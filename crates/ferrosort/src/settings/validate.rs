//! Types and ranges of parameters.

use ferrosort_core::{Error, Result};
use toml::{Table, Value};

use super::Settings;
use super::metadata::{PARAMETERS, ParameterInfo, Range};
use super::resolve::{as_flag, as_number};

/// Shortest part of a batch that is not overlap: positions are searched in pieces of this many samples.
const LEAST_HOP_SAMPLES: usize = 1024;
/// Highest sample rate, Hz. No converter for arrays of electrodes is as fast; windows of a higher one would fill the memory.
const MAX_RATE_HZ: f64 = 1e6;

/// Turns a given value into the type of the parameter's default, and checks its range.
///
/// Whole numbers may be written as floats and the reverse, flags as 0 and 1, and "no limit" as `inf` where the
/// parameter says it with 0. The error continues a sentence that begins with the parameter.
pub(super) fn coerce(info: &ParameterInfo, default: &Value, given: &Value) -> std::result::Result<Value, String> {
    if let Value::Array(defaults) = default {
        let elements = given
            .as_array()
            .filter(|list| list.len() == defaults.len())
            .ok_or_else(|| {
                format!(
                    "is {given}; a list of {} numbers is expected, such as {default}",
                    defaults.len()
                )
            })?;
        let coerced = defaults.iter().zip(elements).map(|(d, g)| coerce_one(info, d, g));
        return Ok(Value::Array(coerced.collect::<std::result::Result<_, _>>()?));
    }
    coerce_one(info, default, given)
}

fn coerce_one(info: &ParameterInfo, default: &Value, given: &Value) -> std::result::Result<Value, String> {
    if default.is_bool() {
        return as_flag(given)
            .map(Value::Boolean)
            .ok_or_else(|| format!("is {given}; it must be true or false"));
    }
    let number = as_number(given).ok_or_else(|| format!("is {given}; a number is expected, such as {default}"))?;
    let unlimited = number == f64::INFINITY && matches!(info.name, "whitening_range" | "lowpass_hz");
    let number = if unlimited { 0.0 } else { number };
    if !info.range.contains(number) {
        return Err(format!("has the value {given}; it must be {}", info.range));
    }
    match default {
        Value::Integer(_) if number.fract() == 0.0 => Ok(Value::Integer(number as i64)),
        Value::Integer(_) => Err(format!("has the value {given}; it must be a whole number")),
        _ => Ok(Value::Float(number)),
    }
}

impl Settings {
    /// Checks every value, alone and against the others.
    ///
    /// # Errors
    /// The first value that is not usable, by name.
    pub fn validate(&self) -> Result<()> {
        let table = Table::try_from(&self.parameters)
            .map_err(|e| Error::input(format!("the parameters cannot be written as TOML: {e}")))?;
        for info in &PARAMETERS {
            let value = &table[info.name];
            let numbers: Vec<f64> = value.as_array().map_or_else(
                || as_number(value).into_iter().collect(),
                |list| list.iter().filter_map(as_number).collect(),
            );
            if info.range != Range::Flag && !numbers.iter().all(|&number| info.range.contains(number)) {
                return Err(Error::input(format!(
                    "{} is {value}; it must be {}",
                    named(info),
                    info.range
                )));
            }
        }
        let p = &self.parameters;
        if p.trough_sample >= p.template_samples {
            return Err(Error::input(format!(
                "trough_sample (nt0min) is {}; in a template of {} samples it must be 1 to {}",
                p.trough_sample,
                p.template_samples,
                p.template_samples - 1
            )));
        }
        let least = p.batch_overlap + LEAST_HOP_SAMPLES;
        if p.batch_samples < least {
            return Err(Error::input(format!(
                "batch_samples (NT) is {}; with a batch_overlap (ntbuff) of {} it must be {least} or more",
                p.batch_samples, p.batch_overlap
            )));
        }
        Ok(())
    }

    /// Checks the filter corners against the sample rate of the recording, Hz.
    ///
    /// # Errors
    /// A corner at or above half the sample rate, or a low-pass corner that is not above the high-pass corner.
    pub fn check_rate(&self, sample_rate: f64) -> Result<()> {
        let (high, low) = (self.parameters.highpass_hz, self.parameters.lowpass_hz);
        let half = sample_rate / 2.0;
        if sample_rate.is_nan() || sample_rate > MAX_RATE_HZ {
            return Err(Error::input(format!(
                "the sample rate is {sample_rate} Hz; recordings of spikes have at most {MAX_RATE_HZ} Hz, so check --sample-rate"
            )));
        }
        if high >= half {
            return Err(Error::input(format!(
                "highpass_hz (fshigh) is {high}; at a sample rate of {sample_rate} Hz it must be below {half} (--set \
                 highpass_hz=..., or check --sample-rate)"
            )));
        }
        if low != 0.0 && !(low > high && low < half) {
            return Err(Error::input(format!(
                "lowpass_hz (fslow) is {low}; with highpass_hz {high} and a sample rate of {sample_rate} Hz it must be \
                 between {high} and {half}, or 0 for none"
            )));
        }
        Ok(())
    }

    /// Values that are allowed but rarely meant, one sentence each.
    pub(super) fn suspicious(&self) -> Vec<String> {
        let p = &self.parameters;
        let mut warnings = Vec::new();
        if p.batch_overlap < p.template_samples {
            warnings.push(format!(
                "batch_overlap (ntbuff) is {} and template_samples (nt0) is {}: spikes where batches meet are missed; give \
                 an overlap of at least {}",
                p.batch_overlap,
                p.template_samples,
                p.template_samples + 3
            ));
        }
        if p.threshold[1] > p.threshold[0] {
            warnings.push(format!(
                "threshold (Th) is [{}, {}]: the final pass is stricter than learning, so spikes of learned units are left \
                 out",
                p.threshold[0], p.threshold[1]
            ));
        }
        warnings
    }
}

/// The parameter with Kilosort's name for it.
fn named(info: &ParameterInfo) -> String {
    match info.aliases {
        [] => info.name.to_string(),
        aliases => format!("{} ({})", info.name, aliases.join(", ")),
    }
}
