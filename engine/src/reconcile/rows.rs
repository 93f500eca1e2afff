//! Reads a stored row: its record, and the records that it names. Pure.

use crate::plan::Record;
use crate::store::ObservedRow;
use atsync_model::contract::RemoteRef;
use atsync_model::manifest::Manifest;
use atsync_model::{raw, resource};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A row as plans read it.
pub(super) fn record(row: &ObservedRow) -> Arc<Record> {
    let body = match serde_json::from_str(&row.body) {
        Ok(Value::Object(body)) => body,
        // The store accepts objects only.
        _ => Map::new(),
    };
    Arc::new(Record {
        kind: row.kind.clone(),
        id: row.id.clone(),
        body,
        known: row.known.clone(),
        moved_in: row.moved_in,
    })
}

/// A remote record as the store names it.
pub(super) fn remote(kind: &str, id: &str) -> RemoteRef {
    RemoteRef::new(kind, id)
}

/// The records that an input names by its members: `candidate` is one of `candidates`.
pub(super) fn named(manifest: &Manifest, input: &Map<String, Value>) -> BTreeSet<RemoteRef> {
    let remote = |(member, value): (&String, &Value)| {
        let kind = format!("{member}s");
        manifest.kind(&kind)?;
        Some(RemoteRef::new(kind, value.as_str()?))
    };
    input.iter().filter_map(remote).collect()
}

/// The records that this one depends on: those of the kinds that hide with them what names them,
/// and its `parent`, of the kind that the manifest states as the scope. Of a raw record, those of
/// these kinds and of raw kinds, which may depend on one in turn.
pub(super) fn depends_on(manifest: &Manifest, row: &ObservedRow) -> Vec<RemoteRef> {
    let Ok(body) = serde_json::from_str::<Value>(&row.body) else {
        return Vec::new();
    };
    let scope = manifest.kind(&row.kind).and_then(|rule| rule.scope.as_deref());
    let members =
        resource::hiding().map(|of| (of.member, of.kind)).chain(scope.map(|kind| ("parent", kind)));
    let named = members.filter_map(|(member, kind)| {
        let id = body.get(member)?.get("id")?.as_str()?;
        Some(RemoteRef::new(kind, id))
    });
    let hides = |kind: &str| raw::is_raw(kind) || resource::hiding().any(|of| of.kind == kind);
    let referenced = raw::references_of(&body).filter(|(kind, _)| hides(kind));
    named.chain(referenced.map(|(kind, id)| RemoteRef::new(kind, id))).collect()
}
