//! What a gate prints, on its way to evidence and to the tail that is shown.

use codeloops_event::{BudgetKind, Evidence};

use super::GatesConfig;
use super::tail::Tail;
use crate::evidence::EvidenceFile;
use crate::process::Output;
use crate::redact::Masking;

/// Both streams of an attempt, in the order in which they came.
pub(super) struct Capture {
    file: EvidenceFile,
    masking: Masking,
    tail: Tail,
    /// Why the file lacks what came last.
    unkept: Option<String>,
}

/// What is left of them.
pub(super) struct Captured {
    pub(super) file: Evidence,
    /// Its end, fit to be shown.
    pub(super) tail: String,
}

/// Names of files that are tried.
const TRIED: u32 = 10_000;

impl Capture {
    /// Makes the evidence file. The error names the one that could not be made.
    pub(super) fn create(config: &GatesConfig, folder: &str) -> Result<Self, String> {
        let name = |number| match number {
            1 => format!("{folder}/output.log"),
            _ => format!("{folder}/output-{number}.log"),
        };
        let names = (1..TRIED).map(name);
        let file = EvidenceFile::create_first(&config.evidence_root, names, config.max_output)?;
        let masking = Masking::new(config.redactor.as_ref());
        Ok(Self { file, masking, tail: Tail::default(), unkept: None })
    }

    pub(super) fn finish(mut self) -> Captured {
        let (rest, redacted) = std::mem::replace(&mut self.masking, Masking::new(None)).finish();
        self.keep(&rest);
        let mut tail = self.tail.into_text();
        if let Some(error) = self.unkept {
            tail = format!("{tail}\n[codeloops {error}; the rest is not kept]");
        }
        Captured { file: self.file.finish(redacted), tail }
    }

    fn keep(&mut self, shown: &[u8]) {
        self.tail.push(shown);
        if let Err(error) = self.file.push(shown) {
            tracing::warn!(error, "what a gate prints is not kept");
            self.unkept = Some(error);
        }
    }
}

impl Output for Capture {
    fn stdout(&mut self, bytes: &[u8]) {
        let shown = self.masking.push(bytes);
        self.keep(&shown);
    }

    /// It goes where stdout goes.
    fn stderr(&mut self, _: &[u8]) {}

    fn over_budget(&self) -> Option<BudgetKind> {
        None
    }

    fn ended(&mut self) {}
}
