//! Domains that lead the registry astray: inner addresses, redirects, answers without end; and the odd ways of DNS.

use std::time::Duration;

use cargo_namespaces::api::{CheckResponse, CheckState, PlaceName};
use namespace_world::registry::HOST;
use namespace_world::server::Response;
use namespace_world::{Author, HostileHost, LiveRegistry, Server, World};

use super::{authorize, check, world};

/// The registry remembers for two seconds that a domain said yes.
const FORGOTTEN: Duration = Duration::from_millis(2100);
const PUBLISHERS: &str = "/.well-known/cargo-publishers";

/// Another value in the registry's configuration, and a restart.
fn configure(world: &World, registry: &mut LiveRegistry, from: &str, to: &str) {
    let config = std::fs::read_to_string(registry.config()).expect("read the configuration");
    assert!(config.contains(from), "{from} is not in: {config}");
    std::fs::write(registry.config(), config.replace(from, to)).expect("write the configuration");
    registry.kill_and_restart(world);
    world.route(HOST, registry.address());
}

/// Lets the registry find the https of all domains at this server.
fn lead_to(world: &World, registry: &mut LiveRegistry, server: &Server) {
    let config = std::fs::read_to_string(registry.config()).expect("read the configuration");
    let line = config.lines().find(|line| line.starts_with("port = ")).expect("a port").to_owned();
    configure(world, registry, &line, &format!("port = {}", server.address().port()));
}

fn seen(answer: &CheckResponse, place: PlaceName) -> String {
    answer.places.iter().find(|found| found.place == place).expect("each place is told of").seen.clone()
}

#[test]
fn no_special_purpose_address_is_dialled_whatever_dns_says() {
    let (world, author) = world();
    let _registry = LiveRegistry::start(&world, "");
    authorize(&world, &author);
    for (kind, address) in [
        ("A", "0.0.0.0"),
        ("A", "10.0.0.1"),
        ("A", "100.64.0.1"),
        ("A", "169.254.169.254"),
        ("A", "172.16.0.1"),
        ("A", "192.168.0.1"),
        ("AAAA", "::ffff:169.254.169.254"),
        ("AAAA", "64:ff9b::a00:1"),
        ("AAAA", "2002:a00:1::"),
        ("AAAA", "fe80::1"),
        ("AAAA", "fd00:ec2::254"),
    ] {
        world.dns_forget("hello.example");
        world.dns_records("hello.example", kind, &[address]);
        let answer = check(&world, &author, Some("hello"));
        assert_ne!(answer.state, CheckState::MayPublish, "{address}");
        assert!(answer.message.contains("is not a public address"), "{address}: {}", answer.message);
    }
    // One that may be dialled, and one that may not; and by way of an alias.
    world.dns_forget("hello.example");
    world.dns_records("hello.example", "A", &["127.0.0.1", "10.0.0.1"]);
    let leads_to = |address: &str| {
        let message = check(&world, &author, None).message;
        assert!(message.contains(&format!("resolves to {address}")), "{message}");
    };
    leads_to("10.0.0.1");
    world.dns_forget("hello.example");
    world.dns_records("inside.example", "A", &["10.0.0.2"]);
    world.dns_records("hello.example", "CNAME", &["inside.example."]);
    leads_to("10.0.0.2");
    world.dns_forget("hello.example");
    world.dns_records("hello.example", "A", &["127.0.0.1"]);
    assert_eq!(
        check(&world, &author, None).state,
        CheckState::MayPublish,
        "all that was wrong was the address"
    );
}

#[test]
fn redirects_are_not_followed() {
    let (world, author) = world();
    let mut registry = LiveRegistry::start(&world, "");
    let record = format!("{}\n", author.record("hello.example"));
    let server = Server::start(&world, "hello.example", move |request| match request.path.as_str() {
        "/good" => Response::ok(record.clone()),
        _ => Response::redirect("/good"),
    });
    lead_to(&world, &mut registry, &server);
    let answer = check(&world, &author, Some("hello"));
    assert_ne!(answer.state, CheckState::MayPublish);
    assert!(seen(&answer, PlaceName::Publishers).contains("it redirects"), "{}", answer.message);
    let asked: Vec<String> = server.requests().into_iter().map(|request| request.path).collect();
    assert!(asked.contains(&PUBLISHERS.to_owned()) && !asked.contains(&"/good".to_owned()), "{asked:?}");
}

#[test]
fn slow_and_endless_answers_of_a_domain_are_left() {
    let (world, author) = world();
    let mut registry = LiveRegistry::start(&world, "");
    let refused = |registry: &mut LiveRegistry, server: &Server, says: &str| {
        lead_to(&world, registry, server);
        let begin = std::time::Instant::now();
        let answer = check(&world, &author, Some("hello"));
        assert_ne!(answer.state, CheckState::MayPublish);
        let seen = seen(&answer, PlaceName::Publishers);
        assert!(seen.contains(says), "{seen}");
        assert!(begin.elapsed() < Duration::from_secs(25), "{:?}", begin.elapsed());
    };
    refused(&mut registry, &HostileHost::endless(&world, "hello.example"), "it is larger than");
    refused(&mut registry, &HostileHost::slow(&world, "hello.example", Duration::from_millis(200)), "");
    refused(&mut registry, &HostileHost::silent(&world, "hello.example"), "");
    refused(&mut registry, &HostileHost::wrong_certificate(&world, "hello.example"), "certificate");
    refused(&mut registry, &HostileHost::status(&world, "hello.example", 500), "HTTP status 500");
}

#[test]
fn split_strings_wildcards_and_aliases_are_read_and_servfail_is_no_yes() {
    let (world, _) = world();
    let _registry = LiveRegistry::start(&world, "");
    let state = |host: &str, author: &Author| {
        let answer = check(&world, author, Some("hello"));
        (answer.state, seen(&answer, PlaceName::TxtApex), host.to_owned())
    };
    let split = Author::new("split.example");
    let record = split.record("split.example");
    world.txt_strings("split.example", &[&[&record[..20], &record[20..]]]);
    assert_eq!(state("split.example", &split).0, CheckState::MayPublish);
    // Others' records do no harm, and the one that counts may stand anywhere among them.
    let crowd = Author::new("crowd.example");
    let record = crowd.record("crowd.example");
    world.txt("crowd.example", &["v=spf1 -all", "sha256-garbage", &record, "x"]);
    assert_eq!(state("crowd.example", &crowd).0, CheckState::MayPublish);
    let wild = Author::new("a.wild.example");
    world.txt("*.wild.example", &[&wild.record("a.wild.example")]);
    assert_eq!(state("a.wild.example", &wild).0, CheckState::MayPublish);
    let other = Author {
        key: cargo_namespaces::key::SecretKey::generate().expect("randomness"),
        ..Author::new("b.wild.example")
    };
    assert_ne!(
        state("b.wild.example", &other).0,
        CheckState::MayPublish,
        "a record is of one key and one name"
    );
    let alias = Author::new("alias.example");
    world.txt("target.example", &[&alias.record("alias.example")]);
    world.dns_records("alias.example", "CNAME", &["target.example."]);
    assert_eq!(state("alias.example", &alias).0, CheckState::MayPublish);
    world.txt("host.insecure.example", &[&alias.record("alias.example")]);
    world.dns_records("alias.example", "CNAME", &["host.insecure.example."]);
    std::thread::sleep(FORGOTTEN);
    let (found, seen, _) = state("alias.example", &alias);
    assert!(found != CheckState::MayPublish && seen.contains("ignored: "), "{seen}");
    let broken = Author::new("host.broken.example");
    let (found, seen, _) = state("host.broken.example", &broken);
    assert!(found != CheckState::MayPublish && seen.contains("no usable answer"), "{seen}");
}

#[test]
fn of_two_resolvers_one_finds_a_forgery() {
    let (world, author) = world();
    let other = World::new(&["hello.example"]);
    let mut registry = LiveRegistry::start(&world, "");
    let resolvers = format!("resolvers = [\"{}\"]", world.resolver());
    let both = format!("resolvers = [\"{}\", \"{}\"]", world.resolver(), other.resolver());
    configure(&world, &mut registry, &resolvers, &both);
    // The same record in both; but what the second one serves was signed by keys that the trust anchor does not reach.
    for one in [&world, &other] {
        one.txt("hello.example", &[&author.record("hello.example")]);
    }
    let answer = check(&world, &author, Some("hello"));
    assert_ne!(answer.state, CheckState::MayPublish, "{}", answer.message);
    let apex = seen(&answer, PlaceName::TxtApex);
    assert!(apex.contains("no usable answer"), "{apex}");
    // The first one alone would do.
    configure(&world, &mut registry, &both, &resolvers);
    assert_eq!(check(&world, &author, Some("hello")).state, CheckState::MayPublish);
    // A zone whose chain is broken for both of them.
    let anchors =
        [&world, &other].map(|one| std::fs::read_to_string(one.trust_anchor()).expect("an anchor")).concat();
    let anchor = world.root().join("both.key");
    std::fs::write(&anchor, anchors).expect("write the anchors");
    configure(&world, &mut registry, &resolvers, &both);
    configure(&world, &mut registry, &format!("{:?}", world.trust_anchor()), &format!("{anchor:?}"));
    let bogus = Author::new("host.bogus.example");
    for one in [&world, &other] {
        one.txt("host.bogus.example", &[&bogus.record("host.bogus.example")]);
    }
    let answer = check(&world, &bogus, Some("hello"));
    assert_ne!(answer.state, CheckState::MayPublish);
    let apex = seen(&answer, PlaceName::TxtApex);
    assert!(apex.contains("no usable answer"), "{apex}");
    assert_eq!(
        check(&world, &author, Some("hello")).state,
        CheckState::MayPublish,
        "both know the good zone"
    );
}
