//! An index that shows Cargo something else than us: it adds a dependency while Cargo resolves, and is honest again when
//! somebody looks. Cargo believes it; what it did stands in the lock file.

use namespace_world::{SignedSite, World, run};

use super::{check, consumer, lock};

/// The index adds a dependency to `hello`, Cargo locks it, and the index is as before.
fn lock_while_the_index_lies(
    world: &World,
    project: &namespace_world::Project,
    dependency: serde_json::Value,
) {
    let path = "cargo/index/he/ll/hello";
    let honest = std::fs::read(world.web_root("a.example").join(path)).expect("an index file");
    world.tamper_line("a.example", "hello", "1.0.0", |line| {
        line["deps"].as_array_mut().expect("dependencies").push(dependency);
    });
    lock(world, project);
    world.serve("a.example", path, honest);
}

fn dependency(name: &str, registry: &str) -> serde_json::Value {
    serde_json::json!({
        "name": name, "req": "^1", "features": [], "optional": false, "default_features": true, "target": null,
        "kind": "normal", "registry": registry,
    })
}

#[test]
fn a_dependency_that_the_index_added_while_cargo_looked() {
    let world = World::new(&["a.example", "evil.example"]);
    let (site, evil) = (SignedSite::new(&world, "a.example"), SignedSite::new(&world, "evil.example"));
    evil.release("backdoor", "1.0.0").publish();
    let project = consumer(&world, &site);
    check(&world, &project, &[]).success();
    // The attacker's namespace is in order: its domain lists its key, and somebody has pinned it.
    let pins = format!("{}\n{}", site.trust_entry(), evil.trust_entry());
    project.write(".cargo/namespaces.toml", &pins);
    lock_while_the_index_lies(&world, &project, dependency("backdoor", evil.index().as_str()));
    assert!(project.read("Cargo.lock").contains("backdoor"), "Cargo believes the index");
    check(&world, &project, &[])
        .code(4)
        .stderr_has("a.example/hello v1.0.0: Cargo.lock makes it depend on `backdoor` v1.0.0")
        .stderr_has("which the Cargo.toml inside its .crate does not name")
        .stderr_has("tell the owner of the namespace");
    let before = project.snapshot();
    run(world.nsvendor().current_dir(project.path())).code(4).stderr_has("backdoor");
    project.assert_unchanged(&before);
    // An honest index and `cargo update` put it right.
    lock(&world, &project);
    check(&world, &project, &[]).success();
}

#[test]
fn a_dependency_that_the_index_moved_to_another_registry_while_cargo_looked() {
    let world = World::new(&["a.example", "evil.example"]);
    let (site, evil) = (SignedSite::new(&world, "a.example"), SignedSite::new(&world, "evil.example"));
    evil.release("leaf", "1.0.0").publish();
    let project = consumer(&world, &site);
    project.write(".cargo/namespaces.toml", &format!("{}\n{}", site.trust_entry(), evil.trust_entry()));
    let path = "cargo/index/he/ll/hello";
    let honest = std::fs::read(world.web_root("a.example").join(path)).expect("an index file");
    world.tamper_line("a.example", "hello", "1.0.0", |line| {
        line["deps"][0]["registry"] = evil.index().as_str().into();
    });
    lock(&world, &project);
    world.serve("a.example", path, honest);
    check(&world, &project, &[])
        .code(4)
        .stderr_has("`leaf` v1.0.0 from sparse+https://evil.example/cargo/index/")
        .stderr_has("but it asks for `leaf` ^1 from sparse+https://a.example/cargo/index/");
}

#[test]
fn what_the_project_itself_patches_is_its_own_affair() {
    let world = World::new(&["a.example", "b.example"]);
    let (site, fork) = (SignedSite::new(&world, "a.example"), SignedSite::new(&world, "b.example"));
    fork.release("leaf", "1.0.5").publish();
    let project = consumer(&world, &site);
    let config = format!("{}{}", site.registry_config(), fork.registry_config());
    project.write(".cargo/config.toml", &config);
    project.write(".cargo/namespaces.toml", &format!("{}\n{}", site.trust_entry(), fork.trust_entry()));
    let patch = format!("\n[patch.a_example]\n{}", fork.consumer_dependency("leaf", "1"));
    project.write("Cargo.toml", &format!("{}{patch}", project.read("Cargo.toml")));
    lock(&world, &project);
    assert!(
        project.read("Cargo.lock").contains("sparse+https://b.example"),
        "{}",
        project.read("Cargo.lock")
    );
    check(&world, &project, &[]).success();
}
