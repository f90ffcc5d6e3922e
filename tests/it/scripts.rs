//! Scripts of the fake agent that several tests play.

/// Asks for more, then approves.
pub(crate) const TWO_ROUNDS: &str = "
on actor 1
edit greeting.txt Helo
print I wrote the greeting.
on critic 1
print DECISION: CONTINUE\\n\\nFEEDBACK: The greeting has a typo: it says Helo.
on actor 2
expect-prompt-contains it says Helo
edit greeting.txt Hello
print I corrected the typo.
stderr a remark
on critic 2
expect-prompt-contains +Hello
print DECISION: DONE\\n\\nSUMMARY: The greeting is right.\\n\\nCONFIDENCE: 0.95
";

/// The critic's part where it approves whatever it sees.
pub(crate) const APPROVES: &str = "
on critic
print DECISION: DONE\\n\\nSUMMARY: It is done.\\n\\nCONFIDENCE: 0.9
";

/// The critic's part where it always asks for more.
pub(crate) const ASKS_FOR_MORE: &str = "
on critic
print DECISION: CONTINUE\\n\\nFEEDBACK: There is more to do.
";

/// Both parts, with this one of the actor, and a critic that approves.
pub(crate) fn approved(actor: &str) -> String {
    format!("on actor\n{actor}\n{APPROVES}")
}
