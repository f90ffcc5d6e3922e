//! What is told of a sink once it is through, in a line.

use codeloops_sinks::{SinkReport, SinkState, printable};

/// What a sink that went as it should has done; none for one that did not.
pub(crate) fn service(sink: &SinkReport) -> Option<String> {
    let missed = match sink.dropped_events {
        0 => String::new(),
        _ if sink.state == SinkState::Left => {
            format!("; it had enough before the last {}", events(sink.dropped_events))
        }
        missed => format!("; it missed {} of output", events(missed)),
    };
    let note = sink.note.as_ref().map(|note| format!("; {note}")).unwrap_or_default();
    let line = format!("Sink {}: {}{missed}{note}", sink.name, events(sink.written));
    sink.state.is_well().then(|| printable(&line))
}

/// What was wrong with a sink that did not.
pub(crate) fn trouble(sink: &SinkReport) -> String {
    let what = match sink.state {
        SinkState::Finished | SinkState::Left => "is through",
        SinkState::Detached if sink.dropped_events == 0 => "failed",
        SinkState::Detached => "was given up",
        SinkState::Abandoned => "did not end in time",
    };
    let missed = match sink.dropped_events {
        0 => String::new(),
        missed => format!("; it missed {}", events(missed)),
    };
    let [why, note] = [(": ", &sink.error), ("; ", &sink.note)]
        .map(|(before, text)| text.as_ref().map(|text| format!("{before}{text}")));
    let [why, note] = [why, note].map(Option::unwrap_or_default);
    format!("the sink `{}` {what}{missed}{why}{note}", sink.name)
}

/// What a sink says of itself, with its name.
pub(crate) fn said_of_itself(sink: &SinkReport) -> Option<String> {
    sink.note.as_ref().map(|note| format!("the sink `{}`: {note}", sink.name))
}

fn events(count: u64) -> String {
    if count == 1 { "1 event".to_owned() } else { format!("{count} events") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(state: SinkState, dropped_events: u64, error: Option<&str>) -> SinkReport {
        SinkReport {
            name: "exec:jq -c .".to_owned(),
            state,
            written: 3,
            dropped_events,
            dropped_bytes: dropped_events * 1000,
            error: error.map(str::to_owned),
            note: None,
        }
    }

    #[test]
    fn what_became_of_a_sink_is_a_line_in_plain_words() {
        let noted = SinkReport {
            note: Some("trace 4bf9".to_owned()),
            ..sink(SinkState::Finished, 0, None)
        };
        let well = [
            sink(SinkState::Finished, 0, None),
            sink(SinkState::Finished, 1, None),
            sink(SinkState::Left, 17, Some("it ended before the run did, without an error")),
            noted,
        ];
        let failed = "it ended with exit code 5: jq: error";
        let ill = [
            sink(SinkState::Detached, 0, Some(failed)),
            sink(SinkState::Detached, 17, Some(failed)),
            sink(SinkState::Abandoned, 1, None),
        ];
        let told: Vec<_> = well.iter().filter_map(service).chain(ill.iter().map(trouble)).collect();
        insta::assert_snapshot!(told.join("\n"));
        assert!(ill.iter().all(|sink| service(sink).is_none()));
    }
}
