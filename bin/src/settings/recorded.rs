//! The settings of a session as settings of another run: what was recorded stands, unless a flag says
//! otherwise. Both configuration files are asked only for what no session records: how an agent is
//! started, the sinks, the redaction.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::time::Duration;

use codeloops_event::{AgentSettings, GatePolicy, Limits, Settings};

use super::gates::{self, GivenAnew, PolicySettings};
use super::origin::{Origin, Sourced};
use super::{LimitSettings, RoleSettings, RunSettings};
use crate::app::RunArgs;
use crate::error::CliError;
use crate::values::{Dollars, Patience, StuckAfter, TimeLimit};
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
        settings.take_gates(recorded, args, world)?;
        settings.limits.take(&recorded.limits);
        settings.refuse_unmeasured()?;
        Ok(settings)
    }

    /// A fork is another run, which may have gates of its own; a resumed one has its own.
    fn take_gates(
        &mut self,
        recorded: &Settings,
        args: &RunArgs,
        world: &World,
    ) -> Result<(), CliError> {
        let given = if args.resume.is_some() { GivenAnew::Again } else { GivenAnew::Over };
        let present = &self.gates.value;
        let masks = || self.masks(&world.env);
        let gates = gates::as_recorded(&recorded.gates, present, given, masks)?;
        let is_anew = given == GivenAnew::Over && is_flag(&self.gates.origin);
        self.gates.value = gates;
        if !is_anew {
            self.gates.origin = Origin::Recorded;
        }
        self.gate_policy.take(&recorded.gate_policy);
        Ok(())
    }
}

impl PolicySettings {
    fn take(&mut self, recorded: &GatePolicy) {
        take(&mut self.on_failure, recorded.on_failure);
        take(&mut self.parallel, recorded.parallel);
        take(&mut self.tamper, recorded.tamper);
        take(&mut self.baseline, recorded.baseline);
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
        take(&mut self.gate_timeout, time_limit(recorded.gate_timeout_secs));
        self.take_idle_timeout(recorded);
        take(&mut self.max_actor_failures, from_one(recorded.max_actor_failures));
        take(&mut self.max_critic_failures, from_one(recorded.max_critic_failures));
        let stuck_after = StuckAfter::new(recorded.stuck_after).unwrap_or(self.stuck_after.value);
        take(&mut self.stuck_after, stuck_after);
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
pub(super) fn seconds(secs: f64) -> Duration {
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

    const GATES: &str = "[[gates]]\nname = 'test'\nrun = 'make test'\n\
        [[gates]]\nname = 'scan'\nrun = ['scan', '--token', 's3cret']\nenv = { A = '1' }\n\
        timeout = '90s'\nworking_dir = 'sub'\nretries = 3\n[gate_policy]\ntamper = 'veto'\n";

    /// What was recorded of [`GATES`], as a session holds it.
    fn recorded_gates(sandbox: &Sandbox) -> Settings {
        sandbox.project(GATES);
        let mut settings = recorded(sandbox, &["--stuck-after", "3", "--no-baseline"]);
        settings.gates[1].command[2] = "********".to_owned();
        settings
    }

    fn gates_again(
        sandbox: &Sandbox,
        recorded: &Settings,
        flags: &[&str],
    ) -> Result<Vec<String>, String> {
        let world = sandbox.world().0;
        let dir = working_dir(None, &world.env).unwrap();
        let settings = RunSettings::as_recorded(recorded, &args(flags), true, dir, &world);
        let shown = |gate: &gates::Gate| {
            let env = gate.env.iter().map(|(name, value)| format!(" {name}={}", value.value));
            format!("{}: {}{}", gate.name, gate.command.value.join(" "), env.collect::<String>())
        };
        settings
            .map(|settings| settings.gates.value.iter().map(shown).collect())
            .map_err(|error| format!("{error}\n{}", error.hints.join("\n")))
    }

    #[test]
    fn recorded_gates_stand_and_their_secrets_come_from_the_configuration() {
        let sandbox = Sandbox::new();
        let before = recorded_gates(&sandbox);
        // The other gate is another one by now, and more variables are set.
        sandbox.project(&GATES.replace("make test", "true").replace("A = '1'", "A = '2', B = '3'"));
        let gates = gates_again(&sandbox, &before, &["--resume", "latest"]);
        assert_eq!(gates.unwrap(), ["test: sh -c make test", "scan: scan --token s3cret A=2"]);
        let after = again(&sandbox, &before, &["--resume", "latest"]);
        assert_eq!((after.gates[1].timeout_secs, after.gates[1].retries), (Some(90.0), 3));
        assert_eq!(after.gate_policy, before.gate_policy);
        assert_eq!(after.limits.stuck_after, 3);
    }

    #[test]
    fn a_gate_whose_secrets_nobody_knows_any_more_is_told() {
        let sandbox = Sandbox::new();
        let before = recorded_gates(&sandbox);
        let mut without_env = before.clone();
        without_env.gates[1].env.clear();
        sandbox.project(&GATES.replace("'scan', '--token'", "'scan', '--other-token'"));
        let told = [&before, &without_env]
            .map(|recorded| gates_again(&sandbox, recorded, &["--resume", "latest"]).unwrap_err());
        insta::assert_snapshot!(told.join("\n"), @r"
        the command of gate `scan` was masked when it was recorded, so it is not known: scan --token ********
        configure the gate as it was, with its variables
        the command of gate `scan` was masked when it was recorded, so it is not known: scan --token ********
        give it again with `--gate 'scan=COMMAND'`, or configure it as it was
        ");
        sandbox.project(&GATES.replace("A = '1'", "B = '1'"));
        let told = gates_again(&sandbox, &before, &["--resume", "latest"]).unwrap_err();
        insta::assert_snapshot!(told, @r"
        gate `scan` needs the variable `A`, whose value no session records
        configure the gate as it was: with the same command and this variable in its `env`
        ");
    }

    #[test]
    fn a_resumed_run_takes_no_other_gates_and_a_fork_does() {
        let sandbox = Sandbox::new();
        sandbox.project("[[gates]]\nname = 'test'\nrun = 'make test'\n");
        let before = recorded(&sandbox, &[]);
        sandbox.project("");
        let same = ["--gate", "test=make test"];
        let other = ["--gate", "test=true", "--gate", "lint=make lint"];
        let of_resume = |flags: &[&str]| {
            gates_again(&sandbox, &before, &[&["--resume", "latest"], flags].concat())
        };
        assert_eq!(of_resume(&same).unwrap(), ["test: sh -c make test"]);
        insta::assert_snapshot!(of_resume(&other).unwrap_err(), @r"
        gate `test` is not one that the session began with
        a resumed run goes on with its own gates; `codeloops fork` takes others
        ");
        let of_fork = gates_again(&sandbox, &before, &other).unwrap();
        assert_eq!(of_fork, ["test: sh -c true", "lint: sh -c make lint"]);
    }
}
