//! The command line as a user sees it: help, errors, exit codes and what goes where.

use clap::CommandFactory;

use crate::app::App;
use crate::testing::{Answer, Sandbox};
use crate::world::Terminal;

/// What several command lines print, one after the other.
fn transcript(sandbox: &Sandbox, lines: &[&[&str]]) -> String {
    lines
        .iter()
        .map(|args| format!("$ codeloops {}\n{}\n", args.join(" "), sandbox.run(args)))
        .collect()
}

#[test]
fn help() {
    let mut app = App::command().term_width(100);
    app.build();
    let mut pages = vec![app.render_help().to_string()];
    for path in [
        &["run"][..],
        &["sessions"],
        &["sessions", "list"],
        &["sessions", "show"],
        &["init"],
        &["demo"],
        &["completions"],
    ] {
        let command =
            path.iter().fold(&mut app, |command, name| command.find_subcommand_mut(name).unwrap());
        pages.push(format!("==== {}\n{}", path.join(" "), command.render_help()));
    }
    insta::assert_snapshot!(pages.join("\n"));
}

#[test]
fn the_command_line_is_consistent() {
    App::command().debug_assert();
}

#[test]
fn wrong_usage_exits_2_and_says_what_to_do() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!(transcript(
        &sandbox,
        &[
            &["--max-iteration", "3"],
            &["--max-iterations", "0"],
            &["--max-iterations", "-1"],
            &["--max-iterations", "4294967296"],
            &["--max-actor-failures", "0"],
            &["--max-duration", "soon"],
            &["--max-duration", "-5m"],
            &["--max-duration", "99999999999h"],
            &["--usage-limit-wait", "1e300"],
            &["--actor-timeout", "NaN"],
            &["--idle-timeout", "inf"],
            &["--max-output", "much"],
            &["--max-output", "99999999TB"],
            &["--max-output", "18446744073709551616"],
            &["--log-format", "prety"],
            &["--permissions", "all"],
            &["--model", ""],
            &["--prompt", "x", "--prompt-file", "y"],
            &["--agent", "claude", "sessions", "list"],
            &["--agent", "claude", "run"],
            &["sessions", "list", "--after", "yesterday"],
            &["sessions", "list", "--outcome", "fine"],
            &["sesions"],
            &["show", "latest"],
            &["list", "--json"],
            &["--sink", "jsnol"],
            &["--sink", "syslog"],
            &["--sink", "exec:"],
            &["--sink", "jsonl", "--no-session"],
            &["--max-cost-usd", "0"],
            &["--max-tokens", "-1"],
            &["--stuck-after", "1"],
            &["run", "--gate-timeout=0"],
            &["--stuck-afte", "5"],
            &["--gate", "make test"],
            &["--gate", "my test=make test"],
            &["--gate", "test=a", "--gate", "Test=b", "--prompt", "x"],
            &["--resume", "latest", "--no-baseline"],
            &["ui"],
            &["Fix the typo"],
            &["-n", "3", "Print \"$HOME\""],
            &["run", "Fix the typo"],
            &["run", "-n", "3", "Fix"],
            &["sessions", "Fix the typo"],
            &["resume", "latest"],
            &["replay"],
            &["replay", "latest", "--sped", "1x"],
            &["sessions", "diff"],
            &["sessions", "list", "--outcome", "crashed"],
            &["--agent", "cluade"],
            &["-d", "nowhere"],
            &["completions", "tcsh"],
            &["demoo"],
            &["fix"],
            &["fix", "the", "typo", "-n", "3"],
        ]
    ));
}

#[test]
fn on_a_terminal_a_usage_error_is_broken_between_words() {
    let mut sandbox = Sandbox::new();
    sandbox.terminal.stderr = true;
    insta::assert_snapshot!(transcript(
        &sandbox,
        &[
            &["--no-color", "--max-output", "18446744073709551616"],
            &["--no-color", "--agent", "claude", "sessions", "show", "latest", "--json"],
            &["--no-color", "--stuck-afte", "5"],
        ]
    ));
}

#[test]
fn an_agent_that_a_file_names_wrongly_is_told_with_the_place() {
    let sandbox = Sandbox::new();
    sandbox.project("[critic]\nagent = 'cluade'\n");
    insta::assert_snapshot!(sandbox.run(&["--dry-run"]));
    sandbox.project("[agents.mine]\nenv = {}\n");
    insta::assert_snapshot!(sandbox.run(&["--dry-run"]));
}

#[test]
fn the_working_directory_must_be_one() {
    let sandbox = Sandbox::new();
    sandbox.write("project/file", "");
    insta::assert_snapshot!(sandbox.run(&["-d", "file", "--dry-run"]));
}

#[test]
fn without_a_prompt_the_documented_words_are_said() {
    let sandbox = Sandbox::new();
    sandbox.repository();
    let ran = sandbox.run(&[]);
    assert_eq!(ran.stderr, "Error: No prompt provided. Create a prompt.md file or use --prompt\n");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
}

#[test]
fn without_a_repository_that_is_told_before_a_missing_prompt() {
    insta::assert_snapshot!(Sandbox::new().run(&[]));
}

#[test]
fn under_json_output_every_error_is_one_document_on_stdout() {
    let sandbox = Sandbox::new();
    sandbox.repository();
    insta::assert_snapshot!(transcript(
        &sandbox,
        &[
            &["--json-output"],
            &["run", "--json-output", "--max-iterations", "0"],
            &["--json-output", "--no-such-flag"],
            &["--json-output", "ui"],
        ]
    ));
    for args in [&["--json-output"][..], &["--json-output", "--no-such-flag"]] {
        let document: serde_json::Value = serde_json::from_str(&sandbox.run(args).stdout).unwrap();
        assert_eq!(document["exit_code"], 2);
    }
}

#[test]
fn a_panic_is_told_and_is_a_document_too() {
    let sandbox = Sandbox::new();
    sandbox.install("claude");
    let (mut world, output) = sandbox.world();
    world.run_ids = std::sync::Arc::new(|| panic!("no more ids"));
    let args = ["codeloops", "--prompt", "x", "--json-output"].map(Into::into);
    assert_eq!(crate::main_with(args, world), std::process::ExitCode::from(2));
    let document: serde_json::Value = serde_json::from_slice(&output.out.lock().unwrap()).unwrap();
    assert_eq!(document["outcome"], "failed");
    assert_eq!(document["stop_reason"], "internal_error");
    assert_eq!(document["error"], "internal error: no more ids");
}

#[test]
fn dry_run_shows_every_value_with_its_origin() {
    let sandbox = Sandbox::new();
    sandbox.install("claude");
    sandbox.global("[defaults]\nmodel = 'sonnet'\n[defaults.limits]\nmax_duration = '2h'\n");
    sandbox.project(
        "max_iterations = 5\nruns_dir = '.codeloops/runs'\n[critic]\nagent = 'mine'\n\
         [agents.mine]\ncommand = ['mine']\nenv = { API_KEY = 'sk-123', MODE = 'fast' }\n",
    );
    sandbox.write("project/prompt.md", "Fix the \x1b[31mtypo\n\nin greeting.rs\n");
    let args = ["--dry-run", "--permissions", "edits", "--log-file", "log/x.jsonl"];
    let ran = sandbox.run(&args);
    assert!(!ran.stdout.contains("sk-123") && !ran.stdout.contains('\x1b'));
    insta::assert_snapshot!(ran);
    let json = sandbox.run(&[&args[..], &["--json-output"]].concat());
    assert!(!json.stdout.contains("sk-123"));
    insta::assert_snapshot!(json);
}

/// A limit that nobody can hold is worse than none.
#[test]
fn a_budget_that_an_agent_does_not_tell_enough_for_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.project("[agents.mine]\ncommand = ['mine']\n");
    insta::assert_snapshot!(transcript(
        &sandbox,
        &[
            &["--dry-run", "-p", "x", "--max-cost-usd", "5", "--agent", "codex"],
            &["-p", "x", "--max-cost-usd", "5", "--critic-agent", "mine"],
            &["-p", "x", "--max-tokens", "9", "--actor-agent", "mine"],
        ],
    ));
}

#[test]
fn dry_run_shows_everything_of_an_own_agent_and_tells_what_a_start_tells() {
    let sandbox = Sandbox::new();
    sandbox.install("mine");
    sandbox.global(
        "[defaults]\npermissions = 'edits'\n[defaults.agents.mine]\ncommand = ['other']\n\
         env = { HOME_KEY = 'sk-1' }\nstop_signal = 'INT'\n",
    );
    sandbox.project(
        "agent = 'mine'\npermissions = 'full'\n[agents.mine]\n\
         command = ['mine', '--token', 'sk-2', 'do it']\nprompt = 'file'\n\
         output = 'codex-json'\nmodel_args = ['-m{model}']\ncritic_args = ['--read-only']\n\
         env = { MODE = 'fast' }\nmax_prompt_bytes = 50000\n",
    );
    let args = ["--dry-run", "--prompt", "x", "--critic-model", "big"];
    let ran = sandbox.run(&args);
    let of_agents = |line: &&str| line.starts_with("actor.") || line.starts_with("critic.");
    let rows: Vec<&str> = ran.stdout.lines().filter(of_agents).collect();
    insta::assert_snapshot!(format!("{}\n---\n{}", rows.join("\n"), ran.stderr));
    let json = sandbox.run(&[&args[..], &["--json-output"]].concat());
    let document: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let notes = document["notes"].as_array().unwrap().iter();
    let notes: Vec<String> = notes
        .map(|n| format!("{}: {}\n", n["kind"].as_str().unwrap(), n["text"].as_str().unwrap()))
        .collect();
    assert_eq!(notes.concat(), ran.stderr);
    assert!(!format!("{ran}{json}").contains("sk-"));
}

/// The prompt, what an own agent is started with, and what the project's file is told to say.
#[test]
fn dry_run_masks_what_a_run_would() {
    const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
    let sandbox = Sandbox::new();
    let project = format!(
        "agent = 'mine'\nmodel = '{KEY}'\n[agents.mine]\ncommand = ['mine', '{KEY}', 'its-own-value']\n\
         model_args = ['-m', '{{model}}']\nenv = {{ MY_SECRET = 'its-own-value' }}\n"
    );
    for (redact, masks) in [("", true), ("redact = false\n", false)] {
        sandbox.project(&format!("{redact}{project}"));
        for json in [&[][..], &["--json-output"]] {
            let prompt = format!("use {KEY} and its-own-value");
            let ran = sandbox.run(&[&["--dry-run", "--prompt", &prompt], json].concat());
            let told = format!("{ran}");
            assert_eq!(told.contains("[redacted: AWS access key]"), masks, "{ran}");
            assert_eq!(told.contains("[redacted: $MY_SECRET]"), masks, "{ran}");
            assert!(!masks || !(told.contains(KEY) || told.contains("its-own-value")), "{ran}");
        }
    }
}

#[test]
fn dry_run_works_before_prompt_and_agent_are_there() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["--dry-run", "-n", "1"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.contains("Agent 'claude' not found in PATH"), "{ran}");
    assert!(ran.stdout.contains("No prompt provided"), "{ran}");
    let warned = ran.stderr.lines().filter(|line| line.contains("would not start"));
    insta::assert_snapshot!(warned.collect::<Vec<_>>().join("\n"), @r"
    warning: a run would not start: Not a git repository
    warning: a run would not start: Agent 'claude' not found in PATH
    warning: a run would not start: No prompt provided. Create a prompt.md file or use --prompt
    ");
}

/// A program that mounts things for its own purposes can leave one behind, in `/tmp` for one.
#[test]
fn dry_run_takes_an_empty_git_folder_for_no_repository() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path(".git")).unwrap();
    let ran = sandbox.run(&["--dry-run"]);
    let warning = "warning: a run would not start: Not a git repository\n";
    assert!(ran.stderr.contains(warning), "{ran}");
}

#[test]
fn what_lies_at_the_top_of_the_repository_is_not_ignored_without_a_word() {
    let sandbox = Sandbox::new();
    sandbox.repository();
    sandbox.write("project/sub/file", "");
    let told = || sandbox.run(&["-d", "sub", "--dry-run"]).stderr;
    assert!(!told().contains("is not read"), "{}", told());
    sandbox.project("max_iterations = 3\n");
    let note = "note: `PROJECT/codeloops.toml` is not read: it is not in the working directory; \
                `--working-dir PROJECT` takes it\n";
    assert!(told().contains(note), "{}", told());
    sandbox.write("project/sub/codeloops.toml", "");
    assert!(!told().contains("is not read"), "{}", told());
}

#[test]
fn what_dry_run_warns_of_is_what_a_start_says() {
    let sandbox = Sandbox::new();
    sandbox.repository();
    sandbox.write("bin/other", "no program");
    sandbox.project("[critic]\nagent = 'other'\n[agents.other]\ncommand = ['other']\n");
    for args in [&["--prompt-file", "no.md"][..], &["-p", "x"], &["-p", "x", "--agent", "other"]] {
        let warned = sandbox.run(&[args, &["--dry-run"]].concat()).stderr;
        let refused = sandbox.run(args).stderr;
        let error = refused.lines().next().unwrap().strip_prefix("Error: ").unwrap();
        let warning = format!("warning: a run would not start: {error}\n");
        assert!(warned.contains(&warning), "{warned}\n{refused}");
    }
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let mut sandbox = Sandbox::new();
    let red = |sandbox: &Sandbox, args: &[&str]| sandbox.run(args).stderr.contains("\x1b[");
    assert!(!red(&sandbox, &[]));
    sandbox.terminal = Terminal { stdin: false, stdout: false, stderr: true };
    assert!(red(&sandbox, &[]));
    assert!(!red(&sandbox, &["--no-color"]));
    assert!(!red(&sandbox, &["sessions", "show", "--no-color"]));
    sandbox.vars.push(("NO_COLOR", "1".into()));
    assert!(!red(&sandbox, &[]));
}

/// What `--help` does not show: commands, and the long names of options.
fn hidden_names() -> Vec<String> {
    let app = App::command();
    let commands = app.get_subcommands().filter(|command| command.is_hide_set());
    let options = app.get_arguments().filter(|arg| arg.is_hide_set());
    commands
        .map(clap::Command::get_name)
        .chain(options.filter_map(clap::Arg::get_long))
        .map(str::to_owned)
        .collect()
}

#[test]
fn completions_offer_what_the_help_shows() {
    let hidden = hidden_names();
    assert!(hidden.contains(&"demo-agent".to_owned()), "{hidden:?}");
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sandbox.run(&["completions", shell]).stdout;
        assert!(script.contains("max-iterations"), "{shell}");
        for name in &hidden {
            assert!(!script.contains(name), "{shell}: {name}");
        }
    }
}

#[test]
fn the_manual_is_printed_or_written_page_by_page() {
    let sandbox = Sandbox::new();
    let printed = sandbox.run(&["man"]).stdout;
    for name in hidden_names() {
        assert!(!printed.contains(&name.replace('-', "\\-")), "{name}");
    }
    let ran = sandbox.run(&["man", "--out", "man/man1"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran}");
    let page = |name| std::fs::read_to_string(sandbox.path("project/man/man1").join(name)).unwrap();
    assert_eq!(page("codeloops.1"), printed);
    assert!(page("codeloops-sessions-list.1").contains("crashed"));
    sandbox.write("project/file", "");
    assert_eq!(sandbox.run(&["man", "--out", "file"]).code, 2);
}

#[test]
fn a_name_that_is_not_offered_is_as_good() {
    let sandbox = Sandbox::new();
    sandbox.project("[agents.mine]\ncommand = ['mine']\n");
    let ran = sandbox.run(&["--dry-run", "--agent", "mine"]);
    assert_eq!(ran.code, 0, "{ran}");
}

#[test]
fn the_help_names_every_built_in_agent() {
    let sandbox = Sandbox::new();
    let help = sandbox.run(&["init", "--help"]).stdout;
    for agent in codeloops_adapters::agents::builtin() {
        assert!(help.contains(&agent.id), "{help}");
    }
}

#[test]
fn run_may_be_left_out_and_no_color_may_stand_anywhere() {
    let sandbox = Sandbox::new();
    let short = sandbox.run(&["--dry-run", "-n", "3"]).stdout;
    assert!(short.contains("max_iterations              3  (--max-iterations)"), "{short}");
    assert_eq!(sandbox.run(&["run", "--dry-run", "-n", "3"]).stdout, short);
    assert_eq!(sandbox.run(&["--no-color", "run", "--dry-run", "-n", "3"]).stdout, short);
}

#[test]
fn version_is_data() {
    let ran = Sandbox::new().run(&["--version"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert_eq!(ran.stdout, format!("codeloops {}\n", env!("CARGO_PKG_VERSION")));
}

const FILE: &str = "home/.config/codeloops/config.toml";

#[test]
fn init_writes_the_file_and_shows_it() {
    let sandbox = Sandbox::new();
    let ran = sandbox.run(&["init", "--agent", "opencode", "--yes"]);
    insta::assert_snapshot!(ran);
    assert_eq!(std::fs::read_to_string(sandbox.path(FILE)).unwrap(), ran.stdout);
    assert!(sandbox.run(&["--dry-run"]).stdout.contains("opencode"));
}

#[test]
fn init_overwrites_only_where_that_was_said() {
    let mut sandbox = Sandbox::new();
    sandbox.write(FILE, "# mine\n");
    let refused = sandbox.run(&["init", "--agent", "codex", "--yes"]);
    insta::assert_snapshot!(refused);
    sandbox.terminal = Terminal { stdin: true, stdout: true, stderr: true };
    sandbox.answers = vec![Answer::Confirm(false)];
    let declined = sandbox.run(&["init", "--agent", "codex"]);
    assert_eq!((declined.code, declined.stderr.as_str()), (0, "Nothing was changed.\n"));
    assert_eq!(std::fs::read_to_string(sandbox.path(FILE)).unwrap(), "# mine\n");
    sandbox.answers = vec![Answer::Confirm(true)];
    assert_eq!(sandbox.run(&["init", "--agent", "codex"]).code, 0);
    assert_eq!(sandbox.run(&["init", "--agent", "gemini", "--yes", "--force"]).code, 0);
    assert!(std::fs::read_to_string(sandbox.path(FILE)).unwrap().contains("gemini"));
}

#[test]
fn init_keeps_what_it_overwrites_and_never_twice_under_one_name() {
    let sandbox = Sandbox::new();
    sandbox.write(FILE, "# mine\n");
    // Nobody has to be asked.
    let init = |agent: &str| sandbox.run(&["init", "--agent", agent, "--force"]);
    insta::assert_snapshot!(init("codex").stderr.lines().next().unwrap(), @"Kept what was there as `HOME/.config/codeloops/config.toml.bak`.");
    for agent in ["gemini", "gemini", "codex"] {
        assert_eq!(init(agent).code, 0);
    }
    let kept = |suffix: &str| std::fs::read_to_string(sandbox.path(&format!("{FILE}{suffix}")));
    assert_eq!(kept(".bak").unwrap(), "# mine\n");
    assert!(kept(".bak2").unwrap().contains("codex"));
    assert!(kept(".bak3").unwrap().contains("gemini"));
    assert!(kept(".bak4").is_err(), "the same text again is not kept");
}

#[test]
fn init_writes_what_a_link_leads_to_and_leaves_the_link() {
    let sandbox = Sandbox::new();
    std::os::unix::fs::symlink("../../dotfiles/config.toml", sandbox.path(FILE)).unwrap();
    let init = |agent: &str| sandbox.run(&["init", "--agent", agent, "--yes", "--force"]).code;
    let (link, target) = (sandbox.path(FILE), sandbox.path("home/dotfiles/config.toml"));
    // What it leads to is not there yet, and then it is.
    for agent in ["codex", "gemini"] {
        assert_eq!(init(agent), 0);
        assert!(link.is_symlink());
        assert!(std::fs::read_to_string(&target).unwrap().contains(agent));
    }
    std::fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink(&link, &link).unwrap();
    assert_eq!(init("codex"), 2);
}

#[test]
fn init_offers_installed_agents_first() {
    let mut sandbox = Sandbox::new();
    sandbox.install("codex");
    sandbox.terminal = Terminal { stdin: true, stdout: true, stderr: true };
    sandbox.answers = vec![Answer::Select(0)];
    assert!(sandbox.run(&["init"]).stdout.contains("\"codex\""));
    sandbox.answers = vec![Answer::Select(1)];
    assert!(sandbox.run(&["init", "--force"]).stdout.contains("\"claude\""));
    assert!(sandbox.run(&["init", "--yes", "--force"]).stdout.contains("\"codex\""));
}

#[test]
fn init_without_a_terminal_or_an_agent_says_what_to_do() {
    let mut sandbox = Sandbox::new();
    insta::assert_snapshot!(transcript(
        &sandbox,
        &[&["init"], &["init", "--yes"], &["init", "--yes", "--agent", "opncode"],]
    ));
    sandbox.terminal = Terminal { stdin: true, stdout: true, stderr: true };
    sandbox.answers = vec![Answer::BreakOff];
    assert_eq!(sandbox.run(&["init"]).code, 130);
    assert!(!sandbox.path(FILE).exists());
}
