//! The web server of a world: one nginx, one server block, one directory a host.
//!
//! It listens on a Unix socket, so that worlds running side by side never compete for a port; the world's proxy connects it.

use std::fs;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::authority::{Authority, Certificate};
use crate::programs;

/// Starts nginx with this configuration; its files and logs are in `directory`.
///
/// # Panics
///
/// When nginx is not installed or does not start.
#[must_use]
pub fn spawn(directory: &Path, config: &str) -> Child {
    let configuration = directory.join("nginx.conf");
    fs::write(&configuration, config).expect("write nginx.conf");
    let errors = fs::File::create(directory.join("stderr.log")).expect("create nginx's log");
    programs::daemon("nginx")
        .arg("-p")
        .arg(directory)
        .arg("-c")
        .arg(&configuration)
        .arg("-e")
        .arg(directory.join("error.log"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .expect("start nginx")
}

/// The web server of a world: nginx, which starts at the first connection.
#[derive(Debug)]
pub struct Web {
    directory: PathBuf,
    keeper: Mutex<Option<Keeper>>,
}

/// The thread that starts nginx and holds it: nginx dies with the thread that started it ([`programs::daemon`]).
#[derive(Debug)]
struct Keeper {
    asked: Sender<Sender<()>>,
    thread: JoinHandle<()>,
}

impl Web {
    /// A web server with its files in `directory`, which will serve `hosts/<host>/…` over TLS and HTTP/2, with a certificate
    /// for `names`.
    ///
    /// # Panics
    ///
    /// When nginx is not installed.
    #[must_use]
    pub fn new(directory: &Path, hosts: &Path, authority: &Authority, names: &[String]) -> Self {
        // Missing programs are named by the test's own thread.
        let _ = programs::find("nginx");
        fs::create_dir_all(directory).expect("create nginx's directory");
        let (hosts, authority, names) = (hosts.to_owned(), authority.clone(), names.to_owned());
        let (own, (asked, questions)) = (directory.to_owned(), mpsc::channel::<Sender<()>>());
        let thread = std::thread::spawn(move || {
            let mut nginx = None;
            for started in questions {
                nginx.get_or_insert_with(|| {
                    Nginx::start(&own, &config(&own, &hosts, &authority.certify("hosts", &names)))
                });
                let _ = started.send(());
            }
        });
        Self { directory: directory.to_owned(), keeper: Mutex::new(Some(Keeper { asked, thread })) }
    }

    /// A connection to the socket that speaks TLS.
    ///
    /// # Errors
    ///
    /// nginx does not start, or was stopped.
    pub fn connect(&self) -> io::Result<UnixStream> {
        let socket = self.directory.join("https.sock");
        UnixStream::connect(&socket).or_else(|_| {
            let (started, answer) = mpsc::channel();
            let asked = self.keeper().as_ref().map(|keeper| keeper.asked.clone());
            let asked = asked.ok_or_else(|| io::Error::other("the web server was stopped"))?;
            asked.send(started).map_err(io::Error::other)?;
            drop(asked);
            answer.recv().map_err(io::Error::other)?;
            UnixStream::connect(socket)
        })
    }

    /// What was asked of `host` so far: `GET /path 200`, in order.
    #[must_use]
    pub fn requests(&self, host: &str) -> Vec<String> {
        let log = fs::read_to_string(self.directory.join("access.log")).unwrap_or_default();
        log.lines().filter_map(|line| line.strip_prefix(host)?.strip_prefix(' ')).map(str::to_owned).collect()
    }

    /// Ends it, for good.
    pub fn stop(&self) {
        if let Some(Keeper { asked, thread }) = self.keeper().take() {
            drop(asked);
            let _ = thread.join();
        }
    }

    fn keeper(&self) -> MutexGuard<'_, Option<Keeper>> {
        self.keeper.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running nginx; killed when dropped.
struct Nginx(Child);

impl Nginx {
    /// Returns when it listens.
    fn start(directory: &Path, config: &str) -> Self {
        let mut nginx = Self(spawn(directory, config));
        let deadline = Instant::now() + Duration::from_secs(20);
        while UnixStream::connect(directory.join("https.sock")).is_err() {
            let ended = nginx.0.try_wait().expect("ask for nginx's state");
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "nginx did not start ({ended:?}):\n{}{}",
                fs::read_to_string(directory.join("stderr.log")).unwrap_or_default(),
                fs::read_to_string(directory.join("error.log")).unwrap_or_default(),
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        nginx
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One process (`master_process off`), so that killing it leaves no worker; every path inside the world.
fn config(directory: &Path, hosts: &Path, certificate: &Certificate) -> String {
    let directory = directory.display();
    format!(
        r#"daemon off;
master_process off;
pid "{directory}/nginx.pid";
error_log "{directory}/error.log" warn;
events {{ worker_connections 512; }}
http {{
    types {{
        text/html html;
        text/plain txt;
        application/json json;
    }}
    default_type application/octet-stream;
    client_body_temp_path "{directory}/body";
    proxy_temp_path "{directory}/proxy";
    fastcgi_temp_path "{directory}/fastcgi";
    uwsgi_temp_path "{directory}/uwsgi";
    scgi_temp_path "{directory}/scgi";
    log_format world '$host $request_method $request_uri $status';
    log_format crates '$host\t$server_protocol\t$connection\t$status\t$msec\t$request_time\t$request_uri\t$http_user_agent';
    access_log "{directory}/access.log" world;
    server {{
        listen "unix:{directory}/https.sock" ssl http2;
        server_name "~^(?<vhost>.+)$";
        root "{hosts}/$vhost";
        ssl_certificate "{chain}";
        ssl_certificate_key "{key}";
        {crates}
    }}
}}
"#,
        crates = CRATES.replace("_log \"", &format!("_log \"{directory}/")),
        hosts = hosts.display(),
        chain = certificate.chain.display(),
        key = certificate.key.display(),
    )
}

/// How .crates are served: marker files below the host's root, which `World::trouble` writes, make nginx fail or slow down.
const CRATES: &str = r#"
        location ~ "\.crate$" {
            access_log "crates.log" crates;
            access_log "access.log" world;
            set $retry_after "";
            if (-f "$document_root/.retry-after") { set $retry_after 2; }
            add_header Retry-After $retry_after always;
            if (-f "$document_root/.status-403") { return 403; }
            if (-f "$document_root/.status-404") { return 404; }
            if (-f "$document_root/.status-429") { return 429; }
            if (-f "$document_root/.status-503") { return 503; }
            if (-f "$document_root/.slow") { set $limit_rate 20k; }
        }
"#;
