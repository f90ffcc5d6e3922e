//! Masks credentials in what is recorded and shown.
//!
//! What is masked: what looks like a credential by the [`rules`], what the user's own patterns match,
//! and the values of environment variables whose names say that they are secret. Values shorter than
//! [`SHORTEST_VALUE`] mask nothing: they would take words out of every text. Those that are plain words
//! mask whole words.

use std::borrow::Cow;
use std::cmp::Reverse;

use regex_automata::Input;
use regex_automata::meta::{self, Regex};
use regex_automata::util::syntax;

use crate::text::lossy;

mod before;
mod report;
pub mod rules;
mod scan;
mod stream;
mod variables;

use before::Before;
pub(crate) use report::report_text;
use rules::Rule;
use scan::{Found, Scan};
pub(crate) use stream::Masking;
pub use variables::SHORTEST_VALUE;
use variables::{is_plain_word, is_secret, written};

/// Bytes that a credential has at most. Of a longer one a part may stay.
const LONGEST: usize = 32 * 1024;

/// Finds credentials and masks them.
#[derive(Debug, Clone)]
pub struct Redactor {
    /// What is known to be secret first: it is named best. Each kind of pattern is searched by itself,
    /// for one that has no beginning of its own, or many more of them, would slow all down.
    searches: Vec<Search>,
}

/// Patterns that are searched at once.
#[derive(Debug, Clone)]
struct Search {
    regex: Regex,
    /// What is known of each pattern.
    kinds: Vec<Kind>,
}

/// What a pattern finds.
#[derive(Debug, Clone)]
struct Kind {
    /// What stands for it.
    mask: String,
    before: Before,
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
        let rules = rules::RULES.iter().map(|rule| {
            let mask = format!("[redacted: {}]", rule.name);
            (pattern_of(rule), Kind { mask, before: rule.before })
        });
        let address = (pattern_of(&rules::ADDRESS), Kind::anywhere(rules::ADDRESS_MASK.to_owned()));
        let own = own.iter().map(|own| (own.clone(), Kind::anywhere("[redacted]".to_owned())));
        let all: [Vec<(String, Kind)>; 3] =
            [values(variables), rules.chain([address]).collect(), own.collect()];
        let searches = all.into_iter().filter(|patterns| !patterns.is_empty()).map(Search::new);
        Ok(Self { searches: searches.collect::<Result<_, _>>()? })
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
        let mut scan = Scan::new(&self.searches, bytes);
        while let Some(found) = scan.next(done, end) {
            out.extend_from_slice(&bytes[done..found.at.start]);
            out.extend_from_slice(found.mask.as_bytes());
            (done, count) = (found.at.end, count + 1);
        }
        (done, count)
    }
}

impl Search {
    fn new(patterns: Vec<(String, Kind)>) -> Result<Self, BadPattern> {
        let (patterns, kinds): (Vec<String>, Vec<Kind>) = patterns.into_iter().unzip();
        let config = meta::Config::new().utf8_empty(false);
        let mut builder = Regex::builder();
        let built = builder.configure(config).syntax(syntax()).build_many(&patterns);
        let regex = built.map_err(|error| BadPattern(words(&error)))?;
        Ok(Self { regex, kinds })
    }

    /// The first credential from a place on.
    fn first(&self, bytes: &[u8], mut from: usize) -> Option<Found<'_>> {
        while from < bytes.len() {
            let found = self.regex.search(&Input::new(bytes).range(from..))?;
            let (at, kind) = (found.range(), &self.kinds[found.pattern().as_usize()]);
            // A pattern of the user's may match a place and no text, such as the beginning of a word.
            if !at.is_empty() && kind.before.allows(bytes, at.start) {
                return Some(Found { at, mask: &kind.mask });
            }
            from = at.start + 1;
        }
        None
    }
}

impl Kind {
    const fn anywhere(mask: String) -> Self {
        Self { mask, before: Before::Anything }
    }
}

/// Every value of a variable that holds a secret, the longest first: one may begin another.
fn values<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(String, Kind)> {
    let secrets = variables.into_iter().filter(|(name, value)| is_secret(name, value));
    let all = secrets.flat_map(|(name, value)| written(value).into_iter().map(move |w| (w, name)));
    let mut all: Vec<(String, &str)> = all.collect();
    all.sort_by_key(|(written, name)| (Reverse(written.len()), *name));
    all.into_iter().map(|(written, name)| pattern_of_value(&written, name)).collect()
}

/// A plain word is masked as a whole word only: it may be a part of many others.
fn pattern_of_value(written: &str, name: &str) -> (String, Kind) {
    let (mask, value) = (format!("[redacted: ${name}]"), literally(written));
    if is_plain_word(written) {
        (format!(r"{value}\b{{end-half}}"), Kind { mask, before: Before::NoWord })
    } else {
        (value, Kind::anywhere(mask))
    }
}

fn pattern_of(rule: &Rule) -> String {
    let begins: Vec<String> = rule.begins.iter().map(|begin| literally(begin)).collect();
    format!("(?:{})(?:{})", begins.join("|"), rule.rest)
}

/// Whether a [`Redactor`] of the same patterns and variables may find anything in a text. The look
/// costs less than to make one.
#[must_use]
pub fn may_find<'a>(
    text: &str,
    own: &[String],
    variables: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> bool {
    let secrets = variables.into_iter().filter(|(name, value)| is_secret(name, value));
    let mut values = secrets.flat_map(|(_, value)| written(value));
    !own.is_empty() || rules::may_be_in(text) || values.any(|value| text.contains(&value))
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

    /// What a key looks like; nobody's.
    const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

    fn redactor() -> Redactor {
        let own = ["internal-[0-9]{6}".to_owned()];
        let variables = [
            ("MY_API_KEY", "s3cr3t+value"),
            ("SHORT_TOKEN", "1234567"),
            ("HOME", "/home/someone"),
            ("PWD", "/home/someone/project"),
            ("MONKEY", "banana-banana"),
            ("DB_PASSWORD", "with\"quote"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant-key=h3ader"),
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
            ("x-tenant-key=h3ader", "[redacted: $OTEL_EXPORTER_OTLP_HEADERS]"),
            ("\u{e9}s3cr3t+value\u{e9}", "\u{e9}[redacted: $MY_API_KEY]\u{e9}"),
        ] {
            assert_eq!(redactor.text(text).0, masked);
        }
        assert_eq!(redactor.text("s3cr3t+value s3cr3t+value").1, 2);
    }

    /// Such a value is a word of many a text, and begins or ends others.
    #[test]
    fn a_value_that_is_a_plain_word_is_masked_as_a_whole_word() {
        let variables = [
            ("POSTGRES_PASSWORD", "postgres"),
            ("DEV_PASSWORD", "postgres-dev"),
            ("DEPLOY_KEY", "DISABLED"),
            ("PASSWORD_STORE_KEY", "src/main"),
            ("HOME_KEY", "/home/me/"),
            ("MIXED_KEY", "AbcdefgH"),
            ("DIGIT_KEY", "secrets2"),
            ("LONG_KEY", "correct-horse-battery"),
            ("SPACE_KEY", "pass word"),
            ("LINES_KEY", "first-line\nsecond-line"),
        ];
        let redactor = Redactor::new(&[], variables).unwrap();
        for (text, masked) in [
            ("postgresql postgres_1 postgres1 mypostgres _postgres", None),
            ("postgres", Some("[redacted: $POSTGRES_PASSWORD]")),
            ("a:postgres@b", Some("a:[redacted: $POSTGRES_PASSWORD]@b")),
            ("-postgres-", Some("-[redacted: $POSTGRES_PASSWORD]-")),
            (r#""\npostgres\n""#, Some(r#""\n[redacted: $POSTGRES_PASSWORD]\n""#)),
            ("p%3Dpostgres%0A", Some("p%3D[redacted: $POSTGRES_PASSWORD]%0A")),
            ("\x1b[1mpostgres\x1b[0m", Some("\x1b[1m[redacted: $POSTGRES_PASSWORD]\x1b[0m")),
            ("postgres-dev.", Some("[redacted: $DEV_PASSWORD].")),
            ("postgres-devel", Some("[redacted: $POSTGRES_PASSWORD]-devel")),
            ("IS_DISABLED DISABLED", Some("IS_DISABLED [redacted: $DEPLOY_KEY]")),
            ("src/main.rs src/main_1", Some("[redacted: $PASSWORD_STORE_KEY].rs src/main_1")),
            (r"src\/main src\/mains", Some(r"[redacted: $PASSWORD_STORE_KEY] src\/mains")),
            ("/home/me/x x/home/me/", None),
            ("=/home/me/ ", Some("=[redacted: $HOME_KEY] ")),
            ("xAbcdefgHx", Some("x[redacted: $MIXED_KEY]x")),
            ("xsecrets2x", Some("x[redacted: $DIGIT_KEY]x")),
            ("xcorrect-horse-batteryx", Some("x[redacted: $LONG_KEY]x")),
            ("xpass wordx", Some("x[redacted: $SPACE_KEY]x")),
            ("first-line first-lines", Some("[redacted: $LINES_KEY] first-lines")),
        ] {
            assert_eq!(redactor.text(text).0, masked.unwrap_or(text), "{text}");
        }
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
        let value = |n: u8| match n % 2 {
            0 => format!("{n:02}-secret"),
            _ => format!("plain-{}-{}", char::from(b'a' + n / 10), char::from(b'a' + n % 10)),
        };
        let variables: Vec<(String, String)> =
            (0..60).map(|n| (format!("KEY_{n}"), value(n))).collect();
        let variables = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let redactor = Redactor::new(&[], variables).unwrap();
        assert_eq!(redactor.searches.len(), 2);
        assert!(redactor.searches.iter().all(|search| search.regex.is_accelerated()));
    }

    #[test]
    fn of_two_that_overlap_nothing_stays() {
        let variables = [
            ("A_TOKEN", "abcd3fgh"),
            ("B_TOKEN", "abcd3fghijkl"),
            ("C_TOKEN", "ijklmn0p"),
            ("KEY_PREFIX", "ghp_x7Kq"),
            ("AWS_KEY", KEY),
        ];
        let redactor = Redactor::new(&["one two.*".to_owned()], variables).unwrap();
        let token = format!("ghp_{}", "x7Kq".repeat(9));
        for (text, masked) in [
            ("abcd3fgh abcd3fghi", "[redacted: $A_TOKEN] [redacted: $A_TOKEN]i"),
            ("abcd3fghijkl.", "[redacted: $B_TOKEN]."),
            ("abcd3fghijklmn0p.", "[redacted: $B_TOKEN]."),
            (&format!("{token}."), "[redacted: GitHub token]."),
            (&format!("x{KEY}x"), "x[redacted: $AWS_KEY]x"),
            (&format!("{KEY} one two {KEY}"), "[redacted: $AWS_KEY] [redacted]"),
        ] {
            assert_eq!(redactor.text(text).0, masked, "{text}");
        }
    }

    #[test]
    fn a_credential_begins_after_an_escape() {
        let redactor = Redactor::new(&[], []).unwrap();
        for before in
            [r"\n", r"\\n", r"\t", r"\u003d", "%3D", "\x1b[1;32m", r"\u001b[0m", "=", "\n"]
        {
            let masked = format!("{before}[redacted: AWS access key]\x1b[0m");
            assert_eq!(redactor.text(&format!("{before}{KEY}\x1b[0m")).0, masked);
        }
        let word = format!("word{KEY}");
        assert_eq!(redactor.text(&word), (Cow::Borrowed(&*word), 0));
    }

    /// However it is written: by Rust and JavaScript, by Go, by Python, by PHP.
    #[test]
    fn a_value_is_masked_as_json_writes_it() {
        let value = "a\"b\\c<d>&e/f\ng\u{e9}\u{1f600}";
        let redactor = Redactor::new(&[], [("MY_SECRET", value)]).unwrap();
        for written in [
            r#"a\"b\\c<d>&e/f\ngé😀"#,
            r#"a\"b\\c\u003cd\u003e\u0026e/f\ngé😀"#,
            r#"a\"b\\c<d>&e/f\ng\u00e9\ud83d\ude00"#,
            r#"a\"b\\c<d>&e\/f\ngé😀"#,
            value,
        ] {
            assert_eq!(redactor.text(written).0, "[redacted: $MY_SECRET]", "{written}");
        }
    }

    #[test]
    fn of_a_value_of_several_lines_each_word_is_masked() {
        let redactor =
            Redactor::new(&[], [("TWO_KEYS", "first-key-1\r\na b c d e f\nsecond-key-2\nx\n")]);
        let masked =
            redactor.unwrap().text("+first-key-1\n+a b c d e f\n+second-key-2").0.into_owned();
        assert_eq!(masked, "+[redacted: $TWO_KEYS]\n+a b c d e f\n+[redacted: $TWO_KEYS]");
    }

    #[test]
    fn a_verdict_stays_one() {
        let variables =
            [("A_KEY", "DECISION"), ("B_SECRET", "DECISION: DONE"), ("C_PASS", "feedback")];
        let redactor = Redactor::new(&[], variables).unwrap();
        let verdict = "DECISION: DONE\nSUMMARY: feedback";
        assert_eq!(redactor.text(verdict), (Cow::Borrowed(verdict), 0));
    }

    /// It would take the first lines out of all keys, and leave the rest of them.
    #[test]
    fn a_key_in_a_variable_leaves_no_other_key() {
        let key = |body: &str| {
            format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
        };
        let own = key(&"MIIEvQIBADANBgkq".repeat(4));
        let redactor = Redactor::new(&[], [("SIGNING_KEY", own.as_str())]).unwrap();
        let other = key(&"QmFzZTY0IG5vdGhp".repeat(4));
        assert_eq!(redactor.text(&other).0, "[redacted: private key]\n");
        assert_eq!(redactor.text(&own).0, "[redacted: $SIGNING_KEY]");
    }

    #[test]
    fn a_key_is_masked_in_a_diff_in_json_and_in_part() {
        let redactor = Redactor::new(&[], []).unwrap();
        let lines =
            ["-----BEGIN OPENSSH PRIVATE KEY-----", &"b3BlbnNzaC1rZXkt".repeat(4), "bm9uZQ=="];
        let end = "-----END OPENSSH PRIVATE KEY-----";
        for before in ["+", "-", " ", ""] {
            let whole: String =
                lines.iter().chain([&end]).map(|line| format!("{before}{line}\n")).collect();
            assert_eq!(redactor.text(&whole).0, format!("{before}[redacted: private key]\n"));
        }
        for between in ["\\n", "\\\\n", "\\r\\n", "\r\n", " "] {
            let (whole, part) =
                (format!("{}{between}{end}", lines.join(between)), lines.join(between));
            assert_eq!(redactor.text(&whole).0, "[redacted: private key]", "{whole}");
            assert_eq!(redactor.text(&part).0, "[redacted: private key]", "{part}");
        }
        let told = format!("{}\n[... 40 lines more ...]", lines[..2].join("\n"));
        assert_eq!(redactor.text(&told).0, "[redacted: private key]\n[... 40 lines more ...]");
    }

    #[test]
    fn where_a_secret_is_kept_is_none() {
        let redactor = Redactor::new(&[], [("PASSWORD_STORE_DIR", "/home/me/.passwords")]).unwrap();
        assert_eq!(redactor.text("/home/me/.passwords").1, 0);
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
