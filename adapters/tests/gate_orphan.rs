//! What can only be found while no other call runs in the same process, so it has a test program of its
//! own: daemons of gates that threw away all that tells whose they are.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use codeloops_adapters::Grace;
use codeloops_adapters::gates::{CommandGates, GateProgram, GatesConfig};
use codeloops_driver::ports::Gates;
use codeloops_event::{CallId, CallKind, GateSettings, GateStatus, TreeId};
use codeloops_machine::GateCall;
use tokio::sync::watch;

const DAEMON: &str = r"(setsid env -i sh -c 'echo $$ >DAEMON.tmp; mv DAEMON.tmp DAEMON
    exec sleep 1000' >/dev/null 2>&1 </dev/null &)
    while [ ! -e DAEMON ]; do sleep 0.01; done
    touch NAME-runs
    while [ ! -e NAME-may-go ]; do sleep 0.01; done";

fn program(name: &str) -> GateProgram {
    let script = DAEMON.replace("DAEMON", &format!("{name}-daemon")).replace("NAME", name);
    GateProgram {
        name: name.to_owned(),
        command: vec!["sh".into(), "-c".into(), script],
        working_dir: None,
        env: BTreeMap::new(),
    }
}

fn call(name: &str) -> GateCall {
    GateCall {
        call: CallId { iteration: 1, kind: CallKind::Gate, attempt: 1 },
        gate: GateSettings {
            name: name.to_owned(),
            command: Vec::new(),
            required: true,
            baseline: true,
            retries: 0,
            timeout_secs: None,
            working_dir: None,
            env: Vec::new(),
        },
        tree: Some(TreeId("tree".to_owned())),
        deadline: None,
    }
}

async fn until_there(file: &Path) {
    while !file.exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_daemon_of_unknown_descent_ends_with_the_last_of_the_gates_that_ran_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let gates = CommandGates::new(GatesConfig {
        gates: ["a", "b", "c"].map(program).to_vec(),
        working_dir: dir.path().to_owned(),
        evidence_root: at("evidence"),
        run_id: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        commit_sha: None,
        branch: None,
        max_output: u64::MAX,
        grace: Grace::default(),
        redactor: None,
        kept: None,
        diagnose: |_| (Vec::new(), 0),
    });
    let lives = |name: &str| {
        let pid = fs::read_to_string(at(&format!("{name}-daemon"))).unwrap();
        fs::exists(format!("/proc/{}", pid.trim())).unwrap()
    };
    let (_stop, stopped) = watch::channel(None);
    let start = |name: &'static str| {
        let (gates, stopped) = (gates.clone(), stopped.clone());
        tokio::spawn(async move { gates.run(call(name), stopped).await })
    };

    let a = start("a");
    until_there(&at("a-runs")).await;
    let b = start("b");
    until_there(&at("b-runs")).await;
    fs::write(at("a-may-go"), "").unwrap();
    let a = a.await.unwrap();
    assert_eq!((a.status, a.leftovers), (GateStatus::Passed, 0));
    assert!(lives("b"), "nobody can tell that it is not of the other");
    fs::write(at("b-may-go"), "").unwrap();
    let b = b.await.unwrap();
    assert_eq!((b.status, b.leftovers), (GateStatus::Passed, 0), "nobody knows whose they are");
    assert!(!lives("a") && !lives("b"));

    fs::write(at("c-may-go"), "").unwrap();
    let c = start("c").await.unwrap();
    assert_eq!((c.status, c.leftovers), (GateStatus::Passed, 1), "alone, it can be nobody else's");
    assert!(!lives("c"));
}
