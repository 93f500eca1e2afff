//! What the store keeps of endpoints: notes of the engine, without data of candidates, and secrets
//! in the vault.
//!
//! An erasure does not look into notes, so a change is known here by its serial, kind and id alone.
//!
//! Bounds: [`DEAD_MAX`] changes that were given up for each endpoint, the newest.

use super::endpoint::{ENDPOINTS_MAX, Endpoint};
use super::held::{Brief, Held};
use super::standing::{Failure, Reason, Standing};
use atsync::{Engine, Error, Expected, Note, Secret, Vault};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

const ENDPOINTS: &str = "webhook-endpoints";
const STANDINGS: &str = "webhook-standings";
const DEAD: &str = "webhook-dead";
const LANES: &str = "webhook-lanes";
/// The name that the vault has their secrets under. No connection's name ends with a blank.
const VAULT: &str = "webhook-endpoints ";
/// Changes that were given up, as they are kept.
const DEAD_MAX: usize = 200;
/// Lanes that are removed at a time.
const LANES_AT_ONCE: usize = 500;

/// A change that was given up.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(in crate::serve) struct DeadLetter {
    pub(in crate::serve) connection: String,
    pub(in crate::serve) serial: u64,
    pub(in crate::serve) kind: String,
    pub(in crate::serve) id: String,
    /// When the change was.
    pub(in crate::serve) at_ms: u64,
    pub(in crate::serve) given_up_ms: u64,
    pub(in crate::serve) reason: Reason,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::serve) status: Option<u16>,
}

impl DeadLetter {
    pub(super) fn of(connection: &str, brief: &Brief, failure: &Failure, now_ms: u64) -> Self {
        let (kind, id) = brief.records.first().cloned().unwrap_or_default();
        Self {
            connection: connection.to_owned(),
            serial: brief.serial,
            kind,
            id,
            at_ms: brief.at_ms,
            given_up_ms: now_ms,
            reason: failure.reason,
            status: failure.status,
        }
    }
}

/// How far a lane is while it holds changes. Its offset is the consumer's.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LaneNote {
    /// The last change that was read.
    pub(super) read_to: u64,
    pub(super) held: Held,
    /// That of the endpoint at that time; 0 in a note of an earlier version.
    #[serde(default)]
    pub(super) revision: u64,
}

/// The consumer of the feeds that keeps an endpoint's offsets.
pub(super) fn consumer(id: &str) -> String {
    format!("{}{id}", super::known::CONSUMERS)
}

fn value(of: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(of).unwrap_or_default()
}

async fn read<T: DeserializeOwned>(
    engine: &Engine,
    area: &str,
    key: &str,
) -> Result<Option<T>, Error> {
    let stored = engine.note(area, key).await?;
    Ok(stored.and_then(|stored| serde_json::from_slice(&stored).ok()))
}

/// All endpoints with their standings.
///
/// # Errors
/// When the store fails.
pub(super) async fn all(engine: &Engine) -> Result<BTreeMap<String, (Endpoint, Standing)>, Error> {
    let mut found = BTreeMap::new();
    for (id, stored) in engine.notes_page(ENDPOINTS, None, ENDPOINTS_MAX).await? {
        match serde_json::from_slice::<Endpoint>(&stored) {
            Ok(endpoint) => {
                let standing = read(engine, STANDINGS, &id).await?.unwrap_or_default();
                found.insert(id, (endpoint, standing));
            }
            // A later version wrote it.
            Err(error) => tracing::error!(endpoint = id, %error, "its record is unreadable"),
        }
    }
    Ok(found)
}

/// Stores an endpoint in place of what was there.
///
/// # Errors
/// When the store fails, or another change came between.
pub(super) async fn put(
    engine: &Engine,
    id: &str,
    before: Option<&Endpoint>,
    endpoint: &Endpoint,
) -> Result<(), Error> {
    let expected = before.map_or(Expected::Absent, |before| Expected::Value(value(before)));
    let mut notes = vec![Note::put(ENDPOINTS, id, value(endpoint)).only_if(expected)];
    // One that is enabled again has three days again.
    let is_enabled_again = endpoint.enabled && before.is_some_and(|before| !before.enabled);
    if is_enabled_again {
        notes.push(Note::remove(STANDINGS, id));
    }
    engine.put_notes(notes).await
}

/// Removes an endpoint with what is kept of its deliveries.
///
/// # Errors
/// When the store fails.
pub(super) async fn remove(engine: &Engine, vault: &Vault, id: &str) -> Result<(), Error> {
    let of = [ENDPOINTS, STANDINGS, DEAD].map(|area| Note::remove(area, id));
    engine.put_notes(of.to_vec()).await?;
    remove_lanes(engine, id).await?;
    let prefix = format!("{id}/");
    vault.retain(VAULT, |purpose| !purpose.starts_with(&prefix)).await
}

async fn remove_lanes(engine: &Engine, id: &str) -> Result<(), Error> {
    let prefix = lane_key(id, "");
    loop {
        let rows = engine.notes_page(LANES, Some(&prefix), LANES_AT_ONCE).await?;
        let own = rows.iter().map(|(key, _)| key).take_while(|key| key.starts_with(&prefix));
        let gone: Vec<Note> = own.map(|key| Note::remove(LANES, key)).collect();
        if gone.is_empty() {
            return Ok(());
        }
        engine.put_notes(gone).await?;
    }
}

/// Seals the secret of an endpoint.
///
/// # Errors
/// When there is no key, or the store fails.
pub(super) async fn seal(
    vault: &Vault,
    id: &str,
    number: u64,
    secret: &Secret,
) -> Result<(), Error> {
    vault.put(VAULT, &format!("{id}/{number}"), secret).await
}

/// Removes the earlier secrets of an endpoint.
///
/// # Errors
/// When the store fails.
pub(super) async fn keep_secret(vault: &Vault, id: &str, number: u64) -> Result<(), Error> {
    let (prefix, present) = (format!("{id}/"), format!("{id}/{number}"));
    vault.retain(VAULT, |purpose| !purpose.starts_with(&prefix) || purpose == present).await
}

/// Opens the secret of an endpoint.
///
/// # Errors
/// When no known key opens it, or the store fails.
pub(super) async fn secret(vault: &Vault, id: &str, number: u64) -> Result<Option<Secret>, Error> {
    vault.get(VAULT, &format!("{id}/{number}")).await
}

/// Stores the standing of an endpoint.
///
/// # Errors
/// When the store fails.
pub(super) async fn put_standing(
    engine: &Engine,
    id: &str,
    standing: &Standing,
) -> Result<(), Error> {
    engine.put_notes(vec![Note::put(STANDINGS, id, value(standing))]).await
}

/// The changes that were given up, the newest last.
///
/// # Errors
/// When the store fails.
pub(super) async fn dead(engine: &Engine, id: &str) -> Result<Vec<DeadLetter>, Error> {
    Ok(read(engine, DEAD, id).await?.unwrap_or_default())
}

/// Adds a change that was given up.
///
/// # Errors
/// When the store fails.
pub(super) async fn bury(engine: &Engine, id: &str, letter: DeadLetter) -> Result<(), Error> {
    let mut all = dead(engine, id).await?;
    all.push(letter);
    let surplus = all.len().saturating_sub(DEAD_MAX);
    drop(all.drain(..surplus));
    engine.put_notes(vec![Note::put(DEAD, id, value(&all))]).await
}

fn lane_key(id: &str, connection: &str) -> String {
    format!("{id}/{connection}")
}

/// How far a lane was while it held changes.
///
/// # Errors
/// When the store fails.
pub(super) async fn lane(
    engine: &Engine,
    id: &str,
    connection: &str,
) -> Result<Option<LaneNote>, Error> {
    read(engine, LANES, &lane_key(id, connection)).await
}

/// Stores how far a lane is; none when it holds nothing.
///
/// # Errors
/// When the store fails.
pub(super) async fn put_lane(
    engine: &Engine,
    (id, connection): (&str, &str),
    lane: Option<&LaneNote>,
) -> Result<(), Error> {
    let key = lane_key(id, connection);
    let note = match lane {
        Some(lane) => Note::put(LANES, &key, value(lane)),
        None => Note::remove(LANES, &key),
    };
    engine.put_notes(vec![note]).await
}
