//! How an agent in the middle of its work calls the run's gates itself.

use std::path::{Path, PathBuf};

use codeloops_sinks::commands::shell_quoted;

use crate::settings::RunSettings;
use crate::world::World;

/// The name of the program.
const PROGRAM: &str = "codeloops";

/// The command line: by its name where the agent finds this program by that, else by its path. Gates that
/// only the command line of the run named are named again.
pub(crate) fn verify_command(settings: &RunSettings, world: &World) -> String {
    let mut words = vec![program(world), "verify".to_owned()];
    for gate in settings.gates.value.iter().filter(|gate| gate.is_of_flag()) {
        let [_, _, script] = gate.command.value.as_slice() else { continue };
        words.push("--gate".to_owned());
        words.push(shell_quoted(Path::new(&format!("{}={script}", gate.name))));
    }
    words.join(" ")
}

fn program(world: &World) -> String {
    let own = std::env::current_exe().and_then(|exe| exe.canonicalize()).unwrap_or_default();
    let path = world.env.var("PATH").unwrap_or_default();
    let first =
        std::env::split_paths(path).map(|dir| dir.join(PROGRAM)).find(|file| file.is_file());
    let is_own = |file: PathBuf| file.canonicalize().is_ok_and(|file| file == own);
    if own == Path::new("") || first.is_some_and(is_own) {
        return PROGRAM.to_owned();
    }
    shell_quoted(&own)
}
