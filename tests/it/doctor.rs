//! `codeloops doctor`, and what a run makes of an agent whose version is not understood.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use codeloops_event::Event;
use codeloops_tests::watch::{eventually, lives, processes_in};
use codeloops_tests::{Output, Workspace, wait_for};
use rustix::process::Signal;

use crate::rough::{noted_pid, place_with_shell_agent};
use crate::workspace;

/// A place whose `PATH` begins with `bin`, and whose Claude Code may do everything, even for root.
fn place() -> Workspace {
    let mut place = workspace();
    fs::create_dir(place.at("bin")).unwrap();
    let path = std::env::var("PATH").unwrap();
    place.set_var("PATH", format!("{}:{path}", place.at("bin").display()));
    place.set_var("IS_SANDBOX", "1");
    place
}

/// Puts a shell script in `PATH`. What it is asked stands in `asked`, a line for each call.
fn install(place: &Workspace, name: &str, script: &str) {
    let path = place.at("bin").join(name);
    let asked = place.at("asked");
    let text = format!("#!/bin/sh\necho \"{name} $*\" >> {}\n{script}\n", asked.display());
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn asked(place: &Workspace) -> Vec<String> {
    let text = fs::read_to_string(place.at("asked")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

const CLAUDE: &str = r#"
case "$*" in
--version) echo "2.1.330 (Claude Code)" ;;
"auth status") echo '{ "loggedIn": true, "authMethod": "claude.ai" }' ;;
*) exit 7 ;;
esac"#;

const CODEX: &str = r#"
case "$*" in
--version) echo "codex-cli 0.20.0" ;;
"login status") echo "Not logged in" >&2; exit 1 ;;
esac"#;

/// Neither tells its version nor understands its status command, and colours what it says.
const OPENCODE: &str = r#"printf '\033[31mError:\033[0m no such\007 command\n' >&2; exit 1"#;

/// What it prints, with what differs from machine to machine taken out.
fn shown(output: &Output) -> String {
    let text = output.to_string();
    let lines = text.lines().map(|line| match line.trim_start().split_once("git ") {
        Some(("", _)) => "  git  [VERSION]  [PROGRAM]".to_owned(),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_agent_is_shown_and_what_a_run_would_start() {
    let place = place();
    install(&place, "claude", CLAUDE);
    install(&place, "codex", CODEX);
    install(&place, "opencode", OPENCODE);
    let output = place.run(&["doctor"]).exits(0);
    insta::assert_snapshot!(shown(&output));
    let mut asked = asked(&place);
    asked.sort();
    insta::assert_snapshot!(asked.join("\n"), @r"
    claude --version
    claude auth status
    codex --version
    codex login status
    opencode --version
    opencode auth list
    ");

    let mut document = place.run(&["doctor", "--json"]).exits(0).document();
    document["git"]["program"] = "[PROGRAM]".into();
    document["git"]["version"] = "[VERSION]".into();
    insta::assert_json_snapshot!(document);
}

#[test]
fn what_keeps_a_run_from_starting_is_told_with_what_to_do() {
    let place = place();
    fs::remove_dir_all(place.at("project/.git")).unwrap();
    place.global_config("[defaults]\nactor.agent = \"codex\"\ncritic.agent = \"mine\"\n\n[defaults.agents.mine]\ncommand = [\"/no/such\"]\n");
    install(&place, "codex", CODEX);
    insta::assert_snapshot!(shown(&place.run(&["doctor"]).exits(2)));
}

#[test]
fn settings_in_error_are_a_problem_like_others() {
    let place = place();
    install(&place, "claude", CLAUDE);
    place.write("codeloops.toml", "agnet = \"claude\"\n");
    insta::assert_snapshot!(shown(&place.run(&["doctor"]).exits(2)));
}

#[test]
fn what_a_program_or_a_setting_tells_of_a_credential_is_masked() {
    const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
    let place = place();
    install(
        &place,
        "claude",
        &format!("echo '{{ \"loggedIn\": true, \"authMethod\": \"{KEY}\" }}'"),
    );
    install(&place, "codex", &format!("echo {KEY} >&2; exit 1"));
    place.global_config(&format!(
        "[defaults]\nactor.agent = \"codex\"\ncritic.agent = \"mine\"\n\n[defaults.agents.mine]\ncommand = [\"claude\", \"-k\", \"{KEY}\"]\n"
    ));
    for args in [&["doctor"][..], &["doctor", "--json"]] {
        let output = place.run(args).exits(0);
        assert!(!output.to_string().contains(KEY), "{output}");
        assert!(output.stdout.contains("[redacted: AWS access key]"), "{output}");
    }
    let output = place.task(&["--critic-agent", "codex", "--max-tokens", "5"]).exits(2);
    assert!(output.stderr.contains("but `[redacted: AWS access key]`"), "{output}");
}

/// Whoever looks at a repository need not trust it yet.
#[test]
fn a_program_that_the_projects_file_names_is_not_started() {
    let place = place();
    install(&place, "claude", CLAUDE);
    place.write("evil.sh", "#!/bin/sh\ntouch ../started\n");
    fs::set_permissions(place.project().join("evil.sh"), fs::Permissions::from_mode(0o755))
        .unwrap();
    place.write("codeloops.toml", "[agents.claude]\ncommand = [\"./evil.sh\"]\n");
    let output = place.run(&["doctor"]).exits(0);
    assert!(output.stdout.contains("not asked: codeloops.toml says how it is started"), "{output}");
    assert!(output.stdout.contains("note: codeloops.toml starts a program"), "{output}");
    assert!(!place.at("started").exists());
    assert_eq!(asked(&place), [""; 0]);
}

#[test]
fn a_program_of_the_project_that_path_leads_to_is_not_started() {
    let mut place = place();
    let path = std::env::var("PATH").unwrap();
    place.set_var("PATH", format!("tools:{path}"));
    place.write("tools/claude", "#!/bin/sh\ntouch ../started\n");
    let program = place.project().join("tools/claude");
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    let output = place.run(&["doctor"]).exits(0);
    assert!(output.stdout.contains("not asked: it is in this directory"), "{output}");
    assert!(!place.at("started").exists());
}

#[test]
fn what_doctor_is_told_counts_for_the_next_run() {
    let place = place();
    let script = claude("$(cat ../version)");
    install(&place, "claude", &script.replace("'$(cat ../version)'", "$(cat ../version)"));
    place.write("../version", "2.1.5");
    let _output = place.task(&[]).exits(0);
    place.write("../version", "7.0.0");
    let _output = place.run(&["doctor"]).exits(0);
    let output = place.task(&[]).exits(0);
    assert!(output.stderr.contains("warning: Claude Code 7.0.0 is newer"), "{output}");
    assert_eq!(place.read("path.txt"), "stream\ntext\n");
}

#[test]
fn what_a_killed_run_left_behind_is_ended() {
    let place = place_with_shell_agent(
        "text",
        "trap '' PIPE\ncat > /dev/null\necho $$ > ../pid.tmp && mv ../pid.tmp ../agent.pid\nsleep 1000\n",
    );
    let run = place.start(&["--prompt", "Fix the typo"]);
    wait_for(&place.at("agent.pid"));
    // While it lives its agent is nobody else's to end.
    let output = place.run(&["doctor", "--json"]).exits(0);
    assert_eq!(output.document()["left_behind"], serde_json::json!([]), "{output}");
    run.signal(Signal::KILL);
    let _output = run.wait();
    let pid = noted_pid(&place.at("agent.pid"));
    assert!(lives(pid), "the test is about an agent that lives on");

    let output = place.run(&["doctor"]).exits(0);
    let told =
        format!("that the killed run {} had left behind", place.session().start.run_id.unwrap());
    assert!(place.unredacted(&output.stdout).contains(&told), "{output}");
    assert_eq!(processes_in(&place), [0; 0]);
}

/// The inner codeloops lives when doctor comes, so that its agent is nobody's only after its end.
#[test]
fn a_run_within_a_killed_run_is_ended_with_it() {
    let inner = env!("CARGO_BIN_EXE_codeloops-as-released");
    let script = format!(
        "trap '' PIPE\ncat > /dev/null\n[ -e ../outer ] || {{ touch ../outer; exec {inner} --prompt 'Fix it'; }}\n\
         touch ../inner\nsleep 1000\n"
    );
    let place = place_with_shell_agent("text", &script);
    let run = place.start(&["--prompt", "Fix the typo"]);
    wait_for(&place.at("inner"));
    run.signal(Signal::KILL);
    let _output = run.wait();
    let output = place.run(&["doctor", "--json"]).exits(0);
    assert_eq!(processes_in(&place), [0; 0], "{output}");
    // The inner one is asked to end, and ends its own agent.
    assert_eq!(output.document()["left_behind"].as_array().unwrap().len(), 1, "{output}");
}

#[test]
fn an_interrupted_doctor_leaves_nothing_behind() {
    let place = place();
    install(&place, "claude", "touch ../answering; sleep 1000");
    let doctor = place.start(&["doctor"]);
    wait_for(&place.at("answering"));
    doctor.signal(Signal::INT);
    let output = doctor.wait().exits(130);
    assert_eq!(output.stderr, "Error: interrupted\n");
    eventually("the end of what was asked", || processes_in(&place).is_empty().then_some(()));
}

/// Tells its version, and works as either role by the path that its arguments ask for.
fn claude(version: &str) -> String {
    format!(
        r#"
case "$*" in
--version) echo '{version}'; exit ;;
*stream-json*) path=stream ;;
*) path=text ;;
esac
cat > /dev/null
case $CODELOOPS_ROLE in
actor) echo $path >> path.txt; text="I did it." ;;
critic) text='DECISION: DONE\n\nSUMMARY: It is done.\n\nCONFIDENCE: 0.9' ;;
esac
if [ $path = text ]; then
    printf "$text\n"
else
    printf '{{"type":"result","subtype":"success","is_error":false,"session_id":"a","result":"%s","usage":{{"input_tokens":10,"output_tokens":5}}}}\n' "$text"
fi"#
    )
}

fn started(place: &Workspace) -> codeloops_event::SessionStart {
    match place.events().swap_remove(0) {
        Event::SessionStart(start) => *start,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_version_that_is_understood_is_asked_for_once_and_recorded() {
    let place = place();
    install(&place, "claude", &claude("2.1.330 (Claude Code)"));
    let output = place.task(&[]).exits(0);
    assert!(!output.stderr.contains("version"), "{output}");
    assert_eq!(place.read("path.txt"), "stream\n");
    let version = started(&place).settings.unwrap().actor.version;
    assert_eq!(version.as_deref(), Some("2.1.330"));
    let shown = place.run(&["sessions", "show", "latest"]).exits(0).stdout;
    assert!(shown.contains("Claude Code 2.1.330\n"), "{shown}");

    let _output = place.task(&[]).exits(0);
    let asked = asked(&place);
    assert_eq!(asked.iter().filter(|line| *line == "claude --version").count(), 1, "{asked:?}");
}

/// As a version manager does: the program is the same file in all folders.
#[test]
fn a_program_that_is_another_version_in_another_folder_is_asked_there() {
    let place = place();
    let script = claude("2.1.330").replace("2.1.330", "'$(cat ../version)'");
    install(&place, "claude", &script);
    fs::write(place.at("version"), "2.1.330").unwrap();
    let _output = place.task(&[]).exits(0);
    fs::write(place.at("version"), "1.0.44").unwrap();
    place.git(&["worktree", "add", "../other"]);
    let other = place.at("other");
    let output = place.task(&["--working-dir", other.to_str().unwrap()]).exits(0);
    assert!(output.stderr.contains("1.0.44 is too old"), "{output}");
}

#[test]
fn an_agent_of_an_unknown_version_works_by_text_with_a_warning() {
    for version in ["Claude Code, nightly", "3.0.0 (Claude Code)", "1.0.44 (Claude Code)"] {
        let place = place();
        install(&place, "claude", &claude(version));
        let output = place.task(&[]).exits(0);
        assert_eq!(place.read("path.txt"), "text\n", "{version}");
        let warnings: Vec<&str> =
            output.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
        insta::assert_snapshot!(warnings.join("\n"));
    }
}

#[test]
fn whoever_says_what_an_agent_prints_is_believed() {
    let place = place();
    install(&place, "claude", &claude("3.0.0"));
    place.global_config("[defaults.agents.claude]\noutput = \"claude-stream-json\"\n");
    let output = place.task(&[]).exits(0);
    assert!(!output.stderr.contains("newer"), "{output}");
    assert_eq!(place.read("path.txt"), "stream\n");
    place.global_config("[defaults.agents.claude]\noutput = \"text\"\n");
    let _output = place.task(&[]).exits(0);
    assert_eq!(place.read("path.txt"), "stream\ntext\n");
    assert!(!asked(&place).contains(&"claude --version".to_owned()));
}

#[test]
fn a_limit_that_text_cannot_hold_is_refused_with_why() {
    let place = place();
    install(&place, "claude", &claude("3.0.0"));
    insta::assert_snapshot!(place.task(&["--max-cost-usd", "1"]).exits(2));
    assert_eq!(place.session_files().len(), 0);
}

#[test]
fn a_run_that_is_interrupted_while_a_version_is_asked_for_leaves_nothing_behind() {
    let place = place();
    install(&place, "claude", "touch ../answering; sleep 1000");
    let run = place.start(&["--prompt", "Fix the typo"]);
    wait_for(&place.at("answering"));
    run.signal(Signal::INT);
    let _output = run.wait().exits(130);
    eventually("the end of what was asked", || processes_in(&place).is_empty().then_some(()));
    assert_eq!(place.session_files().len(), 0);
}

/// Root may write anywhere, so it is a file that stands in the way.
#[test]
fn a_place_where_nothing_can_be_recorded_is_a_problem() {
    let mut place = place();
    install(&place, "claude", CLAUDE);
    fs::write(place.at("full"), "").unwrap();
    place.set_var("XDG_DATA_HOME", place.at("full"));
    let output = place.run(&["doctor"]).exits(2);
    let problem = output.stdout.lines().find(|line| line.starts_with("problem: ")).unwrap();
    insta::assert_snapshot!(problem, @"problem: no run can be recorded below `[ROOT]/full`: it cannot be written");
}
