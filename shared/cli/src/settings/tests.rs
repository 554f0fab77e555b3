use super::*;
use crate::shell::When;
use cargo_namespaces_net::fs::write_atomic;

/// A project inside a workspace directory, beside Cargo's home.
struct Home {
    root: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { root: tempfile::tempdir().unwrap() };
        cargo_namespaces_net::fs::create_dir_all(&home.project()).unwrap();
        home
    }

    fn project(&self) -> PathBuf {
        self.root.path().join("work/project")
    }

    fn write(&self, path: &str, text: &str) {
        write_atomic(&self.root.path().join(path), text.as_bytes()).unwrap();
    }

    fn env(&self) -> Environment {
        Environment::default().with(Var::CargoHome, self.root.path().join("home"))
    }

    fn load(&self, env: &Environment, overrides: &[&str]) -> Result<Settings, SettingsError> {
        let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
        Settings::load(&self.project(), env, &overrides)
    }

    fn plain(&self) -> Settings {
        self.load(&self.env(), &[]).unwrap()
    }
}

fn index(text: &str) -> IndexUrl {
    IndexUrl::parse(text).unwrap()
}

#[test]
fn nothing_is_configured() {
    let home = Home::new();
    let settings = home.plain();
    assert_eq!(settings.http, ClientOptions::default());
    assert_eq!(settings.namespaces, NamespaceSettings::default());
    assert_eq!(settings.cargo_home, home.root.path().join("home"));
    let env = Environment::default().with(Var::Home, "/home/someone");
    assert_eq!(home.load(&env, &[]).unwrap().cargo_home, Path::new("/home/someone/.cargo"));
    assert!(matches!(home.load(&Environment::default(), &[]), Err(SettingsError::NoHome)));
}

/// Each row: home, workspace, project, environment, `--config` → the proxy that counts.
#[test]
fn precedence_is_cargos() {
    let rows: &[([Option<&str>; 5], Option<&str>)] = &[
        ([None, None, None, None, None], None),
        ([Some("home"), None, None, None, None], Some("home")),
        ([Some("home"), Some("work"), None, None, None], Some("work")),
        ([Some("home"), Some("work"), Some("project"), None, None], Some("project")),
        ([Some("home"), None, Some("project"), Some("env"), None], Some("env")),
        ([Some("home"), None, Some("project"), Some("env"), Some("flag")], Some("flag")),
    ];
    for (given, expected) in rows {
        let home = Home::new();
        let files = ["home/config.toml", "work/.cargo/config.toml", "work/project/.cargo/config.toml"];
        for (file, value) in files.iter().zip(given) {
            if let Some(value) = value {
                home.write(file, &format!("http.proxy = \"{value}\"\n"));
            }
        }
        let env = home.env().with(Var::CargoHttpProxy, given[3].unwrap_or_default());
        let flag = given[4].map(|value| format!("http.proxy='{value}'"));
        let flags: Vec<&str> = flag.iter().map(String::as_str).collect();
        let settings = home.load(&env, &flags).unwrap();
        assert_eq!(settings.http.proxy.map(|proxy| proxy.url).as_deref(), *expected, "{given:?}");
    }
}

#[test]
fn curls_proxy_variables_count_after_cargos() {
    let home = Home::new();
    let env = home.env().with(Var::AllProxy, "all").with(Var::NoProxy, "corp.example");
    let proxy = |env: &Environment, flags: &[&str]| home.load(env, flags).unwrap().http.proxy;
    assert_eq!(proxy(&env, &[]).unwrap().url, "all");
    let env = env.with(Var::HttpsProxy, "upper");
    assert_eq!(proxy(&env, &[]).unwrap().url, "upper");
    let env = env.with(Var::HttpsProxyLower, "lower");
    assert_eq!(proxy(&env, &[]).unwrap().url, "lower");
    let proxied = proxy(&env, &["http.proxy='cargo'"]).unwrap();
    assert_eq!((proxied.url.as_str(), proxied.except.as_deref()), ("cargo", Some("corp.example")));
    assert_eq!(proxy(&env, &["http.proxy=''"]), None);
}

#[test]
fn relative_paths_start_where_cargo_starts_them() {
    let home = Home::new();
    home.write("work/.cargo/config.toml", "[http]\ncainfo = \"pki/ca.pem\"\n");
    home.write("home/config.toml", "[namespaces]\ntrust-anchor = \"dns/root.key\"\n");
    let settings = home.plain();
    assert_eq!(settings.http.cainfo, Some(home.root.path().join("work/pki/ca.pem")));
    assert_eq!(settings.namespaces.trust_anchor, Some(home.root.path().join("dns/root.key")));
    let env = home.env().with(Var::CargoHttpCainfo, "mine.pem");
    let settings = home.load(&env, &["namespaces.trust-anchor = 'flag.key'"]).unwrap();
    assert_eq!(settings.http.cainfo, Some(home.project().join("mine.pem")));
    assert_eq!(settings.namespaces.trust_anchor, Some(home.project().join("flag.key")));
}

#[test]
fn a_config_file_can_be_named_and_can_include_others() {
    let home = Home::new();
    home.write("work/project/extra.toml", "net.offline = true\nhttp.timeout = 7\n");
    home.write(
        "work/project/.cargo/config.toml",
        "include = [\"base.toml\", { path = \"missing.toml\", optional = true }]\nnet.retry = 9\n",
    );
    home.write("work/project/.cargo/base.toml", "net.retry = 1\nhttp.proxy = \"base\"\n");
    let settings = home.load(&home.env(), &["extra.toml"]).unwrap();
    assert!(settings.offline());
    assert_eq!(settings.http.connect_timeout, Duration::from_secs(7));
    assert_eq!(settings.http.retries, 9);
    assert_eq!(settings.http.proxy.unwrap().url, "base");
}

#[test]
fn an_include_of_itself_ends() {
    let home = Home::new();
    home.write("work/project/.cargo/config.toml", "include = \"config.toml\"\n");
    let error = home.load(&home.env(), &[]).unwrap_err();
    assert!(error.to_string().contains("nested too deeply"), "{error}");
}

#[test]
fn our_own_table_is_read_from_files_and_variables() {
    let home = Home::new();
    home.write(
        "home/config.toml",
        "[namespaces]\ninstance = \"https://crates.corp.example/\"\nresolver = \"127.0.0.1:5353\"\n\
         special-use = true\n",
    );
    let read = home.plain().namespaces;
    assert_eq!(read.instance.as_deref(), Some("https://crates.corp.example"));
    assert_eq!(read.resolver, ResolverSetting::Server("127.0.0.1:5353".parse().unwrap()));
    assert_eq!(read.special_use, SpecialUseNames::All);
    let env = home
        .env()
        .with(Var::NamespacesInstance, "https://other.example:8443/x")
        .with(Var::NamespacesResolver, "https://dns.corp.example/dns-query")
        .with(Var::NamespacesSpecialUse, "false");
    let read = home.load(&env, &[]).unwrap().namespaces;
    assert_eq!(read.instance.as_deref(), Some("https://other.example:8443/x"));
    assert_eq!(read.resolver, ResolverSetting::Doh("https://dns.corp.example/dns-query".to_owned()));
    assert_eq!(read.special_use, SpecialUseNames::None);
    let read = |value: &str| {
        home.load(&home.env().with(Var::NamespacesResolver, value), &[])
            .map(|settings| settings.namespaces.resolver)
    };
    assert_eq!(read("::1").unwrap(), ResolverSetting::Server("[::1]:53".parse().unwrap()));
    assert!(read("dns.corp.example").is_err());
    assert!(read("http://dns.corp.example/dns-query").is_err());
}

#[test]
fn the_development_registry_is_for_names_below_localhost() {
    let home = Home::new();
    let env = home.env().with(Var::NamespacesInstance, "https://crates.corp.example");
    let env = env.with(Var::NamespacesDev, "http://localhost:7979/");
    let read = home.load(&env, &[]).unwrap().namespaces;
    assert_eq!(read.special_use, SpecialUseNames::Localhost);
    let instance = |name: &str| read.instance_for(&Namespace::parse(name).unwrap()).unwrap();
    assert_eq!(instance("hello.localhost"), "http://localhost:7979");
    assert_eq!(instance("hello.example"), "https://crates.corp.example");
    for value in ["http://127.0.0.1:7979", "http://crates.example:7979", "https://localhost:7979"] {
        let error = home.load(&home.env().with(Var::NamespacesDev, value), &[]).unwrap_err().to_string();
        assert!(error.contains("CARGO_NAMESPACES_DEV") && error.contains("serve --dev"), "{error}");
    }
}

#[test]
fn a_project_does_not_say_whom_to_believe() {
    let home = Home::new();
    home.write(
        "work/project/.cargo/config.toml",
        "[namespaces]\nresolver = \"127.0.0.1:5353\"\ntrust-anchor = \"mine.key\"\nspecial-use = true\n\
         instance = \"https://hostile.example\"\n",
    );
    assert_eq!(home.plain().namespaces, NamespaceSettings::default());
}

#[test]
fn what_is_wrong_is_named() {
    let rows = [
        ("http.proxy = 3\n", "`http.proxy` in "),
        ("net.offline = \"yes\"\n", "`net.offline` in "),
        ("[http\n", "cannot be parsed"),
    ];
    for (text, expected) in rows {
        let home = Home::new();
        home.write("work/project/.cargo/config.toml", text);
        let error = home.load(&home.env(), &[]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let home = Home::new();
    home.write("home/config.toml", "[namespaces]\ninstance = \"http://x.example\"\n");
    let error = home.load(&home.env(), &[]).unwrap_err().to_string();
    assert!(error.contains("`namespaces.instance` is `http://x.example`"), "{error}");
    let home = Home::new();
    assert!(home.load(&home.env(), &["no-value"]).is_err());
    assert!(home.load(&home.env().with(Var::CargoNetOffline, "maybe"), &[]).is_err());
}

#[test]
fn a_registry_is_found_by_its_index() {
    let home = Home::new();
    home.write("home/config.toml", "[registries.corp]\nindex = \"sparse+https://corp.example/index/\"\n");
    home.write(
        "work/project/.cargo/config.toml",
        "[registries.serde_rs]\nindex = \"sparse+https://serde.rs/cargo/index/\"\n",
    );
    let settings = home.plain();
    let name = settings.registry_name_of(&index("sparse+https://corp.example/index/")).unwrap();
    assert_eq!(name.as_str(), "corp");
    assert_eq!(settings.index_of(&name), Some(index("sparse+https://corp.example/index/")));
    assert!(settings.registry_name_of(&index("sparse+https://none.example/")).is_none());
    assert_eq!(settings.registries["serde_rs"].file, Some(home.project().join(".cargo/config.toml")));
}

const SERDE: &str = "sparse+https://serde.rs/cargo/index/";

#[test]
fn a_replaced_source_is_followed() {
    let rows = [
        ("", Ok(Replacement::Index(index(SERDE)))),
        (
            "[source.\"sparse+https://serde.rs/cargo/index/\"]\n\
             registry = \"sparse+https://serde.rs/cargo/index/\"\nreplace-with = \"mirror\"\n\
             [source.mirror]\nregistry = \"sparse+https://mirror.example/serde/\"\n",
            Ok(Replacement::Index(index("sparse+https://mirror.example/serde/"))),
        ),
        (
            "[registries.serde_rs]\nindex = \"sparse+https://serde.rs/cargo/index/\"\n\
             [registries.corp]\nindex = \"sparse+https://corp.example/serde/\"\n\
             [source.serde_rs]\nreplace-with = \"corp\"\n",
            Ok(Replacement::Index(index("sparse+https://corp.example/serde/"))),
        ),
        (
            "[source.a]\nregistry = \"sparse+https://serde.rs/cargo/index/\"\nreplace-with = \"b\"\n\
             [source.b]\nreplace-with = \"a\"\n",
            Err(SourceError::Circle("a".to_owned())),
        ),
        (
            "[source.a]\nregistry = \"sparse+https://serde.rs/cargo/index/\"\nreplace-with = \"gone\"\n",
            Err(SourceError::Unknown { from: "a".to_owned(), to: "gone".to_owned() }),
        ),
        (
            "[source.a]\nregistry = \"sparse+https://serde.rs/cargo/index/\"\nreplace-with = \"b\"\n\
             [source.b]\nregistry = \"https://git.example/index\"\n",
            Err(SourceError::Unsupported("b".to_owned())),
        ),
    ];
    for (text, expected) in rows {
        let home = Home::new();
        home.write("work/project/.cargo/config.toml", text);
        assert_eq!(home.plain().replacement_of(&index(SERDE)), expected, "{text}");
    }
}

#[test]
fn a_vendored_source_is_a_directory_of_the_project() {
    let home = Home::new();
    home.write(
        "work/project/.cargo/config.toml",
        "[source.\"sparse+https://serde.rs/cargo/index/\"]\n\
         registry = \"sparse+https://serde.rs/cargo/index/\"\nreplace-with = \"vendored-serde.rs\"\n\
         [source.\"vendored-serde.rs\"]\ndirectory = \"vendor/serde.rs\"\n",
    );
    assert_eq!(
        home.plain().replacement_of(&index(SERDE)),
        Ok(Replacement::Directory(home.project().join("vendor/serde.rs")))
    );
}

#[test]
fn the_term_table_is_read() {
    let home = Home::new();
    home.write(
        "home/config.toml",
        "[term]\ncolor = \"never\"\nquiet = true\nprogress = { when = \"always\", width = 60 }\n",
    );
    let term = home.plain().term;
    assert_eq!((term.color, term.quiet), (Some(When::Never), Some(true)));
    assert_eq!((term.progress, term.progress_width), (Some(When::Always), Some(60)));
}

/// As Cargo has them: the environment over the files, `--config` over both.
#[test]
fn a_registry_may_be_named_by_a_variable() {
    let home = Home::new();
    home.write("home/config.toml", "[registries.my-corp]\nindex = \"sparse+https://old.example/\"\n");
    let env = home
        .env()
        .with_registry("my-corp", "sparse+https://corp.example/")
        .with_registry("other", "sparse+http://other.example/");
    let found = |settings: &Settings| -> Vec<(String, String)> {
        settings.registries.iter().map(|(name, registry)| (name.clone(), registry.index.clone())).collect()
    };
    let named = |name: &str, index: &str| (name.to_owned(), index.to_owned());
    let other = named("other", "sparse+http://other.example/");
    let settings = home.load(&env, &[]).unwrap();
    assert_eq!(found(&settings), [named("my-corp", "sparse+https://corp.example/"), other.clone()]);
    assert_eq!(settings.registries["other"].file, None);
    let settings = home.load(&env, &["registries.my-corp.index='sparse+https://c.example/'"]).unwrap();
    assert_eq!(found(&settings), [named("my-corp", "sparse+https://c.example/"), other]);
}

#[test]
fn crates_io_can_be_replaced_too() {
    let home = Home::new();
    assert_eq!(home.plain().crates_io_replacement(), Ok(None));
    let settings = home
        .load(
            &home.env(),
            &["source.crates-io.replace-with='m'", "source.m.registry='sparse+https://m.example/'"],
        )
        .unwrap();
    assert_eq!(
        settings.crates_io_replacement(),
        Ok(Some(Replacement::Index(index("sparse+https://m.example/"))))
    );
}
