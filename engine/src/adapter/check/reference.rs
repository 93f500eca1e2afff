//! References within bodies.
//!
//! A field of [`atsync_model::unified::REFERENCES`] is an object with an id, a name or both, or a
//! list of such objects. An empty or blank id is invalid: stored, it would mean that the record is
//! known to refer to nothing, or to an impossible record. Reads without building anything, as
//! [`SoundBelow`] does. Left out: whether the record referred to exists.

use super::is_id;
use crate::json::SoundBelow;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A reference, a list of references, or `null`.
pub(super) struct Reference;

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReferenceVisitor { is_entry: false })
    }
}

struct ReferenceVisitor {
    /// Of a list.
    is_entry: bool,
}

/// One reference of a list.
struct Entry;

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ReferenceVisitor { is_entry: true }).map(|_| Self)
    }
}

impl<'de> Visitor<'de> for ReferenceVisitor {
    type Value = Reference;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reference")
    }

    fn visit_unit<E: Error>(self) -> Result<Reference, E> {
        if self.is_entry { Err(E::custom("an entry that is null")) } else { Ok(Reference) }
    }

    fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<Reference, M::Error> {
        let mut says = false;
        while let Some(member) = members.next_key::<Cow<'de, str>>()? {
            match &*member {
                "id" => match members.next_value::<Option<Cow<'de, str>>>()? {
                    Some(id) if !is_id(&id) => return Err(M::Error::custom("no id")),
                    id => says |= id.is_some(),
                },
                "name" => {
                    says |= members
                        .next_value::<Option<Cow<'de, str>>>()?
                        .is_some_and(|name| !name.is_empty())
                }
                _ => {
                    members.next_value::<SoundBelow<2>>()?;
                }
            }
        }
        if says { Ok(Reference) } else { Err(M::Error::custom("neither id nor name")) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Reference, A::Error> {
        if self.is_entry {
            return Err(A::Error::custom("a list in a list"));
        }
        while entries.next_element::<Entry>()?.is_some() {}
        Ok(Reference)
    }
}
