//! Where each file of a site is: pure arithmetic on the canonical index URL.

use cargo_namespaces::index::tree::TreeFile;
use cargo_namespaces::name::{IndexUrl, Namespace};

/// The files of one namespace's site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticIndexLayout {
    namespace: Namespace,
    index: IndexUrl,
    /// The index's directory below the site's, with a trailing slash; empty when they are the same.
    index_dir: String,
    /// Whether the site's directory is the root of the namespace's own host.
    serves_domain: bool,
}

/// Why a site cannot be laid out.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// The URL of the site is not of the form that is needed.
    #[error("the site's URL `{0}` is not of the form `https://host/path/`")]
    SiteUrl(String),
    /// The index is not below the site.
    #[error("the index of `{namespace}` is `{index}`, which is not below the site's URL `{site_url}`")]
    Outside {
        /// Whose index.
        namespace: Namespace,
        /// Its canonical URL.
        index: IndexUrl,
        /// The URL that the directory is served at.
        site_url: String,
    },
}

impl StaticIndexLayout {
    /// The layout of a namespace in a directory that is served at `site_url` (`https://host/path/`), which is the root
    /// of the index's host unless told otherwise.
    ///
    /// # Errors
    /// `site_url` is no such URL, or the index does not lie below it.
    pub fn new(namespace: Namespace, index: IndexUrl, site_url: Option<&str>) -> Result<Self, LayoutError> {
        let index_base = index.http_base();
        let root = origin(index_base);
        let site_url = match site_url {
            None => root.to_owned(),
            Some(text) => normal_site_url(text)?,
        };
        let Some(index_dir) = index_base.strip_prefix(&site_url) else {
            return Err(LayoutError::Outside { namespace, index, site_url });
        };
        let serves_domain = site_url == format!("https://{namespace}/");
        Ok(Self { index_dir: index_dir.to_owned(), serves_domain, namespace, index })
    }

    /// Whose site it is.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The canonical index URL.
    #[must_use]
    pub fn index(&self) -> &IndexUrl {
        &self.index
    }

    /// True when the directory is the root of `https://<namespace>/`, so that the `.well-known` files belong into it.
    #[must_use]
    pub fn serves_domain(&self) -> bool {
        self.serves_domain
    }

    /// The path of a file below the site's directory, with `/` between its parts.
    #[must_use]
    pub fn path(&self, file: &TreeFile) -> String {
        file.path(&self.index_dir)
    }

    /// The directory of the index below the site's, with a slash at its end; empty where they are the same.
    #[must_use]
    pub fn index_dir(&self) -> &str {
        &self.index_dir
    }
}

/// `https://host[:port]/` of an `https` URL with a path.
fn origin(url: &str) -> &str {
    let host = "https://".len();
    let end = url[host..].find('/').map_or(url.len(), |slash| host + slash + 1);
    &url[..end]
}

/// An `https` URL that ends in a slash; the rules are those of index URLs.
fn normal_site_url(text: &str) -> Result<String, LayoutError> {
    let slash = if text.ends_with('/') { "" } else { "/" };
    IndexUrl::parse(&format!("sparse+{text}{slash}"))
        .map(|url| url.http_base().to_owned())
        .map_err(|_| LayoutError::SiteUrl(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(
        namespace: &str,
        index: &str,
        site_url: Option<&str>,
    ) -> Result<StaticIndexLayout, LayoutError> {
        StaticIndexLayout::new(
            Namespace::parse(namespace).unwrap(),
            IndexUrl::parse(index).unwrap(),
            site_url,
        )
    }

    #[test]
    fn the_default_index_lies_below_the_domain() {
        let layout = layout("grep.example", "sparse+https://grep.example/cargo/index/", None).unwrap();
        let name: cargo_namespaces::name::CrateName = "ignore".parse().unwrap();
        let version = semver::Version::new(0, 4, 23);
        assert!(layout.serves_domain());
        assert_eq!(layout.path(&TreeFile::Config), "cargo/index/config.json");
        assert_eq!(layout.path(&TreeFile::Index(name.clone())), "cargo/index/ig/no/ignore");
        assert_eq!(
            layout.path(&TreeFile::Crate(name, version)),
            "cargo/index/crates/ignore/ignore-0.4.23.crate"
        );
        assert_eq!(
            layout.path(&TreeFile::PackageNamespace),
            ".well-known/rust-lang.org/package-namespace.json"
        );
    }

    #[test]
    fn a_project_page_is_served_below_a_prefix() {
        let index = "sparse+https://jdoe.github.io/crates/index/";
        let layout = layout("jdoe.github.io", index, Some("https://jdoe.github.io/crates")).unwrap();
        assert_eq!(layout.path(&TreeFile::Config), "index/config.json");
        assert!(!layout.serves_domain(), "the .well-known files belong to the root of the host");
    }

    #[test]
    fn an_index_at_the_root_of_its_host() {
        let layout = layout("grep.example", "sparse+https://crates.example/", None).unwrap();
        assert_eq!(layout.path(&TreeFile::Config), "config.json");
        assert!(!layout.serves_domain());
    }

    #[test]
    fn an_index_elsewhere_is_refused() {
        let index = "sparse+https://crates.example/index/";
        let error = layout("grep.example", index, Some("https://grep.example/")).unwrap_err();
        assert!(matches!(error, LayoutError::Outside { .. }), "{error}");
        let error = layout("grep.example", index, Some("http://crates.example/")).unwrap_err();
        assert!(matches!(error, LayoutError::SiteUrl(_)), "{error}");
    }
}
