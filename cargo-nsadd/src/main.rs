//! `cargo nsadd`: adds crates of a namespace to a project, and writes manifests in Cargo's form.
//!
//! ```text
//! args ── spec ──► which crates, which mode
//!   add       manifest + config + lock changed under a snapshot, then everything namespaced verified, then kept
//!   rewrite   namespace notation of every manifest turned into Cargo's, then the same
//!   register  only the registry's entry;  sync  .cargo files after the lock;  replace  a [patch]
//! ```
//!
//! What the modes share: [`project`] is the workspace on disk, [`namespace_registry`] finds a namespace's index and registry
//! name, [`transaction`] puts every file back unless the end was good, [`cargo_run`] has Cargo bring the lock file up to date,
//! [`verify_lock`] verifies it, [`files`] writes the two files in `.cargo`. [`plan`] decides and touches nothing.

mod add;
mod args;
mod cargo_output;
mod cargo_run;
mod context;
mod existing;
mod files;
mod namespace_registry;
mod plan;
mod preflight;
mod project;
mod register;
mod replace;
mod report;
mod rewrite;
mod run;
mod sources;
mod spec;
mod sync;
mod transaction;
mod verify_lock;
mod workspace;

fn main() -> std::process::ExitCode {
    cargo_namespaces::cli::main("nsadd", |shell, args: args::Args| run::run(shell, args))
}
