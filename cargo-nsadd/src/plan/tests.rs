use super::*;
use crate::existing::key_use;
use crate::options::DependencyOptions;
use cargo_namespaces::manifest::ManifestInfo;
use cargo_namespaces::name::IndexUrl;

fn options(plain: &[&str], features: &[&str]) -> AddOptions {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let dependency = DependencyOptions { features: owned(features), ..DependencyOptions::default() };
    AddOptions { plain: owned(plain), dependency, ..AddOptions::default() }
}

fn request(spec: &str, manifest: &str, choice: Option<ConflictChoice>) -> CrateRequest {
    let spec = QualifiedSpec::parse(spec).unwrap();
    let info = ManifestInfo::parse(manifest).unwrap();
    let namespace = spec.name.namespace.clone();
    let name = RegistryName::from_namespace(&namespace);
    let is_registry = |found: &str| found == name.as_str();
    let key_use = key_use(&info, &info, &spec.name, spec.name.krate.as_str(), &is_registry);
    let index = IndexUrl::default_for(&namespace);
    CrateRequest {
        registry: NamespaceRegistry { index, name, namespace, is_assumed: false },
        spec,
        key_use,
        choice,
        is_member: false,
        versions: ["1.0.0", "1.2.0+build", "2.0.0-rc.1"].map(|text| Version::parse(text).unwrap()).into(),
        free_key: "serde-rs-serde-abc".to_owned(),
    }
}

fn add(registry: Option<&str>, specs: &[&str], features: &[&str]) -> CargoAdd {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    CargoAdd {
        registry: registry.map(|name| RegistryName::parse(name).unwrap()),
        specs: owned(specs),
        features: owned(features),
        ..CargoAdd::default()
    }
}

fn key(name: &str, key: &str) -> (QualifiedName, String) {
    (QualifiedName::parse(name).unwrap(), key.to_owned())
}

const TAKEN: &str = "[dev-dependencies]\nserde-abc = \"1\"\n";

#[test]
fn crates_of_one_namespace_go_in_one_run() {
    let requests = [
        request("serde.rs/serde-abc", "", None),
        request("other.example/x", "", None),
        request("serde.rs/serde-xyz@1.0", "", None),
    ];
    let options = options(&["itoa@1"], &["itoa/no-panic", "serde.rs/serde-xyz/std"]);
    let expected = AddPlan {
        switches: Vec::new(),
        adds: vec![
            add(None, &["itoa@1"], &["itoa/no-panic"]),
            add(Some("serde_rs"), &["serde-abc", "serde-xyz@1.0"], &["serde-xyz/std"]),
            add(Some("other_example"), &["x"], &[]),
        ],
        keys: vec![
            key("serde.rs/serde-abc", "serde-abc"),
            key("other.example/x", "x"),
            key("serde.rs/serde-xyz", "serde-xyz"),
        ],
    };
    assert_eq!(plan(&requests, &options).unwrap(), expected);
}

#[test]
fn a_taken_key_asks_for_a_decision() {
    let error = plan(&[request("serde.rs/serde-abc", TAKEN, None)], &options(&[], &[])).unwrap_err();
    assert_eq!(error.to_string(), "there is a dependency `serde-abc` already");
    assert_eq!(error.cause().unwrap(), "`serde-abc` in [dev-dependencies] comes from crates.io");
    assert_eq!(
        error.hints(),
        [
            "to move it to serde.rs:\n  cargo nsadd --switch serde.rs/serde-abc",
            "to keep both, the new one under another key:\n  cargo nsadd --rename serde.rs/serde-abc"
        ]
    );
}

#[test]
fn a_move_keeps_the_requirement_that_fits() {
    let requirement = |spec: &str, manifest: &str| {
        let request = request(spec, manifest, Some(ConflictChoice::Switch));
        let plan = plan(&[request], &options(&[], &[])).unwrap();
        assert!(plan.adds.is_empty());
        plan.switches[0].req.clone()
    };
    assert_eq!(requirement("serde.rs/serde-abc", TAKEN), None);
    assert_eq!(
        requirement("serde.rs/serde-abc", "[dependencies]\nserde-abc = \"7\"\n").as_deref(),
        Some("1.2.0")
    );
    assert_eq!(
        requirement("serde.rs/serde-abc", "[dependencies]\nserde-abc.path = \"x\"\n").as_deref(),
        Some("1.2.0")
    );
    assert_eq!(requirement("serde.rs/serde-abc@^1.0", TAKEN).as_deref(), Some("^1.0"));
}

#[test]
fn a_move_with_features_is_followed_by_an_add_in_its_own_table() {
    let request = request("serde.rs/serde-abc", TAKEN, Some(ConflictChoice::Switch));
    let expected = AddPlan {
        switches: vec![EntryMove {
            name: request.spec.name.clone(),
            registry: RegistryName::parse("serde_rs").unwrap(),
            in_root: false,
            req: None,
        }],
        adds: vec![CargoAdd {
            section: Some(vec!["--dev".into()]),
            ..add(Some("serde_rs"), &["serde-abc"], &["serde-abc/std"])
        }],
        keys: vec![key("serde.rs/serde-abc", "serde-abc")],
    };
    assert_eq!(plan(&[request], &options(&[], &["std"])).unwrap(), expected);
}

#[test]
fn keeping_both_takes_a_free_key() {
    let request = request("serde.rs/serde-abc", TAKEN, Some(ConflictChoice::KeepBoth));
    let expected = AddPlan {
        switches: Vec::new(),
        adds: vec![CargoAdd {
            rename: Some("serde-rs-serde-abc".to_owned()),
            ..add(Some("serde_rs"), &["serde-abc"], &[])
        }],
        keys: vec![key("serde.rs/serde-abc", "serde-rs-serde-abc")],
    };
    assert_eq!(plan(&[request], &options(&[], &[])).unwrap(), expected);
}

#[test]
fn a_member_of_that_name_is_avoided_by_a_version() {
    let mut request = request("serde.rs/serde-abc", "", None);
    request.is_member = true;
    let plan = plan(&[request], &options(&[], &[])).unwrap();
    assert_eq!(plan.adds, [add(Some("serde_rs"), &["serde-abc@1.2.0"], &[])]);
}

#[test]
fn a_requirement_without_a_release_lists_those_that_are_there() {
    let error = plan(&[request("serde.rs/serde-abc@7", "", None)], &options(&[], &[])).unwrap_err();
    assert_eq!(error.to_string(), "no release of serde.rs/serde-abc fits `7`");
    assert_eq!(error.hints(), ["the newest releases are 2.0.0-rc.1, 1.2.0+build, 1.0.0"]);
}

#[test]
fn features_of_several_crates_name_their_crate() {
    let requests = [request("serde.rs/serde-abc", "", None), request("other.example/serde-abc", "", None)];
    let planned = |feature: &str| plan(&requests, &options(&[], &[feature]));
    assert!(matches!(planned("std"), Err(PlanError::FeatureOfWhich { .. })));
    assert!(matches!(planned("serde-abc/std"), Err(PlanError::FeatureOfSeveral { .. })));
    let adds = planned("other.example/serde-abc/std").unwrap().adds;
    assert_eq!(adds[0].features, Vec::<String>::new());
    assert_eq!(adds[1].features, ["serde-abc/std"]);
}
