//! A message as people see it.

use serde_json::Value;

/// Renders a payload as people see it.
pub(crate) fn seen(sink: &str, body: &Value) -> String {
    let lines = match sink.split(' ').next().unwrap_or_default() {
        "slack" | "slack-webhook" => slack(body),
        "teams" => teams(body),
        "discord" => vec![text(&body["embeds"][0]["title"]), text(&body["embeds"][0]["description"])],
        "github-deployment" | "github-status" => {
            vec![format!("{} {}", text(&body["state"]), text(&body["description"]))]
        }
        _ => {
            let data = &body["data"];
            vec![format!("{}: {} → {}", text(&body["type"]), data["reason"], data["hint"])]
        }
    };
    lines.join("\n")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn slack(body: &Value) -> Vec<String> {
    let notification = text(&body["text"]).lines().map(|line| format!("  | {line}")).collect::<Vec<_>>();
    let blocks = list(&body["blocks"]).map(|block| match block["type"].as_str() {
        Some("header") => format!("# {}", text(&block["text"]["text"])),
        Some("section") => text(&block["text"]["text"]),
        Some("context") => list(&block["elements"]).map(|part| text(&part["text"])).collect::<Vec<_>>().join("  "),
        _ => list(&block["elements"]).map(rich).collect(),
    });
    blocks.chain(["(notification)".to_owned()]).chain(notification).collect()
}

fn rich(part: &Value) -> String {
    let elements = list(&part["elements"]).map(|element| linked(&text(&element["text"]), &element["url"]));
    match part["type"].as_str() {
        Some("rich_text_preformatted") => format!("```\n{}\n```", elements.collect::<String>()),
        _ => elements.collect::<String>().trim_end().to_owned(),
    }
}

fn linked(text: &str, url: &Value) -> String {
    url.as_str().map_or_else(|| text.to_owned(), |url| format!("[{text}]({url})"))
}

fn teams(body: &Value) -> Vec<String> {
    let card = &body["attachments"][0]["content"];
    let runs = |block: &Value| {
        let run = |run: &Value| linked(&text(&run["text"]), &run["selectAction"]["url"]);
        list(&block["inlines"]).map(run).collect::<String>()
    };
    let buttons = list(&card["actions"]).map(|action| linked(&text(&action["title"]), &action["url"]));
    list(&card["body"]).map(runs).chain([buttons.collect::<Vec<_>>().join(" ")]).collect()
}
