//! A key that the provider does not accept ends the run: asking again would not mend it.

use codeloops_event::{Outcome, StopReason};

use crate::agent::Agent;
use crate::place::Place;

with_each_agent!(ends_as_refused);

#[track_caller]
fn ends_as_refused(agent: Agent) {
    let place = Place::new(agent, "refused");
    let _output = place.run_to(2, &[]);
    let end = place.end();
    assert_eq!((end.outcome, end.iterations), (Outcome::Failed, 0));
    assert_eq!(end.stop_reason, Some(StopReason::ProviderRefused));
    let error = end.error.expect("what failed is told");
    assert!(error.contains("This key is not known here."), "{error}");
}
