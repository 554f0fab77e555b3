//! Where Cargo's configuration leads each source: a gate that looks at another directory than the build does is none.

use std::path::Path;

use cargo_namespaces::name::IndexUrl;
use cargo_namespaces::settings::{Replacement, Settings, Source as SourceEntry};
use cargo_namespaces::shell::{CliError, ExitCode, Shell};

use super::report::Tally;
use crate::git_url::GitUrl;
use crate::plan::{Plan, Source, SourceDir};
use crate::project::{Project, plain};

/// Where what is checked stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    /// In the vendored directory.
    There,
    /// There is no vendored directory.
    Missing,
    /// In an archive, which brings a configuration of its own.
    InAFile,
}

/// Looks where each source of the plan is led.
pub fn check(shell: &Shell, tally: &mut Tally<'_>, project: &Project, plan: &Plan, stands: Stands) {
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
        let directory = match leads_to(project, plan, source) {
            Some(Replacement::Directory(directory)) => plain(&directory),
            // One elsewhere is a mirror: Cargo hashes what it takes from it.
            Some(Replacement::LocalRegistry(directory)) if plain(&directory).starts_with(&project.target) => {
                plain(&directory)
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
        } else if stands == Stands::Missing {
            let message = format!(
                "Cargo's configuration replaces {name} with the directory `{}`, which is missing",
                directory.display()
            );
            let hint = "`cargo nsvendor` makes it; or take the `[source]` entries out of the configuration";
            tally.problem(&CliError::new(ExitCode::Refused, message).hint(hint));
        }
    }
    if stands == Stands::There && !unused.is_empty() {
        shell.note(format!(
            "Cargo's configuration does not lead {} to `{}`: a build here does not use it; `cargo nsvendor --write-config` sets it",
            unused.join(", "),
            project.shown_target()
        ));
    }
}

/// What a source is replaced with.
fn leads_to(project: &Project, plan: &Plan, source: &SourceDir) -> Option<Replacement> {
    let settings = &project.of_builds;
    match &source.source {
        Source::CratesIo => settings.crates_io_replacement().ok()?,
        Source::Namespace { index, .. } => settings.replacement_of(index).ok(),
        Source::Registry(url) => match IndexUrl::parse(url) {
            Ok(index) => settings.replacement_of(&index).ok(),
            Err(_) => {
                let plain = url.strip_prefix("registry+").unwrap_or(url);
                replaced(settings, url, |entry| entry.registry.as_deref() == Some(plain))
            }
        },
        Source::Git(url) => replacement_of_git(project, plan, source, url),
    }
}

/// A repository has an entry for each branch, tag or commit that is asked for. The one that has the source's name leads to the
/// source's own directory; what others are about is not looked at, but they lead to directories of that repository.
fn replacement_of_git(
    project: &Project,
    plan: &Plan,
    source: &SourceDir,
    url: &GitUrl,
) -> Option<Replacement> {
    let settings = &project.of_builds;
    let about = |entry: &SourceEntry| entry.git.as_deref().is_some_and(|git| same_repository(git, &url.url));
    let of_repository = |directory: &Path| {
        let mut all = plan.git().filter(|(_, other)| same_repository(&other.url, &url.url));
        all.any(|(other, _)| project.target.join(&other.dir) == directory)
    };
    let (mut own, mut other) = (None, None);
    for (key, _) in settings.sources.iter().filter(|(_, entry)| about(entry)) {
        let Some(replacement) = settings.replacement_of_source(key).ok().flatten() else { continue };
        let good = match &replacement {
            Replacement::Directory(directory) => of_repository(&plain(directory)),
            _ => true,
        };
        if !good {
            return Some(replacement);
        }
        if key == url.source_name() {
            own = Some(replacement);
        } else {
            other = Some(Replacement::Directory(project.target.join(&source.dir)));
        }
    }
    own.or(other)
}

/// What replaces a source that is called `name`, or whose entry `is_it` knows, whatever its name.
fn replaced(settings: &Settings, name: &str, is_it: impl Fn(&SourceEntry) -> bool) -> Option<Replacement> {
    let found = settings.sources.iter().filter(|(key, entry)| *key == name || is_it(entry));
    found.filter_map(|(key, _)| settings.replacement_of_source(key).ok().flatten()).next()
}

/// As Cargo compares repositories, and a little more generously.
fn same_repository(one: &str, other: &str) -> bool {
    let plain = |url: &str| url.trim_end_matches('/').trim_end_matches(".git").to_ascii_lowercase();
    plain(one) == plain(other)
}
