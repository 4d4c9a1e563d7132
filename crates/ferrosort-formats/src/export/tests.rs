//! Every format from a small run, and what each cannot do without. Other programs read the exports in tests/python/test_export.py.

use std::path::PathBuf;
use std::sync::Mutex;

use ferrosort_core::{
    Contact, Motion, Probe, RunKind, RunUnit, ShankMotion, Silent, SpikeTable, TemplateSet, TemplateUnit,
};
use ndarray::{Array3, array};
use tempfile::TempDir;

use super::*;
use crate::npy::read_npy;
use crate::results::{ReadOptions, read_run};

/// Two units on three contacts.
fn run() -> SortingRun {
    let mut run = SortingRun::new("a", "a", RunKind::Phy);
    run.sample_rate = Some(1000.0);
    let unit = |id: &str, label: Option<&str>, channel: usize| RunUnit {
        id: id.into(),
        label: label.map(String::from),
        best_channel: Some(channel),
        ..RunUnit::default()
    };
    run.units = vec![unit("3", Some("good"), 2), unit("7", None, 0)];
    run.spikes = SpikeTable {
        samples: vec![10, 20, 30],
        units: vec![1, 0, 1],
        amplitudes: Some(vec![1.0, 5.0, 3.0]),
        depths_um: Some(vec![f32::NAN, 41.0, 2.0]),
        scores: None,
    };
    let contact = |channel: usize, y_um: f64| Contact {
        channel,
        x_um: 0.0,
        y_um,
        shank: 0,
    };
    run.probe = Some(Probe {
        name: String::new(),
        contacts: vec![contact(5, 0.0), contact(6, 20.0), contact(7, 40.0)],
    });
    let mut waveforms = Array3::zeros((2, 4, 3));
    waveforms[(0, 1, 2)] = -50.0;
    waveforms[(0, 2, 2)] = 30.0;
    waveforms[(1, 1, 0)] = -20.0;
    run.physical_templates = Some(TemplateSet {
        waveforms,
        spike_at: 1,
        unit: TemplateUnit::Microvolts,
    });
    run.motion = Some(Motion {
        times_s: vec![0.5, 1.5],
        depths_um: vec![20.0],
        displacement_um: array![[0.0], [3.0]],
    });
    run
}

fn columns() -> Vec<UnitColumn> {
    vec![UnitColumn {
        name: "snr".into(),
        description: "Signal over noise.".into(),
        values: vec![4.5, f64::NAN],
    }]
}

fn write(run: &SortingRun, format: Format, output: &Path) -> Result<()> {
    export(run, &columns(), output, &ExportOptions::new(format), &Silent)
}

#[test]
fn tables_have_a_row_for_each_unit_and_spike() {
    let scratch = TempDir::new().unwrap();
    let mut run = run();
    run.units[0].id = "=1+1".into();
    write(&run, Format::Csv, &scratch.path().join("csv")).unwrap();
    let text = |name: &str| fs::read_to_string(scratch.path().join(name)).unwrap();
    assert_eq!(
        text("csv/units.csv"),
        "unit,label,x_um,y_um,channel,ptp_uv,snr\r\n'=1+1,good,0,40,7,80,4.5\r\n7,,0,0,5,20,\r\n"
    );
    assert_eq!(
        text("csv/spikes.csv"),
        "sample,time_s,unit,amplitude,depth_um\r\n10,0.01,7,1,\r\n20,0.02,'=1+1,5,41\r\n30,0.03,7,3,2\r\n"
    );
    write(&run, Format::Tsv, &scratch.path().join("tsv")).unwrap();
    assert!(text("tsv/spikes.tsv").ends_with("\n30\t0.03\t7\t3\t2\n"));
}

#[test]
fn alf_is_in_seconds_and_volts() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path().join("alf");
    write(&run(), Format::Alf, &folder).unwrap();
    let numbers = |name: &str| read_npy(&folder.join(name)).unwrap().into_f64().unwrap();
    assert_eq!(numbers("spikes.times.npy"), [0.01, 0.02, 0.03]);
    let volts: Vec<f64> = numbers("spikes.amps.npy").iter().map(|v| (v * 1e9).round()).collect();
    // Unit 7 has 20 µV and amplitudes of 1 and 3, unit 3 has 80 µV.
    assert_eq!(volts, [10_000.0, 80_000.0, 30_000.0]);
    // A spike whose depth is not known has that of its unit.
    assert_eq!(numbers("spikes.depths.npy"), [0.0, 41.0, 2.0]);
    assert_eq!(numbers("clusters.peakToTrough.npy"), [1.0, -1.0]);
    assert_eq!(
        numbers("clusters.waveformsChannels.npy"),
        [2.0, 1.0, 0.0, 0.0, 1.0, 2.0]
    );
    assert_eq!(numbers("drift.um.npy"), [0.0, 3.0]);
    let uuids = fs::read_to_string(folder.join("clusters.uuids.csv")).unwrap();
    assert_eq!(uuids.lines().count(), 3);
}

#[test]
fn shanks_that_moved_apart_have_a_motion_each() {
    let scratch = TempDir::new().unwrap();
    let (alf, motion) = (scratch.path().join("alf"), scratch.path().join("motion"));
    let mut run = run();
    run.motion = None;
    let displacement = array![[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]];
    run.shank_motions = ShankMotion::of_columns(&[0.5, 1.5], &[20.0, 10.0, 30.0], &[3, 0, 0], &displacement);
    write(&run, Format::Alf, &alf).unwrap();
    write(&run, Format::Motion, &motion).unwrap();
    let numbers = |path: PathBuf| read_npy(&path).unwrap().into_f64().unwrap();
    for (shank, depths, um) in [
        ("shank0", vec![10.0, 30.0], vec![1.0, 2.0, 4.0, 5.0]),
        ("shank3", vec![20.0], vec![0.0, 3.0]),
    ] {
        assert_eq!(numbers(motion.join(shank).join("spatial_bins_um.npy")), depths);
        assert_eq!(numbers(motion.join(shank).join("displacement_seg0.npy")), um);
        assert_eq!(numbers(motion.join(shank).join("temporal_bins_s_seg0.npy")), [0.5, 1.5]);
        assert_eq!(numbers(alf.join(format!("drift.um.{shank}.npy"))), um);
        assert_eq!(numbers(alf.join(format!("drift_depths.um.{shank}.npy"))), depths);
    }
    assert!(!alf.join("drift.um.npy").exists());
}

#[test]
fn spikeinterface_reads_back_as_the_same_run() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path().join("si");
    write(&run(), Format::SpikeInterface, &folder).unwrap();
    let back = read_run(&folder, &ReadOptions::default()).unwrap();
    assert_eq!(back.spikes.samples, [10, 20, 30]);
    assert_eq!(back.spikes.units, [1, 0, 1]);
    assert_eq!(back.units[0].label.as_deref(), Some("good"));
    assert_eq!((back.units[1].id.as_str(), back.sample_rate), ("7", Some(1000.0)));
}

#[test]
fn only_exports_of_the_same_format_are_replaced() {
    let scratch = TempDir::new().unwrap();
    let folder = scratch.path().join("out");
    let again = |format: Format| {
        let options = ExportOptions {
            overwrite: true,
            ..ExportOptions::new(format)
        };
        export(&run(), &[], &folder, &options, &Silent)
    };
    write(&run(), Format::Csv, &folder).unwrap();
    assert!(
        write(&run(), Format::Csv, &folder)
            .unwrap_err()
            .to_string()
            .contains("--overwrite")
    );
    again(Format::Csv).unwrap();
    let error = again(Format::Tsv).unwrap_err().to_string();
    assert!(error.contains("not an earlier export to TSV"), "{error}");
    fs::write(folder.join("mine.txt"), "").unwrap();
    assert!(again(Format::Csv).unwrap_err().to_string().contains("mine.txt"));
    let file = scratch.path().join("a.nwb");
    let nwb = |overwrite| {
        let options = ExportOptions {
            overwrite,
            ..ExportOptions::new(Format::Nwb)
        };
        export(&run(), &columns(), &file, &options, &Silent)
    };
    nwb(false).unwrap();
    nwb(true).unwrap();
    fs::write(&file, "\u{89}HDF").unwrap();
    assert!(
        nwb(true)
            .unwrap_err()
            .to_string()
            .contains("not an earlier export to NWB")
    );
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 2);
}

#[test]
fn what_is_missing_is_said() {
    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);
    impl Observer for Heard {
        fn stage_started(&self, _: &str, _: u64, _: &str) {}
        fn advanced(&self, _: u64) {}
        fn stage_finished(&self, _: &str, _: f64) {}
        fn warning(&self, message: &str) {
            self.0.lock().unwrap().push(message.to_owned());
        }
        fn note(&self, _: &str) {}
        fn cancelled(&self) -> bool {
            false
        }
    }
    let scratch = TempDir::new().unwrap();
    let mut bare = SortingRun::new("bare", "bare", RunKind::Table);
    let error = |run: &SortingRun, format| write(run, format, &scratch.path().join("x")).unwrap_err().to_string();
    bare.spikes.samples = vec![5];
    bare.spikes.units = vec![0];
    bare.units = vec![RunUnit::default(), RunUnit::default()];
    assert!(error(&bare, Format::Csv).contains("--sample-rate"));
    bare.sample_rate = Some(1000.0);
    assert!(error(&bare, Format::Motion).contains("has no motion"));
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
    for format in [Format::Alf, Format::Nwb] {
        let heard = Heard::default();
        let options = ExportOptions::new(format);
        export(&bare, &[], &scratch.path().join(format.name()), &options, &heard).unwrap();
        let all = heard.0.into_inner().unwrap().join("\n");
        assert!(all.contains("contacts") && all.contains("--gain-uv"), "{all}");
    }
    let mut counts = run();
    counts.physical_templates.as_mut().unwrap().unit = TemplateUnit::Counts;
    let options = ExportOptions {
        gain_uv: Some(2.0),
        ..ExportOptions::new(Format::Csv)
    };
    export(&counts, &[], &scratch.path().join("gain"), &options, &Silent).unwrap();
    let units = fs::read_to_string(scratch.path().join("gain/units.csv")).unwrap();
    assert!(units.contains("40,7,160\r\n"), "{units}");
    let options = ExportOptions {
        gain_uv: Some(0.0),
        ..options
    };
    assert!(export(&counts, &[], Path::new("no"), &options, &Silent).is_err());
}
