//! Takes personal data out of a recording, so that it can be kept and passed on.
//!
//! Everything is replaced but what is known to be harmless: times, flags, small numbers, the words
//! of enumerations, names of members, static parts of paths. The same value has the same substitute
//! everywhere, in bodies, paths, queries and links, so that the recording replays; a substitute has
//! the length and the kinds of letters of its value, and no two values share one. E-mail addresses
//! become addresses of `example.com`. The key that the substitutes come from is thrown away.
//!
//! [`redacted`] checks its own result and refuses when a value of the session is left in it. What
//! it cannot see: personal data that was put into the *names* of members.

use crate::recording::Exchange;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

/// The origin of links in a redacted recording. `.invalid` is reserved (RFC 2606).
const ORIGIN: &str = "https://ats.invalid";
/// Headers of an answer that an adapter may read; the others are left out.
const HEADERS: &[&str] = &["content-type", "link", "location", "retry-after"];
/// Members whose values are words of enumerations, if they look like it.
const WORDS: &[&str] = &[
    "status",
    "state",
    "type",
    "kind",
    "role",
    "visibility",
    "outcome",
    "currency",
    "applies_to",
    "order",
    "event",
    "action",
    "object",
    "method",
];
/// Digits of a number that is kept where it is no id.
const DIGITS_SMALL: usize = 4;
/// How often another substitute is tried for a value whose first one is taken.
const TRIES: u32 = 64;

/// Replaces personal data.
///
/// # Errors
/// A sentence, when a value is left in the result: then nothing may be written.
pub fn redacted(exchanges: &[Exchange], key: &str) -> Result<Vec<Exchange>, String> {
    let mut session = Session::new(key);
    let result: Vec<Exchange> =
        exchanges.iter().map(|exchange| session.exchange(exchange)).collect();
    let mut left = Vec::new();
    for exchange in &result {
        left.push(exchange.target.clone());
        left.extend(exchange.headers.iter().map(|(_, value)| value.clone()));
        for body in exchange.sent.iter().chain([&exchange.body]) {
            match serde_json::from_str::<Value>(body) {
                Ok(value) => texts(&value, &mut left),
                Err(_) => left.push(body.clone()),
            }
        }
    }
    let text = left.join("\n");
    for original in &session.personal {
        if text.contains(original.as_str()) {
            return Err(format!(
                "a value of {} letters could not be taken out of the recording, so nothing was \
                 written; report it with the shape of the answer",
                original.chars().count()
            ));
        }
    }
    Ok(result)
}

/// All texts of a document, without the names of members.
fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts(value, into)),
        Value::Object(members) => members.values().for_each(|value| texts(value, into)),
        _ => {}
    }
}

struct Session {
    key: String,
    known: BTreeMap<String, String>,
    taken: BTreeSet<String>,
    /// Values that must not be left.
    personal: BTreeSet<String>,
}

/// Whether a text is a time or a day.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize, to: usize| {
        bytes.get(from..to).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let is_day = bytes.len() >= 10
        && digits(0, 4)
        && digits(5, 7)
        && digits(8, 10)
        && bytes.get(4) == Some(&b'-')
        && bytes.get(7) == Some(&b'-');
    let rest = text.get(10..).unwrap_or_default();
    is_day && rest.chars().all(|letter| letter.is_ascii_digit() || "T:.Z+- ".contains(letter))
}

/// Whether a text looks like a word of a program.
fn is_word(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        && text.bytes().any(|byte| byte.is_ascii_lowercase())
        && !text.bytes().any(|byte| byte.is_ascii_digit())
}

fn is_id(member: &str) -> bool {
    let member = member.to_ascii_lowercase();
    member == "id"
        || member.ends_with("_id")
        || member.ends_with("_ids")
        || member == "ids"
        || member.ends_with("uuid")
}

fn is_enumeration(member: &str) -> bool {
    let member = member.to_ascii_lowercase();
    WORDS.iter().any(|word| member == *word || member.ends_with(&format!("_{word}")))
}

impl Session {
    fn new(key: &str) -> Self {
        let (known, taken, personal) = Default::default();
        Self { key: key.to_owned(), known, taken, personal }
    }

    fn exchange(&mut self, exchange: &Exchange) -> Exchange {
        let body = match serde_json::from_str::<Value>(&exchange.body) {
            Ok(value) => self.value("", &value).to_string(),
            Err(_) if exchange.body.is_empty() => String::new(),
            Err(_) => self.text(&exchange.body),
        };
        let sent = exchange.sent.as_ref().map(|sent| match serde_json::from_str::<Value>(sent) {
            Ok(value) => self.value("", &value).to_string(),
            Err(_) => self.query(sent),
        });
        let headers = exchange
            .headers
            .iter()
            .filter(|(name, _)| HEADERS.contains(&name.as_str()))
            .map(|(name, value)| {
                let value = match name.as_str() {
                    "link" => self.links(value),
                    "location" => self.target(value),
                    _ => value.clone(),
                };
                (name.clone(), value)
            })
            .collect();
        Exchange {
            method: exchange.method.clone(),
            target: self.target(&exchange.target),
            sent,
            status: exchange.status,
            headers,
            body,
        }
    }

    fn value(&mut self, member: &str, value: &Value) -> Value {
        match value {
            Value::Null | Value::Bool(_) => value.clone(),
            Value::Number(number) => {
                let text = number.to_string();
                if is_id(member) || text.len() > DIGITS_SMALL {
                    self.number(&text).unwrap_or_else(|| value.clone())
                } else {
                    value.clone()
                }
            }
            Value::String(text) => Value::String(self.string(member, text)),
            Value::Array(values) => {
                values.iter().map(|value| self.value(member, value)).collect::<Vec<_>>().into()
            }
            Value::Object(members) => {
                let replaced: Map<String, Value> = members
                    .iter()
                    .map(|(name, value)| (name.clone(), self.value(name, value)))
                    .collect();
                replaced.into()
            }
        }
    }

    fn string(&mut self, member: &str, text: &str) -> String {
        let is_birth = member.contains("birth");
        if text.is_empty() || (is_time(text) && !is_birth) {
            return text.to_owned();
        }
        if is_enumeration(member) && is_word(text) {
            return text.to_owned();
        }
        if text.starts_with("http://") || text.starts_with("https://") {
            return self.target(text);
        }
        self.text(text)
    }

    /// A number with other digits.
    fn number(&mut self, text: &str) -> Option<Value> {
        serde_json::from_str(&self.text(text)).ok()
    }

    /// A link header: the URLs between `<` and `>`.
    fn links(&mut self, value: &str) -> String {
        let mut result = String::new();
        let mut rest = value;
        while let Some((before, after)) = rest.split_once('<') {
            let Some((url, tail)) = after.split_once('>') else { break };
            result.push_str(before);
            result.push('<');
            result.push_str(&self.target(url));
            result.push('>');
            rest = tail;
        }
        result.push_str(rest);
        result
    }

    /// A path with its query, or a URL.
    fn target(&mut self, target: &str) -> String {
        let (origin, rest) = match Url::parse(target) {
            Ok(url) => {
                let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
                (ORIGIN, format!("{}{query}", url.path()))
            }
            Err(_) => ("", target.to_owned()),
        };
        let (path, query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest.as_str(), None),
        };
        let is_static = |segment: &str| {
            segment.is_empty()
                || is_word(segment)
                || (segment.len() < 4 && segment.starts_with('v'))
        };
        let segments: Vec<String> = path
            .split('/')
            .map(|segment| match is_static(segment) {
                true => segment.to_owned(),
                false => self.text(segment),
            })
            .collect();
        let query = query.map(|query| format!("?{}", self.query(query))).unwrap_or_default();
        format!("{origin}{}{query}", segments.join("/"))
    }

    /// A query or a form.
    fn query(&mut self, query: &str) -> String {
        let pair = |pair: &str| match pair.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (pair.to_owned(), None),
        };
        let pairs: Vec<(String, Option<String>)> = query.split('&').map(pair).collect();
        let mut parts = Vec::new();
        for (name, value) in pairs {
            let Some(value) = value else {
                parts.push(name);
                continue;
            };
            let plain = percent_encoding::percent_decode_str(&value).decode_utf8_lossy();
            let is_number = plain.bytes().all(|byte| byte.is_ascii_digit());
            let is_small = is_number && plain.len() <= DIGITS_SMALL && !is_id(&name);
            let is_list = plain.split(',').all(is_word);
            if plain.is_empty() || is_small || is_list || is_time(&plain) {
                parts.push(format!("{name}={value}"));
                continue;
            }
            // The ids of a list are replaced one by one, as they are in bodies.
            let replaced: Vec<String> = plain.split(',').map(|one| self.text(one)).collect();
            let replaced = replaced.join(",");
            let encoded = percent_encoding::utf8_percent_encode(&replaced, crate::wire::UNRESERVED);
            parts.push(format!("{name}={encoded}"));
        }
        parts.join("&")
    }

    /// The substitute of a value.
    fn text(&mut self, text: &str) -> String {
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        let mut substitute = String::new();
        for attempt in 0..TRIES {
            substitute = self.made(text, attempt);
            if substitute != text && !self.taken.contains(&substitute) {
                break;
            }
        }
        let _ = self.taken.insert(substitute.clone());
        drop(self.known.insert(text.to_owned(), substitute.clone()));
        // Words of programs have small letters alone, and occur as such elsewhere.
        let is_personal = |letter: char| letter.is_uppercase() || "@ ".contains(letter);
        if text.chars().filter(|letter| letter.is_alphanumeric()).count() > DIGITS_SMALL + 1
            && text.chars().any(|letter| is_personal(letter) || !letter.is_ascii())
        {
            let _ = self.personal.insert(text.to_owned());
        }
        substitute
    }

    /// Letters for letters and digits for digits.
    fn made(&self, text: &str, attempt: u32) -> String {
        let mut stream = Stream::new(&self.key, text, attempt);
        if text.contains('@') && !text.contains(' ') {
            let name: String = (0..8).map(|_| stream.letter(b'a', 26)).collect();
            return format!("{name}@example.com");
        }
        let is_hex =
            text.bytes().filter(u8::is_ascii_alphabetic).all(|byte| byte.is_ascii_hexdigit());
        let range = if is_hex { 6 } else { 26 };
        let mut is_first = true;
        text.chars()
            .map(|letter| {
                let other = match letter {
                    '0'..='9' if is_first => stream.letter(b'1', 9),
                    '0'..='9' => stream.letter(b'0', 10),
                    'A'..='Z' => stream.letter(b'A', range),
                    'a'..='z' => stream.letter(b'a', range),
                    other if other.is_alphabetic() => stream.letter(b'a', 26),
                    other => other,
                };
                is_first = is_first && !letter.is_ascii_digit();
                other
            })
            .collect()
    }
}

/// Letters without end, from a key and a value.
struct Stream {
    seed: Vec<u8>,
    block: Vec<u8>,
    count: u32,
}

impl Stream {
    fn new(key: &str, text: &str, attempt: u32) -> Self {
        let seed = Sha256::digest(format!("{key}\n{attempt}\n{text}")).to_vec();
        Self { seed, block: Vec::new(), count: 0 }
    }

    fn letter(&mut self, first: u8, range: u8) -> char {
        if self.block.is_empty() {
            let mut hasher = Sha256::new();
            hasher.update(&self.seed);
            hasher.update(self.count.to_le_bytes());
            self.block = hasher.finalize().to_vec();
            self.count = self.count.wrapping_add(1);
        }
        let byte = self.block.pop().unwrap_or_default();
        char::from(first.saturating_add(byte.checked_rem(range).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::redacted;
    use crate::recording::Exchange;
    use serde_json::{Value, json};

    fn exchange(target: &str, body: &Value) -> Exchange {
        Exchange {
            method: "GET".into(),
            target: target.into(),
            sent: None,
            status: 200,
            headers: vec![
                (
                    "link".into(),
                    "<https://api.acme.com/v3/people?cursor=QWRhTG92ZQ>; rel=\"next\"".into(),
                ),
                ("set-cookie".into(), "session=AdaLovelace".into()),
            ],
            body: body.to_string(),
        }
    }

    #[test]
    fn no_personal_value_is_left_and_equal_values_stay_equal() {
        let person = json!({
            "id": 20_911_032_002_u64, "first_name": "Augusta", "last_name": "Lovelace",
            "emails": [{ "value": "augusta.lovelace@mail.org", "type": "personal" }],
            "phone": "+44 20 7946 0958", "born": "1815-12-10", "state": "active",
            "employer": { "name": "Analytical Engines Ltd" },
            "note": "Augusta likes Müller's loom",
            "manager_id": 20_911_032_002_u64, "updated_at": "2026-01-01T08:00:00.123Z",
        });
        let session = [
            exchange("/v3/people?per_page=100", &json!([person])),
            exchange(
                "/v3/people/20911032002/notes?email=augusta.lovelace%40mail.org",
                &json!({
                    "owner": "Lovelace", "next": "https://api.acme.com/v3/people?cursor=QWRhTG92ZQ",
                }),
            ),
            exchange("/v3/people?cursor=QWRhTG92ZQ", &json!([])),
        ];
        let result = redacted(&session, "a key").unwrap();
        let text = serde_json::to_string(&result).unwrap();
        for personal in [
            "Augusta",
            "augusta",
            "Lovelace",
            "lovelace",
            "mail.org",
            "7946",
            "Analytical",
            "loom",
            "Müller",
            "20911032002",
            "QWRhTG92ZQ",
            "acme",
            "session",
        ] {
            assert!(!text.contains(personal), "{personal} in {text}");
        }
        let first: Value = serde_json::from_str(&result[0].body).unwrap();
        let (id, manager) = (&first[0]["id"], &first[0]["manager_id"]);
        assert_eq!(id, manager);
        assert_eq!(id.to_string().len(), 11);
        assert!(result[1].target.starts_with(&format!("/v3/people/{id}/notes?email=")));
        let second: Value = serde_json::from_str(&result[1].body).unwrap();
        assert_eq!(first[0]["last_name"], second["owner"]);
        assert_eq!(first[0]["state"], "active");
        assert_eq!(first[0]["updated_at"], "2026-01-01T08:00:00.123Z");
        // The next page is the one that was recorded.
        let next = second["next"].as_str().unwrap();
        assert_eq!(next, format!("https://ats.invalid{}", result[2].target));
        assert!(result[0].headers[0].1.contains(&result[2].target));
        assert_eq!(result[0].target, "/v3/people?per_page=100");
    }

    #[test]
    fn another_key_gives_other_substitutes() {
        let session = [exchange("/people", &json!({ "name": "Augusta" }))];
        assert_ne!(redacted(&session, "one").unwrap(), redacted(&session, "two").unwrap());
        assert_eq!(redacted(&session, "one").unwrap(), redacted(&session, "one").unwrap());
    }
}
