//! Crash-point enumeration: the tests kill every scenario at each of its steps and finish it; the
//! result must be the same as without a crash.
//!
//! A step is an exchange with the ATS (the engine dies before the request is processed, or after it
//! and before the answer) or a write to the store (before it, or after). Besides, each write to the
//! ATS meets each of the answers that leave its outcome open. First a scenario runs without a
//! fault; the test counts its steps and keeps its truth. Then there is one run for each step and
//! kind of fault: after the fault a new engine on the same store syncs until nothing is left, at
//! most [`ROUNDS_MAX`] times. The proof of each run: the truth is that of the run without a fault,
//! times apart, so there is exactly one of everything and no field is lost; no intent is open;
//! planning everything again finds nothing to do and writes nothing; the feed has no gap.
//!
//! A scenario runs in four [`Mode`]s: its state in memory or in redb, on a disk that keeps what was
//! synced; and an ATS that shows writes at once, or each kind as late as the manifest allows, with
//! little time passing after the fault, so that a lost intent shows. In memory and at once, every
//! fault is tried. Of the other modes a usual run tries redb and late together, and the faults
//! around a write: there an intent could be lost. `ATSYNC_CRASH_MODE=all` tries every fault in
//! every mode, a mode's name (`memory-late`, `redb-prompt`, `redb-late`) every fault in that one.
//!
//! The sandbox's model is the truth. Bounds: some three thousand runs, two minutes in all. Left
//! out: two faults in one run, and concurrent changes of recruiters; the simulation has both.

mod scenarios;
mod truth;

use atsync::internals::journal::IntentState;
use atsync::internals::store::Feed;
use atsync::internals::store::Store;
use atsync::internals::store::memory::MemoryStore;
use atsync::internals::store::redb::{RedbOptions, RedbStore};
use atsync::testing::{Disk, ManualClock, SeededEntropy};
use atsync::{Clock, PlanOf};
use atsync_greenhouse_sandbox as sandbox;
use atsync_greenhouse_sandbox::{FaultKind, RepeatedOption, Sandbox, SandboxOptions};
use atsync_tests::{
    Altered, BEGIN_MS, Death, Meddle, StoreUpset, UpsetStore, World, desired, native_greenhouse,
};
use scenarios::{SCENARIOS, Scenario};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use truth::{Truth, difference, ids, truth};

/// Syncs after the fault: one settles and finishes, one reads the results, one proves that nothing
/// is left.
const ROUNDS_MAX: usize = 3;

/// The fault of a run, and its step.
#[derive(Clone, Copy, Debug)]
enum Accident {
    Nothing,
    Exchange { number: u64, manner: Meddle },
    AtsWrite { number: u64, fault: FaultKind },
    StoreWrite { number: u64, upset: StoreUpset },
}

/// The costs and results of a run.
struct Run {
    exchanges: u64,
    store_writes: u64,
    ats_writes: u64,
    /// The numbers of the exchanges that write to the ATS.
    writing: BTreeSet<u64>,
    /// The calls that wrote to the store, in order.
    calls: Vec<&'static str>,
    truth: Truth,
}

/// The place of the state, and the time at which the ATS shows writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mode {
    redb: bool,
    late: bool,
}

const PLAIN: Mode = Mode { redb: false, late: false };
const REDB_LATE: Mode = Mode { redb: true, late: true };
const MODES: [(&str, Mode); 4] = [
    ("memory-prompt", PLAIN),
    ("memory-late", Mode { redb: false, late: true }),
    ("redb-prompt", Mode { redb: true, late: false }),
    ("redb-late", REDB_LATE),
];

/// The delay after which the ATS shows writes: just within what the manifest states, for candidates
/// and applications and for all other kinds.
const SLOW_MS: i64 = 118_000;
const QUICK_MS: i64 = 28_000;
/// The time between two syncs after a fault, if everything shows late.
const PAUSE_MS: u64 = 5 * 60_000;

struct Stage {
    world: World,
    store: Arc<UpsetStore>,
    mode: Mode,
    /// The store's state on its disk, and the store while it is alive.
    disk: Option<Disk>,
    /// The ids that existed when the scenario began.
    old: BTreeSet<i64>,
}

impl Stage {
    /// A new engine on the state of the last one.
    fn revive(&mut self) {
        if let Some(disk) = &self.disk {
            let opened;
            (self.disk, opened) = reopened(disk.remains(1));
            self.store = UpsetStore::new(opened, Arc::clone(&self.world.death));
            self.world.store = Arc::clone(&self.store) as Arc<dyn Store>;
        }
        self.store.spare();
        self.world.restart();
    }

    fn pass(&self, by_ms: u64) {
        self.world.clock.set(self.world.clock.now_ms() + by_ms);
    }
}

fn reopened(image: Vec<u8>) -> (Option<Disk>, Arc<dyn Store>) {
    let disk = Disk::holding(image);
    let mut options = RedbOptions::default();
    options.inline = true;
    let opened = RedbStore::with_backend(disk.clone(), options, &*SeededEntropy::new(2)).unwrap();
    (Some(disk), Arc::new(opened))
}

fn stage(scenario: &Scenario, mode: Mode) -> Stage {
    let clock = ManualClock::at(BEGIN_MS);
    let mut options = SandboxOptions::sized(1, 12);
    options.company.now_ms = Some(i64::try_from(BEGIN_MS).unwrap());
    let time = Arc::clone(&clock);
    options.clock = sandbox::Clock::new(move || i64::try_from(time.now_ms()).unwrap());
    let death = Arc::<Death>::default();
    let (disk, kept) = if mode.redb {
        reopened(Vec::new())
    } else {
        (None, Arc::new(MemoryStore::default()) as Arc<dyn Store>)
    };
    let store = UpsetStore::new(kept, Arc::clone(&death));
    let adapter = match scenario.harmful {
        Some(operation) => Altered::harmful(native_greenhouse(), operation),
        None => native_greenhouse(),
    };
    let mut world = World::mortal(
        Sandbox::new(options),
        clock,
        Arc::clone(&store) as Arc<dyn Store>,
        adapter,
        death,
    );
    for allowed in ["stage_writes", "user_invitations"] {
        world.settings.insert(allowed.to_owned(), Value::Bool(true));
    }
    (scenario.before)(&world);
    world.restart();
    world.sandbox.clear_logs();
    let old = ids(&world.sandbox);
    if mode.late {
        // Earlier writes have long been visible.
        world.clock.set(world.clock.now_ms() + 60 * 60_000);
        world.sandbox.set_quirks(|quirks| {
            quirks.visibility_delay_ms = QUICK_MS;
            for slow in ["candidates", "applications"] {
                quirks.visibility_delays_ms.insert(slow.to_owned(), SLOW_MS);
            }
            quirks.repeated_option = RepeatedOption::AnotherRow;
        });
    }
    Stage { world, store, mode, disk, old }
}

fn is_write(method: &str, path: &str) -> bool {
    method != "GET" && path != "/token"
}

/// Arms the world for the fault. Numbers count from here.
fn arm(stage: &Stage, accident: Accident) {
    let base = stage.world.wire.exchanges.load(Ordering::SeqCst);
    let stored = stage.store.writes();
    match accident {
        Accident::Nothing => {}
        Accident::Exchange { number, manner: Meddle::DieBefore } => {
            stage.world.wire.kill_before.store(base + number, Ordering::SeqCst);
        }
        Accident::Exchange { number, .. } => {
            stage.world.wire.kill_at.store(base + number, Ordering::SeqCst)
        }
        Accident::AtsWrite { number, fault } => {
            let mut seen = 0;
            stage.world.wire.meddle(move |request| {
                seen += u64::from(is_write(&request.method, request.url.path()));
                let hit = seen == number && is_write(&request.method, request.url.path());
                hit.then_some(Meddle::Fault(fault))
            });
        }
        Accident::StoreWrite { number, upset } => {
            stage.store.upset(move |write, _| (write == stored + number).then_some(upset));
        }
    }
}

/// One run from the beginning to its end. The error says which law was broken.
fn run(scenario: &Scenario, mode: Mode, accident: Accident) -> Result<Run, String> {
    let mut stage = stage(scenario, mode);
    let declared = (scenario.declared)(&stage.world).to_string();
    let records = desired(&declared);
    let exchanges = stage.world.wire.exchanges.load(Ordering::SeqCst);
    let stored = stage.store.writes();
    let skipped = stage.store.calls().len();
    arm(&stage, accident);
    let writing = Arc::new(Mutex::new(BTreeSet::new()));
    if matches!(accident, Accident::Nothing) {
        let (noted, mut number) = (Arc::clone(&writing), 0);
        stage.world.wire.meddle(move |request| {
            number += 1;
            if is_write(&request.method, request.url.path()) {
                noted.lock().unwrap().insert(number);
            }
            None
        });
    }
    let life = async {
        let acme = stage.world.engine().connect(stage.world.options()).await?;
        acme.declare(&records).await?;
        acme.sync().await.map(drop)
    };
    let ended = stage.world.live(life);
    let died = ended.is_none();
    if let (Accident::Nothing, Some(Err(error))) = (accident, &ended) {
        return Err(format!("without an accident: {error}"));
    }
    let exchanges = stage.world.wire.exchanges.load(Ordering::SeqCst) - exchanges;
    let store_writes = stage.store.writes() - stored;
    let ats_writes = u64::try_from(stage.world.written().len()).unwrap();
    let writing = writing.lock().unwrap().clone();
    let expected = matches!(
        accident,
        Accident::Exchange { .. }
            | Accident::StoreWrite { upset: StoreUpset::DieBefore | StoreUpset::DieAfter, .. }
    );
    if died != expected {
        return Err(format!("died: {died}, although {accident:?}"));
    }
    let calls = stage.store.calls();
    stage.revive();
    if mode.late {
        // Soon enough that the last writes do not show yet.
        stage.pass(if accident.number().is_multiple_of(2) { 0 } else { 20_000 });
    }
    finish(scenario, &stage, &records)?;
    let truth = truth(&stage.world.sandbox, &stage.old);
    Ok(Run {
        exchanges,
        store_writes,
        ats_writes,
        writing,
        calls: calls.into_iter().skip(skipped).collect(),
        truth,
    })
}

fn finish(
    scenario: &Scenario,
    stage: &Stage,
    records: &[atsync::model::desired::Desired],
) -> Result<(), String> {
    let world = &stage.world;
    let acme = world.connect();
    world.run(acme.declare(records)).map_err(|error| format!("declaring again: {error}"))?;
    for _ in 0..ROUNDS_MAX + usize::from(stage.mode.late) {
        world.run(acme.sync()).map_err(|error| format!("syncing again: {error}"))?;
        stage.pass(if stage.mode.late { PAUSE_MS } else { 0 });
    }
    let open = world.run(acme.open_intents()).unwrap();
    let is_blocked =
        |state: &IntentState| matches!(state, IntentState::InDoubt { blocked: true, .. });
    let allowed = |intent: &atsync::internals::journal::Intent| {
        Some(intent.operation.as_str()) == scenario.harmful
            && is_blocked(&intent.state)
            && intent.attempt == 1
    };
    if let Some(intent) = open.iter().find(|intent| !allowed(intent)) {
        return Err(format!("an intent is left open: {intent:?}"));
    }
    if scenario.harmful.is_some() {
        let requests = world.sandbox.requests();
        // 401 and 429 say that the request was not executed.
        let notes = requests
            .iter()
            .filter(|request| request.method == "POST" && request.path.ends_with("/notes"));
        let sent = notes.filter(|request| ![401, 429].contains(&request.status)).count();
        if sent > 1 {
            return Err(format!("the note was sent {sent} times"));
        }
    }
    world.sandbox.clear_logs();
    let plan =
        world.run(acme.plan(PlanOf::All)).map_err(|error| format!("planning all: {error}"))?;
    if !plan.is_empty() || plan.blocked().next().is_some() {
        return Err(format!("something is left: {}", atsync::internals::plan::words::plan(&plan)));
    }
    world.run(acme.sync()).map_err(|error| format!("the last sync: {error}"))?;
    if !world.written().is_empty() {
        return Err(format!("writes with nothing to do: {:?}", world.written()));
    }
    let changes = world.run(stage.store.changes("acme", 0, 10_000)).unwrap();
    let gap = changes.iter().zip(1..).find(|(change, serial)| change.serial != *serial);
    gap.map_or(Ok(()), |(change, serial)| {
        Err(format!("the feed has {} where {serial} belongs", change.serial))
    })
}

/// The answers that leave open whether a write happened, and two that do not.
const FAULTS: &[FaultKind] = &[
    FaultKind::DropBefore,
    FaultKind::DropAfter,
    FaultKind::AppliedThen { status: 504 },
    FaultKind::NotApplied { status: 503 },
    FaultKind::Truncate { bytes: 1 },
    FaultKind::Html,
    FaultKind::InvalidJson,
    FaultKind::TooManyRequests,
    FaultKind::Unauthorized,
];

impl Accident {
    /// Its place in the run.
    fn number(self) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Exchange { number, .. }
            | Self::AtsWrite { number, .. }
            | Self::StoreWrite { number, .. } => number,
        }
    }

    /// Whether it falls on a write to the ATS, or on the store's record of one.
    fn is_around_a_write(self, rehearsal: &Run) -> bool {
        match self {
            Self::Nothing => false,
            Self::AtsWrite { .. } => true,
            Self::Exchange { number, .. } => rehearsal.writing.contains(&number),
            Self::StoreWrite { number, upset } => {
                let call = usize::try_from(number - 1).ok().and_then(|at| rehearsal.calls.get(at));
                upset != StoreUpset::Full && call.is_some_and(|call| call.ends_with("_intent"))
            }
        }
    }
}

/// The modes of this run, and whether every fault is tried in them.
fn modes() -> Vec<(Mode, bool)> {
    match std::env::var("ATSYNC_CRASH_MODE").as_deref() {
        Ok("all") => MODES.iter().map(|(_, mode)| (*mode, true)).collect(),
        Ok(name) => {
            let mode = MODES.iter().find(|(known, _)| *known == name);
            vec![(
                mode.unwrap_or_else(|| {
                    panic!("ATSYNC_CRASH_MODE is all or a mode's name, not {name}")
                })
                .1,
                true,
            )]
        }
        Err(_) => vec![(PLAIN, true), (REDB_LATE, false)],
    }
}

fn accidents(rehearsal: &Run) -> Vec<Accident> {
    let mut all = Vec::new();
    for number in 1..=rehearsal.exchanges {
        for manner in [Meddle::DieBefore, Meddle::DieAfter] {
            all.push(Accident::Exchange { number, manner });
        }
    }
    for number in 1..=rehearsal.store_writes {
        for upset in [StoreUpset::DieBefore, StoreUpset::DieAfter, StoreUpset::Full] {
            all.push(Accident::StoreWrite { number, upset });
        }
    }
    for number in 1..=rehearsal.ats_writes {
        all.extend(FAULTS.iter().map(|&fault| Accident::AtsWrite { number, fault }));
    }
    all
}

fn enumerate(scenario: &Scenario, mode: Mode, every: bool) -> (usize, Vec<String>) {
    let rehearsal = run(scenario, mode, Accident::Nothing)
        .unwrap_or_else(|broken| panic!("{}: {broken}", scenario.name));
    assert!(
        rehearsal.ats_writes >= scenario.writes,
        "{}: {} writes prove less than {}",
        scenario.name,
        rehearsal.ats_writes,
        scenario.writes
    );
    let mut accidents = accidents(&rehearsal);
    accidents.retain(|accident| every || accident.is_around_a_write(&rehearsal));
    let mut broken = Vec::new();
    for accident in &accidents {
        let law = match run(scenario, mode, *accident) {
            Err(law) => Some(law),
            // A write that must never be sent twice may be missing in the end; a duplicate was
            // ruled out above.
            Ok(_) if scenario.harmful.is_some() => None,
            Ok(run) => difference(&rehearsal.truth, &run.truth),
        };
        broken.extend(law.map(|law| format!("{}, {mode:?}, {accident:?}: {law}", scenario.name)));
    }
    (accidents.len(), broken)
}

/// The law of all tests here, for one scenario.
fn ends_as_if_nothing_had_happened(name: &str) {
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name).unwrap();
    let mut all = Vec::new();
    for (mode, every) in modes() {
        let (accidents, broken) = enumerate(scenario, mode, every);
        println!("{name}, {mode:?}: {accidents} accidents");
        all.extend(broken);
    }
    assert!(all.is_empty(), "{} broken laws\n{}", all.len(), all.join("\n"));
}

/// One test per scenario, so that they run in parallel and each failure names its scenario.
macro_rules! crashed_anywhere {
    ($($test:ident: $name:literal,)*) => {
        $(#[test]
        fn $test() {
            ends_as_if_nothing_had_happened($name);
        })*

        #[test]
        fn every_scenario_has_its_test_and_every_class_its_scenario() {
            let tested = [$($name),*];
            assert!(tested.len() >= 8);
            assert!(SCENARIOS.iter().all(|scenario| tested.contains(&scenario.name)));
            let mut classes = BTreeSet::new();
            for scenario in SCENARIOS {
                let stage = stage(scenario, PLAIN);
                let records = desired(&(scenario.declared)(&stage.world).to_string());
                let acme = stage.world.connect();
                stage.world.run(acme.declare(&records)).unwrap();
                let plan = stage.world.run(acme.plan(PlanOf::Dirty)).unwrap();
                let steps = plan.shared.iter().chain(plan.records.iter().flat_map(|record| &record.steps));
                classes.extend(steps.map(|step| format!("{:?}",
                    acme.manifest().operation(&step.operation).unwrap().class)));
            }
            assert_eq!(classes.len(), 4, "{classes:?}");
        }
    };
}

crashed_anywhere! {
    a_new_candidate_with_everything: "a new candidate with an application, tags and a note",
    a_new_candidate_alone: "a new candidate without an application",
    an_adopted_candidate: "an existing candidate is adopted and updated",
    a_tag_shared_by_two: "two candidates share a new tag",
    new_tags: "a known candidate gets new tags",
    notes: "a known candidate gets notes",
    another_application: "a known candidate applies to another job",
    a_prospect: "a prospect in a pool",
    a_file: "a file is attached",
    a_removed_tag: "a tag is removed",
    changed_fields: "contacts and custom fields change",
    a_move: "an application moves to another stage",
    a_rejection: "an application is rejected",
    a_new_application_that_is_rejected: "a new candidate with an application that is rejected in a \
        later stage",
    a_new_application_that_is_hired: "a known candidate gets an application that is hired",
    a_conversion: "a prospect becomes an application",
    a_defined_value: "a value whose field, choice and user are declared with it",
    an_education_and_employments: "a known candidate gets an education and employments",
    an_employment_replaced: "an employment is removed and another one added",
    a_harmful_note: "a note that must never be sent twice",
}
