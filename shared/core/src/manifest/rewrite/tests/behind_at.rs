//! `serde-abc@serde.rs`: the crate first, its home behind the `@`.

use super::*;

#[test]
fn every_table_and_spelling() {
    let before = r#"[dependencies]
"foo@crates.io" = "0.3" # theirs
"serde-abc@serde.rs" = "1"
'bar@crates-io' = { version = "1", features = ["x"] }
abc = { package = "abc-core@serde.rs", version = "1" }
plain = { package = "itoa@crates.io", version = "1" }
"dotted@serde.rs".version = "2"

[dependencies."header@serde.rs"]
version = "2"

[target.'cfg(unix)'.dev-dependencies]
"unix@Serde.rs" = "~1"

[build-dependencies]
"named@serde_rs" = "1"

[workspace.dependencies]
"shared@serde.rs" = "1"
"ryu@crates.io" = "1"
"#;
    let after = r#"[dependencies]
foo = "0.3" # theirs
serde-abc = { version = "1", registry = "serde_rs" }
bar = { version = "1", features = ["x"] }
abc = { package = "abc-core", version = "1", registry = "serde_rs" }
plain = { package = "itoa", version = "1" }
dotted.version = "2"
dotted.registry = "serde_rs"

[dependencies.header]
version = "2"
registry = "serde_rs"

[target.'cfg(unix)'.dev-dependencies]
unix = { version = "~1", registry = "serde_rs" }

[build-dependencies]
named = { version = "1", registry = "serde_rs" }

[workspace.dependencies]
shared = { version = "1", registry = "serde_rs" }
ryu = "1"
"#;
    let rewritten = run(before);
    assert_eq!(rewritten.text, after);
    assert_eq!(rewritten.changes[0].why, "foo of crates.io");
    assert!(rewritten.needs.iter().all(|need| need.name.namespace.as_str() == "serde.rs"));
    assert_eq!(rewritten.needs.len(), 7);
}

#[test]
fn the_same_crate_in_both_forms_is_one_crate() {
    assert_eq!(
        text(
            "[dependencies]\n\"serde.rs/a\" = \"1\"\n[dev-dependencies]\n\"a@serde.rs\" = \"1\"\na = \"1\"\n"
        ),
        "[dependencies]\nserde-rs-a = { package = \"a\", version = \"1\", registry = \"serde_rs\" }\n\
         [dev-dependencies]\nserde-rs-a = { package = \"a\", version = \"1\", registry = \"serde_rs\" }\na = \"1\"\n"
    );
    assert!(error("[dependencies]\n\"serde.rs/a\" = \"1\"\n\"a@serde.rs\" = \"1\"\n").contains("twice"));
    assert!(error("[dependencies]\na = \"1\"\n\"a@crates.io\" = \"1\"\n").contains("twice"));
}

#[test]
fn members_inherit_and_packages_are_named() {
    assert_eq!(
        text("[dependencies]\n\"a@serde.rs\".workspace = true\n\"b@crates.io\" = { workspace = true }\n"),
        "[dependencies]\na.workspace = true\nb = { workspace = true }\n"
    );
    let package = text("[package]\nname = \"hello@example.com\"\n");
    assert!(package.starts_with("[package]\nname = \"hello\"\npublish = [\"example_com\"]\n"), "{package}");
    assert!(package.contains("namespace = \"example.com\"\n"), "{package}");
}

#[test]
fn features_patches_and_profiles() {
    let before = r#"[dependencies]
"a@serde.rs" = { version = "1", optional = true }
"b@crates.io" = { version = "1", optional = true }

[features]
one = ["dep:a@serde.rs", "b@crates.io?/std", "b@crates.io/std"]

[patch.crates-io]
"a@serde.rs" = "1"

[profile.dev.package."a@serde.rs"]
opt-level = 3

[profile.dev.package."b@crates.io@1"]
opt-level = 3

[profile.dev.package."c@1.0"]
opt-level = 3
"#;
    let after = r#"[dependencies]
a = { version = "1", registry = "serde_rs", optional = true }
b = { version = "1", optional = true }

[features]
one = ["dep:a", "b?/std", "b/std"]

[patch.crates-io]
a = { version = "1", registry = "serde_rs" }

[profile.dev.package.a]
opt-level = 3

[profile.dev.package."b@1"]
opt-level = 3

[profile.dev.package."c@1.0"]
opt-level = 3
"#;
    assert_eq!(text(before), after);
}

#[test]
fn what_means_nothing_is_refused_with_what_to_write() {
    let refused = |line: &str| {
        let error = rewrite(&format!("[dependencies]\n{line}\n"), &RewriteContext::default()).unwrap_err();
        format!("{error}; {}", error.hint().unwrap_or_default())
    };
    for (line, says) in [
        (
            "\"foo@0.3\" = \"1\"",
            "has a version behind the `@`, where the crate's home belongs; write `foo = \"0.3\"`",
        ),
        (
            "\"foo@corp\" = \"1\"",
            "names no domain behind the `@`; for a registry of Cargo's configuration, write `foo = { version = \"…\", registry = \"corp\" }`",
        ),
        ("\"foo@co.uk\" = \"1\"", "public suffix"),
        ("\"foo@\" = \"1\"", "line 2, column 1: "),
        ("\"@crates.io\" = \"1\"", "line 2, column 1: "),
        ("\"foo@serde.rs/bar\" = \"1\"", "line 2, column 1: "),
        ("\"serde.rs/foo@1\" = \"1\"", "line 2, column 1: "),
        ("\"foo@serde.rs\" = { version = \"1\", registry = \"other\" }", "contradict one another"),
        ("\"foo@crates.io\" = { version = \"1\", registry = \"serde_rs\" }", "contradict one another"),
        ("\"foo@crates.io\" = { optional = true }", "names no version"),
        ("\"foo@serde.rs\" = { package = \"other\", version = \"1\" }", "contradict one another"),
    ] {
        assert!(refused(line).contains(says), "{line}: {}", refused(line));
    }
    let known = RewriteContext {
        registries: [("serde.rs".parse().unwrap(), "corp".parse().unwrap())].into(),
        ..RewriteContext::default()
    };
    let named = rewrite("[dependencies]\n\"foo@corp\" = \"1\"\n", &known).unwrap();
    assert_eq!(named.text, "[dependencies]\nfoo = { version = \"1\", registry = \"corp\" }\n");
}
