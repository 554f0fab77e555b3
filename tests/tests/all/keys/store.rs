//! Making, showing, moving and deleting keys.

use std::os::unix::fs::PermissionsExt as _;

use namespace_world::{Home, Keyring, programs, run, snapshot};

use super::{Desk, openssl_public, secret_of};

#[test]
fn a_key_lives_in_the_keyring() {
    let desk = Desk::new();
    desk.run(&["key", "list"]).success().stderr_has("no keys here");
    desk.run(&["key", "new", "laptop", "--namespace", "serde.example"])
        .success()
        .stderr_has("Created device key `laptop` (keyring)")
        .stdout_has("public key   ed25519:")
        .stdout_has("token        sha256-");
    let key = desk.public_key("laptop");
    assert_eq!(desk._keyring.items().len(), 1);
    assert!(desk._keyring.items()[0].contains(&key.to_string()), "{:?}", desk._keyring.items());
    let book = std::fs::read_to_string(desk.world.cargo_home().join("namespaces/keys.toml")).unwrap();
    assert!(book.contains(&format!("[\"{key}\"]\nname = \"laptop\"")), "{book}");

    desk.run(&["key", "new", "Laptop"]).failure().stderr_has("there is a key named `laptop` already");
    desk.run(&["key", "show", "lapptop"]).code(1).stderr_has("did you mean `laptop`?");
    desk.run(&["key", "new"]).success();
    assert_eq!(desk.names(), ["device device keyring", "laptop device keyring"]);
    desk.run(&["key", "show"]).code(3).stderr_has("several keys could be meant").stderr_has("--key NAME");
    desk.run(&["key", "list"]).stdout_has("NAME").stdout_has("serde.example");

    desk.run(&["key", "delete", "device"]).code(3).stderr_has("`--yes`");
    desk.run(&["key", "delete", "device", "--yes"]).success().stderr_has("Deleted");
    desk.run(&["key", "delete", "laptop", "--yes"])
        .failure()
        .stderr_has("`laptop` is the last device key here for serde.example")
        .stderr_has("--force");
    assert_eq!(desk._keyring.items().len(), 1);
    desk.run(&["key", "delete", "laptop", "--yes", "--force"]).success();
    assert!(desk._keyring.items().is_empty());
    assert!(desk.names().is_empty());
}

#[test]
fn tokens_are_shown_for_any_public_key() {
    let desk = Desk::new();
    let key = "ed25519:3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=";
    let shown = desk.json(&[
        "key",
        "show",
        key,
        "--namespace",
        "serde.example",
        "--crate",
        "serde.example/serde-abc",
    ]);
    let token = |scope: &str| {
        let scope = cargo_namespaces::token::Scope::parse(scope).unwrap();
        cargo_namespaces::token::Token::compute(&scope, &key.parse().unwrap()).to_string()
    };
    for (n, scope) in ["serde.example", "serde.example/serde-abc"].into_iter().enumerate() {
        assert_eq!(shown[0]["tokens"][n]["scope"], scope);
        assert_eq!(shown[0]["tokens"][n]["token"], token(scope));
    }
    desk.run(&["key", "show", key, "--crate", "serde.example"]).code(2);
    desk.run(&["key", "show", key, "--namespace", "co.uk"]).code(2).stderr_has("co.uk");
}

#[test]
fn exported_keys_are_read_by_openssl() {
    let desk = Desk::new();
    desk.run(&["key", "new", "laptop"]).success();
    let key = desk.public_key("laptop");
    let (plain, encrypted) = (desk.file("plain.pem"), desk.file("encrypted.pem"));

    desk.run(&["key", "export", "--file", "encrypted.pem"])
        .code(3)
        .stderr_has("a passphrase is needed")
        .stderr_has("--new-passphrase-file");
    assert!(!encrypted.exists());
    desk.run_with("correct horse", &["key", "export", "--file", "encrypted.pem"])
        .success()
        .stderr_has("(encrypted)");
    desk.run(&["key", "export", "laptop", "--file", "plain.pem", "--plain"])
        .success()
        .stderr_has("whoever can read");
    for file in [&plain, &encrypted] {
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(openssl_public(&plain, None), key);
    assert_eq!(openssl_public(&encrypted, Some("correct horse")), key);

    let before = std::fs::read(&plain).unwrap();
    desk.run(&["key", "export", "--file", "plain.pem", "--plain"])
        .failure()
        .stderr_has("never written over a file");
    assert_eq!(std::fs::read(&plain).unwrap(), before);
    desk.run(&["key", "export", "--file", "-", "--plain"]).failure().stderr_has("never to standard output");
    desk.run(&["key", "export", "--file", "/dev/stdout", "--plain"]).failure();
    desk.assert_secret(&plain, &desk.world.cargo_home());
}

#[test]
fn keys_of_openssl_are_imported() {
    let desk = Desk::new();
    let openssl = |arguments: &[&str]| {
        run(programs::command("openssl").args(arguments).current_dir(desk.world.home())).success()
    };
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", "plain.pem"]);
    openssl(&[
        "pkey",
        "-in",
        "plain.pem",
        "-aes-256-cbc",
        "-passout",
        "pass:over the moon",
        "-out",
        "locked.pem",
    ]);
    openssl(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-out", "rsa.pem"]);

    desk.run(&["key", "import", "rsa.pem"])
        .code(6)
        .stderr_has("not an Ed25519 key")
        .stderr_has("openssl genpkey");
    desk.run(&["key", "import", "locked.pem"]).code(3).stderr_has("needs a passphrase");
    desk.run_with("under the moon", &["key", "import", "locked.pem"])
        .code(6)
        .stderr_has("passphrase does not open");
    std::fs::write(desk.file("passphrase"), "over the moon\n").unwrap();
    desk.run(&["key", "import", "locked.pem", "--name", "desk", "--passphrase-file", "passphrase"])
        .success()
        .stderr_has("Imported the key `desk` (keyring)");
    assert_eq!(desk.public_key("desk"), openssl_public(&desk.file("plain.pem"), None));
    desk.run(&["key", "export", "desk", "--file", "again.pem", "--plain"]).success();
    assert_eq!(
        secret_of(&desk.file("again.pem"), None).public(),
        secret_of(&desk.file("locked.pem"), Some("over the moon")).public()
    );
    desk.assert_secret(&desk.file("plain.pem"), &desk.world.cargo_home());
    desk.run(&["key", "import", "none.pem"]).failure().stderr_has("none.pem");
}

#[test]
fn a_key_is_used_from_its_file_and_moved() {
    let desk = Desk::new();
    run(programs::command("openssl")
        .args(["genpkey", "-algorithm", "ed25519", "-out", "ci.pem"])
        .current_dir(desk.world.home()))
    .success();
    std::fs::set_permissions(desk.file("ci.pem"), std::fs::Permissions::from_mode(0o644)).unwrap();
    desk.run(&["key", "import", "ci.pem", "--leave-in-file"]).success().stderr_has("chmod 600");
    assert_eq!(desk.names(), [format!("ci device file:{}", desk.file("ci.pem").display())]);
    assert!(desk._keyring.items().is_empty());
    // Imported again without the flag, the same key moves into the keyring.
    desk.run(&["key", "import", "ci.pem", "--name", "build"]).success();
    assert_eq!(desk.names(), ["build device keyring"]);
    assert_eq!(desk._keyring.items().len(), 1);
}

#[test]
fn a_key_that_the_keyring_lost_is_named_and_brought_back() {
    let desk = Desk::new();
    desk.run(&["key", "new", "laptop"]).success();
    desk.run(&["key", "export", "--file", "copy.pem", "--plain"]).success();
    let entry = desk.public_key("laptop");
    // The first item was put in to see whether keys can be kept.
    run(programs::command("busctl")
        .arg(format!("--address={}", desk._keyring.address()))
        .args(["call", "org.freedesktop.secrets", "/org/freedesktop/secrets/collection/login/2"])
        .args(["org.freedesktop.Secret.Item", "Delete"]))
    .success();
    desk.run(&["key", "export", "--file", "x.pem", "--plain"])
        .code(3)
        .stderr_has(&format!("the keyring does not hold the key {entry}"))
        .stderr_has("key import");
    desk.run(&["key", "import", "copy.pem"]).success();
    desk.run(&["key", "export", "--file", "x.pem", "--plain"]).success();
}

/// Every way out is named, nothing was made, and nothing fell back.
#[track_caller]
fn assert_no_keyring(world: &Home, said: &str) {
    let new_key =
        (&["key", "new", "laptop"][..], &["--file FILE", "CARGO_NAMESPACES_NEW_KEY_PASSPHRASE"][..]);
    let for_setup =
        ["--device-file FILE", "--key FILE", "CARGO_NAMESPACES_KEY", "CARGO_NAMESPACES_KEY_PASSPHRASE"];
    for (line, ways) in [new_key, (&["setup", "serde.example", "--yes"], &for_setup)] {
        let output = run(world.nspublish().args(line)).code(3).stderr_has(said);
        for way in ways {
            assert!(output.stderr.contains(way), "{way}: {output}");
        }
    }
    assert!(!world.cargo_home().join("namespaces/keys.toml").exists());
    let home = snapshot(&world.home());
    let left: Vec<&str> =
        home.paths().filter(|path| path.ends_with(".pem") || path.ends_with("keys.toml")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn without_a_session_the_ways_out_are_named() {
    let world = Home::new();
    assert_no_keyring(&world, "there is no keyring here");
    run(world.nspublish().args(["key", "new", "ci", "--file", "ci.pem", "--plain"])).success();
    run(world.nspublish().args(["key", "show"])).success().stdout_has("ed25519:");
}

#[test]
fn a_locked_keyring_is_not_passed_over() {
    let world = Home::new();
    let keyring = Keyring::start(&world);
    keyring.lock();
    assert_no_keyring(&world, "the keyring cannot be opened");
    assert!(!keyring.is_unlocked());
}

#[test]
fn a_session_without_a_keyring_is_not_passed_over() {
    let world = Home::new();
    let address = format!("unix:path={}", world.root().join("bus").display());
    let mut bus = programs::daemon("dbus-daemon")
        .args(["--session", "--nofork", "--address", &address])
        .env_clear()
        .envs(world.environment())
        .spawn()
        .unwrap();
    while !world.root().join("bus").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    world.set_env("DBUS_SESSION_BUS_ADDRESS", &address);
    // The bus would start a keyring by itself if one were installed for it; this home has none unlocked.
    let output = run(world.nspublish().args(["key", "new", "laptop"])).code(3);
    assert!(output.stderr.contains("CARGO_NAMESPACES_NEW_KEY_PASSPHRASE"), "{output}");
    bus.kill().unwrap();
    bus.wait().unwrap();
}

#[test]
fn secrets_stay_secret() {
    let desk = Desk::new();
    desk.run(&["key", "new", "laptop", "--namespace", "serde.example"]).success();
    desk.run(&["key", "export", "--file", "plain.pem", "--plain"]).success();
    let pem = std::fs::read_to_string(desk.file("plain.pem")).unwrap();
    // Every command that touches the key, also verbosely and when it fails.
    desk.run(&["key", "show", "-v"]).success();
    desk.run(&["key", "list", "-v", "--message-format", "json"]).success();
    desk.run(&["key", "import", "plain.pem", "-v"]).success();
    desk.run_with("pass phrase", &["setup", "serde.example", "--recovery-file", "recovery.pem", "-v"])
        .success();
    desk.run_with("pass phrase", &["key", "rotate", "--namespace", "serde.example", "-v"]).success();
    for (broken, name) in [
        (pem.replace("PRIVATE", "PUBLIC"), "label"),
        (pem.replace("MC4C", "MC5C"), "body"),
        (pem[..60].into(), "cut"),
    ] {
        let output = run(desk
            .command(&["key", "rotate", "--namespace", "serde.example", "-v"])
            .env("CARGO_NAMESPACES_KEY", &broken));
        desk.hear(output.failure()).stderr_has("CARGO_NAMESPACES_KEY");
        std::fs::write(desk.file(name), &broken).unwrap();
        desk.run(&["key", "import", name]).failure();
        std::fs::remove_file(desk.file(name)).unwrap();
    }
    desk.assert_secret(&desk.file("plain.pem"), &desk.world.cargo_home());
    assert!(!desk.said.lock().unwrap().contains("pass phrase"));
    let kept = desk.world.root().join("bare.pem");
    std::fs::rename(desk.file("plain.pem"), &kept).unwrap();
    // Not even in a temporary file, or in the home.
    desk.assert_secret(&kept, &desk.world.home());
    desk.assert_secret(&kept, &desk.world.root().join("tmp"));
}
