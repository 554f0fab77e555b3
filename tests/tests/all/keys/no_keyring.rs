//! Servers, containers, ssh: no keyring. An encrypted file is offered before anything else is asked.

use namespace_world::{Home, World, at_terminal, run, snapshot};

use super::openssl_public;

/// The answers to the questions about an encrypted file.
fn file_and_passphrase<'a>(file: &'a str, passphrase: &'a str) -> [(&'static str, String); 3] {
    [
        ("Key file", format!("\x15{file}\r")),
        ("New passphrase", format!("{passphrase}\r")),
        ("once more", format!("{passphrase}\r")),
    ]
}

/// Runs a command at a terminal and answers the first question, which must be for the file.
#[track_caller]
fn offered(world: &Home, arguments: &[&str], more: &[(&str, &str)]) -> namespace_world::Output {
    let first = file_and_passphrase("device.pem", "a long enough passphrase");
    let mut answers: Vec<(&str, &str)> =
        first.iter().map(|(question, answer)| (*question, answer.as_str())).collect();
    answers.extend(more);
    let mut command = world.nspublish();
    command.args(arguments).current_dir(world.home());
    let output = at_terminal(&command, &answers).success().stdout_has("there is no keyring here");
    openssl_public(&world.home().join("device.pem"), Some("a long enough passphrase"));
    output
}

#[test]
fn setup_offers_a_file_first_where_there_is_no_keyring() {
    let world = World::new(&["serde.example"]);
    let recovery = file_and_passphrase("recovery.pem", "another long passphrase");
    let mut more: Vec<(&str, &str)> =
        recovery.iter().map(|(question, answer)| (*question, answer.as_str())).collect();
    more[0].0 = "Recovery key file";
    offered(&world, &["setup", "serde.example"], &more);
    openssl_public(&world.home().join("recovery.pem"), Some("another long passphrase"));
}

#[test]
fn key_new_offers_a_file_first_where_there_is_no_keyring() {
    let world = World::new(&["serde.example"]);
    offered(&world, &["key", "new", "laptop"], &[]).stdout_has("Created device key `laptop` (file:");
}

#[test]
fn key_rotate_offers_a_file_before_it_asks_for_the_old_key() {
    let world = World::new(&["serde.example"]);
    run(world
        .nspublish()
        .args(["setup", "serde.example", "--device-file", "old.pem", "--no-recovery"])
        .env("CARGO_NAMESPACES_NEW_KEY_PASSPHRASE", "the old passphrase")
        .current_dir(world.home()))
    .success();
    let mut command = world.nspublish();
    command.args(["key", "rotate", "--namespace", "serde.example"]).current_dir(world.home());
    at_terminal(
        &command,
        &[
            ("Key file", "\x15device.pem\r"),
            ("Passphrase", "the old passphrase\r"),
            ("New passphrase", "a long enough passphrase\r"),
            ("once more", "a long enough passphrase\r"),
        ],
    )
    .success();
    openssl_public(&world.home().join("device.pem"), Some("a long enough passphrase"));
}

#[test]
fn key_import_leaves_an_encrypted_key_in_its_file_or_encrypts_a_plain_one() {
    let world = World::new(&["serde.example"]);
    let made = |arguments: &[&str]| {
        run(world.nspublish().args(arguments).current_dir(world.home())).success();
    };
    std::fs::write(world.home().join("pass"), "a passphrase of a file\n").unwrap();
    made(&["key", "new", "one", "--file", "one.pem", "--new-passphrase-file", "pass"]);
    made(&["key", "new", "two", "--file", "two.pem", "--plain"]);
    made(&["key", "delete", "one", "--yes"]);
    made(&["key", "delete", "two", "--yes"]);
    let import = |file: &str, answers: &[(&str, &str)]| {
        let mut command = world.nspublish();
        command.args(["key", "import", file]).current_dir(world.home());
        at_terminal(&command, answers).success()
    };
    import("one.pem", &[("Key file", "\r"), ("Passphrase", "a passphrase of a file\r")])
        .stdout_has("Imported the key `one` (file:");
    import(
        "two.pem",
        &[
            ("Key file", "\x15kept.pem\r"),
            ("New passphrase", "of the copy that is kept\r"),
            ("once more", "of the copy that is kept\r"),
        ],
    )
    .stdout_has("Imported the key `two` (file:");
    openssl_public(&world.home().join("kept.pem"), Some("of the copy that is kept"));
    run(world.nspublish().args(["key", "import", "one.pem"]).current_dir(world.home()))
        .code(3)
        .stderr_has("`--leave-in-file`");
}

#[test]
fn without_a_terminal_the_flag_is_named_and_nothing_is_made() {
    let world = World::new(&["serde.example"]);
    let before = snapshot(&world.home());
    run(world.nspublish().args(["setup", "serde.example", "--yes"]).current_dir(world.home()))
        .code(3)
        .stderr_has("there is no keyring here")
        .stderr_has("`--device-file FILE`")
        .stderr_has("`--new-passphrase-file FILE`")
        .stderr_has(
            "`cargo nspublish setup serde.example --yes --device-file FILE --new-passphrase-file FILE --recovery-file FILE \
             --passphrase-file FILE`",
        );
    before.assert_unchanged(&world.home());
    // The advice, followed.
    for (name, passphrase) in [("new", "of the device key"), ("stick", "of the recovery key")] {
        std::fs::write(world.home().join(name), passphrase).unwrap();
    }
    run(world
        .nspublish()
        .args([
            "setup",
            "serde.example",
            "--yes",
            "--device-file",
            "device.pem",
            "--new-passphrase-file",
            "new",
        ])
        .args(["--recovery-file", "recovery.pem", "--passphrase-file", "stick"])
        .current_dir(world.home()))
    .success();
    openssl_public(&world.home().join("device.pem"), Some("of the device key"));
    openssl_public(&world.home().join("recovery.pem"), Some("of the recovery key"));
}
