//! `ferrosort summary`: one page over the results of many recordings.

use std::path::Path;

use ferrosort_core::{Observer, Result};
use ferrosort_report::outputs::{check_files, is_stdout, write_file};
use ferrosort_report::sessions::{State, read_sessions, render_sessions};
use serde_json::json;

use crate::args::SummaryArgs;
use crate::progress::Progress;

/// Reads the manifests, and writes the page.
pub fn run(args: &SummaryArgs, progress: &Progress) -> Result<()> {
    let files: Vec<&Path> = [Some(&args.output), args.json.as_ref()]
        .into_iter()
        .flatten()
        .map(AsRef::as_ref)
        .collect();
    check_files(&files, args.overwrite, &args.results)?;
    let folder = args.output.parent().filter(|parent| !parent.as_os_str().is_empty());
    let sessions = read_sessions(&args.results, folder.unwrap_or(Path::new(".")))?;
    let missing = sessions.iter().filter_map(|session| match &session.state {
        State::Missing(reason) => Some((session, reason)),
        State::Finished(_) => None,
    });
    for (session, reason) in missing.clone() {
        progress.warning(&format!("{}: {reason}", session.folder.display()));
    }
    let page = render_sessions(&args.title, &sessions)?;
    write_file(&args.output, |file| file.write_all(page.as_bytes()))?;
    if let Some(path) = &args.json {
        write_file(path, |file| Ok(serde_json::to_writer_pretty(file, &sessions)?))?;
    }
    if !files.iter().any(|file| is_stdout(file)) {
        let shown = args.output.display();
        let (all, without) = (sessions.len(), missing.count());
        let report = json!({"event": "finished", "page": shown.to_string(), "recordings": all, "missing": without});
        progress.finished(
            &format!("{} of {all} recordings are sorted; page: {shown}\n", all - without),
            &report,
        );
    }
    Ok(())
}
