//! Tools that begin their line with `file:line:column`: gcc and clang with their linkers, go build
//! and vet, golangci-lint, javac, flake8, pylint, ruff and eslint in their short forms. Which of them
//! speaks, the file's name tells (recordings: gcc 12.2, clang 14.0, Go 1.19, javac 17, flake8 7.5,
//! pylint 4.1, ruff 0.17, eslint 10.15).

use codeloops_event::{Failure, FailureCategory};

use super::found::{Found, Known, LastResort, failure};
use super::place::{Place, around};
use super::{Claim, Reader};

#[derive(Default)]
pub(super) struct Compilers {
    /// What the Go package is checked by whose name came last.
    go: Option<FailureCategory>,
}

/// Linters that golangci-lint names at the end of a line.
const GO_LINTERS: [&str; 16] = [
    "errcheck",
    "govet",
    "staticcheck",
    "unused",
    "gosimple",
    "ineffassign",
    "typecheck",
    "revive",
    "gofmt",
    "goimports",
    "gosec",
    "misspell",
    "gocritic",
    "stylecheck",
    "unparam",
    "bodyclose",
];

impl Reader for Compilers {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if let Some(told) = linker(line) {
            found.add(told);
            return Claim::Line;
        }
        if let Some(message) = tool_error(line) {
            found.add_last_resort(LastResort::Summary, failure(FailureCategory::Build, message));
            return Claim::Line;
        }
        if let Some(header) = line.strip_prefix("# ") {
            self.go = Some(if header.starts_with('[') {
                FailureCategory::Lint
            } else {
                FailureCategory::Build
            });
            return Claim::None;
        }
        let line = annotated(line);
        let (line, vet) = line.strip_prefix("vet: ").map_or((line, false), |line| (line, true));
        let Some((place, rest)) = Place::leading(line) else {
            self.go = self.go.filter(|_| line.starts_with(['\t', ' ']));
            return Claim::None;
        };
        match self.told(&place, rest, vet) {
            Some(told) => {
                found.add(told);
                Claim::Line
            }
            None => Claim::None,
        }
    }
}

impl Compilers {
    fn told(&self, place: &Place<'_>, rest: &str, vet: bool) -> Option<Failure> {
        let mut place = *place;
        let told = match place.extension() {
            "c" | "cc" | "cpp" | "cxx" | "c++" | "h" | "hh" | "hpp" | "hxx" | "ipp" | "tpp"
            | "inc" | "inl" | "m" | "mm" | "S" | "s" | "cu" | "cuh" | "l" | "y" | "f90" => {
                native(rest)
            }
            "go" => go(&place, rest, if vet { Some(FailureCategory::Build) } else { self.go }),
            "java" => {
                let message = rest.strip_prefix(": error: ")?;
                Some(failure(FailureCategory::Build, message))
            }
            "py" | "pyi" | "ipynb" => python(&mut place, rest),
            _ => eslint(&place, rest),
        };
        told.map(|told| told.at(&place))
    }
}

/// What stands behind the mark by which GitHub knows an error, up to its first line's end.
fn annotated(line: &str) -> &str {
    let text = line.strip_prefix("::error ").and_then(|line| line.split_once("::"));
    text.map_or(line, |(_, text)| text.split("%0A").next().unwrap_or(text))
}

/// `: error: message [-Werror=flag]`
fn native(rest: &str) -> Option<Failure> {
    let rest = rest.strip_prefix(": ")?;
    let message = rest.strip_prefix("error: ").or_else(|| rest.strip_prefix("fatal error: "))?;
    let (text, flag) = message.rsplit_once(" [-W").unwrap_or((message, ""));
    // gcc says `-Werror=flag`, clang `-Werror,-Wflag`.
    let flag = flag.strip_suffix(']').unwrap_or_default();
    let flag = flag.strip_prefix("error=").or_else(|| flag.strip_prefix("error,-W"));
    Some(match flag {
        Some(flag) => failure(FailureCategory::Lint, text)
            .called(&format!("-W{}", flag.trim_end_matches('='))),
        None => failure(FailureCategory::Build, message),
    })
}

/// What a linker says: it names objects and no lines.
fn linker(line: &str) -> Option<Failure> {
    let messages = [": undefined reference to ", ": multiple definition of "];
    for message in messages {
        if let Some((object, _)) = around(line, message) {
            let is_linker = object.ends_with(')') || object.ends_with(".o") || is_linker(object);
            let (_, told) = line.split_at(object.len() + 2);
            let told = told.split("; ").next().unwrap_or(told);
            return is_linker.then(|| failure(FailureCategory::Build, told));
        }
    }
    let line = line.trim_start().trim_start_matches("= note: ");
    let (program, message) = around(line, ": ")?;
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let is_error = ["undefined symbol: ", "duplicate symbol: ", "cannot find -l"]
        .iter()
        .any(|beginning| message.starts_with(beginning));
    (is_linker(program) && is_error).then(|| failure(FailureCategory::Build, message))
}

fn is_linker(program: &str) -> bool {
    ["ld", "ld.lld", "rust-lld", "ld64.lld", "mold", "ld.gold"]
        .contains(&program.rsplit('/').next().unwrap_or(program))
}

/// What a compiler says without a place.
fn tool_error(line: &str) -> Option<&str> {
    let is_driver = ["collect2: error: ", "clang: error: ", "gcc: error: ", "g++: error: "]
        .iter()
        .any(|beginning| line.starts_with(beginning));
    (is_driver || line == "error: warnings found and -Werror specified").then_some(line)
}

fn go(place: &Place<'_>, rest: &str, package: Option<FailureCategory>) -> Option<Failure> {
    place.column?;
    let message = rest.strip_prefix(": ")?;
    if let Some((text, linter)) = message.strip_suffix(')').and_then(|m| m.rsplit_once(" ("))
        && GO_LINTERS.contains(&linter)
    {
        return Some(failure(FailureCategory::Lint, text).called(linter));
    }
    let is_import = message.starts_with("cannot find module providing package ")
        || message.starts_with("no required module provides package ")
        || message.starts_with("package ") && message.contains(" is not in ");
    let category = if is_import { Some(FailureCategory::Build) } else { package };
    // Where there are too many, the last line says so.
    (message != "too many errors").then(|| Some(failure(category?, message)))?
}

/// `: F401 message`, `: C0114: message (name)`.
fn python(place: &mut Place<'_>, rest: &str) -> Option<Failure> {
    let column = place.column?;
    let rest = rest.strip_prefix(": ")?;
    if let Some(message) = rest.strip_prefix("invalid-syntax: ") {
        return Some(failure(FailureCategory::Lint, message).called("invalid-syntax"));
    }
    let (code, message) = rest.split_once(' ')?;
    let bare = code.strip_suffix(':').unwrap_or(code);
    if !is_rule(bare) {
        return None;
    }
    if bare != code {
        // pylint counts from 0.
        place.column = Some(column.saturating_add(1));
    }
    let message = message.strip_prefix("[*] ").unwrap_or(message);
    Some(failure(FailureCategory::Lint, message).called(bare))
}

/// `E501`, `PLR0913`.
pub(super) fn is_rule(code: &str) -> bool {
    let letters = code.bytes().take_while(u8::is_ascii_uppercase).count();
    let digits = code.bytes().skip(letters).filter(u8::is_ascii_digit).count();
    (1..=5).contains(&letters) && (2..=5).contains(&digits) && letters + digits == code.len()
}

/// `: message [Error/rule]`
fn eslint(place: &Place<'_>, rest: &str) -> Option<Failure> {
    place.column?;
    let (message, kind) = rest.strip_prefix(": ")?.strip_suffix(']')?.rsplit_once(" [")?;
    let told = failure(FailureCategory::Lint, message);
    match kind.strip_prefix("Error")? {
        "" => Some(told),
        rule => Some(told.called(rule.strip_prefix('/')?)),
    }
}
