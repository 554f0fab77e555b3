//! The same against the registry itself: from an unknown domain to a crate that stock Cargo builds with.

use namespace_world::{World, at_terminal, run};

use super::Desk;

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
    let desk = Desk::set_up();
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
    let desk = Desk::set_up();
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
        .stderr_has("crates.example is up to date");
}

#[test]
fn a_record_in_dns_is_found_by_the_registry() {
    let desk = Desk::set_up();
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

#[test]
fn a_lost_key_is_succeeded_by_way_of_the_recovery_key() {
    let desk = Desk::set_up();
    desk.put_records_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    desk.nspublish(&["--allow-dirty", "--no-verify"]).within(&project).success();
    let lost = desk.public_key("device");
    let copy = std::fs::read(desk.world.home().join("device.pem")).unwrap();
    desk.nspublish(&["key", "delete", "device", "--force", "--yes"]).success();
    desk.nspublish(&["key", "rotate", "--namespace", "hello.example", "--key", "recovery.pem"])
        .args(&["--name", "next", "--file", "next.pem", "--resign", &lost])
        .success()
        .stderr_has("Signed 1 release at crates.example again");
    let next = desk.public_key("next");
    assert!(desk.info("hello.example/hello").owners.iter().any(|owner| owner.to_string() == next));
    desk.put_records_up();
    desk.package("hello", "hello", "1.1.0", "");
    desk.nspublish(&["--allow-dirty", "--no-verify"]).within(&project).success();
    builds_with(&desk.world, "1.1.0");
    desk.nspublish(&[
        "key",
        "revoke",
        &lost,
        "--namespace",
        "hello.example",
        "--with",
        "recovery.pem",
        "--yes",
    ])
    .success();
    // A copy of the lost key comes up again: it speaks no more.
    std::fs::write(desk.world.home().join("found.pem"), copy).unwrap();
    desk.nspublish(&["status", "hello.example/hello", "--key", "found.pem"])
        .run()
        .code(3)
        .stdout_has("revoked");
}

#[test]
fn members_of_several_namespaces_are_published_in_one_go() {
    let desk = Desk::set_up();
    desk.put_records_up();
    let other = super::index("other.example");
    desk.nspublish(&["setup", "other.example", "--index", other.as_str(), "--yes"])
        .args(&["--device-file", "other.pem", "--recovery-file", "other-recovery.pem", "--well-known"])
        .arg(desk.world.web_root("other.example").to_str().unwrap())
        .success();
    let manifest = |name: &str, namespace: &str, dependencies: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\nlicense = \"MIT\"\ndescription = \"d\"\n\
             [package.metadata.namespaces]\nnamespace = \"{namespace}\"\n[dependencies]\n{dependencies}"
        )
    };
    let base = "base = { path = \"../base\", version = \"1\", registry = \"other_example\" }\n";
    let middle = "middle = { path = \"../middle\", version = \"1\", registry = \"hello_example\" }\n";
    let project = desk
        .world
        .project("workspace")
        .file("Cargo.toml", "[workspace]\nmembers = [\"top\", \"middle\", \"base\"]\nresolver = \"2\"\n")
        .file("top/Cargo.toml", &manifest("top", "other.example", middle))
        .file("top/src/lib.rs", "pub use middle::one;\n")
        .file("middle/Cargo.toml", &manifest("middle", "hello.example", base))
        .file("middle/src/lib.rs", "pub use base::one;\n")
        .file("base/Cargo.toml", &manifest("base", "other.example", ""))
        .file("base/src/lib.rs", "pub fn one() -> u8 {\n    1\n}\n");
    desk.nspublish(&["--workspace", "--allow-dirty"]).within(&project).success();
    let top = desk.line("other.example/top", "1.0.0");
    assert_eq!(
        top.deps[0].registry.as_ref().map(ToString::to_string),
        Some(super::index("hello.example").to_string())
    );
    let middle = desk.line("hello.example/middle", "1.0.0");
    assert_eq!(middle.deps[0].registry.as_ref().map(ToString::to_string), Some(other.to_string()));
    assert!(desk.line("other.example/base", "1.0.0").deps.is_empty());
}
