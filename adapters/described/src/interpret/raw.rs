//! Raw kinds: what a row names, and the body of a record that is the row itself.
//!
//! A record that is listed under another one names it, too, by the word [`PARENT`], which is no
//! member of the row. A reference that is neither an id nor a list of ids is reported and the
//! others stand, since an erasure follows them. A member that is absent or empty names nothing.

use crate::description::Kind;
use crate::expression::{Compiled, Engine, Fault, Scope};
use crate::json::Json;
use crate::shape::{ENTRIES_MAX, is_id};
use atsync_model::raw::{CONTENT, REFERENCES, RawReference};
use serde::ser::{Error, Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// What stands for the member that names the parent.
const PARENT: &str = "parent";

/// What the rows of a raw kind name, compiled.
#[derive(Debug)]
pub(crate) struct Raw<'e> {
    /// The kind that it is listed under.
    parent: Option<&'e str>,
    /// Member, kind, and the id where it is not the member itself.
    names: Vec<(&'e str, &'e str, Option<Compiled<'e>>)>,
}

impl<'e> Raw<'e> {
    pub(crate) fn of(kind: &'e Kind, engine: &'e Engine) -> Result<Self, Fault> {
        let names = kind.references.iter().map(|(member, reference)| {
            let id = reference.id().map(|id| engine.compile(id.text())).transpose()?;
            Ok((member.as_str(), reference.kind(), id))
        });
        Ok(Self {
            parent: kind.list.as_ref().and_then(|list| list.under.as_deref()),
            names: names.collect::<Result<_, Fault>>()?,
        })
    }

    /// The records that a row names, and the members that could not be read.
    pub(crate) fn references(
        &self,
        row: &Json<'_>,
        scope: Scope<'_, '_>,
    ) -> (Vec<RawReference<'e>>, Vec<&'e str>) {
        let (mut all, mut odd) = (Vec::new(), Vec::new());
        let parent = scope.get(PARENT).get("id").scalar().map(Cow::into_owned);
        if let (Some(kind), Some(id)) = (self.parent, parent) {
            all.push(RawReference::new(PARENT, kind, id));
        }
        for (member, kind, id) in &self.names {
            let value = match id {
                None => Ok(Cow::Borrowed(row.get(member))),
                Some(id) => id.eval(scope),
            };
            match value.ok().and_then(|value| ids(&value)) {
                Some(ids) => {
                    all.extend(ids.into_iter().map(|id| RawReference::new(*member, *kind, id)));
                }
                None => odd.push(*member),
            }
        }
        (all, odd)
    }
}

/// The ids of a value; none where it is neither an id nor a list of ids.
fn ids(value: &Json<'_>) -> Option<Vec<String>> {
    let one = |value: &Json<'_>| match value {
        Json::Text(_) | Json::Int(_) | Json::Big(_) => {
            value.scalar().map(Cow::into_owned).filter(|id| is_id(id))
        }
        _ => None,
    };
    match value {
        _ if value.is_empty() => Some(Vec::new()),
        Json::List(entries) if entries.len() <= ENTRIES_MAX => entries.iter().map(one).collect(),
        value => one(value).map(|id| vec![id]),
    }
}

/// The body of a raw record.
#[derive(Debug)]
pub(crate) struct RawBody<'b, 'a> {
    pub(crate) references: Vec<RawReference<'b>>,
    pub(crate) row: &'b Json<'a>,
    /// The row as the ATS wrote it; empty where only what was read of it is known.
    pub(crate) text: &'b str,
    pub(crate) fields: Vec<(Cow<'b, str>, Json<'b>)>,
}

impl Serialize for RawBody<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut body = serializer.serialize_map(None)?;
        if !self.references.is_empty() {
            body.serialize_entry(REFERENCES, &self.references)?;
        }
        if self.text.is_empty() {
            body.serialize_entry(CONTENT, self.row)?;
        } else {
            let text: &RawValue = serde_json::from_str(self.text).map_err(S::Error::custom)?;
            body.serialize_entry(CONTENT, text)?;
        }
        for (name, value) in &self.fields {
            body.serialize_entry(name, value)?;
        }
        body.end()
    }
}
