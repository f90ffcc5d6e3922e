//! Every kind of change of a file.

use std::fs::{self, FileTimes};
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use crate::each_way;
use crate::repo::{Repo, git_command, summary};

/// Makes changes to a fresh repository and compares what is told of them.
#[track_caller]
fn check(change: impl Fn(&Repo), expect: &[&str]) {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        change(&repo);
        let diff = run.capture(1);
        assert_eq!(summary(&diff), expect);
        // A snapshot is what git itself would have committed.
        repo.git(&["add", "-A"]);
        assert_eq!(diff.tree.0, repo.git(&["write-tree"]));
    });
}

#[test]
fn untracked_staged_and_ignored_files() {
    check(
        |repo| {
            repo.write("staged.txt", "s\n");
            repo.git(&["add", "staged.txt"]);
            repo.write("deep/er/untracked.txt", "u\n");
            repo.write("ignored.log", "i\n");
            fs::create_dir(repo.path("empty")).unwrap();
        },
        &["A deep/er/untracked.txt +1 -0", "A staged.txt +1 -0"],
    );
}

#[test]
fn a_staged_file_that_is_gone_again_is_gone() {
    check(
        |repo| {
            repo.write("staged.txt", "s\n");
            repo.git(&["add", "staged.txt"]);
            repo.remove("staged.txt");
        },
        &[],
    );
}

#[test]
fn deleted_files_and_a_folder_that_becomes_empty() {
    check(|repo| repo.remove("dir/b.txt"), &["D dir/b.txt +0 -1"]);
}

#[test]
fn a_renamed_file() {
    check(|repo| fs::rename(repo.path("a.txt"), repo.path("z.txt")).unwrap(), &["R z.txt +0 -0"]);
}

#[test]
fn a_binary_file() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        repo.write("image", b"\x00\x01\x02\xff");
        let diff = run.capture(1);
        assert_eq!(summary(&diff), ["A image +0 -0 binary"]);
        assert!(diff.diff.contains("Binary files /dev/null and b/image differ\n"));
    });
}

#[test]
fn a_mode_alone() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        repo.chmod("a.txt", 0o755);
        let diff = run.capture(1);
        assert_eq!(summary(&diff), ["M a.txt +0 -0"]);
        assert_eq!(diff.diff, "diff --git a/a.txt b/a.txt\nold mode 100644\nnew mode 100755\n");
    });
}

#[test]
fn untracked_files_come_and_go_in_folders_that_were_looked_at_before() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.write("dir/untracked", "u\n");
        repo.write("dir/build/out", "o\n");
        let run = repo.begin();
        assert_eq!(run.capture(1).files_changed, 0);
        let folder = fs::File::open(repo.path("dir")).unwrap();
        let past = FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(1000));

        repo.write("dir/sly", "s\n");
        repo.write("dir/sub/deep", "d\n");
        // Setting its time back hides nothing.
        folder.set_times(past).unwrap();
        assert_eq!(summary(&run.capture(2)), ["A dir/sly +1 -0", "A dir/sub/deep +1 -0"]);
        repo.remove("dir/sly");
        repo.remove("dir/untracked");
        folder.set_times(past).unwrap();
        assert_eq!(summary(&run.capture(3)), ["A dir/sub/deep +1 -0", "D dir/untracked +0 -1"]);
        repo.write("dir/.gitignore", "build\nsub\n");
        let files = summary(&run.capture(4));
        assert_eq!(files, ["A dir/.gitignore +2 -0", "D dir/untracked +0 -1"]);
        repo.remove("dir/.gitignore");
        assert_eq!(run.capture(5).files_changed, 2);
    });
}

#[test]
fn symbolic_links() {
    check(
        |repo| {
            symlink("a.txt", repo.path("good")).unwrap();
            symlink("/nowhere", repo.path("dangling")).unwrap();
            symlink("dir", repo.path("to-folder")).unwrap();
        },
        &["A dangling +1 -0", "A good +1 -0", "A to-folder +1 -0"],
    );
}

#[test]
fn a_file_that_becomes_a_link() {
    check(
        |repo| {
            repo.remove("a.txt");
            symlink("dir/b.txt", repo.path("a.txt")).unwrap();
        },
        &["T a.txt +1 -3"],
    );
}

#[test]
fn a_folder_that_becomes_a_link() {
    check(
        |repo| {
            fs::rename(repo.path("dir"), repo.path("moved")).unwrap();
            symlink("moved", repo.path("dir")).unwrap();
        },
        &["A dir +1 -0", "R moved/b.txt +0 -0"],
    );
}

#[test]
fn a_file_that_becomes_a_folder() {
    check(
        |repo| {
            repo.remove("a.txt");
            repo.write("a.txt/inner/x", "completely different\n");
        },
        &["D a.txt +0 -3", "A a.txt/inner/x +1 -0"],
    );
}

#[test]
fn a_folder_that_becomes_a_file() {
    check(
        |repo| {
            fs::remove_dir_all(repo.path("dir")).unwrap();
            repo.write("dir", "a file of another kind\n");
        },
        &["A dir +1 -0", "D dir/b.txt +0 -1"],
    );
}

#[test]
fn an_empty_file_and_one_without_a_last_line_end() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        repo.write("empty", "");
        repo.write("open-ended", "x");
        let diff = run.capture(1);
        assert_eq!(summary(&diff), ["A empty +0 -0", "A open-ended +1 -0"]);
        assert!(diff.diff.ends_with("+x\n\\ No newline at end of file\n"));
    });
}

#[test]
fn a_file_meant_to_be_added() {
    check(
        |repo| {
            repo.write("meant.txt", "m\n");
            repo.git(&["add", "-N", "meant.txt"]);
        },
        &["A meant.txt +1 -0"],
    );
}

#[test]
fn names_of_any_bytes() {
    let names: [&[u8]; 6] =
        [b"with space", b"quote\"d", b"line\nend", b"\xff\xfe", b"tab\there", b"-dash"];
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        for name in names {
            repo.write(name, "x\n");
        }
        let diff = run.capture(1);
        assert_eq!(diff.files_changed, names.len() as u64);
        assert!(diff.files.iter().any(|file| file.path == "line\nend"));
        assert!(diff.files.iter().any(|file| file.path == "\u{FFFD}\u{FFFD}"));
        // In the patch they are quoted, so that none can forge a line of it.
        assert!(diff.diff.contains("+++ \"b/line\\nend\"\n"), "{}", diff.diff);
        for name in names {
            repo.remove(name);
        }
        assert_eq!(run.capture(2).tree, run.base.tree);
    });
}

#[test]
fn both_ways_print_the_same_bytes() {
    let patch = |way| {
        let repo = Repo::new(way);
        repo.write("src/lib.rs", "fn one() {\n    1\n}\n\nfn two() {\n    2\n}\n".repeat(20));
        repo.write("bin", b"\x00");
        repo.commit("more");
        let run = repo.begin();
        let edited = repo.read("src/lib.rs").replacen("    2\n", "    22\n    23", 3);
        repo.write("src/lib.rs", edited + "\nend without line end");
        repo.write("bin", b"\x00\x01");
        repo.write("new/empty", "");
        repo.write("new/file.txt", "x\r\ny\n");
        repo.chmod("dir/b.txt", 0o755);
        run.capture(1)
    };
    let [auto, _, program] = crate::repo::WAYS.map(patch);
    assert_eq!(auto, program);
    assert_eq!(auto.files_changed, 5);
}

#[test]
fn a_submodule_that_moves_or_has_changes() {
    each_way(|way| {
        let library = Repo::new(way);
        let repo = Repo::new(way);
        let url = library.root.to_str().unwrap();
        repo.git(&["submodule", "--quiet", "add", url, "sub"]);
        repo.commit("submodule");
        let run = repo.begin();
        assert_eq!(run.capture(1).files_changed, 0);

        repo.write("sub/a.txt", "dirty\n");
        let dirty = run.capture(2);
        assert_eq!(dirty.files_changed, 0);
        assert!(dirty.notes.iter().any(|note| note.contains("submodule `sub`")), "{dirty:?}");

        let commit = ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qam", "moved"];
        assert!(git_command(&repo.path("sub"), &commit).status().unwrap().success());
        let moved = run.capture(3);
        assert_eq!(summary(&moved), ["M sub +1 -1"]);
        assert!(moved.diff.contains("+Subproject commit "));
        assert!(moved.notes.is_empty());
    });
}
