//! Links between pages. Pure but for looking whether a file is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::page::fence;

/// Every relative link in these pages that leads nowhere: `page:line: target`.
///
/// # Panics
///
/// When a page cannot be read.
#[must_use]
pub fn broken(pages: &[PathBuf]) -> Vec<String> {
    let mut broken = Vec::new();
    for page in pages {
        for (line, target) in links(&read(page)) {
            if let Some(reason) = fault(page, &target) {
                broken.push(format!("{}:{line}: {target}: {reason}", page.display()));
            }
        }
    }
    broken
}

/// The pages of a book that its `SUMMARY.md` does not list.
///
/// # Panics
///
/// When there is no `SUMMARY.md`.
#[must_use]
pub fn unlisted(book: &Path, pages: &[PathBuf]) -> Vec<PathBuf> {
    let summary = book.join("SUMMARY.md");
    let listed: BTreeSet<PathBuf> =
        links(&read(&summary)).into_iter().map(|(_, target)| book.join(target)).collect();
    let is_page = |page: &&PathBuf| page.starts_with(book) && **page != summary;
    pages.iter().filter(is_page).filter(|page| !listed.contains(*page)).cloned().collect()
}

fn read(page: &Path) -> String {
    fs::read_to_string(page).unwrap_or_else(|error| panic!("cannot read {}: {error}", page.display()))
}

/// Targets of the links outside of code, with their lines.
fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut inside: Option<&str> = None;
    for (index, line) in text.lines().enumerate() {
        match (inside, fence(line)) {
            (Some(open), Some((_, close, ""))) if close.len() >= open.len() => inside = None,
            (None, Some((_, open, _))) => inside = Some(open),
            (None, None) => {
                let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
                let targets = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
                found.extend(targets.map(|target| (index + 1, target.to_owned())));
                let definition = prose.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
                found.extend(definition.map(|(_, target)| (index + 1, target.trim().to_owned())));
            }
            _ => {}
        }
    }
    found
}

/// Why a link leads nowhere; nothing for one that does, or that leaves the repository.
fn fault(page: &Path, target: &str) -> Option<&'static str> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let file = if file.is_empty() { page.to_owned() } else { page.parent()?.join(file) };
    if !file.exists() {
        return Some("there is no such file");
    }
    let is_page = file.extension().is_some_and(|extension| extension == "md");
    if anchor.is_empty() || !is_page || anchors(&read(&file)).contains(anchor) {
        return None;
    }
    Some("the page has no such heading")
}

/// The anchors of a page's headings: lower case, blanks as `-`, and no other punctuation than `-` and `_`.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in text.lines().filter(|line| line.starts_with('#')) {
        let heading = line.trim_start_matches('#').trim();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        anchors.insert(kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase());
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_of_code() {
        let text =
            "See [a](a.md) and `[b](b.md)`, [c](c.md#x \"title\").\n\n```toml\n[d](d.md)\n```\n\n[e]: e.md\n";
        let targets: Vec<String> = links(text).into_iter().map(|(_, target)| target).collect();
        assert_eq!(targets, ["a.md", "c.md#x", "e.md"]);
    }

    #[test]
    fn anchors_are_made_of_headings() {
        let anchors = anchors("# Exit codes: a table\n\n## `cargo nsadd`\n");
        assert!(anchors.contains("exit-codes-a-table") && anchors.contains("cargo-nsadd"), "{anchors:?}");
    }

    #[test]
    fn what_leads_nowhere_is_told_with_its_line() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("SUMMARY.md"), "- [one](one.md)\n").unwrap();
        fs::write(path("one.md"), "# One\n[two](two.md#two) [web](https://hello.example/)\n").unwrap();
        fs::write(path("two.md"), "# Two\n\n[one](one.md#two) [gone](gone.md)\n").unwrap();
        let pages = [path("SUMMARY.md"), path("one.md"), path("two.md")];
        let broken = broken(&pages);
        assert_eq!(broken.len(), 2, "{broken:?}");
        assert!(broken[0].contains("two.md:3: one.md#two") && broken[1].contains("gone.md"), "{broken:?}");
        assert_eq!(unlisted(directory.path(), &pages), [path("two.md")]);
    }
}
