//! `ferrosort info`: what a recording is, and what looks wrong about it.

use ferrosort_core::Result;
use ferrosort_formats::inspect::{FileFacts, ProbeFacts};
use ferrosort_formats::{Inspection, OpenOptions, inspect, open_recording, read_probe};

use crate::args::InfoArgs;
use crate::progress::print;

/// Prints facts and likely mistakes.
pub fn run(args: &InfoArgs) -> Result<()> {
    let options = OpenOptions::from(&args.recording.format);
    let recording = open_recording(&args.recording.recording, &options)?;
    let probe = args.probe.as_deref().map(read_probe).transpose()?;
    print(&text(&inspect(&*recording, probe.as_ref())?));
    Ok(())
}

fn text(facts: &Inspection) -> String {
    let mut lines = vec![
        ("recording", facts.name.clone()),
        ("channels", facts.n_channels.to_string()),
        ("sample rate", format!("{} Hz", facts.sample_rate)),
        (
            "length",
            format!("{:.3} s, {} samples", facts.duration_s, facts.n_samples),
        ),
    ];
    if let Some(files) = &facts.files {
        lines.push(("files", file_line(files)));
    }
    lines.push((
        "gain",
        match facts.gain_uv {
            Some([low, high]) if low == high => format!("{low} µV per count"),
            Some([low, high]) => format!("{low} to {high} µV per count"),
            None => "unknown; amplitudes stay in counts".to_string(),
        },
    ));
    lines.push((
        "probe",
        match &facts.probe {
            Some(probe) => probe_line(probe),
            None => "none; sorting would assume contacts on a line, give --probe FILE".to_string(),
        },
    ));
    let mut text: Vec<String> = lines
        .iter()
        .map(|(name, value)| format!("{name:<12} {value}"))
        .collect();
    if facts.warnings.is_empty() {
        text.push("no likely mistake found".to_string());
    }
    text.extend(facts.warnings.iter().map(|warning| format!("warning: {warning}")));
    text.join("\n") + "\n"
}

fn file_line(files: &FileFacts) -> String {
    let names: Vec<String> = files.paths.iter().map(|path| path.display().to_string()).collect();
    let mut parts = vec![
        format!("{}: {}", names.join(", "), files.sample_type.numpy_name()),
        format!("{:.1} MB", files.sample_bytes as f64 / 1e6),
    ];
    if files.offset_bytes > 0 {
        parts.push(format!("after {} bytes of header", files.offset_bytes));
    }
    if files.first_sample > 0 {
        parts.push(format!("from sample {}", files.first_sample));
    }
    parts.join(", ")
}

fn probe_line(probe: &ProbeFacts) -> String {
    let shanks = match probe.n_shanks {
        1 => "1 shank".to_string(),
        n => format!("{n} shanks"),
    };
    let name = match probe.name.as_str() {
        "" => String::new(),
        name => format!("{name}: "),
    };
    format!(
        "{name}{} contacts on {shanks}, x {} to {} µm, y {} to {} µm",
        probe.n_contacts, probe.x_um[0], probe.x_um[1], probe.y_um[0], probe.y_um[1]
    )
}
