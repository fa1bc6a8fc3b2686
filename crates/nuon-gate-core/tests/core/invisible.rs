//! Invisible characters: a text of nothing else is empty, and none makes one word pass for another.

use std::ops::RangeInclusive;

use nuon_gate_core::api::decode;
use nuon_gate_core::model::{Deploy, ErrorBody, InstallComponent, Status, Workflow};
use nuon_gate_core::reason::{denial, generic, server_hint, specific};
use nuon_gate_core::{DeployId, InvalidId, Line, RemoteText};
use serde_json::{Value, json};

/// Unicode's Default_Ignorable_Code_Point, and other characters that are drawn as nothing.
const INVISIBLE: &[(RangeInclusive<char>, &str)] = &[
    ('\u{ad}'..='\u{ad}', "soft hyphen"),
    ('\u{34f}'..='\u{34f}', "combining grapheme joiner"),
    ('\u{61c}'..='\u{61c}', "Arabic letter mark"),
    ('\u{115f}'..='\u{1160}', "Hangul choseong and jungseong fillers"),
    ('\u{17b4}'..='\u{17b5}', "Khmer inherent vowels"),
    ('\u{180b}'..='\u{180f}', "Mongolian variation selectors and vowel separator"),
    ('\u{200b}'..='\u{200f}', "zero width space and joiners, direction marks"),
    ('\u{202a}'..='\u{202e}', "direction embeddings and overrides"),
    ('\u{2060}'..='\u{206f}', "word joiner, invisible operators, direction isolates"),
    ('\u{2800}'..='\u{2800}', "blank of Braille"),
    ('\u{3164}'..='\u{3164}', "Hangul filler"),
    ('\u{fe00}'..='\u{fe0f}', "variation selectors"),
    ('\u{feff}'..='\u{feff}', "byte order mark"),
    ('\u{ffa0}'..='\u{ffa0}', "halfwidth Hangul filler"),
    ('\u{fff0}'..='\u{fff8}', "unassigned specials"),
    ('\u{fff9}'..='\u{fffb}', "interlinear annotation"),
    ('\u{1bca0}'..='\u{1bca3}', "shorthand format controls"),
    ('\u{1d173}'..='\u{1d17a}', "musical format controls"),
    ('\u{e0000}'..='\u{e0fff}', "tags and supplementary variation selectors"),
];

fn each() -> impl Iterator<Item = (char, &'static str)> {
    INVISIBLE.iter().flat_map(|(range, name)| range.clone().map(move |c| (c, *name)))
}

/// The first and the last character of every range.
fn ends() -> impl Iterator<Item = (char, &'static str)> {
    INVISIBLE.iter().flat_map(|(range, name)| [(*range.start(), *name), (*range.end(), *name)])
}

fn read(body: &Value) -> Deploy {
    decode(body.to_string().as_bytes()).unwrap()
}

#[test]
fn a_text_of_invisible_characters_is_blank() {
    for (c, name) in each() {
        let code = u32::from(c);
        for text in [c.to_string(), format!("{c}{c}\n {c}"), format!("\u{1b}[31m{c}\u{1b}[0m")] {
            assert!(RemoteText::new(text.as_str()).is_blank(), "U+{code:04X}, {name}");
            assert_eq!(RemoteText::new(text).lines(100).count(), 0, "U+{code:04X}, {name}");
        }
        assert_eq!(Line::new(format!("no{c} quota")), "no quota", "U+{code:04X}, {name}");
    }
}

#[test]
fn an_invisible_text_is_no_reason_and_hides_none() {
    for (c, name) in ends() {
        let hidden = format!("{c} {c}");
        let sources = [
            json!({ "status": "error", "composite_error": { "message": hidden } }),
            json!({ "status": "error", "status_description": hidden }),
            json!({ "status_v2": { "status": "error", "status_human_description": hidden } }),
            json!({ "status_v2": { "status": "error", "history": [{ "status": "error", "status_human_description": hidden }] } }),
            json!({ "status": "error", "runner_jobs": [{ "status": "failed", "status_description": hidden }] }),
            json!({ "status": "error", "policy_reports": [{ "violations": [{ "severity": "deny", "message": hidden }] }] }),
        ];
        for mut body in sources {
            assert_eq!(specific(&read(&body)), None, "{name}: {body}");
            assert_eq!(generic(&read(&body)), None, "{name}: {body}");
            // The next text with content is reported instead.
            body["runner_job"] = json!({ "status": "failed", "composite_error": { "message": "no quota" } });
            let reported = specific(&read(&body)).map(|text| text.line(100));
            let of_job = body["runner_jobs"].is_null().then(|| Line::new("no quota"));
            assert_eq!(reported, of_job, "{name}: {body}");
        }
        let hints = json!({ "composite_error": { "hints": { "a": hidden, "b": "Ask for more." } } });
        assert_eq!(server_hint(&read(&hints)).map(|hint| hint.line(100)), Some(Line::new("Ask for more.")), "{name}");
        let generic_too = json!({ "status": "error", "status_description": format!("unable{c} to deploy") });
        assert_eq!(specific(&read(&generic_too)), None, "{name}: a generic sentence stays one");
    }
}

#[test]
fn an_invisible_text_is_no_name_no_note_and_no_error() {
    for (c, name) in ends() {
        let hidden = format!("{c}{c}");
        let component = json!({ "component_id": "cmp1", "component": { "name": hidden } });
        let component: InstallComponent = decode(component.to_string().as_bytes()).unwrap();
        assert_eq!(component.name(), None, "{name}");

        let error = ErrorBody::read(json!({ "error": hidden, "description": "no quota" }).to_string().as_bytes());
        assert_eq!(error.message().map(|text| text.line(100)), Some(Line::new("no quota")), "{name}");

        let response = json!({ "type": "deny", "note": hidden, "created_by_id": hidden });
        let steps = json!({ "steps": [{ "approval": { "response": response }, "status": { "status": "error",
            "metadata": { "reason": hidden, "err_message": "no quota" } } }] });
        let workflow: Workflow = decode(steps.to_string().as_bytes()).unwrap();
        let step = workflow.steps().next().unwrap();
        assert_eq!(
            denial(step).map(|denial| denial.text().line(100)),
            Some(Line::new("the plan was denied")),
            "{name}"
        );
        assert_eq!(step.reason().map(|text| text.line(100)), Some(Line::new("no quota")), "{name}");

        let author = json!({ "created_by": { "email": hidden }, "created_by_id": "acc1" });
        assert_eq!(read(&author).author().map(|text| text.line(100)), Some(Line::new("acc1")), "{name}");
    }
}

#[test]
fn no_word_and_no_id_holds_an_invisible_character() {
    for (c, name) in each() {
        let code = u32::from(c);
        let status = Status::from(format!("ac{c}tive").as_str());
        assert!(matches!(status, Status::Other(_)), "U+{code:04X}, {name}: {status:?}");
        let id = format!("dpl{c}1").parse::<DeployId>();
        assert_eq!(id, Err(InvalidId::Character(c)), "U+{code:04X}, {name}");
        assert_eq!(InvalidId::Character(c).to_string(), format!("an id cannot hold '\\u{{{code:x}}}'"));
        assert!(!RemoteText::new(format!("api{c}")).is("api"), "U+{code:04X}, {name}");
    }
}

#[test]
fn visible_characters_are_kept() {
    for text in ["Ünï ☃", "日本語", "한글", "e\u{301}", "\u{1f469}\u{1f3fd}", "ខ្មែរ", "⠁", "𝅘𝅥", "\u{fffd}"]
    {
        assert!(!RemoteText::new(text).is_blank(), "{text}");
    }
}
