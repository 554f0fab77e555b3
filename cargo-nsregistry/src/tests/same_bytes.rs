//! A static index and a registry are two stores under one set of rules: from the same history come the same bytes.

use cargo_namespaces::api::{ResignRequest, Resigned};
use cargo_namespaces::index::tree::TreeFile;
use cargo_namespaces::index::{IndexConfig, IndexFile, compute};
use cargo_namespaces::statement::{Nonce, Predicate as _, YankOperation};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces_cli::static_index::{Release, StaticIndexEdit, StaticIndexLayout};

use super::*;
use crate::handlers::token;
use crate::ownership::resign;
use crate::yank;

const HELLO: &str = "serde.rs/hello";

/// Both stores, and what happens in both.
struct Both {
    world: World,
    directory: tempfile::TempDir,
    layout: StaticIndexLayout,
    name: QualifiedName,
}

impl Both {
    async fn new() -> Self {
        let (world, name) = (World::with(HELLO).await, name(HELLO));
        let index = world.registry.config.public.index_of(&name.namespace);
        let layout = StaticIndexLayout::new(name.namespace.clone(), index, None).unwrap();
        Self { world, directory: tempfile::tempdir().unwrap(), layout, name }
    }

    fn edit(&self, change: impl FnOnce(&mut StaticIndexEdit)) {
        let mut edit = StaticIndexEdit::open(self.directory.path(), self.layout.clone());
        change(&mut edit);
        edit.refresh().unwrap();
        edit.write().unwrap();
    }

    async fn publish(&self, vers: &str, at: Timestamp) {
        let archive = package("hello", vers, "", "");
        let index = self.layout.index().clone();
        let (name, version, cksum) = (self.name.clone(), version(vers), Digest::of(&archive));
        let statement = ReleaseStatement { name, version, cksum, index, at };
        let body = body(&metadata("hello", vers), &archive);
        self.world.send(&self.name, &statement.sign(&self.world.owner), body).await.unwrap();
        let manifest = format!("[package]\nname = \"hello\"\nversion = \"{vers}\"\nedition = \"2021\"\n");
        let facts = compute(&manifest, self.layout.index()).unwrap();
        let line = IndexLine::new(facts, cksum, vec![statement.attest(&self.world.owner)]);
        let release = Release { name: self.name.clone(), line, package: archive };
        self.edit(|edit| edit.add(release).unwrap());
    }

    async fn yank(&self, vers: &str, operation: YankOperation, at: Timestamp, key: &SecretKey) {
        let (version, line) = (version(vers), self.line(vers).await);
        let nonce = Some(Nonce::generate().unwrap());
        let statement = line.yank_statement(&self.name, self.layout.index(), operation, at, nonce);
        let shown = Shown::of(token(&signed(&statement.sign(key)))).unwrap();
        yank::yank(&self.world.registry, &self.name, &version, operation, &shown).await.unwrap();
        self.edit(|edit| assert!(edit.yank(&self.name.krate, &version, operation, key, at).unwrap()));
    }

    async fn resign(&self, versions: &[&str], at: Timestamp, new: &SecretKey) {
        let mut releases = Vec::new();
        for vers in versions {
            let line = self.line(vers).await;
            let attestation = line.release_statement(&self.name, self.layout.index(), at).attest(new);
            releases.push(Resigned { krate: self.name.krate.clone(), version: line.vers, attestation });
        }
        let request = ResignRequest { namespace: self.name.namespace.clone(), releases };
        resign::resign(&self.world.registry, &request).await.unwrap();
        let old = self.world.owner.public();
        self.edit(|edit| assert_eq!(edit.resign(&old, new, at).unwrap(), versions.len()));
    }

    async fn line(&self, vers: &str) -> IndexLine {
        self.world.index(HELLO).await.into_iter().find(|line| line.vers == version(vers)).unwrap()
    }

    fn on_site(&self, file: &TreeFile) -> Vec<u8> {
        let edit = StaticIndexEdit::open(self.directory.path(), self.layout.clone());
        edit.read(file).unwrap().unwrap()
    }

    async fn in_registry(&self, key: Key<'_>) -> Vec<u8> {
        self.world.registry.storage.read(&key.path()).await.unwrap().unwrap().bytes.to_vec()
    }
}

/// The registry's index file without what only a registry has: when it published a release, its countersignature, and the nonce that
/// it asks of whoever yanks.
fn as_on_a_static_host(file: &[u8], both: &Both, keys: &[&SecretKey]) -> String {
    let plain = |line: &IndexLine| {
        let mut plain = IndexLine { pubtime: None, countersignature: None, ..line.clone() };
        for yank in &mut plain.yank_attestations {
            let key = keys.iter().find(|key| key.public() == yank.key).unwrap();
            let index = both.layout.index();
            *yank = line.yank_statement(&both.name, index, yank.operation, yank.at, None).attest(key);
        }
        plain
    };
    IndexFile::parse(file).unwrap().lines().map(plain).collect::<IndexFile>().to_string()
}

#[tokio::test]
async fn a_static_index_and_a_registry_make_the_same_bytes_of_the_same_history() {
    let both = Both::new().await;
    let new = SecretKey::generate().unwrap();
    let mut write = both.world.registry.db.write().await.unwrap();
    rows::add_owner(write.connection(), &CrateId::of(&both.name), &new.public(), "test").await.unwrap();
    write.commit().await.unwrap();
    let now = clock::now().unix();
    let before = |seconds: u64| Timestamp::from_unix(now - seconds);
    both.publish("1.0.0", before(90)).await;
    both.publish("1.1.0-rc.1+b", before(80)).await;
    both.yank("1.0.0", YankOperation::Yank, before(70), &both.world.owner).await;
    both.yank("1.0.0", YankOperation::Unyank, before(60), &both.world.owner).await;
    both.resign(&["1.0.0", "1.1.0-rc.1+b"], before(50), &new).await;
    both.yank("1.1.0-rc.1+b", YankOperation::Yank, before(40), &new).await;
    both.publish("2.0.0", before(30)).await;
    // In the same second as the first signature: one statement, two signatures.
    both.resign(&["2.0.0"], before(30), &new).await;

    let index = both.in_registry(Key::Index(&both.name)).await;
    let site = both.on_site(&TreeFile::Index(both.name.krate.clone()));
    let plain = as_on_a_static_host(&index, &both, &[&both.world.owner, &new]);
    assert_eq!(plain, String::from_utf8(site).unwrap());
    for (vers, signatures) in [("1.0.0", 1), ("1.1.0-rc.1+b", 1), ("2.0.0", 2)] {
        let version = version(vers);
        let envelope = both.in_registry(Key::Envelope(&both.name, &version)).await;
        let krate = both.name.krate.clone();
        assert_eq!(envelope, both.on_site(&TreeFile::Envelope(krate.clone(), version.clone())), "{vers}");
        let envelope = Envelope::parse(&envelope).unwrap();
        assert_eq!(envelope.signatures.len(), signatures, "{vers}");
        assert!(envelope.verify(&new.public()).is_ok(), "the newest statement: {vers}");
        let archive = both.in_registry(Key::Crate(&both.name, &version)).await;
        assert_eq!(archive, both.on_site(&TreeFile::Crate(krate, version)), "{vers}");
    }
    let config = both.in_registry(Key::Config(&both.name.namespace)).await;
    let site = both.on_site(&TreeFile::Config);
    let own = IndexConfig::parse(&config, both.layout.index()).unwrap();
    assert!(own.api.is_some(), "only a registry has one");
    assert_eq!(IndexConfig { api: None, ..own }.to_json().into_bytes(), site);
}
