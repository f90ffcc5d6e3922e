//! An event as one line of JSON that is safe on a terminal.

use std::fmt::Write;

use codeloops_event::Event;

use crate::sink::Gap;
use crate::text;

/// The event's own serde form. Characters that could act on a terminal are escaped: JSON escapes
/// the C0 controls itself, the others stand only inside strings.
pub(crate) fn line(event: &Event) -> String {
    let json = serde_json::to_string(event).expect("an event has plain values and string keys");
    if !json.chars().any(text::is_unsafe) {
        return json;
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if text::is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(safe, "\\u{unit:04x}").expect("a string takes everything");
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

/// A line that stands where chatter was left out; no event, as the sink itself is the reason.
pub(crate) fn gap(gap: Gap) -> String {
    let Gap { events, bytes } = gap;
    serde_json::json!({ "type": "output_dropped", "events": events, "bytes": bytes }).to_string()
}
