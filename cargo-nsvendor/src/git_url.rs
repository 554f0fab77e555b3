//! A git source at a commit.

use std::fmt;
use std::ops::Deref;

use cargo_namespaces::source_id::GitSource;

/// `git+https://host/repo?branch=main#<commit>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GitUrl {
    source: GitSource,
    commit: String,
}

impl GitUrl {
    /// Returns `None` if the commit of the source is not known.
    pub fn new(source: &GitSource) -> Option<Self> {
        let commit = source.commit()?.to_owned();
        (!source.url().is_empty()).then(|| Self { source: source.clone(), commit })
    }

    pub fn commit(&self) -> &str {
        &self.commit
    }

    /// The source as lock files name it.
    pub fn source(&self) -> &GitSource {
        &self.source
    }

    /// `repo-1a2b3c4`: a name for a directory.
    pub fn short_name(&self) -> String {
        let path = self.source.url().split(['?', '#']).next().unwrap_or_default();
        let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let last = last.strip_suffix(".git").unwrap_or(last);
        let clean: String =
            last.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
        let clean = clean.trim_matches('.');
        let clean = if clean.is_empty() { "repository" } else { clean };
        format!("{clean}-{}", &self.commit[..7])
    }
}

impl Deref for GitUrl {
    type Target = GitSource;

    fn deref(&self) -> &GitSource {
        &self.source
    }
}

impl fmt::Display for GitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_namespaces::source_id::Spelling;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn a_source_without_a_whole_commit_is_none() {
        let read = |text: &str| GitUrl::new(&GitSource::parse(text, Spelling::Escaped).unwrap());
        for text in ["git+https://h/r", "git+https://h/r#abc", "git+#", "git+https://h/r#../../x"] {
            assert_eq!(read(text), None, "{text}");
        }
        let text = format!("git+https://github.com/a/repo.git?branch=x%2Fy+z#{COMMIT}");
        let url = read(&text).unwrap();
        assert_eq!((url.commit(), url.to_string()), (COMMIT, text));
    }

    #[test]
    fn a_directory_name_is_plain() {
        for (url, name) in [
            ("https://h/../..", "repository-0123456"),
            ("file:///x/y z/", "yz-0123456"),
            ("ssh://git@h/a/b.git", "b-0123456"),
        ] {
            let source = GitSource::parse(&format!("git+{url}#{COMMIT}"), Spelling::Plain).unwrap();
            assert_eq!(GitUrl::new(&source).unwrap().short_name(), name, "{url}");
        }
    }
}
