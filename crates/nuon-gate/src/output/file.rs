//! Files for the result: whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::trouble::Trouble;

/// A file that will be written at the end. It is created under a temporary name at the start, so that a path that cannot
/// be written is known before an hour of waiting, and gets its own name when it is whole.
pub(super) struct ReportFile {
    path: PathBuf,
    temporary: Option<Temporary>,
}

struct Temporary {
    path: PathBuf,
    file: File,
}

impl ReportFile {
    pub(super) fn open(path: PathBuf) -> Result<Self, Trouble> {
        match Self::create(&path) {
            Ok(temporary) => Ok(Self { path, temporary }),
            Err(error) => {
                let message = format!("cannot write the report {}: {error}", path.display());
                Err(Trouble::new(message)
                    .hint("correct --report (NUON_GATE_REPORT): its folder must exist and be writable"))
            }
        }
    }

    fn create(path: &Path) -> io::Result<Option<Temporary>> {
        if path.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
        }
        // A pipe or a terminal is written to as it is: there is nothing to rename.
        if fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Ok(None);
        }
        let name =
            path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it has no file name"))?;
        let beside = |number| format!(".{}.{}-{number}.tmp", name.to_string_lossy(), std::process::id());
        // A run that was killed leaves its file behind, and in a container the next one often has the same process id.
        let mut number = 0;
        loop {
            let temporary = path.with_file_name(beside(number));
            match OpenOptions::new().write(true).create_new(true).open(&temporary) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 100 => number += 1,
                opened => return opened.map(|file| Some(Temporary { path: temporary, file })),
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn write(mut self, content: &[u8]) -> io::Result<()> {
        let Some(mut temporary) = self.temporary.take() else {
            return OpenOptions::new().write(true).open(&self.path)?.write_all(content);
        };
        temporary.file.write_all(content)?;
        temporary.file.sync_all()?;
        fs::rename(&temporary.path, &self.path).inspect_err(|_| remove(&temporary.path))
    }
}

impl Drop for ReportFile {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            remove(&temporary.path);
        }
    }
}

fn remove(path: &Path) {
    // What cannot be removed is a stray empty file, and there is nobody left to tell.
    let _ = fs::remove_file(path);
}
