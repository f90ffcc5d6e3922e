//! What a run exports in a build without the feature `otel`: nothing. Its settings refuse the sink.

use std::time::Duration;

use chrono::TimeDelta;
use codeloops_adapters::git::Base;
use codeloops_adapters::telemetry::Telemetry;
use codeloops_event::{Event, RunId, SessionStart};
use codeloops_sinks::Sink;

use crate::error::CliError;
use crate::record::RecordedLater;
use crate::recorded_trace::Sent;
use crate::settings::RunSettings;
use crate::settings::otel::Otel;
use crate::start_notes::Note;
use crate::world::{Environment, World};

pub(crate) struct Prepared;

pub(crate) struct Export;

#[derive(Clone, Copy)]
#[expect(dead_code, reason = "nobody asks what it is that is not exported")]
pub(crate) struct Opened<'a> {
    pub(crate) settings: &'a RunSettings,
    pub(crate) run_id: &'a RunId,
    pub(crate) base: &'a Base,
    pub(crate) recorded: Option<&'a SessionStart>,
}

#[expect(dead_code, reason = "nobody asks what it is that is not exported")]
pub(crate) struct Recording<'a> {
    pub(crate) start: &'a SessionStart,
    pub(crate) name: Option<String>,
    pub(crate) shift: TimeDelta,
    pub(crate) is_over: bool,
}

impl Prepared {
    pub(crate) fn new(_: &RunSettings) -> Result<Self, CliError> {
        Ok(Self)
    }

    pub(crate) fn of(self, _: Opened<'_>, _: &World) -> Result<Export, CliError> {
        Ok(Export)
    }
}

impl Export {
    pub(crate) fn notes(&self, _: &RunSettings) -> Vec<Note> {
        Vec::new()
    }

    pub(crate) fn telemetry(&self) -> Option<Telemetry> {
        None
    }

    pub(crate) fn sink(
        self,
        _: &RecordedLater,
        _: Duration,
    ) -> Result<Option<Box<dyn Sink>>, CliError> {
        Ok(None)
    }
}

pub(crate) fn sink_of_recording(
    _: Option<&Otel>,
    _: &Recording<'_>,
    _: Duration,
    _: &Environment,
) -> Result<Option<Box<dyn Sink>>, CliError> {
    Ok(None)
}

pub(crate) enum Exporter {}

impl Exporter {
    pub(crate) fn new(
        _: Option<&Otel>,
        _: &Recording<'_>,
        _: Duration,
        _: &Environment,
    ) -> Result<Option<Self>, CliError> {
        Ok(None)
    }

    pub(crate) fn export(self, _: impl Iterator<Item = Event>) -> Option<Sent> {
        match self {}
    }
}
