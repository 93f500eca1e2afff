//! The suite: its order, and what the checks share.
//!
//! Reads come first, on the sandbox as it is; then what edits a record, then permissions, then
//! writes. The webhooks of these edits and writes are received meanwhile. What was read early is
//! requested again at the end: an adapter that remembers something between calls gives another one
//! then.

mod bodies;
mod changes;
mod examples;
mod fetches;
mod fields;
mod hooks;
mod hostile;
mod listener;
mod lists;
mod manifest;
mod permissions;
mod registering;
mod repeated;
mod rows;
mod signed;
mod writes;

pub(crate) use changes::rfc3339;
pub use fields::fields_of;

use crate::drive::{Driver, End, Run};
use crate::report::{Promise, Report};
use crate::show;
use crate::stage::Stage;
use crate::wire::{Destination, HttpCourier};
use atsync::model::contract::{
    Given, Grant, Item, Outcome, Page, Problem, RemoteRef, Scan, Since, Task,
};
use atsync::model::manifest::Manifest;
use atsync::{Adapter, Clock, SystemClock, Transport};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the suite does.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Only these kinds and the operations on them; all when empty.
    pub kinds: Vec<String>,
    /// Hosts beside this machine that requests may change something at.
    pub allow_writes: Vec<String>,
}

/// Pages of one kind that are read at most: a sandbox is small.
const PAGES_MAX: usize = 2_000;

/// A record as it was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) item: Item,
    /// The fields of its mask.
    pub(crate) fields: Vec<String>,
    /// Its body as a value.
    pub(crate) body: Value,
    /// The ATS's own JSON.
    pub(crate) raw: Option<Vec<u8>>,
}

/// The pages of one pass.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    pub(crate) rows: Vec<Row>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) runs: Vec<Run>,
    pub(crate) checkpoint: Option<Vec<u8>>,
    /// Whether it came to its end.
    pub(crate) is_complete: bool,
}

/// What the checks share.
pub(crate) struct World<'a> {
    pub(crate) driver: Driver,
    pub(crate) stage: &'a dyn Stage,
    pub(crate) options: &'a Options,
    pub(crate) manifest: Manifest,
    pub(crate) given: Given,
    pub(crate) report: Report,
    /// By kind, the records of the first pass by id.
    pub(crate) records: BTreeMap<String, BTreeMap<String, Row>>,
    /// By kind and id, the id of the parent that a record was listed below.
    pub(crate) parents: BTreeMap<(String, String), String>,
    /// Runs whose answers are replaced, with what they are about.
    pub(crate) samples: Vec<(String, Run)>,
}

/// Runs the suite over an adapter.
///
/// # Errors
/// A sentence, when the sandbox fails: then nothing is known of the adapter.
pub async fn test(
    adapter: Arc<dyn Adapter>,
    stage: &dyn Stage,
    transport: Arc<dyn Transport>,
    options: &Options,
) -> Result<Report, String> {
    let manifest = adapter.manifest().clone();
    let mut settings = stage.script().settings.clone();
    opt_in(&manifest, &mut settings);
    let destination = Destination {
        origins: stage.origins(),
        base: Some(stage.base()),
        credential: stage.script().credential.clone(),
        settings: settings.clone(),
        writable: options.allow_writes.clone(),
    };
    let registering = stage.script().registrar.clone();
    let registering =
        registering.map(|credential| Destination { credential, ..destination.clone() });
    let secrets = vec![listener::SECRET.to_owned(), stage.script().webhooks.secret.clone()];
    let secrets: Vec<String> = secrets.into_iter().filter(|secret| !secret.is_empty()).collect();
    let driver = |destination: Destination| {
        let courier = HttpCourier::new(Arc::clone(&transport), manifest.clone(), destination);
        Driver::new(Arc::clone(&adapter), Arc::new(courier)).signed_with(secrets.clone())
    };
    let registrar = registering.map(&driver);
    let driver = driver(destination);
    let report = Report {
        adapter: manifest.name.clone(),
        version: manifest.version.clone(),
        code: adapter.code_hash().map(str::to_owned),
        ..Report::default()
    };
    let given = Given {
        now_ms: SystemClock.now_ms(),
        settings: Value::Object(settings).to_string(),
        tenant: None,
        mark: None,
        grant: Some(Grant { scopes: None, actor: None }),
    };
    let (records, parents, samples) = Default::default();
    let mut world =
        World { driver, stage, options, manifest, given, report, records, parents, samples };
    manifest::check(&mut world);
    if !lists::tenant(&mut world).await {
        return Ok(finished(world, None));
    }
    lists::whole(&mut world).await?;
    lists::small(&mut world).await;
    fetches::check(&mut world).await;
    rows::check(&mut world).await;
    let reads_webhooks = hooks::check(&mut world).await == hooks::Reads::Some;
    let listener = listener::Listener::start(&world, reads_webhooks).await?;
    changes::check(&mut world).await?;
    permissions::check(&mut world).await?;
    permissions::throttled(&mut world).await?;
    writes::check(&mut world).await?;
    let deliveries = listener.heard(&world).await;
    // One that takes what nothing signed takes everything.
    let takes_unsigned = world.report.broken().any(|one| one.promise == Promise::Hooks);
    if reads_webhooks && !takes_unsigned {
        signed::check(&mut world, deliveries).await?;
    }
    registering::check(&mut world, registrar.as_ref()).await;
    hostile::check(&mut world).await;
    repeated::check(&mut world);
    Ok(finished(world, registrar))
}

/// The report, with what it took.
fn finished(mut world: World<'_>, registrar: Option<Driver>) -> Report {
    let (calls, requests) = world.driver.counted();
    let (more_calls, more_requests) = registrar.map_or((0, 0), |driver| driver.counted());
    world.report.calls = calls.saturating_add(more_calls);
    world.report.requests = requests.saturating_add(more_requests);
    world.report
}

/// Switches on what a connection must opt in to, so that every operation is tried.
fn opt_in(manifest: &Manifest, settings: &mut Map<String, Value>) {
    for rule in &manifest.operations {
        if let Some(setting) = &rule.opt_in {
            let _ = settings.entry(setting.clone()).or_insert(json!(true));
        }
    }
}

impl World<'_> {
    /// Whether a kind is to be tried.
    pub(crate) fn tries(&self, kind: &str) -> bool {
        let is_named =
            self.options.kinds.is_empty() || self.options.kinds.iter().any(|known| known == kind);
        is_named && self.unread(kind).is_none()
    }

    /// Why the sandbox's credential cannot read a kind.
    pub(crate) fn unread(&self, kind: &str) -> Option<String> {
        self.stage.script().kinds.get(kind)?.unread.clone()
    }

    /// Notes what a run broke by itself, and returns whether it did.
    pub(crate) fn broke_by(&mut self, subject: &str, run: &Run) -> bool {
        match &run.end {
            End::Breach(breach) => {
                self.report.broke(breach.promise, subject, &breach.what, show::run(run));
                true
            }
            _ => false,
        }
    }

    /// A promise is broken by a run.
    pub(crate) fn broke(&mut self, promise: Promise, subject: &str, what: String, run: &Run) {
        self.report.broke(promise, subject, what, show::run(run));
    }

    /// Reads a pass, or its first pages.
    pub(crate) async fn pass(
        &self,
        kind: &str,
        parent: Option<RemoteRef>,
        since: Since,
        page_size: u32,
        pages_max: usize,
    ) -> Pass {
        let mut pass = Pass::default();
        let mut cursor = None;
        while pass.runs.len() < pages_max.min(PAGES_MAX) {
            let task = Task::Scan(Scan {
                kind: kind.to_owned(),
                parent: parent.clone(),
                since: since.clone(),
                cursor: cursor.take(),
                page_size,
            });
            let run = self.driver.run(task, &self.given).await;
            let found = page(&run.end).map(|(page, problems)| {
                pass.rows.extend(rows_of(page, reply_of(&run)));
                pass.problems.extend(problems.iter().cloned());
                (page.next.clone(), page.checkpoint.clone(), page.complete)
            });
            pass.runs.push(run);
            let Some((next, checkpoint, is_complete)) = found else { break };
            if is_complete {
                pass.checkpoint = checkpoint;
                pass.is_complete = true;
                break;
            }
            cursor = next;
        }
        pass
    }
}

/// The ATS's own id in that of a record, which may be composite: what follows the last `/`.
pub(crate) fn own_id(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or(id)
}

/// The page of an end.
pub(crate) fn page(end: &End) -> Option<(&Page, &[Problem])> {
    match end {
        End::Outcome(Outcome::Page(page)) => Some((page, &[])),
        End::Outcome(Outcome::FlawedPage((page, problems))) => Some((page, problems)),
        _ => None,
    }
}

/// The last answer of a run, which spans of raw JSON are of.
pub(crate) fn reply_of(run: &Run) -> &[u8] {
    run.turns.last().and_then(|turn| turn.reply.as_ref()).map_or(&[], |reply| &reply.body)
}

/// The records of a page.
pub(crate) fn rows_of(page: &Page, reply: &[u8]) -> Vec<Row> {
    items_of(&page.items, &page.masks, reply)
}

/// Records with their masks.
pub(crate) fn items_of(items: &[Item], masks: &[Vec<String>], reply: &[u8]) -> Vec<Row> {
    let row = |item: &Item| {
        let mask = usize::try_from(item.mask).ok().and_then(|mask| masks.get(mask));
        let span = item.raw.as_ref().and_then(|span| {
            let from = usize::try_from(span.offset).ok()?;
            let to = from.checked_add(usize::try_from(span.length).ok()?)?;
            reply.get(from..to).map(<[u8]>::to_vec)
        });
        Row {
            item: item.clone(),
            fields: mask.cloned().unwrap_or_default(),
            body: serde_json::from_str(&item.body).unwrap_or_default(),
            raw: span,
        }
    };
    items.iter().map(row).collect()
}
