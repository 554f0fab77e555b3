//! Entries that are no files, and headers in which two readers see two things.

use super::*;

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
    for byte in [b'D', b'M', b'V', b'X', b'Z'] {
        assert_eq!(typed(byte), EntryRule::UnknownType(byte));
    }
    for byte in [b'7', b'z', 0xff] {
        assert_eq!(typed(byte), EntryRule::OddType(byte));
    }
}

#[test]
fn old_style_directory() {
    let zero = |path: &[u8]| {
        Archive::demo().edited(EntryType::Regular, path, b"", |header| header.as_mut_bytes()[156] = 0)
    };
    demo(&zero(b"demo-1.0.0/x").gz()[..]).unwrap();
    assert_eq!(rule(zero(b"demo-1.0.0/x/")), EntryRule::OddDirectory);
}

#[test]
fn directory_with_content() {
    let archive = Archive::demo().entry(EntryType::Directory, b"demo-1.0.0/dir/", b"hidden");
    assert_eq!(rule(archive), EntryRule::DirectoryWithContent);
}

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
    assert!(matches!(rule(global), EntryRule::PaxAmbiguous(_)));
}

#[test]
fn long_names_that_readers_end_differently() {
    let long = |name: &[u8]| {
        rule(Archive::demo().entry(EntryType::GNULongName, b"././@LongLink", name).file("demo-1.0.0/x", b""))
    };
    assert_eq!(long(b"demo-1.0.0/y"), EntryRule::OddLongName);
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
    assert_eq!(rule(target), EntryRule::OddLongName);
    let elsewhere = Archive::demo().entry(EntryType::GNULongName, b"@LongLink", b"demo-1.0.0/y\0");
    assert_eq!(rule(elsewhere.file("demo-1.0.0/x", b"")), EntryRule::OddLongName);
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

#[test]
fn bytes_after_the_end_of_a_path() {
    let gnu = Archive::demo().entry(EntryType::Regular, b"demo-1.0.0/a\0b", b"");
    assert_eq!(rule(gnu), EntryRule::BytesAfterNul);
    let ustar = Archive::demo().edited(EntryType::Regular, b"x", b"", |header| {
        header.as_mut_bytes()[257..265].copy_from_slice(b"ustar\x0000");
        header.as_mut_bytes()[345..357].copy_from_slice(b"demo-1.0.0\0b");
    });
    assert_eq!(rule(ustar), EntryRule::BytesAfterNul);
}
