//! Where the changes of a session are: in its lines, in its evidence, in the snapshots. What is shown
//! is what was recorded, or it is told that it is not.

use std::io::Read;
use std::path::Path;

use codeloops_adapters::git::{diff_of_trees, lacks_ref};
use codeloops_event::layout::{TEXT_LIMIT, snapshot_ref};
use codeloops_event::{
    DiffCaptured, FoundTree, Iteration, IterationEnd, ResumedAt, SessionResumed, TreeCheck, TreeId,
};
use codeloops_session::{Answer, Call, Changes, ChangesIn, RunFolder, Session};
use codeloops_sinks::commands;
use codeloops_sinks::words::Said;
use sha2::{Digest, Sha256};

use crate::error::CliError;

/// A diff, and what to know of it.
pub(super) struct Found {
    pub(super) diff: Vec<u8>,
    pub(super) remarks: Vec<Said>,
}

impl Found {
    const fn whole(diff: Vec<u8>) -> Self {
        Self { diff, remarks: Vec::new() }
    }
}

/// Everything that changed since the run began, as its last iteration has it. `here` is where the user
/// stands.
pub(super) fn all(session: &Session, here: Option<&Path>) -> Result<Found, CliError> {
    let recorded = Recorded { session, here };
    let last = session.rounds.iter().rev().map(|round| round.iteration);
    let mut missing = Vec::new();
    for iteration in last {
        match recorded.cumulative(iteration) {
            Some(Ok(mut found)) => {
                found.remarks.splice(0..0, missing.into_iter().map(Said::from));
                found.remarks.extend(work_after(session, here));
                return Ok(found);
            }
            Some(Err(why)) => missing.push(why),
            None => {}
        }
    }
    Err(nothing_recorded(session, here, missing))
}

fn nothing_recorded(session: &Session, here: Option<&Path>, missing: Vec<String>) -> CliError {
    let failed = session.rounds.iter().rev().find_map(|round| match &round.changes {
        Some(Changes::Failed(failed)) => Some(failed.error.clone()),
        _ => None,
    });
    let mut error =
        CliError::failed(format!("no changes are recorded in session `{}`", session.id));
    match failed {
        Some(failed) => error = error.hint(format!("they could not be captured: {failed}")),
        None => error.hints.extend(missing),
    }
    error.hints.extend(look_at_tree(session, here).map(|command| {
        format!("an agent may have changed something; the working tree as it is now: {command}")
    }));
    error.hint(format!("`codeloops sessions show {}` tells what happened", session.id))
}

/// What an agent may have done after the last look at the tree is in no record.
fn work_after(session: &Session, here: Option<&Path>) -> Option<Said> {
    let text =
        "an agent may have changed more after this was captured; the working tree as it is now:";
    look_at_tree(session, here).map(|command| Said::with(text, &command))
}

/// The command that shows what no snapshot has, where an agent may have done something.
fn look_at_tree(session: &Session, here: Option<&Path>) -> Option<String> {
    let run_id = session.start.run_id.as_ref()?;
    let dir = Path::new(&session.start.working_dir);
    let base = snapshot_ref(run_id, 0);
    if session.changes_in != ChangesIn::WorkingTree || lacks_ref(dir, &base) {
        return None;
    }
    Some(commands::diff_with_tree((here != Some(dir)).then_some(dir), &base))
}

/// What changed in one iteration: between the snapshot before it and its own.
pub(super) fn of_iteration(
    session: &Session,
    iteration: Iteration,
    here: Option<&Path>,
) -> Result<Found, CliError> {
    let recorded = Recorded { session, here };
    if !session.rounds.iter().any(|round| round.iteration == iteration) {
        return Err(super::super::show::no_iteration(session, iteration));
    }
    let before = recorded.tree(iteration - 1);
    let after = recorded.tree(iteration);
    if let Some(diff) = before.zip(after).and_then(|(old, new)| recorded.between(old, new)) {
        let between = [recorded.critic_changes(iteration - 1), recorded.while_it_stood(iteration)];
        return Ok(Found { diff, remarks: between.into_iter().flatten().collect() });
    }
    // What changed since the run began is what changed in its first iteration.
    if iteration == 1 {
        return match recorded.cumulative(1) {
            Some(found) => found.map_err(|why| nothing_recorded(session, here, vec![why])),
            None => Err(nothing_recorded(session, here, Vec::new())),
        };
    }
    match (before, after) {
        (Some(_), Some(_)) => {
            Err(cannot_tell(session, iteration, "the snapshots are gone from the repository"))
        }
        _ if recorded.unchanged(iteration) => Ok(Found::whole(Vec::new())),
        _ if session.start.run_id.is_some() => {
            Err(cannot_tell(session, iteration, "nobody came to look at the tree after its actor"))
        }
        _ => Err(cannot_tell(session, iteration, "the program that recorded it took no snapshots")),
    }
}

fn cannot_tell(session: &Session, iteration: Iteration, why: &str) -> CliError {
    let id = &session.id;
    let text = format!("what iteration {iteration} alone changed cannot be told: {why}");
    CliError::failed(text)
        .hint(format!("`codeloops sessions diff {id}` shows what the whole run changed"))
}

/// What a session says of its changes.
struct Recorded<'a> {
    session: &'a Session,
    here: Option<&'a Path>,
}

impl<'a> Recorded<'a> {
    fn summary(&self, iteration: Iteration) -> Option<&'a IterationEnd> {
        let mut summaries = self.session.iterations.iter().rev();
        summaries.find(|summary| summary.iteration_number == iteration)
    }

    fn captured(&self, iteration: Iteration) -> Option<&'a DiffCaptured> {
        let mut rounds = self.session.rounds.iter().rev();
        rounds.find_map(|round| match &round.changes {
            Some(Changes::Captured(captured)) if round.iteration == iteration => Some(captured),
            _ => None,
        })
    }

    /// The snapshot of an iteration; of 0, the one that the run began with.
    fn tree(&self, iteration: Iteration) -> Option<&'a TreeId> {
        if iteration == 0 {
            return self.session.start.base_tree.as_ref();
        }
        let captured = self.captured(iteration).map(|captured| &captured.tree);
        captured.or_else(|| self.summary(iteration)?.tree.as_ref())
    }

    /// What changed from one tree to another, where a repository at hand still has both.
    fn between(&self, old: &TreeId, new: &TreeId) -> Option<Vec<u8>> {
        let recorded = Path::new(&self.session.start.working_dir);
        let dirs = std::iter::once(recorded).chain(self.here);
        dirs.into_iter().find_map(|dir| diff_of_trees(dir, old, new).ok().flatten())
    }

    /// What changed from the beginning of the run to the end of an iteration: none where nobody looked,
    /// an error where it is nowhere any more.
    fn cumulative(&self, iteration: Iteration) -> Option<Result<Found, String>> {
        let line = self.summary(iteration).map(|summary| summary.git_diff.as_bytes());
        let Some(captured) = self.captured(iteration) else {
            // Another program's: what it wrote down is all there is.
            return line.map(|diff| Ok(Found::whole(diff.to_owned())));
        };
        let found = self.exact(captured, line).map(Found::whole);
        let found =
            found.or_else(|| self.of_snapshots(captured)).or_else(|| self.cut(captured, line));
        let missing = || {
            format!(
                "what iteration {iteration} had changed is kept nowhere any more: neither its \
                 evidence nor its snapshots are there"
            )
        };
        Some(found.map(|found| masked(found, captured)).ok_or_else(missing))
    }

    /// The very bytes that were captured.
    fn exact(&self, captured: &DiffCaptured, line: Option<&[u8]>) -> Option<Vec<u8>> {
        let line = line.filter(|diff| is_of(captured, diff)).map(<[u8]>::to_vec);
        line.or_else(|| self.evidence(captured))
    }

    fn evidence(&self, captured: &DiffCaptured) -> Option<Vec<u8>> {
        let run_id = self.session.start.run_id.as_ref()?;
        let kept = Path::new(&self.session.evidence.as_ref()?.path);
        let mut file = RunFolder::at(kept.parent()?, run_id).open(&captured.patch).ok()?;
        let mut diff = Vec::new();
        file.read_to_end(&mut diff).ok()?;
        Some(diff)
    }

    /// The same from the snapshots, in which nothing is masked.
    fn of_snapshots(&self, captured: &DiffCaptured) -> Option<Found> {
        let diff = self.between(self.tree(0)?, &captured.tree)?;
        let mut found = Found::whole(diff);
        if !is_of(captured, &found.diff) {
            let n = captured.iteration;
            let text = format!(
                "the recorded diff of iteration {n} is not there as a whole; this one is made anew \
                 from the snapshots in the repository"
            );
            found.remarks.push(text.into());
        }
        Some(found)
    }

    /// What is left of it in the session's line.
    fn cut(&self, captured: &DiffCaptured, line: Option<&[u8]>) -> Option<Found> {
        let mut found = Found::whole(line?.to_vec());
        let is_cut = captured.patch.bytes > TEXT_LIMIT as u64;
        let what = if is_cut {
            "this is not the whole diff: its middle is cut out"
        } else {
            "this is not byte for byte the diff that was captured"
        };
        let (whole, bytes) = (&captured.patch.path, captured.patch.bytes);
        let text = format!(
            "{what}; it was in `{whole}` of the run's evidence ({bytes} bytes), which is not there as \
             it was recorded, and the snapshots are gone"
        );
        found.remarks.push(text.into());
        Some(found)
    }

    /// What the critic of an iteration changed and nobody put back is in no snapshot but the next.
    fn critic_changes(&self, iteration: Iteration) -> Option<Said> {
        let stays = |call: &Call<Answer>| {
            let tree = call.end().and_then(|end| end.left.tree.as_ref());
            matches!(tree, Some(TreeCheck::Changed { restored: false, .. }))
        };
        let mut rounds = self.session.rounds.iter().filter(|round| round.iteration == iteration);
        let text = format!("what the critic of iteration {iteration} changed is in it as well");
        rounds.any(|round| round.critic.iter().any(stays)).then(|| text.into())
    }

    /// Between two snapshots the run may have stood still, and anybody may have worked in the tree.
    fn while_it_stood(&self, iteration: Iteration) -> Option<Said> {
        let is_between = |resumed: &SessionResumed| match resumed.phase {
            ResumedAt::ActorExecuting | ResumedAt::CapturingDiff => resumed.iteration == iteration,
            ResumedAt::RunningGates | ResumedAt::CriticEvaluating => {
                resumed.iteration + 1 == iteration
            }
        };
        let has_changed = |resumed: &SessionResumed| resumed.tree != FoundTree::AsLeft;
        let text = "the run was resumed in between, and what had changed in the tree by then is in it \
                    as well";
        let mut resumes = self.session.resumes.iter();
        resumes.any(|resumed| is_between(resumed) && has_changed(resumed)).then(|| text.into())
    }

    /// Whether the record shows that an iteration changed nothing.
    fn unchanged(&self, iteration: Iteration) -> bool {
        let diff = |n| self.summary(n).map(|summary| &summary.git_diff);
        diff(iteration).zip(diff(iteration - 1)).is_some_and(|(now, before)| now == before)
    }
}

fn is_of(captured: &DiffCaptured, diff: &[u8]) -> bool {
    diff.len() as u64 == captured.patch.bytes && sha256(diff) == captured.patch.sha256
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A diff with masks in it writes the masks where it is applied.
fn masked(mut found: Found, captured: &DiffCaptured) -> Found {
    let masked = captured.patch.redacted;
    if masked > 0 && is_of(captured, &found.diff) {
        let places = codeloops_sinks::words::count(masked, "place is", "places are");
        let text = format!("{places} masked in it: where it is applied, the masks are written");
        found.remarks.push(text.into());
    }
    found
}
