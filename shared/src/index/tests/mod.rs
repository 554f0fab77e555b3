//! Manifests in, lines out; and what a line may not be.

mod against_package;
mod lines;
mod properties;

use super::*;
use crate::digest::Digest;
use crate::name::IndexUrl;

fn own_index() -> IndexUrl {
    IndexUrl::parse("sparse+https://own.example/cargo/index/").unwrap()
}

fn facts(manifest: &str) -> Facts {
    compute(manifest, &own_index()).unwrap()
}

/// A manifest with the given text under `[package]`.
fn demo(text: &str) -> String {
    format!("[package]\nname = \"demo\"\nversion = \"1.0.0\"\n{text}")
}

fn refused(text: &str) -> String {
    compute(&demo(text), &own_index()).unwrap_err().to_string()
}

macro_rules! fixtures {
    ($($name:ident)*) => {$(
        /// The line of the manifest of this name.
        #[test]
        fn $name() {
            let manifest = include_str!(concat!("../fixtures/", stringify!($name), ".toml"));
            let expected = include_str!(concat!("../fixtures/", stringify!($name), ".json"));
            let line = IndexLine::new(facts(manifest), Digest::of(b""), Vec::new());
            assert_eq!(line.to_line(), expected.trim_end());
            line.check_facts(&facts(manifest)).unwrap();
        }
    )*};
}

fixtures! {
    renamed_dependencies
    target_tables_and_kinds
    new_feature_syntax_moves_what_enables_it
    registries_of_dependencies
    requirements_as_cargo_publishes_them
    links_and_rust_version
    older_spellings
    dev_dependency_without_version
}

#[test]
fn dependency_on_a_path_or_git_repository_only() {
    let text = refused("[dependencies.local]\npath = \"../local\"");
    assert_eq!(text, "`dependencies.local` in Cargo.toml has no version");
    let text = refused("[target.'cfg(unix)'.build-dependencies.local]\ngit = \"https://git.example/x\"");
    assert_eq!(text, r#"`target."cfg(unix)".build-dependencies.local` in Cargo.toml has no version"#);
}

#[test]
fn manifest_that_cargo_package_did_not_write() {
    assert!(refused("[dependencies.x]\nworkspace = true").contains("inherits from a workspace"));
    assert!(
        refused("[dependencies.x]\nversion = \"1\"\nregistry = \"serde_rs\"").contains("names the registry")
    );
    let inherited =
        compute("[package]\nname = \"demo\"\nversion.workspace = true", &own_index()).unwrap_err();
    assert!(matches!(inherited, ComputeError::Inherited { .. }), "{inherited}");
    let both = "[dependencies.x]\nversion = \"1\"\ndefault-features = true\ndefault_features = false";
    assert!(refused(both).contains("both stand in Cargo.toml"));
    assert!(refused("[dev-dependencies]\n[dev_dependencies]").contains("both stand in Cargo.toml"));
}

#[test]
fn artifact_dependency() {
    let text = refused("[dependencies.x]\nversion = \"1\"\nartifact = \"bin\"");
    assert!(text.contains("artifact dependency"), "{text}");
}

#[test]
fn registry_over_http_git_or_in_another_spelling() {
    for (url, why) in [
        ("sparse+http://serde.rs/cargo/index/", "`http` is refused"),
        ("https://github.com/someone/index", "does not start with `sparse+https://`"),
        ("sparse+https://SERDE.rs/cargo/index/", "normal form is `sparse+https://serde.rs/cargo/index/`"),
        ("sparse+https://serde.rs/cargo/index", "normal form is"),
    ] {
        let text = refused(&format!("[dependencies.x]\nversion = \"1\"\nregistry-index = \"{url}\""));
        assert!(text.contains(why), "{url}: {text}");
    }
}

#[test]
fn text_that_would_not_stay_on_its_line() {
    for manifest in [
        "[features]\n\"a\\nb\" = []",
        "[features]\na = [\"\\u202eb\"]",
        "[dependencies.\"a/b\"]\nversion = \"1\"",
        "[dependencies.x]\nversion = \"1\"\npackage = \"x y\"",
        "[dependencies.x]\nversion = \"1\"\nfeatures = [\"a/b\"]",
        "links = \"a\\u001bb\"",
        "rust-version = \"1.85-beta\"",
        "[target.'cfg('.dependencies]\nx = \"1\"",
    ] {
        assert!(
            refused(manifest).contains("not something that Cargo accepts"),
            "{manifest}: {}",
            refused(manifest)
        );
    }
}

#[test]
fn shapes_that_cargo_refuses() {
    assert!(refused("[dependencies]\nx = 1").contains("not a string or a table"));
    assert!(refused("[dependencies]\nx = \"one\"").contains("version requirement"));
    assert!(refused("[dependencies.x]\nversion = \"1\"\noptional = \"yes\"").contains("not true or false"));
    assert!(refused("[features]\na = \"b\"").contains("not an array of strings"));
    assert!(refused("[features").contains("not TOML"));
    assert_eq!(compute("", &own_index()).unwrap_err().to_string(), "Cargo.toml has no [package]");
}

#[test]
fn huge_features_and_dependencies() {
    let many: String = (0..=crate::limits::MAX_DEPENDENCIES).map(|n| format!("d{n} = \"1\"\n")).collect();
    assert!(refused(&format!("[dependencies]\n{many}")).contains("more than"));
    let many: String = (0..=crate::limits::MAX_FEATURES).map(|n| format!("f{n} = []\n")).collect();
    assert!(refused(&format!("[features]\n{many}")).contains("more than"));
}
