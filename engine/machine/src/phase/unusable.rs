//! A round in which no answer of the critic counts: what the actor is told of it, and the user.

use codeloops_event::{Changed, TreeCheck, VerdictProblem};

use crate::prompt::words::one_line;

/// Changed things of a kind that the actor is told of by name.
const NAMED: usize = 20;

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
                let changed = files.iter().map(|name| Changed::named(name));
                let (files, of_git): (Vec<_>, Vec<_>) = changed.partition(|c| c.is_file());
                of_the_tree(&files) + &kept_by_git(&of_git)
            }
            (VerdictProblem::TreeChanged, _) => {
                " It said DONE, but changed the repository while it judged.".to_owned()
            }
            _ => String::new(),
        }
    }
}

fn of_the_tree(files: &[Changed<'_>]) -> String {
    if files.is_empty() {
        return String::new();
    }
    format!(
        " These files changed while it judged:\n\n{}\n\
         Files that tests or other tools leave behind should be named in `.gitignore`; do that first \
         if these are such files.",
        listed(files)
    )
}

fn kept_by_git(changed: &[Changed<'_>]) -> String {
    if changed.is_empty() {
        return String::new();
    }
    let more = if changed.len() > NAMED { " and more" } else { "" };
    format!(" In the repository this changed while it judged: {}{more}.", named(changed).join(", "))
}

fn listed(changed: &[Changed<'_>]) -> String {
    let mut list: String = named(changed).iter().map(|name| format!("- {name}\n")).collect();
    if changed.len() > NAMED {
        list.push_str("- and more\n");
    }
    list
}

fn named(changed: &[Changed<'_>]) -> Vec<String> {
    changed.iter().take(NAMED).map(|changed| one_line(&changed.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feedback(files: &[&str]) -> String {
        let check = TreeCheck::Changed {
            kept_as: String::new(),
            tree: None,
            files: files.iter().map(|&file| file.to_owned()).collect(),
            head_moved: false,
            index_changed: false,
            restored: true,
        };
        Unusable { problem: VerdictProblem::TreeChanged, tree: Some(check) }.feedback()
    }

    #[test]
    fn refs_are_told_in_words_and_only_files_are_to_be_ignored() {
        insta::assert_snapshot!(feedback(&["a.pyc", ".git/refs/heads/feature", ".git/refs/stash"]));
        let refs = feedback(&[".git/refs/tags/v1"]);
        assert!(refs.contains("judged: tag `v1`. Check"), "{refs}");
        assert!(!refs.contains(".gitignore"), "{refs}");
    }
}
