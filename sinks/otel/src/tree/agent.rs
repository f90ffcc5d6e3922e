//! The span of an agent's call.

use codeloops_event::trace::SpanPath;
use codeloops_event::{
    AgentOutcome, AgentSettings, AgentStarted, Attempt, Event, Evidence, Iteration, Role,
    Timestamp, Usage,
};

use super::run::Run;
use super::{Texts, content};
use crate::names;
use crate::span::{Draft, Parent};

/// A call that is under way.
pub(super) struct Call {
    role: Role,
    attempt: Attempt,
    draft: Draft,
}

/// Which call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) iteration: Iteration,
    pub(crate) role: Role,
    pub(crate) attempt: Attempt,
}

impl Call {
    /// Whose call an event of the beginning of one tells of.
    pub(super) const fn role_of(event: &Event) -> Role {
        match event {
            Event::CriticStarted(_) | Event::CriticCompleted(_) => Role::Critic,
            _ => Role::Actor,
        }
    }

    pub(super) fn begin(run: &Run, role: Role, event: &AgentStarted, parent: Parent) -> Self {
        let AgentStarted { iteration, attempt, timestamp, .. } = *event;
        let place = Place { iteration, role, attempt };
        let mut draft = place.draft(run, Some(&event.agent), parent, timestamp);
        draft.set(names::PID, event.process.pid);
        draft.set_some(names::EXECUTABLE, event.process.program.as_deref());
        Self { role, attempt, draft }
    }

    /// A call of which no process ran.
    pub(super) fn not_begun(run: &Run, event: &Event, parent: Parent) -> Self {
        let role = Self::role_of(event);
        let (iteration, attempt, at) = match event {
            Event::CriticCompleted(e) => (e.iteration, e.attempt, e.timestamp),
            Event::ActorCompleted(e) => (e.iteration, e.attempt, e.timestamp),
            _ => unreachable!("only what ends a call is asked about"),
        };
        let draft = Place { iteration, role, attempt }.draft(run, None, parent, at);
        Self { role, attempt, draft }
    }

    pub(super) fn is_answered_by(&self, event: &Event) -> bool {
        match event {
            Event::ActorCompleted(e) => self.role == Role::Actor && self.attempt == e.attempt,
            Event::CriticCompleted(e) => self.role == Role::Critic && self.attempt == e.attempt,
            _ => false,
        }
    }

    pub(super) fn completed(self, event: &Event, texts: Texts) -> Draft {
        let mut draft = self.draft;
        match event {
            Event::ActorCompleted(e) => {
                draft.set_some(names::CONVERSATION, e.agent_session.as_deref());
                let streams = [&e.stdout, &e.stderr];
                ended(&mut draft, &e.outcome, e.exit_code, streams, e.usage.as_ref());
                left(&mut draft, e.leftovers);
            }
            Event::CriticCompleted(e) => {
                if texts.content {
                    content::message(&mut draft, names::OUTPUT_MESSAGES, "assistant", &e.text);
                }
                let streams = [&e.stdout, &e.stderr];
                ended(&mut draft, &e.outcome, e.exit_code, streams, e.usage.as_ref());
                left(&mut draft, e.leftovers);
            }
            _ => {}
        }
        draft
    }

    /// Nothing told of its end.
    pub(super) fn broken_off(mut self) -> Draft {
        self.draft.fail("crashed", "nothing is known of the call's end");
        self.draft
    }
}

impl Place {
    pub(super) const fn path(self) -> SpanPath {
        let Self { iteration, role, attempt } = self;
        SpanPath::Agent { iteration, role, attempt }
    }

    /// Begins a span of the call, or of something in it.
    pub(super) fn begin(
        self,
        run: &Run,
        path: SpanPath,
        parent: Parent,
        name: String,
        at: Timestamp,
    ) -> Draft {
        let mut draft = run.draft(path, parent, name, at);
        draft.set(names::ITERATION, self.iteration);
        draft.set(names::ROLE, self.role.as_str());
        draft.set(names::ATTEMPT, self.attempt);
        draft
    }

    fn draft(self, run: &Run, title: Option<&str>, parent: Parent, at: Timestamp) -> Draft {
        let settings = run.settings.as_ref().map(|settings| match self.role {
            Role::Actor => &settings.actor,
            Role::Critic => &settings.critic,
        });
        let agent = settings.map(|agent| agent.agent.as_str()).or(title).unwrap_or("unknown");
        let name = format!("{} {agent}", names::SPAN_AGENT);
        let mut draft = self.begin(run, self.path(), parent, name, at).client();
        draft.set(names::OPERATION, "invoke_agent");
        draft.set(names::AGENT, agent);
        draft.set(names::PROVIDER, names::provider(agent));
        if let Some(AgentSettings { model, version, .. }) = settings {
            draft.set_some(names::MODEL, model.as_deref());
            draft.set_some(names::AGENT_VERSION, version.as_deref());
        }
        draft
    }
}

fn ended(
    draft: &mut Draft,
    outcome: &AgentOutcome,
    exit_code: Option<i32>,
    streams: [&Option<Evidence>; 2],
    usage: Option<&Usage>,
) {
    draft.set_some(names::EXIT_CODE, exit_code);
    let printed = streams.into_iter().flatten().map(|stream| stream.bytes + stream.dropped_bytes);
    draft.set(names::OUTPUT_BYTES, printed.sum::<u64>());
    if let Some(usage) = usage {
        used(draft, usage);
    }
    if let AgentOutcome::Denied { count } = outcome {
        draft.set(names::DENIALS, *count);
    }
    if let Some((error, message)) = error_of(outcome) {
        draft.fail(error, message);
    }
}

fn used(draft: &mut Draft, usage: &Usage) {
    draft.set_some(names::INPUT_TOKENS, usage.input_tokens);
    draft.set_some(names::OUTPUT_TOKENS, usage.output_tokens);
    draft.set_some(names::CACHE_READ_TOKENS, usage.cache_read_tokens);
    draft.set_some(names::CACHE_CREATION_TOKENS, usage.cache_creation_tokens);
    draft.set_some(names::REASONING_TOKENS, usage.reasoning_tokens);
    draft.set_some(names::COST, usage.cost_usd);
}

fn left(draft: &mut Draft, leftovers: u32) {
    draft.set_some(names::LEFTOVERS, (leftovers > 0).then_some(leftovers));
}

/// What went wrong with a call, in a word for queries and a line for people. The agent's own words are
/// content, so they stand in neither.
pub(crate) const fn error_of(outcome: &AgentOutcome) -> Option<(&'static str, &'static str)> {
    Some(match outcome {
        AgentOutcome::Completed | AgentOutcome::Denied { .. } => return None,
        AgentOutcome::Refused { .. } => ("refused", "the provider refused the call"),
        AgentOutcome::UsageLimit { .. } => ("usage_limit", "a usage limit was reached"),
        AgentOutcome::Transient { .. } => ("transient", "the provider could not be reached"),
        AgentOutcome::CutOff { .. } => ("cut_off", "the agent's turn was cut off"),
        AgentOutcome::Failed { .. } => ("exit_code", "the agent ended with an exit code"),
        AgentOutcome::Signaled { .. } => ("signal", "the agent was ended by a signal"),
        AgentOutcome::NoOutput => ("no_output", "the agent printed nothing"),
        AgentOutcome::TimedOut { .. } => ("timeout", "the agent ran into a limit on time"),
        AgentOutcome::OverBudget { .. } => ("over_budget", "the run's budget was used up"),
        AgentOutcome::ConversationLost { .. } => {
            ("conversation_lost", "the agent did not find its conversation again")
        }
        AgentOutcome::Interrupted => ("cancelled", "the user asked to stop"),
        AgentOutcome::NotStarted { .. } => ("spawn_failed", "the agent could not be started"),
    })
}
