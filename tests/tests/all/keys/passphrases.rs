//! Which passphrase protects which key file.

use std::process::Command;

use namespace_world::{Home, Output, World, programs, run};

use super::openssl_public;

/// A home with two passphrases in files, and no keyring.
fn home() -> World {
    let world = World::new(&["serde.example"]);
    for (name, passphrase) in [("stick", "of the recovery key"), ("new", "of the device key")] {
        std::fs::write(world.home().join(name), passphrase).unwrap();
    }
    world
}

fn nspublish(world: &Home, arguments: &[&str]) -> Output {
    run(world.nspublish().args(arguments).current_dir(world.home()))
}

#[track_caller]
fn assert_closed_to(world: &Home, file: &str, passphrase: &str) {
    let opened = run(Command::new(programs::find("openssl"))
        .args(["pkey", "-noout", "-passin", &format!("pass:{passphrase}"), "-in"])
        .arg(world.home().join(file)));
    assert!(!opened.status.success(), "{file} opens with {passphrase:?}");
}

const SETUP: [&str; 6] =
    ["setup", "serde.example", "--device-file", "device.pem", "--recovery-file", "recovery.pem"];

#[test]
fn the_passphrase_of_the_recovery_key_never_encrypts_a_new_device_key() {
    let world = home();
    // Made together: by the flag, and by the variable.
    nspublish(&world, &[&SETUP[..], &["--passphrase-file", "stick"]].concat())
        .code(3)
        .stderr_has("a passphrase is needed to encrypt")
        .stderr_has("device.pem")
        .stderr_has("--new-passphrase-file");
    run(world
        .nspublish()
        .args(SETUP)
        .env("CARGO_NAMESPACES_KEY_PASSPHRASE", "of the recovery key")
        .current_dir(world.home()))
    .code(3)
    .stderr_has("CARGO_NAMESPACES_NEW_KEY_PASSPHRASE");
    assert!(!world.home().join("device.pem").exists() && !world.home().join("recovery.pem").exists());
    nspublish(
        &world,
        &[&SETUP[..], &["--passphrase-file", "stick", "--new-passphrase-file", "new"]].concat(),
    )
    .success();
    assert_closed_to(&world, "device.pem", "of the recovery key");
    // Opened for a rotation.
    let rotate = [
        "key",
        "rotate",
        "--namespace",
        "serde.example",
        "--key",
        "recovery.pem",
        "--passphrase-file",
        "stick",
        "--file",
        "next.pem",
    ];
    nspublish(&world, &rotate).code(3).stderr_has("--new-passphrase-file");
    assert!(!world.home().join("next.pem").exists());
    nspublish(&world, &[&rotate[..], &["--new-passphrase-file", "new"]].concat()).success();
    openssl_public(&world.home().join("next.pem"), Some("of the device key"));
    assert_closed_to(&world, "next.pem", "of the recovery key");
}

#[test]
fn a_new_device_key_beside_a_recovery_key_that_is_there_has_its_own_passphrase() {
    let world = home();
    let new_recovery = ["key", "new", "offline", "--role", "recovery", "--file", "recovery.pem"];
    nspublish(&world, &[&new_recovery[..], &["--passphrase-file", "stick"]].concat()).success();
    nspublish(&world, &[&SETUP[..], &["--passphrase-file", "stick"]].concat()).code(3);
    nspublish(
        &world,
        &[&SETUP[..], &["--passphrase-file", "stick", "--new-passphrase-file", "new"]].concat(),
    )
    .success();
    openssl_public(&world.home().join("device.pem"), Some("of the device key"));
}

#[test]
fn the_passphrase_that_opens_key_files_makes_no_device_key() {
    let world = home();
    let new = ["key", "new", "a", "--file", "a.pem"];
    nspublish(&world, &[&new[..], &["--passphrase-file", "stick"]].concat())
        .code(2)
        .stderr_has("`--new-passphrase-file FILE`");
    let mut command = world.nspublish();
    command.args(new).env("CARGO_NAMESPACES_KEY_PASSPHRASE", "of the recovery key").current_dir(world.home());
    run(&mut command).code(3).stderr_has("CARGO_NAMESPACES_NEW_KEY_PASSPHRASE");
    assert!(!world.home().join("a.pem").exists());
}

#[test]
fn a_short_passphrase_is_warned_of() {
    let world = home();
    std::fs::write(world.home().join("short"), "sesame").unwrap();
    nspublish(&world, &["key", "new", "a", "--file", "a.pem", "--new-passphrase-file", "short"])
        .success()
        .stderr_has("warning: the passphrase of ")
        .stderr_has("is short, 6 characters")
        .stderr_lacks("sesame");
    nspublish(&world, &["key", "new", "b", "--file", "b.pem", "--new-passphrase-file", "new"])
        .success()
        .stderr_lacks("is short");
}

#[test]
fn key_files_are_named_without_detours() {
    let world = home();
    std::fs::create_dir_all(world.home().join("app")).unwrap();
    let output = run(world
        .nspublish()
        .args(["key", "new", "a", "--file", "../app/../a.pem", "--plain"])
        .current_dir(world.home().join("app")))
    .success()
    .stderr_has(&format!("Wrote {}", world.home().join("a.pem").display()));
    assert!(!output.stderr.contains("/../"), "{output}");
    let listed = nspublish(&world, &["key", "list"]).success();
    assert!(!listed.stdout.contains("/../"), "{listed}");
}

#[test]
fn one_file_for_both_keys_is_refused_before_anything_is_written() {
    let world = home();
    let setup = ["setup", "serde.example", "--device-file", "z.pem", "--recovery-file", "./x/../z.pem"];
    nspublish(&world, &[&setup[..], &["--plain"]].concat()).code(2).stderr_has("both name");
    assert!(!world.home().join("z.pem").exists());
}

#[test]
fn who_did_without_a_recovery_key_is_not_asked_again() {
    let world = home();
    let made = ["setup", "serde.example", "--device-file", "device.pem", "--plain", "--no-recovery"];
    nspublish(&world, &made).success();
    nspublish(&world, &["setup", "serde.example"]).success();
    let index = "sparse+https://crates.example/index/serde.example/";
    nspublish(&world, &["setup", "serde.example", "--index", index, "--change-index"]).success();
    nspublish(&world, &["setup", "serde.example", "--recovery-file", "recovery.pem", "--plain"]).success();
    openssl_public(&world.home().join("recovery.pem"), None);
}
