//! Erasures: the rows that are removed, and the hashes that recognise an erased candidate without
//! stored data. Pure; both stores use it.
//!
//! The circle of a candidate is the candidate, every record that names the candidate or one of its
//! applications, every raw record that names a raw record of the circle, the desired records that
//! are linked to it, and the earlier ids of any of these. A store finds it by looking up each new
//! member of it, until none is left; or by reading all rows until nothing is added.
//!
//! A keyed hash (HMAC-SHA-256 with a salt of the store) of each key, id and address stays. A holder
//! of the file can test a guess, so the hash blocks re-import; it does not hide the candidate from
//! the holder of the file.
//!
//! Left out: free text. A note on another candidate that mentions the person by name is not found.

use crate::index;
use atsync_model::normal;
use atsync_model::raw::{self, REFERENCES};
use atsync_model::resource::{self, PERSON, Resource};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// The kind under which keys of desired records are hashed. No adapter has it: it begins as shared
/// paths do.
const KEYS: &str = "~keys";
/// The kind under which addresses are hashed.
const ADDRESSES: &str = "~addresses";
/// The block of SHA-256, which HMAC pads its key to.
const BLOCK_BYTES: usize = 64;

/// A keyed hash, in hexadecimal: it becomes part of a key.
pub(crate) type Hash = String;

/// Makes the hashes of one store.
#[derive(Clone, Debug)]
pub(crate) struct Hasher {
    inner: [u8; BLOCK_BYTES],
    outer: [u8; BLOCK_BYTES],
}

impl Hasher {
    /// With this salt.
    pub(crate) fn new(salt: &str) -> Self {
        let key = Sha256::digest(salt.as_bytes());
        let padded = |pad: u8| {
            let mut block = [pad; BLOCK_BYTES];
            block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
            block
        };
        Self { inner: padded(0x36), outer: padded(0x5c) }
    }

    fn hash(&self, connection: &str, kind: &str, text: &str) -> Hash {
        let mut hash = Sha256::new();
        hash.update(self.inner);
        for part in [connection, kind, text] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let inner = hash.finalize();
        let outer = Sha256::new().chain_update(self.outer).chain_update(inner).finalize();
        outer.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The hash of a remote record.
    pub(crate) fn record(&self, connection: &str, kind: &str, id: &str) -> Hash {
        self.hash(connection, kind, id)
    }

    /// The hash of a desired record's key.
    pub(crate) fn key(&self, connection: &str, key: &str) -> Hash {
        self.hash(connection, KEYS, key)
    }

    /// The hash of an e-mail address.
    pub(crate) fn address(&self, connection: &str, address: &str) -> Hash {
        self.hash(connection, ADDRESSES, &normal::email(address))
    }

    /// The hashes that an ingested record is looked up by: its own first, then those of the records
    /// that it names, then of its addresses.
    pub(crate) fn of_record(
        &self,
        connection: &str,
        kind: &str,
        id: &str,
        body: &str,
    ) -> Vec<Hash> {
        let mut hashes = vec![self.record(connection, kind, id)];
        for (kind, id) in named(body) {
            hashes.push(self.record(connection, &kind, &id));
        }
        hashes
            .extend(addresses(kind, body).iter().map(|address| self.address(connection, address)));
        hashes
    }

    /// The hashes that a declaration is looked up by.
    pub(crate) fn of_desired(&self, connection: &str, key: &str, body: &str) -> Vec<Hash> {
        let mut hashes = vec![self.key(connection, key)];
        let names = Names::of(body);
        hashes.extend(names.addresses.iter().map(|address| self.address(connection, address)));
        hashes.extend(names.id.map(|id| self.record(connection, PERSON, &id)));
        hashes
    }

    /// The hashes of the keys, ids and addresses of a request.
    pub(crate) fn of_erasure(&self, connection: &str, erasure: &super::Erasure) -> Vec<Hash> {
        let keys = erasure.keys.iter().map(|key| self.key(connection, key));
        let ids = erasure.candidates.iter().map(|id| self.record(connection, PERSON, id));
        let addresses = erasure.addresses.iter().map(|address| self.address(connection, address));
        keys.chain(ids).chain(addresses).collect()
    }
}

/// The blocked records of a page, by id: their own hash and the erasure. Another record of the page
/// may name a blocked one, in any order. `held` returns the erasure of a hash that is stored.
pub(crate) fn away_of(
    connection: &str,
    page: &super::PageCommit,
    hasher: &Hasher,
    held: impl Fn(&Hash) -> Option<u64>,
) -> BTreeMap<String, (Hash, u64)> {
    let hashes = |record: &super::ObservedWrite| {
        hasher.of_record(connection, &page.kind, &record.id, &record.body)
    };
    let all: Vec<(&str, Vec<Hash>)> =
        page.records.iter().map(|record| (record.id.as_str(), hashes(record))).collect();
    let mut away: BTreeMap<String, (Hash, u64)> = BTreeMap::new();
    loop {
        let before = away.len();
        for (id, hashes) in &all {
            let learned = |hash: &Hash| {
                away.values().find(|(own, _)| own == hash).map(|(_, erasure)| *erasure)
            };
            let erasure = hashes.iter().find_map(&held);
            let erasure = erasure.or_else(|| hashes.iter().find_map(learned));
            if let (Some(erasure), Some(own)) = (erasure, hashes.first()) {
                away.entry((*id).to_owned()).or_insert((own.clone(), erasure));
            }
        }
        if away.len() == before {
            return away;
        }
    }
}

/// The records that a body names and whose owner it belongs to: the candidate, the records of a
/// candidate, and raw records, which may be a candidate's. Kind and id of each.
pub(crate) fn named(body: &str) -> Vec<(Cow<'static, str>, String)> {
    // A search for the words is ten times cheaper than reading the record, and most records have
    // none of them.
    let members: Vec<&Resource> =
        resource::of_people().filter(|of| index::has_member(body, of.member)).collect();
    let refers = index::has_member(body, REFERENCES);
    if members.is_empty() && !refers {
        return Vec::new();
    }
    let Ok(body) = serde_json::from_str::<Value>(body) else { return Vec::new() };
    let id = |member: &str| body.get(member)?.get("id")?.as_str().map(str::to_owned);
    let mut found: Vec<(Cow<'static, str>, String)> =
        members.into_iter().filter_map(|of| Some((of.kind.into(), id(of.member)?))).collect();
    for (kind, id) in raw::references_of(&body) {
        let kind = match resource::of_people().find(|of| of.kind == kind) {
            Some(of) => Cow::Borrowed(of.kind),
            None if raw::is_raw(kind) => Cow::Owned(kind.to_owned()),
            None => continue,
        };
        found.push((kind, id.to_owned()));
    }
    found
}

/// The e-mail addresses of an observed body, normalised. Only a candidate's identify a person.
pub(crate) fn addresses(kind: &str, body: &str) -> Vec<String> {
    if kind != PERSON {
        return Vec::new();
    }
    let terms = index::terms(kind, body).into_iter();
    terms.filter(|(name, _)| *name == index::EMAIL).map(|(_, term)| term).collect()
}

/// What a desired body is recognised by.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The candidate that it names by id.
    pub(crate) id: Option<String>,
    /// Its e-mail addresses, normalised.
    pub(crate) addresses: Vec<String>,
}

impl Names {
    /// Reads the names of a desired body, and skips its other members.
    pub(crate) fn of(body: &str) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Members {
            id: Option<Value>,
            emails: Option<Value>,
        }
        // A list would be read as the members in their order.
        let is_object = body.trim_start().starts_with('{');
        let members = match serde_json::from_str(body) {
            _ if !is_object => Members::default(),
            Ok(members) => members,
            // A member comes twice, and its last value counts.
            Err(_) => match serde_json::from_str::<Value>(body) {
                Ok(mut body) => Members {
                    id: body.get_mut("id").map(Value::take),
                    emails: body.get_mut("emails").map(Value::take),
                },
                Err(_) => Members::default(),
            },
        };
        let value = |entry: &Value| {
            entry.as_str().or_else(|| entry.get("value")?.as_str()).map(normal::email)
        };
        let emails = members.emails.as_ref().and_then(Value::as_array);
        Self {
            id: members.id.as_ref().and_then(Value::as_str).map(str::to_owned),
            addresses: emails.into_iter().flatten().filter_map(value).collect(),
        }
    }
}

/// Everything about one candidate that was found so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Circle {
    records: BTreeMap<String, BTreeSet<String>>,
    keys: BTreeSet<String>,
    pub(crate) addresses: BTreeSet<String>,
    /// The members that were added and not yet returned by [`Circle::take_new`].
    new: Vec<Member>,
}

/// A member of a circle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    /// A remote record, by kind and id.
    Record(String, String),
    /// The key of a desired record.
    Key(String),
}

impl Circle {
    /// The keys, ids and addresses of the request.
    pub(crate) fn of(erasure: &super::Erasure) -> Self {
        let mut circle = Self::default();
        circle.addresses.extend(erasure.addresses.iter().map(|address| normal::email(address)));
        for key in &erasure.keys {
            circle.add_key(key);
        }
        for id in &erasure.candidates {
            circle.add(PERSON, id);
        }
        circle
    }

    /// The next member that was not looked up yet: each is returned once.
    pub(crate) fn take_new(&mut self) -> Option<Member> {
        self.new.pop()
    }

    /// Whether a desired record's key belongs to it.
    pub(crate) fn has_key(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    /// The keys of its desired records.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(String::as_str)
    }

    /// Whether a record belongs to it.
    pub(crate) fn has(&self, kind: &str, id: &str) -> bool {
        self.records.get(kind).is_some_and(|ids| ids.contains(id))
    }

    /// Its remote records.
    pub(crate) fn records(&self) -> impl Iterator<Item = (&str, &str)> {
        self.records
            .iter()
            .flat_map(|(kind, ids)| ids.iter().map(move |id| (kind.as_str(), id.as_str())))
    }

    /// Adds a record. True when it is new.
    pub(crate) fn add(&mut self, kind: &str, id: &str) -> bool {
        let is_new = self.records.entry(kind.to_owned()).or_default().insert(id.to_owned());
        if is_new {
            self.new.push(Member::Record(kind.to_owned(), id.to_owned()));
        }
        is_new
    }

    /// Adds a desired record's key. True when it is new.
    pub(crate) fn add_key(&mut self, key: &str) -> bool {
        let is_new = self.keys.insert(key.to_owned());
        if is_new {
            self.new.push(Member::Key(key.to_owned()));
        }
        is_new
    }

    /// Adds a record to the circle if it names a record of the circle. True when the circle grew.
    pub(crate) fn meet(&mut self, kind: &str, id: &str, bodies: &[&str]) -> bool {
        let belongs = self.has(kind, id);
        if !belongs
            && !bodies.iter().any(|body| named(body).iter().any(|(kind, id)| self.has(kind, id)))
        {
            return false;
        }
        bodies.iter().for_each(|body| self.addresses.extend(addresses(kind, body)));
        !belongs && self.add(kind, id)
    }

    /// Adds a desired record to the circle if it names a candidate of the circle by id. True when
    /// the circle grew.
    pub(crate) fn meet_desired(&mut self, key: &str, body: &str) -> bool {
        let Some(id) = Names::of(body).id else { return false };
        match (self.keys.contains(key), self.has(PERSON, &id)) {
            (true, false) => self.add(PERSON, &id),
            (false, true) => self.add_key(key),
            _ => false,
        }
    }

    /// Adds the other id of a moved record. True when the circle grew.
    pub(crate) fn moved(&mut self, kind: &str, from: &str, to: &str) -> bool {
        match (self.has(kind, from), self.has(kind, to)) {
            (true, false) => self.add(kind, to),
            (false, true) => self.add(kind, from),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Circle, Hasher, Member, Names};
    use crate::store::Erasure;

    fn of(candidate: &str) -> Circle {
        Circle::of(&Erasure { candidates: [candidate.to_owned()].into(), ..Erasure::default() })
    }

    #[test]
    fn the_circle_reaches_what_depends_on_an_application_and_nobody_else() {
        let mut circle = of("7");
        assert!(circle.meet("applications", "1", &[r#"{"candidate":{"id":"7"}}"#]));
        assert!(circle.meet("attachments", "5", &[r#"{"application":{"id":"1"}}"#]));
        assert!(!circle.meet("applications", "2", &[r#"{"candidate":{"id":"8"}}"#]));
        assert!(!circle.meet("candidates", "8", &[r#"{"emails":[{"value":"a@x.com"}]}"#]));
        assert!(circle.addresses.is_empty(), "a stranger's address is not taken along");
        assert!(!circle.meet("candidates", "7", &[r#"{"emails":[{"value":" A@x.com"}]}"#]));
        assert_eq!(circle.addresses.iter().collect::<Vec<_>>(), ["a@x.com"]);
        assert!(circle.moved("candidates", "6", "7") && circle.has("candidates", "6"));
    }

    #[test]
    fn the_circle_reaches_a_raw_record_through_another_one() {
        let to = |kind: &str, id: &str| {
            format!(r#"{{"references":[{{"member":"x_id","kind":"{kind}","id":"{id}"}}]}}"#)
        };
        let mut circle = of("7");
        assert!(!circle.meet("raw_marks", "4", &[&to("raw_cards", "3")]));
        assert!(circle.meet("raw_cards", "3", &[&to("candidates", "7")]));
        assert!(circle.meet("raw_marks", "4", &[&to("raw_cards", "3")]));
        assert!(!circle.meet("raw_marks", "5", &[&to("raw_cards", "9")]));
        assert!(!circle.meet("raw_marks", "6", &[&to("jobs", "3")]));
        assert!(!circle.meet("jobs", "3", &["{}"]), "what it names does not belong to it");
        for odd in [r#"{"references":7}"#, r#"{"references":[{"kind":"raw_cards","id":3}]}"#] {
            assert!(!circle.meet("raw_marks", "8", &[odd]), "{odd}");
        }
    }

    #[test]
    fn each_member_is_looked_up_once() {
        let mut circle = of("7");
        circle.add_key("a");
        let members: Vec<_> = std::iter::from_fn(|| circle.take_new()).collect();
        assert_eq!(
            members,
            [Member::Key("a".to_owned()), Member::Record("candidates".to_owned(), "7".to_owned())]
        );
        circle.add("candidates", "7");
        circle.meet_desired("a", r#"{"id":"7"}"#);
        assert_eq!(circle.take_new(), None);
    }

    #[test]
    fn a_hash_depends_on_the_salt_the_connection_and_the_kind() {
        let hash = |salt: &str, connection: &str, kind: &str| {
            Hasher::new(salt).record(connection, kind, "7")
        };
        let one = hash("s", "acme", "candidates");
        assert_eq!(one, hash("s", "acme", "candidates"));
        for other in [
            hash("t", "acme", "candidates"),
            hash("s", "acm", "ecandidates"),
            hash("s", "acme", "notes"),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn addresses_are_found_in_both_forms_of_an_entry() {
        let body = r#"{"key":"a","emails":["A@x.com ",{"value":"b@x.com","type":"work"}]}"#;
        assert_eq!(Names::of(body).addresses, ["a@x.com", "b@x.com"]);
    }

    #[test]
    fn a_desired_body_of_any_shape_says_whom_it_names() {
        let id = |body: &str| Names::of(body).id;
        assert_eq!(id(r#" {"job":{"id":"9"},"id":"7"}"#).as_deref(), Some("7"));
        assert_eq!(id(r#"{"id":"6","id":"7","emails":[]}"#).as_deref(), Some("7"));
        for body in [r#"{"job":{"id":"9"}}"#, r#"{"id":7}"#, r#"["7",["a@x.com"]]"#, "7", ""] {
            assert_eq!(id(body), None, "{body}");
            assert!(Names::of(body).addresses.is_empty(), "{body}");
        }
    }
}
