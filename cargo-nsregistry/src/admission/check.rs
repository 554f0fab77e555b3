//! What a .crate must be, and the index line that is derived from it. Pure: bytes in, a line out.

use bytes::Bytes;
use cargo_namespaces::api::{NewCrate, NewDep};
use cargo_namespaces::digest::Digest;
use cargo_namespaces::index::{
    ComputeError, DependencyKind, FactMismatch, IndexDep, IndexLine, LineError, WildcardRequirement, compute,
};
use cargo_namespaces::manifest::ManifestInfo;
use cargo_namespaces::name::{CRATES_IO_INDEX, Namespace};
use cargo_namespaces::package::{self, PackageError, Rules};
use cargo_namespaces::statement::ReleaseStatement;

/// A release that is in order, as far as it can be said from its bytes.
#[derive(Debug)]
pub struct Checked {
    /// Its line, without signatures.
    pub line: IndexLine,
    /// Dependencies that name no registry, in a package that states no default for them.
    pub unnamed: Vec<String>,
}

/// A release is not in order. The text is for its publisher.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The statement was signed for something else than what was sent.
    #[error("the statement was signed for {what} {signed}, and {sent} was sent")]
    OtherRelease {
        /// In what the two differ.
        what: &'static str,
        /// What was signed.
        signed: String,
        /// What was sent.
        sent: String,
    },
    /// The .crate breaks a rule.
    #[error("this .crate cannot be published: {0}")]
    Package(#[source] PackageError),
    /// No index line can be derived from its Cargo.toml.
    #[error("{source}\n{}", source.hint())]
    Manifest { source: ComputeError },
    /// A requirement allows every version.
    #[error("{source}\n{}", source.hint())]
    Wildcard { source: WildcardRequirement },
    /// What Cargo sent beside the .crate is not what its Cargo.toml says.
    #[error("what was sent beside the .crate is not what its Cargo.toml says: {0}")]
    Mismatch(#[source] FactMismatch),
    /// Its Cargo.toml names another namespace.
    #[error(
        "Cargo.toml says that this crate belongs to {says}, and it was sent to the registry of {namespace}"
    )]
    OtherNamespace {
        /// The namespace of Cargo.toml.
        says: Namespace,
        /// The namespace of the request.
        namespace: Namespace,
    },
    /// A dependency of a kind that Cargo does not have.
    #[error("dependency `{name}` is of the unknown kind {kind:?}")]
    UnknownKind { name: String, kind: String },
    /// Its index line would be refused by whoever reads it.
    #[error("this crate cannot be listed: {0}")]
    Line(#[source] LineError),
}

/// Checks a .crate and what was sent beside it against one another, against the statement and against the rules.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(archive: &Bytes, new: &NewCrate, statement: &ReleaseStatement) -> Result<Checked, CheckError> {
    same_release(archive, new, statement)?;
    let namespace = &statement.name.namespace;
    let found = package::inspect(Rules::Publish, &archive[..], new.name.as_str(), &new.vers)
        .map_err(CheckError::Package)?;
    let facts =
        compute(&found.manifest, &statement.index).map_err(|source| CheckError::Manifest { source })?;
    facts.check_requirements().map_err(|source| CheckError::Wildcard { source })?;
    as_sent(new)?.check_facts(&facts).map_err(CheckError::Mismatch)?;
    let info = ManifestInfo::parse(&found.manifest).ok().and_then(|info| info.package);
    let says = info.as_ref().and_then(|package| package.namespace.clone());
    if let Some(says) = says.filter(|says| says != namespace) {
        return Err(CheckError::OtherNamespace { says, namespace: namespace.clone() });
    }
    let line = IndexLine::new(facts, statement.cksum, Vec::new());
    let has_default = info.is_some_and(|package| package.default_registry.is_some());
    let unnamed = if has_default { Vec::new() } else { from_crates_io(&line) };
    // What is written must be read by everybody: the same caps apply to both.
    IndexLine::parse(&line.to_line()).map_err(CheckError::Line)?;
    Ok(Checked { line, unnamed })
}

fn wrong<T>(what: &'static str, signed: &impl ToString, sent: &impl ToString) -> Result<T, CheckError> {
    Err(CheckError::OtherRelease { what, signed: signed.to_string(), sent: sent.to_string() })
}

/// The statement must be about the namespace to which it was sent.
///
/// # Errors
/// It is about another.
pub fn same_namespace(statement: &ReleaseStatement, namespace: &Namespace) -> Result<(), CheckError> {
    if statement.name.namespace == *namespace {
        return Ok(());
    }
    wrong("the namespace", &statement.name.namespace, namespace)
}

/// The statement, the JSON and the bytes must be of one release.
fn same_release(archive: &Bytes, new: &NewCrate, statement: &ReleaseStatement) -> Result<(), CheckError> {
    let digest = Digest::of(archive);
    let name = &statement.name;
    if name.krate != new.name {
        return wrong("the crate", &name.krate, &new.name);
    }
    if statement.version != new.vers {
        return wrong("version", &statement.version, &new.vers);
    }
    if statement.cksum != digest {
        return wrong("the .crate", &statement.cksum, &digest);
    }
    Ok(())
}

/// What Cargo sent, in the form of a line, to be compared with what the Cargo.toml inside says.
fn as_sent(new: &NewCrate) -> Result<IndexLine, CheckError> {
    let deps = new.deps.iter().map(dependency).collect::<Result<_, _>>()?;
    Ok(IndexLine {
        name: new.name.clone(),
        vers: new.vers.clone(),
        deps,
        cksum: Digest::of(b""),
        features: new.features.clone(),
        features2: Default::default(),
        yanked: false,
        links: new.links.clone(),
        rust_version: new.rust_version.clone(),
        pubtime: None,
        v: 1,
        attestations: Vec::new(),
        countersignature: None,
        yank_attestations: Vec::new(),
    })
}

fn dependency(sent: &NewDep) -> Result<IndexDep, CheckError> {
    let kind = match sent.kind.as_deref() {
        None | Some("normal") => DependencyKind::Normal,
        Some("build") => DependencyKind::Build,
        Some("dev") => DependencyKind::Dev,
        Some(other) => {
            return Err(CheckError::UnknownKind { name: sent.name.to_string(), kind: other.to_owned() });
        }
    };
    let renamed = sent.explicit_name_in_toml.clone();
    let package = renamed.is_some().then(|| sent.name.clone());
    Ok(IndexDep {
        name: renamed.unwrap_or_else(|| sent.name.clone()),
        req: sent.version_req.clone(),
        features: sent.features.clone(),
        optional: sent.optional,
        default_features: sent.default_features,
        target: sent.target.clone(),
        kind,
        registry: sent.registry.clone(),
        package,
    })
}

fn from_crates_io(line: &IndexLine) -> Vec<String> {
    let ours = line.deps.iter().filter(|dep| dep.registry.as_deref() == Some(CRATES_IO_INDEX));
    let mut names: Vec<String> = ours.map(|dep| dep.package_name().to_owned()).collect();
    names.dedup();
    names
}
