//! Answers that the validator turns down although they are proven.
//!
//! It looks at an answer's records and at its NSECs together, and is stricter than RFC 4035 in two cases:
//!
//! - An alias whose target does not exist, or has no records of the type: the NSECs speak of the target, not of the name that was asked for. The alias
//!   itself is signed like any record; the target is asked for by itself then.
//! - A wildcard's answer right below the wildcard: section 5.3.4 wants an NSEC that covers the name, so that nothing
//!   closer than the wildcard can exist; the validator wants the wildcard itself covered too, which no server can give.
//!
//! These cases and nothing more: every record looked at was validated, answer and NSEC are signed by the same zone, and
//! the NSEC leaves no room for the name.

use hickory_resolver::proto::dnssec::rdata::{DNSSECRData, NSEC, RRSIG};
use hickory_resolver::proto::op::Message;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

/// What stands at `owner` itself in an answer that was turned down; `None` when that is not proven.
pub(super) fn at(mut answer: Message, owner: &Name, kind: RecordType) -> Option<Message> {
    if !is_proven(&answer, owner, kind) {
        return None;
    }
    answer.answers.retain(|record| record.name == *owner);
    Some(answer)
}

/// True when `answer` holds validated records of this `kind` or an alias at `owner`, written there or made from a wildcard.
fn is_proven(answer: &Message, owner: &Name, kind: RecordType) -> bool {
    let signature =
        [kind, RecordType::CNAME].into_iter().find_map(|kind| signature(&answer.answers, owner, kind));
    let Some(signature) = signature else { return false };
    // With fewer labels signed than the name has, it was made from a wildcard.
    let labels = signature.input().num_labels;
    if labels >= owner.num_labels() {
        return labels == owner.num_labels();
    }
    // The name just below the wildcard's parent on the way to the owner: nothing may exist there or below.
    let closer = owner.trim_to(usize::from(labels) + 1);
    answer.authorities.iter().any(|record| match &record.data {
        RData::DNSSEC(DNSSECRData::NSEC(nsec)) if record.proof.is_secure() => {
            let signed_by = self::signature(&answer.authorities, &record.name, RecordType::NSEC)
                .map(|signature| &signature.input().signer_name);
            signed_by == Some(&signature.input().signer_name) && leaves_out(&record.name, nsec, &closer)
        }
        _ => false,
    })
}

/// The validated signature of the records of one type at `owner`, which are validated then, too.
fn signature<'a>(records: &'a [Record], owner: &Name, kind: RecordType) -> Option<&'a RRSIG> {
    records.iter().find_map(|record| match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(rrsig))
            if record.name == *owner && record.proof.is_secure() && rrsig.input().type_covered == kind =>
        {
            Some(rrsig)
        }
        _ => None,
    })
}

/// Between `owner` and the next name of its zone there is neither `closer` nor anything below it.
fn leaves_out(owner: &Name, nsec: &NSEC, closer: &Name) -> bool {
    let (next, types) = (nsec.next_domain_name(), nsec.type_set());
    // What is below a delegation or a DNAME is not for this NSEC to say (RFC 6840 section 4.1).
    let cut = types.contains(RecordType::NS) && !types.contains(RecordType::SOA);
    if (cut || types.contains(RecordType::DNAME)) && owner.zone_of(closer) {
        return false;
    }
    // The last name of a zone points back to the first.
    let wraps = next <= owner && next.zone_of(closer);
    closer > owner && (closer < next || wraps) && !closer.zone_of(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        super::super::parse_name(text).unwrap()
    }

    #[test]
    fn an_nsec_leaves_no_room() {
        let closer = "some.wild.example";
        let rows = [
            // NSEC at, next name, proven
            ("*.wild.example", "world.example", true),
            ("*.wild.example", "a.wild.example", false),
            ("*.wild.example", "z.wild.example", true),
            ("a.wild.example", "z.wild.example", true),
            ("some.wild.example", "z.wild.example", false),
            ("*.wild.example", "some.wild.example", false),
            ("*.wild.example", "x.some.wild.example", false),
            ("*.wild.example", "example", true),
            ("*.wild.example", "other", true),
            ("z.wild.example", "example", false),
        ];
        for (owner, next, proven) in rows {
            let nsec = NSEC::new(name(next), [RecordType::TXT]);
            assert_eq!(leaves_out(&name(owner), &nsec, &name(closer)), proven, "{owner} {next}");
        }
    }

    #[test]
    fn a_delegation_says_nothing_about_what_is_below_it() {
        let nsec = |kinds: [RecordType; 2]| NSEC::new(name("world.example"), kinds);
        let (owner, closer) = (name("wild.example"), name("some.wild.example"));
        assert!(!leaves_out(&owner, &nsec([RecordType::NS, RecordType::DS]), &closer));
        assert!(leaves_out(&owner, &nsec([RecordType::NS, RecordType::SOA]), &closer));
    }

    #[test]
    fn records_that_are_not_validated_prove_nothing() {
        assert!(!is_proven(&Message::query(), &name("some.wild.example"), RecordType::TXT));
    }
}
