//! Is everything namespaced in a lock file verified and trusted? Asked by `cargo nsadd` and `cargo nsvendor` alike.
//!
//! ```text
//! lock file ─ plan ─► one group a registry, each release marked new crate / new release / locked
//!                       │ whose namespace is each registry?      trust file, else the index's own config.json
//!                       ├─► index lines, one request a crate ─► .crate, from Cargo's cache or downloaded ─► verified?
//!                       └─► the domains, at the same time    ─► what stands, what is revoked
//!                                                                  └─► trust table ─► Report, or every refusal
//! ```
//!
//! [`plan()`] is pure, [`verify`] gathers through [`Sources`] and puts the answers together. Nothing is written and
//! nothing printed: what to tell the user is in the [`Report`] or in [`Refused`], all of it, not the first only.
//!
//! A registry is a namespace's when the trust file says so, or the user's configuration by the registry's name, or its
//! own `config.json`. Whether that is true, the trust table decides with the domain's word. A registry of no namespace
//! that the user configured is passed over with a note; one that nobody configured is refused.

mod check;
mod dependencies;
mod plan;
mod problem;
mod run;
mod state;
mod sources;
#[cfg(test)]
mod tests;
mod yanks;

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

pub use plan::{Claim, Group, Plan, Wanted, plan};
pub use problem::{Problem, ProblemKind, Refused};
pub use run::verify;
pub use sources::{CrateWanted, LiveSources, SourceError, Sources, configured};

use cargo_namespaces::digest::Digest;
use cargo_namespaces::domain_view::DomainView;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::lockfile::LockedPackage;
use cargo_namespaces::name::{IndexUrl, Namespace, QualifiedName, SpecialUseNames};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces::token::Scope;
use cargo_namespaces::trust::{Entering, Note, Options, TrustBasis};
use cargo_namespaces::trust_file::TrustFile;

/// What is to be verified, and against what.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The packages of the lock file.
    pub packages: &'a [LockedPackage],
    /// What was locked before.
    pub before: Before<'a>,
    /// What the project trusts.
    pub trust_file: &'a TrustFile,
    /// The registries that the user or the project configured: name and index URL, as written.
    pub configured: &'a [(String, String)],
    /// Packages that a `[patch]` of the project replaces, by name: for these the lock file may name another registry
    /// than whoever depends on them.
    pub patched: &'a BTreeSet<String>,
    /// Indexes whose namespace the caller has found out already.
    pub known: BTreeMap<IndexUrl, Namespace>,
    /// Domains that the caller has asked already; they are not asked again.
    pub views: Vec<DomainView>,
    /// `--strict`, `--trust`, `--trust-index`.
    pub options: &'a Options,
    /// Which special-use names (`.test`, `.example`, `localhost`) may be namespaces here.
    pub special_use: SpecialUseNames,
    /// Ask no domain, and no index beyond what is cached.
    pub offline: bool,
    /// The client's clock.
    pub now: Timestamp,
}

/// What was locked before; decides between the rows of the trust table.
#[derive(Clone, Copy, Debug)]
pub enum Before<'a> {
    /// Everything: the lock file is checked as it is.
    Everything,
    /// These packages.
    Packages(&'a [LockedPackage]),
}

/// A release that is verified and trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Namespace and crate.
    pub name: QualifiedName,
    pub version: Version,
    /// The registry it comes from: the namespace's canonical index.
    pub index: IndexUrl,
    /// SHA-256 of the .crate.
    pub digest: Digest,
    /// What it is to the project.
    pub entering: Entering,
    /// The signer on whose account it is trusted.
    pub key: PublicKey,
    /// Why that one.
    pub how: TrustBasis,
    /// What to tell the user about it.
    pub notes: Vec<Note>,
}

/// Something new for the trust file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewPin {
    pub namespace: Namespace,
    /// The namespace's canonical index.
    pub index: IndexUrl,
    pub key: PublicKey,
    /// What it may sign.
    pub scope: Scope,
}

/// Everything is verified and trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The namespaced releases, by name and version.
    pub releases: Vec<Verified>,
    /// What to add to the trust file.
    pub new_pins: Vec<NewPin>,
    /// Indexes that moved and were accepted with `--trust-index`.
    pub moved: BTreeMap<Namespace, IndexUrl>,
    /// Pinned keys whose revocation was seen: to be noted in the trust file, where it holds offline too.
    pub revoked: BTreeSet<(Namespace, PublicKey)>,
    /// What to tell the user that belongs to no single release.
    pub notes: Vec<Note>,
}

impl Report {
    /// Whether the trust file changes by it.
    pub fn changes_trust(&self) -> bool {
        !(self.new_pins.is_empty() && self.moved.is_empty() && self.revoked.is_empty())
    }

    /// Puts what is new into the trust file. Nothing is taken out but the pins of revoked keys.
    pub fn apply(&self, trust_file: &mut TrustFile) {
        for (namespace, index) in &self.moved {
            trust_file.set_index(namespace, index);
        }
        for pin in &self.new_pins {
            trust_file.add_pin(&pin.index, pin.key, pin.scope.clone());
        }
        for (namespace, key) in &self.revoked {
            trust_file.revoke(namespace, *key);
        }
    }
}
