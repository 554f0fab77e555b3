//! Every cap in one place, each with its reason.
//!
//! What a stranger sends is bounded in bytes, in count and in time before it is parsed. A limit is refused with an
//! error that names it; nothing is cut off silently. Sizes are bytes, times are [`Duration`]s.

use std::time::Duration;

const KIB: usize = 1024;
const MIB: u64 = 1024 * 1024;

// ---- Names ----------------------------------------------------------------------------------------------------

/// Longest namespace, as A-labels: what DNS allows for a name in text form.
pub const MAX_NAMESPACE: usize = 253;
/// Most labels in a namespace: deeper names are delegation games, not people's domains.
pub const MAX_NAMESPACE_LABELS: usize = 10;
/// Longest text that is even looked at as a namespace: 253 characters of four bytes, rounded. Decoding punycode is
/// quadratic, so the cap comes first.
pub const MAX_NAMESPACE_INPUT: usize = KIB;
/// Longest crate name: crates.io's limit.
pub const MAX_CRATE_NAME: usize = 64;
/// Longest version, with its pre-release and build parts: a file name must hold it beside the crate's name.
pub const MAX_VERSION: usize = 128;
/// Longest version requirement text: two dozen comparators, more than Cargo users write.
pub const MAX_VERSION_REQ: usize = 512;
/// Longest index URL: it stands in every lock-file entry and in a TXT record.
pub const MAX_INDEX_URL: usize = 512;

// ---- Keys, tokens, statements ---------------------------------------------------------------------------------

/// Largest PKCS#8 PEM file: an Ed25519 key takes 200 bytes, an encrypted one 400.
pub const MAX_KEY_FILE: usize = 16 * KIB;
/// Most PBKDF2 rounds accepted when reading an encrypted key: eight times what we write;
/// above it the file only burns time.
pub const MAX_PBKDF2_ROUNDS: u32 = 5_000_000;
/// Most memory that scrypt may ask for when reading an encrypted key: `128 * N * r * p` of the file's parameters.
pub const MAX_SCRYPT_MEMORY: u64 = 256 * MIB;
/// A passphrase with fewer characters is warned of: a copied key file can be tried against lists and short combinations for
/// as long as its thief likes.
pub const SHORT_PASSPHRASE: usize = 12;
/// How long the keyring may take: somebody may have to find its password first.
pub const KEYRING_TIMEOUT: Duration = Duration::from_secs(120);
/// Longest record line: a token, an index URL, and room for attributes that are not invented yet.
pub const MAX_RECORD: usize = KIB;
/// Most attributes after a token: the format has one today.
pub const MAX_RECORD_ATTRIBUTES: usize = 16;
/// Largest DSSE envelope, as JSON: a payload in base64, and some signatures.
pub const MAX_ENVELOPE: usize = 32 * KIB;
/// Largest statement: a release's is 600 bytes.
pub const MAX_STATEMENT: usize = 16 * KIB;
/// Most signatures in one envelope: each costs a verification.
pub const MAX_ENVELOPE_SIGNATURES: usize = 16;
/// Most attestations on one index line: a device key, some rotations, a registry or two.
pub const MAX_ATTESTATIONS: usize = 32;
/// Longest reason in a revocation: a sentence that fits a terminal, not a page.
pub const MAX_REASON: usize = 500;

// ---- Discovery documents --------------------------------------------------------------------------------------

/// Largest discovery document (`package-namespace.json`, `cargo-publishers`, `cargo.txt`) that a client reads: a
/// thousand keys, or sixty endorsements.
pub const MAX_DOCUMENT: usize = 64 * KIB;
/// Most records or tokens read from one place: more keys than a namespace can mean.
pub const MAX_RECORDS: usize = 1000;
/// Most endorsements, and most revocations, in one document: each costs a signature check.
pub const MAX_ENDORSEMENTS: usize = 64;
/// Most TXT records at one name: a busy apex has thirty of other people's.
pub const MAX_TXT_RECORDS: usize = 200;

// ---- Index ----------------------------------------------------------------------------------------------------

/// Largest index file of one crate: crates.io's largest is about 2 MiB.
pub const MAX_INDEX_FILE: u64 = 16 * MIB;
/// Longest single index line: Windows API crates with a thousand features reach 200 KiB.
pub const MAX_INDEX_LINE: usize = 1024 * KIB;
/// Most versions in an index file.
pub const MAX_INDEX_VERSIONS: usize = 20_000;
/// Largest `config.json` of an index: two URL templates and a name.
pub const MAX_INDEX_CONFIG: usize = 16 * KIB;
/// Most dependencies of one release, over all kinds and targets: the largest on crates.io have a few hundred.
pub const MAX_DEPENDENCIES: usize = 2000;
/// Most features of one release: the bindings of Windows have seven hundred, crates.io's icon sets two thousand.
pub const MAX_FEATURES: usize = 5000;
/// Most things that one feature enables: all the others, in a crate where each icon is one.
pub const MAX_FEATURE_VALUES: usize = 5000;
/// Longest name of a feature.
pub const MAX_FEATURE_NAME: usize = 128;
/// Longest target of a dependency, such as `cfg(…)`: its parser recurses, so this also bounds the stack.
pub const MAX_TARGET: usize = KIB;
/// Longest `links`: the name of a native library.
pub const MAX_LINKS: usize = 128;

// ---- Packages -------------------------------------------------------------------------------------------------

/// Largest .crate that is published: six times crates.io's default, for crates that carry data.
pub const MAX_PACKED: u64 = 64 * MIB;
/// Largest .crate that a consumer takes, which protects the disk: Cargo has a limit for the unpacked one only, and this is it.
pub const MAX_CONSUMED_PACKED: u64 = MAX_UNPACKED;
/// Largest .crate that is held in memory, a thread: nearly all; larger ones are read from their file.
pub const MAX_HELD_PACKED: u64 = 64 * MIB;
/// Most bytes that a .crate may unpack to: Cargo's own limit.
pub const MAX_UNPACKED: u64 = 512 * MIB;
/// How many times larger than packed a large .crate may be unpacked, for a consumer: Cargo's own limit.
pub const MAX_UNPACKED_RATIO: u64 = 20;
/// Most unpacked bytes of a .crate that are held in memory at once, a thread: nearly all fit; larger ones are streamed.
pub const MAX_INFLATED_WHOLE: u64 = 32 * MIB;
/// Most entries in a .crate: an inode each on the consumer's disk.
pub const MAX_ENTRIES: usize = 100_000;
/// Longest path inside a .crate that is published: Windows stops at 260 with the prefix of the cache.
pub const MAX_PATH: usize = 255;
/// Longest single component of a path inside a .crate that is published: file systems stop at 255, encrypted ones at 143.
pub const MAX_COMPONENT: usize = 143;
/// Longest path inside a .crate for a consumer: Linux has none longer.
pub const MAX_CONSUMED_PATH: usize = 4096;
/// Longest single component of it: no file system in use has longer ones.
pub const MAX_CONSUMED_COMPONENT: usize = 255;
/// Largest PAX header of an entry: a path, times, and the attributes that some systems keep.
pub const MAX_PAX_HEADER: usize = 1024 * KIB;
/// Most odd entries of a .crate that are named; all are counted.
pub const MOST_ODD_ENTRIES_KEPT: usize = 8;
/// Largest `Cargo.toml` inside a .crate: it is parsed whole.
pub const MAX_MANIFEST: u64 = 2 * MIB;

// ---- Files of the project -------------------------------------------------------------------------------------

/// Largest `Cargo.lock` that is read: ten thousand packages take 2 MiB.
pub const MAX_LOCK_FILE: u64 = 32 * MIB;
/// Largest trust file: a hundred bytes a key.
pub const MAX_TRUST_FILE: u64 = 4 * MIB;
/// Longest TOML text that is taken apart for editing: the largest manifests in use, of generated bindings, stay under
/// 200 KiB.
pub const MAX_TOML: usize = 4 * 1024 * KIB;
/// Largest `.cargo/config.toml`.
pub const MAX_CARGO_CONFIG: u64 = MIB;

// ---- Network --------------------------------------------------------------------------------------------------

/// How long a connection, TLS included, may take to stand.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a host may send nothing: Cargo's `http.timeout`.
pub const STALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes a second below which a download is given up, as Cargo's `http.low-speed-limit`: nobody waits for it to end.
pub const LOW_SPEED: u64 = 10;
/// How long a discovery document or an index file may take in whole.
pub const DOCUMENT_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a .crate may take in whole: the largest at 300 KiB a second.
pub const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(1800);
/// How long one DNS question, validation included, may take.
pub const DNS_TIMEOUT: Duration = Duration::from_secs(10);
/// Most redirects followed for index files and downloads: Cargo's own habit; well-known documents follow none.
pub const MAX_REDIRECTS: usize = 5;

// ---- Cargo ----------------------------------------------------------------------------------------------------

/// Most memory of its own for a Cargo that we start: resolving five thousand packages takes some hundred MiB, and each
/// .crate is held whole while it is downloaded.
pub const MAX_CARGO_MEMORY: u64 = 2048 * MIB;
/// How long such a Cargo may get nowhere: it writes no file, takes no more memory, and waits for no child and no lock.
pub const CARGO_STALL_TIMEOUT: Duration = Duration::from_secs(600);
