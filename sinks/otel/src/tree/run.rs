//! The run that spans belong to: their ids, and what stands on every one of them.

use codeloops_event::trace::{SpanId, SpanPath, TraceId};
use codeloops_event::{
    Iteration, ResumedAt, RunId, SessionEnd, SessionResumed, SessionStart, Settings, Timestamp,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use sha2::{Digest, Sha256};

use super::{Texts, content};
use crate::names;
use crate::span::{Draft, Parent, attribute};

/// A run, and which of its processes tells now.
pub(super) struct Run {
    id: RunId,
    /// What the session is called; none where it is not recorded.
    recorded_as: Option<String>,
    /// Where the run began, as far as it began anywhere.
    commit: Option<String>,
    branch: Option<String>,
    pub(super) trace: TraceId,
    /// The span that the run was started in.
    started_in: Option<SpanId>,
    pub(super) settings: Option<Settings>,
    pub(super) texts: Texts,
    pub(super) resumes: u32,
    /// The last round that was begun, and after how many resumes.
    begun: Option<(Iteration, u32)>,
}

impl Run {
    pub(super) fn new(start: &SessionStart, name: Option<String>, texts: Texts) -> Self {
        let id = run_id_of(start);
        let inherited = start.trace_id.as_ref().and_then(|id| id.parse().ok());
        let started_in = start.parent_span_id.as_ref().and_then(|id| id.parse().ok());
        Self {
            recorded_as: name,
            commit: start.commit_sha.clone(),
            branch: start.branch.clone(),
            trace: inherited.unwrap_or_else(|| TraceId::of_run(&id)),
            started_in: started_in.filter(|_| inherited.is_some()),
            id,
            settings: start.settings.clone(),
            texts,
            resumes: 0,
            begun: None,
        }
    }

    pub(super) fn recorded_as(&self) -> Option<&str> {
        self.recorded_as.as_deref()
    }

    fn name(&self) -> &str {
        self.recorded_as().unwrap_or_else(|| self.id.as_str())
    }

    pub(super) fn span_id(&self, path: SpanPath) -> SpanId {
        SpanId::of_run(&self.id, path)
    }

    pub(super) fn session_id(&self) -> SpanId {
        self.span_id(SpanPath::Session { resume: self.resumes })
    }

    /// Whether this process or an earlier one began the round.
    pub(super) fn knows(&self, number: Iteration) -> bool {
        self.begun.is_some_and(|(begun, _)| begun >= number)
    }

    pub(super) fn begins(&mut self, number: Iteration) {
        if !self.knows(number) {
            self.begun = Some((number, self.resumes));
        }
    }

    /// The number of the last resume, where the round was begun before it; else 0.
    pub(super) fn resumes_within(&self, number: Iteration) -> u32 {
        match self.begun {
            Some((begun, after)) if begun == number && after < self.resumes => self.resumes,
            _ => 0,
        }
    }

    pub(super) fn iteration_path(&self, iteration: Iteration) -> SpanPath {
        SpanPath::Iteration { iteration, resume: self.resumes_within(iteration) }
    }

    /// Begins a span, with what stands on every one.
    pub(super) fn draft(
        &self,
        path: SpanPath,
        parent: Parent,
        name: String,
        at: Timestamp,
    ) -> Draft {
        let (trace, id) = (self.trace, self.span_id(path));
        let mut draft = Draft::begin(trace, id, parent, name, at, self.texts.longest);
        for (name, value) in self.on_every_span() {
            draft.set(name, value);
        }
        draft
    }

    fn on_every_span(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let known = [(names::SESSION_ID, self.name()), (names::RUN_ID, self.id.as_str())];
        let commit = self.commit.iter().map(|commit| (names::REVISION, commit.as_str()));
        let branch = self.branch.iter().map(|branch| (names::BRANCH, branch.as_str()));
        known.into_iter().chain(commit).chain(branch)
    }

    /// What stands on every span, a foreign one included.
    pub(super) fn own(&self) -> Vec<KeyValue> {
        self.on_every_span().map(|(name, value)| attribute(name, value.into())).collect()
    }

    /// The span of the process that tells now.
    pub(super) fn session(&self, at: Timestamp) -> Draft {
        let parent = self.started_in.map_or(Parent::None, Parent::Theirs);
        let path = SpanPath::Session { resume: self.resumes };
        let mut draft = self.draft(path, parent, names::SPAN_SESSION.to_owned(), at);
        draft.set(names::OPERATION, "invoke_workflow");
        draft.set(names::WORKFLOW, names::SCOPE);
        draft
    }

    pub(super) fn resumed_session(&self, event: &SessionResumed) -> Draft {
        let mut draft = self.session(event.timestamp);
        draft.set_some(names::MAX_ITERATIONS, event.limits.max_iterations);
        draft.set(names::RESUMED_PHASE, phase(event.phase));
        draft.link(self.trace, self.span_id(SpanPath::Session { resume: 0 }), "resumed_from");
        draft
    }

    /// What the run was asked to do, by whom.
    pub(super) fn describe(&self, draft: &mut Draft, start: &SessionStart) {
        draft.set_some(names::MAX_ITERATIONS, start.max_iterations);
        let agent = |title: &str, id: Option<&str>| id.unwrap_or(title).to_owned();
        let settings = self.settings.as_ref();
        let [actor, critic] = [settings.map(|s| &s.actor), settings.map(|s| &s.critic)]
            .map(|agent| agent.map(|agent| agent.agent.as_str()));
        draft.set(names::ACTOR, agent(&start.actor_agent, actor));
        draft.set(names::CRITIC, agent(&start.critic_agent, critic));
        draft.set(names::PROMPT_LENGTH, start.prompt.len() as u64);
        draft.set(names::PROMPT_SHA256, hex(&Sha256::digest(&start.prompt)));
        if self.texts.content {
            content::message(draft, names::INPUT_MESSAGES, "user", &start.prompt);
        }
        if let Some(parent) = &start.parent {
            let session = SpanId::of_run(&parent.run_id, SpanPath::Session { resume: 0 });
            let inherited = parent.trace_id.as_ref().and_then(|id| id.parse().ok());
            let trace = inherited.unwrap_or_else(|| TraceId::of_run(&parent.run_id));
            draft.link(trace, session, "forked_from");
        }
    }
}

/// How the run ended. The tokens are those of the whole run, over all its processes.
pub(super) fn end(draft: &mut Draft, event: &SessionEnd) {
    draft.set(names::OUTCOME, event.outcome.as_str());
    draft.set_some(names::STOP_REASON, event.stop_reason.map(|reason| reason.as_str()));
    draft.set(names::ITERATIONS, event.iterations);
    let total = event.usage.as_ref().and_then(codeloops_event::UsageByRole::sum);
    if let Some(usage) = total {
        draft.set_some(names::TOTAL_INPUT_TOKENS, usage.input_tokens);
        draft.set_some(names::TOTAL_OUTPUT_TOKENS, usage.output_tokens);
        draft.set_some(names::TOTAL_COST, usage.cost_usd);
    }
}

const fn phase(phase: ResumedAt) -> &'static str {
    match phase {
        ResumedAt::ActorExecuting => "actor_executing",
        ResumedAt::CapturingDiff => "capturing_diff",
        ResumedAt::RunningGates => "running_gates",
        ResumedAt::CriticEvaluating => "critic_evaluating",
    }
}

/// The identity of the run that a session begins. One of a program that gives none has one that is
/// the same whenever it is read.
#[must_use]
pub fn run_id_of(start: &SessionStart) -> RunId {
    start.run_id.clone().unwrap_or_else(|| derived(start))
}

fn derived(start: &SessionStart) -> RunId {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let hash = Sha256::digest(format!("{}\0{}", start.timestamp.to_rfc3339(), start.prompt));
    let digits = hash.iter().take(26).map(|byte| char::from(DIGITS[usize::from(byte % 32)]));
    digits.collect::<String>().parse().expect("26 digits of Crockford's base 32")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
