//! What must be in nothing that the program writes, whatever a test is about.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// What the simulator plants into its answers: a credential, and an output of a deploy.
const PLANTED: [&str; 2] = ["simulated-write-token", "nobody's business"];

/// Every secret that any run was given.
static ALL: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The secrets that a run was given, and those that it is told by others.
pub(crate) struct Secrets(BTreeSet<String>);

impl Secrets {
    pub(crate) fn of(command: &Command) -> Self {
        let given = command.get_envs().filter_map(|(name, value)| Some((name.to_str()?, value?.to_str()?)));
        let secrets: BTreeSet<String> = given.flat_map(|(name, value)| secrets(name, value)).collect();
        let secrets = PLANTED.map(str::to_owned).into_iter().chain(secrets).collect();
        ALL.lock().unwrap().extend(BTreeSet::clone(&secrets));
        Self(secrets)
    }

    /// Checks that a stream shows none of them, other than to the runner that is told to hide it.
    #[track_caller]
    pub(crate) fn are_not_in(&self, stream: &str, text: &str) {
        let is_mask = |line: &&str| line.starts_with("::add-mask::") || line.starts_with("##vso[task.setsecret]");
        for line in text.lines().filter(|line| !is_mask(line)) {
            let shown = self.0.iter().find(|secret| line.contains(secret.as_str()));
            assert!(shown.is_none(), "{shown:?} is on {stream}: {line}");
        }
    }
}

/// Checks that no file below a folder holds any secret of any run, other than those that a test has written.
#[track_caller]
pub(crate) fn are_in_no_file_but(folder: &Path, ours: &[PathBuf]) {
    let all = ALL.lock().unwrap().clone();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.is_file() && !ours.contains(&path) {
                let content = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
                let shown = all.iter().find(|secret| content.contains(secret.as_str()));
                assert!(shown.is_none(), "{shown:?} is in {}", path.display());
            }
        }
    }
}

/// Returns what is secret of a variable.
fn secrets(name: &str, value: &str) -> Vec<String> {
    let address = |url: &str| Some(url.split_once("://")?.1.split_once('/')?.1.to_owned());
    let password = |url: &str| Some(url.split_once('@')?.0.rsplit_once(':')?.1.to_owned());
    let found: Vec<String> = match name {
        "NUON_GATE_WEBHOOK_HEADERS" => {
            value.lines().filter_map(|line| Some(line.split_once(':')?.1.to_owned())).collect()
        }
        "NUON_GATE_WEBHOOK_SECRET" => value.split_whitespace().map(str::to_owned).collect(),
        "HTTPS_PROXY" | "HTTP_PROXY" | "ALL_PROXY" | "https_proxy" => password(value).into_iter().collect(),
        _ if name.ends_with("_WEBHOOK_URL") => value.lines().filter_map(address).collect(),
        _ if name.ends_with("_TOKEN") => vec![value.to_owned()],
        _ => Vec::new(),
    };
    // What is shorter can be there by chance.
    found.into_iter().map(|secret| secret.trim().to_owned()).filter(|secret| secret.len() >= 8).collect()
}
