//! Every small input file: in the forms in which editors and shells write them, bounded, and with a reason if it cannot
//! be read.

use crate::support::{API, Folder, Gate, INSTALL, ORG, PASSING, TOKEN, one_deploy, serve_deploy};

/// A text as programs on other systems write it.
fn forms(text: &str) -> Vec<Vec<u8>> {
    let windows = text.replace('\n', "\r\n") + "\r\n";
    let marked = format!("\u{feff}{windows}");
    let wide = |bytes: fn(u16) -> [u8; 2]| marked.encode_utf16().flat_map(bytes).collect();
    vec![
        text.as_bytes().to_vec(),
        format!("{text}\n\n").into_bytes(),
        windows.into_bytes(),
        marked.clone().into_bytes(),
        wide(u16::to_le_bytes),
        wide(u16::to_be_bytes),
    ]
}

/// Waits with a file named by a flag. All other settings are valid.
fn with_file(flag: &str, content: &[u8]) -> (i32, String) {
    let sim = serve_deploy(PASSING);
    let folder = Folder::new();
    let path = folder.write("input", content);
    let gate = Gate::bare("wait").env("NUON_GATE_MIN_INTERVAL", "2ms").env("NUON_GATE_MAX_INTERVAL", "10ms");
    let gate = gate.env("NUON_API_URL", sim.url()).env("NUON_ORG_ID", ORG).args(["--timeout", "20s"]);
    let gate = match flag {
        "--token-file" | "--config" => gate,
        _ => gate.env("NUON_API_TOKEN", TOKEN),
    };
    let gate = match flag {
        "--targets-file" => gate,
        _ => gate.args(["--install", INSTALL, "--component", API]),
    };
    let outcome = gate.args([flag]).args([path]).run();
    (outcome.code, outcome.stderr)
}

#[test]
fn files_are_read_in_every_form() {
    let texts = [
        ("--token-file", TOKEN.to_owned()),
        ("--token-file", format!("Bearer {TOKEN}")),
        ("--config", format!("api_token: {TOKEN}")),
        ("--targets-file", format!("# all\n{INSTALL}/{API} # the one")),
        ("--trigger-response", r#"{"id": "dpl1api0000000000000000000"}"#.to_owned()),
        (
            "--after",
            format!(
                r#"{{"schema": 1, "targets": [{{"install": "{INSTALL}", "component": "{API}", "deploy_id": null,
                "created_at": null, "server_time": "2020-01-01T00:00:00Z"}}]}}"#
            ),
        ),
    ];
    for (flag, text) in texts {
        for form in forms(&text) {
            let (code, stderr) = with_file(flag, &form);
            assert_eq!(code, 0, "{flag} {form:?}:\n{stderr}");
        }
    }
}

#[test]
fn what_is_wrong_in_a_file_is_said_with_its_place() {
    let all = ["--token-file", "--config", "--targets-file", "--trigger-response", "--after", "--ca-file"];
    for flag in all {
        let (code, stderr) = with_file(flag, b"hunter2\n\xff\xff\xff");
        assert_eq!(code, 2, "{flag}:\n{stderr}");
        // The text around certificates may be in any encoding.
        let why = if flag == "--ca-file" { "it holds no certificates" } else { "line 2 is not text" };
        assert!(stderr.contains(why) && stderr.contains(flag), "{flag}:\n{stderr}");
        assert!(!stderr.contains("hunter2"), "{flag}:\n{stderr}");
        let (code, stderr) = with_file(flag, &vec![b' '; 17 << 20]);
        assert_eq!(code, 2, "{flag}:\n{stderr}");
        assert!(stderr.contains("it is larger than") && stderr.contains(flag), "{flag}:\n{stderr}");
    }
    let tokens: [(&[u8], &str); 5] = [
        (b"hunter2\nhunter3", "a line break at character 8"),
        (b"hunter2 hunter3", "a blank at character 8"),
        ("hunter2\u{200b}".as_bytes(), "an invisible character at character 8"),
        ("hunt\u{e9}r2".as_bytes(), "a character that is not ASCII at character 5"),
        (b"\r\n", "the token is empty"),
    ];
    for (content, words) in tokens {
        let (code, stderr) = with_file("--token-file", content);
        assert!(code == 2 && stderr.contains(words) && !stderr.contains("hunt"), "{code}:\n{stderr}");
    }
}

#[test]
fn a_folder_in_the_place_of_a_file_is_called_one() {
    let sim = serve_deploy(PASSING);
    for flag in ["--token-file", "--config", "--targets-file", "--trigger-response", "--after", "--ca-file"] {
        for name in ["marks", "./marks"] {
            let gate = Gate::wait(&sim);
            std::fs::create_dir(gate.home().file("marks")).unwrap();
            gate.args([flag, name]).run().refused().says(&format!("{name}: it is a folder")).says(flag);
        }
    }
}

#[test]
fn a_token_in_the_place_of_a_path_is_not_shown() {
    let sim = serve_deploy(PASSING);
    let jwt = ["eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9", &"eyJzdWIiOiJ4In0".repeat(6), "c2lnbmF0dXJl"].join(".");
    let files = ["--token-file", "--ca-file", "--config", "--trigger-response", "--targets-file"];
    let all = [&files[..], &["--after"]].concat();
    let tokens = [
        ("s3cret-t0ken", &files[..1]),
        ("s3cret/t0ken+with==", &files[..1]),
        ("nuon_Zx8Tq2LmP0aY7Rk3Wn5Vb1Cd9Ef4Gh6", &files),
        (&jwt, &all),
    ];
    for (token, flags) in tokens {
        for flag in flags {
            let outcome = Gate::wait(&sim).args([*flag, token]).run().exits(2);
            let shown = outcome.stdout + &outcome.stderr;
            assert!(!shown.contains(token) && shown.contains(flag), "{flag}: {shown}");
        }
    }
}

#[test]
fn other_files_are_read_by_the_same_reader() {
    let folder = Folder::new();
    let result = folder.file("result.json");
    let sim = serve_deploy(PASSING);
    Gate::wait(&sim).args(["--report", &format!("json={}", result.display())]).run().exits(0);
    let text = std::fs::read_to_string(&result).unwrap();
    for form in forms(&text) {
        let saved = folder.write("saved", form);
        let hook = "https://hooks.slack.example/services/T0/B0/s3cr3ts3cr3t";
        let gate = Gate::bare("notify").args(["render", "--result"]).args([saved]);
        gate.env("NUON_GATE_SLACK_WEBHOOK_URL", hook).run().exits(0);
    }
    for form in forms(r#"{"text": {{ verdict }}}"#) {
        let template = folder.write("template", form);
        let gate = Gate::bare("notify").args(["render", "--result"]).args([&result]);
        let gate = gate.env("NUON_GATE_WEBHOOK_URL", "https://hooks.example/x");
        gate.env("NUON_GATE_WEBHOOK_TEMPLATE", template).run().exits(0);
    }
    for form in forms(&one_deploy(PASSING)) {
        let script = folder.write("script", form);
        let mut sim = Gate::bare("sim").args(["--script"]).args([script]).start();
        assert!(sim.first_line().starts_with("http://127.0.0.1:"));
    }
    let script = folder.write("script", b"\n\xff\xff");
    Gate::bare("sim").args(["--script"]).args([script]).run().exits(2).says("line 2 is not text");
}
