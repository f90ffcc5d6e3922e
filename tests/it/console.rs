//! What stands on the console, word for word.

use crate::scripted;
use crate::scripts::{TWO_ROUNDS, approved};

#[test]
fn pretty_tells_two_rounds() {
    insta::assert_snapshot!(scripted(TWO_ROUNDS).task(&[]));
}

#[test]
fn compact_tells_a_round_in_a_line() {
    insta::assert_snapshot!(scripted(TWO_ROUNDS).task(&["--log-format", "compact"]));
}

#[test]
fn json_tells_an_event_in_a_line() {
    let place = scripted(TWO_ROUNDS);
    insta::assert_snapshot!(place.task(&["--log-format", "json"]));
}

#[test]
fn verbose_shows_what_the_agents_print() {
    let ran = scripted(TWO_ROUNDS).task(&["--verbose"]).exits(0);
    for printed in ["I wrote the greeting.", "I corrected the typo.", "a remark"] {
        assert!(ran.stdout.contains(printed), "{ran}");
    }
    assert!(!scripted(TWO_ROUNDS).task(&[]).stdout.contains("I wrote"));
}

#[test]
fn escapes_of_an_agent_do_not_reach_the_terminal() {
    let place = scripted(
        "on actor\nprint \\e]0;owned\\e\\\\ \\e[31mred\\e[0m\nstderr \\e[2Jgone\n\
         edit \\e[31mname.txt x\n\
         on critic 1\nprint DECISION: CONTINUE\\n\\nFEEDBACK: \\e[2J\\e]52;c;aGk=\\e\\\\ wipe\n\
         on critic 2\nprint DECISION: DONE\\n\\nSUMMARY: \\e[1mbold\\e[0m\n",
    );
    for format in ["pretty", "compact", "json"] {
        let ran = place.task(&["--verbose", "--log-format", format]).exits(0);
        assert!(!ran.stdout.contains('\x1b') && !ran.stderr.contains('\x1b'), "{format}: {ran:?}");
        assert!(ran.stdout.contains("wipe"), "{ran}");
    }
}

#[test]
fn a_pipe_and_no_color_get_no_colours() {
    let mut place = scripted(&approved("edit a.txt a"));
    let without = |ran: codeloops_tests::Output| assert!(!ran.stdout.contains('\x1b'), "{ran:?}");
    without(place.task(&[]));
    without(place.task(&["--no-color"]));
    place.set_var("NO_COLOR", "1");
    without(place.task(&[]));
    place.set_var("CLICOLOR_FORCE", "1");
    without(place.task(&[]));
}
