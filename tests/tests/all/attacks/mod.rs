//! Attacks from end to end, each a test named after it: what is refused, with which words and exit code, and that the
//! project is as it was. What one command alone is attacked with stands beside that command's other tests.

mod equivocation;
mod links;
mod pull_request;

use namespace_world::{Output, Project, SignedSite, World, run};

/// A program that uses `hello` of the site, which uses its `leaf`; locked, with the site's key pinned.
fn consumer(world: &World, site: &SignedSite<'_>) -> Project {
    site.release("leaf", "1.0.0").publish();
    site.release("hello", "1.0.0").dependency(&site.dependency("leaf", "1")).publish();
    let project = world
        .project("app")
        .binary("app", &site.consumer_dependency("hello", "1"), "fn main() {}\n")
        .file(".cargo/config.toml", &site.registry_config())
        .file(".cargo/namespaces.toml", &site.trust_entry());
    lock(world, &project);
    project
}

/// Has cargo write the lock file, or bring it up to date.
fn lock(world: &World, project: &Project) {
    run(world.cargo().args(["update"]).current_dir(project.path())).success();
}

fn check(world: &World, project: &Project, flags: &[&str]) -> Output {
    let before = project.snapshot();
    let output = run(world.nsvendor().arg("--check").args(flags).current_dir(project.path()));
    project.assert_unchanged(&before);
    output
}

/// Makes the project a repository with one commit on `main`.
fn commit(world: &World, project: &Project) {
    for arguments in [
        &["init", "--quiet", "--initial-branch", "main"][..],
        &["add", "."],
        &["commit", "--quiet", "-m", "Base"],
    ] {
        git(world, project, arguments);
    }
}

fn git(world: &World, project: &Project, arguments: &[&str]) {
    run(world.command("git").args(arguments).current_dir(project.path())).success();
}
