//! What can stop git, hide work from it, or make it run programs of the repository's choice.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use codeloops_adapters::git::Way;
use codeloops_event::TreeCheck;

use crate::each_way;
use crate::repo::{RUN, Repo, git_command, summary};

#[test]
fn nested_repositories_do_not_stop_it_and_are_told() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        for name in ["empty", "full"] {
            repo.write(format!("{name}/file"), "hidden\n");
            assert!(git_command(&repo.path(name), &["init", "-q"]).status().unwrap().success());
        }
        let identity = ["-c", "user.name=t", "-c", "user.email=t@t"];
        for args in [&["add", "-A"][..], &["commit", "-qm", "x"]] {
            let args = [&identity, args].concat();
            assert!(git_command(&repo.path("full"), &args).status().unwrap().success());
        }
        repo.write("a.txt", "seen\n");
        let diff = run.capture(1);
        assert_eq!(summary(&diff), ["M a.txt +1 -3", "A full +1 -0"]);
        for told in ["`empty` is a git repository of its own without", "`full` is a git repository"]
        {
            assert!(diff.notes.iter().any(|note| note.contains(told)), "{:?}", diff.notes);
        }
    });
}

#[test]
fn hiding_bits_hide_nothing() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.write("gone.txt", "gone\n");
        repo.write("late.txt", "late\n");
        repo.commit("more");
        repo.git(&["update-index", "--assume-unchanged", "a.txt"]);
        repo.git(&["update-index", "--skip-worktree", "dir/b.txt", "gone.txt"]);
        repo.remove("gone.txt");
        let before = repo.users_state();
        let run = repo.begin();
        assert_eq!(run.warnings.len(), 2, "{:?}", run.warnings);

        // The actor may set bits too.
        repo.git(&["update-index", "--assume-unchanged", "late.txt"]);
        for name in ["a.txt", "dir/b.txt", "gone.txt", "late.txt"] {
            repo.write(name, "changed\n");
        }
        let files = ["M a.txt +1 -3", "M dir/b.txt +1 -1", "M gone.txt +1 -1", "M late.txt +1 -1"];
        assert_eq!(run.files(), files);
        repo.git(&["update-index", "--no-assume-unchanged", "late.txt"]);
        assert_eq!(repo.users_state().3.lines().count(), 1, "the user's own bits are still set");
        drop(before);
    });
}

/// Agents can write to `.git`, where the run has its own files.
#[test]
fn work_cannot_be_hidden_in_the_runs_own_index() {
    each_way(|way| {
        for hide in
            [&["add", "a.txt", "new.txt"][..], &["update-index", "--assume-unchanged", "a.txt"]]
        {
            let repo = Repo::new(way);
            let run = repo.begin();
            repo.write("a.txt", "hidden\n");
            repo.write("new.txt", "hidden\n");
            let index = repo.path(format!(".git/codeloops/{RUN}.index"));
            let done = git_command(&repo.root, hide).env("GIT_INDEX_FILE", &index).status();
            assert!(done.unwrap().success());
            let error = run.try_capture(1).unwrap_err();
            assert!(error.contains(".index` was changed by something else"), "{error}");
        }
    });
}

#[test]
fn no_forged_copy_of_the_users_index_is_put_back() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        run.capture(1);
        repo.git(&["rm", "-q", "--cached", "a.txt"]);
        let index = fs::read(repo.path(".git/index")).unwrap();
        repo.write(format!(".git/codeloops/{RUN}.kept"), &index);
        let TreeCheck::Failed { error } = run.check() else { panic!("not told") };
        assert!(error.contains(".kept` was changed by something else"), "{error}");
    });
}

#[test]
fn what_git_is_told_to_ignore_during_the_run_is_told_to_the_critic() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        assert_eq!(run.capture(1).notes, [""; 0]);
        repo.write(".git/info/exclude", "evil.sh\n");
        repo.write("evil.sh", "rm -rf\n");
        let notes = run.capture(2).notes;
        assert!(notes[0].contains("`.git/info/exclude` changed"), "{notes:?}");
        repo.git(&["config", "core.excludesFile", ".git/more"]);
        assert!(run.capture(3).notes[1].contains("`.git/config` changed"));
    });
}

#[test]
fn ignore_rules_that_hide_themselves_are_told_to_the_critic() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.write("mine/.gitignore", "*\n");
        repo.write("mine/notes", "of the user\n");
        repo.write("dir/.gitignore", "nothing\n");
        repo.write("kept/.gitignore", ".gitignore\n");
        repo.write("kept/file", "kept\n");
        repo.commit("more");
        repo.wait_for_a_tick();
        let run = repo.begin();
        assert_eq!(run.capture(1).notes, [""; 0]);

        let told = |iteration| {
            let diff = run.capture(iteration);
            assert_eq!(summary(&diff), ["M dir/.gitignore +1 -1", "A new/seen.rs +1 -0"]);
            let [rules, hidden] = &diff.notes[..] else { panic!("{:?}", diff.notes) };
            let (rules, _) = rules.split_once(" came or changed since the run began").unwrap();
            let (_, hidden) = hidden.split_once("written since the run began: ").unwrap();
            format!("{rules} hide {hidden}")
        };
        // A rule that git shows needs no note, a cache that another rule names neither.
        repo.write("dir/.gitignore", "target/\n");
        repo.write("dir/target/.gitignore", "*\n");
        repo.write("new/seen.rs", "seen\n");
        repo.write(".git/codeloops/.gitignore", "*\n");
        repo.write(".gitignore.d/x.log", "ignored all along\n");
        repo.write("a/.gitignore", "*\n");
        repo.write("a/hidden.rs", "hidden\n");
        assert_eq!(told(2), "`a/.gitignore` hide `a/hidden.rs`");
        repo.write("new/.gitignore", ".gitignore\nhidden.rs\n");
        repo.write("new/deep/deeper/.gitignore", "*\n");
        repo.write("kept/.gitignore", ".gitignore\n*.rs\n");
        repo.write("kept/hidden.rs", "hidden\n");
        assert_eq!(
            told(3),
            "`a/.gitignore`, `kept/.gitignore`, `new/.gitignore`, `new/deep/deeper/.gitignore` hide \
             `a/hidden.rs`, `kept/hidden.rs`"
        );
    });
}

#[test]
fn a_rule_at_the_root_that_hides_everything_is_told_with_what_it_hides() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.remove(".gitignore");
        repo.write("old/file", "old\n");
        repo.commit("no rules");
        repo.write("old/untracked", "of the user\n");
        repo.wait_for_a_tick();
        let run = repo.begin();
        repo.write(".gitignore", "*\n");
        repo.write("old/evil.rs", "evil\n");
        (0..12).for_each(|n| repo.write(format!("work/{n}"), "work\n"));
        let notes = run.capture(1).notes;
        assert!(notes[0].starts_with("`.gitignore` came or changed"), "{notes:?}");
        assert!(notes[1].ends_with(": `old/evil.rs`, `work/`"), "{notes:?}");
    });
}

#[test]
fn a_change_of_the_users_own_ignore_rules_is_told_and_never_written_to() {
    each_way(|way| {
        let repo = Repo::new(way);
        let rules = repo.root.parent().unwrap().join("ignore");
        fs::write(&rules, "old\n").unwrap();
        repo.git(&["config", "core.excludesFile", rules.to_str().unwrap()]);
        let run = repo.begin();
        let diff = run.capture(1);
        assert_eq!(diff.notes, [""; 0]);
        fs::write(&rules, "evil.sh\n").unwrap();
        let check = run.check();
        let TreeCheck::Changed { files, restored: false, .. } = check else { panic!("{check:?}") };
        assert_eq!(files, [rules.to_str().unwrap()]);
        assert_eq!(fs::read_to_string(&rules).unwrap(), "evil.sh\n");
        let notes = run.capture(2).notes;
        assert!(notes[0].contains("ignore` changed since the run began"), "{notes:?}");
    });
}

/// An agent can write to the user's own configuration as well.
#[test]
fn a_change_of_the_users_own_settings_is_told_and_never_written_to() {
    const INNER: &str = "CODELOOPS_TEST_HOME";
    if let Some(home) = std::env::var_os(INNER) {
        each_way(|way| users_settings(way, Path::new(&home)));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().canonicalize().unwrap();
    let name = "traps::a_change_of_the_users_own_settings_is_told_and_never_written_to";
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", name, "--nocapture"]).env(INNER, &home);
    for variable in ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"] {
        child.env_remove(variable);
    }
    child.env("HOME", &home).env("XDG_CONFIG_HOME", home.join("xdg"));
    assert!(child.status().unwrap().success());
}

fn users_settings(way: Way, home: &Path) {
    let settings = "[include]\npath = included\n[core]\nattributesFile = ~/mine\n";
    for (file, hide, effect) in [
        (".gitconfig", "[core]\nexcludesFile = /x\n", "missing from the diff"),
        ("xdg/git/config", "[filter \"h\"]\nclean = echo nice\n", "another text than the one on"),
        ("included", "[core]\nexcludesFile = /x\n", "missing from the diff"),
        ("mine", "*.txt -diff\n", "another text than the one on disk"),
        ("xdg/git/attributes", "*.txt filter=h\n", "another text than the one on disk"),
        ("xdg/git/ignore", "evil.sh\n", "files it names are not in the diff"),
    ] {
        fs::remove_dir_all(home).unwrap();
        fs::create_dir_all(home.join("xdg/git")).unwrap();
        let repo = Repo::new(way);
        repo.git(&["config", "--unset", "core.excludesFile"]);
        if ["included", "mine"].contains(&file) {
            fs::write(home.join(".gitconfig"), settings).unwrap();
        }
        let file = home.join(file);
        let run = repo.begin();
        let diff = run.capture(1);
        assert_eq!(diff.notes, [""; 0]);

        fs::write(&file, hide).unwrap();
        let check = run.check();
        let TreeCheck::Changed { files, restored: false, .. } = check else { panic!("{check:?}") };
        assert_eq!(files, [file.to_str().unwrap()]);
        assert_eq!(fs::read_to_string(&file).unwrap(), hide);
        assert_eq!(
            repo.git(&["for-each-ref", &format!("refs/codeloops/{RUN}/critic-1-2-git-1")]),
            ""
        );

        let notes = run.capture(2).notes;
        let [note] = &notes[..] else { panic!("{notes:?}") };
        let told = format!("`{}` changed since the run began: ", file.display());
        assert!(note.starts_with(&told) && note.contains(effect), "{note}");
    }
}

#[test]
fn a_file_of_settings_in_the_working_tree_is_put_back() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.write(".gitconfig", "[pull]\nrebase = true\n");
        repo.commit("settings for all");
        repo.git(&["config", "include.path", "../.gitconfig"]);
        let run = repo.begin();
        let diff = run.capture(1);
        assert_eq!(diff.notes, [""; 0]);
        repo.write(".gitconfig", "[core]\nexcludesFile = /x\n");
        let check = run.check();
        let TreeCheck::Changed { files, restored: true, .. } = check else { panic!("{check:?}") };
        assert_eq!(files, [".gitconfig"]);
        assert_eq!(repo.read(".gitconfig"), "[pull]\nrebase = true\n");
    });
}

#[test]
fn a_filter_that_forges_the_diff_is_told_as_what_it_is() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        repo.write("a.txt", "evil\n");
        repo.write(".git/info/attributes", "*.txt filter=h\n");
        repo.git(&["config", "filter.h.clean", "cat >/dev/null; echo nice"]);
        let diff = run.capture(1);
        assert!(diff.diff.contains("+nice"), "{}", diff.diff);
        for (file, note) in
            [(".git/info/attributes", &diff.notes[0]), (".git/config", &diff.notes[1])]
        {
            assert!(note.starts_with(&format!("`{file}` changed")), "{note}");
            assert!(note.contains("may show another text than the one on disk"), "{note}");
        }
    });
}

/// What a repository can set to bend a diff, or to have git look away.
const BENDS: [(&str, &str); 16] = [
    ("diff.noprefix", "true"),
    ("diff.mnemonicPrefix", "true"),
    ("diff.renames", "false"),
    ("diff.context", "0"),
    ("diff.algorithm", "patience"),
    ("diff.ignoreSubmodules", "all"),
    ("color.ui", "always"),
    ("color.diff", "always"),
    ("core.quotePath", "false"),
    ("core.abbrev", "5"),
    ("core.ignoreStat", "true"),
    ("status.showUntrackedFiles", "no"),
    ("status.relativePaths", "true"),
    ("core.splitIndex", "true"),
    ("core.untrackedCache", "true"),
    ("commit.gpgSign", "true"),
];

/// The settings by which it can name a program.
const PROGRAMS: [&str; 4] =
    ["core.fsmonitor", "diff.external", "diff.x.textconv", "diff.x.command"];

/// The file that is there once one ran.
fn marker(repo: &Repo) -> PathBuf {
    repo.root.with_file_name("ran")
}

/// Sets all that a hostile repository can.
fn make_hostile(repo: &Repo) {
    let run = format!("touch {};", marker(repo).display());
    let programs = PROGRAMS.map(|key| (key, run.as_str()));
    for (key, value) in programs.into_iter().chain(BENDS) {
        repo.git(&["config", key, value]);
    }
    repo.write(".git/info/attributes", "*.txt diff=x\n");
    for hook in ["post-index-change", "reference-transaction", "pre-commit"] {
        for folder in [".git/its-hooks", ".git/hooks"] {
            let hook = format!("{folder}/{hook}");
            repo.write(&hook, format!("#!/bin/sh\n{run}\n"));
            repo.chmod(&hook, 0o755);
        }
    }
    repo.git(&["config", "core.hooksPath", repo.path(".git/its-hooks").to_str().unwrap()]);
    // Making it has run some of them.
    fs::remove_file(marker(repo)).ok();
}

#[test]
fn no_program_of_the_repositorys_choice_runs_and_no_setting_bends_the_diff() {
    let diff = |way, hostile: bool| {
        let repo = Repo::new(way);
        repo.write("moved.txt", "moved\n".repeat(10));
        repo.commit("more");
        if hostile {
            make_hostile(&repo);
        }
        let run = repo.begin();
        repo.write("a.txt", "one\nTWO\nthree\n");
        repo.write("ä.txt", "x\n");
        fs::rename(repo.path("moved.txt"), repo.path("to.txt")).unwrap();
        let diff = run.capture(1);
        repo.write("a.txt", "critic\n");
        run.check();
        assert!(!marker(&repo).exists(), "a program of the repository's ran");
        diff
    };
    each_way(|way| {
        let (plain, bent) = (diff(way, false), diff(way, true));
        assert_eq!(plain, bent);
        assert!(plain.diff.contains("rename from moved.txt") && plain.diff.contains("\\303\\244"));
    });
}

#[test]
fn inherited_variables_mean_another_repository() {
    const INNER: &str = "CODELOOPS_TEST_INNER";
    if std::env::var_os(INNER).is_some() {
        each_way(|way| {
            let repo = Repo::new(way);
            let run = repo.begin();
            repo.write("a.txt", "x\n");
            assert_eq!(run.files(), ["M a.txt +1 -3"]);
        });
        return;
    }
    // What a hook of another repository, or `git bisect run`, leaves in the environment.
    let name = "traps::inherited_variables_mean_another_repository";
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", name, "--nocapture"]).env(INNER, "1");
    for (key, value) in [
        ("GIT_DIR", "/nowhere/.git"),
        ("GIT_WORK_TREE", "/nowhere"),
        ("GIT_INDEX_FILE", "/nowhere/index"),
        ("GIT_OBJECT_DIRECTORY", "/nowhere/objects"),
        ("GIT_EXTERNAL_DIFF", "false"),
        ("GIT_DIFF_OPTS", "-u0"),
        ("GIT_PREFIX", "dir/"),
        ("GIT_NAMESPACE", "x"),
        ("GIT_CONFIG_PARAMETERS", "'core.bare'='true'"),
    ] {
        child.env(key, value);
    }
    assert!(child.status().unwrap().success());
}
