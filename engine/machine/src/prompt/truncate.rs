//! Cuts texts to a number of bytes, and says what was left out and where the whole is.
//!
//! No function here gives more bytes than it was allowed, or cuts within a character.

use std::borrow::Cow;

use codeloops_event::CapturedDiff;

/// Bytes that a prompt may have at most, whatever the agent could take.
pub const PROMPT_LIMIT: usize = 400_000;

/// Bytes of a part of a diff under which it is no use.
pub(super) const MIN_PART: usize = 600;

/// The bytes of a prompt for an agent that takes `max_prompt_bytes`.
#[must_use]
pub fn budget(max_prompt_bytes: u64) -> usize {
    usize::try_from(max_prompt_bytes).map_or(PROMPT_LIMIT, |max| max.min(PROMPT_LIMIT))
}

/// Keeps head and tail of a text over `limit` bytes, whole lines where they are short, with a line
/// between that gives what was left out; `whole` is the path of all of it.
#[must_use]
pub fn head_and_tail<'a>(text: &'a str, limit: usize, whole: Option<&str>) -> Cow<'a, str> {
    if text.len() <= limit {
        return Cow::Borrowed(text);
    }
    let lines = text.bytes().filter(|b| *b == b'\n').count();
    // Cutting changes the figures, but only to smaller ones.
    let longest = gap(text.len(), lines, whole).len();
    let Some(room) = limit.checked_sub(longest + 2) else {
        return Cow::Owned(last_resort(limit));
    };
    let head = head(text, room / 2);
    let tail = tail(text, room - room / 2);
    let left_out = &text[head.len()..text.len() - tail.len()];
    let lines = left_out.bytes().filter(|b| *b == b'\n').count();
    let gap = gap(left_out.len(), lines, whole);
    let before = if head.is_empty() || head.ends_with('\n') { "" } else { "\n" };
    Cow::Owned(format!("{head}{before}{gap}\n{tail}"))
}

/// The diff within `limit` bytes: whole files where it can, then large files cut to equal parts;
/// where even those would be too small, as many whole files as fit. `whole` is the path of all of
/// it.
#[must_use]
pub fn diff(diff: &CapturedDiff, limit: usize, whole: Option<&str>) -> String {
    if diff.diff.len() <= limit {
        return diff.diff.clone();
    }
    let parts = split_files(&diff.diff);
    let places = place_parts(&parts, limit, whole);
    let mut out = String::new();
    for (part, place) in parts.iter().zip(&places) {
        out.push_str(&head_and_tail(part, *place, whole));
        if *place > 0 && !out.ends_with('\n') {
            out.push('\n');
        }
    }
    let left_out = places.iter().filter(|place| **place == 0).count();
    if left_out > 0 {
        out.push_str(&left_out_files(left_out, whole));
    }
    head_and_tail(&out, limit, whole).into_owned()
}

/// One line for each changed file, with its figures. What does not fit is counted.
#[must_use]
pub fn file_list(diff: &CapturedDiff, limit: usize) -> String {
    let lines: Vec<String> = diff.files.iter().map(super::words::changed_file).collect();
    let total = usize::try_from(diff.files_changed).unwrap_or(usize::MAX).max(lines.len());
    let more = |n: usize| format!("[... {n} more files ...]\n");
    let room = limit.saturating_sub(more(total).len());
    let whole = lines.iter().map(String::len).sum::<usize>() <= limit && total == lines.len();
    let mut out = String::new();
    let mut shown = 0;
    for line in &lines {
        if !whole && out.len() + line.len() > room {
            break;
        }
        out.push_str(line);
        shown += 1;
    }
    if shown < total {
        out.push_str(&more(total - shown));
    }
    head_and_tail(&out, limit, None).into_owned()
}

/// The line that stands for all of a text.
pub(super) fn left_out(text: &str, whole: Option<&str>) -> String {
    gap(text.len(), text.bytes().filter(|b| *b == b'\n').count(), whole)
}

/// The line that stands for what was left out.
fn gap(bytes: usize, lines: usize, whole: Option<&str>) -> String {
    format!("[... {bytes} bytes ({lines} lines) left out{} ...]", where_the_whole_is(whole))
}

fn left_out_files(count: usize, whole: Option<&str>) -> String {
    let place = where_the_whole_is(whole);
    format!("[... {count} files left out, see the list of changed files{place} ...]\n")
}

fn where_the_whole_is(whole: Option<&str>) -> String {
    whole.map_or_else(String::new, |path| format!("; the whole is in `{path}`"))
}

fn last_resort(limit: usize) -> String {
    let mark = "[...]";
    if limit < mark.len() { String::new() } else { mark.to_owned() }
}

/// At most `limit` bytes of the beginning, up to a line's end if there is one in its second half.
fn head(text: &str, limit: usize) -> &str {
    let head = &text[..text.floor_char_boundary(limit)];
    match head.rfind('\n') {
        Some(end) if end >= head.len() / 2 => &head[..=end],
        _ => head,
    }
}

/// The same of the end.
fn tail(text: &str, limit: usize) -> &str {
    let tail = &text[text.ceil_char_boundary(text.len() - limit)..];
    match tail.find('\n') {
        Some(end) if end < tail.len() / 2 => &tail[end + 1..],
        _ => tail,
    }
}

/// The parts of a diff that begin with `diff --git` at a line's start, what stands before the
/// first one included.
fn split_files(diff: &str) -> Vec<&str> {
    let mut begins: Vec<usize> =
        diff.match_indices("\ndiff --git ").map(|(newline, _)| newline + 1).collect();
    if begins.first() != Some(&0) {
        begins.insert(0, 0);
    }
    let ends = begins.iter().skip(1).copied().chain([diff.len()]);
    begins.iter().zip(ends).map(|(begin, end)| &diff[*begin..end]).collect()
}

/// How many bytes each part gets; 0 leaves it out.
fn place_parts(parts: &[&str], limit: usize, whole: Option<&str>) -> Vec<usize> {
    // Each cut part may need a line break of its own.
    let level = level(parts, limit.saturating_sub(parts.len()));
    if level >= MIN_PART {
        return parts.iter().map(|part| part.len().min(level)).collect();
    }
    // Only the last of the whole parts may need one.
    let room = limit.saturating_sub(left_out_files(parts.len(), whole).len() + 1);
    let mut by_size: Vec<usize> = (0..parts.len()).collect();
    by_size.sort_by_key(|n| parts[*n].len());
    let mut places = vec![0; parts.len()];
    let mut used = 0;
    for n in by_size {
        used += parts[n].len();
        if used > room {
            break;
        }
        places[n] = parts[n].len();
    }
    places
}

/// The largest level to which all parts can be cut so that together they fit.
fn level(parts: &[&str], room: usize) -> usize {
    let mut sizes: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    sizes.sort_unstable();
    let mut room = room;
    for (n, size) in sizes.iter().enumerate() {
        let share = room / (sizes.len() - n);
        if *size > share {
            return share;
        }
        room -= size;
    }
    usize::MAX
}
