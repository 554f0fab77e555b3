//! What is on the site afterwards, and who can read it.

use std::process::Command;

use namespace_world::{World, run, snapshot};

use super::{Author, library};

#[test]
fn a_crate_is_published_and_stock_cargo_builds_with_it() {
    let world = World::new(&["hello.example"]);
    let author = Author::new(&world, "hello.example");
    let project = library(&world, "hello", "hello.example/hello", "1.0.0", "");
    author
        .publish(&project, &[])
        .success()
        .stderr_has("   Packaging hello v1.0.0")
        .stderr_has("   Verifying hello v1.0.0")
        .stderr_has("     Signing hello.example/hello v1.0.0 with ed25519:")
        .stderr_has("   Published hello.example/hello v1.0.0")
        .stderr_has("note: upload all of ");
    let site = snapshot(&world.web_root("hello.example"));
    for path in [
        ".nojekyll",
        ".well-known/cargo-publishers",
        ".well-known/rust-lang.org/package-namespace.json",
        "cargo/index/config.json",
        "cargo/index/crates/hello/hello-1.0.0.crate",
        "cargo/index/crates/hello/hello-1.0.0.dsse.json",
        "cargo/index/he/ll/hello",
        "index.html",
    ] {
        assert!(site.has(path), "{path} is missing");
    }
    let app = world
        .project("app")
        .binary(
            "app",
            "hello = { version = \"1\", registry = \"hello_example\" }\n",
            "fn main() { println!(\"{}\", hello::who()); }\n",
        )
        .file(
            ".cargo/config.toml",
            "[registries.hello_example]\nindex = \"sparse+https://hello.example/cargo/index/\"\n",
        );
    run(world.cargo().args(["run", "--quiet"]).current_dir(app.path())).success().stdout_has("hello 1.0.0");
}

#[test]
fn the_envelope_is_accepted_by_openssl_and_refused_after_one_byte_changed() {
    let world = World::new(&["hello.example"]);
    let author = Author::new(&world, "hello.example");
    author.publish(&library(&world, "hello", "hello.example/hello", "1.0.0", ""), &[]).success();
    let envelope = world.web_root("hello.example").join("cargo/index/crates/hello/hello-1.0.0.dsse.json");
    let key = world.project("keys-hello.example").path().join("device.pem");
    // The pre-authentication encoding, as its specification describes it, by another program than ours.
    let script = "
import base64, json, sys
envelope = json.load(open(sys.argv[1]))
payload = base64.b64decode(envelope['payload'])
kind = envelope['payloadType'].encode()
pae = b'DSSEv1 %d %s %d %s' % (len(kind), kind, len(payload), payload)
open('pae', 'wb').write(pae)
open('altered', 'wb').write(pae.replace(b'hello-1.0.0', b'hello-1.0.1'))
open('sig', 'wb').write(base64.b64decode(envelope['signatures'][0]['sig']))
";
    let directory = world.project("check");
    let here = |command: &mut Command| run(command.current_dir(directory.path()));
    here(world.command("python3").args(["-c", script]).arg(&envelope)).success();
    here(
        world
            .command("openssl")
            .args(["pkey", "-pubout", "-out", "public.pem"])
            .arg("-in")
            .arg(&key)
            .args(["-passin", "pass:a passphrase of the tests"]),
    )
    .success();
    let verify = |file: &str| {
        here(world.command("openssl").args(["pkeyutl", "-verify", "-rawin", "-pubin"]).args([
            "-inkey",
            "public.pem",
            "-sigfile",
            "sig",
            "-in",
            file,
        ]))
    };
    verify("pae").success().stdout_has("Signature Verified Successfully");
    verify("altered").failure();
}

#[test]
fn a_dry_run_checks_everything_and_writes_nothing() {
    let world = World::new(&["hello.example"]);
    let author = Author::new(&world, "hello.example");
    let project = library(&world, "hello", "hello.example/hello", "1.0.0", "");
    author
        .publish(&project, &["--dry-run"])
        .success()
        .stderr_has("     Signing hello.example/hello v1.0.0")
        .stderr_has("warning: nothing was written, because of --dry-run")
        .stderr_lacks("Published");
    assert_eq!(snapshot(&world.web_root("hello.example")).paths().count(), 0);
}

#[test]
fn json_names_each_release() {
    let world = World::new(&["hello.example"]);
    let author = Author::new(&world, "hello.example");
    let project = library(&world, "hello", "hello.example/hello", "1.0.0", "");
    let output = author.publish(&project, &["--message-format", "json"]).success();
    let message: serde_json::Value = serde_json::from_str(output.stdout.trim()).expect("one JSON object");
    assert_eq!(message["reason"], "published");
    assert_eq!(message["namespace"], "hello.example");
    assert_eq!(message["version"], "1.0.0");
    assert_eq!(message["index"], "sparse+https://hello.example/cargo/index/");
    assert!(message["key"].as_str().is_some_and(|key| key.starts_with("ed25519:")), "{message}");
}

#[test]
fn a_yanked_version_is_not_picked_until_it_is_put_back() {
    let world = World::new(&["hello.example"]);
    let author = Author::new(&world, "hello.example");
    for version in ["1.0.0", "1.1.0"] {
        author.publish(&library(&world, "hello", "hello.example/hello", version, ""), &[]).success();
    }
    let picked = || {
        let app = world
            .project("app")
            .library("app", "0.1.0", "hello = { version = \"1\", registry = \"hello_example\" }\n")
            .file(
                ".cargo/config.toml",
                "[registries.hello_example]\nindex = \"sparse+https://hello.example/cargo/index/\"\n",
            );
        let _ = std::fs::remove_file(app.path().join("Cargo.lock"));
        run(world.cargo().args(["generate-lockfile"]).current_dir(app.path())).success();
        let lock = app.read("Cargo.lock");
        ["1.0.0", "1.1.0"]
            .into_iter()
            .find(|v| lock.contains(&format!("\"hello\"\nversion = \"{v}\"")))
            .unwrap_or("none")
    };
    let site = world.web_root("hello.example").display().to_string();
    assert_eq!(picked(), "1.1.0");
    run(&mut author.nspublish(&["yank", "hello.example/hello@1.1.0", "--site", &site]))
        .success()
        .stderr_has("        Yank hello.example/hello v1.1.0");
    assert_eq!(picked(), "1.0.0");
    run(&mut author.nspublish(&["yank", "hello.example/hello@1.1.0", "--site", &site]))
        .success()
        .stderr_has("Unchanged");
    run(&mut author.nspublish(&["unyank", "hello.example/hello@1.1.0", "--site", &site])).success();
    assert_eq!(picked(), "1.1.0");
    run(&mut author.nspublish(&["yank", "hello.example/hello@9.0.0", "--site", &site]))
        .code(1)
        .stderr_has("the site holds no release `hello` 9.0.0");
}

#[test]
fn a_site_that_is_not_named_is_no_registry() {
    let world = World::new(&["hello.example"]);
    let author = Author::new(&world, "hello.example");
    let project = library(&world, "hello", "hello.example/hello", "1.0.0", "");
    author.publish(&project, &["--no-verify"]).success();
    for command in ["yank", "unyank"] {
        run(&mut author.nspublish(&[command, "hello.example/hello@1.0.0"]))
            .code(3)
            .stderr_has("add `--site DIR`");
    }
    run(&mut author.nspublish(&["owner", "list", "hello.example/hello"]))
        .code(1)
        .stderr_has("a static site has no owners");
}
