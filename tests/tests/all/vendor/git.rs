//! Packages from git, beside namespaces.

use namespace_world::{Home, Project, SignedSite, World, run, snapshot};

use super::{nsvendor, run_offline};

/// A repository with a workspace whose members inherit from it, and its URL.
pub fn repository(world: &Home, site: Option<&SignedSite<'_>>) -> (Project, String) {
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

/// One name and version from two registries, both used by a package from git, whose branch has moved on since it was locked.
#[test]
fn a_repository_that_uses_twins_and_has_moved_on() {
    let world = World::new(&["a.example"]);
    let site = SignedSite::new(&world, "a.example");
    site.release("memchr", "2.7.4").publish();
    let repository = world
        .project("repository")
        .library(
            "outer",
            "0.3.0",
            &format!(
                "memchr = \"=2.7.4\"\nours = {{ package = \"memchr\", version = \"=2.7.4\", registry = \"{}\" }}\n",
                site.registry_name()
            ),
        )
        .file(".cargo/config.toml", &site.registry_config());
    git(&world, &repository, &["init", "--quiet", "--initial-branch", "main"]);
    git(&world, &repository, &["add", "."]);
    git(&world, &repository, &["commit", "--quiet", "-m", "One"]);
    let upper = world.project("upper").library(
        "upper",
        "0.1.0",
        &format!("outer = {{ git = \"file://{}\", branch = \"main\" }}\n", repository.path().display()),
    );
    git(&world, &upper, &["init", "--quiet"]);
    git(&world, &upper, &["add", "."]);
    git(&world, &upper, &["commit", "--quiet", "-m", "One"]);
    let project = world
        .project("app")
        .binary(
            "app",
            &format!("upper = {{ git = \"file://{}\" }}\n", upper.path().display()),
            "fn main() { println!(\"{}\", upper::who()); }\n",
        )
        .file(".cargo/config.toml", &site.registry_config())
        .file(".cargo/namespaces.toml", &site.trust_entry());
    run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    for (repository, name) in [(&repository, "outer"), (&upper, "upper")] {
        let manifest =
            repository.read("Cargo.toml").replace(&format!("name = \"{name}\""), "name = \"other\"");
        repository.write("Cargo.toml", &manifest);
        git(&world, repository, &["commit", "--quiet", "-a", "-m", "Two"]);
    }
    std::fs::remove_dir_all(world.cargo_home().join("git")).expect("forget what was fetched");
    nsvendor(&world, &project, &["--write-config"]).success();
    run_offline(&world, &project).success().stdout_has("upper 0.1.0");
    nsvendor(&world, &project, &["--check"]).success();
}

/// A fresh clone knows nothing of what stands; and where a local registry stood, packages from git lie as they do in a directory.
#[test]
fn packages_from_git_that_stand_are_left_and_the_form_around_them_can_change() {
    let world = Home::new();
    let (_, url) = repository(&world, None);
    let dependency = format!("outer = {{ git = \"{url}\", branch = \"main\" }}\n");
    let project = world.project("app").binary("app", &dependency, "fn main() {}\n");
    nsvendor(&world, &project, &["--write-config"]).success();
    let before = project.snapshot();
    let forget =
        || std::fs::remove_dir_all(world.cargo_home().join("namespaces/vendored")).expect("forget it");
    forget();
    nsvendor(&world, &project, &[]).success().stderr_has("; nothing changed");
    nsvendor(&world, &project, &["--format", "local-registry"]).success();
    forget();
    nsvendor(&world, &project, &[]).success().stderr_has("; 1 written, 1 removed");
    project.assert_unchanged(&before);
    nsvendor(&world, &project, &["--check"]).success();
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

fn git(world: &Home, project: &Project, arguments: &[&str]) {
    run(world
        .command("git")
        .args(["-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(project.path()))
    .success();
}

/// What a graph of several repositories can hold, beside a patch, a path outside of the workspace, a renamed crate and a
/// version with a build part. What `cargo vendor` makes of it is the measure.
#[test]
fn a_workspace_whose_repositories_depend_on_each_other_is_what_cargo_vendor_writes() {
    let world = World::new(&[]);
    let data = world.project("data").file("data.txt", "from a submodule\n");
    let url = |project: &Project| format!("file://{}", project.path().display());
    git(&world, &data, &["init", "--quiet"]);
    git(&world, &data, &["add", "."]);
    git(&world, &data, &["commit", "--quiet", "-m", "One"]);
    let lower = world
        .project("lower")
        .file(
            "Cargo.toml",
            "[workspace]\nmembers = [\"one\", \"deep/er/two\"]\nresolver = \"2\"\n[workspace.package]\nversion = \"0.4.0\"\n",
        )
        .file(
            "one/Cargo.toml",
            "[package]\nname = \"one\"\nversion.workspace = true\nedition = \"2021\"\n[dependencies]\nmemchr = \"=2.7.4\"\n",
        )
        .file("one/src/lib.rs", "")
        .file(
            "deep/er/two/Cargo.toml",
            "[package]\nname = \"two\"\nversion = \"1.0.0-rc.1+build.5\"\nedition = \"2021\"\n",
        )
        .file("deep/er/two/src/lib.rs", "pub const DATA: &str = include_str!(\"../data/data.txt\");\n")
        .file("README.md", "read me\n");
    std::os::unix::fs::symlink("../README.md", lower.path().join("one/README.md")).expect("make a link");
    git(&world, &lower, &["init", "--quiet"]);
    git(&world, &lower, &["submodule", "--quiet", "add", &url(&data), "deep/er/two/data"]);
    git(&world, &lower, &["add", "."]);
    git(&world, &lower, &["commit", "--quiet", "-m", "One"]);
    git(&world, &lower, &["tag", "v1"]);
    let tagged = |name: &str| format!("{name} = {{ git = \"{}\", tag = \"v1\" }}\n", url(&lower));
    let upper = world.project("upper").library("upper", "0.1.0", &tagged("one"));
    git(&world, &upper, &["init", "--quiet"]);
    git(&world, &upper, &["add", "."]);
    git(&world, &upper, &["commit", "--quiet", "-m", "One"]);

    let _ = world.project("outside").library("outside", "0.1.0", "ryu = \"=1.0.20\"\n");
    let project = world
        .project("app")
        .file(
            "Cargo.toml",
            "[workspace]\nmembers = [\"app\", \"tool\"]\nresolver = \"2\"\n[patch.crates-io]\neither = { path = \"either\" }\n",
        )
        .file("app/src/main.rs", "fn main() { print!(\"{}\", two::DATA); }\n")
        .file(
            "app/Cargo.toml",
            &format!(
                "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\n{}\
                 upper = {{ git = \"{}\" }}\noutside = {{ path = \"../../outside\" }}\neither = \"1\"\n\
                 renamed = {{ package = \"itoa\", version = \"=1.0.15\" }}\n",
                tagged("two"),
                url(&upper)
            ),
        )
        .file("tool/src/lib.rs", "")
        .file(
            "tool/Cargo.toml",
            "[package]\nname = \"tool\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
             [target.'cfg(windows)'.dependencies]\nwasi = \"=0.11.1\"\n[dev-dependencies]\nsemver = \"=1.0.26\"\n",
        );
    let _ = Project::at(project.path().join("either")).library("either", "1.15.0", "");
    // From a member, into a directory whose name has to be quoted.
    let member = project.path().join("tool");
    run(world.cargo().args(["vendor", "--versioned-dirs", "../theirs"]).current_dir(&member)).success();
    run(world.nsvendor().args(["--write-config", "../ours and 'more'"]).current_dir(&member)).success();
    let theirs = snapshot(&project.path().join("theirs"));
    let together = project.path().join("together");
    std::fs::create_dir(&together).expect("make a directory");
    let ours = project.path().join("ours and 'more'");
    let copy = "cp -a \"$1\"/crates.io/* \"$1\"/git/*/* \"$2\"";
    run(world.command("sh").args(["-c", copy, "sh"]).args([&ours, &together])).success();
    assert_eq!(theirs.changes(&snapshot(&together)), Vec::<String>::new());
    for package in
        ["upper-0.1.0", "two-1.0.0-rc.1+build.5/data/data.txt", "wasi-0.11.1+wasi-snapshot-preview1"]
    {
        assert!(theirs.has(package), "{package}");
    }
    std::fs::remove_dir_all(&together).expect("remove it");
    run_offline(&world, &project).success().stdout_has("from a submodule");
    let before = project.snapshot();
    run(world.nsvendor().args(["--check", "ours and 'more'"]).current_dir(project.path())).success();
    project.assert_unchanged(&before);
}
