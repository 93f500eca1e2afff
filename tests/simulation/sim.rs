//! One simulated history: a host, a recruiter, lives of an engine, and faults and fates between
//! them and within.
//!
//! The seed decides everything random: chance, the engine's randomness, both clocks, the wire, the
//! store. The ATS keeps a clock of its own; only the engine's jumps. A history has
//! [`Options::rounds`] rounds in which any fault may occur, then at most [`CALM_LIVES`] lives
//! without faults, after which every law must hold. The trace lists the events, line by line, and
//! the same seed gives the same.

use crate::chance::Chance;
use crate::fates::Fates;
use crate::faults::{Counts, befall, leaves_in_doubt};
use crate::host::{Catalogue, Host};
use crate::laws;
use crate::liar::Liar;
use crate::office::{Files, Office};
use crate::recruiter::Recruiter;
use atsync::internals::store::memory::MemoryStore;
use atsync::internals::store::redb::{RedbOptions, RedbStore};
use atsync::internals::store::{Cause, Change, ChangeWhat, Store};
use atsync::model::contract::Hint;
use atsync::model::kinds;
use atsync::testing::{Disk, ManualClock, SeededEntropy};
use atsync::{Clock, Error, SweepOptions};
use atsync_greenhouse_sandbox as sandbox;
use atsync_greenhouse_sandbox::{Deed, Logged, Quirks, Sandbox, SandboxOptions, Writer};
use atsync_tests::{
    Altered, BEGIN_MS, Death, StoreUpset, UpsetStore, World, component_greenhouse, desired,
    native_greenhouse,
};
use futures_util::TryStreamExt;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Lives without faults within which everything is in step: one settles and works, one reads all
/// that faults hid and works on it, one proves it.
const CALM_LIVES: usize = 3;
/// How long an edit may stay invisible if the ATS is not late.
const VISIBLE_MS: u64 = 4_000;
/// The same for a late ATS, just within what the manifest states: for candidates and applications,
/// and for all other kinds.
const SLOW_MS: u64 = 118_000;
const QUICK_MS: u64 = 28_000;
/// For how many exchanges after a lost answer fates and edits come often.
const DOUBTFUL: u64 = 10;
const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;
/// Kinds that a life may pull.
pub(crate) const PULLED: &[&str] = &[
    kinds::CANDIDATES,
    kinds::APPLICATIONS,
    kinds::APPLIED_TAGS,
    kinds::TAGS,
    kinds::NOTES,
    kinds::ATTACHMENTS,
];

/// The choices of a history, all from the seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub(crate) seed: u64,
    pub(crate) rounds: u64,
    /// The durable store on a disk that can lose power, instead of the one in memory.
    pub(crate) redb: bool,
    /// The real component with fuel instead of the native adapter.
    pub(crate) component: bool,
    /// Notes are declared `unsafe`.
    pub(crate) harmful: bool,
    /// The connection opted in to stage writes.
    pub(crate) lifecycle: bool,
    /// Each kind shows writes as late as the manifest allows.
    pub(crate) late: bool,
    /// Besides, deaths cut off more writes, and the next life starts before they show.
    pub(crate) hasty: bool,
    /// The ATS, or a cache on the way, does not know the time.
    pub(crate) liar: bool,
    /// The host declares educations and employments as well.
    pub(crate) backgrounds: bool,
    /// One in so many exchanges has a fault.
    pub(crate) rarity: u64,
}

impl Options {
    pub(crate) fn of(seed: u64) -> Self {
        let mut chance = Chance::of(seed, "options");
        Self {
            seed,
            rounds: 14,
            redb: seed % 2 == 1,
            component: seed % 5 == 2,
            harmful: seed % 4 == 3,
            lifecycle: chance.one_in(3),
            late: seed % 3 == 1,
            hasty: false,
            liar: false,
            // Every fourth, so that the histories of the other seeds stay as they are.
            backgrounds: seed % 4 == 2,
            rarity: *chance.pick(&[12, 25, 60]),
        }
    }

    /// How long an actor in the ATS waits until their act shows.
    fn visible_ms(self) -> u64 {
        if self.late { SLOW_MS } else { VISIBLE_MS }
    }
}

/// The result of a history.
pub(crate) struct Outcome {
    pub(crate) trace: Vec<String>,
    pub(crate) counts: Counts,
    pub(crate) simulated_ms: u64,
    pub(crate) lives: u64,
    pub(crate) exchanges: u64,
    pub(crate) broken: Vec<String>,
}

/// A history under way.
pub(crate) struct Sim {
    pub(crate) options: Options,
    pub(crate) world: World,
    memory: Arc<MemoryStore>,
    disk: Option<Disk>,
    store: Arc<UpsetStore>,
    chance: Chance,
    pub(crate) host: Host,
    pub(crate) office: Office,
    /// The fates as of the end of the last life.
    pub(crate) fates: Fates,
    catalogue: Catalogue,
    /// How far the engine's clock is ahead of the ATS's.
    ahead_ms: Arc<AtomicI64>,
    trace: Arc<Mutex<Vec<String>>>,
    counts: Counts,
    lives: u64,
    exchanges: u64,
    /// Calm lives sweep all kinds.
    sweeps: bool,
    /// The last life of a hasty history was killed: the next one starts before anything shows that
    /// was on its way.
    hasty: bool,
    pub(crate) broken: Vec<String>,
    /// Writes of this life that the office has checked.
    watched: Arc<AtomicUsize>,
    /// Every request and API write so far.
    pub(crate) requests: Vec<Logged>,
    pub(crate) made: BTreeSet<(&'static str, i64)>,
    pub(crate) updated: BTreeSet<(&'static str, i64)>,
    pub(crate) deleted: BTreeSet<(&'static str, i64)>,
    /// Candidates as the company had them.
    pub(crate) initial: BTreeMap<i64, Value>,
    /// The acknowledged offset of the feed's consumer.
    pub(crate) acknowledged_serial: u64,
}

/// Runs the history of a seed.
pub(crate) fn simulate(options: Options) -> Outcome {
    let mut sim = Sim::new(options);
    for round in 0..options.rounds {
        sim.say(format!("-- round {round}"));
        sim.round();
        if !sim.broken.is_empty() {
            break;
        }
    }
    if sim.broken.is_empty() {
        for calm in 0..CALM_LIVES {
            sim.say(format!("-- calm {calm}"));
            // Two days, since a record ingested while the clock was ahead stays young until the
            // clock has been there again, and since a wait whose clocks disagreed ends a day after
            // its write by our own clock, which jumped by hours.
            sim.pass_ms(if calm == 1 { 2 * DAY_MS } else { 20 * MINUTE_MS });
            // The first sweeps finish what faults cut off, the second ones see everything, the
            // third ones what was removed since and showed a while longer.
            sim.sweeps = true;
            sim.be_born();
            sim.life(false);
        }
        laws::at_the_end(&mut sim);
    }
    let trace = std::mem::take(&mut *sim.trace.lock().unwrap());
    Outcome {
        trace,
        counts: sim.counts.clone(),
        simulated_ms: sim.ats_now_ms().saturating_sub(BEGIN_MS),
        lives: sim.lives,
        exchanges: sim.exchanges,
        broken: sim.broken,
    }
}

fn quirks(chance: &mut Chance) -> Quirks {
    use sandbox::{
        CreateAnswer, CustomFieldsPatch, DeleteAnswer, ErrorShape, FromStage, LastLink,
        RepeatedTag, RetryAfter, Transfer,
    };
    Quirks {
        create_answer: *chance.pick(&[
            CreateAnswer::Wrapped,
            CreateAnswer::Bare,
            CreateAnswer::Stub,
        ]),
        from_stage: *chance.pick(&[FromStage::JobInterviewStage, FromStage::ApplicationStage]),
        custom_fields_patch: *chance
            .pick(&[CustomFieldsPatch::ReplaceAll, CustomFieldsPatch::Merge]),
        delete_answer: *chance.pick(&[DeleteAnswer::Message, DeleteAnswer::NoContent]),
        error_shape: *chance.pick(&[ErrorShape::Rotate, ErrorShape::V1]),
        last_link: *chance.pick(&[LastLink::Empty, LastLink::Absent]),
        repeated_tag: *chance.pick(&[RepeatedTag::AnotherRow, RepeatedTag::Refuse]),
        retry_after: *chance.pick(&[RetryAfter::Sent, RetryAfter::Missing]),
        children_touch_candidate: chance.one_in(2),
        unchanged_patch_is_silent: chance.one_in(2),
        unknown_field: chance.one_in(2),
        scopes_in_token: chance.one_in(2),
        single_active_token: chance.one_in(3),
        transfer: *chance.pick(&[Transfer::KeepsId, Transfer::NewId]),
        visibility_delay_ms: *chance.pick(&[0, 0, 1_500, i64::try_from(VISIBLE_MS).unwrap()]),
        ..Quirks::default()
    }
}

impl Sim {
    fn new(options: Options) -> Self {
        let mut chance = Chance::of(options.seed, "world");
        let clock = ManualClock::at(BEGIN_MS);
        let ahead_ms = Arc::<AtomicI64>::default();
        let mut company = SandboxOptions::sized(options.seed, 24);
        company.company.now_ms = Some(i64::try_from(BEGIN_MS).unwrap());
        company.quirks = quirks(&mut chance);
        if options.late {
            // Drawn separately, so that everything else of the history stays as it is.
            let mut chance = Chance::of(options.seed, "late");
            company.quirks.visibility_delay_ms = 1 + i64::try_from(chance.below(QUICK_MS)).unwrap();
            for slow in ["candidates", "applications"] {
                let delay_ms = 1 + i64::try_from(chance.below(SLOW_MS)).unwrap();
                company.quirks.visibility_delays_ms.insert(slow.to_owned(), delay_ms);
            }
            company.quirks.repeated_option = sandbox::RepeatedOption::AnotherRow;
        }
        let (time, ahead) = (Arc::clone(&clock), Arc::clone(&ahead_ms));
        company.clock = sandbox::Clock::new(move || {
            i64::try_from(time.now_ms()).unwrap() - ahead.load(Ordering::SeqCst)
        });
        let sandbox = Sandbox::new(company);
        let adapter = if options.component { component_greenhouse() } else { native_greenhouse() };
        let adapter =
            if options.harmful { Altered::harmful(adapter, "notes.create") } else { adapter };
        // Small pages, so that a small company has many.
        let adapter = Altered::wrap(adapter, |manifest| {
            for kind in
                manifest.kinds.iter_mut().filter(|kind| PULLED.contains(&kind.name.as_str()))
            {
                kind.page_max = 10;
            }
        });
        let death = Arc::<Death>::default();
        let memory = Arc::<MemoryStore>::default();
        let store = UpsetStore::new(Arc::clone(&memory) as Arc<dyn Store>, Arc::clone(&death));
        let stored = Arc::clone(&store) as Arc<dyn Store>;
        let mut world = World::mortal(sandbox.clone(), clock, stored, adapter, Arc::clone(&death));
        world.settings.insert("stage_writes".to_owned(), Value::Bool(options.lifecycle));
        let disk = options.redb.then(|| mortal_disk(Vec::new(), &death));
        let rows = sandbox.rows("candidates");
        let initial: BTreeMap<i64, Value> =
            rows.iter().filter_map(|row| Some((row["id"].as_i64()?, row.clone()))).collect();
        let mut catalogue = catalogue(&sandbox);
        let job = catalogue.jobs.pop().and_then(|job| job.parse().ok());
        let known = catalogue.known.iter().flat_map(|email| sandbox.candidates_by_email(email));
        let known: BTreeSet<i64> = known.filter_map(|row| row["id"].as_i64()).collect();
        let company: BTreeSet<i64> = initial.keys().copied().collect();
        // A candidate who is blank from the start stays so for the engine, whoever is merged into
        // them.
        let is_blank = |id: &i64| initial[id]["first_name"].is_null();
        let free = company.difference(&known).copied().filter(|id| !is_blank(id)).collect();
        let fates = Fates::new(options.seed, company.clone(), free, job);
        let (counts, trace) = (Counts::default(), Arc::<Mutex<Vec<String>>>::default());
        let office = Office {
            sandbox,
            fates: Arc::new(Mutex::new(fates.clone())),
            recruiter: Arc::new(Mutex::new(Recruiter::new(options.seed, company))),
            makings: Arc::default(),
            broken: Arc::default(),
            counts: counts.clone(),
            trace: Arc::clone(&trace),
        };
        Self {
            world,
            memory,
            disk,
            store,
            chance,
            host: Host::new(options),
            office,
            fates,
            catalogue,
            ahead_ms,
            trace,
            counts,
            lives: 0,
            exchanges: 0,
            sweeps: false,
            hasty: false,
            broken: Vec::new(),
            watched: Arc::default(),
            requests: Vec::new(),
            made: BTreeSet::new(),
            updated: BTreeSet::new(),
            deleted: BTreeSet::new(),
            initial,
            acknowledged_serial: 0,
            options,
        }
    }

    pub(crate) fn say(&self, line: String) {
        self.trace.lock().unwrap().push(line);
    }

    /// Notes a law that was broken.
    pub(crate) fn broke(&mut self, law: String) {
        self.say(format!("BROKEN: {law}"));
        self.broken.push(law);
    }

    fn ats_now_ms(&self) -> u64 {
        u64::try_from(
            i64::try_from(self.world.clock.now_ms()).unwrap()
                - self.ahead_ms.load(Ordering::SeqCst),
        )
        .unwrap()
    }

    pub(crate) fn pass_ms(&self, by_ms: u64) {
        self.world.clock.set(self.world.clock.now_ms() + by_ms);
    }

    fn round(&mut self) {
        self.be_born();
        if std::mem::take(&mut self.hasty) {
            let mut chance = Chance::of(self.options.seed, &format!("haste {}", self.lives));
            self.pass_ms(*chance.pick(&[0, 1_000, 10_000]));
            return self.life(true);
        }
        for _ in 0..=self.chance.below(2) {
            let deed = self.host.act(&mut self.catalogue);
            self.say(deed);
        }
        for _ in 0..self.chance.below(3) {
            self.office.edit(&self.files());
            // Greenhouse has no way to say "only if unchanged": an edit that its own reads do not
            // show yet cannot be merged with.
            self.pass_ms(self.options.visible_ms());
        }
        if self.office.work_in_doubt(&self.files()) {
            self.pass_ms(self.options.visible_ms());
        }
        if self.chance.one_in(2) && self.office.fate(&self.files()) {
            self.pass_ms(self.options.visible_ms());
        }
        let minutes = *self.chance.pick(&[0, 1, 5, 30, 240]);
        self.pass_ms(minutes * MINUTE_MS);
        if self.options.late {
            // At a moment when none of the last writes shows yet, when some of them do, and when
            // all do.
            let mut chance = Chance::of(self.options.seed, &format!("pause {}", self.lives));
            self.pass_ms(*chance.pick(&[0, 5_000, 20_000, 60_000]));
        }
        if self.chance.one_in(5) {
            self.jump();
        }
        self.life(true);
    }

    fn files(&self) -> Files {
        let store = Arc::clone(&self.store) as Arc<dyn Store>;
        Files { store, keys: self.host.wanted.keys().cloned().collect() }
    }

    /// The engine's clock jumps, the ATS's does not.
    fn jump(&mut self) {
        let by_ms = i64::try_from((1 + self.chance.below(180)) * MINUTE_MS).unwrap();
        let ahead = self.chance.one_in(2);
        let by_ms = if ahead { by_ms } else { -by_ms };
        self.counts.fired(if ahead { "clock jumps ahead" } else { "clock jumps back" });
        self.say(format!("the clock jumps by {by_ms} ms"));
        self.ahead_ms.fetch_add(by_ms, Ordering::SeqCst);
        self.world.clock.jump(by_ms);
    }

    /// A new engine on the state of the last one.
    pub(crate) fn be_born(&mut self) {
        self.lives += 1;
        let death = Arc::clone(&self.world.death);
        let mut inner = Arc::clone(&self.memory) as Arc<dyn Store>;
        if let Some(disk) = &self.disk {
            let image = disk.remains(self.options.seed.wrapping_mul(31).wrapping_add(self.lives));
            let disk = mortal_disk(image, &death);
            let mut options = RedbOptions::default();
            options.inline = true;
            let opened = RedbStore::with_backend(
                disk.clone(),
                options,
                &*SeededEntropy::new(self.options.seed + 1),
            );
            inner =
                Arc::new(opened.unwrap_or_else(|error| panic!("the store does not open: {error}")));
            self.disk = Some(disk);
        }
        self.store = UpsetStore::new(inner, death);
        self.world.store = Arc::clone(&self.store) as Arc<dyn Store>;
        self.world.restart();
    }

    /// One life of the engine that was born: the host declares to it, it pulls and syncs, and the
    /// consumer reads the feed.
    pub(crate) fn life(&mut self, faulty: bool) {
        let mut pulls: Vec<(&str, bool)> = PULLED.iter().map(|kind| (*kind, true)).collect();
        let mut sweeps: Vec<(&str, u64)> = Vec::new();
        let mut hints: Vec<(bool, Hint)> = Vec::new();
        if self.sweeps {
            sweeps.extend(PULLED.iter().map(|kind| (*kind, u64::MAX)));
        }
        if faulty {
            hints = self.office.fates.lock().unwrap().hints(&self.world.sandbox);
            for _ in 0..self.chance.below(3) {
                let kind = *self.chance.pick(&[kinds::CANDIDATES, kinds::APPLICATIONS]);
                sweeps.push((kind, *self.chance.pick(&[1, 1, 2, 3, u64::MAX])));
            }
            self.arm();
            let share = self.chance.below(3);
            pulls.retain(|_| self.chance.below(4) < share);
            pulls.iter_mut().for_each(|(_, full)| *full = self.chance.one_in(4));
        }
        let lines: Vec<String> = self.host.declares().iter().map(Value::to_string).collect();
        let records = desired(&lines.join("\n"));
        let (declared, serial) = (Cell::new(false), Cell::new(self.acknowledged_serial));
        let (counts, partial) = (self.counts.clone(), RefCell::new(Vec::new()));
        let trace = Arc::clone(&self.trace);
        let life = async {
            let acme = self.world.engine().connect(self.world.options()).await?;
            acme.declare(&records).await?;
            declared.set(true);
            for (kind, full) in &pulls {
                let _ = if *full { acme.pull_full(kind).await } else { acme.pull(kind).await }?;
            }
            for (is_true, hint) in &hints {
                let end = acme.hint(hint.clone()).await?;
                trace.lock().unwrap().push(format!("hint {hint:?}: {end:?}"));
                counts.fired(if *is_true { "a hint" } else { "a lie for a hint" });
            }
            for (kind, pages_max) in &sweeps {
                let before = swept(&acme, self.acknowledged_serial).await?;
                let report =
                    acme.sweep(kind, SweepOptions::default().pages_max(*pages_max)).await?;
                trace.lock().unwrap().push(format!("{report:?}"));
                if report.resumed {
                    counts.fired("a sweep goes on");
                }
                if !report.complete {
                    counts.fired("a sweep stops half way");
                    if swept(&acme, self.acknowledged_serial).await? != before {
                        partial.borrow_mut().push(format!(
                            "a sweep of {kind} that did not end reported a deletion"
                        ));
                    }
                }
            }
            let (plan, report) = acme.sync().await?;
            for step in report.steps.iter().map(|step| serde_json::to_value(step).unwrap()) {
                if !["applied", "unneeded"].contains(&step["end"].as_str().unwrap()) {
                    trace.lock().unwrap().push(format!("step {step}"));
                }
            }
            let from = acme.offset("crm").await?;
            let changes: Vec<_> = acme.changes(from).try_collect().await?;
            if let Some(last) = changes.last() {
                acme.acknowledge("crm", last.serial).await?;
                serial.set(last.serial);
            }
            Ok::<_, Error>(format!(
                "{} planned, {} steps, {:?}",
                plan.writes(),
                report.steps.len(),
                report.settled
            ))
        };
        let ended = self.world.live(life);
        self.hasty = ended.is_none() && self.options.hasty;
        let words = match &ended {
            None => "killed".to_owned(),
            Some(Ok(words)) => words.clone(),
            Some(Err(error)) => format!("{:?}: {error}", error.kind()),
        };
        if declared.get() {
            self.host.acknowledged = self.host.wanted.clone();
        }
        self.acknowledged_serial = serial.get();
        self.after(&words);
        for law in partial.into_inner() {
            self.broke(law);
        }
        if !faulty && !matches!(ended, Some(Ok(_))) {
            self.broke(format!("a life without faults ended so: {words}"));
        }
        laws::at_any_time(self);
    }

    fn after(&mut self, words: &str) {
        if let Some(disk) = &self.disk {
            if let Some(fault) = disk.cut() {
                self.counts.fired(fault);
                self.say(format!("! {fault}"));
            }
            disk.spare();
        }
        self.store.spare();
        self.world.wire.spare();
        self.office.watch(
            &(Arc::clone(&self.store) as Arc<dyn Store>),
            self.watched.swap(0, Ordering::SeqCst),
        );
        self.fates = self.office.fates.lock().unwrap().clone();
        let requests = self.world.sandbox.requests();
        for request in &requests {
            let fault = request.fault.map(|fault| format!(" {fault:?}")).unwrap_or_default();
            let Logged { method, path, query, body, status, .. } = request;
            self.say(format!("{method} {path}?{query} {body} {status}{fault}"));
        }
        self.exchanges += requests.len() as u64;
        self.requests.extend(requests);
        for write in self.world.sandbox.writes() {
            if write.writer != Writer::Api {
                continue;
            }
            let set = match write.deed {
                Deed::Create => &mut self.made,
                Deed::Delete => &mut self.deleted,
                _ => &mut self.updated,
            };
            set.insert((write.collection, write.id));
        }
        self.world.sandbox.clear_logs();
        let broken = std::mem::take(&mut *self.office.broken.lock().unwrap());
        for law in broken {
            self.broke(law);
        }
        self.say(format!("life {}: {words}", self.lives));
    }

    /// Arms the faults of the life that begins.
    fn arm(&mut self) {
        let (counts, trace) = (self.counts.clone(), Arc::clone(&self.trace));
        let (office, files, watched) =
            (self.office.clone(), self.files(), Arc::clone(&self.watched));
        let (sandbox, rarity, late) =
            (self.world.sandbox.clone(), self.options.rarity, self.options.hasty);
        if self.options.liar {
            let mut liar = Liar::new(self.options.seed, self.lives, self.counts.clone());
            let sandbox = self.world.sandbox.clone();
            self.world
                .wire
                .edit(move |request, response| liar.edit(request, response, sandbox.now_ms()));
        }
        let mut chance = Chance::of(self.options.seed, &format!("wire {}", self.lives));
        let mut acts = Chance::of(self.options.seed, &format!("meanwhile {}", self.lives));
        // Remaining exchanges during which a write is probably in doubt; and whether that is a
        // candidate's create.
        let (mut doubtful, mut unborn) = (0_u64, false);
        self.world.wire.meddle(move |request| {
            watched.store(
                office.watch(&files.store, watched.load(Ordering::SeqCst)),
                Ordering::SeqCst,
            );
            doubtful = doubtful.saturating_sub(1);
            let rarity_of_fate = match (doubtful, unborn) {
                (0, _) => 80,
                (_, true) => 5,
                (_, false) => 12,
            };
            if acts.one_in(rarity_of_fate) {
                office.fate_meanwhile(&files);
            }
            if doubtful > 0 && acts.one_in(6) {
                office.work_in_doubt_meanwhile(&files);
            }
            if acts.one_in(40) {
                office.edit_meanwhile(&files);
            }
            if chance.one_in(80) {
                trace.lock().unwrap().push("! token revoked".to_owned());
                sandbox.revoke_tokens();
                counts.fired("token revoked");
            }
            let (fault, meddle) = befall(&mut chance, request, rarity, late)?;
            trace.lock().unwrap().push(format!("! {fault}"));
            counts.fired(fault);
            if request.method != "GET" && leaves_in_doubt(fault) {
                (doubtful, unborn) = (DOUBTFUL, request.url.path() == "/v3/candidates");
            }
            Some(meddle)
        });
        if self.chance.one_in(4) {
            let (counts, trace) = (self.counts.clone(), Arc::clone(&self.trace));
            let at = 1 + self.chance.below(30);
            let (fault, upset) = *self.chance.pick(&[
                ("killed before a commit", StoreUpset::DieBefore),
                ("killed after a commit", StoreUpset::DieAfter),
                ("disk full", StoreUpset::Full),
            ]);
            self.store.upset(move |number, call| {
                if number != at {
                    return None;
                }
                trace.lock().unwrap().push(format!("! {fault}: {call}"));
                counts.fired(fault);
                Some(upset)
            });
        }
        self.endanger_disk();
    }

    fn endanger_disk(&mut self) {
        let Some(disk) = &self.disk else { return };
        match self.chance.below(6) {
            0 => disk.cut_after(self.chance.below(300)),
            1 => disk.fail_sync_after(self.chance.below(40)),
            _ => {}
        }
    }
}

/// A disk with which the engine dies: its calls at the power cut never return.
fn mortal_disk(image: Vec<u8>, death: &Arc<Death>) -> Disk {
    let death = Arc::clone(death);
    Disk::holding(image).on_cut(move || death.mark())
}

/// The number of deletions that sweeps have reported after a serial.
async fn swept(acme: &atsync::Connection, after: u64) -> Result<usize, Error> {
    let changes: Vec<Change> = acme.changes(after).try_collect().await?;
    let told = |change: &&Change| {
        change.what == ChangeWhat::Deleted && matches!(change.cause, Cause::Swept { .. })
    };
    Ok(changes.iter().filter(told).count())
}

fn catalogue(sandbox: &Sandbox) -> Catalogue {
    let ids = |collection: &str, fits: fn(&Value) -> bool| -> Vec<String> {
        sandbox
            .rows(collection)
            .iter()
            .filter(|row| fits(row))
            .map(|row| row["id"].to_string())
            .collect()
    };
    let address = |row: &Value| row["email_addresses"][0]["value"].as_str().map(str::to_owned);
    let plain = |row: &&Value| row["private"] == false && row["anonymized_at"].is_null();
    let rows = sandbox.rows("candidates");
    let known = rows.iter().filter(plain).filter_map(address);
    let known =
        known.filter(|email| sandbox.candidates_by_email(email).len() == 1).take(6).collect();
    Catalogue {
        jobs: ids("jobs", |job| job["status"] == "open" && job["is_template"] != true),
        pools: ids("prospect_pools", |_| true),
        reasons: ids("rejection_reasons", |_| true),
        known,
    }
}
