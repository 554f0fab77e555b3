//! What is accepted, refused, passed over and said.

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::statement::{Attestation, Countersigned};

use super::*;
use crate::settings::TokenAsked;

fn note_codes(report: &Report) -> Vec<&'static str> {
    report.notes.iter().map(|note| note.code).collect()
}

#[test]
fn first_contact_verifies_pins_and_asks_once_a_crate() {
    let (mut fake, k) = (Fake::new(), key());
    fake.lists(&k);
    fake.publish("blurbs", "1.0.0", "", &k);
    fake.publish("blurbs", "2.0.0", "", &k);
    let digest = fake.publish("other", "1.0.0", "", &k);
    let mut case = Case::fresh();
    let report = case.verify(&fake).unwrap();
    let names: Vec<String> = report.releases.iter().map(|r| format!("{}@{}", r.name, r.version)).collect();
    assert_eq!(
        names,
        [
            "foobar-project.org/blurbs@1.0.0",
            "foobar-project.org/blurbs@2.0.0",
            "foobar-project.org/other@1.0.0"
        ]
    );
    assert_eq!((report.releases[2].digest, report.releases[2].key), (digest, k.public()));
    assert_eq!(report.new_pins.len(), 1);
    assert_eq!(
        (fake.asked("index"), fake.asked("crate"), fake.asked("domain"), fake.asked("config")),
        (2, 3, 1, 1)
    );
    // What was pinned suffices from then on, without the network.
    report.apply(&mut case.trust_file);
    case.before = None;
    case.offline = true;
    let report = case.verify(&fake).unwrap();
    assert!(
        report.releases.iter().all(|release| release.how == TrustBasis::PinnedAndLocked)
            && !report.changes_trust()
    );
    assert_eq!(note_codes(&report), ["offline"]);
    assert_eq!(fake.asked("domain"), 1);
}

/// A domain that lists a registry's key lets it publish. That the registry accepted a release is not its signature under it.
#[test]
fn a_registry_that_countersigns_is_not_pinned_where_the_domain_lists_its_key() {
    let (mut fake, k, registry) = (Fake::new(), key(), key());
    fake.lists(&k);
    fake.lists(&registry);
    fake.publish("blurbs", "1.0.0", "", &k);
    let line = fake.line("blurbs");
    let accepted = line.countersignature_of(&crate_name("blurbs"), &index(), at()).statement();
    let entry = accepted.signed_by(&registry).entry();
    line.countersignature = Some(entry.clone());
    let mut case = Case::fresh();
    let report = case.verify(&fake).unwrap();
    assert_eq!(report.releases[0].key, k.public());
    report.apply(&mut case.trust_file);
    let pinned: Vec<PublicKey> =
        case.trust_file.namespaces[&namespace()].trusted.iter().map(|(key, _)| *key).collect();
    assert_eq!(pinned, [k.public()]);
    // Nor is it one among the signatures, and alone it makes nobody's release.
    let Countersigned { key, at, sig } = entry;
    let line = fake.line("blurbs");
    line.attestations = vec![Attestation { key, at, sig }];
    assert_eq!(Case::fresh().codes(&fake), ["no-signature-holds"]);
    fake.line("blurbs").attestations.clear();
    assert_eq!(Case::fresh().codes(&fake), ["unsigned"]);
}

#[test]
fn every_problem_is_reported() {
    let (mut fake, k, stranger) = (Fake::new(), key(), key());
    fake.lists(&k);
    for name in ["altered", "extended", "gone", "good"] {
        fake.publish(name, "1.0.0", "", &k);
    }
    fake.publish("stranger", "1.0.0", "", &stranger);
    fake.store("altered", &Version::new(1, 0, 0), b"something else");
    let added = r#"{"name":"evil","req":"^1","features":[],"optional":false,"default_features":true,"kind":"normal"}"#;
    fake.line("extended").deps.push(serde_json::from_str(added).unwrap());
    fake.lines.remove(&(index(), "gone".parse().unwrap()));
    let case = Case::pinned(&[&k]);
    let mut codes = case.codes(&fake);
    codes.sort_unstable();
    assert_eq!(codes, ["checksum", "index-line-differs", "key-not-pinned", "not-in-index"]);
    assert_eq!(case.verify(&fake).unwrap_err().exit(), ExitCode::Refused);
}

#[test]
fn a_replaced_release_differs_from_the_lock_file() {
    let (mut fake, k) = (Fake::new(), key());
    fake.lists(&k);
    let digest = fake.publish("blurbs", "1.0.0", "", &k);
    fake.locked[0].checksum = Some(Digest::of(b"what was locked"));
    assert_eq!(Case::pinned(&[&k]).codes(&fake), ["checksum"]);
    fake.locked[0].checksum = Some(digest);
    Case::pinned(&[&k]).verify(&fake).unwrap();
}

#[test]
fn a_registry_without_a_namespace_is_passed_over_or_refused() {
    let mut fake = Fake::new();
    let (plain, private) = ("sparse+https://plain.example/index/", "sparse+https://private.example/index/");
    fake.registry(plain, None);
    fake.configs.insert(
        IndexUrl::parse(private).unwrap(),
        Err(SourceError::NeedsToken { reason: "it is private".to_owned(), asked: TokenAsked::Nobody }),
    );
    let git = "registry+https://git.example/index".to_owned();
    let version = Version::new(1, 0, 0);
    for source in [
        LockSource::Registry(IndexUrl::parse(plain).unwrap()),
        LockSource::Registry(IndexUrl::parse(private).unwrap()),
        LockSource::OtherRegistry(git),
    ] {
        fake.locked.push(locked("thing", &version, source, None));
    }
    let mut case = Case::fresh();
    assert_eq!(case.codes(&fake), ["unknown-registry"; 3]);
    case.configured = [("a", plain), ("b", private), ("c", "https://git.example/index")]
        .map(|(name, url)| (name.to_owned(), url.to_owned()))
        .to_vec();
    let report = case.verify(&fake).unwrap();
    assert_eq!(note_codes(&report), ["registry-without-namespace"; 3]);
    assert!(report.releases.is_empty());
}

#[test]
fn another_spelling_of_an_index_is_refused_though_it_is_configured() {
    for (url, why) in [
        (
            "sparse+https://FOOBAR-project.org/cargo/index/",
            "another spelling of sparse+https://foobar-project.org/",
        ),
        ("sparse+https://foobar-project.org:443/cargo/index/", "another spelling"),
        ("sparse+https://x@foobar-project.org/cargo/index/", "user name"),
        ("sparse+https://foobar-project.org/cargo/./index/", "its path is not plain"),
        ("sparse+http://foobar-project.org/cargo/index/", "`http` is refused"),
        ("registry+http://foobar-project.org/cargo/index", "over http"),
    ] {
        let mut fake = Fake::new();
        fake.locked.push(locked(
            "blurbs",
            &Version::new(1, 0, 0),
            LockSource::parse(url, Spelling::Plain),
            None,
        ));
        let plain = url.strip_prefix("registry+").unwrap_or(url);
        let configured = vec![("foobar".to_owned(), plain.to_owned())];
        let case = Case { configured, ..Case::pinned(&[&key()]) };
        assert_eq!(case.codes(&fake), ["unknown-registry"], "{url}");
        let text = case.verify(&fake).unwrap_err().to_string();
        assert!(text.contains(why), "{text}");
    }
}

/// Cargo reads an index over http, or with a user name in its URL, if it is configured.
#[test]
fn an_odd_index_that_is_configured_and_no_namespaces_is_passed_over() {
    for url in [
        "sparse+http://crates.corp.test/index/",
        "sparse+https://me@crates.corp.test/index/",
        "registry+http://crates.corp.test/index",
        "registry+ssh://git@crates.corp.test/index.git",
    ] {
        let mut fake = Fake::new();
        let source = LockSource::parse(url, Spelling::Plain);
        fake.locked.push(locked("thing", &Version::new(1, 0, 0), source, None));
        let plain = url.strip_prefix("registry+").unwrap_or(url);
        let mut case = Case::pinned(&[&key()]);
        assert_eq!(case.codes(&fake), ["unknown-registry"], "{url}");
        case.configured = vec![("corp".to_owned(), plain.to_owned())];
        assert_eq!(note_codes(&case.verify(&fake).unwrap()), ["registry-without-namespace"], "{url}");
    }
}

/// `needs` is what the release names, `got` what Cargo locked.
fn locked_with(needs: &str, got: (&str, &str, LockSource), patched: &[&str]) -> Result<Report, Refused> {
    let (mut fake, k) = (Fake::new(), key());
    fake.lists(&k);
    fake.publish("blurbs", "1.0.0", needs, &k);
    let (name, version, source) = got;
    fake.locked[0].dependencies.push(LockedDependency {
        name: name.to_owned(),
        version: Some(version.parse().unwrap()),
        source: Some(source),
    });
    let patched = patched.iter().map(|name| (*name).to_owned()).collect();
    Case { patched, ..Case::pinned(&[&k]) }.verify(&fake)
}

#[test]
fn an_index_that_shows_cargo_another_line_is_found_out_by_the_lock_file() {
    let evil = ("evil", "1.0.0", LockSource::CratesIo);
    let refused = locked_with("", evil.clone(), &[]).unwrap_err();
    assert_eq!((refused.problems[0].code(), refused.exit()), ("dependency-not-listed", ExitCode::Refused));
    let text = refused.to_string();
    assert!(
        text.contains("foobar-project.org/blurbs v1.0.0: Cargo.lock makes it depend on `evil` v1.0.0"),
        "{text}"
    );
    assert!(locked_with("[dev-dependencies]\nevil = \"1\"\n", evil.clone(), &[]).is_err());
    for needs in [
        "[dependencies]\nevil = \"1\"\n",
        "[target.'cfg(windows)'.build-dependencies]\nrenamed = { version = \"1\", package = \"evil\" }\n",
    ] {
        locked_with(needs, evil.clone(), &[]).unwrap();
    }
}

#[test]
fn an_index_that_sends_cargo_to_another_registry_or_version_is_found_out_by_the_lock_file() {
    let needs = "[dependencies]\nlibc = \"0.2\"\n";
    let elsewhere = LockSource::Registry(IndexUrl::parse("sparse+https://b.example/i/").unwrap());
    for got in [
        ("libc", "0.2.1", elsewhere.clone()),
        ("libc", "0.2.1", LockSource::Registry(index())),
        ("libc", "0.3.0", LockSource::CratesIo),
    ] {
        let text = locked_with(needs, got, &[]).unwrap_err().to_string();
        assert!(text.ends_with("but it asks for `libc` ^0.2 from crates.io"), "{text}");
    }
    // Dependency confusion: the namespace's own crate, taken from crates.io.
    let own = format!("[dependencies]\nleaf = {{ version = \"1\", registry-index = \"{INDEX}\" }}\n");
    let text = locked_with(&own, ("leaf", "1.0.0", LockSource::CratesIo), &[]).unwrap_err().to_string();
    assert!(text.contains("depend on `leaf` v1.0.0 from crates.io, but it asks for"), "{text}");
    locked_with(&own, ("leaf", "1.0.0", LockSource::Registry(index())), &[]).unwrap();
    // The project's own word counts, but not for another version.
    locked_with(needs, ("libc", "0.2.1", elsewhere.clone()), &["libc"]).unwrap();
    locked_with(needs, ("libc", "0.2.1", LockSource::Path), &[]).unwrap();
    assert!(locked_with(needs, ("libc", "0.3.0", elsewhere), &["libc"]).is_err());
}

#[test]
fn sources_that_are_no_registries_are_not_looked_at() {
    let mut fake = Fake::new();
    for source in [
        LockSource::Path,
        LockSource::CratesIo,
        LockSource::parse("git+https://g.example/x#1", Spelling::Plain),
    ] {
        fake.locked.push(locked("thing", &Version::new(1, 0, 0), source, None));
    }
    assert_eq!(Case::fresh().verify(&fake).unwrap(), Report::default());
    assert!(fake.asked.lock().unwrap().is_empty());
}

#[test]
fn a_configuration_that_leads_a_pinned_namespace_elsewhere_is_refused() {
    let (mut fake, k) = (Fake::new(), key());
    fake.lists(&k);
    fake.publish("blurbs", "1.0.0", "", &k);
    // The same files under another URL, which the configuration gives the namespace's name; no `namespace` in it.
    let evil = "sparse+https://evil.example/index/";
    fake.registry(evil, None);
    let evil_index = IndexUrl::parse(evil).unwrap();
    let lines = fake.lines[&(index(), "blurbs".parse().unwrap())].clone();
    fake.lines.insert((evil_index.clone(), "blurbs".parse().unwrap()), lines);
    fake.locked[0].source = LockSource::Registry(evil_index);
    let mut case = Case::pinned(&[&k]);
    case.configured = vec![("foobar-project_org".to_owned(), evil.to_owned())];
    // No signature is bound to that index either; what is wrong with the registry says more.
    assert_eq!(case.codes(&fake), ["index-wrong"]);
}

#[test]
fn a_registry_that_claims_a_namespace_needs_its_domains_word() {
    let (mut fake, k) = (Fake::new(), key());
    fake.lists(&k);
    fake.publish("blurbs", "1.0.0", "", &k);
    let elsewhere = "sparse+https://crates.example/index/foobar-project.org/";
    fake.domains.get_mut(&namespace()).unwrap().index = Some(IndexUrl::parse(elsewhere).unwrap());
    assert_eq!(Case::fresh().codes(&fake), ["index-wrong"]);
    assert_eq!(Case::pinned(&[&k]).codes(&fake), ["index-moved"]);
}

#[test]
fn a_dependency_on_a_registry_that_its_domain_does_not_declare_is_refused() {
    let (mut fake, k) = (Fake::new(), key());
    fake.lists(&k);
    let evil = "sparse+https://evil.example/index/";
    fake.registry(evil, Some("serde.rs"));
    let dependency =
        format!("[dependencies.serde-abc]\nversion = \"1\"\noptional = true\nregistry-index = \"{evil}\"\n");
    fake.publish("blurbs", "1.0.0", &dependency, &k);
    fake.domains.insert(Namespace::parse("serde.rs").unwrap(), PackageNamespaceDoc::default());
    assert_eq!(Case::fresh().codes(&fake), ["dependency-registry"]);
    // Where the domain is unreachable, it is said that nobody knows.
    fake.domains.remove(&Namespace::parse("serde.rs").unwrap());
    assert_eq!(note_codes(&Case::fresh().verify(&fake).unwrap()), ["dependency-registry-unchecked"]);
    // What the domain declares is fine.
    let doc =
        PackageNamespaceDoc { index: Some(IndexUrl::parse(evil).unwrap()), ..PackageNamespaceDoc::default() };
    fake.domains.insert(Namespace::parse("serde.rs").unwrap(), doc);
    assert_eq!(note_codes(&Case::fresh().verify(&fake).unwrap()), Vec::<&str>::new());
}

#[test]
fn a_seen_revocation_goes_into_the_trust_file() {
    let (mut fake, k, gone) = (Fake::new(), key(), key());
    fake.lists(&k);
    fake.revokes(revocation(&gone, &gone));
    fake.publish("blurbs", "1.0.0", "", &k);
    let mut case = Case::pinned(&[&k, &gone]);
    let report = case.verify(&fake).unwrap();
    assert_eq!(report.revoked, BTreeSet::from([(namespace(), gone.public())]));
    report.apply(&mut case.trust_file);
    let pins = &case.trust_file.namespaces[&namespace()];
    assert!(pins.revoked.contains(&gone.public()));
    assert_eq!(pins.trusted, BTreeSet::from([(k.public(), everything())]));
}

#[test]
fn a_silent_domain_does_not_stop_what_is_locked() {
    let (mut fake, k) = (Fake::new(), key());
    fake.publish("blurbs", "1.0.0", "", &k);
    let report = Case::pinned(&[&k]).verify(&fake).unwrap();
    assert_eq!(note_codes(&report), ["domain-partly-silent"]);
    // A new crate needs the domain: then the network is what is missing.
    let mut case = Case::pinned(&[&k]);
    case.before = Some(Vec::new());
    assert_eq!(case.codes(&fake), ["domain-silent"]);
    assert_eq!(case.verify(&fake).unwrap_err().exit(), ExitCode::Unreachable);
}

#[test]
fn a_namespace_that_looks_like_a_known_one_is_warned_of() {
    let (mut fake, k) = (Fake::new(), key());
    fake.lists(&k);
    fake.publish("blurbs", "1.0.0", "", &k);
    let mut case = Case::fresh();
    let known = Namespace::parse("foobar-projekt.org").unwrap();
    let pins =
        Pins { index: IndexUrl::default_for(&known), trusted: BTreeSet::new(), revoked: BTreeSet::new() };
    case.trust_file.namespaces.insert(known, pins);
    let report = case.verify(&fake).unwrap();
    assert_eq!(note_codes(&report), ["look-alike"]);
    assert!(report.notes[0].warning);
}

#[test]
fn a_registry_of_a_special_use_name_is_refused() {
    let mut fake = Fake::new();
    fake.registry("sparse+https://a.example/index/", Some("a.test"));
    let source = LockSource::Registry(IndexUrl::parse("sparse+https://a.example/index/").unwrap());
    fake.locked.push(locked("thing", &Version::new(1, 0, 0), source, None));
    assert_eq!(Case::fresh().codes(&fake), ["name"]);
}

#[test]
fn what_was_locked_before_decides_how_a_release_enters() {
    let digest = Digest::of(b"");
    let package = |name: &str, version: &str, digest| {
        locked(name, &version.parse().unwrap(), LockSource::Registry(index()), Some(digest))
    };
    let before = [
        package("same", "1.0.0", digest),
        package("newer", "1.0.0", digest),
        package("changed", "1.0.0", digest),
    ];
    let mut packages = vec![
        package("same", "1.0.0", digest),
        package("newer", "1.1.0", digest),
        package("changed", "1.0.0", Digest::of(b"x")),
        package("new", "1.0.0", digest),
    ];
    let elsewhere = LockSource::Registry(IndexUrl::parse("sparse+https://b.example/i/").unwrap());
    packages.push(locked("same", &Version::new(1, 0, 0), elsewhere, Some(digest)));
    let request = Request {
        packages: &packages,
        before: Before::Packages(&before),
        trust_file: &TrustFile::default(),
        configured: &[],
        patched: &BTreeSet::new(),
        known: BTreeMap::new(),
        views: Vec::new(),
        options: &Options::default(),
        special_use: SpecialUseNames::None,
        offline: false,
        now: at(),
    };
    let plan = plan(&request);
    let entering: Vec<(String, Entering)> = plan
        .groups
        .iter()
        .flat_map(|group| &group.releases)
        .map(|wanted| (wanted.krate.to_string(), wanted.entering))
        .collect();
    let expected = [
        ("same", Entering::NewCrate),
        ("changed", Entering::NewRelease),
        ("new", Entering::NewCrate),
        ("newer", Entering::NewRelease),
        ("same", Entering::Locked),
    ];
    assert_eq!(entering, expected.map(|(name, entering)| (name.to_owned(), entering)));
}

/// A yank or unyank of the first release of `name`, by `key`, some seconds after everything else was signed.
fn say(fake: &mut Fake, name: &str, key: &SecretKey, operation: YankOperation, second: u8) {
    let line = fake.line(name);
    let statement = Yank {
        name: crate_name(name),
        version: line.vers.clone(),
        cksum: line.cksum,
        index: index(),
        operation,
        at: format!("2026-11-21T12:00:{second:02}Z").parse().unwrap(),
        nonce: None,
    };
    line.yank_attestations.push(statement.attest(key));
}

#[test]
fn a_yank_counts_only_as_it_was_signed_and_by_whom() {
    let (k, stranger) = (key(), key());
    // By whom and what, in which second; what the line says; what is found.
    type Said<'a> = (&'a SecretKey, YankOperation, u8);
    let (yank, unyank) = (YankOperation::Yank, YankOperation::Unyank);
    let rows: [(&[Said<'_>], bool, Option<&str>); 9] = [
        (&[], false, None),
        (&[], true, Some("yank-unsigned")),
        (&[(&k, yank, 1)], true, None),
        (&[(&k, yank, 1)], false, Some("yank-hidden")),
        (&[(&stranger, yank, 1)], true, Some("yank-unsigned")),
        (&[(&stranger, yank, 1)], false, None),
        (&[(&k, yank, 1), (&stranger, unyank, 2)], false, Some("yank-hidden")),
        // An old unyank behind a later yank; and the other way round.
        (&[(&k, yank, 3), (&k, unyank, 2)], false, Some("yank-hidden")),
        (&[(&k, yank, 1), (&k, unyank, 2)], true, Some("yank-unsigned")),
    ];
    for (number, (said, yanked, expected)) in rows.into_iter().enumerate() {
        let mut fake = Fake::new();
        fake.lists(&k);
        fake.publish("blurbs", "1.0.0", "", &k);
        for (key, operation, second) in said {
            say(&mut fake, "blurbs", key, *operation, *second);
        }
        fake.line("blurbs").yanked = yanked;
        for mut case in [Case::fresh(), Case::pinned(&[&k])] {
            let report = case.verify(&fake).unwrap();
            let found: Vec<_> = report.notes.iter().filter(|note| note.code.starts_with("yank")).collect();
            assert_eq!(
                found.iter().map(|note| note.code).collect::<Vec<_>>(),
                Vec::from_iter(expected),
                "{number}"
            );
            assert!(
                found
                    .iter()
                    .all(|note| note.warning && note.text.starts_with("foobar-project.org/blurbs v1.0.0"))
            );
            case.options.strict = true;
            match expected {
                Some(code) => assert_eq!(case.codes(&fake), [code], "{number}"),
                None => drop(case.verify(&fake).unwrap()),
            }
        }
    }
}

/// What Cargo chose among is looked at where it chose: a false yank of the newest release makes it take an older one.
#[test]
fn the_yanks_of_other_releases_matter_where_a_release_enters() {
    let (mut fake, k) = (Fake::new(), key());
    fake.lists(&k);
    fake.publish("blurbs", "2.0.0", "", &k);
    fake.line("blurbs").yanked = true;
    fake.locked.clear();
    fake.publish("blurbs", "1.0.0", "", &k);
    let report = Case::fresh().verify(&fake).unwrap();
    let note = report.notes.iter().find(|note| note.code == "yank-unsigned").unwrap();
    assert!(note.text.starts_with("foobar-project.org/blurbs v2.0.0: "), "{}", note.text);
    let report = Case::pinned(&[&k]).verify(&fake).unwrap();
    assert!(report.notes.iter().all(|note| note.code != "yank-unsigned"));
}
