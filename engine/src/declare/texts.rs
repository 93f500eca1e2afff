//! Checks every text of a desired record: not too long, and without control characters. Pure.
//!
//! The record is walked as JSON, so a member that is added to the model is covered before any code
//! names it. Tabs and line breaks are white space and pass. Other control characters, such as NUL,
//! come from broken exports, and an ATS drops, refuses or stores them as it likes.
//!
//! Bounds: [`limits::TEXT_BYTES_MAX`]; [`DEPTH_MAX`] levels, as for what an adapter reads, so that
//! a wrapped record can be read back. Left out: rules of single members ([`super::check`]).

use super::shape::Place;
use crate::json::DEPTH_MAX;
use atsync_model::desired::limits;
use serde::Serialize;
use serde_json::Value;

/// Checks every text of a record.
///
/// # Errors
/// A sentence that names the place, never the text.
pub(super) fn check(record: &impl Serialize) -> Result<(), String> {
    let record = serde_json::to_value(record)
        .map_err(|error| format!("it cannot be written as JSON: {error}"))?;
    below(&record, &Place::default(), DEPTH_MAX)
}

fn below(value: &Value, place: &Place, levels: usize) -> Result<(), String> {
    let Some(levels) = levels.checked_sub(usize::from(value.is_array() || value.is_object()))
    else {
        return Err(format!("{place} nests deeper than {DEPTH_MAX} levels"));
    };
    match value {
        Value::String(text) => text_fits(text, place),
        Value::Array(list) => list.iter().enumerate().try_for_each(|(index, each)| {
            let key = each.get("key").and_then(Value::as_str);
            below(each, &place.entry(index, key), levels)
        }),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            if name.trim() != name
                || name.is_empty()
                || name.len() > limits::KEY_BYTES_MAX
                || fault(name).is_some()
            {
                return Err(format!(
                    "{place} has a member named {:?}; a name has 1 to {} bytes, no control \
                     characters and no blanks around it",
                    name.chars().take(40).collect::<String>(),
                    limits::KEY_BYTES_MAX
                ));
            }
            below(value, &place.member(name), levels)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn text_fits(text: &str, place: &Place) -> Result<(), String> {
    if text.len() > limits::TEXT_BYTES_MAX {
        return Err(format!(
            "{place} has a text of {} bytes; at most {} are allowed",
            text.len(),
            limits::TEXT_BYTES_MAX
        ));
    }
    match fault(text) {
        Some(odd) => Err(format!(
            "{place} has the control character U+{:04X}; only tabs and line breaks are allowed",
            u32::from(odd)
        )),
        None => Ok(()),
    }
}

/// Finds the first control character that is no white space.
fn fault(text: &str) -> Option<char> {
    text.chars().find(|char| char.is_control() && !char.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use atsync_model::desired::Desired;

    /// Returns records with one odd text each, by the place of the text.
    fn with(text: &str) -> Vec<(&'static str, String)> {
        let text = serde_json::to_string(text).unwrap();
        [
            ("`title`", r#""title":TEXT"#),
            ("`company`", r#""company":TEXT"#),
            ("`name.first`", r#""name":{"first":TEXT}"#),
            ("entry 1 of `phones`", r#""phones":[TEXT]"#),
            ("`value` in entry 1 of `links`", r#""links":[{"value":TEXT}]"#),
            ("`notes[n].body`", r#""notes":[{"key":"n","body":TEXT}]"#),
            ("`custom_fields.f`", r#""custom_fields":{"f":TEXT}"#),
            ("entry 1 of `custom_fields.f`", r#""custom_fields":{"f":[TEXT]}"#),
            ("`applications[a].job`", r#""applications":[{"key":"a","job":TEXT}]"#),
            ("`applications[a].job.name`", r#""applications":[{"key":"a","job":{"name":TEXT}}]"#),
            (
                "`applications[a].attachments[f].url`",
                r#""applications":[{"key":"a","job":"J","attachments":[{"key":"f","filename":"f","type":"other","url":TEXT}]}]"#,
            ),
        ]
        .map(|(place, members)| (place, format!(r#"{{"key":"k",{}}}"#,
            members.replace("TEXT", &text))))
        .to_vec()
    }

    #[test]
    fn no_text_at_any_place_is_too_long_or_has_a_control_character() {
        for odd in ["a\u{0}b", "a\u{7}b", "a\u{1b}b", "a\u{7f}b", "a\u{90}b", &"x".repeat(65_537)] {
            for (place, record) in with(odd) {
                let refusal = check(&Desired::from_json(&record).unwrap()).unwrap_err();
                assert!(refusal.contains(place), "{place}: {refusal}");
                assert!(refusal.len() < 300, "{refusal}");
            }
        }
        for plain in ["a\tb", "a\r\nb", "Zo\u{eb}", "\u{1f600}", "a\u{b}b", &"x".repeat(65_536)] {
            // Links and URLs have a narrower format of their own.
            let has_format = |place: &str| place.contains("links") || place.contains("url");
            for (place, record) in with(plain).into_iter().filter(|(place, _)| !has_format(place)) {
                assert_eq!(
                    check(&Desired::from_json(&record).unwrap()),
                    Ok(()),
                    "{place} {plain:?}"
                );
            }
        }
    }

    #[test]
    fn the_name_of_a_member_is_held_to_the_rules_of_keys() {
        for name in ["", " ", " x", "a\\u0000b", &"x".repeat(201)] {
            let record = format!(r#"{{"key":"k","custom_fields":{{"{name}":1}}}}"#);
            let refusal = check(&Desired::from_json(&record).unwrap()).unwrap_err();
            assert!(refusal.starts_with("`custom_fields` has a member named"), "{refusal}");
        }
    }
}
