//! One role's agent as rows: everything that its calls go by.

use std::ffi::OsStr;

use codeloops_adapters::argv::{ArgvOf, argv};
use codeloops_adapters::resolve::{Host, granted, resolve};
use codeloops_event::Role;
use serde_json::{Value, json};

use super::rows::{optional, path};
use super::{Origin, RoleSettings, Row, RunSettings};
use crate::secrets::{MASK, shown_words};
use crate::values::Words;

/// What stands for the prompt, or for the path of its file, where it is an argument.
const PROMPT: &str = "{prompt}";

impl RunSettings {
    pub(super) fn agent_rows(&self, of: &RoleSettings, host: &Host) -> Vec<Row> {
        let spec = &of.agent.value;
        let mut rows = vec![
            Row::new(&of.name("agent"), spec.id.as_str(), &of.agent.origin),
            of.row("title", spec.title.as_str()),
            optional(&of.name("model"), of.model.as_ref(), |model| model.as_str().into()),
            of.program(host),
            Row::new(&of.name("args"), json!(self.arguments(of, host)), of.origins_of_arguments()),
            of.row("prompt", spec.prompt.word()),
            of.row("output", spec.output.word()),
            of.row("stop_signal", spec.stop_signal.word()),
            of.row("streams", spec.streams),
            of.row("resume_args", json!(spec.resume_args)),
            of.row("version_args", json!(spec.version_args)),
            of.row("max_prompt_bytes", spec.max_prompt_bytes),
        ];
        rows.extend(spec.env.keys().map(|name| of.row(&format!("env.{name}"), MASK)));
        rows
    }

    /// Program and arguments of a call. The program is named as the table has it where it is not found.
    pub(crate) fn call_of(&self, of: &RoleSettings, host: &Host) -> Vec<String> {
        let spec = &of.agent.value;
        let program = match resolve(spec, host) {
            Ok(found) => found.program.display().to_string(),
            Err(_) => spec.command.first().cloned().unwrap_or_default(),
        };
        [vec![program], self.arguments(of, host)].concat()
    }

    /// The arguments of a call as the runner will put them together.
    fn arguments(&self, of: &RoleSettings, host: &Host) -> Vec<String> {
        let spec = &of.agent.value;
        let (permissions, _) = granted(spec, of.role, self.permissions.value, host);
        let call = ArgvOf {
            role: of.role,
            model: of.model.as_ref().map(|model| model.value.as_str()),
            permissions,
            access: self.critic_access.value,
            joining: &[],
            session: None,
            prompt: OsStr::new(PROMPT),
        };
        let words = argv(spec, call).into_iter().map(|word| word.to_string_lossy().into_owned());
        shown_words(&words.collect::<Vec<_>>())
    }
}

impl RoleSettings {
    fn name(&self, key: &str) -> String {
        format!("{}.{key}", self.role)
    }

    /// A key of the agent's table.
    fn row(&self, key: &str, value: impl Into<Value>) -> Row {
        Row::new(&self.name(key), value, self.origin(key))
    }

    fn origin(&self, key: &str) -> &Origin {
        self.set_by.get(key).unwrap_or(&Origin::Default)
    }

    fn program(&self, host: &Host) -> Row {
        match resolve(&self.agent.value, host) {
            Ok(found) => {
                Row::new(&self.name("program"), path(&found.program), self.origin("command"))
            }
            Err(error) => Row::new(&self.name("program"), Value::Null, error),
        }
    }

    /// Every place that gives some of the arguments, in their order.
    fn origins_of_arguments(&self) -> String {
        let spec = &self.agent.value;
        let (key, own) = match self.role {
            Role::Actor => ("actor_args", &spec.actor_args),
            Role::Critic => ("critic_args", &spec.critic_args),
        };
        let parts = [
            ("command", spec.command.len() > 1),
            ("built in", spec.can_be_held()),
            ("model_args", self.model.is_some()),
            (key, !own.is_empty()),
            ("prompt", !spec.prompt_args.is_empty()),
        ];
        let given = parts.into_iter().filter(|(_, gives_some)| *gives_some);
        let mut origins: Vec<String> = given.map(|(key, _)| self.origin(key).to_string()).collect();
        origins.dedup();
        if origins.is_empty() { Origin::Default.to_string() } else { origins.join(", ") }
    }
}
