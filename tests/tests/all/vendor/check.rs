//! `--check`: finds everything, writes nothing.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use cargo_namespaces::digest::Digest;
use cargo_namespaces::key::SecretKey;
use namespace_world::{Home, Output, World, run, snapshot};

use super::Small;

/// Checks; the project must not change by it.
#[track_caller]
fn check(small: &Small<'_>, arguments: &[&str]) -> Output {
    let before = small.project.snapshot();
    let output = small.nsvendor(&[&["--check"], arguments].concat());
    small.project.assert_unchanged(&before);
    output
}

#[test]
fn an_extra_a_changed_and_a_removed_file_are_found() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    let hello = "vendor/a.example/hello-1.0.0";
    check(&small, &[]).success();

    small.project.write(&format!("{hello}/build.rs"), "fn main() {}\n");
    check(&small, &[]).code(4).stderr_has(&format!("{hello}/build.rs is not in the package"));
    fs::remove_file(small.project.path().join(hello).join("build.rs")).expect("remove it");

    let source = small.project.read(&format!("{hello}/src/lib.rs"));
    let evil = source.replace("hello", "HELLO");
    small.project.write(&format!("{hello}/src/lib.rs"), &evil);
    check(&small, &[]).code(4).stderr_has(&format!("{hello}/src/lib.rs differs from the package"));
    // Whoever changes a file can change the list that Cargo believes.
    let list = small.project.read(&format!("{hello}/.cargo-checksum.json"));
    let forged =
        list.replace(&Digest::of(source.as_bytes()).to_string(), &Digest::of(evil.as_bytes()).to_string());
    assert_ne!(list, forged);
    small.project.write(&format!("{hello}/.cargo-checksum.json"), &forged);
    check(&small, &[]).code(4).stderr_has(&format!("{hello}/src/lib.rs differs from the package"));
    small.project.write(&format!("{hello}/src/lib.rs"), &source);
    check(&small, &[]).code(4).stderr_has(&format!("{hello}/.cargo-checksum.json differs from the package"));
    small.project.write(&format!("{hello}/.cargo-checksum.json"), &list);
    check(&small, &[]).success();

    fs::remove_file(small.project.path().join(hello).join("run.sh")).expect("remove it");
    check(&small, &[]).code(4).stderr_has(&format!("{hello}/run.sh is missing"));
    fs::remove_dir_all(small.project.path().join(hello)).expect("remove it");
    check(&small, &[]).code(4).stderr_has(&format!("{hello} is missing"));
}

#[test]
fn strays_and_links_are_found() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    for path in
        ["vendor/a.example/evil-1.0.0/Cargo.toml", "vendor/evil/Cargo.toml", "vendor/.hidden/x", "vendor/x"]
    {
        small.project.write(path, "");
        let stray = path.trim_end_matches("/Cargo.toml").trim_end_matches("/x");
        let stray = if path == "vendor/x" { path } else { stray };
        check(&small, &[]).code(4).stderr_has(&format!("`{stray}` is not in the lock file"));
        let path = small.project.path().join(stray);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("remove it");
    }
    // Cargo does not look at dot files.
    small.project.write("vendor/.gitattributes", "* -text\n");
    check(&small, &[]).success();
    let hello = small.project.path().join("vendor/a.example/hello-1.0.0");
    let elsewhere = small.project.path().join("elsewhere");
    fs::rename(&hello, &elsewhere).expect("move it");
    symlink(&elsewhere, &hello).expect("make a link");
    check(&small, &[]).code(4).stderr_has("`vendor/a.example/hello-1.0.0` is a link");
}

/// git keeps the executable bit, and builds run what has it.
#[test]
fn another_mode_and_an_empty_directory_are_found_and_mended() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    let directory = "vendor/a.example/hello-1.0.0";
    let path = |below: &str| small.project.path().join(directory).join(below);
    let set_mode = |mode| {
        fs::set_permissions(path("src/lib.rs"), fs::Permissions::from_mode(mode)).expect("set a mode");
    };
    // Whoever else may read it is for the umask to say.
    set_mode(0o640);
    check(&small, &[]).success();
    set_mode(0o744);
    check(&small, &[]).code(4).stderr_has(&format!("{directory}/src/lib.rs is executable"));
    small.nsvendor(&[]).success().stderr_has("; 1 written");
    check(&small, &[]).success();
    // Neither Cargo nor git puts one into a package.
    fs::create_dir_all(path("src/bin")).expect("make a directory");
    check(&small, &[]).code(4).stderr_has(&format!("{directory}/src/bin is not in the package"));
    small.nsvendor(&[]).success().stderr_has("; 1 written");
    for stray in ["vendor/empty", "vendor/a.example/empty", "vendor/b.example/empty"] {
        fs::create_dir_all(small.project.path().join(stray)).expect("make a directory");
    }
    check(&small, &[]).code(4).stderr_has("`vendor/empty` is").stderr_has("`vendor/a.example/empty` is");
    small.nsvendor(&[]).success().stderr_has("; nothing changed");
    check(&small, &[]).success();
    assert!(!small.project.has("vendor/empty") && !small.project.has("vendor/b.example"));
}

#[test]
fn a_vendored_directory_that_is_missing_is_found_where_the_configuration_leads_to_it() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    fs::remove_dir_all(small.project.path().join("vendor")).expect("remove it");
    check(&small, &[]).code(4).stderr_has("vendor/a.example`, which is missing");
    // Nothing leads to it: it is not vendored.
    small.project.write(".cargo/config.toml", &small.site.registry_config());
    check(&small, &[]).success();
}

/// Each source has one of its own: the directory of another one is not what was locked.
#[test]
fn a_configuration_that_leads_to_the_directory_of_another_source_is_found() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let manifest = small.project.read("Cargo.toml");
    small.project.write("Cargo.toml", &format!("{manifest}itoa = \"=1.0.15\"\n"));
    small.nsvendor(&["--write-config"]).success();
    check(&small, &[]).success().stderr_lacks("does not replace");
    let config = small.project.read(".cargo/config.toml");
    small
        .project
        .write(".cargo/config.toml", &config.replace("\"vendor/crates.io\"", "\"vendor/a.example\""));
    check(&small, &[])
        .code(4)
        .stderr_has("replaces crates.io with the directory")
        .stderr_has("not with `vendor/crates.io`");
    // Not vendored from at all: the lock file is what guards the build, and that is said.
    small.project.write(".cargo/config.toml", &small.site.registry_config());
    check(&small, &[])
        .success()
        .stderr_has("Cargo's configuration does not replace a.example, crates.io with `vendor`");
}

/// Offline even Cargo's home stays as it is, but for the note that Cargo makes of what it used when.
#[test]
fn offline_nothing_is_written_anywhere() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    check(&small, &["--offline"]).success();
    let before = snapshot(&world.cargo_home());
    check(&small, &["--offline"]).success();
    let changes = before.changes(&snapshot(&world.cargo_home()));
    let of_cargo = |change: &String| change.contains(".global-cache") || change.contains(".package-cache");
    assert!(changes.iter().all(of_cargo), "{changes:?}");
}

#[test]
fn a_configuration_that_leads_elsewhere_is_found() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    let config = small.project.read(".cargo/config.toml");
    small
        .project
        .write(".cargo/config.toml", &config.replace("\"vendor/a.example\"", "\"vendor2/a.example\""));
    check(&small, &[]).code(4).stderr_has("vendor2/a.example");
    // A gate that looks at another directory than the build does is none.
    small.project.write(".cargo/config.toml", &config);
    check(&small, &["elsewhere"]).code(4).stderr_has("not with `elsewhere/a.example`");
}

fn git(world: &Home, directory: &Path, arguments: &[&str]) {
    run(world.command("git").args(arguments).current_dir(directory)).success();
}

/// A pull request brings a release by the attacker's own key, and the pin for it.
#[test]
fn the_gate_takes_the_trusted_keys_from_the_base_branch() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    let root = small.project.path();
    git(&world, root, &["init", "--quiet", "--initial-branch", "main"]);
    git(&world, root, &["add", "."]);
    git(&world, root, &["commit", "--quiet", "-m", "Vendored"]);
    check(&small, &["--trust", "main"]).success();

    let attacker = SecretKey::generate().expect("a key");
    small.site.authorize(&attacker.public());
    small.site.release("hello", "1.0.1").signed_by(&attacker).publish();
    let pins = small.project.read(".cargo/namespaces.toml");
    let own = format!("trusted = [\n  \"{} a.example\",", attacker.public());
    small.project.write(".cargo/namespaces.toml", &pins.replace("trusted = [", &own));
    let manifest = small
        .project
        .read("Cargo.toml")
        .replace("version = \"1\", registry", "version = \"1.0.1\", registry");
    small.project.write("Cargo.toml", &manifest);
    small.nsvendor(&[]).success();
    check(&small, &[]).success();
    check(&small, &["--trust", "main"]).code(4).stderr_has("hello v1.0.1");
    let file = world.root().join("pins.toml");
    fs::write(&file, &pins).expect("write a trust file");
    check(&small, &["--trust", file.to_str().expect("a path")]).code(4).stderr_has("hello v1.0.1");
    check(&small, &["--trust", "./none.toml"]).code(1).stderr_has("`--trust` takes a trust file");
    check(&small, &["--trust", "no-such-branch"]).code(2).stderr_has("is not a git revision");
    check(&small, &["--trust", "--output=x"]).code(2);
}

#[test]
fn offline_it_says_what_could_not_be_checked() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    check(&small, &["--offline"]).success().stderr_lacks("could not be checked");
    // The index is known, the archives are gone.
    fs::remove_dir_all(world.cargo_home().join("registry")).expect("remove Cargo's cache");
    fs::remove_dir_all(world.cargo_home().join("namespaces/crates")).expect("remove ours");
    let output = check(&small, &["--offline"]).failure();
    output.stderr_has("hello");
    check(&small, &[]).success();
}

#[test]
fn offline_crates_without_archives_are_compared_with_their_lists() {
    let world = World::new(&[]);
    let project = world.project("app").binary("app", "itoa = \"=1.0.15\"\n", "fn main() {}\n");
    let small = |arguments: &[&str]| super::nsvendor(&world, &project, arguments);
    small(&["--write-config"]).success();
    fs::remove_dir_all(world.cargo_home().join("registry")).expect("remove Cargo's cache");
    small(&["--check", "--offline"])
        .success()
        .stderr_has("could not be checked: `itoa` 1.0.15 of crates.io, its .crate is not available");
    small(&["--check", "--offline", "--strict"]).code(5).stderr_has("could not be checked");
    project.write("vendor/crates.io/itoa-1.0.15/build.rs", "fn main() {}\n");
    small(&["--check", "--offline"]).code(4).stderr_has("build.rs is not in the package");
}

#[test]
fn a_lock_file_behind_the_manifest_is_found() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    small.site.release("more", "1.0.0").publish();
    let manifest = small.project.read("Cargo.toml");
    small.project.write("Cargo.toml", &format!("{manifest}{}", small.site.consumer_dependency("more", "1")));
    check(&small, &[]).failure().stderr_has("the lock file does not fit");
}

#[test]
fn json_lists_each_package_with_what_is_wrong() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    small.project.write("vendor/a.example/hello-1.0.0/build.rs", "fn main() {}\n");
    let output = check(&small, &["--message-format", "json"]).code(4);
    let lines: Vec<serde_json::Value> =
        output.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    let of = |name: &str| {
        lines
            .iter()
            .find(|line| line["reason"] == "checked-package" && line["name"] == name)
            .expect("it is listed")
    };
    assert_eq!(of("leaf")["outcome"], "ok");
    assert_eq!(of("leaf")["compared"], true);
    assert_eq!(of("hello")["outcome"], "differs");
    assert_eq!(of("hello")["problems"][0]["path"], "build.rs");
    assert_eq!(of("hello")["problems"][0]["code"], "extra");
    assert_eq!(of("hello")["compared"], true);
    assert_eq!(of("hello")["namespace"], "a.example");
    assert_eq!(of("hello")["key"], small.site.key().public().to_string());
    assert_eq!(of("hello")["trusted"], "pinned-and-stands");
    let locked = small.project.read("Cargo.lock");
    assert!(locked.contains(&format!("checksum = {}", of("hello")["sha256"])), "{locked}");
    let last = lines.last().expect("a last line");
    assert_eq!(last["reason"], "check-finished");
    assert_eq!(last["success"], false);
    assert_eq!((&last["packages"], &last["problems"], &last["unchecked"]), (&2.into(), &1.into(), &0.into()));
}

#[test]
fn a_project_that_vendors_nothing_has_its_lock_file_and_archives_checked() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    check(&small, &[]).success().stderr_has("only the lock file and the archives were checked");
}
