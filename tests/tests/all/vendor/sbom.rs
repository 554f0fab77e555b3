//! Bills of materials.

use namespace_world::validators::{assert_cyclonedx, assert_spdx};
use namespace_world::{Home, Project, SignedSite, World, run};
use serde_json::Value;
use std::process::Command;

use super::Small;

/// The documents beside `vendor`, as text.
fn documents(project: &Project) -> (String, String) {
    (project.read("vendor.cdx.json"), project.read("vendor.spdx.json"))
}

/// Namespaces, crates.io, git, a path, odd licences: both formats, by their own validators.
#[test]
fn both_formats_are_valid_by_their_own_validators() {
    let world = World::new(&["a.example"]);
    let site = SignedSite::new(&world, "a.example");
    site.release("leaf_y", "1.0.0")
        .package("license = \"MIT/Apache-2.0\"\nauthors = [\"A. <a@a.example>\"]\n")
        .publish();
    site.release("odd", "1.0.0-rc.1+b").package("license = \"LicenseRef-house OR GPL-2.0+\"\n").publish();
    site.release("strange", "1.0.0").package("license = \"ask us\"\nhomepage = \"no url\"\n").publish();
    site.release("hello", "1.0.0")
        .package("license-file = \"COPYING\"\ndescription = \"Says \\\"hello\\\"\\nin two lines\"\n")
        .dependency(&site.dependency("leaf_y", "1"))
        .dependency(&site.dependency("strange", "1"))
        .dependency("memchr = \"=2.7.4\"\n")
        .publish();
    let repository = world.project("repository").library("from-git", "0.3.0", "");
    for arguments in [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "-m", "One"]] {
        run(world.command("git").args(arguments).current_dir(repository.path())).success();
    }
    let git = format!("from-git = {{ git = \"file://{}\" }}\n", repository.path().display());
    let odd = site.consumer_dependency("odd", "=1.0.0-rc.1");
    let dependencies =
        format!("{}{odd}{git}local = {{ path = \"local\" }}\n", site.consumer_dependency("hello", "1"));
    let project = world
        .project("app")
        .binary("app", &dependencies, "fn main() {}\n")
        .file("local/Cargo.toml", "[package]\nname = \"local\"\nversion = \"0.1.0\"\nedition = \"2021\"\n")
        .file("local/src/lib.rs", "")
        .file(".cargo/config.toml", &site.registry_config())
        .file(".cargo/namespaces.toml", &site.trust_entry());
    super::nsvendor(&world, &project, &["--sbom", "cyclonedx", "--sbom=spdx"]).success();
    assert_cyclonedx(&project.path().join("vendor.cdx.json"));
    assert_spdx(&project.path().join("vendor.spdx.json"));
    let (cyclonedx, spdx) = documents(&project);
    for text in [&cyclonedx, &spdx] {
        for part in [
            "pkg:cargo/hello@1.0.0?repository_url=sparse%2Bhttps:%2F%2Fa.example%2Fcargo%2Findex%2F",
            "pkg:cargo/memchr@2.7.4\"",
            "pkg:cargo/from-git@0.3.0?vcs_url=git%2Bfile:",
            "pkg:cargo/odd@1.0.0-rc.1%2Bb?",
            "MIT OR Apache-2.0",
            "LicenseRef-house OR GPL-2.0-or-later",
            "ask us",
            &site.key().public().to_base64(),
            "https://a.example/cargo/crates/hello/hello-1.0.0.crate",
            "https://static.crates.io/crates/memchr/2.7.4/download",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
        let locked = project.read("Cargo.lock");
        for line in locked.lines().filter_map(|line| line.strip_prefix("checksum = \"")) {
            let digest = line.trim_end_matches('"');
            assert!(text.contains(digest), "{digest} is not in\n{text}");
        }
    }
    // The directory is what Cargo builds from, as ever.
    super::nsvendor(&world, &project, &["--check", "--sbom", "spdx", "--sbom", "cyclonedx"])
        .success()
        .stderr_lacks("could not be checked");
    // In one file, with nothing unpacked, it says the same.
    std::fs::remove_dir_all(project.path().join("vendor")).expect("remove it");
    let packed = ["--format=tar.zst", "--sbom=cyclonedx", "--sbom=spdx"];
    super::nsvendor(&world, &project, &packed).success().stderr_has("`vendor.spdx.json`; nothing changed");
    assert_eq!(documents(&project), (cyclonedx, spdx));
    super::nsvendor(&world, &project, &["--check", packed[0], packed[1]])
        .success()
        .stderr_lacks("could not be checked");
}

fn json(project: &Project, path: &str) -> Value {
    serde_json::from_str(&project.read(path)).expect("JSON")
}

/// The packages for building and testing are told from those that are built in; path dependencies have a licence, also
/// outside the workspace, and from a workspace of their own; what was left out is not listed.
#[test]
fn what_is_built_in_is_told_from_what_only_builds_or_tests() {
    let world = World::new(&["a.example"]);
    let site = SignedSite::new(&world, "a.example");
    for name in ["leaf", "both", "for-windows"] {
        site.release(name, "1.0.0").publish();
    }
    site.release("for-builds", "1.0.0").dependency(&site.dependency("leaf", "1")).publish();
    site.release("for-tests", "1.0.0").dependency(&site.dependency("both", "1")).publish();
    site.release("built-in", "1.0.0").dependency(&site.dependency("both", "1")).publish();
    let needs = |name: &str| site.consumer_dependency(name, "1");
    let elsewhere = world.project("elsewhere");
    elsewhere.write(
        "Cargo.toml",
        "[workspace]\nmembers = [\"near\"]\n[workspace.package]\nlicense = \"Zlib\"\n[workspace.dependencies]\n",
    );
    elsewhere.write(
        "near/Cargo.toml",
        "[package]\nname = \"near\"\nversion = \"0.2.0\"\nedition = \"2021\"\nlicense.workspace = true\n\
         [dependencies]\nfar = { path = \"../../far\" }\n",
    );
    elsewhere.write("near/src/lib.rs", "");
    let far = world.project("far").library("far", "0.3.0", "");
    let manifest = far.read("Cargo.toml");
    far.write("Cargo.toml", &manifest.replace("license = \"MIT\"", "license = \"0BSD\""));
    let tables = format!(
        "{}near = {{ path = \"../elsewhere/near\" }}\n[build-dependencies]\n{}[dev-dependencies]\n{}\
         [target.'cfg(windows)'.dependencies]\n{}",
        needs("built-in"),
        needs("for-builds"),
        needs("for-tests"),
        needs("for-windows")
    );
    let project = world
        .project("app")
        .binary("app", &tables, "fn main() {}\n")
        .file(".cargo/config.toml", &site.registry_config())
        .file(".cargo/namespaces.toml", &site.trust_entry());
    let flags = ["--sbom=cyclonedx", "--sbom=spdx"];
    super::nsvendor(&world, &project, &flags).success();
    assert_cyclonedx(&project.path().join("vendor.cdx.json"));
    assert_spdx(&project.path().join("vendor.spdx.json"));
    let document = json(&project, "vendor.cdx.json");
    let components = document["components"].as_array().expect("components");
    let of = |name: &str| components.iter().find(|one| one["name"] == name).expect("it is listed");
    for (name, scope) in [
        ("built-in", "required"),
        ("both", "required"),
        ("near", "required"),
        ("far", "required"),
        ("for-builds", "excluded"),
        ("for-tests", "excluded"),
        ("leaf", "excluded"),
    ] {
        assert_eq!(of(name)["scope"], scope, "{name}");
    }
    for (name, license) in [("near", "Zlib"), ("far", "0BSD")] {
        assert_eq!(of(name)["licenses"][0]["expression"], license, "{name}");
        assert_eq!(of(name)["type"], "library", "{name}");
    }
    assert_eq!(document["metadata"]["component"]["name"], "app");
    let document = json(&project, "vendor.spdx.json");
    let packages = document["packages"].as_array().expect("packages");
    let relations = document["relationships"].as_array().expect("relationships");
    let id = |name: &str| {
        let package = packages.iter().find(|one| one["name"] == name).expect("it is listed");
        package["SPDXID"].as_str().expect("text")
    };
    let related = |one: &str, kind: &str, other: &str| {
        relations.iter().any(|relation| {
            relation["spdxElementId"] == id(one)
                && relation["relationshipType"] == kind
                && relation["relatedSpdxElement"] == id(other)
        })
    };
    assert!(related("app", "DEPENDS_ON", "built-in") && related("for-tests", "DEPENDS_ON", "both"));
    assert!(related("for-builds", "BUILD_DEPENDENCY_OF", "app"));
    assert!(related("for-tests", "DEV_DEPENDENCY_OF", "app"));
    assert!(!related("app", "DEPENDS_ON", "for-builds") && !related("app", "DEPENDS_ON", "for-tests"));
    // What was left out is a stub, and not what anybody ships.
    let filter = ["--platform=x86_64-unknown-linux-gnu", "--keep-dep-kinds=no-dev"];
    super::nsvendor(&world, &project, &[flags, filter].concat()).success().stderr_has("2 of them as stubs");
    for path in ["vendor.cdx.json", "vendor.spdx.json"] {
        let text = project.read(path);
        for (name, there) in [("built-in", true), ("for-tests", false), ("for-windows", false)] {
            assert_eq!(text.contains(name), there, "{name} in {path}");
        }
    }
    assert_cyclonedx(&project.path().join("vendor.cdx.json"));
    assert_spdx(&project.path().join("vendor.spdx.json"));
}

#[test]
fn a_bill_of_a_local_registry_needs_no_cache() {
    let world = Home::new();
    let project = world.project("app").binary("app", "itoa = \"=1.0.15\"\n", "fn main() {}\n");
    let flags = ["--format=local-registry", "--sbom=spdx"];
    super::nsvendor(&world, &project, &flags).success();
    let first = project.read("vendor.spdx.json");
    // The .crates in a local registry are enough to write it again.
    std::fs::remove_dir_all(world.cargo_home().join("registry/cache")).expect("remove it");
    super::nsvendor(&world, &project, &flags).success().stderr_has("nothing changed");
    assert_eq!(project.read("vendor.spdx.json"), first);
    let check = ["--check", "--offline", "--sbom=spdx"];
    super::nsvendor(&world, &project, &check).success().stderr_lacks("bill of materials");
    project.write("vendor.spdx.json", &first.replace("itoa", "itoo"));
    super::nsvendor(&world, &project, &check).code(4).stderr_has("is not the bill of materials");
}

#[test]
fn the_same_project_gives_the_same_bytes_anywhere_and_anytime() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let flags = ["--sbom", "cyclonedx", "--sbom", "spdx"];
    small.nsvendor(&flags).success().stderr_has("Wrote the bill of materials `vendor.cdx.json`");
    let first = documents(&small.project);
    small.nsvendor(&flags).success().stderr_has("`vendor.spdx.json`; nothing changed");
    // Elsewhere, offline, later.
    let elsewhere = world.project("deep/er/elsewhere");
    let copied = Command::new("cp")
        .arg("-r")
        .arg(format!("{}/.", small.project.path().display()))
        .arg(elsewhere.path())
        .status();
    assert!(copied.expect("copy it").success());
    std::fs::remove_dir_all(elsewhere.path().join("vendor")).expect("remove it");
    super::nsvendor(&world, &elsewhere, &["--offline", flags[0], flags[1], flags[2], flags[3]]).success();
    assert_eq!(documents(&elsewhere), first);
    // A time is in them only where the user names one.
    assert!(!first.0.contains("timestamp") && first.1.contains("1970-01-01T00:00:00Z"));
    run(world
        .nsvendor()
        .args(flags)
        .env("SOURCE_DATE_EPOCH", "1763640000")
        .current_dir(small.project.path()))
    .success();
    let dated = documents(&small.project);
    assert!(dated.0.contains("\"timestamp\": \"2025-11-20T12:00:00Z\""), "{}", dated.0);
    assert!(dated.1.contains("\"created\": \"2025-11-20T12:00:00Z\""));
    assert_cyclonedx(&small.project.path().join("vendor.cdx.json"));
    assert_spdx(&small.project.path().join("vendor.spdx.json"));
}

#[test]
fn a_bill_of_materials_that_is_out_of_date_is_found() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    small
        .nsvendor(&["--check", "--sbom", "spdx"])
        .code(4)
        .stderr_has("is not the bill of materials of what is locked");
    small.nsvendor(&["--sbom", "spdx=boms/all.spdx.json"]).success();
    small.nsvendor(&["--check", "--sbom", "spdx=boms/all.spdx.json"]).success();
    let text = small.project.read("boms/all.spdx.json");
    small.project.write("boms/all.spdx.json", &text.replace("1.0.0", "1.0.1"));
    small
        .refused(&["--check", "--sbom", "spdx=boms/all.spdx.json"])
        .code(4)
        .stderr_has("`cargo nsvendor --sbom spdx`");
}

#[test]
fn a_file_in_the_vendored_directory_or_a_misspelt_format_is_refused() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    small
        .refused(&["--sbom", "spdx=vendor/a.example/x.json"])
        .code(2)
        .stderr_has("lies in the vendored directory");
    small.refused(&["--sbom", "cyclone-dx"]).code(2).stderr_has("did you mean `cyclonedx`?");
}

#[test]
fn machines_are_told_where_it_is() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small
        .nsvendor(&["--sbom", "cyclonedx", "--message-format", "json"])
        .success()
        .stdout_has(r#"{"reason":"sbom","file":"vendor.cdx.json","format":"cyclonedx"}"#);
}
