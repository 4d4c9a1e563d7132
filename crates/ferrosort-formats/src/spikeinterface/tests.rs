#![allow(clippy::unwrap_used)]

use ferrosort_core::Recording;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::open::OpenOptions;

fn bytes(values: &[i16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn probegroup() -> Value {
    json!({"specification": "probeinterface", "version": "0.4", "probes": [{"ndim": 2, "si_units": "um",
        "contact_positions": [[0.0, 40.0], [0.0, 20.0]], "device_channel_indices": [1, 0]}]})
}

fn binary(folder: &TempDir, change: impl Fn(&mut Value)) -> Result<Box<dyn Recording>> {
    let mut description = json!({
        "class": "spikeinterface.core.binaryrecordingextractor.BinaryRecordingExtractor", "relative_paths": true,
        "kwargs": {"file_paths": ["traces_cached_seg0.raw", "traces_cached_seg1.raw"], "sampling_frequency": 100.0,
                   "num_channels": 2, "dtype": "<i2", "time_axis": 0, "file_offset": 0, "gain_to_uV": [0.5, 2.0]},
    });
    change(&mut description);
    std::fs::write(folder.path().join("binary.json"), description.to_string()).unwrap();
    std::fs::write(folder.path().join("probegroup.json"), probegroup().to_string()).unwrap();
    std::fs::write(folder.path().join("traces_cached_seg0.raw"), bytes(&[1, 2, 3, 4])).unwrap();
    std::fs::write(folder.path().join("traces_cached_seg1.raw"), bytes(&[5, 6])).unwrap();
    open_binary(folder.path(), &OpenOptions::default()).map(|r| Box::new(r) as Box<dyn Recording>)
}

fn samples(recording: &dyn Recording) -> Vec<f32> {
    let mut out = vec![0.0; recording.n_samples() as usize * recording.n_channels()];
    recording.read(0, &mut out).unwrap();
    out
}

#[test]
fn a_binary_folder_with_probe_and_gains() {
    let folder = TempDir::new().unwrap();
    let recording = binary(&folder, |_| ()).unwrap();
    assert_eq!(samples(&*recording), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(recording.gain_uv(), Some([0.5, 2.0].as_slice()));
    assert_eq!(recording.probe().unwrap().positions_um(), [[0.0, 20.0], [0.0, 40.0]]);
    assert!(recording.notes()[0].contains("2 segments"));
    assert_eq!(recording.segment_starts(), [0, 2]);
    let old = binary(&folder, |d| {
        let kwargs = d["kwargs"].as_object_mut().unwrap();
        let n = kwargs.remove("num_channels").unwrap();
        kwargs.insert("num_chan".to_owned(), n);
        kwargs.insert("gain_to_uV".to_owned(), Value::Null);
    });
    assert_eq!(old.unwrap().gain_uv(), None);
}

#[test]
fn other_folders_are_refused() {
    let folder = TempDir::new().unwrap();
    let message = |change: &dyn Fn(&mut Value)| binary(&folder, change).err().unwrap().to_string();
    assert!(message(&|d| d["class"] = json!("NwbRecordingExtractor")).contains("not flat files"));
    assert!(message(&|d| d["kwargs"]["time_axis"] = json!(1)).contains("time_axis 1"));
    assert!(message(&|d| d["kwargs"]["dtype"] = json!("<f8")).contains("'<f8' is not supported"));
    assert!(message(&|d| d["kwargs"]["gain_to_uV"] = json!("x")).contains("neither a number"));
    assert!(message(&|d| d["kwargs"]["num_channels"] = json!(0)).contains("--channels"));
    assert!(message(&|d| d["kwargs"]["file_paths"] = json!(["none.raw"])).contains("does not exist"));
    assert!(message(&|d| d["kwargs"] = json!([])).contains("cannot be understood"));
}

fn zarr(folder: &TempDir, columns: usize) -> Result<Box<dyn Recording>> {
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at(".zgroup"), "{\"zarr_format\": 2}").unwrap();
    let attributes = json!({"sampling_frequency": 100.0, "num_segments": 2, "probegroup": probegroup()});
    std::fs::write(at(".zattrs"), attributes.to_string()).unwrap();
    let array = |name: &str, shape: Value, chunks: Value, dtype: &str, data: &[(&str, Vec<u8>)]| {
        std::fs::create_dir_all(at(name)).unwrap();
        let meta = json!({"zarr_format": 2, "shape": shape, "chunks": chunks, "dtype": dtype, "compressor": null,
                          "filters": null, "order": "C", "fill_value": 0});
        std::fs::write(at(name).join(".zarray"), meta.to_string()).unwrap();
        for (chunk, bytes) in data {
            std::fs::write(at(name).join(chunk), bytes).unwrap();
        }
    };
    let first = [("0.0", bytes(&[1, 2, 3, 4])), ("1.0", bytes(&[5, 6, 0, 0]))];
    array("traces_seg0", json!([3, 2]), json!([2, 2]), "<i2", &first);
    array(
        "traces_seg1",
        json!([1, columns]),
        json!([2, 2]),
        "<i2",
        &[("0.0", bytes(&[7, 8, 0, 0]))],
    );
    let gains: Vec<u8> = [0.5f64, 2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    array("properties/gain_to_uV", json!([2]), json!([2]), "<f8", &[("0", gains)]);
    open_zarr(folder.path(), &OpenOptions::default()).map(|r| Box::new(r) as Box<dyn Recording>)
}

#[test]
fn a_zarr_folder_with_two_segments() {
    let folder = TempDir::new().unwrap();
    let recording = zarr(&folder, 2).unwrap();
    assert_eq!(samples(&*recording), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    assert_eq!(recording.gain_uv(), Some([0.5, 2.0].as_slice()));
    assert_eq!(recording.segment_starts(), [0, 3]);
    assert_eq!(recording.probe().unwrap().len(), 2);
    assert!(
        zarr(&folder, 3)
            .err()
            .unwrap()
            .to_string()
            .contains("different numbers of channels")
    );
    assert!(is_zarr_folder(folder.path()) && !is_binary_folder(folder.path()));
}
