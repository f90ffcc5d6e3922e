//! What is stored is what git would store.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use codeloops_adapters::git::Way;
use codeloops_event::layout::TEXT_LIMIT;
use sha2::{Digest, Sha256};

use crate::each_way;
use crate::repo::{OTHER_RUN, Repo, summary};

#[test]
fn line_ends_are_converted_as_git_does() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.git(&["config", "core.autocrlf", "true"]);
        let run = repo.begin();
        repo.write("dir/b.txt", "bee\r\nnew\r\n");
        let diff = run.capture(1);
        assert_eq!(summary(&diff), ["M dir/b.txt +1 -0"]);
        assert_eq!(run.in_tree(&diff.tree, "dir/b.txt"), "bee\nnew");
    });
}

#[test]
fn carriage_returns_that_git_already_has_stay() {
    each_way(|way| {
        let repo = Repo::new(way);
        repo.write("dos.txt", "a\r\nb\r\n");
        repo.commit("dos");
        repo.git(&["config", "core.autocrlf", "true"]);
        let run = repo.begin();
        repo.write("dos.txt", "a\r\nb\r\nc\r\n");
        let diff = run.capture(1);
        assert_eq!(summary(&diff), ["M dos.txt +1 -0"]);
        assert!(diff.diff.contains("\n+c\r\n"));
    });
}

#[test]
fn attributes_that_convert_are_obeyed() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        repo.write(".gitattributes", "*.txt text eol=crlf\n*.up filter=up\n");
        repo.git(&["config", "filter.up.clean", "tr a-z A-Z"]);
        repo.write("dir/b.txt", "bee\r\nnew\r\n");
        repo.write("x.up", "shout\n");
        let diff = run.capture(1);
        assert_eq!(run.in_tree(&diff.tree, "dir/b.txt"), "bee\nnew");
        assert_eq!(run.in_tree(&diff.tree, "x.up"), "SHOUT");
    });
}

#[test]
fn a_filter_that_fails_is_a_clear_error() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        repo.write(".gitattributes", "*.bin filter=lfs\n");
        repo.git(&["config", "filter.lfs.clean", "no-such-program-here"]);
        repo.git(&["config", "filter.lfs.required", "true"]);
        repo.write("x.bin", "large\n");
        let error = run.try_capture(1).unwrap_err();
        assert!(error.contains("x.bin") && error.contains("lfs"), "{error}");
    });
}

#[test]
fn the_evidence_holds_the_whole_diff() {
    each_way(|way| {
        let repo = Repo::new(way);
        let run = repo.begin();
        repo.write("long.txt", "a line of some length\n".repeat(200_000));
        let diff = run.capture(1);
        let whole = std::fs::read(repo.evidence().join(&diff.patch.path)).unwrap();
        assert_eq!(diff.patch.path, "iterations/1/diff.patch");
        assert_eq!(diff.patch.bytes, whole.len() as u64);
        let digest: String = Sha256::digest(&whole).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(diff.patch.sha256, digest);
        assert!(diff.diff.len() < TEXT_LIMIT + 100 && diff.diff.contains("bytes omitted"));
        assert_eq!(diff.insertions, 200_000);
    });
}

#[test]
fn a_file_of_300_mb_is_captured() {
    // One way is enough: both stream it, and the diff of it is always git's.
    let repo = Repo::new(Way::Auto);
    let run = repo.begin();
    File::create(repo.path("huge")).unwrap().set_len(300_000_000).unwrap();
    let diff = run.capture(1);
    assert_eq!(summary(&diff), ["A huge +0 -0 binary"]);
    let size = repo.git(&["cat-file", "-s", &format!("{}:huge", diff.tree)]);
    assert_eq!(size, "300000000");
    assert!(diff.diff.len() < 1000);
}

#[test]
fn a_large_file_that_changes_while_it_is_stored_stops_nothing() {
    let repo = Repo::new(Way::Auto);
    let run = repo.begin();
    repo.write("log.txt", vec![b'x'; 2 << 20]);
    let file = File::options().write(true).open(repo.path("log.txt")).unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let sizes = [3 << 20, 5 << 20, 2 << 20].into_iter().cycle();
        let change = || sizes.take_while(|_| !is_over.load(Relaxed)).map(|size| file.set_len(size));
        scope.spawn(|| change().for_each(Result::unwrap));
        let captured: Vec<_> = (1..=10).map(|iteration| run.try_capture(iteration)).collect();
        is_over.store(true, Relaxed);
        captured.into_iter().for_each(|diff| assert_eq!(diff.unwrap().files[0].path, "log.txt"));
    });
}

/// What a file does to git that gets shorter while git reads it.
#[test]
fn a_git_that_is_killed_while_it_stores_a_file_is_asked_again() {
    each_way(|way| {
        let repo = Repo::new(way);
        let killed = repo.path(".git/killed");
        let kill =
            format!("test -e '{0}' || {{ : >'{0}'; kill -9 $PPID; }}; cat", killed.display());
        repo.write(".gitattributes", "*.bin filter=once\n");
        repo.commit("attributes");
        repo.git(&["config", "filter.once.clean", &kill]);
        let run = repo.begin();
        repo.write("a.bin", "a\n");
        assert_eq!(run.files(), ["A a.bin +1 -0"]);
        assert!(killed.exists());
        // The first snapshot as well.
        repo.remove(".git/killed");
        let other = repo.open(&repo.root, OTHER_RUN, &repo.options()).unwrap();
        assert!(killed.exists());
        drop(other);

        repo.git(&["config", "filter.once.clean", "kill -9 $PPID"]);
        repo.write("a.bin", "b\n");
        let error = run.try_capture(2).unwrap_err();
        assert!(error.contains("`git update-index` failed: signal: 9"), "{error}");
    });
}
