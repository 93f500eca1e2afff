//! JSON that can be kept: what one reading accepts, every later reading accepts too.
//!
//! `serde::de::IgnoredAny` passes over numbers out of range, half surrogates and nesting without
//! end, which no reader accepts once they are stored. [`Sound`] reads the same text as strictly as
//! `serde_json::Value` does, without building anything. The check of an adapter's answers and the
//! store use this one type, so that nothing passes the first and fails in the second.
//!
//! Bound: [`DEPTH_MAX`]. Left out: sizes, which the caller checks.

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// How deep a member of a record may nest. serde_json reads 128 levels; the difference is room for
/// what a record is wrapped in: a change event, a plan, an answer to a host.
pub(crate) const DEPTH_MAX: usize = 100;

/// Any JSON that can be read back.
pub(crate) struct Sound;

impl<'de> Deserialize<'de> for Sound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Depth(DEPTH_MAX).deserialize(deserializer).map(|()| Self)
    }
}

/// Any JSON that can be read back as a part of a member, this many levels below it: the store reads
/// the member as a whole.
pub(crate) struct SoundBelow<const LEVELS: usize>;

impl<'de, const LEVELS: usize> Deserialize<'de> for SoundBelow<LEVELS> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Depth(const { DEPTH_MAX - LEVELS }).deserialize(deserializer).map(|()| Self)
    }
}

/// How many levels may follow.
struct Depth(usize);

impl Depth {
    fn below<E: Error>(&self) -> Result<usize, E> {
        self.0.checked_sub(1).ok_or_else(|| E::custom("it nests too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let below = self.below()?;
        while items.next_element_seed(Depth(below))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let below = self.below()?;
        while fields.next_key_seed(Depth(below))?.is_some() {
            fields.next_value_seed(Depth(below))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{DEPTH_MAX, Sound};

    fn is_sound(text: &str) -> bool {
        serde_json::from_str::<Sound>(text).is_ok()
    }

    fn nested(levels: usize) -> String {
        format!("{}{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn what_is_sound_can_be_read_back_inside_of_something_else() {
        assert!(is_sound(&nested(DEPTH_MAX)));
        let wrapped = format!("[[[[[[[[{}]]]]]]]]", nested(DEPTH_MAX));
        assert!(serde_json::from_str::<serde_json::Value>(&wrapped).is_ok());
        assert!(!is_sound(&nested(DEPTH_MAX + 1)));
    }

    #[test]
    fn what_cannot_be_read_back_is_not_sound() {
        for text in
            ["1e999", "-1e999", r#""\ud800""#, r#"{"\udfff":1}"#, "[1e400]", "{", "01", "nul"]
        {
            assert!(!is_sound(text), "{text}");
        }
        for text in ["1e300", "0", r#""\ud83d\ude00""#, r#"{"a":[null,true,-1,1.5]}"#] {
            assert!(is_sound(text), "{text}");
        }
    }
}
