//! The adapters as the API and the command line list them: what a connection can use, what runs,
//! and what was refused.
//!
//! Bounds: the adapters of the program and of the folder, and the files that connections name; of
//! the connections of each, [`USES_MAX`] are listed, those with a refusal first, and all are
//! counted.

use crate::adapters::shelf::Refusal;
use crate::adapters::{Adapters, is_built_in, is_path};
use crate::config::Config;
use crate::open::Opened;
use atsync::Adapter;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// Connections of one adapter that are listed. Arbitrary: more are read by their own routes.
const USES_MAX: usize = 100;

/// Where an adapter comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Source {
    /// It ships with the program.
    BuiltIn,
    /// It is in the adapters' folder.
    Folder,
    /// A connection names its file.
    File,
}

impl Source {
    fn of(name: &str) -> Self {
        match name {
            name if is_built_in(name) => Self::BuiltIn,
            name if is_path(name) => Self::File,
            _ => Self::Folder,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::BuiltIn => "built in",
            Self::Folder => "folder",
            Self::File => "file",
        }
    }
}

/// Why a component is not in use.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RefusalView {
    /// Why, and what to do.
    pub(crate) why: String,
    /// Since when, in milliseconds since 1970.
    pub(crate) since_ms: u64,
}

impl From<&Refusal> for RefusalView {
    fn from(refusal: &Refusal) -> Self {
        let why = atsync::model::plain::line(&refusal.why).into_owned();
        Self { why, since_ms: refusal.since_ms }
    }
}

/// An adapter.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct AdapterView {
    /// What a connection calls it.
    pub(crate) name: String,
    pub(crate) source: Source,
    /// The version that a connection gets when it is opened; none where none can be used.
    pub(crate) version: Option<String>,
    /// SHA-256 of that version's component.
    pub(crate) component: Option<String>,
    /// Why the file is not used.
    refusal: Option<RefusalView>,
    /// How many of the caller's connections use it.
    pub(crate) connections: u64,
    /// At most 100 of these; those with a refusal first.
    used_by: Vec<AdapterUse>,
}

/// A connection that uses an adapter.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct AdapterUse {
    connection: String,
    /// The version that it runs.
    version: String,
    /// SHA-256 of the component that it runs.
    component: Option<String>,
    /// Why it does not run the newest version.
    refusal: Option<RefusalView>,
}

impl AdapterView {
    fn new(name: &str, usable: Option<&Arc<dyn Adapter>>, refusal: Option<&Refusal>) -> Self {
        Self {
            name: name.to_owned(),
            source: Source::of(name),
            version: usable.map(|adapter| adapter.manifest().version.clone()),
            component: usable.and_then(|adapter| adapter.code_hash().map(str::to_owned)),
            refusal: refusal.map(RefusalView::from),
            connections: 0,
            used_by: Vec::new(),
        }
    }

    fn uses(&mut self, connection: &str, adapter: &dyn Adapter, refusal: Option<&Refusal>) {
        self.connections = self.connections.saturating_add(1);
        self.used_by.push(AdapterUse {
            connection: connection.to_owned(),
            version: adapter.manifest().version.clone(),
            component: adapter.code_hash().map(str::to_owned),
            refusal: refusal.map(RefusalView::from),
        });
    }

    fn shortened(mut self) -> Self {
        self.used_by.sort_by_key(|of| of.refusal.is_none());
        self.used_by.truncate(USES_MAX);
        self
    }

    /// Leaves out what the operator alone needs: why a file of this machine is not used.
    pub(crate) fn hide_files(&mut self) {
        self.refusal = None;
    }

    /// Whether a caller who is limited to connections may see it: the built-in ones, and those that
    /// their connections use.
    pub(crate) fn is_for_all(&self) -> bool {
        self.source == Source::BuiltIn || self.connections > 0
    }

    /// All refusals that it shows.
    pub(crate) fn refusals(&self) -> impl Iterator<Item = &RefusalView> {
        let of_uses = self.used_by.iter().filter_map(|of| of.refusal.as_ref());
        self.refusal.iter().chain(of_uses)
    }
}

/// The adapters of what runs, with the connections that a caller may use.
pub(crate) async fn listed(opened: &Opened, may_use: impl Fn(&str) -> bool) -> Vec<AdapterView> {
    let mut views = without_use(&opened.adapters).await;
    for name in opened.names().iter().filter(|name| may_use(name)) {
        let Some((named, adapter)) = opened.adapter_of(name) else { continue };
        let fresh = || AdapterView::new(named, Some(&adapter), None);
        let view = views.entry(named.to_owned()).or_insert_with(fresh);
        view.uses(name, adapter.as_ref(), opened.kept.get(name));
    }
    views.into_values().map(AdapterView::shortened).collect()
}

/// The adapters of a configuration, none of whose connections is open.
pub(crate) async fn listed_alone(config: &Config, adapters: &Adapters) -> Vec<AdapterView> {
    let mut views = without_use(adapters).await;
    for (name, connection) in &config.connections {
        let named = &connection.adapter;
        let loaded = adapters.load(named).await;
        let (usable, refusal) = (loaded.as_ref().ok(), loaded.as_ref().err());
        let fresh = || AdapterView::new(named, usable, refusal);
        let view = views.entry(named.clone()).or_insert_with(fresh);
        if let Some(adapter) = usable {
            view.uses(name, adapter.as_ref(), None);
        }
    }
    views.into_values().map(AdapterView::shortened).collect()
}

/// Those that need no connection to be listed.
async fn without_use(adapters: &Adapters) -> BTreeMap<String, AdapterView> {
    let mut views = BTreeMap::new();
    for name in adapters.names() {
        let loaded = adapters.load(name).await;
        let view = AdapterView::new(name, loaded.as_ref().ok(), loaded.as_ref().err());
        drop(views.insert(name.to_owned(), view));
    }
    views
}
