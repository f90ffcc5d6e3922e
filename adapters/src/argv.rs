//! Builds an agent's arguments; pure.

use std::ffi::{OsStr, OsString};

use codeloops_event::{CriticAccess, Permissions, Role};

use crate::spec::AgentSpec;

/// What decides on the arguments of a call beside the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArgvOf<'a> {
    /// Who is called.
    pub role: Role,
    /// The model asked for.
    pub model: Option<&'a str>,
    /// What it is granted (see [`crate::resolve::granted`]).
    pub permissions: Permissions,
    /// What the user allows the critic.
    pub access: CriticAccess,
    /// What makes it put its spans below ours (see [`crate::telemetry::Telemetry::arguments`]).
    pub joining: &'a [String],
    /// The conversation that is gone on with; `None` for a new one.
    pub session: Option<&'a str>,
    /// The prompt itself or the path of its file, as the agent takes it; unused with stdin.
    pub prompt: &'a OsStr,
}

/// The arguments of a call, without the program itself.
#[must_use]
pub fn argv(spec: &AgentSpec, call: ArgvOf<'_>) -> Vec<OsString> {
    let own = match call.role {
        Role::Actor => &spec.actor_args,
        Role::Critic => &spec.critic_args,
    };
    let mut args: Vec<OsString> = spec.command.iter().skip(1).map(OsString::from).collect();
    args.extend(spec.args.iter().map(OsString::from));
    args.extend(
        spec.unattended.flags(call.role, call.permissions, call.access).iter().map(OsString::from),
    );
    if let Some(model) = call.model {
        args.extend(spec.model_args.iter().map(|arg| arg.replace("{model}", model).into()));
    }
    args.extend(call.joining.iter().map(OsString::from));
    args.extend(own.iter().map(OsString::from));
    if let Some(session) = call.session {
        args.extend(spec.resume_args.iter().map(|arg| arg.replace("{session}", session).into()));
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::builtin;
    use crate::resolve::{Host, granted};

    fn line(spec: &AgentSpec, call: ArgvOf<'_>) -> String {
        argv(spec, call).join(OsStr::new(" ")).into_string().unwrap()
    }

    #[test]
    fn arguments_of_every_agent_in_every_call() {
        let mut told = Vec::new();
        for spec in builtin() {
            for (role, access) in [
                (Role::Actor, CriticAccess::RunCommands),
                (Role::Critic, CriticAccess::RunCommands),
                (Role::Critic, CriticAccess::ReadOnly),
            ] {
                for permissions in [Permissions::Full, Permissions::Edits] {
                    for (model, session) in [(None, None), (Some("m1"), Some("s1"))] {
                        let prompt = OsStr::new("");
                        let joining = &[];
                        let call =
                            ArgvOf { role, model, permissions, access, joining, session, prompt };
                        let (id, name) = (&spec.id, model.unwrap_or("-"));
                        let args = line(&spec, call);
                        told.push(format!("{id} {role} {permissions:?} {access:?} {name}: {args}"));
                    }
                }
            }
        }
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn claude_gives_root_edits_only_unless_it_is_told_of_a_sandbox() {
        let host = Host { path: "".into(), dir: "/".into(), root: true, vars: [].into() };
        let as_root = |spec: &AgentSpec, role| {
            let (permissions, warning) = granted(spec, role, Permissions::Full, &host);
            let (access, prompt) = (CriticAccess::RunCommands, OsStr::new(""));
            let session = None;
            (
                line(
                    spec,
                    ArgvOf {
                        role,
                        model: None,
                        permissions,
                        access,
                        joining: &[],
                        session,
                        prompt,
                    },
                ),
                warning,
            )
        };
        let claude = builtin().remove(0);
        let (args, warning) = as_root(&claude, Role::Actor);
        assert!(args.ends_with("--permission-mode acceptEdits"));
        insta::assert_snapshot!(
            warning.unwrap(),
            @"Claude Code refuses full permissions to root; it may edit files only (set `IS_SANDBOX=1` where this machine is a sandbox)"
        );
        // The flags of the critic are refused to nobody.
        let (args, warning) = as_root(&claude, Role::Critic);
        assert!(args.ends_with("--allowedTools Bash"));
        assert_eq!(warning, None);
        let env = [("IS_SANDBOX".to_owned(), "1".to_owned())].into();
        let (args, warning) = as_root(&AgentSpec { env, ..claude }, Role::Actor);
        assert!(args.ends_with("--dangerously-skip-permissions"));
        assert_eq!(warning, None);
    }

    #[test]
    fn own_arguments_stand_after_the_built_in_ones_and_the_prompt_last() {
        let spec = AgentSpec {
            actor_args: vec!["--as".into(), "actor".into()],
            critic_args: vec!["--as".into(), "critic".into()],
            prompt_args: vec!["--message={prompt}".into()],
            ..AgentSpec::new("mine", "Mine", &["mine", "--quiet"])
        };
        let call = |role| ArgvOf {
            role,
            model: Some("m"),
            permissions: Permissions::Full,
            access: CriticAccess::RunCommands,
            joining: &[],
            session: None,
            prompt: OsStr::new("do {model} it"),
        };
        assert_eq!(
            line(&spec, call(Role::Actor)),
            "--quiet --model m --as actor --message=do {model} it"
        );
        assert_eq!(
            line(&spec, call(Role::Critic)),
            "--quiet --model m --as critic --message=do {model} it"
        );
    }
}
