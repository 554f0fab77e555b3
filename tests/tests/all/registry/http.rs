//! HTTP as Cargo needs it: tags, private indexes, addresses with `%2F`.

use cargo_namespaces::discovery::CargoTxt;
use cargo_namespaces::statement::{Predicate as _, Read};
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::network::Transport as _;
use cargo_namespaces_net::client::Request;
use namespace_world::registry::HOST;
use namespace_world::{LiveRegistry, run};

use super::{authorize, get, publish, world};
use crate::network::client;

#[test]
fn it_says_what_it_is_and_where_a_crate_is() {
    let (world, author) = world();
    let registry = LiveRegistry::start(&world, "");
    let txt = CargoTxt::parse(get(&world, ".well-known/cargo.txt").bytes()).unwrap();
    assert_eq!(txt.index.unwrap().for_namespace(&author.namespace).unwrap(), author.index);
    assert!(get(&world, "index/anybody.example/config.json").status == 200, "also before the first publish");
    authorize(&world, &author);
    publish(&world, &author, "hello", "0.1.0").success();
    for address in
        ["crates/hello.example%2Fhello", "hello.example/hello", "api/v1/crate/hello.example%2Fhello"]
    {
        let page = get(&world, address);
        assert_eq!(page.status, 200, "{address}");
        assert!(String::from_utf8_lossy(page.bytes()).contains("0.1.0"), "{address}");
    }
    let file = get(&world, "index/hello.example/he/ll/hello");
    let again = Request::index_file(format!("https://{HOST}/index/hello.example/he/ll/hello"))
        .header("if-none-match", file.etag.unwrap());
    assert_eq!(client(&world).fetch_one(again).unwrap().status, 304);
    run(world.nsregistry().args(["audit", "--subject", "hello.example", "--file"]).arg(registry.config()))
        .success()
        .stdout_has(
            " create hello.example/hello hello.example by https://hello.example/.well-known/cargo-publishers",
        )
        .stdout_has(" publish hello.example/hello@0.1.0 ");
    run(world
        .nsregistry()
        .args(["freeze", "hello.example", "--reason", "the domain was hacked", "--file"])
        .arg(registry.config()))
    .success();
    publish(&world, &author, "hello", "0.2.0").failure().stderr_has("the domain was hacked");
}

#[test]
fn a_private_index_asks_for_a_token_and_takes_a_good_one() {
    let (world, author) = world();
    let settings = format!(
        "[namespaces.\"hello.example\"]\nauth-required = true\nreaders = [\"{}\"]\n",
        author.key.public()
    );
    let _registry = LiveRegistry::start(&world, &settings);
    assert_eq!(get(&world, "index/hello.example/config.json").status, 401);
    assert_eq!(get(&world, "index/hello.example/he/ll/hello").status, 401);
    assert_eq!(get(&world, "index/open.example/config.json").status, 200);
    let now = clock::now();
    let with = |index: &cargo_namespaces::name::IndexUrl, seconds, key: &cargo_namespaces::key::SecretKey| {
        let read = Read { index: index.clone(), at: now, expires_at: now.plus_seconds(seconds) };
        let request = Request::index_file(format!("https://{HOST}/index/hello.example/config.json"))
            .header("authorization", read.sign(key).to_header());
        client(&world).fetch_one(request).unwrap().status
    };
    let stranger = cargo_namespaces::key::SecretKey::generate().unwrap();
    let elsewhere = "sparse+https://crates.example/index/open.example/".parse().unwrap();
    assert_eq!(with(&author.index, 600, &author.key), 200);
    assert_eq!(with(&author.index, 600, &stranger), 403);
    assert_eq!(with(&author.index, 0, &author.key), 401, "it has ended");
    assert_eq!(with(&author.index, 100 * 3600, &author.key), 401, "nobody's token is good for days");
    assert_eq!(with(&elsewhere, 600, &author.key), 401, "it is for another index");
}
