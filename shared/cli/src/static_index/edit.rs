//! Changes to a site: collected in memory over what the directory holds, then written in the order in which a reader
//! may see them.
//!
//! A .crate and its envelope are seen by nobody until an index line names them, so they go first; then what says who
//! may publish; then the index files, each by one rename; the page for people last. Killed in between, the site is
//! as it was for every crate whose index file was not renamed yet, and a rerun writes the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use semver::Version;

use super::error::StaticIndexError;
use super::layout::StaticIndexLayout;
use super::page::{index_page, is_index_page};
use super::staging::LocalRegistry;
use cargo_namespaces::digest::Digest;
use cargo_namespaces::index::tree::TreeFile;
use cargo_namespaces::index::{IndexFile, IndexLine};
use cargo_namespaces::integrity::check_integrity;
use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces::name::{CrateName, QualifiedName};
use cargo_namespaces::package::differences;
use cargo_namespaces::release::{self, CrateIndex, Refusal};
use cargo_namespaces::statement::{Predicate as _, YankOperation};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces_net::fs;

/// A site and the changes that are not written yet.
#[derive(Debug)]
pub struct StaticIndexEdit {
    dir: PathBuf,
    layout: StaticIndexLayout,
    /// Path below the directory → when it may be seen, and the content.
    changes: BTreeMap<String, (Visible, Vec<u8>)>,
}

/// When a changed file may become visible; written in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Visible {
    Content,
    Domain,
    Index,
    Page,
}

/// A release that was signed and can go in.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its full name.
    pub name: QualifiedName,
    /// Its line, with at least one attestation.
    pub line: IndexLine,
    /// The bytes of the .crate.
    pub package: Vec<u8>,
}

/// Whether a site has a version already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It does not.
    No,
    /// It has, with the same files (`.cargo_vcs_info.json` and `Cargo.lock` apart).
    Same,
    /// It has, and these files differ.
    Other(Vec<String>),
}

impl StaticIndexEdit {
    /// The site in a directory, which need not exist yet.
    pub fn open(dir: &Path, layout: StaticIndexLayout) -> Self {
        Self { dir: dir.to_owned(), layout, changes: BTreeMap::new() }
    }

    /// Where each file is.
    #[must_use]
    pub fn layout(&self) -> &StaticIndexLayout {
        &self.layout
    }

    /// The content of a file as it will be; `None` when there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, file: &TreeFile) -> Result<Option<Vec<u8>>, StaticIndexError> {
        let path = self.layout.path(file);
        match self.changes.get(&path) {
            Some((_, content)) => Ok(Some(content.clone())),
            None => Ok(fs::read_if_exists(&self.dir.join(path))?),
        }
    }

    /// The releases of a crate; none when the site does not have it.
    ///
    /// # Errors
    /// The file cannot be read or does not parse.
    pub fn index_file(&self, name: &CrateName) -> Result<IndexFile, StaticIndexError> {
        let file = TreeFile::Index(name.clone());
        let bytes = self.read(&file)?.unwrap_or_default();
        IndexFile::parse(&bytes).map_err(|source| StaticIndexError::Index {
            path: self.layout.path(&file),
            source: Box::new(source),
        })
    }

    /// The crates of the site, sorted.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn crate_names(&self) -> Result<Vec<CrateName>, StaticIndexError> {
        let index_dir = self.layout.index_dir();
        let mut paths = fs::files_below(&self.dir.join(index_dir))?;
        paths.extend(self.changes.keys().filter_map(|path| path.strip_prefix(index_dir)).map(str::to_owned));
        let mut names: Vec<CrateName> = paths
            .iter()
            .filter_map(|path| match TreeFile::of_index(path)? {
                TreeFile::Index(name) => Some(name),
                _ => None,
            })
            .collect();
        names.sort();
        names.dedup();
        Ok(names)
    }

    /// Whether a release may go in, and whether it is there already.
    ///
    /// # Errors
    /// [`StaticIndexError::Refused`] for what can never go in; or the site cannot be read.
    pub fn existing(
        &self,
        name: &CrateName,
        version: &Version,
        package: &[u8],
    ) -> Result<Existing, StaticIndexError> {
        match self.releases(name)?.admits(version, &Digest::of(package)) {
            Ok(()) => return Ok(Existing::No),
            Err(Refusal::VersionTaken { .. }) => {}
            Err(refusal) => return Err(refusal.into()),
        }
        let held = self.package(name, version)?;
        let differing = differences(&held[..], package, name.as_str(), version).map_err(|source| {
            StaticIndexError::Package {
                name: name.clone(),
                version: version.clone(),
                source: Box::new(source),
            }
        })?;
        Ok(if differing.is_empty() { Existing::Same } else { Existing::Other(differing) })
    }

    /// The releases of a crate, under the rules that hold in every store.
    fn releases(&self, name: &CrateName) -> Result<CrateIndex, StaticIndexError> {
        // The path of an index file is in lower case; the releases in it say how the crate is spelled.
        let spelling = |file: &IndexFile| file.lines().next().map(|line| line.name.clone());
        let file = self.index_file(name)?;
        let mut spelled = spelling(&file);
        if spelled.is_none() {
            let twin = self.crate_names()?.into_iter().find(|other| other.canonical() == name.canonical());
            spelled = twin.map(|twin| self.index_file(&twin)).transpose()?.as_ref().and_then(spelling);
        }
        Ok(CrateIndex::new(self.qualified(name), self.layout.index().clone(), spelled, file))
    }

    /// The bytes of a .crate.
    ///
    /// # Errors
    /// It is missing or cannot be read.
    pub fn package(&self, name: &CrateName, version: &Version) -> Result<Vec<u8>, StaticIndexError> {
        self.read(&TreeFile::Crate(name.clone(), version.clone()))?
            .ok_or_else(|| StaticIndexError::NoPackage { name: name.clone(), version: version.clone() })
    }

    /// Shows the whole site to Cargo as a local registry.
    ///
    /// # Errors
    /// The site cannot be read, or the registry cannot be written.
    pub fn mirror_into(&self, registry: &LocalRegistry) -> Result<(), StaticIndexError> {
        self.crate_names()?.iter().try_for_each(|name| self.mirror_crate(name, registry))
    }

    /// Shows all releases of one crate to Cargo.
    ///
    /// # Errors
    /// As [`StaticIndexEdit::mirror_into`].
    pub fn mirror_crate(&self, name: &CrateName, registry: &LocalRegistry) -> Result<(), StaticIndexError> {
        let file = self.index_file(name)?;
        for line in file.lines() {
            registry.put_crate(&line.name, &line.vers, &self.package(&line.name, &line.vers)?)?;
        }
        registry.put_index(name, file.to_string().as_bytes())?;
        Ok(())
    }

    /// Puts a release in: .crate, envelope and index line.
    ///
    /// # Errors
    /// It can never go in; or the site cannot be read.
    pub fn add(&mut self, release: Release) -> Result<(), StaticIndexError> {
        let (name, version) = (release.line.name.clone(), release.line.vers.clone());
        let mut releases = self.releases(&name)?;
        releases.insert(release.line)?;
        self.change(Visible::Content, &TreeFile::Crate(name, version.clone()), release.package);
        self.put(&releases, &version)
    }

    /// Sets the index file of a crate, and the envelope of the release that changed.
    fn put(&mut self, releases: &CrateIndex, version: &Version) -> Result<(), StaticIndexError> {
        let line = releases.get(version)?;
        let envelope = release::envelope(line, &self.qualified(&line.name), self.layout.index());
        let (name, version) = (line.name.clone(), line.vers.clone());
        if let Some(envelope) = envelope {
            let file = TreeFile::Envelope(name.clone(), version);
            self.change(Visible::Content, &file, envelope.to_json().into_bytes());
        }
        self.change(Visible::Index, &TreeFile::Index(name), releases.file().to_string().into_bytes());
        Ok(())
    }

    fn qualified(&self, name: &CrateName) -> QualifiedName {
        QualifiedName { namespace: self.layout.namespace().clone(), krate: name.clone() }
    }

    /// Yanks a release or takes that back, signed. False when it was so already.
    ///
    /// # Errors
    /// The site has no such release, or cannot be read.
    pub fn yank(
        &mut self,
        name: &CrateName,
        version: &Version,
        operation: YankOperation,
        key: &SecretKey,
        at: Timestamp,
    ) -> Result<bool, StaticIndexError> {
        let mut releases = self.releases(name)?;
        let unknown = |_| StaticIndexError::Unknown { name: name.clone(), version: version.clone() };
        let line = releases.get(version).map_err(unknown)?;
        let statement = line.yank_statement(&self.qualified(name), self.layout.index(), operation, at, None);
        let changed = releases.yank(&statement.statement().signed_by(key))?;
        if changed {
            self.put(&releases, version)?;
        }
        Ok(changed)
    }

    /// Adds an attestation by `new` to every release that `old` signed and `new` did not. The number of releases.
    ///
    /// # Errors
    /// A release is not what `old` signed, is not complete on the site, or cannot be read; nothing is signed then.
    pub fn resign(
        &mut self,
        old: &PublicKey,
        new: &SecretKey,
        at: Timestamp,
    ) -> Result<usize, StaticIndexError> {
        let mut lines = Vec::new();
        for name in self.crate_names()? {
            for line in self.index_file(&name)?.lines() {
                let signed_by = |key: &PublicKey| line.attestations.iter().any(|a| a.key == *key);
                if signed_by(old) && !signed_by(&new.public()) {
                    self.check_held(line, old)?;
                    lines.push(line.clone());
                }
            }
        }
        let index = self.layout.index().clone();
        for line in &lines {
            let name = self.qualified(&line.name);
            let release = line.release_statement(&name, &index, at).statement().signed_by(new);
            // Who trusts the new key only must hear from it that the release is yanked.
            let withdrawn = line.yanked && line.yank_attestations.last().is_some_and(|last| last.key == *old);
            let yank = line.yank_statement(&name, &index, YankOperation::Yank, at, None);
            let yank = withdrawn.then(|| yank.statement().signed_by(new));
            let mut releases = self.releases(&line.name)?;
            releases.resign(&release, yank.as_ref())?;
            self.put(&releases, &line.vers)?;
        }
        Ok(lines.len())
    }

    /// A release on the site must be verified, and signed by `old` in truth, before anybody signs it again: whoever can write
    /// to the site can put any key's name beside a signature of their own.
    fn check_held(&self, line: &IndexLine, old: &PublicKey) -> Result<(), StaticIndexError> {
        let package = self.package(&line.name, &line.vers)?;
        let name = self.qualified(&line.name);
        let lock: Option<&Digest> = None;
        let mut by_old = line.clone();
        by_old.attestations.retain(|attestation| attestation.key == *old);
        check_integrity(&by_old, &package, lock, &name, self.layout.index()).map(|_| ()).map_err(|source| {
            StaticIndexError::IntegrityError {
                name: line.name.clone(),
                version: line.vers.clone(),
                source: Box::new(source),
            }
        })
    }

    /// Sets what every site has beside its releases: `config.json`, `.nojekyll`, the page. A page that somebody else
    /// wrote stays.
    ///
    /// # Errors
    /// The site cannot be read.
    pub fn refresh(&mut self) -> Result<(), StaticIndexError> {
        let config = release::config(self.layout.namespace(), self.layout.index(), None, false);
        self.change(Visible::Domain, &TreeFile::Config, config.to_json().into_bytes());
        self.change(Visible::Domain, &TreeFile::NoJekyll, Vec::new());
        if self.read(&TreeFile::Page)?.is_some_and(|page| !is_index_page(&page)) {
            return Ok(());
        }
        let mut files = Vec::new();
        for name in self.crate_names()? {
            files.push(self.index_file(&name)?);
        }
        let page = index_page(&self.layout, &files);
        self.change(Visible::Page, &TreeFile::Page, page.into_bytes());
        Ok(())
    }

    fn change(&mut self, visible: Visible, file: &TreeFile, content: Vec<u8>) {
        self.changes.insert(self.layout.path(file), (visible, content));
    }

    /// Writes the changes, in order; files that are there with the same content are not touched. The paths written.
    ///
    /// # Errors
    /// A file cannot be written. What was written before it stays, and is harmless.
    pub fn write(self) -> Result<Vec<String>, StaticIndexError> {
        let mut changes: Vec<_> = self.changes.into_iter().collect();
        changes.sort_by(|(a, (seen_a, _)), (b, (seen_b, _))| (seen_a, a).cmp(&(seen_b, b)));
        // A rerun changes the same files as the run that was killed, so these are the directories to tidy.
        let directories: BTreeSet<PathBuf> =
            changes.iter().filter_map(|(path, _)| Some(self.dir.join(path).parent()?.to_owned())).collect();
        for directory in directories {
            fs::remove_left_over(&directory)?;
        }
        let mut written = Vec::new();
        for (path, (_, content)) in changes {
            if fs::write_if_changed(&self.dir.join(&path), &content)? {
                written.push(path);
            }
        }
        Ok(written)
    }
}
