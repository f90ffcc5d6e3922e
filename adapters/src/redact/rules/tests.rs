//! For each rule one text that it masks, and one that comes near and stays. All keys are nobody's.

use std::collections::BTreeSet;

use super::*;
use crate::redact::Redactor;

/// Letters and digits without a meaning.
fn mixed(length: usize) -> String {
    "x7Kq2mR9Zb4Tn8Wd".chars().cycle().take(length).collect()
}

fn letters(length: usize) -> String {
    "xKqmRZbTnWd".chars().cycle().take(length).collect()
}

fn hex(length: usize) -> String {
    "3f9a0c7e1b5d".chars().cycle().take(length).collect()
}

fn capitals(length: usize) -> String {
    "QX7ZP2R5".chars().cycle().take(length).collect()
}

/// Name of the rule, what is masked, what is not.
fn table() -> Vec<(&'static str, String, String)> {
    let key = format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n", mixed(64));
    vec![
        ("AWS access key", format!("AKIA{}", capitals(16)), format!("AKIA{}", capitals(15))),
        (
            "AWS secret key",
            format!("aws_secret_access_key = {}", mixed(40)),
            "aws_secret_access_key = os.environ".into(),
        ),
        ("Anthropic key", format!("sk-ant-api03-{}", mixed(90)), "sk-ant-api03-{KEY}".into()),
        ("OpenAI key", format!("sk-proj-{}", mixed(48)), format!("task-proj-{}", mixed(48))),
        (
            "OpenAI key",
            format!("sk-{0}T3BlbkFJ{0}", mixed(20)),
            format!("sk-{0}T3BlbkFX{0}", mixed(20)),
        ),
        ("OpenRouter key", format!("sk-or-v1-{}", hex(64)), format!("sk-or-v1-{}", hex(40))),
        ("DeepSeek key", format!("sk-{}", hex(32)), format!("disk-{}", hex(32))),
        ("Google key", format!("AIza{}", mixed(35)), format!("AIza{}", mixed(30))),
        ("Google token", format!("ya29.{}", mixed(60)), "ya29.short".into()),
        ("Google client secret", format!("GOCSPX-{}", mixed(28)), "GOCSPX-name".into()),
        ("GitHub token", format!("ghp_{}", mixed(36)), format!("ghp_{}", mixed(35))),
        ("GitHub token", format!("ghs_{}", mixed(36)), format!("ghx_{}", mixed(36))),
        ("GitHub token", format!("github_pat_{}_{0}", mixed(40)), "github_pat_TOKEN".into()),
        ("GitLab token", format!("glpat-{}", mixed(20)), "glpat-example".into()),
        (
            "GitLab token",
            format!("glpat-{}.01.{}", mixed(27), hex(9)),
            format!("pat-{}.01.{}", mixed(27), hex(9)),
        ),
        ("Slack token", format!("xoxb-{0}-{0}-{1}", "123456789012", mixed(24)), "xoxb-x".into()),
        (
            "Slack token",
            format!("xapp-1-A{}-1234567890-{}", capitals(10), hex(64)),
            "xapp-1-A-1-x".into(),
        ),
        (
            "Slack hook",
            format!("https://hooks.slack.com/services/T00000000/B00000000/{}", mixed(24)),
            "https://hooks.slack.com/services/T/B/x".into(),
        ),
        (
            "Discord hook",
            format!("https://discord.com/api/webhooks/123456/{}", mixed(68)),
            "https://discord.com/api/webhooks/123456".into(),
        ),
        ("Telegram token", format!("123456789:AA{}", mixed(33)), format!("x:AA{}", mixed(33))),
        ("Stripe key", format!("sk_live_{}", mixed(24)), "sk_live_mode".into()),
        ("Stripe hook secret", format!("whsec_{}", mixed(32)), "whsec_secret".into()),
        ("npm token", format!("npm_{}", mixed(36)), "npm_config_registry".into()),
        ("PyPI token", format!("pypi-AgEIcHlwaS5vcmc{}", mixed(70)), "pypi-AgEIcHlwaS5vcmc".into()),
        ("Cargo token", format!("cio{}", mixed(32)), format!("precio{}", mixed(32))),
        ("RubyGems key", format!("rubygems_{}", hex(48)), "rubygems_version".into()),
        ("Docker token", format!("dckr_pat_{}", mixed(27)), "dckr_pat_x".into()),
        ("Hugging Face token", format!("hf_{}", letters(34)), format!("hf_{}", mixed(34))),
        ("Groq key", format!("gsk_{}", mixed(52)), "gsk_name".into()),
        ("xAI key", format!("xai-{}", mixed(80)), format!("xai-{}", mixed(20))),
        ("Replicate token", format!("r8_{}", mixed(37)), format!("r8_{}", mixed(36))),
        ("Perplexity key", format!("pplx-{}", mixed(48)), "pplx-7b-online".into()),
        ("SendGrid key", format!("SG.{}.{}", mixed(22), mixed(43)), "SG.name.other".into()),
        ("DigitalOcean token", format!("dop_v1_{}", hex(64)), format!("dop_v1_{}", hex(32))),
        ("Atlassian token", format!("ATATT3{}", mixed(186)), "ATATT3".into()),
        ("Vault token", format!("hvs.{}", mixed(90)), "hvs.token".into()),
        ("Terraform token", format!("abc.atlasv1.{}", mixed(67)), "abc.atlasv1.x".into()),
        ("Databricks token", format!("dapi{}-2", hex(32)), "dapilogger".into()),
        ("Grafana token", format!("glsa_{}_{}", mixed(32), hex(8)), "glsa_token".into()),
        ("New Relic key", format!("NRAK-{}", capitals(27)), "NRAK-KEY".into()),
        ("Linear key", format!("lin_api_{}", mixed(40)), "lin_api_key".into()),
        ("Notion token", format!("ntn_{}", mixed(46)), "ntn_token".into()),
        ("Shopify token", format!("shpat_{}", hex(32)), "shpat_token".into()),
        ("Sentry token", format!("sntryu_{}", hex(64)), "sntryu_token".into()),
        ("Supabase key", format!("sb_secret_{}", mixed(31)), "sb_secret_key".into()),
        ("1Password token", format!("ops_eyJ{}", mixed(100)), "ops_eyJ".into()),
        ("age key", format!("AGE-SECRET-KEY-1{}", "QPZRY9X8G2".repeat(6)[..58].to_owned()), {
            format!("age1{}", "qpzry9x8g2".repeat(6))
        }),
        ("Azure key", format!("AccountKey={}==", mixed(86)), "AccountKey=${KEY}".into()),
        ("Azure client secret", format!("abc8Q~{}", mixed(34)), "abc8Q~x".into()),
        (
            "JSON web token",
            format!("eyJ{0}.eyJ{0}.{0}", mixed(30)),
            format!("eyJ{0}.abc{0}", mixed(30)),
        ),
        (
            "bearer token",
            format!("Authorization: Bearer {}", mixed(32)),
            "Authorization: Bearer $TOKEN; bearer authentication.is.a.thing".into(),
        ),
        (
            "user and password",
            r#""authorization\": \"Basic dXNlcjpwYXNzd29yZA=="#.into(),
            "Authorization: Basic authentication".into(),
        ),
        ("bearer token", format!("Bearer {}", mixed(32)), "Bearer AuthenticationHandler".into()),
        ("private key", format!("{key}-----END RSA PRIVATE KEY-----"), {
            format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", mixed(64))
        }),
        ("private key", key, "-----BEGIN RSA PRIVATE KEY----- is how it begins".into()),
        ("user and password", "postgres://me:hunter2@db/x".into(), "http://host:80/a@b".into()),
        ("user and password", "redis://:p%40ss@db/0".into(), "://${USER}:${PASSWORD}@db".into()),
        ("user and password", r"https:\/\/me:hunter2@db\/x".into(), "me:hunter2@db".into()),
    ]
}

#[test]
fn each_rule_masks_what_it_is_for_and_nothing_near() {
    let redactor = Redactor::new(&[], []).unwrap();
    for (name, positive, negative) in table() {
        let (masked, count) = redactor.text(&positive);
        assert!(masked.contains(&format!("[redacted: {name}]")), "{name}: {positive}: {masked}");
        assert_eq!(count, 1, "{masked}");
        assert!(may_be_in(&positive), "{name}");
        assert_eq!(redactor.text(&negative), (negative.as_str().into(), 0), "{name}");
    }
}

#[test]
fn every_rule_stands_in_the_table() {
    let tested: BTreeSet<&str> = table().into_iter().map(|(name, ..)| name).collect();
    let rules: BTreeSet<&str> = RULES.iter().chain([&ADDRESS]).map(|rule| rule.name).collect();
    assert_eq!(tested, rules);
}

#[test]
fn what_code_is_full_of_stays() {
    let redactor = Redactor::new(&[], []).unwrap();
    for text in [
        "commit 9a612545637005cff34d404eda8748bc034e4333",
        "id = 3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        r#""integrity": "sha512-z3LrYd0xq9cmGYyNpVb0sDYwZnL8B5ZzJ0w1qk3bQYQmVx7bQn0g0b5f3W4xj8uT6Qp5mZ==""#,
        r#"checksum = "2d44f8c1a6b4f1a5a8c0f6f1e8f2d0a2b0c7e6d5a4b3c2d1e0f9a8b7c6d5e4f3""#,
        "h1:AAZ3fVbUIdz3LrYdxq9cmGYyNpVb0sDYwZnL8B5ZzJ0=",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
        "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7Vd0xq9cmGYyNpVb0sDYwZnL8B5 me@host",
        "SHA256:AAd3LrYd0xq9cmGYyNpVb0sDYwZnL8B5ZzJ0w1qk3bQ",
        "let password = \"correct horse battery staple\"; token = get_token()",
        "https://example.org:8080/path?user=me@example.org",
        "git@github.com:owner/repository.git",
    ] {
        assert_eq!(redactor.text(text), (text.into(), 0));
    }
}

#[test]
fn a_rule_begins_with_three_characters_that_are_always_the_same() {
    for rule in RULES.iter().chain([&ADDRESS]) {
        assert!(rule.begins.iter().all(|begin| begin.len() >= 3), "{rule:?}");
    }
}
