//! Shapes of contacts in probeinterface's JSON.

use serde_json::{Value, json};

use super::{ContactShape, SimContact};

/// Gives the contacts, found by their channel, the shapes of a probeinterface file; a contact without a usable shape
/// keeps its own.
pub(super) fn of_probeinterface(file: &Value, contacts: &mut [SimContact]) {
    let mut next = 0;
    for probe in file["probes"].as_array().into_iter().flatten() {
        // Probes may be in mm; the reader refuses other units.
        let scale = if probe["si_units"] == "mm" { 1000.0 } else { 1.0 };
        let n = probe["contact_positions"].as_array().map_or(0, Vec::len);
        for i in 0..n {
            let channel = match probe["device_channel_indices"].as_array() {
                Some(channels) => channels.get(i).and_then(Value::as_f64).unwrap_or(-1.0),
                None => (next + i) as f64,
            };
            let shape = shape(&probe["contact_shapes"][i], &probe["contact_shape_params"][i], scale);
            let contact = contacts.iter_mut().find(|c| c.channel as f64 == channel);
            if let (Some(contact), Some(shape)) = (contact, shape) {
                contact.shape = shape;
            }
        }
        next += n;
    }
}

fn shape(name: &Value, params: &Value, scale: f64) -> Option<ContactShape> {
    let size = |key: &str| Some(params[key].as_f64()? * scale);
    let shape = match name.as_str()? {
        "circle" => ContactShape::Disc {
            radius_um: size("radius")?,
        },
        "square" => ContactShape::square(size("width")?),
        "rect" => ContactShape::Rectangle {
            width_um: size("width")?,
            height_um: size("height")?,
        },
        _ => return None,
    };
    shape.is_valid().then_some(shape)
}

/// Name and parameters of a shape.
pub(super) fn to_probeinterface(shape: ContactShape) -> (Value, Value) {
    match shape {
        ContactShape::Rectangle { width_um, height_um } if width_um == height_um => {
            (json!("square"), json!({ "width": width_um }))
        }
        ContactShape::Rectangle { width_um, height_um } => {
            (json!("rect"), json!({ "width": width_um, "height": height_um }))
        }
        ContactShape::Disc { radius_um } => (json!("circle"), json!({ "radius": radius_um })),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::geometry::SimProbe;

    #[test]
    fn shapes_survive_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("probe.json");
        let mut probe = SimProbe::by_name("poly3-32").unwrap();
        probe.contacts[3].shape = ContactShape::square(9.0);
        probe.contacts[4].shape = ContactShape::Rectangle {
            width_um: 5.0,
            height_um: 20.0,
        };
        probe.contacts[6].connected = false;
        probe.write_probeinterface(&path).unwrap();
        let read = SimProbe::from_file(&path).unwrap();
        let written: Vec<&SimContact> = probe.connected().collect();
        assert_eq!(read.contacts.iter().collect::<Vec<_>>(), written);
        probe.write_channel_map(&path, 30_000.0).unwrap();
        assert_eq!(
            SimProbe::from_file(&path).unwrap().contacts[3].shape,
            ContactShape::square(12.0)
        );
    }

    #[test]
    fn unusable_shapes_are_left_out() {
        assert_eq!(shape(&json!("circle"), &json!({ "radius": -1.0 }), 1.0), None);
        assert_eq!(shape(&json!("star"), &json!({}), 1.0), None);
        assert_eq!(shape(&Value::Null, &Value::Null, 1.0), None);
        assert_eq!(
            shape(&json!("square"), &json!({ "width": 0.012 }), 1000.0),
            Some(ContactShape::square(12.0))
        );
    }
}
