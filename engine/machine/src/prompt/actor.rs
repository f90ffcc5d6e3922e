//! The actor's prompt.

use codeloops_event::{AgentOutcome, GateResult, GateSettings, Iteration};

use super::history;
use super::truncate;
use super::{Round, RunLabel, gate_words, words};

/// What an actor is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ActorPrompt<'a> {
    /// The user's text.
    pub task: &'a str,
    /// The run.
    pub run: RunLabel<'a>,
    /// The finished rounds, oldest first.
    pub rounds: &'a [Round],
    /// What there is to tell of the turn before.
    pub before: Before<'a>,
    /// The checks that follow a turn, and what they came to before the run, in the same order.
    pub gates: &'a [GateSettings],
    /// See there.
    pub baseline: &'a [Option<&'a GateResult>],
    /// How codeloops is called by whoever wants to run them in between.
    pub verify: &'a str,
    /// The earlier rounds whose tree and gates the last round came back to.
    pub repeated: &'a [Iteration],
    /// Whether the agent goes on with its own conversation, which holds the task and what was asked
    /// for in earlier rounds.
    pub goes_on: bool,
    /// Bytes that a prompt for this agent may have.
    pub max_prompt_bytes: u64,
}

/// What there is to tell an actor of the turn before its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Before<'a> {
    /// There was none.
    Nothing,
    /// It ended so; told if it was not whole.
    Turn(&'a AgentOutcome),
    /// It broke off with codeloops itself.
    BrokenOff,
}

/// The prompt of an actor turn: the task, unchanged; what is still open; what happened to the turn
/// before; a footer. Within the budget if the task leaves room for the footer. An agent that goes on
/// with its own conversation is told only what is new.
#[must_use]
pub fn actor_prompt(prompt: &ActorPrompt<'_>) -> String {
    if prompt.goes_on {
        return what_is_new(prompt);
    }
    let before = cycle(prompt) + &what_happened(prompt.before);
    let footer = checks(prompt) + &footer(&prompt.run);
    let asked: Vec<&Round> = prompt.rounds.iter().filter(|r| r.feedback.is_some()).collect();
    let intro = if asked.is_empty() { "" } else { FINDINGS };
    let fixed = [prompt.task, RULE, intro, &before, RULE, &footer].map(str::len).iter().sum();
    let findings = findings(prompt, asked.into_iter(), fixed);
    let since = format!("{intro}{findings}{before}");
    match since.trim_end() {
        "" => format!("{}{RULE}{footer}", prompt.task),
        since => format!("{}{RULE}{since}{RULE}{footer}", prompt.task),
    }
}

/// What stands between the task, what is told of the rounds so far, and the footer.
const RULE: &str = "\n\n---\n";

const FINDINGS: &str = "\
# Open findings

The task above is being worked on in rounds. What you changed in earlier rounds is still in the
working directory. A reviewer looked at it and asks for more. The newest round comes first and is
what to do now; findings of older rounds may still be open, so check them as well.

";

/// What these rounds asked for, beside `fixed` bytes that the prompt has anyway; first what is to be
/// told of the masks in it.
fn findings<'a>(
    prompt: &ActorPrompt<'_>,
    rounds: impl DoubleEndedIterator<Item = &'a Round>,
    fixed: usize,
) -> String {
    let budget = truncate::budget(prompt.max_prompt_bytes);
    let room = budget.saturating_sub(fixed + words::MASKED.len());
    let rounds = [history::newest_first(rounds, room)];
    format!("{}{}", words::of_masks(&rounds), rounds.concat())
}

/// The newest findings, or that the work is to go on, for an agent that knows the rest.
fn what_is_new(prompt: &ActorPrompt<'_>) -> String {
    let before = cycle(prompt) + &what_happened(prompt.before);
    let footer = footer(&prompt.run);
    let newest = prompt.rounds.iter().rev().find(|round| round.feedback.is_some());
    let intro = if newest.is_some() { NEW_FINDINGS } else { GO_ON };
    let fixed = [intro, &before, RULE, &footer].map(str::len).iter().sum();
    let findings = findings(prompt, newest.into_iter(), fixed);
    format!("{}{RULE}{footer}", format!("{intro}{findings}{before}").trim_end())
}

const NEW_FINDINGS: &str = "\
# Open findings

A reviewer looked at what you changed and asks for more. This is what to do now; findings of older
rounds may still be open, so check them as well.

";

const GO_ON: &str = "Go on with the task.\n\n";

fn what_happened(before: Before<'_>) -> String {
    let told = match before {
        Before::Turn(outcome) if !outcome.is_whole() => {
            format!("Your last turn {}.", words::outcome(outcome))
        }
        Before::BrokenOff => {
            "Your last turn broke off, for codeloops itself was ended while you worked.".to_owned()
        }
        Before::Nothing | Before::Turn(_) => return String::new(),
    };
    format!(
        "# What happened\n\n{told} What it had changed by then is still in the working directory; \
         look at it before you go on.\n\n"
    )
}

/// That the last round led back to where an earlier one had been.
fn cycle(prompt: &ActorPrompt<'_>) -> String {
    let Some(number) = prompt.rounds.last().map(|round| round.iteration) else {
        return String::new();
    };
    let earlier = match prompt.repeated {
        [] => return String::new(),
        [one] => format!("round {one}"),
        several => {
            let newest = several.iter().rev().take(NAMED_ROUNDS).rev();
            let numbers: Vec<String> = newest.map(ToString::to_string).collect();
            format!("rounds {}", numbers.join(", "))
        }
    };
    format!(
        "# Going in a circle\n\nAfter round {number} the files, and what the checks found in them, were \
         exactly what they had been after {earlier}: what was done since then came to nothing. To do \
         the same again will end there again, and the run is then stopped. Do something else: read \
         what fails, look for the cause, and change your approach.\n\n"
    )
}

/// Earlier rounds that are named.
const NAMED_ROUNDS: usize = 10;

/// What will be checked, so that it is no surprise.
fn checks(prompt: &ActorPrompt<'_>) -> String {
    if prompt.gates.is_empty() {
        return String::new();
    }
    format!(
        "After your turn codeloops itself runs these checks; the work is not accepted while a required \
         one fails:\n{}To run them yourself: `{}`\n",
        gate_words::announced(prompt.gates, prompt.baseline),
        prompt.verify
    )
}

fn footer(run: &RunLabel<'_>) -> String {
    format!(
        "{run}\n\
         Work in the current directory and leave your changes in its files.\n\
         Nobody can answer while you work: decide yourself, and do not end with a question.\n"
    )
}
