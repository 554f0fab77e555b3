//! Crowds that mean to leave nothing to others: uploads by nobody and by strangers with domains of their own, bodies that need
//! no key, questions about domains that do not answer.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use cargo_namespaces::api::CheckRequest;
use cargo_namespaces::key::SecretKey;

use namespace_world::Stage;
use namespace_world::figures::Numbers;
use namespace_world::registry::{Answer, exchange};
use namespace_world::stage::{noise, publish_to};
use namespace_world::{Author, World};

/// What each connection announces: the largest .crate, with a few bytes of JSON.
const ARCHIVE: usize = 64 * 1024 * 1024 - 1024;
/// How much each sends as fast as it can; the rest follows by drops.
const AT_ONCE: usize = 60 * 1024 * 1024;
/// How long a crowd is there before anybody else comes.
const BEFORE: Duration = Duration::from_secs(4);
/// How long an honest publish may take meanwhile: it waits at most half a minute for memory.
const BOUND: Duration = Duration::from_secs(45);
/// A large crate of somebody honest.
const LARGE: usize = 8 * 1024 * 1024;

/// A crowd that uploads, and comes again when it is sent away.
struct Crowd<'a> {
    address: SocketAddr,
    over: &'a AtomicBool,
    /// Answers with an error.
    refused: &'a AtomicUsize,
}

impl Crowd<'_> {
    fn upload(&self, head: &str, begin: &[u8], at_once: usize, length: usize) {
        while !self.over.load(Ordering::SeqCst) {
            let _ = self.once(head, begin, at_once, length);
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn once(&self, head: &str, begin: &[u8], at_once: usize, length: usize) -> std::io::Result<()> {
        let mut stream = TcpStream::connect(self.address)?;
        write!(stream, "{head}Host: crates.example\r\nContent-Length: {length}\r\n\r\n")?;
        stream.write_all(begin)?;
        stream.set_nonblocking(true)?;
        let (block, mut sent, mut answer) = (vec![0; 1 << 16], begin.len(), [0; 1024]);
        while !self.over.load(Ordering::SeqCst) && sent < length {
            match stream.read(&mut answer) {
                Ok(_) => {
                    self.refused.fetch_add(1, Ordering::SeqCst);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            match stream.write(&block[..block.len().min(length - sent)]) {
                Ok(more) => sent += more,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(error) => return Err(error),
            }
            if sent > at_once {
                // Just fast enough not to be cut off.
                std::thread::sleep(Duration::from_millis(900));
            }
        }
        Ok(())
    }
}

/// The beginning of a publish: JSON and the length of the .crate.
fn frames(krate: &str) -> (Vec<u8>, usize) {
    let json = format!(r#"{{"name":"{krate}","vers":"1.0.0","deps":[],"features":{{}}}}"#);
    let length = |length: usize| u32::try_from(length).expect("a small frame").to_le_bytes();
    let begin = [&length(json.len())[..], json.as_bytes(), &length(ARCHIVE)].concat();
    let all = begin.len() + ARCHIVE;
    (begin, all)
}

/// Publishes small and large crates while a crowd is there; the figures begin with `name`.
fn others(stage: &Stage, name: &str, version: u32, numbers: &mut Numbers) {
    let (mut longest, begin) = (0_f64, stage.registry.memory_mib("VmHWM"));
    let publish = |version: String, filling: &[u8]| {
        let once = Instant::now();
        let answer = stage.publish(&version, filling).expect("the registry answers");
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
        assert!(once.elapsed() < BOUND, "{name}: a publish took {:?}", once.elapsed());
        once.elapsed().as_secs_f64() * 1000.0
    };
    for at in 0..5 {
        longest = longest.max(publish(format!("{version}.0.{at}"), b""));
    }
    numbers.put(&format!("{name}_longest_publish_ms"), longest);
    assert!(longest < 15_000.0, "{name}: a small one waits for no memory: {longest} ms");
    numbers.put(&format!("{name}_publish_8_mib_ms"), publish(format!("{version}.1.0"), &noise(LARGE)));
    numbers.put(&format!("{name}_memory_mib"), stage.registry.memory_mib("VmHWM"));
    numbers.put(&format!("{name}_memory_before_mib"), begin);
}

/// Five and fifty connections with a worthless statement, then fifty of strangers who own the domains that they sign for.
pub(super) fn uploads() -> Numbers {
    let stage = Stage::set("", &[]);
    stage.publishes("1.0.0");
    let nobody = Author::new("hello.example");
    let strangers: Vec<Author> = (0..10).map(|at| Author::new(&format!("stranger{at}.example"))).collect();
    for stranger in &strangers {
        stage.world.txt(stranger.namespace.as_str(), &[&stranger.record(stranger.namespace.as_str())]);
    }
    let mut numbers = Numbers::default();
    others(&stage, "alone", 9, &mut numbers);
    let worthless = |_: usize| (&nobody, "worthless".to_owned());
    let own = |at: usize| (&strangers[at % strangers.len()], format!("own-{at}"));
    crowd(&stage, "worthless_5", 5, worthless, 2, &mut numbers);
    crowd(&stage, "worthless_50", 50, worthless, 3, &mut numbers);
    crowd(&stage, "own_domains_50", 50, own, 4, &mut numbers);
    numbers
}

fn crowd<'a>(
    stage: &Stage,
    name: &str,
    many: usize,
    who: impl Fn(usize) -> (&'a Author, String),
    version: u32,
    numbers: &mut Numbers,
) {
    let (over, refused) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for at in 0..many {
            let (author, krate) = who(at);
            let token = author.publish_token(&krate, "1.0.0", b"not what is sent");
            let head = format!(
                "PUT /ns/{}/api/v1/crates/new HTTP/1.1\r\nAuthorization: {token}\r\n",
                author.namespace
            );
            let (begin, length) = frames(&krate);
            let crowd = Crowd { address: stage.address(), over: &over, refused: &refused };
            scope.spawn(move || crowd.upload(&head, &begin, AT_ONCE, length));
        }
        let end = End(&over);
        std::thread::sleep(BEFORE);
        others(stage, name, version, numbers);
        drop(end);
    });
    #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
    numbers.put(&format!("{name}_refused"), refused.load(Ordering::SeqCst) as f64);
}

/// Ends a crowd, also when what is tried meanwhile fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Two hundred bodies of almost 2 MiB where anybody may send one, none of which ends.
pub(super) fn questions() -> Numbers {
    let stage = Stage::set("", &[]);
    stage.publishes("1.0.0");
    let (over, refused) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut numbers = Numbers::default();
    std::thread::scope(|scope| {
        for _ in 0..200 {
            let crowd = Crowd { address: stage.address(), over: &over, refused: &refused };
            let head = "POST /api/v1/documents HTTP/1.1\r\n";
            scope.spawn(move || crowd.upload(head, b"", 1_900_000, 2_000_000));
        }
        let end = End(&over);
        std::thread::sleep(BEFORE);
        others(&stage, "questions_200", 2, &mut numbers);
        drop(end);
    });
    numbers
}

/// A port that takes connections and says nothing, at an address of its own.
fn silent(world: &World, stage: &Stage) {
    let config = std::fs::read_to_string(stage.registry.config()).expect("read the configuration");
    let port = config.lines().find_map(|line| line.strip_prefix("port = ")?.parse::<u16>().ok());
    let listener =
        TcpListener::bind(("127.0.0.2", port.expect("a port"))).expect("listen beside the forwarder");
    std::thread::spawn(move || {
        // Held, so that nobody hears that they are closed.
        let mut held = Vec::new();
        for client in listener.incoming().flatten() {
            held.push(client);
        }
    });
    world.dns_records("*.example", "A", &["127.0.0.2"]);
}

/// 96 questions of nobody about domains that do not answer, and as many by whoever signs; meanwhile somebody publishes.
pub(super) fn domains() -> Numbers {
    let stage = Stage::set("", &[]);
    stage.publishes("1.0.0");
    silent(&stage.world, &stage);
    let mut numbers = Numbers::default();
    let new = |krate: &str| {
        let archive = namespace_world::Archive::package(krate, "1.0.0").build();
        let token = stage.author.publish_token(krate, "1.0.0", &archive);
        let head = format!("PUT /ns/hello.example/api/v1/crates/new HTTP/1.1\r\nAuthorization: {token}");
        let begin = Instant::now();
        let body = namespace_world::registry::publish_body(krate, "1.0.0", &archive);
        let answer = exchange(stage.address(), &head, &body).expect("the registry answers");
        assert_eq!(answer.status, 200, "{}", answer.text());
        begin.elapsed()
    };
    numbers.put("alone_publish_ms", new("alone").as_secs_f64() * 1000.0);
    let check = |at: usize| {
        let key = SecretKey::generate().expect("there is randomness").public();
        let body = serde_json::to_vec(&CheckRequest { key, krate: None }).expect("a request serialises");
        let head = format!("POST /api/v1/namespace/slow{at}.example/check HTTP/1.1");
        exchange(stage.address(), &head, &body)
    };
    let (took, answers) = meanwhile(check, || new("amid-checks"));
    numbers.put("96_checks_publish_ms", took.as_secs_f64() * 1000.0);
    assert!(took < Duration::from_secs(3), "a publish waits for questions of nobody: {took:?}");
    let sent_away: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(sent_away.iter().all(|answer| answer.header("retry-after").is_some()));
    #[expect(clippy::cast_precision_loss, reason = "96")]
    numbers.put("96_checks_sent_away", sent_away.len() as f64);
    assert!(!sent_away.is_empty(), "one client has only so many domains asked");
    let publish = |at: usize| {
        let author = Author::new(&format!("slow{at}.example"));
        let token = author.publish_token("hello", "1.0.0", b"");
        let head = format!("PUT /ns/slow{at}.example/api/v1/crates/new HTTP/1.1\r\nAuthorization: {token}");
        exchange(stage.address(), &head, b"12345678")
    };
    let (took, _) = meanwhile(publish, || new("amid-publishes"));
    numbers.put("96_publishes_publish_ms", took.as_secs_f64() * 1000.0);
    assert!(
        took < Duration::from_secs(25),
        "of one client, one waits for the others, not for ever: {took:?}"
    );
    assert_eq!(publish_to(stage.address(), &stage.author, "1.0.1", b"").expect("an answer").status, 200);
    numbers
}

/// Asks 96 times at once, does something a moment later, and gathers the answers.
fn meanwhile(
    ask: impl Fn(usize) -> std::io::Result<Answer> + Sync,
    act: impl FnOnce() -> Duration,
) -> (Duration, Vec<Answer>) {
    std::thread::scope(|scope: &Scope<'_, '_>| {
        let ask = &ask;
        let asked: Vec<ScopedJoinHandle<'_, _>> = (0..96).map(|at| scope.spawn(move || ask(at))).collect();
        // Meanwhile what was known of the publisher's domain gets too old.
        std::thread::sleep(Duration::from_secs(3));
        let took = act();
        let answers = asked.into_iter().map(|one| one.join().expect("it does not panic"));
        (took, answers.flatten().collect())
    })
}
