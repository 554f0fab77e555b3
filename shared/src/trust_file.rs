//! `.cargo/namespaces.toml`: the indexes and keys that a project trusts.

use std::collections::{BTreeMap, BTreeSet};

use crate::key::PublicKey;
use crate::name::{IndexUrl, Namespace};
use crate::token::Scope;

/// What the project pinned, by namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustFile {
    /// The namespaces.
    pub namespaces: BTreeMap<Namespace, Pins>,
}

/// What is pinned for one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pins {
    /// The canonical index.
    pub index: IndexUrl,
    /// The trusted keys, each with what it may sign.
    pub trusted: BTreeSet<(PublicKey, Scope)>,
    /// Keys that are not to be trusted whatever the domain says.
    pub revoked: BTreeSet<PublicKey>,
}
