//! Where everything of a namespace lies: one tree, the same on a static host, in a registry's store and behind its URLs.
//!
//! ```text
//! config.json                                  below the canonical index URL
//! se/rd/serde-abc                              one release a line
//! crates/serde-abc/serde-abc-1.0.0.crate
//! crates/serde-abc/serde-abc-1.0.0.dsse.json
//! .well-known/cargo-publishers                 below the root of the host
//! index.html
//! ```
//!
//! The crates lie inside the tree of the index (no index path has a first part of six letters), so that one directory is one
//! namespace, whatever URL the index has. Every path comes from [`TreeFile`], which is made of names and versions: nothing climbs.

use std::fmt::Display;

use semver::Version;

use crate::discovery::{CARGO_PUBLISHERS_PATH, PACKAGE_NAMESPACE_PATH};
use crate::limits::MAX_VERSION;
use crate::name::CrateName;

/// The directory of the index in Cargo's local registry; the .crates lie beside it.
pub const LOCAL_REGISTRY_INDEX: &str = "index";

/// The template of [`TreeFile::Crate`], below the index, as `dl` in `config.json` wants it.
pub const DOWNLOAD_TEMPLATE: &str = "crates/{crate}/{crate}-{version}.crate";

/// One file of a namespace's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeFile {
    /// `config.json` of the index.
    Config,
    /// The index file of a crate.
    Index(CrateName),
    /// A .crate.
    Crate(CrateName, Version),
    /// The signed release statement beside the .crate.
    Envelope(CrateName, Version),
    /// `.well-known/rust-lang.org/package-namespace.json`.
    PackageNamespace,
    /// `.well-known/cargo-publishers`.
    CargoPublishers,
    /// The marker that makes GitHub Pages serve names that start with a dot.
    NoJekyll,
    /// The page for people.
    Page,
}

impl TreeFile {
    /// The path below a root in which the index lies at `index`, a path that is empty or ends in a slash.
    #[must_use]
    pub fn path(&self, index: &str) -> String {
        match self {
            Self::Config => format!("{index}config.json"),
            Self::Index(name) => format!("{index}{}", index_path(name)),
            Self::Crate(name, version) => format!("{index}crates/{name}/{}", crate_file_name(name, version)),
            Self::Envelope(name, version) => format!("{index}crates/{name}/{name}-{version}.dsse.json"),
            Self::PackageNamespace => PACKAGE_NAMESPACE_PATH[1..].to_owned(),
            Self::CargoPublishers => CARGO_PUBLISHERS_PATH[1..].to_owned(),
            Self::NoJekyll => ".nojekyll".to_owned(),
            Self::Page => "index.html".to_owned(),
        }
    }

    /// The file of an index that has this path below it, in its one spelling.
    #[must_use]
    pub fn of_index(path: &str) -> Option<Self> {
        let file = match path.strip_prefix("crates/") {
            _ if path == "config.json" => Self::Config,
            Some(below) => Self::of_release(below)?,
            None => Self::Index(CrateName::parse(path.rsplit('/').next()?).ok()?),
        };
        (file.path("") == path).then_some(file)
    }

    fn of_release(below: &str) -> Option<Self> {
        let (name, file) = below.split_once('/')?;
        let rest = file.strip_prefix(name)?.strip_prefix('-')?;
        let (version, make): (_, fn(_, _) -> _) = match rest.strip_suffix(".crate") {
            Some(version) => (version, Self::Crate),
            None => (rest.strip_suffix(".dsse.json")?, Self::Envelope),
        };
        let version = Version::parse(Some(version).filter(|text| text.len() <= MAX_VERSION)?).ok()?;
        Some(make(CrateName::parse(name).ok()?, version))
    }
}

/// What Cargo calls a .crate: in its caches, in `target/package`, in local registries.
#[must_use]
pub fn crate_file_name(name: &(impl Display + ?Sized), version: &Version) -> String {
    format!("{name}-{version}.crate")
}

/// The path of an index file in Cargo's local registry.
#[must_use]
pub fn local_registry_index(name: &CrateName) -> String {
    format!("{LOCAL_REGISTRY_INDEX}/{}", index_path(name))
}

/// The path of a crate's file, relative to the index: `1/a`, `2/ab`, `3/a/abc`, `ab/cd/abcd…`, in lower case.
///
/// Only case is folded, as Cargo does: `serde_abc` and `serde-abc` have different files, so whoever writes an index
/// compares canonical names first.
#[must_use]
pub fn index_path(name: &CrateName) -> String {
    let lower = name.as_str().to_ascii_lowercase();
    format!("{}/{lower}", index_prefix(&lower))
}

/// The folder part of [`index_path`], in the case of `name`: what `{prefix}` in a `dl` template stands for.
///
/// `name` is ASCII, as every [`CrateName`] is; other text is taken whole, never cut inside a character.
#[must_use]
pub fn index_prefix(name: &str) -> String {
    match (name.len(), name.get(..1), name.get(..2), name.get(2..4)) {
        (1, ..) => "1".to_owned(),
        (2, ..) => "2".to_owned(),
        (3, Some(first), ..) => format!("3/{first}"),
        (_, _, Some(first), Some(second)) => format!("{first}/{second}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cargos() {
        for (name, path) in [
            ("a", "1/a"),
            ("ab", "2/ab"),
            ("abc", "3/a/abc"),
            ("abcd", "ab/cd/abcd"),
            ("serde-abc", "se/rd/serde-abc"),
            ("Inflector", "in/fl/inflector"),
        ] {
            assert_eq!(index_path(&name.parse().unwrap()), path);
        }
    }

    #[test]
    fn a_prefix_keeps_its_case() {
        assert_eq!(index_prefix("MyCrate"), "My/Cr");
    }

    #[test]
    fn a_file_is_found_by_its_path_in_its_one_spelling_only() {
        for path in [
            "config.json",
            "se/rd/serde-abc",
            "crates/abc/abc-1.0.0.crate",
            "crates/A-b/A-b-1.0.0-rc.1+b.2.dsse.json",
            "3/a/abc",
        ] {
            assert_eq!(TreeFile::of_index(path).unwrap().path("i/"), format!("i/{path}"));
        }
        let long = format!("crates/abc/abc-1.0.0-{}.crate", "a".repeat(300));
        for none in [
            "",
            "abc",
            "Config.json",
            "se/rd/Serde-abc",
            "se/rd/other",
            "crates/abc/abc-1.0.crate",
            "crates/abc/abc-01.0.0.crate",
            "crates/abc/ABC-1.0.0.crate",
            "crates/abc/abc1.0.0.crate",
            "crates/abc/abc-1.0.0.crate/",
            "crates/abc/../abc-1.0.0.crate",
            "crates/abc/abc-1.0.0.crate\0",
            "crates/abc//abc-1.0.0.crate",
            "crates/../abc-1.0.0.crate",
            "crates/abc/abc-1.0.0.json",
            "crates/abc",
            "crates/",
            &long,
        ] {
            assert_eq!(TreeFile::of_index(none), None, "{none:?}");
        }
    }

    #[test]
    fn the_template_leads_to_the_crate() {
        let (name, version) = ("Serde-abc".parse().unwrap(), Version::parse("1.0.0-rc.1+b").unwrap());
        let config = crate::index::IndexConfig {
            dl: format!("https://d.example/{DOWNLOAD_TEMPLATE}"),
            api: None,
            namespace: None,
            auth_required: false,
        };
        let url = config.download_url(&name, &version, &crate::digest::Digest::of(b""));
        assert_eq!(url, format!("https://d.example/{}", TreeFile::Crate(name, version).path("")));
    }
}
