//! The decision, without a registry.

use std::collections::BTreeMap;

use cargo_namespaces::digest::Digest;
use cargo_namespaces::domain_view::{DomainView, ProbeOutcome, ProbeResult, RecordPlace};
use cargo_namespaces::index::{Facts, IndexFile, IndexLine};
use cargo_namespaces::key::SecretKey;
use cargo_namespaces::name::{CrateName, QualifiedName};
use cargo_namespaces::token::{Record, Scope, Token};
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::env::Environment;
use semver::Version;

use super::*;
use crate::config::{self, Overrides};

/// A release of `serde.rs/hello` 1.0.0, and what is known of it.
struct Case {
    config: Config,
    statement: ReleaseStatement,
    key: PublicKey,
    rows: Rows,
    domain: Option<Arc<DomainAnswer>>,
    content: Option<Checked>,
}

impl Case {
    /// Of a crate that its signer owns.
    fn new() -> Self {
        let config = config::load(None, &Environment::default(), &Overrides::default()).unwrap();
        let name = QualifiedName::parse("serde.rs/hello").unwrap();
        let (index, key) = (config.public.index_of(&name.namespace), SecretKey::generate().unwrap().public());
        let (version, cksum) = (Version::new(1, 0, 0), Digest::of(b"hello"));
        let spelled = Some(name.krate.clone());
        let known = Known { spelled: spelled.clone(), owners: vec![key], ..Known::default() };
        let held = CrateIndex::new(name.clone(), index.clone(), spelled, IndexFile::default());
        let statement = ReleaseStatement { name, version, cksum, index, at: clock::now() };
        Self { config, statement, key, rows: Rows { known, held }, domain: None, content: None }
    }

    /// Of a crate that is not there yet.
    fn of_new_crate() -> Self {
        let mut case = Self::new();
        case.rows.known = Known::default();
        case.hold(None, None);
        case
    }

    /// Holds the crate by this spelling, with this release.
    fn hold(&mut self, spelled: Option<CrateName>, line: Option<IndexLine>) {
        let (name, index) = (self.statement.name.clone(), self.statement.index.clone());
        self.rows.held = CrateIndex::new(name, index, spelled, line.into_iter().collect());
    }

    fn line(&self, version: &str, content: &[u8]) -> IndexLine {
        let facts = Facts {
            name: self.statement.name.krate.clone(),
            version: version.parse().unwrap(),
            deps: Vec::new(),
            features: BTreeMap::new(),
            links: None,
            rust_version: None,
        };
        IndexLine::new(facts, Digest::of(content), Vec::new())
    }

    /// The domain lists these keys.
    fn listing(mut self, keys: &[PublicKey]) -> Self {
        let namespace = &self.statement.name.namespace;
        let record = |key| {
            let token = Token::compute(&Scope::Namespace(namespace.clone()), key);
            let record = Record { index: Some(self.statement.index.clone()), ..Record::new(token) };
            format!("{record}\n")
        };
        let text: String = keys.iter().map(record).collect();
        let outcomes = [
            ProbeOutcome::Absent,
            ProbeOutcome::Document(text.into_bytes()),
            ProbeOutcome::Absent,
            ProbeOutcome::Absent,
        ];
        let observations = RecordPlace::ALL.into_iter().zip(outcomes);
        let observations: Vec<_> =
            observations.map(|(place, outcome)| ProbeResult { place, outcome }).collect();
        let view = DomainView::from_observations(namespace, observations.clone());
        self.domain = Some(Arc::new(DomainAnswer { view, observations, at: clock::now() }));
        self
    }

    fn with_unnamed_dependency(mut self) -> Self {
        self.content = Some(Checked { line: self.line("1.0.0", b"hello"), unnamed: vec!["libc".to_owned()] });
        self
    }

    fn admit(&self) -> Admission {
        let Self { config, statement, key, rows, domain, content } = self;
        let candidate = Candidate { statement, key, rows, domain: domain.clone(), content: content.as_ref() };
        admit(config, &candidate)
    }

    fn admitted(&self) -> Admitted {
        match self.admit() {
            Admission::Admitted(admitted) => admitted,
            Admission::Refused(refusal) => panic!("{refusal}"),
        }
    }

    fn refused(&self) -> Refusal {
        match self.admit() {
            Admission::Refused(refusal) => refusal,
            Admission::Admitted(_) => panic!("admitted"),
        }
    }

    fn needs_domain(&self) -> bool {
        let name = &self.statement.name;
        let asking = Asking::new(&self.config, &name.namespace, Some(name), &self.key);
        needs_domain(&self.config, &asking, &self.statement, &self.rows)
    }
}

#[test]
fn an_owner_and_a_key_that_the_domain_lists_are_trusted() {
    let case = Case::new();
    assert!(!case.needs_domain());
    assert!(!case.admitted().is_new_crate);
    let case = Case::of_new_crate();
    assert!(case.needs_domain());
    assert!(matches!(case.refused(), Refusal::Raced), "the domain was not asked");
    let key = case.key;
    let admitted = case.listing(&[key]).admitted();
    assert!(admitted.is_new_crate && admitted.finding.proof.is_some());
    let stranger = SecretKey::generate().unwrap().public();
    assert!(matches!(Case::of_new_crate().listing(&[stranger]).refused(), Refusal::NotPermitted(_)));
    let mut case = Case::new();
    case.rows.known.owners = vec![stranger];
    assert!(
        matches!(case.refused(), Refusal::NotPermitted(_)),
        "the domain does not help with somebody's crate"
    );
}

#[test]
fn what_is_frozen_comes_from_nobody() {
    let mut case = Case::new();
    case.rows.known.namespace.frozen = Some("hacked".to_owned());
    let key = case.key;
    let refusal = case.listing(&[key]).refused();
    assert!(refusal.to_string().contains("hacked"), "{refusal}");
}

#[test]
fn a_name_and_a_version_are_taken_once() {
    let mut case = Case::new();
    case.hold(Some(CrateName::parse("Hello").unwrap()), None);
    let refusal = case.refused();
    assert!(matches!(refusal, Refusal::Rules(_)), "{refusal}");
    assert!(refusal.to_string().contains("the same name as `Hello`"), "{refusal}");
    assert!(!case.needs_domain(), "nobody proves a domain for nothing");
    for (version, content, text) in [
        ("1.0.0", "hello", "exactly this content"),
        ("1.0.0", "other", "other content"),
        ("1.0.0+build", "hello", "only in its build part"),
    ] {
        let mut case = Case::new();
        let line = case.line(version, content.as_bytes());
        case.hold(Some(case.statement.name.krate.clone()), Some(line));
        let refusal = case.refused();
        assert!(refusal.to_string().contains(text), "{version}: {refusal}");
    }
}

#[test]
fn the_operator_decides_about_dependencies_that_name_no_registry() {
    for (rule, admitted, refused) in [
        (DefaultRegistry::Allow, None, false),
        (DefaultRegistry::Warn, Some("libc"), false),
        (DefaultRegistry::Deny, None, true),
    ] {
        let mut case = Case::of_new_crate().with_unnamed_dependency();
        case.config.policy.default_registry = rule;
        let key = case.key;
        let case = case.listing(&[key]);
        match case.admit() {
            Admission::Admitted(found) => {
                assert_eq!(found.warning.is_some(), admitted.is_some(), "{rule:?}");
                assert!(!refused);
            }
            Admission::Refused(refusal) => {
                assert!(refused && matches!(refusal, Refusal::DefaultRegistry(_)), "{rule:?}: {refusal}");
            }
        }
    }
    let mut case = Case::new().with_unnamed_dependency();
    case.config.policy.default_registry = DefaultRegistry::Deny;
    assert!(case.admitted().warning.is_some(), "a crate that is there goes on");
}
