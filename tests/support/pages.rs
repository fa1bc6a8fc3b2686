//! The documentation's pages.

use std::path::{Path, PathBuf};

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A page: its path in the repository, and its text.
pub(crate) struct Page {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Returns every page that users and contributors read.
pub(crate) fn pages() -> Vec<Page> {
    let root = root();
    let mut found = Vec::new();
    for folder in [".", ".github", ".github/ISSUE_TEMPLATE", "docs", "examples", "crates"] {
        collect(&root.join(folder), &mut found);
    }
    for entry in std::fs::read_dir(root.join("crates")).unwrap() {
        collect(&entry.unwrap().path(), &mut found);
    }
    found.sort();
    let read = |path: PathBuf| {
        let name = path.canonicalize().unwrap();
        let name = name.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        // A checkout on Windows may have other line ends.
        Page { text: std::fs::read_to_string(path).unwrap().replace("\r\n", "\n"), name }
    };
    found.into_iter().map(read).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let paths = entries.map(|entry| entry.unwrap().path());
    found.extend(paths.filter(|path| path.is_file() && path.extension().is_some_and(|extension| extension == "md")));
}
