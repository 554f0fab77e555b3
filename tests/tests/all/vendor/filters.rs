//! What is left out, and that Cargo builds what is left with the same lock file.

use std::fs;

use namespace_world::{Output, Project, SignedSite, World, run};

use super::{nsvendor, run_offline};

/// A program with dependencies of every kind: `everywhere` (with tests, benches and a program), `windows-only` (native, with
/// `links`), `for-tests`, `for-builds`, and `extra` behind a feature. Each one but `windows-only` uses `leaf`.
struct Many<'w> {
    world: &'w World,
    project: Project,
}

impl<'w> Many<'w> {
    fn new(world: &'w World) -> Self {
        let site = SignedSite::new(world, "a.example");
        site.release("leaf", "1.0.0").tables("[features]\nspecial = []\n").publish();
        site.release("deep-windows", "1.0.0").publish();
        site.release("windows-only", "1.0.0")
            .package("links = \"windows-only\"\nbuild = \"build.rs\"\n")
            .file("build.rs", "fn main() { panic!(\"not on this platform\") }\n")
            .file("big.lib", "x".repeat(10_000))
            .dependency(&site.dependency("deep-windows", "1"))
            .publish();
        site.release("everywhere", "1.0.0")
            .dependency(&site.dependency("leaf", "1"))
            .tables("[[bin]]\nname = \"tool\"\n\n[[test]]\nname = \"t\"\npath = \"tests/t.rs\"\n\n[[bench]]\nname = \"b\"\n")
            .file("src/bin/tool.rs", "fn main() {}\n")
            .file("tests/t.rs", "#[test]\nfn t() {}\n")
            .file("tests/data/large.bin", "x".repeat(10_000))
            .file("benches/b.rs", "fn main() {}\n")
            .file("README.md", "read me\n")
            .publish();
        for name in ["for-tests", "for-builds", "extra"] {
            site.release(name, "1.0.0").dependency(&site.dependency("leaf", "1")).publish();
        }
        let needs = |name: &str| site.consumer_dependency(name, "1");
        let optional = format!(
            "extra = {{ version = \"1\", registry = \"{}\", optional = true }}\n",
            site.registry_name()
        );
        let tables = format!(
            "{}{optional}\n[target.'cfg(windows)'.dependencies]\n{}\n[dev-dependencies]\n{}\n[build-dependencies]\n{}\n\
             [features]\nmore = [\"dep:extra\"]\n\n[workspace]\n",
            needs("everywhere"),
            needs("windows-only"),
            needs("for-tests"),
            needs("for-builds"),
        );
        let project = world
            .project("app")
            .binary("app", &tables, "fn main() {\n    println!(\"{}\", everywhere::who());\n}\n")
            .file(
                "build.rs",
                "fn main() {\n    println!(\"cargo::rustc-env=BUILT_BY={}\", for_builds::who());\n}\n",
            )
            .file("tests/all.rs", "#[test]\nfn uses_it() {\n    assert!(!for_tests::who().is_empty());\n}\n")
            .file(".cargo/config.toml", &site.registry_config())
            .file(".cargo/namespaces.toml", &site.trust_entry());
        run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
        Self { world, project }
    }

    fn nsvendor(&self, arguments: &[&str]) -> Output {
        nsvendor(self.world, &self.project, arguments)
    }

    /// The packages that are stubs.
    fn stubs(&self) -> Vec<String> {
        let directory = self.project.path().join("vendor/a.example");
        let mut stubs: Vec<String> = fs::read_dir(directory)
            .expect("it was vendored")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("text"))
            .filter(|name| {
                self.project.read(&format!("vendor/a.example/{name}/Cargo.toml")).starts_with("# A stub")
            })
            .map(|name| name.trim_end_matches("-1.0.0").to_owned())
            .collect();
        stubs.sort();
        stubs
    }

    /// Vendors with flags; the lock file stays, the check knows what was left out, and the program builds and runs.
    #[track_caller]
    fn vendored(&self, flags: &[&str]) -> Vec<String> {
        let locked = self.project.read("Cargo.lock");
        self.nsvendor(&[&["--write-config"], flags].concat()).success();
        assert_eq!(self.project.read("Cargo.lock"), locked);
        run_offline(self.world, &self.project).success().stdout_has("a.example/everywhere 1.0.0");
        let before = self.project.snapshot();
        self.nsvendor(&["--check"]).success();
        self.project.assert_unchanged(&before);
        self.stubs()
    }
}

#[test]
fn what_another_platform_needs_becomes_stubs() {
    let world = World::new(&["a.example"]);
    let many = Many::new(&world);
    let windows = ["deep-windows", "windows-only"];
    assert_eq!(many.vendored(&["--platform", "x86_64-unknown-linux-gnu"]), windows);
    // The stub keeps its place in the lock file, and none of the package's files.
    let stub = many.project.read("vendor/a.example/windows-only-1.0.0/Cargo.toml");
    assert!(stub.contains("links = \"windows-only\"") && stub.contains("deep-windows = {"), "{stub}");
    assert!(!many.project.has("vendor/a.example/windows-only-1.0.0/big.lib"));
    let checksums = many.project.read("vendor/a.example/windows-only-1.0.0/.cargo-checksum.json");
    let locked = many.project.read("Cargo.lock");
    let digest = checksums.rsplit('"').nth(1).expect("it has the checksum");
    assert!(locked.contains(&format!("checksum = \"{digest}\"")), "{checksums}");
    many.nsvendor(&["--platform=x86_64-unknown-linux-gnu"])
        .success()
        .stderr_has("2 of them as stubs; nothing changed");
    // Patterns, several platforms, tiers.
    assert_eq!(many.vendored(&["--platform", "*-unknown-linux-gnu"]), windows);
    assert_eq!(
        many.vendored(&["--platform", "*-linux-musl", "--platform", "x86_64-pc-windows-gnu"]),
        [""; 0]
    );
    assert_eq!(many.vendored(&["--tier", "1"]), [""; 0]);
    assert_eq!(many.vendored(&["--tier", "2", "--platform", "*linux*"]), windows);
    // And nothing is left of it without a filter.
    assert_eq!(many.vendored(&[]), [""; 0]);
    assert!(!many.project.has("vendor/.nsvendor.toml"));
}

#[test]
fn what_another_choice_of_features_needs_becomes_stubs() {
    let world = World::new(&["a.example"]);
    let many = Many::new(&world);
    // Whoever chooses none may build with any.
    assert_eq!(many.vendored(&["--keep-dep-kinds", "all"]), [""; 0]);
    assert_eq!(many.vendored(&["--no-default-features"]), ["extra"]);
    assert_eq!(many.vendored(&["--features", "more"]), [""; 0]);
    assert_eq!(many.vendored(&["--all-features"]), [""; 0]);
    many.nsvendor(&["--features", "mroe"]).failure().stderr_has("mroe");
}

#[test]
fn what_other_kinds_of_dependencies_need_becomes_stubs() {
    let world = World::new(&["a.example"]);
    let many = Many::new(&world);
    assert_eq!(many.vendored(&["--keep-dep-kinds", "no-dev"]), ["for-tests"]);
    many.nsvendor(&["--keep-dep-kinds", "normal"]).success();
    assert_eq!(many.stubs(), ["for-builds", "for-tests"]);
    many.nsvendor(&["--keep-dep-kinds", "dev"]).success();
    assert_eq!(many.stubs(), ["deep-windows", "everywhere", "extra", "for-builds", "leaf", "windows-only"]);
    many.nsvendor(&["--keep-dep-kinds", "no-devs"]).code(2).stderr_has("did you mean `no-dev`?");
}

#[test]
fn excluded_paths_are_not_there_and_cargo_does_not_miss_them() {
    let world = World::new(&["a.example"]);
    let many = Many::new(&world);
    let flags = ["*#tests", "*#*.md", "every*#src/bin", "everywhere#**/b.rs"];
    let flags: Vec<&str> = flags.iter().flat_map(|flag| ["--exclude-crate-path", flag]).collect();
    assert_eq!(many.vendored(&flags), [""; 0]);
    let directory = "vendor/a.example/everywhere-1.0.0";
    let list = many.project.read(&format!("{directory}/.cargo-checksum.json"));
    for path in ["tests", "README.md", "src/bin", "benches"] {
        assert!(!many.project.has(&format!("{directory}/{path}")), "{path}");
        assert!(!list.contains(&format!("\"{path}")), "{list}");
    }
    assert!(many.project.has(&format!("{directory}/src/lib.rs")));
    many.nsvendor(&["--exclude-crate-path", "evrywhere#tests"])
        .success()
        .stderr_has("no package is called `evrywhere`; did you mean `everywhere`?");
    many.nsvendor(&["--exclude-crate-path", "tests"]).code(2).stderr_has("write `CRATE#PATH`");
    many.nsvendor(&["--exclude-crate-path", "*#../x"]).code(2);
}

#[test]
fn settings_are_the_workspaces_and_flags_stand_over_them() {
    let world = World::new(&["a.example"]);
    let many = Many::new(&world);
    let manifest = many.project.read("Cargo.toml");
    let settings = |lines: &str| {
        many.project
            .write("Cargo.toml", &format!("{manifest}\n[workspace.metadata.namespaces.vendor]\n{lines}\n"));
    };
    settings(
        "platforms = [\"*-linux-gnu\"]\nkeep-dep-kinds = \"no-dev\"\n\
         exclude-crate-paths = [\"*#tests\", { name = \"everywhere\", exclude = \"benches\" }]",
    );
    assert_eq!(many.vendored(&[]), ["deep-windows", "for-tests", "windows-only"]);
    assert!(!many.project.has("vendor/a.example/everywhere-1.0.0/benches"));
    many.nsvendor(&["--keep-dep-kinds", "all"]).success();
    assert_eq!(many.stubs(), ["deep-windows", "windows-only"]);
    // The check goes by the settings, not by what somebody vendored.
    many.nsvendor(&["--check"]).code(4).stderr_has("for-tests");
    many.nsvendor(&["--check", "--keep-dep-kinds", "all"]).success();
    many.project.write(
        "Cargo.toml",
        &format!("{manifest}\n[package.metadata.namespaces.vendor]\nkeep-dep-kinds = \"no-dev\"\n"),
    );
    assert_eq!(many.vendored(&[]), ["for-tests"]);
    settings("platfroms = []");
    many.nsvendor(&[]).code(6).stderr_has("unknown key `platfroms`; did you mean `platforms`?");
}

#[test]
fn a_platform_that_is_none_is_refused_with_what_was_meant() {
    let world = World::new(&["a.example"]);
    let many = Many::new(&world);
    many.nsvendor(&["--platform", "x86_64-unknown-linux-gun"])
        .code(6)
        .stderr_has("did you mean `x86_64-unknown-linux-gnu`?");
    many.nsvendor(&["--tier", "4"]).code(2).stderr_has("one of `1`, `2`");
    assert!(!many.project.has("vendor"));
}

/// Attack: code in a stub, or in a file that was left out, or a record that says less than was decided.
#[test]
fn a_filtered_directory_is_compared_exactly() {
    let world = World::new(&["a.example"]);
    let many = Many::new(&world);
    let flags = ["--platform=x86_64-unknown-linux-gnu", "--exclude-crate-path=*#tests"];
    many.nsvendor(&["--write-config", flags[0], flags[1]]).success();
    let stub = "vendor/a.example/windows-only-1.0.0";
    many.nsvendor(&["--check"]).success().stderr_has("`vendor/.nsvendor.toml` says what was left out");
    let cases = [
        (format!("{stub}/src/lib.rs"), "pub fn evil() {}\n", "differs from the package"),
        (format!("{stub}/build.rs"), "fn main() { evil() }\n", "differs from the package"),
        (format!("{stub}/src/more.rs"), "", "is not in the package"),
        ("vendor/a.example/everywhere-1.0.0/tests/t.rs".to_owned(), "evil", "is not in the package"),
        (
            format!("{stub}/Cargo.toml"),
            "[package]\nname = \"windows-only\"\nversion = \"1.0.0\"\n",
            "differs",
        ),
    ];
    for (path, text, problem) in cases {
        let before = many.project.has(&path).then(|| many.project.read(&path));
        many.project.write(&path, text);
        many.nsvendor(&["--check"]).code(4).stderr_has(problem);
        match before {
            Some(text) => many.project.write(&path, &text),
            None => fs::remove_file(many.project.path().join(&path)).expect("remove it"),
        }
    }
    let tests = many.project.path().join("vendor/a.example/everywhere-1.0.0/tests");
    let _ = fs::remove_dir(tests);
    many.nsvendor(&["--check"]).success();
    // What the flags say weighs more than what lies there.
    many.nsvendor(&["--check", "--platform", "x86_64-pc-windows-gnu"]).code(4).stderr_has("windows-only");
}
