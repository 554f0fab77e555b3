//! What becomes of `[package]`: its name, its namespace, its settings and its defaults.

use super::*;

#[test]
fn the_package_and_its_settings() {
    let before = r#"# top
cargo-features = ["domain-namespaces"]

[package]
name = "example.com/hello" # the name
version = "0.1.0"
default_registry = "crates.io"

[dependencies]
"example.com/world" = { path = "../world" }
"#;
    let after = r#"# top

[package]
name = "hello" # the name
publish = ["example_com"]
version = "0.1.0"

[package.metadata.namespaces]
namespace = "example.com"
default-registry = "crates.io"

[dependencies]
world = { path = "../world", registry = "example_com" }
"#;
    let rewritten = run(before);
    assert_eq!(rewritten.text, after);
    assert!(rewritten.needs[0].is_own_namespace && rewritten.needs[0].has_path);
    let publish = &rewritten.changes[2];
    assert_eq!(
        (publish.line, publish.before.as_str(), publish.after.as_str()),
        (6, "", "publish = [\"example_com\"]")
    );
    assert!(publish.why.contains("cannot put it on crates.io"));
}

#[test]
fn a_file_that_began_with_the_cargo_feature_begins_with_its_package() {
    assert_eq!(
        text("cargo-features = [\"domain-namespaces\"]\n\n[package]\nname = \"a\"\n"),
        "[package]\nname = \"a\"\n"
    );
    assert_eq!(
        text("cargo-features = [\"x\", \"domain-namespaces\", \"y\"] # c\n"),
        "cargo-features = [\"x\", \"y\"] # c\n"
    );
    assert_eq!(text("cargo-features = [\"domain-namespaces\"] # c\n"), "# c\n");
}

#[test]
fn organization_moves_and_its_comment_stays() {
    assert_eq!(
        text("[package]\nname = \"hello\"\norganization = \"Example.com\" # us\nversion = \"1.0.0\"\n"),
        "[package]\nname = \"hello\"\npublish = [\"example_com\"]\n# us\nversion = \"1.0.0\"\n\n[package.metadata.namespaces]\nnamespace = \"example.com\"\n\
         default-registry = \"crates.io\"\n"
    );
    assert_eq!(
        text(
            "package = { name = \"example.com/hello\", version = \"1.0.0\", organization = \"example.com\", default_registry = \"crates.io\" }\n"
        ),
        "package = { name = \"hello\", publish = [\"example_com\"], version = \"1.0.0\", \
         metadata.namespaces.namespace = \"example.com\", metadata.namespaces.default-registry = \"crates.io\" }\n"
    );
    assert_eq!(
        text("package.name = \"example.com/hello\"\npackage.version = \"1.0.0\"\n"),
        "package.name = \"hello\"\npackage.publish = [\"example_com\"]\npackage.version = \"1.0.0\"\npackage.metadata.namespaces.namespace = \"example.com\"\n\
         package.metadata.namespaces.default-registry = \"crates.io\"\n"
    );
}

#[test]
fn a_publish_key_is_left_alone_and_remarked_on() {
    for (publish, notes) in [("true", 1), ("[\"example_com\"]", 0), ("[\"other\"]", 1), ("false", 0)] {
        let rewritten = run(&format!("[package]\nname = \"example.com/a\"\npublish = {publish}\n"));
        assert!(rewritten.text.contains(&format!("publish = {publish}\n")));
        assert_eq!(rewritten.notes.len(), notes, "{publish}");
    }
    assert!(
        text("[package]\nname = \"example.com/a\"\npublish.workspace = true\n")
            .contains("publish.workspace = true\n")
    );
}

#[test]
fn metadata_that_is_there_is_used() {
    assert_eq!(
        text(
            "[package]\nname = \"example.com/a\"\npublish = false\n[package.metadata]\nnamespaces = { registry = \"r\" }\n"
        ),
        "[package]\nname = \"a\"\npublish = false\n[package.metadata]\nnamespaces = { registry = \"r\", namespace = \"example.com\", default-registry = \"crates.io\" }\n"
    );
    assert_eq!(
        text(
            "[package]\nname = \"example.com/a\"\npublish = false\n[package.metadata.namespaces]\nnamespace = \"example.com\" # x\n"
        ),
        "[package]\nname = \"a\"\npublish = false\n[package.metadata.namespaces]\nnamespace = \"example.com\" # x\n\
         default-registry = \"crates.io\"\n"
    );
}

#[test]
fn what_a_dependency_without_a_registry_means_is_said_with_the_first_rewriting() {
    let says = "default-registry = \"crates.io\"\n";
    let in_cargos_form =
        "[package]\nname = \"a\"\n[package.metadata.namespaces]\nnamespace = \"example.com\"\n";
    let with = |dependencies: &str| text(&format!("{in_cargos_form}[dependencies]\n{dependencies}"));
    assert!(with("\"example.org/b\" = \"1\"\nitoa = \"1\"\n").contains(says));
    assert!(!with("itoa = \"1\"\n").contains(says), "what is in Cargo's form is left alone");
    assert!(!text("[package]\nname = \"a\"\n[dependencies]\n\"example.org/b\" = \"1\"\n").contains(says));
    let own = text("[package]\nname = \"example.com/a\"\ndefault_registry = \"example.org\"\n");
    assert!(own.contains("default-registry = \"example.org\"\n") && !own.contains(says));
}

#[test]
fn a_default_registry_that_is_a_domain_goes_to_the_dependencies() {
    assert_eq!(
        text(
            "[package]\nname = \"a\"\ndefault_registry = \"serde.rs\"\n[dependencies]\nx = \"1\"\n\"crates.io/y\" = \"1\"\nz.path = \"z\"\n"
        ),
        "[package]\nname = \"a\"\n\n[package.metadata.namespaces]\ndefault-registry = \"serde.rs\"\n[dependencies]\n\
         x = { version = \"1\", registry = \"serde_rs\" }\ny = \"1\"\nz.path = \"z\"\n"
    );
}

#[test]
fn crates_io_in_a_namespaces_place_is_crates_io() {
    let rewritten =
        run("[dependencies]\n\"crates.io/serde\" = { version = \"1\", features = [\"derive\"] }\n");
    assert_eq!(rewritten.text, "[dependencies]\nserde = { version = \"1\", features = [\"derive\"] }\n");
    assert!(rewritten.needs.is_empty());
}
