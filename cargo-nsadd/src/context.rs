//! What every mode works with.

use cargo_namespaces::name::Namespace;
use cargo_namespaces::shell::Shell;
use cargo_namespaces::verdict::DomainView;
use cargo_namespaces::verify::Sources as _;

use crate::args::Args;
use crate::project::Project;
use crate::sources::ProjectSources;

/// What every mode works with.
#[derive(Debug)]
pub struct Context<'a> {
    /// The terminal.
    pub shell: &'a Shell,
    /// The flags.
    pub args: &'a Args,
    /// The project as it was.
    pub project: &'a Project,
    /// The network.
    pub sources: &'a ProjectSources<'a>,
}

impl Context<'_> {
    /// Asks domains what they say, with something to look at meanwhile.
    pub fn ask(&self, namespaces: &[Namespace]) -> Vec<DomainView> {
        let names: Vec<String> = namespaces.iter().map(Namespace::display_both).collect();
        let _spinner = self.shell.spinner("Asking", &names.join(", "));
        self.sources.domains(namespaces)
    }
}
