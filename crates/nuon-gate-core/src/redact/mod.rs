//! Redacts the secrets of a run in all text that is shown.
//!
//! A server can repeat what it was sent: in an error, a header, a deploy's log. Each secret is registered where it
//! becomes a value of its type ([`ApiToken`](crate::ApiToken), a sink's address, a signing key), so that none can be
//! forgotten. Every [`Line`](crate::Line) is searched for all of them when it is made, before it is cut.
//!
//! A secret is found as it is, and encoded: percent-encoding, the escapes of JSON, C and HTML, quoted-printable, one inside
//! the other, base64, also applied twice, to UTF-16, or inside a longer text such as `user:token`, base32, hexadecimal digits, its bytes
//! as numbers, and reversed. Case and width do not matter, and invisible characters in between do not hide it.
//!
//! There is one register for the whole process, and it only grows: a secret stays secret when it is no longer used. The
//! texts that a test expects must not contain another test's secret.

mod folded;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{LazyLock, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use secrecy::zeroize::Zeroizing;

use self::folded::{Encoding, Folded};

/// What replaces a secret.
pub const REDACTED: &str = "[redacted]";

/// Shorter texts are too common to be searched for.
const SHORTEST: usize = 8;

/// A long text is searched in parts that overlap by half, so that the search costs little memory. A secret is shorter than
/// half a part, in whatever encoding.
const PART: usize = 128 * 1024;

/// From how many texts on only those are concealed that are likely to be shown.
const MANY: usize = 250;

/// How many encodings within each other are undone.
const DEEPEST: usize = 3;

static KNOWN: LazyLock<RwLock<Known>> = LazyLock::new(RwLock::default);

/// Registers a secret. One with fewer than eight characters is not searched for.
pub fn protect(secret: &str) {
    let secret = secret.trim();
    if secret.len() < SHORTEST || KNOWN.read().unwrap_or_else(PoisonError::into_inner).has(secret) {
        return;
    }
    KNOWN.write().unwrap_or_else(PoisonError::into_inner).add(secret);
}

/// Registers a text that is redacted like a secret, but that CI systems are not asked to mask: the path of a secret
/// address, whose words may occur anywhere in a job's output, or what only a server's answer holds.
pub fn conceal(text: &str) {
    let text = text.trim();
    if text.len() < SHORTEST || KNOWN.read().unwrap_or_else(PoisonError::into_inner).conceals(text) {
        return;
    }
    KNOWN.write().unwrap_or_else(PoisonError::into_inner).conceal(text);
}

/// The same for one of which a run can have thousands, unless there are many already. Each takes some 40 KiB.
pub(crate) fn conceal_one_of_many(text: &str) {
    if KNOWN.read().unwrap_or_else(PoisonError::into_inner).concealed.len() < MANY {
        conceal(text);
    }
}

/// Returns the secrets, without merely concealed texts, starting at number `first` in the order of registration, so
/// that others can mask them too.
pub fn protected(first: usize) -> Vec<String> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    known.secrets.iter().skip(first).map(|secret| secret.to_string()).collect()
}

/// Returns whether there is a secret in a text.
pub fn is_in(text: &str) -> bool {
    !KNOWN.read().unwrap_or_else(PoisonError::into_inner).places(text).is_empty()
}

/// Returns a text without the secrets.
pub(crate) fn redacted(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let mut found = known.places(text).into_iter().peekable();
    if found.peek().is_none() {
        return Cow::Borrowed(text);
    }
    let (mut clean, mut end) = (String::new(), 0);
    for place in found {
        // Sorted by their starts. A range that overlaps or touches the one before it is merged with that.
        if end == 0 || place.start > end {
            clean.push_str(&text[end..place.start]);
            clean.push_str(REDACTED);
        }
        end = end.max(place.end);
    }
    clean.push_str(&text[end..]);
    Cow::Owned(clean)
}

/// Returns the parts of a text, with their positions.
fn parts(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let last = text.len().saturating_sub(PART / 2).max(1);
    (0..last).step_by(PART / 2).map(|at| {
        let begins = beginning(text, at).len();
        (begins, &beginning(text, at + PART)[begins..])
    })
}

/// Returns the start of a text, of at most this many bytes.
fn beginning(text: &str, longest: usize) -> &str {
    let end = (0..=longest.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

/// Returns the end of a text, of at most this many bytes.
fn end(text: &str, longest: usize) -> &str {
    let begins = text.len().saturating_sub(longest);
    (begins..text.len()).find_map(|begins| text.get(begins..)).unwrap_or_default()
}

/// Returns the start of a text without the secrets. Searches no more of it than needed.
pub(crate) fn redacted_beginning(text: &str, longest: usize) -> String {
    let searched = beginning(text, longest + PART);
    let clean = redacted(searched);
    // It may end with the first half of a secret.
    let unsure = if searched.len() < text.len() { PART / 2 } else { 0 };
    beginning(&clean, longest.min(clean.len().saturating_sub(unsure))).to_owned()
}

/// Returns the end of a text in the same way.
pub(crate) fn redacted_end(text: &str, longest: usize) -> String {
    let searched = end(text, longest + PART);
    let clean = redacted(searched);
    let unsure = if searched.len() < text.len() { PART / 2 } else { 0 };
    end(&clean, longest.min(clean.len().saturating_sub(unsure))).to_owned()
}

/// The secrets, and the forms to search for.
struct Known {
    secrets: Vec<Zeroizing<String>>,
    concealed: Vec<Zeroizing<String>>,
    /// By their first byte.
    forms: Vec<Vec<Zeroizing<Vec<u8>>>>,
    /// A bit for each two bytes that any begins with, so that most places in a text are passed over at once.
    beginnings: Vec<u64>,
}

impl Default for Known {
    fn default() -> Self {
        Self { secrets: Vec::new(), concealed: Vec::new(), forms: vec![Vec::new(); 256], beginnings: vec![0; 1 << 10] }
    }
}

impl Known {
    fn has(&self, secret: &str) -> bool {
        self.secrets.iter().any(|known| known.as_str() == secret)
    }

    fn add(&mut self, secret: &str) {
        // Another thread may have registered it at the same time.
        if self.has(secret) {
            return;
        }
        self.secrets.push(Zeroizing::new(secret.to_owned()));
        self.add_forms(secret);
    }

    fn conceals(&self, text: &str) -> bool {
        self.concealed.iter().any(|known| known.as_str() == text)
    }

    fn conceal(&mut self, text: &str) {
        // Another thread may have done so at the same time.
        if self.conceals(text) {
            return;
        }
        self.concealed.push(Zeroizing::new(text.to_owned()));
        self.add_forms(text);
    }

    fn add_forms(&mut self, text: &str) {
        for form in forms(text) {
            let [first, second, ..] = form[..] else { continue };
            if form.len() < SHORTEST {
                continue;
            }
            let (word, bit) = beginning_of(first, second);
            self.beginnings[word] |= bit;
            let alike = &mut self.forms[usize::from(first)];
            if !alike.contains(&form) {
                alike.push(form);
            }
        }
    }

    /// Returns the positions of secrets in a text, sorted.
    fn places(&self, text: &str) -> Vec<Range<usize>> {
        if text.len() < SHORTEST || self.forms.iter().all(Vec::is_empty) {
            return Vec::new();
        }
        let mut places = Vec::new();
        for (begins, part) in parts(text) {
            places.extend(self.places_in(part).map(|place| begins + place.start..begins + place.end));
        }
        places.sort_unstable_by_key(|place| place.start);
        places
    }

    /// Returns the positions of secrets in a text that is not long, unsorted.
    fn places_in(&self, text: &str) -> impl Iterator<Item = Range<usize>> + use<> {
        let mut places = Vec::new();
        for text in readings(text) {
            places.extend((0..text.bytes().len()).filter_map(|at| {
                let length = self.longest(&text.bytes()[at..])?;
                Some(text.place(at, length))
            }));
        }
        places.into_iter()
    }

    /// Returns the length of the longest form at the start of a text.
    fn longest(&self, text: &[u8]) -> Option<usize> {
        let [first, second, ..] = *text else { return None };
        let (word, bit) = beginning_of(first, second);
        if self.beginnings[word] & bit == 0 {
            return None;
        }
        let forms = &self.forms[usize::from(first)];
        forms.iter().filter(|form| text.starts_with(form)).map(|form| form.len()).max()
    }
}

/// Returns where two bytes have their bit: the word, and the bit in it.
fn beginning_of(first: u8, second: u8) -> (usize, u64) {
    let number = usize::from(u16::from_be_bytes([first, second]));
    (number / 64, 1 << (number % 64))
}

/// Returns all that a text can be read as: as it is, and with encodings undone, one after the other.
fn readings(text: &str) -> Vec<Folded> {
    let mut readings = vec![Folded::new(text)];
    let mut undone = 0;
    for _ in 0..DEEPEST {
        let level = undone..readings.len();
        undone = level.end;
        for (at, encoding) in level.flat_map(|at| Encoding::ALL.map(|encoding| (at, encoding))) {
            // Two that are undone in either order often give the same.
            let reading = readings[at].decoded(encoding);
            readings.extend(reading.filter(|new| readings.iter().all(|known| known.bytes() != new.bytes())));
        }
    }
    readings
}

/// Returns the forms of a secret in a folded text: as it is, with its own encoding undone, in base64, once, twice and as
/// Windows has texts, and in hexadecimal digits.
fn forms(secret: &str) -> Vec<Zeroizing<Vec<u8>>> {
    let as_it_is = Folded::new(secret);
    let decoded = |text: &Folded| text.decoded(Encoding::Escapes);
    let plain = std::iter::successors(decoded(&as_it_is), decoded).take(DEEPEST).last();
    let mut forms: Vec<_> = plain.into_iter().chain([as_it_is]).map(Folded::into_bytes).collect();
    let reversed = |form: &Zeroizing<Vec<u8>>| Zeroizing::new(form.iter().rev().copied().collect());
    forms.extend(forms.iter().map(reversed).collect::<Vec<_>>());
    for once in (0..3).map(|before| in_base64(secret.as_bytes(), before)) {
        // The letters of the second depend on the alphabet of the first.
        let other = Zeroizing::new(once.replace('+', "-").replace('/', "_"));
        for inner in [&once, &other] {
            forms.extend((0..3).map(|before| Folded::new(&in_base64(inner.as_bytes(), before)).into_bytes()));
        }
        forms.push(Folded::new(&once).into_bytes());
    }
    for bytes in [u16::to_le_bytes, u16::to_be_bytes] {
        let utf16: Zeroizing<Vec<u8>> = Zeroizing::new(secret.encode_utf16().flat_map(bytes).collect());
        forms.extend((0..3).map(|before| Folded::new(&in_base64(&utf16, before)).into_bytes()));
        forms.push(in_hexadecimal(&utf16));
    }
    forms.push(in_hexadecimal(secret.as_bytes()));
    forms.push(in_base32(secret));
    forms.extend(in_numbers(secret));
    forms
}

/// Returns a secret as programs print its bytes: as numbers, with the separators that stay in a folded text.
fn in_numbers(secret: &str) -> impl Iterator<Item = Zeroizing<Vec<u8>>> {
    let joined = |write: fn(u8) -> String, between: &str| {
        let numbers: Vec<String> = secret.bytes().map(write).collect();
        Zeroizing::new(numbers.join(between).into_bytes())
    };
    let decimal = ["", ",", ";", ".", "u8,"].map(|between| joined(|byte| byte.to_string(), between));
    let octal = ["", ","].map(|between| joined(|byte| format!("{byte:03o}"), between));
    // A folded text has `/` for `_`.
    let hexadecimal = [":", "+", ",", ".", "/"].map(|between| joined(|byte| format!("{byte:02x}"), between));
    let prefixed = ["", ","].map(|between| joined(|byte| format!("0x{byte:02x}"), between));
    decimal.into_iter().chain(octal).chain(hexadecimal).chain(prefixed)
}

fn in_base32(secret: &str) -> Zeroizing<Vec<u8>> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let groups = secret.as_bytes().chunks(5).flat_map(|five| {
        let bits = (0..5).fold(0_u64, |bits, at| bits << 8 | u64::from(five.get(at).copied().unwrap_or(0)));
        (0..(five.len() * 8).div_ceil(5)).map(move |at| LETTERS[(bits >> (35 - 5 * at)) as usize % 32])
    });
    Zeroizing::new(groups.collect())
}

/// Returns the base64 form of a secret that has this many bytes `before` it in its group of three, without the
/// characters that depend on the bytes around it.
fn in_base64(secret: &[u8], before: usize) -> Zeroizing<String> {
    let bytes = Zeroizing::new([&[0; 2][..before], secret].concat());
    let encoded = Zeroizing::new(STANDARD_NO_PAD.encode(&bytes));
    let own = (before * 8).div_ceil(6)..bytes.len() * 8 / 6;
    Zeroizing::new(encoded[own].to_owned())
}

fn in_hexadecimal(secret: &[u8]) -> Zeroizing<Vec<u8>> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = secret.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    Zeroizing::new(digits.map(|digit| DIGITS[usize::from(digit)]).collect())
}

#[cfg(test)]
mod tests;
