//! The steps of a run: resolve → verify → shape → sink. Where it turns out that the lock files are out of date, Cargo updates
//! them, and the steps are done again.
//!
//! ```text
//!            lock files are missing, or lack checksums
//!       ┌──────────────────────────────────────────────────────┐
//!   ReadLocks ─► Verify ─► AskFreshness ─► Shape ─► Write ─► Written
//!                  ▲             │ out of date        │ out of date, or only Cargo can fetch something
//!       other locks│             ▼                    │
//!                  └────────── Fetch ◄────────────────┘
//!                                └─► Shape, if the lock files did not change
//! ```
//!
//! Cargo unpacks what it fetches, and a Cargo before 1.96 follows the links in it. So what is locked is verified before Cargo
//! fetches anything.

use cargo_namespaces::lockfile::LockFile;
use cargo_namespaces_cli::cargo::CargoError;
use cargo_namespaces_cli::shell::CliError;

use crate::context::Context;
use crate::plan::Plan;
use crate::project::all_packages;
use crate::resolve::early::PendingAnswer;
use crate::resolve::lock_freshness::LockFreshness;
use crate::resolve::missing_checksums;
use crate::sink::{Attempt, Sink};
use crate::verify::{self, VerifiedLocks};

/// Where a run stands, with what it has so far.
enum State {
    /// Nothing was read yet.
    ReadLocks,
    /// Cargo has to update the lock files and to fetch all packages. `before` is what was verified of the present ones, and
    /// `freshness` what is known of them.
    Fetch { before: Option<VerifiedLocks>, freshness: LockFreshness },
    /// The lock files were read.
    Verify { locks: Vec<LockFile>, freshness: LockFreshness },
    /// Everything namespaced in them is verified and trusted.
    AskFreshness { verified: VerifiedLocks, freshness: LockFreshness },
    /// The lock files are up to date, or Cargo will say so of what is written.
    Shape { verified: VerifiedLocks, freshness: LockFreshness },
    /// Every package has its shape.
    Write { verified: VerifiedLocks, freshness: LockFreshness },
    /// Everything was written.
    Written(VerifiedLocks),
}

/// Runs all steps. Returns what the sink has written.
///
/// # Errors
/// A step failed. The caller puts back the lock files.
pub fn run(
    context: &Context<'_>,
    sink: &mut dyn Sink,
    freshness: LockFreshness,
    mut early: Option<PendingAnswer<'_>>,
) -> Result<VerifiedLocks, CliError> {
    let mut state = State::ReadLocks;
    loop {
        state = match state {
            State::ReadLocks => read_locks(context, sink, freshness)?,
            State::Fetch { before, freshness } => fetch(context, before, freshness)?,
            State::Verify { locks, freshness } => {
                let verified = verify_locks(context, sink, &locks);
                let verified = if freshness.is_updated() { verified.map_err(lock_first) } else { verified }?;
                State::AskFreshness { verified, freshness }
            }
            State::AskFreshness { verified, freshness } => ask_freshness(context, sink, verified, freshness)?,
            State::Shape { mut verified, freshness } => {
                sink.shape(context, &mut verified.plan)?;
                State::Write { verified, freshness }
            }
            State::Write { verified, freshness } => {
                let attempt = sink.write(&verified, freshness, early.take())?;
                after_attempt(context, attempt, verified, freshness)?
            }
            State::Written(verified) => return Ok(verified),
        }
    }
}

/// Whether the lock files are up to date with the manifests, asked of Cargo with the project's registries.
///
/// # Errors
/// Cargo gave no answer: Ctrl-C, or it could not be started.
fn are_fresh(context: &Context<'_>, locks: &[LockFile]) -> Result<bool, CliError> {
    match context.project.check_locks(context.shell, locks) {
        Ok(()) => Ok(true),
        Err(CargoError::Failed { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn read_locks(
    context: &Context<'_>,
    sink: &mut dyn Sink,
    freshness: LockFreshness,
) -> Result<State, CliError> {
    let project = context.project;
    if sink.form().is_none() {
        return Ok(State::Verify { locks: project.locks()?, freshness });
    }
    if !project.lock_paths().all(|path| path.is_file()) {
        return Ok(State::Fetch { before: None, freshness });
    }
    let locks = project.locks()?;
    if missing_checksums::are_missing(&locks) {
        // Cargo adds them, if it can; but only after everything that can be verified was.
        sink.accept(context, &verify::verify(context, &all_packages(&locks))?)?;
        return Ok(State::Fetch { before: None, freshness });
    }
    Ok(State::Verify { locks, freshness })
}

/// Has Cargo update the lock files and fetch everything.
fn fetch(
    context: &Context<'_>,
    before: Option<VerifiedLocks>,
    freshness: LockFreshness,
) -> Result<State, CliError> {
    let project = context.project;
    project.fetch(context.shell)?;
    let locks = project.locks()?;
    Ok(match before {
        Some(verified) if verified.locks == locks => {
            let resolves = freshness.is_resolution_known();
            State::Shape { verified, freshness: LockFreshness::Updated { resolves } }
        }
        _ => State::Verify { locks, freshness: LockFreshness::Updated { resolves: false } },
    })
}

fn verify_locks(
    context: &Context<'_>,
    sink: &mut dyn Sink,
    locks: &[LockFile],
) -> Result<VerifiedLocks, CliError> {
    let verification = verify::verify(context, &all_packages(locks))?;
    sink.accept(context, &verification)?;
    let locks = missing_checksums::complete(context, &verification.namespaces, locks)?;
    let plan = Plan::new(&locks, &verification.namespaces)?;
    Ok(VerifiedLocks { locks, verification, plan })
}

/// What comes after everything was verified.
#[derive(Debug, PartialEq, Eq)]
enum AfterVerify {
    Shape,
    /// Cargo is asked whether the lock files are up to date.
    Ask,
    Fetch,
}

impl AfterVerify {
    fn new(freshness: LockFreshness, needs_fetch: bool, selects_packages: bool) -> Self {
        match freshness {
            LockFreshness::Updated { .. } | LockFreshness::Confirmed | LockFreshness::Reported => Self::Shape,
            _ if needs_fetch => Self::Fetch,
            LockFreshness::Known => Self::Shape,
            // Cargo says which packages are needed by resolving what is locked: that must be up to date.
            _ if selects_packages => Self::Ask,
            LockFreshness::Unanswerable => Self::Fetch,
            // Cargo will say it of what is written.
            LockFreshness::Unknown => Self::Shape,
        }
    }
}

fn ask_freshness(
    context: &Context<'_>,
    sink: &mut dyn Sink,
    verified: VerifiedLocks,
    freshness: LockFreshness,
) -> Result<State, CliError> {
    let selects = sink.filters().selects_packages();
    Ok(match AfterVerify::new(freshness, sink.needs_fetch(&verified), selects) {
        AfterVerify::Shape => State::Shape { verified, freshness },
        AfterVerify::Ask if are_fresh(context, &verified.locks)? => {
            State::Shape { verified, freshness: LockFreshness::Confirmed }
        }
        AfterVerify::Ask | AfterVerify::Fetch => State::Fetch { before: Some(verified), freshness },
    })
}

fn after_attempt(
    context: &Context<'_>,
    attempt: Attempt,
    verified: VerifiedLocks,
    freshness: LockFreshness,
) -> Result<State, CliError> {
    match attempt {
        Attempt::Written => Ok(State::Written(verified)),
        Attempt::NeedsCargo(_) if !freshness.is_updated() => {
            Ok(State::Fetch { before: Some(verified), freshness })
        }
        // Cargo says what is wrong, or repairs it.
        Attempt::Failed(_)
            if freshness == LockFreshness::Unknown && !are_fresh(context, &verified.locks)? =>
        {
            Ok(State::Fetch { before: Some(verified), freshness })
        }
        Attempt::NeedsCargo(error) | Attempt::Failed(error) => Err(error),
    }
}

/// Something is wrong with what Cargo has just locked, and the lock file will be put back. Advice about locked packages helps
/// only after Cargo has locked them for good.
fn lock_first(error: CliError) -> CliError {
    let Some(next) = error.hint_text() else { return error };
    error.hint(format!(
        "Cargo.lock is behind the manifests, and was left as it was. Let Cargo bring it up to date first:\n    cargo update \
         --workspace\n{next}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_is_asked_or_fetches_only_if_it_has_to() {
        use LockFreshness::{Confirmed, Known, Reported, Unanswerable, Unknown, Updated};
        let next = AfterVerify::new;
        for settled in [Confirmed, Reported, Updated { resolves: false }] {
            assert_eq!(next(settled, true, true), AfterVerify::Shape);
        }
        assert_eq!(next(Known, false, true), AfterVerify::Shape);
        assert_eq!(next(Known, true, false), AfterVerify::Fetch);
        assert_eq!(next(Unknown, false, false), AfterVerify::Shape);
        assert_eq!(next(Unknown, false, true), AfterVerify::Ask);
        assert_eq!(next(Unanswerable, false, true), AfterVerify::Ask);
        assert_eq!(next(Unanswerable, false, false), AfterVerify::Fetch);
    }
}
