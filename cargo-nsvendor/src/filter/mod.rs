//! Filters: leaving out packages that only other builds need, and paths of packages.
//!
//! ```text
//! flags ┐
//!       ├─► [`Filters`] ─► platforms (`tiers`, `glob`) ─► cargo metadata ─► packages that are needed (`select`)
//! [workspace.metadata.namespaces.vendor]                     └─► a `Shape` for every package of the plan
//! ```
//!
//! A package that is not needed becomes a stub, so that the lock file stays valid. The filters are recorded in `.nsvendor.toml`
//! at the top of the vendored directory, where `--check` reads them.

pub mod glob;
pub mod select;
mod settings;
pub mod shape;
mod tiers;

pub use settings::{FilterFlags, RECORD};

pub use tiers::Tier;

use glob::{fits, is_pattern};
use select::DepKinds;

use std::path::Path;

use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs::{FsError, read_to_string_if_exists, remove_file, write_if_changed};

use crate::suggest;

/// What is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Triples and patterns of triples. If empty, every platform.
    pub platforms: Vec<String>,
    /// Only platforms of this tier or a better one.
    pub tier: Option<Tier>,
    /// Which features the project is built with. By default, all of them.
    pub features: FeatureChoice,
    /// The kinds of dependencies that are followed.
    pub kinds: DepKinds,
    /// Paths in packages, sorted.
    pub exclude: Vec<ExcludedPath>,
}

/// The features of the project's packages, as Cargo's flags choose them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeatureChoice {
    /// `--features`
    pub named: Option<Vec<String>>,
    /// `--no-default-features`
    pub no_default: bool,
    /// `--all-features`
    pub all: bool,
}

impl FeatureChoice {
    pub fn are_chosen(&self) -> bool {
        *self != Self::default()
    }
}

/// `CRATE#PATH`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ExcludedPath {
    /// A crate's name, or a pattern of names.
    pub krate: String,
    /// A path below its root, or a pattern of paths.
    pub path: String,
}

impl ExcludedPath {
    /// Reads `CRATE#PATH`.
    ///
    /// # Errors
    /// A part is missing, or the path cannot be one in a package.
    pub fn parse(text: &str) -> Result<Self, ExcludedPathError> {
        let Some((krate, path)) = text.split_once('#') else {
            return Err(ExcludedPathError::NoSeparator(text.to_owned()));
        };
        Self::new(krate, path)
    }

    /// Makes one of its two parts.
    pub fn new(krate: &str, path: &str) -> Result<Self, ExcludedPathError> {
        let path = path.strip_prefix("./").unwrap_or(path).trim_end_matches('/');
        if krate.is_empty() {
            return Err(ExcludedPathError::NoCrate);
        }
        if path.is_empty() {
            return Err(ExcludedPathError::NoPath);
        }
        if path.starts_with('/')
            || path.contains('\\')
            || path.split('/').any(|part| matches!(part, "" | "." | ".."))
        {
            return Err(ExcludedPathError::NotBelow(path.to_owned()));
        }
        if path.contains(['[', ']', '{', '}']) {
            return Err(ExcludedPathError::Pattern(path.to_owned()));
        }
        if path == shape::MANIFEST {
            return Err(ExcludedPathError::Manifest);
        }
        Ok(Self { krate: krate.to_owned(), path: path.to_owned() })
    }
}

/// Why a text is no [`ExcludedPath`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExcludedPathError {
    #[error("`{0}` has no `#`: write `CRATE#PATH`, such as `*#tests`")]
    NoSeparator(String),
    #[error("there is no crate before `#`: `*` stands for all")]
    NoCrate,
    #[error("there is no path after `#`")]
    NoPath,
    #[error("`{0}` is not a path below a package's root, with `/`")]
    NotBelow(String),
    #[error("`{0}` is not a valid pattern: the wildcards are `*`, `?` and `**`")]
    Pattern(String),
    #[error("a package cannot do without its `Cargo.toml`")]
    Manifest,
}

/// Why platforms cannot be chosen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlatformError {
    #[error("no platform that rustc knows fits `{0}`")]
    NoneFits(String),
    #[error("rustc knows no platform `{given}`; {}", advice(meant.as_deref()))]
    Unknown {
        given: String,
        /// The platform that was probably meant.
        meant: Option<String>,
    },
    #[error("none of the platforms {platforms} is of tier {tier}")]
    NoneOfTier { platforms: String, tier: &'static str },
}

fn advice(meant: Option<&str>) -> String {
    match meant {
        Some(name) => format!("did you mean `{name}`?"),
        None => "`rustc --print target-list` lists them".to_owned(),
    }
}

impl Filters {
    /// Whether nothing is left out.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Records them at the top of the vendored directory, if there are any.
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
            || self.kinds != DepKinds::All
    }

    /// The platforms that are meant, of those that the installed rustc knows. Returns `None` for all.
    ///
    /// # Errors
    /// Rustc does not know a platform, or none is left.
    pub fn platforms(&self, known: &[&str]) -> Result<Option<Vec<String>>, PlatformError> {
        if self.platforms.is_empty() && self.tier.is_none() {
            return Ok(None);
        }
        let of_tier = |platform: &str| self.tier.is_none_or(|tier| tier.has(platform));
        let mut meant: Vec<String> = Vec::new();
        for wanted in &self.platforms {
            if is_pattern(wanted) {
                meant.extend(known.iter().filter(|name| fits(wanted, name)).map(|name| (*name).to_owned()));
                if !known.iter().any(|name| fits(wanted, name)) {
                    return Err(PlatformError::NoneFits(wanted.clone()));
                }
            } else if known.contains(&wanted.as_str()) || is_file(wanted) {
                meant.push(wanted.clone());
            } else {
                let meant = suggest::nearest(wanted, known).map(str::to_owned);
                return Err(PlatformError::Unknown { given: wanted.clone(), meant });
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
                Err(PlatformError::NoneOfTier { platforms: self.platforms.join(", "), tier: tier.text() })
            }
            _ => Ok(Some(meant)),
        }
    }
}

/// Whether a platform is a file: a target specification.
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

    fn found(platforms: &[&str], tier: Option<Tier>) -> Result<Vec<String>, PlatformError> {
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
        assert!(found(&["x86_64-unknow-linux-gnu"], None).unwrap_err().to_string().contains(KNOWN[3]));
        assert!(found(&["beos"], None).unwrap_err().to_string().contains("target-list"));
        assert!(found(&["*-beos"], None).unwrap_err().to_string().contains("fits `*-beos`"));
        assert!(found(&[KNOWN[1]], Some(Tier::One)).unwrap_err().to_string().contains("tier 1"));
    }

    #[test]
    fn an_excluded_path_lies_in_a_package() {
        let exclude = ExcludedPath::parse("curl-sys#./curl/").unwrap();
        assert_eq!((exclude.krate.as_str(), exclude.path.as_str()), ("curl-sys", "curl"));
        for text in
            ["tests", "#tests", "*#", "*#/etc", "*#../x", "*#a//b", "*#a\\b", "*#[ab]", "a#Cargo.toml"]
        {
            assert!(ExcludedPath::parse(text).is_err(), "{text}");
        }
    }
}
