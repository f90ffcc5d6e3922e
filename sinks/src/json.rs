//! An event as one line of JSON that is safe on a terminal.

use codeloops_event::text::escaped_in_json;
use codeloops_event::{Event, Marker};

use crate::sink::Gap;

/// The event's own serde form. Characters that could act on a terminal are escaped: JSON escapes
/// the C0 controls itself, the others stand only inside strings.
pub(crate) fn line(event: &Event) -> String {
    let json = serde_json::to_string(event).expect("an event has plain values and string keys");
    escaped_in_json(json)
}

/// A line that stands where chatter was left out; no event, as the sink itself is the reason.
pub(crate) fn gap(gap: Gap) -> String {
    let Gap { events, bytes } = gap;
    let marker = Marker::OutputDropped { events, bytes };
    serde_json::to_string(&marker).expect("a marker has plain values")
}
