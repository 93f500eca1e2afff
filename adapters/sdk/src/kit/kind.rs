//! A kind as data: what its records have, how it is listed and fetched.

use super::raw::Raw;
use super::rows::Reader;
use super::{Fetch, List, Record, Row, Source, check, got};
use crate::contract::Failure;
use crate::model::manifest::DeleteSign;
use crate::model::raw::RAW_FIELDS;
use std::panic::Location;

/// The most lists of one kind.
const LISTS_MAX: usize = 4;

/// A kind that the adapter reads.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub(crate) name: &'static str,
    pub(crate) read: Reader,
    pub(crate) raw: Option<Raw>,
    pub(crate) fields: &'static [&'static str],
    pub(crate) extra: &'static [&'static str],
    pub(crate) expected: &'static [&'static str],
    pub(crate) lists: [Option<List>; LISTS_MAX],
    pub(crate) parent: Option<&'static str>,
    pub(crate) inside: Option<&'static str>,
    pub(crate) fetch: Option<Fetch>,
    pub(crate) overlap_ms: u64,
    pub(crate) visible_within_ms: u64,
    pub(crate) deletes: &'static [DeleteSign],
    pub(crate) absence_proves: bool,
    pub(crate) confidential: bool,
    pub(crate) permission: &'static str,
    pub(crate) scope: Option<&'static str>,
    pub(crate) at: &'static Location<'static>,
}

fn read<R: Row>(text: &str, source: &Source<'_>) -> Result<Record, serde_json::Error> {
    got::read::<R>(text).map(|row| row.record(source))
}

/// The rows of a raw kind are not taken apart.
#[derive(serde::Deserialize)]
struct NoRow {}

impl Row for NoRow {
    fn record(self, _: &Source<'_>) -> Record {
        Record::none()
    }
}

impl Kind {
    /// A kind of the unified model, whose rows are `R`.
    #[track_caller]
    pub const fn of<R: Row>(name: &'static str) -> Self {
        check::is_unified(name);
        Self::own::<R>(name)
    }

    /// A kind that the unified model does not have. Its fields are not checked.
    #[track_caller]
    pub const fn own<R: Row>(name: &'static str) -> Self {
        check::is_kind(name);
        Self {
            name,
            read: read::<R>,
            raw: None,
            fields: &[],
            extra: &[],
            expected: &[],
            lists: [None; LISTS_MAX],
            parent: None,
            inside: None,
            fetch: None,
            overlap_ms: 0,
            visible_within_ms: 0,
            deletes: &[],
            absence_proves: false,
            confidential: false,
            permission: "",
            scope: None,
            at: Location::caller(),
        }
    }

    /// A raw kind (`raw_offers`): its records are the rows themselves, with their times and the
    /// records that they name. `names` has the members that name records, an id or a list of ids
    /// each, and the kind of those.
    #[track_caller]
    pub const fn raw(name: &'static str, names: &'static [(&'static str, &'static str)]) -> Self {
        check::is_raw(name);
        let mut kind = Self::own::<NoRow>(name);
        kind.raw = Some(Raw { names, times: ("created_at", "updated_at") });
        kind.fields = RAW_FIELDS;
        kind
    }

    /// Names the members of a raw kind's rows that have the times of creation and of the last
    /// change; `created_at` and `updated_at` unless said.
    pub const fn times(mut self, created: &'static str, updated: &'static str) -> Self {
        if let Some(raw) = self.raw {
            self.raw = Some(Raw { names: raw.names, times: (created, updated) });
        }
        self
    }

    /// Lists the fields that its records can have, as the unified model names them.
    #[track_caller]
    pub const fn fields(mut self, all: &'static [&'static str]) -> Self {
        check::are_fields(self.name, all);
        self.fields = all;
        self
    }

    /// Lists fields that its records have beyond the unified model.
    #[track_caller]
    pub const fn extra(mut self, all: &'static [&'static str]) -> Self {
        self.extra = all;
        self
    }

    /// Lists those of its fields that every row fills, if only with an empty value. The engine
    /// reports a page that leaves one out: the ATS has renamed a member.
    #[track_caller]
    pub const fn expected(mut self, all: &'static [&'static str]) -> Self {
        check::are_known(self.name, "expected", all, self.fields, self.extra);
        self.expected = all;
        self
    }

    /// Says how it is listed. Called again, it adds a further list, read after the one before.
    #[track_caller]
    pub const fn list(mut self, list: List) -> Self {
        self.lists = check::added(self.lists, list);
        self
    }

    /// It is listed only under each record of this kind; the list has the placeholder `{parent}`.
    pub const fn under(mut self, kind: &'static str) -> Self {
        self.parent = Some(kind);
        self
    }

    /// Its records come with the rows of this kind, by [`Record::and`].
    pub const fn inside(mut self, kind: &'static str) -> Self {
        self.inside = Some(kind);
        self
    }

    /// Says how records are read by id.
    pub const fn fetch(mut self, fetch: Fetch) -> Self {
        self.fetch = Some(fetch);
        self
    }

    /// Sets how far a window begins before the end of the last one, since change times are written
    /// late. A kind with a window needs it.
    pub const fn overlap_ms(mut self, ms: u64) -> Self {
        self.overlap_ms = ms;
        self
    }

    /// Sets how long a write may take to show in reads of this kind.
    pub const fn visible_within_ms(mut self, ms: u64) -> Self {
        self.visible_within_ms = ms;
        self
    }

    /// Says how a deletion can be detected.
    pub const fn deletes(mut self, signs: &'static [DeleteSign]) -> Self {
        self.deletes = signs;
        self
    }

    /// A complete list proves that a record which it does not show is deleted. Rarely true: rights
    /// hide rows, and rows that move between pages are missed.
    pub const fn absence_proves(mut self) -> Self {
        self.absence_proves = true;
        self
    }

    /// Rows may become hidden from a credential that could see them before.
    pub const fn confidential(mut self) -> Self {
        self.confidential = true;
        self
    }

    /// Names the permission that reading it needs.
    pub const fn permission(mut self, id: &'static str) -> Self {
        self.permission = id;
        self
    }

    /// Its ids are unique only within a record of this kind.
    pub const fn scope(mut self, kind: &'static str) -> Self {
        self.scope = Some(kind);
        self
    }

    pub(crate) fn has_field(&self, field: &str) -> bool {
        self.fields.contains(&field) || self.extra.contains(&field)
    }

    /// The largest page of its lists.
    pub(crate) fn page_max(&self) -> u32 {
        let lists = self.lists.iter().flatten();
        lists.map(|list| list.most).max().unwrap_or(super::list::ROWS_MAX)
    }

    pub(crate) fn list_at(&self, index: usize) -> Result<&List, Failure> {
        let list = self.lists.get(index).and_then(Option::as_ref);
        list.ok_or_else(|| Failure::Bug(format!("{} have no list number {index}", self.name)))
    }
}
