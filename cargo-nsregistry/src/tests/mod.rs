//! The registry without a network: one in a temporary directory, whose crates have owners already.

mod ownership;
mod private;
mod releases;
mod same_bytes;
mod served;

use std::path::Path;
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use bytes::Bytes;
use cargo_namespaces::api::Published;
use cargo_namespaces::digest::Digest;
use cargo_namespaces::index::{IndexLine, parse_index_file};
use cargo_namespaces::key::SecretKey;
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces::statement::{Envelope, Predicate as _, ReleaseStatement};
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::env::Environment;
use semver::Version;

use crate::auth::Shown;
use crate::client_address::ClientAddress;
use crate::config::{self, Overrides};
use crate::db::crates::{self, CrateId};
use crate::db::namespaces;
use crate::db::ownership as rows;
use crate::handlers::error::ApiError;
use crate::handlers::token;
use crate::publish;
use crate::registry::Registry;
use crate::storage::Key;

pub(crate) struct World {
    pub registry: Arc<Registry>,
    pub owner: SecretKey,
    directory: tempfile::TempDir,
}

pub(crate) fn name(text: &str) -> QualifiedName {
    QualifiedName::parse(text).unwrap()
}

pub(crate) fn version(text: &str) -> Version {
    Version::parse(text).unwrap()
}

async fn open(directory: &Path) -> Registry {
    let flags = Overrides {
        url: Some("https://crates.example/".to_owned()),
        data: Some(directory.to_owned()),
        ..Overrides::default()
    };
    Registry::open(config::load(None, &Environment::default(), &flags).unwrap()).await.unwrap()
}

impl World {
    pub async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let registry = Arc::new(open(directory.path()).await);
        Self { registry, owner: SecretKey::generate().unwrap(), directory }
    }

    /// A crate without releases that the owner has.
    pub async fn with(crate_name: &str) -> Self {
        let world = Self::new().await;
        world.add(crate_name).await;
        world
    }

    pub async fn add(&self, crate_name: &str) {
        let name = name(crate_name);
        let mut write = self.registry.db.write().await.unwrap();
        namespaces::add(write.connection(), &name.namespace).await.unwrap();
        crates::add(write.connection(), &name).await.unwrap();
        let id = CrateId::of(&name);
        rows::add_owner(write.connection(), &id, &self.owner.public(), "test").await.unwrap();
        write.commit().await.unwrap();
    }

    /// The same registry after a restart.
    pub async fn restarted(self) -> Self {
        self.registry.db.close().await;
        let registry = Arc::new(open(self.directory.path()).await);
        crate::files::recover(&registry).await.unwrap();
        Self { registry, ..self }
    }

    pub fn statement(&self, name: &QualifiedName, version: &Version, archive: &[u8]) -> ReleaseStatement {
        ReleaseStatement {
            name: name.clone(),
            version: version.clone(),
            cksum: Digest::of(archive),
            index: self.registry.config.public.index_of(&name.namespace),
            at: clock::now(),
        }
    }

    pub async fn publish(&self, crate_name: &str, vers: &str) -> Result<Published, ApiError> {
        self.publish_as(&self.owner, crate_name, vers, "").await
    }

    pub async fn publish_as(
        &self,
        key: &SecretKey,
        crate_name: &str,
        vers: &str,
        code: &str,
    ) -> Result<Published, ApiError> {
        let (name, version) = (name(crate_name), version(vers));
        let archive = package(name.krate.as_str(), vers, "", code);
        let statement = self.statement(&name, &version, &archive);
        let envelope = statement.sign(key);
        let body = body(&metadata(name.krate.as_str(), vers), &archive);
        self.send(&name, &envelope, body).await
    }

    /// A publish as its handler does it.
    pub async fn send(
        &self,
        name: &QualifiedName,
        envelope: &Envelope,
        body: Bytes,
    ) -> Result<Published, ApiError> {
        let shown = Shown::of(token(&signed(envelope)))?;
        let preflight = publish::preflight(&self.registry, &name.namespace, &shown, client()).await?;
        Ok(publish::publish(&self.registry, preflight, body).await?)
    }

    /// The index file as it is served.
    pub async fn index(&self, crate_name: &str) -> Vec<IndexLine> {
        let path = Key::Index(&name(crate_name)).path();
        match self.registry.cache.read(&self.registry.storage, &path).await.unwrap() {
            Some(file) => parse_index_file(&file.object.bytes).unwrap(),
            None => Vec::new(),
        }
    }
}

/// Where requests come from.
pub(crate) fn client() -> ClientAddress {
    ClientAddress::new([192, 0, 2, 1].into())
}

/// The headers of a request that shows a statement.
pub(crate) fn signed(envelope: &Envelope) -> HeaderMap {
    HeaderMap::from_iter([(header::AUTHORIZATION, envelope.to_header().parse().unwrap())])
}

pub(crate) fn metadata(name: &str, version: &str) -> String {
    format!(r#"{{"name":"{name}","vers":"{version}","deps":[],"features":{{}},"description":"says hello"}}"#)
}

pub(crate) fn body(json: &str, archive: &[u8]) -> Bytes {
    let mut body = Vec::new();
    for part in [json.as_bytes(), archive] {
        body.extend(u32::try_from(part.len()).unwrap().to_le_bytes());
        body.extend(part);
    }
    body.into()
}

pub(crate) fn package(name: &str, version: &str, tables: &str, code: &str) -> Vec<u8> {
    let manifest =
        format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n{tables}");
    let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(packed);
    for (path, content) in [("Cargo.toml", manifest.as_str()), ("src/lib.rs", code)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        let path = format!("{name}-{version}/{path}");
        archive.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

pub(crate) fn refused<T: std::fmt::Debug, E: Into<ApiError>>(result: Result<T, E>, text: &str) {
    let error = result.map_err(Into::into).unwrap_err();
    assert!(error.detail().contains(text), "{text:?} is not in: {}", error.detail());
}
