//! Bounded texts, built from parts.
//!
//! Text from outside is a [`Line`] and goes through an [`Escape`]; active syntax is [`Own`]. There is no third way to
//! build a text.

use std::borrow::Cow;

use jiff::Timestamp;
use nuon_gate_core::Line;
use serde::Serialize;

use crate::Mention;
use crate::ci_run::WebPage;
use crate::cut::{Escape, cut, length, verbatim};
use crate::excerpt::Excerpt;

/// Text that is active in the syntax of a service.
#[derive(Clone, Copy)]
pub(crate) enum Own<'a> {
    /// Our own words and symbols.
    Words(&'static str),
    /// A checked address, with the escapes that it needs.
    Page(&'a WebPage, Escape),
    /// A mention from the settings.
    Mention(&'a Mention),
    /// A time that Slack shows each reader by their own clock.
    SlackTime(Timestamp),
    /// A time that Discord shows as a relative time.
    DiscordTime(Timestamp),
}

impl Own<'_> {
    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Words(words) => Cow::Borrowed(words),
            Self::Page(page, escape) => escape(page.as_str()),
            Self::Mention(mention) => Cow::Borrowed(mention.as_str()),
            Self::SlackTime(at) => {
                let (seconds, utc) = (at.as_second(), clock(*at));
                Cow::Owned(format!("<!date^{seconds}^{{date_short_pretty}} at {{time}}|{}>", utc.plain()))
            }
            Self::DiscordTime(at) => Cow::Owned(format!("<t:{}:R>", at.as_second())),
        }
    }
}

/// Writes a time where the service cannot: in UTC.
pub(crate) fn clock(at: Timestamp) -> Line {
    Line::new(at.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// A text of at least one and at most `MAX` units of UTF-16, escapes included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Bounded<const MAX: usize>(String);

impl<const MAX: usize> Bounded<MAX> {
    /// Makes it of a line, for a place that is not parsed.
    pub(crate) fn new(line: &Line) -> Self {
        let mut bounded = Self::build();
        bounded.push(line, MAX, verbatim);
        bounded.or_dash()
    }

    /// Starts an empty text.
    pub(crate) fn build() -> Self {
        Self(String::new())
    }

    /// Adds as much of a line as `share` and the room that is left allow.
    pub(crate) fn push(&mut self, line: &Line, share: usize, escape: Escape) {
        self.0.push_str(&cut(line, self.room().min(share), escape));
    }

    /// Adds as much of a log as `share` and the room that is left allow.
    pub(crate) fn push_log(&mut self, log: &Excerpt, share: usize, escape: Escape) {
        self.0.push_str(&log.cut(self.room().min(share), escape));
    }

    /// Adds our own words, if all of them fit.
    pub(crate) fn push_own(&mut self, words: &'static str) -> bool {
        self.push_whole(&[Own::Words(words)])
    }

    /// Adds what belongs together, such as a link and its brackets, if all of it fits.
    pub(crate) fn push_whole(&mut self, parts: &[Own<'_>]) -> bool {
        let text: String = parts.iter().map(Own::text).collect();
        let fits = length(&text) <= self.room();
        if fits {
            self.0.push_str(&text);
        }
        fits
    }

    /// Adds another text for the same syntax, if all of it fits.
    pub(crate) fn push_built<const OTHER: usize>(&mut self, built: &Bounded<OTHER>) -> bool {
        let fits = length(&built.0) <= self.room();
        if fits {
            self.0.push_str(&built.0);
        }
        fits
    }

    fn room(&self) -> usize {
        MAX - length(&self.0)
    }

    /// Some services refuse empty texts.
    pub(crate) fn or_dash(mut self) -> Self {
        if self.0.trim().is_empty() {
            "–".clone_into(&mut self.0);
        }
        self
    }
}

/// A list of at most `MAX` entries; further ones are dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Few<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> Few<T, MAX> {
    pub(crate) fn push(&mut self, entry: T) {
        if self.0.len() < MAX {
            self.0.push(entry);
        }
    }
}

impl<T, const MAX: usize> FromIterator<T> for Few<T, MAX> {
    fn from_iter<I: IntoIterator<Item = T>>(entries: I) -> Self {
        Self(entries.into_iter().take(MAX).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_texts_cannot_hold_too_much() {
        let few: Few<u8, 3> = (0..9).collect();
        assert_eq!(few.0, [0, 1, 2]);
        let mut text = Bounded::<8>::build();
        assert!(text.push_own("12345") && !text.push_own("6789"));
        text.push(&Line::new("abcdef"), 100, verbatim);
        assert_eq!(text.0, "12345…");
        assert_eq!(Bounded::<8>::new(&Line::new(" ")).0, "–");
    }
}
