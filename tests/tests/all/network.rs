//! The library's network side against real servers: signed zones, a private authority, hosts that misbehave.

use std::time::{Duration, Instant};

use cargo_namespaces::discovery::TxtRecord;
use cargo_namespaces::domain_view::{Listing, RecordPlace};
use cargo_namespaces::key::SecretKey;
use cargo_namespaces::limits;
use cargo_namespaces::name::{Namespace, QualifiedName};
use cargo_namespaces::token::{Scope, Token};
use cargo_namespaces_cli::env::{Environment, Var};
use cargo_namespaces_cli::network::{Network, Transport as _};
use cargo_namespaces_cli::settings::Settings;
use cargo_namespaces_net::client::{ClientOptions, Request, TransportErrorKind};
use cargo_namespaces_net::resolver::TxtOutcome;
use namespace_world::{HostileHost, Need, Server, World, require};

/// The settings that a command would read in this world.
pub(crate) fn settings(world: &World) -> Settings {
    let mut env = Environment::default();
    for (name, value) in world.environment() {
        if let Some(var) = Var::ALL.iter().find(|var| var.name() == name) {
            env = env.with(*var, value);
        }
    }
    Settings::load(world.root(), &env, &[]).expect("the settings of a world are good")
}

pub(crate) fn client(world: &World) -> Network<'static> {
    Network::new(&settings(world))
}

fn lookup(settings: &Settings, names: &[&str]) -> Vec<TxtOutcome> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    Network::new(settings).lookup_txt(&names)
}

fn one(world: &World, name: &str) -> TxtOutcome {
    lookup(&settings(world), &[name]).remove(0)
}

fn records(texts: &[&str]) -> TxtOutcome {
    TxtOutcome::Records(texts.iter().map(|text| TxtRecord::single(text)).collect())
}

#[test]
fn signed_records_are_believed_and_signed_absence_too() {
    let world = World::new(&["grep.example"]);
    world.txt("grep.example", &["sha256-abc"]);
    world.txt("_cargo-namespace.grep.example", &["sha256-def"]);
    let names = ["grep.example", "_cargo-namespace.grep.example", "ns.example", "nobody.example"];
    let started = Instant::now();
    let outcomes = lookup(&settings(&world), &names);
    eprintln!("four lookups took {:?}", started.elapsed());
    assert_eq!(
        outcomes,
        [records(&["sha256-abc"]), records(&["sha256-def"]), TxtOutcome::Absent, TxtOutcome::Absent]
    );
}

#[test]
fn strings_wildcards_aliases_and_large_answers_are_read() {
    let world = World::new(&["grep.example"]);
    world.txt_strings("grep.example", &[&["sha256-", "abc"]]);
    let strings = vec![b"sha256-".to_vec(), b"abc".to_vec()];
    assert_eq!(one(&world, "grep.example"), TxtOutcome::Records(vec![TxtRecord(strings)]));
    world.txt("*.wild.example", &["anything"]);
    assert_eq!(one(&world, "some.wild.example"), records(&["anything"]));
    assert_eq!(one(&world, "deep.down.wild.example"), records(&["anything"]));
    world.txt("a.wild.example", &["a"]);
    world.txt("z.wild.example", &["z"]);
    assert_eq!(one(&world, "some.wild.example"), records(&["anything"]));
    world.dns_records("alias.example", "CNAME", &["grep.example."]);
    let TxtOutcome::Records(found) = one(&world, "alias.example") else { panic!("an alias is followed") };
    assert_eq!(found.len(), 1);
    world.dns_records("dangling.example", "CNAME", &["gone.example."]);
    assert_eq!(one(&world, "dangling.example"), TxtOutcome::Absent);
    world.dns_records("out.example", "CNAME", &["host.insecure.example."]);
    assert!(matches!(one(&world, "out.example"), TxtOutcome::Insecure(_)));
    // More than a datagram holds.
    let many: Vec<String> = (0..60).map(|at| format!("{at} {}", "x".repeat(200))).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    world.txt("crowded.example", &many);
    let TxtOutcome::Records(found) = one(&world, "crowded.example") else { panic!("TCP is tried") };
    assert_eq!(found.len(), 60);
}

#[test]
fn forged_txt_is_not_believed() {
    let world = World::new(&[]);
    world.txt("x.insecure.example", &["unsigned"]);
    world.txt("x.bogus.example", &["badly signed"]);
    let unsigned = one(&world, "x.insecure.example");
    assert!(matches!(unsigned, TxtOutcome::Insecure(_)), "{unsigned:?}");
    let nothing = one(&world, "nothing.insecure.example");
    assert!(matches!(nothing, TxtOutcome::Insecure(_)), "{nothing:?}");
    for name in ["x.bogus.example", "nothing.bogus.example"] {
        let bogus = one(&world, name);
        assert!(matches!(bogus, TxtOutcome::Bogus(_)), "{bogus:?}");
    }
    let broken = one(&world, "x.broken.example");
    assert!(matches!(broken, TxtOutcome::Failed(_)), "{broken:?}");
}

#[test]
fn another_trust_anchor_validates_nothing() {
    let (world, other) = (World::new(&[]), World::new(&[]));
    world.txt("grep.example", &["sha256-abc"]);
    let mut settings = settings(&world);
    settings.namespaces.trust_anchor = self::settings(&other).namespaces.trust_anchor;
    for anchor in [settings.namespaces.trust_anchor.clone(), None] {
        settings.namespaces.trust_anchor = anchor;
        let outcome = lookup(&settings, &["grep.example"]).remove(0);
        let TxtOutcome::Failed(reason) = outcome else { panic!("{outcome:?}") };
        assert!(reason.contains("trust anchor"), "{reason}");
    }
}

#[test]
fn a_digest_serves_as_trust_anchor() {
    let world = World::new(&[]);
    world.txt("grep.example", &["sha256-abc"]);
    let mut settings = settings(&world);
    let output = namespace_world::run(
        namespace_world::programs::command("keymgr")
            .arg("-c")
            .arg(world.root().join("dns/knot.conf"))
            .args([".", "ds"]),
    )
    .success();
    let file = world.root().join("root.ds");
    std::fs::write(&file, output.stdout.lines().filter(|line| line.contains(" 13 2 ")).collect::<String>())
        .unwrap();
    settings.namespaces.trust_anchor = Some(file);
    assert_eq!(lookup(&settings, &["grep.example"]), [records(&["sha256-abc"])]);
}

#[test]
fn a_name_server_that_is_down_is_a_failure() {
    let world = World::new(&[]);
    world.stop_dns();
    let outcome = one(&world, "grep.example");
    assert!(matches!(outcome, TxtOutcome::Failed(_)), "{outcome:?}");
}

#[test]
fn a_domain_is_asked_in_all_its_places() {
    let world = World::new(&["grep.example"]);
    let (namespace, key) =
        (Namespace::parse("grep.example").unwrap(), SecretKey::generate().unwrap().public());
    let name = QualifiedName::parse("grep.example/grep-cli").unwrap();
    let scope = Scope::Namespace(namespace.clone());
    let token = Token::compute(&scope, &key).to_string();
    let standing = |world: &World| {
        let settings = settings(world);
        let view = Network::new(&settings).view(&namespace).unwrap();
        view.listing(&key, &name)
    };
    let nobody = standing(&world);
    assert!(matches!(nobody, Listing::NotListed { .. }), "{nobody:?}");
    world.txt("_cargo-namespace.grep.example", &[&token]);
    world.serve("grep.example", ".well-known/cargo-publishers", format!("{token}\n"));
    let Listing::Listed { places, .. } = standing(&world) else { panic!("two places list the key") };
    assert_eq!(places, [RecordPlace::Publishers, RecordPlace::TxtLabel]);
    world.take_down("grep.example");
    assert!(matches!(standing(&world), Listing::Listed { .. }), "TXT alone will do");
    world.dns_forget("_cargo-namespace.grep.example");
    let silent = standing(&world);
    assert!(matches!(silent, Listing::Unreachable { .. }), "no answer is not a no: {silent:?}");
}

#[test]
fn only_the_host_itself_and_only_a_good_certificate_answer() {
    let world = World::new(&["grep.example", "elsewhere.example", "mallory.example"]);
    world.serve("elsewhere.example", "x", "from elsewhere");
    let get = |request| client(&world).fetch_one(request);
    let redirecting = HostileHost::redirect(&world, "grep.example", "https://elsewhere.example");
    let response = get(Request::document("https://grep.example/x")).unwrap();
    assert_eq!(response.status / 100, 3);
    let response = get(Request::index_file("https://grep.example/x")).unwrap();
    assert_eq!(response.bytes(), b"from elsewhere");
    drop(redirecting);
    let wrong = HostileHost::wrong_certificate(&world, "mallory.example");
    let error = get(Request::document("https://mallory.example/x")).unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Tls, "{error}");
    drop(wrong);
    // Cargo's CA file replaces the system's authorities; without it the world's are unknown.
    let options = ClientOptions { cainfo: None, ..settings(&world).http };
    let stranger = Network::with_options(options).fetch_one(Request::document("https://elsewhere.example/x"));
    assert_eq!(stranger.unwrap_err().kind, TransportErrorKind::Tls);
}

#[test]
fn nobody_sends_a_request_on_to_this_machine() {
    let world = World::new(&["grep.example"]);
    let here = Server::plain(|_| namespace_world::server::Response::ok("what only this machine has"));
    let base = format!("http://localhost:{}", here.address().port());
    let own = client(&world).fetch_one(Request::index_file(format!("{base}/x"))).unwrap();
    assert_eq!(own.status, 200, "whoever asks for it gets it");
    let _redirecting = HostileHost::redirect(&world, "grep.example", &base);
    let refused = client(&world).fetch_one(Request::index_file("https://grep.example/x")).unwrap_err();
    assert_eq!(refused.kind, TransportErrorKind::Redirect, "{refused}");
    assert_eq!(here.requests().len(), 1);
}

#[test]
fn hosts_that_never_end_are_left() {
    let world = World::new(&["endless.example", "silent.example", "headers.example", "short.example"]);
    let kind = |host: &str| {
        let request = Request {
            timeout: Duration::from_secs(2),
            ..Request::document(format!("https://{host}/.well-known/cargo-publishers"))
        };
        client(&world).fetch_one(request).unwrap_err().kind
    };
    let started = Instant::now();
    let _endless = HostileHost::endless(&world, "endless.example");
    assert_eq!(kind("endless.example"), TransportErrorKind::TooLarge);
    let _silent = HostileHost::silent(&world, "silent.example");
    assert_eq!(kind("silent.example"), TransportErrorKind::Timeout);
    let _headers = HostileHost::endless_headers(&world, "headers.example");
    let headers = kind("headers.example");
    assert!(matches!(headers, TransportErrorKind::Broken | TransportErrorKind::Timeout), "{headers:?}");
    let _short = HostileHost::truncated(&world, "short.example");
    let short = client(&world).fetch_one(Request::index_file("https://short.example/x")).unwrap_err();
    assert_eq!(short.kind, TransportErrorKind::Broken, "{short}");
    assert!(started.elapsed() < limits::DOCUMENT_TIMEOUT);
}

#[test]
fn dns_over_https_goes_where_it_is_configured() {
    let world = World::new(&["dns.example"]);
    let mut settings = settings(&world);
    settings.namespaces.resolver =
        cargo_namespaces_net::resolver::ResolverSetting::Doh("https://dns.example/dns-query".to_owned());
    let names = ["grep.example".to_owned()];
    let outcome = Network::new(&settings).lookup_txt(&names).remove(0);
    // nginx serves files only; that it was asked is what counts here.
    assert!(matches!(outcome, TxtOutcome::Failed(_)), "{outcome:?}");
    assert_eq!(world.requests("dns.example").len(), 1);
    assert!(world.requests("dns.example")[0].starts_with("POST /dns-query "));
}

#[test]
fn a_zone_is_asked_at_its_own_servers() {
    let world = World::new(&["grep.example"]);
    world.txt("_cargo-namespace.grep.example", &["sha256-abc"]);
    // On another port it could not be asked: no zone can say which.
    if !require(Need::Port53) {
        return;
    }
    let settings = settings(&world);
    let check = |name: &str| Network::new(&settings).check_zone(name).unwrap();
    let found = check("_cargo-namespace.grep.example");
    assert_eq!(found.zone, "example");
    assert_eq!(found.negative_ttl, Duration::from_secs(5));
    assert_eq!(found.servers.len(), 1);
    assert_eq!(found.servers[0].name, "ns.example");
    assert_eq!(found.servers[0].answer, Ok(vec![TxtRecord::single("sha256-abc")]));
    assert_eq!(check("grep.example").servers[0].answer, Ok(Vec::new()));
    assert_eq!(check("x.insecure.example").zone, "insecure.example");
}
