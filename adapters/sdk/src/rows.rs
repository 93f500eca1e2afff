//! Walks through a JSON array, element by element, each with its place in the text.
//!
//! The engine holds the reply already, so a record names its raw JSON by offset and length instead
//! of copying it back.
//!
//! [`each`] parses an element once: its reader finds the end of it. [`split`] finds all ends first,
//! so that a reader parses each element a second time; it is for small bodies.
//!
//! [`tolerant`] reads a row even when some members have a shape that the reader does not expect: a
//! bad member costs that member, and a row that is not an object costs that row. A row as
//! documented is parsed once; only a bad row is parsed member by member.

use crate::contract::Span;
use serde::Deserialize;
use serde::de::Error as _;
use serde_json::value::RawValue;
use std::cell::Cell;
use std::collections::BTreeMap;

/// One element of the array.
#[derive(Debug)]
pub struct Row<'a> {
    /// Its JSON text.
    pub text: &'a str,
    /// The position of the text in the body.
    pub span: Span,
}

/// Splits a body that is a JSON array into its elements.
///
/// # Errors
/// serde's error when the body is not a JSON array.
pub fn split(body: &[u8]) -> Result<Vec<Row<'_>>, serde_json::Error> {
    let elements: Vec<&RawValue> = serde_json::from_slice(body)?;
    Ok(elements.into_iter().map(|element| row(body, element)).collect())
}

/// Returns one element's text and place. The element must have been read from `body`.
pub fn row<'a>(body: &'a [u8], element: &'a RawValue) -> Row<'a> {
    let text = element.get();
    let offset = (text.as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
    let span = Span {
        offset: u32::try_from(offset).unwrap_or(u32::MAX),
        length: u32::try_from(text.len()).unwrap_or(u32::MAX),
    };
    Row { text, span }
}

/// An element of an array whose end is not known before it is read.
#[derive(Debug)]
pub struct Element<'a> {
    /// From the element's first character to the end of the body.
    text: &'a str,
    offset: usize,
    length: Cell<Option<usize>>,
}

impl<'a> Element<'a> {
    /// The element at the beginning of a text.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        Self { text, offset: 0, length: Cell::new(None) }
    }

    /// Whether the element is a JSON object, by its first character.
    pub fn is_object(&self) -> bool {
        self.text.starts_with('{')
    }

    /// Reads the element and finds its end, in one pass.
    ///
    /// # Errors
    /// serde's error when the element is not a `T`. Its place counts from the element's beginning.
    pub fn read<T: Deserialize<'a>>(&self) -> Result<T, serde_json::Error> {
        let mut stream = serde_json::Deserializer::from_str(self.text).into_iter::<T>();
        let value = match stream.next() {
            Some(value) => value?,
            None => return Err(serde_json::Error::custom("the array ends in an element")),
        };
        self.length.set(Some(stream.byte_offset()));
        Ok(value)
    }

    /// The element's own text. The body is walked once more, unless the end is known already.
    ///
    /// # Errors
    /// serde's error when the text does not begin with a JSON value.
    pub fn text(&self) -> Result<&'a str, serde_json::Error> {
        match self.length.get().and_then(|length| self.text.get(..length)) {
            Some(text) => Ok(text),
            None => self.read::<&RawValue>().map(RawValue::get),
        }
    }

    /// The length of the element in bytes; 0 while its end is not known.
    pub fn length(&self) -> usize {
        self.length.get().unwrap_or_default()
    }

    /// The position of the element in the body.
    pub fn span(&self) -> Span {
        Span {
            offset: u32::try_from(self.offset).unwrap_or(u32::MAX),
            length: u32::try_from(self.length()).unwrap_or(u32::MAX),
        }
    }
}

/// Calls `read` with each element of a body that is a JSON array, in their order.
///
/// # Errors
/// serde's error when the body is not a JSON array. `read` may have been called with elements
/// before the fault.
pub fn each<'a>(
    body: &'a [u8],
    mut read: impl FnMut(&Element<'a>),
) -> Result<(), serde_json::Error> {
    let broken = || match serde_json::from_slice::<Vec<&RawValue>>(body) {
        Err(error) => error,
        Ok(_) => serde_json::Error::custom("not an array"),
    };
    let all = std::str::from_utf8(body).map_err(|_| broken())?;
    let mut rest = space(space(all).strip_prefix('[').ok_or_else(broken)?);
    if let Some(after) = rest.strip_prefix(']') {
        return if space(after).is_empty() { Ok(()) } else { Err(broken()) };
    }
    loop {
        let offset = all.len().saturating_sub(rest.len());
        let element = Element { offset, ..Element::of(rest) };
        read(&element);
        let length = element.text().map_err(|_| broken())?.len();
        rest = space(rest.get(length..).unwrap_or_default());
        if let Some(next) = rest.strip_prefix(',') {
            rest = space(next);
        } else {
            let after = rest.strip_prefix(']').ok_or_else(broken)?;
            return if space(after).is_empty() { Ok(()) } else { Err(broken()) };
        }
    }
}

/// The text without JSON's white space before it.
fn space(text: &str) -> &str {
    text.trim_start_matches([' ', '\n', '\r', '\t'])
}

/// A row that was read, perhaps without some of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tolerated<T> {
    /// The record as read.
    pub value: T,
    /// The members that could not be read, ordered by name. The reader has not seen them.
    pub lost: Vec<String>,
}

/// Reads a row with `read`; if that fails, without the members that `read` rejects.
///
/// `needed` names the members without which there is no record, such as `id`: if one of them is
/// bad, the row is lost. Each other member is tried by itself, together with the needed ones, so a
/// reader must accept a row that lacks it (serde's `default`) and note what is missing.
///
/// # Errors
/// The error of `read` for the whole row, when it is not a JSON object or stays unreadable without
/// its bad members.
///
/// ```
/// #[derive(serde::Deserialize)]
/// struct Job { id: u64, #[serde(default)] title: Option<String> }
///
/// let read = |row: &str| serde_json::from_str::<Job>(row);
/// let job = atsync_adapter::rows::tolerant(r#"{"id": 7, "title": ["Baker"]}"#, &["id"], read).unwrap();
/// assert_eq!((job.value.id, job.value.title, job.lost), (7, None, vec!["title".to_owned()]));
/// assert!(atsync_adapter::rows::tolerant(r#"{"id": "seven"}"#, &["id"], read).is_err());
/// ```
pub fn tolerant<T, E>(
    row: &str,
    needed: &[&str],
    read: impl Fn(&str) -> Result<T, E>,
) -> Result<Tolerated<T>, E> {
    let whole = match read(row) {
        Ok(value) => return Ok(Tolerated { value, lost: Vec::new() }),
        Err(error) => error,
    };
    let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(row) else {
        return Err(whole);
    };
    let (base, others): (BTreeMap<_, _>, BTreeMap<_, _>) =
        members.into_iter().partition(|(member, _)| needed.contains(&member.as_str()));
    if read(&written(&base)).is_err() {
        return Err(whole);
    }
    let (mut kept, mut lost) = (base.clone(), Vec::new());
    for (member, value) in others {
        let mut alone = base.clone();
        alone.insert(member.clone(), value);
        if read(&written(&alone)).is_ok() {
            kept.insert(member, value);
        } else {
            lost.push(member);
        }
    }
    match read(&written(&kept)) {
        Ok(value) => Ok(Tolerated { value, lost }),
        Err(_) => Err(whole),
    }
}

/// Returns the row with one member replaced by `null`, to find which fields depend on that member.
///
/// Returns the row unchanged when it is not a JSON object.
pub fn with_null(row: &str, member: &str) -> String {
    match serde_json::from_str::<BTreeMap<String, &RawValue>>(row) {
        Ok(mut members) => {
            members.insert(member.to_owned(), RawValue::NULL);
            written(&members)
        }
        Err(_) => row.to_owned(),
    }
}

/// Returns the id of an otherwise unreadable row: a member that is a text or a whole number.
pub fn id_of(row: &str, member: &str) -> Option<String> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_str(row).ok()?;
    let text = members.get(member)?.get();
    let id = if text.starts_with('"') { serde_json::from_str(text).ok()? } else { text.to_owned() };
    let is_id =
        text.starts_with('"') || (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
    (is_id && !id.is_empty()).then_some(id)
}

/// Serialises the members as an object. Names and raw JSON always serialise.
fn written(members: &BTreeMap<String, &RawValue>) -> String {
    serde_json::to_string(members).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{id_of, tolerant};

    #[derive(Debug, Default, PartialEq, serde::Deserialize)]
    #[serde(default)]
    struct Person {
        id: Option<u64>,
        name: Option<String>,
        tags: Option<Vec<String>>,
        busy: Option<bool>,
    }

    fn read(row: &str) -> Result<Person, String> {
        let person: Person = serde_json::from_str(row).map_err(|error| error.to_string())?;
        if person.id.is_none() { Err("no id".into()) } else { Ok(person) }
    }

    #[test]
    fn a_bad_member_costs_that_member_alone() {
        let row = r#"{"id":1,"name":"Ada","tags":[null],"busy":"yes","unknown":{}}"#;
        let person = tolerant(row, &["id"], read).unwrap();
        assert_eq!(person.lost, ["busy", "tags"]);
        assert_eq!(
            person.value,
            Person { id: Some(1), name: Some("Ada".into()), ..Person::default() }
        );
    }

    #[test]
    fn a_row_without_a_needed_member_is_lost() {
        for row in [r#"{"id":"x","name":"Ada"}"#, r#"{"name":1}"#, "null", "7", "[]", r#""x""#] {
            assert!(tolerant(row, &["id"], read).is_err(), "{row}");
        }
    }

    #[test]
    fn the_id_of_a_bad_row_is_reported_where_it_is_one() {
        assert_eq!(
            id_of(r#"{"id":9007199254740993,"name":1}"#, "id").as_deref(),
            Some("9007199254740993")
        );
        assert_eq!(id_of(r#"{"id":"a/b"}"#, "id").as_deref(), Some("a/b"));
        for row in [r#"{"id":null}"#, r#"{"id":{}}"#, r#"{"id":1.5}"#, r#"{"id":""}"#, "null", "{}"]
        {
            assert_eq!(id_of(row, "id"), None, "{row}");
        }
    }

    #[test]
    fn a_row_is_found_again_by_its_span() {
        let body = br#" [ {"id":1}, {"id": 2} ]"#;
        let rows = super::split(body).unwrap();
        assert_eq!(rows.len(), 2);
        for row in rows {
            let start = row.span.offset as usize;
            assert_eq!(&body[start..start + row.span.length as usize], row.text.as_bytes());
        }
    }

    #[test]
    fn each_element_is_read_in_one_pass_or_by_its_text_and_is_found_again_by_its_span() {
        let body = " [ {\"id\":1} ,\n{\"id\": \"é\"},7 , [ ] ]\r\n";
        let mut seen = Vec::new();
        super::each(body.as_bytes(), |element| {
            let id = element.read::<Person>().ok().and_then(|person| person.id);
            let span = {
                element.text().unwrap();
                element.span()
            };
            let start = span.offset as usize;
            seen.push((id, &body[start..start + span.length as usize]));
        })
        .unwrap();
        let expected =
            [(Some(1), "{\"id\":1}"), (None, "{\"id\": \"é\"}"), (None, "7"), (None, "[ ]")];
        assert_eq!(seen, expected);
    }

    #[test]
    fn each_takes_the_bodies_that_are_arrays_and_no_others() {
        for body in [
            "[]",
            " [ ] ",
            "[1]",
            "[1,2]",
            "[{}]",
            "[\"\"]",
            "",
            " ",
            "[",
            "]",
            "[,]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1]]",
            "[1],",
            "[1",
            "[{]",
            "[{\"a\":1]",
            "{}",
            "{\"message\":\"x\"}",
            "<html>",
            "[\u{a0}1]",
            "[1]\u{feff}",
            "[nul]",
            "[1.]",
            "[01]",
            "[\"]",
        ] {
            let mut elements = 0;
            let walked = super::each(body.as_bytes(), |_| elements += 1);
            match super::split(body.as_bytes()) {
                Ok(split) => assert_eq!((walked.is_ok(), elements), (true, split.len()), "{body}"),
                Err(error) => {
                    assert_eq!(walked.unwrap_err().to_string(), error.to_string(), "{body}");
                }
            }
        }
        assert!(super::each(b"[\"\xff\"]", |_| {}).is_err());
    }

    #[test]
    fn a_body_that_is_not_an_array_is_refused() {
        assert!(super::split(b"{\"message\":\"x\"}").is_err());
        assert!(super::split(b"<html>").is_err());
    }
}
