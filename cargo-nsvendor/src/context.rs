//! What every step of a run is given: the terminal, the options, the project and the network.

use cargo_namespaces_cli::network::Network;
use cargo_namespaces_cli::registry_client::RegistryClient;
use cargo_namespaces_cli::shell::{CliError, Shell};

use crate::filter::Filters;
use crate::options::Options;
use crate::project::Project;

pub struct Context<'a> {
    /// Where messages go.
    pub shell: &'a Shell,
    pub options: &'a Options,
    pub project: &'a Project,
    /// The network of the process.
    pub network: &'a Network<'a>,
    /// Reads indexes and downloads .crates, through the same network.
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
        let registries = RegistryClient::new(&project.settings, network).telling(shell);
        let registries = if options.strict { registries } else { registries.accept_kept() };
        Self { shell, options, project, network, registries }
    }

    /// What is left out: the settings of the workspace's manifest, with the flags over them.
    ///
    /// # Errors
    /// A setting is not known, or the manifest cannot be read.
    pub fn filters(&self) -> Result<Filters, CliError> {
        Ok(self.options.filters.over(self.project.filters()?))
    }
}
