//! Filters: what is vendored of a graph that is larger than what is built.
//!
//! ```text
//! flags ┐
//!       ├─► [`Filters`] ─► platforms (`tiers`, `glob`) ─► cargo metadata ─► packages that are needed (`select`)
//! [workspace.metadata.namespaces.vendor]                     └─► a `Shape` for every package of the plan
//! ```
//!
//! A package that is not needed becomes a stub, so that Cargo reads the same lock file. The filters stand in
//! `.nsvendor.toml` at the top of the vendored directory, for `--check`.

mod apply;
mod glob;
mod line_manifest;
pub mod select;
mod settings;
pub mod shape;
mod stand_in;
mod tiers;

pub use apply::{apply, as_it_stands};
pub use settings::{Flags, RECORD};
pub use stand_in::{StandIn, small_file, write_stub};

pub use tiers::Tier;

use glob::{fits, is_pattern};
use select::Kinds;

use std::path::Path;

use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs::{FsError, read_to_string_if_exists, remove_file, write_if_changed};

use crate::suggest;

/// What is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Triples and patterns of triples; every platform if empty.
    pub platforms: Vec<String>,
    /// Only platforms of this tier or a better one.
    pub tier: Option<Tier>,
    /// Which features the project is built with; all of them if not said.
    pub features: Features,
    /// The kinds of dependencies that are followed.
    pub kinds: Kinds,
    /// Paths in packages; sorted.
    pub exclude: Vec<Exclude>,
}

/// The features of the project's packages, as Cargo's flags choose them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// `--features`
    pub named: Option<Vec<String>>,
    /// `--no-default-features`
    pub no_default: bool,
    /// `--all-features`
    pub all: bool,
}

impl Features {
    /// Whether a choice was made.
    pub fn are_chosen(&self) -> bool {
        *self != Self::default()
    }
}

/// `CRATE#PATH`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exclude {
    /// A crate's name, or a pattern of names.
    pub krate: String,
    /// A path below its root, or a pattern of paths.
    pub path: String,
}

impl Exclude {
    /// Reads `CRATE#PATH`.
    ///
    /// # Errors
    /// What is missing, or cannot be a path in a package.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((krate, path)) = text.split_once('#') else {
            return Err(format!("`{text}` has no `#`: write `CRATE#PATH`, such as `*#tests`"));
        };
        Self::new(krate, path)
    }

    /// From its two parts.
    ///
    /// # Errors
    /// As [`Exclude::parse`].
    pub fn new(krate: &str, path: &str) -> Result<Self, String> {
        let path = path.strip_prefix("./").unwrap_or(path).trim_end_matches('/');
        if krate.is_empty() {
            return Err("there is no crate before `#`: `*` stands for all".to_owned());
        }
        if path.is_empty() {
            return Err("there is no path after `#`".to_owned());
        }
        if path.starts_with('/')
            || path.contains('\\')
            || path.split('/').any(|part| matches!(part, "" | "." | ".."))
        {
            return Err(format!("`{path}` is not a path below a package's root, with `/`"));
        }
        if path.contains(['[', ']', '{', '}']) {
            return Err(format!("`{path}` is no pattern that is known: there are `*`, `?` and `**`"));
        }
        if path == shape::MANIFEST {
            return Err("a package cannot do without its `Cargo.toml`".to_owned());
        }
        Ok(Self { krate: krate.to_owned(), path: path.to_owned() })
    }
}

impl Filters {
    /// True when everything is vendored.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Keeps them at the top of the vendored directory, where there are any.
    ///
    /// # Errors
    /// The record cannot be written or removed.
    pub fn record(&self, target: &Path) -> Result<(), FsError> {
        let path = target.join(RECORD);
        if !self.is_none() {
            write_if_changed(&path, self.to_record().as_bytes())?;
        } else if path.exists() {
            remove_file(&path)?;
        }
        Ok(())
    }

    /// What was left out when `target` was vendored, by its record.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn recorded(target: &Path) -> Result<Option<Self>, CliError> {
        let path = target.join(RECORD);
        let Some(text) = read_to_string_if_exists(&path)? else { return Ok(None) };
        let read = Self::of_record(&text)
            .with_context(ExitCode::InvalidInput, || format!("failed to read `{}`", path.display()))?;
        Ok(Some(read))
    }

    /// Whether Cargo has to say which packages are needed.
    pub fn selects_packages(&self) -> bool {
        !self.platforms.is_empty()
            || self.tier.is_some()
            || self.features.are_chosen()
            || self.kinds != Kinds::All
    }

    /// The platforms meant, of those that the installed rustc knows; `None` for all.
    ///
    /// # Errors
    /// A platform that rustc does not know, with what was meant; or none is left.
    pub fn platforms(&self, known: &[&str]) -> Result<Option<Vec<String>>, String> {
        if self.platforms.is_empty() && self.tier.is_none() {
            return Ok(None);
        }
        let of_tier = |platform: &str| self.tier.is_none_or(|tier| tier.has(platform));
        let mut meant: Vec<String> = Vec::new();
        for wanted in &self.platforms {
            if is_pattern(wanted) {
                meant.extend(known.iter().filter(|name| fits(wanted, name)).map(|name| (*name).to_owned()));
                if !known.iter().any(|name| fits(wanted, name)) {
                    return Err(format!("no platform that rustc knows fits `{wanted}`"));
                }
            } else if known.contains(&wanted.as_str()) || is_file(wanted) {
                meant.push(wanted.clone());
            } else {
                return Err(match suggest::nearest(wanted, known) {
                    Some(name) => format!("rustc knows no platform `{wanted}`; did you mean `{name}`?"),
                    None => {
                        format!("rustc knows no platform `{wanted}`; `rustc --print target-list` lists them")
                    }
                });
            }
        }
        if self.platforms.is_empty() {
            meant.extend(known.iter().map(|name| (*name).to_owned()));
        }
        meant.retain(|name| of_tier(name));
        meant.sort();
        meant.dedup();
        match (meant.is_empty(), self.tier) {
            (true, Some(tier)) => {
                Err(format!("none of the platforms {} is of tier {}", self.platforms.join(", "), tier.text()))
            }
            _ => Ok(Some(meant)),
        }
    }
}

/// The specification of a platform of the user's own.
fn is_file(platform: &str) -> bool {
    platform.ends_with(".json")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = [
        "aarch64-unknown-linux-gnu",
        "riscv64gc-unknown-linux-gnu",
        "x86_64-pc-windows-msvc",
        "x86_64-unknown-linux-gnu",
    ];

    fn filters(platforms: &[&str], tier: Option<Tier>) -> Filters {
        let platforms = platforms.iter().map(|name| (*name).to_owned()).collect();
        Filters { platforms, tier, ..Filters::default() }
    }

    fn found(platforms: &[&str], tier: Option<Tier>) -> Result<Vec<String>, String> {
        filters(platforms, tier).platforms(&KNOWN).map(Option::unwrap_or_default)
    }

    #[test]
    fn platforms_are_triples_patterns_and_tiers() {
        assert_eq!(filters(&[], None).platforms(&KNOWN), Ok(None));
        assert_eq!(found(&["x86_64-pc-windows-msvc"], None).unwrap(), [KNOWN[2]]);
        assert_eq!(found(&["*-linux-gnu", "x86_64-*"], None).unwrap(), KNOWN);
        assert_eq!(found(&[], Some(Tier::One)).unwrap(), [KNOWN[0], KNOWN[2], KNOWN[3]]);
        assert_eq!(found(&["*-linux-gnu"], Some(Tier::One)).unwrap(), [KNOWN[0], KNOWN[3]]);
        assert_eq!(found(&["mine.json"], None).unwrap(), ["mine.json"]);
    }

    #[test]
    fn a_platform_that_is_none_is_refused_with_what_was_meant() {
        assert!(found(&["x86_64-unknow-linux-gnu"], None).unwrap_err().contains(KNOWN[3]));
        assert!(found(&["beos"], None).unwrap_err().contains("target-list"));
        assert!(found(&["*-beos"], None).unwrap_err().contains("fits `*-beos`"));
        assert!(found(&[KNOWN[1]], Some(Tier::One)).unwrap_err().contains("tier 1"));
    }

    #[test]
    fn an_excluded_path_lies_in_a_package() {
        let exclude = Exclude::parse("curl-sys#./curl/").unwrap();
        assert_eq!((exclude.krate.as_str(), exclude.path.as_str()), ("curl-sys", "curl"));
        for text in
            ["tests", "#tests", "*#", "*#/etc", "*#../x", "*#a//b", "*#a\\b", "*#[ab]", "a#Cargo.toml"]
        {
            assert!(Exclude::parse(text).is_err(), "{text}");
        }
    }
}
