//! `[patch]`: which packages a project takes from elsewhere. The same table stands in manifests and in Cargo's
//! configuration.

use std::collections::BTreeSet;

use toml_edit::{Document, TableLike};

/// The names of the packages that the `[patch]` tables of a manifest, or of a configuration file, replace.
pub fn patched(root: &dyn TableLike) -> BTreeSet<String> {
    let patches = root.get("patch").and_then(|item| item.as_table_like());
    let registries = patches.into_iter().flat_map(TableLike::iter);
    let entries = registries.filter_map(|(_, entries)| entries.as_table_like()).flat_map(TableLike::iter);
    let name = |(key, entry): (&str, &toml_edit::Item)| {
        let renamed =
            entry.as_table_like().and_then(|entry| entry.get("package")).and_then(|name| name.as_str());
        renamed.unwrap_or(key).to_owned()
    };
    entries.map(name).collect()
}

/// As [`patched`], of a text; one that is not TOML patches nothing.
pub fn patched_by(text: &str) -> BTreeSet<String> {
    Document::parse(text).map(|document| patched(document.as_table())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_packages_of_every_patch_table_by_their_own_names() {
        let text = "[patch.crates-io]\nitoa = { path = \"itoa\" }\n\
                    [patch.\"https://git.example/x\".serde2]\npackage = \"serde\"\npath = \"x\"\n";
        assert_eq!(patched_by(text), ["itoa", "serde"].map(str::to_owned).into());
        assert!(patched_by("[patch").is_empty() && patched_by("patch = 1").is_empty());
    }
}
