//! Refuses to publish a private key in a package. This is checked before anything is packaged, for a static index and a registry
//! alike.

use std::path::Path;

use cargo_namespaces::key::{KeyError, SecretKey};
use cargo_namespaces_cli::keystore::{KeyBook, Store};
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_net::fs;

use super::package_files::packaged;
use crate::context::Context;
use crate::plan::Member;

/// The end of the first line of a PEM private key of any kind.
const MARK: &str = "PRIVATE KEY-----";

/// A private key in a packaged file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PrivateKey {
    /// One that may sign releases: Ed25519, or encrypted.
    MaySign,
    /// One of another kind, which signs no releases. Tests have such keys for their certificates.
    Other,
}

/// Refuses members whose packages would contain a private key that may sign releases, and warns about other private keys.
///
/// # Errors
/// There is one, or Cargo cannot list what it would package.
pub fn refuse_keys(context: &Context<'_>, members: &[Member]) -> Result<(), CliError> {
    let book = context.store.book()?;
    for member in members {
        let directory = fs::directory_of(&member.manifest_path);
        for file in packaged(context, member)? {
            let path = directory.join(&file);
            let found = if is_of_the_book(&book, &path) { Some(PrivateKey::MaySign) } else { in_file(&path) };
            match found {
                None => {}
                Some(PrivateKey::MaySign) => return Err(refused(member, &file, &path)),
                Some(PrivateKey::Other) => {
                    context
                        .shell
                        .warn(format!("the package of {} publishes a private key: `{file}`", member.name));
                }
            }
        }
    }
    Ok(())
}

fn is_of_the_book(book: &KeyBook, path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    book.entries().iter().any(|(_, entry)| {
        matches!(&entry.store, Store::File(file) if file.canonicalize().is_ok_and(|file| file == path))
    })
}

/// Looks into a file. Those that Cargo generates, such as `.cargo_vcs_info.json`, do not exist in the directory.
fn in_file(path: &Path) -> Option<PrivateKey> {
    let bytes = fs::read_if_exists(path).ok().flatten()?;
    in_text(&String::from_utf8_lossy(&bytes))
}

fn in_text(text: &str) -> Option<PrivateKey> {
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
                Ok(_) | Err(KeyError::NeedsPassphrase) => return Some(PrivateKey::MaySign),
                Err(_) => found = Some(PrivateKey::Other),
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
            (plain.to_string(), Some(PrivateKey::MaySign)),
            (format!("a note\r\n{}", encrypted.replace('\n', "\r\n")), Some(PrivateKey::MaySign)),
            (format!("{other}{}", *plain), Some(PrivateKey::MaySign)),
            (other.to_owned(), Some(PrivateKey::Other)),
            ("let mark = \"-----BEGIN PRIVATE KEY-----\";\n".to_owned(), None),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(), None),
        ] {
            assert_eq!(in_text(&text), expected, "{text}");
        }
    }
}
