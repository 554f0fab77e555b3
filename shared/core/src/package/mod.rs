//! What a .crate may hold.
//!
//! A .crate is a gzip of a tar archive of regular files, each under `<name>-<version>/`, as `cargo package` writes it.
//! tar can express far more: links, devices, sparse files, sizes stated twice, paths that lead elsewhere. Cargo and
//! the file systems below it have been led astray by all of these, so this reader parses the headers itself: what it does
//! not understand is refused, not skipped. Who publishes may write what `cargo package` writes and nothing else; who consumes
//! takes what Cargo unpacks, unless it does harm ([`Rules`]).
//!
//! The archive is read once, as a stream ([`for_each_entry`]): a decompression bomb is refused at the cap and costs no
//! memory. Who reads hundreds has small ones inflated at once ([`for_each_entry_of`]). Whoever checks ([`inspect`]), compares ([`differences`]) or unpacks an archive goes through the same walk, and
//! so through all the rules.
//!
//! Of a file's mode only the executable bit is passed on; Cargo masks the others, setuid included, when it unpacks.

mod error;
mod headers;
mod paths;
mod pax;
mod rules;
mod scratch;
mod stream;
mod walk;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use semver::Version;

pub use error::{EntryRule, PackageError};
pub use rules::{Odd, Rules};
pub use scratch::Scratch;
pub use walk::{Entry, Package, for_each_entry, for_each_entry_of};

use crate::digest::Digest;

/// Checks a .crate against the rules, without keeping its content.
///
/// # Errors
/// [`PackageError`] names the entry and the rule.
pub fn inspect(rules: Rules, archive: &[u8], name: &str, version: &Version) -> Result<Package, PackageError> {
    for_each_entry(rules, archive, archive.len() as u64, name, version, |_| Ok(()))
}

/// The files that `cargo package` makes anew each time: the commit, and the state of the lock file that day.
const INCIDENTAL: [&str; 2] = [".cargo_vcs_info.json", "Cargo.lock"];

/// The paths in which two .crates of one release differ, sorted; those that change by mere repackaging are left out.
///
/// # Errors
/// When one of the two is not a package of that name and version.
pub fn differences(
    left: &[u8],
    right: &[u8],
    name: &str,
    version: &Version,
) -> Result<Vec<String>, PackageError> {
    let left = contents(left, name, version)?;
    let mut right = contents(right, name, version)?;
    let mut paths: Vec<String> = left
        .into_iter()
        .filter(|(path, content)| right.remove(path).as_ref() != Some(content))
        .map(|(path, _)| path)
        .collect();
    paths.extend(right.into_keys());
    paths.sort();
    Ok(paths)
}

/// Whether two .crates of one release hold the same, but for `.cargo_vcs_info.json` and `Cargo.lock`.
///
/// # Errors
/// When one of the two is not a package of that name and version.
pub fn same_content(left: &[u8], right: &[u8], name: &str, version: &Version) -> Result<bool, PackageError> {
    Ok(differences(left, right, name, version)?.is_empty())
}

fn contents(
    archive: &[u8],
    name: &str,
    version: &Version,
) -> Result<BTreeMap<String, (Digest, bool)>, PackageError> {
    let mut contents = BTreeMap::new();
    let length = archive.len() as u64;
    for_each_entry(Rules::Consume, archive, length, name, version, |entry| {
        if !INCIDENTAL.contains(&entry.path()) {
            let digest = entry.digest()?;
            contents.insert(entry.path().to_owned(), (digest, entry.is_executable()));
        }
        Ok::<(), PackageError>(())
    })?;
    Ok(contents)
}
