//! What stands on the console, word for word.

use std::fs;

use crate::compare::in_shell;
use crate::scripted;
use crate::scripts::{TWO_ROUNDS, approved};

#[test]
fn pretty_tells_two_rounds() {
    insta::assert_snapshot!(scripted(TWO_ROUNDS).task(&[]));
}

/// From wherever the user looks, and also where the actor committed its work.
#[test]
fn the_end_names_the_commands_that_show_what_came_of_the_run() {
    let place = scripted(&approved(
        "edit README.md Helo\nrun git commit --all --quiet -m done\nedit new.txt Helo",
    ));
    place.write("mine.txt", "the user's own\n");
    let elsewhere = place.at("home");
    let mut command = place.command(&["-d", "../project", "--prompt", "x"]);
    command.current_dir(&elsewhere);
    let ran = place.spawn(command).wait().exits(0);
    let after = |words: &str| {
        let mut lines = ran.stdout.lines().skip_while(|line| *line != words).skip(1);
        lines.next().unwrap_or_else(|| panic!("{words}: {ran}")).trim().to_owned()
    };
    let changed = in_shell(&place, &after("[codeloops] See what changed:"));
    let diff = place.program("sh").args(["-c", &changed]).current_dir(&elsewhere).output().unwrap();
    let diff = String::from_utf8(diff.stdout).unwrap();
    assert_eq!(diff.matches("+Helo").count(), 2, "{changed}: {diff}");
    assert!(!diff.contains("mine.txt"), "what was there before the run: {diff}");
    let happened = after("[codeloops] See what happened:");
    let args: Vec<&str> = happened.split(' ').skip(1).collect();
    assert!(place.run(&args).exits(0).stdout.contains("success"), "{happened}");
}

#[test]
fn where_nothing_changed_no_command_shows_what_did() {
    let ran = scripted(&approved("print There is nothing to do.")).task(&[]).exits(0);
    assert!(!ran.stdout.contains("See what changed"), "{ran}");
    assert!(ran.stdout.contains("See what happened"), "{ran}");
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
fn colours_are_for_a_terminal_that_wants_them() {
    let mut place = scripted(&approved("edit a.txt a"));
    let args = ["--prompt", "x"];
    let coloured = "\x1b[32m";
    assert!(place.start_on_terminal(&args).wait().contains(coloured));
    let plain = ["--prompt", "x", "--no-color"];
    assert!(!place.start_on_terminal(&plain).wait().contains(coloured));
    assert!(!place.run(&args).stdout.contains('\x1b'));
    place.set_var("NO_COLOR", "1");
    assert!(!place.start_on_terminal(&args).wait().contains(coloured));
}

/// The live line is drawn over; what stays is what a pipe gets.
#[test]
fn the_status_line_leaves_no_trace_on_a_terminal() {
    let place = scripted(&approved("print at work\nwait-file ../go"));
    let run = place.start_on_terminal(&["--prompt", "x", "--no-color"]);
    run.wait_for("at work");
    fs::write(place.at("go"), "").unwrap();
    let size = |n: u16| n.try_into().unwrap();
    let mut screen = vt100::Parser::new(size(40), size(100), 0);
    screen.process(place.unredacted(&run.wait()).as_bytes());
    let shown = place.redact(&screen.screen().contents());
    let piped = place.run(&["--prompt", "x"]).stdout;
    // It is the second run of its prompt.
    let piped =
        piped.replace("_2d7116-2", "_2d7116").replace("W080000000000000001", "W080000000000000000");
    assert_eq!(shown.trim_end(), piped.trim_end());
}
