//! The transcript of the guide in the documentation is what appears at a terminal.
//!
//! `UPDATE_TRANSCRIPTS=1 cargo nextest run -p namespace-tests transcript` writes it anew. What differs from run to run
//! (keys, tokens, directories, times) is replaced.

use std::path::PathBuf;

use namespace_world::at_terminal;
use namespace_world::terminal::shown;

use super::{Desk, index};

/// Words that are new in every run, as their kind.
fn stable(text: &str, root: &str) -> String {
    let text = text.replace(root, "~").replace("~/projects/", "~/");
    let mut lines = Vec::new();
    let mut tokens: Vec<String> = Vec::new();
    for line in text.lines() {
        let word = |word: &str| match word {
            word if word.starts_with("sha256-") => {
                let at = tokens.iter().position(|token| token == word).unwrap_or(tokens.len());
                if at == tokens.len() {
                    tokens.push(word.to_owned());
                }
                format!("sha256-{}…", ["6GCaJ7", "kQ81Zb", "u3Fv0T"][at.min(2)])
            }
            word if word.starts_with("ed25519:") => "ed25519:Oe38J…".to_owned(),
            word => word.to_owned(),
        };
        let line: Vec<String> = line.split(' ').map(word).collect();
        let line = line.join(" ");
        let timed = ["    Finished", "    Packaged"].iter().any(|start| line.starts_with(start));
        lines.push(match line.split_once(" in ").or_else(|| line.split_once(", ")) {
            Some((before, _)) if timed => before.to_owned(),
            _ => line,
        });
    }
    lines.join("\n") + "\n"
}

#[test]
fn the_transcript_of_the_documentation_is_what_appears() {
    let desk = Desk::without_passphrase();
    desk.world.set_env("CARGO_TERM_PROGRESS_WHEN", "never");
    let index = index("hello.example");
    desk.nspublish(&["setup", "hello.example", "--index", index.as_str(), "--yes", "--plain"])
        .args(&["--device-file", "device.pem", "--recovery-file", "recovery.pem"])
        .success();
    let project = desk.package("hello", "hello", "1.0.0", "");
    let thread = desk.put_up_when_asked();
    let output = at_terminal(
        &desk.guided(&project),
        &[("What shall the key publish?", "\r"), ("Where will you put the record?", "\r")],
    )
    .success();
    thread.join().unwrap();
    let root = desk.world.root().display().to_string();
    let text = format!("$ cargo nspublish --allow-dirty\n{}", stable(&shown(&output.stdout), &root));
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/src/guide/transcripts/guide.txt");
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), text);
}
