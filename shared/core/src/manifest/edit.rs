//! Changes to a manifest that the commands make, apart from rewriting: switching a dependency to a registry, renaming
//! it, adding a `[patch]`, recording the namespace.
//!
//! An entry is changed in its place, in every table of the manifest that has it; its features, its comments and
//! everything else about it stay.

use super::notation::CRATES_IO;
use super::rewrite::{long_key, spelled};
use super::tables::{Dependency, all_dependencies};
use crate::name::{Namespace, QualifiedName, RegistryName};
use crate::toml_text::{
    Edited, Editor, Nodes, Position, Role, SpliceError, SyntaxError, Toml, join, path, quoted,
};

/// Why an edit cannot be made. The text stays as it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EditError {
    /// Not TOML.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// No such dependency.
    #[error("there is no dependency `{0}` in this manifest")]
    NotFound(String),
    /// A git or path dependency would be left without a version.
    #[error("{position}: `{name}` has no version requirement, and a registry needs one")]
    NoVersion {
        /// Where.
        position: Position,
        /// The package.
        name: String,
    },
    /// The new key is taken.
    #[error("{position}: there is a dependency `{key}` already")]
    KeyTaken {
        /// Where that one stands.
        position: Position,
        /// The key.
        key: String,
    },
    /// A `[patch]` entry for the package that says something else.
    #[error("{position}: `[patch]` has an entry for `{name}` already")]
    PatchTaken {
        /// Where.
        position: Position,
        /// The package.
        name: String,
    },
    /// The edits do not fit together.
    #[error(transparent)]
    Splice(#[from] SpliceError),
}

/// Every dependency of a manifest, of every table.
///
/// # Errors
/// When the text is not TOML.
pub fn dependencies(text: &str) -> Result<Vec<Dependency>, SyntaxError> {
    let toml = Toml::parse(text)?;
    Ok(all_dependencies(&Nodes::new(&toml)))
}

/// The dependencies whose key or package is `name`; `-` and `_` count as equal, as they do in code.
///
/// # Errors
/// When the text is not TOML.
pub fn find(text: &str, name: &str) -> Result<Vec<Dependency>, SyntaxError> {
    let wanted = spelled(name);
    let mut found = dependencies(text)?;
    found.retain(|dependency| spelled(&dependency.key) == wanted || spelled(&dependency.package) == wanted);
    Ok(found)
}

/// A key for a crate whose bare name is taken in this manifest: `serde-rs-serde-abc`, with a number if that is taken too.
///
/// # Errors
/// When the text is not TOML.
pub fn free_key(text: &str, name: &QualifiedName) -> Result<String, SyntaxError> {
    let taken: Vec<String> = dependencies(text)?.iter().map(|dependency| spelled(&dependency.key)).collect();
    let long = long_key(name);
    let numbered = (2..=taken.len() + 2).map(|number| format!("{long}-{number}"));
    let key = std::iter::once(long.clone()).chain(numbered).find(|key| !taken.contains(&spelled(key)));
    Ok(key.unwrap_or(long))
}

/// Moves a dependency to a registry, wherever this manifest has it: sets `registry`, and `version` when `req` is given;
/// takes out `path`, `git` with its branch, tag or revision, and `registry-index`. Entries that inherit from the
/// workspace stay as they are: their entry in `[workspace.dependencies]` is the one to switch.
///
/// # Errors
/// [`EditError::NotFound`] when no entry is for that package and not inherited; [`EditError::NoVersion`].
pub fn switch_dependency(
    text: &str,
    package: &str,
    registry: &RegistryName,
    req: Option<&str>,
) -> Result<Edited, EditError> {
    let toml = Toml::parse(text)?;
    let nodes = Nodes::new(&toml);
    let mut editor = Editor::new(&nodes);
    let mut entries = all_dependencies(&nodes);
    entries.retain(|entry| entry.package == package && (!entry.workspace || entry.table.workspace));
    if entries.is_empty() {
        return Err(EditError::NotFound(package.to_owned()));
    }
    let why = format!("{package} from the registry {registry}");
    for entry in &entries {
        let at = entry.entry_path();
        if entry.req.is_none() && req.is_none() {
            return Err(EditError::NoVersion { position: entry.position, name: package.to_owned() });
        }
        if let (true, Some(value)) = (entry.is_string(&nodes), nodes.value(&at)) {
            let version = req.map_or_else(|| toml.text[value.span.clone()].to_owned(), quoted);
            let table = format!("{{ version = {version}, registry = {} }}", quoted(registry.as_str()));
            editor.replace_value(value, table, &why);
            continue;
        }
        switch_table(&mut editor, entry, registry, req, &why);
    }
    Ok(editor.finish()?)
}

/// Switches an entry that is a table. Where it had no version, the version takes the place of its `path` or `git`.
fn switch_table(
    editor: &mut Editor<'_, '_>,
    entry: &Dependency,
    registry: &RegistryName,
    req: Option<&str>,
    why: &str,
) {
    let nodes = editor.nodes;
    let at = entry.entry_path();
    let present = |name: &&str| nodes.entry(&join(&at, name)).is_some();
    let mut gone: Vec<&str> =
        ["path", "git", "branch", "tag", "rev", "registry-index"].into_iter().filter(present).collect();
    let mut version = "version";
    match req {
        Some(req) if entry.req.is_none() && !gone.is_empty() => {
            version = gone.remove(0);
            editor.rename(&join(&at, version), "version", why);
            if let Some(value) = nodes.value(&join(&at, version)) {
                editor.replace_value(value, quoted(req), why);
            }
        }
        Some(req) => set_field(editor, &at, "version", &quoted(req), why),
        None => {}
    }
    let registry = quoted(registry.as_str());
    let beside = nodes.at(&join(&at, version)).iter().find(|node| matches!(node.role, Role::Entry(_)));
    match (nodes.value(&join(&at, "registry")), beside) {
        (Some(old), _) => editor.replace_value(old, registry, why),
        (None, Some(sibling)) => editor.insert_beside(sibling, "registry", &registry, why),
        (None, None) => editor.insert_keys(&at, &[("registry", registry)], why),
    }
    editor.remove_fields(&at, &gone, why);
}

/// Gives a dependency another key in every table of the package (not in the workspace's), keeping its package by
/// `package = …`. Features that name the key follow.
///
/// # Errors
/// [`EditError::NotFound`]; [`EditError::KeyTaken`] when the new key is in use.
pub fn rename_dependency(text: &str, key: &str, new_key: &str) -> Result<Edited, EditError> {
    let toml = Toml::parse(text)?;
    let nodes = Nodes::new(&toml);
    let mut editor = Editor::new(&nodes);
    let mut entries = all_dependencies(&nodes);
    entries.retain(|entry| !entry.table.workspace);
    if let Some(holder) =
        entries.iter().find(|entry| spelled(&entry.key) == spelled(new_key) && entry.key != key)
    {
        return Err(EditError::KeyTaken { position: holder.position, key: new_key.to_owned() });
    }
    entries.retain(|entry| entry.key == key);
    if entries.is_empty() {
        return Err(EditError::NotFound(key.to_owned()));
    }
    let why = format!("`{key}` is now `{new_key}`");
    for entry in entries.iter().filter(|_| key != new_key) {
        let at = entry.entry_path();
        editor.rename(&at, new_key, &why);
        if entry.renamed {
            continue;
        }
        if let (true, Some(value)) = (entry.is_string(&nodes), nodes.value(&at)) {
            let version = &toml.text[value.span.clone()];
            let table = format!("{{ package = {}, version = {version} }}", quoted(&entry.package));
            editor.replace_value(value, table, &why);
        } else {
            set_field(&mut editor, &at, "package", &quoted(&entry.package), &why);
        }
    }
    rename_in_features(&mut editor, key, new_key, &why);
    Ok(editor.finish()?)
}

/// Feature entries `key`, `dep:key`, `key/feature` and `key?/feature`.
fn rename_in_features(editor: &mut Editor<'_, '_>, key: &str, new_key: &str, why: &str) {
    let nodes = editor.nodes;
    let features = path(["features"]);
    let mut lists = super::notation::feature_lists(nodes);
    lists.extend(
        nodes.children(&features).into_iter().filter_map(|feature| nodes.value(&join(&features, feature))),
    );
    // A feature of the key's name hides the dependency's own: the bare entry means that feature.
    let is_feature = nodes.has(&join(&features, key));
    for value in lists.into_iter().flat_map(|list| list.as_array().unwrap_or_default()) {
        let Some(entry) = value.as_str() else { continue };
        let (dep, body) = entry.strip_prefix("dep:").map_or(("", entry), |body| ("dep:", body));
        let Some(rest) = body.strip_prefix(key) else { continue };
        let names_it = match rest {
            "" => !dep.is_empty() || !is_feature,
            _ => rest.starts_with('/') || rest.starts_with("?/"),
        };
        if names_it {
            editor.replace_value(value, quoted(&format!("{dep}{new_key}{rest}")), why);
        }
    }
}

/// Adds `name = { version = "…", registry = "…" }` under `[patch.crates-io]`, so that the whole graph takes the
/// namespace's crate for crates.io's. The same entry there already is no change.
///
/// # Errors
/// [`EditError::PatchTaken`] when the package is patched to something else.
pub fn add_patch(text: &str, name: &str, req: &str, registry: &RegistryName) -> Result<Edited, EditError> {
    let toml = Toml::parse(text)?;
    let nodes = Nodes::new(&toml);
    let mut editor = Editor::new(&nodes);
    for table in ["crates-io", CRATES_IO, crate::name::CRATES_IO_INDEX] {
        let table = super::rewrite::patch_table(table);
        for key in nodes.children(&table.path) {
            let Some(entry) = super::tables::dependency(&nodes, &table, key) else { continue };
            if entry.package != name {
                continue;
            }
            if entry.registry.as_deref() == Some(registry.as_str()) && entry.req.as_deref() == Some(req) {
                return Ok(editor.finish()?);
            }
            return Err(EditError::PatchTaken { position: entry.position, name: name.to_owned() });
        }
    }
    let value = format!("{{ version = {}, registry = {} }}", quoted(req), quoted(registry.as_str()));
    let why = format!("{name} of crates.io is replaced by the registry {registry}'s");
    editor.insert_keys(&path(["patch", "crates-io"]), &[(name, value)], &why);
    Ok(editor.finish()?)
}

/// Records the package's namespace under `[package.metadata.namespaces]`.
///
/// # Errors
/// When the text is not TOML.
pub fn set_namespace(text: &str, namespace: &Namespace) -> Result<Edited, EditError> {
    set_metadata(text, "namespace", namespace.as_str())
}

/// Sets a string under `[package.metadata.namespaces]`: `namespace`, `registry` or `default-registry`.
///
/// # Errors
/// When the text is not TOML.
pub fn set_metadata(text: &str, key: &str, value: &str) -> Result<Edited, EditError> {
    set_metadata_of(text, "package", key, value)
}

/// As [`set_metadata`], of the `package` or of the `workspace`.
///
/// # Errors
/// When the text is not TOML.
pub fn set_metadata_of(text: &str, table: &str, key: &str, value: &str) -> Result<Edited, EditError> {
    let toml = Toml::parse(text)?;
    let nodes = Nodes::new(&toml);
    let mut editor = Editor::new(&nodes);
    editor.set(&path([table, "metadata", "namespaces"]), key, &quoted(value), "");
    Ok(editor.finish()?)
}

/// Sets a field of an entry that is a table: in its place, else beside `version` or `path`, else at the end.
pub(crate) fn set_field(editor: &mut Editor<'_, '_>, at: &[String], field: &str, value: &str, why: &str) {
    let nodes = editor.nodes;
    if let Some(old) = nodes.value(&join(at, field)) {
        editor.replace_value(old, value, why);
        return;
    }
    let sibling = ["version", "path", "git"]
        .into_iter()
        .find_map(|name| nodes.at(&join(at, name)).iter().find(|node| matches!(node.role, Role::Entry(_))));
    match sibling {
        Some(sibling) => editor.insert_beside(sibling, field, value, why),
        None => editor.insert_keys(at, &[(field, value.to_owned())], why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn registry() -> RegistryName {
        RegistryName::parse("serde_rs").unwrap()
    }

    fn switched(text: &str, req: Option<&str>) -> String {
        let once = switch_dependency(text, "a", &registry(), req).unwrap().text;
        assert!(!switch_dependency(&once, "a", &registry(), req).unwrap().is_changed(), "{once}");
        once
    }

    #[test]
    fn a_switch_keeps_everything_else_about_the_entry() {
        let before = "[dependencies]\n# first\na = { version = \"1\", features = [\"x\"], optional = true } # why\n\n\
                      [dev-dependencies]\nb = { package = \"a\", version = \"1.2\" }\n[dependencies.c]\npackage = \"a\"\nversion = \"2\" # v\n\
                      [target.'cfg(unix)'.dependencies]\na = '1'\n[workspace.dependencies]\na.version = \"1\"\n";
        let after = "[dependencies]\n# first\na = { version = \"1\", registry = \"serde_rs\", features = [\"x\"], optional = true } # why\n\n\
                     [dev-dependencies]\nb = { package = \"a\", version = \"1.2\", registry = \"serde_rs\" }\n[dependencies.c]\npackage = \"a\"\n\
                     version = \"2\" # v\nregistry = \"serde_rs\"\n[target.'cfg(unix)'.dependencies]\na = { version = '1', registry = \"serde_rs\" }\n\
                     [workspace.dependencies]\na.version = \"1\"\na.registry = \"serde_rs\"\n";
        assert_eq!(switched(before, None), after);
    }

    #[test]
    fn a_switch_takes_paths_and_git_out() {
        for (before, after) in [
            ("a = { path = \"../a\" }", "a = { version = \"1\", registry = \"serde_rs\" }"),
            (
                "a = { git = \"u\", branch = \"b\", features = [] }",
                "a = { version = \"1\", registry = \"serde_rs\", features = [] }",
            ),
            (
                "a = { features = [], git = \"u\", rev = \"b\" }",
                "a = { features = [], version = \"1\", registry = \"serde_rs\" }",
            ),
            ("a = { version = \"0\", path = \"../a\" }", "a = { version = \"1\", registry = \"serde_rs\" }"),
            ("a.git = \"u\" # g\na.tag = \"t\"", "a.version = \"1\" # g\na.registry = \"serde_rs\""),
        ] {
            let (before, after) =
                (format!("[dependencies]\n{before}\n"), format!("[dependencies]\n{after}\n"));
            assert_eq!(switched(&before, Some("1")), after);
        }
        let error =
            switch_dependency("[dependencies]\na.path = \"a\"\n", "a", &registry(), None).unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2, column 1: `a` has no version requirement, and a registry needs one"
        );
    }

    #[test]
    fn a_switch_leaves_inherited_entries_to_the_workspace() {
        let text = "[dependencies]\na.workspace = true\n";
        assert_eq!(switch_dependency(text, "a", &registry(), None), Err(EditError::NotFound("a".into())));
        let text = format!("{text}[workspace.dependencies]\na = \"1\"\n");
        assert!(switched(&text, None).starts_with("[dependencies]\na.workspace = true\n[workspace"));
    }

    #[test]
    fn a_renamed_dependency_keeps_its_package_and_its_features_follow() {
        let before = "[dependencies]\na = \"1\"\n[dev-dependencies]\na = { version = \"1\" }\nab = \"1\"\n[features]\n\
                      f = [\"a/x\", \"dep:a\", \"a?/y\", \"ab/z\", \"a\"]\n";
        let after = "[dependencies]\na-1 = { package = \"a\", version = \"1\" }\n[dev-dependencies]\na-1 = { version = \"1\", package = \"a\" }\n\
                     ab = \"1\"\n[features]\nf = [\"a-1/x\", \"dep:a-1\", \"a-1?/y\", \"ab/z\", \"a-1\"]\n";
        assert_eq!(rename_dependency(before, "a", "a-1").unwrap().text, after);
        assert!(matches!(rename_dependency(before, "a", "ab"), Err(EditError::KeyTaken { .. })));
        assert!(!rename_dependency(before, "a", "a").unwrap().is_changed());
    }

    #[test]
    fn a_patch_is_added_once() {
        let edited = add_patch("[package]\nname = \"x\"\n", "serde", "1.0.3", &registry()).unwrap().text;
        assert_eq!(
            edited,
            "[package]\nname = \"x\"\n\n[patch.crates-io]\nserde = { version = \"1.0.3\", registry = \"serde_rs\" }\n"
        );
        assert!(!add_patch(&edited, "serde", "1.0.3", &registry()).unwrap().is_changed());
        assert!(matches!(add_patch(&edited, "serde", "2", &registry()), Err(EditError::PatchTaken { .. })));
        let edited = add_patch(&edited, "itoa", "1", &registry()).unwrap().text;
        assert!(edited.ends_with("}\nitoa = { version = \"1\", registry = \"serde_rs\" }\n"), "{edited}");
    }

    #[test]
    fn a_free_key_is_the_same_every_time() {
        let name = QualifiedName::parse("0x.io/a").unwrap();
        assert_eq!(free_key("", &name).unwrap(), "_0x-io-a");
        assert_eq!(free_key("[dependencies]\n_0x_io_a = \"1\"\n", &name).unwrap(), "_0x-io-a-2");
    }

    #[test]
    fn the_namespace_is_recorded_and_changed_in_place() {
        let example = Namespace::parse("example.com").unwrap();
        let edited = set_namespace("[package]\nname = \"x\"\n", &example).unwrap().text;
        assert_eq!(
            edited,
            "[package]\nname = \"x\"\n\n[package.metadata.namespaces]\nnamespace = \"example.com\"\n"
        );
        let edited = set_metadata(&edited, "namespace", "example.org").unwrap();
        assert_eq!(edited.changes.len(), 1);
        assert!(edited.text.ends_with("namespace = \"example.org\"\n"));
    }

    #[test]
    fn entries_are_found_by_key_and_by_package() {
        let text = "[dependencies]\na_b = \"1\"\nx = { package = \"a-b\", git = \"u\" }\n[build-dependencies]\na-b.workspace = true\n";
        let found = find(text, "a-b").unwrap();
        let keys: Vec<_> =
            found.iter().map(|entry| (entry.key.as_str(), entry.git.is_some(), entry.workspace)).collect();
        assert_eq!(keys, [("a_b", false, false), ("x", true, false), ("a-b", false, true)]);
        assert_eq!(found[2].table.to_string(), "[build-dependencies]");
    }

    proptest! {
        #[test]
        fn switching_touches_the_entry_alone(
            entry in prop::sample::select(vec![
                "a = \"1\"", "a = { version = \"1\" } # c", "a = { git = 'u', features = ['f'], rev = 'r' }", "a.path = 'p'",
                "a.version = '1'", "b = { package = 'a', path = 'p' }", "a = { features = ['f'], path = 'p', version = '1' }",
                "a = {\n  version = '1', # v\n  git = 'u',\n}",
            ]),
            before in prop::collection::vec(prop::sample::select(vec!["# one", "", "c = '1'", "d.path = 'a' # a"]), 0..3),
            after in prop::collection::vec(prop::sample::select(vec!["# two", "", "e = { version = '1', package = 'aa' }"]), 0..2),
            crlf in any::<bool>(),
        ) {
            let lines = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            let (before, after) = (format!("[dependencies]\n{}", lines(&before)), lines(&after));
            let mut parts = [before, format!("{entry}\n"), after];
            if crlf {
                parts = parts.map(|part| part.replace('\n', "\r\n"));
            }
            let text = parts.concat();
            if Toml::parse(&text).is_ok() {
                let edited = switch_dependency(&text, "a", &registry(), Some("2")).unwrap();
                prop_assert!(edited.text.starts_with(&parts[0]) && edited.text.ends_with(&parts[2]), "{}", edited.text);
                let entry = find(&edited.text, "a").unwrap().remove(0);
                prop_assert_eq!(entry.registry.as_deref(), Some("serde_rs"));
                prop_assert_eq!(entry.req.as_deref(), Some("2"));
                prop_assert!(entry.path.is_none() && entry.git.is_none());
                prop_assert!(!switch_dependency(&edited.text, "a", &registry(), Some("2")).unwrap().is_changed());
                if crlf {
                    prop_assert_eq!(edited.text.matches('\n').count(), edited.text.matches("\r\n").count());
                }
            }
        }

        #[test]
        fn arbitrary_text_never_panics(text in "[\\[\\]\"a-d./=#, \n\r{}']{0,100}") {
            let _ = switch_dependency(&text, "a", &registry(), None);
            let _ = rename_dependency(&text, "a", "b");
            let _ = add_patch(&text, "a", "1", &registry());
            let _ = set_metadata(&text, "namespace", "a.b");
        }
    }
}
