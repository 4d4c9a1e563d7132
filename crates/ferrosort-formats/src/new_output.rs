//! Folders and files that get their name when they are complete.
//!
//! Everything is written under a hidden name beside the wanted one, flushed to the disk and renamed at the end. What stands under the
//! wanted name is replaced only when the caller knows it as an earlier output of the same kind that holds nothing else.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use ferrosort_core::{Error, Result};

/// What may be replaced under the name of an output.
#[derive(Debug, Clone, Copy)]
pub struct Replaceable {
    /// What it is, for sentences: "conversion" in "an earlier conversion".
    pub what: &'static str,
    /// The names of the files that the folder (or, for a file, the file itself, whose list is not looked at) may hold, relative to it and
    /// with `/` between their parts; a `*` stands for any text. `None` when it is no earlier output of this kind.
    pub files: fn(&Path) -> Option<Vec<String>>,
}

/// A folder or file under a hidden name; dropped before [`NewOutput::finish`], it is removed.
#[derive(Debug)]
pub struct NewOutput {
    hidden: PathBuf,
    wanted: PathBuf,
    replaceable: Replaceable,
    overwrite: bool,
    is_folder: bool,
    /// Parents of the output that were made for it, the deepest first.
    new_parents: Vec<PathBuf>,
    finished: bool,
}

impl NewOutput {
    /// Creates a hidden folder beside `wanted`, and parents of `wanted` that do not exist.
    ///
    /// # Errors
    /// `wanted` exists and `overwrite` is false, or it is not an earlier output of this kind, or holds something else as well; it has no
    /// name; I/O.
    pub fn folder(wanted: &Path, overwrite: bool, replaceable: Replaceable) -> Result<Self> {
        let made = Self::prepare(wanted, overwrite, replaceable, true)?;
        fs::create_dir_all(&made.hidden).map_err(|e| Error::io("create", &made.hidden, e))?;
        Ok(made)
    }

    /// Names a hidden file beside `wanted`, which the caller creates, and creates parents of `wanted` that do not exist.
    ///
    /// # Errors
    /// As [`NewOutput::folder`].
    pub fn file(wanted: &Path, overwrite: bool, replaceable: Replaceable) -> Result<Self> {
        Self::prepare(wanted, overwrite, replaceable, false)
    }

    fn prepare(wanted: &Path, overwrite: bool, replaceable: Replaceable, is_folder: bool) -> Result<Self> {
        if wanted.file_name().is_none() {
            return Err(Error::input(format!(
                "{} is no name for an output {}; name a new one",
                wanted.display(),
                kind(is_folder)
            )));
        }
        let mut made = Self {
            hidden: sibling(wanted, "partial"),
            wanted: wanted.to_path_buf(),
            replaceable,
            overwrite,
            is_folder,
            new_parents: Vec::new(),
            finished: false,
        };
        made.check_wanted()?;
        if let Some(parent) = wanted.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            let missing = parent.ancestors().take_while(|path| !path.exists());
            made.new_parents = missing.map(Path::to_path_buf).collect();
            fs::create_dir_all(parent).map_err(|e| Error::io("create", parent, e))?;
        }
        Ok(made)
    }

    /// Where to write.
    pub fn path(&self) -> &Path {
        &self.hidden
    }

    /// The wanted name is free, or under it is something that may be replaced.
    fn check_wanted(&self) -> Result<()> {
        let (shown, what) = (self.wanted.display(), self.replaceable.what);
        let kind = kind(self.is_folder);
        if !self.wanted.exists() {
            if self.wanted.is_symlink() {
                return Err(Error::input(format!(
                    "output {shown} is a symbolic link that leads nowhere; remove it or name another {kind}"
                )));
            }
            return Ok(());
        }
        let is_folder = self.wanted.is_dir();
        if is_folder != self.is_folder {
            let found = if is_folder { "folder" } else { "file" };
            return Err(Error::input(format!(
                "output {shown} is a {found}; name a {kind} that does not exist yet"
            )));
        }
        if !self.overwrite {
            return Err(Error::input(format!(
                "output {kind} {shown} exists; name another one, or pass --overwrite to replace an earlier {what}"
            )));
        }
        let Some(own) = (self.replaceable.files)(&self.wanted) else {
            return Err(Error::input(format!(
                "output {kind} {shown} is not an earlier {what}, so --overwrite does not replace it; name another {kind}"
            )));
        };
        if !is_folder {
            return Ok(());
        }
        let held = files_below(&self.wanted)?;
        let names = held.iter().filter_map(|path| path.strip_prefix(&self.wanted).ok());
        let foreign = names
            .map(|name| name.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/"))
            .find(|name| !own.iter().any(|pattern| matches(pattern, name)));
        match foreign {
            None => Ok(()),
            Some(name) => Err(Error::input(format!(
                "output folder {shown} also holds '{name}', which is no part of a {what}; move it away before you pass --overwrite, \
                 or name another folder"
            ))),
        }
    }

    /// Flushes everything to the disk and gives it its name. What was there before is as it was until then.
    ///
    /// # Errors
    /// Those of [`NewOutput::folder`], for what appeared meanwhile; I/O.
    pub fn finish(mut self) -> Result<()> {
        self.check_wanted()?;
        let written = if self.is_folder {
            files_below(&self.hidden)?
        } else {
            vec![self.hidden.clone()]
        };
        for path in written {
            let file = File::options().write(true).open(&path);
            file.and_then(|file| file.sync_all())
                .map_err(|e| Error::io("write", &path, e))?;
        }
        let replaced = sibling(&self.wanted, "replaced");
        let replaces = self.is_folder && self.wanted.exists();
        if replaces {
            fs::rename(&self.wanted, &replaced).map_err(|e| Error::io("move", &self.wanted, e))?;
        }
        if let Err(e) = fs::rename(&self.hidden, &self.wanted) {
            if replaces {
                fs::rename(&replaced, &self.wanted).map_err(|e| Error::io("restore", &replaced, e))?;
            }
            return Err(Error::io("create", &self.wanted, e));
        }
        self.finished = true;
        if replaces {
            fs::remove_dir_all(&replaced).map_err(|e| Error::io("remove", &replaced, e))?;
        }
        Ok(())
    }
}

impl Drop for NewOutput {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        // The error that ended the work is the one to report; what cannot be removed keeps its telling name.
        let _ = if self.is_folder {
            fs::remove_dir_all(&self.hidden)
        } else {
            fs::remove_file(&self.hidden)
        };
        for parent in &self.new_parents {
            let _ = fs::remove_dir(parent);
        }
    }
}

fn kind(is_folder: bool) -> &'static str {
    if is_folder { "folder" } else { "file" }
}

/// The hidden name beside an output: `.NAME.WHAT-PID`.
fn sibling(wanted: &Path, what: &str) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(wanted.file_name().unwrap_or_default());
    name.push(format!(".{what}-{}", std::process::id()));
    wanted.with_file_name(name)
}

/// Everything below a folder that is no folder itself; links are not followed.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let fail = |e| Error::io("read", folder, e);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        if entry.file_type().map_err(fail)?.is_dir() {
            files.extend(files_below(&entry.path())?);
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Whether a name is a pattern's, in which the first `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, end)) => name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// Folders with a file `mark`, and files that hold "mark".
    const MARKED: Replaceable = Replaceable {
        what: "mark",
        files: |path| {
            let is_one = path.join("mark").is_file() || fs::read(path).is_ok_and(|bytes| bytes == b"mark");
            is_one.then(|| vec!["mark".to_owned(), "sub/*.npy".to_owned()])
        },
    };

    fn write(folder: &Path) -> Result<()> {
        let made = NewOutput::folder(folder, true, MARKED)?;
        fs::write(made.path().join("mark"), "").unwrap();
        made.finish()
    }

    #[test]
    fn a_folder_is_replaced_only_when_all_in_it_is_ours() {
        let scratch = TempDir::new().unwrap();
        let folder = scratch.path().join("new/deep/out");
        write(&folder).unwrap();
        fs::create_dir(folder.join("sub")).unwrap();
        fs::write(folder.join("sub/a.npy"), "").unwrap();
        write(&folder).unwrap();
        assert!(!folder.join("sub").exists());
        fs::create_dir(folder.join("sub")).unwrap();
        fs::write(folder.join("sub/thesis.txt"), "years of work").unwrap();
        let error = write(&folder).unwrap_err().to_string();
        assert!(error.contains("also holds 'sub/thesis.txt'"), "{error}");
        let error = NewOutput::folder(&folder, false, MARKED).unwrap_err().to_string();
        assert!(error.contains("--overwrite"), "{error}");
        fs::remove_file(folder.join("mark")).unwrap();
        assert!(write(&folder).unwrap_err().to_string().contains("not an earlier mark"));
        assert!(folder.join("sub/thesis.txt").is_file());
        assert_eq!(fs::read_dir(folder.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn what_was_not_finished_leaves_nothing() {
        let scratch = TempDir::new().unwrap();
        let made = NewOutput::folder(&scratch.path().join("new/out"), false, MARKED).unwrap();
        fs::write(made.path().join("half"), "").unwrap();
        drop(made);
        let made = NewOutput::file(&scratch.path().join("new/out"), false, MARKED).unwrap();
        fs::write(made.path(), "half").unwrap();
        drop(made);
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
        assert!(NewOutput::folder(Path::new("/"), true, MARKED).is_err());
    }

    #[test]
    fn files_are_replaced_by_files_only() {
        let scratch = TempDir::new().unwrap();
        let path = scratch.path().join("out");
        let write = |text: &str| {
            let made = NewOutput::file(&path, true, MARKED)?;
            fs::write(made.path(), text).unwrap();
            made.finish()
        };
        write("mark").unwrap();
        write("other").unwrap();
        assert!(write("mark").unwrap_err().to_string().contains("not an earlier mark"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "other");
        assert!(
            NewOutput::folder(&path, true, MARKED)
                .unwrap_err()
                .to_string()
                .contains("is a file")
        );
        let error = NewOutput::file(scratch.path(), true, MARKED).unwrap_err().to_string();
        assert!(error.contains("is a folder"), "{error}");
    }
}
