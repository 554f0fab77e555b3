//! Lock files in, plans out.

use super::*;

const SHA: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn lock(packages: &[(&str, &str, &str)]) -> LockFile {
    let mut text = "version = 4\n".to_owned();
    for (name, version, source) in packages {
        text.push_str(&format!("\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n"));
        if !source.is_empty() {
            text.push_str(&format!("source = \"{source}\"\n"));
        }
        if source.starts_with("registry+") || source.starts_with("sparse+") {
            text.push_str(&format!("checksum = \"{SHA}\"\n"));
        }
    }
    LockFile::parse(&text).unwrap()
}

fn namespaces(names: &[&str]) -> BTreeMap<IndexUrl, Namespace> {
    names
        .iter()
        .map(|name| {
            let namespace = Namespace::parse(name).unwrap();
            (IndexUrl::default_for(&namespace), namespace)
        })
        .collect()
}

fn dirs(plan: &Plan) -> Vec<String> {
    plan.packages().map(|(source, package)| format!("{}/{}", source.dir, package.dir())).collect()
}

const CRATES: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[test]
fn each_source_has_a_directory_of_its_own() {
    let lock = lock(&[
        ("app", "0.1.0", ""),
        ("itoa", "1.0.15", CRATES),
        ("serde-abc", "1.0.0", "sparse+https://serde.rs/cargo/index/"),
        ("serde-abc", "1.0.0", CRATES),
        ("tool", "2.0.0", "sparse+https://crates.corp.example:8080/index/"),
        ("old", "2.0.0", "registry+https://crates.corp.example/git/index"),
        (
            "g",
            "0.1.0",
            "git+https://github.com/a/repo.git?branch=main#0123456789abcdef0123456789abcdef01234567",
        ),
    ]);
    let plan = Plan::new(&[lock], &namespaces(&["serde.rs"])).unwrap();
    let registry = "sparse+https://crates.corp.example:8080/index/";
    let other = plan.sources.iter().find(|source| source.dir.starts_with("crates.corp.example-")).unwrap();
    assert_ne!(other.source, PlannedSource::Registry(registry.to_owned()));
    let mut expected = vec![
        "crates.corp.example/tool-2.0.0".to_owned(),
        format!("{}/old-2.0.0", other.dir),
        "crates.io/itoa-1.0.15".to_owned(),
        "crates.io/serde-abc-1.0.0".to_owned(),
        "git/repo-0123456/g-0.1.0".to_owned(),
        "serde.rs/serde-abc-1.0.0".to_owned(),
    ];
    expected.sort();
    let mut found = dirs(&plan);
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_foreign_registry_never_takes_a_namespaces_directory() {
    let lock = lock(&[
        ("a", "1.0.0", "sparse+https://serde.rs/another/index/"),
        ("b", "1.0.0", "sparse+https://serde.rs/cargo/index/"),
    ]);
    let plan = Plan::new(&[lock], &namespaces(&["serde.rs"])).unwrap();
    let own = plan.sources.iter().find(|source| source.dir == "serde.rs").unwrap();
    assert_eq!(own.packages[0].name, "b");
    assert_eq!(plan.sources.len(), 2);
}

#[test]
fn two_lock_files_are_merged_and_must_agree() {
    let one = lock(&[("a", "1.0.0", CRATES)]);
    let mut two = lock(&[("a", "1.0.0", CRATES), ("b", "1.0.0", CRATES)]);
    let plan = Plan::new(&[one.clone(), two.clone()], &BTreeMap::new()).unwrap();
    assert_eq!(dirs(&plan), ["crates.io/a-1.0.0", "crates.io/b-1.0.0"]);
    two.packages[0].checksum = Some(Digest::of(b"other"));
    assert!(matches!(Plan::new(&[one, two], &BTreeMap::new()), Err(PlanError::TwoChecksums { .. })));
}

#[test]
fn a_registry_package_without_checksum_is_refused() {
    let mut lock = lock(&[("a", "1.0.0", CRATES)]);
    lock.packages[0].checksum = None;
    assert!(matches!(Plan::new(&[lock], &BTreeMap::new()), Err(PlanError::NoChecksum { .. })));
}

#[test]
fn a_name_that_leads_elsewhere_is_refused() {
    for name in ["../a", "a/b", ""] {
        let mut lock = lock(&[("a", "1.0.0", CRATES)]);
        lock.packages[0].name = name.to_owned();
        assert!(matches!(Plan::new(&[lock], &BTreeMap::new()), Err(PlanError::Name(_))), "{name:?}");
    }
}
