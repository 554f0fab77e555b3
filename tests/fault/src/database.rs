//! A database that is held by somebody else, and one whose files are gone for a while.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use namespace_world::Stage;
use namespace_world::figures::Numbers;
use namespace_world::programs;

/// Holds SQLite's write lock until its input ends.
const HOLD: &str = "import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute('BEGIN IMMEDIATE')
print('held', end='', flush=True)
sys.stdin.read()";

struct Holder(Child);

impl Holder {
    fn of(database: &Path) -> Self {
        let mut command = programs::daemon("python3");
        command.args(["-c", HOLD]).arg(database).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("start python");
        let mut word = [0; 4];
        child.stdout.take().expect("a pipe").read_exact(&mut word).expect("the lock is had");
        Self(child)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Somebody else begins to write and does not end: a backup script, a curious operator.
pub(super) fn locked() -> Numbers {
    let stage = Stage::set("", &[]);
    stage.publishes("1.0.0");
    let holder = Holder::of(&stage.world.root().join("registry/data/registry.db"));
    let begin = Instant::now();
    let mut numbers = Numbers::default();
    std::thread::scope(|scope| {
        let publish = scope.spawn(|| stage.publish("1.0.1", b"").expect("the registry answers"));
        numbers.put("database_locked_longest_read_ms", stage.longest_read(50));
        let answer = publish.join().expect("the publisher does not panic");
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.text().contains("nothing was changed"), "{}", answer.text());
    });
    let waited = begin.elapsed();
    assert!(waited < Duration::from_secs(30), "nobody waits for ever");
    assert_eq!(stage.agrees().len(), 1);
    drop(holder);
    let back = stage.publishes_again("1.0.1");
    assert_eq!(stage.agrees().len(), 2);
    numbers.put("database_locked_refused_after_ms", waited.as_secs_f64() * 1000.0);
    numbers.put("database_locked_back_after_ms", back.as_secs_f64() * 1000.0);
    numbers
}

/// The database's files are moved away under the registry, and moved back.
pub(super) fn gone() -> Numbers {
    let stage = Stage::set("", &[]);
    stage.publishes("1.0.0");
    let (data, away) = (stage.world.root().join("registry/data"), stage.world.root().join("away"));
    fs::create_dir_all(&away).expect("create a directory");
    shift(&data, &away);
    // What is open stays open; what must be opened anew cannot be: many at once need several connections.
    let (mut accepted, mut refused) = (vec!["1.0.0".to_owned()], 0);
    std::thread::scope(|scope| {
        let publish = |at: u32| {
            let version = format!("1.1.{at}");
            (stage.publish(&version, b"").expect("the registry answers"), version)
        };
        let threads: Vec<_> = (0..16).map(|at| scope.spawn(move || publish(at))).collect();
        for thread in threads {
            let (answer, version) = thread.join().expect("the publisher does not panic");
            match answer.status {
                200 => accepted.push(version),
                500..=599 => refused += 1,
                other => panic!("status {other}: {}", answer.text()),
            }
        }
    });
    let mut numbers = Numbers::default();
    numbers.put("database_gone_longest_read_ms", stage.longest_read(20));
    assert!(!data.join("registry.db").exists(), "nobody makes an empty one in its place");
    shift(&away, &data);
    let back = stage.publishes_again("1.2.0");
    accepted.push("1.2.0".to_owned());
    for version in &accepted {
        stage.appears(version);
    }
    let found = stage.agrees();
    assert!(
        accepted.iter().all(|version| found.contains(version)),
        "what was acknowledged is there: {found:?}"
    );
    numbers.put("database_gone_refused", f64::from(refused));
    numbers.put("database_gone_back_after_ms", back.as_secs_f64() * 1000.0);
    numbers
}

/// Moves the database and what belongs to it.
fn shift(from: &Path, to: &Path) {
    let files: Vec<PathBuf> =
        fs::read_dir(from).expect("read a directory").flatten().map(|entry| entry.path()).collect();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("registry.db") {
            fs::rename(&file, to.join(name)).expect("move a file");
        }
    }
}
