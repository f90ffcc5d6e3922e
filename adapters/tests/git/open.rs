//! Which repositories can be opened, and what the user is told.

use std::fs;
use std::process::Command;

use codeloops_adapters::git::{GitWorkspace, Notice, OpenError, Options, Way};
use codeloops_event::TreeId;

use crate::each_way;
use crate::repo::{OTHER_RUN, RUN, Repo, summary};

#[test]
fn a_folder_without_a_repository_is_refused_in_the_known_words() {
    let repo = Repo::new(Way::Auto);
    let outside = repo.root.parent().unwrap();
    let error = repo.open(outside, RUN, &Options::default()).err().unwrap();
    assert_eq!(error.to_string(), "Not a git repository");
    let inside = repo.open(&repo.path(".git"), RUN, &Options::default()).err().unwrap();
    assert!(matches!(inside, OpenError::NotARepository));
    let nowhere = repo.open(&repo.path("nowhere"), RUN, &Options::default()).err().unwrap();
    assert!(nowhere.to_string().starts_with("cannot enter `"), "{nowhere}");
}

#[test]
fn a_bare_repository_is_refused() {
    let repo = Repo::empty(Way::Auto, &["--bare"]);
    let error = repo.open(&repo.root, RUN, &Options::default()).err().unwrap();
    assert!(matches!(error, OpenError::BareRepository(_)), "{error}");
}

#[test]
fn the_base_names_commit_branch_and_root() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        assert_eq!(run.base.commit_sha, Some(repo.git(&["rev-parse", "HEAD"])));
        assert_eq!(run.base.branch.as_deref(), Some("main"));
        assert_eq!(run.base.root, repo.root);
        assert_eq!(run.warnings, [""; 0]);
        let kept = repo.git(&["rev-parse", &format!("refs/codeloops/{RUN}/0")]);
        assert_eq!(kept, run.base.tree.0);
        drop(run);
        repo.git(&["switch", "-q", "--detach"]);
        assert_eq!(repo.begin().base.branch, None);
    });
}

#[test]
fn from_a_subfolder_the_whole_repository_is_seen() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin_in(&repo.path("dir"));
        repo.write("a.txt", "1\n");
        repo.write("dir/c.txt", "2\n");
        assert_eq!(run.files(), ["M a.txt +1 -3", "A dir/c.txt +1 -0"]);
    });
}

#[test]
fn a_linked_worktree_is_its_own_tree() {
    each_way(|way| {
        let repo = Repo::new(way);
        let linked = repo.root.parent().unwrap().join("linked");
        repo.git(&["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
        let run = repo.begin_in(&linked);
        assert_eq!(run.base.branch.as_deref(), Some("side"));
        fs::write(linked.join("a.txt"), "changed\n").unwrap();
        repo.write("a.txt", "elsewhere\n");
        assert_eq!(run.files(), ["M a.txt +1 -3"]);
        let other = repo.open(&repo.root, OTHER_RUN, &repo.options()).unwrap();
        assert_eq!(other.warnings, [""; 0], "another tree is nobody's business");
    });
}

/// Repositories that libgit2 cannot open.
fn special(init: &str) {
    each_way(|way| {
        let Some(repo) = Repo::try_empty(way, &[init]) else {
            let why = format!("NOT TESTED: this git is too old for `git init {init}`");
            let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!is_ci, "{why}, which CI does not allow");
            println!("{why}");
            return;
        };
        repo.write("a.txt", "one\n");
        repo.commit("first");
        let run = repo.begin();
        repo.write("a.txt", "two\n");
        repo.commit("work");
        let diff = run.capture(1);
        assert_eq!(summary(&diff), ["M a.txt +1 -1"]);
        repo.remove("a.txt");
        repo.git(&["switch", "-qc", "critics"]);
        let check = run.check();
        assert!(matches!(check, codeloops_event::TreeCheck::Changed { restored: true, .. }));
        assert_eq!(
            (repo.read("a.txt").as_str(), repo.git(&["branch", "--show-current"])),
            ("two\n", "main".into())
        );
    });
}

#[test]
fn a_sha256_repository() {
    special("--object-format=sha256");
}

#[test]
fn a_reftable_repository() {
    special("--ref-format=reftable");
}

#[test]
fn a_sparse_checkout_with_a_sparse_index() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.write("out/side/c.txt", "see\n");
        repo.commit("more");
        repo.git(&["sparse-checkout", "init", "--cone", "--sparse-index"]);
        repo.git(&["sparse-checkout", "set", "dir"]);
        assert!(!repo.path("out").exists());
        let before = repo.users_state();
        let run = repo.begin();
        assert_eq!(run.base.tree.0, repo.git(&["rev-parse", "HEAD^{tree}"]));
        assert_eq!(repo.users_state(), before);
        repo.write("dir/b.txt", "changed\n");
        repo.write("out/side/new.txt", "new\n");
        assert_eq!(run.files(), ["M dir/b.txt +1 -1", "A out/side/new.txt +1 -0"]);
    });
}

#[test]
fn a_split_index_and_an_index_of_version_4() {
    for args in [["update-index", "--split-index"], ["update-index", "--index-version=4"]] {
        each_way(|way| {
            let repo = Repo::new(way);
            repo.git(&args);
            let run = repo.begin();
            repo.write("dir/b.txt", "changed\n");
            assert_eq!(run.files(), ["M dir/b.txt +1 -1"]);
        });
    }
}

#[test]
fn another_live_run_in_the_same_tree_is_told_and_a_dead_one_is_not() {
    each_way(|way| {
        let repo = Repo::new(way);
        let folder = repo.path(".git/codeloops");
        repo.write(format!(".git/codeloops/{RUN}.lock"), "");
        repo.write(format!(".git/codeloops/{RUN}.index"), "left by a dead run");
        repo.write(
            ".git/codeloops/01HZZZZZZZZZZZZZZZZZZZZZZZ.objects/pack/tmp_pack_1",
            "left by git",
        );
        let first = repo.open(&repo.root, OTHER_RUN, &repo.options()).unwrap();
        assert_eq!(first.warnings, [""; 0]);
        let left = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
        let foreign = left.filter(|name| !name.to_str().unwrap().starts_with(OTHER_RUN));
        assert_eq!(foreign.count(), 0, "dead runs are cleared up after");

        let second = repo.begin();
        assert!(second.warnings[0].contains(OTHER_RUN), "{:?}", second.warnings);
        let again = repo.open(&repo.root, RUN, &repo.options()).err().unwrap();
        assert!(matches!(again, OpenError::RunIsLive(_)), "{again}");
        drop((first, second));
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0, "a run leaves nothing behind");
    });
}

#[test]
fn an_agent_that_outlived_its_run_is_told() {
    let repo = Repo::new(Way::Auto);
    let run = "01J0000000000000000TESTRVN";
    repo.write(format!(".git/codeloops/{run}.lock"), "");
    let mut agent = Command::new("sleep").arg("1000").env("CODELOOPS_RUN_ID", run).spawn().unwrap();
    let warnings = repo.begin().warnings;
    let pid = agent.id();
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert!(warnings[0].ends_with(&format!("kill {pid}")), "{warnings:?}");
}

/// A process that is killed while it writes a ref leaves the lock of that ref. Refs are shared by all
/// working trees of a repository, runs are not.
#[test]
fn locks_that_dead_runs_left_on_their_refs_are_removed() {
    each_way(|way| {
        let repo = Repo::new(way);
        let linked = repo.root.parent().unwrap().join("linked");
        repo.git(&["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
        let living = repo.open(&linked, OTHER_RUN, &repo.options()).unwrap();
        repo.write(format!(".git/codeloops/{RUN}.lock"), "");
        let of_dead = [RUN, "01HZZZZZZZZZZZZZZZZZZZZZZZ"].map(|run| lock_of(run, "1"));
        let of_living = lock_of(OTHER_RUN, "1");
        let of_others = [".git/refs/heads/main.lock", ".git/refs/codeloops/notes/1.lock"];
        let kept = [&of_living[..], of_others[0], of_others[1]];
        for lock in of_dead.iter().map(String::as_str).chain(kept) {
            repo.write(lock, "");
        }

        let third = repo.open(&repo.root, "01ARZ3NDEKTSV4RRFFQ69G5FAW", &repo.options()).unwrap();
        for lock in &of_dead {
            assert!(!repo.path(lock).exists(), "{lock} is left");
        }
        for lock in kept {
            assert!(repo.path(lock).exists(), "{lock} is not ours to remove");
        }
        drop(third);
        drop(living);
        assert!(!repo.path(of_living).exists(), "a run that ends takes its own away");
        repo.git(&["update-ref", "-d", &format!("refs/codeloops/{OTHER_RUN}/0")]);
    });
}

/// What a kill leaves in the middle of a put-back: the lock, and the draft that is the same file.
#[test]
fn locks_that_dead_runs_left_on_files_of_the_user_are_removed() {
    each_way(|way| {
        let repo = Repo::new(way);
        let linked = repo.root.parent().unwrap().join("linked");
        repo.git(&["worktree", "add", "-q", "-b", "side", linked.to_str().unwrap()]);
        let living = repo.open(&linked, OTHER_RUN, &repo.options()).unwrap();
        let of_linked = ".git/worktrees/linked/codeloops";
        let leave = |draft: String, lock: &str| {
            repo.write(&draft, "content");
            fs::hard_link(repo.path(&draft), repo.path(lock)).unwrap();
        };
        leave(format!(".git/codeloops/{RUN}.draft"), ".git/index.lock");
        leave(format!("{of_linked}/{RUN}.draft"), ".git/config.lock");
        leave(".git/codeloops/01ARZ3NDEKTSV4RRFFQ69G5FAX.draft".into(), ".git/refs/stash.lock");
        leave(format!("{of_linked}/{OTHER_RUN}.draft"), ".git/info/exclude.lock");
        // Of another git, at work at this moment.
        repo.write(".git/HEAD.lock", "content");
        repo.write(".git/info/attributes.lock", "content");

        let next = repo.open(&repo.root, "01ARZ3NDEKTSV4RRFFQ69G5FAW", &repo.options()).unwrap();
        let is_there = |lock: &str| repo.path(format!(".git/{lock}")).exists();
        assert!(!is_there("index.lock") && !is_there("config.lock"), "the user's git is held up");
        assert!(!is_there("refs/stash.lock"), "the user's git is held up");
        assert!(is_there("info/exclude.lock"), "that run is at work");
        assert!(is_there("HEAD.lock") && is_there("info/attributes.lock"), "not ours to remove");
        drop((next, living));
        assert!(!is_there("info/exclude.lock"), "a run that ends takes its own away");
    });
}

fn lock_of(run: &str, number: &str) -> String {
    format!(".git/refs/codeloops/{run}/{number}.lock")
}

#[test]
fn a_resumed_run_goes_on_from_its_own_base() {
    each_way(|way| {
        let repo = Repo::new(way);
        let base = {
            let run = repo.begin();
            repo.write("a.txt", "one\nactor\nthree\n");
            run.capture(1);
            run.base.tree.clone()
        };
        repo.write("later.txt", "by hand\n");
        let options = Options { resume_from: Some(base.clone()), ..repo.options() };
        let run = repo.open(&repo.root, RUN, &options).unwrap();
        assert_eq!(run.base.tree, base);
        assert_ne!(run.base.now, base);
        assert_eq!(summary(&run.capture(2)), ["M a.txt +1 -1", "A later.txt +1 -0"]);
        drop(run);
        let gone = TreeId("1234567890123456789012345678901234567890".to_owned());
        let options = Options { resume_from: Some(gone), ..repo.options() };
        let error = repo.open(&repo.root, RUN, &options).err().unwrap();
        assert!(matches!(error, OpenError::BaseMissing(_)), "{error}");
    });
}

#[test]
fn evidence_inside_the_repository_is_left_out() {
    each_way(|way| {
        let repo = Repo::new(way);
        let runs = repo.path(".codeloops/runs");
        let options = Options { excluded: vec![runs], ..repo.options() };
        repo.write(".codeloops/runs/x/run.json", "{}\n");
        let run = repo.open(&repo.root, RUN, &options).unwrap();
        repo.write(".codeloops/runs/x/actor.stdout", "hello\n");
        repo.write(".codeloops/other", "kept\n");
        assert_eq!(run.files(), ["A .codeloops/other +1 -0"]);
        assert!(!repo.git(&["ls-tree", "-r", &run.base.tree.0]).contains("run.json"));
    });
}

#[test]
fn a_large_untracked_folder_is_told_before_it_is_copied() {
    let repo = Repo::new(Way::Auto);
    fs::File::create(repo.path("huge")).unwrap().set_len(201 << 20).unwrap();
    let objects = || repo.git(&["count-objects"]);
    let before = objects();
    let mut told = Vec::new();
    let mut warn = |warning: Notice| told.push((warning.text, objects()));
    let (_workspace, _) = GitWorkspace::open(
        &repo.root,
        &RUN.parse().unwrap(),
        &repo.evidence(),
        &repo.options(),
        &mut warn,
    )
    .unwrap();
    let [(warning, then)] = &told[..] else { panic!("{told:?}") };
    assert!(warning.starts_with("1 untracked files (210 MB) are now copied"), "{warning}");
    assert_eq!(*then, before, "nothing was copied yet");
    assert_ne!(objects(), before);
}

#[test]
fn a_working_tree_that_is_removed_is_a_clear_error() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        fs::remove_dir_all(&repo.root).unwrap();
        let error = run.try_capture(1).unwrap_err();
        assert!(error.starts_with("the working tree `"), "{error}");
    });
}
