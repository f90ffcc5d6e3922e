//! What is measured of recorded runs.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use codeloops_event::UsageByRole;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyKind;

use super::*;

fn recording(name: &str) -> Vec<Event> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let file = dir.join(format!("../../engine/session/tests/fixtures/v1.0/{name}.jsonl"));
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A value of a metric, with its sum, how often it was measured, and by what it is told apart.
struct Point {
    name: String,
    sum: f64,
    count: u64,
    labels: Vec<String>,
}

fn points(metrics: Vec<Metric>) -> Vec<Point> {
    let labels = |attributes: &[KeyValue]| {
        let shown = attributes.iter().map(|attribute| {
            let value = attribute.value.as_ref().unwrap().value.as_ref().unwrap();
            let AnyKind::StringValue(text) = value else { panic!("{value:?}") };
            format!("{}={text}", attribute.key)
        });
        shown.collect()
    };
    let mut points = Vec::new();
    for metric in metrics {
        let name = || format!("{} [{}]", metric.name, metric.unit);
        match metric.data.as_ref().unwrap() {
            Data::Sum(sum) => points.extend(sum.data_points.iter().map(|point| {
                let Some(number_data_point::Value::AsDouble(sum)) = point.value else {
                    panic!("{point:?}")
                };
                Point { name: name(), sum, count: 1, labels: labels(&point.attributes) }
            })),
            Data::Histogram(histogram) => {
                let all = histogram.data_points.iter().map(|point| {
                    assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
                    assert!(point.start_time_unix_nano <= point.time_unix_nano);
                    let (sum, count) = (point.sum.unwrap(), point.count);
                    Point { name: name(), sum, count, labels: labels(&point.attributes) }
                });
                points.extend(all);
            }
            other => panic!("{other:?}"),
        }
    }
    points
}

#[test]
fn what_is_measured_of_a_run() {
    let mut meters = Meters::new();
    let mut page = String::new();
    for event in recording("approved") {
        let metrics = meters.take(&event);
        let names: BTreeSet<String> = metrics.iter().map(|metric| metric.name.clone()).collect();
        assert_eq!(names.len(), metrics.len(), "a metric stands once in a request");
        for Point { name, sum, count, labels } in points(metrics) {
            let _ = writeln!(page, "{} {name} {sum:.4} of {count}", event.name());
            for label in labels {
                let _ = writeln!(page, "    {label}");
            }
        }
    }
    insta::assert_snapshot!("approved", page);
}

/// The sum of a metric over all that is given out.
fn sum(events: &[Event], name: &str) -> f64 {
    let mut meters = Meters::new();
    let points = events.iter().flat_map(|event| points(meters.take(event)));
    points.filter(|point| point.name.starts_with(name)).map(|point| point.sum).sum()
}

fn end(events: &[Event]) -> &SessionEnd {
    let Some(Event::SessionEnd(end)) = events.last() else { panic!("the recording is whole") };
    end
}

/// What a process of a resumed run measures is its own part.
#[test]
fn the_processes_of_a_resumed_run_add_up() {
    let events = recording("resumed");
    let rounds = sum(&events, names::METRIC_ITERATIONS);
    assert!((rounds - f64::from(end(&events).iterations)).abs() < 1e-9, "{rounds}");
    // The process that was killed measured nothing.
    let secs = sum(&events, names::METRIC_RUN_DURATION);
    assert!(secs > 0.0 && secs < end(&events).duration_secs, "{secs}");
}

#[test]
fn tokens_and_cost_are_those_of_the_session() {
    let events = recording("approved");
    let total = end(&events).usage.as_ref().and_then(UsageByRole::sum).unwrap();
    let tokens = sum(&events, names::METRIC_TOKENS);
    assert!((tokens - as_float(total.tokens())).abs() < 1e-6, "{tokens} {total:?}");
    let cost = sum(&events, names::METRIC_COST);
    assert!((cost - total.cost_usd.unwrap()).abs() < 1e-6, "{cost} {total:?}");
}
