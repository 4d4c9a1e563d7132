//! `ferrosort doctor`: what a bug report needs to say of a machine, and whether the program works on it.

mod disk;
mod self_test;
mod system;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ferrosort_core::{Error, Result};
use serde::Serialize;

use self::disk::Disk;
use self::self_test::SelfTest;
use self::system::{Memory, System};
use super::bench::machine;
use crate::args::DoctorArgs;
use crate::progress::{Progress, print};

/// Exit code when something is wrong with the machine or the program.
const SOMETHING_IS_WRONG: u8 = 1;
/// Least memory that a sorting should find, bytes.
const LEAST_MEMORY: u64 = 1 << 30;
/// Mean accuracy below which the self-test fails. The sorter reaches more than 0.9 on this recording, on every machine the same.
const LEAST_ACCURACY: f64 = 0.8;

/// Everything that was found.
#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    commit: Option<String>,
    optimised: bool,
    system: System,
    memory: Option<Memory>,
    /// What was measured, or why it could not be.
    disk: std::result::Result<Disk, String>,
    /// Graphics processors and the like: none can be used yet.
    devices: [&'static str; 0],
    /// As for the disk.
    self_test: std::result::Result<SelfTest, String>,
    /// What is wrong, one sentence each.
    problems: Vec<String>,
}

/// Looks at the machine, runs the self-test, and prints what was found.
///
/// # Errors
/// The folder does not exist; the user interrupts. What is wrong with the machine is no error but the exit code.
pub fn run(args: &DoctorArgs, progress: &Progress) -> Result<ExitCode> {
    if !args.folder.is_dir() {
        return Err(Error::input(format!(
            "--folder {} is no folder; name the one that sortings will be written to",
            args.folder.display()
        )));
    }
    let bench = Bench::create(&args.folder);
    let disk = bench
        .as_ref()
        .map_err(Clone::clone)
        .and_then(|bench| disk::measure(&bench.folder).map_err(|e| e.to_string()));
    let self_test = match &bench {
        Err(_) => Err("there is no folder to run it in".to_string()),
        Ok(bench) => match self_test::run(&bench.folder, progress) {
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            tested => tested.map_err(|e| e.to_string()),
        },
    };
    drop(bench);
    let mut report = Report {
        version: env!("CARGO_PKG_VERSION"),
        commit: option_env!("FERROSORT_COMMIT")
            .map(str::to_string)
            .or_else(machine::commit),
        optimised: !cfg!(debug_assertions),
        system: System::here(),
        memory: Memory::now(),
        disk,
        devices: [],
        self_test,
        problems: Vec::new(),
    };
    report.problems = report.what_is_wrong(&args.folder);
    if args.json {
        let json = serde_json::to_string_pretty(&report);
        let json = json.map_err(|e| Error::io("write", Path::new("standard output"), e.into()))?;
        print(&(json + "\n"));
    } else {
        print(&report.text(&args.folder));
    }
    Ok(if report.problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(SOMETHING_IS_WRONG)
    })
}

/// A hidden folder that is removed at the end, whatever happens.
struct Bench {
    folder: PathBuf,
}

impl Bench {
    fn create(parent: &Path) -> std::result::Result<Self, String> {
        let folder = parent.join(format!(".ferrosort-doctor-{}", std::process::id()));
        fs::create_dir(&folder).map_err(|e| Error::io("create", &folder, e).to_string())?;
        Ok(Self { folder })
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // What cannot be removed keeps its telling name.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Report {
    /// One sentence for everything that a user should mend or report.
    fn what_is_wrong(&self, folder: &Path) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(memory) = self.memory.filter(|memory| memory.available < LEAST_MEMORY) {
            problems.push(format!(
                "only {} of memory are available, a sorting needs {} or more; end other programs or raise the limit of the container",
                system::gib(memory.available),
                system::gib(LEAST_MEMORY)
            ));
        }
        if let Err(reason) = &self.disk {
            problems.push(format!(
                "nothing can be written to {}: {reason}; name another folder with --folder",
                folder.display()
            ));
        }
        match &self.self_test {
            // The disk is to blame, and named above.
            Err(_) if self.disk.is_err() => {}
            Err(reason) => problems.push(format!("the self-test could not be finished: {reason}")),
            Ok(test) => problems.extend(test.what_is_wrong(LEAST_ACCURACY)),
        }
        problems
    }

    fn text(&self, folder: &Path) -> String {
        let commit = self.commit.as_ref().map_or("commit unknown", String::as_str);
        let build = if self.optimised { "" } else { ", not optimised: slow" };
        let mut lines = vec![format!("ferrosort {} ({commit}{build})", self.version)];
        lines.extend(self.system.lines());
        lines.push(self.memory.map_or("memory      unknown".into(), Memory::line));
        lines.push(match &self.disk {
            Ok(disk) => disk.line(folder),
            Err(reason) => format!("disk        {reason}"),
        });
        lines.push("devices     none: ferrosort computes on the processor".into());
        match &self.self_test {
            Ok(test) => lines.extend(test.lines()),
            Err(reason) => lines.push(format!("self-test   not done: {reason}")),
        }
        if self.problems.is_empty() {
            lines.push("everything works".into());
        }
        lines.extend(self.problems.iter().map(|problem| format!("problem: {problem}")));
        lines.join("\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(test: SelfTest) -> Report {
        Report {
            version: "1.2.3",
            commit: None,
            optimised: true,
            system: System::here(),
            memory: Some(Memory {
                total: 8 << 30,
                available: 4 << 30,
            }),
            disk: Ok(Disk::default()),
            devices: [],
            self_test: Ok(test),
            problems: Vec::new(),
        }
    }

    fn wrong(report: &Report) -> String {
        report.what_is_wrong(Path::new("here")).join("; ")
    }

    #[test]
    fn a_good_machine_has_no_problem() {
        let report = report(SelfTest::example(0.95));
        assert_eq!(wrong(&report), "");
        let text = report.text(Path::new("here"));
        assert!(text.starts_with("ferrosort 1.2.3 (commit unknown)\n"), "{text}");
        assert!(
            text.contains("memory      8.0 GiB, 4.0 GiB available") && text.contains("everything works"),
            "{text}"
        );
    }

    #[test]
    fn every_problem_has_its_sentence() {
        let accuracy = wrong(&report(SelfTest::example(0.5)));
        assert!(
            accuracy.contains("mean accuracy of 0.500 in the self-test"),
            "{accuracy}"
        );
        let mut other = report(SelfTest {
            same_bytes: false,
            ..SelfTest::example(0.95)
        });
        assert!(
            wrong(&other).contains("1 and 2 threads give different bytes"),
            "{}",
            wrong(&other)
        );
        other.memory = Some(Memory {
            total: 8 << 30,
            available: 100 << 20,
        });
        assert!(wrong(&other).contains("only 0.1 GiB of memory"), "{}", wrong(&other));
        other.disk = Err("cannot create here: no space".into());
        other.self_test = Err("there is no folder to run it in".into());
        let said = wrong(&other);
        assert!(
            said.contains("nothing can be written to here") && !said.contains("self-test"),
            "{said}"
        );
        other.disk = Ok(Disk::default());
        assert!(
            wrong(&other).contains("could not be finished: there is no folder"),
            "{}",
            wrong(&other)
        );
    }
}
