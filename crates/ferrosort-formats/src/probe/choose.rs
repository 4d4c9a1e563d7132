//! The contacts that a recording is sorted with: given ones, its own, or a line.

use ferrosort_core::{Error, Probe, Recording, Result};

/// How far apart contacts that a probe file has at one position are taken to be, µm.
const SPREAD_UM: f64 = 10.0;

/// The contacts of a recording: `given` (with what names it in messages), else those that the recording knows, else a line
/// of contacts `pitch_um` apart. What the user should know about the choice goes to `warnings`, one sentence each.
///
/// # Errors
/// Contacts that do not fit the recording; a distance that is not a number greater than 0.
pub fn choose_probe(
    recording: &dyn Recording,
    given: Option<(Probe, String)>,
    pitch_um: f64,
    warnings: &mut Vec<String>,
) -> Result<Probe> {
    let (mut found, source) = match (given, recording.probe()) {
        (Some(given), _) => given,
        (None, Some(found)) => (found.clone(), format!("of {}", recording.name())),
        (None, None) => {
            if !(pitch_um.is_finite() && pitch_um > 0.0) {
                return Err(Error::input(format!(
                    "--pitch-um is {pitch_um}; the distance of contacts must be a number of µm greater than 0"
                )));
            }
            let line = assumed_line(recording, pitch_um);
            warnings.push(format!(
                "no probe was given: all {} channels are taken to lie on one line, {pitch_um} µm apart, in the order of the \
                 file; give --probe FILE for the true positions, or --pitch-um",
                line.len()
            ));
            (line, "assumed line".to_string())
        }
    };
    found.validate_contacts(recording.n_channels(), &source)?;
    let moved = found.spread(SPREAD_UM);
    if let Some(first) = moved.first() {
        warnings.push(format!(
            "probe {source}: {} contacts (the first is {first}) have the position of another one; they are taken to lie {SPREAD_UM} µm beside \
             it; give true positions for a better sorting",
            moved.len()
        ));
    }
    found.validate(recording.n_channels(), &source)?;
    Ok(found)
}

/// A line of the channels that carry neural signals.
fn assumed_line(recording: &dyn Recording, pitch_um: f64) -> Probe {
    let Some(channels) = recording.neural_channels() else {
        return Probe::line(recording.n_channels(), pitch_um);
    };
    let mut line = Probe::line(channels.len(), pitch_um);
    for (contact, &channel) in line.contacts.iter_mut().zip(channels) {
        contact.channel = channel;
    }
    line
}
