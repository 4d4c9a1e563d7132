#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;

use ferrosort_core::Recording;
use tempfile::TempDir;

use super::*;

/// Metadata of a Neuropixels 1.0 file that saved `channels` and the sync word.
fn np1(channels: &[usize], more: &str) -> String {
    let mut imro = "(0,384)".to_owned();
    for channel in 0..384 {
        let gain = if channel < 192 { 500 } else { 1000 };
        write!(imro, "({channel} {} 0 {gain} 250 1)", usize::from(channel == 5)).unwrap();
    }
    let saved: Vec<String> = channels.iter().chain(&[768]).map(ToString::to_string).collect();
    format!(
        "typeThis=imec\nimDatPrb_pn=NP1000\nimDatPrb_sn=17\nimSampRate=29999.757\nimAiRangeMax=0.6\nimMaxInt=512\n\
         nSavedChans={}\nsnsApLfSy={},0,1\nacqApLfSy=384,384,1\nsnsSaveChanSubset={}\n~imroTbl={imro}\n{more}",
        channels.len() + 1,
        channels.len(),
        saved.join(",")
    )
}

struct Files {
    folder: TempDir,
    paths: Vec<PathBuf>,
}

impl Files {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            paths: Vec::new(),
        }
    }

    fn add(mut self, name: &str, meta: &str, samples: &[i16]) -> Self {
        let path = self.folder.path().join(name);
        let bytes: Vec<u8> = samples.iter().flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(&path, bytes).unwrap();
        std::fs::write(path.with_extension("meta"), meta).unwrap();
        self.paths.push(path);
        self
    }

    fn open(&self) -> Result<BinaryRecording> {
        open(&self.paths, &OpenOptions::default())
    }
}

fn one(meta: &str, samples: &[i16]) -> Result<BinaryRecording> {
    Files::new().add("a_g0_t0.imec0.ap.bin", meta, samples).open()
}

fn message(meta: &str) -> String {
    let error = one(meta, &[0; 388 * 2]).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    error.to_string()
}

#[test]
fn gains_and_places_are_those_of_the_channels_of_acquisition() {
    let recording = one(&np1(&[5, 191, 192], ""), &[1, 2, 3, 64, -1, -2, -3, 64]).unwrap();
    assert_eq!((recording.n_channels(), recording.n_samples()), (4, 2));
    assert_eq!(recording.sample_rate(), 29999.757);
    assert_eq!(recording.neural_channels(), Some([0, 1, 2].as_slice()));
    let uv = |gain: f64| 0.6 / 512.0 / gain * 1e6;
    assert_eq!(
        recording.gain_uv(),
        Some([uv(500.0), uv(500.0), uv(1000.0), 1.0].as_slice())
    );
    let probe = recording.probe().unwrap();
    assert_eq!(probe.name, "NP1000 17");
    // Channel 5 reads electrode 384 + 5 = 389, in row 194.
    assert_eq!(probe.positions_um(), [[59.0, 3880.0], [43.0, 1900.0], [27.0, 1920.0]]);
    let mut out = [0.0; 8];
    recording.read(0, &mut out).unwrap();
    assert_eq!(out, [1.0, 2.0, 3.0, 64.0, -1.0, -2.0, -3.0, 64.0]);
}

#[test]
fn reference_sites_and_channels_in_stand_by_are_not_sorted() {
    let map = "~snsGeomMap=(NP1000,1,0,70)(0:27:0:1)(0:59:0:0)(0:11:20:1)\nimStdby=2\n";
    let recording = one(&np1(&[0, 1, 2], map), &[0; 4]).unwrap();
    let channels: Vec<usize> = recording.probe().unwrap().contacts.iter().map(|c| c.channel).collect();
    assert_eq!(channels, [0]);
}

#[test]
fn maps_that_disagree_are_refused() {
    let wrong = "~snsGeomMap=(NP1000,1,0,70)(0:27:0:1)(0:59:20:1)\n";
    let text = message(&np1(&[0, 1], wrong));
    assert!(text.contains("channel 1 lies on shank 0 at (59, 0) µm"), "{text}");
    let short = message(&np1(&[0, 1], "~snsShankMap=(1,2,480)(0:0:0:1)\n"));
    assert!(short.contains("1 entries for 2 neural channels"), "{short}");
}

/// Metadata of four channels of a probe that the catalogue lacks.
fn unknown(more: &str) -> String {
    format!(
        "typeThis=imec\nimDatPrb_pn=NP9999\nimSampRate=30000\nimAiRangeMax=0.62\nnSavedChans=8\nsnsApLfSy=4,0,4\n\
         snsSaveChanSubset=0:3,1536:1539\n{more}"
    )
}

#[test]
fn unknown_probes_have_the_geometry_of_their_file() {
    let map = "~snsGeomMap=(NP9999,2,300.5,70)(0:15.5:0:1)(0:21.5:6:1)(1:15.5:0:1)(1:21.5:6:1)\n";
    let gain = "imMaxInt=2048\nimChan0apGain=100\n";
    let recording = one(&unknown(&format!("{map}{gain}")), &[0; 8]).unwrap();
    let probe = recording.probe().unwrap();
    assert_eq!(
        probe.positions_um(),
        [[15.5, 0.0], [21.5, 6.0], [316.0, 0.0], [322.0, 6.0]]
    );
    assert_eq!(recording.neural_channels().unwrap().len(), 4);
    let expected = 0.62 / 2048.0 / 100.0 * 1e6;
    assert!((recording.gain_uv().unwrap()[0] - expected).abs() < 1e-12);
    let pitch = "~snsShankMap=(1,2,4)(0:0:0:1)(0:1:0:1)(0:0:1:1)(0:1:1:1)\nimXPitch=30\nimZPitch=10\nimX0EvenRow=5\nimX0OddRow=9\n";
    let recording = one(&unknown(pitch), &[0; 8]).unwrap();
    assert_eq!(
        recording.probe().unwrap().positions_um(),
        [[5.0, 0.0], [35.0, 0.0], [9.0, 10.0], [39.0, 10.0]]
    );
    assert!(recording.notes()[0].contains("NP9999") && recording.gain_uv().is_none());
    assert!(one(&unknown(""), &[0; 8]).unwrap().probe().is_none());
}

#[test]
fn broken_shanks_are_left_out() {
    let mut imro = "(NP2013,384)".to_owned();
    for channel in 0..4 {
        write!(imro, "({channel} {channel} 0 1 10)").unwrap();
    }
    let meta = format!(
        "imDatPrb_pn=NP2013\nimSampRate=30000\nimAiRangeMax=0.62\nnSavedChans=5\nsnsApLfSy=4,0,1\nsnsSaveChanSubset=0:3,384\n\
         ~imroTbl={imro}\nimDatPrb_sr_mask=13\nimDatPrb_sr_nok=3\n"
    );
    let recording = one(&meta, &[0; 5]).unwrap();
    let shanks: Vec<i64> = recording.probe().unwrap().contacts.iter().map(|c| c.shank).collect();
    assert_eq!(shanks, [0, 2, 3]);
    assert_eq!(recording.probe().unwrap().contacts[1].x_um, 527.0);
    assert_eq!(recording.gain_uv().unwrap()[0], 0.62 / 2048.0 / 100.0 * 1e6);
}

#[test]
fn analogue_inputs_have_their_gains() {
    let ni = "typeThis=nidq\nniSampRate=25000\nniAiRangeMax=5\nniMNGain=200\nniMAGain=2\nnSavedChans=6\nsnsMnMaXaDw=2,1,2,1\n";
    let recording = one(ni, &[0; 6]).unwrap();
    let uv = 5.0 / 32768.0 * 1e6;
    assert_eq!(
        recording.gain_uv().unwrap(),
        [uv / 200.0, uv / 200.0, uv / 2.0, uv, uv, 1.0]
    );
    assert_eq!(recording.neural_channels(), Some([0, 1].as_slice()));
    let obx = "typeThis=obx\nobSampRate=30300.5\nobAiRangeMax=5\nobMaxInt=32768\nnSavedChans=4\nsnsXaDwSy=2,1,1\n";
    assert_eq!(one(obx, &[0; 4]).unwrap().neural_channels(), Some([0, 1].as_slice()));
}

#[test]
fn triggers_are_joined_and_their_gap_is_named() {
    let meta = |first| np1(&[0], &format!("firstSample={first}\nfileSizeBytes=8\n"));
    let files = Files::new().add("a_g0_t0.imec0.ap.bin", &meta(100), &[1, 0, 2, 0]).add(
        "a_g0_t1.imec0.ap.bin",
        &meta(132),
        &[3, 0, 4, 0],
    );
    let recording = files.open().unwrap();
    assert_eq!(recording.n_samples(), 4);
    assert_eq!(recording.notes().len(), 1);
    assert!(
        recording.notes()[0].contains("longest of 30 samples"),
        "{}",
        recording.notes()[0]
    );
    assert_eq!(recording.segment_starts(), [0, 2]);
    let close = Files::new()
        .add("a_g0_t0.imec0.ap.bin", &meta(100), &[1, 0, 2, 0])
        .add("a_g0_t1.imec0.ap.bin", &meta(102), &[3, 0, 4, 0])
        .open()
        .unwrap();
    assert_eq!((close.segment_starts(), close.notes().len()), (vec![0], 0));
    let other = files.add("b_g0_t0.imec0.ap.bin", &np1(&[1], ""), &[1, 0]);
    assert!(
        other
            .open()
            .unwrap_err()
            .to_string()
            .contains("differ in 'snsSaveChanSubset'")
    );
}

#[test]
fn a_file_that_was_cut_is_read_with_a_note() {
    let recording = one(&np1(&[0], "fileSizeBytes=400"), &[1, 0, 2, 0]).unwrap();
    assert!(recording.notes()[0].contains("has 8 bytes, but its .meta file says 400"));
    assert!(
        one(&np1(&[0], ""), &[1, 0, 2])
            .unwrap_err()
            .to_string()
            .contains("2 bytes remain")
    );
}

#[test]
fn what_the_caller_says_wins_or_contradicts() {
    let files = Files::new().add("a_g0_t0.imec0.ap.bin", &np1(&[0], ""), &[1, 0]);
    let mut overrides = OpenOptions {
        sample_rate: Some(30000.0),
        gain_uv: Some(vec![2.0]),
        n_channels: Some(2),
        ..OpenOptions::default()
    };
    let recording = open(&files.paths, &overrides).unwrap();
    assert_eq!(
        (recording.sample_rate(), recording.gain_uv().unwrap()[0]),
        (30000.0, 2.0)
    );
    overrides.n_channels = Some(385);
    let text = open(&files.paths, &overrides).unwrap_err().to_string();
    assert!(
        text.contains("--channels is 385, but") && text.contains("says 2"),
        "{text}"
    );
}

#[test]
fn hostile_metadata_are_one_sentence() {
    let good = np1(&[0], "");
    let swap = |from: &str, to: &str| message(&good.replace(from, to));
    assert!(swap("imSampRate=29999.757", "imSampRate=inf").contains("imSampRate"));
    assert!(swap("imSampRate=29999.757", "x=1").contains("has no 'imSampRate'"));
    assert!(swap("imAiRangeMax=0.6", "imAiRangeMax=0").contains("gain 0 is 0"));
    assert!(swap("imMaxInt=512", "imMaxInt=0").contains("gain 0 is inf"));
    assert!(swap("nSavedChans=2", "nSavedChans=18446744073709551615").contains("nSavedChans"));
    assert!(swap("snsApLfSy=1,0,1", "snsApLfSy=65536,0,65536").contains("add up"));
    assert!(swap("(0 0 0 500 250 1)", "(0 0)").contains("~imroTbl"));
    assert!(swap("\n~imroTbl=", "\n~snsGeomMap=(x)\n~imroTbl=").contains("snsGeomMap"));
    assert!(message(&np1(&[0], "~snsShankMap=(1,2,480)(0:NaN:0:1)")).contains("snsShankMap"));
    assert!(message(&np1(&[0], "~snsShankMap=(1,2,480)(0:0:0:0)")).contains("nothing to sort"));
}
