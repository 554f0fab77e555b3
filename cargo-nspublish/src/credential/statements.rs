//! The statements that authorize an operation, and the checksum that a yank needs.

use cargo_namespaces::digest::Digest;
use cargo_namespaces::index::{index_path, parse_index_file};
use cargo_namespaces::key::SecretKey;
use cargo_namespaces::name::{IndexUrl, QualifiedName};
use cargo_namespaces::statement::{
    Envelope, Nonce, Predicate as _, Read, ReleaseStatement, Yank, YankOperation,
};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::client::{HttpClient, Request, Transport as _};
use semver::Version;

/// How long a read statement holds: Cargo asks for a new one when it has ended.
const READ_SECONDS: u64 = 3600;

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
///
/// # Errors
/// The operating system gives no randomness.
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

/// The statement that lets its signer read an index for a while.
pub fn read(index: &IndexUrl, now: Timestamp) -> Read {
    Read { index: index.clone(), at: now, expires_at: now.plus_seconds(READ_SECONDS) }
}

/// Whether an index wants to know who reads it.
///
/// # Errors
/// It does not answer.
pub fn is_private(settings: &Settings, index: &IndexUrl) -> Result<bool, CliError> {
    let request = Request::index_file(index.join("config.json"));
    let response = HttpClient::new(settings.http.clone())
        .fetch_one(request)
        .context(ExitCode::Unreachable, "failed to read the index's config.json")?;
    Ok(response.status == 401)
}

/// The checksum of a release, from its index: Cargo does not tell it when it yanks. A private index is shown a read
/// statement.
///
/// # Errors
/// The index does not answer, or has no such release.
pub fn checksum(
    settings: &Settings,
    index: &IndexUrl,
    name: &QualifiedName,
    version: &Version,
    key: &SecretKey,
) -> Result<Digest, CliError> {
    let client = HttpClient::new(settings.http.clone());
    let request = || Request::index_file(index.join(&index_path(&name.krate)));
    let fetch = |request| {
        client
            .fetch_one(request)
            .context(ExitCode::Unreachable, format!("failed to read the index of {name}"))
    };
    let mut response = fetch(request())?;
    if response.status == 401 {
        let header = read(index, clock::now()).sign(key).to_header();
        response = fetch(request().header("authorization", header))?;
    }
    let missing =
        || CliError::new(ExitCode::Failure, format!("the index {index} has no release {name} v{version}"));
    match response.status {
        200 => {}
        404 | 410 | 451 => return Err(missing()),
        status => {
            let error = format!("the index of {name} answered with HTTP status {status}");
            return Err(CliError::new(ExitCode::Unreachable, error));
        }
    }
    let lines = parse_index_file(response.bytes()).exit_with(ExitCode::InvalidInput)?;
    lines.iter().find(|line| line.vers == *version).map(|line| line.cksum).ok_or_else(missing)
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

    #[test]
    fn a_read_statement_ends() {
        let now = Timestamp::from_unix(1_800_000_000);
        assert_eq!(read(&index(), now).expires_at.unix(), now.unix() + 3600);
    }
}
