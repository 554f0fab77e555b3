//! `cargo nsadd`: adds crates of a namespace to a project, and rewrites manifests into Cargo's form.
//!
//! ```text
//! main    args ─► Options, Context (shell, settings, network) ─► run::run ─► Project, Session
//! modes   add       manifest, lock file and configuration changed under a snapshot, everything namespaced verified
//!         rewrite   namespace notation of every manifest turned into Cargo's, then the same
//!         register  the registry's entry alone;  sync  .cargo after the lock file;  replace  a [patch]
//! ```
//!
//! What the modes share: [`project`] is the workspace on disk; [`namespace_registry`] finds a namespace's index and the
//! registry's name; [`preflight`] reads the index files before Cargo does; [`cargo_run`] runs cargo, and [`cargo_output`]
//! shows what it prints; [`verify_lock`] verifies the lock file; [`files`] writes the two files in `.cargo`;
//! [`transaction`] restores every file unless the run succeeds. [`plan`] decides what an add does and touches nothing.
//! [`error`] turns every error into a message, hints and an exit code.

mod add;
mod args;
mod cargo_output;
mod cargo_run;
mod context;
mod error;
mod existing;
mod files;
mod namespace_registry;
mod newest;
mod options;
mod plan;
mod preflight;
mod project;
mod register;
mod replace;
mod report;
mod rewrite;
mod run;
mod session;
mod sources;
mod spec;
mod sync;
mod transaction;
mod verify_lock;
mod workspace;

use cargo_namespaces_cli::cli;

use args::Args;
use context::Context;

fn main() -> std::process::ExitCode {
    cli::main("nsadd", |shell, args: Args| {
        let common = args.common.clone();
        let options = args.options(shell)?;
        let context = Context::new(shell, common.working_directory()?, common.settings()?);
        run::run(&context, &options)
    })
}
