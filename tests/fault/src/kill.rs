//! `kill -9` in a loop, during concurrent publishes.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use namespace_world::Stage;
use namespace_world::figures::Numbers;
use namespace_world::stage::publish_to;

const ROUNDS: u64 = 8;
const PUBLISHERS: usize = 4;

/// After each kill: what was acknowledged is there, and what is there is whole, in the index file and in the rows alike.
#[expect(clippy::cast_precision_loss, reason = "a few thousand publishes")]
pub(super) fn nine() -> Numbers {
    let mut stage = Stage::set("", &[]);
    stage.publishes("1.0.0");
    let next = AtomicUsize::new(1);
    let acknowledged = Mutex::new(BTreeSet::from(["1.0.0".to_owned()]));
    let mut found = BTreeSet::new();
    for round in 0..ROUNDS {
        let (address, stop) = (stage.address(), AtomicBool::new(false));
        let Stage { registry, author, world } = &mut stage;
        let author = &*author;
        std::thread::scope(|scope| {
            for _ in 0..PUBLISHERS {
                scope.spawn(|| {
                    while !stop.load(Ordering::SeqCst) {
                        let version = format!("1.0.{}", next.fetch_add(1, Ordering::SeqCst));
                        if publish_to(address, author, &version, b"").is_ok_and(|answer| answer.status == 200)
                        {
                            acknowledged.lock().expect("nobody panics").insert(version);
                        } else {
                            std::thread::sleep(Duration::from_millis(5));
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(150 + 37 * round));
            registry.kill_and_restart(world);
            stop.store(true, Ordering::SeqCst);
        });
        found = stage.agrees();
        let lost: Vec<String> =
            acknowledged.lock().expect("nobody panics").difference(&found).cloned().collect();
        assert!(lost.is_empty(), "acknowledged, and lost: {lost:?}");
    }
    let mut numbers = Numbers::default();
    numbers.put("kill_9_kills", ROUNDS as f64);
    numbers.put("kill_9_tried", next.into_inner() as f64);
    numbers.put("kill_9_acknowledged", acknowledged.into_inner().expect("nobody panics").len() as f64);
    numbers.put("kill_9_found_in_index_and_rows", found.len() as f64);
    numbers
}
