#![allow(clippy::unwrap_used)]

use ferrosort_core::Recording;
use serde_json::json;
use tempfile::TempDir;

use super::*;

const AP: &str = "Neuropix-PXI-100.ProbeA-AP";

/// Name, names of columns, samples.
type TestStream<'a> = (&'a str, &'a [&'a str], &'a [i16]);

/// A Record Node with one experiment of recordings, each with these streams; all columns have 0.195 bit volts.
fn node(recordings: &[&[TestStream]]) -> TempDir {
    let node = TempDir::new().unwrap();
    for (number, streams) in recordings.iter().enumerate() {
        let folder = node.path().join(format!("experiment1/recording{}", number + 1));
        let entries: Vec<_> = streams
            .iter()
            .map(|(name, channels, samples)| {
                let data = folder.join("continuous").join(name);
                std::fs::create_dir_all(&data).unwrap();
                let bytes: Vec<u8> = samples.iter().flat_map(|v| v.to_le_bytes()).collect();
                std::fs::write(data.join("continuous.dat"), bytes).unwrap();
                let channels: Vec<_> = channels
                    .iter()
                    .map(|c| json!({"channel_name": c, "bit_volts": 0.195, "units": ""}))
                    .collect();
                json!({"folder_name": format!("{name}/"), "stream_name": "short", "sample_rate": 30000,
                       "num_channels": channels.len(), "channels": channels})
            })
            .collect();
        let structure = json!({"GUI version": "0.6.0", "continuous": entries, "events": []});
        std::fs::write(folder.join(STRUCTURE), structure.to_string()).unwrap();
    }
    node
}

fn structures(node: &TempDir) -> Vec<PathBuf> {
    (1..10)
        .map(|n| node.path().join(format!("experiment1/recording{n}/{STRUCTURE}")))
        .take_while(|path| path.exists())
        .collect()
}

fn open_node(node: &TempDir, stream: Option<&str>) -> Result<BinaryRecording> {
    let overrides = OpenOptions {
        stream: stream.map(str::to_owned),
        ..OpenOptions::default()
    };
    open(&structures(node), &overrides)
}

fn settings(node: &TempDir, processors: &str) {
    let text =
        format!("<SETTINGS><INFO><VERSION>0.6.4</VERSION></INFO><SIGNALCHAIN>{processors}</SIGNALCHAIN></SETTINGS>");
    std::fs::write(node.path().join("settings.xml"), text).unwrap();
}

const PROBE: &str = r#"<PROCESSOR name="Neuropix-PXI" nodeId="100"><STREAM name="ProbeA-AP"/><STREAM name="ProbeA-LFP"/>
<EDITOR><NP_PROBE probe_part_number="NP1000" probe_serial_number="7" isEnabled="1"><CHANNELS CH1="0" CH0="0" CH2="1"/>
<ELECTRODE_XPOS CH0="27" CH1="59" CH2="11"/><ELECTRODE_YPOS CH0="0" CH1="0" CH2="20"/></NP_PROBE></EDITOR></PROCESSOR>"#;

#[test]
fn the_spike_band_with_its_probe() {
    let ap: &[&str] = &["CH0", "CH1", "CH2", "AP_SYNC"];
    let node = node(&[&[
        (AP, ap, &[1, 2, 3, 9, 4, 5, 6, 9]),
        ("Neuropix-PXI-100.ProbeA-LFP", &["CH0"], &[1]),
        ("NI-DAQmx-102.PXIe", &["AI0", "ADC1"], &[1, 1]),
    ]]);
    settings(&node, PROBE);
    let recording = open_node(&node, Some(AP)).unwrap();
    assert_eq!((recording.n_samples(), recording.n_channels()), (2, 4));
    assert_eq!(recording.neural_channels(), Some([0, 1, 2].as_slice()));
    assert_eq!(recording.gain_uv().unwrap(), [0.195, 0.195, 0.195, 195_000.0]);
    let probe = recording.probe().unwrap();
    assert_eq!(probe.positions_um(), [[27.0, 0.0], [59.0, 0.0], [11.0, 20.0]]);
    assert_eq!(probe.name, "NP1000 ProbeA");
    let mut out = [0.0; 4];
    recording.read(1, &mut out).unwrap();
    assert_eq!(out, [4.0, 5.0, 6.0, 9.0]);
    let several = open_node(&node, None).unwrap_err().to_string();
    assert!(
        several.contains("2 streams") && several.contains("NI-DAQmx-102.PXIe"),
        "{several}"
    );
    assert!(
        open_node(&node, Some("none"))
            .unwrap_err()
            .to_string()
            .contains("no stream 'none'")
    );
    assert!(open_node(&node, Some("NI-DAQmx-102.PXIe")).unwrap().probe().is_none());
}

#[test]
fn channel_maps_and_saved_channels_reorder_the_probe() {
    let node = node(&[&[(AP, &["CH2", "CH0"], &[1, 2])]]);
    let chain = format!(
        r#"{PROBE}<PROCESSOR name="Channel Map"><STREAM name="ProbeA-AP"/><CUSTOM_PARAMETERS><STREAM><CH index="2"/>
        <CH index="1"/><CH index="0"/><CH index="3"/></STREAM></CUSTOM_PARAMETERS></PROCESSOR>
        <PROCESSOR name="Record Node"><CUSTOM_PARAMETERS><STREAM name="ProbeA-AP" recording_state="1010"/></CUSTOM_PARAMETERS>
        </PROCESSOR>"#
    );
    settings(&node, &chain);
    let recording = open_node(&node, None).unwrap();
    assert_eq!(recording.probe().unwrap().positions_um(), [[11.0, 20.0], [27.0, 0.0]]);
}

#[test]
fn selected_electrodes_are_numbered_over_shanks() {
    let node = node(&[&[(AP, &["CH0", "CH1"], &[1, 2])]]);
    let probe = r#"<PROCESSOR name="Neuropix-PXI"><STREAM name="ProbeA"/><EDITOR><CUSTOM_PARAMETERS>
        <NP_PROBE probePartNumber="NP2013"><SELECTED_ELECTRODES CH0="3" CH1="2562"/></NP_PROBE></CUSTOM_PARAMETERS></EDITOR></PROCESSOR>"#;
    settings(&node, probe);
    let recording = open_node(&node, None).unwrap();
    let contacts = &recording.probe().unwrap().contacts;
    assert_eq!((contacts[0].x_um, contacts[0].y_um, contacts[0].shank), (59.0, 15.0, 0));
    assert_eq!(
        (contacts[1].x_um, contacts[1].y_um, contacts[1].shank),
        (527.0, 15.0, 2)
    );
    settings(&node, &probe.replace("2562", "5120"));
    assert!(
        open_node(&node, None)
            .unwrap_err()
            .to_string()
            .contains("electrode that the probe lacks")
    );
}

#[test]
fn shanks_of_old_programs_are_lowered_and_probes_that_do_not_fit_are_left() {
    let node = node(&[&[("Neuropix-PXI-100.0", &["CH0", "CH1"], &[1, 2])]]);
    let text = r#"<SETTINGS><INFO><VERSION>0.5.4</VERSION></INFO><SIGNALCHAIN><PROCESSOR name="Neuropix-PXI" NodeId="100"><EDITOR>
        <NP_PROBE probe_part_number="NP2010"><CHANNELS CH0="0:0" CH1="0:1"/><ELECTRODE_XPOS CH0="27" CH1="277"/>
        <ELECTRODE_YPOS CH0="15" CH1="265"/></NP_PROBE></EDITOR></PROCESSOR></SIGNALCHAIN></SETTINGS>"#;
    std::fs::write(node.path().join("settings.xml"), text).unwrap();
    let recording = open_node(&node, None).unwrap();
    assert_eq!(recording.probe().unwrap().positions_um(), [[27.0, 15.0], [277.0, 15.0]]);
    settings(&node, PROBE);
    let recording = open_node(&node, None).unwrap();
    assert!(recording.probe().is_none());
    assert!(
        recording.notes()[0].contains("3 electrodes for the 2 channels"),
        "{:?}",
        recording.notes()
    );
    settings(&node, &PROBE.replace("ELECTRODE_XPOS", "X"));
    assert!(open_node(&node, None).unwrap().notes()[0].contains("older than 0.3.3"));
}

#[test]
fn recordings_are_joined_with_a_note() {
    let stream: TestStream = ("A-100.Rhythm", &["CH1", "AUX1"], &[1, 0, 2, 0]);
    let two = node(&[&[stream], &[stream]]);
    let recording = open_node(&two, None).unwrap();
    assert_eq!(recording.n_samples(), 4);
    assert!(recording.notes()[0].contains("2 recordings of one experiment"));
    assert_eq!(recording.neural_channels(), Some([0].as_slice()));
    let other: TestStream = ("A-100.Rhythm", &["CH1"], &[1]);
    let differ = node(&[&[stream], &[other]]);
    assert!(
        open_node(&differ, None)
            .unwrap_err()
            .to_string()
            .contains("with the channels and the rate")
    );
}

#[test]
fn missing_and_hostile_files_are_one_sentence() {
    let node = node(&[&[(AP, &["CH0"], &[1])]]);
    let structure = structures(&node).remove(0);
    let good = std::fs::read_to_string(&structure).unwrap();
    let message = |text: String| {
        std::fs::write(&structure, text).unwrap();
        let error = open_node(&node, None).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    };
    assert!(message("{".to_owned()).contains("cannot be understood"));
    assert!(message("{}".to_owned()).contains("no stream with samples"));
    assert!(message(good.replace(AP, "../..")).contains("not the name of a folder"));
    assert!(message(good.replace("\"num_channels\":1", "\"num_channels\":9")).contains("num_channels is 9"));
    assert!(message(good.replace("30000", "-1")).contains("sample rate is -1"));
    assert!(message(good.replace("0.195", "0")).contains("gain 0 is 0"));
    std::fs::write(&structure, &good).unwrap();
    std::fs::write(node.path().join("settings.xml"), "<a><b>").unwrap();
    assert!(open_node(&node, None).unwrap_err().to_string().contains("not XML"));
}
