//! Receipts: what they state, and that one which was changed is refused.

use codeloops_session::{BadReceipt, NoReceipt, Receipt, SessionStore};

use crate::support::fixtures;

fn receipt(session: &str) -> Result<Receipt, NoReceipt> {
    let store = SessionStore::at(fixtures("v1.0"));
    Receipt::of(&store.load_session(session).unwrap())
}

#[test]
fn a_receipt_states_what_was_approved_and_on_what_grounds() {
    insta::assert_snapshot!(receipt("approved").unwrap().render());
}

#[test]
fn a_receipt_is_read_back_as_it_was_written() {
    let written = receipt("approved").unwrap();
    assert_eq!(Receipt::parse(&written.render()).unwrap(), written);
}

/// Whatever byte it is, and whatever it becomes.
#[test]
fn a_receipt_with_one_byte_changed_is_refused() {
    let text = receipt("approved").unwrap().render();
    for at in 0..text.len() {
        for flip in [1u8, 2, 4, 8, 16, 32] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= flip;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            assert!(Receipt::parse(&changed).is_err(), "byte {at}: {changed}");
        }
    }
}

#[test]
fn a_receipt_that_lacks_its_end_or_has_something_more_is_refused() {
    let text = receipt("approved").unwrap().render();
    for at in 0..text.len() {
        if text.is_char_boundary(at) {
            assert!(Receipt::parse(&text[..at]).is_err(), "cut at {at}");
        }
    }
    assert_eq!(Receipt::parse(&format!("{text}\n")), Err(BadReceipt::OtherForm));
    let more = text.replacen("\"run_id\"", "\"more\": 1,\n        \"run_id\"", 1);
    assert!(Receipt::parse(&more).is_err());
}

/// Its own hash is sound, so only its statements tell.
#[test]
fn a_chain_without_its_verdict_is_no_receipt() {
    let receipt = receipt("approved").unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&receipt.render()).unwrap();
    value["chain"].as_array_mut().unwrap().pop();
    let cut: Receipt = serde_json::from_value(value).unwrap();
    assert_eq!(Receipt::parse(&cut.render()), Err(BadReceipt::Incomplete));
}

#[test]
fn what_was_not_approved_has_no_receipt() {
    for session in ["failed", "crashed", "interrupted", "run_max_iterations"] {
        assert_eq!(receipt(session), Err(NoReceipt::NotApproved), "{session}");
    }
}
