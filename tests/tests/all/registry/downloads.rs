//! Parts of a .crate, by curl.

use namespace_world::registry::exchange;
use namespace_world::stage::{Stage, noise};
use namespace_world::{Output, programs, run};

const CRATE: &str = "/index/hello.example/crates/hello/hello-1.0.0.crate";

fn stage() -> (Stage, Vec<u8>) {
    let stage = Stage::set("", &[]);
    let published = stage.publish("1.0.0", &noise(300_000)).expect("the registry answers");
    assert_eq!(published.status, 200, "{}", published.text());
    let whole = stage.get(CRATE);
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    (stage, whole.body)
}

fn curl(stage: &Stage, arguments: &[&str]) -> Output {
    let mut curl = stage.world.command(programs::find("curl"));
    curl.args(["--silent", "--show-error", "--noproxy", "*", "--write-out", "%{http_code}"]).args(arguments);
    run(curl.arg(format!("http://{}{CRATE}", stage.address())))
}

#[test]
fn curl_fetches_parts_of_a_crate() {
    let (stage, whole) = stage();
    let file = stage.world.root().join("part.crate");
    let path = file.display().to_string();
    let size = whole.len();
    for (range, part) in
        [("0-0", 0..1), ("100-199999", 100..200_000), ("250000-", 250_000..size), ("-10", size - 10..size)]
    {
        curl(&stage, &["-r", range, "--output", &path]).success().stdout_has("206");
        assert!(std::fs::read(&file).expect("curl wrote it") == whole[part], "{range}");
    }
    curl(&stage, &["-r", "9999999-", "--output", &path]).success().stdout_has("416");
    curl(&stage, &["--head", "-r", "0-9"]).success().stdout_has("200");
}

#[test]
fn a_download_that_broke_off_goes_on() {
    let (stage, whole) = stage();
    let file = stage.world.root().join("hello-1.0.0.crate");
    std::fs::write(&file, &whole[..123_456]).expect("write the first part");
    let path = file.display().to_string();
    curl(&stage, &["-C", "-", "--output", &path]).success().stdout_has("206");
    assert!(std::fs::read(&file).expect("curl wrote it") == whole, "the parts fit together");
}

#[test]
fn a_part_says_where_it_is_and_of_what() {
    let (stage, whole) = stage();
    let ask = |headers: &str| {
        exchange(stage.address(), &format!("GET {CRATE} HTTP/1.1\r\n{headers}"), b"").expect("an answer")
    };
    let size = whole.len();
    let part = ask("Range: bytes=10-19");
    assert_eq!((part.status, &part.body[..]), (206, &whole[10..20]));
    assert_eq!(part.header("content-range"), Some(format!("bytes 10-19/{size}").as_str()));
    assert_eq!(part.header("content-length"), Some("10"));
    let tag = part.header("etag").expect("it has a tag").to_owned();
    assert_eq!(ask(&format!("Range: bytes=10-19\r\nIf-Range: {tag}")).status, 206);
    let other = ask("Range: bytes=10-19\r\nIf-Range: \"another\"");
    assert_eq!((other.status, other.body.len()), (200, size), "it goes on with something else");
    assert_eq!(ask(&format!("Range: bytes=10-19\r\nIf-None-Match: {tag}")).status, 304);
    assert_eq!(ask("Range: bytes=0-1,4-5").body.len(), size, "several parts are the whole");
    let beyond = ask(&format!("Range: bytes={size}-"));
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, Some(format!("bytes */{size}").as_str()))
    );
    let text = String::from_utf8_lossy(&beyond.body);
    assert!(text.contains(&format!("the file has {size} bytes")), "{text}");
}
