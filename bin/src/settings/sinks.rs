//! Which sinks a run or a replay has.

use std::path::{Path, PathBuf};

use super::origin::{Layers, Origin, Sourced};
use crate::app::RunArgs;
use crate::config::{ProjectSetting, Scope};
use crate::error::CliError;
use crate::values::SinkSpec;

/// The sinks that are asked for.
pub(super) struct Sinks {
    /// Sorted, none twice, paths absolute.
    pub(super) specs: Sourced<Vec<SinkSpec>>,
    /// Where a path or a command of theirs begins.
    pub(super) dir: PathBuf,
    /// What the project's file says of them that a user should know.
    pub(super) of_project: Vec<ProjectSetting>,
}

/// `--sink` stands for the configured ones, and `jsonl` is always there unless `--no-session` says
/// otherwise.
pub(super) fn of_run(
    args: &RunArgs,
    layers: Layers<'_>,
    current_dir: &Path,
) -> Result<Sinks, CliError> {
    let output = &args.output;
    if output.no_session && output.sinks.contains(&SinkSpec::Jsonl) {
        return Err(CliError::usage("`--sink jsonl` and `--no-session` contradict each other")
            .hint("leave one of them out"));
    }
    let default = vec![SinkSpec::Jsonl, SinkSpec::Console];
    let mut sinks = named(&output.sinks, layers, current_dir, default);
    let specs = &mut sinks.specs;
    specs.value.push(SinkSpec::Jsonl);
    if output.no_session {
        specs.value.retain(|sink| *sink != SinkSpec::Jsonl);
        specs.origin = Origin::Flag("--no-session");
    }
    specs.value.sort_unstable();
    specs.value.dedup();
    Ok(sinks)
}

/// A replay has the same, but for the session file.
pub(super) fn of_replay(flags: &[SinkSpec], layers: Layers<'_>, current_dir: &Path) -> Sinks {
    let mut sinks = named(flags, layers, current_dir, vec![SinkSpec::Console]);
    sinks.specs.value.retain(|sink| *sink != SinkSpec::Jsonl);
    sinks.specs.value.sort_unstable();
    sinks.specs.value.dedup();
    sinks
}

/// What the command line names begins at the current directory, what a file names at its folder.
fn named(
    flags: &[SinkSpec],
    layers: Layers<'_>,
    current_dir: &Path,
    default: Vec<SinkSpec>,
) -> Sinks {
    let asked = (!flags.is_empty()).then(|| flags.to_vec());
    let Sourced { value, origin } = layers.or("--sink", asked, |f| &f.sinks.enabled, default);
    let dir = match &origin {
        Origin::File { path, .. } => path.parent().unwrap_or(current_dir),
        Origin::Flag(_) | Origin::Environment(_) | Origin::Recorded | Origin::Default => {
            current_dir
        }
    };
    let is_projects = matches!(origin, Origin::File { scope: Scope::Project, .. });
    let of_project = if is_projects {
        value.iter().filter_map(ProjectSetting::of_sink).collect()
    } else {
        vec![]
    };
    let value = value.into_iter().map(|sink| sink.begun_at(dir)).collect();
    Sinks { dir: dir.to_owned(), of_project, specs: Sourced { value, origin } }
}
