//! A day of a host with a thousand connections, on a manual clock: schedules are kept, the ATS that
//! is down slows no other, and what the run holds does not grow.

use atsync::internals::transport::{Delivery, NotSent, Transport, WireRequest};
use atsync::model::contract::{Field, Response};
use atsync::testing::{ManualClock, SeededEntropy};
use atsync::{
    Clock, Connection, ConnectionOptions, Credential, Cron, Crons, Engine, MemoryStore, Round,
    Secret,
};
use atsync_greenhouse_sandbox as sandbox;
use atsync_greenhouse_sandbox::{Sandbox, SandboxOptions};
use atsync_tests::native_greenhouse;
use futures_util::future::{BoxFuture, join, join_all};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

#[path = "benches/parts/process.rs"]
mod process;

const CONNECTIONS: usize = 1_000;
const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
/// Ten minutes after a full hour: the delay of the hour before is over.
const BEGIN_MS: u64 = atsync_tests::BEGIN_MS - atsync_tests::BEGIN_MS % HOUR_MS + 10 * MINUTE_MS;
const JITTER_MS: u64 = 10 * MINUTE_MS;
/// How long an answer takes.
const LATENCY_MS: u64 = 40;
/// How long the ATS that is down keeps a request waiting.
const HANGS_MS: u64 = 30_000;
/// Requests after which the sandbox forgets its log.
const LOG_MAX: u64 = 500;

const DEAD: &str = "customer-0001";
const FLAPPING: &str = "customer-0002";

/// One sandbox behind a host name for each customer.
#[derive(Debug)]
struct Hosts {
    sandbox: Sandbox,
    clock: Arc<ManualClock>,
    requests: AtomicU64,
}

impl Hosts {
    fn answer(&self, request: &WireRequest) -> Delivery {
        if self.requests.fetch_add(1, Ordering::SeqCst).is_multiple_of(LOG_MAX) {
            self.sandbox.clear_logs();
        }
        let url = &request.url;
        let path = url.query().map_or(url.path().to_owned(), |of| format!("{}?{of}", url.path()));
        let mut headers = request.headers.clone();
        headers.push(("host".to_owned(), url.authority().to_owned()));
        let answer = self.sandbox.handle(&sandbox::Request {
            method: &request.method,
            path_and_query: &path,
            headers: &headers,
            body: &request.body,
        });
        let headers =
            answer.headers.into_iter().map(|(name, value)| Field { name, value }).collect();
        Delivery::Answered(Response { status: answer.status, headers, body: answer.body })
    }
}

impl Transport for Hosts {
    fn exchange(&self, request: WireRequest) -> BoxFuture<'_, Delivery> {
        Box::pin(async move {
            let host = request.url.host_str().unwrap_or_default().to_owned();
            // Up and down by turns, so that many rounds fail and many succeed.
            let is_down = (self.clock.now_ms() / (7 * MINUTE_MS)).is_multiple_of(2);
            if host.starts_with(DEAD) {
                self.clock.sleep(HANGS_MS).await;
                return Delivery::Unclear("no answer in time".to_owned());
            }
            self.clock.sleep(LATENCY_MS).await;
            if host.starts_with(FLAPPING) && is_down {
                return Delivery::NotSent(NotSent::Unreachable("it is down".to_owned()));
            }
            self.answer(&request)
        })
    }
}

fn options(name: &str) -> ConnectionOptions {
    let credential = Credential::ClientCredentials {
        client_id: "sandbox".into(),
        client_secret: Secret::new("sandbox-secret"),
    };
    let mut options = ConnectionOptions::new(name, native_greenhouse(), credential);
    for origin in ["api", "auth"] {
        options.origins.insert(origin.into(), format!("http://{name}.example"));
    }
    options.allow_private_network = true;
    options
}

/// What a connection's rounds did, with their times.
#[derive(Debug, Default)]
struct Told {
    pulled_ms: Vec<u64>,
    failed_ms: Vec<u64>,
}

#[test]
fn a_day_of_a_thousand_connections_keeps_each_schedule_whatever_one_ats_does() {
    let clock = ManualClock::at(BEGIN_MS);
    let mut sized = SandboxOptions {
        rate_limit: 10_000_000,
        token_rate_limit: 10_000_000,
        ..SandboxOptions::sized(1, 1)
    };
    sized.company.now_ms = Some(i64::try_from(BEGIN_MS).unwrap());
    let time = Arc::clone(&clock);
    sized.clock = sandbox::Clock::new(move || i64::try_from(time.now_ms()).unwrap());
    let hosts = Hosts {
        sandbox: Sandbox::new(sized),
        clock: Arc::clone(&clock),
        requests: AtomicU64::new(0),
    };
    let company = hosts.sandbox.clone();
    let engine = Engine::builder()
        .store(Arc::new(MemoryStore::default()))
        .transport(Arc::new(hosts))
        .clock(Arc::clone(&clock) as _)
        .entropy(SeededEntropy::new(7))
        .build()
        .unwrap();
    let told: Mutex<BTreeMap<String, Told>> = Mutex::default();
    let memory_kib: Mutex<Vec<u64>> = Mutex::default();
    let hourly = Cron::parse("0 * * * *").unwrap().in_zone("Europe/Berlin").unwrap();
    let crons = Crons::of_pulls([("departments".to_owned(), hourly)])
        .with_jitter(JITTER_MS)
        .with_retention(Some(24 * HOUR_MS), Some(Connection::JOURNAL_AGE_MIN_MS));
    let end_ms = clock.steady_ms() + 24 * HOUR_MS + 30 * MINUTE_MS;
    clock.drive(async {
        let names = (0..CONNECTIONS).map(|at| format!("customer-{at:04}"));
        let open = join_all(names.map(|name| {
            let engine = &engine;
            async move { engine.connect(options(&name)).await.unwrap() }
        }));
        let open = open.await;
        let runs = open.iter().map(|connection| {
            let stop = clock.sleep(end_ms - clock.steady_ms());
            let tell = |round: &Round<'_>| {
                let mut told = told.lock().unwrap();
                let one = told.entry(connection.name().to_owned()).or_default();
                match round {
                    Round::Pulled(_) => one.pulled_ms.push(clock.now_ms()),
                    Round::PullFailed { .. } => one.failed_ms.push(clock.now_ms()),
                    _ => {}
                }
            };
            connection.run(crons.clone(), stop, tell)
        });
        let watch = async {
            for hour in 1..=24 {
                clock.sleep((hour * HOUR_MS).saturating_sub(clock.now_ms() - BEGIN_MS)).await;
                // The company's log of requests is not the run's memory.
                company.clear_logs();
                if matches!(hour, 2 | 6 | 12 | 18 | 24) {
                    memory_kib.lock().unwrap().push(process::memory_kib("VmRSS:"));
                }
            }
        };
        let (ended, ()) = join(join_all(runs), watch).await;
        ended.into_iter().for_each(|ended| ended.unwrap());
    });

    let told = told.into_inner().unwrap();
    let mut starts: BTreeMap<u64, usize> = BTreeMap::new();
    for (name, one) in told.iter().filter(|(name, _)| *name != DEAD && *name != FLAPPING) {
        assert!(one.failed_ms.is_empty(), "{name}: {one:?}");
        // One at the start, and one in each hour, at the same moment after its beginning.
        let hourly = &one.pulled_ms[1..];
        assert_eq!(hourly.len(), 24, "{name}");
        let late_ms: Vec<u64> = hourly.iter().map(|at| at % HOUR_MS).collect();
        let (least, most) = (late_ms.iter().min().unwrap(), late_ms.iter().max().unwrap());
        assert!(*most < JITTER_MS + 1_000, "{name}: {late_ms:?}");
        assert!(most - least < 1_000, "{name} is held up: {late_ms:?}");
        *starts.entry(least / 1_000).or_default() += 1;
    }
    assert_eq!(told.len(), CONNECTIONS);
    let busiest = starts.values().max().unwrap();
    assert!(*busiest < 20, "{busiest} connections start in the same second");
    let dead = &told[DEAD];
    assert!(dead.pulled_ms.is_empty() && dead.failed_ms.len() > 24, "{dead:?}");
    let flapping = &told[FLAPPING];
    assert!(flapping.pulled_ms.len() >= 20 && !flapping.failed_ms.is_empty(), "{flapping:?}");
    let memory_kib = memory_kib.into_inner().unwrap();
    let grown_kib = memory_kib.last().unwrap().saturating_sub(memory_kib[1]);
    println!("{memory_kib:?} KiB resident after 2, 6, 12, 18 and 24 hours");
    assert!(grown_kib < 8 * 1_024, "{grown_kib} KiB more after a day");
}
