//! Probes to simulate on: where the contacts are, how large they are, and which column of the file each is wired to.
//!
//! [`SimProbe::by_name`] makes the geometries of common probes, [`SimProbe::from_file`] reads a probe file. The
//! contacts of a [`SimProbe`] also have a size and may be disconnected (references, dead channels), which the
//! [`ferrosort_core::Probe`] of a sorting leaves out ([`SimProbe::to_probe`]).
//!
//! Coordinates: x across the shank, y along it from the tip to the base, z out of the probe's plane into the tissue in
//! front of it; contacts are at z = 0. All in µm.

mod adc;
mod contact;
mod emouse;
mod export;
mod generic;
mod named;
mod neuropixels;
mod shapes;

use std::path::Path;

use ferrosort_core::{Contact, Error, Probe, Result};

pub use adc::Adc;
pub use contact::{ContactShape, SimContact};

/// Electrode factor of a contact on a silicon shank: the shank is an insulator behind the contact, which nearly
/// doubles the potential of a neuron in front (Buccino et al., J Neural Eng 16:026030, 2019).
pub const SHANK_FACTOR: f64 = 1.9;
/// Electrode factor of a contact on an insulating plane: exactly 2 by the method of images.
pub const PLANE_FACTOR: f64 = 2.0;
/// Electrode factor of a wire: it hardly changes the field.
pub const WIRE_FACTOR: f64 = 1.0;

/// A probe to simulate on.
#[derive(Debug, Clone, PartialEq)]
pub struct SimProbe {
    /// A name for people and files.
    pub name: String,
    /// All contacts, also those that are not connected, in sorting order.
    pub contacts: Vec<SimContact>,
    /// Factor on potentials of an unbounded medium: [`SHANK_FACTOR`], [`PLANE_FACTOR`] or [`WIRE_FACTOR`].
    pub electrode_factor: f64,
    /// What turns µV into counts.
    pub adc: Adc,
}

impl SimProbe {
    /// The geometry of this name; `docs/waveforms.md` has the table, [`SimProbe::names`] the patterns.
    ///
    /// # Errors
    /// An unknown name, or a number of channels that the geometry cannot have.
    pub fn by_name(name: &str) -> Result<Self> {
        named::by_name(name)
    }

    /// Patterns of all names that [`SimProbe::by_name`] knows; N, M are numbers, brackets mark what can be left out.
    pub fn names() -> &'static [&'static str] {
        named::PATTERNS
    }

    /// The wired contacts of a probe file of any format that [`ferrosort_formats::read_probe`] reads.
    ///
    /// Contacts have the sizes of a probeinterface file; other formats have none, and all contacts are squares of
    /// 12 µm. The electrode factor is that of a shank, the converter that of Neuropixels 1.0.
    ///
    /// # Errors
    /// What [`ferrosort_formats::read_probe`] refuses.
    pub fn from_file(path: &Path) -> Result<Self> {
        let mut probe = Self::from_probe(&ferrosort_formats::read_probe(path)?);
        let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
        // What is no JSON is another format, without sizes.
        if let Ok(json) = serde_json::from_slice(&bytes) {
            shapes::of_probeinterface(&json, &mut probe.contacts);
        }
        Ok(probe)
    }

    /// A probe of the sorter with contacts of 12 x 12 µm, on a shank, digitised like Neuropixels 1.0.
    pub fn from_probe(probe: &Probe) -> Self {
        let contact = |c: &Contact| SimContact {
            channel: c.channel,
            x_um: c.x_um,
            y_um: c.y_um,
            shape: ContactShape::square(12.0),
            shank: c.shank,
            connected: true,
        };
        Self {
            name: probe.name.clone(),
            contacts: probe.contacts.iter().map(contact).collect(),
            electrode_factor: SHANK_FACTOR,
            adc: Adc::NEUROPIXELS_1,
        }
    }

    /// The connected contacts, as a sorting sees them.
    pub fn to_probe(&self) -> Probe {
        let contact = |c: &SimContact| Contact {
            channel: c.channel,
            x_um: c.x_um,
            y_um: c.y_um,
            shank: c.shank,
        };
        Probe {
            name: self.name.clone(),
            contacts: self.connected().map(contact).collect(),
        }
    }

    /// The connected contacts, in order.
    pub fn connected(&self) -> impl Iterator<Item = &SimContact> {
        self.contacts.iter().filter(|c| c.connected)
    }

    /// Columns of a recording with this probe: one more than the largest channel. Columns of contacts that are not
    /// connected, or of none, are zero.
    pub fn n_channels(&self) -> usize {
        self.contacts.iter().map(|c| c.channel + 1).max().unwrap_or(0)
    }

    /// Smallest and largest `[x, y]` of the connected contacts, µm; `None` without any.
    pub fn bounds_um(&self) -> Option<[[f64; 2]; 2]> {
        self.connected().map(|c| [c.x_um, c.y_um]).fold(None, |bounds, p| {
            let [low, high] = bounds.unwrap_or([p, p]);
            Some([
                [low[0].min(p[0]), low[1].min(p[1])],
                [high[0].max(p[0]), high[1].max(p[1])],
            ])
        })
    }

    /// Checks that every channel is used once, and what [`Probe::validate`] checks.
    ///
    /// # Errors
    /// No connected contact, a channel or a position used twice, or a position or size that is not a finite number.
    pub fn validate(&self) -> Result<()> {
        let mut channels: Vec<usize> = self.contacts.iter().map(|c| c.channel).collect();
        channels.sort_unstable();
        if let Some(i) = (1..channels.len()).find(|&i| channels[i] == channels[i - 1]) {
            return Err(Error::input(format!(
                "probe {} uses channel {} (0-based) for more than one contact; each contact needs its own channel",
                self.name, channels[i]
            )));
        }
        if let Some(i) = self.contacts.iter().position(|c| !c.shape.is_valid()) {
            return Err(Error::input(format!(
                "probe {}: the size of contact {i} is not a positive number of µm",
                self.name
            )));
        }
        self.to_probe().validate(self.n_channels(), &self.name)
    }
}

/// A probe with one shank whose contacts are wired in order.
fn in_order(
    name: String,
    positions_um: impl IntoIterator<Item = [f64; 2]>,
    shape: ContactShape,
    electrode_factor: f64,
    adc: Adc,
) -> SimProbe {
    let contact = |(channel, [x_um, y_um]): (usize, [f64; 2])| SimContact {
        channel,
        x_um,
        y_um,
        shape,
        shank: 0,
        connected: true,
    };
    SimProbe {
        name,
        contacts: positions_um.into_iter().enumerate().map(contact).collect(),
        electrode_factor,
        adc,
    }
}

/// The lowest `n_channels` contacts of a Neuropixels 1.0 probe in Kilosort's orientation, rows from y = 0: two
/// staggered contacts a row, rows 20 µm apart, x = 43, 11, 59, 27 µm in turn (Jun et al., Nature 551:232, 2017).
pub fn neuropixels1_checkerboard(n_channels: usize) -> Probe {
    let contacts = (0..n_channels).map(|channel| {
        let [x_um, y_um] = emouse::site_um(channel);
        Contact {
            channel,
            x_um,
            y_um: y_um - emouse::FIRST_ROW_UM,
            shank: 0,
        }
    });
    Probe {
        name: format!("Neuropixels 1.0, {n_channels} channels"),
        contacts: contacts.collect(),
    }
}

/// A tetrode: four contacts on a circle of radius 10 µm.
pub fn tetrode() -> Probe {
    generic::tetrode().to_probe()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
