//! Archives that nobody could publish with these commands, but that Cargo unpacks: they are vendored as `cargo vendor` does it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cargo_namespaces::digest::Digest;
use namespace_world::{Archive, Home, Project, SignedSite, World, run};

use super::{noise, nsvendor, run_offline};

const LIBRARY: &str = "pub fn who() -> &'static str {\n    \"odd\"\n}\n";

/// Everything that is odd and does no harm on a system like this one.
fn odd() -> Archive {
    let long = format!("odd-1.0.0/{}/{}", "deep/".repeat(60), "x".repeat(200));
    Archive::new("odd", "1.0.0")
        .file("Cargo.toml", "[package]\nname = \"odd\"\nversion = \"1.0.0\"\nedition = \"2021\"\n")
        .file("src/lib.rs", LIBRARY)
        .file("README.md", "one")
        .file("readme.md", "another")
        .file("Src/lib.rs", "// A twin of a directory.\n")
        .file("src/con.rs", "")
        .file("docs/what?.md", "")
        .file("docs/a:b", "")
        .file("docs/end.", "")
        .file("docs/CARGO~1.TOM", "")
        .file("docs/\u{202e}txt", "")
        .file("docs/line\nbreak", "")
        .file("docs/.cargo-ok", "not unpacked")
        .file("docs//slashes", "")
        .file("docs/./dot", "")
        .file("tests/nul\0after", "")
        .edited("no-mode", "1", |header| header[100..108].fill(0))
        .edited("old-header", "2", |header| header[257..265].fill(0))
        .edited("base-256", "3", |header| {
            header[124..136].copy_from_slice(b"\x80\0\0\0\0\0\0\0\0\0\0\x01");
        })
        .edited("contiguous", "4", |header| header[156] = b'7')
        .directory("empty")
        .directory("empty")
        .long_name(&long)
        .file("long", "5")
        .pax(&[("mtime", "1700000000.5"), ("path", "odd-1.0.0/by-pax")])
        .file("pax", "6")
        .garbage(&[[0; 1024].as_slice(), b"something behind the end"].concat())
}

fn published<'w>(world: &'w World, archive: Vec<u8>) -> (SignedSite<'w>, Project) {
    let site = SignedSite::new(world, "a.example");
    site.release("odd", "1.0.0").archive(archive).publish();
    let project = world
        .project("app")
        .binary(
            "app",
            &site.consumer_dependency("odd", "1"),
            "fn main() {\n    println!(\"{}\", odd::who());\n}\n",
        )
        .file(".cargo/config.toml", &site.registry_config())
        .file(".cargo/namespaces.toml", &site.trust_entry());
    run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    (site, project)
}

/// The hash of every file below a directory, by its path.
fn files(directory: &Path) -> BTreeMap<String, Digest> {
    let mut found = BTreeMap::new();
    for path in cargo_namespaces_net::fs::files_below(directory).expect("list the directory") {
        let digest = Digest::of(&fs::read(directory.join(&path)).expect("read a file"));
        found.insert(path, digest);
    }
    found
}

/// Has Cargo vendor the same project elsewhere.
fn by_cargo(world: &Home, project: &Project) -> std::path::PathBuf {
    let stock = world.root().join("stock");
    run(world.cargo().args(["vendor", "--versioned-dirs"]).arg(&stock).current_dir(project.path())).success();
    stock
}

#[test]
fn what_cargo_vendor_takes_is_vendored_byte_for_byte() {
    let world = World::new(&["a.example"]);
    let (_, project) = published(&world, odd().build());
    let stock = by_cargo(&world, &project);
    let said = nsvendor(&world, &project, &["--write-config"]).success();
    said.stderr_has("note: 1 package may not work on other systems")
        .stderr_has("on systems that ignore case");
    let ours = files(&project.path().join("vendor/a.example/odd-1.0.0"));
    assert_eq!(ours, files(&stock.join("odd-1.0.0")));
    assert!(ours.len() > 20 && ours.contains_key("by-pax") && ours.contains_key("docs/slashes"));
    nsvendor(&world, &project, &["--check"]).success();
    run_offline(&world, &project).success().stdout_has("odd");
    // Said once: what stands is not unpacked again.
    nsvendor(&world, &project, &[]).success().stderr_lacks("may not work").stderr_has("nothing changed");
    fs::remove_dir_all(project.path().join("vendor")).expect("remove it");
    nsvendor(&world, &project, &["--message-format", "json"])
        .success()
        .stdout_has("\"reason\":\"odd-archive\"")
        .stdout_has("ignore case");
}

#[test]
fn an_odd_archive_goes_into_every_form_and_through_every_filter() {
    let world = World::new(&["a.example"]);
    let (_, project) = published(&world, odd().build());
    for flags in [
        &["--format", "local-registry"][..],
        &["--format", "tar.zst"],
        &["--exclude-crate-path", "*#docs"],
        &["--platform", "x86_64-unknown-linux-gnu"],
        &["--sbom", "cyclonedx"],
    ] {
        nsvendor(&world, &project, flags).success();
        nsvendor(&world, &project, &[flags, &["--check"]].concat()).success();
        let _ = fs::remove_dir_all(project.path().join("vendor"));
    }
}

/// nsadd looks into what it adds by the same rules.
#[test]
fn an_odd_release_is_added() {
    let world = World::new(&["a.example"]);
    let site = SignedSite::new(&world, "a.example");
    site.release("odd", "1.0.0").archive(odd().build()).publish();
    let project = world.project("app").binary("app", "", "fn main() {}\n");
    run(world.nsadd().args(["a.example/odd", "--yes"]).current_dir(project.path())).success();
    assert!(project.read("Cargo.toml").contains("odd = "));
}

/// Real ones: `README.md` beside `readme.md`, and `con.rs`.
#[test]
fn odd_crates_of_crates_io_are_vendored() {
    let world = Home::new();
    let dependencies = "windows-sys = \"=0.61.0\"\nwindows-link = \"=0.2.0\"\nmio_httpc = \"=0.5.2\"\n";
    let project = world.project("app").binary("app", dependencies, "fn main() {}\n");
    run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    let stock = by_cargo(&world, &project);
    nsvendor(&world, &project, &[])
        .success()
        .stderr_has("`windows-link` 0.2.0")
        .stderr_has("`mio_httpc` 0.5.2");
    assert_eq!(files(&project.path().join("vendor/crates.io")), files(&stock));
    nsvendor(&world, &project, &["--check"]).success();
    for flags in [
        &["--platform", "x86_64-unknown-linux-gnu"][..],
        &["--format", "local-registry"],
        &["--format", "tar.zst"],
    ] {
        nsvendor(&world, &project, flags).success();
        nsvendor(&world, &project, &[flags, &["--check"]].concat()).success();
    }
}

/// Cargo has no limit for the packed size; what is larger than what we hold in memory is read from its file.
#[test]
fn a_crate_of_more_than_64_mib_is_vendored() {
    let world = World::new(&["a.example"]);
    let large = Archive::package("odd", "1.0.0").file("data", noise(66 << 20)).file("src/more.rs", LIBRARY);
    let large = large.edited("src/lib.rs.orig", LIBRARY, |_| {});
    let (_, project) = published(&world, large.build_stored());
    project.write("src/main.rs", "fn main() {}\n");
    nsvendor(&world, &project, &["--write-config"]).success();
    assert_eq!(
        fs::metadata(project.path().join("vendor/a.example/odd-1.0.0/data")).expect("it is there").len(),
        66 << 20
    );
    nsvendor(&world, &project, &["--check"]).success();
    run_offline(&world, &project).success();
    for form in ["local-registry", "tar.zst"] {
        nsvendor(&world, &project, &["--format", form]).success();
        nsvendor(&world, &project, &["--format", form, "--check"]).success();
    }
}
