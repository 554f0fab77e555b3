//! Requests as no client of ours sends them, over HTTP to the real command: what they are refused with, and that nothing
//! was changed.

mod archives;
mod names;
mod page;
mod signed;

use namespace_world::Author;
use namespace_world::registry::{Answer, exchange};
use namespace_world::stage::Stage;

/// The answer has this status, and says this.
#[track_caller]
fn says(answer: &Answer, status: u16, text: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    // In JSON a quotation mark has a backslash before it; none is looked for here.
    assert!(answer.text().contains(text), "{text:?} is not in: {}", answer.text());
}

fn post(stage: &Stage, path: &str, body: &impl serde::Serialize) -> Answer {
    let body = serde_json::to_vec(body).expect("a request serialises");
    exchange(stage.address(), &format!("POST {path} HTTP/1.1"), &body).expect("the registry answers")
}

/// Sends a .crate with this JSON beside it, signed for these bytes.
fn put(stage: &Stage, author: &Author, krate: &str, version: &str, json: &str, archive: &[u8]) -> Answer {
    let token = author.publish_token(krate, version, archive);
    let head = format!("PUT /ns/{}/api/v1/crates/new HTTP/1.1\r\nAuthorization: {token}", author.namespace);
    let mut body = Vec::new();
    for part in [json.as_bytes(), archive] {
        body.extend(u32::try_from(part.len()).expect("a small part").to_le_bytes());
        body.extend(part);
    }
    exchange(stage.address(), &head, &body).expect("the registry answers")
}

fn json(krate: &str, version: &str) -> String {
    format!(r#"{{"name":"{krate}","vers":"{version}","deps":[],"features":{{}}}}"#)
}
