//! The copies of the configuration that cargo is given: without some sources, without secrets, valid from anywhere.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_net::fs::{read_to_string_if_exists, write_cache};
use toml_edit::{DocumentMut, Item, Value};

use crate::project::plain;

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

/// Removes the sources that lie in `target`, the directories elsewhere unless `respect`, and what they replace; names them.
pub fn take_vendored(settings: &mut Settings, target: &Path, respect: bool) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = settings
        .sources
        .iter()
        .filter(|(_, source)| {
            let places = source.directory.iter().chain(&source.local_registry);
            let unpacked = !respect && source.directory.is_some();
            unpacked || places.into_iter().any(|directory| plain(directory).starts_with(target))
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
pub fn without(text: &str, file: &Path, names: &BTreeSet<String>) -> Result<String, CliError> {
    let mut document = parse(text, file)?;
    let other: Vec<String> =
        document.iter().map(|(key, _)| key.to_owned()).filter(|key| !KEPT.contains(&key.as_str())).collect();
    for key in other {
        document.remove(&key);
    }
    // Cargo takes no secrets by `--config`.
    remove_secrets(&mut document);
    Ok(moved(document, file, names))
}

/// The text of the configuration file in Cargo's home, for a home elsewhere: without the named sources, and valid from there.
pub fn of_home(text: &str, file: &Path, names: &BTreeSet<String>) -> Result<String, CliError> {
    Ok(moved(parse(text, file)?, file, names))
}

fn parse(text: &str, file: &Path) -> Result<DocumentMut, CliError> {
    text.parse().map_err(|error: toml_edit::TomlError| {
        CliError::new(ExitCode::InvalidInput, format!("failed to read `{}`", file.display()))
            .caused_by(&error)
    })
}

/// Without the named sources, with the relative paths made absolute.
fn moved(mut document: DocumentMut, file: &Path, names: &BTreeSet<String>) -> String {
    if let Some(sources) = document.get_mut("source").and_then(Item::as_table_like_mut) {
        for name in names {
            sources.remove(name);
        }
    }
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
        // Relative to the file itself.
        let _ = each_include(include, &mut |path| {
            make_value_absolute(path, cargo_directory);
            Ok(())
        });
    }
    document.to_string()
}

/// What becomes of a configuration file that is copied.
pub type Copied = fn(&str, &Path, &BTreeSet<String>) -> Result<String, CliError>;

/// Writes the copy of a configuration file to `to`, with copies beside it of the files that it includes.
///
/// # Errors
/// One of them cannot be read or written.
pub fn write_copy(file: &Path, names: &BTreeSet<String>, to: &Path, made: Copied) -> Result<(), CliError> {
    let text = read_to_string_if_exists(file)?.unwrap_or_default();
    let mut document = parse(&made(&text, file, names)?, file)?;
    if let Some(Item::Value(include)) = document.get_mut("include") {
        let stem = to.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut number = 0;
        each_include(include, &mut |path| {
            let Some(included) = path.as_str().map(PathBuf::from).filter(|path| path.is_file()) else {
                return Ok(());
            };
            let copy = to.with_file_name(format!("{stem}-{number}.toml"));
            number += 1;
            write_copy(&included, names, &copy, made)?;
            *path = copy.to_string_lossy().into_owned().into();
            Ok(())
        })?;
    }
    Ok(write_cache(to, document.to_string().as_bytes())?)
}

/// The text of a configuration file without its tokens.
///
/// # Errors
/// It is not TOML.
pub fn without_secrets(text: &str, file: &Path) -> Result<String, CliError> {
    let mut document = parse(text, file)?;
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

/// The paths in an `include`: one, an array of them, or tables with a `path`.
fn each_include(
    value: &mut Value,
    change: &mut dyn FnMut(&mut Value) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut one = |value: &mut Value| match value {
        Value::InlineTable(table) => table.get_mut("path").map_or(Ok(()), &mut *change),
        other => change(other),
    };
    match value {
        Value::Array(array) => array.iter_mut().try_for_each(one),
        other => one(other),
    }
}

/// `--config FILE` is relative to where cargo is run; it is now run elsewhere.
pub fn absolute_configs(flags: Vec<OsString>, directory: &Path) -> Vec<OsString> {
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
        use cargo_namespaces_cli::env::Environment;
        let project = tempfile::tempdir().unwrap();
        let config = "[source.crates-io]\nreplace-with = \"x\"\n[source.x]\ndirectory = \"vendor/../evil\"\n";
        write_cache(&project.path().join(".cargo/config.toml"), config.as_bytes()).unwrap();
        let home = project.path().join("home");
        let env = Environment::default()
            .with(cargo_namespaces_cli::env::Var::CargoHome, home.display().to_string());
        let mut settings = Settings::load(project.path(), &env, &[]).unwrap();
        assert!(take_vendored(&mut settings, &project.path().join("vendor"), true).is_empty());
        let again = &mut settings.clone();
        assert_eq!(take_vendored(again, &project.path().join("evil"), true).len(), 2);
        assert_eq!(take_vendored(&mut settings, &project.path().join("vendor"), false).len(), 2);
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
    fn what_is_vendored_is_taken_out_of_included_files_too() {
        let home = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| write_cache(&home.path().join(path), text.as_bytes()).unwrap();
        put("p/.cargo/config.toml", "include = [\"a.toml\", { path = \"gone.toml\", optional = true }]\n");
        put("p/.cargo/a.toml", "include = \"deep/b.toml\"\n[source.mirror]\nlocal-registry = \"m\"\n");
        put(
            "p/.cargo/deep/b.toml",
            "[source.crates-io]\nreplace-with = \"v\"\n[source.v]\ndirectory = \"../v\"\n",
        );
        let names = ["crates-io", "v"].map(str::to_owned).into();
        let to = home.path().join("copy/config.toml");
        write_copy(&home.path().join("p/.cargo/config.toml"), &names, &to, without).unwrap();
        let read = |path: &str| std::fs::read_to_string(home.path().join(path)).unwrap();
        let top = read("copy/config.toml");
        assert!(top.contains("copy/config-0.toml\"") && top.contains("p/.cargo/gone.toml\""), "{top}");
        let middle = read("copy/config-0.toml");
        assert!(middle.contains("copy/config-0-0.toml\"") && middle.contains("/p/m\""), "{middle}");
        assert!(!read("copy/config-0-0.toml").contains("replace-with"));
    }

    #[test]
    fn the_shell_flags_keep_their_order() {
        let flags = ["--config", "net.offline=true", "--locked"].map(OsString::from).to_vec();
        assert_eq!(absolute_configs(flags.clone(), Path::new("/nowhere")), flags);
    }
}
