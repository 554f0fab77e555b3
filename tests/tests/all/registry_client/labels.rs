//! What the user calls keys stands beside them.

use super::Desk;

const CRATE: &str = "hello.example/hello";

#[test]
fn a_label_is_shown_beside_the_key() {
    let desk = Desk::published();
    let (device, friend) = (desk.public_key("device"), desk.public_key("friend"));
    desk.nspublish(&["key", "label", &friend, "work laptop"])
        .success()
        .stderr_has(&format!("Labelled {friend} as `work laptop`"));
    desk.nspublish(&["owner", "add", CRATE, "work laptop"])
        .success()
        .stderr_has(&format!("Added {friend} (work laptop) as an owner of {CRATE}"))
        .stdout_has(&format!("{friend}  (work laptop)"));
    desk.nspublish(&["owner", "list", CRATE]).success().stdout_has(&format!("{friend}  (work laptop)"));
    desk.nspublish(&["key", "list"]).success().stdout_has(&format!("{friend} (work laptop)"));
    desk.nspublish(&["key", "show", "friend"]).success().stdout_has("label        work laptop");
    desk.nspublish(&["owner", "remove", CRATE, "friend"])
        .success()
        .stderr_has(&format!("Removed {friend} (work laptop) as an owner"));
    desk.nspublish(&["owner", "add", CRATE, &friend, "--label", "new laptop"])
        .success()
        .stderr_has(&format!("{friend} (work laptop) as `new laptop`"))
        .stderr_has(&format!("Added {friend} (new laptop) as an owner"));
    desk.nspublish(&["owner", "remove", CRATE, "new laptop"]).success();
    desk.nspublish(&["owner", "add", CRATE, "new laptop", "--label", "newer laptop"])
        .success()
        .stderr_has(&format!("Added {friend} (newer laptop) as an owner"));
    desk.nspublish(&["key", "label", &device, "build server"]).success();
    desk.nspublish(&["status", "hello.example"]).success().stdout_has(&format!("({device}, build server)"));
    let app = desk.world.project("app").binary("app", "", "fn main() {}\n");
    namespace_world::run(desk.world.nsadd().arg(CRATE).current_dir(app.path()))
        .success()
        .stderr_has(&format!("Trusting {device} (build server) for hello.example: listed at"));
    let pins = std::fs::read_to_string(app.path().join(".cargo/namespaces.toml")).unwrap();
    assert!(!pins.contains("build server"), "a label is nobody else's business: {pins}");
}

#[test]
fn advice_that_names_a_key_can_be_copied() {
    let desk = Desk::published();
    let friend = desk.public_key("friend");
    desk.nspublish(&["key", "label", &friend, "somebody else"]).success();
    let project = desk.package("hello", "hello", "1.0.1", "");
    desk.nspublish(&["--allow-dirty", "--key", "friend"])
        .within(&project)
        .run()
        .code(3)
        .stderr_has(&format!("cargo nspublish owner add {CRATE} {friend}\n"));
}

#[test]
fn labels_are_listed_and_taken_away_and_two_keys_never_share_one() {
    let desk = Desk::without_registry();
    desk.nspublish(&["key", "new", "one", "--file", "one.pem", "--plain"]).success();
    desk.nspublish(&["key", "new", "two", "--file", "two.pem", "--plain"]).success();
    let one = desk.public_key("one");
    desk.nspublish(&["key", "label", "one"]).run().code(1).stderr_has("has no label");
    desk.nspublish(&["key", "label", "one", "work laptop"]).success();
    desk.nspublish(&["key", "label", "one"]).success().stdout_has("work laptop\n");
    desk.nspublish(&["key", "label"]).success().stdout_has(&format!("{one}  work laptop"));
    for (label, why) in
        [("Work Laptop", "the label `work laptop` is that of ed25519:"), ("one", "a key named `one`")]
    {
        desk.nspublish(&["key", "label", "two", label]).run().stderr_has(why);
    }
    desk.nspublish(&["key", "label", "two", "a\u{202e}b"]).run().code(2).stderr_has("cannot be a label");
    desk.nspublish(&["key", "label", "work laptop", "--remove"]).success();
    desk.nspublish(&["key", "label"]).success().stdout_lacks("work laptop");
}
