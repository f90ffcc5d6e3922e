//! Which files of the repository a gate's command runs or reads, as well as its words tell.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use super::language;

/// A gate's command and where it runs.
#[derive(Debug, Clone, Copy)]
pub struct GateCommand<'a> {
    /// The program and its arguments.
    pub command: &'a [String],
    /// Absolute.
    pub dir: &'a Path,
}

/// The files that gates run or read, by their paths from the repository's root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GateFiles {
    files: BTreeMap<String, GateLines>,
    /// Names of folders whose files count wherever they are.
    folders: BTreeSet<&'static str>,
}

/// Which lines of a file are a gate's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum GateLines {
    /// All.
    All,
    /// Those with these keys: scripts of a `package.json`.
    Scripts(BTreeSet<String>),
    /// Those of a build file that are about checks.
    Checks,
}

/// Scripts that call each other are followed so far.
const DEEPEST: u32 = 8;

/// A `package.json` larger than this is not one that people wrote.
const MAX_PACKAGE: u64 = 1024 * 1024;

/// What well-known runners read.
const RUNNERS: &[(&[&str], &[&str])] = &[
    (&["make", "gmake"], &["Makefile", "makefile", "GNUmakefile"]),
    (&["just"], &["justfile", "Justfile", ".justfile"]),
    (&["tox"], &["tox.ini"]),
    (&["nox"], &["noxfile.py"]),
    (&["pre-commit"], &[".pre-commit-config.yaml"]),
    (&["lefthook"], &["lefthook.yml", "lefthook.yaml"]),
    (&["task"], &["Taskfile.yml", "Taskfile.yaml"]),
    (&["rake"], &["Rakefile"]),
    (&["ant"], &["build.xml"]),
    (&["invoke", "inv"], &["tasks.py"]),
    (&["turbo"], &["turbo.json"]),
    (&["nx"], &["nx.json"]),
];

/// The same, of build files that hold much else.
const BUILDERS: &[(&[&str], &[&str])] = &[
    (&["mvn", "mvnw"], &["pom.xml"]),
    (&["gradle", "gradlew"], &["build.gradle", "build.gradle.kts"]),
];

const PACKAGE_RUNNERS: [&str; 4] = ["npm", "pnpm", "yarn", "bun"];

const SHELLS: [&str; 5] = ["sh", "bash", "zsh", "dash", "ksh"];

/// Programs that run the file that they are given.
const INTERPRETERS: [&str; 10] =
    ["python", "python3", "node", "ruby", "perl", "php", "tsx", "ts-node", "source", "."];

/// Programs that run the rest of their line.
const WRAPPERS: [&str; 9] =
    ["env", "time", "exec", "nice", "timeout", "npx", "bunx", "xvfb-run", "command"];

/// The same with a word more: `uv run`.
const WRAPPERS_OF_TWO: [(&str, &str); 6] = [
    ("uv", "run"),
    ("poetry", "run"),
    ("pdm", "run"),
    ("pipenv", "run"),
    ("hatch", "run"),
    ("bundle", "exec"),
];

/// Looks for them in the commands of the gates, below the root of the repository (absolute). Best
/// effort: what a script calls in its turn is not followed, scripts of a `package.json` aside.
#[must_use]
pub fn gate_files(gates: &[GateCommand<'_>], root: &Path) -> GateFiles {
    let mut found = Finder { root, files: GateFiles::default() };
    for gate in gates {
        found.command(gate.command, gate.dir, 0);
    }
    found.files
}

impl GateFiles {
    /// Which lines of a file are a gate's; none where it is not one.
    pub(super) fn lines_of(&self, path: &str) -> Option<GateLines> {
        let is_in_folder = || path.split('/').rev().skip(1).any(|name| self.folders.contains(name));
        let of_file = self.files.get(path).cloned();
        of_file.or_else(|| is_in_folder().then_some(GateLines::All))
    }
}

struct Finder<'r> {
    root: &'r Path,
    files: GateFiles,
}

impl Finder<'_> {
    /// A command as a list of words, or a line of a shell's.
    fn command(&mut self, words: &[String], dir: &Path, depth: u32) {
        let words = unwrapped(words);
        let Some((program, arguments)) = words.split_first() else { return };
        let name = language::name_of(program);
        if program.contains('/') {
            self.existing(dir, program);
        }
        if SHELLS.contains(&name) {
            match arguments.iter().position(|word| is_flag_with(word, 'c')) {
                Some(at) => arguments.get(at + 1).into_iter().for_each(|line| {
                    self.shell(line, dir, depth + 1);
                }),
                None => self.first_file(arguments, dir),
            }
        } else if INTERPRETERS.contains(&name) {
            self.first_file(arguments, dir);
        } else if PACKAGE_RUNNERS.contains(&name) {
            self.package_script(arguments, dir, depth);
        } else {
            self.runner(name, arguments, dir);
        }
        for word in arguments {
            self.named(word, dir);
        }
    }

    /// A line of a shell: each command of it, where `cd` has led.
    fn shell(&mut self, line: &str, dir: &Path, depth: u32) {
        if depth > DEEPEST {
            return;
        }
        let mut dir = dir.to_owned();
        for command in commands(line) {
            let words = shlex::split(&command)
                .unwrap_or_else(|| command.split_whitespace().map(str::to_owned).collect());
            match words.as_slice() {
                [cd, to] if cd == "cd" => dir = dir.join(to),
                words => self.command(words, &dir, depth),
            }
        }
    }

    /// What the program itself reads.
    fn runner(&mut self, name: &str, arguments: &[String], dir: &Path) {
        let dir =
            option(arguments, &["-C", "--directory"]).map_or(dir.to_owned(), |to| dir.join(to));
        for (runners, lines) in [(RUNNERS, GateLines::All), (BUILDERS, GateLines::Checks)] {
            let files = runners.iter().filter(|(names, _)| names.contains(&name));
            for file in files.flat_map(|(_, files)| *files) {
                self.add(&dir.join(file), &lines);
            }
        }
        if name == "cargo" && arguments.iter().any(|word| word == "xtask") {
            self.files.folders.insert("xtask");
            self.add(&self.root.join(".cargo/config.toml"), &GateLines::All);
        }
    }

    /// `npm test`, `yarn lint`, `pnpm --dir web run check`.
    fn package_script(&mut self, arguments: &[String], dir: &Path, depth: u32) {
        let to = option(arguments, &["--prefix", "-C", "--dir", "--cwd"]);
        let dir = to.map_or_else(|| dir.to_owned(), |to| dir.join(to));
        let mut words = arguments
            .iter()
            .map(String::as_str)
            .filter(|word| !word.starts_with('-') && to.is_none_or(|to| to != *word));
        let script = match words.next() {
            Some("run" | "run-script") => words.next(),
            Some("t" | "tst") => Some("test"),
            word => word,
        };
        if let Some(script) = script {
            self.script(script, &dir, depth);
        }
    }

    /// A script of a `package.json`, with those before and after it, and what they call.
    fn script(&mut self, script: &str, dir: &Path, depth: u32) {
        let file = dir.join("package.json");
        let Some(path) = self.in_repository(&file) else { return };
        let names = [script.to_owned(), format!("pre{script}"), format!("post{script}")];
        let lines =
            self.files.files.entry(path).or_insert_with(|| GateLines::Scripts(BTreeSet::new()));
        if let GateLines::Scripts(known) = lines {
            known.extend(names.iter().cloned());
        }
        if depth < DEEPEST {
            let scripts = scripts_of(&file);
            for line in names.iter().filter_map(|name| scripts.get(name)?.as_str()) {
                self.shell(line, dir, depth + 1);
            }
        }
    }

    /// The first word that is no option, where a program runs it.
    fn first_file(&mut self, arguments: &[String], dir: &Path) {
        if let Some(file) = arguments.iter().find(|word| !word.starts_with('-')) {
            self.existing(dir, file);
        }
    }

    /// A file that is only named. Code is not taken: a test or a source file that a gate is pointed at
    /// is what is checked, not what checks.
    fn named(&mut self, word: &str, dir: &Path) {
        let word = word.split_once('=').map_or(word, |(_, value)| value);
        if language::of_path(word).is_none() {
            self.existing(dir, word);
        }
    }

    fn existing(&mut self, dir: &Path, word: &str) {
        let path = dir.join(word);
        if path.is_file() {
            self.add(&path, &GateLines::All);
        }
    }

    fn add(&mut self, file: &Path, lines: &GateLines) {
        if let Some(path) = self.in_repository(file) {
            self.files.files.entry(path).or_insert_with(|| lines.clone());
        }
    }

    /// The path from the root, without `.` and `..`.
    fn in_repository(&self, file: &Path) -> Option<String> {
        let mut plain = PathBuf::new();
        for part in file.components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => drop(plain.pop()),
                part => plain.push(part),
            }
        }
        Some(plain.strip_prefix(self.root).ok()?.to_string_lossy().into_owned())
    }
}

/// `-c`, or a bundle of letters that ends with it: `-euc`.
fn is_flag_with(word: &str, letter: char) -> bool {
    word.starts_with('-') && !word.starts_with("--") && word.ends_with(letter)
}

/// The value of an option.
fn option<'a>(arguments: &'a [String], names: &[&str]) -> Option<&'a str> {
    let at = arguments.iter().position(|word| names.contains(&word.as_str()))?;
    arguments.get(at + 1).map(String::as_str)
}

/// The command without what only runs it: variables, `timeout 60`, `uv run`.
fn unwrapped(mut words: &[String]) -> &[String] {
    while let [first, rest @ ..] = words {
        let is_variable = first.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
        let second = rest.first().map(String::as_str).unwrap_or_default();
        let name = language::name_of(first);
        words = match () {
            () if is_variable => rest,
            () if WRAPPERS.contains(&name) => without_options(rest),
            () if WRAPPERS_OF_TWO.contains(&(name, second)) => without_options(&rest[1..]),
            () => return words,
        };
    }
    words
}

fn without_options(words: &[String]) -> &[String] {
    let is_option = |word: &&String| word.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    &words[words.iter().take_while(is_option).count()..]
}

/// The commands of a line of a shell, split where no quote is open.
fn commands(line: &str) -> Vec<String> {
    let (mut all, mut quote, mut is_escaped) = (vec![String::new()], None, false);
    for c in line.chars() {
        let ends =
            quote.is_none() && !is_escaped && matches!(c, ';' | '&' | '|' | '\n' | '(' | ')');
        if ends {
            all.push(String::new());
            continue;
        }
        if is_escaped {
            is_escaped = false;
        } else {
            is_escaped = c == '\\' && quote != Some('\'');
            match quote {
                None if matches!(c, '\'' | '"') => quote = Some(c),
                Some(open) if open == c => quote = None,
                _ => {}
            }
        }
        all.last_mut().into_iter().for_each(|command| command.push(c));
    }
    all
}

fn scripts_of(file: &Path) -> serde_json::Map<String, serde_json::Value> {
    let is_fit = std::fs::metadata(file).is_ok_and(|file| file.len() <= MAX_PACKAGE);
    let text = is_fit.then(|| std::fs::read(file).ok()).flatten().unwrap_or_default();
    match serde_json::from_slice::<serde_json::Value>(&text) {
        Ok(mut package) => match package["scripts"].take() {
            serde_json::Value::Object(scripts) => scripts,
            _ => serde_json::Map::new(),
        },
        Err(_) => serde_json::Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const FILES: [&str; 9] = [
        "check.sh",
        "scripts/lint.py",
        "scripts/run.js",
        "tests/test_a.py",
        "src/main.py",
        "conf/lint.yml",
        "web/e2e.sh",
        "a b.sh",
        "mvnw",
    ];

    /// The files of a gate in a repository that has these.
    #[track_caller]
    fn check(command: &str, expect: &[&str]) {
        let root = tempfile::tempdir().unwrap();
        for file in FILES {
            fs::create_dir_all(root.path().join(file).parent().unwrap()).unwrap();
            fs::write(root.path().join(file), "").unwrap();
        }
        let package = r#"{"scripts": {"test": "npm run unit && node scripts/run.js",
            "unit": "jest", "posttest": "npm test"}}"#;
        fs::write(root.path().join("package.json"), package).unwrap();
        let command = ["sh", "-c", command].map(str::to_owned);
        let found = gate_files(&[GateCommand { command: &command, dir: root.path() }], root.path());
        let shown = |(file, lines): (&String, &GateLines)| match lines {
            GateLines::Scripts(names) => {
                format!("{file}:{}", names.iter().cloned().collect::<Vec<_>>().join(","))
            }
            _ => file.clone(),
        };
        assert_eq!(found.files.iter().map(shown).collect::<Vec<_>>(), expect, "{command:?}");
    }

    #[test]
    fn what_is_run_counts_and_what_is_checked_does_not() {
        check("./check.sh --fast", &["check.sh"]);
        check("sh check.sh", &["check.sh"]);
        check("bash -ec './check.sh'", &["check.sh"]);
        check("A=1 timeout 60 python3 -u scripts/lint.py src/main.py", &["scripts/lint.py"]);
        check("cd web && ./e2e.sh; cd .. && sh 'a b.sh'", &["a b.sh", "web/e2e.sh"]);
        check("yamllint --config=conf/lint.yml .", &["conf/lint.yml"]);
        check("pytest tests/test_a.py && ruff check src/main.py", &[]);
        check("cargo test; /bin/true ../outside.sh nowhere.sh", &[]);
        check("uv run pytest 'unclosed", &[]);
    }

    #[test]
    fn runners_read_their_files_whether_they_are_there_or_not() {
        check("make test", &["GNUmakefile", "Makefile", "makefile"]);
        check("make -C web", &["web/GNUmakefile", "web/Makefile", "web/makefile"]);
        check("uv run tox -e py", &["tox.ini"]);
        check("./mvnw verify", &["mvnw", "pom.xml"]);
        check("cargo xtask test", &[".cargo/config.toml"]);
    }

    #[test]
    fn scripts_of_a_package_are_followed() {
        let all =
            "package.json:postposttest,posttest,postunit,prepretest,pretest,preunit,test,unit";
        let all = all.replace("postposttest,", "").replace("prepretest,", "");
        check("npm test", &[&all, "scripts/run.js"]);
        check("yarn lint", &["package.json:lint,postlint,prelint"]);
        check("pnpm --dir web run lint", &["web/package.json:lint,postlint,prelint"]);
    }

    #[test]
    fn a_task_program_counts_wherever_it_lies() {
        let command = ["cargo", "xtask"].map(str::to_owned);
        let root = Path::new("/repo");
        let found = gate_files(&[GateCommand { command: &command, dir: root }], root);
        assert_eq!(found.lines_of("tests/xtask/src/main.rs"), Some(GateLines::All));
        assert_eq!(found.lines_of("src/xtask.rs"), None);
    }
}
