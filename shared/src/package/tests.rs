//! One test an attack, named after it. Each fails when the check that stops the attack is taken out.

use std::io::{self, BufReader, Read, Write};

use proptest::prelude::*;
use semver::Version;
use tar::EntryType;

use super::testing::{Archive, MANIFEST, TOP, gzip};
use super::*;
use crate::limits::{MAX_ENTRIES, MAX_MANIFEST};

fn demo(archive: impl BufRead) -> Result<Package, PackageError> {
    inspect(archive, "demo", &Version::new(1, 0, 0))
}

fn rule(archive: Archive) -> EntryRule {
    match demo(&archive.gz()[..]) {
        Err(PackageError::Entry { rule, .. }) => rule,
        other => panic!("no entry was refused: {other:?}"),
    }
}

fn refused(archive: Archive) -> PackageError {
    demo(&archive.gz()[..]).expect_err("the archive was accepted")
}

/// The rule that refuses a regular file of this path.
fn path_rule(path: &[u8]) -> EntryRule {
    rule(Archive::demo().entry(EntryType::Regular, path, b""))
}

// ---- What cargo package writes --------------------------------------------------------------------------------

#[test]
fn an_honest_package_is_walked_in_order() {
    let long = format!("{TOP}/src/{}/mod.rs", "deep/".repeat(20) + "module");
    let archive = Archive::demo()
        .entry(EntryType::Directory, b"demo-1.0.0/tests/", b"")
        .edited(EntryType::Regular, b"demo-1.0.0/tests/run.sh", b"#!/bin/sh\n", |header| {
            header.set_mode(0o100_755)
        })
        .long(&long, b"// deep")
        .gz();
    let mut seen = Vec::new();
    let version = Version::new(1, 0, 0);
    let package = for_each_entry(&archive[..], "demo", &version, |entry| {
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        seen.push((entry.path().to_owned(), entry.is_executable(), entry.size(), text));
        Ok::<(), PackageError>(())
    })
    .unwrap();
    let expected: Vec<(String, bool, u64, String)> = [
        ("Cargo.toml", false, MANIFEST),
        ("src/lib.rs", false, "//! A library.\n"),
        ("tests/run.sh", true, "#!/bin/sh\n"),
        (long.strip_prefix("demo-1.0.0/").unwrap(), false, "// deep"),
    ]
    .into_iter()
    .map(|(path, executable, text)| (path.to_owned(), executable, text.len() as u64, text.to_owned()))
    .collect();
    assert_eq!(seen, expected);
    assert_eq!((package.manifest.as_str(), package.files), (MANIFEST, 4));
}

#[test]
fn what_the_tar_crate_builds_is_read() {
    let mut builder = tar::Builder::new(Vec::new());
    for path in ["demo-1.0.0/Cargo.toml".to_owned(), format!("demo-1.0.0/{}/x.rs", "a/".repeat(60) + "b")] {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(MANIFEST.len() as u64);
        builder.append_data(&mut header, path, MANIFEST.as_bytes()).unwrap();
    }
    assert_eq!(demo(&gzip(&builder.into_inner().unwrap())[..]).unwrap().files, 2);
}

#[test]
fn a_version_with_build_metadata_has_it_in_the_folder_and_the_manifest() {
    let manifest = MANIFEST.replace("1.0.0", "1.0.0+a");
    let archive = Archive::empty().file("demo-1.0.0+a/Cargo.toml", manifest.as_bytes()).gz();
    inspect(&archive[..], "demo", &Version::parse("1.0.0+a").unwrap()).unwrap();
    inspect(&archive[..], "demo", &Version::parse("1.0.0+b").unwrap()).unwrap_err();
}

// ---- Entries that are no files --------------------------------------------------------------------------------

fn link(kind: EntryType) -> Archive {
    Archive::demo()
        .edited(kind, b"demo-1.0.0/link", b"", |header| header.set_link_name("/etc/passwd").unwrap())
}

#[test]
fn symlink() {
    assert_eq!(rule(link(EntryType::Symlink)), EntryRule::Symlink);
}

#[test]
fn hard_link() {
    assert_eq!(rule(link(EntryType::Link)), EntryRule::HardLink);
}

#[test]
fn device_and_named_pipe() {
    let special = |kind| rule(Archive::demo().entry(kind, b"demo-1.0.0/special", b""));
    assert_eq!(special(EntryType::Char), EntryRule::Device);
    assert_eq!(special(EntryType::Block), EntryRule::Device);
    assert_eq!(special(EntryType::Fifo), EntryRule::Fifo);
}

#[test]
fn sparse_file() {
    assert_eq!(
        rule(Archive::demo().entry(EntryType::GNUSparse, b"demo-1.0.0/sparse", b"")),
        EntryRule::Sparse
    );
}

#[test]
fn unknown_and_obsolete_types() {
    let typed = |byte| rule(Archive::demo().entry(EntryType::new(byte), b"demo-1.0.0/x", b""));
    for byte in [b'7', b'D', b'M', b'V', b'Z', 0xff] {
        assert_eq!(typed(byte), EntryRule::UnknownType(byte));
    }
}

#[test]
fn old_style_directory() {
    let zero = |path: &[u8]| {
        Archive::demo().edited(EntryType::Regular, path, b"", |header| header.as_mut_bytes()[156] = 0)
    };
    demo(&zero(b"demo-1.0.0/x").gz()[..]).unwrap();
    assert_eq!(rule(zero(b"demo-1.0.0/x/")), EntryRule::Traversal);
}

#[test]
fn directory_with_content() {
    let archive = Archive::demo().entry(EntryType::Directory, b"demo-1.0.0/dir/", b"hidden");
    assert_eq!(rule(archive), EntryRule::DirectoryWithContent);
}

// ---- Two readers, two meanings --------------------------------------------------------------------------------

#[test]
fn header_and_pax_sizes_disagree() {
    // A reader that believes the PAX record takes the inner header for content; others unpack a symlink.
    let archive = Archive::demo()
        .entry(EntryType::XHeader, b"demo-1.0.0/PaxHeaders/x", b"13 size=1024\n")
        .file("demo-1.0.0/x", b"")
        .edited(EntryType::Symlink, b"demo-1.0.0/y", b"", |header| header.set_link_name("/").unwrap());
    assert_eq!(rule(archive), EntryRule::Pax);
}

#[test]
fn pax_path_replaces_the_header_path() {
    let archive = Archive::demo()
        .entry(EntryType::XHeader, b"demo-1.0.0/PaxHeaders/x", b"20 path=/etc/passwd\n")
        .file("demo-1.0.0/x", b"");
    assert_eq!(rule(archive), EntryRule::Pax);
    let global = Archive::empty().entry(EntryType::XGlobalHeader, b"pax_global_header", b"11 path=/x\n");
    assert_eq!(rule(global), EntryRule::Pax);
}

#[test]
fn long_names_that_readers_end_differently() {
    let long = |name: &[u8]| {
        rule(Archive::demo().entry(EntryType::GNULongName, b"././@LongLink", name).file("demo-1.0.0/x", b""))
    };
    assert_eq!(long(b"demo-1.0.0/y"), EntryRule::LongName);
    assert_eq!(long(b"demo-1.0.0/y\0/../../z\0"), EntryRule::LongName);
    assert_eq!(long(b"demo-1.0.0/y\0\0"), EntryRule::LongName);
    assert_eq!(long(b"\0"), EntryRule::LongName);
    assert_eq!(long(b"demo-1.0.0/../../etc/cron.d/x\0"), EntryRule::Traversal);
}

#[test]
fn long_names_twice_alone_or_for_a_link() {
    let name = |archive: Archive| archive.entry(EntryType::GNULongName, b"././@LongLink", b"demo-1.0.0/y\0");
    assert_eq!(rule(name(name(Archive::demo())).file("demo-1.0.0/x", b"")), EntryRule::LongName);
    assert_eq!(rule(name(Archive::demo())), EntryRule::LongName);
    let target = Archive::demo().entry(EntryType::GNULongLink, b"././@LongLink", b"/etc/passwd\0");
    assert_eq!(rule(target), EntryRule::LongName);
    let elsewhere = Archive::demo().entry(EntryType::GNULongName, b"@LongLink", b"demo-1.0.0/y\0");
    assert_eq!(rule(elsewhere.file("demo-1.0.0/x", b"")), EntryRule::LongName);
}

fn bad_header(edit: impl FnOnce(&mut tar::Header)) -> &'static str {
    match refused(Archive::demo().edited(EntryType::Regular, b"demo-1.0.0/x", b"", edit)) {
        PackageError::Header { what, number: 3 } => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn sizes_in_a_notation_that_readers_disagree_on() {
    for size in
        [*b"\x80\0\0\0\0\0\0\0\0\0\0\x05", *b"        0005", *b"+00000000005", [0; 12], *b"0000000000 5"]
    {
        let what = bad_header(|header| header.as_mut_bytes()[124..136].copy_from_slice(&size));
        assert_eq!(what, "its size is not an octal number");
    }
}

#[test]
fn headers_of_another_flavour_or_a_wrong_check_sum() {
    let what = bad_header(|header| header.as_mut_bytes()[257..265].fill(0));
    assert_eq!(what, "it is of neither the ustar nor the GNU form");
    let mut tar = Archive::demo().tar();
    tar[0] ^= 1;
    assert!(matches!(
        demo(&gzip(&tar)[..]),
        Err(PackageError::Header { number: 1, what: "its check sum is wrong" })
    ));
}

#[test]
fn a_ustar_prefix_belongs_to_the_path() {
    let archive = Archive::demo().edited(EntryType::Regular, b"demo-1.0.0/x", b"", |header| {
        header.as_mut_bytes()[257..265].copy_from_slice(b"ustar\x0000");
        header.as_mut_bytes()[345..347].copy_from_slice(b"..");
    });
    assert_eq!(rule(archive), EntryRule::Traversal);
}

// ---- Paths ----------------------------------------------------------------------------------------------------

#[test]
fn path_traversal() {
    for path in
        ["demo-1.0.0/../x", "demo-1.0.0/..", "../x", "demo-1.0.0/a/./b", "demo-1.0.0//x", "demo-1.0.0/x/"]
    {
        assert_eq!(path_rule(path.as_bytes()), EntryRule::Traversal, "{path}");
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
fn cargo_ok_and_cargo_checksum() {
    for path in [
        "demo-1.0.0/.cargo-ok",
        "demo-1.0.0/.cargo-checksum.json",
        "demo-1.0.0/.Cargo-OK",
        "demo-1.0.0/.cargo-ok/x",
    ] {
        assert_eq!(path_rule(path.as_bytes()), EntryRule::Reserved, "{path}");
    }
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

// ---- Paths beside each other ----------------------------------------------------------------------------------

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

// ---- Too much -------------------------------------------------------------------------------------------------

/// Deflate data that stands for itself: it refers to nothing before it, and more may follow.
fn deflate_piece(content: &[u8]) -> Vec<u8> {
    let mut compress = flate2::Compress::new(flate2::Compression::best(), false);
    let mut piece = Vec::with_capacity(content.len() + 1024);
    compress.compress_vec(content, &mut piece, flate2::FlushCompress::Full).unwrap();
    piece
}

const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

#[test]
fn decompression_bomb() {
    let header = Archive::demo()
        .edited(EntryType::Regular, b"demo-1.0.0/bomb", b"", |header| header.set_size(4 << 30))
        .tar();
    let header = &header[..header.len() - 1024];
    let zeros = deflate_piece(&vec![0; 1 << 20]);
    let bomb = [&GZIP_HEADER[..], &deflate_piece(header), &zeros.repeat(600)].concat();
    assert!(bomb.len() < 4 << 20);
    assert!(matches!(demo(&bomb[..]), Err(PackageError::UnpackedTooLarge)));
}

#[test]
fn endless_stream_that_yields_nothing() {
    // Empty stored blocks, for ever.
    struct EmptyBlocks(usize);
    impl Read for EmptyBlocks {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            for byte in buffer.iter_mut() {
                *byte = [0, 0, 0, 0xff, 0xff][self.0 % 5];
                self.0 += 1;
            }
            Ok(buffer.len())
        }
    }
    let endless = GZIP_HEADER.chain(EmptyBlocks(0));
    let refused = demo(BufReader::with_capacity(1 << 20, endless));
    assert!(matches!(refused, Err(PackageError::PackedTooLarge)), "{refused:?}");
}

#[test]
fn very_many_entries() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for number in 0..=MAX_ENTRIES {
        let entry = Archive::empty().file(&format!("demo-1.0.0/{number}"), b"").tar();
        encoder.write_all(&entry[..512]).unwrap();
    }
    let refused = demo(&encoder.finish().unwrap()[..]);
    assert!(matches!(refused, Err(PackageError::TooManyEntries)), "{refused:?}");
}

#[test]
fn huge_manifest() {
    let manifest = MANIFEST.to_owned() + &"#".repeat(usize::try_from(MAX_MANIFEST).unwrap());
    assert!(matches!(refused(Archive::with_manifest(&manifest)), PackageError::ManifestTooLarge));
}

// ---- The manifest ---------------------------------------------------------------------------------------------

#[test]
fn no_manifest_at_the_top() {
    assert!(matches!(
        refused(Archive::empty().file("demo-1.0.0/a/Cargo.toml", b"")),
        PackageError::NoManifest
    ));
    assert!(matches!(refused(Archive::empty().file("demo-1.0.0/cargo.toml", b"")), PackageError::NoManifest));
}

#[test]
fn other_name_or_version_in_the_manifest() {
    let with = |from, to| refused(Archive::with_manifest(&MANIFEST.replace(from, to)));
    let error = with("demo", "evil");
    assert_eq!(error.to_string(), r#"Cargo.toml in the .crate is of crate "evil", not of `demo`"#);
    assert!(matches!(with("demo", "Demo"), PackageError::OtherName { .. }));
    assert!(matches!(with("1.0.0", "1.0.1"), PackageError::OtherVersion { .. }));
    assert!(matches!(with("1.0.0", "1.0.0+x"), PackageError::OtherVersion { .. }));
    assert!(matches!(with("name", "title"), PackageError::Manifest(_)));
    assert!(matches!(with("[package]", "[package"), PackageError::Manifest(_)));
}

#[test]
fn manifest_that_is_not_utf8() {
    let archive = Archive::empty().file("demo-1.0.0/Cargo.toml", b"\xff\xfe");
    assert!(matches!(refused(archive), PackageError::ManifestNotUtf8));
}

// ---- The stream -----------------------------------------------------------------------------------------------

#[test]
fn trailing_garbage_after_the_gzip_stream() {
    let garbage = [&Archive::demo().gz()[..], b"PK\x03\x04"].concat();
    assert!(matches!(demo(&garbage[..]), Err(PackageError::TrailingData)));
}

#[test]
fn gzip_of_several_members() {
    let members = [Archive::demo().gz(), gzip(b"")].concat();
    assert!(matches!(demo(&members[..]), Err(PackageError::TrailingData)));
}

#[test]
fn entries_after_the_end_of_the_archive() {
    let hidden = Archive::demo().raw(&[0; 1024]).file("demo-1.0.0/build.rs", b"");
    assert!(matches!(refused(hidden), PackageError::DataAfterArchive));
    let between = Archive::demo().raw(&[0; 512]).file("demo-1.0.0/build.rs", b"");
    assert!(matches!(refused(between), PackageError::DataAfterArchive));
}

#[test]
fn truncated_archive() {
    assert!(matches!(demo(&Archive::demo().gz_without_end()[..]), Err(PackageError::Truncated)));
    let whole = Archive::demo().gz();
    for length in 0..whole.len() {
        demo(&whole[..length]).unwrap_err();
    }
}

#[test]
fn wrong_gzip_check_sum() {
    let mut archive = Archive::demo().gz();
    let crc = archive.len() - 8;
    archive[crc] ^= 1;
    assert!(matches!(demo(&archive[..]), Err(PackageError::Gzip(_))));
    assert!(matches!(demo(&b"not gzip at all"[..]), Err(PackageError::Gzip(_))));
}

#[test]
fn a_damaged_archive_is_not_blamed_on_the_visitor() {
    let archive = Archive::demo().file("demo-1.0.0/big", &[7; 100_000]).gz();
    let version = Version::new(1, 0, 0);
    let walked: Result<Package, PackageError> =
        for_each_entry(&archive[..archive.len() - 20], "demo", &version, |entry| {
            io::copy(entry, &mut io::sink()).map(|_| ()).map_err(PackageError::Io)
        });
    assert!(matches!(walked, Err(PackageError::Truncated)), "{walked:?}");
}

// ---- Comparing ------------------------------------------------------------------------------------------------

#[test]
fn packages_are_compared_without_what_packaging_makes_anew() {
    let build = |library: &[u8], commit: &[u8]| {
        Archive::empty()
            .file("demo-1.0.0/.cargo_vcs_info.json", commit)
            .file("demo-1.0.0/Cargo.lock", commit)
            .file("demo-1.0.0/Cargo.toml", MANIFEST.as_bytes())
            .file("demo-1.0.0/src/lib.rs", library)
            .gz()
    };
    let version = Version::new(1, 0, 0);
    let one = build(b"1", b"a");
    assert!(same_content(&one[..], &build(b"1", b"b")[..], "demo", &version).unwrap());
    let differing = differences(&one[..], &build(b"2", b"a")[..], "demo", &version).unwrap();
    assert_eq!(differing, ["src/lib.rs"]);
    let more = Archive::demo().file("demo-1.0.0/build.rs", b"").gz();
    let differing = differences(&one[..], &more[..], "demo", &version).unwrap();
    assert_eq!(differing, ["build.rs", "src/lib.rs"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is written over an honest archive, the walk ends, and ends with a value.
    #[test]
    fn altered_archives_never_panic(at in 0usize..4096, bytes in proptest::collection::vec(any::<u8>(), 1..40)) {
        let mut tar = Archive::demo().tar();
        for (offset, byte) in bytes.into_iter().enumerate() {
            let length = tar.len();
            tar[(at + offset) % length] = byte;
        }
        let _ = demo(&gzip(&tar)[..]);
    }
}
