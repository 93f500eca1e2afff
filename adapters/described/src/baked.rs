//! The baked form of a description: what a component carries and reads at each call.
//!
//! A call runs in a fresh instance, so what it has to parse is part of its cost. The baked form is
//! a line with an index, and behind it one JSON text per kind, operation and permission: a task
//! parses the index, the common members and its own section. The same description gives the same
//! bytes.

use crate::description::{
    Check, Description, Expr, Hook, Kind, Lists, Operation, OutcomeRule, Tenant, Times,
};
use crate::manifest;
use atsync_adapter::Manifest;
use atsync_adapter::contract::Failure;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes of a baked description.
pub const BAKED_BYTES_MAX: usize = 1024 * 1024;

/// What every task reads.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Common {
    pub(crate) origin: String,
    pub(crate) title: String,
    pub(crate) times: Times,
    pub(crate) message: Option<Expr>,
    pub(crate) lists: Lists,
    pub(crate) outcomes: Vec<OutcomeRule>,
    pub(crate) refused: Vec<u16>,
    /// The kinds that come with the pages of another one, by that one.
    pub(crate) inner: BTreeMap<String, Vec<String>>,
}

/// A baked description.
#[derive(Clone, Debug)]
pub(crate) struct Baked<'b> {
    index: BTreeMap<&'b str, (usize, usize)>,
    bodies: &'b str,
}

/// Bakes a description: see the module.
///
/// # Errors
/// When it is larger than [`BAKED_BYTES_MAX`].
pub fn baked(description: &Description) -> Result<String, String> {
    let mut inner: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, kind) in &description.kinds {
        if let Some(inside) = &kind.inside {
            inner.entry(inside.kind.clone()).or_default().push(name.clone());
        }
    }
    let common = Common {
        origin: description.origins.first().map(|origin| origin.name.clone()).unwrap_or_default(),
        title: description.title.clone(),
        times: description.times,
        message: description.message.clone(),
        lists: description.lists.clone(),
        outcomes: description.outcomes.clone(),
        refused: description.refused.clone(),
        inner,
    };
    let mut made = Sections::default();
    made.add("manifest".into(), &manifest::of(description)?)?;
    made.add("common".into(), &common)?;
    for (name, kind) in &description.kinds {
        made.add(format!("kind/{name}"), kind)?;
    }
    for (name, operation) in &description.operations {
        made.add(format!("operation/{name}"), operation)?;
    }
    for permission in &description.permissions {
        made.add(format!("permission/{}", permission.id), &permission.check)?;
    }
    made.add("tenant".into(), &description.tenant)?;
    made.add("hook".into(), &description.hook)?;
    let index = serde_json::to_string(&made.index).map_err(|error| error.to_string())?;
    let whole = format!("{index}\n{}", made.bodies);
    if whole.len() > BAKED_BYTES_MAX {
        return Err(format!(
            "the description has {} bytes when baked; {BAKED_BYTES_MAX} are allowed",
            whole.len()
        ));
    }
    Ok(whole)
}

#[derive(Default)]
struct Sections {
    index: BTreeMap<String, (usize, usize)>,
    bodies: String,
}

impl Sections {
    fn add<T: Serialize>(&mut self, name: String, section: &T) -> Result<(), String> {
        let text = serde_json::to_string(section).map_err(|error| error.to_string())?;
        self.index.insert(name, (self.bodies.len(), text.len()));
        self.bodies.push_str(&text);
        Ok(())
    }
}

impl<'b> Baked<'b> {
    /// Reads the index.
    pub(crate) fn read(text: &'b str) -> Result<Self, Failure> {
        let (index, bodies) = text.split_once('\n').ok_or_else(|| {
            Failure::Bug("there is no description in this component; bake one into it".into())
        })?;
        let index = serde_json::from_str(index).map_err(unreadable)?;
        Ok(Self { index, bodies })
    }

    /// A section's text.
    pub(crate) fn text(&self, name: &str) -> Option<&'b str> {
        let (from, length) = self.index.get(name)?;
        self.bodies.get(*from..from.checked_add(*length)?)
    }

    fn section<T: DeserializeOwned>(&self, name: &str) -> Result<T, Failure> {
        let text = self.text(name).ok_or_else(|| {
            Failure::Bug(format!(
                "{name} is not in the description; the manifest does not offer it"
            ))
        })?;
        serde_json::from_str(text).map_err(unreadable)
    }

    pub(crate) fn manifest(&self) -> Result<Manifest, Failure> {
        self.section("manifest")
    }

    pub(crate) fn common(&self) -> Result<Common, Failure> {
        self.section("common")
    }

    pub(crate) fn kind(&self, name: &str) -> Result<Kind, Failure> {
        self.section(&format!("kind/{name}"))
    }

    pub(crate) fn operation(&self, name: &str) -> Result<Operation, Failure> {
        self.section(&format!("operation/{name}"))
    }

    pub(crate) fn check(&self, id: &str) -> Result<Option<Check>, Failure> {
        self.section(&format!("permission/{id}"))
    }

    pub(crate) fn tenant(&self) -> Result<Option<Tenant>, Failure> {
        self.section("tenant")
    }

    pub(crate) fn hook(&self) -> Result<Option<Hook>, Failure> {
        self.section("hook")
    }
}

fn unreadable(error: serde_json::Error) -> Failure {
    Failure::Bug(format!("the baked description cannot be read: {error}"))
}
