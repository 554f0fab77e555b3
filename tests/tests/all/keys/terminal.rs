//! What a person at a terminal is asked, and what happens with the answers.

use namespace_world::snapshot;

use super::{Desk, openssl_public, text};

#[test]
fn setup_asks_for_the_recovery_key_and_its_passphrase() {
    let desk = Desk::new();
    let file = desk.file("stick.pem");
    desk.at_terminal(
        &["setup", "serde.example"],
        &[
            ("Recovery key file", &format!("\x15{}\r", text(&file))),
            ("New passphrase", "not this one\r"),
            ("once more", "but that one\r"),
            ("not the same", ""),
            ("New passphrase", "secret garden\r"),
            ("once more", "secret garden\r"),
        ],
    )
    .success()
    .stdout_has("(encrypted)")
    .stdout_has("package-namespace.json")
    .stdout_lacks("secret garden");
    openssl_public(&file, Some("secret garden"));
    assert_eq!(
        desk.names(),
        ["device device keyring".to_owned(), format!("serde.example-recovery recovery file:{}", text(&file)),]
    );
}

#[test]
fn delete_asks_first() {
    let desk = Desk::new();
    desk.run(&["key", "new", "laptop"]).success();
    desk.at_terminal(&["key", "delete", "laptop"], &[("for good?", "n\r")])
        .code(1)
        .stdout_has("nothing was changed");
    assert_eq!(desk.names(), ["laptop device keyring"]);
    desk.at_terminal(&["key", "delete", "laptop"], &[("for good?", "y\r")]).success();
    assert!(desk.names().is_empty());
}

#[test]
fn a_mistyped_passphrase_is_asked_again() {
    let desk = Desk::new();
    desk.run_with("open sesame", &["key", "new", "ci", "--file", "ci.pem"]).success();
    desk.at_terminal(
        &["key", "import", "ci.pem"],
        &[("Passphrase of", "sesame\r"), ("does not open", ""), ("Passphrase of", "open sesame\r")],
    )
    .success()
    .stdout_has("Imported the key `ci` (keyring)");
    desk.at_terminal(
        &["key", "import", "ci.pem"],
        &[
            ("Passphrase of", "a\r"),
            ("does not open", ""),
            ("Passphrase of", "b\r"),
            ("does not open", ""),
            ("Passphrase of", "c\r"),
        ],
    )
    .code(6);
}

#[test]
fn ctrl_c_at_a_question_leaves_nothing() {
    let desk = Desk::new();
    let before = snapshot(&desk.world.home());
    let items = desk._keyring.items().len();
    desk.at_terminal(&["setup", "serde.example"], &[("Recovery key file", "\r"), ("New passphrase", "\x03")])
        .code(130);
    // The keyring was asked whether it keeps anything, and writes its file anew for that.
    let changes = before.changes(&snapshot(&desk.world.home()));
    assert!(changes.iter().all(|change| change.ends_with(".keyring")), "{changes:?}");
    assert_eq!(desk._keyring.items().len(), items);
    assert!(!desk.world.cargo_home().join("namespaces/publisher").exists());
}

/// The terminal itself is looked at after each command: a cursor that stays hidden, or an echo that stays off, ends the
/// command with 98.
#[test]
fn ctrl_c_at_any_question_leaves_the_terminal_as_it_was() {
    let desk = Desk::new();
    desk.run(&["key", "new", "laptop"]).success();
    desk.run_with("open sesame", &["key", "new", "ci", "--file", "ci.pem"]).success();
    for (arguments, answers) in [
        (&["key", "delete", "laptop"][..], &[("for good?", "\x03")][..]),
        (&["setup", "serde.example", "--key", "laptop"], &[("Recovery key file", "\x03")]),
        (
            &["setup", "serde.example", "--key", "laptop"],
            &[("Recovery key file", "\r"), ("New passphrase", "\x03")],
        ),
        (&["key", "import", "ci.pem", "--leave-in-file"], &[("Passphrase of", "\x03")]),
    ] {
        desk.at_terminal(arguments, answers).code(130);
    }
}

/// The lines that hold a prompt, as the terminal shows them.
fn prompts(written: &str) -> Vec<String> {
    let marks = ["[y/N]", "[Y/n]", "]: ", "file: ", "Passphrase: ", "once more", "Answer", "> "];
    let lines = namespace_world::terminal::shown(written);
    let is_prompt = |line: &&str| marks.iter().any(|mark| line.contains(mark.trim_end()));
    lines.lines().filter(is_prompt).map(str::to_owned).collect()
}

#[test]
fn no_prompt_is_wider_than_the_terminal() {
    let desk = Desk::new();
    desk.run(&["key", "new", "a-key-with-a-rather-long-name-of-its-own"]).success();
    for columns in ["80", "40"] {
        let ask = |arguments: &[&str], answers: &[(&str, &str)]| {
            let mut command = desk.command(arguments);
            command.env("TERMINAL_COLUMNS", columns);
            let output = namespace_world::at_terminal(&command, answers).code(130);
            let prompts = prompts(&output.stdout);
            assert!(!prompts.is_empty(), "{output}");
            let width = columns.parse::<usize>().unwrap();
            let wide: Vec<_> = prompts.iter().filter(|line| line.chars().count() > width).collect();
            assert!(wide.is_empty(), "{wide:?}\n{output}");
            output
        };
        ask(&["key", "delete", "a-key-with-a-rather-long-name-of-its-own"], &[("[y/N]", "\x03")])
            .stdout_has("a-key-with-a-rather-long-name-of-its-own");
        let setup = ["setup", "serde.example", "--new-key", "other"];
        ask(&setup, &[(if columns == "80" { "Recovery key file" } else { "Answer" }, "\x03")])
            .stdout_has("serde.example-recovery.pem");
        let passphrase = if columns == "80" { "New passphrase" } else { "Passphrase: " };
        let file = "\x15recovery.pem\r";
        let place = if columns == "80" { "Recovery key file" } else { "Answer" };
        ask(&setup, &[(place, file), (passphrase, "\x03")]).stdout_has("recovery.pem");
    }
}
