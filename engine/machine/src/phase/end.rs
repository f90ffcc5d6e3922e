//! End: the run is over.

use codeloops_event::{Event, SessionEnd, StopReason, UsageByRole};

use crate::context::Context;
use crate::out::Out;
use crate::phase::Phase;
use crate::phase::left::Left;

/// The run is over; only a resume leads out of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct End {
    reason: StopReason,
    /// What it would go on with; nothing after an approval.
    pub(crate) left: Option<Box<Left>>,
}

/// Why a run ends, before it does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ending {
    pub(crate) reason: StopReason,
    pub(crate) error: Option<String>,
}

impl Ending {
    pub(crate) const fn of(reason: StopReason) -> Self {
        Self { reason, error: None }
    }

    pub(crate) const fn with(reason: StopReason, error: String) -> Self {
        Self { reason, error: Some(error) }
    }
}

/// What the critic said of an approved run.
pub(crate) struct Approval {
    pub(crate) summary: String,
    pub(crate) confidence: Option<f64>,
}

impl End {
    /// Ends the run without approval.
    pub(crate) fn enter(ctx: &Context, ending: Ending, left: Left, out: &mut Out) -> Phase {
        let reason = ending.reason;
        Self::record(ctx, ending, None, out);
        Phase::End(Self { reason, left: Some(Box::new(left)) })
    }

    /// Ends the run with approval.
    pub(crate) fn approve(ctx: &Context, approval: Approval, out: &mut Out) -> Phase {
        Self::record(ctx, Ending::of(StopReason::Approved), Some(approval), out);
        Phase::End(Self { reason: StopReason::Approved, left: None })
    }

    fn record(ctx: &Context, ending: Ending, approval: Option<Approval>, out: &mut Out) {
        let (summary, confidence) =
            approval.map_or((None, None), |a| (Some(a.summary), a.confidence));
        out.event(Event::SessionEnd(Box::new(SessionEnd {
            outcome: ending.reason.outcome(),
            iterations: u32::try_from(ctx.rounds.len()).unwrap_or(u32::MAX),
            summary,
            confidence,
            duration_secs: out.stamp.elapsed_secs(),
            timestamp: out.stamp.at,
            elapsed_ms: out.stamp.elapsed_ms,
            stop_reason: Some(ending.reason),
            error: ending.error,
            usage: total(&ctx.usage),
            redacted: ctx.redacted,
        })));
    }
}

/// The sums by role with their total; nothing where no agent told of its usage.
fn total(by_role: &UsageByRole) -> Option<UsageByRole> {
    Some(UsageByRole { total: Some(by_role.sum()?), ..by_role.clone() })
}
