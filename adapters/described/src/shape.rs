//! Brings mapped values into the shapes of unified fields.
//!
//! Which shape a field has is the model's table ([`atsync_model::shape`]). A mapping need not make
//! the shape: a scalar becomes a reference, a text a word or a contact, a number a time. A value
//! that cannot be is a fault of that field.

use crate::description::{RefForm, Times};
use crate::helpers;
use crate::json::Json;
use crate::time;
use atsync_model::shape::Shape::{
    self, Contacts, Custom, Flag, Name, Number, Odd, Plain, Privacy, Ref, Refs, Text, Texts, Time,
    Values, Word,
};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The entries of one list of a record.
pub(crate) const ENTRIES_MAX: usize = 1_000;

/// How the values of a field are read, beside their shape.
#[derive(Debug)]
pub(crate) struct Reading<'d> {
    pub(crate) shape: Shape,
    pub(crate) words: &'d BTreeMap<String, String>,
    pub(crate) other: &'d str,
    pub(crate) form: RefForm,
    pub(crate) times: Times,
    /// A record cannot be without the field.
    pub(crate) is_required: bool,
    /// The field holds a day.
    pub(crate) is_day: bool,
}

type Shaped<'a> = Result<Option<Json<'a>>, String>;

impl Reading<'_> {
    /// Brings a value into shape; none when it is empty.
    ///
    /// # Errors
    /// What is wrong with its shape, without its content.
    pub(crate) fn shaped<'a>(&self, value: Cow<'_, Json<'a>>) -> Shaped<'a> {
        if value.is_empty() {
            return Ok(match self.shape {
                Text | Plain if self.is_required => Some(Json::text("")),
                Word if self.is_required => {
                    Some(Json::Map(vec![(Cow::Borrowed("value"), Json::text("other"))]))
                }
                _ => None,
            });
        }
        match self.shape {
            Text | Plain => self.text(&value),
            Time => self.time(&value),
            Flag => match *value {
                Json::Bool(flag) => Ok(Some(Json::Bool(flag))),
                _ => wrong(&value, "a flag"),
            },
            Number => match *value {
                Json::Int(number) => Ok(Some(Json::Int(number))),
                // A rank such as 105.5 keeps its order among whole ones only roughly; the row
                // decides, by `int`.
                _ => wrong(&value, "a whole number"),
            },
            Word => self.word(&value),
            Ref => self.reference(&value),
            Refs => entries(&value, |entry| self.reference(entry)),
            Contacts => entries(&value, |entry| self.contact(entry)),
            Texts => entries(&value, |entry| self.text(entry)),
            Name => self.parts(value, &["full", "first", "last", "preferred"], Self::text),
            Privacy => self.parts(
                value,
                &["private", "anonymized", "do_not_contact"],
                |_, flag| match flag {
                    Json::Bool(flag) => Ok(Some(Json::Bool(*flag))),
                    other => wrong(other, "a flag"),
                },
            ),
            Custom => custom(value.into_owned()),
            Odd => match &*value {
                Json::Map(members)
                    if members.iter().all(|(_, reason)| reason.as_text().is_some()) =>
                {
                    Ok(Some(value.into_owned()))
                }
                _ => wrong(&value, "texts by path"),
            },
            Values => match &*value {
                Json::List(entries) if entries.len() > ENTRIES_MAX => too_many(),
                Json::List(_) => Ok(Some(value.into_owned())),
                _ => wrong(&value, "a list"),
            },
        }
    }

    fn text<'a>(&self, value: &Json<'a>) -> Shaped<'a> {
        match value {
            Json::Text(_) => Ok(Some(value.clone())),
            Json::Int(_) | Json::Big(_) | Json::Float(_) => Ok(value.scalar().map(Json::Text)),
            _ => wrong(value, "a text"),
        }
    }

    fn time<'a>(&self, value: &Json<'a>) -> Shaped<'a> {
        let made = match (value, self.times) {
            (Json::Text(text), _) if self.is_day => {
                let day = text.get(..10).unwrap_or(text);
                atsync_model::normal::part_date(day)
                    .map(Json::text)
                    .ok_or("a text that is no date".to_owned())
            }
            (Json::Text(text), _) => match time::to_ms(text) {
                // As the ATS gave it, where it is RFC 3339.
                Some(_)
                    if text.len() > 16
                        && (text.ends_with('Z')
                            || text.get(19..).is_some_and(|zone| zone.contains(['+', '-']))) =>
                {
                    Ok(value.clone())
                }
                Some(ms) if text.len() > 10 => {
                    time::from_ms(ms).map(Json::text).ok_or_else(no_time)
                }
                Some(_) => Ok(value.clone()),
                None => Err(no_time()),
            },
            (_, Times::EpochMs) => helpers::from_ms(value, &[]),
            (_, Times::EpochS) => helpers::from_s(value, &[]),
            (_, Times::Rfc3339) => return wrong(value, "a time"),
        };
        match made {
            Ok(Json::Text(text)) if self.is_day && text.len() > 10 => {
                Ok(Some(Json::text(text.get(..10).unwrap_or_default().to_owned())))
            }
            other => other.map(Some),
        }
    }

    fn word<'a>(&self, value: &Json<'a>) -> Shaped<'a> {
        if let Json::Map(_) = value {
            let unified = value.get("value");
            return match (unified, value.get("source")) {
                (Json::Text(word), Json::Absent | Json::Text(_)) if !word.is_empty() => {
                    Ok(Some(value.clone()))
                }
                (Json::Text(word), Json::Null) if !word.is_empty() => {
                    Ok(Some(Json::Map(vec![(Cow::Borrowed("value"), unified.clone())])))
                }
                _ => wrong(value, "a word"),
            };
        }
        let Some(source) = value.scalar() else { return wrong(value, "a word") };
        let unified = match self.words.get(source.as_ref()) {
            Some(word) => Cow::Owned(word.clone()),
            // Without a table the expression yields the unified word.
            None if self.words.is_empty() => source.clone(),
            None => Cow::Owned(self.other.to_owned()),
        };
        let mut members = vec![(Cow::Borrowed("value"), Json::Text(unified))];
        if !self.words.is_empty() {
            members.push((Cow::Borrowed("source"), Json::Text(source)));
        }
        Ok(Some(Json::Map(members)))
    }

    fn reference<'a>(&self, value: &Json<'a>) -> Shaped<'a> {
        let mut members = Vec::with_capacity(2);
        match value {
            Json::Map(_) => {
                for (from, to) in [("id", "id"), ("name", "name")] {
                    match value.get(from) {
                        member if member.is_empty() => {}
                        member => match member.scalar() {
                            Some(text) => members.push((Cow::Borrowed(to), Json::Text(text))),
                            None => return wrong(member, "an id or a name"),
                        },
                    }
                }
                let has = |name| !matches!(value.get(name), Json::Absent);
                if members.is_empty() && (has("id") || has("name")) {
                    return Ok(None);
                }
                if members.is_empty() {
                    return Err(
                        "an object without id and name where a reference is expected".to_owned()
                    );
                }
            }
            Json::Text(_) | Json::Int(_) | Json::Big(_) => {
                let Some(text) = value.scalar() else { return wrong(value, "a reference") };
                if self.form != RefForm::Name {
                    members.push((Cow::Borrowed("id"), Json::Text(text.clone())));
                }
                if self.form != RefForm::Id {
                    members.push((Cow::Borrowed("name"), Json::Text(text)));
                }
            }
            _ => return wrong(value, "a reference"),
        }
        if let Some((_, Json::Text(id))) = members.iter().find(|(name, _)| name == "id")
            && !is_id(id)
        {
            return Err("an id that is blank, too long or has control characters".to_owned());
        }
        Ok(Some(Json::Map(members)))
    }

    fn contact<'a>(&self, value: &Json<'a>) -> Shaped<'a> {
        match value {
            Json::Text(_) => Ok(Some(Json::Map(vec![(Cow::Borrowed("value"), value.clone())]))),
            Json::Map(_) => {
                let address = value.get("value");
                if matches!(address, Json::Absent) {
                    return wrong(value, "a contact");
                }
                if address.is_empty() {
                    return Ok(None);
                }
                let Some(text) = address.scalar() else { return wrong(address, "a text") };
                let mut members = vec![(Cow::Borrowed("value"), Json::Text(text))];
                let kind = value.get("type");
                if !kind.is_empty()
                    && let Some(word) = self.word(kind)?
                {
                    members.push((Cow::Borrowed("type"), word));
                }
                Ok(Some(Json::Map(members)))
            }
            _ => wrong(value, "a contact"),
        }
    }

    fn parts<'a>(
        &self,
        value: Cow<'_, Json<'a>>,
        names: &[&'static str],
        part: impl Fn(&Self, &Json<'a>) -> Shaped<'a>,
    ) -> Shaped<'a> {
        if !matches!(*value, Json::Map(_)) {
            return wrong(&value, "an object");
        }
        let mut members = Vec::new();
        for name in names {
            let member = value.get(name);
            if !member.is_empty()
                && let Some(made) = part(self, member)?
            {
                members.push((Cow::Borrowed(*name), made));
            }
        }
        Ok((!members.is_empty()).then_some(Json::Map(members)))
    }
}

fn no_time() -> String {
    "a text that is no time".to_owned()
}

fn custom(value: Json<'_>) -> Shaped<'_> {
    let Json::Map(members) = &value else { return wrong(&value, "custom values by key") };
    if members.len() > ENTRIES_MAX {
        return too_many();
    }
    for (_, value) in members {
        if value.get("type").as_text().is_none() || matches!(value.get("value"), Json::Absent) {
            return Err("a custom value without `type` or `value`".to_owned());
        }
    }
    Ok(Some(value))
}

/// Brings each entry of a list into shape. A list with one bad entry is bad as a whole: an update
/// based on a partly known list would remove the unread entries.
fn entries<'a>(value: &Json<'a>, shaped: impl Fn(&Json<'a>) -> Shaped<'a>) -> Shaped<'a> {
    let one;
    let all = match value {
        Json::List(entries) => entries.as_slice(),
        other => {
            one = [other.clone()];
            one.as_slice()
        }
    };
    if all.len() > ENTRIES_MAX {
        return too_many();
    }
    let mut made = Vec::with_capacity(all.len());
    for entry in all.iter().filter(|entry| !entry.is_empty()) {
        made.extend(shaped(entry)?);
    }
    Ok((!made.is_empty()).then_some(Json::List(made)))
}

fn too_many<'a>() -> Shaped<'a> {
    Err(format!("a list of more than {ENTRIES_MAX} entries"))
}

fn wrong<'a>(value: &Json<'_>, expected: &str) -> Shaped<'a> {
    Err(format!("{} where {expected} is expected", value.shape()))
}

/// Whether a text is an id by the contract: 1 to 512 bytes, no control characters, no blanks at its
/// ends.
pub(crate) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.len() <= 512 && text.trim() == text && !text.contains(char::is_control)
}
