//! Examples in the documentation, run as they stand, and the links between its pages.
//!
//! Every block marked `console` in a page is a terminal session: lines after `$ ` are typed (`> ` continues one), `? 4` after
//! them says the exit code when it is not 0, the rest is what must come out. In the output `...` alone on a line stands
//! for any lines, `[..]` for anything within one; keys, digests, moments and durations may differ by themselves. The
//! blocks of a page run in order, in one place. Comments, each on a line of its own, say the rest:
//!
//! | | |
//! |---|---|
//! | `<!-- world: hello.example published -->` | from here on, in a new world of that name ([`setup`]) |
//! | `<!-- run: touch x -->` | a line that is run but not shown |
//! | `<!-- keeps running: Ctrl-C ends it -->` | the next line typed is at a second terminal and runs on, once it has printed that |
//! | `<!-- not run: needs a GitHub account -->` | the next block is only shown, and why |
//!
//! With `EXAMPLES=overwrite` in the environment (`cargo xtask docs --bless`), the pages get the real output.

pub mod compare;
pub mod links;
pub mod page;
pub mod session;
pub mod setup;

use std::fs;
use std::path::{Path, PathBuf};

/// The documentation: the pages of the repository's root, and those of the book.
///
/// # Panics
///
/// When a directory cannot be read.
#[must_use]
pub fn pages(root: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    markdown(root, false, &mut pages);
    let book = root.join("docs/src");
    if book.is_dir() {
        markdown(&book, true, &mut pages);
    }
    pages.sort();
    pages
}

fn markdown(directory: &Path, deep: bool, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("list a directory") {
        let path = entry.expect("read a directory entry").path();
        if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        } else if deep && path.is_dir() {
            markdown(&path, deep, pages);
        }
    }
}

/// The repository's root.
#[must_use]
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().map_or_else(|| manifest.to_owned(), Path::to_owned)
}
