//! The rows of the live view: a pure function of the state of the run, the size of the terminal and the time.

use std::time::Duration;

use nuon_gate_core::model::Status;
use nuon_gate_core::{Moment, Verdict};

use super::board::{Board, Entry, Place, Usual};
use super::compact::compact;
use super::row::{INDENT, Row, Span};
use super::screen::Size;
use super::steps::{in_short, steps};
use crate::output::describe::Tone;
use crate::output::outcome;

/// Narrower terminals show nothing.
const FEWEST_COLUMNS: usize = 12;
const FEWEST_ROWS: usize = 3;
/// Maximum length of a bar.
const LONGEST_BAR: usize = 40;
/// The most rows of a note.
const MOST_OF_NOTE: usize = 3;
const SEPARATOR: &str = " · ";

/// Returns the rows, each narrower than the terminal, and fewer than it has.
pub(super) fn frame(board: &Board, size: Size, now: Moment) -> Vec<Row> {
    if size.columns < FEWEST_COLUMNS || size.rows < FEWEST_ROWS {
        return Vec::new();
    }
    // Some lines above stay visible.
    let most = (size.rows / 2).max(2);
    let rows = match board.entries() {
        [] => nothing_yet(board, size, now),
        [only] => single(board, only, size, most, now),
        _ => fleet(board, size, most, now),
    };
    // After a character in the last column the cursor of a terminal stays there, and the next one would overwrite it.
    rows.into_iter().take(most).map(|row| row.cut(size.columns - 1)).collect()
}

fn nothing_yet(board: &Board, size: Size, now: Moment) -> Vec<Row> {
    let head = Row::of([Span::new(Tone::Faint, "- "), Span::new(Tone::Plain, "searching for targets")]);
    flow(head, vec![total(board, now)], size)
}

fn single(board: &Board, entry: &Entry, size: Size, most: usize, now: Moment) -> Vec<Row> {
    let width = Span::new(Tone::Plain, board.label(0)).cells().min(size.columns / 2);
    let (head, mut parts) = opening(board, 0, width, now);
    parts.push(total(board, now));
    let mut rows = flow(head, parts, size);
    rows.extend(usual(entry).map(|usual| bar(usual, size, now)));
    let note =
        besides(entry, now).into_iter().flat_map(|note| note.wrapped(size.columns - 1 - INDENT.len(), MOST_OF_NOTE));
    rows.extend(note.map(|span| Row::of([Span::new(Tone::Plain, INDENT), span])));
    rows.extend(steps(board.steps(), most.saturating_sub(rows.len()), now));
    rows
}

fn fleet(board: &Board, size: Size, most: usize, now: Moment) -> Vec<Row> {
    let totals = Span::new(Tone::Plain, board.totals().plain());
    let mut rows = flow(Row::default(), vec![totals, total(board, now)], size);
    rows.push(totals_bar(board, size));
    rows.extend(in_short(board.steps()));
    let count = board.entries().len();
    let room = most.saturating_sub(rows.len());
    // A few targets keep their order.
    let shown: Vec<usize> = match count <= room {
        true => (0..count).collect(),
        false => board.by_urgency().into_iter().take(room.saturating_sub(1)).collect(),
    };
    let longest = shown.iter().map(|target| Span::new(Tone::Plain, board.label(*target)).cells()).max().unwrap_or(0);
    let width = longest.min(size.columns / 2 - INDENT.len());
    rows.extend(shown.iter().map(|target| one_of_many(board, *target, width, size, now)));
    let others = count - shown.len();
    if others > 0 {
        rows.push(Row::of([Span::new(Tone::Faint, format!("{INDENT}… and {others} more"))]));
    }
    rows
}

/// Returns one of several targets, in one row.
fn one_of_many(board: &Board, target: usize, width: usize, size: Size, now: Moment) -> Row {
    let (head, mut parts) = opening(board, target, width, now);
    parts.extend(besides(&board.entries()[target], now));
    flow(head, parts, size).swap_remove(0)
}

/// Returns the name of a target with the sign of its state, and the state in words.
fn opening(board: &Board, target: usize, width: usize, now: Moment) -> (Row, Vec<Span>) {
    let entry = &board.entries()[target];
    let (sign, tone, words) = standing(entry, now);
    let name = Span::new(Tone::Plain, board.label(target)).cut(width).padded(width).to(board.page(target).as_ref());
    let head = Row::of([Span::new(tone, format!("{sign} ")), name, Span::new(Tone::Plain, INDENT)]);
    (head, [Span::new(tone, words)].into_iter().chain(usual(entry).map(|usual| usually(usual, now))).collect())
}

/// Joins parts into rows; a part that does not fit gets a row of its own.
fn flow(head: Row, parts: Vec<Span>, size: Size) -> Vec<Row> {
    let (mut rows, mut row, mut is_first) = (Vec::new(), head, true);
    for part in parts {
        let longer = if is_first { row.clone() } else { row.clone().and(Span::new(Tone::Faint, SEPARATOR)) };
        let longer = longer.and(part.clone());
        if is_first || longer.most_cells() < size.columns {
            row = longer;
        } else {
            rows.push(row);
            row = Row::of([Span::new(Tone::Plain, INDENT), part]);
        }
        is_first = false;
    }
    rows.push(row);
    rows
}

/// Returns the usual duration of a deploy that has not ended.
fn usual(entry: &Entry) -> Option<Usual> {
    entry.usual.filter(|_| entry.asked.is_none() && matches!(entry.place, Place::At(_)))
}

/// Describes the state of a target, with its sign.
fn standing(entry: &Entry, now: Moment) -> (char, Tone, String) {
    let spent = compact(entry.spent(now));
    match &entry.place {
        Place::Searching => ('-', Tone::Faint, "waiting for the deploy".to_owned()),
        Place::NotStarted => ('-', Tone::Plain, format!("no deploy yet {spent}")),
        Place::At(status) if entry.asked.is_some() => ('!', Tone::Warning, format!("{status} {spent}")),
        Place::At(status) if *status == Status::Error => ('!', Tone::Bad, format!("{status} {spent}")),
        Place::At(status) => ('*', Tone::Plain, format!("{status} {spent}")),
        Place::Ended(verdict, reason) => {
            let reason = reason.as_ref().map(|reason| format!(": {}", reason.plain())).unwrap_or_default();
            let words = format!("{}{reason}", outcome::words(*verdict));
            let (sign, tone) = sign(*verdict);
            (sign, tone, words)
        }
    }
}

/// Returns the sign of a verdict, which takes one cell on every terminal.
pub(in crate::output) fn sign(verdict: Verdict) -> (char, Tone) {
    match Tone::of(verdict) {
        tone @ Tone::Good => ('✓', tone),
        tone @ Tone::Bad => ('✗', tone),
        tone => ('!', tone),
    }
}

/// Returns the note beside the state: the approval that is asked for, or what holds the verdict back.
fn besides(entry: &Entry, now: Moment) -> Option<Span> {
    if let Some((asked, page)) = &entry.asked {
        return Some(Span::new(Tone::Warning, asked.plain()).to(page.as_ref()));
    }
    let words = entry.note.as_ref()?.words(now);
    (!words.is_empty()).then(|| Span::new(Tone::Faint, words.plain()))
}

fn usually(usual: Usual, now: Moment) -> Span {
    let is_late = usual.elapsed(now) > usual.typical();
    Span::new(if is_late { Tone::Warning } else { Tone::Plain }, format!("usually {}", compact(usual.typical())))
}

fn total(board: &Board, now: Moment) -> Span {
    Span::new(Tone::Faint, format!("{} of {}", minutes(now.elapsed()), minutes(board.limit)))
}

/// Draws the progress of a deploy, by the usual duration.
fn bar(usual: Usual, size: Size, now: Moment) -> Row {
    let share = usual.elapsed(now).as_secs_f64() / usual.typical().as_secs_f64().max(1.0);
    let length = bar_length(size);
    let percent = format!(" {:.0}%", (share * 100.0).min(999.0).floor());
    let tone = if share > 1.0 { Tone::Warning } else { Tone::Good };
    let done = cells(length, share);
    Row::of([
        Span::new(Tone::Plain, INDENT),
        Span::new(tone, "━".repeat(done)),
        Span::new(Tone::Faint, "─".repeat(length - done)),
        Span::new(Tone::Faint, percent),
    ])
}

/// Draws how many targets have passed, and how many have not.
fn totals_bar(board: &Board, size: Size) -> Row {
    let count = |is_it: fn(Verdict) -> bool| {
        let ended = board.entries().iter().filter_map(|entry| match &entry.place {
            Place::Ended(verdict, _) => Some(*verdict),
            _ => None,
        });
        ended.filter(|verdict| is_it(*verdict)).count()
    };
    let all = board.entries().len().max(1);
    let length = bar_length(size);
    let part = |ended: usize| ((length * ended).div_ceil(all)).min(length);
    let failed = part(count(|verdict| verdict != Verdict::Passed));
    let passed = (length * count(|verdict| verdict == Verdict::Passed) / all).min(length - failed);
    Row::of([
        Span::new(Tone::Plain, INDENT),
        Span::new(Tone::Good, "━".repeat(passed)),
        Span::new(Tone::Bad, "━".repeat(failed)),
        Span::new(Tone::Faint, "─".repeat(length - passed - failed)),
    ])
}

/// A bar fits even if each of its signs takes two cells.
fn bar_length(size: Size) -> usize {
    (size.columns / 3).min(LONGEST_BAR)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a few dozen")]
fn cells(length: usize, share: f64) -> usize {
    ((length as f64 * share) as usize).min(length)
}

/// Formats an elapsed time and its limit.
fn minutes(time: Duration) -> String {
    match time.as_secs() / 60 {
        0 => format!("{}s", time.as_secs()),
        minutes @ 1..=120 => format!("{minutes}m"),
        _ => compact(time),
    }
}
