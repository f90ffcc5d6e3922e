//! The settings as rows of name, value and origin, for `--dry-run`.

use std::path::Path;

use codeloops_adapters::resolve::Host;
use serde_json::{Value, json};

use super::{LimitSettings, Origin, Otel, RoleSettings, RunSettings, Sourced};
use crate::units::{format_duration, format_size};
use crate::values::{Patience, TimeLimit, Words};

/// One setting as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name, as the configuration key would be.
    pub name: String,
    /// Its value; null for none.
    pub value: Value,
    /// Where it came from.
    pub origin: String,
}

impl Row {
    /// A setting that came from somewhere.
    #[must_use]
    pub fn new(name: &str, value: impl Into<Value>, origin: impl ToString) -> Self {
        Self { name: name.to_owned(), value: value.into(), origin: origin.to_string() }
    }

    /// The row with its texts changed.
    #[must_use]
    pub fn map(self, change: &impl Fn(&str) -> String) -> Self {
        Self { value: map(self.value, change), origin: change(&self.origin), ..self }
    }

    /// The value in one line, which can be broken between the items of a list.
    #[must_use]
    pub fn shown_value(&self) -> String {
        match &self.value {
            Value::Null => "none".to_owned(),
            Value::String(text) => text.clone(),
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(Value::to_string).collect();
                format!("[{}]", items.join(", "))
            }
            other => other.to_string(),
        }
    }
}

impl RunSettings {
    /// Every setting, in the order in which it is shown. Values of variables are hidden: any of them
    /// may be a secret. An agent that is not installed is shown as such.
    #[must_use]
    pub fn rows(&self, host: &Host) -> Vec<Row> {
        let mut rows =
            vec![Row::new("working_dir", path(&self.working_dir.value), &self.working_dir.origin)];
        rows.extend(self.agent_rows(&self.actor, host));
        rows.extend(self.agent_rows(&self.critic, host));
        rows.push(word("permissions", &self.permissions));
        rows.push(word("critic_access", &self.critic_access));
        rows.push(Row::new("redact", self.redact.value, &self.redact.origin));
        let patterns = &self.redact_patterns;
        rows.push(Row::new("redact_patterns", json!(patterns.value), &patterns.origin));
        let goes_on = &self.continue_session;
        rows.push(Row::new("continue_session", goes_on.value, &goes_on.origin));
        rows.push(Row::new("restore_tree", self.restore_tree.value, &self.restore_tree.origin));
        rows.extend(self.gate_rows());
        rows.extend(self.limits.rows(&self.actor, &self.critic));
        rows.push(word("log_format", &self.log_format));
        rows.push(optional("log_file", self.log_file.as_ref(), |file| path(file)));
        let sinks: Vec<_> = self.sinks.value.iter().map(ToString::to_string).collect();
        rows.push(Row::new("sinks.enabled", json!(sinks), &self.sinks.origin));
        rows.push(Row::new(
            "sinks.close_timeout",
            format_duration(self.close_timeout.value),
            &self.close_timeout.origin,
        ));
        rows.extend(self.otel.iter().flat_map(Otel::rows));
        rows.push(Row::new("runs_dir", path(&self.runs_dir.value), &self.runs_dir.origin));
        rows
    }
}

/// A value with the texts in it changed.
fn map(value: Value, change: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => change(&text).into(),
        Value::Array(items) => items.into_iter().map(|item| map(item, change)).collect(),
        other => other,
    }
}

impl LimitSettings {
    fn rows(&self, actor: &RoleSettings, critic: &RoleSettings) -> Vec<Row> {
        vec![
            optional("max_iterations", self.max_iterations.as_ref(), |max| max.get().into()),
            time("limits.max_duration", &self.max_duration),
            optional("limits.max_tokens", self.max_tokens.as_ref(), |max| max.get().into()),
            optional("limits.max_cost_usd", self.max_cost_usd.as_ref(), |max| max.get().into()),
            time("limits.actor_timeout", &self.actor_timeout),
            time("limits.critic_timeout", &self.critic_timeout),
            time("limits.gate_timeout", &self.gate_timeout),
            self.idle_row(actor),
            self.idle_row(critic),
            Row::new(
                "limits.max_actor_failures",
                self.max_actor_failures.value.get(),
                &self.max_actor_failures.origin,
            ),
            Row::new(
                "limits.max_critic_failures",
                self.max_critic_failures.value.get(),
                &self.max_critic_failures.origin,
            ),
            Row::new("limits.stuck_after", self.stuck_after.value.get(), &self.stuck_after.origin),
            Row::new(
                "limits.max_output",
                format_size(self.max_output.value),
                &self.max_output.origin,
            ),
            self.patience_row(),
        ]
    }

    fn patience_row(&self) -> Row {
        let value = match self.usage_limit_wait.value {
            Patience::Endless => Value::Null,
            Patience::AtMost(wait) => format_duration(wait).into(),
        };
        Row::new("limits.usage_limit_wait", value, &self.usage_limit_wait.origin)
    }

    fn idle_row(&self, of: &RoleSettings) -> Row {
        let value = self.idle_timeout_for(of.agent.value.streams);
        let name = format!("limits.idle_timeout.{}", of.role);
        time(&name, &Sourced { value, origin: self.idle_timeout.origin.clone() })
    }
}

pub(super) fn path(path: &Path) -> Value {
    path.display().to_string().into()
}

pub(super) fn word<T: Words>(name: &str, setting: &Sourced<T>) -> Row {
    Row::new(name, setting.value.word(), &setting.origin)
}

fn time(name: &str, setting: &Sourced<TimeLimit>) -> Row {
    let value = match setting.value {
        TimeLimit::Unlimited => Value::Null,
        limit @ TimeLimit::After(_) => limit.to_string().into(),
    };
    Row::new(name, value, &setting.origin)
}

pub(super) fn optional<T>(
    name: &str,
    setting: Option<&Sourced<T>>,
    value: impl FnOnce(&T) -> Value,
) -> Row {
    match setting {
        Some(setting) => Row::new(name, value(&setting.value), &setting.origin),
        None => Row::new(name, Value::Null, &Origin::Default),
    }
}
