//! What an agent is given, and what becomes of what it prints.

use std::fs;

use codeloops_event::Event;

use crate::scripts::{APPROVES, approved};
use crate::{scripted, workspace};

#[test]
fn agents_know_run_round_role_commit_and_branch() {
    let place = workspace();
    let sha = place.git(&["rev-parse", "HEAD"]);
    let common = format!(
        "expect-env CODELOOPS_RUN_ID {}\nexpect-env CODELOOPS_COMMIT_SHA {}\n\
         expect-env CODELOOPS_BRANCH main\nexpect-env CODELOOPS_ITERATION 1\n",
        place.run_id(0),
        sha.trim()
    );
    place.script(&format!(
        "{common}on actor\nexpect-env CODELOOPS_ROLE actor\n\
         {APPROVES}expect-env CODELOOPS_ROLE critic\n"
    ));
    let _ran = place.task(&[]).exits(0);
}

#[test]
fn agents_do_not_inherit_a_git_directory() {
    let mut place =
        scripted(&approved("expect-env GIT_DIR\nexpect-env GIT_INDEX_FILE\nedit a.txt a"));
    place.set_var("GIT_DIR", place.at("nowhere"));
    place.set_var("GIT_INDEX_FILE", place.at("nowhere/index"));
    let ran = place.task(&[]).exits(0);
    assert!(ran.stdout.contains("1 file changed"), "{ran}");
}

/// An argument ends at 128 KiB; standard input does not.
#[test]
fn a_prompt_of_300_kb_reaches_the_agent_whole() {
    let place = scripted(&approved("save-prompt ../told\nedit a.txt a"));
    let task = "Fuß für Fuß — 修复 🦀\n".repeat(10_000);
    fs::write(place.at("task.md"), &task).unwrap();
    let _ran = place.run(&["--prompt-file", "../task.md"]).exits(0);
    assert!(fs::read_to_string(place.at("told")).unwrap().starts_with(&task));
    assert_eq!(place.session().start.prompt, task);
}

#[test]
fn text_of_every_script_survives_from_agent_to_session() {
    let text = "修复 🦀 ñandú Ελληνικά \u{202e}abc\u{202c} é";
    let place = scripted(&format!(
        "on actor 1\nprint {text}\nedit ü.txt {text}\non actor 2\nexpect-prompt-contains {text}\nedit b.txt b\n\
         on critic 1\nexpect-prompt-contains {text}\nprint DECISION: CONTINUE\\n\\nFEEDBACK: {text}\n\
         on critic 2\nprint DECISION: DONE\\n\\nSUMMARY: {text}\n"
    ));
    let ran = place.run(&["--prompt", text]).exits(0);
    assert!(ran.stdout.contains("修复 🦀 ñandú"), "{ran}");
    let session = place.session();
    assert_eq!(session.start.prompt, text);
    assert_eq!(session.iterations[0].actor_output.trim_end(), text);
    assert_eq!(session.iterations[0].feedback.as_deref(), Some(text));
    assert_eq!(session.end.unwrap().summary.as_deref(), Some(text));
}

#[test]
fn long_multi_byte_output_is_cut_between_characters() {
    let place = scripted(&approved(
        "run yes 🦀修 | head -c 2000007 > ../long\nprint-file ../long\nedit a.txt a",
    ));
    let _ran = place.task(&["--verbose"]).exits(0);
    let output = &place.session().iterations[0].actor_output;
    assert!(output.contains("bytes omitted") && output.len() < 1_100_000, "{}", output.len());
    assert_eq!(fs::metadata(place.evidence("iterations/1/actor.stdout")).unwrap().len(), 2_000_007);
}

#[test]
fn output_that_is_no_utf8_is_shown_as_well_as_it_goes_and_kept_as_it_is() {
    let place = scripted(&approved("print-hex 61ff6280620a\nedit a.txt a"));
    let _ran = place.task(&["--verbose"]).exits(0);
    assert_eq!(place.session().iterations[0].actor_output.trim_end(), "a\u{fffd}b\u{fffd}b");
    assert_eq!(fs::read(place.evidence("iterations/1/actor.stdout")).unwrap(), b"a\xffb\x80b\n");
}

#[test]
fn each_role_may_have_an_agent_of_its_own() {
    let place = workspace();
    place.script(&approved("edit a.txt a"));
    let other = place.fake_agent().replace("agents.fake", "agents.other").replace("Fake", "Other");
    place.global_config(&format!("{}\n{other}", place.fake_agent()));
    let ran = place.task(&["--actor-agent", "fake", "--critic-agent", "other"]).exits(0);
    assert!(ran.stdout.contains("Actor: Fake Agent | Critic: Other Agent"), "{ran}");
    let start = place.session().start;
    assert_eq!(
        (start.actor_agent.as_str(), start.critic_agent.as_str()),
        ("Fake Agent", "Other Agent")
    );
}

#[test]
fn a_model_is_passed_on_and_recorded() {
    let place = workspace();
    place.script(&approved("save-args ../args\nedit a.txt a"));
    let table = place.fake_agent() + "model_args = [\"--model\", \"{model}\"]\n";
    place.global_config(&format!("[defaults]\nagent = \"fake\"\n{table}"));
    let _ran = place.task(&["--actor-model", "big"]).exits(0);
    let args = fs::read_to_string(place.at("args")).unwrap();
    assert!(args.ends_with("--model\nbig\n"), "{args}");
    assert_eq!(place.session().start.actor_model.as_deref(), Some("big"));
}

#[test]
fn a_prompt_may_go_by_argument_or_by_file() {
    for (via, read) in [("argument", "cat"), ("file", "xargs cat")] {
        let place = workspace();
        let told = format!("run tail -n 3 ../args | {read} > ../told\n");
        place.script(&format!("on actor\nsave-args ../args\n{told}edit a.txt a\n{APPROVES}"));
        let table = format!("{}prompt = \"{via}\"\n", place.fake_agent());
        place.global_config(&format!("[defaults]\nagent = \"fake\"\n{table}"));
        let _ran = place.task(&[]).exits(0);
        let told = fs::read_to_string(place.at("told")).unwrap();
        assert!(told.contains("Nobody can answer while you work"), "{via}: {told}");
    }
}

#[test]
fn an_agent_that_does_not_read_its_prompt_is_no_obstacle() {
    let place = scripted(&format!("no-read-stdin\n{}", approved("edit a.txt a")));
    fs::write(place.at("task.md"), "do it\n".repeat(50_000)).unwrap();
    let _ran = place.run(&["--prompt-file", "../task.md"]).exits(0);
}

#[test]
fn without_a_branch_there_is_no_branch_to_know_of() {
    let place = scripted(&approved("expect-env CODELOOPS_BRANCH\nedit a.txt a"));
    place.git(&["checkout", "--quiet", "--detach"]);
    let _ran = place.task(&[]).exits(0);
    assert_eq!(place.session().start.branch, None);
}

/// A release of an agent whose stream has changed, or a command that prints text.
#[test]
fn an_agent_that_prints_no_event_of_its_output_is_read_as_text_and_that_is_told_once() {
    let script = "on actor 1\nprint I did it.\nedit a.txt a\n\
                  on critic 1\nprint DECISION: CONTINUE\\n\\nFEEDBACK: more\n\
                  on actor 2\nprint {\"kind\":\"over\"}\nedit a.txt b\n\
                  on critic 2\nprint DECISION: DONE\\n\\nSUMMARY: all of it\n";
    let run = |options: &[&str], code| {
        let place = scripted(script);
        let table = place.fake_agent() + "output = \"claude-stream-json\"\n";
        place.global_config(&format!("[defaults]\nagent = \"fake\"\n{table}"));
        let ran = place.task(options).exits(code);
        (place, ran)
    };
    let (place, ran) = run(&[], 0);
    let told = "What Fake Agent printed is read as text";
    assert_eq!(ran.stdout.matches(told).count(), 2, "{ran}");
    let told = |e: &Event| matches!(e, Event::ReadAsText(e) if e.declared == "claude-stream-json");
    assert_eq!(place.events().iter().filter(|e| told(e)).count(), 2);
    assert_eq!(codeloops_machine::replay::verify(&place.events()), Ok(()));
    let shown = place.run(&["sessions", "show", "latest"]).exits(0);
    assert!(shown.stdout.contains("Read as text"), "{shown}");

    let (_place, ran) = run(&["--json-output"], 0);
    let notes = ran.document()["notes"].clone();
    assert_eq!(notes.as_array().map(Vec::len), Some(2), "{notes}");
    assert!(notes[1].as_str().unwrap().contains("output = \"text\""), "{notes}");

    let (_place, ran) = run(&["--max-tokens", "1000000"], 1);
    assert!(ran.stdout.contains("cannot be held"), "{ran}");
}
