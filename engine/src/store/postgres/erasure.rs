//! Erasures: remove a candidate from every table, and block re-import by hashes.
//!
//! Each member of the candidate's circle, a remote record or the key of a desired one, is looked up
//! once by the indexes: its row, what names it, its links, events and intents. The transaction that
//! reads them then removes them. See [`crate::store::erase`] for the rows that it removes.
//!
//! Bounds: an erasure reads what it removes. Left out: the database's own copies (its log, dead
//! rows until the next vacuum, backups).

use super::observed::{self, TALLY};
use super::sql::{count, list, signed, text, typed};
use super::terms::{Terms, carries};
use super::tx::Tx;
use super::{barred, desired, digest, feed, journal, links};
use crate::index::EMAIL;
use crate::journal::{Intent, IntentId};
use crate::path;
use crate::store::erase::{Circle, Hasher, Member, Names};
use crate::store::{Erasure, ErasureReport, StoreError, check, merge, naming};
use atsync_model::resource::PERSON;
use std::collections::{BTreeMap, BTreeSet};

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
    report.kept_away = barred::block(tx, &circle, &others, group, hasher).await?;
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
