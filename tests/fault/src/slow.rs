//! Clients that hold a connection with as little as they can: heads and bodies by drops, answers that nobody reads.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use namespace_world::Archive;
use namespace_world::Stage;
use namespace_world::figures::Numbers;
use namespace_world::stage::noise;

/// Of each kind.
const MANY: usize = 100;
/// Between two drops.
const DROP: Duration = Duration::from_millis(500);
/// When all of them must have been cut off: half a minute is what they get, and something for a loaded machine.
const CUT: Duration = Duration::from_secs(45);
/// How much later that may be for those who read nothing, since the kernels of both sides fill up first.
const LATER: Duration = Duration::from_secs(15);
/// The size of the .crate that nobody reads: more than the buffers of the two kernels hold.
const LARGE: usize = 24 * 1024 * 1024;

struct Dripping {
    stream: TcpStream,
    drop: &'static [u8],
    answer: Vec<u8>,
    ended: Option<Duration>,
}

impl Dripping {
    fn new(address: SocketAddr, begin: &str, drop: &'static [u8]) -> Self {
        let mut stream = TcpStream::connect(address).expect("connect");
        stream.write_all(begin.as_bytes()).expect("send the beginning");
        stream.set_nonblocking(true).expect("do not wait");
        Self { stream, drop, answer: Vec::new(), ended: None }
    }

    /// Sends a drop, and looks whether it was cut off.
    fn drip(&mut self, since: Instant) {
        if self.ended.is_some() {
            return;
        }
        let mut buffer = [0; 4096];
        // Whoever reads nothing has nothing to send either, and finds out at the end.
        let ended = match self.stream.read(&mut buffer) {
            Ok(0) => true,
            Ok(length) => {
                self.answer.extend(&buffer[..length]);
                false
            }
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        let broken = self.stream.write(self.drop).is_err_and(|error| error.kind() != ErrorKind::WouldBlock);
        if ended || broken {
            self.ended = Some(since.elapsed());
        }
    }
}

/// All kinds at once, while others publish and read.
pub(super) fn clients() -> Numbers {
    let stage = Stage::set("", &[]);
    stage.publishes("1.0.0");
    let large = stage.publish("1.0.1", &noise(LARGE)).expect("the registry answers");
    assert_eq!(large.status, 200, "{}", large.text());
    let before = stage.registry.memory_mib("VmRSS");
    let archive = Archive::package("hello", "9.0.0").build();
    let token = stage.author.publish_token("hello", "9.0.0", &archive);
    let heads = "GET / HTTP/1.1\r\nHost: crates.example\r\nx-slow: ";
    // The first four bytes of each body say how long its JSON is: one that cannot be true is refused at once.
    let bodies = format!(
        "PUT /ns/hello.example/api/v1/crates/new HTTP/1.1\r\nHost: crates.example\r\nAuthorization: {token}\r\n\
         Content-Length: 65000\r\n\r\n\0\x10\0\0"
    );
    let questions = "POST /api/v1/owners HTTP/1.1\r\nHost: crates.example\r\nContent-Length: 65000\r\n\r\n";
    let reads =
        "GET /index/hello.example/crates/hello/hello-1.0.1.crate HTTP/1.1\r\nHost: crates.example\r\n\r\n";
    let begin = Instant::now();
    let address = stage.address();
    let many = |text: &str, drop| -> Vec<Dripping> {
        (0..MANY).map(|_| Dripping::new(address, text, drop)).collect()
    };
    let mut dripping = [many(heads, b"x"), many(&bodies, b"x"), many(questions, b"x")];
    let unread: Vec<TcpStream> = many(reads, b"").into_iter().map(|client| client.stream).collect();
    let (mut longest, mut most, mut version) = (0_f64, before, 0);
    while begin.elapsed() < CUT && dripping.iter().flatten().any(|client| client.ended.is_none()) {
        dripping.iter_mut().flatten().for_each(|client| client.drip(begin));
        let once = Instant::now();
        stage.publishes(&format!("2.0.{version}"));
        longest = longest.max(once.elapsed().as_secs_f64() * 1000.0);
        version += 1;
        most = most.max(stage.registry.memory_mib("VmRSS"));
        std::thread::sleep(DROP);
    }
    let mut numbers = Numbers::default();
    for (kind, clients) in ["head", "body", "question"].iter().zip(&dripping) {
        let last =
            clients.iter().map(|client| client.ended.unwrap_or(Duration::MAX)).max().unwrap_or_default();
        assert!(last < CUT, "a client that drips its {kind} is cut off");
        numbers.put(&format!("slow_{kind}_cut_after_s"), last.as_secs_f64());
    }
    let told = dripping[1].iter().filter(|client| String::from_utf8_lossy(&client.answer).contains(" 408 "));
    assert_eq!(told.count(), MANY, "who sends a body is told why");
    // Their half minute began later, with the last bytes that the kernel took for them.
    std::thread::sleep((CUT + LATER).saturating_sub(begin.elapsed()));
    let whole = unread.iter().filter(|stream| drained(stream) >= LARGE).count();
    assert_eq!(whole, 0, "whoever reads nothing for half a minute gets nothing more");
    numbers.put("slow_longest_publish_of_others_ms", longest);
    numbers.put("slow_memory_grown_mib", most - before);
    assert!(longest < 2000.0, "others are served: {longest} ms");
    assert!(most - before < 64.0, "{} MiB for {} clients", most - before, 4 * MANY);
    numbers
}

/// Bytes that still come out of a connection.
fn drained(mut stream: &TcpStream) -> usize {
    stream.set_nonblocking(false).expect("wait again");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("set a deadline");
    let (mut buffer, mut sum) = (vec![0; 1 << 20], 0);
    while let Ok(length) = stream.read(&mut buffer) {
        sum += length;
        if length == 0 || sum >= LARGE {
            break;
        }
    }
    sum
}
