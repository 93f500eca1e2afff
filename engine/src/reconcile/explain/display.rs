//! An explanation as text, for people. Pure.
//!
//! Its JSON is complete and for programs: there a reference is an id, and the base of a list has
//! two parts. This text names what they stand for. Bounds: a value is cut as in a plan's text.

use super::{Explanation, FieldStory};
use crate::clock::rfc3339;
use crate::plan::defaults::word;
use crate::plan::words;
use atsync_model::plain;
use serde_json::Value;

/// Writes one plain line, whatever the values in it hold.
fn line(out: &mut std::fmt::Formatter<'_>, text: std::fmt::Arguments<'_>) -> std::fmt::Result {
    writeln!(out, "{}", plain::line(&text.to_string()))
}

/// Writes a heading, and that nothing follows it.
fn heading(out: &mut std::fmt::Formatter<'_>, text: &str, is_empty: bool) -> std::fmt::Result {
    line(out, format_args!("{text}"))?;
    if is_empty { line(out, format_args!("  nothing")) } else { Ok(()) }
}

/// A value of a field: the record that an id names, and a list's base as the entries in it.
fn value(field: &FieldStory, value: &Value) -> String {
    if let Some((id, name)) = value.as_str().and_then(|id| field.names.get_key_value(id)) {
        return format!("{name} (id {id})");
    }
    let part = |name: &str| value.get(name).and_then(Value::as_array);
    match (part("added"), part("seen")) {
        (Some(added), Some(seen)) => match (added.is_empty(), seen.is_empty()) {
            (true, true) => "nothing".to_owned(),
            (false, true) => words::shown(&Value::Array(added.clone())),
            (true, false) => format!("{} found there", words::shown(&Value::Array(seen.clone()))),
            (false, false) => format!(
                "{}, and {} found there",
                words::shown(&Value::Array(added.clone())),
                words::shown(&Value::Array(seen.clone()))
            ),
        },
        _ => words::shown(value),
    }
}

impl std::fmt::Display for Explanation {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dirty = if self.dirty { ", to be looked at by the next plan" } else { "" };
        line(
            out,
            format_args!(
                "{} in {}: {}, generation {} (status of {}){dirty}",
                self.key,
                self.connection,
                self.mode.word(),
                self.generation,
                self.observed_generation
            ),
        )?;
        for condition in &self.conditions {
            let holds = if condition.status { "" } else { "not " };
            let since = rfc3339(condition.since_ms);
            line(
                out,
                format_args!(
                    "  {holds}{} ({}) since {since}: {}",
                    condition.kind, condition.reason, condition.message
                ),
            )?;
        }
        heading(out, "fields", self.fields.is_empty())?;
        for field in &self.fields {
            line(
                out,
                format_args!(
                    "  {} {} [{}]: {}",
                    field.path,
                    field.field,
                    word(field.policy),
                    field.verdict
                ),
            )?;
            line(
                out,
                format_args!(
                    "      desired {}, last applied {}, observed {}",
                    value(field, &field.desired),
                    value(field, &field.applied),
                    value(field, &field.observed)
                ),
            )?;
        }
        heading(out, "linked to", self.links.is_empty())?;
        for link in &self.links {
            let since = rfc3339(link.since_ms);
            let gone = if self.links_gone.contains(&link.path) {
                ", which is no longer in the ATS"
            } else {
                ""
            };
            line(out, format_args!("  {} = {} since {since}{gone}", link.path, link.remote))?;
        }
        heading(out, "next", self.next.is_empty())?;
        for next in &self.next {
            line(out, format_args!("  {}: {} ({})", next.path, next.what, next.when))?;
        }
        heading(out, "intents, newest first", self.intents.is_empty())?;
        for intent in &self.intents {
            let reason =
                intent.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            line(
                out,
                format_args!(
                    "  {} {} {} [{}], generation {}, {} sent, {}{reason}",
                    intent.id,
                    rfc3339(intent.first_sent_ms),
                    intent.operation,
                    intent.path,
                    intent.generation,
                    intent.attempts,
                    intent.state
                ),
            )?;
            if let Some(component) = &intent.sent_by {
                let planned = intent.planned_by.as_ref().filter(|planned| *planned != component);
                let planned = planned.map(|planned| format!(", planned by {planned}"));
                let planned = planned.unwrap_or_default();
                line(out, format_args!("      component {component}{planned}"))?;
            }
            for one in &intent.tries {
                line(out, format_args!("      sent {}: {}", rfc3339(one.sent_ms), one.saw))?;
            }
        }
        Ok(())
    }
}

impl Explanation {
    /// In words, for people: what `Display` writes.
    pub fn words(&self) -> String {
        self.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::super::FieldStory;
    use super::value;
    use crate::plan::ownership::Decision;
    use atsync_model::desired::Policy;
    use serde_json::{Value, json};

    fn shown(applied: Value) -> String {
        let field = FieldStory {
            path: "ref-1/applications/a".to_owned(),
            field: "source".to_owned(),
            policy: Policy::Fill,
            desired: Value::Null,
            applied: applied.clone(),
            observed: Value::Null,
            decision: Decision::InStep,
            verdict: String::new(),
            names: [("7".to_owned(), "Acme Referrals".to_owned())].into(),
        };
        value(&field, &applied)
    }

    #[test]
    fn a_record_is_shown_by_its_name_and_a_lists_base_by_its_entries() {
        for (applied, text) in [
            (json!("7"), "Acme Referrals (id 7)"),
            (json!("8"), "8"),
            (json!({"added": ["a@x.com"], "seen": []}), "[a@x.com]"),
            (json!({"added": [], "seen": ["b@x.com"]}), "[b@x.com] found there"),
            (
                json!({"added": ["a@x.com"], "seen": ["b@x.com"]}),
                "[a@x.com], and [b@x.com] found there",
            ),
            (json!({"added": [], "seen": []}), "nothing"),
        ] {
            assert_eq!(shown(applied), text);
        }
    }
}
