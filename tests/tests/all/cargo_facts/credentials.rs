//! Credential providers: what Cargo tells them, and what it does with the answer.

use std::os::unix::fs::PermissionsExt;

use namespace_world::server::Response;
use namespace_world::{Home, Project, Server, World, run};
use serde_json::{Value, json};

use super::index::sha256;
use super::publishing::{hello, parts, registry};

/// Installs a provider that writes each request to a file and answers with `token`, cached as `cache` says.
fn provider(world: &Home, token: &str, cache: &str) -> String {
    let (program, log, answer) =
        (world.root().join("provider"), world.root().join("asked"), world.root().join("answer"));
    let text =
        json!({ "Ok": { "kind": "get", "token": token, "cache": cache, "operation_independent": false } })
            .to_string();
    std::fs::write(&answer, text + "\n").expect("write the answer");
    let script = format!(
        "#!/bin/sh\nprintf '{{\"v\":[1]}}\\n'\nwhile read -r line; do\n  printf '%s\\n' \"$line\" >> {}\n  cat {}\ndone\n",
        log.display(),
        answer.display()
    );
    install(&program, &script)
}

fn install(program: &std::path::Path, script: &str) -> String {
    std::fs::write(program, script).expect("write the provider");
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).expect("make it executable");
    program.display().to_string()
}

/// The requests that the provider got, without those fields that say nothing.
fn asked(world: &Home) -> Vec<Value> {
    let text = std::fs::read_to_string(world.root().join("asked")).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("a request is JSON")).collect()
}

fn publish(world: &Home, project: &Project) {
    run(world
        .cargo()
        .args(["publish", "--registry", "a_example", "--no-verify", "--allow-dirty"])
        .current_dir(project.path()))
    .success();
}

#[test]
fn for_a_publish_the_provider_is_told_name_version_and_checksum() {
    let world = World::new(&["a.example"]);
    let server = registry(&world, "a.example", None);
    let program = provider(&world, "the-token", "session");
    let project = hello(&world, &format!("credential-provider = [\"{program}\", \"--flag\", \"value\"]\n"));
    publish(&world, &project);
    let requests = server.requests();
    let upload = requests.iter().find(|request| request.method == "PUT").expect("something was uploaded");
    assert_eq!(upload.header("authorization"), Some("the-token"), "the token is the whole header");
    let asked = asked(&world);
    // It is asked for `read` as well, although the index is public.
    let asked =
        asked.iter().find(|request| request["operation"] == "publish").expect("asked for the publish");
    assert_eq!(asked["name"], "hello");
    assert_eq!(asked["vers"], "1.0.0");
    assert_eq!(asked["cksum"], json!(sha256(&parts(upload).1)), "the SHA-256 of the .crate that is uploaded");
    assert_eq!(asked["registry"]["index-url"], "sparse+https://a.example/cargo/index/");
    assert_eq!(asked["registry"]["name"], "a_example");
    assert_eq!(asked["args"], json!(["--flag", "value"]), "arguments come in the request");
}

#[test]
fn for_a_yank_the_provider_is_told_name_and_version() {
    let world = World::new(&["a.example"]);
    let server = registry(&world, "a.example", None);
    let program = provider(&world, "the-token", "session");
    let project = hello(&world, &format!("credential-provider = [\"{program}\"]\n"));
    let yank = |more: &[&str]| {
        run(world
            .cargo()
            .args(["yank", "--registry", "a_example", "hello@1.0.0"])
            .args(more)
            .current_dir(project.path()))
        .success();
    };
    yank(&[]);
    yank(&["--undo"]);
    let asked = asked(&world);
    let operations: Vec<_> =
        asked.iter().map(|request| (&request["operation"], &request["name"], &request["vers"])).collect();
    assert_eq!(
        operations,
        [
            (&json!("yank"), &json!("hello"), &json!("1.0.0")),
            (&json!("unyank"), &json!("hello"), &json!("1.0.0")),
        ]
    );
    assert_eq!(server.requests().iter().filter(|request| request.method == "DELETE").count(), 1);
}

#[test]
fn for_an_owner_change_the_provider_is_not_told_who() {
    let world = World::new(&["a.example"]);
    let _server = registry(&world, "a.example", None);
    let program = provider(&world, "the-token", "session");
    let project = hello(&world, &format!("credential-provider = [\"{program}\"]\n"));
    run(world
        .cargo()
        .args(["owner", "--registry", "a_example", "--add", "somebody", "hello"])
        .current_dir(project.path()))
    .success();
    let asked = asked(&world);
    assert_eq!(asked[0]["operation"], "owners");
    assert_eq!(asked[0]["name"], "hello");
    assert!(!asked[0].to_string().contains("somebody"), "{asked:?}");
}

#[test]
fn a_token_of_sixty_kilobytes_goes_out_whole() {
    let world = World::new(&["a.example"]);
    let server = registry(&world, "a.example", None);
    let token = "x".repeat(60 * 1024);
    let program = provider(&world, &token, "session");
    publish(&world, &hello(&world, &format!("credential-provider = [\"{program}\"]\n")));
    let requests = server.requests();
    let upload = requests.iter().find(|request| request.method == "PUT").expect("something was uploaded");
    assert_eq!(upload.header("authorization"), Some(token.as_str()));
}

#[test]
fn a_provider_may_ask_the_person_at_the_terminal() {
    let world = World::new(&["a.example"]);
    let server = registry(&world, "a.example", None);
    let script = "#!/bin/sh\nprintf '{\"v\":[1]}\\n'\nread -r line\nprintf 'passphrase? ' > /dev/tty\nread -r token < /dev/tty\n\
                  printf '{\"Ok\":{\"kind\":\"get\",\"token\":\"%s\",\"cache\":\"session\",\"operation_independent\":true}}\\n' \"$token\"\n";
    let program = install(&world.root().join("provider"), script);
    let project = hello(&world, &format!("credential-provider = [\"{program}\"]\n"));
    // A terminal of its own for Cargo, and somebody at it.
    let person = "
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
seen = b''
while True:
    try:
        piece = os.read(terminal, 1024)
    except OSError:
        break
    if not piece:
        break
    if b'passphrase? ' in seen + piece and b'passphrase? ' not in seen:
        os.write(terminal, b'typed-by-hand\\n')
    seen += piece
sys.stdout.write(seen.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";
    run(world
        .command("python3")
        .args(["-c", person, "cargo", "publish", "--registry", "a_example", "--no-verify", "--allow-dirty"])
        .current_dir(project.path()))
    .success();
    let requests = server.requests();
    let upload = requests.iter().find(|request| request.method == "PUT").expect("something was uploaded");
    assert_eq!(upload.header("authorization"), Some("typed-by-hand"));
}

/// For what the provider of a private registry is asked during one publish, in order.
fn questions(cache: &str) -> Vec<String> {
    let world = World::new(&["a.example"]);
    let _server = registry(&world, "a.example", Some("the-token"));
    let program = provider(&world, "the-token", cache);
    publish(&world, &hello(&world, &format!("credential-provider = [\"{program}\"]\n")));
    asked(&world).iter().map(|request| request["operation"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn an_answer_cached_for_the_session_is_asked_for_once_an_operation() {
    assert_eq!(questions("session"), ["read", "publish"]);
}

#[test]
fn an_answer_that_is_never_cached_is_asked_for_again_and_again() {
    let asked = questions("never");
    assert!(
        asked.len() > 2 && asked.iter().filter(|operation| *operation == "publish").count() == 1,
        "{asked:?}"
    );
}

#[test]
fn a_global_provider_is_asked_for_whatever_index_wants_a_token() {
    let world = World::new(&["hostile.example"]);
    let server = Server::start(&world, "hostile.example", |_| Response::new(401, ""));
    let program = provider(&world, "the-token", "session");
    let config = format!("[registry]\nglobal-credential-providers = [\"{program}\"]\n");
    std::fs::write(world.cargo_home().join("config.toml"), config).expect("write the user's configuration");
    let index = "sparse+https://hostile.example/";
    let project = world
        .project("clone")
        .library("clone", "0.1.0", "hello = { version = \"1\", registry = \"hostile\" }\n")
        .file(".cargo/config.toml", &format!("[registries.hostile]\nindex = \"{index}\"\n"));
    run(world.cargo().arg("metadata").current_dir(project.path())).failure();
    assert_eq!(asked(&world)[0]["registry"]["index-url"], index);
    assert!(server.requests().iter().any(|request| request.header("authorization") == Some("the-token")));
}
