//! Verification of lock files that real Cargo wrote, against real domains and indexes.

use cargo_namespaces::key::SecretKey;
use cargo_namespaces::lockfile::{LockFile, LockedPackage};
use cargo_namespaces::statement::{Endorsement, Nonce, Predicate as _};
use cargo_namespaces::token::{Scope, Token};
use cargo_namespaces::trust::{Options, TrustBasis};
use cargo_namespaces::trust_file::TrustFile;
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::env::{Environment, Var};
use cargo_namespaces_cli::network::Network;
use cargo_namespaces_cli::registry_client::RegistryClient;
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_cli::shell::ExitCode;
use cargo_namespaces_cli::verify::{
    Before, LiveSources, Problem, Refused, Report, Request, configured, verify,
};
use namespace_world::{Project, SignedSite, World, run};

/// A project of this world and what it trusts.
struct Consumer<'w> {
    world: &'w World,
    project: Project,
    trust_file: TrustFile,
    locked: Vec<LockedPackage>,
    options: Options,
}

impl<'w> Consumer<'w> {
    /// An application that depends on `name` of the site, any version.
    fn of(world: &'w World, site: &SignedSite<'_>, name: &str) -> Self {
        let project = world
            .project("app")
            .binary("app", &site.consumer_dependency(name, "*"), "fn main() {}\n")
            .file(".cargo/config.toml", &site.registry_config());
        let trust_file = TrustFile::default();
        Self { world, project, trust_file, locked: Vec::new(), options: Options::default() }
    }

    fn lock(&self) -> Vec<LockedPackage> {
        LockFile::parse(&self.project.read("Cargo.lock")).expect("Cargo writes lock files").packages
    }

    /// Has Cargo lock the newest releases, and verifies what enters.
    fn update(&self) -> Result<Report, Refused> {
        run(self.world.cargo().arg("update").current_dir(self.project.path())).success();
        self.verify(Before::Packages(&self.locked), false)
    }

    /// As [`Consumer::update`], and keeps the outcome.
    fn adopt(&mut self) -> Report {
        let report = self.update().unwrap_or_else(|refused| panic!("{refused}"));
        report.apply(&mut self.trust_file);
        self.locked = self.lock();
        report
    }

    fn codes(&self) -> Vec<&'static str> {
        codes(&self.update().expect_err("it should be refused"))
    }

    fn verify(&self, before: Before<'_>, offline: bool) -> Result<Report, Refused> {
        let mut env = Environment::default();
        for (name, value) in self.world.environment() {
            if let Some(var) = Var::ALL.iter().find(|var| var.name() == name) {
                env = env.with(*var, value);
            }
        }
        let overrides = if offline { vec!["net.offline = true".to_owned()] } else { Vec::new() };
        let settings = Settings::load(self.project.path(), &env, &overrides).expect("the world's settings");
        let network = Network::new(&settings);
        let registries = RegistryClient::new(&settings, &network);
        let sources = LiveSources { registries: &registries, network: &network };
        let request = Request {
            packages: &self.lock(),
            before,
            trust_file: &self.trust_file,
            configured: &configured(&settings),
            patched: &settings.patched,
            known: std::collections::BTreeMap::new(),
            views: Vec::new(),
            options: &self.options,
            special_use: settings.namespaces.special_use,
            offline,
            now: clock::now(),
        };
        verify(&request, &sources)
    }
}

fn codes(refused: &Refused) -> Vec<&'static str> {
    refused.problems.iter().map(Problem::code).collect()
}

fn notes(report: &Report) -> Vec<&'static str> {
    let releases = report.releases.iter().flat_map(|release| &release.notes);
    releases.chain(&report.notes).map(|note| note.code).collect()
}

fn endorsement(site: &SignedSite<'_>, new: &SecretKey) -> Endorsement {
    Endorsement {
        by: site.key().public(),
        key: new.public(),
        scope: Scope::Namespace(site.namespace().clone()),
        index: site.index().clone(),
        recovery: false,
        issued_at: clock::now(),
        expires_at: None,
        nonce: Nonce::generate().expect("the system has randomness"),
    }
}

#[test]
fn first_contact_pins_direct_and_transitive_namespaces_and_later_needs_no_network() {
    let world = World::new(&["regex.example", "grep.example"]);
    let (regex, grep) = (SignedSite::new(&world, "regex.example"), SignedSite::new(&world, "grep.example"));
    regex.release("memchr", "1.0.0").publish();
    grep.release("grep", "0.1.0").dependency(&regex.dependency("memchr", "1")).publish();
    let mut app = Consumer::of(&world, &grep, "grep");
    let report = app.adopt();
    let names: Vec<String> = report.releases.iter().map(|release| release.name.to_string()).collect();
    assert_eq!(names, ["grep.example/grep", "regex.example/memchr"]);
    assert!(report.releases.iter().all(|release| matches!(release.how, TrustBasis::Listed(_))));
    assert_eq!(report.new_pins.len(), 2);
    let pinned = app.trust_file.serialise();
    assert!(pinned.contains(&grep.key().public().to_string()) && pinned.contains("[\"regex.example\"]"));
    // Everything is in the caches now: the domains may go.
    world.take_down("grep.example");
    world.take_down("regex.example");
    world.stop_dns();
    world.forget_contacts();
    let report = app.verify(Before::Everything, true).unwrap();
    assert_eq!(report.releases.len(), 2);
    assert_eq!(notes(&report), ["offline"]);
    assert_eq!(world.contacted(), Vec::<String>::new());
}

#[test]
fn a_key_that_stands_in_dns_alone_is_enough() {
    let world = World::new(&["grep.example"]);
    let site = SignedSite::new(&world, "grep.example");
    site.release("grep", "0.1.0").publish();
    site.authorize_nobody();
    let app = Consumer::of(&world, &site, "grep");
    assert_eq!(app.codes(), ["key-not-listed"]);
    let token = Token::compute(&Scope::Namespace(site.namespace().clone()), &site.key().public());
    world.txt("_cargo-namespace.grep.example", &["v=spf1 -all", &token.to_string()]);
    assert_eq!(app.update().unwrap().new_pins.len(), 1);
}

#[test]
fn an_index_that_gained_a_dependency_is_refused() {
    let world = World::new(&["grep.example"]);
    let site = SignedSite::new(&world, "grep.example");
    site.release("evil", "1.0.0").publish();
    site.release("grep", "0.1.0").publish();
    world.tamper_line("grep.example", "grep", "0.1.0", |line| {
        line["deps"] = serde_json::json!([{ "name": "evil", "req": "^1", "features": [], "optional": false,
            "default_features": true, "target": null, "kind": "normal" }]);
    });
    let refused = Consumer::of(&world, &site, "grep").update().unwrap_err();
    assert_eq!(codes(&refused), ["index-line-differs"]);
    assert!(refused.to_string().contains("evil"), "{refused}");
    assert_eq!(refused.exit(), ExitCode::Refused);
}

#[test]
fn a_changed_crate_is_refused() {
    let world = World::new(&["grep.example"]);
    let site = SignedSite::new(&world, "grep.example");
    site.release("grep", "0.1.0").publish();
    let app = Consumer::of(&world, &site, "grep");
    let path = SignedSite::crate_path("grep", "0.1.0");
    world.tamper("grep.example", &path, |bytes| bytes.push(0));
    // `cargo update` reads the index only, so nothing has noticed yet.
    assert_eq!(app.codes(), ["checksum"]);
}

#[test]
fn the_key_of_a_locked_crate_changes() {
    let world = World::new(&["grep.example"]);
    let site = SignedSite::new(&world, "grep.example");
    site.release("grep", "0.1.0").publish();
    let mut app = Consumer::of(&world, &site, "grep");
    app.adopt();
    let new = SecretKey::generate().unwrap();
    site.release("grep", "0.2.0").signed_by(&new).publish();
    assert_eq!(app.codes(), ["key-not-listed"]);
    site.authorize(&new.public());
    assert_eq!(app.codes(), ["key-changed"]);
    // The one way on is the user's word, the other the old key's.
    app.options.trust.push(new.public());
    assert_eq!(app.update().unwrap().releases[0].how, TrustBasis::SaidByUser);
    app.options.trust.clear();
    site.endorse(endorsement(&site, &new).sign(site.key()));
    let report = app.adopt();
    assert_eq!(report.releases[0].how, TrustBasis::Endorsed(site.key().public()));
    assert_eq!(app.trust_file.namespaces[site.namespace()].trusted.len(), 2);
}

#[test]
fn a_revoked_key_is_refused_though_locked_and_the_revocation_stays_in_the_trust_file() {
    let world = World::new(&["grep.example"]);
    let site = SignedSite::new(&world, "grep.example");
    site.release("grep", "0.1.0").publish();
    let mut app = Consumer::of(&world, &site, "grep");
    app.adopt();
    app.verify(Before::Everything, false).unwrap();
    site.revoke_own_key("the laptop was stolen");
    let refused = app.verify(Before::Everything, false).unwrap_err();
    assert_eq!(codes(&refused), ["key-revoked"]);
    assert!(refused.problems[0].meaning().unwrap().contains("the laptop was stolen"));
    // Offline nobody can know; with the key noted as revoked, everybody does.
    app.verify(Before::Everything, true).unwrap();
    app.trust_file.revoke(site.namespace(), site.key().public());
    assert_eq!(codes(&app.verify(Before::Everything, true).unwrap_err()), ["key-revoked"]);
}

#[test]
fn a_silent_domain_warns_stops_nothing_and_is_refused_when_strict() {
    let world = World::new(&["grep.example", "files.example"]);
    let site = SignedSite::new(&world, "grep.example");
    site.release("grep", "0.1.0").publish();
    let mut app = Consumer::of(&world, &site, "grep");
    app.adopt();
    site.release("grep", "0.2.0").publish();
    run(world.cargo().arg("update").current_dir(app.project.path())).success();
    // The documents break; the index, on the same host, does not.
    let json = ".well-known/rust-lang.org/package-namespace.json";
    world.serve("grep.example", json, "{ \"authorized_keys\": [");
    world.serve("grep.example", ".well-known/cargo-publishers", "");
    let before = Before::Packages(&app.locked);
    let report = app.verify(before, false).unwrap();
    assert_eq!(report.releases[0].how, TrustBasis::PinnedDomainUnreachable);
    assert!(notes(&report).contains(&"domain-silent"));
    app.options.strict = true;
    let refused = app.verify(Before::Packages(&app.locked), false).unwrap_err();
    assert_eq!(codes(&refused), ["domain-silent-strict"]);
    assert_eq!(refused.exit(), ExitCode::Unreachable);
}

#[test]
fn a_domain_that_no_longer_lists_the_pinned_key_stops_new_releases_only() {
    let world = World::new(&["grep.example"]);
    let site = SignedSite::new(&world, "grep.example");
    site.release("grep", "0.1.0").publish();
    let mut app = Consumer::of(&world, &site, "grep");
    app.adopt();
    site.authorize_nobody();
    app.verify(Before::Everything, false).unwrap();
    site.release("grep", "0.2.0").publish();
    assert_eq!(app.codes(), ["key-no-longer-listed"]);
}

#[test]
fn an_index_that_moves_stops_until_it_is_trusted() {
    let world = World::new(&["grep.example"]);
    let site = SignedSite::new(&world, "grep.example");
    site.release("grep", "0.1.0").publish();
    let mut app = Consumer::of(&world, &site, "grep");
    app.adopt();
    let token = Token::compute(&Scope::Namespace(site.namespace().clone()), &site.key().public());
    let record = format!("{token} index=sparse+https://elsewhere.example/index/");
    world.txt("grep.example", &[&record]);
    // Two places, two answers: no identity at all.
    assert_eq!(codes(&app.verify(Before::Everything, false).unwrap_err()), ["index-contradiction"]);
    world.serve("grep.example", ".well-known/cargo-publishers", &record);
    world.serve("grep.example", ".well-known/rust-lang.org/package-namespace.json", "{}");
    assert_eq!(codes(&app.verify(Before::Everything, false).unwrap_err()), ["index-moved"]);
}
