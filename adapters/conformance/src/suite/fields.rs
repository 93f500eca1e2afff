//! The members of the unified kinds, as the model's types declare them.
//!
//! `serde` gives a reader the names of a structure's members, and an error type of its own the name
//! of the one that is missing: [`Names`] reads nothing but the names, [`Body`] a record.

use atsync::model::unified;
use atsync::model::{kinds, unified::Unified};
use serde::de::value::MapDeserializer;
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;

/// The members of a unified kind; none for a kind of the adapter's own.
pub fn fields_of(kind: &str) -> Option<&'static [&'static str]> {
    shape(kind).map(|shape| (shape.fields)())
}

/// What is known of the shape of a kind.
pub(super) struct Shape {
    fields: fn() -> &'static [&'static str],
    /// Why a body is none of the kind.
    pub(super) read: fn(&Value) -> Result<(), Unfit>,
}

/// The shape of a unified kind.
pub(super) fn shape(kind: &str) -> Option<Shape> {
    fn of<T: Unified>() -> Shape {
        Shape {
            fields: || T::deserialize(Names).err().map_or(&[], |Heard(names)| names),
            read: |body| T::deserialize(Body(body.clone())).map(drop),
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

/// Why a body is none of its kind.
#[derive(Debug)]
pub(super) enum Unfit {
    /// It lacks a member that every record of the kind has.
    Missing(&'static str),
    /// A member has another shape: the sentence of the model's types.
    Shape(String),
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(member) => write!(f, "it has no `{member}`"),
            Self::Shape(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Unfit {}

impl serde::de::Error for Unfit {
    fn custom<T: std::fmt::Display>(why: T) -> Self {
        Self::Shape(why.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

/// The body of a record.
struct Body(Value);

impl<'de> Deserializer<'de> for Body {
    type Error = Unfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Unfit> {
        let Value::Object(members) = self.0 else {
            return Err(Unfit::custom("it is no object"));
        };
        let members = members.into_iter().map(|(name, value)| (name, Member(value)));
        visitor.visit_map(MapDeserializer::new(members))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A member of a body. What is missing within it is a fault of its shape.
struct Member(Value);

impl IntoDeserializer<'_, Unfit> for Member {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! of_its_value {
    ($($read:ident($($argument:ident: $type:ty),*))*) => { $(
        fn $read<V: Visitor<'de>>(
            self,
            $($argument: $type,)*
            visitor: V,
        ) -> Result<V::Value, Unfit> {
            self.0.$read($($argument,)* visitor).map_err(Unfit::custom)
        }
    )* };
}

impl<'de> Deserializer<'de> for Member {
    type Error = Unfit;

    of_its_value! {
        deserialize_any() deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32()
        deserialize_i64() deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64()
        deserialize_f32() deserialize_f64() deserialize_char() deserialize_str()
        deserialize_string() deserialize_bytes() deserialize_byte_buf() deserialize_option()
        deserialize_unit() deserialize_seq() deserialize_map() deserialize_identifier()
        deserialize_ignored_any() deserialize_tuple(len: usize)
        deserialize_unit_struct(name: &'static str) deserialize_newtype_struct(name: &'static str)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }
}

/// Reads the names of a structure's members, and nothing else.
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
    use super::{Unfit, fields_of, shape};
    use atsync::model::kinds;
    use serde_json::json;

    #[test]
    fn every_unified_kind_has_members() {
        for kind in kinds::ALL {
            assert!(fields_of(kind).is_some_and(|fields| fields.len() > 1), "{kind}");
        }
        assert!(fields_of(kinds::JOBS).unwrap().contains(&"requisition_id"));
        assert!(fields_of("scorecards").is_none());
    }
    #[test]
    fn a_member_that_is_missing_is_named_and_one_that_is_missing_within_is_a_wrong_shape() {
        let jobs = shape(kinds::JOBS).unwrap();
        let state = json!({"value": "open", "source": "live"});
        assert!((jobs.read)(&json!({"title": "Baker", "state": state})).is_ok());
        let without = (jobs.read)(&json!({"state": state}));
        assert!(matches!(without, Err(Unfit::Missing("title"))), "{without:?}");
        let within = (jobs.read)(&json!({"title": "Baker", "state": {"source": "live"}}));
        assert!(matches!(within, Err(Unfit::Shape(_))), "{within:?}");
    }
}
