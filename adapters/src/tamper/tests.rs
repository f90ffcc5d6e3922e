//! What is found in small projects, language by language, and in patches that are none.

use std::sync::Arc;

use codeloops_event::{DiffSide, MAX_TAMPERING, Tampering};
use proptest::prelude::*;

use super::*;
use crate::redact::Redactor;

mod files;
mod go;
mod java;
mod javascript;
mod python;
mod rust;

/// A file before and after; none where it is not there.
type Change<'a> = (&'a str, Option<&'a str>, Option<&'a str>);

/// The patch of some files, as git prints it.
fn patch(changes: &[Change<'_>]) -> Vec<u8> {
    changes.iter().flat_map(|change| patch_of_file(*change)).collect()
}

fn patch_of_file((path, before, after): Change<'_>) -> Vec<u8> {
    let signed = |sign: &str, text: &str| {
        text.lines().map(|line| format!("{sign}{line}\n")).collect::<String>()
    };
    match (before, after) {
        (Some(before), Some(after)) => {
            let mut patch = git2::Patch::from_buffers(
                before.as_bytes(),
                Some(path.as_ref()),
                after.as_bytes(),
                Some(path.as_ref()),
                None,
            )
            .unwrap();
            patch.to_buf().unwrap().to_vec()
        }
        (Some(before), None) => format!(
            "diff --git a/{path} b/{path}\ndeleted file mode 100644\nindex 1..0\n--- a/{path}\n\
             +++ /dev/null\n@@ -1,{} +0,0 @@\n{}",
            before.lines().count(),
            signed("-", before)
        )
        .into_bytes(),
        (None, after) => format!(
            "diff --git a/{path} b/{path}\nnew file mode 100644\nindex 0..1\n--- /dev/null\n\
             +++ b/{path}\n@@ -0,0 +1,{} @@\n{}",
            after.unwrap_or_default().lines().count(),
            signed("+", after.unwrap_or_default())
        )
        .into_bytes(),
    }
}

fn found_by(rules: TamperRules, patch: &[u8]) -> Found {
    let mut scan = Scan::new(Arc::new(rules), None);
    patch.chunks(4096).for_each(|piece| scan.push(piece));
    scan.finish()
}

fn found_in(patch: &[u8]) -> Vec<Tampering> {
    found_by(TamperRules::new(&[], GateFiles::default()).unwrap(), patch).signs
}

/// A sign in a line: `test_skipped src/lib.rs:+3 #[test]`.
fn shown(sign: &Tampering) -> String {
    let side = if sign.side == DiffSide::Added { '+' } else { '-' };
    let line = sign.line.map_or("*".to_owned(), |line| line.to_string());
    format!("{} {}:{side}{line} {}", sign.kind.as_str(), sign.file, sign.text)
}

#[track_caller]
fn check_all(changes: &[Change<'_>], expect: &[&str]) {
    let patch = patch(changes);
    let found: Vec<String> = found_in(&patch).iter().map(shown).collect();
    assert_eq!(found, expect, "{}", String::from_utf8_lossy(&patch));
}

/// One file that is changed.
#[track_caller]
fn check(path: &str, before: &str, after: &str, expect: &[&str]) {
    check_all(&[(path, Some(before), Some(after))], expect);
}

#[test]
fn the_users_own_patterns_are_told_with_their_names() {
    let pattern = |name: &str, files: &str, added: Option<&str>, removed: Option<&str>| {
        let (added, removed) = (added.map(str::to_owned), removed.map(str::to_owned));
        TamperPattern { name: name.to_owned(), files: files.to_owned(), added, removed }
    };
    let patterns = [
        pattern("sleeps", "*.rb", Some(r"\bsleep\b"), None),
        pattern("fewer checks", "src/*.c", None, Some(r"^\s*CHECK\(")),
    ];
    let rules = TamperRules::new(&patterns, GateFiles::default()).unwrap();
    let patch = patch(&[
        ("a/b.rb", Some("x\n"), Some("x\n  sleep 3\n")),
        ("src/a.c", Some("CHECK(1);\n"), Some("\n")),
        ("src/deep/a.c", Some("CHECK(1);\n"), Some("sleep\n")),
    ]);
    let found: Vec<String> = found_by(rules, &patch).signs.iter().map(shown).collect();
    assert_eq!(
        found,
        ["custom a/b.rb:+2 sleeps: sleep 3", "custom src/a.c:-1 fewer checks: CHECK(1);"]
    );

    let refused = |files: &str, added: Option<&str>| {
        let patterns = [pattern("x", files, added, None)];
        TamperRules::new(&patterns, GateFiles::default()).unwrap_err().to_string()
    };
    assert_eq!(refused("a", None), "neither `added` nor `removed` is given");
    assert_eq!(refused("a", Some("(")), "`(` is no regular expression: unclosed group");
    assert!(refused("a[", Some("a")).starts_with("`a[` is no glob: "));
}

#[test]
fn what_a_gate_runs_is_watched() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("check.sh"), "").unwrap();
    let package = r#"{"scripts": {"test": "jest", "start": "node ."}}"#;
    std::fs::write(root.path().join("package.json"), package).unwrap();
    let command = ["sh", "-c", "./check.sh && npm test; mvn verify; make all"].map(str::to_owned);
    let gates = gate_files(&[GateCommand { command: &command, dir: root.path() }], root.path());
    let patch = [
        patch(&[
            ("check.sh", Some("# a\nset -e\njest\n"), Some("# b\nset -e\njest || true\n")),
            ("package.json", Some("\"test\": \"jest\",\n"), Some("\"test\": \"true\",\n")),
            ("package.json", Some("\"start\": \"a\",\n"), Some("\"start\": \"b\",\n")),
            ("sub/package.json", Some("\"test\": \"a\",\n"), Some("\"test\": \"b\",\n")),
            ("pom.xml", Some("<scope>test</scope>\n<phase>verify</phase>\n"), Some("\n")),
            ("GNUmakefile", None, Some("all:\n\ttrue\n")),
        ]),
        b"diff --git a/check.sh b/check.sh\nold mode 100755\nnew mode 100644\n".to_vec(),
    ]
    .concat();
    let rules = TamperRules::new(&[], gates).unwrap();
    let found: Vec<String> = found_by(rules, &patch).signs.iter().map(shown).collect();
    assert_eq!(
        found,
        [
            "gate_changed check.sh:+3 jest || true",
            "gate_changed package.json:+1 \"test\": \"true\",",
            "gate_changed pom.xml:-2 <phase>verify</phase>",
            "gate_changed GNUmakefile:+* file added",
            "gate_changed check.sh:+* mode changed from 100755 to 100644",
        ]
    );
}

#[test]
fn a_text_is_one_short_line_without_credentials_in_which_nothing_acts() {
    let key = "AKIAIOSFODNN7EXAMPLE";
    let line = format!("#[allow(a)] // {key}\x1b[31m \u{202e}{}", "é".repeat(200));
    let patch = patch(&[("a.rs", Some("\n"), Some(&line))]);
    let rules = Arc::new(TamperRules::new(&[], GateFiles::default()).unwrap());
    let redactor = Arc::new(Redactor::new(&[], []).unwrap());
    let mut scan = Scan::new(rules, Some(redactor));
    scan.push(&patch);
    let text = &scan.finish().signs[0].text;
    assert!(text.starts_with("#[allow(a)] // [redacted: AWS access key] éé"), "{text}");
    assert!((199..=200).contains(&text.len()), "{}", text.len());
}

/// Neither in a block that is masked, nor in the text of a sign.
#[test]
fn a_private_key_hides_nothing_and_is_not_shown() {
    let begin = concat!("// -----BEGIN PRIVATE", " KEY-----");
    let after = format!("{begin}\n#[allow(dead_code)]\n// -----END PRIVATE KEY-----\n");
    check("a.rs", "", &after, &["lint_loosened a.rs:+2 (a line of a private key)"]);
}

#[test]
fn signs_beyond_the_limit_are_counted() {
    let after = "#[allow(unused)]\nstruct A;\n".repeat(MAX_TAMPERING + 20);
    let rules = TamperRules::new(&[], GateFiles::default()).unwrap();
    let found = found_by(rules, &patch(&[("a.rs", None, Some(&after))]));
    assert_eq!((found.signs.len(), found.more), (MAX_TAMPERING, 20));
}

#[test]
fn memory_is_bounded_and_what_was_not_kept_is_counted() {
    let rules = TamperRules::new(&[], GateFiles::default()).unwrap();
    let mut scan = Scan::new(Arc::new(rules), None);
    scan.push(b"diff --git a/a.rs b/a.rs\n--- a/a.rs\n+++ b/a.rs\n@@ -1 +1 @@\n");
    for _ in 0..50 {
        scan.push("+#[allow(unused)]\n".repeat(1000).as_bytes());
    }
    scan.push(&vec![b'+'; 20 * 1024 * 1024]);
    let found = scan.finish();
    assert_eq!(found.signs.len() as u64 + found.more, 50_000);
}

proptest! {
    #[test]
    fn any_bytes_are_looked_through_and_pieces_make_no_difference(
        lines in prop::collection::vec(line(), 0..60),
        size in 1_usize..64,
    ) {
        let patch = lines.concat();
        let rules = || TamperRules::new(&[], GateFiles::default()).unwrap();
        let found = found_by(rules(), &patch);
        let mut scan = Scan::new(Arc::new(rules()), None);
        patch.chunks(size).for_each(|piece| scan.push(piece));
        prop_assert_eq!(&found, &scan.finish());
        prop_assert!(found.signs.len() <= MAX_TAMPERING);
        for sign in &found.signs {
            prop_assert!(sign.text.len() <= 200);
            prop_assert!(!sign.text.chars().any(codeloops_event::text::acts));
        }
    }

    /// Of two trees that are the same but for the order of their files' parts nothing is told.
    #[test]
    fn a_whole_file_that_moves_is_no_sign(order in Just(vec![0, 1, 2, 3]).prop_shuffle()) {
        let parts = ["fn test_a():\n    assert a\n", "#[test]\nfn b() {\n    assert!(b);\n}\n",
            "#[allow(unused)]\nfn c() {}\n", "#[test]\nfn d() {\n    assert_eq!(d, 1);\n}\n"];
        let after: String = order.into_iter().map(|at: usize| parts[at]).collect();
        let patch = patch(&[("tests/a.rs", Some(&parts.concat()), None), ("tests/b.rs", None, Some(&after))]);
        prop_assert_eq!(found_in(&patch), []);
    }
}

/// Lines that patches have, and others.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        "diff --git a/tests/a.rs b/tests/a.rs\n",
        "diff --git \"a/\\303\\244.py\" \"b/\\3",
        "deleted file mode 100644\n",
        "rename from tests/test_a.py\n",
        "rename to a.py\n",
        "--- a/tests/test_a.py\n",
        "+++ b/tests/test_a.py\t\n",
        "+++ /dev/null\n",
        "@@ -1,2 +3 @@ mod tests {\n",
        "@@ -4294967295 +4294967295 @@\n",
        "@@ \n",
        "-#[test]\r\n",
        "+#[allow(x)]\n",
        "-fn a() {\n",
        "-def test_a():\n",
        "+    assert x\n",
        "-    assert_eq!(x,\n",
        " }\n",
        "\n",
        "\\ No newline at end of file\n",
        "Binary files a/x and b/x differ\n",
        "GIT binary patch\n",
    ];
    prop_oneof![
        prop::sample::select(known.to_vec()).prop_map(|line| line.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..40),
    ]
}
