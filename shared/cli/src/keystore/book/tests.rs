use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use cargo_namespaces::key::SecretKey;

/// The `n`th of ten keys.
fn key(n: u8) -> PublicKey {
    static KEYS: LazyLock<Vec<PublicKey>> =
        LazyLock::new(|| (0..10).map(|_| SecretKey::generate().unwrap().public()).collect());
    KEYS[usize::from(n)]
}

fn ns(text: &str) -> Namespace {
    Namespace::parse(text).unwrap()
}

fn entry(name: &str, role: Role, namespaces: &[&str]) -> KeyEntry {
    KeyEntry {
        name: KeyName::parse(name).unwrap(),
        role,
        store: Store::Keyring,
        namespaces: namespaces.iter().map(|text| ns(text)).collect(),
        replaced: BTreeSet::new(),
        revoked: BTreeSet::new(),
    }
}

fn book(entries: Vec<KeyEntry>) -> KeyBook {
    let mut book = KeyBook::default();
    for (n, entry) in (1..).zip(entries) {
        book.add(key(n), entry).unwrap();
    }
    book
}

#[test]
fn the_text_of_a_book() {
    let mut one = book(vec![entry("laptop", Role::Device, &["b.example", "a.example"])]);
    one.get_mut(&key(1)).unwrap().store = Store::File("/keys/a \"b\".pem".into());
    let text = one.to_toml();
    assert!(text.contains(&format!("\n[\"{}\"]\nname = \"laptop\"\nrole = \"device\"\n", key(1))), "{text}");
    assert!(text.contains("namespaces = [\"a.example\", \"b.example\"]\n"), "{text}");
    assert!(!text.contains("revoked"), "{text}");
    assert_eq!(KeyBook::parse(&text).unwrap(), one);
}

#[test]
fn a_broken_book_is_refused() {
    let head = format!("[\"{}\"]\n", key(1));
    for (body, said) in [
        ("name = \"a\"\nrole = \"device\"\nstore = \"attic\"\n", "attic"),
        ("name = \"a b\"\nrole = \"device\"\nstore = \"keyring\"\n", "a b"),
        ("name = \"a\"\nrole = \"chief\"\nstore = \"keyring\"\n", "chief"),
        ("name = \"a\"\nrole = \"device\"\nstore = \"keyring\"\nnamespace = [\"x.dev\"]\n", "namespace"),
        ("name = \"a\"\nrole = \"device\"\nstore = \"keyring\"\nnamespaces = [\"github.io\"]\n", "github.io"),
    ] {
        let error = KeyBook::parse(&format!("{head}{body}")).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    assert!(KeyBook::parse("[laptop]\nname = \"a\"\nrole = \"device\"\nstore = \"keyring\"\n").is_err());
}

#[test]
fn names_are_found_whatever_their_case_and_suggested() {
    let book = book(vec![entry("laptop", Role::Device, &[]), entry("recovery", Role::Recovery, &[])]);
    assert_eq!(book.find("Laptop").unwrap().0, &key(1));
    assert_eq!(book.find(&key(2).to_string()).unwrap().0, &key(2));
    assert_eq!(book.find(&key(2).to_base64()).unwrap().0, &key(2));
    let error = book.find("lapptop").unwrap_err();
    assert_eq!(error.hint().unwrap(), "did you mean `laptop`?");
    assert!(matches!(book.find("office").unwrap_err(), SelectError::Unknown { suggestion: None, .. }));
    assert_eq!(book.find(&key(9).to_string()).unwrap_err(), SelectError::NotHere { key: key(9) });
}

#[test]
fn the_key_of_the_namespace_comes_first() {
    let book = book(vec![
        entry("laptop", Role::Device, &["a.example"]),
        entry("desk", Role::Device, &["b.example"]),
        entry("safe", Role::Recovery, &["a.example", "c.example"]),
    ]);
    assert_eq!(book.device_for(&ns("a.example")).unwrap().0, &key(1));
    assert_eq!(book.device_for(&ns("b.example")).unwrap().0, &key(2));
    // Nothing is registered for c.example except its recovery key, which never signs releases.
    let error = book.device_for(&ns("c.example")).unwrap_err();
    assert!(
        matches!(&error, SelectError::Ambiguous { candidates, .. }
            if candidates.len() == 2 && candidates[0].starts_with("desk (ed25519:")),
        "{error}"
    );
}

#[test]
fn the_only_device_key_serves_every_namespace() {
    let book = book(vec![entry("laptop", Role::Device, &["a.example"]), entry("safe", Role::Recovery, &[])]);
    assert_eq!(book.device_for(&ns("z.example")).unwrap().0, &key(1));
    assert_eq!(book.only_device().unwrap().0, &key(1));
}

#[test]
fn two_keys_of_one_namespace_are_ambiguous() {
    let book =
        book(vec![entry("one", Role::Device, &["a.example"]), entry("two", Role::Device, &["a.example"])]);
    assert!(matches!(book.device_for(&ns("a.example")), Err(SelectError::Ambiguous { .. })));
    assert!(matches!(book.only_device(), Err(SelectError::Ambiguous { .. })));
}

#[test]
fn revoked_and_replaced_keys_do_not_sign() {
    let mut book =
        book(vec![entry("old", Role::Device, &["a.example"]), entry("new", Role::Device, &["a.example"])]);
    book.get_mut(&key(1)).unwrap().replaced.insert(ns("a.example"));
    assert_eq!(book.device_for(&ns("a.example")).unwrap().0, &key(2));
    book.get_mut(&key(2)).unwrap().revoked.insert(ns("a.example"));
    assert!(matches!(book.device_for(&ns("a.example")), Err(SelectError::NoKey { .. })));
    assert!(matches!(KeyBook::default().only_device(), Err(SelectError::NoKey { namespace: None })));
}

#[test]
fn names_have_one_meaning() {
    for text in ["", "key.pem", "a/b", "-x", "a b", "ed25519:x", &"x".repeat(65), "ä"] {
        assert!(KeyName::parse(text).is_err(), "{text}");
    }
    let book = book(vec![entry("device", Role::Device, &[]), entry("Device-2", Role::Device, &[])]);
    assert_eq!(book.free_name(&KeyName::parse("device").unwrap()).as_str(), "device-3");
    assert_eq!(book.free_name(&KeyName::parse("desk").unwrap()).as_str(), "desk");
}

proptest! {
    #[test]
    fn a_written_book_reads_back(
        rows in proptest::collection::btree_map("[a-z][a-z0-9._@-]{0,9}", (any::<bool>(), "[ -~]{1,20}", 0..4usize), 0..6)
    ) {
        let all = ["a.example", "b.example", "c.example"];
        let rows = rows.into_iter().filter(|(name, _)| KeyName::parse(name).is_ok());
        let entries = rows.map(|(name, (recovery, path, count))| {
            let role = if recovery { Role::Recovery } else { Role::Device };
            let mut made = entry(&name, role, &all[..count.min(3)]);
            if count == 3 {
                made.revoked.insert(ns("d.example"));
                made.store = Store::File(path.into());
            }
            made
        });
        let made = book(entries.collect());
        let text = made.to_toml();
        let again = KeyBook::parse(&text).unwrap();
        prop_assert_eq!(again.to_toml(), text);
        prop_assert_eq!(again, made);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = KeyBook::parse(&text);
        let _ = KeyName::parse(&text);
    }
}
