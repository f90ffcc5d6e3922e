//! The lines between which a prompt shows text that is not its own.
//!
//! ```text
//! <<<ACTOR_OUTPUT 3f9a1c
//! …
//! 3f9a1c ACTOR_OUTPUT>>>
//! ```
//!
//! The nonce is drawn after the actor has ended, so nothing in between can hold it; should it do so
//! nevertheless, [`enclose`] makes it unreadable there.

use codeloops_event::Nonce;

/// What the critic's prompt has in the place of a feedback.
pub(crate) const FEEDBACK_PLACE: &str =
    "<what is missing or wrong, most important first, and what to do about it>";

/// The same of an analysis.
pub(crate) const ANALYSIS_PLACE: &str = "<what went wrong>";

/// The same of a recovery.
pub(crate) const RECOVERY_PLACE: &str = "<how the actor should go on>";

/// The text between its two marker lines. Ends with a line break.
pub(super) fn enclose(name: &str, nonce: &Nonce, text: &str) -> String {
    let text = without_nonce(text, nonce);
    let line_break = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("<<<{name} {nonce}\n{text}{line_break}{nonce} {name}>>>\n")
}

/// Bytes that [`enclose`] adds at most.
pub(super) fn overhead(name: &str, nonce: &Nonce) -> usize {
    2 * (name.len() + nonce.0.len()) + "<<< \n\n >>>\n".len()
}

/// The line that ends what this line begins, if it is a beginning marker.
pub(crate) fn end_for(line: &str) -> Option<String> {
    let (name, nonce) = line.trim_end().strip_prefix("<<<")?.split_once(' ')?;
    let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    let drawn = !nonce.is_empty() && nonce.bytes().all(|b| b.is_ascii_hexdigit());
    (named && drawn).then(|| format!("{nonce} {name}>>>"))
}

/// Every occurrence of the nonce replaced by as many stars, so that the length stays.
fn without_nonce(text: &str, nonce: &Nonce) -> String {
    if nonce.0.is_empty() {
        return text.to_owned();
    }
    text.replace(&nonce.0, &"*".repeat(nonce.0.len()))
}
