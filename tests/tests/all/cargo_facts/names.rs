//! Names of registries and packages, and keys that Cargo does not know.

use namespace_world::{Home, Output, World, run};

use super::{Index, locked};

/// Resolves a project that depends on `hello` from the registry called `name`.
fn resolve_with_registry_name(name: &str) -> Output {
    let world = World::new(&["a.example"]);
    let index = Index::new(&world, "a.example");
    index.publish("hello", "1.0.0", &[]);
    let project = world
        .project("app")
        .library("app", "0.1.0", &format!("hello = {{ version = \"1\", registry = \"{name}\" }}\n"))
        .file(".cargo/config.toml", &format!("[registries.\"{name}\"]\nindex = \"{}\"\n", index.url()));
    run(world.cargo().arg("generate-lockfile").current_dir(project.path()))
}

#[test]
fn a_registry_name_with_a_dot_is_refused() {
    resolve_with_registry_name("serde.rs")
        .failure()
        .stderr_has("invalid character `.` in registry name: `serde.rs`");
}

#[test]
fn a_registry_name_with_underscores_is_accepted() {
    resolve_with_registry_name("serde_rs").success();
    resolve_with_registry_name("a-b_example").success();
}

#[test]
fn a_registry_name_that_starts_with_a_digit_is_refused() {
    resolve_with_registry_name("0x_io").failure().stderr_has("the name cannot start with a digit");
    resolve_with_registry_name("_0x_io").success();
}

#[test]
fn registries_whose_names_differ_in_a_dash_share_their_environment_variable() {
    let world = World::new(&["a.example"]);
    let index = Index::new(&world, "a.example");
    index.publish("hello", "1.0.0", &[]);
    index.publish("world", "1.0.0", &[]);
    let project = world.project("app").library(
        "app",
        "0.1.0",
        "hello = { version = \"1\", registry = \"a-b_example\" }\nworld = { version = \"1\", registry = \"a_b_example\" }\n",
    );
    run(world
        .cargo()
        .arg("generate-lockfile")
        .env("CARGO_REGISTRIES_A_B_EXAMPLE_INDEX", index.url())
        .current_dir(project.path()))
    .success();
    let source = index.url();
    assert_eq!(locked(&project), [format!("hello 1.0.0 {source}"), format!("world 1.0.0 {source}")]);
}

#[test]
fn a_package_name_with_a_slash_is_refused() {
    let world = Home::new();
    let project = world.project("app").library("example.com/hello", "0.1.0", "");
    run(world.cargo().arg("metadata").current_dir(project.path()))
        .failure()
        .stderr_has("invalid character `.` in package name: `example.com/hello`");
}

#[test]
fn a_dependency_key_with_a_slash_is_refused() {
    let world = Home::new();
    let project = world.project("app").library("app", "0.1.0", "\"serde.rs/serde-abc\" = \"1\"\n");
    run(world.cargo().arg("metadata").current_dir(project.path()))
        .failure()
        .stderr_has("invalid character `.` in package name");
}

#[test]
fn organization_and_default_registry_are_accepted_with_a_warning() {
    let world = Home::new();
    let project = world.project("app").library("app", "0.1.0", "").file(
        "Cargo.toml",
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
         organization = \"example.com\"\ndefault_registry = \"crates.io\"\n",
    );
    run(world.cargo().arg("check").current_dir(project.path()))
        .success()
        .stderr_has("unused manifest key: package.default_registry")
        .stderr_has("unused manifest key: package.organization");
}

#[test]
fn package_metadata_and_unknown_configuration_tables_are_silent() {
    let world = Home::new();
    let project = world
        .project("app")
        .library("app", "0.1.0", "")
        .file(
            "Cargo.toml",
            "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n\
             [package.metadata.namespaces]\nnamespace = \"example.com\"\n",
        )
        .file(".cargo/config.toml", "[namespaces]\ninstance = \"https://crates.corp.example\"\n")
        .file(".cargo/namespaces.toml", "[\"example.com\"]\n");
    let output = run(world.cargo().arg("check").current_dir(project.path())).success();
    output.stderr_lacks("warning").stderr_lacks("namespaces");
}

#[test]
fn a_dependency_key_or_package_name_with_an_at_sign_is_refused() {
    let world = Home::new();
    let project = world.project("app").library("app", "0.1.0", "\"foo@crates.io\" = \"0.3\"\n");
    run(world.cargo().arg("metadata").current_dir(project.path()))
        .failure()
        .stderr_has("invalid character `@` in package name: `foo@crates.io`");
    let project = world.project("named").library("foo@crates.io", "0.1.0", "");
    run(world.cargo().arg("metadata").current_dir(project.path()))
        .failure()
        .stderr_has("invalid character `@` in package name");
}

#[test]
fn what_a_rewriting_leaves_warns_of_nothing() {
    let world = Home::new();
    let package = "[package]\nname = \"app\"\npublish = [\"b_example\"]\nversion = \"0.1.0\"\nedition = \"2021\"\n\n\
                   [package.metadata.namespaces]\nnamespace = \"b.example\"\ndefault-registry = \"crates.io\"\n\n\
                   [dependencies]\nitoa = \"1\"\n";
    let project = world.project("app").library("app", "0.1.0", "").file("Cargo.toml", package);
    run(world.cargo().arg("check").current_dir(project.path())).success().stderr_lacks("warning");
}

#[test]
fn a_registry_that_only_publish_names_needs_no_index_and_one_of_a_dependency_does() {
    let world = Home::new();
    let package = |name: &str, dependencies: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\npublish = [\"b_example\"]\n\n\
             [dependencies]\n{dependencies}"
        )
    };
    let project = world
        .project("app")
        .library("app", "0.1.0", "")
        .file("Cargo.toml", &package("app", ""))
        .file("part/src/lib.rs", "")
        .file("part/Cargo.toml", &package("part", ""));
    let cargo = |arguments: &[&str]| run(world.cargo().args(arguments).current_dir(project.path()));
    cargo(&["check"]).success();
    cargo(&["package", "--allow-dirty"]).success();
    let says = "registry index was not found in any configuration: `b_example`";
    cargo(&["publish", "--dry-run", "--allow-dirty"]).failure().stderr_has(says);
    let part = "part = { version = \"0.1\", path = \"part\", registry = \"b_example\" }\n";
    project.write("Cargo.toml", &package("app", part));
    cargo(&["check"]).failure().stderr_has(says);
    project.write(
        ".cargo/config.toml",
        "[registries.b_example]\nindex = \"sparse+https://b.example/cargo/index/\"\n",
    );
    cargo(&["check"]).success();
}
