//! How Cargo spells sources, finds members, and what it does with names that are not UTF-8.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use namespace_world::{Home, run};

/// A lock file of version 4 and a package id escape a git reference; one of version 3 and `source` in `cargo metadata` do not.
#[test]
fn a_git_reference_has_two_spellings() {
    let world = Home::new();
    let repository = world.project("repository").library("dep", "0.1.0", "");
    for arguments in
        [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "-m", "One"], &["tag", "v1/a+b#c"]]
    {
        run(world.command("git").args(arguments).current_dir(repository.path())).success();
    }
    let url = format!("file://{}", repository.path().display());
    for (version, rust, locked) in [(4, "", "v1%2Fa%2Bb%23c"), (3, "rust-version = \"1.60\"\n", "v1/a+b#c")] {
        let dependency = format!("dep = {{ git = \"{url}\", tag = \"v1/a+b#c\" }}\n");
        let project = world.project(&format!("app{version}")).binary("app", &dependency, "fn main() {}\n");
        let manifest = project.read("Cargo.toml").replace("[package]\n", &format!("[package]\n{rust}"));
        project.write("Cargo.toml", &manifest);
        run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
        let lock = project.read("Cargo.lock");
        assert!(lock.contains(&format!("\nversion = {version}\n")), "{lock}");
        assert!(lock.contains(&format!("source = \"git+{url}?tag={locked}#")), "{lock}");
        let metadata =
            run(world.cargo().args(["metadata", "--format-version", "1"]).current_dir(project.path()))
                .success();
        metadata
            .stdout_has(&format!("\"source\":\"git+{url}?tag=v1/a+b#c#"))
            .stdout_has(&format!("\"id\":\"git+{url}?tag=v1%2Fa%2Bb%23c#dep@0.1.0\""));
    }
}

#[test]
fn a_package_may_be_called_project_up_to_edition_2021() {
    let world = Home::new();
    let project = world.project("app").library("app", "0.1.0", "");
    let metadata = |edition: &str| {
        let text = format!("[project]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"{edition}\"\n");
        project.write("Cargo.toml", &text);
        run(world
            .cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .current_dir(project.path()))
    };
    metadata("2021").success();
    metadata("2024").failure().stderr_has("`[project]` is not supported as of the 2024 Edition");
}

/// It fetches and vendors there, but takes no such argument, and names no such path in JSON.
#[test]
fn a_directory_whose_name_is_not_utf_8() {
    let world = Home::new();
    let project = world.project("app").binary("app", "", "fn main() {}\n");
    let moved = world.root().join(OsStr::from_bytes(b"app\xff"));
    std::fs::rename(project.path(), &moved).expect("rename it");
    for arguments in [&["fetch"][..], &["vendor", "v"]] {
        run(world.cargo().args(arguments).current_dir(&moved)).success();
    }
    let mut command = world.cargo();
    command.args(["fetch", "--manifest-path"]).arg(moved.join("Cargo.toml"));
    run(&mut command).failure().stderr_has("invalid UTF-8");
    let metadata = ["metadata", "--no-deps", "--format-version", "1"];
    run(world.cargo().args(metadata).current_dir(&moved)).failure().stderr_has("invalid UTF-8");
}
