//! What all spans and metrics of a run have in common: the resource, in the words of OpenTelemetry's
//! semantic conventions.
//!
//! What a session records of its run (release, run id, commit, branch) is told from there, so that a
//! replay gives the same. The rest is that of the process that exports.

use std::collections::BTreeMap;
use std::env::consts::{ARCH, OS};

use codeloops_event::RunId;
use codeloops_event::trace::TraceId;

use super::OtelSettings;
use super::attributes::SERVICE_NAME;
use crate::world::Environment;

/// Bytes of the longest address of a repository that is told; who names it need not be trusted.
const MAX_REMOTE: usize = 2000;

/// A run that is exported.
#[derive(Debug, Clone, Copy)]
pub struct ExportedRun<'a> {
    /// Its id.
    pub run_id: &'a RunId,
    /// The trace that its spans belong to.
    pub trace_id: TraceId,
    /// What [`super::Otel::parent_sampled`] tells; none for a recording, which does not hold it.
    pub parent_sampled: Option<bool>,
    /// The release of codeloops that carried it out.
    pub version: &'a str,
    /// The commit that it began at.
    pub commit: Option<&'a str>,
    /// The branch that it began on.
    pub branch: Option<&'a str>,
    /// The remote `origin` of its repository, as [`codeloops_adapters::git::origin_of`] tells it. Not
    /// trusted.
    pub remote: Option<&'a str>,
}

/// The resource of a run, by the names of the attributes. What the user says of one stands.
#[must_use]
pub fn resource(
    settings: &OtelSettings,
    run: &ExportedRun<'_>,
    env: &Environment,
) -> BTreeMap<String, String> {
    let given = settings.resource_attributes.iter();
    let mut resource: BTreeMap<String, String> =
        given.map(|(name, value)| (name.clone(), value.value.clone())).collect();
    resource.insert(SERVICE_NAME.to_owned(), settings.service_name.value.clone());
    for (name, value) in of_run(run).into_iter().chain(of_pipeline(env)).chain(of_host()) {
        resource.entry(name.to_owned()).or_insert(value);
    }
    resource
}

type Attribute = (&'static str, String);

fn of_run(run: &ExportedRun<'_>) -> Vec<Attribute> {
    let remote = run.remote.and_then(repository);
    let (url, name) = remote.unzip();
    let mut attributes = vec![
        ("service.version", run.version.to_owned()),
        ("service.instance.id", run.run_id.to_string()),
    ];
    let told = [
        ("vcs.repository.url.full", url),
        ("vcs.repository.name", name),
        ("vcs.ref.head.revision", run.commit.map(str::to_owned)),
        ("vcs.ref.head.name", run.branch.map(str::to_owned)),
        ("vcs.ref.type", run.branch.map(|_| "branch".to_owned())),
    ];
    attributes.extend(told.into_iter().filter_map(|(name, value)| Some((name, value?))));
    attributes
}

/// The page of a repository, without credentials and `.git`, and its name; none for a repository that
/// is on no other machine, and for an address of which it is not certain where credentials end.
fn repository(remote: &str) -> Option<(String, String)> {
    if remote.len() > MAX_REMOTE || remote.contains(char::is_control) {
        return None;
    }
    let (scheme, host, path) = parts(remote)?;
    if !is_host(host) || path.contains('@') {
        return None;
    }
    let path = path.split(['?', '#']).next()?.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let name = path.rsplit('/').next().filter(|name| !name.is_empty())?;
    Some((format!("{scheme}://{host}/{path}"), name.to_owned()))
}

/// Scheme, host and path of `https://user@host/path`, `ssh://git@host:22/path` or `git@host:path`. The
/// page of what is reached by another way than HTTP is at the same host, by HTTPS and its usual port.
fn parts(remote: &str) -> Option<(&'static str, &str, &str)> {
    let without_user = |host: &'_ str| host.rfind('@').map_or(0, |at| at + 1);
    if let Some((scheme, rest)) = remote.split_once("://") {
        let (host, path) = rest.split_once('/')?;
        let host = &host[without_user(host)..];
        let without_port = host.rfind(':').map_or(host, |colon| &host[..colon]);
        let (scheme, host) = match scheme {
            "http" => ("http", host),
            "https" => ("https", host),
            "ssh" | "git" | "git+ssh" | "ssh+git" => ("https", without_port),
            _ => return None,
        };
        return Some((scheme, host, path));
    }
    let (host, path) = remote.split_once(':')?;
    Some(("https", &host[without_user(host)..], path))
}

/// Whether it is a name or an address, maybe with a port, and no part of a password.
fn is_host(text: &str) -> bool {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (text, ""),
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let others = if address.is_some() { ".:" } else { "-._" };
    let is_part = |part: char| part.is_alphanumeric() || others.contains(part);
    let name = address.unwrap_or(name);
    !name.is_empty()
        && name.chars().all(is_part)
        && port.bytes().all(|digit| digit.is_ascii_digit())
}

/// What the CI that codeloops runs in says of itself.
fn of_pipeline(env: &Environment) -> Vec<Attribute> {
    let var = |name: &str| env.var(name)?.to_str().map(str::to_owned);
    let is_true = |name: &str| var(name).is_some_and(|value| value == "true");
    let told = if is_true("GITHUB_ACTIONS") {
        let server = var("GITHUB_SERVER_URL").zip(var("GITHUB_REPOSITORY"));
        let url = server.zip(var("GITHUB_RUN_ID"));
        [
            var("GITHUB_WORKFLOW"),
            var("GITHUB_RUN_ID"),
            url.map(|((server, repository), id)| {
                format!("{server}/{repository}/actions/runs/{id}")
            }),
            var("GITHUB_JOB"),
        ]
    } else if is_true("GITLAB_CI") {
        ["CI_PIPELINE_NAME", "CI_PIPELINE_ID", "CI_PIPELINE_URL", "CI_JOB_NAME"].map(var)
    } else {
        return Vec::new();
    };
    let names = [
        "cicd.pipeline.name",
        "cicd.pipeline.run.id",
        "cicd.pipeline.run.url.full",
        "cicd.pipeline.task.name",
    ];
    names.into_iter().zip(told).filter_map(|(name, value)| Some((name, value?))).collect()
}

/// The words of the conventions, which are not those of Rust.
fn of_host() -> [Attribute; 2] {
    let arch = match ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    };
    let os = match OS {
        "macos" => "darwin",
        other => other,
    };
    [("host.arch", arch.to_owned()), ("os.type", os.to_owned())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_a_repository_holds_no_credentials() {
        for (remote, url, name) in [
            ("https://github.com/o/r.git", "https://github.com/o/r", "r"),
            ("https://me:s3cret@github.com/o/r", "https://github.com/o/r", "r"),
            ("https://me:s3@cret@host:8443/a/b/r.git/", "https://host:8443/a/b/r", "r"),
            ("https://me:s3?cret@host/o/r", "https://host/o/r", "r"),
            ("http://host/r.git?token=s3cret", "http://host/r", "r"),
            ("git@github.com:o/r.git", "https://github.com/o/r", "r"),
            ("host:/srv/r", "https://host/srv/r", "r"),
            ("ssh://git@host:2222/o/r.git", "https://host/o/r", "r"),
            ("git://host/r.git", "https://host/r", "r"),
            ("http://[::1]:80/r", "http://[::1]:80/r", "r"),
        ] {
            let expected = Some((url.to_owned(), name.to_owned()));
            assert_eq!(repository(remote), expected, "{remote}");
        }
    }

    #[test]
    fn what_is_no_page_is_not_told() {
        let long = format!("https://h/{}", "x".repeat(MAX_REMOTE));
        for remote in [
            "",
            "/srv/r.git",
            "../r",
            "./a:b",
            "file:///srv/r.git",
            "https://host",
            "https://host/",
            "https:///o/r",
            "ext::sh -c x://h/r",
            "https://h/a\u{1b}[2J",
            "https://me:s3/cret@host/o/r.git",
            "https://me:s3#c/ret@host/o/r",
            "https://s3cret?x/o/r",
            "https://me:s3cret/o/r",
            "ssh://me:s3/cret@host/o/r",
            "me:s3cret@host:o/r",
            "me@s3:cret@host:o/r",
            &long,
        ] {
            assert_eq!(repository(remote), None, "{remote}");
        }
    }
}
