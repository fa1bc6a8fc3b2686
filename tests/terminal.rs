//! The program at a real terminal: keys, job control of the shell, and what stays on the screen.

use crate::support::{API, ENDLESS, Gate, INSTALL, WORKER, access, component, serve, serve_deploy};

const FAILING: &str = r#"{ status = "executing", polls = 3 }, { status = "error", error = "quota exceeded" }"#;

/// Returns whether the picture shows the state of the run, over as many rows as it takes.
fn is_executing(lines: &[String]) -> bool {
    let picture = &lines[lines.len().saturating_sub(6)..];
    picture.iter().any(|line| line.starts_with("* ") && line.contains("  executing "))
        && picture.iter().any(|line| line.ends_with(" of 60m"))
}

/// Returns how many of the lines belong to a picture.
fn pictures(lines: &[String]) -> usize {
    lines.iter().filter(|line| line.starts_with("* ") || line.contains("waiting for the deploy")).count()
}

#[test]
fn ctrl_c_leaves_lines_alone() {
    let sim = serve_deploy(ENDLESS);
    for columns in [40, 80, 120, 200] {
        let mut terminal =
            Gate::wait(&sim).args(["-v", "--min-interval", "100ms", "--max-interval", "1s"]).at_terminal(columns);
        terminal.wait_for("no picture", is_executing);
        terminal.type_in("\u{3}");
        let (code, lines) = terminal.end();
        assert_eq!((code, pictures(&lines)), (130, 0), "{lines:#?}");
        assert!(lines.iter().all(|line| !line.contains("^C")), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("GET ")), "{lines:#?}");
        let verdicts = lines.iter().filter(|line| line.contains("interrupted by SIGINT")).count();
        assert_eq!(verdicts, 1, "it is said once: {lines:#?}");
    }
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_goes_on() {
    let sim = serve_deploy(ENDLESS);
    let mut terminal = Gate::wait(&sim).in_a_shell(80);
    terminal.wait_for("no picture", is_executing);
    terminal.type_in("\u{1a}");
    let lines = terminal.wait_for("not stopped", |lines| lines.iter().any(|line| line.contains("Stopped")));
    assert_eq!(pictures(&lines), 0, "{lines:#?}");
    terminal.type_in("fg\r");
    let lines = terminal.wait_for("not going on", is_executing);
    assert_eq!(pictures(&lines), 1, "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("Stopped")), "{lines:#?}");
    terminal.type_in("\u{3}");
    terminal.wait_for("not ended", |lines| lines.iter().any(|line| line.contains("interrupted by SIGINT")));
    terminal.type_in("exit\r");
    assert_eq!(pictures(&terminal.end().1), 0);
}

#[test]
fn in_the_background_there_are_only_lines() {
    let sim = serve_deploy(r#"{ status = "queued" }, { status = "executing", polls = 80 }, { status = "active" }"#);
    let mut terminal = Gate::wait(&sim).in_a_shell(80);
    terminal.wait_for("no picture", is_executing);
    terminal.type_in("\u{1a}");
    terminal.wait_for("not stopped", |lines| lines.iter().any(|line| line.contains("Stopped")));
    terminal.type_in("bg\r");
    let is_reported = |lines: &[String]| lines.iter().any(|line| line.contains("executing → active"));
    let lines = terminal.wait_for("not going on", is_reported);
    assert_eq!(pictures(&lines), 0, "{lines:#?}");
    terminal.type_in("wait\rexit\r");
    let (code, lines) = terminal.end();
    assert_eq!((code, pictures(&lines)), (0, 0), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("✅ passed after ")), "{lines:#?}");
}

#[test]
fn another_size_leaves_one_picture() {
    let sim = serve_deploy(ENDLESS);
    let mut terminal = Gate::wait(&sim).at_terminal(120);
    terminal.wait_for("no picture", is_executing);
    for columns in [40, 200, 80] {
        terminal.resize(columns);
        terminal.wait_for("not one picture", |lines| is_executing(lines) && pictures(lines) == 1);
    }
    terminal.type_in("\u{3}");
    assert_eq!(terminal.end().0, 130);
}

#[test]
fn the_steps_of_the_workflow_are_shown() {
    let sim = serve_deploy(ENDLESS);
    let mut terminal = Gate::wait(&sim).at_terminal(80);
    let is_step = |line: &String| line.starts_with("  * deploy api");
    let lines = terminal.wait_for("no step", |lines| is_executing(lines) && lines.iter().any(is_step));
    assert!(lines.contains(&"  ✓ await runner healthy".to_owned()), "{lines:#?}");
    terminal.type_in("\u{3}");
    let (_, lines) = terminal.end();
    assert!(!lines.iter().any(is_step), "{lines:#?}");
}

#[test]
fn a_component_that_bakes_is_seen_to_bake() {
    let passing = component(API, r#"{ status = "active" }"#);
    let observed = r#"observed = [{ health = "healthy" }]"#;
    let sim =
        serve(&(access() + &passing.replace("[[component.deploy]]", &format!("{observed}\n[[component.deploy]]"))));
    let mut terminal = Gate::wait(&sim).args(["--require-healthy", "--bake", "5m"]).at_terminal(80);
    let row = |line: &String| line == "  waiting for health: healthy for 2s of 5m";
    terminal.wait_for("no progress", |lines| lines.iter().any(row));
    terminal.type_in("\u{3}");
    assert_eq!(terminal.end().0, 130);
}

#[test]
fn the_verdict_is_said_once() {
    for quiet in [&[][..], &["--quiet"]] {
        let (code, lines) = Gate::wait(&serve_deploy(FAILING)).args(quiet).at_terminal(80).end();
        let verdicts: Vec<&String> = lines.iter().filter(|line| line.contains("quota exceeded")).collect();
        assert_eq!((code, verdicts), (1, vec![&"❌ failed: quota exceeded".to_owned()]), "{lines:#?}");
    }
    let (code, lines) = Gate::wait(&serve_deploy(r#"{ status = "active" }"#)).at_terminal(80).end();
    let verdicts: Vec<&String> = lines.iter().filter(|line| line.contains("passed")).collect();
    assert_eq!((code, verdicts.len()), (0, 1), "{lines:#?}");
    assert!(verdicts[0].starts_with("✅ passed after "), "{lines:#?}");
}

#[test]
fn a_refusal_stands_alone() {
    let sim = serve_deploy(r#"{ status = "active" }"#);
    let (code, lines) = Gate::wait(&sim).args(["--on-stale", "fail"]).at_terminal(80).end();
    assert_eq!((code, pictures(&lines)), (2, 0), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("error: ")), "{lines:#?}");
}

#[test]
fn a_table_says_what_did_not_pass() {
    let script = access() + &component(API, FAILING) + &component(WORKER, ENDLESS);
    let targets = ["--component", WORKER, "--timeout", "2s"];
    let (code, lines) = Gate::wait(&serve(&script)).args(targets).at_terminal(120).end();
    assert_eq!((code, pictures(&lines)), (1, 0), "{lines:#?}");
    let at = lines.iter().position(|line| line == "2 of 2 did not pass").unwrap_or_else(|| panic!("{lines:#?}"));
    let [failed, timed_out, last] = &lines[at + 1..] else { panic!("{lines:#?}") };
    assert!(failed.starts_with("✗ ") && failed.ends_with("  failed     error         quota exceeded"), "{failed}");
    assert!(timed_out.contains("  timed out  executing "), "{timed_out}");
    assert!(last.starts_with("failed: "), "{last}");
}

#[test]
fn nothing_is_painted_where_nobody_watches() {
    let sim = serve_deploy(FAILING);
    for (name, value) in [("GITHUB_ACTIONS", "true"), ("CI", "true"), ("TERM", "dumb")] {
        let (code, written) = Gate::wait(&sim).env(name, value).at_terminal(80).end_with_bytes();
        assert_eq!(code, 1);
        assert!(!written.contains("\u{1b}[K") && !written.contains("\u{1b}[J"), "{name}: {written:?}");
        assert!(written.contains("❌ failed: quota exceeded"), "{name}: {written:?}");
    }
    let target = ["--install", INSTALL, "--component", API];
    let once = Gate::at(&sim.url(), "status").args(target).at_terminal(80).end_with_bytes().1;
    assert!(!once.contains("\u{1b}[K"), "{once:?}");
    let sim = serve_deploy(ENDLESS);
    let mut terminal = Gate::wait(&sim).at_terminal(80);
    terminal.wait_for("no picture", is_executing);
    terminal.type_in("\u{3}");
    let shown = terminal.end_with_bytes().1;
    assert!(shown.contains("\u{1b}[K"), "{shown:?}");
}
