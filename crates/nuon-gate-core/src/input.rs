//! Reads small files that people and programs write: tokens, settings, lists, templates.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Why a file cannot be read. Never quotes its content.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unreadable {
    /// An I/O error.
    Io(io::Error),
    /// It is larger than this many bytes.
    TooLarge(u64),
    /// It is neither UTF-8 nor UTF-16.
    NotText {
        /// The 1-based line of the first invalid byte.
        line: usize,
    },
}

impl Unreadable {
    /// Returns whether there is no such file.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => match error.kind() {
                io::ErrorKind::NotFound => f.write_str("there is no such file"),
                io::ErrorKind::IsADirectory => f.write_str("it is a folder"),
                io::ErrorKind::PermissionDenied => f.write_str("the user of this process must not read it"),
                _ => error.fmt(f),
            },
            Self::TooLarge(longest) if *longest < 1 << 20 => write!(f, "it is larger than {} KiB", longest >> 10),
            Self::TooLarge(longest) => write!(f, "it is larger than {} MiB", longest >> 20),
            Self::NotText { line } => write!(f, "line {line} is not text: it has to be UTF-8 or UTF-16"),
        }
    }
}

impl std::error::Error for Unreadable {}

/// Reads a text file of at most `longest` bytes. A byte order mark is removed, and UTF-16 is decoded, as PowerShell
/// and editors on Windows write it.
///
/// A longer file is refused, because a part of it could mean something else.
///
/// # Errors
///
/// If the file cannot be opened or read, is longer, or is not text.
pub fn read_file(path: &Path, longest: u64) -> Result<String, Unreadable> {
    read(File::open(path).map_err(Unreadable::Io)?, longest)
}

/// Trims a value: surrounding blanks and line ends, and the byte order mark of editors on Windows.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// Returns the lines of a text, whichever system wrote it: a lone carriage return ends one as well. What follows it would
/// otherwise be a part of a comment or of a value, and half of a list would pass for all of it.
///
/// ```
/// use nuon_gate_core::input::lines;
///
/// assert_eq!(lines("a\nb\r\nc\rd").collect::<Vec<_>>(), ["a", "b", "c", "d"]);
/// ```
pub fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('\r'))
}

/// Says why a text is not the expected JSON, without quoting it. The library's own message is about Rust types and
/// would not help.
pub fn json_fault(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let at = format!("line {}, column {}", error.line(), error.column());
    match error.classify() {
        Category::Eof if error.column() == 0 => "it is empty".to_owned(),
        Category::Eof => format!("it breaks off at {at}"),
        Category::Io | Category::Syntax => format!("it is not JSON, from {at} on"),
        Category::Data => format!("it is JSON of another form, at {at}"),
    }
}

/// Reads a text to its end, as [`read_file`] does.
///
/// # Errors
///
/// If it cannot be read, is longer than `longest` bytes, or is not text.
///
/// ```
/// use nuon_gate_core::input::read;
///
/// assert_eq!(read(&b"\xef\xbb\xbfdpl1\r\n"[..], 100)?, "dpl1\r\n");
/// assert_eq!(read(&b"\xff\xfed\0p\0l\0"[..], 100)?, "dpl");
/// # Ok::<(), nuon_gate_core::input::Unreadable>(())
/// ```
pub fn read(source: impl Read, longest: u64) -> Result<String, Unreadable> {
    decoded(read_bytes(source, longest)?)
}

/// Reads a file as [`read_file`] does, of which only parts have to be text: invalid bytes become replacement
/// characters.
///
/// # Errors
///
/// If it cannot be opened or read, or is longer than `longest` bytes.
pub fn read_file_of_parts(path: &Path, longest: u64) -> Result<String, Unreadable> {
    let bytes = read_bytes(File::open(path).map_err(Unreadable::Io)?, longest)?;
    let parts = String::from_utf8_lossy(&bytes).into_owned();
    Ok(decoded(bytes).unwrap_or(parts))
}

fn read_bytes(source: impl Read, longest: u64) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::new();
    source.take(longest.saturating_add(1)).read_to_end(&mut bytes).map_err(Unreadable::Io)?;
    if bytes.len() as u64 > longest { Err(Unreadable::TooLarge(longest)) } else { Ok(bytes) }
}

fn decoded(bytes: Vec<u8>) -> Result<String, Unreadable> {
    let text = match *bytes.as_slice() {
        [0xff, 0xfe, ref text @ ..] => utf16(text, u16::from_le_bytes),
        [0xfe, 0xff, ref text @ ..] => utf16(text, u16::from_be_bytes),
        // Without a mark, an ASCII first character shows the encoding.
        [first, 0, ..] if first != 0 => utf16(&bytes, u16::from_le_bytes),
        [0, second, ..] if second != 0 => utf16(&bytes, u16::from_be_bytes),
        _ => String::from_utf8(bytes).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            Unreadable::NotText { line: 1 + good.iter().filter(|byte| **byte == b'\n').count() }
        }),
    }?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Unreadable> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(pairs.len());
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        text.push(character.map_err(|_| Unreadable::NotText { line: line_of_end(&text) })?);
    }
    if rest.is_empty() { Ok(text) } else { Err(Unreadable::NotText { line: line_of_end(&text) }) }
}

fn line_of_end(text: &str) -> usize {
    1 + text.matches('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn texts_are_read_in_every_form() {
        let text = "a: ü\r\n😀\n";
        let marked = format!("\u{feff}{text}");
        let forms = [
            text.as_bytes().to_vec(),
            marked.as_bytes().to_vec(),
            in_utf16(&marked, u16::to_le_bytes),
            in_utf16(&marked, u16::to_be_bytes),
            in_utf16(text, u16::to_le_bytes),
            in_utf16(text, u16::to_be_bytes),
        ];
        for form in forms {
            assert_eq!(read(form.as_slice(), 100).unwrap(), text, "{form:?}");
        }
        // A mark inside the text is a part of it, and so is a NUL.
        for text in ["a\u{feff}", "\0\0", "ab\0", ""] {
            assert_eq!(read(text.as_bytes(), 9).unwrap(), text, "{text:?}");
        }
    }

    #[test]
    fn a_text_is_read_whole_or_not_at_all() {
        let longest = 1 << 20;
        let text = "é".repeat(longest / 2);
        assert_eq!(read(text.as_bytes(), longest as u64).unwrap(), text);
        let longer = format!(" {text}");
        let cases: [(&[u8], u64, &str); 6] = [
            (&[b' '; 2000], 1024, "it is larger than 1 KiB"),
            // A character cut in two by the limit is not an encoding error.
            (longer.as_bytes(), 1 << 20, "it is larger than 1 MiB"),
            (b"a\nb\n\xff", 9, "line 3 is not text: it has to be UTF-8 or UTF-16"),
            (b"\x89PNG", 9, "line 1 is not text: it has to be UTF-8 or UTF-16"),
            (b"\xff\xfea\0\n\0\x00\xd8", 9, "line 2 is not text: it has to be UTF-8 or UTF-16"),
            (b"\xff\xfea\0b", 9, "line 1 is not text: it has to be UTF-8 or UTF-16"),
        ];
        for (bytes, longest, words) in cases {
            assert_eq!(read(bytes, longest).unwrap_err().to_string(), words);
        }
        assert!(read_file(Path::new("/nowhere/at-all"), 9).unwrap_err().is_missing());
    }
}
