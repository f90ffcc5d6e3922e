//! Figures over all sessions.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::NaiveDate;
use codeloops_event::Outcome;
use serde::Serialize;

use crate::progress::SessionStatus;
use crate::reader::Warning;
use crate::store::SessionList;
use crate::summary::SessionSummary;

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

impl SessionStats {
    pub(crate) fn of(list: SessionList) -> Self {
        let SessionList { sessions, warnings } = list;
        Self {
            total_sessions: sessions.len() as u64,
            success_rate: success_rate(&sessions),
            avg_iterations: average(over(&sessions).map(|s| f64::from(s.iterations))),
            avg_duration_secs: average(sessions.iter().filter_map(|s| s.duration_secs)),
            sessions_over_time: over_time(&sessions),
            by_project: by_project(&sessions),
            warnings,
        }
    }
}

fn over_time(sessions: &[SessionSummary]) -> Vec<DayCount> {
    let mut days = BTreeMap::new();
    for session in sessions {
        *days.entry(session.timestamp.date_naive()).or_default() += 1;
    }
    days.into_iter().rev().map(|(date, count)| DayCount { date, count }).collect()
}

fn by_project(sessions: &[SessionSummary]) -> Vec<ProjectStats> {
    let mut projects: BTreeMap<&str, Vec<&SessionSummary>> = BTreeMap::new();
    for session in sessions {
        projects.entry(&session.project).or_default().push(session);
    }
    let mut stats: Vec<_> = projects
        .into_iter()
        .map(|(project, sessions)| ProjectStats {
            project: project.to_owned(),
            total: sessions.len() as u64,
            success_rate: success_rate(sessions),
        })
        .collect();
    stats.sort_by_key(|project| Reverse(project.total));
    stats
}

fn success_rate<'a>(sessions: impl IntoIterator<Item = &'a SessionSummary>) -> f64 {
    average(over(sessions).map(|s| f64::from(u8::from(s.outcome == Some(Outcome::Success)))))
}

/// The sessions that do not run any more.
fn over<'a>(
    sessions: impl IntoIterator<Item = &'a SessionSummary>,
) -> impl Iterator<Item = &'a SessionSummary> {
    sessions.into_iter().filter(|s| s.status != SessionStatus::Running)
}

fn average(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count == 0.0 { 0.0 } else { sum / count }
}
