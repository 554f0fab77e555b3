//! What a run works with before it looks at a project: the shell, Cargo's settings, and the network.
//!
//! `main` makes one [`Context`] a process; everything that asks a server or a DNS resolver borrows its [`Network`].

use std::path::PathBuf;
use std::sync::Arc;

use cargo_namespaces_cli::network::Network;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::Shell;

/// What a run works with.
#[derive(Debug)]
pub struct Context<'a> {
    pub shell: &'a Shell,
    /// Where the command runs.
    pub directory: PathBuf,
    /// Cargo's configuration and the environment, with the flags over them.
    pub settings: Settings,
    /// The same settings, offline: with these, only caches are read.
    pub cache_settings: Settings,
    /// Shared, because a look-up that nobody waits for any more may outlive the run.
    pub network: Arc<Network<'static>>,
}

impl<'a> Context<'a> {
    /// A context for these settings. The network opens no connection before the first question.
    pub fn new(shell: &'a Shell, directory: PathBuf, settings: Settings) -> Self {
        let mut cache_settings = settings.clone();
        cache_settings.http.offline = true;
        let network = Arc::new(Network::new(&settings));
        Self { shell, directory, settings, cache_settings, network }
    }
}
