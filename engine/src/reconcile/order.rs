//! A write to be carried out, and the records that it touched. Pure.
//!
//! An order is a plan's step with every id filled in. It comes from a plan, from an intent in doubt
//! that is sent again, or from a person's decision. The executor carries it out, and its gate asks
//! whether it still may leave.

use crate::journal::{Intent, IntentId};
use atsync_model::contract::{Operation, RemoteRef};
use atsync_model::resource;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A write to be carried out: a plan's step with every id filled in.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) path: String,
    pub(crate) operation: Operation,
    pub(crate) generation: u64,
    pub(crate) makes: BTreeMap<String, String>,
    pub(crate) applied: BTreeMap<String, Map<String, Value>>,
    /// The component that planned it; none for an adapter that is linked in.
    pub(crate) planned_by: Option<String>,
    /// The intent in doubt that is sent again; none for a new one.
    pub(crate) again: Option<Intent>,
}

impl Order {
    /// Whether it deletes its target.
    pub(crate) fn ends(&self) -> bool {
        deletes(&self.operation.name)
    }

    /// The order of an intent.
    pub(crate) fn of(intent: &Intent) -> Self {
        Self {
            path: intent.path.clone(),
            operation: Operation {
                name: intent.operation.clone(),
                target: intent.target.clone(),
                input: intent.input.clone(),
            },
            generation: intent.generation,
            makes: intent.makes.clone(),
            applied: intent.applied.clone(),
            planned_by: intent.planned_by.clone(),
            again: Some(intent.clone()),
        }
    }
}

/// Whether an operation deletes its target.
pub(crate) fn deletes(operation: &str) -> bool {
    operation.ends_with(".delete") || operation.ends_with(".destroy")
}

/// A record that was created, changed or deleted, to be read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Touched {
    pub(crate) remote: RemoteRef,
    /// The intent that did it.
    pub(crate) intent: Option<IntentId>,
    /// It was deleted: that the ATS no longer shows it is intended.
    pub(crate) ended: bool,
}

impl Touched {
    /// What an order touched.
    pub(crate) fn by(
        order: &Order,
        intent: Option<IntentId>,
        remotes: Vec<RemoteRef>,
    ) -> Vec<Self> {
        let ended = order.ends();
        let mut touched: Vec<Self> =
            remotes.into_iter().map(|remote| Self { remote, intent, ended }).collect();
        // A tag is part of its candidate as well: both are read, or one would contradict the other.
        if let Some((kind, "create")) = order.operation.name.split_once('.')
            && let Some(shown_in) = resource::of(kind).and_then(|of| of.shown_in)
            && let Some(shown_in) = resource::of(shown_in)
            && let Ok(input) = serde_json::from_str::<Value>(&order.operation.input)
            && let Some(id) = input.get(shown_in.member).and_then(Value::as_str)
        {
            touched.push(Self { remote: RemoteRef::new(shown_in.kind, id), intent, ended: false });
        }
        touched
    }
}
