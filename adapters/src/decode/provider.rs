//! What a provider's error means for the run.

use codeloops_event::{Refusal, Timestamp};

use crate::text::one_line;

/// Why a turn failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The provider refused for good.
    Refused(Refusal, String),
    /// A usage window is used up; when it resets, where that was told.
    UsageLimit(Option<Timestamp>, String),
    /// Worth another try.
    Transient(String),
    /// Anything else.
    Other(String),
}

/// Words of a usage window that resets by waiting.
const USAGE_LIMIT: [&str; 10] = [
    "usage limit",
    "usage_limit_reached",
    "5-hour limit",
    "session limit",
    "weekly limit",
    "hit your limit",
    "perday",
    "daily quota",
    "quota will reset",
    "out of extra usage",
];
/// Words of money that is missing.
const BILLING: [&str; 9] = [
    "credit balance",
    "out of credits",
    "spend cap",
    "insufficient_quota",
    "insufficient quota",
    "insufficient credit",
    "exceeded your current quota",
    "billing",
    "payment required",
];
const AUTH: [&str; 12] = [
    "not logged in",
    "not authenticated",
    "login required",
    "please run /login",
    "sign in again",
    "invalid api key",
    "missing api key",
    "api key is missing",
    "unauthorized",
    "authentication",
    "invalid x-api-key",
    "api key not valid",
];
const TRANSIENT: [&str; 22] = [
    "overloaded",
    "high demand",
    "rate limit",
    "server_error",
    "service unavailable",
    "bad gateway",
    "gateway timeout",
    // Networks: how Node.js, Rust and Python put it.
    "connection",
    "cannot connect",
    "unable to connect",
    "econnrefused",
    "econnreset",
    "econnaborted",
    "enotfound",
    "eai_again",
    "etimedout",
    "fetch failed",
    "socket hang up",
    "network error",
    "error sending request",
    "timed out",
    "stream disconnected",
];
const BAD_REQUEST: [&str; 3] = ["invalid_request_error", "input_too_large", "prompt is too long"];

impl Trouble {
    /// Sorts an error by its HTTP status, where one is known or stands in the message, and its
    /// words. Money is looked for first: it comes with many a status.
    pub(crate) fn classify(status: Option<u64>, message: &str) -> Self {
        let words = message.to_lowercase();
        let says = |list: &[&str]| list.iter().any(|word| words.contains(word));
        let line = one_line(message);
        if says(&BILLING) {
            return Self::Refused(Refusal::Billing, line);
        }
        if says(&USAGE_LIMIT) {
            return Self::UsageLimit(None, line);
        }
        match status.or_else(|| status_in(&words)) {
            Some(401 | 403) => Self::Refused(Refusal::Auth, line),
            Some(402) => Self::Refused(Refusal::Billing, line),
            Some(408 | 409 | 429 | 500..=599) => Self::Transient(line),
            Some(400 | 404 | 413 | 422) => Self::Refused(Refusal::BadRequest, line),
            _ if says(&AUTH) => Self::Refused(Refusal::Auth, line),
            _ if says(&TRANSIENT) => Self::Transient(line),
            _ if says(&BAD_REQUEST) => Self::Refused(Refusal::BadRequest, line),
            _ => Self::Other(line),
        }
    }
}

/// The HTTP status that a message names.
fn status_in(words: &str) -> Option<u64> {
    ["unexpected status ", "last status: ", "\"code\":", "api error: "].iter().find_map(|marker| {
        let rest = words.split_once(marker)?.1.trim_start();
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        rest[..digits].parse().ok().filter(|status| (100..600).contains(status))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sorted_by_status_and_words() {
        let is = |status, message: &str| match Trouble::classify(status, message) {
            Trouble::Refused(refusal, _) => format!("{refusal:?}"),
            Trouble::UsageLimit(..) => "UsageLimit".to_owned(),
            Trouble::Transient(_) => "Transient".to_owned(),
            Trouble::Other(_) => "Other".to_owned(),
        };
        assert_eq!(is(Some(401), "x"), "Auth");
        assert_eq!(is(Some(400), "Your credit balance is too low"), "Billing");
        assert_eq!(is(Some(400), "x"), "BadRequest");
        assert_eq!(is(Some(529), "x"), "Transient");
        assert_eq!(is(None, "unexpected status 401 Unauthorized: x"), "Auth");
        assert_eq!(is(None, "exceeded retry limit, last status: 429 Too Many"), "Transient");
        assert_eq!(is(None, "[API Error: {\"error\":{\"code\":500}}]"), "Transient");
        assert_eq!(is(None, "You’ve hit your usage limit. Try again"), "UsageLimit");
        assert_eq!(is(Some(429), "GenerateRequestsPerDay quota"), "UsageLimit");
        assert_eq!(is(None, "something else broke"), "Other");
    }

    /// Messages as programs print them where the network fails.
    #[test]
    fn a_network_that_fails_is_worth_another_try() {
        for message in [
            "Cannot connect to API: Unable to connect. Is the computer able to access the url?",
            "API Error: Connection error.",
            "connect ECONNREFUSED 127.0.0.1:443",
            "read ECONNRESET",
            "getaddrinfo ENOTFOUND api.anthropic.com",
            "getaddrinfo EAI_AGAIN api.openai.com",
            "connect ETIMEDOUT 104.18.6.192:443",
            "exception TypeError: fetch failed sending request",
            "socket hang up",
            "Network error while contacting the server",
            "Connection reset by peer (os error 104)",
            "tcp connect error: Connection refused (os error 111)",
            "connection closed before message completed",
            "Request timed out.",
            "stream disconnected before completion: error sending request for url (https://x.y/z)",
            "502 Bad Gateway",
        ] {
            let trouble = Trouble::classify(None, message);
            assert_eq!(trouble, Trouble::Transient(message.to_owned()));
        }
    }
}
