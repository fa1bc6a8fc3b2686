//! How far a log has been read: by the server's cursor if it has the long poll, otherwise by the time of the last
//! record.

use crate::LogStreamId;
use crate::api::{Fact, LogPage, Request, TailCursor, TailPage};
use crate::model::LogRecord;

#[derive(Debug, Default)]
pub(super) struct Position {
    /// The server's cursor of the next part.
    tail: Option<TailCursor>,
    /// The time until which it has been read, in nanoseconds since 1970.
    until: Option<u64>,
    /// How many records without a time have been read after that.
    untimed: usize,
    in_pages: bool,
}

/// The next part of a log.
#[derive(Debug, Default)]
pub(super) struct Part<'a> {
    /// The records, oldest first.
    pub(super) records: &'a [LogRecord],
    /// There are already more.
    pub(super) has_more: bool,
}

/// The server repeats the same part, or sends another one than requested.
#[derive(Debug, PartialEq)]
pub(super) struct Useless;

impl Position {
    /// Returns the request for the next part.
    pub(super) fn request(&self, stream: &LogStreamId) -> Request {
        match self.in_pages {
            true => Request::LogsAfter(stream.clone(), self.until),
            false => Request::Tail(stream.clone(), self.tail.clone()),
        }
    }

    /// Returns whether the answer comes at once, even without new records.
    pub(super) fn is_in_pages(&self) -> bool {
        self.in_pages
    }

    /// Continues by pages from here. Returns whether it did not do so before.
    pub(super) fn turn_to_pages(&mut self) -> bool {
        !std::mem::replace(&mut self.in_pages, true)
    }

    /// Handles an answer.
    pub(super) fn accept<'a>(&mut self, fact: &'a Fact) -> Result<Part<'a>, Useless> {
        match fact {
            Fact::Tail(Some(page)) => Ok(self.accept_tail(page)),
            // The server does not offer it, or no longer knows its own cursor.
            Fact::Tail(None) => Ok(self.accept_no_tail()),
            Fact::Logs(page) => self.accept_page(page),
            _ => Err(Useless),
        }
    }

    fn accept_no_tail(&mut self) -> Part<'static> {
        Part { records: &[], has_more: self.turn_to_pages() }
    }

    fn accept_tail<'a>(&mut self, page: &'a TailPage) -> Part<'a> {
        let is_later = |next: &&TailCursor| self.tail.as_ref() != Some(*next) && Some(next.nanoseconds()) >= self.until;
        match page.next.as_ref().filter(is_later) {
            Some(next) => {
                (self.until, self.tail) = (Some(next.nanoseconds()), Some(next.clone()));
                Part { records: &page.records, has_more: page.has_more && !page.records.is_empty() }
            }
            None if page.records.is_empty() => Part::default(),
            // The next answer would be the same. Pages start at the current position.
            None => self.accept_no_tail(),
        }
    }

    fn accept_page<'a>(&mut self, page: &'a LogPage) -> Result<Part<'a>, Useless> {
        let last = page.next.max(page.records.iter().filter_map(LogRecord::nanoseconds).max());
        match last {
            Some(_) if last > self.until => {
                let records = &page.records[self.untimed.min(page.records.len())..];
                (self.until, self.untimed) = (last, 0);
                Ok(Part { records, has_more: page.next.is_some() && !records.is_empty() })
            }
            Some(_) if !page.records.is_empty() => Err(Useless),
            // As nothing shows where they end, they are repeated in the next page.
            _ => {
                let records = page.records.get(self.untimed..).unwrap_or_default();
                self.untimed = self.untimed.max(page.records.len());
                Ok(Part { records, has_more: false })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RemoteText;

    fn record(text: &str, second: Option<i64>) -> LogRecord {
        let timestamp = second.map(|second| jiff::Timestamp::from_second(second).unwrap());
        LogRecord { body: Some(RemoteText::new(text)), timestamp, ..LogRecord::default() }
    }

    fn tail(texts: &[&str], next: Option<&str>, has_more: bool) -> Fact {
        let records = texts.iter().map(|text| record(text, None)).collect();
        Fact::Tail(Some(TailPage { records, next: next.map(|next| TailCursor::new(next).unwrap()), has_more }))
    }

    fn page(records: &[(&str, Option<i64>)], next: Option<u64>) -> Fact {
        let records = records.iter().map(|(text, second)| record(text, *second)).collect();
        Fact::Logs(LogPage { records, next })
    }

    /// The records read from each answer, and the next request.
    fn read(answers: &[Fact]) -> (Vec<String>, Request) {
        let mut position = Position::default();
        let read = answers.iter().map(|fact| match position.accept(fact) {
            Ok(Part { records, has_more }) => {
                let texts = records.iter().filter_map(|record| record.body.as_ref()).map(|body| body.line(9));
                let texts: Vec<String> = texts.map(|text| text.plain().to_owned()).collect();
                texts.join(" ") + if has_more { " …" } else { "" }
            }
            Err(Useless) => "useless".to_owned(),
        });
        let read = read.collect();
        (read, position.request(&"log1".parse().unwrap()))
    }

    fn after(nanoseconds: Option<u64>) -> Request {
        Request::LogsAfter("log1".parse().unwrap(), nanoseconds)
    }

    #[test]
    fn a_tail_goes_on_from_the_servers_cursor() {
        let (texts, next) =
            read(&[tail(&["a", "b"], Some("5:x"), true), tail(&[], None, true), tail(&["c"], Some("5:y"), false)]);
        assert_eq!(texts, ["a b …", "", "c"]);
        assert_eq!(next, Request::Tail("log1".parse().unwrap(), TailCursor::new("5:y")));
    }

    #[test]
    fn a_tail_that_does_not_go_on_is_read_by_pages_from_there() {
        for useless in [
            tail(&["b"], Some("5:x"), true),
            tail(&["b"], None, true),
            tail(&["b"], Some("4:z"), true),
            Fact::Tail(None),
        ] {
            assert_eq!(
                read(&[tail(&["a"], Some("5:x"), false), useless]),
                (vec!["a".to_owned(), " …".to_owned()], after(Some(5)))
            );
        }
        assert_eq!(read(&[tail(&["a"], None, false)]).1, after(None), "nothing was read");
    }

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn pages_go_on_after_what_the_server_says_or_the_last_time() {
        let none = || Fact::Tail(None);
        let cases = [
            (page(&[("a", Some(1)), ("b", Some(2))], None), "a b", after(Some(2 * SECOND))),
            (page(&[("a", Some(1)), ("b", None)], Some(7 * SECOND)), "a b …", after(Some(7 * SECOND))),
            (page(&[("a", None), ("b", None)], Some(7)), "a b …", after(Some(7))),
            (page(&[("a", None)], None), "a", after(None)),
            (page(&[], None), "", after(None)),
        ];
        for (answer, text, next) in cases {
            assert_eq!(read(&[none(), answer]), (vec![" …".to_owned(), text.to_owned()], next));
        }
    }

    #[test]
    fn records_without_a_time_are_read_once_each() {
        let untimed = |texts: &[&'static str]| page(&texts.iter().map(|text| (*text, None)).collect::<Vec<_>>(), None);
        let timed = page(&[("a", None), ("b", None), ("c", Some(3))], None);
        let answers =
            [Fact::Tail(None), untimed(&["a"]), untimed(&["a", "b"]), untimed(&["a", "b"]), timed, untimed(&["d"])];
        let (texts, next) = read(&answers);
        assert_eq!(texts, [" …", "a", "b", "", "c", "d"]);
        assert_eq!(next, after(Some(3 * SECOND)));
    }

    #[test]
    fn a_page_that_comes_again_is_useless() {
        let again = || page(&[("a", Some(1))], None);
        assert_eq!(read(&[again(), again()]).0, ["a", "useless"]);
        let by_next = || page(&[("a", None)], Some(3));
        assert_eq!(read(&[by_next(), by_next()]).0, ["a …", "useless"]);
    }
}
