//! The documented examples of how settings are resolved, and the rules behind them.

use crate::config::Config;
use crate::testing::Sandbox;

/// Agent and model of a role with their origins, as `--dry-run` shows them.
fn role(sandbox: &Sandbox, args: &[&str], role: &str) -> String {
    let ran = sandbox.run(&[args, &["--dry-run"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    let lines = ran.stdout.lines().filter(|line| {
        line.starts_with(&format!("{role}.agent")) || line.starts_with(&format!("{role}.model"))
    });
    let words = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        words.join(" ").replace(['(', ')'], "")
    };
    lines.map(words).collect::<Vec<_>>().join(", ")
}

#[track_caller]
fn check(sandbox: &Sandbox, args: &[&str], actor: &str, critic: &str) {
    assert_eq!(role(sandbox, args, "actor"), actor);
    assert_eq!(role(sandbox, args, "critic"), critic);
}

#[test]
fn guide_1_and_reference_1_no_configuration() {
    check(&Sandbox::new(), &[], "claude default, none default", "claude default, none default");
}

#[test]
fn guide_2_global_only() {
    let sandbox = Sandbox::new();
    sandbox.global("[defaults]\nagent = \"opencode\"\n");
    let both =
        "opencode your file: defaults.agent at HOME/.config/codeloops/config.toml:2, none default";
    check(&sandbox, &[], both, both);
}

#[test]
fn reference_2_global_only_with_a_model() {
    let sandbox = Sandbox::new();
    sandbox.global("[defaults]\nagent = \"opencode\"\nmodel = \"gpt-4o\"\n");
    let both = "opencode your file: defaults.agent at HOME/.config/codeloops/config.toml:2, \
                gpt-4o your file: defaults.model at HOME/.config/codeloops/config.toml:3";
    check(&sandbox, &[], both, both);
}

#[test]
fn guide_3_and_reference_3_the_project_overrides_the_global_file() {
    let sandbox = Sandbox::new();
    sandbox.global("[defaults]\nagent = \"opencode\"\n");
    sandbox.project("agent = \"claude\"\n");
    let both = "claude project: agent at PROJECT/codeloops.toml:1, none default";
    check(&sandbox, &[], both, both);
}

#[test]
fn guide_4_and_reference_4_the_command_line_overrides_everything() {
    let sandbox = Sandbox::new();
    sandbox.global("[defaults]\nagent = \"opencode\"\n[defaults.actor]\nagent = \"codex\"\n");
    sandbox.project("agent = \"claude\"\n");
    let both = "cursor --agent, none default";
    check(&sandbox, &["--agent", "cursor"], both, both);
    check(&sandbox, &["run", "--agent", "cursor"], both, both);
}

#[test]
fn guide_5_per_role() {
    let sandbox = Sandbox::new();
    sandbox.global("[defaults]\nagent = \"claude\"\n\n[defaults.actor]\nagent = \"opencode\"\n");
    check(
        &sandbox,
        &[],
        "opencode your file: defaults.actor.agent at HOME/.config/codeloops/config.toml:5, none default",
        "claude your file: defaults.agent at HOME/.config/codeloops/config.toml:2, none default",
    );
}

#[test]
fn reference_5_per_role_with_models() {
    let sandbox = Sandbox::new();
    sandbox.global(
        "[defaults]\nagent = \"claude\"\nmodel = \"sonnet\"\n\n\
         [defaults.actor]\nagent = \"opencode\"\nmodel = \"gpt-4o\"\n",
    );
    check(
        &sandbox,
        &[],
        "opencode your file: defaults.actor.agent at HOME/.config/codeloops/config.toml:6, \
         gpt-4o your file: defaults.actor.model at HOME/.config/codeloops/config.toml:7",
        "claude your file: defaults.agent at HOME/.config/codeloops/config.toml:2, \
         sonnet your file: defaults.model at HOME/.config/codeloops/config.toml:3",
    );
}

#[test]
fn guide_6_a_flag_for_one_role() {
    let sandbox = Sandbox::new();
    sandbox.global("[defaults]\nagent = \"opencode\"\n");
    check(
        &sandbox,
        &["--critic-agent", "claude", "--actor-model", "gpt-4o", "--model", "opus"],
        "opencode your file: defaults.agent at HOME/.config/codeloops/config.toml:2, gpt-4o --actor-model",
        "claude --critic-agent, opus --model",
    );
}

#[test]
fn a_project_stands_before_what_the_global_file_says_of_a_role() {
    let sandbox = Sandbox::new();
    sandbox.global("[defaults.actor]\nagent = \"opencode\"\n");
    sandbox.project("agent = \"codex\"\n");
    assert!(role(&sandbox, &[], "actor").starts_with("codex project: agent"));
}

#[test]
fn an_agent_of_both_files_is_put_together_key_by_key() {
    let sandbox = Sandbox::new();
    sandbox.global("[defaults.agents.mine]\ncommand = ['mine']\nenv = { A = '1', B = '1' }\n");
    sandbox.project("agent = 'mine'\n[agents.mine]\nenv = { B = '2' }\n");
    let dirs = [sandbox.path("project"), sandbox.path("home/.config/codeloops")];
    let table = super::agent_table(&Config::load(&dirs[0], &dirs[1]).unwrap()).unwrap();
    let mine = table.get("mine").unwrap();
    assert_eq!(mine.command, ["mine"]);
    let env: Vec<_> = mine.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(env, ["A=1", "B=2"]);
}

#[test]
fn idle_timeout_is_not_for_agents_that_print_only_at_their_end_unless_it_was_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.project("[agents.mine]\ncommand = ['mine']\n[critic]\nagent = 'mine'\n");
    let idle = |args: &[&str]| -> Vec<String> {
        let ran = sandbox.run(&[args, &["--dry-run"]].concat());
        let lines = ran.stdout.lines().filter(|line| line.starts_with("limits.idle_timeout"));
        lines.map(|line| line.split_whitespace().nth(1).unwrap().to_owned()).collect()
    };
    assert_eq!(idle(&[]), ["20m", "none"]);
    assert_eq!(idle(&["--idle-timeout", "90s"]), ["1m30s", "1m30s"]);
    assert_eq!(idle(&["--idle-timeout", "none"]), ["none", "none"]);
}

#[test]
fn sinks_of_the_command_line_stand_for_the_configured_ones_and_the_session_stays() {
    let sandbox = Sandbox::new();
    sandbox.project("[sinks]\nenabled = []\n");
    let sinks = |args: &[&str]| {
        let ran = sandbox.run(&[args, &["--dry-run"]].concat());
        let line = ran.stdout.lines().find(|line| line.starts_with("sinks.enabled")).unwrap();
        let (value, _) = line.split_once("  (").unwrap();
        value.trim_start_matches("sinks.enabled").trim().to_owned()
    };
    assert_eq!(sinks(&[]), r#"["jsonl"]"#);
    assert_eq!(sinks(&["--sink", "console"]), r#"["jsonl", "console"]"#);
    assert_eq!(sinks(&["--sink", "console", "--no-session"]), r#"["console"]"#);
}

#[test]
fn what_a_project_names_as_a_sink_is_told_and_a_secret_in_it_is_not() {
    let sandbox = Sandbox::new();
    sandbox.project(
        "[sinks]\nenabled = ['exec:post --token abc', 'file:../out.jsonl', 'file:in.jsonl']\n",
    );
    let told = |args: &[&str]| {
        let ran = sandbox.run(&[args, &["--dry-run"]].concat());
        assert!(!ran.to_string().contains("abc"), "{ran}");
        let of_project = |line: &&str| line.starts_with("note: codeloops.toml");
        ran.stderr.lines().filter(of_project).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(told(&[]), @r"
    note: codeloops.toml starts a command that gets all that is recorded: post --token ********
    note: codeloops.toml has all that is recorded written to ../out.jsonl
    ");
    assert_eq!(told(&["--sink", "console"]), "");
}

#[test]
fn the_engine_gets_the_documented_defaults() {
    let sandbox = Sandbox::new();
    let (world, _) = sandbox.world();
    let args = crate::app::RunArgs::default();
    let dir = super::working_dir(None, &world.env).unwrap();
    let settings = super::RunSettings::resolve(&args, false, dir, &world).unwrap();
    insta::assert_json_snapshot!(settings.engine(settings.permissions.value));
}

#[test]
fn what_nothing_holds_an_own_agent_to_is_told() {
    let sandbox = Sandbox::new();
    sandbox.project(
        "agent = 'mine'\n[agents.mine]\ncommand = ['mine']\n\
         [agents.careful]\ncommand = ['careful']\ncritic_args = ['--read-only']\n",
    );
    let told = |args: &[&str]| {
        let stderr = sandbox.run(&[args, &["--dry-run"]].concat()).stderr;
        let warnings = stderr.lines().filter(|line| line.starts_with("warning: `"));
        warnings.collect::<Vec<_>>().join("\n")
    };
    assert_eq!(told(&[]), "");
    insta::assert_snapshot!(told(&["--critic-access", "read-only"]), @r#"warning: `critic_access = "read-only"` is up to `mine` itself: codeloops knows no flags for it; give them as `critic_args` under `[agents.mine]` (in your file `[defaults.agents.mine]`)"#);
    insta::assert_snapshot!(told(&["--permissions", "edits"]), @r#"
    warning: `permissions = "edits"` is up to `mine` itself: codeloops knows no flags for it; give them as `actor_args` under `[agents.mine]` (in your file `[defaults.agents.mine]`)
    warning: `permissions = "edits"` is up to `mine` itself: codeloops knows no flags for it; give them as `critic_args` under `[agents.mine]` (in your file `[defaults.agents.mine]`)
    "#);
    for agent in ["claude", "careful"] {
        assert_eq!(told(&["--critic-access", "read-only", "--critic-agent", agent]), "");
    }
}

#[test]
fn paths_begin_where_they_were_written() {
    let sandbox = Sandbox::new();
    sandbox.write("project/sub/codeloops.toml", "runs_dir = 'runs'\n");
    let line = |args: &[&str]| {
        let ran = sandbox.run(&[&["--dry-run", "-d", "sub"], args].concat());
        ran.stdout.lines().find(|line| line.starts_with("runs_dir")).unwrap().to_owned()
    };
    assert!(line(&[]).contains(" PROJECT/sub/runs "), "{}", line(&[]));
    assert!(line(&["--runs-dir", "x"]).contains(" PROJECT/x "), "{}", line(&["--runs-dir", "x"]));
    let tidied = line(&["--runs-dir", "./x/./y//z"]);
    assert!(tidied.contains(" PROJECT/x/y/z "), "{tidied}");
}

#[test]
fn a_prompt_leaves_the_critic_room_for_what_it_judges() {
    let sandbox = Sandbox::new();
    let refused = |bytes: usize, limit: &str| {
        sandbox.write("project/task.md", "x".repeat(bytes));
        let ran = sandbox.run(&["--prompt-file", "task.md"]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(&format!("{bytes} bytes, more than {limit} (")), "{ran}");
    };
    refused(399_999, "374000");
    sandbox.project(
        "[agents.mine]\ncommand = ['mine']\nprompt = 'argument'\n[critic]\nagent = 'mine'\n",
    );
    refused(119_999, "94000");
    sandbox.project(
        "[agents.mine]\ncommand = ['mine']\nmax_prompt_bytes = 40000\n[critic]\nagent = 'mine'\n",
    );
    refused(14_001, "14000");
}

/// The rows of gates that `--dry-run` shows, in short.
fn gate_rows(sandbox: &Sandbox, args: &[&str]) -> String {
    let ran = sandbox.run(&[args, &["--dry-run"]].concat());
    assert_eq!(ran.code, 0, "{ran}");
    let of_gates = |line: &&str| {
        line.starts_with("gate")
            || line.starts_with("limits.gate_timeout")
            || line.contains("stuck")
    };
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ") + "\n";
    ran.stdout.lines().filter(of_gates).map(words).collect()
}

const LINT: &str = "[[defaults.gates]]\nname = 'lint'\nrun = 'make lint'\n\
    [defaults.gate_policy]\ntamper = 'veto'\non_failure = 'actor'\n";

#[test]
fn the_gates_of_the_project_stand_for_those_of_the_user_and_the_policy_is_put_together() {
    let sandbox = Sandbox::new();
    sandbox.global(LINT);
    insta::assert_snapshot!("gates_of_the_user", gate_rows(&sandbox, &[]));
    sandbox.project(
        "[[gates]]\nname = 'test'\nrun = ['make', '--api-key', 's3cret']\ntimeout = '90s'\n\
         required = false\nbaseline = false\nretries = 0\nworking_dir = 'ui'\nenv = { A = 's3cret' }\n\
         [gate_policy]\ntamper = 'warn'\n[limits]\nstuck_after = 3\n",
    );
    let of_project = gate_rows(&sandbox, &[]);
    assert!(!of_project.contains("s3cret"), "{of_project}");
    insta::assert_snapshot!("gates_of_the_project", of_project);
    sandbox.project("gates = []\n");
    assert!(gate_rows(&sandbox, &[]).starts_with("gates [] (project: gates at"));
}

#[test]
fn a_gate_of_the_command_line_stands_for_the_one_of_its_name_and_the_others_stay() {
    let sandbox = Sandbox::new();
    sandbox.project(
        "[[gates]]\nname = 'test'\nrun = 'make test'\nrequired = false\n\
         [[gates]]\nname = 'lint'\nrun = 'make lint'\n",
    );
    let flags = ["--gate", "Test=cargo test --token s3cret", "--gate", "fmt=cargo fmt --check"];
    let limits = ["--no-baseline", "--gate-timeout", "none", "--stuck-after", "2"];
    insta::assert_snapshot!(gate_rows(&sandbox, &[&flags[..], &limits[..]].concat()));
}

#[test]
fn what_a_project_has_run_as_gates_is_told_and_a_secret_in_it_is_not() {
    let sandbox = Sandbox::new();
    sandbox.repository();
    sandbox.install("sh");
    sandbox.install("claude");
    sandbox.global(LINT);
    sandbox.project(
        "[[gates]]\nname = 'test'\nrun = \"make test --token s3cret\\u001b[31m\\n./x\"\n\
         env = { A = 's3cret' }\n[[gates]]\nname = 'ui'\nrun = ['npm', 'test']\nworking_dir = 'ui'\n\
         [[gates]]\nname = 'types'\nrun = ['tsc']\n[[gates]]\nname = 'own'\nrun = ['./check']\n\
         [gate_policy]\ntamper = 'off'\n",
    );
    let stderr = sandbox.run(&["--dry-run", "--prompt", "x", "-n", "1"]).stderr;
    assert!(!stderr.contains("s3cret") && !stderr.contains('\u{1b}'), "{stderr}");
    insta::assert_snapshot!(stderr);
}
