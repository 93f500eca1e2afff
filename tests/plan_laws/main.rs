//! The laws of every plan, whatever is declared, observed, linked and edited: `plan::record` as a
//! pure function, against an ATS of a few maps.
//!
//! Method: generated desired records meet generated observed ones; the test carries out the steps
//! literally on the maps, recruiters edit them, another declaration follows. No adapter, no
//! transport, no store.
//!
//! Bounds: one candidate, two definitions. Left out: what several candidates share, which the
//! simulation covers.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops when something does not hold"
)]

mod candidates;
mod lifecycle;
mod pages;
mod tiny;

use atsync::model::desired::Desired;
use proptest::prelude::*;
use serde_json::Value;

pub(crate) fn policy() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["enforce", "yield", "seed", "fill"])
}

pub(crate) fn some_of(all: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(all, 0..=all.len())
}

pub(crate) fn read(records: &[&Value]) -> Vec<Desired> {
    let lines: Vec<String> = records.iter().map(|record| record.to_string()).collect();
    atsync::internals::declare::parse("generated", &lines.join("\n")).unwrap()
}
