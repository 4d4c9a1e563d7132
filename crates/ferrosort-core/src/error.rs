//! What can go wrong, in one sentence a user can act on.

use std::path::{Path, PathBuf};

/// Result of everything in ferrosort that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// An error that a user can act on. The message is one sentence: what, where (file, value), what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input (a file's content, a probe, a parameter, a folder name) is not usable. Exit code 2.
    #[error("{0}")]
    Input(String),
    /// The operating system refused a read or a write. Exit code 3.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb: "read", "write", "create".
        action: &'static str,
        /// The file or folder concerned.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The run needs more memory than it may use. Exit code 2; what was done is kept, since more memory lets it go on.
    #[error("{0}")]
    Memory(String),
    /// The caller asked to stop (Ctrl-C). Exit code 130.
    #[error("interrupted; nothing was left under the output name")]
    Interrupted,
}

impl Error {
    /// An [`Error::Input`] with this sentence.
    pub fn input(message: impl Into<String>) -> Self {
        Self::Input(message.into())
    }

    /// An [`Error::Io`] for this action ("read", "write", "create") on this path.
    pub fn io(action: &'static str, path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io {
            action,
            path: path.as_ref().to_path_buf(),
            source,
        }
    }

    /// The process exit code for this error: 2 for unusable input and too little memory, 3 for I/O, 130 for an interruption.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Input(_) | Self::Memory(_) => 2,
            Self::Io { .. } => 3,
            Self::Interrupted => 130,
        }
    }
}
