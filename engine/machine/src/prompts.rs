//! The two prompts, from what the machine knows at that moment.

use codeloops_event::{GateResult, Nonce, TreeCheck, VerdictProblem};

use crate::context::Context;
use crate::phase::capturing_diff::Work;
use crate::prompt::{
    ActorPrompt, ActorTurn, Before, CriticPrompt, RunLabel, actor_prompt, critic_prompt,
};

/// The prompt of the next actor call.
pub(crate) fn for_actor(ctx: &Context) -> String {
    let start = &ctx.start;
    actor_prompt(&ActorPrompt {
        task: &start.prompt,
        run: RunLabel {
            run_id: &start.run_id,
            commit_sha: start.commit_sha.as_deref(),
            branch: start.branch.as_deref(),
        },
        rounds: &ctx.rounds,
        before: ctx.last_turn.as_ref().map_or(Before::Nothing, Before::Turn),
        max_prompt_bytes: start.settings.actor.max_prompt_bytes,
    })
}

/// What the tries of one evaluation before this one came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct EarlierTry<'a> {
    /// What was wrong with the answer.
    pub(crate) problem: Option<&'a VerdictProblem>,
    /// What the look at the tree found.
    pub(crate) tree: Option<&'a TreeCheck>,
}

/// The prompt of the next critic call.
pub(crate) fn for_critic(
    ctx: &Context,
    work: &Work,
    gates: &[GateResult],
    nonce: &Nonce,
    earlier: EarlierTry<'_>,
) -> String {
    let start = &ctx.start;
    let report = &work.turn.report;
    critic_prompt(&CriticPrompt {
        task: &start.prompt,
        nonce,
        iteration: work.turn.iteration,
        access: start.settings.critic_access,
        actor: ActorTurn {
            outcome: &report.outcome,
            exit_code: report.exit_code,
            text: &report.text,
            stderr: &report.stderr,
            stdout_file: report.stdout_file.as_ref(),
            stderr_file: report.stderr_file.as_ref(),
        },
        diff: &work.diff,
        evidence_dir: start.evidence_dir.as_deref(),
        gates,
        rounds: &ctx.rounds,
        tree: earlier.tree,
        problem: earlier.problem,
        max_prompt_bytes: start.settings.critic.max_prompt_bytes,
    })
}
