//! Which session is meant: the one that is named, or one that the user picks.

use codeloops_event::Outcome;
use codeloops_session::{
    Session, SessionFilter, SessionId, SessionStore, SessionSummary, StoreError,
};
use codeloops_sinks::one_line;

use super::{show, store_error, tell};
use crate::cmd::page::Page;
use crate::cmd::pager::is_dumb;
use crate::error::CliError;
use crate::output::Printer;
use crate::text::shorten;
use crate::world::{Choice, World};

/// Columns of the project in a row.
const PROJECT_WIDTH: usize = 16;

/// The session that is wanted by its id, the beginning of one or `latest`; where none is, one that is
/// picked.
pub(super) fn wanted(
    id: Option<&str>,
    store: &SessionStore,
    world: &World,
    printer: &mut Printer,
) -> Result<SessionId, CliError> {
    let Some(id) = id else { return session(store, world, printer) };
    if let Some(exact) = exact(id, store) {
        return Ok(exact);
    }
    store.resolve(id).map_err(|error| store_error(&error))
}

/// A session of this very id, without a look at the others.
fn exact(id: &str, store: &SessionStore) -> Option<SessionId> {
    let id: SessionId = id.parse().ok()?;
    store.path_of(&id).is_file().then_some(id)
}

/// One that the user picks.
pub(super) fn session(
    store: &SessionStore,
    world: &World,
    printer: &mut Printer,
) -> Result<SessionId, CliError> {
    if !can_ask(world) {
        return Err(CliError::usage("no session given, and no terminal to pick one on")
            .hint("give an id, the beginning of one, or `latest`")
            .hint("`codeloops sessions list` shows the ids"));
    }
    let found =
        store.list_sessions(&SessionFilter::default()).map_err(|error| store_error(&error))?;
    tell(&found.warnings, printer);
    if found.sessions.is_empty() {
        let path = store.dir().to_owned();
        return Err(store_error(&StoreError::NoSessions { path }));
    }
    let choices: Vec<Choice> = found.sessions.iter().map(choice).collect();
    let mut preview = |at: usize, columns: usize| {
        let id = &found.sessions[at].id;
        store.load_session(id).map_or_else(|error| error.to_string(), |s| page(&s, columns))
    };
    let picked = world.ask.pick(&choices, &mut preview)?;
    Ok(found.sessions[picked].id.clone())
}

/// Whether somebody sees what is asked and can answer.
fn can_ask(world: &World) -> bool {
    world.terminal.stdin && world.terminal.stderr && !is_dumb(world)
}

fn choice(session: &SessionSummary) -> Choice {
    let outcome = session.outcome.map_or(session.status.as_str(), Outcome::as_str);
    let project = shorten(&one_line(&session.project), PROJECT_WIDTH);
    let gap = " ".repeat(PROJECT_WIDTH.saturating_sub(console::measure_text_width(&project)));
    let prompt = one_line(&session.prompt_preview);
    let id = one_line(session.id.as_str());
    let line = format!("{id}  {outcome:<12}  {project}{gap}  {prompt}");
    Choice { name: id, line }
}

fn page(session: &Session, columns: usize) -> String {
    let mut page = Page::new(Some(columns));
    show::write(session, None, &mut page);
    page.into_text()
}
