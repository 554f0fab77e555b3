//! What a package leaves out of itself, and what it no longer remembers.

use super::edit::EditError;
use crate::toml_text::{Edited, Editor, Nodes, Toml, path, quoted};

/// Takes keys out of `metadata.namespaces` of the `package` or of the `workspace`.
///
/// # Errors
/// [`EditError`].
pub fn unset_metadata_of(text: &str, table: &str, keys: &[&str]) -> Result<Edited, EditError> {
    let toml = Toml::parse(text)?;
    let nodes = Nodes::new(&toml);
    let mut editor = Editor::new(&nodes);
    editor.remove_fields(&path([table, "metadata", "namespaces"]), keys, "");
    Ok(editor.finish()?)
}

/// Whether a package says with `exclude` what is left out of it.
///
/// # Errors
/// [`EditError`].
pub fn has_exclude(text: &str) -> Result<bool, EditError> {
    let toml = Toml::parse(text)?;
    Ok(!Nodes::new(&toml).at(&path(["package", "exclude"])).is_empty())
}

/// Leaves what `pattern` names out of the package. `None` where there is no package, or where it says already what is
/// in it.
///
/// # Errors
/// [`EditError`].
pub fn set_exclude(text: &str, pattern: &str) -> Result<Option<Edited>, EditError> {
    let toml = Toml::parse(text)?;
    let nodes = Nodes::new(&toml);
    let is_there = |key: &str| !nodes.at(&path(["package", key])).is_empty();
    if !is_there("name") || is_there("exclude") || is_there("include") {
        return Ok(None);
    }
    let mut editor = Editor::new(&nodes);
    editor.set(&path(["package"]), "exclude", &format!("[{}]", quoted(pattern)), "");
    Ok(Some(editor.finish()?))
}

#[cfg(test)]
mod tests {
    use super::super::edit::set_metadata_of;
    use super::*;

    #[test]
    fn metadata_goes_as_it_came() {
        let before = "[package]\nname = \"a\"\n\n[package.metadata.namespaces]\nnamespace = \"a.example\"\n";
        let set = set_metadata_of(before, "package", "site", "../site").unwrap().text;
        assert_eq!(unset_metadata_of(&set, "package", &["site", "site-url"]).unwrap().text, before);
        assert!(!unset_metadata_of(before, "workspace", &["site"]).unwrap().is_changed());
    }

    #[test]
    fn what_is_packaged_is_said_once() {
        let text = "[package]\nname = \"a\"\n";
        let edited = set_exclude(text, "/site").unwrap().unwrap().text;
        assert_eq!(edited, "[package]\nname = \"a\"\nexclude = [\"/site\"]\n");
        assert!(has_exclude(&edited).unwrap() && !has_exclude(text).unwrap());
        assert_eq!(set_exclude(&edited, "/other").unwrap(), None);
        assert_eq!(set_exclude("[workspace]\n", "/site").unwrap(), None);
    }
}
