use super::*;
use crate::existing::key_use;
use cargo_namespaces::manifest::ManifestInfo;
use cargo_namespaces::name::IndexUrl;
use clap::Parser as _;

fn args(args: &[&str]) -> Args {
    Args::try_parse_from(std::iter::once("nsadd").chain(args.iter().copied())).unwrap().untangled()
}

fn request(spec: &str, manifest: &str, choice: Option<ConflictChoice>) -> CrateRequest {
    let spec = QualifiedSpec::parse(spec).unwrap();
    let info = ManifestInfo::parse(manifest).unwrap();
    let namespace = spec.name.namespace.clone();
    let name = RegistryName::from_namespace(&namespace);
    let found = key_use(&info, &info, &spec.name, spec.name.krate.as_str(), &|found| found == name.as_str());
    CrateRequest {
        registry: NamespaceRegistry {
            index: IndexUrl::default_for(&namespace),
            name,
            namespace,
            is_assumed: false,
        },
        spec,
        found,
        choice,
        is_member: false,
        versions: ["1.0.0", "1.2.0+build", "2.0.0-rc.1"].map(|text| Version::parse(text).unwrap()).into(),
        free_key: "serde-rs-serde-abc".to_owned(),
    }
}

const TAKEN: &str = "[dev-dependencies]\nserde-abc = \"1\"\n";

#[test]
fn crates_of_one_namespace_go_in_one_run() {
    let requests = [
        request("serde.rs/serde-abc", "", None),
        request("other.example/x", "", None),
        request("serde.rs/serde-xyz@1.0", "", None),
    ];
    let plan =
        plan(&requests, &["itoa@1".to_owned()], &args(&["x", "-F", "itoa/no-panic,serde.rs/serde-xyz/std"]))
            .unwrap();
    let specs: Vec<Vec<String>> = plan.adds.iter().map(|add| add.specs.clone()).collect();
    assert_eq!(specs, [vec!["itoa@1"], vec!["serde-abc", "serde-xyz@1.0"], vec!["x"]]);
    assert_eq!(plan.adds[0].features, ["itoa/no-panic"]);
    assert_eq!(plan.adds[1].features, ["serde-xyz/std"]);
    assert_eq!(plan.adds[1].registry.as_ref().unwrap().as_str(), "serde_rs");
}

#[test]
fn what_is_in_the_way_asks_for_a_decision() {
    let error = plan(&[request("serde.rs/serde-abc", TAKEN, None)], &[], &args(&[])).unwrap_err();
    assert_eq!(
        (error.exit(), error.message()),
        (ExitCode::ActionRequired, "there is a dependency `serde-abc` already")
    );
    assert_eq!(error.causes(), ["`serde-abc` in [dev-dependencies] comes from crates.io"]);
    assert_eq!(
        error.hint_text().unwrap(),
        "to move it to serde.rs:\n  cargo nsadd --switch serde.rs/serde-abc\nto keep both, the new one under another \
         key:\n  cargo nsadd --rename serde.rs/serde-abc"
    );
}

#[test]
fn a_move_keeps_the_requirement_that_fits() {
    let requirement = |spec: &str, manifest: &str| {
        let plan = plan(&[request(spec, manifest, Some(ConflictChoice::Switch))], &[], &args(&[])).unwrap();
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
    let plan = plan(&[request], &[], &args(&["-F", "std"])).unwrap();
    assert_eq!(plan.adds[0].section.as_deref(), Some([OsString::from("--dev")].as_slice()));
    assert_eq!(plan.adds[0].features, ["serde-abc/std"]);
}

#[test]
fn keeping_both_takes_a_free_key() {
    let request = request("serde.rs/serde-abc", TAKEN, Some(ConflictChoice::KeepBoth));
    let plan = plan(&[request], &[], &args(&[])).unwrap();
    assert_eq!(plan.adds[0].rename.as_deref(), Some("serde-rs-serde-abc"));
    assert_eq!(plan.keys[0].1, "serde-rs-serde-abc");
    assert!(plan.switches.is_empty());
}

#[test]
fn a_member_of_that_name_is_avoided_by_a_version() {
    let mut request = request("serde.rs/serde-abc", "", None);
    request.is_member = true;
    assert_eq!(plan(&[request], &[], &args(&[])).unwrap().adds[0].specs, ["serde-abc@1.2.0"]);
}

#[test]
fn a_requirement_without_a_release_lists_those_that_are_there() {
    let error = plan(&[request("serde.rs/serde-abc@7", "", None)], &[], &args(&[])).unwrap_err();
    assert_eq!(error.message(), "no release of serde.rs/serde-abc fits `7`");
    assert_eq!(error.hint_text(), Some("the newest releases are 2.0.0-rc.1, 1.2.0+build, 1.0.0"));
}

#[test]
fn features_of_several_crates_name_their_crate() {
    let requests = [request("serde.rs/serde-abc", "", None), request("other.example/serde-abc", "", None)];
    assert!(
        plan(&requests, &[], &args(&["-F", "std"])).unwrap_err().message().contains("must say which crate")
    );
    assert!(
        plan(&requests, &[], &args(&["-F", "serde-abc/std"]))
            .unwrap_err()
            .message()
            .contains("more than one")
    );
    let plan = plan(&requests, &[], &args(&["-F", "other.example/serde-abc/std"])).unwrap();
    assert_eq!((plan.adds[0].features.len(), plan.adds[1].features.len()), (0, 1));
}
