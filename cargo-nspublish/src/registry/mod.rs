//! Talking to the registry that hosts a namespace: where it is, and its interface (`cargo_namespaces::api`).
//!
//! The index's `config.json` names the namespace's web API, `<registry>/ns/<namespace>`; the registry's own interface is
//! beside it. A static site has no API: it is published to with `--site`.
//!
//! | module | holds |
//! |---|---|
//! | [`requests`], [`responses`] | what is asked and answered: pure |
//! | [`access`] | asking a private index: the signature that it wants to see |
//! | [`client`] | [`RegistryClient`]: finds the registry of a namespace and asks it |
//! | [`index`] | whether an index is there, private, on a registry; the index that a registry gives a namespace |
//! | [`error`] | why it failed |

pub mod access;
mod client;
mod error;
mod index;
pub mod requests;
pub mod responses;

pub use self::client::RegistryClient;
pub use self::error::RegistryError;
pub use self::index::{index_at, is_on_registry, is_private, is_there};
