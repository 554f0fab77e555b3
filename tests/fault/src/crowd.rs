//! Ten thousand connections that do nothing.

use std::net::TcpStream;
use std::time::Instant;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use namespace_world::Stage;
use namespace_world::figures::Numbers;

const CROWD: usize = 10_000;
/// Descriptors of this process beside them.
const SPARE: usize = 500;

/// Opens them, and asks with one more. The registry starts with the usual limit of 1024 files, and raises it itself.
pub(super) fn idle() -> Numbers {
    let stage = Stage::set("", &["sh", "-c", "ulimit -Sn 1024 && exec \"$0\" \"$@\""]);
    stage.publishes("1.0.0");
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("raise the limit");
    let most = maximum.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let crowd = CROWD.min(most.saturating_sub(SPARE));
    let before = stage.registry.memory_mib("VmRSS");
    let begin = Instant::now();
    let connect = |_| TcpStream::connect(stage.address()).expect("one more connection");
    let connections: Vec<TcpStream> = (0..crowd).map(connect).collect();
    let mut numbers = Numbers::default();
    #[expect(clippy::cast_precision_loss, reason = "ten thousand")]
    numbers.put("idle_connections", crowd as f64);
    numbers.put("idle_connecting_ms", begin.elapsed().as_secs_f64() * 1000.0);
    let read = stage.longest_read(50);
    numbers.put("idle_longest_read_ms", read);
    let once = Instant::now();
    stage.publishes("1.0.1");
    numbers.put("idle_publish_ms", once.elapsed().as_secs_f64() * 1000.0);
    let after = stage.registry.memory_mib("VmRSS");
    numbers.put("idle_memory_mib", after);
    #[expect(clippy::cast_precision_loss, reason = "ten thousand")]
    numbers.put("idle_kib_each", (after - before) * 1024.0 / crowd as f64);
    assert!(read < 1000.0, "a new request is answered at once: {read} ms");
    assert!(after - before < 200.0, "{} MiB for connections that do nothing", after - before);
    drop(connections);
    stage.publishes("1.0.2");
    numbers
}
