//! What goes wrong on the way.

use fastrand::Rng;

use super::story::pick;

/// What goes wrong in a scene.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trouble {
    /// The faults, as they stand in the script.
    pub(crate) script: String,
    /// Their names, for the table.
    pub(crate) names: Vec<&'static str>,
    /// Whether one of them can be taken for a refusal.
    pub(crate) may_refuse: bool,
}

/// A fault: its name and how it stands in the script.
const PASSING: [(&str, &str); 35] = [
    ("HTTP 500", "answer = \"status\"\ncode = 500"),
    ("HTTP 502, HTML", "answer = \"status\"\ncode = 502\nbody = \"html\""),
    ("HTTP 503, other keys", "answer = \"status\"\ncode = 503\nbody = \"capitalised\""),
    ("HTTP 504, empty", "answer = \"status\"\ncode = 504\nbody = \"empty\""),
    ("HTTP 408", "answer = \"status\"\ncode = 408"),
    ("HTTP 409", "answer = \"status\"\ncode = 409"),
    ("HTTP 425", "answer = \"status\"\ncode = 425"),
    ("HTTP 429", "answer = \"status\"\ncode = 429"),
    ("Retry-After 0", "answer = \"status\"\ncode = 429\nretry_after = \"0\""),
    ("Retry-After 1", "answer = \"status\"\ncode = 429\nretry_after = \"1\""),
    ("Retry-After of a day", "answer = \"status\"\ncode = 503\nretry_after = \"86400\""),
    ("Retry-After beyond all numbers", "answer = \"status\"\ncode = 429\nretry_after = \"99999999999999999999999\""),
    ("Retry-After in the past", "answer = \"status\"\ncode = 429\nretry_after = \"Mon, 03 Aug 2020 13:59:00 GMT\""),
    ("Retry-After in 9999", "answer = \"status\"\ncode = 503\nretry_after = \"Fri, 31 Dec 9999 23:59:59 GMT\""),
    ("Retry-After of nonsense", "answer = \"status\"\ncode = 429\nretry_after = \"-5; soon\""),
    ("redirect", "answer = \"redirect\""),
    ("redirect 308", "answer = \"redirect\"\ncode = 308"),
    ("reset", "answer = \"reset\""),
    ("reset in the head", "answer = \"reset-in-head\""),
    ("reset in the body", "answer = \"reset-in-body\""),
    ("truncated", "answer = \"truncated\""),
    ("hang", "answer = \"hang\""),
    ("slow drip", "answer = \"drip\""),
    ("no JSON", "answer = \"undecodable\""),
    ("HTML", "answer = \"html\""),
    ("null", "answer = \"null\""),
    ("array", "answer = \"array\""),
    ("nothing", "answer = \"nothing\""),
    ("compressed", "answer = \"compressed\""),
    ("17 MiB", "answer = \"huge\""),
    ("length too long", "answer = \"length-too-long\""),
    ("length too short", "answer = \"length-too-short\""),
    ("no chunks", "answer = \"unchunked\""),
    ("clock behind", "answer = \"clock-behind\""),
    ("lagging replica", "answer = \"lagging\""),
];
/// Faults that are final if they come first, or often enough.
const REFUSING: [(&str, &str); 6] = [
    ("HTTP 401", "answer = \"status\"\ncode = 401"),
    ("HTTP 403", "answer = \"status\"\ncode = 403"),
    ("HTTP 404", "answer = \"status\"\ncode = 404"),
    ("HTTP 400", "answer = \"status\"\ncode = 400"),
    ("HTTP 410", "answer = \"status\"\ncode = 410"),
    ("row gone", "on = \"deploy\"\nanswer = \"status\"\ncode = 404"),
];
/// From here on the answers are whole.
const WHOLE: usize = PASSING.len() - 2;
const LAGGING: usize = PASSING.len() - 1;
const ON: [&str; 9] = ["any", "any", "latest", "deploy", "deploy", "deploys", "workflow", "logs", "cli-config"];
/// Where a refusal says nothing of the workflow: without it the status alone counts, and a script cannot tell the end.
const ON_FOR_REFUSALS: [&str; 5] = ["latest", "deploy", "deploys", "install", "component"];

/// Up to three faults, each of which strikes a few of the requests.
pub(crate) fn some(rng: &mut Rng) -> Trouble {
    let mut trouble = Trouble::default();
    for _ in 0..rng.u8(1..4) {
        let refuses = rng.u8(..8) == 0;
        let (name, fault) = match (refuses, rng.u8(..5)) {
            (true, _) => pick(rng, &REFUSING),
            (false, 0) => PASSING[LAGGING],
            (false, _) => pick(rng, &PASSING),
        };
        let on = match (name, refuses) {
            ("row gone", _) => String::new(),
            (_, true) => format!("on = \"{}\"\n", pick(rng, &ON_FOR_REFUSALS)),
            (_, false) => format!("on = \"{}\"\n", pick(rng, &ON)),
        };
        let nth = match name {
            "row gone" => format!("nth = {:?}\n", (rng.u32(2..8)..200).collect::<Vec<_>>()),
            // These last for a while.
            "lagging replica" | "clock behind" => {
                let from = rng.u32(1..15);
                format!("nth = {:?}\n", (from..from + rng.u32(1..15)).collect::<Vec<_>>())
            }
            // These take time.
            "hang" | "slow drip" | "17 MiB" => format!("nth = {:?}\n", [rng.u32(1..12)]),
            _ => format!("nth = {:?}\n", (0..rng.u32(1..9)).map(|_| rng.u32(1..30)).collect::<Vec<_>>()),
        };
        trouble.script += &format!("[[fault]]\n{on}{nth}{fault}\n");
        trouble.names.push(name);
        trouble.may_refuse |= refuses;
    }
    trouble
}

/// An API that gives no good answer at all.
pub(crate) fn without_end(rng: &mut Rng) -> Trouble {
    let (name, fault) = PASSING[rng.usize(..WHOLE)];
    Trouble { script: format!("[[fault]]\n{fault}\n"), names: vec![name], may_refuse: false }
}
