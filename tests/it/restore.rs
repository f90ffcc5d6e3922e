//! A working tree is put to what a run left, and nothing that was there is lost.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use codeloops_tests::{Workspace, wait_for, wait_until};
use rustix::process::Signal;

use crate::rough::{eventually, place_with_shell_agent, processes_in};
use crate::scripts::{APPROVES, ASKS_FOR_MORE};
use crate::{scripted, workspace};

/// All that a user would notice: each file with its bytes and permissions, and what git has.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    files: BTreeMap<String, (u32, Vec<u8>)>,
    status: String,
    index: Vec<u8>,
    head: String,
    branches: String,
}

fn seen(place: &Workspace) -> Seen {
    let mut files = BTreeMap::new();
    collect(&place.project(), &place.project(), &mut files);
    // As it stands: a status writes what it learned.
    let index = fs::read(place.at("project/.git/index")).unwrap();
    let status = ["--no-optional-locks", "status", "--porcelain", "-uall", "--ignored"];
    Seen {
        files,
        status: place.git(&status),
        index,
        head: fs::read_to_string(place.at("project/.git/HEAD")).unwrap(),
        branches: place.git(&["for-each-ref", "refs/heads", "refs/tags", "refs/stash"]),
    }
}

fn collect(root: &Path, folder: &Path, files: &mut BTreeMap<String, (u32, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, meta) = (entry.path(), entry.path().symlink_metadata().unwrap());
        if path == root.join(".git") {
            continue;
        }
        if meta.is_dir() {
            collect(root, &path, files);
            continue;
        }
        let bytes = match fs::read_link(&path) {
            Ok(target) => target.to_string_lossy().into_owned().into_bytes(),
            Err(_) => fs::read(&path).unwrap(),
        };
        let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        files.insert(name, (meta.permissions().mode(), bytes));
    }
}

/// A run of two rounds: the first writes, the second writes something else.
fn two_rounds(first: &str, second: &str) -> String {
    format!("on actor 1\n{first}\non actor 2\n{second}\n{ASKS_FOR_MORE}")
}

fn run_twice(place: &Workspace) {
    let _ran = place.task(&["-n", "2"]).exits(1);
}

/// Puts it to the state, and by the command that is printed back again; both must be exact.
#[track_caller]
fn there_and_back(place: &Workspace, at: &str) -> (Seen, Seen) {
    let before = seen(place);
    let output = place.run(&["restore", "latest", "--at", at, "--yes"]).exits(0);
    let there = seen(place);
    let (_, command) = output.stdout.split_once("to get it back:\n").unwrap();
    let command = command.lines().next().unwrap().trim();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let _back = place.run(&[&words[..], &["--yes"]].concat()).exits(0);
    assert_eq!(seen(place), before, "{output}");
    (before, there)
}

#[test]
fn every_state_of_a_run_can_be_had_and_the_present_one_again() {
    let place = workspace();
    place.write("kept.txt", "kept\n");
    place.write("gone.txt", "the actor deletes it\n");
    place.write("swap", "a file\n");
    place.write("folder/in.txt", "in a folder\n");
    place.write("tool.sh", "#!/bin/sh\n");
    place.write("é \"q\"\n.txt", "odd\n");
    symlink("kept.txt", place.at("project/link")).unwrap();
    place.commit_all("before");
    place.write("staged.txt", "only staged\n");
    place.git(&["add", "staged.txt"]);
    place.write("staged.txt", "and changed since\n");
    place.write("kept.txt", "kept, and dirty\n");
    place.write("secret.txt", "for me alone\n");
    fs::set_permissions(place.at("project/secret.txt"), fs::Permissions::from_mode(0o600)).unwrap();
    let began_with = seen(&place);
    place.script(&two_rounds(
        "run rm gone.txt swap link && mkdir swap && echo x > swap/x && ln -s swap link && chmod +x tool.sh",
        "run rm -r folder && echo file > folder && printf 'a\\000b' > data.bin && rm secret.txt && \
         printf odder > \"$(printf 'é \"q\"\\n.txt')\" && git add -A && git commit -qm work",
    ));
    run_twice(&place);

    let (_, first) = there_and_back(&place, "1");
    assert_eq!(first.files["swap/x"].1, b"x\n");
    assert_eq!(first.files["link"].1, b"swap");
    assert_eq!(first.files["folder/in.txt"].1, b"in a folder\n");
    assert_ne!(first.files["tool.sh"].0 & 0o111, 0);
    assert!(!first.files.contains_key("data.bin") && !first.files.contains_key("gone.txt"));

    let (_, began) = there_and_back(&place, "0");
    let bytes = |seen: &Seen| -> Vec<_> {
        seen.files.iter().map(|(name, (_, bytes))| (name.clone(), bytes.clone())).collect()
    };
    assert_eq!(bytes(&began), bytes(&began_with));
    let (before, last) = there_and_back_of_nothing(&place);
    assert_eq!(before, last);
}

/// What is there already is not saved either.
fn there_and_back_of_nothing(place: &Workspace) -> (Seen, Seen) {
    let before = seen(place);
    let output = place.run(&["restore", "latest", "--at", "2", "--yes"]).exits(0);
    assert!(output.stdout.contains("in that state already"), "{output}");
    (before, seen(place))
}

#[test]
fn what_is_staged_and_not_ignored_survives_a_collection_of_garbage() {
    let place = workspace();
    place.script(&two_rounds("edit a.txt one", "edit a.txt two"));
    run_twice(&place);
    place.write("loose.txt", "mine\n");
    place.write("staged.txt", "mine too\n");
    place.git(&["add", "staged.txt"]);
    let before = seen(&place);
    let _restored = place.run(&["restore", "latest", "--at", "1", "-y"]).exits(0);
    assert!(!place.at("project/loose.txt").exists());
    place.git(&["reset", "--quiet", "--hard"]);
    place.git(&["reflog", "expire", "--expire=now", "--all"]);
    place.git(&["gc", "--quiet", "--prune=now"]);
    let _again = place.run(&["restore", "latest", "--at", "0", "-y"]).exits(0);
    let _back = place.run(&["restore", "latest", "--at", "saved-1", "-y"]).exits(0);
    assert_eq!(seen(&place).files, before.files);
    let run = place.session().start.run_id.unwrap();
    place.git(&["read-tree", &format!("refs/codeloops/restore/{run}/1-index")]);
    assert_eq!(seen(&place).status, before.status);
    assert_eq!(place.git(&["log", "--all", "--format=%s"]), "first\n");
}

#[test]
fn nothing_changes_unless_somebody_says_so() {
    let place = scripted(&two_rounds("edit a.txt one", "edit a.txt two"));
    run_twice(&place);
    let before = (seen(&place), place.git(&["for-each-ref"]));
    let refused = place.run(&["restore", "latest", "--at", "1"]).exits(2);
    assert!(refused.stderr.contains("--yes"), "{refused}");
    let shown = place.run(&["restore", "latest", "--at", "1", "--dry-run"]).exits(0);
    insta::assert_snapshot!(shown.stdout.replace(place.session().id.as_str(), "[ID]"));
    assert_eq!((seen(&place), place.git(&["for-each-ref"])), before);
    let own = fs::read_dir(place.at("project/.git/codeloops")).unwrap();
    assert_eq!(own.count(), 0, "its own files are gone");
}

#[test]
fn a_state_that_there_is_not_is_told_with_those_that_there_are() {
    let place = scripted(&two_rounds("edit a.txt one", "edit a.txt two"));
    run_twice(&place);
    let _restored = place.run(&["restore", "latest", "--at", "1", "-y"]).exits(0);
    let id = place.session().id.to_string();
    let told = [&["--at", "3"][..], &["--at", "saved-2"], &["--at", "-1"], &[]].map(|at| {
        let refused = place.run(&[&["restore", "latest"][..], at].concat()).exits(2);
        format!("restore latest {}\n{}", at.join(" "), refused.stderr.replace(&id, "[ID]"))
    });
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn ignored_files_stay_whichever_state_ignores_them() {
    let place = workspace();
    place.write("build.log", "of the user, and not yet ignored\n");
    place.script(&two_rounds(
        "run echo '*.log' > .gitignore && echo 'deps/' >> .gitignore && mkdir deps && echo big > deps/x",
        "edit a.txt two",
    ));
    run_twice(&place);
    let (_, began) = there_and_back(&place, "0");
    assert_eq!(began.files["deps/x"].1, b"big\n");
    assert_eq!(began.files["build.log"].1, b"of the user, and not yet ignored\n");
}

#[test]
fn an_ignored_file_in_the_way_is_told_and_nothing_is_touched() {
    let place = workspace();
    place.write("out.log", "tracked by nobody, seen by all\n");
    place.write("out", "a file\n");
    place.script(&two_rounds(
        "run rm out.log out && echo '*.log' > .gitignore && mkdir out && echo o > out/o.log",
        "edit a.txt two",
    ));
    run_twice(&place);
    place.write("out.log", "ignored by now, and mine\n");
    let before = (seen(&place), place.git(&["for-each-ref"]));
    let refused = place.run(&["restore", "latest", "--at", "0", "-y"]).exits(2);
    assert!(refused.stderr.contains("`out`, `out.log` are ignored"), "{refused}");
    assert_eq!((seen(&place), place.git(&["for-each-ref"])), before);
}

/// What is seen through a link that goes is not in the way, nor there already.
#[test]
fn a_folder_that_was_moved_and_linked_comes_back() {
    let place = workspace();
    place.write("docs/same.txt", "the same\n");
    place.write("docs/other.txt", "before\n");
    place.commit_all("before");
    place.script(&two_rounds(
        "run mv docs moved && ln -s moved docs && echo after > moved/other.txt",
        "edit a.txt two",
    ));
    run_twice(&place);
    let (_, began) = there_and_back(&place, "0");
    assert_eq!(began.files["docs/same.txt"].1, b"the same\n");
    assert_eq!(began.files["docs/other.txt"].1, b"before\n");
    assert!(!began.files.contains_key("moved/same.txt"));
}

#[test]
fn line_ends_and_permissions_come_back_as_they_were() {
    let place = workspace();
    place.write(".gitattributes", "* text=auto eol=crlf\n");
    place.commit_all("line ends");
    place.script(&two_rounds("edit a.txt one", "edit a.txt two"));
    run_twice(&place);
    place.write("mixed.txt", "one\r\ntwo\nthree\n");
    place.write("a.txt", "with a plain end\n");
    fs::set_permissions(place.at("project/a.txt"), fs::Permissions::from_mode(0o640)).unwrap();
    there_and_back(&place, "0");
}

#[test]
fn it_works_from_anywhere_on_the_sessions_own_folder_and_working_tree() {
    let place = workspace();
    place.git(&["worktree", "add", "--quiet", "../home/linked"]);
    let linked = place.at("home/linked/below");
    fs::create_dir(&linked).unwrap();
    place.script(&two_rounds("edit a.txt one", "edit a.txt two"));
    let dir = linked.to_str().unwrap();
    let _ran = place.task(&["-n", "2", "-d", dir]).exits(1);
    let _restored = place.run(&["restore", "latest", "--at", "0", "-y"]).exits(0);
    assert_eq!(fs::read_dir(&linked).unwrap().count(), 0, "the folder stays");
    let _back = place.run(&["restore", "latest", "--at", "saved-1", "-y"]).exits(0);
    assert_eq!(fs::read_to_string(linked.join("a.txt")).unwrap(), "two\n");
    assert_eq!(place.git(&["status", "--porcelain"]), "");

    fs::remove_dir_all(&linked).unwrap();
    let gone = place.run(&["restore", "latest", "--at", "0", "-y"]).exits(2);
    assert!(gone.stderr.contains("that the session worked in is gone"), "{gone}");
}

#[test]
fn it_refuses_in_a_merge_and_where_a_run_is_at_work_and_where_the_state_is_gone() {
    let place = scripted(&two_rounds("edit a.txt one", "edit a.txt two"));
    run_twice(&place);
    place.write(".git/MERGE_HEAD", place.git(&["rev-parse", "HEAD"]));
    let refused = place.run(&["restore", "latest", "--at", "1", "-y"]).exits(2);
    assert!(refused.stderr.contains("a merge is in progress"), "{refused}");
    fs::remove_file(place.at("project/.git/MERGE_HEAD")).unwrap();

    let first = place.session().id.to_string();
    place.script(&format!("on actor\ntouch ../begun\nwait-file ../go\n{APPROVES}"));
    let run = place.start(&["--prompt", "Something else"]);
    wait_for(&place.at("begun"));
    let refused = place.run(&["restore", &first, "--at", "1", "-y"]).exits(2);
    assert!(refused.stderr.contains("works in"), "{refused}");
    assert_eq!(place.read("a.txt"), "two\n");
    place.write("../go", "");
    let _ended = run.wait().exits(0);

    let run_id = place.run_id(0);
    place.git(&["update-ref", "-d", &format!("refs/codeloops/{run_id}/1")]);
    let gone = place.run(&["restore", &first, "--at", "1", "-y"]).exits(2);
    assert!(gone.stderr.contains("is gone from the repository"), "{gone}");
}

#[test]
fn repositories_of_their_own_are_left_alone_and_told() {
    let place = workspace();
    place.script(&two_rounds(
        "run git init -q inner && cd inner && git commit -q --allow-empty -m inner && echo x > x",
        "edit a.txt two",
    ));
    run_twice(&place);
    let output = place.run(&["restore", "latest", "--at", "0", "-y"]).exits(0);
    assert!(output.stderr.contains("repositories of their own stay"), "{output}");
    assert_eq!(place.read("inner/x"), "x\n");
    assert!(!place.at("project/a.txt").exists());
}

/// Whoever is killed at it has lost nothing, and the same command does the rest.
#[test]
fn a_restore_that_is_killed_is_finished_by_the_next() {
    let place = workspace();
    for n in 0..300 {
        place.write(&format!("many/{n}.txt"), format!("{n} of the user\n"));
    }
    place.script(&two_rounds(
        "run for n in $(seq 0 299); do echo $n-of-the-actor > many/$n.txt; done",
        "edit a.txt two",
    ));
    run_twice(&place);
    let before = seen(&place);
    let run = place.session().start.run_id.unwrap();
    let saved = place.at(&format!("project/.git/refs/codeloops/restore/{run}/1"));
    let restore = place.start(&["restore", "latest", "--at", "0", "-y"]);
    wait_until("what was there is saved", || saved.exists());
    restore.signal(Signal::KILL);
    let _killed = restore.wait();
    let _again = place.run(&["restore", "latest", "--at", "0", "-y"]).exits(0);
    assert_eq!(place.read("many/299.txt"), "299 of the user\n");
    let _back = place.run(&["restore", "latest", "--at", "saved-1", "-y"]).exits(0);
    assert_eq!(seen(&place), before);
}

/// The first who asks takes the killed run's own files away; its agent works on.
#[test]
fn it_is_refused_for_as_long_as_an_agent_of_a_killed_run_works_there() {
    let place = place_with_shell_agent(
        "text",
        "trap '' PIPE\ncat > /dev/null\necho $$ > ../pid.tmp && mv ../pid.tmp ../agent.pid\n\
         while ! [ -e ../go ]; do sleep 0.01; done\n",
    );
    let run = place.start(&["--prompt", "Fix the typo"]);
    wait_for(&place.at("agent.pid"));
    run.signal(Signal::KILL);
    let _output = run.wait();
    for _ in 0..3 {
        let refused = place.run(&["restore", "latest", "--at", "0", "--yes"]).exits(2);
        assert!(refused.stderr.contains("its agent still works there"), "{refused}");
    }
    fs::write(place.at("go"), "").unwrap();
    eventually("its end", || processes_in(&place).is_empty().then_some(()));
    let _output = place.run(&["restore", "latest", "--at", "0", "--yes"]).exits(0);
}
