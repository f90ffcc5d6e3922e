//! Both ways to start a program give it the same.

use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use rustix::process::{WaitOptions, waitpid};

use super::*;

type Way = fn(&Invocation, ItsEnds) -> io::Result<Pid>;

const WAYS: [(&str, Way); 2] = [("posix_spawn", posix::spawn), ("fork", fork::spawn)];

fn shell(script: &str) -> Invocation {
    Invocation {
        program: "sh".into(),
        args: vec!["-c".into(), script.into()],
        dir: "/".into(),
        env: BTreeMap::new(),
    }
}

/// What a program prints, started each way.
fn printed(invocation: &Invocation, input: Option<&str>) -> [String; 2] {
    WAYS.map(|(name, way)| {
        let streams = if input.is_some() { Streams::Piped } else { Streams::NoInput };
        let (pid, pipes) = spawn_by(way, invocation, streams).expect(name);
        if let (Some(stdin), Some(input)) = (pipes.stdin, input) {
            File::from(stdin).write_all(input.as_bytes()).unwrap();
        }
        let mut text = String::new();
        File::from(pipes.stdout).read_to_string(&mut text).unwrap();
        File::from(pipes.stderr.unwrap()).read_to_string(&mut text).unwrap();
        let _status = waitpid(Some(pid), WaitOptions::empty()).unwrap();
        text
    })
}

#[test]
fn its_streams_are_its_own() {
    for printed in printed(&shell("cat; echo out; echo err >&2"), Some("in\n")) {
        assert_eq!(printed, "in\nout\nerr\n");
    }
    let script = "cat; ls /proc/self/fd";
    let usual = Command::new("sh").args(["-c", script]).stdin(Stdio::null()).output().unwrap();
    for printed in printed(&shell(script), None) {
        assert_eq!(printed.as_bytes(), usual.stdout, "no file is open that need not be");
    }
}

#[test]
fn of_one_output_the_order_is_kept() {
    let script = "for n in 1 2 3; do echo out $n; echo err $n >&2; done; cat";
    for (name, way) in WAYS {
        let (pid, pipes) = spawn_by(way, &shell(script), Streams::OneOutput).expect(name);
        assert!(pipes.stderr.is_none());
        let mut text = String::new();
        File::from(pipes.stdout).read_to_string(&mut text).unwrap();
        assert_eq!(text, "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n", "{name}");
        let _status = waitpid(Some(pid), WaitOptions::empty()).unwrap();
    }
}

#[test]
fn it_has_our_environment_with_the_changes() {
    let mut invocation = shell(r#"echo "$SET ${HOME-none} ${PATH:+kept}""#);
    invocation.env = [("SET".into(), Some("a=b c".into())), ("HOME".into(), None)].into();
    for printed in printed(&invocation, None) {
        assert_eq!(printed, "a=b c none kept\n");
    }
}

#[test]
fn it_leads_a_session_in_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    let dir = fs::canonicalize(dir.path()).unwrap();
    let script = r#"pwd; read -r _ _ _ _ group session _ < "/proc/$$/stat"
        [ $$ = "$group" ] && [ $$ = "$session" ] && echo leads"#;
    for printed in printed(&Invocation { dir: dir.clone(), ..shell(script) }, None) {
        assert_eq!(printed, format!("{}\nleads\n", dir.display()));
    }
}

/// The C library keeps signals from 32 on for itself.
#[test]
fn no_signal_is_blocked_or_ignored() {
    for printed in printed(&shell("grep -E 'Sig(Blk|Ign)' /proc/self/status"), None) {
        for line in printed.lines() {
            let mask = line.split_whitespace().nth(1).unwrap();
            assert_eq!(u64::from_str_radix(mask, 16).unwrap() & 0x7fff_ffff, 0, "{line}");
        }
    }
}

#[test]
fn what_cannot_be_started_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let text_file = dir.path().join("text");
    fs::write(&text_file, "no program").unwrap();
    let there = || dir.path().to_owned();
    let none = dir.path().join("none");
    for (program, dir, kind) in [
        ("/no/such/program", there(), io::ErrorKind::NotFound),
        ("sh", none, io::ErrorKind::NotFound),
        (text_file.to_str().unwrap(), there(), io::ErrorKind::PermissionDenied),
        ("a\0b", there(), io::ErrorKind::InvalidInput),
    ] {
        let invocation = Invocation { program: program.into(), dir, ..shell("") };
        for (name, way) in WAYS {
            let error = spawn_by(way, &invocation, Streams::NoInput).unwrap_err();
            assert_eq!(error.kind(), kind, "{name} of {program:?}");
        }
    }
}
