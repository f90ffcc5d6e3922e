//! The trace that codeloops was started in, by the W3C trace context in `TRACEPARENT`.

use codeloops_event::trace::{SpanId, TraceId};

use crate::world::Environment;

/// Trace and span that the run belongs below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InheritedTrace {
    pub(crate) trace_id: TraceId,
    pub(crate) parent_span_id: SpanId,
    /// Whether what is above exports its spans.
    pub(crate) sampled: bool,
}

impl InheritedTrace {
    pub(crate) fn from_env(env: &Environment) -> Option<Self> {
        Self::parse(env.var("TRACEPARENT")?.to_str()?)
    }

    /// `version-traceid-spanid-flags`; a later version may have more fields, and version ff is none.
    fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let (version, trace_id) = (parts.next()?, parts.next()?);
        let (span_id, flags) = (parts.next()?, parts.next()?);
        let (number, flags) = (byte(version)?, byte(flags)?);
        if number == 0xff || (number == 0 && parts.next().is_some()) {
            return None;
        }
        let (trace_id, parent_span_id) = (trace_id.parse().ok()?, span_id.parse().ok()?);
        Some(Self { trace_id, parent_span_id, sampled: flags & 1 == 1 })
    }
}

/// Two lower-case hexadecimal digits.
fn byte(text: &str) -> Option<u8> {
    let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let sound = text.len() == 2 && text.bytes().all(is_digit);
    sound.then(|| u8::from_str_radix(text, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn a_trace_context_is_read_by_the_specification() {
        let of = |header: String| InheritedTrace::parse(&header).map(|t| t.trace_id.to_string());
        assert_eq!(of(format!("00-{TRACE}-{SPAN}-01")).as_deref(), Some(TRACE));
        assert_eq!(of(format!("cc-{TRACE}-{SPAN}-01-what-comes-later")).as_deref(), Some(TRACE));
        for header in [
            String::new(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-+1"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
        ] {
            assert_eq!(of(header.clone()), None, "{header}");
        }
    }

    #[test]
    fn the_last_flag_is_whether_spans_are_exported() {
        let sampled = |flags: &str| {
            InheritedTrace::parse(&format!("00-{TRACE}-{SPAN}-{flags}")).map(|t| t.sampled)
        };
        let told = ["00", "01", "02", "03", "ff"].map(sampled);
        assert_eq!(told, [false, true, false, true, true].map(Some));
    }
}
