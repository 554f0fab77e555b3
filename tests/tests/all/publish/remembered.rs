//! The site's directory, remembered in the manifest.

use namespace_world::{Project, World, run};

use super::library;

fn setup(world: &World, project: &Project) -> namespace_world::Output {
    setup_for(world, project, "../x/../site")
}

fn setup_for(world: &World, project: &Project, site: &str) -> namespace_world::Output {
    world.set_env("CARGO_NAMESPACES_KEY_PASSPHRASE", "a passphrase of the tests");
    world.set_env("CARGO_NAMESPACES_NEW_KEY_PASSPHRASE", "another passphrase of the tests");
    let mut command = world.nspublish();
    command.args(["setup", "hello.example", "--yes", "--site", site, "--device-file", "../device.pem"]);
    command.args(["--recovery-file", "../recovery.pem"]).current_dir(project.path());
    run(&mut command).success()
}

/// `cargo nspublish` where the key file of the device opens with the passphrase it was made with.
fn nspublish(world: &World, project: &Project, arguments: &[&str]) -> namespace_world::Output {
    let mut command = world.nspublish();
    command.args(arguments).env("CARGO_NAMESPACES_KEY_PASSPHRASE", "another passphrase of the tests");
    run(command.current_dir(project.path()))
}

#[test]
fn after_setup_with_a_site_publishing_names_none() {
    let world = World::new(&["hello.example"]);
    let project = library(&world, "hello", "hello.example/hello", "1.0.0", "");
    let site = project.path().parent().unwrap().join("site");
    let output = setup(&world, &project)
        .stderr_has(&format!("Wrote {}", site.join(".well-known/cargo-publishers").display()))
        .stderr_has("Remembered the site `../site` in ")
        .stderr_has(
            "Next: `cargo nspublish` publishes the package into `../site`; then upload that directory.",
        );
    assert_eq!(output.stdout, "", "the records stand in the site: nothing is left to copy");
    assert!(!output.stderr.contains("/../"), "{output}");
    let after = output.stderr.split_once("Next: ").unwrap().1;
    assert_eq!(after.lines().count(), 2, "{output}");
    assert!(project.read("Cargo.toml").contains("site = \"../site\""), "{}", project.read("Cargo.toml"));
    nspublish(&world, &project, &["--allow-dirty", "--no-verify"])
        .success()
        .stderr_has("Published hello.example/hello v1.0.0 into ../site")
        .stderr_lacks("makes `cargo nspublish` enough");
    assert!(site.join("cargo/index/he/ll/hello").is_file());
    nspublish(&world, &project, &["--allow-dirty"]).success().stderr_has("Unchanged");
    nspublish(&world, &project, &["yank", "hello.example/hello@1.0.0"])
        .success()
        .stderr_has("hello.example/hello v1.0.0 in ../site");
    let rotate = ["key", "rotate", "--namespace", "hello.example", "--file", "../next.pem"];
    nspublish(&world, &project, &rotate).success().stderr_has("1 release in ");
    nspublish(&world, &project, &["--site", "../elsewhere/../other", "--allow-dirty", "--no-verify"])
        .success()
        .stderr_has("Published hello.example/hello v1.0.0 into ../other");
}

#[test]
fn the_details_of_a_setup_are_there_with_verbose() {
    let world = World::new(&["hello.example"]);
    let project = library(&world, "hello", "hello.example/hello", "1.0.0", "");
    setup(&world, &project);
    nspublish(&world, &project, &["setup", "hello.example", "--key", "device", "-v"])
        .success()
        .stdout_has("1. https://hello.example/.well-known/cargo-publishers")
        .stdout_has("hello.example. 3600 IN TXT");
}

#[test]
fn a_workspace_remembers_one_site_for_its_members() {
    let world = World::new(&["hello.example"]);
    let member = |name: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\nlicense = \"MIT\"\ndescription = \"d\"\n\
             [package.metadata.namespaces]\nnamespace = \"hello.example\"\n"
        )
    };
    let workspace = world
        .project("workspace")
        .file("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"2\"\n")
        .file("crates/a/Cargo.toml", &member("a"))
        .file("crates/a/src/lib.rs", "")
        .file("crates/b/Cargo.toml", &member("b"))
        .file("crates/b/src/lib.rs", "");
    setup(&world, &workspace).stderr_has("Remembered the site `../site`");
    let root = workspace.read("Cargo.toml");
    assert!(root.contains("[workspace.metadata.namespaces]\nsite = \"../site\""), "{root}");
    assert_eq!(workspace.read("crates/a/Cargo.toml"), member("a"));
    nspublish(&world, &workspace, &["--workspace", "--allow-dirty", "--no-verify"])
        .success()
        .stderr_has("Published hello.example/a v1.0.0 into ../site")
        .stderr_has("Published hello.example/b v1.0.0 into ../site");
    let mut alone = world.nspublish();
    alone.args(["--allow-dirty", "--no-verify"]).current_dir(workspace.path().join("crates/a"));
    alone.env("CARGO_NAMESPACES_KEY_PASSPHRASE", "another passphrase of the tests");
    run(&mut alone).success().stderr_has("Unchanged");
}

#[test]
fn a_site_that_is_not_remembered_is_suggested_and_flags_about_none_are_refused() {
    let world = World::new(&["hello.example"]);
    let author = super::Author::new(&world, "hello.example");
    let project = library(&world, "hello", "hello.example/hello", "1.0.0", "");
    author.publish(&project, &["--no-verify"]).success().stderr_has("makes `cargo nspublish` enough");
    let mut command = world.nspublish();
    command.args(["--allow-dirty", "--authorize"]).current_dir(project.path());
    run(&mut command).code(2).stderr_has("`--authorize` is about a site").stderr_has("add `--site DIR`");
}

#[test]
fn a_site_in_the_package_is_left_out_of_it() {
    let world = World::new(&["hello.example"]);
    let project = library(&world, "hello", "hello.example/hello", "1.0.0", "");
    setup_for(&world, &project, "public/site").stderr_has("Excluded `/public/site` from the package");
    assert!(
        project.read("Cargo.toml").contains("\nexclude = [\"/public/site\"]\n"),
        "{}",
        project.read("Cargo.toml")
    );
    let publish = ["--allow-dirty", "--no-verify"];
    nspublish(&world, &project, &publish).success().stderr_has("Published hello.example/hello v1.0.0");
    nspublish(&world, &project, &publish).success().stderr_has("Unchanged");
    let listed = run(world.cargo().args(["package", "--list", "--allow-dirty"]).current_dir(project.path()));
    listed.success().stdout_lacks("site").stdout_has("src/lib.rs");
}

#[test]
fn a_site_that_would_be_packaged_is_refused_with_the_line_that_leaves_it_out() {
    let world = World::new(&["hello.example"]);
    let project = library(&world, "hello", "hello.example/hello", "1.0.0", "");
    setup(&world, &project);
    let manifest = project.read("Cargo.toml");
    let refused = |flags: &[&str], advice: &str| {
        let arguments = [flags, &["--allow-dirty", "--no-verify"]].concat();
        let before = project.snapshot();
        nspublish(&world, &project, &arguments)
            .code(6)
            .stderr_has("lies in the package of hello.example/hello, which would publish it")
            .stderr_has(advice);
        project.assert_unchanged(&before);
    };
    let advice = "add `exclude = [\"/in/site\"]` below `[package]` in Cargo.toml";
    refused(&["--site", "in/site"], advice);
    refused(&["--well-known", "in/site"], advice);
    refused(&["--site", "."], "name a directory outside of the package");
    let with = |line: &str| {
        project.write("Cargo.toml", &manifest.replace("[package]", &format!("[package]\n{line}")));
    };
    with("exclude = [\"/other\"]");
    refused(&["--site", "in/site"], "add `\"/in/site\"` to `exclude` in Cargo.toml");
    let publish = ["--site", "in/site", "--allow-dirty", "--no-verify"];
    for line in ["exclude = [\"/in/site\"]", "include = [\"/src\"]"] {
        with(line);
        nspublish(&world, &project, &publish).success().stderr_has("Published hello.example/hello v1.0.0");
        nspublish(&world, &project, &publish).success().stderr_has("Unchanged");
        std::fs::remove_dir_all(project.path().join("in")).expect("remove the site");
    }
    // What git ignores is left out as well, where the manifest is tracked.
    project.write("Cargo.toml", &manifest);
    run(world.command("git").args(["init", "--quiet"]).current_dir(project.path())).success();
    project.write(".gitignore", "/in\n/target\n");
    run(world.command("git").args(["add", "--all"]).current_dir(project.path())).success();
    nspublish(&world, &project, &publish).success().stderr_has("Published hello.example/hello v1.0.0");
    nspublish(&world, &project, &publish).success().stderr_has("Unchanged");
}
