//! `--check`: verifies the lock file, the signatures and the vendored files, and writes nothing.
//!
//! 1. Every namespaced release in the lock file must be verified and trusted; with `--trust`, by the keys of another revision.
//! 2. The lock file must be up to date with the manifests, and Cargo must resolve it from what is vendored. Cargo is asked, and
//!    writes only to its home.
//! 3. Every vendored package is compared with its .crate, which must have the hash of the lock file; packages from git are compared
//!    with what `cargo vendor` makes of them. Other files in the directory are found too.
//! 4. The project's configuration must lead each vendored source to its directory, which must exist.
//!
//! All problems are reported, not only the first. What could not be checked, such as a package whose .crate is missing offline, is
//! reported too; `--strict` refuses it.

mod configuration;
mod packages;
mod registry;
mod report;

use std::fs;
use std::path::Path;
use std::thread;

use cargo_namespaces_cli::cargo::CargoError;
use cargo_namespaces_cli::interrupt;
use cargo_namespaces_cli::shell::{CliError, ExitCode};

use crate::compare::strays;
use crate::context::Context;
use crate::filter::{Filters, RECORD};
use crate::form::Form;
use crate::plan::Plan;
use crate::project::Project;
use crate::resolve::early::PendingAnswer;
use crate::resolve::lock_freshness::LockFreshness;
use crate::resolve::question::{OtherResolution, QuestionError, ResolveQuestion};
use crate::resolve::stand_in::StandIn;
use crate::sbom::{self, files::Manifests, gather::BomInputs};
use crate::shape::{self, ShapeError};
use crate::sink::archive::{self, compare::ArchiveDifference};
use crate::sink::{Attempt, Published, Sink};
use crate::verify::{self, Verification, VerifiedLocks};
use configuration::VendoredState;
use packages::PackageCheck;
use report::Tally;

/// Checks everything. Problems are counted and reported; they do not end the run.
pub struct Checker<'a> {
    context: &'a Context<'a>,
    tally: Tally<'a>,
    /// The form that is compared; known when packages are shaped.
    form: Form,
    /// Whether the vendored directory exists; known when packages are shaped.
    target_exists: bool,
    /// What was left out; known when packages are shaped.
    filters: Filters,
}

impl<'a> Checker<'a> {
    pub fn new(context: &'a Context<'a>) -> Self {
        let tally = Tally::new(context.shell);
        Self { context, tally, form: Form::Directory, target_exists: false, filters: Filters::default() }
    }

    /// Whether there are vendored files to compare.
    fn has_files(&self) -> bool {
        self.target_exists && self.form != Form::TarZst
    }

    /// What was left out, by the flags and settings; else by the record of the run that made what is there.
    fn find_filters(&self) -> Result<Filters, CliError> {
        let Context { shell, options, project, .. } = self.context;
        let said = self.context.filters()?;
        if !said.is_none() || options.filters.are_given() {
            return Ok(said);
        }
        let (recorded, place) = match self.form {
            Form::TarZst => {
                let file = archive::output(project, options);
                (archive::recorded(project, &file), format!("`{RECORD}` in `{}`", file.display()))
            }
            _ => (Filters::recorded(&project.target)?, format!("`{}/{RECORD}`", project.shown_target())),
        };
        let recorded = recorded.unwrap_or_default();
        if !recorded.is_none() {
            shell.note(format!("{place} says what was left out; neither a flag nor a setting does"));
        }
        Ok(recorded)
    }

    /// Compares everything with what was published, and asks Cargo meanwhile.
    fn compare(&mut self, verified: &VerifiedLocks) -> Result<(), CliError> {
        let (context, plan, form) = (self.context, &verified.plan, self.form);
        packages::fetch_by_cargo(context, verified, form)?;
        let has_files = self.has_files();
        let (resolution, checks) = thread::scope(|scope| {
            let asked = scope.spawn(|| Resolution::ask(context, verified, has_files.then_some(form), form));
            let checks = match form {
                Form::LocalRegistry if has_files => registry::check(context, plan),
                _ => packages::check(context, plan, has_files),
            };
            (asked.join().expect("asking Cargo does not panic"), checks)
        });
        let checks = checks?;
        let resolution = resolution?;
        self.report_freshness(resolution.freshness)?;
        if form == Form::LocalRegistry && has_files {
            self.tally.of_local_registry();
        }
        for ((source, package), check) in plan.packages().zip(&checks) {
            self.tally.package(context.project, &verified.verification, source, package, check);
        }
        // If a package is not as published, that is the cause.
        let are_good =
            checks.iter().all(|check| !matches!(check, PackageCheck::Failed(_) | PackageCheck::Differs(_)));
        if let Some(differs) = resolution.differs.filter(|_| are_good) {
            self.tally.problem(&differs.into());
        }
        Ok(())
    }

    /// Reports whether the lock files are up to date. Offline, that cannot always be found out.
    fn report_freshness(&mut self, freshness: Result<(), CargoError>) -> Result<(), CliError> {
        let error = match freshness {
            Ok(()) => return Ok(()),
            Err(CargoError::Interrupted(interrupted)) => return Err(interrupted.into()),
            Err(error) => error,
        };
        if self.context.project.settings.offline() && !says_outdated(&error) {
            self.tally.unchecked("that the lock file fits the manifest");
        } else {
            self.tally.problem(&CliError::from(error).within("the lock file does not fit the manifest"));
        }
        Ok(())
    }

    /// Reports what is in the vendored directory besides the packages.
    fn report_strays(&mut self, plan: &Plan) -> Result<(), CliError> {
        let project = self.context.project;
        let strays = match self.form {
            Form::LocalRegistry => {
                let files = registry::files(plan)?;
                strays::strays_beside(&project.target, plan, &files.iter().map(String::as_str).collect())?
            }
            _ => strays::strays(&project.target, plan)?,
        };
        for finding in strays {
            let path = format!("{}/{}", project.shown_target(), finding.path);
            let error = CliError::new(ExitCode::Refused, format!("`{path}` {}", finding.kind.text()));
            self.tally.problem(&error.hint("remove it, or vendor again: `cargo nsvendor`"));
        }
        Ok(())
    }

    /// Reports whether the bills of materials are those of what is locked.
    fn report_bills(&mut self, verified: &VerifiedLocks) {
        let wanted = &self.context.options.sbom;
        if wanted.is_empty() {
            return;
        }
        let inputs = BomInputs { context: self.context, verified };
        let outdated = Manifests::packed(self.context, &verified.plan, self.has_files())
            .map_err(CliError::from)
            .and_then(|manifests| {
                let read = |source: &_, package: &_| manifests.read(source, package);
                Ok(sbom::files::outdated(&inputs, wanted, &read)?)
            });
        match outdated {
            Ok(outdated) => outdated.iter().for_each(|error| self.tally.problem(error)),
            Err(error) => {
                self.tally.unchecked(&format!("the bill of materials, because {}", error.message()));
            }
        }
    }
}

impl Sink for Checker<'_> {
    fn form(&self) -> Option<Form> {
        None
    }

    fn filters(&self) -> &Filters {
        &self.filters
    }

    fn accept(&mut self, _: &Context<'_>, verification: &Verification) -> Result<(), CliError> {
        for problem in &verification.problems {
            self.tally.problem(&verify::described(problem));
        }
        Ok(())
    }

    /// If it is not known which packages are needed, all are still checked, in the shape that they seem to have.
    fn shape(&mut self, context: &Context<'_>, plan: &mut Plan) -> Result<(), CliError> {
        let project = context.project;
        self.target_exists = look_at_target(project)?;
        self.form =
            context.options.form.unwrap_or_else(|| match registry::is_local_registry(project, plan) {
                true => Form::LocalRegistry,
                false => Form::Directory,
            });
        self.filters = self.find_filters()?;
        let error = match shape::apply(context, &self.filters, plan) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if matches!(error, ShapeError::Platform(_)) || !project.settings.offline() || !self.has_files() {
            return Err(error.into());
        }
        interrupt::check()?;
        shape::as_it_stands(project, &self.filters, plan, self.form == Form::LocalRegistry);
        let why = CliError::from(error);
        self.tally.unchecked(&format!("which packages are needed, because {}", why.message()));
        Ok(())
    }

    fn write(
        &mut self,
        verified: &VerifiedLocks,
        _: LockFreshness,
        _: Option<PendingAnswer<'_>>,
    ) -> Result<Attempt, CliError> {
        let (context, plan) = (self.context, &verified.plan);
        self.compare(verified)?;
        if self.has_files() {
            self.report_strays(plan)?;
        }
        if self.form == Form::TarZst {
            let difference = archive::difference(context, plan, &self.filters);
            let output = archive::output(context.project, context.options);
            check_archive(&mut self.tally, &output, difference);
        }
        let state = match self.form {
            // The configuration may be that of the project in the archive.
            Form::TarZst => VendoredState::InAFile,
            _ if self.target_exists => VendoredState::There,
            _ => VendoredState::Missing,
        };
        configuration::check(context.shell, &mut self.tally, context.project, plan, state);
        self.report_bills(verified);
        Ok(Attempt::Written)
    }

    fn publish(&mut self, verified: &VerifiedLocks) -> Result<Published, CliError> {
        let Context { options, project, .. } = self.context;
        let about_files = if self.form == Form::TarZst {
            format!("`{}` holds them as published", archive::output(project, options).display())
        } else if self.has_files() {
            format!("`{}` holds them as published", project.shown_target())
        } else {
            format!(
                "`{}` does not exist: only the lock file and the archives were checked",
                project.shown_target()
            )
        };
        let namespaced = verified.verification.report.releases.len();
        Ok(Published::Checked(self.tally.finish(&verified.plan, namespaced, &about_files, options.strict)))
    }
}

/// What Cargo says of the lock files and of what is vendored.
struct Resolution {
    /// Whether the lock files are up to date.
    freshness: Result<(), CargoError>,
    /// What Cargo resolves from what is vendored, if that is something else.
    differs: Option<OtherResolution>,
}

impl Resolution {
    /// One question answers both if Cargo resolves what is locked. Offline, Cargo may see the packages only as it is shown them.
    fn ask(
        context: &Context<'_>,
        verified: &VerifiedLocks,
        vendored: Option<Form>,
        form: Form,
    ) -> Result<Self, CliError> {
        let Context { shell, project, .. } = context;
        let (target, locks) = (&project.target, &verified.locks);
        let question = ResolveQuestion::new(context, verified);
        let differs = match (vendored, form) {
            (Some(Form::LocalRegistry), _) => question.resolved_in_local_registry(target)?,
            (Some(_), _) => {
                question.resolved_in_packages(&|source, package| target.join(source.path_of(package)))?
            }
            // What no cache has is reported when it is compared.
            (None, Form::TarZst) => match question.resolved_in_crates() {
                Err(QuestionError::Interrupted(interrupted)) => return Err(interrupted.into()),
                asked => asked.unwrap_or(None),
            },
            (None, _) => None,
        };
        if differs.is_none() && vendored.is_some() && question.is_possible() {
            return Ok(Self { freshness: Ok(()), differs: None });
        }
        let freshness = project.check_locks(shell, locks);
        if freshness.is_ok() || !project.settings.offline() {
            let is_fresh = freshness.is_ok();
            return Ok(Self { freshness, differs: differs.filter(|_| is_fresh) });
        }
        let freshness = match StandIn::make(project, &verified.plan) {
            Ok(stand_in) => project.check_locks_by(shell, &stand_in.cargo, locks),
            Err(_) => freshness,
        };
        Ok(Self { freshness, differs: None })
    }
}

/// What Cargo says where a lock file is out of date: that it would have to change, or that nothing locked will do. A Cargo that
/// has no packages at all says the latter too; but then it was asked again, about a [`StandIn`] that has all of them.
const OUTDATED: [&str; 3] =
    ["lock file", "locations searched: directory source", "location searched: directory source"];

/// Whether Cargo failed because a lock file is out of date. It has no other way to say so than its messages.
fn says_outdated(error: &CargoError) -> bool {
    matches!(error, CargoError::Failed { stderr, .. } if OUTDATED.iter().any(|said| stderr.contains(said)))
}

/// Whether the vendored directory exists. It must be a directory.
fn look_at_target(project: &Project) -> Result<bool, CliError> {
    let target = &project.target;
    match fs::symlink_metadata(target) {
        Err(_) => Ok(false),
        Ok(found) if found.is_dir() => Ok(true),
        Ok(_) => Err(CliError::new(ExitCode::Refused, format!("`{}` is not a directory", target.display()))
            .hint("a link could point out of the project: vendor into a directory of the project")),
    }
}

/// Reports whether the archive holds what it should.
fn check_archive(tally: &mut Tally<'_>, path: &Path, found: Result<Option<ArchiveDifference>, CliError>) {
    let refused = |message: String| {
        let hint = "find out who changed it; `cargo nsvendor --format tar.zst` recreates it";
        CliError::new(ExitCode::Refused, message).hint(hint)
    };
    let holds = format!("`{}` does not match the lock file", path.display());
    match found {
        Ok(None) => {}
        Ok(Some(ArchiveDifference::At(file))) if file.is_empty() => {
            tally.problem(&refused(holds).because("it has data after its last file"));
        }
        Ok(Some(ArchiveDifference::At(file))) => {
            tally.problem(&refused(holds).because(format!("the first difference is at `{file}`")));
        }
        Ok(Some(ArchiveDifference::Unreadable(error))) => {
            let message = format!("`{}` was cut off or damaged", path.display());
            tally.problem(&refused(message).because(error.to_string()));
        }
        Err(error) => tally.problem(&error.within(format!("failed to check `{}`", path.display()))),
    }
}
