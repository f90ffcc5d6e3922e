//! The documentation's recipes, run with the real programs on a session that a real run wrote.

use codeloops_tests::Workspace;
use codeloops_tests::needs::has;

use crate::scripts::{TWO_ROUNDS, approved};
use crate::{scripted, workspace};

/// The session that the recipes name.
const ID: &str = "2025-01-27T15-30-45Z_a6c42a";

/// A place with the session of a real run, and a link `session.jsonl` to it in the project.
fn recorded() -> Workspace {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    assert!(place.session_file().ends_with(format!("{ID}.jsonl")));
    std::os::unix::fs::symlink(place.session_file(), place.project().join("session.jsonl"))
        .unwrap();
    place
}

#[track_caller]
fn sh(place: &Workspace, recipe: &str) -> String {
    let output = place.program("sh").arg("-c").arg(recipe).output().unwrap();
    assert!(output.status.success(), "{recipe}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_guides_jq_recipes_work_unchanged() {
    if !has("jq") {
        return;
    }
    let place = recorded();
    let recipe = |text: &str| sh(&place, &text.replace("2025-01-27T15-30-45Z_a3f2c1", ID));
    assert_eq!(
        recipe(
            "head -1 ~/.local/share/codeloops/sessions/2025-01-27T15-30-45Z_a3f2c1.jsonl \
             | jq -r '.prompt'"
        ),
        "Fix the typo\n"
    );
    assert_eq!(
        recipe(
            "cat ~/.local/share/codeloops/sessions/2025-01-27T15-30-45Z_a3f2c1.jsonl \
             | jq -r 'select(.type == \"iteration\") | .critic_decision'"
        ),
        "CONTINUE\nDONE\n"
    );
    assert_eq!(
        recipe(
            "tail -1 ~/.local/share/codeloops/sessions/2025-01-27T15-30-45Z_a3f2c1.jsonl \
             | jq -r '.outcome'"
        ),
        "success\n"
    );
}

#[test]
fn the_format_references_jq_recipes_give_what_they_say() {
    if !has("jq") {
        return;
    }
    let place = recorded();
    let printed: Vec<String> = jq_recipes().iter().map(|recipe| sh(&place, recipe)).collect();
    insta::assert_snapshot!(printed.join("-----\n"));
}

/// The commands of the page, each with the comment above it.
fn jq_recipes() -> Vec<String> {
    let block = fenced("### jq", "sh");
    let recipes: Vec<String> = block.split("\n\n").map(str::to_owned).collect();
    assert!(recipes.len() >= 6, "{recipes:?}");
    recipes
}

/// The first fenced block of this language below a heading of `docs/src/session-format.md`.
fn fenced(heading: &str, language: &str) -> String {
    blocks(include_str!("../../docs/src/session-format.md"), heading, language).remove(0)
}

/// The fenced blocks of this language below a heading of a page.
fn blocks(page: &str, heading: &str, language: &str) -> Vec<String> {
    let below = page.split_once(&format!("\n{heading}\n")).unwrap().1;
    let begin = format!("```{language}\n");
    let blocks = below.split(&begin).skip(1);
    blocks.map(|block| block.split_once("\n```").unwrap().0.to_owned()).collect()
}

#[test]
fn what_the_recipe_against_snapshots_removed_is_told_and_not_offered() {
    let place = recorded();
    let recipe = blocks(include_str!("../../docs/src/git.md"), "## Getting rid of them", "sh");
    let shown = || place.run(&["sessions", "show", "latest"]).exits(0).stdout;
    let diff = || place.run(&["sessions", "diff", "latest"]).exits(0).stdout;
    assert!(shown().contains("  Snapshots  refs/codeloops/"));
    let before = diff();
    let _removed = sh(&place, &recipe[0]);
    assert_eq!(place.git(&["for-each-ref", "refs/codeloops"]), "");
    let page = shown();
    assert!(page.contains("  Snapshots  gone: refs/codeloops/"), "{page}");
    assert!(page.contains("  To compare codeloops sessions diff "), "{page}");
    assert_eq!(diff(), before, "the session has it");
}

#[test]
fn the_cron_recipe_prints_nothing_of_an_approved_run_and_all_of_another() {
    let page = include_str!("../../docs/src/exit-codes.md");
    let block = blocks(page, "## In a cron job", "sh").remove(0);
    let line = block.lines().next().unwrap().to_owned();
    let place = workspace();
    place.write("prompt.md", "Fix the typo\n");
    let printed = |script: &str| {
        place.script(script);
        // A project's file that sets an agent makes the start tell of it.
        let tables = place.fake_agent().replace("defaults.", "");
        place.write("codeloops.toml", format!("agent = \"fake\"\n\n{tables}"));
        let codeloops = place.command(&[]);
        let line = line.replace("~/myapp", &place.project().to_string_lossy());
        let program = codeloops.get_program().to_string_lossy().into_owned();
        let mut sh = place.program("sh");
        sh.args(["-c", &line.replacen("codeloops", &program, 1)]);
        sh.envs(codeloops.get_envs().filter_map(|(name, value)| Some((name, value?))));
        place.spawn(sh).wait()
    };
    let approved = printed(&approved("edit a.txt a")).exits(0);
    assert_eq!((approved.stdout.as_str(), approved.stderr.as_str()), ("", ""));
    let failed = printed("on actor\nprint no\nexit 3\non critic\nexit 3\n").exits(0);
    assert!(failed.stdout.contains("note: codeloops.toml starts a program"), "{failed}");
    assert!(failed.stdout.contains("note: the run ended as failed; see: "), "{failed}");
}

#[test]
fn a_run_whose_agent_removes_the_snapshots_offers_a_command_that_needs_none() {
    let recipe = blocks(include_str!("../../docs/src/git.md"), "## Getting rid of them", "sh");
    let remove = recipe[0].lines().next().unwrap();
    let place = scripted(&approved(&format!("run {remove}\nedit a.txt a")));
    let ran = place.task(&[]).exits(0);
    assert!(ran.stdout.contains("See what changed:\n  codeloops sessions diff "), "{ran}");
    let diff = place.run(&["sessions", "diff", "latest"]).exits(0).stdout;
    assert!(diff.contains("+++ b/a.txt\n"), "{diff}");
    place.write("a.txt", "b\n");
    let unrecorded = place.task(&["--no-session"]).exits(0);
    assert!(!unrecorded.stdout.contains("See what changed:"), "{unrecorded}");
}

#[test]
fn the_guides_actor_and_critic_run_as_they_stand_there() {
    let section = "## Your own, from a script";
    let page = include_str!("../../docs/src/guide-agents.md");
    let [actor, critic, start, ..] = &blocks(page, section, "sh")[..] else { panic!() };
    let place = workspace();
    for (name, script) in [("actor.sh", actor), ("critic.sh", critic)] {
        place.write(name, format!("{script}\n"));
    }
    place.write("codeloops.toml", &blocks(page, section, "toml")[0]);
    let (prepare, run) = start.split_once('\n').unwrap();
    let _prepared = sh(&place, prepare);
    let words: Vec<&str> = run.strip_prefix("codeloops ").unwrap().splitn(2, ' ').collect();
    let ran = place.run(&[words[0], words[1].trim_matches('"')]).exits(0);
    assert!(ran.stdout.contains("Feedback: greeting.txt wants a capital letter."), "{ran:?}");
    assert_eq!(place.read("greeting.txt"), "Hello\n");
}

#[test]
fn the_guides_python_recipe_works_unchanged() {
    if !has("python3") {
        return;
    }
    let place = recorded();
    let recipe = r#"
import json
from pathlib import Path

session_file = Path.home() / ".local/share/codeloops/sessions/2025-01-27T15-30-45Z_a3f2c1.jsonl"

with open(session_file) as f:
    lines = [json.loads(line) for line in f]

start = lines[0]
iterations = [l for l in lines if l.get("type") == "iteration"]
end = lines[-1] if lines[-1].get("type") == "session_end" else None

print(f"Prompt: {start['prompt']}")
print(f"Iterations: {len(iterations)}")
if end:
    print(f"Outcome: {end['outcome']}")
"#;
    let printed = python(&place, &recipe.replace("2025-01-27T15-30-45Z_a3f2c1", ID));
    assert_eq!(printed, "Prompt: Fix the typo\nIterations: 2\nOutcome: success\n");
}

#[test]
fn the_format_references_python_recipe_gives_what_it_says() {
    if !has("python3") {
        return;
    }
    let place = recorded();
    let uses = "s = parse_session('session.jsonl')\n\
                print(s['start']['prompt'], len(s['iterations']), s['end']['outcome'])";
    let printed = python(&place, &format!("{}\n{uses}", fenced("### Python", "python")));
    assert_eq!(printed, "Fix the typo 2 success\n");
}

/// What a sink of `docs/examples/sinks` writes of the run, whose lines it gets on standard input.
fn told_by(interpreter: &str, sink: &str) -> String {
    let place = recorded();
    let folder = format!("{}/../docs/examples/sinks", env!("CARGO_MANIFEST_DIR"));
    let _ran = sh(&place, &format!("{interpreter} '{folder}/{sink}' told < session.jsonl"));
    place.read("told")
}

#[test]
fn the_sink_in_python_tells_each_decision_and_the_end() {
    if !has("python3") {
        return;
    }
    let told = told_by("python3", "decisions.py");
    let (_times, what): (Vec<_>, Vec<_>) =
        told.lines().map(|line| line.split_once(' ').unwrap()).unzip();
    assert_eq!(what, ["round 1: CONTINUE", "round 2: DONE", "success after 2 rounds"]);
}

#[test]
fn the_sink_with_jq_tells_each_call() {
    if !has("jq") {
        return;
    }
    let told = told_by("sh", "calls.sh");
    let calls: Vec<Vec<&str>> = told.lines().map(|line| line.split('\t').collect()).collect();
    let whose: Vec<_> = calls.iter().map(|call| call[..3].join(" ")).collect();
    let expected =
        ["actor 1 completed", "critic 1 completed", "actor 2 completed", "critic 2 completed"];
    assert_eq!(whose, expected);
    assert!(calls.iter().all(|call| call.len() == 5 && call[3].parse::<f64>().is_ok()), "{told}");
}

#[track_caller]
fn python(place: &Workspace, program: &str) -> String {
    let output = place.program("python3").arg("-c").arg(program).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
