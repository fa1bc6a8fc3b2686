//! Generated bodies of answers, and ways to damage good ones.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Number, Value};

const KEYS: [&str; 24] = [
    "id",
    "status",
    "status",
    "status_v2",
    "status_v2",
    "status_human_description",
    "status_description",
    "history",
    "metadata",
    "created_at_ts",
    "install_deploy_type",
    "workflow_id",
    "plan_only",
    "runner_jobs",
    "runner_job",
    "steps",
    "finished",
    "step_target_id",
    "approval",
    "error",
    "Err",
    "body",
    "severity_number",
    "awaiting_retry",
];
const WORDS: [&str; 18] = [
    "active",
    "auto-skipped",
    "inactive",
    "teardown",
    "apply",
    "plan-only",
    "error",
    "success",
    "cancelled",
    "Active",
    "active ",
    "activ\u{435}",
    "",
    "dpl1",
    "../x",
    "prompt",
    "2026-08-03T14:02:11Z",
    "0001-01-01T00:00:00Z",
];

/// Any bytes; some start like a body.
pub(crate) fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let start = select(vec!["", "{", "[", "[{", "{\"status\":\"active\"", "{\"status\":", "\u{feff}{", "<"]);
    let rest = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "[\\[\\]{}\":,a-z0-9\\\\ .eE+-]{0,80}".prop_map(String::into_bytes),
    ];
    (start, rest).prop_map(|(start, rest)| [start.as_bytes(), &rest].concat())
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => select(&WORDS[..]).prop_map(Value::from),
        1 => any::<String>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => prop_oneof![any::<i64>().prop_map(Number::from), any::<u64>().prop_map(Number::from)].prop_map(Value::Number),
        1 => any::<f64>().prop_map(Value::from),
    ]
}

/// JSON of any shape, with names and words that servers use.
pub(crate) fn json() -> impl Strategy<Value = Value> {
    let key = prop_oneof![9 => select(&KEYS[..]).prop_map(str::to_owned), 1 => any::<String>()];
    scalar().prop_recursive(4, 40, 6, move |inner| {
        let object = prop::collection::vec((key.clone(), inner.clone()), 0..6);
        prop_oneof![
            3 => object.prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::Array),
        ]
    })
}

/// Damage to a value somewhere inside a body.
#[derive(Debug, Clone)]
pub(crate) struct Damage {
    place: Index,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Put(Value),
    /// Turns an object into the list of its members, and a list into an object.
    Reshape,
    /// Turns a value into a list of itself.
    Wrap,
    /// Turns a value into its text.
    Quote,
    Twice,
}

pub(crate) fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let kind = prop_oneof![
        3 => json().prop_map(Kind::Put),
        2 => scalar().prop_map(Kind::Put),
        2 => Just(Kind::Reshape),
        1 => Just(Kind::Wrap),
        1 => Just(Kind::Quote),
        1 => Just(Kind::Twice),
    ];
    prop::collection::vec((any::<Index>(), kind).prop_map(|(place, kind)| Damage { place, kind }), 0..4)
}

impl Damage {
    pub(crate) fn inflict(&self, body: &mut Value) {
        let place = self.place.index(count(body));
        if let Some(value) = nth(body, &mut { place }) {
            *value = self.kind.of(value.take());
        }
    }
}

impl Kind {
    fn of(&self, value: Value) -> Value {
        match (self, value) {
            (Self::Put(other), _) => other.clone(),
            (Self::Reshape, Value::Object(members)) => members.into_iter().map(|(_, value)| value).collect(),
            (Self::Reshape, Value::Array(items)) => {
                KEYS.iter().map(|key| (*key).to_owned()).zip(items).collect::<Map<_, _>>().into()
            }
            (Self::Wrap | Self::Reshape, value) => vec![value].into(),
            (Self::Quote, value) => value.to_string().into(),
            (Self::Twice, value) => vec![value.clone(), value].into(),
        }
    }
}

fn parts(value: &mut Value) -> Vec<&mut Value> {
    match value {
        Value::Object(members) => members.iter_mut().map(|(_, value)| value).collect(),
        Value::Array(items) => items.iter_mut().collect(),
        _ => Vec::new(),
    }
}

fn count(value: &mut Value) -> usize {
    1 + parts(value).into_iter().map(count).sum::<usize>()
}

fn nth<'a>(value: &'a mut Value, place: &mut usize) -> Option<&'a mut Value> {
    if *place == 0 {
        return Some(value);
    }
    *place -= 1;
    parts(value).into_iter().find_map(|part| nth(part, place))
}

/// Damage to the bytes of a body.
#[derive(Debug, Clone)]
pub(crate) enum Spoil {
    Flip(Index, u8),
    Cut(Index),
    Repeat(Index, Index),
    Remove(Index),
}

pub(crate) fn spoil() -> impl Strategy<Value = Spoil> {
    prop_oneof![
        (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Spoil::Flip(at, bit)),
        any::<Index>().prop_map(Spoil::Cut),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Spoil::Repeat(from, to)),
        any::<Index>().prop_map(Spoil::Remove),
    ]
}

impl Spoil {
    pub(crate) fn inflict(&self, body: &mut Vec<u8>) {
        let length = body.len();
        match self {
            Self::Flip(at, bit) => body[at.index(length)] ^= 1 << bit,
            Self::Cut(at) => body.truncate(at.index(length)),
            Self::Repeat(from, to) => {
                let (from, to) = (from.index(length), to.index(length));
                let piece = body[from.min(to)..from.max(to)].to_vec();
                body.splice(to..to, piece).for_each(drop);
            }
            Self::Remove(at) => drop(body.remove(at.index(length))),
        }
    }
}
