//! `cargo nsvendor`, end to end.

mod attacks;
mod check;
mod directory;
mod downloads;
mod filters;
mod filters_offline;
mod forms;
mod git;
mod git_references;
mod increments;
mod job;
mod leads;
mod lock_files;
mod odd;
mod offline;
mod paths;
mod private;
mod registries;
mod sbom;
mod sharing;

use namespace_world::{Home, Output, Project, SignedSite, World, run};

/// A world with the site of `a.example`, and a program that uses its `hello`, which uses its `leaf`; locked, fetched by
/// nobody, and with a trust file.
struct Small<'w> {
    world: &'w World,
    site: SignedSite<'w>,
    project: Project,
}

impl<'w> Small<'w> {
    fn new(world: &'w World) -> Self {
        let site = SignedSite::new(world, "a.example");
        site.release("leaf", "1.0.0")
            .file(".gitignore", "target\n")
            .file("docs/.gitattributes", "* -text\n")
            .publish();
        site.release("hello", "1.0.0")
            .dependency(&site.dependency("leaf", "1"))
            .file("run.sh", "#!/bin/sh\n")
            .publish();
        let project = world
            .project("app")
            .binary(
                "app",
                &site.consumer_dependency("hello", "1"),
                "fn main() {\n    println!(\"{}\", hello::who());\n}\n",
            )
            .file(".cargo/config.toml", &site.registry_config())
            .file(".cargo/namespaces.toml", &site.trust_entry());
        let small = Self { world, site, project };
        small.lock();
        small
    }

    /// Has cargo write the lock file; nothing is downloaded but the index.
    fn lock(&self) {
        run(self.world.cargo().arg("generate-lockfile").current_dir(self.project.path())).success();
    }

    fn nsvendor(&self, arguments: &[&str]) -> Output {
        nsvendor(self.world, &self.project, arguments)
    }

    /// Vendors and writes the configuration.
    fn vendored(world: &'w World) -> Self {
        let small = Self::new(world);
        small.nsvendor(&["--write-config"]).success();
        small
    }

    /// Refused, with the project as it was.
    #[track_caller]
    fn refused(&self, arguments: &[&str]) -> Output {
        let before = self.project.snapshot();
        let output = self.nsvendor(arguments).failure();
        self.project.assert_unchanged(&before);
        output
    }
}

fn nsvendor(world: &Home, project: &Project, arguments: &[&str]) -> Output {
    run(world.nsvendor().args(arguments).current_dir(project.path()))
}

/// Bytes that no compression makes smaller.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

/// Builds and runs offline with an empty `CARGO_HOME`: only from what is vendored.
#[track_caller]
fn run_offline(world: &World, project: &Project) -> Output {
    world.forget_contacts();
    let output = run(world
        .cargo()
        .args(["run", "--quiet", "--locked", "--offline"])
        .env("CARGO_HOME", world.root().join("empty-home"))
        .env("CARGO_TARGET_DIR", world.root().join("other-target"))
        .current_dir(project.path()));
    assert!(world.contacted().is_empty(), "{:?}", world.contacted());
    output
}
