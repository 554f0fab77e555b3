//! Keys that change, at the registry of their namespace: its copy of the documents, its releases, its owners.

use cargo_namespaces::api::{CrateInfo, NamespaceInfo, ResignRequest, Resigned};
use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces::name::{IndexUrl, QualifiedName};
use cargo_namespaces::statement::{Envelope, OwnersOperation, ReleaseStatement};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::keystore::OpenKey;
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use crate::owner;
use crate::publisher::Publisher;
use crate::registry::Registry;
use crate::session::Session;

/// Most releases in one request.
const BATCH: usize = 100;

/// Who is to hear of keys that change.
pub enum Host {
    /// The registry of the namespace.
    Registry(Box<Registry>),
    /// Nobody was asked, or nobody answered; how to go on later was said.
    Later,
    /// No registry: the site's own documents carry everything.
    Site,
}

/// The registry of a namespace, if its index is on one. One that cannot be asked has to be told later, also what the keys
/// `resign` signed.
///
/// # Errors
/// Ctrl-C.
pub fn host_of(
    session: &Session<'_>,
    publisher: &Publisher,
    key: &SecretKey,
    resign: &[PublicKey],
) -> Result<Host, CliError> {
    if session.settings.offline() || session.common.is_offline() {
        session.shell.hint(later(publisher, resign));
        return Ok(Host::Later);
    }
    let open = || {
        SecretKey::from_pkcs8_pem(&key.to_pkcs8_pem(), None)
            .map_err(|error| CliError::from_error(ExitCode::Failure, &error))
    };
    match Registry::find_any(session, &publisher.namespace, &publisher.index, open) {
        Ok(Some(registry)) => Ok(Host::Registry(Box::new(registry))),
        Ok(None) => Ok(Host::Site),
        Err(error) if error.exit() == ExitCode::Unreachable => {
            session.shell.warn(format!("the registry was not told: {error}"));
            session.shell.hint(later(publisher, resign));
            Ok(Host::Later)
        }
        Err(error) => Err(error),
    }
}

/// How to tell a registry later.
fn later(publisher: &Publisher, resign: &[PublicKey]) -> String {
    let resign: String = resign.iter().map(|key| format!(" --resign {key}")).collect();
    format!(
        "tell the registry later, if there is one: `cargo nspublish key sync --namespace {}{resign}`",
        publisher.namespace
    )
}

/// An error of a registry that stopped answering on the way, with how to go on.
pub fn interrupted(error: CliError, publisher: &Publisher, resign: &[PublicKey]) -> CliError {
    if error.exit() == ExitCode::Unreachable { error.hint(later(publisher, resign)) } else { error }
}

/// Hands in the endorsements and revocations that the registry does not hold yet, one after the other: each may rest on
/// the one before. What it does not take is said; the domain's own documents carry it all the same.
///
/// # Errors
/// The registry does not answer.
pub fn documents(session: &Session<'_>, registry: &Registry, publisher: &Publisher) -> Result<(), CliError> {
    let Some(held) = registry.namespace_info()?.filter(|held| held.known) else {
        // Nothing is published there: what the domain says is all that it will ever ask for.
        return Ok(());
    };
    let mut count = 0;
    for envelope in missing(publisher, &held) {
        match registry.documents(vec![envelope]) {
            Ok(_) => count += 1,
            Err(error) if error.exit() == ExitCode::Unreachable => return Err(error),
            Err(error) => session.shell.warn(format!("a statement about a key was not taken: {error}")),
        }
    }
    if count > 0 {
        let plural = if count == 1 { "" } else { "s" };
        session
            .shell
            .status("Handed in", format!("{count} statement{plural} about keys to {}", registry.host()));
    }
    Ok(())
}

/// The author's statements that a registry does not hold, endorsements first: a revocation may rest on one.
fn missing(publisher: &Publisher, held: &NamespaceInfo) -> Vec<Envelope> {
    let known = |envelope: &Envelope| {
        held.endorsements.iter().chain(&held.revocations).any(|one| one.payload == envelope.payload)
    };
    let doc = &publisher.doc;
    doc.endorsements.iter().chain(&doc.revocations).filter(|envelope| !known(envelope)).cloned().collect()
}

/// Signs with `new` what the keys `signed_by` signed at the registry.
///
/// # Errors
/// The registry does not answer, or refuses.
pub fn releases<'k>(
    session: &Session<'_>,
    registry: &Registry,
    new: &SecretKey,
    signed_by: impl IntoIterator<Item = &'k PublicKey>,
) -> Result<(), CliError> {
    let old: Vec<PublicKey> = signed_by.into_iter().copied().collect();
    let mut signed = Vec::new();
    for info in crates(registry)? {
        signed.extend(signed_again(&info, &registry.index, new, &old, clock::now()));
    }
    for releases in signed.chunks(BATCH) {
        registry
            .resign(&ResignRequest { namespace: registry.namespace.clone(), releases: releases.to_vec() })?;
    }
    let plural = if signed.len() == 1 { "" } else { "s" };
    session.shell.status("Signed", format!("{} release{plural} at {} again", signed.len(), registry.host()));
    Ok(())
}

/// The new signatures for one crate.
fn signed_again(
    info: &CrateInfo,
    index: &IndexUrl,
    new: &SecretKey,
    old: &[PublicKey],
    at: Timestamp,
) -> Vec<Resigned> {
    let by = |version: &cargo_namespaces::api::VersionInfo, key: &PublicKey| {
        version.attestations.iter().any(|attestation| attestation.key == *key)
    };
    let wanted = info
        .versions
        .iter()
        .filter(|version| !by(version, &new.public()) && old.iter().any(|key| by(version, key)));
    wanted
        .map(|version| {
            let statement = ReleaseStatement {
                name: info.name.clone(),
                version: version.version.clone(),
                cksum: version.cksum,
                index: index.clone(),
                at,
            };
            Resigned {
                krate: info.name.krate.clone(),
                version: version.version.clone(),
                attestation: statement.attest(new),
            }
        })
        .collect()
}

/// Makes `new` an owner of what `old` owns, as `old` says.
///
/// # Errors
/// The registry does not answer, or refuses.
pub fn owners(
    session: &Session<'_>,
    registry: &Registry,
    old: &OpenKey,
    new: &PublicKey,
) -> Result<(), CliError> {
    for info in crates(registry)? {
        if info.owners.contains(&old.secret.public()) && !info.owners.contains(new) {
            owner::submit(registry, old, &info.name, OwnersOperation::Add, *new)?;
            session.shell.status("Added", format!("the new key as an owner of {}", info.name));
        }
    }
    Ok(())
}

fn crates(registry: &Registry) -> Result<Vec<CrateInfo>, CliError> {
    let Some(info) = registry.namespace_info()? else { return Ok(Vec::new()) };
    let mut crates = Vec::new();
    for krate in info.crates {
        let name = QualifiedName { namespace: info.namespace.clone(), krate };
        crates.extend(registry.krate(&name)?);
    }
    Ok(crates)
}

#[cfg(test)]
mod tests {
    use cargo_namespaces::api::VersionInfo;
    use cargo_namespaces::digest::Digest;
    use semver::Version;

    use super::*;

    #[test]
    fn only_what_the_old_key_alone_signed_is_signed_again() {
        let [old, new, other] = [0, 1, 2].map(|_| SecretKey::generate().unwrap());
        let index = IndexUrl::parse("sparse+https://crates.example/index/serde.rs/").unwrap();
        let name = QualifiedName::parse("serde.rs/serde-abc").unwrap();
        let at = Timestamp::from_unix(1_800_000_000);
        let version = |minor: u64, by: &[&SecretKey]| {
            let (version, cksum) = (Version::new(1, minor, 0), Digest::of(&minor.to_le_bytes()));
            let statement = ReleaseStatement {
                name: name.clone(),
                version: version.clone(),
                cksum,
                index: index.clone(),
                at,
            };
            let attestations = by.iter().map(|key| statement.attest(key)).collect();
            VersionInfo { version, cksum, yanked: false, published_at: None, attestations }
        };
        let info = CrateInfo {
            name: name.clone(),
            index: index.clone(),
            description: None,
            owners: Vec::new(),
            offered_to: None,
            versions: vec![version(0, &[&old]), version(1, &[&old, &new]), version(2, &[&other])],
            history: Vec::new(),
        };
        let signed = signed_again(&info, &index, &new, &[old.public()], at);
        assert_eq!(signed.len(), 1);
        assert_eq!(signed[0].version, Version::new(1, 0, 0));
        let statement = ReleaseStatement {
            name,
            version: Version::new(1, 0, 0),
            cksum: info.versions[0].cksum,
            index,
            at,
        };
        statement.verify(&signed[0].attestation).unwrap();
    }
}
