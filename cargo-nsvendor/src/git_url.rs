//! A git source as lock files and Cargo's configuration write it.

use std::fmt;

/// `git+https://host/repo?branch=main#<commit>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GitUrl {
    /// The repository: `https://host/repo`.
    pub url: String,
    /// What the manifest asked for, where it asked: `("branch", "main")`, decoded.
    pub reference: Option<(Reference, String)>,
    /// The commit, in full.
    pub commit: String,
    /// As written, without the commit: the name of the source in Cargo's configuration.
    text: String,
}

/// The kind of a [`GitUrl::reference`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    /// `branch = …`
    Branch,
    /// `tag = …`
    Tag,
    /// `rev = …`
    Rev,
}

impl Reference {
    /// The key in a manifest and in Cargo's configuration.
    pub fn key(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Tag => "tag",
            Self::Rev => "rev",
        }
    }

    fn parse(key: &str) -> Option<Self> {
        [Self::Branch, Self::Tag, Self::Rev].into_iter().find(|kind| kind.key() == key)
    }
}

impl GitUrl {
    /// Reads a locked source; the commit must be there.
    pub fn parse(text: &str) -> Option<Self> {
        let (source, commit) = text.rsplit_once('#')?;
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        let complete = matches!(commit.len(), 40 | 64);
        if !complete || !commit.bytes().all(hex) {
            return None;
        }
        let (url, reference) = parse_source(source)?;
        Some(Self { url, reference, commit: commit.to_owned(), text: source.to_owned() })
    }

    /// The name of the source in Cargo's configuration: `git+https://host/repo?branch=main`.
    pub fn source_name(&self) -> &str {
        &self.text
    }

    /// `repo-1a2b3c4`: a name for a directory.
    pub fn short_name(&self) -> String {
        let path = self.url.split(['?', '#']).next().unwrap_or_default();
        let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let last = last.strip_suffix(".git").unwrap_or(last);
        let clean: String =
            last.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).collect();
        let clean = clean.trim_matches('.');
        let clean = if clean.is_empty() { "repository" } else { clean };
        format!("{clean}-{}", &self.commit[..7])
    }
}

/// `git+https://host/repo?branch=main` without a commit, as `cargo metadata` gives a dependency's source.
pub fn parse_source(text: &str) -> Option<(String, Option<(Reference, String)>)> {
    let rest = text.strip_prefix("git+")?;
    let (url, query) = rest.split_once('?').map_or((rest, ""), |(url, query)| (url, query));
    if url.is_empty() {
        return None;
    }
    let mut kept = Vec::new();
    let mut reference = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        match Reference::parse(key) {
            Some(kind) if reference.is_none() => reference = Some((kind, percent_decode(value)?)),
            _ => kept.push(pair),
        }
    }
    let url = if kept.is_empty() { url.to_owned() } else { format!("{url}?{}", kept.join("&")) };
    Some((url, reference))
}

/// Lock files of version 4 escape the reference as a form does; earlier ones write it as it is, where these
/// characters hardly occur.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

impl fmt::Display for GitUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.text, self.commit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn the_parts_of_a_locked_source() {
        let text = format!("git+https://github.com/a/repo.git?branch=x%2Fy+z#{COMMIT}");
        let url = GitUrl::parse(&text).unwrap();
        assert_eq!(url.url, "https://github.com/a/repo.git");
        assert_eq!(url.reference, Some((Reference::Branch, "x/y z".to_owned())));
        assert_eq!(url.commit, COMMIT);
        assert_eq!(url.source_name(), "git+https://github.com/a/repo.git?branch=x%2Fy+z");
        assert_eq!(url.short_name(), "repo-0123456");
        assert_eq!(url.to_string(), text);
    }

    #[test]
    fn other_queries_belong_to_the_url() {
        let (url, reference) = parse_source("git+https://host/r?x=1&rev=abc").unwrap();
        assert_eq!(
            (url.as_str(), reference),
            ("https://host/r?x=1", Some((Reference::Rev, "abc".to_owned())))
        );
    }

    #[test]
    fn a_source_without_a_whole_commit_is_none() {
        for text in
            ["git+https://h/r", "git+https://h/r#abc", "https://h/r#0123", "git+#", "git+https://h/r#../../x"]
        {
            assert_eq!(GitUrl::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_directory_name_is_plain() {
        for (url, name) in [
            ("https://h/../..", "repository-0123456"),
            ("file:///x/y z/", "yz-0123456"),
            ("ssh://git@h/a/b.git", "b-0123456"),
        ] {
            assert_eq!(GitUrl::parse(&format!("git+{url}#{COMMIT}")).unwrap().short_name(), name, "{url}");
        }
    }
}
