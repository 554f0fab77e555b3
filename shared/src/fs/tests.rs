use super::*;

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Every path below `root` with its content (`None` for a directory).
fn tree(root: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    let mut pending = vec![root.to_owned()];
    while let Some(next) = pending.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path.clone());
                found.push((path, None));
            } else {
                let content = fs::read(&path).unwrap();
                found.push((path, Some(content)));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_write_creates_directories_and_leaves_no_temporary_file() {
    let root = directory();
    let path = root.path().join("a/b/c.txt");
    write_atomic(&path, b"one").unwrap();
    write_atomic(&path, b"two").unwrap();
    assert_eq!(tree(root.path()).len(), 3);
    assert_eq!(read(&path).unwrap(), b"two");
    assert!(!write_if_changed(&path, b"two").unwrap());
    assert!(write_if_changed(&path, b"three").unwrap());
}

#[test]
fn a_new_file_must_be_new() {
    let root = directory();
    let path = root.path().join("key.pem");
    create_new(&path, b"first").unwrap();
    let error = create_new(&path, b"second").unwrap_err();
    assert_eq!(error.source.kind(), ErrorKind::AlreadyExists);
    assert_eq!(read(&path).unwrap(), b"first");
    assert_eq!(tree(root.path()).len(), 1);
}

#[cfg(unix)]
#[test]
fn permissions_are_kept_and_secrets_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let root = directory();
    let script = root.path().join("run");
    write_atomic(&script, b"1").unwrap();
    assert_ne!(mode(&script), 0o600, "an ordinary file follows the umask");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o750)).unwrap();
    write_atomic(&script, b"2").unwrap();
    assert_eq!(mode(&script), 0o750);
    let secret = root.path().join("secret");
    create_new_private(&secret, b"s").unwrap();
    assert_eq!(mode(&secret), 0o600);
}

#[cfg(unix)]
#[test]
fn a_write_goes_through_a_symbolic_link() {
    let root = directory();
    let real = root.path().join("dotfiles/config.toml");
    write_atomic(&real, b"old").unwrap();
    let link = root.path().join("config.toml");
    std::os::unix::fs::symlink("dotfiles/config.toml", &link).unwrap();
    write_atomic(&link, b"new").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(read(&real).unwrap(), b"new");
    fs::remove_file(&real).unwrap();
    write_atomic(&link, b"again").unwrap();
    assert_eq!(read(&real).unwrap(), b"again", "a dangling link too");
}

#[cfg(unix)]
#[test]
fn a_write_protected_file_is_left_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let root = directory();
    let path = root.path().join("Cargo.toml");
    write_atomic(&path, b"mine").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    let error = write_atomic(&path, b"yours").unwrap_err();
    assert!(error.hint().is_some());
    assert_eq!(read(&path).unwrap(), b"mine");
    assert_eq!(tree(root.path()).len(), 1);
}

#[test]
fn a_dropped_snapshot_puts_everything_back() {
    let root = directory();
    let manifest = root.path().join("Cargo.toml");
    let config = root.path().join(".cargo/config.toml");
    write_atomic(&manifest, b"[package]").unwrap();
    let before = tree(root.path());
    {
        let _snapshot = Snapshot::take([&manifest, &config]).unwrap();
        write_atomic(&manifest, b"changed").unwrap();
        write_atomic(&config, b"new").unwrap();
    }
    assert_eq!(tree(root.path()), before);
}

#[test]
fn a_panic_rolls_back() {
    let root = directory();
    let lock = root.path().join("Cargo.lock");
    write_atomic(&lock, b"version = 4").unwrap();
    let before = tree(root.path());
    let outcome = std::panic::catch_unwind(|| {
        let _snapshot = Snapshot::take([&lock]).unwrap();
        fs::remove_file(&lock).unwrap();
        panic!("in the middle");
    });
    assert!(outcome.is_err());
    assert_eq!(tree(root.path()), before);
}

#[test]
fn a_committed_snapshot_keeps_what_came_after() {
    let root = directory();
    let path = root.path().join("a");
    let snapshot = Snapshot::take([&path]).unwrap();
    write_atomic(&path, b"kept").unwrap();
    snapshot.commit();
    assert_eq!(read(&path).unwrap(), b"kept");
}

#[test]
fn the_first_state_counts_and_foreign_files_stay() {
    let root = directory();
    let path = root.path().join("new/a");
    let mut snapshot = Snapshot::take([&path]).unwrap();
    write_atomic(&path, b"1").unwrap();
    snapshot.add(&path).unwrap();
    write_atomic(&root.path().join("new/foreign"), b"x").unwrap();
    snapshot.restore().unwrap();
    assert!(!path.exists());
    assert!(root.path().join("new/foreign").exists());
}

#[test]
fn a_directory_is_not_a_file_to_remember() {
    let root = directory();
    assert!(Snapshot::take([root.path()]).is_err());
}

#[test]
fn an_error_names_what_and_where() {
    let error = read(Path::new("/nowhere/at/all")).unwrap_err();
    assert_eq!(error.to_string(), "failed to read `/nowhere/at/all`");
    assert!(error.is_not_found());
}

#[cfg(unix)]
#[test]
fn a_link_that_dangles_is_put_back_as_it_was() {
    use std::os::unix::fs::symlink;
    let root = tempfile::tempdir().unwrap();
    let (link, target) = (root.path().join("link"), root.path().join("elsewhere/file"));
    symlink(&target, &link).unwrap();
    let snapshot = Snapshot::take([&link]).unwrap();
    write_atomic(&link, b"new").unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"new");
    snapshot.restore().unwrap();
    assert_eq!(fs::read_link(&link).unwrap(), target);
    assert!(!target.exists() && !root.path().join("elsewhere").exists());
}

#[cfg(unix)]
#[test]
fn where_links_lead() {
    use std::os::unix::fs::symlink;
    let root = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(root.path()).unwrap();
    let project = root.join("project");
    write_atomic(&project.join("sub/real.toml"), b"").unwrap();
    symlink(&root, project.join("up")).unwrap();
    symlink("sub", project.join("within")).unwrap();
    symlink("../nowhere/x", project.join("dangling")).unwrap();
    symlink("loop", project.join("loop")).unwrap();
    for inside in ["sub/real.toml", "sub/new.toml", "new/deep.toml", "within/new.toml"] {
        assert_eq!(leads_out_of(&project.join(inside), &project), None, "{inside}");
    }
    assert_eq!(leads_out_of(&project.join("up/x.toml"), &project), Some(root.join("x.toml")));
    let dangling = leads_out_of(&project.join("dangling"), &project).unwrap();
    assert!(dangling.ends_with("nowhere/x"), "{}", dangling.display());
    assert!(leads_out_of(&project.join("../other"), &project).is_some());
    assert_eq!(leads_out_of(&project.join("loop/x"), &project), None, "writing fails");
}
