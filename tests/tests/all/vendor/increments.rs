//! What stands is left; what changed is made anew.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use namespace_world::{World, run};

use super::Small;

/// Inode and change time of everything below a directory, and of itself.
fn untouched(directory: &Path) -> BTreeMap<String, (u64, i64, i64)> {
    let mut found = BTreeMap::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(path) = pending.pop() {
        let metadata = fs::symlink_metadata(&path).expect("look at it");
        if metadata.is_dir() {
            pending
                .extend(fs::read_dir(&path).expect("list it").map(|entry| entry.expect("an entry").path()));
        }
        found.insert(path.display().to_string(), (metadata.ino(), metadata.ctime(), metadata.ctime_nsec()));
    }
    found
}

#[test]
fn an_unchanged_run_touches_nothing() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    let vendor = small.project.path().join("vendor");
    let before = untouched(small.project.path());
    let again = small.nsvendor(&["-q"]).success();
    // The configuration is printed all the same.
    assert!(again.stdout.contains("directory = \"vendor/a.example\""), "{}", again.stdout);
    small
        .nsvendor(&[])
        .success()
        .stderr_has("Vendored 2 packages to `vendor`")
        .stderr_has("; nothing changed");
    assert_eq!(untouched(small.project.path()), before);
    // A clone of the project knows nothing of that; contents are compared, and nothing is written.
    fs::remove_dir_all(world.cargo_home().join("namespaces/vendored")).expect("remove what is known");
    let before = untouched(&vendor);
    small.nsvendor(&[]).success().stderr_has("; nothing changed");
    assert_eq!(untouched(&vendor), before);
    small.nsvendor(&["--verify"]).success().stderr_has("; nothing changed");
    assert_eq!(untouched(&vendor), before);
}

#[test]
fn a_changed_lock_file_touches_what_changed() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    let vendor = small.project.path().join("vendor/a.example");
    let hello = untouched(&vendor.join("hello-1.0.0"));
    small.site.release("leaf", "1.0.1").publish();
    let manifest = small.project.read("Cargo.toml");
    let leaf = small.site.consumer_dependency("leaf", "=1.0.1");
    small.project.write("Cargo.toml", &format!("{manifest}{leaf}"));
    small.nsvendor(&["--no-delete"]).success().stderr_has("; 1 written");
    assert!(
        small.project.has("vendor/a.example/leaf-1.0.0") && small.project.has("vendor/a.example/leaf-1.0.1")
    );
    small.nsvendor(&[]).success().stderr_has("; 0 written, 1 removed");
    assert!(!small.project.has("vendor/a.example/leaf-1.0.0"));
    assert_eq!(untouched(&vendor.join("hello-1.0.0")), hello);
    small.nsvendor(&["--check"]).success();
    // There and back again.
    small.project.write("Cargo.toml", &manifest.replace("version = \"1\"", "version = \"=1.0.0\""));
    small.nsvendor(&[]).success();
    assert_eq!(untouched(&vendor.join("hello-1.0.0")), hello);
}

/// The size is the same, and the modification time was put back.
#[test]
fn a_file_that_was_written_to_is_noticed() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    let path = small.project.path().join("vendor/a.example/hello-1.0.0/src/lib.rs");
    let good = fs::read_to_string(&path).expect("read it");
    let modified = fs::metadata(&path).and_then(|found| found.modified()).expect("a time");
    fs::write(&path, good.replace("hello", "HELLO")).expect("alter it");
    fs::File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_modified(modified))
        .expect("set the time");
    small.nsvendor(&[]).success().stderr_has("; 1 written");
    assert_eq!(fs::read_to_string(&path).expect("read it"), good);
    fs::remove_file(&path).expect("remove it");
    small.nsvendor(&[]).success().stderr_has("; 1 written");
    assert_eq!(fs::read_to_string(&path).expect("read it"), good);
}

/// Of the last dependency, too.
#[test]
fn where_nothing_is_left_to_vendor_what_was_vendored_goes() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    small.project.write("vendor/.gitattributes", "* -text\n");
    let manifest = small.project.read("Cargo.toml");
    let (package, _) = manifest.split_once("[dependencies]").expect("it has dependencies");
    small.project.write("Cargo.toml", package);
    small.project.write("src/main.rs", "fn main() {}\n");
    small.nsvendor(&["--no-delete"]).success();
    assert!(small.project.has("vendor/a.example/hello-1.0.0"));
    small
        .nsvendor(&[])
        .success()
        .stderr_has("there is no dependency to vendor")
        .stderr_has("2 packages removed");
    assert!(!small.project.has("vendor/a.example") && small.project.has("vendor/.gitattributes"));
    small.nsvendor(&["--check"]).success();
}

/// It only ever spares work: what it says wrongly, or of something else, makes nobody leave a file as it is.
#[test]
fn evidence_that_was_tampered_with_hides_nothing() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    let notes = world.cargo_home().join("namespaces/vendored");
    let note = fs::read_dir(&notes).expect("list it").next().expect("a note").expect("an entry").path();
    let path = "vendor/a.example/hello-1.0.0/src/lib.rs";
    let good = small.project.read(path);
    let honest = fs::read_to_string(&note).expect("read it");
    let of = |name: &str| honest.lines().find(|line| line.ends_with(name)).expect("it is noted").to_owned();
    let (hello, leaf) = (of("hello-1.0.0"), of("leaf-1.0.0"));
    let swapped = honest.replace(&hello, &leaf.replace("leaf", "hello"));
    let halved = honest[..honest.len() / 2].to_owned();
    for forged in
        [swapped, halved, String::new(), "cargo-nsvendor 1 /elsewhere\n".to_owned(), "\0\u{202e}".to_owned()]
    {
        small.project.write(path, "altered");
        fs::write(&note, &forged).expect("forge it");
        small.nsvendor(&[]).success();
        assert_eq!(small.project.read(path), good, "{forged}");
        fs::write(&note, forged).expect("forge it");
        small.nsvendor(&[]).success().stderr_has("; nothing changed");
    }
}

/// One works, the other waits, and gives up when it is told to, without touching what is the other's.
#[test]
fn two_runs_in_one_directory_do_not_meet() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    let root = small.project.path().to_owned();
    let other = root.join(".vendor.nsvendor-abc123/new/a.example");
    fs::create_dir_all(&other).expect("make a stage");
    let held = fs::File::open(&root).expect("open it");
    held.lock().expect("lock it");
    let start = || {
        let mut command = world.nsvendor();
        command.arg("--offline").current_dir(&root).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::piped()).spawn().expect("start it")
    };
    let mut waiting = start();
    let mut said = BufReader::new(waiting.stderr.take().expect("its standard error")).lines();
    let line = said.find(|line| line.as_ref().is_ok_and(|line| line.contains("Blocking")));
    line.expect("it says that it waits").expect("text");
    run(world.command("kill").args(["-INT", &waiting.id().to_string()])).success();
    assert_eq!(waiting.wait().expect("it ends").code(), Some(130));
    assert!(other.is_dir(), "it removed what another run was making");
    // Two at once, of which one waits for the other.
    let mut both = [start(), start()];
    std::thread::sleep(Duration::from_millis(300));
    assert!(both.iter_mut().all(|child| child.try_wait().expect("ask").is_none()), "one did not wait");
    drop(held);
    for child in &mut both {
        assert!(child.wait().expect("it ends").success());
    }
    assert!(!other.exists(), "what a killed run left is removed");
    small.nsvendor(&["--check"]).success();
}

/// Which needs the archives; evidence does not.
#[test]
fn verify_reads_everything_again() {
    let world = World::new(&[]);
    let project = world.project("app").binary("app", "itoa = \"=1.0.15\"\n", "fn main() {}\n");
    let nsvendor = |arguments: &[&str]| super::nsvendor(&world, &project, arguments);
    nsvendor(&[]).success();
    fs::remove_dir_all(world.cargo_home().join("registry/cache")).expect("remove Cargo's cache");
    nsvendor(&["--offline"]).success().stderr_has("; nothing changed");
    nsvendor(&["--offline", "--verify"]).code(5).stderr_has("is not cached");
    nsvendor(&["--verify"]).success().stderr_has("; nothing changed");
}

#[test]
fn what_was_downloaded_is_where_cargo_looks() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.nsvendor(&[]).success();
    let own = fs::read_dir(world.cargo_home().join("namespaces/crates")).expect("our cache").count();
    assert_eq!(own, 0);
    world.take_down("a.example");
    run(world.cargo().args(["fetch", "--locked", "--offline"]).current_dir(small.project.path())).success();
}
