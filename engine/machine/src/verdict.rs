//! Reads the critic's verdict from its final answer.
//!
//! [`parse`] is total and takes time linear in the answer's length. It asks more of an approval
//! than of a refusal: a DONE stands only where nothing else in the answer speaks against it, a
//! CONTINUE or an ERROR is read generously, for it can only cost another round.
//!
//! What counts as a block, from the outside in:
//!
//! 1. terminal escapes and CRLF are removed (`clean`), JSON events unwrapped (`events`), a code fence around the whole answer is taken off (`lines`), and the prompt's own
//!    forms are left out; where the answer ends with a fence around a verdict, that of a refusal
//!    counts;
//! 2. a block begins at the first column of a line, outside code fences and outside the marked data
//!    of an echoed prompt (`lines`), with `DECISION:` and one bare word, or with `<decision>`;
//! 3. the labels that belong to its decision divide the rest of it (`block`, `tagged`);
//! 4. a restated template (`DONE | CONTINUE | ERROR`, `SUMMARY: <what was accomplished>`) is no
//!    block (`word`);
//! 5. a DONE is the end of its answer: nothing follows its confidence, or the first paragraph of its
//!    last field where that is another (`block`);
//! 6. what is no block may still take a DONE back that stands before it (`doubt`),
//!    its letters read as they look (`fold`).

mod block;
mod clean;
mod doubt;
mod events;
mod fold;
mod lines;
mod tagged;
#[cfg(any(test, feature = "testing"))]
mod testing;
mod word;

#[cfg(test)]
mod tests;

use codeloops_event::{Decision, Verdict, VerdictProblem};

use crate::prompt::FORMAT;
use block::{Block, Scan};
#[cfg(any(test, feature = "testing"))]
pub use testing::{fuzz_one, render};

/// Reads the verdict of a critic's final answer.
///
/// # Errors
///
/// Says why the answer gives none; the critic is then asked again.
pub fn parse(answer: &str) -> Result<Verdict, VerdictProblem> {
    let answer = clean::clean(answer);
    match events::unwrap(&answer) {
        None => read(&answer),
        Some(said) => {
            let verdict = read(&clean::clean(&said.text))?;
            if said.went_on && verdict.decision() == Decision::Done {
                return Err(VerdictProblem::Contradiction);
            }
            Ok(verdict)
        }
    }
}

/// Reads the verdict of a text.
fn read(text: &str) -> Result<Verdict, VerdictProblem> {
    let text = text.replace(FORMAT, "\n");
    let text = lines::without_fence(lines::from_first_column(&text));
    let scan = block::scan(text);
    if scan.blocks.is_empty()
        && let Some(fenced) = lines::last_fence(text)
    {
        return choose_fenced(block::scan(fenced));
    }
    choose(scan)
}

/// The verdict in a fence after other text. A refusal may be shown like that; a DONE may be a quote.
fn choose_fenced(scan: Scan) -> Result<Verdict, VerdictProblem> {
    match choose(scan)? {
        Verdict::Done { .. } => Err(VerdictProblem::DoneInFence),
        refusal => Ok(refusal),
    }
}

/// The last block counts; a DONE only if no other block, no unreadable one and nothing that may be
/// a refusal stands against it.
fn choose(mut scan: Scan) -> Result<Verdict, VerdictProblem> {
    let Some(last) = scan.blocks.iter().rposition(|b| matches!(b, Block::Read { .. })) else {
        return Err(scan.blocks.pop().map_or(VerdictProblem::NoDecision, unreadable));
    };
    let after = scan.blocks.split_off(last + 1);
    let Some(Block::Read { decision, verdict, goes_on }) = scan.blocks.pop() else {
        return Err(VerdictProblem::NoDecision);
    };
    if decision == Decision::Done {
        if let Some(later) = after.into_iter().next_back() {
            return Err(unreadable(later));
        }
        let doubt = scan.doubt || scan.blocks.iter().any(Block::speaks_against_done);
        // A verdict that is missing something is told as that.
        if doubt || (goes_on && verdict.is_ok()) {
            return Err(VerdictProblem::Contradiction);
        }
    }
    verdict
}

fn unreadable(block: Block) -> VerdictProblem {
    match block {
        Block::Unknown { found } => VerdictProblem::UnknownDecision { found },
        Block::Read { .. } => VerdictProblem::NoDecision,
    }
}
