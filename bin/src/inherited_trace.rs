//! The trace that codeloops was started in, by the W3C trace context in `TRACEPARENT`.

use crate::world::Environment;

/// Trace and span that the run belongs below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InheritedTrace {
    /// 32 lower-case hexadecimal digits.
    pub(crate) trace_id: String,
    /// 16 lower-case hexadecimal digits.
    pub(crate) parent_span_id: String,
    /// Whether it is exported.
    pub(crate) sampled: bool,
}

impl InheritedTrace {
    pub(crate) fn from_env(env: &Environment) -> Option<Self> {
        Self::parse(env.var("TRACEPARENT")?.to_str()?)
    }

    /// `version-traceid-spanid-flags`; a later version may have more fields, version ff is none,
    /// and ids of zeros are none either.
    fn parse(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let (version, trace_id) = (parts.next()?, parts.next()?);
        let (span_id, flags) = (parts.next()?, parts.next()?);
        let hex = |text: &str, digits| {
            text.len() == digits
                && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        let is_id = |text: &str, digits| hex(text, digits) && text.bytes().any(|b| b != b'0');
        let sound = hex(version, 2) && version != "ff" && hex(flags, 2);
        let alone = version != "00" || parts.next().is_none();
        // The lowest bit; others may come to mean something.
        let sampled = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
        (sound && alone && is_id(trace_id, 32) && is_id(span_id, 16)).then(|| Self {
            trace_id: trace_id.to_owned(),
            parent_span_id: span_id.to_owned(),
            sampled,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn a_trace_context_is_read_by_the_specification() {
        let of = |header: String| InheritedTrace::parse(&header).map(|t| t.trace_id);
        assert_eq!(of(format!("00-{TRACE}-{SPAN}-01")).as_deref(), Some(TRACE));
        assert_eq!(of(format!("cc-{TRACE}-{SPAN}-01-what-comes-later")).as_deref(), Some(TRACE));
        for header in [
            String::new(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", "0".repeat(32)),
            format!("00-{TRACE}-{}-01", "0".repeat(16)),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
        ] {
            assert_eq!(of(header.clone()), None, "{header}");
        }
    }

    #[test]
    fn whether_a_trace_is_exported_stands_in_the_lowest_bit() {
        for (flags, sampled) in [("00", false), ("01", true), ("02", false), ("ff", true)] {
            let trace = InheritedTrace::parse(&format!("00-{TRACE}-{SPAN}-{flags}")).unwrap();
            assert_eq!(trace.sampled, sampled, "{flags}");
        }
    }
}
