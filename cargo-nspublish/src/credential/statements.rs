//! The statements that authorize an operation, and the checksum that a yank needs.

use cargo_namespaces::digest::Digest;
use cargo_namespaces::key::SecretKey;
use cargo_namespaces::name::{IndexUrl, QualifiedName};
use cargo_namespaces::statement::{Envelope, Nonce, Predicate as _, ReleaseStatement, Yank, YankOperation};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use semver::Version;

use crate::registry::access::{AskError, ask_signing};
use crate::registry::requests;
use crate::registry::responses::{self, LinesError};
use cargo_namespaces_cli::network::Network;

/// The authorization of a publish.
pub fn release(
    name: QualifiedName,
    version: Version,
    cksum: Digest,
    index: IndexUrl,
    at: Timestamp,
    key: &SecretKey,
) -> Envelope {
    let statement = ReleaseStatement { name, version, cksum, index, at };
    statement.sign(key)
}

/// The authorization of a yank, or of taking one back.
pub fn yank(
    name: QualifiedName,
    version: Version,
    cksum: Digest,
    index: IndexUrl,
    operation: YankOperation,
    key: &SecretKey,
) -> Result<Envelope, CliError> {
    let nonce = Some(Nonce::generate().exit_with(ExitCode::Failure)?);
    Ok(Yank { name, version, cksum, index, operation, at: clock::now(), nonce }.sign(key))
}

/// The checksum of a release, from its index: Cargo does not tell it when it yanks. A private index is shown a read
/// statement.
///
/// # Errors
/// The index does not answer, or has no such release.
pub fn checksum(
    network: &Network<'_>,
    index: &IndexUrl,
    name: &QualifiedName,
    version: &Version,
    key: &SecretKey,
) -> Result<Digest, CliError> {
    let request = requests::index_file(index, &name.krate);
    let asked = ask_signing(network, index, request, |read| Ok(read.sign(key)));
    let response = match asked {
        Ok(answer) => answer.response,
        Err(AskError::Key(error)) => return Err(error),
        Err(AskError::Transport(error)) => {
            let step = format!("failed to read the index of {name}");
            return Err(CliError::new(ExitCode::Unreachable, step).caused_by(&error));
        }
    };
    let lines = responses::index_lines(&response).map_err(|error| match error {
        LinesError::Status(status) => {
            CliError::new(ExitCode::Unreachable, format!("the index of {name} answered with {status}"))
        }
        LinesError::File(error) => CliError::from_error(ExitCode::InvalidInput, &error),
    })?;
    let line = lines.into_iter().flatten().find(|line| line.vers == *version);
    line.map(|line| line.cksum).ok_or_else(|| {
        CliError::new(ExitCode::Failure, format!("the index {index} has no release {name} v{version}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index() -> IndexUrl {
        IndexUrl::parse("sparse+https://crates.example/index/serde.rs/").unwrap()
    }

    #[test]
    fn a_publish_is_authorized_by_the_release_statement() {
        let key = SecretKey::generate().unwrap();
        let name = QualifiedName::parse("serde.rs/serde-abc").unwrap();
        let (version, cksum) = (Version::new(1, 0, 0), Digest::of(b"crate"));
        let at = Timestamp::from_unix(1_800_000_000);
        let envelope = release(name.clone(), version.clone(), cksum, index(), at, &key);
        let header = envelope.to_header();
        assert!(header.bytes().all(|byte| byte.is_ascii_graphic()), "{header}");
        let envelope = Envelope::from_header(&header).unwrap();
        let read = envelope.open::<ReleaseStatement>().unwrap();
        assert_eq!(
            (read.key(), read.into_facts()),
            (key.public(), ReleaseStatement { name, version, cksum, index: index(), at })
        );
    }

    #[test]
    fn two_yanks_are_never_the_same() {
        let key = SecretKey::generate().unwrap();
        let made = || {
            let name = QualifiedName::parse("serde.rs/serde-abc").unwrap();
            let (version, cksum) = (Version::new(1, 0, 0), Digest::of(b"crate"));
            yank(name, version, cksum, index(), YankOperation::Yank, &key).unwrap()
        };
        let (one, two) = (made(), made());
        assert_ne!(one.payload, two.payload);
        let yank = one.open::<Yank>().unwrap();
        assert_eq!((yank.key(), yank.operation), (key.public(), YankOperation::Yank));
    }
}
