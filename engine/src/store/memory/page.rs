//! How a page changes what the store in memory holds: as decided by [`ingest`].

use super::held::Connection;
use crate::journal::IntentId;
use crate::store::ingest::{self, Effect, Move, NewRow, Outcome, Rows, Stored};
use crate::store::merge::{self, Held, Known};
use crate::store::{
    Alias, Change, ChangeWhat, ObservedRow, PageCommit, PageReport, StoreError, check,
};
use atsync_model::contract::RemoteRef;
use atsync_model::resource::PERSON;
use serde_json::Map;
use std::collections::BTreeSet;

/// The stored rows of the page's kind.
struct Of<'a> {
    connection: &'a Connection,
    kind: &'a str,
}

impl Rows for Of<'_> {
    type Row = ObservedRow;

    fn stored<T>(
        &self,
        id: &str,
        then: impl FnOnce(Option<Stored<'_>>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let row = self.connection.observed.get(&(self.kind.to_owned(), id.to_owned()));
        let Some(row) = row else { return then(None) };
        let known = Known::of(&row.known)?;
        let held = Held {
            version: row.version.as_deref(),
            known: known.text(),
            body: &row.body,
            raw: row.raw.as_deref(),
        };
        let ObservedRow { gone, changed_ms, moved_in, .. } = *row;
        then(Some(Stored { gone, changed_ms, told: 0, moved_in, held }))
    }

    fn is_told(&self, from: &str, to: &str) -> Result<bool, StoreError> {
        let alias = self.connection.aliases.get(&(self.kind.to_owned(), from.to_owned()));
        Ok(alias.is_some_and(|alias| alias.told && alias.to == to))
    }

    fn is_linked(&self) -> bool {
        !self.connection.links.is_empty()
    }

    fn row(&self, id: &str, _: Option<Stored<'_>>, new: NewRow<'_>) -> Self::Row {
        ObservedRow {
            kind: self.kind.to_owned(),
            id: id.to_owned(),
            version: new.version.map(str::to_owned),
            body: new.body.to_owned(),
            raw: new.raw.map(str::to_owned),
            known: new.known.names().map(str::to_owned).collect(),
            changed_ms: new.changed_ms,
            gone: new.gone,
            moved_in: new.moved_in,
        }
    }
}

impl Connection {
    /// Commits a page whose masks these are.
    pub(super) fn commit(
        &mut self,
        page: &PageCommit,
        masks: &[Known],
        is_kept_away: impl Fn(&str) -> bool,
    ) -> Result<PageReport, StoreError> {
        let rows = Of { connection: self, kind: &page.kind };
        let decision = ingest::decide(&rows, page, masks, is_kept_away, self.last_serial)?;
        for effect in decision.effects {
            self.write(page, effect)?;
        }
        for next in decision.moves {
            self.move_on(page, next)?;
        }
        if let Some(sweep) = &page.sweep {
            let shown = page.records.iter().map(|record| (page.kind.clone(), record.id.clone()));
            self.seen.extend(shown.filter(|key| self.observed.contains_key(key)));
            self.sweeps.insert(page.kind.clone(), sweep.clone());
        }
        if let Some(scan) = &page.scan {
            self.scans.insert((page.kind.clone(), page.parent.clone()), scan.clone());
        }
        Ok(decision.report)
    }

    fn write(
        &mut self,
        page: &PageCommit,
        effect: Effect<'_, ObservedRow>,
    ) -> Result<(), StoreError> {
        let place = (page.kind.clone(), effect.id.to_owned());
        let row = effect.row;
        if let Some((_, outcome)) = &effect.event {
            self.tell(page, effect.id, outcome, &row.body)?;
            if matches!(outcome, Outcome::Created { .. }) {
                self.aliases.remove(&place);
            }
            if let Some((from, to)) = effect.lead {
                let key = (PERSON.to_owned(), from);
                if self.aliases.get(&key).is_none_or(|alias| !alias.told) {
                    self.aliases.insert(key, Alias { to, told: false });
                }
            }
            self.touch(&page.kind, effect.id, &effect.candidates);
        }
        self.observed.insert(place, row);
        Ok(())
    }

    /// Moves the links of a record to its new id, and writes the event unless it was reported.
    fn move_on(
        &mut self,
        page: &PageCommit,
        next: Move<'_, ObservedRow>,
    ) -> Result<(), StoreError> {
        let moved = next.moved;
        let candidates = next.tombstone.as_ref().map_or(&[][..], |gone| &gone.candidates);
        self.touch(&page.kind, &moved.from, candidates);
        let new = RemoteRef { kind: page.kind.clone(), id: moved.to.clone() };
        let is_old = |remote: &RemoteRef| remote.kind == page.kind && remote.id == moved.from;
        let links = self.links.values().filter(|link| is_old(&link.remote));
        let paths: Vec<String> = links.map(|link| link.path.clone()).collect();
        for path in paths {
            let taken = self.links.values().any(|link| link.remote == new);
            if let Some(link) = self.links.remove(&path) {
                self.links.insert(path, check::followed(link, &moved.to, taken));
            }
        }
        self.touch(&page.kind, &moved.to, &[]);
        if let Some(tombstone) = next.tombstone {
            self.observed.insert((page.kind.clone(), moved.from.clone()), tombstone.row);
        }
        if let Some((_, outcome)) = &next.event {
            self.tell(page, &moved.from, outcome, "")?;
        }
        let alias = Alias { to: moved.to.clone(), told: true };
        self.aliases.insert((page.kind.clone(), moved.from.clone()), alias);
        Ok(())
    }

    /// Writes an event. `body` is the record's from now on.
    fn tell(
        &mut self,
        page: &PageCommit,
        id: &str,
        outcome: &Outcome,
        body: &str,
    ) -> Result<(), StoreError> {
        let (what, before, after) = match outcome {
            Outcome::Created { .. } => (ChangeWhat::Created, Map::new(), merge::object(body)?),
            Outcome::Updated { before, after } => {
                (ChangeWhat::Updated, merge::object(before)?, merge::object(after)?)
            }
            Outcome::Anonymized { after } => {
                (ChangeWhat::Anonymized, Map::new(), merge::object(after)?)
            }
            Outcome::Deleted { before } => {
                (ChangeWhat::Deleted, merge::object(before)?, Map::new())
            }
            Outcome::Moved { before, after } if before.is_empty() => {
                (ChangeWhat::Moved, Map::new(), merge::object(after)?)
            }
            Outcome::Moved { before, after } => {
                (ChangeWhat::Moved, merge::object(before)?, merge::object(after)?)
            }
        };
        let maker: Option<IntentId> = match outcome {
            Outcome::Created { first: true } => self.maker(&page.kind, id),
            _ => None,
        };
        let (kind, cause, id) = (page.kind.clone(), check::cause(page, id, maker), id.to_owned());
        self.emit(Change { serial: 0, at_ms: page.now_ms, kind, id, what, before, after, cause });
        Ok(())
    }

    /// Marks what is linked to the record, and to the candidates that it names or named.
    fn touch(&mut self, kind: &str, id: &str, candidates: &[String]) {
        let mut remotes = BTreeSet::from([RemoteRef { kind: kind.to_owned(), id: id.to_owned() }]);
        let named = candidates.iter().cloned();
        remotes.extend(named.map(|id| RemoteRef { kind: PERSON.to_owned(), id }));
        let linked = self.links.values().filter(|link| remotes.contains(&link.remote));
        let keys: Vec<String> =
            linked.map(|link| crate::path::key(&link.path).to_owned()).collect();
        keys.iter().for_each(|key| self.mark(key));
    }
}
