//! The command line: clap's types, which end here in [`Options`].

use std::path::PathBuf;

use cargo_namespaces_cli::cli::{CommonArgs, HasCommon};
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode, Shell};

use crate::filter::select::DepKinds;
use crate::filter::{ExcludedPath, FeatureChoice, FilterFlags, Tier};
use crate::form::Form;
use crate::options::Options;
use crate::sbom::SbomRequest;

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

Every .crate is hashed against Cargo.lock, and every release of a namespace must have a valid signature by a key \
that `.cargo/namespaces.toml` trusts, before anything is written. The new directory replaces the old one in one step.";

/// Vendor all dependencies for a project, one directory for each registry, verified
#[derive(Debug, clap::Parser)]
#[command(version, after_help = EXAMPLES)]
pub struct Args {
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
    output: OutputArgs,

    #[command(flatten)]
    filters: FilterArgs,

    #[command(flatten)]
    common: CommonArgs,
}

impl HasCommon for Args {
    fn common(&self) -> &CommonArgs {
        &self.common
    }
}

impl Args {
    /// The options that these arguments mean.
    ///
    /// # Errors
    /// Two flags contradict each other, or the working directory does not exist.
    pub fn into_options(self, shell: &Shell) -> Result<Options, CliError> {
        let Self { output, common, .. } = self;
        if output.output.is_some() && output.format != Some(Form::TarZst) {
            return Err(CliError::usage("`--output` names the file of `--format tar.zst`"));
        }
        let directory = std::path::absolute(common.working_directory()?)
            .context(ExitCode::Failure, "failed to find the current directory")?;
        Ok(Options {
            directory,
            offline: common.is_offline(),
            cargo_flags: common.cargo_flags(shell),
            manifest_path: common.manifest_path,
            config: common.config,
            path: self.path,
            check: self.check,
            write_config: self.write_config,
            trust: self.trust,
            strict: self.strict,
            verify: self.verify,
            no_delete: self.no_delete,
            sync: self.sync,
            respect_source_config: self.respect_source_config,
            form: output.format,
            output: output.output,
            sbom: output.sbom,
            filters: self.filters.into(),
        })
    }
}

/// What is left out of the graph. Each flag takes the place of the setting of its name in
/// `[workspace.metadata.namespaces.vendor]`.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Filter Options")]
struct FilterArgs {
    /// Vendor what is needed on this platform only; can be repeated, and hold `*`
    #[arg(long, value_name = "TRIPLE")]
    platform: Vec<String>,

    /// Vendor what is needed on platforms of Rust's tier 1, or of tiers 1 and 2
    #[arg(long, value_name = "1|2", value_parser = Tier::parse)]
    tier: Option<Tier>,

    /// Vendor what is needed with these features of the workspace, separated by commas; all features if none are chosen
    #[arg(short = 'F', long, value_name = "FEATURES")]
    features: Vec<String>,

    /// Vendor what is needed with all features
    #[arg(long)]
    all_features: bool,

    /// Vendor what is needed without the `default` feature
    #[arg(long)]
    no_default_features: bool,

    /// Vendor these kinds of dependencies: all, normal, build, dev, no-normal, no-build, no-dev
    #[arg(long, value_name = "KINDS", value_parser = DepKinds::parse)]
    keep_dep_kinds: Option<DepKinds>,

    /// Leave a path out of a crate (`curl-sys#curl`), or out of all (`*#tests`); can be repeated, and hold `*` and `**`
    #[arg(long, value_name = "CRATE#PATH", value_parser = ExcludedPath::parse)]
    exclude_crate_path: Vec<ExcludedPath>,
}

/// What is made beside it.
#[derive(Debug, Default, clap::Args)]
struct OutputArgs {
    /// What to make: `dir` (the default), `local-registry`, or `tar.zst`
    #[arg(long, value_name = "FORM", value_parser = Form::parse)]
    format: Option<Form>,

    /// The file of `--format tar.zst` [default: DIR.tar.zst]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write a bill of materials, as `cyclonedx` (1.6) or `spdx` (2.3), beside DIR or to FILE; can be repeated
    #[arg(long, value_name = "FORMAT[=FILE]", value_parser = SbomRequest::parse)]
    sbom: Vec<SbomRequest>,
}

impl From<FilterArgs> for FilterFlags {
    fn from(args: FilterArgs) -> Self {
        let words = |text: &String| -> Vec<String> {
            let split = text.split([',', ' ']).filter(|word| !word.is_empty());
            split.map(str::to_owned).collect()
        };
        let named = (!args.features.is_empty()).then(|| args.features.iter().flat_map(words).collect());
        Self {
            platforms: args.platform,
            tier: args.tier,
            features: FeatureChoice { named, no_default: args.no_default_features, all: args.all_features },
            kinds: args.keep_dep_kinds,
            exclude: args.exclude_crate_path,
        }
    }
}
