//! Metrics of a run, made from its events: sums and histograms of what happened since the last time
//! they were exported (delta temporality), for a process is too short-lived to be scraped.

use std::collections::BTreeMap;

use codeloops_event::{
    AgentOutcome, AgentSettings, Event, IterationEnd, Role, SessionEnd, SessionStart, Settings,
    Timestamp, Usage,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum,
    number_data_point,
};

use crate::names;
use crate::options::Value;
use crate::span::{attribute, nanos};
use crate::tree::error_of;

/// Upper bounds of a histogram of seconds: an agent works for seconds or for hours.
const SECONDS: &[f64] =
    &[1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0, 7200.0, 14400.0];

/// Those that the conventions advise for tokens.
const TOKENS: &[f64] = &[
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// Of rounds.
const ROUNDS: &[f64] = &[1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0, 55.0];

/// What is measured.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
enum Instrument {
    RunDuration,
    CallDuration,
    Tokens,
    Iterations,
    Outcomes,
    Cost,
}

impl Instrument {
    const fn name(self) -> &'static str {
        match self {
            Self::RunDuration => names::METRIC_RUN_DURATION,
            Self::CallDuration => names::METRIC_CALL_DURATION,
            Self::Tokens => names::METRIC_TOKENS,
            Self::Iterations => names::METRIC_ITERATIONS,
            Self::Outcomes => names::METRIC_OUTCOMES,
            Self::Cost => names::METRIC_COST,
        }
    }

    const fn described(self) -> (&'static str, &'static str) {
        match self {
            Self::RunDuration => ("s", "Time that a process worked on a run"),
            Self::CallDuration => ("s", "Time of an agent's call"),
            Self::Tokens => ("{token}", "Tokens of an agent's call"),
            Self::Iterations => ("{iteration}", "Rounds that a process finished of a run"),
            Self::Outcomes => ("{run}", "Ends of runs"),
            Self::Cost => ("{USD}", "Cost of agents' calls, as they tell it"),
        }
    }

    /// Upper bounds of its histogram; `None` where it is a sum.
    const fn bounds(self) -> Option<&'static [f64]> {
        match self {
            Self::RunDuration | Self::CallDuration => Some(SECONDS),
            Self::Tokens => Some(TOKENS),
            Self::Iterations => Some(ROUNDS),
            Self::Outcomes | Self::Cost => None,
        }
    }
}

/// By what a value is told apart; sorted by name.
type Labels = Vec<(&'static str, String)>;

/// What has been measured since the last time.
pub(crate) struct Meters {
    settings: Option<Settings>,
    /// When that was.
    since: Timestamp,
    values: BTreeMap<(Instrument, Labels), Values>,
    /// Of the process that tells now: where the run's own clock stood when it began, and how many
    /// rounds were finished.
    began_ms: u64,
    rounds_before: u32,
    rounds: u32,
}

#[derive(Debug, Default)]
struct Values {
    buckets: Vec<u64>,
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
}

impl Meters {
    pub(crate) fn new() -> Self {
        Self {
            settings: None,
            since: Timestamp::UNIX_EPOCH,
            values: BTreeMap::new(),
            began_ms: 0,
            rounds_before: 0,
            rounds: 0,
        }
    }

    /// Measures what an event tells; gives what is to be exported now: after each round, and at the
    /// end.
    pub(crate) fn take(&mut self, event: &Event) -> Vec<Metric> {
        match event {
            Event::SessionStart(start) => self.begin(start),
            Event::SessionResumed(e) => {
                self.values.clear();
                self.since = e.timestamp;
                (self.began_ms, self.rounds_before) = (e.elapsed_ms, self.rounds);
            }
            Event::ActorCompleted(e) => {
                self.call(Role::Actor, &e.outcome, e.duration_secs, e.usage.as_ref());
            }
            Event::CriticCompleted(e) => {
                self.call(Role::Critic, &e.outcome, e.duration_secs, e.usage.as_ref());
            }
            Event::Iteration(e) => return self.round(e),
            Event::SessionEnd(e) => return self.end(e),
            _ => {}
        }
        Vec::new()
    }

    fn begin(&mut self, start: &SessionStart) {
        self.settings.clone_from(&start.settings);
        self.since = start.timestamp;
        self.began_ms = start.elapsed_ms;
    }

    fn call(&mut self, role: Role, outcome: &AgentOutcome, secs: f64, usage: Option<&Usage>) {
        let labels = self.labels_of(role);
        let mut of_duration = labels.clone();
        of_duration.extend(error_of(outcome).map(|(error, _)| (names::ERROR_TYPE, error.into())));
        self.record(Instrument::CallDuration, of_duration, secs);
        let Some(usage) = usage else { return };
        for (kind, tokens) in [("input", usage.input_tokens), ("output", usage.output_tokens)] {
            let Some(tokens) = tokens else { continue };
            let mut of_tokens = labels.clone();
            of_tokens.push((names::TOKEN_TYPE, kind.to_owned()));
            self.record(Instrument::Tokens, of_tokens, as_float(tokens));
        }
        if let Some(cost) = usage.cost_usd {
            self.record(Instrument::Cost, labels, cost);
        }
    }

    fn labels_of(&self, role: Role) -> Labels {
        let mut labels = vec![
            (names::OPERATION, "invoke_agent".to_owned()),
            (names::ROLE, role.as_str().to_owned()),
        ];
        let of_role = |settings: &Settings| match role {
            Role::Actor => settings.actor.clone(),
            Role::Critic => settings.critic.clone(),
        };
        if let Some(AgentSettings { agent, model, .. }) = self.settings.as_ref().map(of_role) {
            labels.push((names::PROVIDER, names::provider(&agent).to_owned()));
            labels.push((names::AGENT, agent));
            labels.extend(model.map(|model| (names::MODEL, model)));
        }
        labels
    }

    fn round(&mut self, event: &IterationEnd) -> Vec<Metric> {
        self.rounds = event.iteration_number;
        self.given_out(event.timestamp)
    }

    fn end(&mut self, event: &SessionEnd) -> Vec<Metric> {
        let outcome = || vec![(names::OUTCOME, event.outcome.as_str().to_owned())];
        let mut of_run = outcome();
        of_run.push((names::WORKFLOW, names::SCOPE.to_owned()));
        let ms = event.elapsed_ms.saturating_sub(self.began_ms);
        self.record(Instrument::RunDuration, of_run, as_float(ms) / 1000.0);
        let rounds = event.iterations.saturating_sub(self.rounds_before);
        self.record(Instrument::Iterations, outcome(), rounds.into());
        let mut of_end = outcome();
        let reason = event.stop_reason.map(|reason| reason.as_str().to_owned());
        of_end.extend(reason.map(|reason| (names::STOP_REASON, reason)));
        self.record(Instrument::Outcomes, of_end, 1.0);
        self.given_out(event.timestamp)
    }

    fn record(&mut self, instrument: Instrument, mut labels: Labels, value: f64) {
        labels.sort();
        let values = self.values.entry((instrument, labels)).or_default();
        values.add(value, instrument.bounds().unwrap_or(&[]));
    }

    fn given_out(&mut self, at: Timestamp) -> Vec<Metric> {
        let span = (nanos(self.since), nanos(at).max(nanos(self.since)));
        self.since = at;
        let values: Vec<_> = std::mem::take(&mut self.values).into_iter().collect();
        let of_one = values.chunk_by(|((a, _), _), ((b, _), _)| a == b);
        of_one.filter_map(|points| metric(points, span)).collect()
    }
}

/// One instrument with its points.
fn metric(points: &[((Instrument, Labels), Values)], span: (u64, u64)) -> Option<Metric> {
    let instrument = points.first()?.0.0;
    let (unit, description) = instrument.described();
    let aggregation_temporality = AggregationTemporality::Delta.into();
    let points = points.iter().map(|((_, labels), values)| (labels, values));
    let data = match instrument.bounds() {
        Some(bounds) => Data::Histogram(Histogram {
            data_points: points.map(|(l, values)| values.distribution(l, bounds, span)).collect(),
            aggregation_temporality,
        }),
        None => Data::Sum(Sum {
            data_points: points.map(|(labels, values)| values.total(labels, span)).collect(),
            aggregation_temporality,
            is_monotonic: true,
        }),
    };
    Some(Metric {
        name: instrument.name().to_owned(),
        description: description.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    })
}

impl Values {
    fn add(&mut self, value: f64, bounds: &[f64]) {
        self.buckets.resize(bounds.len() + 1, 0);
        let bucket = bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len());
        self.buckets[bucket] += 1;
        (self.min, self.max) = match self.count {
            0 => (value, value),
            _ => (self.min.min(value), self.max.max(value)),
        };
        self.count += 1;
        self.sum += value;
    }

    fn distribution(
        &self,
        labels: &Labels,
        bounds: &[f64],
        (since, at): (u64, u64),
    ) -> HistogramDataPoint {
        HistogramDataPoint {
            attributes: attributes(labels),
            start_time_unix_nano: since,
            time_unix_nano: at,
            count: self.count,
            sum: Some(self.sum),
            bucket_counts: self.buckets.clone(),
            explicit_bounds: bounds.to_vec(),
            min: Some(self.min),
            max: Some(self.max),
            ..HistogramDataPoint::default()
        }
    }

    fn total(&self, labels: &Labels, (since, at): (u64, u64)) -> NumberDataPoint {
        NumberDataPoint {
            attributes: attributes(labels),
            start_time_unix_nano: since,
            time_unix_nano: at,
            value: Some(number_data_point::Value::AsDouble(self.sum)),
            ..NumberDataPoint::default()
        }
    }
}

fn attributes(labels: &Labels) -> Vec<KeyValue> {
    let attributes = labels.iter();
    attributes.map(|(name, value)| attribute(name, Value::Text(value.clone()))).collect()
}

#[expect(clippy::cast_precision_loss, reason = "2^53 of anything here is beyond reach")]
const fn as_float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests;
