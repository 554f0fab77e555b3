//! Packages from git, carried as `cargo vendor` carries them: by `cargo vendor` itself.
//!
//! A package in a repository is not what a .crate would be: its manifest may inherit from the workspace around it, and
//! which files belong to it is for Cargo to say. Stock `cargo vendor` writes both, but only for a whole graph, and it
//! stops at a name and version from two registries. So it is given a graph of its own, one repository at one commit at
//! a time: a package that depends on the repository's packages, whose other dependencies are patched by empty ones.
//!
//! ```text
//! <temporary>/Cargo.toml            [dependencies] p0 = { git = …, rev = "<commit>", package = … }
//!                                   [patch.crates-io] s0 = { path = "stub/0", package = "memchr" }
//! <temporary>/Cargo.lock            the packages and the stubs: Cargo looks nothing up for what is locked to a patch
//! <temporary>/stub/0/Cargo.toml     name, version and the features that are asked for
//! <temporary>/.cargo/config.toml    every other source replaced by an empty directory: nothing is looked up
//! ```

mod graph;

use std::path::Path;

use cargo_metadata::Metadata;
use cargo_namespaces_cli::cargo::Cargo;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode, Shell};
use cargo_namespaces_net::fs::{FsError, create_dir_all, write_cache};
use tempfile::TempDir;

use crate::content::reshape;
use crate::fill::refuse_package;
use crate::git_url::GitUrl;
use crate::plan::{Plan, SourceDir};
use crate::project::Project;
use graph::Graph;

/// Has cargo vendor the repositories of the plan that `wanted` accepts, each into its directory below `tree`.
///
/// # Errors
/// As [`vendor`]; or the project's graph cannot be read.
pub fn vendor_all(
    shell: &Shell,
    project: &Project,
    plan: &Plan,
    tree: &Path,
    wanted: &dyn Fn(&SourceDir) -> bool,
) -> Result<(), CliError> {
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
                .map_err(|error| refuse_package(source, package, error))?;
        }
    }
    Ok(())
}

/// Has cargo vendor all repositories of the plan into a temporary directory.
///
/// # Errors
/// As [`vendor_all`].
pub fn fresh(shell: &Shell, project: &Project, plan: &Plan) -> Result<TempDir, CliError> {
    let fresh = tempfile::Builder::new()
        .prefix("cargo-nsvendor-")
        .tempdir()
        .context(ExitCode::Failure, "failed to create a temporary directory")?;
    vendor_all(shell, project, plan, fresh.path(), &|_| true)?;
    Ok(fresh)
}

/// Vendors the packages of one repository at one commit, which cargo has fetched, into the new directory `into`.
///
/// # Errors
/// Cargo fails, or does not give what the lock file names.
fn vendor(
    settings: &Settings,
    metadata: &Metadata,
    source: &SourceDir,
    url: &GitUrl,
    into: &Path,
) -> Result<(), CliError> {
    let graph = Graph::new(metadata, url, &source.packages);
    let project = tempfile::Builder::new().prefix("cargo-nsvendor-").tempdir().map_err(|source| FsError {
        action: "create a directory in",
        path: std::env::temp_dir(),
        source,
    })?;
    write(&graph, settings, project.path())?;
    create_dir_all(into)?;
    let cargo = Cargo::new(project.path());
    let mut args: Vec<std::ffi::OsString> =
        ["vendor", "--quiet", "--offline", "--versioned-dirs", "--respect-source-config"]
            .map(Into::into)
            .into();
    args.push(into.into());
    cargo
        .capture(&args)
        .map_err(|error| CliError::from(error).within(format!("failed to vendor the packages of `{url}`")))?;
    for package in &source.packages {
        if !into.join(package.dir()).is_dir() {
            let message = format!("`{url}` has no package `{}` {}", package.name, package.version);
            return Err(CliError::new(ExitCode::InvalidInput, message)
                .hint("the lock file and the repository disagree: `cargo update` for that package"));
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
