//! What is found in JavaScript and TypeScript.

use super::{check, check_all};

const TESTS: &str = "\
import { add } from './add';

describe('add', () => {
  it('adds two numbers', () => {
    expect(add(1, 2)).toBe(3);
    expect(add(0, 0)).toBe(0);
  });

  test.each([[1, 2]])('is (%s) \"quoted\"', async (a, b) => {
    await expect(add(a, b)).resolves.toBe(3);
  });
});
";

#[test]
fn deleted_tests() {
    let kept = format!("{}\n}});\n", TESTS.split("\n  test.each").next().unwrap());
    check(
        "src/add.test.ts",
        TESTS,
        &kept,
        &[
            "test_deleted src/add.test.ts:-9 test.each([[1, 2]])('is (%s) \"quoted\"', async (a, b) => {",
        ],
    );
    check_all(
        &[("src/__tests__/add.js", Some(TESTS), None)],
        &["test_deleted src/__tests__/add.js:-* file deleted, with 2 tests"],
    );
    check_all(&[("a.test.ts", Some(TESTS), None), ("b.spec.ts", None, Some(TESTS))], &[]);
    check("a.test.ts", TESTS, &TESTS.replace("adds two numbers", "adds numbers"), &[]);
    let commented = TESTS
        .replace("  it('adds", "  // it('adds")
        .replace("    expect(add(1", "    // expect(add(1");
    check(
        "a.test.ts",
        TESTS,
        &commented,
        &["test_deleted a.test.ts:-4 it('adds two numbers', () => {"],
    );
}

#[test]
fn skipped_tests() {
    for (from, to, line, text) in [
        ("it('adds", "it.skip('adds", 4, "it.skip('adds two numbers', () => {"),
        ("it('adds", "xit('adds", 4, "xit('adds two numbers', () => {"),
        ("it('adds", "it.only('adds", 4, "it.only('adds two numbers', () => {"),
        ("describe(", "describe.skip(", 3, "describe.skip('add', () => {"),
        ("describe(", "xdescribe(", 3, "xdescribe('add', () => {"),
        ("  it('adds", "  it.todo('more');\n  it('adds", 4, "it.todo('more');"),
    ] {
        let expect = format!("test_skipped src/add.test.ts:+{line} {text}");
        check("src/add.test.ts", TESTS, &TESTS.replacen(from, to, 1), &[&expect]);
    }
    check("src/add.test.ts", &TESTS.replace("it(", "it.skip("), TESTS, &[]);
    check("src/add.test.ts", TESTS, &TESTS.replace("  it('", "  // it.skip(1)\n  it('"), &[]);
    check("src/queue.ts", "a();\n", "a();\nqueue.skip(1);\nit.skip('x');\n", &[]);
}

#[test]
fn removed_assertions() {
    check(
        "src/add.test.ts",
        TESTS,
        &TESTS.replace("    expect(add(0, 0)).toBe(0);\n", ""),
        &["assertion_removed src/add.test.ts:-6 expect(add(0, 0)).toBe(0);"],
    );
    check(
        "src/add.test.ts",
        TESTS,
        &TESTS.replace("expect(add(0, 0)).toBe(0)", "expect(true).toBe(true)"),
        &["assertion_removed src/add.test.ts:-6 expect(add(0, 0)).toBe(0);"],
    );
    check("src/add.test.ts", TESTS, &TESTS.replace("toBe(3)", "toEqual(3)"), &[]);
    check("src/add.ts", "assert(x);\ny();\n", "y();\n", &[]);
}

#[test]
fn suppressed_findings() {
    for line in [
        "// eslint-disable-next-line no-unused-vars",
        "/* eslint-disable */",
        "// @ts-ignore",
        "// @ts-expect-error later",
        "// @ts-nocheck",
        "{/* @ts-ignore */}",
        "// biome-ignore lint: x",
        "/* istanbul ignore next */",
    ] {
        let expect = format!("lint_loosened src/a.tsx:+1 {line}");
        check("src/a.tsx", "a();\n", &format!("{line}\na();\n"), &[&expect]);
    }
    check("src/a.ts", "a();\n", "const rule = 'eslint-disable';\na();\n", &[]);
    check("src/a.ts", "// @ts-ignore\na();\n", "b();\n", &[]);
    check("node_modules/x/a.js", "a();\n", "/* eslint-disable */\na();\n", &[]);
}
