//! Parses a manifest, and names the place of a fault by the path of the member.
//!
//! `describe` returns JSON that a program made, so a line of it leads its author nowhere. The path
//! is in the words of every other refusal: `kinds[candidates].fields[1]`, with the name of an
//! element where it has one. Left out: a text that is no JSON at all has a line and a column, since
//! it has no members.

use atsync_model::manifest::Manifest;
use serde::de::Deserializer;
use serde_json::Value;
use serde_path_to_error::{Error, Path, Segment};

/// The longest name of an element that a path shows.
const SHOWN_CHARS_MAX: usize = 64;

/// Parses the text of a manifest; `value` is the same text, for the names in a path.
///
/// # Errors
/// The place and what is wrong there.
pub(super) fn text(value: &Value, text: &str) -> Result<Manifest, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let manifest = members(value, &mut json)?;
    json.end().map_err(|error| error.to_string())?;
    Ok(manifest)
}

/// Reads the members of a manifest.
///
/// # Errors
/// The place and what is wrong there.
pub(super) fn members<'de, D>(value: &Value, json: D) -> Result<Manifest, String>
where
    D: Deserializer<'de, Error = serde_json::Error>,
{
    serde_path_to_error::deserialize(json).map_err(|error| fault(value, &error))
}

fn fault(value: &Value, error: &Error<serde_json::Error>) -> String {
    let text = error.inner().to_string();
    if error.inner().is_syntax() || error.inner().is_eof() {
        return text;
    }
    let text = text.rfind(" at line ").and_then(|at| text.get(..at)).unwrap_or(&text);
    match place(value, error.path()) {
        place if place.is_empty() => text.to_owned(),
        place => format!("{place}: {text}"),
    }
}

/// The path, with the names of the elements on it.
fn place(value: &Value, path: &Path) -> String {
    let mut place = String::new();
    let mut here = Some(value);
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                here = here.and_then(|value| value.get(index));
                let name = here.and_then(name);
                place.push_str(&format!("[{}]", name.unwrap_or(index.to_string())));
            }
            Segment::Map { key } | Segment::Enum { variant: key } => {
                here = here.and_then(|value| value.get(key));
                if !place.is_empty() {
                    place.push('.');
                }
                place.push_str(key);
            }
            Segment::Unknown => {}
        }
    }
    place
}

/// What an element calls itself.
fn name(element: &Value) -> Option<String> {
    let of = |member: &str| element.get(member).and_then(Value::as_str);
    let name = of("name").or_else(|| of("id"))?;
    let is_short = !name.is_empty() && name.chars().count() <= SHOWN_CHARS_MAX;
    is_short.then(|| name.to_owned())
}
