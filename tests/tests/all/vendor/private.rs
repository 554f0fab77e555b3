//! Private indexes: who gets the token, and what is said where there is none. With a registry of ours, see
//! `registry_client::private`.

use std::fs;
use std::path::Path;

use namespace_world::server::{Request, Response};
use namespace_world::{HostileHost, Output, Server, World, at_terminal};

use super::Small;

const TOKEN: &str = "the-token-of-a-reader";

/// The small project with its index behind a token at `a.example`, the .crates at `b.example`, which sends those who ask for
/// `leaf` on to `c.example`.
struct Private<'w> {
    small: Small<'w>,
    index: Server,
    crates: Server,
    elsewhere: Server,
}

fn file(root: &Path, request: &Request) -> Response {
    let path = request.path.trim_start_matches('/');
    fs::read(root.join(path)).map_or_else(|_| Response::not_found(), Response::ok)
}

/// Serves the files of `a.example`; those below `/cargo/` to who has the token, where `closed`.
fn guarded(world: &World, host: &str, closed: bool, refusal: u16) -> Server {
    let root = world.web_root("a.example");
    Server::start(world, host, move |request| {
        let guarded = closed && request.path.starts_with("/cargo/");
        if guarded && request.header("authorization") != Some(TOKEN) {
            return Response::new(refusal, "no\n");
        }
        file(&root, request)
    })
}

impl<'w> Private<'w> {
    fn new(world: &'w World, auth_required: bool) -> Self {
        let small = Small::new(world);
        world.tamper("a.example", "cargo/index/config.json", |bytes| {
            let mut config: serde_json::Value = serde_json::from_slice(bytes).expect("JSON");
            let dl = config["dl"].as_str().expect("it has one").replace("a.example", "b.example");
            config["dl"] = dl.into();
            if auth_required {
                config["auth-required"] = true.into();
            }
            *bytes = serde_json::to_vec(&config).expect("JSON");
        });
        let root = world.web_root("a.example");
        let crates = Server::start(world, "b.example", move |request| match request.path.contains("leaf") {
            true => Response::redirect(&format!("https://c.example{}", request.path)),
            false => file(&root, request),
        });
        let index = guarded(world, "a.example", auth_required, 401);
        let elsewhere = guarded(world, "c.example", false, 401);
        Self { small, index, crates, elsewhere }
    }

    /// Writes to the user's own configuration, and forgets what Cargo and we have of the registry.
    fn configure(&self, config: &str, credentials: &str) {
        let home = self.small.world.cargo_home();
        fs::write(home.join("config.toml"), config).expect("write it");
        fs::write(home.join("credentials.toml"), credentials).expect("write it");
        for directory in
            [home.join("registry"), home.join("namespaces"), self.small.project.path().join("vendor")]
        {
            let _ = fs::remove_dir_all(directory);
        }
    }

    fn credentials(&self) -> String {
        format!("[registries.{:?}]\ntoken = \"{TOKEN}\"\n", self.small.site.registry_name())
    }

    fn vendored(&self) -> Output {
        let output = self.small.nsvendor(&["-v"]).success().stderr_has("Vendored 2 packages");
        output.stderr_lacks(TOKEN).stdout_lacks(TOKEN)
    }
}

const GLOBAL: &str = "[registry]\nglobal-credential-providers = [\"cargo:token\"]\n";

fn tokens(server: &Server) -> Vec<(String, Option<String>)> {
    let crates = server.requests().into_iter().filter(|request| request.path.ends_with(".crate"));
    crates.map(|request| (request.path.clone(), request.header("authorization").map(str::to_owned))).collect()
}

#[test]
fn a_token_goes_to_where_a_private_index_says_its_crates_are_and_a_redirect_takes_it_no_further() {
    let world = World::new(&["a.example", "b.example", "c.example"]);
    let private = Private::new(&world, true);
    private.configure(GLOBAL, &private.credentials());
    private.vendored();
    let asked = tokens(&private.crates);
    assert!(asked.len() == 2 && asked.iter().all(|(_, token)| token.as_deref() == Some(TOKEN)), "{asked:?}");
    let asked = tokens(&private.elsewhere);
    assert!(asked.len() == 1 && asked.iter().all(|(_, token)| token.is_none()), "{asked:?}");
    // What proves who owns the domain is asked for without it.
    let documents =
        private.index.requests().into_iter().filter(|request| request.path.contains("well-known"));
    assert!(documents.into_iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn a_token_for_an_index_that_asks_for_none_is_sent_to_nobody() {
    let world = World::new(&["a.example", "b.example", "c.example"]);
    let private = Private::new(&world, false);
    private.configure(GLOBAL, &private.credentials());
    private.vendored();
    for server in [&private.index, &private.crates, &private.elsewhere] {
        let sent = server.requests().into_iter().filter(|request| request.header("authorization").is_some());
        assert_eq!(sent.count(), 0);
    }
}

#[test]
fn a_credential_provider_of_the_users_own_is_asked() {
    let world = World::new(&["a.example", "b.example", "c.example"]);
    let private = Private::new(&world, true);
    let name = private.small.site.registry_name();
    let index = private.small.site.index();
    let (script, asked) = (world.root().join("provider"), world.root().join("asked"));
    let answer = format!(
        "#!/bin/sh\necho '{{\"v\":[1]}}'\nread question\necho \"$question\" >> '{}'\n\
         echo '{{\"Ok\":{{\"kind\":\"get\",\"token\":\"{TOKEN}\",\"cache\":\"session\",\"operation_independent\":true}}}}'\n",
        asked.display()
    );
    fs::write(&script, answer).expect("write it");
    namespace_world::run(world.command("chmod").arg("755").arg(&script)).success();
    let provider =
        format!("[registries.{name:?}]\nindex = \"{index}\"\ncredential-provider = [{script:?}]\n");
    private.configure(&provider, "");
    private.vendored();
    let questions = fs::read_to_string(&asked).expect("it was asked");
    assert!(
        questions.contains("\"operation\":\"read\"") && questions.contains(index.as_str()),
        "{questions}"
    );
}

/// A provider asks at the terminal itself, while a spinner turns there.
#[test]
fn nothing_is_drawn_over_the_question_of_a_credential_provider() {
    let world = World::new(&["a.example", "b.example", "c.example"]);
    let private = Private::new(&world, true);
    let name = private.small.site.registry_name();
    let script = world.root().join("provider");
    let text = "#!/bin/sh\necho '{\"v\":[1]}'\nread question\nprintf 'Which token? ' > /dev/tty\nsleep 1\n\
                printf 'Type it: ' > /dev/tty\nread token < /dev/tty\n\
                echo '{\"Ok\":{\"kind\":\"get\",\"token\":\"'$token'\",\"cache\":\"session\",\"operation_independent\":true}}'\n";
    fs::write(&script, text).expect("write it");
    namespace_world::run(world.command("chmod").arg("755").arg(&script)).success();
    let provider = format!(
        "[registries.{name:?}]\nindex = \"{}\"\ncredential-provider = [{script:?}]\n",
        private.small.site.index()
    );
    private.configure(&provider, "");
    let mut command = world.nsvendor();
    command.current_dir(private.small.project.path());
    let output = at_terminal(&command, &[("Type it: ", &format!("{TOKEN}\r"))]).success();
    let (before, after) = output.stdout.split_once("Which token? ").expect("it asked");
    assert!(before.contains("Verifying"), "a spinner was there: {before:?}");
    let (meanwhile, _) = after.split_once("Type it: ").expect("it asked on");
    assert_eq!(meanwhile, "");
}

#[test]
fn without_a_token_or_with_a_wrong_one_it_is_said_what_to_do() {
    let world = World::new(&["a.example", "b.example", "c.example"]);
    let private = Private::new(&world, true);
    private.configure(GLOBAL, "");
    private
        .small
        .refused(&[])
        .stderr_has("the index `sparse+https://a.example/cargo/index/` is private")
        .stderr_has("`cargo:token` has none for it")
        .stderr_has("`credential-provider` under `[registries]`");
    private.configure(GLOBAL, &private.credentials().replace(TOKEN, "a-wrong-one"));
    private
        .small
        .refused(&[])
        .stderr_has("it does not accept what the credential provider answered")
        .stderr_lacks("a-wrong-one");
    private.configure(GLOBAL, &private.credentials());
    let _closed = HostileHost::status(&world, "b.example", 403);
    private
        .small
        .refused(&[])
        .stderr_has("is private, and there is no token for it: `https://b.example/cargo/crates/")
        .stderr_has("answered with HTTP status 403")
        .stderr_has("`credential-provider` under `[registries]`");
}
