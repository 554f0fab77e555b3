//! What Cargo makes of a packaged manifest that `cargo package` did not write, in a directory source and in a registry.

use std::fs;
use std::path::Path;

use namespace_world::{Archive, Home, Project, World, run};
use serde_json::json;

use super::{Dependency, Index, locked};

/// A package of a directory source.
fn vendored(directory: &Path, name: &str, manifest: &str) {
    let package = directory.join(format!("{name}-1.0.0"));
    fs::create_dir_all(package.join("src")).expect("create a directory");
    fs::write(package.join("Cargo.toml"), manifest).expect("write a manifest");
    fs::write(package.join("src/lib.rs"), "").expect("write a source");
    let sums = json!({ "files": {}, "package": "0".repeat(64) });
    fs::write(package.join(".cargo-checksum.json"), sums.to_string()).expect("write checksums");
}

fn manifest(name: &str, more: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\n{more}")
}

/// A program that uses `dep` of crates.io, which uses `leaf`, both vendored and locked.
fn project(world: &Home) -> Project {
    let project = world
        .project("app")
        .binary(
            "app",
            "dep = \"1\"\n\n[workspace]\n[workspace.dependencies]\nleaf = \"1\"\n",
            "fn main() {}\n",
        )
        .file(
            ".cargo/config.toml",
            "[source.crates-io]\nreplace-with = \"vendored\"\n[source.vendored]\ndirectory = \"vendor\"\n\
             [registries.other_example]\nindex = \"sparse+https://other.example/index/\"\n",
        );
    let vendor = project.path().join("vendor");
    vendored(&vendor, "leaf", &manifest("leaf", ""));
    vendored(&vendor, "dep", &manifest("dep", "[dependencies]\nleaf = \"1\"\n"));
    run(world.cargo().args(["generate-lockfile", "--offline"]).current_dir(project.path())).success();
    project
}

/// A repository with `leaf`, whose build script leaves a mark.
fn repository(world: &Home) -> String {
    let mark = world.root().join("mark");
    let script = format!("fn main() {{\n    std::fs::write({mark:?}, \"\").unwrap();\n}}\n");
    let repository = world.project("repository").library("leaf", "1.0.0", "").file("build.rs", &script);
    for arguments in [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "-m", "A library"]] {
        run(world.command("git").args(arguments).current_dir(repository.path())).success();
    }
    format!("file://{}", repository.path().display())
}

#[test]
fn a_git_dependency_in_a_vendored_manifest_is_cloned_locked_and_its_build_script_run() {
    let world = Home::new();
    let project = project(&world);
    let text = format!("[dependencies]\nleaf = {{ version = \"1\", git = \"{}\" }}\n", repository(&world));
    vendored(&project.path().join("vendor"), "dep", &manifest("dep", &text));
    run(world.cargo().args(["build", "--locked", "--offline"]).current_dir(project.path()))
        .failure()
        .stderr_has("repository");
    run(world.cargo().arg("build").current_dir(project.path())).success();
    assert!(locked(&project).iter().any(|package| package.contains("git+file://")), "{:?}", locked(&project));
    assert!(world.root().join("mark").exists(), "the build script of the repository has run");
}

/// Whether Cargo resolves what was locked from the directory source, with this in place of `dep`'s dependencies.
fn resolves(world: &Home, project: &Project, text: &str) -> bool {
    vendored(&project.path().join("vendor"), "dep", &manifest("dep", text));
    let arguments = ["clean", "--locked", "--offline", "--package", "app"];
    let output = run(world.cargo().args(arguments).current_dir(project.path()));
    output.status.success()
}

#[test]
fn which_keys_of_a_vendored_manifest_lead_elsewhere() {
    let world = Home::new();
    let (project, git) = (project(&world), "https://host.example/leaf");
    for text in [
        format!("[dependencies]\nleaf = {{ version = \"1\", git = \"{git}\" }}\n"),
        format!("[build-dependencies]\nleaf = {{ version = \"1\", git = \"{git}\" }}\n"),
        format!("[target.'cfg(windows)'.dependencies.leaf]\nversion = \"1\"\ngit = \"{git}\"\n"),
        "[dependencies]\nleaf = { version = \"1\", registry = \"other_example\" }\n".to_owned(),
        "[dependencies]\nleaf = { version = \"1\", registry-index = \"sparse+https://other.example/index/\" }\n".to_owned(),
        // crates.io by its newer address is another source, too.
        "[dependencies]\nleaf = { version = \"1\", registry-index = \"sparse+https://index.crates.io/\" }\n".to_owned(),
        // These, Cargo does not even read, nor anything else of the whole directory.
        "[dependencies]\nleaf = { version = \"1\", registry = \"unknown\" }\n".to_owned(),
        "[dependencies]\nleaf = { version = \"1\", branch = \"main\" }\n".to_owned(),
        "[dependencies]\nleaf = { version = \"1\", path = \"x\", base = \"workspace\" }\n".to_owned(),
        "license.workspace = true\n[dependencies]\nleaf = \"1\"\n".to_owned(),
    ] {
        assert!(!resolves(&world, &project, &text), "{text}");
    }
    for text in [
        // In a package that is not on a path, a path means the source that the package comes from.
        "[dependencies]\nleaf = { version = \"1\", path = \"../../nowhere\" }\n".to_owned(),
        "[dependencies]\nleaf = { path = \"x\", registry-index = \"sparse+https://other.example/index/\" }\n".to_owned(),
        "[dependencies.leaf]\nversion = \"1\"\nregistry-index = \"https://github.com/rust-lang/crates.io-index\"\n".to_owned(),
        // Of the workspace around it: the project's own.
        "[dependencies]\nleaf = { workspace = true }\n".to_owned(),
        // What is asked of nobody else's package.
        format!("[dependencies]\nleaf = \"1\"\n[dev-dependencies]\nother = {{ git = \"{git}\" }}\n"),
        format!("[dependencies]\nleaf = \"1\"\nother = {{ version = \"1\", git = \"{git}\", optional = true }}\n"),
        format!("[dependencies]\nleaf = \"1\"\n[patch.crates-io]\nleaf = {{ git = \"{git}\" }}\n"),
        format!("[dependencies]\nleaf = \"1\"\n[replace]\n\"leaf:1.0.0\" = {{ git = \"{git}\" }}\n"),
        format!("[dependencies]\nleaf = \"1\"\n[workspace.dependencies]\nleaf = {{ git = \"{git}\" }}\n"),
        // Its build script and its library may lie in another package.
        "build = \"../leaf-1.0.0/src/lib.rs\"\n[lib]\npath = \"../leaf-1.0.0/src/lib.rs\"\n[dependencies]\nleaf = \"1\"\n".to_owned(),
        "[dependencies]\nleaf = { version = \"1\", unknown = true }\n".to_owned(),
    ] {
        assert!(resolves(&world, &project, &text), "{text}");
    }
}

#[test]
fn a_configuration_in_a_vendored_package_is_not_read() {
    let world = Home::new();
    let project = project(&world);
    let package = project.path().join("vendor/dep-1.0.0");
    fs::create_dir_all(package.join(".cargo")).expect("create a directory");
    let evil = "[build]\nrustc = \"/nowhere/rustc\"\n[source.crates-io]\nreplace-with = \"x\"\n[source.x]\ndirectory = \"x\"\n";
    fs::write(package.join(".cargo/config.toml"), evil).expect("write a configuration");
    fs::write(package.join("rust-toolchain.toml"), "[toolchain]\nchannel = \"1.0.0\"\n").expect("write it");
    fs::write(package.join("Cargo.lock"), "no lock file").expect("write it");
    run(world.cargo().args(["build", "--locked", "--offline"]).current_dir(project.path())).success();
}

/// From a registry Cargo resolves by the index line; the manifest says no more about sources.
#[test]
fn a_git_dependency_in_the_manifest_of_a_registry_s_package_is_not_followed() {
    let world = World::new(&["a.example"]);
    let index = Index::new(&world, "a.example");
    index.publish("leaf", "1.0.0", &[]);
    let text = format!("[dependencies]\nleaf = {{ version = \"1\", git = \"{}\" }}\n", repository(&world));
    let archive =
        Archive::new("dep", "1.0.0").file("Cargo.toml", manifest("dep", &text)).file("src/lib.rs", "");
    index.add("dep", "1.0.0", &[Dependency("leaf", "1", None)], &archive.build());
    let project = world
        .project("app")
        .binary("app", "dep = { version = \"1\", registry = \"a_example\" }\n", "fn main() {}\n")
        .file(".cargo/config.toml", &format!("[registries.a_example]\nindex = \"{}\"\n", index.url()));
    run(world.cargo().arg("build").current_dir(project.path())).success();
    assert!(locked(&project).iter().all(|package| package.ends_with(&index.url())), "{:?}", locked(&project));
    assert!(!world.root().join("mark").exists(), "no build script of the repository has run");
}
