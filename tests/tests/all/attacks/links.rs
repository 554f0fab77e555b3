//! Symbolic links in a stranger's clone: what belongs to the project is not written elsewhere.

use std::fs;
use std::os::unix::fs::symlink;

use namespace_world::{SignedSite, World, run, snapshot};

use super::{consumer, git};

#[test]
fn dot_cargo_is_a_link_to_the_user_s_own_configuration() {
    let world = World::new(&["a.example"]);
    let site = SignedSite::new(&world, "a.example");
    site.release("hello", "1.0.0").publish();
    let project = world.project("app").binary("app", "", "fn main() {}\n");
    git(&world, &project, &["init", "--quiet"]);
    symlink(world.cargo_home(), project.path().join(".cargo")).expect("make a link");
    let (before, home) = (project.snapshot(), snapshot(&world.cargo_home()));
    run(world.nsadd().arg("a.example/hello").current_dir(project.path()))
        .code(6)
        .stderr_has("`.cargo/config.toml` points outside the project")
        .stderr_has(&world.cargo_home().display().to_string())
        .stderr_has("remove it");
    project.assert_unchanged(&before);
    home.assert_unchanged(&world.cargo_home());
}

#[test]
fn the_trust_file_is_a_link_that_leads_nowhere() {
    let world = World::new(&["a.example"]);
    let site = SignedSite::new(&world, "a.example");
    site.release("hello", "1.0.0").publish();
    let project = world.project("app").binary("app", "", "fn main() {}\n");
    fs::create_dir(project.path().join(".cargo")).expect("make a directory");
    let outside = world.root().join("outside.toml");
    symlink(&outside, project.path().join(".cargo/namespaces.toml")).expect("make a link");
    let before = project.snapshot();
    run(world.nsadd().arg("a.example/hello").current_dir(project.path()))
        .code(6)
        .stderr_has("points outside");
    project.assert_unchanged(&before);
    assert!(!outside.exists());
}

#[test]
fn the_configuration_to_vendor_with_is_a_link() {
    let world = World::new(&["a.example"]);
    let site = SignedSite::new(&world, "a.example");
    let project = consumer(&world, &site);
    let outside = world.root().join("outside.toml");
    fs::rename(project.path().join(".cargo/config.toml"), &outside).expect("move the configuration");
    symlink(&outside, project.path().join(".cargo/config.toml")).expect("make a link");
    let (before, text) = (project.snapshot(), fs::read(&outside).expect("read it"));
    run(world.nsvendor().arg("--write-config").current_dir(project.path()))
        .code(6)
        .stderr_has("points outside the project");
    project.assert_unchanged(&before);
    assert_eq!(fs::read(&outside).expect("read it"), text);
    // A link within the repository is nobody else's.
    fs::rename(&outside, project.path().join("cargo-config.toml")).expect("move it back");
    fs::remove_file(project.path().join(".cargo/config.toml")).expect("remove the link");
    symlink("../cargo-config.toml", project.path().join(".cargo/config.toml")).expect("make a link");
    run(world.nsvendor().arg("--write-config").current_dir(project.path())).success();
    assert!(project.read("cargo-config.toml").contains("vendored-a.example"));
}
