//! `--check`: the gate. Verifies the lock file, the signatures, and the vendored files; writes nothing.
//!
//! 1. Every namespaced release in the lock file is intact and trusted; with `--trust`, by the keys of another revision.
//! 2. The lock file fits the manifests, and Cargo resolves it from what is vendored: it is asked, and writes to its home only.
//! 3. Every vendored package is compared with its archive, which must have the lock file's hash; packages from git with
//!    what `cargo vendor` makes of them. What lies beside them is found too.
//! 4. The project's configuration leads each vendored source to its directory, not to another one, and the directory is there.
//!
//! What is wrong is reported in full, not the first only. What could not be checked, for want of an archive offline, is
//! said; `--strict` refuses it.

mod configuration;
mod packages;
mod registry;
mod report;
pub mod strays;
pub mod tree;

use std::fs;
use std::path::Path;
use std::thread;

use cargo_namespaces_cli::cargo::CargoError;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode, Shell};
use cargo_namespaces_net::client::HttpClient;
use cargo_namespaces_net::interrupt;

use crate::checksums;
use crate::filter::{self, Filters, RECORD, StandIn};
use crate::form::compare::Difference;
use crate::form::{Form, archive};
use crate::plan::Plan;
use crate::project::{Project, all_packages};
use crate::resolves::Asking;
use crate::run::{Options, client};
use crate::sbom::{self, files::Manifests, gather::Gathering};
use crate::verified::{self, Reach};
use configuration::Stands;
use packages::Outcome;
use report::Tally;

/// Checks.
///
/// # Errors
/// There is nothing to check, or the command was interrupted. What is wrong is reported, and the exit code says so.
pub fn run(shell: &Shell, options: &Options) -> Result<ExitCode, CliError> {
    let project = Project::find(shell, options)?;
    let locks = project.locks()?;
    let mut tally = Tally::new(shell);
    let transport =
        cargo_namespaces_cli::telling::Telling::new(HttpClient::new(project.settings.http.clone()), shell);
    let client = client(shell, &project, &transport, options);
    let reach = Reach { client: &client, transport: &transport };
    let verification = verified::verify(shell, &project, reach, &all_packages(&locks), options.strict)?;
    for problem in &verification.problems {
        tally.problem(&verified::described(problem));
    }
    let locks = checksums::complete(shell, &project, &client, &verification.namespaces, &locks)?;
    let mut plan = Plan::new(&locks, &verification.namespaces).exit_with(ExitCode::InvalidInput)?;
    let there = look_at_target(&project)?;
    let form = options.form.unwrap_or_else(|| match registry::is_one(&project, &plan) {
        true => Form::LocalRegistry,
        false => Form::Directory,
    });
    let vendored = there && form != Form::TarZst;
    let filters = filters(shell, &project, options, form)?;
    shape(&mut tally, shell, &project, &filters, &mut plan, vendored.then_some(form))?;
    let asking = Asking { shell, project: &project, plan: &plan, locks: &locks };
    packages::fetch_by_cargo(shell, &project, &plan, &locks, form)?;
    // Cargo is asked while the packages are read.
    let (fit, outcomes) = thread::scope(|scope| {
        let asked = scope.spawn(|| fit(asking, form, vendored));
        let outcomes = match form {
            Form::LocalRegistry if vendored => registry::check(shell, &project, &client, &plan),
            _ => packages::check(shell, &project, &client, &plan, vendored),
        };
        (asked.join().expect("asking cargo does not panic"), outcomes)
    });
    let outcomes = outcomes?;
    let (fit, differs) = fit?;
    report_fit(&project, &mut tally, fit)?;
    if form == Form::LocalRegistry && vendored {
        tally.of_local_registry();
    }
    for ((source, package), outcome) in plan.packages().zip(&outcomes) {
        tally.package(&project, &verification, source, package, outcome);
    }
    // Where a package is not as published, that is the cause.
    let good = outcomes.iter().all(|outcome| !matches!(outcome, Outcome::Failed(_) | Outcome::Differs(_)));
    if let Some(error) = differs.filter(|_| good) {
        tally.problem(&error);
    }
    if vendored {
        check_strays(&mut tally, &project, &plan, form)?;
    }
    if form == Form::TarZst {
        let difference = archive::difference(shell, &project, &client, &plan, &filters, options);
        check_archive(&mut tally, &archive::output(&project, options), difference);
    }
    let stands = match form {
        // The configuration may be that for what is in it.
        Form::TarZst => Stands::InAFile,
        _ if there => Stands::There,
        _ => Stands::Missing,
    };
    configuration::check(shell, &mut tally, &project, &plan, stands);
    let gathering = Gathering {
        shell,
        project: &project,
        client: &client,
        locks: &locks,
        plan: &plan,
        verification: &verification,
    };
    check_bills(&mut tally, &gathering, options, vendored);
    let about_files = if form == Form::TarZst {
        format!("`{}` holds them as published", archive::output(&project, options).display())
    } else if vendored {
        format!("`{}` holds them as published", project.shown_target())
    } else {
        format!(
            "`{}` does not exist: only the lock file and the archives were checked",
            project.shown_target()
        )
    };
    Ok(tally.finish(&plan, verification.report.releases.len(), &about_files, options.strict))
}

/// What was left out: as flags and settings say, else as was recorded when it was made.
fn filters(shell: &Shell, project: &Project, options: &Options, form: Form) -> Result<Filters, CliError> {
    let said = options.filters.over(project.filters()?);
    if !said.is_none() || options.filters.are_given() {
        return Ok(said);
    }
    let (recorded, place) = match form {
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

/// Gives every package its shape. Where nobody can say which packages are needed, the others are still checked: as they
/// stand in the form that is `vendored`.
fn shape(
    tally: &mut Tally<'_>,
    shell: &Shell,
    project: &Project,
    filters: &Filters,
    plan: &mut Plan,
    vendored: Option<Form>,
) -> Result<(), CliError> {
    let error = match filter::apply(shell, project, filters, plan) {
        Err(error) if project.settings.offline() && error.exit() != ExitCode::InvalidInput => error,
        applied => return applied,
    };
    let Some(form) = vendored else { return Err(error) };
    interrupt::check()?;
    filter::as_it_stands(project, filters, plan, form == Form::LocalRegistry);
    tally.unchecked(&format!("which packages are needed, because {}", error.message()));
    Ok(())
}

/// Whether the lock files fit the manifests, and what Cargo resolves otherwise from what is vendored, if anything.
///
/// Both are one question where Cargo resolves what is locked. Offline it may see the packages only as we show them.
fn fit(
    asking: Asking<'_>,
    form: Form,
    vendored: bool,
) -> Result<(Result<(), CargoError>, Option<CliError>), CliError> {
    let Asking { shell, project, plan, locks } = asking;
    let target = &project.target;
    let differs = match form {
        Form::LocalRegistry if vendored => asking.resolved_in_local_registry(target)?,
        Form::Directory if vendored => {
            asking.resolved_in_packages(&|source, package| target.join(source.path_of(package)))?
        }
        // What is not in a cache is told by who compares it.
        Form::TarZst => match asking.resolved_in_archives() {
            Err(error) if error.exit() == ExitCode::Interrupted => return Err(error),
            asked => asked.unwrap_or(None),
        },
        _ => None,
    };
    if differs.is_none() && vendored && asking.is_possible() {
        return Ok((Ok(()), None));
    }
    let asked = project.check_locks(shell, locks);
    if asked.is_ok() || !project.settings.offline() {
        let fits = asked.is_ok();
        return Ok((asked, differs.filter(|_| fits)));
    }
    let asked = match StandIn::make(project, plan) {
        Ok(stand_in) => project.check_locks_by(shell, &stand_in.cargo, locks),
        Err(_) => asked,
    };
    Ok((asked, None))
}

/// Whether the bills of materials are those of what is locked. `stands` says whether there are vendored files.
fn check_bills(tally: &mut Tally<'_>, gathering: &Gathering<'_>, options: &Options, stands: bool) {
    if options.sbom.is_empty() {
        return;
    }
    let Gathering { shell, project, plan, .. } = *gathering;
    let outdated = Manifests::packed(shell, project, plan, stands).and_then(|manifests| {
        sbom::files::outdated(gathering, &options.sbom, &|source, package| manifests.read(source, package))
    });
    match outdated {
        Ok(outdated) => outdated.iter().for_each(|error| tally.problem(error)),
        Err(error) => tally.unchecked(&format!("the bill of materials, because {}", error.message())),
    }
}

/// What Cargo says where a lock file does not fit: that it would have to change, or that nothing locked will do. Where Cargo
/// has no packages at all it says the latter too, but then it was asked again, about a [`StandIn`] that has all of them.
const STALE: [&str; 3] =
    ["lock file", "locations searched: directory source", "location searched: directory source"];

/// Whether the lock files fit the manifests. Offline, that cannot always be found out.
fn report_fit(project: &Project, tally: &mut Tally<'_>, fit: Result<(), CargoError>) -> Result<(), CliError> {
    let error = match fit {
        Ok(()) => return Ok(()),
        Err(CargoError::Interrupted(interrupted)) => return Err(interrupted.into()),
        Err(error) => CliError::from(error),
    };
    let stale = error.causes().iter().any(|cause| STALE.iter().any(|said| cause.contains(said)));
    if project.settings.offline() && !stale {
        tally.unchecked("that the lock file fits the manifest");
    } else {
        tally.problem(&error.within("the lock file does not fit the manifest"));
    }
    Ok(())
}

/// True when there is a vendored directory; it must be one.
fn look_at_target(project: &Project) -> Result<bool, CliError> {
    let target = &project.target;
    match fs::symlink_metadata(target) {
        Err(_) => Ok(false),
        Ok(found) if found.is_dir() => Ok(true),
        Ok(_) => Err(CliError::new(ExitCode::Refused, format!("`{}` is not a directory", target.display()))
            .hint("a link in its place could lead anywhere: vendor into a directory of the project")),
    }
}

/// What lies beside the packages.
fn check_strays(tally: &mut Tally<'_>, project: &Project, plan: &Plan, form: Form) -> Result<(), CliError> {
    let strays = match form {
        Form::LocalRegistry => {
            let files = registry::files(plan)?;
            strays::strays_beside(&project.target, plan, &files.iter().map(String::as_str).collect())?
        }
        _ => strays::strays(&project.target, plan)?,
    };
    for finding in strays {
        let path = format!("{}/{}", project.shown_target(), finding.path);
        let error = CliError::new(ExitCode::Refused, format!("`{path}` {}", finding.what.text()));
        tally.problem(&error.hint("remove it, or vendor anew: `cargo nsvendor`"));
    }
    Ok(())
}

/// Whether the archive holds what it should.
fn check_archive(tally: &mut Tally<'_>, path: &Path, found: Result<Option<Difference>, CliError>) {
    let refused = |message: String| {
        let hint = "find out who changed it; `cargo nsvendor --format tar.zst` makes it anew";
        CliError::new(ExitCode::Refused, message).hint(hint)
    };
    let holds = format!("`{}` does not hold what is locked, or holds something else", path.display());
    match found {
        Ok(None) => {}
        Ok(Some(Difference::At(file))) if file.is_empty() => {
            tally.problem(&refused(holds).because("there is something behind its last file"));
        }
        Ok(Some(Difference::At(file))) => {
            tally.problem(&refused(holds).because(format!("the first difference is at `{file}`")));
        }
        Ok(Some(Difference::Unreadable(error))) => {
            let message = format!("`{}` was cut off or damaged", path.display());
            tally.problem(&refused(message).because(error.to_string()));
        }
        Err(error) => tally.problem(&error.within(format!("failed to check `{}`", path.display()))),
    }
}
