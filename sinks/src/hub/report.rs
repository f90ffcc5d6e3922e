//! What became of a sink.

use serde::Serialize;

/// How a sink ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SinkState {
    /// It got everything that was published for it, gaps in the chatter aside, and finished.
    Finished,
    /// It had enough before the end, and did not fail.
    Left,
    /// It failed, at once or too often, or fell too far behind, and was given up.
    Detached,
    /// It was still busy when the deadline of closing came.
    Abandoned,
}

/// What became of a sink.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SinkReport {
    /// The sink's name.
    pub name: String,
    /// How it ended.
    pub state: SinkState,
    /// Events that it consumed.
    pub written: u64,
    /// Events that it did not get, chatter included.
    pub dropped_events: u64,
    /// What those weighed: the bytes of their texts, roughly.
    pub dropped_bytes: u64,
    /// Why it did not finish; null where it did.
    pub error: Option<String>,
    /// What the sink says of itself; null where that is nothing.
    pub note: Option<String>,
}

impl SinkState {
    /// Whether the sink went as it should.
    #[must_use]
    pub const fn is_well(self) -> bool {
        matches!(self, Self::Finished | Self::Left)
    }
}
