//! Packages, checks and signs the members, one after the other, each against what the sites will hold.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cargo_namespaces::digest::Digest;
use cargo_namespaces::index::tree::crate_file_name;
use cargo_namespaces::index::{IndexLine, compute};
use cargo_namespaces::integrity::check_integrity;
use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces::name::Namespace;
use cargo_namespaces::package::{self, Rules};
use cargo_namespaces::statement::ReleaseStatement;
use cargo_namespaces_cli::cargo::Cargo;
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_cli::static_index::{Existing, LocalRegistry, Release, StaticIndexEdit};
use cargo_namespaces_net::{fs, interrupt};
use toml_edit::{DocumentMut, Item, Table, value};

use super::args::PublishArgs;
use super::documents::Signer;
use super::target::site_error;
use crate::plan::{Member, Plan, Target};
use crate::session::Session;

/// What became of a member.
pub struct Outcome {
    /// Its full name and version.
    pub member: Member,
    /// The digest of its .crate.
    pub checksum: Digest,
    /// Who signed it; none when the site had it already.
    pub key: Option<PublicKey>,
}

/// Sites, local registries that mirror them for Cargo, and the configuration that tells Cargo of those.
struct Staging {
    dir: tempfile::TempDir,
    registries: BTreeMap<Namespace, LocalRegistry>,
    config: PathBuf,
}

/// Stages every member into its site, in the plan's order.
///
/// # Errors
/// A member does not package, build or keep the rules; nothing was written to a site.
pub fn all(
    session: &Session<'_>,
    plan: &Plan,
    args: &PublishArgs,
    signers: &BTreeMap<Namespace, Signer>,
    sites: &mut BTreeMap<Namespace, StaticIndexEdit>,
) -> Result<Vec<Outcome>, CliError> {
    let staging = Staging::new(plan, sites)?;
    let target_dir = target_directory(session, args)?;
    let mut outcomes = Vec::new();
    for member in &plan.members {
        interrupt::check()?;
        let target = &plan.targets[&member.name.namespace];
        let site = sites.get_mut(&member.name.namespace).expect("a site was opened for every namespace");
        let held = site.index_file(&member.name.krate).exit_with(ExitCode::Failure)?;
        // A version that is there is only compared: it was built when it was published.
        let verify = !args.no_verify && held.get(&member.version).is_none();
        let bytes = staging.package(session, member, target, args, verify, &target_dir)?;
        let within = |error: CliError| {
            error.within(format!("failed to publish `{}` v{}", member.name, member.version))
        };
        let outcome =
            stage_one(session, member, &signers[&member.name.namespace].key, site, bytes).map_err(within)?;
        staging.mirror(member, site)?;
        outcomes.push(outcome);
    }
    drop(staging.dir);
    Ok(outcomes)
}

/// Where Cargo puts the packages.
///
/// # Errors
/// Cargo cannot read the workspace.
pub fn target_directory(session: &Session<'_>, args: &PublishArgs) -> Result<PathBuf, CliError> {
    if let Some(dir) = &args.target_dir {
        return Ok(session.path(dir));
    }
    let metadata =
        Cargo::new(&session.directory).metadata(session.common.manifest_path.as_deref(), ["--no-deps"])?;
    Ok(metadata.target_directory.into())
}

fn stage_one(
    session: &Session<'_>,
    member: &Member,
    key: &SecretKey,
    site: &mut StaticIndexEdit,
    bytes: Vec<u8>,
) -> Result<Outcome, CliError> {
    let (krate, version) = (&member.name.krate, &member.version);
    let checksum = Digest::of(&bytes);
    let existing = site.existing(krate, version, &bytes).map_err(|error| site_error(&error))?;
    let label = format!("{} v{version}", member.name);
    match existing {
        Existing::Same => {
            session.shell.status("Unchanged", format!("{label} is on the site already, with the same files"));
            return Ok(Outcome { member: member.clone(), checksum, key: None });
        }
        Existing::Other(paths) => {
            let files = if paths.len() == 1 { "this file differs" } else { "these files differ" };
            return Err(CliError::new(
                ExitCode::Failure,
                format!("{label} is on the site already, with other content"),
            )
            .because(format!("{files}: {}", paths.join(", ")))
            .hint("a published version never changes: raise `version` in its Cargo.toml"));
        }
        Existing::No => {}
    }
    let line = sign(member, key, site, &bytes, checksum)?;
    session.shell.status("Signing", format!("{label} with {}", key.public()));
    let release = Release { name: member.name.clone(), line, package: bytes };
    site.add(release).map_err(|error| site_error(&error))?;
    Ok(Outcome { member: member.clone(), checksum, key: Some(key.public()) })
}

/// Checks the package as a registry would, computes its line, signs it, and checks the result as a consumer would.
fn sign(
    member: &Member,
    key: &SecretKey,
    site: &StaticIndexEdit,
    bytes: &[u8],
    checksum: Digest,
) -> Result<IndexLine, CliError> {
    let refused = |error: &dyn std::error::Error, hint: &str| {
        CliError::new(ExitCode::InvalidInput, error.to_string()).hint(hint.to_owned())
    };
    let index = site.layout().index();
    let checked = package::inspect(Rules::Publish, bytes, member.name.krate.as_str(), &member.version)
        .map_err(|error| refused(&error, error.hint()))?;
    let facts = compute(&checked.manifest, index).map_err(|error| refused(&error, error.hint()))?;
    facts.check_requirements().map_err(|error| refused(&error, error.hint()))?;
    let statement = ReleaseStatement {
        name: member.name.clone(),
        version: member.version.clone(),
        cksum: checksum,
        index: index.clone(),
        at: clock::now(),
    };
    let line = IndexLine::new(facts, checksum, vec![statement.attest(key)]);
    check_integrity(&line, bytes, None, &member.name, index)
        .map_err(|error| refused(&error, error.hint()))?;
    Ok(line)
}

impl Staging {
    /// Mirrors what the sites hold now.
    fn new(plan: &Plan, sites: &BTreeMap<Namespace, StaticIndexEdit>) -> Result<Self, CliError> {
        let dir = tempfile::tempdir().exit_with(ExitCode::Failure)?;
        let mut registries = BTreeMap::new();
        for (namespace, site) in sites {
            let registry =
                LocalRegistry::create(&dir.path().join(namespace.as_str())).exit_with(ExitCode::Failure)?;
            site.mirror_into(&registry).map_err(|error| site_error(&error))?;
            registries.insert(namespace.clone(), registry);
        }
        let config = dir.path().join("config.toml");
        fs::write_atomic(&config, cargo_config(plan, &registries).as_bytes()).exit_with(ExitCode::Failure)?;
        Ok(Self { dir, registries, config })
    }

    /// Mirrors a release that was just staged.
    fn mirror(&self, member: &Member, site: &StaticIndexEdit) -> Result<(), CliError> {
        site.mirror_crate(&member.name.krate, &self.registries[&member.name.namespace])
            .map_err(|error| site_error(&error))
    }

    /// Has Cargo package a member; the bytes of the .crate.
    fn package(
        &self,
        session: &Session<'_>,
        member: &Member,
        target: &Target,
        args: &PublishArgs,
        verify: bool,
        target_dir: &Path,
    ) -> Result<Vec<u8>, CliError> {
        let mut command: Vec<OsString> = vec!["package".into()];
        command.extend(["--manifest-path".into(), member.manifest_path.clone().into()]);
        command.extend(["--registry".into(), target.registry.as_str().into()]);
        command.extend(["--config".into(), self.config.clone().into()]);
        command.extend(["--target-dir".into(), target_dir.into()]);
        command.extend(package_flags(args, verify));
        command.extend(session.common.cargo_flags(session.shell));
        let cargo = session.packaging([member.manifest_path.as_ref()], &target.index)?;
        cargo.run(&command, session.shell.is_json())?;
        let file = target_dir.join("package").join(crate_file_name(&member.name.krate, &member.version));
        fs::read(&file).exit_with(ExitCode::Failure)
    }
}

/// The flags that `cargo package` and `cargo publish` take too.
pub fn package_flags(args: &PublishArgs, verify: bool) -> Vec<OsString> {
    let mut flags: Vec<OsString> = Vec::new();
    for (given, flag) in [
        (!verify, "--no-verify"),
        (args.allow_dirty, "--allow-dirty"),
        (args.all_features, "--all-features"),
        (args.no_default_features, "--no-default-features"),
    ] {
        if given {
            flags.push(flag.into());
        }
    }
    for features in &args.features {
        flags.extend(["--features".into(), features.into()]);
    }
    for (flag, value) in [("--target", &args.target), ("--jobs", &args.jobs)] {
        if let Some(value) = value {
            flags.extend([flag.into(), value.into()]);
        }
    }
    flags
}

/// Cargo's configuration for the run: each namespace's index is replaced by its local registry. The key is the
/// canonical URL itself, since Cargo refuses a second key for a URL that has one.
fn cargo_config(plan: &Plan, registries: &BTreeMap<Namespace, LocalRegistry>) -> String {
    let mut config = DocumentMut::new();
    for (namespace, registry) in registries {
        let target = &plan.targets[namespace];
        let staged = format!("staged-{namespace}");
        config["registries"][target.registry.as_str()]["index"] = value(target.index.as_str());
        let source = config["source"].or_insert(Item::Table(Table::new()));
        source[target.index.as_str()]["registry"] = value(target.index.as_str());
        source[target.index.as_str()]["replace-with"] = value(&staged);
        source[&staged]["local-registry"] = value(registry.dir().to_string_lossy().into_owned());
    }
    config.to_string()
}
