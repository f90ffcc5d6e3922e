//! What a configuration file may say, and what is said about one that is wrong.

use std::path::PathBuf;

use super::*;

fn parse(scope: Scope, text: &str) -> Result<ConfigFile, CliError> {
    let name = match scope {
        Scope::Project => "codeloops.toml",
        Scope::Global => "config.toml",
    };
    Ok(ConfigFile::parse(text, PathBuf::from(name), scope)?)
}

fn project(text: &str) -> ConfigFile {
    parse(Scope::Project, text).unwrap()
}

/// What is printed for each of these project files, one after the other.
#[track_caller]
fn errors(texts: &[&str]) -> String {
    texts.iter().map(|text| shown(text, parse(Scope::Project, text))).collect()
}

#[track_caller]
fn shown(text: &str, result: Result<ConfigFile, CliError>) -> String {
    let Err(error) = result else {
        panic!(
            "accepted:
{text}"
        )
    };
    let hints: Vec<String> = error
        .hints
        .iter()
        .map(|hint| {
            format!(
                "hint: {hint}
"
            )
        })
        .collect();
    format!(
        "{text}
Error: {error}
{}
----
",
        hints.concat()
    )
}

#[test]
fn every_key_is_read() {
    let file = project(
        r#"
        agent = "claude"
        model = "sonnet"
        max_iterations = 5
        log_format = "compact"
        runs_dir = ".codeloops/runs"
        permissions = "edits"
        critic_access = "read-only"
        redact = false
        redact_patterns = ["internal-[0-9]+"]
        continue_session = false
        actor = { agent = "codex", model = "gpt" }
        critic.model = "opus"
        [agents.mine]
        command = ["my-agent", "--quiet"]
        prompt = "file"
        output = "codex-json"
        model_args = ["-m", "{model}"]
        resume_args = ["-r", "{session}"]
        version_args = ["--version"]
        actor_args = ["-w"]
        critic_args = ["-r"]
        env = { KEY = "value" }
        [[gates]]
        name = "test"
        run = "cargo test"
        [[gates]]
        name = "lint.ts"
        run = ["npx", "eslint", "."]
        timeout = "90s"
        required = false
        baseline = false
        retries = 0
        working_dir = "ui/web"
        env = { CI = "1" }
        [gate_policy]
        on_failure = "actor"
        parallel = true
        tamper = "veto"
        [[gate_policy.patterns]]
        name = "no quality assurance"
        files = "**/*.py"
        added = "noqa"
        [limits]
        gate_timeout = "5m"
        stuck_after = 3
        max_duration = "2h"
        max_tokens = 2_000_000
        max_cost_usd = 5
        actor_timeout = "1h"
        critic_timeout = 1800
        idle_timeout = "15m"
        max_actor_failures = 4
        max_critic_failures = 5
        max_output = "64KiB"
        usage_limit_wait = "0s"
        [sinks]
        enabled = ["console", "exec:jq -c .", "file:events.jsonl", "otel"]
        close_timeout = "1.5s"
        [sinks.otel]
        endpoint = "https://collector:4317"
        protocol = "http/protobuf"
        headers = { Authorization = "Bearer s3cret" }
        compression = "gzip"
        timeout = "3s"
        certificate = "ca.pem"
        client_certificate = "mine.pem"
        client_key = "mine.key"
        service_name = "nightly"
        resource_attributes = { "deployment.environment.name" = "ci" }
        agents = "inherit"
        content = "attributes"
        tools = true
        metrics = true
        internal = true
        trace_url = "http://jaeger/trace/{trace_id}"
        "#,
    );
    insta::assert_debug_snapshot!(file);
}

#[test]
fn the_global_file_has_the_same_keys_beneath_defaults() {
    let file = parse(
        Scope::Global,
        "[defaults]\nagent = 'opencode'\n[defaults.actor]\nmodel = 'gpt-4o'\n[defaults.limits]\nmax_duration = 90\n",
    )
    .unwrap();
    assert_eq!(file.both.agent.unwrap().value, "opencode");
    let model = file.actor.model.unwrap();
    assert_eq!((model.key.as_str(), model.line), ("defaults.actor.model", 4));
    assert!(file.limits.max_duration.is_some());
}

#[test]
fn an_empty_file_says_nothing() {
    assert_eq!(project("").both, RoleConfig::default());
    assert!(parse(Scope::Global, "# nothing\n").is_ok());
}

#[test]
fn an_unknown_key_is_told_with_its_place_and_the_nearest_one() {
    insta::assert_snapshot!(errors(&[
        "agent = 'claude'\n\n  agnet = 'x'\n",
        "[limits]\nmax_durations = '2h'\n",
        "[limits]\nmax_iterations = 3\n",
        "[agents.mine]\ncomand = ['x']\n",
        "[sinks.otel]\nheader = { a = 'b' }\n",
        "[critic]\nzzz = 1\n",
    ]));
    let global = |text| shown(text, parse(Scope::Global, text));
    insta::assert_snapshot!(
        [
            "agent = 'claude'\n",
            "[defaults]\nmodle = 'x'\n",
            "[agents.mine]\ncommand = ['x']\n",
            "[limits]\nmax_duration = '2h'\n",
        ]
        .map(global)
        .join("")
    );
}

#[test]
fn malformed_toml_is_told_with_its_place() {
    insta::assert_snapshot!(errors(&[
        "agent = \"claude\nmodel = 'x'\n",
        "agent = 'a'\nagent = 'b'\n",
    ]));
}

#[test]
fn a_wrong_type_is_told_with_what_is_expected() {
    insta::assert_snapshot!(errors(&[
        "agent = 5\n",
        "limits = 'none'\n",
        "[sinks]\nenabled = 'jsonl'\n",
        "[agents.mine]\ncommand = 'my-agent --quiet'\n",
        "[agents.mine]\ncommand = 'my-agent --token sk-secret'\n",
        "[agents.mine]\ncommand = 'sh -c \"my-agent; true\"'\n",
        "[limits]\nmax_duration = true\n",
        "[sinks.otel]\nheaders = 'a=s3cret'\n",
        "[sinks.otel]\nresource_attributes = { a = 1 }\n",
    ]));
}

#[test]
fn a_value_that_is_not_accepted_is_told_with_the_reason() {
    insta::assert_snapshot!(errors(&[
        "max_iterations = 0\n",
        "max_iterations = -1\n",
        "max_iterations = 4294967296\n",
        "max_iterations = 0xffff_ffff_ffff_ffff_ff\n",
        "[limits]\nmax_duration = 4294967296\n",
        "[limits]\nmax_duration = 0xffff_ffff_ffff_ffff\n",
        "[limits]\nmax_output = 18446744073709551616\n",
        "[agents.mine]\nmax_prompt_bytes = 4294967296\n",
        "agent = ''\n",
        "log_format = 'prety'\n",
        "permissions = 'all'\n",
        "[limits]\nmax_duration = '2 hours'\n",
        "[limits]\nactor_timeout = 0\n",
        "[limits]\nactor_timeout = nan\n",
        "[limits]\nidle_timeout = inf\n",
        "[limits]\nusage_limit_wait = -1\n",
        "redact_patterns = ['fine', '(']\n",
        "redact_patterns = ['a*']\n",
        "[limits]\nmax_actor_failures = 0\n",
        "[limits]\nmax_tokens = 0\n",
        "[limits]\nmax_tokens = 18446744073709551616\n",
        "[limits]\nmax_cost_usd = 0\n",
        "[limits]\nmax_cost_usd = nan\n",
        "[limits]\nmax_output = '1XB'\n",
        "[sinks]\nenabled = ['jsnol']\n",
        "[sinks]\nenabled = ['jsonl', 'exec: ']\n",
        "[sinks]\nenabled = ['file:']\n",
        "[sinks.otel]\nendpoint = 'localhost:4317'\n",
        "[sinks.otel]\nendpoint = 'http://me:s3cret@h'\n",
        "[sinks.otel]\nprotocol = 'http/json'\n",
        "[sinks.otel]\nheaders = { 'a b' = 's3cret' }\n",
        "[sinks.otel]\nheaders = { a = \"s3cret\\n\" }\n",
        "[sinks.otel]\ncompression = 'zstd'\n",
        "[sinks.otel]\ntimeout = 0\n",
        "[sinks.otel]\ncertificate = ''\n",
        "[sinks.otel]\nresource_attributes = { '' = 'x' }\n",
        "[sinks.otel]\nagents = 'on'\n",
        "[sinks.otel]\ncontent = 'events'\n",
        "[sinks.otel]\ntrace_url = 'http://jaeger/trace/'\n",
        "[agents.mine]\ncommand = []\n",
        "[agents.mine]\nmax_prompt_bytes = 0\n",
        "[agents.mine]\nmax_prompt_bytes = 39999\n",
        "[agents.mine]\nprompt = 'stdn'\n",
        "[agents.mine]\ncommand = ['a', \"b\\u0000c\"]\n",
        "[agents.mine]\nenv = { 'A=B' = 'c' }\n",
        "[agents.mine]\nenv = { '' = 'c' }\n",
        "[agents.mine]\nenv = { A = \"b\\u0000c\" }\n",
    ]));
}

#[test]
fn a_key_in_the_wrong_place_is_told_where_it_belongs() {
    insta::assert_snapshot!(errors(&[
        "zzz = 1\n",
        "gate = 1\n",
        "max_cost_usd = 1\n",
        "stuck_after = 3\n",
        "tamper = 'veto'\n",
        "[limits]\nstuck_afte = 1\n",
        "[limits]\nmax_outptu = 1\n",
        "[sinks]\nzzz = 1\n"
    ]));
}

#[test]
fn a_gate_that_could_not_be_meant_is_refused_with_its_line() {
    let gate = |rest: &str| format!("[[gates]]\nname = 'test'\nrun = 'make test'\n{rest}\n");
    let pattern = |rest: &str| format!("[[gate_policy.patterns]]\nname = 'ours'\n{rest}\n");
    let texts = [
        "gates = 'cargo test'\n".to_owned(),
        "gates = ['cargo test']\n".to_owned(),
        "[gates]\nname = 'test'\n".to_owned(),
        "[[gates]]\nrun = 'make test'\n".to_owned(),
        "[[gates]]\nname = 'test'\n".to_owned(),
        "[[gates]]\nname = '../test'\n".to_owned(),
        "[[gates]]\nname = 'test'\nrun = ' '\n".to_owned(),
        "[[gates]]\nname = 'test'\nrun = []\n".to_owned(),
        "[[gates]]\nname = 'test'\nrun = ['make', 1]\n".to_owned(),
        "[[gates]]\nname = 'test'\nrun = 1\n".to_owned(),
        gate("requird = true"),
        gate("timeout = 0"),
        gate("timeout = 'none'"),
        gate("retries = -1"),
        gate("retries = 'many'"),
        gate("working_dir = '../elsewhere'"),
        gate("working_dir = '/elsewhere'"),
        gate("env = { CODELOOPS_GATE = 'x' }"),
        gate("env = { 'A=B' = 'x' }"),
        gate("[[gates]]\nname = 'TEST'\nrun = 'make check'"),
        "[gate_policy]\non_failur = 'actor'\n".to_owned(),
        "[gate_policy]\non_failure = 'ignore'\n".to_owned(),
        "[gate_policy]\nparallel = 'yes'\n".to_owned(),
        "[gate_policy]\ntamper = 'refuse'\n".to_owned(),
        pattern("files = '**/*.py'"),
        pattern("added = 'noqa'"),
        pattern("files = '**/*.py'\nadded = '('"),
        pattern("files = '**/*.py'\nremoved = 'a*'"),
        "[limits]\nstuck_after = 1\n".to_owned(),
        "[limits]\ngate_timeout = 0\n".to_owned(),
    ];
    insta::assert_snapshot!(errors(&texts.each_ref().map(String::as_str)));
}

#[test]
fn a_number_counts_in_the_base_that_it_is_written_in() {
    let limits =
        project("max_iterations = 0x10\n[limits]\nmax_duration = 0x10\nmax_output = 0b11\n");
    assert_eq!(limits.max_iterations.unwrap().value.get(), 16);
    assert_eq!(limits.limits.max_duration.unwrap().value.secs(), Some(16.0));
    assert_eq!(limits.limits.max_output.unwrap().value, 3);
}

#[test]
fn files_that_cannot_be_read_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let load = || Config::load(dir.path(), dir.path());
    assert_eq!(load(), Ok(Config::default()));

    std::fs::write(dir.path().join(PROJECT_FILE), b"agent = '\xff'\n").unwrap();
    let message = load().unwrap_err().message.replace(&dir.path().display().to_string(), "DIR");
    insta::assert_snapshot!(message, @"`DIR/codeloops.toml` is not UTF-8 at byte 9");

    std::fs::remove_file(dir.path().join(PROJECT_FILE)).unwrap();
    std::fs::create_dir(dir.path().join(PROJECT_FILE)).unwrap();
    let message = load().unwrap_err().message.replace(&dir.path().display().to_string(), "DIR");
    insta::assert_snapshot!(message, @"`DIR/codeloops.toml` cannot be read: it is not a regular file");
}

#[test]
fn a_file_that_would_never_end_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(PROJECT_FILE);
    let message = || Config::load(dir.path(), dir.path()).unwrap_err().message;
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    assert!(message().ends_with("cannot be read: it is not a regular file"), "{}", message());
    std::fs::remove_file(&path).unwrap();
    std::fs::File::create(&path).unwrap().set_len(MAX_BYTES + 1).unwrap();
    assert!(message().ends_with("cannot be read: it is larger than 1 MB"), "{}", message());
}

#[test]
fn what_a_project_sets_for_the_programs_of_a_run_is_told() {
    let told = |text: &str, scope: Scope, used: [&str; 2]| -> String {
        let file = Some(parse(scope, text).unwrap());
        let config = match scope {
            Scope::Project => Config { project: file, global: None },
            Scope::Global => Config { project: None, global: file },
        };
        let table = crate::settings::agent_table(&config).unwrap();
        let used = used.map(|name| table.get(name).unwrap());
        let settings = config.project_settings(used);
        settings.iter().map(|setting| format!("{setting}\n")).collect()
    };
    let text = "runs_dir = '../elsewhere'\n\
        [agents.mine]\ncommand = ['my-agent', '--api-key', 'sk-1']\n\
        [agents.other]\ncommand = ['not-started']\n\
        [agents.cursor-agent]\nactor_args = ['--an-alias']\n\
        [agents.claude]\nenv = { LD_PRELOAD = 'evil.so', A = 'b', PATH = '/evil' }\nactor_args = ['--dangerous']\n\
        critic_args = ['--x']\nmodel_args = []\n";
    insta::assert_snapshot!(told(text, Scope::Project, ["mine", "claude"]), @r"
    says where programs are looked up, agent claude: /evil
    adds arguments, agent claude, actor_args: --dangerous
    adds arguments, agent claude, critic_args: --x
    sets variables, agent claude: A, LD_PRELOAD
    starts a program, agent mine: my-agent --api-key ********
    keeps the evidence of runs in ../elsewhere
    ");
    insta::assert_snapshot!(told(text, Scope::Project, ["cursor", "cursor"]), @r"
    adds arguments, agent cursor-agent, actor_args: --an-alias
    keeps the evidence of runs in ../elsewhere
    ");
    assert_eq!(told("runs_dir = './.codeloops/runs'\n", Scope::Project, ["claude"; 2]), "");
    let global = "[defaults.agents.mine]\ncommand = ['mine']\n";
    assert_eq!(told(global, Scope::Global, ["mine"; 2]), "");
}

#[test]
fn a_project_that_lets_agents_do_more_than_the_user_does_is_told() {
    let told = |project: &str, global: &str| -> String {
        let config = Config {
            project: Some(parse(Scope::Project, project).unwrap()),
            global: Some(parse(Scope::Global, global).unwrap()),
        };
        let table = crate::settings::agent_table(&config).unwrap();
        let claude = table.get("claude").unwrap();
        let settings = config.project_settings([claude, claude]);
        settings.iter().map(|setting| format!("{setting}\n")).collect()
    };
    let full = "permissions = 'full'\ncritic_access = 'run-commands'\n";
    let careful = "permissions = 'edits'\ncritic_access = 'read-only'\n";
    let global = |text: &str| format!("[defaults]\n{text}");
    insta::assert_snapshot!(told(full, &global(careful)), @r#"
    lets agents do more than you do: permissions = "full" (yours: "edits")
    lets agents do more than you do: critic_access = "run-commands" (yours: "read-only")
    "#);
    assert_eq!(told(careful, &global(full)), "");
    insta::assert_snapshot!(told("redact = false\n", &global("")), @"has credentials recorded and shown as they are: redact = false");
    assert_eq!(
        told("redact = false\n", &global("redact = false\n")),
        "",
        "it is what the user does"
    );
    assert_eq!(told("redact = true\n", &global("redact = false\n")), "");
    assert_eq!(told(full, &global("")), "");
}
