//! A sink that counts what it is told, by type. Reads a session from its standard input.
#![expect(clippy::print_stderr, reason = "a command-line program")]

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::Duration;

use codeloops_event::Event;
use codeloops_sinks::{Gap, Hub, HubOptions, Sink, SinkError};

struct Counts<W> {
    counts: BTreeMap<&'static str, u64>,
    out: W,
}

impl<W: Write + Send> Sink for Counts<W> {
    fn name(&self) -> &str {
        "counts"
    }

    fn accept(&mut self, event: &Event) -> Result<(), SinkError> {
        *self.counts.entry(event.name()).or_default() += 1;
        Ok(())
    }

    fn gap(&mut self, gap: Gap) -> Result<(), SinkError> {
        *self.counts.entry("(left out)").or_default() += gap.events;
        Ok(())
    }

    /// After an error it is called again: what is written already is not there any more.
    fn finish(&mut self) -> Result<(), SinkError> {
        while let Some((name, count)) = self.counts.first_key_value() {
            writeln!(self.out, "{count:>4} {name}")
                .map_err(|error| SinkError::write("standard output", &error))?;
            self.counts.pop_first();
        }
        Ok(())
    }
}

fn main() -> std::io::Result<()> {
    let sink = Counts { counts: BTreeMap::new(), out: std::io::stdout() };
    let hub = Hub::new(vec![Box::new(sink)], &HubOptions::default());
    for line in std::io::stdin().lock().lines() {
        // What is no event is of a later release, and skipped.
        if let Ok(event) = serde_json::from_str::<Event>(&line?) {
            hub.publish(&Arc::new(event));
        }
    }
    for report in hub.close(Duration::from_secs(5)) {
        if let Some(error) = report.error {
            eprintln!("{}: {error}", report.name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is written, and what stands in for a failure of the first write.
    struct Flaky {
        failed: bool,
        written: Vec<u8>,
    }

    impl Write for Flaky {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if !std::mem::replace(&mut self.failed, true) {
                return Err(std::io::Error::other("not now"));
            }
            self.written.write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn each_type_is_counted_and_an_error_at_the_end_loses_none() {
        let session = include_str!("../../engine/session/tests/fixtures/v1.0/run_two_rounds.jsonl");
        let out = Flaky { failed: false, written: Vec::new() };
        let mut sink = Counts { counts: BTreeMap::new(), out };
        for line in session.lines() {
            sink.accept(&serde_json::from_str(line).unwrap()).unwrap();
        }
        sink.gap(Gap { events: 7, bytes: 70 }).unwrap();
        assert_eq!(
            sink.finish(),
            Err(SinkError::Temporary("cannot write to standard output: not now".to_owned()))
        );
        sink.finish().unwrap();
        let told = String::from_utf8(sink.out.written).unwrap();
        let expected = ["   7 (left out)", "   2 actor_completed", "   2 iteration"];
        assert!(expected.iter().all(|line| told.lines().any(|told| told == *line)), "{told}");
        assert!(told.ends_with("   2 verdict_reached\n"), "{told}");
    }
}
