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
    refuse_after(&answer, bytes.len());
    if matches!(verdict, Ok(Verdict::Done { .. })) {
        go_on_after(&answer);
    }
    show_after_prose(&answer);
    if !answer.contains('\r') {
        assert_eq!(parse(&answer.replace('\n', "\r\n")), verdict, "CRLF made a difference");
    }
}

/// Refusals in all sorts of clothes, each of which takes a DONE back that stands before it.
pub(super) const REFUSALS: &[&str] = &[
    "DECISION: CONTINUE\nFEEDBACK: red",
    "DECISION: CONTINUE",
    "DECISION: ERROR\nANALYSIS: broken",
    "DECISION: NOT DONE",
    "DECISION: CONTINUE\nFEEDBACK: [the tests fail]",
    "DECISION: ERROR\nANALYSIS: <the build is broken>\nRECOVERY: revert",
    "DECISION: CONTINUE\nFEEDBACK:\n...\nthe tests fail badly",
    "DECISION: CONTINUE\nFEEDBACK: <what is missing or wrong, most important first, and what to do about it>\nThe tests fail.",
    "DECISION: CONTINUE | ERROR",
    "DECISION: CONTINUE/ERROR",
    "DECISION: <rejected>",
    "DECISION: [reject: tests fail]",
    "DECISION: {\"type\":\"continue\"}",
    "```\nDECISION: CONTINUE\nFEEDBACK: red\n```\nThat is it.",
    "```\nlog\nDECISION: CONTINUE\nFEEDBACK: red",
    "    DECISION: CONTINUE",
    "1. DECISION: CONTINUE",
    "- **DECISION:** ERROR",
    "> DECISION: CONTINUE",
    "DECISION - CONTINUE",
    "| DECISION | CONTINUE |",
    "DECISIONS: CONTINUE",
    "DECI\u{ad}SION: CONTINUE",
    "DECI\u{200d}SION: CONTINUE",
    "\u{ff24}\u{ff25}\u{ff23}\u{ff29}\u{ff33}\u{ff29}\u{ff2f}\u{ff2e}: CONTINUE",
    "DECISION: \u{ff23}\u{ff2f}\u{ff2e}\u{ff34}\u{ff29}\u{ff2e}\u{ff35}\u{ff25}",
    "so\u{2028}DECISION: CONTINUE",
    "## Decision\n\nCONTINUE",
    "**Decision**\n\n**CONTINUE**",
    "## Final verdict\n\nNot done: the tests fail.",
    "CONTINUE",
    "> **CONTINUE**",
    "<b>CONTINUE</b>",
    "CONTINUE: the tests fail",
    "ERROR \u{2014} it does not compile",
    "Decision (final): CONTINUE",
    "STATUS: CONTINUE",
    "FINAL ANSWER: CONTINUE",
    "Recommendation: CONTINUE",
    "**Final decision: CONTINUE**",
    "- Verdict: ERROR, the tests fail",
    "Final decision: not done",
    "Verdict: rejected",
    "My final verdict is CONTINUE.",
    "My verdict is not DONE.",
    "On second thoughts, my decision is CONTINUE.",
    "my verdict should be CONTINUE",
    "My verdict should be to continue.",
    "I change my decision to CONTINUE",
    "<h2>Decision: CONTINUE</h2>",
    "<decision>{\"type\":\"continue\",\"feedback\":\"[tests fail]\"}</decision>",
    "```json\n<decision>{\"type\":\"continue\",\"feedback\":\"red\"}</decision>\n```",
    " <decision>{\"type\":\"continue\",\"feedback\":\"red\"}</decision>",
    "- <decision>{\"type\":\"continue\",\"feedback\":\"red\"}</decision>",
    "```\n<decision>{\"type\":\"continue\",\"feedback\":\"red\"}</decision>",
    "{\"decision\":\"CONTINUE\",\"feedback\":\"red\"}",
    "```json\n{\"decision\": \"continue\"}\n```",
    "```json\n{\n  \"type\": \"continue\",\n  \"feedback\": \"red\"\n}\n```",
    "FEEDBACK: mend",
    " FEEDBACK: mend",
    "- FEEDBACK: mend",
    "1. FEEDBACK: mend",
    "> FEEDBACK: mend",
    "## FEEDBACK\n\nmend",
    "**FEEDBACK**\n\nmend",
    "**FEEDBACK:**\n\n- mend",
    "FEEDBACK (optional): mend",
    "```\nFEEDBACK: mend\n```",
    "FEEDBACK: none\nbut revert src/main.rs",
    "ANALYSIS: it does not compile",
    "RECOVERY: revert",
    "REMAINING_ISSUES: a",
    "Remaining issues: tests fail",
    "### Remaining issues\n- tests fail",
    "BLOCKERS: the tests",
    "TODO: write the tests",
    "ISSUES:\n1. the tests fail",
    "</think>\nThe tests fail.",
    "-->\nThe tests fail.",
    "</pre>\nThe tests fail.",
    "</details>\nThe tests fail.",
    "```\nThe tests fail.",
];

/// Whatever stands before a refusal, it is no approval. Most of the time one of them is tried.
fn refuse_after(answer: &str, pick: usize) {
    let refusals = match parse(answer) {
        Ok(Verdict::Done { .. }) => REFUSALS,
        _ => &REFUSALS[pick % REFUSALS.len()..][..1],
    };
    for refusal in refusals {
        let taken_back = format!("{answer}\n\n{refusal}");
        let verdict = parse(&taken_back);
        assert!(!matches!(verdict, Ok(Verdict::Done { .. })), "{verdict:?} for {taken_back:?}");
    }
}

/// What does not end the answer may be a quote: it is no approval, whatever is said after it.
fn go_on_after(answer: &str) {
    for after in ["So it wrote.", "- and more", "```\nlog\n```"] {
        let verdict = parse(&format!("{answer}\n\n{after}"));
        assert!(!matches!(verdict, Ok(Verdict::Done { .. })), "{verdict:?}: {answer:?}, {after:?}");
    }
}

/// In a fence that it cannot close, after other text, an answer is a quote.
fn show_after_prose(answer: &str) {
    let fence = "`".repeat(longest_fence(answer) + 3);
    let shown = format!("The tests fail.\n\n{fence}\n{answer}\n{fence}\n");
    let verdict = parse(&shown);
    assert!(!matches!(verdict, Ok(Verdict::Done { .. })), "{verdict:?} for {shown:?}");
}

fn longest_fence(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
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
