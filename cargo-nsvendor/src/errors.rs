//! The exit code and the hint of each error of the steps. This is the only place that chooses them for an error that has a type.

use cargo_namespaces::package::PackageError;
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use crate::cargo_run::ConfigCopyError;
use crate::content::{ExtractError, RefusedPackage};
use crate::crate_files::{DownloadError, UnavailableCrate};
use crate::git::GitError;
use crate::index_lines::IndexLineError;
use crate::output_file::OutputFileError;
use crate::plan::PlanError;
use crate::project::LockError;
use crate::resolve::missing_checksums::MissingChecksum;
use crate::resolve::question::{OtherResolution, QuestionError};
use crate::resolve::stand_in::StandInError;
use crate::sbom::error::BomError;
use crate::shape::{RustcError, ShapeError};
use crate::source_config::ConfigError;
use crate::stage::StageError;
use crate::trust::TrustError;

impl From<PlanError> for CliError {
    fn from(error: PlanError) -> Self {
        Self::from_error(ExitCode::InvalidInput, &error)
    }
}

impl From<StageError> for CliError {
    fn from(error: StageError) -> Self {
        match error {
            StageError::File(error) => error.into(),
            StageError::Interrupted(interrupted) => interrupted.into(),
            StageError::ForeignFiles(error) => Self::from_error(ExitCode::Failure, &error).hint(error.hint()),
            StageError::ReadOnly(_) => Self::from_error(ExitCode::Failure, &error)
                .hint("`chmod u+w` it if it is to be replaced; nothing was changed"),
            StageError::NoName(_) => Self::from_error(ExitCode::Usage, &error)
                .hint("name a directory of the project: `cargo nsvendor vendor`"),
            StageError::Gone => Self::from_error(ExitCode::Failure, &error),
        }
    }
}

impl From<RefusedPackage> for CliError {
    fn from(RefusedPackage { package, error }: RefusedPackage) -> Self {
        let (exit, step) = match &error {
            ExtractError::File(_) => (ExitCode::Failure, String::new()),
            ExtractError::OneFile(_) => (ExitCode::Failure, format!("cannot unpack {package}")),
            ExtractError::Manifest(_) => (ExitCode::InvalidInput, format!("cannot filter {package}")),
            ExtractError::Package(PackageError::Io(_)) => (ExitCode::Failure, format!("refused {package}")),
            ExtractError::Package(_) => (ExitCode::Refused, format!("refused {package}")),
        };
        let made = Self::new(exit, step).caused_by(&error);
        match error {
            ExtractError::File(error) => error.into(),
            ExtractError::OneFile(_) => {
                made.hint("vendor into a directory on a file system that keeps such names apart")
            }
            ExtractError::Manifest(_) => made,
            ExtractError::Package(error) => made.hint(error.hint()),
        }
    }
}

impl From<UnavailableCrate> for CliError {
    fn from(error: UnavailableCrate) -> Self {
        let exit = match &error {
            UnavailableCrate::Altered { .. } => ExitCode::Refused,
            UnavailableCrate::Missing(_) | UnavailableCrate::SeveralMissing { .. } => ExitCode::Unreachable,
        };
        let made = Self::from_error(exit, &error);
        match error {
            UnavailableCrate::Altered { package, .. } => {
                made.because(format!("it would be unpacked as {package}")).hint(
                    "the cache was altered: remove the file, and run the command again with network access",
                )
            }
            UnavailableCrate::Missing(_) => made.hint("run the command once without `--offline`"),
            UnavailableCrate::SeveralMissing { names, .. } => {
                made.because(names).hint("run the command once without `--offline`")
            }
        }
    }
}

impl From<DownloadError> for CliError {
    fn from(error: DownloadError) -> Self {
        match error {
            DownloadError::Name { .. } => Self::from_error(ExitCode::InvalidInput, &error),
            DownloadError::OnlyCargo(error) | DownloadError::Registry(error) => error.into(),
        }
    }
}

impl From<OtherResolution> for CliError {
    fn from(OtherResolution { said, suspects }: OtherResolution) -> Self {
        let message = "Cargo does not resolve the lock file from the vendored packages";
        if suspects.is_empty() {
            return Self::new(ExitCode::Refused, message).because(said).hint(
                "Cargo ran offline, with its registries replaced by the vendored packages; a build would fail in the same \
                 way",
            );
        }
        let error = Self::new(
            ExitCode::Refused,
            format!("{message}: one of them makes it resolve to other packages"),
        );
        suspects.into_iter().fold(error.because(said), Self::because).hint(
            "leave that release out of Cargo.lock (`cargo update --precise`), and tell its registry: no package that \
             `cargo package` made does this",
        )
    }
}

impl From<QuestionError> for CliError {
    fn from(error: QuestionError) -> Self {
        match error {
            QuestionError::Interrupted(interrupted) => interrupted.into(),
            QuestionError::Cargo(error) => error.into(),
            QuestionError::StandIn(error) => error.into(),
            QuestionError::File(error) => error.into(),
            QuestionError::NotUtf8(_) => Self::from_error(ExitCode::Failure, &error),
        }
    }
}

impl From<StandInError> for CliError {
    fn from(error: StandInError) -> Self {
        match error {
            StandInError::Crate(error) => error.into(),
            StandInError::File(error) => error.into(),
            StandInError::NotUtf8(_) => Self::from_error(ExitCode::Failure, &error),
        }
    }
}

impl From<GitError> for CliError {
    fn from(error: GitError) -> Self {
        match error {
            GitError::Graph(error) => error.into(),
            GitError::Vendor { source, url } => {
                Self::from(source).within(format!("failed to vendor the packages of `{url}`"))
            }
            GitError::NoPackage { .. } => Self::from_error(ExitCode::InvalidInput, &error)
                .hint("the lock file and the repository disagree: `cargo update` for that package"),
            GitError::Package(error) => error.into(),
            GitError::File(error) => error.into(),
        }
    }
}

impl From<IndexLineError> for CliError {
    fn from(error: IndexLineError) -> Self {
        match error {
            IndexLineError::Missing { ref registry, .. } => Self::from_error(ExitCode::Unreachable, &error)
                .because(format!("looked in Cargo's cache of {registry} and in its index"))
                .hint("run `cargo fetch`, which brings Cargo's cache of the index up to date"),
            IndexLineError::Name { .. } => Self::from_error(ExitCode::InvalidInput, &error),
            IndexLineError::Registry(error) => error.into(),
            IndexLineError::Interrupted(interrupted) => interrupted.into(),
        }
    }
}

impl From<MissingChecksum> for CliError {
    fn from(error: MissingChecksum) -> Self {
        Self::from_error(ExitCode::InvalidInput, &error)
            .hint("let Cargo write it (`cargo metadata`), from the registry itself")
    }
}

impl From<ShapeError> for CliError {
    fn from(error: ShapeError) -> Self {
        match error {
            ShapeError::Platform(error) => Self::from_error(ExitCode::InvalidInput, &error),
            ShapeError::Rustc(error) => {
                let made = Self::from_error(ExitCode::Failure, &error);
                match error {
                    RustcError::Failed { said } => made.because(said),
                    RustcError::Start(_) => made,
                }
            }
            ShapeError::Cargo(error) => error.into(),
            ShapeError::StandIn(error) => error.into(),
        }
    }
}

impl From<ConfigCopyError> for CliError {
    fn from(error: ConfigCopyError) -> Self {
        match error {
            ConfigCopyError::File(error) => error.into(),
            ConfigCopyError::NotToml { .. } => Self::from_error(ExitCode::InvalidInput, &error),
        }
    }
}

impl From<OutputFileError> for CliError {
    fn from(error: OutputFileError) -> Self {
        match error {
            OutputFileError::InTarget(_) => {
                Self::from_error(ExitCode::Usage, &error).hint("name a file beside it")
            }
            OutputFileError::Occupied { .. } => {
                Self::from_error(ExitCode::Failure, &error).hint("move it away, or name another file")
            }
            OutputFileError::File(error) => error.into(),
        }
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::LeadsOut { .. } => Self::from_error(ExitCode::InvalidInput, &error).hint(
                "a symbolic link leads there: remove it if the project's own file belongs in its place",
            ),
            ConfigError::NotEditable { .. } => Self::from_error(ExitCode::InvalidInput, &error),
            ConfigError::Target(error) => Self::from_error(ExitCode::InvalidInput, &error)
                .hint("vendor into a directory of another name"),
            ConfigError::File(error) => error.into(),
        }
    }
}

impl From<LockError> for CliError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Missing(_) => Self::from_error(ExitCode::InvalidInput, &error)
                .hint("`cargo generate-lockfile` writes it; commit it"),
            LockError::Invalid { ref said, ref source, .. } => {
                let made = Self::new(ExitCode::InvalidInput, error.to_string());
                let made = match said {
                    Some(said) => made.because(said.as_str()),
                    None => made.caused_by(source),
                };
                with_hint(made, source.hint())
            }
            LockError::File(error) => error.into(),
        }
    }
}

impl From<TrustError> for CliError {
    fn from(error: TrustError) -> Self {
        match error {
            TrustError::File(error) => error.into(),
            TrustError::Given(error) => Self::from(error).hint(
                "`--trust` takes a trust file (`….toml`, `./…`), or a git revision that has `.cargo/namespaces.toml`",
            ),
            TrustError::Invalid { ref source, .. } => {
                with_hint(Self::from_error(ExitCode::InvalidInput, &error), source.hint())
            }
            TrustError::NoRevision { .. } => Self::from_error(ExitCode::Usage, &error).hint(
                "in a shallow clone, fetch the branch first: `git fetch origin main`, then `--trust origin/main`; \
                 a file's name ends in `.toml` or begins with `./`",
            ),
            TrustError::Repository(_) | TrustError::Git(_) => Self::from_error(ExitCode::Failure, &error),
            TrustError::Answer(_) => Self::from_error(ExitCode::InvalidInput, &error),
        }
    }
}

fn with_hint(error: CliError, hint: Option<&str>) -> CliError {
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

impl From<BomError> for CliError {
    fn from(error: BomError) -> Self {
        match error {
            BomError::File(error) => error.into(),
            BomError::Package(error) => error.into(),
            BomError::Unavailable(error) => error.into(),
            BomError::Git(error) => error.into(),
            BomError::Cargo(error) => error.into(),
            BomError::Date(error) => Self::from_error(ExitCode::InvalidInput, &error),
            BomError::Unknown(_) => Self::from_error(ExitCode::Unreachable, &error),
        }
    }
}
