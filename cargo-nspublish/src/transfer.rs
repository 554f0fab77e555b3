//! `cargo nspublish transfer`: hands a crate to somebody else. An owner offers it; the receiver accepts it and is its only owner
//! from then on.

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::QualifiedName;
use cargo_namespaces::statement::{Nonce, Predicate as _, Transfer, TransferStep};
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use serde_json::json;

use crate::context::Context;
use crate::key::{confirm, public_key};
use crate::options::{TransferAction, TransferOptions};
use crate::owner::{crate_info, say_if_unlisted, signed_in};

/// Offers, withdraws or accepts.
///
/// # Errors
/// There is no such crate or offer, the registry refuses, or there is no key to sign with.
pub fn run(context: &Context<'_>, options: &TransferOptions) -> Result<ExitCode, CliError> {
    let name = &options.name;
    let (registry, signer) = signed_in(context, &name.namespace, &options.signing)?;
    let info = crate_info(&registry, name)?;
    let own = signer.secret.public();
    let (step, to) = match &options.action {
        TransferAction::Offer(to) => {
            let to = public_key(context, to, options.signing.passphrase_file.as_deref())?;
            (TransferStep::Offer, to)
        }
        TransferAction::Accept => (TransferStep::Accept, offered(name, info.offered_to, Some(own))?),
        TransferAction::Withdraw => (TransferStep::Withdraw, offered(name, info.offered_to, None)?),
    };
    if step == TransferStep::Offer {
        confirm(
            context,
            &format!("{name} is offered to {to}: when it accepts, it is the only owner.\nHand it over?"),
        )?;
    }
    let statement = Transfer {
        name: name.clone(),
        index: registry.index.clone(),
        step,
        to,
        at: clock::now(),
        nonce: Nonce::generate().exit_with(ExitCode::Failure)?,
    };
    registry.transfer(statement.sign(&signer.secret))?;
    let (verb, what) = match step {
        TransferStep::Offer => ("Offered", format!("{name} to {to}")),
        TransferStep::Withdraw => ("Withdrew", format!("the offer of {name} to {to}")),
        TransferStep::Accept => ("Accepted", format!("{name}: `{}` is its only owner now", signer.label)),
    };
    context.shell.status(verb, what);
    context.shell.json("transfer", &json!({ "crate": name.to_string(), "step": step, "to": to.to_string() }));
    if step == TransferStep::Accept {
        say_if_unlisted(context, &registry, &to, name)?;
    }
    if step == TransferStep::Offer {
        context.shell.hint(format!(
            "whoever has that key accepts with `cargo nspublish transfer {name} --accept`; until then \
             `cargo nspublish transfer {name} --withdraw` takes the offer back"
        ));
    }
    Ok(ExitCode::Ok)
}

/// Returns the key that the crate is offered to; with `own`, it must be that key.
fn offered(
    name: &QualifiedName,
    to: Option<PublicKey>,
    own: Option<PublicKey>,
) -> Result<PublicKey, CliError> {
    match (to, own) {
        (None, _) => Err(CliError::new(ExitCode::Failure, format!("{name} is not offered to any key"))),
        (Some(to), Some(own)) if to != own => {
            Err(CliError::new(ExitCode::Failure, format!("{name} is offered to {to}, not to your key {own}"))
                .hint("if that is another key of yours, name it with `--key`"))
        }
        (Some(to), _) => Ok(to),
    }
}

#[cfg(test)]
mod tests {
    use cargo_namespaces::key::SecretKey;

    use super::*;

    #[test]
    fn only_the_one_it_is_offered_to_accepts() {
        let name = QualifiedName::parse("serde.rs/serde-abc").unwrap();
        let [one, two] = [0, 1].map(|_| SecretKey::generate().unwrap().public());
        assert!(offered(&name, None, Some(one)).is_err());
        assert_eq!(offered(&name, Some(one), Some(one)).unwrap(), one);
        let error = offered(&name, Some(one), Some(two)).unwrap_err();
        assert!(error.hint_text().unwrap().contains("--key"), "{error}");
        assert_eq!(offered(&name, Some(one), None).unwrap(), one);
    }
}
