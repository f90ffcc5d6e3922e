//! What a critic does to refs is found, kept and put back: branches, tags, the stash, and what HEAD
//! was; and what it does after something was left in place.

use std::fs;

use codeloops_event::TreeCheck;

use crate::each_way;
use crate::repo::{OTHER_RUN, RUN, Repo, git_command};

/// The paths told of a change that was put back, or not.
#[track_caller]
fn told(check: TreeCheck, as_restored: bool) -> Vec<String> {
    match check {
        TreeCheck::Changed { files, restored, .. } if restored == as_restored => files,
        other => panic!("{other:?}"),
    }
}

/// With a branch, an annotated tag and three entries of the stash beside what is there.
fn repo_with_refs(way: codeloops_adapters::git::Way) -> Repo {
    let repo = Repo::new(way);
    repo.git(&["branch", "work"]);
    repo.git(&["tag", "-a", "-m", "v1", "v1"]);
    repo.git(&["pack-refs", "--all"]);
    repo.git(&["branch", "deep/er/work"]);
    for text in ["one\n", "two\n", "three\n"] {
        repo.write("a.txt", text);
        repo.git(&["stash", "-q"]);
    }
    repo
}

fn stash(repo: &Repo) -> String {
    repo.git(&["stash", "list", "--format=%H %gs"])
}

#[test]
fn branches_and_tags_that_are_gone_or_moved_are_put_back() {
    each_way(|way| {
        let repo = repo_with_refs(way);
        let run = repo.begin();
        run.capture(1);
        let before = repo.users_state();
        repo.git(&["branch", "-q", "-D", "work"]);
        repo.git(&["tag", "-d", "v1"]);
        let moved = repo.git(&["commit-tree", "-m", "the critic's", "HEAD^{tree}"]);
        repo.git(&["update-ref", "refs/heads/deep/er/work", &moved]);
        let names = [".git/refs/heads/deep/er/work", ".git/refs/heads/work", ".git/refs/tags/v1"];
        assert_eq!(told(run.check(), true), names);
        assert_eq!(repo.users_state(), before);
        let kept = format!("refs/codeloops/{RUN}/critic-1-2-ref-1");
        assert_eq!(repo.git(&["rev-parse", &kept]), moved);
        assert_eq!(run.check(), TreeCheck::Unchanged);
    });
}

#[test]
fn what_is_no_loss_is_no_change_of_the_critics() {
    each_way(|way| {
        let repo = repo_with_refs(way);
        let linked = repo.root.with_file_name("linked");
        repo.git(&["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
        let run = repo.begin();
        run.capture(1);
        repo.git(&["pack-refs", "--all"]);
        repo.git(&["branch", "critics"]);
        // A fetch may do so.
        let forward = repo.git(&["commit-tree", "-m", "on", "-p", "work", "HEAD^{tree}"]);
        repo.git(&["update-ref", "refs/heads/work", &forward]);
        repo.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
        // Somebody works there.
        let commit = git_command(&linked, &["commit", "-q", "--allow-empty", "-m", "on"]).status();
        assert!(commit.unwrap().success());
        assert_eq!(run.check(), TreeCheck::Unchanged);
    });
}

#[test]
fn entries_of_the_stash_that_are_gone_are_put_back() {
    each_way(|way| {
        for lose in [&["drop", "-q", "stash@{1}"][..], &["drop", "-q"], &["clear"]] {
            let repo = repo_with_refs(way);
            let run = repo.begin();
            run.capture(1);
            let before = stash(&repo);
            assert_eq!(before.lines().count(), 3);
            repo.git(&[&["stash"], lose].concat());
            assert_eq!(told(run.check(), true), [".git/refs/stash"], "{lose:?}");
            assert_eq!(stash(&repo), before, "{lose:?}");
            assert_eq!(run.check(), TreeCheck::Unchanged);
        }
    });
}

/// `git gc` packs the newest entry's ref like every other.
#[test]
fn entries_of_a_packed_stash_that_are_gone_are_put_back() {
    each_way(|way| {
        let repo = repo_with_refs(way);
        repo.git(&["gc", "-q"]);
        assert!(!repo.path(".git/refs/stash").exists());
        let run = repo.begin();
        run.capture(1);
        let before = stash(&repo);
        repo.git(&["stash", "clear"]);
        assert_eq!(told(run.check(), true), [".git/refs/stash"]);
        assert_eq!(stash(&repo), before);
        repo.git(&["gc", "-q"]);
        assert_eq!(run.check(), TreeCheck::Unchanged);
    });
}

/// Nobody can tell a `git stash push` of the user's from one of the critic's.
#[test]
fn what_was_stashed_during_the_call_stays_beside_what_is_put_back() {
    each_way(|way| {
        let repo = repo_with_refs(way);
        let run = repo.begin();
        run.capture(1);
        let before = stash(&repo);
        repo.git(&["stash", "drop", "-q"]);
        repo.git(&["stash", "drop", "-q", "stash@{1}"]);
        repo.write("a.txt", "the user's\n");
        repo.git(&["stash", "push", "-q", "-m", "added"]);
        let added = stash(&repo).lines().next().unwrap().to_owned();
        assert_eq!(told(run.check(), true), [".git/refs/stash"]);
        assert_eq!(stash(&repo), format!("{added}\n{before}"));
        // Git finds no gap between one entry and the next.
        let log = repo.read(".git/logs/refs/stash");
        let ids: Vec<_> = log.lines().map(|line| line.split(' ').take(2).collect()).collect();
        let is_chain = |pair: &[Vec<&str>]| pair[0][1] == pair[1][0];
        assert!(ids.windows(2).all(is_chain) && ids[0][0].bytes().all(|b| b == b'0'), "{log}");
        assert_eq!(run.check(), TreeCheck::Unchanged);
    });
}

/// Its reflog went with it, so its name alone would not help.
#[test]
fn what_a_lost_ref_held_is_kept_whether_it_is_put_back_or_not() {
    each_way(|way| {
        for restore in [true, false] {
            let repo = repo_with_refs(way);
            let run = repo.begin();
            run.capture(1);
            let held = |name: &str| repo.git(&["rev-parse", name]);
            let before = [held("refs/heads/work"), held("refs/tags/v1"), held("stash@{2}")];
            repo.git(&["branch", "-q", "-D", "work"]);
            repo.git(&["tag", "-d", "v1"]);
            repo.git(&["stash", "drop", "-q", "stash@{2}"]);
            let paths = [".git/refs/heads/work", ".git/refs/tags/v1", ".git/refs/stash"];
            assert_eq!(told(run.check_with(restore), restore), paths);
            let kept =
                [1, 2, 3].map(|k| held(&format!("refs/codeloops/{RUN}/critic-1-2-lost-{k}")));
            assert_eq!(kept, before);
        }
    });
}

#[test]
fn a_ref_whose_object_is_gone_is_told() {
    each_way(|way| {
        let repo = repo_with_refs(way);
        let lonely = repo.git(&["commit-tree", "-m", "lonely", "HEAD^{tree}"]);
        repo.git(&["branch", "lonely", &lonely]);
        let run = repo.begin();
        run.capture(1);
        repo.git(&["branch", "-q", "-D", "lonely"]);
        repo.remove(format!(".git/objects/{}/{}", &lonely[..2], &lonely[2..]));
        assert_eq!(told(run.check(), false), [".git/refs/heads/lonely"]);
    });
}

#[test]
fn a_branch_that_stands_for_another_is_one_too() {
    each_way(|way| {
        let repo = repo_with_refs(way);
        repo.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/deep/er/work"]);
        let run = repo.begin();
        run.capture(1);
        repo.git(&["symbolic-ref", "refs/heads/work", "refs/heads/deep/er/work"]);
        assert_eq!(told(run.check(), false), [".git/refs/heads/work"]);
        repo.git(&["symbolic-ref", "-d", "refs/heads/alias"]);
        assert_eq!(told(run.check(), false), [".git/refs/heads/alias"]);
    });
}

#[test]
fn refs_that_became_too_many_to_look_at_are_told_once() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        run.capture(1);
        let head = repo.git(&["rev-parse", "HEAD"]);
        for n in 0..5_001 {
            repo.write(format!(".git/refs/tags/t{n}"), &head);
        }
        assert_eq!(told(run.check(), false), [".git/refs"]);
        assert_eq!(run.check(), TreeCheck::Unchanged);
    });
}

#[test]
fn a_stash_that_the_critic_takes_and_gives_back_is_no_change() {
    each_way(|way| {
        let repo = repo_with_refs(way);
        repo.write("a.txt", "actor\n");
        let run = repo.begin();
        run.capture(1);
        let before = stash(&repo);
        repo.git(&["stash", "-q"]);
        repo.git(&["stash", "pop", "-q"]);
        assert_eq!(run.check(), TreeCheck::Unchanged);
        // What it has there besides is kept, where the stash is put back.
        repo.git(&["stash", "-q"]);
        let its = repo.git(&["rev-parse", "stash"]);
        repo.git(&["stash", "drop", "-q", "stash@{3}"]);
        assert_eq!(told(run.check(), true), [".git/refs/stash", "a.txt"]);
        assert_eq!(repo.read("a.txt"), "actor\n");
        // It could be the user's, so it stays in the list.
        assert_eq!(stash(&repo).split_once('\n').unwrap().1, before);
        assert_eq!(repo.git(&["rev-parse", "stash"]), its);
        let kept = format!("refs/codeloops/{RUN}/critic-1-2-ref-1");
        assert_eq!(repo.git(&["rev-parse", &kept]), its);
    });
}

/// What is in the file of a ref may be anything, and is no argument of git's.
#[test]
fn a_ref_that_is_no_id_any_more_is_told() {
    each_way(|way| {
        let repo = repo_with_refs(way);
        let run = repo.begin();
        run.capture(1);
        repo.write(".git/refs/heads/deep/er/work", "--help\n");
        assert_eq!(told(run.check(), false), [".git/refs/heads/deep/er/work"]);
    });
}

/// All of it or nothing.
#[test]
fn a_ref_that_cannot_be_put_back_is_told() {
    each_way(|way| {
        let repo = repo_with_refs(way);
        let run = repo.begin();
        run.capture(1);
        repo.git(&["branch", "-q", "-D", "work"]);
        repo.git(&["branch", "-q", "work/in/the/way"]);
        repo.write("a.txt", "critic\n");
        assert_eq!(told(run.check(), false), [".git/refs/heads/work", "a.txt"]);
        assert_eq!(repo.read("a.txt"), "critic\n");
    });
}

/// A second change of the critic's shows by itself, whatever it is of.
#[test]
fn a_look_compares_with_what_the_call_before_left_in_place() {
    each_way(|way| {
        let repo = repo_with_refs(way);
        let run = repo.begin();
        run.capture(1);
        let leaves = |critic: &dyn Fn()| {
            critic();
            let files = told(run.check_with(false), false);
            assert_eq!(run.check_with(false), TreeCheck::Unchanged, "after {files:?}");
            files
        };
        for n in 0..2 {
            let text = format!("{n}\n");
            assert_eq!(leaves(&|| repo.write("a.txt", &text)), ["a.txt"]);
            assert_eq!(leaves(&|| drop(repo.git(&["add", "a.txt"]))), [""; 0]);
            assert_eq!(leaves(&|| repo.commit("critic's")), [""; 0]);
            let set = || drop(repo.git(&["config", "x.y", &text]));
            assert_eq!(leaves(&set), [".git/config"]);
        }
        assert_eq!(leaves(&|| drop(repo.git(&["tag", "-d", "v1"]))), [".git/refs/tags/v1"]);
        // What may be put back again is so up to there.
        repo.write("a.txt", "critic at last\n");
        assert_eq!(told(run.check(), true), ["a.txt"]);
        assert_eq!(repo.read("a.txt"), "1\n");
    });
}

#[test]
fn where_head_was_goes_back_with_the_rest() {
    each_way(|way| {
        let repo = Repo::new(way);
        let first = repo.git(&["rev-parse", "HEAD"]);
        repo.write("a.txt", "second\n");
        repo.commit("second");
        for before in [None, Some(format!("{first}\n"))] {
            if let Some(before) = &before {
                repo.write(".git/ORIG_HEAD", before);
            }
            let run = repo.begin();
            run.capture(1);
            repo.git(&["reset", "-q", "--hard", &first]);
            assert!(repo.path(".git/ORIG_HEAD").exists());
            told(run.check(), true);
            assert_eq!(fs::read_to_string(repo.path(".git/ORIG_HEAD")).ok(), before);
            drop(run);
        }
    });
}

/// All of it or nothing, and nobody else's git is stood in the way of.
#[test]
fn a_stash_that_is_locked_is_told() {
    each_way(|way| {
        let repo = repo_with_refs(way);
        let run = repo.begin();
        run.capture(1);
        repo.git(&["branch", "-q", "-D", "work"]);
        repo.git(&["stash", "drop", "-q"]);
        let before = stash(&repo);
        repo.write(".git/refs/stash.lock", "");
        assert_eq!(told(run.check(), false), [".git/refs/heads/work", ".git/refs/stash"]);
        assert!(!repo.try_git(&["rev-parse", "--verify", "refs/heads/work"]).status.success());
        assert_eq!(stash(&repo), before);
        // The lock is still the other's.
        repo.remove(".git/refs/stash.lock");
        repo.git(&["stash", "drop", "-q"]);
        repo.git(&["tag", "-d", "v1"]);
        assert_eq!(told(run.check(), true), [".git/refs/tags/v1", ".git/refs/stash"]);
        assert_eq!(stash(&repo), before);
        repo.git(&["stash", "drop", "-q"]);
    });
}

/// It was killed with the git that put HEAD back.
#[test]
fn the_lock_that_a_killed_run_left_on_head_is_cleared_by_the_next() {
    each_way(|way| {
        let repo = Repo::new(way);
        fs::create_dir_all(repo.path(".git/codeloops")).unwrap();
        repo.write(format!(".git/codeloops/{OTHER_RUN}.lock"), "");
        repo.write(".git/refs/heads/others.lock", "");
        repo.write(format!(".git/codeloops/{OTHER_RUN}.announced"), "refs/heads/main\nHEAD");
        repo.write(".git/HEAD.lock", "");
        repo.write(".git/refs/heads/main.lock", "");
        let run = repo.begin();
        repo.write("a.txt", "work\n");
        repo.commit("the user's git works again");
        assert!(repo.path(".git/refs/heads/others.lock").exists(), "nobody announced it");
        assert!(!repo.path(format!(".git/codeloops/{OTHER_RUN}.announced")).exists());
        drop(run);
    });
}

#[test]
fn an_actor_that_throws_the_snapshots_away_is_told_as_such() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.write("a.txt", "the user's\n");
        let run = repo.begin();
        let lose = || {
            let refs = repo.git(&["for-each-ref", "--format=delete %(refname)", "refs/codeloops"]);
            for line in refs.lines() {
                repo.git(&["update-ref", "-d", line.trim_start_matches("delete ")]);
            }
            repo.git(&["gc", "-q", "--prune=now"]);
        };
        repo.write("a.txt", "actor\n");
        lose();
        let error = run.try_capture(1).unwrap_err();
        let words = format!("the snapshot {} is gone from the repository", run.base.tree);
        assert!(error.starts_with(&words), "{error}");
        assert!(error.contains("start the run anew"), "{error}");
        assert_eq!(repo.read("a.txt"), "actor\n");
    });
}
