//! A run that begins with what an iteration of another one left, in a working tree of its own.

use std::fs;
use std::path::PathBuf;

use codeloops_event::{Event, Parent};
use codeloops_session::{Session, SessionId};
use codeloops_tests::{Workspace, wait_for};

use crate::scripts::{APPROVES, ASKS_FOR_MORE};
use crate::{scripted, workspace};

const TWO: &str = "on actor 1\nedit a.txt one\non actor 2\nedit a.txt two\nedit b.txt two\n";

/// A run of two rounds, and what then stands in the script.
fn forked_from(place: &Workspace, then: &str) -> Session {
    place.script(&format!("{TWO}{ASKS_FOR_MORE}"));
    let _ran = place.task(&["-n", "2"]).exits(1);
    place.script(then);
    place.session()
}

/// The newest session.
fn newest(place: &Workspace) -> Session {
    let sessions = place.session_files().into_iter();
    let read = |file: PathBuf| Session::read(SessionId::of_file(&file).unwrap(), &file).unwrap();
    sessions.map(read).max_by_key(|session| session.start.run_id.clone()).unwrap()
}

/// What of the user's own a fork must not touch.
fn own(place: &Workspace) -> [String; 5] {
    [
        place.git(&["--no-optional-locks", "status", "--porcelain", "-uall"]),
        place.git(&["ls-files", "--stage", "-v"]),
        place.git(&["symbolic-ref", "HEAD"]),
        place.git(&["rev-parse", "HEAD"]),
        fs::read_to_string(place.at("project/.git/config")).unwrap(),
    ]
}

#[test]
fn a_fork_begins_with_what_the_iteration_left_and_names_its_parent() {
    let place = workspace();
    place.write("staged.txt", "of the user\n");
    place.git(&["add", "staged.txt"]);
    place.write("README.md", "dirtied by the user\n");
    let then = format!(
        "on actor\nexpect-prompt-contains Fix the typo\nexpect-prompt-contains codeloops/\n\
         run test \"$(cat a.txt)\" = one && ! test -e b.txt && test -e staged.txt\nedit c.txt mine\n{APPROVES}\
         expect-prompt-contains +mine\nexpect-prompt-lacks +one\nexpect-prompt-lacks dirtied\n"
    );
    let parent = forked_from(&place, &then);
    let before = own(&place);
    let ran = place.run(&["fork", "latest", "--at", "1"]).exits(0);
    assert_eq!(own(&place), before, "{ran}");
    place.assert_script_held();

    let fork = newest(&place);
    let run_id = parent.start.run_id.clone().unwrap();
    assert_eq!(fork.start.parent, Some(Parent { run_id, iteration: 1, trace_id: None }));
    assert_eq!(fork.start.commit_sha, parent.start.commit_sha);
    assert_eq!(fork.start.settings, parent.start.settings, "as recorded");
    assert_eq!(fork.iterations[0].git_files_changed, 1);
    let first = place.git(&["rev-parse", &format!("refs/codeloops/{}/1", place.run_id(0))]);
    assert_eq!(fork.start.base_tree.as_ref().unwrap().0, first.trim());
    let hash = parent.id.as_str().rsplit('_').next().unwrap();
    assert_eq!(fork.start.branch, Some(format!("codeloops/{hash}-1")));
    let tree = place.at(&format!("project-forks/{hash}-1"));
    assert_eq!(PathBuf::from(&fork.start.working_dir), tree);
    let status = place.git(&["-C", tree.to_str().unwrap(), "status", "--porcelain"]);
    assert_eq!(status, " M README.md\n?? a.txt\n?? c.txt\n?? staged.txt\n");

    let closing = ran.stdout.split_once("The fork is in:").unwrap().1;
    let closing = closing.replace(hash, "[HASH]");
    insta::assert_snapshot!(closing);
    let page = place.run(&["sessions", "show", fork.id.as_str()]).exits(0).stdout;
    assert!(page.contains("Fork of    run") && page.contains("at iteration 1"), "{page}");
    let list = place.run(&["sessions", "list", "--json"]).exits(0).document();
    assert_eq!(list[0]["parent"]["iteration"], 1, "{list}");
    assert_eq!(list[1]["parent"], serde_json::Value::Null);
}

#[test]
fn the_commands_that_are_printed_take_the_work_over_and_remove_the_fork() {
    let place = workspace();
    forked_from(&place, &format!("on actor\nedit c.txt mine\n{APPROVES}"));
    place.git(&["stash", "--quiet", "--include-untracked"]);
    let ran = place.run(&["fork", "latest", "--at", "2"]).exits(0).stdout;
    let command = |what: &str| {
        let (_, rest) = ran.split_once(&format!("{what}:\n  ")).unwrap();
        place.unredacted(rest.lines().next().unwrap())
    };
    for what in ["Take it over", "Remove it"] {
        let output = place.program("sh").args(["-c", &command(what)]).output().unwrap();
        assert!(output.status.success(), "{what}: {output:?}");
    }
    assert_eq!(place.read("c.txt") + &place.read("a.txt"), "mine\ntwo\n");
    assert_eq!(place.git(&["branch", "--format=%(refname:short)"]), "main\n");
    assert!(!place.at("project-forks").join("x").exists());
    assert_eq!(place.git(&["worktree", "list"]).lines().count(), 1);
}

#[test]
fn flags_stand_over_what_was_recorded_and_the_names_are_the_users() {
    let place = workspace();
    forked_from(&place, &format!("on actor\nexpect-prompt-contains Another task\n{ASKS_FOR_MORE}"));
    let args =
        ["fork", "latest", "--at", "0", "--prompt", "Another task", "-n", "1", "--json-output"];
    let names = ["--branch", "mine", "--worktree", "../elsewhere/tree"];
    let document = place.run(&[&args[..], &names].concat()).exits(1).document();
    assert_eq!(document["iterations"], 1);
    let dir = place.unredacted(document["working_dir"].as_str().unwrap());
    assert_eq!(PathBuf::from(dir), place.at("elsewhere/tree"));
    let fork = newest(&place);
    assert_eq!(
        (fork.start.branch.as_deref(), fork.start.prompt.as_str()),
        (Some("mine"), "Another task")
    );
    assert!(!place.at("elsewhere/tree/a.txt").exists(), "as the run began");
}

#[test]
fn two_forks_of_one_iteration_have_names_of_their_own() {
    let place = workspace();
    let parent = forked_from(&place, APPROVES);
    for _ in 0..2 {
        let _ran = place.run(&["fork", parent.id.as_str(), "--at", "1"]).exits(0);
    }
    let hash = parent.id.as_str().rsplit('_').next().unwrap();
    let branches = place.git(&["branch", "--list", "codeloops/*", "--format=%(refname:short)"]);
    assert_eq!(branches, format!("codeloops/{hash}-1\ncodeloops/{hash}-1.2\n"));
}

#[test]
fn a_fork_that_cannot_begin_leaves_nothing() {
    let place = workspace();
    let parent = forked_from(&place, APPROVES);
    fs::create_dir(place.at("used")).unwrap();
    place.write("../used/file", "mine\n");
    place.git(&["branch", "taken"]);
    let before = (own(&place), place.git(&["for-each-ref"]), place.git(&["worktree", "list"]));
    let id = parent.id.to_string();
    let told = [
        &["--at", "1", "--actor-agent", "codex"][..],
        &["--at", "1", "--actor-agent", "nobody"],
        &["--at", "3"],
        &[],
        &["--at", "1", "--branch", "taken"],
        &["--at", "1", "--branch", "a..b"],
        &["--at", "1", "--worktree", "../used"],
        &["--at", "1", "--worktree", "within"],
        &["--at", "1", "--prompt", ""],
    ]
    .map(|args| {
        let refused = place.run(&[&["fork", "latest"][..], args].concat()).exits(2);
        format!("fork latest {}\n{}", args.join(" "), refused.stderr.replace(&id, "[ID]"))
    });
    let hash = parent.id.as_str().rsplit('_').next().unwrap();
    insta::assert_snapshot!(told.join("\n").replace(hash, "[HASH]"));
    let after = (own(&place), place.git(&["for-each-ref"]), place.git(&["worktree", "list"]));
    assert_eq!(after, before);
    assert!(!place.at("project-forks").exists());
    assert_eq!(place.session_files().len(), 1);
}

/// Here git finds that it cannot be.
#[test]
fn a_fork_that_git_refuses_leaves_no_folder() {
    let place = workspace();
    forked_from(&place, APPROVES);
    place.git(&["branch", "codeloops"]);
    let refused = place.run(&["fork", "latest", "--at", "1"]).exits(2);
    assert!(refused.stderr.contains("git worktree"), "{refused}");
    assert!(!place.at("project-forks").exists());
}

/// Whoever works in the one that it would be in would find it as a change.
#[test]
fn a_fork_is_in_no_working_tree_of_the_repository() {
    let place = workspace();
    forked_from(&place, APPROVES);
    let _forked = place.run(&["fork", "latest", "--at", "1", "--worktree", "../fork"]).exits(0);
    for within in ["within/it", ".git/within"] {
        let fork = newest(&place).id.to_string();
        let refused = place.run(&["fork", &fork, "--at", "0", "--worktree", within]).exits(2);
        assert!(refused.stderr.contains("--worktree"), "{refused}");
    }
    assert_eq!(place.git(&["worktree", "list"]).lines().count(), 2);
}

#[test]
fn a_dry_run_shows_what_it_would_be_and_makes_nothing() {
    let place = workspace();
    forked_from(&place, APPROVES);
    let before = (own(&place), place.git(&["for-each-ref"]));
    let shown = place.run(&["fork", "latest", "--at", "1", "--dry-run", "-n", "7"]).exits(0);
    assert!(shown.stderr.contains("a fork of session"), "{shown}");
    let row = |name: &str| {
        let line = shown.stdout.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].trim().to_owned()
    };
    assert!(row("working_dir").ends_with("-1  (to be made)"), "{shown}");
    assert_eq!(row("max_iterations"), "7  (--max-iterations)");
    assert_eq!(row("actor.agent"), "fake  (as recorded)");
    assert_eq!((own(&place), place.git(&["for-each-ref"])), before);
}

#[test]
fn a_masked_task_must_be_given_again() {
    let place = workspace();
    place.script(&format!("{TWO}{ASKS_FOR_MORE}"));
    let key = ["AKIA", "IOSFODNN7EXAMPLQ"].concat();
    let _ran = place.run(&["-p", &format!("Use {key} for it"), "-n", "1"]).exits(1);
    place.script(&format!("on actor\nexpect-prompt-contains Use another\n{APPROVES}"));
    let refused = place.run(&["fork", "latest", "--at", "1"]).exits(2);
    assert!(
        refused.stderr.contains("were masked") && refused.stderr.contains("--prompt"),
        "{refused}"
    );
    assert_eq!(place.git(&["worktree", "list"]).lines().count(), 1);
    let _ran = place.run(&["fork", "latest", "--at", "1", "--prompt", "Use another"]).exits(0);
}

/// All working trees of a repository share its refs.
#[test]
fn a_fork_beside_its_parent_is_no_change_of_the_parents_critic() {
    let place = workspace();
    place.script(&format!(
        "on actor\nrun echo $CODELOOPS_ITERATION >> a.txt\non critic 1\n\
         print DECISION: CONTINUE\\n\\nFEEDBACK: More.\n\
         on critic 2\ntouch ../judging\nwait-file ../go\n{}",
        APPROVES.replace("on critic\n", "")
    ));
    let run = place.start(&["--prompt", "Fix the typo"]);
    wait_for(&place.at("judging"));
    place.script(&format!("on actor\nedit a.txt of-the-fork\n{APPROVES}"));
    let forked = place.run(&["fork", "latest", "--at", "1"]).exits(0);
    assert!(!forked.stderr.contains("another run"), "{forked}");
    place.write("../go", "");
    let ran = run.wait().exits(0);
    assert!(!ran.stdout.contains("hanged while the critic"), "{ran}");
    let sessions = place.session_files();
    let parent = sessions
        .iter()
        .map(|file| codeloops_tests::record::checked_events(file))
        .find(|events| matches!(&events[0], Event::SessionStart(start) if start.parent.is_none()));
    let is_change = |event: &Event| matches!(event, Event::TreeChecked(check) if format!("{check:?}").contains("Changed {"));
    assert!(!parent.unwrap().iter().any(is_change));
    assert_eq!(place.read("a.txt"), "1\n2\n");
}

#[test]
fn a_repository_without_a_commit_and_a_subfolder_can_be_forked() {
    let place = Workspace::without_repository(crate::PROGRAMS);
    place.git(&["init", "--quiet", "--initial-branch=main"]);
    place.write("below/keep.txt", "kept\n");
    place.script(&format!("{TWO}{ASKS_FOR_MORE}"));
    let below = place.at("project/below");
    let _ran = place.task(&["-n", "2", "-d", below.to_str().unwrap()]).exits(1);
    place
        .script(&format!("on actor\nrun test \"$(cat a.txt)\" = one\nedit c.txt mine\n{APPROVES}"));
    let _forked = place.run(&["fork", "latest", "--at", "1"]).exits(0);
    let fork = newest(&place);
    assert!(fork.start.working_dir.ends_with("-1/below"), "{}", fork.start.working_dir);
    assert_eq!(fork.start.commit_sha, None);
    assert_eq!(fork.iterations[0].git_files_changed, 1);
}

#[test]
fn a_fork_can_be_forked_and_restored() {
    let place = scripted("");
    let parent = forked_from(&place, &format!("on actor\nedit c.txt mine\n{APPROVES}"));
    let _first = place.run(&["fork", parent.id.as_str(), "--at", "1"]).exits(0);
    let first = newest(&place);
    let _second = place.run(&["fork", first.id.as_str(), "--at", "1"]).exits(0);
    let second = newest(&place);
    assert_eq!(second.start.parent.unwrap().run_id, first.start.run_id.unwrap());
    let folder = place.at("project-forks");
    assert_eq!(PathBuf::from(&second.start.working_dir).parent().unwrap(), folder);
    let _restored = place.run(&["restore", first.id.as_str(), "--at", "0", "-y"]).exits(0);
    assert!(!PathBuf::from(&first.start.working_dir).join("c.txt").exists());
    assert!(PathBuf::from(&second.start.working_dir).join("c.txt").exists());
}

/// Where the user has only a part of the files, so has the fork; what the others are it knows.
#[test]
fn a_fork_of_a_sparse_checkout_is_sparse() {
    let place = workspace();
    place.write("in/a", "wanted\n");
    place.write("out/a", "not wanted\n");
    place.commit_all("two folders");
    place.git(&["sparse-checkout", "set", "in"]);
    forked_from(&place, &format!("on actor\nedit c.txt mine\n{APPROVES}"));
    let _forked = place.run(&["fork", "latest", "--at", "1"]).exits(0);
    let fork = newest(&place);
    let tree = PathBuf::from(&fork.start.working_dir);
    assert!(tree.join("in/a").exists() && !tree.join("out").exists());
    assert_eq!(fork.iterations[0].git_files_changed, 1);
    let status = place.git(&["-C", tree.to_str().unwrap(), "status", "--porcelain"]);
    assert_eq!(status, "?? a.txt\n?? c.txt\n");
}

#[test]
fn a_fork_that_reached_its_limit_goes_on_as_the_same_fork() {
    let place = workspace();
    let parent = forked_from(&place, &format!("on actor\nedit c.txt mine\n{ASKS_FOR_MORE}"));
    let _forked = place.run(&["fork", "latest", "--at", "1", "-n", "1"]).exits(1);
    let fork = newest(&place).id.to_string();
    let _went_on = place.run(&["run", "--resume", &fork, "-n", "2"]).exits(1);
    let fork = newest(&place);
    assert_eq!(fork.iterations.len(), 2);
    assert_eq!(fork.start.parent.unwrap().run_id, parent.start.run_id.unwrap());
}
