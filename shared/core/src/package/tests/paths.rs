//! Paths, by themselves and beside each other.

use super::*;

#[test]
fn path_traversal() {
    for path in ["demo-1.0.0/../x", "demo-1.0.0/..", "../x", "./demo-1.0.0/x"] {
        assert_eq!(path_rule(path.as_bytes()), EntryRule::Traversal, "{path}");
    }
    for path in ["demo-1.0.0/a/./b", "demo-1.0.0//x"] {
        assert_eq!(path_rule(path.as_bytes()), EntryRule::NotNormal, "{path}");
    }
}

#[test]
fn absolute_path_and_drive_prefix() {
    assert_eq!(path_rule(b"/etc/passwd"), EntryRule::Traversal);
    assert_eq!(path_rule(b""), EntryRule::Traversal);
    assert_eq!(path_rule(b"C:/windows"), EntryRule::WindowsCharacter(':'));
    assert_eq!(path_rule(b"demo-1.0.0/C:evil"), EntryRule::WindowsCharacter(':'));
    assert_eq!(path_rule(b"demo-1.0.0/a.rs:stream"), EntryRule::WindowsCharacter(':'));
}

#[test]
fn backslash_path() {
    assert_eq!(path_rule(br"demo-1.0.0/..\..\x"), EntryRule::Backslash);
}

#[test]
fn wrong_top_folder() {
    for path in ["other-1.0.0/x", "demo-1.0.0-x/x", "Demo-1.0.0/x", "x", "demo-1.0.0"] {
        assert_eq!(path_rule(path.as_bytes()), EntryRule::OutsideTop(TOP.to_owned()), "{path}");
    }
    let directory = Archive::demo().entry(EntryType::Directory, b"elsewhere/", b"");
    assert_eq!(rule(directory), EntryRule::OutsideTop(TOP.to_owned()));
}

#[test]
fn control_and_bidi_characters_in_a_path() {
    for path in
        ["demo-1.0.0/a\nb", "demo-1.0.0/\u{1b}[2J", "demo-1.0.0/\u{202e}sr.bil", "demo-1.0.0/a\u{200b}"]
    {
        assert_eq!(path_rule(path.as_bytes()), EntryRule::ControlCharacter, "{path:?}");
    }
    let shown = refused(Archive::demo().file("demo-1.0.0/\u{1b}[2J", b"")).to_string();
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}

#[test]
fn path_that_is_not_utf8() {
    assert_eq!(path_rule(b"demo-1.0.0/\xff"), EntryRule::NotUtf8);
}

#[test]
fn windows_device_names() {
    assert_eq!(path_rule(b"demo-1.0.0/src/aux.rs"), EntryRule::WindowsDevice("aux.rs".to_owned()));
    assert_eq!(path_rule(b"demo-1.0.0/NUL/x"), EntryRule::WindowsDevice("NUL".to_owned()));
}

#[test]
fn names_that_windows_shortens() {
    assert_eq!(path_rule(b"demo-1.0.0/Cargo.toml."), EntryRule::TrailingDotOrSpace);
    assert_eq!(path_rule(b"demo-1.0.0/src /lib.rs"), EntryRule::TrailingDotOrSpace);
}

#[test]
fn windows_short_names() {
    assert_eq!(path_rule(b"demo-1.0.0/CARGO~1.TOM"), EntryRule::WindowsShortName("CARGO~1.TOM".to_owned()));
    assert_eq!(path_rule(b"demo-1.0.0/src~1/x"), EntryRule::WindowsShortName("src~1".to_owned()));
}

#[test]
fn cargo_ok_and_cargo_checksum() {
    for path in [
        "demo-1.0.0/.cargo-ok",
        "demo-1.0.0/.cargo-checksum.json",
        "demo-1.0.0/.Cargo-OK",
        "demo-1.0.0/.cargo-ok/x",
    ] {
        assert_eq!(path_rule(path.as_bytes()), EntryRule::Reserved, "{path}");
    }
    assert_eq!(path_rule(b"demo-1.0.0/src/.cargo-ok"), EntryRule::NotUnpacked);
}

#[test]
fn very_long_paths() {
    let deep = format!("{TOP}/{}", "abcdefg/".repeat(40) + "x");
    assert_eq!(rule(Archive::demo().long(&deep, b"")), EntryRule::PathTooLong);
    let endless = format!("{TOP}/{}", "abcdefg/".repeat(100_000));
    assert_eq!(rule(Archive::demo().long(&endless, b"")), EntryRule::PathTooLong);
    let component = format!("{TOP}/{}", "x".repeat(150));
    assert_eq!(rule(Archive::demo().long(&component, b"")), EntryRule::ComponentTooLong);
}

#[test]
fn duplicate_path() {
    assert_eq!(path_rule(b"demo-1.0.0/src/lib.rs"), EntryRule::Duplicate);
    assert_eq!(path_rule(b"demo-1.0.0/Cargo.toml"), EntryRule::Duplicate);
}

#[test]
fn cargo_toml_beside_its_case_twin() {
    assert_eq!(path_rule(b"demo-1.0.0/cargo.toml"), EntryRule::CaseTwin("Cargo.toml".to_owned()));
}

#[test]
fn names_equal_but_for_case_or_unicode_form() {
    assert_eq!(path_rule(b"demo-1.0.0/SRC/other.rs"), EntryRule::CaseTwin("src".to_owned()));
    let twins = |one: &str, other: &str| {
        rule(Archive::demo().file(&format!("{TOP}/{one}"), b"").file(&format!("{TOP}/{other}"), b""))
    };
    assert_eq!(twins("Ä.rs", "ä.rs"), EntryRule::CaseTwin("Ä.rs".to_owned()));
    assert_eq!(twins("é.rs", "e\u{301}.rs"), EntryRule::CaseTwin("é.rs".to_owned()));
}

#[test]
fn file_where_a_directory_is_needed() {
    assert_eq!(path_rule(b"demo-1.0.0/src"), EntryRule::FileAndDirectory);
    assert_eq!(path_rule(b"demo-1.0.0/src/lib.rs/x"), EntryRule::FileAndDirectory);
    let directory = Archive::demo().entry(EntryType::Directory, b"demo-1.0.0/Cargo.toml/", b"");
    assert_eq!(rule(directory), EntryRule::FileAndDirectory);
}
