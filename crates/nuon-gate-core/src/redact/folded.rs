//! A text in the form in which it is searched for secrets.

use std::ops::Range;

use secrecy::zeroize::Zeroizing;

use crate::text::{is_hidden, visible};

/// The longest escape that is read: `&#` and a number with leading zeros.
const LONGEST_ESCAPE: usize = 24;

/// With what follows it, this colours a terminal's text.
const ESCAPE: char = '\u{1b}';

/// A text without what cannot be seen, blanks included, and without differences that do not matter: between small and
/// capital letters, between narrow and wide ones, between the two alphabets of base64, and between one `#` and several, as
/// a [`Line`](crate::Line) has but one.
pub(super) struct Folded {
    bytes: Vec<u8>,
    /// Whether a visible character was left out before each byte: an escape does not continue after a blank.
    breaks: Vec<bool>,
    is_broken: bool,
    /// Where each byte comes from.
    places: Vec<(usize, usize)>,
}

impl Folded {
    pub(super) fn new(text: &str) -> Self {
        let mut folded = Self::with_room(text.len());
        for (at, c) in visible(text) {
            // A line separator stands for a shorter line break, and neither is kept.
            folded.push(c, (at, at + c.len_utf8()));
        }
        folded
    }

    fn with_room(length: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(length),
            breaks: Vec::with_capacity(length),
            is_broken: false,
            places: Vec::with_capacity(length),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.bytes)
    }

    /// Returns where this many bytes are in the original text.
    pub(super) fn place(&self, at: usize, length: usize) -> Range<usize> {
        self.places[at].0..self.places[at + length - 1].1
    }

    /// Returns the text with one level of an encoding undone. `None` if there is none.
    pub(super) fn decoded(&self, encoding: Encoding) -> Option<Self> {
        // Rows are joined first, on their own: what follows a `=` that is none of mail's can look like one of its escapes.
        let joins = encoding == Encoding::QuotedPrintable && (0..self.bytes.len()).any(|at| self.is_soft_break(at));
        let escape = |at| self.escape(at, encoding).filter(|_| !joins);
        if !joins && (0..self.bytes.len()).all(|at| escape(at).is_none()) {
            return None;
        }
        let mut decoded = Self::with_room(self.bytes.len());
        let mut at = 0;
        while at < self.bytes.len() {
            decoded.is_broken |= self.breaks[at];
            if joins && self.is_soft_break(at) {
                at += 1;
                continue;
            }
            let (piece, mut length) = escape(at).unwrap_or((Piece::Byte(self.bytes[at]), 1));
            let Range { start, end } = self.place(at, length);
            match piece {
                // What colours a terminal's text.
                Piece::Char(ESCAPE) | Piece::Byte(0x1b) => length += self.control_sequence(at + length),
                Piece::Char(c) => decoded.push(c, (start, end)),
                Piece::Byte(byte) if byte.is_ascii() => decoded.push(char::from(byte), (start, end)),
                Piece::Byte(byte) => decoded.push_byte(byte, (start, end)),
            }
            at += length;
        }
        Some(decoded.refolded())
    }

    /// Folds what bytes are together, now that they are no longer escaped. Those that are no text are left out.
    fn refolded(self) -> Self {
        let mut folded = Self::with_room(self.bytes.len());
        for chunk in self.bytes.utf8_chunks() {
            let begin = chunk.valid().as_ptr().addr() - self.bytes.as_ptr().addr();
            for (at, c) in chunk.valid().char_indices() {
                let place = self.place(begin + at, c.len_utf8());
                folded.is_broken |= self.breaks[begin + at];
                folded.push(c, (place.start, place.end));
            }
        }
        folded
    }

    /// Returns how long the rest of a terminal's control sequence is, after its escape character.
    fn control_sequence(&self, at: usize) -> usize {
        let Some([b'[', rest @ ..]) = self.bytes.get(at..) else { return 0 };
        let parameters = rest.iter().take(LONGEST_ESCAPE).take_while(|byte| (0x20..0x40).contains(*byte)).count();
        if rest.get(parameters).is_some_and(|last| (0x40..0x7f).contains(last)) { parameters + 2 } else { 0 }
    }

    /// Reads the escape that there is at a place, and returns its length as well.
    fn escape(&self, at: usize, encoding: Encoding) -> Option<(Piece, usize)> {
        // Most characters begin none.
        if !matches!(self.bytes[at], b'%' | b'\\' | b'&' | b'=' | b'^') {
            return None;
        }
        let more = self.breaks[at + 1..].iter().take(LONGEST_ESCAPE - 1).take_while(|is_break| !**is_break).count();
        encoding.escape(&self.bytes[at..=at + more])
    }

    /// Returns whether a row ends with `=`, which means that the text continues in the next row.
    fn is_soft_break(&self, at: usize) -> bool {
        self.bytes[at] == b'=' && self.breaks.get(at + 1) == Some(&true)
    }

    fn push(&mut self, c: char, place: (usize, usize)) {
        match c {
            '-' => self.push_byte(b'+', place),
            '_' => self.push_byte(b'/', place),
            '#' if self.bytes.last() == Some(&b'#') => {}
            '!'..='~' => self.push_byte(c.to_ascii_lowercase() as u8, place),
            // The wide forms that Chinese and Japanese texts have of all signs of ASCII, in its order.
            '\u{ff01}'..='\u{ff5e}' => {
                if let Some(narrow) = char::from_u32(u32::from(c) - 0xff01 + u32::from('!')) {
                    self.push(narrow, place);
                }
            }
            // Where bytes were no text, the replacement character stands.
            '\u{fffd}' => {}
            _ if c.is_whitespace() => self.is_broken = true,
            // Nor is anything shown where no font has a sign.
            '\u{e000}'..='\u{f8ff}' | '\u{f0000}'.. => {}
            _ if is_hidden(c) => {}
            _ => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| self.push_byte(byte, place)),
        }
    }

    fn push_byte(&mut self, byte: u8, place: (usize, usize)) {
        self.bytes.push(byte);
        self.breaks.push(std::mem::take(&mut self.is_broken));
        self.places.push(place);
    }
}

/// Encodings that are undone separately, as what is an escape in one is often none in the other: `sig=ab%2F` is a query.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Those of addresses, JSON, programming languages and HTML: nothing else looks like them.
    Escapes,
    /// That of mails.
    QuotedPrintable,
}

impl Encoding {
    pub(super) const ALL: [Self; 2] = [Self::Escapes, Self::QuotedPrintable];

    /// Reads the escape that a folded text begins with, and returns its length as well.
    fn escape(self, text: &[u8]) -> Option<(Piece, usize)> {
        match (self, text) {
            (Self::Escapes, _) => escape(text),
            (Self::QuotedPrintable, [b'=', high, low, ..]) => Some((Piece::Byte(byte(*high, *low)?), 3)),
            (Self::QuotedPrintable, _) => None,
        }
    }
}

/// What an escape stands for.
enum Piece {
    Char(char),
    Byte(u8),
}

fn escape(text: &[u8]) -> Option<(Piece, usize)> {
    match text {
        [b'%', high, low, ..] => Some((Piece::Byte(byte(*high, *low)?), 3)),
        [b'\\', b'x', high, low, ..] => Some((Piece::Byte(byte(*high, *low)?), 4)),
        [b'\\', b'u', b'{', rest @ ..] => {
            let length = rest.iter().take(7).position(|byte| *byte == b'}')?;
            Some((Piece::Char(number(&rest[..length], 16)?), length + 4))
        }
        [b'\\', digits @ ..] if digits.first().is_some_and(is_octal) => {
            let digits = digits.iter().take(3).take_while(|digit| is_octal(digit));
            let (number, length) =
                digits.fold((0, 1), |(number, length), digit| (number * 8 + u16::from(digit - b'0'), length + 1));
            Some((Piece::Byte(u8::try_from(number).ok()?), length))
        }
        // `\U` has eight digits, and looks like `\u` here.
        [b'\\', b'u', b'0', b'0', b'0', b'0', b'0', b'0', high, low, ..] if byte(*high, *low).is_some() => {
            Some((Piece::Byte(byte(*high, *low)?), 10))
        }
        [b'\\', b'u', code @ ..] => Some((Piece::Char(number(code.get(..4)?, 16)?), 6)),
        [b'\\', b'b' | b'f' | b'n' | b'r' | b't', ..] => Some((Piece::Char(' '), 2)),
        [b'\\', sign, ..] if sign.is_ascii_punctuation() => Some((Piece::Byte(*sign), 2)),
        [b'\\', b'e', ..] | [b'^', b'[', ..] => Some((Piece::Char(ESCAPE), 2)),
        // Browsers read a number without a semicolon as well.
        [b'&', b'#', digits @ ..] if digits.first().is_some_and(|digit| digit.is_ascii_digit() || *digit == b'x') => {
            let (begin, radix) = if digits[0] == b'x' { (1, 16) } else { (0, 10) };
            let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
            let end = begin + digits[begin..].iter().take_while(is_digit).count();
            let closed = usize::from(digits.get(end) == Some(&b';'));
            Some((Piece::Char(number(&digits[begin..end], radix)?), 2 + end + closed))
        }
        [b'&', rest @ ..] => {
            let length = rest.iter().position(|byte| *byte == b';')?;
            Some((Piece::Char(entity(&rest[..length])?), length + 2))
        }
        _ => None,
    }
}

fn is_octal(digit: &u8) -> bool {
    (b'0'..=b'7').contains(digit)
}

fn entity(name: &[u8]) -> Option<char> {
    match name {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        b"sol" => Some('/'),
        b"bsol" => Some('\\'),
        b"plus" => Some('+'),
        b"equals" => Some('='),
        b"lowbar" => Some('_'),
        b"hyphen" | b"dash" => Some('-'),
        b"period" => Some('.'),
        b"comma" => Some(','),
        b"colon" => Some(':'),
        b"semi" => Some(';'),
        b"excl" => Some('!'),
        b"quest" => Some('?'),
        b"num" => Some('#'),
        b"dollar" => Some('$'),
        b"percnt" => Some('%'),
        b"ast" => Some('*'),
        b"commat" => Some('@'),
        b"shy" | b"nbsp" | b"zerowidthspace" | b"zwj" | b"zwnj" | b"lrm" | b"rlm" | b"nobreak" => Some('\u{ad}'),
        _ => None,
    }
}

fn byte(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

fn number(digits: &[u8], radix: u32) -> Option<char> {
    // A plus sign is not a digit, though the parser would accept it.
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))?;
    char::from_u32(u32::from_str_radix(digits, radix).ok()?)
}
