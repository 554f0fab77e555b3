//! Untrusted text, made harmless to show.

use std::fmt::Write as _;

/// `text` with control characters, writing-direction marks and invisible characters shown as `\u{…}`. Line breaks and
/// tabs stay; use [`escape_line`] for what must not start a line of its own.
pub fn escape(text: &str) -> String {
    escape_except(text, |found| matches!(found, '\n' | '\t'))
}

/// As [`escape`], with line breaks and tabs escaped too: for names and other short text from elsewhere.
pub fn escape_line(text: &str) -> String {
    escape_except(text, |_| false)
}

fn escape_except(text: &str, kept: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for found in text.chars() {
        if is_harmful(found) && !kept(found) {
            match found {
                '\n' => shown.push_str("\\n"),
                '\r' => shown.push_str("\\r"),
                '\t' => shown.push_str("\\t"),
                _ => {
                    let _ = write!(shown, "\\u{{{:x}}}", u32::from(found));
                }
            }
        } else {
            shown.push(found);
        }
    }
    shown
}

/// Controls, bidirectional marks and overrides, zero-width and other invisible characters, and foreign line breaks.
fn is_harmful(found: char) -> bool {
    found.is_control()
        || matches!(found,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_drive_the_terminal() {
        assert_eq!(escape("a\u{1b}[31mred"), "a\\u{1b}[31mred");
        assert_eq!(escape("abc\u{202e}fed"), "abc\\u{202e}fed");
        assert_eq!(escape("zero\u{200b}width"), "zero\\u{200b}width");
        assert_eq!(escape("two\nlines\r"), "two\nlines\\r");
        assert_eq!(escape_line("two\nlines"), "two\\nlines");
        assert_eq!(escape("münchen 東京 ✓"), "münchen 東京 ✓");
    }
}
