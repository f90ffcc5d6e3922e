//! What `docs` says to people with Tempo or Jaeger: each query and table names what is exported.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::tidy::{assert_none, files_below, read};

type Names = BTreeSet<String>;

const PAGE: &str = "docs/src/observability.md";
const DASHBOARD: &str = "docs/observability/tempo/codeloops.json";

/// Attributes of the resource that queries ask for: whoever makes the sink gives them to it.
const RESOURCE: [&str; 2] = ["service.name", "vcs.ref.head.name"];

/// Fields that TraceQL itself has, after their scope (`trace:rootName`).
const INTRINSIC: [&str; 4] = ["event:name", "link:traceID", "trace:duration", "trace:rootName"];

/// Values with a dot that the page's tables name.
const VALUES: [&str; 2] = [".jsonl", "codeloops.critic"];

/// The constants of the exporter whose names begin so, by their values.
fn exported(beginning: &str) -> Names {
    let source = read("sinks/otel/src/names.rs");
    let constants = source.lines().filter_map(|line| line.strip_prefix("pub const "));
    let of_kind = constants.filter_map(|line| line.strip_prefix(beginning));
    let values = of_kind.filter_map(|line| line.split('"').nth(1).map(str::to_owned));
    let values: Names = values.collect();
    assert!(!values.is_empty(), "names.rs has no constant `{beginning}…`");
    values
}

fn dashboard() -> Value {
    serde_json::from_str(&read(DASHBOARD)).unwrap()
}

/// The queries of the dashboard, each with the title of its panel.
fn panel_queries() -> Vec<(String, String)> {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let queries = panels.flat_map(|panel| {
        let title = panel["title"].as_str().unwrap();
        let targets = panel["targets"].as_array().unwrap().iter();
        targets.map(|target| (title.to_owned(), target["query"].as_str().unwrap().to_owned()))
    });
    queries.collect()
}

/// The queries of the page.
fn page_queries() -> Vec<(String, String)> {
    let page = read(PAGE);
    let blocks = page.split("```traceql\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let lines = blocks.flat_map(str::lines).filter(|line| line.starts_with('{'));
    lines.map(|query| (PAGE.to_owned(), query.to_owned())).collect()
}

#[test]
fn queries_ask_for_what_is_exported() {
    let queries = [panel_queries(), page_queries()].concat();
    assert!(queries.len() > 20, "{queries:?}");
    let (all, spans, events) = (exported(""), exported("SPAN_"), exported("EVENT_"));
    let breaches: Vec<String> = queries
        .iter()
        .flat_map(|(place, query)| {
            let unknown = unknown_names(query, &all).into_iter();
            let unknown = unknown.chain(unknown_values(query, "name", &spans));
            let unknown = unknown.chain(unknown_values(query, "trace:rootName", &spans));
            let unknown = unknown.chain(unknown_values(query, "event:name", &events));
            unknown.map(move |name| format!("{place}: `{name}` in `{query}`"))
        })
        .collect();
    assert_none("a query for what nothing exports", &breaches);
}

/// The query without its strings.
fn without_strings(query: &str) -> String {
    query.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

/// The names in a query that nothing has.
fn unknown_names(query: &str, exported: &Names) -> Names {
    let query = without_strings(query);
    let part = |c: char| c.is_ascii_alphanumeric() || "._:".contains(c);
    let words = query.split(|c| !part(c)).filter(|word| word.starts_with(char::is_alphabetic));
    let is_known = |word: &str| match word.split_once('.') {
        Some(("span" | "event" | "link", name)) => exported.contains(name),
        Some(("resource", name)) => RESOURCE.contains(&name),
        Some(_) => false,
        None => !word.contains(':') || INTRINSIC.contains(&word),
    };
    words.filter(|word| !is_known(word)).map(str::to_owned).collect()
}

/// The values that a query compares a field of TraceQL with, where nothing has them. The spans of an
/// agent's own are not ours.
fn unknown_values(query: &str, field: &str, known: &Names) -> Names {
    let begin = format!(" {field} = \"");
    let values = query.split(&begin).skip(1).map(|rest| rest.split('"').next().unwrap());
    let ours = values.filter(|value| !value.starts_with("claude_code."));
    ours.filter(|value| !known.contains(*value)).map(str::to_owned).collect()
}

/// One query with an attribute that nothing exports, one with an event: both are found.
#[test]
fn a_query_for_something_else_is_found() {
    let all = exported("");
    let found = unknown_names("{ span.codeloops.verdict = \"resource.x\" && trace:x }", &all);
    assert_eq!(found, Names::from(["span.codeloops.verdict".to_owned(), "trace:x".to_owned()]));
    let event = "{ event:name = \"codeloops.decision\" }";
    assert_eq!(unknown_values(event, "event:name", &exported("EVENT_")).len(), 1);
}

/// Grafana refuses, or shows nothing of, what lacks these.
#[test]
fn the_dashboard_is_one_that_grafana_imports() {
    let dashboard = dashboard();
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    assert!(variables.iter().any(|it| it["name"] == "datasource" && it["query"] == "tempo"));
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel:#}");
        let place = &panel["gridPos"];
        assert!(place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap() <= 24, "{panel:#}");
        for target in panel["targets"].as_array().unwrap() {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{panel:#}");
            assert_eq!(target["queryType"], "traceql", "{panel:#}");
            // A figure and a search are told apart by this; each needs its own.
            let is_figure = target["query"].as_str().unwrap().contains("_over_time(");
            assert_eq!(target.get("metricsQueryType").is_some(), is_figure, "{panel:#}");
            assert_eq!(target.get("tableType").is_some(), !is_figure, "{panel:#}");
        }
    }
}

/// What is exported stands in the page's tables; what is made from other names, in the text around.
#[test]
fn the_page_lists_every_name_that_is_exported() {
    let page = read(PAGE);
    let (_, below) = page.split_once("\n## What is exported\n").unwrap();
    let (tables, _) = below.split_once("\n### Resource\n").unwrap();
    let listed: Names = tables
        .lines()
        .filter(|line| line.starts_with('|'))
        .flat_map(|row| row.split('`').skip(1).step_by(2).map(str::to_owned))
        .collect();
    let mut names = exported("");
    for constant in ["SCHEMA_URL", "SCOPE"] {
        exported(constant).iter().for_each(|name| assert!(names.remove(name)));
    }
    // A name that another one follows is listed with it: `invoke_agent {agent}`.
    let first = |word: &str| word.split(' ').next().unwrap().to_owned();
    let is_listed =
        |name: &String| listed.contains(name) || listed.iter().any(|word| first(word) == *name);
    let missing = names.iter().filter(|name| !is_listed(name));
    let missing = missing.map(|name| format!("`{name}` is missing"));
    let unknown = listed.iter().filter(|word| {
        word.contains(['.', ' ']) && !names.contains(*word) && !names.contains(&first(word))
    });
    let unknown = unknown.filter(|word| !VALUES.contains(&word.as_str()));
    let unknown = unknown.map(|word| format!("nothing exports `{word}`"));
    assert_none("the page and the exporter differ", &missing.chain(unknown).collect::<Vec<_>>());
}

/// Ports are bound to this machine alone, and images have a version.
#[test]
fn the_compose_files_open_nothing_to_others() {
    for file in files_below("docs/observability", &["compose.yaml"]) {
        let lines = || file.text.lines().map(str::trim);
        let ports: Vec<&str> = lines().filter(|line| line.starts_with("- \"")).collect();
        assert!(ports.len() >= 3, "{}", file.path);
        let open = ports.iter().filter(|port| !port.starts_with("- \"127.0.0.1:"));
        assert_eq!(open.collect::<Vec<_>>(), Vec::<&&str>::new(), "{}", file.path);
        for image in lines().filter_map(|line| line.strip_prefix("image: ")) {
            let version = image.split_once(':').map(|(_, version)| version).unwrap_or_default();
            assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{}: {image}", file.path);
        }
    }
}
