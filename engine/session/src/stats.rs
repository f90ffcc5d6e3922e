//! Figures over all sessions.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use codeloops_event::Outcome;
use serde::Serialize;

use crate::catalogue::Catalogue;
use crate::entry::{SessionEntry, Used};
use crate::progress::SessionStatus;
use crate::reader::Warning;

/// Figures over all sessions. Rates and averages are 0 where there is nothing to count.
#[derive(Debug, Serialize)]
pub struct SessionStats {
    /// Number of sessions.
    pub total_sessions: u64,
    /// Share of successful ones among those that do not run any more, 0 to 1.
    pub success_rate: f64,
    /// Finished rounds of a session that does not run any more, on average.
    pub avg_iterations: f64,
    /// Duration of a session that has ended, on average.
    pub avg_duration_secs: f64,
    /// Sessions by the UTC day on which they started, newest first; days without any are left out.
    pub sessions_over_time: Vec<DayCount>,
    /// Figures by project, the one with the most sessions first.
    pub by_project: Vec<ProjectStats>,
    /// Figures by agent and model, in both roles, the one with the most sessions first.
    pub by_agent: Vec<AgentStats>,
    /// Tokens sent, as far as the agents told; null where none did.
    pub input_tokens: Option<u64>,
    /// Tokens received, as far as the agents told; null where none did.
    pub output_tokens: Option<u64>,
    /// US dollars, as far as the agents told; null where none did.
    pub cost_usd: Option<f64>,
    /// Files that could not be counted; as text in JSON.
    pub warnings: Vec<Warning>,
}

/// The sessions of one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayCount {
    /// The day, in UTC.
    pub date: NaiveDate,
    /// Number of sessions.
    pub count: u64,
}

/// The sessions of one project.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProjectStats {
    /// The last part of the working directory.
    pub project: String,
    /// Number of sessions.
    pub total: u64,
    /// Share of successful ones among those that do not run any more, 0 to 1.
    pub success_rate: f64,
}

/// The sessions in which an agent took part with one model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgentStats {
    /// Its title.
    pub agent: String,
    /// The model that it was told to use; null for its own default.
    pub model: Option<String>,
    /// Sessions in which it was the actor.
    pub as_actor: u64,
    /// Sessions in which it was the critic.
    pub as_critic: u64,
    /// Share of successful ones among those that do not run any more and in which it was the actor, 0
    /// to 1.
    pub success_rate: f64,
    /// Tokens sent, in both roles; null where it told none.
    pub input_tokens: Option<u64>,
    /// Tokens received, in both roles; null where it told none.
    pub output_tokens: Option<u64>,
    /// US dollars, in both roles; null where it told none.
    pub cost_usd: Option<f64>,
}

impl SessionStats {
    pub(crate) fn of(sessions: &mut Catalogue) -> Self {
        let warnings = sessions.take_warnings();
        let mut count = Counted::default();
        sessions.iter().for_each(|session| count.add(&session));
        let Counted { total, all, duration, used, days, projects, agents } = count;
        Self {
            total_sessions: total,
            success_rate: all.success_rate(),
            avg_iterations: all.iterations.get(),
            avg_duration_secs: duration.get(),
            sessions_over_time: over_time(days),
            by_project: by_project(projects),
            by_agent: by_agent(agents),
            input_tokens: used.input_tokens,
            output_tokens: used.output_tokens,
            cost_usd: used.cost_usd,
            warnings,
        }
    }
}

/// An average as it grows.
#[derive(Default)]
struct Average {
    sum: f64,
    count: f64,
}

impl Average {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1.0;
    }

    fn get(&self) -> f64 {
        if self.count == 0.0 { 0.0 } else { self.sum / self.count }
    }
}

/// Sessions that have something in common, the running ones among them.
#[derive(Default)]
struct Group {
    total: u64,
    /// Of those that do not run.
    successes: Average,
    /// Of those that do not run.
    iterations: Average,
}

impl Group {
    fn add(&mut self, session: &SessionEntry<'_>) {
        self.total += 1;
        if session.status != SessionStatus::Running {
            let success = session.outcome == Some(Outcome::Success);
            self.successes.add(f64::from(u8::from(success)));
            self.iterations.add(f64::from(session.iterations));
        }
    }

    fn success_rate(&self) -> f64 {
        self.successes.get()
    }
}

/// An agent as it took part.
#[derive(Default)]
struct Part {
    actor: Group,
    critic: Group,
    used: Used,
}

#[derive(Default)]
struct Counted<'a> {
    total: u64,
    all: Group,
    duration: Average,
    used: Used,
    days: BTreeMap<NaiveDate, u64>,
    projects: HashMap<&'a str, Group>,
    agents: HashMap<(&'a str, Option<&'a str>), Part>,
}

impl<'a> Counted<'a> {
    fn add(&mut self, session: &SessionEntry<'a>) {
        self.total += 1;
        self.all.add(session);
        session.duration_secs.into_iter().for_each(|secs| self.duration.add(secs));
        self.used = self.used.plus(&session.used());
        *self.days.entry(session.timestamp.date_naive()).or_default() += 1;
        self.projects.entry(session.project()).or_default().add(session);
        let actor = self.agents.entry((session.actor_agent, session.actor_model)).or_default();
        actor.actor.add(session);
        actor.used = actor.used.plus(&session.actor_usage);
        let critic = self.agents.entry((session.critic_agent, session.critic_model)).or_default();
        critic.critic.add(session);
        critic.used = critic.used.plus(&session.critic_usage);
    }
}

fn over_time(days: BTreeMap<NaiveDate, u64>) -> Vec<DayCount> {
    days.into_iter().rev().map(|(date, count)| DayCount { date, count }).collect()
}

fn by_project(projects: HashMap<&str, Group>) -> Vec<ProjectStats> {
    let stats = projects.into_iter().map(|(project, group)| ProjectStats {
        project: project.to_owned(),
        total: group.total,
        success_rate: group.success_rate(),
    });
    let mut stats: Vec<_> = stats.collect();
    stats.sort_by(|a, b| (Reverse(a.total), &a.project).cmp(&(Reverse(b.total), &b.project)));
    stats
}

fn by_agent(agents: HashMap<(&str, Option<&str>), Part>) -> Vec<AgentStats> {
    let stats = agents.into_iter().map(|((agent, model), part)| AgentStats {
        agent: agent.to_owned(),
        model: model.map(str::to_owned),
        as_actor: part.actor.total,
        as_critic: part.critic.total,
        success_rate: part.actor.success_rate(),
        input_tokens: part.used.input_tokens,
        output_tokens: part.used.output_tokens,
        cost_usd: part.used.cost_usd,
    });
    let mut stats: Vec<_> = stats.collect();
    let place =
        |s: &AgentStats| (Reverse(s.as_actor + s.as_critic), s.agent.clone(), s.model.clone());
    stats.sort_by_cached_key(place);
    stats
}
