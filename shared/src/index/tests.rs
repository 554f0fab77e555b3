//! Manifests in, lines out; and what a line may not be.

use proptest::prelude::*;
use semver::Version;

use super::*;
use crate::digest::Digest;
use crate::key::SecretKey;
use crate::name::{CRATES_IO_INDEX, IndexUrl};
use crate::statement::ReleaseStatement;

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

// ---- Fixtures -------------------------------------------------------------------------------------------------

macro_rules! fixtures {
    ($($name:ident)*) => {$(
        /// The line of the manifest of this name.
        #[test]
        fn $name() {
            let manifest = include_str!(concat!("fixtures/", stringify!($name), ".toml"));
            let expected = include_str!(concat!("fixtures/", stringify!($name), ".json"));
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

// ---- Manifests that make no line ------------------------------------------------------------------------------

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

// ---- Lines ----------------------------------------------------------------------------------------------------

const LINE: &str = r#"{"name":"demo","vers":"1.0.0","deps":[],"cksum":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","features":{},"yanked":false}"#;

fn with_dep(dep: &str) -> String {
    LINE.replace("\"deps\":[]", &format!("\"deps\":[{dep}]"))
}

#[test]
fn a_line_is_read_as_cargo_reads_it() {
    let line = IndexLine::parse(LINE).unwrap();
    assert_eq!(line.to_line(), LINE);
    let defaults = IndexLine::parse(&with_dep(r#"{"name":"x","req":"1"}"#)).unwrap();
    let dep = &defaults.deps[0];
    assert!(dep.default_features && !dep.optional && dep.kind == DependencyKind::Normal);
    let nulls = r#"{"name":"x","req":"1","target":null,"kind":null,"registry":null,"package":null}"#;
    assert_eq!(IndexLine::parse(&with_dep(nulls)).unwrap(), defaults);
    let unknown = LINE.replace("\"features\"", "\"from_the_future\":{\"a\":[1]},\"features\"");
    assert_eq!(IndexLine::parse(&unknown).unwrap(), line);
    let nulls =
        LINE.replace("\"yanked\":false", "\"yanked\":null,\"links\":null,\"features2\":null,\"v\":null");
    assert_eq!(IndexLine::parse(&nulls).unwrap(), line);
}

#[test]
fn lines_that_are_refused() {
    let dep = |text: &str| IndexLine::parse(&with_dep(text)).unwrap_err().to_string();
    assert!(dep(r#"{"name":"x","req":"1","artifact":["bin"]}"#).contains("artifact dependency"));
    assert!(dep(r#"{"name":"x","req":"1","lib":true}"#).contains("artifact dependency"));
    assert!(dep(r#"{"name":"x","req":"1","kind":"other"}"#).contains("unknown variant"));
    assert!(dep(r#"{"name":"x","req":"1","req":"2"}"#).contains("duplicate field"));
    assert!(dep(r#"{"name":"../x","req":"1"}"#).contains("the dependency name"));
    assert!(dep(r#"{"name":"x","req":"what"}"#).contains("the version requirement"));
    assert!(dep(r#"{"name":"x","req":"1","target":"cfg(("}"#).contains("the target"));
    let line = |from: &str, to: &str| IndexLine::parse(&LINE.replace(from, to)).unwrap_err().to_string();
    assert!(line("\"features\":{}", "\"features\":{\"a\":[\"x y\"]}").contains("the feature value"));
    assert!(line("1.0.0", "1.0").contains("not understood"));
    assert!(line("demo", "../../etc").contains("not a crate name"));
    assert!(line("\"yanked\"", "\"links\":\"a\\nb\",\"yanked\"").contains("`links`"));
}

#[test]
fn a_later_schema_is_skipped_and_kept() {
    let later = LINE.replace("\"deps\":[]", "\"v\":3,\"deps\":\"changed\"");
    assert!(matches!(IndexLine::parse(&later), Err(LineError::Schema(3))));
    let text = format!("{later}\n{}\n", LINE.replace("1.0.0", "1.0.1"));
    assert_eq!(parse_index_file(text.as_bytes()).unwrap().len(), 1);
    let mut file = IndexFile::parse(text.as_bytes()).unwrap();
    let mut line = file.get(&Version::new(1, 0, 1)).unwrap().clone();
    line.yanked = true;
    file.put(line);
    file.put(IndexLine::parse(LINE).unwrap());
    let yanked = LINE.replace("1.0.0", "1.0.1").replace("false", "true");
    assert_eq!(file.to_string(), format!("{later}\n{yanked}\n{LINE}\n"));
}

#[test]
fn files_that_are_refused() {
    let twice = format!("{LINE}\n{LINE}\n");
    assert!(parse_index_file(twice.as_bytes()).unwrap_err().to_string().contains("again"));
    let broken = format!("{LINE}\n\n{{\n");
    assert!(parse_index_file(broken.as_bytes()).unwrap_err().to_string().starts_with("line 3"));
    assert!(matches!(parse_index_file(b"\xff"), Err(IndexFileError::NotUtf8)));
    assert!(parse_index_file(b"").unwrap().is_empty());
}

// ---- A line against its package -------------------------------------------------------------------------------

/// A package with something of everything, and its line.
fn everything() -> (Facts, IndexLine) {
    let manifest = demo(
        "links = \"demo\"\nrust-version = \"1.85\"\n[dependencies]\nserde = { version = \"1\", optional = true }\n\
         [target.'cfg(unix)'.dependencies]\nlibc = { version = \"0.2\", features = [\"a\", \"b\"] }\n\
         [features]\nstd = [\"serde?/std\", \"x\"]\nx = []\n",
    );
    let facts = facts(&manifest);
    (facts.clone(), IndexLine::new(facts, Digest::of(b""), Vec::new()))
}

fn mismatch(change: impl FnOnce(&mut IndexLine)) -> String {
    let (facts, mut line) = everything();
    line.check_facts(&facts).unwrap();
    change(&mut line);
    line.check_facts(&facts).unwrap_err().to_string()
}

#[test]
fn index_adds_a_dependency() {
    let text = mismatch(|line| {
        let evil =
            IndexDep { name: "evil".to_owned(), target: None, features: Vec::new(), ..line.deps[0].clone() };
        line.deps.push(IndexDep { req: "^1".to_owned(), ..evil });
    });
    let expected =
        "the index line lists a dependency `evil` ^1 that the Cargo.toml inside the .crate does not have";
    assert_eq!(text, expected);
}

#[test]
fn index_lists_a_dependency_twice() {
    let text = mismatch(|line| line.deps.push(line.deps[0].clone()));
    assert!(text.starts_with("the index line lists a dependency `libc` ^0.2 for cfg(unix) that"), "{text}");
}

#[test]
fn index_hides_a_dependency() {
    let text = mismatch(|line| {
        line.deps.pop();
    });
    assert!(text.ends_with("has a dependency `serde` ^1 that the index line does not list"), "{text}");
}

#[test]
fn index_changes_a_dependency() {
    let change = |change: fn(&mut IndexDep)| mismatch(|line| change(&mut line.deps[0]));
    let says = |field: &str, line: &str, package: &str| {
        format!(
            "dependency `libc`: the index line says {field} {line}, the Cargo.toml inside the .crate says {package}"
        )
    };
    assert_eq!(change(|dep| dep.req = ">=0.1".to_owned()), says("version", "`>=0.1`", "`^0.2`"));
    assert_eq!(
        change(|dep| dep.registry = None),
        says("registry", "of this index", &format!("`{CRATES_IO_INDEX}`"))
    );
    assert_eq!(change(|dep| dep.package = Some("evil".to_owned())), says("package", "`evil`", "`libc`"));
    assert_eq!(change(|dep| dep.optional = true), says("optional", "true", "false"));
    assert_eq!(change(|dep| dep.default_features = false), says("default-features", "false", "true"));
    assert_eq!(change(|dep| dep.features.clear()), says("features", "[]", "[a, b]"));
    assert!(change(|dep| dep.kind = DependencyKind::Build).contains("lists a build-dependency `libc`"));
    assert!(change(|dep| dep.target = None).contains("lists a dependency `libc` ^0.2 that"));
}

#[test]
fn index_changes_a_feature() {
    let text = mismatch(|line| drop(line.features.insert("default".to_owned(), vec!["std".to_owned()])));
    assert!(text.contains("the index line has a feature `default`"), "{text}");
    let text = mismatch(|line| drop(line.features2.remove("std")));
    assert!(text.contains("has a feature `std` that the index line does not"), "{text}");
    let text = mismatch(|line| line.features2.get_mut("std").unwrap().push("y".to_owned()));
    assert!(text.starts_with("feature `std`: the index line says [serde?/std, x, y],"), "{text}");
    // Cargo merges the two maps, so a second entry under the same name adds to the first.
    let text = mismatch(|line| drop(line.features.insert("std".to_owned(), vec!["z".to_owned()])));
    assert!(text.contains("[serde?/std, x, z]"), "{text}");
}

#[test]
fn index_changes_name_version_links_or_rust_version() {
    assert!(mismatch(|line| line.name = "Demo".parse().unwrap()).contains("name `Demo`"));
    assert!(mismatch(|line| line.vers = Version::parse("1.0.0+x").unwrap()).contains("version `1.0.0+x`"));
    assert!(
        mismatch(|line| line.links = None)
            .contains("links nothing, the Cargo.toml inside the .crate says `demo`")
    );
    assert!(mismatch(|line| line.rust_version = Some("1.70".to_owned())).contains("rust_version `1.70`"));
}

#[test]
fn what_means_the_same_to_cargo_is_the_same() {
    let (facts, mut line) = everything();
    line.deps.reverse();
    line.deps.iter_mut().for_each(|dep| dep.features.reverse());
    line.deps[1].target = Some("cfg( unix )".to_owned());
    line.deps[0].req = "1".to_owned();
    line.deps[0].package = Some("serde".to_owned());
    let moved = line.features2.remove("std").unwrap();
    line.features.insert("std".to_owned(), moved);
    line.check_facts(&facts).unwrap();
}

// ---- Properties -----------------------------------------------------------------------------------------------

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_-]{0,8}x"
}

fn feature() -> impl Strategy<Value = String> {
    "[a-z0-9_][a-z0-9+._-]{0,6}"
}

fn dep() -> impl Strategy<Value = IndexDep> {
    let req = prop_oneof![
        "\\^[1-9]\\.[0-9]",
        "=[0-9]\\.[0-9]\\.[0-9]",
        Just("*".to_owned()),
        Just(">=1, <3".to_owned())
    ];
    let target = proptest::option::of(prop_oneof![
        Just("cfg(unix)".to_owned()),
        Just("cfg(all(windows, target_env = \"gnu\"))".to_owned()),
        Just("wasm32-wasip1".to_owned()),
    ]);
    let kind =
        prop_oneof![Just(DependencyKind::Normal), Just(DependencyKind::Build), Just(DependencyKind::Dev)];
    let registry = prop_oneof![
        Just(None),
        Just(Some(CRATES_IO_INDEX.to_owned())),
        Just(Some("sparse+https://serde.rs/cargo/index/".to_owned())),
    ];
    let flags = (any::<bool>(), any::<bool>());
    (
        name(),
        req,
        proptest::collection::vec(feature(), 0..3),
        flags,
        target,
        kind,
        registry,
        proptest::option::of(name()),
    )
        .prop_map(
            |(name, req, features, (optional, default_features), target, kind, registry, package)| IndexDep {
                name,
                req,
                features,
                optional,
                default_features,
                target,
                kind,
                registry,
                package,
            },
        )
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let value = prop_oneof![
        feature(),
        name().prop_map(|name| format!("dep:{name}")),
        (name(), feature()).prop_map(|(name, feature)| format!("{name}?/{feature}"))
    ];
    let features = proptest::collection::btree_map(feature(), proptest::collection::vec(value, 0..4), 0..6);
    let version = (0u64..99, 0u64..99, 0u64..99, "(-rc\\.[1-9])?(\\+[a-z]{1,3})?");
    let rust = proptest::option::of("1\\.[1-9][0-9]");
    (name(), version, proptest::collection::vec(dep(), 0..6), features, proptest::option::of(name()), rust)
        .prop_map(|(name, (major, minor, patch, rest), mut deps, features, links, rust_version)| {
            // One table of a manifest has each key once.
            deps.sort_by(|one, other| one.sort_key().cmp(&other.sort_key()));
            deps.dedup_by(|one, other| {
                (&one.name, one.kind, &one.target) == (&other.name, other.kind, &other.target)
            });
            Facts {
                name: name.parse().unwrap(),
                version: format!("{major}.{minor}.{patch}{rest}").parse().unwrap(),
                deps,
                features,
                links,
                rust_version,
            }
        })
}

/// The normalised manifest of these facts.
fn manifest(facts: &Facts) -> String {
    let mut text = format!("[package]\nname = {:?}\nversion = \"{}\"\n", facts.name.as_str(), facts.version);
    let mut line = |text_line: String| text.push_str(&(text_line + "\n"));
    facts.links.iter().for_each(|links| line(format!("links = {links:?}")));
    facts.rust_version.iter().for_each(|rust| line(format!("rust-version = {rust:?}")));
    line("[features]".to_owned());
    facts.features.iter().for_each(|(name, values)| line(format!("{name:?} = {values:?}")));
    for dep in &facts.deps {
        let target = dep.target.as_ref().map_or(String::new(), |target| format!("target.'{target}'."));
        let kind = match dep.kind {
            DependencyKind::Normal => "dependencies",
            DependencyKind::Build => "build-dependencies",
            DependencyKind::Dev => "dev-dependencies",
        };
        line(format!("[{target}{kind}.{}]\nversion = {:?}", dep.name, dep.req));
        line(format!("features = {:?}\noptional = {}", dep.features, dep.optional));
        line(format!("default-features = {}", dep.default_features));
        match dep.registry.as_deref() {
            None => line(format!("registry-index = {:?}", own_index().as_str())),
            Some(CRATES_IO_INDEX) => {}
            Some(url) => line(format!("registry-index = {url:?}")),
        }
        dep.package.iter().for_each(|package| line(format!("package = {package:?}")));
    }
    text
}

proptest! {
    #[test]
    fn a_line_prints_and_parses_to_itself(facts in any_facts(), yanked: bool, signed: bool) {
        let mut line = IndexLine::new(facts, Digest::of(b"x"), Vec::new());
        line.yanked = yanked;
        if signed {
            let statement = ReleaseStatement {
                name: format!("own.example/{}", line.name).parse().unwrap(),
                version: line.vers.clone(),
                cksum: line.cksum,
                index: own_index(),
                at: "2026-11-20T12:00:00Z".parse().unwrap(),
            };
            line.attestations.push(statement.sign(&SecretKey::generate().unwrap()));
        }
        let text = line.to_line();
        prop_assert!(!text.contains('\n'));
        let parsed = IndexLine::parse(&text).unwrap();
        prop_assert_eq!(&parsed, &line);
        prop_assert_eq!(parsed.to_line(), text);
    }

    #[test]
    fn a_manifest_computes_to_its_facts(facts in any_facts()) {
        let computed = compute(&manifest(&facts), &own_index()).unwrap();
        prop_assert_eq!(&computed, &facts);
        IndexLine::new(facts.clone(), Digest::of(b""), Vec::new()).check_facts(&computed).unwrap();
    }

    #[test]
    fn no_bytes_make_a_parser_panic(text in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = IndexLine::parse(&text);
        let _ = compute(&text, &own_index());
        let _ = IndexConfig::parse(&bytes);
        let _ = parse_index_file(&bytes);
    }
}
