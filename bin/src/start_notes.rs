//! What a user should know of a run before its first agent starts. `--dry-run` tells the same.

use std::path::Path;

use codeloops_adapters::resolve::{Host, granted};
use codeloops_sinks::commands::shell_quoted;
use serde::Serialize;

use crate::config::PROJECT_FILE;
use crate::output::Printer;
use crate::repository;
use crate::settings::RunSettings;
use crate::settings::otel::Otel;

/// Something to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Note {
    kind: Kind,
    /// In one line. It may quote a project's file.
    text: String,
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// Something will not be as it was asked for.
    Warning,
    /// It is as it was asked for, perhaps by somebody else.
    Note,
}

impl Note {
    /// Something that is as it was asked for.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { kind: Kind::Note, text: text.into() }
    }

    /// Whether something will not be as it was asked for.
    pub(crate) fn is_warning(&self) -> bool {
        self.kind == Kind::Warning
    }

    /// The note with its text changed.
    pub(crate) fn map(self, change: impl FnOnce(&str) -> String) -> Self {
        Self { text: change(&self.text), ..self }
    }

    /// What it says.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Something that will not be as it was asked for.
    pub(crate) fn warning(text: String) -> Self {
        Self { kind: Kind::Warning, text }
    }
}

/// What the settings alone tell.
pub(crate) fn start_notes(settings: &RunSettings, host: &Host) -> Vec<Note> {
    let of_otel = settings.otel.iter().flat_map(Otel::warnings);
    let warnings = less_than_asked(settings, host).into_iter().chain(settings.left_to_agents());
    let warnings = warnings.chain(settings.gates_not_there(host)).chain(of_otel);
    let of_gates = settings.gates_of_project();
    let of_project = settings.project_settings.iter().chain(&of_gates);
    warnings
        .map(Note::warning)
        .chain(not_read(&settings.working_dir.value))
        .chain(of_project.map(|setting| Note::new(format!("codeloops.toml {setting}"))))
        .collect()
}

/// Whoever stands in a subfolder may count on the project's file above it.
fn not_read(working_dir: &Path) -> Option<Note> {
    let file = repository::only_at_top(working_dir, PROJECT_FILE)?;
    let top = shell_quoted(file.parent()?);
    Some(Note::new(format!(
        "`{}` is not read: it is not in the working directory; `--working-dir {top}` takes it",
        file.display()
    )))
}

/// Tells them on standard error.
pub(crate) fn tell(notes: &[Note], printer: &mut Printer) {
    for Note { kind, text } in notes {
        match kind {
            Kind::Warning => printer.warning(text),
            Kind::Note => printer.remark(text),
        }
    }
}

/// A warning for a role whose agent may not do what it was to be allowed.
fn less_than_asked(settings: &RunSettings, host: &Host) -> Vec<String> {
    let wanted = settings.permissions.value;
    let roles = [&settings.actor, &settings.critic].into_iter();
    roles.filter_map(|of| granted(&of.agent.value, of.role, wanted, host).1).collect()
}
