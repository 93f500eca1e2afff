//! `atsync adapter`: lists the adapters, with who uses them, and describes one: its abilities,
//! settings and webhooks, without a connection. The commands for authors are one file each.
//!
//! The list is that of the process that holds the store, where one does; else that of the
//! configuration. Left out: what one customer's credential may do, which `atsync check`
//! reports.

mod build;
mod hooks;
mod make;
mod npm;
mod record;
mod source;
mod test;
mod trace;

use crate::adapters::shelf::Wanted;
use crate::adapters::{self, Adapters};
use crate::cli::AdapterCommand;
use crate::config::Config;
use crate::failure::{DONE, Ended};
use crate::listed::{AdapterView, listed, listed_alone};
use crate::output::{Output, table};
use crate::place::Place;
use crate::words::{brief_of, count, time};
use atsync::model::kinds;
use atsync::model::manifest::{Manifest, OriginBase};
use atsync::{Clock, SunsetWarning, SystemClock};
use atsync_conformance::fields_of;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// The commands of an adapter's author.
pub(super) async fn author(config: &Path, command: &AdapterCommand, output: &Output) -> Ended {
    match command {
        AdapterCommand::New(options) => make::make(options, output),
        AdapterCommand::Build(options) => build::build(options, output),
        AdapterCommand::Test(options) => test::test(config, options, output).await,
        AdapterCommand::Trace(options) => trace::trace(config, options, output).await,
        AdapterCommand::Record(options) => record::record(config, options, output).await,
        AdapterCommand::Inspect { adapter, json } => inspect(config, adapter, *json, output).await,
        AdapterCommand::List { json } => {
            list(&Place::Alone(config.to_owned()), *json, output).await
        }
    }
}

pub(super) async fn inspect(config: &Path, name: &str, json: bool, output: &Output) -> Ended {
    let adapter = adapters::inspected(config, name).await?;
    if json {
        output.json(adapter.manifest());
    } else {
        if let Some(code) = adapter.code_hash() {
            let bytes = adapters::bytes_of(name).map(|bytes| count(bytes, "byte") + ", ");
            output.data(&format!("a component: {}SHA-256 {code}", bytes.unwrap_or_default()));
        }
        for line in lines(adapter.manifest()) {
            output.data(&line);
        }
        hooks::lines(adapter.as_ref()).iter().for_each(|line| output.data(line));
        unread(adapter.manifest()).iter().for_each(|line| output.data(line));
    }
    for warning in SunsetWarning::all(adapter.manifest(), SystemClock.now_ms()) {
        output.note(&warning.to_string());
    }
    Ok(DONE)
}

/// Lists the adapters. The future is small: nothing is opened.
pub(super) async fn list(place: &Place, json: bool, output: &Output) -> Ended {
    let views = match place {
        Place::Within(within) => listed(&within.opened, |_| true).await,
        Place::Alone(path) => {
            let config = Config::read(path)?;
            listed_alone(&config, &Adapters::of(&config, Wanted::All).await?).await
        }
    };
    if json {
        views.iter().for_each(|view| output.json(view));
        return Ok(DONE);
    }
    let rows: Vec<Vec<String>> = views.iter().map(row).collect();
    table(&rows).iter().for_each(|line| output.data(line));
    for view in &views {
        for refusal in view.refusals() {
            output.data(&format!("refused since {}: {}", time(refusal.since_ms), refusal.why));
        }
    }
    Ok(DONE)
}

fn row(view: &AdapterView) -> Vec<String> {
    vec![
        view.name.clone(),
        view.source.word().to_owned(),
        view.version.clone().unwrap_or_else(|| "not usable".to_owned()),
        view.component.as_deref().map(brief_of).unwrap_or_default().to_owned(),
        count(view.connections, "connection"),
    ]
}

fn lines(manifest: &Manifest) -> Vec<String> {
    let mut lines = vec![
        format!(
            "{} {} ({}), contract {}",
            manifest.name, manifest.version, manifest.title, manifest.contract
        ),
        "imports nothing: it can reach neither network nor files".to_owned(),
    ];
    for origin in &manifest.origins {
        let base = match &origin.base {
            OriginBase::Fixed { url } => url.clone(),
            OriginBase::Operator { hint } => {
                format!("given by the operator: {}", hint.trim_end_matches('.'))
            }
            OriginBase::Discovered { suffixes } => {
                format!("named by a reply, below {}", suffixes.join(", "))
            }
        };
        let carries = manifest.credential_origins().any(|name| name == origin.name);
        let credential = if carries { ", with the credential" } else { "" };
        lines.push(format!("sends to {}: {base}{credential}", origin.name));
    }
    for safe in &manifest.safe {
        lines.push(format!(
            "says of itself that this changes nothing: {} {} at {}",
            safe.method, safe.path, safe.origin
        ));
    }
    lines.extend(kinds(manifest));
    for sunset in &manifest.sunsets {
        let what = sunset.api.as_deref().unwrap_or("what it uses");
        lines.push(format!(
            "{what} ends after {} ({}): {}",
            sunset.last_day, sunset.announced_at, sunset.instead
        ));
    }
    lines.push(format!("writes by {}:", count(manifest.operations.len() as u64, "operation")));
    let rows: Vec<Vec<String>> = manifest
        .operations
        .iter()
        .map(|rule| {
            let class = format!("{:?}", rule.class).to_lowercase();
            let opt_in = rule
                .opt_in
                .as_ref()
                .map_or(String::new(), |setting| format!("only with settings.{setting}"));
            vec![format!("  {}", rule.name), class, count(rule.calls, "call"), opt_in]
        })
        .collect();
    lines.extend(table(&rows));
    lines.extend(settings(manifest));
    lines.push(format!("needs {}:", count(manifest.permissions.len() as u64, "permission")));
    let rows: Vec<Vec<String>> = manifest
        .permissions
        .iter()
        .map(|permission| {
            let need = if permission.optional { "optional" } else { "required" };
            vec![
                format!("  {}", permission.id),
                need.to_owned(),
                format!("without it: {}", permission.without_it),
            ]
        })
        .collect();
    lines.extend(table(&rows));
    for sentence in &manifest.lossy {
        lines.push(format!("note: {sentence}"));
    }
    lines
}

/// The kinds that it reads: by itself, those that a connection has to name, and those that the
/// settings have to name too.
fn kinds(manifest: &Manifest) -> Vec<String> {
    let (mut usual, mut raw) = (Vec::new(), Vec::new());
    let mut sensitive: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for kind in &manifest.kinds {
        match &kind.opt_in {
            Some(setting) => sensitive.entry(setting).or_default().push(&kind.name),
            None if kind.raw => raw.push(kind.name.as_str()),
            None => usual.push(kind.name.as_str()),
        }
    }
    let line = |noun: &str, when: &str, kinds: &[&str]| {
        format!("reads {}{when}: {}", count(kinds.len() as u64, noun), kinds.join(", "))
    };
    let mut lines = vec![line("kind", "", &usual)];
    if !raw.is_empty() {
        lines.push(line("raw kind", ", by connections that name them", &raw));
    }
    lines.extend(sensitive.iter().map(|(setting, kinds)| {
        line("sensitive kind", &format!(", only if settings.{setting} names them"), kinds)
    }));
    lines
}

/// What the unified model has and the adapter does not read.
fn unread(manifest: &Manifest) -> Vec<String> {
    let mut lines = Vec::new();
    for rule in &manifest.kinds {
        let known = fields_of(&rule.name).unwrap_or_default();
        let left: Vec<&str> = known
            .iter()
            .copied()
            .filter(|field| !rule.fields.iter().any(|read| read == field))
            .collect();
        if !left.is_empty() {
            lines.push(format!("does not read of {}: {}", rule.name, left.join(", ")));
        }
    }
    let kinds: Vec<&str> =
        kinds::ALL.iter().copied().filter(|kind| manifest.kind(kind).is_none()).collect();
    if !kinds.is_empty() {
        lines.push(format!("does not read: {}", kinds.join(", ")));
    }
    lines
}

/// The settings with the values that each takes, from their JSON Schema.
fn settings(manifest: &Manifest) -> Vec<String> {
    let Some(known) = manifest.settings_schema.get("properties").and_then(Value::as_object) else {
        return vec!["has no settings".to_owned()];
    };
    let required = manifest.settings_schema.get("required").and_then(Value::as_array);
    let rows: Vec<Vec<String>> = known
        .iter()
        .map(|(name, schema)| {
            let is_required = required.is_some_and(|names| names.iter().any(|known| known == name));
            let default = match schema.get("default") {
                Some(value) => format!("default {value}"),
                None if is_required => "required".to_owned(),
                None => String::new(),
            };
            let what = schema.get("description").and_then(Value::as_str).unwrap_or_default();
            vec![format!("  {name}"), values(schema), default, what.to_owned()]
        })
        .collect();
    let mut lines = vec![format!("has {}:", count(rows.len() as u64, "setting"))];
    lines.extend(table(&rows));
    lines
}

/// The values of a setting: the listed ones, else its type.
fn values(schema: &Value) -> String {
    if let Some(listed) = schema.get("enum").and_then(Value::as_array) {
        return listed.iter().map(Value::to_string).collect::<Vec<_>>().join(" or ");
    }
    match schema.get("type") {
        Some(Value::String(one)) if one == "boolean" => "true or false".to_owned(),
        Some(Value::String(one)) => one.clone(),
        Some(Value::Array(several)) => {
            several.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
        }
        _ => "any value".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::values;
    use serde_json::json;

    #[test]
    fn a_setting_says_what_it_may_be() {
        assert_eq!(values(&json!({ "enum": ["single", "bulk"] })), "\"single\" or \"bulk\"");
        assert_eq!(values(&json!({ "type": "boolean" })), "true or false");
        assert_eq!(values(&json!({ "type": ["string", "null"] })), "string or null");
        assert_eq!(values(&json!({})), "any value");
    }
}
