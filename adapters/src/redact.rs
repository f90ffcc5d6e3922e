//! Masks credentials in what is recorded and shown.
//!
//! What is masked: what looks like a credential by the [`rules`], what the user's own patterns match,
//! and the values of environment variables whose names say that they are secret. Values shorter than
//! [`SHORTEST_VALUE`] mask nothing: they would take words out of every text.

use std::borrow::Cow;
use std::collections::BTreeSet;

use regex_automata::meta::{self, Regex};
use regex_automata::util::syntax;

use crate::text::lossy;

pub mod rules;
mod stream;

pub(crate) use stream::Masking;

/// Bytes that a variable's value has at least, for it to be masked.
pub const SHORTEST_VALUE: usize = 8;

/// The parts of a variable's name, between underscores and in upper case, by which its value is
/// taken for a secret.
const SECRET_PARTS: [&str; 14] = [
    "KEY",
    "APIKEY",
    "TOKEN",
    "SECRET",
    "SECRETS",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PASS",
    "PWD",
    "CREDENTIAL",
    "CREDENTIALS",
    "PAT",
    "DSN",
];

/// Variables with such names that hold no secret.
const NO_SECRETS: [&str; 2] = ["PWD", "OLDPWD"];

/// Finds credentials and masks them.
#[derive(Debug, Clone)]
pub struct Redactor {
    /// Every pattern, the values of variables first: what is known to be secret is named best.
    regex: Regex,
    /// What stands for a match of each pattern.
    masks: Vec<String>,
}

/// A pattern that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadPattern(pub String);

impl Redactor {
    /// Masks by the curated rules, by patterns of the user's, and the values of the variables given.
    ///
    /// # Errors
    /// Where a pattern is no regular expression.
    pub fn new<'a>(
        own: &[String],
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, BadPattern> {
        let mut patterns = Vec::new();
        let values: BTreeSet<(&str, &str)> =
            variables.into_iter().filter(|(name, value)| is_secret(name, value)).collect();
        for (name, value) in values {
            let mask = format!("[redacted: ${name}]");
            patterns.push((literally(value), mask.clone()));
            // As it stands in a JSON string, such as the events of an agent.
            let json = serde_json::Value::from(value).to_string();
            if json[1..json.len() - 1] != *value {
                patterns.push((literally(&json[1..json.len() - 1]), mask));
            }
        }
        for (name, pattern) in rules::RULES {
            patterns.push(((*pattern).to_owned(), format!("[redacted: {name}]")));
        }
        let (address, mask) = rules::ADDRESS;
        patterns.push((address.to_owned(), mask.to_owned()));
        for pattern in own {
            patterns.push((pattern.clone(), "[redacted]".to_owned()));
        }
        let (patterns, masks): (Vec<String>, Vec<String>) = patterns.into_iter().unzip();
        let config = meta::Config::new().utf8_empty(false);
        let mut builder = Regex::builder();
        let built = builder.configure(config).syntax(syntax()).build_many(&patterns);
        let regex = built.map_err(|error| BadPattern(words(&error)))?;
        Ok(Self { regex, masks })
    }

    /// The text with credentials masked, and how many there were.
    #[must_use]
    pub fn text<'a>(&self, text: &'a str) -> (Cow<'a, str>, u64) {
        let mut masked = Vec::new();
        let (done, count) = self.mask(text.as_bytes(), text.len(), &mut masked);
        if count == 0 {
            return (Cow::Borrowed(text), 0);
        }
        masked.extend_from_slice(&text.as_bytes()[done..]);
        // A pattern of the user's may end within a character.
        (Cow::Owned(lossy(&masked).into_owned()), count)
    }

    /// Masks what begins before `end`; gives how far `out` holds the bytes, and how many there were.
    fn mask(&self, bytes: &[u8], end: usize, out: &mut Vec<u8>) -> (usize, u64) {
        let (mut done, mut count) = (0, 0);
        // A pattern of the user's may match a place and no text, such as the beginning of a word.
        let texts = self.regex.find_iter(bytes).filter(|found| !found.is_empty());
        for found in texts.take_while(|found| found.start() < end) {
            out.extend_from_slice(&bytes[done..found.start()]);
            out.extend_from_slice(self.masks[found.pattern().as_usize()].as_bytes());
            (done, count) = (found.end(), count + 1);
        }
        (done, count)
    }
}

/// Whether a pattern of the user's can be used.
///
/// # Errors
/// Where it is no regular expression, or one that matches nothing at all.
pub fn check_pattern(pattern: &str) -> Result<(), BadPattern> {
    let built = Regex::builder().syntax(syntax()).build(pattern);
    let regex = built.map_err(|error| BadPattern(words(&error)))?;
    if regex.is_match("") {
        Err(BadPattern("it matches the empty text".to_owned()))
    } else {
        Ok(())
    }
}

fn syntax() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

/// What is wrong with a pattern: the last line of a picture that shows where.
fn words(error: &meta::BuildError) -> String {
    let told = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
    let last = told.lines().last().unwrap_or_default();
    format!("it is no regular expression: {}", last.trim_start_matches("error: "))
}

/// Whether a variable holds a secret, by its name, and one that is long enough to be looked for.
fn is_secret(name: &str, value: &str) -> bool {
    let parts = name.to_uppercase();
    let mut parts = parts.split('_');
    value.len() >= SHORTEST_VALUE
        && !NO_SECRETS.contains(&name)
        && parts.any(|part| SECRET_PARTS.contains(&part))
}

/// The pattern that matches this text and nothing else.
fn literally(text: &str) -> String {
    let escaped = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    });
    escaped.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor() -> Redactor {
        let own = ["internal-[0-9]{6}".to_owned()];
        let variables = [
            ("MY_API_KEY", "s3cr3t+value"),
            ("SHORT_TOKEN", "1234567"),
            ("HOME", "/home/someone"),
            ("PWD", "/home/someone/project"),
            ("MONKEY", "banana-banana"),
            ("DB_PASSWORD", "with\"quote"),
        ];
        Redactor::new(&own, variables).unwrap()
    }

    #[test]
    fn what_is_known_to_be_secret_is_masked_and_nothing_else() {
        let redactor = redactor();
        for (text, masked) in [
            ("key s3cr3t+value.", "key [redacted: $MY_API_KEY]."),
            ("1234567 /home/someone banana-banana", "1234567 /home/someone banana-banana"),
            (r#"{"a":"with\"quote"}"#, r#"{"a":"[redacted: $DB_PASSWORD]"}"#),
            ("no internal-123456 here", "no [redacted] here"),
            ("\u{e9}s3cr3t+value\u{e9}", "\u{e9}[redacted: $MY_API_KEY]\u{e9}"),
        ] {
            assert_eq!(redactor.text(text).0, masked);
        }
        assert_eq!(redactor.text("s3cr3t+value s3cr3t+value").1, 2);
    }

    #[test]
    fn what_is_masked_stays_as_it_is() {
        let redactor = redactor();
        let (once, _) = redactor.text("s3cr3t+value AKIAIOSFODNN7EXAMPLE internal-123456");
        assert_eq!(redactor.text(&once), (Cow::Borrowed(&*once), 0));
    }

    #[test]
    fn an_address_keeps_its_place() {
        let redactor = redactor();
        let (masked, _) = redactor.text("git clone https://me:hunter2@host/x http://host:80/a@b");
        assert_eq!(
            masked,
            "git clone https://[redacted: user and password]@host/x http://host:80/a@b"
        );
    }

    /// One pattern without a beginning of its own would cost all texts four times the time.
    #[test]
    fn the_rules_are_searched_by_their_beginnings() {
        assert!(Redactor::new(&[], []).unwrap().regex.is_accelerated());
    }

    #[test]
    fn a_place_without_text_is_left() {
        let redactor = Redactor::new(&["\\b".to_owned()], []).unwrap();
        assert_eq!(redactor.text("two words"), (Cow::Borrowed("two words"), 0));
    }

    #[test]
    fn a_pattern_that_is_none_is_refused() {
        assert!(Redactor::new(&["(".to_owned()], []).is_err());
    }
}
