//! `/metrics`: what happened and how it stands, for Prometheus.
//!
//! Labels come from fixed lists, but for the connection's name, which has at most
//! [`CONNECTIONS_MAX`] values and `other` for the rest, and the ids of webhook endpoints, which are
//! few and shown to tokens of all connections. Nothing of a candidate is in a name or a label.
//! The figures are counted while the process runs; they start at zero with it.

use super::caller::Caller;
use super::deliver::known::{Figures, Outcome as Delivered};
use super::health::About;
use super::problem::{Problem, ProblemType};
use super::served::{Listed, Served};
use super::tally::{Outcome, Tally, Work};
use crate::telemetry;
use atsync::{Backlog, Clock, IntentState, LoopStatus, SystemClock};
use axum::Extension;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// Connections with a label of their own.
const CONNECTIONS_MAX: usize = 200;
/// The label of the others.
const OTHER: &str = "other";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    connection: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCondition {
    connection: String,
    condition: About,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRound {
    connection: String,
    round: Work,
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfIntents {
    connection: String,
    state: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfBudget {
    connection: String,
    rule: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfLoop {
    r#loop: &'static str,
    /// Empty for a loop that works for all.
    connection: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfEndpoint {
    endpoint: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfDelivery {
    endpoint: String,
    outcome: Delivered,
}

impl EncodeLabelValue for Delivered {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        encoder.write_str(self.word())
    }
}

impl EncodeLabelValue for About {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        encoder.write_str(self.word())
    }
}

impl EncodeLabelValue for Work {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        encoder.write_str(self.word())
    }
}

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> std::fmt::Result {
        encoder.write_str(self.word())
    }
}

type Counts = Family<Of, Counter>;

/// The families of one answer.
#[derive(Default)]
struct Families {
    rounds: Family<OfRound, Counter>,
    records: Counts,
    changes: Counts,
    writes: Counts,
    hooks: Counts,
    hooks_refused: Counts,
    requests: Counts,
    retries: Counts,
    throttled: Counts,
    waited: Family<Of, Counter<f64, AtomicU64>>,
    conditions: Family<OfCondition, Gauge>,
    open: Family<Of, Gauge>,
    intents: Family<OfIntents, Gauge>,
    in_doubt: Family<Of, Gauge<f64, AtomicU64>>,
    desired: Family<Of, Gauge>,
    dirty: Family<Of, Gauge>,
    lag: Family<Of, Gauge<f64, AtomicU64>>,
    budgets: Family<OfBudget, Gauge>,
    deliveries: Family<OfDelivery, Counter>,
    waiting: Family<OfEndpoint, Gauge<f64, AtomicU64>>,
    endpoints: Family<OfEndpoint, Gauge>,
    heartbeats: Family<OfLoop, Gauge<f64, AtomicU64>>,
}

impl Families {
    fn registered(&self) -> Registry {
        let mut all = Registry::with_prefix("atsync");
        let build: Family<Build, Gauge> = Family::default();
        build.get_or_create(&Build { version: env!("CARGO_PKG_VERSION") }).set(1);
        all.register("build_info", "The version of the program", build);
        all.register("rounds", "Rounds of the schedules", self.rounds.clone());
        all.register("records_read", "Records that pulls read", self.records.clone());
        all.register("records_changed", "Records that pulls stored", self.changes.clone());
        all.register("writes", "Writes that the ATS confirmed", self.writes.clone());
        all.register("webhooks", "Webhooks that were accepted", self.hooks.clone());
        let refused = "Webhooks that were refused";
        all.register("webhooks_refused", refused, self.hooks_refused.clone());
        all.register("requests", "Requests to the ATS", self.requests.clone());
        all.register("request_retries", "Requests that were repeats", self.retries.clone());
        all.register("requests_throttled", "Answers with status 429", self.throttled.clone());
        let waited = "Time spent waiting for rate budgets";
        all.register("budget_wait_seconds", waited, self.waited.clone());
        let holds = "Whether a condition of a connection holds: 1 or 0";
        all.register("condition", holds, self.conditions.clone());
        let open = "Writes that are prepared, sent or in doubt";
        all.register("intents_open", open, self.open.clone());
        let states = "Writes of the journal by state";
        all.register("intents", states, self.intents.clone());
        let oldest = "Age of the oldest write that is in doubt; 0 where none is";
        all.register("intents_in_doubt_oldest_seconds", oldest, self.in_doubt.clone());
        all.register("desired", "Desired records", self.desired.clone());
        let dirty = "Desired records that the next plan includes";
        all.register("desired_dirty", dirty, self.dirty.clone());
        let lag =
            "Time since the last complete pass of the scheduled kind that was pulled longest ago";
        all.register("lag_seconds", lag, self.lag.clone());
        let left = "Requests that a rate budget still allows in its window";
        all.register("budget_left", left, self.budgets.clone());
        let ends = "Deliveries of webhooks out by outcome, each attempt counted";
        all.register("deliveries", ends, self.deliveries.clone());
        let waiting = "Age of the oldest change that a webhook endpoint did not accept yet";
        all.register("deliveries_oldest_waiting_seconds", waiting, self.waiting.clone());
        let enabled = "Whether a webhook endpoint is enabled: 1 or 0";
        all.register("webhook_endpoint_enabled", enabled, self.endpoints.clone());
        if let Some(spans) = telemetry::Tally::shown() {
            let sent: Counter = Counter::default();
            sent.inc_by(spans.sent());
            all.register("telemetry_spans", "Spans that the collector of traces accepted", sent);
            let lost: Counter = Counter::default();
            lost.inc_by(spans.lost());
            all.register("telemetry_spans_lost", "Spans that were lost on the way to it", lost);
        }
        let age = "How long ago a loop last acted; 0 while it waits for an event";
        all.register("heartbeat_age_seconds", age, self.heartbeats.clone());
        all
    }

    /// Of several loops with one label, the one that acted longest ago.
    fn add_loop(&self, one: &LoopStatus, connection: &str) {
        let of = OfLoop { r#loop: one.name, connection: connection.to_owned() };
        let age = std::time::Duration::from_millis(one.age_ms).as_secs_f64();
        let shown = self.heartbeats.get_or_create(&of);
        shown.set(shown.get().max(age));
    }

    fn add_endpoint(&self, figures: Figures, now_ms: u64) {
        let Figures { id: endpoint, is_enabled, deliveries, oldest_ms } = figures;
        for (outcome, count) in deliveries {
            let of = OfDelivery { endpoint: endpoint.clone(), outcome };
            self.deliveries.get_or_create(&of).inc_by(count);
        }
        let waiting_ms = oldest_ms.map_or(0, |oldest_ms| now_ms.saturating_sub(oldest_ms));
        let of = OfEndpoint { endpoint };
        let waiting = std::time::Duration::from_millis(waiting_ms).as_secs_f64();
        self.waiting.get_or_create(&of).set(waiting);
        self.endpoints.get_or_create(&of).set(i64::from(is_enabled));
    }

    /// What the connection has still to do.
    fn add_backlog(&self, connection: &str, listed: &Listed, backlog: &Backlog, now_ms: u64) {
        let of = Of { connection: connection.to_owned() };
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let seconds = |since_ms: u64| {
            std::time::Duration::from_millis(now_ms.saturating_sub(since_ms)).as_secs_f64()
        };
        for state in IntentState::WORDS {
            let count = backlog.intents.get(state).copied().unwrap_or(0);
            let of = OfIntents { connection: connection.to_owned(), state: state.to_owned() };
            self.intents.get_or_create(&of).set(signed(count));
        }
        let open = ["sending", "in_doubt"].map(|state| backlog.intents.get(state).copied());
        let open = open.into_iter().flatten().fold(0, u64::saturating_add);
        self.open.get_or_create(&of).set(signed(open));
        self.in_doubt.get_or_create(&of).set(backlog.oldest_in_doubt_ms.map_or(0.0, seconds));
        self.desired.get_or_create(&of).set(signed(backlog.desired));
        self.dirty.get_or_create(&of).set(signed(backlog.dirty));
        if let Some(since_ms) = listed.pulled_since_ms(&backlog.pulled_ms) {
            self.lag.get_or_create(&of).set(seconds(since_ms));
        }
    }

    fn add(&self, connection: &str, listed: &Listed) {
        let of = Of { connection: connection.to_owned() };
        let Tally { rounds, records, changes, writes, hooks, hooks_refused } = &listed.tally;
        for ((round, outcome), count) in rounds {
            let of =
                OfRound { connection: connection.to_owned(), round: *round, outcome: *outcome };
            self.rounds.get_or_create(&of).inc_by(*count);
        }
        self.records.get_or_create(&of).inc_by(*records);
        self.changes.get_or_create(&of).inc_by(*changes);
        self.writes.get_or_create(&of).inc_by(*writes);
        self.hooks.get_or_create(&of).inc_by(*hooks);
        self.hooks_refused.get_or_create(&of).inc_by(*hooks_refused);
        if let Some(usage) = listed.connection.as_ref().map(atsync::Connection::usage) {
            let sent = usage.requests.values().copied().fold(0, u64::saturating_add);
            self.requests.get_or_create(&of).inc_by(sent.saturating_add(usage.token_requests));
            self.retries.get_or_create(&of).inc_by(usage.retries);
            self.throttled.get_or_create(&of).inc_by(usage.throttled);
            let seconds = std::time::Duration::from_millis(usage.waited_ms).as_secs_f64();
            self.waited.get_or_create(&of).inc_by(seconds);
            for (rule, left) in usage.budget_left {
                let of = OfBudget { connection: connection.to_owned(), rule };
                // Of several connections, the least.
                let known = self.budgets.get(&of).map_or(i64::MAX, |known| known.get());
                self.budgets.get_or_create(&of).set(known.min(i64::from(left)));
            }
        }
    }
}

/// Writes the figures of the connections that the token may use.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses(
    (status = 200, body = String),
))]
pub(super) async fn metrics(
    State(served): State<Arc<Served>>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    let families = Families::default();
    let now_ms = SystemClock.now_ms();
    let mut conditions: BTreeMap<(String, About), bool> = BTreeMap::new();
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    for (at, listed) in served.listed(&caller).iter().enumerate() {
        let has_own = at < CONNECTIONS_MAX;
        let name = if has_own { listed.name.as_str() } else { OTHER };
        families.add(name, listed);
        if let Some(connection) = listed.connection.as_ref().filter(|_| has_own) {
            families.add_backlog(name, listed, &connection.backlog().await?, now_ms);
        }
        labels.insert(listed.name.clone(), name.to_owned());
        for condition in &listed.conditions {
            // Of several connections, the worst.
            let holds = conditions.entry((name.to_owned(), condition.r#type)).or_insert(true);
            *holds &= condition.status;
        }
    }
    for ((connection, condition), holds) in conditions {
        let of = OfCondition { connection, condition };
        families.conditions.get_or_create(&of).set(i64::from(holds));
    }
    for one in served.loops() {
        match &one.connection {
            None => families.add_loop(&one, ""),
            Some(connection) => {
                // Another connection is not the caller's.
                let label = labels.get(connection);
                label.into_iter().for_each(|label| families.add_loop(&one, label));
            }
        }
    }
    if !caller.is_limited() {
        let endpoints = served.deliveries.figures().into_iter();
        endpoints.for_each(|figures| families.add_endpoint(figures, now_ms));
    }
    let mut text = String::new();
    encode(&mut text, &families.registered()).map_err(|error| {
        Problem::new(ProblemType::StoreFailed, format!("the figures cannot be written: {error}"))
    })?;
    let media = "text/plain; version=0.0.4; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, media)], plain(&text)).into_response())
}

/// OpenMetrics as the text format of Prometheus, which every reader knows: a counter is described
/// under the name of its samples, and nothing marks the end.
fn plain(text: &str) -> String {
    let counters: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"))
        .collect();
    let described = |line: &str| {
        let (what, rest) = line.strip_prefix("# ")?.split_once(' ')?;
        let (name, rest) = rest.split_once(' ')?;
        counters.contains(name).then(|| format!("# {what} {name}_total {rest}\n"))
    };
    let lines = text.lines().filter(|line| *line != "# EOF");
    lines.map(|line| described(line).unwrap_or_else(|| format!("{line}\n"))).collect()
}
