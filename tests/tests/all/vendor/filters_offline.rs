//! A filtered directory is checked offline with what there is: the archives without Cargo's index, or nothing at all.

use std::fs;
use std::path::PathBuf;

use namespace_world::{Output, Project, World, programs, run};

use super::{nsvendor, run_offline};

const FLAGS: [&str; 2] = ["--platform=x86_64-unknown-linux-gnu", "--keep-dep-kinds=no-dev"];

/// A program that needs `itoa` here, `memchr` on Windows and `ryu` for its tests.
fn vendored<'w>(world: &'w World, flags: &[&str]) -> Filtered<'w> {
    let dependencies = "itoa = \"=1.0.15\"\n\n[target.'cfg(windows)'.dependencies]\nmemchr = \"=2.7.4\"\n\n\
                        [dev-dependencies]\nryu = \"=1.0.20\"\n";
    let main = "fn main() {\n    println!(\"{}\", itoa::Buffer::new().format(7));\n}\n";
    let project = world.project("app").binary("app", dependencies, main);
    run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    nsvendor(world, &project, &[flags, &FLAGS].concat()).success().stderr_has("2 of them as stubs");
    Filtered { world, project }
}

struct Filtered<'w> {
    world: &'w World,
    project: Project,
}

impl Filtered<'_> {
    /// Checks offline with a home of its own, which changes nothing.
    #[track_caller]
    fn check(&self, home: &str, arguments: &[&str]) -> Output {
        let before = self.project.snapshot();
        let output = run(self
            .world
            .nsvendor()
            .args([&["--check", "--offline"], arguments].concat())
            .env("CARGO_HOME", self.home(home))
            .current_dir(self.project.path()));
        self.project.assert_unchanged(&before);
        output
    }

    fn home(&self, name: &str) -> PathBuf {
        self.world.root().join(name)
    }

    /// A home with the archives and nothing else: no index.
    fn keep_archives(&self, name: &str) {
        for (above, directory) in [("registry", "registry/cache"), ("namespaces", "namespaces/crates")] {
            let above = self.home(name).join(above);
            fs::create_dir_all(&above).expect("make a directory");
            let mut copy = programs::command("cp");
            copy.arg("-r").arg(self.world.cargo_home().join(directory)).arg(above);
            run(&mut copy).success();
        }
    }

    fn replace(&self, path: &str, from: &str, to: &str) {
        let text = self.project.read(path);
        assert!(text.contains(from), "{text}");
        self.project.write(path, &text.replace(from, to));
    }
}

#[test]
fn without_any_cache_it_is_known_what_is_needed() {
    let world = World::new(&[]);
    let filtered = vendored(&world, &["--write-config"]);
    run_offline(&world, &filtered.project).success().stdout_has("7");
    filtered
        .check("nothing", &[])
        .success()
        .stderr_has("could not be checked: `itoa` 1.0.15 of crates.io, its .crate is not available")
        .stderr_lacks("which packages are needed")
        .stderr_lacks("that the lock file fits");
    filtered.check("nothing", &["--strict"]).code(5);
    // Other filters need other packages.
    for (flags, package) in [
        (["--platform=x86_64-pc-windows-gnu", FLAGS[1]], "memchr"),
        ([FLAGS[0], "--keep-dep-kinds=all"], "ryu"),
        ([FLAGS[0], "--keep-dep-kinds=dev"], "itoa"),
    ] {
        filtered.check("nothing", &flags).code(4).stderr_has(&format!("the vendored `{package}`"));
    }
    filtered.check("nothing", &["--features=nonesuch"]).stderr_has("nonesuch");
    filtered.check("nothing", &["--platform=nonesuch"]).code(6).stderr_has("no platform `nonesuch`");
    // A lock file that does not fit is found by the same means.
    filtered.replace("Cargo.toml", "itoa = \"=1.0.15\"", "itoa = \"=1.0.14\"");
    filtered.check("nothing", &[]).code(101).stderr_has("the lock file does not fit the manifest");
}

#[test]
fn with_archives_alone_all_of_it_is_checked() {
    let world = World::new(&[]);
    let filtered = vendored(&world, &[]);
    filtered.keep_archives("archives");
    filtered.check("archives", &[]).success().stderr_lacks("could not be checked");
    filtered.check("archives", &["--strict"]).success();
    // A needed package made a stub, with a list that fits: only what is needed says that it is wrong.
    let stub = "vendor/crates.io/itoa-1.0.15";
    fs::remove_dir_all(filtered.project.path().join(stub)).expect("remove it");
    let mut copy = programs::command("cp");
    copy.args(["-r", "vendor/crates.io/memchr-2.7.4", stub]).current_dir(filtered.project.path());
    run(&mut copy).success();
    filtered.check("archives", &[]).code(4).stderr_has("itoa-1.0.15/Cargo.toml differs");
}

/// Attack: an empty package in the place of one that is needed (a check that always says yes, for one).
#[test]
fn a_stub_in_the_place_of_a_needed_package_is_found_without_its_archive() {
    let world = World::new(&[]);
    let filtered = vendored(&world, &[]);
    nsvendor(
        &world,
        &filtered.project,
        &["stubs", "--platform=x86_64-pc-windows-gnu", "--keep-dep-kinds=dev"],
    )
    .success();
    let root = filtered.project.path();
    fs::remove_dir_all(root.join("vendor/crates.io/itoa-1.0.15")).expect("remove it");
    fs::rename(root.join("stubs/crates.io/itoa-1.0.15"), root.join("vendor/crates.io/itoa-1.0.15"))
        .expect("move it");
    filtered.check("nothing", &[]).code(4).stderr_has("itoa-1.0.15/Cargo.toml differs from the package");
}

#[test]
fn where_nobody_can_say_what_is_needed_the_rest_is_checked() {
    let world = World::new(&[]);
    let filtered = vendored(&world, &[]);
    let root = filtered.project.path();
    fs::remove_dir_all(root.join("vendor/crates.io/ryu-1.0.20")).expect("remove it");
    filtered.project.write("vendor/crates.io/itoa-1.0.15/build.rs", "fn main() {}\n");
    filtered
        .check("nothing", &[])
        .code(4)
        .stderr_has("could not be checked: which packages are needed")
        .stderr_has("could not be checked: `memchr` 2.7.4")
        .stderr_has("ryu-1.0.20 is missing")
        .stderr_has("itoa-1.0.15/build.rs is not in the package");
}

#[test]
fn a_filtered_local_registry_is_checked_without_any_cache() {
    let world = World::new(&[]);
    let filtered = vendored(&world, &["--format=local-registry", "--write-config"]);
    assert!(!filtered.project.has("vendor/crates.io/ryu-1.0.20.crate"));
    run_offline(&world, &filtered.project).success().stdout_has("7");
    filtered
        .check("nothing", &[])
        .success()
        .stderr_has("its index line is not available")
        .stderr_lacks("which packages are needed")
        .stderr_lacks("that the lock file fits");
    filtered
        .check("nothing", &[FLAGS[0], "--keep-dep-kinds=all"])
        .code(4)
        .stderr_has("ryu-1.0.20.crate is missing");
    fs::remove_file(filtered.project.path().join("vendor/crates.io/itoa-1.0.15.crate")).expect("remove it");
    filtered.check("nothing", &[]).code(4).stderr_has("itoa-1.0.15.crate is missing");
}

#[test]
fn a_filtered_archive_says_itself_what_was_left_out() {
    let world = World::new(&[]);
    let filtered = vendored(&world, &["--format=tar.zst"]);
    filtered.keep_archives("archives");
    let check = ["--format=tar.zst"];
    filtered
        .check("archives", &check)
        .success()
        .stderr_has("`.nsvendor.toml` in")
        .stderr_lacks("could not be checked");
    filtered.check("archives", &[check[0], "--keep-dep-kinds=all"]).code(4);
    // Without the archives there is nothing to compare it with.
    filtered.check("nothing", &check).failure().stderr_has("is not cached");
}
