//! What a critic changes is found, kept and put back.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use codeloops_adapters::git::Way;
use codeloops_event::{TreeCheck, TreeId};

use crate::each_way;
use crate::repo::{OTHER_RUN, RUN, Repo, Run, git_command};

/// Lets the actor work, then the critic, and has the check put back what the critic did.
#[track_caller]
fn put_back(critic: impl Fn(&Repo), files: &[&str], head: bool, index: bool) {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.git(&["branch", "other"]);
        repo.write("keep.log", "ignored\n");
        let run = repo.begin();
        repo.write("a.txt", "actor\n");
        repo.chmod("a.txt", 0o755);
        repo.write("new.txt", "new\n");
        repo.git(&["add", "new.txt"]);
        let snapshot = run.capture(1).tree;
        let before = repo.users_state();

        critic(&repo);
        let kept_as = format!("refs/codeloops/{RUN}/critic-1-2");
        let check = run.check();
        assert_eq!(
            check,
            TreeCheck::Changed {
                kept_as: kept_as.clone(),
                tree: Some(TreeId(repo.git(&["rev-parse", &kept_as]))),
                files: files.iter().map(ToString::to_string).collect(),
                head_moved: head,
                index_changed: index,
                restored: true,
            }
        );
        assert_eq!(repo.users_state(), before);
        assert_eq!(repo.read("a.txt"), "actor\n");
        assert_eq!(repo.read("keep.log"), "ignored\n");
        let mode = fs::metadata(repo.path("a.txt")).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111);
        assert_eq!(repo.git(&["cat-file", "-t", &kept_as]), "tree");
        assert_eq!(run.check(), TreeCheck::Unchanged);
        assert_eq!(run.capture(2).tree, snapshot);
    });
}

#[test]
fn edited_added_and_deleted_files_are_put_back() {
    put_back(
        |repo| {
            repo.write("a.txt", "critic\n");
            repo.chmod("a.txt", 0o644);
            repo.write("deep/er/added", "x\n");
            repo.remove("dir/b.txt");
        },
        &["a.txt", "deep/er/added", "dir/b.txt"],
        false,
        false,
    );
}

#[test]
fn swapped_types_are_put_back() {
    put_back(
        |repo| {
            fs::remove_dir_all(repo.path("dir")).unwrap();
            symlink("/", repo.path("dir")).unwrap();
            repo.remove("new.txt");
            repo.write("new.txt/inner/file", "x\n");
        },
        &["dir", "dir/b.txt", "new.txt", "new.txt/inner/file"],
        false,
        false,
    );
}

#[test]
fn a_commit_of_the_critic_is_put_back() {
    put_back(|repo| repo.commit("critic's"), &[], true, true);
}

#[test]
fn a_switched_branch_and_a_detached_head_are_put_back() {
    put_back(|repo| drop(repo.git(&["switch", "-q", "other"])), &[], true, false);
    put_back(|repo| drop(repo.git(&["switch", "-q", "--detach"])), &[], true, false);
}

#[test]
fn a_reset_is_put_back() {
    put_back(|repo| drop(repo.git(&["reset", "-q", "--hard"])), &["a.txt", "new.txt"], false, true);
}

#[test]
fn staging_is_put_back() {
    put_back(|repo| drop(repo.git(&["add", "a.txt"])), &[], false, true);
}

#[test]
fn a_stash_of_the_critic_is_put_back_but_for_the_stash_itself() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        repo.write("a.txt", "actor\n");
        run.capture(1);
        repo.git(&["stash", "-q"]);
        assert!(matches!(run.check(), TreeCheck::Changed { restored: true, .. }));
        assert_eq!(repo.read("a.txt"), "actor\n");
    });
}

#[test]
fn a_first_commit_of_the_critic_is_put_back() {
    each_way(|way| {
        let repo = Repo::empty(way, &[]);
        repo.write("a.txt", "x\n");
        let run = repo.begin();
        run.capture(1);
        repo.commit("critic's");
        let check = run.check();
        assert!(
            matches!(check, TreeCheck::Changed { head_moved: true, restored: true, .. }),
            "{check:?}"
        );
        assert!(!repo.try_git(&["rev-parse", "--verify", "-q", "HEAD"]).status.success());
        assert_eq!(repo.git(&["status", "--porcelain"]), "?? a.txt");
    });
}

#[test]
fn a_renewed_index_is_no_change() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        run.capture(1);
        let a = repo.path("a.txt");
        let file = fs::File::options().write(true).open(a).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(1000)).unwrap();
        repo.git(&["update-index", "--refresh"]);
        assert_eq!(run.check(), TreeCheck::Unchanged);
    });
}

#[test]
fn a_change_of_equal_size_in_the_same_tick_is_found() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.write("tracked", "0000\n");
        repo.commit("tracked");
        let run = repo.begin();
        for round in 0..20 {
            repo.write("tracked", format!("{round:04}\n"));
            repo.write("untracked", format!("{round:04}\n"));
            run.capture(1);
            repo.write("tracked", format!("{round:04}\n").replace('0', "x"));
            repo.write("untracked", format!("{round:04}\n").replace('0', "x"));
            let TreeCheck::Changed { files, .. } = run.check_with(false) else {
                panic!("round {round}: the change was not seen");
            };
            assert_eq!(files, ["tracked", "untracked"]);
        }
    });
}

#[test]
fn what_is_equal_to_the_base_and_changes_in_the_same_tick_is_found() {
    each_way(|way| {
        for _ in 0..5 {
            let repo = Repo::new(way);
            repo.write("a.txt", "1111\n");
            repo.git(&["add", "a.txt"]);
            repo.write("a.txt", "2222\n");
            let run = repo.begin();
            repo.write("a.txt", "3333\n");
            let diff = run.capture(1);
            assert!(diff.diff.contains("-2222\n+3333\n"), "{}", diff.diff);
        }
    });
}

#[test]
fn nothing_is_put_back_where_it_is_switched_off_or_another_run_works_there() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        run.capture(1);
        let changes = |text, restore| {
            repo.write("a.txt", text);
            match run.check_with(restore) {
                TreeCheck::Changed { restored, .. } => restored,
                other => panic!("{other:?}"),
            }
        };
        assert!(!changes("critic\n", false));
        let other = repo.open(&repo.root, OTHER_RUN, &repo.options()).unwrap();
        assert!(!changes("critic again\n", true));
        assert_eq!(repo.read("a.txt"), "critic again\n");
        drop(other);
        assert!(!changes("and again\n", true), "it worked there since the last look");
        assert!(changes("at last\n", true));
        assert_eq!(repo.read("a.txt"), "and again\n", "that had been left in place");
    });
}

#[test]
fn ignored_files_are_never_deleted_to_put_something_back() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        run.capture(1);
        repo.remove("a.txt");
        repo.write("a.txt/precious.log", "p\n");
        let TreeCheck::Changed { restored: false, files, .. } = run.check() else {
            panic!("not told")
        };
        assert_eq!(files, ["a.txt"]);
        assert_eq!(repo.read("a.txt/precious.log"), "p\n");
    });
}

#[test]
fn a_submodule_that_the_critic_moved_is_told_and_nothing_is_put_back() {
    each_way(|way| {
        let library = Repo::new(way);
        let repo = Repo::new(way);
        repo.git(&["submodule", "--quiet", "add", library.root.to_str().unwrap(), "sub"]);
        repo.commit("submodule");
        let run = repo.begin();
        run.capture(1);

        repo.write("a.txt", "critic\n");
        let commit = ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "--allow-empty"];
        let commit = [&commit[..], &["-m", "moved"]].concat();
        assert!(git_command(&repo.path("sub"), &commit).status().unwrap().success());
        let kept_as = format!("refs/codeloops/{RUN}/critic-1-2");
        let check = run.check();
        assert_eq!(
            check,
            TreeCheck::Changed {
                kept_as: kept_as.clone(),
                tree: Some(TreeId(repo.git(&["rev-parse", &kept_as]))),
                files: vec!["a.txt".to_owned(), "sub".to_owned()],
                head_moved: false,
                index_changed: false,
                restored: false,
            }
        );
        assert_eq!(repo.read("a.txt"), "critic\n");
        let moved = repo.git(&["-C", "sub", "rev-parse", "HEAD"]);
        assert_eq!(repo.git(&["rev-parse", &format!("{kept_as}:sub")]), moved);
    });
}

#[test]
fn a_locked_index_is_respected() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        run.capture(1);
        repo.git(&["rm", "-q", "--cached", "a.txt"]);
        repo.write(".git/index.lock", "");
        repo.write("a.txt", "critic\n");
        let check = run.check();
        assert!(matches!(check, TreeCheck::Changed { restored: false, .. }), "{check:?}");
        assert_eq!(repo.read("a.txt"), "critic\n", "all of it or nothing");
        repo.remove(".git/index.lock");
    });
}

#[test]
fn the_check_needs_no_capture_before_it() {
    let repo = Repo::new(Way::Auto);
    let run = repo.begin();
    assert_eq!(run.check(), TreeCheck::Unchanged);
}

/// A critic's change to a file whose filter, once it has begun, waits for a file to go on.
fn with_slow_filter(way: Way, filter: &str, check: impl Fn(&Repo, &Run<'_>, &[PathBuf; 2])) {
    let repo = Repo::new(way);
    let [started, go] = [repo.path(".git/started"), repo.path(".git/go")];
    let slow = format!(
        "touch '{}'; until test -e '{}'; do sleep 0.02; done; cat",
        started.display(),
        go.display()
    );
    fs::write(&go, "").unwrap();
    repo.git(&["config", &format!("filter.slow.{filter}"), &slow]);
    repo.write(".gitattributes", "a.txt filter=slow\n");
    repo.commit("slow");
    let run = repo.begin();
    run.capture(1);
    repo.write("a.txt", "critic\n");
    repo.git(&["rm", "-q", "--cached", "a.txt"]);
    fs::remove_file(&go).unwrap();
    fs::remove_file(&started).ok();
    check(&repo, &run, &[started, go]);
}

#[test]
fn a_check_that_is_to_end_finishes_what_it_puts_back_and_tells_of_it() {
    each_way(|way| {
        with_slow_filter(way, "smudge", |repo, run, [started, go]| {
            let is_time = || started.exists();
            let check = run.check_until(is_time, || fs::write(go, "").unwrap());
            let TreeCheck::Changed { restored: true, kept_as, .. } = &check else {
                panic!("{check:?}")
            };
            assert_eq!(kept_as, &format!("refs/codeloops/{RUN}/critic-1-2"));
            assert_eq!(repo.read("a.txt"), "one\ntwo\nthree\n");
            assert_eq!(repo.git(&["status", "--porcelain"]), "");
            assert!(!repo.path(".git/index.lock").exists());
        });
    });
}

#[test]
fn a_check_that_is_to_end_puts_nothing_back_that_it_had_not_begun_to() {
    each_way(|way| {
        with_slow_filter(way, "clean", |repo, run, [started, go]| {
            let check = run.check_until(|| started.exists(), || {});
            let error = "given up at the user's request".to_owned();
            assert_eq!(check, TreeCheck::Failed { error });
            fs::write(go, "").unwrap();
            // It waits until the first is through.
            let TreeCheck::Failed { error } = run.check() else { panic!("not told") };
            assert!(error.ends_with("the run is over"), "{error}");
            assert_eq!(repo.read("a.txt"), "critic\n");
        });
    });
}

/// It may be the user who committed and staged while the critic was at work.
#[test]
fn what_is_put_back_is_kept_under_refs() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.git(&["branch", "other"]);
        let run = repo.begin();
        run.capture(1);
        let kept = |what: &str| {
            repo.git(&["rev-parse", &format!("refs/codeloops/{RUN}/critic-1-2{what}")])
        };

        repo.write("a.txt", "committed\n");
        repo.commit("the user's");
        let on_branch = repo.git(&["rev-parse", "HEAD"]);
        repo.git(&["switch", "-q", "other"]);
        repo.git(&["commit", "-q", "--allow-empty", "-m", "on the other"]);
        let at_head = repo.git(&["rev-parse", "HEAD"]);
        repo.write("a.txt", "staged\n");
        repo.git(&["add", "a.txt"]);
        repo.write("a.txt", "not staged\n");

        let check = run.check();
        assert!(matches!(check, TreeCheck::Changed { restored: true, .. }), "{check:?}");
        assert_eq!(repo.read("a.txt"), "one\ntwo\nthree\n");
        assert_eq!(repo.git(&["status", "--porcelain"]), "");
        assert_eq!(kept("-head"), at_head);
        assert_eq!(kept("-branch"), on_branch);
        assert_eq!(repo.git(&["show", &format!("{}:a.txt", kept("-index"))]), "staged");
        assert_eq!(repo.git(&["show", &format!("{}:a.txt", kept(""))]), "not staged");
    });
}

#[test]
fn an_index_with_conflicts_is_kept_as_a_file() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.git(&["switch", "-qc", "other"]);
        repo.write("a.txt", "theirs\n");
        repo.commit("theirs");
        repo.git(&["switch", "-q", "main"]);
        repo.write("a.txt", "ours\n");
        repo.commit("ours");
        let run = repo.begin();
        run.capture(1);
        assert!(!repo.try_git(&["merge", "-q", "other"]).status.success());
        let index = fs::read(repo.path(".git/index")).unwrap();

        assert!(matches!(run.check(), TreeCheck::Changed { restored: true, .. }));
        let name = format!("refs/codeloops/{RUN}/critic-1-2-index");
        assert_eq!(repo.try_git(&["cat-file", "blob", &name]).stdout, index);
    });
}

fn mode(repo: &Repo, name: &str) -> u32 {
    fs::metadata(repo.path(name)).unwrap().permissions().mode() & 0o7777
}

#[test]
fn permissions_hard_links_and_empty_folders_are_put_back() {
    each_way(|way| {
        let repo = Repo::new(way);
        let others = repo.root.parent().unwrap().join("others");
        fs::write(&others, "others\n").unwrap();
        for name in ["secret", "replaced", "deleted"] {
            repo.write(name, "key\n");
            repo.chmod(name, 0o600);
        }
        fs::hard_link(repo.path("secret"), repo.path("link")).unwrap();
        repo.chmod("a.txt", 0o640);
        fs::create_dir(repo.path("empty")).unwrap();
        let run = repo.begin();
        repo.write("new", "actor\n");
        repo.chmod("new", 0o700);
        run.capture(1);

        for round in 0..2 {
            for name in ["secret", "a.txt", "empty/x", "deep/er/x"] {
                repo.write(name, "critic\n");
            }
            for name in ["deleted", "replaced", "new", "dir/b.txt"] {
                repo.remove(name);
            }
            repo.write("new", "critic\n");
            fs::hard_link(&others, repo.path("replaced")).unwrap();
            let check = run.check();
            assert!(
                matches!(check, TreeCheck::Changed { restored: true, .. }),
                "{round} {check:?}"
            );

            for name in ["secret", "link", "replaced", "deleted"] {
                assert_eq!(
                    (repo.read(name).as_str(), mode(&repo, name)),
                    ("key\n", 0o600),
                    "{name}"
                );
            }
            assert_eq!((mode(&repo, "a.txt"), mode(&repo, "new")), (0o640, 0o700));
            let links = fs::metadata(repo.path("link")).unwrap().nlink();
            assert_eq!(links, 2, "it is still the same file");
            assert_eq!(fs::read_to_string(&others).unwrap(), "others\n");
            assert!(repo.path("empty").is_dir() && !repo.path("deep").exists());
        }
    });
}

#[test]
fn a_file_that_git_stores_otherwise_is_not_altered_to_put_it_back() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.git(&["config", "core.autocrlf", "input"]);
        repo.write("crlf.txt", "a\r\nb\r\n");
        let run = repo.begin();
        repo.write("actors.txt", "a\r\nb\r\n");
        run.capture(1);
        for name in ["crlf.txt", "actors.txt"] {
            repo.write(name, "a\r\nb\r\nc\r\n");
            repo.write("a.txt", "critic\n");
            let check = run.check();
            assert!(matches!(check, TreeCheck::Changed { restored: false, .. }), "{check:?}");
            assert_eq!(repo.read(name), "a\r\nb\r\nc\r\n");
            assert_eq!(repo.read("a.txt"), "critic\n", "all of it or nothing");
            repo.write(name, "a\r\nb\r\n");
            repo.write("a.txt", "one\ntwo\nthree\n");
            run.capture(2);
        }
        repo.write("a.txt", "critic\n");
        let check = run.check();
        assert!(matches!(check, TreeCheck::Changed { restored: true, .. }), "{check:?}");
        assert_eq!(repo.read("a.txt"), "one\ntwo\nthree\n");
    });
}

#[test]
fn a_file_that_git_converts_both_ways_is_put_back() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.write(".gitattributes", "crlf.txt text eol=crlf\n");
        repo.write("crlf.txt", "a\r\nb\r\n");
        repo.commit("crlf");
        let run = repo.begin();
        run.capture(1);
        repo.write("crlf.txt", "critic\r\n");
        repo.write(".gitattributes", "crlf.txt text eol=lf\n");
        let check = run.check();
        assert!(matches!(check, TreeCheck::Changed { restored: true, .. }), "{check:?}");
        assert_eq!(repo.read("crlf.txt"), "a\r\nb\r\n");
    });
}

#[test]
fn nothing_is_put_back_through_a_link() {
    each_way(|way| {
        let repo = Repo::new(way);
        let outside = repo.root.parent().unwrap().join("outside");
        fs::create_dir(&outside).unwrap();
        repo.write(".gitignore", "*.log\nsub.log\n");
        repo.write("sub.log/c.txt", "see\n");
        repo.git(&["add", "-f", "sub.log/c.txt"]);
        repo.commit("in an ignored folder");
        let run = repo.begin();
        run.capture(1);
        fs::remove_dir_all(repo.path("sub.log")).unwrap();
        symlink(&outside, repo.path("sub.log")).unwrap();
        assert!(matches!(run.check(), TreeCheck::Changed { restored: false, .. }));
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    });
}

#[test]
fn rules_and_hooks_of_the_repository_are_put_back() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.write(".git/info/exclude", "before\n");
        repo.write(".git/hooks/pre-commit", "#!/bin/sh\n");
        repo.chmod(".git/hooks/pre-commit", 0o755);
        let outside = repo.root.parent().unwrap().join("outside");
        fs::write(&outside, "outside\n").unwrap();
        let run = repo.begin();
        repo.write("new.txt", "actor\n");
        repo.write(".git/info/exclude", "before\nactor\n");
        run.capture(1);
        let config = repo.read(".git/config");

        repo.remove(".git/info/exclude");
        repo.write("hides", "new.txt\n");
        fs::hard_link(repo.path("hides"), repo.path(".git/info/exclude")).unwrap();
        repo.git(&["config", "core.fsmonitor", "evil"]);
        repo.write(".git/hooks/pre-commit", "evil\n");
        repo.write(".git/hooks/post-commit", "evil\n");
        let hooks = [".git/hooks/post-commit", ".git/hooks/pre-commit"];
        let TreeCheck::Changed { files, restored, kept_as, .. } = run.check() else {
            panic!("not told");
        };
        for name in hooks.into_iter().chain([".git/config", ".git/info/exclude", "hides"]) {
            assert!(files.iter().any(|file| file == name), "{name}: {files:?}");
        }
        assert_eq!((files.len(), restored), (5, true), "{files:?}");
        assert_eq!(repo.read(".git/info/exclude"), "before\nactor\n");
        assert_eq!(repo.read(".git/config"), config);
        assert_eq!(repo.read(".git/hooks/pre-commit"), "#!/bin/sh\n");
        assert_eq!(mode(&repo, ".git/hooks/pre-commit"), 0o755);
        assert!(!repo.path(".git/hooks/post-commit").exists());
        let kept =
            repo.git(&["for-each-ref", "--format=%(objectname)", &format!("{kept_as}-git-*")]);
        assert!(kept.lines().any(|blob| repo.git(&["cat-file", "blob", blob]) == "new.txt"));
        assert_eq!(repo.read("new.txt"), "actor\n");
        assert_eq!(run.check(), TreeCheck::Unchanged);

        // A link is never written through.
        repo.remove(".git/info/exclude");
        symlink(&outside, repo.path(".git/info/exclude")).unwrap();
        let check = run.check();
        assert!(matches!(check, TreeCheck::Changed { restored: false, .. }), "{check:?}");
        assert_eq!(fs::read_to_string(&outside).unwrap(), "outside\n");
    });
}

#[test]
fn what_the_critic_changes_in_a_submodule_is_told() {
    each_way(|way| {
        let library = Repo::new(way);
        let repo = Repo::new(way);
        repo.git(&["submodule", "--quiet", "add", library.root.to_str().unwrap(), "sub"]);
        repo.commit("submodule");
        let run = repo.begin();
        let told = || match run.check() {
            TreeCheck::Changed { files, restored: false, .. } => files,
            other => panic!("{other:?}"),
        };
        run.capture(1);
        repo.write("sub/a.txt", "critic\n");
        assert_eq!(told(), ["sub"]);

        // It had uncommitted work already.
        run.capture(2);
        assert_eq!(run.check(), TreeCheck::Unchanged);
        repo.write("sub/a.txt", "critic again\n");
        assert_eq!(told(), ["sub"]);

        // Nor does a repository show that is no submodule.
        repo.write("nested/file", "actor\n");
        assert!(git_command(&repo.path("nested"), &["init", "-q"]).status().unwrap().success());
        run.capture(3);
        assert_eq!(run.check(), TreeCheck::Unchanged);
        repo.write("nested/file", "the critic\n");
        assert_eq!(told(), ["nested"]);
    });
}

/// It leaves an empty folder, which git takes for a submodule that was never fetched.
#[test]
fn a_submodule_that_the_critic_emptied_is_told() {
    each_way(|way| {
        let library = Repo::new(way);
        let repo = Repo::new(way);
        repo.git(&["submodule", "--quiet", "add", library.root.to_str().unwrap(), "sub"]);
        repo.commit("submodule");
        let run = repo.begin();
        run.capture(1);
        repo.git(&["submodule", "--quiet", "deinit", "-f", "sub"]);
        assert!(!repo.path("sub/a.txt").exists());
        let check = run.check();
        let TreeCheck::Changed { files, restored: false, .. } = check else { panic!("{check:?}") };
        assert_eq!(files, [".git/config", "sub"]);
        assert_eq!(run.check(), TreeCheck::Unchanged);
    });
}

/// Begins something that stops at a conflict, lets a critic do away with it, and looks whether the
/// user can go on.
#[track_caller]
fn in_progress_is_put_back(begin: &[&str], critic: impl Fn(&Repo), told: &str) {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.git(&["switch", "-q", "-c", "other"]);
        repo.write("a.txt", "theirs\n");
        repo.commit("theirs");
        repo.git(&["switch", "-q", "main"]);
        repo.write("a.txt", "ours\n");
        repo.commit("ours");
        assert!(!repo.try_git(begin).status.success());
        let run = repo.begin();
        repo.write("a.txt", "the actor's\n");
        run.capture(1);
        let state = || (repo.users_state(), repo.git(&["status"]), repo.operation());
        let before = state();

        critic(&repo);
        assert_ne!(state().2, before.2);
        let check = run.check();
        let TreeCheck::Changed { files, restored: true, .. } = check else { panic!("{check:?}") };
        assert!(files.iter().any(|file| file == told), "{files:?}");
        assert_eq!(state(), before);
        assert_eq!(repo.read("a.txt"), "the actor's\n");
        assert_eq!(run.check(), TreeCheck::Unchanged);
        assert_eq!(run.capture(2).notes, [""; 0]);
    });
}

#[test]
fn a_merge_in_progress_that_the_critic_ended_is_put_back() {
    let merge = ["merge", "other"];
    in_progress_is_put_back(
        &merge,
        |repo| drop(repo.git(&["merge", "--abort"])),
        ".git/MERGE_HEAD",
    );
    in_progress_is_put_back(&merge, |repo| repo.commit("the critic's"), ".git/MERGE_HEAD");
}

#[test]
fn a_cherry_pick_and_a_revert_in_progress_are_put_back() {
    let pick = ["cherry-pick", "other"];
    in_progress_is_put_back(&pick, |repo| repo.commit("picked"), ".git/CHERRY_PICK_HEAD");
    let revert = ["revert", "--no-edit", "HEAD~1"];
    let abort = |repo: &Repo| drop(repo.git(&["revert", "--abort"]));
    in_progress_is_put_back(&revert, abort, ".git/REVERT_HEAD");
}

#[test]
fn a_rebase_in_progress_that_the_critic_ended_is_put_back() {
    let abort = |repo: &Repo| drop(repo.git(&["rebase", "--abort"]));
    let told = ".git/rebase-merge/git-rebase-todo";
    in_progress_is_put_back(&["rebase", "other"], abort, told);
    in_progress_is_put_back(
        &["rebase", "--apply", "other"],
        |repo| drop(repo.git(&["rebase", "--quit"])),
        ".git/rebase-apply/onto",
    );
}

#[test]
fn a_merge_that_the_critic_began_is_ended() {
    put_back(
        |repo| {
            repo.write(".git/rebase-merge/done", "x\n");
            repo.write(".git/MERGE_HEAD", repo.git(&["rev-parse", "other"]) + "\n");
        },
        &[".git/MERGE_HEAD", ".git/rebase-merge/done"],
        false,
        false,
    );
}

#[test]
fn what_is_in_progress_and_too_large_to_keep_is_told_and_nothing_is_put_back() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.write(".git/rebase-apply/0001", vec![b'x'; 2 << 20]);
        let run = repo.begin();
        run.capture(1);
        fs::remove_dir_all(repo.path(".git/rebase-apply")).unwrap();
        repo.write("a.txt", "critic\n");
        let check = run.check();
        let TreeCheck::Changed { files, restored: false, .. } = check else { panic!("{check:?}") };
        assert_eq!(files, [".git/rebase-apply/0001", "a.txt"]);
        assert_eq!(repo.read("a.txt"), "critic\n");
    });
}
