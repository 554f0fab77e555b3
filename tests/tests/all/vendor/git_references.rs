//! Branches, tags and revisions of every spelling: a lock file of version 4 escapes them, one of version 3 and `cargo metadata`
//! do not.

use namespace_world::{Home, Project, World, run};

use super::{nsvendor, run_offline};

/// Kinds and values, as a manifest has them.
const REFERENCES: [(&str, &str); 14] = [
    ("branch", "main"),
    ("branch", "feature/x"),
    ("branch", "a+b"),
    ("branch", "a%2Fb"),
    ("branch", "a&tag=v"),
    ("branch", "rev=abc"),
    ("branch", "ü/ö"),
    ("tag", "v1.0.0+wasi"),
    ("tag", "a#b"),
    ("tag", "a%20b"),
    ("tag", "a=b&c"),
    ("tag", "q'uote"),
    ("rev", "refs/pull/1/head"),
    ("rev", "v1.0.0+wasi"),
];

fn git(world: &Home, project: &Project, arguments: &[&str]) {
    run(world.command("git").args(arguments).current_dir(project.path())).success();
}

/// A repository with all of [`REFERENCES`], whose package has a dependency, and its URL.
fn repository(world: &Home) -> String {
    let project = world.project("repository").library("dep", "0.1.0", "memchr = \"=2.7.4\"\n");
    git(world, &project, &["init", "--quiet", "--initial-branch", "main"]);
    git(world, &project, &["add", "."]);
    git(world, &project, &["commit", "--quiet", "-m", "One"]);
    git(world, &project, &["update-ref", "refs/pull/1/head", "HEAD"]);
    for (kind, value) in &REFERENCES[1..12] {
        git(world, &project, &[kind, value]);
    }
    format!("file://{}", project.path().display())
}

fn entry(key: &str, url: &str, kind: &str, value: &str) -> String {
    format!("{key} = {{ package = \"dep\", git = \"{url}\", {kind} = \"{value}\" }}\n")
}

/// A package for Rust 1.60 gets a lock file of version 3.
fn project(world: &Home, name: &str, lock: u32, dependencies: &str, main: &str) -> Project {
    let project = world.project(name).binary("app", dependencies, main);
    if lock == 3 {
        let manifest =
            project.read("Cargo.toml").replace("[package]\n", "[package]\nrust-version = \"1.60\"\n");
        project.write("Cargo.toml", &manifest);
    }
    run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    assert!(project.read("Cargo.lock").contains(&format!("\nversion = {lock}\n")), "{lock}");
    project
}

fn filtered_and_listed(lock: u32) {
    let world = World::new(&[]);
    let url = repository(&world);
    let dependencies: String = REFERENCES
        .iter()
        .enumerate()
        .map(|(at, (kind, value))| entry(&format!("d{at}"), &url, kind, value))
        .collect();
    let calls: String = (0..REFERENCES.len()).map(|at| format!("d{at}::who(), ")).collect();
    let main = format!("fn main() {{ println!(\"{{}}\", [{calls}].join(\" \")); }}\n");
    let project = project(&world, "app", lock, &dependencies, &main);
    let flags = ["--write-config", "--keep-dep-kinds", "no-dev", "--sbom", "cyclonedx"];
    nsvendor(&world, &project, &flags).success().stderr_has("Vendored 15 packages").stderr_lacks("stub");
    let bill: serde_json::Value =
        serde_json::from_str(&project.read("vendor.cdx.json")).expect("the bill is JSON");
    let components = bill["components"].as_array().expect("it has components");
    let listed = components.iter().filter(|component| component["name"] == "dep").count();
    // One repository at one commit is one component, whatever it was asked for by.
    assert_eq!(listed, 1, "{components:?}");
    nsvendor(&world, &project, &["--check", "--sbom", "cyclonedx"]).success();
    if lock == 3 {
        return is_misread(&world, &project);
    }
    let locked = project.read("Cargo.lock");
    run_offline(&world, &project).success().stdout_has(&vec!["dep 0.1.0"; REFERENCES.len()].join(" "));
    assert_eq!(project.read("Cargo.lock"), locked);
}

/// Cargo reads `+`, `%`, `&` and `#` of a lock file of version 3 otherwise, and finds nothing that it could build; also in what
/// `cargo vendor` makes. It is said, and the way out works.
fn is_misread(world: &World, project: &Project) {
    let output = nsvendor(world, project, &["--write-config"]).success();
    let said = output.stderr.lines().filter(|line| line.contains("Cargo will not find")).count();
    assert_eq!(said, 8, "{output}");
    run_offline(world, project).failure().stderr_has("requires a lock file to be present first");
    project.write(".cargo/config.toml", "");
    project.write("Cargo.toml", &project.read("Cargo.toml").replace("rust-version = \"1.60\"\n", ""));
    run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    nsvendor(world, project, &["--write-config"]).success().stderr_lacks("will not find");
    run_offline(world, project).success().stdout_has(&vec!["dep 0.1.0"; REFERENCES.len()].join(" "));
}

#[test]
fn every_reference_is_kept_by_filters_and_listed_with_a_lock_file_of_version_4() {
    filtered_and_listed(4);
}

#[test]
fn every_reference_is_kept_by_filters_and_listed_with_a_lock_file_of_version_3() {
    filtered_and_listed(3);
}

/// The same packages and the same configuration as `cargo vendor`, but for where the packages lie.
#[test]
fn a_reference_is_configured_as_cargo_vendor_configures_it() {
    let world = Home::new();
    let url = repository(&world);
    for (at, (kind, value)) in REFERENCES.iter().enumerate() {
        let lock = if at % 2 == 0 { 4 } else { 3 };
        let project =
            project(&world, &format!("app{at}"), lock, &entry("dep", &url, kind, value), "fn main() {}\n");
        let theirs = run(world.cargo().args(["vendor", "theirs"]).current_dir(project.path())).success();
        let ours = nsvendor(&world, &project, &["--all-features"]).success();
        let table = |text: &str| {
            let start = text.find("[source.\"git+").unwrap_or_else(|| panic!("{text}"));
            text[start..]
                .lines()
                .take_while(|line| !line.starts_with("replace-with"))
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(table(&theirs.stdout), table(&ours.stdout));
    }
}

/// One repository, which two workspaces spell differently, is one source.
#[test]
fn spellings_of_one_repository_are_one_source() {
    let world = World::new(&[]);
    let url = repository(&world);
    let main = "fn main() { println!(\"{}\", dep::who()); }\n";
    let one = project(&world, "one", 4, &entry("dep", &url, "branch", "feature/x"), main);
    let two = project(&world, "two", 3, &entry("dep", &format!("{url}/"), "branch", "feature/x"), main);
    let sync = ["--sync", "../two/Cargo.toml", "--write-config"];
    let output = nsvendor(&world, &one, &sync).success().stderr_has("Vendored 2 packages");
    drop(output);
    run_offline(&world, &one).success().stdout_has("dep 0.1.0");
    // The same configuration serves both.
    two.write(".cargo/config.toml", &one.read(".cargo/config.toml").replace("\"vendor/", "\"../one/vendor/"));
    run_offline(&world, &two).success().stdout_has("dep 0.1.0");
    nsvendor(&world, &one, &["--sync", "../two/Cargo.toml", "--check"]).success();
}

/// A gate begins with an empty home.
#[test]
fn a_check_fetches_the_repositories_that_it_does_not_have() {
    let world = Home::new();
    let url = repository(&world);
    let project = project(&world, "app", 4, &entry("dep", &url, "tag", "v1.0.0+wasi"), "fn main() {}\n");
    nsvendor(&world, &project, &[]).success();
    for part in ["git", "registry", "namespaces"] {
        let _ = std::fs::remove_dir_all(world.cargo_home().join(part));
    }
    nsvendor(&world, &project, &["--check"]).success();
}
