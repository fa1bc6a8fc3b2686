//! A body from the user's Jinja template.

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value as Context};
use nuon_gate_core::Verdict;
use nuon_gate_core::result::v1::RunResult;
use serde_json::Value;

use crate::Occasion;
use crate::sample;
use crate::webhook::event::Event;
use crate::webhook::shrink::LARGEST_BODY;

const NAME: &str = "template";

/// How many steps a template may take: ten thousand times what a useful one needs, and far less than a second.
const FUEL: u64 = 5_000_000;

/// A template that has been tested.
///
/// Its variables are the result's top-level fields, and `type` and `id` of the event. A variable is written as JSON,
/// quotes included: `{"text": {{ reason }}}`. One that does not exist is an error.
#[derive(Debug)]
pub(crate) struct Template {
    environment: Environment<'static>,
    content_type: String,
}

impl Template {
    /// Parses a template and renders sample runs with it. With a JSON content type they have to be JSON.
    pub(crate) fn new(source: &str, content_type: Option<&str>) -> Result<Self, String> {
        let content_type = content_type.unwrap_or("application/json").to_owned();
        let escape = if is_json(&content_type) { AutoEscape::Json } else { AutoEscape::None };
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(move |_| escape.clone());
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        let words = |error: minijinja::Error| words(&error);
        environment.add_template_owned(NAME.to_owned(), source.to_owned()).map_err(words)?;
        let template = Self { environment, content_type };
        // With and without a reason, a log, a deploy and a target: a template that relies on one fails here, not at the
        // end of a wait.
        let [failed, passed, mut unbegun] = [Verdict::Failed, Verdict::Passed, Verdict::Pending].map(sample::result);
        unbegun.targets.iter_mut().for_each(|target| target.deploy = None);
        let empty = RunResult { targets: Vec::new(), ..sample::result(Verdict::Rejected) };
        for (result, what) in [(failed, ""), (passed, ""), (unbegun, ""), (empty, "for a run without targets: ")] {
            template.check(&result).map_err(|why| format!("{what}{why}"))?;
        }
        Ok(template)
    }

    /// Renders a sample, which has to fit: of a run it would not be less.
    fn check(&self, result: &RunResult) -> Result<(), String> {
        let event = Event::new(Occasion::Ended, &[], result);
        let value = serde_json::to_value(result).map_err(|error| error.to_string())?;
        let size = self.render(&event, &value)?.len();
        match size <= LARGEST_BODY {
            true => Ok(()),
            false => Err(format!("a sample has {size} bytes, more than the {LARGEST_BODY} that are sent")),
        }
    }

    pub(crate) fn content_type(&self) -> &str {
        &self.content_type
    }

    /// Makes the body of an event.
    pub(crate) fn render(&self, event: &Event, result: &Value) -> Result<Vec<u8>, String> {
        let mut fields = result.as_object().cloned().unwrap_or_default();
        fields.insert("type".to_owned(), event.kind.clone().into());
        fields.insert("id".to_owned(), event.id.clone().into());
        let template = self.environment.get_template(NAME).map_err(|error| words(&error))?;
        let body = template.render(Context::from(Serde(fields))).map_err(|error| words(&error))?;
        if is_json(&self.content_type) {
            serde_json::from_str::<serde::de::IgnoredAny>(&body).map_err(|error| {
                format!("what comes of it is not JSON (line {}, column {})", error.line(), error.column())
            })?;
        }
        Ok(body.into_bytes())
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence.ends_with("/json") || essence.ends_with("+json")
}

fn words(error: &minijinja::Error) -> String {
    let place = error.line().map(|line| format!(" (line {line})")).unwrap_or_default();
    match error.detail() {
        Some(detail) => format!("{}: {detail}{place}", error.kind()),
        None => format!("{}{place}", error.kind()),
    }
}

#[cfg(test)]
mod tests {
    use nuon_gate_core::Line;

    use super::*;

    fn render(source: &str, content_type: Option<&str>) -> Result<String, String> {
        let template = Template::new(source, content_type)?;
        let mut result = sample::result(Verdict::Failed);
        result.reason = Some(Line::new("a \"quoted\" line \\ {{ 7 }} ☃"));
        let event = Event::new(Occasion::Ended, &[], &result);
        let body = template.render(&event, &serde_json::to_value(&result).unwrap())?;
        Ok(String::from_utf8(body).unwrap())
    }

    #[test]
    fn values_are_written_as_json() {
        let body = render(
            r#"{"text": {{ reason }}, "n": {{ targets|length }}, "all": {{ targets|tojson }}, "type": {{ type }}}"#,
            None,
        );
        let value: Value = serde_json::from_str(&body.unwrap()).unwrap();
        assert_eq!(value["text"], "a \"quoted\" line \\ {{ 7 }} ☃");
        assert_eq!((&value["n"], &value["type"]), (&1.into(), &"nuon.deploy.failed".into()));
        assert_eq!(value["all"][0]["component"]["name"], "api");
    }

    #[test]
    fn bad_templates_are_refused_before_the_wait() {
        let cases = [
            (r#"{"text": {{ reasn }}}"#, "undefined"),
            (r#"{"text": {{ targets[0].deploy.status }}}"#, "undefined"),
            (r#"{"text": "{{ reason }}"}"#, "what comes of it is not JSON"),
            (r#"{"text": {{ reason }"#, "syntax error"),
            ("{% for a in range(9999) %}{% for b in range(9999) %}{{ b }},{% endfor %}{% endfor %}", "fuel"),
            ("", "what comes of it is not JSON"),
            ("{{ targets[0].verdict }}", "for a run without targets: undefined value"),
            ("\"{% for a in range(9999) %}0123456{% endfor %}\"", "a sample has 69995 bytes"),
        ];
        for (source, why) in cases {
            let error = render(source, None).unwrap_err();
            assert!(error.contains(why), "{source}: {error}");
        }
    }

    #[test]
    fn other_types_are_text() {
        assert!(
            render("{{ verdict }}: {{ reason }}", Some("text/plain"))
                .unwrap()
                .starts_with("failed: a \"quoted\" line ")
        );
        assert!(render("{{ verdict }}", Some("application/vnd.acme+json; charset=utf-8")).unwrap() == "\"failed\"");
    }
}
