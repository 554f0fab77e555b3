//! Paths as they are written.

use std::path::{Component, Path, PathBuf};

/// Without `.` and `..` components, as they are written: a link on the way is not followed.
pub fn lexically_normal(path: &Path) -> PathBuf {
    let mut made = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                made.pop();
            }
            other => made.push(other),
        }
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_made_plain() {
        assert_eq!(lexically_normal(Path::new("/a/./b/../c")), Path::new("/a/c"));
        assert_eq!(lexically_normal(Path::new("/../a")), Path::new("/a"));
    }
}
