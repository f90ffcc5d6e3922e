//! `codeloops sessions stats`: figures over all sessions.

use codeloops_event::Usage;
use codeloops_session::{AgentStats, SessionStats, SessionStore};
use codeloops_sinks::{one_line, usage, words};
use console::measure_text_width;

use super::{store_error, tell};
use crate::app::StatsArgs;
use crate::error::CliError;
use crate::output::Printer;

/// Columns before what a row says.
const VALUE: usize = 19;
/// Columns before the name of a row of a part.
const INDENT: usize = 2;
/// Days that are shown; `--json` has all of them.
const DAYS: usize = 14;

/// Prints the figures.
pub(super) fn stats(
    args: &StatsArgs,
    store: &SessionStore,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let stats = store.get_stats().map_err(|error| store_error(&error))?;
    if args.json {
        return printer.json(&stats);
    }
    tell(&stats.warnings, printer);
    printer.data(&page(&stats))
}

fn page(stats: &SessionStats) -> String {
    let mut page = "Session Statistics\n==================\n\n".to_owned();
    row(&mut page, 0, "Total Sessions", &stats.total_sessions.to_string());
    row(&mut page, 0, "Success Rate", &percent(stats.success_rate));
    row(&mut page, 0, "Avg Iterations", &format!("{:.1}", stats.avg_iterations));
    row(&mut page, 0, "Avg Duration", &words::duration(stats.avg_duration_secs));
    if let Some(used) = used(stats.input_tokens, stats.output_tokens, stats.cost_usd) {
        row(&mut page, 0, "Usage", &used);
    }
    projects(stats, &mut page);
    agents(stats, &mut page);
    days(stats, &mut page);
    page
}

fn projects(stats: &SessionStats, page: &mut String) {
    heading(page, "By Project", stats.by_project.is_empty());
    for project in &stats.by_project {
        let says =
            format!("{} ({} success)", sessions(project.total), percent(project.success_rate));
        row(page, INDENT, &project.project, &says);
    }
}

fn agents(stats: &SessionStats, page: &mut String) {
    heading(page, "By Agent", stats.by_agent.is_empty());
    for agent in &stats.by_agent {
        let model = agent.model.as_ref().map(|model| format!(" ({model})")).unwrap_or_default();
        row(page, INDENT, &format!("{}{model}", agent.agent), &part(agent));
    }
}

/// In which parts an agent was, and what that took.
fn part(agent: &AgentStats) -> String {
    let as_actor = (agent.as_actor > 0).then(|| {
        format!("{} as actor ({} success)", sessions(agent.as_actor), percent(agent.success_rate))
    });
    let as_critic =
        (agent.as_critic > 0).then(|| format!("{} as critic", sessions(agent.as_critic)));
    let used = used(agent.input_tokens, agent.output_tokens, agent.cost_usd);
    let says: Vec<String> = [as_actor, as_critic, used].into_iter().flatten().collect();
    says.join(", ")
}

fn days(stats: &SessionStats, page: &mut String) {
    heading(page, "Sessions Over Time", stats.sessions_over_time.is_empty());
    for day in stats.sessions_over_time.iter().take(DAYS) {
        row(page, INDENT, &day.date.to_string(), &sessions(day.count));
    }
    if stats.sessions_over_time.len() > DAYS {
        page.push_str("  ...\n");
    }
}

fn heading(page: &mut String, heading: &str, is_empty: bool) {
    if !is_empty {
        page.push('\n');
        page.push_str(heading);
        page.push_str(":\n");
    }
}

/// A name and what there is to say, which begins in the same column in each row that has room.
fn row(page: &mut String, indent: usize, name: &str, says: &str) {
    let name = format!("{:indent$}{}:", "", one_line(name));
    let gap = VALUE.saturating_sub(measure_text_width(&name)).max(1);
    let line = format!("{name}{:gap$}{}\n", "", one_line(says));
    page.push_str(&line);
}

fn sessions(count: u64) -> String {
    words::count(count, "session", "sessions")
}

fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// Tokens and cost; none where nobody told any.
fn used(input: Option<u64>, output: Option<u64>, cost: Option<f64>) -> Option<String> {
    usage::in_words(&Usage {
        input_tokens: input,
        output_tokens: output,
        cost_usd: cost,
        ..Usage::default()
    })
}
