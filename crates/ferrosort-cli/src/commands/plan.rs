//! `ferrosort plan`: what a run would choose, take and hold, before it runs.

use ferrosort::job::thread_pool;
use ferrosort::pipeline::{Draws, Limits, Request};
use ferrosort::plan::{Plan, plan};
use ferrosort::settings::{RecordingOptions, Settings};
use ferrosort_core::{Observer, Result};

use super::input;
use crate::args::PlanArgs;
use crate::progress::{Progress, print};

/// Looks at the recording, tries its first stages on parts of it, and prints what to expect.
pub fn run(args: &PlanArgs, progress: &Progress) -> Result<()> {
    let input = input::open(&args.recording, &args.probe, &RecordingOptions::default())?;
    for warning in &input.warnings {
        progress.warning(warning);
    }
    let settings = Settings::new(args.algorithm.into());
    let request = Request {
        recording: &*input.recording,
        probe: &input.probe,
        settings: &settings,
        draws: Draws::default(),
        processed_file: None,
        features: None,
        checkpoints: None,
        limits: Limits {
            memory: args.memory,
            chunk_s: None,
        },
    };
    let pool = thread_pool(args.threads)?;
    let plan = pool.install(|| plan(&request, progress))?;
    if args.json {
        print(&(serde_json::json!(plan).to_string() + "\n"));
    } else {
        print(&text(&plan, pool.current_num_threads()));
    }
    Ok(())
}

fn text(plan: &Plan, threads: usize) -> String {
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let mut lines = plan.choices.clone();
    lines.push(String::new());
    lines.push("stage             seconds   memory".to_string());
    for stage in &plan.stages {
        lines.push(format!(
            "{:<16} {:>8.1} {:>5} MiB",
            stage.stage,
            stage.seconds,
            mib(stage.memory_bytes)
        ));
    }
    lines.push(String::new());
    lines.push(format!(
        "expected: {:.0} s on {threads} threads, {} MiB of memory (at least {} MiB with --memory), {} MiB on the disk and {} MiB more \
         while it lasts, about {} spikes",
        plan.seconds,
        mib(plan.memory_bytes),
        mib(plan.least_memory_bytes),
        mib(plan.result_bytes),
        mib(plan.checkpoint_bytes),
        plan.spikes
    ));
    lines.join("\n") + "\n"
}
