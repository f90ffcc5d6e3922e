//! A whole run: the actor writes a file with its own tool, the critic finds something missing, the
//! actor is told of it and writes that too, the critic approves.

use codeloops_event::{Decision, IterationEnd, Outcome, Usage};

use crate::agent::Agent;
use crate::place::Place;

with_each_agent!(runs_to_the_approval);

#[track_caller]
fn runs_to_the_approval(agent: Agent) {
    let place = Place::new(agent, "two-rounds");
    let [(actor, _), (critic, _)] = agent.models();
    let _output = place.run_to(0, &["--actor-model", actor, "--critic-model", critic]);
    let (session, end) = (place.session(), place.end());
    assert_eq!((end.outcome, end.iterations), (Outcome::Success, 2));
    assert_eq!(
        (end.summary.as_deref(), end.confidence),
        (Some("Both files are there."), Some(0.9))
    );

    let [first, second] = &session.iterations[..] else { panic!("two rounds: {session:#?}") };
    assert_round(first, Decision::Continue, "I wrote hello.txt.", 1);
    assert_eq!(first.feedback.as_deref(), Some("There is no bye.txt yet."));
    assert!(first.git_diff.contains("+Hello.\n"), "{}", first.git_diff);
    assert_round(second, Decision::Done, "I wrote bye.txt.", 2);
    assert!(second.git_diff.contains("+Goodbye.\n"), "{}", second.git_diff);

    assert_models(&place, agent);
    let conversations = place.actor_conversations();
    assert!(conversations[0].is_some(), "it tells its conversation");
    assert_eq!(conversations, vec![conversations[0].clone(); 2], "it goes on");
    assert_eq!(
        (place.read("hello.txt"), place.read("bye.txt")),
        ("Hello.\n".into(), "Goodbye.\n".into())
    );
    assert_eq!(place.git(&["status", "--porcelain"]), "?? bye.txt\n?? hello.txt\n");
}

/// The first rule is the critic's.
#[track_caller]
fn assert_models(place: &Place, agent: Agent) {
    let [(_, actor), (_, critic)] = agent.models();
    for request in place.model.requests() {
        let expected = if request.rule == 0 { critic } else { actor };
        assert!(request.model.starts_with(expected), "{request:?} was not for {expected}");
    }
}

/// The actor asked the model twice, the critic once.
#[track_caller]
fn assert_round(round: &IterationEnd, decision: Decision, said: &str, files: u64) {
    assert_eq!((round.critic_decision, round.git_files_changed), (decision, files), "{round:#?}");
    assert_eq!(round.actor_output.trim(), said);
    let usage = round.usage.clone().expect("the agent tells what it used");
    assert_used(usage.actor, 2);
    assert_used(usage.critic, 1);
}

#[track_caller]
fn assert_used(usage: Option<Usage>, requests: u64) {
    let usage = usage.expect("the agent tells what it used");
    let told = (usage.input_tokens, usage.cache_read_tokens, usage.output_tokens);
    assert_eq!(told, (Some(130 * requests), Some(30 * requests), Some(20 * requests)));
}
