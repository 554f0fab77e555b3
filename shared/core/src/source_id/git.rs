//! A git source: a repository, what was asked for in it, and the commit that this was.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use url::Url;

use super::Spelling;
use crate::text::percent_decode;

/// `git+https://host/repo?branch=main#<commit>`.
///
/// Two are equal if they are one source to Cargo: it compares repositories without a slash or `.git` at the end, and
/// those on GitHub in lower case. The text of the URL is kept as it is written: it is what is fetched.
#[derive(Clone, Debug)]
pub struct GitSource {
    url: String,
    reference: Option<(GitReference, String)>,
    commit: Option<String>,
    /// The URL as it compares.
    canonical: String,
}

/// The kind of a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GitReference {
    /// `branch = …`
    Branch,
    /// `tag = …`
    Tag,
    /// `rev = …`
    Rev,
}

impl GitReference {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Branch, Self::Tag, Self::Rev];

    /// The key in a manifest and in Cargo's configuration.
    pub fn key(self) -> &'static str {
        match self {
            Self::Branch => "branch",
            Self::Tag => "tag",
            Self::Rev => "rev",
        }
    }
}

impl GitSource {
    /// A source that is not written as an id.
    pub fn new(url: &str, reference: Option<(GitReference, String)>, commit: Option<String>) -> Self {
        Self { url: url.to_owned(), reference, commit, canonical: canonical(url) }
    }

    /// Reads a source id; nothing if it is another kind's.
    pub fn parse(text: &str, spelling: Spelling) -> Option<Self> {
        let text = text.strip_prefix("git+")?;
        let (source, commit) = match text.rsplit_once('#') {
            Some((source, commit)) if is_commit(commit) => (source, Some(commit.to_owned())),
            _ => (text, None),
        };
        let found = GitReference::ALL.into_iter().filter_map(|kind| {
            let (url, value) = source.split_once(&format!("?{}=", kind.key()))?;
            Some((url, kind, value))
        });
        // The first is the query; another can only be a part of the reference.
        let (url, reference) = match found.min_by_key(|(url, ..)| url.len()) {
            Some((url, kind, value)) => (url, Some((kind, read(value, spelling)))),
            None => (source, None),
        };
        Some(Self::new(url, reference, commit))
    }

    /// The repository, as it is written: `https://host/repo`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What was asked for, where it was: `(Branch, "feature/x")`.
    pub fn reference(&self) -> Option<(GitReference, &str)> {
        self.reference.as_ref().map(|(kind, value)| (*kind, value.as_str()))
    }

    /// The commit, in full.
    pub fn commit(&self) -> Option<&str> {
        self.commit.as_deref()
    }

    /// Whether both are the same reference of the same repository, at whatever commit.
    pub fn same_place(&self, other: &Self) -> bool {
        (&self.canonical, &self.reference) == (&other.canonical, &other.reference)
    }

    /// Whether both are the same repository.
    pub fn same_repository(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }

    /// `git+https://host/repo?branch=feature/x`: what `cargo vendor` calls the source in Cargo's configuration.
    pub fn plain_name(&self) -> String {
        match &self.reference {
            Some((kind, value)) => format!("git+{}?{}={value}", self.url, kind.key()),
            None => format!("git+{}", self.url),
        }
    }

    /// Whether Cargo reads the reference otherwise where it is not escaped, as in a lock file of version 3. It then takes what is
    /// locked for another source, and asks the repository.
    pub fn is_misread_unescaped(&self) -> bool {
        let is_escape = |bytes: &[u8]| bytes[0] == b'%' && bytes[1..].iter().all(u8::is_ascii_hexdigit);
        self.reference.as_ref().is_some_and(|(_, value)| {
            value.contains(['+', '&', '#']) || value.as_bytes().windows(3).any(is_escape)
        })
    }

    fn compared(&self) -> (&String, &Option<(GitReference, String)>, &Option<String>) {
        (&self.canonical, &self.reference, &self.commit)
    }
}

impl PartialEq for GitSource {
    fn eq(&self, other: &Self) -> bool {
        self.compared() == other.compared()
    }
}

impl Eq for GitSource {}

impl PartialOrd for GitSource {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for GitSource {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compared().cmp(&other.compared())
    }
}

impl Hash for GitSource {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.compared().hash(state);
    }
}

/// As a lock file of version 4 writes it.
impl fmt::Display for GitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "git+{}", self.url)?;
        if let Some((kind, value)) = &self.reference {
            write!(f, "?{}={}", kind.key(), escape(value))?;
        }
        match &self.commit {
            Some(commit) => write!(f, "#{commit}"),
            None => Ok(()),
        }
    }
}

/// SHA-1 or SHA-256, in full.
fn is_commit(text: &str) -> bool {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    matches!(text.len(), 40 | 64) && text.bytes().all(hex)
}

/// A reference; one that is not escaped well stays as it is.
fn read(value: &str, spelling: Spelling) -> String {
    match spelling {
        Spelling::Plain => value.to_owned(),
        Spelling::Escaped => percent_decode(&value.replace('+', " ")).unwrap_or_else(|| value.to_owned()),
    }
}

/// The escapes of a form, as the URL standard has them.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// The URL as Cargo compares it (`CanonicalUrl`). What is no URL compares by its text.
fn canonical(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return text.to_owned() };
    if url.cannot_be_a_base() {
        return text.to_owned();
    }
    if url.host_str() == Some("github.com") {
        let rest = url.as_str()[url.scheme().len()..].to_owned();
        let Ok(https) = Url::parse(&format!("https{rest}")) else { return text.to_owned() };
        url = https;
        let path = url.path().to_lowercase();
        url.set_path(&path);
    }
    if let Some(path) = url.path().strip_suffix('/').map(str::to_owned) {
        url.set_path(&path);
    }
    if let Some(path) = url.path().strip_suffix(".git").map(str::to_owned) {
        url.set_path(&path);
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn git(text: &str, spelling: Spelling) -> GitSource {
        GitSource::parse(text, spelling).unwrap()
    }

    /// As Cargo 1.95 wrote them, in lock files of version 4 and 3.
    #[test]
    fn both_spellings_of_a_reference_are_one_source() {
        for (kind, value, escaped) in [
            ("branch", "feature/x", "feature%2Fx"),
            ("branch", "a+b", "a%2Bb"),
            ("branch", "a%2Fb", "a%252Fb"),
            ("branch", "a&tag=v", "a%26tag%3Dv"),
            ("branch", "x?tag=y", "x%3Ftag%3Dy"),
            ("branch", "ü/ö", "%C3%BC%2F%C3%B6"),
            ("branch", "x;y", "x%3By"),
            ("tag", "v1.0.0+wasi", "v1.0.0%2Bwasi"),
            ("tag", "a#b", "a%23b"),
            ("tag", "a%20b", "a%2520b"),
            ("tag", "a=b&c", "a%3Db%26c"),
            ("tag", "q'uote", "q%27uote"),
            ("tag", "a\"b", "a%22b"),
            ("rev", "refs/pull/1/head", "refs%2Fpull%2F1%2Fhead"),
            ("rev", "*-._", "*-._"),
        ] {
            let plain = format!("git+file:///r?{kind}={value}#{COMMIT}");
            let form = format!("git+file:///r?{kind}={escaped}#{COMMIT}");
            let (one, two) = (git(&plain, Spelling::Plain), git(&form, Spelling::Escaped));
            assert_eq!(one, two);
            let kind = GitReference::ALL.into_iter().find(|known| known.key() == kind).unwrap();
            assert_eq!((one.url(), one.reference()), ("file:///r", Some((kind, value))));
            assert_eq!(one.commit(), Some(COMMIT));
            assert_eq!(one.to_string(), form);
            assert_eq!(format!("{}#{COMMIT}", two.plain_name()), plain);
        }
    }

    #[test]
    fn repositories_compare_as_cargo_compares_them() {
        let same = |one: &str, two: &str| {
            git(&format!("git+{one}"), Spelling::Plain) == git(&format!("git+{two}"), Spelling::Plain)
        };
        for (one, two) in [
            ("https://host.example/r", "https://host.example/r.git"),
            ("https://host.example/r", "https://host.example/r/"),
            ("https://host.example/r.git/", "https://host.example/r"),
            ("https://HOST.example:443/r", "https://host.example/r"),
            ("https://github.com/Owner/Repo.git", "http://github.com/owner/repo"),
            ("ssh://github.com/owner/repo", "https://github.com/owner/repo"),
            ("file:///tmp/a b", "file:///tmp/a%20b"),
            ("ssh://git@host.example:22/r.git", "ssh://git@host.example:22/r"),
        ] {
            assert!(same(one, two), "{one} {two}");
        }
        for (one, two) in [
            ("https://host.example/R", "https://host.example/r"),
            ("https://host.example/r", "http://host.example/r"),
            ("https://host.example:8443/r", "https://host.example/r"),
            ("https://user@host.example/r", "https://host.example/r"),
            ("https://host.example/r?x=1", "https://host.example/r"),
            ("https://host.example/r?branch=a", "https://host.example/r?tag=a"),
        ] {
            assert!(!same(one, two), "{one} {two}");
        }
    }

    #[test]
    fn what_is_no_reference_and_no_commit_belongs_to_the_url() {
        for text in ["https://h/r?x=1", "https://h/r#abc", "https://h/r#../../x", "h:r.git", ""] {
            let read = git(&format!("git+{text}"), Spelling::Escaped);
            assert_eq!((read.url(), read.reference(), read.commit()), (text, None, None), "{text}");
        }
        let read = git("git+https://h/r?x=1?branch=main", Spelling::Plain);
        assert_eq!((read.url(), read.reference()), ("https://h/r?x=1", Some((GitReference::Branch, "main"))));
        assert!(GitSource::parse("sparse+https://h/r", Spelling::Plain).is_none());
        // Broken escapes are text.
        let broken = git("git+https://h/r?branch=100%", Spelling::Escaped);
        assert_eq!(broken.reference(), Some((GitReference::Branch, "100%")));
    }
}
