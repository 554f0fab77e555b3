//! The test world keeps its promises.

use std::time::{Duration, Instant};

use namespace_world::{Home, HostileHost, Keyring, World, run};

/// `curl`-like access by the system's own tools would need another package; Python is there.
fn fetch(world: &Home, url: &str) -> namespace_world::Output {
    let script = "
import http.client, os, ssl, sys, urllib.parse
url = urllib.parse.urlparse(sys.argv[1])
proxy = urllib.parse.urlparse(os.environ['CARGO_HTTP_PROXY'])
context = ssl.create_default_context(cafile=os.environ['CARGO_HTTP_CAINFO'])
connection = http.client.HTTPSConnection(proxy.hostname, proxy.port, context=context, timeout=20)
connection.set_tunnel(url.hostname, 443)
connection.request('GET', url.path)
answer = connection.getresponse()
print(answer.status, answer.read().decode())
";
    run(world.command("python3").args(["-c", script, url]))
}

fn dig(world: &World, arguments: &[&str]) -> String {
    let resolver = world.resolver();
    let server = format!("@{}", resolver.ip());
    run(world.command("kdig").args([&server, "-p", &resolver.port().to_string(), "+dnssec"]).args(arguments))
        .success()
        .stdout
}

#[test]
fn hosts_are_served_over_https_with_dotfiles_and_the_world_builds_fast() {
    let begin = Instant::now();
    let world = World::new(&["grep.example", "regex.example"]);
    let took = begin.elapsed();
    world.serve("grep.example", ".well-known/cargo-publishers", "# nobody\n");
    fetch(&world, "https://grep.example/.well-known/cargo-publishers").success().stdout_has("200 # nobody");
    fetch(&world, "https://regex.example/.well-known/cargo-publishers").success().stdout_has("404");
    assert_eq!(world.requests("grep.example"), ["GET /.well-known/cargo-publishers 200"]);
    assert_eq!(world.contacted(), ["grep.example:443", "regex.example:443"]);
    world.take_down("grep.example");
    fetch(&world, "https://grep.example/").failure().stderr_has("502");
    world.bring_up("grep.example");
    fetch(&world, "https://grep.example/").success().stdout_has("403");
    fetch(&world, "https://unknown.example/").failure().stderr_has("502");
    // Half a second on an idle machine; the bound only catches a start that waits for something.
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn txt_records_are_signed_and_change_while_the_world_runs() {
    let world = World::new(&["grep.example"]);
    assert!(dig(&world, &["grep.example", "TXT"]).contains("NSEC"), "a negative answer is proven");
    let long = "x".repeat(300);
    world.txt("grep.example", &["sha256-abc", &long]);
    let answer = dig(&world, &["+tcp", "grep.example", "TXT"]);
    assert!(answer.contains("\"sha256-abc\""), "{answer}");
    assert!(answer.contains(&format!("\"{}\" \"{}\"", "x".repeat(255), "x".repeat(45))), "{answer}");
    assert!(answer.contains("RRSIG"), "{answer}");
    world.txt("grep.example", &["sha256-def"]);
    world.txt("*.grep.example", &["wild"]);
    let answer = dig(&world, &["grep.example", "TXT"]);
    assert!(answer.contains("sha256-def") && !answer.contains("sha256-abc"), "{answer}");
    assert!(dig(&world, &["_cargo-namespace.grep.example", "TXT"]).contains("wild"));
    world.dns_forget("*.grep.example");
    assert!(dig(&world, &["_cargo-namespace.grep.example", "TXT"]).contains("NXDOMAIN"));
}

#[test]
fn the_other_zones_are_insecure_bogus_and_broken() {
    let world = World::new(&[]);
    world.txt("a.insecure.example", &["plain"]);
    let answer = dig(&world, &["a.insecure.example", "TXT"]);
    assert!(answer.contains("plain") && !answer.contains("RRSIG"), "{answer}");
    let delegation = dig(&world, &["insecure.example", "DS"]);
    assert!(delegation.contains("NSEC") && !delegation.contains("DS\t"), "{delegation}");
    world.txt("a.bogus.example", &["signed"]);
    assert!(dig(&world, &["a.bogus.example", "TXT"]).contains("RRSIG"));
    assert!(dig(&world, &["a.broken.example", "TXT"]).contains("SERVFAIL"));
    let anchor =
        std::fs::read_to_string(world.root().join("dns/root.key")).expect("the trust anchor is there");
    assert!(anchor.starts_with(". 3600 IN DNSKEY 257 3 13 "), "{anchor}");
}

#[test]
fn a_secret_service_runs_unlocked_without_a_display() {
    let world = Home::new();
    let keyring = Keyring::start(&world);
    assert!(keyring.is_unlocked());
    assert!(keyring.items().is_empty());
    keyring.lock();
    assert!(!keyring.is_unlocked());
}

#[test]
fn hostile_hosts_misbehave() {
    let world = World::new(&["grep.example"]);
    let redirect = HostileHost::redirect(&world, "grep.example", "https://other.example");
    fetch(&world, "https://grep.example/x").success().stdout_has("302");
    assert_eq!(redirect.requests()[0].path, "/x");
    let _wrong = HostileHost::wrong_certificate(&world, "grep.example");
    fetch(&world, "https://grep.example/x").failure().stderr_has("CERTIFICATE_VERIFY_FAILED");
    let _truncated = HostileHost::truncated(&world, "grep.example");
    fetch(&world, "https://grep.example/x").failure().stderr_has("IncompleteRead");
    let _headers = HostileHost::endless_headers(&world, "grep.example");
    fetch(&world, "https://grep.example/x").failure().stderr_has("more than 100 headers");
}
