//! Adding crates: `cargo nsadd NAMESPACE/CRATE …`.
//!
//! ```text
//! namespace_registry::find   the index of each namespace
//! requests                   the crates' index lines, and what the package has under their keys ─► Vec<CrateRequest>
//! choose                     asks what to do about a key that is taken
//! plan::plan                 ─► AddPlan
//! preflight::read_indexes    the index files that Cargo will ask for
//! apply                      under the snapshot: move entries ─ cargo add ─ read back ─ verify the lock file ─ write .cargo
//! ```

mod apply;
mod requests;

use cargo_namespaces::name::QualifiedName;
use cargo_namespaces_cli::shell::CliError;

use crate::existing::{ConflictingDependency, KeyUse};
use crate::namespace_registry;
use crate::options::{AddOptions, Rename};
use crate::plan::{self, ConflictChoice, CrateRequest};
use crate::preflight::{self, IndexLookup};
use crate::report;
use crate::session::Session;
use crate::transaction::guarded;

use apply::AddRun;
pub use apply::ApplyError;
pub use requests::LookupError;

/// Adds crates.
///
/// # Errors
/// What went wrong; then no file has changed.
pub fn run(session: &Session<'_>, options: &AddOptions) -> Result<(), CliError> {
    let package = session.project.workspace.package(options.package.as_deref())?;
    let namespaces = options.crates.iter().map(|spec| spec.name.namespace.clone()).collect();
    let registries = namespace_registry::find(session, &namespaces)?;
    let mut requests = requests::gather(session, options, &registries, package)?;
    for request in &mut requests {
        request.choice = choose(session, options, request)?;
    }
    let plan = plan::plan(&requests, options)?;
    let spinner = session.shell.spinner("Reading", "the indexes of dependencies");
    preflight::read_indexes(session.sources, requests.iter().map(lookup).collect())?;
    drop(spinner);
    let (registries, requests, plan) = (&*registries, &*requests, &plan);
    let run = AddRun { session, options, package, registries, requests, plan };
    let files = session.project.files();
    guarded(session.shell, files, session.options.dry_run, |writer| run.execute(writer))?;
    report::finished(session.shell, session.options.dry_run);
    Ok(())
}

/// The crate as Cargo will look it up.
fn lookup(request: &CrateRequest) -> IndexLookup {
    IndexLookup {
        index: request.registry.index.clone(),
        krate: request.spec.name.krate.clone(),
        req: request.spec.req_text().map(str::to_owned),
        optional: false,
    }
}

/// What to do if the key is taken: as the flags say, otherwise as the user answers. `None` leaves it to the plan, which
/// then is an error that says how to decide.
fn choose(
    session: &Session<'_>,
    options: &AddOptions,
    request: &CrateRequest,
) -> Result<Option<ConflictChoice>, CliError> {
    let KeyUse::Taken(taken) = &request.key_use else { return Ok(None) };
    let can_move = !taken.is_other_package(&request.spec.name);
    match &options.rename {
        _ if options.switch && can_move => Ok(Some(ConflictChoice::Switch)),
        _ if options.switch => Err(ConflictError::cannot_move(taken).into()),
        Rename::FreeKey => Ok(Some(ConflictChoice::KeepBoth)),
        Rename::Key(_) => {
            Err(ConflictError::GivenKeyTaken { key: taken.dependency.key.clone(), cause: taken.describe() }
                .into())
        }
        Rename::No => ask(session, &request.spec.name, &request.free_key, taken),
    }
}

fn ask(
    session: &Session<'_>,
    name: &QualifiedName,
    free_key: &str,
    taken: &ConflictingDependency,
) -> Result<Option<ConflictChoice>, CliError> {
    let name_shown = name.display_both();
    let question = format!(
        "`{}` is a dependency already, from {}.\nAdd {name_shown} how?",
        taken.dependency.key,
        taken.origin()
    );
    let keep = format!("keep both, {name_shown} as `{free_key}`");
    let mut answers = vec![(keep.as_str(), Some(ConflictChoice::KeepBoth)), ("not at all", None)];
    if !taken.is_other_package(name) {
        answers.insert(0, ("move the dependency to the namespace", Some(ConflictChoice::Switch)));
    }
    let texts: Vec<&str> = answers.iter().map(|(text, _)| *text).collect();
    let answer = session.shell.select(&question, &texts, 0)?;
    Ok(answer.and_then(|at| answers[at].1))
}

/// A key is taken, and the flags do not help.
#[derive(Debug, thiserror::Error)]
pub enum ConflictError {
    /// `--switch`, and the key is another package's.
    #[error("`{key}` cannot be moved: it is another package, `{package}`")]
    CannotMove { key: String, package: String },
    /// `--rename NAME`, and there is a dependency of this name.
    #[error("there is a dependency `{key}` already")]
    GivenKeyTaken {
        key: String,
        /// Where it is and where it comes from.
        cause: String,
    },
}

impl ConflictError {
    fn cannot_move(taken: &ConflictingDependency) -> Self {
        let dependency = &taken.dependency;
        Self::CannotMove { key: dependency.key.clone(), package: dependency.package.clone() }
    }

    /// Where the key is.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::CannotMove { .. } => None,
            Self::GivenKeyTaken { cause, .. } => Some(cause),
        }
    }

    pub fn hint(&self) -> &'static str {
        match self {
            Self::CannotMove { .. } => "keep both with `--rename`, or rename that dependency first",
            Self::GivenKeyTaken { .. } => "choose another name for `--rename`",
        }
    }
}
