//! One cache with Cargo, and one lock.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use namespace_world::{Home, Running, SignedSite, Trouble, World, run};

use super::{Small, nsvendor};

const BLOCKING: &str = "    Blocking waiting for file lock on package cache";

/// Cargo's lock on its package cache.
fn package_cache(world: &Home) -> File {
    let path = world.cargo_home().join(".package-cache");
    let file =
        File::options().create(true).truncate(false).write(true).open(path).expect("open Cargo's lock");
    file.lock().expect("lock it");
    file
}

fn names(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// The files in Cargo's cache, each with its directory.
fn cached(home: &Path) -> BTreeSet<String> {
    let cache = home.join("registry/cache");
    let of = |directory: String| {
        let files = names(&cache.join(&directory)).into_iter();
        files.map(move |file| format!("{directory}/{file}"))
    };
    names(&cache).into_iter().flat_map(of).collect()
}

#[test]
fn while_another_cargo_has_the_package_cache_it_waits_and_says_so() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let start = || Running::start(world.nsvendor().current_dir(small.project.path()));
    // Cargo is asked whether the lock file fits: it waits.
    let lock = package_cache(&world);
    let mut running = start();
    running.wait_for(BLOCKING);
    drop(lock);
    let (ended, said) = running.end();
    assert!(ended.success() && said.contains("Vendored 2 packages"), "{said}");
    // Nobody is asked: it waits itself, to move what it has downloaded.
    fs::remove_dir_all(small.project.path().join("vendor")).expect("remove it");
    fs::remove_dir_all(world.cargo_home().join("registry/cache")).expect("remove it");
    let lock = package_cache(&world);
    let mut running = start();
    running.wait_for(BLOCKING);
    assert_eq!(cached(&world.cargo_home()), BTreeSet::new(), "written without the lock");
    drop(lock);
    let (ended, said) = running.end();
    assert!(ended.success() && said.contains("Vendored 2 packages"), "{said}");
    assert_eq!(cached(&world.cargo_home()).len(), 2);
    // With nothing to be moved there is nothing to wait for.
    let _lock = package_cache(&world);
    small.nsvendor(&[]).success().stderr_lacks("Blocking");
}

#[test]
fn what_either_has_downloaded_the_other_does_not_download_again() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let fetch =
        |flags: &[&str]| run(world.cargo().arg("fetch").args(flags).current_dir(small.project.path()));
    small.nsvendor(&[]).success().stderr_has("Downloading crates ...").stderr_has("Downloaded 2 crates (");
    fetch(&["--offline", "--locked"]).success();
    fetch(&[]).success();
    assert_eq!(world.asked_for("a.example", "leaf-1.0.0.crate"), 1);
    let ours = cached(&world.cargo_home());
    // And in the other order.
    for directory in ["registry", "namespaces"] {
        fs::remove_dir_all(world.cargo_home().join(directory)).expect("remove it");
    }
    fs::remove_dir_all(small.project.path().join("vendor")).expect("remove it");
    fetch(&[]).success();
    assert_eq!(cached(&world.cargo_home()), ours, "Cargo keeps them under other names");
    assert_eq!(world.asked_for("a.example", "leaf-1.0.0.crate"), 2);
    small.nsvendor(&[]).success().stderr_lacks("Download");
    assert_eq!(world.asked_for("a.example", "leaf-1.0.0.crate"), 2);
}

#[test]
fn with_a_cargo_that_fetches_at_the_same_time_both_succeed() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    world.trouble("a.example", Trouble::Slow);
    for _ in 0..3 {
        for directory in ["registry", "namespaces"] {
            let _ = fs::remove_dir_all(world.cargo_home().join(directory));
        }
        let _ = fs::remove_dir_all(small.project.path().join("vendor"));
        let mut fetch = world.cargo();
        let cargo = Running::start(fetch.args(["fetch", "--locked"]).current_dir(small.project.path()));
        let ours = Running::start(world.nsvendor().current_dir(small.project.path()));
        let ((cargo, cargo_said), (ours, said)) = (cargo.end(), ours.end());
        assert!(cargo.success(), "{cargo_said}");
        assert!(ours.success(), "{said}");
        run(world.cargo().args(["fetch", "--offline", "--locked"]).current_dir(small.project.path()))
            .success();
        assert_eq!(cached(&world.cargo_home()).len(), 2);
    }
}

/// Of crates.io, and of two indexes on one host.
#[test]
fn the_directories_of_the_cache_are_cargos_own() {
    let world = World::new(&["a.example", "b.example"]);
    let a = SignedSite::new(&world, "a.example");
    let b = SignedSite::new(&world, "b.example").moved_below("a.example", "elsewhere/b");
    a.release("one", "1.0.0").publish();
    b.release("two", "1.0.0").publish();
    let dependencies = format!(
        "itoa = \"=1.0.15\"\n{}{}",
        a.consumer_dependency("one", "1"),
        b.consumer_dependency("two", "1")
    );
    let project = world
        .project("app")
        .binary("app", &dependencies, "fn main() {}\n")
        .file(".cargo/config.toml", &format!("{}{}", a.registry_config(), b.registry_config()))
        .file(".cargo/namespaces.toml", &format!("{}{}", a.trust_entry(), b.trust_entry()));
    run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    nsvendor(&world, &project, &[]).success();
    let other = world.root().join("other-home");
    run(world.cargo().arg("fetch").env("CARGO_HOME", &other).current_dir(project.path())).success();
    let theirs = cached(&other);
    assert_eq!(theirs.len(), 3, "{theirs:?}");
    assert_eq!(cached(&world.cargo_home()), theirs);
    run(world.cargo().args(["fetch", "--offline", "--locked"]).current_dir(project.path())).success();
}
