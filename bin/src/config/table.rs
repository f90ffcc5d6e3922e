//! Takes typed values out of a TOML table, and tells what is left over.

use std::borrow::Cow;
use std::path::Path;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::error::{ConfigError, Position, Problem};
use crate::secrets::shown_words;
use crate::text::nearest;
use crate::values::{FROM_ONE, ValueError, Words};

/// Keys that are looked for in the wrong table, and where they stand.
const HOMES: &[(&str, &str)] = &[
    ("max_iterations", "at the top, not in a table"),
    ("log_format", "at the top, not in a table"),
    ("permissions", "at the top, not in a table"),
    ("max_duration", "in `[limits]`"),
    ("actor_timeout", "in `[limits]`"),
    ("critic_timeout", "in `[limits]`"),
    ("idle_timeout", "in `[limits]`"),
    ("gate_timeout", "in `[limits]`"),
    ("stuck_after", "in `[limits]`"),
    ("usage_limit_wait", "in `[limits]`"),
    ("max_tokens", "in `[limits]`"),
    ("max_cost_usd", "in `[limits]`"),
    ("on_failure", "in `[gate_policy]`"),
    ("parallel", "in `[gate_policy]`"),
    ("tamper", "in `[gate_policy]`"),
    ("gates", "at the top, not in a table: `[[gates]]`"),
    ("gate_policy", "at the top, not in a table: `[gate_policy]`"),
    ("defaults", "only in your file (`config.toml`); here its keys stand at the top"),
    ("agent", "at the top, in `[actor]` or in `[critic]`"),
];

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// The key with the tables it stands in (`defaults.actor.agent`).
    pub key: String,
    /// The line, counted from 1.
    pub line: usize,
}

/// The text of a file, to tell positions in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl Source<'_> {
    pub(super) fn error(self, offset: usize, problem: Problem) -> ConfigError {
        let position = Some(Position::of(self.text, offset));
        ConfigError { path: self.path.to_owned(), position, problem }
    }
}

/// A value that is not looked at yet.
pub(super) struct Raw<'a> {
    source: Source<'a>,
    key: String,
    value: &'a Spanned<DeValue<'a>>,
}

/// A table that values are taken out of. [`Section::finish`] refuses what nobody asked for.
pub(super) struct Section<'a> {
    source: Source<'a>,
    path: String,
    table: &'a DeTable<'a>,
    asked_for: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The whole of a file.
    pub(super) const fn root(source: Source<'a>, table: &'a DeTable<'a>) -> Self {
        Self { source, path: String::new(), table, asked_for: Vec::new() }
    }

    /// The value of a key, where it is there.
    pub(super) fn take(&mut self, key: &'static str) -> Option<Raw<'a>> {
        self.asked_for.push(key);
        let value = self.table.get(key)?;
        Some(Raw { source: self.source, key: self.full_key(key), value })
    }

    /// The value of a key as what `parse` makes of it.
    pub(super) fn get<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&Raw<'a>) -> Result<T, ConfigError>,
    ) -> Result<Option<Located<T>>, ConfigError> {
        self.take(key).map(|raw| raw.located(parse)).transpose()
    }

    /// The table of a key; an empty one where it is not there.
    pub(super) fn section<T: Default>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(Self) -> Result<T, ConfigError>,
    ) -> Result<T, ConfigError> {
        self.take(key).map_or_else(|| Ok(T::default()), |raw| parse(raw.table()?))
    }

    /// Every entry, whatever its key.
    pub(super) fn entries(self) -> impl Iterator<Item = (String, Raw<'a>)> {
        let table = self.table;
        table.iter().map(move |(name, value)| {
            let name = name.get_ref().to_string();
            let key = self.full_key(&name);
            (name, Raw { source: self.source, key, value })
        })
    }

    /// Refuses the first key, in the order of the file, that nobody asked for.
    pub(super) fn finish(self) -> Result<(), ConfigError> {
        let unknown = self.table.keys().filter(|k| !self.asked_for.contains(&k.get_ref().as_ref()));
        let Some(first) = unknown.min_by_key(|key| key.span().start) else { return Ok(()) };
        let name = first.get_ref();
        let problem = Problem::UnknownKey { key: self.full_key(name), hint: self.hint_for(name) };
        Err(self.source.error(first.span().start, problem))
    }

    fn full_key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn hint_for(&self, key: &str) -> String {
        if let Some((_, home)) = HOMES.iter().find(|(known, _)| *known == key) {
            return format!("`{key}` stands {home}");
        }
        if let Some(near) = nearest(key, self.asked_for.iter().copied()) {
            return format!("did you mean `{near}`?");
        }
        let known: Vec<String> = self.asked_for.iter().map(|key| format!("`{key}`")).collect();
        format!("known keys here: {}", known.join(", "))
    }
}

impl<'a> Raw<'a> {
    pub(super) fn located<T>(
        &self,
        parse: impl FnOnce(&Self) -> Result<T, ConfigError>,
    ) -> Result<Located<T>, ConfigError> {
        let line = Position::of(self.source.text, self.value.span().start).line;
        Ok(Located { value: parse(self)?, key: self.key.clone(), line })
    }

    pub(super) fn table(&self) -> Result<Section<'a>, ConfigError> {
        let table = self.value.get_ref().as_table().ok_or_else(|| self.wrong_type("a table"))?;
        let path = self.key.clone();
        Ok(Section { source: self.source, path, table, asked_for: Vec::new() })
    }

    pub(super) fn list(&self) -> Result<Vec<Self>, ConfigError> {
        let list = self.value.get_ref().as_array().ok_or_else(|| self.wrong_type("a list"))?;
        Ok(list
            .iter()
            .map(|value| Raw { source: self.source, key: self.key.clone(), value })
            .collect())
    }

    /// A string that the system can take, as an argument or in the environment.
    pub(super) fn string(&self) -> Result<String, ConfigError> {
        let text = self.expect_str("a string")?;
        if text.contains('\0') {
            return Err(self.bad_value("it holds a NUL character"));
        }
        Ok(text.to_owned())
    }

    /// A string with at least one character that is not white space.
    pub(super) fn name(&self) -> Result<String, ConfigError> {
        let text = self.string()?;
        if text.trim().is_empty() { Err(self.bad_value("it is empty")) } else { Ok(text) }
    }

    pub(super) fn strings(&self) -> Result<Vec<String>, ConfigError> {
        match self.value.get_ref().as_str() {
            Some(line) => Err(self.wrong_type(as_list(&self.key, line))),
            None => self.list()?.iter().map(Self::string).collect(),
        }
    }

    pub(super) fn bool(&self) -> Result<bool, ConfigError> {
        self.value.get_ref().as_bool().ok_or_else(|| self.wrong_type("true or false"))
    }

    /// A whole number from 1 on.
    pub(super) fn positive<T: FromStr>(&self) -> Result<T, ConfigError> {
        self.integer(|text| text.parse().map_err(|_| ValueError(FROM_ONE.to_owned())))
    }

    /// Whatever `parse` makes of a whole number.
    pub(super) fn integer<T>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, ValueError>,
    ) -> Result<T, ConfigError> {
        let integer =
            self.value.get_ref().as_integer().ok_or_else(|| self.wrong_type("a whole number"))?;
        self.accept(parse(&in_decimal(integer)))
    }

    pub(super) fn is_string(&self) -> bool {
        self.value.get_ref().is_str()
    }

    pub(super) fn is_list(&self) -> bool {
        self.value.get_ref().is_array()
    }

    /// One of a few words.
    pub(super) fn word<T: Words>(&self) -> Result<T, ConfigError> {
        self.value_of("a string", T::from_word)
    }

    /// Whatever `parse` makes of a string, or of a plain number written without quotes.
    pub(super) fn quantity<T, E: Into<ValueError>>(
        &self,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, ConfigError> {
        match self.value.get_ref() {
            DeValue::Integer(number) => self.accept(parse(&in_decimal(number))),
            DeValue::Float(number) => self.accept(parse(number.as_str())),
            _ => self.value_of(expected, parse),
        }
    }

    /// Whatever `parse` makes of a string.
    pub(super) fn value_of<T, E: Into<ValueError>>(
        &self,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, ConfigError> {
        self.accept(parse(self.expect_str(expected)?))
    }

    pub(super) fn bad_value(&self, reason: &str) -> ConfigError {
        let problem = Problem::BadValue { key: self.key.clone(), reason: reason.to_owned() };
        self.source.error(self.value.span().start, problem)
    }

    fn expect_str(&self, expected: &'static str) -> Result<&'a str, ConfigError> {
        self.value.get_ref().as_str().ok_or_else(|| self.wrong_type(expected))
    }

    fn accept<T, E: Into<ValueError>>(&self, value: Result<T, E>) -> Result<T, ConfigError> {
        value.map_err(|error| self.bad_value(&error.into().0))
    }

    pub(super) fn wrong_type(&self, expected: impl Into<Cow<'static, str>>) -> ConfigError {
        let (key, expected) = (self.key.clone(), expected.into());
        let problem = Problem::WrongType { key, expected, found: self.value.get_ref().type_str() };
        self.source.error(self.value.span().start, problem)
    }
}

/// A list, with the one that a line was meant to be; without, where it has quotes, which only a shell
/// would understand.
fn as_list(key: &str, line: &str) -> Cow<'static, str> {
    if line.contains(['"', '\'', '\\']) {
        return "a list".into();
    }
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    // A JSON string is a TOML basic string.
    let words: Vec<String> = shown_words(&words)
        .into_iter()
        .map(|word| serde_json::Value::from(word).to_string())
        .collect();
    let name = key.rsplit('.').next().unwrap_or(key);
    format!("a list: write `{name} = [{}]`", words.join(", ")).into()
}

/// The number, which may be written in another base (`0x10`); none where it is too large.
fn decimal(integer: &DeInteger<'_>) -> Option<i128> {
    i128::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// The number as a user may read it, whatever its size and base.
fn in_decimal(integer: &DeInteger<'_>) -> String {
    decimal(integer).map_or_else(|| integer.as_str().to_owned(), |number| number.to_string())
}
