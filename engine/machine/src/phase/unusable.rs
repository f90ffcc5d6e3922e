//! A round in which no answer of the critic counts: what the actor is told of it, and the user.

use codeloops_event::{TreeCheck, VerdictProblem};

use crate::prompt::words::one_line;

/// Changed files that the actor is told of by name.
const NAMED_FILES: usize = 20;

/// Why the last answer does not count.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unusable {
    pub(crate) problem: VerdictProblem,
    /// What the last look at the tree found.
    pub(crate) tree: Option<TreeCheck>,
}

impl Unusable {
    /// What the actor is to do. It cannot mend an answer, but it can see to it that the project's
    /// own tests leave the tree alone.
    pub(crate) fn feedback(&self) -> String {
        let changed = self.changed_while_judging();
        format!(
            "The critic gave no verdict that can be relied on, so the work was not judged.{changed} \
             Check the work against the task yourself, finish what is missing, and say briefly what is \
             done."
        )
    }

    fn changed_while_judging(&self) -> String {
        match (&self.problem, &self.tree) {
            (VerdictProblem::TreeChanged, Some(TreeCheck::Changed { files, .. }))
                if !files.is_empty() =>
            {
                format!(
                    " These files changed while it judged:\n\n{}\n\
                     Files that tests or other tools leave behind should be named in `.gitignore`; \
                     do that first if these are such files.",
                    listed(files)
                )
            }
            (VerdictProblem::TreeChanged, _) => {
                " It said DONE, but changed the repository while it judged.".to_owned()
            }
            _ => String::new(),
        }
    }
}

fn listed(files: &[String]) -> String {
    let named = files.iter().take(NAMED_FILES);
    let mut list: String = named.map(|file| format!("- {}\n", one_line(file))).collect();
    if files.len() > NAMED_FILES {
        list.push_str("- and more\n");
    }
    list
}
