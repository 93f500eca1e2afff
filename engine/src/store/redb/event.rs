//! The encoding of an event of the feed.
//!
//! An event that is the first of its record may refer to the observed row instead of repeating it;
//! see [`super::feed`].
//!
//! Left out: reading and writing events; see [`super::feed`] and [`super::about`].

use crate::store::codec::{ValueReader, ValueWriter, damaged};
use crate::store::{Cause, ChangeWhat, Proof, StoreError};

const FORMAT: u8 = 1;
pub(super) const WHAT: &str = "a change event";

/// An event as it is stored: maps as JSON text, empty for none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event<'a> {
    pub(super) at_ms: u64,
    pub(super) kind: &'a str,
    pub(super) id: &'a str,
    pub(super) what: ChangeWhat,
    pub(super) cause: &'a Cause,
    pub(super) before: &'a str,
    pub(super) after: After<'a>,
}

/// Where the fields after the change are.
#[derive(Clone, Copy, Debug)]
pub(super) enum After<'a> {
    /// Here.
    Text(&'a str),
    /// They are the observed row's body.
    ToldByRow,
}

impl Event<'_> {
    /// The value to write.
    pub(super) fn encode(&self) -> Vec<u8> {
        let what = match self.what {
            ChangeWhat::Created => 0,
            ChangeWhat::Updated => 1,
            ChangeWhat::Deleted => 2,
            ChangeWhat::Moved => 3,
            ChangeWhat::Anonymized => 4,
            ChangeWhat::Erased => 5,
            ChangeWhat::Unread => 6,
        };
        // What a cause carries: the intent's number, or the proof's.
        let (cause, carried) = match self.cause {
            Cause::Observed => (0, 0),
            Cause::Applied { intent } => (1, *intent),
            Cause::Swept { proof } => (2, proof_number(*proof)),
            Cause::Hinted { proof } => (3, proof_number(*proof)),
            Cause::Asked => (4, 0),
            Cause::Doubted { proof } => (5, proof_number(*proof)),
        };
        let (told_by_row, after) = match self.after {
            After::Text(text) => (0, text),
            After::ToldByRow => (1, ""),
        };
        let value = ValueWriter::new(
            FORMAT,
            self.before.len().saturating_add(after.len()).saturating_add(64),
        );
        let value =
            value.byte(what).byte(cause).byte(told_by_row).number(self.at_ms).number(carried);
        let value = value.string(self.kind.as_bytes()).string(self.id.as_bytes());
        value.string(self.before.as_bytes()).string(after.as_bytes()).done()
    }
}

/// Reads an event; its cause apart, as it is borrowed by [`Event`].
pub(super) fn decode<T>(
    value: &[u8],
    then: impl FnOnce(Event<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut reader = ValueReader::new(value, FORMAT, WHAT)?;
    let what = match reader.byte()? {
        0 => ChangeWhat::Created,
        1 => ChangeWhat::Updated,
        2 => ChangeWhat::Deleted,
        3 => ChangeWhat::Moved,
        4 => ChangeWhat::Anonymized,
        5 => ChangeWhat::Erased,
        6 => ChangeWhat::Unread,
        _ => return Err(damaged(WHAT)),
    };
    let cause = reader.byte()?;
    let told_by_row = reader.byte()? == 1;
    let at_ms = reader.number()?;
    let carried = reader.number()?;
    let cause = match cause {
        0 => Cause::Observed,
        1 => Cause::Applied { intent: carried },
        2 => Cause::Swept { proof: proof_of(carried)? },
        3 => Cause::Hinted { proof: proof_of(carried)? },
        4 => Cause::Asked,
        5 => Cause::Doubted { proof: proof_of(carried)? },
        _ => return Err(damaged(WHAT)),
    };
    let (kind, id, before, after) =
        (reader.text()?, reader.text()?, reader.text()?, reader.text()?);
    let after = if told_by_row { After::ToldByRow } else { After::Text(after) };
    then(Event { at_ms, kind, id, what, cause: &cause, before, after })
}

fn proof_number(proof: Proof) -> u64 {
    match proof {
        Proof::Fetched => 0,
        Proof::Hook => 1,
        Proof::HookAndFetch => 2,
        Proof::Walk => 3,
    }
}

fn proof_of(number: u64) -> Result<Proof, StoreError> {
    Ok(match number {
        0 => Proof::Fetched,
        1 => Proof::Hook,
        2 => Proof::HookAndFetch,
        3 => Proof::Walk,
        _ => return Err(damaged(WHAT)),
    })
}
