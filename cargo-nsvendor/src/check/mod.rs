//! `--check`: the gate. Verifies the lock file, the signatures, and the vendored files; writes nothing.
//!
//! 1. Every namespaced release in the lock file is intact and trusted; with `--trust`, by the keys of another revision.
//! 2. The lock file fits the manifests (`cargo fetch --locked`, which writes to Cargo's home only).
//! 3. Every vendored package is compared with its archive, which must have the lock file's hash; packages from git with
//!    what `cargo vendor` makes of them. What lies beside them is found too.
//! 4. The project's configuration leads each vendored source to its directory, not to another one.
//!
//! What is wrong is reported in full, not the first only. What could not be checked, for want of an archive offline, is
//! said; `--strict` refuses it.

pub mod tree;

use std::fs;

use cargo_namespaces::cargo::CargoError;
use cargo_namespaces::client::HttpClient;
use cargo_namespaces::package::inspect;
use cargo_namespaces::registry_client::RegistryClient;
use cargo_namespaces::settings::Settings;
use cargo_namespaces::shell::{CliError, Context as _, ExitCode, Shell};
use serde::Serialize;

use crate::archives::{Archives, Cached};
use crate::plan::{Package, Plan, Source, SourceDir};
use crate::project::{Project, all_packages};
use crate::run::{Options, plural, refuse_package, vendor_git, wrong_or_missing};
use crate::verified::{self, Described, Reach, Verification};
use crate::work;
use tree::{Finding, What};

/// What a check of one package found.
#[derive(Debug)]
enum Outcome {
    /// It is as it must be. `vendored` says whether its files were compared.
    Good { vendored: bool },
    /// The vendored files are not those of the package.
    Differs(Vec<Finding>),
    /// Neither the archive nor the checkout is here; the files fit their own list.
    Unchecked(&'static str),
    /// The archive itself is wrong, or could not be had.
    Failed(CliError),
}

/// One line with `--message-format json`.
#[derive(Debug, Serialize)]
struct Line {
    #[serde(flatten)]
    package: Described,
    outcome: &'static str,
    problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
struct Problem {
    #[serde(skip_serializing_if = "String::is_empty")]
    path: String,
    code: &'static str,
    message: String,
}

/// The last line.
#[derive(Debug, Serialize)]
struct Finished {
    success: bool,
    packages: usize,
    unchecked: usize,
    problems: usize,
}

/// Everything that is wrong, counted and told.
struct Tally<'a> {
    shell: &'a Shell,
    problems: usize,
    unchecked: usize,
    exit: Option<ExitCode>,
}

impl Tally<'_> {
    fn problem(&mut self, error: &CliError) {
        self.problems += 1;
        self.shell.report(error);
        self.exit = Some(match self.exit {
            None => error.exit(),
            Some(exit) if exit == error.exit() => exit,
            // Something refused weighs more than something that could not be reached.
            Some(_) => ExitCode::Refused,
        });
    }
}

/// Checks.
///
/// # Errors
/// There is nothing to check, or the command was interrupted. What is wrong is reported, and the exit code says so.
pub fn run(shell: &Shell, options: &Options) -> Result<ExitCode, CliError> {
    let project = Project::find(shell, options)?;
    let locks = project.locks()?;
    let mut tally = Tally { shell, problems: 0, unchecked: 0, exit: None };
    let transport = HttpClient::new(project.settings.http.clone());
    let client = RegistryClient::new(&project.settings, &transport);
    let reach = Reach { client: &client, transport: &transport };
    let verification = verified::verify(shell, &project, reach, &all_packages(&locks), options.strict)?;
    for problem in &verification.problems {
        tally.problem(&verified::described(problem));
    }
    // Cargo unpacks what it fetches, and a Cargo before 1.96 follows the links in it: not what was just refused.
    if verification.problems.is_empty() {
        check_locks(&project, &mut tally)?;
    }
    let plan = Plan::new(&locks, &verification.namespaces).exit_with(ExitCode::InvalidInput)?;
    let vendored = look_at_target(&project)?;
    let outcomes = check_packages(shell, &project, &client, &plan, vendored)?;
    for ((source, package), outcome) in plan.packages().zip(&outcomes) {
        tell(&mut tally, &project, source, package, outcome);
        shell.json("checked-package", &line(&verification, source, package, outcome));
    }
    if vendored {
        check_surroundings(&mut tally, &project, &plan)?;
    }
    finish(tally, &project, &plan, &verification, vendored, options.strict)
}

/// The lock files fit the manifests. Offline, that cannot always be found out.
fn check_locks(project: &Project, tally: &mut Tally<'_>) -> Result<(), CliError> {
    for manifest in &project.manifests {
        match project.cargo.check_lock(manifest) {
            Ok(()) => {}
            Err(CargoError::Interrupted(interrupted)) => return Err(interrupted.into()),
            Err(error) => {
                let error = CliError::from(error);
                let stale = error.causes().iter().any(|cause| cause.contains("lock file"));
                if project.settings.offline() && !stale {
                    tally.unchecked += 1;
                    tally.shell.warn(format!(
                        "offline, it could not be checked that the lock file fits `{}`",
                        manifest.display()
                    ));
                } else {
                    tally.problem(
                        &error.within(format!("the lock file does not fit `{}`", manifest.display())),
                    );
                }
            }
        }
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

fn check_packages(
    shell: &Shell,
    project: &Project,
    client: &RegistryClient<'_>,
    plan: &Plan,
    vendored: bool,
) -> Result<Vec<Outcome>, CliError> {
    let archives = Archives::new(&project.settings);
    let packages: Vec<(&SourceDir, &Package)> = plan.packages().collect();
    let mut outcomes = pass(shell, project, &archives, &packages, vendored)?;
    let missing: Vec<usize> = (0..packages.len()).filter(|at| outcomes[*at].is_none()).collect();
    let wanted: Vec<(&SourceDir, &Package)> = missing.iter().map(|at| packages[*at]).collect();
    let offline = project.settings.offline();
    let downloads = if offline { Vec::new() } else { Archives::download(shell, client, &wanted) };
    let again = pass(shell, project, &archives, &wanted, vendored)?;
    let mut downloads = downloads.into_iter();
    for (at, second) in missing.into_iter().zip(again) {
        let (source, package) = packages[at];
        let failed = downloads.next().and_then(Result::err);
        outcomes[at] = Some(match (second, failed) {
            (Some(outcome), _) => outcome,
            (None, Some(error)) => Outcome::Failed(error),
            (None, None) => without_archive(project, &archives, source, package, vendored)?,
        });
    }
    check_git(shell, project, plan, vendored, &mut outcomes)?;
    Ok(outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap_or(Outcome::Unchecked("it was not looked at")))
        .collect())
}

/// Compares each package whose archive is in a cache; `None` for the others. Git packages wait for [`check_git`].
fn pass(
    shell: &Shell,
    project: &Project,
    archives: &Archives<'_>,
    packages: &[(&SourceDir, &Package)],
    vendored: bool,
) -> Result<Vec<Option<Outcome>>, CliError> {
    let progress = shell.progress("Checking", packages.len() as u64);
    work::for_each(packages, |&(source, package)| {
        if matches!(source.source, Source::Git(_)) {
            return Ok(Some(Outcome::Good { vendored: false }));
        }
        let Cached::Right(archive) = archives.read(source, package) else { return Ok(None) };
        let directory = project.target.join(&source.dir).join(package.dir());
        let outcome = if vendored {
            match tree::against_archive(&archive, package, &directory) {
                Ok(findings) if findings.is_empty() => Outcome::Good { vendored: true },
                Ok(findings) => Outcome::Differs(findings),
                Err(error) => Outcome::Failed(refuse_package(source, package, error)),
            }
        } else {
            match inspect(archive.as_slice(), &package.name, &package.version) {
                Ok(_) => Outcome::Good { vendored: false },
                Err(error) => Outcome::Failed(refuse_package(source, package, error.into())),
            }
        };
        progress.step();
        Ok(Some(outcome))
    })
}

/// Offline, and no cache has the archive.
fn without_archive(
    project: &Project,
    archives: &Archives<'_>,
    source: &SourceDir,
    package: &Package,
    vendored: bool,
) -> Result<Outcome, CliError> {
    if let Cached::Wrong { .. } = archives.read(source, package) {
        return Ok(Outcome::Failed(wrong_or_missing(archives, source, package)));
    }
    if !vendored {
        return Ok(Outcome::Unchecked("its .crate is not here"));
    }
    let directory = project.target.join(&source.dir).join(package.dir());
    let findings = tree::against_itself(package, &directory)?;
    Ok(match findings.is_empty() {
        true => Outcome::Unchecked("its .crate is not here: compared with its own checksums only"),
        false => Outcome::Differs(findings),
    })
}

/// Compares the packages from git with what `cargo vendor` makes of them, in a temporary directory.
fn check_git(
    shell: &Shell,
    project: &Project,
    plan: &Plan,
    vendored: bool,
    outcomes: &mut [Option<Outcome>],
) -> Result<(), CliError> {
    if !vendored || plan.git().next().is_none() {
        return Ok(());
    }
    let fresh = tempfile::Builder::new()
        .prefix("cargo-nsvendor-")
        .tempdir()
        .context(ExitCode::Failure, "failed to create a temporary directory")?;
    let made = vendor_git(shell, project, plan, fresh.path());
    if let Err(error) = &made
        && !project.settings.offline()
    {
        return Err(error.clone());
    }
    for ((source, package), outcome) in plan.packages().zip(outcomes) {
        if !matches!(source.source, Source::Git(_)) {
            continue;
        }
        let below = format!("{}/{}", source.dir, package.dir());
        let directory = project.target.join(&below);
        let findings = match made {
            Ok(()) => tree::against_directory(&fresh.path().join(&below), &directory)?,
            Err(_) => tree::against_itself(package, &directory)?,
        };
        *outcome = Some(match (findings.is_empty(), &made) {
            (false, _) => Outcome::Differs(findings),
            (true, Ok(())) => Outcome::Good { vendored: true },
            (true, Err(_)) => {
                Outcome::Unchecked("its repository is not here: compared with its own checksums only")
            }
        });
    }
    Ok(())
}

/// Reports one package.
fn tell(tally: &mut Tally<'_>, project: &Project, source: &SourceDir, package: &Package, outcome: &Outcome) {
    let name = format!("`{}` {} of {}", package.name, package.version, source.source.display());
    match outcome {
        Outcome::Good { .. } => {}
        Outcome::Unchecked(why) => {
            tally.unchecked += 1;
            tally.shell.warn(format!("{name} was not checked against its package: {why}"));
        }
        Outcome::Failed(error) => tally.problem(error),
        Outcome::Differs(findings) => {
            let directory = format!("{}/{}/{}", project.shown_target(), source.dir, package.dir());
            let mut error =
                CliError::new(ExitCode::Refused, format!("the vendored {name} is not what was published"));
            if findings.iter().all(|finding| finding.what == What::Missing)
                && !project.target.join(&source.dir).join(package.dir()).exists()
            {
                error = error.because(format!("{directory} is missing"));
            } else {
                for finding in findings {
                    error = error.because(format!("{directory}/{} {}", finding.path, finding.what.text()));
                }
            }
            tally.problem(&error.hint(
                "find out who changed it; `cargo nsvendor` vendors it anew, and a `[patch]` is the way to change a dependency",
            ));
        }
    }
}

fn line(verification: &Verification, source: &SourceDir, package: &Package, outcome: &Outcome) -> Line {
    let (outcome, problems) = match outcome {
        Outcome::Good { vendored: true } => ("vendored", Vec::new()),
        Outcome::Good { vendored: false } => ("archive", Vec::new()),
        Outcome::Unchecked(why) => (
            "unchecked",
            vec![Problem { path: String::new(), code: "unchecked", message: (*why).to_owned() }],
        ),
        Outcome::Failed(error) => {
            ("failed", vec![Problem { path: String::new(), code: "archive", message: error.to_string() }])
        }
        Outcome::Differs(findings) => (
            "differs",
            findings
                .iter()
                .map(|finding| Problem {
                    path: finding.path.clone(),
                    code: finding.what.code(),
                    message: finding.what.text().to_owned(),
                })
                .collect(),
        ),
    };
    Line { package: verification.describe(source, package), outcome, problems }
}

/// What lies beside the packages, and where the configuration leads.
fn check_surroundings(tally: &mut Tally<'_>, project: &Project, plan: &Plan) -> Result<(), CliError> {
    for finding in tree::strays(&project.target, plan)? {
        let path = format!("{}/{}", project.shown_target(), finding.path);
        let error = CliError::new(ExitCode::Refused, format!("`{path}` {}", finding.what.text()));
        tally.problem(&error.hint("remove it, or vendor anew: `cargo nsvendor`"));
    }
    // `settings` of the project lack what leads into the target; what is left leads elsewhere.
    for source in &plan.sources {
        if let Some(elsewhere) = leads_elsewhere(&project.settings, &source.source) {
            let message = format!(
                "Cargo's configuration replaces {} with the directory `{elsewhere}`, not with the vendored one",
                source.source.display()
            );
            tally.problem(
                &CliError::new(ExitCode::Refused, message).hint("`cargo nsvendor --write-config` sets it"),
            );
        }
    }
    Ok(())
}

/// The directory, other than the checked one, that a source is replaced with.
fn leads_elsewhere(settings: &Settings, source: &Source) -> Option<String> {
    use cargo_namespaces::name::IndexUrl;
    use cargo_namespaces::settings::Replacement;
    let replacement = match source {
        Source::CratesIo => settings.crates_io_replacement().ok()??,
        Source::Namespace { index, .. } => settings.replacement_of(index).ok()?,
        Source::Registry(url) => settings.replacement_of(&IndexUrl::parse(url).ok()?).ok()?,
        Source::Git(url) => {
            let entry = settings.sources.get(url.source_name())?;
            let with = settings.sources.get(entry.replace_with.as_ref()?)?;
            Replacement::Directory(with.directory.clone()?)
        }
    };
    match replacement {
        Replacement::Directory(directory) => Some(directory.display().to_string()),
        _ => None,
    }
}

fn finish(
    mut tally: Tally<'_>,
    project: &Project,
    plan: &Plan,
    verification: &Verification,
    vendored: bool,
    strict: bool,
) -> Result<ExitCode, CliError> {
    if strict && tally.unchecked > 0 {
        let message =
            format!("{} {} could not be checked", tally.unchecked, plural(tally.unchecked, "thing"));
        tally.problem(
            &CliError::new(ExitCode::Unreachable, message)
                .hint("run it with network access, or with a cache that holds the archives"),
        );
    }
    let packages = plan.packages().count();
    let Tally { shell, problems, unchecked, exit } = tally;
    shell.json("check-finished", &Finished { success: exit.is_none(), packages, unchecked, problems });
    let Some(exit) = exit else {
        let namespaced = verification.report.releases.len();
        let what = if vendored {
            format!("`{}` holds them as published", project.shown_target())
        } else {
            format!(
                "`{}` does not exist: only the lock file and the archives were checked",
                project.shown_target()
            )
        };
        shell.status(
            "Checked",
            format!(
                "{packages} {}, {namespaced} of them namespaced, intact and trusted; {what}",
                plural(packages, "package")
            ),
        );
        return Ok(ExitCode::Ok);
    };
    shell.error(format!("the check found {problems} {}; nothing was changed", plural(problems, "problem")));
    Ok(exit)
}
