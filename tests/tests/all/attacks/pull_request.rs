//! A change that brings its own trust: `cargo nsvendor --check --trust main` judges it by what `main` says. Everything in
//! the working tree is the attacker's, the repository is not.

use std::fs;

use cargo_namespaces::key::SecretKey;
use namespace_world::{Project, SignedSite, World, run};

use super::{check, commit, consumer, git, lock};

/// The project on `main`; then, in its working tree, a release by the attacker's key with a pin for it.
fn attacked(world: &World, site: &SignedSite<'_>) -> (Project, String) {
    let project = consumer(world, site);
    commit(world, &project);
    let attacker = SecretKey::generate().expect("a key");
    site.release("hello", "1.0.1").signed_by(&attacker).publish();
    let pins =
        format!("{}\"{} a.example\",\n]\n", site.trust_entry().trim_end_matches("]\n"), attacker.public());
    project.write(".cargo/namespaces.toml", &pins);
    lock(world, &project);
    check(world, &project, &[]).success();
    (project, pins)
}

#[test]
fn a_pull_request_brings_its_own_pins() {
    let world = World::new(&["a.example"]);
    let site = SignedSite::new(&world, "a.example");
    let (project, _) = attacked(&world, &site);
    check(&world, &project, &["--trust", "main"]).code(4).stderr_has("hello v1.0.1").stderr_has("ed25519:");
}

/// A file is no revision, whatever it is called.
#[test]
fn a_pull_request_brings_a_file_with_the_name_of_the_base_branch() {
    let world = World::new(&["a.example"]);
    let site = SignedSite::new(&world, "a.example");
    let (project, pins) = attacked(&world, &site);
    for name in ["main", "origin/main"] {
        project.write(name, &pins);
    }
    check(&world, &project, &["--trust", "main"]).code(4).stderr_has("hello v1.0.1");
    // Not even where the branch was not fetched.
    check(&world, &project, &["--trust", "origin/main"]).code(2).stderr_has("not a git revision");
}

/// git takes a directory with `HEAD`, `objects` and `refs` for a bare repository, wherever it lies.
#[test]
fn a_pull_request_brings_a_repository_of_its_own() {
    let world = World::new(&["a.example"]);
    let site = SignedSite::new(&world, "a.example");
    let (project, _) = attacked(&world, &site);
    // The same as a workspace below the top of the repository.
    let sub = Project::at(project.path().join("sub"));
    for path in ["Cargo.toml", "Cargo.lock", "src/main.rs", ".cargo/config.toml", ".cargo/namespaces.toml"] {
        sub.write(path, &project.read(path));
    }
    let evil = Project::at(world.root().join("projects/evil"));
    for path in ["Cargo.toml", "Cargo.lock", "src/main.rs", ".cargo/config.toml", ".cargo/namespaces.toml"] {
        evil.write(path, &project.read(path));
    }
    commit(&world, &evil);
    copy(&evil.path().join(".git"), sub.path());
    // With a work tree of its own, it even has a top directory.
    sub.write("config", &format!("{}\tworktree = {}\n", sub.read("config"), sub.path().display()));
    let planted =
        run(world.command("git").args(["log", "-1", "--format=%s", "main"]).current_dir(sub.path()));
    let top = run(world.command("git").args(["rev-parse", "--show-toplevel"]).current_dir(sub.path()));
    assert_eq!(
        (planted.stdout.trim(), top.stdout.trim().ends_with("sub")),
        ("Base", true),
        "git is taken in"
    );
    check(&world, &sub, &["--trust", "main"]).code(2).stderr_has("not a git revision");
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    for entry in fs::read_dir(from).expect("list a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            fs::create_dir_all(&target).expect("create a directory");
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("copy a file");
        }
    }
}

/// A registry that is nobody's namespace is passed over when the project configured it; here only the change did.
#[test]
fn a_pull_request_configures_a_registry_of_its_own() {
    let world = World::new(&["a.example", "evil.example"]);
    let (site, evil) = (SignedSite::new(&world, "a.example"), SignedSite::new(&world, "evil.example"));
    let dl = "https://evil.example/cargo/crates/{crate}/{crate}-{version}.crate";
    world.serve("evil.example", "cargo/index/config.json", format!("{{\"dl\": \"{dl}\"}}"));
    evil.release("hello", "1.0.0").publish();
    let project = consumer(&world, &site);
    commit(&world, &project);
    let registry = "[registries.mirror]\nindex = \"sparse+https://evil.example/cargo/index/\"\n";
    project.write(".cargo/config.toml", &format!("{}{registry}", site.registry_config()));
    project.write("Cargo.toml", &project.read("Cargo.toml").replace("a_example", "mirror"));
    lock(&world, &project);
    check(&world, &project, &[]).success().stderr_has("without a namespace");
    check(&world, &project, &["--trust", "main"]).code(4).stderr_has(
        "sparse+https://evil.example/cargo/index/: 1 package of the lock file comes from this unknown registry",
    );
    // Once it is on `main`, it was reviewed.
    git(&world, &project, &["commit", "--quiet", "-a", "-m", "Add a mirror"]);
    check(&world, &project, &["--trust", "main"]).success();
}

/// Cargo takes another spelling of an index for another registry, and so would a look-up of what is pinned.
#[test]
fn a_pull_request_spells_the_index_in_another_way() {
    let world = World::new(&["a.example"]);
    let site = SignedSite::new(&world, "a.example");
    let project = consumer(&world, &site);
    let attacker = SecretKey::generate().expect("a key");
    site.release("hello", "1.0.1").signed_by(&attacker).publish();
    for spelling in ["sparse+https://A.example/cargo/index/", "sparse+https://a.example:443/cargo/index/"] {
        project.write(".cargo/config.toml", &site.registry_config().replace(site.index().as_str(), spelling));
        lock(&world, &project);
        assert!(project.read("Cargo.lock").contains(spelling), "Cargo keeps the spelling");
        check(&world, &project, &[])
            .code(4)
            .stderr_has(spelling)
            .stderr_has("another spelling of sparse+https://a.example/cargo/index/");
    }
}

/// `paths` swaps the code of a crate, and the lock file does not show it.
#[test]
fn a_pull_request_overrides_a_crate_with_a_path() {
    let world = World::new(&["a.example"]);
    let site = SignedSite::new(&world, "a.example");
    let project = consumer(&world, &site);
    project.write("evil/Cargo.toml", "[package]\nname = \"leaf\"\nversion = \"1.0.0\"\nedition = \"2021\"\n");
    project.write("evil/src/lib.rs", "pub fn who() -> &'static str { \"evil\" }\n");
    project.write(".cargo/config.toml", &format!("paths = [\"evil\"]\n{}", site.registry_config()));
    check(&world, &project, &[]).success().stderr_has("`paths`").stderr_has("evil");
    check(&world, &project, &["--strict"]).failure();
}
