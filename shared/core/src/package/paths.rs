//! Paths inside a .crate: what one may look like, and which may stand side by side.
//!
//! A package is published on one system and unpacked on another, so a path should mean the same on all of them; on this one it must
//! lead below the package.

use std::borrow::Cow;
use std::collections::HashMap;

use super::error::{EntryRule, PackageError};
use super::rules::Judge;
use crate::limits::{MAX_COMPONENT, MAX_CONSUMED_COMPONENT, MAX_CONSUMED_PATH, MAX_PATH};

/// Marks a package as unpacked.
const UNPACKED: &str = ".cargo-ok";
/// What Cargo alone writes at the top of a package.
const RESERVED: [&str; 2] = [UNPACKED, ".cargo-checksum.json"];

/// The path below `top/`; empty for the top folder's own entry, and none for a file that Cargo does not unpack.
pub(super) fn check<'a>(
    raw: &'a [u8],
    top: &str,
    directory: bool,
    judge: &mut Judge,
) -> Result<Option<Cow<'a, str>>, PackageError> {
    let refuse = |rule| PackageError::entry(&String::from_utf8_lossy(raw), rule);
    if raw.len() > MAX_PATH {
        judge.entry(raw, EntryRule::PathTooLong)?;
    }
    if raw.len() > MAX_CONSUMED_PATH {
        return Err(refuse(EntryRule::PathFarTooLong(raw.len())));
    }
    let path = std::str::from_utf8(raw).map_err(|_| refuse(EntryRule::NotUtf8))?;
    if path.chars().any(is_unseen) {
        judge.entry(raw, EntryRule::ControlCharacter)?;
    }
    if path.contains('\\') {
        judge.entry(raw, EntryRule::Backslash)?;
    }
    // tar writes directories with a slash at the end.
    let path = if directory { path.strip_suffix('/').unwrap_or(path) } else { path };
    for (at, component) in path.split('/').enumerate() {
        check_component(component, at == 0, raw, judge)?;
    }
    let path = normal(path);
    if directory && path == top {
        return Ok(Some(Cow::Borrowed("")));
    }
    let outside = || refuse(EntryRule::OutsideTop(top.to_owned()));
    let start = top.len() + 1;
    if path.strip_prefix(top).is_none_or(|rest| !rest.starts_with('/')) {
        return Err(outside());
    }
    let inside = match path {
        Cow::Borrowed(path) => Cow::Borrowed(&path[start..]),
        Cow::Owned(path) => Cow::Owned(path[start..].to_owned()),
    };
    let mut components = inside.split('/');
    if RESERVED.contains(&fold(components.next().unwrap_or_default()).as_str()) {
        return Err(refuse(EntryRule::Reserved));
    }
    if components.next_back() == Some(UNPACKED) {
        judge.entry(raw, EntryRule::NotUnpacked)?;
        return Ok(None);
    }
    Ok(Some(inside))
}

fn check_component(component: &str, first: bool, raw: &[u8], judge: &mut Judge) -> Result<(), PackageError> {
    let refuse = |rule| Err(PackageError::entry(&String::from_utf8_lossy(raw), rule));
    match component {
        ".." => return refuse(EntryRule::Traversal),
        // An absolute path, or one relative to wherever.
        "" | "." if first => return refuse(EntryRule::Traversal),
        "" | "." => return judge.entry(raw, EntryRule::NotNormal),
        _ => {}
    }
    if component.len() > MAX_COMPONENT {
        judge.entry(raw, EntryRule::ComponentTooLong)?;
    }
    if component.len() > MAX_CONSUMED_COMPONENT {
        return refuse(EntryRule::PathFarTooLong(component.len()));
    }
    if let Some(character) = component.chars().find(|character| r#":<>"|?*"#.contains(*character)) {
        judge.entry(raw, EntryRule::WindowsCharacter(character))?;
    }
    if component.ends_with(['.', ' ']) {
        judge.entry(raw, EntryRule::TrailingDotOrSpace)?;
    }
    if is_windows_device(component) {
        judge.entry(raw, EntryRule::WindowsDevice(component.to_owned()))?;
    }
    if is_windows_short_name(component) {
        judge.entry(raw, EntryRule::WindowsShortName(component.to_owned()))?;
    }
    Ok(())
}

/// Without the components that mean nothing.
fn normal(path: &str) -> Cow<'_, str> {
    let means_nothing = |component: &str| matches!(component, "" | ".");
    if !path.split('/').any(means_nothing) {
        return Cow::Borrowed(path);
    }
    let components: Vec<&str> = path.split('/').filter(|component| !means_nothing(component)).collect();
    Cow::Owned(components.join("/"))
}

/// `CARGO~1.TOM`: what Windows calls a file whose name is longer than eight characters and three. It opens that file, if there is
/// one; which one it is depends on what else is in the directory.
fn is_windows_short_name(component: &str) -> bool {
    let (stem, extension) = component.rsplit_once('.').unwrap_or((component, ""));
    let Some((start, number)) = stem.rsplit_once('~') else { return false };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number && !start.is_empty() && stem.chars().count() <= 8 && extension.chars().count() <= 3
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
    /// The others of which the folded path was taken already: twins.
    twins: HashMap<String, Known>,
}

struct Known {
    spelling: String,
    directory: bool,
    /// Stands in the archive itself, and is not only implied by what it holds.
    explicit: bool,
}

impl Seen {
    /// Adds a path with its parents; says whether a file of the same path was there before.
    pub(super) fn add(
        &mut self,
        raw: &[u8],
        path: &str,
        directory: bool,
        judge: &mut Judge,
    ) -> Result<bool, PackageError> {
        if path.is_empty() {
            // The top folder: it has no sibling to clash with.
            return Ok(false);
        }
        let mut add = |path: &str, directory, explicit| match self.note(path, directory, explicit) {
            // Whoever knows the content says what that means.
            Some(EntryRule::Duplicate) => Ok(true),
            Some(rule) => judge.entry(raw, rule).map(|()| false),
            None => Ok(false),
        };
        for (at, _) in path.match_indices('/') {
            add(&path[..at], true, false)?;
        }
        add(path, directory, true)
    }

    /// The rule that the path breaks by what was there before it.
    fn note(&mut self, path: &str, directory: bool, explicit: bool) -> Option<EntryRule> {
        let folded = fold(path);
        let new = || Known { spelling: path.to_owned(), directory, explicit };
        let Some(known) = self.by_folded.get_mut(&folded) else {
            self.by_folded.insert(folded, new());
            return None;
        };
        if known.spelling == path {
            return known.again(directory, explicit);
        }
        match self.twins.get_mut(path) {
            Some(known) => known.again(directory, explicit),
            None => {
                self.twins.insert(path.to_owned(), new());
                Some(EntryRule::CaseTwin(known.spelling.clone()))
            }
        }
    }
}

impl Known {
    /// The same path once more.
    fn again(&mut self, directory: bool, explicit: bool) -> Option<EntryRule> {
        if self.directory != directory {
            return Some(EntryRule::FileAndDirectory);
        }
        if self.explicit && explicit && !directory {
            return Some(EntryRule::Duplicate);
        }
        if self.explicit && explicit {
            return Some(EntryRule::DirectoryTwice);
        }
        self.explicit |= explicit;
        None
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
    use super::super::rules::Rules;
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
    fn short_names_are_known() {
        for short in ["CARGO~1.TOM", "cargo~1.tom", "a~1", "BUILD~12.RS", "PROGRA~1", "x~9.", "A1B2~3.c"] {
            assert!(is_windows_short_name(short), "{short}");
        }
        for file in ["lib.rs~", "~1", "a~b.rs", "longer~1.orig", "longname~1.rs", "a~1.b.html", "~", "a~1x"] {
            assert!(!is_windows_short_name(file), "{file}");
        }
    }

    #[test]
    fn a_path_in_two_header_fields_is_bounded_too() {
        let path = format!("demo-1.0.0/{}/{}", "a".repeat(140), "b".repeat(104));
        let mut judge = Judge::new(Rules::Publish);
        let refused = check(path.as_bytes(), "demo-1.0.0", false, &mut judge).unwrap_err();
        assert!(matches!(refused, PackageError::Entry { rule: EntryRule::PathTooLong, .. }));
        check(&path.as_bytes()[..MAX_PATH], "demo-1.0.0", false, &mut judge).unwrap();
        let mut judge = Judge::new(Rules::Consume);
        check(path.as_bytes(), "demo-1.0.0", false, &mut judge).unwrap();
        let endless = format!("demo-1.0.0{}", "/abc".repeat(MAX_CONSUMED_PATH));
        check(endless.as_bytes(), "demo-1.0.0", false, &mut judge).unwrap_err();
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
