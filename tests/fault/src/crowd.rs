//! Ten thousand connections that do nothing.

use std::net::TcpStream;
use std::time::Instant;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use namespace_world::figures::Numbers;
use namespace_world::{Need, Stage, require};

const CROWD: u32 = 10_000;

/// Opens them, and asks with one more. The registry starts with the usual limit of 1024 files, and raises it itself.
pub(super) fn idle() -> Numbers {
    let mut numbers = Numbers::default();
    if !require(Need::OpenFiles) {
        return numbers;
    }
    let stage = Stage::set("", &["sh", "-c", "ulimit -Sn 1024 && exec \"$0\" \"$@\""]);
    stage.publishes("1.0.0");
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("raise the limit");
    let before = stage.registry.memory_mib("VmRSS");
    let begin = Instant::now();
    let connect = |_| TcpStream::connect(stage.address()).expect("one more connection");
    let connections: Vec<TcpStream> = (0..CROWD).map(connect).collect();
    numbers.put("idle_connections", f64::from(CROWD));
    numbers.put("idle_connecting_ms", begin.elapsed().as_secs_f64() * 1000.0);
    let read = stage.longest_read(50);
    numbers.put("idle_longest_read_ms", read);
    let once = Instant::now();
    stage.publishes("1.0.1");
    numbers.put("idle_publish_ms", once.elapsed().as_secs_f64() * 1000.0);
    let after = stage.registry.memory_mib("VmRSS");
    numbers.put("idle_memory_mib", after);
    numbers.put("idle_kib_each", (after - before) * 1024.0 / f64::from(CROWD));
    assert!(read < 1000.0, "a new request is answered at once: {read} ms");
    assert!(after - before < 200.0, "{} MiB for connections that do nothing", after - before);
    drop(connections);
    stage.publishes("1.0.2");
    numbers
}
