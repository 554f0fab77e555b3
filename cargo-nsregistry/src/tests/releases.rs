//! Publishing and yanking.

use cargo_namespaces::integrity::check_integrity;
use cargo_namespaces::statement::{Nonce, Predicate as _, Yank, YankOperation};

use super::*;
use crate::db::audit;
use crate::{files, upkeep, yank};

#[tokio::test]
async fn a_publish_shows_everything_that_it_changed() {
    let world = World::with("serde.rs/hello").await;
    assert!(world.publish("serde.rs/hello", "1.0.0").await.unwrap().warnings.other.is_empty());
    let (name, version) = (name("serde.rs/hello"), version("1.0.0"));
    let lines = world.index("serde.rs/hello").await;
    let storage = &world.registry.storage;
    let read = async |key: Key<'_>| storage.read(&key.path()).await.unwrap().unwrap().bytes;
    let archive = read(Key::Crate(&name, &version)).await;
    let index = world.registry.config.public.index_of(&name.namespace);
    let verified = check_integrity(&lines[0], &archive[..], None, &name, &index).unwrap();
    assert_eq!(verified.signers, [world.owner.public()], "the registry is no signer");
    let countersigned = lines[0].countersignature.clone().unwrap();
    let accepted = lines[0].countersignature_of(&name, &index, countersigned.at);
    assert_eq!(accepted.verify(&countersigned).unwrap().key(), world.registry.key.public());
    assert_eq!(lines[0].pubtime, Some(countersigned.at));
    let envelope = Envelope::parse(&read(Key::Envelope(&name, &version)).await).unwrap();
    assert_eq!(
        envelope.verify(&world.owner.public()).unwrap().read::<ReleaseStatement>().unwrap().cksum,
        lines[0].cksum
    );
    assert!(envelope.verify(&world.registry.key.public()).is_err());
    let config = String::from_utf8(read(Key::Config(&name.namespace)).await.to_vec()).unwrap();
    assert!(config.contains("\"https://crates.example/ns/serde.rs\""), "{config}");
    assert!(storage.read(&Key::Staged(&lines[0].cksum).path()).await.unwrap().is_none());
    files::settle(&world.registry).await.unwrap();
    assert!(crates::dirty(world.registry.db.read().await.unwrap().connection()).await.unwrap().is_empty());
    let events =
        audit::list(world.registry.db.read().await.unwrap().connection(), Some("serde.rs/hello"), 10)
            .await
            .unwrap();
    assert_eq!(
        (events[0].action.as_str(), events[0].actor.clone()),
        ("publish", world.owner.public().to_string())
    );
}

#[tokio::test]
async fn what_a_publish_leaves_out_is_nothing() {
    let world = World::with("serde.rs/hello").await;
    let hello = name("serde.rs/hello");
    for (vers, more) in [("1.0.0", ""), ("1.0.1", r#","deps":null,"features":null"#)] {
        let archive = package("hello", vers, "", "");
        let statement = world.statement(&hello, &version(vers), &archive);
        let envelope = statement.sign(&world.owner);
        let json = format!(r#"{{"name":"hello","vers":"{vers}"{more}}}"#);
        world.send(&hello, &envelope, body(&json, &archive)).await.unwrap();
    }
    // It is compared all the same.
    let archive = package("hello", "1.0.2", "[features]\nextra = []\n", "");
    let statement = world.statement(&hello, &version("1.0.2"), &archive);
    let envelope = statement.sign(&world.owner);
    let json = r#"{"name":"hello","vers":"1.0.2"}"#;
    refused(world.send(&hello, &envelope, body(json, &archive)).await, "is not what its Cargo.toml says");
}

#[tokio::test]
async fn a_mark_stays_when_its_crate_has_changed_since() {
    let world = World::with("serde.rs/hello").await;
    world.publish("serde.rs/hello", "1.0.0").await.unwrap();
    // Of this change, the files have not followed when the marks of the earlier one are taken off.
    let id = CrateId::of(&name("serde.rs/hello"));
    let line = world.index("serde.rs/hello").await.remove(0);
    let mut write = world.registry.db.write().await.unwrap();
    crates::set_line(write.connection(), &id, &IndexLine { yanked: true, ..line }).await.unwrap();
    crates::mark_dirty(write.connection(), &id).await.unwrap();
    write.commit().await.unwrap();
    files::settle(&world.registry).await.unwrap();
    assert_eq!(
        crates::dirty(world.registry.db.read().await.unwrap().connection()).await.unwrap(),
        [name("serde.rs/hello")]
    );
    assert_eq!(files::recover(&world.registry).await.unwrap(), 1);
    assert!(world.index("serde.rs/hello").await[0].yanked);
    assert_eq!(files::recover(&world.registry).await.unwrap(), 0);
}

#[tokio::test]
async fn a_version_is_published_once() {
    let world = World::with("serde.rs/a-b").await;
    world.publish("serde.rs/a-b", "1.0.0").await.unwrap();
    refused(world.publish("serde.rs/a-b", "1.0.0").await, "exactly this content");
    refused(
        world.publish_as(&world.owner, "serde.rs/a-b", "1.0.0", "//").await,
        "a version is never replaced",
    );
    refused(world.publish("serde.rs/a-b", "1.0.0+build").await, "only in its build part");
    refused(world.publish("serde.rs/A_b", "2.0.0").await, "same name as `a-b`");
    assert_eq!(world.index("serde.rs/a-b").await.len(), 1);
}

#[tokio::test]
async fn of_two_publishers_of_one_version_exactly_one_wins() {
    let world = World::with("serde.rs/hello").await;
    for at in 0..10 {
        let version = format!("1.0.{at}");
        let (one, other) = tokio::join!(
            world.publish_as(&world.owner, "serde.rs/hello", &version, "// one"),
            world.publish_as(&world.owner, "serde.rs/hello", &version, "// other")
        );
        let (won, lost) = if one.is_ok() { ("// one", other) } else { ("// other", one) };
        refused(lost, "somebody else, or another run, was faster");
        let line = world.index("serde.rs/hello").await.pop().unwrap();
        assert_eq!(line.cksum, Digest::of(&package("hello", &version, "", won)));
        let path = Key::Crate(&name("serde.rs/hello"), &line.vers).path();
        let stored = world.registry.storage.read(&path).await.unwrap().unwrap();
        assert_eq!(Digest::of(&stored.bytes), line.cksum, "the loser's bytes are nowhere");
    }
}

#[tokio::test]
async fn many_publishers_at_once_lose_nothing() {
    let world = Arc::new(World::with("serde.rs/hello").await);
    let mut tasks = tokio::task::JoinSet::new();
    for at in 0..40 {
        let world = Arc::clone(&world);
        tasks.spawn(async move { world.publish("serde.rs/hello", &format!("1.0.{at}")).await.map(|_| at) });
    }
    while let Some(done) = tasks.join_next().await {
        let at = done.unwrap().unwrap();
        let version = version(&format!("1.0.{at}"));
        let index = world.index("serde.rs/hello").await;
        assert!(index.iter().any(|line| line.vers == version), "the index holds what was acknowledged");
    }
    assert_eq!(world.index("serde.rs/hello").await.len(), 40);
}

#[tokio::test]
async fn what_is_signed_is_what_is_sent() {
    let world = World::with("serde.rs/hello").await;
    let (hello, v1) = (name("serde.rs/hello"), version("1.0.0"));
    let archive = package("hello", "1.0.0", "", "");
    let good = world.statement(&hello, &v1, &archive);
    let send = async |statement: &ReleaseStatement, json: &str, archive: &[u8]| {
        let envelope = statement.sign(&world.owner);
        world.send(&hello, &envelope, body(json, archive)).await
    };
    let json = metadata("hello", "1.0.0");
    let other = package("hello", "1.0.0", "", "// other");
    refused(send(&good, &json, &other).await, "signed for the .crate");
    refused(send(&good, &metadata("hello", "1.0.1"), &archive).await, "signed for version 1.0.0");
    refused(send(&good, &metadata("hallo", "1.0.0"), &archive).await, "signed for the crate hello");
    let elsewhere = ReleaseStatement {
        index: "sparse+https://other.example/index/serde.rs/".parse().unwrap(),
        ..good.clone()
    };
    refused(send(&elsewhere, &json, &archive).await, "was signed for the index");
    let later = ReleaseStatement { at: clock::now().plus_seconds(3600), ..good.clone() };
    refused(send(&later, &json, &archive).await, "the registry's clock says");
    let lying =
        r#"{"name":"hello","vers":"1.0.0","deps":[{"name":"evil","version_req":"^1"}],"features":{}}"#;
    refused(send(&good, lying, &archive).await, "evil");
    let foreign = package("hello", "1.0.0", "[package.metadata.namespaces]\nnamespace = \"other.rs\"\n", "");
    let statement = world.statement(&hello, &v1, &foreign);
    refused(send(&statement, &json, &foreign).await, "belongs to other.rs");
    assert!(world.index("serde.rs/hello").await.is_empty());
    let envelope = good.sign(&world.owner);
    let mut forged = envelope.clone();
    forged.signatures[0].sig[0] ^= 1;
    refused(
        world.send(&hello, &forged, body(&json, &archive)).await,
        "none of the envelope's signatures is valid",
    );
    send(&good, &json, &archive).await.unwrap();
}

#[tokio::test]
async fn a_crash_after_the_commit_is_finished_at_the_next_start() {
    let world = World::with("serde.rs/hello").await;
    world.publish("serde.rs/hello", "1.0.0").await.unwrap();
    let (hello, v1) = (name("serde.rs/hello"), version("1.0.0"));
    // The state just after the commit: the .crate staged, nothing else, the crate marked.
    let (storage, id) = (&world.registry.storage, CrateId::of(&hello));
    let line = world.index("serde.rs/hello").await.remove(0);
    storage.rename(Key::Crate(&hello, &v1), Key::Staged(&line.cksum)).await.unwrap();
    storage.remove(Key::Envelope(&hello, &v1)).await.unwrap();
    storage.remove(Key::Index(&hello)).await.unwrap();
    let mut write = world.registry.db.write().await.unwrap();
    crates::set_line(write.connection(), &id, &line).await.unwrap();
    crates::mark_dirty(write.connection(), &id).await.unwrap();
    write.commit().await.unwrap();
    let world = world.restarted().await;
    assert_eq!(world.index("serde.rs/hello").await, [line]);
    let there = async |key: Key<'_>| world.registry.storage.etag(&key.path()).await.unwrap().is_some();
    assert!(there(Key::Crate(&hello, &v1)).await && there(Key::Envelope(&hello, &v1)).await);
    assert_eq!(files::recover(&world.registry).await.unwrap(), 0);
}

fn yank_of(world: &World, line: &IndexLine, operation: YankOperation) -> Yank {
    let name = name("serde.rs/hello");
    Yank {
        index: world.registry.config.public.index_of(&name.namespace),
        version: line.vers.clone(),
        cksum: line.cksum,
        operation,
        at: clock::now(),
        nonce: Some(Nonce::generate().unwrap()),
        name,
    }
}

#[tokio::test]
async fn yanks_are_signed_and_cannot_be_replayed() {
    let world = World::with("serde.rs/hello").await;
    world.publish("serde.rs/hello", "1.0.0").await.unwrap();
    let line = world.index("serde.rs/hello").await.remove(0);
    let statement = yank_of(&world, &line, YankOperation::Yank);
    let send = async |statement: &Yank, key: &SecretKey| {
        let (name, operation) = (name("serde.rs/hello"), statement.operation);
        let shown = Shown::of(token(&signed(&statement.sign(key)))).unwrap();
        yank::yank(&world.registry, &name, &version("1.0.0"), operation, &shown).await
    };
    let stranger = SecretKey::generate().unwrap();
    refused(send(&statement, &stranger).await, "only an owner");
    let old = Yank {
        at: cargo_namespaces::time::Timestamp::from_unix(clock::now().unix() - 400),
        ..statement.clone()
    };
    refused(send(&old, &world.owner).await, "the registry's clock says");
    let bare = Yank { nonce: None, ..statement.clone() };
    refused(send(&bare, &world.owner).await, "no nonce");
    for other in [
        Yank { version: version("1.0.1"), ..statement.clone() },
        Yank { name: name("serde.rs/other"), ..statement.clone() },
    ] {
        refused(send(&other, &world.owner).await, "was signed for another request");
    }
    let unyank = Yank { operation: YankOperation::Unyank, ..statement.clone() }.sign(&world.owner);
    let name = name("serde.rs/hello");
    let shown = Shown::of(token(&signed(&unyank))).unwrap();
    let asked = yank::yank(&world.registry, &name, &version("1.0.0"), YankOperation::Yank, &shown).await;
    refused(asked, "was signed for another request");
    let bytes = Yank { cksum: Digest::of(b"other"), ..statement.clone() };
    refused(send(&bytes, &world.owner).await, "was signed for another .crate");
    send(&statement, &world.owner).await.unwrap();
    let yanked = world.index("serde.rs/hello").await.remove(0);
    assert!(yanked.yanked);
    statement.verify(&yanked.yank_attestations[0]).unwrap();
    refused(send(&statement, &world.owner).await, "used before");
    let back = Yank { at: statement.at.plus_seconds(1), ..yank_of(&world, &line, YankOperation::Unyank) };
    send(&back, &world.owner).await.unwrap();
    let line = world.index("serde.rs/hello").await.remove(0);
    assert!(!line.yanked && line.yank_attestations.len() == 2);
    let again = Yank { nonce: Some(Nonce::generate().unwrap()), ..statement };
    refused(send(&again, &world.owner).await, "a later statement");
}

#[tokio::test]
async fn dependencies_without_a_registry_are_warned_about_or_refused() {
    let mut world = World::with("serde.rs/hello").await;
    let deps =
        r#"[{"name":"itoa","version_req":"^1","registry":"https://github.com/rust-lang/crates.io-index"}]"#;
    let send = async |world: &World, vers: &str, tables: &str| {
        let (hello, version) = (name("serde.rs/hello"), version(vers));
        let archive = package("hello", vers, &format!("[dependencies]\nitoa = \"1\"\n{tables}"), "");
        let envelope = world.statement(&hello, &version, &archive).sign(&world.owner);
        let json = metadata("hello", vers).replace("[]", deps);
        world.send(&hello, &envelope, body(&json, &archive)).await
    };
    let warned = send(&world, "1.0.0", "").await.unwrap().warnings.other;
    assert!(
        warned[0].contains("itoa") && warned[0].contains("default-registry = \"crates.io\""),
        "{warned:?}"
    );
    let says = "[package.metadata.namespaces]\ndefault-registry = \"crates.io\"\n";
    assert!(send(&world, "1.0.1", says).await.unwrap().warnings.other.is_empty());
    let registry = Arc::get_mut(&mut world.registry).unwrap();
    registry.config.policy.default_registry = config::DefaultRegistry::Deny;
    // An existing crate is warned, so that a security fix is never held up by it.
    assert_eq!(send(&world, "1.0.2", "").await.unwrap().warnings.other.len(), 1);
}

#[tokio::test]
async fn staged_files_that_nobody_waits_for_are_cleared_away() {
    let world = World::with("serde.rs/hello").await;
    world.publish("serde.rs/hello", "1.0.0").await.unwrap();
    let line = world.index("serde.rs/hello").await.remove(0);
    // One release was recorded and its .crate is not in place yet; another was refused at the last moment.
    let (storage, id) = (&world.registry.storage, CrateId::of(&name("serde.rs/hello")));
    let lost = Digest::of(b"lost");
    storage.put(Key::Staged(&line.cksum), "waited for").await.unwrap();
    storage.put(Key::Staged(&lost), "lost").await.unwrap();
    let mut write = world.registry.db.write().await.unwrap();
    crates::set_line(write.connection(), &id, &line).await.unwrap();
    crates::mark_dirty(write.connection(), &id).await.unwrap();
    write.commit().await.unwrap();
    let now = std::time::SystemTime::now();
    let (earlier, later) =
        (now - std::time::Duration::from_secs(60), now + std::time::Duration::from_secs(60));
    assert_eq!(upkeep::sweep(&world.registry, earlier).await.unwrap(), 0, "a publish may be under way");
    assert_eq!(upkeep::sweep(&world.registry, later).await.unwrap(), 1);
    let left: Vec<Digest> = storage.staged().await.unwrap().into_iter().map(|(digest, _)| digest).collect();
    assert_eq!(left, [line.cksum]);
}

#[tokio::test]
async fn one_crate_that_cannot_be_finished_does_not_hold_up_the_others() {
    let world = World::with("serde.rs/broken").await;
    world.add("serde.rs/hello").await;
    for krate in ["serde.rs/broken", "serde.rs/hello"] {
        world.publish(krate, "1.0.0").await.unwrap();
        let line = world.index(krate).await.remove(0);
        let mut write = world.registry.db.write().await.unwrap();
        crates::set_line(write.connection(), &CrateId::of(&name(krate)), &line).await.unwrap();
        crates::mark_dirty(write.connection(), &CrateId::of(&name(krate))).await.unwrap();
        write.commit().await.unwrap();
    }
    let storage = &world.registry.storage;
    storage.remove(Key::Crate(&name("serde.rs/broken"), &version("1.0.0"))).await.unwrap();
    storage.remove(Key::Index(&name("serde.rs/hello"))).await.unwrap();
    files::recover(&world.registry).await.unwrap_err();
    assert_eq!(world.index("serde.rs/hello").await.len(), 1);
}

#[tokio::test]
async fn names_for_special_use_are_nobodys() {
    let mut world = World::new().await;
    for text in ["hello.example", "hello.test", "hello.local", "hello.internal", "localhost"] {
        let parsed = crate::handlers::namespace(&world.registry, text);
        refused(parsed, "no one can prove to own it");
    }
    Arc::get_mut(&mut world.registry).unwrap().config.policy.special_use = true.into();
    crate::handlers::namespace(&world.registry, "hello.internal").unwrap();
}
