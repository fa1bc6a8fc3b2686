//! Compares the public API with the list beside the crate, so that reviewers see every change.
//!
//! The list is read from the sources. As the lint `unreachable_pub` is denied, every `pub` item there is public. Not
//! listed are trait implementations, and what macros generate (`id.rs`), which the exports of `lib.rs` name.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/public-api.txt");

#[test]
#[expect(clippy::disallowed_methods, reason = "a test has no settings but those of the environment")]
fn the_public_api_is_the_one_that_is_listed() {
    let listed = fs::read_to_string(LIST).unwrap_or_default();
    let found = public_api();
    if std::env::vars().any(|(name, _)| name == "BLESS") {
        return fs::write(LIST, found).unwrap();
    }
    assert_eq!(found, listed, "the public API has changed; if that is intended, BLESS=1 renews the list");
}

/// Items of each form are found, whatever is between them.
#[test]
fn items_are_read_as_they_are_declared() {
    let source = "use a::b;\npub use self::c::{\n    D,\n    E,\n};\n\n/// Text.\n#[derive(Debug)]\npub struct F {\n    \
                  /// Text.\n    pub g: Vec<H>,\n    i: J,\n}\n\nimpl F {\n    /// Text.\n    pub fn k(\n        \
                  mut self,\n    ) -> L {\n        pub_like();\n\n    }\n    pub(crate) fn m() {}\n    pub fn v() {}\n}\n\npub struct W(X);\n\n\
                  pub enum N {\n    /// Text.\n    O(P),\n    #[serde(skip)]\n    Q {\n        r: S,\n    },\n}\n\n\
                  pub const T: U = 1;\n";
    let expected = "pub use self::c::{D, E};\npub struct F\nF.g: Vec<H>\npub fn F::k(self) -> L\npub fn F::v()\npub struct W\n\
                    pub enum N { O(P), Q { r: S } }\npub const T: U\n";
    assert_eq!(items(source), expected);
}

fn public_api() -> String {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    let mut list = String::new();
    for file in sources(root) {
        let items = items(&fs::read_to_string(&file).unwrap());
        if !items.is_empty() {
            let name = file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
            write!(list, "# {name}\n{items}\n").unwrap();
        }
    }
    list
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    let files = entries.into_iter().flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    files.collect()
}

/// Returns the public items of a file, one a line. rustfmt formats the sources, so the indentation shows what an item
/// belongs to.
fn items(source: &str) -> String {
    let mut items = String::new();
    let mut owner = String::new();
    let mut lines = code(source).into_iter();
    while let Some(line) = lines.next() {
        if !line.starts_with([' ', '}', ')']) {
            owner = owner_of(line);
        }
        let indentation = line.len() - line.trim_start().len();
        // Lines with a `$` belong to macros.
        let Some(item) = line.trim_start().strip_prefix("pub ").filter(|item| !item.contains('$')) else { continue };
        let form = Form::of(item, indentation > 0);
        if owner.is_empty() && indentation > 0 {
            continue;
        }
        let mut text = item.to_owned();
        let mut last = line;
        while !form.ends(last, indentation) {
            let Some(next) = lines.next() else { break };
            last = next;
            text = format!("{text} {}", next.trim());
        }
        let text = tidy(&form.signature(&text));
        let text = match form {
            Form::Field => format!("{owner}.{text}"),
            Form::Other if indentation > 0 => format!("pub {}", text.replacen("fn ", &format!("fn {owner}::"), 1)),
            _ => format!("pub {text}"),
        };
        writeln!(items, "{text}").unwrap();
    }
    items
}

/// Returns the lines without comments, attributes and blank lines.
fn code(source: &str) -> Vec<&str> {
    let mut lines = source.lines();
    let mut code = Vec::new();
    while let Some(line) = lines.next() {
        let text = line.trim();
        if text.starts_with("#[") || text.starts_with("#![") {
            let mut last = text;
            while !last.ends_with(']') {
                let Some(next) = lines.next() else { break };
                last = next;
            }
        } else if !text.is_empty() && !text.starts_with("//") {
            code.push(line);
        }
    }
    code
}

/// The form of an item: it decides where the item ends, and how much of it is listed.
enum Form {
    Enum,
    Use,
    Field,
    /// Its value is not listed.
    Value,
    Other,
}

impl Form {
    fn of(item: &str, is_inside: bool) -> Self {
        let is_name = |character: char| character.is_alphanumeric() || character == '_';
        match item.split_whitespace().next().unwrap_or_default() {
            "enum" => Self::Enum,
            "use" => Self::Use,
            "const" | "static" | "type" if !item.starts_with("const fn") => Self::Value,
            _ if is_inside && item.trim_start_matches(is_name).starts_with(": ") => Self::Field,
            _ => Self::Other,
        }
    }

    /// Returns whether this line is the last one of an item with this indentation.
    fn ends(&self, line: &str, indentation: usize) -> bool {
        match self {
            Self::Enum => line.len() == indentation + 1 && line.ends_with('}'),
            Self::Use | Self::Value => line.ends_with(';'),
            Self::Field => line.ends_with(','),
            Self::Other => line.ends_with([';', '{', '}']),
        }
    }

    fn signature(&self, text: &str) -> String {
        let end = match self {
            Self::Enum | Self::Use | Self::Field => None,
            Self::Value => text.find(" = "),
            // The private fields of a tuple.
            Self::Other if text.starts_with("struct ") && !text.contains("pub ") => text.find(['(', '{', ';']),
            Self::Other => text.find(" {").or_else(|| text.find(';')),
        };
        text[..end.unwrap_or(text.len())].to_owned()
    }
}

/// Returns the type whose block starts at this line.
fn owner_of(line: &str) -> String {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let block = ["impl", "struct ", "trait "].iter().find_map(|kind| line.strip_prefix(kind)).unwrap_or_default();
    // Skips the parameters of `impl<…>`.
    let of = match block.strip_prefix('<') {
        Some(parameters) => parameters.split_once("> ").map_or("", |(_, of)| of),
        None => block,
    };
    let of = of.trim().trim_start_matches("for ");
    of.chars().take_while(|character| character.is_alphanumeric()).collect()
}

/// Returns an item in one line, without attributes.
fn tidy(text: &str) -> String {
    let mut text = text.trim_end_matches([',', ' ']).to_owned();
    while let Some((before, rest)) = text.split_once("#[") {
        // An attribute may hold any text, but none here holds this.
        let Some((_, after)) = rest.split_once(")] ").or_else(|| rest.split_once("] ")) else { break };
        text = format!("{before}{after}");
    }
    for (long, short) in [("( ", "("), (", )", ")"), (" )", ")"), (", }", " }"), ("(mut ", "("), (", mut ", ", ")] {
        text = text.replace(long, short);
    }
    if text.starts_with("use ") { text.replace("{ ", "{").replace(" }", "}") } else { text }
}
