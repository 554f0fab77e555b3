//! A registry in a hundred lines: what the client needs to see of one, over real HTTPS, with every signature checked.
//!
//! It hosts any namespace at `sparse+https://crates.example/index/<namespace>/`. A key may publish when its record is in
//! the files that the namespace's host serves, or when the test said that the registry found it by DNS.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use cargo_namespaces::api::{
    CheckRequest, CheckResponse, CheckState, CrateInfo, Done, ErrorBody, PlaceReport, SignedRequest,
};
use cargo_namespaces::clock;
use cargo_namespaces::digest::Digest;
use cargo_namespaces::index::{IndexLine, compute};
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{CrateName, IndexUrl, Namespace, QualifiedName};
use cargo_namespaces::package;
use cargo_namespaces::statement::{
    Attestation, Envelope, OwnersChange, OwnersOperation, ReleaseStatement, Transfer, TransferStep, Yank,
    YankOperation,
};
use cargo_namespaces::token::{Record, Scope, Token};
use cargo_namespaces::verdict::Place;
use namespace_tests::server::{Request, Response};
use namespace_tests::world::index_path;
use namespace_tests::{Server, World};
use serde::Serialize;
use serde_json::json;

/// Its host.
pub const HOST: &str = "crates.example";

/// The index of a namespace there.
pub fn index(namespace: &str) -> IndexUrl {
    IndexUrl::parse(&format!("sparse+https://{HOST}/index/{namespace}/")).unwrap()
}

/// The running registry.
pub struct Endpoint {
    pub server: Server,
    pub state: Arc<Mutex<State>>,
}

/// What it holds.
#[derive(Default)]
pub struct State {
    hosts: PathBuf,
    pub releases: BTreeMap<QualifiedName, Vec<(IndexLine, Vec<u8>)>>,
    pub owners: BTreeMap<QualifiedName, BTreeSet<PublicKey>>,
    pub offered: BTreeMap<QualifiedName, PublicKey>,
    /// Keys whose record was found by DNS.
    pub by_dns: BTreeSet<PublicKey>,
    nonces: BTreeSet<String>,
}

impl Endpoint {
    pub fn start(world: &World) -> Self {
        let state = Arc::new(Mutex::new(State { hosts: world.root().join("hosts"), ..State::default() }));
        let held = Arc::clone(&state);
        let server = Server::start(world, HOST, move |request| held.lock().unwrap().answer(request));
        Self { server, state }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The line of a release.
    #[track_caller]
    pub fn line(&self, name: &str, version: &str) -> IndexLine {
        let state = self.state();
        let releases = &state.releases[&QualifiedName::parse(name).unwrap()];
        releases.iter().find(|(line, _)| line.vers.to_string() == version).expect("it is published").0.clone()
    }
}

fn refuse(status: u16, detail: impl Into<String>) -> Response {
    Response::new(status, serde_json::to_vec(&ErrorBody::new("refused", detail)).unwrap())
}

fn json(value: &impl Serialize) -> Response {
    Response::ok(serde_json::to_vec(value).unwrap())
}

impl State {
    fn answer(&mut self, request: &Request) -> Response {
        let path: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        match (request.method.as_str(), &path[..]) {
            ("GET", [".well-known", "cargo.txt"]) => {
                Response::ok(format!("api: /api/v1\nindex: sparse+https://{HOST}/index/{{namespace}}/\n"))
            }
            ("GET", ["index", namespace, rest @ ..]) => self.read(namespace, &rest.join("/")),
            ("PUT", ["ns", namespace, "api", "v1", "crates", "new"]) => self.publish(namespace, request),
            ("DELETE" | "PUT", ["ns", namespace, "api", "v1", "crates", krate, version, operation]) => {
                self.yank(&name(namespace, krate), version, operation, request)
            }
            ("POST", ["api", "v1", "namespace", namespace, "check"]) => self.check(namespace, request),
            ("POST", ["api", "v1", "owners"]) => self.change_owners(request),
            ("POST", ["api", "v1", "transfer"]) => self.transfer(request),
            ("GET", ["api", "v1", "crate", name]) => self.krate(&name.replace("%2F", "/")),
            _ => refuse(404, "no such page"),
        }
    }

    fn read(&self, namespace: &str, path: &str) -> Response {
        if path == "config.json" {
            let base = format!("https://{HOST}");
            return json(&json!({
                "dl": format!("{base}/index/{namespace}/crates/{{crate}}/{{crate}}-{{version}}.crate"),
                "api": format!("{base}/ns/{namespace}"), "namespace": namespace,
            }));
        }
        for (name, releases) in self.releases.iter().filter(|(name, _)| name.namespace.as_str() == namespace)
        {
            if path == index_path(name.krate.as_str()) {
                return Response::ok(
                    releases.iter().map(|(line, _)| line.to_line() + "\n").collect::<String>(),
                );
            }
            let file = |line: &IndexLine| format!("crates/{0}/{0}-{1}.crate", name.krate, line.vers);
            if let Some((_, archive)) = releases.iter().find(|(line, _)| path == file(line)) {
                return Response::ok(archive.clone());
            }
        }
        Response::not_found()
    }

    /// Whether a record of the key stands at the namespace's host.
    fn listed(&self, key: &PublicKey, name: Option<&QualifiedName>, namespace: &Namespace) -> Vec<Place> {
        let mut tokens = vec![Token::compute(&Scope::Namespace(namespace.clone()), key).to_string()];
        tokens.extend(name.map(|name| Token::compute(&Scope::Crate(name.clone()), key).to_string()));
        let holds = |path: &str| {
            let text =
                std::fs::read_to_string(self.hosts.join(namespace.as_str()).join(path)).unwrap_or_default();
            tokens.iter().any(|token| text.contains(token))
        };
        let mut places = Vec::new();
        places.extend(holds(".well-known/rust-lang.org/package-namespace.json").then_some(Place::Json));
        places.extend(holds(".well-known/cargo-publishers").then_some(Place::Publishers));
        places.extend(self.by_dns.contains(key).then_some(Place::TxtApex));
        places
    }

    fn verdict(&self, key: &PublicKey, name: Option<&QualifiedName>, namespace: &Namespace) -> CheckState {
        if let Some(owners) = name.and_then(|name| self.owners.get(name)) {
            return if owners.contains(key) { CheckState::MayPublish } else { CheckState::NotOwner };
        }
        let known = self.owners.keys().any(|name| name.namespace == *namespace);
        match (self.listed(key, name, namespace).is_empty(), known) {
            (false, _) => CheckState::MayPublish,
            (true, false) => CheckState::UnknownDomain,
            (true, true) => CheckState::Stranger,
        }
    }

    fn check(&self, namespace: &str, request: &Request) -> Response {
        let asked: CheckRequest = serde_json::from_slice(&request.body).unwrap();
        let namespace = Namespace::parse(namespace).unwrap();
        let name = asked.krate.map(|krate| QualifiedName { namespace: namespace.clone(), krate });
        let found = self.listed(&asked.key, name.as_ref(), &namespace);
        let index = index(namespace.as_str());
        let record = |scope: Scope| Record {
            index: Some(index.clone()),
            ..Record::new(Token::compute(&scope, &asked.key))
        };
        let report = |place: Place| PlaceReport {
            place: place.into(),
            at: place.describe(&namespace),
            seen: if found.contains(&place) { "the record".to_owned() } else { "nothing".to_owned() },
            found: found.contains(&place),
        };
        json(&CheckResponse {
            state: self.verdict(&asked.key, name.as_ref(), &namespace),
            message: "the words of the registry".to_owned(),
            crate_record: name.clone().map(|name| record(Scope::Crate(name))),
            namespace_record: record(Scope::Namespace(namespace.clone())),
            places: Place::ALL.map(report).to_vec(),
            owners: name.and_then(|name| self.owners.get(&name)).into_iter().flatten().copied().collect(),
            now: clock::now(),
            index: index.clone(),
            namespace: namespace.clone(),
        })
    }

    fn publish(&mut self, namespace: &str, request: &Request) -> Response {
        let Some((envelope, key)) = authorization(request) else { return refuse(401, "no statement") };
        let (metadata, archive) = crate::cargo_facts::publishing::parts(request);
        let Ok(statement) = ReleaseStatement::open(&envelope, &key) else {
            return refuse(403, "no release statement");
        };
        let name = name(namespace, metadata["name"].as_str().unwrap());
        if statement.name != name
            || statement.version.to_string() != metadata["vers"]
            || statement.cksum != Digest::of(&archive)
            || statement.index != index(namespace)
        {
            return refuse(403, "the statement is about another release");
        }
        if self.verdict(&key, Some(&name), &name.namespace) != CheckState::MayPublish {
            return refuse(
                403,
                format!("You are not allowed to publish {name}.\nPut a record up:\n  a) this"),
            );
        }
        let manifest =
            package::inspect(&archive[..], name.krate.as_str(), &statement.version).unwrap().manifest;
        let facts = compute(&manifest, &statement.index).unwrap();
        let sig =
            cargo_namespaces::key::Signature::from_bytes(envelope.signatures[0].sig[..].try_into().unwrap());
        let line = IndexLine::new(facts, statement.cksum, vec![Attestation { key, at: statement.at, sig }]);
        self.owners.entry(name.clone()).or_default().insert(key);
        self.releases.entry(name).or_default().push((line, archive));
        Response::ok(r#"{"warnings":{"invalid_categories":[],"invalid_badges":[],"other":[]}}"#)
    }

    fn yank(&mut self, name: &QualifiedName, version: &str, operation: &str, request: &Request) -> Response {
        let Some((envelope, key)) = authorization(request) else { return refuse(401, "no statement") };
        let Ok(statement) = Yank::verify(&envelope, &key) else { return refuse(403, "no yank statement") };
        let wanted = if operation == "yank" { YankOperation::Yank } else { YankOperation::Unyank };
        let releases = self.releases.get_mut(name).unwrap();
        let (line, _) = releases.iter_mut().find(|(line, _)| line.vers.to_string() == version).unwrap();
        let fresh = statement.at.distance(clock::now()) < 300;
        if statement.cksum != line.cksum || statement.operation != wanted || statement.name != *name || !fresh
        {
            return refuse(403, "the statement is about something else");
        }
        if !self.nonces.insert(statement.nonce.expect("a nonce").to_string()) {
            return refuse(403, "the statement was used before");
        }
        line.yanked = wanted == YankOperation::Yank;
        json(&Done::new(""))
    }

    fn change_owners(&mut self, request: &Request) -> Response {
        let signed: SignedRequest = serde_json::from_slice(&request.body).unwrap();
        let by = signed.envelope.signer().unwrap();
        let change = OwnersChange::parse(&signed.envelope.payload).unwrap();
        let owners = self.owners.get_mut(&change.name).unwrap();
        if !owners.contains(&by) {
            return refuse(403, format!("{by} is no owner of {}", change.name));
        }
        match change.operation {
            OwnersOperation::Add => owners.insert(change.key),
            OwnersOperation::Remove => owners.remove(&change.key),
        };
        json(&Done::new("the owners are changed"))
    }

    fn transfer(&mut self, request: &Request) -> Response {
        let signed: SignedRequest = serde_json::from_slice(&request.body).unwrap();
        let by = signed.envelope.signer().unwrap();
        let step = Transfer::parse(&signed.envelope.payload).unwrap();
        let by_owner = self.owners[&step.name].contains(&by);
        match step.step {
            TransferStep::Offer if by_owner => drop(self.offered.insert(step.name, step.to)),
            TransferStep::Withdraw if by_owner => drop(self.offered.remove(&step.name)),
            TransferStep::Accept if by == step.to && self.offered.get(&step.name) == Some(&by) => {
                self.offered.remove(&step.name);
                self.owners.insert(step.name, BTreeSet::from([by]));
            }
            _ => return refuse(403, "that is not yours to do"),
        }
        json(&Done::new(""))
    }

    fn krate(&self, name: &str) -> Response {
        let name = QualifiedName::parse(name).unwrap();
        let Some(owners) = self.owners.get(&name) else {
            return refuse(404, format!("there is no crate {name}"));
        };
        json(&CrateInfo {
            index: index(name.namespace.as_str()),
            description: None,
            owners: owners.iter().copied().collect(),
            offered_to: self.offered.get(&name).copied(),
            versions: Vec::new(),
            history: Vec::new(),
            name,
        })
    }
}

fn name(namespace: &str, krate: &str) -> QualifiedName {
    QualifiedName { namespace: Namespace::parse(namespace).unwrap(), krate: CrateName::parse(krate).unwrap() }
}

/// The statement in a request's header, and who signed it.
fn authorization(request: &Request) -> Option<(Envelope, PublicKey)> {
    let envelope = Envelope::from_header(request.header("authorization")?).ok()?;
    let signer = envelope.signer().ok()?;
    Some((envelope, signer))
}
