//! Placeholders in a step's input for records that earlier steps make, and their values.
//!
//! `{"$made": "<path>"}` is the record's id; with a `$member` it is a field of it as the ATS shows
//! it, such as the key that an ATS made of a custom field's name. A record of this run is known at
//! once; one of an earlier run is known by its link.

use super::Applier;
use crate::error::Error;
use crate::plan::{MADE, MADE_MEMBER};
use crate::reconcile::delays::PAUSE_FIRST_MS;
use crate::reconcile::progress::Progress;
use crate::reconcile::rows::record;
use crate::transport::Priority;
use atsync_model::contract::RemoteRef;
use serde_json::Value;
use std::collections::BTreeMap;

impl Applier {
    /// Fills in the ids of records that earlier steps made. The inner error is the path that has
    /// none.
    pub(super) async fn fill(
        &self,
        value: &mut Value,
        shared: &BTreeMap<String, RemoteRef>,
        own: &BTreeMap<String, RemoteRef>,
    ) -> Result<Result<(), String>, Error> {
        let mut wanted = Vec::new();
        placeholders(value, &mut wanted);
        let mut found = BTreeMap::new();
        for placeholder in wanted {
            let remote = match own.get(&placeholder.path).or_else(|| shared.get(&placeholder.path))
            {
                Some(remote) => Some(remote.clone()),
                None => self.context.store.link(&placeholder.path).await?.map(|link| link.remote),
            };
            let text = match (remote, &placeholder.member) {
                (Some(remote), None) => Some(remote.id),
                (Some(remote), Some(member)) => {
                    self.shown_text(&placeholder.path, &remote, member).await?
                }
                (None, _) => None,
            };
            match text {
                Some(text) => found.insert(placeholder, text),
                None => return Ok(Err(placeholder.path)),
            };
        }
        replace(value, &found);
        Ok(Ok(()))
    }

    /// A field of a record that was made in this run, as the ATS shows it. Waits for it as long as
    /// the manifest says that it may be invisible. None when it is not visible by then.
    async fn shown_text(
        &self,
        path: &str,
        remote: &RemoteRef,
        member: &str,
    ) -> Result<Option<String>, Error> {
        let shown_within_ms =
            self.context.manifest().kind(&remote.kind).map_or(0, |kind| kind.visible_within_ms);
        let mut left_ms = self.context.settle_window_ms.unwrap_or(shown_within_ms);
        let mut pause_ms = PAUSE_FIRST_MS;
        let until_ms = self.context.clock.now_ms().saturating_add(left_ms);
        loop {
            if self.context.store.observed(remote).await?.is_none() {
                let ids = std::slice::from_ref(&remote.id);
                self.ingest
                    .fetch(&remote.kind, ids, &BTreeMap::new(), Priority::Interactive)
                    .await?;
            }
            if let Some(row) = self.context.store.observed(remote).await? {
                return Ok(record(&row).text(member).map(str::to_owned));
            }
            if left_ms == 0 || self.context.holds_effects() {
                return Ok(None);
            }
            let wait_ms = pause_ms.min(left_ms);
            self.context.report(&Progress::Looking {
                path: path.to_owned(),
                operation: format!("reading {}", remote.kind),
                why: "it was created just now, and the ATS may not show it yet",
                wait_ms,
                until_ms,
            });
            self.context.wait(wait_ms).await;
            left_ms = left_ms.saturating_sub(wait_ms);
            pause_ms = pause_ms.saturating_mul(2);
        }
    }
}

/// A placeholder in an input.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Placeholder {
    /// The path of the record.
    path: String,
    /// The field that is wanted; none for the id.
    member: Option<String>,
}

fn parse(value: &Value) -> Option<Placeholder> {
    let object = value.as_object()?;
    let path = object.get(MADE).and_then(Value::as_str)?.to_owned();
    let member = object.get(MADE_MEMBER).and_then(Value::as_str).map(str::to_owned);
    (object.len() == 1 + usize::from(member.is_some())).then_some(Placeholder { path, member })
}

fn placeholders(value: &Value, wanted: &mut Vec<Placeholder>) {
    if let Some(placeholder) = parse(value) {
        wanted.push(placeholder);
        return;
    }
    match value {
        Value::Object(object) => object.values().for_each(|inner| placeholders(inner, wanted)),
        Value::Array(list) => list.iter().for_each(|inner| placeholders(inner, wanted)),
        _ => {}
    }
}

fn replace(value: &mut Value, found: &BTreeMap<Placeholder, String>) {
    if let Some(text) = parse(value).and_then(|placeholder| found.get(&placeholder)) {
        *value = Value::String(text.clone());
        return;
    }
    match value {
        Value::Object(object) => object.values_mut().for_each(|inner| replace(inner, found)),
        Value::Array(list) => list.iter_mut().for_each(|inner| replace(inner, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{Placeholder, placeholders, replace};
    use serde_json::json;

    #[test]
    fn what_an_earlier_step_made_takes_the_place_of_its_path() {
        let mut input = json!({
            "candidate": { "$made": "ref-1" },
            "list": [{ "$made": "~tags/x" }, { "$made": "@f", "$member": "key" }],
            "body": { "$made": "not alone", "x": 1 },
        });
        let mut wanted = Vec::new();
        placeholders(&input, &mut wanted);
        let placeholder = |path: &str, member: Option<&str>| Placeholder {
            path: path.to_owned(),
            member: member.map(str::to_owned),
        };
        let texts = [
            (placeholder("@f", Some("key")), "channel".to_owned()),
            (placeholder("ref-1", None), "7".to_owned()),
            (placeholder("~tags/x", None), "9".to_owned()),
        ];
        wanted.sort();
        assert_eq!(wanted, texts.clone().map(|(placeholder, _)| placeholder));
        replace(&mut input, &texts.into());
        assert_eq!(
            input,
            json!({ "candidate": "7", "list": ["9", "channel"],
                "body": { "$made": "not alone", "x": 1 } })
        );
    }
}
