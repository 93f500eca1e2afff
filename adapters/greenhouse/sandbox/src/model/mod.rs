//! The company's data: one table per collection, ids beyond 32 bits, stamps, and the log of writes.
//!
//! Every change goes through [`Model::insert`], [`Model::set`] or [`Model::remove`], which stamp,
//! log and delay it. Reading a missing row gives null and never panics: the callers refuse
//! references to records that do not exist. Bound: that of [`WriteLog`].

pub(crate) mod cell;
pub(crate) mod render;
pub(crate) mod table;
pub(crate) mod watch;

use std::collections::BTreeMap;

pub(crate) use atsync_sandbox::{Deed, Write, Writer};
use atsync_sandbox::{Rng, WriteLog};
use cell::{Cell, Row};
use table::Table;
use watch::Watch;

use crate::quirks::Quirks;
use crate::schema::Kind;

/// Whether a change sets the row's `updated_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Touch {
    Stamp,
    Leave,
}

/// The whole company.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    tables: Vec<Table>,
    pub(crate) rng: Rng,
    pub(crate) now_ms: i64,
    /// The time for which lists show the former state, for kinds that have no delay of their own.
    visibility_delay_ms: i64,
    /// The same by kind.
    visibility_delays_ms: BTreeMap<&'static str, i64>,
    pub(crate) writer: Writer,
    pub(crate) service_user_id: i64,
    pub(crate) writes: WriteLog,
    /// Whether writes are logged; off while a company is generated.
    pub(crate) logging: bool,
    /// What the present write changes, for webhooks.
    pub(crate) watch: Watch,
}

impl Model {
    pub(crate) fn empty(rng: Rng, now_ms: i64) -> Self {
        // The first ids exceed 32 bits, signed or not. Collections start far apart, so that an id
        // of one is (almost) never an id of another. All end in the same three digits, like the
        // recorded ones.
        let base = |at: usize| {
            i64::try_from(at)
                .unwrap_or(0)
                .saturating_mul(37_000_000_000)
                .saturating_add(20_911_000_002)
        };
        let tables =
            Kind::ALL.iter().enumerate().map(|(at, kind)| Table::new(*kind, base(at))).collect();
        Self {
            tables,
            rng,
            now_ms,
            visibility_delay_ms: 0,
            visibility_delays_ms: BTreeMap::new(),
            writer: Writer::Api,
            service_user_id: 0,
            writes: WriteLog::default(),
            logging: false,
            watch: Watch::default(),
        }
    }

    pub(crate) fn table(&self, kind: Kind) -> Option<&Table> {
        self.tables.get(kind as usize)
    }

    pub(crate) fn row(&self, kind: Kind, id: i64) -> Option<&Row> {
        self.table(kind)?.get(id)
    }

    pub(crate) fn has(&self, kind: Kind, id: i64) -> bool {
        self.row(kind, id).is_some()
    }

    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.table(kind).map_or(0, Table::len)
    }

    pub(crate) fn rows(&self, kind: Kind) -> impl DoubleEndedIterator<Item = &Row> {
        self.table(kind).into_iter().flat_map(Table::rows)
    }

    pub(crate) fn cell(&self, kind: Kind, id: i64, column: &str) -> &Cell {
        static NULL: Cell = Cell::Null;
        match (self.row(kind, id), kind.column(column)) {
            (Some(row), Some(column)) => row.cell(column),
            _ => &NULL,
        }
    }

    pub(crate) fn int(&self, kind: Kind, id: i64, column: &str) -> Option<i64> {
        self.cell(kind, id, column).int()
    }

    pub(crate) fn text(&self, kind: Kind, id: i64, column: &str) -> Option<&str> {
        self.cell(kind, id, column).text()
    }

    pub(crate) fn flag(&self, kind: Kind, id: i64, column: &str) -> bool {
        self.cell(kind, id, column).bool().unwrap_or(false)
    }

    /// Lists the ids of the rows whose `column` is `value`, ascending.
    pub(crate) fn find(&self, kind: Kind, column: &str, value: i64) -> Vec<i64> {
        let (Some(table), Some(column)) = (self.table(kind), kind.column(column)) else {
            return Vec::new();
        };
        if let Some(ids) = table.indexed(column, value) {
            return ids.to_vec();
        }
        table.rows().filter(|row| row.cell(column).int() == Some(value)).map(|row| row.id).collect()
    }

    /// Lists the ids of the rows whose text `column` is `value`, ascending.
    pub(crate) fn find_text(&self, kind: Kind, column: &str, value: &str) -> Vec<i64> {
        let Some(column) = kind.column(column) else { return Vec::new() };
        self.rows(kind)
            .filter(|row| row.cell(column).text() == Some(value))
            .map(|row| row.id)
            .collect()
    }

    /// Lists the active stages of a job's pipeline, in order.
    pub(crate) fn pipeline(&self, job_id: i64) -> Vec<i64> {
        let mut stages: Vec<(i64, i64)> = self
            .find(Kind::JobInterviewStages, "job_id", job_id)
            .into_iter()
            .filter(|id| self.flag(Kind::JobInterviewStages, *id, "active"))
            .map(|id| (self.int(Kind::JobInterviewStages, id, "sort_order").unwrap_or(0), id))
            .collect();
        stages.sort_unstable();
        stages.into_iter().map(|(_, id)| id).collect()
    }

    fn next_id(&self, kind: Kind, step: i64) -> i64 {
        let step = step.saturating_mul(1000);
        self.table(kind).map_or(0, |table| table.last_id.saturating_add(step))
    }

    /// Adds a row of the imagined company, which says how far its id lies from the one before.
    pub(crate) fn load(&mut self, kind: Kind, step: i64, cells: &[(&str, Cell)]) -> i64 {
        self.insert_after(kind, step, false, cells)
    }

    /// Adds a row of the imagined company that a default listing hides.
    pub(crate) fn load_special(&mut self, kind: Kind, step: i64, cells: &[(&str, Cell)]) -> i64 {
        self.insert_after(kind, step, true, cells)
    }

    /// Adds a row. Columns not named are null, empty lists or empty objects, by their kind; stamps
    /// default to now.
    pub(crate) fn insert(&mut self, kind: Kind, cells: &[(&str, Cell)]) -> i64 {
        let step = self.rng.between(1, 9);
        self.insert_after(kind, step, false, cells)
    }

    fn insert_after(
        &mut self,
        kind: Kind,
        step: i64,
        special: bool,
        cells: &[(&str, Cell)],
    ) -> i64 {
        use crate::schema::FieldKind;
        let Some(endpoint) = kind.endpoint() else { return 0 };
        let id = self.next_id(kind, step);
        let mut filled: Vec<Cell> = endpoint
            .fields
            .iter()
            .map(|field| match (field.name, field.kind) {
                ("id", _) => Cell::Int(id),
                ("created_at" | "updated_at", _) => Cell::Time(self.now_ms),
                (_, FieldKind::List) => Cell::Ids(Box::default()),
                (_, FieldKind::Map) => Cell::Fields(Box::default()),
                _ => Cell::Null,
            })
            .collect();
        let mut expected = 0;
        for (name, cell) in cells {
            // Callers mostly name columns in the table's order, so the search is short.
            let ahead = endpoint.fields.iter().skip(expected).position(|field| field.name == *name);
            let at =
                ahead.map(|ahead| ahead.saturating_add(expected)).or_else(|| kind.column(name));
            if let Some(slot) = at.and_then(|at| filled.get_mut(at)) {
                *slot = cell.clone();
                expected = at.unwrap_or(0).saturating_add(1);
            }
        }
        self.log(kind, id, Deed::Create);
        self.watch(kind, id);
        self.put(kind, Row { id, special, cells: filled.into() });
        id
    }

    /// Changes named columns of a row. Returns whether the row exists.
    pub(crate) fn set(
        &mut self,
        kind: Kind,
        id: i64,
        touch: Touch,
        cells: &[(&str, Cell)],
    ) -> bool {
        let Some(mut row) = self.row(kind, id).cloned() else { return false };
        let now = Cell::Time(self.now_ms);
        let stamp = (touch == Touch::Stamp).then_some(("updated_at", now));
        for (name, cell) in cells.iter().chain(stamp.iter()) {
            if let Some(slot) = kind.column(name).and_then(|at| row.cells.get_mut(at)) {
                *slot = cell.clone();
            }
        }
        self.log(kind, id, Deed::Update);
        self.watch(kind, id);
        self.put(kind, row);
        true
    }

    /// Whether a record of the kind ever had the id.
    pub(crate) fn had(&self, kind: Kind, id: i64) -> bool {
        self.tables
            .get(kind as usize)
            .is_some_and(|table| id > table.first_id && id <= table.last_id)
    }

    /// Removes a row. Returns whether it existed.
    pub(crate) fn remove(&mut self, kind: Kind, id: i64) -> bool {
        self.watch(kind, id);
        let delayed = self.delayed_until_ms(kind);
        let removed = self
            .tables
            .get_mut(kind as usize)
            .is_some_and(|table| table.get(id).is_some() && table.remove(id, delayed));
        if removed {
            self.log(kind, id, Deed::Delete);
        }
        removed
    }

    fn put(&mut self, kind: Kind, row: Row) {
        let delayed = self.delayed_until_ms(kind);
        if let Some(table) = self.tables.get_mut(kind as usize) {
            table.put(row, delayed);
        }
    }

    /// Sets the delays by the switches.
    pub(crate) fn delay(&mut self, quirks: &Quirks) {
        self.visibility_delay_ms = quirks.visibility_delay_ms;
        self.visibility_delays_ms = quirks
            .visibility_delays_ms
            .iter()
            .filter_map(|(name, delay_ms)| Some((Kind::named(name)?.name(), *delay_ms)))
            .collect();
    }

    fn delayed_until_ms(&self, kind: Kind) -> Option<i64> {
        let own = self.visibility_delays_ms.get(kind.name()).copied();
        let delay_ms = own.unwrap_or(self.visibility_delay_ms);
        (delay_ms > 0).then(|| self.now_ms.saturating_add(delay_ms))
    }

    /// Keeps a row as it is before its first change within the present write.
    fn watch(&mut self, kind: Kind, id: i64) {
        if self.watch.wants(kind, id) {
            let before = self.row(kind, id).cloned();
            self.watch.note(kind, id, before);
        }
    }

    fn log(&mut self, kind: Kind, id: i64, deed: Deed) {
        if !self.logging {
            return;
        }
        self.writes.record(Write {
            at_ms: self.now_ms,
            writer: self.writer,
            deed,
            collection: kind.name(),
            id,
        });
    }

    /// Drops the versions that no reader can see any more.
    pub(crate) fn settle(&mut self) {
        for table in &mut self.tables {
            table.settle(self.now_ms);
        }
    }

    /// Writes the names of a candidate's tags into its row, since applied tags are rows of their
    /// own.
    pub(crate) fn refresh_tags(&mut self, candidate_id: i64, touch: Touch) {
        let names: Vec<String> = self
            .find(Kind::AppliedCandidateTags, "candidate_id", candidate_id)
            .into_iter()
            .filter_map(|id| self.int(Kind::AppliedCandidateTags, id, "candidate_tag_id"))
            .filter_map(|tag| self.text(Kind::CandidateTags, tag, "name").map(str::to_owned))
            .collect();
        let mut distinct: Vec<String> = Vec::new();
        for name in names {
            if !distinct.contains(&name) {
                distinct.push(name);
            }
        }
        let value = serde_json::Value::from(distinct);
        if self.cell(Kind::Candidates, candidate_id, "tags").value() != value {
            self.set(Kind::Candidates, candidate_id, touch, &[("tags", Cell::json(&value))]);
        }
    }
}
