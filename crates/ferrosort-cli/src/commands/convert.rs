//! `ferrosort convert`: any recording as a recording folder.

use ferrosort_core::{Error, Observer as _, Result};
use ferrosort_formats::{ConvertOptions, OpenOptions, convert, open_recording, read_probe};
use serde_json::json;

use crate::args::ConvertArgs;
use crate::progress::Progress;

/// Reads the recording and writes the folder.
pub fn run(args: &ConvertArgs, progress: &Progress) -> Result<()> {
    let options = OpenOptions::from(&args.recording.format);
    let recording = open_recording(&args.recording.recording, &options)?;
    for note in recording.notes() {
        progress.warning(note);
    }
    let given = args.probe.as_deref().map(read_probe).transpose()?;
    let probe = given.as_ref().or(recording.probe());
    if let Some(probe) = probe {
        let source = args
            .probe
            .as_ref()
            .map_or(recording.name().to_owned(), |p| p.display().to_string());
        // Sorting spreads contacts that share a position; everything else about a probe has to be right.
        let mut spread = probe.clone();
        spread.spread(1.0);
        spread.validate(recording.n_channels(), &source)?;
    }
    if args
        .recording
        .recording
        .iter()
        .any(|input| is_same(input, &args.output))
    {
        return Err(Error::input(format!(
            "output {} is the recording itself; name another folder",
            args.output.display()
        )));
    }
    let options = ConvertOptions {
        overwrite: args.overwrite,
        compress: args.compress,
    };
    convert(&*recording, probe, &args.output, options, progress)?;
    let report = json!({
        "event": "finished", "folder": args.output.display().to_string(), "n_channels": recording.n_channels(),
        "n_samples": recording.n_samples(), "warnings": recording.notes(),
    });
    let text = format!(
        "{} channels, {:.3} s, {}\nsort it: ferrosort sort {} --output sorting\n",
        recording.n_channels(),
        recording.n_samples() as f64 / recording.sample_rate(),
        probe.map_or("no probe".to_owned(), |probe| format!(
            "probe of {} contacts",
            probe.len()
        )),
        args.output.display()
    );
    progress.finished(&text, &report);
    Ok(())
}

fn is_same(a: &std::path::Path, b: &std::path::Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}
