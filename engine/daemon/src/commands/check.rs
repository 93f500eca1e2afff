//! `atsync check`: the credential's permissions, what needs the missing ones, and where to grant
//! them.

use super::render::calls;
use crate::cli;
use crate::failure::{DONE, Ended, Failure};
use crate::open::Use;
use crate::output::{Output, table};
use crate::place::Place;
use crate::words::count;
use atsync::{CheckResult, Clock, SunsetWarning, SystemClock};
use std::collections::BTreeMap;

pub(super) async fn check(place: &Place, options: &cli::Check, output: &Output) -> Ended {
    let opened = place.open(Some(&options.name), Use::Online).await?;
    let connection = opened.connect(&options.name, output).await?;
    // What the schedules read is checked too, the raw kinds that they name among it.
    let config = opened.config.connection(&options.name)?;
    let kinds: Vec<&str> = config.kinds().map(|(_, kind)| kind).collect();
    let results = connection.check_for(&kinds).await.map_err(with_what_the_adapter_said)?;
    // The tenant can only be identified if something may be read; a missing right is among the
    // results.
    let tenant = connection.verify_tenant().await;
    if let Err(error) = tenant {
        match error.kind() {
            atsync::ErrorKind::Denied => tracing::warn!("{error}"),
            _ => return Err(with_what_the_adapter_said(error)),
        }
    }
    if options.json {
        output.json(&results);
    } else {
        for line in lines(&results) {
            output.data(&line);
        }
        output.data(&format!("{}; {}.", summary(&results), count(calls(&connection), "call")));
    }
    for warning in SunsetWarning::all(connection.manifest(), SystemClock.now_ms()) {
        output.note(&warning.to_string());
    }
    Ok(exit_code(&results))
}

/// Prints the checklist.
pub(super) fn checklist(results: &[CheckResult], output: &Output) {
    for line in lines(results) {
        output.data(&line);
    }
    output.data(&format!("{}.", summary(results)));
}

/// Adds the text of an adapter's panic, which is meant for the adapter's author. Other commands do
/// not show it, because it may quote a candidate's data.
fn with_what_the_adapter_said(error: atsync::Error) -> Failure {
    match error.adapter_said() {
        Some(said) => Failure::new(format!("{error}; the adapter said: {said}")),
        None => error.into(),
    }
}

/// The exit code: 1 if a required permission is missing.
pub(super) fn exit_code(results: &[CheckResult]) -> u8 {
    if results.iter().any(|result| is_lacking(result) && !result.optional) { 1 } else { DONE }
}

fn is_lacking(result: &CheckResult) -> bool {
    matches!(result.verdict, "missing" | "actor" | "refused")
}

/// Renders one line per permission, then an explanation of those that need a user.
fn lines(results: &[CheckResult]) -> Vec<String> {
    let rows: Vec<Vec<String>> = results
        .iter()
        .map(|result| {
            let need = match (is_lacking(result), result.optional) {
                (true, false) => "required",
                (true, true) => "optional",
                _ => "",
            };
            vec![
                result.verdict.to_owned(),
                result.permission.clone(),
                result.label.clone(),
                need.to_owned(),
            ]
        })
        .collect();
    let mut lines = table(&rows);
    for result in results.iter().filter(|result| is_lacking(result)) {
        lines.push(String::new());
        lines.push(format!("{} ({}): {}", result.permission, result.verdict, result.detail));
        lines.push(format!("  without it: {}", result.without_it));
        lines.push(format!("  granted at: {}", result.grant_at));
    }
    // Unknown permissions mostly share one explanation.
    let mut unknown: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for result in results.iter().filter(|result| result.verdict == "unknown") {
        unknown.entry(&result.detail).or_default().push(&result.permission);
    }
    for (detail, permissions) in unknown {
        lines.push(String::new());
        let which = match permissions.as_slice() {
            [one] => (*one).to_owned(),
            many => count(many.len() as u64, "permission"),
        };
        lines.push(format!("{which} (unknown): {detail}"));
    }
    lines.push(String::new());
    lines
}

fn summary(results: &[CheckResult]) -> String {
    let of = |verdict: &str| results.iter().filter(|result| result.verdict == verdict).count();
    let required = results.iter().filter(|result| is_lacking(result) && !result.optional).count();
    let optional = results.iter().filter(|result| is_lacking(result) && result.optional).count();
    let mut parts = vec![format!("{} granted", of("granted"))];
    if of("unknown") > 0 {
        parts.push(format!("{} that cannot be checked without writing", of("unknown")));
    }
    if optional > 0 {
        parts.push(format!("{optional} optional missing"));
    }
    parts.push(if required > 0 {
        format!("{required} REQUIRED missing")
    } else {
        "nothing required missing".to_owned()
    });
    format!("{} checked: {}", count(results.len() as u64, "permission"), parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::{exit_code, lines, summary};
    use atsync::CheckResult;

    fn result(verdict: &'static str, optional: bool) -> CheckResult {
        let mut result = CheckResult::new("x:list", verdict);
        result.label = "List x".into();
        result.detail = "it was refused".into();
        result.without_it = "Nothing is seen.".into();
        result.grant_at = "Settings".into();
        result.optional = optional;
        result
    }

    #[test]
    fn only_something_required_that_is_lacking_fails_the_check() {
        for verdict in ["missing", "actor", "refused"] {
            assert_eq!(
                (exit_code(&[result(verdict, false)]), exit_code(&[result(verdict, true)])),
                (1, 0)
            );
        }
        assert_eq!(exit_code(&[result("unknown", false), result("granted", false)]), 0);
    }

    #[test]
    fn what_is_missing_is_explained() {
        let text = lines(&[result("missing", false)]).join("\n");
        assert!(
            text.contains("without it: Nothing is seen.") && text.contains("granted at: Settings"),
            "{text}"
        );
        assert!(summary(&[result("missing", false)]).contains("1 REQUIRED missing"));
    }
}
