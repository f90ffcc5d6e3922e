//! What a recorded session changed, and its archive: by hand in a real repository.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use codeloops_event::layout::TEXT_LIMIT;
use codeloops_tests::{Output, Workspace, wait_for};
use rustix::process::Signal;

use crate::scripted;
use crate::scripts::{APPROVES, ASKS_FOR_MORE, TWO_ROUNDS};

/// Two rounds of every kind of change.
const ROUNDS: &str = "
on actor 1
run printf 'a\\nB\\nc\\n' > lines.txt
run printf 'no end' > 'new file.txt'
run printf '\\0\\1' > bytes.bin
run git mv moved.txt \"caf\u{e9}.txt\"
on actor 2
run git rm -q gone.txt && git commit -qam 'by the agent'
run chmod +x run.sh
run printf 'latin \\351\\r\\n' > latin.txt
run printf 'a\\nB\\nC\\n' > lines.txt
on critic 1
print DECISION: CONTINUE\\n\\nFEEDBACK: More.
on critic
print DECISION: DONE\\n\\nSUMMARY: It is done.\\n\\nCONFIDENCE: 0.9
";

fn project() -> Workspace {
    let place = scripted(ROUNDS);
    place.write("lines.txt", "a\nb\nc\n");
    place.write("moved.txt", "one\ntwo\nthree\nfour\n");
    place.write("gone.txt", "gone\n");
    place.write("run.sh", "#!/bin/sh\n");
    place.commit_all("before");
    place
}

/// What a command prints, byte for byte.
#[track_caller]
fn bytes(place: &Workspace, args: &[&str]) -> Vec<u8> {
    let output = place.command(args).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

fn git_in(place: &Workspace, dir: &Path, args: &[&str], input: &[u8]) -> String {
    let mut git: Command = place.program("git");
    git.current_dir(dir).args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = git.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "git {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// The tree that comes of applying these to what the project was before the run.
fn applied(place: &Workspace, diffs: &[Vec<u8>]) -> String {
    let copy = place.at("copy");
    place.git(&["worktree", "add", "--quiet", "--detach", copy.to_str().unwrap(), "main"]);
    let base = place.session().start.commit_sha.unwrap();
    git_in(place, &copy, &["checkout", "--quiet", &base], b"");
    for diff in diffs {
        git_in(place, &copy, &["apply", "--index", "-"], diff);
    }
    git_in(place, &copy, &["write-tree"], b"")
}

/// The tree of the last snapshot of a run.
fn snapshot(place: &Workspace, iteration: u32) -> String {
    let name = format!("refs/codeloops/{}/{iteration}^{{tree}}", place.run_id(0));
    place.git(&["rev-parse", &name]).trim().to_owned()
}

/// Nothing of a run's snapshots is left in the repository.
fn forget_snapshots(place: &Workspace, iterations: u32) {
    for iteration in 0..=iterations {
        let name = format!("refs/codeloops/{}/{iteration}", place.run_id(0));
        place.git(&["update-ref", "-d", &name]);
    }
    place.git(&["gc", "--quiet", "--prune=now"]);
}

#[test]
fn the_diff_gives_the_tree_back_where_it_is_applied() {
    let place = project();
    let _ran = place.task(&[]).exits(0);
    let diff = bytes(&place, &["sessions", "diff", "latest"]);
    assert!(diff.windows(3).any(|w| w == b"\xe9\r\n"), "no byte is another one");
    assert_eq!(applied(&place, &[diff]), snapshot(&place, 2));
}

#[test]
fn the_diffs_of_the_iterations_give_the_tree_back_one_after_the_other() {
    let place = project();
    let _ran = place.task(&[]).exits(0);
    let of = |n: &str| bytes(&place, &["sessions", "diff", "latest", "--iteration", n]);
    let captured = fs::read(place.evidence("iterations/1/diff.patch")).unwrap();
    assert_eq!(of("1"), captured, "since the run began");
    assert!(!String::from_utf8_lossy(&of("2")).contains("new file.txt"));
    assert_eq!(applied(&place, &[of("1"), of("2")]), snapshot(&place, 2));
}

#[test]
fn each_file_is_counted_as_git_counts_it() {
    let place = project();
    let _ran = place.task(&[]).exits(0);
    let stat = place.run(&["sessions", "diff", "latest", "--stat"]).exits(0).stdout;
    insta::assert_snapshot!(stat);
    let (base, last) = (snapshot(&place, 0), snapshot(&place, 2));
    let git = place.git(&["diff", "--shortstat", &base, &last]);
    assert_eq!(stat.lines().last().unwrap().trim(), git.trim());
}

#[test]
fn without_snapshots_the_record_is_shown_and_what_it_cannot_tell_is_told() {
    let place = project();
    let _ran = place.task(&[]).exits(0);
    let shown = |args: &[&str]| bytes(&place, &[&["sessions", "diff", "latest"], args].concat());
    let (all, first) = (shown(&[]), shown(&["--iteration", "1"]));
    forget_snapshots(&place, 2);
    assert_eq!((shown(&[]), shown(&["--iteration", "1"])), (all, first));
    insta::assert_snapshot!(place.run(&["sessions", "diff", "latest", "--iteration", "2"]));
}

/// No snapshot is taken after a critic, so what it leaves is in the next one.
#[test]
fn what_a_critic_left_in_the_tree_is_told_to_be_in_the_next_diff() {
    let place = scripted(
        "on actor 1\nedit a.txt a\non actor 2\nedit b.txt b\non critic 1\nedit c.txt c\n\
         print DECISION: CONTINUE\\n\\nFEEDBACK: More.\non critic\n\
         print DECISION: DONE\\n\\nSUMMARY: It is done.\\n\\nCONFIDENCE: 0.9\n",
    );
    let _ran = place.task(&["--no-restore-tree"]).exits(0);
    let shown = place.run(&["sessions", "diff", "latest", "--iteration", "2"]).exits(0);
    assert!(
        shown.stdout.contains("+++ b/b.txt") && shown.stdout.contains("+++ b/c.txt"),
        "{shown}"
    );
    assert_eq!(shown.stderr, "warning: what the critic of iteration 1 changed is in it as well\n");
}

#[test]
fn what_changed_while_a_run_stood_still_is_told_to_be_in_the_diff() {
    let place = scripted(
        "on actor 1\nedit a.txt a\non actor 2\nedit b.txt b\ntouch ../busy\nwait-file ../free\n\
         on critic 1\nprint DECISION: CONTINUE\\n\\nFEEDBACK: More.\non critic\n\
         print DECISION: DONE\\n\\nSUMMARY: It is done.\\n\\nCONFIDENCE: 0.9\n",
    );
    let run = place.start(&["--prompt", "x"]);
    wait_for(&place.at("busy"));
    run.signal(Signal::KILL);
    let _killed = run.wait().exits(137);
    place.write("mine.txt", "the user's own\n");
    fs::write(place.at("free"), "").unwrap();
    let _resumed = place.run(&["run", "--resume", "latest"]).exits(0);
    let of = |n: &str| place.run(&["sessions", "diff", "latest", "--iteration", n]).exits(0);
    assert_eq!(of("1").stderr, "");
    assert!(of("2").stdout.contains("+++ b/mine.txt"), "{}", of("2"));
    assert!(of("2").stderr.starts_with("warning: the run was resumed in between"), "{}", of("2"));
}

/// A line of a session holds no more than a part of it.
#[test]
fn of_a_large_diff_the_whole_is_shown_or_that_it_is_not() {
    let place = scripted(&format!("on actor\nrun seq 1 300000 > many.txt\n{APPROVES}"));
    let _ran = place.task(&[]).exits(0);
    let shown = || bytes(&place, &["sessions", "diff", "latest"]);
    let patch = place.evidence("iterations/1/diff.patch");
    let captured = fs::read(&patch).unwrap();
    assert!(captured.len() > TEXT_LIMIT);
    assert_eq!(shown(), captured);

    fs::write(&patch, "forged\n").unwrap();
    assert_eq!(shown(), captured, "from the snapshots");

    forget_snapshots(&place, 1);
    let cut = place.run(&["sessions", "diff", "latest"]).exits(0);
    assert!(cut.stdout.contains(" bytes omitted ...]"), "its head and tail are all there is");
    assert!(
        cut.stderr.starts_with("warning: this is not the whole diff: its middle is cut out; "),
        "{}",
        cut.stderr
    );
}

#[test]
fn what_a_killed_run_had_captured_is_shown() {
    let place = scripted("on actor\nedit a.txt a\non critic\ntouch ../busy\nwait-file ../free\n");
    let run = place.start(&["--prompt", "x"]);
    wait_for(&place.at("busy"));
    run.signal(Signal::KILL);
    let _killed = run.wait().exits(137);
    let diff = fs::read(place.evidence("iterations/1/diff.patch")).unwrap();
    let shown = place.command(&["sessions", "diff", "latest"]).output().unwrap();
    assert_eq!(shown.stdout, diff);
    let told = String::from_utf8(shown.stderr).unwrap();
    assert!(told.contains("an agent may have changed more after this was captured"), "{told}");
    fs::write(place.at("free"), "").unwrap();
}

#[test]
fn a_run_that_was_killed_before_anything_was_captured_has_no_diff() {
    let place = scripted("on actor\nedit a.txt a\ntouch ../busy\nwait-file ../free\n");
    let run = place.start(&["--prompt", "x"]);
    wait_for(&place.at("busy"));
    run.signal(Signal::KILL);
    let _killed = run.wait().exits(137);
    insta::assert_snapshot!(place.run(&["sessions", "diff", "latest"]));
    fs::write(place.at("free"), "").unwrap();
}

/// The name of each thing in an archive, and the files of a session there.
#[track_caller]
fn unpacked(place: &Workspace, archive: &str, into: &str) -> Vec<String> {
    let dir = place.at(into);
    fs::create_dir_all(&dir).unwrap();
    let tar = |flags: &str| {
        let mut tar = place.program("tar");
        let output = tar.arg(flags).arg(place.at(archive)).arg("-C").arg(&dir).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let _quiet = tar("-xzf");
    tar("-tzf").lines().map(str::to_owned).collect()
}

fn export(place: &Workspace, args: &[&str]) -> Output {
    place.run(&[&["sessions", "export", "latest", "-o"], args].concat())
}

#[test]
fn an_archive_holds_the_session_and_its_evidence_and_can_be_read_elsewhere() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    let made = export(&place, &["../it.tar.gz"]).exits(0);
    assert!(made.stderr.starts_with("Wrote `../it.tar.gz`: 14 files, "), "{made}");
    let names = unpacked(&place, "it.tar.gz", "elsewhere/codeloops");
    insta::assert_snapshot!(place.redact(&names.join("\n")));
    let mut same = place.program("diff");
    same.arg("-r").arg(place.data_dir()).arg(place.at("elsewhere/codeloops"));
    let same = same.output().unwrap();
    assert!(same.status.success(), "{same:?}");

    let mut show = place.command(&["sessions", "show", "latest"]);
    show.env("XDG_DATA_HOME", place.at("elsewhere"));
    let elsewhere = place.spawn(show).wait().exits(0).stdout;
    assert_eq!(elsewhere, place.run(&["sessions", "show", "latest"]).stdout);
}

#[test]
fn the_same_session_gives_the_same_archive_on_standard_output_too() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    let _made = export(&place, &["../one.tar.gz"]).exits(0);
    for file in place.session_files() {
        fs::File::open(file).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    }
    let again = bytes(&place, &["sessions", "export", "latest", "-o", "-"]);
    assert_eq!(again, fs::read(place.at("one.tar.gz")).unwrap());
}

#[test]
fn an_archive_overwrites_nothing_unasked() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    fs::write(place.at("taken"), "mine").unwrap();
    insta::assert_snapshot!(export(&place, &["../taken"]));
    insta::assert_snapshot!(export(&place, &[".."]));
    assert_eq!(fs::read(place.at("taken")).unwrap(), b"mine");
    let _made = export(&place, &["../taken", "--force"]).exits(0);
    assert!(!unpacked(&place, "taken", "out").is_empty());
    let missing = export(&place, &["../no/such/file"]);
    assert_eq!(missing.code, 2, "{missing}");
    let left = fs::read_dir(place.at("")).unwrap().flatten();
    let drafts = left.filter(|entry| entry.file_name().to_string_lossy().contains("draft"));
    assert_eq!(drafts.count(), 0);
}

/// A link in the evidence could lead to anything of the user's.
#[test]
fn no_link_and_no_pipe_gets_into_an_archive() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    fs::write(place.at("secret"), "mine").unwrap();
    let link = place.evidence("iterations/1/link");
    std::os::unix::fs::symlink(place.at("secret"), &link).unwrap();
    let pipe = place.evidence("iterations/1/pipe");
    assert!(place.program("mkfifo").arg(&pipe).status().unwrap().success());
    let made = export(&place, &["../it.tar.gz"]).exits(0);
    assert_eq!(made.stderr.matches("is no file; left out").count(), 2, "{made}");
    let names = unpacked(&place, "it.tar.gz", "out");
    assert!(!names.iter().any(|name| name.contains("link") || name.contains("pipe")), "{names:?}");
}

/// A session may come from anywhere: its word is no reason to pack a folder of the user's.
#[test]
fn a_folder_that_is_not_the_runs_does_not_get_into_an_archive() {
    let place = scripted(TWO_ROUNDS);
    let _ran = place.task(&[]).exits(0);
    fs::create_dir(place.at("private")).unwrap();
    fs::write(place.at("private/key"), "mine").unwrap();
    let file = place.session_file();
    let lines = fs::read_to_string(&file).unwrap();
    let evidence = place.evidence("");
    let evidence = evidence.to_str().unwrap().trim_end_matches('/');
    let forged = lines.replace(evidence, place.at("private").to_str().unwrap());
    assert_ne!(lines, forged);
    fs::write(&file, forged).unwrap();
    let made = export(&place, &["../it.tar.gz"]).exits(0);
    assert!(made.stderr.contains("is no folder of this run; left out"), "{made}");
    assert_eq!(unpacked(&place, "it.tar.gz", "out").len(), 1);
    fs::write(&file, lines).unwrap();
}

/// A pager that ends early is like any reader that leaves.
#[test]
fn whoever_stops_reading_makes_no_error() {
    let place = scripted(&format!("on actor\nrun seq 1 300000 > many.txt\n{ASKS_FOR_MORE}"));
    let _ran = place.task(&["-n", "1"]).exits(1);
    let program = place.command(&[]).get_program().to_string_lossy().into_owned();
    let script = format!(
        "'{program}' sessions diff latest | head -1; '{program}' sessions diff latest --stat"
    );
    let ran = place.spawn({
        let mut sh = place.program("sh");
        sh.args(["-c", &script]);
        sh
    });
    let ran = ran.wait().exits(0);
    assert_eq!(ran.stderr, "");
    assert!(ran.stdout.ends_with(" 1 file changed, 300000 insertions(+)\n"), "{ran}");
}
