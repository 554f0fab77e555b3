//! `cargo nsvendor`: `cargo vendor` for graphs with namespaces, verified.
//!
//! ```text
//! args ─► options ─► run ─► pipeline:  resolve ─► verify ─► shape ─► sink
//! ```
//!
//! | step | |
//! |---|---|
//! | [`resolve`] | the lock files, and whether they are up to date with the manifests |
//! | [`verify`] | every namespaced release is verified and trusted; [`plan`] says what is vendored where |
//! | [`shape`] | what the filters leave of each package: all of it, some paths less, or a stub |
//! | [`sink`] | a directory, local registries, an archive; or `--check`, which compares and writes nothing |
//!
//! To read the code, begin with [`run`] and [`pipeline`], then [`plan`] (pure), [`sink`], and [`sink::directory`].

mod args;
mod cargo_cache;
mod cargo_run;
mod checksum_list;
mod compare;
mod content;
mod context;
mod crate_files;
mod errors;
mod evidence;
mod extract;
mod filter;
mod form;
mod git;
mod git_url;
mod index_lines;
mod odd_crates;
mod options;
mod output_file;
mod paths;
mod pipeline;
mod plan;
mod project;
mod resolve;
mod run;
mod sbom;
mod shape;
mod sink;
mod source_config;
mod stage;
mod suggest;
mod temporary;
mod text;
mod trust;
mod verify;
mod work;

use cargo_namespaces_cli::cli;

fn main() -> std::process::ExitCode {
    cli::main("nsvendor", |shell, args: args::Args| run::run(shell, &args.into_options(shell)?))
}
