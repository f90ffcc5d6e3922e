//! What credentials look like: those whose issuers gave them a form of their own, by which they are
//! told from anything else. A word such as `password` before a value is no such form: it stands in
//! code as well, and a diff with holes cannot be judged.
//!
//! Each begins with three characters or more that are always the same: by those a text is searched,
//! ten times as fast as by the patterns themselves.

use super::before::Before;

/// One kind of credential. The forms are those that their issuers document, or that the rules of
/// gitleaks know.
#[derive(Debug)]
pub struct Rule {
    /// What it is called where it was masked.
    pub name: &'static str,
    /// One of these begins it.
    pub begins: &'static [&'static str],
    /// The pattern of what follows.
    pub rest: &'static str,
    /// What stands before it.
    pub before: Before,
}

const fn word(name: &'static str, begins: &'static [&'static str], rest: &'static str) -> Rule {
    Rule { name, begins, rest, before: Before::NoWord }
}

const fn any(name: &'static str, begins: &'static [&'static str], rest: &'static str) -> Rule {
    Rule { name, begins, rest, before: Before::Anything }
}

/// Each kind. Of the beginnings no more than 64 may differ in their first three characters, or they
/// cannot be searched at once; and none of those should be in every other word.
pub const RULES: &[Rule] = &[
    word("AWS access key", &["AKIA", "ASIA"], r"[A-Z2-7]{16}\b"),
    any(
        "AWS secret key",
        &["_access_key", "_ACCESS_KEY", "AccessKey"],
        r"['\x22\\]{0,4}\s{0,4}[:=]\s{0,4}['\x22\\]{0,4}[A-Za-z0-9/+]{40}",
    ),
    word("Anthropic key", &["sk-ant-"], r"[a-z0-9]{2,12}-[A-Za-z0-9_\-]{20,}"),
    word(
        "OpenAI key",
        &["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"],
        r"[A-Za-z0-9_\-]{20,}",
    ),
    word("OpenAI key", &["sk-"], r"[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}\b"),
    word("OpenRouter key", &["sk-or-v1-"], r"[a-f0-9]{64}\b"),
    word("DeepSeek key", &["sk-"], r"[a-f0-9]{32}\b"),
    word("Google key", &["AIza"], r"[A-Za-z0-9_\-]{35}"),
    word("Google token", &["ya29."], r"[A-Za-z0-9_\-]{20,}"),
    word("Google client secret", &["GOCSPX-"], r"[A-Za-z0-9_\-]{28}"),
    word("GitHub token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], r"[A-Za-z0-9]{36,}\b"),
    word("GitHub token", &["github_pat_"], r"[A-Za-z0-9_]{36,}\b"),
    word(
        "GitLab token",
        &[
            "glpat-", "glptt-", "gldt-", "glrt-", "glcbt-", "glft-", "glsoat-", "glagent-",
            "glffct-",
        ],
        r"[A-Za-z0-9_\-]{20,}(?:\.[a-z0-9]{2}\.[a-z0-9]{9})?",
    ),
    word(
        "Slack token",
        &["xoxa-", "xoxb-", "xoxd-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-"],
        r"[A-Za-z0-9%\-]{10,}",
    ),
    word("Slack token", &["xapp-"], r"[0-9]-[A-Z0-9]+-[0-9]+-[a-z0-9]{20,}\b"),
    any(
        "Slack hook",
        &[".slack.com"],
        r"\\?/(?:services|workflows|triggers)\\?/[A-Za-z0-9+/\\]{40,}",
    ),
    any("Discord hook", &["/api"], r"\\?/webhooks\\?/[0-9]+\\?/[A-Za-z0-9_\-]{60,}"),
    Rule {
        name: "Telegram token",
        // The number of the bot stands before it.
        begins: &[":AA"],
        rest: r"[A-Za-z0-9_\-]{33}\b",
        before: Before::Digit,
    },
    word(
        "Stripe key",
        &["sk_live_", "sk_test_", "sk_prod_", "rk_live_", "rk_test_", "rk_prod_"],
        r"[A-Za-z0-9]{10,}\b",
    ),
    word("Stripe hook secret", &["whsec_"], r"[A-Za-z0-9+/]{32,}={0,2}"),
    word("npm token", &["npm_"], r"[A-Za-z0-9]{36}\b"),
    word("PyPI token", &["pypi-AgEIcHlwaS5vcmc"], r"[A-Za-z0-9_\-]{50,}"),
    word("Cargo token", &["cio"], r"[A-Za-z0-9]{32}\b"),
    word("RubyGems key", &["rubygems_"], r"[a-f0-9]{48}\b"),
    word("Docker token", &["dckr_pat_", "dckr_oat_"], r"[A-Za-z0-9_\-]{20,}"),
    word("Hugging Face token", &["hf_"], r"[A-Za-z]{34}\b"),
    word("Groq key", &["gsk_"], r"[A-Za-z0-9]{52}\b"),
    word("xAI key", &["xai-"], r"[A-Za-z0-9]{60,}\b"),
    word("Replicate token", &["r8_"], r"[A-Za-z0-9]{37}\b"),
    word("Perplexity key", &["pplx-"], r"[A-Za-z0-9]{40,}\b"),
    word("SendGrid key", &["SG."], r"[A-Za-z0-9_\-]{20,24}\.[A-Za-z0-9_\-]{39,50}"),
    any("DigitalOcean token", &["_v1_"], r"[a-f0-9]{64}\b"),
    word("Atlassian token", &["ATATT3"], r"[A-Za-z0-9_\-=]{40,}"),
    word("Vault token", &["hvs.", "hvb."], r"[A-Za-z0-9_\-]{24,}"),
    any("Terraform token", &[".atlasv1."], r"[A-Za-z0-9_\-=]{40,}"),
    word("Databricks token", &["dapi"], r"[a-f0-9]{32}(?:-[0-9])?\b"),
    word("Grafana token", &["glc_", "glsa_"], r"[A-Za-z0-9+/_]{32,}={0,2}"),
    word("New Relic key", &["NRAK-"], r"[A-Z0-9]{27}\b"),
    any("Linear key", &["_api_"], r"[A-Za-z0-9]{40,}\b"),
    word("Notion token", &["ntn_"], r"[A-Za-z0-9]{43,}\b"),
    word("Shopify token", &["shpat_", "shpca_", "shppa_", "shpss_"], r"[a-fA-F0-9]{32}\b"),
    word("Sentry token", &["sntrys_", "sntryu_"], r"[A-Za-z0-9+/=_\-]{40,}"),
    word("Supabase key", &["sbp_", "sb_secret_"], r"[A-Za-z0-9_\-]{20,}"),
    any("1Password token", &["_eyJ"], r"[A-Za-z0-9+/_\-]{40,}={0,2}"),
    word("age key", &["AGE-SECRET-KEY-1"], r"[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}\b"),
    any("Azure key", &["AccountKey=", "AccessKey="], r"[A-Za-z0-9+/]{40,}={0,2}"),
    // Three characters stand before it.
    any("Azure client secret", &["8Q~"], r"[A-Za-z0-9_~.\-]{31,34}"),
    word(
        "JSON web token",
        &["eyJ"],
        r"[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}",
    ),
    word(
        "bearer token",
        &["Bearer ", "bearer "],
        r"[A-Za-z_\-.~+/]*[0-9][A-Za-z0-9_\-.~+/]{15,}={0,2}",
    ),
    word("user and password", &["Basic "], r"[A-Za-z0-9+/]{10,}={1,2}"),
    any(
        "private key",
        &["-----BEGIN"],
        concat!(
            r"[A-Z0-9 ]{0,32} PRIVATE KEY(?: BLOCK)?-----(?:",
            // Whole. Its lines may stand in a diff, which puts a sign before each, or escaped in a
            // JSON string.
            r"(?:[^\-]|-[^\-])*-{5,6}END[A-Z0-9 ]{0,32} PRIVATE KEY(?: BLOCK)?-----",
            // Its first lines alone.
            r"|(?:(?:[\s+>|\-]|\\{1,4}[nr])*[A-Z][A-Za-z\-]+: [^\n\\]+)*",
            r"(?:(?:[\s+>|\-]|\\{1,4}[nr])*[A-Za-z0-9+/]{32,}={0,2})+",
            r"(?:(?:[\s+>|\-]|\\{1,4}[nr])*[A-Za-z0-9+/]{1,31}={0,2})?)",
        ),
    ),
];

/// User and password of an address.
pub const ADDRESS: Rule = any(
    "user and password",
    &["://", r":\/\/"],
    concat!(
        r"(?:[^\s/:@'\x22`<>{}$%\\]|%[0-9A-Fa-f]{2})*:",
        r"(?:[^\s/:@'\x22`<>{}$%\\]|%[0-9A-Fa-f]{2}){3,}@"
    ),
);

/// What stands for it: an address goes on to be one.
pub const ADDRESS_MASK: &str = "://[redacted: user and password]@";

/// Whether one of them may stand in a text: a look that costs less than to make ready for a search.
#[must_use]
pub fn may_be_in(text: &str) -> bool {
    let has = |begin: &&str| memchr::memmem::find(text.as_bytes(), begin.as_bytes()).is_some();
    RULES.iter().flat_map(|rule| rule.begins).any(has)
        || (text.contains('@') && ADDRESS.begins.iter().any(has))
}

#[cfg(test)]
mod tests;
