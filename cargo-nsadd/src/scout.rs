//! Going ahead of Cargo: the index files that it will ask for are asked for first, with limits.
//!
//! Cargo bounds neither how long nor how much an index may answer: a host that never stops would hold it up for ever and
//! fill the memory. So the crates to add are followed through their newest releases, as a resolver would, and a host
//! that cannot be asked is told before Cargo runs. What is read here is kept for the verification, so nothing is asked
//! twice.

use std::collections::BTreeSet;

use cargo_namespaces::index::{DependencyKind, IndexLine};
use cargo_namespaces::name::{CRATES_IO_INDEX, CrateName, IndexUrl};
use cargo_namespaces_cli::registry_client::RegistryError;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::client::TransportErrorKind;
use semver::VersionReq;

use crate::net::Net;

/// More index files than this are not read ahead; what is left is Cargo's affair.
const MAX_FILES: usize = 2000;

/// One crate that Cargo will ask for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// Its registry.
    pub index: IndexUrl,
    /// The crate.
    pub krate: CrateName,
    /// The requirement, as written.
    pub req: Option<String>,
    /// Whether a feature must ask for it first.
    pub optional: bool,
}

/// Follows `steps` through the indexes, all of one distance at once.
///
/// # Errors
/// A host does not answer, or does not stop. What an index lacks is for Cargo to say.
pub fn scout(net: &Net<'_>, mut steps: Vec<Step>) -> Result<(), CliError> {
    let mut seen: BTreeSet<Step> = BTreeSet::new();
    let mut configured: BTreeSet<IndexUrl> = BTreeSet::new();
    while !steps.is_empty() && seen.len() < MAX_FILES {
        steps.retain(|step| seen.insert(step.clone()));
        for step in &steps {
            // Cargo reads it before anything else of an index.
            if configured.insert(step.index.clone())
                && let Err(error) = net.config(&step.index)
                && stops_here(step, &error)
            {
                return Err(CliError::from(error).within(format!("failed to look up `{}`", step.krate)));
            }
        }
        let questions: Vec<_> = steps.iter().map(|step| (step.index.clone(), step.krate.clone())).collect();
        let mut next = Vec::new();
        for (step, lines) in steps.iter().zip(net.lines_ahead(&questions)) {
            match lines {
                Ok(lines) => next.extend(onward(step, &lines)),
                Err(error) if stops_here(step, &error) => {
                    return Err(CliError::from(error)
                        .within(format!("failed to look up the dependency `{}`", step.krate)));
                }
                Err(_) => {}
            }
        }
        cargo_namespaces_net::interrupt::check()?;
        steps = next;
    }
    Ok(())
}

/// Whether Cargo must not go where this error came from. An optional dependency may never be asked for: there only a
/// host counts that would hold Cargo up.
fn stops_here(step: &Step, error: &RegistryError) -> bool {
    let error = match error {
        RegistryError::Shared(shared) => return stops_here(step, shared),
        RegistryError::Transport(error) => error,
        _ => return false,
    };
    match error.kind {
        TransportErrorKind::TooLarge | TransportErrorKind::Timeout | TransportErrorKind::Interrupted => true,
        TransportErrorKind::Offline => false,
        _ => !step.optional,
    }
}

/// The dependencies of the newest release that fits, in registries that may be a namespace's.
fn onward(step: &Step, lines: &[IndexLine]) -> Vec<Step> {
    let req = step.req.as_deref().and_then(|req| VersionReq::parse(req).ok());
    let fits = |line: &&IndexLine| !line.yanked && req.as_ref().is_none_or(|req| req.matches(&line.vers));
    let newest = lines.iter().filter(fits).max_by_key(|line| (line.vers.pre.is_empty(), &line.vers));
    let dependencies = newest.into_iter().flat_map(|line| &line.deps);
    let followed = dependencies.filter(|dependency| dependency.kind != DependencyKind::Dev);
    followed
        .filter_map(|dependency| {
            let index = match dependency.registry.as_deref() {
                None => step.index.clone(),
                Some(CRATES_IO_INDEX) => return None,
                Some(url) => IndexUrl::parse(url).ok()?,
            };
            let krate = CrateName::parse(dependency.package.as_deref().unwrap_or(&dependency.name)).ok()?;
            let optional = dependency.optional || step.optional;
            Some(Step { index, krate, req: Some(dependency.req.clone()), optional })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(version: &str, deps: &[serde_json::Value]) -> IndexLine {
        let zeros = "0".repeat(64);
        let line = serde_json::json!({
            "name": "a", "vers": version, "deps": deps, "cksum": zeros, "features": {}, "yanked": false,
        });
        serde_json::from_value(line).unwrap()
    }

    fn dependency(name: &str, registry: Option<&str>, kind: &str) -> serde_json::Value {
        serde_json::json!({
            "name": name, "req": "^1", "features": [], "optional": false, "default_features": true, "target": null,
            "kind": kind, "registry": registry,
        })
    }

    #[test]
    fn the_newest_release_is_followed_into_namespaces_only() {
        let index = IndexUrl::parse("sparse+https://a.example/i/").unwrap();
        let step = Step {
            index,
            krate: CrateName::parse("a").unwrap(),
            req: Some("^1".to_owned()),
            optional: false,
        };
        let lines = [
            line("1.0.0", &[dependency("old", None, "normal")]),
            line(
                "1.1.0",
                &[
                    dependency("own", None, "normal"),
                    dependency("io", Some(CRATES_IO_INDEX), "normal"),
                    dependency("dev", None, "dev"),
                    dependency("other", Some("sparse+https://b.example/i/"), "build"),
                ],
            ),
            line("2.0.0", &[]),
        ];
        let found: Vec<String> = onward(&step, &lines)
            .iter()
            .map(|step| format!("{} {}", step.krate, step.index.host()))
            .collect();
        assert_eq!(found, ["own a.example", "other b.example"]);
    }
}
