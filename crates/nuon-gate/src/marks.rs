//! The baseline before a pipeline triggers anything: written by `mark`, read by `wait --after`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use nuon_gate_core::pins::{Baseline, Baselines};
use nuon_gate_core::{DeployId, Target};
use serde::{Deserialize, Serialize};

use crate::input::Input;
use crate::lists::One;
use crate::reader::Reader;
use crate::trouble::Trouble;

/// The version of the file format, and the only one that is read.
const SCHEMA: u32 = 1;

/// The version field alone.
#[derive(Deserialize)]
struct Form {
    schema: Option<u32>,
}

/// The newest deploys of several targets. The form is frozen, as files of it are kept between jobs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Marks {
    schema: u32,
    targets: Vec<Mark>,
}

/// The newest deploy of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    install: String,
    component: String,
    /// `None`: there was none yet.
    deploy_id: Option<String>,
    /// When it was created.
    created_at: Option<String>,
    /// The server's time at that moment.
    server_time: String,
}

impl Marks {
    pub(crate) fn new(targets: Vec<Mark>) -> Self {
        Self { schema: SCHEMA, targets }
    }

    /// Reads what `mark` wrote.
    pub(crate) async fn read(reader: &Reader, path: &Path) -> Result<Self, Trouble> {
        let wrong = |error: &dyn std::fmt::Display| Input::Marks.wrong(path, error);
        let text = reader.read(Input::Marks, path).await?;
        let broken = |error| Input::Marks.wrong_json(path, &error);
        // Another version must not be read as this one.
        let Form { schema } = serde_json::from_str(&text).map_err(broken)?;
        match schema {
            None => return Err(wrong(&"it has no schema, as what `mark` writes has")),
            Some(SCHEMA) => {}
            Some(schema) => return Err(wrong(&format!("it has schema {schema}, and this version reads {SCHEMA}"))),
        }
        let marks: Self = serde_json::from_str(&text).map_err(broken)?;
        let mut known = HashSet::new();
        for Mark { install, component, .. } in &marks.targets {
            // Two concatenated files are ambiguous.
            if !known.insert((install, component)) {
                return Err(wrong(&format!("{install}/{component} is in it twice")));
            }
        }
        match marks.targets.iter().find(|mark| mark.baseline().is_none()) {
            Some(mark) => Err(wrong(&format!("what it says of {}/{} cannot be read", mark.install, mark.component))),
            None => Ok(marks),
        }
    }

    /// Returns what each target's deploy has to be newer than.
    pub(crate) fn baselines(&self) -> Baselines {
        Baselines::new(self.targets.iter().filter_map(Mark::baseline))
    }
}

impl Mark {
    pub(crate) fn new(target: &Target, newest: Option<(&DeployId, Option<Timestamp>)>, server_time: Timestamp) -> Self {
        Self {
            install: target.install.to_string(),
            component: target.component.to_string(),
            deploy_id: newest.map(|(id, _)| id.to_string()),
            created_at: newest.and_then(|(_, created)| created).map(|created| created.to_string()),
            server_time: server_time.to_string(),
        }
    }

    fn baseline(&self) -> Option<(Target, Baseline)> {
        let target = Target::new(self.install.parse().ok()?, self.component.parse().ok()?);
        let baseline = match (&self.deploy_id, &self.created_at) {
            (Some(id), Some(created)) => Baseline::Seen {
                deploy: id.parse().ok()?,
                created: created.parse().ok()?,
                at: self.server_time.parse().ok()?,
            },
            (Some(id), None) => Baseline::Deploy(id.parse().ok()?),
            (None, _) => Baseline::NoneAt(self.server_time.parse().ok()?),
        };
        Some((target, baseline))
    }
}

/// What `--after` names: a deploy, or a file that `mark` wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum After {
    Deploy(DeployId),
    File(PathBuf),
    /// Marks that were made just now.
    Marks(Marks),
}

impl FromStr for After {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = PathBuf::from(text.trim());
        // A deploy's id has neither slashes nor dots.
        if text.contains(['/', '\\', '.']) || path.exists() {
            Ok(Self::File(path))
        } else {
            text.parse().map(|One(id)| Self::Deploy(id))
        }
    }
}
