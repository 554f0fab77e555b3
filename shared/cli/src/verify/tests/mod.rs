//! Verification against [`Fake`] sources: real statements, index lines and .crates, no network.

use std::path::PathBuf;
use std::sync::Mutex;

mod cases;

use super::*;
use crate::shell::ExitCode;
use crate::testing::packed;
use cargo_namespaces::discovery::PackageNamespaceDoc;
use cargo_namespaces::domain_view::{ProbeOutcome, ProbeResult, RecordPlace};
use cargo_namespaces::index::{IndexConfig, IndexLine, compute};
use cargo_namespaces::key::SecretKey;
use cargo_namespaces::lockfile::{LockSource, LockedDependency};
use cargo_namespaces::name::CrateName;
use cargo_namespaces::source_id::Spelling;
use cargo_namespaces::statement::{
    Envelope, Nonce, Predicate as _, ReleaseStatement, Revocation, Yank, YankOperation,
};
use cargo_namespaces::token::Token;
use cargo_namespaces::trust_file::Pins;

const INDEX: &str = "sparse+https://foobar-project.org/cargo/index/";

fn key() -> SecretKey {
    SecretKey::generate().unwrap()
}

fn namespace() -> Namespace {
    Namespace::parse("foobar-project.org").unwrap()
}

fn crate_name(text: &str) -> QualifiedName {
    QualifiedName::parse(&format!("foobar-project.org/{text}")).unwrap()
}

fn everything() -> Scope {
    Scope::Namespace(namespace())
}

fn index() -> IndexUrl {
    IndexUrl::parse(INDEX).unwrap()
}

fn at() -> Timestamp {
    Timestamp::parse("2026-11-20T12:00:00Z").unwrap()
}

/// The revocation of `key`, signed by `by`, for [`index`].
fn revocation(by: &SecretKey, key: &SecretKey) -> Envelope {
    let revocation = Revocation {
        by: by.public(),
        key: key.public(),
        index: index(),
        reason: Some("laptop lost".to_owned()),
        issued_at: at(),
        nonce: Nonce::generate().unwrap(),
    };
    revocation.sign(by)
}

/// Registries, .crates and domains in memory, and what was asked of them.
struct Fake {
    files: tempfile::TempDir,
    configs: BTreeMap<IndexUrl, Result<IndexConfig, SourceError>>,
    lines: BTreeMap<(IndexUrl, CrateName), Vec<IndexLine>>,
    domains: BTreeMap<Namespace, PackageNamespaceDoc>,
    asked: Mutex<Vec<String>>,
    locked: Vec<LockedPackage>,
}

impl Fake {
    fn new() -> Self {
        let mut fake = Self {
            files: tempfile::tempdir().unwrap(),
            configs: BTreeMap::new(),
            lines: BTreeMap::new(),
            domains: BTreeMap::new(),
            asked: Mutex::default(),
            locked: Vec::new(),
        };
        fake.registry(INDEX, Some("foobar-project.org"));
        fake
    }

    fn registry(&mut self, index: &str, namespace: Option<&str>) {
        let namespace = namespace.map(|text| Namespace::parse(text).unwrap());
        let config =
            IndexConfig { dl: "https://d.example".to_owned(), api: None, namespace, auth_required: false };
        self.configs.insert(IndexUrl::parse(index).unwrap(), Ok(config));
    }

    fn lists(&mut self, key: &SecretKey) {
        let token = Token::compute(&everything(), &key.public());
        self.domains.entry(namespace()).or_default().authorized_keys.push(token);
    }

    fn revokes(&mut self, revocation: Envelope) {
        self.domains.entry(namespace()).or_default().revocations.push(revocation);
    }

    /// Publishes `name` and locks it.
    fn publish(&mut self, name: &str, version: &str, dependencies: &str, key: &SecretKey) -> Digest {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n{dependencies}"
        );
        let version: Version = version.parse().unwrap();
        let bytes = pack(name, &version, &manifest);
        let digest = Digest::of(&bytes);
        self.store(name, &version, &bytes);
        let statement = ReleaseStatement {
            name: crate_name(name),
            version: version.clone(),
            cksum: digest,
            index: index(),
            at: at(),
        };
        let facts = compute(&manifest, &index()).unwrap();
        let line = IndexLine::new(facts, digest, vec![statement.attest(key)]);
        self.lines.entry((index(), name.parse().unwrap())).or_default().push(line);
        self.locked.push(locked(name, &version, LockSource::Registry(index()), Some(digest)));
        digest
    }

    fn store(&self, name: &str, version: &Version, bytes: &[u8]) {
        let mut file = std::fs::File::create(self.path(name, version)).unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
    }

    fn path(&self, name: &str, version: &Version) -> PathBuf {
        self.files.path().join(format!("{name}-{version}.crate"))
    }

    fn line(&mut self, name: &str) -> &mut IndexLine {
        &mut self.lines.get_mut(&(index(), name.parse().unwrap())).unwrap()[0]
    }

    fn note(&self, what: &str, count: usize) {
        self.asked.lock().unwrap().extend((0..count).map(|_| what.to_owned()));
    }

    fn asked(&self, what: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| asked.starts_with(what)).count()
    }
}

impl Sources for Fake {
    fn configs(&self, indexes: &[IndexUrl]) -> Vec<Result<IndexConfig, SourceError>> {
        let one = |index| self.configs.get(index).cloned().unwrap_or(Err(SourceError::Absent));
        self.note("config", indexes.len());
        indexes.iter().map(one).collect()
    }

    fn index_files(&self, wanted: &[(IndexUrl, CrateName)]) -> Vec<Result<Vec<IndexLine>, SourceError>> {
        self.note("index", wanted.len());
        wanted.iter().map(|file| self.lines.get(file).cloned().ok_or(SourceError::Absent)).collect()
    }

    fn crate_files(&self, wanted: &[CrateWanted]) -> Vec<Result<PathBuf, SourceError>> {
        self.note("crate", wanted.len());
        wanted.iter().map(|wanted| Ok(self.path(wanted.name.as_str(), &wanted.version))).collect()
    }

    fn domains(&self, namespaces: &[Namespace]) -> Vec<DomainView> {
        self.note("domain", namespaces.len());
        let observe = |namespace: &Namespace| {
            let Some(doc) = self.domains.get(namespace) else {
                return DomainView::from_observations(namespace, Vec::new());
            };
            let absent = |place| ProbeResult { place, outcome: ProbeOutcome::Absent };
            let mut all: Vec<ProbeResult> = RecordPlace::ALL.into_iter().map(absent).collect();
            let outcome = ProbeOutcome::Document(doc.to_json().into_bytes());
            all.push(ProbeResult { place: RecordPlace::Json, outcome });
            DomainView::from_observations(namespace, all)
        };
        namespaces.iter().map(observe).collect()
    }
}

fn pack(name: &str, version: &Version, manifest: &str) -> Vec<u8> {
    packed(name, &version.to_string(), &[("Cargo.toml", manifest), ("src/lib.rs", "")])
}

fn locked(name: &str, version: &Version, source: LockSource, checksum: Option<Digest>) -> LockedPackage {
    LockedPackage {
        name: name.to_owned(),
        version: version.clone(),
        source,
        checksum,
        dependencies: Vec::new(),
    }
}

/// A request over the fake's lock file, which the test bends.
struct Case {
    trust_file: TrustFile,
    configured: Vec<(String, String)>,
    patched: BTreeSet<String>,
    options: Options,
    before: Option<Vec<LockedPackage>>,
    offline: bool,
}

impl Case {
    /// Nothing was locked before, nothing is pinned.
    fn fresh() -> Self {
        Self {
            trust_file: TrustFile::default(),
            configured: Vec::new(),
            patched: BTreeSet::new(),
            options: Options::default(),
            before: Some(Vec::new()),
            offline: false,
        }
    }

    /// Everything was locked before, and these keys are pinned for the namespace.
    fn pinned(keys: &[&SecretKey]) -> Self {
        let trusted = keys.iter().map(|key| (key.public(), everything())).collect();
        let pins = Pins { index: index(), trusted, revoked: BTreeSet::new() };
        let trust_file = TrustFile { namespaces: BTreeMap::from([(namespace(), pins)]) };
        Self { trust_file, before: None, ..Self::fresh() }
    }

    fn verify(&self, fake: &Fake) -> Result<Report, Refused> {
        let request = Request {
            packages: &fake.locked,
            before: self.before.as_deref().map_or(Before::Everything, Before::Packages),
            trust_file: &self.trust_file,
            configured: &self.configured,
            patched: &self.patched,
            known: BTreeMap::new(),
            views: Vec::new(),
            options: &self.options,
            special_use: SpecialUseNames::None,
            offline: self.offline,
            now: at(),
        };
        verify(&request, fake)
    }

    fn codes(&self, fake: &Fake) -> Vec<&'static str> {
        let refused = self.verify(fake).expect_err("it should be refused");
        for problem in &refused.problems {
            assert!(
                !problem.to_string().is_empty() && problem.next("cargo nsadd --sync").len() > 20,
                "{problem}"
            );
        }
        refused.problems.iter().map(Problem::code).collect()
    }
}
