//! The shape of a package: all of it, all except some paths, or a stub.
//!
//! A **stub** replaces a package that is in the lock file, but that nothing vendored needs. Cargo reads the manifests of all
//! packages before it builds any. So a stub has the name, version, features and dependencies of the package, which keeps the lock
//! file valid, and an empty library.
//!
//! If **paths** are left out, the manifest stays as published. Cargo does not need the files of a dependency's tests, examples and
//! benches, nor of programs whose path the manifest gives. Only a program whose path Cargo would search is removed from the
//! manifest together with its files.

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, TomlError, Value};

use super::glob;

/// The manifest inside a package.
pub const MANIFEST: &str = "Cargo.toml";

/// What of a package is vendored.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    #[default]
    Whole,
    /// All except the paths that these patterns cover; sorted.
    Without(Vec<String>),
    Stub,
}

/// The files of a stub beside its manifest.
pub struct StubFiles {
    pub files: Vec<(&'static str, &'static str)>,
}

impl Shape {
    /// Whether a file of the package is vendored, as it is or rewritten.
    pub fn keeps(&self, path: &str) -> bool {
        match self {
            Self::Whole => true,
            Self::Stub => path == MANIFEST,
            Self::Without(patterns) => path == MANIFEST || !excluded(patterns, path),
        }
    }

    /// Whether the manifest may differ from the published one.
    pub fn changes_manifest(&self) -> bool {
        *self != Self::Whole
    }

    /// The manifest that is vendored for a published one, and the files that it needs.
    pub fn manifest(&self, text: &str) -> Result<(String, StubFiles), TomlError> {
        match self {
            Self::Whole => Ok((text.to_owned(), StubFiles { files: Vec::new() })),
            Self::Without(patterns) => {
                Ok((without_programs(text, patterns)?, StubFiles { files: Vec::new() }))
            }
            Self::Stub => stub(text),
        }
    }

    /// A stable code, for JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Without(_) => "without",
            Self::Stub => "stub",
        }
    }

    /// A text that is different for different shapes.
    pub fn text(&self) -> String {
        match self {
            Self::Whole => "whole".to_owned(),
            Self::Without(patterns) => format!("without\n{}", patterns.join("\n")),
            Self::Stub => "stub".to_owned(),
        }
    }
}

fn excluded(patterns: &[String], path: &str) -> bool {
    patterns.iter().any(|pattern| glob::covers(pattern, path))
}

/// The first line of a stub's manifest.
const STUB_MARK: &str = "# A stub: nothing that was vendored here needs this package.";

/// Whether a manifest is that of a stub.
pub fn is_stub(manifest: &str) -> bool {
    manifest.starts_with(STUB_MARK)
}

/// The keys of `[package]` that a stub keeps.
const PACKAGE_KEYS: [&str; 6] = ["name", "version", "edition", "rust-version", "links", "resolver"];

/// The tables that a stub keeps: those that Cargo needs to resolve. Features may name dev-dependencies.
const TABLES: [&str; 10] = [
    "cargo-features",
    "package",
    "project",
    "features",
    "dependencies",
    "dev-dependencies",
    "dev_dependencies",
    "build-dependencies",
    "build_dependencies",
    "target",
];

/// The manifest of the stub for a package, and its files.
fn stub(text: &str) -> Result<(String, StubFiles), TomlError> {
    let mut document: DocumentMut = text.parse()?;
    let library = library(&document);
    let others: Vec<String> = document
        .iter()
        .map(|(key, _)| key.to_owned())
        .filter(|key| !TABLES.contains(&key.as_str()))
        .collect();
    for key in others {
        document.remove(&key);
    }
    let mut files = vec![("src/lib.rs", "")];
    for name in ["package", "project"] {
        let Some(package) = document.get_mut(name).and_then(Item::as_table_like_mut) else { continue };
        let others: Vec<String> = package
            .iter()
            .map(|(key, _)| key.to_owned())
            .filter(|key| !PACKAGE_KEYS.contains(&key.as_str()))
            .collect();
        for key in others {
            package.remove(&key);
        }
        // Cargo refuses `links` without a build script.
        if package.contains_key("links") {
            package.insert("build", toml_edit::value("build.rs"));
            files.push(("build.rs", "fn main() {}\n"));
        }
    }
    if let Some(library) = library {
        document.insert("lib", Item::Table(library));
    }
    // A comment above the first table is about the whole published manifest.
    for name in ["package", "project"] {
        if let Some(package) = document.get_mut(name).and_then(Item::as_table_mut) {
            package.decor_mut().clear();
        }
    }
    let text = format!("{STUB_MARK}\n\n{document}");
    Ok((text, StubFiles { files }))
}

/// What a stub keeps of `[lib]`: the name of the library, and whether it is a proc-macro.
fn library(document: &DocumentMut) -> Option<Table> {
    let published = document.get("lib")?.as_table_like()?;
    let mut made = Table::new();
    for key in ["name", "proc-macro", "proc_macro"] {
        if let Some(value) = published.get(key).and_then(Item::as_value) {
            made.insert(key, toml_edit::value(value.clone().decorated(" ", "")));
        }
    }
    if made.is_empty() {
        return None;
    }
    made.insert("path", toml_edit::value("src/lib.rs"));
    Some(made)
}

/// Removes the programs whose files Cargo would not find. A manifest without such a program is not changed at all.
fn without_programs(text: &str, patterns: &[String]) -> Result<String, TomlError> {
    let mut document: DocumentMut = text.parse()?;
    let lost = |program: &dyn TableLike| {
        let name = program.get("name").and_then(Item::as_str);
        let found_by_cargo = !program.contains_key("path");
        name.filter(|_| found_by_cargo).is_some_and(|name| {
            [format!("src/bin/{name}.rs"), format!("src/bin/{name}/main.rs")]
                .iter()
                .any(|path| excluded(patterns, path))
        })
    };
    let mut changed = false;
    match document.get_mut("bin") {
        Some(Item::ArrayOfTables(programs)) => {
            let kept: ArrayOfTables = programs.iter().filter(|program| !lost(*program)).cloned().collect();
            changed = kept.len() < programs.len();
            *programs = kept;
        }
        Some(Item::Value(Value::Array(programs))) => {
            let lost = |value: &Value| value.as_inline_table().is_some_and(|table: &InlineTable| lost(table));
            let kept: Array = programs.iter().filter(|program| !lost(program)).cloned().collect();
            changed = kept.len() < programs.len();
            *programs = kept;
        }
        _ => {}
    }
    Ok(if changed { document.to_string() } else { text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(patterns: &[&str]) -> Shape {
        Shape::Without(patterns.iter().map(|pattern| (*pattern).to_owned()).collect())
    }

    #[test]
    fn what_is_covered_is_left_out_but_never_the_manifest() {
        let shape = without(&["*", "src/c"]);
        assert!(shape.keeps("Cargo.toml") && !shape.keeps("README.md") && !shape.keeps("src/lib.rs"));
        assert!(!without(&["src/c"]).keeps("src/c/x.c") && without(&["src/c"]).keeps("src/lib.rs"));
        assert!(Shape::Stub.keeps("Cargo.toml") && !Shape::Stub.keeps("build.rs"));
    }

    const PUBLISHED: &str = r#"# made by cargo

[package]
edition = "2021"
name = "openssl-sys"
version = "1.0.0"
build = "build/main.rs"
links = "openssl"
include = ["src"]
autobins = false

[package.metadata.docs]
all = true

[features]
default = ["std"]
std = ["libc/std"]

[lib]
name = "ssl"
path = "lib/it.rs"
proc-macro = true
doctest = false

[[test]]
name = "t"
path = "tests/t.rs"

[dependencies.libc]
version = "0.2"
optional = true

[target."cfg(windows)".dependencies.winapi]
version = "0.3"

[build-dependencies.cc]
version = "1"

[profile.release]
lto = true
"#;

    #[test]
    fn a_stub_resolves_as_the_package_did() {
        let (text, files) = Shape::Stub.manifest(PUBLISHED).unwrap();
        assert_eq!(
            text,
            r#"# A stub: nothing that was vendored here needs this package.

[package]
edition = "2021"
name = "openssl-sys"
version = "1.0.0"
links = "openssl"
build = "build.rs"

[features]
default = ["std"]
std = ["libc/std"]

[dependencies.libc]
version = "0.2"
optional = true

[target."cfg(windows)".dependencies.winapi]
version = "0.3"

[build-dependencies.cc]
version = "1"

[lib]
name = "ssl"
proc-macro = true
path = "src/lib.rs"
"#
        );
        assert_eq!(files.files, [("src/lib.rs", ""), ("build.rs", "fn main() {}\n")]);
    }

    #[test]
    fn a_manifest_stays_as_published_unless_cargo_would_look_for_a_program() {
        let explicit = "[package]\nname = \"a\"\n[[bin]]\nname = \"b\"\npath = \"src/bin/b.rs\"\n[[test]]\nname = \"t\"\n";
        assert_eq!(without(&["src/bin", "tests"]).manifest(explicit).unwrap().0, explicit);
        let found =
            "[package]\nname = \"a\"\n\n[[bin]]\nname = \"b\"\n\n[[bin]]\nname = \"c\"\npath = \"x.rs\"\n";
        assert_eq!(without(&["tests"]).manifest(found).unwrap().0, found);
        let made = without(&["src/bin"]).manifest(found).unwrap().0;
        assert_eq!(made, "[package]\nname = \"a\"\n\n[[bin]]\nname = \"c\"\npath = \"x.rs\"\n");
        let inline = "bin = [{ name = \"b\" }, { name = \"c\", path = \"x.rs\" }]\n[package]\nname = \"a\"\n";
        assert!(!without(&["src/bin"]).manifest(inline).unwrap().0.contains("\"b\""));
    }
}
