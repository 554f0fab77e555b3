//! What `cargo add` would do by itself, and does not do here.

use namespace_world::World;

use super::{Small, nsadd};

#[test]
fn a_workspace_member_of_that_name_is_not_taken_for_the_crate() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let _member = world.project("app/leaf").library("leaf", "0.9.0", "");
    small.project.write("Cargo.toml", &format!("{}\n[workspace]\nmembers = [\"leaf\"]\n", small.manifest()));
    small.nsadd(&["a.example/leaf"]).success();
    let manifest = small.manifest();
    assert!(manifest.contains("leaf = { version = \"1.0.0\", registry = \"a_example\" }"), "{manifest}");
    assert!(!manifest.contains("path"), "{manifest}");
}

#[test]
fn an_entry_of_the_workspace_for_another_crate_is_not_inherited() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let manifest = "[workspace]\nmembers = [\"one\"]\nresolver = \"2\"\n\n[workspace.dependencies]\nleaf = { path = \"leaf\" }\n";
    let root = world.project("space").file("Cargo.toml", manifest);
    let one = world.project("space/one").library("one", "0.1.0", "");
    let _leaf = world.project("space/leaf").library("leaf", "1.0.0", "");
    let before = root.snapshot();
    nsadd(&world, &one, &["a.example/leaf"]).code(3).stderr_has("comes from the path `leaf`");
    root.assert_unchanged(&before);
    nsadd(&world, &one, &["--rename", "a.example/leaf"]).success();
    assert!(one.read("Cargo.toml").contains("a-example-leaf = { "), "{}", one.read("Cargo.toml"));
    drop(small);
}

#[test]
fn a_path_dependency_of_that_name_is_in_the_way() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let _leaf = world.project("leaf").library("leaf", "0.1.0", "");
    let entry = "[dependencies]\nleaf = { path = \"../leaf\" }\n";
    small.project.write("Cargo.toml", &small.manifest().replace("[dependencies]\n", entry));
    small.refused(3, &["a.example/leaf"]).stderr_has("comes from the path `../leaf`");
    small.nsadd(&["--switch", "a.example/leaf"]).success();
    let manifest = small.manifest();
    assert!(manifest.contains("leaf = { version = \"1.0.0\", registry = \"a_example\" }"), "{manifest}");
}

#[test]
fn a_registry_name_that_stands_for_another_index_is_an_error() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small
        .project
        .write(".cargo/config.toml", "[registries.a_example]\nindex = \"sparse+https://evil.example/i/\"\n");
    small
        .refused(6, &["a.example/hello"])
        .stderr_has("the registry `a_example` has another index")
        .stderr_has("sparse+https://evil.example/i/")
        .stderr_has("rename or remove `[registries.a_example]`");
}

#[test]
fn a_release_that_was_put_into_the_lock_file_by_hand_is_a_first_contact() {
    let world = World::new(&["a.example"]);
    let small = Small::added(&world);
    std::fs::remove_file(small.project.path().join(".cargo/namespaces.toml")).expect("forget the pins");
    small.site.release("other", "1.0.0").publish();
    small
        .nsadd(&["a.example/other"])
        .success()
        .stderr_has("Trusting ed25519:")
        .stderr_has("Verified a.example/hello v1.0.0");
}

#[test]
fn flags_before_the_subcommand_and_cargo_s_own_call_work() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let mut command = world.cargo();
    command.args(["nsadd", "a.example/hello", "--quiet"]).current_dir(small.project.path());
    let output = namespace_world::run(&mut command).success();
    assert!(output.stderr.is_empty() && output.stdout.is_empty(), "{output}");
    assert!(small.manifest().contains("hello = {"));
}

#[test]
fn what_cargo_made_of_the_manifest_is_read_back() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    // A cargo that merges in a way of its own: every trap that is not known yet.
    for (entry, what) in [
        ("leaf = \\\"1\\\"", "comes from crates.io"),
        (
            "leaf = { version = \\\"1\\\", registry = \\\"a_example\\\", path = \\\"x\\\" }",
            "comes from the path `x`",
        ),
        ("# nothing", "there is no dependency `leaf`"),
    ] {
        let cargo = world.root().join("cargo.sh");
        std::fs::write(&cargo, format!("#!/bin/sh\necho \"{entry}\" >> Cargo.toml\n"))
            .expect("write a script");
        std::fs::set_permissions(&cargo, std::fs::Permissions::from_mode(0o755)).expect("make it a program");
        let before = small.project.snapshot();
        let mut command = world.nsadd();
        command.arg("a.example/leaf").env("CARGO", &cargo).current_dir(small.project.path());
        namespace_world::run(&mut command)
            .code(1)
            .stderr_has("`Cargo.toml` does not name a.example/leaf after `cargo add`")
            .stderr_has(what);
        small.project.assert_unchanged(&before);
    }
}
