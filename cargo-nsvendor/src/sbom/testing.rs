//! A bill of materials with one of everything, for the tests of the writers.

use cargo_namespaces::digest::Digest;
use semver::Version;

use super::license::License;
use super::{Bom, Component, ManifestFacts, Origin, Signed, Uses};

/// A program that uses a namespaced crate, one of crates.io and one from git.
pub fn bom() -> Bom {
    let component = |id: &str, name: &str, origin: Origin, license: License| Component {
        id: id.to_owned(),
        name: name.to_owned(),
        version: Version::new(1, 0, 0),
        sha256: matches!(origin, Origin::Registry(_)).then(|| Digest::of(name.as_bytes())),
        origin,
        facts: ManifestFacts { license, ..ManifestFacts::default() },
        signed: None,
        dependencies: Vec::new(),
    };
    let text = |text: &str| License::Expression(text.to_owned());
    let mut app = component("path+app@1.0.0", "app", Origin::Path, License::Unknown);
    let build = Uses { build: true, ..Uses::default() };
    app.dependencies = vec![(1, build), (2, Uses { dev: true, ..build }), (3, Uses::NORMAL)];
    let registry = Origin::Registry(Some("https://static.crates.io/crates/itoa/1.0.0/download".to_owned()));
    let mut itoa = component("pkg:cargo/itoa@1.0.0", "itoa", registry, text("MIT OR Apache-2.0"));
    itoa.facts.description = Some("Integers as text.".to_owned());
    itoa.facts.authors = vec!["somebody <a@a.example>".to_owned()];
    itoa.facts.repository = Some("https://a.example/itoa".to_owned());
    let git = Origin::Git("git+https://h.example/r@0123".to_owned());
    let from_git = component("pkg:cargo/g_it@1.0.0?vcs_url=x", "g_it", git, License::Text("mine".to_owned()));
    let index = "pkg:cargo/hello@1.0.0?repository_url=sparse%2Bhttps:%2F%2Fa.example%2F";
    let mut hello = component(index, "hello", Origin::Registry(None), text("LicenseRef-house OR MIT"));
    hello.dependencies = vec![(1, Uses::NORMAL)];
    hello.signed =
        Some(Signed { namespace: "a.example".to_owned(), key: "KEY".to_owned(), trusted: "pinned" });
    Bom { name: "app".to_owned(), roots: vec![0], components: vec![app, itoa, from_git, hello], time: None }
}
