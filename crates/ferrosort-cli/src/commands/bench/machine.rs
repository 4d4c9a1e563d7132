//! With what and when a benchmark was made.

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// What stands above a table of numbers that depend on the machine.
#[derive(Debug, Clone, Serialize)]
pub struct Header {
    /// Suite.
    pub suite: &'static str,
    /// Day of the start, UTC, as `YYYY-MM-DD`.
    pub date: String,
    /// Version of the program.
    pub version: &'static str,
    /// Commit of the clone that the program lies in, `+` when files differ from it.
    pub commit: Option<String>,
    /// The processor's name.
    pub cpu: Option<String>,
    /// Threads.
    pub threads: usize,
}

impl Header {
    /// Of this program, here and now.
    pub fn now(suite: &'static str, threads: Option<NonZeroUsize>) -> Self {
        let threads = threads.or_else(|| std::thread::available_parallelism().ok());
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            suite,
            date: date(since.map_or(0, |since| since.as_secs() / 86_400)),
            version: env!("CARGO_PKG_VERSION"),
            commit: commit(),
            cpu: std::fs::read_to_string("/proc/cpuinfo")
                .ok()
                .and_then(|text| cpu(&text)),
            threads: threads.map_or(1, NonZeroUsize::get),
        }
    }

    /// The same in one line.
    pub fn line(&self) -> String {
        let commit = self
            .commit
            .as_ref()
            .map_or(String::new(), |commit| format!(" ({commit})"));
        format!(
            "suite {}, {}, ferrosort {}{commit}, {}, {} threads",
            self.suite,
            self.date,
            self.version,
            self.cpu.as_deref().unwrap_or("unknown processor"),
            self.threads
        )
    }
}

/// Date of a day since 1970 (Howard Hinnant's `civil_from_days`, <https://howardhinnant.github.io/date_algorithms.html>).
fn date(days: u64) -> String {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + 400 * era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The processor's name in `/proc/cpuinfo`.
pub fn cpu(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_string())
}

/// The commit of the clone above the program, if it is built in one and git is there.
pub fn commit() -> Option<String> {
    let program = std::env::current_exe().ok()?;
    let clone = program
        .ancestors()
        .find(|folder| folder.join("crates/ferrosort-cli/Cargo.toml").is_file())?;
    let hash = git(clone, &["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(clone, &["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changed.is_empty() { hash } else { hash + "+" })
}

fn git(folder: &Path, args: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_dates() {
        for (days, expected) in [(0, "1970-01-01"), (19_782, "2024-02-29"), (20_453, "2025-12-31")] {
            assert_eq!(date(days), expected);
        }
    }

    #[test]
    fn the_processor_is_named() {
        assert_eq!(cpu("processor: 0\nmodel name\t: Fast 9\n"), Some("Fast 9".to_string()));
        assert_eq!(cpu(""), None);
    }
}
