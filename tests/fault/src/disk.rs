//! A disk that is full, and a directory that may not be written.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use namespace_world::figures::Numbers;
use namespace_world::programs;
use namespace_world::{Need, Stage, require};

/// Mounts a small file system over the data directory, for the registry alone, and runs what follows.
const SMALL_DISK: [&str; 7] = [
    "unshare",
    "--mount",
    "--user",
    "--map-root-user",
    "sh",
    "-c",
    "mount -t tmpfs -o size=16m tmpfs '@DATA' && exec \"$0\" \"$@\"",
];
/// By how much the disk is freed at a time: more than a refused publish leaves staged, and little enough that the disk is
/// full again at several steps of a publish.
const STEP: u64 = 12 * 1024;
/// How often; SQLite's log takes most of what is freed.
const STEPS: u32 = 60;

/// Fills the disk, publishes in vain, frees it bit by bit with a publish after each.
pub(super) fn full() -> Numbers {
    let mut numbers = Numbers::default();
    if !require(Need::Mount) {
        return numbers;
    }
    let stage = Stage::set("", &SMALL_DISK);
    stage.publishes("1.0.0");
    let filler = stage.data().join("filler");
    fill(&filler);
    let refused = stage.publish("1.0.1", b"").expect("the registry answers");
    assert_eq!(refused.status, 507, "{}", refused.text());
    assert!(refused.text().contains("the registry's disk is full"), "{}", refused.text());
    numbers.put("full_disk_longest_read_ms", stage.longest_read(20));
    assert_eq!(stage.agrees().len(), 1, "what was refused is nowhere, and what is there can be read");
    let (mut refused, mut recorded, mut accepted) = (1, Vec::new(), vec!["1.0.0".to_owned()]);
    let mut size = fs::metadata(&filler).expect("the filler is there").len();
    for at in 0..STEPS {
        size = size.saturating_sub(STEP);
        let file = fs::File::options().write(true).open(&filler).expect("open the filler");
        file.set_len(size).expect("free a little");
        let version = format!("2.0.{at}");
        let answer = stage.publish(&version, b"").expect("the registry answers");
        match answer.status {
            200 => accepted.push(version),
            503 | 507 if answer.text().contains("\"recorded\"") => recorded.push(version),
            503 | 507 => refused += 1,
            other => panic!("status {other}: {}", answer.text()),
        }
        stage.whole();
        if accepted.len() > 1 {
            break;
        }
    }
    fs::remove_file(&filler).expect("free the disk");
    for version in &recorded {
        stage.appears(version);
    }
    let back = stage.publishes_again("3.0.0");
    accepted.push("3.0.0".to_owned());
    accepted.extend(recorded.iter().cloned());
    let expected = accepted.iter().cloned().collect();
    assert_eq!(stage.agrees(), expected, "what was acknowledged, and nothing that was refused");
    numbers.put("full_disk_refused", f64::from(refused));
    #[expect(clippy::cast_precision_loss, reason = "a handful of publishes")]
    numbers.put("full_disk_recorded_and_finished_later", recorded.len() as f64);
    numbers.put("full_disk_back_after_ms", back.as_secs_f64() * 1000.0);
    numbers
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).expect("create the filler");
    for block in [1 << 20, 4096, 1] {
        while file.write(&vec![1; block]).is_ok_and(|written| written > 0) {}
    }
}

/// Takes the write permission of the objects' directories away, and gives it back.
pub(super) fn read_only() -> Numbers {
    // Root writes everywhere, unless it is denied that.
    let root = programs::command("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    let humble = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"];
    let stage = Stage::set("", if root { &humble } else { &[] });
    stage.publishes("1.0.0");
    let objects = stage.world.root().join("registry/data/objects");
    permit(&objects, 0o555);
    let mut refused = 0;
    for at in 0..3 {
        let answer = stage.publish(&format!("1.1.{at}"), b"").expect("the registry answers");
        assert_eq!(answer.status, 503, "{}", answer.text());
        assert!(answer.text().contains("nothing was changed"), "{}", answer.text());
        refused += 1;
    }
    let mut numbers = Numbers::default();
    numbers.put("read_only_longest_read_ms", stage.longest_read(20));
    assert_eq!(stage.agrees().len(), 1);
    assert!(
        stage.registry.log().contains("ermission denied"),
        "the operator is told why: {}",
        stage.registry.log()
    );
    permit(&objects, 0o755);
    let back = stage.publishes_again("1.1.0");
    assert!(back < Duration::from_secs(5));
    assert_eq!(stage.agrees().len(), 2);
    numbers.put("read_only_refused", f64::from(refused));
    numbers.put("read_only_back_after_ms", back.as_secs_f64() * 1000.0);
    numbers
}

/// Sets the mode of a directory and all below it.
fn permit(directory: &Path, mode: u32) {
    let set = |mode| fs::set_permissions(directory, fs::Permissions::from_mode(mode)).expect("set a mode");
    set(0o755);
    for entry in fs::read_dir(directory).expect("read a directory").flatten() {
        if entry.path().is_dir() {
            permit(&entry.path(), mode);
        }
    }
    set(mode);
}
