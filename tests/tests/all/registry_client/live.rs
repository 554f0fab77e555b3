//! The same against the registry itself: from an unknown domain to a crate that stock Cargo builds with.

use namespace_tests::{LiveRegistry, World, at_terminal, run};

use super::{Desk, endpoint};

/// A desk whose registry is the real one.
fn desk() -> (LiveRegistry, Desk) {
    let desk = Desk::new();
    let registry = LiveRegistry::start(&desk.world, "");
    let index = endpoint::index("hello.example");
    desk.nspublish(&["setup", "hello.example", "--index", index.as_str(), "--yes"])
        .args(&["--device-file", "device.pem", "--recovery-file", "recovery.pem"])
        .success();
    (registry, desk)
}

fn builds_with(world: &World, version: &str) {
    let app = world
        .project("app")
        .binary(
            "app",
            &format!("hello = {{ version = \"={version}\", registry = \"hello_example\" }}\n"),
            "fn main() { println!(\"{}\", hello::who()); }\n",
        )
        .file(
            ".cargo/config.toml",
            "[registries.hello_example]\nindex = \"sparse+https://crates.example/index/hello.example/\"\n",
        );
    run(world.cargo().args(["run", "--quiet"]).current_dir(app.path()))
        .success()
        .stdout_has(&format!("hello {version}"));
}

#[test]
fn a_person_is_guided_publishes_yanks_and_hands_over() {
    let (_registry, desk) = desk();
    let project = desk.package("hello", "hello", "1.0.0", "");
    // Plain Cargo first: the registry's own words.
    desk.cargo(&project, &["publish", "--registry", "hello_example", "--allow-dirty", "--no-verify"])
        .run()
        .failure()
        .stderr_has("hello.example/.well-known/cargo-publishers");
    let thread = desk.put_up_when_asked();
    at_terminal(
        &desk.guided(&project),
        &[("What shall the key publish?", "\r"), ("Where will you put the record?", "\r")],
    )
    .success()
    .stdout_has("crates.example lets `device` publish for hello.example")
    .stdout_has("Published hello v1.0.0");
    thread.join().unwrap();
    builds_with(&desk.world, "1.0.0");

    desk.package("hello", "hello", "1.0.1", "");
    desk.cargo(&project, &["publish", "--registry", "hello_example", "--allow-dirty"]).success();
    desk.cargo(&project, &["yank", "--registry", "hello_example", "hello@1.0.1"]).success();
    desk.nspublish(&["unyank", "hello.example/hello@1.0.1"]).success();
    builds_with(&desk.world, "1.0.1");

    desk.nspublish(&["key", "new", "friend", "--file", "friend.pem"]).success();
    let friend = desk.public_key("friend");
    desk.nspublish(&["owner", "add", "hello.example/hello", &friend]).success();
    desk.nspublish(&["owner", "remove", "hello.example/hello", &friend]).success();
    desk.nspublish(&["transfer", "hello.example/hello", "--to", &friend, "--yes"]).success();
    desk.nspublish(&["transfer", "hello.example/hello", "--accept", "--key", "friend"]).success();
    desk.nspublish(&["status", "hello.example/hello"]).run().code(3).stdout_has("publish    not yet");
    desk.nspublish(&["status", "hello.example/hello", "--key", "friend"]).success();
}

#[test]
fn a_rotation_and_a_revocation_reach_the_registry() {
    let (_registry, desk) = desk();
    desk.put_records_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    desk.nspublish(&["--allow-dirty", "--no-verify"]).within(&project).success();
    let old = desk.public_key("device");
    desk.nspublish(&[
        "key",
        "rotate",
        "--namespace",
        "hello.example",
        "--name",
        "next",
        "--file",
        "next.pem",
    ])
    .success()
    .stderr_has("Signed 1 release at crates.example again");
    desk.nspublish(&["owner", "list", "hello.example/hello"]).success().stdout_has(&desk.public_key("next"));
    desk.put_records_up();
    desk.package("hello", "hello", "1.1.0", "");
    desk.nspublish(&["--allow-dirty", "--no-verify"]).within(&project).success();
    desk.nspublish(&["key", "revoke", "device", "--namespace", "hello.example", "--yes"])
        .success()
        .stderr_has("Handed in 1 statement about keys to crates.example");
    desk.nspublish(&["status", "hello.example/hello", "--key", &old]).run().code(3).stdout_has("revoked");
    desk.nspublish(&["key", "sync", "--namespace", "hello.example"])
        .success()
        .stderr_has("Signed 0 releases");
}

#[test]
fn a_record_in_dns_is_found_by_the_registry() {
    let (_registry, desk) = desk();
    let project = desk.package("hello", "hello", "1.0.0", "");
    let output =
        desk.nspublish(&["--allow-dirty", "--message-format", "json"]).within(&project).run().code(3);
    let message: serde_json::Value = serde_json::from_str(output.stdout.trim()).unwrap();
    assert_eq!(message["state"], "unknown-domain");
    let record = message["records"][0]["record"].as_str().unwrap();
    desk.world.txt("_cargo-namespace.hello.example", &[record]);
    desk.nspublish(&["--allow-dirty", "--wait", "30s"])
        .within(&project)
        .success()
        .stderr_has("Published hello v1.0.0");
}
