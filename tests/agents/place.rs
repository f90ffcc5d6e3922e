//! A place for one run: a project, a throw-away home, a fake model, and real agents that know it.

use std::ops::{Deref, DerefMut};

use codeloops_event::{AgentOutcome, Event, SessionEnd};
use codeloops_tests::watch::assert_nothing_is_left;
use codeloops_tests::{Output, Programs, Running, Workspace};

use crate::agent::Agent;
use crate::model::FakeModel;

const PROGRAMS: Programs = Programs {
    codeloops: env!("CARGO_BIN_EXE_codeloops-as-released"),
    fake_agent: env!("CARGO_BIN_EXE_fake-agent"),
};

/// The place; a [`Workspace`] with more in it.
pub(crate) struct Place {
    pub(crate) model: FakeModel,
    workspace: Workspace,
}

impl Deref for Place {
    type Target = Workspace;

    fn deref(&self) -> &Workspace {
        &self.workspace
    }
}

impl DerefMut for Place {
    fn deref_mut(&mut self) -> &mut Workspace {
        &mut self.workspace
    }
}

impl Place {
    /// With one agent for both roles, and a model that plays this scenario.
    pub(crate) fn new(agent: Agent, scenario: &str) -> Self {
        Self::with_pair(agent, agent, scenario)
    }

    /// With an agent for each role.
    pub(crate) fn with_pair(actor: Agent, critic: Agent, scenario: &str) -> Self {
        let mut workspace = Workspace::new(PROGRAMS);
        workspace.set_var("ANTHROPIC_API_KEY", "fake");
        let log = workspace.at("model.log");
        let model = FakeModel::start(scenario, &workspace.project(), log);
        let mut config = format!(
            "[defaults]\nactor.agent = \"{}\"\ncritic.agent = \"{}\"\n",
            actor.id(),
            critic.id()
        );
        let agents = if actor == critic { vec![actor] } else { vec![actor, critic] };
        for agent in agents {
            agent.prepare_home(&workspace, &model.url());
            config.push_str(&agent.table(&model.url()));
        }
        workspace.global_config(&config);
        Self { model, workspace }
    }

    /// Starts a run.
    pub(crate) fn start_task(&self, options: &[&str]) -> Running {
        self.start(&[&["--prompt", "Write hello.txt and bye.txt", "-n", "3"], options].concat())
    }

    /// Runs to the end, which must be this one.
    #[track_caller]
    pub(crate) fn run_to(&self, code: i32, options: &[&str]) -> Output {
        self.ended(self.start_task(options), code)
    }

    /// Waits for the end of a run, which must be this one and leave nothing behind.
    #[track_caller]
    pub(crate) fn ended(&self, run: Running, code: i32) -> Output {
        let output = run.wait();
        assert!(output.code == code, "{output}\n{}", self.story());
        assert_nothing_is_left(self);
        output
    }

    /// The end of the session.
    pub(crate) fn end(&self) -> SessionEnd {
        self.session().end.expect("the session has an end")
    }

    /// How the actor's calls ended.
    pub(crate) fn actor_outcomes(&self) -> Vec<AgentOutcome> {
        let events = self.events().into_iter();
        let outcomes = events.filter_map(|event| match event {
            Event::ActorCompleted(completed) => Some(completed.outcome),
            _ => None,
        });
        outcomes.collect()
    }

    /// The conversation of each call of the actor, in its own words.
    pub(crate) fn actor_conversations(&self) -> Vec<Option<String>> {
        let events = self.events().into_iter();
        let told = events.filter_map(|event| match event {
            Event::ActorCompleted(e) => Some(e.agent_session),
            _ => None,
        });
        told.collect()
    }

    /// How the critic's calls ended.
    pub(crate) fn critic_outcomes(&self) -> Vec<AgentOutcome> {
        let events = self.events().into_iter();
        let outcomes = events.filter_map(|event| match event {
            Event::CriticCompleted(completed) => Some(completed.outcome),
            _ => None,
        });
        outcomes.collect()
    }

    /// What to read where a run did not end as it should.
    fn story(&self) -> String {
        let session = self.run(&["sessions", "show", "latest"]);
        let requests = self.model.requests();
        format!("{session}\nthe model was asked: {requests:#?}")
    }
}
