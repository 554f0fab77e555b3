//! A site inside the package that it publishes: Cargo would pack it, so that each release held the earlier ones and no
//! package came out as it was before. `exclude` keeps it out; set-up writes that, and publishing looks whether it works.

use std::path::{Path, PathBuf};

use cargo_namespaces::manifest::packaging;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs;
use tempfile::NamedTempFile;

use super::secrets::packaged;
use crate::plan::{Member, Plan};
use crate::session::Session;
use crate::site_memory::relative;

/// Refuses a site, or a directory of documents, that Cargo would pack into a member.
///
/// # Errors
/// It would, or Cargo cannot list what it packs.
pub fn check_not_packaged(
    session: &Session<'_>,
    plan: &Plan,
    well_known: Option<&Path>,
) -> Result<(), CliError> {
    let sites = plan.targets.values().map(|target| target.dir.as_path());
    for dir in sites.chain(well_known) {
        let dir = session.path(dir);
        for member in &plan.members {
            check(session, member, &dir)?;
        }
    }
    Ok(())
}

fn check(session: &Session<'_>, member: &Member, dir: &Path) -> Result<(), CliError> {
    let Some(below) = below_package(&member.manifest_path, dir) else { return Ok(()) };
    let shown = relative(&session.directory, dir);
    let error = format!(
        "the directory `{}` lies in the package of {}, which would publish it",
        shown.display(),
        member.name
    );
    let error = CliError::new(ExitCode::InvalidInput, error)
        .because("each release would hold the earlier ones, and no package would come out as it was before");
    let Some(pattern) = pattern(&below) else {
        return Err(error.hint("name a directory outside of the package, such as `--site ../site`"));
    };
    let _probe = Probe::below(dir)?;
    if !packaged(session, member)?.iter().any(|file| Path::new(file).starts_with(&below)) {
        return Ok(());
    }
    let manifest = relative(&session.directory, &member.manifest_path);
    let has_exclude = packaging::has_exclude(&fs::read_to_string(&member.manifest_path)?);
    let how = if has_exclude.exit_with(ExitCode::InvalidInput)? {
        format!("add `\"{pattern}\"` to `exclude` in {}", manifest.display())
    } else {
        format!("add `exclude = [\"{pattern}\"]` below `[package]` in {}", manifest.display())
    };
    Err(error.hint(format!("{how}; or name a directory outside of the package, such as `--site ../site`")))
}

/// A directory as seen from the package that it lies in.
fn below_package(manifest: &Path, dir: &Path) -> Option<PathBuf> {
    dir.strip_prefix(fs::directory_of(manifest)).ok().map(Path::to_owned)
}

/// What `exclude` names a directory by; none for the package itself, and for names with characters that mean something there.
fn pattern(below: &Path) -> Option<String> {
    let text = below.to_str()?.replace('\\', "/");
    let is_plain = |c: char| c.is_alphanumeric() || "-_./ ".contains(c);
    (!text.is_empty() && text.chars().all(is_plain)).then(|| format!("/{text}"))
}

/// `text`, a manifest, with `exclude` for a directory in its package, where it says nothing yet of what is packaged.
///
/// # Errors
/// It is not TOML.
pub fn with_exclude(manifest: &Path, text: &str, dir: &Path) -> Result<Option<(String, String)>, CliError> {
    let Some(pattern) = below_package(manifest, dir).as_deref().and_then(pattern) else { return Ok(None) };
    let edited = packaging::set_exclude(text, &pattern).exit_with(ExitCode::InvalidInput)?;
    Ok(edited.map(|edited| (edited.text, pattern)))
}

/// A file in a directory, so that Cargo has something to list there; it goes, and what was made for it.
struct Probe {
    file: Option<NamedTempFile>,
    made: Vec<PathBuf>,
}

impl Probe {
    fn below(dir: &Path) -> Result<Self, CliError> {
        let made: Vec<PathBuf> =
            dir.ancestors().take_while(|above| !above.exists()).map(Path::to_owned).collect();
        let failed = || format!("failed to look whether `{}` would be packaged", dir.display());
        std::fs::create_dir_all(dir).with_context(ExitCode::Failure, failed)?;
        let mut probe = Self { file: None, made };
        let file = tempfile::Builder::new().prefix("packaged-").tempfile_in(dir);
        probe.file = Some(file.with_context(ExitCode::Failure, failed)?);
        Ok(probe)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        drop(self.file.take());
        for dir in &self.made {
            // One that somebody filled meanwhile stays.
            let _ = std::fs::remove_dir(dir);
        }
    }
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
