//! A real Secret Service: gnome-keyring in a D-Bus session of its own.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::programs;
use crate::world::World;

/// A running D-Bus session with an unlocked keyring; both killed when dropped. While it lives the world's commands see it.
#[derive(Debug)]
pub struct Keyring {
    bus: Child,
    daemon: Child,
    address: String,
}

impl Keyring {
    /// Starts both, and puts the session's address into the environment of the world's commands.
    ///
    /// # Panics
    ///
    /// When a program is missing or the keyring does not come up.
    #[must_use]
    pub fn start(world: &World) -> Self {
        let directory = world.root().join("keyring");
        fs::create_dir_all(&directory).expect("create the keyring's directory");
        let socket = directory.join("bus");
        let config = directory.join("session.conf");
        fs::write(&config, bus_config(&socket)).expect("write the D-Bus configuration");
        let log = fs::File::create(directory.join("log")).expect("create the keyring's log");
        let bus = programs::daemon("dbus-daemon")
            .arg("--nofork")
            .arg(format!("--config-file={}", config.display()))
            .env_clear()
            .envs(world.environment())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("share the log"))
            .stderr(log.try_clone().expect("share the log"))
            .spawn()
            .expect("start dbus-daemon");
        wait_for("dbus-daemon", &directory.join("log"), || socket.exists());
        let address = format!("unix:path={}", socket.display());
        let mut daemon = programs::daemon("gnome-keyring-daemon")
            .args(["--foreground", "--unlock", "--components=secrets"])
            .env_clear()
            .envs(world.environment())
            .env("DBUS_SESSION_BUS_ADDRESS", &address)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("share the log"))
            .stderr(log)
            .spawn()
            .expect("start gnome-keyring-daemon");
        let mut stdin = daemon.stdin.take().expect("standard input is a pipe");
        stdin.write_all(b"test password").expect("give the keyring its password");
        drop(stdin);
        let keyring = Self { bus, daemon, address };
        wait_for("gnome-keyring-daemon", &directory.join("log"), || keyring.is_unlocked());
        world.set_env("DBUS_SESSION_BUS_ADDRESS", &keyring.address);
        keyring
    }

    /// The session's address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether the default collection is there and unlocked, asked over D-Bus.
    #[must_use]
    pub fn is_unlocked(&self) -> bool {
        let answer = self
            .busctl(&["get-property", "org.freedesktop.secrets", "/org/freedesktop/secrets/aliases/default"])
            .args(["org.freedesktop.Secret.Collection", "Locked"])
            .output()
            .expect("start busctl");
        answer.stdout.starts_with(b"b false")
    }

    /// The labels of everything in the default collection.
    ///
    /// # Panics
    ///
    /// When the keyring does not answer.
    #[must_use]
    pub fn items(&self) -> Vec<String> {
        let collection = "/org/freedesktop/secrets/aliases/default";
        let items = self.property(collection, "org.freedesktop.Secret.Collection", "Items");
        let paths = items.split('"').filter(|word| word.starts_with('/'));
        paths.map(|path| self.property(path, "org.freedesktop.Secret.Item", "Label")).collect()
    }

    /// Locks the default collection: a command then has to ask, and nobody answers.
    ///
    /// # Panics
    ///
    /// When the keyring does not answer.
    pub fn lock(&self) {
        let answer = self
            .busctl(&[
                "call",
                "org.freedesktop.secrets",
                "/org/freedesktop/secrets",
                "org.freedesktop.Secret.Service",
            ])
            .args(["Lock", "ao", "1", "/org/freedesktop/secrets/aliases/default"])
            .output()
            .expect("start busctl");
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    }

    fn property(&self, path: &str, interface: &str, name: &str) -> String {
        let answer = self
            .busctl(&["get-property", "org.freedesktop.secrets", path, interface, name])
            .output()
            .expect("start busctl");
        assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
        String::from_utf8_lossy(&answer.stdout).trim().to_owned()
    }

    fn busctl(&self, arguments: &[&str]) -> Command {
        let mut command = programs::command("busctl");
        command.arg(format!("--address={}", self.address)).args(arguments);
        command
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        for child in [&mut self.daemon, &mut self.bus] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn wait_for(what: &str, log: &PathBuf, ready: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !ready() {
        assert!(
            Instant::now() < deadline,
            "{what} did not start:\n{}",
            fs::read_to_string(log).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A session bus that anybody who reaches its socket may use, and that starts no services by itself.
fn bus_config(socket: &std::path::Path) -> String {
    format!(
        r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#,
        socket.display()
    )
}
