//! The directory: replaced in one step, and only when it is ours.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Stdio;
use std::time::Duration;

use namespace_world::{Need, Running, Snapshot, World, require, snapshot};

use super::Small;

#[test]
fn a_directory_that_holds_something_else_is_left_alone() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    for path in ["vendor/notes.txt", "vendor/a.example/hello-1.0.0/build.rs", "vendor/mine/src/lib.rs"] {
        small.project.write(path, "mine");
        small.refused(&[]).code(1).stderr_has("which was not vendored").stderr_has("nothing was deleted");
        fs::remove_file(small.project.path().join(path)).expect("remove it");
    }
    fs::remove_dir_all(small.project.path().join("vendor/mine")).expect("remove it");
    // The project's own source is not a vendored directory either.
    small.refused(&["src"]).code(1).stderr_has("`main.rs`, which was not vendored");
    for theirs in [".", "..", ".cargo"] {
        small.refused(&[theirs]).code(1).stderr_has("which was not vendored");
    }
    small.refused(&["/"]).code(2).stderr_has("`/` cannot be a vendored directory");
    // What cargo vendor wrote may be replaced, and dot files at the top stay.
    small.project.write("vendor/.gitattributes", "* -text\n");
    small.nsvendor(&[]).success();
    assert_eq!(small.project.read("vendor/.gitattributes"), "* -text\n");
}

#[test]
fn a_directory_of_cargo_vendor_is_replaced() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    namespace_world::run(world.cargo().arg("vendor").current_dir(small.project.path())).success();
    assert!(small.project.has("vendor/hello"));
    small.nsvendor(&[]).success();
    assert!(!small.project.has("vendor/hello") && small.project.has("vendor/a.example/hello-1.0.0"));
}

#[test]
fn a_link_or_a_file_in_its_place_is_left_alone() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let real = small.project.path().join("real");
    fs::create_dir(&real).expect("make a directory");
    symlink(&real, small.project.path().join("vendor")).expect("make a link");
    small.refused(&[]).code(1).stderr_has("is a symbolic link");
    small.refused(&["--check"]).code(4).stderr_has("is not a directory");
    fs::remove_file(small.project.path().join("vendor")).expect("remove the link");
    small.project.write("vendor", "a file");
    small.refused(&[]).code(1).stderr_has("is not a directory");
}

#[test]
fn a_write_protected_directory_is_left_alone() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    let vendor = small.project.path().join("vendor");
    for directory in [vendor.as_path(), small.project.path()] {
        fs::set_permissions(directory, fs::Permissions::from_mode(0o555)).expect("protect it");
        small.refused(&[]).code(1).stderr_has("is write-protected");
        fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).expect("open it");
    }
    small.nsvendor(&[]).success();
}

/// Killed at any moment: everything of the old directory stands or everything of the new one, each package whole, and the
/// next run leaves no trace of it.
#[test]
fn killed_at_any_moment_all_of_the_old_or_all_of_the_new_packages_stand() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.nsvendor(&["--write-config"]).success();
    let vendor = small.project.path().join("vendor");
    let one = snapshot(&vendor);
    // The other state: an older lock file has one package less.
    small.site.release("leaf", "1.0.1").publish();
    namespace_world::run(world.nsvendor().arg("--offline").current_dir(small.project.path())).success();
    let locked = small.project.read("Cargo.lock");
    let text = locked.replace("\r", "");
    assert!(text.contains("name = \"leaf\"\nversion = \"1.0.0\""), "{text}");
    let manifest = small.project.read("Cargo.toml");
    small
        .project
        .write("Cargo.toml", &format!("{manifest}{}", small.site.consumer_dependency("leaf", "=1.0.1")));
    small.nsvendor(&[]).success();
    let (two, locked_two) = (snapshot(&vendor), small.project.read("Cargo.lock"));
    assert_ne!(one, two);
    let mut seen = [0, 0];
    for round in 0..30_u64 {
        let to_two = round % 2 == 0;
        small.project.write("Cargo.lock", if to_two { &locked_two } else { &locked });
        small.project.write(
            "Cargo.toml",
            &if to_two {
                format!("{manifest}{}", small.site.consumer_dependency("leaf", "=1.0.1"))
            } else {
                manifest.clone()
            },
        );
        let mut child = world
            .nsvendor()
            .args(["--offline", "--locked"])
            .current_dir(small.project.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start it");
        std::thread::sleep(Duration::from_millis(20 + round * 17));
        let _ = child.kill();
        let _ = child.wait();
        let now = snapshot(&vendor);
        // Between the new packages' coming and the old ones' going, both are there.
        let holds = |wanted: &Snapshot| wanted.paths().all(|path| wanted.same_at(path, &now));
        let whole = |path: &str| one.same_at(path, &now) || two.same_at(path, &now);
        assert!(now.paths().all(whole), "half a package:\n{}", one.changes(&now).join("\n"));
        assert!(holds(&one) || holds(&two), "half a directory:\n{}", one.changes(&now).join("\n"));
        seen[usize::from(holds(&two))] += 1;
    }
    assert!(seen[0] > 0 && seen[1] > 0, "every kill came at the same moment: {seen:?}");
    small.nsvendor(&["--offline"]).success();
    let left: Vec<String> = small
        .project
        .snapshot()
        .paths()
        .filter(|path| path.contains("nsvendor-"))
        .map(str::to_owned)
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

/// Ctrl-C: the same, and nothing is left behind.
#[test]
fn interrupted_it_cleans_up_after_itself() {
    let world = World::new(&["a.example"]);
    let small = Small::vendored(&world);
    let before = small.project.snapshot();
    let mut codes = Vec::new();
    for round in 0..10_u64 {
        let mut child = world
            .nsvendor()
            .args(["--offline"])
            .current_dir(small.project.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start it");
        std::thread::sleep(Duration::from_millis(30 + round * 25));
        namespace_world::run(world.command("kill").args(["-INT", &child.id().to_string()]));
        codes.push(child.wait().expect("it ends").code().expect("it ends by itself"));
        small.project.assert_unchanged(&before);
    }
    assert!(codes.iter().all(|code| [0, 130].contains(code)), "{codes:?}");
}

/// Ctrl-C while it is packed: what was asked for is there whole, or nothing of it.
#[test]
fn interrupted_while_packing_no_half_of_it_stays() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let filling: String =
        (0_u32..1_500_000).map(|number| format!("{:x}", number.wrapping_mul(2_654_435_761))).collect();
    small.site.release("leaf", "1.0.1").file("filling", filling).publish();
    fs::remove_file(small.project.path().join("Cargo.lock")).expect("remove the lock file");
    small.lock();
    small.nsvendor(&["--format", "tar.zst"]).success();
    fs::remove_file(small.project.path().join("vendor.tar.zst")).expect("remove it");
    let before = small.project.snapshot();
    for (form, made) in [("tar.zst", "vendor.tar.zst"), ("local-registry", "vendor")] {
        let mut codes = Vec::new();
        for round in 0..12_u64 {
            let mut command = world.nsvendor();
            let running = Running::start(
                command.args(["--offline", "--format", form]).current_dir(small.project.path()),
            );
            std::thread::sleep(Duration::from_millis(30 + round * 30));
            running.signal("INT");
            let (ended, said) = running.end();
            let code = ended.code().expect("it ends by itself");
            let whole = small.project.path().join(made);
            assert!(code != 0 || whole.exists(), "{said}");
            if whole.exists() {
                small.nsvendor(&["--offline", "--check", "--format", form]).success();
                fs::remove_file(&whole).or_else(|_| fs::remove_dir_all(&whole)).expect("remove it");
            }
            small.project.assert_unchanged(&before);
            assert!([0, 130].contains(&code), "{said}");
            codes.push(code);
        }
        assert!(codes.contains(&130), "{form}: {codes:?}");
    }
}

#[test]
fn on_a_full_disk_nothing_has_changed() {
    if !require(Need::Mount) {
        return;
    }
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let filling: String =
        (0_u32..40_000).map(|number| format!("{:x}", number.wrapping_mul(2_654_435_761))).collect();
    small.site.release("leaf", "1.0.1").file("filling", filling).publish();
    fs::remove_file(small.project.path().join("Cargo.lock")).expect("remove the lock file");
    small.lock();
    small.nsvendor(&[]).success();
    fs::remove_dir_all(small.project.path().join("vendor")).expect("remove it");
    // A file system of its own for the project, of 96 KiB.
    let script = "set -e
        mkdir full && mount -t tmpfs -o size=96k tmpfs full && cp -r app/. full && cd full
        find . | sort > ../before
        code=0; cargo-nsvendor --offline || code=$?
        find . | sort > ../after && cmp ../before ../after && exit $code";
    let projects = small.project.path().parent().expect("the projects' directory");
    let mounting = ["--mount", "--map-root-user", "--user"];
    namespace_world::run(
        world.command("unshare").args(mounting).args(["sh", "-c", script]).current_dir(projects),
    )
    .code(1)
    .stderr_has("the disk is full");
}
