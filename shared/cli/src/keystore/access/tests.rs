use std::collections::BTreeSet;

use super::*;
use crate::keystore::{KeyName, Role};
use crate::shell::ShellOptions;

struct Desk {
    home: tempfile::TempDir,
    store: Keystore,
    shell: Shell,
    env: Environment,
}

impl Desk {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let store = Keystore::at(home.path());
        let shell = Shell::captured(ShellOptions::default());
        Self { home, store, shell, env: Environment::default() }
    }

    fn access(&self) -> KeyAccess<'_> {
        KeyAccess {
            store: &self.store,
            shell: &self.shell,
            env: &self.env,
            passphrase_file: None,
            new_passphrase_file: None,
        }
    }

    /// A new key in a file, entered in the book.
    fn key(&self, name: &str, passphrase: Option<&str>) -> PublicKey {
        let path = self.home.path().join(format!("{name}.pem"));
        let secret = SecretKey::generate().unwrap();
        pem_file::write_new(&path, &secret, passphrase).unwrap();
        let entry = KeyEntry {
            name: KeyName::parse(name).unwrap(),
            role: Role::Device,
            store: Store::File(path),
            namespaces: BTreeSet::new(),
            replaced: BTreeSet::new(),
            revoked: BTreeSet::new(),
        };
        self.store.add(&secret, entry, &|| ()).unwrap();
        secret.public()
    }
}

fn namespace() -> Namespace {
    Namespace::parse("serde.rs").unwrap()
}

#[test]
fn the_first_source_that_is_given_decides() {
    let mut desk = Desk::new();
    let (one, two) = (desk.key("one", None), desk.key("two", None));
    let other = SecretKey::generate().unwrap();
    let file = desk.home.path().join("one.pem");

    let chosen = desk.access().signing_key(Some("two"), &namespace()).unwrap();
    assert_eq!((chosen.secret.public(), chosen.label.as_str()), (two, "two"));
    let chosen = desk.access().signing_key(Some(file.to_str().unwrap()), &namespace()).unwrap();
    assert_eq!((chosen.secret.public(), chosen.label.as_str()), (one, "one"));
    let error = desk.access().signing_key(None, &namespace()).unwrap_err();
    assert!(error.message().contains("several keys could be meant for serde.rs"), "{error}");

    desk.env = desk.env.with(Var::NamespacesKey, other.to_pkcs8_pem().as_str());
    assert_eq!(desk.access().signing_key(None, &namespace()).unwrap().secret.public(), other.public());
    assert_eq!(desk.access().signing_key(Some("one"), &namespace()).unwrap().secret.public(), one);
    desk.env = desk.env.with(Var::NamespacesKeyFile, file);
    let error = desk.access().signing_key(None, &namespace()).unwrap_err();
    assert_eq!(error.exit(), ExitCode::Usage);
}

#[test]
fn a_source_that_fails_is_not_passed_over() {
    let mut desk = Desk::new();
    desk.key("one", None);
    desk.env = desk.env.with(Var::NamespacesKey, "-----BEGIN NONSENSE-----");
    let error = desk.access().signing_key(None, &namespace()).unwrap_err();
    assert!(error.to_string().contains("CARGO_NAMESPACES_KEY"), "{error}");
    assert!(!error.to_string().contains("NONSENSE"), "{error}");
    desk.env = Environment::default();
    std::fs::remove_file(desk.home.path().join("one.pem")).unwrap();
    let error = desk.access().signing_key(None, &namespace()).unwrap_err();
    assert!(error.to_string().contains("one.pem"), "{error}");
}

#[test]
fn a_passphrase_comes_from_the_variable_or_a_file() {
    let mut desk = Desk::new();
    let key = desk.key("one", Some("right"));
    let error = desk.access().signing_key(None, &namespace()).unwrap_err();
    assert_eq!(error.exit(), ExitCode::ActionRequired);
    assert!(error.hint_text().unwrap().contains("--passphrase-file"), "{error}");

    desk.env = desk.env.with(Var::NamespacesKeyPassphrase, "wrong");
    let error = desk.access().signing_key(None, &namespace()).unwrap_err();
    assert!(error.to_string().contains("passphrase does not open"), "{error}");
    assert!(!error.to_string().contains("wrong"), "{error}");

    let file = desk.home.path().join("passphrase");
    std::fs::File::create(&file).and_then(|mut f| std::io::Write::write_all(&mut f, b"right\n")).unwrap();
    let access = KeyAccess { passphrase_file: Some(file), ..desk.access() };
    assert_eq!(access.signing_key(None, &namespace()).unwrap().secret.public(), key);
}

#[test]
fn a_file_with_another_key_than_the_book_says_is_refused() {
    let desk = Desk::new();
    desk.key("one", None);
    let path = desk.home.path().join("one.pem");
    std::fs::remove_file(&path).unwrap();
    pem_file::write_new(&path, &SecretKey::generate().unwrap(), None).unwrap();
    let error = desk.access().signing_key(None, &namespace()).unwrap_err();
    assert_eq!(error.exit(), ExitCode::InvalidInput);
    assert!(error.message().contains("one.pem") && error.message().contains("not ed25519:"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_plain_key_file_that_others_may_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let desk = Desk::new();
    desk.key("one", None);
    let path = desk.home.path().join("one.pem");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    desk.access().signing_key(None, &namespace()).unwrap();
    assert!(desk.shell.captured_text().contains("chmod 600"), "{}", desk.shell.captured_text());
}

#[test]
fn a_mistyped_name_is_not_taken_for_a_file() {
    let desk = Desk::new();
    desk.key("laptop", None);
    let error = desk.access().signing_key(Some("lapptop"), &namespace()).unwrap_err();
    assert_eq!(error.hint_text().unwrap(), "did you mean `laptop`?");
}

#[test]
fn what_is_needed_for_a_new_key_file_names_the_flag_that_is_looked_at() {
    let desk = Desk::new();
    let path = desk.home.path().join("new.pem");
    for (given, named, other) in [
        (
            Given::New(None),
            "`--new-passphrase-file FILE` or in CARGO_NAMESPACES_NEW_KEY_PASSPHRASE",
            "`--passphrase-file",
        ),
        (
            Given::Opening(None),
            "`--passphrase-file FILE` or in CARGO_NAMESPACES_KEY_PASSPHRASE",
            "--new-passphrase-file",
        ),
    ] {
        let error = desk.access().new_passphrase(&path, &[given]).unwrap_err();
        let hint = error.hint_text().unwrap();
        assert!(hint.contains(named) && !hint.contains(other), "{hint}");
    }
}
