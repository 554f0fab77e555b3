//! One test an attack, named after it. Each fails when the check that stops the attack is taken out.

mod amounts;
mod consumer;
mod entries;
mod paths;

use std::io::{self, Read};

use proptest::prelude::*;
use semver::Version;
use tar::EntryType;

use super::testing::{Archive, MANIFEST, TOP, gzip};
use super::*;

fn demo(archive: &[u8]) -> Result<Package, PackageError> {
    inspect(Rules::Publish, archive, "demo", &Version::new(1, 0, 0))
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

#[test]
fn an_honest_package_is_walked_in_order() {
    let long = format!("{TOP}/src/{}/mod.rs", "deep/".repeat(20) + "module");
    let archive = Archive::demo()
        .entry(EntryType::Directory, b"demo-1.0.0/tests/", b"")
        .edited(EntryType::Regular, b"demo-1.0.0/tests/run.sh", b"#!/bin/sh\n", |header| {
            header.set_mode(0o100_755);
        })
        .long(&long, b"// deep")
        .gz();
    let mut seen = Vec::new();
    let version = Version::new(1, 0, 0);
    let package = for_each_entry(Rules::Publish, &archive[..], 0, "demo", &version, |entry| {
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
    inspect(Rules::Publish, &archive, "demo", &Version::parse("1.0.0+a").unwrap()).unwrap();
    inspect(Rules::Publish, &archive, "demo", &Version::parse("1.0.0+b").unwrap()).unwrap_err();
}

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
    assert!(matches!(demo(&Archive::demo().gz_without_end()[..]), Err(PackageError::NoEnd)));
    let half_an_end = gzip(&Archive::demo().tar()[..Archive::demo().tar().len() - 512]);
    assert!(matches!(demo(&half_an_end), Err(PackageError::NoEnd)));
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
    // Digests do not compress, so half of the archive is half of the content.
    let noise: Vec<u8> =
        (0u32..4000).flat_map(|number| *Digest::of(&number.to_le_bytes()).as_bytes()).collect();
    let archive = Archive::demo().file("demo-1.0.0/noise", &noise).gz();
    let version = Version::new(1, 0, 0);
    let walked: Result<Package, PackageError> =
        for_each_entry(Rules::Publish, &archive[..archive.len() / 2], 0, "demo", &version, |entry| {
            io::copy(entry, &mut io::sink()).map(|_| ()).map_err(PackageError::Io)
        });
    assert!(matches!(walked, Err(PackageError::Truncated)), "{walked:?}");
}

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
        let packed = gzip(&tar);
        let strict = demo(&packed);
        let lenient = inspect(Rules::Consume, &packed, "demo", &Version::new(1, 0, 0));
        // A consumer takes whatever may be published.
        assert!(strict.is_err() || lenient.unwrap() == strict.unwrap());
    }
}
