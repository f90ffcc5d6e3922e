//! What holds for any damage to an index.

use std::fs;

use super::*;
use crate::listed::Listed;

const LINES: &str = include_str!("../../tests/fixtures/seed/complete.jsonl");

/// An index of a few sessions, and its bytes.
fn written(dir: &Path) -> Vec<u8> {
    let mut fresh = Block::default();
    for n in 0..3 {
        let path = dir.join(format!("{n}.jsonl"));
        fs::write(&path, LINES.replace("Rename", &"long \u{4e2d} ".repeat(100 * n))).unwrap();
        let mut listed = Listed::read(&format!("{n}").parse().unwrap(), &path).unwrap();
        // As if it was old.
        (listed.stamp.mtime, listed.stamp.ctime) = (1, 1);
        fresh.push(&listed);
    }
    let mut index = Index::default();
    let cost = Cost(WORTH_WRITING);
    index.renew(dir, &[], &[fresh], cost, Duration::ZERO);
    fs::read(dir.join(".index")).unwrap()
}

fn entries(index: Index) -> Vec<String> {
    let block = index.with_prompts().into_block();
    let shown = |at| format!("{:?} {:?}", block.entry(at), block.prompt(at));
    (0..block.len()).map(shown).collect()
}

#[test]
fn damage_at_any_byte_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = written(dir.path());
    let whole = entries(Index::load(dir.path()));
    assert_eq!(whole.len(), 3);
    assert!(whole[2].contains("\u{4e2d}"), "{}", whole[2]);
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        fs::write(dir.path().join(".index"), damaged).unwrap();
        assert!(entries(Index::load(dir.path())).is_empty(), "byte {at}");
    }
}

#[test]
fn one_that_is_cut_or_has_grown_counts_for_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = written(dir.path());
    for length in 0..bytes.len() {
        fs::write(dir.path().join(".index"), &bytes[..length]).unwrap();
        assert!(entries(Index::load(dir.path())).is_empty(), "{length} bytes");
    }
    fs::write(dir.path().join(".index"), [&bytes[..], &[0]].concat()).unwrap();
    assert!(entries(Index::load(dir.path())).is_empty());
}

/// The sums guard against damage; what they let through is taken apart without a panic all the same.
#[test]
fn records_that_make_no_sense_are_no_entries() {
    let dir = tempfile::tempdir().unwrap();
    drop(written(dir.path()));
    let mut block = Index::load(dir.path()).with_prompts().into_block();
    let whole = block.records_mut().clone();
    for (at, byte) in whole.into_iter().enumerate() {
        for value in [0, 0x7f, 0xff] {
            block.records_mut()[at] = value;
            for entry in 0..=block.len() {
                let _total = (block.entry(entry), block.prompt(entry), block.key(entry));
                Block::default().push_from(&block, entry);
            }
        }
        block.records_mut()[at] = byte;
    }
}

/// The sums guard against damage only: anybody can make them.
#[test]
fn one_that_claims_to_be_huge_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(".index");
    let huge = 1 << 40;
    fs::write(&path, file::header([huge, 0, 0], [0; 3])).unwrap();
    let opened = fs::File::options().write(true).open(&path).unwrap();
    opened.set_len(opened.metadata().unwrap().len() + huge).unwrap();
    assert!(entries(Index::load(dir.path())).is_empty());
}
