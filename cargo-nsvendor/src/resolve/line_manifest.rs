//! Making a manifest of an index line. A line has all that Cargo needs to resolve. Pure.

use cargo_namespaces::index::{DependencyKind, IndexDep, IndexLine};
use cargo_namespaces::name::CRATES_IO_INDEX;
use toml_edit::{Array, DocumentMut, Item, Table, Value, value};

/// The manifest of the release that `line` is about. `index` is that of its registry, `None` for crates.io.
pub fn text(line: &IndexLine, index: Option<&str>) -> String {
    let mut document = DocumentMut::new();
    let mut package = Table::new();
    package.insert("name", value(line.name.as_str()));
    package.insert("version", value(line.vers.to_string()));
    if let Some(links) = &line.links {
        package.insert("links", value(links));
    }
    document.insert("package", Item::Table(package));
    let mut features = Table::new();
    for (name, means) in line.features.iter().chain(&line.features2) {
        features.insert(name, value(means.iter().map(String::as_str).collect::<Array>()));
    }
    document.insert("features", Item::Table(features));
    for dependency in &line.deps {
        let table = match dependency.kind {
            DependencyKind::Normal => "dependencies",
            DependencyKind::Build => "build-dependencies",
            DependencyKind::Dev => "dev-dependencies",
        };
        let at = match &dependency.target {
            Some(target) => child(child(document.as_table_mut(), "target"), target),
            None => document.as_table_mut(),
        };
        child(at, table).insert(&dependency.name, Item::Table(declared(dependency, index)));
    }
    document.to_string()
}

fn declared(dependency: &IndexDep, index: Option<&str>) -> Table {
    let mut made = Table::new();
    made.insert("version", value(&dependency.req));
    if let Some(package) = &dependency.package {
        made.insert("package", value(package));
    }
    // A line names the registry of a dependency only if it is another one.
    let registry = dependency.registry.as_deref().or(index).filter(|url| !url.ends_with(CRATES_IO_INDEX));
    if let Some(registry) = registry {
        made.insert("registry-index", value(registry));
    }
    if dependency.optional {
        made.insert("optional", value(true));
    }
    if !dependency.default_features {
        made.insert("default-features", value(false));
    }
    if !dependency.features.is_empty() {
        let features: Array = dependency.features.iter().map(String::as_str).collect();
        made.insert("features", Item::Value(Value::Array(features)));
    }
    made
}

/// The table below `table`. It is created if it does not exist.
fn child<'t>(table: &'t mut Table, key: &str) -> &'t mut Table {
    let mut made = Table::new();
    made.set_implicit(true);
    let item = table.entry(key).or_insert(Item::Table(made));
    item.as_table_mut().expect("only tables are put here")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_needed_to_resolve() {
        let zeros = "0".repeat(64);
        let line = format!(
            r#"{{"name":"a","vers":"1.2.3","cksum":"{zeros}","features":{{"default":["x"]}},"features2":{{"x":["dep:b"]}},
               "links":"z","deps":[
               {{"name":"b","req":"^1","features":["f"],"optional":true,"default_features":false,"target":null,"kind":"normal"}},
               {{"name":"c","req":"^2","features":[],"optional":false,"default_features":true,"target":"cfg(windows)","kind":"build",
                 "registry":"https://github.com/rust-lang/crates.io-index","package":"sea"}}]}}"#
        );
        let line = IndexLine::parse(&line.replace('\n', "")).unwrap();
        let expected = r#"[package]
name = "a"
version = "1.2.3"
links = "z"

[features]
default = ["x"]
x = ["dep:b"]

[dependencies.b]
version = "^1"
registry-index = "sparse+https://a.example/"
optional = true
default-features = false
features = ["f"]

[target."cfg(windows)".build-dependencies.c]
version = "^2"
package = "sea"
"#;
        assert_eq!(text(&line, Some("sparse+https://a.example/")), expected);
        assert!(!text(&line, None).contains("registry-index"));
    }
}
