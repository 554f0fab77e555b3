//! The packed forms: local registries, and one file.

use std::fs;
use std::process::Command;

use namespace_world::{Archive, Need, Project, SignedSite, World, programs, require, run};

use super::{Small, nsvendor, run_offline};

/// A namespace, crates.io, git, and a crate of the same name from two namespaces.
fn mixed<'w>(world: &'w World) -> (SignedSite<'w>, Project) {
    let (a, b) = (SignedSite::new(world, "a.example"), SignedSite::new(world, "b.example"));
    a.release("Twin_x", "1.0.0").dependency("memchr = \"=2.7.4\"\n").file("run.sh", "#!/bin/sh\n").publish();
    b.release("Twin_x", "1.0.0").publish();
    let repository = world.project("repository").library("from-git", "0.3.0", "");
    for arguments in [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "-m", "One"]] {
        run(world.command("git").args(arguments).current_dir(repository.path())).success();
    }
    let dependencies = format!(
        "from-git = {{ git = \"file://{}\" }}\nmemchr = \"=2.7.4\"\n{}other = {{ package = \"Twin_x\", version = \"1\", registry = \"{}\" }}\n",
        repository.path().display(),
        a.consumer_dependency("Twin_x", "1"),
        b.registry_name()
    );
    let main = "fn main() {\n    println!(\"{} {} {}\", Twin_x::who(), other::who(), from_git::who());\n}\n";
    let project = world
        .project("app")
        .binary("app", &dependencies, main)
        .file(".cargo/config.toml", &format!("{}{}", a.registry_config(), b.registry_config()))
        .file(".cargo/namespaces.toml", &format!("{}{}", a.trust_entry(), b.trust_entry()));
    run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    (a, project)
}

const SAID: &str = "a.example/Twin_x 1.0.0 b.example/Twin_x 1.0.0 from-git 0.3.0";

#[test]
fn stock_cargo_builds_from_local_registries_with_an_empty_home() {
    let world = World::new(&["a.example", "b.example"]);
    let (_, project) = mixed(&world);
    let locked = project.read("Cargo.lock");
    nsvendor(&world, &project, &["--format", "local-registry", "--write-config"]).success();
    run_offline(&world, &project).success().stdout_has(SAID);
    assert_eq!(project.read("Cargo.lock"), locked);
    for path in
        ["a.example/Twin_x-1.0.0.crate", "b.example/index/tw/in/twin_x", "crates.io/memchr-2.7.4.crate"]
    {
        assert!(project.has(&format!("vendor/{path}")), "{path}");
    }
    // Only what is locked, and as the registry wrote it.
    let line = project.read("vendor/crates.io/index/me/mc/memchr");
    assert_eq!(line.lines().count(), 1);
    let cache = world.cargo_home().join("registry/index");
    let known =
        programs::command("grep").args(["-r", "-a", "-F", "-l", line.trim_end()]).arg(&cache).output();
    assert!(known.expect("grep").status.success(), "Cargo's cache does not have this line:\n{line}");
    let published = fs::read_to_string(world.web_root("a.example").join("cargo/index/tw/in/twin_x"));
    assert_eq!(project.read("vendor/a.example/index/tw/in/twin_x"), published.expect("the site has it"));
}

#[test]
fn an_unchanged_local_registry_is_not_touched_and_a_changed_one_is_made_anew() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let flags = ["--format", "local-registry"];
    small.nsvendor(&flags).success();
    let before = small.project.snapshot();
    let stamp = |path: &str| {
        fs::metadata(small.project.path().join(path)).expect("it is there").modified().expect("a time")
    };
    let modified = (stamp("vendor"), stamp("vendor/a.example/leaf-1.0.0.crate"));
    small.nsvendor(&flags).success().stderr_has("; nothing changed");
    small.project.assert_unchanged(&before);
    assert_eq!((stamp("vendor"), stamp("vendor/a.example/leaf-1.0.0.crate")), modified);
    // The other form in its place, and back.
    small.nsvendor(&[]).success();
    assert!(!small.project.has("vendor/a.example/index") && small.project.has("vendor/a.example/leaf-1.0.0"));
    small.nsvendor(&flags).success();
    small.project.assert_unchanged(&before);
    // What is not ours is left alone.
    small.project.write("vendor/a.example/notes.crate", "mine");
    small.refused(&flags).code(1).stderr_has("`a.example/notes.crate`, which was not vendored");
}

/// Attack: another .crate, another line (a dependency more), something beside them.
#[test]
fn a_local_registry_is_checked_to_the_last_line() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.nsvendor(&["--format", "local-registry", "--write-config"]).success();
    let before = small.project.snapshot();
    small.nsvendor(&["--check"]).success().stderr_has("holds them as published");
    small.project.assert_unchanged(&before);
    let index = "vendor/a.example/index/he/ll/hello";
    let line = small.project.read(index);
    for (text, problem) in [
        (line.replace("\"deps\":[", "\"deps\":[{\"name\":\"evil\",\"req\":\"^1\",\"features\":[],\"optional\":false,\"default_features\":true,\"target\":null,\"kind\":\"normal\"},"), "index/he/ll/hello differs"),
        (format!("{line}{}", line.replace("1.0.0", "1.0.1")), "index/he/ll/hello differs"),
        ("no json".to_owned(), "index/he/ll/hello differs"),
    ] {
        assert_ne!(text, line);
        small.project.write(index, &text);
        small.nsvendor(&["--check"]).code(4).stderr_has(problem);
    }
    // Yanked since then: what is locked is still what was published.
    small.project.write(index, &line.replace("\"yanked\":false", "\"yanked\":true"));
    small.nsvendor(&["--check"]).success();
    fs::remove_file(small.project.path().join(index)).expect("remove it");
    small.nsvendor(&["--check"]).code(4).stderr_has("index/he/ll/hello is missing");
    small.project.write(index, &line);
    small.project.write("vendor/a.example/index/ev/il/evil", "{}");
    small
        .nsvendor(&["--check"])
        .code(4)
        .stderr_has("`vendor/a.example/index/ev/il/evil` is not in the lock file");
    fs::remove_dir_all(small.project.path().join("vendor/a.example/index/ev")).expect("remove it");
    let packed = small.project.path().join("vendor/a.example/leaf-1.0.0.crate");
    let bytes = fs::read(&packed).expect("read it");
    fs::write(&packed, &bytes[1..]).expect("write it");
    small.nsvendor(&["--check"]).code(4).stderr_has("vendor/a.example/leaf-1.0.0.crate differs");
    fs::remove_file(&packed).expect("remove it");
    small
        .nsvendor(&["--check", "--offline"])
        .code(4)
        .stderr_has("vendor/a.example/leaf-1.0.0.crate is missing");
    small.nsvendor(&["--format", "local-registry"]).success();
    small.project.assert_unchanged(&before);
}

#[test]
fn what_is_left_out_of_a_local_registry_keeps_its_line() {
    let world = World::new(&["a.example"]);
    let site = SignedSite::new(&world, "a.example");
    site.release("windows-only", "1.0.0").publish();
    site.release("everywhere", "1.0.0").publish();
    let dependencies = format!(
        "{}[target.'cfg(windows)'.dependencies]\n{}",
        site.consumer_dependency("everywhere", "1"),
        site.consumer_dependency("windows-only", "1")
    );
    let project = world
        .project("app")
        .binary("app", &dependencies, "fn main() {\n    println!(\"{}\", everywhere::who());\n}\n")
        .file(".cargo/config.toml", &site.registry_config())
        .file(".cargo/namespaces.toml", &site.trust_entry());
    let flags = ["--format=local-registry", "--platform=x86_64-unknown-linux-gnu", "--write-config"];
    nsvendor(&world, &project, &flags).success().stderr_has("1 of them as a stub");
    assert!(!project.has("vendor/a.example/windows-only-1.0.0.crate"));
    assert!(project.has("vendor/a.example/index/wi/nd/windows-only"));
    run_offline(&world, &project).success().stdout_has("a.example/everywhere 1.0.0");
    nsvendor(&world, &project, &["--check"]).success();
    nsvendor(&world, &project, &["--format=local-registry", "--exclude-crate-path=*#tests"]).code(2);
}

#[test]
fn an_archive_is_the_same_to_the_byte_and_builds_where_it_is_unpacked() {
    let world = World::new(&["a.example", "b.example"]);
    let (_, project) = mixed(&world);
    nsvendor(&world, &project, &["--format", "tar.zst"]).success().stderr_has("Packed `vendor.tar.zst`");
    let first = fs::read(project.path().join("vendor.tar.zst")).expect("it was made");
    assert!(!project.has("vendor"));
    nsvendor(&world, &project, &["--format", "tar.zst"])
        .success()
        .stderr_has("`vendor.tar.zst`; nothing changed");
    // Another directory, another time, another user's mask, one core.
    let elsewhere = world.project("deep/er/elsewhere");
    let copied = Command::new("cp")
        .arg("-r")
        .arg(format!("{}/.", project.path().display()))
        .arg(elsewhere.path())
        .status();
    assert!(copied.expect("copy it").success());
    fs::remove_file(elsewhere.path().join("vendor.tar.zst")).expect("remove it");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let command = world.nsvendor();
    let program = command.get_program().to_string_lossy().into_owned();
    let line = format!("umask 077 && exec taskset -c 0 {program} --format tar.zst --output out/all.tar.zst");
    run(world.command("sh").args(["-c", &line]).current_dir(elsewhere.path())).success();
    assert!(fs::read(elsewhere.path().join("out/all.tar.zst")).expect("it was made") == first, "other bytes");
    // What GNU tar makes of it builds offline with an empty home.
    let fresh = world
        .project("fresh")
        .file("Cargo.toml", &project.read("Cargo.toml"))
        .file("Cargo.lock", &project.read("Cargo.lock"));
    fresh.write("src/main.rs", &project.read("src/main.rs"));
    let mut tar = programs::command("tar");
    run(tar.args(["--zstd", "-xf"]).arg(project.path().join("vendor.tar.zst")).current_dir(fresh.path()))
        .success();
    run_offline(&world, &fresh).success().stdout_has(SAID);
    let mut tar = programs::command("tar");
    let listed =
        run(tar.args(["--zstd", "-tvf"]).arg(project.path().join("vendor.tar.zst"))).success().stdout;
    let names: Vec<&str> = listed.lines().filter_map(|line| line.split_whitespace().last()).collect();
    assert!(names.is_sorted(), "{listed}");
    assert!(listed.lines().all(|line| line.contains(" 0/0 ") && line.contains("2006-07-24")), "{listed}");
    // The packages are those of the directory.
    nsvendor(&world, &project, &["third_party"]).success();
    let unpacked = namespace_world::snapshot(&fresh.path().join("vendor"));
    let vendored = namespace_world::snapshot(&project.path().join("third_party"));
    assert_eq!(vendored.changes(&unpacked), Vec::<String>::new());
}

#[test]
fn the_time_in_an_archive_is_the_one_that_the_user_names() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let flags = ["--format", "tar.zst", "--output", "all.tar.zst"];
    run(world
        .nsvendor()
        .args(flags)
        .env("SOURCE_DATE_EPOCH", "1763640000")
        .current_dir(small.project.path()))
    .success();
    let mut tar = programs::command("tar");
    let listed =
        run(tar.args(["--zstd", "-tvf", "all.tar.zst"]).env("TZ", "UTC").current_dir(small.project.path()));
    assert!(listed.stdout.lines().all(|line| line.contains("2025-11-20 12:00")), "{}", listed.stdout);
}

#[test]
fn an_archive_is_checked_against_what_is_locked() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let check = ["--check", "--format", "tar.zst"];
    small.refused(&check).stderr_has("vendor.tar.zst");
    small.nsvendor(&check[1..]).success();
    small.nsvendor(&check).success().stderr_has("vendor.tar.zst` holds them as published");
    // Compressed by somebody else: the same content.
    let file = small.project.path().join("vendor.tar.zst");
    let again = "zstd -q -d vendor.tar.zst -o x.tar && zstd -q -f -9 x.tar -o vendor.tar.zst && rm x.tar";
    run(programs::command("sh").args(["-c", again]).current_dir(small.project.path())).success();
    small.nsvendor(&check).success();
    let bytes = fs::read(&file).expect("read it");
    fs::write(&file, &bytes[..bytes.len() / 2]).expect("cut it");
    small.refused(&check).code(4).stderr_has("was cut off or damaged");
    let mut damaged = bytes.clone();
    damaged[bytes.len() / 2] ^= 1;
    fs::write(&file, damaged).expect("damage it");
    small.refused(&check).code(4).stderr_has("vendor.tar.zst`");
    fs::write(&file, "no archive").expect("replace it");
    small.refused(&check).code(4).stderr_has("was cut off or damaged");
    let more = "mkdir -p vendor/a.example/leaf-1.0.0 && echo > vendor/a.example/leaf-1.0.0/build.rs && zstd -q -d old.zst -o x.tar \
                && tar -rf x.tar vendor && zstd -q -f x.tar -o vendor.tar.zst && rm -r x.tar vendor old.zst";
    fs::write(small.project.path().join("old.zst"), &bytes).expect("write it");
    run(programs::command("sh").args(["-c", more]).current_dir(small.project.path())).success();
    small.refused(&check).code(4).stderr_has("does not match the lock file");
    // Which file it is, is said.
    let other = "zstd -q -d vendor.tar.zst -o x.tar && sed -i 's/a.example.leaf 1.0.0/a.example.LEAF 1.0.0/' x.tar \
                 && zstd -q -f x.tar -o vendor.tar.zst && rm x.tar";
    fs::write(&file, &bytes).expect("write it");
    run(programs::command("sh").args(["-c", other]).current_dir(small.project.path())).success();
    small
        .refused(&check)
        .code(4)
        .stderr_has("the first difference is at `vendor/a.example/leaf-1.0.0/src/lib.rs`");
}

/// A file that somebody needs is not written over by a slip of the pen.
#[test]
fn what_is_no_archive_and_no_bill_is_not_written_over() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.refused(&["--format=tar.zst", "--output=Cargo.toml"]).code(1).stderr_has("is no archive of zstd");
    small.refused(&["--format=tar.zst", "--output=src"]).code(1).stderr_has("src` already exists");
    small
        .refused(&["--format=tar.zst", "--output=vendor/all.tar.zst"])
        .code(2)
        .stderr_has("lies in the vendored");
    small.refused(&["--sbom=spdx=Cargo.toml"]).code(1).stderr_has("is no bill of materials");
    small.refused(&["--format=tar.zst", "--sbom=cyclonedx=src/main.rs"]).code(1);
    // An empty file was made for it, and what was made before is ours to replace.
    small.project.write("all.tar.zst", "");
    for _ in 0..2 {
        small.nsvendor(&["--format=tar.zst", "--output=all.tar.zst", "--sbom=spdx"]).success();
    }
    fs::write(small.project.path().join("all.tar.zst"), [0x28, 0xb5, 0x2f, 0xfd, 0]).expect("write it");
    small.nsvendor(&["--format=tar.zst", "--output=all.tar.zst", "--sbom=spdx"]).success();
}

#[test]
fn on_a_full_disk_no_half_of_a_form_is_left() {
    if !require(Need::Mount) {
        return;
    }
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let filling: String =
        (0_u32..60_000).map(|number| format!("{:x}", number.wrapping_mul(2_654_435_761))).collect();
    small.site.release("leaf", "1.0.1").file("filling", filling).publish();
    fs::remove_file(small.project.path().join("Cargo.lock")).expect("remove the lock file");
    small.lock();
    small.nsvendor(&["--format=tar.zst"]).success();
    fs::remove_file(small.project.path().join("vendor.tar.zst")).expect("remove it");
    let script = "set -e
        mkdir full && mount -t tmpfs -o size=96k tmpfs full && cp -r app/. full && cd full
        find . | sort > ../before
        for form in 'tar.zst --output deep/er/all.tar.zst' local-registry; do
            code=0; cargo-nsvendor --offline --format $form || code=$?
            find . | sort > ../after && cmp ../before ../after && test $code = 1
        done";
    let projects = small.project.path().parent().expect("the projects' directory");
    let mounting = ["--mount", "--map-root-user", "--user"];
    let output =
        run(world.command("unshare").args(mounting).args(["sh", "-c", script]).current_dir(projects));
    assert_eq!(output.success().stderr.matches("the disk is full").count(), 2);
}

#[test]
fn flags_of_another_form_are_refused() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.refused(&["--format", "tar.zst", "--write-config"]).code(2);
    small.refused(&["--format", "local-registry", "--no-delete"]).code(2);
}

/// A .crate that was altered in the cache: fetched again, and never packed.
#[test]
fn an_altered_archive_in_the_cache_is_not_packed() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.nsvendor(&["--format", "tar.zst", "--output", "one.tar.zst"]).success();
    let altered = || {
        let find = format!(
            "find {} -name 'leaf-1.0.0.crate' -o -name '*.crate' -path '*namespaces*' | while read f; do printf x >> \"$f\"; done",
            world.cargo_home().display()
        );
        run(programs::command("sh").args(["-c", &find])).success();
    };
    altered();
    small.refused(&["--format", "local-registry", "--offline"]);
    small.refused(&["--format", "tar.zst", "--output", "two.tar.zst", "--offline"]);
    small.nsvendor(&["--format", "local-registry"]).success();
    altered();
    small.nsvendor(&["--format", "tar.zst", "--output", "two.tar.zst"]).success();
    let read = |name: &str| fs::read(small.project.path().join(name)).expect("it was made");
    assert!(read("one.tar.zst") == read("two.tar.zst"), "other bytes");
}

/// Attack: a .crate of a registry without signatures that breaks the rules for archives, under the hash that is locked. Whoever
/// unpacks it follows its links, so it is not passed on; not for the hash of a good one, nor under another crate's name.
#[test]
fn a_hostile_archive_of_crates_io_is_not_passed_on_packed() {
    let world = World::new(&["a.example"]);
    let mirror = SignedSite::new(&world, "a.example");
    mirror.release("plain", "1.0.0").publish();
    let project = world.project("app").binary("app", "plain = \"1\"\n", "fn main() {}\n").file(
        ".cargo/config.toml",
        &format!(
            "[source.crates-io]\nreplace-with = \"mirror\"\n[source.mirror]\nregistry = \"{}\"\n",
            mirror.index()
        ),
    );
    run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    let flags = ["--format", "local-registry"];
    nsvendor(&world, &project, &flags).success();
    let noted = world.cargo_home().join("namespaces/inspected");
    let text = fs::read_to_string(&noted).expect("what passed is noted");
    assert!(text.lines().any(|line| line.ends_with(" plain-1.0.0")), "{text}");
    for (hostile, problem) in [
        (Archive::package("plain", "1.0.1").symlink("link", "../other").build(), "a symbolic link"),
        (
            Archive::package("plain", "1.0.1").file_at("plain-1.0.1/../other/build.rs", "").build(),
            "component",
        ),
    ] {
        mirror.release("plain", "1.0.1").archive(hostile).publish();
        run(world.cargo().arg("update").current_dir(project.path())).success();
        let before = project.snapshot();
        nsvendor(&world, &project, &flags).code(4).stderr_has(problem);
        project.assert_unchanged(&before);
        let _ = fs::remove_dir_all(world.cargo_home().join("registry"));
        let _ = fs::remove_dir_all(world.cargo_home().join("namespaces/crates"));
        fs::remove_file(project.path().join("Cargo.lock")).expect("remove it");
    }
    // Somebody else packed it: what stands is not believed either.
    let hostile = Archive::package("plain", "1.0.2").symlink("link", "../other").build();
    mirror.release("plain", "1.0.2").archive(hostile.clone()).publish();
    run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    fs::remove_dir_all(project.path().join("vendor")).expect("remove it");
    let lines = fs::read_to_string(world.web_root("a.example").join("cargo/index/pl/ai/plain"));
    let line = lines.expect("the index has it").lines().last().expect("a line").to_owned();
    project.write("vendor/crates.io/index/pl/ai/plain", &format!("{line}\n"));
    fs::write(project.path().join("vendor/crates.io/plain-1.0.2.crate"), hostile).expect("write it");
    nsvendor(&world, &project, &flags).code(4).stderr_has("a symbolic link");
    nsvendor(&world, &project, &["--check"]).code(4).stderr_has("a symbolic link");
}
