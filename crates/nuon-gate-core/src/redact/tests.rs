use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;
use crate::{DeployId, Line, RemoteText};

/// The form of every secret that a run can hold.
const SECRETS: [&str; 6] = [
    "eyJhbGciOi.Re+da/ct_-1.c2ln",
    "https://hooks.redact.example/services/T0REDACT/B0REDACT/rEdAcT1rEdAcT2rEdAcT3xyz",
    "https://redact.example/invoke?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual&sig=R3dact-R3dact_R3dact~R3",
    "whsec_UmVkYWN0UmVkYWN0UmVkYWN0UmVkYWN0/+==",
    "user:pa##ss & \"w0rd\" of redact",
    "xoxb-redact-0123456789",
];

/// How a server, a proxy or a log can encode a text.
fn encoded(secret: &str, by: usize) -> String {
    let percent = |all: bool, upper: bool| {
        let byte = |byte: u8| match byte.is_ascii_alphanumeric() && !all {
            true => char::from(byte).to_string(),
            false if upper => format!("%{byte:02X}"),
            false => format!("%{byte:02x}"),
        };
        secret.bytes().map(byte).collect::<String>()
    };
    match by {
        0 => secret.to_owned(),
        1 => percent(false, true),
        2 => percent(false, false),
        3 => percent(true, true),
        4 => STANDARD.encode(secret),
        5 => STANDARD_NO_PAD.encode(secret),
        6 => URL_SAFE.encode(secret),
        7 => URL_SAFE_NO_PAD.encode(secret),
        8 => STANDARD.encode(format!("user:{secret}")),
        9 => URL_SAFE_NO_PAD.encode(format!("token:{secret}@")),
        10 => secret.replace('\\', "\\\\").replace('/', "\\/").replace('"', "\\\"").replace('&', "\\u0026"),
        11 => secret.chars().map(|c| format!("\\u{:04X}", u32::from(c))).collect(),
        12 => secret.replace('&', "&amp;").replace('/', "&#x2F;").replace('"', "&#34;"),
        13 => secret.to_ascii_uppercase(),
        14 => STANDARD.encode(secret).as_bytes().chunks(7).map(|row| String::from_utf8_lossy(row) + "\r\n").collect(),
        15 => secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
        16 => secret.bytes().map(|byte| format!("{byte:02X} ")).collect(),
        17 => secret.bytes().map(|byte| format!("={byte:02X}")).collect(),
        18 => quoted_printable(secret, 7),
        19 => secret.bytes().map(|byte| format!("\\{byte:03o}")).collect(),
        20 => secret
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_string() } else { format!("\\{:03o}", u32::from(c)) })
            .collect(),
        21 => secret.chars().map(|c| format!("&#{};", u32::from(c))).collect(),
        22 => secret.chars().map(|c| format!("&#x{:x};", u32::from(c))).collect(),
        23 => secret.chars().map(|c| format!("&#{:07};", u32::from(c))).collect(),
        24 => secret.chars().map(|c| format!("\\u{{{:x}}}", u32::from(c))).collect(),
        25 => STANDARD.encode(STANDARD.encode(secret)),
        26 => URL_SAFE_NO_PAD.encode(URL_SAFE_NO_PAD.encode(secret)),
        27 => STANDARD.encode(format!("basic {}", URL_SAFE.encode(format!("user:{secret}")))),
        28 => secret.chars().map(wide).collect(),
        29 => secret.chars().enumerate().map(|(at, c)| if at % 2 == 0 { wide(c) } else { c }).collect(),
        30 => quoted_printable(&secret.replace('&', "&amp;").replace('/', "&#47;"), 60),
        31 => quoted_printable(&STANDARD.encode(secret), 20),
        32 => format!("{:?}", secret.as_bytes()),
        33 => secret.bytes().map(|byte| format!("{byte} ")).collect(),
        34 => secret.bytes().map(|byte| format!("{byte:02X}-")).collect(),
        35 => secret.bytes().map(|byte| format!("{byte:02x}:")).collect(),
        36 => secret.bytes().map(|byte| format!("0x{byte:02x}, ")).collect(),
        37 => format!("{:02x?}", secret.as_bytes()),
        38 => secret.chars().rev().collect(),
        39 => base32(secret),
        40 => secret.chars().map(|c| format!("\\U{:08X}", u32::from(c))).collect(),
        41 => secret.chars().map(|c| format!("&#{:012};", u32::from(c))).collect(),
        42 => secret.bytes().map(|byte| format!("\\{byte:o}")).collect(),
        43 => secret
            .bytes()
            .map(|byte| if byte < 64 { format!("\\{byte:o}\n") } else { char::from(byte).into() })
            .collect(),
        44 => STANDARD.encode(utf16(secret)),
        45 => URL_SAFE_NO_PAD.encode(utf16(&format!("$token = '{secret}'"))),
        46 => STANDARD.encode(secret.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>()),
        47 => secret.chars().map(|c| format!("&#{}", u32::from(c))).collect(),
        48 => secret.replace('&', "&amp;").replace('/', "&sol;").replace('+', "&plus;").replace('=', "&equals;"),
        49 => secret.bytes().map(|byte| format!("{byte}; ")).collect(),
        50 => secret.bytes().map(|byte| format!("{byte}.")).collect(),
        51 => secret.bytes().map(|byte| format!("{byte}u8, ")).collect(),
        52 => secret.bytes().map(|byte| format!("{byte:03o} ")).collect(),
        53 => secret.bytes().map(|byte| format!("{byte:02x}.")).collect(),
        54 => secret.bytes().map(|byte| format!("{byte:02x}_")).collect(),
        55 => utf16(secret).iter().map(|byte| format!("{byte:02x}")).collect(),
        _ => serde_json::to_string(&serde_json::json!(secret)).unwrap(),
    }
}

/// How many encodings there are.
const ENCODINGS: usize = 57;

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn base32(text: &str) -> String {
    let bits: Vec<u8> = text.bytes().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let letter = |bits: &[u8]| {
        let number = (0..5).fold(0, |number, at| number * 2 + bits.get(at).unwrap_or(&0));
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[usize::from(number)])
    };
    bits.chunks(5).map(letter).collect::<String>() + "===="
}

/// Writes a text as a mail does, in rows of so many characters or a few more.
fn quoted_printable(text: &str, row: usize) -> String {
    let mut written = String::new();
    for c in text.chars() {
        if written.len() - written.rfind('\n').unwrap_or(0) > row {
            written += "=\r\n";
        }
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '/' | ':' => written.push(c),
            _ => written += &format!("={:02X}", u32::from(c)),
        }
    }
    written
}

/// Returns the form that a sign has between Chinese ones.
fn wide(c: char) -> char {
    if c.is_ascii_graphic() { char::from_u32(u32::from(c) - 0x21 + 0xff01).unwrap() } else { c }
}

fn protect_all() {
    SECRETS.iter().for_each(|secret| protect(secret));
}

#[track_caller]
fn shows_nothing_of(secret: &str, encoded: &str, line: &Line) {
    // Undoes, as a reader could, every encoding of a line.
    for reading in readings(line.plain()).into_iter().map(Folded::into_bytes) {
        for form in forms(secret) {
            assert!(!reading.windows(form.len()).any(|part| part == *form), "{encoded:?} left {line:?}");
        }
    }
    assert!(!line.plain().contains(encoded.trim()), "{encoded:?} left {line:?}");
    assert!(line.plain().contains(REDACTED), "{encoded:?} left {line:?}");
}

#[test]
fn no_encoding_hides_a_secret() {
    protect_all();
    for secret in SECRETS {
        for by in 0..ENCODINGS {
            let encoded = encoded(secret, by);
            for text in [encoded.clone(), format!("no route to <{encoded}>, sorry"), format!("x={encoded}&y")] {
                shows_nothing_of(secret, &encoded, &Line::new(&text));
            }
        }
    }
}

#[test]
fn a_secret_is_one_mark_and_what_is_around_it_stays() {
    protect("Surr0unded-secret");
    protect("Surr0unded-secret-and-more");
    protect("ha##sh-secret");
    let cases = [
        ("a Surr0unded-secret b", "a [redacted] b"),
        ("Surr0unded-secret-and-more!", "[redacted]!"),
        ("Surr0unded-secretSurr0unded-secret", "[redacted]"),
        ("Surr0unded-secret Surr0unded-secret", "[redacted] [redacted]"),
        ("é%53urr0unded%2Dsecreté", "é[redacted]é"),
        ("GET /x?t=surr0unded%2dsecret&y=1", "GET /x?t=[redacted]&y=1"),
        ("%A surr0unded%2dsecret", "%A [redacted]"),
        ("Surr0unded-secre", "Surr0unded-secre"),
        ("##Surr0unded-secret", "#[redacted]"),
        ("ha#sh-secret ha####sh-secret", "[redacted] [redacted]"),
    ];
    for (text, line) in cases {
        assert_eq!(Line::new(text), line, "{text:?}");
    }
}

#[test]
fn nothing_in_between_hides_a_secret() {
    protect("interrupted-secret");
    for between in [
        "\u{200b}",
        "\u{1b}[31m",
        "\u{1b}]8;;x\u{7}",
        "\u{1b}(B",
        "\u{1b}\u{1b}[31m",
        "\u{0}",
        "\u{fffd}",
        "\u{2028}",
        "\r\n",
        "%20",
        "\\n",
        "\\u001b[0m",
        "\\u{1b}[1;31m",
        "\\x1b[0m",
        "\\033[0m",
        "\\e[0m",
        "^[[0m",
        "&#27;[0m",
        "%1B[0m",
        "&shy;",
        "&ZeroWidthSpace;",
        "%E2%80%8B",
        "\\xe2\\x80\\x8b",
        "%ff",
        "\u{e000}",
    ] {
        for at in 1..18 {
            let text = format!("<{}{between}{}>", &"interrupted-secret"[..at], &"interrupted-secret"[at..]);
            assert_eq!(Line::new(&text), "<[redacted]>", "{text:?}");
        }
    }
}

#[test]
fn what_is_cut_off_is_searched_before() {
    protect("half-of-a-secret-is-too-much");
    let text = format!("{} half-of-a-secret-is-too-much", "x".repeat(20));
    for max in 22..60 {
        let line = Line::new(&text).cut(max);
        let other = RemoteText::new(&text).line(max);
        assert!(line == other && !line.plain().contains("half"), "{line:?} {other:?}");
    }
    let rows: String = STANDARD
        .encode("half-of-a-secret-is-too-much")
        .as_bytes()
        .chunks(10)
        .fold("log\n".to_owned(), |text, row| text + &String::from_utf8_lossy(row) + "\n");
    let lines: Vec<Line> = RemoteText::new(rows + "end").lines(100).collect();
    assert_eq!(lines[0], "log");
    assert!(lines.len() <= 3 && lines[1].plain().starts_with(REDACTED), "{lines:?}");
}

#[test]
fn ids_and_words_of_servers_show_no_secret() {
    protect("dplsecretsecretsecret");
    let id: DeployId = "dplsecretsecretsecret".parse().unwrap();
    assert_eq!((id.to_string().as_str(), id.as_str()), (REDACTED, "dplsecretsecretsecret"));
    assert_eq!(crate::text::shown("a-dplsecretsecretsecret"), "a-[redacted]");
}

#[test]
fn ordinary_texts_stay_as_they_are() {
    protect_all();
    protect("short");
    for text in [
        "short",
        "deploy of api to production ended on 2016-06-01 with v1.2.3-rc.4+build.5",
        "https://hooks.redact.example/services and https://redact.example/invoke?api-version=2016-06-01",
        "100% of c:\\users\\new, AT&T; %zz \\u12 &#xffffffff; &nbsp; %",
        "a=10 b=\n=3D c:\\101 \\400 \\18 \\u{} \\u{110000} \\u{41 ｆｕｌｌ　ｗｉｄｔｈ＝",
        "inlacme0000000000000000000/cmpapi00000000000000000000",
        "",
    ] {
        assert_eq!(redacted(text), text);
    }
}

#[test]
fn a_secret_is_found_across_every_cut_of_a_long_text() {
    const SECRET: &str = "a-secret-in-a-long-text";
    protect(SECRET);
    let border = PART / 2;
    for begins in [border - 30, border - 5, border, 2 * border - 5] {
        // The text has multi-byte characters, so that a part cannot begin or end anywhere.
        let text = format!("{}{SECRET}{}", "☃".repeat(begins.div_ceil(3)), "ü".repeat(border / 2));
        assert_eq!(redacted(&text).matches(REDACTED).count(), 1, "{begins}");
        assert!(!redacted(&text).contains("secret"), "{begins}");
    }
}

#[test]
fn no_half_of_a_secret_is_left_where_a_long_text_is_cut() {
    const SECRET: &str = "a-secret-that-is-everywhere";
    protect(SECRET);
    for begins in [0, 1, 13, 26] {
        let text = SECRET[begins..].to_owned() + &SECRET.repeat(30_000);
        let (first, last) = (redacted_beginning(&text, 8192), redacted_end(&text, 8192));
        // The start of the first one is unknown.
        assert_eq!(first.strip_prefix(&SECRET[begins..]).unwrap_or(&first).replace(REDACTED, ""), "", "{begins}");
        assert_eq!(last.replace(REDACTED, ""), "", "{begins}");
    }
    let text = format!("{}{SECRET}{}", "x".repeat(8180), "y".repeat(2 * PART));
    assert_eq!(redacted_beginning(&text, 8192), "x".repeat(8180) + REDACTED + "yy");
    assert_eq!(redacted_end(&text, 8192), "y".repeat(8192));
}

#[test]
fn secrets_are_listed_in_their_order_and_once() {
    let before = protected(0).len();
    for secret in [" listed-secret-1\n", "listed-secret-2", "listed-secret-1", "tiny"] {
        protect(secret);
    }
    let listed: Vec<String> = protected(before).into_iter().filter(|secret| secret.starts_with("listed-")).collect();
    assert_eq!(listed, ["listed-secret-1", "listed-secret-2"]);
    assert!(!protected(0).contains(&"tiny".to_owned()));
}

proptest! {
    #[test]
    fn no_line_has_a_secret(
        which in 0..SECRETS.len(),
        by in 0..ENCODINGS,
        before in "[ -~]{0,12}|\\PC{0,6}",
        after in "[ -~]{0,12}|\\PC{0,6}",
    ) {
        protect_all();
        let encoded = encoded(SECRETS[which], by);
        let line = Line::new(format!("{before} {encoded} {after}"));
        shows_nothing_of(SECRETS[which], &encoded, &line);
        // Nothing changes when it is used again.
        prop_assert_eq!(Line::new(line.plain()), line);
    }

    #[test]
    fn a_random_token_is_found_in_base64_wherever_it_stands(token in "[A-Za-z0-9_.-]{16,60}", before in "[ -~]{0,5}") {
        protect(&token);
        let encoded = STANDARD.encode(format!("{before}{token}"));
        let line = Line::new(format!("Basic {encoded} was refused"));
        prop_assert!(line.plain().contains(REDACTED) && line.plain().len() < 40 + encoded.len() / 4, "{line:?}");
    }

    #[test]
    fn any_text_can_be_read(text in "(\\PC|[%=\\\\&#;{}xu0-9a-f]){0,60}") {
        protect_all();
        let clean = redacted(&text);
        prop_assert_eq!(redacted(&clean), clean.clone());
    }
}
