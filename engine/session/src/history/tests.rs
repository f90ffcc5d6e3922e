//! What rounds look like after lines that a run can have left.

use codeloops_event::{Role, Ruling, TreeCheck, VerdictProblem};
use serde_json::{Value, json};

use super::*;
use crate::last_look::ChangesIn;
use crate::round::CallState;

/// A line at some moment; `fields` are what its type has beside the time.
fn line(kind: &str, fields: &Value) -> Event {
    let mut line = json!({"type": kind, "timestamp": "2026-03-02T09:00:01Z", "elapsed_ms": 1000});
    line.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(line).unwrap()
}

fn in_round(kind: &str, iteration: Iteration, fields: &Value) -> Event {
    let mut fields = fields.clone();
    fields["iteration"] = json!(iteration);
    line(kind, &fields)
}

fn begun(iteration: Iteration) -> Event {
    in_round("iteration_started", iteration, &json!({}))
}

fn started(role: Role, attempt: u32) -> Event {
    let process = json!({"pid": 40 + attempt, "start_ticks": null});
    let fields = json!({"attempt": attempt, "agent": "Fake", "process": process});
    in_round(&format!("{role}_started"), 1, &fields)
}

fn completed(role: Role, attempt: u32, outcome: &Value) -> Event {
    let mut fields = json!({
        "attempt": attempt, "outcome": outcome, "exit_code": 0, "duration_secs": 2.0,
        "stdout": null, "stderr": null, "leftovers": 0,
        "usage": {"input_tokens": 10, "output_tokens": 1, "cost_usd": 0.5},
    });
    if role == Role::Critic {
        fields["text"] = json!("DECISION: MAYBE");
    }
    in_round(&format!("{role}_completed"), 1, &fields)
}

fn done(role: Role, attempt: u32) -> Event {
    completed(role, attempt, &json!({"kind": "completed"}))
}

fn captured() -> Event {
    let patch = json!({"path": "iterations/1/diff.patch", "bytes": 0, "sha256": ""});
    let fields = json!({
        "tree": "01", "files_changed": 0, "insertions": 0, "deletions": 0, "patch": patch,
        "notes": [],
    });
    in_round("diff_captured", 1, &fields)
}

fn summary(iteration: Iteration) -> Event {
    let fields = json!({
        "iteration_number": iteration, "actor_output": "", "actor_stderr": "",
        "actor_exit_code": 0, "actor_duration_secs": 1.0, "git_diff": "", "git_files_changed": 0,
        "critic_decision": "CONTINUE", "feedback": "more",
    });
    line("iteration", &fields)
}

fn session_end() -> Event {
    let fields = json!({
        "outcome": "interrupted", "iterations": 0, "summary": null, "confidence": null,
        "duration_secs": 1.0,
    });
    line("session_end", &fields)
}

fn stop() -> Event {
    line("stop_requested", &json!({"signal": "SIGINT", "now": false}))
}

fn history(lines: impl IntoIterator<Item = Event>) -> History {
    let fields = json!({
        "prompt": "x", "working_dir": "/x", "actor_agent": "A", "critic_agent": "C",
        "actor_model": null, "critic_model": null, "max_iterations": null,
    });
    let Event::SessionStart(start) = line("session_start", &fields) else { unreachable!() };
    let mut history = History::begin(*start);
    lines.into_iter().for_each(|event| history.observe(event));
    history
}

#[track_caller]
fn stands(lines: &[Event], phase: RoundPhase) {
    assert_eq!(history(lines.to_vec()).rounds.last().unwrap().phase, Some(phase), "{lines:#?}");
}

/// A history of a run with these gates.
fn with_gates(gates: &[&str], lines: impl IntoIterator<Item = Event>) -> History {
    let mut history = history([]);
    let text = include_str!("../../tests/fixtures/v1.0/approved.jsonl");
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let mut settings = first["settings"].clone();
    let gate = |name: &&str| json!({"name": name, "command": ["true"], "required": true});
    settings["gates"] = gates.iter().map(gate).collect();
    history.start.settings = serde_json::from_value(settings).unwrap();
    lines.into_iter().for_each(|event| history.observe(event));
    history
}

fn gate_started(iteration: Iteration, gate: &str) -> Event {
    in_round("gate_started", iteration, &json!({"gate": gate}))
}

fn gate_done(iteration: Iteration, gate: &str, more: &Value) -> Event {
    let mut result = json!({
        "name": gate, "status": "passed", "required": true, "baseline": null, "exit_code": 0,
        "duration_secs": 1.0, "tail": "", "output": null,
    });
    result.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    in_round("gate_completed", iteration, &json!({"gate": result}))
}

fn gates_checked(iteration: Iteration, check: &Value) -> Event {
    in_round(
        "gate_tree_checked",
        iteration,
        &json!({"attempt": 1, "gates": ["test"], "check": check}),
    )
}

fn resumed(iteration: Iteration, phase: &str) -> Event {
    let approved = include_str!("../../tests/fixtures/v1.0/approved.jsonl");
    let first: Value = serde_json::from_str(approved.lines().next().unwrap()).unwrap();
    let fields = json!({
        "phase": phase, "codeloops_version": "0.1.0", "limits": first["settings"]["limits"],
        "tree": {"state": "as_left"}, "leftovers": 0,
    });
    in_round("session_resumed", iteration, &fields)
}

#[test]
fn gates_are_through_once_each_has_a_result_and_the_tree_was_compared() {
    let unchanged = json!({"state": "unchanged"});
    let lines = [
        (captured(), RoundPhase::RunningGates),
        (gate_started(1, "test"), RoundPhase::RunningGates),
        (gate_started(1, "lint"), RoundPhase::RunningGates),
        (gate_done(1, "lint", &json!({})), RoundPhase::RunningGates),
        (gate_done(1, "test", &json!({"interrupted": true})), RoundPhase::RunningGates),
        (gates_checked(1, &unchanged), RoundPhase::RunningGates),
        (resumed(1, "running_gates"), RoundPhase::RunningGates),
        (gate_started(1, "test"), RoundPhase::RunningGates),
        (gate_done(1, "test", &json!({})), RoundPhase::RunningGates),
        (gates_checked(1, &unchanged), RoundPhase::CriticEvaluating),
    ];
    let mut history = with_gates(&["test", "lint"], []);
    for (at, (event, phase)) in lines.into_iter().enumerate() {
        history.observe(event);
        assert_eq!(history.rounds.last().unwrap().phase, Some(phase), "line {at}");
    }
    let round = history.rounds.last().unwrap();
    let names: Vec<&str> = round.gates.iter().map(|gate| gate.name.as_str()).collect();
    assert_eq!(names, ["test", "lint"], "in the order of the settings, each once");
    assert!(!round.gates[0].interrupted);
    assert_eq!(round.gate_checks.len(), 2);
}

#[test]
fn a_result_that_was_kept_needs_no_look_at_the_tree() {
    let kept = json!({"kept_from": "01KJP0000000000000000000A1"});
    let lines = [captured(), gate_started(1, "test"), gate_done(1, "test", &kept)];
    let history = with_gates(&["test"], lines);
    assert_eq!(history.rounds[0].phase, Some(RoundPhase::CriticEvaluating));
    assert!(matches!(history.look.changes(), ChangesIn::Snapshot { iteration: 1, .. }));
}

#[test]
fn what_is_captured_anew_after_a_resume_has_gates_of_its_own() {
    let lines = [
        captured(),
        gate_done(1, "test", &json!({"status": "failed"})),
        resumed(1, "capturing_diff"),
        captured(),
    ];
    assert_eq!(with_gates(&["test"], lines).rounds[0].gates.len(), 0);
}

#[test]
fn the_baseline_is_of_no_round() {
    let lines = [
        gate_started(0, "test"),
        gate_done(0, "lint", &json!({"status": "failed"})),
        gate_done(0, "test", &json!({})),
        gates_checked(0, &json!({"state": "unchanged"})),
        resumed(0, "running_gates"),
    ];
    let history = with_gates(&["test", "lint"], lines);
    assert!(history.rounds.is_empty());
    let names: Vec<&str> = history.baseline.iter().map(|gate| gate.name.as_str()).collect();
    assert_eq!((names.as_slice(), history.baseline_checks.len()), (&["test", "lint"][..], 1));
}

#[test]
fn a_veto_and_a_repeated_state_stand_with_their_round() {
    let lines = [
        begun(2),
        in_round("approval_vetoed", 2, &json!({"gates": ["test"], "tampering": 0})),
        in_round("state_repeated", 2, &json!({"earlier": [1]})),
        summary(2),
    ];
    let history = with_gates(&["test"], lines);
    assert_eq!(history.rounds.len(), 1);
    assert_eq!(history.rounds[0].veto.as_ref().unwrap().gates, ["test"]);
    assert_eq!(history.rounds[0].repeats.as_ref().unwrap().earlier, [1]);
}

#[test]
fn what_gates_changed_is_in_the_working_tree_alone_until_it_is_put_back() {
    let changed = |restored| {
        json!({
            "state": "changed", "kept_as": "refs/x", "files": ["a"], "head_moved": false,
            "index_changed": false, "restored": restored,
        })
    };
    let seen = |lines: &[Event]| {
        let lines = [&[begun(1), captured()][..], lines].concat();
        with_gates(&["test"], lines).look.changes()
    };
    let snapshot = ChangesIn::Snapshot { iteration: 1, differs: false };
    let ran = [gate_started(1, "test"), gate_done(1, "test", &json!({}))];
    assert_eq!(seen(&ran[..1]), ChangesIn::WorkingTree);
    assert_eq!(seen(&ran), ChangesIn::WorkingTree);
    let after = |check: &Value| [&ran[..], &[gates_checked(1, check)]].concat();
    assert_eq!(seen(&after(&json!({"state": "unchanged"}))), snapshot);
    assert_eq!(seen(&after(&changed(true))), snapshot);
    assert_eq!(seen(&after(&changed(false))), ChangesIn::WorkingTree);
    let killed = [&ran[..1], &[resumed(1, "running_gates")]].concat();
    assert_eq!(seen(&killed), snapshot);
}

#[test]
fn a_killed_run_stood_in_the_phase_that_its_last_line_led_to() {
    let lines = [
        (begun(1), RoundPhase::ActorExecuting),
        (started(Role::Actor, 1), RoundPhase::ActorExecuting),
        (done(Role::Actor, 1), RoundPhase::CapturingDiff),
        (captured(), RoundPhase::CriticEvaluating),
        (started(Role::Critic, 1), RoundPhase::CriticEvaluating),
        (done(Role::Critic, 1), RoundPhase::CriticEvaluating),
    ];
    let all: Vec<Event> = lines.iter().map(|(event, _)| event.clone()).collect();
    for (at, (_, phase)) in lines.iter().enumerate() {
        stands(&all[..=at], *phase);
    }
}

/// What ends a run ends the phase in which it came: nothing is captured after an interrupted actor.
#[test]
fn a_run_that_ended_stood_in_the_phase_that_its_last_answer_came_in() {
    let actor = [begun(1), started(Role::Actor, 1), stop(), done(Role::Actor, 1), session_end()];
    stands(&actor, RoundPhase::ActorExecuting);
    let capturing = [begun(1), done(Role::Actor, 1), stop(), captured(), session_end()];
    stands(&capturing, RoundPhase::CapturingDiff);
    let waiting = [begun(1), done(Role::Actor, 1), waiting(), stop(), session_end()];
    stands(&waiting, RoundPhase::ActorExecuting);
}

fn waiting() -> Event {
    let fields = json!({
        "role": "actor", "attempt": 2, "until": "2026-03-02T10:00:00Z", "reason": "limit reached",
    });
    in_round("waiting", 1, &fields)
}

#[test]
fn a_wait_is_a_call_to_come_until_it_is_over() {
    let states = |lines: Vec<Event>| -> Vec<&'static str> {
        let rounds = history(lines).rounds;
        let name = |state: &CallState<_>| match state {
            CallState::Waiting { .. } => "waiting",
            CallState::Started { .. } => "started",
            CallState::Over(_) => "over",
        };
        rounds[0].actor.iter().map(|call| name(&call.state)).collect()
    };
    let over = in_round("wait_over", 1, &json!({"role": "actor", "attempt": 2}));
    let limited = vec![begun(1), done(Role::Actor, 1), waiting()];
    assert_eq!(states(limited.clone()), ["over", "waiting"]);
    let again = [limited, vec![over]].concat();
    assert_eq!(states(again.clone()), ["over"]);
    assert_eq!(states([again, vec![started(Role::Actor, 2)]].concat()), ["over", "started"]);
}

/// A call is over before the next one begins.
#[test]
fn a_line_is_about_the_last_call_or_a_new_one() {
    let lines = [
        begun(1),
        started(Role::Actor, 1),
        done(Role::Actor, 1),
        started(Role::Actor, 2),
        // Nobody writes that.
        started(Role::Actor, 1),
    ];
    let history = history(lines);
    let calls = &history.rounds[0].actor;
    assert_eq!(calls.iter().map(|call| call.attempt).collect::<Vec<_>>(), [1, 2, 1]);
    assert!(calls[0].end().is_some(), "a later line does not take its end back");
}

#[test]
fn answers_keep_what_was_made_of_them() {
    let check = json!({
        "state": "changed", "kept_as": "refs/x", "files": ["a"], "head_moved": false,
        "index_changed": false, "restored": true,
    });
    let ruling = json!({"ruling": "asked_again", "problem": {"problem": "no_decision"}});
    let rounds = history([
        begun(1),
        done(Role::Critic, 1),
        in_round("tree_checked", 1, &json!({"attempt": 1, "check": check})),
        in_round("verdict_reached", 1, &json!({"attempt": 1, "ruling": ruling})),
        started(Role::Critic, 2),
    ])
    .rounds;
    let [first, second] = &rounds[0].critic[..] else { panic!("{rounds:?}") };
    let answer = &first.end().unwrap().left;
    assert_eq!(answer.text, "DECISION: MAYBE");
    assert!(matches!(answer.tree, Some(TreeCheck::Changed { restored: true, .. })));
    let problem = VerdictProblem::NoDecision;
    assert_eq!(answer.ruling, Some(Ruling::AskedAgain { problem }));
    assert_eq!((second.attempt, second.end()), (2, None));
}

#[test]
fn usage_is_summed_over_the_tries_of_each_role() {
    let history = history([
        begun(1),
        done(Role::Actor, 1),
        done(Role::Critic, 1),
        completed(Role::Critic, 2, &json!({"kind": "no_output"})),
    ]);
    let usage = history.rounds[0].usage();
    assert_eq!(usage.actor.unwrap().input_tokens, Some(10));
    assert_eq!(usage.critic.unwrap().cost_usd, Some(1.0));
}

#[test]
fn summaries_alone_are_rounds_too() {
    let history = history([summary(1), summary(1), begun(2)]);
    assert_eq!(history.iterations.len(), 2);
    let finished: Vec<bool> = history.rounds.iter().map(Round::is_finished).collect();
    assert_eq!(finished, [true, true, false]);
}

fn checked(state: &Value) -> Event {
    in_round("tree_checked", 1, &json!({"attempt": 1, "check": state}))
}

/// What an agent did is in a snapshot only where somebody looked at the tree after it.
#[test]
fn changes_are_in_the_last_snapshot_until_an_agent_works_again() {
    let kept = ChangesIn::Snapshot { iteration: 1, differs: false };
    let stays = json!({
        "state": "changed", "kept_as": "x", "files": [], "head_moved": true,
        "index_changed": false, "restored": false,
    });
    let mut put_back = stays.clone();
    put_back["restored"] = json!(true);
    let judged = |check: &Value| {
        vec![captured(), started(Role::Critic, 1), done(Role::Critic, 1), checked(check)]
    };
    for (lines, changes) in [
        (vec![begun(1), waiting()], ChangesIn::Nowhere),
        (vec![started(Role::Actor, 1)], ChangesIn::WorkingTree),
        (vec![started(Role::Actor, 1), done(Role::Actor, 1)], ChangesIn::WorkingTree),
        (vec![started(Role::Actor, 1), captured()], kept),
        (vec![captured(), started(Role::Critic, 1)], ChangesIn::WorkingTree),
        (judged(&json!({"state": "unchanged"})), kept),
        (judged(&put_back), kept),
        (judged(&stays), ChangesIn::WorkingTree),
        (
            [judged(&stays), judged(&json!({"state": "unchanged"})).split_off(1)].concat(),
            ChangesIn::WorkingTree,
        ),
        ([judged(&stays), vec![captured()]].concat(), kept),
    ] {
        assert_eq!(history(lines.clone()).look.changes(), changes, "{lines:#?}");
    }
}
