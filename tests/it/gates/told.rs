//! What is told of gates, what they are told, and what is kept of them.

use std::fs;
use std::path::{Path, PathBuf};

use codeloops_event::{Event, GateStatus};
use codeloops_tests::{Output, Workspace};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{assert_tells, assert_verified, configure, gated, results, rounds, statuses};
use crate::scripts::{APPROVES, ASKS_FOR_MORE};
use crate::workspace;

#[track_caller]
fn json_file(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("`{}`: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The smallest PNG there is: one pixel wide, two high.
const PNG: &[u8] = &[
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 2, 8, 6, 0, 0, 0, 0x99, 0x81, 0xb6, 0x27, 0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae,
    0x42, 0x60, 0x82,
];

/// Red once, with a failure that can be read and a picture.
const SHOOTS: &str = r#"
[[gates]]
name = "shoot"
run = "cp ../shot.png \"$CODELOOPS_ARTIFACTS/shot.png\"; echo words > \"$CODELOOPS_ARTIFACTS/report.txt\"; if [ -e broken ]; then echo 'src/a.c:3:5: error: no such thing'; exit 1; fi"
retries = 0
"#;

const MENDS: &str = "on actor 1\nedit broken x\non actor 2\ndelete broken\nedit work.txt x\n";

#[test]
fn the_runs_folder_holds_what_the_page_says() {
    let place = gated(&format!("{MENDS}{APPROVES}"), SHOOTS);
    fs::write(place.at("shot.png"), PNG).unwrap();
    let ran = place.task(&[]).exits(0);

    for folder in ["baseline/gates/shoot", "iterations/1/gates/shoot", "iterations/2/gates/shoot"] {
        let folder = place.evidence(folder);
        assert!(folder.join("output.log").is_file(), "{}", folder.display());
        assert_eq!(fs::read(folder.join("artifacts/shot.png")).unwrap(), PNG);
    }
    let log = fs::read_to_string(place.evidence("iterations/1/gates/shoot/output.log")).unwrap();
    assert_eq!(log, "src/a.c:3:5: error: no such thing\n");

    let first = json_file(&place.evidence("iterations/1/gate.json"));
    assert_eq!(
        (&first["passed"], &first["decision"]),
        (&json!(false), &json!("CONTINUE")),
        "{first}"
    );
    assert_eq!((&first["critic_verdict"], &first["iteration"]), (&json!("DONE"), &json!(1)));
    assert_eq!(first["run_id"], json!(place.run_id(0)));
    assert_eq!(first["branch"], json!("main"));
    assert_eq!(first["gates"][0]["status"], json!("failed"));
    let second = json_file(&place.evidence("iterations/2/gate.json"));
    assert_eq!((&second["passed"], &second["decision"]), (&json!(true), &json!("DONE")));
    assert!(second["confidence"].as_f64() > first["confidence"].as_f64(), "{first} {second}");
    for component in second["components"].as_array().unwrap() {
        for path in component["evidence"].as_array().unwrap() {
            assert!(place.evidence(path.as_str().unwrap()).exists(), "{component}");
        }
    }
    let tasks = json_file(&place.evidence("iterations/1/diagnose.json"));
    let task = &tasks["tasks"][0];
    assert_eq!((&task["file"], &task["line"]), (&json!("src/a.c"), &json!(3)), "{tasks}");
    assert_eq!((&task["gate"], &task["category"]), (&json!("shoot"), &json!("build")));
    assert!(!place.evidence("iterations/2/diagnose.json").exists(), "nothing is to be mended");

    let run = json_file(&place.evidence("run.json"));
    assert_eq!((&run["outcome"], &run["exit_code"]), (&json!("success"), &json!(0)), "{run}");
    assert_eq!(run["commit_sha"], json!(place.git(&["rev-parse", "HEAD"]).trim()));
    assert_eq!(run["branch"], json!("main"));
    assert_eq!(run["gate_results"][0]["status"], json!("passed"));
    assert_eq!(run["baseline"][0]["status"], json!("passed"));
    assert_tells(&ran, "All that shoot printed:");
    assert_verified(&place);
}

#[test]
fn what_a_gate_leaves_is_listed_with_type_size_hash_and_dimensions() {
    let place = gated(&format!("{MENDS}{APPROVES}"), SHOOTS);
    fs::write(place.at("shot.png"), PNG).unwrap();
    let _ran = place.task(&[]).exits(0);
    let [gate] = &results(&place, 1)[..] else { panic!("a gate") };
    let of_name =
        |name: &str| gate.artifacts.iter().find(|file| file.path.ends_with(name)).unwrap().clone();
    let shot = of_name("/shot.png");
    assert_eq!(shot.path, "iterations/1/gates/shoot/artifacts/shot.png");
    assert_eq!((shot.bytes, shot.media_type.as_deref()), (PNG.len() as u64, Some("image/png")));
    assert_eq!((shot.width, shot.height), (Some(1), Some(2)));
    let hash: String = Sha256::digest(PNG).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(shot.sha256, hash);
    let report = of_name("/report.txt");
    assert_eq!((report.bytes, report.width), (6, None));
}

/// All files below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_below(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[track_caller]
fn assert_nowhere(place: &Workspace, output: &Output, secret: &str) {
    assert!(!output.stdout.contains(secret) && !output.stderr.contains(secret), "{output}");
    for folder in [".local", ".cache"] {
        let folder = place.at("home").join(folder);
        for file in if folder.exists() { files_below(&folder) } else { Vec::new() } {
            let bytes = fs::read(&file).unwrap();
            let has = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!has, "`{secret}` stands in `{}`", file.display());
        }
    }
}

#[test]
fn a_secret_of_a_gate_stands_nowhere() {
    let printed = "ghp_0123456789abcdefghijABCDEFGHIJ456789";
    let in_env = "hunter2-of-the-gates-own-env";
    let in_command = "hunter2-of-the-command";
    let place = workspace();
    place.script(&format!(
        "on actor\nedit work.txt x\nexpect-prompt-lacks {in_command}\n{ASKS_FOR_MORE}\
         expect-prompt-lacks {printed}\nexpect-prompt-lacks {in_env}\nexpect-prompt-lacks {in_command}\n"
    ));
    fs::write(place.at("token"), format!("{printed}\n")).unwrap();
    // The project's own file is in the tree and thus in git, where the user put it.
    let config = format!(
        "[[gates]]\nname = \"test\"\nretries = 0\nenv = {{ GATE_TOKEN = \"{in_env}\" }}\n\
         run = \"export API_KEY={in_command}; cat ../token; echo says $GATE_TOKEN; \
         cat ../token > $CODELOOPS_ARTIFACTS/report.txt; exit 1\"\n"
    );
    configure(&place, &config);
    let ran = place.task(&["--no-baseline", "-n", "2"]).exits(1);
    place.assert_script_held();
    let gate = &rounds(&place)[0].gates[0];
    assert_eq!(gate.status, GateStatus::Failed);
    assert!(gate.tail.contains("[redacted: "), "{gate:?}");
    assert_nowhere(&place, &ran, in_command);
    assert_nowhere(&place, &ran, in_env);
    // What a gate leaves is kept as it is.
    fs::remove_file(place.evidence("iterations/1/gates/test/artifacts/report.txt")).unwrap();
    fs::remove_file(place.evidence("iterations/2/gates/test/artifacts/report.txt")).unwrap();
    assert_nowhere(&place, &ran, printed);
    assert_verified(&place);
}

#[test]
fn gates_know_what_they_belong_to() {
    let place = workspace();
    let config = "[[gates]]\nname = \"env.1\"\nrun = \"env | grep -e ^CODELOOPS_ -e ^ITS_OWN | sort; pwd\"\n\
                  env = { ITS_OWN = \"word\" }\nworking_dir = \"below\"\n";
    place.script(&format!("on actor\nedit work.txt x\n{APPROVES}"));
    place.write("below/a.txt", "a\n");
    configure(&place, config);
    let sha = place.git(&["rev-parse", "HEAD"]);
    let _ran = place.task(&[]).exits(0);
    for iteration in [0, 1] {
        let [gate] = &results(&place, iteration)[..] else { panic!("a gate") };
        let folder = place.evidence(&format!(
            "{}/gates/env.1/artifacts",
            if iteration == 0 { "baseline".to_owned() } else { format!("iterations/{iteration}") }
        ));
        for line in [
            format!("CODELOOPS_RUN_ID={}", place.run_id(0)),
            format!("CODELOOPS_COMMIT_SHA={}", sha.trim()),
            "CODELOOPS_BRANCH=main".to_owned(),
            "ITS_OWN=word".to_owned(),
            format!("CODELOOPS_ITERATION={iteration}"),
            "CODELOOPS_ROLE=gate".to_owned(),
            "CODELOOPS_GATE=env.1".to_owned(),
            format!("CODELOOPS_ARTIFACTS={}", folder.display()),
            place.at("project/below").display().to_string(),
        ] {
            assert!(gate.tail.lines().any(|told| told == line), "{line}: {}", gate.tail);
        }
    }
    assert_verified(&place);
}

#[test]
fn agents_have_no_gates_variables_of_an_outer_run() {
    let mut place = gated(
        &format!(
            "expect-env CODELOOPS_GATE\nexpect-env CODELOOPS_ARTIFACTS\non actor\nedit a.txt a\n{APPROVES}"
        ),
        SHOOTS,
    );
    fs::write(place.at("shot.png"), PNG).unwrap();
    place.set_var("CODELOOPS_GATE", "outer");
    place.set_var("CODELOOPS_ARTIFACTS", "/nowhere");
    let _ran = place.task(&[]).exits(0);
    place.assert_script_held();
}

#[test]
fn both_prompts_name_run_commit_and_branch() {
    let place = workspace();
    let sha = place.git(&["rev-parse", "HEAD"]);
    let lineage = format!("codeloops run {}, commit {}, branch main", place.run_id(0), sha.trim());
    place.script(&format!("expect-prompt-contains {lineage}\non actor\nedit a.txt a\n{APPROVES}"));
    let _ran = place.task(&[]).exits(0);
    place.assert_script_held();
}

/// All but its closing lines.
fn shown(live: &Output) -> String {
    let lines = live.stdout.lines().take_while(|line| !line.contains("] Session saved: "));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_replay_shows_what_the_run_showed() {
    let config = format!(
        "{SHOOTS}\n[[gates]]\nname = \"edits\"\nrun = \"echo x >> README.md\"\n\
         [[gates]]\nname = \"slow\"\nrun = \"sleep 100000\"\ntimeout = \"300ms\"\nrequired = false\n"
    );
    let place = gated(&format!("{MENDS}append tests/a_test.py x\n{APPROVES}"), &config);
    fs::write(place.at("shot.png"), PNG).unwrap();
    for format in ["pretty", "compact", "json"] {
        let live = place.task(&["--log-format", format]).exits(0);
        let newest = place
            .session_files()
            .into_iter()
            .max_by_key(|file| file.metadata().unwrap().modified().unwrap());
        let file = newest.unwrap();
        let file = file.to_str().unwrap();
        let again = place.run(&["replay", file, "--log-format", format]).exits(0);
        assert_eq!(again.stdout, shown(&live), "{format}");
        let _verified = place.run(&["replay", file, "--verify"]).exits(0);
        place.git(&["clean", "--quiet", "--force", "-d"]);
        place.git(&["checkout", "--quiet", "."]);
    }
}

#[test]
fn a_fork_has_the_gates_of_its_parent() {
    let config = "[[gates]]\nname = \"test\"\nrun = \"echo run >> \\\"$HOME/runs\\\"; ! test -e broken\"\nretries = 0\n";
    let place = gated(
        &format!("on actor 1\nedit broken x\non actor 2\nedit a.txt a\n{ASKS_FOR_MORE}"),
        config,
    );
    let _parent = place.task(&["-n", "2"]).exits(1);
    place.script(&format!("on actor\ndelete broken\nedit b.txt b\n{APPROVES}"));
    let ran = place.run(&["fork", "latest", "--at", "1"]).exits(0);
    assert_tells(&ran, "test: ");
    let verified = place.run(&["replay", "latest", "--verify"]).exits(0);
    assert_tells(&verified, "verified: ");
    let file = place
        .session_files()
        .into_iter()
        .max_by_key(|file| file.metadata().unwrap().modified().unwrap());
    fs::rename(file.unwrap(), place.at("fork.jsonl")).unwrap();
    let events = codeloops_tests::record::checked_events(&place.at("fork.jsonl"));
    let before = super::results_in(events.clone(), 0);
    assert_eq!(before[0].status, GateStatus::Failed, "the baseline is what the fork begins with");
    assert_eq!(super::results_in(events, 1)[0].status, GateStatus::Passed);
    assert_eq!(statuses(&place, 1), [GateStatus::Failed]);
}

#[test]
fn what_the_gates_were_is_in_the_settings_of_the_session() {
    let place =
        gated(APPROVES, "[[gates]]\nname = \"test\"\nrun = \"true\"\nenv = { A = \"value\" }\n");
    let _ran = place.task(&["--gate", "lint=echo fine", "--stuck-after", "7"]).exits(0);
    let settings = place.session().start.settings.unwrap();
    let names: Vec<&str> = settings.gates.iter().map(|gate| gate.name.as_str()).collect();
    assert_eq!(names, ["test", "lint"]);
    assert_eq!(settings.gates[0].env, ["A"], "names, not values");
    assert_eq!(settings.limits.stuck_after, 7);
    let started = place.events().into_iter().filter_map(|event| match event {
        Event::GateStarted(e) => Some((e.iteration, e.gate)),
        _ => None,
    });
    let expected = [(0, "test"), (0, "lint"), (1, "test"), (1, "lint")];
    assert!(started.eq(expected.map(|(iteration, gate)| (iteration, gate.to_owned()))));
}
