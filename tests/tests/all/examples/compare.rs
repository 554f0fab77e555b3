//! Whether an output is the one that a page shows. Pure.

/// Compares whole outputs. Blank lines at the end and blanks at the ends of lines do not count.
#[must_use]
pub fn matches(pattern: &[String], output: &[String]) -> bool {
    let settle = |lines: &[String]| -> Vec<String> {
        let mut lines: Vec<String> = lines.iter().map(|line| settled(line.trim_end())).collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    };
    lines_match(&settle(pattern), &settle(output))
}

/// The output as a page should show it: lines that the page has and that still match stay as they are there, and so
/// does `...` before a line that is still there, or at the end.
#[must_use]
pub fn update(pattern: &[String], output: &[String]) -> Vec<String> {
    if matches(pattern, output) {
        return pattern.to_vec();
    }
    // The blank line before the next `$ ` is the page's, not the output's.
    let trailing = pattern.iter().rev().take_while(|line| line.is_empty()).count();
    let mut pattern = &pattern[..pattern.len() - trailing];
    let (mut updated, mut rest) = (Vec::new(), output);
    while let Some((line, after)) = pattern.split_first() {
        pattern = after;
        if is_dots(line) {
            let next = after.iter().find(|line| !is_dots(line));
            match next.map(|next| position(next, rest)) {
                None => rest = &[],
                Some(Some(at)) => rest = &rest[at..],
                Some(None) => continue,
            }
            updated.push(line.clone());
        } else if let Some(at) = position(line, rest) {
            updated.extend_from_slice(&rest[..at]);
            updated.push(line.clone());
            rest = &rest[at + 1..];
        }
    }
    updated.extend_from_slice(rest);
    updated.extend(std::iter::repeat_n(String::new(), trailing));
    updated
}

/// Where a line of the page is in the output.
fn position(line: &str, output: &[String]) -> Option<usize> {
    let line = settled(line);
    output.iter().position(|found| line_matches(&line, &settled(found)))
}

fn is_dots(line: &str) -> bool {
    line.trim() == "..."
}

fn lines_match(pattern: &[String], output: &[String]) -> bool {
    match pattern.split_first() {
        None => output.is_empty(),
        Some((first, rest)) if is_dots(first) => {
            (0..=output.len()).any(|skipped| lines_match(rest, &output[skipped..]))
        }
        Some((first, rest)) => match output.split_first() {
            Some((line, after)) => line_matches(first, line) && lines_match(rest, after),
            None => false,
        },
    }
}

/// `[..]` stands for anything.
fn line_matches(pattern: &str, line: &str) -> bool {
    let Some((first, middle)) = pattern.split_once("[..]") else { return pattern == line };
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = middle.split("[..]").collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// The line with a fixed text in the place of everything that is another at every run: keys, tokens, digests, moments,
/// durations.
#[must_use]
pub fn settled(line: &str) -> String {
    let mut settled = String::with_capacity(line.len());
    let mut rest = line;
    let mut before = ' ';
    while let Some(next) = rest.chars().next() {
        let at_word = !before.is_ascii_alphanumeric();
        match volatile(rest).filter(|_| at_word) {
            Some((length, instead)) => {
                settled.push_str(instead);
                before = 'x';
                rest = &rest[length..];
            }
            None => {
                settled.push(next);
                before = next;
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    settled
}

/// How many bytes at the beginning of `text` are another at every run, and what to put there.
fn volatile(text: &str) -> Option<(usize, &'static str)> {
    let base64 = |text: &str| {
        let length =
            text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(byte)).count();
        (length == 43 && text[length..].starts_with('=')).then_some(44)
    };
    for (prefix, instead) in [("ed25519:", "ed25519:KEY"), ("sha256-", "sha256-TOKEN")] {
        if let Some(length) = text.strip_prefix(prefix).and_then(base64) {
            return Some((prefix.len() + length, instead));
        }
    }
    let hexadecimal = text.bytes().take_while(u8::is_ascii_hexdigit).count();
    if hexadecimal == 64 {
        return Some((64, "DIGEST"));
    }
    let shape: String = text.chars().take(20).map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    if shape == "0000-00-00T00:00:00Z" {
        return Some((20, "MOMENT"));
    }
    duration(text).map(|length| (length, "DURATION"))
}

/// `0.52s`, `12.01s`: as Cargo says how long it took.
fn duration(text: &str) -> Option<usize> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    let fraction = digits(text[whole..].strip_prefix('.')?);
    let end = whole + 1 + fraction;
    let after = text[end..].strip_prefix('s')?;
    let ends = !after.starts_with(|c: char| c.is_ascii_alphanumeric());
    (whole > 0 && fraction > 0 && ends).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn dots_stand_for_lines_and_brackets_within_one() {
        assert!(matches(&lines("a\n...\nd"), &lines("a\nb\nc\nd\n\n")));
        assert!(matches(&lines("a\n..."), &lines("a")));
        assert!(!matches(&lines("a\n...\nd"), &lines("a\nb")));
        assert!(matches(&lines("in [..] of [..]s"), &lines("in 3 of 4 crates")));
        assert!(!matches(&lines("in [..] of [..]s"), &lines("in 3 of 4 crate")));
    }

    #[test]
    fn keys_tokens_digests_moments_and_durations_may_differ() {
        let (a, b) =
            ("kdRCstHTc6I8OxwyuW+QC8gFkn4tT8/g4a0M//cvCXk=", "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=");
        let line = |key: &str, digit: char, time: &str, took: &str| {
            let digest = digit.to_string().repeat(64);
            vec![format!("ed25519:{key} sha256-{key}, {digest} at {time} in {took}")]
        };
        let first = line(a, '0', "2026-11-20T12:00:00Z", "0.52s");
        let second = line(b, 'f', "2027-01-02T03:04:05Z", "12.01s");
        assert!(matches(&first, &second), "{} {}", settled(&first[0]), settled(&second[0]));
        assert!(!matches(&lines("ed25519:short"), &lines("ed25519:other")));
        assert!(!matches(&lines("v1.0.0"), &lines("v1.0.1")));
    }

    #[test]
    fn an_update_keeps_the_lines_that_still_match() {
        let pattern = lines("   Finished in [..]\n...\nold\n\n");
        let updated = update(&pattern, &lines("   Finished in 3 minutes\nnew"));
        assert_eq!(updated, ["   Finished in [..]", "new", ""]);
        let pattern = lines("...\nerror: a\n\nhelp: old\nerror: b\n...");
        let output = lines("warning: w\nerror: a\n\nhelp: new\nerror: b\nmore");
        assert_eq!(update(&pattern, &output), lines("...\nerror: a\n\nhelp: new\nerror: b\n..."));
        let same = lines("a\n...\n");
        assert_eq!(update(&same, &lines("a\nb")), same);
    }
}
