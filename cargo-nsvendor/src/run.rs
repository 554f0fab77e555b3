//! One run: opens the sink, sends everything through the [pipeline], moves what was made to its place, and reports.
//!
//! Nothing in the project changes before the last step, except a lock file that Cargo updates. That is put back if anything
//! fails.

use std::collections::BTreeMap;
use std::thread;

use cargo_namespaces::lockfile::LockFile;
use cargo_namespaces_cli::shell::{CliError, ExitCode, Shell};
use cargo_namespaces_cli::snapshot::Snapshot;

use crate::cargo_cache;
use cargo_namespaces_cli::network::Network;

use crate::context::Context;
use crate::evidence::Evidence;
use crate::filter::Filters;
use crate::form::Form;
use crate::options::Options;
use crate::pipeline;
use crate::project::Project;
use crate::resolve::early::{EarlyQuestion, PendingAnswer};
use crate::resolve::lock_freshness::{FreshnessInputs, LockFreshness};
use crate::sbom::{self, files::Manifests, gather::BomInputs};
use crate::sink::{self, Published, Sink, Vendored};
use crate::source_config::configure;
use crate::text::plural;
use crate::verify::VerifiedLocks;

/// Runs the command.
///
/// # Errors
/// Anything that keeps it from being done completely. Nothing in the project has then changed.
pub fn run(shell: &Shell, options: &Options) -> Result<ExitCode, CliError> {
    let project = Project::find(options)?;
    let network = Network::new(&project.settings).telling(shell);
    let context = &Context::new(shell, options, &project, &network);
    let mut sink = sink::open(context)?;
    match sink.form() {
        Some(form) => vendor(context, &mut *sink, form),
        None => check(context, &mut *sink),
    }
}

/// Compares what is there. Nothing is remembered of it, and nothing is written.
fn check(context: &Context<'_>, sink: &mut dyn Sink) -> Result<ExitCode, CliError> {
    let verified = pipeline::run(context, sink, LockFreshness::Reported, None)?;
    match sink.publish(&verified)? {
        Published::Checked(exit) => Ok(exit),
        Published::Vendored(_) => Ok(ExitCode::Ok),
    }
}

/// Makes what is vendored.
fn vendor(context: &Context<'_>, sink: &mut dyn Sink, form: Form) -> Result<ExitCode, CliError> {
    let Context { options, project, .. } = context;
    let mut evidence = Evidence::load(&project.settings, &project.target);
    let inputs = FreshnessInputs::read(project, &options.config);
    let freshness = LockFreshness::at_start(project, &evidence, inputs.as_ref(), form);
    let lock_files = Snapshot::take(project.lock_paths())?;
    let question = if freshness == LockFreshness::Unknown { sink.early_question() } else { None };
    let verified = thread::scope(|scope| {
        let ask = |question| PendingAnswer::new(scope.spawn(move || EarlyQuestion::ask(question, context)));
        let early = question.as_ref().map(ask);
        sink.examine(&evidence)?;
        pipeline::run(context, sink, freshness, early)
    })?;
    let published = sink.publish(&verified)?;
    lock_files.commit();
    let Published::Vendored(mut vendored) = published else { return Ok(ExitCode::Ok) };
    let packages = vendored.packages.take();
    conclude(context, sink.filters(), &verified, &vendored, form)?;
    let before = evidence.clone();
    if let Some(packages) = packages {
        evidence.packages = packages;
    }
    note_freshness(context, &mut evidence, inputs, form);
    if evidence != before {
        evidence.save(&project.settings, &project.target);
    }
    Ok(ExitCode::Ok)
}

/// Reports, and writes what goes with the vendored packages: the record of the filters, bills of materials, the configuration.
fn conclude(
    context: &Context<'_>,
    filters: &Filters,
    verified: &VerifiedLocks,
    vendored: &Vendored,
    form: Form,
) -> Result<(), CliError> {
    let Context { shell, project, .. } = context;
    let plan = &verified.plan;
    if form == Form::TarZst {
        report(context, verified, vendored);
    } else if plan.is_empty() {
        let removed = match vendored.removed {
            0 => String::new(),
            removed => format!("; {removed} {} removed", plural(removed, "package")),
        };
        shell.status(
            "Vendored",
            format!("nothing: there is no dependency to vendor in this project{removed}"),
        );
        return Ok(());
    } else {
        filters.record(&project.target)?;
        report(context, verified, vendored);
    }
    if let Some((output, is_new)) = &vendored.archive {
        let shown = output.strip_prefix(&project.settings.directory).unwrap_or(output).display().to_string();
        shell.status("Packed", format!("`{shown}`{}", if *is_new { "" } else { "; nothing changed" }));
        shell.json("archive", &BTreeMap::from([("file", shown)]));
    }
    write_bills(context, verified, form)?;
    if form != Form::TarZst {
        configure(context, plan, form)?;
    }
    cargo_cache::with_cargo(shell, &project.settings, plan);
    Ok(())
}

/// Reports what was vendored.
fn report(context: &Context<'_>, verified: &VerifiedLocks, vendored: &Vendored) {
    let Context { shell, project, .. } = context;
    let VerifiedLocks { locks, verification, plan } = verified;
    if shell.is_json() {
        for (source, package) in plan.packages() {
            shell.json("vendored-package", &verification.describe(source, package));
        }
    }
    let count = plan.packages().count();
    let namespaced = verification.report.releases.len();
    let stubs = plan.packages().filter(|(_, package)| package.is_stub()).count();
    let mut text = format!("{count} {} to `{}`", plural(count, "package"), project.shown_target());
    if namespaced > 0 {
        text.push_str(&format!(", {namespaced} of them namespaced, verified and trusted"));
    }
    if stubs > 0 {
        text.push_str(&format!(", {stubs} of them as {}", if stubs == 1 { "a stub" } else { "stubs" }));
    }
    text.push_str(&match (vendored.written, vendored.removed) {
        (0, 0) => "; nothing changed".to_owned(),
        (written, 0) if written == count => String::new(),
        (written, 0) => format!("; {written} written"),
        (written, removed) => format!("; {written} written, {removed} removed"),
    });
    shell.status("Vendored", text);
    for git in locks.iter().flat_map(LockFile::misread) {
        shell.warn(format!(
            "Cargo will not find `{}` in the vendored directory: in a lock file before version 4 it misreads `+`, `%`, `&` and `#`; \
             `cargo generate-lockfile` writes version 4 where `rust-version` is not set, or 1.78 or later",
            git.plain_name()
        ));
    }
}

fn write_bills(context: &Context<'_>, verified: &VerifiedLocks, form: Form) -> Result<(), CliError> {
    if context.options.sbom.is_empty() {
        return Ok(());
    }
    let manifests = match form {
        Form::TarZst => Manifests::packed(context, &verified.plan, false)?,
        _ => Manifests::vendored(context.project),
    };
    let read = |source: &_, package: &_| manifests.read(source, package);
    sbom::files::write(&BomInputs { context, verified }, &context.options.sbom, &read)
}

/// Remembers that the lock files are up to date and that Cargo resolves them from this form, for the lock files and the
/// configuration as they are now: the run may have changed both.
fn note_freshness(
    context: &Context<'_>,
    evidence: &mut Evidence,
    before: Option<FreshnessInputs>,
    form: Form,
) {
    let now = FreshnessInputs::read(context.project, &context.options.config);
    if let (Some(before), Some(now)) = (before, now)
        && before.same_manifests(&now)
    {
        evidence.note_fresh(now.digest_in(form));
    }
}
