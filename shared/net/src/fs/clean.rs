//! Paths as people write them: without `.`, and without `..` where that names the same file.

use std::path::{Component, Path, PathBuf};

/// `path` without its `.` components, and without each `x/..` that leads back to where it began. Where `x` is a
/// symbolic link it leads elsewhere, so there both components stay.
pub fn clean(path: &Path) -> PathBuf {
    let mut made = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match made.components().next_back() {
                Some(Component::Normal(_)) if !made.is_symlink() => {
                    made.pop();
                }
                // Above the root there is the root.
                Some(Component::RootDir) => {}
                _ => made.push(component),
            },
            other => made.push(other),
        }
    }
    if made.as_os_str().is_empty() { PathBuf::from(".") } else { made }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_back_is_left_out() {
        for (path, cleaned) in [
            ("/home/you/app/../site", "/home/you/site"),
            ("/home/./you//site/", "/home/you/site"),
            ("../../site", "../../site"),
            ("a/../../site", "../site"),
            ("a/..", "."),
            ("./site", "site"),
            ("/../site", "/site"),
        ] {
            assert_eq!(clean(Path::new(path)), Path::new(cleaned), "{path}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_on_the_way_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let link = home.path().join("link");
        std::os::unix::fs::symlink("/", &link).unwrap();
        assert_eq!(clean(&link.join("../site")), link.join("../site"));
        assert_eq!(clean(&home.path().join("none/../site")), home.path().join("site"));
    }
}
