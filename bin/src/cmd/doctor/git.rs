//! The `git` that a run would call.

use std::path::{Path, PathBuf};
use std::time::Duration;

use codeloops_adapters::ask::Question;
use codeloops_adapters::resolve::{Host, resolve};
use codeloops_adapters::spec::AgentSpec;
use codeloops_adapters::version::Version;
use codeloops_event::RunId;
use serde::Serialize;

use crate::repository;

/// How long it may take to tell its version.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was found. That it is missing is told with what keeps a run from starting.
#[derive(Debug, Serialize)]
pub(super) struct GitFound {
    /// Where it is; null where it is not in `PATH`.
    pub(super) program: Option<PathBuf>,
    /// Its version; null where it does not tell.
    pub(super) version: Option<String>,
    /// The top of the repository around the working directory; null where there is none.
    pub(super) repository: Option<PathBuf>,
}

pub(super) async fn look(dir: &Path, host: &Host, run_id: &RunId) -> GitFound {
    let program = resolve(&AgentSpec::new("git", "git", &["git"]), host).ok();
    let program = program.map(|found| found.program);
    let version = match &program {
        // One of the project's own need not be trusted yet.
        Some(program) if !program.starts_with(dir) => version(program, dir, run_id).await,
        _ => None,
    };
    GitFound { program, version, repository: repository::top(dir).map(Path::to_owned) }
}

async fn version(program: &Path, dir: &Path, run_id: &RunId) -> Option<String> {
    let question = Question {
        program: program.to_owned(),
        args: vec!["--version".to_owned()],
        dir: dir.to_owned(),
        env: Default::default(),
        run_id: run_id.clone(),
        patience: PATIENCE,
    };
    let answer = question.ask().await.ok()?;
    Some(Version::find_in(&answer.stdout)?.to_string())
}
