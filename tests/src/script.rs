//! The language of the scripted fake agent: what it is to do, and in which call.
//!
//! A script is lines; empty ones and those that begin with `#` are skipped. A command is a word and
//! its arguments ([`Command`]). A text is the rest of its line; `\n`, `\t`, `\e` (escape), `\s`
//! (space) and `\\` are understood in it. Sections say in which call their commands are played:
//!
//! ```text
//! stderr in every call, before the section of the call
//! next invocation
//! print only in the first call
//! next invocation
//! print only in the second call, and in all after it
//! on critic
//! print in every call as the critic
//! on critic 2
//! print in the critic's calls of iteration 2
//! ```
//!
//! A section that names the role fits before one that does not, and one that names the iteration
//! too fits before both. Only calls without such a section are counted as invocations.

use std::time::Duration;

/// One thing to do. File names are relative to the working directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `print TEXT`: a line on stdout.
    Print(String),
    /// `print-hex 00ff0a`: bytes on stdout.
    PrintHex(Vec<u8>),
    /// `print-file FILE`: the content of a file on stdout.
    PrintFile(String),
    /// `stderr TEXT`: a line on stderr.
    Stderr(String),
    /// `flood BYTES LINE_LEN`: so many bytes on stdout, in lines of this length, their ends
    /// included.
    Flood(u64, usize),
    /// `edit FILE CONTENT`: the file then holds this line.
    Edit(String, String),
    /// `append FILE CONTENT`: a line at its end.
    Append(String, String),
    /// `delete FILE`.
    Delete(String),
    /// `run COMMAND`: by `sh -c`, without the prompt; its failure is an unmet expectation.
    Run(String),
    /// `sleep SECS`.
    Sleep(Duration),
    /// `hang`: until killed.
    Hang,
    /// `ignore-term`: SIGTERM and SIGINT do nothing from here on.
    IgnoreTerm,
    /// `spawn-orphan FILE`: a child that holds the pipes and lives on; its pid goes to the file.
    SpawnOrphan(String),
    /// `setsid-child FILE`: a daemon in a session of its own; its pid goes to the file.
    SetsidChild(String),
    /// `touch FILE`: for a test that waits for it.
    Touch(String),
    /// `wait-file FILE`: until the test has made it.
    WaitFile(String),
    /// `exit N`.
    Exit(u8),
    /// `signal-self N`.
    SignalSelf(i32),
    /// `expect-prompt-contains TEXT`.
    ExpectPromptContains(String),
    /// `expect-prompt-lacks TEXT`.
    ExpectPromptLacks(String),
    /// `expect-env NAME VALUE`; an empty value also fits a variable that is not set.
    ExpectEnv(String, String),
    /// `save-prompt FILE`.
    SavePrompt(String),
    /// `save-args FILE`: the arguments, one a line.
    SaveArgs(String),
    /// `close-stdout`.
    CloseStdout,
    /// `no-read-stdin`: anywhere in a section: the prompt is left in the pipe.
    NoReadStdin,
}

/// When a section is played.
#[derive(Debug, Clone, PartialEq, Eq)]
enum When {
    Always,
    Invocation(usize),
    On { role: String, iteration: Option<u32> },
}

/// A parsed script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    sections: Vec<(When, Vec<Command>)>,
}

/// What a call knows of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call<'a> {
    /// `CODELOOPS_ROLE`.
    pub role: &'a str,
    /// `CODELOOPS_ITERATION`.
    pub iteration: Option<u32>,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// The number of the first line that is no command, and why.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut sections = vec![(When::Always, Vec::new())];
        let mut invocations = 0;
        for (number, line) in (1..).zip(text.lines().map(str::trim)) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why: String| format!("line {number}: {why}: `{line}`");
            if line == "next invocation" {
                sections.push((When::Invocation(invocations), Vec::new()));
                invocations += 1;
            } else if let Some(when) = line.strip_prefix("on ") {
                sections.push((parse_on(when).map_err(wrong)?, Vec::new()));
            } else if let Some((_, commands)) = sections.last_mut() {
                commands.push(parse_command(line).map_err(wrong)?);
            }
        }
        Ok(Self { sections })
    }

    /// The commands of a call, if a section names its role.
    #[must_use]
    pub fn on(&self, call: Call<'_>) -> Option<Vec<&Command>> {
        let fit = |wanted: Option<u32>| {
            self.sections.iter().find(|(when, _)| {
                matches!(when, When::On { role, iteration } if role == call.role && *iteration == wanted)
            })
        };
        let exact = call.iteration.and_then(|n| fit(Some(n)));
        Some(self.with_common(&exact.or_else(|| fit(None))?.1))
    }

    /// The commands of the n-th call (from 0) that no section names.
    #[must_use]
    pub fn invocation(&self, n: usize) -> Vec<&Command> {
        let fits = |(when, _): &&(When, _)| matches!(when, When::Invocation(at) if *at <= n);
        match self.sections.iter().rfind(fits) {
            Some((_, commands)) => self.with_common(commands),
            None => self.with_common(&[]),
        }
    }

    fn with_common<'a>(&'a self, commands: &'a [Command]) -> Vec<&'a Command> {
        let common = self.sections.iter().filter(|(when, _)| *when == When::Always);
        common.flat_map(|(_, commands)| commands).chain(commands).collect()
    }
}

fn parse_on(text: &str) -> Result<When, String> {
    let (role, rest) = word(text);
    if !matches!(role, "actor" | "critic") {
        return Err("the role is `actor` or `critic`".to_owned());
    }
    let iteration = if rest.is_empty() { None } else { Some(number(rest)?) };
    Ok(When::On { role: role.to_owned(), iteration })
}

fn parse_command(line: &str) -> Result<Command, String> {
    let (name, rest) = word(line);
    Ok(match name {
        "print" => Command::Print(unescape(rest)?),
        "print-hex" => Command::PrintHex(hex(rest)?),
        "print-file" => Command::PrintFile(file(rest)?),
        "stderr" => Command::Stderr(unescape(rest)?),
        "flood" => flood(rest)?,
        "edit" => file_and_text(rest).map(|(file, text)| Command::Edit(file, text))?,
        "append" => file_and_text(rest).map(|(file, text)| Command::Append(file, text))?,
        "delete" => Command::Delete(file(rest)?),
        "run" => Command::Run(rest.to_owned()),
        "sleep" => Command::Sleep(seconds(rest)?),
        "hang" => Command::Hang,
        "ignore-term" => Command::IgnoreTerm,
        "spawn-orphan" => Command::SpawnOrphan(file(rest)?),
        "setsid-child" => Command::SetsidChild(file(rest)?),
        "touch" => Command::Touch(file(rest)?),
        "wait-file" => Command::WaitFile(file(rest)?),
        "exit" => Command::Exit(number(rest)?),
        "signal-self" => Command::SignalSelf(number(rest)?),
        "expect-prompt-contains" => Command::ExpectPromptContains(unescape(rest)?),
        "expect-prompt-lacks" => Command::ExpectPromptLacks(unescape(rest)?),
        "expect-env" => file_and_text(rest).map(|(name, value)| Command::ExpectEnv(name, value))?,
        "save-prompt" => Command::SavePrompt(file(rest)?),
        "save-args" => Command::SaveArgs(file(rest)?),
        "close-stdout" => Command::CloseStdout,
        "no-read-stdin" => Command::NoReadStdin,
        _ => return Err("unknown command".to_owned()),
    })
}

/// The first word and what follows it.
fn word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

fn file(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("a file is missing".to_owned()) } else { Ok(text.to_owned()) }
}

fn file_and_text(text: &str) -> Result<(String, String), String> {
    let (name, rest) = word(text);
    Ok((file(name)?, unescape(rest)?))
}

fn flood(text: &str) -> Result<Command, String> {
    let (bytes, line) = word(text);
    match number(line)? {
        0 => Err("a line has at least its end".to_owned()),
        line => Ok(Command::Flood(number(bytes)?, line)),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| format!("`{text}` is not a number"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    Duration::try_from_secs_f64(number(text)?).map_err(|error| error.to_string())
}

fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some((digit(*high)? << 4) | digit(*low)?),
        _ => None,
    };
    digits.chunks(2).map(pair).collect::<Option<_>>().ok_or("not hexadecimal".to_owned())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn unescape(text: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        plain.push(match char {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('e') => '\x1b',
                Some('s') => ' ',
                Some('\\') => '\\',
                other => return Err(format!("unknown escape `\\{}`", other.unwrap_or(' '))),
            },
            char => char,
        });
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prints(commands: Vec<&Command>) -> Vec<&str> {
        let mut texts = Vec::new();
        for command in commands {
            let Command::Print(text) = command else { panic!("{command:?}") };
            texts.push(text.as_str());
        }
        texts
    }

    #[test]
    fn the_section_that_fits_best_is_played() {
        let script = Script::parse(
            "print always\nnext invocation\nprint first\nnext invocation\nprint second\n\
             on critic\nprint critic\non critic 2\nprint critic 2\n",
        )
        .unwrap();
        let call = |role, iteration| Call { role, iteration };
        assert_eq!(prints(script.invocation(0)), ["always", "first"]);
        assert_eq!(prints(script.invocation(7)), ["always", "second"]);
        assert_eq!(script.on(call("actor", Some(1))), None);
        let on = |iteration| prints(script.on(call("critic", iteration)).unwrap());
        assert_eq!(on(Some(1)), ["always", "critic"]);
        assert_eq!(on(Some(2)), ["always", "critic 2"]);
        assert_eq!(on(None), ["always", "critic"]);
    }

    #[test]
    fn a_script_without_sections_is_played_in_every_call() {
        let script = Script::parse("# nothing\n\n  print hello\n").unwrap();
        assert_eq!(prints(script.invocation(3)), ["hello"]);
    }

    #[test]
    fn arguments_are_read() {
        let script = Script::parse(
            "print a\\n\\e[1mb\\\\\nprint-hex 00 fF\nflood 1000 64\nedit src/a.rs fn main() {}\n\
             sleep 0.5\nexit 3\nexpect-env NAME a b\nexpect-env NAME\nrun git add -A && echo \\n\n",
        )
        .unwrap();
        let expected = [
            Command::Print("a\n\x1b[1mb\\".into()),
            Command::PrintHex(vec![0, 255]),
            Command::Flood(1000, 64),
            Command::Edit("src/a.rs".into(), "fn main() {}".into()),
            Command::Sleep(Duration::from_millis(500)),
            Command::Exit(3),
            Command::ExpectEnv("NAME".into(), "a b".into()),
            Command::ExpectEnv("NAME".into(), String::new()),
            Command::Run("git add -A && echo \\n".into()),
        ];
        assert_eq!(script.invocation(0), expected.iter().collect::<Vec<_>>());
    }

    #[test]
    fn what_is_no_command_is_told_with_its_line() {
        for (text, error) in [
            ("print a\nprnt b", "line 2: unknown command: `prnt b`"),
            ("exit soon", "line 1: `soon` is not a number: `exit soon`"),
            ("print-hex 0", "line 1: not hexadecimal: `print-hex 0`"),
            ("flood 10 0", "line 1: a line has at least its end: `flood 10 0`"),
            ("print \\q", "line 1: unknown escape `\\q`: `print \\q`"),
            ("on judge", "line 1: the role is `actor` or `critic`: `on judge`"),
            ("touch", "line 1: a file is missing: `touch`"),
        ] {
            assert_eq!(Script::parse(text).unwrap_err(), error);
        }
    }
}
