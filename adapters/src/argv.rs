//! Builds an agent's arguments; pure.

use std::ffi::{OsStr, OsString};

use codeloops_event::{CriticAccess, Permissions, Role};

use crate::resolve::ResolvedAgent;

/// What decides on the arguments of a call beside the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArgvOf<'a> {
    /// Who is called.
    pub role: Role,
    /// The model asked for.
    pub model: Option<&'a str>,
    /// What the user allows agents.
    pub permissions: Permissions,
    /// What the user allows the critic.
    pub access: CriticAccess,
    /// The prompt itself or the path of its file, as the agent takes it; unused with stdin.
    pub prompt: &'a OsStr,
}

/// The arguments of a call, without the program itself.
#[must_use]
pub fn argv(agent: &ResolvedAgent, call: ArgvOf<'_>) -> Vec<OsString> {
    let spec = &agent.spec;
    let (permissions, _) = match call.role {
        Role::Actor => agent.permissions(call.permissions),
        Role::Critic => (call.permissions, None),
    };
    let own = match call.role {
        Role::Actor => &spec.actor_args,
        Role::Critic => &spec.critic_args,
    };
    let mut args: Vec<OsString> = spec.command.iter().skip(1).map(OsString::from).collect();
    args.extend(spec.args.iter().map(OsString::from));
    args.extend(
        spec.unattended.flags(call.role, permissions, call.access).iter().map(OsString::from),
    );
    if let Some(model) = call.model {
        args.extend(spec.model_args.iter().map(|arg| arg.replace("{model}", model).into()));
    }
    args.extend(own.iter().map(OsString::from));
    args.extend(spec.prompt_args.iter().map(|arg| with_prompt(arg, call.prompt)));
    args
}

/// Puts the prompt in place of `{prompt}`. It need not be UTF-8: a path is any bytes.
fn with_prompt(arg: &str, prompt: &OsStr) -> OsString {
    let mut parts = arg.split("{prompt}");
    let mut whole = OsString::from(parts.next().unwrap_or_default());
    for part in parts {
        whole.push(prompt);
        whole.push(part);
    }
    whole
}
