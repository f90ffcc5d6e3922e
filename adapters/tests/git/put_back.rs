//! What is put back after a critic, and what stays: the work of others, and what git does not hold.

use std::fs;

use codeloops_adapters::git::Way;
use codeloops_event::TreeCheck;

use crate::each_way;
use crate::repo::{RUN, Repo};

fn kept(what: &str) -> String {
    format!("refs/codeloops/{RUN}/critic-1-2{what}")
}

#[track_caller]
fn assert_restored(check: &TreeCheck, expected: bool) {
    assert!(
        matches!(check, TreeCheck::Changed { restored, .. } if *restored == expected),
        "{check:?}"
    );
}

/// Nobody tells while it is so, for the run is gone.
#[test]
fn a_put_back_that_was_killed_is_told_by_the_next_run() {
    each_way(|way| {
        let repo = Repo::new(way);
        let seen = repo.path(".git/seen");
        let marks = repo.path(".git/codeloops");
        let clean = format!("cp {}/*.putting-back {} 2>&-; cat", marks.display(), seen.display());
        repo.git(&["config", "filter.look.clean", &clean]);
        repo.write(".gitattributes", "*.look filter=look\n");
        repo.commit("filter");
        let run = repo.begin();
        repo.write("f.look", "actor\n");
        run.capture(1);
        repo.write("a.txt", "critic\n");
        assert_restored(&run.check(), true);
        let mark = fs::read_to_string(&seen).unwrap();
        assert_eq!(mark, kept(""));
        assert_eq!(repo.begin_another().warnings.len(), 1, "the other run, which lives");
        drop(run);

        // As `kill -9` leaves it.
        repo.write(format!(".git/codeloops/{RUN}.lock"), "");
        repo.write(format!(".git/codeloops/{RUN}.putting-back"), mark);
        let warnings = repo.begin_another().warnings;
        let told = [format!("run {RUN} was killed while it put"), kept("")];
        assert!(told.iter().all(|told| warnings[0].contains(told)), "{warnings:?}");
        assert!(warnings[0].ends_with(&format!("git diff refs/codeloops/{RUN}/1")), "{warnings:?}");
        assert_eq!(repo.begin_another().warnings, [""; 0]);
    });
}

/// The rules that ignore them are the repository's, and a critic may change those.
#[test]
fn ignored_files_stay_when_the_critic_changed_what_is_ignored() {
    let critics: [fn(&Repo); 3] = [
        |repo| repo.write(".gitignore", "#\n"),
        |repo| repo.remove(".gitignore"),
        |repo| repo.write("deps/.gitignore", "!*\n"),
    ];
    for critic in critics {
        each_way(|way| {
            let repo = Repo::new(way);
            repo.write(".gitignore", ".env\ndeps/*\n");
            repo.commit("ignores");
            repo.write(".env", "secret\n");
            repo.write("deps/x/index.js", "m\n");
            let run = repo.begin();
            run.capture(1);
            critic(&repo);
            repo.write("critics", "own\n");
            let check = run.check();
            assert_restored(&check, true);
            assert_eq!(repo.read(".env"), "secret\n");
            assert_eq!(repo.read("deps/x/index.js"), "m\n");
            assert_eq!(repo.read(".gitignore"), ".env\ndeps/*\n");
            assert!(!repo.path("critics").exists());
            let TreeCheck::Changed { files, .. } = check else { unreachable!() };
            assert!(!files.iter().any(|file| file == ".env" || file.contains("/x/")), "{files:?}");
            assert_eq!(run.check(), TreeCheck::Unchanged);
        });
    }
}

/// A check, in the middle of which, when files are made to be put back, a user works on.
fn with_a_user_at_work(critic: fn(&Repo), user: fn(&Repo), then: fn(&Repo, &TreeCheck)) {
    each_way(|way: Way| {
        let repo = Repo::new(way);
        let [started, go] = [repo.path(".git/started"), repo.path(".git/go")];
        let (at, until) = (started.display(), go.display());
        let slow = format!("touch '{at}'; until test -e '{until}'; do sleep 0.02; done; cat");
        fs::write(&go, "").unwrap();
        repo.git(&["config", "filter.slow.smudge", &slow]);
        repo.write(".gitattributes", "a.txt filter=slow\n");
        repo.write("b.txt", "before\n");
        repo.commit("slow");
        let run = repo.begin();
        run.capture(1);
        repo.write("a.txt", "critic\n");
        critic(&repo);
        fs::remove_file(&go).unwrap();
        fs::remove_file(&started).ok();
        let check = run.check_until(
            || started.exists(),
            || {
                user(&repo);
                fs::write(&go, "").unwrap();
            },
        );
        then(&repo, &check);
    });
}

#[test]
fn what_a_user_writes_while_files_are_put_back_stays() {
    with_a_user_at_work(
        |repo| {
            repo.write("b.txt", "critic\n");
            repo.write("c.txt", "critic\n");
        },
        |repo| {
            repo.write("b.txt", "the user's\n");
            repo.write("c.txt", "the user's\n");
        },
        |repo, check| {
            assert_restored(check, false);
            let texts = ["b.txt", "c.txt"].map(|file| repo.read(file));
            assert_eq!(texts, ["the user's\n", "the user's\n"]);
            assert_eq!(repo.read("a.txt"), "one\ntwo\nthree\n");
            assert_eq!(repo.git(&["show", &format!("{}:b.txt", kept("-left"))]), "the user's");
        },
    );
}

#[test]
fn what_a_user_commits_while_files_are_put_back_stays() {
    with_a_user_at_work(
        |repo| repo.commit("the critic's"),
        |repo| drop(repo.git(&["commit", "-q", "--allow-empty", "-m", "the user's"])),
        |repo, check| {
            assert_restored(check, false);
            assert_eq!(repo.git(&["log", "-1", "--format=%s"]), "the user's");
        },
    );
}

/// What a program made of a file, nobody can tell from what git stored.
#[test]
fn a_file_that_went_through_a_filter_is_left_as_it_is() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.git(&["config", "filter.mask.clean", "sed s/key=[a-z0-9]*/key=XXXX/"]);
        repo.git(&["config", "filter.mask.smudge", "cat"]);
        repo.write(".gitattributes", "conf filter=mask\n");
        repo.write("conf", "key=ab12\n");
        repo.commit("mask");
        let run = repo.begin();
        run.capture(1);
        repo.write("conf", "key=ab12\n#\n");
        assert_restored(&run.check(), false);
        assert_eq!(repo.read("conf"), "key=ab12\n#\n");
    });
}

#[test]
fn the_bytes_of_what_is_removed_are_kept_where_git_stores_others() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.git(&["config", "filter.strip.clean", "head -1"]);
        repo.write(".gitattributes", "*.nb filter=strip\n");
        repo.commit("strip");
        let run = repo.begin();
        run.capture(1);
        repo.write("new.nb", "1\n2\n3\n");
        assert_restored(&run.check(), true);
        assert!(!repo.path("new.nb").exists());
        assert_eq!(repo.git(&["show", &format!("{}:new.nb", kept(""))]), "1");
        assert_eq!(repo.git(&["show", &format!("{}:new.nb", kept("-raw"))]), "1\n2\n3");
    });
}
