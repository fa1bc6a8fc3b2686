//! Component health: passes, failures and unknown health with `--require-healthy`, and what may not be asked without.
//!
//! The deploy ends 60 seconds after it was created. Times of health are seconds since then, too.

use serde_json::json;

use super::*;

const COMPONENT: &str = "/v1/installs/inl1/components/cmp1";
const RESOURCES: &str = "/v1/installs/inl1/resources?install_component_id=inc1&limit=100";

/// The question, with a bake of that many seconds.
fn requiring(bake: u64) -> Question {
    question(|own| own.healthy_for_ms = Some(bake * 1_000))
}

/// The component with the server's word, and since when.
fn told(word: &str, since: i64) -> Value {
    let status = json!({"status": word, "created_at_ts": 1_785_765_600 + since});
    json!({"id": "inc1", "install_id": "inl1", "component_id": "cmp1", "health_status_v2": status})
}

/// An object, and when it was observed.
fn object(health: &str, second: i64) -> Value {
    json!({
        "install_id": "inl1", "install_component_id": "inc1", "provider": "kubernetes", "kind": "Deployment", "name": "api",
        "health": health, "observed_at": clock(second),
    })
}

fn of_provider(provider: &str, health: &str, second: i64) -> Value {
    with(&object(health, second), "provider", json!(provider))
}

impl Tape {
    /// Adds a poll in which the deploy has passed, with both answers about health.
    fn seen(self, at: u64, word: Answer, objects: Answer) -> Self {
        self.poll(at, &row("active", 60), &proof()).ask(at + 300, COMPONENT, word).ask(at + 400, RESOURCES, objects)
    }

    /// Adds a poll with a word since a second, and one object with its health as observed at another.
    fn health(self, at: u64, (word, since): (&str, i64), (health, second): (&str, i64)) -> Self {
        self.seen(at, ok(&told(word, since)), ok(&json!([object(health, second)])))
    }
}

/// Returns polls of a plainly healthy component, this many milliseconds apart.
fn healthy(count: u64, apart: u64) -> Tape {
    (0..count).fold(Tape::default(), |tape, index| {
        let second = 180 + i64::try_from(index * apart / 1_000).unwrap();
        let objects = dated(&json!([object("healthy", second - 10)]), second);
        tape.seen(index * apart, ok(&told("healthy", 0)), objects)
    })
}

#[test]
fn a_pass_needs_health_observed_since_the_deploy() {
    let first = |second: i64| Tape::default().health(0, ("healthy", 0), ("healthy", second));
    let then = |tape: Tape, second: i64| tape.health(3_000, ("healthy", 0), ("healthy", second));
    let empty = Tape::default().seen(0, ok(&told("healthy", 0)), ok(&json!([])));
    let word = |word: Value| Tape::default().seen(0, ok(&word), ok(&json!([object("healthy", 170)])));
    let objects = |all: Value| Tape::default().seen(0, ok(&told("healthy", 0)), ok(&all));
    let beside = |other: Value| objects(json!([object("healthy", 170), other]));
    let removed = with(&object("unhealthy", 170), "removed_from_config", json!(true));
    let foreign = with(&object("healthy", 170), "install_component_id", json!("inc2"));
    let unread = Tape::default().poll(0, &row("active", 60), &proof());
    let earlier = first(170).poll(6_000, &row("active", 60), &proof());
    let torn = with(&row("inactive", 60), "install_deploy_type", json!("teardown"));
    let aged =
        |now: i64| Tape::default().seen(0, ok(&told("healthy", 0)), dated(&json!([object("healthy", 170)]), now));
    let renewed = |now: i64| {
        let objects = |second: i64| dated(&json!([object("healthy", second)]), now);
        let tape = Tape::default().seen(0, ok(&told("healthy", 0)), objects(100));
        tape.seen(3_000, ok(&told("healthy", 0)), objects(170))
    };
    let (none, unread_text) = ("no answer shows a healthy component", "was not read");
    let passed = |name, tape, at, part| (name, requiring(0), tape, end("passed", at), part);
    check(vec![
        passed("much later than the deploy", first(170), 450, ""),
        passed("newer than at the first poll", then(first(30), 90), 3_450, ""),
        passed("not much later", first(110), 450, none),
        passed("the same as at the first poll", then(first(30), 30), 3_450, none),
        passed("the first one, made since", then(empty.clone(), 70), 3_450, ""),
        passed("the first one, from before", then(empty.clone(), 50), 3_450, none),
        passed("nothing", empty, 450, none),
        passed("not asked", unread, 250, unread_text),
        passed("asked too early", earlier, 6_250, "not read in the last poll"),
        passed("no word", word(with(&told("healthy", 0), "health_status_v2", Value::Null)), 450, none),
        passed("an unknown word", word(told("fine", 0)), 450, none),
        passed("unknown", word(told("unknown", 0)), 450, none),
        passed("progressing", word(told("progressing", 0)), 450, none),
        passed("unhealthy", word(told("unhealthy", 0)), 450, none),
        passed("another's word", word(with(&told("healthy", 0), "component_id", json!("cmp2"))), 450, unread_text),
        passed("another install's word", word(with(&told("healthy", 0), "install_id", json!("i2"))), 450, unread_text),
        passed("another's objects", objects(json!([foreign])), 450, unread_text),
        passed("one object is not", beside(object("degraded", 170)), 450, none),
        passed("one object rolls out", beside(object("progressing", 170)), 450, none),
        passed("one object cannot be assessed", beside(object("unknown", 170)), 450, ""),
        passed("none can be assessed", objects(json!([object("unknown", 170)])), 450, none),
        passed("an inventory", objects(json!([of_provider("aws", "healthy", 170)])), 450, none),
        passed("a probe that is no longer checked", beside(removed), 450, ""),
        passed("a pushed check is not", beside(of_provider("custom", "degraded", 70)), 450, none),
        passed("a pushed check was not", beside(of_provider("custom", "degraded", 50)), 450, ""),
        passed("only a pushed check", objects(json!([of_provider("custom", "healthy", 170)])), 450, ""),
        passed(
            "a pushed check does not observe",
            objects(json!([of_provider("custom", "healthy", 170), object("healthy", 50)])),
            450,
            none,
        ),
        passed("old", aged(321), 450, "the last observation of its component is too old"),
        passed("not so old", aged(320), 450, ""),
        passed("old, by a clock that is wrong", renewed(600), 3_450, ""),
        passed("a teardown", Tape::default().poll(0, &torn, &proof()), 250, ""),
    ]);
}

#[test]
fn a_pass_needs_health_for_the_whole_bake() {
    let good = |tape: Tape, at: u64, second: i64| tape.health(at, ("healthy", 0), ("healthy", second));
    let start = || good(Tape::default(), 0, 170);
    let through = |tape: Tape| good(tape, 60_000, 230);
    let told_so = |word: &str| {
        let tape = start().health(30_000, (word, 150), ("healthy", 200));
        tape.health(60_000, ("healthy", 210), ("healthy", 230))
    };
    let shown = |objects: Value| through(start().seen(30_000, ok(&told("healthy", 0)), ok(&objects)));
    let outdated = through(start().health(30_000, ("progressing", -9), ("progressing", 100)));
    let refused = through(start().seen(30_000, refusal(500), Answer::Reset));
    let wordless = with(&told("healthy", 0), "health_status_v2", Value::Null);
    let wordless = through(start().seen(30_000, ok(&wordless), ok(&json!([object("healthy", 200)]))));
    let observed = |second: i64| good(start(), 180_000, second);
    let set_back = Tape::default().health(0, ("progressing", 150), ("progressing", 170));
    let set_back = (1..=3).fold(set_back, |tape, index| good(tape, index * 30_000, 180));
    let (none, short) = ("", "ms of 60000");
    let passed = |name, tape, part| (name, requiring(60), tape, end("passed", 60_450), part);
    check(vec![
        passed("throughout", through(start()), none),
        passed(
            "another bake",
            good(Tape::default().health(0, ("progressing", 0), ("healthy", 170)), 60_000, 230),
            short,
        ),
        ("observed until its end, but for a minute", requiring(180), observed(290), end("passed", 180_450), ""),
        ("not observed for longer", requiring(180), observed(289), end("passed", 180_450), "cover 119000000 us"),
        ("after a clock was set back", requiring(60), set_back, end("passed", 90_450), ""),
        ("not long enough", requiring(60), good(start(), 50_000, 220), end("passed", 50_450), short),
        passed("progressing between", told_so("progressing"), short),
        passed("unhealthy between", told_so("unhealthy"), short),
        passed("unknown between", told_so("unknown"), short),
        passed("no word between", wordless, short),
        passed("an object was not", shown(json!([object("degraded", 200)])), short),
        passed("nothing was observed", shown(json!([])), short),
        passed("an outdated answer between", outdated, none),
        passed("no answer between", refused, none),
    ]);
}

#[test]
fn a_failure_needs_bad_health_since_the_deploy_or_for_long() {
    let seen = |word: (&str, i64), object: (&str, i64)| Tape::default().health(0, word, object);
    let bad = |since: i64| seen(("unhealthy", since), ("unhealthy", 170));
    let turned = seen(("healthy", 0), ("healthy", 30)).health(3_000, ("degraded", 50), ("degraded", 90));
    let outdated = seen(("healthy", 90), ("healthy", 30)).health(3_000, ("degraded", 50), ("degraded", 90));
    let lasting = |count: u64| {
        let tape = seen(("healthy", 90), ("healthy", 30));
        (1..=count).fold(tape, |tape, index| tape.health(index * 16_000, ("degraded", 70), ("degraded", 90)))
    };
    let long = |last: u64| bad(30).health(last, ("unhealthy", 30), ("unhealthy", 200));
    let no = "nothing that was read supports it";
    let failed = |name, tape, at, part| (name, requiring(0), tape, end("failed", at), part);
    check(vec![
        failed("since then", bad(70), 450, ""),
        failed("degraded", seen(("degraded", 70), ("degraded", 170)), 450, ""),
        failed("since the first poll", turned, 3_450, ""),
        failed("from before", bad(30), 450, no),
        failed("from before, for three minutes", long(180_000), 180_450, ""),
        failed("from before, not for so long", long(170_000), 170_450, no),
        failed("from before, by observations of three minutes", seen(("unhealthy", 30), ("unhealthy", 240)), 450, ""),
        failed("not observed since", seen(("unhealthy", 70), ("unhealthy", 70)), 450, no),
        failed("only observed", seen(("healthy", 0), ("unhealthy", 170)), 450, no),
        failed("progressing", seen(("progressing", 70), ("progressing", 170)), 450, no),
        failed("unknown", seen(("unknown", 70), ("unhealthy", 170)), 450, no),
        failed("by an outdated answer", outdated, 3_450, no),
        failed("by answers that stay", lasting(3), 48_450, ""),
        failed("by answers that do not stay", lasting(2), 32_450, no),
        ("not asked for", plain(), bad(70), end("failed", 450), no),
    ]);
}

#[test]
fn unknown_health_is_inconclusive() {
    let over = |count: u64, code: u16| {
        (0..count).fold(Tape::default(), |tape, index| tape.seen(index * 3_000, ok(&told("healthy", 0)), refusal(code)))
    };
    let again =
        over(2, 403).health(6_000, ("healthy", 0), ("healthy", 30)).seen(9_000, ok(&told("x", 0)), refusal(403));
    let unknown = |last: u64| {
        let tape = Tape::default().health(0, ("unknown", 0), ("unknown", 170));
        tape.health(last, ("unknown", 0), ("unknown", 170))
    };
    let known = |count: u64, now: i64| {
        let seen = |tape: Tape, index| {
            let objects = dated(&json!([object("healthy", 200)]), now);
            tape.seen(150_000 + index * 3_000, ok(&told("progressing", 70)), objects)
        };
        (0..count).fold(unknown(10_000), seen).health(300_000, ("unknown", 80), ("unknown", 200))
    };
    let twice = (0..=30).fold(Tape::default().poll(0, &row("active", 60), &proof()), |tape, index| {
        let objects = dated(&json!([object("healthy", 130)]), 180);
        let tape = tape.poll(3_000 + index * 10_000, &row("active", 100), &proof());
        let tape = tape.ask(3_300 + index * 10_000, COMPONENT, ok(&told("healthy", 0)));
        tape.ask(3_400 + index * 10_000, RESOURCES, objects)
    });
    let before = dated(&json!([object("unknown", 170)]), 170);
    let set_back = Tape(Vec::new()).seen(0, ok(&told("unknown", 0)), before);
    let set_back = Tape([set_back.0, known(3, 303).0].concat());
    let no = "is no outage";
    let ended = |name, tape, at, part| (name, requiring(0), tape, end("inconclusive", at), part);
    check(vec![
        ended("off", over(3, 403), 6_450, ""),
        ended("too old", over(3, 404), 6_450, ""),
        ended("twice", over(2, 403), 3_450, no),
        ended("not in a row", again, 9_450, no),
        ended("an error", over(3, 500), 6_450, no),
        ended("unknown for five minutes", unknown(300_000), 300_450, ""),
        ended("unknown for less", unknown(280_000), 280_450, no),
        ended("passed again, after what was observed or nearly", twice, 303_450, ""),
        ended("known in between", known(3, 303), 300_450, no),
        ended("hardly known in between", known(2, 303), 300_450, ""),
        ended("not observed for too long in between", known(3, 310), 300_450, ""),
        ended("the same, by the clock as it was before it was set back", set_back, 300_450, ""),
        ("not asked for", plain(), Tape::default().poll(0, &row("active", 60), &proof()), end("inconclusive", 250), no),
    ]);
}

#[test]
fn health_that_is_plain() {
    let bad = |count: u64| {
        (0..count)
            .fold(Tape::default(), |tape, index| tape.health(index * 3_000, ("unhealthy", 90), ("unhealthy", 170)))
    };
    let put_back = (0..6).fold(Tape::default(), |tape, index| {
        let created = with(&row("active", 60), "created_at", json!(clock(100)));
        let (word, objects) = (ok(&told("unhealthy", 90)), ok(&json!([object("unhealthy", 170)])));
        let tape = tape.poll(index * 3_000, &created, &proof());
        tape.ask(index * 3_000 + 300, COMPONENT, word).ask(index * 3_000 + 400, RESOURCES, objects)
    });
    let off = |count: u64| {
        (0..count).fold(Tape::default(), |tape, index| tape.seen(index * 3_000, ok(&told("healthy", 0)), refusal(403)))
    };
    let unknown = |count: u64| {
        (0..count).fold(Tape::default(), |tape, index| tape.health(index * 10_000, ("unknown", 0), ("unknown", 170)))
    };
    let refused = |tape: Tape, (at, code)| tape.seen(at, refusal(code), refusal(code));
    let reduced = [(0, 500), (6_000, 500), (12_000, 500), (18_000, 429)].into_iter().fold(Tape::default(), refused);
    let logs = (0..40)
        .fold(reduced, |tape, index| tape.ask(index * 600, "/v1/log-streams/log1/logs?order=asc", ok(&json!([]))));
    let objects = dated(&json!([object("healthy", 190)]), 200);
    let reduced = logs.seen(24_000, ok(&told("healthy", 0)), objects);
    let stall = question(|own| (own.healthy_for_ms, own.stall_timeout_ms) = (Some(60_000), Some(20_000)));
    let interrupted = healthy(4, 3_000).seen(12_000, refusal(500), refusal(500));
    check(vec![
        ("a pass", requiring(0), healthy(3, 3_000), end("passed", 6_450), ""),
        ("a pass, too late", requiring(0), healthy(4, 3_000), end("passed", 9_450), "a pass was plain in 4 polls"),
        ("a pass, known in the last of the polls at a reduced rate", requiring(0), reduced, end("passed", 24_450), ""),
        ("no pass", requiring(0), healthy(2, 3_000), end("timed_out", 600_000), "a pass was plain in 2 polls"),
        ("baking", requiring(60), healthy(4, 3_000), end("timed_out", 600_000), ""),
        ("baked", requiring(5), healthy(25, 3_000), end("timed_out", 600_000), "a pass was plain in 2 polls"),
        ("baked, but for the last observation", requiring(5), healthy(18, 3_000), end("timed_out", 600_000), ""),
        ("not baked", requiring(11), interrupted, end("timed_out", 600_000), ""),
        ("it stalls after that", stall.clone(), healthy(4, 3_000), end("timed_out", 29_450), ""),
        ("nothing stalls while it bakes", stall, healthy(11, 3_000), end("timed_out", 30_450), "no timeout can have"),
        ("bad", requiring(0), bad(3), end("failed", 6_450), ""),
        ("bad, too late", requiring(0), bad(6), end("failed", 15_450), "it is not healthy was plain in 6 polls"),
        ("bad, never said", requiring(0), bad(3), end("timed_out", 600_000), "it is not healthy was plain in 3 polls"),
        ("bad before it was created", requiring(0), put_back, end("timed_out", 600_000), ""),
        ("off", requiring(0), off(5), end("inconclusive", 12_450), ""),
        (
            "off, too late",
            requiring(0),
            off(6),
            end("inconclusive", 15_450),
            "no component health was plain in 6 polls",
        ),
        (
            "off, never said",
            requiring(0),
            off(3),
            end("timed_out", 600_000),
            "no component health was plain in 3 polls",
        ),
        ("unknown", requiring(0), unknown(35), end("timed_out", 600_000), ""),
        ("unknown, too long", requiring(0), unknown(37), end("timed_out", 600_000), "plainly unknown for too long"),
    ]);
}

#[test]
fn health_never_rejects_and_is_not_asked_for_nothing() {
    let refused = |code: u16| Tape::default().seen(0, refusal(code), refusal(code));
    let missing = Tape::default().ask(0, COMPONENT, refusal(404));
    let no = "no answer gives a reason to";
    let rejected = |name, tape, part| (name, requiring(0), tape, end("rejected", 450), part);
    check(vec![
        rejected("400", refused(400), no),
        rejected("401", refused(401), no),
        rejected("404", refused(404), no),
        rejected("no such component", missing, ""),
        ("unasked", plain(), healthy(1, 3_000), end("passed", 450), "without --require-healthy"),
    ]);
}
