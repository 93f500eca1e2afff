//! The adapters that tests run: Greenhouse natively, as the real component with fuel, with a
//! changed manifest, and as an ATS would be that lists a kind only below its parents.

use atsync::internals::adapter::{
    Adapter, AdapterError, ComponentHost, HostOptions, Metering, NativeAdapter, limits, native,
};
use atsync::model::Manifest;
use atsync::model::contract::{
    Continuation, Failure, Field, Given, Outcome, Probed, Reply, Step, Target, Task,
};
use atsync::model::manifest::{EffectClass, ScanRule};
use atsync_adapter::PureAdapter as _;
use atsync_greenhouse::Greenhouse;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

/// The Greenhouse adapter, called natively.
pub fn native_greenhouse() -> Arc<dyn Adapter> {
    Arc::new(NativeAdapter::of::<Greenhouse>().expect("the Greenhouse manifest is valid"))
}

/// The text that the panics of [`panicking_greenhouse`] quote from the record that it was reading.
pub const CANARY: &str = "canary-lovelace";

thread_local! {
    /// The adapter is writing, so the next answer with a 201 is that of its write.
    static WRITES: Cell<bool> = const { Cell::new(false) };
}

/// The Greenhouse adapter, except that it panics over the answer to each create and quotes
/// [`CANARY`].
pub fn panicking_greenhouse() -> Arc<dyn Adapter> {
    fn start(task: Task, given: &Given) -> Result<Step, Failure> {
        WRITES.set(matches!(task, Task::Write(_)));
        Greenhouse::start(task, given)
    }
    let functions = native::Functions { describe: Greenhouse::describe, start, resume: panicking };
    Arc::new(NativeAdapter::new(functions).expect("the Greenhouse manifest is valid"))
}

/// Like [`panicking_greenhouse`], and its probes report without a request that nothing was found.
pub fn panicking_greenhouse_with_a_blank_probe() -> Arc<dyn Adapter> {
    fn start(task: Task, given: &Given) -> Result<Step, Failure> {
        WRITES.set(matches!(task, Task::Write(_)));
        match task {
            Task::Probe(_) => Ok(Step::Done(Outcome::Probed(Probed::Absent(0)))),
            task => Greenhouse::start(task, given),
        }
    }
    let functions = native::Functions { describe: Greenhouse::describe, start, resume: panicking };
    Arc::new(NativeAdapter::new(functions).expect("the Greenhouse manifest is valid"))
}

fn panicking(state: Continuation, given: &Given, reply: Reply) -> Result<Step, Failure> {
    if let Reply::Response(response) = &reply {
        assert!(!(WRITES.get() && response.status == 201), "no such member in the row of {CANARY}");
    }
    Greenhouse::resume(state, given, reply)
}

/// The Greenhouse adapter as it ships: the component, metered by fuel so that the same input takes
/// the same course. Compiled once per process.
pub fn component_greenhouse() -> Arc<dyn Adapter> {
    static COMPONENT: OnceLock<Arc<dyn Adapter>> = OnceLock::new();
    let component = COMPONENT.get_or_init(|| {
        let mut options = HostOptions::default();
        options.metering = Metering::Fuel(limits::FUEL_MAX);
        let host = ComponentHost::new(options).expect("the host starts");
        Arc::new(
            host.load("greenhouse", atsync_adapters_bundled::GREENHOUSE)
                .expect("the bundled adapter loads")
                .vouched(),
        )
    });
    Arc::clone(component)
}

/// The Greenhouse adapter as it ships, metered by time. `cache` holds the compiled code, so only
/// the first test of a build compiles it.
pub fn wasm_greenhouse(cache: &Path) -> Arc<dyn Adapter> {
    let mut options = HostOptions::default();
    options.cache_dir = Some(cache.to_owned());
    let host = ComponentHost::new(options).expect("components can be run here");
    Arc::new(
        host.load("greenhouse", atsync_adapters_bundled::GREENHOUSE)
            .expect("the bundled adapter loads")
            .vouched(),
    )
}

/// An adapter with another value in one place of the manifest; everything else is the inner one's.
#[derive(Debug)]
pub struct Altered {
    inner: Arc<dyn Adapter>,
    manifest: Manifest,
}

impl Altered {
    /// Changes the manifest of an adapter.
    pub fn wrap(inner: Arc<dyn Adapter>, change: impl FnOnce(&mut Manifest)) -> Arc<dyn Adapter> {
        let mut manifest = inner.manifest().clone();
        change(&mut manifest);
        Arc::new(Self { inner, manifest })
    }

    /// Declares an operation as `unsafe`: the engine must never send it again by itself.
    pub fn harmful(inner: Arc<dyn Adapter>, operation: &str) -> Arc<dyn Adapter> {
        Self::wrap(inner, |manifest| {
            let rule = manifest.operations.iter_mut().find(|rule| rule.name == operation);
            rule.unwrap_or_else(|| panic!("there is no operation {operation}")).class =
                EffectClass::Unsafe;
        })
    }
}

impl Adapter for Altered {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn start(&self, task: Task, given: Given) -> Result<Result<Step, Failure>, AdapterError> {
        self.inner.start(task, given)
    }

    fn resume(
        &self,
        state: Continuation,
        given: Given,
        reply: Reply,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        self.inner.resume(state, given, reply)
    }
}

/// A Greenhouse that lists a kind only below each record of another, mostly a candidate. The first
/// page of such a list carries the filter; the links to the others do already. Below a candidate
/// that the test made missing there is nothing to list, which such an ATS would answer with 404.
#[derive(Debug)]
pub struct BelowCandidates {
    inner: Arc<dyn Adapter>,
    kind: String,
    filter: &'static str,
    missing: Mutex<BTreeSet<String>>,
}

impl BelowCandidates {
    /// Lists this kind by candidate.
    pub fn wrap(inner: Arc<dyn Adapter>, kind: &str) -> Arc<Self> {
        Self::below(inner, kind, "candidates", "candidate_ids")
    }

    /// Lists this kind by a parent of another kind, which the parameter `filter` names.
    pub fn below(
        inner: Arc<dyn Adapter>,
        kind: &str,
        parent: &str,
        filter: &'static str,
    ) -> Arc<Self> {
        let inner = Altered::wrap(inner, |manifest| {
            let rule = manifest
                .kinds
                .iter_mut()
                .find(|rule| rule.name == kind)
                .expect("the kind is known");
            rule.scan = ScanRule::ByParent { parent: parent.to_owned() };
        });
        Arc::new(Self { inner, kind: kind.to_owned(), filter, missing: Mutex::default() })
    }

    /// Lists nothing below this candidate.
    pub fn miss(&self, candidate: &str) {
        self.missing.lock().unwrap().insert(candidate.to_owned());
    }
}

impl Adapter for BelowCandidates {
    fn manifest(&self) -> &Manifest {
        self.inner.manifest()
    }

    fn start(&self, mut task: Task, given: Given) -> Result<Result<Step, Failure>, AdapterError> {
        let parent = match &mut task {
            Task::Scan(scan) if scan.kind == self.kind => scan.parent.take(),
            _ => None,
        };
        if let Some(parent) =
            parent.as_ref().filter(|parent| self.missing.lock().unwrap().contains(&parent.id))
        {
            return Ok(Err(Failure::NotFound(format!("{parent} is not shown"))));
        }
        let mut step = self.inner.start(task, given)?;
        if let (Some(parent), Ok(Step::Send(send))) = (parent, &mut step)
            && let Target::Path(path) = &mut send.request.target
        {
            path.query.push(Field::new(self.filter, parent.id));
        }
        Ok(step)
    }

    fn resume(
        &self,
        state: Continuation,
        given: Given,
        reply: Reply,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        self.inner.resume(state, given, reply)
    }
}
