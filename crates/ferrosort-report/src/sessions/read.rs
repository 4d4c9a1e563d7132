//! From folders of `ferrosort sort` to rows.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use ferrosort_core::{Error, Result};
use ferrosort_formats::read_regular_text;
use serde_json::Value;

use super::{Facts, Session, State};

/// Reads what each folder says. `page_folder` is where the page will be: links to reports are relative to it.
///
/// # Errors
/// Not one of the folders holds a sorting.
pub fn read_sessions(folders: &[PathBuf], page_folder: &Path) -> Result<Vec<Session>> {
    let names = names(folders);
    let sessions: Vec<Session> = folders
        .iter()
        .zip(names)
        .map(|(folder, name)| Session {
            name,
            folder: folder.clone(),
            report: report_of(folder).map(|report| relative(&report, page_folder)),
            state: facts(folder).map_or_else(State::Missing, State::Finished),
        })
        .collect();
    match sessions.first().map(|session| &session.state) {
        Some(State::Missing(reason)) if sessions.iter().all(|session| session.facts().is_none()) => Err(Error::input(
            format!("there is no sorting to sum up: {}: {reason}", folders[0].display()),
        )),
        _ => Ok(sessions),
    }
}

/// What `run.json` says, or why there is none.
fn facts(folder: &Path) -> std::result::Result<Facts, String> {
    let manifest = folder.join("run.json");
    if !manifest.exists() {
        return Err(why_missing(folder));
    }
    let text = read_regular_text(&manifest, "manifest of a sorting").map_err(|e| e.to_string())?;
    let json: Value =
        serde_json::from_str(&text).map_err(|e| format!("run.json is not valid JSON ({e}); sort again"))?;
    if json.get("ferrosort").is_none() {
        return Err("run.json is of another program".to_string());
    }
    let count = |name: &str| json["result"][name].as_u64();
    let required = |name: &str| count(name).ok_or_else(|| format!("run.json has no number of {name}; sort again"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    Ok(Facts {
        version: text(&json["ferrosort"]),
        algorithm: text(&json["algorithm"]),
        duration_s: json["recording"]["duration_s"].as_f64(),
        channels: json["probe"]["channels_sorted"]
            .as_array()
            .map(|channels| channels.len() as u64),
        spikes: required("spikes")?,
        units: required("units")?,
        good: required("good_units")?,
        mua: count("mua_units"),
        noise: count("noise_units"),
        motion_um: serde_json::from_value(json["result"]["motion_um"].clone()).unwrap_or_default(),
        seconds: json["timings"]["total_s"].as_f64(),
        threads: json["timings"]["threads"].as_u64(),
        warnings: json["warnings"].as_array().into_iter().flatten().map(text).collect(),
    })
}

fn why_missing(folder: &Path) -> String {
    let mut unfinished = OsString::from(".");
    unfinished.push(folder.file_name().unwrap_or_default());
    unfinished.push(".unfinished");
    let what = if folder.with_file_name(unfinished).is_dir() {
        "not finished; the same command goes on from what was done"
    } else if folder.is_dir() {
        "not a folder of `ferrosort sort`: it has no run.json"
    } else {
        "there is no such folder"
    };
    what.to_string()
}

/// The report beside a sorting: `NAME-report.html`, as `ferrosort report` calls it, or `report.html`.
fn report_of(folder: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(folder).ok()?;
    let mut own = folder.file_name()?.to_os_string();
    own.push("-report.html");
    [own, OsString::from("report.html")]
        .map(|name| folder.with_file_name(name))
        .into_iter()
        .find(|path| path.is_file())
}

/// The path as seen from a folder.
fn relative(path: &Path, from: &Path) -> PathBuf {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let (path, from) = (real(path), real(from));
    let shared = path
        .components()
        .zip(from.components())
        .take_while(|(a, b)| a == b)
        .count();
    if shared == 0 {
        return path;
    }
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(path.components().skip(shared)).collect()
}

/// The part of each path that is not the same in all of them: of `a/1/sorting` and `a/2/sorting`, `1` and `2`.
fn names(folders: &[PathBuf]) -> Vec<String> {
    let parts: Vec<Vec<String>> = folders
        .iter()
        .map(|folder| {
            let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
            whole
                .components()
                .map(|c| c.as_os_str().to_string_lossy().into_owned())
                .collect()
        })
        .collect();
    let shortest = parts.iter().map(Vec::len).min().unwrap_or(0);
    let same = |at: &dyn Fn(&Vec<String>) -> String| parts.iter().all(|p| at(p) == at(&parts[0]));
    // One part always stays: the last of the shared beginning, if the paths are one.
    let begin = (0..shortest.saturating_sub(1))
        .take_while(|&i| same(&|p| p[i].clone()))
        .count();
    let left = shortest.saturating_sub(begin + 1);
    let end = (0..left).take_while(|&i| same(&|p| p[p.len() - 1 - i].clone())).count();
    parts.iter().map(|p| p[begin..p.len() - end].join("/")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(paths: &[&str]) -> Vec<String> {
        names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>())
    }

    #[test]
    fn names_are_what_the_paths_do_not_share() {
        assert_eq!(named(&["/r/a/sorting", "/r/b/sorting"]), ["a", "b"]);
        assert_eq!(named(&["/r/a/1/s", "/r/b/s"]), ["a/1", "b"]);
        assert_eq!(named(&["/r/mouse1", "/r/mouse2"]), ["mouse1", "mouse2"]);
        assert_eq!(named(&["/r/a/sorting"]), ["sorting"]);
        assert_eq!(named(&["/r/a", "/r/a"]), ["a", "a"]);
        assert_eq!(named(&["/r/a", "/r/a/a"]), ["a", "a/a"]);
    }

    #[test]
    fn links_lead_from_the_page_to_the_report() {
        let link = |path: &str, from: &str| relative(Path::new(path), Path::new(from));
        assert_eq!(link("/no/r/a/x.html", "/no/r"), Path::new("a/x.html"));
        assert_eq!(link("/no/r/a/x.html", "/no/pages/p"), Path::new("../../r/a/x.html"));
    }
}
