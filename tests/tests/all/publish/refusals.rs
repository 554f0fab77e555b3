//! What is not published: the site stays as it was.

use namespace_world::{Project, World, snapshot};

use super::{Author, library};

/// Publishing fails with this code and text, and the site is as before.
#[track_caller]
fn refused(author: &Author<'_>, project: &Project, arguments: &[&str], code: i32, texts: &[&str]) {
    let site = author.world.web_root(&author.namespace);
    let before = snapshot(&site);
    let mut output = author.publish(project, arguments).code(code);
    for text in texts {
        output = output.stderr_has(text);
    }
    before.assert_unchanged(&site);
}

#[test]
fn the_same_version_is_a_no_op_with_the_same_files_and_an_error_with_others() {
    let world = World::new(&["hello.example"]);
    let author = Author::new(&world, "hello.example");
    let project = library(&world, "hello", "hello.example/hello", "1.0.0", "");
    author.publish(&project, &[]).success();
    let site = world.web_root("hello.example");
    let before = snapshot(&site);
    author
        .publish(&project, &[])
        .success()
        .stderr_has("   Unchanged hello.example/hello v1.0.0 is on the site already, with the same files")
        .stderr_lacks("Verifying");
    before.assert_unchanged(&site);
    project.write("src/lib.rs", "pub fn other() {}\n");
    refused(
        &author,
        &project,
        &[],
        1,
        &[
            "error: failed to publish `hello.example/hello` v1.0.0",
            "is on the site already, with other content",
            "this file differs: src/lib.rs",
            "help: a published version never changes: raise `version`",
        ],
    );
}

#[test]
fn what_does_not_build_is_not_published() {
    let world = World::new(&["hello.example"]);
    let author = Author::new(&world, "hello.example");
    let project = library(&world, "hello", "hello.example/hello", "1.0.0", "");
    project.write("src/lib.rs", "compile_error!(\"broken\");\n");
    refused(&author, &project, &[], 101, &["broken"]);
    author.publish(&project, &["--no-verify"]).success();
}

#[test]
fn a_requirement_of_any_version_is_not_published() {
    let world = World::new(&["hello.example"]);
    let author = Author::new(&world, "hello.example");
    for table in ["dependencies", "dev-dependencies"] {
        let project = library(&world, "hello", "hello.example/hello", "1.0.0", "");
        let manifest = project.read("Cargo.toml");
        project.write("Cargo.toml", &format!("{manifest}\n[{table}.itoa]\nversion = \"*\"\n"));
        let texts = [
            "`itoa` has the version requirement `*`",
            "help: name the oldest version that the crate works with",
        ];
        refused(&author, &project, &["--no-verify"], 6, &texts);
        project.write("Cargo.toml", &manifest);
    }
}

#[test]
fn a_namespace_that_is_not_set_up_says_what_to_do() {
    let world = World::new(&["hello.example"]);
    let author = Author::new(&world, "other.example");
    let project = library(&world, "hello", "hello.example/hello", "1.0.0", "");
    let author = Author { world: author.world, namespace: "hello.example".to_owned() };
    refused(&author, &project, &[], 3, &["hello.example", "help: ", "cargo nspublish setup hello.example"]);
}

#[test]
fn a_key_that_the_domain_does_not_list_signs_nothing() {
    let world = World::new(&["hello.example"]);
    let author = Author::new(&world, "hello.example");
    let project = library(&world, "hello", "hello.example/hello", "1.0.0", "");
    author.publish(&project, &[]).success();
    let stranger = Author::new(&world, "stranger.example");
    let key = world.project("keys-stranger.example").path().join("device.pem");
    let key = key.to_str().expect("UTF-8");
    let next = library(&world, "hello", "hello.example/hello", "1.1.0", "");
    refused(
        &author,
        &next,
        &["--key", key],
        3,
        &["the documents of `hello.example` do not list the key ed25519:", "--authorize"],
    );
    author.publish(&next, &["--key", key, "--authorize"]).success();
    let publishers = world.web_root("hello.example").join(".well-known/cargo-publishers");
    let publishers = std::fs::read_to_string(publishers).expect("the records");
    assert_eq!(publishers.lines().count(), 3, "device, recovery and stranger: {publishers}");
    drop(stranger);
}

#[test]
fn a_package_without_a_namespace_is_told_how_to_get_one() {
    let world = World::new(&["hello.example"]);
    let author = Author::new(&world, "hello.example");
    let project = world.project("plain").library("plain", "1.0.0", "");
    refused(
        &author,
        &project,
        &[],
        6,
        &[
            "package `plain` has no namespace",
            "[package.metadata.namespaces]\n    namespace = \"your.domain\"",
        ],
    );
}

#[test]
fn twins_of_a_name_and_of_a_version_are_refused() {
    let world = World::new(&["hello.example"]);
    let author = Author::new(&world, "hello.example");
    author.publish(&library(&world, "one", "hello.example/he-llo", "1.0.0", ""), &[]).success();
    let twin = library(&world, "two", "hello.example/he_llo", "1.0.0", "");
    refused(&author, &twin, &[], 1, &["`he_llo` is the same name as `he-llo`"]);
    let twin = library(&world, "three", "hello.example/he-llo", "1.0.0+other", "");
    refused(&author, &twin, &[], 1, &["the same version but for its build part"]);
}

#[test]
fn a_special_use_name_needs_the_configuration_s_consent() {
    let world = World::new(&["hello.example"]);
    let author = Author::new(&world, "hello.example");
    world.set_env("CARGO_NAMESPACES_SPECIAL_USE", "false");
    let project = library(&world, "hello", "hello.example/hello", "1.0.0", "");
    refused(&author, &project, &[], 6, &["hello.example"]);
}

#[test]
fn a_private_key_is_not_published() {
    let world = World::new(&["hello.example"]);
    let author = Author::new(&world, "hello.example");
    let project = library(&world, "hello", "hello.example/hello", "1.0.0", "");
    let key = |arguments: &[&str]| {
        namespace_world::run(world.nspublish().args(["key", "new"]).args(arguments).current_dir(world.home()))
    };
    key(&["ours", "--file", "ours.pem"]).success();
    // Moved into the package: whether the key book knows it or not.
    std::fs::copy(world.home().join("ours.pem"), project.path().join("copy.txt")).unwrap();
    let said = ["would publish the private key in", "copy.txt", "exclude = [\"copy.txt\"]"];
    refused(&author, &project, &[], 6, &said);
    refused(&author, &project, &["--dry-run"], 6, &said);
    let manifest = project.read("Cargo.toml");
    project.write("Cargo.toml", &manifest.replacen("[package]", "[package]\nexclude = [\"copy.txt\"]", 1));
    // Keys of another kind sign no release: certificates of tests have such.
    project.write("tls.pem", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n");
    author.publish(&project, &[]).success().stderr_has("publishes a private key: `tls.pem`");
}

#[test]
fn a_new_key_file_does_not_lie_in_a_package_or_a_work_tree() {
    let world = World::new(&["hello.example"]);
    let project = library(&world, "hello", "hello.example/hello", "1.0.0", "");
    std::fs::create_dir_all(world.home().join("tree/.git")).unwrap();
    let key = |file: &str| {
        let mut command = world.nspublish();
        command.args(["key", "new", "a", "--plain", "--file", file]).current_dir(project.path());
        namespace_world::run(&mut command)
    };
    for file in ["a.pem", "src/a.pem", "../tree/a.pem"] {
        let file = if file.starts_with("..") { world.home().join("tree/a.pem") } else { file.into() };
        key(file.to_str().unwrap()).code(6).stderr_has("would lie in the package or git work tree");
        assert!(!project.path().join(&file).exists());
    }
    let output = key("a.pem").code(6);
    let (_, advised) = output.stderr.split_once("such as `").expect("a path that works");
    let (advised, _) = advised.split_once('`').expect("its end");
    key(advised).success();
}
