//! Package URLs: what other tools call a package, `pkg:cargo/<name>@<version>` and where it comes from.
//!
//! | from | |
//! |---|---|
//! | crates.io | nothing more |
//! | another registry | `?repository_url=<its index, as Cargo spells it>` |
//! | git | `?vcs_url=git+<repository>@<commit>` |
//!
//! The package-URL specification (`cargo` type, "Character encoding"); a release statement holds the one of its release.

use semver::Version;

use crate::text::percent_encode_purl as encode;

/// The package URL of a crate on crates.io.
#[must_use]
pub fn of_crates_io(name: &str, version: &Version) -> String {
    format!("pkg:cargo/{}@{}", encode(name), encode(&version.to_string()))
}

/// The package URL of a crate in the registry with this index.
#[must_use]
pub fn of_registry(name: &str, version: &Version, index: &str) -> String {
    format!("{}?repository_url={}", of_crates_io(name, version), encode(index))
}

/// The package URL of a package in a git repository at a commit.
#[must_use]
pub fn of_git(name: &str, version: &Version, repository: &str, commit: &str) -> String {
    format!("{}?vcs_url={}", of_crates_io(name, version), encode(&format!("git+{repository}@{commit}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_says_where_the_package_comes_from() {
        let version = Version::parse("1.0.0+b").unwrap();
        assert_eq!(of_crates_io("a_b", &version), "pkg:cargo/a_b@1.0.0%2Bb");
        assert_eq!(
            of_registry("a", &Version::new(1, 0, 0), "sparse+https://a.example/i/"),
            "pkg:cargo/a@1.0.0?repository_url=sparse%2Bhttps:%2F%2Fa.example%2Fi%2F"
        );
        assert_eq!(
            of_git("a", &Version::new(1, 0, 0), "https://h.example/r.git", "0123"),
            "pkg:cargo/a@1.0.0?vcs_url=git%2Bhttps:%2F%2Fh.example%2Fr.git%400123"
        );
    }
}
