//! What a consumer takes, because Cargo unpacks it and it does no harm here; and what it refuses all the same.

use super::*;

fn consumed(packed: &[u8]) -> Result<(Package, Vec<String>), PackageError> {
    let mut paths = Vec::new();
    let version = Version::new(1, 0, 0);
    let length = packed.len() as u64;
    let package = for_each_entry(Rules::Consume, packed, length, "demo", &version, |entry| {
        paths.push(entry.path().to_owned());
        Ok::<(), PackageError>(())
    })?;
    Ok((package, paths))
}

/// The path of the file that comes after the two of the demo, and that nobody could publish.
fn odd(archive: Archive) -> String {
    let packed = archive.gz();
    demo(&packed).expect_err("it can be published");
    let (package, mut paths) = consumed(&packed).unwrap_or_else(|error| panic!("{error}"));
    assert!(package.odd.count > 0 && !package.odd.first.is_empty());
    assert_eq!(paths.len(), 3, "{paths:?}");
    paths.pop().unwrap()
}

fn harmful(archive: Archive) -> PackageError {
    let packed = archive.gz();
    demo(&packed).expect_err("it can be published");
    consumed(&packed).expect_err("it was taken")
}

fn file(path: &[u8]) -> Archive {
    Archive::demo().entry(EntryType::Regular, path, b"")
}

#[test]
fn an_honest_package_has_nothing_odd() {
    assert_eq!(consumed(&Archive::demo().gz()).unwrap().0.odd, Odd::default());
}

#[cfg(unix)]
#[test]
fn names_that_do_not_work_on_other_systems() {
    for path in [
        "con.rs",
        "aux/x.rs",
        "a:b",
        "what?.md",
        "end.",
        "end ",
        "CARGO~1.TOM",
        "SRC/lib.rs",
        "src/Lib.rs",
        "a\\b",
        "a\nb",
        "\u{202e}x",
    ] {
        assert_eq!(odd(file(format!("{TOP}/{path}").as_bytes())), path);
    }
    for path in ["x".repeat(200), "deep/".repeat(100) + "x"] {
        assert_eq!(odd(Archive::demo().long(&format!("{TOP}/{path}"), b"")), path);
    }
}

#[test]
fn paths_that_could_be_shorter_are_shortened_as_cargo_does() {
    assert_eq!(odd(file(b"demo-1.0.0//x")), "x");
    assert_eq!(odd(file(b"demo-1.0.0/a/./b")), "a/b");
    assert_eq!(odd(file(b"demo-1.0.0/a\0b")), "a");
}

#[test]
fn headers_of_other_tars() {
    let edited = |edit: &dyn Fn(&mut [u8; 512])| {
        odd(Archive::demo().edited(EntryType::Regular, b"demo-1.0.0/x", b"12345", |header| {
            edit(header.as_mut_bytes());
        }))
    };
    // A mode of zeros, the old form, sizes in base 256 and after spaces.
    assert_eq!(edited(&|header| header[100..108].fill(0)), "x");
    assert_eq!(edited(&|header| header[257..265].fill(0)), "x");
    assert_eq!(edited(&|header| header[124..136].copy_from_slice(b"\x80\0\0\0\0\0\0\0\0\0\0\x05")), "x");
    assert_eq!(edited(&|header| header[124..136].copy_from_slice(b"          5\0")), "x");
    assert_eq!(edited(&|header| header[156] = b'7'), "x");
    let long = |name: &[u8]| Archive::demo().entry(EntryType::GNULongName, b"long", name);
    assert_eq!(odd(long(b"demo-1.0.0/y").file("demo-1.0.0/x", b"")), "y");
    let target = Archive::demo().entry(EntryType::GNULongLink, b"././@LongLink", b"/etc/passwd\0");
    assert_eq!(odd(target.file("demo-1.0.0/x", b"")), "x");
}

#[test]
fn pax_headers_that_all_read_alike() {
    let pax = |records: &[u8]| Archive::demo().entry(EntryType::XHeader, b"PaxHeaders/x", records);
    assert_eq!(odd(pax(b"20 mtime=1700000000\n").file("demo-1.0.0/x", b"")), "x");
    assert_eq!(odd(pax(b"21 path=demo-1.0.0/y\n").file("demo-1.0.0/x", b"")), "y");
    assert_eq!(odd(pax(b"10 size=5\n").file("demo-1.0.0/x", b"12345")), "x");
}

#[test]
fn directories_in_every_form() {
    let directory = |kind: u8, path: &[u8]| {
        let archive = Archive::demo().edited(EntryType::Regular, path, b"", |header| {
            header.as_mut_bytes()[156] = kind;
        });
        archive.file("demo-1.0.0/x", b"")
    };
    assert_eq!(odd(directory(0, b"demo-1.0.0/d/")), "x");
    assert_eq!(
        odd(directory(b'5', b"demo-1.0.0/d/").entry(EntryType::Directory, b"demo-1.0.0/d/", b"")),
        "x"
    );
}

#[test]
fn what_stands_behind_the_end_is_not_read() {
    let taken = |packed: &[u8]| {
        demo(packed).expect_err("it can be published");
        let (package, paths) = consumed(packed).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((paths.len(), package.odd.count), (2, 1));
    };
    taken(&Archive::demo().gz_without_end());
    taken(&Archive::demo().raw(&[0; 1024]).file("demo-1.0.0/build.rs", b"").gz());
    taken(&[&Archive::demo().gz()[..], b"PK\x03\x04"].concat());
    taken(&[Archive::demo().gz(), gzip(b"more")].concat());
}

#[test]
fn a_file_that_cargo_does_not_unpack_is_left_out() {
    let archive = Archive::demo().file("demo-1.0.0/src/.cargo-ok", b"ok").file("demo-1.0.0/x", b"");
    assert_eq!(odd(archive), "x");
}

/// Several crates of 2015 have their manifest or change log twice.
#[test]
fn a_file_that_comes_again_with_the_same_content_is_taken() {
    let archive = Archive::demo().file("demo-1.0.0/CHANGES", b"1").file("demo-1.0.0/CHANGES", b"1");
    assert_eq!(odd(archive.file("demo-1.0.0/Cargo.toml", MANIFEST.as_bytes())), "CHANGES");
    let archive = Archive::demo().file("demo-1.0.0/CHANGES", b"1").file("demo-1.0.0/CHANGES", b"2");
    assert!(matches!(harmful(archive), PackageError::Entry { rule: EntryRule::Duplicate, .. }));
}

#[test]
fn harm_is_refused() {
    let cases: [(&str, Archive); 17] = [
        ("symlink", Archive::demo().entry(EntryType::Symlink, b"demo-1.0.0/x", b"")),
        ("hard link", Archive::demo().entry(EntryType::Link, b"demo-1.0.0/x", b"")),
        ("device", Archive::demo().entry(EntryType::Block, b"demo-1.0.0/x", b"")),
        ("named pipe", Archive::demo().entry(EntryType::Fifo, b"demo-1.0.0/x", b"")),
        ("sparse", Archive::demo().entry(EntryType::GNUSparse, b"demo-1.0.0/x", b"")),
        ("unknown to POSIX", Archive::demo().entry(EntryType::new(b'M'), b"demo-1.0.0/x", b"")),
        ("up", file(b"demo-1.0.0/../x")),
        ("absolute", file(b"/demo-1.0.0/x")),
        ("elsewhere", file(b"other-1.0.0/x")),
        ("reserved", file(b"demo-1.0.0/.cargo-ok")),
        ("reserved", file(b"demo-1.0.0/.cargo-checksum.json")),
        ("two manifests", file(b"demo-1.0.0/cargo.toml")),
        ("two manifests", file(b"demo-1.0.0/CARGO.TOML")),
        ("twice", file(b"demo-1.0.0/src/lib.rs")),
        ("file and directory", file(b"demo-1.0.0/src")),
        ("no text", file(b"demo-1.0.0/\xff")),
        ("too long", Archive::demo().long(&format!("{TOP}/{}", "x".repeat(256)), b"")),
    ];
    for (what, archive) in cases {
        println!("{what}: {}", harmful(archive));
    }
    let pax = |records: &[u8]| Archive::demo().entry(EntryType::XHeader, b"PaxHeaders/x", records);
    for records in
        [&b"13 size=1024\n"[..], b"22 GNU.sparse.major=1\n", b"21 path=demo-1.0.0/y\n21 path=demo-1.0.0/z\n"]
    {
        harmful(pax(records).file("demo-1.0.0/x", b""));
    }
    harmful(pax(b"21 path=/etc/cron.d/x\n").file("demo-1.0.0/x", b""));
    // Some readers take the prefix for part of the path.
    harmful(Archive::demo().edited(EntryType::Regular, b"demo-1.0.0/x", b"", |header| {
        header.as_mut_bytes()[257..265].copy_from_slice(b"ustar\0\0\0");
        header.as_mut_bytes()[345] = b'a';
    }));
}

#[test]
fn the_size_that_a_large_archive_may_unpack_to_is_cargos() {
    assert_eq!(Rules::Consume.max_unpacked(0), 512 << 20);
    assert_eq!(Rules::Consume.max_unpacked(100 << 20), 2000 << 20);
    assert_eq!(Rules::Publish.max_unpacked(100 << 20), 512 << 20);
}

#[test]
fn names_that_windows_takes_for_others_are_harm_there() {
    for rule in [
        EntryRule::WindowsDevice("con".to_owned()),
        EntryRule::WindowsCharacter(':'),
        EntryRule::WindowsShortName("CARGO~1.TOM".to_owned()),
        EntryRule::TrailingDotOrSpace,
        EntryRule::Backslash,
    ] {
        assert!(rule.does_harm(true) && !rule.does_harm(false), "{rule}");
    }
}

#[test]
fn the_oldest_manifests_and_their_spaces_are_read() {
    let manifest = MANIFEST.replace("[package]", "[project]").replace("\"1.0.0\"", "\" 1.0.0 \"");
    consumed(&Archive::with_manifest(&manifest).gz()).unwrap();
}
