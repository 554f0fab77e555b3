//! Stock Cargo publishes, yanks and reads; we sign.

use namespace_world::server::Response;
use namespace_world::{Server, at_terminal};

use super::{Desk, PASSPHRASE, index};

const PUBLISH: [&str; 4] = ["publish", "--registry", "hello_example", "--allow-dirty"];

#[test]
fn plain_cargo_publish_signs_and_cargo_yank_too() {
    let desk = Desk::set_up();
    desk.put_records_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    desk.cargo(&project, &PUBLISH).success().stderr_has("Published hello v1.0.0");
    let line = desk.line("hello.example/hello", "1.0.0");
    assert_eq!(line.attestations.len(), 1, "the author's");
    assert!(line.countersignature.is_some(), "the registry's");
    let registry = ["--registry", "hello_example", "hello@1.0.0"];
    desk.cargo(&project, &["yank"]).args(&registry).success();
    assert!(desk.line("hello.example/hello", "1.0.0").yanked);
    desk.cargo(&project, &["yank", "--undo"]).args(&registry).success();
    assert!(!desk.line("hello.example/hello", "1.0.0").yanked);
    desk.nspublish(&["yank", "hello.example/hello@1.0.0"]).success();
    assert!(desk.line("hello.example/hello", "1.0.0").yanked);
    desk.nspublish(&["unyank", "hello.example/hello@1.0.0"]).success();
    assert!(!desk.line("hello.example/hello", "1.0.0").yanked);
}

#[test]
fn a_refusal_of_the_registry_reaches_the_person_whole() {
    let desk = Desk::set_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    desk.cargo(&project, &PUBLISH)
        .run()
        .failure()
        .stderr_has("could not verify that you own hello.example")
        .stderr_has("a) create a DNS TXT record")
        .stderr_has("\n     at https://hello.example/.well-known/cargo-publishers");
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
fn cargo_lists_owners() {
    let desk = Desk::set_up();
    desk.put_records_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    desk.cargo(&project, &["publish", "--registry", "hello_example", "--allow-dirty"]).success();
    let owner = desk.public_key("device");
    for arguments in [
        &["owner", "--list", "--registry", "hello_example", "hello"][..],
        &["owner", "-l", "--registry", "hello_example"],
    ] {
        desk.cargo(&project, arguments).success().stdout_has(&owner);
    }
    desk.cargo(&project, &["owner", "--list", "--registry", "hello_example", "nothing"])
        .run()
        .failure()
        .stderr_has("there is no crate hello.example/nothing");
}

#[test]
fn an_index_that_was_not_set_up_learns_nothing() {
    let desk = Desk::set_up();
    let hostile = Server::start(&desk.world, "other.example", |request| match request.path.as_str() {
        "/index/config.json" => Response::ok(
            r#"{"dl":"https://other.example/dl","api":"https://other.example","auth-required":true}"#,
        ),
        _ => Response::new(401, ""),
    });
    // A clone that names the provider for an index of its own.
    let project = desk.package("hello", "hello", "1.0.0", "").file(
        ".cargo/config.toml",
        "[registries.other]\nindex = \"sparse+https://other.example/index/\"\n\
         credential-provider = [\"cargo-nspublish\"]\n",
    );
    desk.cargo(&project, &["publish", "--registry", "other", "--allow-dirty", "--no-verify"])
        .run()
        .failure()
        .stderr_has("no credential providers could handle the request");
    let requests = hostile.requests();
    assert!(!requests.is_empty(), "Cargo asked it");
    assert!(requests.iter().all(|request| request.header("authorization").is_none()));
}

/// What the provider answers when Cargo wants to read the index.
pub fn asked_to_read(desk: &Desk) -> serde_json::Value {
    let question = format!(
        "{{\"v\":1,\"registry\":{{\"index-url\":\"{}\"}},\"kind\":\"get\",\"operation\":\"read\",\"args\":[]}}\n",
        index("hello.example")
    );
    let mut command = desk.world.nspublish();
    command.arg("--cargo-plugin");
    let output = namespace_world::run_with_input(&mut command, &question).success();
    let mut lines = output.stdout.lines();
    assert_eq!(lines.next(), Some("{\"v\":[1]}"));
    let answer: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    answer["Ok"].clone()
}

#[test]
fn reading_what_everybody_reads_opens_no_key() {
    let desk = Desk::set_up();
    std::fs::remove_file(desk.world.home().join("device.pem")).unwrap();
    let answer = asked_to_read(&desk);
    assert_eq!(answer["token"], "not-needed");
    assert_eq!(answer["cache"], "session");
}

#[test]
fn a_passphrase_is_asked_for_once_a_publish() {
    let desk = Desk::without_passphrase();
    let passphrase = desk.world.home().join("passphrase");
    std::fs::write(&passphrase, PASSPHRASE).unwrap();
    let index = index("hello.example");
    desk.nspublish(&["setup", "hello.example", "--index", index.as_str(), "--yes"])
        .args(&["--device-file", "device.pem", "--recovery-file", "recovery.pem"])
        .args(&["--passphrase-file", passphrase.to_str().unwrap()])
        .args(&["--new-passphrase-file", passphrase.to_str().unwrap()])
        .arg("--well-known")
        .arg(desk.world.web_root("hello.example").to_str().unwrap())
        .success();
    let project = desk.package("hello", "hello", "1.0.0", "");
    let mut command = desk.world.cargo();
    command.args(PUBLISH).arg("--no-verify").current_dir(project.path());
    let output = at_terminal(&command, &[("Passphrase", &format!("{PASSPHRASE}\r"))]).success();
    assert_eq!(output.stdout.matches("[hidden]").count(), 1, "{}", output.stdout);
    assert!(!output.stdout.contains(PASSPHRASE), "it is not shown");
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
