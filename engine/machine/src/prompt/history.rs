//! Earlier rounds, as both sides are told of them.

use codeloops_event::Iteration;

use super::Round;
use super::truncate::head_and_tail;

/// Bytes of a round under which it is left out.
const MIN_ROUND: usize = 300;

/// The rounds, newest first, within `limit` bytes. Where they do not all fit, each gets three
/// quarters of what the newer ones left; the oldest are then counted only.
pub(super) fn newest_first<'a>(
    rounds: impl DoubleEndedIterator<Item = &'a Round>,
    limit: usize,
) -> String {
    let texts: Vec<String> = rounds.rev().map(text).collect();
    if texts.iter().map(String::len).sum::<usize>() <= limit {
        return texts.concat();
    }
    let note = |n: usize| format!("[... {n} older rounds left out ...]\n");
    let mut room = limit.saturating_sub(note(texts.len()).len());
    let mut out = String::new();
    for (n, text) in texts.iter().enumerate() {
        let share = room / 4 * 3;
        if text.len() > room && share < MIN_ROUND {
            out.push_str(&note(texts.len() - n));
            break;
        }
        let part = head_and_tail(text, share, None);
        let part = part.trim_end();
        out.push_str(part);
        out.push_str("\n\n");
        room = room.saturating_sub(part.len() + 2);
    }
    head_and_tail(&out, limit, None).into_owned()
}

fn text(round: &Round) -> String {
    let Round { iteration, decision, feedback } = round;
    let feedback = feedback.as_deref().unwrap_or("(nothing was asked for)");
    format!("{} {decision}\n\n{}\n\n", heading(*iteration), feedback.trim())
}

fn heading(iteration: Iteration) -> String {
    format!("## Round {iteration}:")
}
