//! Running cargo as if nothing were vendored yet.
//!
//! Once a project is configured for its vendored directory, Cargo sees nothing else: a dependency that is new in the
//! manifest cannot be resolved. `cargo vendor` ignores the configuration's replacements for that reason. Here only those that
//! lead into the vendored directory are ignored; a mirror stays a mirror. Since a configuration file cannot be told to be
//! silent, cargo is then run from an empty directory, with copies of the project's files that lack these entries.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cargo_namespaces::cargo::{Cargo, CargoError};
use cargo_namespaces::cli::CommonArgs;
use cargo_namespaces::fs::{FsError, read_to_string_if_exists, write_cache};
use cargo_namespaces::settings::Settings;
use cargo_namespaces::shell::{CliError, ExitCode, Shell};
use tempfile::TempDir;
use toml_edit::{DocumentMut, Item, Value};

use crate::project::plain;

/// A cargo that does not see what is vendored.
#[derive(Clone, Debug)]
pub struct CargoRun {
    cargo: Cargo,
    flags: Vec<OsString>,
    /// The empty directory, while cargo runs in it.
    _away: Option<Arc<TempDir>>,
}

/// The tables that matter for finding and fetching packages; the others are not copied.
const KEPT: [&str; 11] = [
    "cache",
    "credential-alias",
    "http",
    "include",
    "net",
    "patch",
    "paths",
    "registries",
    "registry",
    "resolver",
    "source",
];

impl CargoRun {
    /// Prepares cargo to be run for `settings`, whose replacements that lead to `target` are removed.
    ///
    /// # Errors
    /// A configuration file cannot be read, or its copy not be written.
    pub fn new(
        shell: &Shell,
        common: &CommonArgs,
        settings: &mut Settings,
        target: &Path,
    ) -> Result<Self, CliError> {
        let mut flags = Vec::new();
        let vendored = take_vendored(settings, target);
        let away = if vendored.is_empty() { None } else { Some(empty_directory()?) };
        if let Some(away) = &away {
            for (number, file) in configuration_files(settings).into_iter().enumerate() {
                let copy = away.path().join(number.to_string()).join(".cargo").join("config.toml");
                let text = read_to_string_if_exists(&file)?.unwrap_or_default();
                write_cache(&copy, without(&text, &file, &vendored)?.as_bytes())?;
                flags.push("--config".into());
                flags.push(copy.into());
            }
        }
        // Those of the command line come last: the later wins.
        flags.extend(absolute_configs(common.cargo_flags(shell), &settings.directory));
        let directory = away.as_ref().map_or(settings.directory.as_path(), TempDir::path);
        Ok(Self { cargo: Cargo::new(directory), flags, _away: away.map(Arc::new) })
    }

    /// The same, with the configuration file `config` over all others.
    pub fn configured_by(&self, config: &Path) -> Self {
        let mut made = self.clone();
        made.flags.extend(["--config".into(), config.into()]);
        made
    }

    /// `cargo fetch`: the lock file fits the manifest afterwards, and every package is in Cargo's home.
    ///
    /// # Errors
    /// It fails.
    pub fn fetch(&self, manifest: &Path) -> Result<(), CargoError> {
        self.cargo.fetch(Some(manifest), &self.flags)
    }

    /// Whether the lock file beside `manifest` fits it, silently, with nothing downloaded but the index.
    ///
    /// `cargo fetch --locked` would unpack every package. Of the commands that resolve the whole graph and refuse to change
    /// the lock file, `cargo clean` does the least besides: it is told to clean one package of a directory in which
    /// nothing was ever built.
    ///
    /// # Errors
    /// It does not fit, or cannot be resolved; what cargo said is in the error.
    pub fn check_lock(&self, manifest: &Path, member: &str, settings: &Settings) -> Result<(), CargoError> {
        let mut args: Vec<OsString> = vec!["clean".into(), "--manifest-path".into(), manifest.into()];
        args.extend(["--package".into(), member.into(), "--target-dir".into()]);
        args.push(settings.cache().join("nothing-built").into());
        args.extend(self.flags.iter().filter(|flag| !is_verbosity(flag)).cloned());
        if !self.flags.iter().any(|flag| flag == "--locked" || flag == "--frozen") {
            args.push("--locked".into());
        }
        self.cargo.capture(&args).map(|_| ())
    }

    /// `cargo metadata` of the workspace's own packages, which is resolved nowhere.
    ///
    /// # Errors
    /// It fails.
    pub fn members(&self, manifest: &Path) -> Result<cargo_metadata::Metadata, CargoError> {
        let mut flags = self.quiet_flags();
        flags.push("--no-deps".into());
        self.cargo.metadata(Some(manifest), flags)
    }

    /// `cargo metadata` of the locked graph with `further` flags; Cargo fetches what it needs for the answer.
    ///
    /// # Errors
    /// It fails: the lock file does not fit, a feature is not known, a package cannot be fetched.
    pub fn resolved(
        &self,
        manifest: &Path,
        further: &[OsString],
    ) -> Result<cargo_metadata::Metadata, CargoError> {
        let mut flags = self.quiet_flags();
        flags.extend_from_slice(further);
        if !flags.iter().any(|flag| flag == "--locked" || flag == "--frozen") {
            flags.push("--locked".into());
        }
        self.cargo.metadata(Some(manifest), flags)
    }

    /// Without those that say how much is told: the answer is read, not shown.
    fn quiet_flags(&self) -> Vec<OsString> {
        self.flags.iter().filter(|flag| !is_verbosity(flag)).cloned().collect()
    }

    /// `cargo metadata` of what was fetched.
    ///
    /// # Errors
    /// It fails.
    pub fn metadata(&self, manifest: &Path) -> Result<cargo_metadata::Metadata, CargoError> {
        let mut flags = self.quiet_flags();
        for flag in ["--locked", "--offline"] {
            if !flags.iter().any(|given| given == flag || given == "--frozen") {
                flags.push(flag.into());
            }
        }
        self.cargo.metadata(Some(manifest), flags)
    }
}

fn is_verbosity(flag: &OsString) -> bool {
    flag == "--quiet" || flag == "--verbose"
}

fn empty_directory() -> Result<TempDir, FsError> {
    let above = std::env::temp_dir();
    tempfile::Builder::new().prefix("cargo-nsvendor-").tempdir_in(&above).map_err(|source| FsError {
        action: "create a directory in",
        path: above,
        source,
    })
}

/// Removes the sources that lie in `target` and what they replace, and names them.
fn take_vendored(settings: &mut Settings, target: &Path) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = settings
        .sources
        .iter()
        .filter(|(_, source)| {
            let places = source.directory.iter().chain(&source.local_registry);
            places.into_iter().any(|directory| plain(directory).starts_with(target))
        })
        .map(|(name, _)| name.clone())
        .collect();
    loop {
        let more: Vec<String> = settings
            .sources
            .iter()
            .filter(|(name, source)| {
                let replaced = source.replace_with.as_ref().is_some_and(|with| names.contains(with));
                replaced && !names.contains(*name)
            })
            .map(|(name, _)| name.clone())
            .collect();
        if more.is_empty() {
            break;
        }
        names.extend(more);
    }
    settings.sources.retain(|name, _| !names.contains(name));
    names
}

/// The configuration files that Cargo reads for where it is run, the weakest first; not the one in Cargo's home, which it
/// reads everywhere.
pub fn configuration_files(settings: &Settings) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = settings
        .directory
        .ancestors()
        .map(|directory| directory.join(".cargo"))
        .filter(|directory| *directory != settings.cargo_home)
        .filter_map(|directory| {
            // Where both exist Cargo reads the old one.
            ["config", "config.toml"].iter().map(|name| directory.join(name)).find(|path| path.is_file())
        })
        .collect();
    files.reverse();
    files
}

/// The text of a configuration file without the named sources, and valid from anywhere: relative paths are made absolute.
fn without(text: &str, file: &Path, names: &BTreeSet<String>) -> Result<String, CliError> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        CliError::new(ExitCode::InvalidInput, format!("failed to read `{}`", file.display()))
            .caused_by(&error)
    })?;
    let other: Vec<String> =
        document.iter().map(|(key, _)| key.to_owned()).filter(|key| !KEPT.contains(&key.as_str())).collect();
    for key in other {
        document.remove(&key);
    }
    if let Some(sources) = document.get_mut("source").and_then(Item::as_table_like_mut) {
        for name in names {
            sources.remove(name);
        }
    }
    // Cargo takes no secrets by `--config`.
    remove_secrets(&mut document);
    let cargo_directory = file.parent().unwrap_or(Path::new("/"));
    let base = cargo_directory.parent().unwrap_or(Path::new("/"));
    if let Some(http) = document.get_mut("http").and_then(Item::as_table_like_mut) {
        make_absolute(http, "cainfo", base);
    }
    if let Some(paths) = document.get_mut("paths").and_then(Item::as_array_mut) {
        paths.iter_mut().for_each(|path| make_value_absolute(path, base));
    }
    if let Some(patches) = document.get_mut("patch").and_then(Item::as_table_like_mut) {
        for (_, registry) in patches.iter_mut() {
            let Some(packages) = registry.as_table_like_mut() else { continue };
            for (_, package) in packages.iter_mut() {
                if let Some(package) = package.as_table_like_mut() {
                    make_absolute(package, "path", base);
                }
            }
        }
    }
    if let Some(sources) = document.get_mut("source").and_then(Item::as_table_like_mut) {
        for (_, source) in sources.iter_mut() {
            if let Some(source) = source.as_table_like_mut() {
                make_absolute(source, "directory", base);
                make_absolute(source, "local-registry", base);
            }
        }
    }
    if let Some(Item::Value(include)) = document.get_mut("include") {
        make_includes_absolute(include, cargo_directory);
    }
    Ok(document.to_string())
}

/// The text of a configuration file without its tokens.
///
/// # Errors
/// It is not TOML.
pub fn without_secrets(text: &str, file: &Path) -> Result<String, CliError> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        CliError::new(ExitCode::InvalidInput, format!("failed to read `{}`", file.display()))
            .caused_by(&error)
    })?;
    remove_secrets(&mut document);
    Ok(document.to_string())
}

fn remove_secrets(document: &mut DocumentMut) {
    let clean = |table: &mut dyn toml_edit::TableLike| {
        for key in ["token", "secret-key"] {
            table.remove(key);
        }
    };
    if let Some(registry) = document.get_mut("registry").and_then(Item::as_table_like_mut) {
        clean(registry);
    }
    if let Some(registries) = document.get_mut("registries").and_then(Item::as_table_like_mut) {
        for (_, registry) in registries.iter_mut() {
            if let Some(registry) = registry.as_table_like_mut() {
                clean(registry);
            }
        }
    }
}

fn make_absolute(table: &mut dyn toml_edit::TableLike, key: &str, base: &Path) {
    if let Some(Item::Value(value)) = table.get_mut(key) {
        make_value_absolute(value, base);
    }
}

fn make_value_absolute(value: &mut Value, base: &Path) {
    if let Some(path) = value.as_str() {
        *value = base.join(path).to_string_lossy().into_owned().into();
    }
}

/// `include` is relative to the file itself: a path, an array of paths, or tables with a `path`.
fn make_includes_absolute(value: &mut Value, base: &Path) {
    let one = |value: &mut Value| match value {
        Value::InlineTable(table) => {
            if let Some(path) = table.get_mut("path") {
                make_value_absolute(path, base);
            }
        }
        other => make_value_absolute(other, base),
    };
    match value {
        Value::Array(array) => array.iter_mut().for_each(one),
        other => one(other),
    }
}

/// `--config FILE` is relative to where cargo is run; it is now run elsewhere.
fn absolute_configs(flags: Vec<OsString>, directory: &Path) -> Vec<OsString> {
    let mut made: Vec<OsString> = Vec::with_capacity(flags.len());
    for flag in flags {
        let is_value = made.last().is_some_and(|last| last == "--config");
        let file = directory.join(&flag);
        made.push(if is_value && file.is_file() { file.into() } else { flag });
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_vendored_is_taken_out_and_paths_hold_from_anywhere() {
        let text = r#"
[alias]
b = "build"
[http]
cainfo = "ca.pem"
[registries.serde_rs]
index = "sparse+https://serde.rs/cargo/index/"
token = "secret"
[source.crates-io]
replace-with = "vendored-crates-io"
[source.vendored-crates-io]
directory = "vendor/crates.io"
[source.mirror]
local-registry = "mirror"
[patch.crates-io]
itoa = { path = "../itoa" }
"#;
        let names = ["crates-io", "vendored-crates-io"].map(str::to_owned).into();
        let made = without(text, Path::new("/p/.cargo/config.toml"), &names).unwrap();
        assert_eq!(
            made,
            r#"[http]
cainfo = "/p/ca.pem"
[registries.serde_rs]
index = "sparse+https://serde.rs/cargo/index/"
[source.mirror]
local-registry = "/p/mirror"
[patch.crates-io]
itoa = { path = "/p/../itoa" }
"#
        );
    }

    #[test]
    fn a_directory_that_only_looks_as_if_it_lay_in_the_target_is_not_taken_out() {
        use cargo_namespaces::env::Environment;
        let project = tempfile::tempdir().unwrap();
        let config = "[source.crates-io]\nreplace-with = \"x\"\n[source.x]\ndirectory = \"vendor/../evil\"\n";
        write_cache(&project.path().join(".cargo/config.toml"), config.as_bytes()).unwrap();
        let home = project.path().join("home");
        let env =
            Environment::default().with(cargo_namespaces::env::Var::CargoHome, home.display().to_string());
        let mut settings = Settings::load(project.path(), &env, &[]).unwrap();
        assert!(take_vendored(&mut settings, &project.path().join("vendor")).is_empty());
        assert_eq!(take_vendored(&mut settings, &project.path().join("evil")).len(), 2);
    }

    #[test]
    fn includes_are_made_absolute() {
        for (given, expected) in [
            ("include = \"a.toml\"\n", "include = \"/p/.cargo/a.toml\"\n"),
            (
                "include = [\"a.toml\", { path = \"b.toml\", optional = true }]\n",
                "include = [\"/p/.cargo/a.toml\", { path = \"/p/.cargo/b.toml\", optional = true }]\n",
            ),
        ] {
            let made = without(given, Path::new("/p/.cargo/config.toml"), &BTreeSet::new()).unwrap();
            let plain = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(plain(&made), plain(expected));
        }
    }

    #[test]
    fn the_shell_flags_keep_their_order() {
        let flags = ["--config", "net.offline=true", "--locked"].map(OsString::from).to_vec();
        assert_eq!(absolute_configs(flags.clone(), Path::new("/nowhere")), flags);
    }
}
