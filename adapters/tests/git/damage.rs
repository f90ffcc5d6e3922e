//! A critic that damages what git works with, or leaves what it cannot work with: the run goes on.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::process::Command;

use codeloops_event::TreeCheck;

use crate::each_way;
use crate::repo::Repo;

/// What the check tells of a critic on a repository, in which `a.txt` is the actor's.
fn checked(critic: impl Fn(&Repo), then: impl Fn(&Repo, TreeCheck)) {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        repo.write("a.txt", "actor\n");
        run.capture(1);
        critic(&repo);
        let check = run.check();
        then(&repo, check);
        run.capture(2);
    });
}

/// All is as the actor left it.
fn put_back(critic: impl Fn(&Repo)) {
    checked(critic, |repo, check| {
        assert!(matches!(check, TreeCheck::Changed { restored: true, .. }), "{check:?}");
        assert_eq!(repo.read("a.txt"), "actor\n");
        assert_eq!(repo.git(&["status", "--porcelain"]), " M a.txt");
    });
}

#[test]
fn settings_that_no_git_can_read_are_put_back() {
    for bad in ["[bad\n", "[core]\n\trepositoryformatversion = 99\n"] {
        put_back(|repo| {
            let config = fs::read_to_string(repo.path(".git/config")).unwrap();
            repo.write(".git/config", config + bad);
            repo.write("a.txt", "critic\n");
        });
    }
}

#[test]
fn an_index_that_no_git_can_read_is_put_back() {
    put_back(|repo| repo.write(".git/index", "garbage\n"));
}

#[test]
fn attributes_that_git_cannot_obey_are_put_back() {
    put_back(|repo| {
        repo.write(".gitattributes", "*.txt working-tree-encoding=nonsense\n");
        repo.write("a.txt", "critic\n");
    });
}

/// What went back is told, however often the look after it was begun.
#[test]
fn settings_that_went_back_before_a_file_vanished_are_told() {
    each_way(|way| {
        let repo = Repo::new(way);
        let script = repo.root.with_file_name("clean");
        let fails = repo.root.with_file_name("fails");
        let text = format!(
            "[ -s {fails:?} ] || exec cat\nsed -i 1d {fails:?}\n\
             echo 'No such file or directory' >&2\nexit 1\n"
        );
        fs::write(&script, text).unwrap();
        let clean = format!("sh {}", script.display());
        for (key, value) in [("clean", &*clean), ("smudge", "cat"), ("required", "true")] {
            repo.git(&["config", &format!("filter.x.{key}"), value]);
        }
        repo.write(".gitattributes", "*.x filter=x\n");
        repo.write("f.x", "x\n");
        repo.commit("filter");
        let run = repo.begin();
        run.capture(1);
        repo.write(".git/info/exclude", "critic\n");
        repo.write("f.x", "of another length\n");
        // As often as git is asked in one look.
        fs::write(&fails, "x\n".repeat(8)).unwrap();
        let check = run.check();
        let TreeCheck::Changed { files, restored: false, .. } = check else { panic!("{check:?}") };
        assert_eq!(files, [".git/info/exclude", "f.x"]);
    });
}

fn shared_indexes(repo: &Repo) -> Vec<PathBuf> {
    let entries = fs::read_dir(repo.path(".git")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.display().to_string().contains("/sharedindex.")).collect()
}

/// Git cannot read the index without it.
#[test]
fn the_shared_part_of_a_split_index_that_is_gone_is_not_told_as_put_back() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.git(&["update-index", "--split-index"]);
        for rewrites in [false, true] {
            let run = repo.begin();
            run.capture(1);
            let shared = shared_indexes(&repo);
            assert!(!shared.is_empty());
            let kept: Vec<_> = shared.iter().map(|path| fs::read(path).unwrap()).collect();
            if rewrites {
                repo.git(&["update-index", "--no-split-index"]);
                repo.write("new.txt", "critic\n");
                repo.git(&["add", "new.txt"]);
            }
            shared.iter().for_each(|path| fs::remove_file(path).unwrap());
            let check = run.check();
            let TreeCheck::Changed { index_changed: true, restored: false, .. } = check else {
                panic!("{rewrites}: {check:?}")
            };
            assert_eq!(run.check(), TreeCheck::Unchanged);
            shared.iter().zip(kept).for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
        }
    });
}

fn pipe(repo: &Repo, name: &str) {
    repo.remove(name);
    assert!(Command::new("mkfifo").arg(repo.path(name)).status().unwrap().success());
}

#[test]
fn a_pipe_in_the_place_of_a_file_of_git_is_not_waited_for() {
    put_back(|repo| pipe(repo, ".git/index"));
    put_back(|repo| {
        repo.git(&["worktree", "add", "-q", "-b", "new", "../tree"]);
        pipe(repo, ".git/worktrees/tree/HEAD");
        repo.write("a.txt", "critic\n");
    });
}

#[test]
fn what_is_neither_file_nor_folder_is_no_file() {
    put_back(|repo| pipe(repo, "a.txt"));
}

#[test]
fn a_folder_in_the_place_of_rules_is_put_back() {
    put_back(|repo| {
        repo.remove(".gitignore");
        repo.write(".gitignore/x", "x\n");
    });
}

/// Git takes them for its own folder by another name.
#[test]
fn a_name_that_git_does_not_take_stops_nothing() {
    checked(
        |repo| {
            repo.write("git~1", "x\n");
            repo.write(".GIT/x", "x\n");
            repo.write("a.txt", "critic\n");
        },
        |repo, check| {
            assert!(matches!(check, TreeCheck::Changed { .. }), "{check:?}");
            assert_eq!(repo.read("a.txt"), "actor\n");
        },
    );
}

#[test]
fn settings_that_are_locked_are_told() {
    checked(
        |repo| {
            repo.git(&["config", "x.y", "z"]);
            repo.write(".git/config.lock", "");
        },
        |repo, check| {
            let TreeCheck::Changed { files, restored: false, .. } = check else {
                panic!("{check:?}")
            };
            assert_eq!(files, [".git/config"]);
            assert_eq!(repo.git(&["config", "x.y"]), "z");
        },
    );
}

#[test]
fn a_bisection_that_the_critic_began_is_ended() {
    each_way(|way| {
        let repo = Repo::new(way);
        for _ in 0..4 {
            repo.git(&["commit", "-q", "--allow-empty", "-m", "one more"]);
        }
        let run = repo.begin();
        run.capture(1);
        repo.git(&["bisect", "start", "HEAD", "HEAD~4"]);
        let check = run.check();
        assert!(matches!(check, TreeCheck::Changed { restored: true, .. }), "{check:?}");
        assert!(!repo.try_git(&["bisect", "log"]).status.success());
        assert_eq!(repo.git(&["symbolic-ref", "HEAD"]), "refs/heads/main");
    });
}

/// What was only staged is in no snapshot.
#[test]
fn an_index_whose_content_is_gone_is_not_told_as_put_back() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.write("a.txt", "staged\n");
        repo.git(&["add", "a.txt"]);
        repo.write("a.txt", "loose\n");
        let run = repo.begin();
        run.capture(1);
        repo.git(&["reset", "-q"]);
        repo.git(&["gc", "-q", "--prune=now"]);
        let check = run.check();
        let TreeCheck::Changed { index_changed: true, restored: false, .. } = check else {
            panic!("{check:?}")
        };
        assert_eq!(repo.git(&["status", "--porcelain"]), " M a.txt");
    });
}

/// Where LFS cannot fetch, say. Nothing was touched.
#[test]
fn a_filter_that_cannot_give_a_file_back_is_told() {
    each_way(|way| {
        let repo = Repo::new(way);
        for (key, value) in [("clean", "cat"), ("smudge", "cat"), ("required", "true")] {
            repo.git(&["config", &format!("filter.x.{key}"), value]);
        }
        repo.write(".gitattributes", "*.x filter=x\n");
        repo.write("f.x", "x\n");
        repo.commit("filter");
        repo.git(&["config", "filter.x.smudge", "false"]);
        let run = repo.begin();
        run.capture(1);
        repo.remove("f.x");
        repo.write("a.txt", "critic\n");
        let check = run.check();
        assert!(matches!(check, TreeCheck::Changed { restored: false, .. }), "{check:?}");
        assert_eq!(repo.read("a.txt"), "critic\n");
    });
}

/// Half of what git knows of it is in refs.
#[test]
fn a_bisection_that_the_critic_ended_is_told_and_nothing_is_put_back() {
    each_way(|way| {
        let repo = Repo::new(way);
        for _ in 0..4 {
            repo.git(&["commit", "-q", "--allow-empty", "-m", "one more"]);
        }
        repo.git(&["bisect", "start", "HEAD", "HEAD~4"]);
        let run = repo.begin();
        run.capture(1);
        repo.git(&["bisect", "reset"]);
        repo.write("a.txt", "critic\n");
        let TreeCheck::Changed { files, restored: false, .. } = run.check() else {
            panic!("not told")
        };
        assert!(files.iter().any(|file| file == ".git/BISECT_LOG"), "{files:?}");
        assert_eq!(repo.read("a.txt"), "critic\n");
    });
}

/// Only git's own words for it are unambiguous.
#[test]
fn a_branch_whose_name_cannot_be_told_exactly_is_not_mistaken_for_another() {
    for name in [&b"caf\xe9"[..], b"refs/heads/main"] {
        each_way(|way| {
            let repo = Repo::new(way);
            let full = [b"refs/heads/", name].concat();
            let branch = std::ffi::OsString::from_vec(name.to_vec());
            let mut made = Command::new("git");
            made.arg("-C").arg(&repo.root).arg("branch").arg(branch);
            assert!(made.status().unwrap().success());
            fs::write(repo.path(".git/HEAD"), [b"ref: ", &full[..], b"\n"].concat()).unwrap();
            let before = fs::read(repo.path(".git/HEAD")).unwrap();
            let run = repo.begin();
            run.capture(1);
            repo.git(&["checkout", "-q", "--detach"]);
            let check = run.check();
            let TreeCheck::Changed { head_moved: true, restored, .. } = check else {
                panic!("{check:?}")
            };
            let is_back = fs::read(repo.path(".git/HEAD")).unwrap() == before;
            assert_eq!(restored, is_back);
            let branches = repo.git(&["for-each-ref", "refs/heads"]);
            assert_eq!(branches.lines().count(), 2, "{branches}");
        });
    }
}

#[test]
fn a_folder_with_files_in_the_place_of_a_file_is_put_back() {
    put_back(|repo| {
        repo.remove("a.txt");
        repo.write("a.txt/x", "x\n");
        repo.remove("dir/b.txt");
        repo.write("dir/b.txt/y/z", "x\n");
    });
}

/// What can be put back is, and the run goes on.
#[test]
fn a_file_that_cannot_be_put_back_is_told_and_the_others_are() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        run.capture(1);
        repo.write("a.txt", "critic\n");
        fs::remove_dir_all(repo.path("dir")).unwrap();
        // Ignored, so that it is not the critic's to be removed.
        repo.write(".git/info/exclude", "dir\n");
        run.capture(2);
        repo.write("dir/b.txt", "bee\n");
        run.capture(3);
        repo.write("a.txt", "again\n");
        fs::remove_dir_all(repo.path("dir")).unwrap();
        repo.write("dir", "a file\n");
        let check = run.check();
        assert!(matches!(check, TreeCheck::Changed { restored: false, .. }), "{check:?}");
        assert_eq!(repo.read("dir"), "a file\n");
        assert_eq!(repo.read("a.txt"), "critic\n");
        assert_eq!(run.check(), TreeCheck::Unchanged);
    });
}
