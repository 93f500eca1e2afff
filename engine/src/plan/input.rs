//! The input of planning one record. Pure.

use crate::link::LinkRow;
use atsync_model::desired::Desired;
use atsync_model::manifest::Manifest;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The input of planning one record.
#[derive(Debug)]
pub struct Input<'a, D = Desired> {
    /// The adapter's manifest.
    pub manifest: &'a Manifest,
    /// The connection's settings, for opt-ins.
    pub settings: &'a Map<String, Value>,
    /// The desired record.
    pub desired: &'a D,
    /// Its generation.
    pub generation: u64,
    /// The links of its paths, by path.
    pub links: &'a BTreeMap<String, LinkRow>,
}

impl<'a> Input<'a> {
    /// Returns the same input for the record of one kind.
    pub(super) fn of<D>(&self, desired: &'a D) -> Input<'a, D> {
        Input {
            manifest: self.manifest,
            settings: self.settings,
            desired,
            generation: self.generation,
            links: self.links,
        }
    }
}
