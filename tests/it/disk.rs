//! A disk that is full in the middle of a run: the run stops and says why, and nothing is lost of
//! what was there.
//!
//! A limit on the size of files does it without privileges, and so does a library that stands before
//! the system's. Where the system lets somebody mount, a real full disk does too.

use std::fs;
use std::path::Path;
use std::process::Command;

use codeloops_event::{Event, Outcome, StopReason};
use codeloops_machine::{invariants, replay};
use codeloops_session::SessionReader;
use codeloops_tests::needs::{has, not_tested, told};
use codeloops_tests::record::session_files;
use codeloops_tests::{Output, Workspace};

use crate::rough::{assert_nothing_is_left, end, place};

const APPROVED: &str = "
on actor
edit work.txt done
print It is done.
on critic
print DECISION: DONE
print SUMMARY: It is done.
";

/// codeloops, after this has been done by the shell that becomes it.
fn after(place: &Workspace, preparation: &str, prompt: &str) -> Command {
    in_shell(place, preparation, &place.command(&["--prompt", prompt, "--json-output"]))
}

fn in_shell(place: &Workspace, preparation: &str, codeloops: &Command) -> Command {
    let mut command = place.program("sh");
    command.args(["-c", &format!("{preparation}\"$@\""), "sh"]);
    command.arg(codeloops.get_program()).args(codeloops.get_args());
    command
}

#[track_caller]
fn assert_record_failed(output: &Output, file: &str, reason: &str) {
    let document = output.document();
    assert_eq!(document["outcome"], "failed", "{output}");
    assert_eq!(document["stop_reason"], "record_failed", "{output}");
    let error = document["error"].as_str().unwrap();
    assert!(error.contains(file) && error.contains(reason), "{error}");
}

/// What can be read of a session file: the beginning of a run, all lines whole.
#[track_caller]
fn readable(file: &Path) -> Vec<Event> {
    let mut reader = SessionReader::open(file).unwrap();
    let events: Vec<Event> = reader.by_ref().map(Result::unwrap).collect();
    assert!(reader.into_warning().is_none(), "a line is torn");
    assert_eq!(invariants::check(&events), Ok(()));
    assert_eq!(replay::verify(&events), Ok(()));
    events
}

/// Each limit lets a few more lines through than the one before, up to the whole session. The
/// prompt makes the first line so long that no other file comes near the limit.
#[test]
fn the_session_file_is_full_at_any_of_its_lines() {
    let prompt = "Fix the typo. ".repeat(1000);
    let mut lines = Vec::new();
    for blocks in 30.. {
        let place = place();
        place.script(APPROVED);
        let output =
            place.spawn(after(&place, &format!("ulimit -f {blocks}; exec "), &prompt)).wait();
        let written = place.session_files().first().map_or(0, |file| readable(file).len());
        if output.code == 0 {
            break;
        }
        let output = output.exits(2);
        assert_nothing_is_left(&place);
        if written > 0 {
            assert_record_failed(&output, ".jsonl", "File too large");
            lines.push(written);
        }
        if written > 3 {
            assert_eq!(place.read("work.txt"), "done\n", "the actor's work stays");
        }
    }
    assert!(lines.is_sorted(), "{lines:?}");
    lines.dedup();
    assert!(lines.len() >= 4, "the limits met only after {lines:?} lines");
}

/// What the console says of a session that is not whole, and of agents that were never called.
#[test]
fn a_session_that_is_saved_in_part_is_told_as_such() {
    let prompt = "Fix the typo. ".repeat(1000);
    let mut lines = Vec::new();
    for blocks in 26..34 {
        let place = place();
        place.script(APPROVED);
        let codeloops = place.command(&["--prompt", &prompt]);
        let limited = in_shell(&place, &format!("ulimit -f {blocks}; exec "), &codeloops);
        let output = place.spawn(limited).wait().exits(2);
        let written = place.session_files().first().map_or(0, |file| readable(file).len());
        let partial = format!("Session saved in part, up to line {written}: ");
        assert_eq!(output.stdout.contains(&partial), written > 0, "{output}");
        assert!(!output.stdout.contains("Session saved: "), "{output}");
        let ran = output.stdout.contains("[actor] Running");
        let not_started = "[actor] Could not be started: not begun";
        assert_eq!(output.stdout.contains(not_started), !ran, "{output}");
        assert!(ran || !output.stdout.contains("Interrupted after"), "{output}");
        lines.push(written);
    }
    assert!(lines.is_sorted() && lines[0] < 2 && lines[7] > 1, "{lines:?}");
}

/// The agent would go on for ever, but what it says can no longer be kept.
#[test]
fn evidence_is_full_while_an_agent_prints() {
    let place = place();
    place.script("on actor\nedit work.txt done\nflood 3000000 64\nhang\n");
    let output =
        place.spawn(after(&place, "ulimit -f 1000; exec ", "Fix the typo")).wait().exits(2);
    assert_record_failed(&output, "iterations/1/actor.stdout`", "File too large");
    assert!(!output.stderr.contains("past the limit"), "{output}");
    let end = end(&place);
    assert_eq!((end.outcome, end.stop_reason), (Outcome::Failed, Some(StopReason::RecordFailed)));
    readable(&place.session_file());
    assert_eq!(place.read("work.txt"), "done\n", "the actor's work stays");
    let kept = fs::read(place.evidence("iterations/1/actor.stdout")).unwrap();
    assert!(kept.len() >= 500_000 && kept.iter().all(|byte| b"x\n".contains(byte)));
    assert_nothing_is_left(&place);
}

/// The critic is not asked where its answer cannot be kept.
#[test]
fn evidence_cannot_be_begun() {
    let place = place();
    place.script(
        "on actor\nedit work.txt done\n\
         run cd ../home/.local/share/codeloops/runs/*/iterations/1 && mkdir critic.stdout\n",
    );
    let output = place.task(&["--json-output"]).exits(2);
    assert_record_failed(&output, "iterations/1/critic.stdout`", "Is a directory");
    assert_eq!(end(&place).stop_reason, Some(StopReason::RecordFailed));
    readable(&place.session_file());
    assert_eq!(place.read("work.txt"), "done\n", "the actor's work stays");
}

const DISKS: [u32; 4] = [64, 96, 128, 256];

/// A place whose agent prints more than fits on a disk of so many kilobytes.
fn place_that_overflows(kilobytes: u32) -> Workspace {
    let place = place();
    place.script(&format!("on actor\nedit work.txt done\nflood {kilobytes}000 64\nhang\n"));
    fs::create_dir_all(place.data_dir()).unwrap();
    place
}

/// The data directory may be a copy of the run's.
#[track_caller]
fn assert_disk_was_full(place: &Workspace, output: &Output, data_dir: &Path) {
    assert_record_failed(output, "/codeloops/", "No space left on device");
    assert_eq!(place.read("work.txt"), "done\n", "the actor's work stays");
    let files = session_files(data_dir);
    assert_eq!(files.len(), 1, "{files:?}");
    assert!(!readable(&files[0]).is_empty());
    assert_nothing_is_left(place);
}

/// How a process gets a place where it may mount: as a user who is root there, or as root.
const MAY_MOUNT: [&[&str]; 2] = [&["--map-root-user", "--mount"], &["--mount"]];

/// A small disk of its own for the data directory, whose content is saved when the run is over.
#[test]
fn a_real_disk_is_full() {
    for kilobytes in DISKS {
        let place = place_that_overflows(kilobytes);
        let (data, saved) = (place.data_dir(), place.at("saved"));
        let mount = format!("mount -t tmpfs -o size={kilobytes}k tmpfs '{}'", data.display());
        let Some(namespace) = MAY_MOUNT.into_iter().find(|args| may_mount(&place, args, &mount))
        else {
            return told(
                "nobody may mount a disk here: only one that the C library feigns is full",
            );
        };
        let save = format!("cp -r '{}' '{}'", data.display(), saved.display());
        let in_shell = after(&place, &format!("{mount}; trap \"{save}\" EXIT; "), "Fix the typo");
        let mut command = place.program("unshare");
        command.args(namespace);
        command.arg(in_shell.get_program()).args(in_shell.get_args());
        let output = place.spawn(command).wait().exits(2);
        assert_disk_was_full(&place, &output, &saved);
    }
}

fn may_mount(place: &Workspace, namespace: &[&str], mount: &str) -> bool {
    let mut command = place.program("unshare");
    command.args(namespace).args(["sh", "-c", mount]);
    command.output().is_ok_and(|output| output.status.success())
}

/// The same wherever the tests can be built. Between program and system stands a `write` that lets
/// only so many bytes through to files of one folder.
#[test]
fn a_disk_that_the_c_library_feigns_is_full() {
    if cfg!(not(target_env = "gnu")) || !has("cc") {
        return not_tested("there is no C library that another one can stand before");
    }
    for kilobytes in DISKS {
        let place = place_that_overflows(kilobytes);
        fs::write(place.at("full.c"), FULL_DISK).unwrap();
        let (source, library) = (place.at("full.c"), place.at("full.so"));
        let mut cc = place.program("cc");
        cc.args(["-shared", "-fPIC", "-o"]).args([&library, &source]);
        assert!(cc.status().unwrap().success());
        let mut command = place.command(&["--prompt", "Fix the typo", "--json-output"]);
        command.env("LD_PRELOAD", library).env("FULL_FOLDER", place.data_dir());
        command.env("FULL_AFTER", (kilobytes * 1000).to_string());
        let output = place.spawn(command).wait().exits(2);
        assert_disk_was_full(&place, &output, &place.data_dir());
    }
}

const FULL_DISK: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long written;

static int is_on_disk(int fd) {
    char link[64], path[4096] = {0};
    const char *folder = getenv("FULL_FOLDER");
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return folder && readlink(link, path, sizeof path - 1) > 0
        && !strncmp(path, folder, strlen(folder));
}

ssize_t write(int fd, const void *bytes, size_t length) {
    if (is_on_disk(fd)) {
        long left = atol(getenv("FULL_AFTER")) - __atomic_fetch_add(&written, length, __ATOMIC_SEQ_CST);
        if (left <= 0) {
            errno = ENOSPC;
            return -1;
        }
        if ((size_t)left < length) length = left;
    }
    return syscall(SYS_write, fd, bytes, length);
}
"#;
