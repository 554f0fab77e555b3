//! Reading private indexes: what Cargo's credential providers answer, asked as Cargo asks them.
//!
//! A private index answers 401; only then is its provider asked, once a run. The protocol is Cargo's: the provider says
//! which versions it speaks, one line of JSON asks for `read` at this index, one line answers. What it answers is sent to
//! the host of the index, and to the one that the `config.json` of such an index names for its .crates: to no other.
//!
//! A Cargo that we start could not ask our own provider itself: the variables with a key or its passphrase are withheld from it
//! ([`Cargo::command`](crate::cargo::Cargo::command)), and where its output is read by us, nobody sees the provider's question.
//! So the provider is asked first, and Cargo is given what it answers ([`SignIn`]): a statement that reads one index for an hour.
//! It is given in a configuration file of its own: a variable would be every build script's to read, and would count for each
//! registry whose name differs in `-`, `_` or case.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use cargo_credential::{
    Action, CredentialHello, CredentialRequest, CredentialResponse, Error as ProviderError, Operation,
    RegistryInfo,
};
use tempfile::NamedTempFile;
use toml_edit::{Array, DocumentMut, Value, value};
use zeroize::Zeroizing;

use super::RegistryClient;
use crate::env::Var;
use crate::interrupt;
use crate::network::fetch_signing;
use crate::settings::{Access, NoToken, Provider, Settings, TokenAsked};
use crate::shell::Shell;
use cargo_namespaces::error::one_line;
use cargo_namespaces::name::IndexUrl;
use cargo_namespaces_net::client::{Outcome, Request};

/// The version of Cargo's protocol that is spoken here.
const PROTOCOL: u32 = 1;
/// Longest line of a provider; a statement is some hundred bytes.
const MAX_LINE: u64 = 256 * 1024;
/// How often somebody who waits for a provider looks whether Ctrl-C came.
const LOOK: Duration = Duration::from_millis(20);
/// How long a provider may take to end.
const GRACE: Duration = Duration::from_secs(1);

impl RegistryClient<'_> {
    /// Fetches; whatever answers 401 is asked for again with the token of its index.
    pub(super) fn fetch_authorized(&self, asked: &[(IndexUrl, Request)]) -> Vec<Outcome> {
        let requests: Vec<Request> = asked
            .iter()
            .map(|(index, request)| match known(self.settings, index) {
                Some(Ok(token)) => with_token(request, &token),
                _ => request.clone(),
            })
            .collect();
        // Where the token is known already, it was sent and did not help.
        let sign = |at: usize| Ok::<_, Infallible>(ask(self.settings, &asked[at].0).ok());
        match fetch_signing(self.transport, &requests, sign) {
            Ok(outcomes) => outcomes,
        }
    }

    /// The request for a .crate of a private index, with its token. As with Cargo it goes to where the index's own `config.json`
    /// says that the .crates are, which may be another host; a redirect takes it nowhere else.
    pub(super) fn authorize_download(&self, index: &IndexUrl, request: Request) -> Request {
        match ask(self.settings, index) {
            Ok(token) => with_token(&request, &token),
            Err(_) => request,
        }
    }

    /// Why there is no token for an index that was refused.
    pub(super) fn no_token(&self, index: &IndexUrl) -> (String, TokenAsked) {
        match known(self.settings, index) {
            Some(Err(problem)) => (problem.to_string(), problem.asked()),
            Some(Ok(_)) => {
                ("it does not accept what the credential provider answered".to_owned(), TokenAsked::Nobody)
            }
            None => ("no token was asked for".to_owned(), TokenAsked::Nobody),
        }
    }
}

fn with_token(request: &Request, token: &str) -> Request {
    request.clone().header("authorization", token)
}

type Token = Result<Zeroizing<String>, NoToken>;

fn known(settings: &Settings, index: &IndexUrl) -> Option<Token> {
    settings.credentials.answers.lock().unwrap_or_else(PoisonError::into_inner).get(index).cloned()
}

fn ask(settings: &Settings, index: &IndexUrl) -> Token {
    // Held while a provider runs: it may ask its user something, and must do so once.
    let mut answers = settings.credentials.answers.lock().unwrap_or_else(PoisonError::into_inner);
    answers.entry(index.clone()).or_insert_with(|| read_token(&settings.access(index), index)).clone()
}

/// The registries for which a Cargo is signed in when it is started: those whose provider is ours and which it may ask.
#[derive(Clone, Debug)]
pub struct SignIn(Arc<Registries>);

#[derive(Debug)]
struct Registries {
    settings: Settings,
    named: Vec<(String, IndexUrl)>,
    /// Made when Cargo is first started; removed with this.
    file: OnceLock<Option<NamedTempFile>>,
}

impl SignIn {
    /// For those that the texts name, by name or index, but for `except`; without texts, for all.
    pub fn new<'t>(
        settings: &Settings,
        texts: Option<impl IntoIterator<Item = &'t str>>,
        except: Option<&IndexUrl>,
    ) -> Self {
        let texts: Option<Vec<&str>> = texts.map(|texts| texts.into_iter().collect());
        let named =
            |word: &str| texts.as_ref().is_none_or(|texts| texts.iter().any(|text| text.contains(word)));
        let registries = settings.registries.iter().filter_map(|(name, registry)| {
            let index = IndexUrl::parse(&registry.index).ok()?;
            let access = settings.access(&index);
            // Of several names for one index, Cargo asks by the one that is used.
            let is_ours = access.providers.first().is_some_and(Provider::is_ours);
            let is_meant = is_ours && Some(&index) != except && (named(name) || named(&registry.index));
            is_meant.then(|| (name.clone(), index))
        });
        let named = registries.collect();
        Self(Arc::new(Registries { settings: settings.clone(), named, file: OnceLock::new() }))
    }

    /// The flags that give Cargo the tokens. Providers are asked here, each once in the life of this process. Where one has no token,
    /// that is said, and Cargo may do without: what it needs may be in its caches.
    pub fn flags(&self) -> Vec<OsString> {
        match self.0.file.get_or_init(|| self.0.write()) {
            Some(file) => vec!["--config".into(), file.path().into()],
            None => Vec::new(),
        }
    }
}

impl Registries {
    fn write(&self) -> Option<NamedTempFile> {
        let mut document = DocumentMut::new();
        for (name, index) in &self.named {
            let token = match ask(&self.settings, index) {
                Ok(token) => token,
                Err(_) if interrupt::is_set() => return None,
                Err(problem) => {
                    Shell::last_warning(&format!("not signed in to `{index}`: {problem}"));
                    continue;
                }
            };
            let provider = Value::from("cargo:token");
            let provider = match self.settings.credentials.is_written_as_string(name) {
                true => provider,
                false => Array::from_iter([provider]).into(),
            };
            let registry = &mut document["registries"][name.as_str()];
            registry["credential-provider"] = value(provider);
            registry["token"] = value(token.as_str());
        }
        if document.is_empty() {
            return None;
        }
        // Only its owner may read it. If it cannot be written, Cargo asks the provider itself.
        let mut file =
            tempfile::Builder::new().prefix("cargo-namespaces-").suffix(".toml").tempfile().ok()?;
        file.write_all(Zeroizing::new(document.to_string()).as_bytes()).ok()?;
        Some(file)
    }
}

/// The token that reads `index`, from the first provider that has one.
fn read_token(access: &Access<'_>, index: &IndexUrl) -> Token {
    let mut problems = Vec::new();
    let mut asked = TokenAsked::Nobody;
    for provider in access.providers {
        let answer = match provider {
            Provider::Token => match access.token {
                Some(token) => Ok(Zeroizing::new(token.to_owned())),
                None => Err(NoToken::new("`cargo:token` has none for it")),
            },
            Provider::Stdout(words) => printed(words, access, index),
            Provider::Program(words) => answered(words, provider.is_ours(), access, index),
            Provider::BuiltIn(name) => {
                Err(NoToken::new(format!("`{name}` is part of Cargo and cannot be asked from here")))
            }
        };
        match answer {
            Ok(token) if token.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) => {
                return Ok(token);
            }
            Ok(_) => {
                problems.push("a credential provider returned a token that is not a valid header".to_owned());
            }
            Err(problem) => {
                if problem.asked() == TokenAsked::Program {
                    asked = TokenAsked::Program;
                }
                problems.push(problem.to_string());
            }
        }
    }
    let reason = if problems.is_empty() {
        "no credential provider is configured".to_owned()
    } else {
        problems.join("; ")
    };
    Err(if asked == TokenAsked::Program { NoToken::of_program(reason) } else { NoToken::new(reason) })
}

fn started(words: &[String], access: &Access<'_>, index: &IndexUrl) -> Result<Command, NoToken> {
    let (program, _) =
        words.split_first().ok_or_else(|| NoToken::new("a credential provider without a program"))?;
    let mut command = Command::new(program);
    for secret in Var::SECRETS {
        command.env_remove(secret.name());
    }
    command.env("CARGO_REGISTRY_INDEX_URL", index.as_str());
    if let Some(name) = access.name {
        command.env("CARGO_REGISTRY_NAME_OPT", name);
    }
    command.stderr(Stdio::inherit());
    Ok(command)
}

/// What a program prints: `cargo:token-from-stdout`.
fn printed(words: &[String], access: &Access<'_>, index: &IndexUrl) -> Token {
    let mut command = started(words, access, index)?;
    command.args(&words[1..]).stdin(Stdio::null());
    let output =
        command.output().map_err(|error| NoToken::new(format!("failed to start `{}`: {error}", words[0])))?;
    if !output.status.success() {
        return Err(NoToken::new(format!("`{}` failed: {}", words[0], output.status)));
    }
    let bytes = Zeroizing::new(output.stdout);
    let text =
        std::str::from_utf8(&bytes).map_err(|_| NoToken::new(format!("`{}` printed no text", words[0])))?;
    Ok(Zeroizing::new(text.trim_end().to_owned()))
}

/// One question to a provider.
fn answered(words: &[String], is_ours: bool, access: &Access<'_>, index: &IndexUrl) -> Token {
    let of =
        |problem: String| NoToken::of_program(format!("the credential provider `{}`: {problem}", words[0]));
    let mut command = started(words, access, index)?;
    if is_ours {
        command.envs(Var::secrets());
    }
    command.arg("--cargo-plugin").stdin(Stdio::piped()).stdout(Stdio::piped());
    let request = CredentialRequest {
        v: PROTOCOL,
        registry: RegistryInfo { index_url: index.as_str(), name: access.name, headers: Vec::new() },
        action: Action::Get(Operation::Read),
        args: words[1..].iter().map(String::as_str).collect(),
    };
    let mut question = serde_json::to_string(&request).map_err(|error| of(error.to_string()))?;
    question.push('\n');
    // It may ask its user something.
    Shell::make_room();
    let mut child = command.spawn().map_err(|error| of(format!("failed to start: {error}")))?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(of("it has no standard streams".to_owned()));
    };
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let _ = sender.send(talk(stdin, stdout, &question, is_ours));
    });
    let answer = loop {
        match receiver.recv_timeout(LOOK) {
            Ok(answer) => break answer,
            Err(RecvTimeoutError::Timeout) if !interrupt::is_set() => {}
            Err(_) => break Err(NoToken::new("it was interrupted")),
        }
    };
    end(&mut child);
    answer.map_err(|problem| of(problem.to_string()))
}

/// The conversation with a provider, up to its token.
fn talk(mut stdin: ChildStdin, stdout: ChildStdout, question: &str, is_ours: bool) -> Token {
    let mut stdout = BufReader::new(std::io::Read::take(stdout, MAX_LINE));
    let mut line = || -> Token {
        let mut line = Zeroizing::new(String::new());
        stdout.read_line(&mut line).map_err(|error| NoToken::new(error.to_string()))?;
        if line.is_empty() { Err(NoToken::new("it ended without an answer")) } else { Ok(line) }
    };
    let hello: CredentialHello =
        serde_json::from_str(&line()?).map_err(|_| NoToken::new("it does not speak Cargo's protocol"))?;
    if !hello.v.contains(&PROTOCOL) {
        return Err(NoToken::new(format!(
            "it speaks versions {:?} of the protocol, not {PROTOCOL}",
            hello.v
        )));
    }
    stdin.write_all(question.as_bytes()).map_err(|error| NoToken::new(error.to_string()))?;
    let answer: Result<CredentialResponse, ProviderError> =
        serde_json::from_str(&line()?).map_err(|_| NoToken::new("its answer is not understood"))?;
    match answer {
        Ok(CredentialResponse::Get { token, .. }) => Ok(Zeroizing::new(token.expose())),
        Ok(_) => Err(NoToken::new("it answered something else")),
        Err(ProviderError::UrlNotSupported) if is_ours => Err(NoToken::new(
            "the index was not set up on this machine: `cargo nspublish setup NAMESPACE` does it",
        )),
        Err(error) => Err(NoToken::new(one_line(&error))),
    }
}

/// Lets a provider that has nothing more to read end by itself for a moment: one that was asking must put the terminal back.
fn end(child: &mut Child) {
    let begin = Instant::now();
    while begin.elapsed() < GRACE {
        if matches!(child.try_wait(), Ok(Some(_)) | Err(_)) {
            return;
        }
        std::thread::sleep(LOOK);
    }
    let _ = child.kill();
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(provider: Provider) -> Result<String, String> {
        let access = Access { name: Some("x"), providers: &[provider], token: None };
        let index = IndexUrl::parse("sparse+https://crates.example/index/serde.rs/").unwrap();
        read_token(&access, &index).map(|token| token.to_string()).map_err(|problem| problem.to_string())
    }

    fn shell(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[test]
    fn a_program_that_prints_is_a_provider() {
        assert_eq!(asked(Provider::Stdout(shell("echo secret"))), Ok("secret".to_owned()));
        assert!(asked(Provider::Stdout(shell("exit 3"))).unwrap_err().contains("failed"));
        assert!(asked(Provider::Stdout(shell("printf 'a\\nb'"))).unwrap_err().contains("not a valid header"));
    }

    #[test]
    fn what_cannot_be_asked_is_said() {
        assert!(asked(Provider::Token).unwrap_err().contains("has none"));
        assert!(
            asked(Provider::BuiltIn("cargo:libsecret".to_owned())).unwrap_err().contains("part of Cargo")
        );
        assert!(
            asked(Provider::Program(vec!["/nothing/here".to_owned()]))
                .unwrap_err()
                .contains("failed to start")
        );
        assert!(
            asked(Provider::Program(vec!["true".to_owned()]))
                .unwrap_err()
                .contains("ended without an answer")
        );
    }
}
