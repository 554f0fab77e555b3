//! What goes over the wire: forms and tags of index files, HTTP/2, and a certificate that is renewed.

use std::io::Read as _;
use std::time::{Duration, Instant};

use namespace_world::plain_http::exchange;
use namespace_world::registry::HOST;
use namespace_world::stage::Stage;
use namespace_world::{LiveRegistry, programs, run};

use super::world;

const INDEX: &str = "/index/hello.example/he/ll/hello";

#[test]
fn an_index_file_has_two_forms_and_a_tag_for_each() {
    let stage = Stage::set("", &[]);
    for version in ["1.0.0", "1.0.1", "1.0.2"] {
        stage.publishes(version);
    }
    let ask = |header: &str| {
        let head = format!("GET {INDEX} HTTP/1.1{header}");
        exchange(stage.address(), &head, b"").expect("the registry answers")
    };
    let plain = ask("");
    let packed = ask("\r\nAccept-Encoding: gzip");
    assert_eq!((plain.status, packed.status), (200, 200));
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    for answer in [&plain, &packed] {
        assert_eq!(answer.header("vary"), Some("accept-encoding"), "{}", answer.head);
    }
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut text).expect("it is gzip");
    assert_eq!(text, plain.body);
    let tags = [&plain, &packed].map(|answer| answer.header("etag").expect("it has a tag").to_owned());
    assert_ne!(tags[0], tags[1], "other bytes, another tag");
    for tag in &tags {
        let again = ask(&format!("\r\nAccept-Encoding: gzip\r\nIf-None-Match: {tag}"));
        assert_eq!((again.status, again.body.len()), (304, 0));
    }
    stage.publishes("1.0.3");
    assert_eq!(ask(&format!("\r\nIf-None-Match: {}", tags[0])).status, 200, "it has changed");
}

#[test]
fn curl_gets_http_2_over_its_own_tls() {
    let (world, _) = world();
    let registry = LiveRegistry::start(&world, "");
    let port = registry.address().port();
    let mut curl = world.command(programs::find("curl"));
    curl.args(["--silent", "--show-error", "--http2", "--output", "/dev/null"]);
    curl.args(["--write-out", "%{http_version} %{http_code}", "--cacert"]).arg(world.authority().bundle());
    curl.args(["--noproxy", "*", "--resolve", &format!("{HOST}:{port}:127.0.0.1")]);
    curl.arg(format!("https://{HOST}:{port}/index/hello.example/config.json"));
    run(&mut curl).success().stdout_has("2 200");
}

#[test]
fn a_renewed_certificate_needs_no_restart() {
    let (world, _) = world();
    let registry = LiveRegistry::start(&world, "");
    let shown = || {
        let mut client = world.command(programs::find("openssl"));
        client.args(["s_client", "-connect", &registry.address().to_string(), "-servername", HOST]);
        let output = run(&mut client).stdout;
        let begin = output.find("-----BEGIN CERTIFICATE").expect("it shows a certificate");
        output[begin..output.find("-----END CERTIFICATE").expect("a whole one")].to_owned()
    };
    let becomes = |right: &dyn Fn() -> bool| {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !right() {
            assert!(Instant::now() < deadline, "{}", registry.log());
            std::thread::sleep(Duration::from_millis(200));
        }
    };
    let first = shown();
    let renewed = world.authority().certify("registry", &[HOST.to_owned()]);
    becomes(&|| shown() != first);
    let second = shown();
    std::fs::write(&renewed.chain, "half a cert").expect("write a broken certificate");
    becomes(&|| registry.log().contains("the old one stays in use"));
    assert_eq!(shown(), second, "a broken file changes nothing");
}
