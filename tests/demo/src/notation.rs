//! The manifest of a crate from crates.io, rewritten as its author would write it in a namespace: the opposite of what
//! `cargo nsadd` does with it afterwards.

use std::collections::BTreeMap;

use toml_edit::{Array, DocumentMut, Item, Key, Table, TableLike, Value};

/// Where crates live now: the namespace of each, by name.
pub type Homes<'a> = BTreeMap<&'a str, &'a str>;

/// Puts the package and those of its dependencies that have a home into namespace notation. Dependencies on `siblings`,
/// the members of the same workspace, get a path as well.
///
/// `keep` names dependencies that stay as they are, `drop` dependencies and features that go. What only a workspace's
/// root may say goes too.
///
/// # Panics
///
/// When the text is no manifest of a package that has a home.
#[must_use]
pub fn into_notation(manifest: &str, homes: &Homes<'_>, keep: &[&str], drop: &[&str]) -> String {
    let mut document: DocumentMut = manifest.parse().expect("a manifest from crates.io is TOML");
    let name = document["package"]["name"].as_str().expect("a package has a name").to_owned();
    let own = homes.get(name.as_str()).copied();
    if let Some(own) = own {
        document["package"]["name"] = toml_edit::value(format!("{own}/{name}"));
    }
    if own.is_some() {
        document.remove("profile");
        document["package"].as_table_like_mut().expect("a package is a table").remove("resolver");
    }
    for table in dependency_tables(&mut document) {
        qualify_table(table, homes, own, keep, drop);
    }
    if let Some(features) = document.get_mut("features").and_then(Item::as_table_like_mut)
        && qualify_features(features, homes, keep, drop)
    {
        // The source still asks for them, which is no mistake.
        let values = drop.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
        let known: Array = [format!("cfg(feature, values({values}))")].into_iter().collect();
        document["lints"]["rust"]["unexpected_cfgs"]["level"] = toml_edit::value("warn");
        document["lints"]["rust"]["unexpected_cfgs"]["check-cfg"] = toml_edit::value(known);
    }
    document.to_string()
}

/// `[dependencies]`, `[dev-dependencies]`, `[build-dependencies]`, and those of every target.
fn dependency_tables(document: &mut DocumentMut) -> Vec<&mut dyn TableLike> {
    const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let mut tables: Vec<&mut dyn TableLike> = Vec::new();
    for (key, item) in document.as_table_mut().iter_mut() {
        if KINDS.contains(&key.get()) {
            tables.extend(item.as_table_like_mut());
        } else if key.get() == "target"
            && let Some(targets) = item.as_table_like_mut()
        {
            for (_, target) in targets.iter_mut() {
                let Some(target) = target.as_table_like_mut() else { continue };
                let kinds = target.iter_mut().filter(|(kind, _)| KINDS.contains(&kind.get()));
                tables.extend(kinds.filter_map(|(_, item)| item.as_table_like_mut()));
            }
        }
    }
    tables
}

fn qualify_table(
    table: &mut dyn TableLike,
    homes: &Homes<'_>,
    own: Option<&str>,
    keep: &[&str],
    drop: &[&str],
) {
    let names: Vec<String> = table.iter().map(|(key, _)| key.to_owned()).collect();
    for name in names {
        if drop.contains(&name.as_str()) {
            table.remove(&name);
            continue;
        }
        let Some(home) = homes.get(name.as_str()).filter(|_| !keep.contains(&name.as_str())) else {
            continue;
        };
        let Some(mut item) = table.remove(&name) else { continue };
        if own == Some(*home) {
            item = with_path(item, &format!("../{name}"));
        }
        table.entry_format(&Key::new(format!("{home}/{name}"))).or_insert(item);
    }
}

/// The dependency, by path in the workspace and by version for everybody else.
fn with_path(item: Item, path: &str) -> Item {
    let mut table = match item {
        Item::Value(Value::String(version)) => {
            let mut table = Table::new();
            table.insert("version", toml_edit::value(version.into_value()));
            table
        }
        item => item.into_table().expect("a dependency is a version or a table"),
    };
    table.insert("path", toml_edit::value(path));
    Item::Table(table)
}

/// Tells whether a feature went.
fn qualify_features(features: &mut dyn TableLike, homes: &Homes<'_>, keep: &[&str], drop: &[&str]) -> bool {
    let gone = drop.iter().filter(|name| features.remove(name).is_some()).count();
    for (_, item) in features.iter_mut() {
        let Some(list) = item.as_array_mut() else { continue };
        let entries = list.iter().filter_map(Value::as_str).map(|entry| qualified_entry(entry, homes, keep));
        *list = entries.collect::<Array>();
    }
    gone > 0
}

/// `dep:memchr` and `memchr?/std` name a dependency; a bare `memchr` names a feature and stays.
fn qualified_entry(entry: &str, homes: &Homes<'_>, keep: &[&str]) -> String {
    let (prefix, name, rest) = parts(entry);
    let is_feature = prefix.is_empty() && rest.is_empty();
    match homes.get(name) {
        Some(home) if !is_feature && !keep.contains(&name) => format!("{prefix}{home}/{name}{rest}"),
        _ => entry.to_owned(),
    }
}

/// `dep:`, the name, and `/feature` or `?/feature`.
fn parts(entry: &str) -> (&str, &str, &str) {
    let (prefix, body) = if entry.starts_with("dep:") { entry.split_at(4) } else { ("", entry) };
    let (name, rest) = body.split_at(body.find(['?', '/']).unwrap_or(body.len()));
    (prefix, name, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_dependencies_and_features_are_qualified() {
        let manifest = "[package]\nname = \"grep\"\nversion = \"1.0.0\"\n\n\
            [dependencies.bstr]\nversion = \"1.6.2\"\n\n[dependencies.grep-cli]\nversion = \"0.1\"\n\n\
            [dependencies.grep-pcre2]\nversion = \"0.1\"\noptional = true\n\n\
            [dev-dependencies]\nmemchr = \"2\"\nwalkdir = \"2\"\n\n\
            [features]\ndefault = [\"std\"]\nstd = [\"bstr/std\", \"memchr?/std\", \"dep:bstr\", \"bstr\"]\n\
            pcre2 = [\"grep-pcre2\"]\n";
        let homes = Homes::from([
            ("bstr", "regex.example"),
            ("memchr", "regex.example"),
            ("grep", "grep.example"),
            ("grep-cli", "grep.example"),
        ]);
        let text = into_notation(manifest, &homes, &["memchr"], &["grep-pcre2", "pcre2"]);
        let expected: DocumentMut = "[package]\nname = \"grep.example/grep\"\nversion = \"1.0.0\"\n\
            [dependencies.\"regex.example/bstr\"]\nversion = \"1.6.2\"\n\
            [dependencies.\"grep.example/grep-cli\"]\nversion = \"0.1\"\npath = \"../grep-cli\"\n\
            [dev-dependencies]\nmemchr = \"2\"\nwalkdir = \"2\"\n[features]\ndefault = [\"std\"]\n\
            std = [\"regex.example/bstr/std\", \"memchr?/std\", \"dep:regex.example/bstr\", \"bstr\"]\n[lints.rust.unexpected_cfgs]\nlevel = \"warn\"\n\
            check-cfg = ['cfg(feature, values(\"grep-pcre2\", \"pcre2\"))']\n"
            .parse()
            .unwrap();
        let plain = |document: &DocumentMut| -> serde_json::Value {
            toml_json(&Item::Table(document.as_table().clone()))
        };
        assert_eq!(plain(&text.parse().unwrap()), plain(&expected), "{text}");
    }

    fn toml_json(item: &Item) -> serde_json::Value {
        if let Some(table) = item.as_table_like() {
            return table.iter().map(|(key, item)| (key.to_owned(), toml_json(item))).collect();
        }
        match (item.as_array(), item.as_str()) {
            (Some(list), _) => list.iter().filter_map(Value::as_str).collect(),
            (_, Some(text)) => text.into(),
            _ => item.to_string().trim().into(),
        }
    }
}
