//! What a folder or file is, told from what is in it.

use std::ffi::OsStr;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Result};

use crate::npy::Npz;
use crate::regular::{missing_or_io, open_regular};

/// A known result and where its parts are.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    Ferrosort(PathBuf),
    Phy(PathBuf),
    Kilosort2 { folder: PathBuf, rez: PathBuf },
    Pykilosort { context: PathBuf, phy: Option<PathBuf> },
    NumpyFolder(PathBuf),
    Npz(PathBuf),
    Truth(PathBuf),
    Emouse(PathBuf),
    Kilosort4Truth(PathBuf),
    Mearec(PathBuf),
    Table(PathBuf),
}

/// What is looked for, for the message when nothing is found.
const LOOKED_FOR: &str = "run.json (ferrosort), spike_times.npy with spike_clusters.npy or spike_templates.npy (Kilosort, phy), rez.mat \
    or rez2.mat (Kilosort2), .kilosort/ or its arrays (pykilosort), numpysorting_info.json or sorting_cached.npz \
    (SpikeInterface), truth/ with spike_samples.npy and spike_units.npy (simulations), eMouseGroundTruth.mat, or a \
    .npz, .mat, .csv, .tsv or .h5 file";

/// Recognises the result at `path`. Where a folder holds a sorting and a truth, `prefer_truth` decides.
pub(super) fn detect(path: &Path, prefer_truth: bool) -> Result<Found> {
    let meta = fs::metadata(path).map_err(|e| missing_or_io(path, "sorting", e))?;
    if !meta.is_dir() {
        return detect_file(path);
    }
    let found = if prefer_truth {
        truth(path).or_else(|| sorting(path))
    } else {
        sorting(path).or_else(|| truth(path))
    };
    if let Some(found) = found {
        return Ok(found);
    }
    let is_result = |folder: &PathBuf| sorting(folder).or_else(|| truth(folder)).is_some();
    let below: Vec<PathBuf> = subfolders(path).into_iter().filter(is_result).collect();
    let below: Vec<String> = below.iter().map(|folder| folder.display().to_string()).collect();
    Err(Error::input(if below.is_empty() {
        format!("{} holds no sorting: looked for {LOOKED_FOR}", path.display())
    } else {
        format!(
            "{} holds no sorting itself, but its subfolders do; name one of them: {}",
            path.display(),
            below.join(", ")
        )
    }))
}

/// The result of a sorter in this folder.
fn sorting(folder: &Path) -> Option<Found> {
    let has = |name: &str| folder.join(name).is_file();
    let own = || folder.to_path_buf();
    let is_phy = has("spike_times.npy") && (has("spike_clusters.npy") || has("spike_templates.npy"));
    if is_phy && has("run.json") {
        return Some(Found::Ferrosort(own()));
    }
    if has("numpysorting_info.json") {
        return Some(Found::NumpyFolder(own()));
    }
    if folder.join("sorting/numpysorting_info.json").is_file() {
        return Some(Found::NumpyFolder(folder.join("sorting")));
    }
    if has("sorting_cached.npz") {
        return Some(Found::Npz(folder.join("sorting_cached.npz")));
    }
    let rez = ["rez2.mat", "rez.mat"].map(|name| folder.join(name));
    if let Some(rez) = rez.into_iter().find(|path| path.is_file()) {
        return Some(Found::Kilosort2 { folder: own(), rez });
    }
    let phy = is_phy.then(|| Found::Phy(own()));
    pykilosort(folder, is_phy).or(phy)
}

/// The truth of a simulation in this folder or in its `truth/`.
fn truth(folder: &Path) -> Option<Found> {
    let is_truth = |folder: &Path| {
        let has = |name: &str| folder.join(name).is_file();
        has("spike_samples.npy") && has("spike_units.npy")
    };
    if let Some(found) = [folder.to_path_buf(), folder.join("truth")]
        .into_iter()
        .find(|place| is_truth(place))
    {
        return Some(Found::Truth(found));
    }
    let emouse = ["eMouseGroundTruth.mat", "eMouseSimRecord.mat"].map(|name| folder.join(name));
    emouse.into_iter().find(|path| path.is_file()).map(Found::Emouse)
}

/// A context folder, or a folder that has one in `.kilosort`; the phy files are beside or above it.
fn pykilosort(folder: &Path, is_phy: bool) -> Option<Found> {
    let is_context = |folder: &Path| {
        let has = |name: &str| folder.join(name).is_file();
        has("Wrot.npy") && (has("ccb0.npy") || has("st3.npy") || has("iorig.npy"))
    };
    let is_phy_folder = |folder: &Path| folder.join("spike_times.npy").is_file();
    let hidden = match folder.file_name() {
        Some(name) if name == OsStr::new(".kilosort") => folder.to_path_buf(),
        _ => folder.join(".kilosort"),
    };
    let (context, top) = if is_context(folder) {
        (folder.to_path_buf(), folder.parent()?.parent().map(Path::to_path_buf))
    } else {
        let context = subfolders(&hidden).into_iter().find(|below| is_context(below))?;
        (context, hidden.parent().map(Path::to_path_buf))
    };
    let phy = if is_phy {
        Some(folder.to_path_buf())
    } else {
        let places = top.into_iter().flat_map(|top| [top.join("output"), top]);
        places.into_iter().find(|place| is_phy_folder(place))
    };
    Some(Found::Pykilosort { context, phy })
}

/// Subfolders in order of their names; none of a folder that cannot be listed.
fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

fn detect_file(path: &Path) -> Result<Found> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).to_path_buf();
    let mut start = [0u8; 4];
    let (mut file, _) = open_regular(path, "sorting")?;
    let read = file.read(&mut start).map_err(|e| Error::io("read", path, e))?;
    if start[..read].starts_with(b"PK") {
        return Ok(if Npz::open(path)?.names().iter().any(|name| name == "st") {
            Found::Kilosort4Truth(path.to_path_buf())
        } else {
            Found::Npz(path.to_path_buf())
        });
    }
    if matches!(name.as_str(), "run.json" | "params.py") {
        return detect(&folder, false);
    }
    let extension = path
        .extension()
        .and_then(OsStr::to_str)
        .unwrap_or_default()
        .to_lowercase();
    match extension.as_str() {
        "mat" if name.to_lowercase().starts_with("rez") => Ok(Found::Kilosort2 {
            folder,
            rez: path.to_path_buf(),
        }),
        "mat" => Ok(Found::Emouse(path.to_path_buf())),
        "h5" | "hdf5" => Ok(Found::Mearec(path.to_path_buf())),
        "csv" | "tsv" | "txt" => Ok(Found::Table(path.to_path_buf())),
        _ => Err(Error::input(format!(
            "{} is no sorting that is known; looked for {LOOKED_FOR}",
            path.display()
        ))),
    }
}

/// The name of a folder for tables: its own, or with its parent's when it is one of many of that name.
pub(super) fn short_name(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let part = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let own = part(&path).unwrap_or_else(|| "sorting".to_owned());
    let common = [
        "output",
        "sorter_output",
        "truth",
        "phy",
        "results",
        "sorting",
        "run.json",
        "params.py",
        "rez.mat",
    ];
    match path.parent().and_then(part) {
        Some(parent) if common.contains(&own.as_str()) => format!("{parent}/{own}"),
        _ => own,
    }
}
