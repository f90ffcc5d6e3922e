//! The one thing that can only be found while no other call runs in the same process, so it has a
//! test program of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use codeloops_adapters::Grace;
use codeloops_adapters::resolve::{Host, resolve};
use codeloops_adapters::runner::{AgentsConfig, CliAgents, RoleAgent};
use codeloops_adapters::spec::AgentSpec;
use codeloops_driver::ports::Agents;
use codeloops_event::{AgentOutcome, CallId, CallKind, CriticAccess, Permissions, Role};
use codeloops_machine::{AgentCall, Budget};
use tokio::sync::{mpsc, watch};

/// A daemon that threw away its environment, has no parent, and ignores SIGTERM.
const AGENT: &str = r#"#!/bin/sh
(setsid env -i sh -c 'trap "" TERM; echo $$ >daemon.tmp; mv daemon.tmp daemon
    while :; do sleep 0.01; done' >/dev/null 2>&1 </dev/null &)
while [ ! -e daemon ]; do sleep 0.01; done
"#;

#[tokio::test]
async fn a_daemon_without_parent_and_environment_does_not_survive() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("agent");
    fs::write(&program, AGENT).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let spec = AgentSpec::new("test", "Test", &[program.to_str().unwrap()]);
    let agent = resolve(&spec, &Host::current(dir.path())).unwrap();
    let agent = RoleAgent { agent, model: None, permissions: Permissions::Full };
    let agents = CliAgents::new(AgentsConfig {
        actor: agent.clone(),
        critic: agent,
        critic_access: CriticAccess::RunCommands,
        working_dir: dir.path().to_owned(),
        evidence_root: dir.path().join("evidence"),
        run_id: "01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap(),
        commit_sha: None,
        branch: None,
        max_output: u64::MAX,
        grace: Grace::default(),
        redactor: None,
        telemetry: None,
    });
    let call = AgentCall {
        call: CallId { iteration: 1, kind: CallKind::Actor, attempt: 1 },
        role: Role::Actor,
        prompt: String::new(),
        conversation: None,
        deadline: None,
        idle: None,
        budget: Budget::default(),
    };
    let (notes, _received) = mpsc::channel(100);
    let (_stop, stopped) = watch::channel(None);
    let report = agents.run(call, notes, stopped).await;
    assert_eq!(report.outcome, AgentOutcome::Completed);
    assert!(report.leftovers >= 1);
    let pid = fs::read_to_string(dir.path().join("daemon")).unwrap();
    assert!(!fs::exists(format!("/proc/{}", pid.trim())).unwrap(), "it lives, or is not reaped");
}
