//! Every seed of the fuzz targets, through the same bodies: no fuzzer is needed for that.

use std::path::Path;

/// Runs the body over every file of a corpus.
fn over(corpus: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(corpus);
    let mut seeds = 0;
    for entry in std::fs::read_dir(&folder).unwrap().map(Result::unwrap) {
        let seed = std::fs::read(entry.path()).unwrap();
        let sound = std::panic::catch_unwind(|| body(&seed));
        assert!(sound.is_ok(), "{}", entry.path().display());
        seeds += 1;
    }
    assert!(seeds > 0, "no seed in `{}`", folder.display());
}

#[test]
fn agent_decode() {
    over("agent_decode", codeloops_adapters::testing::fuzz_decoder);
}

#[test]
fn machine_ops() {
    over("machine_ops", codeloops_machine::testing::run_ops);
}

#[test]
fn session_reader() {
    over("session_reader", codeloops_session::testing::fuzz_reader);
}
