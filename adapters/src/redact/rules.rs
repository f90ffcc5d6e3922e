//! What credentials look like: those whose issuers gave them a form of their own, by which they are
//! told from anything else. A word such as `password` before a value is no such form: it stands in
//! code as well, and a diff with holes cannot be judged.
//!
//! Each pattern begins with three characters or more that are always the same: by those a text is
//! searched, ten times as fast as by the patterns themselves.

/// Name and pattern of each kind. The forms are those that their issuers document, or that the
/// rules of gitleaks know.
pub const RULES: &[(&str, &str)] = &[
    ("AWS access key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b"),
    ("Anthropic key", r"\bsk-ant-[a-z0-9]{2,12}-[A-Za-z0-9_\-]{20,}"),
    ("OpenAI key", r"\bsk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_\-]{20,}"),
    ("OpenAI key", r"\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}\b"),
    ("OpenRouter key", r"\bsk-or-v1-[a-f0-9]{64}\b"),
    ("Google key", r"\bAIza[A-Za-z0-9_\-]{35}"),
    ("Google token", r"\bya29\.[A-Za-z0-9_\-]{20,}"),
    ("GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b"),
    ("GitHub token", r"\bgithub_pat_[A-Za-z0-9_]{36,255}\b"),
    ("GitLab token", r"\bgl(?:pat|ptt|dt|rt|cbt|ft|soat|agent)-[A-Za-z0-9_\-]{20,}"),
    ("Slack token", r"\bxox[abeoprs]-[A-Za-z0-9\-]{10,}"),
    ("Slack token", r"\bxapp-[0-9]-[A-Z0-9]+-[0-9]+-[a-z0-9]{20,}\b"),
    ("Slack hook", r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{40,}"),
    ("Discord hook", r"discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_\-]{60,}"),
    ("Stripe key", r"\b(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{10,}\b"),
    ("npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("PyPI token", r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_\-]{50,}"),
    ("Cargo token", r"\bcio[A-Za-z0-9]{32}\b"),
    ("RubyGems key", r"\brubygems_[a-f0-9]{48}\b"),
    ("Docker token", r"\bdckr_(?:pat|oat)_[A-Za-z0-9_\-]{20,}"),
    ("Hugging Face token", r"\bhf_[A-Za-z]{34}\b"),
    ("Groq key", r"\bgsk_[A-Za-z0-9]{52}\b"),
    ("xAI key", r"\bxai-[A-Za-z0-9]{60,}\b"),
    ("Replicate token", r"\br8_[A-Za-z0-9]{37}\b"),
    ("Perplexity key", r"\bpplx-[A-Za-z0-9]{40,}\b"),
    ("SendGrid key", r"\bSG\.[A-Za-z0-9_\-]{20,24}\.[A-Za-z0-9_\-]{39,50}"),
    ("Mailgun key", r"\bkey-[a-f0-9]{32}\b"),
    ("DigitalOcean token", r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    ("Vault token", r"\bhv[sbr]\.[A-Za-z0-9_\-]{24,}"),
    ("Databricks token", r"\bdapi[a-f0-9]{32}(?:-[0-9])?\b"),
    ("Grafana token", r"\bgl(?:c|sa)_[A-Za-z0-9+/_]{32,}={0,2}"),
    ("Linear key", r"\blin_(?:api|oauth)_[A-Za-z0-9]{40,}\b"),
    ("Notion token", r"\bntn_[A-Za-z0-9]{43,}\b"),
    ("Shopify token", r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b"),
    ("Sentry token", r"\bsntry[su]_[A-Za-z0-9+/=_\-]{40,}"),
    ("Supabase key", r"\bsb(?:p_|_secret_)[A-Za-z0-9_\-]{20,}"),
    ("1Password token", r"\bops_eyJ[A-Za-z0-9+/_\-]{40,}={0,2}"),
    ("age key", r"\bAGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}\b"),
    ("Azure key", r"\bAccountKey=[A-Za-z0-9+/]{80,}={0,2}"),
    ("JSON web token", r"\beyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}"),
    (
        "private key",
        // The lines of its body may stand in a diff or, escaped, in a JSON string.
        r"-----BEGIN[A-Z ]{0,32} PRIVATE KEY(?: BLOCK)?-----(?:[^\-]|-[^\-])*-----END[A-Z ]{0,32} PRIVATE KEY(?: BLOCK)?-----",
    ),
];

/// User and password of an address, and what stands for them.
pub const ADDRESS: (&str, &str) = (
    r"://[^\s/:@'\x22`<>{}$%]{1,64}:[^\s/:@'\x22`<>{}$%]{3,256}@",
    "://[redacted: user and password]@",
);
