//! Owners and transfers, signed.

use serde_json::Value;

use super::Desk;

const CRATE: &str = "hello.example/hello";

impl Desk {
    /// With `hello.example/hello` 1.0.0 published by `device`, and another person's key `friend`.
    pub fn published() -> Self {
        let desk = Self::set_up();
        desk.put_records_up();
        let project = desk.package("hello", "hello", "1.0.0", "");
        desk.nspublish(&["--allow-dirty", "--no-verify"]).within(&project).success();
        desk.nspublish(&["key", "new", "friend", "--file", "friend.pem"]).success();
        desk
    }

    pub fn public_key(&self, name: &str) -> String {
        let output = self.nspublish(&["key", "show", name, "--message-format", "json"]).success();
        let shown: Value = serde_json::from_str(output.stdout.lines().next().unwrap()).unwrap();
        shown["public_key"].as_str().unwrap().to_owned()
    }

    fn owners(&self) -> Vec<String> {
        self.info(CRATE).owners.iter().map(ToString::to_string).collect()
    }
}

#[test]
fn an_owner_adds_and_removes_owners() {
    let desk = Desk::published();
    let (device, friend) = (desk.public_key("device"), desk.public_key("friend"));
    desk.nspublish(&["owner", "list", CRATE]).success().stdout_has(&format!("{device}  (`device` here)"));
    desk.nspublish(&["owner", "add", CRATE, &friend])
        .success()
        .stderr_has(&format!("Added {friend} as an owner"));
    let mut all = desk.owners();
    all.retain(|owner| *owner != device && *owner != friend);
    let [recovery] = &all[..] else {
        panic!("beside the two the recovery key, which `device` endorsed: {all:?}")
    };
    desk.nspublish(&["owner", "add", CRATE, "friend"]).success().stderr_has("Unchanged");
    desk.nspublish(&["owner", "remove", CRATE, "friend"]).success();
    let mut both = [device, recovery.clone()];
    both.sort();
    let mut left = desk.owners();
    left.sort();
    assert_eq!(left, both);
}

#[test]
fn who_is_no_owner_changes_nothing() {
    let desk = Desk::published();
    let before = desk.owners();
    desk.nspublish(&["owner", "add", CRATE, "friend", "--key", "friend"])
        .run()
        .code(1)
        .stderr_has("only an owner of hello.example/hello may do this");
    desk.nspublish(&["owner", "list", "hello.example/nothing"])
        .run()
        .code(1)
        .stderr_has("crates.example has no crate hello.example/nothing");
    assert_eq!(desk.owners(), before);
}

#[test]
fn a_transfer_is_offered_and_accepted() {
    let desk = Desk::published();
    let friend = desk.public_key("friend");
    desk.nspublish(&["transfer", CRATE, "--accept", "--key", "friend"])
        .run()
        .code(1)
        .stderr_has("not offered to anybody");
    desk.nspublish(&["transfer", CRATE, "--to", &friend]).run().code(3).stderr_has("nobody can be asked");
    desk.nspublish(&["transfer", CRATE, "--to", &friend, "--yes"])
        .success()
        .stderr_has("cargo nspublish transfer hello.example/hello --accept");
    desk.nspublish(&["transfer", CRATE, "--withdraw"]).success();
    desk.nspublish(&["transfer", CRATE, "--to", &friend, "--yes"]).success();
    desk.nspublish(&["transfer", CRATE, "--accept"]).run().code(1).stderr_has("not to your key");
    desk.nspublish(&["transfer", CRATE, "--accept", "--key", "friend"]).success().stderr_has("Accepted");
    assert_eq!(desk.owners(), [friend]);
}

#[test]
fn the_crate_of_others_is_refused_with_whom_to_ask() {
    let desk = Desk::published();
    let friend = desk.public_key("friend");
    let project = desk.package("hello", "hello", "1.1.0", "");
    desk.nspublish(&["--allow-dirty", "--key", "friend"])
        .within(&project)
        .run()
        .code(3)
        .stderr_has("hello.example/hello belongs to others at crates.example")
        .stderr_has(&format!("cargo nspublish transfer hello.example/hello --to {friend}"));
}

#[test]
fn status_says_what_stands_in_the_way() {
    let desk = Desk::set_up();
    desk.nspublish(&["status", "hello.example"])
        .run()
        .code(3)
        .stdout_has("registry   crates.example")
        .stdout_has("package-namespace.json: nothing is there yet")
        .stdout_has("publish    not yet");
    desk.put_records_up();
    desk.nspublish(&["status", "hello.example/hello"]).success().stdout_has("publish    yes");
    let output = desk.nspublish(&["status", "hello.example", "--message-format", "json"]).success();
    let status: Value = serde_json::from_str(output.stdout.trim()).unwrap();
    assert_eq!(status["state"], "may-publish");
    assert_eq!(status["places"][0]["found"], true);
}
