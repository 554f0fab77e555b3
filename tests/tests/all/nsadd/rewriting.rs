//! Manifests in namespace notation become Cargo's.

use namespace_world::{SignedSite, World, run};

use super::{MAIN, Small, nsadd};

const MANIFEST: &str = r#"cargo-features = ["domain-namespaces"]

[package]
name = "b.example/app" # the qualified name
version = "0.1.0"
edition = "2021"
license = "MIT"

# What it needs.
[dependencies]
"a.example/hello" = "1" # greets
leaf = { package = "a.example/leaf", version = "1", optional = true }

[target.'cfg(unix)'.dev-dependencies]
"a.example/extra" = { version = "0.2", features = ["x"] }

[features]
default = ["a.example/hello/loud"]
with-leaf = ["dep:leaf", "a.example/hello?/loud"]
"#;

const REWRITTEN: &str = r#"[package]
name = "app" # the qualified name
publish = ["b_example"]
version = "0.1.0"
edition = "2021"
license = "MIT"

[package.metadata.namespaces]
namespace = "b.example"
default-registry = "crates.io"

# What it needs.
[dependencies]
hello = { version = "1", registry = "a_example" } # greets
leaf = { package = "leaf", version = "1", registry = "a_example", optional = true }

[target.'cfg(unix)'.dev-dependencies]
extra = { version = "0.2", registry = "a_example", features = ["x"] }

[features]
default = ["hello/loud"]
with-leaf = ["dep:leaf", "hello?/loud"]
"#;

fn in_notation(world: &World) -> Small<'_> {
    let small = Small::new(world);
    small.site.release("extra", "0.2.0").tables("[features]\nx = []\n").publish();
    small
        .project
        .write("Cargo.toml", &MANIFEST.replace("\"a.example/hello?/loud\"", "\"a.example/hello/loud\""));
    small
}

#[test]
fn every_table_and_feature_is_rewritten_locked_and_verified() {
    let world = World::new(&["a.example", "b.example"]);
    let small = in_notation(&world);
    small
        .nsadd(&[])
        .success()
        .stderr_has("   Rewriting Cargo.toml\n")
        .stderr_has("Cargo.toml:11: \"a.example/hello\" = \"1\" # greets → hello = { version = \"1\", registry = \"a_example\" } # greets\n")
        .stderr_has("Verified a.example/hello v1.0.0\n")
        .stderr_has("Verified a.example/extra v0.2.0\n")
        .stderr_has("Trusting ed25519:");
    assert_eq!(small.manifest(), REWRITTEN.replace("\"hello?/loud\"", "\"hello/loud\""));
    let config = small.project.read(".cargo/config.toml");
    assert!(
        config.contains("[registries.a_example]") && !config.contains("b_example"),
        "nobody has said where b.example's index will be: {config}"
    );
    assert!(!small.project.read(".cargo/namespaces.toml").contains("b.example"));
    small.run_clone().success().stdout_has("a.example/hello 1.0.0");
    // Rewriting again changes nothing.
    let before = small.project.snapshot();
    small.nsadd(&[]).success().stderr_has("no manifest is in namespace notation");
    small.project.assert_unchanged(&before);
}

#[test]
fn a_dry_run_prints_the_changes_and_makes_none() {
    let world = World::new(&["a.example", "b.example"]);
    let small = in_notation(&world);
    let output = small.refused(0, &["--dry-run", "--message-format", "json"]);
    output
        .stderr_has("registry = \"a_example\"")
        .stdout_has("\"reason\":\"change\"")
        .stdout_has("\"dry_run\":true");
}

#[test]
fn a_manifest_with_a_syntax_error_is_left_as_it_is() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.project.write(
        "Cargo.toml",
        "[package]\nname = \"b.example/app\"\n[dependencies]\n\"a.example/hello\" = 1\"\n",
    );
    small
        .refused(6, &[])
        .stderr_has("the manifest `Cargo.toml` is invalid")
        .stderr_has("line 4, column")
        .stderr_has("help: correct the manifest");
    small.refused(6, &["a.example/hello"]).stderr_has("line 4, column");
}

#[test]
fn a_line_that_cannot_be_rewritten_is_named() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let manifest = small.manifest();
    small.project.write("Cargo.toml", &format!("{manifest}\"a.example/hello\" = {{ optional = true }}\n"));
    small
        .refused(6, &[])
        .stderr_has("`Cargo.toml` cannot be rewritten")
        .stderr_has("line 9, column 1: `a.example/hello` names no version")
        .stderr_has("write `\"a.example/hello\" = \"1\"`");
    small.project.write("Cargo.toml", &format!("{manifest}\"co.uk/hello\" = \"1\"\n"));
    small.refused(6, &[]).stderr_has("line 9").stderr_has("public suffix");
}

#[test]
fn a_workspace_is_rewritten_in_all_its_members() {
    let world = World::new(&["a.example", "b.example"]);
    let small = Small::new(&world);
    let root = world.project("space").file(
        "Cargo.toml",
        "[workspace]\nmembers = [\"one\", \"two\"]\nresolver = \"2\"\n\n[workspace.dependencies]\n\
         \"a.example/hello\" = \"1\" # shared\n",
    );
    let package = |name: &str, dependencies: &str| {
        format!(
            "[package]\nname = \"b.example/{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n{dependencies}"
        )
    };
    let lib = "pub fn it() {}\n";
    let one = root.clone().file("one/src/lib.rs", lib).file("one/Cargo.toml", &package("one", ""));
    one.write("two/src/lib.rs", "pub fn it() -> &'static str { hello::who() }\n");
    one.write(
        "two/Cargo.toml",
        &package("two", "\"a.example/hello\" = { workspace = true }\n\"b.example/one\" = { version = \"0.1\", path = \"../one\" }\n"),
    );
    // From a member: the whole workspace.
    run(world.nsadd().current_dir(root.path().join("two")))
        .success()
        .stderr_has("../Cargo.toml".trim_start_matches("../"))
        .stderr_has("Verified a.example/hello v1.0.0");
    assert!(
        root.read("Cargo.toml").contains("hello = { version = \"1\", registry = \"a_example\" } # shared")
    );
    let config = root.read(".cargo/config.toml");
    assert!(config.contains("# Assumed") && config.contains("[registries.b_example]"), "{config}");
    let two = root.read("two/Cargo.toml");
    assert!(two.contains("hello = { workspace = true }"), "{two}");
    assert!(
        two.contains("one = { version = \"0.1\", registry = \"b_example\", path = \"../one\" }"),
        "{two}"
    );
    assert!(root.has(".cargo/namespaces.toml") && root.has("Cargo.lock") && !root.has("two/.cargo"));
    run(world.cargo().args(["check", "--quiet", "--locked"]).current_dir(root.path())).success();
    drop(small);
}

#[test]
fn what_the_own_namespace_has_not_published_yet_needs_no_answer() {
    let world = World::new(&["a.example", "b.example"]);
    let small = Small::new(&world);
    world.take_down("b.example");
    let manifest = "[package]\nname = \"b.example/app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\n\
                    \"a.example/hello\" = \"1\"\n\"b.example/sibling\" = \"0.1\"\n";
    small.project.write("Cargo.toml", manifest);
    small
        .nsadd(&[])
        .success()
        .stderr_has(
            "the index of b.example is not decided yet. sparse+https://b.example/cargo/index/ is assumed",
        )
        .stderr_has(
            "Cargo.lock cannot be written before the namespace's own crates are published: b.example/sibling",
        )
        .stderr_has("Verified a.example/hello v1.0.0");
    assert!(small.manifest().contains("sibling = { version = \"0.1\", registry = \"b_example\" }"));
    assert!(!small.project.has("Cargo.lock"));
    assert!(small.project.read(".cargo/namespaces.toml").contains("[\"a.example\"]"));
}

#[test]
fn a_release_that_is_not_trusted_leaves_the_notation_as_it_was() {
    let world = World::new(&["a.example", "b.example"]);
    let small = in_notation(&world);
    small.site.release("hello", "1.2.0").tables("[features]\nloud = []\n").unsigned().publish();
    small.refused(4, &[]).stderr_has("a.example/hello v1.2.0").stderr_has("nothing was changed");
    small.site.authorize_nobody();
    small.refused(4, &[]);
    world.take_down("a.example");
    small.refused(5, &[]).stderr_has("failed to reach a.example");
}

#[test]
fn organization_and_default_registry_are_read() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let manifest = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\norganization = \"a.example\"\n\
                    default_registry = \"a.example\"\n\n[dependencies]\nhello = \"1\"\nitoa = { version = \"1\", registry = \"crates-io\" }\n";
    small.project.write("Cargo.toml", manifest);
    small.nsadd(&[]).success();
    let rewritten = small.manifest();
    assert!(
        rewritten.contains("namespace = \"a.example\"\ndefault-registry = \"a.example\"\n"),
        "{rewritten}"
    );
    assert!(rewritten.contains("hello = { version = \"1\", registry = \"a_example\" }"), "{rewritten}");
    assert!(!rewritten.contains("organization"), "{rewritten}");
    small.project.write("src/main.rs", MAIN);
    run(world.cargo().args(["run", "--quiet", "--locked"]).current_dir(small.project.path()))
        .success()
        .stdout_has("a.example/hello 1.0.0");
}

#[test]
fn a_pinned_namespace_is_rewritten_offline() {
    let world = World::new(&["a.example"]);
    let small = Small::added(&world);
    let manifest = small.manifest().replace(
        "hello = { version = \"1.0.0\", registry = \"a_example\" }",
        "\"a.example/hello\" = \"1.0.0\"",
    );
    small.project.write("Cargo.toml", &manifest);
    world.forget_contacts();
    small.nsadd(&["--offline"]).success();
    assert!(world.contacted().is_empty());
    assert!(small.manifest().contains("hello = { version = \"1.0.0\", registry = \"a_example\" }"));
    let site = SignedSite::new(&world, "a.example");
    nsadd(&world, &small.project, &["--locked"]).success();
    drop(site);
}
