//! Opening files that a user or another file names.
//!
//! Only regular files are opened: a pipe without a writer would block for ever, a device never ends, and a folder is
//! a mistake. What is read as a whole has a limit, so that a wrong path does not fill the memory.

use std::fs::{File, FileType, Metadata};
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use ferrosort_core::{Error, Result};

/// Longest text that is read as a whole, bytes: settings, descriptions and tables have a few MB at most.
const MAX_TEXT_BYTES: u64 = 64 << 20;

/// Opens a regular file, or a link to one; returns it with its size in bytes. `what` names it in messages: "probe".
///
/// # Errors
/// Nothing there, something that is no regular file, or no permission.
pub fn open_regular(path: &Path, what: &str) -> Result<(File, u64)> {
    let found = std::fs::metadata(path).map_err(|e| missing_or_io(path, what, e))?;
    check_kind(path, what, &found)?;
    let file = File::open(path).map_err(|e| missing_or_io(path, what, e))?;
    // The name may stand for something else by now; the open file cannot change.
    let opened = file.metadata().map_err(|e| Error::io("read", path, e))?;
    check_kind(path, what, &opened)?;
    Ok((file, opened.len()))
}

/// The first bytes of a regular file, by which formats are told; `None` where it has fewer, or cannot be read.
pub(crate) fn first_bytes<const N: usize>(path: &Path) -> Option<[u8; N]> {
    let (mut file, _) = open_regular(path, "recording").ok()?;
    let mut first = [0; N];
    file.read_exact(&mut first).ok()?;
    Some(first)
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// Those of [`open_regular`]; a larger file; I/O.
pub fn read_regular(path: &Path, what: &str, limit: u64) -> Result<Vec<u8>> {
    let (file, size) = open_regular(path, what)?;
    let mut bytes = Vec::new();
    // Files of the kernel claim to be empty, and others grow: what counts is what comes.
    if size <= limit {
        file.take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|e| Error::io("read", path, e))?;
    }
    if size.max(bytes.len() as u64) > limit {
        return Err(Error::input(format!(
            "{} is larger than {} MiB, which is too much for a {what}; check the path",
            path.display(),
            limit >> 20
        )));
    }
    Ok(bytes)
}

/// Reads a text in UTF-8 of at most 64 MiB.
///
/// # Errors
/// Those of [`read_regular`]; bytes that are no text.
pub fn read_regular_text(path: &Path, what: &str) -> Result<String> {
    let bytes = read_regular(path, what, MAX_TEXT_BYTES)?;
    String::from_utf8(bytes).map_err(|e| {
        Error::input(format!(
            "{} is not text in UTF-8 (byte {} is not), so it is no {what}; check the path",
            path.display(),
            e.utf8_error().valid_up_to()
        ))
    })
}

/// A missing file is a mistake of the caller; anything else is an I/O error.
pub(crate) fn missing_or_io(path: &Path, what: &str, error: std::io::Error) -> Error {
    if error.kind() == ErrorKind::NotFound {
        Error::input(format!(
            "{} does not exist; check the path of the {what}",
            path.display()
        ))
    } else {
        Error::io("read", path, error)
    }
}

fn check_kind(path: &Path, what: &str, found: &Metadata) -> Result<()> {
    if found.is_file() {
        return Ok(());
    }
    Err(Error::input(format!(
        "{} is {}, not a file; check the path of the {what}",
        path.display(),
        kind(found.file_type())
    )))
}

/// What something that is no regular file is.
fn kind(found: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if found.is_fifo() {
            return "a named pipe";
        }
        if found.is_socket() {
            return "a socket";
        }
        if found.is_char_device() || found.is_block_device() {
            return "a device";
        }
    }
    if found.is_dir() { "a folder" } else { "something else" }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn refusal<T: std::fmt::Debug>(result: Result<T>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
        error.to_string()
    }

    #[test]
    fn what_is_no_regular_file_is_named() {
        let folder = tempfile::TempDir::new().unwrap();
        let said = refusal(open_regular(folder.path(), "probe"));
        assert!(
            said.contains("is a folder, not a file; check the path of the probe"),
            "{said}"
        );
        assert!(refusal(open_regular(&folder.path().join("none"), "probe")).contains("none does not exist"));
        #[cfg(unix)]
        assert!(refusal(open_regular(Path::new("/dev/null"), "probe")).contains("is a device"));
    }

    #[test]
    fn large_and_foreign_files_are_refused() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, vec![0xff; (1 << 20) + 1]).unwrap();
        assert!(refusal(read_regular(&path, "probe", 1 << 20)).contains("larger than 1 MiB"));
        assert_eq!(
            read_regular(&path, "probe", (1 << 20) + 1).unwrap().len(),
            (1 << 20) + 1
        );
        assert!(refusal(read_regular_text(&path, "probe")).contains("not text in UTF-8 (byte 0 is not)"));
    }
}
