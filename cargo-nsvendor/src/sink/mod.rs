//! The last step: where packages go. The [pipeline](crate::pipeline) hands each sink the verified packages in their shapes.
//!
//! | sink | with | |
//! |---|---|---|
//! | [`directory`] | by default | one directory of unpacked packages for each source |
//! | [`local_registry`] | `--format local-registry` | .crate files and an index |
//! | [`archive`] | `--format tar.zst` | the directory and its configuration, in one file |
//! | [`check`] | `--check` | compares what is there; writes nothing |

pub mod archive;
pub mod check;
pub mod directory;
pub mod local_registry;

use std::path::PathBuf;

use cargo_namespaces_cli::shell::{CliError, ExitCode};

use crate::context::Context;
use crate::evidence::{Evidence, UnchangedPackages};
use crate::filter::Filters;
use crate::form::Form;
use crate::plan::Plan;
use crate::resolve::early::{EarlyQuestion, PendingAnswer};
use crate::resolve::lock_freshness::LockFreshness;
use crate::shape;
use crate::verify::{Verification, VerifiedLocks};

/// One place where packages go. The methods are called in the order in which they stand here; those from [`Sink::accept`] to
/// [`Sink::write`] again, if Cargo had to bring the lock files up to date.
pub trait Sink {
    /// The form that is made. `None` for a sink that makes nothing: lock files then stay as they are, and the sink reports
    /// itself whether they are up to date.
    fn form(&self) -> Option<Form>;

    /// What is left out of the packages.
    fn filters(&self) -> &Filters;

    /// A question that Cargo can answer while everything else is looked at.
    fn early_question(&self) -> Option<EarlyQuestion> {
        None
    }

    /// Looks at what is already there.
    ///
    /// # Errors
    /// It must not be replaced, or cannot be read.
    fn examine(&mut self, _evidence: &Evidence) -> Result<(), CliError> {
        Ok(())
    }

    /// Decides whether to go on with what was verified.
    ///
    /// # Errors
    /// A release is not verified, or not trusted.
    fn accept(&mut self, context: &Context<'_>, verification: &Verification) -> Result<(), CliError> {
        verification.require(context.shell)
    }

    /// Gives every package its shape.
    ///
    /// # Errors
    /// Nobody can say which packages are needed.
    fn shape(&mut self, context: &Context<'_>, plan: &mut Plan) -> Result<(), CliError> {
        Ok(shape::apply(context, self.filters(), plan)?)
    }

    /// Whether Cargo must fetch the packages before anything is written.
    fn needs_fetch(&self, _verified: &VerifiedLocks) -> bool {
        false
    }

    /// Makes what the plan says beside the place where it goes; or compares it.
    ///
    /// # Errors
    /// Ctrl-C, or Cargo could not be asked. What may still succeed after Cargo has updated the lock files is an [`Attempt`].
    fn write(
        &mut self,
        verified: &VerifiedLocks,
        freshness: LockFreshness,
        early: Option<PendingAnswer<'_>>,
    ) -> Result<Attempt, CliError>;

    /// Moves what was made to its place.
    ///
    /// # Errors
    /// It could not be moved; what was there before is still there.
    fn publish(&mut self, verified: &VerifiedLocks) -> Result<Published, CliError>;
}

/// What came of one attempt to write.
pub enum Attempt {
    /// All of it was made, and Cargo resolves from it what is locked.
    Written,
    /// Something could not be had that Cargo may be able to fetch.
    NeedsCargo(CliError),
    /// Something else is wrong. If the lock files are out of date, that may be the cause.
    Failed(CliError),
}

/// How a run ends.
pub enum Published {
    /// Everything was compared.
    Checked(ExitCode),
    /// Everything is in its place.
    Vendored(Vendored),
}

/// What a sink changed.
#[derive(Debug, Default)]
pub struct Vendored {
    pub written: usize,
    pub removed: usize,
    /// What to remember of the packages in the directory.
    pub packages: Option<UnchangedPackages>,
    /// The archive, and whether it was written anew.
    pub archive: Option<(PathBuf, bool)>,
}

/// The sink that the options ask for.
///
/// # Errors
/// The options do not go with it, or its place belongs to something else.
pub fn open<'a>(context: &'a Context<'a>) -> Result<Box<dyn Sink + 'a>, CliError> {
    Ok(match context.options.form {
        _ if context.options.check => Box::new(check::Checker::new(context)),
        Some(Form::LocalRegistry) => Box::new(local_registry::LocalRegistry::open(context)?),
        Some(Form::TarZst) => Box::new(archive::Archive::open(context)?),
        Some(Form::Directory) | None => Box::new(directory::Directory::open(context)?),
    })
}
