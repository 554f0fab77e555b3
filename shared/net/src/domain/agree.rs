//! What several resolvers say together: pure.

use crate::resolver::TxtOutcome;
use cargo_namespaces::domain_view::ProbeOutcome;

/// For each name the one outcome of all resolvers; `answers` holds a list for each resolver, in the order of the names.
pub(super) fn all(answers: Vec<Vec<TxtOutcome>>) -> Vec<ProbeOutcome> {
    let mut answers = answers.into_iter();
    let mut together = answers.next().unwrap_or_default();
    for more in answers {
        together = together.into_iter().zip(more).map(|(one, other)| both(one, other)).collect();
    }
    together.into_iter().map(outcome).collect()
}

/// A failure outweighs everything, since no answer is not a yes; records count where both have them.
fn both(one: TxtOutcome, other: TxtOutcome) -> TxtOutcome {
    use TxtOutcome::{Absent, Bogus, Failed, Insecure, Records};
    match (one, other) {
        (Bogus(reason), _) | (_, Bogus(reason)) => Bogus(reason),
        (Failed(reason), _) | (_, Failed(reason)) => Failed(reason),
        (Insecure(reason), _) | (_, Insecure(reason)) => Insecure(reason),
        (Records(ours), Records(theirs)) => {
            let common: Vec<_> = ours.iter().filter(|record| theirs.contains(record)).cloned().collect();
            if common.is_empty() { disagree() } else { Records(common) }
        }
        (Absent, Absent) => Absent,
        (Absent, Records(_)) | (Records(_), Absent) => disagree(),
    }
}

fn disagree() -> TxtOutcome {
    TxtOutcome::Failed("the resolvers disagree: one of them may have an older answer in its cache".to_owned())
}

fn outcome(found: TxtOutcome) -> ProbeOutcome {
    match found {
        TxtOutcome::Records(records) => ProbeOutcome::Txt(records),
        TxtOutcome::Absent => ProbeOutcome::Absent,
        TxtOutcome::Insecure(reason) => ProbeOutcome::Unusable(reason),
        TxtOutcome::Bogus(reason) | TxtOutcome::Failed(reason) => ProbeOutcome::Failed(reason),
    }
}

#[cfg(test)]
mod tests {
    use cargo_namespaces::discovery::TxtRecord;

    use super::*;

    fn records(texts: &[&str]) -> TxtOutcome {
        TxtOutcome::Records(texts.iter().map(|text| TxtRecord::single(text)).collect())
    }

    fn together(one: TxtOutcome, other: TxtOutcome) -> ProbeOutcome {
        all(vec![vec![one], vec![other]]).remove(0)
    }

    #[test]
    fn both_resolvers_must_see_a_record() {
        let ProbeOutcome::Txt(common) = together(records(&["a", "b"]), records(&["b", "c"])) else {
            panic!()
        };
        assert_eq!(common, [TxtRecord::single("b")]);
        assert!(matches!(together(records(&["a"]), TxtOutcome::Absent), ProbeOutcome::Failed(_)));
        assert!(matches!(together(records(&["a"]), records(&["b"])), ProbeOutcome::Failed(_)));
        assert_eq!(together(TxtOutcome::Absent, TxtOutcome::Absent), ProbeOutcome::Absent);
    }

    #[test]
    fn one_that_fails_or_finds_a_forgery_outweighs_the_other() {
        let bad = || TxtOutcome::Bogus("bad".to_owned());
        assert_eq!(together(records(&["a"]), bad()), ProbeOutcome::Failed("bad".to_owned()));
        let late = TxtOutcome::Failed("late".to_owned());
        assert_eq!(together(late, records(&["a"])), ProbeOutcome::Failed("late".to_owned()));
        let unsigned = TxtOutcome::Insecure("unsigned".to_owned());
        assert_eq!(together(unsigned, records(&["a"])), ProbeOutcome::Unusable("unsigned".to_owned()));
    }
}
