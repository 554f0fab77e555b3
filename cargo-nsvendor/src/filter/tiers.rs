//! Rust's platform tiers, for `--tier`.
//!
//! Rust publishes the list as a page (<https://doc.rust-lang.org/rustc/platform-support.html>), and stable rustc does not print it.
//! This table has the platforms of rustc 1.95.0 (59807616e, 2026-04-14):
//!
//! ```text
//! RUSTC_BOOTSTRAP=1 rustc -Z unstable-options --print all-target-specs-json    .[].metadata.tier
//! ```
//!
//! A platform that the installed rustc does not know is ignored.

use crate::suggest::UnknownWord;

/// `--tier 1` or `--tier 2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// Platforms that are guaranteed to work.
    One,
    /// Also those that are guaranteed to build.
    Two,
}

/// Why a text is no [`Tier`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TierError {
    #[error("tier 3 is every platform: leave the flag out")]
    EveryPlatform,
    #[error(transparent)]
    Unknown(#[from] UnknownWord),
}

impl Tier {
    /// Reads `1` or `2`.
    pub fn parse(text: &str) -> Result<Self, TierError> {
        match text {
            "1" => Ok(Self::One),
            "2" => Ok(Self::Two),
            "3" => Err(TierError::EveryPlatform),
            other => Err(UnknownWord::new("tier", other, ["1", "2"]).into()),
        }
    }

    /// The text that is parsed.
    pub fn text(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
        }
    }

    /// Whether a platform is of this tier or a better one.
    pub fn has(self, platform: &str) -> bool {
        TIER_1.contains(&platform) || (self == Self::Two && TIER_2.contains(&platform))
    }
}

/// Tier 1.
const TIER_1: [&str; 8] = [
    "aarch64-apple-darwin",
    "aarch64-pc-windows-msvc",
    "aarch64-unknown-linux-gnu",
    "i686-pc-windows-msvc",
    "i686-unknown-linux-gnu",
    "x86_64-pc-windows-gnu",
    "x86_64-pc-windows-msvc",
    "x86_64-unknown-linux-gnu",
];

/// Tier 2, with and without host tools.
const TIER_2: [&str; 106] = [
    "aarch64-apple-ios",
    "aarch64-apple-ios-macabi",
    "aarch64-apple-ios-sim",
    "aarch64-apple-tvos",
    "aarch64-apple-tvos-sim",
    "aarch64-apple-visionos",
    "aarch64-apple-visionos-sim",
    "aarch64-apple-watchos",
    "aarch64-apple-watchos-sim",
    "aarch64-linux-android",
    "aarch64-pc-windows-gnullvm",
    "aarch64-unknown-fuchsia",
    "aarch64-unknown-linux-musl",
    "aarch64-unknown-linux-ohos",
    "aarch64-unknown-none",
    "aarch64-unknown-none-softfloat",
    "aarch64-unknown-uefi",
    "arm-linux-androideabi",
    "arm-unknown-linux-gnueabi",
    "arm-unknown-linux-gnueabihf",
    "arm-unknown-linux-musleabi",
    "arm-unknown-linux-musleabihf",
    "arm64ec-pc-windows-msvc",
    "armv5te-unknown-linux-gnueabi",
    "armv5te-unknown-linux-musleabi",
    "armv7-linux-androideabi",
    "armv7-unknown-linux-gnueabi",
    "armv7-unknown-linux-gnueabihf",
    "armv7-unknown-linux-musleabi",
    "armv7-unknown-linux-musleabihf",
    "armv7-unknown-linux-ohos",
    "armv7a-none-eabi",
    "armv7a-none-eabihf",
    "armv7r-none-eabi",
    "armv7r-none-eabihf",
    "armv8r-none-eabihf",
    "i586-unknown-linux-gnu",
    "i586-unknown-linux-musl",
    "i686-linux-android",
    "i686-pc-windows-gnu",
    "i686-pc-windows-gnullvm",
    "i686-unknown-freebsd",
    "i686-unknown-linux-musl",
    "i686-unknown-uefi",
    "loongarch64-unknown-linux-gnu",
    "loongarch64-unknown-linux-musl",
    "loongarch64-unknown-none",
    "loongarch64-unknown-none-softfloat",
    "nvptx64-nvidia-cuda",
    "powerpc-unknown-linux-gnu",
    "powerpc64-unknown-linux-gnu",
    "powerpc64-unknown-linux-musl",
    "powerpc64le-unknown-linux-gnu",
    "powerpc64le-unknown-linux-musl",
    "riscv32i-unknown-none-elf",
    "riscv32im-unknown-none-elf",
    "riscv32imac-unknown-none-elf",
    "riscv32imafc-unknown-none-elf",
    "riscv32imc-unknown-none-elf",
    "riscv64a23-unknown-linux-gnu",
    "riscv64gc-unknown-linux-gnu",
    "riscv64gc-unknown-linux-musl",
    "riscv64gc-unknown-none-elf",
    "riscv64imac-unknown-none-elf",
    "s390x-unknown-linux-gnu",
    "s390x-unknown-none-softfloat",
    "sparc64-unknown-linux-gnu",
    "sparcv9-sun-solaris",
    "thumbv6m-none-eabi",
    "thumbv7a-none-eabi",
    "thumbv7a-none-eabihf",
    "thumbv7em-none-eabi",
    "thumbv7em-none-eabihf",
    "thumbv7m-none-eabi",
    "thumbv7neon-linux-androideabi",
    "thumbv7neon-unknown-linux-gnueabihf",
    "thumbv7r-none-eabi",
    "thumbv7r-none-eabihf",
    "thumbv8m.base-none-eabi",
    "thumbv8m.main-none-eabi",
    "thumbv8m.main-none-eabihf",
    "thumbv8r-none-eabihf",
    "wasm32-unknown-emscripten",
    "wasm32-unknown-unknown",
    "wasm32-wasip1",
    "wasm32-wasip1-threads",
    "wasm32-wasip2",
    "wasm32v1-none",
    "x86_64-apple-darwin",
    "x86_64-apple-ios",
    "x86_64-apple-ios-macabi",
    "x86_64-fortanix-unknown-sgx",
    "x86_64-linux-android",
    "x86_64-pc-solaris",
    "x86_64-pc-windows-gnullvm",
    "x86_64-unknown-freebsd",
    "x86_64-unknown-fuchsia",
    "x86_64-unknown-illumos",
    "x86_64-unknown-linux-gnuasan",
    "x86_64-unknown-linux-gnux32",
    "x86_64-unknown-linux-musl",
    "x86_64-unknown-linux-ohos",
    "x86_64-unknown-netbsd",
    "x86_64-unknown-none",
    "x86_64-unknown-redox",
    "x86_64-unknown-uefi",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_tier_holds_the_first() {
        assert!(Tier::One.has("x86_64-unknown-linux-gnu") && Tier::Two.has("x86_64-unknown-linux-gnu"));
        assert!(!Tier::One.has("wasm32-unknown-unknown") && Tier::Two.has("wasm32-unknown-unknown"));
        assert!(!Tier::Two.has("i586-pc-windows-msvc") && !Tier::Two.has("riscv64-wrs-vxworks"));
        assert!(TIER_1.is_sorted() && TIER_2.is_sorted() && !TIER_1.iter().any(|one| TIER_2.contains(one)));
    }

    #[test]
    fn another_tier_is_none() {
        assert_eq!(Tier::parse("2"), Ok(Tier::Two));
        assert!(Tier::parse("3").unwrap_err().to_string().contains("every platform"));
        assert!(Tier::parse("one").is_err());
    }
}
