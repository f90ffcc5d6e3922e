//! Finds an agent's program on this machine.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use codeloops_event::{Permissions, Role};

use crate::spec::AgentSpec;

/// Why an agent cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgentError {
    /// None of its programs is in `PATH`.
    #[error("Agent '{id}' not found in PATH")]
    NotFound {
        /// The agent.
        id: String,
        /// The programs that were looked for.
        programs: Vec<String>,
        /// How to install it.
        install: Option<String>,
        /// Whether `PATH` is one that `env` of its table gives.
        own_path: bool,
    },
    /// Its program is given as a path, and there is no such file.
    #[error("agent '{id}': `{}` does not exist", path.display())]
    Missing {
        /// The agent.
        id: String,
        /// The path.
        path: PathBuf,
    },
    /// Its program is there but cannot be run.
    #[error("agent '{id}': `{}` is not executable", path.display())]
    NotExecutable {
        /// The agent.
        id: String,
        /// The file.
        path: PathBuf,
    },
    /// No agent has this name.
    #[error("unknown agent `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// A configured agent says nothing of its program.
    #[error("agent '{id}' has no `command`")]
    NoCommand {
        /// The agent.
        id: String,
    },
}

impl AgentError {
    /// What is wrong, without the agent's name.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::NotFound { .. } => "not found in PATH".to_owned(),
            Self::Missing { path, .. } => format!("`{}` does not exist", path.display()),
            Self::NotExecutable { path, .. } => format!("`{}` is not executable", path.display()),
            Self::Unknown { .. } | Self::NoCommand { .. } => self.to_string(),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { id, programs, own_path: true, .. } => Some(format!(
                "`{}` is looked up in the `PATH` that `env` gives under {}",
                programs.join("` or `"),
                table_of(id)
            )),
            Self::NotFound { programs, install: Some(how), .. } => Some(format!(
                "install it so that `{}` is in PATH ({how}), or choose another agent with `--agent`, \
                 or for all runs with `codeloops init`",
                programs.join("` or `")
            )),
            Self::NotFound { id, programs, install: None, .. } => Some(format!(
                "install it so that `{}` is in PATH, or correct `command` under {}, or choose another \
                 agent with `--agent`",
                programs.join("` or `"),
                table_of(id)
            )),
            Self::Missing { id, .. } => Some(format!("correct `command` under {}", table_of(id))),
            Self::NotExecutable { path, .. } => Some(format!("run `chmod +x {}`", path.display())),
            Self::Unknown { known, nearest: Some(nearest), .. } => {
                Some(format!("did you mean `{nearest}`? known agents: {}", known.join(", ")))
            }
            Self::Unknown { known, nearest: None, .. } => Some(format!(
                "known agents: {}; others are defined under {}",
                known.join(", "),
                table_of("NAME")
            )),
            Self::NoCommand { id } => {
                Some(format!("add `command = [\"program\"]` under {}", table_of(id)))
            }
        }
    }
}

/// The table that describes an agent, as the project's file and the user's own have it.
#[must_use]
pub fn table_of(id: &str) -> String {
    format!("`[agents.{id}]` (in your file `[defaults.agents.{id}]`)")
}

/// What a resolution depends on beside the row.
#[derive(Debug, Clone)]
pub struct Host {
    /// The search path, as in `PATH`.
    pub path: OsString,
    /// Where relative programs with a `/` begin.
    pub dir: PathBuf,
    /// Whether we are root.
    pub root: bool,
    /// The variables.
    pub vars: BTreeMap<OsString, OsString>,
}

impl Host {
    /// This process's own environment.
    #[must_use]
    pub fn current(dir: &Path) -> Self {
        Self {
            path: std::env::var_os("PATH").unwrap_or_default(),
            dir: dir.to_owned(),
            root: rustix::process::geteuid().is_root(),
            vars: std::env::vars_os().collect(),
        }
    }
}

/// An agent whose program was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedAgent {
    /// Its row.
    pub spec: AgentSpec,
    /// The file that is run.
    pub program: PathBuf,
}

/// What a role really gets of the permissions that are `wanted`, and the warning where that is less:
/// some programs refuse root the flags that the actor's full permissions take.
#[must_use]
pub fn granted(
    spec: &AgentSpec,
    role: Role,
    wanted: Permissions,
    host: &Host,
) -> (Permissions, Option<String>) {
    match (role, wanted, &spec.unattended.root_needs) {
        (Role::Actor, Permissions::Full, Some(variable))
            if host.root && !is_one(variable, spec, host) =>
        {
            let warning = format!(
                "{} refuses full permissions to root; it may edit files only (set `{variable}=1` where this machine is a sandbox)",
                spec.title
            );
            (Permissions::Edits, Some(warning))
        }
        _ => (wanted, None),
    }
}

/// Whether the agent will have this variable as `1`: Claude Code takes no other value for a yes.
fn is_one(variable: &String, spec: &AgentSpec, host: &Host) -> bool {
    let own = spec.env.get(variable).map(OsStr::new);
    own.or_else(|| host.vars.get(OsStr::new(variable)).map(OsStr::new)) == Some(OsStr::new("1"))
}

/// Finds the program of an agent: its own, else its fallbacks, in the `PATH` that the agent will
/// have; or the file, where the program is a path.
///
/// # Errors
/// [`AgentError::NotFound`], [`AgentError::Missing`], [`AgentError::NotExecutable`] or
/// [`AgentError::NoCommand`].
pub fn resolve(spec: &AgentSpec, host: &Host) -> Result<ResolvedAgent, AgentError> {
    let Some(first) = spec.command.first() else {
        return Err(AgentError::NoCommand { id: spec.id.clone() });
    };
    let program = if first.contains('/') {
        let path = host.dir.join(first);
        if !path.exists() {
            return Err(AgentError::Missing { id: spec.id.clone(), path });
        }
        executable(spec, path)?
    } else {
        let programs: Vec<&String> = std::iter::once(first).chain(&spec.fallbacks).collect();
        search(spec, &programs, host)?
    };
    Ok(ResolvedAgent { spec: spec.clone(), program })
}

/// The first executable file of these names in `PATH`, whose relative folders begin where the agent
/// is started. A file that is not executable is skipped, as a shell does, and named only where
/// nothing else is found.
fn search(spec: &AgentSpec, programs: &[&String], host: &Host) -> Result<PathBuf, AgentError> {
    let own_path = spec.env.get("PATH").map(OsStr::new);
    let path = own_path.unwrap_or(&host.path);
    let mut not_executable = None;
    for program in programs {
        for file in folders(path).map(|dir| host.dir.join(dir).join(program)) {
            match executable(spec, file) {
                Ok(file) => return Ok(file),
                Err(error) => not_executable = not_executable.or(Some(error)),
            }
        }
    }
    let not_there = |error: &AgentError| matches!(error, AgentError::NotExecutable { path, .. } if !path.is_file());
    match not_executable {
        Some(error) if !not_there(&error) => Err(error),
        _ => Err(AgentError::NotFound {
            id: spec.id.clone(),
            programs: programs.iter().map(|&p| p.clone()).collect(),
            install: spec.install.clone(),
            own_path: own_path.is_some(),
        }),
    }
}

/// The folders of a search path; none where there is no path, which is not the current folder.
fn folders(path: &OsStr) -> impl Iterator<Item = PathBuf> {
    let some = (!path.is_empty()).then(|| std::env::split_paths(path));
    some.into_iter().flatten()
}

fn executable(spec: &AgentSpec, path: PathBuf) -> Result<PathBuf, AgentError> {
    match path.metadata() {
        Ok(meta) if meta.is_file() && meta.permissions().mode() & 0o111 != 0 => Ok(path),
        _ => Err(AgentError::NotExecutable { id: spec.id.clone(), path }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// Two folders in `PATH`; files in them, with their modes.
    fn host(files: &[(&str, u32)]) -> (tempfile::TempDir, Host) {
        let dir = tempfile::tempdir().unwrap();
        for (file, mode) in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
        }
        let path = std::env::join_paths([dir.path().join("a"), dir.path().join("b")]).unwrap();
        let host = Host { path, dir: dir.path().to_owned(), root: false, vars: [].into() };
        (dir, host)
    }

    fn spec(command: &str, fallbacks: &[&str]) -> AgentSpec {
        let fallbacks = crate::spec::strings(fallbacks);
        AgentSpec { fallbacks, ..AgentSpec::new("claude", "Claude Code", &[command]) }
    }

    #[test]
    fn the_first_executable_of_the_names_in_order_is_taken() {
        let (dir, host) = host(&[("a/one", 0o644), ("b/one", 0o755), ("a/two", 0o755)]);
        let found = |spec| resolve(&spec, &host).unwrap().program;
        assert_eq!(found(spec("one", &["two"])), dir.path().join("b/one"));
        assert_eq!(found(spec("none", &["two"])), dir.path().join("a/two"));
        assert_eq!(found(spec("./a/two", &[])), dir.path().join("./a/two"));
    }

    /// Claude Code refuses root with `IS_SANDBOX=yes` as it does without.
    #[test]
    fn root_gets_full_permissions_only_where_the_variable_is_one() {
        let (_dir, host) = host(&[]);
        let row = spec("claude", &[]);
        let unattended = crate::spec::Unattended {
            root_needs: Some("IS_SANDBOX".to_owned()),
            ..row.unattended.clone()
        };
        let row = AgentSpec { unattended, ..row };
        let granted_with = |row: &AgentSpec, value: Option<&str>| {
            let vars = value.map(|value| ("IS_SANDBOX".into(), value.into()));
            let host = Host { root: true, vars: vars.into_iter().collect(), ..host.clone() };
            granted(row, Role::Actor, Permissions::Full, &host)
        };
        for value in [None, Some(""), Some("0"), Some("yes")] {
            let (permissions, warning) = granted_with(&row, value);
            assert_eq!(permissions, Permissions::Edits, "{value:?}");
            assert!(warning.is_some());
        }
        assert_eq!(granted_with(&row, Some("1")), (Permissions::Full, None));
        let env = [("IS_SANDBOX".to_owned(), "1".to_owned())].into();
        assert_eq!(granted_with(&AgentSpec { env, ..row }, Some("0")).0, Permissions::Full);
    }

    #[test]
    fn without_a_path_nothing_is_found_in_the_working_directory() {
        let (_dir, host) = host(&[("claude", 0o755)]);
        let host = Host { path: "".into(), ..host };
        assert!(matches!(resolve(&spec("claude", &[]), &host), Err(AgentError::NotFound { .. })));
    }

    #[test]
    fn a_program_is_looked_up_in_the_path_that_the_agent_will_have() {
        let (dir, host) = host(&[("a/one", 0o755), ("own/one", 0o755)]);
        let with_path = |path: &str| {
            let env = [("PATH".to_owned(), path.to_owned())].into();
            resolve(&AgentSpec { env, ..spec("one", &[]) }, &host)
        };
        let own = dir.path().join("own");
        assert_eq!(with_path(own.to_str().unwrap()).unwrap().program, own.join("one"));
        // The agent is started in `dir`, and so a relative folder begins there.
        assert_eq!(with_path("own").unwrap().program, own.join("one"));
        let error = with_path("/nowhere").unwrap_err();
        assert_eq!(error.to_string(), "Agent 'claude' not found in PATH");
        insta::assert_snapshot!(error.hint().unwrap(), @"`one` is looked up in the `PATH` that `env` gives under `[agents.claude]` (in your file `[defaults.agents.claude]`)");
    }

    #[test]
    fn a_missing_program_is_told_in_the_words_of_the_documents() {
        let (_dir, host) = host(&[("a/one", 0o644)]);
        let error = resolve(&spec("claude", &["claude2"]), &host).unwrap_err();
        assert_eq!(error.to_string(), "Agent 'claude' not found in PATH");
        insta::assert_snapshot!(error.hint().unwrap(), @"install it so that `claude` or `claude2` is in PATH, or correct `command` under `[agents.claude]` (in your file `[defaults.agents.claude]`), or choose another agent with `--agent`");
        let built_in = AgentSpec { install: Some("npm".to_owned()), ..spec("claude2", &[]) };
        insta::assert_snapshot!(resolve(&built_in, &host).unwrap_err().hint().unwrap(), @"install it so that `claude2` is in PATH (npm), or choose another agent with `--agent`, or for all runs with `codeloops init`");
        let error = resolve(&spec("one", &[]), &host).unwrap_err();
        assert!(error.to_string().starts_with("agent 'claude': `"), "{error}");
        assert!(error.to_string().ends_with("/a/one` is not executable"), "{error}");
        let error = resolve(&spec("/no/such/agent", &[]), &host).unwrap_err();
        assert_eq!(error.to_string(), "agent 'claude': `/no/such/agent` does not exist");
    }
}
