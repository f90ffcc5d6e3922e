//! Earlier rounds, as both sides are told of them.

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
        let share = if n + 1 == texts.len() { room } else { room / 4 * 3 };
        if text.len() > share && share < MIN_ROUND {
            out.push_str(&note(texts.len() - n));
            break;
        }
        let part = head_and_tail(text, share.saturating_sub(BETWEEN.len()), None);
        let part = part.trim_end();
        out.push_str(part);
        out.push_str(BETWEEN);
        room = room.saturating_sub(part.len() + BETWEEN.len());
    }
    head_and_tail(&out, limit, None).into_owned()
}

const BETWEEN: &str = "\n\n";

fn text(Round { iteration, decision, feedback }: &Round) -> String {
    let feedback = feedback.as_deref().unwrap_or("(nothing was asked for)").trim();
    format!("## Round {iteration}: {decision}\n\n{feedback}{BETWEEN}")
}
