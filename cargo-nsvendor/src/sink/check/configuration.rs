//! Checking where Cargo's configuration leads each source: a build must use the directory that was checked.

use cargo_namespaces_cli::settings::Replacement;
use cargo_namespaces_cli::shell::{CliError, ExitCode, Shell};

use super::report::Tally;
use crate::paths::lexically_normal;
use crate::plan::Plan;
use crate::project::Project;

/// Where the packages are that were checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VendoredState {
    There,
    Missing,
    /// In an archive, which has a configuration of its own.
    InAFile,
}

/// Reports sources of the plan that the configuration leads elsewhere.
pub fn check(shell: &Shell, tally: &mut Tally<'_>, project: &Project, plan: &Plan, state: VendoredState) {
    if !project.settings.paths.is_empty() {
        let paths: Vec<String> =
            project.settings.paths.iter().map(|path| format!("`{}`", path.display())).collect();
        tally.unchecked(&format!(
            "the packages in {}, which `paths` in Cargo's configuration puts in the place of others of the same name",
            paths.join(", ")
        ));
    }
    let mut unused = Vec::new();
    for source in &plan.sources {
        let name = source.source.display();
        let replacement = project.of_builds.replacement_of_locked(&source.source.locked());
        let directory = match replacement.ok().flatten() {
            Some(Replacement::Directory(directory)) => lexically_normal(&directory),
            // A local registry elsewhere is a mirror: Cargo checks the hashes.
            Some(Replacement::LocalRegistry(directory))
                if lexically_normal(&directory).starts_with(&project.target) =>
            {
                lexically_normal(&directory)
            }
            _ => {
                unused.push(name);
                continue;
            }
        };
        let own = project.target.join(&source.dir);
        if directory != own {
            let message = format!(
                "Cargo's configuration replaces {name} with the directory `{}`, not with `{}/{}`",
                directory.display(),
                project.shown_target(),
                source.dir
            );
            let hint = "name the directory that is used, or set it with `cargo nsvendor --write-config`";
            tally.problem(&CliError::new(ExitCode::Refused, message).hint(hint));
        } else if state == VendoredState::Missing {
            let message = format!(
                "Cargo's configuration replaces {name} with the directory `{}`, which is missing",
                directory.display()
            );
            let hint = "`cargo nsvendor` creates it; or remove the `[source]` entries from the configuration";
            tally.problem(&CliError::new(ExitCode::Refused, message).hint(hint));
        }
    }
    if state == VendoredState::There && !unused.is_empty() {
        shell.note(format!(
            "Cargo's configuration does not replace {} with `{}`: a build here does not use it; `cargo nsvendor \
             --write-config` sets it",
            unused.join(", "),
            project.shown_target()
        ));
    }
}
