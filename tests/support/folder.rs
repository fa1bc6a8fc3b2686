//! Folders that tests write to.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::secrets;

/// An empty folder that is removed with its last user. Then it must not contain a secret, other than in files that a
/// test has written.
pub(crate) struct Folder {
    path: PathBuf,
    ours: Mutex<Vec<PathBuf>>,
}

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self { path, ours: Mutex::default() }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of a file in it, which need not exist.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file in it, and returns its path.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, content).unwrap();
        self.ours.lock().unwrap().push(path.clone());
        path
    }

    /// Links an existing file into it. Returns the link's path.
    pub(crate) fn link(&self, name: &str, existing: &str) -> PathBuf {
        let path = self.file(name);
        std::fs::hard_link(existing, &path).unwrap();
        self.ours.lock().unwrap().push(path.clone());
        path
    }

    /// Returns the names of its files, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.path).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            secrets::are_in_no_file_but(&self.path, &self.ours.lock().unwrap());
        }
        // If it cannot be removed, it stays in the target directory.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
