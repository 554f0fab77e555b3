//! What holds for all lines and manifests.

use proptest::prelude::*;

use super::*;
use crate::key::SecretKey;
use crate::name::CRATES_IO_INDEX;
use crate::statement::ReleaseStatement;

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9_-]{0,8}q"
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
            line.attestations.push(statement.attest(&SecretKey::generate().unwrap()));
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
        IndexLine::new(facts, Digest::of(b""), Vec::new()).check_facts(&computed).unwrap();
    }

    #[test]
    fn no_bytes_make_a_parser_panic(text in "\\PC{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = IndexLine::parse(&text);
        let _ = compute(&text, &own_index());
        let _ = IndexConfig::parse(&bytes, &IndexUrl::parse("sparse+https://d.example/index/").unwrap());
        let _ = parse_index_file(&bytes);
    }
}
