//! Faults, named in plain words, and the count of each: a fault that never fires proves nothing and
//! fails the run.

use crate::chance::Chance;
use crate::liar::LIES;
use atsync::internals::transport::WireRequest;
use atsync_greenhouse_sandbox::FaultKind;
use atsync_tests::Meddle;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// Every fault that a simulation can have.
pub(crate) const ALL: &[&str] = &[
    "DNS fails",
    "dropped before it was processed",
    "applied, then reset",
    "applied, then 504",
    "503, not applied",
    "429 without Retry-After",
    "401 with a good token",
    "slow",
    "answer cut",
    "HTML instead of JSON",
    "broken JSON",
    "cursor expired",
    "duplicate page",
    "row skipped between pages",
    "token revoked",
    "killed before a request is processed",
    "killed before its answer",
    "killed before a commit",
    "killed after a commit",
    "disk full",
    "power cut",
    "fsync lost",
    "clock jumps ahead",
    "clock jumps back",
    "recruiter acts meanwhile",
    "recruiter merges",
    "recruiter deletes a candidate",
    "recruiter deletes an application",
    "recruiter anonymises",
    "recruiter anonymises in part",
    "recruiter converts a prospect",
    "recruiter transfers an application",
    "recruiter transfers an application, and it has a new id",
    "recruiter makes private",
    "recruiter makes public",
    "recruiter deletes a private candidate",
    "a merge on a merge",
    "a merge on a merge that was not seen yet",
    "recruiter merges a candidate in doubt",
    "recruiter deletes a candidate in doubt",
    "recruiter anonymises a candidate in doubt",
    "recruiter makes a candidate in doubt private",
    "recruiter moves while a write is in doubt",
    "recruiter rejects while a write is in doubt",
    "recruiter takes a rejection back while a write is in doubt",
    "a fate strikes meanwhile",
    "recruiter replaces an address",
    "a sweep stops half way",
    "a sweep goes on",
    "a hint",
    "a lie for a hint",
];

/// How often each fired.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts(Arc<Mutex<BTreeMap<&'static str, u64>>>);

impl Counts {
    pub(crate) fn fired(&self, fault: &'static str) {
        assert!(ALL.contains(&fault) || LIES.contains(&fault), "{fault} is not in the list");
        *self.0.lock().unwrap().entry(fault).or_default() += 1;
    }

    pub(crate) fn of(&self, fault: &str) -> u64 {
        self.0.lock().unwrap().get(fault).copied().unwrap_or(0)
    }

    pub(crate) fn add(&self, other: &Self) {
        for (fault, times) in other.0.lock().unwrap().iter() {
            *self.0.lock().unwrap().entry(fault).or_default() += times;
        }
    }

    pub(crate) fn sum(&self) -> u64 {
        self.0.lock().unwrap().values().sum()
    }
}

/// Whether the fault leaves the outcome of a write open.
pub(crate) fn leaves_in_doubt(fault: &str) -> bool {
    [
        "applied, then reset",
        "applied, then 504",
        "answer cut",
        "slow",
        "HTML instead of JSON",
        "broken JSON",
    ]
    .contains(&fault)
}

/// The fault of a request, and its name. `rarity`: one in so many requests has a fault. If the ATS
/// is `late`, a death cuts off more writes: what was on its way does not show when the next life
/// probes.
pub(crate) fn befall(
    chance: &mut Chance,
    request: &WireRequest,
    rarity: u64,
    late: bool,
) -> Option<(&'static str, Meddle)> {
    let path = request.url.path();
    let token = path == "/token";
    let write = request.method != "GET" && !token;
    let cursor = request.url.query().is_some_and(|query| query.contains("cursor="));
    // Faults matter most on writes, which are rare; pages after the first are rarer still.
    let rarity = if write || cursor { rarity.div_ceil(4) } else { rarity };
    if !chance.one_in(rarity) {
        return None;
    }
    let fault = |fault| Meddle::Fault(fault);
    let mut all = vec![
        ("DNS fails", Meddle::Unreachable),
        ("dropped before it was processed", fault(FaultKind::DropBefore)),
        ("503, not applied", fault(FaultKind::NotApplied { status: 503 })),
        ("429 without Retry-After", fault(FaultKind::TooManyRequests)),
        ("slow", fault(FaultKind::Slow { delay_ms: 1_000 + chance.below(60_000) })),
        (
            "answer cut",
            fault(FaultKind::Truncate { bytes: usize::try_from(chance.below(200)).unwrap() }),
        ),
        ("HTML instead of JSON", fault(FaultKind::Html)),
        ("broken JSON", fault(FaultKind::InvalidJson)),
        ("killed before a request is processed", Meddle::DieBefore),
        ("killed before its answer", Meddle::DieAfter),
    ];
    if !token {
        all.push(("401 with a good token", fault(FaultKind::Unauthorized)));
    }
    if write {
        for _ in 0..3 {
            all.push(("applied, then reset", fault(FaultKind::DropAfter)));
            all.push(("applied, then 504", fault(FaultKind::AppliedThen { status: 504 })));
        }
    }
    if write && late {
        all.extend([("killed before its answer", Meddle::DieAfter); 8]);
    }
    if cursor {
        // Only pages after the first: a probe for one record is no walk, and the engine cannot work
        // with an ATS that hides a record from a probe.
        for _ in 0..4 {
            all.push(("cursor expired", Meddle::CursorExpired));
            all.push(("duplicate page", Meddle::DuplicatePage));
            all.push(("row skipped between pages", Meddle::SkippedRow));
        }
    }
    Some(*chance.pick(&all))
}
