//! The page of agents, from the table that runs them.

use std::path::Path;

use codeloops_adapters::agents::builtin;
use codeloops_adapters::spec::{AgentSpec, PromptVia};
use codeloops_adapters::telemetry::Joins;
use codeloops_event::{CriticAccess, Permissions, Role};
use codeloops_sinks::commands::shell_quoted;

use super::page::{Page, code};
use crate::values::Words;

const CALLS: [(&str, Role, Permissions, CriticAccess); 5] = {
    use CriticAccess::{ReadOnly, RunCommands};
    [
        ("the actor, `permissions = \"full\"`", Role::Actor, Permissions::Full, RunCommands),
        ("the actor, `permissions = \"edits\"`", Role::Actor, Permissions::Edits, RunCommands),
        ("the critic, `permissions = \"full\"`", Role::Critic, Permissions::Full, RunCommands),
        ("the critic, `permissions = \"edits\"`", Role::Critic, Permissions::Edits, RunCommands),
        ("the critic, `critic_access = \"read-only\"`", Role::Critic, Permissions::Full, ReadOnly),
    ]
};

pub(super) fn page() -> String {
    let agents = builtin();
    let mut page = Page::new("Agent table");
    page.block(
        "How each built-in agent is called. Its program, its model flag, its environment and the \
         like can be changed under [`[agents.NAME]`](configuration.md#agents-of-your-own). What is \
         common to all is under [Agents](guide-agents.md).",
    );
    overview(&mut page, &agents);
    agents.iter().for_each(|agent| one(&mut page, agent));
    page.finish()
}

fn overview(page: &mut Page, agents: &[AgentSpec]) {
    let rows: Vec<[String; 6]> = agents
        .iter()
        .map(|agent| {
            [
                code(&agent.id),
                agent.title.clone(),
                programs(agent),
                code(agent.output.word()),
                (if agent.streams { "yes" } else { "no" }).to_owned(),
                code(agent.stop_signal.word()),
            ]
        })
        .collect();
    let head = ["id", "agent", "program", "output", "prints as it goes", "stopped by"];
    page.table(head, &rows);
    page.block(
        "A program is looked up in `PATH`, in the order shown. One that prints as it goes is ended \
         when it is silent for `limits.idle_timeout`.",
    );
}

fn versions(agent: &AgentSpec) -> Option<String> {
    let understood = &agent.understood;
    let from = understood.from.map(|version| format!("from {version} on"));
    let below = understood.below.map(|version| format!("before {version}"));
    let bounds: Vec<String> = from.into_iter().chain(below).collect();
    if bounds.is_empty() {
        return None;
    }
    let asked = code(&[&agent.command[..1], &agent.version_args].concat().join(" "));
    Some(format!("Versions that are understood: {} ({asked} tells).", bounds.join(", ")))
}

fn one(page: &mut Page, agent: &AgentSpec) {
    page.heading(2, &agent.title);
    let mut command = agent.command.clone();
    command.extend(agent.args.iter().cloned());
    let mut facts = vec![
        format!("Command: {}, then the flags below.", words(&command)),
        format!("Prompt: {}", prompt(agent)),
        format!("Model: {}", code(&agent.model_args.join(" "))),
    ];
    if !agent.aliases.is_empty() {
        facts.push(format!("Other names: {}", list(&agent.aliases)));
    }
    let env: Vec<String> =
        agent.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !env.is_empty() {
        facts.push(format!("Environment: {}", list(&env)));
    }
    if let Some(versions) = versions(agent) {
        facts.push(versions);
    }
    facts.extend(joins(agent));
    if let Some(variable) = &agent.unattended.root_needs {
        let variable = code(variable);
        facts
            .push(format!("As root the actor gets the flags of `edits` unless {variable} is `1`."));
    }
    page.block(&facts.iter().map(|fact| format!("- {fact}\n")).collect::<String>());
    let rows: Vec<[String; 2]> = CALLS
        .iter()
        .map(|(who, role, permissions, access)| {
            let flags = agent.unattended.flags(*role, *permissions, *access);
            [(*who).to_owned(), words(flags)]
        })
        .collect();
    page.table(["call", "flags"], &rows);
}

/// How it is made to put its spans below ours, where it can.
fn joins(agent: &AgentSpec) -> Option<String> {
    let how = match &agent.joins {
        Joins::Not => return None,
        Joins::ByVariables(own) => {
            let own = own.iter().map(|(name, value)| format!("{name}={value}"));
            format!(
                "{} and {}, with the receiver's URL, headers and certificates",
                list(&own.collect::<Vec<_>>()),
                code("OTEL_EXPORTER_OTLP_TRACES_*")
            )
        }
        Joins::ByCodexSetting => format!(
            "{}, with the receiver's URL and certificates; not where the receiver wants headers",
            code("-c otel.trace_exporter={...}")
        ),
    };
    Some(format!("Joins the trace of a run, where agents are to, by {how}."))
}

fn programs(agent: &AgentSpec) -> String {
    let programs = agent.command.first().into_iter().chain(&agent.fallbacks);
    list(&programs.cloned().collect::<Vec<_>>())
}

fn prompt(agent: &AgentSpec) -> String {
    let how = match agent.prompt {
        PromptVia::Stdin => "on standard input",
        PromptVia::Argument => "as an argument",
        PromptVia::File => "in a file",
    };
    let last = match agent.prompt_args.as_slice() {
        [] => String::new(),
        args => format!(", with {} as the last argument", code(&args.join(" "))),
    };
    format!("{how}{last}; {} bytes at most.", agent.max_prompt_bytes)
}

/// Words of a command line, as a shell takes them.
fn words(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| shell_quoted(Path::new(word))).collect();
    code(&quoted.join(" "))
}

fn list(items: &[String]) -> String {
    items.iter().map(|item| code(item)).collect::<Vec<_>>().join(", ")
}
