//! Files that git sees and this user cannot read, as a container leaves them: the run goes on, and
//! the diff tells what is not in it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use codeloops_event::TreeCheck;

use crate::each_way;
use crate::repo::{Repo, summary};

/// Set where the test is run again as a process that permissions bind.
const BOUND: &str = "CODELOOPS_TEST_IS_BOUND";

/// Runs a test once for each way where permissions bind: root's pass them by, and it runs the test
/// called `name` again without these.
#[track_caller]
fn where_permissions_bind(name: &str, test: impl Fn(&Repo)) {
    if do_bind() {
        return each_way(|way| {
            let repo = Repo::new(way);
            test(&repo);
            // So that it can be deleted.
            Command::new("chmod").args(["-R", "u+rwX"]).arg(&repo.root).status().unwrap();
        });
    }
    assert!(std::env::var_os(BOUND).is_none(), "permissions bind no process of this user");
    const NEITHER: &str = "-dac_override,-dac_read_search";
    let mut again = Command::new("setpriv");
    again.args(["--bounding-set", NEITHER, "--inh-caps", NEITHER, "--"]);
    again.arg(std::env::current_exe().unwrap()).args(["--exact", name, "--nocapture"]);
    match again.env(BOUND, "1").output() {
        Err(error) => eprintln!("NOT TESTED: cannot run setpriv: {error}"),
        Ok(output) => {
            let told = [&output.stdout, &output.stderr].map(|told| String::from_utf8_lossy(told));
            assert!(output.status.success(), "{}", told.concat());
            assert!(told[0].contains("1 passed"), "no such test: {name}");
        }
    }
}

fn do_bind() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    fs::read(&file).is_err()
}

fn names(notes: &[String], path: &str) -> bool {
    notes.iter().any(|note| note.contains(&format!("`{path}`")) && note.contains("cannot be read"))
}

#[test]
fn an_untracked_file_that_cannot_be_read_is_left_out_and_told() {
    where_permissions_bind(
        "unreadable::an_untracked_file_that_cannot_be_read_is_left_out_and_told",
        |repo| {
            repo.write("before", "x\n");
            repo.chmod("before", 0);
            let run = repo.begin();
            assert!(names(&run.warnings, "before"), "{:?}", run.warnings);

            repo.write("a.txt", "actor\n");
            repo.write("cache/during", "x\n");
            repo.chmod("cache/during", 0);
            let diff = run.capture(1);
            assert_eq!(summary(&diff), ["M a.txt +1 -3"]);
            for path in ["before", "cache/during"] {
                assert!(names(&diff.notes, path), "{:?}", diff.notes);
            }
            assert_eq!(run.check(), TreeCheck::Unchanged);

            repo.write("a.txt", "critic\n");
            let check = run.check();
            assert!(matches!(check, TreeCheck::Changed { restored: true, .. }), "{check:?}");
            assert_eq!(repo.read("a.txt"), "actor\n");
            assert!(repo.path("before").exists() && repo.path("cache/during").exists());
        },
    );
}

#[test]
fn a_file_that_can_be_read_no_more_stays_in_the_diff_as_it_was() {
    where_permissions_bind(
        "unreadable::a_file_that_can_be_read_no_more_stays_in_the_diff_as_it_was",
        |repo| {
            let run = repo.begin();
            repo.write("a.txt", "actor\n");
            repo.write("new.txt", "new\n");
            let tree = run.capture(1).tree;
            for path in ["a.txt", "new.txt", ".gitignore"] {
                repo.chmod(path, 0);
            }
            let diff = run.capture(2);
            assert_eq!(diff.tree, tree);
            for path in ["a.txt", "new.txt", ".gitignore"] {
                assert!(names(&diff.notes, path), "{:?}", diff.notes);
            }
        },
    );
}

#[test]
fn a_folder_that_cannot_be_read_is_told_and_what_was_in_it_stays_in_the_diff() {
    where_permissions_bind(
        "unreadable::a_folder_that_cannot_be_read_is_told_and_what_was_in_it_stays_in_the_diff",
        |repo| {
            let run = repo.begin();
            repo.write("dir/b.txt", "actor\n");
            repo.write("dir/new.txt", "new\n");
            let tree = run.capture(1).tree;
            repo.write("data/x", "x\n");
            repo.chmod("data", 0);
            repo.chmod("dir", 0);
            let diff = run.capture(2);
            assert_eq!(diff.tree, tree);
            for path in ["dir", "data"] {
                assert!(names(&diff.notes, path), "{:?}", diff.notes);
            }
        },
    );
}

/// What it holds now nobody can tell.
#[test]
fn what_the_critic_made_unreadable_is_told_and_nothing_is_put_back() {
    where_permissions_bind(
        "unreadable::what_the_critic_made_unreadable_is_told_and_nothing_is_put_back",
        |repo| {
            let run = repo.begin();
            repo.write("a.txt", "actor\n");
            run.capture(1);
            repo.chmod("a.txt", 0);
            repo.write("dir/b.txt", "critic\n");
            let check = run.check();
            let TreeCheck::Changed { files, restored: false, .. } = check else {
                panic!("{check:?}")
            };
            assert_eq!(files, ["a.txt", "dir/b.txt"]);
            assert_eq!(run.check(), TreeCheck::Unchanged);
            assert!(is_unreadable(&repo.path("a.txt")));
        },
    );
}

fn is_unreadable(path: &Path) -> bool {
    fs::metadata(path).unwrap().permissions().mode() & 0o777 == 0
}
