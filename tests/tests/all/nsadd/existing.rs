//! A dependency of that name is there already.

use namespace_world::{World, terminal::at_terminal};

use super::Small;

const DEPENDENCIES: &str = "\
[dependencies]
leaf = { version = \"1\", features = [], optional = true } # why

[dev-dependencies]
leaf = \"1\"

[features]
x = [\"dep:leaf\"]
";

/// A program with a `leaf` of crates.io in two tables. (Cargo is not asked to resolve that one.)
fn with_existing(world: &World) -> Small<'_> {
    let small = Small::new(world);
    let manifest = small.manifest().replace("[dependencies]\n", DEPENDENCIES);
    small.project.write("Cargo.toml", &manifest);
    small
}

#[test]
fn without_a_terminal_the_two_commands_are_printed() {
    let world = World::new(&["a.example"]);
    let small = with_existing(&world);
    small
        .refused(3, &["a.example/leaf"])
        .stderr_has("error: there is a dependency `leaf` already")
        .stderr_has("`leaf` in [dependencies] comes from crates.io")
        .stderr_has("cargo nsadd --switch a.example/leaf")
        .stderr_has("cargo nsadd --rename a.example/leaf");
}

#[test]
fn switch_moves_it_in_every_table_and_keeps_the_rest() {
    let world = World::new(&["a.example"]);
    let small = with_existing(&world);
    small
        .nsadd(&["--switch", "a.example/leaf"])
        .success()
        .stderr_has("      Moving `leaf` to a.example/leaf\n")
        .stderr_has("Cargo.toml:9: leaf = ")
        .stderr_has("Verified a.example/leaf v1.0.0");
    let manifest = small.manifest();
    assert!(
        manifest.contains(
            "leaf = { version = \"1\", registry = \"a_example\", features = [], optional = true } # why\n\n\
             [dev-dependencies]\nleaf = { version = \"1\", registry = \"a_example\" }\n"
        ),
        "{manifest}"
    );
    assert!(small.project.read("Cargo.lock").contains("sparse+https://a.example/cargo/index/"));
}

#[test]
fn switch_with_features_adds_them_in_its_own_table() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let manifest =
        small.manifest().replace("[dependencies]\n", "[dev-dependencies]\nhello = \"0.3\" # old\n");
    small.project.write("Cargo.toml", &manifest);
    small.nsadd(&["--switch", "a.example/hello", "-F", "loud"]).success();
    let manifest = small.manifest();
    assert!(
        manifest.contains("[dev-dependencies]\nhello = { version = \"1.0.0\", registry = \"a_example\""),
        "{manifest}"
    );
    assert!(manifest.contains("features = [\"loud\"]") && manifest.contains("# old"), "{manifest}");
    assert!(!manifest.contains("[dependencies]"), "{manifest}");
}

#[test]
fn switch_moves_the_workspace_s_entry_of_an_inherited_dependency() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let manifest = format!(
        "{}leaf.workspace = true\n\n[workspace]\n\n[workspace.dependencies]\nleaf = \"1\" # shared\n",
        small.manifest()
    );
    small.project.write("Cargo.toml", &manifest);
    small.refused(3, &["a.example/leaf"]).stderr_has("[workspace.dependencies]");
    small.nsadd(&["--switch", "a.example/leaf"]).success();
    let manifest = small.manifest();
    assert!(manifest.contains("leaf = { version = \"1\", registry = \"a_example\" } # shared"), "{manifest}");
    assert!(manifest.contains("leaf.workspace = true"), "{manifest}");
}

#[test]
fn rename_keeps_both() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let manifest = small.manifest().replace("[dependencies]\n", "[dependencies]\nitoa = \"1\"\n");
    small.project.write("Cargo.toml", &manifest);
    small.site.release("itoa", "3.0.0").publish();
    small.nsadd(&["--rename", "a.example/itoa"]).success();
    let manifest = small.manifest();
    assert!(manifest.contains("itoa = \"1\"\n") && manifest.contains("a-example-itoa = { "), "{manifest}");
    assert!(manifest.contains("package = \"itoa\""), "{manifest}");
    let lock = small.project.read("Cargo.lock");
    assert_eq!(lock.matches("name = \"itoa\"").count(), 2, "{lock}");
    // Its key is taken now; by name it is the same crate, and added to.
    small.refused(3, &["a.example/leaf", "--rename", "itoa"]).stderr_has("choose another name");
}

#[test]
fn another_package_under_the_key_cannot_be_moved() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let entry = "[dependencies]\nleaf = { package = \"itoa\", version = \"1\" }\n";
    small.project.write("Cargo.toml", &small.manifest().replace("[dependencies]\n", entry));
    small.refused(3, &["--switch", "a.example/leaf"]).stderr_has("it is another package, `itoa`");
    small.refused(3, &["a.example/leaf"]).stderr_lacks("--switch").stderr_has("--rename a.example/leaf");
}

#[test]
fn at_a_terminal_it_asks() {
    let world = World::new(&["a.example"]);
    let small = with_existing(&world);
    let before = small.project.snapshot();
    let mut command = world.nsadd();
    command.arg("a.example/leaf").current_dir(small.project.path());
    // The third answer: not at all.
    let output = at_terminal(&command, &[("Add a.example/leaf how?", "\x1b[B\x1b[B\r")]);
    output.code(3).stdout_has("cargo nsadd --switch a.example/leaf");
    small.project.assert_unchanged(&before);
    at_terminal(&command, &[("Add a.example/leaf how?", "\x03")]).code(130);
    small.project.assert_unchanged(&before);
    // In a narrow terminal the choices are said in full, and the list cuts them.
    command.env("TERMINAL_COLUMNS", "30");
    let output = at_terminal(&command, &[("Add a.example/leaf how?", ""), ("> 1. ", "\x03")]).code(130);
    let listed = output.stdout.lines().skip_while(|line| !line.contains("Add a.example/leaf how?"));
    let wide: Vec<&str> = listed.filter(|line| line.contains("> 1. ") && line.chars().count() > 40).collect();
    assert!(wide.is_empty(), "{wide:?}");
    assert!(output.stdout.contains("1. move the dependency to the namespace\n"), "{output}");
    small.project.assert_unchanged(&before);
    command.env("TERMINAL_COLUMNS", "80");
    at_terminal(&command, &[("Add a.example/leaf how?", "\r")]).success();
    assert!(small.manifest().contains("leaf = { version = \"1\", registry = \"a_example\" }"));
}
