//! Running a page.

use std::fmt::Write as _;

use super::compare::{matches, update};
use super::page::{self, Piece, Step};
use super::setup::{self, Setup};
use namespace_world::{Person, World};

/// What running a page came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What could not be run or ended otherwise than the page says, for a person.
    pub failures: Vec<String>,
    /// What printed something else than the page shows, for a person.
    pub differences: Vec<String>,
    /// The page with the outputs that really came.
    pub updated: String,
    /// How many steps ran.
    pub steps: usize,
}

/// Runs all blocks of a page.
#[must_use]
pub fn run_page(name: &str, text: &str) -> Outcome {
    let mut outcome = Outcome { updated: text.to_owned(), ..Outcome::default() };
    let pieces = match page::parse(text) {
        Ok(pieces) => pieces,
        Err((line, reason)) => {
            outcome.failures.push(format!("{name}:{line}: {reason}"));
            return outcome;
        }
    };
    let mut outputs = Vec::new();
    // Each part of the page between two `world` comments has a world of its own.
    let mut rest = pieces.as_slice();
    while let Some((first, after)) = rest.split_first() {
        let (setup, begin) = match first {
            Piece::World { name: world, line } => match setup::find(world) {
                Some(setup) => (setup, after),
                None => {
                    outcome.failures.push(format!("{name}:{line}: no world is called `{world}`"));
                    return outcome;
                }
            },
            _ => (setup::PLAIN, rest),
        };
        let end = begin.iter().position(|piece| matches!(piece, Piece::World { .. })).unwrap_or(begin.len());
        let (part, others) = begin.split_at(end);
        if !part.is_empty() {
            run_part(name, setup, part, &mut outcome, &mut outputs);
        }
        rest = others;
    }
    outcome.steps = outputs.len();
    outcome.updated = page::with_outputs(text, &outputs);
    outcome
}

fn run_part(
    name: &str,
    setup: Setup,
    part: &[Piece],
    outcome: &mut Outcome,
    outputs: &mut Vec<(Step, Vec<String>)>,
) {
    let world = World::new(setup::HOSTS);
    let prepared = setup.prepare(&world);
    let mut person = prepared.person;
    let (mut keeps_running, mut running) = (None, Vec::new());
    for piece in part {
        match piece {
            Piece::World { .. } => {}
            Piece::KeepsRunning { last } => keeps_running = Some(last),
            Piece::Step(step) if keeps_running.is_some() => {
                let last = keeps_running.take().expect("it was just there");
                let (server, text) = person.start(&typed(&person, &step.command), last);
                running.push(server);
                let output: Vec<String> = shown(&person, &text).lines().map(str::to_owned).collect();
                if !matches(&step.output, &output) {
                    outcome.differences.push(difference(name, step, &output));
                }
                outputs.push((step.clone(), update(&step.output, &output)));
            }
            Piece::Run { command, line } => {
                let ran = person.run(command);
                if !ran.status.success() {
                    outcome.failures.push(format!("{name}:{line}: {ran}"));
                }
            }
            Piece::Step(step) => {
                let ran = person.run(&typed(&person, &step.command));
                let output: Vec<String> = shown(&person, &ran.text).lines().map(str::to_owned).collect();
                if ran.status.code() != Some(step.code) {
                    outcome
                        .failures
                        .push(format!("{name}:{}: exit code {} expected: {ran}", step.line, step.code));
                } else if !matches(&step.output, &output) {
                    outcome.differences.push(difference(name, step, &output));
                }
                outputs.push((step.clone(), update(&step.output, &output)));
            }
        }
    }
}

/// The home, and the port of a development registry, each with the name that a page uses for it: tests run side by side.
fn own_places(person: &Person<'_>) -> Vec<(String, &'static str)> {
    let mut places = vec![(person.home().display().to_string(), "/home/you")];
    if let Some((_, port)) = person.variable("CARGO_NSREGISTRY_LISTEN").rsplit_once(':') {
        places.push((format!(":{port}"), ":7979"));
    }
    places
}

/// What was printed, with throw-away places under the names that a page uses for them.
fn shown(person: &Person<'_>, text: &str) -> String {
    let world = person.base().root();
    let mut places = own_places(person);
    places.push((world.join("hosts").display().to_string(), "/srv/www"));
    places.push((world.display().to_string(), "/world"));
    places.iter().fold(text.to_owned(), |text, (place, name)| text.replace(place, name))
}

/// What a page shows, as it is typed.
fn typed(person: &Person<'_>, text: &str) -> String {
    own_places(person).iter().fold(text.to_owned(), |text, (place, name)| text.replace(name, place))
}

fn difference(name: &str, step: &Step, output: &[String]) -> String {
    let mut text = format!("{name}:{}: `{}` prints something else\n", step.line, step.command);
    for (title, lines) in [("the page", step.output.as_slice()), ("really", output)] {
        let _ = writeln!(text, "--- {title}");
        for line in lines {
            let _ = writeln!(text, "{line}");
        }
    }
    text + "---"
}
