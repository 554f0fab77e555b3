//! A home for Cargo that is the user's own, except that its configuration does not mention the vendored sources.
//!
//! A project may keep Cargo's home inside itself, and the configuration for the vendored directory in it. Cargo reads that file
//! wherever it is run, and no flag removes an entry. So Cargo is given a directory that holds a copy of the file without these
//! entries, and links to everything else: caches, locks, credentials.
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
use cargo_namespaces_net::fs::{FsError, create_dir_all, read_to_string_if_exists};

use super::copies::{self, ConfigCopyError};
use crate::temporary;

/// Where Cargo keeps what it fetches.
const DIRECTORIES: [&str; 2] = ["registry", "git"];
/// The lock files in Cargo's home.
const LOCKS: [&str; 2] = [".package-cache", ".package-cache-mutate"];
/// The names of the configuration file. Cargo reads the first that exists.
const CONFIGURATION: [&str; 2] = ["config", "config.toml"];

/// Makes the home in `into`, if the user's configuration may have one of the sources `names`.
///
/// # Errors
/// The user's home cannot be read, or the other one cannot be made.
pub fn without_sources(
    settings: &Settings,
    names: &BTreeSet<String>,
    into: &Path,
) -> Result<Option<PathBuf>, ConfigCopyError> {
    let home = &settings.cargo_home;
    let Some(file) = CONFIGURATION.iter().map(|name| home.join(name)).find(|path| path.is_file()) else {
        return Ok(None);
    };
    let text = read_to_string_if_exists(&file)?.unwrap_or_default();
    // The file itself may have one of them, or a file that it includes.
    if !["source", "include"].iter().any(|key| text.contains(key)) {
        return Ok(None);
    }
    create_dir_all(into)?;
    let failed = |source| FsError { action: "prepare", path: into.to_owned(), source };
    link_all(home, into).map_err(failed)?;
    copies::write_copy(&file, names, &into.join("config.toml"), copies::of_home)?;
    Ok(Some(into.to_owned()))
}

/// Links everything in `home` except the configuration. What Cargo would create is created in `home` before, so that it is not
/// created in the copy.
fn link_all(home: &Path, into: &Path) -> io::Result<()> {
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
            temporary::link(&entry.path(), &into.join(name))?;
        }
    }
    Ok(())
}
