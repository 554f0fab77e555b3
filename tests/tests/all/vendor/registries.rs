//! Registries that are not read here, but that Cargo reads: a git index, one over http; and Cargo's home in odd places.

use std::fs;
use std::path::PathBuf;

use namespace_world::server::Response;
use namespace_world::{Home, Project, Server, World, run};

use super::{Small, nsvendor, run_offline};

/// A registry of one crate, `thing` 1.0.0: its index line and its archive.
struct Registry {
    archive: PathBuf,
    line: String,
}

impl Registry {
    fn new(world: &Home) -> Self {
        let project = world.project("thing").library("thing", "1.0.0", "");
        let package = ["package", "--quiet", "--allow-dirty", "--no-verify"];
        run(world.cargo().args(package).current_dir(project.path())).success();
        let archive = world.target_dir().join("package/thing-1.0.0.crate");
        let bytes = fs::read(&archive).expect("the package");
        let digest = cargo_namespaces::digest::Digest::of(&bytes);
        let line = format!(
            "{{\"name\":\"thing\",\"vers\":\"1.0.0\",\"deps\":[],\"cksum\":\"{digest}\",\"features\":{{}},\"yanked\":false}}\n"
        );
        Self { archive, line }
    }

    /// As a git repository; its URL.
    fn in_git(&self, world: &Home) -> String {
        let directory = self.archive.parent().expect("it lies in a directory");
        let dl = format!("file://{}/{{crate}}-{{version}}.crate", directory.display());
        let index = world
            .project("index")
            .file("config.json", &format!("{{\"dl\":\"{dl}\"}}\n"))
            .file("th/in/thing", &self.line);
        for arguments in [
            &["init", "--quiet", "--initial-branch", "main"][..],
            &["add", "."],
            &["commit", "--quiet", "-m", "One"],
        ] {
            run(world.command("git").args(arguments).current_dir(index.path())).success();
        }
        format!("file://{}", index.path().display())
    }

    /// Over http; its URL, and who answers there.
    fn over_http(&self, world: &Home) -> (String, Server) {
        world.set_env("NO_PROXY", "127.0.0.1");
        let (line, archive) = (self.line.clone(), fs::read(&self.archive).expect("the package"));
        let server = Server::plain(move |request| match request.path.as_str() {
            "/index/config.json" => {
                let host = request.header("host").unwrap_or_default();
                Response::ok(format!("{{\"dl\":\"http://{host}/dl\"}}"))
            }
            "/index/th/in/thing" => Response::ok(line.clone()),
            "/dl/thing/1.0.0/download" => Response::ok(archive.clone()),
            _ => Response::not_found(),
        });
        (format!("sparse+http://{}/index/", server.address()), server)
    }
}

/// A program that uses `thing`, locked; and nothing of it is in Cargo's home.
fn program(world: &Home, config: &str) -> Project {
    let project = world
        .project("app")
        .binary(
            "app",
            "thing = { version = \"1\", registry = \"corp\" }\n",
            "fn main() { println!(\"{}\", thing::who()); }\n",
        )
        .file(".cargo/config.toml", config);
    run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    project
}

pub fn forget(world: &Home) {
    for part in ["git", "registry", "namespaces"] {
        let _ = fs::remove_dir_all(world.cargo_home().join(part));
    }
}

/// Every form, each with an empty home.
fn every_form(world: &World, project: &Project) {
    for flags in
        [&[][..], &["--keep-dep-kinds", "no-dev"], &["--format", "tar.zst"], &["--format", "local-registry"]]
    {
        let _ = fs::remove_dir_all(project.path().join("vendor"));
        forget(world);
        nsvendor(world, project, flags)
            .success()
            .stderr_has("not checked: a configured registry without a namespace");
        forget(world);
        nsvendor(world, project, &[&["--check"], flags].concat()).success();
    }
    let _ = fs::remove_dir_all(project.path().join("vendor"));
    nsvendor(world, project, &["--write-config"]).success();
    run_offline(world, project).success().stdout_has("thing 1.0.0");
    nsvendor(world, project, &["--check"]).success();
}

#[test]
fn a_registry_with_a_git_index_and_nothing_in_cargos_home() {
    let world = World::new(&[]);
    let url = Registry::new(&world).in_git(&world);
    let project = program(&world, &format!("[registries.corp]\nindex = \"{url}\"\n"));
    every_form(&world, &project);
}

#[test]
fn a_configured_registry_over_http_and_nothing_in_cargos_home() {
    let world = World::new(&[]);
    let (url, _server) = Registry::new(&world).over_http(&world);
    let project = program(&world, &format!("[registries.corp]\nindex = \"{url}\"\n"));
    every_form(&world, &project);
    // Nobody vouches for one that is not configured.
    let config = project.read(".cargo/config.toml").replace("registries.corp", "registries.other");
    project.write(".cargo/config.toml", &config.replace(&url, "https://corp.example/index"));
    nsvendor(&world, &project, &[])
        .code(4)
        .stderr_has("from this unknown registry")
        .stderr_has("`http` is refused");
}

#[test]
fn a_registry_that_a_variable_names() {
    let world = World::new(&[]);
    let url = Registry::new(&world).in_git(&world);
    world.set_env("CARGO_REGISTRIES_CORP_INDEX", &url);
    let project = program(&world, "");
    forget(&world);
    nsvendor(&world, &project, &["--write-config"]).success().stderr_has("Vendored 1 package");
    run_offline(&world, &project).success().stdout_has("thing 1.0.0");
}

/// Where a mirror is one that only Cargo reads, Cargo fetches.
#[test]
fn a_mirror_with_a_git_index() {
    let world = Home::new();
    let registry = Registry::new(&world);
    let url = registry.in_git(&world);
    let (index, _server) = registry.over_http(&world);
    let config = format!(
        "[registries.corp]\nindex = \"{index}\"\n[source.corp]\nregistry = \"{index}\"\nreplace-with = \"mirror\"\n\
         [source.mirror]\nregistry = \"{url}\"\n"
    );
    let project = program(&world, &config);
    forget(&world);
    nsvendor(&world, &project, &[]).success().stderr_has("Vendored 1 package");
    nsvendor(&world, &project, &["--check"]).success();
}

/// Cargo keeps no copy of what it takes from there.
#[test]
fn a_registry_with_a_git_index_that_a_local_registry_replaces() {
    let world = World::new(&[]);
    let registry = Registry::new(&world);
    let url = registry.in_git(&world);
    let local = world.project("local").file("index/th/in/thing", &registry.line);
    fs::copy(&registry.archive, local.path().join("thing-1.0.0.crate")).expect("copy the package");
    let config = format!(
        "[registries.corp]\nindex = \"{url}\"\n[source.corp]\nregistry = \"{url}\"\nreplace-with = \"local\"\n\
         [source.local]\nlocal-registry = \"{}\"\n",
        local.path().display()
    );
    let project = program(&world, &config);
    fs::remove_dir_all(world.project("index").path()).expect("the registry is gone");
    forget(&world);
    nsvendor(&world, &project, &[]).success().stderr_has("Vendored 1 package");
    nsvendor(&world, &project, &["--check"]).success();
    nsvendor(&world, &project, &["--write-config"]).success();
    run_offline(&world, &project).success().stdout_has("thing 1.0.0");
}

/// Cargo reads the configuration in its home wherever it is run.
#[test]
fn cargos_home_in_the_project_with_the_configuration_of_what_is_vendored() {
    for home in [".cargo", "cargo-home"] {
        let world = World::new(&["a.example"]);
        let small = Small::new(&world);
        let home = small.project.path().join(home);
        world.set_env("CARGO_HOME", home.to_str().expect("a path"));
        let snippet = small.nsvendor(&[]).success().stdout;
        let relative = home.strip_prefix(small.project.path()).expect("it is below").join("config.toml");
        let relative = relative.to_str().expect("a path");
        let config = if small.project.has(relative) { small.project.read(relative) } else { String::new() };
        small.project.write(relative, &format!("{config}\n{snippet}"));
        // A new dependency, which what is vendored does not have.
        small.site.release("later", "2.0.0").publish();
        let manifest = small.project.read("Cargo.toml");
        small
            .project
            .write("Cargo.toml", &format!("{manifest}{}", small.site.consumer_dependency("later", "2")));
        let before = fs::read_to_string(home.join("config.toml")).expect("the configuration");
        small.nsvendor(&[]).success().stderr_has("Vendored 3 packages");
        assert!(small.project.has("vendor/a.example/later-2.0.0/Cargo.toml"));
        small.nsvendor(&["--check"]).success();
        assert_eq!(fs::read_to_string(home.join("config.toml")).expect("the configuration"), before);
    }
}
