//! What a call prints, on its way to evidence, decoder and whoever watches.

use codeloops_driver::ports::{AgentNote, Notes};
use codeloops_event::{AgentOutput, Evidence, OutputStream, Role};
use codeloops_machine::AgentCall;

use super::AgentsConfig;
use super::call::stream_path;
use crate::decode::{Decoded, Decoder};
use crate::evidence::EvidenceFile;
use crate::process::Output;
use crate::spec::OutputFormat;
use crate::text::{HeadTail, lossy, whole_chars};

/// Bytes of one note. The channel is bounded by count, so this bounds its memory.
const NOTE_LIMIT: usize = 64 * 1024;

/// Both streams of a call.
pub(super) struct Capture {
    stdout_file: EvidenceFile,
    stderr_file: EvidenceFile,
    decoder: Decoder,
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
            Some(readable) => self.stdout_chatter.say(readable.as_bytes()),
            None => self.stdout_chatter.say(bytes),
        }
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

/// Tells what one stream prints to whoever keeps up.
struct Chatter {
    notes: Notes,
    role: Role,
    stream: OutputStream,
    /// The beginning of a character whose rest has not come yet.
    partial: Vec<u8>,
    skipped: u64,
}

impl Chatter {
    const fn new(notes: Notes, role: Role, stream: OutputStream) -> Self {
        Self { notes, role, stream, partial: Vec::new(), skipped: 0 }
    }

    fn say(&mut self, bytes: &[u8]) {
        if self.partial.is_empty() {
            self.say_whole(bytes);
        } else {
            let mut joined = std::mem::take(&mut self.partial);
            joined.extend_from_slice(bytes);
            self.say_whole(&joined);
        }
    }

    fn say_whole(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let piece = &bytes[..bytes.len().min(NOTE_LIMIT)];
            let whole = whole_chars(piece);
            if whole == 0 {
                self.partial = piece.to_vec();
                return;
            }
            self.send(&piece[..whole]);
            bytes = &bytes[whole..];
        }
    }

    fn send(&mut self, bytes: &[u8]) {
        match self.notes.try_reserve() {
            Ok(place) => place.send(AgentNote::Output(AgentOutput {
                role: self.role,
                stream: self.stream,
                text: lossy(bytes).into_owned(),
                skipped_bytes: std::mem::take(&mut self.skipped),
            })),
            Err(_) => self.skipped += bytes.len() as u64,
        }
    }

    /// Tells of what was left out last, if somebody listens now.
    fn finish(mut self) {
        let partial = std::mem::take(&mut self.partial);
        if self.skipped > 0 || !partial.is_empty() {
            self.send(&partial);
        }
    }
}
