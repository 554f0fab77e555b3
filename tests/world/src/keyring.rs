//! A real Secret Service: gnome-keyring in a D-Bus session of its own.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::home::Home;
use crate::programs;

/// The collection into which programs put what they store.
const COLLECTION: &str = "/org/freedesktop/secrets/aliases/default";

/// A running D-Bus session with an unlocked keyring; both killed when dropped. While it lives the home's commands see it.
#[derive(Debug)]
pub struct Keyring {
    bus: Child,
    daemon: Child,
    address: String,
}

impl Keyring {
    /// Starts both, and puts the session's address into the environment of the home's commands.
    ///
    /// # Panics
    ///
    /// When a program is missing or the keyring does not come up.
    #[must_use]
    pub fn start(home: &Home) -> Self {
        let directory = home.root().join("keyring");
        fs::create_dir_all(&directory).expect("create the keyring's directory");
        let socket = directory.join("bus");
        let config = directory.join("session.conf");
        fs::write(&config, bus_config(&socket)).expect("write the D-Bus configuration");
        let log = fs::File::create(directory.join("log")).expect("create the keyring's log");
        let bus = programs::daemon("dbus-daemon")
            .arg("--nofork")
            .arg(format!("--config-file={}", config.display()))
            .env_clear()
            .envs(home.environment())
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
            .envs(home.environment())
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
        home.set_env("DBUS_SESSION_BUS_ADDRESS", &keyring.address);
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
        let answer = self.property(COLLECTION, "org.freedesktop.Secret.Collection", "Locked");
        answer.is_ok_and(|answer| answer.ends_with("boolean false"))
    }

    /// The labels of everything in the default collection, in the order that the keyring gives.
    ///
    /// # Panics
    ///
    /// When the keyring does not answer.
    #[must_use]
    pub fn items(&self) -> Vec<String> {
        let items = self
            .property(COLLECTION, "org.freedesktop.Secret.Collection", "Items")
            .expect("the keyring lists its items");
        let paths = items.split('"').filter(|word| word.starts_with('/'));
        let label = |path| {
            let text =
                self.property(path, "org.freedesktop.Secret.Item", "Label").expect("an item has a label");
            text.split('"').nth(1).unwrap_or_default().to_owned()
        };
        paths.map(label).collect()
    }

    /// Locks the default collection: a command then has to ask, and nobody answers.
    ///
    /// # Panics
    ///
    /// When the keyring does not answer.
    pub fn lock(&self) {
        let service = "/org/freedesktop/secrets";
        self.call(service, "org.freedesktop.Secret.Service.Lock", &[&format!("array:objpath:{COLLECTION}")])
            .expect("the keyring locks");
    }

    fn property(&self, path: &str, interface: &str, name: &str) -> Result<String, String> {
        let arguments = [format!("string:{interface}"), format!("string:{name}")];
        self.call(path, "org.freedesktop.DBus.Properties.Get", &[&arguments[0], &arguments[1]])
    }

    /// Calls a method of the Secret Service; the answer as `dbus-send` prints it, without its first line.
    fn call(&self, path: &str, method: &str, arguments: &[&str]) -> Result<String, String> {
        let output = programs::command("dbus-send")
            .arg(format!("--bus={}", self.address))
            .args(["--print-reply", "--dest=org.freedesktop.secrets", path, method])
            .args(arguments)
            .output()
            .expect("start dbus-send");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
        if !output.status.success() {
            return Err(text(output.stderr));
        }
        Ok(text(output.stdout).split_once('\n').map(|(_, answer)| answer.to_owned()).unwrap_or_default())
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

fn wait_for(what: &str, log: &Path, ready: impl Fn() -> bool) {
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
fn bus_config(socket: &Path) -> String {
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
