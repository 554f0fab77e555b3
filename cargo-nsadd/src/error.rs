//! Every error of the command as the user sees it: the message, its causes, the hints and the exit code.
//!
//! The other modules return small enums that keep their sources; here alone they get an exit code.

use cargo_namespaces::domain_view::IndexError;
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use crate::add::{ApplyError, ConflictError, LookupError};
use crate::cargo_run::CargoRunError;
use crate::files::EditConfigError;
use crate::namespace_registry::NamespaceError;
use crate::options::UsageError;
use crate::plan::PlanError;
use crate::preflight::PreflightError;
use crate::project::ProjectError;
use crate::replace::ReplaceError;
use crate::rewrite::RewriteManifestError;
use crate::sync::NoLockFile;
use crate::verify_lock::CandidateError;
use crate::workspace::WorkspaceError;

/// What an error adds to its message.
trait Explain: Sized {
    fn because_of(self, cause: Option<impl Into<String>>) -> Self;
    fn hints(self, hints: impl IntoIterator<Item = impl Into<String>>) -> Self;
}

impl Explain for CliError {
    fn because_of(self, cause: Option<impl Into<String>>) -> Self {
        match cause {
            Some(cause) => self.because(cause),
            None => self,
        }
    }

    fn hints(self, hints: impl IntoIterator<Item = impl Into<String>>) -> Self {
        hints.into_iter().fold(self, |error, hint| error.and_hint(hint))
    }
}

impl From<UsageError> for CliError {
    fn from(error: UsageError) -> Self {
        Self::usage(error.to_string()).because_of(error.cause()).hints(error.hint())
    }
}

impl From<WorkspaceError> for CliError {
    fn from(error: WorkspaceError) -> Self {
        match error {
            WorkspaceError::File(error) => error.into(),
            WorkspaceError::NotManifestPath
            | WorkspaceError::NotMember { .. }
            | WorkspaceError::NoPackage
            | WorkspaceError::SeveralPackages { .. } => Self::usage(error.to_string()).hints(error.hint()),
            WorkspaceError::NoManifest { .. } | WorkspaceError::MissingManifest { .. } => {
                Self::new(ExitCode::InvalidInput, error.to_string()).hints(error.hint())
            }
            WorkspaceError::Manifest { ref source, .. } => {
                Self::new(ExitCode::InvalidInput, error.to_string())
                    .because(source.to_string())
                    .hints(error.hint())
            }
        }
    }
}

impl From<ProjectError> for CliError {
    fn from(error: ProjectError) -> Self {
        let invalid = Self::new(ExitCode::InvalidInput, error.to_string());
        match error {
            ProjectError::Workspace(error) => error.into(),
            ProjectError::File(error) => error.into(),
            ProjectError::Config { source, .. } => invalid.caused_by(&source),
            ProjectError::LeadsOut { .. } => invalid.hint(
                "a symbolic link leads there: remove it if the project's own files belong in its place",
            ),
            ProjectError::Lock { cargo_says: Some(said), source, .. } => {
                invalid.because(said).hints(source.hint())
            }
            ProjectError::Lock { cargo_says: None, source, .. } => {
                invalid.caused_by(&source).hints(source.hint())
            }
            ProjectError::Trust { source, .. } => invalid.caused_by(&source).hints(source.hint()),
        }
    }
}

impl From<NamespaceError> for CliError {
    fn from(error: NamespaceError) -> Self {
        let exit = match &error {
            NamespaceError::Interrupted(interrupted) => return (*interrupted).into(),
            NamespaceError::SpecialUse(_) | NamespaceError::NameTaken { .. } => ExitCode::InvalidInput,
            NamespaceError::SeveralIndexes { .. }
            | NamespaceError::OwnSeveralIndexes { .. }
            | NamespaceError::NotFound { source: IndexError::Contradiction { .. }, .. } => ExitCode::Refused,
            NamespaceError::Offline { .. }
            | NamespaceError::Unreachable { .. }
            | NamespaceError::NoIndex { .. }
            | NamespaceError::NotFound { source: IndexError::Unknown { .. }, .. } => ExitCode::Unreachable,
        };
        Self::new(exit, error.to_string()).because_of(error.cause()).hints(error.hint())
    }
}

impl From<EditConfigError> for CliError {
    fn from(error: EditConfigError) -> Self {
        Self::from_error(ExitCode::InvalidInput, &error).hints(error.hint())
    }
}

impl From<CargoRunError> for CliError {
    fn from(error: CargoRunError) -> Self {
        let hint = error.hint();
        match error {
            CargoRunError::Cargo(error) => error.into(),
            CargoRunError::Failed { code, said, .. } => {
                let made = Self::new(ExitCode::Cargo(code.unwrap_or(CARGO_FAILED)), said.message);
                said.causes.into_iter().fold(made, Self::because).hints(hint)
            }
        }
    }
}

/// The exit code for a cargo that has none, because a signal ended it: Cargo's own for a failure.
const CARGO_FAILED: u8 = 101;

impl From<PreflightError> for CliError {
    fn from(error: PreflightError) -> Self {
        let step = error.to_string();
        match error {
            PreflightError::Interrupted(interrupted) => interrupted.into(),
            PreflightError::Config { source, .. } | PreflightError::IndexFile { source, .. } => {
                Self::from(source).within(step)
            }
        }
    }
}

impl From<LookupError> for CliError {
    fn from(error: LookupError) -> Self {
        let (step, hint) = (error.to_string(), error.hint());
        match error {
            LookupError::Index { source, .. } | LookupError::NoIndex { source, .. } => {
                Self::from(*source).within(step).hints(hint)
            }
            LookupError::UnknownCrate { cause, .. } => {
                Self::new(ExitCode::Failure, step).because(cause).hints(hint)
            }
        }
    }
}

impl From<ConflictError> for CliError {
    fn from(error: ConflictError) -> Self {
        Self::new(ExitCode::ActionRequired, error.to_string()).because_of(error.cause()).hint(error.hint())
    }
}

impl From<PlanError> for CliError {
    fn from(error: PlanError) -> Self {
        let exit = match &error {
            PlanError::Taken { .. } => ExitCode::ActionRequired,
            PlanError::NoRelease { .. } => ExitCode::Failure,
            PlanError::InheritedRequirement { .. }
            | PlanError::FeatureOfWhich { .. }
            | PlanError::FeatureOfSeveral { .. } => ExitCode::Usage,
        };
        Self::new(exit, error.to_string()).because_of(error.cause()).hints(error.hints())
    }
}

impl From<ApplyError> for CliError {
    fn from(error: ApplyError) -> Self {
        let message = error.to_string();
        match error {
            ApplyError::Project(error) => error.into(),
            ApplyError::Edit { source, .. } => Self::new(ExitCode::InvalidInput, message).caused_by(&source),
            ApplyError::WrongEntry { cause, .. } => Self::new(ExitCode::Failure, message)
                .because(cause)
                .hint("rename that dependency or member, or add this crate under another key with `--rename NAME`"),
        }
    }
}

impl From<CandidateError> for CliError {
    fn from(error: CandidateError) -> Self {
        match error {
            CandidateError::NoRelease { .. } => Self::new(ExitCode::Failure, error.to_string()),
            CandidateError::Index(error) => error.into(),
        }
    }
}

impl From<ReplaceError> for CliError {
    fn from(error: ReplaceError) -> Self {
        let message = error.to_string();
        match error {
            ReplaceError::Project(error) => error.into(),
            ReplaceError::Edit { source, .. } => {
                Self::new(ExitCode::InvalidInput, message).caused_by(&source)
            }
            ReplaceError::Unused { name, cause } => Self::new(ExitCode::Failure, message)
                .because(cause)
                .hint(format!("give a requirement that fits: `{name}@REQ`")),
        }
    }
}

impl From<RewriteManifestError> for CliError {
    fn from(error: RewriteManifestError) -> Self {
        Self::from_error(ExitCode::InvalidInput, &error).hint(error.hint())
    }
}

impl From<NoLockFile> for CliError {
    fn from(error: NoLockFile) -> Self {
        Self::new(ExitCode::InvalidInput, error.to_string())
            .hint("let Cargo write it (`cargo generate-lockfile`), and run the command again")
    }
}
