//! One call, from the command line to the report. Runs on a thread that may block.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write;

use chrono::{DateTime, FixedOffset, Offset, Utc};
use codeloops_driver::ports::{AgentNote, Notes};
use codeloops_event::{AgentOutcome, OutputStream, layout};
use codeloops_machine::{AgentCall, AgentReport};
use rustix::process::Signal;

use super::capture::{Capture, Captured};
use super::outcome::{self, Facts};
use super::{AgentsConfig, RoleAgent, not_started, prompt_file};
use crate::argv::{ArgvOf, argv};
use crate::decode::Reading;
use crate::evidence::create_new;
use crate::lineage;
use crate::process::{
    Control, Ended, Invocation, Leader, Mark, OTHER_REPOSITORY, Pipes, Streams, Supervisor, Times,
    why_not_started,
};
use crate::redact::report_text;
use crate::spec::{AgentSpec, OutputFormat, PromptVia, StopWith};

/// Runs the call to its end.
pub(super) fn run(
    config: &AgentsConfig,
    call: &AgentCall,
    notes: &Notes,
    control: Control,
) -> AgentReport {
    let report = start_and_supervise(config, call, notes, control);
    mask_prompt_file(config, call);
    report
}

fn start_and_supervise(
    config: &AgentsConfig,
    call: &AgentCall,
    notes: &Notes,
    control: Control,
) -> AgentReport {
    match start(config, call, notes) {
        Ok(begun) => {
            // Fails only where nobody listens any more, which the control pipe tells as well.
            let _nobody = notes.blocking_send(AgentNote::Started(begun.leader.info().clone()));
            supervise(config, call, control, begun)
        }
        Err(NotBegun::Evidence(error)) => {
            let _nobody = notes.blocking_send(AgentNote::EvidenceFailed(error.clone()));
            not_started(error)
        }
        Err(NotBegun::Program(error)) => not_started(error),
    }
}

/// A program that runs, and where goes what it prints.
struct Begun {
    leader: Leader,
    pipes: Pipes,
    capture: Capture,
}

/// Why no program runs: what failed, with what.
enum NotBegun {
    /// What it prints, or its prompt, could not be kept.
    Evidence(String),
    /// It could not be started.
    Program(String),
}

/// Makes the evidence files, then starts the program.
fn start(config: &AgentsConfig, call: &AgentCall, notes: &Notes) -> Result<Begun, NotBegun> {
    let spec = &config.role(call.role).agent.spec;
    let capture = Capture::create(config, call, spec.output, notes).map_err(NotBegun::Evidence)?;
    let invocation = invocation(config, call).map_err(NotBegun::Evidence)?;
    let streams = if spec.prompt == PromptVia::Stdin { Streams::Piped } else { Streams::NoInput };
    let (leader, pipes) = Leader::spawn(&invocation, streams)
        .map_err(|error| NotBegun::Program(why_not_started(&invocation, &error)))?;
    Ok(Begun { leader, pipes, capture })
}

fn supervise(
    config: &AgentsConfig,
    call: &AgentCall,
    control: Control,
    Begun { leader, pipes, mut capture }: Begun,
) -> AgentReport {
    let spec = &config.role(call.role).agent.spec;
    let input = match spec.prompt {
        PromptVia::Stdin => call.prompt.clone().into_bytes(),
        PromptVia::Argument | PromptVia::File => Vec::new(),
    };
    let times = Times { deadline: call.deadline, idle: call.idle, grace: config.grace };
    let mark = Mark::Run(config.run_id.clone());
    let ended = match Supervisor::new(leader, pipes, mark, input, control, times, &mut capture) {
        Ok(supervisor) => supervisor.run(stop_signal(spec)),
        Err(error) => return not_started(format!("could not watch `{}`: {error}", spec.id)),
    };
    report(config, call, ended, capture.finish())
}

/// What the call came to.
fn report(
    config: &AgentsConfig,
    call: &AgentCall,
    ended: Ended,
    captured: Captured,
) -> AgentReport {
    let spec = &config.role(call.role).agent.spec;
    let Captured { decoded, printed, stderr, stdout_file, stderr_file } = captured;
    let facts = Facts {
        role: call.role,
        cause: ended.cause,
        goes_on: call.conversation.is_some(),
        status: ended.status,
        now: local_time(),
        printed,
        disputed: decoded.disputed,
    };
    let is_text_instead = decoded.reading == Reading::TextInstead;
    let earlier = call.conversation.as_ref();
    let same = earlier.filter(|earlier| decoded.session.as_ref() == Some(&earlier.id));
    let used = same.and_then(|conversation| conversation.used.as_ref());
    let (usage, conversation_usage) = match decoded.told.map(|told| told.since(used)) {
        Some((usage, sum)) => (Some(usage), sum),
        None => (None, None),
    };
    let redactor = config.redactor.as_deref();
    // What was declared as text was masked as it came.
    let of_answer = redactor.filter(|_| spec.output != OutputFormat::Text);
    let outcome = outcome::outcome(&facts, spec, decoded.reading, &stderr)
        .map(|message| report_text(&message, redactor));
    // Nothing rests on how a failure was read.
    let text_instead_of = (is_text_instead && outcome == AgentOutcome::Completed)
        .then(|| spec.output.as_str().to_owned());
    AgentReport {
        exit_code: outcome::exit_code(&facts),
        outcome,
        text: report_text(&decoded.text, of_answer),
        stderr: report_text(&stderr, None),
        stdout_file: Some(stdout_file),
        stderr_file: Some(stderr_file),
        agent_session: decoded.session,
        usage,
        conversation_usage,
        leftovers: ended.leftovers,
        text_instead_of,
    }
}

/// The time of day, in which programs tell people when a usage window resets. Git, which signs with it,
/// knows how far the zone is from UTC.
fn local_time() -> DateTime<FixedOffset> {
    let signed = git2::Signature::now("codeloops", "codeloops@localhost");
    let when =
        signed.map(|signature| (signature.when().seconds(), signature.when().offset_minutes()));
    let (secs, minutes) = when.unwrap_or_default();
    let zone = FixedOffset::east_opt(minutes * 60).unwrap_or_else(|| Utc.fix());
    DateTime::from_timestamp(secs, 0).unwrap_or_default().with_timezone(&zone)
}

/// The command line. Fails only where the prompt's file cannot be written.
fn invocation(config: &AgentsConfig, call: &AgentCall) -> Result<Invocation, String> {
    let RoleAgent { agent, model, permissions } = config.role(call.role);
    let prompt = prompt_argument(config, call, &agent.spec)?;
    let telemetry = config.telemetry.as_ref();
    let args = ArgvOf {
        role: call.role,
        model: model.as_deref(),
        permissions: *permissions,
        access: config.critic_access,
        joining: &telemetry.map(|of| of.arguments(&agent.spec)).unwrap_or_default(),
        session: call.conversation.as_ref().map(|conversation| conversation.id.as_str()),
        prompt: &prompt,
    };
    let set = |(name, value): (&String, &String)| (name.into(), Some(value.into()));
    let of_trace = telemetry.map(|of| of.variables(&config.run_id, call, &agent.spec));
    let mut env: BTreeMap<OsString, Option<OsString>> = of_trace.unwrap_or_default();
    env.extend(agent.spec.env.iter().map(set));
    env.extend(OTHER_REPOSITORY.map(|name| (name.into(), None)));
    let (commit, branch) = (config.commit_sha.as_deref(), config.branch.as_deref());
    let told = lineage::variables(commit, branch, call.call.iteration, call.role.as_str());
    env.extend(told.map(|(name, value)| (name.into(), value)));
    env.extend(lineage::marks(&config.run_id).map(|(name, value)| (name.into(), Some(value))));
    Ok(Invocation {
        program: agent.program.clone().into_os_string(),
        args: argv(&agent.spec, args),
        dir: config.working_dir.clone(),
        env,
    })
}

/// What stands for `{prompt}`: the prompt, or the file it is written to.
fn prompt_argument(
    config: &AgentsConfig,
    call: &AgentCall,
    spec: &AgentSpec,
) -> Result<OsString, String> {
    match spec.prompt {
        PromptVia::Stdin => Ok(OsString::new()),
        PromptVia::Argument => Ok(OsString::from(&call.prompt)),
        PromptVia::File => {
            let path = prompt_file(&config.evidence_root, &stream_path(call, OutputStream::Stdout));
            create_new(&path)
                .and_then(|mut file| file.write_all(call.prompt.as_bytes()))
                .map_err(|error| format!("could not write `{}`: {error}", path.display()))?;
            Ok(path.into_os_string())
        }
    }
}

/// Masks the file that the program took its prompt from, now that it has read it, or could not be
/// started: it stays with the evidence.
fn mask_prompt_file(config: &AgentsConfig, call: &AgentCall) {
    let Some(redactor) = &config.redactor else { return };
    let (masked, count) = redactor.text(&call.prompt);
    if count == 0 || config.role(call.role).agent.spec.prompt != PromptVia::File {
        return;
    }
    let path = prompt_file(&config.evidence_root, &stream_path(call, OutputStream::Stdout));
    if !path.exists() {
        return;
    }
    let written = create_new(&path).and_then(|mut file| file.write_all(masked.as_bytes()));
    if let Err(error) = written {
        tracing::warn!(%error, path = %path.display(), "the prompt's file is not masked");
    }
}

/// The evidence file of a stream, relative to the evidence folder.
pub(super) fn stream_path(call: &AgentCall, stream: OutputStream) -> String {
    layout::agent_stream(call.call.iteration, call.role, call.call.attempt, stream)
}

const fn stop_signal(spec: &AgentSpec) -> Signal {
    match spec.stop_signal {
        StopWith::Int => Signal::INT,
        StopWith::Term => Signal::TERM,
    }
}
