//! Edits `exclude` in a manifest, for a site inside the package that it serves.

use std::path::{Path, PathBuf};

use cargo_namespaces::manifest::packaging;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs;

/// Returns the path of a directory from the package that it is in; `None` if it is not in the package.
pub fn below_package(manifest: &Path, dir: &Path) -> Option<PathBuf> {
    dir.strip_prefix(fs::directory_of(manifest)).ok().map(Path::to_owned)
}

/// Returns the pattern of a directory for `exclude`; `None` for the package itself, and for names with characters that have a
/// meaning in patterns.
pub fn pattern(below: &Path) -> Option<String> {
    let text = below.to_str()?.replace('\\', "/");
    let is_plain = |c: char| c.is_alphanumeric() || "-_./ ".contains(c);
    (!text.is_empty() && text.chars().all(is_plain)).then(|| format!("/{text}"))
}

/// Adds `exclude` for a directory to a manifest with this text. Returns the text and the pattern; `None` if the directory is not
/// in the package, or the manifest has `include` or `exclude` already.
pub fn with_exclude(manifest: &Path, text: &str, dir: &Path) -> Result<Option<(String, String)>, CliError> {
    let Some(pattern) = below_package(manifest, dir).as_deref().and_then(pattern) else { return Ok(None) };
    let edited = packaging::set_exclude(text, &pattern).exit_with(ExitCode::InvalidInput)?;
    Ok(edited.map(|edited| (edited.text, pattern)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_in_the_package_is_excluded_by_its_path() {
        let text = "[package]\nname = \"a\"\n";
        let exclude = |manifest: &str, text: &str, dir: &str| {
            with_exclude(Path::new(manifest), text, Path::new(dir)).unwrap().map(|(text, _)| text)
        };
        let with = "[package]\nname = \"a\"\nexclude = [\"/public/site\"]\n";
        assert_eq!(exclude("/a/Cargo.toml", text, "/a/public/site").as_deref(), Some(with));
        for dir in ["/a", "/b", "/ab", "/a/s[i]te"] {
            assert_eq!(exclude("/a/Cargo.toml", text, dir), None, "{dir}");
        }
        for said in ["exclude = []\n", "include = [\"src\"]\n", "exclude.workspace = true\n"] {
            assert_eq!(exclude("/a/Cargo.toml", &format!("{text}{said}"), "/a/site"), None, "{said}");
        }
        assert_eq!(exclude("/a/Cargo.toml", "[workspace]\n", "/a/site"), None);
    }
}
