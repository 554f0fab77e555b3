//! What `cargo nspublish setup` keeps in Cargo's home of a namespace: the author's copy of the document that the domain
//! publishes. The other commands read from it where the index of an author's own namespace is.

use std::path::{Path, PathBuf};

use cargo_namespaces::discovery::PackageNamespaceDoc;
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces_net::fs::{self, FsError};

/// Where the author's copy is.
#[must_use]
pub fn document_path(cargo_home: &Path, namespace: &Namespace) -> PathBuf {
    let directory = cargo_home.join("namespaces").join("publisher").join(namespace.as_str());
    directory.join("package-namespace.json")
}

/// The index with which a namespace was set up here. A document that does not parse says nothing; `cargo nspublish`
/// reports it.
///
/// # Errors
/// It cannot be read.
pub fn index(cargo_home: &Path, namespace: &Namespace) -> Result<Option<IndexUrl>, FsError> {
    let bytes = fs::read_if_exists(&document_path(cargo_home, namespace))?;
    Ok(bytes.and_then(|bytes| PackageNamespaceDoc::parse(&bytes).ok()?.index))
}

/// The namespaces that are set up here, sorted; none where nothing can be read.
#[must_use]
pub fn namespaces(cargo_home: &Path) -> Vec<Namespace> {
    let files = fs::files_below(&cargo_home.join("namespaces").join("publisher")).unwrap_or_default();
    let mut found: Vec<Namespace> = files
        .iter()
        .filter_map(|file| file.strip_suffix("/package-namespace.json"))
        .filter_map(|name| Namespace::parse(name).ok())
        .collect();
    found.sort();
    found
}
