//! Signed yanks that an index showed before, and shows no longer.

use super::line::IndexLine;
use crate::limits::MAX_ATTESTATIONS;

/// Of the statements that were known first, so many are never dropped: nobody has looked at signatures yet, and what an index adds
/// may be anything, with any date.
const MOST_KEPT: usize = MAX_ATTESTATIONS / 2;

/// The index file `new` with the signed yanks of its releases that `old`, the same file as it was read before, carried and
/// `new` lacks; none where it lacks nothing.
///
/// What was signed once stays said: an index that drops a statement hides it from those only who never saw it. Lines that
/// cannot be read, and releases that are not the same any more, are left as they are.
#[must_use]
pub fn with_known_yanks(new: &[u8], old: &[u8]) -> Option<Vec<u8>> {
    let (new, old) = (std::str::from_utf8(new).ok()?, std::str::from_utf8(old).ok()?);
    let known: Vec<IndexLine> = old
        .lines()
        .filter(|line| line.contains("\"yank_attestations\""))
        .filter_map(|line| IndexLine::parse(line).ok())
        .collect();
    if known.is_empty() {
        return None;
    }
    let mut changed = false;
    let mut made = String::with_capacity(new.len());
    for text in new.split_inclusive('\n') {
        match IndexLine::parse(text).ok().and_then(|line| completed(line, &known)) {
            Some(line) => {
                changed = true;
                made.push_str(&line.to_line());
                made.push('\n');
            }
            None => made.push_str(text),
        }
    }
    changed.then(|| made.into_bytes())
}

/// The line with what is known of it, if it lacks anything.
fn completed(mut line: IndexLine, known: &[IndexLine]) -> Option<IndexLine> {
    let before = known.iter().find(|known| known.vers == line.vers && known.cksum == line.cksum)?;
    let here = |attestation| line.yank_attestations.contains(attestation);
    let mut all = before.yank_attestations.clone();
    if all.iter().all(here) {
        return None;
    }
    all.extend(line.yank_attestations.drain(..).filter(|new| !before.yank_attestations.contains(new)));
    // Of the others the oldest go first, as a registry drops them.
    let mut others = all.split_off(all.len().min(MOST_KEPT));
    others.sort_by_key(|attestation| attestation.at);
    others.drain(..(all.len() + others.len()).saturating_sub(MAX_ATTESTATIONS));
    all.append(&mut others);
    line.yank_attestations = all;
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;
    use crate::index::compute;
    use crate::key::SecretKey;
    use crate::name::{IndexUrl, QualifiedName};
    use crate::statement::{Yank, YankAttestation, YankOperation};

    fn line(version: &str) -> IndexLine {
        let index = IndexUrl::parse("sparse+https://own.example/cargo/index/").unwrap();
        let manifest = format!("[package]\nname = \"demo\"\nversion = \"{version}\"\n");
        IndexLine::new(compute(&manifest, &index).unwrap(), Digest::of(version.as_bytes()), Vec::new())
    }

    fn yank(line: &IndexLine, key: &SecretKey, operation: YankOperation, second: u8) -> YankAttestation {
        let statement = Yank {
            name: QualifiedName::parse("own.example/demo").unwrap(),
            version: line.vers.clone(),
            cksum: line.cksum,
            index: IndexUrl::parse("sparse+https://own.example/cargo/index/").unwrap(),
            operation,
            at: format!("2026-11-21T12:00:{second:02}Z").parse().unwrap(),
            nonce: None,
        };
        statement.attest(key)
    }

    fn file(lines: &[&IndexLine]) -> Vec<u8> {
        lines.iter().map(|line| format!("{}\n", line.to_line())).collect::<String>().into_bytes()
    }

    #[test]
    fn what_was_signed_stays_said() {
        let key = SecretKey::generate().unwrap();
        let (plain, other) = (line("1.0.0"), line("2.0.0"));
        let mut yanked = plain.clone();
        yanked.yanked = true;
        yanked.yank_attestations.push(yank(&plain, &key, YankOperation::Yank, 1));
        // Dropped: it comes back, and the line's own word stays as it is.
        let made = with_known_yanks(&file(&[&plain, &other]), &file(&[&yanked])).unwrap();
        let mut expected = yanked.clone();
        expected.yanked = false;
        assert_eq!(made, file(&[&expected, &other]));
        // Seen again, nothing is lost.
        assert_eq!(with_known_yanks(&made, &made), None);
        assert_eq!(with_known_yanks(&file(&[&yanked]), &file(&[&plain])), None);
        // An unyank that came since follows it.
        let mut back = plain.clone();
        back.yank_attestations.push(yank(&plain, &key, YankOperation::Unyank, 2));
        let made = with_known_yanks(&file(&[&back]), &file(&[&yanked])).unwrap();
        let all = IndexLine::parse(std::str::from_utf8(&made).unwrap()).unwrap().yank_attestations;
        assert_eq!(all, [yanked.yank_attestations[0].clone(), back.yank_attestations[0].clone()]);
        // Another release of the same version has nothing to do with it.
        let replaced = IndexLine { cksum: Digest::of(b"x"), ..plain };
        assert_eq!(with_known_yanks(&file(&[&replaced]), &file(&[&yanked])), None);
    }

    #[test]
    fn lines_that_are_not_known_stay_and_the_cap_holds() {
        let key = SecretKey::generate().unwrap();
        let plain = line("1.0.0");
        let mut many = plain.clone();
        for second in 0..32 {
            many.yank_attestations.push(yank(&plain, &key, YankOperation::Yank, second));
        }
        let mut new = plain.clone();
        new.yank_attestations.push(yank(&plain, &key, YankOperation::Unyank, 40));
        let text = [file(&[&new]), b"{\"v\":9}\n".to_vec()].concat();
        let made = with_known_yanks(&text, &file(&[&many])).unwrap();
        let made = String::from_utf8(made).unwrap();
        assert!(made.ends_with("\n{\"v\":9}\n"));
        let line = IndexLine::parse(made.lines().next().unwrap()).unwrap();
        assert_eq!(line.yank_attestations.len(), MAX_ATTESTATIONS);
        assert_eq!(line.yank_attestations.last(), new.yank_attestations.last());
    }

    #[test]
    fn what_is_added_with_late_dates_pushes_nothing_known_out() {
        let (key, stranger) = (SecretKey::generate().unwrap(), SecretKey::generate().unwrap());
        let plain = line("1.0.0");
        let mut known = plain.clone();
        known.yank_attestations.push(yank(&plain, &key, YankOperation::Yank, 0));
        let mut kept = file(&[&known]);
        for minute in 1..4 {
            let mut flood = plain.clone();
            for second in 0..32 {
                let mut junk = yank(&plain, &stranger, YankOperation::Unyank, second);
                junk.at = format!("2026-11-21T13:{minute:02}:{second:02}Z").parse().unwrap();
                flood.yank_attestations.push(junk);
            }
            kept = with_known_yanks(&file(&[&flood]), &kept).unwrap();
        }
        let line = IndexLine::parse(std::str::from_utf8(&kept).unwrap()).unwrap();
        assert_eq!(line.yank_attestations.len(), MAX_ATTESTATIONS);
        assert!(line.yank_attestations.contains(&known.yank_attestations[0]));
    }
}
