//! ripgrep, built from namespaced crates: `regex.example/…` and `grep.example/…`, each with keys of its own.

use std::fs;
use std::path::Path;

use super::notation::Homes;
use super::{into_notation, introduce};
use namespace_world::{Keyring, Person, World};

const REGEX: &str = "regex.example";
const GREP: &str = "grep.example";

/// What moves to `regex.example`.
const REGEX_CRATES: [&str; 6] = ["memchr", "aho-corasick", "regex-syntax", "regex-automata", "regex", "bstr"];
/// What moves to `grep.example`.
const GREP_CRATES: [&str; 8] =
    ["globset", "ignore", "grep-matcher", "grep-regex", "grep-searcher", "grep-printer", "grep-cli", "grep"];

/// A package whose dependencies are all that is needed. ripgrep is no library, of which Cargo warns; it is fetched
/// nevertheless.
const FETCH: &str = "\
[package]
name = \"fetch\"
version = \"0.0.0\"
edition = \"2024\"

[dependencies]
ripgrep = \"15\"
regex = \"1\"
";

/// PCRE2 is a C library with a crate of its own; ripgrep does without.
const WITHOUT: [&str; 2] = ["grep-pcre2", "pcre2"];

/// Shows it.
///
/// # Panics
///
/// When a line does not do what it should.
pub fn ripgrep() {
    let world = World::new(&[REGEX, GREP]);
    let _keyring = Keyring::start(&world);
    let mut user = Person::new(&world, "user");
    introduce(&world, &user, &[REGEX, GREP]);
    fetch(&mut user);
    let sources = user.home().join("sources");
    publish(&world, &sources, REGEX, &REGEX_CRATES);
    publish(&world, &sources, GREP, &GREP_CRATES);
    switch(&mut user);
    vendor(&mut user);
    search(&mut user);
}

fn homes() -> Homes<'static> {
    let regex = REGEX_CRATES.into_iter().map(|name| (name, REGEX));
    regex.chain(GREP_CRATES.into_iter().map(|name| (name, GREP))).collect()
}

fn fetch(user: &mut Person<'_>) {
    user.say("ripgrep and what it is made of, from crates.io.");
    user.write("fetch/src/lib.rs", "");
    user.edit("fetch/Cargo.toml", FETCH);
    user.run("cargo fetch --quiet --manifest-path fetch/Cargo.toml").success();
    user.run(
        "mkdir sources && cd sources &&\n\
         for crate in $CARGO_HOME/registry/cache/*/*.crate; do tar -xzf $crate; done &&\n\
         rm -f */Cargo.toml.orig */Cargo.lock */.cargo_vcs_info.json && ls",
    )
    .success();
}

/// An author takes the crates into a workspace, in namespace notation, and publishes them.
fn publish(world: &World, sources: &Path, host: &str, crates: &[&str]) {
    let mut author = Person::new(world, &format!("author-of-{host}"));
    author.set("SOURCES", &sources.display().to_string());
    author.set("WWW", &world.root().join("hosts").display().to_string());
    let names = crates.join(" ");

    author.say(&format!("{host}: its crates as one workspace, in namespace notation."));
    author.run("mkdir workspace && cd workspace && pwd").success();
    author.run("cd workspace").success();
    author.run(&format!("for crate in {names}; do\n  cp -r $SOURCES/$crate-[0-9]* $crate\ndone")).success();
    author.edit("Cargo.toml", &format!("[workspace]\nresolver = \"3\"\nmembers = {crates:?}\n"));
    for name in crates {
        let manifest = author.directory().join(name).join("Cargo.toml");
        // The tests of regex-automata need bstr, which needs regex-automata: a circle, unless one of them is not ours.
        let keep: &[&str] = if *name == "regex-automata" { &["bstr"] } else { &[] };
        rewrite(&manifest, &homes(), keep);
    }
    author.run("grep --line-number '[.]example' */Cargo.toml").success().shows(&format!("name = \"{host}/"));
    author.run("cargo nsadd").success();

    author.say(&format!("{host}: keys, publishing, upload."));
    author.run("mkdir ../stick && head -c 30 /dev/urandom | base64 > ../stick/passphrase").success();
    author
        .run(&format!(
            "cargo nspublish setup {host} --site ../site \\\n\
             --recovery-file ../stick/recovery.pem --passphrase-file ../stick/passphrase"
        ))
        .success();
    author.run("cargo nspublish --workspace --site ../site").success();
    author.run(&format!("cp -r ../site/. $WWW/{host}")).success();
}

/// Puts a manifest into namespace notation, in place.
fn rewrite(manifest: &Path, homes: &Homes<'_>, keep: &[&str]) {
    let text = fs::read_to_string(manifest)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", manifest.display()));
    let text = into_notation(&text, homes, keep, &WITHOUT);
    fs::write(manifest, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", manifest.display()));
}

fn switch(user: &mut Person<'_>) {
    user.say("ripgrep moves to them, and is built with stock Cargo.");
    user.run("mv sources/ripgrep-[0-9]* ripgrep").success();
    user.run("cd ripgrep").success();
    rewrite(&user.directory().join("Cargo.toml"), &Homes::new(), &[]);
    user.run("cargo nsadd --switch grep.example/grep grep.example/ignore regex.example/bstr").success();
    user.run("cat .cargo/config.toml .cargo/namespaces.toml").success().shows("[registries.regex_example]");
    user.run("cargo tree --depth 1").success().shows("(registry `grep_example`)");
    user.run("cargo build").success();
}

fn vendor(user: &mut Person<'_>) {
    user.say("The graph holds some of these crates from crates.io too, which `cargo vendor` does not take.");
    user.run("cargo tree --duplicates --depth 0").success().shows("(registry `regex_example`)");
    user.run("cargo vendor").failure().shows("found duplicate version of package");
    user.run("cargo nsvendor --write-config").success();
    user.run("ls vendor vendor/*.example").success();
    user.run("cargo nsvendor --check").success();
}

fn search(user: &mut Person<'_>) {
    user.say("Once more, offline, with an empty CARGO_HOME.");
    user.run("export CARGO_HOME=$(mktemp -d)").success();
    user.run("cargo build --offline --locked --target-dir fresh").success();
    user.run("./fresh/debug/rg --version").success().shows("ripgrep 15");
    user.run("./fresh/debug/rg 'fn main' --type rust --glob '!vendor' --line-number")
        .success()
        .shows("crates/core/main.rs");
}
