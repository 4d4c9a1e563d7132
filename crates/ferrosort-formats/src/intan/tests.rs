#![allow(clippy::unwrap_used)]

use tempfile::TempDir;

use super::*;

/// Bytes of a header, field by field.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn i16(mut self, values: &[i16]) -> Self {
        self.0.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        self
    }
    fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_le_bytes());
        self
    }
    fn f32(mut self, values: &[f32]) -> Self {
        self.0.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        self
    }
    fn text(self, text: &str) -> Self {
        let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut next = self.u32(units.len() as u32);
        next.0.extend(units);
        next
    }
    /// A group of channels: name, type and switch of each; `words` after them.
    fn group(self, channels: &[(&str, i16, i16)], words: usize) -> Self {
        let mut next = self.text("Port A").text("A").i16(&[1, channels.len() as i16, 0]);
        for (name, kind, on) in channels {
            next = next.text(name).text("x").i16(&[0, 0, *kind, *on]);
            next = next.i16(&vec![0; words]).f32(&[0.0, 0.0]);
        }
        next
    }
}

const CHANNELS: [(&str, i16, i16); 6] = [
    ("A-000", 0, 1),
    ("A-001", 0, 0),
    ("A-002", 0, 1),
    ("A-AUX1", 1, 1),
    ("ANALOG-IN-0", 3, 1),
    ("DIGITAL-IN-0", 4, 1),
];

fn rhd(version: i16) -> Vec<u8> {
    let bytes = Bytes::default().u32(0xC691_2702).i16(&[version, 0]).f32(&[25000.0]);
    let bytes = bytes.i16(&[1]).f32(&[0.0; 6]).i16(&[0]).f32(&[0.0; 2]);
    let mut bytes = bytes.text("n").u32(u32::MAX).text("").i16(&[1]);
    bytes = bytes.i16(&[0]);
    if version >= 2 {
        bytes = bytes.text("ref");
    }
    // The second group is switched off.
    bytes
        .i16(&[2])
        .group(&CHANNELS, 6)
        .text("B")
        .text("B")
        .i16(&[0, 3, 0])
        .0
}

fn rhs() -> Vec<u8> {
    let bytes = Bytes::default().u32(0xD691_27AC).i16(&[3, 0]).f32(&[30000.0]);
    let bytes = bytes
        .i16(&[1])
        .f32(&[0.0; 8])
        .i16(&[0])
        .f32(&[0.0; 2])
        .i16(&[0, 0])
        .f32(&[0.0; 3]);
    let bytes = bytes.text("").text("").text("").i16(&[1, 0]).text("");
    bytes
        .i16(&[1])
        .group(
            &[
                ("A-000", 0, 1),
                ("A-001", 0, 1),
                ("ANALOG-OUT-1", 4, 1),
                ("DIGITAL-OUT-1", 6, 1),
            ],
            7,
        )
        .0
}

/// Blocks of `frames` samples with `amplifiers` counting up from 32768, and `other` bytes after them.
fn blocks(n: u32, frames: u32, amplifiers: u32, other: usize, first_stamp: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for block in 0..n {
        bytes.extend((0..frames).flat_map(|s| (first_stamp + block * frames + s).to_le_bytes()));
        for channel in 0..amplifiers {
            let value = |s: u32| 32768 + (block * frames + s) * amplifiers + channel;
            bytes.extend((0..frames).flat_map(|s| (value(s) as u16).to_le_bytes()));
        }
        bytes.extend(vec![0xAA; other]);
    }
    bytes
}

fn file(folder: &TempDir, name: &str, parts: &[&[u8]]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, parts.concat()).unwrap();
    path
}

fn open_paths(paths: &[PathBuf]) -> Result<Box<dyn Recording>> {
    open(paths, &OpenOptions::default())
}

fn counts_up(recording: &dyn Recording) -> bool {
    let mut out = vec![0.0; recording.n_samples() as usize * recording.n_channels()];
    recording.read(0, &mut out).unwrap();
    out.iter().enumerate().all(|(i, v)| *v == i as f32)
}

/// Bytes of a block after the amplifiers: auxiliary, temperature, analogue and digital inputs.
const fn other(frames: usize) -> usize {
    2 * (frames / 4) + 2 + 2 * frames + 2 * frames
}

#[test]
fn rhd_of_both_block_lengths() {
    let folder = TempDir::new().unwrap();
    for (version, frames) in [(1i16, 60u32), (3, 128)] {
        let mut header = rhd(version);
        let mut rest = other(frames as usize);
        if version == 1 {
            // Version 1.0 has neither a count of temperature sensors nor a board mode.
            let at = 8 + 4 + 2 + 24 + 2 + 8 + (4 + 2) + 4 + 4;
            header.drain(at..at + 4);
            rest -= 2;
        }
        let path = file(&folder, "a.rhd", &[&header, &blocks(3, frames, 2, rest, 0)]);
        let recording = open_paths(&[path]).unwrap();
        assert_eq!(
            (recording.n_channels(), recording.n_samples()),
            (2, u64::from(3 * frames))
        );
        assert_eq!(
            (recording.sample_rate(), recording.gain_uv()),
            (25000.0, Some([0.195; 2].as_slice()))
        );
        assert!(counts_up(&*recording) && recording.notes().is_empty());
    }
}

#[test]
fn rhs_with_stimulation_and_dc_amplifiers() {
    let folder = TempDir::new().unwrap();
    let other = 2 * (2 * 2 * 128) + 2 * 128 + 2 * 128;
    let path = file(&folder, "a.rhs", &[&rhs(), &blocks(2, 128, 2, other, 0)]);
    let recording = open_paths(&[path]).unwrap();
    assert_eq!(recording.n_samples(), 256);
    assert!(counts_up(&*recording));
}

#[test]
fn files_of_a_session_are_joined_and_gaps_are_named() {
    let folder = TempDir::new().unwrap();
    let part = |name: &str, stamp| file(&folder, name, &[&rhd(3), &blocks(1, 128, 2, other(128), stamp)]);
    let (a, b, c) = (part("a.rhd", 0), part("b.rhd", 128), part("c.rhd", 999));
    let joined = open_paths(&[a.clone(), b.clone()]).unwrap();
    assert_eq!((joined.n_samples(), joined.notes().len()), (256, 0));
    assert_eq!(joined.segment_starts(), [0]);
    let gap = open_paths(&[a.clone(), b, c]).unwrap();
    assert!(gap.notes()[0].contains("1 of the borders"), "{:?}", gap.notes());
    assert_eq!(gap.segment_starts(), [0, 256]);
    let other = file(&folder, "d.rhs", &[&rhs()]);
    assert!(
        open_paths(&[a, other])
            .err()
            .unwrap()
            .to_string()
            .contains("other channels")
    );
}

#[test]
fn one_file_per_signal_and_one_file_per_channel() {
    let folder = TempDir::new().unwrap();
    let info = file(&folder, "info.rhd", &[&rhd(3)]);
    let samples = |values: &[i16]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    file(&folder, "amp-A-002.dat", &[&samples(&[1, 3, 5])]);
    let one = open_paths(std::slice::from_ref(&info)).unwrap();
    assert!(one.n_channels() == 1 && one.notes()[0].contains("1 of the 2 amplifier channels"));
    let first = file(&folder, "amp-A-000.dat", &[&samples(&[0, 2, 4])]);
    let both = open_paths(std::slice::from_ref(&info)).unwrap();
    assert!(counts_up(&*both) && both.n_samples() == 3 && both.sample_type() == Some(SampleType::Int16));
    std::fs::write(&first, [0; 8]).unwrap();
    let error = open_paths(std::slice::from_ref(&info)).err().unwrap();
    assert!(error.to_string().contains("copy the recording again"), "{error}");
    file(&folder, "amplifier.dat", &[&samples(&[0, 1, 2, 3])]);
    let flat = open_paths(&[info]).unwrap();
    assert!(counts_up(&*flat) && flat.raw_file().is_some());
}

#[test]
fn cut_and_hostile_files_are_one_sentence() {
    let folder = TempDir::new().unwrap();
    let header = rhd(3);
    for length in 0..header.len() {
        let path = file(&folder, "a.rhd", &[&header[..length]]);
        let error = open_paths(&[path]).err().unwrap();
        assert_eq!(error.exit_code(), 2, "{length}: {error}");
    }
    let empty = file(&folder, "a.rhd", &[&header]);
    assert!(open_paths(&[empty]).err().unwrap().to_string().contains("no samples"));
    let cut = file(&folder, "a.rhd", &[&header, &blocks(2, 128, 2, other(128), 0)[..2000]]);
    let recording = open_paths(&[cut]).unwrap();
    assert_eq!(recording.n_samples(), 128);
    assert!(recording.notes()[0].contains("ends inside a block"));
    let mut long = header.clone();
    // The first note claims four gigabytes.
    long[48..52].copy_from_slice(&0xFFFF_FFFEu32.to_le_bytes());
    let path = file(&folder, "a.rhd", &[&long]);
    assert!(
        open_paths(&[path])
            .err()
            .unwrap()
            .to_string()
            .contains("complete header")
    );
    assert!(is_intan(&folder.path().join("a.rhd")) && !is_intan(folder.path()));
}
