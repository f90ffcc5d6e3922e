//! Spans of what the agents' tools did, as far as the agents tell while they work.
//!
//! Architecture invariant: none of this is in the tree, where nothing but recorded events decides. What
//! agents tell is never recorded and has no time of its own: a tool begins and ends when the sink hears
//! of it, so only a live run has such spans.

use std::collections::VecDeque;

use chrono::SubsecRound;
use codeloops_event::trace::SpanPath;
use codeloops_event::{AgentStarted, Event, Item, Role, Timestamp};
use opentelemetry_proto::tonic::trace::v1::Span;

use crate::names;
use crate::tree::{Place, Tree};

/// Uses of tools that may be open at once: beyond that the oldest counts as over.
const MOST_OPEN: usize = 1000;

/// Uses in one call of an agent that get a span.
const MOST_SPANS: u32 = 10_000;

/// Bytes of a tool's name in that of its span; the agent chooses it.
const LONGEST_NAME: usize = 100;

/// The tools of the call that is under way.
#[derive(Default)]
pub(crate) struct Tools {
    call: Option<Call>,
    left_out: u64,
}

/// An agent's call.
struct Call {
    place: Place,
    since: Timestamp,
    /// Uses so far that have a span.
    uses: u32,
    /// The oldest first.
    open: VecDeque<Use>,
}

/// A tool that is used.
struct Use {
    /// Counted from 1 in the call.
    position: u32,
    id: Option<String>,
    name: String,
    argument: String,
    since: Timestamp,
}

/// How that ended.
#[derive(Clone, Copy)]
struct End<'a> {
    at: Timestamp,
    failed: bool,
    text: Option<&'a str>,
}

impl End<'_> {
    /// Nothing is known but that it is over.
    const fn untold(at: Timestamp) -> Self {
        Self { at, failed: false, text: None }
    }
}

impl Tools {
    /// How many uses have no span, for there were too many of them.
    pub(crate) const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The spans that ended with this event, which is heard of at `now`.
    pub(crate) fn take(&mut self, event: &Event, now: Timestamp, tree: &Tree) -> Vec<Span> {
        // The times of events are cut to milliseconds: a finer one could be later than what follows.
        let now = now.trunc_subsecs(3);
        match event {
            Event::AgentOutput(output) => {
                let items = output.items.iter();
                items.flat_map(|item| self.hear(output.role, item, now, tree)).collect()
            }
            Event::ActorStarted(e) => self.begin_call(Role::Actor, e, tree),
            Event::CriticStarted(e) => self.begin_call(Role::Critic, e, tree),
            Event::ActorCompleted(e) => self.end_call(e.timestamp, tree),
            Event::CriticCompleted(e) => self.end_call(e.timestamp, tree),
            Event::Iteration(e) => self.end_call(e.timestamp, tree),
            Event::SessionEnd(e) => self.end_call(e.timestamp, tree),
            _ => Vec::new(),
        }
    }

    fn begin_call(&mut self, role: Role, event: &AgentStarted, tree: &Tree) -> Vec<Span> {
        let AgentStarted { iteration, attempt, timestamp: since, .. } = *event;
        let ended = self.end_call(since, tree);
        let place = Place { iteration, role, attempt };
        self.call = Some(Call { place, since, uses: 0, open: VecDeque::new() });
        ended
    }

    fn end_call(&mut self, at: Timestamp, tree: &Tree) -> Vec<Span> {
        let Some(mut call) = self.call.take() else { return Vec::new() };
        let open = std::mem::take(&mut call.open).into_iter();
        open.filter_map(|used| call.span(used, End::untold(at), tree)).collect()
    }

    fn hear(&mut self, role: Role, item: &Item, at: Timestamp, tree: &Tree) -> Vec<Span> {
        let Some(call) = self.call.as_mut().filter(|call| call.place.role == role) else {
            return Vec::new();
        };
        let (ended, end) = match item {
            Item::ToolCall { .. } if call.uses == MOST_SPANS => {
                self.left_out += 1;
                return Vec::new();
            }
            Item::ToolCall { id, name, argument } => {
                let (id, name, argument) = (id.clone(), name.clone(), argument.clone());
                let used = Use { position: call.uses + 1, id, name, argument, since: at };
                (call.begin(used), End::untold(at))
            }
            Item::ToolResult { id, failed, text } => {
                (call.end(id.as_deref()), End { at, failed: *failed, text: Some(text) })
            }
            _ => return Vec::new(),
        };
        ended.into_iter().filter_map(|used| call.span(used, end, tree)).collect()
    }
}

impl Call {
    /// Gives the use that there is no more room for.
    fn begin(&mut self, used: Use) -> Vec<Use> {
        self.uses = used.position;
        self.open.push_back(used);
        let over = self.open.len().saturating_sub(MOST_OPEN);
        self.open.drain(..over).collect()
    }

    /// Gives what a result belongs to: several things that an agent tells as one have one id. Without
    /// an id, that is the oldest without one.
    fn end(&mut self, id: Option<&str>) -> Vec<Use> {
        let is_meant = |used: &Use| used.id.as_deref() == id;
        let count = if id.is_some() { usize::MAX } else { 1 };
        let mut ended = Vec::new();
        while let Some(at) = self.open.iter().position(is_meant).filter(|_| ended.len() < count) {
            ended.extend(self.open.remove(at));
        }
        ended
    }

    /// The span lies within that of the call, as far as that is known by now.
    fn span(&self, used: Use, end: End<'_>, tree: &Tree) -> Option<Span> {
        let Use { position, id, name, argument, since } = used;
        let until = end.at.max(self.since);
        let since = since.clamp(self.since, until);
        let Place { iteration, role, attempt } = self.place;
        let path = SpanPath::Tool { iteration, role, attempt, position };
        let mut draft = tree.below(self.place, path, span_name(&name), since)?;
        draft.set(names::OPERATION, "execute_tool");
        draft.set(names::TOOL, name);
        draft.set_some(names::TOOL_CALL_ID, id);
        if tree.exports_content() {
            let some = |text: &&str| !text.is_empty();
            draft.set_some(names::TOOL_ARGUMENTS, Some(&*argument).filter(some));
            draft.set_some(names::TOOL_RESULT, end.text.filter(some));
        }
        if end.failed {
            draft.fail("tool_error", "the tool failed");
        }
        Some(draft.end(until))
    }
}

fn span_name(tool: &str) -> String {
    let tool = &tool[..tool.floor_char_boundary(LONGEST_NAME)];
    format!("{} {tool}", names::SPAN_TOOL).trim_end().to_owned()
}

#[cfg(test)]
mod tests;
