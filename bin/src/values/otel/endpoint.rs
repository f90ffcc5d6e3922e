//! The address of a receiver of OTLP.

use std::str::FromStr;

use http::uri::{Authority, PathAndQuery};

use super::Protocol;
use crate::values::ValueError;

/// The port that the specification gives OTLP over HTTP; that of gRPC is 4317.
const HTTP_PORT: u16 = 4318;

/// The address of a receiver. It holds no credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    scheme: Option<Scheme>,
    authority: Authority,
    path: PathAndQuery,
}

/// Whether requests are encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

impl Endpoint {
    /// Reads an address that says whether requests are encrypted, as flags and files must.
    ///
    /// # Errors
    /// As [`Endpoint::from_str`], and where it begins with no scheme.
    pub fn with_scheme(text: &str) -> Result<Self, ValueError> {
        let endpoint: Self = text.parse()?;
        endpoint.known_scheme()?;
        Ok(endpoint)
    }

    /// The protocol that the address speaks of, where it does: that of gRPC has no path.
    #[must_use]
    pub fn protocol(&self) -> Option<Protocol> {
        let is_http = self.authority.port_u16() == Some(HTTP_PORT) || self.has_path();
        is_http.then_some(Protocol::HttpProtobuf)
    }

    /// What is connected to by gRPC. `insecure` decides where the address has no scheme.
    ///
    /// # Errors
    /// Where the address has a path.
    pub fn origin(&self, insecure: bool) -> Result<String, ValueError> {
        if self.has_path() {
            return refuse("an address for `grpc` has no path; does it take `http/protobuf`?");
        }
        let unknown = if insecure { Scheme::Http } else { Scheme::Https };
        let scheme = self.scheme.unwrap_or(unknown);
        Ok(format!("{}{}", scheme.as_str(), self.authority))
    }

    /// What is posted to by HTTP, where the address is that of all signals.
    ///
    /// # Errors
    /// Where it has no scheme, a query, or already the path of a signal.
    pub fn below(&self, signal: &str) -> Result<String, ValueError> {
        if self.path.query().is_some() {
            return refuse("a query has no place in an address that a path is added to");
        }
        let path = self.path.path().trim_end_matches('/');
        if SIGNALS.iter().any(|signal| path.ends_with(signal)) {
            return refuse(
                "it ends with the path of a signal, such as `/v1/traces`, which codeloops adds; \
                 leave that out",
            );
        }
        Ok(format!("{}{}{path}{signal}", self.known_scheme()?.as_str(), self.authority))
    }

    /// What is posted to by HTTP, where the address is that of one signal.
    ///
    /// # Errors
    /// Where it has no scheme.
    pub fn whole(&self) -> Result<String, ValueError> {
        Ok(format!("{}{}{}", self.known_scheme()?.as_str(), self.authority, self.path))
    }

    fn has_path(&self) -> bool {
        self.path.as_str() != "/"
    }

    fn known_scheme(&self) -> Result<Scheme, ValueError> {
        self.scheme.map_or_else(
            || {
                refuse(
                    "it must begin with `http://`, or with `https://` for an encrypted connection",
                )
            },
            Ok,
        )
    }
}

/// The paths of all signals.
const SIGNALS: [&str; 4] = ["/v1/traces", "/v1/metrics", "/v1/logs", "/v1development/profiles"];

/// No message quotes the address: what is wrong with it may be a password.
impl FromStr for Endpoint {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let text = text.trim();
        if text.split('?').next().is_some_and(|address| address.contains('@')) {
            return refuse(
                "it has a user or a password before an `@`, which would be seen; credentials are \
                 given as headers",
            );
        }
        if text.contains('#') {
            return refuse("it has a fragment (`#`)");
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.parse()?), rest),
            None => (None, text),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let path = if path.is_empty() { "/" } else { path };
        let wrong = |_| ValueError("it is not a URL, such as `http://127.0.0.1:4317`".to_owned());
        Ok(Self {
            scheme,
            authority: parse_authority(authority)?,
            path: path.parse().map_err(wrong)?,
        })
    }
}

fn parse_authority(text: &str) -> Result<Authority, ValueError> {
    if text.is_empty() || text.starts_with(':') {
        return refuse("it has no host");
    }
    let authority: Authority = text
        .parse()
        .map_err(|_| ValueError("its host and port are not such as `collector:4317`".to_owned()))?;
    let has_port = authority.host().len() < authority.as_str().len();
    if has_port && !matches!(authority.port_u16(), Some(1..)) {
        return refuse("its port is not a number from 1 to 65535");
    }
    Ok(authority)
}

impl Scheme {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http://",
            Self::Https => "https://",
        }
    }
}

impl FromStr for Scheme {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text.to_ascii_lowercase().as_str() {
            "http" => Ok(Self::Http),
            "https" => Ok(Self::Https),
            _ => refuse("its scheme is neither `http` nor `https`"),
        }
    }
}

fn refuse<T>(why: &str) -> Result<T, ValueError> {
    Err(ValueError(why.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Endpoint {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_connected_to_depends_on_the_protocol() {
        for (text, grpc, base, whole) in [
            ("http://h:4317", "http://h:4317", "http://h:4317/v1/traces", "http://h:4317/"),
            ("HTTPS://h/", "https://h", "https://h/v1/traces", "https://h/"),
            ("http://[::1]:1", "http://[::1]:1", "http://[::1]:1/v1/traces", "http://[::1]:1/"),
        ] {
            let endpoint = of(text);
            assert_eq!(endpoint.origin(true).as_deref(), Ok(grpc));
            assert_eq!(endpoint.below("/v1/traces").as_deref(), Ok(base));
            assert_eq!(endpoint.whole().as_deref(), Ok(whole));
        }
        let gateway = of("https://h/otlp/");
        assert!(gateway.origin(true).is_err());
        assert_eq!(gateway.below("/v1/metrics").as_deref(), Ok("https://h/otlp/v1/metrics"));
        assert_eq!(of("https://h/x?key=1").whole().as_deref(), Ok("https://h/x?key=1"));
        assert!(of("https://h/x?key=1").below("/v1/traces").is_err());
        assert!(of("https://h/v1/traces").below("/v1/traces").is_err());
    }

    #[test]
    fn without_a_scheme_grpc_is_encrypted_unless_told_otherwise_and_http_is_refused() {
        let endpoint = of("h:4317");
        assert_eq!(endpoint.origin(false).as_deref(), Ok("https://h:4317"));
        assert_eq!(endpoint.origin(true).as_deref(), Ok("http://h:4317"));
        assert_eq!(of("http://h").origin(false).as_deref(), Ok("http://h"));
        assert!(endpoint.below("/v1/traces").is_err());
        assert!(endpoint.whole().is_err());
        assert!(Endpoint::with_scheme("h:4317").is_err());
    }

    #[test]
    fn the_port_of_http_and_a_path_speak_of_http() {
        let speaks = |text| of(text).protocol();
        assert_eq!(speaks("http://h:4318"), Some(Protocol::HttpProtobuf));
        assert_eq!(speaks("https://h/otlp"), Some(Protocol::HttpProtobuf));
        assert_eq!((speaks("http://h:4317/"), speaks("h")), (None, None));
    }

    #[test]
    fn what_is_no_address_is_refused_and_a_password_is_never_quoted() {
        for wrong in [
            "",
            "http://",
            "http:///v1/traces",
            "http://:4317",
            "http://h:",
            "http://h:0",
            "http://h:70000",
            "http://h:x",
            "http://a b",
            "http://h/#here",
            "ftp://h",
            "unix:/run/x.sock",
            "http://me:s3cret@h",
            "http://me:s3/cret@h",
            "me:s3cret@h:4317",
            "s3cret://h",
        ] {
            let error = wrong.parse::<Endpoint>().unwrap_err().to_string();
            assert!(!error.contains("s3"), "{error}");
        }
    }
}
