//! Whatever the actor does to HEAD, branches and index, the diff is that of the files.

use crate::each_way;
use crate::repo::{Repo, summary};

fn work_then(git: &[&[&str]]) {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.git(&["branch", "other"]);
        let run = repo.begin();
        repo.write("a.txt", "one\nTWO\nthree\n");
        repo.write("new.txt", "new\n");
        for args in git {
            repo.git(args);
        }
        assert_eq!(run.files(), ["M a.txt +1 -1", "A new.txt +1 -0"]);
    });
}

#[test]
fn a_commit_hides_nothing() {
    work_then(&[&["add", "-A"], &["commit", "-qm", "work"]]);
}

#[test]
fn an_amended_commit_hides_nothing() {
    work_then(&[&["add", "-A"], &["commit", "-q", "--amend", "-m", "work"]]);
}

#[test]
fn a_reset_hides_nothing() {
    work_then(&[&["add", "-A"], &["commit", "-qm", "work"], &["reset", "-q", "HEAD~1"]]);
}

#[test]
fn a_switched_branch_hides_nothing() {
    work_then(&[&["switch", "-q", "other"], &["add", "-A"], &["commit", "-qm", "elsewhere"]]);
}

#[test]
fn a_replaced_object_hides_nothing() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        repo.write("a.txt", "evil\n");
        let evil = repo.git(&["hash-object", "-w", "a.txt"]);
        repo.git(&["replace", &evil, &repo.git(&["rev-parse", "HEAD:a.txt"])]);
        assert!(run.capture(1).diff.contains("\n+evil\n"));
    });
}

#[test]
fn the_users_own_changes_are_neither_blamed_on_the_actor_nor_touched() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.write("a.txt", "one\ntwo\nthree\nstaged\n");
        repo.git(&["add", "a.txt"]);
        repo.write("a.txt", "one\ntwo\nthree\nstaged\ndirty\n");
        repo.write("mine.txt", "untracked\n");
        repo.write("meant.txt", "to be added\n");
        repo.git(&["add", "-N", "meant.txt"]);
        repo.git(&["stash", "push", "-q", "--keep-index", "dir"]);
        let before = repo.users_state();

        let run = repo.begin();
        let untouched = run.capture(1);
        assert_eq!((untouched.diff.as_str(), untouched.files_changed), ("", 0));
        assert_eq!(untouched.tree, run.base.tree);
        assert_eq!(run.check(), codeloops_event::TreeCheck::Unchanged);
        assert_eq!(repo.users_state(), before);

        repo.write("a.txt", "one\ntwo\nthree\nstaged\ndirty\nactor\n");
        assert_eq!(summary(&run.capture(2)), ["M a.txt +1 -0"]);
        drop(run);
        repo.write("a.txt", "one\ntwo\nthree\nstaged\ndirty\n");
        assert_eq!(repo.users_state(), before);
    });
}

#[test]
fn the_diff_is_cumulative_and_knows_when_work_is_undone() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        repo.write("a.txt", "1\n");
        run.capture(1);
        repo.write("b.txt", "2\n");
        assert_eq!(summary(&run.capture(2)), ["M a.txt +1 -3", "A b.txt +1 -0"]);
        repo.git(&["checkout", "-q", "a.txt"]);
        assert_eq!(summary(&run.capture(3)), ["A b.txt +1 -0"]);
    });
}

#[test]
fn a_repository_without_a_commit_is_fine() {
    each_way(|way| {
        let repo = Repo::empty(way, &[]);
        repo.write("mine.txt", "before\n");
        let run = repo.begin();
        assert_eq!((&run.base.commit_sha, run.base.branch.as_deref()), (&None, Some("main")));
        repo.write("new.txt", "new\n");
        assert_eq!(run.files(), ["A new.txt +1 -0"]);
        repo.commit("first");
        assert_eq!(run.files(), ["A new.txt +1 -0"]);
        repo.remove("new.txt");
        repo.remove("mine.txt");
        assert_eq!(run.files(), ["D mine.txt +0 -1"]);
    });
}

#[test]
fn a_merge_in_progress_is_fine() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.git(&["switch", "-qc", "other"]);
        repo.write("a.txt", "theirs\n");
        repo.remove("dir/b.txt");
        repo.commit("theirs");
        repo.git(&["switch", "-q", "main"]);
        repo.write("a.txt", "ours\n");
        repo.write("dir/b.txt", "ours too\n");
        repo.commit("ours");
        assert!(!repo.try_git(&["merge", "other"]).status.success());
        let before = repo.users_state();

        let run = repo.begin();
        assert_eq!(run.capture(1).tree, run.base.tree);
        assert_eq!(repo.users_state(), before);
        repo.write("a.txt", "resolved\n");
        let diff = run.capture(2);
        assert_eq!(summary(&diff), ["M a.txt +1 -5"]);
        assert!(diff.diff.contains("-<<<<<<< HEAD\n"));
    });
}
