//! Which release `cargo add` and the resolver would take.

use semver::{Version, VersionReq};

/// The newest of `releases` that fits `req`; a pre-release only if no other release fits.
pub fn newest<T>(
    releases: impl IntoIterator<Item = T>,
    version: impl Fn(&T) -> &Version,
    req: Option<&VersionReq>,
) -> Option<T> {
    let fits = |release: &T| req.is_none_or(|req| req.matches(version(release)));
    let rank = |release: &T| (version(release).pre.is_empty(), version(release).clone());
    releases.into_iter().filter(fits).max_by_key(rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pre_release_is_the_last_resort() {
        let versions = ["1.0.0", "1.2.0", "2.0.0-rc.1"].map(|text| Version::parse(text).unwrap());
        let found = |req: Option<&str>| {
            let req = req.map(|req| VersionReq::parse(req).unwrap());
            newest(&versions, |version| version, req.as_ref()).map(Version::to_string)
        };
        assert_eq!(found(None).as_deref(), Some("1.2.0"));
        assert_eq!(found(Some("=1.0")).as_deref(), Some("1.0.0"));
        assert_eq!(found(Some("2.0.0-rc.1")).as_deref(), Some("2.0.0-rc.1"));
        assert_eq!(found(Some("3")), None);
    }
}
