//! Says what was published into a static index, and what to do next.

use cargo_namespaces::name::Namespace;
use cargo_namespaces_cli::static_index::StaticIndexLayout;
use serde::Serialize;

use super::stage::StagedMember;
use crate::context::Context;
use crate::plan::{Plan, Target};

/// Says what was written into the directory, and how it gets served.
pub fn written(
    context: &Context<'_>,
    layout: &StaticIndexLayout,
    target: &Target,
    written: &[String],
    outcomes: &[StagedMember],
) {
    let shell = context.shell;
    let namespace = layout.namespace();
    for outcome in outcomes.iter().filter(|outcome| outcome.key.is_some()) {
        if outcome.member.name.namespace == *namespace {
            let version = &outcome.member.version;
            shell.status(
                "Published",
                format!("{} v{version} into {}", outcome.member.name, target.dir.display()),
            );
        }
    }
    if written.is_empty() {
        shell.status("Finished", format!("{} is up to date", target.dir.display()));
        return;
    }
    for path in written {
        shell.verbose("Writing", target.dir.join(path).display());
    }
    for line in upload(layout, target) {
        shell.note(line);
    }
}

/// Says how the directory gets served.
fn upload(layout: &StaticIndexLayout, target: &Target) -> Vec<String> {
    let dir = target.dir.display();
    let namespace = layout.namespace();
    let mut lines = vec![format!(
        "upload all of `{dir}`, dot files too, so that `{}` answers with `{}`",
        layout.index().join("config.json"),
        target.dir.join(layout.path(&cargo_namespaces::index::tree::TreeFile::Config)).display(),
    )];
    if let Some(user) = github_user(layout) {
        lines.push(format!(
            "GitHub Pages: `{dir}` is a checkout of a repository of {user} whose Pages are published from a branch:\n      \
             git -C {dir} add --all && git -C {dir} commit -m \"Publish\" && git -C {dir} push"
        ));
    }
    if !layout.serves_domain() {
        lines.push(format!(
            "`https://{namespace}/` is served from elsewhere: its records must be there, or in DNS \
             (`cargo nspublish setup {namespace}` prints them)"
        ));
    }
    lines
}

/// `jdoe` of an index on `jdoe.github.io`.
fn github_user(layout: &StaticIndexLayout) -> Option<&str> {
    layout.index().host().strip_suffix(".github.io")
}

#[derive(Serialize)]
struct Published<'a> {
    namespace: &'a Namespace,
    name: &'a str,
    version: String,
    cksum: String,
    index: &'a str,
    /// Who signed it now; `null` if the index had it already.
    key: Option<String>,
    site: String,
}

/// Prints one JSON message for each member, in the order of publishing.
pub fn json(context: &Context<'_>, plan: &Plan, outcomes: &[StagedMember]) {
    for outcome in outcomes {
        let name = &outcome.member.name;
        let target = &plan.targets[&name.namespace];
        let message = Published {
            namespace: &name.namespace,
            name: name.krate.as_str(),
            version: outcome.member.version.to_string(),
            cksum: outcome.checksum.to_string(),
            index: target.index.as_str(),
            key: outcome.key.map(|key| key.to_string()),
            site: context.path(&target.dir).display().to_string(),
        };
        context.shell.json("published", &message);
    }
}
