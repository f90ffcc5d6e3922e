//! A run as its user sees it.

use crate::workspace;

/// One finding, then approval.
const TWO_ROUNDS: &str = "
on actor 1
edit greeting.txt Helo
print I wrote the greeting.
on critic 1
print DECISION: CONTINUE\\n\\nFEEDBACK: The greeting has a typo: it says Helo.
on actor 2
expect-prompt-contains it says Helo
edit greeting.txt Hello
print I corrected the typo.
on critic 2
print DECISION: DONE\\n\\nSUMMARY: The greeting is right.\\n\\nCONFIDENCE: 0.95
";

#[test]
fn two_rounds_are_told_on_the_console() {
    let place = workspace();
    place.script(TWO_ROUNDS);
    insta::assert_snapshot!(place.task(&[]));
    place.assert_script_held();
}
