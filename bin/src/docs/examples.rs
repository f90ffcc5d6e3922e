//! Calls worth showing, for the book and the manual.

/// Each command with its calls.
pub(super) const EXAMPLES: &[(&str, &str)] = &[
    (
        "codeloops run",
        "codeloops                                        # work on prompt.md\n\
         codeloops -p \"Fix the typo in README\" -n 3       # a task on the command line\n\
         codeloops --actor-agent codex --critic-agent claude\n\
         codeloops --max-duration 1h30m --idle-timeout none\n\
         codeloops --json-output > result.json            # for a script\n\
         codeloops --dry-run                              # show every setting, run nothing",
    ),
    (
        "codeloops sessions list",
        "codeloops sessions list --outcome success --project myapp\n\
         codeloops sessions list --after 2025-01-01 --before 2025-01-31 --json\n\
         codeloops sessions list --sort duration --limit 10",
    ),
    ("codeloops sessions stats", "codeloops sessions stats --json"),
    (
        "codeloops sessions prune",
        "codeloops sessions prune --older-than 30d        # tells what would go\n\
         codeloops sessions prune --older-than 30d --keep 100 --yes\n\
         codeloops sessions prune --max-size 1GB --yes",
    ),
    (
        "codeloops sessions path",
        "codeloops sessions path latest\n\
         jq -r .type \"$(codeloops sessions path latest)\"",
    ),
    (
        "codeloops sessions show",
        "codeloops sessions show latest                   # the newest one\n\
         codeloops sessions show 2025-01-27               # the only one of that day\n\
         codeloops sessions show 2025-01-27T15-30-45Z_a3f2c1 --json",
    ),
    (
        "codeloops runs list",
        "codeloops runs list --commit \"$(git rev-parse HEAD)\"\n\
         codeloops runs list --branch main --outcome success --limit 5\n\
         codeloops runs list --kind verify --json",
    ),
    (
        "codeloops runs show",
        "codeloops runs show                              # the newest one\n\
         codeloops runs show 01KJP0                       # the only one whose id begins so\n\
         codeloops runs show 2025-01-27T15-30-45Z_a3f2c1 --json",
    ),
    (
        "codeloops replay",
        "codeloops replay latest                          # what its console showed\n\
         codeloops replay latest --speed 10x --from 2     # ten times as fast, from iteration 2 on\n\
         codeloops replay latest --log-format json | jq .type\n\
         codeloops replay shared/session.jsonl --verify   # exit code 3 where it does not hold\n\
         codeloops replay latest --with max_iterations=3  # where it would have ended then",
    ),
    (
        "codeloops init",
        "codeloops init\ncodeloops init --agent codex --yes                # without questions",
    ),
    ("codeloops demo", "codeloops demo --verbose"),
    (
        "codeloops completions",
        "mkdir -p ~/.local/share/bash-completion/completions\n\
         codeloops completions bash > ~/.local/share/bash-completion/completions/codeloops\n\
         mkdir -p ~/.config/fish/completions\n\
         codeloops completions fish > ~/.config/fish/completions/codeloops.fish\n\
         mkdir -p ~/.zfunc                                # a directory of your $fpath\n\
         codeloops completions zsh > ~/.zfunc/_codeloops",
    ),
    (
        "codeloops man",
        "codeloops man | man -l -                         # read it\n\
         codeloops man --out ~/.local/share/man/man1      # man codeloops, man codeloops-run",
    ),
];
