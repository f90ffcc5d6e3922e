//! What gates change is found, kept under names of theirs, and put back.

use std::fs;

use codeloops_adapters::git::{Forgotten, forget_run};
use codeloops_event::{TreeCheck, TreeId, layout};

use crate::each_way;
use crate::repo::{RUN, Repo};

fn kept(iteration: u32, check: u32) -> String {
    layout::gates_ref(&RUN.parse().unwrap(), iteration, check)
}

/// Edits, adds and removes files, and commits.
fn meddle(repo: &Repo) {
    repo.write("a.txt", "gate\n");
    repo.write("deep/new", "gate\n");
    repo.remove("dir/b.txt");
    repo.commit("the gate's");
    repo.write("a.txt", "gate again\n");
}

#[track_caller]
fn assert_put_back(repo: &Repo, check: TreeCheck, kept_as: &str) {
    assert_eq!(
        check,
        TreeCheck::Changed {
            kept_as: kept_as.to_owned(),
            tree: Some(TreeId(repo.git(&["rev-parse", kept_as]))),
            files: ["a.txt", "deep/new", "dir/b.txt"].map(str::to_owned).to_vec(),
            head_moved: true,
            index_changed: true,
            restored: true,
        }
    );
    assert_eq!(repo.git(&["cat-file", "blob", &format!("{kept_as}:a.txt")]), "gate again");
    assert!(!repo.path("deep").exists());
}

/// A baseline runs before anything was captured, on what the user had.
#[test]
fn before_the_first_round_the_users_own_state_is_put_back() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.write("a.txt", "the user's\n");
        repo.write("new.txt", "not committed\n");
        repo.write("keep.log", "ignored\n");
        repo.git(&["add", "new.txt"]);
        let run = repo.begin();
        let before = repo.users_state();
        assert_eq!(run.check_gates(0, 1, true), TreeCheck::Unchanged);
        meddle(&repo);
        repo.remove("new.txt");
        repo.write("new.txt", "not committed\n");
        assert_put_back(&repo, run.check_gates(0, 2, true), &kept(0, 2));
        assert_eq!(repo.users_state(), before);
        assert_eq!(repo.read("a.txt"), "the user's\n");
        assert_eq!(repo.read("keep.log"), "ignored\n");
        assert_eq!(run.check_gates(0, 3, true), TreeCheck::Unchanged);
        assert_eq!(run.capture(1).files, []);
    });
}

#[test]
fn after_a_round_the_actors_tree_is_put_back() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        repo.write("a.txt", "actor\n");
        let snapshot = run.capture(1).tree;
        let before = repo.users_state();
        meddle(&repo);
        assert_put_back(&repo, run.check_gates(1, 1, true), &kept(1, 1));
        assert_eq!(repo.users_state(), before);
        assert_eq!(run.capture(2).tree, snapshot);
        let log = repo.git(&["reflog", "-1", "--format=%gs", "HEAD"]);
        assert_eq!(log, "codeloops: put back as it was");
    });
}

/// Then the critic is not held to account for it.
#[test]
fn a_change_that_stays_is_what_the_next_look_compares_with() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        run.capture(1);
        repo.write("a.txt", "gate\n");
        let check = run.check_gates(1, 1, false);
        assert!(matches!(check, TreeCheck::Changed { restored: false, .. }), "{check:?}");
        assert_eq!(run.check(), TreeCheck::Unchanged);
        repo.write("a.txt", "critic\n");
        let TreeCheck::Changed { kept_as, restored: true, .. } = run.check() else {
            panic!("not put back");
        };
        assert_eq!(kept_as, format!("refs/codeloops/{RUN}/critic-1-2"));
        assert_eq!(repo.read("a.txt"), "gate\n");
    });
}

#[test]
fn what_keeps_it_goes_with_the_run() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        meddle(&repo);
        run.check_gates(0, 1, true);
        assert!(repo.git(&["for-each-ref", "refs/codeloops"]).lines().count() > 2);
        drop(run);
        let forgotten = forget_run(&repo.root, &RUN.parse().unwrap()).unwrap();
        assert!(matches!(forgotten, Forgotten::Refs(3..)), "{forgotten:?}");
        assert_eq!(repo.git(&["for-each-ref", "refs/codeloops"]), "");
    });
}

#[test]
fn a_put_back_that_was_killed_tells_of_the_gates() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        repo.write("a.txt", "gate\n");
        run.check_gates(0, 1, true);
        drop(run);
        // As `kill -9` leaves it.
        fs::write(repo.path(format!(".git/codeloops/{RUN}.lock")), "").unwrap();
        fs::write(repo.path(format!(".git/codeloops/{RUN}.putting-back")), kept(0, 1)).unwrap();
        let warnings = repo.begin_another().warnings;
        let told = "while it put the tree back after the gates, so";
        assert!(warnings[0].contains(told), "{warnings:?}");
        assert!(warnings[0].ends_with(&format!("git diff refs/codeloops/{RUN}/0")), "{warnings:?}");
    });
}
