//! What people and agents wrote, exported only where the user wants it.

use codeloops_event::IterationEnd;

use crate::names;
use crate::span::Draft;

/// What the actor said, what it changed, and what it is told next. The actor's own span is over and
/// out by the time its answer is known.
pub(super) fn iteration(draft: &mut Draft, event: &IterationEnd) {
    draft.set(names::ACTOR_OUTPUT, event.actor_output.as_str());
    draft.set(names::DIFF, event.git_diff.as_str());
    draft.set_some(names::FEEDBACK, event.feedback.as_deref());
}

/// A message as the conventions write it on a span: JSON of a list of messages with their parts. The
/// text is shortened until the whole is no longer than a text may be, so that it stays JSON.
pub(super) fn message(draft: &mut Draft, name: &'static str, role: &str, text: &str) {
    let longest = draft.longest();
    let mut keep = text.len().min(longest);
    loop {
        let kept = &text[..text.floor_char_boundary(keep)];
        let is_cut = kept.len() < text.len();
        let json = as_json(role, kept, is_cut);
        if json.len() <= longest || keep == 0 {
            if is_cut {
                draft.mark_truncated();
            }
            return draft.set(name, json);
        }
        keep = keep.saturating_sub((json.len() - longest).max(1));
    }
}

fn as_json(role: &str, text: &str, is_cut: bool) -> String {
    let text = if is_cut { format!("{text}…") } else { text.to_owned() };
    let part = serde_json::json!({ "type": "text", "content": text });
    serde_json::json!([{ "role": role, "parts": [part] }]).to_string()
}
