//! Probes in the files of other programs.

use std::path::Path;

use ferrosort_core::{Error, Result};
use ferrosort_formats::matlab::{MatVariable, write_mat};
use serde_json::{Value, json};

use super::{SimContact, SimProbe, shapes};

impl SimProbe {
    /// The probe as probeinterface's JSON: one probe with all contacts and their shapes; contacts that are not
    /// connected have device channel -1.
    pub fn to_probeinterface(&self) -> Value {
        let each = |value: fn(&SimContact) -> Value| -> Vec<Value> { self.contacts.iter().map(value).collect() };
        json!({
            "specification": "probeinterface",
            "version": "0.2.21",
            "probes": [{
                "ndim": 2,
                "si_units": "um",
                "annotations": { "name": self.name, "manufacturer": "simulated" },
                "contact_annotations": {},
                "contact_positions": each(|c| json!([c.x_um, c.y_um])),
                "contact_plane_axes": each(|_| json!([[1.0, 0.0], [0.0, 1.0]])),
                "contact_shapes": each(|c| shapes::to_probeinterface(c.shape).0),
                "contact_shape_params": each(|c| shapes::to_probeinterface(c.shape).1),
                "device_channel_indices": each(|c| if c.connected { json!(c.channel) } else { json!(-1) }),
                "shank_ids": each(|c| json!(c.shank.to_string())),
            }],
        })
    }

    /// Writes [`SimProbe::to_probeinterface`] to a file.
    ///
    /// # Errors
    /// I/O, with the path.
    pub fn write_probeinterface(&self, path: &Path) -> Result<()> {
        std::fs::write(path, format!("{:#}\n", self.to_probeinterface())).map_err(|e| Error::io("write", path, e))
    }

    /// Writes a Kilosort channel map as the eMouse simulators do: `chanMap` (1-based, all contacts), `connected`,
    /// `xcoords`, `ycoords`, `kcoords` (1-based) and `fs`, all columns; phase 3A maps also have `NchanTOT`.
    ///
    /// # Errors
    /// I/O, with the path.
    pub fn write_channel_map(&self, path: &Path, sample_rate_hz: f64) -> Result<()> {
        let column = |value: fn(&SimContact) -> f64| -> Vec<f64> { self.contacts.iter().map(value).collect() };
        let map = column(|c| (c.channel + 1) as f64);
        let connected: Vec<bool> = self.contacts.iter().map(|c| c.connected).collect();
        let (x, y) = (column(|c| c.x_um), column(|c| c.y_um));
        let groups = column(|c| (c.shank + 1) as f64);
        let n_channels = self.n_channels() as f64;
        let mut variables = vec![
            MatVariable::column("chanMap", &map),
            MatVariable::logical_column("connected", &connected),
            MatVariable::column("xcoords", &x),
            MatVariable::column("ycoords", &y),
            MatVariable::column("kcoords", &groups),
            MatVariable::scalar("fs", &sample_rate_hz),
        ];
        if self.name.starts_with("emouse-3a") {
            variables.push(MatVariable::scalar("NchanTOT", &n_channels));
        }
        write_mat(path, &variables)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ferrosort_formats::matlab::MatFile;
    use ferrosort_formats::read_probe;

    use super::*;

    #[test]
    fn both_formats_read_back_as_the_connected_contacts() {
        let dir = tempfile::tempdir().unwrap();
        for name in [
            "emouse-3a-64",
            "emouse-k1",
            "np2-4shank-16",
            "tetrode-array-2",
            "mea-4x4",
        ] {
            let probe = SimProbe::by_name(name).unwrap();
            let (json, mat) = (dir.path().join("probe.json"), dir.path().join("map.mat"));
            probe.write_probeinterface(&json).unwrap();
            probe.write_channel_map(&mat, 30_000.0).unwrap();
            let mut contacts = probe.to_probe().contacts;
            let mut from_map = read_probe(&mat).unwrap().contacts;
            for contact in &mut from_map {
                contact.shank -= 1;
            }
            assert_eq!(from_map, contacts, "{name}");
            contacts.sort_by_key(|c| c.channel);
            assert_eq!(read_probe(&json).unwrap().contacts, contacts, "{name}");
        }
    }

    #[test]
    fn the_channel_map_lists_all_channels_from_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chanMap_3A_64sites.mat");
        SimProbe::by_name("emouse-3a-64")
            .unwrap()
            .write_channel_map(&path, 30_000.0)
            .unwrap();
        let file = MatFile::open(&path, &[]).unwrap();
        let names: Vec<&str> = file.names().collect();
        assert_eq!(
            names,
            [
                "chanMap",
                "connected",
                "xcoords",
                "ycoords",
                "kcoords",
                "fs",
                "NchanTOT"
            ]
        );
        let map = file.numbers("chanMap").unwrap();
        assert_eq!(
            (map.shape.as_slice(), map.values[0], map.values[63]),
            (&[64, 1][..], 1.0, 64.0)
        );
        assert_eq!(file.numbers("connected").unwrap().values.iter().sum::<f64>(), 63.0);
        assert!(file.numbers("kcoords").unwrap().values.iter().all(|&k| k == 1.0));
    }

    #[test]
    fn shapes_keep_their_names_and_sizes() {
        let of = |name: &str| SimProbe::by_name(name).unwrap().to_probeinterface()["probes"][0].clone();
        let square = of("np1");
        assert_eq!(
            (&square["contact_shapes"][0], &square["contact_shape_params"][0]),
            (&json!("square"), &json!({ "width": 12.0 }))
        );
        assert_eq!(
            (
                &square["device_channel_indices"][190],
                &square["device_channel_indices"][191]
            ),
            (&json!(190), &json!(-1))
        );
        assert_eq!(of("poly3-32")["contact_shape_params"][5], json!({ "radius": 8.0 }));
    }
}
