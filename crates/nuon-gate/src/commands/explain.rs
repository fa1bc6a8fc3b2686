//! `explain`: how each status is judged.

use nuon_gate_core::Kind;
use serde_json::{Value, json};

use crate::arguments::{ExplainArguments, Format};
use crate::output::{Console, stdout_line};
use crate::settings::{misspelt, rules};
use crate::trouble::Trouble;

pub(crate) fn run(arguments: &ExplainArguments) -> Result<u8, Trouble> {
    let rules = rules(&arguments.judging)?;
    let console = Console::new();
    misspelt(&arguments.judging).iter().for_each(|warning| console.warning(warning));
    let rows: Vec<[String; 4]> = rules
        .statuses()
        .iter()
        .map(|status| {
            let judged = |kind| rules.judge(status, kind).as_str().to_owned();
            let why = if rules.override_of(status).is_some() { "a flag says so" } else { "" };
            [status.to_string(), judged(Kind::Apply), judged(Kind::Teardown), why.to_owned()]
        })
        .collect();
    let json = |[status, apply, teardown, why]: &[String; 4]| json!({"status": status, "apply": apply, "teardown": teardown, "overridden": !why.is_empty()});
    match arguments.output {
        Format::Json => stdout_line(&format!("{:#}", Value::Array(rows.iter().map(json).collect()))),
        Format::Ndjson => rows.iter().for_each(|row| stdout_line(&json(row).to_string())),
        Format::Text => {
            let row = |[status, apply, teardown, why]: &[String; 4]| {
                stdout_line(format!("{status:<20} {apply:<24} {teardown:<10} {why}").trim_end());
            };
            row(&["STATUS", "APPLY, SYNC-IMAGE", "TEARDOWN", ""].map(str::to_owned));
            rows.iter().for_each(row);
            row(&["any other", "pending, with a warning", "pending", ""].map(str::to_owned));
            let require = arguments.judging.require.words();
            stdout_line(&format!("\nA replaced deploy is followed to the one that took its place. {require}"));
        }
    }
    Ok(0)
}
