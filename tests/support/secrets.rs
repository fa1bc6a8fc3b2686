//! What the program must never write, in any test.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Secrets that the simulator plants into its answers: a credential, an output of a deploy, and a value in a plan.
const PLANTED: [&str; 3] = ["simulated-write-token", "nobody's business", "simulated-plan-value"];

/// Every secret of any run.
static ALL: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The secrets that a run was given, and those that servers send it.
pub(crate) struct Secrets(BTreeSet<String>);

impl Secrets {
    pub(crate) fn of(command: &Command) -> Self {
        let given = command.get_envs().filter_map(|(name, value)| Some((name.to_str()?, value?.to_str()?)));
        let secrets: BTreeSet<String> = given.flat_map(|(name, value)| secrets(name, value)).collect();
        let secrets = PLANTED.map(str::to_owned).into_iter().chain(secrets).collect();
        ALL.lock().unwrap().extend(BTreeSet::clone(&secrets));
        Self(secrets)
    }

    /// Checks that a stream shows none of them, except in the command that tells the runner to hide it.
    #[track_caller]
    pub(crate) fn are_not_in(&self, stream: &str, text: &str) {
        let is_mask = |line: &&str| line.starts_with("::add-mask::") || line.starts_with("##vso[task.setsecret]");
        for line in text.lines().filter(|line| !is_mask(line)) {
            let shown = shown(&self.0, line);
            assert!(shown.is_none(), "{shown:?} is on {stream}: {line}");
        }
    }
}

/// Checks that no file below a folder holds a secret of any run, except files that a test has written.
#[track_caller]
pub(crate) fn are_in_no_file_but(folder: &Path, ours: &[PathBuf]) {
    let all = ALL.lock().unwrap().clone();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()) {
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.is_file() && !ours.contains(&path) {
                let content = std::fs::read(&path).unwrap();
                // The program itself is large, and the same for every run.
                if !content.starts_with(b"\x7fELF") {
                    let shown = shown(&all, &String::from_utf8_lossy(&content));
                    assert!(shown.is_none(), "{shown:?} is in {}", path.display());
                }
            }
        }
    }
}

/// Returns a secret that can be read in a text by undoing the usual encodings.
pub(crate) fn shown<'a>(secrets: &'a BTreeSet<String>, text: &str) -> Option<&'a String> {
    let readings: Vec<String> = readings(text).iter().map(|reading| reading.to_ascii_lowercase()).collect();
    let is_read = |secret: &&String| readings.iter().any(|reading| reading.contains(&secret.to_ascii_lowercase()));
    secrets.iter().find(is_read)
}

/// Returns a text as it is, without its escapes, without what cannot be seen, and what of all that is in base64, also
/// twice, or in hexadecimal digits.
fn readings(text: &str) -> Vec<String> {
    let next = |text: &String| Some(unescape(text)).filter(|unescaped| unescaped != text);
    let unescaped = |text: String| std::iter::successors(Some(text), next).take(4);
    let text = narrow(text);
    let unescaped: Vec<String> = unescaped(from_quoted_printable(&text)).chain(unescaped(text)).collect();
    let visible = |c: &char| c.is_ascii_graphic();
    let mut readings: Vec<String> = unescaped.iter().map(|text| text.chars().filter(visible).collect()).collect();
    readings.extend(unescaped);
    readings.sort_unstable();
    readings.dedup();
    let encoded: Vec<String> = readings.iter().flat_map(|text| [from_base64(text), from_hexadecimal(text)]).collect();
    let twice: Vec<String> = encoded.iter().map(|text| from_base64(text)).collect();
    readings.into_iter().chain(encoded).chain(twice).collect()
}

/// Makes wide characters those of ASCII.
fn narrow(text: &str) -> String {
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap(),
        _ => c,
    };
    text.chars().map(narrow).collect()
}

/// Undoes what mails make of characters.
fn from_quoted_printable(text: &str) -> String {
    let joined = text.replace("=\r\n", "").replace("=\n", "").replace("= ", "");
    let mut parts = joined.split('=');
    let mut read = parts.next().unwrap().to_owned();
    for part in parts {
        match part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => read += &format!("{}{}", char::from(byte), &part[2..]),
            None => read += &format!("={part}"),
        }
    }
    read
}

/// Undoes what URLs, JSON, C and HTML make of characters.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let number = |digits: &str, radix: u32| char::from_u32(u32::from_str_radix(digits, radix).ok()?);
        let code = |prefix: &str, length: usize, radix: u32| {
            let c = number(rest.strip_prefix(prefix)?.get(..length)?, radix)?;
            Some((c, prefix.len() + length))
        };
        let entity = |prefix: &str, radix: u32| {
            let (digits, _) = rest.strip_prefix(prefix)?.split_once(';')?;
            Some((number(digits, radix)?, prefix.len() + digits.len() + 1))
        };
        let quoted = rest.strip_prefix('\\').and_then(|rest| rest.chars().next()).filter(|c| "/\"\\".contains(*c));
        let (c, length) = code("%", 2, 16)
            .or_else(|| code("\\u", 4, 16))
            .or_else(|| code("\\", 3, 8))
            .or_else(|| entity("&#x", 16))
            .or_else(|| entity("&#", 10))
            .or(quoted.map(|c| (c, 2)))
            .unwrap_or((first, first.len_utf8()));
        bytes.push(c);
        rest = &rest[length..];
    }
    bytes.into_iter().collect()
}

/// Reads every word of a text as base64 that begins at any of its first four characters.
fn from_base64(text: &str) -> String {
    let is_digit = |c: char| c.is_ascii_alphanumeric() || "+/-_".contains(c);
    let words = text.split(|c| !is_digit(c)).filter(|word| word.len() >= 10);
    let decoded = words.flat_map(|word| (0..4).map(|start| word[start..].replace('-', "+").replace('_', "/")));
    let decoded = decoded.filter_map(|word| STANDARD_NO_PAD.decode(&word[..word.len() / 4 * 4]).ok());
    decoded.map(|bytes| String::from_utf8_lossy(&bytes).into_owned() + "\n").collect()
}

/// Reads every long sequence of hexadecimal digits of a text, from its first digit on.
fn from_hexadecimal(text: &str) -> String {
    let rows = text.split(|c: char| !c.is_ascii_hexdigit()).filter(|row| row.len() >= 16);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let decoded = rows.map(|row| row.as_bytes().chunks_exact(2).map(byte).collect::<Vec<u8>>());
    decoded.map(|bytes| String::from_utf8_lossy(&bytes).into_owned() + "\n").collect()
}

/// Returns the secret part of a variable.
fn secrets(name: &str, value: &str) -> Vec<String> {
    // A path of words alone need not be a secret.
    let path = |url: &str| Some(url.split_once("://")?.1.split_once('/')?.1.to_owned());
    let address = |url: &str| path(url).filter(|path| path.contains(|c: char| c.is_ascii_digit()));
    let password = |url: &str| Some(url.split_once('@')?.0.rsplit_once(':')?.1.to_owned());
    let found: Vec<String> = match name {
        "NUON_GATE_WEBHOOK_HEADERS" => {
            let is_secret = |name: &str| name.contains("Key") || name.contains("Auth");
            let values = value.lines().filter_map(|line| line.split_once(':'));
            values.filter(|(name, _)| is_secret(name)).map(|(_, value)| value.to_owned()).collect()
        }
        "NUON_GATE_WEBHOOK_SECRET" => value.split_whitespace().map(str::to_owned).collect(),
        "HTTPS_PROXY" | "HTTP_PROXY" | "ALL_PROXY" | "https_proxy" => {
            password(value).into_iter().flat_map(|password| [unescape(&password), password]).collect()
        }
        _ if name.ends_with("_WEBHOOK_URL") => {
            value.lines().map(str::to_owned).chain(value.lines().filter_map(address)).collect()
        }
        _ if name.ends_with("_TOKEN") => vec![value.to_owned()],
        _ => Vec::new(),
    };
    // A shorter text can occur by chance.
    found.into_iter().map(|secret| secret.trim().to_owned()).filter(|secret| secret.len() >= 8).collect()
}
