//! `cargo vendor`, directory sources, and the cache.

use std::fs;
use std::path::{Path, PathBuf};

use namespace_world::{Archive, Home, Project, World, run};
use serde_json::json;

use super::index::{manifest, sha256};
use super::{Index, locked};

/// A program that uses `dup` 1.0.0 from two registries.
fn app_with_twins(world: &Home, a: &Index, b: &Index) -> Project {
    world
        .project("app")
        .binary(
            "app",
            "dup_a = { package = \"dup\", version = \"1\", registry = \"a_example\" }\n\
             dup_b = { package = \"dup\", version = \"1\", registry = \"b_example\" }\n",
            "fn main() { println!(\"{}, {}\", dup_a::who(), dup_b::who()); }\n",
        )
        .file(".cargo/config.toml", &registries(a, b))
}

fn registries(a: &Index, b: &Index) -> String {
    format!(
        "[registries.a_example]\nindex = \"{}\"\n[registries.b_example]\nindex = \"{}\"\n",
        a.url(),
        b.url()
    )
}

/// A directory source that holds one package.
fn vendored(directory: &Path, name: &str, checksum: Option<&str>, files: &[(&str, &str)]) {
    let package = directory.join(name);
    let mut sums = serde_json::Map::new();
    for (path, text) in files {
        let file = package.join(path);
        fs::create_dir_all(file.parent().expect("a file is in a directory")).expect("create a directory");
        fs::write(file, text).expect("write a vendored file");
        sums.insert((*path).to_owned(), json!(sha256(text.as_bytes())));
    }
    fs::write(
        package.join(".cargo-checksum.json"),
        json!({ "files": sums, "package": checksum }).to_string(),
    )
    .expect("write checksums");
}

/// The checksum that a lock file has for the package of this source.
fn checksum(project: &Project, source: &str) -> String {
    let lock = project.read("Cargo.lock");
    let (_, rest) =
        lock.split_once(&format!("source = \"{source}\"\nchecksum = \"")).expect("the lock has a checksum");
    rest[..64].to_owned()
}

#[test]
fn cargo_vendor_stops_on_one_name_and_version_from_two_registries() {
    let world = World::new(&["a.example", "b.example"]);
    let (a, b) = (Index::new(&world, "a.example"), Index::new(&world, "b.example"));
    a.publish("dup", "1.0.0", &[]);
    b.publish("dup", "1.0.0", &[]);
    let project = app_with_twins(&world, &a, &b);
    run(world.cargo().arg("run").current_dir(project.path()))
        .success()
        .stdout_has("dup 1.0.0 from a.example, dup 1.0.0 from b.example");
    run(world.cargo().arg("vendor").current_dir(project.path()))
        .failure()
        .stderr_has("found duplicate version of package `dup v1.0.0` vendored from two sources");
}

#[test]
fn one_directory_source_a_registry_builds_offline_with_the_same_lock_with_git_path_and_patch_too() {
    let world = World::new(&["a.example", "b.example"]);
    let (a, b) = (Index::new(&world, "a.example"), Index::new(&world, "b.example"));
    for index in [&a, &b] {
        index.publish("dup", "1.0.0", &[]);
    }
    a.publish("patched", "1.0.0", &[]);
    let repository = world.project("repository").library("from-git", "1.0.0", "");
    for arguments in [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "-m", "A library"]] {
        run(world.command("git").args(arguments).current_dir(repository.path())).success();
    }
    let git = format!("file://{}", repository.path().display());
    let project = app_with_twins(&world, &a, &b)
        .file("local/Cargo.toml", &manifest("local", "1.0.0", &[]))
        .file("local/src/lib.rs", "")
        .file("patch/Cargo.toml", &manifest("patched", "1.0.0", &[]))
        .file("patch/src/lib.rs", "");
    let text = project.read("Cargo.toml")
        + &format!(
            "local = {{ path = \"local\" }}\nfrom-git = {{ git = \"{git}\" }}\npatched = {{ version = \"1\", registry = \"a_example\" }}\n\n\
             [patch.a_example]\npatched = {{ path = \"patch\" }}\n"
        );
    project.write("Cargo.toml", &text);
    run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    let lock = project.read("Cargo.lock");

    let vendor = project.path().join("vendor");
    let dup = manifest("dup", "1.0.0", &[]);
    let mut config = registries(&a, &b);
    for (name, index) in [("a", &a), ("b", &b)] {
        let source = format!("pub fn who() -> &'static str {{ \"vendored {name}\" }}\n");
        vendored(
            &vendor.join(name),
            "dup-1.0.0",
            Some(&checksum(&project, &index.url())),
            &[("Cargo.toml", &dup), ("src/lib.rs", &source)],
        );
        let url = index.url();
        config += &format!(
            "[source.\"{url}\"]\nregistry = \"{url}\"\nreplace-with = \"vendored-{name}\"\n\
             [source.vendored-{name}]\ndirectory = \"vendor/{name}\"\n"
        );
    }
    vendored(
        &vendor.join("git"),
        "from-git-1.0.0",
        None,
        &[("Cargo.toml", &manifest("from-git", "1.0.0", &[])), ("src/lib.rs", "")],
    );
    config += &format!(
        "[source.\"git+{git}\"]\ngit = \"{git}\"\nreplace-with = \"vendored-git\"\n[source.vendored-git]\ndirectory = \"vendor/git\"\n"
    );
    project.write(".cargo/config.toml", &config);
    world.forget_contacts();
    run(world
        .cargo()
        .args(["run", "--locked", "--offline"])
        .env("CARGO_HOME", world.root().join("empty"))
        .current_dir(project.path()))
    .success()
    .stdout_has("vendored a, vendored b");
    assert_eq!(project.read("Cargo.lock"), lock);
    assert!(world.contacted().is_empty(), "{:?}", world.contacted());
}

/// A program with `hello` of `a.example` fetched into the cache, and the path of that .crate.
fn fetched(world: &World) -> (Project, PathBuf) {
    let index = Index::new(world, "a.example");
    index.publish("hello", "1.0.0", &[]);
    let project = world
        .project("app")
        .binary(
            "app",
            "hello = { version = \"1\", registry = \"a_example\" }\n",
            "fn main() { println!(\"{}\", hello::who()); }\n",
        )
        .file(".cargo/config.toml", &format!("[registries.a_example]\nindex = \"{}\"\n", index.url()));
    run(world.cargo().arg("fetch").current_dir(project.path())).success();
    let cached = only_child(&world.cargo_home().join("registry/cache")).join("hello-1.0.0.crate");
    (project, cached)
}

fn only_child(directory: &Path) -> PathBuf {
    let children: Vec<PathBuf> = fs::read_dir(directory)
        .expect("list a directory")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    assert_eq!(children.len(), 1, "{children:?}");
    children[0].clone()
}

/// Vendors a project with stock Cargo and uses the result.
fn cargo_vendor(world: &Home, project: &Project) {
    let output = run(world.cargo().args(["vendor", "--locked"]).current_dir(project.path())).success();
    let config = project.read(".cargo/config.toml");
    project.write(".cargo/config.toml", &format!("{config}\n{}", output.stdout));
}

#[test]
fn cargo_vendor_locked_vendors_an_altered_crate_of_the_cache_and_stamps_it_with_the_locks_checksum() {
    let world = World::new(&["a.example"]);
    let (project, cached) = fetched(&world);
    let altered = Archive::new("hello", "1.0.0")
        .file("Cargo.toml", manifest("hello", "1.0.0", &[]))
        .file("src/lib.rs", "pub fn who() -> &'static str { \"altered\" }\n");
    fs::write(&cached, altered.build()).expect("alter the cache");
    fs::remove_dir_all(world.cargo_home().join("registry/src")).expect("forget what was unpacked");
    cargo_vendor(&world, &project);
    let sums = project.read("vendor/hello/.cargo-checksum.json");
    assert!(sums.contains(&checksum(&project, "sparse+https://a.example/cargo/index/")), "{sums}");
    run(world.cargo().args(["run", "--locked", "--offline"]).current_dir(project.path()))
        .success()
        .stdout_has("altered");
}

#[test]
fn an_extra_build_script_in_a_vendored_crate_runs() {
    let world = World::new(&["a.example"]);
    let (project, _) = fetched(&world);
    cargo_vendor(&world, &project);
    let sign = world.root().join("the-script-ran");
    let script = format!("fn main() {{ std::fs::write({sign:?}, \"\").unwrap(); }}\n");
    project.write("vendor/hello/build.rs", &script);
    run(world.cargo().args(["run", "--locked", "--offline"]).current_dir(project.path())).success();
    assert!(sign.exists());
}

#[test]
fn a_changed_file_that_the_checksum_file_lists_is_noticed() {
    let world = World::new(&["a.example"]);
    let (project, _) = fetched(&world);
    cargo_vendor(&world, &project);
    project.write("vendor/hello/src/lib.rs", "pub fn who() -> &'static str { \"altered\" }\n");
    run(world.cargo().args(["run", "--locked", "--offline"]).current_dir(project.path()))
        .failure()
        .stderr_has("the listed checksum of")
        .stderr_has("has changed");
}

/// CVE-2026-5223: fixed in Cargo 1.96.
#[test]
fn before_1_96_a_symlink_in_one_crate_overwrites_the_cached_source_of_another() {
    let world = World::new(&["a.example"]);
    let (project, _) = fetched(&world);
    let index = Index::new(&world, "a.example");
    let evil = Archive::new("evil", "1.0.0")
        .file("Cargo.toml", manifest("evil", "1.0.0", &[]))
        .file("src/lib.rs", "")
        .symlink("to-hello", "../hello-1.0.0")
        .file("to-hello/src/lib.rs", "pub fn who() -> &'static str { \"overwritten\" }\n");
    index.add("evil", "1.0.0", &[], &evil.build());
    run(world.cargo().args(["add", "evil", "--registry", "a_example"]).current_dir(project.path())).success();
    let output = run(world.cargo().arg("run").current_dir(project.path()));
    let version = run(world.cargo().arg("--version")).success().stdout;
    let minor: u32 =
        version.split('.').nth(1).and_then(|minor| minor.parse().ok()).expect("cargo has a version");
    if minor < 96 {
        output.success().stdout_has("overwritten");
    } else {
        output.stdout_lacks("overwritten");
    }
    assert_eq!(locked(&project).len(), 2);
}
