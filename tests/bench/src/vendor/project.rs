//! The project that is vendored, and the commands that vendor it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::process::{Cost, timed};
use namespace_world::home::built;
use namespace_world::run;

/// Room that two vendored directories and the caches take.
const ROOM_KIB: u64 = 6 * 1024 * 1024;
/// A crate of the project of which there are many releases that fit.
const CHANGED: &str = "itoa";

/// The project with a warm `CARGO_HOME` of its own.
pub struct Bench {
    directory: TempDir,
    home: PathBuf,
}

impl Bench {
    /// Copies the project and has Cargo fetch everything.
    pub fn new() -> Self {
        let directory = match tmpfs() {
            Some(place) => tempfile::tempdir_in(place),
            None => tempfile::tempdir(),
        }
        .expect("make a directory");
        let home = directory.path().join("home");
        let bench = Self { directory, home };
        bench.copy_project();
        run(bench.cargo().args(["fetch", "--locked", "--quiet"])).success();
        bench
    }

    /// The same on a disk, with the same caches.
    pub fn on_disk(&self) -> Self {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
        let directory = tempfile::tempdir_in(place).expect("make a directory");
        let bench = Self { directory, home: self.home.clone() };
        bench.copy_project();
        bench
    }

    fn copy_project(&self) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("vendor");
        fs::create_dir_all(self.directory.path().join("src")).expect("make a directory");
        for file in ["Cargo.toml", "Cargo.lock", "src/main.rs"] {
            fs::copy(from.join(file), self.directory.path().join(file)).expect("copy the project");
        }
        // A directory on the disk lies below this workspace, whose member the project is not.
        let manifest = self.directory.path().join("Cargo.toml");
        let text = fs::read_to_string(&manifest).expect("read the project's manifest");
        fs::write(manifest, text + "\n[workspace]\n").expect("write the project's manifest");
    }

    /// As many lock files that differ in one package, the project's own first; their archives are fetched.
    pub fn locks(&self, count: usize) -> Vec<String> {
        let own = fs::read_to_string(self.directory.path().join("Cargo.lock")).expect("a lock file");
        let mut locks = vec![own.clone()];
        for patch in (0..40).rev() {
            if locks.len() == count {
                break;
            }
            let version = format!("1.0.{patch}");
            let update = ["update", "--quiet", "--package", CHANGED, "--precise", version.as_str()];
            if run(self.cargo().args(update)).status.success() {
                let lock = fs::read_to_string(self.directory.path().join("Cargo.lock")).expect("a lock file");
                if lock != own && !locks.contains(&lock) {
                    run(self.cargo().args(["fetch", "--locked", "--quiet"])).success();
                    locks.push(lock);
                }
            }
        }
        assert_eq!(locks.len(), count, "not enough releases of {CHANGED}");
        self.lock(&own);
        locks
    }

    /// Sets the lock file.
    pub fn lock(&self, text: &str) {
        fs::write(self.directory.path().join("Cargo.lock"), text).expect("write the lock file");
    }

    /// Removes a vendored directory.
    pub fn clear(&self, vendored: &str) {
        let _ = fs::remove_dir_all(self.directory.path().join(vendored));
    }

    /// Removes what our commands know.
    pub fn forget(&self) {
        let _ = fs::remove_dir_all(self.home.join("namespaces"));
    }

    /// Removes what our commands know of vendored directories.
    pub fn forget_directories(&self) {
        let _ = fs::remove_dir_all(self.home.join("namespaces/vendored"));
    }

    /// The archives.
    pub fn archives(&self) -> Vec<PathBuf> {
        let caches = fs::read_dir(self.home.join("registry/cache")).expect("Cargo has a cache");
        let files = caches.flat_map(|cache| fs::read_dir(cache.expect("a cache").path()).expect("list it"));
        files.map(|file| file.expect("an archive").path()).collect()
    }

    /// What it costs to ask Cargo whether the lock file fits, as our command does the first time.
    pub fn asking_cargo(&self) -> Cost {
        let target = self.directory.path().join("nothing-built");
        let _ = fs::remove_dir_all(&target);
        let mut command = self.cargo();
        command.args(["clean", "--locked", "--package", "bench-vendor", "--target-dir"]).arg(target);
        timed(&mut command)
    }

    /// A directory to write into.
    pub fn scratch(&self) -> PathBuf {
        self.directory.path().join("scratch")
    }

    /// The project.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// `cargo-nsvendor DIR`.
    pub fn nsvendor(&self, vendored: &str) -> Command {
        let mut command = self.isolated(Command::new(built("cargo-nsvendor")));
        command.args([vendored, "--locked", "--quiet"]);
        command
    }

    /// `cargo vendor DIR`.
    pub fn cargo_vendor(&self, vendored: &str) -> Command {
        let mut command = self.cargo();
        command.args(["vendor", vendored, "--locked", "--quiet"]);
        command
    }

    /// The same command with an empty `CARGO_HOME`.
    pub fn with_empty_home(&self, mut command: Command) -> Command {
        let home = self.directory.path().join("cold");
        let _ = fs::remove_dir_all(&home);
        command.env("CARGO_HOME", home);
        command
    }

    fn cargo(&self) -> Command {
        self.isolated(Command::new("cargo"))
    }

    /// A command in the project, with the bench's `CARGO_HOME` and nothing of the cargo that runs the bench.
    pub fn isolated(&self, mut command: Command) -> Command {
        // What the cargo that runs the bench tells its children.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CARGO") {
                command.env_remove(name);
            }
        }
        command.env("CARGO_HOME", &self.home).current_dir(self.directory.path());
        command
    }
}

/// A tmpfs with enough room.
fn tmpfs() -> Option<&'static Path> {
    let place = Path::new("/dev/shm");
    let output = Command::new("df").args(["--output=fstype,avail"]).arg(place).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (kind, available) = text.lines().nth(1)?.trim().split_once(' ')?;
    (kind == "tmpfs" && available.trim().parse::<u64>().ok()? >= ROOM_KIB).then_some(place)
}
