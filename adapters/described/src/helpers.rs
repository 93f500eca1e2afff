//! The helpers of expressions: filters for what mappings do all the time.
//!
//! Each is a function over [`Json`], called by a straight expression directly and by minijinja
//! through a conversion, so both agree. A helper yields nothing where it is given nothing. Its
//! errors never quote a value.

use crate::json::Json;
use crate::time;
use atsync_model::normal;
use minijinja::{Error, ErrorKind};
use std::borrow::Cow;

/// A helper: the value before `|`, and the arguments.
pub(crate) type Helper = for<'a> fn(&Json<'a>, &[Json<'a>]) -> Result<Json<'a>, String>;

/// Entries of a list that a helper makes.
const ENTRIES_MAX: usize = 10_000;

/// Every helper by its name. `README.md` documents each; a test compares.
pub(crate) const ALL: &[(&str, Helper)] = &[
    ("base", base),
    ("compact", compact),
    ("date", date),
    ("digits", digits),
    ("first", first),
    ("from_base64", from_base64),
    ("from_ms", from_ms),
    ("from_s", from_s),
    ("join", join),
    ("last", last),
    ("lookup", lookup),
    ("lower", lower),
    ("merge", merge),
    ("only", only),
    ("pluck", pluck),
    ("retype", retype),
    ("same", same),
    ("text", text),
    ("time", time_of),
    ("to_ms", to_ms),
    ("to_s", to_s),
    ("trim", trim),
    ("unquote", unquote),
    ("upper", upper),
    ("values", values),
    ("where", matching),
    ("without", without),
];

/// A helper's own error, as minijinja carries it.
pub(crate) fn own(text: String) -> Error {
    Error::new(ErrorKind::BadEscape, text)
}

/// Whether an error is a helper's own. No other part of an expression escapes anything.
pub(crate) fn is_own(error: &Error) -> bool {
    error.kind() == ErrorKind::BadEscape
}

type Made<'a> = Result<Json<'a>, String>;

fn wrong<'a>(value: &Json<'_>, expected: &str) -> Made<'a> {
    Err(format!("{} where {expected} is expected", value.shape()))
}

fn list<'v, 'a>(value: &'v Json<'a>) -> Result<&'v [Json<'a>], String> {
    match value {
        Json::List(entries) => Ok(entries),
        Json::Absent | Json::Null => Ok(&[]),
        other => Err(format!("{} where a list is expected", other.shape())),
    }
}

/// The same text, changed; nothing stays nothing.
fn changed<'a>(value: &Json<'a>, change: impl FnOnce(&str) -> String) -> Made<'a> {
    match value {
        Json::Absent | Json::Null => Ok(value.clone()),
        other => match other.scalar() {
            Some(text) => Ok(Json::text(change(&text))),
            None => wrong(other, "a text"),
        },
    }
}

/// The last segment of a path or URL, without its query.
fn base<'a>(value: &Json<'a>, _: &[Json<'a>]) -> Made<'a> {
    changed(value, |text| {
        let path = text.split(['?', '#']).next().unwrap_or_default();
        path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()
    })
}

/// A list without its empty entries.
fn compact<'a>(value: &Json<'a>, _: &[Json<'a>]) -> Made<'a> {
    Ok(Json::List(list(value)?.iter().filter(|entry| !entry.is_empty()).cloned().collect()))
}

/// The day of a time, as the text shows it.
fn date<'a>(value: &Json<'a>, _: &[Json<'a>]) -> Made<'a> {
    match value {
        Json::Absent | Json::Null => Ok(value.clone()),
        Json::Text(text) => match normal::part_date(text.get(..10).unwrap_or(text)) {
            Some(day) => Ok(Json::text(day)),
            None => Err("a text that is no date".to_owned()),
        },
        other => wrong(other, "a date"),
    }
}

/// Only the digits of a text.
fn digits<'a>(value: &Json<'a>, _: &[Json<'a>]) -> Made<'a> {
    changed(value, |text| text.chars().filter(char::is_ascii_digit).collect())
}

/// The first entry of a list.
fn first<'a>(value: &Json<'a>, _: &[Json<'a>]) -> Made<'a> {
    Ok(list(value)?.first().cloned().unwrap_or_default())
}

/// The last entry of a list.
fn last<'a>(value: &Json<'a>, _: &[Json<'a>]) -> Made<'a> {
    Ok(list(value)?.last().cloned().unwrap_or_default())
}

fn instant<'a>(value: &Json<'a>, factor: i64) -> Made<'a> {
    let ms = match value {
        Json::Absent | Json::Null => return Ok(value.clone()),
        Json::Int(number) => number.checked_mul(factor),
        // Seconds with a fraction.
        Json::Float(number) => {
            let ms = number * if factor == 1 { 1.0 } else { 1000.0 };
            #[allow(
                clippy::cast_possible_truncation,
                reason = "the range is checked, and time::from_ms checks it again"
            )]
            (ms.abs() < 1e15).then_some(ms as i64)
        }
        Json::Text(text) => {
            text.trim().parse::<i64>().ok().and_then(|number| number.checked_mul(factor))
        }
        other => return wrong(other, "a number"),
    };
    match ms.and_then(time::from_ms) {
        Some(text) => Ok(Json::text(text)),
        None => Err("a number that is no time".to_owned()),
    }
}

/// Milliseconds since 1970 as a time.
pub(crate) fn from_ms<'a>(value: &Json<'a>, _: &[Json<'a>]) -> Made<'a> {
    instant(value, 1)
}

/// Seconds since 1970 as a time.
pub(crate) fn from_s<'a>(value: &Json<'a>, _: &[Json<'a>]) -> Made<'a> {
    instant(value, 1000)
}

/// A time in any of its forms, as RFC 3339 in UTC.
fn time_of<'a>(value: &Json<'a>, _: &[Json<'a>]) -> Made<'a> {
    match value {
        Json::Text(text) => match time::to_ms(text).and_then(time::from_ms) {
            Some(text) => Ok(Json::text(text)),
            None => Err("a text that is no time".to_owned()),
        },
        Json::Int(_) | Json::Float(_) => {
            Err("a number where a time is expected; say `from_ms` or `from_s`".to_owned())
        }
        Json::Absent | Json::Null => Ok(value.clone()),
        other => wrong(other, "a time"),
    }
}

fn number_of<'a>(value: &Json<'a>, divisor: i64) -> Made<'a> {
    match value {
        Json::Absent | Json::Null => Ok(value.clone()),
        Json::Text(text) => match time::to_ms(text) {
            Some(ms) => Ok(Json::Int(ms.div_euclid(divisor))),
            None => Err("a text that is no time".to_owned()),
        },
        other => wrong(other, "a time"),
    }
}

/// A time as milliseconds since 1970.
fn to_ms<'a>(value: &Json<'a>, _: &[Json<'a>]) -> Made<'a> {
    number_of(value, 1)
}

/// A time as seconds since 1970.
fn to_s<'a>(value: &Json<'a>, _: &[Json<'a>]) -> Made<'a> {
    number_of(value, 1000)
}

/// The entries of a list that are not empty, with a text between them; nothing if there is none.
fn join<'a>(value: &Json<'a>, arguments: &[Json<'a>]) -> Made<'a> {
    let between = arguments.first().and_then(Json::as_text).unwrap_or_default();
    let mut joined = String::new();
    for entry in list(value)?.iter().filter(|entry| !entry.is_empty()) {
        let Some(text) = entry.scalar() else { return wrong(entry, "a text") };
        if !joined.is_empty() {
            joined.push_str(between);
        }
        joined.push_str(&text);
    }
    Ok(if joined.is_empty() { Json::Null } else { Json::text(joined) })
}

/// What a table has under a text; the second argument, or nothing, where it has none.
fn lookup<'a>(value: &Json<'a>, arguments: &[Json<'a>]) -> Made<'a> {
    let table = arguments.first().unwrap_or(&Json::Absent);
    if let Json::Map(_) = value {
        // The table stands in the brackets, the text before the `|`.
        return wrong(value, "a text");
    }
    if !matches!(table, Json::Map(_) | Json::Absent | Json::Null) {
        return wrong(table, "an object");
    }
    let found = value.scalar().map(|name| table.get(&name).clone());
    Ok(match found {
        Some(Json::Absent) | None if value.is_empty() => value.clone(),
        Some(Json::Absent) | None => arguments.get(1).cloned().unwrap_or_default(),
        Some(found) => found,
    })
}

fn lower<'a>(value: &Json<'a>, _: &[Json<'a>]) -> Made<'a> {
    changed(value, str::to_lowercase)
}

fn upper<'a>(value: &Json<'a>, _: &[Json<'a>]) -> Made<'a> {
    changed(value, str::to_uppercase)
}

fn trim<'a>(value: &Json<'a>, _: &[Json<'a>]) -> Made<'a> {
    changed(value, |text| text.trim().to_owned())
}

/// A number, or a flag, as text.
fn text<'a>(value: &Json<'a>, _: &[Json<'a>]) -> Made<'a> {
    changed(value, str::to_owned)
}

/// The text that a text encodes by Base64, of either alphabet, with padding or without.
fn from_base64<'a>(value: &Json<'a>, _: &[Json<'a>]) -> Made<'a> {
    let Json::Text(text) = value else { return changed(value, str::to_owned) };
    let mut bytes = Vec::with_capacity(text.len());
    let (mut bits, mut held) = (0_u32, 0_u32);
    for symbol in text.trim_end_matches('=').bytes() {
        let six = match symbol {
            b'A'..=b'Z' => symbol.wrapping_sub(b'A'),
            b'a'..=b'z' => symbol.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => symbol.wrapping_sub(b'0').wrapping_add(52),
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return Err("a text that is no Base64".to_owned()),
        };
        bits = (bits << 6) | u32::from(six);
        held = held.wrapping_add(6);
        if held >= 8 {
            held = held.wrapping_sub(8);
            bytes.extend(u8::try_from((bits >> held) & 0xff));
        }
        bits &= 0xffff;
    }
    String::from_utf8(bytes).map(Json::text).map_err(|_| "Base64 of no text".to_owned())
}

/// A text with its percent-encoding undone.
fn unquote<'a>(value: &Json<'a>, _: &[Json<'a>]) -> Made<'a> {
    let Json::Text(text) = value else { return changed(value, str::to_owned) };
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        match pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes)
        .map(Json::text)
        .map_err(|_| "a text whose percent-encoding is no UTF-8".to_owned())
}

/// One member of each entry of a list.
fn pluck<'a>(value: &Json<'a>, arguments: &[Json<'a>]) -> Made<'a> {
    let name = arguments.first().and_then(Json::as_text).unwrap_or_default();
    let members = list(value)?.iter().map(|entry| entry.get(name));
    Ok(Json::List(members.filter(|member| !matches!(member, Json::Absent)).cloned().collect()))
}

/// The entries of a list whose member (a dotted path) is a value.
fn matching<'a>(value: &Json<'a>, arguments: &[Json<'a>]) -> Made<'a> {
    let name = arguments.first().and_then(Json::as_text).unwrap_or_default();
    let wanted = arguments.get(1).unwrap_or(&Json::Absent);
    let is_it = |entry: &&Json<'a>| {
        let member = name.split('.').fold(*entry, |value, part| value.get(part));
        member == wanted || (member.scalar().is_some() && member.scalar() == wanted.scalar())
    };
    Ok(Json::List(list(value)?.iter().filter(is_it).cloned().collect()))
}

/// The texts of a list of texts or contacts.
fn values<'a>(value: &Json<'a>, _: &[Json<'a>]) -> Made<'a> {
    let texts = list(value)?.iter().filter_map(|entry| contact(entry).map(Json::Text));
    Ok(Json::List(texts.collect()))
}

/// The text of a contact: itself, or its `value`.
fn contact<'a>(entry: &Json<'a>) -> Option<Cow<'a, str>> {
    match entry {
        Json::Map(_) => entry.get("value").scalar(),
        other => other.scalar(),
    }
    .filter(|text| !text.trim().is_empty())
}

/// A list of contacts whose types are words of the ATS:
/// `phones | retype({'mobile': 'cell'}, other)`. A type that the table lacks becomes the
/// second argument, or stays away where there is none.
fn retype<'a>(value: &Json<'a>, arguments: &[Json<'a>]) -> Made<'a> {
    let table = arguments.first().unwrap_or(&Json::Absent);
    let other = arguments.get(1).unwrap_or(&Json::Absent);
    let one = |entry: &Json<'a>| {
        let text = contact(entry)?;
        let word = entry.get("type").as_text().map(|word| table.get(word));
        let word = word.filter(|word| !word.is_empty()).unwrap_or(other);
        let mut members = vec![(Cow::Borrowed("value"), Json::Text(text))];
        if !word.is_empty() {
            members.push((Cow::Borrowed("type"), word.clone()));
        }
        Some(Json::Map(members))
    };
    Ok(Json::List(list(value)?.iter().filter_map(one).collect()))
}

/// A form by which values are equal: `email`, `phone`, `link`, `text` or `name`.
fn form(arguments: &[Json<'_>], at: usize) -> Result<fn(&str) -> String, String> {
    match arguments.get(at).and_then(Json::as_text) {
        Some("email" | "emails") => Ok(normal::email),
        Some("phone" | "phones") => Ok(normal::phone),
        Some("link" | "links") => Ok(normal::link),
        Some("text") | None => Ok(normal::text),
        Some("name") => Ok(normal::name),
        Some(_) => Err("a form that is none of email, phone, link, text and name".to_owned()),
    }
}

/// Whether a value is the same as another one, or as an entry of a list, in a form.
fn same<'a>(value: &Json<'a>, arguments: &[Json<'a>]) -> Made<'a> {
    let form = form(arguments, 1)?;
    let other = arguments.first().unwrap_or(&Json::Absent);
    let forms = |value: &Json<'a>| -> Vec<String> {
        match value {
            Json::List(entries) => {
                entries.iter().filter_map(contact).map(|text| form(&text)).collect()
            }
            one => contact(one).map(|text| form(&text)).into_iter().collect(),
        }
    };
    let (one, other) = (forms(value), forms(other));
    let both_empty = one.is_empty() && other.is_empty();
    Ok(Json::Bool(both_empty || one.iter().any(|text| other.contains(text))))
}

/// The entries of a list that another list has too, in a form.
fn only<'a>(value: &Json<'a>, arguments: &[Json<'a>]) -> Made<'a> {
    kept(value, arguments, true)
}

/// The entries of a list that another list does not have, in a form.
fn without<'a>(value: &Json<'a>, arguments: &[Json<'a>]) -> Made<'a> {
    kept(value, arguments, false)
}

fn kept<'a>(value: &Json<'a>, arguments: &[Json<'a>], has: bool) -> Made<'a> {
    let form = form(arguments, 1)?;
    let others: Vec<String> = list(arguments.first().unwrap_or(&Json::Absent))?
        .iter()
        .filter_map(contact)
        .map(|text| form(&text))
        .collect();
    let is_kept =
        |entry: &&Json<'a>| contact(entry).is_some_and(|text| others.contains(&form(&text))) == has;
    Ok(Json::List(list(value)?.iter().filter(is_kept).cloned().collect()))
}

/// A list as it should become: `current | merge(add, remove, form)`. Everybody else's entries stay
/// as they are and in their order; an entry that is in both `add` and `remove` is replaced in its
/// place; what is there already is not added again.
fn merge<'a>(value: &Json<'a>, arguments: &[Json<'a>]) -> Made<'a> {
    let form = form(arguments, 2)?;
    let of = |at: usize| list(arguments.get(at).unwrap_or(&Json::Absent));
    let forms = |entries: &[Json<'a>]| -> Vec<Option<String>> {
        entries.iter().map(|entry| contact(entry).map(|text| form(&text))).collect()
    };
    let (add, remove) = (of(0)?, forms(of(1)?));
    let added = forms(add);
    let mut merged = Vec::new();
    let mut placed = vec![false; add.len()];
    for entry in list(value)? {
        let text = contact(entry).map(|text| form(&text));
        let at = added.iter().position(|other| text.is_some() && *other == text);
        let is_removed = text.is_some() && remove.contains(&text);
        if let Some(flag) = at.and_then(|at| placed.get_mut(at)) {
            let was_placed = std::mem::replace(flag, true);
            if is_removed {
                if !was_placed {
                    merged.extend(at.and_then(|at| add.get(at)).cloned());
                }
                continue;
            }
        } else if is_removed {
            continue;
        }
        merged.push(entry.clone());
    }
    for (entry, placed) in add.iter().zip(placed) {
        if !placed {
            merged.push(entry.clone());
        }
    }
    if merged.len() > ENTRIES_MAX {
        return Err(format!("a list of more than {ENTRIES_MAX} entries"));
    }
    Ok(Json::List(merged))
}
