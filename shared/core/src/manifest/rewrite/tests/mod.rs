mod behind_at;
mod package;

use super::*;
use crate::manifest::ManifestInfo;
use proptest::prelude::*;

fn run(text: &str) -> Rewrite {
    let rewritten =
        rewrite(text, &RewriteContext::default()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let again = rewrite(&rewritten.text, &RewriteContext::default()).unwrap();
    assert_eq!((again.text.as_str(), again.changes.len()), (rewritten.text.as_str(), 0), "not idempotent");
    assert!(!ManifestInfo::parse(&rewritten.text).unwrap().has_notation());
    rewritten
}

fn text(before: &str) -> String {
    run(before).text
}

fn error(before: &str) -> String {
    rewrite(before, &RewriteContext::default()).unwrap_err().to_string()
}

#[test]
fn every_spelling_of_a_dependency() {
    let before = r#"[dependencies]
"serde.rs/serde-abc" = "1" # why
'serde.rs/inline' = { version = '1.2', features = ["x"], optional = true } # c
"serde.rs/dotted".version = "1"
"serde.rs/dotted".features = ["a"]
"serde.rs/multi" = {
  version = "1", # v
  default-features = false,
}
plain = "1"

[dependencies."serde.rs/header"] # h
# about the version
version = "2"
default-features = false

[target.'cfg(unix)'.dev-dependencies]
  "serde.rs/unix" = "~1"

[build_dependencies]
"serde.rs/build" = { version = "1" }
"#;
    let after = r#"[dependencies]
serde-abc = { version = "1", registry = "serde_rs" } # why
inline = { version = '1.2', registry = "serde_rs", features = ["x"], optional = true } # c
dotted.version = "1"
dotted.registry = "serde_rs"
dotted.features = ["a"]
multi = {
  version = "1", registry = "serde_rs", # v
  default-features = false,
}
plain = "1"

[dependencies.header] # h
# about the version
version = "2"
registry = "serde_rs"
default-features = false

[target.'cfg(unix)'.dev-dependencies]
  unix = { version = "~1", registry = "serde_rs" }

[build_dependencies]
build = { version = "1", registry = "serde_rs" }
"#;
    let rewritten = run(before);
    assert_eq!(rewritten.text, after);
    let needs: Vec<_> =
        rewritten.needs.iter().map(|need| (need.name.to_string(), need.table.as_str())).collect();
    assert_eq!(needs[6], ("serde.rs/unix".to_owned(), "[target.'cfg(unix)'.dev-dependencies]"));
    assert!(rewritten.needs.iter().all(QualifiedDependency::needs_discovery));
    let first = &rewritten.changes[0];
    assert_eq!((first.line, first.before.as_str()), (2, "\"serde.rs/serde-abc\" = \"1\" # why"));
    assert_eq!(first.after, "serde-abc = { version = \"1\", registry = \"serde_rs\" } # why");
    assert_eq!(first.why, "serde-abc of the namespace serde.rs");
}

#[test]
fn crlf_stays_crlf_and_the_last_line_stays_open() {
    let before = "[dependencies]\r\n\"serde.rs/a\".version = \"1\"";
    assert_eq!(text(before), "[dependencies]\r\na.version = \"1\"\r\na.registry = \"serde_rs\"");
}

#[test]
fn dependencies_in_tables_that_are_inline_or_dotted() {
    assert_eq!(
        text("dependencies = { \"serde.rs/a\" = \"1\", \"serde.rs/b\".version = \"2\" }\n"),
        "dependencies = { a = { version = \"1\", registry = \"serde_rs\" }, b.version = \"2\", b.registry = \"serde_rs\" }\n"
    );
    assert_eq!(
        text("[target]\n'cfg(unix)'.dependencies.\"serde.rs/a\".version = \"1\"\n"),
        "[target]\n'cfg(unix)'.dependencies.a.version = \"1\"\n'cfg(unix)'.dependencies.a.registry = \"serde_rs\"\n"
    );
    assert_eq!(
        text("[workspace]\ndependencies.'serde.rs/a' = \"1\"\n"),
        "[workspace]\ndependencies.a = { version = \"1\", registry = \"serde_rs\" }\n"
    );
}

#[test]
fn a_dotted_key_scattered_over_the_table_is_renamed_everywhere() {
    assert_eq!(
        text("[dependencies]\n\"0x.io/a\".optional = true\nb = \"1\"\n\"0x.io/a\".version = \"1\"\n"),
        "[dependencies]\na.optional = true\nb = \"1\"\na.version = \"1\"\na.registry = \"_0x_io\"\n"
    );
}

#[test]
fn a_taken_name_gets_a_key_of_both_names_and_features_follow() {
    let before = r#"[dependencies]
"serde.rs/serde_abc" = { version = "1", optional = true }
"grep.rs/serde-abc" = "2"

[dev-dependencies]
serde-abc = "1"
"serde.rs/serde_abc" = "1"

[features]
one = ["dep:serde.rs/serde_abc", "serde.rs/serde_abc?/std", "grep.rs/serde-abc/x", "serde-abc/y"]
"#;
    let after = r#"[dependencies]
serde-rs-serde_abc = { version = "1", package = "serde_abc", registry = "serde_rs", optional = true }
grep-rs-serde-abc = { package = "serde-abc", version = "2", registry = "grep_rs" }

[dev-dependencies]
serde-abc = "1"
serde-rs-serde_abc = { package = "serde_abc", version = "1", registry = "serde_rs" }

[features]
one = ["dep:serde-rs-serde_abc", "serde-rs-serde_abc?/std", "grep-rs-serde-abc/x", "serde-abc/y"]
"#;
    let rewritten = run(before);
    assert_eq!(rewritten.text, after);
    assert_eq!(
        rewritten.changes[0].why,
        "`serde_abc` is another crate here; the code calls this one `serde_rs_serde_abc`"
    );
}

#[test]
fn of_two_namespaces_the_first_in_the_text_keeps_the_bare_name() {
    assert_eq!(
        text("[dependencies]\n\"b.example.com/x\" = \"1\"\n\"a.example.com/x\" = \"1\"\n"),
        "[dependencies]\nx = { version = \"1\", registry = \"b_example_com\" }\n\
         a-example-com-x = { package = \"x\", version = \"1\", registry = \"a_example_com\" }\n"
    );
}

#[test]
fn renamed_dependencies_keep_their_key() {
    assert_eq!(
        text(
            "[dependencies]\nabc = { package = \"serde.rs/serde-abc\", version = \"1\" }\n[features]\nf = [\"abc/x\", \"serde.rs/serde-abc/y\"]\n"
        ),
        "[dependencies]\nabc = { package = \"serde-abc\", version = \"1\", registry = \"serde_rs\" }\n[features]\nf = [\"abc/x\", \"abc/y\"]\n"
    );
    assert_eq!(
        text(
            "[dependencies]\nabc = { version = \"1\", registry = \"serde.rs\" }\nd = { version = \"1\", registry = \"crates.io\" }\n"
        ),
        "[dependencies]\nabc = { version = \"1\", registry = \"serde_rs\" }\nd = { version = \"1\", registry = \"crates-io\" }\n"
    );
}

#[test]
fn features_in_every_form() {
    let before = r#"[dependencies]
"serde.rs/serde-abc" = { version = "1", optional = true }
[features]
a = ["serde.rs/serde-abc"] # implicit
b = [
    "dep:serde.rs/serde-abc", # first
    'serde.rs/serde-abc/std',
]
[[bin]]
name = "x"
required-features = ["serde.rs/serde-abc", "a"]
[[bin]]
name = "y"
required-features = ["serde.rs/serde-abc"]
"#;
    let after = before
        .replace(
            "\"serde.rs/serde-abc\" = { version = \"1\",",
            "serde-abc = { version = \"1\", registry = \"serde_rs\",",
        )
        .replace("'serde.rs/serde-abc/std'", "\"serde-abc/std\"")
        .replace("serde.rs/", "");
    assert_eq!(text(before), after);
}

#[test]
fn a_feature_of_the_bare_name_does_not_turn_into_a_circle() {
    let dependency = "[dependencies]\n\"serde.rs/x\" = { version = \"1\", optional = true }\n[features]\n";
    let after =
        "[dependencies]\nx = { version = \"1\", registry = \"serde_rs\", optional = true }\n[features]\n";
    assert_eq!(text(&format!("{dependency}x = [\"serde.rs/x\"]\n")), format!("{after}x = [\"dep:x\"]\n"));
    assert_eq!(
        text(&format!("{dependency}\"serde.rs/x\" = [\"dep:serde.rs/x\"]\nall = [\"serde.rs/x\"]\n")),
        format!("{after}x = [\"dep:x\"]\nall = [\"x\"]\n")
    );
    assert_eq!(
        error(&format!("{dependency}\"serde.rs/x\" = [\"dep:serde.rs/x\"]\nx = []\n")),
        "line 4, column 1: the feature `serde.rs/x` would be called `x`, and there is such a feature already"
    );
}

#[test]
fn a_feature_added_after_a_rewriting_finds_the_dependency() {
    assert_eq!(
        text(
            "[dependencies]\nk = { package = \"x\", version = \"1\", registry = \"serde_rs\" }\n[features]\nf = [\"serde.rs/x/y\"]\n"
        ),
        "[dependencies]\nk = { package = \"x\", version = \"1\", registry = \"serde_rs\" }\n[features]\nf = [\"k/y\"]\n"
    );
    assert_eq!(
        error("[dependencies]\nx = \"1\"\n[features]\nf = [\"serde.rs/x/y\"]\n"),
        "line 4, column 6: the feature entry `serde.rs/x/y` names a crate that is not among the dependencies"
    );
}

#[test]
fn a_workspace_and_its_members_agree_on_keys() {
    let root = run(
        "[workspace.dependencies]\n\"a.example.com/x\" = \"1\"\n\"b.example.com/x\" = { version = \"1\", path = \"x\" }\n\
                    y = { version = \"1\", registry = \"c_example_com\" }\n",
    );
    let keys: Vec<_> = root.workspace_keys.iter().map(|(name, key)| format!("{name} {key}")).collect();
    assert_eq!(keys, ["a.example.com/x x", "b.example.com/x b-example-com-x", "c.example.com/y y"]);
    assert!(root.needs[1].has_path && !root.needs[1].needs_discovery());
    let context = RewriteContext { workspace_keys: root.workspace_keys, ..RewriteContext::default() };
    let member = "[dependencies]\n\"b.example.com/x\" = { workspace = true, features = [\"f\"] }\n'a.example.com/x'.workspace = true\n\
                  [features]\nf = [\"b.example.com/x/g\"]\n";
    let rewritten = rewrite(member, &context).unwrap();
    assert_eq!(
        rewritten.text,
        "[dependencies]\nb-example-com-x = { workspace = true, features = [\"f\"] }\nx.workspace = true\n[features]\nf = [\"b-example-com-x/g\"]\n"
    );
    assert!(rewritten.needs.iter().all(|need| need.inherited && !need.needs_discovery()));
    let taken = "[dependencies]\nx = \"1\"\n[dev-dependencies]\n\"a.example.com/x\" = { workspace = true }\n";
    let problem = rewrite(taken, &context).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "line 4, column 1: `a.example.com/x` is inherited as `x`, and another dependency has that name here"
    );
    assert!(problem.hint().is_some());
}

#[test]
fn a_root_package_inherits_from_its_own_table() {
    assert_eq!(
        text(
            "[dependencies]\n\"serde.rs/x\".workspace = true\n[workspace.dependencies]\nx = \"1\"\n\"serde.rs/x\" = \"1\"\n"
        ),
        "[dependencies]\nserde-rs-x.workspace = true\n[workspace.dependencies]\nx = \"1\"\n\
         serde-rs-x = { package = \"x\", version = \"1\", registry = \"serde_rs\" }\n"
    );
}

#[test]
fn patch_replace_and_profile_keys() {
    let before = r#"[patch."serde.rs"]
"serde.rs/a" = { path = "../a" }
b = { git = "https://git.example/b" }
[patch.crates-io]
"serde.rs/c" = "1"
[patch."https://git.example/x"]
d = { path = "d" }
[replace]
"serde.rs/e:1.0.0" = { path = "e" }
[profile.dev.package."serde.rs/f"]
opt-level = 3
"#;
    let after = r#"[patch.serde_rs]
a = { path = "../a" }
b = { git = "https://git.example/b" }
[patch.crates-io]
c = { version = "1", registry = "serde_rs" }
[patch."https://git.example/x"]
d = { path = "d" }
[replace]
"e:1.0.0" = { path = "e" }
[profile.dev.package.f]
opt-level = 3
"#;
    let rewritten = run(before);
    assert_eq!(rewritten.text, after);
    assert_eq!(rewritten.needs.iter().filter(|need| need.needs_discovery()).count(), 1);
    assert!(
        error("[patch.crates-io]\n\"serde.rs/c\" = { path = \"c\" }\n")
            .contains("does not say which registry")
    );
    let text = "[patch.crates-io]\n\"foo@crates.io\" = { path = \"foo\" }\n";
    let hint = rewrite(text, &RewriteContext::default()).unwrap_err().hint().unwrap();
    assert_eq!(hint, "put `foo = …`, without a registry, under `[patch.crates-io]`");
}

#[test]
fn git_dependencies_get_no_registry() {
    let rewritten = run("[dependencies]\n\"serde.rs/a\" = { git = \"https://git.example/a\" }\n");
    assert_eq!(rewritten.text, "[dependencies]\na = { git = \"https://git.example/a\" }\n");
    assert_eq!(rewritten.notes.len(), 1);
    assert!(rewritten.needs[0].has_git);
}

#[test]
fn the_users_registry_names_are_used() {
    let namespace = Namespace::parse("serde.rs").unwrap();
    let registries = [(namespace.clone(), RegistryName::parse("corp").unwrap())].into();
    let context = RewriteContext { registries, ..RewriteContext::default() };
    let rewritten =
        rewrite("[dependencies]\n\"serde.rs/a\" = { version = \"1\", registry = \"corp\" }\n", &context)
            .unwrap();
    assert_eq!(rewritten.text, "[dependencies]\na = { version = \"1\", registry = \"corp\" }\n");
    assert_eq!(context.namespace_of("corp"), Some(namespace));
    assert_eq!(context.namespace_of("serde_rs"), None);
    assert_eq!(context.namespace_of("_0x_io").unwrap().as_str(), "0x.io");
}

#[test]
fn contradictions_are_refused_with_their_place() {
    let cases = [
        (
            "\"serde.rs/a\" = { version = \"1\", registry = \"other\" }",
            "`serde.rs/a` and `registry = \"other\"` contradict",
        ),
        (
            "\"serde.rs/a\" = { version = \"1\", package = \"b\" }",
            "`serde.rs/a` and `package = \"b\"` contradict",
        ),
        (
            "\"serde.rs/a\" = { version = \"1\", registry-index = \"u\" }",
            "`registry-index = \"u\"` contradict",
        ),
        ("\"serde.rs/a\" = { version = \"1\", git = \"u\" }", "Cargo takes only one"),
        ("\"serde.rs/a\" = { features = [] }", "`serde.rs/a` names no version"),
        ("\"serde.rs/a/b\" = \"1\"", "is not a crate name"),
        ("\"serde/a\" = \"1\"", "is not a namespace"),
        ("\"github.io/a\" = \"1\"", "is not a namespace"),
    ];
    for (line, expected) in cases {
        let message = error(&format!("[dependencies]\n  {line}\n"));
        assert!(message.starts_with("line 2, column 3: ") && message.contains(expected), "{message}");
    }
    let twice =
        error("[dependencies]\n\"serde.rs/a\" = \"1\"\na = { version = \"1\", registry = \"serde_rs\" }\n");
    assert_eq!(twice, "line 2, column 1: `serde.rs/a` is there twice in one table");
    let organizations = error("[package]\nname = \"example.com/a\"\norganization = \"example.org\"\n");
    assert!(organizations.starts_with("line 2, column 1: `name = \"example.com/a\"` and"), "{organizations}");
    assert_eq!(
        error("[package]\nname =\n"),
        "invalid TOML at line 2, column 7: string values must be quoted, expected literal string"
    );
}

#[test]
fn odd_but_valid_manifests_do_not_crash() {
    for odd in [
        "",
        "\u{feff}",
        "package = 3",
        "[package]\nname.workspace = true",
        "dependencies = []",
        "[dependencies]\na = 1\nb = [2]",
        "[features]\na = 1",
        "[[dependencies]]\n\"serde.rs/a\" = \"1\"",
        "[[patch.crates-io]]",
        "target = 'x'",
        "[package.name]\nx = 1",
        "[[package]]\nname = \"a.b/c\"\n[[package]]\nname = \"d.e/f\"",
        "cargo-features = []",
        "cargo-features = 'domain-namespaces'",
        "[dependencies.\"serde.rs/a\".version]\nx = 1",
    ] {
        let _ = rewrite(odd, &RewriteContext::default());
        let _ = ManifestInfo::parse(odd);
    }
}

/// Manifests whose sections hold some of these lines each, in some order.
fn any_manifest() -> impl Strategy<Value = String> {
    let section = |header: &'static str, lines: &[&'static str]| {
        let lines = lines.to_vec();
        let count = lines.len();
        (prop::sample::subsequence(lines, 0..=count.min(4)).prop_shuffle(), any::<bool>()).prop_map(
            move |(lines, there)| match there {
                true => [&[header][..], &lines[..]].concat(),
                false => Vec::new(),
            },
        )
    };
    let entries = [
        "",
        "# note",
        "\"serde.rs/a\" = \"1\" # a",
        "  'serde.rs/b' = { version = '2', optional = true }",
        "\"serde.rs/c\".version = \"1\"",
        "\"serde.rs/c\".optional = true",
        "\"grep.rs/a\" = \"1\"",
        "\"serde.rs/e\" = { path = \"e\", version = \"1\" }",
        "a_ = \"1\"",
        "a = \"1\"",
        "b = { path = \"b\" }",
        "\"serde.rs/d\" = { workspace = true }",
        "k = { package = \"serde.rs/k\", version = \"1\" }",
        "z = { version = \"1\", registry = \"serde.rs\" }",
    ];
    let package = [
        "# us",
        "name = \"example.com/n\"",
        "organization = \"example.com\" # us",
        "default_registry = \"crates.io\"",
        "publish = true",
        "metadata.x = 1",
        "version = \"1.0.0\"",
    ];
    let features =
        ["f = [\"serde.rs/a/x\"]", "g = [ # many\n  'dep:serde.rs/b', 'serde.rs/c?/q',\n]", "a = []", "# f"];
    let sections = (
        section("cargo-features = [\"domain-namespaces\"]", &["", "# top"]),
        section("[package]", &package),
        section("[dependencies]", &entries),
        section("[dev-dependencies]", &entries),
        section("[target.'cfg(unix)'.build-dependencies] # t", &entries),
        section(
            "[dependencies.\"serde.rs/h\"]",
            &["version = \"1\"", "# h", "optional = true", "path = \"h\""],
        ),
        section("[workspace.dependencies]", &entries[..11]),
        section("[features]", &features),
        section("[patch.\"serde.rs\"]", &["\"serde.rs/a\" = { path = \"a\" }", "b = { path = \"b\" }"]),
    );
    (sections, any::<bool>(), any::<bool>()).prop_map(|(sections, crlf, ends)| {
        let (a, b, c, d, e, f, g, h, i) = sections;
        let mut text = [a, b, c, d, e, f, g, h, i].concat().join("\n");
        if ends {
            text.push('\n');
        }
        if crlf { text.replace('\n', "\r\n") } else { text }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn rewriting_is_idempotent_and_touches_only_what_it_tells(text in any_manifest()) {
        let outcome = rewrite(&text, &RewriteContext::default());
        prop_assert!(!matches!(outcome, Err(RewriteError::Splice(_))), "{outcome:?}");
        if let Ok(once) = outcome {
            let twice = rewrite(&once.text, &RewriteContext::default());
            let twice = twice.map_err(|error| TestCaseError::fail(format!("{error} in {}", once.text)))?;
            prop_assert_eq!(&twice.text, &once.text);
            prop_assert!(twice.changes.is_empty());
            prop_assert_eq!(once.changes.is_empty(), once.text == text);
            let noticed = ManifestInfo::parse(&text).unwrap().has_notation();
            prop_assert_eq!(noticed, !once.changes.is_empty());
            // Lines that no change names are there still, in their order, byte for byte.
            let told: BTreeSet<usize> = once.changes.iter()
                .filter(|change| !change.before.is_empty() || change.after.is_empty())
                .flat_map(|change| change.line..change.line + change.before.matches('\n').count() + 1)
                .collect();
            let mut rest = once.text.as_str();
            for (number, line) in text.split_inclusive('\n').enumerate() {
                if told.contains(&(number + 1)) {
                    continue;
                }
                let line = if line.ends_with('\n') { line } else { line.trim_end_matches('\r') };
                let found = rest.find(line);
                prop_assert!(found.is_some(), "line {} {:?} of {:?} is gone: {:?}", number + 1, line, text, once.text);
                rest = &rest[found.unwrap() + line.len()..];
            }
            if text.contains("\r\n") {
                prop_assert_eq!(once.text.matches('\n').count(), once.text.matches("\r\n").count());
            }
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in "[\\[\\]\"a-z./=#, \\n\\r{}']{0,120}") {
        let _ = rewrite(&text, &RewriteContext::default());
        let _ = ManifestInfo::parse(&text);
    }
}
