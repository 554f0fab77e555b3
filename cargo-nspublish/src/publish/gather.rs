//! Reads the workspace: which members, of which namespace, in which order.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, Package};
use cargo_namespaces::manifest::{Dependency, ManifestInfo};
use cargo_namespaces::name::{CrateName, IndexUrl, Namespace, QualifiedName};
use cargo_namespaces_cli::cargo::{Cargo, CargoError};
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs;

use super::args::PublishArgs;
use super::target;
use crate::plan::{Member, Plan, PlanError, Target, assign_sites, order};
use crate::registry::check_is_static;
use crate::session::Session;

/// The plan of publishing into sites.
///
/// # Errors
/// The workspace cannot be read, nothing in it can be published, or the sites do not fit.
pub fn plan(session: &Session<'_>, args: &PublishArgs, selected: Selected) -> Result<Plan, CliError> {
    let Selected { members, registries } = selected;
    let targets = targets(session, args, &members, &registries)?;
    let members = order(members).map_err(|error| plan_error(&error, targets.values().next()))?;
    Ok(Plan { members, targets })
}

/// What the flags select.
pub struct Selected {
    /// The packages that have a namespace.
    pub members: Vec<Member>,
    /// The registry's name, where a manifest gives one.
    pub registries: BTreeMap<Namespace, String>,
}

/// The packages that this command line selects.
///
/// # Errors
/// The workspace cannot be read, or nothing in it can be published.
pub fn members(session: &Session<'_>, args: &PublishArgs) -> Result<Selected, CliError> {
    let metadata = metadata(session)?;
    let selected = select(&metadata, args)?;
    let names: BTreeSet<CrateName> =
        selected.iter().filter_map(|package| CrateName::parse(&package.name).ok()).collect();
    let shared = workspace_dependencies(&metadata)?;
    let mut members = Vec::new();
    let mut registries = BTreeMap::new();
    for package in selected {
        let info = manifest(package.manifest_path.as_std_path())?;
        let namespace = info.package.as_ref().and_then(|package| package.namespace.clone());
        let Some(namespace) = namespace else {
            if args.workspace {
                session.shell.verbose("Skipping", format!("{} (it has no namespace)", package.name));
                continue;
            }
            return Err(no_namespace(package));
        };
        session.check(&namespace)?;
        warn_of_no_registry(session, &info, &shared);
        if let Some(registry) = info.package.and_then(|package| package.registry) {
            registries.insert(namespace.clone(), registry);
        }
        members.push(member(package, namespace, &names)?);
    }
    if members.is_empty() {
        return Err(CliError::new(ExitCode::InvalidInput, "no package of this workspace has a namespace")
            .hint(
                "add `[package.metadata.namespaces]` with `namespace = \"your.domain\"` to its Cargo.toml",
            ));
    }
    Ok(Selected { members, registries })
}

/// What members may inherit.
fn workspace_dependencies(metadata: &Metadata) -> Result<Vec<Dependency>, CliError> {
    let root = manifest(metadata.workspace_root.join("Cargo.toml").as_std_path())?;
    Ok(root.dependencies.into_iter().filter(|dependency| dependency.table.workspace).collect())
}

fn manifest(path: &Path) -> Result<ManifestInfo, CliError> {
    let text = fs::read_to_string(path).exit_with(ExitCode::Failure)?;
    ManifestInfo::parse(&text)
        .exit_with(ExitCode::InvalidInput)
        .map_err(|error| error.within(format!("failed to read `{}`", path.display())))
}

/// A dependency that names no registry means crates.io by habit only; that is deprecated, unless the package says so
/// once for all with `default-registry`.
fn warn_of_no_registry(session: &Session<'_>, info: &ManifestInfo, shared: &[Dependency]) {
    let Some(package) = info.package.as_ref().filter(|package| package.default_registry.is_none()) else {
        return;
    };
    let bare = without_registry(info, shared);
    if !bare.is_empty() {
        session.shell.warn(format!(
            "these dependencies of `{}` name no registry, which is deprecated: {}\n  add `default-registry = \"crates.io\"` \
             below `[package.metadata.namespaces]`, or a `registry` to each",
            package.name,
            bare.join(", ")
        ));
    }
}

/// The dependencies of the form `name = "version"`, in the package itself or where it inherits them from.
fn without_registry<'i>(info: &'i ManifestInfo, shared: &[Dependency]) -> Vec<&'i str> {
    let is_bare = |dependency: &Dependency| {
        let elsewhere = [&dependency.registry, &dependency.registry_index, &dependency.path, &dependency.git];
        elsewhere.iter().all(|place| place.is_none())
    };
    let own = info.dependencies.iter().filter(|dependency| !dependency.table.workspace);
    let bare = own.filter(|dependency| match dependency.workspace {
        true => shared.iter().any(|inherited| inherited.key == dependency.key && is_bare(inherited)),
        false => is_bare(dependency),
    });
    let mut names: Vec<&str> = bare.map(|dependency| dependency.key.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn metadata(session: &Session<'_>) -> Result<Metadata, CliError> {
    let cargo = Cargo::new(&session.directory);
    let mut flags: Vec<OsString> = vec!["--no-deps".into()];
    flags.extend(session.common.config.iter().flat_map(|config| ["--config".into(), config.into()]));
    let manifest_path = session.common.manifest_path.as_deref();
    cargo.metadata(manifest_path, flags).map_err(|error| match error {
        CargoError::Failed { .. } => CliError::from(error).hint(
            "a manifest in namespace notation (`name = \"your.domain/crate\"`, `\"serde.rs/serde-abc\" = \"1\"`) \
             must be rewritten first: `cargo nsadd`",
        ),
        error => error.into(),
    })
}

/// The members that the flags name; as Cargo, those of the directory without any.
fn select<'m>(metadata: &'m Metadata, args: &PublishArgs) -> Result<Vec<&'m Package>, CliError> {
    let members = metadata.workspace_packages();
    let known = |name: &String| members.iter().any(|package| *package.name == **name);
    if let Some(unknown) = args.package.iter().chain(&args.exclude).find(|name| !known(name)) {
        let names: Vec<&str> = members.iter().map(|package| package.name.as_str()).collect();
        return Err(CliError::usage(format!("package `{unknown}` is not a member of this workspace"))
            .hint(format!("its members: {}", names.join(", "))));
    }
    let publishable = |package: &&Package| package.publish.as_ref().is_none_or(|to| !to.is_empty());
    let selected: Vec<&Package> = if args.workspace {
        members
            .into_iter()
            .filter(|package| !args.exclude.iter().any(|name| **name == *package.name))
            .filter(publishable)
            .collect()
    } else if !args.package.is_empty() {
        members
            .into_iter()
            .filter(|package| args.package.iter().any(|name| **name == *package.name))
            .collect()
    } else {
        match metadata.root_package() {
            Some(root) => vec![root],
            None => metadata.workspace_default_packages().into_iter().filter(publishable).collect(),
        }
    };
    match selected.iter().find(|package| !publishable(package)) {
        Some(package) => Err(CliError::new(
            ExitCode::InvalidInput,
            format!("package `{}` says `publish = false`", package.name),
        )
        .hint("remove that line from its Cargo.toml if it is to be published")),
        None => Ok(selected),
    }
}

fn no_namespace(package: &Package) -> CliError {
    CliError::new(ExitCode::InvalidInput, format!("package `{}` has no namespace", package.name)).hint(
        format!(
            "add to `{}`:\n\n    [package.metadata.namespaces]\n    namespace = \"your.domain\"",
            package.manifest_path
        ),
    )
}

fn member(
    package: &Package,
    namespace: Namespace,
    selected: &BTreeSet<CrateName>,
) -> Result<Member, CliError> {
    let krate = CrateName::parse(&package.name).exit_with(ExitCode::InvalidInput)?;
    let after = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.path.is_some())
        // Cargo leaves a dev-dependency without a version out of the package.
        .filter(|dependency| {
            dependency.kind != DependencyKind::Development || dependency.req != semver::VersionReq::STAR
        })
        .filter_map(|dependency| CrateName::parse(&dependency.name).ok())
        .filter(|name| selected.contains(name))
        .collect();
    Ok(Member {
        name: QualifiedName { namespace, krate },
        version: package.version.clone(),
        after,
        manifest_path: package.manifest_path.clone().into(),
    })
}

fn targets(
    session: &Session<'_>,
    args: &PublishArgs,
    members: &[Member],
    registries: &BTreeMap<Namespace, String>,
) -> Result<BTreeMap<Namespace, Target>, CliError> {
    let mut located = BTreeMap::new();
    for member in members {
        let namespace = &member.name.namespace;
        if !located.contains_key(namespace) {
            let found = target::resolve_index(session, namespace, registries.get(namespace))?;
            located.insert(namespace.clone(), found);
        }
    }
    let indexes: BTreeMap<Namespace, IndexUrl> =
        located.iter().map(|(namespace, found)| (namespace.clone(), found.index.clone())).collect();
    let dirs = assign_sites(&indexes, &args.site).map_err(|error| {
        let flags: Vec<String> = indexes.keys().map(|n| format!("--site {n}=DIR")).collect();
        CliError::from_error(ExitCode::Usage, &error)
            .hint(format!("give each namespace its own directory: {}", flags.join(" ")))
    })?;
    for (namespace, dir) in &dirs {
        check_is_static(session, namespace, &located[namespace], &session.path(dir))?;
    }
    Ok(indexes
        .into_iter()
        .zip(dirs.into_values())
        .map(|((namespace, index), dir)| {
            let registry = target::registry_name(session, &namespace, &index);
            (namespace, Target { index, registry, dir })
        })
        .collect())
}

/// What is wrong with the order, and how it is put right.
pub fn plan_error(error: &PlanError, target: Option<&Target>) -> CliError {
    let registry = target.map_or_else(|| "NAME".to_owned(), |target| target.registry.to_string());
    CliError::from_error(ExitCode::InvalidInput, error).hint(format!(
        "break the circle: a dev-dependency by path alone, without `version` and `registry = \"{registry}\"`, \
         is left out of the package"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_version_alone_is_without_a_registry() {
        let info = ManifestInfo::parse(
            "[package]\nname = \"a\"\nversion = \"1.0.0\"\n[dependencies]\nitoa = \"1\"\nb = { path = \"../b\", version = \"1\" }\n\
             c = { registry = \"x\", version = \"1\" }\nd.workspace = true\n[dev-dependencies]\nitoa = \"1\"\nryu = { version = \"1\" }\n",
        )
        .unwrap();
        assert_eq!(without_registry(&info, &[]), ["itoa", "ryu"]);
    }
}
