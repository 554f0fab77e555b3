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
}

/// The tables that may hold dependencies, in every spelling.
const TABLES: [&str; 10] = [
    "dependencies",
    "dev-dependencies",
    "dev_dependencies",
    "build-dependencies",
    "build_dependencies",
    "target.'cfg(windows)'.dependencies",
    "target.'cfg(windows)'.dev-dependencies",
    "target.'cfg(windows)'.dev_dependencies",
    "target.x86_64-pc-windows-msvc.build-dependencies",
    "target.x86_64-pc-windows-msvc.build_dependencies",
];

#[test]
fn dependency_that_leads_elsewhere_in_every_table_and_form() {
    for table in TABLES {
        for (key, value) in [
            ("git", "\"https://host.example/x\""),
            ("branch", "\"main\""),
            ("tag", "\"1\""),
            ("rev", "\"1\""),
            ("path", "\"../x\""),
            ("base", "\"workspace\""),
            ("registry", "\"serde_rs\""),
            ("workspace", "true"),
            ("something-new", "true"),
        ] {
            for text in [
                format!("[{table}]\nx = {{ version = \"1\", {key} = {value} }}"),
                format!("[{table}]\nx.version = \"1\"\nx.{key} = {value}"),
                format!("[{table}.x]\nversion = \"1\"\noptional = true\n\"{key}\" = {value}"),
            ] {
                let error = refused(&text);
                let said = [
                    "is not allowed in a packaged Cargo.toml",
                    "names the registry",
                    "inherits from a workspace",
                ];
                assert!(said.iter().any(|said| error.contains(said)), "{text}: {error}");
            }
        }
    }
}

#[test]
fn tables_of_a_workspace_and_what_is_inherited_from_one() {
    for text in [
        "[patch.crates-io]\nx = { git = \"https://host.example/x\" }",
        "[patch]",
        "[replace]\n\"x:1.0.0\" = { path = \"x\" }",
        "[workspace]",
        "[workspace.dependencies]\nx = \"1\"",
    ] {
        assert!(refused(text).contains("is not allowed in a packaged Cargo.toml"), "{text}");
    }
    for text in [
        "workspace = \"../..\"",
        "edition.workspace = true",
        "license = { workspace = true }",
        "[lints]\nworkspace = true",
        "[badges]\nworkspace = true",
    ] {
        assert!(refused(text).contains("inherits from a workspace"), "{text}: {}", refused(text));
    }
    // What nobody but the crate's own tools reads.
    facts(&demo("[package.metadata.docs]\nworkspace = true\n[lints.rust]\nunsafe_code = \"forbid\""));
}

#[test]
fn targets_outside_of_the_package() {
    for path in ["../x/build.rs", "/tmp/x.rs", "src/../../x.rs", "C:/x.rs", "..\\x.rs", "\\x.rs"] {
        let path = toml_edit::Value::from(path).to_string();
        for text in [
            format!("build = {path}"),
            format!("build = [\"build.rs\", {path}]"),
            format!("[lib]\npath = {path}"),
            format!("lib = {{ path = {path} }}\n"),
            format!("[[bin]]\nname = \"x\"\npath = {path}"),
            format!("[[example]]\nname = \"a\"\n[[example]]\nname = \"x\"\npath = {path}"),
            format!("[[test]]\npath = {path}"),
            format!("[[bench]]\npath = {path}"),
        ] {
            let text = if text.starts_with("lib = ") {
                text + "[package]\nname = \"demo\"\nversion = \"1.0.0\""
            } else {
                demo(&text)
            };
            let error = compute(&text, &own_index()).unwrap_err().to_string();
            assert!(error.contains("points outside the package"), "{text}: {error}");
        }
    }
    let inline = format!("bin = [{{ name = \"x\", path = \"../x.rs\" }}]\n{}", demo(""));
    let error = compute(&inline, &own_index()).unwrap_err().to_string();
    assert!(error.contains("`bin.path` in Cargo.toml points outside"), "{error}");
    facts(&demo("build = \"build/main..rs\"\n[lib]\npath = \"./src/..lib.rs\""));
    facts(&demo("build = false"));
}

#[test]
fn keys_that_name_a_source_are_found_where_they_count() {
    let keys = source_keys(
        "[dependencies]\na = { version = \"1\", git = \"https://host.example/a\" }\nb = \"1\"\nc = { version = \"1\", path = \"c\" }\n\
         [dev-dependencies]\nd = { git = \"https://host.example/d\" }\n\
         [target.'cfg(unix)'.build_dependencies.e]\nversion = \"1\"\nregistry-index = \"sparse+https://host.example/\"\n",
    );
    assert_eq!(
        keys,
        [
            "dependencies.a.git",
            "dependencies.c.path",
            "target.\"cfg(unix)\".build-dependencies.e.registry-index"
        ]
    );
}

#[test]
fn any_version_at_all_is_read_and_not_published() {
    for table in TABLES {
        let found = facts(&demo(&format!("[{table}]\nx = \"*\"")));
        let error = found.check_requirements().unwrap_err();
        assert!(error.to_string().contains("`x` has the version requirement `*`"), "{error}");
        // The line can be read, and says what the package says.
        let line = IndexLine::new(found.clone(), Digest::of(b""), Vec::new());
        IndexLine::parse(&line.to_line()).unwrap().check_facts(&found).unwrap();
    }
    for requirement in ["1.*", ">=0", "0.*", "1"] {
        facts(&demo(&format!("[dependencies]\nx = \"{requirement}\""))).check_requirements().unwrap();
    }
}

#[test]
fn dependency_without_version() {
    for table in TABLES {
        let error = refused(&format!("[{table}.x]\noptional = true"));
        assert!(error.ends_with("in Cargo.toml has no version"), "{error}");
    }
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
    assert!(refused(both).contains("Cargo.toml has both"));
    assert!(refused("[dev-dependencies]\n[dev_dependencies]").contains("Cargo.toml has both"));
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
        ("sparse+https://index.crates.io/", "crates.io is named"),
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
