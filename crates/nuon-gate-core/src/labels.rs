//! Labels, which select installs.

use std::fmt;
use std::str::FromStr;

use crate::model::Install;
use crate::redact::redacted;

/// A label with its required value.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label {
    key: String,
    value: String,
}

/// Why a text is not a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a label is written KEY=VALUE, and neither is empty")]
pub struct InvalidLabel;

impl FromStr for Label {
    type Err = InvalidLabel;

    fn from_str(text: &str) -> Result<Self, InvalidLabel> {
        let (key, value) = text.split_once('=').ok_or(InvalidLabel)?;
        let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
        if key.is_empty() || value.is_empty() { Err(InvalidLabel) } else { Ok(Self { key, value }) }
    }
}

impl Label {
    /// Returns the value.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", redacted(&self.key), redacted(&self.value))
    }
}

/// Labels, all of which an install must have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Labels(Vec<Label>);

impl Labels {
    /// Takes labels, each once; `None` if there are none, because every install would match.
    pub fn new(mut labels: Vec<Label>) -> Option<Self> {
        labels.sort();
        labels.dedup();
        (!labels.is_empty()).then_some(Self(labels))
    }

    /// Returns a key that would need two values at once, if there is one.
    pub fn contradiction(&self) -> Option<&str> {
        self.0.windows(2).find(|pair| pair[0].key == pair[1].key).map(|pair| pair[0].key.as_str())
    }

    /// Returns whether an install has all of them; `None` if its labels are not known. They are compared exactly.
    pub(crate) fn fit(&self, install: &Install) -> Option<bool> {
        let own = install.labels.as_ref()?;
        let has = |label: &Label| own.get(&label.key).and_then(|value| value.as_str()) == Some(label.value.as_str());
        Some(self.0.iter().all(has))
    }

    /// Returns the server's filter: a list of `key:value`. A label that the server could misread is left out, and the
    /// answer is checked in any case.
    pub(crate) fn query(&self) -> Option<String> {
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
        let query = self.0.iter().filter(|label| plain(&label.key) && plain(&label.value));
        let query: Vec<String> = query.map(|label| format!("{}:{}", label.key, label.value)).collect();
        (!query.is_empty()).then(|| query.join(","))
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&labels.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Labels {
        Labels::new(text.split(',').map(|label| label.parse().unwrap()).collect()).unwrap()
    }

    #[test]
    fn a_label_is_a_key_and_a_value() {
        let value = |text: &str| text.parse::<Label>().map(|label| (label.key, label.value));
        assert_eq!(value(" env = prod "), Ok(("env".to_owned(), "prod".to_owned())));
        assert_eq!(value("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        for wrong in ["", "env", "env:prod", "env=", "=prod", "="] {
            assert_eq!(value(wrong), Err(InvalidLabel), "{wrong}");
        }
    }

    #[test]
    fn all_labels_have_to_fit_letter_by_letter() {
        let cases = [
            (r#"{"labels":{"env":"prod","tier":"a"}}"#, Some(true)),
            (r#"{"labels":{"env":"prod","tier":"a","more":"b"}}"#, Some(true)),
            (r#"{"labels":{"env":"prod"}}"#, Some(false)),
            (r#"{"labels":{"env":"Prod","tier":"a"}}"#, Some(false)),
            (r#"{"labels":{"env":"prod","tier":["a"]}}"#, Some(false)),
            (r#"{"labels":{}}"#, Some(false)),
            (r#"{"labels":null}"#, None),
            (r#"{"labels":["env=prod","tier=a"]}"#, None),
            (r"{}", None),
        ];
        for (install, fits) in cases {
            assert_eq!(labels("env=prod,tier=a").fit(&serde_json::from_str(install).unwrap()), fits, "{install}");
        }
    }

    #[test]
    fn only_what_is_plain_is_asked_for() {
        assert_eq!(labels("tier=1,env=prod").query().as_deref(), Some("env:prod,tier:1"));
        assert_eq!(labels("env=prod,url=http://x").query().as_deref(), Some("env:prod"));
        assert_eq!(labels("ä=b").query(), None);
    }

    #[test]
    fn a_key_cannot_have_two_values() {
        assert_eq!(labels("env=prod,env=prod").contradiction(), None);
        assert_eq!(labels("tier=1,env=prod,env=dev").contradiction(), Some("env"));
        assert_eq!(Labels::new(Vec::new()), None);
    }
}
