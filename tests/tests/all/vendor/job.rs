//! What it is for.

use namespace_world::{Home, SignedSite, World, run, snapshot};

use super::{Small, nsvendor, run_offline};

#[test]
fn one_directory_a_registry_is_vendored_and_builds_offline_with_an_empty_home() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let lock = small.project.read("Cargo.lock");
    small
        .nsvendor(&["--write-config"])
        .success()
        .stderr_has("Vendored 2 packages to `vendor`, 2 of them namespaced, verified and trusted")
        .stderr_has("Configured");
    assert!(small.project.has("vendor/a.example/hello-1.0.0/src/lib.rs"));
    assert!(small.project.has("vendor/a.example/leaf-1.0.0/.cargo-checksum.json"));
    assert!(!small.project.has("vendor/a.example/leaf-1.0.0/.gitignore"));
    assert!(!small.project.has("vendor/a.example/leaf-1.0.0/docs"));
    assert_eq!(small.project.read("Cargo.lock"), lock);
    let config = small.project.read(".cargo/config.toml");
    assert!(config.contains("[source.\"sparse+https://a.example/cargo/index/\"]"), "{config}");
    assert!(config.contains("directory = \"vendor/a.example\""), "{config}");
    run_offline(&world, &small.project).success().stdout_has("a.example/hello 1.0.0");

    // Once more, with the configuration in effect: the same, to the byte.
    let before = small.project.snapshot();
    small.nsvendor(&["--write-config"]).success().stderr_lacks("Configured");
    small.project.assert_unchanged(&before);
    small.nsvendor(&["--check"]).success().stderr_has("Checked 2 packages, 2 of them namespaced");
    small.project.assert_unchanged(&before);
}

/// The case that `cargo vendor` gives up on.
#[test]
fn the_same_name_and_version_from_crates_io_and_a_namespace() {
    let world = World::new(&["a.example"]);
    let site = SignedSite::new(&world, "a.example");
    site.release("itoa", "1.0.15").publish();
    let dependencies = format!(
        "itoa = \"=1.0.15\"\nours = {{ package = \"itoa\", version = \"1\", registry = \"{}\" }}\n",
        site.registry_name()
    );
    let main = "fn main() { println!(\"{} {}\", itoa::Buffer::new().format(7), ours::who()); }\n";
    let project = world
        .project("app")
        .binary("app", &dependencies, main)
        .file(".cargo/config.toml", &site.registry_config())
        .file(".cargo/namespaces.toml", &site.trust_entry());
    run(world.cargo().arg("vendor").current_dir(project.path()))
        .failure()
        .stderr_has("found duplicate version of package `itoa v1.0.15`");
    nsvendor(&world, &project, &["--write-config"]).success();
    assert!(project.has("vendor/crates.io/itoa-1.0.15") && project.has("vendor/a.example/itoa-1.0.15"));
    let lock = project.read("Cargo.lock");
    run_offline(&world, &project).success().stdout_has("7 a.example/itoa 1.0.15");
    assert_eq!(project.read("Cargo.lock"), lock);
}

#[test]
fn each_package_is_what_cargo_vendor_writes() {
    let world = World::new(&[]);
    let dependencies = "itoa = \"=1.0.15\"\nmemchr = \"=2.7.4\"\nsemver = \"=1.0.26\"\n\
                        serde = { version = \"=1.0.219\", features = [\"derive\"] }\n";
    let project = world.project("app").binary("app", dependencies, "fn main() {}\n");
    run(world.cargo().args(["vendor", "--versioned-dirs", "theirs"]).current_dir(project.path())).success();
    nsvendor(&world, &project, &["ours"]).success();
    let (theirs, ours) = (project.path().join("theirs"), project.path().join("ours/crates.io"));
    let changes = snapshot(&theirs).changes(&snapshot(&ours));
    assert_eq!(changes, Vec::<String>::new());
    assert!(snapshot(&ours).has("itoa-1.0.15/.cargo-checksum.json"));
    // Modification times too: a build script does not run again because its package was vendored again.
    let modified = |root: &std::path::Path| {
        std::fs::metadata(root.join("itoa-1.0.15/src/lib.rs"))
            .and_then(|found| found.modified())
            .expect("a time")
    };
    assert_eq!(modified(&theirs), modified(&ours));
}

#[test]
fn several_workspaces_give_what_cargo_vendor_gives_for_them() {
    let world = World::new(&[]);
    let main = "fn main() {}\n";
    let project = world.project("app").binary("app", "itoa = \"=1.0.15\"\nmemchr = \"=2.7.4\"\n", main);
    let other = world.project("other").binary("other", "itoa = \"=1.0.14\"\nmemchr = \"=2.7.4\"\n", main);
    for project in [&project, &other] {
        run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    }
    let sync = ["--sync", "../other/Cargo.toml"];
    let cargo = ["vendor", "--versioned-dirs", "theirs", sync[0], sync[1]];
    run(world.cargo().args(cargo).current_dir(project.path())).success();
    nsvendor(&world, &project, &["ours", sync[0], sync[1]]).success();
    let theirs = snapshot(&project.path().join("theirs"));
    let ours = snapshot(&project.path().join("ours/crates.io"));
    assert_eq!(theirs.changes(&ours), Vec::<String>::new());
    assert!(ours.has("itoa-1.0.15/Cargo.toml") && ours.has("itoa-1.0.14/Cargo.toml"));
}

#[test]
fn the_configuration_is_printed_alone_on_standard_output_even_quietly() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let expected = "[source.\"sparse+https://a.example/cargo/index/\"]\n\
                    registry = \"sparse+https://a.example/cargo/index/\"\n\
                    replace-with = \"vendored-a.example\"\n\n\
                    [source.\"vendored-a.example\"]\ndirectory = \"third/party/a.example\"\n";
    let loud = small.nsvendor(&["third/party"]).success();
    assert_eq!(loud.stdout, expected);
    let quiet = small.nsvendor(&["third/party", "-q"]).success();
    assert_eq!(quiet.stdout, expected);
    assert_eq!(quiet.stderr, "");
    // It works as it is printed.
    let config = small.project.read(".cargo/config.toml");
    small.project.write(".cargo/config.toml", &format!("{config}\n{expected}"));
    run_offline(&world, &small.project).success();
}

#[test]
fn the_written_configuration_keeps_what_was_there() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let config = format!(
        "# ours\n[build]  # fast\njobs = 1\n\n{}# end\n[source.crates-io] # mirror\n",
        small.site.registry_config()
    );
    small.project.write(".cargo/config.toml", &config);
    small.nsvendor(&["--write-config"]).success();
    let written = small.project.read(".cargo/config.toml");
    assert!(written.starts_with("# ours\n[build]  # fast\njobs = 1\n"), "{written}");
    assert!(written.contains("# end\n[source.crates-io] # mirror\n"), "{written}");
    small.nsvendor(&["--write-config"]).success();
    assert_eq!(small.project.read(".cargo/config.toml"), written);
    run_offline(&world, &small.project).success();
}

/// Cargo itself sees only the vendored directory once it is configured.
#[test]
fn a_new_dependency_of_a_vendored_project_is_vendored_and_an_old_one_goes() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    small.site.release("later", "2.0.0").publish();
    let manifest = small.project.read("Cargo.toml").replace(
        &small.site.consumer_dependency("hello", "1"),
        &small.site.consumer_dependency("later", "2"),
    );
    small.project.write("Cargo.toml", &manifest);
    small.project.write("src/main.rs", "fn main() { println!(\"{}\", later::who()); }\n");
    small.nsvendor(&["--locked"]).code(101);
    small.nsvendor(&[]).success();
    assert!(
        small.project.has("vendor/a.example/later-2.0.0")
            && !small.project.has("vendor/a.example/hello-1.0.0")
    );
    run_offline(&world, &small.project).success().stdout_has("a.example/later 2.0.0");
}

#[test]
fn from_below_the_root_and_from_elsewhere() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    run(world.nsvendor().args(["../vendor", "--write-config"]).current_dir(small.project.path().join("src")))
        .success();
    assert!(small.project.read(".cargo/config.toml").contains("directory = \"vendor/a.example\""));
    run_offline(&world, &small.project).success();
    let outside = world.root().join("outside");
    let output = small.nsvendor(&[outside.to_str().expect("a path"), "--offline"]).success();
    output.stdout_has(&format!("directory = \"{}/a.example\"", outside.display()));
}

#[test]
fn offline_it_works_from_the_caches_and_without_them_says_what_is_missing() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.refused(&["--offline"]).code(5);
    small.nsvendor(&[]).success();
    std::fs::remove_dir_all(small.project.path().join("vendor")).expect("remove it");
    world.take_down("a.example");
    small.nsvendor(&["--frozen"]).success().stderr_has("offline: revoked keys");
    // Everything is locked and cached: a host that is down keeps nobody from vendoring.
    std::fs::remove_dir_all(small.project.path().join("vendor")).expect("remove it");
    small
        .nsvendor(&[])
        .success()
        .stderr_has("sparse+https://a.example/cargo/index/ is unreachable: using cached index data")
        .stderr_has("Vendored 2 packages");
    small.refused(&["--strict"]).code(5);
}

#[test]
fn nothing_to_vendor_is_said() {
    let world = Home::new();
    let project = world.project("app").binary("app", "", "fn main() {}\n");
    let output = nsvendor(&world, &project, &[]).success().stderr_has("there is no dependency to vendor");
    assert_eq!(output.stdout, "");
    assert!(!project.has("vendor"));
}

#[test]
fn json_names_each_package_its_key_and_its_digest() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let output = small.nsvendor(&["--message-format", "json"]).success();
    let lines: Vec<serde_json::Value> =
        output.stdout.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    let hello = lines.iter().find(|line| line["name"] == "hello").expect("hello is listed");
    assert_eq!(hello["reason"], "vendored-package");
    assert_eq!(hello["namespace"], "a.example");
    assert_eq!(hello["key"], small.site.key().public().to_string());
    assert_eq!(hello["trusted"], "pinned-and-stands");
    assert_eq!(hello["directory"], "a.example/hello-1.0.0");
    let config = lines.iter().find(|line| line["reason"] == "config").expect("the configuration is given");
    assert!(config["toml"].as_str().expect("text").contains("[source."));
}

#[test]
fn several_workspaces_are_vendored_together() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.site.release("tool", "3.0.0").publish();
    let other = world
        .project("other")
        .binary(
            "other",
            &small.site.consumer_dependency("tool", "3"),
            "fn main() { println!(\"{}\", tool::who()); }\n",
        )
        .file(".cargo/config.toml", &small.site.registry_config());
    run(world.cargo().arg("generate-lockfile").current_dir(other.path())).success();
    // The registries are configured where the command is run.
    small.nsvendor(&["--sync", "../other/Cargo.toml"]).success().stderr_has("Vendored 3 packages");
    assert!(
        small.project.has("vendor/a.example/tool-3.0.0") && small.project.has("vendor/a.example/hello-1.0.0")
    );
    small.nsvendor(&["--sync", "../other/Cargo.toml", "--check"]).success();
    small.nsvendor(&["--check"]).code(4).stderr_has("tool-3.0.0` is not in the lock file");
}

/// A directory of unpacked packages has no archives to take others from, and nobody vendors from one.
#[test]
fn from_one_vendored_directory_to_another() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    small.site.release("later", "2.0.0").publish();
    let manifest = small.project.read("Cargo.toml");
    small.project.write("Cargo.toml", &format!("{manifest}{}", small.site.consumer_dependency("later", "2")));
    for cache in ["registry/cache", "registry/src", "namespaces/crates"] {
        let _ = std::fs::remove_dir_all(world.cargo_home().join(cache));
    }
    // Unless told so, as with `cargo vendor`.
    small
        .refused(&["third_party", "--respect-source-config"])
        .code(101)
        .stderr_has("no matching package named `later` found");
    small.nsvendor(&["third_party", "--write-config"]).success().stderr_has("Vendored 3 packages");
    std::fs::remove_dir_all(small.project.path().join("vendor")).expect("remove it");
    small.nsvendor(&["third_party", "--check"]).success();
    run_offline(&world, &small.project).success();
}
