//! The scripted agent of `codeloops demo`: a real subprocess that plays both roles.
//!
//! As the actor it mends one of two faults, and the other when it is told of findings. As the critic
//! it runs the project's check and judges by what that says.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::error::CliError;
use crate::exit_code;
use crate::output::Printer;
use crate::world::World;

/// The script that greets, with both faults.
pub(crate) const GREET: &str = "#!/bin/sh\necho \"Helo, $1!\"\n";

/// The check that fails because of them.
pub(crate) const CHECK: &str = r#"#!/bin/sh
# Says what is wrong with greet.sh; exits 1 if anything is.
failed=0
expect() { # expect WANTED [NAME]
  wanted=$1; shift
  call="greet.sh${1:+ $1}"
  got=$(sh ./greet.sh "$@")
  if [ "$got" = "$wanted" ]; then
    echo "ok:     $call says \"$wanted\""
  else
    echo "failed: $call says \"$got\", not \"$wanted\""
    failed=1
  fi
}
expect "Hello, World!" World
expect "Hello, stranger!"
exit $failed
"#;

const HALF: &str = "#!/bin/sh\necho \"Hello, $1!\"\n";
const WHOLE: &str = "#!/bin/sh\necho \"Hello, ${1:-stranger}!\"\n";

/// How the critic's findings begin.
const STILL_FAILS: &str = "check.sh still fails:";

/// How long a turn pretends to think, so that a person can watch.
const THINKING: Duration = Duration::from_millis(300);

/// Takes one turn, as the run's environment says.
pub(crate) fn take_turn(world: &World, printer: &mut Printer) -> Result<u8, CliError> {
    let mut prompt = String::new();
    std::io::stdin()
        .read_to_string(&mut prompt)
        .map_err(|error| CliError::failed(format!("the prompt cannot be read: {error}")))?;
    let dir = world.env.current_dir()?;
    thread::sleep(THINKING);
    let said = match world.env.var("CODELOOPS_ROLE").and_then(|role| role.to_str()) {
        Some("actor") => act(dir, &prompt)?,
        Some("critic") => judge(dir)?,
        _ => {
            return Err(CliError::usage("`CODELOOPS_ROLE` is neither `actor` nor `critic`")
                .hint("this command is started by `codeloops demo`"));
        }
    };
    printer.data(&said)?;
    Ok(exit_code::SUCCESS)
}

fn act(dir: &Path, prompt: &str) -> Result<String, CliError> {
    let (script, said) = if prompt.contains(STILL_FAILS) {
        (WHOLE, "A name that is missing is now `stranger`. Both checks should pass.\n")
    } else {
        (HALF, "I corrected the typo in the greeting: \"Helo\" is now \"Hello\".\n")
    };
    fs::write(dir.join("greet.sh"), script)
        .map_err(|error| CliError::failed(format!("could not write `greet.sh`: {error}")))?;
    Ok(said.to_owned())
}

fn judge(dir: &Path) -> Result<String, CliError> {
    let check = Command::new("sh")
        .arg("check.sh")
        .current_dir(dir)
        .output()
        .map_err(|error| CliError::failed(format!("could not run `sh check.sh`: {error}")))?;
    let told = String::from_utf8_lossy(&check.stdout);
    if check.status.success() {
        return Ok("I ran check.sh; it passes.\n\n\
                   DECISION: DONE\n\n\
                   SUMMARY: The greeting is spelled right, and a missing name is greeted as \
                   stranger. check.sh passes.\n\n\
                   CONFIDENCE: 0.98\n"
            .to_owned());
    }
    Ok(format!(
        "I ran check.sh; it does not pass.\n\n\
         DECISION: CONTINUE\n\n\
         FEEDBACK: {STILL_FAILS}\n{}",
        told.lines().filter(|line| line.starts_with("failed")).collect::<Vec<_>>().join("\n")
    ))
}
