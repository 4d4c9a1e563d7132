//! Text files that describe a recording, read with a bound on their size.

use std::path::Path;

use ferrosort_core::Result;

use crate::regular::read_regular;

/// Largest description read, bytes; settings with several probes have a few MB.
const MAX_BYTES: u64 = 64 << 20;

/// The text of a file; bytes that are not UTF-8 (a µ of a Windows code page) become the replacement character.
/// `what` names the kind of file in messages.
///
/// # Errors
/// Those of [`read_regular`] with 64 MiB.
pub(crate) fn read_text(path: &Path, what: &str) -> Result<String> {
    let bytes = read_regular(path, what, MAX_BYTES)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}
