//! No sink's trouble reaches the publisher or another sink, whatever it is.
//!
//! That `publish` does not wait is shown by where it returns: on the test's own thread, while the
//! sink provably stands before a closed gate.

use std::sync::Arc;
use std::time::Duration;

use codeloops_event::Event;
use serde_json::Value;

use super::*;
use crate::samples;
use crate::sink::{Gap, SinkError};
use crate::testing::{
    BadWriter, FailingSink, FullDisk, GatedSink, MemorySink, PanickingSink, Seen, Trouble,
};
use crate::{ConsoleOptions, ConsoleSink, ExecSink, Format, Live, LogSink};

/// Longer than any test takes: where it passes, a test fails instead of hanging.
const PATIENT: Duration = Duration::from_secs(60);

fn options() -> HubOptions {
    HubOptions {
        attempts: 3,
        first_pause: Duration::ZERO,
        longest_pause: Duration::ZERO,
        ..HubOptions::default()
    }
}

fn publish_all(hub: &Hub, events: &[Event]) {
    for event in events {
        hub.publish(&Arc::new(event.clone()));
    }
}

fn seen(event: Event) -> Seen {
    Seen::Event(Box::new(event))
}

fn chunk(text: &str) -> Event {
    samples::actor_output(text)
}

/// Publishes a run to a bad sink with a good one at each side; gives the bad one's report.
#[track_caller]
fn beside_good_ones(bad: impl Sink + 'static, deadline: Duration) -> SinkReport {
    let events = samples::first_session();
    let (left, right) = (MemorySink::default(), MemorySink::default());
    let hub =
        Hub::new(vec![Box::new(left.clone()), Box::new(bad), Box::new(right.clone())], &options());
    publish_all(&hub, &events);
    // The good ones are through, whether or not the bad one ever will be.
    let [left_report, bad_report, right_report] =
        <[SinkReport; 3]>::try_from(hub.close(deadline)).unwrap();
    for (memory, report) in [(left, left_report), (right, right_report)] {
        assert_eq!(memory.events(), events);
        assert_eq!(memory.seen().last(), Some(&Seen::Finished));
        assert_eq!(report.state, SinkState::Finished);
        assert_eq!((report.written, report.dropped_events), (events.len() as u64, 0));
        assert_eq!(report.error, None);
    }
    assert_eq!(
        bad_report.written + bad_report.dropped_events,
        events.len() as u64,
        "every event is accounted for: {bad_report:?}"
    );
    bad_report
}

#[test]
fn a_sink_that_blocks_for_ever_is_abandoned() {
    let blocked = GatedSink::default();
    // Good sinks get their share of the deadline before it is over.
    let report = beside_good_ones(blocked.clone(), Duration::from_secs(2));
    assert_eq!(report.state, SinkState::Abandoned);
    assert_eq!(report.written, 0);
    assert!(report.error.unwrap().contains("still busy"));
    blocked.gate.open();
}

#[test]
fn a_sink_that_always_fails_is_detached() {
    let report = beside_good_ones(FailingSink::always(), PATIENT);
    assert_eq!(report.state, SinkState::Detached);
    assert_eq!(report.written, 0);
    assert_eq!(report.error.unwrap(), "out of order");
}

#[test]
fn a_sink_that_panics_is_detached() {
    let sink = PanickingSink::at(2);
    let report = beside_good_ones(sink.clone(), PATIENT);
    assert_eq!(report.state, SinkState::Detached);
    assert_eq!(report.written, 2);
    assert_eq!(report.error.unwrap(), "it panicked: cannot stand event 2");
    assert_eq!(sink.memory.events(), samples::first_session()[..2]);
}

#[test]
fn a_full_disk_detaches_and_keeps_what_fitted() {
    let disk = FullDisk::new(2000);
    let report = beside_good_ones(disk.log(), PATIENT);
    assert_eq!(report.state, SinkState::Detached);
    assert!(report.error.unwrap().starts_with("cannot write to a full disk: "));
    let whole = FullDisk::new(usize::MAX);
    beside_good_ones(whole.log(), PATIENT);
    assert_eq!(disk.written(), whole.written()[..2000], "written once, in order, up to the end");
}

#[test]
fn a_slow_sink_gets_everything() {
    let slow = GatedSink::default();
    let gate = slow.gate.clone();
    let pusher = thread::spawn(move || {
        for n in 1..=samples::first_session().len() as u64 {
            gate.wait_for_arrival(n);
            gate.allow(1);
        }
    });
    let report = beside_good_ones(slow.clone(), PATIENT);
    pusher.join().unwrap();
    assert_eq!(report.state, SinkState::Finished);
    assert_eq!(slow.memory.events(), samples::first_session());
}

#[test]
fn a_failure_that_passes_costs_nothing() {
    let sink = FailingSink::times(2);
    let report = beside_good_ones(sink.clone(), PATIENT);
    assert_eq!(report.state, SinkState::Finished);
    assert_eq!(sink.memory.events(), samples::first_session(), "each once, in order");
}

#[test]
fn a_permanent_failure_is_not_tried_again() {
    struct Gone(MemorySink);
    impl Sink for Gone {
        fn name(&self) -> &'static str {
            "gone"
        }
        fn accept(&mut self, event: &Event) -> Result<(), SinkError> {
            self.0.accept(event)?;
            Err(SinkError::write("a pipe", &std::io::ErrorKind::BrokenPipe.into()))
        }
        fn finish(&mut self) -> Result<(), SinkError> {
            Ok(())
        }
    }
    let memory = MemorySink::default();
    let report = beside_good_ones(Gone(memory.clone()), PATIENT);
    assert_eq!(report.state, SinkState::Detached);
    assert_eq!(memory.events().len(), 1);
}

/// A gated sink that stands before its gate with one chunk, while others wait.
fn blocked_hub(options: &HubOptions) -> (GatedSink, Hub) {
    let sink = GatedSink::default();
    let hub = Hub::new(vec![Box::new(sink.clone())], options);
    publish_all(&hub, &[chunk("first")]);
    sink.gate.wait_for_arrival(1);
    (sink, hub)
}

#[test]
fn chatter_beyond_the_bound_is_left_out_and_the_gap_is_told_where_it_is() {
    let (sink, hub) = blocked_hub(&HubOptions { chatter_items: 2, ..options() });
    let fact = samples::iteration_started(1);
    publish_all(&hub, &[chunk("a"), chunk("b"), chunk("lost"), chunk("lost too"), fact.clone()]);
    publish_all(&hub, &[chunk("lost as well")]);
    sink.gate.open();
    let report = hub.close(PATIENT).pop().unwrap();
    let expected = [
        seen(chunk("first")),
        seen(chunk("a")),
        seen(chunk("b")),
        Seen::Gap(Gap { events: 2, bytes: 12 }),
        seen(fact),
        Seen::Gap(Gap { events: 1, bytes: 12 }),
        Seen::Finished,
    ];
    assert_eq!(sink.memory.seen(), expected);
    assert_eq!(report.state, SinkState::Finished);
    assert_eq!((report.written, report.dropped_events, report.dropped_bytes), (4, 3, 24));
}

#[test]
fn chatter_is_bounded_in_bytes_as_well() {
    let (sink, hub) = blocked_hub(&HubOptions { chatter_bytes: 10, ..options() });
    publish_all(&hub, &[chunk("12345678"), chunk("9 too many"), chunk("10")]);
    sink.gate.open();
    let report = hub.close(PATIENT).pop().unwrap();
    assert_eq!(sink.memory.events(), [chunk("first"), chunk("12345678"), chunk("10")]);
    assert_eq!(report.dropped_bytes, 10);
}

#[test]
fn facts_are_queued_whatever_the_bound_on_chatter_is() {
    let (sink, hub) = blocked_hub(&HubOptions { chatter_items: 1, ..options() });
    let events = samples::first_session();
    publish_all(&hub, &[chunk("fits")]);
    publish_all(&hub, &events);
    sink.gate.open();
    drop(hub.close(PATIENT));
    assert_eq!(sink.memory.events()[2..], events);
}

#[test]
fn a_hopeless_backlog_detaches_the_sink_although_it_is_blocked() {
    let (sink, hub) = blocked_hub(&HubOptions { backlog_bytes: 2000, ..options() });
    let events = samples::first_session();
    publish_all(&hub, &events);
    // The gate is still closed: the sink cannot have consumed anything.
    let report = hub.close(Duration::ZERO).pop().unwrap();
    assert_eq!(report.state, SinkState::Detached);
    assert_eq!((report.written, report.dropped_events), (0, events.len() as u64 + 1));
    assert!(report.error.unwrap().contains("more than 2000 bytes waited"));
    sink.gate.open();
}

#[test]
fn what_is_published_after_closing_is_counted() {
    let memory = MemorySink::default();
    let hub = Hub::new(vec![Box::new(memory.clone())], &options());
    assert_eq!(hub.close(PATIENT)[0].dropped_events, 0);
    publish_all(&hub, &[samples::iteration_started(1)]);
    assert_eq!(hub.close(PATIENT)[0].dropped_events, 1);
    assert_eq!(memory.seen(), [Seen::Finished]);
}

#[test]
fn a_hub_that_is_dropped_lets_its_sinks_finish() {
    let memory = MemorySink::default();
    let hub = Hub::new(vec![Box::new(memory.clone())], &options());
    publish_all(&hub, &samples::first_session());
    drop(hub);
    assert_eq!(memory.events(), samples::first_session());
    assert_eq!(memory.seen().last(), Some(&Seen::Finished));
}

#[test]
fn a_sink_is_ticked_while_nothing_comes() {
    struct Ticking {
        left: u32,
        done: std::sync::mpsc::Sender<()>,
    }
    impl Sink for Ticking {
        fn name(&self) -> &'static str {
            "ticking"
        }
        fn accept(&mut self, _: &Event) -> Result<(), SinkError> {
            Ok(())
        }
        fn next_tick(&self) -> Option<Instant> {
            (self.left > 0).then(Instant::now)
        }
        fn tick(&mut self) -> Result<(), SinkError> {
            self.left -= 1;
            if self.left == 0 {
                self.done.send(()).unwrap();
            }
            Ok(())
        }
        fn finish(&mut self) -> Result<(), SinkError> {
            Ok(())
        }
    }
    let (done, ticked) = std::sync::mpsc::channel();
    let hub = Hub::new(vec![Box::new(Ticking { left: 3, done })], &options());
    ticked.recv_timeout(PATIENT).unwrap();
    assert_eq!(hub.close(PATIENT)[0].state, SinkState::Finished);
}

/// What a sink is at counts until it has consumed it.
#[test]
fn whoever_can_wait_learns_what_is_still_to_be_consumed() {
    let slow = GatedSink::default();
    let (gate, events) = (slow.gate.clone(), samples::first_session());
    let hub = Hub::new(vec![Box::new(slow), Box::new(MemorySink::default())], &options());
    assert_eq!(hub.backlog(), Some(0));
    publish_all(&hub, &events);
    gate.wait_for_arrival(1);
    assert!(hub.backlog() > Some(0));
    gate.open();
    while hub.backlog() > Some(0) {
        thread::yield_now();
    }
    assert!(hub.close(PATIENT).iter().all(|sink| sink.written == events.len() as u64));
    assert_eq!(hub.backlog(), None, "no sink is served any more");
}

/// Says how it ended, as the last thing.
struct Remarking(FailingSink);

impl Sink for Remarking {
    fn name(&self) -> &'static str {
        "remarking"
    }
    fn accept(&mut self, event: &Event) -> Result<(), SinkError> {
        self.0.accept(event)
    }
    fn finish(&mut self) -> Result<(), SinkError> {
        self.0.finish()
    }
    fn remark(&self) -> Option<String> {
        let seen = self.0.memory.seen();
        Some(format!("finished: {}", seen.last() == Some(&Seen::Finished)))
    }
}

#[test]
fn a_sink_may_say_something_of_itself_whether_it_finished_or_not() {
    let finished = beside_good_ones(Remarking(FailingSink::times(0)), PATIENT);
    assert_eq!(finished.note.unwrap(), "finished: true");
    let failed = beside_good_ones(Remarking(FailingSink::always()), PATIENT);
    assert_eq!(failed.note.unwrap(), "finished: false");
}

#[test]
fn a_remark_that_panics_is_none() {
    struct Speechless;
    impl Sink for Speechless {
        fn name(&self) -> &'static str {
            "speechless"
        }
        fn accept(&mut self, _: &Event) -> Result<(), SinkError> {
            Ok(())
        }
        fn finish(&mut self) -> Result<(), SinkError> {
            Ok(())
        }
        fn remark(&self) -> Option<String> {
            panic!("no words")
        }
    }
    let report = beside_good_ones(Speechless, PATIENT);
    assert_eq!((report.state, report.note), (SinkState::Finished, None));
}

/// Every sink of this crate, on a writer with this trouble.
fn troubled(writer: &BadWriter) -> Vec<Box<dyn Sink>> {
    let options = |format| ConsoleOptions { format, color: false, live: Live::Off, verbose: true };
    let console = |format| Box::new(ConsoleSink::new(writer.clone(), options(format)));
    let program = writer.clone();
    vec![
        console(Format::Pretty),
        console(Format::Compact),
        console(Format::Json),
        Box::new(LogSink::new("file", "a file", writer.clone())),
        Box::new(ExecSink::new("exec", Box::new(move || Ok(Box::new(program))))),
    ]
}

/// The matrix: whatever is wrong with the writers of whichever sinks, the others get everything, and
/// each that failed says so.
#[test]
fn no_trouble_of_any_sink_is_anothers() {
    let all = [
        (Trouble::Blocks, Duration::from_secs(2), SinkState::Abandoned),
        (Trouble::Fails, PATIENT, SinkState::Detached),
        (Trouble::Panics, PATIENT, SinkState::Detached),
        (Trouble::DiskFull(300), PATIENT, SinkState::Detached),
        (Trouble::Slow, PATIENT, SinkState::Finished),
    ];
    for (trouble, deadline, state) in all {
        let writer = BadWriter::new(trouble);
        let (first, last) = (MemorySink::default(), MemorySink::default());
        let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(first.clone())];
        sinks.extend(troubled(&writer));
        sinks.push(Box::new(last.clone()));
        let hub = Hub::new(sinks, &options());
        let events = samples::first_session();
        publish_all(&hub, &events);
        let mut reports = hub.close(deadline);
        let good = [reports.remove(0), reports.pop().unwrap()];
        assert!(good.iter().all(|sink| sink.state == SinkState::Finished), "{trouble:?}: {good:?}");
        assert_eq!([first.events(), last.events()], [events.clone(), events.clone()]);
        for report in reports {
            assert_eq!(report.state, state, "{trouble:?}: {report:?}");
            assert_eq!(report.error.is_some(), !state.is_well(), "{trouble:?}: {report:?}");
            assert_eq!(report.written + report.dropped_events, events.len() as u64);
        }
        writer.release();
    }
}

/// Nobody who hears of an event for the first time has to remember to count its texts.
#[test]
fn an_event_weighs_at_least_what_its_texts_take() {
    for event in samples::first_session() {
        let texts = texts_of(&serde_json::to_value(&event).unwrap());
        assert!(lane::weight(&event) >= texts, "{event:?}");
        let mut long = serde_json::to_value(&event).unwrap();
        lengthen(&mut long);
        let texts = texts_of(&long);
        let long: Event = serde_json::from_value(long).unwrap();
        assert!(lane::weight(&long) >= texts, "{long:?}");
    }
}

fn texts_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(texts_of).sum(),
        Value::Object(fields) => fields.values().map(texts_of).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// Makes each text long that may be any text.
fn lengthen(value: &mut Value) {
    const FREE: [&str; 8] = [
        "summary",
        "feedback",
        "prompt",
        "text",
        "error",
        "git_diff",
        "actor_output",
        "critic_output",
    ];
    match value {
        Value::Array(items) => items.iter_mut().for_each(lengthen),
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(text) if FREE.contains(&name.as_str()) => {
                        *text = text.repeat(9000);
                    }
                    field => lengthen(field),
                }
            }
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The bound is on what waits: an event that is larger than the bound alone has its turn.
#[test]
fn an_event_that_is_larger_than_the_bound_is_no_reason_to_give_a_sink_up() {
    let memory = MemorySink::default();
    let sinks: Vec<Box<dyn Sink>> = vec![Box::new(memory.clone())];
    let hub = Hub::new(sinks, &HubOptions { backlog_bytes: 1, ..options() });
    for event in samples::first_session() {
        publish_all(&hub, &[event]);
        while hub.backlog() > Some(0) {
            thread::yield_now();
        }
    }
    assert_eq!(hub.close(PATIENT)[0].state, SinkState::Finished);
    assert_eq!(memory.events(), samples::first_session());
}

#[test]
fn a_sink_that_has_had_enough_is_left_alone_and_did_not_fail() {
    struct Enough;
    impl Sink for Enough {
        fn name(&self) -> &'static str {
            "enough"
        }
        fn accept(&mut self, _: &Event) -> Result<(), SinkError> {
            Err(SinkError::Enough("it is all I wanted".to_owned()))
        }
        fn finish(&mut self) -> Result<(), SinkError> {
            panic!("nobody asked")
        }
    }
    let report = beside_good_ones(Enough, PATIENT);
    assert_eq!((report.state, report.written), (SinkState::Left, 0));
    assert_eq!(report.error.as_deref(), Some("it is all I wanted"));
}

#[test]
fn whoever_waits_for_a_stuck_sink_can_be_told_not_to() {
    let stuck = GatedSink::default();
    let gate = stuck.gate.clone();
    let hub = Arc::new(Hub::new(vec![Box::new(stuck)], &options()));
    publish_all(&hub, &[chunk("first")]);
    gate.wait_for_arrival(1);
    let closing = Arc::clone(&hub);
    let closer = thread::spawn(move || closing.close(PATIENT));
    hub.abandon("nobody wants it any more");
    let report = closer.join().unwrap().pop().unwrap();
    assert_eq!(report.state, SinkState::Abandoned);
    assert_eq!(report.error.unwrap(), "nobody wants it any more");
    gate.open();
}
