//! A namespace's site, made with the library instead of `cargo nspublish`: signed properly, or wrong in one chosen way.
//!
//! ```no_run
//! # use namespace_world::{World, SignedSite};
//! let world = World::new(&["grep.example"]);
//! let site = SignedSite::new(&world, "grep.example");
//! site.release("matcher", "1.0.0").publish();
//! site.release("regex", "1.0.0").dependency(&site.dependency("matcher", "1")).publish();
//! ```
//!
//! What an attacker with access to the web server can do afterwards is [`World::tamper`] and [`World::tamper_line`]; what
//! a publisher with a key can do is here.

use cargo_namespaces::digest::Digest;
use cargo_namespaces::index::{IndexConfig, IndexLine, compute, index_path};
use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces::name::{CrateName, IndexUrl, Namespace, QualifiedName};
use cargo_namespaces::statement::{Envelope, Nonce, Predicate as _, ReleaseStatement, Revocation};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces::token::{Scope, Token};
use semver::Version;
use std::sync::Mutex;

use crate::{Archive, World};

/// The moment that everything is signed at: nothing may depend on it.
pub const SIGNED_AT: &str = "2026-11-20T12:00:00Z";

/// The static site of one namespace, served by the namespace's own host unless it is [`SignedSite::moved`].
#[derive(Debug)]
pub struct SignedSite<'w> {
    world: &'w World,
    host: String,
    /// The directory of the index and the .crates; `cargo` unless it is [`SignedSite::moved_below`] another.
    place: String,
    namespace: Namespace,
    index: IndexUrl,
    key: SecretKey,
    documents: Mutex<Documents>,
}

#[derive(Debug, Default)]
struct Documents {
    tokens: Vec<Token>,
    endorsements: Vec<Envelope>,
    revocations: Vec<Envelope>,
}

impl<'w> SignedSite<'w> {
    /// A site without crates at `https://<host>/`, whose documents authorise one new key for the whole namespace.
    ///
    /// # Panics
    ///
    /// When the host's name is no namespace.
    #[must_use]
    pub fn new(world: &'w World, host: &str) -> Self {
        let namespace = Namespace::parse(host).expect("the host is a namespace");
        Self::at(world, namespace, host, "cargo", SecretKey::generate().expect("the system has randomness"))
    }

    /// The same namespace with the same key and no crates, its index on another host from now on: the namespace's
    /// documents say so.
    ///
    /// # Panics
    ///
    /// When the host cannot have an index.
    #[must_use]
    pub fn moved(&self, host: &str) -> Self {
        self.moved_below(host, "cargo")
    }

    /// As [`Self::moved`], to a directory of the host, which may be another namespace's.
    ///
    /// # Panics
    ///
    /// When the host cannot have an index.
    #[must_use]
    pub fn moved_below(&self, host: &str, place: &str) -> Self {
        let key = SecretKey::from_pkcs8_pem(&self.key.to_pkcs8_pem(), None).expect("the same key");
        Self::at(self.world, self.namespace.clone(), host, place, key)
    }

    fn at(world: &'w World, namespace: Namespace, host: &str, place: &str, key: SecretKey) -> Self {
        let index = format!("sparse+https://{host}/{place}/index/");
        let site = Self {
            world,
            host: host.to_owned(),
            place: place.to_owned(),
            index: IndexUrl::parse(&index).expect("the host has an index"),
            key,
            documents: Mutex::default(),
            namespace,
        };
        let config = IndexConfig {
            dl: format!("https://{host}/{place}/crates/{{crate}}/{{crate}}-{{version}}.crate"),
            api: None,
            namespace: Some(site.namespace.clone()),
            auth_required: false,
        };
        world.serve(host, &format!("{place}/index/config.json"), config.to_json());
        site.authorize(&site.key.public());
        site
    }

    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Its canonical index.
    #[must_use]
    pub fn index(&self) -> &IndexUrl {
        &self.index
    }

    /// The key that the site began with, which signs unless another is named.
    #[must_use]
    pub fn key(&self) -> &SecretKey {
        &self.key
    }

    /// Lists a key for the whole namespace, in both documents.
    pub fn authorize(&self, key: &PublicKey) {
        self.authorize_for(key, &Scope::Namespace(self.namespace.clone()));
    }

    /// Lists a key for a scope.
    pub fn authorize_for(&self, key: &PublicKey, scope: &Scope) {
        self.change_documents(|documents| documents.tokens.push(Token::compute(scope, key)));
    }

    /// Lists no key any more.
    pub fn authorize_nobody(&self) {
        self.change_documents(|documents| documents.tokens.clear());
    }

    /// Adds an endorsement to the documents.
    pub fn endorse(&self, envelope: Envelope) {
        self.change_documents(|documents| documents.endorsements.push(envelope));
    }

    /// Revokes the site's key, signed by itself, and takes its token off.
    ///
    /// # Panics
    ///
    /// Never: the statement is well-formed.
    pub fn revoke_own_key(&self, reason: &str) {
        let key = self.key.public();
        let revocation = Revocation {
            by: key,
            key,
            index: self.index.clone(),
            reason: Some(reason.to_owned()),
            issued_at: signed_at(),
            nonce: Nonce::from_bytes([7; 16]),
        };
        let envelope = revocation.sign(&self.key);
        self.change_documents(|documents| {
            documents.tokens.clear();
            documents.revocations.push(envelope);
        });
    }

    fn change_documents(&self, change: impl FnOnce(&mut Documents)) {
        let mut documents = self.documents.lock().expect("no test panics while it holds the documents");
        change(&mut documents);
        let json = |envelopes: &[Envelope]| -> Vec<serde_json::Value> {
            let parse =
                |envelope: &Envelope| serde_json::from_str(&envelope.to_json()).expect("an envelope is JSON");
            envelopes.iter().map(parse).collect()
        };
        let document = serde_json::json!({
            "authorized_keys": documents.tokens.iter().map(Token::to_string).collect::<Vec<_>>(),
            "index": self.index.as_str(),
            "endorsements": json(&documents.endorsements),
            "revocations": json(&documents.revocations),
        });
        let records: String =
            documents.tokens.iter().map(|token| format!("{token} index={}\n", self.index)).collect();
        let path = ".well-known/rust-lang.org/package-namespace.json";
        self.world.serve(self.namespace.as_str(), path, format!("{document:#}\n"));
        self.world.serve(self.namespace.as_str(), ".well-known/cargo-publishers", records);
    }

    /// A line for `[dependencies]` of a packaged manifest: `name = { version = …, registry-index = … }`.
    #[must_use]
    pub fn dependency(&self, name: &str, requirement: &str) -> String {
        format!("{name} = {{ version = \"{requirement}\", registry-index = \"{}\" }}\n", self.index)
    }

    /// The same for a manifest that a person writes, where `.cargo/config.toml` has [`Self::registry_config`].
    #[must_use]
    pub fn consumer_dependency(&self, name: &str, requirement: &str) -> String {
        format!("{name} = {{ version = \"{requirement}\", registry = \"{}\" }}\n", self.registry_name())
    }

    /// The registry's key in Cargo's configuration.
    #[must_use]
    pub fn registry_name(&self) -> String {
        cargo_namespaces::name::RegistryName::from_namespace(&self.namespace).to_string()
    }

    /// The entry of `.cargo/config.toml`.
    #[must_use]
    pub fn registry_config(&self) -> String {
        format!("[registries.{}]\nindex = \"{}\"\n", self.registry_name(), self.index)
    }

    /// The entry of `.cargo/namespaces.toml` that trusts the site's key for the whole namespace.
    #[must_use]
    pub fn trust_entry(&self) -> String {
        self.trust_entry_for(&self.key.public(), self.namespace.as_str())
    }

    /// As [`Self::trust_entry`], for another key or a narrower scope.
    #[must_use]
    pub fn trust_entry_for(&self, key: &PublicKey, scope: &str) -> String {
        format!(
            "[\"{}\"]\nindex = \"{}\"\ntrusted = [\n  \"{key} {scope}\",\n]\n",
            self.namespace, self.index
        )
    }

    /// A release in the making: a package with one `src/lib.rs`, signed with the site's key.
    pub fn release(&self, name: &str, version: &str) -> Release<'_, 'w> {
        Release {
            site: self,
            name: CrateName::parse(name).expect("a crate name"),
            version: Version::parse(version).expect("a version"),
            files: Vec::new(),
            package: String::new(),
            dependencies: String::new(),
            after: String::new(),
            archive: None,
            key: Signer::Site,
            at: signed_at(),
            change: None,
        }
    }

    /// The path of a crate's archive below the host's root.
    #[must_use]
    pub fn crate_path(name: &str, version: &str) -> String {
        format!("cargo/crates/{name}/{name}-{version}.crate")
    }
}

fn signed_at() -> Timestamp {
    Timestamp::parse(SIGNED_AT).expect("a timestamp")
}

enum Signer<'a> {
    Site,
    Other(&'a SecretKey),
    Nobody,
}

type Change<'a> = Box<dyn FnOnce(&mut IndexLine) + 'a>;

/// One release; everything but [`Release::publish`] says how it differs from a plain one.
#[must_use = "a release is on the site once it is published"]
pub struct Release<'a, 'w> {
    site: &'a SignedSite<'w>,
    name: CrateName,
    version: Version,
    files: Vec<(String, Vec<u8>)>,
    package: String,
    dependencies: String,
    after: String,
    archive: Option<Vec<u8>>,
    key: Signer<'a>,
    at: Timestamp,
    change: Option<Change<'a>>,
}

impl<'a> Release<'a, '_> {
    /// A file of the package; replaces the `src/lib.rs` that is there otherwise.
    pub fn file(mut self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.files.push((path.to_owned(), content.as_ref().to_owned()));
        self
    }

    /// Lines for `[package]` of the manifest.
    pub fn package(mut self, lines: &str) -> Self {
        self.package.push_str(lines);
        self
    }

    /// A line for `[dependencies]` of the manifest, as Cargo packages it.
    pub fn dependency(mut self, line: &str) -> Self {
        self.dependencies.push_str(line);
        self
    }

    /// More tables for the manifest.
    pub fn tables(mut self, text: &str) -> Self {
        self.after.push_str(text);
        self
    }

    /// This .crate instead of a well-formed one. The index line and the signature fit it, and say nothing about what
    /// it holds.
    pub fn archive(mut self, bytes: Vec<u8>) -> Self {
        self.archive = Some(bytes);
        self
    }

    /// Signed by this key.
    pub fn signed_by(mut self, key: &'a SecretKey) -> Self {
        self.key = Signer::Other(key);
        self
    }

    /// Without a signature.
    pub fn unsigned(mut self) -> Self {
        self.key = Signer::Nobody;
        self
    }

    /// Changes the index line after it was signed.
    pub fn line(mut self, change: impl FnOnce(&mut IndexLine) + 'a) -> Self {
        self.change = Some(Box::new(change));
        self
    }

    /// The manifest as it is packaged.
    #[must_use]
    pub fn manifest(&self) -> String {
        let license = if self.package.contains("license") { "" } else { "license = \"MIT\"\n" };
        format!(
            "[package]\nname = \"{}\"\nversion = \"{}\"\nedition = \"2021\"\n{license}{}\n[dependencies]\n{}\n{}",
            self.name, self.version, self.package, self.dependencies, self.after
        )
    }

    /// The .crate that the files make.
    #[must_use]
    pub fn packed(&self) -> Vec<u8> {
        let mut archive = Archive::new(self.name.as_str(), &self.version.to_string());
        archive = archive.file("Cargo.toml", self.manifest());
        if !self.files.iter().any(|(path, _)| path == "src/lib.rs") {
            let source = format!(
                "/// Says which crate this is.\npub fn who() -> &'static str {{\n    \"{}/{} {}\"\n}}\n",
                self.site.namespace, self.name, self.version
            );
            archive = archive.file("src/lib.rs", source);
        }
        for (path, content) in &self.files {
            archive = archive.file(path, content);
        }
        archive.build()
    }

    /// Puts the release on the site: .crate, envelope, index line (instead of an earlier line of this version).
    ///
    /// # Panics
    ///
    /// When the manifest makes no index line.
    pub fn publish(self) -> Digest {
        let (site, name) = (self.site, self.name.to_string());
        let version = self.version.to_string();
        let bytes = self.archive.clone().unwrap_or_else(|| self.packed());
        let cksum = Digest::of(&bytes);
        let facts = compute(&self.manifest(), &site.index).expect("the manifest makes an index line");
        let mut line = IndexLine::new(facts, cksum, Vec::new());
        let key = match self.key {
            Signer::Site => Some(&site.key),
            Signer::Other(key) => Some(key),
            Signer::Nobody => None,
        };
        if let Some(key) = key {
            let statement = ReleaseStatement {
                name: QualifiedName { namespace: site.namespace.clone(), krate: self.name.clone() },
                version: self.version.clone(),
                cksum,
                index: site.index.clone(),
                at: self.at,
            };
            let attestation = statement.attest(key);
            let envelope = statement.to_envelope([&attestation]).to_json();
            site.world.serve(
                &site.host,
                &format!("{}/crates/{name}/{name}-{version}.dsse.json", site.place),
                envelope,
            );
            line.attestations.push(attestation);
        }
        if let Some(change) = self.change {
            change(&mut line);
        }
        site.world.serve(&site.host, &format!("{}/crates/{name}/{name}-{version}.crate", site.place), bytes);
        let path = format!("{}/index/{}", site.place, index_path(&self.name));
        let old = std::fs::read_to_string(site.world.web_root(&site.host).join(&path)).unwrap_or_default();
        let same = |line: &&str| !line.contains(&format!("\"vers\":\"{version}\""));
        let mut lines: String = old.lines().filter(same).map(|line| format!("{line}\n")).collect();
        lines.push_str(line.to_line().trim_end());
        lines.push('\n');
        site.world.serve(&site.host, &path, lines);
        cksum
    }
}
