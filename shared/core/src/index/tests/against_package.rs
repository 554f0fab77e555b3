//! A line against the package that it describes: what a hostile index changes.

use semver::Version;

use super::*;
use crate::name::CRATES_IO_INDEX;

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
