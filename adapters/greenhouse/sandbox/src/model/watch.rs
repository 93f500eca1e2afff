//! Records what one write changes, for the events of webhooks.
//!
//! The first change of a row within a write keeps the row as it was before; comparing it with the
//! row after the write gives the net effect, whichever steps led there. Two effects do not show in
//! rows and are noted by the write itself ([`Occurrence`]). Nothing is kept while no webhook
//! exists, which is the default. Bound: the rows of one write.

use super::cell::Row;
use crate::schema::Kind;

/// The collections whose changes lead to webhooks.
const WATCHED: [Kind; 7] = [
    Kind::Applications,
    Kind::Candidates,
    Kind::Departments,
    Kind::JobInterviewStages,
    Kind::JobPosts,
    Kind::Jobs,
    Kind::Offices,
];

/// An effect that the rows alone do not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Occurrence {
    /// One candidate was merged into another.
    Merged {
        /// The candidate whose id stopped existing.
        loser: i64,
        /// The candidate that stays.
        winner: i64,
    },
    /// A candidate was anonymised.
    Anonymised {
        /// The candidate.
        candidate: i64,
        /// The groups of fields.
        fields: Vec<String>,
    },
}

/// A row that a write changed, as it was before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Touched {
    pub(crate) kind: Kind,
    pub(crate) id: i64,
    /// None when the write created it.
    pub(crate) before: Option<Row>,
}

/// The effects of one write.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Effects {
    pub(crate) rows: Vec<Touched>,
    pub(crate) occurrences: Vec<Occurrence>,
}

/// The watch over the present write.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch {
    on: bool,
    effects: Effects,
}

impl Watch {
    /// Starts with nothing noted; notes nothing unless `on`.
    pub(crate) fn begin(&mut self, on: bool) {
        *self = Self { on, effects: Effects::default() };
    }

    /// Ends the watch and returns what it noted.
    pub(crate) fn end(&mut self) -> Effects {
        self.on = false;
        std::mem::take(&mut self.effects)
    }

    /// Whether a row's state before its first change is missing.
    pub(super) fn wants(&self, kind: Kind, id: i64) -> bool {
        let known = |row: &Touched| row.kind == kind && row.id == id;
        self.on && WATCHED.contains(&kind) && !self.effects.rows.iter().any(known)
    }

    /// Keeps a row as it was before.
    pub(super) fn note(&mut self, kind: Kind, id: i64, before: Option<Row>) {
        self.effects.rows.push(Touched { kind, id, before });
    }

    /// Notes an effect that the rows do not show.
    pub(crate) fn occurred(&mut self, occurrence: Occurrence) {
        if self.on {
            self.effects.occurrences.push(occurrence);
        }
    }
}
