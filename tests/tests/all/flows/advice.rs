//! What the commands say to do, done.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::examples::root;
use namespace_world::advice::{Advice, Follower, advice};
use namespace_world::ran::Ran;
use namespace_world::registry::HOST;
use namespace_world::{Home, Person, SignedSite, World, run};

use super::{Flow, follower, put_up};

fn nothing(_: &mut Person<'_>, _: &Ran) -> bool {
    false
}

/// As [`put_up`], and commits what set-up wrote, when Cargo asks for it.
fn committing(author: &mut Person<'_>, ran: &Ran) -> bool {
    if ran.text.contains("not yet committed into git") {
        author.run("git add --all && git commit --quiet --message Site").success();
        return true;
    }
    put_up(author, ran)
}

/// Moved between two ways of publishing before anything was published, by what is printed.
fn moved(from: &str, to: &str, index: &str) {
    let flow = Flow::new();
    let mut author = flow.author();
    author
        .run(&format!("cargo nspublish setup hello.example {from} --recovery-file ../recovery.pem"))
        .success();
    author.run("cargo nsadd").success();
    let before = author.run("cat .cargo/config.toml").success();
    assert!(!before.text.contains(index), "{before}");
    follower(&mut author, &[]).reach(to, &mut put_up);
    author.run("cat .cargo/config.toml").success().shows(index);
}

#[test]
fn a_namespace_set_up_for_a_site_goes_to_a_registry_when_that_is_meant() {
    let line = "cargo nspublish --allow-dirty --instance https://crates.example";
    moved("--site ../site", line, "sparse+https://crates.example/index/hello.example/");
}

#[test]
fn an_index_that_somebody_wrote_is_not_overruled_by_a_flag() {
    let flow = Flow::new();
    let mut author = flow.author();
    author.run("cargo nsadd").success();
    let config = "[registries.hello_example]\nindex = \"sparse+https://other.example/cargo/index/\"\n";
    author.write(".cargo/config.toml", config);
    author
        .run("cargo nspublish --allow-dirty --instance https://crates.example")
        .code(3)
        .shows("hello.example has the index sparse+https://other.example/cargo/index/")
        .shows("remove `[registries.hello_example]` from");
    author.run("cat .cargo/config.toml").success().shows(config);
}

#[test]
fn who_says_nothing_of_where_to_publish_is_asked_before_anything_is_made() {
    for (prefer, index) in [
        ("--instance", "sparse+https://crates.example/index/hello.example/"),
        ("cargo nspublish --site", "sparse+https://hello.example/cargo/index/"),
    ] {
        let flow = Flow::new();
        let mut author = flow.author();
        author.run("cargo nsadd").success().shows("is not decided yet");
        author.run("test ! -e .cargo/config.toml").success();
        author
            .run("cargo nspublish --allow-dirty")
            .code(3)
            .shows("cannot tell where to publish the crates of hello.example")
            .shows(&format!("--instance https://{}", "REGISTRY"));
        author.run("test ! -e $CARGO_HOME/namespaces/keys.toml").success();
        let line = "cargo nspublish --allow-dirty";
        let goal = if prefer.ends_with("--site") { "cargo nspublish" } else { line };
        author.run("git add --all && git commit --quiet --message One").success();
        follower(&mut author, &[prefer]).reach(goal, &mut committing);
        author.run("cp -r ../site/. $WWW 2>/dev/null; true").success();
        flow.is_used().shows(index);
    }
}

#[test]
fn the_instance_of_the_configuration_decides_where_nothing_else_does() {
    let flow = Flow::new();
    let mut author = flow.author();
    author.set("CARGO_NAMESPACES_INSTANCE", &format!("https://{HOST}"));
    author.run("cargo nsadd").success();
    follower(&mut author, &[]).reach("cargo nspublish --allow-dirty", &mut put_up);
    flow.is_used().shows("sparse+https://crates.example/index/hello.example/");
}

/// A workspace whose members name the registry of their own namespace: Cargo reads it only with an index.
fn workspace(author: &mut Person<'_>) {
    author.write("Cargo.toml", "[workspace]\nmembers = [\"one\", \"two\"]\nresolver = \"2\"\n");
    for (name, dependencies) in
        [("one", ""), ("two", "\"hello.example/one\" = { version = \"1.0\", path = \"../one\" }\n")]
    {
        author.write(
            &format!("{name}/Cargo.toml"),
            &format!(
                "[package]\nname = \"hello.example/{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n\
                 description = \"A member\"\n\n[dependencies]\n{dependencies}"
            ),
        );
        author.write(&format!("{name}/src/lib.rs"), "");
    }
}

#[test]
fn what_is_assumed_of_a_workspace_gives_way_to_what_is_known() {
    let flow = Flow::new();
    let mut author = flow.author();
    workspace(&mut author);
    author.run("cargo nsadd").success().shows("sparse+https://hello.example/cargo/index/ is assumed");
    author
        .run("cat .cargo/config.toml")
        .success()
        .shows("# Assumed")
        .shows("https://hello.example/cargo/index/");
    author.run("cargo check").success();
    let line = format!("cargo nspublish --workspace --allow-dirty --instance https://{HOST}");
    follower(&mut author, &[]).reach(&line, &mut put_up);
    let config = author.run("cat .cargo/config.toml").success();
    let config = config.shows("index = \"sparse+https://crates.example/index/hello.example/\"");
    assert!(!config.text.contains("Assumed"), "{config}");
    let mut user = Person::new(&flow.world, "user").quiet();
    user.run("cargo new --quiet app && cd app && cargo nsadd hello.example/two && cargo check").success();
}

#[test]
fn set_up_settles_what_was_assumed() {
    let flow = Flow::new();
    let mut author = flow.author();
    workspace(&mut author);
    author.run("cargo nsadd").success();
    author
        .run("cargo nspublish setup hello.example --instance https://crates.example --recovery-file ../recovery.pem")
        .success()
        .shows("Updated .cargo/config.toml: the registry `hello_example` is sparse+https://crates.example/");
    author.run("cargo check").success();
    let config = author.run("cat .cargo/config.toml").success();
    assert!(!config.text.contains("Assumed") && !config.text.contains("cargo/index"), "{config}");
}

#[test]
fn a_namespace_without_an_index_is_not_registered() {
    let world = World::new(&["a.example"]);
    let project = world.project("app").binary("app", "", "fn main() {}\n");
    let before = project.snapshot();
    run(world.nsadd().args(["--register", "a.example"]).current_dir(project.path()))
        .code(5)
        .stderr_has("a.example has no index yet");
    project.assert_unchanged(&before);
    run(world.nsadd().args(["--register", "a.example", "--global"]).current_dir(project.path())).code(5);
    SignedSite::new(&world, "a.example").release("hello", "1.0.0").publish();
    run(world.nsadd().args(["--register", "a.example"]).current_dir(project.path())).success();
}

#[test]
fn what_nsadd_says_leads_on() {
    let world = World::new(&["a.example"]);
    let site = SignedSite::new(&world, "a.example");
    site.release("hello", "1.0.0").publish();
    site.release("leaf", "1.0.0").publish();
    let mut person = Person::new(&world, "user").quiet();
    person.run("cargo new --quiet --lib hello && cargo new --quiet app").success();
    person.run("cd app").success();
    // A namespace for a crate.
    Follower::new(&mut person).reach("cargo nsadd a.example", &mut nothing);
    // A dependency of that name is there already.
    person.run("cargo add --quiet --path ../hello").success();
    for (prefer, shows) in [("--rename", "a-example-hello"), ("--switch", "registry = \"a_example\"")] {
        person.run("cp Cargo.toml ../before.toml").success();
        let mut follower = Follower::new(&mut person);
        follower.prefer = vec![prefer];
        follower.reach("cargo nsadd a.example/hello", &mut nothing);
        person.run("cat Cargo.toml").success().shows(shows);
        person.run("cp ../before.toml Cargo.toml").success();
    }
    // No lock file to go by.
    person.run("rm Cargo.lock").success();
    Follower::new(&mut person).reach("cargo nsadd --sync", &mut nothing);
    // No notation.
    let ran = person.run("cargo nsadd").success();
    let add = "cargo nsadd NAMESPACE/CRATE".replace("NAMESPACE/CRATE", "a.example/leaf");
    assert!(ran.text.contains("cargo nsadd NAMESPACE/CRATE"), "{ran}");
    person.run(&add).success();
    // A flag that contradicts.
    person.run("cargo nsadd --registry x a.example/leaf").code(2).shows("leave it out");
    person.run("cargo nsadd leaf@a.example").code(2).shows("did you mean `a.example/leaf`?");
    // A path, which `cargo add` takes.
    person.run("cargo remove --quiet hello; true").success();
    let ran = person.run("cargo nsadd ../hello").code(2);
    let advised = Advice::Command("cargo add --path ../hello".to_owned());
    assert_eq!(advice(&ran.text), [advised], "{ran}");
    person.run("cargo add --path ../hello").success();
}

#[test]
fn what_nsvendor_says_leads_on() {
    let world = World::new(&["a.example"]);
    let site = SignedSite::new(&world, "a.example");
    site.release("hello", "1.0.0").publish();
    site.release("leaf", "1.0.0").publish();
    let mut person = Person::new(&world, "user").quiet();
    person.run("cargo new --quiet app").success();
    person.run("cd app").success();
    person.run("cargo nsadd a.example/hello").success();
    // Nothing is vendored where the configuration leads.
    person.run("cargo nsvendor --write-config && rm -r vendor").success();
    Follower::new(&mut person).reach("cargo nsvendor --check", &mut nothing);
    // Something was changed.
    person.run("echo >> vendor/a.example/hello-1.0.0/src/lib.rs").success();
    Follower::new(&mut person).reach("cargo nsvendor --check", &mut nothing);
    // Nothing else is seen than what is vendored.
    let ran = person.run("cargo nsadd a.example/leaf").failure();
    assert!(ran.text.contains("remove the `[source]` entries"), "{ran}");
    person.run("sed -i '/^\\[source/,$d' .cargo/config.toml").success();
    person.run("cargo nsadd a.example/leaf").success();
    Follower::new(&mut person).reach("cargo nsvendor --write-config", &mut nothing);
    person.run("cargo nsvendor --check").success();
    // No lock file.
    person.run("rm -r Cargo.lock vendor .cargo/config.toml").success();
    person.run("cargo nsadd --register a.example").success();
    Follower::new(&mut person).reach("cargo nsvendor --check", &mut nothing);
}

#[test]
fn what_nspublish_says_of_a_namespace_leads_on() {
    let flow = Flow::new();
    let mut author = flow.author();
    author.run("cargo nsadd").success();
    author.run("git add --all && git commit --quiet --message One").success();
    author.run("cargo nspublish key list").success().shows("cargo nspublish setup NAMESPACE");
    author.set("CARGO_NAMESPACES_INSTANCE", &format!("https://{HOST}"));
    // From nothing to a published crate, by the advice of `status`.
    follower(&mut author, &[]).reach("cargo nspublish status hello.example/hello", &mut put_up);
    flow.is_used().shows("sparse+https://crates.example/index/hello.example/");
    author.run("cargo nspublish yank hello.example/hello@1").code(2).shows("hello.example/hello@1.2.3");
    author.run("cargo nspublish yank hello.example/hello@1.0.0").success();
    author.run("cargo nspublish unyank hello.example/hello@1.0.0").success();
}

/// Every command line that a message of ours spells out is one that the command takes, up to what is filled in.
#[test]
fn every_command_in_a_message_exists() {
    let root = root();
    let world = Home::new();
    let mut wrong = Vec::new();
    let mut count = 0;
    for package in
        ["cargo-nsadd", "cargo-nspublish", "cargo-nsvendor", "shared/core", "shared/net", "shared/cli"]
    {
        for (file, line) in advised(&root.join(package).join("src")) {
            let words: Vec<&str> = line.split(' ').collect();
            let mut command: Command = match words[1] {
                "nsadd" => world.nsadd(),
                "nspublish" => world.nspublish(),
                "nsvendor" => world.nsvendor(),
                _ => continue,
            };
            count += 1;
            // The help of the subcommand, after everything else was read.
            let output = run(command.args(&words[2..]).arg("--help"));
            if !output.status.success() {
                wrong.push(format!("{}: `{line}`\n{}", file.display(), output.stderr));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 30, "only {count} commands were found");
}

/// `cargo ns…` between backquotes in a string of the sources, with something fitting in the place of what is filled in.
fn advised(directory: &Path) -> Vec<(std::path::PathBuf, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).expect("list the sources") {
            let path = entry.expect("list the sources").path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let text = fs::read_to_string(&path).expect("read a source");
            // Tests at the end of a file give advice to nobody.
            let code = text.lines().take_while(|line| *line != "#[cfg(test)]");
            let code = code.filter(|line| !line.trim_start().starts_with("//"));
            // A string that goes on in the next line.
            let code = code.collect::<Vec<_>>().join("\n").replace("\\n", "\n");
            for piece in code.split('`').filter(|piece| piece.starts_with("cargo ns")) {
                let joined = piece.split("\\\n").map(str::trim_start).collect::<Vec<_>>().join("");
                if joined.contains(['"', '\n', '…', '(']) {
                    continue;
                }
                found.push((path.clone(), filled(&joined)));
            }
        }
    }
    found
}

fn filled(line: &str) -> String {
    let mut filled = String::new();
    for (number, part) in line.split(['{', '}']).enumerate() {
        match (number % 2, part) {
            (0, text) => filled.push_str(text),
            _ if filled.ends_with("--sbom ") => filled.push_str("spdx"),
            (_, "name") => filled.push_str("a.example/hello"),
            (_, "index") => filled.push_str("sparse+https://a.example/cargo/index/"),
            _ => filled.push_str("a.example"),
        }
    }
    [
        ("NAMESPACE/CRATE", "a.example/hello"),
        ("NAMESPACE", "a.example"),
        ("https://REGISTRY", "https://crates.example"),
    ]
    .iter()
    .fold(filled, |line, (what, with)| line.replace(what, with))
}
