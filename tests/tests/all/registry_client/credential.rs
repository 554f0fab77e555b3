//! Stock Cargo publishes, yanks and reads; we sign.

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::statement::{Envelope, Read};

use super::{Desk, PASSPHRASE, endpoint};

const PUBLISH: [&str; 4] = ["publish", "--registry", "hello_example", "--allow-dirty"];

#[test]
fn plain_cargo_publish_signs_and_cargo_yank_too() {
    let desk = Desk::set_up();
    desk.put_records_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    desk.cargo(&project, &PUBLISH).success().stderr_has("Published hello v1.0.0");
    let line = desk.registry.line("hello.example/hello", "1.0.0");
    assert_eq!(line.attestations.len(), 1);
    let registry = ["--registry", "hello_example", "hello@1.0.0"];
    desk.cargo(&project, &["yank"]).args(&registry).success();
    assert!(desk.registry.line("hello.example/hello", "1.0.0").yanked);
    desk.cargo(&project, &["yank", "--undo"]).args(&registry).success();
    assert!(!desk.registry.line("hello.example/hello", "1.0.0").yanked);
    desk.nspublish(&["yank", "hello.example/hello@1.0.0"]).success();
    assert!(desk.registry.line("hello.example/hello", "1.0.0").yanked);
    desk.nspublish(&["unyank", "hello.example/hello@1.0.0"]).success();
    assert!(!desk.registry.line("hello.example/hello", "1.0.0").yanked);
}

#[test]
fn a_refusal_of_the_registry_reaches_the_person_whole() {
    let desk = Desk::set_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    desk.cargo(&project, &PUBLISH)
        .run()
        .failure()
        .stderr_has("You are not allowed to publish hello.example/hello.\n  Put a record up:\n    a) this");
}

#[test]
fn setup_writes_the_provider_for_one_registry_and_nothing_global() {
    let desk = Desk::set_up();
    let config = std::fs::read_to_string(desk.world.cargo_home().join("config.toml")).unwrap();
    assert_eq!(
        config,
        "[registries.hello_example]\nindex = \"sparse+https://crates.example/index/hello.example/\"\n\
         credential-provider = [\"cargo-nspublish\"]\n"
    );
}

#[test]
fn owners_are_refused_with_the_command_that_changes_them() {
    let desk = Desk::set_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    desk.cargo(&project, &["owner", "--registry", "hello_example", "--add", "somebody", "hello"])
        .run()
        .failure()
        .stderr_has("cargo nspublish owner add hello.example/hello KEY");
}

#[test]
fn an_index_that_was_not_set_up_learns_nothing() {
    let desk = Desk::set_up();
    let before = desk.registry.server.requests().len();
    // A clone that names the provider for an index of its own.
    let project = desk.package("hello", "hello", "1.0.0", "").file(
        ".cargo/config.toml",
        "[registries.other]\nindex = \"sparse+https://crates.example/index/other.example/\"\n\
         credential-provider = [\"cargo-nspublish\"]\n",
    );
    desk.cargo(&project, &["publish", "--registry", "other", "--allow-dirty", "--no-verify"])
        .run()
        .failure()
        .stderr_has("no credential providers could handle the request");
    let requests = desk.registry.server.requests();
    assert!(requests[before..].iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn reading_is_a_statement_that_ends() {
    let desk = Desk::set_up();
    desk.put_records_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    let question = format!(
        "{{\"v\":1,\"registry\":{{\"index-url\":\"{}\"}},\"kind\":\"get\",\"operation\":\"read\",\"args\":[]}}\n",
        endpoint::index("hello.example")
    );
    let mut command = desk.world.nspublish();
    command.arg("--cargo-plugin").current_dir(project.path());
    let output = namespace_tests::run_with_input(&mut command, &question).success();
    let mut lines = output.stdout.lines();
    assert_eq!(lines.next(), Some("{\"v\":[1]}"));
    let answer: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    let answer = &answer["Ok"];
    assert_eq!(answer["cache"], "expires");
    assert_eq!(answer["operation_independent"], false);
    let envelope = Envelope::from_header(answer["token"].as_str().unwrap()).unwrap();
    let key: PublicKey = envelope.signer().unwrap();
    envelope.verify(&key).unwrap();
    let read = Read::parse(&envelope.payload).unwrap();
    assert_eq!(read.index, endpoint::index("hello.example"));
    assert!(answer["expiration"].as_u64().unwrap() < read.expires_at.unix());
}

#[test]
fn the_key_comes_from_the_variables_in_a_build_service() {
    let desk = Desk::set_up();
    desk.put_records_up();
    let pem = std::fs::read_to_string(desk.world.home().join("device.pem")).unwrap();
    let project = desk.package("hello", "hello", "1.0.0", "");
    std::fs::remove_file(desk.world.cargo_home().join("namespaces/keys.toml")).unwrap();
    desk.cargo(&project, &PUBLISH).run().failure().stderr_has("no key");
    desk.cargo(&project, &PUBLISH).env("CARGO_NAMESPACES_KEY", &pem).success();
    assert!(!desk.cargo(&project, &["search"]).run().stderr.contains(PASSPHRASE));
}
