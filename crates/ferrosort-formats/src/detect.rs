//! Which recording a path means: files by their content, folders by what is in them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Result};

use crate::hdf5;
use crate::intan;
use crate::mtscomp;
use crate::openephys;
use crate::spikeglx::{self, Stream};
use crate::spikeinterface;

/// How deep below the given folder recordings are looked for: `Record Node/experiment/recording` and one more.
const MAX_DEPTH: usize = 5;

/// Most files and folders that are looked at.
const MAX_ENTRIES: usize = 20_000;

/// A recording that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    /// A folder with our `meta.json`.
    Folder(PathBuf),
    /// A binary folder of SpikeInterface.
    SiBinary(PathBuf),
    /// A Zarr folder of SpikeInterface.
    SiZarr(PathBuf),
    /// Data files of SpikeGLX, in time order.
    SpikeGlx(Vec<PathBuf>),
    /// Recordings of one experiment of Open Ephys (`structure.oebin`), and the stream that a path named.
    OpenEphys(Vec<PathBuf>, Option<String>),
    /// Files of Intan, in time order, or one `info` file.
    Intan(Vec<PathBuf>),
    /// A `.cbin` file.
    Mtscomp(PathBuf),
    /// An HDF5 file: NWB or MaxWell's.
    Hdf5(PathBuf),
}

impl Found {
    /// The path that stands for it in messages.
    fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::SiBinary(path) | Self::SiZarr(path) | Self::Mtscomp(path) | Self::Hdf5(path) => {
                path
            }
            Self::SpikeGlx(files) | Self::OpenEphys(files, _) | Self::Intan(files) => {
                files.first().map_or(Path::new(""), PathBuf::as_path)
            }
        }
    }

    /// Its name for `--stream`.
    fn stream(&self) -> String {
        match self {
            Self::SpikeGlx(_) => spikeglx::stream_name(self.path()),
            // The name may carry a UUID, and `base_name` takes a suffix off.
            Self::Mtscomp(path) => spikeglx::stream_name(Path::new(&(mtscomp::base_name(path) + ".cbin"))),
            Self::OpenEphys(..) => name(self.path().ancestors().nth(2).unwrap_or(self.path())),
            _ => name(self.path()),
        }
    }

    /// True when the reader chooses the stream.
    fn holds_streams(&self) -> bool {
        matches!(self, Self::OpenEphys(..) | Self::Hdf5(_))
    }

    /// False for field potentials and analogue inputs, which are sorted only when they are named.
    fn has_spikes(&self) -> bool {
        match self {
            Self::SpikeGlx(_) | Self::Mtscomp(_) => {
                let name = self.stream();
                let band = name.rsplit('.').next().unwrap_or_default();
                !(band == "lf" || name.starts_with("nidq") || name.starts_with("obx"))
            }
            _ => true,
        }
    }
}

/// Name of a file or folder.
fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What these files are; `None` for flat files without a description.
pub(crate) fn of_files(paths: &[PathBuf]) -> Option<Found> {
    let data: Vec<PathBuf> = paths.iter().map(|path| data_file(path)).collect();
    if !data.is_empty() && data.iter().all(|path| spikeglx::meta_file(path).is_some()) {
        return Some(Found::SpikeGlx(data));
    }
    if !data.is_empty() && data.iter().all(|path| intan::is_intan(path)) {
        return Some(Found::Intan(data));
    }
    match data.as_slice() {
        [one] if one.extension().is_some_and(|e| e == "cbin") => Some(Found::Mtscomp(one.clone())),
        [one] if hdf5::is_hdf5(one) => Some(Found::Hdf5(one.clone())),
        _ => open_ephys(&data),
    }
}

/// Descriptions of Open Ephys, or samples that have one.
fn open_ephys(paths: &[PathBuf]) -> Option<Found> {
    let described = |path: &PathBuf| match path.file_name()?.to_str()? {
        openephys::STRUCTURE => Some((path.clone(), None)),
        _ => openephys::structure_of(path).map(|(structure, stream)| (structure, Some(stream))),
    };
    let (structures, streams): (Vec<PathBuf>, Vec<Option<String>>) = paths
        .iter()
        .map(described)
        .collect::<Option<Vec<_>>>()?
        .into_iter()
        .unzip();
    let stream = streams.first()?.clone();
    streams
        .iter()
        .all(|other| *other == stream)
        .then_some(Found::OpenEphys(structures, stream))
}

/// The data file that a file of metadata belongs to; other files themselves.
fn data_file(path: &Path) -> PathBuf {
    let suffix = path.extension().and_then(|e| e.to_str());
    let beside = |suffix: &str| Some(path.with_extension(suffix)).filter(|path| path.is_file());
    let data = match suffix {
        Some("meta") => beside("bin").or_else(|| beside("cbin")),
        Some("ch") => beside("cbin"),
        _ => None,
    };
    data.unwrap_or_else(|| path.to_path_buf())
}

/// The one recording in a folder, or the one called `stream`.
///
/// # Errors
/// No recording, several, none of that name, or a folder that cannot be read.
pub(crate) fn in_folder(folder: &Path, stream: Option<&str>) -> Result<Found> {
    let mut search = Search::default();
    search.folder(folder, 0)?;
    let all = search.finish();
    let mut chosen: Vec<&Found> = match stream {
        Some(name) => {
            let fits = |found: &&Found| found.holds_streams() || found.stream() == name;
            all.iter().filter(fits).collect()
        }
        None => all.iter().collect(),
    };
    if chosen.len() > 1 && chosen.iter().any(|found| found.has_spikes()) {
        chosen.retain(|found| found.has_spikes());
    }
    match (chosen.as_slice(), all.is_empty(), stream) {
        ([one], _, _) => Ok((*one).clone()),
        (_, true, _) => Err(nothing(folder)),
        ([], _, Some(name)) => Err(Error::input(format!(
            "{} has no stream '{name}'; it has {}",
            folder.display(),
            list(&all.iter().collect::<Vec<_>>())
        ))),
        _ => Err(Error::input(format!(
            "{} holds {} recordings: {}; name one of these paths, or a stream with --stream",
            folder.display(),
            chosen.len(),
            list(&chosen)
        ))),
    }
}

fn nothing(folder: &Path) -> Error {
    Error::input(format!(
        "{} holds no recording that can be recognised: it has no meta.json of a recording folder and no file of a known \
         program; name a flat binary file with --channels and --sample-rate, or see docs/recordings.md",
        folder.display()
    ))
}

fn list(found: &[&Found]) -> String {
    let shown: Vec<String> = found
        .iter()
        .take(8)
        .map(|found| format!("{} ({})", found.stream(), found.path().display()))
        .collect();
    match found.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Recordings found so far below a folder.
#[derive(Default)]
struct Search {
    found: Vec<Found>,
    spikeglx: BTreeMap<(PathBuf, Stream), PathBuf>,
    /// By experiment and number of the recording.
    open_ephys: BTreeMap<(PathBuf, u64), PathBuf>,
    /// By folder and name without date and time.
    intan: BTreeMap<(PathBuf, String), Vec<PathBuf>>,
    entries: usize,
}

impl Search {
    /// Looks at a folder and what is below it. A folder that is a recording itself is not searched.
    fn folder(&mut self, folder: &Path, depth: usize) -> Result<()> {
        if let Some(found) = folder_itself(folder) {
            self.found.push(found);
            return Ok(());
        }
        let mut folders = Vec::new();
        for path in self.list(folder)? {
            if path.is_dir() {
                folders.push(path);
            } else {
                self.file(path);
            }
        }
        if depth < MAX_DEPTH {
            for below in folders {
                self.folder(&below, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Visible entries by name.
    fn list(&mut self, folder: &Path) -> Result<Vec<PathBuf>> {
        let fail = |e| Error::io("read", folder, e);
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                return Err(Error::input(format!(
                    "{} has more than {MAX_ENTRIES} files and folders to search; name the recording in it",
                    folder.display()
                )));
            }
            if !entry.file_name().to_string_lossy().starts_with('.') {
                paths.push(entry.path());
            }
        }
        paths.sort();
        Ok(paths)
    }

    fn file(&mut self, path: PathBuf) {
        if path.file_name().is_some_and(|name| name == openephys::STRUCTURE) {
            let recording = path.parent().unwrap_or(&path);
            let experiment = recording.parent().map(Path::to_path_buf).unwrap_or_default();
            self.open_ephys.insert((experiment, number_in(recording)), path);
            return;
        }
        let suffix = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        match suffix.as_str() {
            "bin" if spikeglx::meta_file(&path).is_some() => {
                self.spikeglx.insert((folder, Stream::of(&path)), path);
            }
            "rhd" | "rhs" if intan::is_intan(&path) => {
                let session = intan::session(&path);
                self.intan.entry((folder, session)).or_default().push(path);
            }
            "cbin" => self.found.push(Found::Mtscomp(path)),
            "nwb" | "h5" | "hdf5" if hdf5::is_hdf5(&path) => self.found.push(Found::Hdf5(path)),
            _ => {}
        }
    }

    /// Triggers of one stream are one recording, as are the recordings of one experiment and the files of one session.
    fn finish(mut self) -> Vec<Found> {
        let mut groups: BTreeMap<(PathBuf, String, String, bool), Vec<PathBuf>> = BTreeMap::new();
        for ((folder, stream), path) in self.spikeglx {
            let group = (folder, stream.run, stream.name, stream.trigger.is_none());
            groups.entry(group).or_default().push(path);
        }
        self.found.extend(groups.into_values().map(Found::SpikeGlx));
        let mut experiments: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        for ((experiment, _), path) in self.open_ephys {
            experiments.entry(experiment).or_default().push(path);
        }
        let experiments = experiments.into_values().map(|paths| Found::OpenEphys(paths, None));
        self.found.extend(experiments);
        self.found.extend(self.intan.into_values().map(Found::Intan));
        self.found
    }
}

/// The number at the end of a name: 12 of `recording12`.
fn number_in(path: &Path) -> u64 {
    let name = name(path);
    let digits = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    digits.parse().unwrap_or(0)
}

/// What a folder is as a whole.
fn folder_itself(folder: &Path) -> Option<Found> {
    let path = folder.to_path_buf();
    if folder.join("meta.json").exists() {
        Some(Found::Folder(path))
    } else if spikeinterface::is_binary_folder(folder) {
        Some(Found::SiBinary(path))
    } else if spikeinterface::is_zarr_folder(folder) {
        Some(Found::SiZarr(path))
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
