//! The documentation: its examples do what they show, its links lead somewhere.

use std::fs;
use std::path::Path;
use std::thread;

use crate::examples::{links, pages, root, session};

#[test]
fn examples_do_what_they_show() {
    let root = root();
    let pages = pages(&root);
    let overwrite = std::env::var_os("EXAMPLES").is_some_and(|value| value == "overwrite");
    let mut failures = Vec::new();
    // Two pages at a time: more would only wait for one another.
    for two in pages.chunks(2) {
        thread::scope(|scope| {
            let threads: Vec<_> =
                two.iter().map(|page| scope.spawn(|| run(&root, page, overwrite))).collect();
            for thread in threads {
                failures.extend(thread.join().expect("a page's world can be built"));
            }
        });
    }
    assert!(
        failures.is_empty(),
        "{}\n\n`cargo xtask docs --bless` puts what really comes out into the pages.",
        failures.join("\n\n")
    );
}

fn run(root: &Path, page: &Path, overwrite: bool) -> Vec<String> {
    let text = fs::read_to_string(page).expect("read a page");
    let name = page.strip_prefix(root).unwrap_or(page).display().to_string();
    let outcome = session::run_page(&name, &text);
    if !overwrite {
        return [outcome.failures, outcome.differences].concat();
    }
    if outcome.updated != text {
        fs::write(page, &outcome.updated).expect("write a page");
    }
    outcome.failures
}

#[test]
fn relative_links_lead_somewhere() {
    let broken = links::broken(&pages(&root()));
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn the_summary_of_the_book_lists_every_page() {
    let root = root();
    let book = root.join("docs/src");
    let unlisted = links::unlisted(&book, &pages(&root));
    assert!(unlisted.is_empty(), "not in docs/src/SUMMARY.md: {unlisted:?}");
}

const PAGE: &str = "\
<!-- world: hello.example added -->
<!-- run: mkdir \"$WWW/extra\" -->
```console
$ cargo tree
...
app v0.1.0 (/home/you/app)
└── hello v[..] (registry `hello_example`)

$ ls $WWW
extra
...

$ cat nothing
? 1
something else
```

<!-- not run: it would never end -->
```console
$ yes
```
";

#[test]
fn an_example_that_prints_something_else_is_found_and_put_right() {
    let outcome = session::run_page("page.md", PAGE);
    assert_eq!(outcome.steps, 3);
    assert_eq!((outcome.failures.len(), outcome.differences.len()), (0, 1), "{outcome:?}");
    assert!(outcome.differences[0].starts_with("page.md:13: `cat nothing` prints something else"));
    let right = "cat: nothing: No such file or directory";
    assert_eq!(outcome.updated, PAGE.replace("something else", right));
}

#[test]
fn a_page_that_names_no_world_of_ours_is_refused() {
    let outcome = session::run_page("page.md", "<!-- world: mars -->\n```console\n$ true\n```\n");
    assert_eq!(outcome.failures, ["page.md:1: no world is called `mars`"]);
}
