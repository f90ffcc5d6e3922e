//! Maven with Surefire, Gradle and the Kotlin compiler: what they say beside `javac`, which speaks as
//! other compilers do (from the tools' documentation: Maven 3.9, Surefire 3.2, Gradle 8).

use codeloops_event::{Failure, FailureCategory};

use super::found::{Found, Known, LastResort, failure};
use super::place::{Place, number};
use super::report::Report;
use super::{Claim, Reader};

#[derive(Default)]
pub(super) struct Java {
    /// The test that failed, of which more may follow.
    current: Option<Report>,
}

impl Reader for Java {
    fn line(&mut self, line: &str, found: &mut Found<'_>) -> Claim {
        if let Some(name) = surefire(line).or_else(|| gradle(line)) {
            self.tell(found);
            self.current = Some(Report::new(name));
            return Claim::Line;
        }
        if let Some(told) = maven_error(line).or_else(|| kotlin_error(line)) {
            self.tell(found);
            found.add(told);
            return Claim::Line;
        }
        if let Some(message) = last_word(line) {
            found.add_last_resort(LastResort::Caller, failure(FailureCategory::Build, message));
        }
        let Some(report) = &mut self.current else { return Claim::None };
        if line.is_empty() || line.starts_with("[ERROR]") || line.starts_with("[INFO]") {
            self.tell(found);
            return Claim::None;
        }
        report.line(line.trim_start());
        Claim::Line
    }

    fn end(&mut self, found: &mut Found<'_>) {
        self.tell(found);
    }
}

impl Java {
    fn tell(&mut self, found: &mut Found<'_>) {
        let Some(report) = self.current.take() else { return };
        if !found.knows_test(report.name()) {
            found.add(report.told(None));
        }
    }
}

/// `[ERROR] com.x.ATest.b -- Time elapsed: 0.01 s <<< FAILURE!`, and before Surefire 3
/// `[ERROR] b(com.x.ATest)  Time elapsed: 0.01 s  <<< FAILURE!`.
fn surefire(line: &str) -> Option<String> {
    let rest = line.strip_prefix("[ERROR] ")?;
    let rest = rest.strip_suffix("<<< FAILURE!").or_else(|| rest.strip_suffix("<<< ERROR!"))?;
    let (name, _) = rest.split_once(" Time elapsed: ")?;
    let name = name.trim_end().trim_end_matches("--").trim_end();
    if name.starts_with("Tests run: ") {
        return None;
    }
    let Some((method, class)) = name.strip_suffix(')').and_then(|name| name.rsplit_once('('))
    else {
        return Some(name.to_owned());
    };
    Some(if class.contains('.') { format!("{class}.{method}") } else { name.to_owned() })
}

/// `ATest > b() FAILED`
fn gradle(line: &str) -> Option<String> {
    let name = line.strip_suffix(" FAILED")?;
    let (class, method) = name.split_once(" > ")?;
    let is_class =
        !class.is_empty() && class.chars().all(|c| c.is_alphanumeric() || "._$".contains(c));
    (is_class && !method.is_empty()).then(|| name.to_owned())
}

/// `[ERROR] /path/A.java:[3,22] message`
fn maven_error(line: &str) -> Option<Failure> {
    let (file, rest) = line.strip_prefix("[ERROR] ")?.split_once(":[")?;
    let (row, rest) = number(rest)?;
    let (column, rest) = number(rest.strip_prefix(',')?)?;
    let message = rest.strip_prefix("] ")?;
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let place = Place { file, line: Some(row), column: Some(column) };
    let is_source = matches!(place.extension(), "java" | "kt" | "scala" | "groovy");
    is_source.then(|| failure(FailureCategory::Build, message).at(&place))
}

/// `e: file:///path/A.kt:3:22 message`
fn kotlin_error(line: &str) -> Option<Failure> {
    let rest = line.strip_prefix("e: file://")?;
    let (place, message) = Place::leading(rest)?;
    let is_source = matches!(place.extension(), "kt" | "kts");
    is_source.then(|| failure(FailureCategory::Build, message.trim_start()).at(&place))
}

fn last_word(line: &str) -> Option<&str> {
    let maven = line.strip_prefix("[ERROR] ").filter(|m| m.starts_with("Failed to execute goal "));
    let gradle = Some(line).filter(|line| line.starts_with("Execution failed for task '"));
    maven.or(gradle)
}
