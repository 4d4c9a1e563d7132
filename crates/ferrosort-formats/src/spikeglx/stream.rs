//! Files of one stream of a run: their names, and what joins them.

use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Result};

use super::meta::Meta;

/// What a file's name says: `RUN_g0_t1.imec0.ap.bin`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stream {
    /// Run and gate: `RUN_g0`.
    pub(crate) run: String,
    /// Probe and band: `imec0.ap`, `nidq`.
    pub(crate) name: String,
    /// Trigger; `None` for CatGT's `tcat` and for other names.
    pub(crate) trigger: Option<u64>,
}

impl Stream {
    /// Reads the name of a data file, whatever its suffix.
    pub(crate) fn of(path: &Path) -> Self {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (base, name) = match stem.split_once(".imec").or_else(|| stem.split_once(".nidq")) {
            Some((base, _)) => (base.to_owned(), stem[base.len() + 1..].to_owned()),
            None => match stem.split_once(".obx") {
                Some((base, rest)) => (base.to_owned(), format!("obx{rest}")),
                None => (stem.clone(), stem.clone()),
            },
        };
        let (run, trigger) = match base.rsplit_once("_t") {
            Some((run, "cat")) => (run.to_owned(), None),
            Some((run, trigger)) => match trigger.parse() {
                Ok(number) => (run.to_owned(), Some(number)),
                Err(_) => (base.clone(), None),
            },
            None => (base.clone(), None),
        };
        Self { run, name, trigger }
    }
}

/// What to call the stream of a file: `imec0.ap`.
pub(crate) fn stream_name(path: &Path) -> String {
    Stream::of(path).name
}

/// Refuses to join files whose columns differ.
pub(super) fn check_same(first: &Meta, other: &Meta, path: &Path, other_path: &Path) -> Result<()> {
    let keys = [
        "nSavedChans",
        "snsApLfSy",
        "snsMnMaXaDw",
        "snsXaDwSy",
        "snsSaveChanSubset",
        "imSampRate",
        "niSampRate",
        "obSampRate",
        "imroTbl",
        "imDatPrb_sn",
    ];
    match keys.iter().find(|key| first.get(key) != other.get(key)) {
        None => Ok(()),
        Some(key) => Err(Error::input(format!(
            "{} and {} cannot be joined: their .meta files differ in '{key}'; give files of one stream of one run",
            path.display(),
            other_path.display()
        ))),
    }
}

/// A file of another size than its metadata say: a stub, or a copy that was cut.
pub(super) fn size_note(meta: &Meta, path: &Path, n_channels: usize) -> Result<Option<String>> {
    let Some(said) = meta.number("fileSizeBytes")? else {
        return Ok(None);
    };
    let size = file_size(path)?;
    Ok((said != size as f64).then(|| {
        format!(
            "{} has {size} bytes, but its .meta file says {said}; the {} samples that are there are read",
            path.display(),
            size / (2 * n_channels as u64)
        )
    }))
}

/// First samples of the segments that these files make, and a note of the gaps between them. Files follow each other without a gap
/// only where their metadata say so.
pub(super) fn segments(metas: &[Meta], paths: &[PathBuf], n_channels: usize) -> Result<(Vec<u64>, Option<String>)> {
    let (mut starts, mut gaps) = (Vec::new(), Vec::new());
    let (mut previous_end, mut read) = (None, 0);
    for (meta, path) in metas.iter().zip(paths) {
        let first = meta.number("firstSample")?;
        match (previous_end, first) {
            (Some(end), Some(first)) if first == end => {}
            (Some(end), Some(first)) => {
                gaps.push(first - end);
                starts.push(read);
            }
            _ => starts.push(read),
        }
        let samples = file_size(path)? / (2 * n_channels as u64);
        previous_end = first.map(|first| first + samples as f64);
        read += samples;
    }
    let note = gaps.iter().copied().reduce(f64::max).map(|longest| {
        format!(
            "{} files are read as one recording; {} of the borders between them are gaps, the longest of {longest} samples, and \
             times count the samples that were saved",
            paths.len(),
            gaps.len()
        )
    });
    Ok((starts, note))
}

fn file_size(path: &Path) -> Result<u64> {
    Ok(crate::binary::open_file(path)?.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_runs() {
        let stream = |name: &str| Stream::of(Path::new(name));
        let ap = stream("a/my_test_g0_t12.imec0.ap.bin");
        assert_eq!(
            (ap.run.as_str(), ap.name.as_str(), ap.trigger),
            ("my_test_g0", "imec0.ap", Some(12))
        );
        assert_eq!(stream("r_g1_tcat.imec.ap.cbin").trigger, None);
        assert_eq!(stream("r_g1_t0.nidq.bin").name, "nidq");
        assert_eq!(stream("r_g1_t0.obx0.obx.bin").name, "obx0.obx");
        assert_eq!(stream("renamed.bin").run, "renamed");
    }
}
