//! What a run leaves: its record, its evidence, its refs, its exit code.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use codeloops_event::{Event, Evidence};
use codeloops_tests::counted::RUN_ID;
use codeloops_tests::{Workspace, wait_for};
use rustix::process::Signal;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::scripts::{APPROVES, ASKS_FOR_MORE, TWO_ROUNDS, approved};
use crate::{scripted, workspace};

#[test]
fn a_run_is_recorded_line_by_line() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&["--max-iterations", "5"]).exits(0);
    let text = fs::read_to_string(place.session_file()).unwrap();
    insta::assert_snapshot!(place.redact(&text));
}

#[test]
fn run_json_tells_where_a_run_came_from_and_what_became_of_it() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    let text = fs::read_to_string(place.evidence("run.json")).unwrap();
    insta::assert_snapshot!(place.redact(&text));
}

#[test]
fn only_the_user_can_read_what_a_run_leaves() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&["--log-file", "../run.log"]).exits(0);
    let mut left = vec![place.data_dir(), place.at("run.log")];
    while let Some(path) = left.pop() {
        let found = path.metadata().unwrap();
        let mode = found.permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{mode:o} `{}`", path.display());
        if found.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        }
    }
}

#[test]
fn evidence_holds_what_was_printed_and_its_checksums_fit() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    let named: Vec<Evidence> = place.events().into_iter().flat_map(evidence_of).collect();
    assert_eq!(named.len(), 10, "two rounds of two streams for two roles, and a patch each");
    for file in named {
        let content = fs::read(place.evidence(&file.path)).unwrap();
        assert_eq!(content.len() as u64, file.bytes, "{}", file.path);
        assert_eq!(sha256(&content), file.sha256, "{}", file.path);
    }
    let kept = |file| fs::read_to_string(place.evidence(file)).unwrap();
    assert_eq!(kept("iterations/1/actor.stdout"), "I wrote the greeting.\n");
    assert_eq!(kept("iterations/2/actor.stderr"), "a remark\n");
    assert_eq!(kept("iterations/2/diff.patch"), place.session().iterations[1].git_diff);
}

fn evidence_of(event: Event) -> Vec<Evidence> {
    match event {
        Event::ActorCompleted(e) => [e.stdout, e.stderr].into_iter().flatten().collect(),
        Event::CriticCompleted(e) => [e.stdout, e.stderr].into_iter().flatten().collect(),
        Event::DiffCaptured(e) => vec![e.patch],
        _ => Vec::new(),
    }
}

fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_ref_keeps_the_tree_of_each_round_out_of_sight_of_the_log() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    let run_id = place.session().start.run_id.unwrap();
    let kept = |n| place.git(&["show", &format!("refs/codeloops/{run_id}/{n}:greeting.txt")]);
    assert_eq!((kept(1), kept(2)), ("Helo\n".to_owned(), "Hello\n".to_owned()));
    assert_eq!(place.git(&["log", "--all", "--oneline"]).lines().count(), 1);
    assert_eq!(place.git(&["branch", "--list"]), "* main\n");
    assert_eq!(place.git(&["status", "--porcelain"]), "?? greeting.txt\n");
}

#[test]
fn a_run_that_reaches_its_limit_exits_1_and_says_so() {
    let place = scripted(&format!("on actor\nappend a.txt more\n{ASKS_FOR_MORE}"));
    insta::assert_snapshot!(place.task(&["-n", "2"]));
    assert_eq!(place.session().end.unwrap().outcome.to_string(), "max_iterations_reached");
}

#[test]
fn an_actor_that_fails_three_times_in_a_row_ends_the_run() {
    let place = scripted(&format!("on actor\nprint no luck\nstderr boom\nexit 3\n{ASKS_FOR_MORE}"));
    insta::assert_snapshot!(place.task(&[]));
}

/// Whoever reads the last lines knows which agent it was and what to do.
#[test]
fn an_agent_that_is_not_let_in_is_named_with_what_to_do() {
    let text = "Invalid API key";
    let script = format!(
        r#"on actor
edit a.txt a
print {{"type":"result","subtype":"success","is_error":false,"result":"I did it.","session_id":"s1"}}
on critic
print {{"type":"assistant","error":"authentication_failed","message":{{"content":[{{"type":"text","text":"{text}"}}]}}}}
print {{"type":"result","subtype":"success","is_error":true,"terminal_reason":"api_error","api_error_status":401,"result":"{text}","total_cost_usd":0,"usage":{{"input_tokens":0,"output_tokens":0}}}}
exit 1
"#
    );
    let place = scripted(&script);
    let table = place.fake_agent() + "output = \"claude-stream-json\"\n";
    place.global_config(&format!("[defaults]\nagent = \"fake\"\n{table}"));
    insta::assert_snapshot!("refused", place.task(&["--max-iterations", "3"]).exits(2));
    let quiet = place.task(&["--json-output", "--max-iterations", "3"]).exits(2);
    assert!(
        quiet.stderr.contains("hint: see whether it is logged in: codeloops doctor"),
        "{quiet}"
    );
}

#[test]
fn a_failure_of_the_actor_now_and_then_is_judged_and_overcome() {
    let place = scripted(
        "on actor 1\nstderr boom: no memory\nexit 3\n\
         on critic 1\nexpect-prompt-contains boom: no memory\n\
         print DECISION: ERROR\\n\\nANALYSIS: it crashed\\n\\nRECOVERY: try again\n\
         on actor 2\nexpect-prompt-contains it crashed\nexpect-prompt-contains try again\n\
         edit a.txt a\n\
         on critic 2\nprint DECISION: DONE\\n\\nSUMMARY: good\n",
    );
    let _ran = place.task(&[]).exits(0);
    let rounds = place.session().iterations;
    assert_eq!(rounds[0].actor_exit_code, 3);
    assert_eq!(rounds[0].critic_decision.as_str(), "ERROR");
}

#[test]
fn ctrl_c_ends_the_agent_and_exits_130() {
    let place = scripted("on actor\ntouch ../began\nhang");
    let run = place.start(&["--prompt", "x"]);
    wait_for(&place.at("began"));
    run.signal(Signal::INT);
    insta::assert_snapshot!(run.wait());
    let session = place.session();
    assert_eq!(session.end.unwrap().outcome.to_string(), "interrupted");
    assert_eq!(session.iterations.len(), 0);
}

#[test]
fn two_runs_of_one_prompt_in_one_second_have_files_of_their_own() {
    let place = scripted(&approved("edit a.txt a"));
    let _first = place.task(&[]).exits(0);
    let second = place.task(&[]).exits(0);
    let files = place.session_files();
    let names: Vec<&str> = files.iter().map(|f| f.file_stem().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["2025-01-27T15-30-45Z_a6c42a-2", "2025-01-27T15-30-45Z_a6c42a"]);
    assert!(second.stdout.contains("Session saved: 2025-01-27T15-30-45Z_a6c42a-2\n"), "{second}");
    assert_ne!(run_id(&files[0]), run_id(&files[1]));
}

fn run_id(file: &Path) -> Value {
    let text = fs::read_to_string(file).unwrap();
    let start: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    start["run_id"].clone()
}

#[test]
fn a_second_run_in_the_same_tree_is_warned_of() {
    let place = scripted(
        "next invocation\ntouch ../began\nwait-file ../go\nedit a.txt a\n\
         next invocation\nedit b.txt b\n\
         on critic\nprint DECISION: DONE\\n\\nSUMMARY: good\n",
    );
    let first = place.start(&["--prompt", "x"]);
    wait_for(&place.at("began"));
    let second = place.run(&["--prompt", "y"]).exits(0);
    fs::write(place.at("go"), "").unwrap();
    let first = first.wait().exits(0);
    assert!(!first.stderr.contains("warning"), "{first}");
    insta::assert_snapshot!(second.stderr);
}

#[test]
fn the_working_directory_may_be_a_subfolder_of_the_repository() {
    let place = workspace();
    place.write("sub/file.txt", "before\n");
    place.write("other.txt", "before\n");
    place.commit_all("two files");
    place.script(&approved("edit file.txt after\nedit ../other.txt after"));
    let _ran = place.task(&["-d", "sub"]).exits(0);
    let session = place.session();
    assert_eq!(session.start.working_dir, place.project().join("sub").to_str().unwrap());
    let diff = &session.iterations[0].git_diff;
    assert!(diff.contains("sub/file.txt") && diff.contains("other.txt"), "{diff}");
}

#[test]
fn a_repository_without_a_commit_is_fine() {
    let place = Workspace::without_repository(crate::PROGRAMS);
    place.git(&["init", "--quiet", "--initial-branch=main"]);
    place.write("mine.txt", "mine\n");
    place.script(&approved("edit theirs.txt theirs"));
    let _ran = place.task(&[]).exits(0);
    let session = place.session();
    assert_eq!(session.start.commit_sha, None);
    let diff = &session.iterations[0].git_diff;
    assert!(diff.contains("theirs.txt") && !diff.contains("mine.txt"), "{diff}");
}

#[test]
fn evidence_is_not_kept_where_work_is_left_out_of_the_diffs_with_it() {
    let place = workspace();
    place.write("src/main.rs", "fn main() {}\n");
    place.write("sub/file.txt", "text\n");
    place.commit_all("sources");
    place.script(&approved("edit src/main.rs fixed"));
    for args in [
        &["--runs-dir", "src"][..],
        &["--runs-dir", "src/../src"],
        &["--runs-dir", "."],
        &["-d", "sub", "--runs-dir", "sub"],
    ] {
        let ran = place.task(args).exits(2);
        assert!(ran.stderr.contains("holds files of the project"), "{args:?}: {ran}");
        assert!(ran.stderr.contains("hint: "), "{ran}");
    }
    place.write("codeloops.toml", "runs_dir = 'src'\n");
    let _ran = place.task(&[]).exits(2);
    assert_eq!(place.git(&["status", "--porcelain"]), "?? codeloops.toml\n");
    let of_git = place.task(&["--runs-dir", "sub/../.git/x"]).exits(2);
    assert!(of_git.stderr.contains("lies in a `.git`, which is git's alone"), "{of_git}");
    assert!(!place.project().join(".git/x").exists());
    // A folder around the repository hides nothing.
    let _ran = place.task(&["--runs-dir", ".."]).exits(0);
}

#[test]
fn evidence_in_the_project_is_not_committed_with_the_work() {
    let place =
        scripted(&approved("edit a.txt a\nrun git add -A && git commit -q --allow-empty -m work"));
    for _ in 0..2 {
        let _ran = place.task(&["--runs-dir", "evidence"]).exits(0);
    }
    assert_eq!(place.git(&["ls-files"]), "README.md\na.txt\n");
    // A folder of the user's is left as it is.
    place.write("notes/mine.txt", "mine\n");
    let _ran = place.task(&["--runs-dir", "notes"]).exits(0);
    assert!(!place.project().join("notes/.gitignore").exists());
}

#[test]
fn evidence_in_the_project_is_not_part_of_its_changes() {
    let place = scripted(&format!("on actor\nedit a.txt a\n{APPROVES}"));
    place.write("codeloops.toml", "runs_dir = \".codeloops/runs\"\n");
    let _ran = place.task(&[]).exits(0);
    let session = place.session();
    assert_eq!(session.iterations[0].git_files_changed, 1);
    let run_id = session.start.run_id.unwrap();
    assert_eq!(
        place.read(&format!(".codeloops/runs/{run_id}/iterations/1/diff.patch")).lines().count(),
        7
    );
}

#[test]
fn a_working_directory_of_any_name_will_do() {
    use std::os::unix::ffi::OsStrExt;
    let place = scripted(&approved("edit a.txt a"));
    let dir = place.project().join(std::ffi::OsStr::from_bytes(b"o'dd \x1b[31m\xff"));
    fs::create_dir(&dir).unwrap();
    let mut command = place.command(&["--prompt", "x", "-d"]);
    command.arg(&dir);
    let ran = place.spawn(command).wait().exits(0);
    assert!(!ran.stdout.contains('\x1b'), "{ran:?}");
    assert!(dir.join("a.txt").exists());
    assert_eq!(place.session().iterations[0].git_files_changed, 1);
}

/// What codeloops itself writes is not what the actor changed, wherever it is.
#[test]
fn logs_and_sessions_in_the_project_are_not_part_of_its_changes() {
    let mut place = scripted(&approved("edit a.txt a"));
    let config = place.at("home/.config");
    place.set_var("XDG_CONFIG_HOME", config);
    place.set_var("XDG_DATA_HOME", place.project().join("data"));
    let ran = place.task(&["--log-file", "run.log", "--json-output"]).exits(0);
    assert!(ran.stderr.contains("[git] 1 file changed, 1 insertion(+)\n"), "{ran}");
    assert!(place.read("run.log").lines().count() > 10);
    let _again = place.task(&["--log-file", "run.log", "--runs-dir", "runs"]).exits(0);
}

/// `codeloops > run.out &`, which people do in the project.
#[test]
fn output_that_is_redirected_into_the_project_is_whole_and_not_part_of_its_changes() {
    let place = scripted(&approved("edit a.txt a"));
    let mut shell = place.program("sh");
    shell.args(["-c", "exec \"$0\" --prompt x --verbose > run.out 2> run.err"]);
    shell.arg(place.command(&[]).get_program()).env(RUN_ID, place.run_id(1).as_str());
    let _ran = place.spawn(shell).wait().exits(0);
    assert_eq!(place.session().iterations[0].git_files_changed, 1);
    let told = place.read("run.out");
    assert!(told.starts_with("[codeloops] Starting") && told.contains("Session saved"), "{told}");
    assert!(!told.contains("The critic changed"), "{told}");
}

/// The agents get the task as it was written; what is recorded of it, of what they print and of what
/// they change, holds no credential.
#[test]
fn credentials_reach_the_agents_and_no_record() {
    const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
    let place = scripted(&format!(
        "on actor\nexpect-prompt-contains use {KEY}\nedit config.txt key={KEY}\nprint I used {KEY}.\n\
         stderr {KEY}\non critic\nexpect-prompt-contains use {KEY}\n\
         expect-prompt-contains +key=[redacted: AWS access key]\n\
         expect-prompt-contains codeloops itself masks what looks like a credential\n\
         print DECISION: DONE\\n\\nSUMMARY: It uses {KEY}.\\n\\nCONFIDENCE: 0.9\n"
    ));
    let prompt = format!("use {KEY}");
    let args = ["--prompt", &prompt, "--actor-model", KEY, "--verbose", "--log-file", "../run.log"];
    let ran = place.run(&args).exits(0);
    assert!(ran.stdout.contains("[redacted: AWS access key]"), "{ran}");
    assert!(!format!("{ran}").contains(KEY), "{ran}");
    let mut left = vec![place.data_dir(), place.at("run.log")];
    let mut files = 0;
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let kept = fs::read_to_string(&path).unwrap();
            assert!(!kept.contains(KEY), "`{}`: {kept}", path.display());
            files += 1;
        }
    }
    assert!(files >= 7, "session, run.json, log, patch and streams: {files}");
    let session = place.session();
    let start = [session.start.prompt, session.start.actor_model.unwrap()];
    assert_eq!(start, ["use [redacted: AWS access key]", "[redacted: AWS access key]"]);
    assert_eq!(session.start.redacted, 2);
    assert_eq!(session.end.unwrap().redacted, 2 + 4, "patch and streams: {ran}");
    assert!(ran.stdout.contains("[codeloops] Credentials: masked at 6 places\n"), "{ran}");
    let shown = place.run(&["sessions", "show", "latest"]).exits(0);
    assert!(shown.stdout.contains("  Redaction  masked at 6 places\n"), "{shown}");
    assert_eq!(
        fs::read_to_string(place.project().join("config.txt")).unwrap().trim(),
        format!("key={KEY}")
    );
}

#[test]
fn no_credential_in_the_command_of_a_gate_is_recorded() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&["-n", "1", "--gate", "scan=scan --token hunter2 && true"]);
    let text = fs::read_to_string(place.session_file()).unwrap();
    assert!(text.contains("scan --token ********"), "{text}");
    let run_file = fs::read_to_string(place.evidence("run.json")).unwrap();
    assert!(!text.contains("hunter2") && !run_file.contains("hunter2"), "{text}{run_file}");
}
