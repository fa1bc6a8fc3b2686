//! Property tests: any input is either read, or refused in one line that names where it comes from.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use nuon_gate_core::resolve::Wanted;
use nuon_gate_core::timeline::human;
use proptest::prelude::*;
use proptest::sample::select;

use crate::arguments::TargetArguments;
use crate::marks::{After, Marks};
use crate::nuon_config::NuonConfig;
use crate::reader::Reader;
use crate::runtime::runtime;
use crate::span::{OptionalSpan, Since, Span};
use crate::targets::TypedTargets;
use crate::trigger_response::Triggered;
use crate::trouble::Trouble;
use crate::typed::TargetPair;

const MONTH: Duration = Duration::from_secs(31 * 24 * 3600);
const SECRET: &str = "t0ken-s3cret";

/// A file with this content, for one test.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, content: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("nuon-gate-{name}-{}", std::process::id()));
        fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Reads a file as the program does.
fn read<T>(reading: impl AsyncFnOnce(&Reader) -> T) -> T {
    runtime().unwrap().block_on(reading(&Reader::default()))
}

fn listed(file: &Path) -> Result<Vec<Wanted>, Trouble> {
    let typed = TypedTargets::new(TargetArguments {
        targets: Vec::new(),
        install: Vec::new(),
        install_label: Vec::new(),
        component: Vec::new(),
        all_components: false,
        target: Vec::new(),
        targets_file: Some(file.to_owned()),
    });
    read(async |reader| typed?.read(reader).await)
}

fn check_trouble(trouble: &Trouble, file: &Path) {
    let shown = trouble.to_string();
    assert!(shown.contains(&file.display().to_string()), "{shown:?} does not name the file");
    let (message, hint) = trouble.clone().into_parts();
    assert!(hint.is_some() && message.plain().chars().count() < 1000, "{shown:?}");
    let acts = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!message.plain().contains(acts) && !message.plain().contains("##"), "{message:?}");
}

/// Contents made of a form's own words, of anything, and of bytes that are not text.
fn content(words: Vec<&'static str>) -> impl Strategy<Value = Vec<u8>> {
    let words = prop::collection::vec(select(words), 0..25).prop_map(|words| words.concat().into_bytes());
    let anything = any::<String>().prop_map(String::into_bytes);
    let noise = prop::collection::vec(any::<u8>(), 0..4);
    prop_oneof![
        4 => words.clone(),
        1 => anything,
        1 => (words, noise).prop_map(|(words, noise)| [words, noise].concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_a_duration_or_none(
        text in prop_oneof![any::<String>(), "[-+ 0-9.hmsnuµod]{0,12}", "[-+]{0,2}[0-9]{1,25}(\\.[0-9]{1,12})?(h|m|s|ms|us|ns| )"],
    ) {
        match text.parse::<Span>() {
            Ok(Span(duration)) => {
                prop_assert!(Duration::ZERO < duration && duration <= MONTH && !text.contains('-'), "{:?}", duration);
                prop_assert_eq!(text.parse(), Ok(OptionalSpan(Some(duration))));
            }
            Err(error) => prop_assert!(error.to_string().len() < 80),
        }
        let since = text.parse::<Since>();
        let is_time = text.trim().parse::<Timestamp>().is_ok();
        prop_assert_eq!(since.is_ok(), is_time || text.parse::<Span>().is_ok(), "{:?}", since);
    }

    #[test]
    fn what_is_typed_is_what_is_meant(hours in 0_u64..700, minutes in 0_u64..90, seconds in 0_u64..90, millis in 1_u64..2000) {
        let meant = Duration::from_millis(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis);
        for text in [format!("{hours}h{minutes}m{seconds}s{millis}ms"), format!(" {hours}h {minutes}m {seconds}s {millis}ms")] {
            prop_assert_eq!(text.parse(), Ok(Span(meant)), "{}", text);
        }
    }

    #[test]
    fn what_is_shown_can_be_typed(duration in prop_oneof![1..MONTH.as_nanos(), 1_000_000..10_000_000_000_u128]) {
        let duration = Duration::from_nanos(u64::try_from(duration).unwrap());
        let exact = format!("{:#}", SignedDuration::try_from(duration).unwrap());
        prop_assert_eq!(exact.parse(), Ok(Span(duration)), "{}", exact);
        let shown = human(duration);
        if duration >= Duration::from_millis(1) {
            let Span(read) = shown.parse().unwrap();
            let lost = match duration.as_secs() {
                0 => Duration::from_millis(1),
                1..86_400 => Duration::from_secs(1),
                _ => Duration::from_secs(60),
            };
            prop_assert!(read <= duration && duration - read < lost, "{:?} as {}", duration, shown);
            prop_assert_eq!(human(read), shown);
        }
    }

    #[test]
    fn any_configuration_is_read_or_named(content in content(vec![
        "api_token", "api_url", "org_id", ": ", ":", "\n", "  ", "- ", "[", "]", "{", "}", ", ", "'", "\"", "&a ", "*a", "!!binary ",
        "|\n", ">\n", "? ", "%YAML 1.9\n", "---\n", "...\n", "<<: ", "null", "~", "1", "\t", "\u{feff}", "\u{85}", SECRET,
    ])) {
        let file = Temporary::new("config", &content);
        match read(async |reader| NuonConfig::read(reader, Some(&file.0), None).await) {
            Ok(config) => prop_assert_eq!(config.path.as_deref(), Some(file.0.as_path())),
            Err(trouble) => {
                check_trouble(&trouble, &file.0);
                prop_assert!(!trouble.to_string().contains(SECRET), "{}", trouble);
            }
        }
    }

    #[test]
    fn any_marks_are_read_or_named(content in content(vec![
        "{\"schema\":1,\"targets\":[", "{\"install\":\"inl1\",\"component\":\"cmp1\",", "\"deploy_id\":null,", "\"deploy_id\":\"dpl1\",",
        "\"created_at\":null,", "\"created_at\":\"2026-08-03T14:02:11Z\",", "\"server_time\":\"2026-08-03T14:02:11Z\"}",
        "\"server_time\":\"soon\"}", ",", "]}", "{", "}", "\"", "7", "\\n::error::x", "\\u202e", "##[x]", "\u{feff}", "\n",
    ])) {
        let file = Temporary::new("marks", &content);
        match read(async |reader| Marks::read(reader, &file.0).await) {
            Ok(marks) => drop(marks.baselines()),
            Err(trouble) => check_trouble(&trouble, &file.0),
        }
    }

    #[test]
    fn marks_with_any_values_are_read_or_named(
        install in "[a-z]{1,5}|\\PC{0,20}|[\\n\\r:#\u{202e}\u{1b}/.]{0,9}",
        texts in prop::collection::vec(prop_oneof![Just(None), any::<String>().prop_map(Some), Just(Some("2026-08-03T14:02:11Z".to_owned()))], 3),
    ) {
        let mark = serde_json::json!({
            "install": install, "component": "cmp1", "deploy_id": texts[0], "created_at": texts[1],
            "server_time": texts[2].clone().unwrap_or_default(),
        });
        let written = serde_json::json!({"schema": 1, "targets": [mark]}).to_string();
        let file = Temporary::new("mark", written.as_bytes());
        match read(async |reader| Marks::read(reader, &file.0).await) {
            Ok(marks) => prop_assert_eq!(serde_json::to_string(&marks).unwrap().len(), written.len()),
            Err(trouble) => check_trouble(&trouble, &file.0),
        }
    }

    #[test]
    fn any_list_of_targets_is_read_or_named(content in content(vec![
        "inl1/cmp1", "inl1", "/", "cmp1", "#", " # x", "\n", "\r\n", "\r", " ", "\t", "..", "\\", "::error::", "##[x]", "\u{feff}",
        "\u{202e}", "\0", "ü",
    ])) {
        let file = Temporary::new("targets", &content);
                match listed(&file.0) {
            Ok(pairs) => prop_assert!(!pairs.is_empty() && pairs.len() <= content.split(|b| matches!(b, b'\n' | b'\r')).count()),
            Err(trouble) => check_trouble(&trouble, &file.0),
        }
    }

    #[test]
    fn targets_are_read_as_they_are_written(pairs in prop::collection::vec(("[a-z0-9 ü:.-]{0,8}[a-z]", "[a-z0-9-]{1,9}", "( *#[^\r\n]{0,9})?"), 1..9)) {
        let lines: Vec<String> = pairs.iter().map(|(install, component, note)| format!(" {install}/{component}{note}\r\n")).collect();
        let file = Temporary::new("pairs", lines.concat().as_bytes());
                let meant: Vec<Wanted> = pairs
            .iter()
            .map(|(install, component, _)| Wanted::Component(install.parse().unwrap(), component.parse().unwrap()))
            .collect();
        prop_assert_eq!(listed(&file.0).unwrap(), meant);
    }

    #[test]
    fn any_answer_to_a_trigger_is_read_or_named(content in content(vec![
        "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 201 Created\r\n", "HTTP/2 403 \n", "HTTP/", "X-Nuon-Install-Workflow-ID: ", ":", "inw1",
        "\r\n", "\n", "\r\n\r\n", "\n\n", "{\"id\":", "\"dpl1\"", ",\"workflow_id\":", "\"ok\"", "}", "::error::", "\u{feff}", "\u{1b}", "##[x]",
    ])) {
        let file = Temporary::new("trigger", &content);
        match read(async |reader| Triggered::read(reader, &file.0).await) {
            Ok(found) => prop_assert!(found != Triggered::default()),
            Err(trouble) if trouble.to_string().starts_with("error: the trigger was answered with HTTP ") => {}
            Err(trouble) => check_trouble(&trouble, &file.0),
        }
    }

    #[test]
    fn any_text_is_a_baseline_or_a_target_or_none(text in prop_oneof![any::<String>(), "[a-c ü.:#\\\\]{0,4}/[a-c ü.:#/]{0,4}"]) {
        let _ = text.parse::<After>();
        if let Ok(TargetPair(Wanted::Component(install, component))) = text.parse() {
            let typed: Vec<&str> = text.split('/').map(str::trim).collect();
            prop_assert_eq!(typed, [install.as_str(), component.as_str()]);
            prop_assert_eq!(format!("{install}/{component}").parse(), Ok(TargetPair(Wanted::Component(install, component))));
        }
    }
}
