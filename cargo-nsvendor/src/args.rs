//! The flags that say what is left out, and what is made beside the vendored directory.

use std::path::PathBuf;

use crate::filter::select::DepKinds;
use crate::filter::{ExcludedPath, FeatureChoice, FilterFlags, Tier};
use crate::form::Form;
use crate::sbom;

/// What is left out of the graph. Each flag takes the place of the setting of its name in
/// `[workspace.metadata.namespaces.vendor]`.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Filter Options")]
pub struct FilterArgs {
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
pub struct OutputArgs {
    /// What to make: `dir` (the default), `local-registry`, or `tar.zst`
    #[arg(long, value_name = "FORM", value_parser = Form::parse)]
    pub format: Option<Form>,

    /// The file of `--format tar.zst` [default: DIR.tar.zst]
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Write a bill of materials, as `cyclonedx` (1.6) or `spdx` (2.3), beside DIR or to FILE; can be repeated
    #[arg(long, value_name = "FORMAT[=FILE]", value_parser = sbom::SbomRequest::parse)]
    pub sbom: Vec<sbom::SbomRequest>,
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
