//! What counts as a proof: three places, and nothing that only looks like one.

use cargo_namespaces::api::{CheckState, PlaceName};
use namespace_world::{Author, LiveRegistry, World};

use super::{authorize, check, publish, world};

/// The registry remembers for two seconds that a domain said yes.
fn forget() {
    std::thread::sleep(std::time::Duration::from_millis(2100));
}

#[test]
fn a_record_in_any_of_the_places_is_enough() {
    let (world, author) = world();
    let _registry = LiveRegistry::start(&world, "");
    let first = check(&world, &author, Some("hello"));
    assert_eq!(first.state, CheckState::UnknownDomain);
    assert_eq!(first.namespace_record.to_string(), author.record("hello.example"));
    let found = |place| {
        forget();
        let now = check(&world, &author, Some("hello"));
        assert_eq!(now.state, CheckState::MayPublish, "{}", now.message);
        let found: Vec<PlaceName> = now.places.iter().filter(|p| p.found).map(|p| p.place).collect();
        assert_eq!(found, [place]);
    };
    world.txt("hello.example", &[&author.record("hello.example")]);
    found(PlaceName::TxtApex);
    world.txt("hello.example", &[]);
    world.txt("_cargo-namespace.hello.example", &[&author.record("hello.example/hello")]);
    found(PlaceName::TxtLabel);
    assert_eq!(check(&world, &author, Some("other")).state, CheckState::Stranger, "one crate is one crate");
    world.txt("_cargo-namespace.hello.example", &[]);
    authorize(&world, &author);
    found(PlaceName::Publishers);
    world.serve("hello.example", ".well-known/cargo-publishers", "");
    let record = author.record("hello.example");
    let (token, index) = record.split_once(" index=").unwrap();
    let json = format!("{{\"authorized_keys\": [\"{token}\"], \"index\": \"{index}\"}}");
    world.serve("hello.example", ".well-known/rust-lang.org/package-namespace.json", json);
    found(PlaceName::Json);
}

#[test]
fn a_domain_whose_index_is_elsewhere_is_not_hosted_here() {
    let (world, author) = world();
    let _registry = LiveRegistry::start(&world, "");
    let record = author.record("hello.example");
    let token = record.split(' ').next().unwrap();
    world.serve("hello.example", ".well-known/cargo-publishers", format!("{token}\n"));
    let answer = check(&world, &author, Some("hello"));
    assert_eq!(answer.state, CheckState::OtherIndex);
    assert!(answer.message.contains("sparse+https://hello.example/cargo/index/"), "{}", answer.message);
}

#[test]
fn forged_and_unsigned_txt_proves_nothing() {
    let world = World::new(&[]);
    let _registry = LiveRegistry::start(&world, "");
    for (host, says) in [("host.bogus.example", "no usable answer"), ("host.insecure.example", "ignored: ")] {
        let author = Author::new(host);
        world.txt(host, &[&author.record(host)]);
        let answer = check(&world, &author, Some("hello"));
        assert_ne!(answer.state, CheckState::MayPublish);
        let apex = answer.places.iter().find(|place| place.place == PlaceName::TxtApex).unwrap();
        assert!(apex.seen.contains(says), "{}", apex.seen);
    }
}

#[test]
fn a_domain_that_leads_inside_is_not_followed() {
    let (world, author) = world();
    let _registry = LiveRegistry::start(&world, "");
    authorize(&world, &author);
    for (kind, address) in
        [("A", "10.0.0.1"), ("A", "169.254.169.254"), ("AAAA", "::1"), ("AAAA", "::ffff:127.0.0.1")]
    {
        world.dns_records("hello.example", kind, &[address]);
        forget();
        let answer = check(&world, &author, Some("hello"));
        assert_ne!(answer.state, CheckState::MayPublish, "{address}");
        assert!(answer.message.contains("is not a public address"), "{}", answer.message);
    }
}

#[test]
fn where_the_operator_wants_it_the_record_must_stand_at_every_release() {
    let (world, author) = world();
    let _registry = LiveRegistry::start(&world, "revalidate = \"every-publish\"\n");
    authorize(&world, &author);
    publish(&world, &author, "hello", "0.1.0").success();
    world.serve("hello.example", ".well-known/cargo-publishers", "# nobody\n");
    forget();
    publish(&world, &author, "hello", "0.2.0").failure().stderr_has("no record of the domain names your key");
    authorize(&world, &author);
    publish(&world, &author, "hello", "0.2.0").success();
}

#[test]
fn two_resolvers_must_agree() {
    let (world, author) = world();
    let other = World::new(&["hello.example"]);
    let anchors = [&world, &other].map(|one| std::fs::read_to_string(one.trust_anchor()).unwrap()).concat();
    let anchor = world.root().join("anchors.key");
    std::fs::write(&anchor, anchors).unwrap();
    let mut registry = LiveRegistry::start(&world, "");
    let config = std::fs::read_to_string(registry.config()).unwrap();
    let config = config
        .replace(
            &format!("resolvers = [\"{}\"]", world.resolver()),
            &format!("resolvers = [\"{}\", \"{}\"]", world.resolver(), other.resolver()),
        )
        .replace(&format!("{:?}", world.trust_anchor()), &format!("{anchor:?}"));
    assert!(config.contains(&other.resolver().to_string()));
    std::fs::write(registry.config(), config).unwrap();
    registry.kill_and_restart(&world);
    world.route(namespace_world::registry::HOST, registry.address());
    let seen = || {
        let answer = check(&world, &author, Some("hello"));
        let apex = answer.places.iter().find(|place| place.place == PlaceName::TxtApex).unwrap();
        (answer.state, apex.seen.clone())
    };
    let record = author.record("hello.example");
    world.txt("hello.example", &[&record]);
    let (state, apex) = seen();
    assert_ne!(state, CheckState::MayPublish);
    assert!(apex.contains("the resolvers disagree"), "{apex}");
    other.txt("hello.example", &[&record]);
    assert_eq!(seen().0, CheckState::MayPublish);
    forget();
    other.stop_dns();
    let (state, apex) = seen();
    assert_ne!(state, CheckState::MayPublish);
    assert!(apex.contains("no usable answer"), "{apex}");
}
