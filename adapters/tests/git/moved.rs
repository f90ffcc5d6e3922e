//! What a critic moved: a file that git does not see comes into sight, and is nobody's to remove.

use std::fs;
use std::os::unix::fs::symlink;

use codeloops_event::TreeCheck;

use crate::each_way;
use crate::repo::Repo;

#[track_caller]
fn restored(check: &TreeCheck) -> bool {
    let TreeCheck::Changed { restored, .. } = check else { panic!("{check:?}") };
    *restored
}

/// A run on a repository that ignores `.env`, `data/` and `dir/own`, all of which are there.
fn after(critic: impl Fn(&Repo), then: impl Fn(&Repo, &TreeCheck)) {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.write(".gitignore", ".env\ndata/\ndir/own\n");
        repo.commit("ignores");
        for name in [".env", "data/x", "dir/own"] {
            repo.write(name, "the user's\n");
        }
        repo.wait_for_any_tick();
        let run = repo.begin();
        repo.write("a.txt", "the actor's\n");
        run.capture(1);
        critic(&repo);
        then(&repo, &run.check());
    });
}

fn rename(repo: &Repo, from: &str, to: &str) {
    fs::rename(repo.path(from), repo.path(to)).unwrap();
}

#[test]
fn an_ignored_file_that_comes_into_sight_is_not_removed() {
    for (from, to, seen) in [
        (".env", ".env.bak", ".env.bak"),
        ("data", "data.old", "data.old/x"),
        ("dir", "dir2", "dir2/own"),
        (".env", "a.txt", "a.txt"),
    ] {
        after(
            |repo| {
                rename(repo, from, to);
                repo.write("critics", "own\n");
            },
            |repo, check| {
                assert!(!restored(check), "{from}");
                assert_eq!(repo.read(seen), "the user's\n", "{from}");
                assert!(repo.path("critics").exists(), "{from}: all of it or nothing");
            },
        );
    }
}

#[test]
fn what_git_sees_goes_back_to_where_it_was() {
    after(
        |repo| {
            rename(repo, "a.txt", "c.txt");
            rename(repo, ".gitignore", "rules");
            fs::create_dir(repo.path("new")).unwrap();
            rename(repo, "dir/b.txt", "new/b.txt");
            repo.write("new/b.txt", "critic\n");
        },
        |repo, check| {
            assert!(restored(check), "{check:?}");
            assert_eq!(repo.git(&["status", "--porcelain"]), " M a.txt");
            assert_eq!(repo.read("a.txt"), "the actor's\n");
            assert_eq!(repo.read("dir/own"), "the user's\n");
            assert!(!repo.path("new").exists());
        },
    );
}

#[test]
fn files_that_changed_places_are_put_back() {
    after(
        |repo| {
            rename(repo, "a.txt", "t");
            rename(repo, "dir/b.txt", "a.txt");
            rename(repo, "t", "dir/b.txt");
        },
        |repo, check| {
            assert!(restored(check), "{check:?}");
            assert_eq!(repo.read("a.txt"), "the actor's\n");
            assert_eq!(repo.read("dir/b.txt"), "bee\n");
        },
    );
}

/// The file is seen through the link, and is not there any more when that is gone.
#[test]
fn a_folder_that_became_a_link_to_itself_elsewhere_is_put_back() {
    after(
        |repo| {
            rename(repo, "dir", "data/dir");
            symlink("data/dir", repo.path("dir")).unwrap();
        },
        |repo, check| {
            assert!(restored(check), "{check:?}");
            assert!(!repo.path("dir").is_symlink());
            assert_eq!(repo.read("dir/b.txt"), "bee\n");
            assert_eq!(repo.read("data/dir/own"), "the user's\n");
        },
    );
}
