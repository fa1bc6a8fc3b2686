//! The page about the result and the events, which is generated from their schemas.

use std::fmt::Write as _;

use serde_json::Value;

use crate::check_page;
use crate::pages::root;

const PAGE: &str = "docs/result.md";

fn schema(name: &str) -> Value {
    let path = root().join("crates/nuon-gate/schemas").join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Resolves a reference.
fn resolved<'a>(schema: &'a Value, place: &'a Value) -> &'a Value {
    match place.get("$ref").and_then(Value::as_str) {
        Some(path) => schema.pointer(path.trim_start_matches('#')).unwrap(),
        None => place,
    }
}

/// Returns the form that is not null, and whether null is allowed too.
fn alternatives<'a>(schema: &'a Value, place: &'a Value) -> (&'a Value, bool) {
    let of = place.get("anyOf").or_else(|| place.get("oneOf")).and_then(Value::as_array);
    let Some(of) = of else { return (resolved(schema, place), false) };
    let (nulls, others): (Vec<&Value>, Vec<&Value>) = of.iter().partition(|one| one["type"] == "null");
    assert_eq!((nulls.len(), others.len()), (1, 1), "{place}");
    (resolved(schema, others[0]), true)
}

fn has(form: &Value, name: &str) -> bool {
    form["type"] == name || form["type"].as_array().is_some_and(|types| types.iter().any(|one| one == name))
}

/// Describes the type of a place.
fn kind(form: &Value, or_null: bool) -> String {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (mut words, mut or_null) = (String::new(), or_null || has(form, "null"));
    if let Some(constant) = form.get("const") {
        words = format!("`{}`", word(constant));
    } else if let Some(values) = form.get("enum").and_then(Value::as_array) {
        or_null |= values.contains(&Value::Null);
        let values = values.iter().filter(|value| !value.is_null()).map(|value| format!("`{}`", word(value)));
        words = values.collect::<Vec<_>>().join(", ");
    } else {
        let names = [
            ("integer", "number"),
            ("object", "object"),
            ("array", "list"),
            ("string", "text"),
            ("boolean", "true or false"),
        ];
        let name = names.iter().find(|(name, _)| has(form, name)).unwrap_or_else(|| panic!("{form}")).1;
        words.push_str(if form["format"] == "date-time" { "time" } else { name });
    }
    if or_null { format!("{words} or `null`") } else { words }
}

/// Lists the fields of an object, and those inside them.
fn fields(rows: &mut Vec<(String, String, String)>, schema: &Value, object: &Value, before: &str) {
    let properties = object["properties"].as_object().unwrap();
    let required: Vec<&str> =
        object["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    for (name, place) in properties {
        let path = format!("{before}{name}");
        assert!(required.contains(&name.as_str()), "{path} is not required");
        let description = place["description"].as_str().unwrap_or_else(|| panic!("{path} is not described"));
        let (form, or_null) = alternatives(schema, place);
        rows.push((path.clone(), kind(form, or_null), description.to_owned()));
        if has(form, "array") {
            let items = resolved(schema, &form["items"]);
            if has(items, "object") {
                fields(rows, schema, items, &format!("{path}[]."));
            }
        } else if has(form, "object") && form["additionalProperties"] == false {
            fields(rows, schema, form, &format!("{path}."));
        }
    }
}

#[test]
fn the_result_is_described_field_by_field() {
    let schema = schema("result.v1.schema.json");
    let mut rows = Vec::new();
    fields(&mut rows, &schema, &schema, "");
    assert!(rows.len() > 60, "{}", rows.len());
    let mut table = "| field | what it is | meaning |\n|---|---|---|\n".to_owned();
    for (path, kind, description) in rows {
        writeln!(table, "| `{path}` | {kind} | {description} |").unwrap();
    }
    check_page(PAGE, "result", &table);
}

#[test]
fn the_events_are_described_field_by_field() {
    let schema = schema("event.v1.schema.json");
    let mut table = "| event | field | what it is | meaning |\n|---|---|---|---|\n".to_owned();
    for event in schema["oneOf"].as_array().unwrap() {
        let name = event["properties"]["event"]["const"].as_str().unwrap();
        writeln!(table, "| **`{name}`** |  |  | {} |", event["description"].as_str().unwrap()).unwrap();
        let mut rows = Vec::new();
        fields(&mut rows, &schema, event, "");
        // The page describes earlier what every event has, and what a target is.
        let known =
            |path: &str| ["event", "at"].contains(&path) || path.contains("target.") || path.contains("targets[].");
        for (path, kind, description) in rows.into_iter().filter(|(path, ..)| !known(path)) {
            writeln!(table, "| | `{path}` | {kind} | {description} |").unwrap();
        }
    }
    check_page(PAGE, "events", &table);
}
