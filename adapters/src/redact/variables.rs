//! Environment variables that hold a secret by their names, and how texts write their values.

use std::collections::BTreeSet;

/// Bytes that a variable's value has at least, for it to be masked.
pub const SHORTEST_VALUE: usize = 8;

/// The parts of a variable's name, between underscores and in upper case, by which its value is
/// taken for a secret.
const SECRET_PARTS: [&str; 17] = [
    "KEY",
    "KEYS",
    "APIKEY",
    "TOKEN",
    "TOKENS",
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
    "HEADERS",
];

/// Variables with such names that hold no secret.
const NO_SECRETS: [&str; 2] = ["PWD", "OLDPWD"];

/// How a name ends that says where a secret is, and not what.
const PLACES: [&str; 4] = ["DIR", "FILE", "PATH", "SOCK"];

/// The words of a verdict. A value of them alone is no secret, and masked it would take the decision
/// out of every answer.
const VERDICT_WORDS: [&str; 9] = [
    "DECISION",
    "DONE",
    "CONTINUE",
    "ERROR",
    "SUMMARY",
    "CONFIDENCE",
    "FEEDBACK",
    "ANALYSIS",
    "RECOVERY",
];

/// Whether a variable holds a secret, by its name, and one that is long enough to be looked for.
pub(super) fn is_secret(name: &str, value: &str) -> bool {
    let upper = name.to_uppercase();
    let is_place = upper.rsplit('_').next().is_some_and(|last| PLACES.contains(&last));
    value.len() >= SHORTEST_VALUE
        && !is_place
        && !NO_SECRETS.contains(&name)
        && upper.split('_').any(|part| SECRET_PARTS.contains(&part))
        && !is_of_verdict(value)
}

fn is_of_verdict(value: &str) -> bool {
    let value = value.to_uppercase();
    let mut words = value.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.all(|word| VERDICT_WORDS.contains(&word))
}

/// Bytes from which on a value of letters is no plain word.
const LONGEST_WORD: usize = 20;

/// Whether a value, as it is written, is a word, a name or a path such as any text may hold:
/// `postgres`, `DISABLED`, `src/main`.
pub(super) fn is_plain_word(written: &str) -> bool {
    let word = written.replace(r"\/", "/");
    let is_of = |is_letter: fn(&u8) -> bool| {
        word.bytes().any(|byte| is_letter(&byte))
            && word.bytes().all(|byte| is_letter(&byte) || b"-_./".contains(&byte))
    };
    word.len() < LONGEST_WORD && (is_of(u8::is_ascii_lowercase) || is_of(u8::is_ascii_uppercase))
}

/// The value as texts write it: as it is, as it stands in a JSON string, such as the events of an
/// agent, and, where it has several lines, each of them that is a word.
pub(super) fn written(value: &str) -> BTreeSet<String> {
    let mut written: BTreeSet<String> = in_json(value).into();
    written.insert(value.to_owned());
    // The first line of a key would be taken out of every key; a rule knows them all.
    if value.contains('\n') && !value.contains("-----BEGIN") {
        let lines = value.lines().map(str::trim);
        let is_word = |line: &&str| {
            line.len() >= SHORTEST_VALUE && !line.contains(|c: char| c.is_whitespace())
        };
        written.extend(lines.filter(is_word).map(str::to_owned));
    }
    written
}

/// Encoders agree on quotes and controls. Some escape what HTML could be made of, some slashes, some
/// all that is not ASCII.
fn in_json(value: &str) -> [String; 4] {
    let quoted = serde_json::Value::from(value).to_string();
    let plain = quoted[1..quoted.len() - 1].to_owned();
    let escaped = |is: fn(char) -> bool| -> String {
        let written = |c: char| if is(c) { in_utf16(c) } else { c.to_string() };
        plain.chars().map(written).collect()
    };
    [
        escaped(|c| matches!(c, '<' | '>' | '&')),
        escaped(|c| !c.is_ascii()),
        plain.replace('/', r"\/"),
        plain,
    ]
}

fn in_utf16(c: char) -> String {
    c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
}
