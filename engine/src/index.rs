//! The terms that an observed record can be found by. Pure.
//!
//! A plan looks records up by e-mail, name or parent, and must not read all of a kind for it. The
//! terms come from the unified record alone, so they work with every adapter. A term is in the
//! model's form ([`form`]).

use atsync_model::normal;
pub use atsync_model::resource::{CANDIDATE, EMAIL, KEY, NAME, PARENT, PRIVATE, USER};
use atsync_model::resource::{From, Index, indexes};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A term as it is compared: by the form of an address where the index is one of addresses, else by
/// that of a name.
pub fn form(index: &str, text: &str) -> String {
    if index == EMAIL { normal::email(text) } else { normal::name(text) }
}

/// Which indexes the records of a kind are found by.
pub fn of(kind: &str) -> Vec<&'static str> {
    let mut names: Vec<&str> = indexes(kind).iter().map(|index| index.name).collect();
    names.dedup();
    names
}

/// The terms of a record: index and normalised term.
pub(crate) type Terms = Vec<(&'static str, String)>;

#[derive(Default, Deserialize)]
struct Id<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
}

/// An entry of a list, or a word.
#[derive(Default, Deserialize)]
struct Valued<'a> {
    #[serde(borrow, default)]
    value: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The terms of a record. Empty for kinds without an index, and for a body that does not have the
/// unified shape.
pub fn terms(kind: &str, body: &str) -> Terms {
    let indexes = indexes(kind);
    let mut found = Vec::new();
    if read(indexes, body, &mut found).is_err() {
        found.clear();
        if let Some(sound) = sound_part(indexes, body)
            && read(indexes, &sound, &mut found).is_err()
        {
            found.clear();
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The id of the record that a body names by a member. None where the member has another shape.
pub(crate) fn id(body: &str, member: &str) -> Option<String> {
    // Most kinds have no such member; a search for the word is ten times cheaper than reading.
    if !has_member(body, member) {
        return None;
    }
    let mut json = serde_json::Deserializer::from_str(body);
    let id = json.deserialize_map(IdOf(member)).ok()?;
    json.end().ok()?;
    id.map(Cow::into_owned)
}

/// Whether a body may have a member: its name stands in quotes somewhere, before a colon.
pub(crate) fn has_member(body: &str, member: &str) -> bool {
    let is_member = |(at, _): (usize, &str)| {
        let (before, rest) = body.split_at_checked(at).unwrap_or_default();
        let after = rest.strip_prefix(member).and_then(|after| after.strip_prefix('"'));
        before.ends_with('"') && after.is_some_and(|after| after.trim_start().starts_with(':'))
    };
    body.contains(member) && body.match_indices(member).any(is_member)
}

/// Reads the terms of a body in one pass.
fn read(indexes: &[Index], body: &str, found: &mut Terms) -> serde_json::Result<()> {
    let mut json = serde_json::Deserializer::from_str(body);
    Reader { indexes, found }.deserialize(&mut json)?;
    json.end()
}

/// The body without the members of another shape, so that the record keeps its other terms.
fn sound_part(indexes: &[Index], body: &str) -> Option<String> {
    let mut members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(body).ok()?;
    members.retain(|member, value| {
        let alone = serde_json::Map::from_iter([(member.clone(), value.clone())]);
        read(indexes, &serde_json::Value::Object(alone).to_string(), &mut Vec::new()).is_ok()
    });
    Some(serde_json::Value::Object(members).to_string())
}

/// Reads the members that the indexes name, and skips the others.
struct Reader<'i, 'f> {
    indexes: &'i [Index],
    found: &'f mut Terms,
}

impl<'de> DeserializeSeed<'de> for Reader<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl Reader<'_, '_> {
    fn push(&mut self, index: &'static str, text: Option<Cow<'_, str>>) {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            self.found.push((index, form(index, &text)));
        }
    }

    /// Reads the value of a member that an index names.
    fn next<'de, A: MapAccess<'de>>(
        &mut self,
        index: &'static str,
        from: &From,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match from {
            From::Text(_) => {
                let text = map.next_value::<Option<Text<'de>>>()?;
                self.push(index, text.map(|text| text.0));
            }
            From::Texts(_) => {
                let texts = map.next_value::<Option<Vec<Text<'de>>>>()?;
                texts.into_iter().flatten().for_each(|text| self.push(index, Some(text.0)));
            }
            From::Values(_) => {
                let values = map.next_value::<Option<Vec<Valued<'de>>>>()?;
                values.into_iter().flatten().for_each(|entry| self.push(index, entry.value));
            }
            From::Id(..) => {
                let named = map.next_value::<Option<Id<'de>>>()?;
                self.push(index, named.and_then(|named| named.id));
            }
            // Two members make its term; see `visit_map`.
            From::Flagged(..) => {}
        }
        Ok(())
    }
}

impl<'de> Visitor<'de> for Reader<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        // A repeated member is left to the tolerant reader.
        let mut seen = Seen::default();
        let (mut flag, mut word) = (None, None);
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            match place(self.indexes, &name) {
                None => drop(map.next_value::<IgnoredAny>()?),
                Some((at, _)) if seen.again(at) => return Err(A::Error::custom("it comes twice")),
                Some((_, (_, From::Flagged(by, _)))) if *by == name => {
                    flag = map.next_value::<Option<bool>>()?;
                }
                Some((_, (_, From::Flagged(..)))) => {
                    word = map.next_value::<Option<Valued<'de>>>()?.and_then(|word| word.value);
                }
                Some((_, (index, from))) => self.next(index, from, &mut map)?,
            }
        }
        if flag == Some(true)
            && let Some(index) =
                self.indexes.iter().find(|index| matches!(index.from, From::Flagged(..)))
        {
            self.push(index.name, word);
        }
        Ok(())
    }
}

/// The members that were seen, by their number.
#[derive(Default)]
struct Seen(u32);

impl Seen {
    /// Marks a member as seen, and returns whether it was seen before.
    fn again(&mut self, at: u32) -> bool {
        let bit = 1_u32.checked_shl(at).unwrap_or(0);
        let again = self.0 & bit != 0;
        self.0 |= bit;
        again
    }
}

/// The index that a member makes a term of, and the member's number.
fn place<'i>(indexes: &'i [Index], member: &str) -> Option<(u32, (&'static str, &'i From))> {
    let mut at = 0_u32;
    for index in indexes {
        let from = &index.from;
        let (own, second) = match from {
            From::Text(own) | From::Texts(own) | From::Values(own) | From::Id(own, _) => {
                (*own, None)
            }
            From::Flagged(own, second) => (*own, Some(*second)),
        };
        if own == member {
            return Some((at, (index.name, from)));
        }
        if second == Some(member) {
            return Some((at.saturating_add(1), (index.name, from)));
        }
        at = at.saturating_add(2);
    }
    None
}

/// Reads the id of the record that one member names.
struct IdOf<'m>(&'m str);

impl<'de> Visitor<'de> for IdOf<'_> {
    type Value = Option<Cow<'de, str>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut met, mut id) = (false, None);
        while let Some(Text(name)) = map.next_key::<Text<'de>>()? {
            if name != self.0 {
                map.next_value::<IgnoredAny>()?;
            } else if std::mem::replace(&mut met, true) {
                return Err(A::Error::custom("it comes twice"));
            } else {
                id = map.next_value::<Option<Id<'de>>>()?.and_then(|named| named.id);
            }
        }
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::{CANDIDATE, EMAIL, KEY, NAME, terms};

    #[test]
    fn a_member_of_another_shape_costs_its_own_terms_alone() {
        let odd = r#"{"email":"ada@example.com","emails":null}"#;
        assert_eq!(terms("users", odd), vec![(EMAIL, "ada@example.com".to_owned())]);
        let odd = r#"{"email":"ada@example.com","emails":[7]}"#;
        assert_eq!(terms("users", odd), vec![(EMAIL, "ada@example.com".to_owned())]);
        let odd = r#"{"name":"Channel","key":"channel","private":"yes"}"#;
        assert_eq!(
            terms("custom_fields", odd),
            vec![(KEY, "channel".to_owned()), (NAME, "channel".to_owned())]
        );
    }

    #[test]
    fn every_kind_says_what_it_is_found_by() {
        let everything = r#"{"name":"a","title":"a","key":"k","requisition_id":"k",
            "email":"a@b.c","emails":[],"candidate":{"id":"1"},"application":{"id":"1"},
            "parent":{"id":"1"},"custom_field":{"id":"1"},
            "job":{"id":"1"},"user":{"id":"1"},"applies_to":{"value":"job"},"private":true}"#;
        let person = r#"{"emails":[{"value":"a@b.c"}]}"#;
        for kind in atsync_model::resource::TABLE.iter().map(|of| of.kind) {
            let body = if kind == "candidates" { person } else { everything };
            let mut found: Vec<&str> =
                terms(kind, body).into_iter().map(|(index, _)| index).collect();
            let mut said = super::of(kind);
            found.sort_unstable();
            said.sort_unstable();
            assert_eq!(found, said, "{kind}");
        }
    }

    #[test]
    fn a_member_that_comes_twice_counts_as_it_was_written_last() {
        let twice = r#"{"name":"a","name":"b","title":"c"}"#;
        assert_eq!(terms("sources", twice), vec![(NAME, "b".to_owned())]);
    }

    #[test]
    fn the_id_that_a_member_names_is_read_and_nothing_that_only_looks_like_it() {
        let id = |body: &str| super::id(body, "candidate");
        assert_eq!(id(r#"{"name":"x","candidate":{"id":"7","name":"A"}}"#), Some("7".to_owned()));
        for body in [
            r#"{"note":{"candidate":{"id":"7"}}}"#,
            r#"{"candidate":"7"}"#,
            r#"{"candidate":{"id":"7"},"candidate":{"id":"8"}}"#,
            r#"{"candidate":{"id":"7"}"#,
            r#"{"body":"a \"candidate\" is here"}"#,
            r#"{"candidates":{"id":"7"}}"#,
            "",
        ] {
            assert_eq!(id(body), None, "{body}");
        }
    }

    #[test]
    fn a_member_is_told_from_the_same_word_as_a_value() {
        let has = |body: &str| super::has_member(body, "application");
        assert!(has(r#"{"application":{"id":"1"}}"#) && has("{\"application\" \n: 1}"));
        for body in [r#"{"kind":"application"}"#, r#"{"applications":[]}"#, r#"["application"]"#] {
            assert!(!has(body), "{body}");
        }
    }

    #[test]
    fn a_record_is_found_by_what_plans_ask_for() {
        let person =
            r#"{"name":{},"emails":[{"value":" Ada@Example.com "},{"value":"ada@example.com"}]}"#;
        assert_eq!(terms("candidates", person), vec![(EMAIL, "ada@example.com".to_owned())]);
        assert_eq!(
            terms("applications", r#"{"candidate":{"id":"7"},"job":{"id":"9"}}"#),
            vec![(CANDIDATE, "7".to_owned())]
        );
        assert_eq!(
            terms("jobs", r#"{"title":"Engineer","requisition_id":"76"}"#),
            vec![(KEY, "76".to_owned()), (NAME, "engineer".to_owned())]
        );
        assert_eq!(terms("sources", "not json"), vec![]);
    }
}
