//! The command line.

use std::path::PathBuf;

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{Namespace, QualifiedName};
use cargo_namespaces_cli::cli::{CommonArgs, HasCommon};
use clap::{Parser, Subcommand};

/// What the commands have in common and a registry has no use for: not shown, and refused.
const MEANINGLESS: [&str; 5] = ["manifest_path", "locked", "offline", "frozen", "config"];

/// Run a registry whose namespaces are domains
#[derive(Debug, Parser)]
#[command(
    version,
    mut_args(|arg| if MEANINGLESS.contains(&arg.get_id().as_str()) { arg.hide(true) } else { arg }),
    after_help = "Examples:\n  cargo nsregistry serve --dev                    to try things out on this machine\n  cargo nsregistry serve --url https://crates.example/ --data /var/lib/nsregistry\n  cargo nsregistry check-config --file registry.toml\n  cargo nsregistry audit --subject foobar-project.org"
)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    pub command: Command,

    /// The configuration file, TOML [env: CARGO_NSREGISTRY_CONFIG]
    #[arg(long, value_name = "PATH", global = true)]
    pub file: Option<PathBuf>,

    /// The directory of the key, the database and the objects [env: CARGO_NSREGISTRY_DATA] [default: nsregistry-data]
    #[arg(long, value_name = "DIR", global = true)]
    pub data: Option<PathBuf>,

    #[command(flatten)]
    common: CommonArgs,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the registry until it is told to stop
    Serve {
        /// The public URL, https; part of every crate's identity, and so for ever [env: CARGO_NSREGISTRY_URL]
        #[arg(long, value_name = "URL")]
        url: Option<String>,
        /// The address to listen on [env: CARGO_NSREGISTRY_LISTEN] [default: 127.0.0.1:7979]
        #[arg(long, value_name = "ADDRESS:PORT")]
        listen: Option<String>,
        /// A registry to try things out with, on this machine alone: its namespaces are names below `localhost`, it needs no domain,
        /// DNS, TLS or root, and shows the commands to publish, add and build [default of --data: nsregistry-dev]
        #[arg(long, conflicts_with = "url")]
        dev: bool,
    },
    /// Read the configuration and say what it means
    CheckConfig,
    /// Let nothing be published in a namespace: its domain was hacked, say
    Freeze {
        /// The namespace
        namespace: Namespace,
        /// Why; publishers are told
        #[arg(long, value_name = "TEXT", required_unless_present = "lift")]
        reason: Option<String>,
        /// Allow it again
        #[arg(long, conflicts_with = "reason")]
        lift: bool,
        /// Also one that nothing was published in yet
        #[arg(long, conflicts_with = "lift")]
        unknown: bool,
    },
    /// List the namespaces that are frozen, since when, and why
    Freezes,
    /// Make a key the only owner of a crate: the last resort when all its keys are lost. Asks first; `--yes` answers
    ResetOwner {
        /// The crate, as namespace/crate
        name: QualifiedName,
        /// The new owner
        #[arg(long, value_name = "KEY")]
        to: PublicKey,
        /// Why; it stays visible in the crate's history
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Show who did what
    Audit {
        /// Only what is about this namespace, crate or release
        #[arg(long, value_name = "NAME")]
        subject: Option<String>,
        /// The most entries
        #[arg(long, value_name = "N", default_value_t = 1000)]
        most: u32,
    },
}

impl HasCommon for Args {
    fn common(&self) -> &CommonArgs {
        &self.common
    }
}
