//! Tools that are used while a recorded run goes on: which spans they get, and where these stand.

use std::path::Path;
use std::time::Duration;

use codeloops_event::trace::SpanId;
use codeloops_event::{AgentOutput, OutputStream, RunId};
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyKind;

use super::*;
use crate::span::{LONGEST_TEXT, nanos};
use crate::tree::Texts;

/// A run as its sink gets it.
struct Live {
    tree: Tree,
    tools: Tools,
    events: Vec<Event>,
    next: usize,
    now: Timestamp,
    spans: Vec<Span>,
}

impl Live {
    /// A run of two rounds.
    fn of(content: bool) -> Self {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = dir.join("../../engine/session/tests/fixtures/v1.0/run_two_rounds.jsonl");
        let text = std::fs::read_to_string(file).unwrap();
        let events: Vec<Event> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let texts = Texts { content, longest: LONGEST_TEXT };
        let now = events[0].timestamp().unwrap();
        let tree = Tree::new(texts, Box::new(|| None));
        Self { tree, tools: Tools::default(), events, next: 0, now, spans: Vec::new() }
    }

    /// One whose first actor works.
    fn working() -> Self {
        let mut live = Self::of(false);
        live.up_to(|event| matches!(event, Event::ActorStarted(_)));
        live
    }

    /// What happens up to an event, and that; the clock goes with it.
    fn up_to(&mut self, is_last: impl Fn(&Event) -> bool) {
        loop {
            let event = self.events[self.next].clone();
            self.next += 1;
            self.now = event.timestamp().unwrap();
            self.take(&event);
            if is_last(&event) {
                return;
            }
        }
    }

    fn take(&mut self, event: &Event) {
        self.spans.extend(self.tools.take(event, self.now, &self.tree));
        self.spans.extend(self.tree.take(event));
    }

    /// The rest of the run.
    fn ended(mut self) -> Self {
        self.up_to(|event| matches!(event, Event::SessionEnd(_)));
        self
    }

    /// An agent tells something, so long after what happened last.
    fn tells(&mut self, role: Role, after_ms: u64, items: Vec<Item>) {
        self.now += Duration::from_millis(after_ms);
        let stream = OutputStream::Stdout;
        self.take(&Event::AgentOutput(AgentOutput { role, stream, skipped_bytes: 0, items }));
    }

    fn actor(&mut self, after_ms: u64, item: Item) {
        self.tells(Role::Actor, after_ms, vec![item]);
    }

    /// The spans of tools, in the order in which they ended.
    fn used(&self) -> Vec<&Span> {
        self.spans.iter().filter(|span| span.name.starts_with(names::SPAN_TOOL)).collect()
    }

    fn position(&self, iteration: u32, role: Role, attempt: u32, span: &Span) -> Option<u32> {
        let Event::SessionStart(start) = &self.events[0] else { panic!("the first line") };
        let run: &RunId = start.run_id.as_ref().unwrap();
        let parent = SpanId::of_run(run, SpanPath::Agent { iteration, role, attempt });
        assert_eq!(span.parent_span_id, parent.bytes());
        let path = |position| SpanPath::Tool { iteration, role, attempt, position };
        (1..10).find(|position| span.span_id == SpanId::of_run(run, path(*position)).bytes())
    }
}

fn call(id: Option<&str>, name: &str) -> Item {
    let (id, name) = (id.map(str::to_owned), name.to_owned());
    Item::ToolCall { id, name, argument: "canary of the argument".to_owned() }
}

fn result(id: Option<&str>, failed: bool) -> Item {
    let text = "canary of the result".to_owned();
    Item::ToolResult { id: id.map(str::to_owned), failed, text }
}

fn of(span: &Span, name: &str) -> Option<String> {
    let attribute = span.attributes.iter().find(|attribute| attribute.key == name)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        AnyKind::StringValue(text) => Some(text.clone()),
        AnyKind::IntValue(number) => Some(number.to_string()),
        other => panic!("{other:?}"),
    }
}

const fn length_ms(span: &Span) -> u64 {
    (span.end_time_unix_nano - span.start_time_unix_nano) / 1_000_000
}

#[test]
fn tools_that_are_used_at_once_end_with_their_own_results() {
    let mut live = Live::working();
    live.actor(1, call(Some("a"), "Bash"));
    live.actor(2, call(Some("b"), "Read"));
    live.actor(4, result(Some("b"), true));
    live.actor(8, result(Some("a"), false));
    let [read, bash] = live.used()[..] else { panic!("{:?}", live.used()) };
    assert_eq!([&*read.name, &*bash.name], ["execute_tool Read", "execute_tool Bash"]);
    assert_eq!([length_ms(read), length_ms(bash)], [4, 14]);
    assert_eq!(live.position(1, Role::Actor, 1, read), Some(2));
    assert_eq!(live.position(1, Role::Actor, 1, bash), Some(1));
    assert_eq!(of(bash, names::ERROR_TYPE), None);
    assert_eq!(of(read, names::ERROR_TYPE).as_deref(), Some("tool_error"));
    assert_eq!((bash.status.as_ref(), read.status.as_ref().unwrap().code), (None, 2));
    for (name, value) in [
        (names::OPERATION, "execute_tool"),
        (names::TOOL, "Bash"),
        (names::TOOL_CALL_ID, "a"),
        (names::ITERATION, "1"),
        (names::ROLE, "actor"),
        (names::ATTEMPT, "1"),
    ] {
        assert_eq!(of(bash, name).as_deref(), Some(value), "{name}");
    }
    assert!(of(bash, names::SESSION_ID).is_some() && of(bash, names::RUN_ID).is_some());
    assert_eq!((bash.kind, bash.flags), (1, 0x101), "internal, a child of ours");
}

#[test]
fn without_ids_what_was_first_ends_first() {
    let mut live = Live::working();
    live.tells(
        Role::Actor,
        0,
        vec![call(None, "one"), call(Some("x"), "two"), call(None, "three")],
    );
    live.actor(1, result(None, false));
    live.actor(1, result(None, true));
    live.actor(1, result(None, true));
    let names: Vec<&str> = live.used().iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["execute_tool one", "execute_tool three"], "one with an id is none of them");
    assert_eq!(of(live.used()[0], names::TOOL_CALL_ID), None);
}

/// A change of several files is one thing to Codex.
#[test]
fn what_an_agent_tells_under_one_id_ends_together() {
    let mut live = Live::working();
    live.tells(Role::Actor, 0, vec![call(Some("i"), "add"), call(Some("i"), "update")]);
    live.actor(1, result(Some("i"), true));
    assert_eq!(live.used().len(), 2);
    assert!(live.used().iter().all(|span| of(span, names::ERROR_TYPE).is_some()));
}

#[test]
fn what_has_no_result_ends_with_the_call() {
    let mut live = Live::working();
    live.actor(1, call(Some("a"), "Bash"));
    live.actor(0, result(Some("of another"), true));
    let live = live.ended();
    let [bash] = live.used()[..] else { panic!("{:?}", live.used()) };
    let agent = live.spans.iter().find(|span| span.span_id == bash.parent_span_id).unwrap();
    assert_eq!(bash.end_time_unix_nano, agent.end_time_unix_nano);
    assert_eq!(bash.status, None);
}

#[test]
fn each_call_has_its_own_tools() {
    let mut live = Live::of(false);
    live.actor(0, call(None, "before any call"));
    live.up_to(|event| matches!(event, Event::ActorCompleted(_)));
    live.actor(0, call(None, "after it"));
    live.up_to(|event| matches!(event, Event::CriticStarted(_)));
    live.actor(0, call(None, "of nobody who is called"));
    live.tells(Role::Critic, 0, vec![call(None, "Read"), result(None, false)]);
    live.up_to(|event| matches!(event, Event::ActorStarted(e) if e.iteration == 2));
    let mut again = live.events[live.next - 1].clone();
    if let Event::ActorStarted(e) = &mut again {
        e.attempt = 2;
    }
    live.actor(0, call(None, "broken off"));
    live.take(&again);
    live.tells(Role::Actor, 0, vec![call(None, "Bash"), result(None, false)]);
    let [read, broken_off, bash] = live.used()[..] else { panic!("{:?}", live.used()) };
    assert_eq!(live.position(1, Role::Critic, 1, read), Some(1));
    assert_eq!(live.position(2, Role::Actor, 1, broken_off), Some(1));
    assert_eq!(live.position(2, Role::Actor, 2, bash), Some(1));
    assert_eq!(of(bash, names::ATTEMPT).as_deref(), Some("2"));
}

/// The clock of the one that hears is not that of the events.
#[test]
fn a_tool_is_used_within_its_call_whatever_was_done_to_the_clock() {
    let mut live = Live::working();
    let began = live.now;
    live.now = began - chrono::TimeDelta::hours(1);
    live.tells(Role::Actor, 0, vec![call(Some("a"), "early"), result(Some("a"), false)]);
    live.now = began + chrono::TimeDelta::hours(1);
    live.actor(0, call(None, "late"));
    let live = live.ended();
    for used in live.used() {
        let agent = live.spans.iter().find(|span| span.span_id == used.parent_span_id).unwrap();
        assert!(agent.start_time_unix_nano <= used.start_time_unix_nano, "{}", used.name);
        assert!(used.start_time_unix_nano <= used.end_time_unix_nano, "{}", used.name);
        assert!(used.end_time_unix_nano <= agent.end_time_unix_nano, "{}", used.name);
    }
    assert_eq!(live.used().len(), 2);
}

/// Times of events have no more than milliseconds.
#[test]
fn a_tool_that_ends_right_before_its_agent_is_not_over_later() {
    let mut live = Live::working();
    live.actor(0, call(None, "Bash"));
    let began = live.now;
    live.now = began + Duration::from_nanos(1_999_999);
    live.actor(0, result(None, false));
    let end = nanos(began + Duration::from_millis(1));
    assert_eq!(live.used()[0].end_time_unix_nano, end);
}

#[test]
fn what_tools_are_given_and_give_leaves_only_with_consent() {
    let shown = |content| {
        let mut live = Live::of(content);
        live.up_to(|event| matches!(event, Event::ActorStarted(_)));
        let items = vec![call(None, "Bash"), result(None, true), call(None, "Read")];
        live.tells(Role::Actor, 0, items);
        let live = live.ended();
        let [bash, read] = live.used()[..] else { panic!("{:?}", live.used()) };
        assert_eq!(of(read, names::TOOL_RESULT), None, "nothing is known of it");
        let told = [names::TOOL_ARGUMENTS, names::TOOL_RESULT].map(|name| of(bash, name));
        (told, format!("{:?}", live.used()))
    };
    let (told, all) = shown(false);
    assert_eq!(told, [None, None]);
    assert!(!all.contains("canary"));
    let expected = ["canary of the argument", "canary of the result"];
    assert_eq!(shown(true).0, expected.map(|text| Some(text.to_owned())));
}

#[test]
fn long_texts_are_cut() {
    let mut live = Live::of(true);
    live.up_to(|event| matches!(event, Event::ActorStarted(_)));
    let argument = "ä".repeat(2000);
    let call = Item::ToolCall { id: None, name: argument.clone(), argument };
    live.tells(Role::Actor, 0, vec![call, result(None, false)]);
    let used = live.used()[0];
    assert!(used.name.len() < 120, "{}", used.name);
    assert!(of(used, names::TOOL).unwrap().len() <= LONGEST_TEXT);
    assert!(of(used, names::TOOL_ARGUMENTS).unwrap().len() <= LONGEST_TEXT);
    assert!(used.attributes.iter().any(|attribute| attribute.key == names::TRUNCATED));
}

#[test]
fn what_is_open_at_once_is_bounded() {
    let mut live = Live::working();
    for n in 0..MOST_OPEN + 5 {
        live.actor(0, call(Some(&n.to_string()), "Bash"));
    }
    let ids: Vec<_> = live.used().iter().filter_map(|span| of(span, names::TOOL_CALL_ID)).collect();
    assert_eq!(ids, ["0", "1", "2", "3", "4"], "the oldest counts as over");
    assert_eq!(live.ended().used().len(), MOST_OPEN + 5, "none is lost");
}

#[test]
fn the_spans_of_a_call_are_bounded_and_the_others_counted() {
    let mut live = Live::working();
    for _ in 0..MOST_SPANS + 3 {
        live.tells(Role::Actor, 0, vec![call(Some("a"), "Bash"), result(Some("a"), false)]);
    }
    assert_eq!(live.used().len(), MOST_SPANS as usize);
    assert_eq!(live.tools.left_out(), 3);
    live.up_to(|event| matches!(event, Event::CriticStarted(_)));
    live.tells(Role::Critic, 0, vec![call(None, "Read"), result(None, false)]);
    assert_eq!(live.used().len(), MOST_SPANS as usize + 1, "another call has its own");
}
