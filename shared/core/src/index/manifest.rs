//! The parts of a Cargo.toml that end up in an index line, read as Cargo reads them.
//!
//! This reader is for the normalised Cargo.toml that `cargo package` writes into a .crate. Other programs may have
//! made the archive, so every table is looked at in every spelling that Cargo knows.

use std::collections::BTreeMap;

use semver::{Version, VersionReq};
use toml_edit::{Item, TableLike};

use super::compute_error::ComputeError;
use super::dep::DependencyKind;
use super::feature;
use super::feature::{is_links, is_rust_version};
use crate::limits::{MAX_DEPENDENCIES, MAX_FEATURE_VALUES, MAX_FEATURES, MAX_VERSION, MAX_VERSION_REQ};
use crate::name::CrateName;

/// The tables of dependencies: both spellings, and the kind.
pub(super) const DEPENDENCY_TABLES: [(&str, &str, DependencyKind); 3] = [
    ("dependencies", "dependencies", DependencyKind::Normal),
    ("build-dependencies", "build_dependencies", DependencyKind::Build),
    ("dev-dependencies", "dev_dependencies", DependencyKind::Dev),
];

/// The keys of a dependency that `cargo package` writes. Cargo reads the manifest, not the index line, of a package in a
/// directory source, so a key that leads to another source (`git`, `path`, one that a later Cargo will know) would be followed.
const DEPENDENCY_KEYS: [&str; 8] = [
    "version",
    "registry-index",
    "package",
    "features",
    "optional",
    "default-features",
    "default_features",
    "public",
];

/// Tables that Cargo takes from the root of a workspace only, and that `cargo package` removes.
const ROOT_TABLES: [&str; 3] = ["patch", "replace", "workspace"];

/// The lists of targets. Each may have a `path`, as `[lib]` may.
const TARGET_LISTS: [&str; 4] = ["bin", "example", "test", "bench"];

/// One dependency as it stands in a Cargo.toml.
pub(super) struct Dependency {
    /// The key.
    pub key: String,
    /// `package =`, where it is there.
    pub package: Option<String>,
    /// `version =`, parsed; none where there is none.
    pub version: Option<VersionReq>,
    /// `registry-index =`.
    pub registry_index: Option<String>,
    pub features: Vec<String>,
    pub optional: bool,
    pub default_features: bool,
}

/// The value under `key`, or under its older spelling; an error when both are there.
fn either<'a>(
    table: &'a dyn TableLike,
    place: &str,
    key: &'static str,
    old: &'static str,
) -> Result<Option<&'a Item>, ComputeError> {
    if key == old {
        return Ok(table.get(key));
    }
    match (table.get(key), table.get(old)) {
        (Some(_), Some(_)) => Err(ComputeError::TwoSpellings { place: place.to_owned(), key, old }),
        (new, old) => Ok(new.or(old)),
    }
}

/// A table under `key`, or under its older spelling.
pub(super) fn table<'a>(
    parent: &'a dyn TableLike,
    place: &str,
    key: &'static str,
    old: &'static str,
) -> Result<Option<&'a dyn TableLike>, ComputeError> {
    either(parent, place, key, old)?
        .map(|item| {
            item.as_table_like().ok_or_else(|| ComputeError::shape(&format!("{place}{key}"), "a table"))
        })
        .transpose()
}

fn text<'a>(table: &'a dyn TableLike, place: &str, key: &str) -> Result<Option<&'a str>, ComputeError> {
    let Some(item) = table.get(key) else { return Ok(None) };
    if item.as_table_like().is_some_and(|inherited| inherited.contains_key("workspace")) {
        return Err(ComputeError::Inherited { place: format!("{place}{key}") });
    }
    item.as_str().map(Some).ok_or_else(|| ComputeError::shape(&format!("{place}{key}"), "a string"))
}

fn flag(item: Option<&Item>, place: &str, default: bool) -> Result<bool, ComputeError> {
    item.map_or(Ok(default), |item| item.as_bool().ok_or_else(|| ComputeError::shape(place, "true or false")))
}

fn texts(item: Option<&Item>, place: &str) -> Result<Vec<String>, ComputeError> {
    let Some(item) = item else { return Ok(Vec::new()) };
    let wrong = || ComputeError::shape(place, "an array of strings");
    let array = item.as_array().ok_or_else(wrong)?;
    if array.len() > MAX_FEATURE_VALUES {
        return Err(ComputeError::TooMany { what: format!("values in `{place}`"), max: MAX_FEATURE_VALUES });
    }
    array.iter().map(|value| value.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}

/// What `[package]` says.
pub(super) struct PackageTable {
    pub name: CrateName,
    pub version: Version,
    pub links: Option<String>,
    pub rust_version: Option<String>,
}

/// Refuses what would lead Cargo out of the package: to another source, to the workspace around it, to other files.
///
/// # Errors
/// What `cargo package` does not write.
pub(super) fn refuse_what_leads_elsewhere(root: &dyn TableLike) -> Result<(), ComputeError> {
    if let Some(key) = ROOT_TABLES.into_iter().find(|key| root.contains_key(key)) {
        return Err(ComputeError::NotPackaged { place: key.to_owned() });
    }
    let tables = ["package", "badges", "lints"].map(|key| (key, root.get(key).and_then(Item::as_table_like)));
    for (key, table) in tables.into_iter().filter_map(|(key, table)| Some((key, table?))) {
        if table.contains_key("workspace") {
            return Err(ComputeError::Inherited { place: key.to_owned() });
        }
        let inherits = |item: &Item| item.as_table_like().is_some_and(|item| item.contains_key("workspace"));
        let mut entries = table.iter().filter(|(name, _)| *name != "metadata");
        if let Some((name, _)) = entries.find(|(_, item)| inherits(item)) {
            return Err(ComputeError::Inherited { place: format!("{key}.{name}") });
        }
    }
    for (place, path) in target_paths(root) {
        if !stays_inside(path) {
            return Err(ComputeError::OutsidePath { place, path: path.to_owned() });
        }
    }
    Ok(())
}

/// The keys of a dependency that may lead to another source than the one that its package comes from.
const SOURCE_KEYS: [&str; 6] = ["git", "path", "registry", "registry-index", "workspace", "base"];

/// The dotted keys by which a Cargo.toml names sources for its dependencies, for whoever looks for the one that leads
/// elsewhere; none where it is not TOML. Dev-dependencies are left out: Cargo resolves those of nobody else's package.
#[must_use]
pub fn source_keys(manifest: &str) -> Vec<String> {
    let Ok(document) = toml_edit::Document::parse(manifest) else { return Vec::new() };
    let root = document.as_table();
    let targets = root.get("target").and_then(Item::as_table_like);
    let targets = targets.into_iter().flat_map(TableLike::iter);
    let parents =
        targets.filter_map(|(target, item)| Some((format!("target.{target:?}."), item.as_table_like()?)));
    let mut found = Vec::new();
    for (place, parent) in std::iter::once((String::new(), root as &dyn TableLike)).chain(parents) {
        for (key, old, _) in DEPENDENCY_TABLES.into_iter().filter(|(_, _, kind)| *kind != DependencyKind::Dev)
        {
            let Some(table) = parent.get(key).or_else(|| parent.get(old)).and_then(Item::as_table_like)
            else {
                continue;
            };
            for (name, detail) in table.iter().filter_map(|(name, item)| Some((name, item.as_table_like()?)))
            {
                let named = SOURCE_KEYS.into_iter().filter(|source| detail.contains_key(source));
                found.extend(named.map(|source| format!("{place}{key}.{name}.{source}")));
            }
        }
    }
    found
}

/// The paths of build scripts and targets, each with its dotted key.
fn target_paths(root: &dyn TableLike) -> Vec<(String, &str)> {
    let mut paths = Vec::new();
    let build = root.get("package").and_then(Item::as_table_like).and_then(|package| package.get("build"));
    let scripts = build.and_then(Item::as_array).into_iter().flatten().filter_map(|script| script.as_str());
    let builds = build.and_then(Item::as_str).into_iter().chain(scripts);
    paths.extend(builds.map(|path| ("package.build".to_owned(), path)));
    let lib = root.get("lib").and_then(Item::as_table_like).and_then(|lib| lib.get("path")?.as_str());
    paths.extend(lib.map(|path| ("lib.path".to_owned(), path)));
    for key in TARGET_LISTS {
        let Some(item) = root.get(key) else { continue };
        let place = format!("{key}.path");
        let tables = item.as_array_of_tables().into_iter().flatten();
        let found = tables.filter_map(|table| table.get("path")?.as_str());
        paths.extend(found.map(|path| (place.clone(), path)));
        let inline = item.as_array().into_iter().flatten().filter_map(|value| value.as_inline_table());
        let found = inline.filter_map(|table| table.get("path")?.as_str());
        paths.extend(found.map(|path| (place.clone(), path)));
    }
    paths
}

/// Whether a path leads to a file of the package on every system.
fn stays_inside(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':');
    !drive && !path.starts_with(['/', '\\']) && path.split(['/', '\\']).all(|part| part != "..")
}

/// Reads `[package]`.
pub(super) fn package(root: &dyn TableLike) -> Result<PackageTable, ComputeError> {
    let package = table(root, "", "package", "package")?.ok_or(ComputeError::Missing("[package]"))?;
    let name = text(package, "package.", "name")?.ok_or(ComputeError::Missing("package.name"))?;
    let name = name.parse().map_err(|error| ComputeError::Name { name: name.to_owned(), source: error })?;
    let version = text(package, "package.", "version")?.ok_or(ComputeError::Missing("package.version"))?;
    if version.len() > MAX_VERSION {
        return Err(ComputeError::TooMany {
            what: "characters in `package.version`".to_owned(),
            max: MAX_VERSION,
        });
    }
    let version = Version::parse(version.trim())
        .map_err(|source| ComputeError::Version { version: version.to_owned(), source })?;
    let checked = |key: &'static str, rule: fn(&str) -> bool| match text(package, "package.", key)? {
        Some(value) if !rule(value) => {
            Err(ComputeError::Text { place: format!("package.{key}"), text: value.to_owned() })
        }
        value => Ok(value.map(str::to_owned)),
    };
    Ok(PackageTable {
        name,
        version,
        links: checked("links", is_links)?,
        rust_version: checked("rust-version", is_rust_version)?,
    })
}

/// Reads `[features]`.
pub(super) fn features(root: &dyn TableLike) -> Result<BTreeMap<String, Vec<String>>, ComputeError> {
    let Some(table) = table(root, "", "features", "features")? else { return Ok(BTreeMap::new()) };
    if table.len() > MAX_FEATURES {
        return Err(ComputeError::TooMany { what: "features".to_owned(), max: MAX_FEATURES });
    }
    let mut features = BTreeMap::new();
    for (name, item) in table.iter() {
        let place = format!("features.{name}");
        let values = texts(Some(item), &place)?;
        let wrong = values.iter().find(|value| !feature::is_value(value));
        if let Some(wrong) = wrong.map(String::as_str).or((!feature::is_name(name)).then_some(name)) {
            return Err(ComputeError::Text { place, text: wrong.to_owned() });
        }
        features.insert(name.to_owned(), values);
    }
    Ok(features)
}

/// Reads one table of dependencies; `place` is its dotted name.
pub(super) fn dependencies(table: &dyn TableLike, place: &str) -> Result<Vec<Dependency>, ComputeError> {
    if table.len() > MAX_DEPENDENCIES {
        return Err(ComputeError::TooMany { what: format!("entries in `{place}`"), max: MAX_DEPENDENCIES });
    }
    table.iter().map(|(key, item)| dependency(key, item, &format!("{place}.{key}"))).collect()
}

fn dependency(key: &str, item: &Item, place: &str) -> Result<Dependency, ComputeError> {
    let mut dependency = Dependency {
        key: key.to_owned(),
        package: None,
        version: None,
        registry_index: None,
        features: Vec::new(),
        optional: false,
        default_features: true,
    };
    if let Some(version) = item.as_str() {
        dependency.version = Some(requirement(version, place)?);
    } else {
        let detail = item.as_table_like().ok_or_else(|| ComputeError::shape(place, "a string or a table"))?;
        refuse_what_is_not_published(detail, place)?;
        let dotted = format!("{place}.");
        dependency.package = text(detail, &dotted, "package")?.map(str::to_owned);
        dependency.version =
            text(detail, &dotted, "version")?.map(|version| requirement(version, place)).transpose()?;
        dependency.registry_index = text(detail, &dotted, "registry-index")?.map(str::to_owned);
        dependency.features = texts(detail.get("features"), &format!("{place}.features"))?;
        dependency.optional = flag(detail.get("optional"), &format!("{place}.optional"), false)?;
        let default_features = either(detail, &dotted, "default-features", "default_features")?;
        dependency.default_features = flag(default_features, &format!("{place}.default-features"), true)?;
    }
    let names = [Some(dependency.key.as_str()), dependency.package.as_deref()];
    if let Some(name) = names.into_iter().flatten().find(|name| !feature::is_package_name(name)) {
        return Err(ComputeError::Text { place: place.to_owned(), text: name.to_owned() });
    }
    if let Some(name) = dependency.features.iter().find(|name| !feature::is_name(name)) {
        return Err(ComputeError::Text { place: format!("{place}.features"), text: name.clone() });
    }
    Ok(dependency)
}

/// `cargo package` resolves inheritance and names of registries away, removes paths and repositories, and nightly's artifact
/// dependencies never reach an index.
fn refuse_what_is_not_published(detail: &dyn TableLike, place: &str) -> Result<(), ComputeError> {
    if detail.get("workspace").is_some() {
        return Err(ComputeError::Inherited { place: place.to_owned() });
    }
    if let Some(registry) = detail.get("registry") {
        let registry = registry.as_str().unwrap_or_default().to_owned();
        return Err(ComputeError::RegistryName { place: place.to_owned(), registry });
    }
    if ["artifact", "lib", "target"].iter().any(|key| detail.get(key).is_some()) {
        return Err(ComputeError::Artifact { place: place.to_owned() });
    }
    match detail.iter().find(|(key, _)| !DEPENDENCY_KEYS.contains(key)) {
        Some((key, _)) => Err(ComputeError::NotPackaged { place: format!("{place}.{key}") }),
        None => Ok(()),
    }
}

fn requirement(version: &str, place: &str) -> Result<VersionReq, ComputeError> {
    if version.len() > MAX_VERSION_REQ {
        return Err(ComputeError::TooMany { what: format!("characters in `{place}`"), max: MAX_VERSION_REQ });
    }
    VersionReq::parse(version).map_err(|source| ComputeError::Requirement {
        place: place.to_owned(),
        text: version.to_owned(),
        source,
    })
}
