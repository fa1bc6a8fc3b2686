//! The documentation's samples of real output.

use std::path::PathBuf;
use std::process::{Command, Output};

use nuon_gate_sim::{Script, Sim};

use crate::check_page;
use crate::pages::root;

/// Runs the program with only these variables.
fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nuon-gate"));
    command.args(arguments).env_clear().envs(variables.iter().copied()).output().unwrap()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_explanation_is_what_the_program_prints() {
    let printed = text(run(&["explain"], &[]).stdout);
    check_page("docs/judging.md", "explain", &format!("```console\n$ nuon-gate explain\n{printed}```\n"));
}

/// Returns the texts of a picture.
fn shown(picture: &str) -> Vec<String> {
    let svg = std::fs::read_to_string(root().join("docs").join(picture)).unwrap();
    let texts =
        svg.split("<text ").skip(1).map(|rest| rest.split_once('>').unwrap().1.split("</text>").next().unwrap());
    texts.map(timeless).filter(|text| !text.is_empty()).collect()
}

/// Returns a text without its tags, with character references decoded, every number replaced by 0 and no unit below a
/// second, because times differ from run to run.
fn timeless(text: &str) -> String {
    let (mut plain, mut in_tag) = (String::new(), false);
    for c in text.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => in_tag = false,
            _ if in_tag => {}
            c => plain.push(c),
        }
    }
    let mut timeless = String::new();
    for c in unescaped(&plain).chars().filter(|c| !c.is_whitespace() && *c != '\u{200b}') {
        match c {
            c if !c.is_ascii_digit() => timeless.push(c),
            _ if timeless.ends_with('0') => {}
            _ => timeless.push('0'),
        }
    }
    timeless.replace("0ms", "0s")
}

/// Decodes character references.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(';').unwrap_or((part, ""));
        let number = name.strip_prefix("#x").map(|hex| u32::from_str_radix(hex, 16));
        let number = number.or_else(|| name.strip_prefix('#').map(str::parse));
        let sign = match (name, number) {
            (_, Some(number)) => char::from_u32(number.unwrap()).unwrap(),
            ("lt", _) => '<',
            ("gt", _) => '>',
            ("quot", _) => '"',
            ("amp", _) => '&',
            _ => panic!("&{name};"),
        };
        plain.push(sign);
        plain.push_str(rest);
    }
    plain
}

/// Serves a script of the pictures. Returns it with the variables for a wait.
fn serve(script: &str) -> (Sim, [(&'static str, String); 3]) {
    let script = std::fs::read_to_string(root().join("scripts").join(script)).unwrap();
    let sim = Sim::start(script.parse::<Script>().unwrap(), ([127, 0, 0, 1], 0).into()).unwrap();
    let access = [
        ("NUON_API_URL", sim.url()),
        ("NUON_API_TOKEN", "simulated-token".to_owned()),
        ("NUON_ORG_ID", "orgsimulated00000000000000".to_owned()),
    ];
    (sim, access)
}

/// Waits as `scripts/picture` does.
fn wait(targets: &[&str], variables: &[(&str, &str)]) -> Output {
    let pace = ["--min-interval", "200ms", "--max-interval", "500ms", "--timeout", "1m"];
    run(&[&["wait"], targets, &pace].concat(), variables)
}

#[test]
fn the_pictures_of_the_terminal_show_what_is_printed() {
    let (_sim, access) = serve("terminal.toml");
    let access = access.each_ref().map(|(name, value)| (*name, value.as_str()));
    for (component, picture, code) in [("api", "pass.svg", 0), ("database", "fail.svg", 1)] {
        let targets = ["--install", "acme", "--component", component, "--commit", "4be1c7d"];
        let Output { stdout, stderr, status } = wait(&targets, &access);
        assert_eq!(status.code(), Some(code));
        let printed: String = [stderr, stdout].map(text).concat();
        assert!(printed.lines().count() <= 12, "more than a reader takes in:\n{printed}");
        let printed = timeless(&printed.replace('&', "&amp;").replace('<', "&lt;"));
        let lines = shown(picture);
        assert!(lines.len() > 8, "{lines:#?}");
        // Long lines are wrapped. The shell's own lines are not the program's.
        for line in lines.iter().filter(|line| !line.starts_with('$') && *line != "exit0") {
            assert!(printed.contains(line), "scripts/picture is due: `{line}` is not in\n{printed}");
        }
    }
}

#[test]
fn the_picture_of_the_summary_shows_what_is_written() {
    let (_sim, access) = serve("summary.toml");
    let summary = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("summary-{}.md", std::process::id()));
    std::fs::write(&summary, "").unwrap();
    let mut variables: Vec<_> = access.iter().map(|(name, value)| (*name, value.as_str())).collect();
    variables.extend([("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap())]);
    let targets = ["--install", "acme-production", "--all-components", "--commit", "4be1c7d09f5a"];
    let Output { stderr, status, .. } = wait(&targets, &variables);
    assert_eq!(status.code(), Some(1), "{}", text(stderr));
    let written = std::fs::read_to_string(&summary).unwrap();
    std::fs::remove_file(summary).unwrap();
    let drawn = shown("summary.svg");
    assert!(drawn.len() > 20, "{drawn:#?}");
    let written = timeless(&written.replace("**", ""));
    // The first one is the picture's own title.
    for words in &drawn[1..] {
        assert!(written.contains(words), "scripts/picture is due: `{words}` is not in\n{written}");
    }
}
