//! Shortens a text without losing what it says of an error.

use std::ops::Range;

/// What stands for what is left out.
const LEFT_OUT: &str = "…";

/// With less room, only the error is kept.
const ROOM_FOR_ENDS: usize = 40;

/// How far before the word for an error the cut may begin, so that it keeps a name such as `ResourceExhaustedError`.
const LONGEST_NAME: usize = 40;

/// Words of errors, best first: the last that is followed by what it says, as causes are named last, else the first of any.
const NAMED: [&str; 3] = ["error", "exception", "fatal"];
const ANY: [&str; 8] = ["error", "exception", "fatal", "panic", "denied", "exceeded", "failed", "failure"];

/// Returns so much of a text as there is room for: what is said from the word for an error on, and a part of the beginning and
/// of the end. Without such a word, more of the beginning.
///
/// `pieces` are what is not cut in two: where each begins, and how much room it takes when it is `shown`.
pub fn around_error_word(text: &str, pieces: &[(usize, usize)], room: usize, shown: impl Fn(&str) -> String) -> String {
    if pieces.iter().map(|(_, cost)| cost).sum::<usize>() <= room {
        return shown(text);
    }
    let place = |at: usize| pieces.get(at).map_or(text.len(), |(begins, _)| *begins);
    let mut shortened = String::new();
    let mut end = 0;
    for part in parts(text, pieces, room.saturating_sub(3)) {
        let mut said = &text[place(part.start)..place(part.end)];
        if part.start > end {
            said = said.trim_start();
            shortened += LEFT_OUT;
        }
        end = part.end;
        shortened += &shown(if end < pieces.len() { said.trim_end() } else { said });
    }
    if end < pieces.len() && room > 0 {
        shortened += LEFT_OUT;
    }
    shortened
}

/// Returns which pieces to show: the first ones, those from the error on, the last ones.
fn parts(text: &str, pieces: &[(usize, usize)], room: usize) -> Vec<Range<usize>> {
    let cost = |range: Range<usize>| pieces[range].iter().map(|(_, cost)| cost).sum::<usize>();
    let costs = || pieces.iter().map(|(_, cost)| *cost);
    let count = pieces.len();
    let share = if room < ROOM_FOR_ENDS { 0 } else { room / 4 };
    let head = fitting(costs(), share);
    let tail = count - fitting(costs().rev(), share).min(count - head);
    let left = room.saturating_sub(cost(0..head) + cost(tail..count));
    let error = error_in(text).map_or(head, |at| pieces.partition_point(|(begins, _)| *begins < at));
    let error = error.clamp(head, tail);
    let end = error + fitting(costs().take(tail).skip(error), left);
    // Where the error is near the end, there is room for more of what is before it.
    let start = error - fitting(costs().take(error).skip(head).rev(), left - cost(error..end));
    let mut parts: Vec<Range<usize>> = Vec::new();
    for part in [0..head, start..end, tail..count].into_iter().filter(|part| !part.is_empty()) {
        match parts.last_mut() {
            Some(last) if last.end == part.start => last.end = part.end,
            _ => parts.push(part),
        }
    }
    parts
}

/// Returns how many of some pieces there is room for.
fn fitting(costs: impl Iterator<Item = usize>, room: usize) -> usize {
    let mut used = 0;
    costs
        .take_while(|cost| {
            used += cost;
            used <= room
        })
        .count()
}

/// Returns where a text names an error.
fn error_in(text: &str) -> Option<usize> {
    let small = text.to_ascii_lowercase();
    let says_what = |(at, word): &(usize, &str)| {
        let rest = small[at + word.len()..].trim_start_matches('"');
        rest.starts_with([':', '=']) && !rest[1..].trim_start().starts_with("null")
    };
    let named = NAMED.iter().filter_map(|word| small.rmatch_indices(word).find(says_what)).map(|(at, _)| at).max();
    let any = || ANY.iter().filter_map(|word| small.find(word)).min();
    let at = named.or_else(any)?;
    let name = text[..at].bytes().rev().take_while(u8::is_ascii_alphanumeric).count();
    Some(if name <= LONGEST_NAME { at - name } else { at })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortened(text: &str, room: usize) -> String {
        let pieces: Vec<_> = text.char_indices().map(|(at, _)| (at, 1)).collect();
        around_error_word(text, &pieces, room, str::to_owned)
    }

    #[test]
    fn what_is_wrong_is_kept_however_long_the_line_is() {
        let (x, y) = ("x".repeat(400), "y".repeat(400));
        let table = [
            // What there is, the room, and what is kept of it.
            ("quota exceeded".to_owned(), 14, "quota exceeded".to_owned()),
            (x.clone(), 43, format!("{}…{}", "x".repeat(30), "x".repeat(10))),
            (x.clone(), 10, format!("{}…", "x".repeat(7))),
            (format!("{x} Error: quota exceeded"), 30, "…xxxxx Error: quota exceeded".to_owned()),
            (format!("Error: quota exceeded {y}"), 30, "Error: quota exceeded yyyyy…".to_owned()),
            (format!("{x} Error: quota exceeded {y}"), 83, {
                format!("{}…Error: quota exceeded {}…{}", "x".repeat(20), "y".repeat(18), "y".repeat(20))
            }),
            // The cause is named last, and causes have names.
            (
                format!("error: deploy failed: {x}: QuotaError: none left, {y}"),
                32,
                "…QuotaError: none left, yyyyyy…".to_owned(),
            ),
            // A field for an error that there is none of, and one that has it.
            (
                format!(r#"{{"x":"{x}","error":"none left","y":"{y}","error":null}}"#),
                25,
                r#"…error":"none left","y"…"#.to_owned(),
            ),
            // A word that says less is better than none, and the first is it.
            (format!("{x} access denied to {y}: failed"), 25, "…denied to yyyyyyyyyyyy…".to_owned()),
            (x.clone() + "error", 12, "…xxxxerror".to_owned()),
            ("é".repeat(400) + " Error: é" + &"é".repeat(400), 16, "…Error: éééééé…".to_owned()),
        ];
        for (text, room, kept) in table {
            assert_eq!(shortened(&text, room), kept, "{text} in {room}");
        }
    }

    #[test]
    fn there_is_always_room_for_it() {
        let lines = ["x".repeat(300), "error ".repeat(60), format!("{0} fatal: é {0}", "☃ ".repeat(90))];
        for (line, room) in lines.iter().flat_map(|line| (0..320).map(move |room| (line, room))) {
            assert!(shortened(line, room).chars().count() <= room, "{line} in {room}");
        }
    }
}
