//! What a call prints, on its way to evidence, decoder and whoever watches.

use std::sync::Arc;

use codeloops_driver::ports::{AgentNote, Notes};
use codeloops_event::{BudgetKind, Evidence, Item, OutputStream, Role};
use codeloops_machine::{AgentCall, Budget};

use super::AgentsConfig;
use super::call::stream_path;
use super::chatter::Chatter;
use crate::decode::{Decoded, Decoder};
use crate::evidence::EvidenceFile;
use crate::process::Output;
use crate::redact::{Masking, Redactor};
use crate::spec::OutputFormat;
use crate::text::HeadTail;

/// Both streams of a call.
pub(super) struct Capture {
    stdout_file: EvidenceFile,
    stderr_file: EvidenceFile,
    stdout_masking: Masking,
    stderr_masking: Masking,
    /// Credentials in what the program itself printed.
    stdout_redacted: u64,
    redactor: Option<Arc<Redactor>>,
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
        let redactor = config.redactor.as_ref();
        let chatter = |stream| Chatter::new(notes.clone(), call.role, stream, redactor);
        Ok(Self {
            stdout_file: file(OutputStream::Stdout)?,
            stderr_file: file(OutputStream::Stderr)?,
            stdout_masking: Masking::new(redactor),
            stderr_masking: Masking::new(redactor),
            stdout_redacted: 0,
            redactor: redactor.cloned(),
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

    pub(super) fn finish(mut self) -> Captured {
        let (rest, redacted) = take(&mut self.stdout_masking, None).finish();
        self.tell_stdout(&rest);
        let stdout_redacted = self.stdout_redacted + redacted;
        let (rest, stderr_redacted) = take(&mut self.stderr_masking, None).finish();
        self.tell_stderr(&rest);
        self.stdout_chatter.finish();
        self.stderr_chatter.finish();
        let stderr = self.stderr.into_text();
        Captured {
            decoded: self.decoder.finish(&stderr),
            printed: self.printed,
            stderr,
            stdout_file: self.stdout_file.finish(stdout_redacted),
            stderr_file: self.stderr_file.finish(stderr_redacted),
        }
    }

    /// Takes what stdout may show. A text is decoded from it; events are decoded from what was
    /// printed, for a mask may stand in the middle of one.
    fn tell_stdout(&mut self, shown: &[u8]) {
        self.keep(OutputStream::Stdout, shown);
        let is_over = self.is_over_for_critic();
        if !is_over {
            self.decoder.push_shown(shown);
        }
        if is_over || self.decoder.is_text() {
            self.stdout_chatter.say(shown);
        }
    }

    fn tell_stderr(&mut self, shown: &[u8]) {
        self.keep(OutputStream::Stderr, shown);
        self.stderr.push(shown);
        self.stderr_chatter.say(shown);
    }

    /// The critic has spoken: what others add is no part of its answer.
    const fn is_over_for_critic(&self) -> bool {
        self.ended && matches!(self.role, Role::Critic)
    }
}

/// Leaves a new one behind.
fn take(masking: &mut Masking, redactor: Option<&Arc<Redactor>>) -> Masking {
    std::mem::replace(masking, Masking::new(redactor))
}

impl Output for Capture {
    fn stdout(&mut self, bytes: &[u8]) {
        let shown = self.stdout_masking.push(bytes);
        self.tell_stdout(&shown);
        if self.is_over_for_critic() {
            return;
        }
        self.printed = true;
        if !self.decoder.is_text() {
            let items = self.decoder.push(bytes);
            self.watch_budget(&items);
            self.stdout_chatter.tell(items);
        }
    }

    fn over_budget(&self) -> Option<BudgetKind> {
        self.over_budget
    }

    fn ended(&mut self) {
        // What was held back of it until now, it printed itself.
        let (rest, redacted) = take(&mut self.stdout_masking, self.redactor.as_ref()).finish();
        self.tell_stdout(&rest);
        self.stdout_redacted += redacted;
        self.ended = true;
    }

    fn stderr(&mut self, bytes: &[u8]) {
        let shown = self.stderr_masking.push(bytes);
        self.tell_stderr(&shown);
    }
}
