//! What must hold for any answer: the body of the fuzz target, and of the tests over the corpus.

use codeloops_event::Verdict;

use super::parse;

/// Reads any bytes as an answer and checks what must hold for all of them.
///
/// # Panics
///
/// When something does not.
pub fn fuzz_one(bytes: &[u8]) {
    let answer = String::from_utf8_lossy(bytes);
    let verdict = parse(&answer);
    assert_eq!(parse(&answer), verdict, "the same answer gave another verdict");
    if let Ok(verdict) = &verdict {
        assert_says_something(verdict);
    }
    for prefix in ["> ", "+", "-", "| ", "I would say "] {
        let shown = prefixed(&answer, prefix);
        assert!(parse(&shown).is_err(), "read behind {prefix:?}: {shown:?}");
    }
    if !answer.contains('\r') {
        assert_eq!(parse(&answer.replace('\n', "\r\n")), verdict, "CRLF made a difference");
    }
}

/// The verdict in the documented format.
#[must_use]
pub fn render(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Done { summary, confidence } => {
            let confidence =
                confidence.map_or_else(String::new, |figure| format!("\n\nCONFIDENCE: {figure}"));
            format!("DECISION: DONE\n\nSUMMARY: {summary}{confidence}\n")
        }
        Verdict::Continue { feedback } => {
            format!("DECISION: CONTINUE\n\nFEEDBACK: {feedback}\n")
        }
        Verdict::Error { analysis, recovery } => {
            format!("DECISION: ERROR\n\nANALYSIS: {analysis}\n\nRECOVERY: {recovery}\n")
        }
    }
}

fn assert_says_something(verdict: &Verdict) {
    match verdict {
        Verdict::Done { summary, confidence } => {
            assert!(!summary.trim().is_empty(), "DONE without a summary");
            assert!(confidence.is_none_or(|figure| (0.0..=1.0).contains(&figure)));
        }
        Verdict::Continue { .. } | Verdict::Error { .. } => {
            let told = verdict.feedback().unwrap_or_default();
            assert!(!told.trim().is_empty(), "nothing to tell the actor");
        }
    }
}

fn prefixed(text: &str, prefix: &str) -> String {
    text.split('\n').map(|line| format!("{prefix}{line}")).collect::<Vec<_>>().join("\n")
}
