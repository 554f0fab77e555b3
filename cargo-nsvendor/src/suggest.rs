//! What was meant by a word that is not one of those that are known.

/// `unknown <what> `…`; did you mean `…`?`, or the list of all.
pub fn unknown<'a>(what: &str, given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(given, &known) {
        Some(meant) => format!("unknown {what} `{given}`; did you mean `{meant}`?"),
        None => {
            let list: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
            format!("unknown {what} `{given}`; one of {}", list.join(", "))
        }
    }
}

/// The nearest of the known words, where one is near: at most a third of it mistyped.
pub fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    let given = given.to_ascii_lowercase();
    let near = known.iter().map(|word| (distance(&given, word), *word));
    near.filter(|(distance, word)| *distance * 3 <= word.len()).min().map(|(_, word)| word)
}

/// Letters put in, left out, changed, or exchanged with their neighbour (optimal string alignment).
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let mut best = (rows[i][j] + usize::from(a != b)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && one[i - 1] == *b && other[j - 1] == *a {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_suggested_and_what_is_not_is_listed() {
        assert_eq!(
            unknown("word", "platfrom", ["platform", "tier"]),
            "unknown word `platfrom`; did you mean `platform`?"
        );
        assert_eq!(
            unknown("word", "xyz", ["platform", "tier"]),
            "unknown word `xyz`; one of `platform`, `tier`"
        );
        assert_eq!(nearest("Spdx", &["cyclonedx", "spdx"]), Some("spdx"));
        assert_eq!(nearest("", &["a"]), None);
    }
}
