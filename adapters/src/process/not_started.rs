//! Says why a program did not start, in words that tell what to do.

use std::fs::File;
use std::io::{self, ErrorKind, Read};

use rustix::io::Errno;

use super::Invocation;

/// Bytes of a script in which the name of what runs it is looked for; Linux looks no further.
const LONGEST_NAME: u64 = 256;

/// What did not start, and why. The system has the same words for a program that is missing, for a
/// missing folder to start it in, and for a script whose interpreter is missing.
pub(crate) fn why_not_started(invocation: &Invocation, error: &io::Error) -> String {
    let Invocation { program, dir, .. } = invocation;
    let why = if !dir.is_dir() {
        format!("the working directory `{}` is gone", dir.display())
    } else if error.kind() == ErrorKind::NotFound
        && let Ok(file) = File::open(dir.join(program))
    {
        what_is_missing(file)
    } else if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) {
        format!("{error}; a script begins with the name of what runs it, like `#!/bin/sh`")
    } else {
        error.to_string()
    };
    format!("`{}`: {why}", program.display())
}

/// What a program that is there needs, and does not have.
fn what_is_missing(program: impl Read) -> String {
    let mut head = Vec::new();
    // What cannot be read begins with no name.
    drop(program.take(LONGEST_NAME).read_to_end(&mut head));
    let line = head.split(|&b| b == b'\n').next().unwrap_or_default();
    let name =
        line.strip_prefix(b"#!").map(|name| String::from_utf8_lossy(name.trim_ascii_start()));
    match name.as_deref().and_then(|name| name.split([' ', '\t']).next()) {
        Some(name) => {
            format!("its first line names `{}`, which is missing", name.escape_debug())
        }
        None => "the loader that it is to be run by is missing".to_owned(),
    }
}
