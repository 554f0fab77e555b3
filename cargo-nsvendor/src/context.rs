//! What every step of a run is given: the terminal, the options, the project and the network.

use cargo_namespaces_cli::registry_client::RegistryClient;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::{CliError, Shell};
use cargo_namespaces_cli::telling::Telling;
use cargo_namespaces_net::client::{HttpClient, Transport};
use cargo_namespaces_net::resolver::Resolver;

use crate::filter::Filters;
use crate::options::Options;
use crate::project::Project;

/// The only HTTP client and the only DNS resolver of the process.
pub struct Network<'a> {
    http: Telling<'a>,
    resolver: Resolver,
}

impl<'a> Network<'a> {
    /// Connects to nothing yet.
    pub fn new(shell: &'a Shell, settings: &Settings) -> Self {
        Self {
            http: Telling::new(HttpClient::new(settings.http.clone()), shell),
            resolver: settings.resolver(),
        }
    }
}

/// One run.
pub struct Context<'a> {
    /// Where messages go.
    pub shell: &'a Shell,
    pub options: &'a Options,
    pub project: &'a Project,
    /// The client for documents of domains.
    pub http: &'a dyn Transport,
    pub resolver: &'a Resolver,
    /// Reads indexes and downloads .crates, through the same HTTP client.
    pub registries: RegistryClient<'a>,
}

impl<'a> Context<'a> {
    /// Puts the parts together.
    ///
    /// Everything that is vendored is locked. So if an index does not answer, the copy of an earlier answer is enough; with
    /// `--strict` it must answer.
    pub fn new(
        shell: &'a Shell,
        options: &'a Options,
        project: &'a Project,
        network: &'a Network<'a>,
    ) -> Self {
        let registries = RegistryClient::new(&project.settings, &network.http).telling(shell);
        let registries = if options.strict { registries } else { registries.accept_kept() };
        Self { shell, options, project, http: &network.http, resolver: &network.resolver, registries }
    }

    /// What is left out: the settings of the workspace's manifest, with the flags over them.
    ///
    /// # Errors
    /// A setting is not known, or the manifest cannot be read.
    pub fn filters(&self) -> Result<Filters, CliError> {
        Ok(self.options.filters.over(self.project.filters()?))
    }
}
