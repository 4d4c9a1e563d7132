//! Text files that describe a recording, read with a bound on their size.

use std::path::Path;

use ferrosort_core::{Error, Result};

use crate::binary::missing_or_io;

/// Largest description read, bytes; settings with several probes have a few MB.
const MAX_BYTES: u64 = 64 << 20;

/// The text of a file; bytes that are not UTF-8 (a µ of a Windows code page) become the replacement character.
/// `what` names the kind of file in messages.
///
/// # Errors
/// A missing or unreadable file, a folder, or a file of more than 64 MiB.
pub(crate) fn read_text(path: &Path, what: &str) -> Result<String> {
    let meta = std::fs::metadata(path).map_err(|e| missing_or_io(path, what, e))?;
    if !meta.is_file() || meta.len() > MAX_BYTES {
        return Err(Error::input(format!(
            "{} is not the {what}: it is {}",
            path.display(),
            if meta.is_file() {
                "larger than 64 MiB"
            } else {
                "not a file"
            }
        )));
    }
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, e))?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}
