//! `--register`, `--sync` and `--replace`.

use namespace_world::{SignedSite, World, run};

use super::{Small, nsadd};

#[test]
fn register_writes_the_registry_and_pins_the_index() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let before = small.project.snapshot();
    small
        .nsadd(&["--register", "a.example"])
        .success()
        .stderr_has("Found a.example as the registry `a_example`");
    let changes = before.changes(&small.project.snapshot());
    assert_eq!(changes, ["+ .cargo", "+ .cargo/config.toml", "+ .cargo/namespaces.toml"]);
    assert_eq!(small.project.read(".cargo/config.toml"), small.site.registry_config());
    // The first key is still a first contact.
    small.nsadd(&["a.example/hello"]).success().stderr_has("Trusting ed25519:");
}

#[test]
fn register_global_serves_every_directory() {
    let world = World::new(&["a.example"]);
    let site = SignedSite::new(&world, "a.example");
    site.release("tool", "1.0.0").file("src/main.rs", "fn main() { println!(\"tool\"); }\n").publish();
    let home = world.project("nowhere");
    let before = home.snapshot();
    nsadd(&world, &home, &["--register", "a.example", "--global", "--dry-run"]).success();
    assert!(!world.cargo_home().join("config.toml").exists());
    nsadd(&world, &home, &["--register", "a.example", "--global"]).success();
    home.assert_unchanged(&before);
    let config = std::fs::read_to_string(world.cargo_home().join("config.toml")).expect("it was written");
    assert_eq!(config, site.registry_config());
    run(world
        .cargo()
        .args(["install", "--quiet", "tool", "--registry", "a_example"])
        .current_dir(home.path()))
    .success();
    nsadd(&world, &home, &["--register", "a.example", "--global"])
        .success()
        .stderr_has("has the registry already");
    nsadd(&world, &home, &["--global", "a.example/tool"]).code(2);
}

#[test]
fn sync_pins_what_the_lock_file_holds() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    // Written by hand, with plain Cargo.
    small.project.write(
        "Cargo.toml",
        &format!("{}{}", small.manifest(), small.site.consumer_dependency("hello", "1")),
    );
    small.project.write(".cargo/config.toml", &small.site.registry_config());
    run(world.cargo().arg("generate-lockfile").current_dir(small.project.path())).success();
    small
        .nsadd(&["--sync"])
        .success()
        .stderr_has("Trusting ed25519:")
        .stderr_has("Created .cargo/namespaces.toml");
    assert!(small.project.read(".cargo/namespaces.toml").ends_with(&small.site.trust_entry()));
    let before = small.project.snapshot();
    small.nsadd(&["--sync"]).success();
    small.project.assert_unchanged(&before);
}

#[test]
fn sync_takes_out_what_nothing_uses() {
    let world = World::new(&["a.example"]);
    let small = Small::added(&world);
    let others = "# another registry\n[registries.corp]\nindex = \"sparse+https://corp.example/i/\"\n";
    let config = small.project.read(".cargo/config.toml");
    small.project.write(".cargo/config.toml", &format!("{others}\n{config}"));
    run(world.cargo().args(["remove", "hello"]).current_dir(small.project.path())).success();
    run(world.cargo().args(["update", "--workspace"]).current_dir(small.project.path())).success();
    small
        .nsadd(&["--sync"])
        .success()
        .stderr_has("Removing the pins of a.example: nothing uses it")
        .stderr_has("Removing the registry `a_example`: no manifest names it");
    assert_eq!(small.project.read(".cargo/config.toml"), others);
    assert!(!small.project.read(".cargo/namespaces.toml").contains("a.example"));
}

#[test]
fn sync_refuses_what_is_not_trusted() {
    let world = World::new(&["a.example"]);
    let small = Small::added(&world);
    small.site.release("hello", "1.2.0").unsigned().publish();
    run(world.cargo().arg("update").current_dir(small.project.path())).success();
    small.refused(4, &["--sync"]).stderr_has("a.example/hello v1.2.0");
    std::fs::remove_file(small.project.path().join("Cargo.lock")).expect("remove it");
    small.refused(6, &["--sync"]).stderr_has("`Cargo.lock` does not exist");
}

#[test]
fn replace_redirects_the_whole_graph() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.project.write("Cargo.toml", &format!("{}itoa = \"1\"\n", small.manifest()));
    run(world.cargo().arg("generate-lockfile").current_dir(small.project.path())).success();
    small.site.release("itoa", "1.900.0").publish();
    small
        .nsadd(&["--replace", "crates-io/itoa", "a.example/itoa"])
        .success()
        .stderr_has("Replacing crates.io's `itoa` by a.example/itoa")
        .stderr_has("Verified a.example/itoa v1.900.0");
    let manifest = small.manifest();
    assert!(
        manifest.contains("[patch.crates-io]\nitoa = { version = \"1.900.0\", registry = \"a_example\" }\n"),
        "{manifest}"
    );
    let lock = small.project.read("Cargo.lock");
    assert!(lock.contains("1.900.0") && !lock.contains("crates.io-index"), "{lock}");
    small.project.write("src/main.rs", "fn main() { println!(\"{}\", itoa::who()); }\n");
    run(world.cargo().args(["run", "--quiet", "--locked"]).current_dir(small.project.path()))
        .success()
        .stdout_has("a.example/itoa 1.900.0");
}

#[test]
fn a_replacement_that_would_not_be_used_is_refused() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.project.write("Cargo.toml", &format!("{}itoa = \"1\"\n", small.manifest()));
    run(world.cargo().arg("generate-lockfile").current_dir(small.project.path())).success();
    small.site.release("itoa", "9.0.0").publish();
    small
        .refused(1, &["--replace", "crates-io/itoa", "a.example/itoa"])
        .stderr_has("a.example/itoa would not be used")
        .stderr_has("the graph needs `itoa` v1.");
    small.refused(2, &["--replace", "crates-io/itoa", "a.example/leaf"]).stderr_has("cannot replace `itoa`");
    small.refused(2, &["--replace", "crates-io/itoa", "leaf"]).stderr_has("takes one crate of a namespace");
}
