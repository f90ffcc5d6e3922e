//! The table of agents: the built-in rows, and the user's on top of them.

use std::collections::BTreeMap;

use crate::resolve::AgentError;
use crate::spec::{AgentConfig, AgentSpec};

mod claude;
mod codex;
mod cursor;
mod gemini;
mod opencode;

/// The rows that codeloops brings along, in the order in which they are listed.
#[must_use]
pub fn builtin() -> Vec<AgentSpec> {
    vec![claude::spec(), opencode::spec(), cursor::spec(), codex::spec(), gemini::spec()]
}

/// Every agent that a run can name.
#[derive(Debug, Clone)]
pub struct AgentTable {
    rows: Vec<AgentSpec>,
}

impl AgentTable {
    /// The built-in rows with the user's `[agents.NAME]` tables applied: one with the name of a
    /// built-in row replaces fields of it, another is a new row.
    ///
    /// # Errors
    /// [`AgentError::NoCommand`] for a new row without a command, or with an empty one.
    pub fn new(configured: BTreeMap<String, AgentConfig>) -> Result<Self, AgentError> {
        let mut rows = builtin();
        for (name, config) in configured {
            match rows.iter().position(|row| row.answers_to(&name)) {
                Some(at) => rows[at] = config.onto(rows[at].clone()),
                None => rows.push(config.onto(AgentSpec::new(&name, &name, &[]))),
            }
        }
        match rows.iter().find(|row| row.command.is_empty()) {
            Some(row) => Err(AgentError::NoCommand { id: row.id.clone() }),
            None => Ok(Self { rows }),
        }
    }

    /// The row of a name or an alias.
    ///
    /// # Errors
    /// [`AgentError::Unknown`], with the names there are and the nearest of them.
    pub fn get(&self, name: &str) -> Result<&AgentSpec, AgentError> {
        self.rows.iter().find(|row| row.answers_to(name)).ok_or_else(|| self.unknown(name))
    }

    /// All rows, the built-in ones first.
    #[must_use]
    pub fn rows(&self) -> &[AgentSpec] {
        &self.rows
    }

    fn unknown(&self, name: &str) -> AgentError {
        let known: Vec<String> = self.rows.iter().map(|row| row.id.clone()).collect();
        let nearest = known
            .iter()
            .map(|id| (strsim::damerau_levenshtein(id, name), id))
            .filter(|(distance, id)| *distance <= id.len().div_ceil(3))
            .min()
            .map(|(_, id)| id.clone());
        AgentError::Unknown { name: name.to_owned(), known, nearest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{MAX_ARGUMENT_BYTES, MAX_PROMPT_BYTES, OutputFormat, PromptVia};

    #[test]
    fn ids_are_unique_and_kebab_case() {
        let mut names: Vec<String> =
            builtin().into_iter().flat_map(|row| [vec![row.id], row.aliases].concat()).collect();
        assert!(names.iter().all(|n| n.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_configured_command_keeps_the_arguments_of_the_built_in_row() {
        let config =
            AgentConfig { command: Some(vec!["/opt/claude".into()]), ..AgentConfig::default() };
        let table = AgentTable::new(BTreeMap::from([("claude".into(), config)])).unwrap();
        let row = table.get("claude").unwrap();
        assert_eq!(row.command, ["/opt/claude"]);
        assert!(row.args.contains(&"stream-json".to_owned()));
        assert_eq!(row.title, "Claude Code");
    }

    #[test]
    fn a_new_agent_speaks_text_over_stdin() {
        let config = AgentConfig { command: Some(vec!["mine".into()]), ..AgentConfig::default() };
        let table = AgentTable::new(BTreeMap::from([("mine".into(), config)])).unwrap();
        let row = table.get("mine").unwrap();
        assert_eq!(
            (row.prompt, row.output, row.streams),
            (PromptVia::Stdin, OutputFormat::Text, false)
        );
    }

    #[test]
    fn a_prompt_is_no_longer_than_its_way_in_takes() {
        let limit_of = |prompt, max_prompt_bytes| {
            let command = Some(vec!["mine".into()]);
            let config =
                AgentConfig { command, prompt, max_prompt_bytes, ..AgentConfig::default() };
            ["mine", "claude"].map(|name| {
                let table = AgentTable::new(BTreeMap::from([(name.into(), config.clone())]));
                table.unwrap().get(name).unwrap().max_prompt_bytes
            })
        };
        let argument = Some(PromptVia::Argument);
        assert_eq!(limit_of(argument, None), [MAX_ARGUMENT_BYTES; 2]);
        assert_eq!(limit_of(argument, Some(1_000_000)), [MAX_ARGUMENT_BYTES; 2]);
        assert_eq!(limit_of(argument, Some(1000)), [1000; 2]);
        assert_eq!(limit_of(Some(PromptVia::File), Some(1_000_000)), [1_000_000; 2]);
        assert_eq!(limit_of(None, None), [MAX_PROMPT_BYTES; 2]);
        for row in builtin() {
            assert_eq!(
                row.max_prompt_bytes,
                row.prompt.at_most(row.max_prompt_bytes),
                "{}",
                row.id
            );
        }
    }

    #[test]
    fn a_new_agent_needs_a_command() {
        let table = AgentTable::new(BTreeMap::from([("mine".into(), AgentConfig::default())]));
        assert_eq!(table.unwrap_err(), AgentError::NoCommand { id: "mine".into() });
    }

    #[test]
    fn an_unknown_name_is_told_with_the_nearest() {
        let table = AgentTable::new(BTreeMap::new()).unwrap();
        assert_eq!(table.get("cursor-agent").unwrap().id, "cursor");
        let error = table.get("cluade").unwrap_err();
        insta::assert_snapshot!(error, @"unknown agent `cluade`");
        insta::assert_snapshot!(error.hint().unwrap(), @"did you mean `claude`? known agents: claude, opencode, cursor, codex, gemini");
        let error = table.get("something-else").unwrap_err();
        insta::assert_snapshot!(error.hint().unwrap(), @"known agents: claude, opencode, cursor, codex, gemini; others are defined under `[agents.NAME]` (in your file `[defaults.agents.NAME]`)");
    }
}
