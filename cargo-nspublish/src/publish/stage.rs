//! Packages, checks and signs the members, one after the other, each against what the static indexes will contain.

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
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::interrupt;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_cli::static_index::{Existing, LocalRegistry, Release, StaticIndexEdit};
use cargo_namespaces_net::fs;
use toml_edit::{DocumentMut, Item, Table, value};

use super::already_published::other_content;
use super::package_flags::{package_flags, target_directory};
use super::signers::Signer;
use crate::context::Context;
use crate::options::BuildOptions;
use crate::plan::{Member, Plan, Target};
use crate::static_index::static_index_error;

/// A member that is in its static index, in memory.
pub struct StagedMember {
    /// Its full name and version.
    pub member: Member,
    /// The digest of its .crate.
    pub checksum: Digest,
    /// Who signed it; `None` if the index had it already.
    pub key: Option<PublicKey>,
}

/// Local registries that mirror the static indexes for Cargo, and the configuration that makes Cargo use them.
struct Staging {
    dir: tempfile::TempDir,
    registries: BTreeMap<Namespace, LocalRegistry>,
    config: PathBuf,
}

/// Stages every member into its site, in the plan's order.
///
/// # Errors
/// A member cannot be packaged or built, or breaks a rule. Nothing was written to a site.
pub fn all(
    context: &Context<'_>,
    plan: &Plan,
    build: &BuildOptions,
    signers: &BTreeMap<Namespace, Signer>,
    indexes: &mut BTreeMap<Namespace, StaticIndexEdit>,
) -> Result<Vec<StagedMember>, CliError> {
    let staging = Staging::new(plan, indexes)?;
    let target_dir = target_directory(context, build)?;
    let mut outcomes = Vec::new();
    for member in &plan.members {
        interrupt::check()?;
        let target = &plan.targets[&member.name.namespace];
        let edit = indexes.get_mut(&member.name.namespace).expect("a site was opened for every namespace");
        let held = edit.index_file(&member.name.krate).exit_with(ExitCode::Failure)?;
        // A version that is there already was built when it was published, and is only compared.
        let verify = !build.no_verify && held.get(&member.version).is_none();
        let bytes = staging.package(context, member, target, build, verify, &target_dir)?;
        let within = |error: CliError| {
            error.within(format!("failed to publish `{}` v{}", member.name, member.version))
        };
        let outcome =
            stage_one(context, member, &signers[&member.name.namespace].key, edit, bytes).map_err(within)?;
        staging.mirror(member, edit)?;
        outcomes.push(outcome);
    }
    drop(staging.dir);
    Ok(outcomes)
}

fn stage_one(
    context: &Context<'_>,
    member: &Member,
    key: &SecretKey,
    edit: &mut StaticIndexEdit,
    bytes: Vec<u8>,
) -> Result<StagedMember, CliError> {
    let (krate, version) = (&member.name.krate, &member.version);
    let checksum = Digest::of(&bytes);
    let existing = edit.existing(krate, version, &bytes).map_err(|error| static_index_error(&error))?;
    let label = format!("{} v{version}", member.name);
    match existing {
        Existing::Same => {
            context.shell.status("Unchanged", format!("{label} is on the site already, with the same files"));
            return Ok(StagedMember { member: member.clone(), checksum, key: None });
        }
        Existing::Other(paths) => {
            return Err(other_content(&format!("{label} is on the site already"), &paths));
        }
        Existing::No => {}
    }
    let line = sign(member, key, edit, &bytes, checksum)?;
    context.shell.status("Signing", format!("{label} with {}", key.public()));
    let release = Release { name: member.name.clone(), line, package: bytes };
    edit.add(release).map_err(|error| static_index_error(&error))?;
    Ok(StagedMember { member: member.clone(), checksum, key: Some(key.public()) })
}

/// Checks the package as a registry would, computes its line, signs it, and checks the result as a consumer would.
fn sign(
    member: &Member,
    key: &SecretKey,
    edit: &StaticIndexEdit,
    bytes: &[u8],
    checksum: Digest,
) -> Result<IndexLine, CliError> {
    let refused = |error: &dyn std::error::Error, hint: &str| {
        CliError::new(ExitCode::InvalidInput, error.to_string()).hint(hint.to_owned())
    };
    let index = edit.layout().index();
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
    /// Mirrors what the static indexes contain now.
    fn new(plan: &Plan, indexes: &BTreeMap<Namespace, StaticIndexEdit>) -> Result<Self, CliError> {
        let dir = tempfile::tempdir().exit_with(ExitCode::Failure)?;
        let mut registries = BTreeMap::new();
        for (namespace, edit) in indexes {
            let registry =
                LocalRegistry::create(&dir.path().join(namespace.as_str())).exit_with(ExitCode::Failure)?;
            edit.mirror_into(&registry).map_err(|error| static_index_error(&error))?;
            registries.insert(namespace.clone(), registry);
        }
        let config = dir.path().join("config.toml");
        fs::write_atomic(&config, cargo_config(plan, &registries).as_bytes()).exit_with(ExitCode::Failure)?;
        Ok(Self { dir, registries, config })
    }

    /// Mirrors a release that was just staged.
    fn mirror(&self, member: &Member, edit: &StaticIndexEdit) -> Result<(), CliError> {
        edit.mirror_crate(&member.name.krate, &self.registries[&member.name.namespace])
            .map_err(|error| static_index_error(&error))
    }

    /// Has Cargo package a member, and returns the bytes of the .crate.
    fn package(
        &self,
        context: &Context<'_>,
        member: &Member,
        target: &Target,
        build: &BuildOptions,
        verify: bool,
        target_dir: &Path,
    ) -> Result<Vec<u8>, CliError> {
        let mut command: Vec<OsString> = vec!["package".into()];
        command.extend(["--manifest-path".into(), member.manifest_path.clone().into()]);
        command.extend(["--registry".into(), target.registry.as_str().into()]);
        command.extend(["--config".into(), self.config.clone().into()]);
        command.extend(["--target-dir".into(), target_dir.into()]);
        command.extend(package_flags(build, verify));
        command.extend(context.common.cargo_flags.iter().cloned());
        let cargo = context.packaging([member.manifest_path.as_ref()], &target.index)?;
        cargo.run(&command, context.shell.is_json())?;
        let file = target_dir.join("package").join(crate_file_name(&member.name.krate, &member.version));
        fs::read(&file).exit_with(ExitCode::Failure)
    }
}

/// Writes Cargo's configuration for the run, which replaces each namespace's index with its local registry. The source's key
/// is the canonical URL itself, since Cargo refuses two keys for one URL.
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
