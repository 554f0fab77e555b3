//! What an operator meets at the command line: what is in force, what is wrong and how to put it right.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use cargo_namespaces::discovery::CargoTxt;
use cargo_namespaces::token::{Record, Scope, Token};
use namespace_world::{Author, Home, LiveRegistry, Output, Person, World, programs, run};

use super::{authorize, get, publish, world};

/// `cargo nsregistry …` with a configuration of this text.
fn with(world: &Home, text: &str, args: &[&str]) -> Output {
    let file = world.root().join("operator.toml");
    std::fs::write(&file, text).expect("the file is ours");
    run(world.nsregistry().args(args).arg("--file").arg(file))
}

#[test]
fn check_config_shows_every_key_that_is_in_force() {
    let world = Home::new();
    let text = "url = \"https://crates.example\"\n[validation]\nallow = [\"10.0.0.0/8\"]\nport = 8443\n\
                [policy]\nrevalidate = \"every-publish\"\n[namespaces.\"corp.rs\"]\nauth-required = true\n";
    let shown = with(&world, text, &["check-config"]).success();
    for line in [
        "url                        https://crates.example/\n",
        "server.listen              127.0.0.1:7979 (plain HTTP, for a proxy in front)\n",
        "validation.allow           10.0.0.0/8\n",
        "validation.port            8443\n",
        "policy.revalidate          every-publish (a record must exist at every release)\n",
        "policy.special-use         false\n",
        "log.level                  info\n",
        "log.format                 text\n",
        "namespaces.\"corp.rs\"       private; readers, beside the owners of its crates: none\n",
    ] {
        assert!(shown.stdout.contains(line), "{line:?}: {}", shown.stdout);
    }
}

#[test]
fn check_config_finds_what_would_fail_only_later() {
    let world = Home::new();
    let missing = "[validation]\nca-file = \"company-ca.pem\"\n";
    for command in ["check-config", "serve"] {
        with(&world, missing, &[command]).failure().stderr_has("`validation.ca-file`: the CA file `");
    }
    let misspelled = "[server]\nlissten = \"127.0.0.1:80\"\n";
    with(&world, misspelled, &["check-config"])
        .code(6)
        .stderr_has("unknown field `lissten`, expected one of `listen`");
    with(&world, "url = \"crates.example\"\n", &["check-config"])
        .code(6)
        .stderr_has("`url` is \"crates.example\", which is not an https URL for users");
}

#[test]
fn the_configuration_is_found_below_the_directory_that_is_named() {
    let world = Home::new();
    std::fs::write(world.root().join("here.toml"), "contact = \"the one in this directory\"\n").unwrap();
    run(world.nsregistry().args(["check-config", "--file", "here.toml", "-C"]).arg(world.root()))
        .success()
        .stdout_has("the one in this directory");
}

#[test]
fn an_address_in_use_and_a_mistyped_directory_are_explained() {
    let world = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    run(world
        .nsregistry()
        .args(["serve", "--listen", &address, "--data"])
        .arg(world.root().join("registry-data")))
    .failure()
    .stderr_has(&format!("failed to listen on {address}"))
    .stderr_has("choose another address by `--listen`");
    let nowhere = world.root().join("mistyped");
    run(world.nsregistry().args(["audit", "--data"]).arg(&nowhere))
        .failure()
        .stderr_has("mistyped/registry.db")
        .stderr_has("name the registry's directory by `--data DIR`");
    assert!(!nowhere.exists(), "a mistyped path makes nothing");
}

#[test]
fn who_follows_cargo_login_is_told_that_no_token_is_needed() {
    let (world, author) = world();
    let _registry = LiveRegistry::start(&world, "");
    let mut login = world.cargo();
    let project = super::project(&world, &author, "hello", "0.1.0");
    let sent = run(login.args(["login", "--registry", &author.registry_name()]).current_dir(project.path()));
    let said = format!("{}{}", sent.stdout, sent.stderr);
    let path = "ns/hello.example/me";
    assert!(said.contains(path), "{said}");
    for path in [path, ""] {
        let page = get(&world, path);
        assert_eq!(page.status, 200, "{path}");
        let text = String::from_utf8_lossy(page.bytes()).into_owned();
        assert!(text.contains("cargo nspublish --instance https://crates.example/\n"), "{text}");
    }
}

#[test]
fn a_freeze_is_lifted_and_an_owner_is_reset_for_all_to_see() {
    let (world, author) = world();
    let registry = LiveRegistry::start(&world, "");
    authorize(&world, &author);
    publish(&world, &author, "hello", "0.1.0").success();
    let operate = |args: &[&str]| run(world.nsregistry().args(args).arg("--file").arg(registry.config()));
    operate(&["freeze", "hello.example", "--reason", "the domain was hacked"]).success();
    publish(&world, &author, "hello", "0.2.0").failure().stderr_has("the domain was hacked");
    operate(&["freeze", "hello.example", "--lift"]).success();
    publish(&world, &author, "hello", "0.2.0").success();
    let other = Author::new("hello.example");
    let to = other.key.public().to_string();
    operate(&["reset-owner", "hello.example/helo", "--to", &to, "--reason", "lost"])
        .failure()
        .stderr_has("there is no crate hello.example/helo");
    let reset = ["reset-owner", "hello.example/hello", "--to", &to, "--reason", "all keys were lost"];
    operate(&[&reset[..], &["--yes"]].concat()).success();
    publish(&world, &author, "hello", "0.3.0").failure().stderr_has(&to);
    publish(&world, &other, "hello", "0.3.0").success();
    let shown = get(&world, "api/v1/crate/hello.example/hello");
    assert!(String::from_utf8_lossy(shown.bytes()).contains("all keys were lost"));
}

/// Reasons are free text, also of those who operated it before: none of it moves a terminal, or looks like another act.
#[test]
fn what_the_audit_log_holds_reaches_a_terminal_escaped() {
    let world = World::new(&["hello.example"]);
    let registry = LiveRegistry::start(&world, "");
    let operate = |args: &[&str]| run(world.nsregistry().args(args).arg("--file").arg(registry.config()));
    let reason =
        "sold\u{1b}[2J\n2026-01-01T00:00:00Z operator reset-owner hello.example\u{202e}\u{9b}1A\rend";
    operate(&["freeze", "hello.example", "--reason", reason, "--unknown"]).success();
    for arguments in [&["audit"][..], &["audit", "--subject", "hello.example"], &["freezes"]] {
        let output = operate(arguments).success();
        assert_eq!(output.stdout.lines().count(), 1, "{output}");
        let harmless = |c: char| c == '\n' || !c.is_control() && c != '\u{202e}';
        assert!(output.stdout.chars().all(harmless), "{:?}", output.stdout);
        assert!(output.stdout.contains("sold") && output.stdout.contains("end"), "{output}");
    }
    let json = operate(&["audit", "--message-format", "json"]).success();
    let event: serde_json::Value = serde_json::from_str(json.stdout.trim()).unwrap();
    assert_eq!(event["detail"], reason);
}

#[test]
fn a_freeze_of_an_unknown_namespace_is_refused_and_those_in_force_are_listed() {
    let (world, author) = world();
    let registry = LiveRegistry::start(&world, "");
    authorize(&world, &author);
    publish(&world, &author, "hello", "0.1.0").success();
    let operate = |args: &[&str]| run(world.nsregistry().args(args).arg("--file").arg(registry.config()));
    operate(&["freezes"]).success().stdout_lacks("hello");
    // A slip of the pen would leave the namespace that was meant open.
    operate(&["freeze", "helo.example", "--reason", "hacked"])
        .code(1)
        .stderr_has("there is no crate of helo.example on this registry, so nothing was frozen")
        .stderr_has("did you mean hello.example?");
    operate(&["freeze", "else.example", "--reason", "hacked"]).code(1).stderr_has("`--unknown`");
    publish(&world, &author, "hello", "0.2.0").success();
    operate(&["freeze", "else.example", "--reason", "to be\nsold", "--unknown"]).success();
    operate(&["freeze", "hello.example", "--reason", "hacked"]).success();
    publish(&world, &author, "hello", "0.3.0").failure().stderr_has("hacked");
    let listed = operate(&["freezes"]).success();
    let lines: Vec<&str> = listed.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{listed:?}");
    assert!(lines[0].starts_with("else.example 20") && lines[0].ends_with(r"Z to be\nsold"), "{listed:?}");
    assert!(lines[1].starts_with("hello.example 20") && lines[1].ends_with("Z hacked"), "{listed:?}");
    let json = operate(&["freezes", "--message-format", "json"]).success();
    let first: serde_json::Value = serde_json::from_str(json.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["reason"], &first["namespace"]),
        (&"freeze".into(), &"else.example".into()),
        "{first}"
    );
    operate(&["freeze", "else.example", "--lift"]).success();
    operate(&["freeze", "else.example", "--lift"]).code(1).stderr_has("else.example is not frozen");
    operate(&["freezes"]).success().stdout_lacks("else.example");
}

#[test]
fn an_owner_is_reset_only_after_a_yes() {
    let (world, author) = world();
    let registry = LiveRegistry::start(&world, "");
    authorize(&world, &author);
    publish(&world, &author, "hello", "0.1.0").success();
    let other = Author::new("hello.example");
    let (from, to) = (author.key.public().to_string(), other.key.public().to_string());
    let reset = ["reset-owner", "hello.example/hello", "--to", &to, "--reason", "lost", "--file"];
    run(world.nsregistry().args(reset).arg(registry.config()))
        .code(3)
        .stderr_has(&from)
        .stderr_has("add `--yes` to confirm it without a terminal");
    let line = format!(
        "cargo nsregistry reset-owner hello.example/hello --to {to} --reason lost --file {}",
        registry.config().display()
    );
    let mut operator = Person::new(&world, "operator").quiet();
    operator
        .answer(&line, &[("Reset the owner?", "n")])
        .code(3)
        .shows(&from)
        .shows("the owner was not reset");
    publish(&world, &author, "hello", "0.2.0").success();
    operator.answer(&line, &[("Reset the owner?", "y")]).success();
    publish(&world, &author, "hello", "0.3.0").failure();
    publish(&world, &other, "hello", "0.3.0").success();
}

/// What the registry wrote into its log since it was `before`, once it holds `text`.
fn logged(registry: &LiveRegistry, before: &str, text: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let log = registry.log();
        let new = log.strip_prefix(before).expect("a log only grows");
        if new.contains(text) {
            return new.to_owned();
        }
        assert!(Instant::now() < deadline, "no {text:?} in {new}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn each_request_and_each_refusal_has_a_line() {
    let (world, author) = world();
    let registry = LiveRegistry::start(&world, "[log]\nlevel = \"info\"\n");
    let before = registry.log();
    publish(&world, &author, "hello", "0.1.0").failure();
    let refused = " warn: 127.0.0.1 PUT /ns/hello.example/api/v1/crates/new 403 ";
    let log = logged(&registry, &before, refused);
    let line = log.lines().find(|line| line.contains(refused)).unwrap();
    assert!(
        line.starts_with("20") && line.contains(" ms unknown-domain: crates.example could not verify"),
        "{line}"
    );
    assert!(log.contains(" info: 127.0.0.1 GET /index/hello.example/config.json 200 "), "{log}");
    let before = registry.log();
    authorize(&world, &author);
    publish(&world, &author, "hello", "0.1.0").success();
    let log = logged(&registry, &before, " info: 127.0.0.1 PUT /ns/hello.example/api/v1/crates/new 200 ");
    // Signed statements are in headers, and headers in no line.
    assert!(
        !log.to_lowercase().contains("authorization") && log.lines().all(|line| line.len() < 400),
        "{log}"
    );
}

#[test]
fn the_level_and_the_form_of_the_log_are_the_operators() {
    let (world, author) = world();
    let registry = LiveRegistry::start(&world, "[log]\nlevel = \"warn\"\nformat = \"json\"\n");
    let before = registry.log();
    publish(&world, &author, "hello", "0.1.0").failure();
    let log = logged(&registry, &before, "unknown-domain");
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [line] = &lines[..] else { panic!("the reads are below the level: {log}") };
    for (key, value) in [
        ("level", "warn"),
        ("client", "127.0.0.1"),
        ("method", "PUT"),
        ("path", "/ns/hello.example/api/v1/crates/new"),
        ("code", "unknown-domain"),
    ] {
        assert_eq!(line[key], value, "{line}");
    }
    assert_eq!(line["status"], 403);
    assert!(line["ms"].is_number() && line["at"].is_string() && line["detail"].is_string(), "{line}");
    with(&world, "[log]\nlevel = \"debug\"\n", &["check-config"]).code(6).stderr_has("`log.level`");
}

#[test]
fn its_health_can_be_asked() {
    let (world, _) = world();
    let _registry = LiveRegistry::start(&world, "");
    let health = get(&world, "health");
    assert_eq!((health.status, health.bytes()), (200, br#"{"status":"ok"}"#.as_slice()));
}

#[test]
fn it_starts_with_no_configuration_at_all() {
    let world = Home::new();
    let here = world.project("operator");
    let log = here.path().join("log");
    let mut command = world.nsregistry();
    // Only the port is another, for tests run side by side.
    command.args(["serve", "--listen", "127.0.0.1:0"]).current_dir(here.path());
    let mut child = command.stderr(File::create(&log).unwrap()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let address: SocketAddr = loop {
        let said = std::fs::read_to_string(&log).unwrap();
        let line = said.lines().find(|line| line.contains("Serving"));
        if let Some(address) = line.and_then(|line| line.split(' ').find_map(|word| word.parse().ok())) {
            break address;
        }
        assert!(Instant::now() < deadline, "{said}");
        std::thread::sleep(Duration::from_millis(5));
    };
    let mut socket = TcpStream::connect(address).unwrap();
    socket
        .write_all(
            b"GET /index/serde.rs/config.json HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
        )
        .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    run(world.command(programs::find("kill")).arg(child.id().to_string())).success();
    let ended = child.wait().unwrap();
    assert!(address.ip().is_loopback());
    assert!(answer.contains("\"api\": \"https://localhost:7979/ns/serde.rs\""), "{answer}");
    for made in ["registry.key", "registry.db", "objects"] {
        assert!(here.path().join("nsregistry-data").join(made).exists(), "{made}");
    }
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(said.contains("no `url` is set"), "{said}");
    assert_eq!(ended.code(), Some(0), "it was asked to stop, and did: {said}");
}

#[test]
fn a_countersignature_is_nobodys_signature_where_the_domain_lists_the_registrys_key() {
    let (world, author) = world();
    let _registry = LiveRegistry::start(&world, "");
    authorize(&world, &author);
    publish(&world, &author, "hello", "0.1.0").success();
    let txt = CargoTxt::parse(get(&world, ".well-known/cargo.txt").bytes()).unwrap();
    let key = txt.key.unwrap();
    let mut record = Record::new(Token::compute(&Scope::parse("hello.example").unwrap(), &key));
    record.index = Some(author.index);
    let user = world.project("user").binary("user", "", "fn main() {}");
    let add = || run(world.nsadd().args(["hello.example/hello"]).current_dir(user.path()));
    authorize(&world, &Author::new("hello.example"));
    add().code(4);
    world.serve("hello.example", ".well-known/cargo-publishers", format!("{record}\n"));
    add().code(4).stderr_has("which hello.example does not list").stderr_lacks(&key.to_string());
}
