//! Operating system, processor and memory.

use std::fs;

use ferrosort_kernels::simd_level;
use serde::Serialize;

use crate::commands::bench::machine;

/// What the program runs on.
#[derive(Debug, Serialize)]
pub struct System {
    /// The operating system with its version, as far as it tells.
    pub os: String,
    /// Kind of processor.
    pub architecture: &'static str,
    /// The processor's name.
    pub processor: Option<String>,
    /// Vector instructions that the kernels use.
    pub simd: String,
    /// Vector instructions that the processor has.
    pub features: Vec<&'static str>,
    /// Processors that this process may use.
    pub threads: usize,
}

impl System {
    /// This machine.
    pub fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).ok();
        let kernel = read("/proc/sys/kernel/osrelease").map(|text| text.trim().to_string());
        let distribution = read("/etc/os-release").and_then(|text| pretty_name(&text));
        let parts = [Some(std::env::consts::OS.to_string()), kernel, distribution];
        Self {
            os: parts.into_iter().flatten().collect::<Vec<_>>().join(", "),
            architecture: std::env::consts::ARCH,
            processor: read("/proc/cpuinfo").and_then(|text| machine::cpu(&text)),
            simd: format!("{:?}", simd_level()).to_lowercase(),
            features: features(),
            threads: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
        }
    }

    /// For people.
    pub fn lines(&self) -> Vec<String> {
        let features = match self.features.as_slice() {
            [] => "no vector features".to_string(),
            features => features.join(", "),
        };
        vec![
            format!("system      {}, {}", self.os, self.architecture),
            format!(
                "processor   {}, {} threads",
                self.processor.as_deref().unwrap_or("unknown"),
                self.threads
            ),
            format!("vectors     {} used, of {features}", self.simd),
        ]
    }
}

/// `PRETTY_NAME` of `os-release`.
fn pretty_name(text: &str) -> Option<String> {
    let line = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(line.trim().trim_matches('"').to_string())
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<&'static str> {
    let all = [
        ("sse4.2", is_x86_feature_detected!("sse4.2")),
        ("avx", is_x86_feature_detected!("avx")),
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512bw", is_x86_feature_detected!("avx512bw")),
        ("avx512dq", is_x86_feature_detected!("avx512dq")),
        ("avx512vl", is_x86_feature_detected!("avx512vl")),
    ];
    all.into_iter()
        .filter(|(_, there)| *there)
        .map(|(name, _)| name)
        .collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> Vec<&'static str> {
    Vec::new()
}

/// Memory of the machine, or of the container if that has less, bytes.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Memory {
    /// All of it.
    pub total: u64,
    /// What programs can have now.
    pub available: u64,
}

impl Memory {
    /// As the operating system counts it; `None` where it does not tell.
    pub fn now() -> Option<Self> {
        let machine = Self::of_machine(&fs::read_to_string("/proc/meminfo").ok()?)?;
        let group = |name: &str| {
            let text = fs::read_to_string(format!("/sys/fs/cgroup/{name}")).ok()?;
            text.trim().parse::<u64>().ok()
        };
        Some(machine.within(group("memory.max"), group("memory.current")))
    }

    fn of_machine(meminfo: &str) -> Option<Self> {
        let bytes = |name: &str| {
            let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
            let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
            kib.checked_mul(1024)
        };
        Some(Self {
            total: bytes("MemTotal:")?,
            available: bytes("MemAvailable:")?,
        })
    }

    /// With the limit of a control group, of which so much is used.
    fn within(self, limit: Option<u64>, used: Option<u64>) -> Self {
        let Some(limit) = limit.filter(|&limit| limit < self.total) else {
            return self;
        };
        Self {
            total: limit,
            available: self.available.min(limit.saturating_sub(used.unwrap_or(0))),
        }
    }

    /// For people.
    pub fn line(self) -> String {
        format!("memory      {}, {} available", gib(self.total), gib(self.available))
    }
}

/// Bytes as GiB.
pub fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_memory_are_found_in_the_files_of_linux() {
        let release = "NAME=\"X\"\nPRETTY_NAME=\"X GNU/Linux 12 (y)\"\n";
        assert_eq!(pretty_name(release).as_deref(), Some("X GNU/Linux 12 (y)"));
        assert_eq!(pretty_name("NAME=X"), None);
        let found = Memory::of_machine("MemTotal:    2048 kB\nMemFree: 1 kB\nMemAvailable:  1024 kB\n");
        assert_eq!(found.map(|m| (m.total, m.available)), Some((2 << 20, 1 << 20)));
        assert!(Memory::of_machine("nothing").is_none());
    }

    #[test]
    fn a_container_has_what_its_limit_leaves() {
        let machine = Memory {
            total: 100,
            available: 80,
        };
        let seen = |limit, used| {
            let memory = machine.within(limit, used);
            (memory.total, memory.available)
        };
        assert_eq!(seen(None, Some(30)), (100, 80));
        assert_eq!(seen(Some(1 << 60), Some(30)), (100, 80));
        assert_eq!(seen(Some(50), Some(30)), (50, 20));
        assert_eq!(seen(Some(50), Some(60)), (50, 0));
    }
}
