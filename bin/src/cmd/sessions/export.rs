//! `codeloops sessions export`: a session and its evidence in one file.
//!
//! The names in it are those below the data directory, `sessions/<id>.jsonl` and `runs/<run id>/...`, so
//! that it is unpacked where sessions are read. The same session gives the same bytes.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use codeloops_session::{Session, SessionStatus, SessionStore};
use codeloops_sinks::words;
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};
use tempfile::NamedTempFile;

use super::{pick, store_error, tell};
use crate::app::ExportArgs;
use crate::error::CliError;
use crate::output::Printer;
use crate::world::World;

/// The archive belongs to nobody but who packed it: agents may have printed anything.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// Packs the session that is meant.
pub(super) fn export(
    args: &ExportArgs,
    store: &SessionStore,
    world: &World,
    printer: &mut Printer,
) -> Result<(), CliError> {
    let to_stdout = args.output == Path::new("-");
    if to_stdout && world.terminal.stdout {
        return Err(CliError::usage("an archive cannot be shown on a terminal")
            .hint("redirect it, or name a file with `--output`"));
    }
    let output = if to_stdout { None } else { Some(target(args, world)?) };
    let id = pick::wanted(args.id.as_deref(), store, world, printer)?;
    let session = store.load_session(&id).map_err(|error| store_error(&error))?;
    tell(&session.warnings, printer);
    let contents = Contents::of(&session, store.path_of(&id));
    match output {
        None => {
            let mut bytes = Vec::new();
            contents.pack(&mut bytes).map_err(|error| error.told())?;
            printer.bytes(&bytes)?;
        }
        Some(path) => {
            let size = save(&contents, args, &path)?;
            let files = words::count(contents.files.len() as u64, "file", "files");
            let name = args.output.display();
            printer.note(&format!("Wrote `{name}`: {files}, {size} bytes\n"));
        }
    }
    contents.left_out.iter().for_each(|text| printer.warning(text.clone()));
    Ok(())
}

/// Where the archive goes; refused before anything is read where that is taken.
fn target(args: &ExportArgs, world: &World) -> Result<PathBuf, CliError> {
    let path = world.env.current_dir()?.join(&args.output);
    if path.is_dir() {
        return Err(CliError::usage(format!("`{}` is a directory", args.output.display()))
            .hint("name a file, such as `session.tar.gz`"));
    }
    if !args.force && path.symlink_metadata().is_ok() {
        return Err(taken(&args.output));
    }
    Ok(path)
}

fn taken(path: &Path) -> CliError {
    CliError::failed(format!("`{}` is there already", path.display()))
        .hint("name another file, or overwrite it with `--force`")
}

/// Writes a draft beside the file and puts it in its place. Gives its size.
fn save(contents: &Contents, args: &ExportArgs, path: &Path) -> Result<u64, CliError> {
    let failed = |error: &io::Error| {
        CliError::failed(format!("`{}` cannot be written: {error}", args.output.display()))
            .hint("name a file in a directory that you may write to with `--output`")
    };
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let draft = tempfile::Builder::new().prefix(".codeloops-").suffix(".draft").tempfile_in(dir);
    let mut draft: NamedTempFile = draft.map_err(|error| failed(&error))?;
    match contents.pack(io::BufWriter::new(draft.as_file_mut())) {
        Err(PackError::Write(error)) => return Err(failed(&error)),
        packed => packed.map_err(|error| error.told())?,
    }
    let size = draft.as_file().metadata().map_err(|error| failed(&error))?.len();
    let placed = if args.force { draft.persist(path) } else { draft.persist_noclobber(path) };
    match placed {
        Ok(_) => Ok(size),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
            Err(taken(&args.output))
        }
        Err(error) => Err(failed(&error.error)),
    }
}

/// What goes into an archive.
struct Contents {
    /// Its times are all this one, in seconds: what is packed stays the same, its files' times do not.
    at: u64,
    folders: Vec<String>,
    files: Vec<(Name, PathBuf)>,
    /// What does not, and why.
    left_out: Vec<String>,
}

/// A name in the archive.
type Name = PathBuf;

/// Why an archive could not be made.
enum PackError {
    Read { path: PathBuf, error: io::Error },
    Write(io::Error),
}

impl PackError {
    fn told(&self) -> CliError {
        match self {
            Self::Read { path, error } => {
                CliError::failed(format!("`{}` cannot be read: {error}", path.display()))
            }
            Self::Write(error) => {
                CliError::failed(format!("the archive cannot be written: {error}"))
            }
        }
    }
}

impl Contents {
    fn of(session: &Session, file: PathBuf) -> Self {
        let at = u64::try_from(session.start.timestamp.timestamp()).unwrap_or_default();
        let name = PathBuf::from(format!("sessions/{}.jsonl", session.id));
        let mut contents =
            Self { at, folders: Vec::new(), files: vec![(name, file)], left_out: Vec::new() };
        if session.status == SessionStatus::Running {
            contents
                .left_out
                .push("it is still running: what it does from now on is left out".into());
        }
        contents.evidence(session);
        contents
    }

    /// A session may come from anywhere, and name any folder: only one that is named as its run is
    /// taken for its evidence.
    fn evidence(&mut self, session: &Session) {
        let Some((run_id, kept)) = session.start.run_id.as_ref().zip(session.evidence.as_ref())
        else {
            return;
        };
        let path = Path::new(&kept.path);
        let is_its_own = path.file_name().is_some_and(|name| name == run_id.as_str())
            && path.symlink_metadata().is_ok_and(|meta| meta.is_dir());
        if is_its_own {
            self.folder(path, &PathBuf::from(format!("runs/{run_id}")));
        } else {
            let why = if kept.exists { "is no folder of this run" } else { "is not there" };
            self.left_out.push(format!("the evidence `{}` {why}; left out", kept.path));
        }
    }

    /// What is in a folder, in the order of the names. Links are not followed, and what is no file is
    /// not opened: it could be waited for.
    fn folder(&mut self, folder: &Path, name: &Path) {
        self.folders.push(format!("{}/", name.display()));
        let entries = fs::read_dir(folder).map(|entries| entries.flatten().collect::<Vec<_>>());
        let Ok(mut entries) = entries else {
            return self.left_out.push(format!("`{}` cannot be read; left out", folder.display()));
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (path, name) = (entry.path(), name.join(entry.file_name()));
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.folder(&path, &name),
                Ok(kind) if kind.is_file() => self.files.push((name, path)),
                _ => self.left_out.push(format!("`{}` is no file; left out", path.display())),
            }
        }
    }

    /// Writes the archive.
    fn pack(&self, writer: impl Write) -> Result<(), PackError> {
        let gzip: GzEncoder<_> = GzBuilder::new().write(writer, Compression::default());
        let mut archive = Builder::new(gzip);
        for folder in &self.folders {
            let mut header = self.header(EntryType::Directory, FOLDER_MODE, 0);
            archive.append_data(&mut header, folder, io::empty()).map_err(PackError::Write)?;
        }
        for (name, path) in &self.files {
            self.file(&mut archive, name, path)?;
        }
        let finished = archive.into_inner().and_then(GzEncoder::finish);
        finished.and_then(|mut writer| writer.flush()).map_err(PackError::Write)
    }

    /// Packs as many bytes as the file has now, however it grows meanwhile.
    fn file(
        &self,
        archive: &mut Builder<impl Write>,
        name: &Path,
        path: &Path,
    ) -> Result<(), PackError> {
        let unread = |error| PackError::Read { path: path.to_owned(), error };
        let file = File::open(path).map_err(unread)?;
        let size = file.metadata().map_err(unread)?.len();
        let mut header = self.header(EntryType::Regular, FILE_MODE, size);
        // One that got shorter is filled up: the archive has told its size.
        let content = file.take(size).chain(io::repeat(0)).take(size);
        archive.append_data(&mut header, name, content).map_err(PackError::Write)
    }

    fn header(&self, kind: EntryType, mode: u32, size: u64) -> Header {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_mtime(self.at);
        header.set_size(size);
        header
    }
}
