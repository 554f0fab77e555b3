//! `cargo nsadd`: adds crates of a namespace to a project, and writes manifests in Cargo's form.
//!
//! ```text
//! args ── spec ──► which crates, which mode
//!   add       manifest + config + lock changed under a snapshot, then everything namespaced verified, then kept
//!   rewrite   namespace notation of every manifest turned into Cargo's, then the same
//!   register  only the registry's entry;  sync  .cargo files after the lock;  replace  a [patch]
//! ```
//!
//! What the modes share: [`project`] is the workspace on disk, [`contact`] finds a namespace's index and registry
//! name, [`transaction`] puts every file back unless the end was good, [`settle`] brings the lock file up to date and has
//! it verified, [`files`] writes the two files in `.cargo`. [`plan`] decides and touches nothing.

mod add;
mod args;
mod cargo_add;
mod contact;
mod existing;
mod files;
mod net;
mod plan;
mod project;
mod register;
mod replace;
mod report;
mod rewrite;
mod run;
mod scout;
mod settle;
mod spec;
mod sync;
mod transaction;
mod workspace;

fn main() -> std::process::ExitCode {
    cargo_namespaces_cli::cli::main("nsadd", |shell, args: args::Args| run::run(shell, args))
}
