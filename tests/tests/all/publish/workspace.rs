//! Workspaces: siblings, several namespaces, sites on one host and on several.

use namespace_world::{Project, World, run, snapshot};

use super::Author;

fn member(project: &Project, qualified: &str, dependencies: &str, source: &str) {
    let (namespace, name) = qualified.split_once('/').expect("a qualified name");
    project.write(
        &format!("{name}/Cargo.toml"),
        &format!(
            "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n\
             description = \"A member\"\n\n[package.metadata.namespaces]\nnamespace = \"{namespace}\"\n\n{dependencies}"
        ),
    );
    project.write(&format!("{name}/src/lib.rs"), source);
}

const CONFIG: &str = "[registries.grep_example]\nindex = \"sparse+https://grep.example/cargo/index/\"\n\n\
                      [registries.regex_example]\nindex = \"sparse+https://regex.example/cargo/index/\"\n";

/// `grep` needs `regex` of another namespace, `cli` needs `grep`; listed in the wrong order.
fn workspace(world: &World) -> Project {
    let project = world
        .project("workspace")
        .file(
            "Cargo.toml",
            "[workspace]\nresolver = \"2\"\nmembers = [\"cli\", \"grep\", \"regex\", \"private\"]\n",
        )
        .file(".cargo/config.toml", CONFIG);
    member(&project, "regex.example/regex", "", "pub fn find() -> u8 { 1 }\n");
    member(
        &project,
        "grep.example/grep",
        "[dependencies]\nregex = { path = \"../regex\", version = \"1\", registry = \"regex_example\" }\n",
        "pub fn grep() -> u8 { regex::find() + 1 }\n",
    );
    member(
        &project,
        "grep.example/cli",
        "[dependencies]\ngrep = { path = \"../grep\", version = \"1\", registry = \"grep_example\" }\n\n\
         [dev-dependencies]\nprivate = { path = \"../private\" }\n",
        "pub fn cli() -> u8 { grep::grep() + 1 }\n",
    );
    project.write(
        "private/Cargo.toml",
        "[package]\nname = \"private\"\nversion = \"0.0.0\"\nedition = \"2021\"\npublish = false\n",
    );
    project.write("private/src/lib.rs", "");
    project
}

#[test]
fn two_namespaces_of_one_workspace_go_to_two_sites_in_dependency_order() {
    let world = World::new(&["grep.example", "regex.example"]);
    let (_, _) = (Author::new(&world, "regex.example"), Author::new(&world, "grep.example"));
    let project = workspace(&world);
    let site = |namespace: &str| format!("{namespace}={}", world.web_root(namespace).display());
    let output = run(world
        .nspublish()
        .args([
            "--workspace",
            "--allow-dirty",
            "--site",
            &site("grep.example"),
            "--site",
            &site("regex.example"),
        ])
        .current_dir(project.path()))
    .success();
    let position =
        |text: &str| output.stderr.find(text).unwrap_or_else(|| panic!("{text}: {}", output.stderr));
    assert!(position("Signing regex.example/regex") < position("Signing grep.example/grep"));
    assert!(position("Signing grep.example/grep") < position("Signing grep.example/cli"));
    let app = world
        .project("app")
        .binary(
            "app",
            "cli = { version = \"1\", registry = \"grep_example\" }\n",
            "fn main() { println!(\"{}\", cli::cli()); }\n",
        )
        .file(".cargo/config.toml", CONFIG);
    run(world.cargo().args(["run", "--quiet"]).current_dir(app.path())).success().stdout_has("3");
}

#[test]
fn one_directory_for_two_hosts_is_refused_with_the_flags_to_use() {
    let world = World::new(&["grep.example", "regex.example"]);
    let (_, _) = (Author::new(&world, "regex.example"), Author::new(&world, "grep.example"));
    let project = workspace(&world);
    let site = world.web_root("grep.example");
    run(world
        .nspublish()
        .args(["--workspace", "--allow-dirty", "--site"])
        .arg(&site)
        .current_dir(project.path()))
    .code(2)
    .stderr_has("have their indexes on different hosts")
    .stderr_has("--site grep.example=DIR --site regex.example=DIR");
    assert_eq!(snapshot(&site).paths().count(), 0);
}

#[test]
fn when_a_later_member_fails_nothing_of_the_workspace_is_published() {
    let world = World::new(&["grep.example", "regex.example"]);
    let (_, _) = (Author::new(&world, "regex.example"), Author::new(&world, "grep.example"));
    let project = workspace(&world);
    project.write("cli/src/lib.rs", "compile_error!(\"broken\");\n");
    let site = |namespace: &str| format!("{namespace}={}", world.web_root(namespace).display());
    run(world
        .nspublish()
        .args([
            "--workspace",
            "--allow-dirty",
            "--site",
            &site("grep.example"),
            "--site",
            &site("regex.example"),
        ])
        .current_dir(project.path()))
    .code(101)
    .stderr_has("broken");
    for namespace in ["grep.example", "regex.example"] {
        assert_eq!(snapshot(&world.web_root(namespace)).paths().count(), 0, "{namespace}");
    }
}

#[test]
fn a_circle_of_versioned_dependencies_is_explained() {
    let world = World::new(&["grep.example"]);
    let author = Author::new(&world, "grep.example");
    let project = world
        .project("circle")
        .file("Cargo.toml", "[workspace]\nresolver = \"2\"\nmembers = [\"a\", \"b\"]\n")
        .file(".cargo/config.toml", CONFIG);
    let on = |name: &str, table: &str| {
        format!(
            "[{table}]\n{name} = {{ path = \"../{name}\", version = \"1\", registry = \"grep_example\" }}\n"
        )
    };
    member(&project, "grep.example/a", &on("b", "dev-dependencies"), "");
    member(&project, "grep.example/b", &on("a", "dependencies"), "");
    author
        .publish(&project, &["--workspace"])
        .code(6)
        .stderr_has("these packages depend on one another, so none can be published first: a, b")
        .stderr_has("a dev-dependency by path alone");
}

#[test]
fn an_unknown_package_is_answered_with_the_members() {
    let world = World::new(&["grep.example", "regex.example"]);
    let author = Author::new(&world, "grep.example");
    let project = workspace(&world);
    author
        .publish(&project, &["-p", "gerp"])
        .code(2)
        .stderr_has("package `gerp` is not a member of this workspace")
        .stderr_has("cli, grep, regex, private");
}
