//! Paths inside a .crate: what one may look like, and which may stand side by side.
//!
//! A package is published on one system and unpacked on another, so a path must mean the same on all of them.

use std::collections::HashMap;

use super::error::EntryRule;
use crate::limits::{MAX_COMPONENT, MAX_PATH};

/// The path below `top/`; empty for the top folder's own entry.
pub(super) fn check<'a>(raw: &'a [u8], top: &str, directory: bool) -> Result<&'a str, EntryRule> {
    if raw.len() > MAX_PATH {
        return Err(EntryRule::PathTooLong);
    }
    let path = std::str::from_utf8(raw).map_err(|_| EntryRule::NotUtf8)?;
    if path.chars().any(is_unseen) {
        return Err(EntryRule::ControlCharacter);
    }
    if path.contains('\\') {
        return Err(EntryRule::Backslash);
    }
    // tar writes directories with a slash at the end.
    let path = if directory { path.strip_suffix('/').unwrap_or(path) } else { path };
    path.split('/').try_for_each(check_component)?;
    if directory && path == top {
        return Ok("");
    }
    let inside = path.strip_prefix(top).and_then(|rest| rest.strip_prefix('/'));
    let inside = inside.ok_or_else(|| EntryRule::OutsideTop(top.to_owned()))?;
    if [".cargo-ok", ".cargo-checksum.json"].contains(&fold(inside).split('/').next().unwrap_or_default()) {
        return Err(EntryRule::Reserved);
    }
    Ok(inside)
}

fn check_component(component: &str) -> Result<(), EntryRule> {
    if matches!(component, "" | "." | "..") {
        return Err(EntryRule::Traversal);
    }
    if component.len() > MAX_COMPONENT {
        return Err(EntryRule::ComponentTooLong);
    }
    if let Some(character) = component.chars().find(|character| r#":<>"|?*"#.contains(*character)) {
        return Err(EntryRule::WindowsCharacter(character));
    }
    if component.ends_with(['.', ' ']) {
        return Err(EntryRule::TrailingDotOrSpace);
    }
    if is_windows_device(component) {
        return Err(EntryRule::WindowsDevice(component.to_owned()));
    }
    Ok(())
}

/// Control characters, and those that change the direction or the look of the text around them.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// `CON`, `nul.txt`, `COM¹`: Windows opens the device, whatever stands after the first dot.
fn is_windows_device(component: &str) -> bool {
    let stem = component.split('.').next().unwrap_or_default().trim_end_matches(' ').to_ascii_lowercase();
    match stem.as_str() {
        "con" | "prn" | "aux" | "nul" | "conin$" | "conout$" => true,
        stem => ["com", "lpt"].iter().filter_map(|port| stem.strip_prefix(port)).any(|number| {
            matches!(number.chars().next(), Some('0'..='9' | '¹' | '²' | '³')) && number.chars().count() == 1
        }),
    }
}

/// The paths so far, files and the directories that they imply, by what file systems take for the same.
#[derive(Default)]
pub(super) struct Seen {
    by_folded: HashMap<String, Known>,
}

struct Known {
    spelling: String,
    directory: bool,
    /// Stands in the archive itself, and is not only implied by what it holds.
    explicit: bool,
}

impl Seen {
    /// Adds a path with its parents.
    pub(super) fn add(&mut self, path: &str, directory: bool) -> Result<(), EntryRule> {
        if path.is_empty() {
            // The top folder: it has no sibling to clash with.
            return Ok(());
        }
        for (at, _) in path.match_indices('/') {
            self.note(&path[..at], true, false)?;
        }
        self.note(path, directory, true)
    }

    fn note(&mut self, path: &str, directory: bool, explicit: bool) -> Result<(), EntryRule> {
        let folded = fold(path);
        let Some(known) = self.by_folded.get_mut(&folded) else {
            self.by_folded.insert(folded, Known { spelling: path.to_owned(), directory, explicit });
            return Ok(());
        };
        if known.spelling != path {
            return Err(EntryRule::CaseTwin(known.spelling.clone()));
        }
        if known.directory != directory {
            return Err(EntryRule::FileAndDirectory);
        }
        if known.explicit && explicit {
            return Err(EntryRule::Duplicate);
        }
        known.explicit |= explicit;
        Ok(())
    }
}

/// Equal for paths that some file system takes for the same: macOS ignores case and Unicode form, Windows case. Upper
/// case first, because `ß` and `ſ` meet their twins only there.
fn fold(path: &str) -> String {
    if path.is_ascii() {
        return path.to_ascii_lowercase();
    }
    let decomposed = icu_normalizer::DecomposingNormalizerBorrowed::new_nfd();
    let lower = decomposed.normalize(path).to_uppercase().to_lowercase();
    decomposed.normalize(&lower).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_names_are_known_in_every_disguise() {
        for device in ["con", "NUL", "aux.rs", "Com1", "lpt9.txt.gz", "com²", "nul .txt", "CONIN$"] {
            assert!(is_windows_device(device), "{device}");
        }
        for file in ["console", "com", "com10", "auxiliary.rs", "nulls", ".con", "lptx"] {
            assert!(!is_windows_device(file), "{file}");
        }
    }

    #[test]
    fn a_path_in_two_header_fields_is_bounded_too() {
        let path = format!("demo-1.0.0/{}/{}", "a".repeat(140), "b".repeat(104));
        assert_eq!(check(path.as_bytes(), "demo-1.0.0", false), Err(EntryRule::PathTooLong));
        check(&path.as_bytes()[..MAX_PATH], "demo-1.0.0", false).unwrap();
    }

    #[test]
    fn folding_meets_what_file_systems_confuse() {
        for (one, other) in
            [("A.rs", "a.rs"), ("é", "e\u{301}"), ("É", "é"), ("straße", "STRASSE"), ("ſ", "s")]
        {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        assert_ne!(fold("a"), fold("b"));
    }
}
