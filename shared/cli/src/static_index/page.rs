//! The page of a site, for people.

use std::fmt::Write as _;

use super::layout::StaticIndexLayout;
use cargo_namespaces::index::{IndexFile, IndexLine};
use cargo_namespaces::name::RegistryName;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;\
    color:#1b1b1b;background:#fff}code,pre{background:#f2f2f2;padding:.1em .3em}pre{padding:.8em;overflow:auto}\
    table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3em .6em;border-bottom:1px solid #ddd}\
    @media(prefers-color-scheme:dark){body{background:#16181b;color:#e8e8e8}code,pre{background:#26292e}\
    td,th{border-color:#3a3d42}a{color:#8ab4f8}}";

/// What tells our page from one that somebody wrote.
const GENERATOR: &str = "cargo nspublish";

/// Whether a page is ours to replace.
#[must_use]
pub fn is_index_page(page: &[u8]) -> bool {
    String::from_utf8_lossy(page).contains(&format!("<meta name=\"generator\" content=\"{GENERATOR}\">"))
}

/// The page: the crates, and how to depend on one. No script; every text escaped.
#[must_use]
pub fn index_page(layout: &StaticIndexLayout, crates: &[IndexFile]) -> String {
    let namespace = escape(&layout.namespace().display_both());
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"generator\" content=\"{GENERATOR}\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{namespace}: Rust crates</title>\n<style>{STYLE}</style>\n\
         <h1>{namespace}</h1>\n<p>Rust crates in the namespace <code>{namespace}</code>.</p>\n"
    );
    let newest: Vec<&IndexLine> = crates.iter().filter_map(newest).collect();
    page.push_str("<table>\n<tr><th>Crate<th>Newest<th>Add it to your project\n");
    for line in &newest {
        let _ = writeln!(
            page,
            "<tr><td>{0}<td>{1}<td><code>cargo nsadd {2}/{0}</code>",
            escape(line.name.as_str()),
            escape(&line.vers.to_string()),
            escape(layout.namespace().as_str()),
        );
    }
    let registry = RegistryName::from_namespace(layout.namespace());
    let _ = write!(
        page,
        "</table>\n<h2>With stock Cargo alone</h2>\n<p>In <code>.cargo/config.toml</code>:</p>\n\
         <pre>[registries.{registry}]\nindex = \"{}\"</pre>\n<p>and then \
         <code>cargo add --registry {registry} CRATE</code>. That checks no signature; \
         <code>cargo nsadd</code> does.</p>\n",
        escape(layout.index().as_str()),
    );
    page
}

/// The newest release that is not yanked, or else the newest.
fn newest(file: &IndexFile) -> Option<&IndexLine> {
    let newest =
        |yanked: bool| file.lines().filter(move |l| l.yanked == yanked).max_by(|a, b| a.vers.cmp(&b.vers));
    newest(false).or_else(|| newest(true))
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_namespaces::name::{IndexUrl, Namespace};

    #[test]
    fn the_page_of_an_empty_site_says_how_to_use_it() {
        let namespace = Namespace::parse("grep.example").unwrap();
        let index = IndexUrl::default_for(&namespace);
        let page = index_page(&StaticIndexLayout::new(namespace, index, None).unwrap(), &[]);
        assert!(page.contains("[registries.grep_example]"), "{page}");
        assert!(page.contains("Content-Security-Policy"), "{page}");
        assert!(!page.contains("<script"), "{page}");
    }

    #[test]
    fn markup_in_a_text_is_text() {
        assert_eq!(escape("<b a='\"'>&"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
    }
}
