//! Owners and transfers, signed.

use namespace_world::run;
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
        .stderr_has("not offered to any key");
    desk.nspublish(&["transfer", CRATE, "--to", &friend])
        .run()
        .code(3)
        .stderr_has("there is no terminal to confirm it on");
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
        .stdout_has("package-namespace.json: no document is there yet")
        .stdout_has("publish    not yet");
    desk.put_records_up();
    desk.nspublish(&["status", "hello.example/hello"]).success().stdout_has("publish    yes");
    let output = desk.nspublish(&["status", "hello.example", "--message-format", "json"]).success();
    let status: Value = serde_json::from_str(output.stdout.trim()).unwrap();
    assert_eq!(status["state"], "may-publish");
    assert_eq!(status["places"][0]["found"], true);
}

#[test]
fn an_owner_whom_the_domain_does_not_list_is_told_so_and_what_lists_it() {
    let desk = Desk::published();
    let friend = desk.public_key("friend");
    let unlisted = format!("hello.example does not list the key {friend}");
    let listing = format!("cargo nspublish setup hello.example --authorize hello={friend}");
    let as_friend = |arguments: &[&str]| desk.nspublish(arguments).args(&["--key", "friend"]);
    as_friend(&["status", "hello.example"]).run().code(3).stdout_lacks("as an owner");
    desk.nspublish(&["owner", "add", CRATE, "friend"]).success().stderr_has(&unlisted).stderr_has(&listing);
    // Status, for the namespace, the crate, and the package here; and publish.
    as_friend(&["status", "hello.example"])
        .run()
        .code(3)
        .stdout_has("publish    not yet")
        .stdout_has(&format!("publish    further versions of {CRATE}: yes, as an owner"))
        .stderr_has(&unlisted);
    let project = desk.package("hello", "hello", "1.1.0", "");
    as_friend(&["status", CRATE])
        .success()
        .stdout_has("publish    yes")
        .stderr_has(&unlisted)
        .stderr_has(&listing);
    as_friend(&["status"]).within(&project).success().stdout_has("publish    yes").stderr_has(&unlisted);
    as_friend(&["--allow-dirty", "--no-verify"])
        .within(&project)
        .success()
        .stderr_has(&unlisted)
        .stderr_has(&listing);
    // Those who use the crate refuse it meanwhile, as the warning says.
    let app = desk.world.project("app").binary("app", "", "fn main() {}\n");
    let add = || run(desk.world.nsadd().arg("hello.example/hello@1.1").current_dir(app.path()));
    add().code(4);
    // What is advised leads on.
    let line: Vec<&str> = listing.split(' ').skip(2).collect();
    let root = desk.world.web_root("hello.example");
    desk.nspublish(&line).arg("--well-known").arg(root.to_str().unwrap()).success();
    add().success();
    as_friend(&["status", CRATE]).success().stderr_lacks("does not list");
    let json = as_friend(&["status", CRATE, "--message-format", "json"]).success();
    assert!(json.stdout.contains("\"listed\":true"), "{json}");
    desk.package("hello", "hello", "1.2.0", "");
    as_friend(&["--allow-dirty", "--no-verify"]).within(&project).success().stderr_lacks("does not list");
}

#[test]
fn who_accepts_a_crate_and_is_not_listed_is_told_so() {
    let desk = Desk::published();
    let friend = desk.public_key("friend");
    desk.nspublish(&["transfer", CRATE, "--to", &friend, "--yes"]).success().stderr_lacks("does not list");
    desk.nspublish(&["transfer", CRATE, "--accept", "--key", "friend"])
        .success()
        .stderr_has(&format!("hello.example does not list the key {friend}"));
}
