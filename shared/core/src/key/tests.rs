use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;

/// What `openssl <args>` prints on `input`; the commands here need its exit code too.
pub(crate) fn openssl(args: &[&str], input: &[u8]) -> (bool, Vec<u8>) {
    let mut child = Command::new("openssl")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl is installed");
    // A command that stops early closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    (output.status.success(), output.stdout)
}

fn openssl_text(args: &[&str], input: &str) -> String {
    let (success, output) = openssl(args, input.as_bytes());
    assert!(success, "openssl {args:?}");
    String::from_utf8(output).unwrap()
}

/// The last 32 bytes of a DER public key are the key.
fn openssl_public(pem: &str, more: &[&str]) -> PublicKey {
    let args = [&["pkey", "-pubout", "-outform", "DER"], more].concat();
    let (success, der) = openssl(&args, pem.as_bytes());
    assert!(success, "openssl {args:?}");
    PublicKey::from_bytes(der[der.len() - 32..].try_into().unwrap()).unwrap()
}

#[test]
fn a_signature_holds_for_its_bytes_and_key_only() {
    let (key, other) = (SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
    let signature = key.sign(b"message");
    assert!(key.public().verify(b"message", &signature).is_ok());
    assert!(key.public().verify(b"messagf", &signature).is_err());
    assert!(other.public().verify(b"message", &signature).is_err());
    assert_eq!(Signature::parse(&signature.to_string()).unwrap(), signature);
}

#[test]
fn a_public_key_has_two_texts() {
    let key = SecretKey::from_seed([7; 32]).public();
    let (text, base64) = (key.to_string(), key.to_base64());
    assert_eq!(text, format!("ed25519:{base64}"));
    assert_eq!(PublicKey::parse(&text).unwrap(), key);
    assert_eq!(PublicKey::parse(&base64).unwrap(), key);
    assert_eq!(serde_json::to_string(&key).unwrap(), format!("\"{base64}\""));
    assert_eq!(serde_json::from_str::<PublicKey>(&format!("\"{text}\"")).unwrap(), key);
    for wrong in ["", "ed25519:", "rsa:AAAA", &base64[1..], &format!("{base64}="), &format!(" {base64}")] {
        assert!(PublicKey::parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn weak_and_ambiguous_keys_are_refused() {
    // The neutral element, a point of order two, one of order eight, and y = 1 written as p + 1.
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let mut one_again = [0xff; 32];
    (one_again[0], one_again[31]) = (0xee, 0x7f);
    for weak in [one, [0; 32], minus_one, one_again] {
        assert!(matches!(PublicKey::from_bytes(weak), Err(PublicKeyError::Weak(_))), "{weak:?}");
    }
}

#[test]
fn a_secret_key_shows_nothing() {
    let key = SecretKey::from_seed([7; 32]);
    let pem = key.to_pkcs8_pem();
    let secret = pem.lines().nth(1).unwrap();
    assert!(!format!("{key:?}").contains(&secret[secret.len() - 40..]));
    assert!(format!("{key:?}").contains(&key.public().to_base64()));
}

#[test]
fn a_plain_key_file_goes_both_ways_with_openssl() {
    let key = SecretKey::generate().unwrap();
    let pem = key.to_pkcs8_pem();
    assert_eq!(openssl_public(&pem, &[]), key.public());
    // The very bytes that OpenSSL writes: version 1.
    assert_eq!(openssl_text(&["pkey"], &pem), *pem);
    let theirs = openssl_text(&["genpkey", "-algorithm", "ed25519"], "");
    let read = SecretKey::from_pkcs8_pem(&theirs, None).unwrap();
    assert_eq!(read.public(), openssl_public(&theirs, &[]));
    assert_eq!(*read.to_pkcs8_pem(), theirs);
    let windows = format!("\r\n{}\r\n", theirs.replace('\n', "\r\n"));
    assert_eq!(SecretKey::from_pkcs8_pem(&windows, Some("not used")).unwrap().public(), read.public());
}

#[test]
fn an_encrypted_key_file_goes_both_ways_with_openssl() {
    let key = SecretKey::generate().unwrap();
    let pem = key.to_encrypted_pkcs8_pem("pass phrase é").unwrap();
    assert_eq!(openssl_public(&pem, &["-passin", "pass:pass phrase é"]), key.public());
    assert_eq!(SecretKey::from_pkcs8_pem(&pem, Some("pass phrase é")).unwrap().public(), key.public());
    assert_eq!(SecretKey::from_pkcs8_pem(&pem, None).unwrap_err(), KeyError::NeedsPassphrase);
    assert_eq!(SecretKey::from_pkcs8_pem(&pem, Some("other")).unwrap_err(), KeyError::WrongPassphrase);

    let genpkey = ["genpkey", "-algorithm", "ed25519", "-aes-256-cbc", "-pass", "pass:secret"];
    let theirs = openssl_text(&genpkey, "");
    let read = SecretKey::from_pkcs8_pem(&theirs, Some("secret")).unwrap();
    assert_eq!(read.public(), openssl_public(&theirs, &["-passin", "pass:secret"]));
    for wrong in 0..20 {
        let error = SecretKey::from_pkcs8_pem(&theirs, Some(&wrong.to_string())).unwrap_err();
        assert_eq!(error, KeyError::WrongPassphrase);
    }
    let scrypt = ["pkcs8", "-topk8", "-scrypt", "-passout", "pass:secret"];
    let theirs = openssl_text(&scrypt, &key.to_pkcs8_pem());
    assert_eq!(SecretKey::from_pkcs8_pem(&theirs, Some("secret")).unwrap().public(), key.public());
}

#[test]
fn what_is_no_ed25519_key_file_is_named() {
    let read = |pem: &str| SecretKey::from_pkcs8_pem(pem, Some("secret")).unwrap_err();
    assert_eq!(read(""), KeyError::NotPkcs8);
    assert_eq!(
        read("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"),
        KeyError::NotPkcs8
    );
    assert_eq!(read(&"x".repeat(20_000)), KeyError::TooLarge);
    let curve = openssl_text(&["genpkey", "-algorithm", "x25519"], "");
    assert_eq!(read(&curve), KeyError::NotEd25519);
    let public = openssl_text(&["pkey", "-pubout"], &SecretKey::from_seed([7; 32]).to_pkcs8_pem());
    assert_eq!(read(&public), KeyError::NotPkcs8);
    let plain = SecretKey::from_seed([7; 32]).to_pkcs8_pem();
    let old = ["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA1", "-passout", "pass:secret"];
    assert_eq!(read(&openssl_text(&old, &plain)), KeyError::Encryption);
    // Refused before the passphrase is tried.
    assert_eq!(read(&with_endless_pbkdf2(&plain)), KeyError::Encryption);
}

/// The key encrypted by OpenSSL with 65537 rounds, and then 8 323 073 written in their place.
fn with_endless_pbkdf2(plain: &str) -> String {
    let pem = openssl_text(&["pkcs8", "-topk8", "-iter", "65537", "-passout", "pass:secret"], plain);
    let mut der =
        STANDARD.decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap();
    let place = der.windows(5).position(|bytes| bytes == [2, 3, 1, 0, 1]).unwrap();
    der[place + 2] = 0x7f;
    let lines: Vec<String> = STANDARD
        .encode(&der)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    format!(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\n{}\n-----END ENCRYPTED PRIVATE KEY-----\n",
        lines.join("\n")
    )
}

#[test]
fn a_file_with_another_public_key_is_refused() {
    let other = SecretKey::from_seed([8; 32]).public();
    let file = |public: [u8; 32]| {
        let key = SecretKey::from_seed([7; 32]);
        pem::document_pem(&pem::encode(&key.0, Some(&public)), "PRIVATE KEY")
    };
    let ours = SecretKey::from_seed([7; 32]).public();
    assert_eq!(SecretKey::from_pkcs8_pem(&file(*ours.as_bytes()), None).unwrap().public(), ours);
    assert_eq!(SecretKey::from_pkcs8_pem(&file(*other.as_bytes()), None).unwrap_err(), KeyError::Mismatch);
}

proptest! {
    #[test]
    fn any_text_is_answered(text in ".*", bytes in any::<[u8; 32]>()) {
        let _ = (PublicKey::parse(&text), Signature::parse(&text), SecretKey::from_pkcs8_pem(&text, None));
        if let Ok(key) = PublicKey::from_bytes(bytes) {
            prop_assert_eq!(PublicKey::parse(&key.to_string()).unwrap(), key);
        }
    }
}
