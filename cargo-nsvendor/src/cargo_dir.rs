//! What Cargo calls the directory of a registry: `<host>-<hash>`, below `$CARGO_HOME/registry/index` and `…/cache`.
//!
//! The hash is the first 64 bits that Cargo 1.85 and later make of a source's kind and URL with SipHash-1-3 of 128 bits and
//! a key of zeros; it is the same on every platform. Cargo promises none of this, so a directory that Cargo has made
//! for the host under another name wins ([`crate::share`]), and the tests compare with what the real Cargo makes.

use cargo_namespaces::name::IndexUrl;

/// The number of a sparse registry among Cargo's kinds of sources.
const SPARSE_REGISTRY: u8 = 3;
/// What ends a text in a hash, as everywhere in Rust.
const END_OF_TEXT: u8 = 0xff;
/// crates.io's index as Cargo spells it.
pub const CRATES_IO: &str = "sparse+https://index.crates.io/";

/// The name for a sparse index.
pub fn of_index(index: &IndexUrl) -> String {
    format!("{}-{}", index.host(), hash_of(canonical(index.as_str())))
}

/// The name for crates.io.
pub fn of_crates_io() -> String {
    format!("index.crates.io-{}", hash_of(canonical(CRATES_IO)))
}

/// The URL as Cargo compares it: without a slash at the end, but for that of the host, and without `.git` there.
fn canonical(url: &str) -> &str {
    let Some(trimmed) = url.strip_suffix('/') else { return url };
    let path = trimmed.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    if path.is_none() { url } else { trimmed.strip_suffix(".git").unwrap_or(trimmed) }
}

fn hash_of(url: &str) -> String {
    let mut bytes = vec![SPARSE_REGISTRY];
    bytes.extend_from_slice(url.as_bytes());
    bytes.push(END_OF_TEXT);
    let [first, second] = sip_1_3(&bytes);
    let folded = first.wrapping_mul(3).wrapping_add(second);
    folded.to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SipHash-1-3 with 128 bits of result and a key of zeros (<https://www.aumasson.jp/siphash/siphash.pdf>).
fn sip_1_3(bytes: &[u8]) -> [u64; 2] {
    let mut state =
        [0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d ^ 0xee, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573];
    let mut absorb = |word: u64| {
        state[3] ^= word;
        round(&mut state);
        state[0] ^= word;
    };
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().for_each(|word| absorb(u64::from_le_bytes(*word)));
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    // The top byte is the length, cut off.
    last[7] = bytes.len().to_le_bytes()[0];
    absorb(u64::from_le_bytes(last));
    [(2, 0xee), (1, 0xdd)].map(|(at, mark): (usize, u64)| {
        state[at] ^= mark;
        (0..3).for_each(|_| round(&mut state));
        state[0] ^ state[1] ^ state[2] ^ state[3]
    })
}

fn round(v: &mut [u64; 4]) {
    let mut half = |a: usize, b: usize, c: usize, d: usize, left: u32, right: u32| {
        v[a] = v[a].wrapping_add(v[b]);
        v[c] = v[c].wrapping_add(v[d]);
        v[b] = v[b].rotate_left(left) ^ v[a];
        v[d] = v[d].rotate_left(right) ^ v[c];
        v[a] = v[a].rotate_left(32);
    };
    half(0, 1, 2, 3, 13, 16);
    half(2, 1, 0, 3, 17, 21);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_io_is_called_as_cargo_calls_it() {
        assert_eq!(of_crates_io(), "index.crates.io-1949cf8c6b5b557f");
        let other = IndexUrl::parse("sparse+https://a.example/cargo/index/").unwrap();
        assert_eq!(of_index(&other), "a.example-8287b2418376c991");
    }

    #[test]
    fn two_indexes_of_one_host_are_kept_apart() {
        let name = |url: &str| of_index(&IndexUrl::parse(url).unwrap());
        let (a, b) = (name("sparse+https://x.example/a/"), name("sparse+https://x.example/b/"));
        assert!(a.starts_with("x.example-") && a != b);
        assert_eq!(a.len(), "x.example-".len() + 16);
    }
}
