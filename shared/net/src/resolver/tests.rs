//! What needs no signed zones; those are in the test world, against a real name server.

use std::net::UdpSocket;
use std::sync::Mutex;

use hickory_resolver::proto::op::{MessageType, ResponseCode};
use hickory_resolver::proto::rr::Record;
use hickory_resolver::proto::rr::rdata::{CNAME, TXT};

use super::*;
use crate::client::{self, Request, Response, TransportError, TransportErrorKind};

/// A DoH service that answers each name from a table.
struct Doh {
    answer: fn(&mut Message),
    asked: Mutex<Vec<Request>>,
}

impl Doh {
    fn new(answer: fn(&mut Message)) -> Self {
        Self { answer, asked: Mutex::default() }
    }
}

impl Transport for Doh {
    fn fetch_each(&self, requests: Vec<Request>, done: &mut dyn FnMut(usize, client::Outcome)) {
        for (at, request) in requests.into_iter().enumerate() {
            let client::Method::Post { content_type, body } = &request.method else { panic!("not a POST") };
            assert_eq!(*content_type, "application/dns-message");
            let mut message = Message::from_vec(body).unwrap();
            assert_eq!(message.metadata.id, 0);
            message.metadata.message_type = MessageType::Response;
            (self.answer)(&mut message);
            done(at, Ok(Response::in_memory(&request.url, 200, message.to_vec().unwrap())));
            self.asked.lock().unwrap().push(request);
        }
    }
}

fn resolver(setting: ResolverSetting) -> Resolver {
    Resolver { setting, trust_anchor: None, dev: None, offline: false, ready: OnceLock::new() }
}

fn over_doh(transport: &dyn Transport) -> TxtOutcome {
    resolver(ResolverSetting::Doh("https://dns.corp.example/dns-query".to_owned()))
        .lookup_txt(&["serde.rs".to_owned()], transport)
        .remove(0)
}

fn name(text: &str) -> Name {
    parse_name(text).unwrap()
}

fn txt(owner: &str, texts: &[&str]) -> Record {
    let strings = texts.iter().map(|text| (*text).to_owned()).collect();
    Record::from_rdata(name(owner), 60, RData::TXT(TXT::new(strings)))
}

#[test]
fn a_doh_answer_is_believed() {
    let doh = Doh::new(|message| {
        message.answers.push(txt("serde.rs", &["sha256-abc", "def"]));
        message.answers.push(txt("other.example", &["not asked for"]));
    });
    let strings = vec![b"sha256-abc".to_vec(), b"def".to_vec()];
    assert_eq!(over_doh(&doh), TxtOutcome::Records(vec![TxtRecord(strings)]));
    assert_eq!(doh.asked.lock().unwrap()[0].url, "https://dns.corp.example/dns-query");
}

#[test]
fn a_doh_answer_may_lead_through_aliases() {
    let doh = Doh::new(|message| {
        let alias = RData::CNAME(CNAME(name("records.example")));
        message.answers.push(Record::from_rdata(name("serde.rs"), 60, alias));
        message.answers.push(txt("records.example", &["here"]));
    });
    assert_eq!(over_doh(&doh), TxtOutcome::Records(vec![TxtRecord::single("here")]));
}

#[test]
fn over_doh_too_no_answer_is_not_a_no() {
    assert_eq!(over_doh(&Doh::new(|_| {})), TxtOutcome::Absent);
    let missing = Doh::new(|message| message.metadata.response_code = ResponseCode::NXDomain);
    assert_eq!(over_doh(&missing), TxtOutcome::Absent);
    let broken = Doh::new(|message| message.metadata.response_code = ResponseCode::ServFail);
    assert!(matches!(over_doh(&broken), TxtOutcome::Failed(_)));
    let other = Doh::new(|message| message.queries[0].name = name("other.example"));
    assert!(matches!(over_doh(&other), TxtOutcome::Failed(_)));
}

struct Down;

impl Transport for Down {
    fn fetch_each(&self, requests: Vec<Request>, done: &mut dyn FnMut(usize, client::Outcome)) {
        for (at, request) in requests.iter().enumerate() {
            done(at, Err(TransportError::new(TransportErrorKind::Timeout, &request.url, "")));
        }
    }
}

#[test]
fn a_doh_service_that_is_down_is_a_failure() {
    let TxtOutcome::Failed(reason) = over_doh(&Down) else { panic!("not a failure") };
    assert!(reason.contains("dns.corp.example"), "{reason}");
}

#[test]
fn a_server_that_says_nothing_is_a_failure_in_time() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let resolver = resolver(ResolverSetting::Server(silent.local_addr().unwrap()));
    let started = Instant::now();
    let names = ["serde.rs".to_owned(), "_cargo-namespace.serde.rs".to_owned()];
    let outcomes = resolver.lookup_txt(&names, &Down);
    assert!(outcomes.iter().all(|outcome| matches!(outcome, TxtOutcome::Failed(_))), "{outcomes:?}");
    assert!(started.elapsed() < limits::DNS_TIMEOUT + Duration::from_secs(1));
}

#[test]
fn an_answer_to_another_question_is_passed_over() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((length, from)) = server.recv_from(&mut buffer) {
            let mut message = Message::from_vec(&buffer[..length]).unwrap();
            message.metadata.message_type = MessageType::Response;
            let right = message.to_vec().unwrap();
            message.metadata.id = message.metadata.id.wrapping_add(1);
            message.answers.push(txt("serde.rs", &["forged"]));
            server.send_to(&message.to_vec().unwrap(), from).unwrap();
            server.send_to(&right, from).unwrap();
        }
    });
    let resolver = resolver(ResolverSetting::Server(address));
    let outcome = resolver.lookup_txt(&["serde.rs".to_owned()], &Down).remove(0);
    // The right answer is empty and unsigned: it cannot be validated, and the forged one is not looked at.
    let TxtOutcome::Failed(reason) = outcome else { panic!("{outcome:?}") };
    assert!(reason.contains("does not pass on DNSSEC signatures"), "{reason}");
}

#[test]
fn offline_nothing_is_asked() {
    let resolver = Resolver { offline: true, ..resolver(ResolverSetting::System) };
    let outcome = resolver.lookup_txt(&["serde.rs".to_owned()], &Down).remove(0);
    assert_eq!(outcome, TxtOutcome::Failed("the command runs offline".to_owned()));
    assert!(resolver.ready.get().is_none());
}

#[test]
fn a_bad_trust_anchor_is_named() {
    let setting = ResolverSetting::Server("127.0.0.1:9".parse().unwrap());
    let resolver = Resolver { trust_anchor: Some("/nowhere/root.key".into()), ..resolver(setting) };
    let TxtOutcome::Failed(reason) = resolver.lookup_txt(&["serde.rs".to_owned()], &Down).remove(0) else {
        panic!("not a failure")
    };
    assert!(reason.contains("the trust anchor `/nowhere/root.key` cannot be read"), "{reason}");
}
