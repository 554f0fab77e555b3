//! Keys that are rotated, revoked and brought along: what is said then, followed to a release that others add.

use namespace_world::{Person, World};

use super::{Flow, commands, follower, put_up};

impl Flow {
    /// A site beside the package, published once and uploaded; `Cargo.toml` remembers it only with `remembered`.
    fn published_to_site(&self, remembered: bool) -> Person<'_> {
        let mut author = self.author_with_package();
        let site = if remembered { " --site ../site" } else { "" };
        author
            .run(&format!("cargo nspublish setup hello.example{site} --recovery-file ../recovery.pem"))
            .success();
        author.run("cargo nspublish --site ../site --allow-dirty --no-verify").success();
        author
    }

    /// What set-up keeps is put up at the domain.
    fn put_up(&self, author: &mut Person<'_>) {
        author
            .run("cp $CARGO_HOME/namespaces/publisher/hello.example/package-namespace.json $WWW/.well-known/rust-lang.org/")
            .success();
    }
}

/// The next version, published by `line`; somebody else adds each of the two.
fn goes_on(flow: &Flow, author: &mut Person<'_>, line: &str, upload: &str) {
    author.run("sed -i 's/^version = \"1.0.0\"/version = \"1.1.0\"/' Cargo.toml").success();
    author.run(&format!("cargo nspublish --allow-dirty --no-verify{line}")).success().shows("1.1.0");
    author.run(upload).success();
    flow.is_used();
    let mut old = Person::new(&flow.world, "old").quiet();
    old.run("cargo new --quiet app && cd app && cargo nsadd hello.example/hello@=1.0.0 && cargo check")
        .success();
}

const UPLOAD: &str = "cp -r ../site/. $WWW";

#[test]
fn a_key_that_is_revoked_at_a_registry_is_succeeded_by_the_line_that_is_printed() {
    let flow = Flow::new();
    let mut author = flow.published_to_registry();
    let line = "cargo nspublish key revoke device --namespace hello.example";
    let ran = follower(&mut author, &[]).reach(line, &mut put_up);
    let rotate = commands(&ran.text);
    assert!(rotate.len() == 1 && !rotate[0].contains("--site"), "{ran}");
    follower(&mut author, &[])
        .reach(&rotate[0], &mut put_up)
        .shows("Signed 1 release at crates.example again");
    flow.put_up(&mut author);
    goes_on(&flow, &mut author, "", "true");
}

#[test]
fn a_registry_that_was_down_when_keys_changed_is_told_later() {
    let flow = Flow::new();
    let mut author = flow.published_to_registry();
    // A rotation; and at another time the revocation of the last key, which leaves none to sign with.
    flow.close_registry();
    let ran = author.run("cargo nspublish key rotate --namespace hello.example --name next").success();
    let sync = "cargo nspublish key sync --namespace hello.example";
    assert_eq!(commands(&ran.text), [sync], "{ran}");
    author.run(sync).code(5);
    flow.open_registry();
    author.run(sync).success().shows("Signed 1 release at crates.example again");
    flow.put_up(&mut author);
    flow.close_registry();
    let ran = author.run("cargo nspublish key revoke next --namespace hello.example --yes").success();
    let [told, rotate] = &commands(&ran.text)[..] else { panic!("two things are to be done: {ran}") };
    assert_eq!(told, sync);
    let ran = follower(&mut author, &[]).reach(rotate, &mut put_up);
    let [told] = &commands(&ran.text)[..] else { panic!("one thing is to be done: {ran}") };
    assert!(told.starts_with(sync) && told.contains("--resign ed25519:"), "{ran}");
    flow.open_registry();
    author.run(told).success().shows("Signed 1 release at crates.example again");
    flow.put_up(&mut author);
    goes_on(&flow, &mut author, "", "true");
}

#[test]
fn who_must_tell_a_registry_of_a_revocation_needs_no_key_for_that() {
    let flow = Flow::new();
    let mut author = flow.published_to_registry();
    flow.close_registry();
    author.run("cargo nspublish key revoke device --namespace hello.example --yes").success();
    flow.open_registry();
    author
        .run("cargo nspublish key sync --namespace hello.example")
        .success()
        .shows("to crates.example")
        .shows("crates.example is up to date");
}

#[test]
fn dropping_a_replaced_key_at_a_registry_loses_no_release() {
    let flow = Flow::new();
    let mut author = flow.published_to_registry();
    flow.close_registry();
    author.run("cargo nspublish key rotate --namespace hello.example").success();
    flow.open_registry();
    author
        .run("cargo nspublish key rotate --namespace hello.example --drop-old")
        .success()
        .shows("Signed 1 release at crates.example again");
    flow.put_up(&mut author);
    author.run("cargo nspublish key sync --namespace hello.example").success();
    goes_on(&flow, &mut author, "", "true");
}

#[test]
fn a_key_that_is_revoked_on_a_site_is_succeeded_by_the_line_that_is_printed() {
    for remembered in [true, false] {
        let flow = Flow::new();
        let mut author = flow.published_to_site(remembered);
        let site = if remembered { "" } else { " --site ../site" };
        let line = format!("cargo nspublish key revoke device --namespace hello.example{site}");
        let ran = follower(&mut author, &[]).reach(&line, &mut put_up);
        let ran = ran.shows("no listed key has signed hello v1.0.0");
        let rotate = commands(&ran.text);
        assert!(rotate.len() == 1 && rotate[0].ends_with(" --site ../site"), "{ran}");
        follower(&mut author, &[]).reach(&rotate[0], &mut put_up).shows("Signed 1 release");
        goes_on(&flow, &mut author, site, UPLOAD);
    }
}

#[test]
fn a_release_that_no_key_signs_any_more_is_signed_again_by_the_line_that_is_printed() {
    let flow = Flow::new();
    let mut author = flow.published_to_site(true);
    author.run("cargo nspublish setup hello.example --new-key other").success();
    let ran = author
        .run("cargo nspublish key revoke device --namespace hello.example --yes --site ../site")
        .success();
    let rotate = commands(&ran.text);
    assert_eq!(rotate.len(), 1, "{ran}");
    follower(&mut author, &[]).reach(&rotate[0], &mut put_up).shows("Signed 1 release");
    goes_on(&flow, &mut author, "", UPLOAD);
}

#[test]
fn a_rotation_that_saw_no_site_is_finished_by_the_line_that_is_printed() {
    let flow = Flow::new();
    let mut author = flow.published_to_site(false);
    let ran = author.run("cargo nspublish key rotate --namespace hello.example").success();
    let [drop] = &commands(&ran.text)[..] else { panic!("one thing is to be done: {ran}") };
    author.run(&drop.replace("DIR", "../site")).success().shows("Signed 1 release");
    goes_on(&flow, &mut author, " --site ../site", UPLOAD);
}

#[test]
fn owners_of_a_crate_on_a_site_are_the_keys_that_the_documents_list() {
    let flow = Flow::new();
    let mut author = flow.published_to_site(true);
    author.run("cargo nspublish key new friend").success();
    for line in [
        "cargo nspublish owner list hello.example/hello",
        "cargo nspublish owner add hello.example/hello friend --key device",
        "cargo nspublish owner remove hello.example/hello friend --key device",
        "cargo nspublish transfer hello.example/hello --to friend --yes --key device",
    ] {
        let ran = author.run(line).code(1).shows("a static site has no owners");
        let [list, take_out] = &commands(&ran.text)[..] else { panic!("two commands: {ran}") };
        let filled = |line: &str| line.replace("DIR", "../site").replace("CRATE=KEY", "hello=friend");
        author.run(&format!("{} --key device", filled(list))).success().shows("Listed");
        author.run(&format!("{} --key device", filled(take_out))).success().shows("Dropped");
    }
}

#[test]
fn without_a_keyring_an_imported_key_stays_in_its_file() {
    let world = World::new(&["hello.example"]);
    world.set_env("CARGO_NAMESPACES_KEY_PASSPHRASE", "of a test, and of nothing else");
    world.set_env("CARGO_NAMESPACES_NEW_KEY_PASSPHRASE", "of a test, and of nothing else");
    let mut person = Person::new(&world, "author").quiet();
    person.run("cargo nspublish key new laptop --file laptop.pem").success();
    person.run("cp laptop.pem from.pem && rm laptop.pem && rm -r $CARGO_HOME/namespaces").success();
    // What is said without a key names the import, and that the file can stay where it is.
    let ran =
        person.run("cargo nspublish key rotate --namespace hello.example --file next.pem --offline").code(3);
    assert!(!ran.text.contains("--key FILE"), "{ran}");
    let import = "cargo nspublish key import from.pem --namespace hello.example";
    let ran = person.run(import).code(3);
    assert!(!ran.text.contains("--new-passphrase-file") && !ran.text.contains("--key "), "{ran}");
    follower(&mut person, &[]).reach(import, &mut put_up);
    person.run("cargo nspublish key list").success().shows("from.pem");
    let ran = person.run("cargo nspublish key import - --name other < from.pem").code(3);
    assert_eq!(commands(&ran.text), ["cargo nspublish key import FILE --leave-in-file"], "{ran}");
    let ran = person.run("cargo nspublish key new more").code(3);
    assert!(!ran.text.contains("--key FILE"), "{ran}");
    follower(&mut person, &[]).reach("cargo nspublish key new more", &mut put_up);
}
