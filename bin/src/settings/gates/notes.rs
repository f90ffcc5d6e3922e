//! What is to be known of gates before a run starts: those that could not be started as things are, and
//! what a project's file has run.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use codeloops_adapters::resolve::Host;
use rustix::fs::Access;

use super::Gate;
use crate::config::{ProjectSetting, Scope};
use crate::settings::{Origin, RunSettings};

impl RunSettings {
    /// A warning for each gate that could not be started as things are. The actor may make what is
    /// missing, so it is no error.
    pub(crate) fn gates_not_there(&self, host: &Host) -> Vec<String> {
        self.gates.value.iter().filter_map(|gate| self.not_there(gate, host)).collect()
    }

    fn not_there(&self, gate: &Gate, host: &Host) -> Option<String> {
        let name = &gate.name;
        let dir = self.dir_of(gate);
        if !dir.is_dir() {
            let dir = dir.display();
            return Some(format!("gate `{name}` is red while its directory `{dir}` is not there"));
        }
        let program = gate.command.value.first()?;
        if is_there(program, gate, &dir, host) {
            return None;
        }
        let place = if program.contains('/') { "" } else { " in PATH" };
        Some(format!("gate `{name}` is red while its program `{program}` is not found{place}"))
    }

    fn dir_of(&self, gate: &Gate) -> PathBuf {
        let own = gate.working_dir.as_ref().map(|dir| dir.value.as_path());
        self.working_dir.value.join(own.unwrap_or(Path::new("")))
    }

    /// What of the gates a project's file says.
    pub(crate) fn gates_of_project(&self) -> Vec<ProjectSetting> {
        self.gates.value.iter().flat_map(of_project).collect()
    }
}

/// A name with a `/` begins at the gate's directory, any other is looked up.
fn is_there(program: &str, gate: &Gate, dir: &Path, host: &Host) -> bool {
    let can_be_run =
        |path: &Path| path.is_file() && rustix::fs::access(path, Access::EXEC_OK).is_ok();
    if program.contains('/') {
        return can_be_run(&dir.join(program));
    }
    let own = gate.env.get("PATH").map(|path| OsStr::new(&path.value));
    let folders = own.unwrap_or(&host.path);
    std::env::split_paths(folders).any(|folder| can_be_run(&dir.join(folder).join(program)))
}

fn of_project(gate: &Gate) -> impl Iterator<Item = ProjectSetting> {
    let is_projects =
        |origin: &Origin| matches!(origin, Origin::File { scope: Scope::Project, .. });
    let command = is_projects(&gate.command.origin).then(|| ProjectSetting::Gate {
        gate: gate.name.clone(),
        command: gate.command.value.clone(),
    });
    let set = gate.env.iter().filter(|(_, value)| is_projects(&value.origin));
    let names: Vec<String> = set.map(|(name, _)| name.clone()).collect();
    let variables = (!names.is_empty())
        .then(|| ProjectSetting::GateVariables { gate: gate.name.clone(), names });
    command.into_iter().chain(variables)
}
