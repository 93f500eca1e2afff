//! How much of the rate window a connection uses that has more requests than it may send.
//!
//! The goal: at least 98 % of what the windows allow, and no avoidable 429. A real session and real
//! budgets with the rules of Greenhouse's manifest run against the sandbox's own limiter on a
//! manual clock: figures repeat exactly, and an hour takes a moment. The windows are those of the
//! sandbox's clock, which may differ from ours. The first and the last window are not counted,
//! since they are not whole.
//!
//! `cargo bench -p atsync-tests --bench saturation`. Left out: other integrations that use the same
//! budget; the tests of the budget have them.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a program that measures")]

#[path = "parts/figures.rs"]
mod figures;

use atsync::Clock;
use atsync::internals::adapter::Adapter;
use atsync::internals::store::memory::MemoryStore;
use atsync::internals::transport::{
    AuthConfig, Delivery, Priority, Session, SessionOptions, Shared,
};
use atsync::model::contract::{Body, Effect, Path, Request, Target};
use atsync::testing::{ManualClock, SeededEntropy};
use atsync_greenhouse_sandbox as sandbox;
use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
use atsync_tests::{BEGIN_MS, World, native_greenhouse};
use figures::figure;
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The length of Greenhouse's windows.
const WINDOW_MS: i64 = 30_000;
/// How long the connection sends.
const RUN_MS: u64 = 3_600_000;
/// The share of the windows, in percent, that must be used.
const GOAL: f64 = 98.0;
/// Concurrent callers; each sends again as soon as it gets an answer.
const CALLERS: usize = 24;

fn main() {
    let mut least = 100.0_f64;
    for limit in [50, 75, 150] {
        for ahead_ms in [0, 437, -2_500] {
            for priority in [Priority::Backfill, Priority::Interactive] {
                least = least.min(saturate(limit, ahead_ms, priority));
            }
        }
    }
    figure("saturation.least_percent", least, "18 cases, no answer 429 in any");
}

/// Returns the share of the windows that was used, in percent.
fn saturate(limit: u32, ahead_ms: i64, priority: Priority) -> f64 {
    let clock = ManualClock::at(BEGIN_MS);
    let mut options = SandboxOptions { rate_limit: limit, ..SandboxOptions::sized(1, 20) };
    options.company.now_ms = Some(i64::try_from(BEGIN_MS).unwrap());
    let time = Arc::clone(&clock);
    options.clock = sandbox::Clock::new(move || i64::try_from(time.now_ms()).unwrap() + ahead_ms);
    let adapter = native_greenhouse();
    let world = World::with(
        Sandbox::new(options),
        clock,
        Arc::new(MemoryStore::default()),
        Arc::clone(&adapter),
    );
    let session = session(&world, adapter.as_ref());
    let mut answered: BTreeMap<i64, u32> = BTreeMap::new();
    let end_ms = BEGIN_MS + RUN_MS;
    world.run(join_all((0..CALLERS).map(|_| async {
        while world.clock.now_ms() < end_ms {
            let delivery = session.execute(&request(), Effect::Safe, priority).await;
            assert!(
                matches!(&delivery, Delivery::Answered(answer) if answer.status == 200),
                "{delivery:?}"
            );
        }
    })));
    for request in world
        .sandbox
        .requests()
        .iter()
        .filter(|request| request.path != "/token" && request.status == 200)
    {
        *answered.entry(request.at_ms / WINDOW_MS).or_default() += 1;
    }
    let (first, last) =
        (*answered.first_key_value().unwrap().0, *answered.last_key_value().unwrap().0);
    // A window without any answer counts too.
    let whole: Vec<u32> = (first + 1..last)
        .map(|window| answered.get(&window).copied().unwrap_or_default())
        .collect();
    let (windows, sent): (u32, u32) = (u32::try_from(whole.len()).unwrap(), whole.iter().sum());
    let share = 100.0 * f64::from(sent) / f64::from(windows * limit);
    let least = whole.iter().min().unwrap();
    println!(
        "limit {limit}, the ATS's clock {ahead_ms} ms ahead, {priority:?}: {share:.2} % of \
         {windows} windows (at least {least} of {limit}), {} answers 429",
        session.usage().throttled
    );
    assert!(share >= GOAL && session.usage().throttled == 0);
    share
}

fn request() -> Request {
    let path = Path { path: "/v3/jobs".into(), query: Vec::new() };
    Request {
        origin: "api".into(),
        method: "GET".into(),
        target: Target::Path(path),
        headers: Vec::new(),
        body: Body::None,
    }
}

fn session(world: &World, adapter: &dyn Adapter) -> Session {
    let origins = world
        .options()
        .origins
        .into_iter()
        .map(|(name, url)| (name, url.parse().unwrap()))
        .collect();
    let mut options = SessionOptions::new("acme", origins);
    options.private_network = true;
    options.credential_origins =
        adapter.manifest().credential_origins().map(str::to_owned).collect();
    options.rules = adapter.manifest().rates.clone();
    options.auth = AuthConfig::ClientCredentials {
        token_origin: "auth".into(),
        token_path: "/token".into(),
        client_id: "sandbox".into(),
        client_secret: atsync::Secret::new("sandbox-secret"),
        form: Vec::new(),
    };
    let (wire, clock) = (Arc::clone(&world.wire), Arc::clone(&world.clock));
    Session::new(options, wire, clock, SeededEntropy::new(5), &Shared::default()).unwrap()
}
