//! Packages from git, beside namespaces.

use namespace_tests::{Project, SignedSite, World, run, snapshot};

use super::{nsvendor, run_offline};

/// A repository with a workspace whose members inherit from it, and its URL.
fn repository(world: &World, site: Option<&SignedSite<'_>>) -> (Project, String) {
    let namespaced = site.map(|site| site.consumer_dependency("hello", "1")).unwrap_or_default();
    let call = if site.is_some() { "hello::who()" } else { "\"nobody\"" };
    let project = world
        .project("repository")
        .file(
            "Cargo.toml",
            "[workspace]\nmembers = [\"outer\", \"inner\"]\nresolver = \"2\"\n\n\
             [workspace.package]\nversion = \"0.3.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n\n\
             [workspace.dependencies]\ninner = { path = \"inner\" }\nmemchr = \"=2.7.4\"\n",
        )
        .file(
            "outer/Cargo.toml",
            &format!(
                "[package]\nname = \"outer\"\nversion.workspace = true\nedition.workspace = true\nlicense.workspace = true\n\n\
                 [dependencies]\ninner.workspace = true\nmemchr = {{ workspace = true, features = [\"std\"] }}\n{namespaced}"
            ),
        )
        .file(
            "outer/src/lib.rs",
            &format!("pub fn say() -> String {{ format!(\"{{}} {{}} {{}}\", inner::NAME, memchr::memchr(b'x', b\"0123456x\").unwrap_or(0), {call}) }}\n"),
        )
        .file("outer/.gitignore", "target\n")
        .file("inner/Cargo.toml", "[package]\nname = \"inner\"\nversion.workspace = true\nedition.workspace = true\n")
        .file("inner/src/lib.rs", "pub const NAME: &str = \"inner\";\n")
        .file(".cargo/config.toml", &site.map(SignedSite::registry_config).unwrap_or_default());
    for arguments in [
        &["init", "--quiet", "--initial-branch", "main"][..],
        &["add", "."],
        &["commit", "--quiet", "-m", "Two"],
    ] {
        run(world.command("git").args(arguments).current_dir(project.path())).success();
    }
    let url = format!("file://{}", project.path().display());
    (project, url)
}

#[test]
fn packages_from_git_are_what_cargo_vendor_writes() {
    let world = World::new(&[]);
    let (_, url) = repository(&world, None);
    let project = world.project("app").binary(
        "app",
        &format!("outer = {{ git = \"{url}\", branch = \"main\" }}\n"),
        "fn main() { println!(\"{}\", outer::say()); }\n",
    );
    run(world.cargo().args(["vendor", "--versioned-dirs", "theirs"]).current_dir(project.path())).success();
    nsvendor(&world, &project, &["--write-config"]).success();
    let tree = project.snapshot();
    let directory =
        tree.paths().find(|path| path.starts_with("vendor/git/") && path.matches('/').count() == 2);
    let directory = directory.expect("the repository has a directory").to_owned();
    assert!(directory.starts_with("vendor/git/repository-"), "{directory}");
    for package in ["outer-0.3.0", "inner-0.3.0"] {
        let theirs = snapshot(&project.path().join("theirs").join(package));
        let ours = snapshot(&project.path().join(&directory).join(package));
        assert_eq!(theirs.changes(&ours), Vec::<String>::new());
    }
    run_offline(&world, &project).success().stdout_has("inner 7 nobody");
    let before = project.snapshot();
    nsvendor(&world, &project, &["--check"]).success();
    project.assert_unchanged(&before);
    project.write(&format!("{directory}/inner-0.3.0/build.rs"), "fn main() {}\n");
    nsvendor(&world, &project, &["--check"]).code(4).stderr_has("build.rs is not in the package");
}

/// Everything at once: a namespace, crates.io, a repository that uses both, a path, a patch, and twins.
#[test]
fn a_graph_of_every_kind_of_source() {
    let world = World::new(&["a.example", "b.example"]);
    let (a, b) = (SignedSite::new(&world, "a.example"), SignedSite::new(&world, "b.example"));
    a.release("hello", "1.0.0").publish();
    b.release("hello", "1.0.0").dependency("memchr = \"2\"\n").publish();
    b.release("patched", "1.0.0").publish();
    let (_, url) = repository(&world, Some(&a));
    let project = world
        .project("app")
        .binary(
            "app",
            &format!(
                "outer = {{ git = \"{url}\" }}\nlocal = {{ path = \"local\" }}\n{}{}",
                b.consumer_dependency("hello", "1"),
                b.consumer_dependency("patched", "1"),
            ),
            "fn main() { println!(\"{} {} {} {}\", outer::say(), hello::who(), local::who(), patched::who()); }\n",
        )
        .file(".cargo/config.toml", &format!("{}{}", a.registry_config(), b.registry_config()))
        .file(".cargo/namespaces.toml", &format!("{}\n{}", a.trust_entry(), b.trust_entry()));
    for name in ["local", "patched"] {
        let _ = Project::at(project.path().join(name)).library(name, "1.0.0", "");
    }
    let manifest = project.read("Cargo.toml");
    project
        .write("Cargo.toml", &format!("{manifest}\n[patch.b_example]\npatched = {{ path = \"patched\" }}\n"));
    // The user's own configuration has the registry that the repository's manifest names.
    nsvendor(&world, &project, &["--write-config"]).success();
    for path in
        ["vendor/a.example/hello-1.0.0", "vendor/b.example/hello-1.0.0", "vendor/crates.io/memchr-2.7.4"]
    {
        assert!(project.has(path), "{path}");
    }
    let lock = project.read("Cargo.lock");
    run_offline(&world, &project)
        .success()
        .stdout_has("inner 7 a.example/hello 1.0.0 b.example/hello 1.0.0 local 1.0.0 patched 1.0.0");
    assert_eq!(project.read("Cargo.lock"), lock);
    nsvendor(&world, &project, &["--check"]).success();
}
