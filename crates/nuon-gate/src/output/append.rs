//! Appends to a file of the CI system.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// A file opened for appending.
#[derive(Debug)]
pub(super) struct Appending(File, u64);

impl Appending {
    /// Opens the file, or creates it.
    ///
    /// The path comes from the environment, and its folder may be open to other users: a link could lead anywhere, and a
    /// pipe could hold up the end. Neither is opened.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true);
        let named = match fs::symlink_metadata(path) {
            // Does not follow a dangling link.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Self::new(options.create_new(true).open(path)?);
            }
            named => named?,
        };
        if !named.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is not a file but a link, a folder or a device",
            ));
        }
        let file = options.open(path)?;
        if !is_same(&named, &file.metadata()?) {
            return Err(io::Error::other("it was exchanged while it was opened"));
        }
        Self::new(file)
    }

    fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self(file, length))
    }

    /// Returns the initial length of the file.
    pub(super) fn length(&self) -> u64 {
        self.1
    }

    /// Appends lines, all or none: half of them could change the meaning of what others append. They begin on a new line,
    /// since the last line may be unfinished.
    pub(super) fn write(mut self, lines: &str) -> io::Result<()> {
        let start = if self.1 > 0 && !lines.is_empty() { "\n" } else { "" };
        let written = self.0.write_all(format!("{start}{lines}").as_bytes());
        if written.is_err() {
            self.0.set_len(self.1)?;
        }
        written
    }
}

#[cfg(unix)]
fn is_same(named: &Metadata, opened: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (named.dev(), named.ino()) == (opened.dev(), opened.ino())
}

/// The standard library cannot check this on Windows, where only administrators can create links.
#[cfg(not(unix))]
fn is_same(_: &Metadata, opened: &Metadata) -> bool {
    opened.is_file()
}
