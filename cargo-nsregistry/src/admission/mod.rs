//! The one way in: whether a release is taken, decided from what was read before. Pure.
//!
//! Whoever brings a release (today only a publisher) reads what a [`Candidate`] holds and asks [`admit`], as often as
//! more is known: before the bytes come, when they are here, and in the transaction that writes them down. The questions are
//! always the same, and the first that is answered with no decides:
//!
//! 1. Is it new here? One spelling a crate, one content a version.
//! 2. Is it blocked? Its namespace may be frozen, its signer's key revoked.
//! 3. Is it trusted? Its signer owns the crate, or is listed at the domain for a new one.
//! 4. Is it verified? Statement, .crate and rules agree: [`check`] makes the content of a candidate of nothing else.
//! 5. Does the operator's policy permit it?

pub mod check;

use std::sync::Arc;

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::release::CrateIndex;
use cargo_namespaces::statement::ReleaseStatement;
use sqlx::AnyConnection;

use crate::config::{Config, DefaultRegistry};
use crate::db::DbError;
use crate::db::crates::{self, CrateId};
use crate::permission::message::Asking;
use crate::permission::{self, Finding, Known, NotPermitted};
use crate::refused_release::RefusedRelease;
use crate::validate::answer::DomainAnswer;
use check::{CheckError, Checked};

/// What the rows say about a release that asks to come in.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Its signer's key, its namespace and its crate.
    pub known: Known,
    /// What is held of its crate: how it is spelled, and the release that has its version, build parts aside.
    pub held: CrateIndex,
}

impl Rows {
    /// Reads them.
    ///
    /// # Errors
    /// The database fails.
    pub async fn read(
        connection: &mut AnyConnection,
        asking: &Asking<'_>,
        statement: &ReleaseStatement,
    ) -> Result<Self, DbError> {
        let known = Known::read(connection, asking).await?;
        let (mut taken, mut total) = (None, 0);
        if known.spelled.is_some() {
            let id = CrateId::of(&statement.name);
            taken = crates::line(connection, &id, &statement.version).await?;
            total = crates::count(connection, &id).await?;
        }
        let (name, index, spelled) = (statement.name.clone(), statement.index.clone(), known.spelled.clone());
        let held = CrateIndex::new(name, index, spelled, taken.into_iter().collect()).of_total(total);
        Ok(Self { known, held })
    }
}

/// Everything that was read about a release before it is decided whether it comes in.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// What its signer says that it is.
    pub statement: &'a ReleaseStatement,
    /// Who signed that.
    pub key: &'a PublicKey,
    /// What the rows say.
    pub rows: &'a Rows,
    /// What its domain said, when it was asked.
    pub domain: Option<Arc<DomainAnswer>>,
    /// What its bytes are; `None` before they have come. Only what is verified is ever that.
    pub content: Option<&'a Checked>,
}

/// What becomes of a release.
#[derive(Debug)]
#[must_use]
pub enum Admission {
    /// It comes in.
    Admitted(Admitted),
    /// It does not.
    Refused(Refusal),
}

/// A release that may come in, as far as is known of it.
#[derive(Debug)]
pub struct Admitted {
    /// Why its signer may publish it.
    pub finding: Finding,
    /// Whether its crate is new here.
    pub is_new_crate: bool,
    /// What its publisher is to be told.
    pub warning: Option<String>,
}

/// Why a release does not come in. The text is for its publisher.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The name of its crate, or its version, is taken.
    #[error(transparent)]
    Rules(#[from] RefusedRelease),
    /// Its signer may not publish it.
    #[error(transparent)]
    NotPermitted(#[from] NotPermitted),
    /// Its content is not in order.
    #[error(transparent)]
    Content(#[from] CheckError),
    /// Dependencies that name no registry, where the operator wants them named.
    #[error("new crates here must not leave this open: {0}")]
    DefaultRegistry(String),
    /// What was read does not decide it, because the rows have changed since.
    #[error("the crate changed meanwhile; try again")]
    Raced,
}

/// Whether the domain must be asked before it can be decided about a release.
pub fn needs_domain(config: &Config, asking: &Asking<'_>, statement: &ReleaseStatement, rows: &Rows) -> bool {
    is_new(statement, rows).is_ok() && permission::by_rows(config, asking, &rows.known).is_none()
}

/// Decides whether a release comes in.
pub fn admit(config: &Config, candidate: &Candidate<'_>) -> Admission {
    match decide(config, candidate) {
        Ok(admitted) => Admission::Admitted(admitted),
        Err(refusal) => Admission::Refused(refusal),
    }
}

fn decide(config: &Config, candidate: &Candidate<'_>) -> Result<Admitted, Refusal> {
    is_new(candidate.statement, candidate.rows)?;
    let is_new_crate = candidate.rows.known.spelled.is_none();
    let finding = permit(config, candidate)?;
    let warning = match candidate.content {
        None => None,
        Some(content) => policy(config, content, is_new_crate)?,
    };
    Ok(Admitted { finding, is_new_crate, warning })
}

/// Whether neither the name of its crate nor its version is taken.
fn is_new(statement: &ReleaseStatement, rows: &Rows) -> Result<(), RefusedRelease> {
    Ok(rows.held.admits(&statement.version, &statement.cksum)?)
}

/// Whether nothing blocks it, and its signer is trusted to publish it.
fn permit(config: &Config, candidate: &Candidate<'_>) -> Result<Finding, Refusal> {
    let (name, known) = (&candidate.statement.name, &candidate.rows.known);
    let asking = Asking::new(config, &name.namespace, Some(name), candidate.key);
    let by_domain = || Some(permission::by_domain(&asking, known, candidate.domain.clone()?));
    let finding = permission::by_rows(config, &asking, known).or_else(by_domain).ok_or(Refusal::Raced)?;
    Ok(finding.demand()?)
}

/// What the operator wants of dependencies that name no registry.
fn policy(config: &Config, checked: &Checked, is_new_crate: bool) -> Result<Option<String>, Refusal> {
    let rule = config.policy.default_registry;
    if checked.unnamed.is_empty() || rule == DefaultRegistry::Allow {
        return Ok(None);
    }
    let text = format!(
        "these dependencies name no registry, and the package sets no default for them: {}.\n\
         They are taken from crates.io. Say so, since leaving it open is deprecated:\n\n  \
         [package.metadata.namespaces]\n  default-registry = \"crates.io\"\n",
        checked.unnamed.join(", ")
    );
    if rule == DefaultRegistry::Deny && is_new_crate {
        return Err(Refusal::DefaultRegistry(text));
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests;
