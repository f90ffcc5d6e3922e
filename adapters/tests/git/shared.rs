//! What another run or somebody in another working tree of the repository did while the critic was at
//! work is theirs: it is told where it may be the critic's, and never put back.

use std::fs;
use std::path::{Path, PathBuf};

use codeloops_event::TreeCheck;

use crate::each_way;
use crate::repo::{OTHER_RUN, Repo, Run, git_command};

/// The paths told of a change that was put back, or not.
#[track_caller]
fn told(check: TreeCheck, as_restored: bool) -> Vec<String> {
    match check {
        TreeCheck::Changed { files, restored, .. } if restored == as_restored => files,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn git_in(dir: &Path, args: &[&str]) {
    let output = git_command(dir, args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Another working tree, on the branch `side`, with a commit of its own.
fn linked(repo: &Repo) -> PathBuf {
    let linked = repo.root.with_file_name("linked");
    repo.git(&["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
    git_in(&linked, &["commit", "-q", "--allow-empty", "-m", "side"]);
    linked
}

/// Another run, from its beginning to its end.
fn whole_run(repo: &Repo, dir: &Path, work: impl FnOnce()) {
    let other = repo.open(dir, OTHER_RUN, &repo.options()).unwrap();
    work();
    drop(other);
}

#[track_caller]
fn is_unchanged(run: &Run<'_>) {
    assert_eq!(run.check(), TreeCheck::Unchanged);
}

#[test]
fn what_a_run_did_here_that_came_and_went_during_the_call_stays() {
    each_way(|way| {
        let repo = Repo::new(way);
        // One that is taken up again has its refs already.
        for is_resumed in [false, true] {
            let run = repo.begin();
            run.capture(1);
            let name = format!("new-{is_resumed}.txt");
            whole_run(&repo, &repo.root, || repo.write(&name, "approved\n"));
            assert_eq!(told(run.check(), false), [&*name], "resumed: {is_resumed}");
            assert_eq!(repo.read(&name), "approved\n");
            is_unchanged(&run);
            // It is gone: what the critic does after that is the critic's.
            repo.write("a.txt", "critic\n");
            assert_eq!(told(run.check(), true), ["a.txt"]);
        }
    });
}

#[test]
fn what_a_run_did_here_that_ended_during_the_call_stays() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        let other = repo.open(&repo.root, OTHER_RUN, &repo.options()).unwrap();
        run.capture(1);
        repo.write("new.txt", "approved\n");
        drop(other);
        assert_eq!(told(run.check(), false), ["new.txt"]);
        assert_eq!(repo.read("new.txt"), "approved\n");
    });
}

#[test]
fn what_all_working_trees_share_stays_where_a_run_works_in_another() {
    each_way(|way| {
        let repo = Repo::new(way);
        let linked = linked(&repo);
        repo.git(&["branch", "topic", "side"]);
        let its: [&dyn Fn(); 3] = [
            &|| git_in(&linked, &["branch", "-q", "-D", "topic"]),
            &|| git_in(&linked, &["config", "its.own", "set"]),
            &|| git_in(&linked, &["stash", "drop", "-q"]),
        ];
        let places = [".git/refs/heads/topic", ".git/config", ".git/refs/stash"];
        repo.write("a.txt", "stashed\n");
        repo.git(&["stash", "-q"]);
        for (work, place) in its.into_iter().zip(places) {
            let run = repo.begin();
            let other = repo.open(&linked, OTHER_RUN, &repo.options()).unwrap();
            run.capture(1);
            // The files here are none of its work.
            repo.write("a.txt", "critic\n");
            assert_eq!(told(run.check(), true), ["a.txt"]);
            work();
            drop(other);
            assert_eq!(told(run.check(), false), [place]);
            is_unchanged(&run);
        }
    });
}

/// Nobody can tell any more where it worked.
#[test]
fn what_a_run_elsewhere_did_that_came_and_went_during_the_call_stays() {
    each_way(|way| {
        let repo = Repo::new(way);
        let linked = linked(&repo);
        repo.git(&["branch", "topic", "side"]);
        let run = repo.begin();
        run.capture(1);
        whole_run(&repo, &linked, || git_in(&linked, &["branch", "-q", "-D", "topic"]));
        assert_eq!(told(run.check(), false), [".git/refs/heads/topic"]);
        is_unchanged(&run);
    });
}

/// The branch is no other working tree's any more.
#[test]
fn a_branch_that_another_working_tree_just_left_is_let_be() {
    each_way(|way| {
        let repo = Repo::new(way);
        let linked = linked(&repo);
        let run = repo.begin();
        run.capture(1);
        git_in(&linked, &["commit", "-q", "--allow-empty", "--amend", "-m", "amended"]);
        git_in(&linked, &["checkout", "-q", "--detach"]);
        is_unchanged(&run);
    });
}

#[test]
fn a_branch_that_another_working_tree_rebases_is_let_be() {
    each_way(|way| {
        let repo = Repo::new(way);
        let linked = linked(&repo);
        let stops = ["rebase", "-q", "--force-rebase", "-x", "false", "HEAD~1"];
        assert!(!git_command(&linked, &stops).status().unwrap().success());
        let run = repo.begin();
        run.capture(1);
        git_in(&linked, &["commit", "-q", "--allow-empty", "--amend", "-m", "amended"]);
        git_in(&linked, &["rebase", "--continue"]);
        git_in(&linked, &["checkout", "-q", "--detach"]);
        is_unchanged(&run);
    });
}

/// It was nobody else's before the call.
#[test]
fn a_branch_that_the_critic_moved_in_a_working_tree_of_its_own_is_put_back() {
    each_way(|way| {
        let repo = Repo::new(way);
        linked(&repo);
        repo.git(&["branch", "topic", "side"]);
        let before = repo.git(&["rev-parse", "topic"]);
        let run = repo.begin();
        run.capture(1);
        let critics = repo.root.with_file_name("critics");
        repo.git(&["worktree", "add", "-q", critics.to_str().unwrap(), "topic"]);
        git_in(&critics, &["reset", "-q", "--hard", "HEAD~1"]);
        assert_eq!(told(run.check(), true), [".git/refs/heads/topic"]);
        assert_eq!(repo.git(&["rev-parse", "topic"]), before);
        is_unchanged(&run);
    });
}

#[test]
fn the_file_that_leads_from_a_linked_working_tree_to_its_repository_is_put_back() {
    each_way(|way| {
        let repo = Repo::new(way);
        let linked = linked(&repo);
        let pointer = linked.join(".git");
        let before = fs::read(&pointer).unwrap();
        let run = repo.begin_in(&linked);
        run.capture(1);
        fs::write(&pointer, "gitdir: /nowhere\n").unwrap();
        assert_eq!(told(run.check(), true), [".git"]);
        assert_eq!(fs::read(&pointer).unwrap(), before);
        fs::remove_file(&pointer).unwrap();
        assert_eq!(told(run.check(), true), [".git"]);
        assert_eq!(fs::read(&pointer).unwrap(), before);
        assert_eq!(run.capture(2).notes, [""; 0]);
        assert!(!linked.join(".git.lock").exists());
    });
}

#[test]
fn a_run_in_a_linked_working_tree_knows_its_own_head() {
    each_way(|way| {
        let repo = Repo::new(way);
        let linked = linked(&repo);
        repo.git(&["branch", "work", "side"]);
        let before = repo.git(&["rev-parse", "work"]);
        let run = repo.begin_in(&linked);
        run.capture(1);
        git_in(&linked, &["checkout", "-q", "-B", "work", "main"]);
        assert_eq!(told(run.check(), true), [".git/refs/heads/work"]);
        assert_eq!(repo.git(&["rev-parse", "work"]), before);
    });
}

#[test]
fn the_branch_that_a_bare_repository_names_is_checked_out_nowhere() {
    each_way(|way| {
        let repo = Repo::new(way);
        let bare = repo.root.with_file_name("bare");
        repo.git(&["clone", "-q", "--bare", ".", bare.to_str().unwrap()]);
        let linked = repo.root.with_file_name("of-bare");
        git_in(&bare, &["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
        let run = repo.begin_in(&linked);
        // It is not in the repository of the test.
        run.try_capture(1).unwrap();
        let main = bare.join("refs/heads/main");
        git_in(&linked, &["branch", "-q", "-D", "main"]);
        assert!(!main.exists());
        assert_eq!(told(run.check(), true), [".git/refs/heads/main"]);
        assert!(fs::read_to_string(main).is_ok());
    });
}
