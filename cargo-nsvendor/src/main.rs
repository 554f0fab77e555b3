//! `cargo nsvendor`: `cargo vendor` for graphs with namespaces, verified.
//!
//! Reading order: this page (flags), [`plan`] (what will be vendored, pure), [`run`] (look, verify, fill, move, print),
//! [`evidence`] (what need not be read again), [`fill`] (what is missing), [`extract`] (one .crate into one directory),
//! [`check`] (`--check`: compares, writes nothing).

mod ahead;
mod archives;
mod args;
mod cargo_dir;
mod cargo_run;
mod check;
mod checksums;
mod configure;
mod content;
mod evidence;
mod extract;
mod fill;
mod filter;
mod fits;
mod form;
mod git;
mod git_url;
mod odd;
mod ours;
mod plan;
mod project;
mod resolves;
mod run;
mod sbom;
mod share;
mod stage;
mod suggest;
mod trust;
mod verified;
mod work;

use std::path::PathBuf;

use cargo_namespaces_cli::cli::{self, CommonArgs, HasCommon};
use cargo_namespaces_cli::shell::CliError;

use form::Form;

const EXAMPLES: &str = "\
Examples:
  cargo nsvendor                              vendor into `vendor` and print the configuration for it
  cargo nsvendor third_party --write-config   vendor elsewhere and write `.cargo/config.toml`
  cargo nsvendor --platform '*-linux-gnu' --keep-dep-kinds no-dev
                                              leave out what only other platforms or tests need
  cargo nsvendor --exclude-crate-path '*#tests' --sbom spdx
                                              leave out all tests; write `vendor.spdx.json`
  cargo nsvendor --format local-registry      packed: .crate files and an index, for Cargo's `local-registry`
  cargo nsvendor --format tar.zst             one file, the same bytes every time
  cargo nsvendor --check                      verify the lock file and `vendor`; changes nothing
  cargo nsvendor --check --trust origin/main  the same for a pull request: trust what the base branch trusts

Every .crate is hashed against Cargo.lock, and every release of a namespace must be intact and signed by a key that \
`.cargo/namespaces.toml` trusts, before anything is written. The new directory replaces the old one in one step.";

/// Vendor all dependencies for a project, one directory for each registry, verified
#[derive(Debug, clap::Parser)]
#[command(version, after_help = EXAMPLES)]
struct Args {
    /// Where to vendor crates
    #[arg(default_value = "vendor", value_name = "DIR")]
    path: PathBuf,

    /// Verify the lock file, the signatures, and the vendored files against their archives; write nothing
    #[arg(long)]
    check: bool,

    /// Write the source replacement into `.cargo/config.toml` instead of printing it
    #[arg(long, conflicts_with = "check")]
    write_config: bool,

    /// Trust the keys of this file (`….toml`, `./…`), or of `.cargo/namespaces.toml` at this git revision, instead of the
    /// project's own
    #[arg(long, value_name = "FILE|REF")]
    trust: Option<String>,

    /// Refuse also what could not be asked or checked
    #[arg(long)]
    strict: bool,

    /// Compare every vendored file with its archive, whatever is known of it from earlier runs
    #[arg(long, conflicts_with = "check")]
    verify: bool,

    /// Don't delete older crates in the vendor directory
    #[arg(long, conflicts_with = "check")]
    no_delete: bool,

    /// Additional `Cargo.toml` to sync and vendor
    #[arg(short, long, value_name = "TOML")]
    sync: Vec<PathBuf>,

    /// Accepted as by `cargo vendor`: directories always carry the version
    #[arg(long, hide = true)]
    versioned_dirs: bool,

    /// Respect also `[source]` replacements by directories, other than DIR; mirrors are respected always
    #[arg(long)]
    respect_source_config: bool,

    #[command(flatten)]
    output: args::OutputArgs,

    #[command(flatten)]
    filters: args::FilterArgs,

    #[command(flatten)]
    common: CommonArgs,
}

impl HasCommon for Args {
    fn common(&self) -> &CommonArgs {
        &self.common
    }
}

fn main() -> std::process::ExitCode {
    cli::main("nsvendor", |shell, args: Args| {
        let options = run::Options {
            path: args.path,
            write_config: args.write_config,
            trust: args.trust,
            strict: args.strict,
            verify: args.verify,
            no_delete: args.no_delete,
            sync: args.sync,
            respect_source_config: args.respect_source_config,
            form: args.output.format,
            output: args.output.output,
            sbom: args.output.sbom,
            filters: args.filters.into(),
            common: args.common,
        };
        if options.output.is_some() && options.form != Some(Form::TarZst) {
            return Err(CliError::usage("`--output` names the file of `--format tar.zst`"));
        }
        match options.form {
            _ if args.check => check::run(shell, &options),
            Some(Form::LocalRegistry) => form::local_registry::run(shell, &options),
            Some(Form::TarZst) => form::archive::run(shell, &options),
            Some(Form::Directory) | None => run::run(shell, &options),
        }
    })
}
