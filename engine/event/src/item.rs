//! Chatter: what an agent does and says while it works, as its stream tells it. Never recorded.

use serde::{Deserialize, Serialize};

use crate::agent::Usage;
use crate::id::Role;
use crate::lines::OutputStream;
use crate::stamp::Timestamp;

/// Something an agent printed, as it came: what one read of its stream gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentOutput {
    /// Who printed it.
    pub role: Role,
    /// Where.
    pub stream: OutputStream,
    /// Bytes that were left out before this because nobody kept up.
    pub skipped_bytes: u64,
    /// What it tells, in its order.
    pub items: Vec<Item>,
}

/// What stands between events where they are told live with chatter; a session file has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Marker {
    /// Chatter was left out just here, because the consumer did not keep up.
    OutputDropped {
        /// Lines of type `agent_output`.
        events: u64,
        /// Bytes of their text.
        bytes: u64,
    },
}

/// One thing that a stream tells. No text in it is trusted: it may hold terminal escapes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Item {
    /// A piece of what was printed, lossily decoded: all of an agent that prints text, of another
    /// one what is no event, and stderr.
    Printed {
        /// The piece; it may end anywhere.
        text: String,
    },
    /// A piece of what the model says.
    Text {
        /// The piece; it may end anywhere.
        text: String,
    },
    /// A piece of what the model thinks.
    Reasoning {
        /// The piece; it may end anywhere.
        text: String,
    },
    /// The model uses a tool.
    ToolCall {
        /// The agent's own id of the call, where it tells one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The tool's name.
        name: String,
        /// The argument that tells most, in one line; empty where none does.
        argument: String,
    },
    /// What came of it.
    ToolResult {
        /// The id of that call, where it tells one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// Whether the tool, or the permission to use it, failed.
        failed: bool,
        /// The beginning of it.
        text: String,
    },
    /// What the call has used so far, as far as the stream tells before its end.
    Usage {
        /// The sum so far.
        usage: Usage,
    },
    /// The program asks its provider once more.
    Retry {
        /// Why, in one line.
        reason: String,
    },
    /// A usage window is nearly or wholly used up.
    Limit {
        /// When it resets, where that is told.
        resets_at: Option<Timestamp>,
        /// How full it is, in the agent's words.
        message: String,
    },
}

impl Item {
    /// The item with each of its texts changed.
    #[must_use]
    pub fn map(self, change: impl Fn(String) -> String) -> Self {
        match self {
            Self::Printed { text } => Self::Printed { text: change(text) },
            Self::Text { text } => Self::Text { text: change(text) },
            Self::Reasoning { text } => Self::Reasoning { text: change(text) },
            Self::ToolCall { id, name, argument } => Self::ToolCall {
                id: id.map(&change),
                name: change(name),
                argument: change(argument),
            },
            Self::ToolResult { id, failed, text } => {
                Self::ToolResult { id: id.map(&change), failed, text: change(text) }
            }
            Self::Retry { reason } => Self::Retry { reason: change(reason) },
            Self::Limit { resets_at, message } => {
                Self::Limit { resets_at, message: change(message) }
            }
            Self::Usage { .. } => self,
        }
    }

    /// Bytes of its text; of what is no piece of a longer text also what it takes itself, so that
    /// many small ones count.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let of_id = |id: &Option<String>| id.as_ref().map_or(0, String::len);
        let text = match self {
            Self::Printed { text } | Self::Text { text } => return text.len(),
            Self::Reasoning { text } => text.len(),
            Self::ToolCall { id, name, argument } => of_id(id) + name.len() + argument.len(),
            Self::ToolResult { id, text, .. } => of_id(id) + text.len(),
            Self::Retry { reason: text } | Self::Limit { message: text, .. } => text.len(),
            Self::Usage { .. } => 0,
        };
        size_of::<Self>() + text
    }
}

impl AgentOutput {
    /// Bytes of its items.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.items.iter().map(Item::bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_calls_are_changed_and_counted_like_other_texts() {
        let of = |word: &str| {
            let [id, name, argument] = [word; 3].map(str::to_owned);
            let call = Item::ToolCall { id: Some(id), name, argument };
            let [id, text] = [word; 2].map(str::to_owned);
            [call, Item::ToolResult { id: Some(id), failed: true, text }]
        };
        let bytes = of("key").map(|item| item.bytes() - size_of::<Item>());
        assert_eq!(bytes, [9, 6]);
        assert_eq!(of("key").map(|item| item.map(|text| text.replace("key", "***"))), of("***"));
    }
}
