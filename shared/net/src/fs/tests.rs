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
fn an_error_names_what_and_where() {
    let error = read(Path::new("/nowhere/at/all")).unwrap_err();
    assert_eq!(error.to_string(), "failed to read `/nowhere/at/all`");
    assert!(error.is_not_found());
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
