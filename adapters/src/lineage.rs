//! The variables that tell the programs of a run what they belong to.

use std::ffi::OsString;

use codeloops_event::{Iteration, RunId};

use crate::process::{OWNER_VARIABLE, RUN_ID_VARIABLE};

/// The variable that has a gate's name.
pub(crate) const GATE_VARIABLE: &str = "CODELOOPS_GATE";

/// The variable that has the folder for what a gate leaves.
pub(crate) const ARTIFACTS_VARIABLE: &str = "CODELOOPS_ARTIFACTS";

/// What every process of a run is found by.
pub(crate) fn marks(run_id: &RunId) -> [(&'static str, OsString); 2] {
    [
        (RUN_ID_VARIABLE, run_id.as_str().into()),
        (OWNER_VARIABLE, std::process::id().to_string().into()),
    ]
}

/// What it is told. One without a value is removed, so that an outer run's is not taken for ours.
pub(crate) fn variables(
    commit_sha: Option<&str>,
    branch: Option<&str>,
    iteration: Iteration,
    role: &str,
) -> [(&'static str, Option<OsString>); 6] {
    [
        ("CODELOOPS_COMMIT_SHA", commit_sha.map(OsString::from)),
        ("CODELOOPS_BRANCH", branch.map(OsString::from)),
        ("CODELOOPS_ITERATION", Some(iteration.to_string().into())),
        ("CODELOOPS_ROLE", Some(role.into())),
        (GATE_VARIABLE, None),
        (ARTIFACTS_VARIABLE, None),
    ]
}
