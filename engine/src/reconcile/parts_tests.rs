//! Each part alone: built over one context, with a small ATS behind the adapter and the parts that
//! it uses, and nothing else of the engine.

use super::apply::Applier;
use super::backoff::Backoff;
use super::context::{Context, ContextParts};
use super::deletions::Deletions;
use super::execute::Executor;
use super::gather::{Gathered, Gatherer};
use super::ingest::Ingest;
use super::order::Order;
use super::planning::{PlanOf, Planner};
use super::requests::Requests;
use super::settle::{Resend, Settler};
use super::sweep::{SweepOptions, Sweeper};
use super::underway::Underway;
use crate::adapter::{Adapter, AdapterError, manifest_check};
use crate::error::ErrorKind;
use crate::journal::Leave;
use crate::plan::{Plan, Step as PlanStep};
use crate::store::handle::ConnectionStore;
use crate::store::memory::MemoryStore;
use crate::store::{Cause, ObservedRow};
use crate::testing::{ManualClock, Scripted, SeededEntropy, answer};
use crate::transport::{Priority, Session, SessionOptions, Shared};
use atsync_model::Manifest;
use atsync_model::contract::{
    Continuation, Failure, Fetched, Given, Item, Operation, Outcome, Page, RemoteRef, Reply, Step,
    Task, Tenant,
};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

const NOW_MS: u64 = 1_795_514_400_000;
const DAY_MS: u64 = 86_400_000;
const CATALOGUE: &str = r#"{"hired":"7"}"#;

/// An ATS of jobs; the adapter answers from it without a request.
#[derive(Debug)]
struct Ats {
    manifest: Manifest,
    jobs: Mutex<BTreeSet<String>>,
    /// The tasks so far, one word each.
    tasks: Mutex<Vec<&'static str>>,
    /// What each task received of the customer.
    tenants: Mutex<Vec<(&'static str, Option<String>)>>,
}

impl Ats {
    fn new(jobs: &[&str]) -> Arc<Self> {
        let manifest = json!({
            "name": "ats", "version": "1.0.0", "title": "ATS", "contract": "ats:adapter@0.1.0",
            "origins": [{"name": "api", "base": {"how": "fixed", "url": "https://api.ats.test"},
                "credential": true}],
            "auth": [{"scheme": "basic-key", "half": "username", "other": ""}],
            "describes_tenant": true,
            "kinds": [{"name": "jobs", "scan": {"how": "list"}, "page_max": 10, "ids_max": 10,
                "fields": ["name"]}],
            "permissions": [{"id": "read", "label": "Read", "grant_at": "there",
                "without_it": "nothing"}],
        });
        let manifest = manifest_check::read(&manifest.to_string()).unwrap();
        let jobs = jobs.iter().map(|id| (*id).to_owned()).collect();
        let (tasks, tenants) = (Mutex::default(), Mutex::default());
        Arc::new(Self { manifest, jobs: Mutex::new(jobs), tasks, tenants })
    }

    fn remove(&self, id: &str) {
        self.jobs.lock().unwrap().remove(id);
    }

    /// The number of tasks with this word.
    fn count(&self, word: &str) -> usize {
        self.tasks.lock().unwrap().iter().filter(|task| **task == word).count()
    }

    fn items(&self, ids: impl Iterator<Item = String>) -> Vec<Item> {
        let item = |id: String| Item {
            kind: "jobs".into(),
            body: json!({"name": format!("Job {id}")}).to_string(),
            id,
            version: None,
            mask: 0,
            raw: None,
        };
        ids.map(item).collect()
    }
}

impl Adapter for Ats {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn start(&self, task: Task, given: Given) -> Result<Result<Step, Failure>, AdapterError> {
        let jobs = self.jobs.lock().unwrap().clone();
        let masks = vec![vec!["name".to_owned()]];
        let (word, outcome) = match task {
            Task::Scan(_) => {
                let items = self.items(jobs.into_iter());
                let page = Page { items, masks, next: None, checkpoint: None, complete: true };
                ("scan", Outcome::Page(page))
            }
            Task::Fetch(asked) => {
                let (shown, missing): (Vec<String>, Vec<String>) =
                    asked.ids.into_iter().partition(|id| jobs.contains(id));
                let items = self.items(shown.into_iter());
                ("fetch", Outcome::Fetched(Fetched { items, masks, missing }))
            }
            Task::DescribeTenant => {
                let tenant = Tenant { fingerprint: "acme".into(), catalogue: CATALOGUE.into() };
                ("tenant", Outcome::Tenant(tenant))
            }
            _ => return Ok(Err(Failure::Invalid(Vec::new()))),
        };
        self.tasks.lock().unwrap().push(word);
        self.tenants.lock().unwrap().push((word, given.tenant));
        Ok(Ok(Step::Done(outcome)))
    }

    fn resume(
        &self,
        _: Continuation,
        _: Given,
        _: Reply,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        Ok(Err(Failure::Protocol("no more is asked".into())))
    }
}

/// A context over an ATS, and the lowest parts.
struct World {
    clock: Arc<ManualClock>,
    ats: Arc<Ats>,
    context: Arc<Context>,
    requests: Arc<Requests>,
    ingest: Arc<Ingest>,
    deletions: Arc<Deletions>,
}

impl World {
    fn new(jobs: &[&str]) -> Self {
        let clock = ManualClock::at(NOW_MS);
        let entropy = SeededEntropy::new(7);
        let transport = Scripted::new(&clock, |_, _| (0, answer(500, &[], "")));
        let options = SessionOptions::new("acme", BTreeMap::new());
        let session =
            Session::new(options, transport, clock.clone(), entropy.clone(), &Shared::default());
        let store =
            clock.drive(ConnectionStore::claim(Arc::new(MemoryStore::default()), "acme")).unwrap();
        let ats = Ats::new(jobs);
        let context = Arc::new(Context::new(ContextParts {
            name: "acme".into(),
            adapter: ats.clone(),
            session: session.unwrap(),
            store,
            clock: clock.clone(),
            entropy,
            settings: Map::new(),
            settle_window_ms: None,
            progress: Arc::new(|_| {}),
            underway: Arc::new(Underway::default()),
        }));
        let requests = Arc::new(Requests::new(context.clone()));
        let ingest = Arc::new(Ingest::new(context.clone(), requests.clone()));
        let deletions = Arc::new(Deletions::new(context.clone(), requests.clone(), ingest.clone()));
        Self { clock, ats, context, requests, ingest, deletions }
    }

    fn job(&self, id: &str) -> Option<ObservedRow> {
        self.clock.drive(self.context.store.observed(&RemoteRef::new("jobs", id))).unwrap()
    }

    /// Pulls the jobs, and lets a day pass.
    fn pull(&self) {
        self.clock.drive(self.ingest.pull("jobs", false)).unwrap();
        self.clock.set(self.clock_ms() + DAY_MS);
    }

    fn clock_ms(&self) -> u64 {
        self.context.clock.now_ms()
    }

    fn planner(&self) -> Arc<Planner> {
        let gatherer =
            Gatherer::new(self.context.clone(), self.ingest.clone(), self.deletions.clone());
        Arc::new(Planner::new(
            self.context.clone(),
            self.requests.clone(),
            self.ingest.clone(),
            self.deletions.clone(),
            Arc::new(gatherer),
            Arc::new(Backoff::new(self.context.clone(), None)),
        ))
    }

    fn executor(&self) -> Arc<Executor> {
        Arc::new(Executor::new(self.context.clone(), self.requests.clone(), self.ingest.clone()))
    }

    fn settler(&self) -> Settler {
        let (context, requests) = (self.context.clone(), self.requests.clone());
        let (ingest, deletions) = (self.ingest.clone(), self.deletions.clone());
        Settler::new(context, requests, ingest, deletions, self.executor())
    }
}

#[test]
fn every_task_receives_what_the_ats_said_of_the_customer_from_the_first_read_on() {
    let world = World::new(&["1"]);
    world.pull();
    let known = Some(CATALOGUE.to_owned());
    let tenants = || std::mem::take(&mut *world.ats.tenants.lock().unwrap());
    assert_eq!(tenants(), [("tenant", None), ("scan", known.clone())]);
    // A later process has it from the store, before it asks the ATS.
    let requests = Requests::new(world.context.clone());
    let task = Task::DescribeTenant;
    world.clock.drive(requests.drive(task, None, Priority::Interactive)).unwrap();
    assert_eq!(tenants(), [("tenant", known.clone()), ("tenant", known)]);
}

#[test]
fn requests_alone_return_the_outcome_and_classify_a_failure() {
    let world = World::new(&[]);
    let requests = &world.requests;
    let task = Task::DescribeTenant;
    let done = world.clock.drive(requests.drive(task, None, Priority::Interactive)).unwrap();
    assert!(matches!(done.outcome, Outcome::Tenant(_)));
    let task = Task::Check("read".into());
    let failed = world.clock.drive(requests.drive(task, None, Priority::Interactive)).unwrap_err();
    let error = world.clock.drive(requests.read_error(failed, "reading jobs"));
    assert!(error.is_of_one_request() && error.to_string().contains("acme"), "{error}");
}

#[test]
fn the_backoff_alone_delays_a_write_that_failed_twice_until_rights_are_given() {
    let world = World::new(&[]);
    let backoff = Backoff::new(world.context.clone(), None);
    let step = PlanStep::new("ref-1", "jobs.create");
    let leave = || {
        let asked = (1, &Value::Null);
        world.clock.drive(backoff.leave_for("ref-1", "jobs.create", &None, asked)).unwrap()
    };
    backoff.failed(&step, 1, "the job cannot be read");
    assert_eq!(leave(), Leave::Now);
    backoff.failed(&step, 1, "the job cannot be read");
    assert!(matches!(leave(), Leave::Unread { times: 2, .. }));
    backoff.rights_given();
    assert_eq!(leave(), Leave::Now);
}

#[test]
fn the_ingest_alone_stores_what_it_reads_and_tombstones_nothing_that_a_fetch_lacks() {
    let world = World::new(&["1", "2"]);
    world.pull();
    assert!(world.job("1").is_some_and(|row| row.body.contains("Job 1")));
    world.ats.remove("2");
    let ids = ["1".to_owned(), "2".to_owned()];
    let none = BTreeMap::new();
    let missing = world.ingest.fetch("jobs", &ids, &none, Priority::Interactive);
    assert_eq!(world.clock.drive(missing).unwrap(), ["2"]);
    assert!(world.job("2").is_some_and(|row| !row.gone));
    let error = world.clock.drive(world.ingest.pull("tasks", false)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Input);
}

#[test]
fn deletions_alone_confirm_a_missing_record_and_no_other() {
    let world = World::new(&["1", "2"]);
    world.pull();
    world.ats.remove("2");
    for (id, is_deleted) in [("1", false), ("2", true)] {
        let row = world.job(id).unwrap();
        let confirmed = world.deletions.confirm_deleted(&row, |proof| Cause::Doubted { proof });
        assert_eq!(world.clock.drive(confirmed).unwrap(), is_deleted, "{id}");
        assert_eq!(world.job(id).unwrap().gone, is_deleted, "{id}");
    }
}

#[test]
fn the_sweeper_alone_confirms_its_suspects() {
    let world = World::new(&["1", "2"]);
    world.pull();
    world.ats.remove("2");
    let sweeper = Sweeper::new(
        world.context.clone(),
        world.requests.clone(),
        world.ingest.clone(),
        world.deletions.clone(),
    );
    let report = world.clock.drive(sweeper.sweep("jobs", SweepOptions::default())).unwrap();
    assert!(report.complete);
    assert_eq!((report.suspected, report.confirmed), (1, 1));
    assert!(world.job("2").is_some_and(|row| row.gone));
}

#[test]
fn the_gatherer_alone_refreshes_a_kind_once_in_a_run() {
    let world = World::new(&["1"]);
    let gatherer =
        Gatherer::new(world.context.clone(), world.ingest.clone(), world.deletions.clone());
    let mut gathered = Gathered::default();
    for _ in 0..3 {
        world.clock.drive(gatherer.refresh_about(&mut gathered, "jobs", None)).unwrap();
    }
    assert_eq!(world.ats.count("scan"), 1);
}

#[test]
fn the_executor_alone_sees_when_a_write_is_moot() {
    let world = World::new(&["1"]);
    world.pull();
    let order = Order {
        path: "ref-1".into(),
        operation: Operation {
            name: "jobs.update".into(),
            target: Some(RemoteRef::new("jobs", "1")),
            input: "{}".into(),
        },
        generation: 1,
        makes: BTreeMap::new(),
        applied: BTreeMap::new(),
        planned_by: None,
        again: None,
    };
    let executor = world.executor();
    assert_eq!(world.clock.drive(executor.why_moot(&order)).unwrap(), None);
    world.ats.remove("1");
    let row = world.job("1").unwrap();
    let confirmed = world.deletions.confirm_deleted(&row, |proof| Cause::Doubted { proof });
    assert!(world.clock.drive(confirmed).unwrap());
    let reason = world.clock.drive(executor.why_moot(&order)).unwrap();
    assert_eq!(reason.as_deref(), Some("jobs/1 is gone"));
}

#[test]
fn the_settler_alone_asks_nothing_while_no_write_is_in_doubt() {
    let world = World::new(&["1"]);
    let settler = world.settler();
    let report = world.clock.drive(settler.settle(Resend::Allowed)).unwrap();
    assert_eq!((report.open, world.clock.drive(settler.next_probe_ms()).unwrap()), (0, None));
    assert!(world.ats.tasks.lock().unwrap().is_empty());
}

#[test]
fn the_planner_alone_reads_nothing_while_nothing_is_declared() {
    let world = World::new(&["1"]);
    let plan = world.clock.drive(world.planner().plan(PlanOf::All)).unwrap();
    assert!(plan.is_empty() && plan.records.is_empty());
    assert!(world.ats.tasks.lock().unwrap().is_empty());
}

#[test]
fn the_applier_alone_refuses_the_plan_of_another_connection() {
    let world = World::new(&["1"]);
    let settler = world.settler();
    let applier = Applier::new(
        world.context.clone(),
        world.requests.clone(),
        world.ingest.clone(),
        Arc::new(Backoff::new(world.context.clone(), None)),
        world.planner(),
        world.executor(),
        Arc::new(settler),
    );
    let plan = Plan { connection: "other".into(), ..Plan::default() };
    let error = world.clock.drive(applier.apply(&plan)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Input);
    let plan = Plan { connection: "acme".into(), ..Plan::default() };
    assert!(world.clock.drive(applier.apply(&plan)).unwrap().is_complete());
}
