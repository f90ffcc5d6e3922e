//! The settings of a session as settings of another run: what was recorded stands, unless a flag says
//! otherwise. Both configuration files are asked only for what no session records: how an agent is
//! started, the sinks, the redaction.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::time::Duration;

use codeloops_event::{AgentSettings, Limits, Settings};

use super::origin::{Origin, Sourced};
use super::{LimitSettings, RoleSettings, RunSettings};
use crate::app::RunArgs;
use crate::error::CliError;
use crate::values::{Dollars, Patience, TimeLimit};
use crate::world::World;

impl RunSettings {
    /// As [`RunSettings::resolve`], for a run that goes on with what a session recorded.
    ///
    /// # Errors
    /// As [`RunSettings::resolve`].
    pub fn as_recorded(
        recorded: &Settings,
        args: &RunArgs,
        no_color: bool,
        working_dir: Sourced<PathBuf>,
        world: &World,
    ) -> Result<Self, CliError> {
        let named = with_agents(args, recorded);
        let mut settings = Self::put_together(&named, no_color, working_dir, world)?;
        let names_actor = args.actor_agent.is_some() || args.agent.is_some();
        let names_critic = args.critic_agent.is_some() || args.agent.is_some();
        take_role(&mut settings.actor, &recorded.actor, names_actor);
        take_role(&mut settings.critic, &recorded.critic, names_critic);
        take(&mut settings.permissions, recorded.permissions);
        take(&mut settings.critic_access, recorded.critic_access);
        take(&mut settings.continue_session, recorded.continue_session);
        take(&mut settings.restore_tree, recorded.restore_tree);
        settings.limits.take(&recorded.limits);
        settings.refuse_unmeasured()?;
        Ok(settings)
    }
}

impl LimitSettings {
    fn take(&mut self, recorded: &Limits) {
        let from_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        take_option(&mut self.max_iterations, recorded.max_iterations.and_then(NonZeroU32::new));
        take(&mut self.max_duration, time_limit(recorded.max_duration_secs));
        take_option(&mut self.max_tokens, recorded.max_tokens.and_then(NonZeroU64::new));
        take_option(&mut self.max_cost_usd, recorded.max_cost_usd.and_then(Dollars::new));
        take(&mut self.actor_timeout, time_limit(recorded.actor_timeout_secs));
        take(&mut self.critic_timeout, time_limit(recorded.critic_timeout_secs));
        self.take_idle_timeout(recorded);
        take(&mut self.max_actor_failures, from_one(recorded.max_actor_failures));
        take(&mut self.max_critic_failures, from_one(recorded.max_critic_failures));
        take(&mut self.max_output, recorded.max_output_bytes);
        let patience = recorded
            .usage_limit_wait_secs
            .map_or(Patience::Endless, |secs| Patience::AtMost(seconds(secs)));
        take(&mut self.usage_limit_wait, patience);
    }

    /// The default is for agents that print as they go, so it may have been recorded of one role only.
    fn take_idle_timeout(&mut self, recorded: &Limits) {
        let (actor, critic) = (recorded.actor_idle_timeout_secs, recorded.critic_idle_timeout_secs);
        take(&mut self.idle_timeout, time_limit(actor.or(critic)));
        if actor != critic && self.idle_timeout.origin == Origin::Recorded {
            self.idle_timeout.origin = Origin::Default;
        }
    }
}

/// The arguments, with the agents that were recorded where they name none.
fn with_agents(args: &RunArgs, recorded: &Settings) -> RunArgs {
    let mut named = args.clone();
    if args.agent.is_none() {
        named.actor_agent.get_or_insert_with(|| recorded.actor.agent.clone());
        named.critic_agent.get_or_insert_with(|| recorded.critic.agent.clone());
    }
    named
}

/// A model goes with its agent: one that was recorded of another agent means nothing.
fn take_role(role: &mut RoleSettings, recorded: &AgentSettings, is_named: bool) {
    if !is_named {
        role.agent.origin = Origin::Recorded;
    }
    let is_same = role.agent.value.id == recorded.agent;
    take_option(&mut role.model, recorded.model.clone().filter(|_| is_same));
}

/// What was recorded, unless a flag says otherwise.
fn take<T>(setting: &mut Sourced<T>, recorded: T) {
    if !is_flag(&setting.origin) {
        *setting = Sourced { value: recorded, origin: Origin::Recorded };
    }
}

fn take_option<T>(setting: &mut Option<Sourced<T>>, recorded: Option<T>) {
    if !setting.as_ref().is_some_and(|setting| is_flag(&setting.origin)) {
        *setting = recorded.map(|value| Sourced { value, origin: Origin::Recorded });
    }
}

const fn is_flag(origin: &Origin) -> bool {
    matches!(origin, Origin::Flag(_))
}

fn time_limit(secs: Option<f64>) -> TimeLimit {
    secs.map_or(TimeLimit::Unlimited, |secs| TimeLimit::After(seconds(secs)))
}

/// A recording may hold any number.
fn seconds(secs: f64) -> Duration {
    Duration::try_from_secs_f64(secs).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::app::App;
    use crate::settings::working_dir;
    use crate::testing::Sandbox;

    fn args(flags: &[&str]) -> RunArgs {
        App::try_parse_from(["codeloops"].iter().chain(flags)).unwrap().run
    }

    /// What a run with these flags records.
    fn recorded(sandbox: &Sandbox, flags: &[&str]) -> Settings {
        let world = sandbox.world().0;
        let dir = working_dir(None, &world.env).unwrap();
        let settings = RunSettings::resolve(&args(flags), true, dir, &world).unwrap();
        settings.engine(settings.permissions.value)
    }

    /// What a run with these flags goes by that goes on with what was recorded.
    fn again(sandbox: &Sandbox, recorded: &Settings, flags: &[&str]) -> Settings {
        let world = sandbox.world().0;
        let dir = working_dir(None, &world.env).unwrap();
        let settings = RunSettings::as_recorded(recorded, &args(flags), true, dir, &world).unwrap();
        settings.engine(settings.permissions.value)
    }

    const OTHERWISE: &str = "agent = \"gemini\"\nmodel = \"m2\"\nmax_iterations = 9\n\
        permissions = \"edits\"\ncontinue_session = false\n[limits]\nmax_duration = \"1h\"\n\
        idle_timeout = \"1m\"\nmax_actor_failures = 7\n";

    #[test]
    fn what_was_recorded_stands_whatever_the_configuration_says_by_now() {
        let shapes: [&[&str]; 3] = [
            &[],
            &["--agent", "codex", "--model", "m1", "--max-iterations", "4"],
            &["--critic-agent", "opencode", "--idle-timeout", "none", "--usage-limit-wait", "none"],
        ];
        for flags in shapes {
            let sandbox = Sandbox::new();
            let before = recorded(&sandbox, flags);
            sandbox.project(OTHERWISE);
            assert_eq!(again(&sandbox, &before, &[]), before, "{flags:?}");
        }
    }

    #[test]
    fn a_flag_stands_over_what_was_recorded() {
        let sandbox = Sandbox::new();
        let before = recorded(&sandbox, &["--model", "m1", "--max-iterations", "4"]);
        let after = again(&sandbox, &before, &["-n", "8", "--actor-agent", "codex"]);
        assert_eq!(after.limits.max_iterations, Some(8));
        assert_eq!((after.actor.agent.as_str(), &after.actor.model), ("codex", &None));
        assert_eq!(after.critic, before.critic);
    }
}
