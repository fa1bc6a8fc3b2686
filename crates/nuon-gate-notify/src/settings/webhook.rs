//! Where and how webhooks are sent.

use std::path::Path;
use std::sync::Arc;

use nuon_gate_core::Line;
use nuon_gate_core::input::read_file;

use super::{
    InvalidSetting, Reader, Sink, WEBHOOK_FORMAT, WEBHOOK_GITHUB_SIGNATURE, WEBHOOK_HEADERS, WEBHOOK_SECRET,
    WEBHOOK_TEMPLATE, WEBHOOK_URL, address,
};
use crate::secret::{SigningKey, SinkUrl};
use crate::webhook::{Format, Headers, Template, WebhookSettings};

/// Upper bound for a template file.
const LARGEST_TEMPLATE: u64 = 1024 * 1024;

impl Reader<'_> {
    pub(super) fn webhooks(&mut self) -> Result<(), InvalidSetting> {
        let headers = Headers::read(&self.lines(WEBHOOK_HEADERS)).map_err(|why| InvalidSetting {
            variable: WEBHOOK_HEADERS,
            why,
            hint: "write one `Name: value` a line".into(),
        })?;
        let settings = Arc::new(WebhookSettings {
            format: self.format(&headers)?,
            keys: self.signing_keys()?,
            headers,
            github_signature: self.boolean(WEBHOOK_GITHUB_SIGNATURE)?,
        });
        let urls = self.lines(WEBHOOK_URL);
        if urls.is_empty() || self.is_unfilled(WEBHOOK_URL) {
            let others = [WEBHOOK_SECRET, WEBHOOK_HEADERS, WEBHOOK_FORMAT, WEBHOOK_TEMPLATE, WEBHOOK_GITHUB_SIGNATURE];
            self.skip("webhook", WEBHOOK_URL, &others);
        } else if settings.keys.is_empty() {
            let why = if self.is_unfilled(WEBHOOK_SECRET) {
                "holds a placeholder that was not filled in"
            } else {
                "is not set"
            };
            self.notices.push(format!("webhooks are sent unsigned: {WEBHOOK_SECRET} {why}"));
        }
        for line in urls {
            self.sinks.sinks.push(Sink::Webhook(address(WEBHOOK_URL, SinkUrl::new(&line))?, Arc::clone(&settings)));
        }
        Ok(())
    }

    fn signing_keys(&self) -> Result<Vec<SigningKey>, InvalidSetting> {
        let invalid = |why: &str| InvalidSetting {
            variable: WEBHOOK_SECRET,
            why: why.to_owned(),
            hint: "make one with: printf 'whsec_%s' \"$(openssl rand -base64 32)\"".into(),
        };
        let text = self.set(WEBHOOK_SECRET).unwrap_or_default();
        let keys: Vec<SigningKey> =
            text.split_whitespace().map(SigningKey::new).collect::<Result<_, _>>().map_err(invalid)?;
        if keys.len() > 2 {
            return Err(invalid("there are more than two; while rotating there are the new one and the old one"));
        }
        Ok(keys)
    }

    fn format(&self, headers: &Headers) -> Result<Format, InvalidSetting> {
        let hint = "it is standard, cloudevents, cdevents or template";
        let invalid = |why: &str| InvalidSetting { variable: WEBHOOK_FORMAT, why: why.to_owned(), hint: hint.into() };
        let template = self.set(WEBHOOK_TEMPLATE);
        if headers.content_type().is_some() && template.is_none() {
            return Err(InvalidSetting {
                variable: WEBHOOK_HEADERS,
                why: "the format decides on Content-Type".to_owned(),
                hint: "only with a template of your own can Content-Type be set".into(),
            });
        }
        let format = self.set(WEBHOOK_FORMAT);
        match (format.as_deref(), template) {
            (Some("template") | None, Some(path)) => {
                self.template(&path, headers).map(|template| Format::Template(Box::new(template)))
            }
            (Some("template"), None) => {
                Err(invalid(&format!("it is `template`, but {WEBHOOK_TEMPLATE} names no file")))
            }
            (Some(_), Some(_)) => Err(invalid(&format!("{WEBHOOK_TEMPLATE} is for the format `template`"))),
            (Some("standard") | None, None) => Ok(Format::Standard),
            (Some("cloudevents"), None) => Ok(Format::CloudEvents),
            (Some("cdevents"), None) => Ok(Format::CdEvents),
            (Some(_), None) => Err(invalid("there is no such format")),
        }
    }

    fn template(&self, path: &str, headers: &Headers) -> Result<Template, InvalidSetting> {
        let hint = "it is the path of a Jinja template whose variables are the result's top-level fields";
        let invalid = |why: String| InvalidSetting { variable: WEBHOOK_TEMPLATE, why, hint: hint.into() };
        let source = read_file(Path::new(path), LARGEST_TEMPLATE)
            .map_err(|error| invalid(format!("cannot read the file: {error}")))?;
        Template::new(&source, headers.content_type())
            .map_err(|why| invalid(Line::new(why).cut(300).plain().to_owned()))
    }

    fn boolean(&self, name: &'static str) -> Result<bool, InvalidSetting> {
        match self.set(name).unwrap_or_default().to_ascii_lowercase().as_str() {
            "" | "false" | "0" | "no" => Ok(false),
            "true" | "1" | "yes" => Ok(true),
            _ => Err(InvalidSetting {
                variable: name,
                why: "it is neither yes nor no".to_owned(),
                hint: "say true or false".into(),
            }),
        }
    }
}
