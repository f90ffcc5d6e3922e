//! Bad input: a clear error, a hint, and nothing lost.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use codeloops_tests::counted::RUN_ID;
use codeloops_tests::needs::not_tested;
use codeloops_tests::{Output, Workspace};

use crate::scripts::{ASKS_FOR_MORE, approved};
use crate::{scripted, workspace};

/// A place where a run would succeed if it were not for the bad input.
fn ready() -> Workspace {
    scripted(&approved("edit a.txt a"))
}

/// A run that must not begin: exit code 2, an error, no session and no trace in the repository.
#[track_caller]
fn refused(place: &Workspace, args: &[&str]) -> String {
    told_as_refused(place, place.command(args))
}

#[track_caller]
fn told_as_refused(place: &Workspace, command: Command) -> String {
    let ran: Output = place.spawn(command).wait().exits(2);
    assert!(ran.stdout.is_empty(), "{ran}");
    assert!(ran.stderr.contains("Error: "), "{ran}");
    assert_eq!(place.session_files().len(), 0);
    assert!(!place.project().join("a.txt").exists(), "an agent was started");
    assert_eq!(place.git(&["for-each-ref", "refs/codeloops"]), "");
    ran.stderr
}

#[test]
fn an_unknown_agent() {
    insta::assert_snapshot!(refused(&ready(), &["--prompt", "x", "--agent", "cluade"]));
}

#[test]
fn an_agent_that_is_not_installed() {
    let mut place = ready();
    let git = String::from_utf8(
        place.program("sh").args(["-c", "command -v git"]).output().unwrap().stdout,
    );
    let bin = place.at("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(git.unwrap().trim(), bin.join("git")).unwrap();
    place.set_var("PATH", &bin);
    insta::assert_snapshot!(refused(&place, &["--prompt", "x", "--agent", "claude"]));
}

#[test]
fn an_agent_whose_program_is_missing() {
    let place = ready();
    place.write(
        "codeloops.toml",
        "agent = 'mine'\n[agents.mine]\ncommand = ['./no-such-program']\n",
    );
    insta::assert_snapshot!(refused(&place, &["--prompt", "x"]));
}

#[test]
fn an_agent_whose_program_is_not_executable() {
    let place = ready();
    place.write("program", "#!/bin/sh\n");
    place.write("codeloops.toml", "agent = 'mine'\n[agents.mine]\ncommand = ['./program']\n");
    insta::assert_snapshot!(refused(&place, &["--prompt", "x"]));
}

#[test]
fn an_empty_prompt() {
    insta::assert_snapshot!(refused(&ready(), &["--prompt", " \n"]));
}

#[test]
fn no_prompt_at_all() {
    insta::assert_snapshot!(refused(&ready(), &[]));
}

#[test]
fn a_prompt_file_that_is_missing() {
    insta::assert_snapshot!(refused(&ready(), &["--prompt-file", "nowhere.md"]));
}

#[test]
fn a_prompt_file_that_is_not_utf8() {
    let place = ready();
    place.write("prompt.md", b"fix the na\xefve code");
    insta::assert_snapshot!(refused(&place, &[]));
}

#[test]
fn a_configuration_with_an_unknown_key() {
    let place = ready();
    place.write("codeloops.toml", "# the project\n\n[limits]\nmax_duraton = \"2h\"\n");
    insta::assert_snapshot!(refused(&place, &["--prompt", "x"]));
}

#[test]
fn a_configuration_that_is_not_toml() {
    let place = ready();
    place.write("codeloops.toml", "agent = \"fake\"\nmax_iterations = = 3\n");
    insta::assert_snapshot!(refused(&place, &["--prompt", "x"]));
}

#[test]
fn a_configuration_with_a_value_of_the_wrong_type() {
    let place = ready();
    place.write("codeloops.toml", "max_iterations = \"many\"\n");
    insta::assert_snapshot!(refused(&place, &["--prompt", "x"]));
}

#[test]
fn a_configuration_that_cannot_be_read() {
    let place = ready();
    fs::create_dir(place.project().join("codeloops.toml")).unwrap();
    insta::assert_snapshot!(refused(&place, &["--prompt", "x"]));
}

/// Permissions do not bind root, so a file stands where the folder should be.
#[test]
fn a_data_directory_that_cannot_be_written() {
    let place = ready();
    fs::create_dir_all(place.at("home/.local/share")).unwrap();
    fs::write(place.data_dir(), "in the way").unwrap();
    insta::assert_snapshot!(refused(&place, &["--prompt", "x"]));
}

#[test]
fn a_sessions_folder_that_cannot_be_written() {
    let place = ready();
    fs::create_dir_all(place.data_dir()).unwrap();
    fs::write(place.data_dir().join("sessions"), "in the way").unwrap();
    insta::assert_snapshot!(refused(&place, &["--prompt", "x"]));
}

#[test]
fn an_evidence_folder_that_cannot_be_written() {
    let place = ready();
    insta::assert_snapshot!(refused(&place, &["--prompt", "x", "--runs-dir", "README.md"]));
}

#[test]
fn a_read_only_data_directory() {
    let place = ready();
    fs::create_dir_all(place.data_dir()).unwrap();
    fs::set_permissions(place.data_dir(), fs::Permissions::from_mode(0o500)).unwrap();
    let mut probe = place.program("mktemp");
    probe.arg(place.data_dir().join("XXXXXX"));
    let mut ways = [unchanged, bound_by_permissions].into_iter();
    let Some(way) = ways.find(|way| fails(way(&probe))) else {
        return not_tested("permissions bind no process of this user");
    };
    let told = told_as_refused(&place, way(&place.command(&["--prompt", "x"])));
    assert!(told.contains("ermission denied"), "{told}");
}

fn fails(mut probe: Command) -> bool {
    probe.output().is_ok_and(|output| !output.status.success())
}

fn unchanged(command: &Command) -> Command {
    with_arguments_of(command, Command::new(command.get_program()))
}

/// Without root's privilege to pass permissions by. That needs root, and nothing of the system that
/// a container would not have.
fn bound_by_permissions(command: &Command) -> Command {
    const NEITHER: &str = "-dac_override,-dac_read_search";
    let mut setpriv = Command::new("setpriv");
    setpriv.args(["--bounding-set", NEITHER, "--inh-caps", NEITHER, "--"]);
    setpriv.arg(command.get_program());
    with_arguments_of(command, setpriv)
}

/// Completes a command with the arguments, the place and the variables of another one.
fn with_arguments_of(command: &Command, mut completed: Command) -> Command {
    let set = |(name, value): (&OsStr, Option<&OsStr>)| Some((name.to_owned(), value?.to_owned()));
    completed.env_clear().envs(command.get_envs().filter_map(set)).args(command.get_args());
    completed.current_dir(command.get_current_dir().unwrap()).stdin(Stdio::null());
    completed
}

#[test]
fn a_working_directory_that_is_missing() {
    insta::assert_snapshot!(refused(&ready(), &["--prompt", "x", "-d", "nowhere"]));
}

#[test]
fn a_working_directory_that_is_a_file() {
    insta::assert_snapshot!(refused(&ready(), &["--prompt", "x", "-d", "README.md"]));
}

#[test]
fn a_working_directory_that_is_no_repository() {
    let place = Workspace::without_repository(crate::PROGRAMS);
    place.script(&approved("edit a.txt a"));
    insta::assert_snapshot!(place.task(&[]).exits(2));
    assert_eq!(place.session_files().len(), 0);
}

#[test]
fn a_working_directory_that_is_deleted_during_the_run() {
    let place = workspace();
    place.write("sub/file.txt", "text\n");
    place.commit_all("a folder");
    place.script(&format!("on actor\nrun rm -r ../sub\nprint gone\n{ASKS_FOR_MORE}"));
    insta::assert_snapshot!(place.task(&["-d", "sub"]).exits(2));
    assert_eq!(place.session().end.unwrap().outcome.exit_code(), 2);
}

#[test]
fn a_project_that_is_deleted_during_the_run() {
    let place = scripted("on actor\nrun rm -r \"$PWD\"\nprint gone\n");
    insta::assert_snapshot!(place.task(&[]).exits(2));
    assert!(place.session().end.is_some());
}

#[test]
fn a_repository_that_is_deleted_during_the_run() {
    let place = scripted("on actor\nrun rm -r .git\nprint gone\n");
    insta::assert_snapshot!(place.task(&[]).exits(2));
    assert!(place.session().end.is_some());
}

#[test]
fn no_iterations_at_all() {
    insta::assert_snapshot!(refused(&ready(), &["--prompt", "x", "--max-iterations", "0"]));
}

#[test]
fn a_home_that_is_not_known() {
    let mut place = ready();
    place.unset_var("HOME");
    insta::assert_snapshot!(refused(&place, &["--prompt", "x"]));
}

#[test]
fn a_log_file_that_cannot_be_written() {
    insta::assert_snapshot!(refused(&ready(), &["--prompt", "x", "--log-file", "README.md/log"]));
}

#[test]
fn a_prompt_that_is_not_utf8() {
    use std::os::unix::ffi::OsStrExt;
    let place = ready();
    let mut command = place.command(&["--json-output", "--prompt"]);
    command.arg(OsStr::from_bytes(b"na\xefve"));
    let ran = place.spawn(command).wait().exits(2);
    assert_eq!(ran.document()["exit_code"], 2);
    insta::assert_snapshot!(ran);
}

#[test]
fn a_current_directory_that_is_gone() {
    let place = ready();
    let gone = place.at("gone");
    fs::create_dir(&gone).unwrap();
    let program = place.command(&["--prompt", "x"]);
    let mut shell = place.program("sh");
    shell.args(["-c", "rmdir ../gone && exec \"$0\" --prompt x"]).arg(program.get_program());
    shell.current_dir(&gone).env(RUN_ID, place.run_id(1).as_str());
    insta::assert_snapshot!(place.spawn(shell).wait().exits(2));
}

#[test]
fn git_that_is_not_installed() {
    let mut place = ready();
    place.set_var("PATH", place.at("empty"));
    insta::assert_snapshot!(place.task(&[]).exits(2));
    assert_eq!(place.session_files().len(), 0);
}
