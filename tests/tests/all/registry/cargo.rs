//! Stock Cargo publishes to it, is refused by it, builds from it, yanks. (Cargo indents a refusal by two.)

use cargo_namespaces::statement::YankOperation;
use namespace_world::registry::{Front, exchange};
use namespace_world::stage::noise;
use namespace_world::{Author, Home, LiveRegistry, World, programs, run};

use super::{authorize, packaged, project, publish, world};

fn builds(world: &Home, author: &Author, version: &str) {
    let registry = author.registry_name();
    let dependency = format!("hello = {{ version = \"={version}\", registry = \"{registry}\" }}\n");
    let consumer = world
        .project(&format!("consumer-{version}"))
        .binary("consumer", &dependency, "fn main() { println!(\"{}\", hello::who()); }")
        .file(".cargo/config.toml", &author.cargo_config());
    run(world.cargo().args(["run", "--quiet"]).current_dir(consumer.path()))
        .success()
        .stdout_has(&format!("hello {version}"));
}

#[test]
fn a_person_is_told_what_to_do_publishes_and_others_build() {
    let (world, author) = world();
    let _registry = LiveRegistry::start(&world, "");
    let record = author.record("hello.example");
    publish(&world, &author, "hello", "0.1.0")
        .failure()
        .stderr_has("could not verify that you own hello.example")
        .stderr_has("a) create a DNS TXT record")
        .stderr_has(&format!(
            "with the line\n\n         {record}\n\n     at https://hello.example/.well-known/cargo-publishers"
        ))
        .stderr_has("\"index\": \"sparse+https://crates.example/index/hello.example/\"")
        .stderr_has("TXT at hello.example: nothing there");
    authorize(&world, &author);
    publish(&world, &author, "hello", "0.1.0").success();
    builds(&world, &author, "0.1.0");
    publish(&world, &author, "hello", "0.2.0").success();
    builds(&world, &author, "0.2.0");
    publish(&world, &author, "hello", "0.2.0").failure();
    run(world
        .cargo()
        .args(["search", "hel", "--registry", "hello_example"])
        .current_dir(project(&world, &author, "hello", "0.3.0").path()))
    .success()
    .stdout_has("hello = \"0.2.0\"");
}

#[test]
fn strangers_and_later_owners_of_a_domain_are_told_whom_to_ask() {
    let (world, author) = world();
    let _registry = LiveRegistry::start(&world, "");
    authorize(&world, &author);
    publish(&world, &author, "hello", "0.1.0").success();
    let stranger = Author::new("hello.example");
    let record_a = stranger.record("hello.example/blurbs");
    publish(&world, &stranger, "blurbs", "0.1.0")
        .failure()
        .stderr_has("You are not allowed to publish your crate `blurbs` under the hello.example namespace")
        .stderr_has(&format!("a) to allow you to publish `blurbs`:\n\n         {record_a}"))
        .stderr_has(&stranger.record("hello.example"));
    // The domain is theirs now: new crates are, the old one is not.
    authorize(&world, &stranger);
    publish(&world, &stranger, "hello", "0.2.0")
        .failure()
        .stderr_has("already used that crate name")
        .stderr_has(&author.key.public().to_string())
        .stderr_has(&format!("cargo nspublish transfer hello.example/hello --to {}", stranger.key.public()));
    publish(&world, &stranger, "blurbs", "0.1.0").success();
}

#[test]
fn cargo_shows_the_refusal_of_a_large_crate_though_nobody_reads_it() {
    let (world, author) = world();
    let registry = LiveRegistry::start(&world, "");
    authorize(&world, &author);
    let stranger = Author::new("hello.example");
    let large = noise(24 * 1024 * 1024);
    let project = project(&world, &author, "blurbs", "0.1.0").file("noise", "");
    std::fs::write(project.path().join("noise"), &large).unwrap();
    let archive = packaged(&world, &project, "blurbs", "0.1.0");
    let publish = |author: &Author| {
        run(world
            .cargo()
            .args(["publish", "--no-verify", "--allow-dirty", "--registry", "hello_example"])
            .env("CARGO_REGISTRIES_HELLO_EXAMPLE_TOKEN", author.publish_token("blurbs", "0.1.0", &archive))
            .current_dir(project.path()))
    };
    publish(&stranger)
        .failure()
        .stderr_has("You are not allowed to publish your crate `blurbs`")
        .stderr_has(&stranger.record("hello.example/blurbs"));
    // Whoever sends all of it before it reads anything reads the refusal, too.
    let behind = LiveRegistry::start_in(&world, &world.root().join("behind"), "", Front::Behind);
    let token = stranger.publish_token("blurbs", "0.1.0", &archive);
    let head = format!("PUT /ns/hello.example/api/v1/crates/new HTTP/1.1\r\nAuthorization: {token}");
    for _ in 0..5 {
        let answer = exchange(behind.address(), &head, &large[..8 * 1024 * 1024]).expect("an answer");
        assert_eq!(answer.status, 403, "{}", answer.text());
    }
    let before = registry.memory_mib("VmHWM");
    assert!(before < 64.0, "{before} MiB for a body that nobody reads");
    publish(&author).success();
}

#[test]
fn cargo_yanks_and_unyanks() {
    let (world, author) = world();
    let _registry = LiveRegistry::start(&world, "");
    authorize(&world, &author);
    publish(&world, &author, "hello", "0.1.0").success();
    let project = project(&world, &author, "hello", "0.1.0");
    let archive = packaged(&world, &project, "hello", "0.1.0");
    let yank = |operation, flags: &[&str]| {
        let token = author.yank_token("hello", "0.1.0", &archive, operation);
        run(world
            .cargo()
            .args(["yank", "hello@0.1.0", "--registry", "hello_example"])
            .args(flags)
            .env("CARGO_REGISTRIES_HELLO_EXAMPLE_TOKEN", token)
            .current_dir(project.path()))
        .success();
    };
    let line =
        || String::from_utf8(super::get(&world, "index/hello.example/he/ll/hello").into_bytes()).unwrap();
    yank(YankOperation::Yank, &[]);
    assert!(line().contains("\"yanked\":true") && line().contains("yank_attestations"), "{}", line());
    std::thread::sleep(std::time::Duration::from_secs(1));
    yank(YankOperation::Unyank, &["--undo"]);
    assert!(line().contains("\"yanked\":false"), "{}", line());
}

#[test]
fn behind_nginx_it_is_the_same_registry() {
    let (world, author) = world();
    let registry = LiveRegistry::start_as(&world, "", Front::Behind);
    let nginx = Nginx::before(&world, &registry);
    authorize(&world, &author);
    publish(&world, &author, "hello", "0.1.0").success();
    builds(&world, &author, "0.1.0");
    drop(nginx);
}

/// A reverse proxy with a registry behind it.
struct Nginx(std::process::Child);

impl Nginx {
    fn before(world: &World, registry: &LiveRegistry) -> Self {
        let directory = world.root().join("front");
        std::fs::create_dir_all(&directory).expect("create nginx's directory");
        let certificate = world.authority().certify("front", &["crates.example".to_owned()]);
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("there is a free port")
            .port();
        let config = format!(
            "daemon off; master_process off; pid {dir}/pid; error_log {dir}/error.log warn;\n\
             events {{ worker_connections 512; }}\n\
             http {{ access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy;\n\
             fastcgi_temp_path {dir}/f; uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s;\n\
             server {{ listen 127.0.0.1:{port} ssl http2; ssl_certificate {chain}; ssl_certificate_key {key};\n\
             client_max_body_size 70m;\n\
             location / {{ proxy_pass http://{address}; proxy_http_version 1.1; proxy_set_header Host $host; }} }} }}\n",
            dir = directory.display(),
            chain = certificate.chain.display(),
            key = certificate.key.display(),
            address = registry.address(),
        );
        std::fs::write(directory.join("nginx.conf"), config).expect("write nginx.conf");
        let child = programs::daemon("nginx")
            .arg("-p")
            .arg(&directory)
            .arg("-c")
            .arg(directory.join("nginx.conf"))
            .arg("-e")
            .arg(directory.join("error.log"))
            .spawn()
            .expect("start nginx");
        let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while std::net::TcpStream::connect(address).is_err() {
            assert!(std::time::Instant::now() < deadline, "nginx did not start");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        world.route("crates.example", address);
        Self(child)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
