//! `gate.json` and `diagnose.json` of a round: what it came to, how far that can be relied on, and what
//! is to be mended.

use codeloops_event::{
    Decision, Event, GateResult, Iteration, Ruling, RunId, SessionStart, TamperPolicy, Tampering,
    TreeId, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::confidence::{Confidence, Known};
use crate::names::SessionId;
use crate::repair::{RepairTask, repair_tasks};
use crate::run_file::{RUN_FOLDER_VERSION, RunFile};

/// What `gate.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateFile {
    /// [`RUN_FOLDER_VERSION`].
    pub schema_version: u32,
    /// The run.
    pub run_id: Option<RunId>,
    /// HEAD when the run began.
    pub commit_sha: Option<String>,
    /// The branch when the run began.
    pub branch: Option<String>,
    /// The round.
    pub iteration: Iteration,
    /// The snapshot that was judged.
    pub tree: Option<TreeId>,
    /// The decision that took effect; null where gates alone were run.
    pub decision: Option<Decision>,
    /// What the critic said; null where it was not asked or gave no verdict.
    pub critic_verdict: Option<Decision>,
    /// Whether nothing blocks an approval.
    pub passed: bool,
    /// How far that can be relied on, and why.
    #[serde(flatten)]
    pub confidence: Confidence,
    /// The results of the gates, in order.
    pub gates: Vec<GateResult>,
    /// Signs that checks were weakened.
    pub tampering: Vec<Tampering>,
}

/// What `diagnose.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiagnoseFile {
    /// [`RUN_FOLDER_VERSION`].
    pub schema_version: u32,
    /// The run.
    pub run_id: Option<RunId>,
    /// HEAD when the run began.
    pub commit_sha: Option<String>,
    /// The branch when the run began.
    pub branch: Option<String>,
    /// The round.
    pub iteration: Iteration,
    /// What is to be mended.
    pub tasks: Vec<RepairTask>,
    /// Failures that are not listed.
    pub more: u64,
}

/// Both files of a round.
#[derive(Debug, Clone, PartialEq)]
pub struct RoundFiles {
    /// `gate.json`.
    pub gate: GateFile,
    /// `diagnose.json`.
    pub diagnose: DiagnoseFile,
}

/// Where a run stands in its history.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lineage {
    /// The run.
    pub run_id: Option<RunId>,
    /// HEAD when it began.
    pub commit_sha: Option<String>,
    /// The branch when it began.
    pub branch: Option<String>,
}

impl Lineage {
    /// That of a session.
    #[must_use]
    pub fn of(start: &SessionStart) -> Self {
        Self {
            run_id: start.run_id.clone(),
            commit_sha: start.commit_sha.clone(),
            branch: start.branch.clone(),
        }
    }
}

impl RoundFiles {
    /// The files of gates that were run on their own.
    #[must_use]
    pub fn of_gates(
        lineage: &Lineage,
        iteration: Iteration,
        tree: Option<TreeId>,
        gates: Vec<GateResult>,
    ) -> Self {
        let known = Known { gates: &gates, ..Known::default() };
        let confidence = Confidence::of(&known);
        let tasks = repair_tasks(&gates);
        let more = gates.iter().map(|gate| gate.more_failures).sum();
        let Lineage { run_id, commit_sha, branch } = lineage.clone();
        Self {
            diagnose: DiagnoseFile {
                schema_version: RUN_FOLDER_VERSION,
                run_id: run_id.clone(),
                commit_sha: commit_sha.clone(),
                branch: branch.clone(),
                iteration,
                tasks,
                more,
            },
            gate: GateFile {
                schema_version: RUN_FOLDER_VERSION,
                run_id,
                commit_sha,
                branch,
                iteration,
                tree,
                decision: None,
                critic_verdict: None,
                passed: !gates.iter().any(|gate| gate.blocks),
                confidence,
                gates,
                tampering: Vec::new(),
            },
        }
    }
}

/// What the files of a run's folder are made of, gathered from its events.
#[derive(Debug, Clone)]
pub struct RunNotes {
    run: RunFile,
    round: RoundNotes,
}

impl RunNotes {
    /// A run that begins, recorded by this session.
    #[must_use]
    pub fn begin(start: &SessionStart, session: Option<&SessionId>) -> Self {
        Self { run: RunFile::started(start, session), round: RoundNotes::begin(start) }
    }

    /// Takes the next event in; gives the files of a round that is over.
    pub fn note(&mut self, event: &Event) -> Option<RoundFiles> {
        self.run.note(event);
        let files = self.round.note(event)?;
        self.run.confidence = files.gate.confidence.confidence;
        Some(files)
    }

    /// What `run.json` holds by now.
    #[must_use]
    pub const fn run_file(&self) -> &RunFile {
        &self.run
    }
}

/// Puts the files of each round together.
#[derive(Debug, Clone)]
struct RoundNotes {
    lineage: Lineage,
    looks_for_tampering: bool,
    critic_output: Option<String>,
    diff: Option<String>,
    confidence: Option<f64>,
}

impl RoundNotes {
    fn begin(start: &SessionStart) -> Self {
        let policy = start.settings.as_ref().map(|settings| &settings.gate_policy);
        Self {
            lineage: Lineage::of(start),
            looks_for_tampering: policy.is_some_and(|policy| policy.tamper != TamperPolicy::Off),
            critic_output: None,
            diff: None,
            confidence: None,
        }
    }

    fn note(&mut self, event: &Event) -> Option<RoundFiles> {
        match event {
            Event::IterationStarted(_) => self.forget_round(),
            Event::DiffCaptured(e) => self.diff = Some(e.patch.path.clone()),
            Event::CriticCompleted(e) => {
                self.critic_output = e.stdout.as_ref().map(|stdout| stdout.path.clone());
            }
            Event::VerdictReached(e) => {
                if let Ruling::Accepted { verdict: Verdict::Done { confidence, .. } } = &e.ruling {
                    self.confidence = *confidence;
                }
            }
            Event::Iteration(round) => return Some(self.files(round)),
            _ => {}
        }
        None
    }

    fn forget_round(&mut self) {
        (self.critic_output, self.diff, self.confidence) = (None, None, None);
    }

    fn files(&self, round: &codeloops_event::IterationEnd) -> RoundFiles {
        let mut files = RoundFiles::of_gates(
            &self.lineage,
            round.iteration_number,
            round.tree.clone(),
            round.gates.clone(),
        );
        let gate = &mut files.gate;
        gate.decision = Some(round.critic_decision);
        gate.critic_verdict = round.critic_verdict;
        gate.passed = round.critic_decision == Decision::Done;
        gate.tampering.clone_from(&round.tampering);
        gate.confidence = Confidence::of(&Known {
            gates: &round.gates,
            critic: round.critic_verdict.map(|verdict| (verdict, self.confidence)),
            tampering: self.looks_for_tampering.then_some(&round.tampering),
            critic_output: self.critic_output.as_deref(),
            diff: self.diff.as_deref(),
        });
        files
    }
}
