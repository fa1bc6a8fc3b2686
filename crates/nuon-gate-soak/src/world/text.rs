//! Writes JSON straight into a text, without a tree in between, because a test writes millions of bodies.

use std::fmt::{Display, Write as _};

/// An object or a list that is being written.
pub(super) struct Json<'a> {
    out: &'a mut String,
    first: bool,
}

/// Writes one object and returns its text.
pub(super) fn object(fill: impl FnOnce(&mut Json<'_>)) -> String {
    let mut out = String::with_capacity(2048);
    write_object(&mut out, fill);
    out
}

/// Writes one list and returns its text.
pub(super) fn list(fill: impl FnOnce(&mut Json<'_>)) -> String {
    let mut out = String::with_capacity(4096);
    write_list(&mut out, fill);
    out
}

fn write_object(out: &mut String, fill: impl FnOnce(&mut Json<'_>)) {
    out.push('{');
    fill(&mut Json { out, first: true });
    out.push('}');
}

fn write_list(out: &mut String, fill: impl FnOnce(&mut Json<'_>)) {
    out.push('[');
    fill(&mut Json { out, first: true });
    out.push(']');
}

/// Writes a text in quotation marks.
fn quote(out: &mut String, text: &str) {
    out.push('"');
    if !text.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
        out.push_str(text);
        out.push('"');
        return;
    }
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            control if control < ' ' => {
                // Writing to a text cannot fail.
                let _ = write!(out, "\\u{:04x}", control as u32);
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

impl Json<'_> {
    fn comma(&mut self) {
        if !self.first {
            self.out.push(',');
        }
        self.first = false;
    }

    fn key(&mut self, key: &str) {
        self.comma();
        self.out.push('"');
        self.out.push_str(key);
        self.out.push_str("\":");
    }

    /// A text member.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        quote(self.out, value);
    }

    /// A text member of characters that need no escape, written by a function.
    pub(super) fn plain(&mut self, key: &str, write: impl FnOnce(&mut String)) {
        self.key(key);
        self.out.push('"');
        write(self.out);
        self.out.push('"');
    }

    /// A text member, absent if it is empty, like Go's `omitzero`.
    pub(super) fn some_text(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.text(key, value);
        }
    }

    /// A member that is a number, `true`, `false` or finished JSON.
    pub(super) fn raw(&mut self, key: &str, value: impl Display) {
        self.key(key);
        // Writing to a text cannot fail.
        let _ = write!(self.out, "{value}");
    }

    /// A member that is `true`, or absent.
    pub(super) fn some_true(&mut self, key: &str, value: bool) {
        if value {
            self.raw(key, true);
        }
    }

    /// An object member.
    pub(super) fn object(&mut self, key: &str, fill: impl FnOnce(&mut Json<'_>)) {
        self.key(key);
        write_object(self.out, fill);
    }

    /// A list member.
    pub(super) fn list(&mut self, key: &str, fill: impl FnOnce(&mut Json<'_>)) {
        self.key(key);
        write_list(self.out, fill);
    }

    /// An object in a list.
    pub(super) fn item(&mut self, fill: impl FnOnce(&mut Json<'_>)) {
        self.comma();
        write_object(self.out, fill);
    }
}
