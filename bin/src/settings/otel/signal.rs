//! Where spans or metrics go, and how.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::origin::{Layers, Origin, Sourced, of_file};
use super::by_default;
use super::credentials::Credentials;
use super::variables::{boolean, strict};
use crate::app::OtelArgs;
use crate::config::{ConfigFile, Located};
use crate::error::CliError;
use crate::text::path_from;
use crate::values::otel::{Compression, Endpoint, Headers, Protocol};
use crate::values::{ValueError, Words};
use crate::world::Environment;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The flag of the address.
const ENDPOINT: &str = "--otel-endpoint";

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Spans.
    Traces,
    /// Metrics.
    Metrics,
}

/// How a signal is sent.
#[derive(Debug, Clone)]
pub struct SignalSettings {
    /// With gRPC what is connected to, with HTTP what is posted to.
    pub url: Sourced<String>,
    /// How the receiver is spoken to.
    pub protocol: Sourced<Protocol>,
    /// What each request carries.
    pub headers: Sourced<Headers>,
    /// Whether requests are packed.
    pub compression: Sourced<Compression>,
    /// How long one request may take.
    pub timeout: Sourced<Duration>,
    /// Certificates that are trusted instead of the system's; a file, absolute.
    pub certificate: Option<Sourced<PathBuf>>,
    /// Our own certificate; a file, absolute.
    pub client_certificate: Option<Sourced<PathBuf>>,
    /// Its key; a file, absolute.
    pub client_key: Option<Sourced<PathBuf>>,
    /// Which of headers, our own certificate and its key are set up, but for another receiver.
    pub withheld: Vec<(&'static str, Origin)>,
}

/// An address, and whether it is that of all signals, to which a path is added.
struct Address {
    endpoint: Endpoint,
    is_base: bool,
}

impl SignalSettings {
    pub(super) fn resolve(
        signal: Signal,
        args: &OtelArgs,
        layers: Layers<'_>,
        env: &Environment,
    ) -> Result<Self, CliError> {
        let places = Places { signal, layers, env };
        let address = places.address(args)?;
        let protocol = places.protocol(args, address.as_ref())?;
        let timeout = places.find("TIMEOUT", milliseconds, |f| &f.sinks.otel.timeout)?;
        let compression = places.find("COMPRESSION", word, |f| &f.sinks.otel.compression)?;
        let receiver = address.as_ref().map(|address| &address.origin);
        let Credentials { headers, client_certificate, client_key, withheld } =
            Credentials::resolve(places, receiver)?;
        Ok(Self {
            url: places.url(address, protocol.value)?,
            protocol,
            headers: headers.unwrap_or(by_default(Headers::default())),
            compression: compression.unwrap_or(by_default(Compression::None)),
            timeout: timeout.unwrap_or(by_default(TIMEOUT)),
            certificate: places.path("CERTIFICATE", |f| &f.sinks.otel.certificate)?,
            client_certificate,
            client_key,
            withheld,
        })
    }

    /// The address without its query, which may hold a key.
    #[must_use]
    pub fn address(&self) -> &str {
        let url = &self.url.value;
        url.split_once('?').map_or(url, |(address, _)| address)
    }

    /// The address as it is shown.
    pub(super) fn shown_url(&self) -> String {
        let has_query = self.url.value.contains('?');
        format!("{}{}", self.address(), if has_query { "?…" } else { "" })
    }

    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.url.value.starts_with("https://")
    }

    /// The files of the authorities that are trusted, of our own certificate and of its key, where the
    /// connection is encrypted.
    #[must_use]
    pub fn pem_paths(&self) -> [Option<&PathBuf>; 3] {
        let files = [&self.certificate, &self.client_certificate, &self.client_key];
        files.map(|file| file.as_ref().filter(|_| self.is_encrypted()).map(|file| &file.value))
    }

    /// The files that are named, by the keys that name them.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'static str, Option<&Sourced<PathBuf>>)> {
        [
            ("certificate", self.certificate.as_ref()),
            ("client_certificate", self.client_certificate.as_ref()),
            ("client_key", self.client_key.as_ref()),
        ]
        .into_iter()
    }
}

/// Where values of one signal are looked for.
#[derive(Clone, Copy)]
pub(super) struct Places<'a> {
    pub(super) signal: Signal,
    pub(super) layers: Layers<'a>,
    pub(super) env: &'a Environment,
}

impl Places<'_> {
    /// The variables first, that of the signal before that of all, then the files.
    pub(super) fn find<T: Clone>(
        self,
        what: &str,
        parse: impl Fn(&str) -> Result<T, ValueError>,
        key: impl Fn(&ConfigFile) -> &Option<Located<T>>,
    ) -> Result<Option<Sourced<T>>, CliError> {
        let found = strict(self.env, &self.names(what), parse)?;
        Ok(found.or_else(|| self.layers.find("", None, key)))
    }

    fn names(self, what: &str) -> [String; 2] {
        [self.signal.variable(what), general(what)]
    }

    /// The address that somebody named.
    fn address(self, args: &OtelArgs) -> Result<Option<Sourced<Address>>, CliError> {
        let base = |endpoint| Address { endpoint, is_base: true };
        if let Some(text) = &args.otel_endpoint {
            let origin = Origin::Flag(ENDPOINT);
            let endpoint = Endpoint::with_scheme(text).map_err(|error| refused(&origin, &error))?;
            return Ok(Some(Sourced { value: base(endpoint), origin }));
        }
        let whole = |text: &str| Ok(Address { endpoint: text.parse()?, is_base: false });
        if let Some(address) = strict(self.env, &[self.signal.variable("ENDPOINT")], whole)? {
            return Ok(Some(address));
        }
        let all = |text: &str| text.parse().map(base);
        if let Some(address) = strict(self.env, &[general("ENDPOINT")], all)? {
            return Ok(Some(address));
        }
        let of_file = self.layers.find("", None, |f| &f.sinks.otel.endpoint);
        Ok(of_file.map(|found| Sourced { value: base(found.value), origin: found.origin }))
    }

    /// What is named, else what the address speaks of, else gRPC.
    fn protocol(
        self,
        args: &OtelArgs,
        address: Option<&Sourced<Address>>,
    ) -> Result<Sourced<Protocol>, CliError> {
        if let Some(value) = args.otel_protocol {
            return Ok(Sourced { value, origin: Origin::Flag("--otel-protocol") });
        }
        if let Some(named) = self.find("PROTOCOL", word, |f| &f.sinks.otel.protocol)? {
            return Ok(named);
        }
        let told = address.and_then(|address| {
            let value = address.value.endpoint.protocol()?;
            Some(Sourced { value, origin: address.origin.clone() })
        });
        Ok(told.unwrap_or(by_default(Protocol::Grpc)))
    }

    fn url(
        self,
        address: Option<Sourced<Address>>,
        protocol: Protocol,
    ) -> Result<Sourced<String>, CliError> {
        let path = self.signal.path();
        let Some(Sourced { value: Address { endpoint, is_base }, origin }) = address else {
            return Ok(by_default(match protocol {
                Protocol::Grpc => "http://127.0.0.1:4317".to_owned(),
                Protocol::HttpProtobuf => format!("http://127.0.0.1:4318{path}"),
            }));
        };
        let insecure = strict(self.env, &self.names("INSECURE"), boolean)?;
        let url = match protocol {
            Protocol::Grpc => endpoint.origin(insecure.is_some_and(|insecure| insecure.value)),
            Protocol::HttpProtobuf if is_base => endpoint.below(path),
            Protocol::HttpProtobuf => endpoint.whole(),
        };
        let value = url.map_err(|error| refused(&origin, &error))?;
        Ok(Sourced { value, origin })
    }

    /// A path of a variable begins at the current directory, one of a file at the file's folder.
    pub(super) fn path(
        self,
        what: &str,
        key: impl Fn(&ConfigFile) -> &Option<Located<PathBuf>>,
    ) -> Result<Option<Sourced<PathBuf>>, CliError> {
        let named = strict(self.env, &self.names(what), |text| Ok(PathBuf::from(text)))?;
        if let Some(Sourced { value, origin }) = named {
            return Ok(Some(Sourced { value: path_from(self.env.current_dir()?, &value), origin }));
        }
        Ok(self.layers.config.layers().find_map(|file| {
            let mut path = of_file(file, key(file).as_ref()?);
            let folder = file.path.parent().unwrap_or(Path::new(""));
            path.value = path_from(folder, &path.value);
            Some(path)
        }))
    }
}

impl Signal {
    /// The variable that is of this signal alone.
    fn variable(self, what: &str) -> String {
        let signal = match self {
            Self::Traces => "TRACES",
            Self::Metrics => "METRICS",
        };
        format!("OTEL_EXPORTER_OTLP_{signal}_{what}")
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Metrics => "/v1/metrics",
        }
    }
}

/// The variable that is of all signals.
fn general(what: &str) -> String {
    format!("OTEL_EXPORTER_OTLP_{what}")
}

/// The error for an address, wherever it stands.
fn refused(origin: &Origin, error: &ValueError) -> CliError {
    let (place, hint) = match origin {
        Origin::Environment(name) => (format!("`{name}`"), "correct or unset the variable"),
        Origin::File { .. } => (origin.to_string(), "correct or remove the key"),
        _ => (format!("`{origin}`"), "give another one, such as `http://127.0.0.1:4317`"),
    };
    CliError::usage(format!("{place} is not accepted: {error}")).hint(hint)
}

/// Words of variables are read in any case.
fn word<T: Words>(text: &str) -> Result<T, ValueError> {
    T::from_word(&text.to_ascii_lowercase())
}

fn milliseconds(text: &str) -> Result<Duration, ValueError> {
    let number = text.parse::<u32>().ok().filter(|number| *number > 0);
    let wrong = || ValueError("it takes a whole number of milliseconds from 1 on".to_owned());
    number.map(|number| Duration::from_millis(number.into())).ok_or_else(wrong)
}
