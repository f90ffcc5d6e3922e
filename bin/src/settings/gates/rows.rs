//! Gates and their policy as rows, for `--dry-run`.

use serde_json::{Value, json};

use super::{Gate, PolicySettings, shown};
use crate::secrets::MASK;
use crate::settings::rows::{path, word};
use crate::settings::{Row, RunSettings};
use crate::units::format_duration;

impl RunSettings {
    /// A row for each key of each gate, and of the policy.
    pub(in crate::settings) fn gate_rows(&self) -> Vec<Row> {
        let gates = &self.gates;
        let names: Vec<&str> = gates.value.iter().map(|gate| gate.name.as_str()).collect();
        let mut rows = vec![Row::new("gates", json!(names), &gates.origin)];
        rows.extend(gates.value.iter().flat_map(|gate| self.rows_of(gate)));
        rows.extend(self.gate_policy.rows());
        rows
    }

    fn rows_of(&self, gate: &Gate) -> Vec<Row> {
        let name = |key: &str| format!("gates.{}.{key}", gate.name);
        let command = &gate.command;
        let mut rows = vec![
            Row::new(&name("run"), shown(&command.value), &command.origin),
            Row::new(&name("required"), gate.required.value, &gate.required.origin),
            Row::new(&name("baseline"), gate.baseline.value, &gate.baseline.origin),
            Row::new(&name("retries"), gate.retries.value, &gate.retries.origin),
            self.timeout_row(&name("timeout"), gate),
        ];
        let dir = gate.working_dir.as_ref();
        rows.extend(dir.map(|dir| Row::new(&name("working_dir"), path(&dir.value), &dir.origin)));
        let env = gate.env.iter();
        rows.extend(env.map(|(key, it)| Row::new(&name(&format!("env.{key}")), MASK, &it.origin)));
        rows
    }

    /// Its own limit, else that of all gates.
    fn timeout_row(&self, name: &str, gate: &Gate) -> Row {
        let of_all = &self.limits.gate_timeout;
        match &gate.timeout {
            Some(own) => Row::new(name, format_duration(own.value), &own.origin),
            None if of_all.value.secs().is_none() => Row::new(name, Value::Null, &of_all.origin),
            None => Row::new(name, of_all.value.to_string(), &of_all.origin),
        }
    }
}

impl PolicySettings {
    fn rows(&self) -> [Row; 5] {
        let patterns: Vec<&str> =
            self.patterns.value.iter().map(|pattern| pattern.name.as_str()).collect();
        [
            word("gate_policy.on_failure", &self.on_failure),
            Row::new("gate_policy.parallel", self.parallel.value, &self.parallel.origin),
            word("gate_policy.tamper", &self.tamper),
            Row::new("gate_policy.patterns", json!(patterns), &self.patterns.origin),
            Row::new("gate_policy.baseline", self.baseline.value, &self.baseline.origin),
        ]
    }
}
