//! What a call prints, on its way to evidence, decoder and whoever watches.

use codeloops_driver::ports::{AgentNote, Notes};
use codeloops_event::{BudgetKind, Evidence, Item, OutputStream, Role};
use codeloops_machine::{AgentCall, Budget};

use super::AgentsConfig;
use super::call::stream_path;
use super::chatter::Chatter;
use crate::decode::{Decoded, Decoder};
use crate::evidence::EvidenceFile;
use crate::process::Output;
use crate::spec::OutputFormat;
use crate::text::HeadTail;

/// Both streams of a call.
pub(super) struct Capture {
    stdout_file: EvidenceFile,
    stderr_file: EvidenceFile,
    decoder: Decoder,
    budget: Budget,
    over_budget: Option<BudgetKind>,
    stderr: HeadTail,
    printed: bool,
    role: Role,
    /// Whether the program has ended.
    ended: bool,
    stdout_chatter: Chatter,
    stderr_chatter: Chatter,
    notes: Notes,
}

/// What is left of them at the end.
pub(super) struct Captured {
    pub(super) decoded: Decoded,
    /// Whether there was anything on stdout.
    pub(super) printed: bool,
    pub(super) stderr: String,
    pub(super) stdout_file: Evidence,
    pub(super) stderr_file: Evidence,
}

impl Capture {
    /// Makes the evidence files. The error names the one that could not be made.
    pub(super) fn create(
        config: &AgentsConfig,
        call: &AgentCall,
        format: OutputFormat,
        notes: &Notes,
    ) -> Result<Self, String> {
        let file = |stream| {
            EvidenceFile::create(
                &config.evidence_root,
                stream_path(call, stream),
                config.max_output,
            )
        };
        let chatter = |stream| Chatter::new(notes.clone(), call.role, stream);
        Ok(Self {
            stdout_file: file(OutputStream::Stdout)?,
            stderr_file: file(OutputStream::Stderr)?,
            decoder: Decoder::new(format),
            budget: call.budget,
            over_budget: None,
            stderr: HeadTail::default(),
            printed: false,
            role: call.role,
            ended: false,
            stdout_chatter: chatter(OutputStream::Stdout),
            stderr_chatter: chatter(OutputStream::Stderr),
            notes: notes.clone(),
        })
    }

    fn keep(&mut self, stream: OutputStream, bytes: &[u8]) {
        let file = match stream {
            OutputStream::Stdout => &mut self.stdout_file,
            OutputStream::Stderr => &mut self.stderr_file,
        };
        if let Err(error) = file.push(bytes) {
            // Fails only where nobody waits for the call any more.
            let _nobody = self.notes.blocking_send(AgentNote::EvidenceFailed(error));
        }
    }

    fn watch_budget(&mut self, items: &[Item]) {
        let told = items.iter().rev().find_map(|item| match item {
            Item::Usage { usage } => self.budget.exceeded_by(usage),
            _ => None,
        });
        self.over_budget = self.over_budget.or(told);
    }

    pub(super) fn finish(self) -> Captured {
        self.stdout_chatter.finish();
        self.stderr_chatter.finish();
        let stderr = self.stderr.into_text();
        Captured {
            decoded: self.decoder.finish(&stderr),
            printed: self.printed,
            stderr,
            stdout_file: self.stdout_file.finish(),
            stderr_file: self.stderr_file.finish(),
        }
    }
}

impl Output for Capture {
    fn stdout(&mut self, bytes: &[u8]) {
        self.keep(OutputStream::Stdout, bytes);
        if self.ended && self.role == Role::Critic {
            // The critic has spoken: what others add is no part of its answer.
            return self.stdout_chatter.say(bytes);
        }
        self.printed = true;
        match self.decoder.push(bytes) {
            Some(items) => {
                self.watch_budget(&items);
                self.stdout_chatter.tell(items);
            }
            None => self.stdout_chatter.say(bytes),
        }
    }

    fn over_budget(&self) -> Option<BudgetKind> {
        self.over_budget
    }

    fn ended(&mut self) {
        self.ended = true;
    }

    fn stderr(&mut self, bytes: &[u8]) {
        self.keep(OutputStream::Stderr, bytes);
        self.stderr.push(bytes);
        self.stderr_chatter.say(bytes);
    }
}
