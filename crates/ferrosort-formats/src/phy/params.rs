//! `params.py`: where the raw samples are and how they are stored, as Python assignments.

use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

use ferrosort_core::{Recording, SampleType, Sorting};

/// The text of `params.py` for a folder that will be called `final_dir`.
pub(super) fn text(sorting: &Sorting, recording: &dyn Recording, final_dir: &Path) -> String {
    let raw = recording.raw_file();
    let folder = resolve(final_dir);
    let paths: Vec<String> = raw
        .iter()
        .flat_map(|raw| &raw.paths)
        .map(|path| quote(&from_folder(&resolve(path), &folder)))
        .collect();
    let dat_path = match paths.as_slice() {
        [] => "''".to_owned(),
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    let dtype = raw.map_or(SampleType::Float32, |raw| raw.sample_type);
    format!(
        "dat_path = {dat_path}\nn_channels_dat = {}\ndtype = '{}'\noffset = {}\nsample_rate = {:?}\nhp_filtered = False\n",
        recording.n_channels(),
        dtype.numpy_name(),
        raw.map_or(0, |raw| raw.offset_bytes),
        sorting.sample_rate
    )
}

/// An absolute path whose folder has no symbolic links; the file itself may be one and keeps its name and suffix.
fn resolve(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    match (absolute.parent(), absolute.file_name()) {
        (Some(parent), Some(name)) => parent
            .canonicalize()
            .map_or_else(|_| absolute.clone(), |parent| parent.join(name)),
        _ => absolute,
    }
}

/// The path as seen from `folder` when it is below it or below its parent, else unchanged. Both are absolute.
fn from_folder(path: &Path, folder: &Path) -> PathBuf {
    if let Ok(below) = path.strip_prefix(folder) {
        return below.to_path_buf();
    }
    let beside = folder.parent().and_then(|parent| path.strip_prefix(parent).ok());
    beside.map_or_else(|| path.to_path_buf(), |beside| Path::new("..").join(beside))
}

/// The path as a Python string literal in plain ASCII with forward slashes, as `ascii()` would write it. Bytes that
/// are not UTF-8 become the surrogates that Python's file functions turn back into those bytes.
fn quote(path: &Path) -> String {
    let mut text = String::from("'");
    let mut separate = false;
    for component in path.components() {
        if separate {
            text.push('/');
        }
        separate = component != Component::RootDir;
        let name = if component == Component::RootDir {
            "/".as_ref()
        } else {
            component.as_os_str()
        };
        for chunk in name.as_encoded_bytes().utf8_chunks() {
            chunk.valid().chars().for_each(|c| escape(c, &mut text));
            for byte in chunk.invalid() {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\udc{byte:02x}");
            }
        }
    }
    text.push('\'');
    text
}

fn escape(c: char, text: &mut String) {
    let _ = match c {
        '\'' | '\\' => write!(text, "\\{c}"),
        ' '..='~' => write!(text, "{c}"),
        _ if (c as u32) < 0x100 => write!(text, "\\x{:02x}", c as u32),
        _ if (c as u32) < 0x1_0000 => write!(text, "\\u{:04x}", c as u32),
        _ => write!(text, "\\U{:08x}", c as u32),
    };
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_python_literals_in_ascii() {
        let quoted = |path: &str| quote(Path::new(path));
        assert_eq!(quoted("../a b.bin"), "'../a b.bin'");
        assert_eq!(quoted("/data/it's.bin"), r"'/data/it\'s.bin'");
        assert_eq!(quoted("/é/µV/脑/🧠.bin"), r"'/\xe9/\xb5V/\u8111/\U0001f9e0.bin'");
        assert_eq!(quoted("a\nb"), r"'a\x0ab'");
        #[cfg(unix)]
        {
            assert_eq!(quoted(r"a\b"), r"'a\\b'");
            use std::os::unix::ffi::OsStrExt;
            let odd = Path::new(std::ffi::OsStr::from_bytes(b"/a\xff.bin"));
            assert_eq!(quote(odd), r"'/a\udcff.bin'");
        }
    }

    #[test]
    fn neighbours_are_relative_and_others_absolute() {
        let seen = |path: &str, folder: &str| from_folder(Path::new(path), Path::new(folder)).display().to_string();
        assert_eq!(seen("/d/r.bin", "/d/out"), "../r.bin");
        assert_eq!(seen("/d/raw/r.bin", "/d/out"), "../raw/r.bin");
        assert_eq!(seen("/d/out/r.bin", "/d/out"), "r.bin");
        assert_eq!(seen("/e/r.bin", "/d/out"), "/e/r.bin");
        assert_eq!(seen("/d/r.bin", "/d/results/out"), "/d/r.bin");
    }

    #[test]
    fn links_in_folders_are_resolved_but_the_file_keeps_its_name() {
        let folder = tempfile::TempDir::new().unwrap();
        let real = folder.path().canonicalize().unwrap();
        std::fs::create_dir(real.join("data")).unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(real.join("data"), real.join("link")).unwrap();
            assert_eq!(resolve(&real.join("link/r.bin")), real.join("data/r.bin"));
        }
        assert_eq!(resolve(&real.join("new/out")), real.join("new/out"));
    }
}
