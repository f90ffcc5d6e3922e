//! The texts of a report: masked, then capped. A decoder keeps more of a long text than a report has,
//! so that a credential at a report's cut is seen whole; what a decoder cut in two is left out.

use codeloops_event::layout::{TEXT_LIMIT, cap_text, join_capped};

use super::scan::Scan;
use super::{LONGEST, Redactor};
use crate::text::{beginning, ending, lossy, parts};

/// What a report has of a text.
pub(crate) fn report_text(text: &str, redactor: Option<&Redactor>) -> String {
    let Some((head, omitted, tail)) = parts(text) else {
        return match redactor {
            Some(redactor) => cap_text(&redactor.text(text).0, TEXT_LIMIT),
            None => cap_text(text, TEXT_LIMIT),
        };
    };
    let whole = omitted + (head.len() + tail.len()) as u64;
    let (head, tail) = match redactor {
        Some(redactor) => (redactor.head(head), redactor.tail(tail)),
        None => (head.to_owned(), tail.to_owned()),
    };
    let (head, tail) = (beginning(&head, TEXT_LIMIT / 2), ending(&tail, TEXT_LIMIT / 2));
    join_capped(head, tail, whole.saturating_sub((head.len() + tail.len()) as u64))
}

impl Redactor {
    /// The head of a text without its last bytes, where a credential may be cut in two.
    fn head(&self, head: &str) -> String {
        let (bytes, mut masked) = (head.as_bytes(), Vec::new());
        let end = head.floor_char_boundary(head.len().saturating_sub(LONGEST));
        let (done, _) = self.mask(bytes, end, &mut masked);
        masked.extend_from_slice(&bytes[done..end.max(done)]);
        lossy(&masked).into_owned()
    }

    /// The tail of a text without its first bytes.
    fn tail(&self, tail: &str) -> String {
        let (bytes, mut masked) = (tail.as_bytes(), Vec::new());
        let (mut done, mut seen) = (tail.ceil_char_boundary(LONGEST.min(tail.len())), 0);
        let mut scan = Scan::new(&self.searches, bytes);
        while let Some(found) = scan.next(seen, bytes.len()) {
            seen = found.at.end;
            if seen > done {
                masked.extend_from_slice(&bytes[done..found.at.start.max(done)]);
                masked.extend_from_slice(found.mask.as_bytes());
                done = seen;
            }
        }
        masked.extend_from_slice(&bytes[done..]);
        lossy(&masked).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{HeadTail, capped};

    const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

    /// At whichever byte one of the cuts falls, and however the text came.
    #[test]
    fn of_a_credential_at_a_cut_nothing_stays() {
        let redactor = Redactor::new(&[], []).unwrap();
        let half = TEXT_LIMIT / 2;
        for cut in [half, crate::text::HALF] {
            for into in [0, 1, 4, 10, KEY.len() - 1, KEY.len(), KEY.len() + 1] {
                let outer = "x ".repeat(cut / 2)[..cut - into].to_owned();
                let text = format!("{outer} {KEY} {} {KEY} {outer}", "y ".repeat(cut));
                let mut kept = HeadTail::default();
                kept.push(text.as_bytes());
                for kept in [capped(&text), kept.into_text()] {
                    let report = report_text(&kept, Some(&redactor));
                    assert!(!report.contains("AKI") && !report.contains("PLE"), "{cut} {into}");
                    assert!(report.len() > TEXT_LIMIT, "it is to be seen that it was cut");
                }
            }
        }
    }

    #[test]
    fn without_masks_both_ends_are_whole_and_the_rest_is_counted() {
        let text: String = (0..3 * TEXT_LIMIT).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
        let expect = cap_text(&text, TEXT_LIMIT);
        assert_eq!(report_text(&capped(&text), None), expect);
        let redactor = Redactor::new(&[], []).unwrap();
        assert_eq!(report_text(&capped(&text), Some(&redactor)), expect);
    }
}
