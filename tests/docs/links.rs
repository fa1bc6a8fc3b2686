//! The links of the pages: each file and each heading exists.

use std::collections::HashSet;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::pages::{Page, pages, root};

/// Returns the targets of a page's links and pictures.
fn links(text: &str) -> Vec<String> {
    let destination = |event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url.into_string()),
        _ => None,
    };
    Parser::new_ext(text, Options::ENABLE_TABLES).filter_map(destination).collect()
}

/// Returns the anchors of a page's headings, as GitHub makes them.
fn anchors(text: &str) -> HashSet<String> {
    let (mut anchors, mut heading) = (HashSet::new(), None);
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(part) | Event::Code(part) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&part);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let anchor = anchor(&heading.take().unwrap_or_default());
                // GitHub numbers a repeated anchor, which readers cannot guess.
                assert!(anchors.insert(anchor.clone()), "two headings have the anchor #{anchor}");
            }
            _ => {}
        }
    }
    anchors
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Returns what is wrong with a link of a page.
fn fault(page: &Page, link: &str) -> Option<String> {
    if let Some((scheme, _)) = link.split_once("://") {
        return (scheme != "https").then(|| "is not https".to_owned());
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let folder = root().join(&page.name).parent().unwrap().to_owned();
    let file = if path.is_empty() { root().join(&page.name) } else { folder.join(path) };
    let Ok(file) = file.canonicalize() else { return Some("leads to no file".to_owned()) };
    if !file.starts_with(root()) {
        return Some("leads out of the repository".to_owned());
    }
    let anchor = anchor?;
    let text = std::fs::read_to_string(&file).unwrap();
    (!anchors(&text).contains(anchor)).then(|| "leads to no heading".to_owned())
}

#[test]
fn every_link_leads_somewhere() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for page in pages() {
        for link in links(&page.text) {
            count += 1;
            wrong.extend(fault(&page, &link).map(|why| format!("{}: {link} {why}", page.name)));
        }
    }
    assert!(count > 100, "{count}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_can_be_reached_from_the_readme() {
    let pages = pages();
    let (mut reached, mut next) = (HashSet::new(), vec!["README.md".to_owned()]);
    while let Some(name) = next.pop() {
        if !reached.insert(name.clone()) {
            continue;
        }
        let Some(page) = pages.iter().find(|page| page.name == name) else { continue };
        let folder = root().join(&page.name).parent().unwrap().to_owned();
        let files = links(&page.text).into_iter().filter(|link| !link.contains("://"));
        let files = files.filter_map(|link| folder.join(link.split('#').next()?).canonicalize().ok());
        next.extend(files.filter_map(|file| Some(file.strip_prefix(root()).ok()?.to_str()?.replace('\\', "/"))));
    }
    // GitHub itself shows the files in its folder.
    let lost = pages.iter().filter(|page| !page.name.starts_with(".github/") && !reached.contains(&page.name));
    let lost: Vec<&str> = lost.map(|page| page.name.as_str()).collect();
    assert!(lost.is_empty(), "nothing leads to {lost:?}");
}

/// Returns the headings of the page about the server that the sources cite.
fn cited(folder: &std::path::Path, found: &mut HashSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            cited(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = std::fs::read_to_string(path).unwrap();
            // A heading may be wrapped.
            let lines = source.lines().map(|line| line.trim_start().trim_start_matches(['/', '!']).trim());
            let text = lines.collect::<Vec<_>>().join(" ");
            let headings = text.split("`docs/nuon-api.md`, \"").skip(1).filter_map(|rest| rest.split('"').next());
            found.extend(headings.map(|heading| heading.trim_end_matches('.').to_owned()));
        }
    }
}

#[test]
fn the_sources_cite_every_section_about_the_server_and_nothing_else() {
    let page = std::fs::read_to_string(root().join("docs/nuon-api.md")).unwrap();
    let headings = |mark: &str| page.lines().filter_map(|line| line.strip_prefix(mark)).collect::<HashSet<_>>();
    let (sections, parts) = (headings("## "), headings("### "));
    let mut found = HashSet::new();
    cited(&root().join("crates"), &mut found);
    let uncited: Vec<_> = sections.iter().filter(|section| !found.contains(**section)).collect();
    let lost: Vec<_> = found.iter().filter(|one| !sections.contains(&***one) && !parts.contains(&***one)).collect();
    assert!(uncited.is_empty() && lost.is_empty(), "not cited: {uncited:?}; cited and not there: {lost:?}");
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let page = Page { name: "docs/judging.md".to_owned(), text: String::new() };
    for (link, why) in [
        ("absent.md", Some("leads to no file")),
        ("../README.md#absent", Some("leads to no heading")),
        ("../../elsewhere", Some("leads to no file")),
        ("../..", Some("leads out of the repository")),
        ("http://example.com", Some("is not https")),
        ("../README.md#exit-codes", None),
        ("reference.md", None),
        ("https://example.com", None),
    ] {
        assert_eq!(fault(&page, link).as_deref(), why, "{link}");
    }
    assert_eq!(anchor("Why not a curl loop?"), "why-not-a-curl-loop");
    assert_eq!(links("| [a](x) | ![b](y#z) |\n|---|---|\n"), ["x", "y#z"]);
}
