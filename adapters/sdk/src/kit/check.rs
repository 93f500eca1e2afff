//! Checks one part of an adapter's data while it is compiled.
//!
//! Each check is called by the builder's function that takes the part, with the author as its
//! caller, so the compiler points at the author's call, and the text begins with its line. The
//! parts are checked against each other in [`super::check_all`].

#![allow(
    clippy::indexing_slicing,
    reason = "constant functions have no iterators, and a wrong index is a compile error"
)]

use super::List;
use super::text::{Text, before, begins, find, is_made_of, is_one_of};
use crate::model::input::{ADDED, INPUTS};
use crate::model::manifest::FieldMode;
use crate::model::shape::{Fields, KINDS};

pub(crate) use super::text::is_same;

const LOWER: (u8, u8) = (b'a', b'z');
const DIGIT: (u8, u8) = (b'0', b'9');
const UPPER: (u8, u8) = (b'A', b'Z');

/// The most bytes of a name.
const NAME_BYTES_MAX: usize = 512;

#[track_caller]
pub(crate) const fn is_adapter(name: &str, version: &str) {
    if name.is_empty() || name.len() > 64 || !is_made_of(name, &[LOWER, DIGIT, (b'-', b'-')]) {
        Text::here()
            .and("name: `")
            .and(name)
            .and("` is none: it has 1 to 64 lower-case letters, digits and -")
            .refuse();
    }
    if !is_version(version) {
        Text::here()
            .and("version: `")
            .and(version)
            .and("` is none: write it as 1.2.3, or env!(\"CARGO_PKG_VERSION\")")
            .refuse();
    }
}

/// Whether a text has the form of a semantic version.
const fn is_version(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (mut index, mut parts, mut digits) = (0, 0, 0);
    while index < bytes.len() && parts < 3 {
        let byte = bytes[index];
        if byte.is_ascii_digit() {
            digits += 1;
        } else if digits > 0 && byte == b'.' && parts < 2 {
            parts += 1;
            digits = 0;
        } else if digits > 0 && parts == 2 && (byte == b'-' || byte == b'+') {
            break;
        } else {
            return false;
        }
        index += 1;
    }
    parts == 2 && digits > 0 && bytes.len() <= 64
}

#[track_caller]
pub(crate) const fn is_name(member: &str, name: &str) {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        Text::here().and(member).and(": a name is empty or longer than 512 bytes").refuse();
    }
}

#[track_caller]
pub(crate) const fn is_url(origin: &str, url: &str) {
    let place = Text::here().and("origins[").and(origin).and("].url: `").and(url);
    if !begins(url, "https://") || url.len() <= 8 {
        place.and("` must begin with https:// and have a host").refuse();
    }
    if !url.is_ascii() {
        place.and("` has letters beyond ASCII; write the host as xn--…").refuse();
    }
    if find(url, b'?') < url.len() || find(url, b'#') < url.len() || find(url, b'@') < url.len() {
        place.and("` may have scheme, host, port and base path, and nothing else").refuse();
    }
}

#[track_caller]
pub(crate) const fn is_rate(name: &str, limit: u32, window_ms: u64) {
    if limit == 0 || window_ms == 0 {
        Text::here()
            .and("rates[")
            .and(name)
            .and("]: the limit and the window must be at least 1")
            .refuse();
    }
    if window_ms > YEAR_MS {
        Text::here().and("rates[").and(name).and("].window_ms: it is more than a year").refuse();
    }
}

/// A longer time is a wrong unit.
pub(crate) const YEAR_MS: u64 = 366 * 24 * 60 * 60 * 1000;

#[track_caller]
pub(crate) const fn is_header(name: &str) {
    if name.is_empty() || !is_made_of(name, &[LOWER, DIGIT, (b'-', b'-'), (b'_', b'_')]) {
        Text::here().and("`").and(name).and("` is no header in lower case").refuse();
    }
}

/// The fields of a unified kind.
const fn fields_of(kind: &str) -> Option<Fields> {
    let mut index = 0;
    while index < KINDS.len() {
        if is_same(KINDS[index].0, kind) {
            return Some(KINDS[index].2);
        }
        index += 1;
    }
    None
}

const fn has_field(fields: Fields, name: &str) -> bool {
    let mut index = 0;
    while index < fields.len() {
        if is_same(fields[index].0, name) {
            return true;
        }
        index += 1;
    }
    false
}

/// The members of an operation's input.
const fn members_of(operation: &str) -> Option<&'static [&'static str]> {
    let mut index = 0;
    while index < INPUTS.len() {
        if is_same(INPUTS[index].0, operation) {
            return Some(INPUTS[index].1);
        }
        index += 1;
    }
    None
}

#[track_caller]
pub(crate) const fn is_unified(kind: &str) {
    if fields_of(kind).is_none() {
        let mut text = Text::here()
            .and("kinds: `")
            .and(kind)
            .and("` is no kind of the unified model. One of your own is `Kind::own`; there are: ");
        let mut index = 0;
        while index < KINDS.len() {
            text = text.and(if index > 0 { ", " } else { "" }).and(KINDS[index].0);
            index += 1;
        }
        text.refuse();
    }
}

#[track_caller]
pub(crate) const fn is_kind(kind: &str) {
    if kind.is_empty()
        || kind.len() > NAME_BYTES_MAX
        || !is_made_of(kind, &[LOWER, DIGIT, (b'_', b'_')])
    {
        Text::here()
            .and("kinds: `")
            .and(kind)
            .and("` is no kind: it is a plural word of lower-case letters, digits and _")
            .refuse();
    }
}

/// The name of a raw kind begins with `raw_`.
#[track_caller]
pub(crate) const fn is_raw(kind: &str) {
    if !super::text::begins(kind, "raw_") || kind.len() == "raw_".len() {
        Text::here()
            .and("kinds: `")
            .and(kind)
            .and("` is no raw kind: its name begins with raw_")
            .refuse();
    }
}

#[track_caller]
pub(crate) const fn are_fields(kind: &str, fields: &[&str]) {
    let Some(known) = fields_of(kind) else { return };
    let mut index = 0;
    while index < fields.len() {
        if !has_field(known, fields[index]) {
            let mut text = Text::here()
                .and("kinds[")
                .and(kind)
                .and("].fields: `")
                .and(fields[index])
                .and("` is no field of ")
                .and(kind)
                .and(" in the unified model. One of your own goes into `.extra(…)`; there are: ");
            let mut other = 0;
            while other < known.len() {
                text = text.and(if other > 0 { ", " } else { "" }).and(known[other].0);
                other += 1;
            }
            text.refuse();
        }
        index += 1;
    }
    are_different("kinds", kind, "fields", fields);
}

/// Refuses a list that has a word twice.
#[track_caller]
pub(crate) const fn are_different(list: &str, name: &str, member: &str, words: &[&str]) {
    let mut index = 0;
    while index < words.len() {
        let (earlier, _) = words.split_at(index);
        if is_one_of(words[index], earlier) {
            Text::here()
                .and(list)
                .and("[")
                .and(name)
                .and("].")
                .and(member)
                .and(": `")
                .and(words[index])
                .and("` occurs twice")
                .refuse();
        }
        index += 1;
    }
}

#[track_caller]
pub(crate) const fn are_known(
    kind: &str,
    member: &str,
    words: &[&str],
    fields: &[&str],
    extra: &[&str],
) {
    let mut index = 0;
    while index < words.len() {
        if !is_one_of(words[index], fields) && !is_one_of(words[index], extra) {
            Text::here()
                .and("kinds[")
                .and(kind)
                .and("].")
                .and(member)
                .and(": `")
                .and(words[index])
                .and("` is none of its fields; list it in `.fields(…)` before, or take it out")
                .refuse();
        }
        index += 1;
    }
    are_different("kinds", kind, member, words);
}

/// Adds a list of a kind.
#[track_caller]
pub(crate) const fn added<const N: usize>(
    mut lists: [Option<List>; N],
    list: List,
) -> [Option<List>; N] {
    let mut index = 0;
    while index < N {
        if lists[index].is_none() {
            lists[index] = Some(list);
            return lists;
        }
        index += 1;
    }
    Text::here().and("a kind has at most 4 lists").refuse();
}

#[track_caller]
pub(crate) const fn is_operation(name: &str) {
    if members_of(name).is_none() {
        let mut text = Text::here().and("operations: the engine plans no `").and(name);
        text = text.and("` (wit/operations.md); there are: ");
        let mut index = 0;
        while index < INPUTS.len() {
            text = text.and(if index > 0 { ", " } else { "" }).and(INPUTS[index].0);
            index += 1;
        }
        text.refuse();
    }
}

#[track_caller]
pub(crate) const fn are_members(operation: &str, members: &[(&str, FieldMode)]) {
    let Some(known) = members_of(operation) else { return };
    let mut index = 0;
    while index < members.len() {
        let (member, _) = members[index];
        let place = Text::here().and("operations[").and(operation).and("].members: `").and(member);
        if !is_one_of(member, known) && !is_one_of(member, ADDED) {
            place
                .and("` is no member of its input (wit/operations.md); there are: ")
                .all(known)
                .refuse();
        }
        let mut earlier = 0;
        while earlier < index {
            if is_same(members[earlier].0, member) {
                place.and("` occurs twice").refuse();
            }
            earlier += 1;
        }
        index += 1;
    }
}

#[track_caller]
pub(crate) const fn are_required(
    operation: &str,
    required: &[&str],
    members: &[(&str, FieldMode)],
) {
    let mut index = 0;
    while index < required.len() {
        let top = before(required[index], find(required[index], b'.'));
        let mut member = 0;
        while member < members.len() && !is_same(members[member].0, top) {
            member += 1;
        }
        if member == members.len() {
            Text::here()
                .and("operations[")
                .and(operation)
                .and("].required: `")
                .and(required[index])
                .and("` is none of its members; list it in `.members(…)` before, or take it out")
                .refuse();
        }
        index += 1;
    }
}

#[track_caller]
pub(crate) const fn are_refusals(operation: &str, statuses: &[u16]) {
    let mut index = 0;
    while index < statuses.len() {
        if statuses[index] < 400 || statuses[index] > 499 {
            Text::here()
                .and("operations[")
                .and(operation)
                .and("].refused: ")
                .number(statuses[index] as u32)
                .and(" is none of 400 to 499; only those prove that nothing was changed")
                .refuse();
        }
        index += 1;
    }
}

#[track_caller]
pub(crate) const fn is_permission(id: &str) {
    is_name("permissions", id);
    if !is_made_of(id, &[(b'!', b'~')]) {
        Text::here()
            .and("permissions: `")
            .and(id)
            .and("` is no id: it has visible ASCII characters and no blanks")
            .refuse();
    }
}

#[track_caller]
pub(crate) const fn are_paths(member: &str, paths: &[&str]) {
    let mut index = 0;
    while index < paths.len() {
        is_path(member, paths[index]);
        index += 1;
    }
}

#[track_caller]
pub(crate) const fn is_path(member: &str, path: &str) {
    if !is_good_path(path) {
        Text::here()
            .and(member)
            .and(": `")
            .and(path)
            .and("` is no path: it begins with one /, and has no // and no query")
            .refuse();
    }
}

pub(crate) const fn is_good_path(path: &str) -> bool {
    let bytes = path.as_bytes();
    let mut index = 1;
    while index < bytes.len() {
        if bytes[index] == b'/' && bytes[index - 1] == b'/' {
            return false;
        }
        index += 1;
    }
    begins(path, "/")
        && path.len() <= NAME_BYTES_MAX
        && is_made_of(
            path,
            &[
                LOWER,
                UPPER,
                DIGIT,
                (b'-', b'/'),
                (b'_', b'_'),
                (b'~', b'~'),
                (b'{', b'}'),
                (b'%', b'%'),
                (b'*', b'*'),
                (b':', b':'),
            ],
        )
}
