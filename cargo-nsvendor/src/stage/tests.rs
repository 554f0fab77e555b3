//! The tests of the staging directory.

use super::*;
use crate::evidence::Standing;
use crate::extract::{CHECKSUMS, Checksums};
use cargo_namespaces::digest::Digest;
use cargo_namespaces_cli::shell::ShellOptions;
use cargo_namespaces_net::fs::write_atomic;

fn shell() -> Shell {
    Shell::captured(ShellOptions::default())
}

fn begin(target: &Path) -> Result<Stage, StageError> {
    let hold = Hold::take(target, &shell())?;
    let existing = hold.examine(&Standing::new())?;
    Stage::begin(hold, existing, &shell())
}

fn package(directory: &Path, content: &str) {
    let mut checksums = Checksums::default();
    checksums.files.insert("x".to_owned(), Digest::of(content.as_bytes()));
    write_atomic(&directory.join("x"), content.as_bytes()).unwrap();
    write_atomic(&directory.join(CHECKSUMS), checksums.to_json().as_bytes()).unwrap();
}

fn entries(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_new_tree_replaces_the_old_one_and_leaves_nothing() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("vendor");
    for round in ["one", "two"] {
        let stage = begin(&target).unwrap();
        package(&stage.tree().join("crates.io/a-1.0.0"), round);
        stage.swap().unwrap();
        assert_eq!(read(&target.join("crates.io/a-1.0.0/x")), round);
        assert_eq!(entries(home.path()), ["vendor"]);
    }
}

#[test]
fn without_commit_everything_is_as_before() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("vendor");
    package(&target.join("a-1.0.0"), "old");
    let stage = begin(&target).unwrap();
    package(&stage.tree().join("a-1.0.0"), "new");
    drop(stage);
    assert_eq!(read(&target.join("a-1.0.0/x")), "old");
    assert_eq!(entries(home.path()), ["vendor"]);
}

#[test]
fn directories_above_are_made_and_removed_again() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("third/party/vendor");
    drop(begin(&target).unwrap());
    assert_eq!(entries(home.path()), Vec::<String>::new());
    let stage = begin(&target).unwrap();
    package(&stage.tree().join("a-1.0.0"), "new");
    stage.swap().unwrap();
    assert_eq!(read(&target.join("a-1.0.0/x")), "new");
}

#[test]
fn two_renames_do_as_well() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("vendor");
    package(&target.join("a-1.0.0"), "old");
    let stage = begin(&target).unwrap();
    package(&stage.tree().join("a-1.0.0"), "new");
    stage.rename_twice().unwrap();
    drop(stage);
    assert_eq!(read(&target.join("a-1.0.0/x")), "new");
    assert_eq!(entries(home.path()), ["vendor"]);
}

#[test]
fn a_run_killed_between_two_renames_is_finished_backwards() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("vendor");
    package(&home.path().join(".vendor.nsvendor-abc123/old/a-1.0.0"), "old");
    package(&home.path().join(".vendor.nsvendor-abc123/new/a-1.0.0"), "half");
    drop(begin(&target).unwrap());
    assert_eq!(read(&target.join("a-1.0.0/x")), "old");
    assert_eq!(entries(home.path()), ["vendor"]);
}

#[test]
fn only_our_own_remains_are_removed() {
    let home = tempfile::tempdir().unwrap();
    let theirs =
        [".other.nsvendor-abc123/new", ".vendor.nsvendor-abc12/new", ".vendor.nsvendor-backup/vendor"];
    for path in theirs.iter().chain(&[".vendor.nsvendor-abc123/new/a"]) {
        fs::create_dir_all(home.path().join(path)).unwrap();
    }
    drop(begin(&home.path().join("vendor")).unwrap());
    let kept = [".other.nsvendor-abc123", ".vendor.nsvendor-abc12", ".vendor.nsvendor-backup"];
    assert_eq!(entries(home.path()), kept);
}

#[test]
fn dot_files_at_the_top_are_kept() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("vendor");
    package(&target.join("a-1.0.0"), "old");
    write_atomic(&target.join(".gitattributes"), b"* -text\n").unwrap();
    let stage = begin(&target).unwrap();
    package(&stage.tree().join("a-1.0.0"), "new");
    stage.swap().unwrap();
    assert_eq!(read(&target.join(".gitattributes")), "* -text\n");
}

#[cfg(unix)]
#[test]
fn a_write_protected_directory_is_left_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("vendor");
    package(&target.join("a-1.0.0"), "old");
    fs::set_permissions(&target, fs::Permissions::from_mode(0o555)).unwrap();
    assert!(matches!(begin(&target), Err(StageError::ReadOnly(path)) if path == target));
    fs::set_permissions(&target, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(read(&target.join("a-1.0.0/x")), "old");
}

#[test]
fn packages_are_moved_in_and_out_and_emptied_sources_go() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("vendor");
    for path in ["crates.io/a-1.0.0", "crates.io/b-1.0.0", "one.example/c-1.0.0"] {
        package(&target.join(path), "old");
    }
    let stage = begin(&target).unwrap();
    for path in ["crates.io/a-1.0.1", "crates.io/b-1.0.0", "two.example/d-1.0.0"] {
        package(&stage.tree().join(path), "new");
    }
    let put = ["crates.io/a-1.0.1", "crates.io/b-1.0.0", "two.example/d-1.0.0"];
    stage.move_packages(&put, &["crates.io/a-1.0.0", "one.example/c-1.0.0"]).unwrap();
    assert_eq!(entries(&target), ["crates.io", "two.example"]);
    assert_eq!(entries(&target.join("crates.io")), ["a-1.0.1", "b-1.0.0"]);
    assert_eq!(read(&target.join("crates.io/b-1.0.0/x")), "new");
    assert_eq!(entries(home.path()), ["vendor"]);
}

#[test]
fn a_move_that_fails_undoes_those_before_it() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("vendor");
    package(&target.join("a-1.0.0"), "old");
    package(&target.join("b-1.0.0"), "old");
    let stage = begin(&target).unwrap();
    package(&stage.tree().join("a-1.0.0"), "new");
    package(&stage.tree().join("c-1.0.0"), "new");
    let moved = stage.move_packages(&["a-1.0.0", "c-1.0.0"], &["b-1.0.0", "never-1.0.0"]);
    assert!(moved.is_err());
    assert_eq!(entries(&target), ["a-1.0.0", "b-1.0.0"]);
    assert_eq!(read(&target.join("a-1.0.0/x")), "old");
    assert_eq!(entries(home.path()), ["vendor"]);
}
