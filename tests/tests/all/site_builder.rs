//! The sites that the other tests build are what stock Cargo and the library expect.

use cargo_namespaces::index::parse_index_file;
use cargo_namespaces::integrity::check_integrity;
use cargo_namespaces::name::QualifiedName;
use namespace_world::{SignedSite, World, run};

#[test]
fn stock_cargo_builds_from_a_signed_site() {
    let world = World::new(&["regex.example", "grep.example"]);
    let (regex, grep) = (SignedSite::new(&world, "regex.example"), SignedSite::new(&world, "grep.example"));
    regex.release("memchr", "1.0.0").publish();
    regex.release("memchr", "1.0.1").publish();
    grep.release("grep", "0.1.0").dependency(&regex.dependency("memchr", "1")).publish();
    let project = world
        .project("app")
        .binary(
            "app",
            &grep.consumer_dependency("grep", "0.1"),
            "fn main() { println!(\"{}\", grep::who()); }\n",
        )
        .file(".cargo/config.toml", &grep.registry_config());
    run(world.cargo().args(["run", "--quiet"]).current_dir(project.path()))
        .success()
        .stdout_has("grep.example/grep 0.1.0");
    assert!(project.read("Cargo.lock").contains("sparse+https://regex.example/cargo/index/"));
}

#[test]
fn a_release_of_the_builder_is_intact_and_a_changed_one_is_not() {
    let world = World::new(&["regex.example"]);
    let site = SignedSite::new(&world, "regex.example");
    site.release("memchr", "1.0.0").publish();
    site.release("memchr", "1.1.0").line(|line| line.links = Some("z".to_owned())).publish();
    let root = world.web_root("regex.example");
    let lines = parse_index_file(&std::fs::read(root.join("cargo/index/me/mc/memchr")).expect("the index"))
        .expect("lines");
    let name = QualifiedName::parse("regex.example/memchr").expect("a name");
    let check = |at: usize| {
        let line = &lines[at];
        let path = SignedSite::crate_path("memchr", &line.vers.to_string());
        let bytes = std::fs::read(root.join(path)).expect("the .crate");
        check_integrity(line, &bytes, None, &name, site.index())
    };
    assert_eq!(check(0).expect("a verified release").signers, [site.key().public()]);
    assert!(check(1).expect_err("changed").to_string().contains("links"));
}
