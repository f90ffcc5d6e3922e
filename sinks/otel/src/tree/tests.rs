//! The tree of recorded runs: as people read it, and what holds of each.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use codeloops_event::{
    ApprovalVetoed, Event, GateResult, GateStatus, GateTreeChecked, Role, RunId, StateRepeated,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyKind;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;

use super::*;
use crate::span::LONGEST_TEXT;

const PRIVATE: Texts = Texts { content: false, longest: LONGEST_TEXT };
const WITH_CONTENT: Texts = Texts { content: true, longest: LONGEST_TEXT };

/// The frozen recordings of the session format.
fn recordings() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = dir.join("../../engine/session/tests/fixtures/v1.0");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .filter(|path| read_lines(path).is_some())
        .collect();
    files.sort();
    assert!(files.len() > 10, "{files:?}");
    files
}

/// The events of a file whose every line is one.
fn read_lines(path: &Path) -> Option<Vec<Event>> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().map(|line| serde_json::from_str(line).ok()).collect()
}

fn recording(name: &str) -> Vec<Event> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = dir.join(format!("../../engine/session/tests/fixtures/v1.0/{name}.jsonl"));
    read_lines(&file).unwrap()
}

fn tree(texts: Texts) -> Tree {
    Tree::new(texts, Box::new(|| Some("2026-03-02T09-00-00Z_a3f2c1".to_owned())))
}

/// What a replay exports.
fn exported(events: &[Event], texts: Texts) -> Vec<Span> {
    let mut tree = tree(texts);
    let mut spans: Vec<Span> = events.iter().flat_map(|event| tree.take(event)).collect();
    spans.extend(tree.close());
    spans
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(AnyKind::StringValue(text)) => text.clone(),
        Some(AnyKind::IntValue(number)) => number.to_string(),
        Some(AnyKind::DoubleValue(number)) => number.to_string(),
        Some(AnyKind::BoolValue(value)) => value.to_string(),
        other => format!("{other:?}"),
    }
}

fn attribute<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a KeyValue> {
    attributes.iter().find(|attribute| attribute.key == name)
}

fn of(span: &Span, name: &str) -> Option<String> {
    attribute(&span.attributes, name).map(|attribute| text(attribute.value.as_ref()))
}

/// The tree, with times in milliseconds since the first span began.
fn drawn(spans: &[Span]) -> String {
    let begin = spans.iter().map(|span| span.start_time_unix_nano).min().unwrap_or(0);
    let mut page = String::new();
    let known: BTreeSet<&[u8]> = spans.iter().map(|span| &span.span_id[..]).collect();
    let mut roots: Vec<&Span> =
        spans.iter().filter(|span| !known.contains(&span.parent_span_id[..])).collect();
    roots.sort_by_key(|span| span.start_time_unix_nano);
    for root in roots {
        draw(root, spans, begin, 0, &mut page);
    }
    page
}

fn draw(span: &Span, spans: &[Span], begin: u64, depth: usize, page: &mut String) {
    let indent = "    ".repeat(depth);
    let ms = |nanos: u64| (nanos - begin) / 1_000_000;
    let (from, to) = (ms(span.start_time_unix_nano), ms(span.end_time_unix_nano));
    let id: String = span.span_id.iter().map(|byte| format!("{byte:02x}")).collect();
    let kind = if span.kind == 3 { "CLIENT" } else { "INTERNAL" };
    let status = span.status.as_ref().map(|s| format!(" ERROR {}", s.message)).unwrap_or_default();
    let _ = writeln!(page, "{indent}{}  {from}..{to}  {id} {kind}{status}", span.name);
    for attribute in &span.attributes {
        let value = text(attribute.value.as_ref());
        let _ = writeln!(page, "{indent}  . {} = {value}", attribute.key);
    }
    for event in &span.events {
        let told: Vec<String> = event
            .attributes
            .iter()
            .map(|attribute| format!("{}={}", attribute.key, text(attribute.value.as_ref())))
            .collect();
        let _ = writeln!(
            page,
            "{indent}  * {} {} {}",
            ms(event.time_unix_nano),
            event.name,
            told.join(" ")
        );
    }
    for link in &span.links {
        let id: String = link.span_id.iter().map(|byte| format!("{byte:02x}")).collect();
        let kind = text(link.attributes[0].value.as_ref());
        let _ = writeln!(page, "{indent}  > {kind} {id}");
    }
    let mut children: Vec<&Span> =
        spans.iter().filter(|child| child.parent_span_id == span.span_id).collect();
    children.sort_by_key(|child| (child.start_time_unix_nano, child.end_time_unix_nano));
    for child in children {
        draw(child, spans, begin, depth + 1, page);
    }
}

#[test]
fn the_trees_of_recorded_runs() {
    for name in
        ["run_two_rounds", "run_usage_limit", "run_critic_changed", "run_interrupted", "resumed"]
    {
        insta::assert_snapshot!(name, drawn(&exported(&recording(name), PRIVATE)));
    }
}

#[test]
fn content_is_exported_where_it_is_wanted() {
    let spans = exported(&recording("run_two_rounds"), WITH_CONTENT);
    insta::assert_snapshot!("with_content", drawn(&spans));
}

/// Whatever was recorded, and wherever the recording ends.
#[test]
fn every_tree_is_sound() {
    for file in recordings() {
        let events = read_lines(&file).unwrap();
        for end in 1..=events.len() {
            let spans = exported(&events[..end], PRIVATE);
            sound(&spans, &format!("{} up to line {end}", file.display()));
        }
    }
}

#[track_caller]
fn sound(spans: &[Span], of_what: &str) {
    let mut known: BTreeMap<&[u8], &Span> = BTreeMap::new();
    for span in spans {
        assert!(known.insert(&span.span_id, span).is_none(), "{of_what}: {} twice", span.name);
        assert_eq!(span.trace_id, spans[0].trace_id, "{of_what}");
        for name in [names::SESSION_ID, names::RUN_ID] {
            assert!(of(span, name).is_some(), "{of_what}: {} has no {name}", span.name);
        }
        let is_session = span.name == names::SPAN_SESSION;
        assert_eq!(of(span, names::ITERATION).is_none(), is_session, "{of_what}: {}", span.name);
    }
    for span in spans {
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{of_what}: {}", span.name);
        if span.name == names::SPAN_SESSION {
            continue;
        }
        let parent = known.get(&span.parent_span_id[..]);
        let parent = parent.unwrap_or_else(|| panic!("{of_what}: {} has no parent", span.name));
        let (from, to) = (span.start_time_unix_nano, span.end_time_unix_nano);
        assert!(
            parent.start_time_unix_nano <= from && to <= parent.end_time_unix_nano,
            "{of_what}: {} is not within its parent",
            span.name
        );
    }
}

/// A live run exports what ended while it lasted; a replay of its recording gives the same, and more
/// only where the process was killed.
#[test]
fn a_replay_gives_what_the_live_run_gave() {
    for file in recordings() {
        let events = read_lines(&file).unwrap();
        let whole = exported(&events, PRIVATE);
        let mut live = Vec::new();
        let processes: Vec<usize> = (0..events.len())
            .filter(|&at| at == 0 || matches!(events[at], Event::SessionResumed(_)))
            .collect();
        for (n, &from) in processes.iter().enumerate() {
            let to = processes.get(n + 1).copied().unwrap_or(events.len());
            let mut tree = tree(PRIVATE);
            events[..from].iter().for_each(|event| drop(tree.take(event)));
            for (at, event) in events.iter().enumerate().take(to).skip(from) {
                let spans = tree.take(event);
                // What the process before left open.
                if at != from || from == 0 {
                    live.extend(spans);
                }
            }
        }
        assert!(live.iter().all(|span| whole.contains(span)), "{}", file.display());
        let missing: Vec<&Span> = whole.iter().filter(|span| !live.contains(span)).collect();
        let crashed = |span: &&Span| of(span, names::ERROR_TYPE).as_deref() == Some("crashed");
        assert!(missing.iter().all(crashed), "{}: {missing:#?}", file.display());
    }
}

/// Nothing that a person or an agent wrote.
#[test]
fn no_content_leaves_without_consent() {
    const CANARY: &str = "canary";
    let mut events = recording("run_two_rounds");
    let secret = |text: &mut String| *text = format!("{CANARY} {text}");
    for event in &mut events {
        match event {
            Event::SessionStart(e) => secret(&mut e.prompt),
            Event::CriticCompleted(e) => {
                secret(&mut e.text);
                e.outcome = codeloops_event::AgentOutcome::Transient { message: CANARY.to_owned() };
            }
            Event::ActorCompleted(e) => {
                let message = Some(CANARY.to_owned());
                e.outcome = codeloops_event::AgentOutcome::Failed { exit_code: 1, message };
            }
            Event::VerdictReached(e) => {
                let problem =
                    codeloops_event::VerdictProblem::UnknownDecision { found: CANARY.to_owned() };
                e.ruling = Ruling::GivenUp { problem };
            }
            Event::DiffCaptured(e) => e.notes.push(CANARY.to_owned()),
            Event::Iteration(e) => {
                secret(&mut e.actor_output);
                secret(&mut e.actor_stderr);
                secret(&mut e.git_diff);
                e.feedback = Some(CANARY.to_owned());
                e.critic_output = Some(CANARY.to_owned());
            }
            Event::SessionEnd(e) => {
                e.summary = Some(CANARY.to_owned());
                e.error = Some(CANARY.to_owned());
            }
            _ => {}
        }
    }
    let shown = |texts| format!("{:?}", exported(&events, texts));
    assert!(!shown(PRIVATE).contains(CANARY));
    assert!(shown(WITH_CONTENT).contains(CANARY), "the test looks at the right texts");
}

#[test]
fn a_long_text_is_cut_and_marked_and_messages_stay_json() {
    let mut events = recording("run_two_rounds");
    for event in &mut events {
        if let Event::SessionStart(e) = event {
            e.prompt = "\"ä\n".repeat(5000);
        }
        if let Event::Iteration(e) = event {
            e.git_diff = "ä".repeat(5000);
        }
    }
    let spans = exported(&events, WITH_CONTENT);
    let session = spans.iter().find(|span| span.name == names::SPAN_SESSION).unwrap();
    let messages = of(session, names::INPUT_MESSAGES).unwrap();
    assert!(messages.len() <= LONGEST_TEXT && messages.len() > LONGEST_TEXT / 2, "{messages}");
    assert!(serde_json::from_str::<serde_json::Value>(&messages).is_ok());
    assert_eq!(of(session, names::TRUNCATED).as_deref(), Some("true"));
    let round = spans.iter().find(|span| span.name == names::SPAN_ITERATION).unwrap();
    let diff = of(round, names::DIFF).unwrap();
    assert!(diff.len() <= LONGEST_TEXT && diff.ends_with('…'));
    assert_eq!(of(round, names::TRUNCATED).as_deref(), Some("true"));
}

#[test]
fn usage_counts_once() {
    let mut compared = 0;
    for file in recordings() {
        let events = read_lines(&file).unwrap();
        let told = events.iter().rev().find_map(|event| match event {
            Event::SessionEnd(e) => Some(e.usage.as_ref().and_then(|usage| usage.sum())),
            _ => None,
        });
        let Some(Some(total)) = told else { continue };
        let spans = exported(&events, PRIVATE);
        let sum = |name: &str| {
            let of_each = spans.iter().filter_map(|span| of(span, name)?.parse::<u64>().ok());
            of_each.reduce(|a, b| a + b)
        };
        let sums = (sum(names::INPUT_TOKENS), sum(names::OUTPUT_TOKENS));
        assert_eq!(sums, (total.input_tokens, total.output_tokens), "{}", file.display());
        compared += 1;
    }
    assert!(compared > 0, "no recording tells usage");
}

#[test]
fn an_inherited_trace_is_honoured() {
    let mut events = recording("run_two_rounds");
    let Event::SessionStart(start) = &mut events[0] else { panic!("the first line") };
    start.trace_id = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
    start.parent_span_id = Some("00f067aa0ba902b7".to_owned());
    let spans = exported(&events, PRIVATE);
    let session = spans.iter().find(|span| span.name == names::SPAN_SESSION).unwrap();
    assert_eq!(session.trace_id[..2], [0x4b, 0xf9]);
    assert_eq!(session.parent_span_id, [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
    assert_eq!(session.flags, 0x301, "its parent is of another process");
    assert!(spans.iter().filter(|span| *span != session).all(|span| span.flags == 0x101));
}

#[test]
fn a_fork_is_linked_to_where_it_came_from() {
    let mut events = recording("run_two_rounds");
    let parent: RunId = "01KJP0000000000000000000A1".parse().unwrap();
    let Event::SessionStart(start) = &mut events[0] else { panic!("the first line") };
    start.parent =
        Some(codeloops_event::Parent { run_id: parent.clone(), iteration: 1, trace_id: None });
    let spans = exported(&events, PRIVATE);
    let session = spans.iter().find(|span| span.name == names::SPAN_SESSION).unwrap();
    assert_eq!(session.links[0].trace_id, TraceId::of_run(&parent).bytes());
    assert_eq!(text(session.links[0].attributes[0].value.as_ref()), "forked_from");
    // The parent was started inside another trace.
    let inherited = "4bf92f3577b34da6a3ce929d0e0e4736";
    if let Event::SessionStart(start) = &mut events[0] {
        start.parent.as_mut().unwrap().trace_id = Some(inherited.to_owned());
    }
    let spans = exported(&events, PRIVATE);
    let session = spans.iter().find(|span| span.name == names::SPAN_SESSION).unwrap();
    assert_eq!(session.links[0].trace_id, inherited.parse::<TraceId>().unwrap().bytes());
}

#[test]
fn a_gate_has_the_length_that_it_took() {
    let mut events = recording("run_two_rounds");
    let at = events.iter().position(|event| matches!(event, Event::DiffCaptured(_))).unwrap();
    let captured = events[at].timestamp().unwrap();
    let gate = |status, duration_secs| GateResult {
        status,
        baseline: Some(GateStatus::Passed),
        exit_code: Some(101),
        duration_secs,
        tail: "3 failed".to_owned(),
        ..GateResult::not_started("test".to_owned(), true)
    };
    let completed = |gate, ms| {
        let timestamp = captured + Duration::from_millis(ms);
        Event::GateCompleted(Box::new(GateCompleted {
            timestamp,
            elapsed_ms: 0,
            iteration: 1,
            gate,
        }))
    };
    let later = events.split_off(at + 1);
    events.push(completed(gate(GateStatus::Failed, 0.002), 3));
    events.push(completed(gate(GateStatus::Passed, 1e9), 4));
    events.extend(later);
    let spans = exported(&events, PRIVATE);
    let gates: Vec<&Span> =
        spans.iter().filter(|span| span.name == "codeloops.check test").collect();
    let length = |span: &Span| span.end_time_unix_nano - span.start_time_unix_nano;
    assert_eq!(gates.iter().map(|span| length(span)).collect::<Vec<_>>(), [2_000_000, 1_000_000]);
    assert_eq!(of(gates[0], names::ERROR_TYPE).as_deref(), Some("failed"));
    assert_eq!(of(gates[1], names::ERROR_TYPE), None);
}

/// Files of other programs have no progress lines and no run id.
#[test]
fn a_file_of_three_line_types_gives_a_session_and_its_rounds() {
    let whole = recording("run_two_rounds");
    let keep = |event: &&Event| {
        matches!(event, Event::SessionStart(_) | Event::Iteration(_) | Event::SessionEnd(_))
    };
    let mut events: Vec<Event> = whole.iter().filter(keep).cloned().collect();
    if let Event::SessionStart(start) = &mut events[0] {
        start.run_id = None;
        start.settings = None;
    }
    let spans = exported(&events, PRIVATE);
    sound(&spans, "a file of another program");
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, [names::SPAN_ITERATION, names::SPAN_ITERATION, names::SPAN_SESSION]);
    assert_eq!(spans, exported(&events, PRIVATE), "the same ids each time");
}

/// The words of the decision, and who says them.
#[test]
fn a_call_is_told_by_role_and_attempt() {
    let spans = exported(&recording("resumed"), PRIVATE);
    let calls: Vec<(Option<String>, Option<String>)> = spans
        .iter()
        .filter(|span| span.name.starts_with(names::SPAN_AGENT))
        .map(|span| (of(span, names::ROLE), of(span, names::ATTEMPT)))
        .collect();
    assert!(calls.contains(&(Some(Role::Critic.to_string()), Some("2".to_owned()))), "{calls:?}");
}

/// The gates of the settings, in the order in which they come to their ends, one again after a resume.
#[test]
fn a_gate_has_the_id_of_its_place_and_one_that_runs_again_another() {
    let text = r#"[
        {"name": "test", "command": ["true"], "required": true},
        {"name": "lint", "command": ["true"], "required": true}]"#;
    let mut events = recording("run_two_rounds");
    let Event::SessionStart(start) = &mut events[0] else { unreachable!() };
    start.settings.as_mut().unwrap().gates = serde_json::from_str(text).unwrap();
    let at = events[1].timestamp().unwrap();
    let started = |iteration, gate: &str| {
        let gate = gate.to_owned();
        Event::GateStarted(GateStarted { timestamp: at, elapsed_ms: 0, iteration, gate })
    };
    let completed = |iteration, gate: &str, status| {
        let gate = GateResult { status, ..GateResult::not_started(gate.to_owned(), true) };
        let timestamp = at + Duration::from_millis(5);
        Event::GateCompleted(Box::new(GateCompleted { timestamp, elapsed_ms: 5, iteration, gate }))
    };
    events.truncate(1);
    events.extend([started(0, "test"), completed(0, "test", GateStatus::Passed)]);
    events.extend([started(1, "test"), started(1, "lint")]);
    events.push(completed(1, "lint", GateStatus::Passed));
    events.push(completed(1, "test", GateStatus::Failed));
    events.extend([started(1, "test"), completed(1, "test", GateStatus::Passed)]);
    events.push(started(1, "lint"));
    let spans = exported(&events, PRIVATE);
    let run = run_id_of(match &events[0] {
        Event::SessionStart(start) => start,
        _ => unreachable!(),
    });
    let place = |span: &Span| {
        let paths = (0..2).flat_map(|iteration| (1..5).map(move |position| (iteration, position)));
        paths.into_iter().find(|(iteration, position)| {
            let path = SpanPath::Gate { iteration: *iteration, position: *position };
            SpanId::of_run(&run, path).bytes()[..] == span.span_id[..]
        })
    };
    let gates = spans.iter().filter(|span| span.name.starts_with(names::SPAN_CHECK));
    let told: Vec<_> = gates
        .map(|span| (span.name.as_str(), place(span).unwrap(), of(span, names::ERROR_TYPE)))
        .collect();
    assert_eq!(
        told,
        [
            ("codeloops.check test", (0, 1), None),
            ("codeloops.check lint", (1, 2), None),
            ("codeloops.check test", (1, 1), Some("failed".to_owned())),
            ("codeloops.check test", (1, 3), None),
            ("codeloops.check lint", (1, 4), Some("crashed".to_owned())),
        ]
    );
    let below = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
    let baseline = spans.iter().find(|span| span.name == "codeloops.check test").unwrap();
    assert_eq!(baseline.parent_span_id, below(names::SPAN_SESSION).span_id);
    assert_eq!(below("codeloops.check lint").parent_span_id, below(names::SPAN_ITERATION).span_id);
}

#[test]
fn what_gates_decide_is_told_on_the_round() {
    let mut events = recording("run_two_rounds");
    let end = events.iter().position(|event| matches!(event, Event::Iteration(_))).unwrap();
    let timestamp = events[end].timestamp().unwrap();
    let gates = || vec!["test".to_owned(), "lint".to_owned()];
    let kept_as = "refs/codeloops/x/gates-1-1".to_owned();
    let (tree, files, head_moved) = (None, vec!["a".to_owned()], false);
    let check = TreeCheck::Changed {
        kept_as,
        tree,
        files,
        head_moved,
        index_changed: false,
        restored: true,
    };
    let (elapsed_ms, iteration) = (0, 1);
    let told = [
        Event::GateTreeChecked(Box::new(GateTreeChecked {
            timestamp,
            elapsed_ms,
            iteration,
            attempt: 1,
            gates: gates(),
            check,
        })),
        Event::ApprovalVetoed(Box::new(ApprovalVetoed {
            timestamp,
            elapsed_ms,
            iteration,
            gates: gates(),
            tampering: 2,
        })),
        Event::StateRepeated(StateRepeated { timestamp, elapsed_ms, iteration, earlier: vec![3] }),
    ];
    events.splice(end..end, told);
    let spans = exported(&events, PRIVATE);
    let round = spans.iter().find(|span| span.name == names::SPAN_ITERATION).unwrap();
    let told = round.events.iter().map(|event| {
        let with =
            event.attributes.iter().map(|it| format!(" {}={}", it.key, text(it.value.as_ref())));
        format!("{}{}\n", event.name, with.collect::<String>())
    });
    insta::assert_snapshot!(told.collect::<String>());
}

#[test]
fn every_span_tells_where_the_run_began() {
    let events = recording("run_two_rounds");
    let Event::SessionStart(start) = &events[0] else { unreachable!() };
    let spans = exported(&events, PRIVATE);
    assert!(start.commit_sha.is_some() && start.branch.is_some());
    for span in &spans {
        assert_eq!(of(span, names::REVISION), start.commit_sha, "{}", span.name);
        assert_eq!(of(span, names::BRANCH), start.branch, "{}", span.name);
    }
}
