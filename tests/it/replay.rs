//! `codeloops replay`: what the live run showed, once more; and whether the record holds.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use codeloops_event::{AgentOutcome, CallKind, Event};
use codeloops_machine::Input;
use codeloops_machine::testing::{Simulation, alphabet, answers, settings_from};
use codeloops_session::SessionWriter;
use codeloops_tests::record::checked_events;
use codeloops_tests::{Output, Workspace, wait_for};
use rustix::process::Signal;

use crate::scripts::{APPROVES, ASKS_FOR_MORE, TWO_ROUNDS, approved};
use crate::{scripted, workspace};

const FORMATS: [&str; 3] = ["pretty", "compact", "json"];

/// What a live run showed on its console: all but its closing lines.
fn shown(live: &Output) -> String {
    let mut lines: Vec<&str> = live.stdout.lines().collect();
    let is_closing = |line: &&str| line.contains("] Session saved: ");
    if let Some(at) = lines.iter().position(is_closing) {
        lines.truncate(at);
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// The session that was recorded last.
fn last_recording(place: &Workspace) -> PathBuf {
    let newest = |file: &PathBuf| file.metadata().unwrap().modified().unwrap();
    place.session_files().into_iter().max_by_key(newest).unwrap()
}

fn path(file: &Path) -> &str {
    file.to_str().unwrap()
}

/// Runs in each format, and compares what is shown live with what a replay shows. Gives the last.
#[track_caller]
fn assert_shown_again(place: &Workspace, run: impl Fn(&[&str]) -> Output) -> String {
    let mut last = String::new();
    for format in FORMATS {
        let live = shown(&run(&["--log-format", format]));
        let file = last_recording(place);
        let before = fs::read(&file).unwrap();
        let again = place.run(&["replay", path(&file), "--log-format", format]).exits(0);
        assert_eq!(again.stdout, live, "{format}");
        assert_eq!(again.stderr, "", "{format}");
        assert_eq!(fs::read(&file).unwrap(), before, "the recording is not touched");
        let verified = place.run(&["replay", path(&file), "--verify"]).exits(0);
        assert!(verified.stdout.starts_with("verified: "), "{verified}");
        last = live;
    }
    let files = place.session_files().len();
    assert_eq!(files, FORMATS.len(), "a replay records nothing");
    last
}

#[test]
fn two_rounds_are_shown_again() {
    let place = scripted(TWO_ROUNDS);
    let shown = assert_shown_again(&place, |options| {
        // As it was before the first run.
        drop(fs::remove_file(place.at("project/greeting.txt")));
        place.task(options).exits(0)
    });
    assert!(shown.contains("session_end"), "{shown}");
}

#[test]
fn a_limit_that_ends_the_run_is_shown_again() {
    let place = scripted(&format!("on actor\nappend a.txt a\n{ASKS_FOR_MORE}"));
    assert_shown_again(&place, |options| place.task(&[options, &["-n", "2"]].concat()).exits(1));
}

#[test]
fn what_the_critic_changed_and_was_put_back_is_shown_again() {
    let place = scripted(&format!("on actor\nedit a.txt a\n{APPROVES}edit a.txt by-the-critic\n"));
    let run = |options: &[&str]| place.task(&[options, &["-n", "1"]].concat()).exits(1);
    let shown = assert_shown_again(&place, run);
    assert!(shown.contains("\"restored\":true"), "{shown}");
}

#[test]
fn failures_are_shown_again() {
    let place = scripted("on actor\nstderr it burns\nexit 3\non critic\nprint I cannot tell.\n");
    let run = |options: &[&str]| {
        place.task(&[options, &["-n", "2", "--max-critic-failures", "1"]].concat()).exits(2)
    };
    assert_shown_again(&place, run);
}

/// The provider is overloaded once, so the run waits.
#[cfg(target_os = "linux")]
#[test]
fn a_wait_is_shown_again() {
    const LIMITED: &str = r#"
cat > /dev/null
if [ "$CODELOOPS_ROLE" = critic ]; then
    echo '{"type":"thread.started","thread_id":"t"}'
    echo '{"type":"item.completed","item":{"id":"1","type":"agent_message","text":"DECISION: DONE\n\nSUMMARY: Good."}}'
    echo '{"type":"turn.completed","usage":{"input_tokens":10,"cached_input_tokens":0,"output_tokens":2}}'
    exit
fi
echo '{"type":"thread.started","thread_id":"t"}'
echo '{"type":"error","message":"You have hit your usage limit."}'
echo '{"type":"turn.failed","error":{"message":"You have hit your usage limit."}}'
exit 1
"#;
    let place = crate::rough::place_with_shell_agent("codex-json", LIMITED);
    let run = |options: &[&str]| {
        let args = [&["--prompt", "x", "--max-duration", "20m"], options].concat();
        let running = place.start(&args);
        crate::rough::line_where(&place, "a wait", |e| matches!(e, Event::Waiting(_)));
        running.signal(Signal::INT);
        running.wait().exits(130)
    };
    for format in FORMATS {
        let live = shown(&run(&["--log-format", format]));
        let file = last_recording(&place);
        let again = place.run(&["replay", path(&file), "--log-format", format]).exits(0);
        assert_eq!(again.stdout, live, "{format}");
        fs::remove_file(file).unwrap();
    }
}

#[test]
fn an_interrupted_run_is_shown_again() {
    let place = scripted("on actor\nedit a.txt a\non critic\nprint It is\ntouch ../busy\nhang\n");
    let run = |options: &[&str]| {
        let running = place.start(&[&["--prompt", "Fix the typo"], options].concat());
        wait_for(&place.at("busy"));
        running.signal(Signal::INT);
        let output = running.wait().exits(130);
        fs::remove_file(place.at("busy")).unwrap();
        output
    };
    assert_shown_again(&place, run);
}

#[test]
fn the_events_go_to_a_log_file_as_they_were_recorded_and_never_into_the_recording() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    let (file, log) = (place.session_file(), place.at("log.jsonl"));
    let _shown = place.run(&["replay", "latest", "--log-file", path(&log)]).exits(0);
    assert_eq!(fs::read(&log).unwrap(), fs::read(&file).unwrap());
    let link = place.at("link.jsonl");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for recording in [&file, &link] {
        let refused = place.run(&["replay", "latest", "--log-file", path(recording)]).exits(2);
        assert!(refused.stderr.contains("the recording itself"), "{refused}");
    }
    let refused = place.run(&["replay", "latest", "--sink", "jsonl"]).exits(2);
    assert!(refused.stderr.contains("records no session"), "{refused}");
    assert_eq!(fs::read(&log).unwrap(), fs::read(&file).unwrap());
}

#[test]
fn what_the_configuration_says_of_the_console_is_minded_and_its_agents_are_not() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    place.write("codeloops.toml", "agent = \"no-such-agent\"\nlog_format = \"compact\"\n");
    let compact = place.run(&["replay", "latest"]).exits(0);
    assert!(compact.stdout.contains("Iteration 1 begins"), "{compact}");
    let asked = place.run(&["replay", "latest", "--log-format", "pretty"]).exits(0);
    assert!(asked.stdout.contains("[iteration 1]\n"), "{asked}");
    place.write("codeloops.toml", "[sinks]\nenabled = [\"jsonl\"]\n");
    let configured_away = place.run(&["replay", "latest"]).exits(0);
    assert_eq!(configured_away.stdout, asked.stdout);
}

#[test]
fn a_part_is_shown_by_its_iterations() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    let of = |options: &[&str]| place.run(&[&["replay", "latest"], options].concat());
    let whole = of(&[]).exits(0).stdout;
    let (start, rounds) = whole.split_once("[iteration 1]").unwrap();
    let (first, second) = rounds.split_once("[iteration 2]").unwrap();
    assert_eq!(
        of(&["--until", "1"]).exits(0).stdout,
        format!("{start}[iteration 1]{first}").trim_end_matches('\n').to_owned() + "\n"
    );
    assert_eq!(of(&["--from", "2"]).exits(0).stdout, format!("{start}[iteration 2]{second}"));
    assert_eq!(of(&["--from", "1", "--until", "2"]).exits(0).stdout, whole);
    insta::assert_snapshot!(of(&["--from", "3"]));
    insta::assert_snapshot!(of(&["--from", "2", "--until", "1"]));
}

/// It would take minutes: the clock of the tests is a second later at each reading.
#[test]
fn a_slow_replay_ends_at_once_when_asked() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 130)] {
        let log = place.at("log.jsonl");
        let begun = Instant::now();
        let running =
            place.start(&["replay", "latest", "--speed", "0.001x", "--log-file", path(&log)]);
        wait_for(&log);
        codeloops_tests::wait_until("the first line", || fs::metadata(&log).unwrap().len() > 0);
        running.signal(signal);
        let ended = running.wait().exits(code);
        assert!(ended.stderr.contains("Error: interrupted"), "{ended}");
        assert!(ended.stdout.starts_with("[codeloops] Starting"), "{ended}");
        assert!(begun.elapsed().as_secs() < 60, "it did not wait for the next line");
        fs::remove_file(log).unwrap();
    }
}

#[test]
fn at_a_speed_nothing_is_left_out() {
    let place = scripted(&approved("edit a.txt a"));
    let _ran = place.task(&[]).exits(0);
    let fast = place.run(&["replay", "latest", "--speed", "1000x"]).exits(0);
    assert_eq!(fast, place.run(&["replay", "latest"]).exits(0));
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure_and_a_full_disk_is_one() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    let sh = |line: &str| {
        let mut sh = place.program("sh");
        sh.args(["-c", line, crate::PROGRAMS.codeloops]);
        place.spawn(sh).wait()
    };
    let left = sh("\"$0\" replay latest | head -1");
    assert_eq!((left.stderr.as_str(), left.stdout.lines().count()), ("", 1), "{left}");
    if Path::new("/dev/full").exists() {
        let full = sh("\"$0\" replay latest > /dev/full").exits(2);
        assert!(full.stderr.contains("the sink `console` was given up; it missed"), "{full}");
    }
}

#[test]
fn where_the_output_of_the_agents_is_is_told() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    insta::assert_snapshot!(place.run(&["replay", "latest", "--verbose", "--until", "1"]));
}

#[test]
fn which_session_is_meant() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    let whole = place.run(&["replay", "latest"]).exits(0);
    let copy = place.at("project/copy.jsonl");
    fs::copy(place.session_file(), &copy).unwrap();
    for name in
        ["2025-01-27", "2025-01-27T15-30-45Z_a6c42a", "copy.jsonl", "./copy.jsonl", path(&copy)]
    {
        assert_eq!(place.run(&["replay", name]).exits(0), whole, "{name}");
    }
    for args in [
        &["replay"][..],
        &["replay", "nothing"],
        &["replay", "./nothing.jsonl"],
        &["replay", "."],
        &["replay", "/dev/null"],
        &["replay", "./README.md"],
        &["replay", "latest", "--verify", "--from", "1"],
        &["replay", "latest", "--json"],
        &["replay", "latest", "--speed", "fast"],
        &["replay", "latest", "--with", "max_iteration=3"],
        &["replay", "latest", "--with", "max_duration=soon"],
        &["replay", "latest", "--verify", "--with", "max_iterations=1"],
    ] {
        insta::assert_snapshot!(
            format!("refused_{}", args.join(" ").replace(['/', ' ', '.', '='], "_")),
            place.run(args).exits(2)
        );
    }
}

/// The recording with one line changed, or left out, in a file of its own.
fn forged(place: &Workspace, forge: impl FnOnce(&mut Vec<String>)) -> String {
    let text = fs::read_to_string(place.session_file()).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    forge(&mut lines);
    let file = place.at("forged.jsonl");
    fs::write(&file, lines.join("\n") + "\n").unwrap();
    path(&file).to_owned()
}

#[test]
fn the_first_difference_is_told_field_by_field() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    let verify = |file: &str| place.run(&["replay", file, "--verify"]).exits(3);
    let line = |of: &str| {
        let text = fs::read_to_string(place.session_file()).unwrap();
        text.lines().position(|line| line.contains(of)).unwrap()
    };
    let verdict = line("verdict_reached");
    let changed = forged(&place, |lines| {
        lines[verdict] = lines[verdict].replace("Helo", "\\u001b[2JHello\\u202e");
    });
    insta::assert_snapshot!(verify(&changed));
    let document = place.run(&["replay", &changed, "--verify", "--json"]).exits(3).document();
    assert_eq!(document["verified"], false);
    assert_eq!(document["divergence"]["line"], verdict as u64 + 1);
    assert_eq!(document["divergence"]["iteration"], 1);
    let fields = document["divergence"]["fields"].as_array().unwrap();
    assert_eq!(fields[0]["field"], "ruling.verdict.feedback");

    let left_out = forged(&place, |lines| drop(lines.remove(verdict)));
    insta::assert_snapshot!(verify(&left_out));
    let doubled = forged(&place, |lines| lines.insert(verdict, lines[verdict].clone()));
    insta::assert_snapshot!(verify(&doubled));
    let fact = line("critic_completed");
    let twice = forged(&place, |lines| lines.insert(fact, lines[fact].clone()));
    insta::assert_snapshot!(verify(&twice));
    let after_the_end = forged(&place, |lines| lines.push(lines[1].clone()));
    insta::assert_snapshot!(verify(&after_the_end));
}

#[test]
fn a_good_recording_is_told_in_a_line() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    insta::assert_snapshot!(place.run(&["replay", "latest", "--verify"]));
    let torn = place.at("torn.jsonl");
    let text = fs::read_to_string(place.session_file()).unwrap();
    fs::write(&torn, &text[..text.len() - 20]).unwrap();
    insta::assert_snapshot!(place.run(&["replay", path(&torn), "--verify"]));
    let document = place.run(&["replay", "latest", "--verify", "--json"]).exits(0).document();
    assert_eq!((&document["verified"], &document["status"]), (&true.into(), &"ended".into()));
}

#[test]
fn a_run_that_goes_on_is_verified_and_shown_as_far_as_it_got() {
    let place = scripted(&approved("edit a.txt a\ntouch ../busy\nwait-file ../free"));
    let run = place.start(&["--prompt", "Fix the typo"]);
    wait_for(&place.at("busy"));
    let verified = place.run(&["replay", "latest", "--verify"]).exits(0);
    assert_eq!(
        verified.stdout,
        "verified: 3 events, 0 iterations, as far as it got: the run still goes on\n"
    );
    let shown = place.run(&["replay", "latest"]).exits(0);
    assert!(shown.stdout.ends_with("[actor] Running Fake Agent...\n"), "{shown}");
    fs::write(place.at("free"), "").unwrap();
    let _approved = run.wait().exits(0);
}

#[test]
fn other_settings_are_answered_for() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    let with = |change: &str| place.run(&["replay", "latest", "--with", change]).exits(0);
    insta::assert_snapshot!(with("max_iterations=1"));
    insta::assert_snapshot!(with("max_iterations=2"));
    insta::assert_snapshot!(with("max_duration=4s"));
    insta::assert_snapshot!(with("actor_timeout=1s"));
    let args = [
        "replay",
        "latest",
        "--json",
        "--with",
        "max_iterations=1",
        "--with",
        "restore_tree=false",
    ];
    let document = place.run(&args).exits(0).document();
    assert_eq!(document["end"]["stop_reason"], "max_iterations");
    assert_eq!(document["recorded_end"]["stop_reason"], "approved");
    assert_eq!(document["with"][1], "restore_tree=false");
}

fn fixtures(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/session/tests/fixtures");
    let entries = fs::read_dir(root.join(folder)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    files
}

/// Of files that are older than the lines for progress, and of other programs: as far as they tell.
#[test]
fn sessions_of_other_programs_are_shown_but_cannot_be_verified() {
    let place = workspace();
    for file in fixtures("seed") {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let shown = place.run(&["replay", path(&file)]).exits(0);
        insta::assert_snapshot!(format!("of_another_program_{name}"), shown);
        for question in [&["--verify"][..], &["--with", "max_iterations=1"]] {
            let asked = place.run(&[&["replay", path(&file)], question].concat()).exits(2);
            assert!(asked.stderr.contains("its first line has no `run_id`"), "{asked}");
        }
    }
}

/// Put together by hand, to hold every field: no machine ever decided what stands in them.
const BY_HAND: [&str; 6] =
    ["approved", "crashed", "failed", "interrupted", "started", "stopped_at_once"];

/// What runs of the released formats recorded, frozen.
fn recorded_by_runs() -> Vec<PathBuf> {
    let mut files = fixtures("v1.0");
    files.retain(|file| !BY_HAND.iter().any(|name| file.file_stem().unwrap() == *name));
    assert!(files.len() >= 7, "{files:?}");
    files
}

#[test]
fn recordings_of_every_format_version_verify() {
    let place = workspace();
    for file in recorded_by_runs() {
        let verified = place.run(&["replay", path(&file), "--verify"]).exits(0);
        assert!(verified.stdout.starts_with("verified: "), "{verified}");
        let shown = place.run(&["replay", path(&file), "--log-format", "json"]).exits(0);
        let recorded = fs::read_to_string(&file).unwrap();
        assert_eq!(shown.stdout.lines().count(), recorded.lines().count(), "{}", file.display());
    }
}

#[test]
fn one_changed_decision_in_any_of_them_is_found_at_its_line() {
    let place = workspace();
    for file in recorded_by_runs() {
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(changed) = another_decision(line) else { continue };
            let mut forged = lines.clone();
            forged[at] = &changed;
            let forged_file = place.at("forged.jsonl");
            fs::write(&forged_file, forged.join("\n") + "\n").unwrap();
            let found = place.run(&["replay", path(&forged_file), "--verify"]).exits(3);
            let place = format!("diverged at line {}", at + 1);
            assert!(found.stdout.starts_with(&place), "{}: {changed}: {found}", file.display());
        }
    }
}

/// A line with something else decided in it; none for a fact.
fn another_decision(line: &str) -> Option<String> {
    let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
    let (field, value) = match line["type"].as_str().unwrap() {
        "iteration_started" => ("iteration", 99.into()),
        "verdict_reached" | "waiting" | "tree_unverified" | "read_as_text" => {
            ("attempt", 99.into())
        }
        "iteration" if line["critic_decision"] == "DONE" => ("critic_decision", "ERROR".into()),
        "iteration" => ("critic_decision", "DONE".into()),
        "session_end" => ("iterations", 99.into()),
        _ => return None,
    };
    line[field] = value;
    Some(line.to_string())
}

/// A run of a simulated world, as chance has it: mostly it goes on.
fn simulated(seed: u64) -> Vec<Event> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % 1_000_003).unwrap()
    };
    let shape = u8::try_from(random() % 16).unwrap();
    let mut simulation = Simulation::start(settings_from(shape));
    for _ in 0..random() % 60 {
        let machine = simulation.machine();
        let mut inputs = machine.awaited().map(answers).unwrap_or_default();
        inputs.retain(brings_on);
        if random() % 8 == 0 || inputs.is_empty() {
            inputs = alphabet(machine);
        }
        let input = inputs[random() % inputs.len()].clone();
        simulation.give(input, (random() % 3000) as u64).unwrap();
    }
    simulation.events().to_vec()
}

/// Success, and a critic that asks for more.
fn brings_on(input: &Input) -> bool {
    match input {
        Input::AgentFinished { call, report } => {
            let wanted = if call.kind == CallKind::Critic { "DECISION: CONTINUE" } else { "" };
            report.outcome == AgentOutcome::Completed && report.text.starts_with(wanted)
        }
        _ => true,
    }
}

/// Written by the writer that runs have and read back, whole and cut off anywhere.
#[test]
fn a_thousand_generated_sessions_verify() {
    let place = workspace();
    let folder = place.at("generated");
    fs::create_dir(&folder).unwrap();
    let mut rounds = 0;
    for seed in 0..1000 {
        let events = simulated(seed);
        let Event::SessionStart(start) = &events[0] else { unreachable!() };
        let mut writer = SessionWriter::create(&folder, start).unwrap();
        events[1..].iter().for_each(|event| writer.append(event).unwrap());
        let file = writer.path().to_owned();
        drop(writer);
        assert_eq!(checked_events(&file), events, "seed {seed}");
        rounds += events.iter().filter(|event| matches!(event, Event::Iteration(_))).count();
        let bytes = fs::read(&file).unwrap();
        let first_line = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let cut =
            first_line + usize::try_from(seed).unwrap() * 7919 % (bytes.len() - first_line + 1);
        fs::write(&file, &bytes[..cut]).unwrap();
        drop(checked_events(&file));
        if seed % 50 == 0 {
            let verified = place.run(&["replay", path(&file), "--verify"]).exits(0);
            assert!(verified.stdout.starts_with("verified: "), "{verified}");
        }
        fs::remove_file(file).unwrap();
    }
    assert!(rounds > 500, "{rounds}");
}
