//! A plan as text. Pure.
//!
//! The JSON of [`Plan`] is complete and for programs; this text is for the person who decides
//! whether the plan may run. Bounds: a value is cut after [`VALUE_CHARS_MAX`] characters.

use super::{FindingKind, Plan, RecordPlan, Step};
use crate::path::{self, Path};
use crate::reason::Reason;
use atsync_model::plain;
use serde_json::Value;
use std::fmt::{Arguments, Write};

/// Longest value in characters; more is cut with an ellipsis.
const VALUE_CHARS_MAX: usize = 60;

/// Renders a value, cut when it is long.
pub(crate) fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => return "nothing".to_owned(),
        Value::String(text) => plain::line(text).into_owned(),
        Value::Array(list) => {
            return format!("[{}]", list.iter().map(shown).collect::<Vec<_>>().join(", "));
        }
        other => other.to_string(),
    };
    if text.chars().count() > VALUE_CHARS_MAX {
        let cut: String = text.chars().take(VALUE_CHARS_MAX).collect();
        return format!("{cut}\u{2026}");
    }
    text
}

/// Renders a path: one that several records share is named by what it is.
pub(crate) fn path(path: &str) -> String {
    match Path::of(path) {
        Path::SharedTag { label } => format!("the tag {label:?}"),
        _ => path.to_owned(),
    }
}

/// Returns a finding's message without the path at its beginning, for a line below one that names
/// the path.
pub(crate) fn after_path<'m>(message: &'m str, path: &str) -> &'m str {
    message.strip_prefix(path).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(message)
}

/// Adds one line, without control characters from the values in it.
fn put(out: &mut String, line: Arguments<'_>) {
    out.push_str(&plain::line(&line.to_string()));
    out.push('\n');
}

fn step(out: &mut String, step: &Step) {
    let sign = match (step.creates(), step.operation.rsplit('.').next()) {
        (_, Some("delete" | "destroy")) => '-',
        (false, _) => '~',
        (true, _) => '+',
    };
    let mut line = format!("  {sign} {}", step.operation);
    if let Some(target) = &step.target {
        let _ = write!(line, " {target}");
    }
    if !path::is_record(&step.path) {
        let _ = write!(line, " [{}]", step.path);
    }
    let calls = if step.calls == 1 { "call" } else { "calls" };
    put(out, format_args!("{line}: {} ({} {calls})", step.reason, step.calls));
    for field in &step.fields {
        if field.before.is_null() {
            put(out, format_args!("      {} = {}", field.field, shown(&field.after)));
        } else {
            put(
                out,
                format_args!(
                    "      {}: {} \u{2192} {}",
                    field.field,
                    shown(&field.before),
                    shown(&field.after)
                ),
            );
        }
    }
    for effect in &step.side_effects {
        put(out, format_args!("      ! {effect}"));
    }
}

fn record(out: &mut String, plan: &RecordPlan) {
    let explained: Vec<_> = plan
        .adoptions
        .iter()
        .filter_map(|adoption| Some((adoption, adoption.reason.as_ref()?)))
        .collect();
    if plan.steps.is_empty() && plan.findings.is_empty() && explained.is_empty() {
        return;
    }
    put(out, format_args!("{}", plan.key));
    for (adoption, reason) in explained {
        put(out, format_args!("  = {} is {}: {reason}", adoption.path, adoption.remote));
    }
    for planned in &plan.steps {
        step(out, planned);
    }
    for finding in &plan.findings {
        let word = match finding.kind {
            FindingKind::Blocked => "blocked",
            FindingKind::Drifted => "drifted",
            FindingKind::Conflict => "conflict",
            FindingKind::Note if is_withheld(finding.reason) => "withheld",
            FindingKind::Note => "note",
        };
        put(out, format_args!("  {word}: {}", after_path(&finding.message, &plan.key)));
    }
}

/// Whether a finding says that the connection or the host does not allow a step. It needs no one to
/// act, unlike what blocks a record.
fn is_withheld(reason: Reason) -> bool {
    matches!(reason, Reason::NotOptedIn | Reason::ObservedOnly | Reason::GivenUp)
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&plan(self))
    }
}

impl Plan {
    /// Summarises the plan in one line.
    pub fn summary(&self) -> String {
        summary(self)
    }
}

/// Renders a plan; its `Display`.
pub fn plan(plan: &Plan) -> String {
    let mut out = String::new();
    if !plan.shared.is_empty() {
        put(&mut out, format_args!("for several records"));
        plan.shared.iter().for_each(|shared| step(&mut out, shared));
    }
    plan.records.iter().for_each(|planned| record(&mut out, planned));
    put(&mut out, format_args!("{}", summary(plan)));
    out
}

/// Summarises the plan in one line.
pub fn summary(plan: &Plan) -> String {
    let blocked = plan.records.iter().filter(|record| record.is_blocked()).count();
    let unseen = plan.records.iter().filter(|record| record.is_unseen()).count();
    let waiting =
        plan.records.iter().filter(|record| !record.is_blocked() && record.waits()).count();
    let mut line = if plan.is_empty() && blocked > 0 {
        format!("Nothing can be done for {}.", plan.connection)
    } else if plan.is_empty() && waiting > 0 {
        format!("Nothing to send to {} now.", plan.connection)
    } else if plan.is_empty() {
        format!("Nothing to do for {}.", plan.connection)
    } else {
        let created = plan.steps().filter(|step| step.creates()).count();
        format!(
            "Plan for {}: {} to create, {} to change, about {} calls ({} were made to plan it).",
            plan.connection,
            created,
            plan.writes() - created,
            plan.calls,
            plan.calls_made
        )
    };
    let mut wait = |number: usize, until: &str| {
        let records = if number == 1 { "record waits" } else { "records wait" };
        if number > 0 {
            let _ = write!(line, " {number} {records} {until}.");
        }
    };
    wait(blocked - unseen, "for somebody to act");
    wait(unseen, "until the ATS shows what is named, or somebody acts");
    if waiting > 0 {
        let records = if waiting == 1 { "record is" } else { "records are" };
        let _ =
            write!(line, " {waiting} {records} not in step and cannot go on now; each says why.");
    }
    line
}
