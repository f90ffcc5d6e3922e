//! The order in which a list shows sessions.

use std::cmp::Ordering;

use crate::entry::SessionEntry;

/// What sessions are put in order by; what a reader looks for comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SessionOrder {
    /// The newest first.
    #[default]
    Date,
    /// The longest first.
    Duration,
    /// The most rounds first.
    Iterations,
    /// By the name of the project.
    Project,
    /// By the word of the outcome; where there is none, by that of the status.
    Outcome,
    /// The most first.
    Tokens,
    /// The dearest first.
    Cost,
}

impl SessionOrder {
    /// Sorts what entries are told of by `entry`; `newer` orders the newest first.
    pub(crate) fn sort<'a, T: Copy>(
        self,
        rows: &mut [T],
        reverse: bool,
        entry: impl Fn(&T) -> Option<SessionEntry<'a>>,
        newer: impl Fn(&SessionEntry<'a>, &SessionEntry<'a>) -> Ordering,
    ) {
        let mut keyed: Vec<(Key<'a>, T)> =
            rows.iter().map(|row| (self.key(entry(row).as_ref()), *row)).collect();
        keyed.sort_by(|(a, at_a), (b, at_b)| {
            let order = a.cmp(b, reverse);
            order.then_with(|| match (entry(at_a), entry(at_b)) {
                (Some(a), Some(b)) if self == Self::Date && reverse => newer(&b, &a),
                (Some(a), Some(b)) => newer(&a, &b),
                _ => Ordering::Equal,
            })
        });
        rows.iter_mut().zip(keyed).for_each(|(row, (_, sorted))| *row = sorted);
    }

    fn key<'a>(self, entry: Option<&SessionEntry<'a>>) -> Key<'a> {
        let Some(entry) = entry else { return Key::Unknown };
        let number = |number: Option<f64>| number.map_or(Key::Unknown, Key::Most);
        match self {
            Self::Date => entry.timestamp.timestamp_nanos_opt().map_or(Key::Unknown, Key::Latest),
            Self::Duration => number(entry.duration_secs),
            Self::Iterations => Key::Latest(i64::from(entry.iterations)),
            Self::Project => Key::Text(entry.project()),
            Self::Outcome => Key::Text(
                entry.outcome.map_or(entry.status.as_str(), codeloops_event::Outcome::as_str),
            ),
            Self::Tokens => {
                let tokens = entry.used().tokens();
                tokens.map_or(Key::Unknown, |n| Key::Latest(i64::try_from(n).unwrap_or(i64::MAX)))
            }
            Self::Cost => number(entry.used().cost_usd),
        }
    }
}

/// What one session is put in order by. All of an order are of one kind, or not known.
enum Key<'a> {
    /// The greatest comes first.
    Latest(i64),
    /// The greatest comes first.
    Most(f64),
    /// By the letters.
    Text(&'a str),
    Unknown,
}

impl Key<'_> {
    fn cmp(&self, other: &Self, reverse: bool) -> Ordering {
        let order = match (self, other) {
            (Self::Unknown, Self::Unknown) => return Ordering::Equal,
            (Self::Unknown, _) => return Ordering::Greater,
            (_, Self::Unknown) => return Ordering::Less,
            (Self::Latest(a), Self::Latest(b)) => b.cmp(a),
            (Self::Most(a), Self::Most(b)) => b.total_cmp(a),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => Ordering::Equal,
        };
        if reverse { order.reverse() } else { order }
    }
}
