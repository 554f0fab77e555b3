//! What was meant by a word that is not known.

use strsim::osa_distance;

/// A word that is none of those that are known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{given}`; {}", self.advice())]
pub struct UnknownWord {
    what: &'static str,
    given: String,
    known: Vec<String>,
}

impl UnknownWord {
    /// `given` in the place of a `what`.
    pub fn new<'a>(what: &'static str, given: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self { what, given: given.to_owned(), known: known.into_iter().map(str::to_owned).collect() }
    }

    /// The word that was meant, or all that are known.
    fn advice(&self) -> String {
        let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
        match nearest(&self.given, &known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => {
                let list: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
                format!("one of {}", list.join(", "))
            }
        }
    }
}

/// The known word that is nearest to `given`, if at most a third of it is mistyped.
pub fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    let given = given.to_ascii_lowercase();
    let near = known.iter().map(|word| (osa_distance(&given, word), *word));
    near.filter(|(distance, word)| *distance * 3 <= word.len()).min().map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_suggested_and_what_is_not_is_listed() {
        let unknown = |given| UnknownWord::new("word", given, ["platform", "tier"]).to_string();
        assert_eq!(unknown("platfrom"), "unknown word `platfrom`; did you mean `platform`?");
        assert_eq!(unknown("xyz"), "unknown word `xyz`; one of `platform`, `tier`");
        assert_eq!(nearest("Spdx", &["cyclonedx", "spdx"]), Some("spdx"));
        assert_eq!(nearest("", &["a"]), None);
    }
}
