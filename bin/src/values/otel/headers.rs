//! Headers that each request to a receiver carries.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use http::HeaderName;

use super::pairs;
use crate::values::ValueError;

/// What a request has anyway; another value would make it malformed.
const OWN: [&str; 8] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
];

/// Headers by their names in lower case. The values are secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(BTreeMap<String, String>);

impl Headers {
    /// Adds one; of two of the same name the later stands.
    ///
    /// # Errors
    /// Where a request cannot have it. The message quotes no value.
    pub fn add(&mut self, name: &str, value: &str) -> Result<(), ValueError> {
        let refuse = |why: &str| Err(ValueError(why.to_owned()));
        let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
            return refuse("no header can be called that");
        };
        let name = name.as_str();
        if OWN.contains(&name) || name.starts_with("grpc-") {
            return refuse("codeloops sets that header itself");
        }
        if name.ends_with("-bin") {
            return refuse(
                "a name that ends in `-bin` is that of a binary header, which is not taken",
            );
        }
        if !value.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return refuse("the value of a header is printable ASCII");
        }
        self.0.insert(name.to_owned(), value.to_owned());
        Ok(())
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// As `OTEL_EXPORTER_OTLP_HEADERS` has them.
impl FromStr for Headers {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let mut headers = Self::default();
        for (at, (name, value)) in pairs(text)?.iter().enumerate() {
            let place = |error| ValueError(format!("header {}: {error}", at + 1));
            headers.add(name, value).map_err(place)?;
        }
        Ok(headers)
    }
}

/// Without the values.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_by_name() {
        let headers: Headers = "Authorization=Bearer%20t,x-tenant=a,x-tenant=b".parse().unwrap();
        let read: Vec<_> = headers.iter().collect();
        assert_eq!(read, [("authorization", "Bearer t"), ("x-tenant", "b")]);
        assert_eq!(format!("{headers:?}"), r#"{"authorization", "x-tenant"}"#);
    }

    #[test]
    fn what_no_request_can_have_is_refused_without_its_value() {
        for wrong in [
            "a b=s3cret",
            "a=s3cret%0Aset-cookie",
            "a=s3cret%C3%A9",
            "Host=s3cret",
            "grpc-timeout=s3cret",
            "trace-bin=s3cret",
            "%20=s3cret",
        ] {
            let error = wrong.parse::<Headers>().unwrap_err().to_string();
            assert!(error.starts_with("header 1: ") && !error.contains("s3cret"), "{error}");
        }
    }
}
