//! From flags to one of the modes.

use std::collections::BTreeSet;
use std::thread;

use cargo_namespaces::domain_view::DomainView;
use cargo_namespaces::lockfile::LockSource;
use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::shell::{CliError, ExitCode, Shell};
use cargo_namespaces_cli::verify::Sources as _;

use crate::args::Args;
use crate::net::{Means, Net};
use crate::project::Project;
use crate::spec::{self, Wanted};
use crate::{add, register, replace, rewrite, sync};

/// What every mode works with.
#[derive(Debug)]
pub struct Context<'a> {
    /// The terminal.
    pub shell: &'a Shell,
    /// The flags.
    pub args: &'a Args,
    /// The project as it was.
    pub project: &'a Project,
    /// The network.
    pub net: &'a Net<'a>,
}

/// Runs the command.
///
/// # Errors
/// What went wrong, with its exit code; then no file has changed.
pub fn run(shell: &Shell, args: Args) -> Result<ExitCode, CliError> {
    let args = &args.untangled();
    let wanted = args.crates.iter().map(|text| spec::parse(text)).collect::<Result<Vec<Wanted>, _>>()?;
    match (&args.register, args.global) {
        (Some(namespace), true) => return register::global(shell, args, namespace),
        (None, true) => return Err(CliError::usage("`--global` goes with `--register NAMESPACE`")),
        _ => {}
    }
    let project = &Project::load(args)?;
    // It lives as long as the process: the thread below must not hold up the end of a run that needs no answer any more.
    let means: &'static Means = Box::leak(Box::new(Means::new(&project.settings)));
    let net: &'static Net<'static> = Box::leak(Box::new(Net::new(means)));
    net.settle(project.locked(), project.locked());
    let context = Context { shell, args, project, net };
    let known = known_namespaces(&context, &wanted);
    if !known.is_empty() && !project.settings.offline() {
        // What changed at a domain since it was pinned is asked beside everything else.
        thread::spawn(move || net.domains(&known));
    }
    context.dispatch(&wanted)
}

impl Context<'_> {
    /// Asks domains what they say, with something to look at meanwhile.
    pub fn ask(&self, namespaces: &[Namespace]) -> Vec<DomainView> {
        let names: Vec<String> = namespaces.iter().map(Namespace::display_both).collect();
        let _spinner = self.shell.spinner("Asking", &names.join(", "));
        self.net.domains(namespaces)
    }

    fn dispatch(&self, wanted: &[Wanted]) -> Result<ExitCode, CliError> {
        let args = self.args;
        if let Some(namespace) = &args.register {
            register::project(self, namespace)?;
        } else if args.sync {
            sync::run(self)?;
        } else if let Some(replaced) = &args.replace {
            replace::run(self, replaced, wanted)?;
        } else if wanted.is_empty() && args.dependency.source_flag().is_none() {
            if args.dependency.says_something() || args.switch || args.rename.is_some() {
                return Err(CliError::usage("which crate is to be added was not said")
                    .hint("name it: `cargo nsadd NAMESPACE/CRATE`"));
            }
            rewrite::run(self)?;
        } else {
            add::run(self, wanted)?;
        }
        Ok(ExitCode::Ok)
    }
}

/// The pinned namespaces that the run will have to ask about: those of the lock file, and those on the command line.
fn known_namespaces(context: &Context<'_>, wanted: &[Wanted]) -> Vec<Namespace> {
    let trust = &context.project.trust;
    if context.args.register.is_some() {
        return Vec::new();
    }
    let locked = context.project.locked().iter().filter_map(|package| match &package.source {
        LockSource::Registry(index) => trust.namespace_of(index).cloned(),
        _ => None,
    });
    let named = wanted.iter().filter_map(|wanted| match wanted {
        Wanted::Qualified(spec) => Some(spec.name.namespace.clone()),
        Wanted::Plain(_) => None,
    });
    let all: BTreeSet<Namespace> = locked.chain(named).collect();
    all.into_iter().filter(|namespace| trust.pins(namespace).is_some()).collect()
}
