#![allow(clippy::unwrap_used)]
use super::*;

fn sets(list: &[&str]) -> Result<Resolved> {
    let list: Vec<String> = list.iter().map(ToString::to_string).collect();
    Settings::resolve(Algorithm::Kilosort2, None, None, &list)
}

fn file(text: &str) -> Result<Resolved> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("params.toml");
    std::fs::write(&path, text).unwrap();
    Settings::resolve(Algorithm::Kilosort2, None, Some(&path), &[])
}

/// The message, which must be one line for exit code 2.
fn message(result: Result<Resolved>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.exit_code(), 2);
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

#[test]
fn both_spellings_of_every_type_are_read() {
    let ours = sets(&[
        "threshold=[6,2]",
        "reorder=false",
        "batch_samples=16448",
        "highpass_hz=300",
        "compat.stale_row=true",
    ])
    .unwrap();
    let kilosort = sets(&[
        "Th=[6.0, 2]",
        "reorder=0",
        "NT=16448.0",
        "fshigh=3e2",
        "compat.stale_row=1",
    ])
    .unwrap();
    assert_eq!(ours, kilosort);
    let p = &ours.settings.parameters;
    assert_eq!(
        (p.threshold, p.reorder, p.batch_samples, p.highpass_hz),
        ([6.0, 2.0], false, 16448, 300.0)
    );
    assert!(ours.settings.compat.stale_row && !ours.settings.compat.component_sign);
    assert_eq!(ours.warnings, Vec::<String>::new());
}

#[test]
fn the_options_of_a_kilosort2_script_are_taken_as_they_are() {
    let resolved = file(
        "fs = 30000\nfshigh = 150\nminfr_goodchannels = 0.1\nTh = [6, 2]\nlam = 10\nAUCsplit = 0.9\nminFR = 0.02\n\
         momentum = [20, 400]\nsigmaMask = 30\nThPre = 8\nspkTh = -6\nreorder = 1\nnskip = 25\nGPU = 1\n\
         nfilt_factor = 4\nntbuff = 64\nNT = 65600\nwhiteningRange = 32\nnSkipCov = 25\nscaleproc = 200\nnPCs = 3\n\
         useRAM = 0\nNchanTOT = 64\ntrange = [0, inf]\n",
    )
    .unwrap();
    let expected = Parameters {
        threshold: [6.0, 2.0],
        ..Parameters::kilosort2()
    };
    assert_eq!(resolved.settings.parameters, expected);
    assert_eq!(
        resolved.recording,
        RecordingOptions {
            sample_rate: Some(30000.0),
            n_channels: Some(64),
            time_range_s: Some((0.0, None)),
        }
    );
    let without_effect: Vec<bool> = resolved.warnings.iter().map(|w| w.contains("has no effect")).collect();
    assert_eq!(without_effect, [true; 4], "{:?}", resolved.warnings);
}

#[test]
fn a_file_has_a_compat_table_and_set_wins_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("params.toml");
    std::fs::write(
        &path,
        "lam = 5\nnskip = 7\n[compat]\nstale_row = false\npeak_edges = true\n",
    )
    .unwrap();
    let set = [
        "amplitude_prior=3".to_string(),
        "compat.tail_contamination=false".to_string(),
    ];
    let resolved = Settings::resolve(Algorithm::Kilosort2, Some("kilosort2-2.0.2"), Some(&path), &set).unwrap();
    let settings = resolved.settings;
    assert_eq!(
        (
            settings.parameters.amplitude_prior,
            settings.parameters.prototype_stride
        ),
        (3.0, 7)
    );
    let expected = Compat {
        stale_row: false,
        tail_contamination: false,
        peak_edges: true,
        ..Compat::kilosort2_2_0_2()
    };
    assert_eq!(settings.compat, expected);
}

#[test]
fn no_limit_can_be_written_as_inf() {
    let p = sets(&["whiteningRange=inf", "fslow=inf"]).unwrap().settings.parameters;
    assert_eq!((p.whitening_range, p.lowpass_hz), (0, 0.0));
}

#[test]
fn the_trough_follows_the_length_of_the_template_unless_given() {
    let trough = |list: &[&str]| sets(list).unwrap().settings.parameters.trough_sample;
    assert_eq!(trough(&["nt0=61"]), 20);
    assert_eq!(trough(&["nt0=41"]), 14);
    assert_eq!(trough(&["nt0=81", "ntbuff=96"]), 27);
    assert_eq!(trough(&["nt0=41", "nt0min=9"]), 9);
}

#[test]
fn mistakes_are_one_sentence_that_says_what_to_do() {
    for (option, parts) in [
        (
            "tresh=[6,2]",
            ["--set tresh is not a parameter", "did you mean threshold?"],
        ),
        ("th=[6,2]", ["--set th is not a parameter", "did you mean Th?"]),
        ("whiteningrange=3", ["not a parameter", "did you mean whiteningRange?"]),
        ("nchantot=3", ["not a parameter", "did you mean NchanTOT?"]),
        (
            "compat.stale_rows=true",
            ["not a compatibility switch", "compat.stale_row?"],
        ),
        ("Th", ["--set Th has no '='", "--set Th=[6,2]"]),
        ("reorder=off", ["'off' is not a value", "true or false"]),
        ("Th=[6 2]", ["'[6 2]' is not a value", "[6, 2]"]),
        ("Th=", ["'' is not a value", "a number"]),
        ("Th=6", ["is 6", "a list of 2 numbers is expected, such as [10.0, 4.0]"]),
        ("Th=[6,2,1]", ["is [6, 2, 1]", "a list of 2 numbers"]),
        ("Th=[6,\"a\"]", ["is \"a\"", "a number is expected"]),
        ("Th=[6,0]", ["value 0", "greater than 0"]),
        ("Th=[6,nan]", ["value nan", "greater than 0"]),
        ("lam=inf", ["value inf", "0 or more"]),
        ("lam=true", ["is true", "a number is expected, such as 10.0"]),
        ("reorder=2", ["is 2", "true or false"]),
        ("NT=65600.5", ["value 65600.5", "whole number"]),
        ("NT=-1", ["value -1", "1024 to"]),
        ("NT=1060", ["batch_samples (NT) is 1060", "1088 or more"]),
        ("nt0min=61", ["is 61", "1 to 60"]),
        ("spkTh=6", ["value 6", "less than 0"]),
        ("nPCs=4", ["--set nPCs is 4", "must be 3"]),
        ("compat.stale_row=5", ["--set compat.stale_row is 5", "true or false"]),
        ("fs=0", ["--set fs is 0", "greater than 0"]),
        ("NchanTOT=2.5", ["2.5", "whole number"]),
        ("trange=[5,2]", ["[5, 2]", "[start, end] in seconds"]),
        ("trange=7", ["is 7", "[start, end] in seconds"]),
    ] {
        let text = message(sets(&[option]));
        for part in parts {
            assert!(text.contains(part), "{option}: {text}");
        }
    }
}

#[test]
fn two_spellings_in_one_place_are_refused_but_repetition_is_not() {
    let text = message(sets(&["Th=[6,2]", "threshold=[5,3]"]));
    assert!(
        text.contains("--set Th and threshold are two names of the parameter threshold"),
        "{text}"
    );
    let text = message(file("CSBseed = 1\nLTseed = 1\n"));
    assert!(text.contains("params.toml: CSBseed and LTseed"), "{text}");
    assert_eq!(
        sets(&["lam=1", "lam=2"]).unwrap().settings.parameters.amplitude_prior,
        2.0
    );
}

#[test]
fn mistakes_in_a_file_name_the_file_and_the_line() {
    let text = message(file("lam = 3\nTh = [6 2]\n"));
    assert!(text.contains("params.toml, line 2:"), "{text}");
    let text = message(file("lamda = 3\n"));
    assert!(
        text.contains("params.toml: lamda is not a parameter; did you mean lam?"),
        "{text}"
    );
    let text = message(file("[compat]\nnonsense = true\n"));
    assert!(text.contains("params.toml: compat.nonsense"), "{text}");
    let text = message(file("[parameters]\nlam = 3\n"));
    assert!(text.contains("parameters is not a parameter"), "{text}");
    let text = message(Settings::resolve(
        Algorithm::Kilosort2,
        None,
        Some(Path::new("no.toml")),
        &[],
    ));
    assert!(text.contains("no.toml does not exist"), "{text}");
    let text = message(Settings::resolve(Algorithm::Kilosort2, Some("kilosort2"), None, &[]));
    assert!(text.contains("did you mean kilosort2-2.0.2?"), "{text}");
}

#[test]
fn filter_corners_are_checked_against_the_rate() {
    let settings = |list: &[&str]| sets(list).unwrap().settings;
    assert!(settings(&[]).check_rate(30000.0).is_ok());
    let text = settings(&[]).check_rate(300.0).unwrap_err().to_string();
    assert!(
        text.contains("highpass_hz (fshigh) is 150") && text.contains("below 150"),
        "{text}"
    );
    let band = settings(&["fslow=6000"]);
    assert!(band.check_rate(30000.0).is_ok());
    let text = band.check_rate(12000.0).unwrap_err().to_string();
    assert!(text.contains("between 150 and 6000"), "{text}");
    assert!(settings(&["fslow=100"]).check_rate(30000.0).is_err());
}

#[test]
fn settings_made_by_hand_are_checked_too() {
    let mut settings = Settings::new(Algorithm::Pykilosort);
    assert!(settings.validate().is_ok());
    settings.parameters.threshold[1] = f64::NAN;
    let text = settings.validate().unwrap_err().to_string();
    assert!(
        text.contains("threshold (Th) is [10.0, nan]") && text.contains("greater than 0"),
        "{text}"
    );
}

#[test]
fn suspicious_values_are_named() {
    let warnings = sets(&["nt0=81", "Th=[4,10]"]).unwrap().warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("at least 84") && warnings[1].contains("stricter"));
}
