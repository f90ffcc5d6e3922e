//! Where each setting of the sink `otel` comes from, and what becomes of one that is wrong.

use clap::Parser;

use super::*;
use crate::app::App;
use crate::config::Config;
use crate::testing::Sandbox;

const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_";
const ALL: &str = "OTEL_EXPORTER_OTLP_";

fn resolve(sandbox: &Sandbox, flags: &[&str]) -> Result<Otel, CliError> {
    let args = App::try_parse_from(["codeloops"].iter().chain(flags)).unwrap().run.output.otel;
    let env = sandbox.world().0.env;
    let config = Config::load(&sandbox.path("project"), &env.config_dir().unwrap())?;
    Otel::resolve(&[SinkSpec::Otel], &args, Layers { config: &config }, &env).map(Option::unwrap)
}

fn settings(sandbox: &Sandbox, flags: &[&str]) -> OtelSettings {
    match resolve(sandbox, flags).unwrap() {
        Otel::On(settings) => *settings,
        Otel::Disabled => panic!("disabled"),
    }
}

/// A sandbox with these variables.
fn with(vars: &[(&'static str, &str)]) -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.vars = vars.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    sandbox
}

fn shown(sandbox: &Sandbox, text: &str) -> String {
    text.replace(sandbox.path("project").to_str().unwrap(), "PROJECT")
        .replace(sandbox.path("home").to_str().unwrap(), "HOME")
}

/// The rows whose names begin so, without what all begin with.
fn rows(sandbox: &Sandbox, flags: &[&str], of: &str) -> String {
    let rows = resolve(sandbox, flags).unwrap().rows();
    let lines = rows.iter().map(|row| {
        let name = row.name.strip_prefix("sinks.otel.").unwrap();
        format!("{name} {} ({})\n", row.shown_value(), row.origin)
    });
    shown(sandbox, &lines.filter(|line| line.starts_with(of)).collect::<String>())
}

/// Message and hints.
fn refused(sandbox: &Sandbox, flags: &[&str]) -> String {
    let error = resolve(sandbox, flags).unwrap_err();
    let hints = error.hints.iter().map(|hint| format!("hint: {hint}\n"));
    shown(sandbox, &format!("{error}\n{}", hints.collect::<String>()))
}

#[test]
fn what_nobody_names_is_the_default() {
    insta::assert_snapshot!(rows(&Sandbox::new(), &[], ""));
}

#[test]
fn every_key_is_taken_from_the_first_place_that_has_it() {
    let mut sandbox = Sandbox::new();
    let mut seen = Vec::new();
    let keys = ["endpoint", "protocol", "compression", "timeout", "headers.x"];
    let mut look = |sandbox: &Sandbox, flags: &[&str]| {
        seen.push(keys.map(|key| rows(sandbox, flags, key)).concat());
    };
    sandbox.global(
        "[defaults.sinks.otel]\nendpoint = 'http://global:1'\nprotocol = 'grpc'\n\
         compression = 'gzip'\ntimeout = '1s'\nheaders = { X = 'global' }\n",
    );
    look(&sandbox, &[]);
    sandbox.project(
        "[sinks.otel]\nendpoint = 'http://project:1'\nprotocol = 'http/protobuf'\n\
         compression = 'none'\ntimeout = '2s'\nheaders = { X = 'project' }\n",
    );
    look(&sandbox, &[]);
    let general = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://general:1"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "GZIP"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "3000"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x=general"),
    ];
    sandbox.vars.extend(general.map(|(name, value)| (name, value.to_owned())));
    look(&sandbox, &[]);
    let of_traces = [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:1/in"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "4000"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x=traces"),
    ];
    sandbox.vars.extend(of_traces.map(|(name, value)| (name, value.to_owned())));
    look(&sandbox, &[]);
    look(&sandbox, &["--otel-endpoint", "http://flag:1", "--otel-protocol", "grpc"]);
    insta::assert_snapshot!(seen.join("--\n"));
}

#[test]
fn address_and_protocol_fit_each_other() {
    let of = |vars: &[(&'static str, &str)], flags: &[&str]| {
        let traces = settings(&with(vars), flags).traces;
        format!("{} {}", traces.protocol.value.word(), traces.url.value)
    };
    let flag = |url: &'static str| of(&[], &["--otel-endpoint", url]);
    assert_eq!(flag("http://h:4317"), "grpc http://h:4317");
    assert_eq!(flag("http://h:4318"), "http/protobuf http://h:4318/v1/traces");
    assert_eq!(flag("https://h/otlp"), "http/protobuf https://h/otlp/v1/traces");
    assert_eq!(
        of(&[], &["--otel-endpoint", "http://h:4318", "--otel-protocol", "grpc"]),
        "grpc http://h:4318"
    );
    let http = ["--otel-protocol", "http/protobuf"];
    assert_eq!(of(&[], &http), "http/protobuf http://127.0.0.1:4318/v1/traces");

    let all = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let traces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    let insecure = "OTEL_EXPORTER_OTLP_INSECURE";
    assert_eq!(of(&[(all, "http://h:1")], &http), "http/protobuf http://h:1/v1/traces");
    assert_eq!(of(&[(traces, "http://h:1")], &http), "http/protobuf http://h:1/");
    assert_eq!(of(&[(traces, "http://h:1/x")], &[]), "http/protobuf http://h:1/x");
    assert_eq!(of(&[(all, "h:4317")], &[]), "grpc https://h:4317");
    assert_eq!(of(&[(all, "h:4317"), (insecure, "TRUE")], &[]), "grpc http://h:4317");
    assert_eq!(of(&[(all, "https://h"), (insecure, "true")], &[]), "grpc https://h");
    assert_eq!(
        of(
            &[(all, "h"), (insecure, "true"), ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "false"),],
            &[]
        ),
        "grpc https://h"
    );
}

#[test]
fn metrics_have_variables_of_their_own_and_are_off_unless_asked_for() {
    let mut sandbox = with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:1/in"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "a=b"),
        ("OTEL_METRICS_EXPORTER", "otlp"),
    ]);
    assert!(settings(&sandbox, &[]).metrics.is_none());
    sandbox.project("[sinks.otel]\nmetrics = true\n");
    let resolved = settings(&sandbox, &[]);
    let metrics = resolved.metrics.unwrap();
    assert_eq!(metrics.url.value, "http://all:4318/v1/metrics");
    assert_eq!(metrics.headers.value.iter().collect::<Vec<_>>(), [("a", "b")]);
    assert_eq!(resolved.traces.url.value, "http://traces:1/in");
    assert_eq!(resolved.traces.headers.value, Default::default());
    sandbox.vars.push(("OTEL_METRICS_EXPORTER", "none".to_owned()));
    assert!(settings(&sandbox, &[]).metrics.is_none());
}

#[test]
fn what_says_where_and_how_is_right_or_an_error_that_quotes_no_secret() {
    for (name, value) in [
        ("ENDPOINT", "ftp://h"),
        ("ENDPOINT", "http://me:s3cret@h"),
        ("ENDPOINT", "http://"),
        ("PROTOCOL", "http/json"),
        ("HEADERS", "authorization s3cret"),
        ("HEADERS", "a=s3cret%0A"),
        ("COMPRESSION", "zstd"),
        ("TIMEOUT", "10s"),
        ("TIMEOUT", "0"),
    ] {
        for scope in [ALL, TRACES] {
            let variable: &'static str = format!("{scope}{name}").leak();
            let error = refused(&with(&[(variable, value)]), &[]);
            let begins = format!("`{variable}` is not accepted: ");
            assert!(error.starts_with(&begins) && !error.contains("s3cret"), "{error}");
        }
    }
    let insecure =
        with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "h"), ("OTEL_EXPORTER_OTLP_INSECURE", "1")]);
    assert!(refused(&insecure, &[]).starts_with("`OTEL_EXPORTER_OTLP_INSECURE` is not accepted"));
}

#[test]
fn an_address_that_does_not_fit_is_told_with_its_place() {
    let none = Sandbox::new();
    insta::assert_snapshot!(refused(&none, &["--otel-endpoint", "localhost:4317"]), @r"
    `--otel-endpoint` is not accepted: it must begin with `http://`, or with `https://` for an encrypted connection
    hint: give another one, such as `http://127.0.0.1:4317`
    ");
    insta::assert_snapshot!(refused(&none, &["--otel-endpoint", "https://h/otlp", "--otel-protocol", "grpc"]), @r"
    `--otel-endpoint` is not accepted: an address for `grpc` has no path; does it take `http/protobuf`?
    hint: give another one, such as `http://127.0.0.1:4317`
    ");
    let whole = with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318/v1/traces")]);
    insta::assert_snapshot!(refused(&whole, &[]), @r"
    `OTEL_EXPORTER_OTLP_ENDPOINT` is not accepted: it ends with the path of a signal, such as `/v1/traces`, which codeloops adds; leave that out
    hint: correct or unset the variable
    ");
    let bare = with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "h:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
    ]);
    assert!(refused(&bare, &[]).contains("it must begin with `http://`"));
    none.project("[sinks.otel]\nendpoint = 'http://h/x'\nprotocol = 'grpc'\n");
    insta::assert_snapshot!(refused(&none, &[]), @r"
    project: sinks.otel.endpoint at PROJECT/codeloops.toml:2 is not accepted: an address for `grpc` has no path; does it take `http/protobuf`?
    hint: correct or remove the key
    ");
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let plain = rows(&Sandbox::new(), &[], "");
    for name in [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_SDK_DISABLED",
        "OTEL_TRACES_EXPORTER",
        "OTEL_TRACES_SAMPLER",
        "OTEL_PROPAGATORS",
        "OTEL_SERVICE_NAME",
        "OTEL_RESOURCE_ATTRIBUTES",
    ] {
        for empty in ["", "  "] {
            assert_eq!(rows(&with(&[(name, empty)]), &[], ""), plain, "{name}");
        }
    }
}

#[test]
fn any_other_variable_that_is_malformed_is_warned_of_and_counts_as_not_set() {
    let plain = rows(&Sandbox::new(), &[], "");
    let told = [
        ("OTEL_SDK_DISABLED", "yes"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_METRICS_EXPORTER", "prometheus"),
        ("OTEL_TRACES_SAMPLER", "xray"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "many"),
        ("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "all"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=1,broken"),
    ]
    .map(|variable| {
        let sandbox = with(&[variable]);
        assert_eq!(rows(&sandbox, &[], ""), plain);
        resolve(&sandbox, &[]).unwrap().warnings().join("\n")
    });
    insta::assert_snapshot!(told.join("\n"));
    let part = with(&[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "2")]);
    let resolved = settings(&part, &[]);
    assert_eq!(resolved.sampler.value.root, Root::Ratio(1.0));
    assert_eq!(resolved.warnings.len(), 1);
}

#[test]
fn variables_that_say_what_is_exported() {
    let of = |name, value, key| rows(&with(&[(name, value)]), &[], key);
    assert_eq!(
        of("OTEL_TRACES_SAMPLER", "always_off", "sampler"),
        "sampler always_off (OTEL_TRACES_SAMPLER)\n"
    );
    let part = with(&[
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
    ]);
    assert_eq!(
        rows(&part, &[], "sampler"),
        "sampler parentbased_traceidratio 0.25 (OTEL_TRACES_SAMPLER)\n"
    );
    let propagators =
        |value| settings(&with(&[("OTEL_PROPAGATORS", value)]), &[]).trace_context.value;
    assert!(propagators("baggage, tracecontext"));
    assert!(!propagators("b3") && !propagators("none"));
    let content = |value| {
        let name = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";
        let sandbox = with(&[(name, value)]);
        sandbox.project("[sinks.otel]\ncontent = 'attributes'\n");
        settings(&sandbox, &[]).content.value
    };
    for on in ["true", "SPAN_ONLY", "span_and_event", ""] {
        assert_eq!(content(on), Content::Attributes, "{on}");
    }
    for off in ["false", "no_content", "event_only"] {
        assert_eq!(content(off), Content::Off, "{off}");
    }
    let longest = |vars: &[(&'static str, &str)]| settings(&with(vars), &[]).max_value_bytes.value;
    let (all, spans) =
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT");
    assert_eq!(longest(&[(all, "100")]), 100);
    assert_eq!(longest(&[(all, "100"), (spans, "300")]), 300);
    assert_eq!(longest(&[(all, "5000")]), MAX_VALUE_BYTES);
}

#[test]
fn without_an_exporter_no_run_is_sampled_and_that_is_told() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736".parse().unwrap();
    let of = |value| settings(&with(&[("OTEL_TRACES_EXPORTER", value)]), &[]);
    assert!(of("console, otlp").samples(trace, None));
    let none = of("none");
    assert!(!none.samples(trace, Some(true)));
    insta::assert_snapshot!(none.warnings.join("\n"), @"no spans are exported: `OTEL_TRACES_EXPORTER` says so");
    assert!(!of("otlp").samples(trace, Some(false)));
}

#[test]
fn the_trace_that_a_run_is_started_in_is_asked_unless_that_is_switched_off() {
    let parent = |flags: &str, propagators: &str| {
        let trace = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
        let sandbox = with(&[("TRACEPARENT", &trace), ("OTEL_PROPAGATORS", propagators)]);
        resolve(&sandbox, &[]).unwrap().parent_sampled(&sandbox.world().0.env)
    };
    assert_eq!((parent("01", ""), parent("00", "")), (Some(true), Some(false)));
    assert_eq!((parent("01", "b3"), parent("xx", "")), (None, None));
}

#[test]
fn a_disabled_sink_is_none_whatever_else_is_set() {
    let sandbox = with(&[("OTEL_SDK_DISABLED", "True"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "x")]);
    let otel = resolve(&sandbox, &[]).unwrap();
    assert!(matches!(otel, Otel::Disabled) && otel.takes_trace_context());
    insta::assert_snapshot!(otel.warnings().join("\n"), @"there is no sink `otel`: `OTEL_SDK_DISABLED` is true");
    assert_eq!(rows(&sandbox, &[], ""), "disabled true (OTEL_SDK_DISABLED)\n");
}

#[test]
fn the_name_of_the_service_is_told_by_the_first_place_that_names_it() {
    let sandbox = |vars: &[(&'static str, &str)]| {
        let sandbox = with(vars);
        sandbox.global(
            "[defaults.sinks.otel]\nservice_name = 'global'\n\
             resource_attributes = { team = 'a', site = 'b' }\n",
        );
        sandbox
    };
    let of = |vars: &[(&'static str, &str)]| settings(&sandbox(vars), &[]).service_name.value;
    let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=attribute,team=c%2Cd");
    assert_eq!(of(&[attributes, ("OTEL_SERVICE_NAME", "variable")]), "variable");
    assert_eq!(of(&[attributes]), "attribute");
    assert_eq!(of(&[]), "global");
    let project = sandbox(&[]);
    project.project("[sinks.otel.resource_attributes]\n'service.name' = 'project'\n");
    assert_eq!(settings(&project, &[]).service_name.value, "project");
    insta::assert_snapshot!(rows(&sandbox(&[attributes]), &[], "resource"), @r"
    resource_attributes.site b (your file: defaults.sinks.otel.resource_attributes.site at HOME/.config/codeloops/config.toml:3)
    resource_attributes.team c,d (OTEL_RESOURCE_ATTRIBUTES)
    ");
}

#[test]
fn a_flag_of_a_sink_that_there_is_not_is_an_error() {
    let sandbox = Sandbox::new();
    for flag in [["--otel-endpoint", "http://h"], ["--otel-protocol", "grpc"]] {
        let ran = sandbox.run(&[&flag[..], &["--dry-run"]].concat());
        let told = format!("`{}` is given, but there is no sink `otel`", flag[0]);
        assert!(ran.code == 2 && ran.stderr.contains(&told), "{ran}");
    }
    let variable = with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense://")]);
    assert_eq!(variable.run(&["--dry-run"]).code, 0, "a variable switches nothing on");
}

#[test]
fn a_dry_run_shows_the_settings_of_a_sink_that_there_is_and_hides_its_headers() {
    let sandbox =
        with(&[("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=s3cret"), ("OTEL_TRACES_SAMPLER", "xray")]);
    sandbox.repository();
    sandbox.install("claude");
    sandbox.project("[sinks.otel]\nendpoint = 'https://theirs'\ncertificate = 'none.pem'\n");
    let of_otel = |args: &[&str]| {
        let ran = sandbox.run(&[args, &["--dry-run"]].concat());
        assert!(ran.code == 0 && !format!("{ran}").contains("s3cret"), "{ran}");
        let lines = ran.stdout.lines().chain(ran.stderr.lines());
        let about = |line: &&str| line.to_lowercase().contains("otel") || line.contains(".pem");
        let told: Vec<_> = lines.filter(about).collect();
        told.join("\n")
    };
    assert_eq!(of_otel(&[]), "");
    insta::assert_snapshot!(of_otel(&["--sink", "otel"]));
}

#[test]
fn files_begin_where_they_are_named() {
    let sandbox = with(&[("OTEL_EXPORTER_OTLP_CLIENT_KEY", "sub/../key.pem")]);
    sandbox.global(
        "[defaults.sinks.otel]\nclient_certificate = 'tls/mine.pem'\nendpoint = 'https://h'\n",
    );
    sandbox.project("[sinks.otel]\ncertificate = './ca.pem'\n");
    let both = ["certificate", "client"].map(|key| rows(&sandbox, &[], key)).concat();
    insta::assert_snapshot!(both, @r"
    certificate PROJECT/ca.pem (project: sinks.otel.certificate at PROJECT/codeloops.toml:2)
    client_certificate HOME/.config/codeloops/tls/mine.pem (your file: defaults.sinks.otel.client_certificate at HOME/.config/codeloops/config.toml:2)
    client_key PROJECT/sub/../key.pem (OTEL_EXPORTER_OTLP_CLIENT_KEY)
    ");
}

#[test]
fn a_file_that_does_not_hold_what_it_should_is_told() {
    let sandbox = Sandbox::new();
    let pem = |label: &str| format!("-----BEGIN {label}-----\nMAA=\n-----END {label}-----\n");
    sandbox.write("project/ca.pem", pem("CERTIFICATE"));
    sandbox.write("project/key.pem", pem("PRIVATE KEY"));
    sandbox.write("project/locked.pem", pem("ENCRYPTED PRIVATE KEY"));
    let told = |keys: &str| {
        sandbox.project(&format!("[sinks.otel]\nendpoint = 'https://h'\n{keys}"));
        match resolve(&sandbox, &[]).unwrap().check_files() {
            Ok(()) => String::new(),
            Err(error) => shown(&sandbox, &format!("{error}\n")),
        }
    };
    let with_key =
        |key: &str| told(&format!("client_certificate = 'ca.pem'\nclient_key = '{key}'\n"));
    assert_eq!(told("certificate = 'ca.pem'\n"), "");
    assert_eq!(with_key("key.pem"), "");
    insta::assert_snapshot!(
        [
            told("certificate = 'none.pem'\n"),
            told("certificate = 'key.pem'\n"),
            told("certificate = '.'\n"),
            told("client_key = 'key.pem'\n"),
            told("client_certificate = 'ca.pem'\n"),
            with_key("ca.pem"),
            with_key("locked.pem"),
        ]
        .concat()
    );
}

#[test]
fn a_file_that_is_not_used_is_warned_of() {
    let sandbox = Sandbox::new();
    sandbox
        .project("[sinks.otel]\nendpoint = 'http://h'\ncertificate = 'ca.pem'\nmetrics = true\n");
    assert!(resolve(&sandbox, &[]).unwrap().check_files().is_ok());
    let warnings = settings(&sandbox, &[]).warnings.join("\n");
    insta::assert_snapshot!(shown(&sandbox, &warnings));
}

#[test]
fn what_a_project_has_told_to_others_is_told_itself() {
    let sandbox = Sandbox::new();
    sandbox.global("[defaults.sinks.otel]\nendpoint = 'http://mine:1'\nheaders = { a = 'b' }\n");
    let told = |sandbox: &Sandbox, flags: &[&str]| {
        let told = resolve(sandbox, flags).unwrap().project_settings();
        shown(sandbox, &told.iter().map(|setting| format!("{setting}\n")).collect::<String>())
    };
    assert_eq!(told(&sandbox, &[]), "");
    sandbox.project(
        "[sinks.otel]\nendpoint = 'https://theirs'\nheaders = { X-Key = 's3cret', b = 'c' }\n\
         certificate = 'ca.pem'\ncontent = 'attributes'\nagents = 'join'\ntools = true\n",
    );
    insta::assert_snapshot!(told(&sandbox, &[]));
    assert!(!told(&sandbox, &["--otel-endpoint", "http://mine"]).contains("endpoint"));
}

/// What goes to the receiver, and what is warned of.
fn sent(sandbox: &Sandbox, flags: &[&str]) -> String {
    let settings = settings(sandbox, flags);
    let keys = ["headers", "client"].map(|key| rows(sandbox, flags, key)).concat();
    let of_metrics = rows(sandbox, flags, "metrics.headers");
    shown(sandbox, &format!("{keys}{of_metrics}{}\n", settings.warnings.join("\n")))
}

#[test]
fn a_receiver_of_the_project_gets_nothing_that_the_user_set_up_for_another() {
    let user = |vars: &[(&'static str, &str)]| {
        let sandbox = with(vars);
        sandbox.global(
            "[defaults.sinks.otel]\nendpoint = 'https://mine'\nheaders = { authorization = 's3cret' }\n\
             client_certificate = 'mine.pem'\nclient_key = 'mine.key'\n",
        );
        sandbox
    };
    let theirs = "[sinks.otel]\nendpoint = 'https://theirs'\nmetrics = true\n";
    let sandbox = user(&[]);
    sandbox.project(theirs);
    insta::assert_snapshot!("of_the_users_file", sent(&sandbox, &[]));
    assert!(resolve(&sandbox, &[]).unwrap().check_files().is_ok(), "the user's files are not used");
    let variable = user(&[("OTEL_EXPORTER_OTLP_HEADERS", "x-key=s3cret")]);
    variable.project(&format!("{theirs}headers = {{ x-theirs = 'a' }}\n"));
    insta::assert_snapshot!("of_a_variable", sent(&variable, &[]));
}

#[test]
fn a_receiver_of_the_user_gets_what_any_place_names() {
    let sandbox = with(&[("OTEL_EXPORTER_OTLP_HEADERS", "x-key=s3cret")]);
    sandbox.project("[sinks.otel]\nendpoint = 'http://theirs'\nheaders = { x-theirs = 'a' }\n");
    let flag = ["--otel-endpoint", "http://mine"];
    let mine = sent(&sandbox, &flag);
    assert!(mine.starts_with("headers.x-key ******** (OTEL_EXPORTER_OTLP_HEADERS)\n"), "{mine}");
    assert!(!mine.contains("not used"), "{mine}");
    let sandbox = Sandbox::new();
    sandbox.global("[defaults.sinks.otel]\nendpoint = 'http://mine'\n");
    sandbox.project("[sinks.otel]\nheaders = { x-theirs = 'a' }\n");
    assert!(sent(&sandbox, &[]).starts_with("headers.x-theirs ******** (project: "));
}

#[test]
fn what_follows_a_question_mark_in_an_address_is_never_shown() {
    let sandbox = with(&[
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://h/v1/traces?api_key=s3cret"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "ca.pem"),
    ]);
    let otel = resolve(&sandbox, &[]).unwrap();
    let told = [rows(&sandbox, &[], ""), otel.warnings().concat()];
    assert!(told.iter().all(|told| told.contains("http://h/v1/traces?…")), "{told:?}");
    assert!(!told.concat().contains("s3cret"), "{told:?}");
    assert_eq!(otel.receiver(), Some("http://h/v1/traces"));
    assert!(settings(&sandbox, &[]).traces.url.value.ends_with("?api_key=s3cret"));
}

#[test]
fn a_receiver_that_is_of_one_signal_alone_is_warned_of() {
    let told = |vars: &[(&'static str, &str)], flags: &[&str]| {
        let sandbox = with(vars);
        sandbox.project("[sinks.otel]\nmetrics = true\n");
        let settings = settings(&sandbox, flags);
        let metrics = settings.metrics.unwrap().url.value;
        format!("{} {metrics}\n{}\n", settings.traces.url.value, settings.warnings.join("\n"))
    };
    let of_traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:1");
    let of_metrics = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://metrics:1");
    insta::assert_snapshot!(
        [
            told(&[of_traces], &[]),
            told(&[of_metrics], &[]),
            told(&[of_traces, of_metrics], &[]),
            told(&[of_traces, of_metrics], &["--otel-endpoint", "http://flag:1"]),
            told(&[], &[]),
        ]
        .concat()
    );
}

#[test]
fn content_that_a_variable_has_exported_is_told() {
    let name = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";
    let sandbox = with(&[(name, "true")]);
    sandbox.project("[sinks.otel]\ncontent = 'off'\n");
    insta::assert_snapshot!(settings(&sandbox, &[]).warnings.join("\n"), @"prompts, answers and diffs are exported: `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` says so");
    let sandbox = Sandbox::new();
    sandbox.project("[sinks.otel]\ncontent = 'attributes'\n");
    assert_eq!(settings(&sandbox, &[]).warnings, [""; 0]);
}

fn run_of(run_id: &codeloops_event::RunId) -> ExportedRun<'_> {
    ExportedRun {
        run_id,
        trace_id: TraceId::of_run(run_id),
        parent_sampled: None,
        version: "1.2.3",
        commit: Some("0123abc"),
        branch: Some("main"),
        remote: Some("git@github.com:o/r.git"),
    }
}

/// The attributes of a run's resource, but for those of the host.
fn resource_of(sandbox: &Sandbox) -> String {
    let run_id = "01JJ0000000000000000000000".parse().unwrap();
    let env = sandbox.world().0.env;
    let attributes = resource(&settings(sandbox, &[]), &run_of(&run_id), &env);
    assert!(attributes.contains_key("host.arch") && attributes.contains_key("os.type"));
    let of_run =
        attributes.iter().filter(|(name, _)| !["host.arch", "os.type"].contains(&name.as_str()));
    of_run.map(|(name, value)| format!("{name}={value}\n")).collect()
}

#[test]
fn the_resource_tells_of_run_repository_and_pipeline() {
    insta::assert_snapshot!(resource_of(&Sandbox::new()));
    let github = with(&[
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "o/r"),
        ("GITHUB_RUN_ID", "7"),
        ("GITHUB_WORKFLOW", "nightly"),
        ("GITHUB_JOB", "fix"),
        ("OTEL_RESOURCE_ATTRIBUTES", "vcs.repository.name=mine,service.namespace=tools"),
    ]);
    insta::assert_snapshot!(resource_of(&github));
    let gitlab = with(&[
        ("GITLAB_CI", "true"),
        ("CI_PIPELINE_ID", "8"),
        ("CI_PIPELINE_URL", "https://gitlab/p/8"),
        ("CI_JOB_NAME", "fix"),
    ]);
    let of_ci = resource_of(&gitlab);
    let of_ci: Vec<&str> = of_ci.lines().filter(|line| line.starts_with("cicd.")).collect();
    insta::assert_snapshot!(of_ci.join("\n"));
}

#[test]
fn the_sink_is_made_with_what_was_resolved() {
    let run_id = "01JJ0000000000000000000000".parse().unwrap();
    let made = |sandbox: &Sandbox| {
        let env = sandbox.world().0.env;
        let made = resolve(sandbox, &[]).unwrap().options(&run_of(&run_id), &env);
        made.map_err(|error| shown(sandbox, &error.to_string()))
    };
    let sandbox = with(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://h:4318"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20t"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "100"),
    ]);
    sandbox.project(
        "[sinks.otel]\ncompression = 'gzip'\ncertificate = 'ca.pem'\n\
         content = 'attributes'\ntrace_url = 'http://j/{trace_id}'\n",
    );
    assert!(made(&sandbox).unwrap_err().contains("`PROJECT/ca.pem` cannot be read"));
    sandbox.write("project/ca.pem", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");
    let options = made(&sandbox).unwrap().unwrap();
    assert_eq!(options.traces.url, "https://h:4318/v1/traces");
    assert_eq!(options.traces.protocol, codeloops_sink_otel::Protocol::HttpProtobuf);
    assert_eq!(options.traces.compression, codeloops_sink_otel::Compression::Gzip);
    assert_eq!(options.traces.headers, [("authorization".to_owned(), "Bearer t".to_owned())]);
    assert!(options.traces.tls.certificates.is_some() && options.traces.tls.client.is_none());
    assert_eq!(options.longest_text, Some(100));
    assert!(options.content && options.sampled && options.metrics.is_none());
    assert_eq!(options.trace_url.as_deref(), Some("http://j/{trace_id}"));
    assert!(options.resource.contains(&("service.name".to_owned(), "codeloops".into())));

    for variables in [[("OTEL_SDK_DISABLED", "true")], [("OTEL_TRACES_EXPORTER", "none")]] {
        assert_eq!(made(&with(&variables)), Ok(None), "there is nothing to export");
    }
}
