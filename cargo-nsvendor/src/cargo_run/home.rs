//! Another home for cargo: the user's own, but for what its configuration says about sources that are vendored.
//!
//! A project may keep Cargo's home within itself, with the configuration that leads to the vendored directory in it. Cargo
//! reads that file wherever it is run, and no flag takes an entry away. So it is given a directory that holds a copy of the
//! file without these entries, and a link to everything else: caches, locks, credentials.
//!
//! ```text
//! <temporary>/home/config.toml       the copy
//! <temporary>/home/registry  ─►      $CARGO_HOME/registry
//! ```

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::fs::{FsError, create_dir_all, read_to_string_if_exists};

use super::copies;

/// Where Cargo keeps what it fetches.
const DIRECTORIES: [&str; 2] = ["registry", "git"];
/// The files of Cargo's home by which two cargos keep out of each other's way.
const LOCKS: [&str; 2] = [".package-cache", ".package-cache-mutate"];
/// The names of the configuration file, the one that counts first.
const CONFIGURATION: [&str; 2] = ["config", "config.toml"];

/// Makes the home in `into`, if the configuration in the user's may have one of the sources `names`.
///
/// # Errors
/// It cannot be read, or the other one not be made.
pub fn without_sources(
    settings: &Settings,
    names: &BTreeSet<String>,
    into: &Path,
) -> Result<Option<PathBuf>, CliError> {
    let home = &settings.cargo_home;
    let Some(file) = CONFIGURATION.iter().map(|name| home.join(name)).find(|path| path.is_file()) else {
        return Ok(None);
    };
    let text = read_to_string_if_exists(&file)?.unwrap_or_default();
    // It may have one of them, or include a file that has.
    if !["source", "include"].iter().any(|key| text.contains(key)) {
        return Ok(None);
    }
    create_dir_all(into)?;
    let failed = |source| FsError { action: "prepare", path: into.to_owned(), source };
    link(home, into).map_err(failed)?;
    copies::write_copy(&file, names, &into.join("config.toml"), copies::of_home)?;
    Ok(Some(into.to_owned()))
}

/// Links everything in `home` but the configuration; what Cargo would make is made there, not in the copy.
fn link(home: &Path, into: &Path) -> io::Result<()> {
    for name in DIRECTORIES {
        fs::create_dir_all(home.join(name))?;
    }
    for name in LOCKS {
        OpenOptions::new().create(true).append(true).open(home.join(name))?;
    }
    for entry in fs::read_dir(home)? {
        let entry = entry?;
        let name = entry.file_name();
        if !CONFIGURATION.iter().any(|known| *known == name) {
            link_to(&entry.path(), &into.join(name))?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn link_to(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn link_to(target: &Path, link: &Path) -> io::Result<()> {
    use std::os::windows::fs::{symlink_dir, symlink_file};
    if target.is_dir() { symlink_dir(target, link) } else { symlink_file(target, link) }
}
