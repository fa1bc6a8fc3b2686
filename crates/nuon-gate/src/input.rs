//! The small files that users name: how each is read, and the error if it cannot be.

use std::fmt::Display;
use std::io;
use std::path::Path;

use nuon_gate_core::api::LARGEST_IDENTITY;
use nuon_gate_core::input::{Unreadable, json_fault, read, read_file, read_file_of_parts};
use nuon_gate_notify::is_secret;

use crate::environment::OIDC_TOKEN_FILE;
use crate::trouble::Trouble;

const MIB: u64 = 1024 * 1024;

/// A kind of file that the user can name, or stdin for `-` where that makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    /// The API token.
    Token,
    /// An identity token.
    Identity,
    /// Certificates to trust.
    Certificates,
    /// The Nuon CLI's own file.
    NuonConfig,
    /// A list of targets.
    Targets,
    /// The file that `mark` wrote.
    Marks,
    /// The API's answer to a trigger.
    TriggerResponse,
    /// A saved result.
    Result,
    /// The result of a shard.
    Part,
    /// The simulator's script.
    Script,
}

impl Input {
    /// Reads the text of a file. A pipe can take as long as its writer does.
    pub(crate) fn read(self, path: &Path) -> Result<String, Unreadable> {
        match self.is_stdin(path) {
            true => read(io::stdin(), self.longest()),
            // The text between certificates can be in any encoding, and an unreadable certificate is left out.
            false if self == Self::Certificates => read_file_of_parts(path, self.longest()),
            false => read_file(path, self.longest()),
        }
    }

    /// Says that a file cannot be read.
    pub(crate) fn unreadable(self, path: &Path, error: &Unreadable) -> Trouble {
        Trouble::new(format!("cannot read {}: {error}", self.name(path))).hint(self.hint())
    }

    /// Says what is wrong in a file that could be read.
    pub(crate) fn wrong(self, path: &Path, what: impl Display) -> Trouble {
        Trouble::new(format!("{}: {what}", self.name(path))).hint(self.hint())
    }

    /// Says that a file is not the JSON that it should be.
    pub(crate) fn wrong_json(self, path: &Path, error: &serde_json::Error) -> Trouble {
        self.wrong(path, json_fault(error))
    }

    /// Returns how to name a file in an error. A value that is no path is most likely the content itself, given in the
    /// wrong place, and may be a secret.
    pub(crate) fn name(self, path: &Path) -> String {
        match self.is_stdin(path) {
            true => "stdin".to_owned(),
            false if self.is_secret() && !is_place(path) || is_like_a_secret(path) => {
                format!("the file of {}", self.flag())
            }
            false => path.display().to_string(),
        }
    }

    /// The size limit, above that of any real file.
    fn longest(self) -> u64 {
        match self {
            Self::Token | Self::Identity => LARGEST_IDENTITY,
            Self::NuonConfig => MIB,
            // A quarter of that is enough for a system's whole trust store.
            Self::Certificates | Self::Script => 4 * MIB,
            Self::Targets | Self::Marks | Self::TriggerResponse => 16 * MIB,
            Self::Result | Self::Part => 64 * MIB,
        }
    }

    /// Returns whether a path means stdin, which only some inputs allow.
    pub(crate) fn is_stdin(self, path: &Path) -> bool {
        path.as_os_str() == "-" && matches!(self, Self::Targets | Self::TriggerResponse | Self::Result)
    }

    /// Returns whether the file holds nothing but a secret.
    fn is_secret(self) -> bool {
        matches!(self, Self::Token | Self::Identity)
    }

    fn flag(self) -> &'static str {
        match self {
            Self::Token => "--token-file",
            Self::Identity => OIDC_TOKEN_FILE,
            Self::Certificates => "--ca-file",
            Self::NuonConfig => "--config",
            Self::Targets => "--targets-file",
            Self::Marks => "--after",
            Self::TriggerResponse => "--trigger-response",
            Self::Result => "--result",
            Self::Part => "merge",
            Self::Script => "--script",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Token => {
                "set NUON_API_TOKEN, name a file with --token-file (NUON_GATE_TOKEN_FILE), or log in with the Nuon CLI"
            }
            Self::Identity => {
                "correct NUON_OIDC_TOKEN_FILE (the token itself goes into NUON_OIDC_TOKEN), or set NUON_API_TOKEN"
            }
            Self::Certificates => "--ca-file (NUON_GATE_CA_FILE) takes a file with certificates in PEM form",
            Self::NuonConfig => {
                "name another file with --config (NUON_GATE_CONFIG, NUON_CONFIG_FILE), or correct this one: it is the Nuon \
                 CLI's, in YAML"
            }
            Self::Targets => {
                "--targets-file (NUON_GATE_TARGETS_FILE) takes a file with INSTALL/COMPONENT a line; what follows a # is a \
                 comment"
            }
            Self::Marks => "--after (NUON_GATE_AFTER) takes a file that `mark` wrote",
            Self::TriggerResponse => {
                "--trigger-response (NUON_GATE_TRIGGER_RESPONSE) takes the API's answer to a trigger, with its headers if \
                 `curl -i` was used"
            }
            Self::Result => "--result (NUON_GATE_RESULT) takes a file that --report json=PATH wrote",
            Self::Part => {
                "merge takes the files that `wait --shard I/N --report json=PATH` wrote, one of each shard of one run"
            }
            Self::Script => "correct --script (NUON_GATE_SCRIPT); docs/sim.md has an example",
        }
    }
}

/// Returns whether a path exists, or could be created in an existing folder.
fn is_place(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    path.exists() || folder.is_some_and(Path::is_dir)
}

/// Returns whether a path is probably a secret instead: random or too long for a file's name, and nothing is there.
fn is_like_a_secret(path: &Path) -> bool {
    const LONGEST_NAME: usize = 64;
    let text = path.to_string_lossy();
    let is_long = path.iter().any(|part| part.len() > LONGEST_NAME) || text.contains('\n');
    (is_long || is_secret(&text)) && !path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_in_any_encoding_costs_no_certificate() {
        let path = std::env::temp_dir().join(format!("nuon-gate-latin1-{}", std::process::id()));
        let pem = include_bytes!("../../../tests/fixtures/tls/ca.pem");
        std::fs::write(&path, [b"# Zertifikate f\xfcr uns\n".as_slice(), pem].concat()).unwrap();
        let (certificates, targets) = (Input::Certificates.read(&path), Input::Targets.read(&path));
        std::fs::remove_file(&path).unwrap();
        assert!(certificates.unwrap().ends_with(std::str::from_utf8(pem).unwrap()));
        assert!(targets.is_err(), "of a list every line counts");
    }

    #[test]
    fn what_may_be_a_secret_is_not_named() {
        let jwt = format!("{}.{}.sig", "eyJhbGciOiJSUzI1NiJ9", "eyJzdWIiOiJ4In0".repeat(4));
        let cases = [
            (Input::Token, "/tmp/absent", "/tmp/absent"),
            (Input::Token, "/tmp", "/tmp"),
            (Input::Token, "t0ken", "the file of --token-file"),
            (Input::Token, "a/b+c/d==", "the file of --token-file"),
            (Input::Token, "-", "the file of --token-file"),
            (Input::Identity, "eyJ.x.y", "the file of NUON_OIDC_TOKEN_FILE"),
            (Input::NuonConfig, "nuon_Zx8Tq2LmP0aY7Rk3Wn5Vb1Cd9Ef4Gh6", "the file of --config"),
            (Input::NuonConfig, "/no/home/acme-production-2/.nuon", "/no/home/acme-production-2/.nuon"),
            (Input::Certificates, "absent.pem", "absent.pem"),
            (Input::Certificates, "-----BEGIN CERTIFICATE-----\nMII", "the file of --ca-file"),
            (Input::Targets, &jwt, "the file of --targets-file"),
            (Input::Targets, "-", "stdin"),
            (Input::Script, "-", "-"),
        ];
        for (input, path, name) in cases {
            assert_eq!(input.name(Path::new(path)), name, "{path:?}");
        }
    }
}
