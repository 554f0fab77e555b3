//! What a person at a terminal is asked, and what happens with the answers.

use namespace_tests::snapshot;

use super::{Desk, openssl_public, text};

#[test]
fn setup_asks_for_the_recovery_key_and_its_passphrase() {
    let desk = Desk::new();
    let file = desk.file("stick.pem");
    desk.at_terminal(
        &["setup", "serde.example"],
        &[
            ("Where to write the recovery key", &format!("\x15{}\r", text(&file))),
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
    desk.at_terminal(
        &["setup", "serde.example"],
        &[("Where to write the recovery key", "\r"), ("New passphrase", "\x03")],
    )
    .code(130);
    before.assert_unchanged(&desk.world.home());
    assert!(!desk.world.cargo_home().join("namespaces/publisher").exists());
}
