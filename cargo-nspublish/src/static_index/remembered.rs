//! The directory of the static index as a manifest remembers it, so that `cargo nspublish` alone publishes into it:
//!
//! ```toml
//! [package.metadata.namespaces]        # or [workspace.metadata.namespaces], for all members
//! site = "../site"                     # relative to this manifest
//! site-url = "https://jdoe.github.io/crates/"   # where that is not the root of the index's host
//! ```
//!
//! `setup --site` writes it, and `setup --instance` removes it. A `--site` flag overrides it, and it is not used with flags that
//! only have a meaning for a registry.

use std::path::{Component, Path, PathBuf};

use cargo_namespaces::manifest::{ManifestInfo, edit, packaging};
use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs;

use super::exclude::with_exclude;
use crate::context::Context;
use crate::options::{PublishOptions, SiteFlag, SiteOptions};
use crate::plan::Member;

const MANIFEST: &str = "Cargo.toml";

/// A site that a manifest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RememberedSite {
    /// The directory, absolute.
    pub dir: PathBuf,
    /// The URL that it is served at, where it was given.
    pub url: Option<String>,
    /// The manifest that names it.
    manifest: PathBuf,
    /// `package` or `workspace`: whose `metadata.namespaces` it is in.
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

    /// Returns the manifests that an entry of `members` means, if it is a path or ends in `/*`.
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
    ) -> Option<RememberedSite> {
        let dir = fs::clean(&self.directory().join(site?));
        Some(RememberedSite { dir, url: url.cloned(), manifest: self.path.clone(), table })
    }

    fn of_package(&self) -> Option<RememberedSite> {
        let package = self.info.package.as_ref()?;
        self.remembered(package.site.as_ref(), package.site_url.as_ref(), "package")
    }

    fn of_workspace(&self) -> Option<RememberedSite> {
        let workspace = self.info.workspace.as_ref()?;
        self.remembered(workspace.site.as_ref(), workspace.site_url.as_ref(), "workspace")
    }
}

/// Reads the manifest at or above the directory, and that of its workspace, which may be the same.
fn manifests(context: &Context<'_>) -> Result<Option<(Manifest, Option<Manifest>)>, CliError> {
    let own = match &context.common.manifest_path {
        Some(path) => Some(context.path(path)),
        None => context.directory.ancestors().map(|above| above.join(MANIFEST)).find(|path| path.is_file()),
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

/// Returns the site that the manifest here remembers for a namespace.
pub fn of(context: &Context<'_>, namespace: &Namespace) -> Result<Option<RememberedSite>, CliError> {
    let Some((own, root)) = manifests(context)? else { return Ok(None) };
    if !own.is_of(namespace) {
        return Ok(None);
    }
    Ok(own.of_package().or_else(|| root.as_ref().and_then(Manifest::of_workspace)))
}

/// Describes the line that remembers this directory for a namespace; `None` if another directory is remembered, or none.
pub fn place_of(
    context: &Context<'_>,
    namespace: &Namespace,
    dir: &Path,
) -> Result<Option<String>, CliError> {
    let found = of(context, namespace)?.filter(|found| found.dir == dir);
    Ok(found.map(|found| {
        let manifest = relative(&context.directory, &found.manifest);
        format!("`site` below `[{}.metadata.namespaces]` in {}", found.table, manifest.display())
    }))
}

/// Removes the site of a package from its manifest, since it is published elsewhere from now on. That of a workspace may be for
/// other namespaces too, and stays.
pub fn forget(context: &Context<'_>, namespace: &Namespace) -> Result<(), CliError> {
    let Some(found) = of(context, namespace)?.filter(|found| found.table == "package") else { return Ok(()) };
    let text = fs::read_to_string(&found.manifest)?;
    let edited = packaging::unset_metadata_of(&text, found.table, &["site", "site-url"])
        .exit_with(ExitCode::InvalidInput)?;
    fs::write_atomic(&found.manifest, edited.text.as_bytes())?;
    let shown = relative(&context.directory, &found.manifest);
    context.shell.status("Removed", format!("the site from {}: commit it", shown.display()));
    Ok(())
}

/// Returns the flags about a site, with the remembered site if they name none.
///
/// # Errors
/// A manifest cannot be read, or a URL is given for no site.
pub fn filled(
    context: &Context<'_>,
    site: &SiteOptions,
    namespace: &Namespace,
) -> Result<SiteOptions, CliError> {
    if site.site.is_some() {
        return Ok(site.clone());
    }
    match of(context, namespace)? {
        Some(found) => {
            let dir = relative(&context.directory, &found.dir);
            let site_url = site.site_url.clone().or(found.url);
            Ok(SiteOptions { site: Some(dir), site_url, well_known: site.well_known.clone() })
        }
        None if site.site_url.is_some() => Err(needs_site("--site-url")),
        None => Ok(site.clone()),
    }
}

/// Returns the options of a publish with the sites that the manifests of its members remember.
///
/// # Errors
/// A manifest cannot be read, members of one namespace remember two sites, or a flag needs one.
pub fn for_members(
    context: &Context<'_>,
    options: &PublishOptions,
    members: &[Member],
) -> Result<PublishOptions, CliError> {
    let mut options = options.clone();
    for flag in &mut options.sites {
        if flag.dir.is_relative() {
            flag.dir = relative(&context.directory, &context.path(&flag.dir));
        }
    }
    if options.sites.is_empty() && !options.means_a_registry() {
        for member in members {
            add_site(context, &mut options, member)?;
        }
    }
    if options.sites.is_empty() {
        let given = [
            (options.site_url.is_some(), "--site-url"),
            (options.well_known.is_some(), "--well-known"),
            (options.authorize, "--authorize"),
        ];
        if let Some((_, flag)) = given.iter().find(|(given, _)| *given) {
            return Err(needs_site(flag));
        }
    }
    Ok(options)
}

/// Says how to make the manifest remember the site, if the flags named one and no manifest remembers any.
pub fn suggest(context: &Context<'_>, options: &PublishOptions, members: &[Member]) -> Result<(), CliError> {
    let ([flag], Some(member)) = (&options.sites[..], members.first()) else { return Ok(()) };
    let Some((own, root)) = with_workspace(&member.manifest_path)? else { return Ok(()) };
    if own.of_package().is_some() || root.as_ref().is_some_and(|root| root.of_workspace().is_some()) {
        return Ok(());
    }
    let (table, manifest) = match &root {
        Some(root) => ("workspace", root),
        None => ("package", &own),
    };
    let site = relative(manifest.directory(), &context.path(&flag.dir));
    context.shell.hint(format!(
        "`site = \"{}\"` below `[{table}.metadata.namespaces]` in Cargo.toml makes `cargo nspublish` enough",
        site.display()
    ));
    Ok(())
}

fn add_site(context: &Context<'_>, options: &mut PublishOptions, member: &Member) -> Result<(), CliError> {
    let Some((own, root)) = with_workspace(&member.manifest_path)? else { return Ok(()) };
    // The site of a workspace is for all namespaces, as a flag without a namespace is.
    let of_package = own.of_package().map(|found| (found, Some(member.name.namespace.clone())));
    let of_workspace = || Some((root.as_ref()?.of_workspace()?, None));
    let Some((found, namespace)) = of_package.or_else(of_workspace) else { return Ok(()) };
    let dir = relative(&context.directory, &found.dir);
    match options.sites.iter().find(|flag| flag.namespace == namespace) {
        None => options.sites.push(SiteFlag { namespace, dir }),
        Some(other) if other.dir != dir => {
            let error = format!(
                "packages of {} remember two sites: `{}` and `{}`",
                member.name.namespace,
                other.dir.display(),
                dir.display()
            );
            return Err(CliError::new(ExitCode::InvalidInput, error)
                .hint("keep one `site` in the manifests, or name the directory with `--site DIR`"));
        }
        Some(_) => {}
    }
    if options.site_url.is_none() {
        options.site_url = found.url;
    }
    Ok(())
}

fn needs_site(flag: &str) -> CliError {
    CliError::usage(format!("`{flag}` is about a site, and none is named or remembered"))
        .hint("add `--site DIR`")
}

/// Whether the manifest here is in namespace notation, which Cargo does not take.
pub fn is_in_notation(context: &Context<'_>) -> Result<bool, CliError> {
    Ok(manifests(context)?.is_some_and(|(own, _)| own.info.has_notation()))
}

/// Writes the site into the manifest here, or into that of its workspace, if it is of the namespace. A site that is there already
/// stays. Returns whether a manifest remembers this site now.
pub fn remember(context: &Context<'_>, site: &SiteOptions, namespace: &Namespace) -> Result<bool, CliError> {
    let Some(dir) = site.site.as_deref().map(|dir| context.path(dir)) else { return Ok(false) };
    if let Some(known) = of(context, namespace)? {
        return Ok(known.dir == dir);
    }
    let Some((own, root)) = manifests(context)? else { return Ok(false) };
    if !own.is_of(namespace) {
        return Ok(false);
    }
    if root.as_ref().is_some_and(|root| root.path != own.path) {
        let text = leave_out(context, &own.path, own.text.clone(), &dir)?;
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
    let text = leave_out(context, &manifest.path, text, &dir)?;
    fs::write_atomic(&manifest.path, text.as_bytes())?;
    context
        .shell
        .status("Remembered", format!("the site `{value}` in {}: commit it", manifest.path.display()));
    Ok(true)
}

/// Returns the text of a manifest with the site excluded from its package, if it is inside.
fn leave_out(context: &Context<'_>, manifest: &Path, text: String, dir: &Path) -> Result<String, CliError> {
    let Some((text, pattern)) = with_exclude(manifest, &text, dir)? else { return Ok(text) };
    context.shell.status("Excluded", format!("`{pattern}` from the package, in {}", manifest.display()));
    Ok(text)
}

/// Returns the relative path from the directory `from` to `to`, both absolute.
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
