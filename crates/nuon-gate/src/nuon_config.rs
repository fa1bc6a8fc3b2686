//! The Nuon CLI's own file, so that users who are logged in with `nuon` need no set-up.

use std::path::{Path, PathBuf};

use nuon_gate_core::input::trim;
use nuon_gate_core::redact::protect;
use serde::Deserialize;

use crate::input::Input;
use crate::reader::Reader;
use crate::trouble::Trouble;

/// What the gate takes from the file. Its other keys, `install_id` among them, are not used.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct NuonConfig {
    pub(crate) api_url: Option<String>,
    pub(crate) org_id: Option<String>,
    pub(crate) api_token: Option<String>,
    /// Where the file is, if there is one.
    #[serde(skip)]
    pub(crate) path: Option<PathBuf>,
}

impl NuonConfig {
    /// Reads the file that was named, which must exist, or else the one in the home directory, which need not. The Nuon CLI
    /// names that one to its extensions, as `~/.nuon`, even if there is none.
    pub(crate) async fn read(reader: &Reader, named: Option<&Path>, home: Option<&Path>) -> Result<Self, Trouble> {
        let usual = home.map(|home| home.join(".nuon"));
        let named = named.map(|path| expanded(path, home));
        let Some(path) = named.or_else(|| usual.clone()) else { return Ok(Self::default()) };
        match reader.try_read(Input::NuonConfig, &path).await {
            Ok(text) => match Self::parse(&text) {
                Ok(config) => Ok(Self { path: Some(path), ..config }),
                Err(error) => Err(Input::NuonConfig.wrong(&path, error)),
            },
            Err(error) if error.is_missing() && usual.as_ref() == Some(&path) => Ok(Self::default()),
            Err(error) => Err(Input::NuonConfig.unreadable(&path, &error)),
        }
    }

    /// Reads the text of the file, and redacts its token from now on.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let config: Option<Self> = serde_yaml_ng::from_str(text).map_err(|error| match error.location() {
            // The library's own message can quote a value, and one of them is the token.
            Some(at) => format!("not the YAML that was expected, at line {}, column {}", at.line(), at.column()),
            None => "not the YAML that was expected".to_owned(),
        })?;
        let mut config = config.unwrap_or_default();
        for value in [&mut config.api_url, &mut config.org_id, &mut config.api_token] {
            *value = value.take().map(|text| trim(&text).to_owned()).filter(|text| !text.is_empty());
        }
        // The other values may hold it as well, and are reported if they are wrong.
        config.api_token.iter().for_each(|token| protect(token));
        Ok(config)
    }
}

/// Returns a path whose `~` is replaced, as a shell does.
pub(crate) fn expanded(path: &Path, home: Option<&Path>) -> PathBuf {
    let in_home = |home: &Path| Some(home.join(path.strip_prefix("~").ok()?));
    home.and_then(in_home).unwrap_or_else(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_leniently_and_never_quoted() {
        let config =
            NuonConfig::parse("api_token: t0ken\napi_url: ''\norg_id: org1\ndebug: [1, 2]\ninstall_id: x\n").unwrap();
        assert_eq!(
            (config.api_token.as_deref(), config.api_url, config.org_id.as_deref()),
            (Some("t0ken"), None, Some("org1"))
        );
        assert!(NuonConfig::parse("").unwrap().api_token.is_none());
        assert!(NuonConfig::parse("# nothing\n").unwrap().org_id.is_none());
        for text in ["api_token: [t0ken]", "t0ken", "api_token: \"t0ken", "- t0ken"] {
            let error = NuonConfig::parse(text).err().unwrap();
            assert!(!error.contains("t0ken"), "{error}");
        }
    }
}
