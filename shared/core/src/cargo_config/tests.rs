use super::*;
use crate::name::{Namespace, RegistryName};
use crate::source_id::{LockSource, Spelling};
use proptest::prelude::*;

fn index(namespace: &str) -> IndexUrl {
    IndexUrl::default_for(&Namespace::parse(namespace).unwrap())
}

fn name(text: &str) -> RegistryName {
    RegistryName::parse(text).unwrap()
}

#[test]
fn a_registry_is_added_once_in_cargos_style() {
    let text = "# ours\r\n[build]\r\njobs = 2 # few\r\n";
    let edited = add_registry(text, &name("serde_rs"), &index("serde.rs")).unwrap();
    let expected = "# ours\r\n[build]\r\njobs = 2 # few\r\n\r\n[registries.serde_rs]\r\nindex = \"sparse+https://serde.rs/cargo/index/\"\r\n";
    assert_eq!(edited.text, expected);
    assert!(!add_registry(expected, &name("serde_rs"), &index("serde.rs")).unwrap().is_changed());
    let from_nothing = add_registry("", &name("serde_rs"), &index("serde.rs")).unwrap().text;
    assert_eq!(from_nothing, "[registries.serde_rs]\nindex = \"sparse+https://serde.rs/cargo/index/\"\n");
}

#[test]
fn a_registry_spelled_otherwise_is_found() {
    for text in [
        "[registries]\nserde_rs = { index = \"sparse+https://serde.rs/cargo/index/\" }\n",
        "[registries]\nserde_rs.index = \"sparse+https://serde.rs/cargo/index/\"\n",
        "registries.serde_rs.index = \"sparse+https://SERDE.rs/cargo/index/\"\n",
    ] {
        assert!(!add_registry(text, &name("serde_rs"), &index("serde.rs")).unwrap().is_changed());
        assert!(CargoConfig::parse(text).unwrap().registry_name(&index("serde.rs")).is_some());
    }
    let edited =
        add_registry("[registries]\na = { index = \"x\" }\n", &name("b"), &index("serde.rs")).unwrap();
    assert_eq!(CargoConfig::parse(&edited.text).unwrap().registry_index("b"), Some(index("serde.rs")));
}

#[test]
fn a_name_with_another_index_is_refused() {
    let text = "[registries.serde_rs]\nindex = \"sparse+https://evil.example/\"\n";
    let error = add_registry(text, &name("serde_rs"), &index("serde.rs")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 2, column 1: the registry `serde_rs` has the index sparse+https://evil.example/ already"
    );
}

#[test]
fn a_registry_with_a_provider_only_gets_its_index() {
    let text = "[registries.serde_rs]\ncredential-provider = \"cargo:token\"\n";
    let edited = add_registry(text, &name("serde_rs"), &index("serde.rs")).unwrap();
    let config = CargoConfig::parse(&edited.text).unwrap();
    assert_eq!(config.registries["serde_rs"].credential_provider, ["cargo:token"]);
    assert_eq!(config.registry_index("serde_rs"), Some(index("serde.rs")));
    let value = "[\"cargo-nspublish\", \"--x\"]";
    let edited = set_registry_value(&edited.text, &name("serde_rs"), "credential-provider", value).unwrap();
    let config = CargoConfig::parse(&edited.text).unwrap();
    assert_eq!(config.registries["serde_rs"].credential_provider, ["cargo-nspublish", "--x"]);
}

#[test]
fn what_is_not_ours_is_not_looked_at() {
    let config = CargoConfig::parse(
        "[alias]\nb = 3\n[http]\nproxy = \"p:1\"\nssl-version = { min = \"tlsv1.2\" }\n[env]\nX = { value = \"y\", force = true }\n\
         include = [\"a.toml\", { path = \"b.toml\", optional = true }]\n[namespaces]\nspecial-use = true\nresolvr = 1\n",
    );
    // `include` stands under [env] here: that is [env]'s affair.
    let config = config.unwrap();
    assert_eq!(config.http.proxy.as_deref(), Some("p:1"));
    assert_eq!(config.namespaces.special_use, Some(true));
    assert_eq!(config.namespaces.unknown.keys().collect::<Vec<_>>(), ["resolvr"]);
    assert!(config.include.is_empty());
    let config =
        CargoConfig::parse("include = [\"a.toml\", { path = \"b.toml\", optional = true }]").unwrap();
    assert_eq!((config.include.len(), config.include[1].optional), (2, true));
    let error = CargoConfig::parse("[http]\ncainfo = 3\n").unwrap_err().to_string();
    assert!(error.contains("line 2, column 10"), "{error}");
}

#[test]
fn the_nearer_file_wins_key_by_key() {
    let mut near = CargoConfig::parse("[http]\nproxy = \"near\"\n[registries.a]\nindex = \"1\"\n").unwrap();
    let far = "[http]\nproxy = \"far\"\ncainfo = \"ca\"\n[registries.a]\nindex = \"2\"\n[registries.b]\nindex = \"3\"\n";
    near.merge(CargoConfig::parse(far).unwrap());
    assert_eq!((near.http.proxy.as_deref(), near.http.cainfo.as_deref()), (Some("near"), Some("ca")));
    assert_eq!(near.registries["a"].index.as_deref(), Some("1"));
    assert_eq!(near.registries["b"].index.as_deref(), Some("3"));
}

#[test]
fn replacements_are_followed_and_circles_noticed() {
    let config = CargoConfig::parse(
        "[source.crates-io]\nreplace-with = \"m\"\n[source.m]\nregistry = \"sparse+https://m.example/\"\nreplace-with = \"v\"\n\
         [source.v]\ndirectory = \"vendor\"\n[source.x]\nregistry = \"sparse+https://x.example/\"\nreplace-with = \"y\"\n\
         [source.y]\nreplace-with = \"x\"\n[source.\"sparse+https://z.example/\"]\nregistry = \"sparse+https://z.example/\"\n\
         replace-with = \"corp\"\n[registries.corp]\nindex = \"sparse+https://corp.example/\"\n",
    )
    .unwrap();
    assert_eq!(config.resolve_source(CRATES_IO_INDEX), Ok(Resolved::Directory("vendor")));
    assert_eq!(
        config.resolve_source("sparse+https://z.example/"),
        Ok(Resolved::Index("sparse+https://corp.example/"))
    );
    assert_eq!(
        config.resolve_source("sparse+https://o.example/"),
        Ok(Resolved::Index("sparse+https://o.example/"))
    );
    assert!(matches!(
        config.resolve_source("sparse+https://x.example/"),
        Err(CargoConfigError::Replacement(..))
    ));
}

fn sources() -> Vec<DirectorySource> {
    let source = |original: LockSource, name: &str| DirectorySource {
        original,
        name: name.to_owned(),
        directory: format!("vendor/{name}"),
        kind: SourceKind::Unpacked,
    };
    vec![
        source(LockSource::CratesIo, "vendored-crates-io"),
        source(LockSource::Registry(index("serde.rs")), "vendored-serde_rs"),
        source(
            LockSource::parse("git+https://git.example/g?branch=a%2Fb", Spelling::Escaped),
            "vendored-git",
        ),
        source(LockSource::parse("git+https://git.example/h", Spelling::Escaped), "vendored-git"),
        source(LockSource::Path, "vendored-path"),
    ]
}

#[test]
fn vendored_sources_are_written_as_cargo_vendor_writes_them() {
    let snippet = source_snippet(&sources());
    assert_eq!(
        snippet,
        r#"[source.crates-io]
replace-with = "vendored-crates-io"

[source."sparse+https://serde.rs/cargo/index/"]
registry = "sparse+https://serde.rs/cargo/index/"
replace-with = "vendored-serde_rs"

[source."git+https://git.example/g?branch=a/b"]
git = "https://git.example/g"
branch = "a/b"
replace-with = "vendored-git"

[source."git+https://git.example/h"]
git = "https://git.example/h"
replace-with = "vendored-git"

[source.vendored-crates-io]
directory = "vendor/vendored-crates-io"

[source.vendored-serde_rs]
directory = "vendor/vendored-serde_rs"

[source.vendored-git]
directory = "vendor/vendored-git"
"#
    );
    let written = upsert_source_replacements("", &sources()).unwrap().text;
    assert_eq!(written, snippet);
    let config = CargoConfig::parse(&written).unwrap();
    assert_eq!(config.resolve_source(CRATES_IO_INDEX), Ok(Resolved::Directory("vendor/vendored-crates-io")));
}

/// Cargo refuses two entries for one repository, however each spells its URL.
#[test]
fn an_entry_for_the_same_repository_is_used_whatever_its_spelling() {
    let text =
        "[source.mine]\ngit = \"https://git.example/g.git\"\nbranch = \"a/b\"\nreplace-with = \"old\"\n";
    let written = upsert_source_replacements(text, &sources()[2..3]).unwrap().text;
    let config = CargoConfig::parse(&written).unwrap();
    assert_eq!(config.source.keys().collect::<Vec<_>>(), ["mine", "vendored-git"]);
    assert_eq!(config.source["mine"].replace_with.as_deref(), Some("vendored-git"));
    let other = text.replace("branch", "tag");
    let written = upsert_source_replacements(&other, &sources()[2..3]).unwrap().text;
    assert_eq!(CargoConfig::parse(&written).unwrap().source.len(), 3);
}

#[test]
fn an_entry_for_the_same_url_is_used_and_not_doubled() {
    let text =
        "[source.mine] # corp\nregistry = \"sparse+https://serde.rs/cargo/index/\"\nreplace-with = \"old\"\n";
    let edited = upsert_source_replacements(text, &sources()[1..2]).unwrap();
    assert_eq!(
        edited.text,
        "[source.mine] # corp\nregistry = \"sparse+https://serde.rs/cargo/index/\"\nreplace-with = \"vendored-serde_rs\"\n\n\
         [source.vendored-serde_rs]\ndirectory = \"vendor/vendored-serde_rs\"\n"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn edits_are_idempotent_and_keep_every_line(
        lines in prop::collection::vec(prop::sample::select(vec![
            "", "# note", "[build]", "[source.crates-io] # c", "[source]", "[registries]", "replace-with = 'x'",
            "jobs = 2", "serde_rs.token = 'x'", "vendored-git.directory = 'q'", "[registries.serde_rs]", "[net]",
        ]), 0..8),
        crlf in any::<bool>(),
        ends in any::<bool>(),
    ) {
        let newline = if crlf { "\r\n" } else { "\n" };
        let mut text = lines.join(newline);
        if ends {
            text.push_str(newline);
        }
        let once = add_registry(&text, &name("serde_rs"), &index("serde.rs"))
            .and_then(|edited| upsert_source_replacements(&edited.text, &sources()));
        if let Ok(once) = once {
            let twice = add_registry(&once.text, &name("serde_rs"), &index("serde.rs")).unwrap();
            prop_assert!(!twice.is_changed());
            prop_assert!(!upsert_source_replacements(&twice.text, &sources()).unwrap().is_changed());
            for line in lines {
                let kept = line.contains("replace-with") || line.contains("directory") || once.text.contains(line);
                prop_assert!(kept, "{line:?} is gone from {:?}", once.text);
            }
            if crlf && text.contains('\n') {
                prop_assert_eq!(once.text.matches('\n').count(), once.text.matches("\r\n").count());
            }
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in "[\\[\\]\"a-z.=#, \\n\\r{}']{0,80}") {
        let _ = CargoConfig::parse(&text);
        let _ = add_registry(&text, &name("serde_rs"), &index("serde.rs"));
        let _ = upsert_source_replacements(&text, &sources());
    }
}

#[test]
fn a_registry_leaves_however_it_is_spelled() {
    let name = RegistryName::parse("serde_rs").unwrap();
    let remove = |text: &str| remove_registry(text, &name).unwrap();
    let rest = "# mine\n[registries.corp]\nindex = \"sparse+https://corp.example/i/\"\n";
    assert_eq!(remove(&format!("{rest}\n[registries.serde_rs]\nindex = \"x\"\n")), rest);
    assert_eq!(remove(&format!("registries.serde_rs.index = \"x\"\n{rest}")), rest);
    assert_eq!(
        remove("[registries]\nserde_rs = { index = \"x\" }\nother = { index = \"y\" }\n"),
        "[registries]\nother = { index = \"y\" }\n"
    );
    assert_eq!(remove(rest), rest);
}

#[test]
fn a_local_registry_is_written_under_its_own_key() {
    let mut source = sources().remove(0);
    source.kind = SourceKind::LocalRegistry;
    assert_eq!(
        source_snippet(&[source]),
        "[source.crates-io]\nreplace-with = \"vendored-crates-io\"\n\n\
         [source.vendored-crates-io]\nlocal-registry = \"vendor/vendored-crates-io\"\n"
    );
}
