//! Pages: keyset pagination over a key that changes when a user moves a candidate.
//!
//! The token of the next page is a JSON array of the last row's key, percent-encoded once already:
//! `[stage rank, lastAdvancedAt, "id"]` for opportunities. A client that encodes it again is
//! understood, since clients differ. The page starts after that key, as the rows stand then: one
//! that moved to an earlier rank meanwhile is skipped, one that moved to a later rank comes twice.

use atsync_sandbox::Answer;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

use crate::query::Query;
use crate::refusal::Refusal;

/// What `encodeURIComponent` leaves.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The longest token that is read.
const TOKEN_CHARS_MAX: usize = 1_024;

/// The place of a row in its list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) rank: i64,
    /// Ascending; the negative of a time that falls.
    pub(crate) order: i64,
    pub(crate) id: String,
}

impl Key {
    fn token(&self, falls: bool) -> String {
        let at_ms = if falls { self.order.saturating_neg() } else { self.order };
        let array = json!([self.rank, at_ms, self.id]).to_string();
        utf8_percent_encode(&array, COMPONENT).to_string()
    }

    fn read(token: &str, falls: bool) -> Option<Self> {
        if token.len() > TOKEN_CHARS_MAX {
            return None;
        }
        let once = percent_decode_str(token).decode_utf8().ok()?;
        let array: Value =
            serde_json::from_str(token).or_else(|_| serde_json::from_str(&once)).ok()?;
        let [rank, at_ms, id] = array.as_array()?.as_slice() else { return None };
        let at_ms = at_ms.as_i64()?;
        let order = if falls { at_ms.saturating_neg() } else { at_ms };
        Some(Self { rank: rank.as_i64()?, order, id: id.as_str()?.to_owned() })
    }
}

/// The rows of a list, not yet in order.
pub(crate) struct Rows<T> {
    pub(crate) rows: Vec<(Key, T)>,
    /// Whether the second part of the key falls.
    pub(crate) falls: bool,
}

/// Answers one page of a list.
pub(crate) fn answer<T>(
    query: &Query,
    list: Rows<T>,
    show: impl Fn(&T) -> Value,
) -> Result<Answer, Refusal> {
    let limit = query.limit()?;
    let Rows { mut rows, falls } = list;
    if let Some(token) = query.one("offset")? {
        let after = Key::read(token, falls);
        let after = after.ok_or_else(|| Refusal::bad("\"offset\" is not valid"))?;
        rows.retain(|(key, _)| *key > after);
    }
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    let has_next = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_next).map(|(key, _)| key.token(falls));
    let data: Vec<Value> = rows.iter().map(|(_, row)| show(row)).collect();
    let mut body = json!({"data": data, "hasNext": has_next});
    if let (Some(next), Some(map)) = (next, body.as_object_mut()) {
        map.insert("next".to_owned(), next.into());
    }
    Ok(Answer::value(200, &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_plain_or_encoded_once_more() {
        let key = Key { rank: 3, order: -1_491_435_120_000, id: "5599-c".to_owned() };
        let token = key.token(true);
        assert_eq!(token, "%5B3%2C1491435120000%2C%225599-c%22%5D");
        let decoded = percent_decode_str(&token).decode_utf8().expect("text");
        assert_eq!(Key::read(&decoded, true), Some(key.clone()));
        assert_eq!(Key::read(&token, true), Some(key));
        assert_eq!(Key::read("[1]", true), None);
        assert_eq!(Key::read("nonsense", true), None);
    }
}
