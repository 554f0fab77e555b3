//! From a domain that the registry does not know to a published crate: at a terminal, without one, interrupted.

use std::time::Duration;

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::token::{Scope, Token};
use namespace_world::{Keyring, at_terminal};
use serde_json::Value;

use super::Desk;

const DOCUMENT: &str = ".well-known/rust-lang.org/package-namespace.json";

impl Desk {
    /// Waits until the guide has asked everything, then puts up what set-up recorded, as both documents. In a thread of
    /// its own.
    pub fn put_up_when_asked(&self) -> std::thread::JoinHandle<()> {
        let publisher = self.world.cargo_home().join("namespaces/publisher/hello.example");
        let root = self.world.web_root("hello.example");
        std::thread::spawn(move || {
            while !publisher.join("guide.json").exists() {
                std::thread::sleep(Duration::from_millis(50));
            }
            std::thread::sleep(Duration::from_secs(1));
            let document = std::fs::read_to_string(publisher.join("package-namespace.json")).unwrap();
            let parsed: Value = serde_json::from_str(&document).unwrap();
            let tokens = parsed["authorized_keys"].as_array().unwrap().iter();
            let lines = tokens.map(|token| {
                format!("{} index={}\n", token.as_str().unwrap(), parsed["index"].as_str().unwrap())
            });
            std::fs::create_dir_all(root.join(DOCUMENT).parent().unwrap()).unwrap();
            std::fs::write(root.join(".well-known/cargo-publishers"), lines.collect::<String>()).unwrap();
            std::fs::write(root.join(DOCUMENT), document).unwrap();
        })
    }

    pub fn guided(&self, project: &namespace_world::Project) -> std::process::Command {
        let mut command = self.world.nspublish();
        command.arg("--allow-dirty").current_dir(project.path());
        command
    }
}

#[test]
fn a_person_is_guided_to_a_published_crate() {
    let desk = Desk::set_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    let thread = desk.put_up_when_asked();
    at_terminal(
        &desk.guided(&project),
        &[
            ("What shall the key publish?", "\r"),
            ("Where will you put the record?", "\x1b[B\x1b[B\r"),
            ("Ctrl-C stops waiting", ""),
        ],
    )
    .success()
    .stdout_has("crates.example has not verified yet that the key `device` may publish for hello.example")
    .stdout_has("namespaces/publisher/hello.example/upload/package-namespace.json")
    .stdout_lacks("authorized_keys")
    .stdout_has(&format!("https://hello.example/{DOCUMENT}: no document is there yet"))
    .stdout_has(&format!("https://hello.example/{DOCUMENT}: the record is there"))
    .stdout_has("crates.example lets `device` publish for hello.example")
    .stdout_has("Published hello v1.0.0");
    thread.join().unwrap();
    assert_eq!(desk.line("hello.example/hello", "1.0.0").attestations.len(), 1);
    assert!(!desk.world.cargo_home().join("namespaces/publisher/hello.example/guide.json").exists());
}

#[test]
fn a_person_with_nothing_is_set_up_first() {
    let desk = Desk::new();
    let _keyring = Keyring::start(&desk.world);
    let project = desk.package("hello", "hello", "1.0.0", "");
    let thread = desk.put_up_when_asked();
    let mut command = desk.guided(&project);
    command.args(["--instance", "https://crates.example"]);
    at_terminal(
        &command,
        &[
            ("Make keys?", "y"),
            ("Recovery key file", "\r"),
            ("What shall the key publish?", "\r"),
            ("Where will you put the record?", "\r"),
        ],
    )
    .success()
    .stdout_has("sparse+https://crates.example/index/hello.example/")
    .stdout_has("Published hello v1.0.0");
    thread.join().unwrap();
}

#[test]
fn an_interrupted_guide_goes_on() {
    let desk = Desk::set_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    at_terminal(
        &desk.guided(&project),
        &[
            ("What shall the key publish?", "\x1b[B\r"),
            ("Where will you put the record?", "\r"),
            ("no document is there yet", "\x03"),
        ],
    )
    .code(130)
    .stdout_has("https://hello.example/.well-known/cargo-publishers")
    .stdout_has("go on at any time with `cargo nspublish --allow-dirty`");
    let thread = desk.put_up_when_asked();
    at_terminal(
        &desk.guided(&project),
        &[("go on waiting for the record at https://hello.example/.well-known/cargo-publishers", "\r")],
    )
    .success()
    .stdout_lacks("Where will you put the record?")
    .stdout_has("Published hello v1.0.0");
    thread.join().unwrap();
}

#[test]
fn without_a_terminal_it_is_said_what_to_do_and_how_to_resume() {
    let desk = Desk::set_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    let publish = |more: &[&str]| desk.nspublish(&["--allow-dirty"]).args(more).within(&project);
    publish(&[])
        .run()
        .code(3)
        .stdout_has("TXT at hello.example: nothing")
        .stdout_has("To let it publish any crate of hello.example")
        .stdout_has("To let it publish hello.example/hello and nothing else")
        .stdout_has("this file at https://hello.example/.well-known/rust-lang.org/package-namespace.json")
        .stdout_has("these lines at https://hello.example/.well-known/cargo-publishers")
        .stdout_has("hello.example. 3600 IN TXT \"sha256-")
        .stdout_has("Then run again: cargo nspublish --allow-dirty");
    let output = publish(&["--message-format", "json"]).run().code(3);
    let message: Value = serde_json::from_str(output.stdout.trim()).unwrap();
    assert_eq!(message["reason"], "action-required");
    assert_eq!(message["state"], "unknown-domain");
    assert_eq!(message["resume"], "cargo nspublish --allow-dirty --message-format json");
    assert_eq!(message["places"].as_array().unwrap().len(), 6);
    let key = PublicKey::parse(message["key"].as_str().unwrap()).unwrap();
    let any = Token::compute(&Scope::parse("hello.example").unwrap(), &key).to_string();
    for place in message["places"].as_array().unwrap() {
        let lets_all = place["content"].as_str().unwrap().contains(&any);
        assert_eq!(lets_all, place["scope"] == "hello.example", "one crate is one crate: {place}");
    }
    desk.put_records_up();
    publish(&[]).success().stderr_has("Published hello v1.0.0");
    let line = desk.line("hello.example/hello", "1.0.0");
    assert_eq!(line.vers.to_string(), "1.0.0");
}

/// What programs are told of the places does to let the key publish, each of them by itself.
#[test]
fn every_place_is_told_to_programs_and_each_is_enough() {
    let json = |desk: &Desk, arguments: &[&str], project: Option<&namespace_world::Project>| -> Value {
        let step = desk.nspublish(arguments).args(&["--message-format", "json"]);
        let output = match project {
            Some(project) => step.within(project).run(),
            None => step.run(),
        };
        serde_json::from_str(output.stdout.lines().next().unwrap()).unwrap()
    };
    for kind in ["publishers", "txt", "json"] {
        let desk = Desk::set_up();
        let project = desk.package("hello", "hello", "1.0.0", "");
        let publish = json(&desk, &["--allow-dirty"], Some(&project));
        let status = json(&desk, &["status", "hello.example/hello"], None);
        assert_eq!(status["put_up"], publish["places"]);
        assert_eq!(json(&desk, &["status", "hello.example"], None)["put_up"].as_array().unwrap().len(), 3);
        let setup = json(&desk, &["setup", "hello.example"], None);
        assert_eq!(setup["places"].as_array().unwrap()[..], publish["places"].as_array().unwrap()[..3]);
        let entry = setup["places"].as_array().unwrap().iter().find(|entry| entry["place"] == kind).unwrap();
        assert_eq!(entry["records"], setup["records"]);
        if kind == "txt" {
            let names = entry["txt_names"].as_array().unwrap();
            assert_eq!((names.len(), &entry["url"]), (2, &Value::Null), "{entry}");
            let records: Vec<&str> =
                entry["records"].as_array().unwrap().iter().map(|record| record.as_str().unwrap()).collect();
            desk.world.txt(names[0].as_str().unwrap(), &records);
        } else {
            let path = entry["url"].as_str().unwrap().strip_prefix("https://hello.example/").unwrap();
            let file = desk.world.web_root("hello.example").join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, entry["content"].as_str().unwrap()).unwrap();
        }
        desk.nspublish(&["--allow-dirty", "--no-verify", "--wait", "30s"]).within(&project).success();
        let rotated =
            json(&desk, &["key", "rotate", "--namespace", "hello.example", "--file", "next.pem"], None);
        assert_eq!(rotated["places"].as_array().unwrap().len(), 3, "{rotated}");
    }
}

#[test]
fn waiting_ends() {
    let desk = Desk::set_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    desk.nspublish(&["--allow-dirty", "--wait", "3s"])
        .within(&project)
        .run()
        .code(3)
        .stderr_has("Looking https://hello.example/.well-known/cargo-publishers: no document is there yet");
}

#[test]
fn a_person_who_chose_dns_is_told_what_the_servers_of_the_zone_say() {
    let desk = Desk::set_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    let command = desk.guided(&project);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let publisher = desk.world.cargo_home().join("namespaces/publisher/hello.example");
            while !publisher.join("guide.json").exists() {
                std::thread::sleep(Duration::from_millis(50));
            }
            std::thread::sleep(Duration::from_secs(1));
            let document = std::fs::read_to_string(publisher.join("package-namespace.json")).unwrap();
            let document: Value = serde_json::from_str(&document).unwrap();
            let record = |token: &Value| {
                format!("{} index={}", token.as_str().unwrap(), document["index"].as_str().unwrap())
            };
            let records: Vec<String> =
                document["authorized_keys"].as_array().unwrap().iter().map(record).collect();
            let records: Vec<&str> = records.iter().map(String::as_str).collect();
            desk.world.txt("_cargo-namespace.hello.example", &records);
        });
        at_terminal(
            &command,
            &[
                ("What shall the key publish?", "\r"),
                ("Where will you put the record?", "\x1b[B\r"),
                ("Ctrl-C stops waiting", ""),
            ],
        )
        .success()
        .stdout_has("hello.example. 3600 IN TXT \"sha256-")
        .stdout_has("not at hello.example yet, say 1 of 1 servers of the zone example")
        .stdout_has("at _cargo-namespace.hello.example, say all servers of the zone example")
        .stdout_has("resolvers may have cached the old answer for up to 5 seconds")
        .stdout_has("crates.example lets `device` publish for hello.example")
        .stdout_has("Published hello v1.0.0");
    });
}

#[test]
fn the_secrets_of_the_environment_do_not_reach_a_build_script() {
    let desk = Desk::set_up();
    desk.put_records_up();
    let project = desk.package("hello", "hello", "1.0.0", "").file(
        "build.rs",
        "fn main() { assert!(std::env::var_os(\"CARGO_NAMESPACES_KEY_PASSPHRASE\").is_none(), \"the build sees it\"); }\n",
    );
    desk.nspublish(&["--allow-dirty"]).within(&project).success().stderr_has("Published hello v1.0.0");
}

#[test]
fn a_workspace_is_published_in_the_order_of_its_dependencies() {
    let desk = Desk::set_up();
    desk.put_records_up();
    let metadata =
        "[package.metadata.namespaces]\nnamespace = \"hello.example\"\ndefault-registry = \"crates.io\"\n";
    let manifest = |name: &str, dependencies: &str| {
        format!(
            "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2021\"\nlicense = \"MIT\"\ndescription = \"d\"\n{metadata}\
             [dependencies]\n{dependencies}"
        )
    };
    let base = "base = { path = \"../base\", version = \"1\", registry = \"hello_example\" }\n";
    let project = desk
        .world
        .project("workspace")
        .file("Cargo.toml", "[workspace]\nmembers = [\"app\", \"base\"]\nresolver = \"2\"\n")
        .file("app/Cargo.toml", &manifest("app", base))
        .file("app/src/lib.rs", "pub use base::one;\n")
        .file("base/Cargo.toml", &manifest("base", ""))
        .file("base/src/lib.rs", "pub fn one() -> u8 {\n    1\n}\n");
    desk.nspublish(&["--workspace", "--allow-dirty"]).within(&project).success();
    let line = desk.line("hello.example/app", "1.0.0");
    assert_eq!(line.deps[0].name, "base");
    assert_eq!(line.deps[0].registry, None);
}

#[test]
fn a_dependency_without_a_registry_is_deprecated() {
    let desk = Desk::set_up();
    desk.put_records_up();
    let project = desk.package("hello", "hello", "1.0.0", "itoa = \"1\"\n");
    desk.nspublish(&["--allow-dirty", "--dry-run", "--no-verify"])
        .within(&project)
        .run()
        .stderr_has("these dependencies of `hello` name no registry, which is deprecated: itoa");
}

#[test]
fn a_dependency_that_inherits_a_version_without_a_registry_is_deprecated_too() {
    let desk = Desk::set_up();
    desk.put_records_up();
    let project = desk
        .world
        .project("workspace")
        .file(
            "Cargo.toml",
            "[workspace]\nmembers = [\"hello\"]\nresolver = \"2\"\n[workspace.dependencies]\n\
             itoa = \"1\"\nryu = { version = \"1\", registry = \"hello_example\" }\n",
        )
        .file(
            "hello/Cargo.toml",
            "[package]\nname = \"hello\"\nversion = \"1.0.0\"\nedition = \"2021\"\nlicense = \"MIT\"\ndescription = \"d\"\n\
             [package.metadata.namespaces]\nnamespace = \"hello.example\"\n\
             [dependencies]\nitoa.workspace = true\nryu.workspace = true\n",
        )
        .file("hello/src/lib.rs", "");
    desk.nspublish(&["--workspace", "--allow-dirty", "--dry-run", "--no-verify"])
        .within(&project)
        .run()
        .stderr_has("these dependencies of `hello` name no registry, which is deprecated: itoa\n");
}

#[test]
fn the_command_line_that_made_the_keys_is_run_again_as_printed() {
    let desk = Desk::without_passphrase();
    let project = desk.package("hello", "hello", "1.0.0", "");
    let keys = tempfile::tempdir().unwrap();
    for (name, passphrase) in [("new", "of the device key"), ("stick", "of the recovery key")] {
        std::fs::write(keys.path().join(name), passphrase).unwrap();
    }
    let path = |name: &str| keys.path().join(name).display().to_string();
    let [device, new, recovery, stick] = ["d.pem", "new", "r.pem", "stick"].map(path);
    let output = desk
        .nspublish(&["--instance", "https://crates.example", "--yes", "--allow-dirty"])
        .args(&["--device-file", &device, "--new-passphrase-file", &new])
        .args(&["--recovery-file", &recovery, "--passphrase-file", &stick])
        .within(&project)
        .run()
        .code(3);
    let (_, line) = output.stdout.split_once("Then run again: cargo nspublish ").expect("the line");
    let words: Vec<&str> = line.lines().next().unwrap().split(' ').collect();
    desk.nspublish(&words).within(&project).run().code(3).stdout_has("Then run again: ");
    // So is set-up, with and without a recovery key.
    let setup = ["setup", "hello.example", "--device-file", &device, "--new-passphrase-file", &new];
    let both = ["--recovery-file", &recovery, "--passphrase-file", &stick];
    desk.nspublish(&[&setup[..], &both].concat()).success();
    desk.nspublish(&[&setup[..], &["--no-recovery"]].concat()).success();
    let root = desk.world.web_root("hello.example");
    let setup_at = ["--well-known", root.to_str().unwrap()];
    desk.nspublish(&[&setup[..], &both, &setup_at].concat()).success();
    desk.nspublish(&words).within(&project).success().stderr_has("Published hello v1.0.0");
}

#[test]
fn a_key_that_nothing_opens_is_told_before_anything_is_built() {
    let desk = Desk::set_up();
    desk.put_records_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    let without = ["CARGO_NAMESPACES_KEY_PASSPHRASE", "CARGO_NAMESPACES_NEW_KEY_PASSPHRASE"];
    let mut command = desk.guided(&project);
    without.iter().for_each(|var| {
        command.env_remove(var);
    });
    namespace_world::run(&mut command).code(3).stderr_has("--passphrase-file FILE").stderr_lacks("Packaging");
    desk.nspublish(&["--allow-dirty"])
        .env("CARGO_NAMESPACES_KEY_PASSPHRASE", "another")
        .env("CARGO_NAMESPACES_NEW_KEY_PASSPHRASE", "another")
        .within(&project)
        .run()
        .code(6)
        .stderr_has("does not open")
        .stderr_lacks("Packaging");
}
