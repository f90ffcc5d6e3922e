//! A project of the fixtures in a place of its own, and a run that works on it.

use std::fs;
use std::path::{Path, PathBuf};

use codeloops_event::{
    Decision, Event, FailureCategory, GateResult, GateStatus, IterationEnd, Outcome,
};
use codeloops_tests::{Programs, Workspace};
use serde_json::Value;

const PROGRAMS: Programs = Programs {
    codeloops: env!("CARGO_BIN_EXE_codeloops-as-released"),
    fake_agent: env!("CARGO_BIN_EXE_fake-agent"),
};

/// What `cargo xtask gates` installed.
pub(crate) fn installed(below: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/gates").join(below);
    assert!(path.exists(), "run `cargo xtask gates`, which installs the tools of these tests");
    path.canonicalize().unwrap()
}

/// A failure that a gate of the first round has, and what the gate was before the run.
pub(crate) struct Expected {
    pub(crate) gate: &'static str,
    pub(crate) before: Option<GateStatus>,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) category: FailureCategory,
}

/// The project.
pub(crate) struct Project {
    place: Workspace,
    fixture: PathBuf,
}

impl Project {
    /// That of a language, committed, with the programs of this folder first in the search path.
    pub(crate) fn new(language: &str, programs: &Path) -> Self {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/projects");
        let fixture = fixtures.join(language).canonicalize().unwrap();
        let mut place = Workspace::new(PROGRAMS);
        copy(&fixture.join("project"), &place.project());
        place.commit_all("the project");
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = [programs.to_owned()].into_iter().chain(std::env::split_paths(&path));
        place.set_var("PATH", std::env::join_paths(paths).unwrap());
        Self { place, fixture }
    }

    /// Makes a link of this name, which the project ignores.
    pub(crate) fn link(&self, name: &str, to: &Path) {
        std::os::unix::fs::symlink(to, self.place.project().join(name)).unwrap();
    }

    /// The actor's first turn puts `wrong` over the project, its second one `right`.
    #[track_caller]
    pub(crate) fn mended_wrong_then_right(&self, expected: &[Expected]) {
        let copy = |what: &str| format!("run cp -R {}/. .", self.fixture.join(what).display());
        let told: String = expected
            .iter()
            .map(|e| format!("expect-prompt-contains {}:{}: \n", e.file, e.line))
            .collect();
        self.place.script(&format!(
            "on actor 1\n{}\non actor 2\n{told}{}\non critic\nprint DECISION: DONE\\n\\nSUMMARY: Good.\n",
            copy("wrong"),
            copy("right")
        ));
        let ran = self.place.run(&["--prompt", "Mend the total of a cart"]).exits(0);
        self.place.assert_script_held();

        let [first, second] = &self.place.session().iterations[..] else {
            panic!("two rounds: {ran}")
        };
        assert_eq!(
            (first.critic_decision, first.critic_verdict),
            (Decision::Continue, Some(Decision::Done))
        );
        let names: Vec<&str> = expected.iter().map(|expected| expected.gate).collect();
        assert_eq!(self.vetoed(), names, "each of them keeps it from being approved");
        for expected in expected {
            assert_found(result(first, expected.gate), expected);
        }
        assert_eq!(self.tasks(), expected.iter().map(place_of).collect::<Vec<_>>());
        assert_eq!(second.critic_decision, Decision::Done, "{ran}");
        for gate in &second.gates {
            assert_eq!(gate.status, GateStatus::Passed, "{gate:?}");
        }
        assert_eq!(self.place.session().end.unwrap().outcome, Outcome::Success);
        assert!(self.place.git(&["status", "--porcelain"]).lines().count() == 1, "the fix alone");
        let verified = self.place.run(&["replay", "latest", "--verify"]).exits(0);
        assert!(verified.stdout.starts_with("verified: "), "{verified}");
    }

    /// Lets all gates have their baseline.
    pub(crate) fn excuse_what_was_red(&self) {
        let config = self.place.read("codeloops.toml").replace("baseline = false\n", "");
        self.place.write("codeloops.toml", config);
        self.place.commit_all("what was red is excused");
    }

    /// Of the Rust project: the test that was red stays so.
    #[track_caller]
    pub(crate) fn breaks_another_test_then_mends_it(&self) {
        let broken = "sed -i 's/.sum()/.sum::<u32>() + 1/' src/lib.rs";
        // Lines of the test that was red before move down.
        let moved = "sed -i '1a //! It is a cart.' tests/cart.rs";
        self.place.script(&format!(
            "on actor 1\nrun {broken}\non actor 2\n\
             expect-prompt-contains it was red before the run began, and has got worse\n\
             run git checkout --quiet . && {moved}\n\
             on critic\nprint DECISION: DONE\\n\\nSUMMARY: Good.\n"
        ));
        let ran = self.place.run(&["--prompt", "Say what it is"]).exits(0);
        self.place.assert_script_held();
        let [first, second] = &self.place.session().iterations[..] else {
            panic!("two rounds: {ran}")
        };
        assert!(result(first, "test").worse && result(first, "test").blocks, "{ran}");
        let excused = result(second, "test");
        assert_eq!(
            (excused.status, excused.baseline),
            (GateStatus::Failed, Some(GateStatus::Failed))
        );
        assert!(!excused.worse && !excused.blocks, "{excused:?}");
    }

    /// The gates that the one veto names.
    fn vetoed(&self) -> Vec<String> {
        let vetoes = self.place.events().into_iter().filter_map(|event| match event {
            Event::ApprovalVetoed(e) => Some(e.gates),
            _ => None,
        });
        vetoes.flatten().collect()
    }

    /// What `diagnose.json` of the first round has to be mended: of each gate the first task.
    fn tasks(&self) -> Vec<(String, String, u64)> {
        let file = self.place.evidence("iterations/1/diagnose.json");
        let document: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let mut tasks: Vec<(String, String, u64)> = Vec::new();
        for task in document["tasks"].as_array().unwrap() {
            let gate = task["gate"].as_str().unwrap().to_owned();
            if tasks.iter().all(|(before, ..)| *before != gate) {
                let file = task["file"].as_str().unwrap_or_default().to_owned();
                tasks.push((gate, file, task["line"].as_u64().unwrap_or_default()));
            }
        }
        tasks
    }
}

fn place_of(expected: &Expected) -> (String, String, u64) {
    (expected.gate.to_owned(), expected.file.to_owned(), expected.line.into())
}

#[track_caller]
fn result<'a>(round: &'a IterationEnd, name: &str) -> &'a GateResult {
    round.gates.iter().find(|gate| gate.name == name).unwrap()
}

#[track_caller]
fn assert_found(gate: &GateResult, expected: &Expected) {
    assert_eq!((gate.status, gate.baseline), (GateStatus::Failed, expected.before), "{gate:#?}");
    let found = gate.failures.iter().any(|failure| {
        failure.file.as_deref() == Some(expected.file)
            && failure.line == Some(expected.line)
            && failure.category == expected.category
    });
    let wanted = format!("{}:{} ({:?})", expected.file, expected.line, expected.category);
    assert!(found, "{wanted} is not in {:#?}\n{}", gate.failures, gate.tail);
}

/// Copies a folder's files into another one.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
