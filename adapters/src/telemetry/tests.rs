//! What agents get with each setting, as variables and arguments.

use codeloops_event::{CallId, CallKind, Role};
use codeloops_machine::Budget;

use super::*;
use crate::agents::builtin;

const RUN: &str = "01KJP0000000000000000000A1";

/// The second try of the critic in round 3.
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-16512c7c8a3f380c-01";

/// What codeloops was started with.
const OURS: [&str; 9] = [
    "CLAUDE_CODE_ENABLE_TELEMETRY",
    "GEMINI_TELEMETRY_ENABLED",
    "NOT_OTEL_EITHER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_METRICS_EXPORTER",
    "OTEL_SERVICE_NAME",
    "PATH",
    "TRACESTATE",
];

fn receiver(protocol: ReceiverProtocol) -> Receiver {
    let url = match protocol {
        ReceiverProtocol::Grpc => "http://127.0.0.1:4317",
        ReceiverProtocol::HttpProtobuf => "http://127.0.0.1:4318/v1/traces",
    };
    Receiver { url: url.to_owned(), protocol, headers: Vec::new(), certificate: None, client: None }
}

/// One that wants everything.
fn strict() -> Receiver {
    Receiver {
        url: "https://receiver:4317".to_owned(),
        headers: vec![
            ("authorization".to_owned(), "Bearer s3cret,=ü".to_owned()),
            ("x-team".to_owned(), "a".to_owned()),
        ],
        certificate: Some("/etc/ca \"one\".pem".to_owned()),
        client: Some(ClientFiles {
            certificate: "/etc/client.pem".to_owned(),
            key: "/etc/client.key".to_owned(),
        }),
        ..receiver(ReceiverProtocol::Grpc)
    }
}

fn telemetry(agents: AgentTelemetry, receiver: Receiver, inherited: bool) -> Telemetry {
    let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736".parse().unwrap();
    let trace = TraceContext { trace_id, sampled: true };
    let ours = OURS.map(OsString::from);
    Telemetry::new(trace, inherited, agents, receiver, &ours)
}

fn call(attempt: u32) -> AgentCall {
    AgentCall {
        call: CallId { iteration: 3, kind: CallKind::Critic, attempt },
        role: Role::Critic,
        prompt: String::new(),
        conversation: None,
        deadline: None,
        idle: None,
        budget: Budget::default(),
    }
}

/// What is set, given as an argument, and told.
fn lines(telemetry: &Telemetry, spec: &AgentSpec) -> String {
    let env = telemetry.variables(&RUN.parse().unwrap(), &call(2), spec);
    let set = env.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let env = set.map(|(name, value)| format!("{}={}", name.display(), value.display()));
    let args = telemetry.arguments(spec);
    let note = telemetry.note(spec).map(|note| format!("note: {note}"));
    let told = env.chain(args).chain(note).map(|line| format!("  {line}\n"));
    format!("{}:\n{}", spec.id, told.collect::<String>())
}

fn removed(telemetry: &Telemetry, spec: &AgentSpec) -> String {
    let env = telemetry.variables(&RUN.parse().unwrap(), &call(2), spec).into_iter();
    let removed = env.filter(|(_, value)| value.is_none());
    removed.map(|(name, _)| name.into_string().unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn nothing_of_our_exporter_reaches_an_agent_by_default() {
    let telemetry = telemetry(AgentTelemetry::default(), receiver(ReceiverProtocol::Grpc), false);
    for spec in builtin() {
        assert_eq!(
            removed(&telemetry, &spec),
            "CLAUDE_CODE_ENABLE_TELEMETRY GEMINI_TELEMETRY_ENABLED OTEL_EXPORTER_OTLP_ENDPOINT \
             OTEL_EXPORTER_OTLP_HEADERS OTEL_METRICS_EXPORTER OTEL_RESOURCE_ATTRIBUTES \
             OTEL_SERVICE_NAME TRACESTATE"
        );
        let told = lines(&telemetry, &spec);
        assert_eq!(told, format!("{}:\n  TRACEPARENT={PARENT}\n", spec.id));
    }
}

#[test]
fn agents_that_inherit_lack_our_service_alone() {
    let receiver = receiver(ReceiverProtocol::Grpc);
    for (inherited, lacked) in [(true, ""), (false, " TRACESTATE")] {
        let telemetry = telemetry(AgentTelemetry::Inherit, receiver.clone(), inherited);
        for spec in builtin() {
            let lacked = format!("OTEL_RESOURCE_ATTRIBUTES OTEL_SERVICE_NAME{lacked}");
            assert_eq!(removed(&telemetry, &spec), lacked);
            let told = lines(&telemetry, &spec);
            assert_eq!(told, format!("{}:\n  TRACEPARENT={PARENT}\n", spec.id));
        }
    }
}

#[test]
fn agents_that_join_are_told_of_the_receiver() {
    let told = [
        receiver(ReceiverProtocol::Grpc),
        receiver(ReceiverProtocol::HttpProtobuf),
        strict(),
        Receiver { headers: Vec::new(), ..strict() },
        Receiver { protocol: ReceiverProtocol::HttpProtobuf, headers: Vec::new(), ..strict() },
    ]
    .map(|receiver| {
        let telemetry = telemetry(AgentTelemetry::Join, receiver, false);
        builtin().iter().map(|spec| lines(&telemetry, spec)).collect::<String>()
    });
    insta::assert_snapshot!(told.join("\n"));
}

/// Each user of the machine sees arguments.
#[test]
fn no_secret_is_an_argument_or_shown_for_debugging() {
    let with_password = Receiver {
        url: "http://me:s3cret@receiver:4317".to_owned(),
        ..receiver(ReceiverProtocol::Grpc)
    };
    for receiver in [strict(), with_password] {
        let telemetry = telemetry(AgentTelemetry::Join, receiver, false);
        assert!(!format!("{telemetry:?}").contains("s3cret"));
        for spec in builtin() {
            assert!(telemetry.arguments(&spec).is_empty(), "{}", spec.id);
            assert!(!telemetry.note(&spec).unwrap_or_default().contains("s3cret"), "{}", spec.id);
        }
    }
}

#[test]
fn a_setting_of_codex_is_toml_whatever_a_path_has_in_it() {
    let receiver = Receiver { headers: Vec::new(), ..strict() };
    assert_eq!(
        receiver.codex_setting(),
        r#"otel.trace_exporter={otlp-grpc={endpoint="https://receiver:4317",tls={ca-certificate="/etc/ca \"one\".pem",client-certificate="/etc/client.pem",client-private-key="/etc/client.key"}}}"#
    );
}

#[test]
fn words_are_read_as_they_are_written() {
    for agents in AgentTelemetry::ALL {
        assert_eq!(agents.to_string().parse(), Ok(agents));
        assert_eq!(serde_json::to_value(agents).unwrap(), agents.as_str());
    }
    let error = "on".parse::<AgentTelemetry>().unwrap_err();
    assert_eq!(error.to_string(), "`on` is none of `off`, `inherit` and `join`");
}
