//! Loads adapter components and calls them, each call in a store of its own.
//!
//! One [`ComponentHost`] serves a whole process. It owns the compiler's settings, the cache of
//! compiled code ([`kept`]) and the guests' clock. A component is compiled once ([`compiler`]), or
//! read from the cache when the same bytes were compiled before under the same settings, and linked
//! against *nothing*; a call then makes an instance, runs it and throws it away. No call can see
//! another one's data, and a guest that traps, lies or loops spoils nothing but its own call.
//!
//! # Why instances come from a pool
//! Mapping memory for an instance and unmapping it costs more than an empty call: the kernel's
//! share was three quarters of it. So the runtime holds [`CALLS_MAX`] places, each a stretch of
//! address space that stays mapped; wasmtime sets a place back to the module's initial image before
//! it is used again, so that a call still sees nothing of another one. `benches/adapter_call.rs`
//! measures it. Where the address space for the pool is not available (a limit on virtual memory),
//! instances are made on demand, which is slower and otherwise the same.
//!
//! # What is switched off
//! Everything of WebAssembly that compilers for `wasm32-unknown-unknown` do not need: threads,
//! shared and 64-bit memories, several memories, garbage collection, exceptions, tail calls,
//! relaxed SIMD (it may differ between machines). NaNs are canonical, so that a replay is exact.
//!
//! The only module that knows wasmtime, and left out with it when the feature `components` is off.
//!
//! Left out: WASI in any form, and asynchronous guests. An adapter waits for nothing.

mod bounds;
mod compiler;
mod config;
mod fault;
mod kept;
mod limiter;
pub mod load;
mod metering;
mod notices;
mod options;
mod places;
mod ticker;

pub use compiler::{COMPILE_TIME_MAX, Compiler, CompilerProgram};
pub use kept::CacheUse;
pub use limiter::Limits;
pub use load::LoadError;
pub use metering::Metering;
pub use options::HostOptions;

use super::check;
use super::limits::INSTANCES_MAX;
use super::{Adapter, AdapterError};
use atsync_model::contract::{Continuation, Failure, Given, Reply, Step, Task};
use atsync_model::manifest::Manifest;
use fault::classify;
use kept::Kept;
use limiter::Limiter;
use places::{Places, Who};
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use ticker::Ticker;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, TypedFunc};
use wasmtime::{Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

/// Calls at once; more wait for a place. Arbitrary, far above the cores of a machine: a call
/// computes and waits for nothing.
const CALLS_MAX: u32 = 64;
/// Bytes of a used memory that stay mapped and are set back by copying; what lies beyond goes back
/// to the kernel. A call with little to do stays within, and a page of 500 candidates does not pay
/// for a copy of all that it touched.
const KEPT_BYTES: usize = 1024 * 1024;
/// Places that keep memory while they are not used: a process seldom calls more adapters than this
/// in turn.
const KEPT_PLACES: u32 = 4;

/// The types of `start`, as the component model passes them.
type StartParams = (Task, Given);
/// The types of `resume`.
type ResumeParams = (Continuation, Given, Reply);
/// The answer of both.
type Answered = (Result<Step, Failure>,);

/// The error of setting up a component host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The cache directory cannot be used.
    #[error(
        "compiled adapters cannot be kept in {directory}: {reason}; make it a directory that this \
         user may write, or run without a cache"
    )]
    Cache {
        /// The directory.
        directory: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// This machine cannot run compiled WebAssembly.
    #[error(
        "WebAssembly cannot be run on this machine: {0}; use another machine, or an adapter that \
         is linked in"
    )]
    Engine(String),
    /// The guests' clock has no thread.
    #[error(
        "the thread that ends looping adapters cannot be started; the system's limit of threads \
         may be too low"
    )]
    Ticker(#[source] std::io::Error),
}

/// The state that all adapters of a component host share.
#[derive(Debug)]
struct Shared {
    options: HostOptions,
    /// Before `engine`: the thread must end first.
    ticker: Option<Ticker>,
    engine: Engine,
    cache: Option<Kept>,
    places: Places,
}

/// Loads components. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ComponentHost {
    shared: Arc<Shared>,
}

impl ComponentHost {
    /// Sets up the adapter runtime. Starts one thread when metering by time.
    ///
    /// # Errors
    /// When the cache directory cannot be used or the machine lacks something.
    pub fn new(options: HostOptions) -> Result<Self, HostError> {
        let cache = options.cache_dir.as_deref().map(cache).transpose()?;
        let mut config = config::config(options.metering, options.limits.stack_bytes_max);
        config.allocation_strategy(pool(&options.limits));
        let pooled = Engine::new(&config).or_else(|error| {
            tracing::info!(
                error = format!("{error:#}"),
                "no pool of memory for adapters; they start more slowly"
            );
            config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
            Engine::new(&config)
        });
        let engine = pooled.map_err(|error| HostError::Engine(format!("{error:#}")))?;
        let ticker = match options.metering {
            Metering::Epochs => Some(Ticker::start(engine.clone()).map_err(HostError::Ticker)?),
            Metering::Fuel(_) => None,
        };
        Ok(Self {
            shared: Arc::new(Shared {
                options,
                ticker,
                engine,
                cache,
                places: Places::new(CALLS_MAX, Places::share_of_this_machine()),
            }),
        })
    }

    /// Loads a component from memory. `name` is for messages only.
    ///
    /// # Errors
    /// When the bytes are no component, not an adapter, import something, or describe themselves
    /// wrongly.
    pub fn load(&self, name: &str, bytes: &[u8]) -> Result<ComponentAdapter, LoadError> {
        load::is_component(name, bytes, self.shared.options.limits.component_bytes_max)?;
        let hash = hash(bytes);
        let component = self.compiled(name, bytes, &hash)?;
        load::imports_nothing(name, &component, &self.shared.engine)?;
        ComponentAdapter::new(name, &self.shared, &component, hash)
    }

    /// The component's code: kept from before, or compiled now and kept.
    fn compiled(&self, name: &str, bytes: &[u8], hash: &str) -> Result<Component, LoadError> {
        let Shared { options, engine, cache, .. } = self.shared.as_ref();
        let kept_as = format!("{hash}-{:016x}", fingerprint(engine));
        let kept = cache.as_ref().and_then(|cache| cache.get(&kept_as));
        if let Some(component) = kept.and_then(|code| code_of(engine, &code).ok()) {
            return Ok(component);
        }
        bounds::check(name, bytes, bounds::Room::of(&options.compiler))?;
        if let Some(cache) = cache {
            cache.missed();
        }
        let broken = |reason: String| LoadError::Broken { name: name.into(), reason };
        let keep = |code: &[u8]| {
            if let Some(cache) = cache {
                cache.put(&kept_as, code);
            }
        };
        match &options.compiler {
            Compiler::Here => {
                // A component that makes the compiler panic is broken, and harms only itself.
                let compiled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    Component::from_binary(engine, bytes).map_err(|error| load::reason(&error))
                }));
                let component = compiled
                    .unwrap_or_else(|_| Err("the compiler gave up on it".to_owned()))
                    .map_err(broken)?;
                if cache.is_some()
                    && let Ok(code) = component.serialize()
                {
                    keep(&code);
                }
                Ok(component)
            }
            Compiler::Apart(program) => {
                let code =
                    program.compile(name, options.metering, bytes, options.compile_time_max)?;
                let component = code_of(engine, &code).map_err(|reason| LoadError::Compiler {
                    name: name.into(),
                    program: program.program.display().to_string(),
                    reason,
                })?;
                keep(&code);
                Ok(component)
            }
        }
    }

    /// Loads a component from a file.
    ///
    /// # Errors
    /// As for [`ComponentHost::load`], and when the file cannot be read or is too large to be read.
    pub fn load_file(&self, path: &Path) -> Result<ComponentAdapter, LoadError> {
        let bytes = load::read(path, self.shared.options.limits.component_bytes_max)?;
        self.load(&path.display().to_string(), &bytes)
    }

    /// How often the cache helped so far.
    pub fn cache_use(&self) -> CacheUse {
        self.shared.cache.as_ref().map_or(CacheUse::default(), Kept::used)
    }
}

/// Loads code that wasmtime compiled. Wasmtime refuses code of another version, other settings or
/// another processor.
#[allow(unsafe_code, reason = "the one way to load compiled code")]
fn code_of(engine: &Engine, code: &[u8]) -> Result<Component, String> {
    // SAFETY: these are bytes that wasmtime made, unchanged. They come from the directory of this
    // user, with a MAC that only this user's processes can make (`kept`), or from the program that
    // the host named as its compiler (`compiler`).
    unsafe { Component::deserialize(engine, code) }.map_err(|error| load::reason(&error))
}

/// Tells apart what was compiled under other settings or by another version.
fn fingerprint(engine: &Engine) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

fn hash(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn cache(directory: &Path) -> Result<Kept, HostError> {
    Kept::open(directory)
        .map_err(|reason| HostError::Cache { directory: directory.to_owned(), reason })
}

/// Places for [`CALLS_MAX`] calls, each as large as a component may be. What a guest may use of its
/// place is for the [`Limiter`] to say, as without a pool.
fn pool(limits: &Limits) -> PoolingAllocationConfig {
    let per_component = u32::try_from(INSTANCES_MAX).unwrap_or(u32::MAX);
    let places = CALLS_MAX.saturating_mul(per_component);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(CALLS_MAX)
        .total_core_instances(places)
        .total_memories(places)
        .total_tables(places)
        .max_memories_per_component(per_component)
        .max_tables_per_component(per_component)
        .table_elements(limits.table_elements_max)
        .linear_memory_keep_resident(KEPT_BYTES)
        .table_keep_resident(KEPT_BYTES)
        // Only pages that were used are set back, where the kernel can tell which (Linux 6.7).
        .pagemap_scan(Enabled::Auto)
        .max_unused_warm_slots(KEPT_PLACES);
    pool
}

/// An adapter that is a component.
pub struct ComponentAdapter {
    name: String,
    shared: Arc<Shared>,
    instance: InstancePre<Limiter>,
    start: ComponentExportIndex,
    resume: ComponentExportIndex,
    manifest: Manifest,
    hash: String,
    who: Who,
    is_vouched_for: bool,
}

impl std::fmt::Debug for ComponentAdapter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ComponentAdapter").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ComponentAdapter {
    fn new(
        name: &str,
        shared: &Arc<Shared>,
        component: &Component,
        hash: String,
    ) -> Result<Self, LoadError> {
        let linker: Linker<Limiter> = Linker::new(&shared.engine);
        let instance = linker.instantiate_pre(component).map_err(|error| LoadError::Broken {
            name: name.into(),
            reason: load::reason(&error),
        })?;
        let exports = load::exports(name, component)?;
        // Loaded twice it is still the same code, and has one share of the places.
        let who = u64::from_str_radix(hash.get(..16).unwrap_or_default(), 16).unwrap_or_default();
        let text = describe(name, who, shared, &instance, &exports)?;
        let manifest = super::manifest_check::read(&text)
            .map_err(|reason| LoadError::Manifest { name: name.into(), reason })?;
        Ok(Self {
            name: name.into(),
            shared: Arc::clone(shared),
            instance,
            start: exports.start,
            resume: exports.resume,
            manifest,
            hash,
            who,
            is_vouched_for: false,
        })
    }

    /// The host vouches for the component: it ships with the program, or a person read what it
    /// declares. Then its origins need not be given.
    #[must_use]
    pub fn vouched(mut self) -> Self {
        self.is_vouched_for = true;
        self
    }

    /// The name that it was loaded under: a path or a word.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn answer<P>(
        &self,
        export: &ComponentExportIndex,
        params: P,
    ) -> Result<Result<Step, Failure>, AdapterError>
    where
        P: wasmtime::component::ComponentNamedList + wasmtime::component::Lower + Send + Sync,
    {
        // Given back after the store is gone, and with it what it held of the pool.
        let _place = self.shared.places.take(self.who);
        let mut store = store(&self.shared);
        let _running = self.shared.ticker.as_ref().map(Ticker::run);
        call::<P, Answered>(&mut store, &self.instance, export, params).map(|(answer,)| answer)
    }
}

impl Adapter for ComponentAdapter {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn code_hash(&self) -> Option<&str> {
        Some(&self.hash)
    }

    fn is_vouched_for(&self) -> bool {
        self.is_vouched_for
    }

    fn start(&self, task: Task, given: Given) -> Result<Result<Step, Failure>, AdapterError> {
        let mut answer = self.answer::<StartParams>(&self.start, (task, given))?;
        check::receive(&self.manifest, &mut answer, None)?;
        Ok(answer)
    }

    fn resume(
        &self,
        state: Continuation,
        given: Given,
        reply: Reply,
    ) -> Result<Result<Step, Failure>, AdapterError> {
        let reply_bytes = check::reply(&reply, self.shared.options.limits.reply_bytes_max)?;
        let mut answer = self.answer::<ResumeParams>(&self.resume, (state, given, reply))?;
        check::receive(&self.manifest, &mut answer, reply_bytes)?;
        Ok(answer)
    }
}

/// The first run of a component: compares the types of its functions with the contract's and asks
/// for its manifest.
fn describe(
    name: &str,
    who: Who,
    shared: &Shared,
    instance: &InstancePre<Limiter>,
    exports: &load::Exports,
) -> Result<String, LoadError> {
    let failed = |error: &wasmtime::Error, limiter: &Limiter| LoadError::Describe {
        name: name.into(),
        error: classify(error, limiter),
    };
    let differs = |function: &'static str| {
        move |error: wasmtime::Error| {
            load::wrong(
                name,
                format!("its function {function} has other types: {}", load::reason(&error)),
            )
        }
    };
    let _place = shared.places.take(who);
    let mut store = store(shared);
    let _running = shared.ticker.as_ref().map(Ticker::run);
    let instance =
        instance.instantiate(&mut store).map_err(|error| failed(&error, store.data()))?;
    let describe: TypedFunc<(), (String,)> =
        instance.get_typed_func(&mut store, exports.describe).map_err(differs("describe"))?;
    instance
        .get_typed_func::<StartParams, Answered>(&mut store, &exports.start)
        .map_err(differs("start"))?;
    instance
        .get_typed_func::<ResumeParams, Answered>(&mut store, &exports.resume)
        .map_err(differs("resume"))?;
    let (text,) = describe.call(&mut store, ()).map_err(|error| failed(&error, store.data()))?;
    Ok(text)
}

fn store(shared: &Shared) -> Store<Limiter> {
    let limits = shared.options.limits;
    let mut store = Store::new(&shared.engine, Limiter::new(limits));
    store.limiter(|limiter| limiter);
    store.set_hostcall_fuel(limits.answer_bytes_max);
    match shared.options.metering {
        Metering::Epochs => store.set_epoch_deadline(Ticker::ticks(limits.guest_time_max)),
        // Only a store without fuel refuses fuel.
        Metering::Fuel(units) => store.set_fuel(units).unwrap_or_default(),
    }
    store
}

/// One call in a fresh instance.
fn call<P, R>(
    store: &mut Store<Limiter>,
    instance: &InstancePre<Limiter>,
    export: &ComponentExportIndex,
    params: P,
) -> Result<R, AdapterError>
where
    P: wasmtime::component::ComponentNamedList + wasmtime::component::Lower + Send + Sync,
    R: wasmtime::component::ComponentNamedList + wasmtime::component::Lift + Send + Sync + 'static,
{
    let instance =
        instance.instantiate(&mut *store).map_err(|error| classify(&error, store.data()))?;
    let function: TypedFunc<P, R> = instance
        .get_typed_func(&mut *store, export)
        .map_err(|error| AdapterError::Contract(load::reason(&error)))?;
    function.call(&mut *store, params).map_err(|error| classify(&error, store.data()))
}
