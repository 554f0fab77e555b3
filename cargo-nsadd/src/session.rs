//! A run on a project: what every mode but `--register --global` works with.

use cargo_namespaces::domain_view::DomainView;
use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::shell::Shell;

use crate::options::Options;
use crate::project::Project;
use crate::sources::ProjectSources;

/// A run on a project.
#[derive(Debug)]
pub struct Session<'a> {
    pub shell: &'a Shell,
    /// What the command is asked to do.
    pub options: &'a Options,
    /// The project as it was when the run began.
    pub project: &'a Project<'a>,
    /// Indexes, .crates and domains, each asked once.
    pub sources: &'a ProjectSources<'a>,
}

impl Session<'_> {
    /// Asks the domains of `namespaces` what they publish, and shows a spinner meanwhile.
    pub fn ask_domains(&self, namespaces: &[Namespace]) -> Vec<DomainView> {
        let names: Vec<String> = namespaces.iter().map(Namespace::display_both).collect();
        let _spinner = self.shell.spinner("Asking", &names.join(", "));
        self.sources.domains.views(namespaces)
    }
}
