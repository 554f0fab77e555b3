//! A key that the project does not trust yet: what is said of it leads on, and is not the command that was just run.

use cargo_namespaces::key::{PublicKey, SecretKey};
use namespace_world::advice::{Advice, Follower, advice};
use namespace_world::person::Ran;
use namespace_world::{Person, Project, SignedSite, World, at_terminal, run};

/// A project with `a.example/hello` 1.0.0 added, whose publisher has released 1.1.0 with a key that the domain lists and
/// nobody vouches for.
struct Changed<'w> {
    world: &'w World,
    site: SignedSite<'w>,
    project: Project,
    key: PublicKey,
}

fn nothing(_: &mut Person<'_>, _: &Ran) -> bool {
    false
}

impl<'w> Changed<'w> {
    fn new(world: &'w World) -> Self {
        let site = SignedSite::new(world, "a.example");
        site.release("hello", "1.0.0").publish();
        let project = world.project("app").binary("app", "", "fn main() {}\n");
        run(world.nsadd().arg("a.example/hello").current_dir(project.path())).success();
        let new = SecretKey::generate().expect("the system has randomness");
        site.authorize(&new.public());
        site.release("hello", "1.1.0").signed_by(&new).publish();
        Self { world, site, project, key: new.public() }
    }

    /// Cargo takes the new release into the lock file, as it does.
    fn updated(world: &'w World) -> Self {
        let changed = Self::new(world);
        run(world.cargo().arg("update").current_dir(changed.project.path())).success();
        changed
    }

    /// Somebody in the project's directory.
    fn person(&self) -> Person<'w> {
        let mut person = Person::new(self.world, "user").quiet();
        person.run(&format!("cd {}", self.project.path().display())).success();
        person
    }

    fn trusts(&self) -> bool {
        self.project.read(".cargo/namespaces.toml").contains(&self.key.to_string())
    }
}

#[test]
fn the_line_that_accepts_a_locked_release_is_printed() {
    let world = World::new(&["a.example"]);
    let changed = Changed::updated(&world);
    let mut person = changed.person();
    let ran = person.run("cargo nsadd --sync").code(4);
    let place = "https://a.example/.well-known/rust-lang.org/package-namespace.json";
    let ran = ran
        .shows("which is not pinned for it")
        .shows(&format!("a.example lists it for a.example (at {place}"));
    let line = format!("cargo nsadd --sync --trust {}", changed.key);
    assert_eq!(advice(&ran.text), [Advice::Command(line)], "{ran}");
    assert!(!changed.trusts());
    Follower::new(&mut person).reach("cargo nsadd --sync", &mut nothing);
    assert!(changed.trusts());
    person.run("cargo nsadd --sync").success();
}

#[test]
fn adding_again_names_the_flag_that_it_needs() {
    let world = World::new(&["a.example"]);
    let changed = Changed::new(&world);
    let mut person = changed.person();
    let line = "cargo nsadd a.example/hello@1.1";
    let ran = person.run(line).code(4).shows("the key changed");
    assert_eq!(advice(&ran.text), [Advice::Command(format!("{line} --trust {}", changed.key))], "{ran}");
    Follower::new(&mut person).reach(line, &mut nothing);
    assert!(changed.trusts());
}

#[test]
fn vendoring_and_its_check_lead_on() {
    let world = World::new(&["a.example"]);
    let changed = Changed::updated(&world);
    let mut person = changed.person();
    Follower::new(&mut person).reach("cargo nsvendor --write-config", &mut nothing);
    assert!(changed.trusts());
    person.run("cargo nsvendor --check").success();
}

#[test]
fn vendoring_leads_on_where_the_lock_file_is_behind() {
    let world = World::new(&["a.example"]);
    let changed = Changed::new(&world);
    let manifest = changed
        .project
        .read("Cargo.toml")
        .replace("version = \"1.0.0\", registry", "version = \"1.1\", registry");
    changed.project.write("Cargo.toml", &manifest);
    let mut person = changed.person();
    Follower::new(&mut person).reach("cargo nsvendor", &mut nothing);
    assert!(changed.trusts());
}

#[test]
fn a_project_that_trusts_nobody_is_led_on() {
    let world = World::new(&["a.example"]);
    let changed = Changed::updated(&world);
    run(world
        .nsadd()
        .args(["--sync", "--trust", &changed.key.to_string()])
        .current_dir(changed.project.path()))
    .success();
    std::fs::remove_file(changed.project.path().join(".cargo/namespaces.toml"))
        .expect("remove the trust file");
    let mut person = changed.person();
    let ran = person.run("cargo nsvendor --check").code(4);
    assert_eq!(advice(&ran.text), [Advice::Command("cargo nsadd --sync".to_owned())], "{ran}");
    Follower::new(&mut person).reach("cargo nsvendor", &mut nothing);
    assert!(changed.trusts());
}

#[test]
fn at_a_terminal_it_is_asked_with_what_the_domain_says() {
    let world = World::new(&["a.example"]);
    let changed = Changed::updated(&world);
    let mut command = world.nsadd();
    command.arg("--sync").current_dir(changed.project.path());
    let before = changed.project.snapshot();
    at_terminal(&command, &[("trust it?", "n")])
        .code(4)
        .stdout_has("a.example lists this key at https://a.example/.well-known/")
        .stdout_has(&format!("cargo nsadd --sync --trust {}", changed.key));
    changed.project.assert_unchanged(&before);
    at_terminal(&command, &[("trust it?", "y")]).success();
    assert!(changed.trusts());
    // A new release is asked about as well.
    let world = World::new(&["a.example"]);
    let changed = Changed::new(&world);
    let mut command = world.nsadd();
    command.arg("a.example/hello@1.1").current_dir(changed.project.path());
    at_terminal(&command, &[("trust it?", "y")]).success().stdout_has("the key changed");
    assert!(changed.trusts());
}

#[test]
fn nobody_is_asked_who_affirms_everything_or_whose_domain_says_no() {
    let world = World::new(&["a.example"]);
    let changed = Changed::updated(&world);
    let mut command = world.nsadd();
    command.args(["--sync", "--yes"]).current_dir(changed.project.path());
    at_terminal(&command, &[]).code(4).stdout_lacks("trust it?");
    assert!(!changed.trusts());
    changed.site.authorize_nobody();
    let mut command = world.nsadd();
    command.arg("--sync").current_dir(changed.project.path());
    at_terminal(&command, &[])
        .code(4)
        .stdout_lacks("trust it?")
        .stdout_has("a.example answered at every place and does not list it");
    assert!(!changed.trusts());
}
