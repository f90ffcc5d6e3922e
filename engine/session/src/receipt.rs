//! A receipt: a statement of what was approved and on what grounds, as a chain of hashes.
//!
//! Each link holds one statement and the hash of the link before it, and its own hash covers both. The
//! file has one form only: a reader renders what it has read and compares it byte for byte. So a
//! receipt that was damaged, or changed in one place, is refused. It is not signed: whoever makes a
//! whole new chain can state what they like.

use std::path::Path;

use codeloops_event::{
    Decision, GateResult, GateSettings, GateStatus, IterationEnd, RunId, SessionStart, Timestamp,
    TreeId,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::session::Session;

/// The version of a receipt's form.
const RECEIPT_VERSION: u32 = 1;

/// What stands for the hash of the link before the first.
const NOTHING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A receipt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The version of its form.
    receipt_version: u32,
    /// Its links, the first first.
    chain: Vec<Link>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Link {
    /// SHA-256 of the link before, in lower-case hexadecimal; zeros for the first.
    previous: String,
    /// SHA-256 of `previous`, a line break and the statement as compact JSON.
    hash: String,
    statement: Statement,
}

/// One thing that is stated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Statement {
    /// Which run it was.
    Run(RunStatement),
    /// What was to be done.
    Task(TaskStatement),
    /// What was changed.
    Work(WorkStatement),
    /// What one gate found.
    Gate(GateStatement),
    /// What the critic said.
    Verdict(VerdictStatement),
}

/// Which run it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunStatement {
    /// The run.
    pub run_id: RunId,
    /// The session that records it.
    pub session_id: String,
    /// The release that ran it.
    pub codeloops_version: Option<String>,
    /// HEAD when it began; null in a repository without a commit.
    pub commit_sha: Option<String>,
    /// The branch when it began; null when HEAD was detached.
    pub branch: Option<String>,
    /// Where it worked, from the root of the working tree; empty for the root itself.
    pub working_dir: String,
    /// Snapshot of the working tree when it began.
    pub base_tree: TreeId,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was approved.
    pub approved_at: Timestamp,
    /// Who did the work.
    pub actor: String,
    /// Its model; null for the agent's default.
    pub actor_model: Option<String>,
    /// Who judged it.
    pub critic: String,
    /// Its model; null for the agent's default.
    pub critic_model: Option<String>,
}

/// What was to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskStatement {
    /// SHA-256 of the task as it is recorded.
    pub prompt_sha256: String,
}

/// What was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkStatement {
    /// The round that was approved.
    pub iteration: u32,
    /// Snapshot of the working tree at its end.
    pub tree: TreeId,
    /// Changed files since the run began.
    pub files_changed: u64,
    /// Lines added.
    pub insertions: u64,
    /// Lines removed.
    pub deletions: u64,
    /// Signs that checks were weakened.
    pub tampering: u64,
}

/// What one gate found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateStatement {
    /// Its name.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Where it ran, from the working directory; null for there.
    pub working_dir: Option<String>,
    /// The names of the variables that were set for it.
    pub env: Vec<String>,
    /// Its time limit in seconds; null for none.
    pub timeout_secs: Option<f64>,
    /// Whether it had to pass.
    pub required: bool,
    /// How it ended.
    pub status: GateStatus,
    /// What it was before the run began, where that is known.
    pub baseline: Option<GateStatus>,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// How often it ran.
    pub attempts: u32,
    /// SHA-256 of all that it printed; null where there is nothing.
    pub output_sha256: Option<String>,
}

impl GateStatement {
    /// Whether what is stated holds where the gate is found so now. A gate that was not green may be
    /// anything.
    #[must_use]
    pub fn holds(&self, found: Option<GateStatus>) -> bool {
        !self.status.is_green() || found.is_some_and(GateStatus::is_green)
    }
}

/// What the critic said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerdictStatement {
    /// `DONE`.
    pub decision: Decision,
    /// Its summary.
    pub summary: Option<String>,
    /// How sure it was, 0 to 1.
    pub confidence: Option<f64>,
    /// SHA-256 of its answer as it is recorded.
    pub output_sha256: Option<String>,
}

/// Why there is no receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoReceipt {
    /// The session was not approved.
    #[error("only an approved run has a receipt")]
    NotApproved,
    /// The session does not tell what a receipt states.
    #[error("the session does not tell {0}, so there can be no receipt of it")]
    Missing(&'static str),
}

/// Why a file is no receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadReceipt {
    /// It is not the JSON of one.
    #[error("it is no receipt: {0}")]
    Malformed(String),
    /// It is one of another version.
    #[error("it is of version {0}; this release reads version {RECEIPT_VERSION}")]
    Version(u32),
    /// A hash does not fit.
    #[error("link {0} of its chain was changed, or one before it")]
    Broken(usize),
    /// It says the same in another form, which no release writes.
    #[error("it was changed after it was written")]
    OtherForm,
    /// Its statements are not those of an approval.
    #[error("it lacks the statements that make a receipt")]
    Incomplete,
}

impl Receipt {
    /// The receipt of an approved session.
    pub fn of(session: &Session) -> Result<Self, NoReceipt> {
        let end = session.end.as_ref().ok_or(NoReceipt::NotApproved)?;
        let round = session.iterations.last().filter(|r| r.critic_decision == Decision::Done);
        let round = round.ok_or(NoReceipt::NotApproved)?;
        let start = &session.start;
        let mut statements = vec![
            Statement::Run(run(session, end.timestamp)?),
            Statement::Task(TaskStatement { prompt_sha256: sha256(start.prompt.as_bytes()) }),
            Statement::Work(work(round)?),
        ];
        let settings = start.settings.as_ref().ok_or(NoReceipt::Missing("its settings"))?;
        for result in &round.gates {
            let gate = settings.gates.iter().find(|gate| gate.name == result.name);
            let gate = gate.ok_or(NoReceipt::Missing("the command of a gate"))?;
            let timeout = gate.timeout_secs.or(settings.limits.gate_timeout_secs);
            statements.push(Statement::Gate(gate_statement(gate, timeout, result)));
        }
        let output = round.critic_output.as_ref().map(|output| sha256(output.as_bytes()));
        statements.push(Statement::Verdict(VerdictStatement {
            decision: round.critic_decision,
            summary: end.summary.clone(),
            confidence: end.confidence,
            output_sha256: output,
        }));
        Ok(Self::chained(statements))
    }

    fn chained(statements: Vec<Statement>) -> Self {
        let mut chain: Vec<Link> = Vec::with_capacity(statements.len());
        for statement in statements {
            let previous =
                chain.last().map_or_else(|| NOTHING.to_owned(), |link| link.hash.clone());
            let hash = hash(&previous, &statement);
            chain.push(Link { previous, hash, statement });
        }
        Self { receipt_version: RECEIPT_VERSION, chain }
    }

    /// The text of its file.
    #[must_use]
    pub fn render(&self) -> String {
        // It holds nothing that JSON cannot.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Self, BadReceipt> {
        let receipt: Self =
            serde_json::from_str(text).map_err(|error| BadReceipt::Malformed(error.to_string()))?;
        if receipt.receipt_version != RECEIPT_VERSION {
            return Err(BadReceipt::Version(receipt.receipt_version));
        }
        let mut previous = NOTHING;
        for (at, link) in receipt.chain.iter().enumerate() {
            if link.previous != previous || link.hash != hash(previous, &link.statement) {
                return Err(BadReceipt::Broken(at + 1));
            }
            previous = &link.hash;
        }
        if receipt.render() != text {
            return Err(BadReceipt::OtherForm);
        }
        if !receipt.is_whole() {
            return Err(BadReceipt::Incomplete);
        }
        Ok(receipt)
    }

    /// A chain that lost its end is sound as far as it goes.
    fn is_whole(&self) -> bool {
        let kinds: Vec<&Statement> = self.chain.iter().map(|link| &link.statement).collect();
        match kinds.as_slice() {
            [
                Statement::Run(_),
                Statement::Task(_),
                Statement::Work(_),
                gates @ ..,
                Statement::Verdict(v),
            ] => {
                v.decision == Decision::Done
                    && gates.iter().all(|gate| matches!(gate, Statement::Gate(_)))
            }
            _ => false,
        }
    }

    /// The hash of the last link, which stands for all of it.
    #[must_use]
    pub fn hash(&self) -> &str {
        self.chain.last().map_or(NOTHING, |link| &link.hash)
    }

    /// Which run it was.
    #[must_use]
    pub fn run(&self) -> Option<&RunStatement> {
        self.statements().find_map(|statement| match statement {
            Statement::Run(run) => Some(run),
            _ => None,
        })
    }

    /// What was changed.
    #[must_use]
    pub fn work(&self) -> Option<&WorkStatement> {
        self.statements().find_map(|statement| match statement {
            Statement::Work(work) => Some(work),
            _ => None,
        })
    }

    /// What the gates found.
    pub fn gates(&self) -> impl Iterator<Item = &GateStatement> {
        self.statements().filter_map(|statement| match statement {
            Statement::Gate(gate) => Some(gate),
            _ => None,
        })
    }

    fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.chain.iter().map(|link| &link.statement)
    }
}

fn run(session: &Session, approved_at: Timestamp) -> Result<RunStatement, NoReceipt> {
    let SessionStart {
        run_id,
        codeloops_version,
        commit_sha,
        branch,
        repository,
        working_dir,
        base_tree,
        timestamp,
        ..
    } = session.start.clone();
    Ok(RunStatement {
        run_id: run_id.ok_or(NoReceipt::Missing("its run id"))?,
        session_id: session.id.to_string(),
        codeloops_version,
        commit_sha,
        branch,
        working_dir: below(repository.as_deref(), &working_dir),
        base_tree: base_tree.ok_or(NoReceipt::Missing("the tree that it began with"))?,
        started_at: timestamp,
        approved_at,
        actor: session.start.actor_agent.clone(),
        actor_model: session.start.actor_model.clone(),
        critic: session.start.critic_agent.clone(),
        critic_model: session.start.critic_model.clone(),
    })
}

/// Where a folder is within a repository.
fn below(repository: Option<&str>, dir: &str) -> String {
    let within = repository.and_then(|root| Path::new(dir).strip_prefix(root).ok());
    within.map_or_else(String::new, |path| path.to_string_lossy().into_owned())
}

fn work(round: &IterationEnd) -> Result<WorkStatement, NoReceipt> {
    Ok(WorkStatement {
        iteration: round.iteration_number,
        tree: round.tree.clone().ok_or(NoReceipt::Missing("the tree that it ended with"))?,
        files_changed: round.git_files_changed,
        insertions: round.insertions.unwrap_or_default(),
        deletions: round.deletions.unwrap_or_default(),
        tampering: round.more_tampering.saturating_add(round.tampering.len() as u64),
    })
}

fn gate_statement(
    gate: &GateSettings,
    timeout_secs: Option<f64>,
    result: &GateResult,
) -> GateStatement {
    GateStatement {
        name: gate.name.clone(),
        command: gate.command.clone(),
        working_dir: gate.working_dir.clone(),
        env: gate.env.clone(),
        timeout_secs,
        required: gate.required,
        status: result.status,
        baseline: result.baseline,
        exit_code: result.exit_code,
        attempts: result.attempts,
        output_sha256: result.output.as_ref().map(|output| output.sha256.clone()),
    }
}

fn hash(previous: &str, statement: &Statement) -> String {
    // It holds nothing that JSON cannot.
    let statement = serde_json::to_string(statement).unwrap_or_default();
    sha256(format!("{previous}\n{statement}").as_bytes())
}

fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write;

    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a text cannot fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt() -> Receipt {
        let text = |name: &str| serde_json::Value::String(name.to_owned());
        let run = serde_json::json!({
            "kind": "run", "run_id": "01JJ0000000000000000000000", "session_id": "s",
            "codeloops_version": null, "commit_sha": null, "branch": text("main"), "working_dir": "",
            "base_tree": "aa", "started_at": "2026-03-02T09:00:00Z",
            "approved_at": "2026-03-02T09:01:00Z", "actor": "A", "actor_model": null,
            "critic": "ç\n", "critic_model": null,
        });
        let work = serde_json::json!({
            "kind": "work", "iteration": 1, "tree": "bb", "files_changed": 1, "insertions": 1,
            "deletions": 0, "tampering": 0,
        });
        let verdict = serde_json::json!({
            "kind": "verdict", "decision": "DONE", "summary": null, "confidence": 0.9,
            "output_sha256": null,
        });
        let task = serde_json::json!({ "kind": "task", "prompt_sha256": "cc" });
        let read = |value| serde_json::from_value(value).unwrap();
        Receipt::chained([run, task, work, verdict].map(read).into())
    }

    #[test]
    fn what_was_written_is_read_again() {
        assert_eq!(Receipt::parse(&receipt().render()), Ok(receipt()));
    }

    #[test]
    fn a_change_of_any_byte_is_refused() {
        let text = receipt().render();
        for at in 0..text.len() {
            for other in [b'0', b'1', b' ', b'x'] {
                let mut bytes = text.clone().into_bytes();
                if bytes[at] == other {
                    continue;
                }
                bytes[at] = other;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                assert!(Receipt::parse(&changed).is_err(), "byte {at} as {}", char::from(other));
            }
        }
    }

    #[test]
    fn a_chain_that_lost_its_end_is_refused() {
        let mut cut = receipt();
        cut.chain.pop();
        assert_eq!(Receipt::parse(&cut.render()), Err(BadReceipt::Incomplete));
    }
}
