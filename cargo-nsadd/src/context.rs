//! What a run works with before it looks at a project: the shell, Cargo's settings, and the network.
//!
//! `main` makes one [`Context`] a process; everything that asks a server or a DNS resolver borrows the client and the
//! resolver of its [`Network`].

use std::path::PathBuf;
use std::sync::Arc;

use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::Shell;
use cargo_namespaces_net::client::HttpClient;
use cargo_namespaces_net::resolver::Resolver;

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
    pub network: Arc<Network>,
}

/// The HTTP client and the DNS resolver of the process.
#[derive(Debug)]
pub struct Network {
    pub client: HttpClient,
    pub resolver: Resolver,
}

impl<'a> Context<'a> {
    /// A context for these settings. The client and the resolver open no connection before the first question.
    pub fn new(shell: &'a Shell, directory: PathBuf, settings: Settings) -> Self {
        let mut cache_settings = settings.clone();
        cache_settings.http.offline = true;
        let network = Arc::new(Network {
            client: HttpClient::new(settings.http.clone()),
            resolver: settings.resolver(),
        });
        Self { shell, directory, settings, cache_settings, network }
    }
}
