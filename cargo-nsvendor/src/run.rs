//! Vendoring: look, verify, fill, move, print.
//!
//! ```text
//! what stands in the target, by evidence ─► lock files ─► verify namespaced releases ─► plan
//!     ─► fill: compare what is there, unpack what is not, each .crate hashed, through the package rules
//!     ─► Cargo resolves the project from that, and gets what is locked; where not, and the lock files do not fit the
//!        manifests, it brings them up to date, and all is done again
//!     ─► move in, move out ─► evidence ─► configuration
//! ```
//!
//! Until the first move nothing in the project changes, but for a lock file that Cargo brings up to date; that is put back
//! if anything fails.

use std::path::PathBuf;
use std::thread::{self, ScopedJoinHandle};

use cargo_namespaces::lockfile::{LockFile, LockSource};
use cargo_namespaces_cli::cargo::CargoError;
use cargo_namespaces_cli::cli::CommonArgs;
use cargo_namespaces_cli::registry_client::RegistryClient;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode, Shell};
use cargo_namespaces_cli::snapshot::Snapshot;
use cargo_namespaces_net::client::{HttpClient, Transport};
use cargo_namespaces_net::interrupt;

use crate::ahead::{Ahead, Early};
use crate::checksums;
use crate::configure::config_path;
use crate::evidence::{Evidence, Standing};
use crate::fill::{Changed, Filling, refuse_target};
use crate::filter::{self, Filters};
use crate::fits::Inputs;
use crate::form::Form;
use crate::plan::{Package, Plan, SourceDir};
use crate::project::{Project, all_packages};
use crate::resolves::Asking;
use crate::sbom::{self, files::Manifests, gather::Gathering};
use crate::share;
use crate::stage::Hold;
use crate::verified::{self, Reach, Verification};

/// The flags.
#[derive(Debug)]
pub struct Options {
    /// The directory to vendor into.
    pub path: PathBuf,
    /// Write the configuration instead of printing it.
    pub write_config: bool,
    /// A trust file or a revision.
    pub trust: Option<String>,
    /// Refuse what could not be asked or checked.
    pub strict: bool,
    /// Compare everything that stands with its archive.
    pub verify: bool,
    /// Leave packages that are not needed any more.
    pub no_delete: bool,
    /// Further manifests.
    pub sync: Vec<PathBuf>,
    /// Take packages from directories that replace their sources, too.
    pub respect_source_config: bool,
    /// The form; with `--check` what is there, if not said.
    pub form: Option<Form>,
    /// The file of the archive.
    pub output: Option<PathBuf>,
    /// Bills of materials to write.
    pub sbom: Vec<sbom::Wanted>,
    /// What is left out, as far as flags say so.
    pub filters: filter::Flags,
    /// The common flags.
    pub common: CommonArgs,
}

/// Lock files, what is known of their namespaced releases, and what they need.
pub struct Locked {
    /// The lock files.
    pub locks: Vec<LockFile>,
    /// What is known of the namespaced releases.
    pub verification: Verification,
    /// What is vendored.
    pub plan: Plan,
}

/// Vendors.
///
/// # Errors
/// Anything that keeps it from being whole; nothing in the project has then changed.
pub fn run(shell: &Shell, options: &Options) -> Result<ExitCode, CliError> {
    let project = Project::find(shell, options)?;
    if options.write_config {
        config_path(project.root())?;
        project.require_nameable_target()?;
    }
    let filters = options.filters.over(project.filters()?);
    sbom::files::refuse(&project, &options.sbom)?;
    let hold = Hold::take(&project.target, shell).map_err(refuse_target)?;
    let evidence = Evidence::load(&project.settings, &project.target);
    let inputs = Inputs::read(&project, &options.common.config);
    let known = inputs.is_some_and(|inputs| evidence.fits(&inputs.digest_in(Form::Directory)));
    let fit = match known {
        true => Fit::Known,
        false if can_be_asked_about(&project) => Fit::Unknown,
        false => Fit::Open,
    };
    let transport =
        cargo_namespaces_cli::telling::Telling::new(HttpClient::new(project.settings.http.clone()), shell);
    let client = client(shell, &project, &transport, options);
    let reach = Reach { client: &client, transport: &transport };
    let run = Run { shell, project: &project, reach, options, filters: &filters };
    run.vendor(hold, evidence, inputs, fit)
}

/// Something is wrong with what Cargo locked anew, and the lock file is put back: advice about what is locked helps only once
/// Cargo has locked it for good.
fn lock_first(error: CliError) -> CliError {
    let Some(next) = error.hint_text().map(str::to_owned) else { return error };
    error.hint(format!(
        "Cargo.lock is behind the manifests, and was left as it was. Let Cargo bring it up to date first:\n    cargo update \
         --workspace\n{next}"
    ))
}

/// Whether the lock files fit the manifests, and Cargo resolves them from what is vendored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// They did when they were as they are.
    Known,
    /// Cargo can say, and was not asked.
    Unknown,
    /// Nobody can: a lock file is missing, or is about repositories, which Cargo would fetch to answer.
    Open,
}

/// Whether Cargo can say without fetching any package whether the lock files fit. A patch that no package uses is loaded all the
/// same, and is not vendored.
fn can_be_asked_about(project: &Project) -> bool {
    let Ok(locks) = project.locks() else { return false };
    let mut packages = locks.iter().flat_map(|lock| &lock.packages);
    packages.all(|package| !matches!(package.source, LockSource::Git(_)))
        && !locks.iter().any(LockFile::has_unused_patches)
}

/// Reads registries. What is vendored is locked, so what an index said before will do where it does not answer now; with
/// `--strict` it must answer.
pub fn client<'a>(
    shell: &'a Shell,
    project: &'a Project,
    transport: &'a dyn Transport,
    options: &Options,
) -> RegistryClient<'a> {
    let client = RegistryClient::new(&project.settings, transport).telling(shell);
    if options.strict { client } else { client.accept_kept() }
}

/// Cargo's answer, while it is on its way.
type Asked<'scope> = ScopedJoinHandle<'scope, Option<Ahead>>;

fn answer_of(asked: Asked<'_>) -> Option<Ahead> {
    asked.join().expect("asking Cargo does not panic")
}

/// One run.
pub struct Run<'a> {
    /// Where it is told.
    pub shell: &'a Shell,
    /// Whose.
    pub project: &'a Project,
    /// Registries and the web.
    pub reach: Reach<'a>,
    /// The flags.
    pub options: &'a Options,
    /// What is left out.
    pub filters: &'a Filters,
}

impl Run<'_> {
    /// Everything after what is known was read. Where Cargo has to be asked and can be, it is asked meanwhile.
    fn vendor(
        &self,
        hold: Hold,
        evidence: Evidence,
        inputs: Option<Inputs>,
        fit: Fit,
    ) -> Result<ExitCode, CliError> {
        let asks = fit == Fit::Unknown && self.filters.is_none();
        let early = if asks { Early::of(self.project) } else { None };
        thread::scope(|scope| {
            let asked = early.as_ref().map(|early| scope.spawn(|| early.ask(self.shell, self.project)));
            self.vendor_meanwhile(hold, evidence, inputs, fit, asked)
        })
    }

    fn vendor_meanwhile(
        &self,
        hold: Hold,
        mut evidence: Evidence,
        inputs: Option<Inputs>,
        fit: Fit,
        asked: Option<Asked<'_>>,
    ) -> Result<ExitCode, CliError> {
        let Self { shell, project, options, .. } = *self;
        let standing = if options.verify { Standing::new() } else { evidence.standing(&project.target)? };
        let existing = hold.examine(&standing).map_err(refuse_target)?;
        let locks_before = Snapshot::take(project.lock_paths())?;
        let mut filling = Filling::new(shell, project, self.reach.client, hold, existing, standing);
        let locked = self.bring_up_to_date(&mut filling, fit, asked)?;
        filling.tell_odd(&locked.plan);
        let (changed, standing) = filling.publish(&locked.plan, options.no_delete)?;
        locks_before.commit();
        if locked.plan.is_empty() {
            let removed = match changed.removed {
                0 => String::new(),
                removed => format!("; {removed} {} removed", plural(removed, "package")),
            };
            shell.status(
                "Vendored",
                format!("nothing: there is no dependency to vendor in this project{removed}"),
            );
            return Ok(ExitCode::Ok);
        }
        self.filters.record(&project.target)?;
        self.report(&locked, changed);
        self.bills(&locked)?;
        self.configure(&locked.plan, Form::Directory)?;
        share::with_cargo(shell, &project.settings, &locked.plan);
        let known = evidence.clone();
        evidence.packages = standing;
        self.note_fit(&mut evidence, inputs, Form::Directory);
        if evidence != known {
            evidence.save(&project.settings, &project.target);
        }
        Ok(ExitCode::Ok)
    }

    /// Fills the directory for lock files that fit the manifests.
    ///
    /// That they fit, and that nothing vendored leads Cargo elsewhere, is one question to Cargo: it resolves the project from
    /// what was filled. Where that is not what is locked, it is asked by the registries which of the two it is. Cargo unpacks
    /// what it fetches, and one before 1.96 follows the links in it: so what is locked is verified before it fetches anything.
    fn bring_up_to_date(
        &self,
        filling: &mut Filling<'_>,
        fit: Fit,
        asked: Option<Asked<'_>>,
    ) -> Result<Locked, CliError> {
        if !self.project.lock_paths().all(|path| path.is_file()) {
            return self.fetch(filling, None);
        }
        let locks = self.project.locks()?;
        if checksums::are_missing(&locks) {
            // Cargo adds them, if it can: after what can be verified was.
            self.verified(&locks)?;
            return self.fetch(filling, None);
        }
        let mut locked = self.locked(&locks)?;
        let has_git = locked.plan.git().next().is_some();
        let asks_first = self.filters.selects_packages() && fit != Fit::Known;
        // Cargo resolves what is locked: the lock file must fit before it says what is needed.
        if asks_first && !self.fits(&locked.locks)? {
            return self.fetch(filling, Some(locked));
        }
        self.shape(&mut locked)?;
        // cargo vendor, which carries repositories, works from what is fetched.
        if fit == Fit::Open && !asks_first {
            return self.fetch(filling, Some(locked));
        }
        let (filled, ahead) = self.fill(filling, &locked, fit, asked);
        interrupt::check()?;
        // It has the tokens of private registries, and reads some that we do not; and checkouts may have been removed.
        if filled.is_err() && (filling.needs_cargo() || (has_git && (fit == Fit::Known || asks_first))) {
            return self.fetch(filling, Some(locked));
        }
        let differs = match &filled {
            Ok(()) if fit == Fit::Known => None,
            Ok(()) => self.differs(filling, &locked, ahead.as_ref())?,
            Err(_) => None,
        };
        let unclear = filled.is_err() || differs.is_some();
        if unclear && fit == Fit::Unknown && !asks_first && !self.fits(&locked.locks)? {
            // Cargo says what is wrong, or mends it.
            return self.fetch(filling, Some(locked));
        }
        filled?;
        differs.map_or(Ok(locked), Err)
    }

    /// Whether the lock files fit the manifests, asked of Cargo by the registries.
    ///
    /// # Errors
    /// Cargo did not come to an answer: Ctrl-C, or it was ended.
    pub fn fits(&self, locks: &[LockFile]) -> Result<bool, CliError> {
        match self.project.check_locks(self.shell, locks) {
            Ok(()) => Ok(true),
            Err(CargoError::Failed { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Fills the directory; and asks Cargo meanwhile, as soon as most of it is there, where the answer is wanted.
    fn fill(
        &self,
        filling: &mut Filling<'_>,
        locked: &Locked,
        fit: Fit,
        asked: Option<Asked<'_>>,
    ) -> (Result<(), CliError>, Option<Ahead>) {
        if let Some(asked) = asked {
            return (filling.fill(&locked.plan), answer_of(asked));
        }
        if fit != Fit::Unknown {
            return (filling.fill(&locked.plan), None);
        }
        if let Err(error) = filling.fill(&filling.without_largest(&locked.plan)) {
            return (Err(error), None);
        }
        let made = filling.places(&locked.plan);
        thread::scope(|scope| {
            let asked = scope.spawn(|| Ahead::ask(self.asking(locked), &made, true));
            (filling.fill(&locked.plan), answer_of(asked))
        })
    }

    /// What Cargo resolves otherwise from what was filled than the lock files say, if anything.
    fn differs(
        &self,
        filling: &Filling<'_>,
        locked: &Locked,
        ahead: Option<&Ahead>,
    ) -> Result<Option<CliError>, CliError> {
        let asking = self.asking(locked);
        let place = |source: &SourceDir, package: &Package| filling.place_of(source, package);
        match ahead.is_some_and(|ahead| ahead.holds(asking, &place)) {
            true => Ok(None),
            false => asking.resolved_in_packages(&place),
        }
    }

    fn asking<'l>(&'l self, locked: &'l Locked) -> Asking<'l> {
        Asking { shell: self.shell, project: self.project, plan: &locked.plan, locks: &locked.locks }
    }

    /// Has cargo bring the lock files up to date and fetch everything, and fills the directory for what is locked then.
    fn fetch(&self, filling: &mut Filling<'_>, before: Option<Locked>) -> Result<Locked, CliError> {
        self.project.warn_of_unpacking(self.shell);
        for manifest in &self.project.manifests {
            self.project.cargo.fetch(manifest)?;
        }
        let locks = self.project.locks()?;
        let mut locked = match before {
            Some(known) if known.locks == locks => known,
            _ => self.locked(&locks).map_err(lock_first)?,
        };
        self.shape(&mut locked)?;
        filling.fill(&locked.plan)?;
        self.differs(filling, &locked, None)?.map_or(Ok(locked), Err)
    }

    /// Everything namespaced in the lock files must be intact and trusted.
    pub fn locked(&self, locks: &[LockFile]) -> Result<Locked, CliError> {
        let verification = self.verified(locks)?;
        let namespaces = &verification.namespaces;
        let locks = checksums::complete(self.shell, self.project, self.reach.client, namespaces, locks)?;
        let plan = Plan::new(&locks, &verification.namespaces).exit_with(ExitCode::InvalidInput)?;
        Ok(Locked { locks, verification, plan })
    }

    /// Everything namespaced in the lock files must be intact and trusted; what is known of it.
    pub fn verified(&self, locks: &[LockFile]) -> Result<Verification, CliError> {
        let packages = all_packages(locks);
        let verification =
            verified::verify(self.shell, self.project, self.reach, &packages, self.options.strict)?;
        verification.require(self.shell)?;
        Ok(verification)
    }

    /// Gives every package the shape that the filters say.
    pub fn shape(&self, locked: &mut Locked) -> Result<(), CliError> {
        filter::apply(self.shell, self.project, self.filters, &mut locked.plan)
    }

    /// Writes the bills of materials.
    pub fn bills(&self, locked: &Locked) -> Result<(), CliError> {
        let Locked { locks, verification, plan } = locked;
        let (shell, project, client) = (self.shell, self.project, self.reach.client);
        let gathering = Gathering { shell, project, client, locks, plan, verification };
        if self.options.sbom.is_empty() {
            return Ok(());
        }
        let manifests = match self.options.form {
            Some(Form::TarZst) => Manifests::packed(shell, project, plan, false)?,
            _ => Manifests::vendored(project),
        };
        sbom::files::write(&gathering, &self.options.sbom, &|source, package| manifests.read(source, package))
    }

    /// Notes that the lock files fit and that Cargo resolves them from the form, as they and the configuration are now: the
    /// run may have changed both.
    pub fn note_fit(&self, evidence: &mut Evidence, before: Option<Inputs>, form: Form) {
        let now = Inputs::read(self.project, &self.options.common.config);
        if let (Some(before), Some(now)) = (before, now)
            && before.same_manifests(&now)
        {
            evidence.note_fit(now.digest_in(form));
        }
    }

    /// Says what was done.
    pub fn report(&self, locked: &Locked, changed: Changed) {
        let Locked { verification, plan, .. } = locked;
        if self.shell.is_json() {
            for (source, package) in plan.packages() {
                self.shell.json("vendored-package", &verification.describe(source, package));
            }
        }
        let count = plan.packages().count();
        let namespaced = verification.report.releases.len();
        let stubs = plan.packages().filter(|(_, package)| package.is_stub()).count();
        let mut text = format!("{count} {} to `{}`", plural(count, "package"), self.project.shown_target());
        if namespaced > 0 {
            text.push_str(&format!(", {namespaced} of them namespaced, intact and trusted"));
        }
        if stubs > 0 {
            text.push_str(&format!(", {stubs} of them as {}", if stubs == 1 { "a stub" } else { "stubs" }));
        }
        text.push_str(&match changed {
            Changed { written: 0, removed: 0 } => "; nothing changed".to_owned(),
            Changed { written, removed: 0 } if written == count => String::new(),
            Changed { written, removed: 0 } => format!("; {written} written"),
            Changed { written, removed } => format!("; {written} written, {removed} removed"),
        });
        self.shell.status("Vendored", text);
        for git in locked.locks.iter().flat_map(LockFile::misread) {
            self.shell.warn(format!(
                "Cargo will not find `{}` in the vendored directory: in a lock file before version 4 it misreads `+`, `%`, `&` and `#`; \
                 `cargo generate-lockfile` writes version 4 where `rust-version` is not set, or 1.78 or later",
                git.plain_name()
            ));
        }
    }
}

/// `1 package`, `2 packages`.
pub fn plural(count: usize, word: &str) -> String {
    if count == 1 { word.to_owned() } else { format!("{word}s") }
}
