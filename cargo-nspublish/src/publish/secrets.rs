//! No private key leaves in a package: looked for before anything is packaged, on a site and at a registry alike.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cargo_namespaces::key::{KeyError, SecretKey};
use cargo_namespaces_cli::cargo::Cargo;
use cargo_namespaces_cli::keystore::{KeyBook, Store};
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_net::fs;

use crate::plan::Member;
use crate::session::Session;

/// What a line of a PEM private key, of whatever kind, ends in.
const MARK: &str = "PRIVATE KEY-----";

/// What a packaged file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// A key such as ours: Ed25519, or encrypted.
    Ours,
    /// A private key of another kind, which signs no release: certificates of tests have such.
    Other,
}

/// Refuses members whose packages would hold a private key that may sign releases, and warns of others.
///
/// # Errors
/// There is one, or Cargo cannot list what it would package.
pub fn refuse_keys(session: &Session<'_>, members: &[Member]) -> Result<(), CliError> {
    let book = session.store.book()?;
    for member in members {
        let directory = fs::directory_of(&member.manifest_path);
        for file in packaged(session, member)? {
            let path = directory.join(&file);
            let found = if is_of_the_book(&book, &path) { Some(Found::Ours) } else { in_file(&path) };
            match found {
                None => {}
                Some(Found::Ours) => return Err(refused(member, &file, &path)),
                Some(Found::Other) => {
                    session
                        .shell
                        .warn(format!("the package of {} publishes a private key: `{file}`", member.name));
                }
            }
        }
    }
    Ok(())
}

/// The files that Cargo would package, as paths below the manifest's directory.
///
/// # Errors
/// Cargo cannot list them.
pub fn packaged(session: &Session<'_>, member: &Member) -> Result<Vec<String>, CliError> {
    let mut command: Vec<OsString> =
        ["package", "--list", "--allow-dirty", "--quiet"].map(Into::into).to_vec();
    command.extend(["--manifest-path".into(), member.manifest_path.clone().into()]);
    command.extend(session.common.config.iter().flat_map(|config| ["--config".into(), config.into()]));
    let listed = Cargo::new(&session.directory).capture(&command)?;
    Ok(String::from_utf8_lossy(&listed.stdout).lines().map(str::to_owned).collect())
}

fn is_of_the_book(book: &KeyBook, path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    book.entries().iter().any(|(_, entry)| {
        matches!(&entry.store, Store::File(file) if file.canonicalize().is_ok_and(|file| file == path))
    })
}

/// Files that Cargo generates, such as `.cargo_vcs_info.json`, are not there.
fn in_file(path: &Path) -> Option<Found> {
    let bytes = fs::read_if_exists(path).ok().flatten()?;
    in_text(&String::from_utf8_lossy(&bytes))
}

fn in_text(text: &str) -> Option<Found> {
    let mut found = None;
    let mut block: Option<String> = None;
    for line in text.lines().map(str::trim_end) {
        if line.starts_with("-----BEGIN ") && line.ends_with(MARK) {
            block = Some(String::new());
        }
        let Some(pem) = &mut block else { continue };
        pem.push_str(line);
        pem.push('\n');
        if line.starts_with("-----END ") {
            match SecretKey::from_pkcs8_pem(pem, None) {
                Ok(_) | Err(KeyError::NeedsPassphrase) => return Some(Found::Ours),
                Err(_) => found = Some(Found::Other),
            }
            block = None;
        }
    }
    found
}

fn refused(member: &Member, file: &str, path: &Path) -> CliError {
    let error =
        format!("the package of {} would publish the private key in `{}`", member.name, path.display());
    CliError::new(ExitCode::InvalidInput, error)
        .because("whoever downloads the package could sign releases with it, or try passphrases on it")
        .hint(format!(
            "move the file out of the package (`cargo nspublish key import --leave-in-file FILE` tells where it is then), or add \
             `exclude = [\"{file}\"]` below `[package]` in Cargo.toml"
        ))
}

/// Where a new key file would be published with what is around it: the directory of a package or of a git work tree.
pub fn published_with(session: &Session<'_>, file: &Path) -> Option<PathBuf> {
    let own = session.settings.cargo_home.join("namespaces");
    if file.starts_with(&own) {
        return None;
    }
    let is_public = |above: &&Path| above.join("Cargo.toml").exists() || above.join(".git").exists();
    file.ancestors().skip(1).find(is_public).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_may_sign_are_told_from_others() {
        let key = SecretKey::generate().unwrap();
        let plain = key.to_pkcs8_pem();
        let encrypted = key.to_encrypted_pkcs8_pem("a passphrase").unwrap();
        let other = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        for (text, expected) in [
            (plain.to_string(), Some(Found::Ours)),
            (format!("a note\r\n{}", encrypted.replace('\n', "\r\n")), Some(Found::Ours)),
            (format!("{other}{}", *plain), Some(Found::Ours)),
            (other.to_owned(), Some(Found::Other)),
            ("let mark = \"-----BEGIN PRIVATE KEY-----\";\n".to_owned(), None),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(), None),
        ] {
            assert_eq!(in_text(&text), expected, "{text}");
        }
    }
}
