//! Erasures: remove a candidate from every table, and block re-import by hashes.
//!
//! Each member of the candidate's circle, a remote record or the key of a desired one, is looked up
//! once by the indexes: its row, what names it, its links, events and intents. The transaction that
//! reads them then removes them. See [`crate::store::erase`] for the rows that it removes.
//!
//! Bounds: an erasure reads what it removes. Left out: the database's own copies (its log, dead
//! rows until the next vacuum, backups).

use super::observed::{self, TALLY};
use super::page::{Terms, carries};
use super::sql::{count, list, number, signed, text, typed};
use super::tx::Tx;
use super::{desired, digest, feed, journal, links};
use crate::index::EMAIL;
use crate::journal::{Intent, IntentId};
use crate::path;
use crate::store::erase::{self, Circle, Hash, Hasher, Member, Names};
use crate::store::{
    Declaration, Erasure, ErasureReport, PageCommit, StoreError, check, merge, naming,
};
use atsync_model::resource::PERSON;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use tokio_postgres::GenericClient;

/// The erasures of stored hashes.
async fn held(
    sql: &impl GenericClient,
    id: i64,
    hashes: &[Hash],
) -> Result<HashMap<Hash, u64>, StoreError> {
    if hashes.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sql
        .query_typed(
            "SELECT digest, erasure FROM atsync.erased WHERE connection = $1 AND digest = ANY ($2)",
            typed![id => INT8, hashes => TEXT_ARRAY],
        )
        .await?;
    let held = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, number(row, 1)?));
    rows.iter().map(held).collect()
}

/// Whether any candidate of a connection was erased.
async fn is_any(tx: &Tx<'_>) -> Result<bool, StoreError> {
    // Each erasure has a number, and only undoing it removes its hashes.
    if tx.counters.last_erasure == 0 {
        return Ok(false);
    }
    let row = tx
        .sql
        .query_typed_one(
            "SELECT EXISTS (SELECT FROM atsync.erased WHERE connection = $1)",
            typed![tx.id => INT8],
        )
        .await?;
    Ok(row.try_get(0)?)
}

/// The blocked records of a page: their own hash and the erasure, by id.
pub(super) async fn away_of(
    tx: &Tx<'_>,
    page: &PageCommit,
    hasher: &Hasher,
) -> Result<BTreeMap<String, (Hash, u64)>, StoreError> {
    if !is_any(tx).await? {
        return Ok(BTreeMap::new());
    }
    let hashes: Vec<Hash> = page
        .records
        .iter()
        .flat_map(|record| hasher.of_record(&tx.name, &page.kind, &record.id, &record.body))
        .collect();
    let held = held(&tx.sql, tx.id, &hashes).await?;
    Ok(erase::away_of(&tx.name, page, hasher, |hash| held.get(hash).copied()))
}

async fn put_hashes(tx: &Tx<'_>, hashes: &BTreeMap<Hash, u64>) -> Result<(), StoreError> {
    if hashes.is_empty() {
        return Ok(());
    }
    let digests: Vec<&str> = hashes.keys().map(String::as_str).collect();
    let erasures: Vec<i64> = hashes.values().map(|erasure| signed(*erasure)).collect();
    tx.sql
        .execute_typed(
            "INSERT INTO atsync.erased (connection, digest, erasure) \
             SELECT $1, * FROM unnest($2::text[], $3::bigint[]) ON CONFLICT DO NOTHING",
            typed![tx.id => INT8, digests => TEXT_ARRAY, erasures => INT8_ARRAY],
        )
        .await?;
    Ok(())
}

/// Stores the own hashes of blocked records.
pub(super) async fn keep_away(
    tx: &Tx<'_>,
    away: BTreeMap<String, (Hash, u64)>,
) -> Result<(), StoreError> {
    put_hashes(tx, &away.into_values().collect()).await
}

/// The places in a declaration of the records that are blocked. One that is found by another hash
/// than its own is stored with its own from now on.
pub(super) async fn away_of_declared(
    tx: &Tx<'_>,
    records: &[Declaration],
    hasher: &Hasher,
) -> Result<BTreeSet<usize>, StoreError> {
    if !is_any(tx).await? {
        return Ok(BTreeSet::new());
    }
    let hashes: Vec<Vec<Hash>> = records
        .iter()
        .map(|record| hasher.of_desired(&tx.name, &record.key, &record.body))
        .collect();
    let all: Vec<Hash> = hashes.iter().flatten().cloned().collect();
    let mut held = held(&tx.sql, tx.id, &all).await?;
    let (mut away, mut learned) = (BTreeSet::new(), BTreeMap::new());
    for (at, hashes) in hashes.into_iter().enumerate() {
        let Some(erasure) = hashes.iter().find_map(|hash| held.get(hash)).copied() else {
            continue;
        };
        away.insert(at);
        if let Some(own) = hashes.into_iter().next() {
            held.entry(own.clone()).or_insert(erasure);
            learned.entry(own).or_insert(erasure);
        }
    }
    put_hashes(tx, &learned).await?;
    Ok(away)
}

/// The keys of the records that a declaration would not store. Changes nothing.
pub(super) async fn kept_away(
    sql: &impl GenericClient,
    connection: &str,
    records: &[Declaration],
    hasher: &Hasher,
) -> Result<Vec<String>, StoreError> {
    check::declarations(connection, records)?;
    let Some(id) = super::connection::id(sql, connection).await? else { return Ok(Vec::new()) };
    let of = |record: &Declaration| hasher.of_desired(connection, &record.key, &record.body);
    let all: Vec<Hash> = records.iter().flat_map(of).collect();
    let held = held(sql, id, &all).await?;
    let is_away = |record: &&Declaration| of(record).iter().any(|hash| held.contains_key(hash));
    Ok(records.iter().filter(is_away).map(|record| record.key.clone()).collect())
}

/// Removes the hashes of the erasures that a key, id or address was part of.
pub(super) async fn undo(
    tx: &Tx<'_>,
    erasure: &Erasure,
    hasher: &Hasher,
) -> Result<bool, StoreError> {
    check::erasure(&tx.name, erasure)?;
    let hashes = hasher.of_erasure(&tx.name, erasure);
    let erasures: Vec<i64> =
        held(&tx.sql, tx.id, &hashes).await?.into_values().map(signed).collect();
    tx.sql
        .execute_typed(
            "DELETE FROM atsync.erased WHERE connection = $1 AND erasure = ANY ($2)",
            typed![tx.id => INT8, erasures => INT8_ARRAY],
        )
        .await?;
    Ok(!erasures.is_empty())
}

/// Finds everything about a candidate.
struct Walk {
    circle: Circle,
    /// The kinds that have records.
    kinds: Vec<String>,
    /// The events of its records.
    events: BTreeSet<u64>,
    /// The intents of its keys, and those about its records.
    intents: BTreeMap<IntentId, Intent>,
    /// The paths that are linked to its records.
    paths: BTreeSet<String>,
}

impl Walk {
    async fn run(&mut self, tx: &Tx<'_>) -> Result<(), StoreError> {
        while let Some(member) = self.circle.take_new() {
            match member {
                Member::Record(kind, id) => {
                    self.row(tx, &kind, &id).await?;
                    self.events(tx, &kind, &id).await?;
                    self.named_by(tx, &kind, &id).await?;
                    self.linked(tx, &kind, &id).await?;
                    self.desired_by(tx, &kind, &id).await?;
                    for intent in journal::about(tx, &kind, &id).await? {
                        self.intents.insert(intent.id, intent);
                    }
                }
                Member::Key(key) => self.key(tx, &key).await?,
            }
        }
        Ok(())
    }

    /// The addresses of a record.
    async fn row(&mut self, tx: &Tx<'_>, kind: &str, id: &str) -> Result<(), StoreError> {
        for row in observed::stored(&tx.sql, tx.number, kind, [id]).await? {
            if !row.gone {
                self.circle.meet(kind, id, &[&row.body]);
            }
        }
        Ok(())
    }

    /// The events about a record, and those that lead to another record of the circle.
    async fn events(&mut self, tx: &Tx<'_>, kind: &str, id: &str) -> Result<(), StoreError> {
        for (serial, of, about, what, before, after) in feed::naming(tx, kind, id).await? {
            if (of.as_str(), about.as_str()) == (kind, id) {
                self.events.insert(serial);
            }
            self.circle.meet(&of, &about, &[&before, &after]);
            if let Ok(after) = merge::object(&after)
                && let Some(to) = check::moved_to(what, &after)
            {
                self.circle.moved(&of, &about, to);
            }
        }
        Ok(())
    }

    /// The records that name a record of the circle.
    async fn named_by(&mut self, tx: &Tx<'_>, kind: &str, id: &str) -> Result<(), StoreError> {
        let mut digests = Vec::new();
        for of in &self.kinds {
            if let Some((index, term)) = naming::found_by(of, (kind, id)) {
                digests.push(digest::term(of, index, &term));
            }
        }
        if digests.is_empty() {
            return Ok(());
        }
        let rows = tx
            .sql
            .query_typed(
                "SELECT o.kind, o.id, o.body FROM atsync.terms t JOIN atsync.observed o \
             ON o.connection = t.connection AND o.kind = t.kind AND o.id = t.id \
             WHERE t.connection = $1 AND t.digest = ANY ($2) ORDER BY o.kind, o.id",
                typed![tx.number => INT8, digests => BYTEA_ARRAY],
            )
            .await?;
        for row in rows {
            self.circle.meet(&text(&row, 0)?, &text(&row, 1)?, &[&text(&row, 2)?]);
        }
        Ok(())
    }

    /// The paths that are linked to a record, and the desired record that is itself.
    async fn linked(&mut self, tx: &Tx<'_>, kind: &str, id: &str) -> Result<(), StoreError> {
        for link in links::to_now(tx, kind, &[id]).await? {
            if path::key(&link.path) == link.path {
                self.circle.add_key(&link.path);
            }
            self.paths.insert(link.path);
        }
        Ok(())
    }

    /// The desired records that name a candidate by id.
    async fn desired_by(&mut self, tx: &Tx<'_>, kind: &str, id: &str) -> Result<(), StoreError> {
        if kind != PERSON {
            return Ok(());
        }
        for (key, body) in desired::named(tx, &digest::declared_id(id)).await? {
            self.circle.meet_desired(&key, &body);
        }
        Ok(())
    }

    /// The links and intents of a desired record, and what its body names.
    async fn key(&mut self, tx: &Tx<'_>, key: &str) -> Result<(), StoreError> {
        if let Some(row) = desired::held(tx, [key]).await?.remove(key) {
            self.circle.meet_desired(key, &row.body);
            self.circle.addresses.extend(Names::of(&row.body).addresses);
        }
        // No path belongs to a key with a separator, which a request may name.
        if path::key(key) != key {
            return Ok(());
        }
        for link in links::below_now(tx, key).await? {
            self.circle.add(&link.remote.kind, &link.remote.id);
        }
        for intent in journal::below(tx, key).await? {
            for remote in check::remotes_of(&intent) {
                self.circle.add(&remote.kind, &remote.id);
            }
            self.intents.insert(intent.id, intent);
        }
        Ok(())
    }

    /// The addresses that a candidate outside of the circle has too.
    async fn addresses_of_others(&self, tx: &Tx<'_>) -> Result<BTreeSet<String>, StoreError> {
        let mut others = BTreeSet::new();
        for address in &self.circle.addresses {
            if self.is_of_another(tx, address).await? {
                others.insert(address.clone());
            }
        }
        Ok(others)
    }

    async fn is_of_another(&self, tx: &Tx<'_>, address: &str) -> Result<bool, StoreError> {
        for (key, body) in desired::named(tx, &digest::declared_address(address)).await? {
            let has_it = || Names::of(&body).addresses.iter().any(|held| held == address);
            if !self.circle.has_key(&key) && has_it() {
                return Ok(true);
            }
        }
        let rows = tx
            .sql
            .query_typed(
                "SELECT o.id, o.body FROM atsync.terms t JOIN atsync.observed o \
             ON o.connection = t.connection AND o.kind = t.kind AND o.id = t.id \
             WHERE t.connection = $1 AND t.digest = $2 AND t.kind = $3",
                typed![
                    tx.number => INT8, digest::term(PERSON, EMAIL, address) => BYTEA,
                    PERSON.as_bytes() => BYTEA
                ],
            )
            .await?;
        for row in rows {
            let has_it = carries(PERSON, &text(&row, 1)?, EMAIL, address);
            if has_it && !self.circle.has(PERSON, &text(&row, 0)?) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Erases a candidate. See [`crate::store::Erasures::erase`].
pub(super) async fn erase(
    tx: &mut Tx<'_>,
    erasure: &Erasure,
    hasher: &Hasher,
) -> Result<ErasureReport, StoreError> {
    check::erasure(&tx.name, erasure)?;
    let kinds = tx
        .sql
        .query_typed(
            "SELECT word FROM atsync.tallies WHERE connection = $1 AND of = $2 AND rows > 0",
            typed![tx.number => INT8, TALLY => TEXT],
        )
        .await?;
    let kinds = kinds;
    let mut walk = Walk {
        circle: Circle::of(erasure),
        kinds: kinds.iter().map(|row| text(row, 0)).collect::<Result<_, _>>()?,
        events: BTreeSet::new(),
        intents: BTreeMap::new(),
        paths: BTreeSet::new(),
    };
    walk.run(tx).await?;
    let others = walk.addresses_of_others(tx).await?;
    let Walk { circle, events, intents, paths, .. } = walk;
    // The links of its own keys are removed, and counted, with these.
    let paths: Vec<String> =
        paths.into_iter().filter(|path| !circle.has_key(path::key(path))).collect();

    let mut report =
        ErasureReport { addresses_shared: count(others.len()), ..ErasureReport::default() };
    let group = tx.counters.last_erasure.saturating_add(1);
    tx.counters.last_erasure = group;
    report.kept_away = block(tx, &circle, &others, group, hasher).await?;
    report.changes = count(events.len());
    let serials: Vec<i64> = events.into_iter().map(signed).collect();
    feed::empty(tx, &serials).await?;
    for held in intents.values() {
        if let Some(emptied) = check::emptied(held, &circle, group, erasure.now_ms) {
            journal::put(tx, Some(held), &emptied).await?;
            report.intents = report.intents.saturating_add(1);
        }
    }
    report.links = count(paths.len());
    links::end(tx, &paths).await?;
    for key in circle.keys().filter(|key| path::key(key) == *key) {
        let (was, links) = desired::remove(tx, key).await?;
        report.desired = report.desired.saturating_add(u64::from(was));
        report.links = report.links.saturating_add(links);
    }
    let mut told = Vec::new();
    for (kind, id) in circle.records() {
        if remove(tx, kind, id).await? {
            report.observed = report.observed.saturating_add(1);
            told.push(check::erased(kind, id, erasure.now_ms));
        }
    }
    feed::append_all(tx, &told).await?;
    Ok(report)
}

/// Stores the hashes of the circle, but for addresses that others have too. Returns how many.
async fn block(
    tx: &Tx<'_>,
    circle: &Circle,
    others: &BTreeSet<String>,
    group: u64,
    hasher: &Hasher,
) -> Result<u64, StoreError> {
    let name = tx.name.as_str();
    let mut hashes: BTreeSet<Hash> =
        circle.records().map(|(kind, id)| hasher.record(name, kind, id)).collect();
    hashes.extend(circle.keys().map(|key| hasher.key(name, key)));
    let own = circle.addresses.difference(others);
    hashes.extend(own.map(|address| hasher.address(name, address)));
    // A hash of an earlier erasure belongs to this one from now on.
    let digests: Vec<&str> = hashes.iter().map(String::as_str).collect();
    tx.sql
        .execute_typed(
            "INSERT INTO atsync.erased (connection, digest, erasure) \
             SELECT $1, unnest($2::text[]), $3 \
             ON CONFLICT (connection, digest) DO UPDATE SET erasure = excluded.erasure",
            typed![tx.id => INT8, digests => TEXT_ARRAY, signed(group) => INT8],
        )
        .await?;
    Ok(count(hashes.len()))
}

/// Removes an observed record or a tombstone, what a sweep saw of it, and its alias. Returns
/// whether it was a record.
async fn remove(tx: &mut Tx<'_>, kind: &str, id: &str) -> Result<bool, StoreError> {
    for statement in [
        "DELETE FROM atsync.aliases WHERE connection = $1 AND kind = $2 AND id = $3",
        "DELETE FROM atsync.seen WHERE connection = $1 AND kind = $2 AND id = $3",
    ] {
        let parameters =
            typed![tx.number => INT8, kind.as_bytes() => BYTEA, id.as_bytes() => BYTEA];
        tx.sql.execute_typed(statement, parameters).await?;
    }
    let rows = observed::stored(&tx.sql, tx.number, kind, [id]).await?;
    let Some(row) = rows.into_iter().next() else { return Ok(false) };
    let mut terms = Terms::default();
    terms.differ(kind, id, Some(&row.body), None);
    terms.write(tx, kind).await?;
    let ids = list([id]);
    tx.sql
        .execute_typed(
            "DELETE FROM atsync.observed WHERE connection = $1 AND kind = $2 AND id = ANY ($3)",
            typed![tx.number => INT8, kind.as_bytes() => BYTEA, ids => BYTEA_ARRAY],
        )
        .await?;
    if !row.gone {
        tx.tally(TALLY, kind, -1);
    }
    Ok(!row.gone)
}
