//! The members of the unified kinds, as the model's types declare them.
//!
//! `serde` tells a reader the names of a structure's members; [`Names`] is a reader that only
//! listens.

use atsync::model::unified;
use atsync::model::{kinds, unified::Unified};
use serde::de::{Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

/// The members of a unified kind; none for a kind of the adapter's own.
pub fn fields_of(kind: &str) -> Option<&'static [&'static str]> {
    shape(kind).map(|shape| (shape.fields)())
}

/// What is known of the shape of a kind.
pub(super) struct Shape {
    fields: fn() -> &'static [&'static str],
    /// Why a body is none of the kind.
    pub(super) read: fn(&str) -> Result<(), String>,
}

/// The shape of a unified kind.
pub(super) fn shape(kind: &str) -> Option<Shape> {
    fn of<T: Unified>() -> Shape {
        Shape {
            fields: || T::deserialize(Names).err().map_or(&[], |Heard(names)| names),
            read: |body| {
                serde_json::from_str::<T>(body).map(drop).map_err(|error| error.to_string())
            },
        }
    }
    Some(match kind {
        kinds::CANDIDATES => of::<unified::Candidate<'static>>(),
        kinds::APPLICATIONS => of::<unified::Application<'static>>(),
        kinds::JOBS => of::<unified::Job<'static>>(),
        kinds::POSTINGS => of::<unified::Posting<'static>>(),
        kinds::OPENINGS => of::<unified::Opening<'static>>(),
        kinds::HIRING_MANAGERS | kinds::JOB_OWNERS => of::<unified::TeamMember<'static>>(),
        kinds::APPLICATION_STAGES => of::<unified::ApplicationStage<'static>>(),
        kinds::REJECTIONS => of::<unified::Rejection<'static>>(),
        kinds::APPLIED_TAGS => of::<unified::AppliedTag<'static>>(),
        kinds::EDUCATIONS => of::<unified::Education<'static>>(),
        kinds::EMPLOYMENTS => of::<unified::Employment<'static>>(),
        kinds::USERS => of::<unified::User<'static>>(),
        kinds::USER_EMAILS => of::<unified::UserEmail<'static>>(),
        kinds::NOTES => of::<unified::Note<'static>>(),
        kinds::ATTACHMENTS => of::<unified::Attachment<'static>>(),
        kinds::POOLS => of::<unified::Pool<'static>>(),
        kinds::POOL_PLACEMENTS => of::<unified::PoolPlacement<'static>>(),
        kinds::CUSTOM_FIELDS => of::<unified::CustomField<'static>>(),
        kinds::CUSTOM_FIELD_OPTIONS => of::<unified::CustomFieldOption<'static>>(),
        // The small kinds have at least the members of `Named`, and those that the ATS adds.
        kinds::SOURCES
        | kinds::TAGS
        | kinds::STAGES
        | kinds::REJECT_REASONS
        | kinds::CLOSE_REASONS
        | kinds::POOL_STAGES
        | kinds::DEPARTMENTS
        | kinds::OFFICES
        | kinds::REFERRERS => of::<unified::Named<'static>>(),
        _ => return None,
    })
}

/// Whether an adapter may add members of its own to a kind.
pub(super) fn is_open(kind: &str) -> bool {
    unified::Named::KINDS.contains(&kind)
}

/// Listens to the names of a structure's members.
struct Names;

/// The names that were heard.
#[derive(Debug)]
struct Heard(&'static [&'static str]);

impl std::fmt::Display for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the names of the members")
    }
}

impl std::error::Error for Heard {}

impl serde::de::Error for Heard {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for Names {
    type Error = Heard;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Heard> {
        Err(Heard::custom(""))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Heard> {
        Err(Heard(fields))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::fields_of;
    use atsync::model::kinds;

    #[test]
    fn every_unified_kind_has_members() {
        for kind in kinds::ALL {
            assert!(fields_of(kind).is_some_and(|fields| fields.len() > 1), "{kind}");
        }
        assert!(fields_of(kinds::JOBS).unwrap().contains(&"requisition_id"));
        assert!(fields_of("scorecards").is_none());
    }
}
