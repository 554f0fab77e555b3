//! Patterns for platforms, crates and paths: `*` and `?` inside one component, `**` for any number of components.

/// Whether a name without components fits.
pub fn fits(pattern: &str, name: &str) -> bool {
    component(pattern.as_bytes(), name.as_bytes())
}

/// Whether a path, or a directory above it, fits: what names a directory means everything in it.
pub fn covers(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('/').collect();
    let path: Vec<&str> = path.split('/').collect();
    (1..=path.len()).any(|depth| components(&pattern, &path[..depth]))
}

/// Whether a text has wildcards.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

fn components(pattern: &[&str], path: &[&str]) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        Some((&"**", rest)) => (0..=path.len()).any(|skipped| components(rest, &path[skipped..])),
        Some((first, rest)) => match path.split_first() {
            Some((name, below)) => fits(first, name) && components(rest, below),
            None => false,
        },
    }
}

/// The last `*` is the one that gives way: linear in practice, and never worse than quadratic.
fn component(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_and_crates() {
        for (pattern, name) in [
            ("*", "serde"),
            ("*-unknown-linux-gnu", "x86_64-unknown-linux-gnu"),
            ("windows*", "windows_x86_64_msvc"),
            ("a?c", "abc"),
            ("*a*b", "xaxbxb"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in
            [("*-linux-gnu", "x86_64-unknown-linux-gnux32"), ("serde", "serde_json"), ("a?", "a")]
        {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn paths_and_what_lies_below_them() {
        for (pattern, path) in [
            ("tests", "tests/a.rs"),
            ("tests", "tests/deep/er/a.rs"),
            ("*.md", "README.md"),
            ("src/*.c", "src/a.c"),
            ("**/*.a", "lib.a"),
            ("**/*.a", "x/y/lib.a"),
            ("**/testdata", "src/testdata/x"),
            ("src/zlib", "src/zlib/a/b"),
            ("a/**", "a/b"),
        ] {
            assert!(covers(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("tests", "src/tests/a.rs"),
            ("tests", "tests.rs"),
            ("*.md", "docs/a.md"),
            ("src/*.c", "src/x/a.c"),
            ("src/zlib", "src/zlib-ng/a"),
            ("a/b/c", "a/b"),
        ] {
            assert!(!covers(pattern, path), "{pattern} {path}");
        }
    }
}
