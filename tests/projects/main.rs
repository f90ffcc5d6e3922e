//! Runs in real projects, whose gates are real tools.
//!
//! They are no part of the ordinary tests: `cargo xtask gates` installs the tools first, but for those of
//! Rust, which are there. A project of `fixtures/projects` has a bug. The actor mends it wrong, then
//! right; the critic finds either good.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod project;

use codeloops_event::FailureCategory::{Lint, Test, Type};
use codeloops_event::GateStatus::Passed;

use project::{Expected, Project};

/// The cargo that runs these tests, and what lies beside it.
fn cargo_dir() -> std::path::PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| env!("CARGO").into());
    std::path::Path::new(&cargo).parent().unwrap().to_owned()
}

#[test]
fn a_rust_crate() {
    let project = Project::new("rust", &cargo_dir());
    project.mended_wrong_then_right(&[
        Expected { gate: "test", before: None, file: "tests/cart.rs", line: 13, category: Test },
        Expected {
            gate: "lint",
            before: Some(Passed),
            file: "src/lib.rs",
            line: 14,
            category: Lint,
        },
    ]);
}

#[test]
fn a_python_package() {
    let project = Project::new("python", &project::installed("python/bin"));
    project.mended_wrong_then_right(&[
        Expected {
            gate: "test",
            before: None,
            file: "tests/test_cart.py",
            line: 10,
            category: Test,
        },
        Expected {
            gate: "types",
            before: Some(Passed),
            file: "cart/__init__.py",
            line: 17,
            category: Type,
        },
        Expected {
            gate: "lint",
            before: Some(Passed),
            file: "cart/__init__.py",
            line: 3,
            category: Lint,
        },
    ]);
}

#[test]
fn a_typescript_package() {
    let modules = project::installed("node/node_modules");
    let project = Project::new("typescript", &modules.join(".bin"));
    project.link("node_modules", &modules);
    project.mended_wrong_then_right(&[
        Expected { gate: "types", before: None, file: "src/cart.ts", line: 11, category: Type },
        Expected {
            gate: "lint",
            before: Some(Passed),
            file: "src/cart.ts",
            line: 9,
            category: Lint,
        },
    ]);
}

/// What was red before the run is told apart by what the tools print, wherever it has moved to.
#[test]
fn a_test_that_was_red_before_does_not_block_and_another_one_does() {
    let project = Project::new("rust", &cargo_dir());
    project.excuse_what_was_red();
    project.breaks_another_test_then_mends_it();
}
