//! Report files, written atomically.

#[cfg(unix)]
use std::fs::Metadata;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nuon_gate_core::redact;

use super::stream::Stream;

/// A file that is written at the end. It is created under a temporary name at the start, so that a path that cannot be
/// written is an error before an hour of waiting, and renamed when it is complete.
pub(crate) struct ReportFile {
    path: PathBuf,
    temporary: Option<Temporary>,
}

/// The temporary file, removed unless it became the report.
struct Temporary {
    path: PathBuf,
    file: File,
    renamed: bool,
}

impl ReportFile {
    /// Checks that the file can be written.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        // A secret given in place of a path would become the name of a file.
        if redact::is_in(&path.to_string_lossy()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "its name holds a secret"));
        }
        // A link stays a link: its target is written.
        let target = follow(path, me())?;
        let temporary = Temporary::beside(path, &target)?;
        let path = if temporary.is_some() { target } else { path.to_owned() };
        Ok(Self { path, temporary })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns whether others can read it later: a device or a pipe keeps nothing.
    pub(super) fn is_regular(&self) -> bool {
        self.temporary.is_some()
    }

    /// Writes the whole file. The reader of a pipe is not waited for beyond the limit.
    pub(crate) async fn write(self, content: &str, limit: Duration) -> io::Result<()> {
        if let Some(temporary) = self.temporary {
            return temporary.become_whole(content, &self.path);
        }
        let path = self.path;
        let stream = Stream::open(move || OpenOptions::new().write(true).open(path))?;
        stream.write(content);
        stream.finish(limit).await
    }
}

/// Resolves the links of a path, and refuses a link that belongs to another user. In a folder that is open to all, such as
/// `/tmp`, anybody can place one that leads to a file of ours. Parent folders are not checked: whoever can replace those
/// can replace the file as well.
#[cfg(unix)]
fn follow(path: &Path, me: u32) -> io::Result<PathBuf> {
    use std::os::unix::fs::MetadataExt as _;
    // Linux follows no more than this (path_resolution(7)).
    const LONGEST_CHAIN: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..LONGEST_CHAIN {
        let link = fs::symlink_metadata(&path).ok().filter(Metadata::is_symlink);
        let Some(link) = link.filter(|_| !is_open_elsewhere(&path)) else { return Ok(path) };
        if link.uid() != me && link.uid() != 0 {
            let words = "it is a link that another user has made";
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, words));
        }
        path = path.parent().unwrap_or(Path::new("")).join(fs::read_link(&path)?);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a chain of links without an end"))
}

/// Only administrators can create links on Windows.
#[cfg(not(unix))]
fn follow(path: &Path, _: u32) -> io::Result<PathBuf> {
    Ok(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
}

#[cfg(unix)]
fn me() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn me() -> u32 {
    0
}

/// Returns whether a path is another name of an open file, whoever made the link to it.
fn is_open_elsewhere(path: &Path) -> bool {
    let streams = ["/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/proc"];
    streams.iter().any(|stream| path.starts_with(stream))
}

/// Checks that an existing device or pipe can be written to. A pipe is not opened, as it may not have a reader yet.
fn check_writable(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if std::os::unix::fs::FileTypeExt::is_fifo(&fs::metadata(path)?.file_type()) {
        return Ok(rustix::fs::access(path, rustix::fs::Access::WRITE_OK)?);
    }
    OpenOptions::new().write(true).open(path).map(drop)
}

impl Temporary {
    /// Creates the temporary file. A device, a pipe and another program's open file are written to directly and need none.
    fn beside(named: &Path, target: &Path) -> io::Result<Option<Self>> {
        if target.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
        }
        if is_open_elsewhere(named)
            || is_open_elsewhere(target)
            || fs::metadata(target).is_ok_and(|metadata| !metadata.is_file())
        {
            return check_writable(target).map(|()| None);
        }
        let no_name = || io::Error::new(io::ErrorKind::InvalidInput, "it has no file name");
        let name = target.file_name().ok_or_else(no_name)?.to_string_lossy();
        // A run that was killed leaves its file behind, and in a container the next one often has the same process id.
        let mut number = 0;
        loop {
            let path = target.with_file_name(format!(".{name}.{}-{number}.tmp", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 100 => number += 1,
                Err(error) => return Err(error),
                Ok(file) => {
                    // The new file keeps the permissions of the old one.
                    if let Ok(before) = fs::metadata(target) {
                        fs::set_permissions(&path, before.permissions())?;
                    }
                    return Ok(Some(Self { path, file, renamed: false }));
                }
            }
        }
    }

    fn become_whole(mut self, content: &str, path: &Path) -> io::Result<()> {
        self.file.write_all(content.as_bytes())?;
        self.file.sync_all()?;
        match fs::rename(&self.path, path) {
            // What is mounted onto a path cannot be replaced, as a container's file cannot.
            Err(error) if is_mounted(&error) => fs::write(path, content),
            renamed => {
                self.renamed = renamed.is_ok();
                renamed
            }
        }
    }
}

fn is_mounted(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices)
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            // If it cannot be removed it stays: nothing can be reported any more.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use super::*;

    #[test]
    fn only_ones_own_links_and_the_systems_are_followed() {
        let folder = std::env::temp_dir().join(format!("nuon-gate-links-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let [file, link, chain, loops] = ["file", "link", "chain", "loops"].map(|name| folder.join(name));
        symlink("file", &link).unwrap();
        symlink(&link, &chain).unwrap();
        symlink("loops", &loops).unwrap();
        let owner = fs::symlink_metadata(&link).unwrap().uid();
        let leads = |me| [&file, &link, &chain].map(|path| follow(path, me).ok());
        // The file need not exist yet.
        let there = Some(file.clone());
        assert_eq!(leads(owner), [there.clone(), there.clone(), there.clone()]);
        // Links of root are trusted.
        let others = there.clone().filter(|_| owner == 0);
        assert_eq!(leads(owner + 1), [there, others.clone(), others]);
        assert_eq!(follow(&loops, owner).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        let stdout = Path::new("/dev/stdout");
        assert_eq!(follow(stdout, owner + 1).unwrap(), stdout);
        fs::remove_dir_all(&folder).unwrap();
    }
}
