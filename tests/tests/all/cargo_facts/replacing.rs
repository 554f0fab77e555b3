//! Source replacement.

use namespace_world::{Home, Project, World, run};

use super::{Index, locked};

fn app(world: &Home, config: &str) -> Project {
    world
        .project("app")
        .binary(
            "app",
            "hello = { version = \"1\", registry = \"a_example\" }\n",
            "fn main() { println!(\"{}\", hello::who()); }\n",
        )
        .file(".cargo/config.toml", config)
}

#[test]
fn replacing_the_source_by_its_canonical_url_fetches_from_the_mirror_and_keeps_the_lock() {
    let world = World::new(&["a.example", "mirror.example"]);
    let (a, mirror) = (Index::new(&world, "a.example"), Index::new(&world, "mirror.example"));
    mirror.publish("hello", "1.0.0", &[]);
    let (canonical, other) = (a.url(), mirror.url());
    let project = app(
        &world,
        &format!(
            "[registries.a_example]\nindex = \"{canonical}\"\n\n\
             [source.\"{canonical}\"]\nregistry = \"{canonical}\"\nreplace-with = \"mirror\"\n\n\
             [source.mirror]\nregistry = \"{other}\"\n"
        ),
    );
    run(world.cargo().arg("run").current_dir(project.path()))
        .success()
        .stdout_has("hello 1.0.0 from mirror.example");
    assert_eq!(locked(&project), [format!("hello 1.0.0 {canonical}")]);
    assert!(world.contacted().iter().all(|host| host == "mirror.example:443"), "{:?}", world.contacted());
}

#[test]
fn two_source_keys_for_one_url_are_an_error() {
    let world = World::new(&["a.example"]);
    let a = Index::new(&world, "a.example");
    a.publish("hello", "1.0.0", &[]);
    let url = a.url();
    let project = app(
        &world,
        &format!(
            "[registries.a_example]\nindex = \"{url}\"\n\n\
             [source.one]\nregistry = \"{url}\"\n\n[source.\"{url}\"]\nregistry = \"{url}\"\n"
        ),
    );
    run(world.cargo().arg("check").current_dir(project.path()))
        .failure()
        .stderr_has("Sources are not allowed to be defined multiple times");
}
