//! Adding crates: what is written, what is said, and that stock Cargo builds it.

use namespace_world::{Output, SignedSite, World, run};

use super::{Small, nsadd};

#[test]
fn first_contact_writes_everything_that_a_clone_needs() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let key = small.site.key().public();
    let output = small.nsadd(&["a.example/hello"]).success();
    output
        .stderr_has("      Adding a.example/hello v1.0.0 to dependencies\n")
        .stderr_has("    Verified a.example/hello v1.0.0\n")
        .stderr_has("    Verified a.example/leaf v1.0.0 (dependency)\n")
        .stderr_has(&format!("    Trusting {key} for a.example: listed at https://a.example/.well-known/"))
        .stderr_has("     Created .cargo/config.toml\n")
        .stderr_has("     Created .cargo/namespaces.toml\n")
        .stderr_lacks("warning");
    assert!(
        small.manifest().contains("hello = { version = \"1.0.0\", registry = \"a_example\" }"),
        "{}",
        small.manifest()
    );
    assert_eq!(small.project.read(".cargo/config.toml"), small.site.registry_config());
    let trust = small.project.read(".cargo/namespaces.toml");
    assert!(trust.ends_with(&small.site.trust_entry()), "{trust}");
    small.run_clone().success().stdout_has("a.example/hello 1.0.0");
}

#[test]
fn a_second_crate_of_a_pinned_namespace_changes_only_the_manifest_and_the_lock_file() {
    let world = World::new(&["a.example"]);
    let small = Small::added(&world);
    small.site.release("other", "0.1.0").publish();
    let before = small.project.snapshot();
    small.nsadd(&["a.example/other@0.1"]).success().stderr_lacks("Trusting").stderr_lacks("Created");
    let changes = before.changes(&small.project.snapshot());
    assert_eq!(changes, ["~ Cargo.lock", "~ Cargo.toml"]);
    assert!(small.manifest().contains("other = { version = \"0.1\", registry = \"a_example\" }"));
}

#[test]
fn several_crates_of_several_namespaces_and_of_crates_io() {
    let world = World::new(&["a.example", "b.example"]);
    let small = Small::new(&world);
    let other = SignedSite::new(&world, "b.example");
    other.release("b", "2.0.0").tables("[features]\nx = []\n").publish();
    small
        .nsadd(&["a.example/hello", "itoa@1", "b.example/b", "a.example/leaf", "-F", "b/x,hello/loud"])
        .success()
        .stderr_has("Adding a.example/hello v1.0.0 to dependencies")
        .stderr_has("Adding b.example/b v2.0.0 to dependencies")
        .stderr_has("Adding itoa v1")
        .stderr_lacks("(dependency)");
    let manifest = small.manifest();
    assert!(
        manifest.contains("b = { version = \"2.0.0\", registry = \"b_example\", features = [\"x\"] }"),
        "{manifest}"
    );
    assert!(
        manifest.contains("hello = { version = \"1.0.0\", registry = \"a_example\", features = [\"loud\"] }")
    );
    assert!(manifest.contains("itoa = \"1\""));
    small.run_clone().success();
}

/// crates.io publishes no `*`, nor do we; whoever adds a crate may write what Cargo takes.
#[test]
fn a_requirement_of_any_version_is_taken_as_cargo_takes_it() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.site.release("loose", "1.0.0").dependency(&small.site.dependency("leaf", "*")).publish();
    small.nsadd(&["a.example/loose@*"]).success().stderr_has("Verified a.example/leaf v1.0.0 (dependency)");
    assert!(
        small.manifest().contains("loose = { version = \"*\", registry = \"a_example\" }"),
        "{}",
        small.manifest()
    );
}

#[test]
fn the_flags_of_cargo_add_mean_the_same() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small
        .nsadd(&[
            "a.example/hello",
            "--dev",
            "--target",
            "cfg(unix)",
            "--rename",
            "hi",
            "--no-default-features",
        ])
        .success()
        .stderr_has("to dev-dependencies for target `cfg(unix)`");
    let manifest = small.manifest();
    let entry = "[target.\"cfg(unix)\".dev-dependencies]\nhi = { version = \"1.0.0\", registry = \"a_example\", \
                 default-features = false, package = \"hello\" }";
    let words = |text: &str| {
        let mut words: Vec<String> = text.split([' ', ',', '\n']).map(str::to_owned).collect();
        words.sort();
        words
    };
    let (_, table) = manifest.split_once("[target").expect("the table");
    assert_eq!(words(&format!("[target{}", table.trim_end())), words(entry), "{manifest}");
    small.nsadd(&["a.example/leaf", "--build", "--optional"]).success();
    assert!(
        small
            .manifest()
            .contains("leaf = { version = \"1.0.0\", registry = \"a_example\", optional = true }")
    );
}

#[test]
fn a_workspace_has_its_files_at_its_root() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let root = world
        .project("space")
        .file("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\nresolver = \"2\"\n");
    let one = world.project("space/crates/one").library("one", "0.1.0", "");
    let _two = world.project("space/crates/two").library("two", "0.1.0", "");
    nsadd(&world, &one, &["a.example/hello"]).success();
    for file in [".cargo/config.toml", ".cargo/namespaces.toml", "Cargo.lock"] {
        assert!(root.has(file) && !one.has(file), "{file}");
    }
    // From the root, a package is chosen; from elsewhere, a manifest.
    nsadd(&world, &root, &["a.example/leaf"]).code(2).stderr_has("one of one, two");
    nsadd(&world, &root, &["a.example/leaf", "-p", "two"]).success();
    assert!(root.read("crates/two/Cargo.toml").contains("leaf = {"));
    let manifest = root.path().join("crates/two/Cargo.toml").display().to_string();
    nsadd(&world, &small.project, &["a.example/hello", "--manifest-path", &manifest]).success();
    assert!(root.read("crates/two/Cargo.toml").contains("hello = {"));
    assert!(!small.project.has(".cargo"));
    run(world.cargo().args(["check", "--quiet", "--locked"]).current_dir(root.path())).success();
}

#[test]
fn an_inherited_entry_of_the_same_crate_is_inherited() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let manifest = format!(
        "[workspace]\nmembers = [\"one\"]\nresolver = \"2\"\n\n[workspace.dependencies]\n{}",
        small.site.consumer_dependency("hello", "1")
    );
    let root = world.project("space").file("Cargo.toml", &manifest);
    let one = world.project("space/one").library("one", "0.1.0", "");
    nsadd(&world, &one, &["a.example/hello"]).success();
    assert!(one.read("Cargo.toml").contains("hello.workspace = true"), "{}", one.read("Cargo.toml"));
    assert!(root.has(".cargo/config.toml"));
}

#[test]
fn a_registry_name_that_the_user_has_is_taken_and_shared_with_clones() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let config = small.site.registry_config().replace("a_example", "mine");
    let home = world.cargo_home().join("config.toml");
    std::fs::write(&home, &config).expect("write the user's configuration");
    small.nsadd(&["a.example/hello"]).success();
    assert!(small.manifest().contains("registry = \"mine\""));
    assert_eq!(small.project.read(".cargo/config.toml"), config, "a clone has no such entry of its own");
    std::fs::remove_file(home).expect("remove it");
    small.run_clone().success();
}

#[test]
fn the_project_s_own_configuration_keeps_its_comments() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let config = "# ours\n[build] # here\njobs = 2\n";
    small.project.write(".cargo/config.toml", config);
    small.nsadd(&["a.example/hello"]).success().stderr_has("     Updated .cargo/config.toml");
    assert_eq!(
        small.project.read(".cargo/config.toml"),
        format!("{config}\n{}", small.site.registry_config())
    );
}

#[test]
fn a_dry_run_says_what_would_be_and_changes_nothing() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small
        .refused(0, &["a.example/hello", "--dry-run"])
        .stderr_has("Adding a.example/hello v1.0.0 to dependencies")
        .stderr_has("Trusting ed25519:")
        .stderr_has("Would create .cargo/config.toml")
        .stderr_has("nothing was changed: this was a dry run");
}

/// What the run refuses at its end, the dry run refuses too; and it says the same.
#[test]
fn a_dry_run_ends_as_the_run_does() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let said = |output: Output| {
        let lines = output.stderr.lines().map(str::trim_start);
        let kept =
            lines.filter(|line| !line.starts_with("Updating ") && !line.contains("nothing was changed"));
        kept.map(|line| line.replace("Would create", "Created")).collect::<Vec<_>>().join("\n")
    };
    // Two crates that link the same library do not resolve together.
    for name in ["one-sys", "two-sys"] {
        let release = small.site.release(name, "1.0.0").package("links = \"one\"\nbuild = \"build.rs\"\n");
        release.file("build.rs", "fn main() {}\n").publish();
    }
    let dry = small.refused(101, &["a.example/one-sys", "a.example/two-sys", "--dry-run"]);
    assert_eq!(said(dry), said(small.refused(101, &["a.example/one-sys", "a.example/two-sys"])));
    // A patch that nothing uses.
    small.site.release("itoa", "1.0.15").publish();
    let replace = ["--replace", "crates-io/itoa", "a.example/itoa"];
    let dry = small.refused(1, &[&replace[..], &["--dry-run"]].concat());
    assert_eq!(said(dry), said(small.refused(1, &replace)));
    // And one that goes well.
    let dry = small.refused(0, &["a.example/hello", "--dry-run"]);
    assert_eq!(said(dry), said(small.nsadd(&["a.example/hello"]).success()));
}

#[test]
fn pinned_and_locked_needs_no_network() {
    let world = World::new(&["a.example"]);
    let small = Small::added(&world);
    world.forget_contacts();
    small.nsadd(&["a.example/hello", "-F", "loud", "--offline"]).success().stderr_has("offline");
    assert!(world.contacted().is_empty(), "{:?}", world.contacted());
    assert!(small.manifest().contains("features = [\"loud\"]"));
    small.nsadd(&["a.example/hello", "--locked"]).success();
    small.refused(101, &["a.example/leaf", "--locked", "--rename", "other"]).stderr_has("--locked");
}

#[test]
fn an_older_locked_release_is_said() {
    let world = World::new(&["a.example"]);
    let small = Small::added(&world);
    small.hello("1.1.0");
    let two = world.project("app/two").library("two", "0.1.0", "");
    let manifest = small.manifest();
    small.project.write("Cargo.toml", &format!("{manifest}\n[workspace]\nmembers = [\"two\"]\n"));
    nsadd(&world, &two, &["a.example/hello@1"])
        .success()
        .stderr_has("note: a.example/hello is locked at v1.0.0; v1.1.0 is the newest");
}

#[test]
fn json_lines_say_what_happened() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let output = small.nsadd(&["a.example/hello", "--message-format", "json"]).success();
    let lines: Vec<serde_json::Value> =
        output.stdout.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let of = |reason: &str| -> Vec<&serde_json::Value> {
        lines.iter().filter(|line| line["reason"] == reason).collect()
    };
    assert_eq!(of("release")[0]["name"], "a.example/hello");
    assert_eq!(of("release")[0]["entering"], "new-crate");
    assert_eq!(of("trusted")[0]["scope"], "a.example");
    assert_eq!(of("file").len(), 2);
    assert_eq!(of("finished")[0]["dry_run"], false);
}

/// As `cargo add` does it: the name that the index has, whatever was asked for.
#[test]
fn a_crate_is_found_under_another_spelling_and_called_by_its_own_name() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.site.release("wasi-Thing_x", "1.0.0").tables("[features]\nloud = []\n").publish();
    for (asked, flags) in [
        ("wasi_thing_x", &[][..]),
        ("Wasi-Thing-x", &["--features", "Wasi-Thing-x/loud"]),
        ("wasi-thing_x@1", &["--dev"]),
    ] {
        let manifest = small.manifest();
        let asked = format!("a.example/{asked}");
        let mut arguments = vec![asked.as_str()];
        arguments.extend(flags);
        small
            .nsadd(&arguments)
            .success()
            .stderr_has("` to `wasi-Thing_x`")
            .stderr_has("a.example/wasi-Thing_x v1.0.0");
        assert!(small.manifest().contains("wasi-Thing_x = { version = "), "{}", small.manifest());
        assert!(small.project.read("Cargo.lock").contains("name = \"wasi-Thing_x\""));
        small.project.write("Cargo.toml", &manifest);
        std::fs::remove_file(small.project.path().join("Cargo.lock")).expect("forget the lock file");
    }
    run(world.cargo().args(["metadata", "--format-version", "1"]).current_dir(small.project.path()))
        .success();
}

#[test]
fn spelling_mistakes_are_answered_with_what_was_meant() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.site.release("two-words", "1.0.0").publish();
    small.refused(1, &["a.example/nothing"]).stderr_has("a.example/nothing does not exist");
    small.refused(2, &["https://a.example/hello"]).stderr_has("did you mean `a.example/hello`?");
    small.refused(2, &["a.example/"]).stderr_has("a.example/CRATE");
    small.refused(1, &["a.example/hello@7"]).stderr_has("the newest releases are 1.0.0");
    small.refused(2, &["a.example/hello", "--git", "https://git.example/x"]).stderr_has("leave it out");
}

#[test]
fn special_use_names_are_refused_where_the_configuration_does_not_allow_them() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let before = small.project.snapshot();
    for arguments in
        [&["a.example/hello"][..], &["--register", "a.example"], &["--register", "a.example", "--global"]]
    {
        let mut command = world.nsadd();
        command
            .args(arguments)
            .env("CARGO_NAMESPACES_SPECIAL_USE", "false")
            .current_dir(small.project.path());
        // What allows them is said.
        run(&mut command)
            .code(6)
            .stderr_has("special-use name")
            .stderr_has("CARGO_NAMESPACES_SPECIAL_USE=true");
    }
    small.project.assert_unchanged(&before);
}
