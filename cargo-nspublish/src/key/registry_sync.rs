//! Tells the registry of a namespace about keys that changed: its copy of the documents, its releases, its owners.

use cargo_namespaces::api::{CrateInfo, NamespaceInfo, ResignRequest, Resigned};
use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces::name::{IndexUrl, QualifiedName};
use cargo_namespaces::statement::{Envelope, OwnersOperation, Predicate as _, Read, ReleaseStatement};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::shell::CliError;

use crate::context::Context;
use crate::documents::NamespaceDocuments;
use crate::registry::{RegistryClient, RegistryError};

/// Most releases in one request.
const BATCH: usize = 100;

/// Where a change of keys has to be told.
pub enum SyncTarget<'a> {
    /// The registry of the namespace.
    Registry(Box<RegistryClient<'a>>),
    /// The registry was not asked, or did not answer. The user was told how to do it later.
    Later,
    /// No registry: the documents of the static index carry everything.
    StaticIndex,
}

/// Finds the registry of a namespace, if its index is on one. If it cannot be asked, the user is told how to do it later, with
/// the keys `resign` whose releases the new key is to sign.
pub fn sync_target<'a>(
    context: &Context<'a>,
    documents: &NamespaceDocuments,
    key: &SecretKey,
    resign: &[PublicKey],
) -> Result<SyncTarget<'a>, RegistryError> {
    if context.is_offline() {
        context.shell.hint(later(documents, resign));
        return Ok(SyncTarget::Later);
    }
    let sign = |read: &Read| Ok(read.sign(key));
    match RegistryClient::find_any(context.network, &documents.namespace, &documents.index, sign) {
        Ok(Some(registry)) => Ok(SyncTarget::Registry(Box::new(registry))),
        Ok(None) => Ok(SyncTarget::StaticIndex),
        Err(error) if error.is_unreachable() => {
            context.shell.warn(format!("failed to update the registry: {}", CliError::from(error)));
            context.shell.hint(later(documents, resign));
            Ok(SyncTarget::Later)
        }
        Err(error) => Err(error),
    }
}

/// Says how to tell the registry later.
fn later(documents: &NamespaceDocuments, resign: &[PublicKey]) -> String {
    let resign: String = resign.iter().map(|key| format!(" --resign {key}")).collect();
    format!(
        "update the registry later, if there is one: `cargo nspublish key sync --namespace {}{resign}`",
        documents.namespace
    )
}

/// Converts an error of the registry. If the registry stopped answering, the hint says how to go on later.
pub fn interrupted(error: RegistryError, documents: &NamespaceDocuments, resign: &[PublicKey]) -> CliError {
    match error.is_unreachable() {
        true => CliError::from(error).hint(later(documents, resign)),
        false => error.into(),
    }
}

/// Sends the endorsements and revocations that the registry does not have yet, one after the other, since each may need the
/// one before. It warns about one that the registry does not accept; the domain's own documents have it all the same.
pub fn send_documents(
    context: &Context<'_>,
    registry: &RegistryClient<'_>,
    documents: &NamespaceDocuments,
) -> Result<(), RegistryError> {
    let Some(held) = registry.namespace_info()?.filter(|held| held.known) else {
        // Nothing is published there yet: the registry will ask the domain.
        return Ok(());
    };
    let mut count = 0;
    for envelope in missing(documents, &held) {
        match registry.documents(vec![envelope]) {
            Ok(_) => count += 1,
            Err(error) if error.is_unreachable() => return Err(error),
            Err(error) => {
                let error = CliError::from(error);
                context.shell.warn(format!("the registry did not accept a statement about a key: {error}"));
            }
        }
    }
    if count > 0 {
        let plural = if count == 1 { "" } else { "s" };
        context
            .shell
            .status("Handed in", format!("{count} statement{plural} about keys to {}", registry.host()));
    }
    Ok(())
}

/// Returns the author's statements that a registry does not have. Endorsements come first: a revocation may need one.
fn missing(documents: &NamespaceDocuments, held: &NamespaceInfo) -> Vec<Envelope> {
    let known = |envelope: &Envelope| {
        held.endorsements.iter().chain(&held.revocations).any(|one| one.payload == envelope.payload)
    };
    let doc = &documents.doc;
    doc.endorsements.iter().chain(&doc.revocations).filter(|envelope| !known(envelope)).cloned().collect()
}

/// Signs with `new` what the keys `signed_by` signed at the registry.
pub fn sign_releases<'k>(
    context: &Context<'_>,
    registry: &RegistryClient<'_>,
    new: &SecretKey,
    signed_by: impl IntoIterator<Item = &'k PublicKey>,
) -> Result<(), RegistryError> {
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
    context.shell.status("Signed", format!("{} release{plural} at {} again", signed.len(), registry.host()));
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

/// Makes `new` an owner of every crate that `old` owns. `old` signs that.
pub fn add_owner(
    context: &Context<'_>,
    registry: &RegistryClient<'_>,
    old: &SecretKey,
    new: &PublicKey,
) -> Result<(), RegistryError> {
    for info in crates(registry)? {
        if info.owners.contains(&old.public()) && !info.owners.contains(new) {
            registry.change_owner(&info.name, OwnersOperation::Add, *new, old)?;
            context.shell.status("Added", format!("the new key as an owner of {}", info.name));
        }
    }
    Ok(())
}

fn crates(registry: &RegistryClient<'_>) -> Result<Vec<CrateInfo>, RegistryError> {
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
