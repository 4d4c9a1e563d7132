//! Whether two runs can be compared at all.

use std::collections::BTreeMap;

use ferrosort_core::{Probe, RunKind, SortingRun};
use serde_json::Value;

/// Names of one parameter in Kilosort2 and its ports, and here.
const ALIASES: [(&str, &str); 24] = [
    ("fshigh", "highpass_hz"),
    ("fslow", "lowpass_hz"),
    ("CAR", "common_reference"),
    ("minfr_goodchannels", "min_channel_rate_hz"),
    ("Th", "threshold"),
    ("lam", "amplitude_prior"),
    ("AUCsplit", "split_posterior"),
    ("minFR", "min_unit_rate_hz"),
    ("ThPre", "detection_threshold"),
    ("spkTh", "peak_threshold"),
    ("nskip", "prototype_stride"),
    ("nfilt_factor", "max_templates_per_channel"),
    ("ntbuff", "batch_overlap"),
    ("NT", "batch_samples"),
    ("whiteningRange", "whitening_range"),
    ("nSkipCov", "covariance_stride"),
    ("scaleproc", "whitened_scale"),
    ("nt0", "template_samples"),
    ("nt0min", "trough_sample"),
    ("loc_range", "peak_range"),
    ("long_range", "isolation_range"),
    ("gain", "amplitude_gain"),
    ("momentum", "momentum"),
    ("reorder", "reorder"),
];

/// Largest distance at which two contacts count as the same, µm.
const SAME_PLACE_UM: f64 = 0.5;

/// What makes a comparison of `a` and `b` doubtful, one sentence each: sample rates, lengths, channels and every
/// parameter that two sorters name and that differs, Kilosort's names being taken for ours. Empty when nothing is known to
/// differ.
pub fn consistency_warnings(a: &SortingRun, b: &SortingRun) -> Vec<String> {
    let mut warnings = Vec::new();
    let (name_a, name_b) = (&a.name, &b.name);
    if let (Some(rate_a), Some(rate_b)) = (a.sample_rate, b.sample_rate)
        && rate_a != rate_b
    {
        warnings.push(format!(
            "the sample rates differ: {rate_a} Hz in {name_a}, {rate_b} Hz in {name_b}; samples cannot be matched"
        ));
    }
    if let (Some(n_a), Some(n_b)) = (a.n_samples, b.n_samples)
        && n_a != n_b
    {
        warnings.push(format!(
            "the recordings differ in length: {n_a} samples in {name_a}, {n_b} in {name_b}"
        ));
    }
    if let (Some(probe_a), Some(probe_b)) = (&a.probe, &b.probe) {
        warnings.extend(probe_warnings(probe_a, probe_b, name_a, name_b));
    }
    if a.kind == RunKind::Truth || b.kind == RunKind::Truth {
        // A simulation and a sorter share names of parameters by chance only.
        return warnings;
    }
    let (parameters_a, parameters_b) = (renamed(a), renamed(b));
    for (name, value_a) in &parameters_a {
        if let Some(value_b) = parameters_b.get(name).filter(|value_b| !equal(value_a, value_b)) {
            warnings.push(format!(
                "the parameter {name} differs: {value_a} in {name_a}, {value_b} in {name_b}"
            ));
        }
    }
    warnings
}

fn probe_warnings(a: &Probe, b: &Probe, name_a: &str, name_b: &str) -> Vec<String> {
    let by_channel = |probe: &Probe| -> BTreeMap<usize, [f64; 2]> {
        probe
            .contacts
            .iter()
            .map(|contact| (contact.channel, [contact.x_um, contact.y_um]))
            .collect()
    };
    let (at_a, at_b) = (by_channel(a), by_channel(b));
    let only = |one: &BTreeMap<usize, [f64; 2]>, other: &BTreeMap<usize, [f64; 2]>| {
        one.keys().filter(|channel| !other.contains_key(channel)).count()
    };
    let (only_a, only_b) = (only(&at_a, &at_b), only(&at_b, &at_a));
    let mut warnings = Vec::new();
    if only_a + only_b > 0 {
        warnings.push(format!(
            "the channels differ: {only_a} of {} only in {name_a}, {only_b} of {} only in {name_b}",
            at_a.len(),
            at_b.len()
        ));
    }
    let apart = |a: &[f64; 2], b: &[f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]) > SAME_PLACE_UM;
    let moved: Vec<usize> = at_a
        .iter()
        .filter(|(channel, place)| at_b.get(channel).is_some_and(|other| apart(place, other)))
        .map(|(&channel, _)| channel)
        .collect();
    if let Some(first) = moved.first() {
        warnings.push(format!(
            "{} channels have other positions in {name_b} than in {name_a}, the first is channel {first} ({:?} and {:?} µm)",
            moved.len(),
            at_a[first],
            at_b[first]
        ));
    }
    warnings
}

fn renamed(run: &SortingRun) -> BTreeMap<&str, &Value> {
    let own = |name: &str| ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, own)| *own);
    run.parameters
        .iter()
        .map(|(name, value)| (own(name).unwrap_or(name), value))
        .collect()
}

/// Numbers by value, flags as 0 and 1, and lists entry by entry.
fn equal(a: &Value, b: &Value) -> bool {
    let number = |value: &Value| {
        value
            .as_f64()
            .or_else(|| value.as_bool().map(|flag| f64::from(u8::from(flag))))
    };
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        _ => match (number(a), number(b)) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-9 * a.abs().max(b.abs()),
            _ => a == b,
        },
    }
}
