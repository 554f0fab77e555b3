//! Packages from git, vendored by `cargo vendor` itself.
//!
//! A package in a repository differs from its .crate: its manifest may inherit from a workspace, and only Cargo knows which files
//! belong to it. `cargo vendor` writes both as they should be, but only for a whole graph, and it stops if two registries have the
//! same name and version. So it is given a graph for each repository and commit: a package that depends on the packages of the
//! repository, with all other dependencies patched by stubs.
//!
//! ```text
//! <temporary>/Cargo.toml            [dependencies] p0 = { git = …, rev = "<commit>", package = … }
//!                                   [patch.crates-io] s0 = { path = "stub/0", package = "memchr" }
//! <temporary>/Cargo.lock            the packages and the stubs: Cargo reads no source for what is locked to a patch
//! <temporary>/stub/0/Cargo.toml     name, version and the features that are asked for
//! <temporary>/.cargo/config.toml    every other source replaced by an empty directory
//! ```

mod graph;

use std::path::Path;

use cargo_metadata::Metadata;
use cargo_namespaces_cli::cargo::{Cargo, CargoError};
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_net::fs::{FsError, create_dir_all, write_cache};
use tempfile::TempDir;

use crate::content::{RefusedPackage, reshape};
use crate::context::Context;
use crate::git_url::GitUrl;
use crate::plan::{Plan, SourceDir};
use crate::temporary;
use graph::Graph;

/// Why the packages of a repository were not vendored.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The project's graph cannot be read.
    #[error(transparent)]
    Graph(#[from] CargoError),
    #[error("failed to vendor the packages of `{url}`")]
    Vendor {
        url: Box<GitUrl>,
        #[source]
        source: CargoError,
    },
    /// The lock file and the repository disagree.
    #[error("`{url}` has no package {package}")]
    NoPackage { url: Box<GitUrl>, package: String },
    #[error(transparent)]
    Package(#[from] RefusedPackage),
    #[error(transparent)]
    File(#[from] FsError),
}

/// Has Cargo vendor the repositories of the plan that `wanted` accepts, each into its directory below `tree`.
///
/// # Errors
/// As [`vendor`]; or the project's graph cannot be read.
pub fn vendor_all(
    context: &Context<'_>,
    plan: &Plan,
    tree: &Path,
    wanted: &dyn Fn(&SourceDir) -> bool,
) -> Result<(), GitError> {
    let Context { shell, project, .. } = context;
    let sources: Vec<_> = plan.git().filter(|(source, _)| wanted(source)).collect();
    if sources.is_empty() {
        return Ok(());
    }
    let mut graphs = Vec::new();
    for manifest in &project.manifests {
        graphs.push(project.cargo.metadata(manifest)?);
    }
    for (source, url) in sources {
        shell.verbose("Vendoring", format!("{} ({url})", source.dir));
        let has_it = |graph: &&Metadata| {
            let first = &source.packages[0];
            graph
                .packages
                .iter()
                .any(|package| package.name.as_str() == first.name && package.version == first.version)
        };
        let graph = graphs.iter().find(has_it).or(graphs.first()).expect("a project has a manifest");
        vendor(&project.settings, graph, source, url, &tree.join(&source.dir))?;
        for package in &source.packages {
            reshape(&tree.join(source.path_of(package)), package)
                .map_err(|error| RefusedPackage::new(source, package, error))?;
        }
    }
    Ok(())
}

/// Has Cargo vendor all repositories of the plan into a temporary directory.
pub fn vendor_to_temporary(context: &Context<'_>, plan: &Plan) -> Result<TempDir, GitError> {
    let made = temporary::directory()?;
    vendor_all(context, plan, made.path(), &|_| true)?;
    Ok(made)
}

/// Vendors the packages of one repository at one commit into the new directory `into`. Cargo must have fetched it.
///
/// # Errors
/// Cargo fails, or a package is missing.
fn vendor(
    settings: &Settings,
    metadata: &Metadata,
    source: &SourceDir,
    url: &GitUrl,
    into: &Path,
) -> Result<(), GitError> {
    let graph = Graph::new(metadata, url, &source.packages);
    let project = temporary::directory()?;
    write(&graph, settings, project.path())?;
    create_dir_all(into)?;
    let cargo = Cargo::new(project.path());
    let mut args: Vec<std::ffi::OsString> =
        ["vendor", "--quiet", "--offline", "--versioned-dirs", "--respect-source-config"]
            .map(Into::into)
            .into();
    args.push(into.into());
    cargo.capture(&args).map_err(|source| GitError::Vendor { url: Box::new(url.clone()), source })?;
    for package in &source.packages {
        if !into.join(package.dir()).is_dir() {
            let package = format!("`{}` {}", package.name, package.version);
            return Err(GitError::NoPackage { url: Box::new(url.clone()), package });
        }
    }
    Ok(())
}

fn write(graph: &Graph<'_>, settings: &Settings, project: &Path) -> Result<(), FsError> {
    write_cache(&project.join("Cargo.toml"), graph.manifest().as_bytes())?;
    write_cache(&project.join("Cargo.lock"), graph.lock().as_bytes())?;
    write_cache(&project.join("src/lib.rs"), b"")?;
    write_cache(&project.join(".cargo/config.toml"), graph.config(settings).as_bytes())?;
    create_dir_all(&project.join(graph::NOTHING))?;
    for (number, stub) in graph.stubs.iter().enumerate() {
        let directory = project.join(graph::stub_path(number));
        write_cache(&directory.join("Cargo.toml"), stub.manifest().as_bytes())?;
        write_cache(&directory.join("src/lib.rs"), b"")?;
    }
    Ok(())
}
