//! The constants of `auto` that people ask for, with their values as the stages use them: the source of what `ferrosort parameters`
//! and `docs/parameters.md` say of them. docs/algorithm.md has the reasons.

use super::detect::{RIVAL_MS, RIVAL_UM};
use super::geometry::{NARROW, WIDE};
use super::label::{GOOD_ACCURACY, GOOD_CONTAMINATION, LEAST_ACCURACY};
use super::signal::{ARTEFACT_MS, ARTEFACT_SD, FEWEST_REFERENCED, HIGHPASS_HZ};
use super::{basis, cluster, merge, pipeline, pursuit, units};

/// A number that `auto` fixes.
#[derive(Debug, Clone, PartialEq)]
pub struct Constant {
    /// What it is called in the documentation.
    pub name: &'static str,
    /// Its value, with its unit.
    pub value: String,
    /// What it does.
    pub meaning: &'static str,
    /// Chapter of docs/algorithm.md.
    pub chapter: u8,
}

fn constant(chapter: u8, name: &'static str, value: String, meaning: &'static str) -> Constant {
    Constant {
        name,
        value,
        meaning,
        chapter,
    }
}

/// The constants, in the order of the stages.
pub fn constants() -> Vec<Constant> {
    let neighbours = |(most, um): (usize, f64)| format!("{most} channels, {um} µm");
    let (fewest, a_second) = pipeline::FEWEST;
    vec![
        constant(
            1,
            "wide neighbourhood",
            neighbours(WIDE),
            "Channels that describe a spike: at most so many, within this distance on its shank.",
        ),
        constant(
            1,
            "narrow neighbourhood",
            neighbours(NARROW),
            "Channels that decide whether a spike is there.",
        ),
        constant(
            2,
            "high-pass",
            format!("{HIGHPASS_HZ} Hz"),
            "Corner of the zero-phase high-pass.",
        ),
        constant(
            2,
            "common reference",
            format!("{FEWEST_REFERENCED} channels or more"),
            "Fewer channels have no common reference: their median would hold much of the spikes.",
        ),
        constant(
            2,
            "artefacts",
            format!("{ARTEFACT_SD} sd, {ARTEFACT_MS} ms"),
            "Beyond this value, all channels are silenced within this time.",
        ),
        constant(
            3,
            "temporal components",
            basis::COMPONENTS.to_string(),
            "Principal components of the shapes of spikes.",
        ),
        constant(
            4,
            "detection",
            format!("{} sd", pipeline::DETECTION_SD),
            "Score of a spike that is found without templates. Weaker ones are found by the pursuit.",
        ),
        constant(
            4,
            "rivals",
            format!("{RIVAL_MS} ms, {RIVAL_UM} µm"),
            "A detection this close to a larger one is dropped.",
        ),
        constant(
            6,
            "dip",
            cluster::DIP.to_string(),
            "Score of a valley between two clusters above which they stay apart.",
        ),
        constant(
            7,
            "displacement",
            format!("{} µm", units::KNOT_UM),
            "A unit has a template for every displacement that is a multiple of this.",
        ),
        constant(
            8,
            "log odds",
            pursuit::THRESHOLD.to_string(),
            "Spikes with larger log odds are accepted by the pursuit.",
        ),
        constant(
            8,
            "silence of a unit",
            format!("{} ms", pursuit::REFRACTORY_MS),
            "A unit does not fire again within this time.",
        ),
        constant(
            9,
            "learnt from",
            format!("{} s", pipeline::LEARNT_S),
            "Recordings up to this length are learnt from as a whole; of larger ones, parts.",
        ),
        constant(
            9,
            "least norm",
            format!("{} sd", pipeline::LEAST_NORM),
            "Units with smaller templates are given up.",
        ),
        constant(
            9,
            "fewest spikes",
            format!("{fewest}, or {a_second} a second"),
            "Units with fewer spikes in what is learnt from are given up.",
        ),
        constant(
            10,
            "alike",
            merge::ALIKE.to_string(),
            "Shapes whose angle has a smaller sine are one neuron's, unless the trains say otherwise.",
        ),
        constant(
            11,
            "noise",
            LEAST_ACCURACY.to_string(),
            "Units with a lower expected accuracy are labelled noise.",
        ),
        constant(
            11,
            "good",
            format!("{GOOD_ACCURACY}, {GOOD_CONTAMINATION}"),
            "Least expected accuracy and largest contamination of a good unit.",
        ),
    ]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn constants_belong_to_chapters_of_the_description() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/algorithm.md");
        let page = std::fs::read_to_string(path).unwrap();
        for constant in constants() {
            let chapter = format!("\n## {}. ", constant.chapter);
            assert!(page.contains(&chapter), "{constant:?}");
        }
        assert!(constants().is_sorted_by_key(|constant| constant.chapter));
    }
}
