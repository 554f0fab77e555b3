//! Publishing to a registry what is there already, and what a publish says on its way.

use namespace_world::run;
use serde_json::Value;

use super::Desk;

#[test]
fn a_republish_of_the_same_content_is_unchanged() {
    let desk = Desk::set_up();
    desk.put_records_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    desk.nspublish(&["--allow-dirty"]).within(&project).success().stderr_has("Published hello v1.0.0");
    let before = desk.line("hello.example/hello", "1.0.0");
    let again = desk.nspublish(&["--allow-dirty"]).within(&project).success();
    again
        .stderr_has("Unchanged hello.example/hello v1.0.0 is at crates.example already, with the same files")
        .stderr_lacks("Uploading");
    let json = desk.nspublish(&["--allow-dirty", "--message-format", "json"]).within(&project).success();
    let message: Value = serde_json::from_str(json.stdout.lines().last().unwrap()).unwrap();
    assert_eq!((&message["reason"], &message["unchanged"]), (&"published".into(), &true.into()));
    assert_eq!(desk.line("hello.example/hello", "1.0.0"), before);
    project.write("src/lib.rs", "pub fn other() {}\n");
    desk.nspublish(&["--allow-dirty"])
        .within(&project)
        .run()
        .code(1)
        .stderr_has("hello.example/hello v1.0.0 is at crates.example already, with other content")
        .stderr_has("this file differs: src/lib.rs")
        .stderr_has("raise `version`");
}

#[test]
fn of_a_workspace_only_what_is_new_is_published() {
    let desk = Desk::set_up();
    desk.put_records_up();
    let metadata =
        "[package.metadata.namespaces]\nnamespace = \"hello.example\"\ndefault-registry = \"crates.io\"\n";
    let manifest = |name: &str, version: &str, dependencies: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\nlicense = \"MIT\"\n\
             description = \"d\"\n{metadata}[dependencies]\n{dependencies}"
        )
    };
    let base = "base = { path = \"../base\", version = \"1\", registry = \"hello_example\" }\n";
    let project = desk
        .world
        .project("workspace")
        .file("Cargo.toml", "[workspace]\nmembers = [\"app\", \"base\"]\nresolver = \"2\"\n")
        .file("app/Cargo.toml", &manifest("app", "1.0.0", base))
        .file("app/src/lib.rs", "pub use base::one;\n")
        .file("base/Cargo.toml", &manifest("base", "1.0.0", ""))
        .file("base/src/lib.rs", "pub fn one() -> u8 {\n    1\n}\n");
    let publish = || desk.nspublish(&["--workspace", "--allow-dirty", "--no-verify"]).within(&project);
    publish().success();
    project.write("app/Cargo.toml", &manifest("app", "1.1.0", base));
    publish().success().stderr_has("Unchanged hello.example/base v1.0.0").stderr_has("Published app v1.1.0");
    publish().success().stderr_has("Unchanged hello.example/app v1.1.0").stderr_lacks("Uploading");
}

/// The passphrase is in a variable, so the build runs first, without it.
#[test]
fn a_publish_that_succeeds_warns_of_no_dry_run() {
    let desk = Desk::set_up();
    desk.put_records_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    let output = desk
        .nspublish(&["--allow-dirty"])
        .within(&project)
        .success()
        .stderr_has("Verifying hello v1.0.0")
        .stderr_has("Published hello v1.0.0");
    assert!(!output.stderr.contains("dry run"), "{output}");
}

#[test]
fn a_first_publish_needs_no_terminal_where_the_flags_say_it_all() {
    let desk = Desk::without_passphrase();
    let project = desk.package("hello", "hello", "1.0.0", "");
    for (name, passphrase) in [("new", "of the device key"), ("stick", "of the recovery key")] {
        std::fs::write(project.path().join("..").join(name), passphrase).unwrap();
    }
    let first = |more: &[&str]| {
        let publish = desk.nspublish(&["--allow-dirty", "--instance", "https://crates.example"]);
        publish.args(more).within(&project).run()
    };
    first(&["--yes"]).code(3).stderr_has("`--device-file FILE`");
    first(&[
        "--yes",
        "--device-file",
        "../device.pem",
        "--new-passphrase-file",
        "../new",
        "--recovery-file",
        "../recovery.pem",
        "--passphrase-file",
        "../stick",
    ])
    .code(3)
    .stderr_has("Created device key `device` (file:")
    .stdout_has("To let it publish any crate of hello.example");
    desk.world.set_env("CARGO_NAMESPACES_KEY_PASSPHRASE", "of the device key");
    desk.put_records_up();
    desk.world.set_env("CARGO_NAMESPACES_KEY_PASSPHRASE", "");
    first(&["--device-file", "../device.pem", "--passphrase-file", "../new"]).success();
    first(&["--device-file", "../other.pem"])
        .code(2)
        .stderr_has("there is a key to publish for hello.example already")
        .stderr_has("key rotate --namespace hello.example");
}

#[test]
fn without_a_keyring_a_first_publish_offers_a_file_before_anything_else() {
    let desk = Desk::without_passphrase();
    let project = desk.package("hello", "hello", "1.0.0", "");
    let mut command = desk.guided(&project);
    command.args(["--instance", "https://crates.example"]);
    namespace_world::at_terminal(
        &command,
        &[
            ("Key file", "\x15../device.pem\r"),
            ("Make keys?", "y"),
            ("New passphrase", "of the device key\r"),
            ("once more", "of the device key\r"),
            ("Recovery key file", "\x15../recovery.pem\r"),
            ("New passphrase", "of the recovery key\r"),
            ("once more", "of the recovery key\r"),
            ("What shall the key publish?", "\x03"),
        ],
    )
    .code(130)
    .stdout_has("there is no keyring here");
}

/// Cargo asks our provider, which asks for the passphrase; Ctrl-C kills Cargo, and the terminal shows what is typed again.
#[test]
fn ctrl_c_at_the_providers_question_leaves_the_terminal_as_it_was() {
    let desk = Desk::set_up();
    desk.put_records_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    run(desk.world.cargo().args(["generate-lockfile"]).current_dir(project.path())).success();
    let mut command = desk.world.cargo();
    command.args(["publish", "--registry", "hello_example", "--allow-dirty", "--no-verify"]);
    for variable in ["CARGO_NAMESPACES_KEY_PASSPHRASE", "CARGO_NAMESPACES_NEW_KEY_PASSPHRASE"] {
        command.env(variable, "");
    }
    command.current_dir(project.path());
    let output = namespace_world::at_terminal(&command, &[("Passphrase", "\x03")]);
    assert!(output.stdout.contains("Passphrase of"), "{output}");
    assert!(!matches!(output.status.code(), Some(98 | 99)), "{output}");
}

/// A dry run ends as the run: the exit code of each is the same, and the dry run changes nothing.
#[test]
fn a_dry_run_ends_as_the_run_does() {
    let desk = Desk::without_passphrase();
    let project = desk.package("hello", "hello", "1.0.0", "");
    let index = super::index("hello.example");
    std::fs::write(desk.world.home().join("right"), "a passphrase of the tests").unwrap();
    std::fs::write(desk.world.home().join("wrong"), "another one, of nothing").unwrap();
    let passphrase = |name: &str| desk.world.home().join(name).display().to_string();
    let ends = |more: &[&str], code: i32, said: &str| {
        let before = namespace_world::snapshot(&desk.world.cargo_home().join("namespaces"));
        for dry in [&["--dry-run"][..], &[]] {
            let step = desk.nspublish(&["--allow-dirty", "--no-verify"]).args(more).args(dry);
            step.within(&project).run().code(code).stderr_has(said);
            if code != 0 {
                before.assert_unchanged(&desk.world.cargo_home().join("namespaces"));
            }
        }
    };
    // No keys; and a dry run makes none, whatever is affirmed.
    ends(&["--instance", "https://crates.example"], 3, "there is no key to publish for hello.example here");
    desk.nspublish(&["--allow-dirty", "--instance", "https://crates.example", "--yes", "--dry-run"])
        .args(&["--device-file", "../device.pem", "--no-recovery", "--new-passphrase-file"])
        .arg(&passphrase("right"))
        .within(&project)
        .run()
        .code(3)
        .stderr_has("a dry run makes none");
    desk.nspublish(&[
        "setup",
        "hello.example",
        "--index",
        index.as_str(),
        "--yes",
        "--device-file",
        "device.pem",
    ])
    .args(&["--no-recovery", "--new-passphrase-file", "right", "--well-known"])
    .arg(desk.world.web_root("hello.example").to_str().unwrap())
    .success();
    // A passphrase that does not open the key.
    ends(&["--passphrase-file", &passphrase("wrong")], 6, "device.pem");
    // The registry does not let it publish.
    std::fs::rename(desk.world.web_root("hello.example").join(".well-known"), desk.world.root().join("kept"))
        .unwrap();
    for dry in [&["--dry-run"][..], &[]] {
        let step =
            desk.nspublish(&["--allow-dirty", "--no-verify", "--passphrase-file", &passphrase("right")]);
        step.args(dry).within(&project).run().code(3);
    }
    std::fs::rename(desk.world.root().join("kept"), desk.world.web_root("hello.example").join(".well-known"))
        .unwrap();
    ends(&["--passphrase-file", &passphrase("right")], 0, "hello v1.0.0");
    // Others own it.
    desk.nspublish(&["key", "new", "friend", "--file", "friend.pem", "--plain"]).success();
    desk.package("hello", "hello", "1.1.0", "");
    ends(&["--key", "friend"], 3, "hello.example/hello");
}

#[test]
fn a_key_that_the_keyring_does_not_give_is_told_before_anything_is_built() {
    let desk = Desk::new();
    let keyring = namespace_world::Keyring::start(&desk.world);
    let index = super::index("hello.example");
    desk.nspublish(&["setup", "hello.example", "--index", index.as_str(), "--yes", "--no-recovery"])
        .arg("--well-known")
        .arg(desk.world.web_root("hello.example").to_str().unwrap())
        .success();
    let project = desk.package("hello", "hello", "1.0.0", "");
    let publish = |more: &[&str]| desk.nspublish(&["--allow-dirty"]).args(more).within(&project).run();
    publish(&["--dry-run"]).success();
    keyring.lock();
    for dry in [&["--dry-run"][..], &[]] {
        publish(dry)
            .failure()
            .stderr_has("the keyring cannot be opened")
            .stderr_lacks("Packag")
            .stderr_lacks("Compiling");
    }
}
