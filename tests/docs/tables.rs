//! The tables of the pages: each row has as many cells as the head, as GitHub counts them.

use crate::pages::pages;

/// Returns the number of cells. GitHub takes every `|` without a `\` before it for a border, even inside code.
fn cells(row: &str) -> usize {
    let row = row.trim();
    let borders = row.char_indices().filter(|(at, sign)| *sign == '|' && !row[..*at].ends_with('\\')).count();
    borders.saturating_sub(1)
}

/// Returns the rows that have more or fewer cells than their table's head.
fn faults(text: &str) -> Vec<String> {
    let (mut wrong, mut head, mut in_code) = (Vec::new(), None, false);
    for (number, line) in text.lines().enumerate() {
        in_code ^= line.trim_start().starts_with("```");
        if in_code || !line.trim_start().starts_with('|') {
            head = None;
            continue;
        }
        let expected = *head.get_or_insert(cells(line));
        if cells(line) != expected || !line.trim_end().ends_with('|') {
            wrong.push(format!("{}: {line}", number + 1));
        }
    }
    wrong
}

#[test]
fn every_row_has_the_cells_of_its_head() {
    let wrong = pages().into_iter().flat_map(|page| {
        let name = page.name;
        faults(&page.text).into_iter().map(move |fault| format!("{name}:{fault}"))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_row_with_a_border_too_many_is_found() {
    assert_eq!(faults("| a | b |\n|---|---|\n| `x|y` | z |\n"), ["3: | `x|y` | z |"]);
    assert_eq!(faults("| a | b |\n|---|---|\n| `x\\|y` | z |\n"), [""; 0]);
    assert_eq!(faults("| a | b |\n|---|---|\n| x |\n"), ["3: | x |"]);
}
