//! Namespace notation rewritten into what stock Cargo takes.
//!
//! | before | after |
//! |---|---|
//! | `"serde.rs/serde-abc" = "1"` | `serde-abc = { version = "1", registry = "serde_rs" }` |
//! | `"serde-abc@serde.rs" = "1"` | the same: either form may stand wherever the other may |
//! | `"serde-abc@crates.io" = "1"` | `serde-abc = "1"` |
//! | `"serde.rs/serde-abc" = { workspace = true }` | `serde-abc = { workspace = true }` |
//! | `abc = { package = "serde.rs/serde-abc", version = "1" }` | `abc = { package = "serde-abc", version = "1", registry = "serde_rs" }` |
//! | `"dep:serde.rs/serde-abc"`, `"serde.rs/serde-abc?/std"` | `"dep:serde-abc"`, `"serde-abc?/std"` |
//! | `name = "example.com/hello"` | `name = "hello"`, `publish = ["example_com"]`, `[package.metadata.namespaces]` with `namespace` and `default-registry` |
//! | `organization = …`, `default_registry = …` | `[package.metadata.namespaces]` |
//! | `cargo-features = ["domain-namespaces"]` | |
//!
//! A dependency whose bare name is taken by another crate gets a key of both names, `serde-rs-serde-abc`, and
//! `package = "serde-abc"`. Cargo wants one source per key in all tables of a package, so "taken" looks at all of them.
//!
//! `publish` is added so that a plain `cargo publish` cannot put the crate on crates.io under its bare name.
//!
//! `crates.io` in a namespace's place means crates.io: no registry is written. `default_registry` with a domain gives
//! that namespace's registry to dependencies that name none.
//!
//! Rewriting what is rewritten changes nothing. Any error leaves the text as it was.

mod apply;
mod features;
mod package;
mod plan;
#[cfg(test)]
mod tests;

pub(super) use plan::{long_key, spelled};

use super::notation::CRATES_IO;
use super::tables::{DependencyTable, all_dependencies};
use super::{Change, ManifestError};
use crate::name::{NameError, Namespace, QualifiedName, RegistryName};
use crate::toml_text::{Editor, Nodes, Position, SpliceError, Toml};
use std::collections::{BTreeMap, BTreeSet};

/// What a rewriting has to know from outside of the manifest.
#[derive(Clone, Debug, Default)]
pub struct RewriteContext {
    /// The registry names that the project uses for namespaces; others get [`RegistryName::from_namespace`].
    pub registries: BTreeMap<Namespace, RegistryName>,
    /// The namespaces of the workspace's own members: dependencies on them may not be published yet.
    pub own: BTreeSet<Namespace>,
    /// The keys of the workspace root's `[workspace.dependencies]`, for its members: [`Rewrite::workspace_keys`] of the
    /// root's rewriting.
    pub workspace_keys: BTreeMap<QualifiedName, String>,
}

impl RewriteContext {
    /// The registry of a namespace.
    pub fn registry(&self, namespace: &Namespace) -> RegistryName {
        self.registries.get(namespace).cloned().unwrap_or_else(|| RegistryName::from_namespace(namespace))
    }

    /// The namespace whose registry has that name, as far as that can be told.
    pub fn namespace_of(&self, registry: &str) -> Option<Namespace> {
        let known = self.registries.iter().find(|(_, name)| name.as_str() == registry);
        if let Some((namespace, _)) = known {
            return Some(namespace.clone());
        }
        // `_` stands for `.` in the default name, and host names have no `_` of their own.
        let namespace = Namespace::parse(&registry.trim_start_matches('_').replace('_', ".")).ok()?;
        let default = RegistryName::from_namespace(&namespace);
        (default.as_str() == registry && !self.registries.contains_key(&namespace)).then_some(namespace)
    }
}

/// A rewritten manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// The whole text.
    pub text: String,
    /// What changed, in the order of the lines; empty when there was no namespace notation.
    pub changes: Vec<Change>,
    /// The dependencies that were in namespace notation, in the order of the text within each table.
    pub needs: Vec<QualifiedDependency>,
    /// The keys under which `[workspace.dependencies]` now has crates of namespaces.
    pub workspace_keys: BTreeMap<QualifiedName, String>,
    /// What the author should know though nothing was changed for it.
    pub notes: Vec<Note>,
}

/// A remark about a line that was left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where.
    pub position: Position,
    /// The remark, as a lower-case fragment.
    pub text: String,
}

/// A dependency that was in namespace notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QualifiedDependency {
    /// The namespace, and the crate in it.
    pub name: QualifiedName,
    /// The version requirement as written; none where it is inherited or there is only a path.
    pub req: Option<String>,
    /// The key that it has now.
    pub key: String,
    /// The table that it stands in, for a person: `[target.'cfg(unix)'.dependencies]`.
    pub table: String,
    /// It has a `path`: it needs no discovery to build here.
    pub has_path: bool,
    /// It has a `git`: likewise.
    pub has_git: bool,
    /// It is of the manifest's own namespace, or of another member's: it may not be published yet.
    pub is_own_namespace: bool,
    /// `workspace = true`: the workspace's table has the rest, and the need.
    pub inherited: bool,
    /// Where its key stood before the rewriting.
    pub position: Position,
}

impl QualifiedDependency {
    /// Whether the namespace has to be found before this manifest resolves.
    pub fn needs_discovery(&self) -> bool {
        !(self.has_path || self.has_git || self.is_own_namespace || self.inherited)
    }
}

/// Why a manifest cannot be rewritten.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RewriteError {
    /// The manifest cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A line of it cannot be rewritten.
    #[error("{position}: {problem}")]
    Line {
        /// Where.
        position: Position,
        /// Why.
        problem: Problem,
    },
    /// The edits do not fit together.
    #[error(transparent)]
    Splice(#[from] SpliceError),
}

impl From<crate::toml_text::SyntaxError> for RewriteError {
    fn from(error: crate::toml_text::SyntaxError) -> Self {
        Self::Manifest(error.into())
    }
}

impl RewriteError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Line { problem, .. } => problem.hint(),
            Self::Manifest(ManifestError::Name { source, .. }) => source.hint().map(str::to_owned),
            _ => None,
        }
    }
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A name that is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Two keys say different things.
    #[error("`{one}` and `{other}` contradict one another")]
    Conflict {
        /// One.
        one: String,
        /// The other.
        other: String,
    },
    /// Neither version nor path nor git.
    #[error("`{0}` names no version")]
    NoVersion(QualifiedName),
    /// Cargo takes no `git` beside a registry.
    #[error("`{0}` has both a git repository and a version from its namespace, and Cargo takes only one")]
    GitAndVersion(QualifiedName),
    /// An inherited key cannot be renamed in a member alone.
    #[error("`{name}` is inherited as `{key}`, and another dependency has that name here")]
    InheritedKeyTaken {
        /// The namespace, and the crate in it.
        name: QualifiedName,
        /// Its key in the workspace.
        key: String,
    },
    /// The same crate twice in one table.
    #[error("`{0}` is there twice in one table")]
    Twice(QualifiedName),
    /// A feature names a crate that is no dependency.
    #[error("the feature entry `{entry}` names a crate that is not among the dependencies")]
    UnknownDependency {
        /// The entry.
        entry: String,
    },
    /// A feature's name in notation becomes one that is there already.
    #[error("the feature `{feature}` would be called `{key}`, and there is such a feature already")]
    FeatureTaken {
        /// The name in notation.
        feature: String,
        /// The name in Cargo's form.
        key: String,
    },
    /// `serde-abc@1`
    #[error("`{krate}@{version}` has a version behind the `@`, where the crate's home belongs")]
    AtVersion {
        /// The crate, as the manifest writes it.
        krate: String,
        /// What stands behind the `@`.
        version: String,
    },
    /// `serde-abc@corp`
    #[error("`{krate}@{registry}` names no domain behind the `@`")]
    AtRegistry {
        /// The crate, as the manifest writes it.
        krate: String,
        /// What stands behind the `@`.
        registry: String,
    },
    /// A patch of a namespace's crate in another registry's table.
    #[error(
        "`{name}` with a path or a git repository under `[patch.{registry}]` does not say which registry it patches"
    )]
    PatchElsewhere {
        /// The namespace, and the crate in it.
        name: QualifiedName,
        /// The table's registry.
        registry: String,
    },
}

impl Problem {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Name(error) => error.hint().map(str::to_owned),
            Self::NoVersion(name) => Some(format!("write `\"{name}\" = \"1\"`, or `\"*\"` for any version")),
            Self::GitAndVersion(_) => {
                Some("remove `git`, or remove `version` to build from git only".to_owned())
            }
            Self::InheritedKeyTaken { key, .. } => Some(format!(
                "give the other dependency a key of its own: `other = {{ package = \"{key}\", … }}`"
            )),
            Self::AtVersion { krate, version } => Some(format!("write `{krate} = \"{version}\"`")),
            Self::AtRegistry { krate, registry } => Some(format!(
                "for a registry of Cargo's configuration, write `{krate} = {{ version = \"…\", registry = \"{registry}\" }}`"
            )),
            Self::UnknownDependency { .. } => Some("add the dependency, or remove the entry".to_owned()),
            Self::PatchElsewhere { name, registry } if is_crates_io(&name.namespace) => {
                Some(format!("put `{} = …`, without a registry, under `[patch.{registry}]`", name.krate))
            }
            Self::PatchElsewhere { name, .. } => Some(format!(
                "to patch the namespace's crate, put `{} = …` under `[patch.\"{}\"]`",
                name.krate, name.namespace
            )),
            _ => None,
        }
    }
}

/// Rewrites a manifest; see the module's documentation for the rules.
///
/// # Errors
/// [`RewriteError`], with line and column.
pub fn rewrite(text: &str, context: &RewriteContext) -> Result<Rewrite, RewriteError> {
    let toml = Toml::parse(text)?;
    let nodes = Nodes::new(&toml);
    let mut job = Job {
        nodes: &nodes,
        context,
        editor: Editor::new(&nodes),
        own: context.own.clone(),
        default_namespace: None,
        notes: Vec::new(),
    };
    let package = job.read_package()?;
    job.own.extend(package.namespace.clone());
    job.default_namespace.clone_from(&package.default_namespace);
    let plan = job.plan_dependencies(&all_dependencies(&nodes))?;
    job.apply_dependencies(&plan);
    job.rewrite_features(&plan)?;
    let mut needs = plan.needs(&job);
    needs.extend(job.rewrite_patches()?);
    job.rewrite_specs()?;
    job.rewrite_package(&package)?;
    job.remove_cargo_feature();
    let notes = std::mem::take(&mut job.notes);
    let edited = job.editor.finish()?;
    Ok(Rewrite {
        text: edited.text,
        changes: edited.changes,
        needs,
        workspace_keys: plan.workspace_keys(context),
        notes,
    })
}

/// The namespace of crates.io's own domain means crates.io.
fn is_crates_io(namespace: &Namespace) -> bool {
    namespace.as_str() == CRATES_IO
}

/// One rewriting under way.
struct Job<'d, 't> {
    nodes: &'d Nodes<'d, 't>,
    context: &'d RewriteContext,
    editor: Editor<'d, 't>,
    own: BTreeSet<Namespace>,
    /// From `default_registry`: the namespace of dependencies that name no registry.
    default_namespace: Option<Namespace>,
    notes: Vec<Note>,
}

impl Job<'_, '_> {
    /// The position of a key, by its path.
    fn position(&self, at: &[String]) -> Position {
        self.position_at(self.nodes.at(at).first().map_or(0, |node| node.span.start))
    }

    fn position_at(&self, offset: usize) -> Position {
        Position::of(self.nodes.toml.text, offset)
    }

    /// The registry key that a dependency on a namespace gets; none for crates.io.
    fn registry(&self, namespace: &Namespace) -> Option<RegistryName> {
        (!is_crates_io(namespace)).then(|| self.context.registry(namespace))
    }
}

fn refuse<T>(position: Position, problem: impl Into<Problem>) -> Result<T, RewriteError> {
    Err(RewriteError::Line { position, problem: problem.into() })
}

/// `[patch.NAME]` as a table of dependencies.
pub(super) fn patch_table(registry: &str) -> DependencyTable {
    DependencyTable {
        path: vec!["patch".to_owned(), registry.to_owned()],
        kind: super::DependencyKind::Normal,
        target: None,
        workspace: false,
    }
}
