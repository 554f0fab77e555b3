//! Lock files of every version that Cargo reads and writes, and such as Cargo mends.

use namespace_world::{Project, SignedSite, World, run};

use super::git::repository;
use super::registries::forget;
use super::{nsvendor, run_offline};

const MAIN: &str = "fn main() {\n    println!(\"{}\", hello::who());\n}\n";

/// A program that uses a namespaced crate and one of crates.io.
fn project<'w>(world: &'w World, package: &str) -> (SignedSite<'w>, Project) {
    let site = SignedSite::new(world, "a.example");
    site.release("hello", "1.0.0").publish();
    let manifest = format!(
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2018\"\n{package}\n[dependencies]\nitoa = \"=1.0.15\"\n{}",
        site.consumer_dependency("hello", "1")
    );
    let project = world
        .project("app")
        .file("Cargo.toml", &manifest)
        .file("src/main.rs", MAIN)
        .file(".cargo/config.toml", &site.registry_config())
        .file(".cargo/namespaces.toml", &site.trust_entry());
    run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    (site, project)
}

/// Vendors in every form and checks it; the lock file stays as it is.
fn every_form(world: &World, project: &Project) {
    let locked = project.read("Cargo.lock");
    for flags in [
        &["--format", "local-registry"][..],
        &["--format", "tar.zst"],
        &["--platform", "x86_64-unknown-linux-gnu"],
        &["--sbom", "spdx"],
        &["--write-config"],
    ] {
        nsvendor(world, project, flags).success();
        let check: Vec<&str> = flags.iter().copied().filter(|flag| *flag != "--write-config").collect();
        nsvendor(world, project, &[&check, &["--check"][..]].concat()).success();
    }
    run_offline(world, project).success().stdout_has("a.example/hello 1.0.0");
    assert_eq!(project.read("Cargo.lock"), locked);
}

/// Cargo itself writes version 1 for a package that an old Cargo must be able to build.
#[test]
fn version_1_is_vendored_and_checked() {
    let world = World::new(&["a.example"]);
    let (site, project) = project(&world, "rust-version = \"1.40\"\n");
    let lock = project.read("Cargo.lock");
    assert!(lock.contains("[metadata]\n\"checksum hello 1.0.0 (sparse+https://a.example/"), "{lock}");
    every_form(&world, &project);
    // Altered, it is refused as every other is.
    let (_, rest) = lock.split_once("\"checksum hello").expect("a checksum");
    let (_, rest) = rest.split_once("= \"").expect("a value");
    project.write("Cargo.lock", &lock.replace(&rest[..64], &"0".repeat(64)));
    nsvendor(&world, &project, &["--check"]).code(4).stderr_has(&"0".repeat(64));
    project.write("Cargo.lock", &lock);
    // nsadd in the same project, built from the registry again.
    project.write(".cargo/config.toml", &site.registry_config());
    site.release("more", "1.0.0").publish();
    run(world.nsadd().args(["a.example/more", "--yes"]).current_dir(project.path())).success();
    assert!(project.read("Cargo.lock").contains("\"checksum more 1.0.0"));
}

#[test]
fn versions_2_and_3_are_vendored_and_checked() {
    let world = World::new(&["a.example"]);
    let (site, project) = project(&world, "");
    let lock = project.read("Cargo.lock");
    for (from, to) in [("version = 4\n\n", "version = 3\n\n"), ("version = 4\n\n", "")] {
        project.write("Cargo.lock", &lock.replace(from, to));
        every_form(&world, &project);
        std::fs::remove_dir_all(project.path().join("vendor")).expect("remove it");
        project.write(".cargo/config.toml", &site.registry_config());
    }
}

/// Cargo adds it, unless it is told to leave the lock file alone; so do we.
#[test]
fn a_missing_checksum_is_added_by_cargo() {
    let world = World::new(&["a.example"]);
    let (_, project) = project(&world, "");
    let lock = project.read("Cargo.lock");
    let without: String = lock
        .lines()
        .filter(|line| !line.starts_with("checksum = "))
        .map(|line| format!("{line}\n"))
        .collect();
    for form in ["directory", "local-registry", "tar.zst"] {
        project.write("Cargo.lock", &without);
        nsvendor(&world, &project, &["--locked", "--format", form]).failure().stderr_has("because --locked");
        nsvendor(&world, &project, &["--format", form]).success();
        assert_eq!(project.read("Cargo.lock"), lock);
        nsvendor(&world, &project, &["--format", form, "--check"]).success();
        let _ = std::fs::remove_dir_all(project.path().join("vendor"));
    }
    project.write("Cargo.lock", &without);
    nsvendor(&world, &project, &["--check"]).failure().stderr_has("no checksum for `hello` 1.0.0");
}

#[test]
fn a_patch_that_nothing_uses_is_not_vendored() {
    let world = World::new(&["a.example"]);
    let (_, project) = project(&world, "");
    let unused = world.project("unused").library("serde", "9.0.0", "");
    project.write(
        "Cargo.toml",
        &format!(
            "{}\n[patch.crates-io]\nserde = {{ path = \"{}\" }}\n",
            project.read("Cargo.toml"),
            unused.path().display()
        ),
    );
    run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    assert!(project.read("Cargo.lock").contains("[[patch.unused]]"));
    every_form(&world, &project);
}

/// Cargo loads it all the same, from where it is: nobody says that a package leads elsewhere.
#[test]
fn a_patch_from_a_repository_that_nothing_uses_is_no_problem_with_an_empty_home() {
    let world = World::new(&["a.example"]);
    let (_, project) = project(&world, "");
    let (_, url) = repository(&world, None);
    let patch = format!("[patch.crates-io]\ncfg-if = {{ git = \"{url}\", package = \"inner\" }}\n");
    project.write("Cargo.toml", &format!("{}\n{patch}", project.read("Cargo.toml")));
    run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    assert!(project.read("Cargo.lock").contains("[[patch.unused]]"));
    for form in ["directory", "local-registry", "tar.zst"] {
        for flags in [&["--format", form][..], &["--format", form, "--check"]] {
            forget(&world);
            nsvendor(&world, &project, flags).success();
        }
        let _ = std::fs::remove_dir_all(project.path().join("vendor"));
    }
}
