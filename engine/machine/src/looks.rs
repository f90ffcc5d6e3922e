//! Whether a call of the critic left the tree alone, by the look before it and the one after it.

use codeloops_event::{TreeCheck, TreeId};

/// Whether the look `now` found what the one before it in the round had left, none for the first.
///
/// The first look compares with what the actor left. A change that stays is what the next call
/// finds, so that one has to leave exactly that.
pub(crate) fn left_alone(before: Option<&TreeCheck>, now: &TreeCheck) -> bool {
    match before {
        None | Some(TreeCheck::Unchanged | TreeCheck::Changed { restored: true, .. }) => {
            *now == TreeCheck::Unchanged
        }
        Some(before @ TreeCheck::Changed { restored: false, .. }) => {
            let there = Stays::of(before);
            there.is_some() && there == Stays::of(now)
        }
        Some(TreeCheck::Failed { .. }) => false,
    }
}

/// A change that was not put back.
#[derive(PartialEq)]
struct Stays<'a> {
    tree: &'a TreeId,
    files: &'a [String],
    head_moved: bool,
    index_changed: bool,
}

impl<'a> Stays<'a> {
    /// None where there is none, or where its tree is not known.
    fn of(check: &'a TreeCheck) -> Option<Self> {
        match check {
            TreeCheck::Changed {
                tree: Some(tree),
                files,
                head_moved,
                index_changed,
                restored: false,
                ..
            } => {
                let (head_moved, index_changed) = (*head_moved, *index_changed);
                Some(Self { tree, files, head_moved, index_changed })
            }
            _ => None,
        }
    }
}
