//! Where the task comes from, and how a later round is told what is open.

use std::fs;

use crate::scripted;
use crate::scripts::approved;

#[test]
fn the_task_comes_from_the_flag_else_the_named_file_else_prompt_md() {
    let place = scripted(&approved("save-prompt ../told\nedit a.txt a"));
    place.write("prompt.md", "from prompt.md\n");
    fs::write(place.at("task.md"), "from task.md\n").unwrap();
    let told = |args: &[&str]| {
        let _ran = place.run(args).exits(0);
        fs::read_to_string(place.at("told")).unwrap().lines().next().unwrap().to_owned()
    };
    assert_eq!(told(&[]), "from prompt.md");
    assert_eq!(told(&["--prompt-file", "../task.md"]), "from task.md");
    assert_eq!(told(&["--prompt", "from the flag"]), "from the flag");
}

#[test]
fn the_task_may_come_from_standard_input() {
    let place = scripted(&approved("expect-prompt-contains from a pipe\nedit a.txt a"));
    fs::write(place.at("task.md"), "from a pipe\n").unwrap();
    let mut codeloops = place.command(&["--prompt-file", "-"]);
    codeloops.stdin(fs::File::open(place.at("task.md")).unwrap());
    let _ran = place.spawn(codeloops).wait().exits(0);
    assert_eq!(place.session().start.prompt, "from a pipe\n");
}

#[test]
fn prompt_md_is_that_of_the_working_directory() {
    let place = scripted(&approved("expect-prompt-contains from the subfolder\nedit a.txt a"));
    place.write("prompt.md", "from the project\n");
    place.write("sub/prompt.md", "from the subfolder\n");
    let _ran = place.run(&["-d", "sub"]).exits(0);
}

#[test]
fn a_later_round_is_told_every_finding_that_may_be_open() {
    let place = scripted(
        "on actor\nappend a.txt a\non actor 3\nsave-prompt ../told\nappend a.txt c\n\
         on critic 1\nprint DECISION: CONTINUE\\n\\nFEEDBACK: First, rename it.\n\
         on critic 2\nprint DECISION: CONTINUE\\n\\nFEEDBACK: Second, test it.\n\
         on critic 3\nsave-prompt ../asked\nprint DECISION: DONE\\n\\nSUMMARY: good\n",
    );
    let _ran = place.task(&[]).exits(0);
    insta::assert_snapshot!(place.redact(&fs::read_to_string(place.at("told")).unwrap()));
    let asked = fs::read_to_string(place.at("asked")).unwrap();
    assert!(asked.contains("First, rename it.") && asked.contains("Second, test it."), "{asked}");
}
