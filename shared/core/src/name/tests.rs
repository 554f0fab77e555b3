use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn namespace(text: &str) -> Namespace {
    Namespace::parse(text).unwrap()
}

fn namespace_problem(text: &str) -> NamespaceProblem {
    match Namespace::parse(text) {
        Err(NameError::Namespace { problem, .. }) => problem,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_namespace_is_compared_as_lower_case_a_labels() {
    for (text, normal) in [
        ("serde.rs", "serde.rs"),
        ("Serde.RS", "serde.rs"),
        ("jdoe.github.io", "jdoe.github.io"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("MÜNCHEN.example", "xn--mnchen-3ya.example"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("XN--MNCHEN-3YA.example", "xn--mnchen-3ya.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("ｓｅｒｄｅ。rs", "serde.rs"),
        ("0x.io", "0x.io"),
        ("grep.example", "grep.example"),
        ("localhost", "localhost"),
        ("a.localhost", "a.localhost"),
    ] {
        assert_eq!(namespace(text).as_str(), normal, "{text}");
    }
}

#[test]
fn what_is_no_namespace_is_named() {
    use NamespaceProblem as P;
    let long = format!("{}example", "a.".repeat(150));
    for (text, problem) in [
        ("", P::Empty),
        ("serde", P::OneLabel),
        ("com", P::OneLabel),
        ("serde.rs.", P::TrailingDot),
        ("serde.rs。", P::TrailingDot),
        (".", P::TrailingDot),
        ("127.0.0.1", P::IpAddress),
        ("127.1", P::IpAddress),
        ("a.0x7f", P::IpAddress),
        ("１２７.0.0.1", P::IpAddress),
        ("::1", P::IpAddress),
        ("[2001:db8::1]", P::IpAddress),
        ("a.b.c.d.e.f.g.h.i.j.example", P::TooManyLabels),
        (&long, P::TooLong),
        (&"ü.".repeat(1000), P::TooLong),
        ("serde..rs", P::NotAHostName),
        (".rs", P::NotAHostName),
        ("ser_de.rs", P::NotAHostName),
        ("-serde.rs", P::NotAHostName),
        ("serde-.rs", P::NotAHostName),
        ("ab--cd.rs", P::NotAHostName),
        ("ser de.rs", P::NotAHostName),
        ("serde.rs/abc", P::NotAHostName),
        ("serde.rs\n", P::NotAHostName),
        ("serde.rs\u{202e}", P::NotAHostName),
        ("xn--a.example", P::NotAHostName),
        ("xn--serde-.example", P::NotAHostName),
        ("user@serde.rs", P::NotAHostName),
        ("serde.rs:443", P::NotAHostName),
        ("serde.git", P::Git),
        ("serde.rs.GIT", P::Git),
    ] {
        assert_eq!(namespace_problem(text), problem, "{text:?}");
    }
}

#[test]
fn a_public_suffix_is_refused_and_what_is_below_it_is_fine() {
    for suffix in ["co.uk", "github.io", "CO.UK", "anything.ck", "公司.cn", "xn--55qx5d.cn"] {
        assert_eq!(namespace_problem(suffix), NamespaceProblem::PublicSuffix, "{suffix}");
    }
    for below in ["bbc.co.uk", "jdoe.github.io", "www.ck", "a.公司.cn", "corp.internal", "a.unknown-tld"] {
        namespace(below);
    }
    assert!(Namespace::parse("github.io").unwrap_err().hint().is_some());
}

#[test]
fn special_use_names_parse_and_are_refused_at_the_edge() {
    for (text, kind) in [
        ("localhost", SpecialUse::Localhost),
        ("a.localhost", SpecialUse::Localhost),
        ("a.test", SpecialUse::Test),
        ("grep.example", SpecialUse::Example),
        ("a.invalid", SpecialUse::Invalid),
        ("printer.local", SpecialUse::Local),
        ("corp.internal", SpecialUse::Internal),
        ("nas.home.arpa", SpecialUse::HomeArpa),
        ("a.onion", SpecialUse::Onion),
        ("a.alt", SpecialUse::Alt),
    ] {
        let namespace = namespace(text);
        assert_eq!(namespace.special_use(), Some(kind), "{text}");
        assert!(namespace.check_special_use(true).is_ok());
        let error = namespace.check_special_use(false).unwrap_err();
        assert!(error.to_string().contains(text) && error.hint().is_some(), "{error}");
    }
    assert!(namespace("example.com").check_special_use(false).is_ok());
    assert!(namespace("test.example.com").check_special_use(false).is_ok());
}

#[test]
fn both_forms_are_shown() {
    assert_eq!(namespace("münchen.example").display_both(), "münchen.example (xn--mnchen-3ya.example)");
    assert_eq!(namespace("serde.rs").display_both(), "serde.rs");
    let name = QualifiedName::parse("münchen.example/a").unwrap();
    assert_eq!(name.display_both(), "münchen.example/a (xn--mnchen-3ya.example/a)");
}

#[test]
fn look_alikes_are_noticed() {
    // The second has a Cyrillic `е`, the third is Cyrillic throughout.
    assert!(namespace("sеrde.example").is_mixed_script());
    assert!(!namespace("сор.example").is_mixed_script());
    for one_script in ["serde.rs", "münchen.example", "例え.example", "serde.рф", "한국.example"] {
        assert!(!namespace(one_script).is_mixed_script(), "{one_script}");
    }
    let serde = namespace("serde.rs");
    for alike in ["serd.rs", "serdee.rs", "sarde.rs", "sedre.rs", "xserde.rs", "serde.rst", "sеrde.rs"] {
        let other = namespace(alike);
        assert!(serde.looks_like(&other) && other.looks_like(&serde), "{alike}");
    }
    assert!(namespace("сор.example").looks_like(&namespace("cop.example")));
    for other in ["serde.rs", "serde.io", "sreed.rs", "tokio.rs", "serde.serde.rs"] {
        assert!(!serde.looks_like(&namespace(other)), "{other}");
    }
}

#[test]
fn a_crate_name_follows_crates_io() {
    for fine in ["a", "serde-abc", "Serde_ABC", "a0-_", &"a".repeat(64), "testing", "com10", "cons"] {
        assert_eq!(CrateName::parse(fine).unwrap().as_str(), fine);
    }
    use CrateNameProblem as P;
    for (wrong, expected) in [
        ("", P::Empty),
        (&"a".repeat(65)[..], P::TooLong),
        ("0x", P::Start),
        ("_a", P::Start),
        ("-a", P::Start),
        ("a.b", P::Character),
        ("a/b", P::Character),
        ("a b", P::Character),
        ("é", P::Character),
        ("a\n", P::Character),
        ("ſerde", P::Character),
        ("std", P::Reserved),
        ("Core", P::Reserved),
        ("proc-macro", P::Reserved),
        ("PROC_MACRO", P::Reserved),
        ("nul", P::WindowsDevice),
        ("CON", P::WindowsDevice),
        ("Lpt1", P::WindowsDevice),
    ] {
        match CrateName::parse(wrong) {
            Err(NameError::CrateName { problem, .. }) => assert_eq!(problem, expected, "{wrong}"),
            other => panic!("{wrong}: {other:?}"),
        }
    }
}

#[test]
fn spellings_of_one_name_have_one_canonical_form() {
    let canonical = |text| CrateName::parse(text).unwrap().canonical();
    assert_eq!(canonical("Serde-Abc"), canonical("serde_abc"));
    assert_eq!(canonical("Serde-Abc").as_str(), "serde_abc");
    assert_ne!(CrateName::parse("serde-abc").unwrap(), CrateName::parse("serde_abc").unwrap());
}

#[test]
fn a_qualified_name_is_a_namespace_and_a_crate() {
    let name = QualifiedName::parse("Serde.RS/serde-Abc").unwrap();
    assert_eq!((name.namespace.as_str(), name.krate.as_str()), ("serde.rs", "serde-Abc"));
    assert_eq!(name.to_string(), "serde.rs/serde-Abc");
    assert_eq!(name.to_url_segment(), "serde.rs%2Fserde-Abc");
    for wrong in ["", "/", "serde", "serde.rs/", "/serde", "serde.rs/a/b", "serde/abc", "serde.rs%2Fabc"] {
        assert!(QualifiedName::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_spec_keeps_the_requirement_as_written() {
    let spec = QualifiedSpec::parse("serde.rs/serde-abc@1.2").unwrap();
    assert_eq!(spec.req_text(), Some("1.2"));
    assert!(spec.req.as_ref().unwrap().matches(&semver::Version::new(1, 3, 0)));
    assert_eq!(spec.to_string(), "serde.rs/serde-abc@1.2");
    let exact = QualifiedSpec::parse("serde.rs/serde-abc@=1.2.3").unwrap();
    assert!(!exact.req.unwrap().matches(&semver::Version::new(1, 2, 4)));
    assert_eq!(QualifiedSpec::parse("serde.rs/serde-abc").unwrap().req, None);
    let long = format!("serde.rs/serde-abc@{}", "1,".repeat(400));
    for wrong in ["serde.rs/serde-abc@", "serde.rs/serde-abc@latest", "serde.rs@1/serde-abc", "@1", &long] {
        assert!(QualifiedSpec::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_registry_name_is_what_cargo_takes() {
    for (domain, name) in [("serde.rs", "serde_rs"), ("a-b.example", "a-b_example"), ("0x.io", "_0x_io")] {
        assert_eq!(RegistryName::from_namespace(&namespace(domain)).as_str(), name);
    }
    for wrong in ["", "serde.rs", "0x", "-a", "a b", "a\"", "é"] {
        assert!(RegistryName::parse(wrong).is_err(), "{wrong}");
    }
    assert_eq!(RegistryName::parse("crates-io").unwrap().as_str(), "crates-io");
}

#[test]
fn an_index_url_has_one_form() {
    for (text, normal) in [
        ("sparse+https://serde.rs/cargo/index/", "sparse+https://serde.rs/cargo/index/"),
        ("sparse+https://Serde.RS/cargo/Index", "sparse+https://serde.rs/cargo/Index/"),
        ("sparse+https://serde.rs:443/", "sparse+https://serde.rs/"),
        ("sparse+https://serde.rs", "sparse+https://serde.rs/"),
        ("sparse+https://serde.rs:8443/i/", "sparse+https://serde.rs:8443/i/"),
        ("sparse+https://127.0.0.1:8443/i/", "sparse+https://127.0.0.1:8443/i/"),
        ("sparse+https://[0:0::1]:8443/i/", "sparse+https://[::1]:8443/i/"),
        ("sparse+https://registry/münchen".trim_end_matches("/münchen"), "sparse+https://registry/"),
        ("sparse+https://münchen.example/a%2Fb/", "sparse+https://xn--mnchen-3ya.example/a%2Fb/"),
    ] {
        let url = IndexUrl::parse(text).unwrap();
        assert_eq!(url.as_str(), normal, "{text}");
        assert_eq!(IndexUrl::parse(normal).unwrap(), url);
    }
    let url = IndexUrl::default_for(&namespace("serde.rs"));
    assert_eq!(url, IndexUrl::parse("sparse+https://serde.rs/cargo/index/").unwrap());
    assert_eq!(url.http_base(), "https://serde.rs/cargo/index/");
    assert_eq!(url.join("config.json"), "https://serde.rs/cargo/index/config.json");
    assert_eq!((url.host(), url.port()), ("serde.rs", 443));
    let local = IndexUrl::parse("sparse+https://[::1]:8443/").unwrap();
    assert_eq!((local.host(), local.port()), ("[::1]", 8443));
}

#[test]
fn an_index_url_of_another_kind_is_refused() {
    use IndexUrlProblem as P;
    for (text, expected) in [
        ("sparse+http://serde.rs/", P::Http),
        ("sparse+http://127.0.0.1:7979/", P::Http),
        ("sparse+http://notlocalhost/", P::Http),
        ("sparse+http://localhost.example/", P::Http),
        ("sparse+http://localhost@evil.example/", P::UserInfo),
        ("sparse+http://localhost:0/", P::Port),
        ("http://serde.rs/", P::Http),
        ("https://serde.rs/", P::NotSparse),
        ("https://github.com/rust-lang/crates.io-index", P::NotSparse),
        ("", P::NotSparse),
        ("sparse+https://serde.rs/?a", P::QueryOrFragment),
        ("sparse+https://serde.rs/#a", P::QueryOrFragment),
        ("sparse+https://user:secret@serde.rs/", P::UserInfo),
        ("sparse+https:///a/", P::Host),
        ("sparse+https://serde..rs/", P::Host),
        ("sparse+https://serde.rs./", P::Host),
        ("sparse+https://127.1/", P::Host),
        ("sparse+https://0x7f000001/", P::Host),
        ("sparse+https://[::1/", P::Host),
        ("sparse+https://serde.rs:0/", P::Port),
        ("sparse+https://serde.rs:/", P::Port),
        ("sparse+https://serde.rs:+80/", P::Port),
        ("sparse+https://serde.rs:080/", P::Port),
        ("sparse+https://serde.rs:65536/", P::Port),
        ("sparse+https://serde.rs/a//", P::Path),
        ("sparse+https://serde.rs//a/", P::Path),
        ("sparse+https://serde.rs/a/../b/", P::Path),
        ("sparse+https://serde.rs/a/%2e%2E/b/", P::Path),
        ("sparse+https://serde.rs/./", P::Path),
        ("sparse+https://serde.rs/a b/", P::Path),
        ("sparse+https://serde.rs/a\\b/", P::Path),
        ("sparse+https://serde.rs/a%2/", P::Path),
        ("sparse+https://serde.rs/{namespace}/", P::Path),
        ("sparse+https://serde.rs/é/", P::Path),
        ("sparse+https://serde.rs/index.git/", P::Git),
        ("sparse+https://serde.rs/index.git", P::Git),
        ("sparse+https://serde.rs/index.GIT/", P::Git),
        ("sparse+https://serde.rs/index%2Egit/", P::Git),
        (&format!("sparse+https://serde.rs/{}/", "a".repeat(600)), P::TooLong),
    ] {
        match IndexUrl::parse(text) {
            Err(NameError::IndexUrl { problem, .. }) => assert_eq!(problem, expected, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn serde_goes_through_the_same_door() {
    let name: QualifiedName = serde_json::from_str(r#""Serde.rs/abc""#).unwrap();
    assert_eq!(serde_json::to_string(&name).unwrap(), r#""serde.rs/abc""#);
    assert!(serde_json::from_str::<Namespace>(r#""co.uk""#).is_err());
    assert!(serde_json::from_str::<CrateName>(r#""a b""#).is_err());
    assert!(serde_json::from_str::<IndexUrl>(r#""sparse+http://a.example/""#).is_err());
}

#[test]
fn an_error_shows_little_and_escapes_it() {
    let error = Namespace::parse(&format!("\u{202e}\u{1b}[31m{}", "x".repeat(900))).unwrap_err().to_string();
    assert!(!error.contains(['\u{202e}', '\u{1b}']) && error.len() < 300, "{error}");
}

fn any_namespace() -> impl Strategy<Value = Namespace> {
    let label = "[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?|[äöüßéа-яα-ω]{1,6}|例え";
    proptest::collection::vec(label, 1..5).prop_filter_map("no namespace", |labels| {
        Namespace::parse(&format!("{}.example", labels.join("."))).ok()
    })
}

fn any_crate_name() -> impl Strategy<Value = CrateName> {
    "[A-Za-z][A-Za-z0-9_-]{0,20}".prop_filter_map("reserved", |text| CrateName::parse(&text).ok())
}

proptest! {
    #[test]
    fn what_is_shown_parses_back(namespace in any_namespace(), krate in any_crate_name()) {
        prop_assert_eq!(&Namespace::parse(&namespace.to_string()).unwrap(), &namespace);
        prop_assert_eq!(&Namespace::parse(&namespace.to_unicode()).unwrap(), &namespace);
        let registry = RegistryName::from_namespace(&namespace);
        prop_assert_eq!(&RegistryName::parse(registry.as_str()).unwrap(), &registry);
        let url = IndexUrl::default_for(&namespace);
        prop_assert_eq!(&IndexUrl::parse(url.as_str()).unwrap(), &url);
        let name = QualifiedName { namespace, krate };
        prop_assert_eq!(&QualifiedName::parse(&name.to_string()).unwrap(), &name);
    }

    // Few characters and short names, so that twins come up if there are any.
    #[test]
    fn different_namespaces_have_different_registry_names(
        domains in proptest::collection::hash_set("[a0-]{0,2}[a0](\\.[a0-]{0,2}[a0]){0,2}\\.[ab]x", 20..60)
    ) {
        let mut seen = HashMap::new();
        for namespace in domains.iter().filter_map(|text| Namespace::parse(text).ok()) {
            if let Some(twin) = seen.insert(RegistryName::from_namespace(&namespace), namespace.clone()) {
                prop_assert_eq!(twin, namespace);
            }
        }
    }

    #[test]
    fn any_text_is_answered(text in ".*") {
        let _ = (CrateName::parse(&text), RegistryName::parse(&text), QualifiedSpec::parse(&text));
        let _ = (QualifiedName::parse(&text), IndexUrl::parse(&text));
        let _ = IndexUrl::parse(&format!("sparse+https://{text}"));
        if let Ok(namespace) = Namespace::parse(&text) {
            prop_assert_eq!(&Namespace::parse(namespace.as_str()).unwrap(), &namespace);
            let _ = (namespace.display_both(), namespace.is_mixed_script());
        }
    }

    #[test]
    fn a_url_is_what_it_normalises_to(path in "[a-zA-Z0-9._~/%-]{0,20}", host in "[a-zA-Z0-9.:\\[\\]-]{0,12}") {
        if let Ok(url) = IndexUrl::parse(&format!("sparse+https://{host}/{path}")) {
            prop_assert_eq!(&IndexUrl::parse(url.as_str()).unwrap(), &url);
            prop_assert!(url.as_str().ends_with('/') && url.join("config.json").starts_with("https://"));
        }
    }
}

#[test]
fn an_index_on_this_machine_is_read_over_http_and_serves_names_of_this_machine() {
    let index = IndexUrl::parse("sparse+http://Hello.localhost:80/i").unwrap();
    assert_eq!(index.as_str(), "sparse+http://hello.localhost/i/");
    assert_eq!((index.host(), index.port(), index.is_local()), ("hello.localhost", 80, true));
    let index = IndexUrl::parse("sparse+http://localhost:7979/index/hello.localhost/").unwrap();
    assert_eq!((index.host(), index.port()), ("localhost", 7979));
    assert!(index.may_serve(&namespace("hello.localhost")) && index.may_serve(&namespace("localhost")));
    for other in ["serde.rs", "localhost.example", "hello.test"] {
        assert!(!index.may_serve(&namespace(other)), "{other}");
    }
    assert!(!IndexUrl::parse("sparse+https://localhost/i/").unwrap().is_local());
}

#[test]
fn names_below_localhost_are_allowed_apart_from_other_special_names() {
    use crate::name::SpecialUseNames::Localhost;
    assert!(namespace("hello.localhost").check_special_use(Localhost).is_ok());
    assert!(namespace("serde.rs").check_special_use(Localhost).is_ok());
    let error = namespace("hello.test").check_special_use(Localhost).unwrap_err();
    assert!(error.hint().unwrap().contains("special-use"));
    let error = namespace("hello.localhost").check_special_use(false).unwrap_err();
    assert!(error.hint().unwrap().contains("CARGO_NAMESPACES_DEV"));
}
