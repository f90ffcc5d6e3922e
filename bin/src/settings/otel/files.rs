//! The files by which a receiver is trusted, and by which it trusts us.

use std::fmt;
use std::path::{Path, PathBuf};

use super::super::origin::Sourced;
use super::SignalSettings;
use crate::config::read_file;
use crate::error::CliError;

/// What the files of an encrypted connection hold, in PEM.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PemFiles {
    /// Certificates that are trusted instead of the system's.
    pub certificates: Option<Vec<u8>>,
    /// Our own certificate and its key.
    pub client: Option<(Vec<u8>, Vec<u8>)>,
}

/// Without the key.
impl fmt::Debug for PemFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PemFiles").finish_non_exhaustive()
    }
}

impl SignalSettings {
    /// Reads the files of an encrypted connection; none where it is not encrypted.
    ///
    /// # Errors
    /// Where one is missing, cannot be read or does not hold what it should, and where of our own
    /// certificate and its key only one is named.
    pub fn read_files(&self) -> Result<PemFiles, CliError> {
        if !self.is_encrypted() {
            return Ok(PemFiles::default());
        }
        let certificates = self.certificate.as_ref().map(|file| read(file, CERTIFICATE));
        let client = match (&self.client_certificate, &self.client_key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => {
                Some((read(certificate, CERTIFICATE)?, read(key, KEY)?))
            }
            (Some(only), None) => return Err(alone(only, "client_key")),
            (None, Some(only)) => return Err(alone(only, "client_certificate")),
        };
        Ok(PemFiles { certificates: certificates.transpose()?, client })
    }

    /// A warning for each file that a connection without encryption has no use for.
    pub(super) fn unused_files(&self) -> Vec<String> {
        if self.is_encrypted() {
            return Vec::new();
        }
        let (named, url) = (self.files().filter_map(|(_, file)| file), self.shown_url());
        let unused = named.map(|file| {
            let path = file.value.display();
            format!("`{path}` is not used: `{url}` is not encrypted ({})", file.origin)
        });
        unused.collect()
    }
}

/// What a file holds: its name, and the labels of which it has at least one.
type Kind = (&'static str, &'static [&'static str]);

const CERTIFICATE: Kind = ("certificate", &["CERTIFICATE"]);
const KEY: Kind = ("private key", &["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"]);

/// The label of a key that has a passphrase.
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";

fn read(file: &Sourced<PathBuf>, (what, labels): Kind) -> Result<Vec<u8>, CliError> {
    let path = &file.value;
    let refuse = |why: &str| {
        CliError::failed(format!("the {what} `{}` {why}", path.display()))
            .hint(format!("it is named by {}", file.origin))
    };
    let bytes = read_file(path).map_err(|error| refuse(&format!("cannot be read: {error}")))?;
    let text = String::from_utf8_lossy(&bytes);
    if labels.iter().any(|label| has_section(&text, label)) {
        return Ok(bytes);
    }
    Err(refuse(match has_section(&text, ENCRYPTED) {
        true => "has a passphrase, for which codeloops cannot ask",
        false => "holds none in PEM",
    }))
}

fn has_section(text: &str, label: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    lines.any(|line| line == format!("-----BEGIN {label}-----"))
        && lines.any(|line| line == format!("-----END {label}-----"))
}

fn alone(file: &Sourced<PathBuf>, other: &str) -> CliError {
    let shown: &Path = &file.value;
    CliError::usage(format!("`{}` is named without a `{other}`", shown.display()))
        .hint(format!("{} names it: name both or none", file.origin))
}
