//! The versions of the agents' programs: each is asked once, and again when its file is another.

use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use codeloops_adapters::ask::Question;
use codeloops_adapters::resolve::ResolvedAgent;
use codeloops_adapters::version::{Understood, Version, VersionState};
use codeloops_event::RunId;
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use crate::world::World;

/// How long a program may take to tell its version. The slowest took 3 s on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes of the file that are read: many times what all agents take.
const LARGEST: u64 = 1024 * 1024;

/// How long an answer is believed: some programs are another version behind the same file (asdf, mise,
/// a script of the user's).
const FRESH_SECS: i64 = 24 * 60 * 60;

/// What is remembered of the programs that were asked, in a file. It may go at any time: then they
/// are asked again.
pub(crate) struct VersionCache {
    /// None where it is not known where it could stand.
    path: Option<PathBuf>,
    /// Seconds since 1970.
    now: i64,
    entries: Vec<Entry>,
}

/// What a program told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    program: PathBuf,
    /// Which file it was.
    file: FileMark,
    /// The folder that it was asked in: some machines choose the version of a program by it.
    dir: PathBuf,
    /// The words that it was asked with, those of its command included.
    args: Vec<String>,
    /// What it told.
    version: String,
    /// When, in seconds since 1970.
    asked_at: i64,
}

impl Entry {
    fn is_of(&self, agent: &ResolvedAgent, dir: &Path) -> bool {
        self.program == agent.program && self.dir == dir && self.args == words(agent)
    }

    fn is_fresh(&self, now: i64) -> bool {
        (0..FRESH_SECS).contains(&now.saturating_sub(self.asked_at))
    }
}

/// What changes when a program is replaced by another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct FileMark {
    path: PathBuf,
    device: u64,
    inode: u64,
    bytes: u64,
    changed_secs: i64,
    changed_nanos: i64,
}

impl FileMark {
    fn of(program: &Path) -> io::Result<Self> {
        let path = program.canonicalize()?;
        let found = fs::metadata(&path)?;
        Ok(Self {
            path,
            device: found.dev(),
            inode: found.ino(),
            bytes: found.size(),
            changed_secs: found.ctime(),
            changed_nanos: found.ctime_nsec(),
        })
    }
}

impl VersionCache {
    /// What is remembered where `world` has its cache. What cannot be read is as good as none.
    pub(crate) fn of(world: &World) -> Self {
        let path = world.env.cache_dir().ok().map(|dir| dir.join("versions.json"));
        Self::read(path, world.clock.now().at.timestamp())
    }

    fn read(path: Option<PathBuf>, now: i64) -> Self {
        let text = path.as_ref().and_then(|path| text_of(path).ok()).unwrap_or_default();
        Self { path, now, entries: serde_json::from_slice(&text).unwrap_or_default() }
    }

    /// What is known of the version of a program, where it is the one that was asked.
    pub(crate) fn get(&self, agent: &ResolvedAgent, dir: &Path) -> Option<VersionState> {
        let entry = self.entries.iter().find(|entry| entry.is_of(agent, dir))?;
        let same = entry.is_fresh(self.now) && FileMark::of(&agent.program).ok()? == entry.file;
        let version = same.then(|| Version::find_in(&entry.version))??;
        Some(agent.spec.understood.judge(version))
    }

    /// Takes over what a program told. Where it cannot be written, the program is asked again.
    pub(crate) fn put(&mut self, agent: &ResolvedAgent, dir: &Path, state: &VersionState) {
        self.entries.retain(|entry| !entry.is_of(agent, dir) && entry.is_fresh(self.now));
        let file = FileMark::of(&agent.program).ok();
        self.entries.extend(state.version().zip(file).map(|(version, file)| Entry {
            program: agent.program.clone(),
            file,
            dir: dir.to_owned(),
            args: words(agent),
            version: version.to_string(),
            asked_at: self.now,
        }));
        if let Err(error) = self.write() {
            tracing::debug!(%error, "the versions of agents are not remembered");
        }
    }

    /// The whole file or nothing: another codeloops may read it.
    fn write(&self) -> io::Result<()> {
        let Some((path, dir)) = self.path.as_ref().and_then(|path| Some((path, path.parent()?)))
        else {
            return Ok(());
        };
        fs::create_dir_all(dir)?;
        let draft = tempfile::NamedTempFile::new_in(dir)?;
        serde_json::to_writer(&draft, &self.entries)?;
        draft.persist(path)?;
        Ok(())
    }
}

/// What the file says. What is no file could keep us waiting for ever.
fn text_of(path: &Path) -> io::Result<Vec<u8>> {
    let at_once = OFlags::NONBLOCK.bits().cast_signed();
    let file = fs::OpenOptions::new().read(true).custom_flags(at_once).open(path)?;
    let mut text = Vec::new();
    if file.metadata()?.is_file() {
        file.take(LARGEST).read_to_end(&mut text)?;
    }
    Ok(text)
}

/// Whether a program has to be asked: its row is for some versions only.
pub(crate) fn matters(agent: &ResolvedAgent) -> bool {
    let spec = &agent.spec;
    !spec.version_args.is_empty() && spec.understood != Understood::default()
}

/// Asks a program for its version, where a run would start it.
pub(crate) async fn ask(agent: &ResolvedAgent, dir: &Path, run_id: &RunId) -> VersionState {
    let question = Question {
        program: agent.program.clone(),
        args: words(agent),
        dir: dir.to_owned(),
        env: agent.spec.env.clone(),
        run_id: run_id.clone(),
        patience: PATIENCE,
    };
    VersionState::of(question.ask().await, &agent.spec.understood)
}

fn words(agent: &ResolvedAgent) -> Vec<String> {
    let spec = &agent.spec;
    spec.command.iter().skip(1).chain(&spec.version_args).cloned().collect()
}

#[cfg(test)]
mod tests {
    use codeloops_adapters::spec::AgentSpec;

    use super::*;

    fn agent(program: &Path) -> ResolvedAgent {
        let args = ["--version".to_owned()].into();
        let spec = AgentSpec { version_args: args, ..AgentSpec::new("mine", "Mine", &["mine"]) };
        ResolvedAgent { spec, program: program.to_owned() }
    }

    const NOW: i64 = 1_738_000_000;

    fn state(version: &str) -> VersionState {
        VersionState::Understood(Version::find_in(version).unwrap())
    }

    #[test]
    fn a_version_is_remembered_for_a_day_as_long_as_the_program_is_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let (path, program) = (dir.path().join("new/versions.json"), dir.path().join("mine"));
        fs::write(&program, "").unwrap();
        let agent = agent(&program);
        let at = |now| VersionCache::read(Some(path.clone()), now);
        let known = |now, dir: &Path| at(now).get(&agent, dir);
        at(NOW).put(&agent, dir.path(), &state("1.2.3"));
        at(NOW + 1).put(&agent, Path::new("/elsewhere"), &state("4.5.6"));
        assert_eq!(known(NOW, dir.path()), Some(state("1.2.3")));
        assert_eq!(known(NOW + 1, Path::new("/elsewhere")), Some(state("4.5.6")));
        assert_eq!(known(NOW + 1, Path::new("/nowhere")), None);
        assert_eq!(known(NOW + FRESH_SECS, dir.path()), None, "it is asked again each day");
        assert_eq!(known(NOW - 1, dir.path()), None, "the clock was put back");
        let mut asked_otherwise = agent.clone();
        asked_otherwise.spec.version_args.push("--quiet".to_owned());
        assert_eq!(at(NOW).get(&asked_otherwise, dir.path()), None);
        let silent = VersionState::Unreadable { printed: String::new() };
        at(NOW).put(&agent, dir.path(), &silent);
        assert_eq!(known(NOW, dir.path()), None, "what it last told counts");
        at(NOW).put(&agent, dir.path(), &state("1.2.3"));
        fs::write(&program, "another").unwrap();
        assert_eq!(known(NOW, dir.path()), None);
    }

    #[test]
    fn a_cache_that_is_damaged_or_has_no_place_remembers_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (path, program) = (dir.path().join("versions.json"), dir.path().join("mine"));
        fs::write(&program, "").unwrap();
        fs::write(&path, "[{ \"program\": ").unwrap();
        let agent = agent(&program);
        assert_eq!(VersionCache::read(Some(path), NOW).get(&agent, dir.path()), None);
        let pipe = dir.path().join("pipe");
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
        assert_eq!(VersionCache::read(Some(pipe), NOW).get(&agent, dir.path()), None);

        let mut nowhere = VersionCache::read(None, NOW);
        nowhere.put(&agent, dir.path(), &state("1.0.0"));
        assert_eq!(nowhere.get(&agent, dir.path()), Some(state("1.0.0")));
    }
}
