//! Where namespace notation stands in a manifest.
//!
//! Cargo takes neither a `/` nor an `@` in a package's name or in a dependency's key, and no `.` in a registry's name, so a
//! text there that holds one is notation, and whatever else it may be it is never valid as it stands.

use crate::name::{Namespace, QualifiedName};
use crate::toml_text::{Nodes, Position, Value, join, path};

/// One piece of namespace notation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Notation {
    /// Where.
    pub position: Position,
    /// The key or the value, without quotes.
    pub text: String,
}

/// The feature that unlocks qualified names in the Cargo that was once patched for them.
pub(crate) const CARGO_FEATURE: &str = "domain-namespaces";

/// crates.io, where a namespace is expected.
pub(crate) const CRATES_IO: &str = "crates.io";

/// Whether a package's name or a dependency's key says where the crate comes from: `serde.rs/serde-abc`, or
/// `serde-abc@serde.rs`.
pub(crate) fn is_qualified(name: &str) -> bool {
    name.contains(['/', '@'])
}

/// A reference to a dependency in a `[features]` entry or in `required-features`, in namespace notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FeatureRef<'t> {
    /// `dep:…`
    pub(crate) dep: bool,
    /// `namespace/crate` or `crate@namespace`
    pub(crate) name: &'t str,
    /// `…?/feature`
    pub(crate) weak: bool,
    /// The dependency's feature.
    pub(crate) feature: Option<&'t str>,
}

impl<'t> FeatureRef<'t> {
    /// Reads an entry; nothing for Cargo's own forms. `a.b/c` is never Cargo's: before a `/` stands a dependency's key,
    /// which has no dot. Nor is anything with an `@`.
    pub(crate) fn parse(entry: &'t str) -> Option<Self> {
        let (dep, body) = match entry.strip_prefix("dep:") {
            Some(body) => (true, body),
            None => (false, entry),
        };
        let before = match QualifiedName::at_parts(body) {
            Some((krate, _)) => krate,
            None => body.split_once('/').map(|(namespace, _)| namespace).filter(|name| name.contains('.'))?,
        };
        let rest = &body[before.len() + 1..];
        let (second, feature) = match rest.split_once('/') {
            Some((second, feature)) => (second, Some(feature)),
            None => (rest, None),
        };
        let (second, weak) = match second.strip_suffix('?') {
            Some(second) => (second, true),
            None => (second, false),
        };
        let name = &body[..before.len() + 1 + second.len()];
        Some(Self { dep, name, weak, feature })
    }

    /// The entry in Cargo's form, for the dependency's key.
    pub(crate) fn with_key(&self, key: &str) -> String {
        let dep = if self.dep { "dep:" } else { "" };
        let weak = if self.weak { "?" } else { "" };
        match self.feature {
            Some(feature) => format!("{dep}{key}{weak}/{feature}"),
            None => format!("{dep}{key}{weak}"),
        }
    }
}

/// A package id spec with a qualified name: `serde.rs/serde-abc` or `serde-abc@serde.rs`, maybe with `:1.0.0` or `@1.0.0`.
/// Returns the qualified name and the rest. `serde-abc@1.0.0` is Cargo's: behind its `@` stands a version.
pub(crate) fn qualified_spec(spec: &str) -> Option<(&str, &str)> {
    if spec.contains("://") {
        return None;
    }
    let from = match QualifiedName::at_parts(spec) {
        Some((krate, rest)) if !rest.starts_with(|c: char| c.is_ascii_digit()) || is_domain(rest) => {
            krate.len() + 1
        }
        Some(_) => return None,
        None if spec.contains('/') => 0,
        None => return None,
    };
    Some(spec.split_at(spec[from..].find([':', '@']).map_or(spec.len(), |at| from + at)))
}

/// Whether a text is a domain up to its first `:` or `@`.
fn is_domain(text: &str) -> bool {
    Namespace::parse(text.split([':', '@']).next().unwrap_or_default()).is_ok()
}

/// The arrays outside of `[features]` that name features: `required-features` of the targets, and docs.rs' `features`.
pub(crate) fn feature_lists<'d>(nodes: &Nodes<'d, '_>) -> Vec<&'d Value> {
    let mut lists = Vec::new();
    for target in ["bin", "example", "test", "bench"] {
        for node in nodes.at(&path([target, "required-features"])) {
            if let crate::toml_text::Role::Entry(entry) = node.role {
                lists.push(&entry.value);
            }
        }
    }
    lists.extend(nodes.value(&path(["package", "metadata", "docs", "rs", "features"])));
    lists
}

/// Everything that [`rewrite`](super::rewrite()) would change, in the order of the text.
pub(crate) fn find_notation(nodes: &Nodes<'_, '_>) -> Vec<Notation> {
    let mut found = Vec::new();
    let mut add = |offset: usize, text: &str| {
        found.push(Notation { position: Position::of(nodes.toml.text, offset), text: text.to_owned() });
    };
    let mut add_key = |at: &[String]| {
        for node in nodes.at(at) {
            add(node.span.start, at.last().map_or("", String::as_str));
        }
    };
    for (at, is_notation) in notation_keys(nodes) {
        if is_notation {
            add_key(&at);
        }
    }
    for value in notation_values(nodes) {
        add(value.span.start, value.as_str().unwrap_or_default());
    }
    found.sort();
    found.dedup();
    found
}

/// The keys that may be notation, and whether they are.
fn notation_keys(nodes: &Nodes<'_, '_>) -> Vec<(Vec<String>, bool)> {
    let mut keys = Vec::new();
    let mut add_all = |table: &[String], is_notation: &dyn Fn(&str) -> bool| {
        for key in nodes.children(table) {
            keys.push((join(table, key), is_notation(key)));
        }
    };
    for table in super::tables::dependency_tables(nodes) {
        add_all(&table.path, &is_qualified);
    }
    add_all(&path(["features"]), &|key| FeatureRef::parse(key).is_some());
    add_all(&path(["patch"]), &is_dotted_registry);
    for registry in nodes.children(&path(["patch"])) {
        add_all(&path(["patch", registry]), &is_qualified);
    }
    add_all(&path(["replace"]), &|key| qualified_spec(key).is_some());
    for profile in nodes.children(&path(["profile"])) {
        add_all(&path(["profile", profile, "package"]), &|key| qualified_spec(key).is_some());
    }
    for key in ["organization", "default_registry"] {
        keys.push((path(["package", key]), true));
    }
    keys
}

/// Whether a registry's name is a domain, which Cargo refuses. (`[patch]` takes URLs too.)
pub(crate) fn is_dotted_registry(name: &str) -> bool {
    name.contains('.') && !name.contains('/')
}

/// The values that are notation.
fn notation_values<'d>(nodes: &Nodes<'d, '_>) -> Vec<&'d Value> {
    let mut values = Vec::new();
    let is = |value: &&Value, test: &dyn Fn(&str) -> bool| value.as_str().is_some_and(test);
    values.extend(nodes.value(&path(["package", "name"])).filter(|value| is(value, &is_qualified)));
    let mut tables: Vec<Vec<String>> =
        super::tables::dependency_tables(nodes).into_iter().map(|t| t.path).collect();
    tables.extend(nodes.children(&path(["patch"])).into_iter().map(|registry| path(["patch", registry])));
    for table in tables {
        for key in nodes.children(&table) {
            let at = join(&table, key);
            let package = nodes.value(&join(&at, "package"));
            values.extend(package.filter(|value| is(value, &is_qualified)));
            values.extend(nodes.value(&join(&at, "registry")).filter(|value| is(value, &is_dotted_registry)));
        }
    }
    let mut lists = feature_lists(nodes);
    for feature in nodes.children(&path(["features"])) {
        lists.extend(nodes.value(&path(["features", feature])));
    }
    for list in lists {
        let entries = list.as_array().unwrap_or_default().iter();
        values.extend(entries.filter(|value| is(value, &|entry| FeatureRef::parse(entry).is_some())));
    }
    let cargo_features = nodes.value(&path(["cargo-features"])).and_then(Value::as_array).unwrap_or_default();
    values.extend(cargo_features.iter().filter(|value| is(value, &|name| name == CARGO_FEATURE)));
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feature_entries_in_each_form() {
        let round =
            |entry: &str| FeatureRef::parse(entry).map(|found| (found.name.to_owned(), found.with_key("k")));
        let name = || "serde.rs/serde-abc".to_owned();
        assert_eq!(round("serde.rs/serde-abc"), Some((name(), "k".into())));
        assert_eq!(round("dep:serde.rs/serde-abc"), Some((name(), "dep:k".into())));
        assert_eq!(round("serde.rs/serde-abc/std"), Some((name(), "k/std".into())));
        assert_eq!(round("serde.rs/serde-abc?/std"), Some((name(), "k?/std".into())));
        assert_eq!(round("dep:serde-abc@serde.rs"), Some(("serde-abc@serde.rs".to_owned(), "dep:k".into())));
        assert_eq!(
            round("serde-abc@serde.rs?/std"),
            Some(("serde-abc@serde.rs".to_owned(), "k?/std".into()))
        );
        for cargo in ["std", "serde/std", "serde?/std", "dep:serde", "v1.0", "a/b.c"] {
            assert_eq!(round(cargo), None, "{cargo}");
        }
    }

    #[test]
    fn package_id_specs_in_each_form() {
        for (spec, parts) in [
            ("serde.rs/serde-abc:1.0.0", Some(("serde.rs/serde-abc", ":1.0.0"))),
            ("serde.rs/serde-abc", Some(("serde.rs/serde-abc", ""))),
            ("serde-abc@serde.rs", Some(("serde-abc@serde.rs", ""))),
            ("serde-abc@0x.io@1.0", Some(("serde-abc@0x.io", "@1.0"))),
            ("serde-abc@1.0.0", None),
            ("serde-abc@1", None),
            ("serde-abc:1.0", None),
            ("serde-abc", None),
            ("https://a.example/x#y@1.0", None),
        ] {
            assert_eq!(qualified_spec(spec), parts, "{spec}");
        }
    }
}
