//! The site's directory as a manifest remembers it, so that publishing is `cargo nspublish`:
//!
//! ```toml
//! [package.metadata.namespaces]        # or [workspace.metadata.namespaces], for all members
//! site = "../site"                     # relative to this manifest
//! site-url = "https://jdoe.github.io/crates/"   # where that is not the root of the index's host
//! ```
//!
//! `setup --site` writes it, `setup --instance` takes it out. A flag goes before it, and flags that only a registry has a meaning for leave it aside.

use std::path::{Component, Path, PathBuf};

use cargo_namespaces::manifest::{ManifestInfo, edit, packaging};
use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs;

use crate::args::SiteArgs;
use crate::plan::{Member, SiteFlag};
use crate::publish::{PublishArgs, with_exclude};
use crate::session::Session;

const MANIFEST: &str = "Cargo.toml";

/// A site that a manifest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The directory, absolute.
    pub dir: PathBuf,
    /// The URL that it is served at, where it was given.
    pub url: Option<String>,
    /// The manifest that names it.
    manifest: PathBuf,
    /// `package` or `workspace`: whose `metadata.namespaces` it stands in.
    table: &'static str,
}

/// A manifest that was read.
struct Manifest {
    path: PathBuf,
    text: String,
    info: ManifestInfo,
}

impl Manifest {
    fn read(path: &Path) -> Result<Option<Self>, CliError> {
        let Some(text) = fs::read_to_string_if_exists(path)? else { return Ok(None) };
        let info = ManifestInfo::parse(&text)
            .with_context(ExitCode::InvalidInput, || format!("failed to read `{}`", path.display()))?;
        Ok(Some(Self { path: path.to_owned(), text, info }))
    }

    fn directory(&self) -> &Path {
        fs::directory_of(&self.path)
    }

    fn namespace(&self) -> Option<&Namespace> {
        self.info.package.as_ref()?.namespace.as_ref()
    }

    /// Whether it is the manifest of a package of the namespace, or of a workspace that lists one.
    fn is_of(&self, namespace: &Namespace) -> bool {
        if self.info.package.is_some() {
            return self.namespace() == Some(namespace);
        }
        let members = self.info.workspace.iter().flat_map(|workspace| &workspace.members);
        members.flat_map(|member| self.members_at(member)).any(|path| {
            Self::read(&path).ok().flatten().is_some_and(|member| member.namespace() == Some(namespace))
        })
    }

    /// The manifests that an entry of `members` means, as far as it is a path or ends in `/*`.
    fn members_at(&self, member: &str) -> Vec<PathBuf> {
        let Some(parent) = member.strip_suffix("/*") else {
            return vec![self.directory().join(member).join(MANIFEST)];
        };
        let entries = self.directory().join(parent).read_dir();
        entries.into_iter().flatten().flatten().map(|entry| entry.path().join(MANIFEST)).collect()
    }

    fn remembered(
        &self,
        site: Option<&String>,
        url: Option<&String>,
        table: &'static str,
    ) -> Option<Remembered> {
        let dir = fs::clean(&self.directory().join(site?));
        Some(Remembered { dir, url: url.cloned(), manifest: self.path.clone(), table })
    }

    fn of_package(&self) -> Option<Remembered> {
        let package = self.info.package.as_ref()?;
        self.remembered(package.site.as_ref(), package.site_url.as_ref(), "package")
    }

    fn of_workspace(&self) -> Option<Remembered> {
        let workspace = self.info.workspace.as_ref()?;
        self.remembered(workspace.site.as_ref(), workspace.site_url.as_ref(), "workspace")
    }
}

/// The manifest at or above a directory, and that of its workspace, which may be the same.
fn manifests(session: &Session<'_>) -> Result<Option<(Manifest, Option<Manifest>)>, CliError> {
    let own = match &session.common.manifest_path {
        Some(path) => Some(session.path(path)),
        None => session.directory.ancestors().map(|above| above.join(MANIFEST)).find(|path| path.is_file()),
    };
    match own {
        Some(own) => with_workspace(&own),
        None => Ok(None),
    }
}

fn with_workspace(own: &Path) -> Result<Option<(Manifest, Option<Manifest>)>, CliError> {
    let Some(manifest) = Manifest::read(own)? else { return Ok(None) };
    if manifest.info.workspace.is_some() {
        let root = Manifest::read(own)?;
        return Ok(Some((manifest, root)));
    }
    for above in fs::directory_of(own).ancestors().skip(1) {
        let found = Manifest::read(&above.join(MANIFEST))?;
        if let Some(root) = found.filter(|found| found.info.workspace.is_some()) {
            return Ok(Some((manifest, Some(root))));
        }
    }
    Ok(Some((manifest, None)))
}

/// The site that the manifest here remembers for a namespace.
///
/// # Errors
/// A manifest cannot be read.
pub fn of(session: &Session<'_>, namespace: &Namespace) -> Result<Option<Remembered>, CliError> {
    let Some((own, root)) = manifests(session)? else { return Ok(None) };
    if !own.is_of(namespace) {
        return Ok(None);
    }
    Ok(own.of_package().or_else(|| root.as_ref().and_then(Manifest::of_workspace)))
}

/// The line that remembers just this directory for a namespace, in words.
///
/// # Errors
/// A manifest cannot be read.
pub fn place_of(
    session: &Session<'_>,
    namespace: &Namespace,
    dir: &Path,
) -> Result<Option<String>, CliError> {
    let found = of(session, namespace)?.filter(|found| found.dir == dir);
    Ok(found.map(|found| {
        let manifest = relative(&session.directory, &found.manifest);
        format!("`site` below `[{}.metadata.namespaces]` in {}", found.table, manifest.display())
    }))
}

/// Takes the site of a package out of its manifest, as it is published elsewhere from now on. A workspace's may be that of
/// other namespaces too, and stays.
///
/// # Errors
/// A manifest cannot be read or written.
pub fn forget(session: &Session<'_>, namespace: &Namespace) -> Result<(), CliError> {
    let Some(found) = of(session, namespace)?.filter(|found| found.table == "package") else { return Ok(()) };
    let text = fs::read_to_string(&found.manifest)?;
    let edited = packaging::unset_metadata_of(&text, found.table, &["site", "site-url"])
        .exit_with(ExitCode::InvalidInput)?;
    fs::write_atomic(&found.manifest, edited.text.as_bytes())?;
    let shown = relative(&session.directory, &found.manifest);
    session.shell.status("Removed", format!("the site from {}: commit it", shown.display()));
    Ok(())
}

/// Flags about a site, with what is remembered where they name none.
///
/// # Errors
/// A manifest cannot be read, or a URL is given for no site.
pub fn filled(session: &Session<'_>, site: &SiteArgs, namespace: &Namespace) -> Result<SiteArgs, CliError> {
    if site.site.is_some() {
        return Ok(site.clone());
    }
    match of(session, namespace)? {
        Some(found) => {
            let dir = relative(&session.directory, &found.dir);
            let site_url = site.site_url.clone().or(found.url);
            Ok(SiteArgs { site: Some(dir), site_url, well_known: site.well_known.clone() })
        }
        None if site.site_url.is_some() => Err(needs_site("--site-url")),
        None => Ok(site.clone()),
    }
}

/// The flags of a publish, with the sites that the manifests of its members remember.
///
/// # Errors
/// A manifest cannot be read, members of one namespace remember two sites, or a flag needs one.
pub fn for_members(
    session: &Session<'_>,
    args: &PublishArgs,
    members: &[Member],
) -> Result<PublishArgs, CliError> {
    let mut args = args.clone();
    for flag in &mut args.site {
        if flag.dir.is_relative() {
            flag.dir = relative(&session.directory, &session.path(&flag.dir));
        }
    }
    if args.site.is_empty() && !args.means_a_registry() {
        for member in members {
            add_site(session, &mut args, member)?;
        }
    }
    if args.site.is_empty() {
        let given = [
            (args.site_url.is_some(), "--site-url"),
            (args.well_known.is_some(), "--well-known"),
            (args.authorize, "--authorize"),
        ];
        if let Some((_, flag)) = given.iter().find(|(given, _)| *given) {
            return Err(needs_site(flag));
        }
    }
    Ok(args)
}

/// Says how a site need not be named again, after it was named for one namespace that remembers none.
///
/// # Errors
/// A manifest cannot be read.
pub fn suggest(session: &Session<'_>, args: &PublishArgs, members: &[Member]) -> Result<(), CliError> {
    let ([flag], Some(member)) = (&args.site[..], members.first()) else { return Ok(()) };
    let Some((own, root)) = with_workspace(&member.manifest_path)? else { return Ok(()) };
    if own.of_package().is_some() || root.as_ref().is_some_and(|root| root.of_workspace().is_some()) {
        return Ok(());
    }
    let (table, manifest) = match &root {
        Some(root) => ("workspace", root),
        None => ("package", &own),
    };
    let site = relative(manifest.directory(), &session.path(&flag.dir));
    session.shell.hint(format!(
        "`site = \"{}\"` below `[{table}.metadata.namespaces]` in Cargo.toml makes `cargo nspublish` enough",
        site.display()
    ));
    Ok(())
}

fn add_site(session: &Session<'_>, args: &mut PublishArgs, member: &Member) -> Result<(), CliError> {
    let Some((own, root)) = with_workspace(&member.manifest_path)? else { return Ok(()) };
    // The workspace's is for all, and one directory is one host, as with the flag.
    let of_package = own.of_package().map(|found| (found, Some(member.name.namespace.clone())));
    let of_workspace = || Some((root.as_ref()?.of_workspace()?, None));
    let Some((found, namespace)) = of_package.or_else(of_workspace) else { return Ok(()) };
    let dir = relative(&session.directory, &found.dir);
    match args.site.iter().find(|flag| flag.namespace == namespace) {
        None => args.site.push(SiteFlag { namespace, dir }),
        Some(other) if other.dir != dir => {
            let error = format!(
                "packages of {} remember two sites: `{}` and `{}`",
                member.name.namespace,
                other.dir.display(),
                dir.display()
            );
            return Err(CliError::new(ExitCode::InvalidInput, error)
                .hint("let one `site` stand in the manifests, or name the directory with `--site DIR`"));
        }
        Some(_) => {}
    }
    if args.site_url.is_none() {
        args.site_url = found.url;
    }
    Ok(())
}

fn needs_site(flag: &str) -> CliError {
    CliError::usage(format!("`{flag}` is about a site, and none is named or remembered"))
        .hint("add `--site DIR`")
}

/// Whether the manifest here is in namespace notation, which Cargo does not take.
///
/// # Errors
/// It cannot be read.
pub fn is_in_notation(session: &Session<'_>) -> Result<bool, CliError> {
    Ok(manifests(session)?.is_some_and(|(own, _)| own.info.has_notation()))
}

/// Writes the site into the manifest here, if that is of the namespace: the workspace's where there is one. What is written
/// there already stays. True when a manifest remembers this very site now.
///
/// # Errors
/// A manifest cannot be read or written.
pub fn remember(session: &Session<'_>, site: &SiteArgs, namespace: &Namespace) -> Result<bool, CliError> {
    let Some(dir) = site.site.as_deref().map(|dir| session.path(dir)) else { return Ok(false) };
    if let Some(known) = of(session, namespace)? {
        return Ok(known.dir == dir);
    }
    let Some((own, root)) = manifests(session)? else { return Ok(false) };
    if !own.is_of(namespace) {
        return Ok(false);
    }
    if root.as_ref().is_some_and(|root| root.path != own.path) {
        let text = leave_out(session, &own.path, own.text.clone(), &dir)?;
        fs::write_if_changed(&own.path, text.as_bytes())?;
    }
    let table = if root.is_some() { "workspace" } else { "package" };
    let manifest = root.unwrap_or(own);
    let relative = relative(manifest.directory(), &dir);
    let Some(value) = relative.to_str().map(|text| text.replace('\\', "/")) else { return Ok(false) };
    let mut text = manifest.text.clone();
    for (key, value) in [("site", Some(&value)), ("site-url", site.site_url.as_ref())] {
        if let Some(value) = value {
            text = edit::set_metadata_of(&text, table, key, value).exit_with(ExitCode::InvalidInput)?.text;
        }
    }
    let text = leave_out(session, &manifest.path, text, &dir)?;
    fs::write_atomic(&manifest.path, text.as_bytes())?;
    session
        .shell
        .status("Remembered", format!("the site `{value}` in {}: commit it", manifest.path.display()));
    Ok(true)
}

/// A manifest that keeps the site out of its package, where it lies in it.
fn leave_out(session: &Session<'_>, manifest: &Path, text: String, dir: &Path) -> Result<String, CliError> {
    let Some((text, pattern)) = with_exclude(manifest, &text, dir)? else { return Ok(text) };
    session.shell.status("Excluded", format!("`{pattern}` from the package, in {}", manifest.display()));
    Ok(text)
}

/// `to` as seen from the directory `from`, both absolute.
pub fn relative(from: &Path, to: &Path) -> PathBuf {
    let (mut from, mut to) = (from.components().peekable(), to.components().peekable());
    if from.peek() != to.peek() {
        return to.collect();
    }
    while from.peek().is_some() && from.peek() == to.peek() {
        from.next();
        to.next();
    }
    let up = from.map(|_| Component::ParentDir);
    let path: PathBuf = up.chain(to).collect();
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_named_from_another() {
        for (from, to, expected) in [
            ("/home/you/hello", "/home/you/site", "../site"),
            ("/home/you", "/home/you/a/site", "a/site"),
            ("/home/you", "/home/you", "."),
            ("/home/you/a/b", "/srv/www", "../../../../srv/www"),
        ] {
            assert_eq!(relative(Path::new(from), Path::new(to)), Path::new(expected));
        }
    }
}
