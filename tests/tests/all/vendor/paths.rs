//! Paths that are no UTF-8.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use namespace_world::{Output, World, run};

use super::Small;

fn odd(text: &[u8]) -> OsString {
    OsStr::from_bytes(text).to_owned()
}

/// Neither a panic nor a signal: an answer.
#[track_caller]
fn answers(output: Output) -> Output {
    assert!(output.status.code().is_some(), "{output}");
    let text = format!("{}{}", output.stdout, output.stderr);
    assert!(!text.contains("panicked"), "{text}");
    output
}

/// Where stock Cargo works, so does this; where it does not, both say so.
#[test]
fn directories_whose_names_are_no_utf_8() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let project = small.project.path();
    let cargo = |directory: &OsStr| {
        run(world.cargo().args(["vendor", "--offline"]).arg(directory).current_dir(project))
    };
    let ours = |directory: &OsStr| answers(run(world.nsvendor().arg(directory).current_dir(project)));
    small.nsvendor(&["first"]).success();
    run(world.cargo().arg("fetch").current_dir(project)).success();
    let (theirs, mine) = (cargo(&odd(b"theirs\xff")), ours(&odd(b"ours\xff")));
    assert_eq!(theirs.status.success(), mine.status.success(), "{theirs} {mine}");

    // The project itself.
    let moved = world.root().join(odd(b"app\xff"));
    std::fs::rename(project, &moved).expect("rename the project");
    let theirs = run(world.cargo().args(["vendor", "--offline", "theirs"]).current_dir(&moved));
    // `cargo metadata`, which filters ask, names no such path.
    let filtered = ["v", "--keep-dep-kinds", "no-dev"];
    answers(run(world.nsvendor().args(filtered).current_dir(&moved))).failure().stderr_has("UTF-8");
    for arguments in [&["v"][..], &["v", "--check"], &["v", "--write-config"]] {
        let mine = answers(run(world.nsvendor().args(arguments).current_dir(&moved)));
        assert!(!theirs.status.success() || mine.status.success(), "{theirs} {arguments:?} {mine}");
    }
    for mut command in [world.nsadd(), world.nspublish()] {
        answers(run(command.current_dir(&moved)));
    }
    for arguments in [&["a.example/leaf"][..], &["--sync"], &["--dry-run", "a.example/leaf"]] {
        let added = answers(run(world.nsadd().args(arguments).current_dir(&moved)));
        assert!(!added.stderr.contains("invalid UTF-8"), "{added}");
    }
    answers(run(world.nspublish().args(["--dry-run", "--site", "site"]).current_dir(&moved)));
    std::fs::rename(&moved, project).expect("rename it back");

    // Cargo's home.
    let home = world.root().join(odd(b"home\xff"));
    let in_home = |mut command: std::process::Command| {
        answers(run(command.env("CARGO_HOME", &home).current_dir(project)))
    };
    let mut vendor = world.cargo();
    vendor.args(["vendor", "theirs"]);
    let theirs = in_home(vendor);
    let mut vendor = world.nsvendor();
    vendor.arg("ours");
    let mine = in_home(vendor);
    assert!(!theirs.status.success() || mine.status.success(), "{theirs} {mine}");
}

/// Each flag, of each command, with what is no UTF-8.
#[test]
fn arguments_that_are_no_utf_8() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let before = small.project.snapshot();
    let bad = odd(b"x\xff");
    for flag in [
        "--manifest-path",
        "--config",
        "--trust",
        "--sync",
        "--sbom",
        "--format",
        "--message-format",
        "-C",
        "-F",
    ] {
        let mut command = world.nsvendor();
        answers(run(command.arg(flag).arg(&bad).current_dir(small.project.path()))).failure();
    }
    for flag in ["", "--manifest-path", "--config", "--features", "--package", "--rename", "--register", "-C"]
    {
        let mut command = world.nsadd();
        if !flag.is_empty() {
            command.arg(flag);
        }
        answers(run(command.arg(&bad).current_dir(small.project.path()))).failure();
    }
    for flag in ["--manifest-path", "--config", "--site", "--package", "-C"] {
        let mut command = world.nspublish();
        answers(run(command.arg("--dry-run").arg(flag).arg(&bad).current_dir(small.project.path())))
            .failure();
    }
    for arguments in [&["--config"][..], &["serve", "--config"], &["key", "--config"]] {
        let mut command = world.nsregistry();
        answers(run(command.args(arguments).arg(&bad).current_dir(small.project.path()))).failure();
    }
    small.project.assert_unchanged(&before);
}
