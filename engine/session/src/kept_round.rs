//! The rounds of a run, read back from the files in its folder.

use std::fs;
use std::io;

use codeloops_event::Iteration;
use codeloops_event::layout::{diagnose_file, gate_file};

use crate::evidence::{EvidenceError, RunFolder};
use crate::round_files::{DiagnoseFile, GateFile};
use crate::runs::FoundRun;

/// The folder of the iterations, in that of the run.
const ITERATIONS: &str = "iterations";

/// What a round came to.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct KeptRound {
    /// Its `gate.json`.
    pub gate: GateFile,
    /// Its `diagnose.json`; null where nothing is to be mended.
    pub diagnose: Option<DiagnoseFile>,
}

/// The finished rounds of a run.
#[derive(Debug, Default)]
pub struct KeptRounds {
    /// The first first.
    pub rounds: Vec<KeptRound>,
    /// Files that cannot be read.
    pub unreadable: Vec<EvidenceError>,
}

impl FoundRun {
    /// What its rounds came to; one that was not finished has no file that says so.
    #[must_use]
    pub fn rounds(&self) -> KeptRounds {
        RunFolder::found(self.folder.clone()).read_rounds()
    }
}

impl RunFolder {
    fn read_rounds(&self) -> KeptRounds {
        let mut kept = KeptRounds::default();
        for iteration in self.iterations() {
            match self.read_round(iteration) {
                Ok(round) => kept.rounds.extend(round),
                Err(error) => kept.unreadable.push(error),
            }
        }
        kept
    }

    fn read_round(&self, iteration: Iteration) -> Result<Option<KeptRound>, EvidenceError> {
        let Some(gate) = self.read_if_there(&gate_file(iteration))? else { return Ok(None) };
        let diagnose = self.read_if_there(&diagnose_file(iteration))?;
        Ok(Some(KeptRound { gate, diagnose }))
    }

    fn read_if_there<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<Option<T>, EvidenceError> {
        match self.read_json(name) {
            Err(EvidenceError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            read => read.map(Some),
        }
    }

    /// The numbers of the iterations that have a folder, and 0 for before the first.
    fn iterations(&self) -> Vec<Iteration> {
        let entries = fs::read_dir(self.path().join(ITERATIONS)).into_iter().flatten();
        let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<Iteration>().ok();
        let mut numbers: Vec<_> = entries.flatten().filter_map(number).collect();
        numbers.push(0);
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}
