//! What the domains below `localhost` publish: files in the directory of a development registry, which whoever uses it may
//! change as they would at a domain of theirs.
//!
//! ```text
//! domains/hello.localhost/.well-known/rust-lang.org/package-namespace.json
//! domains/hello.localhost/.well-known/cargo-publishers
//! ```
//!
//! Each is the root of a domain as a web server would have it, so that `--well-known` of `cargo nspublish` writes into it. A domain
//! without files belongs to whoever signs for it first: then the first file is written. Until then it publishes where its
//! index is, and no key.

use std::path::{Path, PathBuf};

use cargo_namespaces::discovery::{
    CARGO_PUBLISHERS_PATH, DevRegistry, PACKAGE_NAMESPACE_PATH, PackageNamespaceDoc,
};
use cargo_namespaces::domain_view::{DomainView, ProbeOutcome, ProbeResult, RecordPlace};
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces::token::{Scope, Token};
use cargo_namespaces_cli::clock;
use cargo_namespaces_net::fs::{self, FsError};

use crate::config::Public;
use crate::validate::answer::DomainAnswer;

/// The domains of a development registry.
#[derive(Debug)]
pub struct Domains {
    root: PathBuf,
    dev: DevRegistry,
    public: Public,
}

impl Domains {
    /// Those in the registry's directory.
    pub fn new(data: &Path, dev: DevRegistry, public: &Public) -> Self {
        Self { root: data.join("domains"), dev, public: public.clone() }
    }

    /// The file that a place of the domain is, for whoever is to change it.
    pub fn file(&self, namespace: &Namespace, place: RecordPlace) -> Option<PathBuf> {
        let document = match place {
            RecordPlace::Json => PACKAGE_NAMESPACE_PATH,
            RecordPlace::Publishers => CARGO_PUBLISHERS_PATH,
            RecordPlace::TxtApex | RecordPlace::TxtLabel => return None,
        };
        std::path::absolute(self.path(namespace, document)).ok()
    }

    fn path(&self, namespace: &Namespace, document: &str) -> PathBuf {
        self.root.join(namespace.as_str()).join(document.trim_start_matches('/'))
    }

    fn index(&self, namespace: &Namespace) -> IndexUrl {
        self.public.index_of(namespace)
    }

    /// `package-namespace.json`; while there is none, one that names the index alone.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn json(&self, namespace: &Namespace) -> Result<Vec<u8>, FsError> {
        let found = fs::read_if_exists(&self.path(namespace, PACKAGE_NAMESPACE_PATH))?;
        Ok(found.unwrap_or_else(|| self.document(namespace, None)))
    }

    /// `cargo-publishers`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn publishers(&self, namespace: &Namespace) -> Result<Option<Vec<u8>>, FsError> {
        fs::read_if_exists(&self.path(namespace, CARGO_PUBLISHERS_PATH))
    }

    fn document(&self, namespace: &Namespace, key: Option<&PublicKey>) -> Vec<u8> {
        let token = |key| Token::compute(&Scope::Namespace(namespace.clone()), key);
        let document = PackageNamespaceDoc {
            authorized_keys: key.map(token).into_iter().collect(),
            index: Some(self.index(namespace)),
            ..PackageNamespaceDoc::default()
        };
        document.to_json().into_bytes()
    }

    /// What a domain says when `key` asks: a domain that is nobody's yet is the key's, and for good where it `claims` it.
    pub fn observe(&self, namespace: &Namespace, key: &PublicKey, claims: bool) -> DomainAnswer {
        let failed = |error: FsError| ProbeOutcome::Failed(error.to_string());
        let json = self.claimed(namespace, key, claims).map_or_else(failed, ProbeOutcome::Document);
        let publishers = self
            .publishers(namespace)
            .map_or_else(failed, |found| found.map_or(ProbeOutcome::Absent, ProbeOutcome::Document));
        let outcomes = [json, publishers, ProbeOutcome::Absent, ProbeOutcome::Absent];
        let observation = |(place, outcome)| ProbeResult { place, outcome };
        let observations: Vec<ProbeResult> =
            RecordPlace::ALL.into_iter().zip(outcomes).map(observation).collect();
        let view = DomainView::seen_by(Some(self.dev), namespace, observations.clone());
        DomainAnswer { view, observations, at: clock::now() }
    }

    fn claimed(&self, namespace: &Namespace, key: &PublicKey, claims: bool) -> Result<Vec<u8>, FsError> {
        let is_free = fs::read_if_exists(&self.path(namespace, PACKAGE_NAMESPACE_PATH))?.is_none()
            && self.publishers(namespace)?.is_none();
        if !is_free {
            return self.json(namespace);
        }
        let document = self.document(namespace, Some(key));
        if claims {
            let path = self.path(namespace, PACKAGE_NAMESPACE_PATH);
            match fs::create_new(&path, &document) {
                // Somebody else was faster.
                Err(error) if error.source.kind() == std::io::ErrorKind::AlreadyExists => {
                    return self.json(namespace);
                }
                other => other?,
            }
        }
        Ok(document)
    }
}

#[cfg(test)]
mod tests {
    use cargo_namespaces::domain_view::Listing;
    use cargo_namespaces::key::SecretKey;
    use cargo_namespaces::name::QualifiedName;
    use cargo_namespaces_cli::env::Environment;

    use super::*;
    use crate::config::{self, Overrides};

    fn domains(data: &Path) -> Domains {
        let flags = Overrides { dev: true, data: Some(data.to_owned()), ..Overrides::default() };
        let config = config::load(None, &Environment::default(), &flags).unwrap();
        Domains::new(data, config.dev.unwrap(), &config.public)
    }

    fn stands(domains: &Domains, key: &PublicKey, claims: bool) -> bool {
        let name = QualifiedName::parse("hello.localhost/hello").unwrap();
        let answer = domains.observe(&name.namespace, key, claims);
        let index = answer.view.declared_index().unwrap();
        assert_eq!(index.as_str(), "sparse+http://localhost:7979/index/hello.localhost/");
        matches!(answer.view.listing(key, &name), Listing::Listed { .. })
    }

    #[test]
    fn a_domain_is_whose_key_signs_first_and_what_its_files_say_then() {
        let directory = tempfile::tempdir().unwrap();
        let domains = domains(directory.path());
        let [first, second] = [(); 2].map(|()| SecretKey::generate().unwrap().public());
        // Whoever only asks would be let in, and takes nothing.
        assert!(stands(&domains, &first, false) && stands(&domains, &second, false));
        assert!(stands(&domains, &first, true));
        assert!(!stands(&domains, &second, true) && !stands(&domains, &second, false));
        assert!(stands(&domains, &first, false));
        // The owner lets a colleague in.
        let namespace = Namespace::parse("hello.localhost").unwrap();
        let token = Token::compute(&Scope::Namespace(namespace.clone()), &second);
        let path = domains.path(&namespace, CARGO_PUBLISHERS_PATH);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write_atomic(&path, format!("{token}\n").as_bytes()).unwrap();
        assert!(stands(&domains, &first, false) && stands(&domains, &second, true));
    }
}
