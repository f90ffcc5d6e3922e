//! Budgets that an agent does not tell enough for: refused before anything starts, for a limit that
//! cannot be held is worse than none.

use super::{RoleSettings, RunSettings};
use crate::error::CliError;

impl RunSettings {
    /// Refuses a limit on cost or tokens where an agent tells nothing of it.
    pub(crate) fn refuse_unmeasured(&self) -> Result<(), CliError> {
        let limits = &self.limits;
        if limits.max_cost_usd.is_some() {
            self.each_tells("`max_cost_usd`", "cost", |of| of.output().tells_cost())
                .map_err(|error| error.hint(self.instead_of_cost()))?;
        }
        if limits.max_tokens.is_some() {
            self.each_tells("`max_tokens`", "tokens", |of| of.output().tells_tokens())
                .map_err(|error| error.hint("use `max_duration` or `max_iterations`"))?;
        }
        Ok(())
    }

    fn each_tells(
        &self,
        limit: &str,
        what: &str,
        tells: impl Fn(&RoleSettings) -> bool,
    ) -> Result<(), CliError> {
        let silent = [&self.actor, &self.critic].into_iter().find(|role| !tells(role));
        silent.map_or(Ok(()), |of| {
            let (role, title) = (of.role, &of.agent.value.title);
            let error =
                format!("{limit} cannot be held: {title}, the {role}, does not tell its {what}");
            Err(CliError::usage(error))
        })
    }

    fn instead_of_cost(&self) -> &'static str {
        let both = [&self.actor, &self.critic].iter().all(|role| role.output().tells_tokens());
        if both { "use `max_tokens`" } else { "use `max_duration` or `max_iterations`" }
    }
}
