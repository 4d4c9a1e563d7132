//! What a process used so far, as the operating system counts it.

use std::path::Path;

use ferrosort_core::Result;
use ferrosort_report::outputs::write_file;
use serde::{Deserialize, Serialize};

/// Clock ticks of `/proc/PID/stat` in a second: fixed in Linux' interface to programs.
const TICKS_PER_S: f64 = 100.0;

/// Time of all threads and the most memory at once. `None` where the system does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Processor time in the program and in the system, s.
    pub cpu_s: Option<f64>,
    /// Largest resident memory, bytes.
    pub peak_bytes: Option<u64>,
}

impl Usage {
    /// Of this process.
    pub fn of_this_process() -> Self {
        let read = |name: &str| std::fs::read_to_string(Path::new("/proc/self").join(name)).ok();
        Self {
            cpu_s: read("stat").and_then(|stat| cpu_s(&stat)),
            peak_bytes: read("status").and_then(|status| peak_bytes(&status)),
        }
    }

    /// Writes it as JSON.
    ///
    /// # Errors
    /// I/O.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_file(path, |file| Ok(serde_json::to_writer(file, self)?))
    }
}

/// Fields 14 and 15 of `/proc/PID/stat`, counted behind the program's name, which may hold anything.
fn cpu_s(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_S)
}

fn peak_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_the_files_of_linux() {
        let stat = "77 (a) b (c)) S 1 77 77 0 -1 4194560 99 0 0 0 250 31 0 0 20 0 4 0 1000 2000 300";
        assert_eq!(cpu_s(stat), Some(2.81));
        assert_eq!(
            peak_bytes("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n"),
            Some(2 << 20)
        );
        assert_eq!((cpu_s("nothing"), peak_bytes("nothing")), (None, None));
    }
}
