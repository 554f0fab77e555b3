//! What Cargo takes from an index.

use namespace_world::{Archive, Home, Project, World, run};
use serde_json::json;

use super::index::{line, manifest};
use super::{Dependency, Index, locked};

const CRATES_IO: &str = "https://github.com/rust-lang/crates.io-index";

/// A project that depends on `hello` of `a.example` and knows no other registry.
fn app(world: &Home, index: &Index) -> Project {
    world
        .project("app")
        .binary(
            "app",
            "hello = { version = \"1\", registry = \"a_example\" }\n",
            "fn main() { println!(\"{}\", hello::who()); }\n",
        )
        .file(".cargo/config.toml", &format!("[registries.a_example]\nindex = \"{}\"\n", index.url()))
}

#[test]
fn unknown_fields_in_an_index_line_and_in_its_config_are_ignored() {
    let world = World::new(&["a.example"]);
    let index = Index::new(&world, "a.example");
    index.config(&json!({ "dl": index.downloads(), "namespace": "a.example", "later": [1, 2] }));
    let archive = Archive::package("hello", "1.0.0").build();
    let mut line = line("hello", "1.0.0", &[], &archive);
    line["attestations"] = json!([{ "key": "…", "at": "2026-11-20T12:00:00Z", "sig": "…" }]);
    index.add_line(&line, &archive);
    let project = app(&world, &index).file("src/main.rs", "fn main() {}\n");
    run(world.cargo().arg("check").current_dir(project.path())).success().stderr_lacks("warning");
}

#[test]
fn an_index_url_without_its_trailing_slash_is_refused() {
    let world = World::new(&["a.example"]);
    let index = Index::new(&world, "a.example");
    index.publish("hello", "1.0.0", &[]);
    let url = index.url();
    let project = app(&world, &index).file(
        ".cargo/config.toml",
        &format!("[registries.a_example]\nindex = \"{}\"\n", url.trim_end_matches('/')),
    );
    run(world.cargo().arg("check").current_dir(project.path()))
        .failure()
        .stderr_has("sparse registry url must end in a slash `/`");
}

#[test]
fn a_dependency_in_another_registry_resolves_without_being_in_the_consumers_configuration() {
    let world = World::new(&["a.example", "b.example"]);
    let (a, b) = (Index::new(&world, "a.example"), Index::new(&world, "b.example"));
    b.publish("deep", "1.0.0", &[]);
    a.publish("hello", "1.0.0", &[Dependency("deep", "1", Some(&b.url()))]);
    let project = app(&world, &a);
    run(world.cargo().arg("run").current_dir(project.path()))
        .success()
        .stdout_has("hello 1.0.0 from a.example");
    assert_eq!(locked(&project), [format!("deep 1.0.0 {}", b.url()), format!("hello 1.0.0 {}", a.url())]);
}

#[test]
fn crates_io_is_named_by_the_url_of_its_git_index() {
    let world = World::new(&["a.example", "index.crates.io"]);
    let (a, crates_io) = (Index::new(&world, "a.example"), Index::crates_io(&world));
    crates_io.publish("itoa", "1.0.0", &[]);
    a.publish("hello", "1.0.0", &[Dependency("itoa", "1", Some(CRATES_IO))]);
    let project = app(&world, &a);
    run(world.cargo().arg("check").current_dir(project.path())).success();
    assert_eq!(
        locked(&project),
        [format!("hello 1.0.0 {}", a.url()), format!("itoa 1.0.0 registry+{CRATES_IO}")]
    );
}

#[test]
fn the_index_is_trusted_for_the_dependencies_of_an_untouched_crate() {
    let world = World::new(&["a.example"]);
    let index = Index::new(&world, "a.example");
    index.publish("evil", "1.0.0", &[]);
    let archive = Archive::new("hello", "1.0.0")
        .file("Cargo.toml", manifest("hello", "1.0.0", &[]))
        .file("src/lib.rs", "pub fn who() -> &'static str { \"untouched\" }\n")
        .build();
    // The manifest inside names no dependency; the line does.
    index.add("hello", "1.0.0", &[Dependency("evil", "1", None)], &archive);
    let project = app(&world, &index);
    run(world.cargo().arg("run").current_dir(project.path()))
        .success()
        .stderr_has("evil v1.0.0")
        .stdout_has("untouched");
}

#[test]
fn a_download_whose_checksum_differs_from_the_index_is_refused() {
    let world = World::new(&["a.example"]);
    let index = Index::new(&world, "a.example");
    index.publish("hello", "1.0.0", &[]);
    world.serve("a.example", "crates/hello/1.0.0/download", Archive::package("hello", "1.0.0").build());
    let project = app(&world, &index);
    run(world.cargo().arg("check").current_dir(project.path()))
        .failure()
        .stderr_has("failed to verify the checksum of `hello v1.0.0");
}

#[test]
fn patch_redirects_the_whole_graph_to_another_registry() {
    let world = World::new(&["a.example", "b.example", "index.crates.io"]);
    let (a, b, crates_io) =
        (Index::new(&world, "a.example"), Index::new(&world, "b.example"), Index::crates_io(&world));
    crates_io.publish("itoa", "1.0.0", &[]);
    b.publish("itoa", "1.0.0", &[]);
    a.publish("hello", "1.0.0", &[Dependency("itoa", "1", Some(CRATES_IO))]);
    let project = app(&world, &a).file(
        ".cargo/config.toml",
        &format!(
            "[registries.a_example]\nindex = \"{}\"\n[registries.example_com]\nindex = \"{}\"\n",
            a.url(),
            b.url()
        ),
    );
    let manifest = project.read("Cargo.toml")
        + "itoa = \"1\"\n\n[patch.crates-io]\nitoa = { version = \"1\", registry = \"example_com\" }\n";
    project.write("Cargo.toml", &manifest);
    run(world.cargo().arg("check").current_dir(project.path())).success();
    assert_eq!(locked(&project), [format!("hello 1.0.0 {}", a.url()), format!("itoa 1.0.0 {}", b.url())]);
}

#[test]
fn the_configuration_of_a_project_serves_only_commands_run_inside_its_directory() {
    let world = World::new(&["a.example"]);
    let index = Index::new(&world, "a.example");
    index.publish("hello", "1.0.0", &[]);
    let project = app(&world, &index);
    let git =
        |arguments: &[&str]| run(world.command("git").args(arguments).current_dir(project.path())).success();
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "A program"]);
    let manifest = project.path().join("Cargo.toml");
    let repository = format!("file://{}", project.path().display());
    let elsewhere = world.project("elsewhere");
    let dependent = world.project("dependent").library(
        "dependent",
        "0.1.0",
        &format!("app = {{ git = \"{repository}\" }}\n"),
    );

    let inside = || run(world.cargo().arg("check").current_dir(project.path()));
    let from_elsewhere = || {
        run(world.cargo().arg("check").arg("--manifest-path").arg(&manifest).current_dir(elsewhere.path()))
    };
    let install = || run(world.cargo().args(["install", "--git", &repository]).current_dir(elsewhere.path()));
    let as_git_dependency =
        || run(world.cargo().arg("metadata").arg("--quiet").current_dir(dependent.path()));
    let unknown = "registry index was not found in any configuration: `a_example`";
    inside().success();
    from_elsewhere().failure().stderr_has(unknown);
    install().failure().stderr_has(unknown);
    as_git_dependency().failure().stderr_has(unknown);

    // In the user's own configuration it serves all of them.
    let own = format!("[registries.a_example]\nindex = \"{}\"\n", index.url());
    std::fs::copy(project.path().join(".cargo/config.toml"), world.cargo_home().join("config.toml"))
        .expect("copy the configuration");
    assert_eq!(project.read(".cargo/config.toml"), own);
    from_elsewhere().success();
    install().success();
    // A dependency must be a library; its manifest is understood now.
    as_git_dependency().stderr_lacks(unknown);
}

#[test]
fn two_files_called_cargo_toml_but_for_case_are_accepted() {
    let world = World::new(&["a.example"]);
    let index = Index::new(&world, "a.example");
    let archive = Archive::new("hello", "1.0.0")
        .file("Cargo.toml", manifest("hello", "1.0.0", &[]))
        .file("cargo.toml", "not a manifest")
        .file("src/lib.rs", "pub fn who() -> &'static str { \"the upper one\" }\n");
    index.add("hello", "1.0.0", &[], &archive.build());
    let project = app(&world, &index);
    run(world.cargo().arg("run").current_dir(project.path())).success().stdout_has("the upper one");
}

#[test]
fn a_namespaced_crate_is_known_to_the_compiler_by_its_bare_name() {
    let world = World::new(&["a.example"]);
    let index = Index::new(&world, "a.example");
    index.publish("hello-abc", "1.0.0", &[]);
    let project =
        app(&world, &index).file("src/main.rs", "fn main() { println!(\"{}\", hello_abc::who()); }\n");
    let manifest = project.read("Cargo.toml").replace("hello = ", "hello-abc = ");
    project.write("Cargo.toml", &manifest);
    run(world.cargo().arg("run").current_dir(project.path()))
        .success()
        .stdout_has("hello-abc 1.0.0 from a.example");
}
