//! `codeloops fork`: runs anew from what an iteration left, in a working tree and on a branch of its own.

use std::path::Path;

use codeloops_adapters::git::{Fork, ForkError, ForkPlan, ForkedTree};
use codeloops_event::{Parent, Settings};
use codeloops_session::{Session, SessionId};
use codeloops_sinks::commands::shell_quoted;
use codeloops_sinks::printable;

use super::dry_run::dry_run_in;
use super::next_steps::{ClosingLines, next_steps};
use super::run::{mask_errors, may_offer, report};
use super::sessions::{store, wanted};
use super::states::{States, restore_error};
use crate::app::{ForkArgs, RunArgs};
use crate::engine::{self, Finished, Task};
use crate::error::CliError;
use crate::exit_code;
use crate::output::Printer;
use crate::prompt::Prompt;
use crate::settings::{Origin, RunSettings, Sourced};
use crate::text::path_from;
use crate::values::At;
use crate::world::World;

/// Carries out `fork`; gives the exit code.
pub(crate) fn fork(
    args: &ForkArgs,
    no_color: bool,
    world: &World,
    printer: &mut Printer,
) -> Result<u8, CliError> {
    let session = wanted(args.id.as_deref(), &store(world)?, world, printer)?;
    let beginning = Beginning::of(args, &session, no_color, world)?;
    if args.output.dry_run {
        return beginning.show(printer);
    }
    // What is wrong with the task or the configuration is mostly wrong there too.
    beginning.task(&beginning.settings(&beginning.dir, Origin::Recorded)?)?;
    let tree = beginning.fork.make().map_err(|error| fork_error(&error, &beginning.fork))?;
    beginning.tell(tree.plan(), printer);
    match beginning.run(tree.plan(), printer) {
        Ok((settings, finished)) => {
            report(&settings, &finished, printer)?;
            if may_offer(&settings, &finished) {
                printer.offer(&next_steps(&settings, &finished));
                printer.offer(&take_over(&settings, &finished, tree.plan()));
            }
            Ok(finished.result.end.outcome.exit_code())
        }
        Err(error) => Err(cleared(tree, error)),
    }
}

/// Where a fork begins, and with what.
struct Beginning<'a> {
    session: &'a Session,
    recorded: &'a Settings,
    parent: Parent,
    /// The folder that the session worked in.
    dir: std::path::PathBuf,
    fork: Fork,
    args: RunArgs,
    no_color: bool,
    world: &'a World,
}

impl<'a> Beginning<'a> {
    fn of(
        args: &ForkArgs,
        session: &'a Session,
        no_color: bool,
        world: &'a World,
    ) -> Result<Self, CliError> {
        let states = States::of(session)?;
        let at = states.check(args.at.map(At::Iteration))?;
        let iteration = args.at.unwrap_or_default();
        let recorded = session.start.settings.as_ref().ok_or_else(|| {
            CliError::failed(format!("session {} did not record its settings", session.id))
        })?;
        let current = world.env.current_dir()?;
        let fork = Fork {
            goal: states.goal(at, world)?,
            commit: session.start.commit_sha.clone(),
            branch: args.branch.clone(),
            place: args.worktree.as_ref().map(|dir| path_from(current, dir)),
            name: format!("{}-{iteration}", short(&session.id)),
        };
        let trace_id = session.start.trace_id.clone();
        let parent = Parent { run_id: states.run_id, iteration, trace_id };
        let (dir, args) = (states.dir, args.of_run());
        Ok(Self { session, recorded, parent, dir, fork, args, no_color, world })
    }

    /// What the fork goes by: what was recorded, with the flags over it.
    fn settings(&self, dir: &Path, origin: Origin) -> Result<RunSettings, CliError> {
        let dir = Sourced { value: dir.canonicalize().unwrap_or_else(|_| dir.into()), origin };
        let (args, world) = (&self.args, self.world);
        let recorded = RunSettings::as_recorded(self.recorded, args, self.no_color, dir, world)?;
        Ok(RunSettings { parent: Some(self.parent.clone()), ..recorded })
    }

    fn task(&self, settings: &RunSettings) -> Result<Prompt, CliError> {
        let limit = settings.max_task_bytes();
        if self.args.prompt.is_none() && self.args.prompt_file.is_none() {
            return Prompt::recorded(self.session, limit);
        }
        let current = self.world.env.current_dir()?;
        Prompt::load(&self.args, &settings.working_dir.value, current, limit)
    }

    /// Shows what it would be.
    fn show(&self, printer: &mut Printer) -> Result<u8, CliError> {
        let plan = self.fork.plan().map_err(|error| fork_error(&error, &self.fork))?;
        let settings = self.settings(&self.dir, Origin::Recorded)?;
        self.tell(&plan, printer);
        dry_run_in(&plan.dir, &settings, &self.task(&settings), self.world, printer)?;
        Ok(exit_code::SUCCESS)
    }

    fn tell(&self, plan: &ForkPlan, printer: &mut Printer) {
        let (id, iteration) = (&self.session.id, self.parent.iteration);
        printer.remark(&format!(
            "a fork of session {id} at iteration {iteration}: branch `{}` in `{}`",
            plan.branch,
            plan.root.display()
        ));
    }

    fn run(
        &self,
        plan: &ForkPlan,
        printer: &mut Printer,
    ) -> Result<(RunSettings, Finished), CliError> {
        let settings = self.settings(&plan.dir, Origin::Flag("--worktree"))?;
        let prompt = self.task(&settings)?;
        let mut finished = engine::execute(&settings, Task::New(prompt), self.world, printer)?;
        mask_errors(&mut finished.sinks, &settings, self.world)?;
        Ok((settings, finished))
    }
}

/// What tells sessions of a project apart, as far as a name has room: the hash of the task.
fn short(id: &SessionId) -> String {
    let id = id.as_str();
    let end = id.rsplit('_').next().unwrap_or(id);
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    let plain: String = end.chars().filter(is_plain).take(20).collect();
    let plain = plain.trim_matches('-');
    if plain.is_empty() { "fork".to_owned() } else { plain.to_owned() }
}

/// The run did not begin, so there is nothing to keep.
fn cleared(tree: ForkedTree, error: CliError) -> CliError {
    let root = printable(&tree.plan().root.to_string_lossy());
    match tree.remove_untouched() {
        Ok(true) => error,
        Ok(false) => error.hint(format!("`{root}` stays: something was changed there")),
        Err(failed) => error.hint(format!("`{root}` stays, it could not be removed: {failed}")),
    }
}

/// What becomes of the work.
fn take_over(settings: &RunSettings, finished: &Finished, plan: &ForkPlan) -> String {
    let lines = ClosingLines::of(settings, finished);
    let [root, origin] = [&plan.root, &plan.origin].map(|path| shell_quoted(path));
    let branch = shell_quoted(Path::new(&plan.branch));
    let take = format!(
        "git -C {root} add -A && \
         (git -C {root} diff --cached --quiet || git -C {root} commit -m 'The work of a fork') && \
         git -C {origin} merge {branch}"
    );
    let remove = format!(
        "git -C {origin} worktree remove --force {root} && git -C {origin} branch -D {branch}"
    );
    [("The fork is in", &root), ("Take it over", &take), ("Remove it", &remove)]
        .map(|(what, to_copy)| lines.line(what, &printable(to_copy)))
        .concat()
}

fn fork_error(error: &ForkError, fork: &Fork) -> CliError {
    let failed = CliError::failed(error.to_string());
    match error {
        ForkError::State(error) => restore_error(error, &fork.goal.dir),
        ForkError::CommitGone(_) => failed.hint("nothing is left that a branch could begin at"),
        ForkError::NoBranchName(_) | ForkError::BranchExists(_) => {
            CliError::usage(error.to_string()).hint("name another with `--branch`")
        }
        ForkError::PlaceUsed(_) | ForkError::PlaceInTree(_) | ForkError::Place { .. } => {
            CliError::usage(error.to_string()).hint("name another directory with `--worktree`")
        }
    }
}
