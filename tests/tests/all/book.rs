//! What the book says about the code, compared with the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_namespaces_cli::env::Var;
use cargo_namespaces_cli::shell::ExitCode;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace").to_owned()
}

fn page(name: &str) -> String {
    let path = root().join("docs/src").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands between single backticks.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The names of all functions below the folders of the workspace's packages.
fn functions() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut directories: Vec<PathBuf> =
        ["shared", "cargo-nsadd", "cargo-nspublish", "cargo-nsvendor", "cargo-nsregistry", "tests", "xtask"]
            .map(|package| root().join(package))
            .into();
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("list a directory") {
            let path = entry.expect("read a directory entry").path();
            if path.is_dir() && !path.ends_with("target") {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("read a source file");
                let named = text.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
                names.extend(named.map(str::to_owned));
            }
        }
    }
    names
}

/// The folders whose pages name tests; in the reference, such words are fields.
const FOLDERS: [&str; 3] = ["security", "protocol", "decisions"];

/// `snake_case` with at least two underscores: nothing but a test is called so in those pages.
fn looks_like_a_test(word: &str) -> bool {
    word.matches('_').count() >= 2 && word.starts_with(|c: char| c.is_ascii_lowercase()) && is_snake(word)
}

fn is_snake(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[test]
fn the_tests_that_the_book_names_exist() {
    let functions = functions();
    let mut missing = Vec::new();
    let mut named = 0;
    for folder in FOLDERS {
        for entry in fs::read_dir(root().join("docs/src").join(folder)).expect("list a directory") {
            let path = entry.expect("read a directory entry").path();
            let text = fs::read_to_string(&path).expect("read a page");
            for test in codes(&text).filter(|word| looks_like_a_test(word)) {
                named += 1;
                if !functions.contains(test) {
                    missing.push(format!("{}: {test}", path.display()));
                }
            }
        }
    }
    assert!(named > 80, "only {named} tests were found in the pages");
    assert!(missing.is_empty(), "no such test:\n{}", missing.join("\n"));
}

#[test]
fn every_environment_variable_is_in_the_reference() {
    let text = page("reference/environment.md");
    let documented: BTreeSet<&str> = codes(&text).collect();
    let missing: Vec<&str> =
        Var::ALL.iter().map(|var| var.name()).filter(|name| !documented.contains(name)).collect();
    assert!(missing.is_empty(), "not in the page: {missing:?}");
}

#[test]
fn every_exit_code_is_in_the_reference() {
    let text = page("reference/exit-codes.md");
    for line in ExitCode::TABLE.lines() {
        let (code, about) = line.trim().split_once(' ').expect("a code and what it means");
        let row = format!("| {code} | {} |", about.trim());
        assert!(text.contains(&row), "not in the page: {row}");
    }
}
