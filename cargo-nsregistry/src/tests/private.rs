//! What a private namespace tells strangers: nothing, at every address.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use cargo_namespaces::api::{DocumentsRequest, ResignRequest, Resigned, SignedRequest};
use cargo_namespaces::name::IndexUrl;
use cargo_namespaces::statement::{
    Endorsement, Nonce, OwnersChange, OwnersOperation, Predicate as _, Read, Revocation, Transfer,
    TransferStep, Yank, YankOperation,
};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces::token::Scope;
use futures_util::StreamExt as _;
use futures_util::stream;

use super::served::{Asking, Shown, Subject, end, paths, serve};
use super::*;
use crate::config::NamespaceRules;
use crate::server::Running;

const HELLO: &str = "corp.rs/hello";
/// What is there, and what is not: crate, version, another spelling.
const SUBJECTS: [Subject<'_>; 4] = [
    Subject { name: HELLO, version: "1.0.0" },
    Subject { name: HELLO, version: "2.0.0" },
    Subject { name: "corp.rs/secret", version: "1.0.0" },
    Subject { name: "corp.rs/Hello", version: "1.0.0" },
];
/// The same namespace, as somebody may spell it.
const SPELLINGS: [&str; 4] = ["corp.rs", "CORP.rs", "corp%2Ers", "%63orp.rs"];

struct Stage {
    running: Running,
    asking: Asking,
    owner: SecretKey,
    stranger: SecretKey,
    index: IndexUrl,
}

async fn stage() -> Stage {
    let world = World::with(HELLO).await;
    world.publish(HELLO, "1.0.0").await.unwrap();
    let owner = SecretKey::from_pkcs8_pem(&world.owner.to_pkcs8_pem(), None).unwrap();
    let index = world.registry.config.public.index_of(&name(HELLO).namespace);
    let (running, asking) = serve(world, |config| {
        let rules = NamespaceRules { auth_required: true, ..NamespaceRules::default() };
        config.namespaces.insert(name(HELLO).namespace, rules);
    })
    .await;
    Stage { running, asking, owner, stranger: SecretKey::generate().unwrap(), index }
}

impl Stage {
    fn read(&self, key: &SecretKey, index: &IndexUrl, ends: Timestamp) -> String {
        let at = Timestamp::from_unix(clock::now().unix() - 10);
        Read { index: index.clone(), at, expires_at: ends }.sign(key).to_header()
    }

    /// What strangers come with.
    fn tokens(&self, subject: Subject<'_>) -> BTreeMap<&'static str, Option<String>> {
        let (name, version, cksum) = (name(subject.name), version(subject.version), Digest::of(b"x"));
        let (at, index) = (clock::now(), self.index.clone());
        let later = at.plus_seconds(600);
        let elsewhere = "sparse+https://crates.example/index/serde.rs/".parse().unwrap();
        let release = ReleaseStatement { name: name.clone(), version: version.clone(), cksum, index, at };
        let yank = |operation| {
            let (nonce, index) = (Some(Nonce::generate().unwrap()), self.index.clone());
            let (name, version) = (name.clone(), version.clone());
            Yank { name, version, cksum, index, operation, at, nonce }.sign(&self.stranger).to_header()
        };
        let ended = Timestamp::from_unix(at.unix() - 1);
        BTreeMap::from([
            ("none", None),
            ("garbled", Some("not a statement".to_owned())),
            ("a stranger's", Some(self.read(&self.stranger, &self.index, later))),
            ("the owner's, ended", Some(self.read(&self.owner, &self.index, ended))),
            ("the owner's, for another index", Some(self.read(&self.owner, &elsewhere, later))),
            ("a release", Some(release.sign(&self.stranger).to_header())),
            ("a yank", Some(yank(YankOperation::Yank))),
            ("an unyank", Some(yank(YankOperation::Unyank))),
        ])
    }

    /// Requests whose body names the namespace: statements of a stranger, and one that pretends to be the owner's.
    fn bodies(&self, subject: Subject<'_>) -> Vec<(&'static str, String)> {
        let (name, version) = (name(subject.name), version(subject.version));
        let (at, index, key) = (clock::now(), self.index.clone(), self.owner.public());
        let nonce = || Nonce::generate().unwrap();
        let change = |operation| {
            let (index, name) = (index.clone(), name.clone());
            let change = OwnersChange { index, operation, key, at, nonce: nonce(), name };
            SignedRequest { envelope: change.sign(&self.stranger) }
        };
        let step = |step| {
            let (index, name, to) = (index.clone(), name.clone(), self.stranger.public());
            let step = Transfer { index, step, to, at, nonce: nonce(), name };
            SignedRequest { envelope: step.sign(&self.stranger) }
        };
        let by = self.stranger.public();
        let (issued_at, reason) = (at, None);
        let revocation = Revocation { by, key, index: index.clone(), reason, issued_at, nonce: nonce() };
        let statement = ReleaseStatement {
            name: name.clone(),
            version: version.clone(),
            cksum: Digest::of(b"x"),
            index: index.clone(),
            at,
        };
        let attestation =
            cargo_namespaces::statement::Attestation { key, ..statement.attest(&self.stranger) };
        let krate = name.krate.clone();
        let resign = ResignRequest {
            namespace: name.namespace.clone(),
            releases: vec![Resigned { krate, version, attestation }],
        };
        let envelopes = vec![revocation.sign(&self.stranger)];
        let documents = DocumentsRequest { namespace: name.namespace.clone(), envelopes };
        vec![
            ("/api/v1/owners", text(&change(OwnersOperation::Add))),
            ("/api/v1/owners", text(&change(OwnersOperation::Remove))),
            ("/api/v1/transfer", text(&step(TransferStep::Offer))),
            ("/api/v1/transfer", text(&step(TransferStep::Accept))),
            ("/api/v1/documents", text(&documents)),
            ("/api/v1/attestations", text(&resign)),
        ]
    }
}

fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_get_one_answer_about_a_private_namespace_whatever_they_ask_for() {
    let stage = stage().await;
    let mut requests = Vec::new();
    for subject in SUBJECTS {
        for path in paths(stage.running.registry()).into_iter().filter(|path| path.contains('{')) {
            for address in subject.fill(path) {
                for method in ["GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"] {
                    for (kind, token) in stage.tokens(subject) {
                        let body = (method == "PUT" || method == "POST").then(|| "{}".to_owned());
                        requests.push((path, method, kind, address.clone(), token, body));
                    }
                }
            }
        }
        for spelling in SPELLINGS {
            for address in [format!("/index/{spelling}/config.json"), format!("/ns/{spelling}/no/such/route")]
            {
                for (kind, token) in stage.tokens(subject) {
                    requests.push(("spelled otherwise", "GET", kind, address.clone(), token, None));
                }
            }
        }
        for (path, body) in stage.bodies(subject) {
            for (kind, token) in stage.tokens(subject) {
                requests.push((path, "POST", kind, path.to_owned(), token, Some(body.clone())));
            }
        }
    }
    assert!(requests.len() > 1000);
    let ask =
        |(path, method, kind, address, token, body): (_, &'static str, _, String, Option<String>, _)| {
            let asking = &stage.asking;
            async move {
                let shown = asking.ask(method.parse().unwrap(), &address, token.as_deref(), body).await;
                ((path, method, kind), address, shown)
            }
        };
    let answers: Vec<_> = stream::iter(requests).map(ask).buffer_unordered(8).collect().await;
    let mut by_question: BTreeMap<_, Shown> = BTreeMap::new();
    let mut all: BTreeSet<Shown> = BTreeSet::new();
    for (question, address, shown) in answers {
        let first = by_question.entry(question).or_insert_with(|| shown.clone());
        assert_eq!(*first, shown, "{question:?} {address}");
        assert!(!shown.body.contains("hello") && !shown.body.contains("secret"), "{}", shown.body);
        if question.1 != "HEAD" {
            all.insert(shown);
        }
    }
    let statuses: Vec<u16> = all.iter().map(|shown| shown.status).collect();
    assert_eq!(
        statuses,
        [401, 403],
        "one for whoever shows no key, one for a key that is no reader's: {all:?}"
    );
    let bodies: BTreeSet<&str> =
        all.iter().map(|shown| shown.body.split("\",\"code\"").next().unwrap()).collect();
    assert_eq!(bodies.len(), 1, "in the same words: {bodies:?}");
    end(stage.running).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_is_told_what_is_there_and_what_is_not() {
    let stage = stage().await;
    let token = stage.read(&stage.owner, &stage.index, clock::now().plus_seconds(600));
    let get = async |path: &str| stage.asking.ask(Method::GET, path, Some(&token), None).await.status;
    for path in ["/index/corp.rs/config.json", "/index/corp.rs/he/ll/hello", "/corp.rs/hello"] {
        assert_eq!(get(path).await, 200, "{path}");
    }
    for path in ["/index/corp.rs/se/cr/secret", "/corp.rs/secret", "/ns/corp.rs/no/such/route"] {
        assert_eq!(get(path).await, 404, "{path}");
    }
    assert_eq!(get("/ns/corp.rs/api/v1/crates/new").await, 405);
    let elsewhere = stage.asking.ask(Method::GET, "/index/open.rs/config.json", None, None).await;
    assert_eq!(elsewhere.status, 200, "of other namespaces, everybody is told");
    end(stage.running).await;
}

/// Cargo reads the index before the first publish, so whoever could take a free name reads there; and has not taken it by that.
#[tokio::test]
async fn whoever_reads_a_free_name_of_a_development_registry_has_not_taken_it() {
    let directory = tempfile::tempdir().unwrap();
    let flags = Overrides { dev: true, data: Some(directory.path().to_owned()), ..Overrides::default() };
    let mut config = config::load(None, &Environment::default(), &flags).unwrap();
    let namespace = name("new.localhost/hello").namespace;
    let rules = NamespaceRules { auth_required: true, ..NamespaceRules::default() };
    config.namespaces.insert(namespace.clone(), rules);
    let registry = Arc::new(Registry::open(config).await.unwrap());
    let [reader, owner] = [(); 2].map(|()| SecretKey::generate().unwrap());
    let index = registry.config.public.index_of(&namespace);
    let at = Timestamp::from_unix(clock::now().unix() - 10);
    let reads = Read { index, at, expires_at: at.plus_seconds(600) }.sign(&reader);
    let world = World { registry: Arc::clone(&registry), owner, directory };
    crate::handlers::access::check(&registry, &namespace, &signed(&reads), client()).await.unwrap();
    world.publish("new.localhost/hello", "1.0.0").await.unwrap();
    refused(
        crate::handlers::access::check(&registry, &namespace, &signed(&reads), client()).await,
        "domains/new.localhost/.well-known/cargo-publishers",
    );
}

/// Statements are verified when they come in. A namespace may have hundreds of endorsements, and a build reads hundreds of files.
#[tokio::test(flavor = "multi_thread")]
async fn neither_a_private_read_nor_a_publish_verifies_the_endorsements_of_the_namespace() {
    let world = World::with(HELLO).await;
    let namespace = name(HELLO).namespace;
    let index = world.registry.config.public.index_of(&namespace);
    let by = world.owner.public();
    let endorsement = Endorsement {
        by,
        key: SecretKey::generate().unwrap().public(),
        scope: Scope::Namespace(namespace.clone()),
        index: index.clone(),
        recovery: false,
        issued_at: clock::now(),
        expires_at: None,
        nonce: Nonce::generate().unwrap(),
    };
    let envelopes = [endorsement.sign(&world.owner)];
    crate::ownership::documents::add_documents(&world.registry, &namespace, &envelopes).await.unwrap();
    let mut write = world.registry.db.write().await.unwrap();
    let broken = sqlx::query("UPDATE documents SET envelope = 'none'").execute(write.connection()).await;
    assert_eq!(broken.unwrap().rows_affected(), 1, "whoever looks at it now, fails");
    write.commit().await.unwrap();
    world.publish(HELLO, "1.0.0").await.unwrap();
    let owner = world.owner.clone();
    let (running, asking) = serve(world, |config| {
        let rules = NamespaceRules { auth_required: true, ..NamespaceRules::default() };
        config.namespaces.insert(namespace, rules);
    })
    .await;
    let at = clock::now();
    let token = Read { index, at, expires_at: at.plus_seconds(600) }.sign(&owner).to_header();
    let shown = asking.ask(Method::GET, "/index/corp.rs/he/ll/hello", Some(&token), None).await;
    assert_eq!(shown.status, 200);
    end(running).await;
}
