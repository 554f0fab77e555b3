//! `cargo nsadd`, end to end.

mod adding;
mod attacks;
mod cargo_limits;
mod existing;
mod keys;
mod modes;
mod rewriting;
mod rollback;
mod traps;
mod unreachable;
mod yanks;

use namespace_world::{Output, Project, SignedSite, World, run};

/// A world with the site of `a.example`: its `hello` 1.0.0 and 1.1.0 use its `leaf`, and have a feature `loud`.
struct Small<'w> {
    world: &'w World,
    site: SignedSite<'w>,
    project: Project,
}

const MAIN: &str = "fn main() {\n    println!(\"{}\", hello::who());\n}\n";

impl<'w> Small<'w> {
    /// With a program that uses nothing yet.
    fn new(world: &'w World) -> Self {
        let site = SignedSite::new(world, "a.example");
        site.release("leaf", "1.0.0").publish();
        let small = Self { world, site, project: world.project("app").binary("app", "", "fn main() {}\n") };
        small.hello("1.0.0");
        small
    }

    fn hello(&self, version: &str) {
        let release = self.site.release("hello", version).dependency(&self.site.dependency("leaf", "1"));
        release.tables("[features]\nloud = []\n").publish();
    }

    /// The program has added `a.example/hello` 1.0.0.
    fn added(world: &'w World) -> Self {
        let small = Self::new(world);
        small.nsadd(&["a.example/hello"]).success();
        small
    }

    fn nsadd(&self, arguments: &[&str]) -> Output {
        nsadd(self.world, &self.project, arguments)
    }

    /// Fails with this exit code, and nothing in the project has changed.
    #[track_caller]
    fn refused(&self, code: i32, arguments: &[&str]) -> Output {
        let before = self.project.snapshot();
        let output = self.nsadd(arguments).code(code);
        self.project.assert_unchanged(&before);
        output
    }

    fn manifest(&self) -> String {
        self.project.read("Cargo.toml")
    }

    /// Stock Cargo runs the program, from a copy of what is committed.
    fn run_clone(&self) -> Output {
        let clone = self.world.project("clone");
        for file in ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "src/main.rs"] {
            clone.write(file, &self.project.read(file));
        }
        clone.write("src/main.rs", MAIN);
        run(self.world.cargo().args(["run", "--quiet", "--locked"]).current_dir(clone.path()))
    }
}

fn nsadd(world: &World, project: &Project, arguments: &[&str]) -> Output {
    run(world.nsadd().args(arguments).current_dir(project.path()))
}
