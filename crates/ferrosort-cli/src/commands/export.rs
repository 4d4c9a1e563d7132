//! `ferrosort export`: a result for other programs.

use ferrosort::job::thread_pool;
use ferrosort_core::Result;
use ferrosort_formats::export::{ExportOptions, Format};
use ferrosort_formats::results::ReadOptions;
use ferrosort_report::export::export;
use serde_json::json;

use crate::args::ExportArgs;
use crate::progress::Progress;

/// Reads the result and writes the export.
pub fn run(args: &ExportArgs, progress: &Progress) -> Result<()> {
    let mut options = ExportOptions {
        overwrite: args.overwrite,
        gain_uv: args.gain_uv,
        ..ExportOptions::new(args.format)
    };
    for assignment in &args.metadata {
        options.metadata.assign(assignment)?;
    }
    let read = ReadOptions {
        sample_rate: args.sample_rate,
        prefer_truth: args.truth,
        ..ReadOptions::default()
    };
    let pool = thread_pool(args.threads)?;
    let run = pool.install(|| export(&args.result, &read, &args.output, &options, progress))?;
    let (units, spikes) = (run.units.len(), run.spikes.len());
    let shown = args.output.display();
    let hint = match args.format {
        Format::Nwb => format!("read it: pynwb.NWBHDF5IO(\"{shown}\").read().units.to_dataframe()\n"),
        Format::SpikeInterface => format!("read it: spikeinterface.load(\"{shown}\")\n"),
        Format::Motion if run.motion.is_none() => {
            format!("read the motion of a shank: spikeinterface.core.motion.Motion.load(\"{shown}/shank...\")\n")
        }
        Format::Motion => format!("read it: spikeinterface.core.motion.Motion.load(\"{shown}\")\n"),
        Format::Alf | Format::Tsv | Format::Csv => String::new(),
    };
    let text = format!("{spikes} spikes of {units} units\nwritten: {shown}\n{hint}");
    let report = json!({
        "event": "finished", "output": shown.to_string(), "format": args.format.name(), "units": units, "spikes": spikes,
    });
    progress.finished(&text, &report);
    Ok(())
}
