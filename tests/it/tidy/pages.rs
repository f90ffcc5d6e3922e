//! Rules for the book and every other Markdown page.

use std::collections::BTreeSet;

use super::{SourceFile, assert_none, files_below, read, root};

#[test]
fn the_book_and_its_summary_list_the_same_pages() {
    let pages: BTreeSet<String> = files_below("docs/src", &[".md"])
        .into_iter()
        .filter_map(|page| Some(page.path.strip_prefix("docs/src/")?.to_owned()))
        .filter(|page| page != "SUMMARY.md")
        .collect();
    let summary = read("docs/src/SUMMARY.md");
    let listed: BTreeSet<String> = links(&summary)
        .into_iter()
        .map(|link| link.target.trim_start_matches("./").to_owned())
        .collect();
    let breaches: Vec<String> = pages
        .symmetric_difference(&listed)
        .map(|page| {
            let missing = if listed.contains(page) { "no such page" } else { "not in SUMMARY.md" };
            format!("docs/src/{page}: {missing}")
        })
        .collect();
    assert_none("the summary and the pages differ", &breaches);
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut breaches = Vec::new();
    for page in pages() {
        let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for link in links(&page.text) {
            if !leads_somewhere(&page, folder, &link.target) {
                breaches.push(format!("{}:{}: `{}`", page.path, link.line, link.target));
            }
        }
    }
    assert_none("a link that leads nowhere", &breaches);
}

#[test]
fn the_changelog_has_a_place_for_what_comes() {
    assert!(read("CHANGELOG.md").lines().any(|line| line == "## [Unreleased]"));
}

/// Two commands do everything on a fresh machine, and CI runs the second and nothing else.
#[test]
fn the_readme_and_ci_name_the_same_commands() {
    let readme = read("README.md");
    for command in ["cargo run --release -- demo", "cargo xtask test"] {
        assert!(readme.lines().any(|line| line.starts_with(command)), "README.md: no `{command}`");
    }
    let script = read(".ci/run");
    let commands: Vec<&str> = script
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with(['#']))
        .filter(|line| !line.starts_with("set ") && !line.starts_with("cd "))
        .collect();
    assert_eq!(commands, ["exec cargo xtask test"], ".ci/run");
}

/// The pages that people read; recordings and fixtures are none.
fn pages() -> Vec<SourceFile> {
    let mut pages = files_below("", &[".md"]);
    pages.retain(|page| !page.path.contains("fixtures/") && !page.path.contains("transcripts/"));
    pages
}

struct Link {
    line: usize,
    target: String,
}

/// The targets of inline links and pictures, outside code.
fn links(text: &str) -> Vec<Link> {
    let mut found = Vec::new();
    for (index, line) in prose(text) {
        let mut parts = without_code(line);
        while let Some((_, rest)) = parts.split_once("](") {
            let Some((target, after)) = rest.split_once(')') else { break };
            let target = target.split(' ').next().unwrap_or_default().to_owned();
            found.push(Link { line: index + 1, target });
            parts = after.to_owned();
        }
    }
    found
}

/// The lines outside fenced code, numbered from 0.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_fence = false;
    text.lines().enumerate().filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_fence ^= is_fence;
        !in_fence && !is_fence
    })
}

fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

fn leads_somewhere(page: &SourceFile, folder: &str, target: &str) -> bool {
    if ["https://", "http://", "mailto:"].iter().any(|scheme| target.starts_with(scheme)) {
        return true;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    if file.is_empty() {
        return anchors(&page.text).contains(anchor);
    }
    let path = root().join(folder).join(file);
    let found = || std::fs::read_to_string(&path).unwrap_or_default();
    path.exists() && (anchor.is_empty() || anchors(&found()).contains(anchor))
}

/// The anchors that headings get: lower case, blanks as `-`, without punctuation.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings =
        prose(text).filter_map(|(_, line)| line.trim_start_matches('#').strip_prefix(' '));
    headings
        .map(|heading| {
            let kept = |c: &char| c.is_alphanumeric() || ['-', '_', ' '].contains(c);
            heading.trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
        })
        .collect()
}
