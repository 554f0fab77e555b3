//! A namespace that only some may read: stock Cargo asks the credential provider, which signs for reading.

use std::process::Command;

use cargo_namespaces::statement::{Envelope, Read};
use namespace_world::server::Response;
use namespace_world::{Output, Project, Server, at_terminal, run};

use super::credential::asked_to_read;
use super::{Desk, PASSPHRASE, index};

const PUBLISH: [&str; 4] = ["publish", "--registry", "hello_example", "--allow-dirty"];

/// A desk whose key `device` may read `hello.example`, and nobody else.
fn private() -> Desk {
    let desk = Desk::without_registry();
    desk.world.set_env("CARGO_NAMESPACES_KEY_PASSPHRASE", PASSPHRASE);
    desk.world.set_env("CARGO_NAMESPACES_NEW_KEY_PASSPHRASE", PASSPHRASE);
    desk.set_up_here();
    opened(desk)
}

/// The same with keys that need no passphrase, as those in a keyring.
fn private_without_passphrase() -> Desk {
    let desk = Desk::without_registry();
    let index = index("hello.example");
    desk.nspublish(&["setup", "hello.example", "--index", index.as_str(), "--yes", "--plain"])
        .args(&["--device-file", "device.pem", "--recovery-file", "recovery.pem"])
        .success();
    opened(desk)
}

fn opened(mut desk: Desk) -> Desk {
    let device = desk.public_key("device");
    desk.open_registry(&format!(
        "[namespaces.\"hello.example\"]\nauth-required = true\nreaders = [\"{device}\"]\n"
    ));
    desk
}

/// An application that needs `hello`, built from nothing by stock Cargo.
fn build(desk: &Desk) -> Output {
    let registry = desk.world.cargo_home().join("registry");
    let _ = std::fs::remove_dir_all(registry);
    let main = "fn main() { println!(\"{}\", hello::who()); }\n";
    let dependency = "hello = { version = \"1\", registry = \"hello_example\" }\n";
    let app = desk.world.project("app").binary("app", dependency, main);
    desk.cargo(&app, &["run", "--quiet"]).run()
}

#[test]
fn a_private_namespace_is_published_to_and_read_by_those_whom_it_is_open_to() {
    let desk = private();
    desk.put_records_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    desk.cargo(&project, &PUBLISH).success().stderr_has("Published hello v1.0.0");
    build(&desk).success().stdout_has("hello 1.0.0");
    desk.package("hello", "hello", "1.0.1", "");
    desk.nspublish(&["--allow-dirty"]).within(&project).success().stderr_has("Published hello v1.0.1");
    desk.nspublish(&["yank", "hello.example/hello@1.0.1"]).success();
    desk.nspublish(&["status", "hello.example/hello"]).success().stdout_has("publish    yes");
    build(&desk).success().stdout_has("hello 1.0.0");
}

#[test]
fn whom_a_private_namespace_is_not_open_to_is_told_whom_to_ask() {
    let desk = private();
    desk.put_records_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    desk.cargo(&project, &PUBLISH).success();
    desk.nspublish(&["key", "new", "stranger", "--file", "stranger.pem"]).success();
    let config = desk.world.cargo_home().join("config.toml");
    let mine = std::fs::read_to_string(&config).unwrap();
    let stranger = desk.world.home().join("stranger.pem").display().to_string();
    let provider = format!("[\"cargo-nspublish\", \"--key\", {stranger:?}]");
    std::fs::write(&config, mine.replace("[\"cargo-nspublish\"]", &provider)).unwrap();
    build(&desk).failure().stderr_has("is not among its readers");
    // Without any provider Cargo cannot even ask.
    std::fs::write(&config, mine.replace("credential-provider = [\"cargo-nspublish\"]\n", "")).unwrap();
    build(&desk)
        .failure()
        .stderr_has("authenticated registries require a credential-provider to be configured");
    std::fs::write(&config, mine).unwrap();
    build(&desk).success().stdout_has("hello 1.0.0");
}

/// As [`private`], with nobody among the `readers`.
fn private_without_readers() -> Desk {
    let mut desk = Desk::without_registry();
    let index = index("hello.example");
    desk.nspublish(&["setup", "hello.example", "--index", index.as_str(), "--yes", "--plain"])
        .args(&["--device-file", "device.pem", "--recovery-file", "recovery.pem"])
        .success();
    desk.open_registry("[namespaces.\"hello.example\"]\nauth-required = true\n");
    desk
}

#[test]
fn a_key_that_the_domain_lists_reads_and_publishes_first_in_a_private_namespace() {
    let desk = private_without_readers();
    let project = desk.package("hello", "hello", "1.0.0", "");
    // What every stranger reads, in full: what makes the key a reader.
    desk.cargo(&project, &PUBLISH)
        .run()
        .failure()
        .stderr_has("is not among its readers")
        .stderr_has("Let the domain list the key (`cargo nspublish setup hello.example` prints the record)")
        .stderr_has("add it to `readers` under `[namespaces.");
    desk.nspublish(&["--allow-dirty"])
        .within(&project)
        .run()
        .failure()
        .stderr_has("your key may not read the index of hello.example")
        .stderr_has("cargo nspublish setup hello.example");
    desk.put_records_up();
    std::thread::sleep(std::time::Duration::from_secs(3));
    desk.cargo(&project, &PUBLISH).success().stderr_has("Published hello v1.0.0");
    build(&desk).success().stdout_has("hello 1.0.0");
    let other = desk.package("other", "other", "1.0.0", "");
    desk.nspublish(&["--allow-dirty"]).within(&other).success().stderr_has("Published other v1.0.0");
}

#[test]
fn cargo_lists_the_owners_of_a_private_crate_to_its_readers() {
    let desk = private_without_readers();
    desk.put_records_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    desk.cargo(&project, &PUBLISH).success();
    let owner = desk.public_key("device");
    desk.cargo(&project, &["owner", "--list", "--registry", "hello_example", "hello"])
        .success()
        .stdout_has(&owner);
    let config = desk.world.cargo_home().join("config.toml");
    let mine = std::fs::read_to_string(&config).unwrap();
    desk.nspublish(&["key", "new", "stranger", "--file", "stranger.pem", "--plain"]).success();
    let stranger = desk.world.home().join("stranger.pem").display().to_string();
    let provider = format!("[\"cargo-nspublish\", \"--key\", {stranger:?}]");
    std::fs::write(&config, mine.replace("[\"cargo-nspublish\"]", &provider)).unwrap();
    desk.cargo(&project, &["owner", "--list", "--registry", "hello_example", "hello"])
        .run()
        .failure()
        .stderr_has("is not among its readers")
        .stderr_lacks(&owner);
}

#[test]
fn reading_is_a_statement_that_ends() {
    let desk = private();
    let answer = asked_to_read(&desk);
    assert_eq!(answer["cache"], "expires");
    assert_eq!(answer["operation_independent"], false);
    let envelope = Envelope::from_header(answer["token"].as_str().unwrap()).unwrap();
    let read = envelope.open::<Read>().unwrap();
    assert_eq!(read.index, index("hello.example"));
    assert!(answer["expiration"].as_u64().unwrap() < read.expires_at.unix());
}

/// A service's job, say, whose token somebody else has made: no key and no provider of ours are there.
#[test]
fn what_is_private_is_vendored_with_a_token_that_is_stored() {
    let desk = private_without_passphrase();
    desk.put_records_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    desk.cargo(&project, &PUBLISH).success();
    let app = desk.world.project("app").binary("app", "", "fn main() {}\n");
    run(desk.world.nsadd().arg("hello.example/hello").current_dir(app.path())).success();
    let (home, token) = (desk.world.cargo_home(), asked_to_read(&desk)["token"].clone());
    let token = token.as_str().unwrap();
    let config = std::fs::read_to_string(home.join("config.toml")).unwrap();
    let stored = config.replace("[\"cargo-nspublish\"]", "\"cargo:token\"");
    std::fs::write(home.join("config.toml"), stored).unwrap();
    std::fs::write(home.join("credentials.toml"), format!("[registries.hello_example]\ntoken = {token:?}\n"))
        .unwrap();
    std::fs::remove_file(desk.world.home().join("device.pem")).unwrap();
    for directory in ["registry", "namespaces/index", "namespaces/crates"] {
        let _ = std::fs::remove_dir_all(home.join(directory));
    }
    run(desk.world.nsvendor().args(["-v"]).current_dir(app.path()))
        .success()
        .stderr_has("Downloaded 1 crate (")
        .stderr_lacks(token)
        .stdout_lacks(token);
    assert!(app.has("vendor/hello.example/hello-1.0.0/src/lib.rs"));
}

#[test]
fn what_is_private_is_added_verified_and_vendored_by_way_of_the_credential_provider() {
    let desk = private_without_passphrase();
    desk.put_records_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    desk.cargo(&project, &PUBLISH).success();
    let main = "fn main() { println!(\"{}\", hello::who()); }\n";
    let app = desk.world.project("app").binary("app", "", main);
    let nsadd = || {
        let mut command = desk.world.nsadd();
        command.arg("hello.example/hello").current_dir(app.path());
        command
    };
    let home = desk.world.cargo_home();
    let config = std::fs::read_to_string(home.join("config.toml")).unwrap();
    std::fs::write(home.join("config.toml"), config.replace("credential-provider", "unknown-key")).unwrap();
    let before = app.read("Cargo.toml");
    run(&mut nsadd())
        .failure()
        .stderr_has("private, and there is no token for it: `cargo:token` has none for it")
        .stderr_has("`credential-provider` under `[registries]`");
    assert_eq!(app.read("Cargo.toml"), before);
    std::fs::write(home.join("config.toml"), config).unwrap();
    run(&mut nsadd()).success().stderr_has("Adding hello.example/hello v1.0.0");
    run(desk.world.cargo().args(["run", "--quiet"]).current_dir(app.path()))
        .success()
        .stdout_has("hello 1.0.0");
    // From nothing: neither Cargo nor we have anything of it.
    for directory in ["registry", "namespaces/index", "namespaces/crates"] {
        let _ = std::fs::remove_dir_all(home.join(directory));
    }
    run(desk.world.nsvendor().args(["--write-config"]).current_dir(app.path())).success();
    std::fs::remove_dir_all(home.join("registry")).unwrap();
    run(desk.world.cargo().args(["run", "--quiet", "--offline"]).current_dir(app.path()))
        .success()
        .stdout_has("hello 1.0.0");
    run(desk.world.nsvendor().args(["--check"]).current_dir(app.path())).success();
}

/// An application in the place of the desk, with nothing of the registry in any cache.
fn application(desk: &Desk) -> Project {
    let project = desk.package("hello", "hello", "1.0.0", "");
    desk.cargo(&project, &PUBLISH).success();
    for directory in ["registry", "namespaces/index", "namespaces/crates"] {
        let _ = std::fs::remove_dir_all(desk.world.cargo_home().join(directory));
    }
    let main = "fn main() { println!(\"{}\", hello::who()); }\n";
    desk.world.project("app").binary("app", "", main)
}

/// Adds `hello`, forgets what was fetched, vendors it, and checks it; then Cargo builds it without the network.
fn added_and_vendored(desk: &Desk, app: &Project, start: &dyn Fn(&mut Command) -> Output) {
    let commands = &desk.world;
    start(commands.nsadd().arg("hello.example/hello").current_dir(app.path())).success();
    for directory in ["registry", "namespaces/index", "namespaces/crates"] {
        let _ = std::fs::remove_dir_all(commands.cargo_home().join(directory));
    }
    // A lock file that Cargo has to make anew: it asks the index itself.
    std::fs::remove_file(app.path().join("Cargo.lock")).unwrap();
    start(commands.nsvendor().arg("--write-config").current_dir(app.path())).success();
    start(commands.nsvendor().arg("--check").current_dir(app.path())).success();
    std::fs::remove_dir_all(commands.cargo_home().join("registry")).unwrap();
    run(commands.cargo().args(["run", "--quiet", "--offline"]).current_dir(app.path()))
        .success()
        .stdout_has("hello 1.0.0");
}

#[test]
fn a_passphrase_in_a_variable_opens_the_key_for_what_is_private() {
    let desk = private();
    desk.put_records_up();
    let app = application(&desk);
    added_and_vendored(&desk, &app, &run);
}

#[test]
fn a_key_in_a_variable_reads_what_is_private() {
    let desk = private_without_passphrase();
    desk.put_records_up();
    let app = application(&desk);
    let key = desk.world.home().join("device.pem");
    desk.world.set_env("CARGO_NAMESPACES_KEY", &std::fs::read_to_string(&key).unwrap());
    std::fs::remove_file(key).unwrap();
    added_and_vendored(&desk, &app, &run);
}

#[test]
fn the_passphrase_of_the_key_is_asked_for_once_a_run_where_something_private_is_read() {
    let desk = private();
    desk.put_records_up();
    let app = application(&desk);
    desk.world.set_env("CARGO_NAMESPACES_KEY_PASSPHRASE", "");
    desk.world.set_env("CARGO_NAMESPACES_NEW_KEY_PASSPHRASE", "");
    let answer = format!("{PASSPHRASE}\r");
    added_and_vendored(&desk, &app, &|command| at_terminal(command, &[("Passphrase of", &answer)]));
}

#[test]
fn a_passphrase_that_does_not_open_the_key_is_said_to_be_wrong() {
    let desk = private();
    desk.put_records_up();
    let app = application(&desk);
    desk.world.set_env("CARGO_NAMESPACES_KEY_PASSPHRASE", "another one");
    desk.world.set_env("CARGO_NAMESPACES_NEW_KEY_PASSPHRASE", "");
    run(desk.world.nsadd().arg("hello.example/hello").current_dir(app.path()))
        .failure()
        .stderr_has("the passphrase does not open the key")
        .stderr_lacks("another one");
}

/// Cargo reads one variable for registries whose names differ in `-`, `_` or case. A clone may name another one so.
#[test]
fn the_token_for_a_private_index_goes_to_no_other_registry() {
    let desk = private();
    desk.put_records_up();
    let app = application(&desk);
    run(desk.world.nsadd().arg("hello.example/hello").current_dir(app.path())).success();
    let other = Server::start(&desk.world, "other.example", |_| Response::new(401, "no\n"));
    let config = app.read(".cargo/config.toml");
    let named = "[registries.HELLO_EXAMPLE]\nindex = \"sparse+https://other.example/index/\"\n";
    let manifest = app.read("Cargo.toml");
    let app = app.file(".cargo/config.toml", &format!("{config}{named}")).file(
        "Cargo.toml",
        &format!("{manifest}open = {{ version = \"1\", registry = \"HELLO_EXAMPLE\" }}\n"),
    );
    std::fs::remove_file(app.path().join("Cargo.lock")).unwrap();
    run(desk.world.nsvendor().current_dir(app.path())).failure();
    let asked = other.requests();
    assert!(
        !asked.is_empty() && asked.iter().all(|request| request.header("authorization").is_none()),
        "{asked:?}"
    );
}

#[test]
fn a_build_script_sees_no_token_of_a_private_index() {
    let desk = private();
    desk.put_records_up();
    application(&desk);
    let dependency = "hello = { version = \"1\", registry = \"hello_example\" }\n";
    let script = "fn main() {\n    for (name, _) in std::env::vars() {\n        assert!(!name.starts_with(\"CARGO_REGISTRIES_\") \
                  && !name.starts_with(\"CARGO_NAMESPACES_KEY\"), \"{name}\");\n    }\n}\n";
    let other = desk.package("other", "other", "1.0.0", dependency).file("build.rs", script);
    desk.nspublish(&["--allow-dirty"]).within(&other).success().stderr_has("Published other v1.0.0");
}

#[test]
fn ctrl_c_at_the_passphrase_for_what_is_private_ends_the_command() {
    let desk = private();
    desk.put_records_up();
    let app = application(&desk);
    let added = desk.world.project("added").binary("added", "", "fn main() {}\n");
    run(desk.world.nsadd().arg("hello.example/hello").current_dir(added.path())).success();
    for directory in ["registry", "namespaces/index", "namespaces/crates"] {
        let _ = std::fs::remove_dir_all(desk.world.cargo_home().join(directory));
    }
    desk.world.set_env("CARGO_NAMESPACES_KEY_PASSPHRASE", "");
    desk.world.set_env("CARGO_NAMESPACES_NEW_KEY_PASSPHRASE", "");
    let ctrl_c = [("Passphrase of", "\x03")];
    at_terminal(desk.world.nsadd().arg("hello.example/hello").current_dir(app.path()), &ctrl_c).code(130);
    at_terminal(desk.world.nsvendor().current_dir(added.path()), &ctrl_c).code(130);
}
