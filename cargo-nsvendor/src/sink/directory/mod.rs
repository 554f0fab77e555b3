//! The vendored directory: one directory of unpacked packages for each source.
//!
//! What is there already and unchanged stays. What is missing or differs is made in a [stage](crate::stage) beside the
//! directory ([`fill`]), and moved in at the end ([`publish`]).
//!
//! Cargo is asked whether it resolves from these packages what is locked. It looks only at the manifests, so it is asked while
//! the largest packages are still being unpacked ([`crate::resolve::early`]).

mod fill;
mod publish;

use std::sync::Mutex;
use std::thread;

use cargo_namespaces_cli::interrupt;
use cargo_namespaces_cli::shell::CliError;

use crate::context::Context;
use crate::evidence::{Evidence, UnchangedPackages};
use crate::filter::Filters;
use crate::form::Form;
use crate::odd_crates::OddCrates;
use crate::plan::{Package, SourceDir};
use crate::resolve::early::{EarlyAnswer, EarlyQuestion, PendingAnswer};
use crate::resolve::lock_freshness::LockFreshness;
use crate::resolve::question::ResolveQuestion;
use crate::sbom;
use crate::sink::{Attempt, Published, Sink};
use crate::source_config::require_editable;
use crate::stage::foreign_files::ExistingTarget;
use crate::stage::{Stage, TargetLock};
use crate::verify::VerifiedLocks;

/// The vendored directory between the first look at it and its last change.
pub struct Directory<'a> {
    context: &'a Context<'a>,
    filters: Filters,
    existing: ExistingTarget,
    stage: Mutex<StageState>,
    /// Packages in the directory that are right: by evidence, or compared with their .crates.
    unchanged: UnchangedPackages,
    /// Packages in the stage.
    staged: UnchangedPackages,
    /// A registry asked for a token, or is one that only Cargo reads.
    needs_cargo: bool,
    odd: OddCrates,
}

/// Where packages are made. The stage is begun for the first package, so that a run which changes nothing leaves no trace.
enum StageState {
    Locked(TargetLock),
    Begun(Stage),
    /// It could not be begun, or was published.
    Gone,
}

impl<'a> Directory<'a> {
    /// Waits for other runs in the same directory.
    ///
    /// # Errors
    /// An option does not go with a directory, or a file that is to be written belongs to something else.
    pub fn open(context: &'a Context<'a>) -> Result<Self, CliError> {
        let Context { shell, options, project, .. } = context;
        if options.write_config {
            require_editable(project)?;
        }
        let filters = context.filters()?;
        sbom::files::require_writable(project, &options.sbom)?;
        let lock = TargetLock::take(&project.target, shell)?;
        Ok(Self {
            context,
            filters,
            existing: ExistingTarget::Missing,
            stage: Mutex::new(StageState::Locked(lock)),
            unchanged: UnchangedPackages::new(),
            staged: UnchangedPackages::new(),
            needs_cargo: false,
            odd: OddCrates::default(),
        })
    }

    /// Fills the stage. Where Cargo has to be asked whether it resolves from these packages, it is asked meanwhile: before
    /// everything else (`early`), or as soon as most packages are there.
    fn fill_and_ask(
        &mut self,
        verified: &VerifiedLocks,
        freshness: LockFreshness,
        early: Option<PendingAnswer<'_>>,
    ) -> (Result<(), CliError>, Option<EarlyAnswer>) {
        let plan = &verified.plan;
        if let Some(early) = early {
            return (self.fill(plan), early.wait());
        }
        if !matches!(freshness, LockFreshness::Unknown | LockFreshness::Confirmed) {
            return (self.fill(plan), None);
        }
        if let Err(error) = self.fill(&self.without_largest(plan)) {
            return (Err(error), None);
        }
        let made = self.locations(plan);
        let question = ResolveQuestion::new(self.context, verified);
        thread::scope(|scope| {
            let asked = PendingAnswer::new(scope.spawn(|| EarlyAnswer::ask(question, &made, true)));
            (self.fill(plan), asked.wait())
        })
    }
}

impl Sink for Directory<'_> {
    fn form(&self) -> Option<Form> {
        Some(Form::Directory)
    }

    fn filters(&self) -> &Filters {
        &self.filters
    }

    fn early_question(&self) -> Option<EarlyQuestion> {
        if self.filters.is_none() { EarlyQuestion::of(self.context.project) } else { None }
    }

    fn examine(&mut self, evidence: &Evidence) -> Result<(), CliError> {
        if !self.context.options.verify {
            self.unchanged = evidence.unchanged(&self.context.project.target)?;
        }
        let existing = match &*self.stage_state() {
            StageState::Locked(lock) => lock.examine(&self.unchanged)?,
            StageState::Begun(_) | StageState::Gone => return Ok(()),
        };
        self.existing = existing;
        Ok(())
    }

    fn write(
        &mut self,
        verified: &VerifiedLocks,
        freshness: LockFreshness,
        early: Option<PendingAnswer<'_>>,
    ) -> Result<Attempt, CliError> {
        let (filled, answer) = self.fill_and_ask(verified, freshness, early);
        interrupt::check()?;
        if let Err(error) = filled {
            // Cargo has the tokens of private registries, and reads some that are not read here. It fetches repositories again
            // whose checkouts were removed.
            let has_git = verified.plan.git().next().is_some();
            return Ok(if self.needs_cargo || has_git {
                Attempt::NeedsCargo(error)
            } else {
                Attempt::Failed(error)
            });
        }
        if freshness.is_resolution_known() {
            return Ok(Attempt::Written);
        }
        let question = ResolveQuestion::new(self.context, verified);
        let location = |source: &SourceDir, package: &Package| self.location_of(source, package);
        if answer.is_some_and(|answer| answer.holds(question, &location)) {
            return Ok(Attempt::Written);
        }
        Ok(question
            .resolved_in_packages(&location)?
            .map_or(Attempt::Written, |differs| Attempt::Failed(differs.into())))
    }

    fn publish(&mut self, verified: &VerifiedLocks) -> Result<Published, CliError> {
        self.odd.report(self.context.shell, &verified.plan);
        Ok(Published::Vendored(self.move_in(&verified.plan)?))
    }
}
