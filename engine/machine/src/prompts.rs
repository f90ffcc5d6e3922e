//! The prompt of a call: what it is made of, and the text once somebody asks for it.
//!
//! The machine only notes what a prompt is made of, shared and not copied; the text is put together
//! by whoever carries out the call. So a step costs the same however large a diff is, and a replay
//! renders no prompt at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use codeloops_event::{GateResult, Iteration, Nonce, TreeCheck, VerdictProblem};

use crate::context::{Context, LastTurn};
use crate::input::Start;
use crate::phase::capturing_diff::Work;
use crate::phase::gate_runs::Position;
use crate::prompt::{
    ActorPrompt, ActorTurn, Before, CriticPrompt, Round, RunLabel, actor_prompt, critic_prompt,
};

/// What a prompt is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompt(Parts);

#[derive(Debug, Clone, PartialEq)]
enum Parts {
    Actor(ForActor),
    Critic(Box<ForCritic>),
}

#[derive(Debug, Clone, PartialEq)]
struct ForActor {
    start: Arc<Start>,
    baseline: Arc<BTreeMap<Position, GateResult>>,
    repeated: Vec<Iteration>,
    rounds: Arc<Vec<Round>>,
    last_turn: Option<LastTurn>,
    /// Whether the agent has the rounds so far in its own conversation.
    goes_on: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct ForCritic {
    start: Arc<Start>,
    rounds: Arc<Vec<Round>>,
    case: Arc<Case>,
    nonce: Nonce,
    earlier: EarlierTry,
}

/// What a critic judges.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    pub(crate) work: Work,
    pub(crate) gates: Vec<GateResult>,
}

/// What the tries of one evaluation before this one came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct EarlierTry {
    /// What was wrong with the answer.
    pub(crate) problem: Option<VerdictProblem>,
    /// What the look at the tree found.
    pub(crate) tree: Option<TreeCheck>,
}

impl Prompt {
    /// The prompt of the next actor call.
    pub(crate) fn for_actor(ctx: &Context) -> Self {
        Self(Parts::Actor(ForActor {
            start: Arc::clone(&ctx.start),
            baseline: Arc::clone(&ctx.baseline),
            repeated: ctx.states.repeated().to_vec(),
            rounds: Arc::clone(&ctx.rounds),
            last_turn: ctx.last_turn.clone(),
            goes_on: ctx.conversation.as_ref().is_some_and(|kept| kept.knows_task),
        }))
    }

    /// The prompt of the next critic call.
    pub(crate) fn for_critic(
        ctx: &Context,
        case: &Arc<Case>,
        nonce: &Nonce,
        earlier: &EarlierTry,
    ) -> Self {
        Self(Parts::Critic(Box::new(ForCritic {
            start: Arc::clone(&ctx.start),
            rounds: Arc::clone(&ctx.rounds),
            case: Arc::clone(case),
            nonce: nonce.clone(),
            earlier: earlier.clone(),
        })))
    }

    /// The text.
    #[must_use]
    pub fn render(&self) -> String {
        match &self.0 {
            Parts::Actor(parts) => parts.render(),
            Parts::Critic(parts) => parts.render(),
        }
    }
}

impl ForActor {
    fn render(&self) -> String {
        let start = &self.start;
        let gates = &start.settings.gates;
        let baseline: Vec<Option<&GateResult>> =
            (1..).zip(gates).map(|(at, _)| self.baseline.get(&at)).collect();
        actor_prompt(&ActorPrompt {
            task: &start.task,
            run: label(start),
            gates,
            baseline: &baseline,
            verify: start.verify.as_deref().unwrap_or(VERIFY),
            repeated: &self.repeated,
            rounds: &self.rounds,
            before: match &self.last_turn {
                None => Before::Nothing,
                Some(LastTurn::Ended(outcome)) => Before::Turn(outcome),
                Some(LastTurn::BrokenOff) => Before::BrokenOff,
            },
            goes_on: self.goes_on,
            max_prompt_bytes: start.settings.actor.max_prompt_bytes,
        })
    }
}

/// How codeloops is called where nobody told otherwise.
const VERIFY: &str = "codeloops verify";

fn label(start: &Start) -> RunLabel<'_> {
    RunLabel {
        run_id: &start.run_id,
        commit_sha: start.commit_sha.as_deref(),
        branch: start.branch.as_deref(),
    }
}

impl ForCritic {
    fn render(&self) -> String {
        let start = &self.start;
        let Case { work, gates } = &*self.case;
        let report = &work.turn.report;
        critic_prompt(&CriticPrompt {
            task: &start.task,
            run: label(start),
            nonce: &self.nonce,
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
            rounds: &self.rounds,
            tree: self.earlier.tree.as_ref(),
            problem: self.earlier.problem.as_ref(),
            max_prompt_bytes: start.settings.critic.max_prompt_bytes,
        })
    }
}
