//! `cargo nsregistry serve --dev`: what it prints is typed as it stands, with an empty home and no keyring.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use cargo_namespaces::key::SecretKey;
use namespace_world::{DevRegistry, Home, Running, World, run};

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().expect("make a temporary directory")
}

#[test]
fn what_it_prints_publishes_adds_and_builds_when_it_is_pasted() {
    let directory = directory();
    let registry = DevRegistry::start(directory.path());
    registry
        .paste(&registry.commands())
        .success()
        .stdout_has("Hello, world, from a crate of hello.localhost!")
        .stderr_has("Trusting ed25519:")
        .stderr_has("for hello.localhost: listed at http://hello.localhost:");
    // The first of the lines makes the commands found, which no directory of the search path has.
    assert!(registry.commands().starts_with("export PATH="), "{}", registry.commands());
    // All of it is in its directory, and in the home what Cargo and the commands keep there.
    let mut made: Vec<String> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    made.sort();
    assert_eq!(made, ["home", "nsregistry-dev", "stderr", "stdout"]);
    let secret = std::fs::read_to_string(registry.data().join("publisher.pem")).unwrap();
    let secret = secret.lines().nth(1).unwrap();
    assert!(!registry.log().contains(secret) && !registry.commands().contains(secret));
}

#[test]
fn a_project_on_it_is_vendored_and_built_without_it() {
    let directory = directory();
    let registry = DevRegistry::start(directory.path());
    registry.paste(&registry.commands()).success();
    let lines = registry.variables() + "cd nsregistry-dev/app\ncargo nsvendor --write-config\n";
    registry.paste(&lines).success().stderr_has("1 of them namespaced, verified and trusted");
    let lines = registry.variables() + "cd nsregistry-dev/app\ncargo nsvendor --check\n";
    registry.paste(&lines).success().stderr_has("`vendor` holds them as published");
    let mut shell = registry.shell("cd nsregistry-dev/app\nrm -rf ~/.cargo target\ncargo run --offline\n");
    drop(registry);
    run(&mut shell).success().stdout_has("Hello, world");
}

#[test]
fn crates_of_ones_own_are_published_in_any_order_and_depend_on_one_another() {
    let directory = directory();
    let registry = DevRegistry::start(directory.path());
    let new = |name: &str, namespace: &str| {
        format!(
            "cargo new --quiet --vcs none --lib {name}\ncd {name}\n\
             printf '\\n[package.metadata.namespaces]\\nnamespace = \"{namespace}\"\\n' >> Cargo.toml\n\
             sed -i 's/^edition/license = \"MIT\"\\ndescription = \"d\"\\nedition/' Cargo.toml\n"
        )
    };
    let setup = registry.variables();
    let first = format!("{setup}{}cargo nspublish\n", new("below", "below.localhost"));
    registry.paste(&first).success().stderr_has("Published below v0.1.0");
    let second = format!(
        "{setup}{}cargo nsadd below.localhost/below\ncargo nspublish\n",
        new("above", "above.localhost")
    );
    registry.paste(&second).success().stderr_has("Published above v0.1.0");
    let user = format!(
        "{setup}cargo new --quiet --vcs none user\ncd user\ncargo nsadd above.localhost/above\ncargo build"
    );
    registry
        .paste(&user)
        .success()
        .stderr_has("Verified above.localhost/above v0.1.0")
        .stderr_has("Verified below.localhost/below v0.1.0");
}

/// Whoever signs first has the domain; the file that says so is there to be changed.
#[test]
fn a_name_below_localhost_belongs_to_whoever_signs_for_it_first() {
    let directory = directory();
    let registry = DevRegistry::start(directory.path());
    registry.paste(&registry.commands()).success();
    let other = directory.path().join("other.pem");
    let key = SecretKey::generate().unwrap();
    std::fs::write(&other, key.to_pkcs8_pem().as_bytes()).unwrap();
    let again = format!(
        "{}export CARGO_NAMESPACES_KEY_FILE={}\ncd nsregistry-dev/hello\nsed -i 's/^name = .*/name = \"second\"/' Cargo.toml\n\
         cargo nspublish",
        registry.variables(),
        other.display()
    );
    let refused = registry.paste(&again).code(3);
    let domain = registry.data().join("domains/hello.localhost/.well-known");
    refused
        .stdout_has("http://hello.localhost:")
        .stdout_lacks("https://hello.localhost")
        .stdout_has(&domain.join("cargo-publishers").display().to_string());
    // Its owner lets the other key in, where the refusal said.
    let token = cargo_namespaces::token::Token::compute(
        &cargo_namespaces::token::Scope::parse("hello.localhost").unwrap(),
        &key.public(),
    );
    std::fs::write(domain.join("cargo-publishers"), format!("{token}\n")).unwrap();
    registry.paste(&again).success().stderr_has("Published second v1.0.0");
}

#[test]
fn a_proxy_is_passed_by() {
    let directory = directory();
    // A proxy that never answers.
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let variables = [("http_proxy", url.as_str()), ("no_proxy", "intranet.example")];
    let registry =
        DevRegistry::start_at(directory.path(), namespace_world::dev_registry::free_address(), &variables);
    assert!(
        registry.commands().contains("\nexport no_proxy=intranet.example,localhost,.localhost\n"),
        "{}",
        registry.commands()
    );
    let with_proxy = format!("export http_proxy={url}\n");
    registry
        .paste(&(with_proxy.clone() + &registry.commands()))
        .success()
        .stdout_has("Hello, world")
        .stderr_lacks("warning: a proxy is set");
    // Who leaves the line out is told; our commands, and the Cargo that they run, get there all the same.
    let forgetful: String = registry
        .variables()
        .lines()
        .filter(|line| !line.contains("no_proxy"))
        .map(|line| format!("{line}\n"))
        .collect();
    let lines = format!(
        "{with_proxy}{forgetful}cargo new --quiet --vcs none other\ncd other\ncargo nsadd hello.localhost/hello\n"
    );
    registry
        .paste(&lines)
        .success()
        .stderr_has("set `no_proxy=localhost,.localhost`")
        .stderr_has("Verified hello.localhost/hello v1.0.0");
}

#[test]
fn it_is_for_this_machine_alone() {
    let world = Home::new();
    let here = world.project("here");
    let serve = |flags: &[&str]| {
        run(world.nsregistry().arg("serve").arg("--dev").args(flags).current_dir(here.path()))
    };
    for listen in ["0.0.0.0:7979", "[::]:7979", "192.0.2.1:7979", "127.0.0.1:0"] {
        serve(&["--listen", listen]).code(6).stderr_has("a development registry is for this machine alone");
    }
    serve(&["--url", "https://crates.example/"]).code(2);
    assert!(!here.path().join("nsregistry-dev").exists(), "a refusal makes nothing");
    // Where another program listens, nothing is made either, and the advice leads on.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    serve(&["--listen", &address])
        .failure()
        .stderr_has("perhaps it is running already, in another terminal")
        .stderr_has(" --data nsregistry-dev-");
    assert!(!here.path().join("nsregistry-dev").exists(), "it did not start");
    // Neither kind of registry is started on the other's directory.
    let directory = directory();
    let registry = DevRegistry::start(directory.path());
    let data = registry.data();
    run(world.nsregistry().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data))
        .failure()
        .stderr_has("is the directory of a development registry");
    let real = world.project("real");
    let real = real.file("registry.db", "");
    drop(taken);
    run(world.nsregistry().args(["serve", "--dev", "--listen", &address, "--data"]).arg(real.path()))
        .failure()
        .stderr_has("is the directory of a registry that is not for development");
}

/// Whoever starts a second one comes no way back to where they were.
#[test]
fn a_second_one_is_told_an_address_and_a_directory_that_it_can_have() {
    let directory = directory();
    let first = DevRegistry::start(directory.path());
    let world = Home::new();
    let serve = |flags: &[&str]| {
        let mut command = world.nsregistry();
        command.args(["serve", "--dev"]).args(flags).current_dir(directory.path());
        command
    };
    let taken = run(&mut serve(&["--listen", &first.address().to_string()])).failure();
    let free = namespace_world::dev_registry::free_address().to_string();
    let other = run(&mut serve(&["--listen", &free])).failure();
    other
        .stderr_has("if it is not running there already")
        .stderr_has("a directory of its own, too, by `--data`");
    let advice =
        taken.stderr.split('`').find(|text| text.starts_with("--listen ")).expect("flags to start it with");
    let mut second = Running::start(&mut serve(&advice.split(' ').collect::<Vec<_>>()));
    second.wait_for("Ctrl-C here ends it");
    second.signal("TERM");
    assert_eq!(second.end().0.code(), Some(0));
}

#[test]
fn a_directory_with_files_of_the_users_is_refused_and_stays_as_it_is() {
    let world = Home::new();
    let project = world.project("project").file(".gitignore", "target\n").file("notes", "mine\n");
    let address = namespace_world::dev_registry::free_address().to_string();
    for data in [".", "../project"] {
        run(world
            .nsregistry()
            .args(["serve", "--dev", "--listen", &address, "--data", data])
            .current_dir(project.path()))
        .failure()
        .stderr_has("is not empty, and is not the directory of a development registry")
        .stderr_has("name one by `--data` that is not there yet");
        let ignored = std::fs::read_to_string(project.path().join(".gitignore")).unwrap();
        assert_eq!(ignored, "target\n");
        assert_eq!(std::fs::read_dir(project.path()).unwrap().count(), 2, "nothing was added");
    }
}

/// Standard error is a pipe that is full: requests are answered, failures too, and a signal ends it.
#[test]
fn whoever_does_not_read_the_log_stops_nobody() {
    for fails in [false, true] {
        let directory = directory();
        let address = namespace_world::dev_registry::free_address();
        let world = Home::new();
        let mut command = world.nsregistry();
        command.args(["serve", "--dev", "--listen", &address.to_string()]).current_dir(directory.path());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut registry = Ended(child.expect("start a registry"));
        let document =
            directory.path().join("nsregistry-dev/domains/hello.localhost/.well-known/cargo-publishers");
        let begin = Instant::now();
        while !directory.path().join("nsregistry-dev/app/src/main.rs").exists() {
            assert!(begin.elapsed() < Duration::from_secs(60), "it did not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        // More than a pipe takes, which is 64 KiB.
        let long = format!("/{}", "x".repeat(250));
        let ask = |path: &str| status(address, path);
        (0..400).for_each(|_| assert_eq!(ask(&long), Some(404)));
        if fails {
            std::fs::create_dir_all(document).expect("a directory where a file should be");
            (0..20).for_each(|_| assert_eq!(ask("/.well-known/cargo-publishers"), Some(503)));
        }
        (0..20).for_each(|_| assert_eq!(ask("/"), Some(200)));
        let pid = registry.0.id().to_string();
        assert!(std::process::Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
        let begin = Instant::now();
        let ended = loop {
            if let Some(status) = registry.0.try_wait().expect("ask for its state") {
                break status;
            }
            assert!(begin.elapsed() < Duration::from_secs(8), "a signal ends it");
            std::thread::sleep(Duration::from_millis(10));
        };
        assert_eq!(ended.code(), Some(0));
    }
}

/// A process that does not outlive its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The status of an answer; none, when there is none within five seconds.
fn status(address: SocketAddr, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let head = format!("GET {path} HTTP/1.1\r\nHost: hello.localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

/// A page in a browser gives this machine's address to a name of its own; a domain of somebody's is no namespace here.
#[test]
fn it_answers_for_this_machine_and_for_no_domain() {
    let directory = directory();
    let registry = DevRegistry::start(directory.path());
    let ask = |path: &str, host: &str| {
        let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        namespace_world::dev_registry::ask(registry.address(), &head)
    };
    assert_eq!(ask("/", "evil.example").0, 421);
    assert_eq!(ask("/index/hello.localhost/config.json", "evil.example:7979").0, 421);
    let (status, text) = ask("/", "localhost");
    assert!(status == 200 && text.contains("DEVELOPMENT"), "{text}");
    let (_, text) = ask("/.well-known/cargo.txt", "localhost");
    assert!(text.contains("development: true"), "{text}");
    let (status, text) = ask("/index/serde.rs/config.json", "localhost");
    assert!(status == 400 && text.contains("its namespaces are names below `localhost`"), "{text}");
    let (status, text) = ask("/.well-known/rust-lang.org/package-namespace.json", "hello.localhost");
    assert!(status == 200 && text.contains("/index/hello.localhost/"), "{text}");
    assert_eq!(ask("/.well-known/rust-lang.org/package-namespace.json", "127.0.0.1").0, 404);
    assert_eq!(ask("/.well-known/cargo-publishers", "hello.localhost").0, 404);
    assert!(registry.log().contains("this is a development registry"), "{}", registry.log());
}

/// What nobody can own is no place for what somebody owns: neither by a record nor by the trust file nor by a flag.
#[test]
fn a_domain_cannot_lead_to_the_machine_of_its_users() {
    let world = World::new(&["hello.example"]);
    let directory = directory();
    let registry = DevRegistry::start(directory.path());
    registry.paste(&registry.commands()).success();
    let url = format!("http://localhost:{}", registry.address().port());
    world.set_env("CARGO_NAMESPACES_DEV", &url);
    let index = format!("sparse+{url}/index/hello.example/");
    let document = format!("{{\"authorized_keys\": [], \"index\": \"{index}\"}}");
    world.serve("hello.example", ".well-known/rust-lang.org/package-namespace.json", document);
    let user = world.project("user").binary("user", "", "fn main() {}");
    run(world.nsadd().arg("hello.example/hello").current_dir(user.path())).failure().stderr_lacks("Verified");
    let pinned = format!("[\"hello.example\"]\nindex = \"{index}\"\ntrusted = []\n");
    let user = user.file(".cargo/namespaces.toml", &pinned);
    run(world.nsadd().arg("hello.example/hello").current_dir(user.path()))
        .code(6)
        .stderr_has("the index of hello.example cannot be on this machine");
    run(world.nspublish().args(["setup", "hello.example", "--no-recovery", "--instance", &url]))
        .code(6)
        .stderr_has("is a development registry, which serves names below `localhost`");
}
