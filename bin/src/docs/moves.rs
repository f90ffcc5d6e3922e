//! The moves of the machine, from its own list of them.

use codeloops_machine::{Move, TRANSITIONS};

use super::page::{code, table};

/// One row for each pair of phases, with everything that leads from the one to the other.
pub(super) fn moves() -> String {
    let mut rows: Vec<(&Move, Vec<String>)> = Vec::new();
    for one in TRANSITIONS {
        let trigger = code(&format!("{:?}", one.on));
        match rows.iter_mut().find(|(row, _)| (row.from, row.to) == (one.from, one.to)) {
            Some((_, triggers)) => triggers.push(trigger),
            None => rows.push((one, vec![trigger])),
        }
    }
    let cells: Vec<[String; 3]> = rows
        .into_iter()
        .map(|(row, triggers)| {
            [code(&format!("{:?}", row.from)), triggers.join(", "), code(&format!("{:?}", row.to))]
        })
        .collect();
    table(["from", "on", "to"], &cells)
}
